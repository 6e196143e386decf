"""Reading ledgers: the thirty examples, faults made on the clean one, kinds, folders, safety, and how findings are shown."""

from __future__ import annotations

import csv
import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import ledger_ods  # noqa: F401  its faults join FAULTS
import ledger_variants  # noqa: F401  its variants join FAULTS
import openpyxl
import pandas as pd
import pytest
from ledger_faults import FAULTS
from ledger_files import EXAMPLES, NET, clean_rows, write, write_csv

from linwu_stats.ledgers.cells import MICRO, fen, parse_bool, parse_number
from linwu_stats.ledgers.dates import parse_day, parse_month, parse_quarter, parse_year
from linwu_stats.ledgers.headers import kind_of, match_heading
from linwu_stats.ledgers.identity import check_digit, parse_id_number, parse_name, parse_township
from linwu_stats.ledgers.outcome import OUTCOMES, finding, finding_codes, render_check, worst
from linwu_stats.ledgers.read import check, read_ledger, read_path
from linwu_stats.ledgers.sound import sound_codes, sound_id_numbers, sound_names
from linwu_stats.ledgers.vocabulary import vocabulary
from linwu_stats.rules import rules_at
from linwu_stats.tables import CODES, TABLES

MANIFEST = list(csv.DictReader((EXAMPLES / "manifest.csv").read_text(encoding="utf-8-sig").splitlines()))
CENT = 0.0101


def places(items):
    return {text for item in items for text in (f"{item.sheet}!{item.cell}", item.cell, item.sheet, item.column) if text}


@pytest.mark.parametrize("line", MANIFEST, ids=[line["file"] for line in MANIFEST])
def test_example(line):
    ledger = read_ledger(EXAMPLES / line["file"])
    assert ledger.outcome == line["expected"]
    found = [item for item in ledger.findings if item.code == line["issue_code"]]
    assert bool(found) == bool(line["issue_code"])
    for where in filter(None, line["where"].split("|")):
        assert where in places(found)
    for word in filter(None, line["must_say"].split("|")):
        assert any(word in item.message for item in found)
    if line["exp_rows"]:
        assert ledger.rows == int(line["exp_rows"]) == len(ledger.frame)
    if line["exp_net"]:
        slack = 1 if "1 yuan" in line["note"] else CENT
        assert abs(float(ledger.net_income_yuan) - float(line["exp_net"])) <= slack
    if line["fixer"]:
        assert {item.fixer for item in found} == {line["fixer"]}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, tmp_path):
    fault = FAULTS[name]
    ledger = read_ledger(fault.make(tmp_path))
    assert ledger.outcome == fault.outcome, [item.message for item in ledger.findings]
    assert ledger.rows == fault.rows
    if fault.net is not None:
        assert abs(float(ledger.net_income_yuan) - fault.net) <= CENT
    found = [item for item in ledger.findings if item.code == fault.code]
    if fault.code:
        assert found
        assert not fault.where or fault.where in places(found)
    if fault.says and found:
        assert any(fault.says in item.message for item in found)
    others = {item.code for item in ledger.findings if item.severity != "info"} - {fault.code, *fault.also}
    assert not others, "a single fault must not look like several"


def test_every_code_has_a_fault_or_an_example():
    """Codes that no made file shows are named here one by one, with where they are tested."""
    elsewhere = {"LOCK_FILE", "SAME_CONTENT", "HIDDEN_SHEET", "HEADER_NORMALISED", "HEADER_SYNONYM", "SIZE_MISMATCH", "ID_DUPLICATE", "DAMAGED"}
    shown = {fault.code for fault in FAULTS.values()} | {line["issue_code"] for line in MANIFEST} | elsewhere
    assert {key.split(".")[0] for key in finding_codes()} <= shown


def test_finding_codes_are_whole():
    for key, entry in finding_codes().items():
        assert set(entry) <= {"severity", "outcome", "fixer", "message"}, key
        assert entry["outcome"] in (*OUTCOMES, "ignore")
        assert entry["severity"] in ("info", "warning", "error")
        assert (entry["severity"] == "info") == (entry["outcome"] in ("accept", "ignore")), key
        assert entry["outcome"] not in ("flag", "reject") or entry["fixer"], f"{key}: nobody mends it"


def test_vocabulary_fits_the_tables():
    words = vocabulary()
    ledgers = [table for table in TABLES.values() if ".ledgers.intake." in table.made_by and table.name != "findings"]
    named = {column.name: column for table in ledgers for column in table.columns}
    assert {field.codes for field in words.fields.values() if field.codes} <= set(CODES)
    for codes, entry in words.raw["terms"].items():
        assert set(entry["also"].values()) | set(entry["synonyms"].values()) <= set(CODES[codes])
        assert not set(entry["also"]) & set(entry["synonyms"])
    for name, field in words.fields.items():
        if name in named and field.codes:
            assert named[name].codes == field.codes
    for kind in ("housing", "water", "living", "schooling", "insurance", "income_sheet"):
        wanted = {column.name for column in TABLES[kind].columns} - {"quarter"}
        assert wanted <= set(words.fields), kind


# ---- values in the frame ------------------------------------------------------------------------------------------------------------------------


def test_clean_frame_is_the_workbook(tmp_path):
    ledger = read_ledger(EXAMPLES / "001_clean.xlsx")
    rows = clean_rows()
    assert ledger.kind == "income_sheet" and ledger.sheets == ["家庭信息"] and ledger.households == 48
    for place, row in enumerate(rows[1:]):
        got = ledger.frame.iloc[place]
        assert (got["household_id"], got["name"], got["id_number"], got["township"], got["village"]) == tuple(row[:5])
        assert got["recorded_size_persons"] == row[5]
        for name, value in zip(("wage_fen", "business_fen", "property_fen", "transfer_fen", "cost_fen", "net_fen", "percapita_fen"), row[6:13], strict=True):
            assert got[name] == int(Decimal(str(value)) * 100)
        assert got["poverty_status"] == {"未脱贫": "not_out", "已脱贫": "out"}[row[13]]
        assert got["_row"] == place + 2 and got["_sheet"] == "家庭信息"
        if row[14]:
            assert (got["exit_month"], got["exit_year"]) == ("2017-12", 2017)
        else:
            assert pd.isna(got["exit_month"]) and pd.isna(got["exit_year"])
    assert str(ledger.frame["wage_fen"].dtype) == "Int64" and str(ledger.frame["household_id"].dtype) in ("string", "str")


@pytest.mark.parametrize(("file", "column", "rows"), [
    ("084_num_note.xlsx", "wage_fen", (4, 5, 7)), ("088_num_blank.xlsx", "wage_fen", (4, 5, 7)), ("092_num_date.xlsx", "wage_fen", (4, 5, 7)),
    ("106_unit_mixed_rows.xlsx", "wage_fen", (4, 5, 7)), ("112_size_blank.xlsx", "recorded_size_persons", (5, 12, 22)),
    ("039_id_float.xlsx", "id_number", (2, 3, 4)), ("050_id_checksum.xlsx", "id_number", (5, 12, 22)), ("121_date_float_2018_1.xlsx", "exit_month",
        (3, 4, 6, 7)),
])
def test_what_cannot_be_trusted_is_unknown(file, column, rows):
    frame = read_ledger(EXAMPLES / file).frame.set_index("_row")
    clean = read_ledger(EXAMPLES / "001_clean.xlsx").frame.set_index("_row")
    assert frame.loc[list(rows), column].isna().all()
    assert frame[column].isna().sum() - clean[column].isna().sum() == len(rows)


def test_repairs_give_the_clean_frame():
    clean = read_ledger(EXAMPLES / "001_clean.xlsx").frame.drop(columns=["_row", "_sheet"])
    for line in MANIFEST:
        if line["expected"] in ("accept", "repair"):
            frame = read_ledger(EXAMPLES / line["file"]).frame[clean.columns]
            pd.testing.assert_frame_equal(frame, clean, check_dtype=True, obj=line["file"])


def test_shifted_line_keeps_only_what_is_sure():
    frame = read_ledger(EXAMPLES / "162_csv_extra_field.csv").frame.set_index("_row")
    assert frame.loc[11, "household_id"] == "00431099000010"
    assert frame.loc[11].drop(["household_id", "_sheet"]).isna().all()
    assert frame.loc[12, "wage_fen"] == 1354166


# ---- kinds --------------------------------------------------------------------------------------------------------------------------------------
HOUSE = {"户编号": "00431099000001", "户主姓名": "周艳", "乡(镇)": "舜峰镇", "行政村": "甲一村"}
KINDS = {
    "villages": ({
        "乡(镇)": "舜峰镇", "行政村": "甲一村", "行政村代码": "431025100201", "贫困村类别": "省级贫困村", "退出状态": "已退出", "退出年度": "2017",
        "乡村户籍人口(人)": 1500,
        "常住人口(人)": 1100, "村集体经济收入(元)": 40000.5, "通硬化路": "是", "安全饮水达标": "否", "通生活生产用电": "是", "标准化卫生室": "",
        "就学便利": "是",
        "新农合养老低保五保落实": "是", "通宽带": "是",
    }, {"village_code": "431025100201", "village_kind": "province", "village_status": "out", "exit_year": 2017, "rural_population_persons": 1500,
        "collective_income_fen": 4000050, "safe_water": False, "clinic": None}),
    "housing": (HOUSE | {"住房等级": "C级", "改造方式": "拆除重建", "改造是否竣工入住": "否", "鉴定书编号": "临住建2017-1"},
                {"housing_grade": "C", "housing_measure": "rebuilt", "measure_finished": False, "certificate": "临住建2017-1"}),
    "water": (HOUSE | {"人均日供水量(升)": 35, "往返取水时间(分钟)": 0, "年供水天数": 360, "水质达标": "是"},
              {"litres_per_person_day": 35, "fetch_minutes": 0, "supply_days": 360, "quality_ok": True}),
    "living": (HOUSE | {"不愁吃": "是", "不愁穿": ""}, {"food_ok": True, "clothing_ok": None}),
    "schooling": ({"户编号": "00431099000001", "人编号": "0043109900000102", "姓名": "周小", "年龄": 9, "就学状态": "送教上门"},
                  {"person_id": "0043109900000102", "age": 9, "school_state": "home_teaching"}),
    "insurance": ({"户编号": "00431099000001", "人编号": "0043109900000102", "姓名": "周小", "基本医保": "城乡居民医保", "大病保险": "是",
    "医疗救助": "否", "例外情形": ""},
                  {"basic_insurance": "resident", "serious_illness": True, "medical_aid": False, "insurance_exception": None}),
    "income_items": ({"户编号": "00431099000001", "户主姓名": "周艳", "季度": "2018Q1", "收入项目": "稻谷收入", "是否实物": "是", "金额(元)": "",
    "数量": 120.5, "单位": "公斤",
                      "单价(元)": 2.6, "备注": ""},
                     {"quarter": "2018Q1", "item": "稻谷收入", "in_kind": True, "amount_fen": None, "quantity_milli": 120500, "recorded_price_fen": 260}),
}
#: The order of the national system's export of 2016 to 2019, three of its later columns, everything text.
PERSON = {
    "县(市、区、旗)": "临武县", "乡(镇)": "舜峰镇", "行政村": "甲一村", "自然村": "老屋", "户编号": "00431099000001", "人编号": "0043109900000101",
    "姓名": "周艳",
    "证件号码": "431099196708171009", "人数": "1", "与户主关系": "户主", "民族": "汉族", "文化程度": "小学", "在校生状况": "非在校生",
    "健康状况": "健康", "劳动技能": "普通劳动力",
    "务工状况": "省外务工", "务工时间": "6", "是否参加大病医疗": "是", "脱贫属性": "已脱贫", "脱贫年度": "2017", "贫困户属性": "一般贫困户",
    "主要致贫原因": "因病", "危房户": "否",
    "饮水安全": "是", "饮水困难": "否", "人均纯收入": "3456.78", "联系电话": "13900000000", "出生日期": "1967-08-17", "耕地面积": "1.25", "是否常住": "否",
}
KINDS["persons"] = (PERSON, {
    "county": "临武县", "relation": "head", "education": "primary", "schooling_stage": "none", "health": "healthy", "labour": "ordinary",
    "work_place": "outside",
    "work_months": 6, "serious_illness_insurance": True, "poverty_status": "out", "exit_year": 2017, "attribute": "general", "cause": "illness",
    "dangerous_house": False,
    "recorded_percapita": None, "percapita_fen": 345678, "phone": "13900000000", "birth_date": pd.Timestamp("1967-08-17"), "arable_mu": 1.25, "resident": False,
    "recorded_size_persons": 1,
})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["xlsx", "csv", "text"])
def test_kind(kind, form, tmp_path):
    cells, wanted = KINDS[kind]
    values = [str(value) for value in cells.values()] if form == "text" else list(cells.values())
    rows = [["临武县台账"], [], list(cells), values]
    ledger = read_ledger(write_csv(tmp_path / "台账.csv", rows, "gbk") if form == "csv" else write(tmp_path / "a.xlsx", rows))
    assert (ledger.kind, ledger.rows) == (kind, 1), [item.message for item in ledger.findings]
    assert ledger.outcome == "accept", [item.message for item in ledger.findings if item.severity != "info"]
    got = ledger.frame.iloc[0]
    for name, value in wanted.items():
        if value is None:
            assert name not in ledger.frame.columns or pd.isna(got[name]), name
        else:
            assert got[name] == value, name
    table = TABLES.get(kind)
    if table:
        for column in table.columns:
            if column.name in ledger.frame.columns and column.codes:
                assert set(ledger.frame[column.name].dropna()) <= set(CODES[column.codes])


def test_persons_are_checked_against_their_household(tmp_path):
    second = PERSON | {"人编号": "0043109900000102", "姓名": "周小", "证件号码": "43109919540505584X", "与户主关系": "之父", "出生日期": "1954-05-06"}
    rows = [list(PERSON), list(PERSON.values()), list(second.values())]
    ledger = read_ledger(write(tmp_path / "a.xlsx", rows))
    sizes = [item for item in ledger.findings if item.code == "SIZE_MISMATCH"]
    assert [(item.household, item.cell, item.fixer) for item in sizes] == [("00431099000001", "I2", "村")]
    births = [item for item in ledger.findings if item.code == "ID_BIRTHDATE"]
    assert [item.cell for item in births] == ["H3"] and ledger.outcome == "flag"


def test_in_kind_line_needs_amount_or_quantity(tmp_path):
    cells, _ = KINDS["income_items"]
    rows = [list(cells), list(cells.values()), list((cells | {"数量": ""}).values()), list((cells | {"是否实物": "否", "数量": ""}).values())]
    ledger = read_ledger(write(tmp_path / "a.xlsx", rows))
    assert [item.cell for item in ledger.findings if item.code == "NUM_MISSING"] == ["F3", "F4"]


def test_kind_is_not_read_from_the_name(tmp_path):
    assert read_ledger(write(tmp_path / "行政村表.xlsx", clean_rows(), title="行政村表")).kind == "income_sheet"
    assert kind_of({"household_id", "name"}) == "unknown"


@pytest.mark.parametrize(("text", "field", "unit"), [
    ("工资性收入(元)", "wage_fen", "元"), ("工资性收入（万元）", "wage_fen", "万元"), ("工资性\n收入", "wage_fen", ""), ("1.户编号", "household_id", ""),
    ("耕地面积（亩）", "arable_mu", "亩"), ("乡（镇）", "township", ""), ("县(市、区、旗)", "county", ""), ("*户编号", "household_id", ""),
        ("金额/元", "amount_fen", "元"),
    ("务工时间（月）", "work_months", "月"), ("工资性收入(单位:元)", "wage_fen", "元"), ("帮扶责任人", "", ""), ("工资性收入(备注)", "", ""),
])
def test_heading(text, field, unit):
    assert match_heading(text)[:2] == (field, unit)


# ---- one cell -----------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "wanted"), [(8319.809999999999, 831981), (0.1 + 0.2, 30), (1234567.89, 123456789), ("12.345", 1235), ("12.344",
    1234), (0, 0), (-0.005, -1)])
def test_money_is_exact(value, wanted):
    assert fen(parse_number(value, money=True, signed=True, typed=False).value) == wanted


def test_ten_thousands_are_exact():
    assert parse_number(0.363269, factor=10_000, money=True).value == 3632_690_000 == parse_number("3632.69元", factor=10_000, money=True).value
    assert parse_number(True).value is None and MICRO == 10**6


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014", "34052419800101001X"])
def test_standard_id_numbers(number):
    assert check_digit(number[:17]) == number[17]
    for place in range(17):
        other = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1:]
        assert check_digit(other[:17]) != number[17], "a single wrong digit is always seen"


def test_nothing_is_put_back():
    assert parse_id_number("440524188001010014").keys == ("ID_BIRTHDATE",)
    for lost in ("4.31099E+17", 4.31099196708171e17, "431099196708171", "43109919670817100", "431099********1009"):
        assert parse_id_number(lost).value is None
    assert parse_month("2018.1").value is None and parse_month(2018.1).value is None
    assert parse_month("2018.10").value == "2018-10" and parse_month(2018.2).value == "2018-02" and parse_month(2017.12).value == "2017-12"


def valid_numbers(count: int) -> list[str]:
    bodies = [f"431099{1950 + place % 60}{1 + place % 12:02d}{1 + place % 28:02d}{place % 999 + 1:03d}" for place in range(count)]
    return [body + check_digit(body) for body in bodies]


@pytest.mark.parametrize("wrong", ["431099194304301030", "431099194313301035", "431099194304301031 ", "431099199999999999", "", "4310991943043010",
                                   "４３１０９９１９４３０４３０１０３１"])
def test_glance_at_id_numbers_says_yes_only_where_each_one_is_right(wrong):
    numbers = valid_numbers(2_000)
    assert all(not parse_id_number(number).keys for number in numbers) and sound_id_numbers(numbers)
    assert parse_id_number(wrong).keys and not sound_id_numbers([*numbers, wrong])


@pytest.mark.parametrize("wrong", ["刘", "刘 英", "刘英1", "合计", "刘英已故", "户主姓名", "", "刘?杰", "刘,英"])
def test_glance_at_names_says_yes_only_where_each_one_is_right(wrong):
    names = ["周艳", "欧阳小明", "刘英杰"]
    assert sound_names(names) and not sound_names([*names, wrong])
    assert sound_codes(["00431099000001"], 14) and not sound_codes(["00431099000001", "0043109900000"], 14)
    assert not sound_codes(["００４３１０９９００００００１"], 14)


@pytest.mark.parametrize(("value", "wanted"), [
    ("19900501", (1990, 5, 1)), ("1990-5-1", (1990, 5, 1)), ("1990年5月1日", (1990, 5, 1)), (19900501.0, (1990, 5, 1)), (dt.date(1990, 5, 1), (1990, 5, 1)),
    ("1990-02-30", None), ("199005", None), ("05/06/1990", None), ("90-5-1", None),
])
def test_day(value, wanted):
    assert parse_day(value).value == (pd.Timestamp(*wanted).to_pydatetime() if wanted else None)


def test_full_width_numbers_in_a_column_of_text_are_named():
    assert parse_number("１", typed=False).keys == ("NUM_TEXT",) and parse_number("1", typed=False).keys == ()


def test_a_footnote_mark_is_no_digit():
    assert parse_bool("1").value is True and parse_bool("①").value is None and parse_bool("①").keys == ("STATUS_VALUE",)
    assert parse_year("201⑦").value is None and parse_day("1990-05-0①").value is None


def test_years_and_quarters():
    assert [parse_year(value).value for value in ("2017", 2017.0, "2017年", "2017.12", "2099", "去年")] == [2017, 2017, 2017, 2017, None, None]
    assert [parse_quarter(value).value for value in ("2018Q1", "2018年第一季度", "2018年1季度", "一季度", "2018")] == ["2018Q1", "2018Q1", "2018Q1",
        None, None]


@pytest.mark.parametrize("name", ["买买提·阿里", "欧阳小明", "〇一", "Nguyen Thi Hoa", "𠮷田", "㛃𫖯"])
def test_ordinary_names_are_left_alone(name):
    assert parse_name(name) == (name, (), "", "")


def test_townships_come_from_the_rules(tmp_path):
    names = [rule.value for rule in rules_at("2018-03-31").under("township.")]
    assert parse_township("西山", names=names, former=()).value == "西山瑶族乡"
    ledger = read_ledger(EXAMPLES / "001_clean.xlsx", rules_at("2018-03-31"))
    assert ledger.outcome == "accept"
    other = read_ledger(EXAMPLES / "001_clean.xlsx", township_names=["南强镇"])
    assert {item.value for item in other.findings if item.code == "TOWNSHIP_ALIAS" and item.outcome == "flag"} == {"舜峰镇"}


def test_village_register():
    villages = {"甲一村": "舜峰镇", "甲二村": "舜峰镇", "乙一村": "舜峰镇", "乙二村": "南强镇", "丙一村": "西瑶乡"}
    ledger = read_ledger(EXAMPLES / "001_clean.xlsx", village_names=villages)
    found = {(item.code, item.value) for item in ledger.findings if item.outcome == "flag"}
    assert found == {("HIERARCHY", "南强镇乙一村"), ("UNKNOWN_VILLAGE", "丙二村")}


# ---- folders and safety -------------------------------------------------------------------------------------------------------------------------


def test_folder(tmp_path):
    (tmp_path / "乡镇").mkdir()
    write(tmp_path / "a.xlsx", clean_rows())
    (tmp_path / "乡镇" / "b.xlsx").write_bytes((tmp_path / "a.xlsx").read_bytes())
    (tmp_path / "~$a.xlsx").write_bytes(b"lock")
    (tmp_path / "SAMPLE.json").write_bytes(b"{}")
    ledgers = {Path(item.path).name: item for item in read_path(tmp_path)}
    assert {name: item.outcome for name, item in ledgers.items()} == {"a.xlsx": "accept", "b.xlsx": "flag", "~$a.xlsx": "ignore"}
    assert [item.code for item in ledgers["b.xlsx"].findings if item.outcome == "flag"] == ["SAME_CONTENT"]
    assert [item.code for item in ledgers["~$a.xlsx"].findings] == ["LOCK_FILE"]


def test_missing_file_is_one_finding(tmp_path):
    ledger = read_ledger(tmp_path / "没有.xlsx")
    assert (ledger.outcome, [item.code for item in ledger.findings]) == ("reject", ["DAMAGED"])


def test_names_do_not_matter(tmp_path):
    for name in ("../x'; rm.xlsx".replace("/", "_"), "空 格 & <b>.xlsx", "x" * 100 + ".xlsx"):
        assert read_ledger(write(tmp_path / name, clean_rows())).outcome == "accept"


@pytest.mark.parametrize("name", ["stray_blank_far", "bomb", "bomb_with_false_size", "dtd_utf16"])
def test_hostile_file_takes_little_time_and_memory(name, tmp_path):
    path = FAULTS[name].make(tmp_path)
    code = (
        "import sys, time, tracemalloc; from linwu_stats.ledgers.read import read_ledger; start = time.process_time(); "
        "tracemalloc.start(); ledger = read_ledger(sys.argv[1]); peak = tracemalloc.get_traced_memory()[1]; "
        "print(ledger.outcome, time.process_time() - start, peak / 1e6)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, encoding="utf-8", check=True, timeout=60)
    outcome, seconds, megabytes = done.stdout.split()
    assert outcome == FAULTS[name].outcome
    assert float(seconds) < 2 and float(megabytes) < 100


def test_reading_twice_says_the_same():
    path = EXAMPLES / "037_members_mismatch.xlsx"
    assert read_ledger(path).findings == read_ledger(path).findings


# ---- how it is shown ----------------------------------------------------------------------------------------------------------------------------


def test_json_has_the_promised_shape():
    result = check(EXAMPLES / "106_unit_mixed_rows.xlsx")
    again = json.loads(render_check(result, "json"))
    assert again == result
    (file,) = again["files"]
    assert list(file) == ["path", "outcome", "kind", "sheets", "rows", "households", "net_income_yuan", "findings"]
    assert file["net_income_yuan"] == pytest.approx(601296.81)
    first = file["findings"][0]
    assert list(first) == ["code", "severity", "outcome", "sheet", "cell", "row", "column", "household", "value", "repaired_to", "message", "fixer"]
    assert (first["code"], first["sheet"], first["cell"], first["row"], first["column"], first["household"]) == (
        "SUM_MISMATCH", "家庭信息", "G4", 4, "工资性收入", "00431099000003")


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text = set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


def test_html_shows_markup_as_text():
    page = _Page()
    source = render_check(check(EXAMPLES / "066_name_xss.xlsx"), "html")
    page.feed(source)
    assert page.tags <= {"html", "head", "meta", "title", "style", "body", "h1", "h2", "span", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert "<script>alert(1)</script>" in page.text and "http" not in source.replace("http-equiv", "")


def test_text_names_place_and_fixer():
    text = render_check(check([EXAMPLES / "112_size_blank.xlsx", EXAMPLES / "140_password.xlsx"]))
    assert "家庭信息!F5" in text and "（整改：村）" in text and "密码" in text
    with pytest.raises(ValueError, match="pdf"):
        render_check({"files": []}, "pdf")


def test_text_cannot_steer_the_terminal(tmp_path):
    rows = clean_rows()
    rows[3][1] = "刘\u202e杰<"
    text = render_check(check(write(tmp_path / "a.xlsx", rows)))
    assert "\u202e" not in text and "\\u202e" in text


def test_worst_outcome_decides_and_info_does_not():
    info, repair, flag = finding("TITLE_ROWS"), finding("TOTAL_ROW", row=3), finding("SIZE_ZERO")
    assert (worst([info]), worst([info, repair]), worst([flag, repair])) == ("accept", "repair", "flag")


def test_control_total_is_that_of_the_file():
    assert read_ledger(EXAMPLES / "001_clean.xlsx").net_income_yuan == Decimal(str(NET))


def test_a_certificate_as_document_says_that_there_is_one(tmp_path):
    second = PERSON | {"人编号": "0043109900000102", "姓名": "周小", "证件号码": "43109919540505584X43", "与户主关系": "之父",
                       "出生日期": "1954-05-05", "人数": "2"}
    without = read_ledger(write(tmp_path / "a.xlsx", [list(PERSON), list((PERSON | {"人数": "2"}).values()), list(second.values())]))
    assert without.outcome == "accept" and without.frame["id_number"].iloc[1] == "43109919540505584X"
    assert without.frame["disability_certificate"].tolist() == [pd.NA, True]
    rows = [[*PERSON, "是否有残疾人证"], [*(PERSON | {"人数": "2"}).values(), "否"], [*second.values(), "否"]]
    ledger = read_ledger(write(tmp_path / "b.xlsx", rows))
    assert [(item.code, item.row) for item in ledger.findings if item.outcome == "flag"] == [("STATUS_VALUE", 3)]
    assert "残疾人证号" in ledger.findings[0].message and ledger.frame["disability_certificate"].tolist() == [False, True]


def test_several_kinds_in_one_workbook_are_each_checked(tmp_path):
    book = openpyxl.Workbook()
    water = [["户编号", "户主姓名", "乡(镇)", "行政村", "人均日供水量(升)", "往返取水时间(分钟)", "年供水天数", "水质达标"],
             ["00431099000001", "周艳", "舜峰镇", "甲一村", 35, 0, 360, "是"], ["00431099000002", "郭兰", "舜峰镇", "甲一村", "约30", 0, 360, "是"]]
    villages = [["行政村", "行政村代码", "乡村户籍人口(人)", "通宽带"], ["甲一村", "431025100201", 1500, "是"]]
    for title, rows in (("收入", clean_rows()), ("饮水", water), ("行政村", villages)):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    ledger = read_ledger(tmp_path / "a.xlsx")
    assert (ledger.kind, ledger.outcome, ledger.rows, ledger.net_income_yuan) == ("income_sheet", "flag", 48, Decimal(str(NET)))
    assert [(other.kind, other.rows) for other in ledger.others] == [("water", 2), ("villages", 1)]
    said = {(item.code, item.sheet) for item in ledger.findings if item.outcome == "flag"}
    assert {("MULTI_SHEET", "饮水"), ("MULTI_SHEET", "行政村"), ("NUM_NOT_EXACT", "饮水")} <= said
    assert pd.isna(ledger.others[0].frame["litres_per_person_day"].iloc[1])


def test_people_without_codes_beside_an_income_sheet_are_its_members(tmp_path):
    rows = clean_rows()
    for row in rows[1:]:
        row[5], row[12] = 1, row[11]
    people = [["户编号", "成员姓名", "身份证号", "与户主关系", "健康状况", "文化程度"],
              *[[row[0], row[1], row[2], "户主", "健康", "小学"] for row in rows[1:-1]]]
    book = openpyxl.Workbook()
    for title, lines in (("家庭", rows), ("人口", people)):
        sheet = book.create_sheet(title)
        for line in lines:
            sheet.append(line)
    book.save(tmp_path / "a.xlsx")
    ledger = read_ledger(tmp_path / "a.xlsx")
    assert [(item.code, item.cell, item.household) for item in ledger.findings if item.outcome == "flag"] == [("SIZE_MISMATCH", "F49", "00431099000048")]
