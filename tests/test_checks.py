"""Checks of the ledger: every case of tests/cases_checks on pandas and on DuckDB, strict reading, the language, the whole county.

A case gives what its household (village) has and what to expect of the check that its file is named after; all cases stand in one set of tables, each with
its own household and village, so that every check meets all of them in one pass. ``without_columns`` asks the same of tables in which nothing is filled.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import yaml

from linwu_stats import open_quarter
from linwu_stats.ledgers.checks import CheckError, check_tables, load_checks
from linwu_stats.quarter import make_quarter
from linwu_stats.rules import LAW_FOLDER, rules_at
from linwu_stats.tables import CODES, TABLES, TableError, conform

FOLDER = Path(__file__).parent / "cases_checks"
AS_OF = dt.date(2018, 3, 31)
RULES = rules_at(AS_OF)
INCOMES = {"income_quarter": ("household_income", "quarter"), "income_year": ("household_income", "year"),
           "income_quarter_year_ago": ("household_income_year_ago", "quarter"), "income_quarter_previous": ("household_income_previous", "quarter")}
GIVEN = {"households", "persons", "schooling", "village", "village_households", *INCOMES}
NAMES = ("households", "persons", "villages", "schooling", "insurance", "headcounts", "housing", "water", "living", "household_income",
         "household_income_previous", "household_income_year_ago")


def read_cases() -> list[dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        cases = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        assert len({case["name"] for case in cases}) == len(cases), path.name
        found += [case | {"check": path.stem} for case in cases]
    return [case | {"number": number} for number, case in enumerate(found, start=1)]


CASES = read_cases()
CHECKS = {check.key: check for check in load_checks()}


def table_of(name: str) -> str:
    return "household_income" if name.startswith("household_income") else name


def rows_of(case: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of every table for one case: one village, in it one household (or those that the case gives) and its persons."""
    given = case.get("given", {})
    assert set(given) <= GIVEN, set(given) - GIVEN
    village = f"431025100{case['number']:03d}"
    place = {"township_code": village[:9], "village_code": village}
    households = given.get("village_households", [given.get("households", {})])
    ids = [f"00431099{case['number']:04d}{position:02d}" for position in range(1, len(households) + 1)]
    people = given.get("persons", [{}])
    persons = [{"person_id": f"{ids[0]}{number:02d}", "household_id": ids[0]} | row for number, row in enumerate(people, start=1)]
    for row in persons:
        row["birth_date"] = pd.Timestamp(row["birth_date"]) if row.get("birth_date") else pd.NaT
    schooling = [{"person_id": f"{ids[0]}{number:02d}", "household_id": ids[0], "school_state": state} for number, state in given.get("schooling", {}).items()]
    rows = {
        "households": [place | {"household_id": one} | row for one, row in zip(ids, households, strict=True)], "persons": persons, "schooling": schooling,
        "villages": [place | {"village_name": "甲村"} | given.get("village", {})],
    }
    for source, (name, period) in INCOMES.items():
        if source in given:
            rows.setdefault(name, []).append({"household_id": ids[0], "period": period} | given[source])
    return rows


def frames_of(cases: list[dict[str, Any]], engine: str) -> dict[str, Any]:
    parts = [rows_of(case) for case in cases]
    frames = {}
    for name in NAMES:
        rows = [row for part in parts for row in part.get(name, [])]
        strange = {column for row in rows for column in row} - set(TABLES[table_of(name)].names)
        assert not strange, f"a case names columns that {name} does not have: {strange}"
        frames[name] = conform(pd.DataFrame(rows, columns=TABLES[table_of(name)].names, dtype=object), table_of(name))
    return as_duckdb(frames) if engine == "duckdb" else frames


def as_duckdb(frames: dict[str, pd.DataFrame]) -> dict[str, Any]:
    types = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "TIMESTAMP"}
    connection, relations = duckdb.connect(), {}
    for name, frame in frames.items():
        columns = ", ".join(f"CAST({column.name} AS {types[column.dtype]}) AS {column.name}" for column in TABLES[table_of(name)].columns)
        relations[name] = connection.from_df(frame).project(columns)
    return relations


def to_pandas(frame: Any) -> pd.DataFrame:
    return frame if isinstance(frame, pd.DataFrame) else frame.df()


@cache
def outcomes(engine: str, *, blank: bool = False) -> tuple[dict[tuple[str, str], str], pd.DataFrame]:
    """Outcome by check and subject of all cases at once, and the counts. ``blank``: tables in which no optional column is filled."""
    cases = [{"number": case["number"]} for case in CASES] if blank else CASES
    made = check_tables(frames_of(cases, engine), RULES, AS_OF)
    results, counts = (conform(to_pandas(made[name]), name) for name in ("check_results", "check_counts"))
    assert not results.duplicated(["check_key", "subject_id"]).any()
    return results.set_index(["check_key", "subject_id"])["outcome"].to_dict(), counts


def subject_id(case: dict[str, Any]) -> str:
    return {"household": f"00431099{case['number']:04d}01", "person": f"00431099{case['number']:04d}0101", "village": f"431025100{case['number']:03d}"}[
        CHECKS[case["check"]].subject
    ]


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("key", sorted(CHECKS))
def test_every_case_of_a_check(key, engine):
    for case in (case for case in CASES if case["check"] == key):
        found, counts = outcomes(engine, blank=case.get("without_columns", False))
        if case.get("without_columns"):
            row = counts[counts["check_key"] == key]
            assert (row["failed"].sum(), row["passed"].sum()) == (0, 0), case["name"]
            assert row["unknown"].sum() > 0
            assert row["absent"].notna().all()  # the column that the ledger does not have is named
        else:
            assert found.get((key, subject_id(case)), "pass") == case["expect"], case["name"]


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
@pytest.mark.parametrize("blank", [False, True])
def test_passed_failed_and_unknown_are_all_rows(engine, blank):
    _, counts = outcomes(engine, blank=blank)
    assert set(counts["check_key"]) == set(CHECKS)
    assert (counts["passed"] + counts["failed"] + counts["unknown"] == counts["rows"]).all()
    assert (counts[["passed", "failed", "unknown"]] >= 0).all(axis=None)
    rows = {"household": sum(len(rows_of(case)["households"]) for case in CASES), "person": sum(len(rows_of(case)["persons"]) for case in CASES),
            "village": len(CASES)}
    if not blank:
        assert counts.groupby("subject")["rows"].unique().map(list).to_dict() == {subject: [number] for subject, number in rows.items()}


def test_both_engines_give_the_same_rows():
    for blank in (False, True):
        (first, counts), (second, others) = outcomes("pandas", blank=blank), outcomes("duckdb", blank=blank)
        assert first == second
        pd.testing.assert_frame_equal(counts, others.sort_values(["check_key", "township_code"], ignore_index=True))


def test_every_check_has_a_case_file_with_all_outcomes():
    assert {case["check"] for case in CASES} == set(CHECKS)
    for key, check in CHECKS.items():
        expected = {case["expect"] for case in CASES if case["check"] == key}
        assert expected == ({"fail", "pass"} if "没有未知" in check.note else {"fail", "pass", "unknown"}), key


def test_the_list_reads_as_it_should():
    assert len(CHECKS) >= 130
    assert {check.subject for check in CHECKS.values()} == {"household", "person", "village"}
    assert set(CODES["check_severity"]) == {check.severity for check in CHECKS.values()}
    titles = [check.title for check in CHECKS.values()]
    assert len(set(titles)) == len(titles)
    assert CHECKS["check.income.percapita_low"].title == "人均纯收入不高于500元"


# ---- a county's own values -----------------------------------------------------------------------------------------------


def write(folder: Path, text: str, name: str = "own.yaml") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_a_county_changes_a_threshold_and_the_name_follows(tmp_path):
    checks = load_checks(write(tmp_path, "- {key: check.income.percapita_low, parameters: {low_yuan: 800}, severity: error, fixer: 统计局}\n"))
    own = next(check for check in checks if check.key == "check.income.percapita_low")
    assert (own.title, own.severity, own.fixer) == ("人均纯收入不高于800元", "error", "统计局")
    frames = frames_of(CASES, "pandas")
    now = check_tables(frames, RULES, AS_OF, checks=checks)["check_results"]
    by_argument = check_tables(frames, RULES, AS_OF, {"check.income.percapita_low": {"low_yuan": 800}})["check_results"]
    low = {case["number"] for case in CASES if 0 < (case.get("given", {}).get("households", {}).get("recorded_percapita_fen") or 80001) <= 80000}
    for results in (now, by_argument):
        chosen = results[(results["check_key"] == "check.income.percapita_low") & (results["outcome"] == "fail")]
        assert low <= {int(one[8:12]) for one in chosen["household_id"]}
    assert now.loc[(now["check_key"] == "check.income.percapita_low"), "severity"].unique().tolist() == ["error"]


def test_a_check_can_be_switched_off(tmp_path):
    checks = load_checks(write(tmp_path, "- {key: check.shape.large, active: false}\n"))
    assert {check.key for check in checks} == set(CHECKS) - {"check.shape.large"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- {key: check.income.percapita_lo, parameters: {low_yuan: 1}}\n", "there is no check"),
        ("- {key: check.income.percapita_low, parameters: {lowyuan: 1}}\n", "no parameter 'lowyuan'"),
        ("- {key: check.income.percapita_low, parameters: {low_yuan: '800'}}\n", "must be like 500"),
        ("- {key: check.income.percapita_low, parameters: {low_yuan: true}}\n", "must be like 500"),
        ("- {key: check.income.percapita_low, condition: 'low_yuan > 0'}\n", "unknown field condition"),
        ("- {key: check.income.percapita_low, severity: grave}\n", "severity must be one of"),
        ("- {key: check.income.percapita_low, active: 1}\n", "active must be true or false"),
        ("- {key: check.income.general_above_line, parameters: {causes: [ill]}}\n", "no code of cause"),
        ("- {key: check.shape.large, active: false}\n- {key: check.shape.large, active: true}\n", "already changed"),
        ("- {key: check.shape.large, key: check.shape.no_head}\n", "given twice"),
        ("key: check.shape.large\n", "a list of checks is expected"),
    ],
)
def test_a_county_value_that_is_wrong_is_refused(tmp_path, text, message):
    with pytest.raises(CheckError, match=message) as caught:
        load_checks(write(tmp_path, text))
    assert "own.yaml" in str(caught.value)


# ---- strict reading, and a language that runs no code --------------------------------------------------------------------

GOOD = {"key": "check.test.one", "name": "测试{most}", "subject": "household", "columns": {"households": ["arable_mu"]}, "condition": "arable_mu > most",
        "parameters": {"most": 3}, "severity": "error", "fixer": "村", "source": "测试"}


def load(tmp_path: Path, *entries: dict[str, Any]) -> Any:
    path = tmp_path / "checks.yaml"
    path.write_text(yaml.safe_dump(list(entries), allow_unicode=True), encoding="utf-8")
    return load_checks(path=path)


def test_a_good_entry_is_read(tmp_path):
    assert load(tmp_path, GOOD)[0].title == "测试3"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown field colour"),
        ({"severity": "info"}, "severity must be one of"),
        ({"fixer": "市"}, "fixer must be one of"),
        ({"subject": "county"}, "subject must be one of"),
        ({"key": "income.one"}, "check.<group>.<name>"),
        ({"source": " "}, "source must be a text"),
        ({"columns": {"households": ["arable"]}}, "has no column 'arable'"),
        ({"columns": {"families": ["arable_mu"]}}, "cannot look at families"),
        ({"columns": {"households": ["arable_mu", "forest_mu"]}}, "declared and not used"),
        ({"columns": {"households": ["forest_mu"]}}, "declared and not used"),
        ({"columns": {"households": ["forest_mu"]}, "condition": "forest_mu > most and arable_mu > 1"}, "neither a declared column nor a parameter"),
        ({"parameters": {"most": 3, "least": 1}}, "declared and not used"),
        ({"parameters": {"arable_mu": 3}}, "stands for two things"),
        ({"parameters": {"most": None}}, "may not stand in a condition"),
        ({"name": "耕地超过三亩"}, "must show each number"),
        ({"name": "测试{more}"}, "must show each number"),
        ({"name": "测试{most"}, "brace"),
    ],
)
def test_an_entry_that_is_wrong_is_refused(tmp_path, change, message):
    with pytest.raises(CheckError, match=message):
        load(tmp_path, GOOD | change)


def test_a_missing_field_and_a_key_given_twice_are_refused(tmp_path):
    with pytest.raises(CheckError, match="missing severity"):
        load(tmp_path, {name: value for name, value in GOOD.items() if name != "severity"})
    with pytest.raises(CheckError, match="given twice"):
        load(tmp_path, GOOD, GOOD)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("attribute == '01'", "no code of attribute"),  # a flag compared with '01' where the data hold '1' never fires
        ("attribute in ['general', '1']", "no code of attribute"),
        ("attribute == 1", "cannot be compared"),
        ("dangerous_house == 1", "cannot be compared"),
        ("dangerous_house == True", "may not stand in a condition"),
        ("arable_mu", "must be true or false"),
        ("attribute > 'a'", "only numbers can be greater"),
        ("arable_mu / 2 > 1", r"only \+ - \*"),
        ("arable_mu ** 2 > 1", r"only \+ - \*"),
        ("attribute.upper() == 'X'", "not a call that a condition may make"),
        ("attribute.x == 'general'", "not in the language"),
        ("().__class__.__bases__[0].__subclasses__()", "not a call"),
        ("__import__('os').system('x')", "not a call"),
        ("eval('1')", "not a call"),
        ("open('x')", "not a call"),
        ("(lambda: 1)()", "not a call"),
        ("[x for x in [1]]", "not in the language"),
        ("f'{attribute}' == 'general'", "not in the language"),
        ("attribute if dangerous_house else attribute", "not in the language"),
        ("is_missing(arable_mu + 1)", "not a call"),
        ("is_missing(*[arable_mu])", "plain values only"),
        ("between(arable_mu, 1)", "not a call"),
        ("any_household(dangerous_house)", "not a call"),
        ("any_person(arable_mu > 1)", "neither a declared column"),
        ("arable_mu > 1 >", "cannot be read"),
        ("(" * 300 + "1" + ")" * 300, "cannot be read"),
        ("arable_mu in []", "not empty"),
        ("not arable_mu", "a condition is needed"),
        ("+arable_mu > 1", "not in the language"),
        ("arable_mu is None", "only numbers can be greater|may not stand"),
    ],
)
def test_what_is_not_in_the_language_is_refused(tmp_path, condition, message):
    columns = [name for name in ("arable_mu", "attribute", "dangerous_house") if name in condition] or ["arable_mu"]
    entry = {name: value for name, value in GOOD.items() if name != "parameters"} | {"name": "测试", "condition": condition, "columns": {"households": columns}}
    if "any_person" in condition:
        entry["columns"] = {"households": columns, "persons": ["health"]}
        entry["condition"] += " and any_person(health == 'healthy')"
    if not any(name in condition for name in columns):
        entry["condition"] = f"({condition}) or arable_mu > 1" if "cannot be read" not in message else condition
    with pytest.raises(CheckError, match=message):
        load(tmp_path, entry)


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
def test_kleene_in_full(tmp_path, engine):
    """All nine pairs of true, false and unknown, under and, or and not."""
    values = {True: True, False: False, None: None}
    pairs = [(one, other) for one in values for other in values]
    both = {"and": lambda a, b: False if a is False or b is False else None if a is None or b is None else True,
            "or": lambda a, b: True if a is True or b is True else None if a is None or b is None else False}
    cases = [{"number": number, "given": {"households": {"farm_power": a, "home_power": b}}} for number, (a, b) in enumerate(pairs, start=1)]
    for word, expected in both.items():
        for negate in ("", "not "):
            entry = {name: value for name, value in GOOD.items() if name != "parameters"} | {
                "name": "测试", "columns": {"households": ["farm_power", "home_power"]}, "condition": f"{negate}(farm_power {word} home_power)"}
            made = to_pandas(check_tables(frames_of(cases, engine), RULES, AS_OF, checks=load(tmp_path, entry))["check_results"])
            found = made.set_index("household_id")["outcome"].to_dict()
            for number, (a, b) in enumerate(pairs, start=1):
                truth = expected(a, b)
                truth = (not truth) if negate and truth is not None else truth
                assert found.get(f"00431099{number:04d}01", "pass") == {True: "fail", False: "pass", None: "unknown"}[truth], (word, negate, a, b)


def test_a_table_without_the_column_is_refused_not_skipped():
    frames = frames_of(CASES, "pandas")
    frames["households"] = frames["households"].rename(columns={"attribute": "atribute"})
    with pytest.raises(TableError, match="attribute"):
        check_tables(frames, RULES, AS_OF)
    del frames["households"]
    with pytest.raises((CheckError, KeyError), match="households"):
        check_tables(frames, RULES, AS_OF)


def test_no_earlier_quarter_leaves_the_change_unknown():
    frames = {name: frame for name, frame in frames_of(CASES, "pandas").items() if not name.endswith(("_previous", "_year_ago"))}
    counts = check_tables(frames, RULES, AS_OF)["check_counts"].set_index("check_key")
    for key in ("check.income.fell_since_year", "check.income.rose_since_previous"):
        assert (counts.loc[key, "failed"], counts.loc[key, "passed"]) == (0, 0)
        assert "纯收入" in counts.loc[key, "absent"]


def test_inputs_are_not_changed():
    frames = frames_of(CASES, "pandas")
    before = {name: frame.copy() for name, frame in frames.items()}
    check_tables(frames, RULES, AS_OF)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frames[name], frame)


# ---- a quarter -----------------------------------------------------------------------------------------------------------


def slow_outcome(q: Any, key: str) -> dict[str, int]:
    """Four checks again, as a loop in plain Python over the quarter's rows."""
    tally = {"fail": 0, "unknown": 0}
    people: dict[str, list[Any]] = {}
    for person in q.persons.itertuples():
        people.setdefault(person.household_id, []).append(person)
    for home in q.households.itertuples():
        members = people.get(home.household_id, [])
        if key == "check.shape.large":
            truth = len(members) >= 7
        elif key == "check.shape.no_head":
            heads = [pd.isna(one.relation) or one.relation == "head" for one in members]
            known = any(not pd.isna(one.relation) and one.relation == "head" for one in members)
            truth = False if known or not members else None if any(heads) else True
        elif key == "check.cause.illness_all_healthy":
            if not pd.isna(home.cause) and home.cause != "illness":
                truth = False
            else:
                sick = any(not pd.isna(one.health) and one.health != "healthy" for one in members)
                truth = False if sick else None if pd.isna(home.cause) or any(pd.isna(one.health) for one in members) else True
        else:
            truth = None if pd.isna(home.irrigated_mu) or pd.isna(home.arable_mu) else home.irrigated_mu > home.arable_mu
        if truth is not False:
            tally["unknown" if truth is None else "fail"] += bool(truth) if truth is not None else 1
    return tally


@pytest.mark.parametrize("key", ["check.shape.large", "check.shape.no_head", "check.cause.illness_all_healthy", "check.area.irrigated_over_arable"])
def test_a_quarter_agrees_with_a_slow_loop(small_home, key):
    q = open_quarter("2018Q1", small_home)
    counts = q.check_counts[q.check_counts["check_key"] == key]
    expected = slow_outcome(q, key)
    assert {"fail": counts["failed"].sum(), "unknown": counts["unknown"].sum()} == expected
    assert counts["rows"].sum() == len(q.households)


def test_the_export_of_the_newest_quarter_fills_what_the_checks_need(small_home):
    counts = open_quarter("2018Q1", small_home).check_counts
    lacking = set("、".join(counts["absent"].dropna().unique()).split("、"))
    assert lacking <= {"务工企业已填", "是否有残疾人证"}  # headings that the export does not have
    older = open_quarter("2017Q4", small_home).check_counts
    assert "有效灌溉面积" in "、".join(older["absent"].dropna().unique())
    irrigated = older[older["check_key"] == "check.blank.irrigated"]
    assert (irrigated["failed"].sum(), irrigated["passed"].sum()) == (0, 0)


def test_no_number_of_a_bank_telephone_or_person_is_in_a_table(small_home):
    q = open_quarter("2018Q1", small_home)
    for name in ("households", "persons", "check_results", "check_counts"):
        for column in getattr(q, name).select_dtypes("string"):
            assert not getattr(q, name)[column].dropna().str.contains(r"\d{17}[\dX]|\b1\d{10}\b").any(), (name, column)


def test_a_county_value_makes_the_tables_anew(small_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(small_home, home, ignore=shutil.ignore_patterns("2016Q*", "2017Q*"))
    (home / "data" / "law" / "checks").mkdir(parents=True)
    write(home / "data" / "law" / "checks", "- {key: check.shape.large, parameters: {members: 2}}\n")
    q = make_quarter("2018Q1", home)
    counts = q.check_counts[q.check_counts["check_key"] == "check.shape.large"]
    assert counts["title"].unique().tolist() == ["户内成员达到2人"]
    assert counts["failed"].sum() == (q.persons.groupby("household_id").size() >= 2).sum()


def test_the_whole_county_in_under_five_seconds(county_home):
    q = open_quarter("2018Q1", county_home)
    tables = {name: getattr(q, name) for name in NAMES if name in TABLES} | {
        "household_income_previous": q.previous.household_income, "household_income_year_ago": q.year_ago.household_income}
    check_tables({name: frame.head(50) for name, frame in tables.items()}, q.rules, AS_OF)
    start = time.process_time()
    made = check_tables(tables, q.rules, AS_OF)
    assert time.process_time() - start < 5
    assert made["check_counts"]["rows"].max() <= len(q.persons)
    assert (LAW_FOLDER / "ledger_checks.yaml").is_file()
