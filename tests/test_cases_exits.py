"""The exit and line cases of tests/cases/*.yaml; household cases on pandas and on DuckDB through the same functions.

A case has a name, the rule that it is about, the document that it was written from, what is given (what it leaves out is filled in below), when
(day, as_of, period, the county's own law), and what to expect of the household's tests, verdict and cohort, of a village's row, or of the county's rows.
Household cases under the same law are households of one frame.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from linwu_stats.exits import assess_county, assess_villages, check_cohorts, check_target, household
from linwu_stats.rules import rules_at
from linwu_stats.tables import TABLES, conform

FOLDER = Path(__file__).parent / "cases"
HOME = {"household_id": "00431099000001", "township_code": "431025100", "village_code": "431025100001"}
LEDGERS = ("housing", "water", "living", "schooling", "insurance")
SOUND = {
    "housing": {"housing_grade": "A", "housing_measure": "none"},
    "water": {"litres_per_person_day": 25, "fetch_minutes": 10, "supply_days": 350, "quality_ok": True},
    "living": {"food_ok": True, "clothing_ok": True},
    "insurance": {"basic_insurance": "resident", "serious_illness": True},
    "income": {"period": "last4", "first_quarter": "2017Q2", "last_quarter": "2018Q1", "quarters_expected": 4, "net_fen": 353501},
    "village": {
        "village_code": HOME["village_code"], "township_code": HOME["township_code"], "village_name": "甲村", "village_kind": "province",
        "village_status": "not_out", "rural_population_persons": 1000, "collective_income_fen": 4100000,
        **dict.fromkeys(("paved_road", "safe_water", "power", "clinic", "school_access", "insurance_in_place"), True),
    },
}


def read_cases() -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    files = [path for family in ("exit", "line") for path in sorted(FOLDER.glob(f"{family}.*.yaml"))]
    return [case for path in files for case in yaml.load(path.read_text(encoding="utf-8"), Loader=loader)]


CASES = read_cases()


def cases_of(*prefixes: str) -> Any:
    chosen = [case for case in CASES if case["rule"].startswith(prefixes)]
    return pytest.mark.parametrize("case", chosen, ids=[f"{case['rule']}: {case['name']}" for case in chosen])


def rules_of(case: dict[str, Any], folder: Path, day: str = "2018-03-31") -> Any:
    """The law of a case: each change replaces a packaged value, or the named fields of one."""
    when = case.get("when", {})
    day = str(when.get("day", day))
    packaged, entries = rules_at(day), []
    for key, change in when.get("law", {}).items():
        rule = packaged[key]
        value = {**rule.value, **change} if isinstance(change, dict) else change
        dated = {"from": rule.from_date, "value": value, "status": "to_confirm", "document": "案例"}
        entries.append({"key": key, "term": rule.term, "unit": rule.unit, "values": [dated]})
    if not entries:
        return packaged
    (folder / "case.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return rules_at(day, folder)


def table(rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    columns = TABLES[name].names
    strange = {column for row in rows for column in row} - set(columns)
    assert not strange, f"case names columns that {name} does not have: {strange}"
    return conform(pd.DataFrame(rows, columns=columns, dtype=object), name)


def rows_of_household(given: dict[str, Any], household_id: str) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table for the household of one case, with what the case leaves out."""
    strange = set(given) - {"household", "persons", "income", "heads", *LEDGERS}
    assert not strange, f"case gives what is not known: {strange}"
    home = {"household_id": household_id}
    people = given.get("persons", [{}])
    ids = {place: f"{household_id}{place:02d}" for place in range(1, len(people) + 1)}
    births = [row.get("birth_date", dt.date(1978, 1, 1)) for row in people]
    insured = {place: given.get("insurance", {}).get(place, {}) for place in ids}
    rows = {
        "households": [HOME | home | given.get("household", {})],
        "persons": [
            home | {"person_id": ids[place], "resident": True} | row | {"birth_date": pd.NaT if birth is None else pd.Timestamp(birth)}
            for place, row, birth in zip(ids, people, births, strict=True)
        ],
        "headcounts": [home | {"headcount_persons": len(people), "registered_persons": len(people)} | given.get("heads", {})],
        "schooling": [home | {"person_id": ids[place], "school_state": state} for place, state in given.get("schooling", {}).items()],
        "insurance": [home | {"person_id": ids[place]} | SOUND["insurance"] | row for place, row in insured.items() if row is not None],
    }
    for name, part in {"household_income": "income", "housing": "housing", "water": "water", "living": "living"}.items():
        row = given.get(part, {"net_fen": 353501 * max(len(people), 1)} if part == "income" else {})
        rows[name] = [] if row is None else [home | SOUND[part] | row]
    return rows


def given_households(given: list[dict[str, Any]], engine: str) -> dict[str, Any]:
    """One frame of each table for many cases: household 1 is that of the first case, and so on."""
    parts = [rows_of_household(one, f"00431099{place:06d}") for place, one in enumerate(given, start=1)]
    frames = {name: table([row for part in parts for row in part[name]], name) for name in parts[0]}
    return as_duckdb(frames) if engine == "duckdb" else frames


def as_duckdb(frames: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """The same tables as relations of one connection, types as declared even where a column is empty."""
    types = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "TIMESTAMP"}
    connection, relations = duckdb.connect(), {}
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


def run_tests(given: dict[str, Any], rules: Any, as_of: dt.date, period: str) -> Any:
    register = {name: given[name] for name in ("households", "persons", "household_income", "headcounts", *LEDGERS)}
    return household.test_households(**register, rules=rules, as_of=as_of, period=period)


def law_of(case: dict[str, Any]) -> str:
    return repr(sorted(case.get("when", {}).items()))


@cache
def answers(law: str, engine: str) -> dict[str, dict[str, dict[str, pd.DataFrame]]]:
    """What all household cases under the same law give, worked out in one go: by case, the rows of its household in each table."""
    cases = [case for case in CASES if case["rule"].startswith("exit.household.") and law_of(case) == law and "error" not in case["expect"]]
    when = cases[0].get("when", {})
    with TemporaryDirectory() as folder:
        rules, period = rules_of(cases[0], Path(folder)), when.get("period", "last4")
    given = given_households([case["given"] for case in cases], engine)
    tests = run_tests(given, rules, when.get("as_of", dt.date(2018, 3, 31)), period)
    incomes = given["household_income"], given["headcounts"]
    made = {
        "household_exit_tests": tests, "household_exit": household.assess_households(tests, *incomes, rules, period),
        "cohort_checks": check_cohorts(given["households"], *incomes, rules, period),
    }
    assert all(isinstance(frame, pd.DataFrame) == (engine == "pandas") for frame in made.values())
    plain = {name: as_pandas(frame, name) for name, frame in made.items()}
    return {
        f"{case['rule']}: {case['name']}": {name: frame[frame["household_id"] == f"00431099{place:06d}"] for name, frame in plain.items()}
        for place, case in enumerate(cases, start=1)
    }


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@cases_of("exit.household.")
def test_household_case(case: dict[str, Any], engine: str, tmp_path: Path) -> None:
    expect = dict(case["expect"])
    if wrong := expect.pop("error", None):
        with pytest.raises(ValueError, match=wrong):
            run_tests(given_households([case["given"]], engine), rules_of(case, tmp_path), dt.date(2018, 3, 31), "last4")
        return
    found = answers(law_of(case), engine)[f"{case['rule']}: {case['name']}"]
    rows = found["household_exit_tests"].set_index("rule_key")
    assert sorted(rows.index) == sorted(household.TESTS)
    assert len(found["household_exit"]) == 1
    assert differences(found["household_exit"].iloc[0], expect.pop("exit", {})) == {}
    if "cohort" in expect:
        wanted = expect.pop("cohort")
        assert len(found["cohort_checks"]) == (wanted is not None)
        assert differences(found["cohort_checks"].iloc[0], wanted) == {} if wanted else True
    assert differences(rows.loc[case["rule"]], expect) == {}


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@cases_of("line.")
def test_line_case(case: dict[str, Any], engine: str, tmp_path: Path) -> None:
    rules = rules_of(case, tmp_path)
    if "value" in case:
        assert rules.value(case["rule"]) == case["value"]
    wanted = [(year, None if yuan is None else yuan * 100, step) for year, yuan in case["lines"].items() for step in (-1, 0, 1)]
    given = given_households(
        [
            {
                "persons": [{}, {}], "household": {"poverty_status": "out", "exit_year": year},
                "income": {
                        "net_fen": (line or 300000) * 2 + step, "period": "year", "first_quarter": f"{year - 1}Q4", "last_quarter": f"{year}Q3",
                    },
            }
            for year, line, step in wanted
        ], engine,
    )
    rows = as_pandas(check_cohorts(given["households"], given["household_income"], given["headcounts"], rules, "year"), "cohort_checks")
    assert len(rows) == len(wanted)
    for (year, line, step), (_, row) in zip(wanted, rows.sort_values("household_id").iterrows(), strict=True):
        assert rules.line_fen(year) == line
        outcome = "unknown" if line is None else "met" if step > 0 else "not_met"
        assert differences(row, {"own_line_year": year, "own_line_fen": line, "own_line_outcome": outcome}) == {}, (year, step)


def given_area(given: dict[str, Any]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Villages, households and head counts; a household is written as status, registered persons, exit year."""
    villages = given.get("villages", [given.get("village", {})])
    homes, heads = [], []
    for place, (status, persons, *year) in enumerate(given.get("households", []), start=1):
        code = {"household_id": f"00431099{place:06d}"}
        homes.append(HOME | code | {"poverty_status": status, "exit_year": year[0] if year else None})
        heads.append(code | {"registered_persons": persons, "headcount_persons": persons})
    rows = [SOUND["village"] | {"village_code": f"431025100{place:03d}"} | row for place, row in enumerate(villages, start=1)]
    return table(rows, "villages"), table(homes, "households"), table(heads, "headcounts")


@cases_of("exit.village.")
def test_village_case(case: dict[str, Any], tmp_path: Path) -> None:
    expect = dict(case["expect"])
    if wrong := expect.pop("error", None):
        with pytest.raises(ValueError, match=wrong):
            rules_of(case, tmp_path, "2018-12-31")
        return
    rules, (villages, households, headcounts) = rules_of(case, tmp_path, "2018-12-31"), given_area(case["given"])
    rows = assess_villages(villages, households, headcounts, rules)
    assert len(rows) == 1
    assert differences(rows.iloc[0], expect) == {}


@cases_of("exit.county.")
def test_county_case(case: dict[str, Any], tmp_path: Path) -> None:
    rules, given = rules_of(case, tmp_path), case["given"]
    if "target" in given:
        rows = check_target(**given["target"], rules=rules)
    else:
        villages, households, headcounts = given_area({name: part for name, part in given.items() if name != "published"})
        rows = assess_county(households, headcounts, villages, rules, given.get("published"))
    rows = rows.set_index("measure")
    for measure, expected in case["expect"].items():
        row = rows.loc[measure]
        numbers = {name: value for name, value in expected.items() if name in ("value", "low", "high")}
        for name, value in numbers.items():
            assert (pd.isna(row[name]) and value is None) or row[name] == pytest.approx(value, abs=0.005), (measure, name, row[name])
        assert differences(row, {name: value for name, value in expected.items() if name not in numbers}) == {}, measure


def test_every_rule_of_exits_has_a_case() -> None:
    rules = rules_at("2018-03-31")
    wanted = {rule.key for family in ("exit", "line") for rule in rules.under(f"{family}.")}
    assert wanted - {case["rule"] for case in CASES} == set()


def test_every_case_is_about_a_rule_in_force_and_names_its_document() -> None:
    rules = rules_at("2018-03-31")
    assert [case["name"] for case in CASES if case["rule"] not in rules or not case["document"].strip()] == []
    names = [(case["rule"], case["name"]) for case in CASES]
    assert len(names) == len(set(names))
