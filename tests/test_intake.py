"""From files to tables: nothing dropped in silence, nothing guessed, no person's name or number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from linwu_stats.ledgers.intake import IntakeError, read_quarter
from linwu_stats.ledgers.templates import write_templates
from linwu_stats.rules import rules_at

RULES = rules_at("2018-03-31")
H1, H2, H3 = "00431099000001", "00431099000002", "00431099000003"
#: A man born 1966-04-05 and a woman born 1990-12-31; check digits worked out by hand with the weights of GB 11643.
MAN, WOMAN = "43109919660405101", "43109919901231102"

PERSON_HEAD = ["县(市、区、旗)", "乡(镇)", "行政村", "自然村", "户编号", "人编号", "姓名", "证件号码", "人数", "与户主关系", "健康状况", "脱贫属性", "脱贫年度",
               "贫困户属性", "主要致贫原因", "人员变更", "是否常住", "人均纯收入"]
VILLAGE_HEAD = ["乡(镇)", "行政村", "行政村代码", "贫困村类别", "退出状态", "退出年度", "乡村户籍人口(人)", "常住人口(人)", "村集体经济收入(元)", "通硬化路"]
ITEM_HEAD = ["户编号", "户主姓名", "季度", "收入项目", "是否实物", "金额(元)", "数量", "单位", "单价(元)", "备注"]
SHEET_HEAD = ["户编号", "户主姓名", "身份证号", "乡镇", "行政村", "家庭人口", "工资性收入", "生产经营性收入", "财产性收入", "转移性收入",
              "生产经营性支出", "纯收入", "人均纯收入", "脱贫属性", "脱贫年月", "备注"]


def check_digit(seventeen: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(seventeen, weights, strict=True)) % 11]


def person(household: str, number: int, name: str, seventeen: str, relation: str, **more: str) -> list[str]:
    values = {
        "县(市、区、旗)": "临武县", "乡(镇)": "南强镇", "行政村": "甲一村", "自然村": "一组", "户编号": household,
        "人编号": f"{household}{number:02d}", "姓名": name, "证件号码": seventeen + check_digit(seventeen),
        "人数": "2", "与户主关系": relation, "健康状况": "健康", "脱贫属性": "未脱贫", "脱贫年度": "",
        "贫困户属性": "一般贫困户", "主要致贫原因": "因病", "人员变更": "", "是否常住": "是", "人均纯收入": "3123.45",
    } | more
    return [values[head] for head in PERSON_HEAD]


def write(path: Path, rows: list[list[object]], title: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("台账")
        for position, row in enumerate(([[title]] if title else []) + rows):
            for column, value in enumerate(row):
                if value != "":
                    sheet.write(position, column, value)


PERSONS = [
    person(H1, 1, "张三", MAN, "户主"), person(H1, 2, "李四", WOMAN, "配偶"),
    person(H2, 1, "王五", "43109919550101103", "户主", 脱贫属性="已脱贫", 脱贫年度="2017"),
]
VILLAGES = [["南强镇", "甲一村", "431025105001", "省级贫困村", "未退出", "", 1200, 1000, 50000.5, "是"]]
ITEMS = [[H1, "张三", "2018Q1", "外出务工收入", "否", 3000.25, "", "", "", ""], [H1, "张三", "2018Q1", "稻谷收入", "是", "", 120.5, "公斤", 2.5, ""],
         [H2, "王五", "2018Q1", "打零工收入", "否", 800, "", "", "", ""]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "2018Q1" / "ledgers"
    write(place / "persons.xlsx", [PERSON_HEAD, *PERSONS])
    write(place / "villages.xlsx", [VILLAGE_HEAD, *VILLAGES])
    write(place / "items.xlsx", [ITEM_HEAD, *ITEMS])
    return place


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    return read_quarter(folder, RULES, "2018Q1").tables


def codes(made: dict[str, pd.DataFrame]) -> set[str]:
    return set(made["findings"]["code"])


def test_a_clean_quarter(folder):
    made = tables(folder)
    home = made["households"].set_index("household_id").loc[H1]
    assert (home["township_code"], home["village_code"]) == ("431025105", "431025105001")
    assert (home["poverty_status"], home["attribute"], home["cause"], home["recorded_size_persons"]) == ("not_out", "general", "illness", 2)
    assert made["households"].set_index("household_id").loc[H2, "exit_year"] == 2017
    assert home["recorded_percapita_fen"] == 312345
    people = made["persons"].set_index("person_id")
    assert people.loc[H1 + "01", ["sex", "relation", "health"]].tolist() == ["male", "head", "healthy"]
    assert people.loc[H1 + "02", "birth_date"] == pd.Timestamp("1990-12-31")
    lines = made["income_items"].sort_values("item_key")
    assert lines["item_key"].tolist() == ["item.business.rice", "item.wage.casual", "item.wage.migrant"]
    assert lines["amount_fen"].tolist()[1:] == [80000, 300025]
    assert pd.isna(lines["amount_fen"].iloc[0])
    assert lines["quantity_milli"].iloc[0] == 120500
    assert made["villages"].loc[0, "collective_income_fen"] == 5000050


def test_a_missing_guarantee_ledger_is_said_and_unknown(folder):
    made = tables(folder)
    assert made["housing"].empty
    assert made["findings"].loc[made["findings"]["code"] == "LEDGER_MISSING", "message"].str.contains("住房安全台账").any()


@pytest.mark.parametrize(("file", "words"), [("persons.xlsx", "贫困人口导出表"), ("villages.xlsx", "行政村表"), ("items.xlsx", "季度收入表")])
def test_a_missing_needed_ledger_is_refused_with_its_name(folder, file, words):
    (folder / file).unlink()
    with pytest.raises(IntakeError, match=words):
        tables(folder)


def test_a_refused_file_is_named_with_its_reason(folder):
    (folder / "persons.xlsx").write_bytes((folder / "persons.xlsx").read_bytes()[:2000])
    with pytest.raises(IntakeError, match=r"(?s)persons\.xlsx.*损坏"):
        tables(folder)


def test_no_name_or_number_of_a_person_in_any_table(folder):
    write(folder / "persons.xlsx", [PERSON_HEAD, *PERSONS, person(H3, 1, "<b>赵六</b>", "43109919700230104", "户主")])
    made = tables(folder)
    for name, frame in made.items():
        text = frame.to_csv()
        for secret in ("张三", "李四", "王五", "赵六", MAN, WOMAN, "4310991970023010"):
            assert secret not in text, f"{secret} in {name}"


def test_an_unknown_item_makes_the_household_unknown_not_poorer(folder):
    write(folder / "items.xlsx", [ITEM_HEAD, *ITEMS, [H2, "王五", "2018Q1", "中奖", "否", 500, "", "", "", ""]])
    made = tables(folder)
    line = made["income_items"][made["income_items"]["item_key"] == "item.transfer.unrecognised"].iloc[0]
    assert line["household_id"] == H2
    assert pd.isna(line["amount_fen"])
    assert "UNKNOWN_ITEM" in codes(made)


def test_a_line_of_another_quarter_is_left_out_and_said(folder):
    write(folder / "items.xlsx", [ITEM_HEAD, *ITEMS, [H2, "王五", "2017Q4", "打零工收入", "否", 500, "", "", "", ""]])
    made = tables(folder)
    assert len(made["income_items"]) == 3
    assert "OTHER_QUARTER" in codes(made)


def test_a_household_that_is_not_on_the_register_is_said(folder):
    write(folder / "items.xlsx", [ITEM_HEAD, *ITEMS, [H3, "赵六", "2018Q1", "打零工收入", "否", 500, "", "", "", ""]])
    assert "ORPHAN_HOUSEHOLD" in codes(tables(folder))


def test_members_rows_that_contradict_each_other_make_the_value_unknown(folder):
    rows = [*PERSONS[:1], person(H1, 2, "李四", WOMAN, "配偶", 脱贫属性="已脱贫"), PERSONS[2]]
    write(folder / "persons.xlsx", [PERSON_HEAD, *rows])
    made = tables(folder)
    assert pd.isna(made["households"].set_index("household_id").loc[H1, "poverty_status"])
    finding = made["findings"][made["findings"]["code"] == "HOUSEHOLD_VALUES_DIFFER"].iloc[0]
    assert (finding["household_id"], finding["severity"]) == (H1, "error")


def test_a_village_that_is_not_in_the_table_keeps_its_household(folder):
    write(folder / "persons.xlsx", [PERSON_HEAD, *PERSONS, person(H3, 1, "赵六", "43109919700101104", "户主", 行政村="乙二村")])
    made = tables(folder)
    assert made["households"].set_index("household_id").loc[H3, "village_code"] == "431025105000"
    assert "UNKNOWN_VILLAGE" in codes(made)


def test_the_same_row_twice_counts_once_and_a_contradiction_is_unknown(folder):
    head = ["户编号", "户主姓名", "乡(镇)", "行政村", "住房等级", "改造方式", "改造是否竣工入住", "鉴定书编号"]
    row = [H1, "张三", "南强镇", "甲一村", "B级", "无", "", "建鉴1"]
    other = [[H2, "王五", "南强镇", "甲一村", grade, "", "", "建鉴2"] for grade in ("A级", "D级")]
    write(folder / "housing.xlsx", [head, row, row, *other])
    made = tables(folder)
    grades = made["housing"].set_index("household_id")["housing_grade"]
    assert grades[H1] == "B"
    assert pd.isna(grades[H2])
    assert "DUPLICATE_HOUSEHOLD" in codes(made)


def test_ledgers_split_by_township_are_one_ledger(folder):
    write(folder / "南强镇" / "persons_2.xlsx", [PERSON_HEAD, person(H3, 1, "赵六", "43109919700101104", "户主")])
    assert tables(folder)["households"]["household_id"].tolist() == [H1, H2, H3]


def test_blank_is_unknown_never_zero_and_text_is_never_a_number(folder):
    sheet = [[H1, "张三", "", "南强镇", "甲一村", 2, 100, "", "约300", 50, 0, "", "", "未脱贫", "", ""]]
    write(folder / "sheet.xlsx", [SHEET_HEAD, *sheet])
    row = tables(folder)["income_sheet"].iloc[0]
    assert row["wage_fen"] == 10000
    assert pd.isna(row["business_fen"])
    assert pd.isna(row["property_fen"])
    assert row["cost_fen"] == 0


def test_excels_own_lock_file_is_ignored(folder):
    (folder / "~$persons.xlsx").write_bytes(b"\x05lock")
    assert len(read_quarter(folder, RULES, "2018Q1").files) == 3


def test_a_filled_template_is_read_as_it_is(tmp_path):
    """The templates speak the reader's language: each is recognised as its kind, without a finding about its headings."""
    from linwu_stats.ledgers.read import read_ledger

    kinds, strange = [], {"UNKNOWN_COLUMN", "HEADER_SYNONYM", "MISSING_COLUMN", "NO_HEADER_FOUND", "HIDDEN_SHEET"}
    for path in write_templates(tmp_path / "ledgers", RULES, "2018Q2"):
        ledger = read_ledger(path, RULES)
        kinds.append(ledger.kind)
        assert not {finding.code for finding in ledger.findings} & strange, path
    assert kinds == ["persons", "income_items", "income_sheet", "villages", "housing", "water", "living", "schooling", "insurance"]


def test_the_order_of_files_changes_nothing_but_line_ids(folder, tmp_path):
    other = tmp_path / "again" / "ledgers"
    other.mkdir(parents=True)
    for new, path in zip(("c.xlsx", "b.xlsx", "a.xlsx"), sorted(folder.iterdir()), strict=True):
        shutil.copy(path, other / new)
    one, two = tables(folder), tables(other)
    for name in ("households", "persons", "villages"):
        pd.testing.assert_frame_equal(one[name], two[name])
    assert one["income_items"].drop(columns="line_id").equals(two["income_items"].drop(columns="line_id"))


def test_a_copy_of_a_file_counts_once_and_is_said(folder):
    shutil.copy(folder / "items.xlsx", folder / "items 副本.xlsx")
    made = tables(folder)
    assert len(made["income_items"]) == 3
    assert "SAME_CONTENT" in codes(made)


def test_a_corrected_ledger_beside_the_old_one_is_unknown_not_added(folder):
    write(folder / "items_new.xlsx", [ITEM_HEAD, [H1, "张三", "2018Q1", "外出务工收入", "否", 3500, "", "", "", ""]])
    made = tables(folder)
    migrant = made["income_items"][made["income_items"]["item_key"] == "item.wage.migrant"]
    assert len(migrant) == 2
    assert migrant["amount_fen"].isna().all()
    assert made["income_items"].set_index("item_key").loc["item.wage.casual", "amount_fen"] == 80000
    finding = made["findings"][made["findings"]["code"] == "DUPLICATE_HOUSEHOLD"].iloc[0]
    assert (finding["household_id"], finding["severity"]) == (H1, "error")


def test_different_items_of_a_household_may_stand_in_different_files(folder):
    write(folder / "subsidies.xlsx", [ITEM_HEAD, [H1, "张三", "2018Q1", "低保金", "否", 600, "", "", "", ""]])
    made = tables(folder)
    assert made["income_items"].set_index("item_key").loc["item.transfer.low_income_allowance", "amount_fen"] == 60000


def test_a_line_without_its_quarter_is_unknown(folder):
    write(folder / "items.xlsx", [ITEM_HEAD, *ITEMS, [H2, "王五", "", "低保金", "否", 500, "", "", "", ""]])
    made = tables(folder)
    assert pd.isna(made["income_items"].set_index("item_key").loc["item.transfer.low_income_allowance", "amount_fen"])
    assert "QUARTER_MISSING" in codes(made)


def test_one_person_code_in_two_households_keeps_both(folder):
    write(folder / "persons.xlsx", [PERSON_HEAD, *PERSONS, person(H3, 1, "赵六", "43109919700101104", "户主", 人编号=H1 + "01")])
    made = tables(folder)
    assert made["persons"].groupby("household_id").size().to_dict() == {H1: 2, H2: 1, H3: 1}
    assert "ID_DUPLICATE" in codes(made)


def test_a_blank_status_beside_a_value_is_unknown(folder):
    rows = [person(H1, 1, "张三", MAN, "户主", 脱贫属性="已脱贫"), person(H1, 2, "李四", WOMAN, "配偶", 脱贫属性=""), PERSONS[2]]
    write(folder / "persons.xlsx", [PERSON_HEAD, *rows])
    assert pd.isna(tables(folder)["households"].set_index("household_id").loc[H1, "poverty_status"])


def test_numbers_of_persons_in_cells_and_file_names_do_not_reach_the_findings(folder):
    write(folder / "items.xlsx", [ITEM_HEAD, *ITEMS, [H2, "王五", "2018Q1", "王五13812345678 431099196510180012", "否", 500, "", "", "", ""]])
    (folder / "items.xlsx").rename(folder / "王五431099196510180012.xlsx")
    intake = read_quarter(folder, RULES, "2018Q1")
    text = intake.tables["findings"].to_csv() + intake.files.to_csv()
    assert "13812345678" not in text
    assert "431099196510180012" not in text
