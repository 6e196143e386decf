"""The ledgers as a county has them (台账文件): the national system's export, the quarterly sheet, line items, villages and guarantees.

Nothing in a file depends on the clock: a workbook's dates are fixed, so that two runs give the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from linwu_stats.synthetic.attributes import school_state_at
from linwu_stats.synthetic.county import County, sheet_of
from linwu_stats.synthetic.dates import QUARTERS, YEAR_END
from linwu_stats.synthetic.department_lists import DEPARTMENT_FILES, DEPARTMENT_HEADINGS, department_rows
from linwu_stats.synthetic.exports import person_headings, person_rows
from linwu_stats.synthetic.guarantees import housing_at, insurance_at, living_at, water_at
from linwu_stats.synthetic.places import SERVICES, village_at
from linwu_stats.synthetic.plain_workbook import write_plain_workbook
from linwu_stats.synthetic.sources import SOURCE_FILES, SOURCE_HEADINGS, source_rows
from linwu_stats.tables import CODES

__all__ = ["FILES", "files_of", "write_ledgers"]

FIXED = dt.datetime(2018, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)

#: File names of every quarter, by what they hold; the two newest quarters have more, see :func:`files_of`.
FILES = {
    "persons": "贫困人口信息导出.xlsx", "income_sheet": "季度收入表.xlsx", "income_items": "收入明细台账.csv", "villages": "行政村表.xlsx",
    "housing": "住房安全台账.xlsx", "water": "饮水安全台账.xlsx", "living": "两不愁入户核查台账.xlsx", "schooling": "义务教育台账.xlsx",
    "insurance": "医疗保险台账.xlsx",
}

ITEM_HEADINGS = ["户编号", "户主姓名", "季度", "收入项目", "是否实物", "金额(元)", "数量", "单位", "单价(元)", "备注"]
SHEET_HEADINGS = [
    "户编号", "户主姓名", "身份证号", "乡镇", "行政村", "家庭人口", "工资性收入", "生产经营性收入", "财产性收入", "转移性收入", "生产经营性支出", "纯收入",
    "人均纯收入", "脱贫属性", "脱贫年月", "备注",
]
VILLAGE_HEADINGS = [
    "乡(镇)", "行政村", "行政村代码", "贫困村类别", "退出状态", "退出年度", "乡村户籍人口(人)", "常住人口(人)", "村集体经济收入(元)", "通硬化路",
    "安全饮水达标", "通生活生产用电", "标准化卫生室", "就学便利", "新农合养老低保五保落实", "通宽带",
]
PLACE_HEADINGS = ["户编号", "户主姓名", "乡(镇)", "行政村"]


def files_of(quarter: str) -> dict[str, str]:
    """File names of a quarter by what they hold (一个季度的文件): the two newest have booklet, household file and the departments' lists too."""
    return FILES | SOURCE_FILES | DEPARTMENT_FILES if QUARTERS.index(quarter) >= YEAR_END else FILES


def write_ledgers(county: County, quarter: str, folder: Path) -> list[Path]:
    """Write the ledger files of one quarter into a folder (写出一个季度的台账). Gives the paths."""
    place = QUARTERS.index(quarter)
    folder.mkdir(parents=True, exist_ok=True)
    titles = (f"全国扶贫开发信息系统业务管理子系统  贫困人口信息导出  {quarter}", "示例数据，全部虚构  单位：临武县  元、亩、平方米、月")
    headings = person_headings(place)
    _write_workbook(folder / FILES["persons"], "贫困人口信息", headings, person_rows(county, place), titles)
    _write_workbook(folder / FILES["income_sheet"], "家庭信息", SHEET_HEADINGS, _sheet_rows(county, place))
    _write_items(folder / FILES["income_items"], county, place)
    _write_workbook(folder / FILES["villages"], "行政村表", VILLAGE_HEADINGS, _village_rows(county, place))
    for name, (extra, rows) in GUARANTEES.items():
        _write_workbook(folder / FILES[name], FILES[name].removesuffix(".xlsx"), extra, rows(county, place))
    files = files_of(quarter)
    for name in SOURCE_FILES if "booklet" in files else ():
        write_plain_workbook(folder / files[name], files[name].removesuffix(".xlsx"), SOURCE_HEADINGS[name], source_rows(county, place, name))
    for name in DEPARTMENT_FILES if "payroll" in files else ():
        _write_list(folder / files[name], DEPARTMENT_HEADINGS[name], department_rows(county, place, name))
    return [folder / name for name in files.values()]


def _write_list(path: Path, headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A department's list: a workbook, or comma-separated text with a byte order mark."""
    if path.suffix == ".xlsx":
        _write_workbook(path, path.stem, headings, rows)
        return
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(headings)
        writer.writerows(rows)


def yes_no(value: bool | None) -> str | None:
    """是, 否, or blank where it is not known."""
    return None if value is None else "是" if value else "否"


def _term(codes: str, value: str | None) -> str | None:
    return None if value is None else CODES[codes][value]


def _yuan(fen: int | None) -> float | None:
    return None if fen is None else fen / 100


def _write_workbook(path: Path, sheet: str, headings: Sequence[str], rows: Iterable[Sequence[Any]], titles: Sequence[str] = ()) -> None:
    """One sheet: title rows if any, headings, rows. Text stays text; None leaves the cell empty."""
    with xlsxwriter.Workbook(str(path), {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}) as book:
        book.set_properties({"title": sheet, "comments": "示例数据，全部虚构", "created": FIXED})
        page = book.add_worksheet(sheet)
        bold = book.add_format({"bold": True})
        for number, title in enumerate(titles):
            page.write_string(number, 0, title, bold)
        top = len(titles)
        for column, heading in enumerate(headings):
            page.write_string(top, column, heading, bold)
        for number, row in enumerate(rows, start=top + 1):
            for column, value in enumerate(row):
                if value is None or value == "":
                    continue
                if isinstance(value, str):
                    page.write_string(number, column, value)
                else:
                    page.write_number(number, column, value)
        page.freeze_panes(top + 1, 0)


def _sheet_rows(county: County, place: int) -> Iterable[list[Any]]:
    by_code = {row.household_id: row for row in county.households}
    for sheet in sheet_of(county, place):
        row = by_code[sheet["household_id"]]
        head = row.members[0]
        status, year = row.status(place)
        money = [_yuan(sheet[f"{name}_fen"]) for name in ("wage", "business", "property", "transfer", "cost", "net", "percapita")]
        yield [
            row.household_id, head.name, head.id_number, row.village.township, row.village.name, sheet["recorded_size_persons"], *money,
            CODES["poverty_status"][status], f"{year}.12" if year else None, None if sheet["net_fen"] is not None else "有收入待核",
        ]


def _write_items(path: Path, county: County, place: int) -> None:
    """The line-item ledger as comma-separated text with a byte order mark, as Excel saves it."""
    heads = {row.household_id: row.members[0].name for row in county.households}
    items = county.law["items"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(ITEM_HEADINGS)
        for household, key, in_kind, amount, thousandths, price, note in county.lines[place]:
            unit = items[key].get("unit_of_quantity") if in_kind else None
            writer.writerow([
                household, heads[household], QUARTERS[place], items[key]["heading"], "是" if in_kind else "否", _decimal(amount, 100, 2),
                _decimal(thousandths, 1000, 1), unit or "", _decimal(price, 100, 2), note,
            ])


def _decimal(value: int | None, parts: int, digits: int) -> str:
    return "" if value is None else f"{value / parts:.{digits}f}"


def _village_rows(county: County, place: int) -> Iterable[list[Any]]:
    for village in county.villages:
        row = village_at(village, place)
        yield [
            village.township, village.name, village.code, CODES["village_kind"][village.kind], CODES["village_status"][row["village_status"]],
            row["exit_year"], row["rural_population_persons"], row["resident_population_persons"], _yuan(row["collective_income_fen"]),
            *(yes_no(row[name]) for name in SERVICES),
        ]


def _where(row: Any) -> list[str]:
    return [row.household_id, row.members[0].name, row.village.township, row.village.name]


def _housing_rows(county: County, place: int) -> Iterable[list[Any]]:
    for row in county.present(QUARTERS[place]):
        entry = housing_at(row, place)
        grade, measure = _term("housing_grade", entry["housing_grade"]), _term("housing_measure", entry["housing_measure"])
        yield [*_where(row), grade, measure, yes_no(entry["measure_finished"]), entry["certificate"]]


def _water_rows(county: County, place: int) -> Iterable[list[Any]]:
    for row in county.present(QUARTERS[place]):
        entry = water_at(row, place)
        yield [*_where(row), entry["litres_per_person_day"], entry["fetch_minutes"], entry["supply_days"], yes_no(entry["quality_ok"])]


def _living_rows(county: County, place: int) -> Iterable[list[Any]]:
    for row in county.present(QUARTERS[place]):
        entry = living_at(row, place)
        yield [*_where(row), yes_no(entry["food_ok"]), yes_no(entry["clothing_ok"])]


def _schooling_rows(county: County, place: int) -> Iterable[list[Any]]:
    for row in county.present(QUARTERS[place]):
        for person in row.present(place):
            if 6 <= person.age(place) <= 15:
                yield [row.household_id, person.person_id, person.name, person.age(place), _term("school_state", school_state_at(person, place))]


def _insurance_rows(county: County, place: int) -> Iterable[list[Any]]:
    for row in county.present(QUARTERS[place]):
        names = {person.person_id: person.name for person in row.members}
        for entry in insurance_at(row, place):
            yield [
                row.household_id, entry["person_id"], names[entry["person_id"]], _term("basic_insurance", entry["basic_insurance"]),
                yes_no(entry["serious_illness"]), yes_no(entry["medical_aid"]), _term("insurance_exception", entry["insurance_exception"]),
            ]


GUARANTEES: dict[str, tuple[list[str], Callable[[County, int], Iterable[list[Any]]]]] = {
    "housing": ([*PLACE_HEADINGS, "住房等级", "改造方式", "改造是否竣工入住", "鉴定书编号"], _housing_rows),
    "water": ([*PLACE_HEADINGS, "人均日供水量(升)", "往返取水时间(分钟)", "年供水天数", "水质达标"], _water_rows),
    "living": ([*PLACE_HEADINGS, "不愁吃", "不愁穿"], _living_rows),
    "schooling": (["户编号", "人编号", "姓名", "年龄", "就学状态"], _schooling_rows),
    "insurance": (["户编号", "人编号", "姓名", "基本医保", "大病保险", "医疗救助", "例外情形"], _insurance_rows),
}
