"""Corrections as an overlay: what is accepted, what is refused and why, and that exactly the corrected number changes."""

from __future__ import annotations

import csv
import datetime as dt
import json

import openpyxl
import pandas as pd
import pytest

from linwu_stats.ledgers import corrections, worklist
from linwu_stats.ledgers.entries import read_entry
from linwu_stats.ledgers.worklist_books import write_register, write_work_books
from linwu_stats.rules import rules_at
from linwu_stats.tables import conform, empty

RULES = rules_at("2018-03-31")
QUARTER = "2018Q1"
HOMES = [f"0043109900000{number}" for number in range(1, 7)]
TOWN, VILLAGE = "431025100", "431025100201"
LEDGERS = ("villages", "households", "persons", "housing", "water", "living", "schooling", "insurance", "income_items", "income_sheet", "findings")


def make_tables() -> dict[str, pd.DataFrame]:
    """A register of six households; the first has no housing row, the second no cause, the third a wage of 300.00 in its sheet."""
    tables = {name: empty(name) for name in LEDGERS}
    tables["households"] = conform(pd.DataFrame({
        "household_id": HOMES, "township_code": TOWN, "village_code": VILLAGE, "poverty_status": "not_out", "attribute": "general",
        "cause": [None if place == 1 else "illness" for place in range(6)], "recorded_size_persons": 3, "water_safe": True,
    }), "households")
    tables["persons"] = conform(pd.DataFrame({"person_id": [f"{home}01" for home in HOMES], "household_id": HOMES, "birth_date": "1960-01-01"}), "persons")
    tables["housing"] = conform(pd.DataFrame({"household_id": HOMES[1:], "housing_grade": "A"}), "housing")
    tables["income_sheet"] = conform(pd.DataFrame({"household_id": HOMES, "quarter": QUARTER, "wage_fen": 30_000, "cost_fen": 0}), "income_sheet")
    tables["income_items"] = conform(pd.DataFrame({
        "line_id": [f"{QUARTER}:0:0:{place + 2}" for place in range(6)], "household_id": HOMES, "quarter": QUARTER, "item_key": "item.wage.local",
        "amount_fen": [None, 1, 2, 3, 4, 5],
    }), "income_items")
    return tables


def item(number: int, home: str, fields: str, current: dict[str, str | None], *, gravity: str = "error", subject: str | None = None) -> dict[str, object]:
    return {
        "item_id": f"{number:016x}", "order": number, "gravity": gravity, "status": "new", "kind": "check", "code": f"check.made.{number}",
        "subject_id": subject or home, "township_code": TOWN, "village_code": VILLAGE, "household_id": home, "heading": "项目", "what": "问题",
        "fields": fields or None, "current": json.dumps(current), "owner": "乡镇", "office": "township", "deadline_date": dt.datetime(2018, 4, 20),  # noqa: DTZ001
        "first_quarter": QUARTER, "last_quarter": QUARTER, "quarters_open": 1,
    }


ISSUED = conform(pd.DataFrame([
    item(1, HOMES[0], "housing.housing_grade", {"housing.housing_grade": None}),
    item(2, HOMES[1], "households.cause", {"households.cause": None}),
    item(3, HOMES[2], "income_sheet.wage_fen income_sheet.cost_fen", {"income_sheet.wage_fen": "30000", "income_sheet.cost_fen": "0"}),
    item(4, HOMES[3], "households.water_safe", {"households.water_safe": "true"}, gravity="warning"),
    item(5, HOMES[4], "", {}),
    item(6, HOMES[0], "income_items.amount_fen", {"income_items.amount_fen": None}, subject=f"{QUARTER}:0:0:2"),
    item(7, HOMES[5], "persons.birth_date", {"persons.birth_date": "1960-01-01"}, subject=f"{HOMES[5]}01"),
]), "work_list")


def entry(number: int, **given: object) -> dict[str, object]:
    base = {"item_id": f"{number:016x}", "household": "", "person": "", "answer": "已改正", "field": "", "value": "", "who": "王某", "when": "2018-04-12"}
    return base | given


def apply(*rows: dict[str, object], tables: dict[str, pd.DataFrame] | None = None, issued: pd.DataFrame = ISSUED):
    frame = pd.DataFrame([row | {"correction_id": f"000:0:{place}", "file": "a.xlsx", "row": place} for place, row in enumerate(rows)], dtype="object")
    return corrections.apply_corrections(tables or make_tables(), frame, issued, RULES, QUARTER)


def reasons(*rows: dict[str, object], **more: object) -> list[str]:
    return apply(*rows, **more)[1]["reason_code"].tolist()


def changed(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> set[tuple[str, str, str]]:
    """Every cell that differs: table, key, column."""
    out = set()
    for name, frame in before.items():
        key = "line_id" if name == "income_items" else "person_id" if name == "persons" else "village_code" if name == "villages" else "household_id"
        if key not in frame.columns or name == "findings":
            continue
        new = after[name].set_index(key)
        old = frame.set_index(key)
        for subject in new.index:
            for column in new.columns:
                one = old.at[subject, column] if subject in old.index else pd.NA
                two = new.at[subject, column]
                if not ((pd.isna(one) and pd.isna(two)) or (not pd.isna(one) and not pd.isna(two) and one == two)):
                    out.add((name, subject, column))
    return out


def test_exactly_the_corrected_cells_change_and_nothing_that_came_in():
    tables, kept = make_tables(), make_tables()
    after, said = apply(
        entry(1, value="C级"), entry(2, value="因残"), entry(3, field="工资性收入(元)", value="450.50"), entry(6, value="0"),
        entry(7, value="1961年2月3日"), tables=tables,
    )
    assert said["reason_code"].tolist() == ["applied"] * 5 and said["accepted"].all()
    assert changed(kept, after) == {
        ("housing", HOMES[0], "housing_grade"), ("households", HOMES[1], "cause"),
        ("income_sheet", HOMES[2], "wage_fen"), ("income_items", f"{QUARTER}:0:0:2", "amount_fen"), ("persons", f"{HOMES[5]}01", "birth_date"),
    }
    assert after["income_sheet"].set_index("household_id").at[HOMES[2], "wage_fen"] == 45_050
    assert after["housing"].set_index("household_id").at[HOMES[0], "housing_grade"] == "C" and len(after["housing"]) == 6
    assert after["income_items"]["amount_fen"].iloc[0] == 0, "a zero that somebody found out is a zero"
    assert after["persons"]["birth_date"].iloc[5] == pd.Timestamp("1961-02-03")
    for name, frame in kept.items():
        pd.testing.assert_frame_equal(tables[name], frame)
        conform(after[name], name)
    assert said["before"].fillna("-").tolist() == ["-", "-", "30000", "-", "1960-01-01"]
    assert said["after"].tolist() == ["C", "disability", "45050", "0", "1961-02-03"]


@pytest.mark.parametrize("value", ["约300", "300左右", "3-4", "三百", "O", "3O0", "1.234", "-5", "1e5", "#REF!", "=100+200", "1,00", "12345678901"])
def test_a_value_that_is_not_certain_is_refused(value):
    after, said = apply(entry(3, field="工资性收入", value=value))
    assert said["reason_code"].tolist() == ["bad_value"] and not said["accepted"].any() and pd.isna(said["after"].iloc[0])
    assert not changed(make_tables(), after)


@pytest.mark.parametrize(("number", "value"), [
    (2, "很穷"), (2, "=cmd|'/c calc'!A1"), (2, "<b>因残</b>"), (7, "1961-02-30"), (7, "61.2.3"), (1, "E级"), (4, "可能"),
])
def test_a_value_outside_its_list_or_calendar_is_refused(number, value):
    assert reasons(entry(number, value=value)) == ["bad_value"]


@pytest.mark.parametrize(("given", "reason"), [
    ({"who": ""}, "no_who"), ({"who": "123"}, "no_who"), ({"who": "13900000000"}, "no_who"), ({"who": "=1+1"}, "no_who"),
    ({"when": ""}, "no_when"), ({"when": "昨天"}, "no_when"), ({"when": "2018-02-30"}, "no_when"), ({"when": "12.4.18"}, "no_when"),
    ({"answer": ""}, "no_answer"), ({"answer": "改了"}, "bad_answer"), ({"value": ""}, "no_value"), ({"item_id": "f" * 16}, "unknown_item"),
    ({"household": HOMES[4]}, "other_household"), ({"answer": "无法核实"}, "value_not_used"), ({"answer": "经核实无误", "value": ""}, "error_not_closed"),
    ({"field": "户主姓名"}, "no_field"),
])
def test_a_row_that_is_not_whole_is_refused_with_its_reason(given, reason):
    row = entry(2, value="因残") | given
    after, said = apply(row)
    assert said["reason_code"].tolist() == [reason] and not said["accepted"].any()
    assert not changed(make_tables(), after)


def test_several_candidates_need_a_choice():
    assert reasons(entry(3, value="1")) == ["no_field"]
    assert reasons(entry(3, field="生产经营性支出", value="1")) == ["applied"]


@pytest.mark.parametrize("when", ["2018-04-12", "2018年4月12日", "2018/4/12", "2018.4.12", dt.datetime(2018, 4, 12), 43202, "20180412"])  # noqa: DTZ001
def test_days_as_people_write_them(when):
    said = apply(entry(2, value="因残", when=when))[1]
    assert said["when"].tolist() == [pd.Timestamp("2018-04-12")]


def test_a_ledger_that_says_something_else_by_now_is_not_overwritten():
    tables = make_tables()
    tables["income_sheet"].loc[2, "wage_fen"] = 31_000
    after, said = apply(entry(3, field="工资性收入", value="450"), tables=tables)
    assert said["reason_code"].tolist() == ["ledger_changed"] and "31000" in said["detail"].iloc[0]
    assert after["income_sheet"]["wage_fen"].iloc[2] == 31_000


def test_two_that_contradict_each_other_are_both_refused():
    after, said = apply(entry(2, value="因残"), entry(2, value="因学", who="李某", when="2018-04-13"))
    assert said["reason_code"].tolist() == ["contradicts", "contradicts"] and not changed(make_tables(), after)
    other = pd.concat([ISSUED, conform(pd.DataFrame([item(8, HOMES[1], "households.cause", {"households.cause": None})]), "work_list")])
    assert reasons(entry(2, value="因残"), entry(8, value="因学"), issued=other) == ["contradicts", "contradicts"], "two items about one cell"


def test_the_same_twice_counts_once():
    after, said = apply(entry(2, value="因残"), entry(2, value="因残"))
    assert said["reason_code"].tolist() == ["applied", "repeated"] and changed(make_tables(), after) == {("households", HOMES[1], "cause")}


def test_one_after_the_other_follows_the_days():
    """A second list went out after the first correction: its 'before' is the first one's 'after'."""
    second = conform(pd.DataFrame([item(9, HOMES[1], "households.cause", {"households.cause": "disability"})]), "work_list")
    issued = pd.concat([ISSUED, second])
    rows = (entry(9, value="因学", when="2018-05-02"), entry(2, value="因残", when="2018-04-12"))
    after, said = apply(*rows, issued=issued)
    assert said["reason_code"].tolist() == ["applied", "applied"] and after["households"]["cause"].iloc[1] == "study"
    assert reasons(rows[0] | {"when": "2018-04-01"}, rows[1], issued=issued) == ["contradicts", "contradicts"], "the second cannot be older"


def test_verified_closes_a_doubt_and_changes_nothing():
    after, said = apply(entry(4, answer="经核实无误"), entry(5, answer="不属本单位"), entry(5, answer="已改正"), entry(5, value="1"))
    assert said["reason_code"].tolist() == ["closed", "noted", "noted", "not_correctable"]
    assert not changed(make_tables(), after)


def test_an_amount_of_an_earlier_quarter_is_mended_in_its_own_list():
    old = ISSUED.assign(last_quarter="2017Q4")
    assert reasons(entry(6, value="5"), issued=old) == ["not_correctable"]


def test_a_line_is_known_again_when_files_beside_its_own_come_or_go():
    tables = make_tables()
    tables["income_items"]["line_id"] = tables["income_items"]["line_id"].str.replace(f"{QUARTER}:0:", f"{QUARTER}:3:")
    after, said = apply(entry(6, value="7"), tables=tables)
    assert said["reason_code"].tolist() == ["applied"] and changed(tables, after) == {("income_items", f"{QUARTER}:3:0:2", "amount_fen")}
    tables["income_items"] = tables["income_items"].iloc[1:]
    assert reasons(entry(6, value="7"), tables=tables) == ["no_row"]


def test_who_is_a_number_and_the_name_goes_no_further():
    said = apply(entry(1, value="C级", who="王某某"), entry(2, value="因残", who="李某某"), entry(4, answer="经核实无误", who="王某某"))[1]
    assert said["who"].tolist() == ["P01", "P02", "P01"] and "某" not in said.to_csv()


def test_nothing_handed_back_leaves_all_as_it_is(tmp_path):
    entries, notices = corrections.read_corrections(tmp_path / "none")
    after, said = corrections.apply_corrections(make_tables(), entries, ISSUED, RULES, QUARTER)
    assert said.empty and notices.empty and not changed(make_tables(), after)


# ---- the workbook, out and back ------------------------------------------------------------------------------------------


def issue(tmp_path):
    [path] = write_work_books(tmp_path / "out", ISSUED, RULES, QUARTER, area_names={TOWN: "舜峰镇", VILLAGE: "某村"})
    return path


def fill(path, answers: dict[int, dict[str, object]], touch=None):
    book = openpyxl.load_workbook(path)
    sheet = book["整改清单"]
    head = {cell.value: place for place, cell in enumerate(sheet[3])}
    for row in sheet.iter_rows(min_row=4):
        for heading, value in answers.get(int(row[head["事项编号"]].value, 16), {}).items():
            row[head[heading]].value = value
    if touch:
        touch(book, sheet)
    return book


ANSWERS = {
    2: {"答复": "已改正", "改正后的值": "因残", "经办人": "王某", "办理日期": "2018年4月12日"},
    3: {"答复": "已改正", "改正项目": "工资性收入(元)", "改正后的值": 450.5, "经办人": "王某", "办理日期": dt.datetime(2018, 4, 12)},  # noqa: DTZ001
    4: {"答复": "经核实无误", "经办人": "王某", "办理日期": "2018.4.12"},
}
EXPECTED = {("households", HOMES[1], "cause"), ("income_sheet", HOMES[2], "wage_fen")}


def clean(book, sheet):
    """Handed back as it should be."""


def sorted_and_cut(book, sheet):
    """Rows upside down, columns deleted (what is, household, what was there), a title line more, another sheet, the sheet renamed."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    for line, row in enumerate(reversed(rows), start=4):
        for column, value in enumerate(row, start=1):
            sheet.cell(line, column).value = value
    for heading in ("现值", "户编号", "问题"):
        place = next(cell.column for cell in sheet[3] if cell.value == heading)
        sheet.delete_cols(place)
    sheet.insert_rows(1)
    sheet.title = "舜峰镇报"
    book.create_sheet("Sheet2")["A1"] = "=HYPERLINK(\"http://x\")"


def with_blank_rows_and_a_second_heading(book, sheet):
    sheet.insert_rows(5, 2)
    head = [cell.value for cell in sheet[3]]
    for column, value in enumerate(head, start=1):
        sheet.cell(5, column).value = value


@pytest.mark.parametrize("touch", [clean, sorted_and_cut, with_blank_rows_and_a_second_heading])
def test_a_filled_list_comes_back(tmp_path, touch):
    folder = tmp_path / "corrections"
    folder.mkdir()
    fill(issue(tmp_path), ANSWERS, touch).save(folder / "舜峰镇 改好了(2).xlsx")
    entries, notices = corrections.read_corrections(folder)
    assert notices.empty and len(entries) == 3
    after, said = corrections.apply_corrections(make_tables(), entries, ISSUED, RULES, QUARTER)
    assert sorted(said["reason_code"]) == ["applied", "applied", "closed"]
    assert changed(make_tables(), after) == EXPECTED
    assert set(said["when"]) == {pd.Timestamp("2018-04-12")}


def test_saved_as_text_and_doubled_and_not_a_list(tmp_path):
    folder = tmp_path / "corrections"
    folder.mkdir()
    book = fill(issue(tmp_path), ANSWERS)
    rows = list(book["整改清单"].iter_rows(values_only=True))
    for name, encoding in (("a.csv", "gb18030"), ("b.csv", "utf-8-sig")):
        with (folder / name).open("w", encoding=encoding, newline="") as stream:
            csv.writer(stream).writerows([["" if one is None else one for one in row] for row in rows])
    (folder / "说明.docx").write_bytes(b"PK\x03\x04")
    (folder / "~$a.xlsx").write_bytes(b"x")
    other = openpyxl.Workbook()
    other.active["A1"] = "别的表"
    other.save(folder / "c.xlsx")
    entries, notices = corrections.read_corrections(folder)
    assert len(entries) == 6 and sorted(notices["file"]) == ["c.xlsx", "说明.docx"]
    after, said = corrections.apply_corrections(make_tables(), entries, ISSUED, RULES, QUARTER)
    assert sorted(said["reason_code"]) == ["applied", "applied", "closed", "repeated", "repeated", "repeated"]
    assert changed(make_tables(), after) == EXPECTED


def test_a_row_that_slipped_is_refused(tmp_path):
    """Somebody sorted only the columns with the answers: item and household no longer belong together."""
    folder = tmp_path / "corrections"
    folder.mkdir()

    def slip(book, sheet):
        place = next(cell.column for cell in sheet[3] if cell.value == "事项编号")
        numbers = [sheet.cell(row, place).value for row in range(4, 11)]
        for row, number in zip(range(4, 11), numbers[1:] + numbers[:1], strict=True):
            sheet.cell(row, place).value = number

    fill(issue(tmp_path), ANSWERS, slip).save(folder / "a.xlsx")
    said = corrections.apply_corrections(make_tables(), corrections.read_corrections(folder)[0], ISSUED, RULES, QUARTER)[1]
    assert set(said["reason_code"]) == {"other_household"}


def test_a_formula_without_a_result_is_no_answer(tmp_path):
    folder = tmp_path / "corrections"
    folder.mkdir()
    fill(issue(tmp_path), {3: ANSWERS[3] | {"改正后的值": "=200+250"}}).save(folder / "a.xlsx")
    said = corrections.apply_corrections(make_tables(), corrections.read_corrections(folder)[0], ISSUED, RULES, QUARTER)[1]
    assert said["reason_code"].tolist() == ["bad_value"]


def test_the_register_is_text_only(tmp_path):
    said = apply(entry(2, value="因残", who="=王某"), entry(3, field="工资性收入", value="1", who="<b>王</b>某"))[1]
    path = write_register(tmp_path / "x.xlsx", said, {"000:0:0": "=王某", "000:0:1": "<b>王</b>某"}, QUARTER)
    cells = [cell for row in openpyxl.load_workbook(path)["更正登记"].iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells) and "=王某" in [cell.value for cell in cells]


def test_a_damaged_issue_is_refused(tmp_path):
    path = worklist.save_issued(tmp_path / "issued.json", ISSUED)
    pd.testing.assert_frame_equal(worklist.load_issued(path), ISSUED)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(worklist.WorkListError, match="已损坏"):
        worklist.load_issued(path)


@pytest.mark.parametrize(("name", "raw", "value"), [
    ("income_sheet.wage_fen", "1,234.50", "123450"), ("income_sheet.wage_fen", "0.3万元", "300000"), ("income_sheet.wage_fen", 12, "1200"),
    ("households.water_safe", "是", "true"), ("households.cause", "因残", "disability"), ("households.exit_year", "2017年", "2017"),
    ("households.arable_mu", "1.5亩", "1.5"), ("income_items.quantity_milli", "2.5", "2500"), ("persons.change", "去世", "dead"),
    ("households.natural_village", "三组", "三组"), ("income_sheet.wage_fen", "", None),
])
def test_what_a_cell_says(name, raw, value):
    assert read_entry(name, raw).value == value
