"""The income cases of tests/cases/*.yaml, on pandas and on DuckDB through the same functions.

A case has a name, the rule that it is about, the document that it was written from, what is given (rows of the ledgers; what a row leaves out is
filled in below), when (quarter, period, the county's own law), and what to expect of the household's row, its lines and its head count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from linwu_stats.income import account_households, account_items, check_identities, count_heads, find_disagreements
from linwu_stats.rules import rules_at
from linwu_stats.tables import TABLES, conform

FOLDER = Path(__file__).parent / "cases"
FAMILIES = ("item", "headcount", "period", "income", "price")
WHEN = {"quarter": "2018Q1", "period": "quarter", "day": "2018-03-31", "law": {}}


def read_cases() -> list[dict[str, Any]]:
    """All cases; each is a household of its own, so that cases with the same law and period are accounted together and cannot leak into each other."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = [path for family in FAMILIES for path in sorted(FOLDER.glob(f"{family}*.yaml"))]
    cases = [case for path in files for case in yaml.load(path.read_text(encoding="utf-8"), Loader=loader)]
    return [case | {"household_id": f"00431099{place:06d}", "when": WHEN | case.get("when", {})} for place, case in enumerate(cases, start=1)]


CASES = read_cases()
FAILING = [case for case in CASES if "error" in case["expect"]]
ACCOUNTED = [case for case in CASES if "error" not in case["expect"]]


def county_law(changes: dict[str, Any], folder: Path) -> Path:
    """The workspace's own law: each change replaces a packaged value, or the named fields of one."""
    packaged = rules_at("2018-03-31")
    entries = []
    for key, change in changes.items():
        value = {**packaged.value(key), **change} if isinstance(change, dict) else change
        rule = packaged[key]
        dated = {"from": rule.from_date, "value": value, "status": "to_confirm", "document": "案例"}
        entries.append({"key": key, "term": rule.term, "unit": rule.unit, "values": [dated]})
    (folder / "case.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return folder


def table(rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    columns = TABLES[name].names
    strange = {column for row in rows for column in row} - set(columns)
    assert not strange, f"case names columns that {name} does not have: {strange}"
    return conform(pd.DataFrame(rows, columns=columns, dtype=object), name)


def given_tables(cases: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("households", "persons", "income_items", "income_sheet")}
    for case in cases:
        given, home = case["given"], {"household_id": case["household_id"]}
        people = given.get("persons", [{"relation": "head" if place == 0 else "other"} for place in range(given.get("members", 1))])
        rows["households"].append(home | {"township_code": "431025100", "village_code": "431025100001"})
        rows["persons"] += [home | {"person_id": f"{case['household_id']}{place:02d}"} | row for place, row in enumerate(people, start=1)]
        lines = enumerate(given.get("income_items", []), start=1)
        rows["income_items"] += [home | {"line_id": f"{case['household_id']} L{n}", "quarter": "2018Q1", "in_kind": False} | row for n, row in lines]
        rows["income_sheet"] += [home | {"quarter": "2018Q1"} | row for row in given.get("income_sheet", [])]
    return {name: table(some, name) for name, some in rows.items()}


def as_duckdb(frames: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The same tables as relations of one connection, types as declared even where a column is empty."""
    types = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "TIMESTAMP"}
    connection = duckdb.connect()
    relations = {}
    for name, frame in frames.items():
        columns = ", ".join(f"CAST({column.name} AS {types[column.dtype]}) AS {column.name}" for column in TABLES[name].columns)
        relations[name] = connection.from_df(frame).project(columns)
    return relations


def as_pandas(frame: Any, name: str) -> pd.DataFrame:
    if isinstance(frame, pd.DataFrame):
        return frame
    return conform(frame.to_arrow_table().to_pandas(integer_object_nulls=True), name)


def differences(row: pd.Series, expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found = {column: None if pd.isna(row[column]) else row[column] for column in expected}
    return {column: (found[column], value) for column, value in expected.items() if found[column] != value}


def account(frames: dict[str, Any], rules: Any, when: dict[str, Any]) -> tuple[Any, Any, Any]:
    items = account_items(frames["income_items"], rules)
    heads = count_heads(frames["households"], frames["persons"], rules)
    return items, heads, account_households(items, frames["income_sheet"], heads, rules, when["quarter"], (when["period"],))


@pytest.fixture(scope="session")
def accounted(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any], str], dict[str, pd.DataFrame]]:
    """The tables of all cases that share law, quarter and period, made once for each engine; the identities hold for each of them."""
    made: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}

    def tables_for(when: dict[str, Any], engine: str) -> dict[str, pd.DataFrame]:
        name = (engine, json.dumps(when, sort_keys=True))
        if name not in made:
            rules = rules_at(when["day"], county_law(when["law"], tmp_path_factory.mktemp("law")) if when["law"] else None)
            frames = given_tables([case for case in ACCOUNTED if case["when"] == when])
            items, heads, income = account(as_duckdb(frames) if engine == "duckdb" else frames, rules, when)
            items, heads, income = as_pandas(items, "item_amounts"), as_pandas(heads, "headcounts"), as_pandas(income, "household_income")
            breaches = check_identities(income, items, heads)
            assert breaches.empty, breaches
            made[name] = {
                "lines": items.set_index("line_id"), "heads": heads.set_index("household_id"), "income": income.set_index("household_id"),
                "disagree": find_disagreements(income, rules).set_index("household_id"),
            }
        return made[name]

    return tables_for


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("case", ACCOUNTED, ids=[f"{case['rule']}: {case['name']}" for case in ACCOUNTED])
def test_case(case: dict[str, Any], engine: str, accounted: Callable[[dict[str, Any], str], dict[str, pd.DataFrame]]) -> None:
    tables, expect, household = accounted(case["when"], engine), dict(case["expect"]), case["household_id"]
    for line_id, wanted in expect.pop("lines", {}).items():
        assert differences(tables["lines"].loc[f"{household} {line_id}"], wanted) == {}, line_id
    assert differences(tables["heads"].loc[household], expect.pop("heads", {})) == {}
    if "disagrees" in expect:
        assert (household in tables["disagree"].index) == expect.pop("disagrees")
    assert differences(tables["income"].loc[household], expect) == {}


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("case", FAILING, ids=[f"{case['rule']}: {case['name']}" for case in FAILING])
def test_case_that_is_refused(case: dict[str, Any], engine: str) -> None:
    frames = given_tables([case])
    with pytest.raises(ValueError, match=case["expect"]["error"]):
        account(as_duckdb(frames) if engine == "duckdb" else frames, rules_at(case["when"]["day"]), case["when"])


def test_every_rule_of_income_has_a_case() -> None:
    rules = rules_at("2018-03-31")
    wanted = {rule.key for family in FAMILIES for rule in rules.under(f"{family}.")}
    assert wanted - {case["rule"] for case in CASES} == set()


def test_every_case_is_about_a_rule_in_force_and_names_its_document() -> None:
    rules = rules_at("2018-03-31")
    assert [case["name"] for case in CASES if case["rule"] not in rules or not case["document"].strip()] == []
    names = [(case["rule"], case["name"]) for case in CASES]
    assert len(names) == len(set(names))
