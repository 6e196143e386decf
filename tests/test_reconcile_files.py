"""Booklets come in one file a township, each numbered from one: rows and case numbers of two files are never taken for each other."""

from __future__ import annotations

import pandas as pd
import pytest

from linwu_stats.ledgers.reconcile import PRESENCE, compare_sources
from linwu_stats.ledgers.sources import roster_source, system_source
from linwu_stats.ledgers.trials import try_differences
from linwu_stats.rules import rules_at
from linwu_stats.synthetic.identity import check_digit
from linwu_stats.tables import empty

RULES = rules_at("2018-03-31")
H1, H2 = "00431099000001", "00431099000002"


def number(born: str, order: int) -> str:
    body = f"431099{born}{order:03d}"
    return body + check_digit(body)


def row(file: str, line: int, case: str, household: str, place: tuple[str, str], name: str, born: str, order: int, **more) -> dict:
    base = {
        "_file": file, "_sheet": "表", "_row": line, "booklet_number": case, "household_id": household, "township": place[0], "village": place[1],
        "name": name, "id_number": number(born, order), "birth_date": pd.Timestamp(born), "sex": "male", "housing_grade": "A",
    }
    return base | more


SHUNFENG, WUSHUI = ("舜峰镇", "和顺坪村"), ("武水镇", "甲子坪村")
HEADS = [row("一.xlsx", 2, "001", H1, SHUNFENG, "李建国", "19600505", 11), row("二.xlsx", 2, "001", H2, WUSHUI, "王大明", "19710203", 13, housing_grade="D")]
CHILD_1 = row("一.xlsx", 3, "001", H1, SHUNFENG, "李小红", "20100601", 44, sex="female")
CHILD_2 = row("二.xlsx", 3, "001", H2, WUSHUI, "王小明", "20150908", 45)


def source(rows: list[dict]) -> pd.DataFrame:
    return roster_source(pd.DataFrame(rows), RULES)


def test_the_same_case_number_in_two_villages_is_two_households():
    plain = [one | {"booklet_number": None, "_file": "系统.xlsx", "_row": place} for place, one in enumerate(HEADS, start=2)]
    found = compare_sources({"system": source(plain), "booklet": source(HEADS)}, RULES)
    assert found.differences.empty
    assert list(found.presence["pattern"]) == ["11-"] * 4


def test_newcomers_of_two_files_with_one_row_number_are_each_tried_as_themselves():
    people = pd.DataFrame([
        {"person_id": f"{one['household_id']}01", **{name: one[name] for name in ("household_id", "name", "id_number", "birth_date", "township", "village")}}
        for one in HEADS
    ])
    tables = {name: empty(name) for name in ("households", "persons", "housing", "water", "living", "schooling", "insurance", "item_amounts", "income_sheet")}
    villages = ["431099100001", "431099101001"]
    tables["households"] = pd.DataFrame({"household_id": [H1, H2], "township_code": [code[:9] for code in villages], "village_code": villages})
    tables["persons"] = people[["person_id", "household_id", "birth_date"]].assign(sex="male")
    tables["housing"] = pd.DataFrame({"household_id": [H1, H2], "housing_grade": ["A", "D"]}).reindex(columns=empty("housing").columns)
    tables |= {name: pd.concat([empty(name), frame]) for name, frame in tables.items() if name in ("households", "persons")}
    frames = {"system": system_source(people, tables, RULES, "2018Q1"), "booklet": source([*HEADS, CHILD_1, CHILD_2])}
    found = compare_sources(frames, RULES, tables["households"])
    seen: list[pd.DataFrame] = []

    def assess(trial: dict[str, pd.DataFrame]) -> pd.DataFrame:
        seen.append(trial["persons"])
        return pd.DataFrame({"household_id": trial["households"]["household_id"]}).reindex(columns=empty("household_exit").columns).assign(verdict="unknown")

    exits = pd.DataFrame({"household_id": [H1, H2]}).reindex(columns=empty("household_exit").columns).assign(verdict="unknown")
    out = try_differences(found.differences, frames, tables, exits, "2018Q1", assess)
    assert set(out["field"]) == {PRESENCE}
    assert out["difference_id"].is_unique
    [persons] = seen
    added = persons[persons["person_id"].str.endswith("-new")]
    assert dict(zip(added["household_id"].str[:14], added["birth_date"].dt.strftime("%Y%m%d"), strict=True)) == {H1: "20100601", H2: "20150908"}


@pytest.mark.parametrize(("stated", "differs"), [(70_000, False), (71_000, True)])
def test_without_a_quarterly_sheet_the_accounted_income_is_compared(stated, differs):
    people = pd.DataFrame([{"person_id": f"{H1}01", **{name: HEADS[0][name] for name in
                            ("household_id", "name", "id_number", "birth_date", "township", "village")}}])
    tables = {name: empty(name) for name in ("households", "persons", "housing", "water", "living", "income_sheet", "household_income")}
    tables["persons"] = pd.concat([tables["persons"], people[["person_id", "household_id"]]])
    tables["household_income"] = pd.concat([tables["household_income"], pd.DataFrame([
        {"household_id": H1, "period": "quarter", "wage_fen": 70_000}, {"household_id": H1, "period": "ytd", "wage_fen": 500_000},
    ])])
    frames = {"system": system_source(people, tables, RULES, "2018Q1"), "booklet": source([HEADS[0] | {"wage_fen": stated}])}
    found = compare_sources(frames, RULES)
    assert ("income_sheet.wage_fen" in set(found.differences["field"])) == differs
