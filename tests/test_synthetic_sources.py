"""Booklet and household file of the sample (扶贫手册、一户一档): their true differences are what the written files say, at the shares that were meant."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import linwu_stats
from linwu_stats.synthetic import County, make_county, true_differences
from linwu_stats.synthetic.ledger_files import FILES
from linwu_stats.synthetic.plain_workbook import write_plain_workbook
from linwu_stats.synthetic.sources import SOURCE_FILES, SOURCE_HEADINGS, source_rows
from linwu_stats.tables import CODES

MONEY = {"wage_fen": "工资性收入", "business_fen": "生产经营性收入", "property_fen": "财产性收入", "transfer_fen": "转移性收入", "cost_fen": "生产经营性支出"}
HOUSEHOLD = {"poverty_status": "脱贫属性", "exit_year": "脱贫年度", "attribute": "贫困户属性", "cause": "主要致贫原因"}
PERSON = {"relation": "与户主关系", "sex": "性别", "health": "健康状况", "labour": "劳动技能", "schooling_stage": "在校生状况", "resident": "是否常住"}


@pytest.fixture(scope="module")
def county() -> County:
    return make_county()


@pytest.fixture(scope="module")
def small() -> County:
    return make_county(households=200)


def sheet(path: Path, top: int = 1) -> list[dict[str, Any]]:
    rows = list(openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(min_row=top, values_only=True))
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


def fen(value: Any) -> str | None:
    return None if value is None else str(round(float(value) * 100))


def written_differences(folder: Path, book: list[dict[str, Any]], number: str) -> set[tuple[str, str, str]]:
    """Household, person's ID number of the register (blank: the household) and field on which the written source differs from the written ledgers."""
    export = sheet(folder / FILES["persons"], 3)
    by = {name: {row["户编号"]: row for row in sheet(folder / FILES[name])} for name in ("income_sheet", "housing", "water")}
    homes: dict[str, list[dict[str, Any]]] = {}
    for row in export:
        homes.setdefault(row["户编号"], []).append(row)
    pages: dict[str, list[dict[str, Any]]] = {}
    for row in book:
        pages.setdefault(row[number][-6:], []).append(row)
    found = set()
    for home, members in homes.items():
        page = pages.get(home[-6:], [])
        times = 2 if page and all(page.count(row) == 2 for row in page) else 1 if page else 0
        if times != 1:
            found.add((home, "", "presence"))
        if not page:
            continue
        page = page[: len(page) // times]
        for name, same in household_fields(page[0], members, {kind: rows[home] for kind, rows in by.items()}):
            if not same:
                found.add((home, "", name))
        found |= {(home, who, name) for who, name in person_differences(page, members)}
    return found


def household_fields(one: dict[str, Any], members: list[dict[str, Any]], by: dict[str, dict[str, Any]]) -> Iterable[tuple[str, bool]]:
    yield "household_id", one["户编号"] == members[0]["户编号"]
    yield "recorded_size_persons", one["家庭人口"] == len(members)
    for name, heading in HOUSEHOLD.items():
        yield name, str(one[heading]) == str(members[0][heading])
    yield "housing_grade", one["住房等级"] == by["housing"]["住房等级"]
    yield "litres_per_person_day", one["人均日供水量(升)"] == by["water"]["人均日供水量(升)"]
    yield "quality_ok", one["水质达标"] == by["water"]["水质达标"]
    for name, heading in MONEY.items():
        yield name, fen(one[heading]) == fen(by["income_sheet"][heading])


def person_differences(page: list[dict[str, Any]], members: list[dict[str, Any]]) -> set[tuple[str, str]]:
    found = set()
    left = list(page)
    for member in members:
        born = member["出生日期"]
        keys = (lambda row: row["证件号码"] == member["证件号码"], lambda row: row["姓名"] == member["姓名"],  # noqa: B023
                lambda row: row["出生日期"].replace("-", "") == born)  # noqa: B023
        row = next((row for fits in keys for row in left if fits(row)), None)
        if row is None:
            found.add((member["证件号码"], "presence"))
            continue
        left.remove(row)
        same = {name: row[heading] == member[heading] for name, heading in ({"name": "姓名", "id_number": "证件号码"} | PERSON).items()}
        same["birth_date"] = row["出生日期"].replace("-", "") == born
        found |= {(member["证件号码"], name) for name, equal in same.items() if not equal}
    return found | {("", "presence") for _ in left}


@pytest.mark.parametrize("source", SOURCE_FILES)
def test_true_differences_are_what_the_files_say(small_home: Path, small: County, tmp_path: Path, source: str) -> None:
    path = tmp_path / SOURCE_FILES[source]
    write_plain_workbook(path, "登记表", SOURCE_HEADINGS[source], source_rows(small, 5, source))
    book = sheet(path)
    found = written_differences(small_home / "data" / "2018Q1" / "ledgers", book, SOURCE_HEADINGS[source][0])
    true = true_differences(small, "2018Q1").fillna("")
    absent = set(true.loc[(true["field"] == "presence") & (true["person_id"] == "") & (true[source] == "0"), "household_id"])
    numbers = {person.person_id: person.id_number for row in small.households for person in row.members}
    wanted = {
        (row.household_id, numbers.get(row.person_id, ""), row.field) for row in true.itertuples()
        if getattr(row, source) != row.system and (row.household_id not in absent or row.field == "presence")
    }
    assert found == wanted
    assert len(found) > 25


def test_shares_are_as_meant(county: County) -> None:
    true = {quarter: true_differences(county, quarter).fillna("") for quarter in ("2017Q4", "2018Q1")}
    households, persons = 8186, 24192
    paper = ["name", "id_number", "household_id", "presence"]
    for rows in true.values():
        for source in SOURCE_FILES:
            differ = rows[rows[source] != rows["system"]]
            assert 0.03 < differ.loc[~differ["field"].isin(paper), "household_id"].nunique() / households < 0.055
            assert 0.013 < (differ["field"] == "id_number").sum() / persons < 0.021  # 1 % wrong, 0.5 % blank, 0.2 % of fifteen digits
            assert 0.013 < (differ["field"] == "name").sum() / persons < 0.025
            assert 0.003 < (differ["field"] == "household_id").sum() / households < 0.008
            whole = differ[(differ["field"] == "presence") & (differ["person_id"] == "") & differ[source].isin(["0", "2"]) & (differ["system"] == "1")]
            assert 0.004 < len(whole) / households < 0.011
        assert 45 <= rows["decides"].sum() <= 80
    columns = ["household_id", "person_id", "field"]
    before, now = (set(map(tuple, rows[columns].to_numpy())) for rows in true.values())
    assert len(before - now) > 800 and len(before & now) > 1500 and len(now - before) > 800
    assert set(true["2018Q1"]["since"]) == {"2017Q4", "2018Q1"}


def test_what_decides_stands_alone(small_home: Path, small: County) -> None:
    """A difference that was put in to change a verdict: all else is met where house or water becomes unsafe, and where the house becomes safe."""
    exits = linwu_stats.open_quarter("2018Q1", small_home).household_exit.set_index("household_id")
    true = true_differences(small, "2018Q1").fillna("")
    chosen = true[true["decides"]]
    assert len(chosen) >= 2 and chosen["household_id"].is_unique
    others = ["food", "clothing", "education", "medical"]
    for row in chosen.itertuples():
        verdict = exits.loc[row.household_id]
        assert (verdict[others] == "met").all()
        if row.field == "quality_ok":
            assert verdict["water"] == verdict["housing"] == "met" and verdict["verdict"] != "not_out"
        elif row.system in ("A", "B"):
            assert verdict["housing"] == verdict["water"] == "met" and "D" in (row.booklet, row.household_file)
        else:
            assert verdict["verdict"] == "not_out" and verdict["water"] == "met" and "B" in (row.booklet, row.household_file)


def test_values_are_codes_and_quarters_without_sources_are_refused(small: County) -> None:
    true = true_differences(small, "2017Q4")
    for source in ("system", *SOURCE_FILES):
        for name in ("relation", "health", "labour", "schooling_stage", "poverty_status", "attribute", "cause", "housing_grade"):
            assert set(true.loc[true["field"] == name, source].dropna()) <= set(CODES[name])
    with pytest.raises(ValueError, match="没有手册"):
        true_differences(small, "2017Q3")


def test_plain_workbook_keeps_text_as_text(tmp_path: Path) -> None:
    rows = [["=1+1", "<b>&\"'", 3.5, None, " 空格 ", 2018, "\x01坏"]]
    for name in ("a.xlsx", "b.xlsx"):
        write_plain_workbook(tmp_path / name, '表<1>&"x"', [f"列{number}" for number in range(7)], rows)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    page = openpyxl.load_workbook(tmp_path / "a.xlsx").worksheets[0]
    assert page.title == '表<1>&"x"'
    assert [cell.value for cell in page[2]] == ["=1+1", "<b>&\"'", 3.5, None, " 空格 ", 2018, "坏"]
    assert {cell.data_type for cell in page[2] if isinstance(cell.value, str)} == {"s"}
    assert pd.read_excel(tmp_path / "a.xlsx", engine="calamine").iloc[0, 0] == "=1+1"
