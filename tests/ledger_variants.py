"""More of what real ledgers have (台账变体): the same faults at other places, in other writers' forms, with other words.

Expected values follow from the clean example and the change, as in :mod:`ledger_faults`, whose register they join.
"""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import xlsxwriter
from ledger_faults import FAULTS, NO_WAGE, SHEET_PART, WAGES, WITHOUT, Rows, cells, fault, two_sheets
from ledger_files import NET, add_part, biff, clean_rows, compound, edit_part, in_wan, write, write_csv, write_xls
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.styles import Font

BEFORE = set(FAULTS)
CLEAN = clean_rows()
#: Sums of the sizes and the six amounts of the clean ledger.
SUMS = [round(sum(row[place] for row in CLEAN[1:]), 2) for place in range(5, 12)]


def totals(label: str, at: int = 0, rows: Rows | None = None, **changes: Any) -> list[Any]:
    """A total row with its label in a column."""
    part = CLEAN[1:] if rows is None else rows
    row: list[Any] = [None] * 16
    row[5:12] = [round(sum(cells[place] for cells in part), 2) for place in range(5, 12)]
    row[at] = label
    for place, value in changes.items():
        row[int(place[1:])] = value
    return row


# ---- numbers ------------------------------------------------------------------------------------------------------------------------------------
for name, value in {
    "full_minus_plus": "＋3632.69", "plus": "+3632.69", "trailing_zeros": "3632.6900", "space_thousands": "3 632.69", "tab": "3632.69\t",
    "break": "3632.69\n",
    "full_all": "３，６３２．６９", "byte_mark": "\ufeff3632.69", "soft_hyphen": "3632\u00ad.69", "quote_right": "’3632.69", "backtick": "`3632.69",
}.items():
    cells(f"v_text_{name}", "repair", "NUM_TEXT", "工资性收入", 4, value)
for name, value in {
    "yuan_space": "3632.69 元", "yuan_full": "３６３２．６９元", "sign_full": "¥3632.69", "sign_wide": "￥３６３２．６９", "rmb": "RMB3632.69",
    "wan_space": "0.363269 万元",
    "whole": "3632.69元整", "kuai": "3632.69块", "hundred": "36.3269百元", "sign_yuan": "￥3632.69元", "thousands_yuan": "3,632.69元",
    "renminbi": "人民币3632.69元",
}.items():
    cells(f"v_unit_{name}", "repair", "NUM_UNIT", "工资性收入", 4, value)
for name, value in {
    "about_after": "3600左右", "about_word": "大约3600", "approximately": "≈3632", "or": "3000或4000", "to": "3000至4000", "long_dash": "3000—4000",
    "dash_yuan": "3000-4000元",
    "under": "不足4000", "nearly": "近4000", "over": "4000以上", "dozens": "几百", "hundreds": "数百元", "tens": "30多", "wan_range": "0.3-0.4万元",
    "less": "<4000",
    "plus_minus": "3632±10", "small_range": "3-4",
}.items():
    cells(f"v_about_{name}", "flag", "NUM_NOT_EXACT", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {
    "capital_o": "36O2", "small_l": "l00", "chinese_stop": "3632。69", "dot_twice": "3632..69", "comma_end": "3632,", "question": "3632.69?",
    "star": "3632.69*",
    "note_after": "3632.69含补贴", "note_before": "务工3632.69", "chinese_number": "叁仟陆佰", "mixed": "3千6", "formula_text": "'=3632.69",
    "tick": "√", "month": "302.72/月",
    "european": "3.632,69", "see": "见附表", "in_arrears": "欠薪", "hyperlink": "http://a/3632.69", "double": "3632.69;100", "zero_word": "零",
    "percent_full": "30％",
}.items():
    cells(f"v_note_{name}", "flag", "NUM_NOTE", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {
    "wide_dash": "－", "long_dash": "———", "em": "——", "star": "*", "dots": "…", "na": "N/A", "null": "NULL", "unclear": "不清楚",
    "later": "待核实", "zero_width": "\u200b",
    "none": "无", "not_filled": "未填", "apostrophe": "'",
}.items():
    cells(f"v_missing_{name}", "flag", "NUM_MISSING", "工资性收入", 4, value, net=NO_WAGE)
for name, value in {"ref": "#REF!", "value": "#VALUE!", "name": "#NAME?", "null": "#NULL!", "num": "#NUM!", "full": "＃N/A"}.items():
    cells(f"v_error_{name}", "flag", "NUM_EXCEL_ERROR", "工资性收入", 4, value, net=NO_WAGE)
cells("v_type_false", "flag", "NUM_TYPE", "工资性收入", 4, False, net=NO_WAGE)
cells("v_type_datetime", "flag", "NUM_TYPE", "转移性收入", 4, dt.datetime.fromisoformat("2018-03-04T05:06"), net=round(NET - 958.04, 2))
cells("v_type_duration", "flag", "NUM_TYPE", "工资性收入", 4, dt.timedelta(hours=30), net=NO_WAGE)
cells("v_negative_text", "flag", "NUM_NEGATIVE", "工资性收入", 4, "－3632.69", net=round(NO_WAGE - 3632.69, 2), also=("SUM_MISMATCH", "NUM_TEXT"))
cells("v_negative_cost", "flag", "NUM_NEGATIVE", "生产经营性支出", 4, lambda value: -value, net=round(NET + 2 * 1251.64, 2), also=("SUM_MISMATCH",))
cells("v_range_total", "flag", "NUM_RANGE", "转移性收入", 4, 2_000_000, net=round(NET - 958.04 + 2_000_000, 2), also=("SUM_MISMATCH",))
cells("v_enormous", "flag", "NUM_RANGE", "工资性收入", 4, 1e20, net=NO_WAGE)
cells("v_cost_blank", "flag", "NUM_MISSING", "生产经营性支出", 4, None, net=round(NET + 1251.64, 2))
cells("v_cost_about", "flag", "NUM_NOT_EXACT", "生产经营性支出", 4, "约1200", net=round(NET + 1251.64, 2))
cells("v_net_text", "repair", "NUM_TEXT", "纯收入", 4, "9,876.55")
cells("v_net_about", "flag", "NUM_NOT_EXACT", "纯收入", 4, "约9800")
cells("v_percapita_blank", "flag", "NUM_MISSING", "人均纯收入", 4, None)
cells("v_long_float", "accept", "", "工资性收入", 4, 3632.6900000000001, says="")
cells("v_sum_sign_of_cost", "flag", "SUM_MISMATCH", "纯收入", 4, lambda net: net + 2 * 1251.64)
cells("v_sum_one_fen_is_rounding", "accept", "", "纯收入", 4, lambda net: round(net + 0.01, 2), says="", also=("PERCAP_MISMATCH",))
cells("v_sum_ten_fen", "flag", "SUM_MISMATCH", "纯收入", 4, lambda net: round(net + 0.1, 2))
cells("v_percapita_is_total", "flag", "PERCAP_MISMATCH", "人均纯收入", 4, 9876.55)


@fault("v_three_rows_all_wan", "flag", "UNIT_SUSPECT", "G4:M4", net=None, says="万元")
def _(rows: Rows, path: Path) -> Rows:
    for row in (3, 4, 6):
        rows[row][6:13] = [round(value / 10_000, 6) for value in rows[row][6:13]]
    return rows


@fault("v_thousands_unstated_column", "flag", "UNIT_SUSPECT", "J2:J49", net=None, says="转移性收入")
def _(rows: Rows, path: Path) -> Rows:
    for row in rows[1:]:
        row[9] = round(row[9] / 1_000, 5)
    return rows


for _name, _title in {
    "brackets": "贫困户收入统计表（万元）", "colon": "金额单位：万元", "measure": "计量单位: 万元", "renminbi": "（单位：人民币万元）",
    "persons_too": "单位：人、万元", "spaces": "单 位：万 元",
}.items():
    @fault(f"v_wan_title_{_name}", "repair", "UNIT_WAN", "A1", says="万元")
    def _(rows: Rows, path: Path, title: str = _title) -> Rows:
        in_wan(rows)
        return [[title], *rows]


@fault("v_wan_right_of_subtitle", "repair", "UNIT_WAN", "P2", says="万元")
def _(rows: Rows, path: Path) -> Rows:
    in_wan(rows)
    return [["临武县贫困户收入表"], [*["填报单位：舜峰镇"], *[None] * 14, "单位：万元"], *rows]


@fault("v_wan_sheet_name", "repair", "UNIT_WAN", "", says="万元")
def _(rows: Rows, path: Path) -> Path:
    in_wan(rows)
    return write(path, rows, title="收入表(万元)")


@fault("v_wan_one_heading", "repair", "UNIT_WAN", "G1", says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    rows[0][6] = "工资性收入\n（万元）"
    for row in rows[1:]:
        row[6] = round(row[6] / 10_000, 6)
    return rows


@fault("v_wan_group_heading", "repair", "UNIT_WAN", "G1:M1", says="万元")
def _(rows: Rows, path: Path) -> Path:
    top: list[Any] = [value if not 6 <= place < 13 else None for place, value in enumerate(rows[0])]
    top[6] = "收入情况（万元）"
    under = [None if not 6 <= place < 13 else value for place, value in enumerate(rows[0])]
    in_wan(rows)

    def edit(sheet: Any) -> None:
        sheet.merge_cells("G1:M1")

    return write(path, [top, under, *rows[1:]], edit=edit)


@fault("v_thousand_heading", "repair", "UNIT_WAN", "G1:M1", says="千元")
def _(rows: Rows, path: Path) -> Rows:
    for place in range(6, 13):
        rows[0][place] += "/千元"
        for row in rows[1:]:
            row[place] = round(row[place] / 1_000, 5)
    return rows


@fault("v_yuan_everywhere", "accept", "TITLE_ROWS", "A1")
def _(rows: Rows, path: Path) -> Rows:
    return [["单位：元、人"], [f"{value}(元)" if 6 <= place < 13 else value for place, value in enumerate(rows[0])], *rows[1:]]


@fault("v_formula_column_no_values", "flag", "FORMULA_NO_VALUE", "L2", says="纯收入")
def _(rows: Rows, path: Path) -> Rows:
    for number, row in enumerate(rows[1:], 2):
        row[11] = f"=G{number}+H{number}+I{number}+J{number}-K{number}"
    return rows


@fault("v_formula_zero_of_a_program", "flag", "FORMULA_NO_VALUE", "G4", net=WITHOUT, says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("家庭信息")
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            if place == 6 and number + 1 in WAGES:
                sheet.write_formula(number, place, f"={value}")
            elif value is not None:
                sheet.write(number, place, value)
    book.close()
    return path


@fault("v_formula_error_saved", "flag", "NUM_EXCEL_ERROR", "G4", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'<c r="G4" t="n"><v>3632.69</v>',
        b'<c r="G4" t="e"><f>1/0</f><v>#DIV/0!</v>'))


@fault("v_formula_text_saved", "flag", "NUM_NOT_EXACT", "G4", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART,
                     lambda data: data.replace(b'<c r="G4" t="n"><v>3632.69</v>', '<c r="G4" t="str"><f>A1</f><v>约300</v>'.encode()))


@fault("v_formula_saved", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'<c r="G4" t="n"><v>',
        b'<c r="G4"><f t="shared" ref="G4" si="0">3000+632.69</f><v>'))


@fault("v_formula_household", "flag", "FORMULA_NO_VALUE", "A5", says="户编号")
def _(rows: Rows, path: Path) -> Rows:
    rows[4][0] = '=TEXT(4,"00431099000000")'
    return rows


# ---- identity -----------------------------------------------------------------------------------------------------------------------------------
GOOD = "431099194304301031"
for name, value in {
    "wide_spaces": "431099　19430430　1031", "quotes": '"431099194304301031"', "curly": "“431099194304301031”",
    "no_width": "\u200b431099194304301031", "dots": "431099.19430430.1031",
    "long_hyphen": "431099–19430430–1031", "tab": "\t431099194304301031", "direction": "\u202d431099194304301031\u202c",
    "comma": "431099194304301031,", "equals_bare": '="431099194304301031" ',
}.items():
    cells(f"v_id_{name}", "repair", "ID_CLEANED", "身份证号", 5, value)
for name, value in {
    "words": "办理中", "with_name": "刘英杰431099194304301031", "passport": "G12345678", "sixteen": GOOD[:16], "o_inside": "43109919430430103o",
    "two": f"{GOOD}/{GOOD}", "one": "1",
    "repeated": "111111111111111111", "letters": "ABCDEFGHIJKLMNOPQR",
}.items():
    cells(f"v_id_bad_{name}", "flag", "ID_INVALID", "身份证号", 5, value, also=("ID_BIRTHDATE",))
for name, value in {"star_end": "43109919430430****", "full_star": "431099＊＊＊＊＊＊＊＊1031", "x_run": "431099XXXXXXXX1031",
    "dots": "431099……1031"}.items():
    cells(f"v_id_masked_{name}", "flag", "ID_MASKED", "身份证号", 5, value)
for name, value in {"dash": "-", "unknown": "不详", "null": "NULL", "spaces": " \u3000", "nothing": "没有"}.items():
    cells(f"v_id_missing_{name}", "flag", "ID_MISSING", "身份证号", 5, value)
for name, value in {"e_small": "4.31099e+17", "e_long": "4.31099194304301E17", "e_full": "４．３１０９９Ｅ＋１７",
    "float": 431099194304301056.0}.items():
    cells(f"v_id_lost_{name}", "flag", "ID_PRECISION_LOST", "身份证号", 5, value)
cells("v_id_int_15", "flag", "ID_15", "身份证号", 5, "431099430430103", says="15位")
cells("v_id_number_15", "flag", "ID_INVALID", "身份证号", 5, 431099430430103)
cells("v_id_day_0", "flag", "ID_BIRTHDATE", "身份证号", 5, "431099194304001034")
cells("v_id_year_2099", "flag", "ID_BIRTHDATE", "身份证号", 5, "431099209904301031")
cells("v_id_swapped", "flag", "ID_CHECKSUM", "身份证号", 5, "431099194304301013")
cells("v_id_x_wrong", "flag", "ID_CHECKSUM", "身份证号", 5, "43109919430430103X")
cells("v_id_certificate_spaces", "repair", "ID_IS_DISABILITY_CERT", "身份证号", 5, f"{GOOD} 43")
cells("v_id_certificate_wrong", "flag", "ID_CHECKSUM", "身份证号", 5, "43109919430430103043")
cells("v_hid_float", "repair", "HID_PADDED", "户编号", 5, 431099000004.0)
for name, value in {"spaces": "0043 1099 000004", "full": "００４３１０９９００００００４"[:14], "apostrophe": "'00431099000004",
    "equals": '="00431099000004"'}.items():
    if len(value) != 14 or value.isascii():
        cells(f"v_hid_{name}", "repair", "HID_PADDED", "户编号", 5, value)
for name, value in {"scientific": "4.31099E+11", "long": "004310990000041", "dash": "-", "word": "新增", "float_lost": 4.31099000004e18,
    "half": 431099000004.5}.items():
    cells(f"v_hid_bad_{name}", "flag", "HID_MISSING", "户编号", 5, value)
for name, value in {"inner": "刘　英　杰", "break": "刘英杰\n", "no_break": "刘\u00a0英杰", "mark": "\ufeff刘英杰", "dot_full": "买买提．阿里",
    "dot_half": "买买提･阿里", "dot_bullet": "买买提●阿里",
                    "dot_spaces": "买买提 · 阿里"}.items():
    cells(f"v_name_clean_{name}", "repair", "NAME_CLEANED", "户主姓名", 5, value)
for name, value in {"dot": "买买提·阿里", "rare": "𠮷英杰", "long": "阿卜杜热西提·阿卜杜热合曼", "latin": "Nguyen Thi Hoa",
    "compat": "刘英\uf9dc"}.items():
    cells(f"v_name_fine_{name}", "accept", "", "户主姓名", 5, value, says="")
for name, value in {"moved": "刘英杰（迁出）", "agent": "刘英杰(周艳代领)", "formerly": "刘英杰曾用名刘小", "slash": "刘英杰/周艳", "head": "户主",
    "new_head": "新户主刘英", "square": "刘英杰[五保]",
                    "family": "刘英杰、周艳、周小"}.items():
    cells(f"v_name_note_{name}", "flag", "NAME_NOTE", "户主姓名", 5, value)
for name, value in {"underscore": "刘_杰", "two_marks": "刘??", "full_mark": "刘？杰", "star": "刘*杰", "diamond": "刘◆杰", "geta": "刘〓杰"}.items():
    cells(f"v_name_lost_{name}", "flag", "NAME_LOST_CHAR", "户主姓名", 5, value)
for name, value in {"private_plane": "刘\U000f0001杰", "two": "\ue5e5\ue863"}.items():
    cells(f"v_name_private_{name}", "flag", "NAME_PUA", "户主姓名", 5, value)
for name, value in {
    "image": "<img src=x onerror=alert(1)>", "jinja": "{% import os %}", "percent": "刘%s杰", "dollar": "${7*7}",
    "link": "[刘](javascript:alert(1))", "windows": "C:\\刘", "reserved": "CON|刘",
    "tilde": "刘~杰", "override": "刘\u202e杰<", "emoji": "刘😀杰", "number": 5, "true": True, "digits": "12345", "comment": "刘<!--杰",
    "entity": "&#60;b&#62;",
    "dde": "+cmd|' /C calc'!A0", "minus": "-2+3", "long": "刘" * 60,
}.items():
    cells(f"v_name_chars_{name}", "flag", "NAME_CHARS", "户主姓名", 5, value)
for name, value in {"spaces": "舜 峰 镇", "county_full": "湖南省郴州市临武县舜峰镇", "full_space": "　舜峰镇"}.items():
    cells(f"v_town_{name}", "repair", "TOWNSHIP_ALIAS", "乡镇", 5, value)
for name, value in {"wrong_tail": "舜峰乡", "other": "城关镇", "number": 5, "village": "甲一村", "county": "临武县"}.items():
    cells(f"v_town_bad_{name}", "flag", "TOWNSHIP_ALIAS", "乡镇", 5, value)
cells("v_town_ditto", "flag", "BLANK_KEY", "乡镇", 5, "同上")
cells("v_village_dash", "flag", "BLANK_KEY", "行政村", 5, "-")

# ---- dates and status ---------------------------------------------------------------------------------------------------------------------------
for name, value in {
    "month_word": "2017.12月", "month_part": "2017年12月份", "iso_time": "2017-12-31 00:00:00", "full_chinese": "２０１７年１２月",
    "spaces": "2017 . 12", "month_first": "12/2017", "eight": "20171231",
    "eight_number": 20171231, "one_digit": "2017.9", "float_one": 2017.9, "dots_day": "2017.12.5", "apostrophe": "'2017.12",
    "slash_day": "2017/12/31", "chinese_day": "2017年12月31日",
}.items():
    cells(f"v_date_{name}", "repair", "DATE_TEXT", "脱贫年月", 3, value)
cells("v_date_datetime", "repair", "DATE_SERIAL", "脱贫年月", 3, dt.datetime.fromisoformat("2017-12-31T08:00"))
cells("v_date_serial_text", "repair", "DATE_SERIAL", "脱贫年月", 3, "43070")
cells("v_date_float_exact", "accept", "", "脱贫年月", 3, 2017.12, says="")
for name, value in {"word": "2017年底", "chinese": "二〇一七年十二月", "half": "2017.5.5.5", "month_20": "2017.20", "run_13": "201713",
    "true": True, "negative": -43070, "season": "2017年四季度",
                    "english": "Dec-17", "fraction": 43070.5, "day_32": "2017-12-32"}.items():
    cells(f"v_date_bad_{name}", "flag", "DATE_INVALID", "脱贫年月", 3, value)
for name, value in {"short_month": "17-12", "american": "12/31/2017", "short_chinese": "17年12月"}.items():
    cells(f"v_date_order_{name}", "flag", "DATE_AMBIGUOUS", "脱贫年月", 3, value)
for name, value in {"before": "2013.12", "far": "2030.12", "cell": dt.date(1905, 7, 9), "serial": 3700, "old_run": "199012"}.items():
    cells(f"v_date_range_{name}", "flag", "DATE_RANGE", "脱贫年月", 3, value)
for name, value in {"dash": "-", "wide": "——", "spaces": "  "}.items():
    cells(f"v_exit_missing_{name}", "flag", "EXIT_DATE_MISSING", "脱贫年月", 3, value)
for name, value in {"spaces": " 已 脱贫", "other_words": "已脱贫户", "number": 2, "yes": "Y", "two": "已脱贫/未脱贫"}.items():
    outcome = "accept" if name == "spaces" else "flag"
    cells(f"v_status_{name}", outcome, "STATUS_VALUE" if outcome == "flag" else "", "脱贫属性", 3, value, says="")
for name, value in {"minus": -1, "half_text": "4.5", "letters": "四", "range": "3-4", "about": "约4", "large": 200, "date": dt.date(2018, 3, 4),
    "true": True}.items():
    cells(f"v_size_bad_{name}", "flag", "SIZE_INVALID", "家庭人口", 5, value)
for name, value in {"dash": "-", "none": "无", "spaces": " ", "unknown": "不详"}.items():
    cells(f"v_size_missing_{name}", "flag", "SIZE_MISSING", "家庭人口", 5, value)
cells("v_size_error", "flag", "NUM_EXCEL_ERROR", "家庭人口", 5, "#N/A")
cells("v_size_zero_text", "flag", "SIZE_ZERO", "家庭人口", 5, "0")
for name, value in {"mouths": "6口", "full": "６人"}.items():
    cells(f"v_size_{name}", "repair", "NUM_UNIT", "家庭人口", 5, value)


cells("v_date_full_digits", "repair", "DATE_TEXT", "脱贫年月", 3, "２０１７.１２")
cells("v_date_other_digits", "flag", "DATE_INVALID", "脱贫年月", 3, "٢٠١٧.١٢")
cells("v_hid_ringed_digit", "flag", "HID_MISSING", "户编号", 5, "0043109900000④")
cells("v_date_ringed_digit", "flag", "DATE_INVALID", "脱贫年月", 3, "2017.1②")


# ---- structure ----------------------------------------------------------------------------------------------------------------------------------
@fault("v_title_date_unit", "accept", "TITLE_ROWS", "A1:A3")
def _(rows: Rows, path: Path) -> Rows:
    return [["临武县建档立卡贫困户收入合计表"], ["2018年第一季度"], ["填报单位：舜峰镇", *[None] * 14, "单位：元"], *rows]


@fault("v_title_then_blank", "accept", "TITLE_ROWS", "C1")
def _(rows: Rows, path: Path) -> Rows:
    return [[None, None, "（自定义）监测对象信息"], [], [], *rows]


@fault("v_title_date_cell", "accept", "TITLE_ROWS")
def _(rows: Rows, path: Path) -> Rows:
    return [["贫困户收入表", None, None, "填报日期", dt.date(2018, 3, 31)], *rows]


@fault("v_three_levels", "accept", "MULTI_HEADER", "A1:P3")
def _(rows: Rows, path: Path) -> Path:
    first: list[Any] = [value if not 6 <= place < 13 else None for place, value in enumerate(rows[0])]
    first[6] = "家庭收支情况"
    second: list[Any] = [None] * 16
    second[6], second[10] = "收入(元)", "支出及纯收入"
    third = [None if not 6 <= place < 13 else value for place, value in enumerate(rows[0])]

    def edit(sheet: Any) -> None:
        for box in ("G1:M1", "G2:J2", "K2:M2", *(f"{letter}1:{letter}3" for letter in "ABCDEFNOP")):
            sheet.merge_cells(box)

    return write(path, [first, second, third, *rows[1:]], edit=edit)


@fault("v_csv_two_levels", "accept", "MULTI_HEADER", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    top: list[Any] = [value if not 6 <= place < 13 else None for place, value in enumerate(rows[0])]
    top[6] = "家庭收入"
    under = [None if not 6 <= place < 13 else value for place, value in enumerate(rows[0])]
    return write_csv(path, [top, under, *rows[1:]])


@fault("v_csv_split_words", "accept", "MULTI_HEADER", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    under: list[Any] = [None] * 16
    under[6:10] = ["工资性", "生产经营性", "财产性", "转移性"]
    top = [value if not 6 <= place < 10 else None for place, value in enumerate(rows[0])]
    top[6] = "收入"
    return write_csv(path, [top, under, *rows[1:]])


@fault("v_numbering_brackets", "accept", "MULTI_HEADER")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], [f"({number})" for number in range(1, 17)], *rows[1:]]


@fault("v_numbering_word", "accept", "MULTI_HEADER")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], ["栏次", *range(1, 16)], *rows[1:]]


for _name, (_label, _at) in {
    "sum": ("合计", 0), "spaced": ("合　　计", 0), "colon": ("合计：", 0), "grand": ("总计", 1), "township": ("全镇合计", 3), "county": ("全县合计",
        1), "households": ("合计48户", 0),
    "bracket": ("合计(48户)", 1), "added": ("累计", 4), "sum_words": ("以上合计", 0), "page": ("本页合计", 0), "page_small": ("本页小计", 1),
    "together": ("共计", 2), "name": ("舜峰镇等3个乡镇合计", 0),
}.items():
    @fault(f"v_total_{_name}", "repair", "TOTAL_ROW", f"{'ABCDEF'[_at]}50", says=_label.strip("："))
    def _(rows: Rows, path: Path, label: str = _label, at: int = _at) -> Rows:
        return [*rows, totals(label, at)]


@fault("v_total_text_numbers", "repair", "TOTAL_ROW", "A50", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, totals("合计", _6="333,331.62")]


@fault("v_total_formulas", "repair", "TOTAL_ROW", "A50", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, ["合计", None, None, None, None, *[f"=SUM({letter}2:{letter}49)" for letter in "FGHIJKL"]]]


@fault("v_total_merged_label", "repair", "TOTAL_ROW", "A50", says="合计")
def _(rows: Rows, path: Path) -> Path:
    return write(path, [*rows, totals("合计")], edit=lambda sheet: sheet.merge_cells("A50:E50"))


@fault("v_average_row", "repair", "TOTAL_ROW", "A50", says="平均")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, ["平均", None, None, None, None, 4, 6944.4, 4639.3, 130, 2761.7, 1307.5, 13167.9]]


@fault("v_total_and_average", "repair", "TOTAL_ROW", "A50", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, totals("合计"), ["户均", None, None, None, None, 4, 6944.4, 4639.3, 130, 2761.7, 1307.5, 13167.9]]


@fault("v_village_totals", "repair", "TOTAL_ROW", "A18", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    out, start = [rows[0]], 1
    while start < 49:
        part = rows[start: start + 16]
        out += [*part, totals("乡镇合计", rows=part)]
        start += 16
    return [*out, totals("合计")]


@fault("v_total_top_and_bottom", "repair", "TOTAL_ROW", "A2", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], totals("合计"), *rows[1:], totals("总计")]


@fault("v_total_between_title_and_first", "repair", "TOTAL_ROW", "B3", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [["贫困户收入表"], rows[0], totals("合计", 1), *rows[1:]]


@fault("v_total_size_wrong", "flag", "TOTAL_MISMATCH", "F50", says="家庭人口", also=("TOTAL_ROW",))
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, totals("合计", _5=190)]


@fault("v_subtotal_wrong", "flag", "TOTAL_MISMATCH", "G18", says="工资性收入", also=("TOTAL_ROW",))
def _(rows: Rows, path: Path) -> Rows:
    part = totals("小计", rows=rows[1:17])
    part[6] += 100
    return [*rows[:17], part, *rows[17:]]


@fault("v_subtotal_wrong_and_a_cell_unknown_elsewhere", "flag", "TOTAL_MISMATCH", "G18", net=None, says="工资性收入",
       also=("TOTAL_ROW", "NUM_NOT_EXACT"))
def _(rows: Rows, path: Path) -> Rows:
    part = [*totals("小计", rows=rows[1:17])[:5], *[None] * 11]
    part[6] = round(sum(row[6] for row in rows[1:17]) + 100, 2)
    rows[30][6] = "约3600"
    return [*rows[:17], part, *rows[17:]]


@fault("v_total_not_checked_where_a_cell_is_unknown", "flag", "NUM_NOT_EXACT", "G4", net=NO_WAGE, says="工资性收入", also=("TOTAL_ROW",))
def _(rows: Rows, path: Path) -> Rows:
    rows[3][6] = "约3600"
    return [*rows, totals("合计")]


for _name, _lines in {
    "signatures": [["制表人：张某", None, None, "审核人：李某", None, None, "2018年4月5日"]], "note": [["注：1.本表由村填报。"],
        ["2.金额单位为元。"]], "stamp": [["填报单位（盖章）：舜峰镇人民政府"]],
    "second_column": [[None, "驻村工作队队长签字："]], "blank_below": [["以下空白"]], "date": [[None, None, None, "2018年3月31日"]],
    "date_cell": [[None, dt.date(2018, 3, 31)]],
    "note_with_total": [["注：合计数不含特困供养户"]], "after_blank": [[], [], ["审核：", None, "制表："]],
}.items():
    @fault(f"v_footer_{_name}", "accept", "FOOTER_ROWS")
    def _(rows: Rows, path: Path, lines: Rows = _lines) -> Rows:
        return [*rows, *lines]


@fault("v_footer_after_total", "repair", "TOTAL_ROW", "A50", says="合计")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, totals("合计"), [], ["填表人：张某", None, "联系电话：13900000000"]]


@fault("v_page_break", "repair", "REPEATED_HEADER", "A27")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows[:25], ["临武县建档立卡贫困户信息表"], rows[0], *rows[25:]]


@fault("v_page_breaks_with_totals", "repair", "REPEATED_HEADER", "A27", also=("TOTAL_ROW",))
def _(rows: Rows, path: Path) -> Rows:
    return [*rows[:25], totals("本页小计", rows=rows[1:25]), rows[0], *rows[25:], totals("本页小计", rows=rows[25:]), totals("合计")]


@fault("v_repeated_header_with_breaks", "repair", "REPEATED_HEADER", "A26")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows[:25], [f" {value[:2]}\n{value[2:]}" for value in rows[0]], *rows[25:]]


@fault("v_numbered_blank_rows", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    return [["序号", *rows[0]], *[[number, *row] for number, row in enumerate(rows[1:], 1)], [49, *[None] * 16], [50, *[None] * 16]]


@fault("v_serial_restarts", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    return [["序号", *rows[0]], *[[number % 16 + 1, *row] for number, row in enumerate(rows[1:])]]


for _name, _words in {
    "short": {"户编号": "户号", "户主姓名": "户主", "身份证号": "身份证号码", "家庭人口": "人口数"}, "money": {"工资性收入": "务工收入",
        "生产经营性支出": "经营支出", "纯收入": "家庭年纯收入", "转移性收入": "政策性收入"},
    "places": {"乡镇": "所属乡镇", "行政村": "村名", "脱贫年月": "脱贫时间"}, "other": {"身份证号": "公民身份号码", "脱贫属性": "是否脱贫",
        "户编号": "户编码"},
}.items():
    @fault(f"v_synonym_{_name}", "repair", "HEADER_SYNONYM", "")
    def _(rows: Rows, path: Path, words: dict[str, str] = _words) -> Rows:
        return [[words.get(value, value) for value in rows[0]], *rows[1:]]


@fault("v_synonym_with_unit", "repair", "HEADER_SYNONYM", "G1", says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    rows[0][6] = "务工收入（元/年）"
    return rows


for _name, _change in {
    "full": lambda text: text.replace("户", "户\u200d"), "wide": "　".join, "break": lambda text: text[:2] + "\r\n" + text[2:],
    "tabs": lambda text: f"\t{text}\t",
}.items():
    @fault(f"v_header_{_name}", "accept", "HEADER_NORMALISED", "A1:P1")
    def _(rows: Rows, path: Path, change: Any = _change) -> Rows:
        return [[change(value) for value in rows[0]], *rows[1:]]


for _name, _change in {"star": lambda text: f"*{text}", "numbers": lambda text: f"1.{text}", "required": lambda text: f"{text}（必填）",
    "colon": lambda text: f"{text}："}.items():
    @fault(f"v_header_mark_{_name}", "accept", "")
    def _(rows: Rows, path: Path, change: Any = _change) -> Rows:
        return [[change(value) for value in rows[0]], *rows[1:]]


for _name, _place, _outcome in (("business", 7, "reject"), ("property", 8, "reject"), ("transfer", 9, "reject"), ("cost", 10, "reject"), ("net", 11,
    "flag"), ("percapita", 12, "flag"),
                                ("id", 2, "flag"), ("name", 1, "flag"), ("township", 3, "flag"), ("village", 4, "flag"), ("status", 13, "flag")):
    @fault(f"v_missing_{_name}", _outcome, "MISSING_COLUMN", "", net=None if _outcome == "reject" else NET, rows=0 if _outcome == "reject" else 48,
        says=clean_rows()[0][_place])
    def _(rows: Rows, path: Path, place: int = _place) -> Rows:
        return [row[:place] + row[place + 1:] for row in rows]


@fault("v_two_incomes_missing", "reject", "MISSING_COLUMN", "", net=None, rows=0, says="财产性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [row[:8] + row[10:] for row in rows]


@fault("v_wage_column_empty", "flag", "NUM_MISSING", "G2", net=None, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    for row in rows[1:]:
        row[6] = None
    return rows


@fault("v_column_twice_synonym", "flag", "DUPLICATE_COLUMN", "G1:Q1", net=WITHOUT, says="工资性收入", also=("HEADER_SYNONYM",))
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, "务工收入" if place == 0 else row[6] + 1 if place + 1 in WAGES else row[6]] for place, row in enumerate(rows)]


@fault("v_column_three_times", "repair", "DUPLICATE_COLUMN", "G1:Q1", says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, row[6], row[6]] for row in rows]


@fault("v_column_twice_one_blank", "flag", "DUPLICATE_COLUMN", "G1:Q1", net=NO_WAGE, says="工资性收入")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, None if place == 3 else row[6]] for place, row in enumerate(rows)]


@fault("v_hidden_by_height", "flag", "HIDDEN_ROWS", "A10:P10", says="10")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'<row r="10">', b'<row r="10" ht="0" customHeight="1">'))


@fault("v_hidden_by_filter", "flag", "HIDDEN_ROWS", "A2:P20", says="20")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet.auto_filter.ref = "A1:P49"
        for row in range(2, 21):
            sheet.row_dimensions[row].hidden = True

    return write(path, rows, edit=edit)


@fault("v_hidden_below_the_table", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        for row in range(60, 70):
            sheet.row_dimensions[row].hidden = True

    return write(path, rows, edit=edit)


@fault("v_hidden_column_narrow", "flag", "HIDDEN_COLUMN", "P1:P49", says="备注")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b"<sheetData>",
        b'<cols><col min="16" max="16" width="0" customWidth="1"/></cols><sheetData>'))


@fault("v_filter_without_hiding", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet.auto_filter.ref = "A1:P49"
        sheet.freeze_panes = "B2"
        sheet.protection.sheet = True

    return write(path, rows, edit=edit)


def sheets(path: Path, named: dict[str, Rows], hidden: dict[str, str] | None = None) -> Path:
    """A workbook of several sheets, some of them hidden."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in named.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = (hidden or {}).get(title, "visible")
    book.save(path)
    return path


@fault("v_hidden_sheet_last", "flag", "HIDDEN_SHEET", "一稿", says="一稿")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"家庭信息": rows, "一稿": rows}, {"一稿": "hidden"})


@fault("v_very_hidden_sheet", "flag", "HIDDEN_SHEET", "旧", says="旧")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"旧": rows[:20], "家庭信息": rows}, {"旧": "veryHidden"})


@fault("v_hidden_list_of_choices", "accept", "HIDDEN_SHEET", "字典", says="字典")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"家庭信息": rows, "字典": [["未脱贫"], ["已脱贫"], ["返贫"]]}, {"字典": "hidden"})


@fault("v_only_hidden", "reject", "HIDDEN_SHEET", "家庭信息", net=None, rows=0, says="家庭信息")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"封面": [["台账"]], "家庭信息": rows}, {"家庭信息": "hidden"})


@fault("v_sheets_by_village", "accept", "MULTI_SHEET", "", says="乙一村")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {village: [["收入表"], rows[0],
        *[row for row in rows[1:] if row[4] == village]] for village in dict.fromkeys(row[4] for row in rows[1:])})


@fault("v_sheets_of_other_order", "accept", "MULTI_SHEET", "", says="表二")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"表一": rows[:25], "表二": [row[::-1] for row in [rows[0], *rows[25:]]], "Sheet3": []})


@fault("v_sheets_share_a_household", "flag", "DUPLICATE_HOUSEHOLD", "A2", rows=49, net=None, says="00431099000024")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"表一": rows[:25], "表二": [rows[0], rows[24], *rows[25:]]})


@fault("v_two_quarters", "reject", "AMBIGUOUS_SHEETS", "", net=None, rows=0, says="2017Q4")
def _(rows: Rows, path: Path) -> Path:
    other = clean_rows()
    for row in other[1:]:
        row[6] = 0
    return two_sheets(path, ("2018Q1", rows), ("2017Q4", other))


@fault("v_whole_and_villages", "reject", "AMBIGUOUS_SHEETS", "", net=None, rows=0, says="汇总")
def _(rows: Rows, path: Path) -> Path:
    return sheets(path, {"汇总": rows, "舜峰镇": rows[:17]})


@fault("v_same_sheet_twice", "accept", "SHEET_CHOSEN", "", says="Sheet1 (2)")
def _(rows: Rows, path: Path) -> Path:
    return two_sheets(path, ("Sheet1", rows), ("Sheet1 (2)", rows))


@fault("v_summary_by_township", "accept", "SHEET_CHOSEN", "", says="汇总")
def _(rows: Rows, path: Path) -> Path:
    return two_sheets(path, ("汇总", [["乡镇", "户数", "人口"], ["舜峰镇", 16, 60], ["南强镇", 16, 60]]), ("家庭信息", rows))


@fault("v_only_titles", "reject", "NO_HEADER_FOUND", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return [["临武县贫困户收入表"], ["填报单位：舜峰镇"]]


@fault("v_only_spaces", "reject", "EMPTY", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return [[" ", "\u3000"], ["\u200b"]]


@fault("v_only_a_total", "reject", "NO_ROWS", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], ["合计", None, None, None, None, 0, 0, 0, 0, 0, 0, 0]]


@fault("v_title_header_footer", "reject", "NO_ROWS", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return [["收入表"], rows[0], ["填表人：张某"]]


@fault("v_blank_text", "reject", "EMPTY", net=None, rows=0, suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(b"\xef\xbb\xbf\r\n  \r\n")
    return path


@fault("v_page_without_table", "reject", "FORMAT", net=None, rows=0, suffix=".xls", says="网页")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes("<html><body><p>登录超时，请重新登录</p></body></html>".encode())
    return path


@fault("v_english_header", "reject", "NO_HEADER_FOUND", net=None, rows=0)
def _(rows: Rows, path: Path) -> Rows:
    return [[f"col{number}" for number in range(16)], *rows[1:]]


@fault("v_merged_names", "repair", "MERGED_FILLED", "E2:E17", says="行政村")
def _(rows: Rows, path: Path) -> Path:
    for row in rows[1:17]:
        row[4] = rows[1][4]
    return write(path, rows, edit=lambda sheet: sheet.merge_cells("E2:E17"))


@fault("v_blank_like_merged", "flag", "BLANK_KEY", "D3", says="乡镇")
def _(rows: Rows, path: Path) -> Rows:
    last = None
    for row in rows[1:]:
        row[3], last = (None if row[3] == last else row[3]), row[3]
    return rows


@fault("v_merged_size", "flag", "MERGED_FILLED", "F4:F6", says="家庭人口")
def _(rows: Rows, path: Path) -> Path:
    return write(path, rows, edit=lambda sheet: sheet.merge_cells("F4:F6"))


@fault("v_merged_across", "flag", "NUM_MISSING", "H4", net=round(NET - 6537.46, 2), says="生产经营性收入", also=("MERGED_FILLED",))
def _(rows: Rows, path: Path) -> Path:
    return write(path, rows, edit=lambda sheet: sheet.merge_cells("G4:H4"))


@fault("v_comment_heading", "accept", "COMMENTS", "G1", says="务工")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G1"].comment = Comment("只填务工", "局")

    return write(path, rows, edit=edit)


@fault("v_struck_cell", "flag", "STRUCK_ROW", "G4", says="G4")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G4"].font = Font(strike=True)

    return write(path, rows, edit=edit)


@fault("v_struck_part_of_text", "flag", "STRUCK_ROW", "G4", net=None, says="G4", also=("NUM_TEXT", "SUM_MISMATCH"))
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["G4"] = CellRichText(TextBlock(InlineFont(strike=True), "3632.69"), TextBlock(InlineFont(), "3000"))

    return write(path, rows, edit=edit)


@fault("v_struck_outside", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    def edit(sheet: Any) -> None:
        sheet["T90"].font = Font(strike=True)

    return write(path, rows, edit=edit)


@fault("v_lone_number_below", "flag", "STRAY_CELLS", "G51", says="5000")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, [], [*[None] * 6, 5000]]


@fault("v_wide_header_empty_columns", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row[:6], None, None, *row[6:]] for row in rows]


@fault("v_household_three_times", "flag", "DUPLICATE_HOUSEHOLD", "A50", rows=50, net=round(NET + 2 * 11780.56, 2), says="00431099000001")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, rows[1], rows[1]]


@fault("v_id_three_times", "flag", "ID_DUPLICATE", "C9", says="00431099000001")
def _(rows: Rows, path: Path) -> Rows:
    rows[8][2] = rows[11][2] = rows[1][2]
    return rows


@fault("v_rows_above_header", "flag", "TITLE_ROWS", "A1", rows=46, net=None)
def _(rows: Rows, path: Path) -> Rows:
    return [rows[1], rows[2], rows[0], *rows[3:]]


@fault("v_shuffled_rows", "accept", "")
def _(rows: Rows, path: Path) -> Rows:
    body = rows[1:]
    random.Random(5).shuffle(body)
    return [rows[0], *body]


# ---- other writers ------------------------------------------------------------------------------------------------------------------------------
@fault("v_xlsxwriter", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("家庭信息")
    for number, row in enumerate(rows):
        sheet.write_row(number, 0, ["" if value is None else value for value in row])
    book.close()
    return path


@fault("v_write_only", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("家庭信息")
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


@fault("v_strict_names", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b'<c r="G4" t="n">', b'<c t="n" r="G4">'))


@fault("v_styled_blank_rows", "accept", "")
def _(rows: Rows, path: Path) -> Path:
    more = "".join(f'<row r="{number}"><c r="A{number}"/><c r="B{number}"/></row>' for number in range(50, 30_000)).encode()
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b"</sheetData>", more + b"</sheetData>"))


@fault("v_xls_two_sheets_named_et", "accept", "", suffix=".et")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows)


@fault("v_xls_vba", "accept", "MACRO", suffix=".xls", says="宏")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(compound({"Workbook": biff(rows), "_VBA_PROJECT": b"\xcc\x61"}))
    return path


@fault("v_xls_hidden_sheet", "reject", "HIDDEN_SHEET", "家庭信息", net=None, rows=0, suffix=".xls")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows, state=1)


@fault("v_xls_as_xlsx", "accept", "SUFFIX", says="xls")
def _(rows: Rows, path: Path) -> Path:
    return write_xls(path, rows)


@fault("v_no_suffix", "accept", "SUFFIX", suffix="", says="xlsx")
def _(rows: Rows, path: Path) -> Path:
    return write(path.with_suffix(".xlsx"), rows).rename(path)


@fault("v_capital_suffix", "accept", "", suffix=".XLSX")
def _(rows: Rows, path: Path) -> Path:
    return write(path.with_suffix(".xlsx"), rows).rename(path)


@fault("v_macro_unused_link", "accept", "EXTERNAL_LINK", says="链接")
def _(rows: Rows, path: Path) -> Path:
    return add_part(write(path, rows), "xl/externalLinks/externalLink1.xml", b"<externalLink/>")


@fault("v_link_by_path", "flag", "EXTERNAL_LINK", says="G4")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART,
                     lambda data: data.replace(b'<c r="G4" t="n"><v>', rb"<c r=" + b'"G4"><f>' + rb"'C:\[old.xls]Sheet1'!A1</f><v>"))


for _name, _head, _says in (("rtf", b"{\\rtf1\\ansi", "RTF"), ("rar", b"Rar!\x1a\x07\x00" + bytes(60), "RAR"), ("seven",
    b"7z\xbc\xaf\x27\x1c" + bytes(60), "7z"),
                            ("jpeg", b"\xff\xd8\xff\xe0" + bytes(range(200)), "图片"), ("gzip", b"\x1f\x8b\x08" + bytes(60), "gzip"),
                            ("program", b"MZ\x90\0" + bytes(60), "程序"), ("parquet", b"PAR1" + bytes(60), "parquet")):
    @fault(f"v_format_{_name}", "reject", "FORMAT", net=None, rows=0, says=_says)
    def _(rows: Rows, path: Path, head: bytes = _head) -> Path:
        path.write_bytes(head)
        return path


def package(path: Path, parts: dict[str, str]) -> Path:
    """A zip package of these parts."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def _relation(target: str) -> dict[str, str]:
    return {"_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats'
                           f'.org/officeDocument/2006/relationships/officeDocument" Target="{target}"/></Relationships>', target: "x"}


for _name, _parts, _says in (("xlsb", _relation("xl/workbook.bin"), "xlsb"), ("powerpoint", _relation("ppt/presentation.xml"), "演示"), ("zip",
    {"台账.xlsx": "x"}, "zip"),
                             ("odt", {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}, "OpenDocument")):
    @fault(f"v_format_{_name}", "reject", "FORMAT", net=None, rows=0, says=_says)
    def _(rows: Rows, path: Path, parts: dict[str, str] = _parts) -> Path:
        return package(path, parts)


@fault("v_mhtml", "reject", "FORMAT", net=None, rows=0, suffix=".xls", says="MHTML")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n--x")
    return path


for _share in (5, 30, 60, 90, 99):
    @fault(f"v_truncated_{_share}", "reject", "DAMAGED", net=None, rows=0, says="损坏")
    def _(rows: Rows, path: Path, share: int = _share) -> Path:
        data = write(path, rows).read_bytes()
        path.write_bytes(data[: len(data) * share // 100])
        return path


@fault("v_sheet_part_missing", "reject", "DAMAGED", net=None, rows=0, says="损坏")
def _(rows: Rows, path: Path) -> Path:
    write(path, rows)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist() if name != SHEET_PART}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


for _part in ("xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels"):
    @fault(f"v_dtd_{_part.rsplit('/', 1)[-1].strip('[]')}", "reject", "XML_DTD", net=None, rows=0, says="DTD")
    def _(rows: Rows, path: Path, part: str = _part) -> Path:
        book = xlsxwriter.Workbook(path)
        for number, row in enumerate(rows):
            book.add_worksheet("家庭信息").write_row(number, 0, row) if number == 0 else book.worksheets()[0].write_row(number, 0, row)
        book.close()
        dtd = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "a">]>'
        return edit_part(path, part, lambda data: dtd + data[data.find(b"?>") + 2 if data.startswith(b"<?xml") else 0:])


@fault("v_dtd_behind_a_long_comment", "reject", "XML_DTD", net=None, rows=0, says="DTD")
def _(rows: Rows, path: Path) -> Path:
    return edit_part(write(path, rows), SHEET_PART,
        lambda data: b"<!--" + b" " * 100_000 + b'--><!DOCTYPE x [<!ENTITY a "a">]>' + data[data.find(b"<worksheet"):])


@fault("v_dtd_xml_file", "reject", "XML_DTD", net=None, rows=0, suffix=".xls", says="DTD")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><Workbook>&lol;</Workbook>')
    return path


# ---- text ---------------------------------------------------------------------------------------------------------------------------------------
@fault("v_csv_quoted_everything", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [['"' + ("" if value is None else str(value)) + '"' for value in row] for row in rows], "gbk", end="\r\n")


@fault("v_csv_pipe", "accept", "", suffix=".txt")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows, mark="|")


@fault("v_csv_sep_line", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    write_csv(path, rows, mark=";")
    path.write_bytes(b"sep=;\n" + path.read_bytes())
    return path


@fault("v_csv_as_xls", "accept", "SUFFIX", suffix=".xls", says="CSV")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, rows, "gbk")


@fault("v_csv_utf16_big", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(b"\xfe\xff" + write_csv(path, rows, "utf-16-be").read_bytes())
    return path


@fault("v_csv_four_byte_name", "accept", "", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[4][1] = "𠮷英杰"
    return write_csv(path, rows, "gb18030")


@fault("v_csv_title", "accept", "TITLE_ROWS", "A1", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [["临武县贫困户收入表"], *rows])


@fault("v_csv_thousands_quoted", "repair", "NUM_TEXT", "G4", says="工资性收入", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[3][6] = '"3,632.69"'
    return write_csv(path, rows)


@fault("v_csv_thousands_bare", "flag", "FIELD_COUNT", "line 4", net=None, says="4", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[3][6] = "3,632.69"
    return write_csv(path, rows)


@fault("v_csv_two_fields_short", "flag", "FIELD_COUNT", "line 20", net=None, says="20", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    rows[19] = rows[19][:14]
    return write_csv(path, rows)


@fault("v_csv_line_broken_in_two", "flag", "FIELD_COUNT", "line 11", net=None, rows=49, says="11", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [*rows[:10], rows[10][:6], rows[10][6:], *rows[11:]])


@fault("v_csv_two_lines_in_one", "flag", "FIELD_COUNT", "line 11", net=None, rows=47, says="11", suffix=".csv")
def _(rows: Rows, path: Path) -> Path:
    return write_csv(path, [*rows[:10], rows[10] + rows[11], *rows[12:]])


@fault("v_quote_swallows_lines", "flag", "QUOTE", "line 11", net=None, says="11", suffix=".csv", also=("NAME_CHARS",))
def _(rows: Rows, path: Path) -> Path:
    rows[10][1] = '"' + rows[10][1]
    rows[13][1] += '"'
    return write_csv(path, rows)


@fault("v_quote_in_the_middle", "flag", "QUOTE", "line 11", says="11", suffix=".csv", net=round(NET - 5395.34, 2))
def _(rows: Rows, path: Path) -> Path:
    rows[10][1] = rows[10][1][0] + '"' + rows[10][1][1:]
    return write_csv(path, rows)


for _name, _encoding, _code in (("big5", "big5", "ENCODING"), ("bom_then_gbk", "gbk", "ENCODING")):
    @fault(f"v_encoding_{_name}", "reject", _code, net=None, rows=0, suffix=".csv")
    def _(rows: Rows, path: Path, encoding: str = _encoding) -> Path:
        text = "\n".join(",".join("" if value is None else str(value) for value in row) for row in rows)
        path.write_bytes((b"\xef\xbb\xbf" if encoding == "gbk" else b"") + text.encode(encoding, "replace"))
        return path


@fault("v_encoding_utf8_line_in_gbk", "reject", "ENCODING", net=None, rows=0, suffix=".csv", says="编码")
def _(rows: Rows, path: Path) -> Path:
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    path.write_bytes(b"\n".join(line.encode("utf-8" if place % 10 == 9 else "gbk") for place, line in enumerate(lines)))
    return path


@fault("v_encoding_kuntaokao", "reject", "ENCODING", net=None, rows=0, suffix=".csv", says="编码")
def _(rows: Rows, path: Path) -> Path:
    text = write_csv(path, rows, "gbk").read_bytes().decode("utf-8", "replace")
    path.write_bytes(text.encode("utf-8").decode("gbk", "replace").encode("utf-8"))
    return path


@fault("v_encoding_utf16_odd", "reject", "ENCODING", net=None, rows=0, suffix=".csv", says="编码")
def _(rows: Rows, path: Path) -> Path:
    path.write_bytes(write_csv(path, rows, "utf-16").read_bytes()[:-1])
    return path


@fault("v_html_headings", "accept", "SUFFIX", suffix=".xls", says="HTML")
def _(rows: Rows, path: Path) -> Path:
    body = "".join("<tr>" + "".join(f"<{'th' if place == 0 else 'td'} style='mso-number-format:\"\\@\"'>{'' if value is None else value}" for value in row)
                   for place, row in enumerate(rows))
    head = '<!DOCTYPE html><html xmlns:x="urn:schemas-microsoft-com:office:excel"><head><meta charset=gb2312></head>'
    path.write_bytes(f"{head}<table border=1>{body}</table>".encode("gbk"))
    return path


@fault("v_html_layout_table", "accept", "SUFFIX", suffix=".xls", says="HTML")
def _(rows: Rows, path: Path) -> Path:
    body = "".join("<tr>" + "".join(f"<td>{'&nbsp;' if value is None else value}</td>" for value in row) + "</tr>" for row in rows)
    path.write_bytes(f"<html><body><table><tr><td>菜单</td></tr></table><table>{body}</table></body></html>".encode())
    return path


# ---- rows and ranges that hide something ------------------------------------------------------------------------------------------------------------
@fault("v_merge_covers_other_villages", "flag", "MERGED_FILLED", "E2:E12", says="行政村")
def _(rows: Rows, path: Path) -> Path:
    merge = b'</sheetData><mergeCells count="1"><mergeCell ref="E2:E12"/></mergeCells>'
    return edit_part(write(path, rows), SHEET_PART, lambda data: data.replace(b"</sheetData>", merge))


@fault("v_row_of_formulas", "flag", "FORMULA_NO_VALUE", "A50", says="第50行")
def _(rows: Rows, path: Path) -> Rows:
    return [*rows, [f"=Sheet2!{letter}2" for letter in "ABCDEFGHIJKLMNOP"]]


@fault("v_all_formulas", "reject", "FORMULA_NO_VALUE", net=None, rows=0, says="粘贴为数值")
def _(rows: Rows, path: Path) -> Rows:
    return [rows[0], *[[f"=Sheet2!{letter}{number}" for letter in "ABCDEFGHIJKLMNOP"] for number in range(2, 50)]]


@fault("v_column_without_heading", "flag", "STRAY_CELLS", "Q2:Q49", says="48")
def _(rows: Rows, path: Path) -> Rows:
    return [[*row, None if place == 0 else place] for place, row in enumerate(rows)]


@fault("v_total_word_in_remark", "flag", "HID_MISSING", "A5", says="户编号", also=("ID_MISSING",))
def _(rows: Rows, path: Path) -> Rows:
    rows[4][0] = rows[4][2] = None
    rows[4][15] = "低保金合计"
    return rows


@fault("v_in_hundreds", "flag", "UNIT_SUSPECT", "G2:M49", net=None)
def _(rows: Rows, path: Path) -> Rows:
    for row in rows[1:]:
        row[6:13] = [round(value / 100, 4) for value in row[6:13]]
    return rows


for _name, _heading in {"renminbi": "工资性收入（人民币元）", "of_which": "其中：工资性收入"}.items():
    @fault(f"v_heading_{_name}", "accept", "")
    def _(rows: Rows, path: Path, heading: str = _heading) -> Rows:
        rows[0][6] = heading
        return rows


VARIANTS = {name: fault for name, fault in FAULTS.items() if name not in BEFORE}
