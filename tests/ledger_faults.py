"""Faults that ledgers have, made on the clean example: name -> how to make the file, and what reading must say of it.

Each entry: outcome, finding code, place (cell, sheet or heading; empty: the file), household rows, and what the control total must be
(None: not asked). Expected values follow from the clean example and the fault, not from what the reader says.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from ledger_files import NET, Rows, add_part, clean_rows, column, edit_part, in_wan, plain_references, write, write_csv, write_xls
from openpyxl.comments import Comment
from openpyxl.styles import Font

WAGES = {4: 3632.69, 5: 14761.66, 7: 12371.75}
#: Net income without the wages of rows 4, 5 and 7.
WITHOUT = round(NET - sum(WAGES.values()), 2)
SHEET_PART = "xl/worksheets/sheet1.xml"


@dataclass(frozen=True)
class Fault:
    make: Callable[[Path], Path]
    outcome: str
    code: str
    where: str = ""
    net: float | None = NET
    rows: int = 48
    says: str = ""
    also: tuple[str, ...] = ()


FAULTS: dict[str, Fault] = {}


def fault(name: str, outcome: str, code: str, where: str = "", *, net: float | None = NET, rows: int = 48, says: str = "", also: tuple[str, ...] = (),
    suffix: str = ".xlsx"):
    """Register a maker: it gets the clean rows and a path and writes the file."""

    def register(make: Callable[[Rows, Path], Any]) -> Any:
        def run(folder: Path) -> Path:
            path = folder / f"台账{suffix}"
            made = make(clean_rows(), path)
            if isinstance(made, list):
                write(path, made)
            return made if isinstance(made, Path) else path

        FAULTS[name] = Fault(run, outcome, code, where, net, rows, says, also)
        return make

    return register


def cells(name: str, outcome: str, code: str, heading: str, row: int, value: Any, **how: Any) -> None:
    """A fault of one cell (Excel row, heading)."""

    def make(rows: Rows, path: Path) -> Rows:
        rows[row - 1][column(rows, heading)] = value(rows[row - 1][column(rows, heading)]) if callable(value) else value
        return rows

    letter = "ABCDEFGHIJKLMNOP"[clean_rows()[0].index(heading)]
    fault(name, outcome, code, f"{letter}{row}", says=how.pop("says", heading), **how)(make)


# ---- numbers: the wage of row 4 is 3632.69 ------------------------------------------------------------------------------------------------------
NO_WAGE = round(NET - 3632.69, 2)
for name, value in {
    "about": "约300", "range": "3000-4000", "more": "3600余元", "plus": "3600+", "or_so": "3632左右", "several": "几千", "at_least": ">3000",
    "tilde": "3000~4000",
    "scientific": "3.63E+03", "about_wan": "约0.36万元",
}.items():
    cells(f"number_{name}", "flag", "NUM_NOT_EXACT", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {
    "letter_o": "3632.6O", "note": "3632(含低保)", "per_month": "300元/月", "two_points": "3632.6.9", "split": "36 32.69",
    "comma_decimal": "3632,69",
    "bad_groups": "36,32.69", "brackets": "(3632.69)", "percent": "30%", "words": "外出务工", "chinese": "三千六百",
}.items():
    cells(f"number_{name}", "flag", "NUM_NOTE", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {"dash": "-", "slash": "/", "blank_space": "  ", "unknown": "不详", "none": None, "nbsp": "\u00a0\u3000"}.items():
    cells(f"missing_{name}", "flag", "NUM_MISSING", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {"plain": "3632.69", "spaces": " 3632.69 ", "thousands": "3,632.69", "full_width": "３６３２．６９", "full_comma": "3，632.69",
    "apostrophe": "'3632.69"}.items():
    cells(f"text_{name}", "repair", "NUM_TEXT", "工资性收入", 4, value)
for name, value in {"yuan": "3632.69元", "wan": "0.363269万元", "wan_short": "0.363269万", "sign": "￥3,632.69", "thousand": "3.63269千元"}.items():
    cells(f"unit_{name}", "repair", "NUM_UNIT", "工资性收入", 4, value)
cells("number_circled", "flag", "NUM_NOTE", "工资性收入", 4, "①", net=NO_WAGE)
cells("number_footnote", "flag", "NUM_NOTE", "工资性收入", 4, "3632.69²", net=NO_WAGE)
cells("number_other_digits", "flag", "NUM_NOTE", "工资性收入", 4, "٣٦٣٢", net=NO_WAGE)
cells("number_true", "flag", "NUM_TYPE", "工资性收入", 4, True, net=NO_WAGE)
cells("number_date", "flag", "NUM_TYPE", "工资性收入", 4, dt.date(2018, 3, 4), net=NO_WAGE)
cells("number_time", "flag", "NUM_TYPE", "工资性收入", 4, dt.time(3, 4), net=NO_WAGE)
cells("number_negative", "flag", "NUM_NEGATIVE", "工资性收入", 4, -3632.69, net=round(NO_WAGE - 3632.69, 2), also=("SUM_MISMATCH",))
cells("number_huge", "flag", "NUM_RANGE", "工资性收入", 4, 99999999.0, net=round(NO_WAGE + 99999999, 2), also=("SUM_MISMATCH",))
cells("number_hundredfold", "flag", "SUM_MISMATCH", "工资性收入", 4, 36.3269, net=round(NO_WAGE + 36.33, 2))
cells("net_wrong", "flag", "SUM_MISMATCH", "纯收入", 4, lambda net: net + 100)
cells("net_missing", "flag", "NUM_MISSING", "纯收入", 4, None)
cells("percapita_wrong", "flag", "PERCAP_MISMATCH", "人均纯收入", 4, lambda value: value + 5)
cells("size_zero", "flag", "SIZE_ZERO", "家庭人口", 5, 0)
cells("size_negative", "flag", "SIZE_INVALID", "家庭人口", 5, -6)
cells("size_half", "flag", "SIZE_INVALID", "家庭人口", 5, 6.5)
cells("size_words", "flag", "SIZE_INVALID", "家庭人口", 5, "六人")
cells("size_large", "flag", "SIZE_INVALID", "家庭人口", 5, 66)
cells("size_unit", "repair", "NUM_UNIT", "家庭人口", 5, "6人")
cells("size_text", "repair", "NUM_TEXT", "家庭人口", 5, "6")
cells("size_blank", "flag", "SIZE_MISSING", "家庭人口", 5, None)


@fault("unit_wan_heading", "repair", "UNIT_WAN", "G1:M1", says="万元")
def _(rows: Rows, path: Path) -> Rows:
    for place in range(6, 13):
        rows[0][place] += "(万元)"
        for row in rows[1:]:
            row[place] = round(row[place] / 10_000, 6)
    return rows


@fault("unit_wan_note_below", "repair", "UNIT_WAN", "A50", says="万元")
def _(rows: Rows, path: Path) -> Rows:
    in_wan(rows)
    return [*rows, ["注：金额单位：万元"]]


@fault("unit_suspect", "flag", "UNIT_SUSPECT", "G2:M49", net=None)
def _(rows: Rows, path: Path) -> Rows:
    in_wan(rows)
    return rows


@fault("unit_suspect_column", "flag", "UNIT_SUSPECT", "G2:G49", net=None, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    for row in rows[1:]:
        row[6] = round(row[6] / 10_000, 4)
    return rows


@fault("unit_said_wan_but_yuan", "flag", "UNIT_SUSPECT", "G3:M50", net=None, says="工资性收入", also=("UNIT_WAN",))
def _(rows: Rows, path: Path) -> Rows:
    return [["建档立卡贫困户收入表（单位：万元）"], *rows]


@fault("excel_error", "flag", "NUM_EXCEL_ERROR", "G4", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G4"].value, sheet["G4"].data_type = "#DIV/0!", "e"

    return write(path, rows, edit=edit)


@fault("excel_error_text", "flag", "NUM_EXCEL_ERROR", "G4", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G4"].value, sheet["G4"].data_type = "#N/A", "s"

    return write(path, rows, edit=edit)


@fault("formula_no_value", "flag", "FORMULA_NO_VALUE", "L4", says="纯收入")
def _(rows: Rows, path: Path) -> Rows:
    rows[3][11] = "=SUM(G4:J4)-K4"
    return rows


@fault("formula_no_value_wage", "flag", "FORMULA_NO_VALUE", "G4", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    rows[3][6] = "=3000+632.69"
    return rows


@fault("numbers_all_text", "repair", "NUM_TEXT", "G2:G49", says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], *[[None if value is None else str(value) for value in row] for row in rows[1:]]]


# ---- identity -----------------------------------------------------------------------------------------------------------------------------------
GOOD = "431099194304301031"
for name, value in {
    "spaces": "431099 19430430 1031", "no_break_space": "431099194304301031\u00a0", "apostrophe": "'431099194304301031", "hyphens": "431099-19430430-1031",
    "zero_width": "431099194304301031\u200b", "full_width": "４３１０９９１９４３０４３０１０３１", "equals": '="431099194304301031"',
    "line_break": "431099194304301031\n",
}.items():
    cells(f"id_{name}", "repair", "ID_CLEANED", "身份证号", 5, value)
cells("id_small_x", "repair", "ID_CLEANED", "身份证号", 5, "43109919540505584x")
cells("id_full_x", "repair", "ID_CLEANED", "身份证号", 5, "43109919540505584Ｘ")
cells("id_cyrillic_x", "repair", "ID_CLEANED", "身份证号", 5, "43109919540505584Х")
cells("id_15", "flag", "ID_15", "身份证号", 5, "431099430430103")
cells("id_17", "flag", "ID_INVALID", "身份证号", 5, GOOD[:17])
cells("id_19", "flag", "ID_INVALID", "身份证号", 5, GOOD + "1")
cells("id_other_digits", "flag", "ID_INVALID", "身份证号", 5, "٤٣١٠٩٩١٩٤٣٠٤٣٠١٠٣١")
cells("id_letter_o", "flag", "ID_INVALID", "身份证号", 5, "43109919430430103O")
cells("id_checksum", "flag", "ID_CHECKSUM", "身份证号", 5, "431099194304301030")
cells("id_month_13", "flag", "ID_BIRTHDATE", "身份证号", 5, "431099194313301035")
cells("id_february_30", "flag", "ID_BIRTHDATE", "身份证号", 5, "431099194302301039")
cells("id_masked", "flag", "ID_MASKED", "身份证号", 5, "431099********1031")
cells("id_blank", "flag", "ID_MISSING", "身份证号", 5, None)
cells("id_none", "flag", "ID_MISSING", "身份证号", 5, "无")
cells("id_number", "flag", "ID_PRECISION_LOST", "身份证号", 5, 4.31099194304301e17)
cells("id_scientific_text", "flag", "ID_PRECISION_LOST", "身份证号", 5, "4.31099E+17")
cells("id_zeros", "flag", "ID_PRECISION_LOST", "身份证号", 5, "431099194304301000")
cells("id_disability", "repair", "ID_IS_DISABILITY_CERT", "身份证号", 5, GOOD + "43")
cells("id_placeholder", "flag", "ID_INVALID", "身份证号", 5, "431099199999999999", also=())
cells("household_number", "repair", "HID_PADDED", "户编号", 5, 431099000004)
cells("household_short_text", "repair", "HID_PADDED", "户编号", 5, "431099000004")
cells("household_blank", "flag", "HID_MISSING", "户编号", 5, None)
cells("household_13", "flag", "HID_MISSING", "户编号", 5, "0043109900004")
cells("household_letter", "flag", "HID_MISSING", "户编号", 5, "0043109900000A")
for name, value in {"space": "刘 英杰", "wide_space": "刘　英杰", "zero_width": "刘英杰\u200b", "ends": " 刘英杰 ", "dot": "买买提•阿里"}.items():
    cells(f"name_{name}", "repair", "NAME_CLEANED", "户主姓名", 5, value)
cells("name_private", "flag", "NAME_PUA", "户主姓名", 5, "刘\ue863杰")
cells("name_question", "flag", "NAME_LOST_CHAR", "户主姓名", 5, "刘?杰")
cells("name_replacement", "flag", "NAME_LOST_CHAR", "户主姓名", 5, "刘\ufffd杰")
cells("name_box", "flag", "NAME_LOST_CHAR", "户主姓名", 5, "刘□杰")
cells("name_dead", "flag", "NAME_NOTE", "户主姓名", 5, "刘英杰(已故)")
cells("name_note_bare", "flag", "NAME_NOTE", "户主姓名", 5, "刘英杰已故")
cells("name_blank", "flag", "BLANK_KEY", "户主姓名", 5, None)
cells("name_null", "flag", "BLANK_KEY", "户主姓名", 5, "NULL")
cells("name_one_character", "flag", "NAME_LOST_CHAR", "户主姓名", 5, "刘")
cells("name_total", "flag", "NAME_NOTE", "户主姓名", 5, "合计")
cells("name_with_letter", "flag", "NAME_CHARS", "户主姓名", 5, "刘英l杰")
cells("name_with_digit", "flag", "NAME_CHARS", "户主姓名", 5, "刘英杰1")
cells("date_null", "flag", "EXIT_DATE_MISSING", "脱贫年月", 3, "NULL")
cells("name_two", "flag", "NAME_NOTE", "户主姓名", 5, "刘英杰、周艳")
for name, value in {
    "script": "<b>刘</b>", "formula": "@SUM(1)", "template": "{{7*7}}", "path": "../../刘", "digits": "刘123杰", "pipe": "|calc",
    "quote": "刘'; DROP TABLE--", "amp": "刘&amp;杰",
}.items():
    cells(f"name_{name}", "flag", "NAME_CHARS", "户主姓名", 5, value)
cells("township_short", "repair", "TOWNSHIP_ALIAS", "乡镇", 5, "舜峰")
cells("township_county", "repair", "TOWNSHIP_ALIAS", "乡镇", 5, "临武县舜峰镇")
cells("township_space", "repair", "TOWNSHIP_ALIAS", "乡镇", 5, "舜峰镇 ")
cells("township_typo", "flag", "TOWNSHIP_ALIAS", "乡镇", 5, "舜锋镇")
cells("township_blank", "flag", "BLANK_KEY", "乡镇", 5, None)
cells("village_ditto", "flag", "BLANK_KEY", "行政村", 5, "〃")
cells("village_blank", "flag", "BLANK_KEY", "行政村", 5, None)
cells("village_unknown", "flag", "UNKNOWN_VILLAGE", "行政村", 5, "甲九村")
cells("village_short", "flag", "UNKNOWN_VILLAGE", "行政村", 5, "甲一")
cells("village_strange", "flag", "UNKNOWN_VILLAGE", "行政村", 5, "不存在村")
cells("village_elsewhere", "flag", "HIERARCHY", "乡镇", 5, "南强镇")

# ---- dates and status ---------------------------------------------------------------------------------------------------------------------------
for name, value in {"chinese": "2017年12月", "dash": "2017-12", "slash": "2017/12", "run": "201712", "day": "2017.12.31", "number": 201712,
    "full_width": "２０１７．１２", "one": "2017年1月"}.items():
    cells(f"date_{name}", "repair", "DATE_TEXT", "脱贫年月", 3, value)
cells("date_cell", "repair", "DATE_SERIAL", "脱贫年月", 3, dt.date(2017, 12, 1))
cells("date_serial", "repair", "DATE_SERIAL", "脱贫年月", 3, 43070)
cells("date_lost_zero", "flag", "DATE_AMBIGUOUS", "脱贫年月", 3, 2017.1)
cells("date_lost_zero_text", "flag", "DATE_AMBIGUOUS", "脱贫年月", 3, "2017.1")
cells("date_short_year", "flag", "DATE_AMBIGUOUS", "脱贫年月", 3, "17.12")
cells("date_order", "flag", "DATE_AMBIGUOUS", "脱贫年月", 3, "05/06/2017")
cells("date_month_13", "flag", "DATE_INVALID", "脱贫年月", 3, "2017.13")
cells("date_month_0", "flag", "DATE_INVALID", "脱贫年月", 3, "2017.00")
cells("date_words", "flag", "DATE_INVALID", "脱贫年月", 3, "去年底")
cells("date_year_only", "flag", "DATE_INVALID", "脱贫年月", 3, "2017")
cells("date_future", "flag", "DATE_RANGE", "脱贫年月", 3, "2099.12")
cells("date_past", "flag", "DATE_RANGE", "脱贫年月", 3, "1917.12")
cells("date_missing", "flag", "EXIT_DATE_MISSING", "脱贫年月", 3, None)
cells("status_other_official", "accept", "", "脱贫属性", 3, "脱贫", says="")
cells("status_everyday", "repair", "STATUS_VALUE", "脱贫属性", 3, "已退出")
cells("status_unknown", "flag", "STATUS_VALUE", "脱贫属性", 3, "是")
cells("status_code", "flag", "STATUS_VALUE", "脱贫属性", 3, 1)
cells("status_blank", "flag", "STATUS_VALUE", "脱贫属性", 3, None)
cells("status_poor_with_date", "flag", "STATUS_VALUE", "脱贫属性", 3, "未脱贫")


# ---- structure ----------------------------------------------------------------------------------------------------------------------------------
@fault("two_titles", "accept", "TITLE_ROWS", "A1:A2")
def _(rows: Rows, path: Path) -> Rows:
    return [["临武县建档立卡贫困户信息表"], ["填报单位：扶贫办"], *rows]


@fault("two_level_header", "accept", "MULTI_HEADER", "A1:P2")
def _(rows: Rows, path: Path) -> Path:
    top = [value if not 6 <= place < 13 else None for place, value in enumerate(rows[0])]
    top[6] = "家庭收入(元)"
    under = [None if not 6 <= place < 13 else value for place, value in enumerate(rows[0])]

    def edit(sheet: Any) -> None:
        sheet.merge_cells("G1:M1")
        for letter in "ABCDEFNOP":
            sheet.merge_cells(f"{letter}1:{letter}2")

    return write(path, [top, under, *rows[1:]], edit=edit)


@fault("two_level_split_words", "accept", "MULTI_HEADER", "A1:P2")
def _(rows: Rows, path: Path) -> Path:
    under = [None] * 16
    under[6:10] = ["工资性", "生产经营性", "财产性", "转移性"]
    top = [value if not 6 <= place < 10 else None for place, value in enumerate(rows[0])]
    top[6] = "收入"

    def edit(sheet: Any) -> None:
        sheet.merge_cells("G1:J1")

    return write(path, [top, under, *rows[1:]], edit=edit)


@fault("group_above_header", "accept", "MULTI_HEADER", "A1:P2")
def _(rows: Rows, path: Path) -> Path:
    top: list[Any] = [None] * 16
    top[0], top[6] = "家庭基本情况", "收入情况"

    def edit(sheet: Any) -> None:
        sheet.merge_cells("A1:F1")
        sheet.merge_cells("G1:P1")

    return write(path, [top, *rows], edit=edit)


@fault("numbering_row", "accept", "MULTI_HEADER", "A1:P2")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], ["甲", "乙", "丙", "丁", *range(1, 13)], *rows[1:]]


@fault("total_top", "repair", "TOTAL_ROW", "A2", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], ["合  计", *[None] * 5, *[round(sum(row[place] for row in rows[1:]), 2) for place in range(6, 12)]], *rows[1:]]


@fault("subtotals", "repair", "TOTAL_ROW", "E10", says="小计")
def _(rows: Rows, path: Path) -> Rows:
    out = [rows[0]]
    for start in range(1, 49, 8):
        part = rows[start: start + 8]
        sums = [round(sum(row[place] for row in part), 2) for place in range(6, 12)]
        out += [*part, [None, None, None, None, "小计", sum(row[5] for row in part), *sums]]
    return out


@fault("total_in_name_column", "repair", "TOTAL_ROW", "B50", says="总计")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, [None, "总计48户", None, None, None, 193, 333331.62]]


@fault("total_wrong", "flag", "TOTAL_MISMATCH", "G50", says="工资性收入", also=("TOTAL_ROW",))
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, ["合计", None, None, None, None, 193, 333331.62 + 1000, 222688.83]]


@fault("total_unlabelled", "repair", "TOTAL_ROW", "F50")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, [None, None, None, None, None, 193, 333331.62, 222688.83, 6238.54, 132563.87, 62763.03, 632059.83]]


@fault("footer", "accept", "FOOTER_ROWS", "A50")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, ["填表人：张某", None, None, "审核人：李某"], ["填报日期：2018年3月31日"]]


@fault("blank_rows", "accept", "BLANK_ROWS", "A10")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows[:9], [None] * 16, [" "] * 16, *rows[9:]]


@fault("repeated_header", "repair", "REPEATED_HEADER", "A26")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows[:25], rows[0], *rows[25:]]


@fault("shuffled_columns", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    return [row[::-1] for row in rows]


@fault("starts_at_c5", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    return [[None], [None], [None], [None], *[[None, None, *row] for row in rows]]


@fault("unknown_column", "accept", "UNKNOWN_COLUMN", "Q1", says="帮扶责任人")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, "帮扶责任人" if place == 0 else "某人"] for place, row in enumerate(rows)]


@fault("unknown_money_column", "flag", "UNKNOWN_COLUMN", "Q1", says="稻谷补贴")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, "稻谷补贴" if place == 0 else 120.5] for place, row in enumerate(rows)]


@fault("missing_wage", "reject", "MISSING_COLUMN", "", net=None, rows=0, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [row[:6] + row[7:] for row in rows]


@fault("missing_household", "reject", "MISSING_COLUMN", "", net=None, rows=0, says="户编号")
def _(rows: Rows, path: Path) -> Rows:
    return [row[1:] for row in rows]


@fault("missing_size", "flag", "MISSING_COLUMN", "", says="家庭人口")
def _(rows: Rows, path: Path) -> Rows:
    return [row[:5] + row[6:] for row in rows]


@fault("column_twice_equal", "repair", "DUPLICATE_COLUMN", "G1:Q1", says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, row[6]] for row in rows]


@fault("column_twice_other", "flag", "DUPLICATE_COLUMN", "G1:Q1", net=WITHOUT, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, row[6] + 1 if place + 1 in WAGES else row[6]] for place, row in enumerate(rows)]


@fault("hidden_rows", "flag", "HIDDEN_ROWS", "A10:P11")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        for row in (10, 11):
            sheet.row_dimensions[row].hidden = True

    return write(path, rows, edit=edit)


@fault("hidden_column", "flag", "HIDDEN_COLUMN", "G1:G49", says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet.column_dimensions["G"].hidden = True

    return write(path, rows, edit=edit)


@fault("sheet_per_township", "accept", "MULTI_SHEET", "", says="南强镇")
def _(rows: Rows, path: Path) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for town in dict.fromkeys(row[3] for row in rows[1:]):
        sheet = book.create_sheet(town)
        for row in [rows[0], *[row for row in rows[1:] if row[3] == town]]:
            sheet.append(row)
    book.save(path)
    return path


def two_sheets(path: Path, first: tuple[str, Rows], second: tuple[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in (first, second):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@fault("two_drafts", "reject", "AMBIGUOUS_SHEETS", "", net=None, rows=0, says="二稿")
def _(rows: Rows, path: Path) -> Path:
    other = clean_rows()
    other[3][6] += 10
    return two_sheets(path, ("一稿", rows), ("二稿", other))


@fault("cover_sheet", "accept", "SHEET_CHOSEN", "", says="填表说明")
def _(rows: Rows, path: Path) -> Path:
    return two_sheets(path, ("填表说明", [["本表由村填报"], ["金额单位为元"]]), ("家庭信息", rows))


@fault("orphan_member", "flag", "ORPHAN_MEMBER", "A3", says="00431099000999")
def _(rows: Rows, path: Path) -> Path:
    for row in rows[1:]:
        row[5], row[12] = 1, row[11]
    members = [["户编号", "成员姓名", "身份证号", "与户主关系"], *[[row[0], row[1], row[2], "户主"] for row in rows[1:]]]
    return two_sheets(path, ("家庭信息", rows), ("成员信息", [*members[:2], ["00431099000999", "王五", "431099195405055840"[:17] + "X", "之子"],
        *members[2:]]))


@fault("empty_book", "reject", "EMPTY", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return []


@fault("empty_file", "reject", "EMPTY", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(b"")
    return path


@fault("header_only", "reject", "NO_ROWS", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return rows[:1]


@fault("no_header", "reject", "NO_HEADER_FOUND", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return rows[1:]


@fault("merged_wage", "flag", "MERGED_FILLED", "G4:G5", net=round(NET - 3632.69 - 14761.66, 2), says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    return write(path, rows, edit=lambda sheet: sheet.merge_cells("G4:G5"))


@fault("stray_blank_far", "repair", "STRAY_CELLS", "XFD1048576")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["XFD1048576"] = " "

    return write(path, rows, edit=edit)


@fault("stray_note_far", "flag", "STRAY_CELLS", "ZZZ9000", says="待核")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["ZZZ9000"] = "待核"

    return write(path, rows, edit=edit)


@fault("stray_note_beside", "flag", "STRAY_CELLS", "T9", says="待核")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["T9"] = "待核"

    return write(path, rows, edit=edit)


@fault("stray_note_below", "flag", "STRAY_CELLS", "T90", says="待核")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["T90"] = "待核"

    return write(path, rows, edit=edit)


@fault("comment", "flag", "COMMENTS", "G4", says="此数有误")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G4"].comment = Comment("此数有误", "村")

    return write(path, rows, edit=edit)


@fault("struck_row", "flag", "STRUCK_ROW", "A10:O10")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        for cell in sheet[10]:
            cell.font = Font(strike=True)

    return write(path, rows, edit=edit)


@fault("no_references", "accept", "CELL_REFS")
def _(rows: Rows, path: Path) -> Path:
    rows = [["" if value is None else value for value in row] for row in rows]
    return edit_part(write(path, rows), SHEET_PART, plain_references)


@fault("references_twice", "reject", "CELL_REFS", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'r="H5"', b'r="G5"'))


@fault("reference_elsewhere", "reject", "CELL_REFS", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'<c r="G5"', b'<c r="G999999"'))


@fault("namespace_prefix", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    def prefixed(data: bytes) -> bytes:
        data = re.sub(rb"<(/?)(\w)", rb"<\1x:\2", data)
        return data.replace(b"xmlns=", b"xmlns:x=")

    return edit_part(write(path, rows), SHEET_PART, prefixed)


@fault("wrong_dimension", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', data))


@fault("household_twice", "flag", "DUPLICATE_HOUSEHOLD", "A50", rows=49, net=round(NET + 11780.56, 2), says="00431099000001")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, rows[1]]


@fault("household_twice_other", "flag", "DUPLICATE_HOUSEHOLD", "A50", rows=49, net=None, says="00431099000001")
def _(rows: Rows, path: Path) -> Rows:
    other = list(rows[1])
    other[1], other[2] = "王五", "43109919540505584X"
    return [*rows, other]


# ---- files --------------------------------------------------------------------------------------------------------------------------------------
@fault("xls", "accept", "", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows)


@fault("et", "accept", "", suffix=".et")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows)


@fault("xls_hidden_row", "flag", "HIDDEN_ROWS", "A6:P6", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows, hidden_row=5)


@fault("xls_password", "reject", "ENCRYPTED", net=None, rows=0, says="密码", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows, filepass=True)


@fault("xls_truncated", "reject", "DAMAGED", net=None, rows=0, says="损坏", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    write_xls(path, rows)
    path.write_bytes(path.read_bytes()[:5000])
    return path


@fault("xlsx_named_xls", "accept", "SUFFIX", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    return write(path, rows)


@fault("csv_named_xlsx", "accept", "SUFFIX")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows)


@fault("macro", "accept", "MACRO", suffix=".xlsm")
def _(rows: Rows, path: Path) -> Path:
    return add_part(write(path, rows), "xl/vbaProject.bin", b"\xd0\xcf\x11\xe0")


@fault("external_link", "flag", "EXTERNAL_LINK")
def _(rows: Rows, path: Path) -> Path:
    write(path, rows)
    add_part(path, "xl/externalLinks/externalLink1.xml", b"<externalLink/>")
    return edit_part(path, SHEET_PART, lambda data: data.replace(b'<c r="G4" t="n"><v>', b'<c r="G4"><f>[1]Sheet1!A1</f><v>'))


for _name, _data, _code in (
    ("pdf", b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj", "FORMAT"), ("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "FORMAT"),
    ("noise", bytes((place * 7919 + 13) % 251 for place in range(4000)), "DAMAGED"), ("zip_head_only", b"PK\x03\x04" + b"\0" * 50, "DAMAGED"),
    ("ole_head_only", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 50, "DAMAGED"),
):
    @fault(_name, "reject", _code, net=None, rows=0)
    def _(rows: Rows, path: Path, data: bytes = _data) -> Path:
        path.write_bytes(data)
        return path


@fault("word", "reject", "FORMAT", net=None, rows=0, says="Word")
def _(rows: Rows, path: Path) -> Path:
    import zipfile

    with zipfile.ZipFile(path, "w") as package:
        package.writestr("_rels/.rels", '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
                         'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
                         'Target="word/document.xml"/></Relationships>')
        package.writestr("word/document.xml", "<document/>")
    return path


for _name, _encoding in (("utf8", "utf-8"), ("utf16", "utf-16"), ("utf16_bare", "utf-16-le")):
    @fault(f"dtd_{_name}", "reject", "XML_DTD", net=None, rows=0, says="DTD")
    def _(rows: Rows, path: Path, encoding: str = _encoding) -> Path:
        def change(data: bytes) -> bytes:
            text = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>' + data.decode()
            return text.encode(encoding)

        return edit_part(write(path, rows), SHEET_PART, change)


@fault("bomb", "reject", "TOO_LARGE", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    return add_part(write(path, rows), "xl/media/image1.png", b"\0" * 60_000_000)


@fault("bomb_with_false_size", "reject", "TOO_LARGE", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    import struct

    write(path, rows)
    edit_part(path, SHEET_PART, lambda data: data.replace(b"</worksheet>", b"<!--" + b" " * 40_000_000 + b"--></worksheet>"))
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        start = data.find(mark)
        while start >= 0:
            if struct.unpack_from("<I", data, start + place)[0] > 40_000_000:
                struct.pack_into("<I", data, start + place, 30_000)
            start = data.find(mark, start + 4)
    path.write_bytes(data)
    return path


@fault("part_damaged", "reject", "DAMAGED", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    data = bytearray(write(path, rows).read_bytes())
    start = data.find(b"xl/worksheets/sheet1.xml") + 200
    for place in range(start, start + 40):
        data[place] ^= 0x55
    path.write_bytes(data)
    return path


@fault("xml_cut", "reject", "DAMAGED", net=None, rows=0)
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data[: len(data) // 2])


# ---- text ---------------------------------------------------------------------------------------------------------------------------------------
for _encoding in ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"):
    @fault(f"csv_{_encoding}", "accept", "", suffix=".csv")
    def _(rows: Rows, path: Path, encoding: str = _encoding) -> Path:
        return write_csv(path, rows, encoding)


@fault("tab_text", "accept", "", suffix=".txt")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows, "utf-16", "\t", "\r\n")


@fault("semicolons", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows, mark=";")


@fault("old_mac_lines", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows, end="\r")


@fault("field_missing", "flag", "FIELD_COUNT", "line 11", net=None, says="11", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[10] = rows[10][:1] + rows[10][2:]
    return write_csv(path, rows)


@fault("quote_open", "flag", "QUOTE", "line 11", net=round(NET - 5395.34, 2), says="11", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[10][1] = '"' + rows[10][1]
    return write_csv(path, rows)


@fault("quoted_line_break", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[10][15] = '"见附件,\n第二行"'
    return write_csv(path, rows)


@fault("trailing_commas", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [[*row, "", ""] for row in rows])


@fault("csv_lost_ids", "flag", "ID_PRECISION_LOST", "C5", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    for row in rows[1:]:
        row[2] = "4.31099E+17"
    return write_csv(path, rows)


@fault("mixed_encodings", "reject", "ENCODING", net=None, rows=0, suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    path.write_bytes(b"\n".join(line.encode("utf-8" if place == 9 else "gbk") for place, line in enumerate(lines)))
    return path


@fault("utf8_with_broken_byte", "reject", "ENCODING", net=None, rows=0, suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    data = write_csv(path, rows).read_bytes().split(b"\n")
    data[9] = data[9].replace("村".encode(), b"\xe6\x9d")
    path.write_bytes(b"\n".join(data))
    return path


@fault("garbled", "reject", "ENCODING", net=None, rows=0, suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    text = write_csv(path, rows).read_bytes().decode("gbk", "replace")
    path.write_bytes(text.encode("utf-8"))
    return path


@fault("lost_to_question_marks", "reject", "ENCODING", net=None, rows=0, suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    data = write_csv(path, rows).read_bytes().decode("utf-8").encode("ascii", "replace")
    path.write_bytes(data)
    return path


@fault("csv_total", "repair", "TOTAL_ROW", "A50", says="合计", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [*rows, ["合计", "", "", "", "", 193, 333331.62, *[""] * 9]])


@fault("html_merged", "repair", "MERGED_FILLED", "D2:D49", suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    body = ""
    for place, row in enumerate(rows):
        tds = [f"<td>{'' if value is None else value}</td>" for value in row]
        if place:
            tds[3] = f'<td rowspan="16">{row[3]}</td>' if (place - 1) % 16 == 0 else ""
        body += f"<tr>{''.join(tds)}</tr>"
    path.write_bytes(f"<html><meta charset='utf-8'><table>{body}</table></html>".encode())
    return path
