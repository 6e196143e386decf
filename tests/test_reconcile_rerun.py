"""The trial of a difference against the truth: the quarter made again from ledgers into which the other source's value was really written."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import linwu_stats
from linwu_stats.quarter import Quarter, make_quarter
from linwu_stats.rules import rules_at

pytestmark = pytest.mark.crash

QUARTER = "2018Q1"
CONDITIONS = ("income_outcome", "food", "clothing", "education", "medical", "housing", "water")
EXPORT, SHEET, ITEMS, BOOKLET = "贫困人口信息导出.xlsx", "季度收入表.xlsx", "收入明细台账.csv", "扶贫手册.xlsx"
HOUSING, WATER = "住房安全台账.xlsx", "饮水安全台账.xlsx"
SIGN = {"工资性收入": 1, "生产经营性收入": 1, "财产性收入": 1, "转移性收入": 1, "生产经营性支出": -1}
CLASS = {"wage": "工资性收入", "business": "生产经营性收入", "property": "财产性收入", "transfer": "转移性收入", "cost": "生产经营性支出"}
NEWCOMER_NUMBER = "431099201003150029"

#: A difference: its field in ``source_differences``, what the booklet says, and how the same is written into the system's ledgers.
Case = tuple[str, Callable[["Book", str], None], Callable[["Ledgers", str], None]]


class Book:
    """One workbook with headings in row ``top``, changed by household."""

    def __init__(self, path: Path, top: int = 1):
        self.path, self.book = path, openpyxl.load_workbook(path)
        self.page = self.book.worksheets[0]
        self.columns = {cell.value: cell.column for cell in self.page[top] if cell.value}
        self.top = top

    def rows(self, household: str) -> list[int]:
        at = self.columns["户编号"]
        return [number for number in range(self.top + 1, self.page.max_row + 1) if self.page.cell(number, at).value == household]

    def put(self, household: str, heading: str, value: Any, place: int | None = None) -> None:
        rows = self.rows(household)
        for number in rows if place is None else [rows[place]]:
            self.page.cell(number, self.columns[heading]).value = value

    def get(self, household: str, heading: str) -> Any:
        return self.page.cell(self.rows(household)[0], self.columns[heading]).value

    def drop_last(self, household: str) -> None:
        self.page.delete_rows(self.rows(household)[-1])

    def put_all(self, household: str, headings: tuple[str, ...], value: Any) -> None:
        for heading in headings:
            self.put(household, heading, value)

    def forget_birth(self, household: str) -> None:
        for heading in ("出生日期", "证件号码"):
            self.put(household, heading, None, -1)

    def add_like_last(self, household: str, **values: Any) -> None:
        last = self.rows(household)[-1]
        row = [self.page.cell(last, column).value for column in range(1, self.page.max_column + 1)]
        for heading, value in values.items():
            row[self.columns[heading] - 1] = value
        self.page.append(row)

    def save(self) -> None:
        self.book.save(self.path)


class Ledgers:
    """The system's ledgers of a quarter's folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.books = {name: Book(folder / name) for name in (HOUSING, WATER, SHEET)} | {EXPORT: Book(folder / EXPORT, 3)}
        with (folder / ITEMS).open(encoding="utf-8-sig", newline="") as file:
            self.items = list(csv.DictReader(file))
        self.law = [rule.value for rule in rules_at("2018-03-31").under("item.") if rule.value["counted"]]

    def set_class(self, household: str, name: str, yuan: float) -> None:
        """One counted line in place of all counted lines of a class, and the same in the sheet."""
        words = {word for item in self.law if item["class"] == name for word in (item["heading"], *(item.get("aliases") or ()))}
        first = next(item["heading"] for item in self.law if item["class"] == name and "unrecognised" not in item["heading"] and not item.get("in_kind_price"))
        self.items = [line for line in self.items if line["户编号"] != household or line["收入项目"] not in words]
        blank = dict.fromkeys(self.items[0], "")
        self.items.append(blank | {"户编号": household, "季度": QUARTER, "收入项目": first, "是否实物": "否", "金额(元)": f"{yuan:.2f}"})
        sheet, heading = self.books[SHEET], CLASS[name]
        was, net, persons = sheet.get(household, heading), sheet.get(household, "纯收入"), sheet.get(household, "家庭人口")
        sheet.put(household, heading, yuan)
        if was is not None and net is not None:
            net = round(net + SIGN[heading] * (yuan - was), 2)
            sheet.put(household, "纯收入", net)
            sheet.put(household, "人均纯收入", round(net / persons, 2))

    def save(self) -> None:
        for book in self.books.values():
            book.save()
        with (self.folder / ITEMS).open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(self.items[0]), lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(self.items)


def in_housing(grade: str) -> Case:
    heading, term = "住房等级", f"{grade}级"
    return "housing.housing_grade", lambda book, home: book.put(home, heading, term), lambda led, home: led.books[HOUSING].put(home, heading, term)


def in_water(field: str, heading: str, value: Any) -> Case:
    return f"water.{field}", lambda book, home: book.put(home, heading, value), lambda led, home: led.books[WATER].put(home, heading, value)


def of_class(name: str, yuan: float) -> Case:
    return f"income_sheet.{name}_fen", lambda book, home: book.put(home, CLASS[name], yuan), lambda led, home: led.set_class(home, name, yuan)


def of_member(field: str, heading: str, value: Any, place: int = -1) -> Case:
    return f"persons.{field}", lambda book, home: book.put(home, heading, value, place), lambda led, home: led.books[EXPORT].put(home, heading, value, place)


def of_household(field: str, heading: str, value: Any) -> Case:
    return f"households.{field}", lambda book, home: book.put(home, heading, value), lambda led, home: led.books[EXPORT].put(home, heading, value)


def leaves() -> Case:
    return "presence", lambda book, home: book.drop_last(home), lambda led, home: led.books[EXPORT].drop_last(home)


def joins() -> Case:
    child = {"姓名": "示例新", "证件号码": NEWCOMER_NUMBER, "与户主关系": "之女", "性别": "女", "健康状况": "健康"}
    return (
        "presence", lambda book, home: book.add_like_last(home, **child, 出生日期="2010-03-15", 在校生状况="小学"),
        lambda led, home: led.books[EXPORT].add_like_last(home, **child, 人编号=f"00{home[2:]}77", 出生日期="20100315", 在校生状况="小学"),
    )


CASES: list[Case] = [
    in_housing("D"), in_housing("A"), in_housing("C"), in_housing("B"), in_water("quality_ok", "水质达标", "否"), in_water("quality_ok", "水质达标", "是"),
    in_water("litres_per_person_day", "人均日供水量(升)", 5), in_water("litres_per_person_day", "人均日供水量(升)", 77), leaves(), leaves(), leaves(), joins(),
    of_class("wage", 200_000.0), of_class("wage", 0.07), of_class("business", 90_000.5), of_class("property", 60_000.25), of_class("transfer", 300_000.0),
    of_class("cost", 0.03), of_class("cost", 300_000.0), of_member("birth_date", "出生日期", "2009-05-01"), of_member("birth_date", "出生日期", "1950-01-09"),
    of_member("relation", "与户主关系", "其他"), of_member("health", "健康状况", "长期慢性病"), of_member("resident", "是否常住", "否"),
    of_member("schooling_stage", "在校生状况", "高中"), of_household("poverty_status", "脱贫属性", "未脱贫"),
    of_household("poverty_status", "脱贫属性", "已脱贫"),
    of_household("attribute", "贫困户属性", "五保贫困户"), of_household("cause", "主要致贫原因", "因婚"),
]


def nothing(led: Ledgers, home: str) -> None:
    """The ledger stays as it is."""


#: What only the booklet says any more, since the ledger of the quarter has a blank cell or no row of the household; and the ledger that knows no more than
#: the booklet does: a row with the grade alone.
BLANKS: list[tuple[str, Callable[[Ledgers, str], None], Callable[[Ledgers, str], None]]] = [
    ("housing.housing_grade", lambda led, home: led.books[HOUSING].put(home, "住房等级", None), nothing),
    ("housing.housing_grade", lambda led, home: led.books[HOUSING].drop_last(home),
     lambda led, home: led.books[HOUSING].put_all(home, ("改造方式", "改造是否竣工入住", "鉴定书编号"), None)),
    ("water.quality_ok", lambda led, home: led.books[WATER].put(home, "水质达标", None), nothing),
    ("persons.birth_date", lambda led, home: led.books[EXPORT].forget_birth(home), nothing),
]


@pytest.fixture(scope="module")
def trials(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Quarter, Quarter, dict[str, str]]:
    """The quarter whose booklet differs, the one whose system's ledgers were changed instead, and which household has which field changed."""
    said, done = (tmp_path_factory.mktemp(name) / "home" for name in ("said", "done"))
    for home in (said, done):
        shutil.copytree(small_home, home)
    before = linwu_stats.open_quarter(QUARTER, small_home)
    told = set(before.source_differences["household_id"]) | set(before.source_presence.query("pattern != '111'")["household_id"])
    members = before.persons.groupby("household_id").size()
    free = [code for code in before.households["household_id"] if code not in told and members.get(code, 0) >= 2]
    clean = before.household_exit.set_index("household_id")["verdict"]
    order = sorted(free, key=lambda code: ({"meets_exit": 0, "not_out": 1, "unknown": 2}[clean[code]], code))
    book, ledgers, fields = Book(said / "data" / QUARTER / "ledgers" / BOOKLET), Ledgers(done / "data" / QUARTER / "ledgers"), {}
    step = len(order) // (3 * len(CASES))
    assert step >= 1, "the sample has too few households for the cases"
    for number, (field, in_booklet, in_system) in enumerate(CASES * 3):
        home = order[(number % len(CASES)) + (number // len(CASES)) * (len(order) // 3)]
        in_booklet(book, home)
        in_system(ledgers, home)
        fields[home] = field
    blank = Ledgers(said / "data" / QUARTER / "ledgers")
    for home, (field, leave_out, alike) in zip([code for code in order if code not in fields], BLANKS * 4, strict=False):
        leave_out(blank, home)
        alike(ledgers, home)
        fields[home] = field
    for ledger in (book, blank, ledgers):
        ledger.save()
    return make_quarter(QUARTER, said), make_quarter(QUARTER, done), fields


def test_a_trial_says_what_a_real_change_of_the_ledgers_does(trials):
    said, done, fields = trials
    now, then = (q.household_exit.set_index("household_id") for q in (said, done))
    differences = said.source_differences.set_index("household_id")
    found = {}
    for home, field in fields.items():
        rows = differences.loc[[home]] if home in differences.index else differences.iloc[:0]
        row = rows[rows["field"] == field]
        if row.empty:  # the other source happened to say the same as the system, or fills a blank that decides nothing
            assert then.loc[home, ["verdict", *CONDITIONS]].equals(now.loc[home, ["verdict", *CONDITIONS]]), (home, field)
            continue
        [only] = row.to_dict("records")
        changed = [name for name in CONDITIONS if now.loc[home, name] != then.loc[home, name]]
        told = "" if pd.isna(only["changed_conditions"]) else only["changed_conditions"]
        assert told.split() == changed, (home, field)
        assert only["verdict_now"] == now.loc[home, "verdict"]
        assert only["verdict_then"] == then.loc[home, "verdict"], (home, field)
        assert only["changes_verdict"] == (now.loc[home, "verdict"] != then.loc[home, "verdict"])
        found.setdefault(f"{field} blank" if pd.isna(only["system_value"]) else field, []).append(bool(only["changes_verdict"]))
    assert {field for field, _, _ in CASES} <= set(found), "every kind of difference was tried"
    assert {"housing.housing_grade blank", "water.quality_ok blank"} <= set(found)
    for field in ("housing.housing_grade", "water.quality_ok", "income_sheet.wage_fen", "presence", "housing.housing_grade blank"):
        assert any(found[field]), f"no {field} changed a verdict"
    for field in ("persons.relation", "persons.health", "households.cause", "households.attribute"):
        assert not any(found[field])


def test_differences_that_change_a_verdict_come_first(trials):
    rows = trials[0].source_differences
    weight = rows["changes_verdict"].fillna(False).astype(int) * 2 + rows["changed_conditions"].notna().astype(int)
    assert weight.is_monotonic_decreasing
    assert weight.max() == 3
    assert weight.min() == 0
