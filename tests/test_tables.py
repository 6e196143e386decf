"""Tables: what conform refuses and what it keeps."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from linwu_stats.tables import CODES, TABLES, TableError, conform, dictionary_text, empty, label, require

ROWS = {"household_id": ["00431099000001", "00431099000002"], "food_ok": [True, None], "clothing_ok": [None, False]}


def test_conform_gives_declared_columns_types_and_order():
    out = conform(pd.DataFrame({"clothing_ok": [None, False], "extra": [1, 2], **ROWS}), "living")
    assert list(out.columns) == ["household_id", "food_ok", "clothing_ok"]
    assert [str(dtype) for dtype in out.dtypes] == ["string", "boolean", "boolean"]
    assert out["food_ok"].isna().tolist() == [False, True]


def test_the_input_is_not_changed():
    frame = pd.DataFrame(ROWS)
    before = frame.copy(deep=True)
    conform(frame, "living")
    pd.testing.assert_frame_equal(frame, before)


def test_an_absent_optional_column_is_unknown_not_false():
    out = conform(pd.DataFrame({"household_id": ["00431099000001"]}), "living")
    assert out["food_ok"].isna().all()


@pytest.mark.parametrize(
    ("table", "rows", "words"),
    [
        ("living", {"food_ok": [True]}, "household_id"),
        ("living", {**ROWS, "household_id": ["1", None]}, "blank in 1 rows"),
        ("living", {**ROWS, "household_id": ["1", "1"]}, "repeat the key"),
        ("housing", {"household_id": ["1"], "housing_grade": ["E"]}, "outside its code list"),
        ("housing", {"household_id": ["1"], "housing_grade": ["A级"]}, "outside its code list"),
        ("water", {"household_id": ["1"], "supply_days": ["many"]}, "supply_days.*年供水天数"),
        ("water", {"household_id": ["1"], "supply_days": [1.5]}, "is not int"),
    ],
)
def test_refused(table, rows, words):
    with pytest.raises(TableError, match=words):
        conform(pd.DataFrame(rows), table)


def test_leading_zeros_survive():
    assert conform(pd.DataFrame(ROWS), "living")["household_id"].iloc[0] == "00431099000001"


def test_large_money_is_exact():
    big = 9_007_199_254_740_993  # 2**53 + 1: a float would lose the last fen
    out = conform(pd.DataFrame({"household_id": ["1"], "quarter": ["2018Q1"], "wage_fen": pd.array([big], dtype="Int64")}), "income_sheet")
    assert int(out["wage_fen"].iloc[0]) == big


def test_the_same_on_duckdb():
    relation = duckdb.from_df(pd.DataFrame({"household_id": ["00431099000001"], "food_ok": [True]}))
    out = conform(relation, "living")
    assert out.columns == ["household_id", "food_ok", "clothing_ok"]
    assert out.fetchall() == [("00431099000001", True, None)]


def test_require_names_what_is_missing_with_its_chinese_term():
    with pytest.raises(TableError, match="就学状态"):
        require(pd.DataFrame({"person_id": []}), "schooling", "school_state")


@pytest.mark.parametrize("name", TABLES)
def test_every_declaration_is_whole(name):
    table = TABLES[name]
    assert table.key, "a table has a key"
    assert len(set(table.names)) == len(table.names)
    assert not empty(name).shape[0]
    for column in table.columns:
        assert column.heading
        assert not column.codes or column.codes in CODES
        assert not column.name.endswith("_fen") or (column.unit == "分" and column.dtype == "int")
        assert not column.name.endswith("_persons") or column.unit == "人"


def test_no_table_holds_a_name_or_a_number_of_a_person():
    for table in TABLES.values():
        assert not {"name", "id_number", "phone", "bank_card"} & set(table.names)


def test_label_shows_unknown_in_words():
    assert label("outcome", "met") == "达标"
    assert label("outcome", pd.NA) == label("outcome", None) == label("outcome", float("nan")) == "未知"


def test_dictionary_lists_every_column():
    text = dictionary_text()
    assert sum(line.startswith("| `") for line in text.splitlines()) == sum(len(table.columns) for table in TABLES.values())
