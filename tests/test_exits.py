"""Exits against an independent slow loop on invented counties, and properties that must always hold."""

from __future__ import annotations

import copy
import datetime as dt
import random
from fractions import Fraction
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from linwu_stats import exits
from linwu_stats.exits import household
from linwu_stats.rules import rules_at
from linwu_stats.tables import CODES, TABLES, TableError, conform

DAY = dt.date(2018, 3, 31)
RULES = rules_at(DAY)
LEDGERS = ("housing", "water", "living", "schooling", "insurance")
REGISTER = ("households", "persons", "household_income", "headcounts")
VILLAGES = ["431025100001", "431025100002", "431025101001"]
SPANS = {"ytd": ("2017Q4", "2018Q1", 2), "last4": ("2017Q2", "2018Q1", 4), "year": ("2016Q4", "2017Q3", 4)}
FACILITIES = ("paved_road", "safe_water", "power", "clinic", "school_access", "insurance_in_place")

Rows = dict[str, list[dict[str, Any]]]


def draw_county(seed: int, homes: int = 40) -> Rows:
    """Rows of every table with blanks, missing rows and values at the bounds, by a seeded generator."""
    luck = random.Random(seed)
    rows: Rows = {name: [] for name in (*REGISTER, *LEDGERS, "villages")}
    for code in VILLAGES:
        facts = {name: luck.choice([True, True, True, True, True, False, None]) for name in FACILITIES}
        rows["villages"].append({
            "village_code": code, "township_code": code[:9], "village_name": code, "village_kind": luck.choice(["province", "city", "none", None]),
            "village_status": luck.choice(["out", "not_out", None]), "rural_population_persons": luck.choice([0, None, 900, 2000, 6000]),
            "resident_population_persons": luck.choice([None, 800]), "collective_income_fen": luck.choice([None, 3999999, 4000000, 5000000]), **facts,
        })
    for place in range(homes):
        draw_household(rows, f"00431099{place:06d}", luck)
    return rows


def draw_household(rows: Rows, code: str, luck: random.Random) -> None:
    home = {"household_id": code}
    village = luck.choice(VILLAGES)
    status = luck.choice(["not_out", "out", "out", "pre_out", "returned", None])
    rows["households"].append(home | {
        "village_code": village, "township_code": village[:9], "poverty_status": status, "exit_year": luck.choice([None, 2013, 2016, 2017, 2018, 2019]),
    })
    members = luck.randint(0, 5)
    counted = luck.choice([members] * 6 + [None])
    if luck.random() < 0.95:
        rows["headcounts"].append(home | {"headcount_persons": counted, "registered_persons": luck.choice([members] * 9 + [None])})
    for period, (first, last, quarters) in SPANS.items():
        near = luck.choice([280000, 314600, 333500, 353500]) * (counted or 1) + luck.choice([-1, 0, 1])
        net = luck.choice([near, near, luck.randint(-10**7, 10**8), None])
        if luck.random() < 0.95:
            rows["household_income"].append(home | {
                "period": period, "first_quarter": first, "last_quarter": last, "quarters_expected": quarters, "net_fen": net,
                "reason_code": luck.choice(["quarter_missing", "amount_unknown", None]) if net is None else None,
            })
    for seat in range(members):
        draw_person(rows, home, f"{code}{seat:02d}", luck)
    often = lambda: luck.random() < 0.93  # noqa: E731
    if often():
        rows["housing"].append(home | {
            "housing_grade": luck.choice(["A", "B", "A", "B", "C", "D", None]), "housing_measure": luck.choice(["none", "repaired", "rebuilt", "moved", None]),
            "measure_finished": luck.choice([True, False, None]),
        })
    if often():
        rows["water"].append(home | {
            "litres_per_person_day": luck.choice([19, 20, 21, 30, None]), "fetch_minutes": luck.choice([0, 19, 20, 20, 21, None]),
            "supply_days": luck.choice([328, 329, 360, 365, None]), "quality_ok": luck.choice([True, True, True, False, None]),
        })
    if often():
        rows["living"].append(home | {"food_ok": luck.choice([True, True, True, False, None]), "clothing_ok": luck.choice([True, True, True, False, None])})


def draw_person(rows: Rows, home: dict[str, Any], person_id: str, luck: random.Random) -> None:
    birth = luck.choice([
        dt.date(1950, 1, 1), dt.date(1980, 6, 6), dt.date(2012, 3, 31), dt.date(2012, 4, 1), dt.date(2002, 3, 31), dt.date(2002, 4, 1), dt.date(2008, 2, 29),
        None, dt.date(2018, 4, 1),
    ])
    rows["persons"].append(home | {
        "person_id": person_id, "birth_date": None if birth is None else dt.datetime.combine(birth, dt.time()),
        "change": luck.choice([None] * 8 + ["dead", "moved_out", "newborn"]), "resident": luck.choice([True, True, False, None]),
    })
    if luck.random() < 0.7:
        state = luck.choice([*CODES["school_state"], "in_school", "in_school", "in_school", None])
        rows["schooling"].append(home | {"person_id": person_id, "school_state": state})
    if luck.random() < 0.95:
        rows["insurance"].append(home | {
            "person_id": person_id, "basic_insurance": luck.choice(["resident"] * 12 + ["employee", "both", "none", None]),
            "serious_illness": luck.choice([True] * 12 + [False, None]), "insurance_exception": luck.choice([None] * 8 + ["newborn", "soldier"]),
        })


def frames_of(rows: Rows) -> dict[str, pd.DataFrame]:
    return {name: conform(pd.DataFrame(part, columns=TABLES[name].names, dtype=object), name) for name, part in rows.items()}


def all_tests(frames: dict[str, Any], period: str = "last4", rules: Any = RULES) -> Any:
    return household.test_households(**{name: frames[name] for name in (*REGISTER, *LEDGERS)}, rules=rules, as_of=DAY, period=period)


def assessed(frames: dict[str, Any], period: str = "last4", rules: Any = RULES) -> Any:
    return exits.assess_households(all_tests(frames, period, rules), frames["household_income"], frames["headcounts"], rules, period)


def plain(frame: pd.DataFrame, *columns: str) -> dict[Any, tuple[Any, ...]]:
    """Rows by their first column, unknown as None."""
    return {row[0]: tuple(None if pd.isna(value) else value for value in row[1:]) for row in frame[list(columns)].itertuples(index=False)}


# ---- the slow loop, which shares nothing with the package but the ledgers ------------------------------------------


def slow_three(answers: list[bool | None]) -> str:
    return "not_met" if False in answers else "unknown" if None in answers else "met"


def slow_age(born: dt.datetime | None) -> int | None:
    if born is None or born.date() > DAY:
        return None
    age = 0
    while True:
        year = born.year + age + 1
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        birthday = dt.date(year, 3, 1) if (born.month, born.day) == (2, 29) and not leap else dt.date(year, born.month, born.day)
        if birthday > DAY:
            return age
        age += 1


def slow_income(net: int | None, heads: int | None, line: int | None, whole: bool) -> str:
    if net is None or line is None or not heads:
        return "unknown"
    above = Fraction(net, heads) > line
    if whole:
        return "met" if above else "not_met"
    return "already_reached" if above else "not_yet"


def slow_child(person: dict[str, Any], states: dict[str, Any]) -> bool | None:
    age, state = slow_age(person["birth_date"]), states.get(person["person_id"])
    if age is None:
        return True if state in ("in_school", "home_teaching", "medically_unable", "finished") else None
    if age < 6 or age > 15:
        return True
    return None if state is None else state != "dropout"


def slow_insured(row: dict[str, Any] | None) -> bool | None:
    if row is None:
        return None
    if row["insurance_exception"]:
        return True
    if row["basic_insurance"] in ("both", "none") or row["serious_illness"] is False:
        return False
    return None if row["basic_insurance"] is None or row["serious_illness"] is None else True


def slow_house(row: dict[str, Any] | None) -> str:
    if row is None or row["housing_grade"] is None:
        return "unknown"
    if row["housing_grade"] in ("A", "B"):
        return "met"
    measure = None if row["housing_measure"] is None else row["housing_measure"] != "none"
    return slow_three([measure, row["measure_finished"]])


def slow_water(row: dict[str, Any] | None) -> str:
    if row is None:
        return "unknown"
    litres, minutes, days = row["litres_per_person_day"], row["fetch_minutes"], row["supply_days"]
    enough = [None if litres is None else litres >= 20, None if minutes is None else minutes <= 20, None if days is None else 10 * days >= 9 * 365]
    return slow_three([*enough, row["quality_ok"]])


def slow_exits(rows: Rows, period: str) -> dict[str, tuple[Any, ...]]:
    """Outcomes of the seven tests, verdict and distance of every household."""
    line = {"ytd": 353500, "last4": 353500, "year": 333500}[period]
    heads = {row["household_id"]: row["headcount_persons"] for row in rows["headcounts"]}
    income = {row["household_id"]: row for row in rows["household_income"] if row["period"] == period}
    by_home = {name: {row["household_id"]: row for row in rows[name]} for name in ("housing", "water", "living")}
    states = {row["person_id"]: row["school_state"] for row in rows["schooling"]}
    insured = {row["person_id"]: row for row in rows["insurance"]}
    found = {}
    for home in rows["households"]:
        code = home["household_id"]
        net = income[code]["net_fen"] if code in income else None
        outcomes = [slow_income(net, heads.get(code), line if code in income else None, SPANS[period][2] == 4)]
        living = by_home["living"].get(code, {"food_ok": None, "clothing_ok": None})
        outcomes += [slow_three([living["food_ok"]]), slow_three([living["clothing_ok"]])]
        people = [person for person in rows["persons"] if person["household_id"] == code and person["change"] != "dead"]
        outcomes.append(slow_three([slow_child(person, states) for person in people] or [None]))
        outcomes.append(slow_three([slow_insured(insured.get(person["person_id"])) for person in people] or [None]))
        outcomes += [slow_house(by_home["housing"].get(code)), slow_water(by_home["water"].get(code))]
        unclear = {"unknown", "not_yet"} & set(outcomes)
        verdict = "not_out" if "not_met" in outcomes else "unknown" if unclear else "meets_exit"
        far = net - line * heads[code] if net is not None and heads.get(code) else None
        found[code] = (*outcomes, verdict, far)
    return found


def slow_village(rows: Rows, village: dict[str, Any]) -> tuple[Any, ...]:
    sizes = {row["household_id"]: row["registered_persons"] for row in rows["headcounts"]}
    here = [home for home in rows["households"] if home["village_code"] == village["village_code"] and home["poverty_status"] != "out"]
    people = [sizes.get(home["household_id"]) for home in here]
    sure = None if None in people else sum(size for home, size in zip(here, people, strict=True) if home["poverty_status"])
    most, base = None if None in people else sum(people), village["rural_population_persons"]
    rates = [None if not base or part is None else 50 * part < base for part in (sure, most)]
    incidence = "unknown" if None in rates or rates[0] != rates[1] else "met" if rates[0] else "not_met"
    money = village["collective_income_fen"]
    collective = "met" if money is not None and money >= 4000000 else "unknown"
    facilities = slow_three([village[name] for name in FACILITIES])
    outcomes = [incidence, collective, facilities]
    verdict = "not_out" if "not_met" in outcomes else "unknown" if "unknown" in outcomes else "meets_exit"
    return (sure if sure == most else None, *outcomes, None if village["village_kind"] == "none" else verdict)


COLUMNS = ("household_id", *household.TESTS.values(), "verdict", "distance_fen")


@pytest.mark.parametrize("period", SPANS)
def test_households_against_the_slow_loop(period):
    rows = draw_county(SPANS[period][2] + len(period), homes=400)
    frames = frames_of(rows)
    found, wanted = plain(assessed(frames, period), *COLUMNS), slow_exits(rows, period)
    assert found == wanted
    spread = {outcome: [row[place] for row in wanted.values()].count(outcome) for place in range(7) for outcome in CODES["outcome"]}
    assert min(spread.values()) > 0 or period == "ytd", "the county does not reach every outcome"


@pytest.mark.parametrize("seed", range(3))
def test_cohorts_against_the_slow_loop(seed):
    rows = draw_county(seed, homes=200)
    lines = {2016: 314600, 2017: 333500}  # the year tested is 2017: who leaves in 2018 is not judged on it
    heads = {row["household_id"]: row["headcount_persons"] for row in rows["headcounts"]}
    nets = {row["household_id"]: row["net_fen"] for row in rows["household_income"] if row["period"] == "year"}
    wanted = {}
    for home in rows["households"]:
        code = home["household_id"]
        if home["poverty_status"] == "out":
            wanted[code] = tuple(slow_income(nets.get(code), heads.get(code), line, True) for line in (lines.get(home["exit_year"]), 353500))
    frames = frames_of(rows)
    cohorts = exits.check_cohorts(frames["households"], frames["household_income"], frames["headcounts"], RULES, "year")
    assert plain(cohorts, "household_id", "own_line_outcome", "today_line_outcome") == wanted
    assert (cohorts["reason_code"].isna() == ~cohorts[["own_line_outcome", "today_line_outcome"]].isin(["unknown"]).any(axis=1)).all()


@pytest.mark.parametrize("seed", range(25))
def test_villages_against_the_slow_loop(seed):
    rows = draw_county(seed)
    frames = frames_of(rows)
    found = exits.assess_villages(frames["villages"], frames["households"], frames["headcounts"], RULES)
    columns = ("village_code", "poor_persons", "incidence", "collective_income", "infrastructure", "verdict")
    assert plain(found, *columns) == {village["village_code"]: slow_village(rows, village) for village in rows["villages"]}


def test_pandas_and_duckdb_give_the_same():
    frames = frames_of(draw_county(7, homes=300))
    types = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "TIMESTAMP"}
    connection, lazy = duckdb.connect(), {}
    for name, frame in frames.items():
        lazy[name] = connection.from_df(frame).project(", ".join(f"CAST({one.name} AS {types[one.dtype]}) AS {one.name}" for one in TABLES[name].columns))

    def same(eager: pd.DataFrame, relation: Any, name: str) -> None:
        if not isinstance(relation, pd.DataFrame):
            relation = conform(relation.to_arrow_table().to_pandas(integer_object_nulls=True), name)
        key = TABLES[name].key
        ordered = [frame.sort_values(key, ignore_index=True) for frame in (eager, relation)]
        pd.testing.assert_frame_equal(*ordered)

    for period in SPANS:
        same(all_tests(frames, period), all_tests(lazy, period), "household_exit_tests")
        same(assessed(frames, period), assessed(lazy, period), "household_exit")
        same(
            *(exits.check_cohorts(one["households"], one["household_income"], one["headcounts"], RULES, period) for one in (frames, lazy)), "cohort_checks"
        )
    same(*(exits.assess_villages(one["villages"], one["households"], one["headcounts"], RULES) for one in (frames, lazy)), "village_exit")
    same(*(exits.assess_county(one["households"], one["headcounts"], one["villages"], RULES) for one in (frames, lazy)), "county_exit")
    later = frames_of(draw_county(8, homes=310))
    before = [{name: one[name] for name in ("households", "headcounts")} | {"household_exit": assessed(one)} for one in (frames, lazy)]
    now = {name: later[name] for name in ("households", "headcounts")} | {"household_exit": assessed(later)}
    now_lazy = {
        name: connection.from_df(frame).project(", ".join(f"CAST({one.name} AS {types[one.dtype]}) AS {one.name}" for one in TABLES[name].columns))
        for name, frame in now.items()
    }
    same(exits.compare_quarters(before[0], now), exits.compare_quarters(before[1], now_lazy), "transitions")


# ---- properties ----------------------------------------------------------------------------------------------------

quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: A county of some dozens of households is an example with many households in it.
counties = settings(quick, max_examples=6)


@counties
@given(st.integers(0, 10**6), st.integers(1, 10**9), st.sampled_from(sorted(SPANS)))
def test_more_income_never_makes_a_met_income_fail(seed, more, period):
    frames = frames_of(draw_county(seed, homes=60))
    richer = frames | {"household_income": frames["household_income"].assign(net_fen=frames["household_income"]["net_fen"] + more)}
    before, after = (plain(assessed(one, period), "household_id", "income_outcome") for one in (frames, richer))
    rank = {"not_met": 0, "not_yet": 0, "met": 1, "already_reached": 1}
    for code, (outcome,) in before.items():
        assert after[code] == ("unknown",) if outcome == "unknown" else rank[after[code][0]] >= rank[outcome]


#: What may be blanked. A blank of an exception or a change is a statement (none), not an unknown.
BLANKS = {
    "household_income": ["net_fen"], "headcounts": ["headcount_persons"], "living": ["food_ok", "clothing_ok"], "schooling": ["school_state"],
    "housing": ["housing_grade", "housing_measure", "measure_finished"], "insurance": ["basic_insurance", "serious_illness"],
    "water": ["litres_per_person_day", "fetch_minutes", "supply_days", "quality_ok"], "persons": ["birth_date"],
}


@counties
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_blank_never_makes_a_test_met_and_never_makes_it_fail(seed, blanks):
    luck = random.Random(blanks)
    rows = draw_county(seed, homes=60)
    blanked = copy.deepcopy(rows)
    for name, columns in BLANKS.items():
        for row in blanked[name]:
            for column in columns:
                if luck.random() < 0.2:
                    row[column] = None
        if name not in ("persons", "headcounts"):
            blanked[name] = [row for row in blanked[name] if luck.random() < 0.95]
    before, after = (plain(assessed(frames_of(one)), "household_id", *household.TESTS.values()) for one in (rows, blanked))
    for code, outcomes in before.items():
        for column, was, now in zip(household.TESTS.values(), outcomes, after[code], strict=True):
            assert now in (was, "unknown"), (code, column, was, now)


@counties
@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter_and_inputs_stay(seed, shuffle):
    frames = frames_of(draw_county(seed, homes=60))
    kept = {name: frame.copy(deep=True) for name, frame in frames.items()}
    mixed = {name: frame.sample(frac=1, random_state=shuffle % 2**32, ignore_index=True) for name, frame in frames.items()}
    one, two = (all_tests(part).sort_values(["household_id", "rule_key"], ignore_index=True) for part in (frames, mixed))
    pd.testing.assert_frame_equal(one, two)
    one, two = (assessed(part).sort_values("household_id", ignore_index=True) for part in (frames, mixed))
    pd.testing.assert_frame_equal(one, two)
    one, two = (exits.assess_county(part["households"], part["headcounts"], part["villages"], RULES) for part in (frames, mixed))
    pd.testing.assert_frame_equal(one, two)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, kept[name])


@quick
@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 3))
def test_denominators_of_a_printed_rate_are_those_that_round_to_it(persons, denominator, decimals):
    unit = 10**decimals
    rounded = (2 * 100 * unit * persons + denominator) // (2 * denominator)
    printed = f"{rounded // unit}.{rounded % unit:0{decimals}d}" if decimals else str(rounded)
    least, most = exits.denominator_band(persons, printed)
    assert least <= denominator and (most is None or denominator <= most)
    for outside in (least - 1, None if most is None else most + 1):
        if outside:
            assert (2 * 100 * unit * persons + outside) // (2 * outside) != rounded


@quick
@given(st.integers(0, 50_000), st.integers(0, 10_000), st.integers(1, 500_000))
def test_leaving_what_is_needed_meets_the_target_and_one_less_does_not(left, planned, denominator):
    rows = exits.check_target(left, planned, denominator, RULES).set_index("measure")
    needed = int(rows.loc["exits_needed", "value"])
    assert 1000 * (left - needed) <= 15 * denominator
    assert needed == 0 or 1000 * (left - needed + 1) > 15 * denominator
    assert rows.loc["exits_short", "value"] == max(needed - planned, 0)
    assert (rows.loc["incidence_after", "outcome"] == "met") == (planned >= needed)


def test_every_unsound_part_year_verdict_is_unknown_not_below():
    frames = frames_of(draw_county(3, homes=300))
    tests = all_tests(frames, "ytd")
    income = tests[tests["rule_key"] == "exit.household.income"]
    assert set(income["outcome"]) == {"met", "unknown"}
    assert {"already_reached", "part_year_not_yet"} <= set(income["reason_code"])


def test_large_sums_are_compared_and_written_exactly():
    rows = draw_county(1, homes=1)
    rows["headcounts"] = [{"household_id": "00431099000000", "headcount_persons": 7, "registered_persons": 7}]
    for step, outcome in ((0, "not_met"), (1, "met")):
        first, last, quarters = SPANS["last4"]
        rows["household_income"] = [{
            "household_id": "00431099000000", "period": "last4", "first_quarter": first, "last_quarter": last, "quarters_expected": quarters,
            "net_fen": 7 * 353500 + step,
        }]
        assert plain(assessed(frames_of(rows)), "household_id", "income_outcome") == {"00431099000000": (outcome,)}
        rows["household_income"][0]["net_fen"] = 10**14 + step
        words = all_tests(frames_of(rows)).query("rule_key == 'exit.household.income'")["evidence"].item()
        assert words == f"纯收入 1,000,000,000,000.0{step} 元，标准 3,535 元×7 人"


# ---- transitions ---------------------------------------------------------------------------------------------------


def quarter_of(*homes: tuple[str, str | None, int | None], verdicts: dict[str, dict[str, Any]] | None = None) -> dict[str, pd.DataFrame]:
    """Register, head counts and, if given, assessment: a household is its last digit, status and persons."""
    codes = [f"0043109900000{digit}" for digit, _, _ in homes]
    rows: Rows = {
        "households": [
            {"household_id": code, "township_code": "431025100", "village_code": "431025100001", "poverty_status": status}
            for code, (_, status, _) in zip(codes, homes, strict=True)
        ],
        "headcounts": [
            {"household_id": code, "headcount_persons": persons, "registered_persons": persons} for code, (_, _, persons) in zip(codes, homes, strict=True)
        ],
    }
    if verdicts is not None:
        rows["household_exit"] = [{"household_id": f"0043109900000{digit}"} | row for digit, row in verdicts.items()]
    return frames_of(rows)


def test_transitions_of_every_kind():
    before = quarter_of(("1", "not_out", 3), ("2", "out", 4), ("3", "not_out", 2), ("4", "out", 1), ("5", "pre_out", 5), ("6", None, 2), ("8", "returned", 2))
    now = quarter_of(("1", "out", 3), ("2", "returned", 4), ("3", "not_out", 2), ("4", "out", 1), ("6", "out", 2), ("7", "not_out", 6), ("8", "pre_out", 2))
    rows = exits.compare_quarters(before, now)
    found = plain(rows.assign(digit=rows["household_id"].str[-1]), "digit", "transition", "persons", "why")
    assert found == {
        "1": ("newly_out", 3, "status:not_out>out"), "2": ("fallen_back", 4, "status:out>returned"), "3": ("stayed_poor", 2, ""), "4": ("stayed_out", 1, ""),
        "5": ("left_register", 5, "removed"), "6": ("unknown", 2, "status:unknown>out"), "7": ("newly_registered", 6, "registered"),
        "8": ("stayed_poor", 2, "status:returned>pre_out"),
    }
    assert rows["village_code"].notna().all()


def test_why_a_household_changed():
    sound = dict.fromkeys(("food", "clothing", "education", "medical", "housing", "water"), "met")
    then = sound | {"income_outcome": "not_yet", "housing": "not_met", "verdict": "not_out", "line_fen": 333500, "period": "ytd"}
    later = sound | {"income_outcome": "already_reached", "water": "unknown", "verdict": "unknown", "line_fen": 353500, "period": "ytd"}
    before = quarter_of(("1", "not_out", 4), ("2", "not_out", 3), ("3", "out", 3), verdicts={"1": then, "2": then, "3": then})
    now = quarter_of(
        ("1", "out", 5), ("2", "out", 3), ("3", "returned", None),
        verdicts={"1": later, "2": then, "3": then | {"verdict": "meets_exit"}},
    )
    why = plain(exits.compare_quarters(before, now), "household_id", "why")
    assert why["00431099000001"][0].split() == [
        "status:not_out>out", "verdict:not_out>unknown", "income:not_yet>already_reached", "housing:not_met>met", "water:met>unknown", "headcount:4>5",
        "line:333500>353500",
    ]
    assert why["00431099000002"] == ("status:not_out>out out_against_verdict",)
    assert why["00431099000003"] == ("status:out>returned verdict:not_out>meets_exit headcount:3>unknown back_against_verdict",)
    assert exits.explain_why(why["00431099000001"][0]) == (
        "脱贫属性由未脱贫变为已脱贫；评估结论由不符合退出条件变为不能判定；收入由尚未达到变为已达到；住房安全由未达标变为达标；饮水安全由达标变为未知；"
        "计算人口由 4 人变为 5 人；扶贫标准由 3,335 元变为 3,535 元"
    )
    assert exits.explain_why("headcount:3>unknown registered") == "计算人口由 3 人变为未知；本期新进入名册"
    assert exits.explain_why("") == exits.explain_why(None) == exits.explain_why(pd.NA) == ""


def test_transitions_of_nothing():
    nobody = quarter_of()
    assert len(exits.compare_quarters(nobody, nobody)) == 0
    with pytest.raises(ValueError, match="headcounts"):
        exits.compare_quarters(nobody, {"households": nobody["households"]})


# ---- the stage -----------------------------------------------------------------------------------------------------


def test_the_six_tables_of_a_quarter():
    then, frames = (frames_of(draw_county(seed, homes=30)) for seed in (5, 6))
    made = exits.assess_quarter(then, RULES, quarter="2017Q4")
    assert len(made["transitions"]) == 0
    made = exits.assess_quarter(frames, RULES, quarter="2018Q1", before=then | made)
    assert sorted(made) == ["cohort_checks", "county_exit", "household_exit", "household_exit_tests", "transitions", "village_exit"]
    for name, frame in made.items():
        assert list(frame.columns) == TABLES[name].names
        pd.testing.assert_frame_equal(conform(frame, name), frame)
    assert len(made["household_exit_tests"]) == 7 * 30
    assert set(made["household_exit"]["period"]) == {"ytd"}


def test_an_empty_county():
    frames = frames_of({name: [] for name in (*REGISTER, *LEDGERS, "villages")})
    made = exits.assess_quarter(frames, RULES, quarter="2018Q1")
    assert {name: len(frame) for name, frame in made.items() if name != "county_exit"} == dict.fromkeys(
        ("household_exit_tests", "household_exit", "cohort_checks", "village_exit", "transitions"), 0
    )
    county = made["county_exit"].set_index("measure")
    assert county.loc["poor_persons", "value"] == 0
    assert county.loc["incidence", "outcome"] == "unknown"


def test_every_code_has_words():
    seen = set()
    for seed in range(2):
        frames = frames_of(draw_county(seed, homes=500))
        for period in SPANS:
            seen |= set(all_tests(frames, period)["reason_code"])
        seen |= set(exits.check_cohorts(frames["households"], frames["household_income"], frames["headcounts"], RULES, "year")["reason_code"].dropna())
        measures = set(exits.assess_county(frames["households"], frames["headcounts"], frames["villages"], RULES, {"poor_persons": 1})["measure"])
    assert seen <= set(exits.REASONS)
    assert len(seen) > 30
    assert measures <= set(exits.MEASURES)


def test_every_row_says_why():
    tests = all_tests(frames_of(draw_county(11, homes=300)))
    assert tests[["outcome", "reason_code", "evidence"]].notna().all().all()
    assert (tests["evidence"].str.len() > 0).all()


def test_missing_names_exactly_what_is_not_met_or_unknown():
    table = assessed(frames_of(draw_county(12, homes=200)))
    for row in table.to_dict("records"):
        failed = {key for key, column in household.TESTS.items() if row[column] == "not_met"}
        unclear = {key for key, column in household.TESTS.items() if row[column] in ("unknown", "not_yet")}
        named = row["missing"].split()
        assert set(named[: len(failed)]) == failed and set(named[len(failed):]) == unclear


def test_what_is_wrong_is_said():
    frames = frames_of(draw_county(1, homes=3))
    with pytest.raises(ValueError, match=r"month.*choose one of quarter"):
        all_tests(frames, "month")
    with pytest.raises(TableError, match=r"birth_date\(出生日期\)"):
        all_tests(frames | {"persons": frames["persons"].drop(columns="birth_date")})
    with pytest.raises(TableError, match="village_code"):
        exits.assess_villages(frames["villages"].drop(columns="village_code"), frames["households"], frames["headcounts"], RULES)
    with pytest.raises(ValueError, match="rate in per cent"):
        exits.denominator_band(10, "三点五")
    with pytest.raises(KeyError, match=r"exit\.county\.target_2019"):
        exits.check_target(1, 1, 1, rules_at("2019-03-31"))
    assert "left_before" not in set(exits.assess_county(frames["households"], frames["headcounts"], frames["villages"], rules_at("2019-03-31"))["measure"])


def test_a_household_that_leaves_this_year_is_not_judged_on_last_years_income():
    rows = draw_county(3, homes=40)
    for home in rows["households"]:
        home |= {"poverty_status": "out", "exit_year": 2018}
    frames = frames_of(rows)
    cohorts = exits.check_cohorts(frames["households"], frames["household_income"], frames["headcounts"], RULES, "year")
    assert set(cohorts["own_line_outcome"]) == {"unknown"}
    assert "year_not_complete" in set(cohorts["reason_code"])


def test_a_household_of_an_unknown_village_leaves_its_townships_villages_undecided():
    rows = draw_county(5, homes=60)
    gone = rows["villages"][0]["village_code"]
    township = rows["villages"][0]["township_code"]
    poor = [home for home in rows["households"] if home["poverty_status"] == "not_out"]
    poor[0] |= {"village_code": f"{township}000", "township_code": township}
    frames = frames_of(rows)
    found = exits.assess_villages(frames["villages"], frames["households"], frames["headcounts"], RULES).set_index("village_code")
    assert pd.isna(found.loc[gone, "poor_persons"])
    county = exits.assess_county(frames["households"], frames["headcounts"], frames["villages"], RULES).set_index("measure")
    assert pd.isna(county.loc["incidence", "value"])
