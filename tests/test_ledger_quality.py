"""Completeness, accuracy, timeliness of four households of two townships, counted by hand."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pandas as pd
import pytest
from markupsafe import Markup

from linwu_stats.ledgers.quality import EARLIER, ledger_quality
from linwu_stats.publish import facts, pages_ledger_quality
from linwu_stats.rules import rules_at
from linwu_stats.tables import conform, empty

COUNTY, NORTH, SOUTH, NOWHERE = "431025", "431025100", "431025101", "431025000"
A, B, C, D = (f"0043109900000{number}" for number in range(1, 5))
RULES = rules_at("2018-03-31")


def frame(name: str, rows: list[dict]) -> pd.DataFrame:
    return conform(pd.DataFrame(rows), name) if rows else empty(name)


def tables(**other: list[dict]) -> dict[str, pd.DataFrame]:
    """A and B in the north, C in the south, D in no known township. Of the register only status, attribute and cause are there; housing is given."""
    places = {A: NORTH, B: NORTH, C: SOUTH, D: NOWHERE}
    homes = [
        {"household_id": home, "township_code": place, "village_code": f"{place}201", "poverty_status": "out" if home in (A, C) else "not_out",
         "attribute": None if home == B else "general", "cause": "illness", "exit_year": 2017 if home == A else None}
        for home, place in places.items()
    ]  # fmt: skip
    people = [{"person_id": f"{home}01", "household_id": home, "birth_date": pd.Timestamp("1980-05-01"), "labour": "ordinary"} for home in (A, B, C)]
    people += [{"person_id": f"{D}01", "household_id": D, "birth_date": pd.Timestamp("2012-04-01"), "labour": None}]  # aged 5 at the end of the quarter
    given = {
        "households": homes, "persons": people, "housing": [{"household_id": A, "housing_grade": "A"}, {"household_id": C, "housing_grade": "B"}],
        "income_sheet": [{"household_id": home, "quarter": "2018Q1", "wage_fen": wage, "business_fen": 0} for home, wage in ((A, 100), (B, 200), (C, 0))],
        "household_income": [
            {"household_id": home, "period": "quarter", "net_fen": net, "first_quarter": "2018Q1", "last_quarter": "2018Q1"}
            for home, net in ((A, 1), (B, 1), (C, None), (D, None))
        ],
    } | other  # fmt: skip
    names = {
        *given, *EARLIER, "water", "living", "schooling", "insurance", "income_items", "findings", "check_results", "check_counts", "department_counts",
        "department_flags", "work_list",
    }  # fmt: skip
    return {name: frame(name, given.get(name, [])) for name in names}


def value(found: pd.DataFrame, area: str, measure: str) -> tuple[int, int, int]:
    row = found.set_index(["area_code", "measure"]).loc[(area, measure)]
    return int(row["numerator"]), int(row["denominator"]), int(row["unknown"])


def test_complete_counts_filled_cells_of_those_that_should_be():
    found = ledger_quality(tables(), RULES, "2018Q1")
    # status 4 of 4, cause 4 of 4, village 4 of 4, attribute 3 of 4; birth date 4 of 4; labour 3 of 3, since the child of five is too young; relation, sex and
    # others were not given at all. Housing 2 of 4. Income 2 of 4.
    assert value(found, COUNTY, "complete_register")[:2] == (4 + 4 + 4 + 3 + 4 + 3, 4 + 4 + 4 + 4 + 4 + 3)
    assert value(found, COUNTY, "complete_guarantees")[:2] == (2, 4)
    assert value(found, COUNTY, "complete_income") == (2, 4, 0)
    assert value(found, COUNTY, "complete")[:2] == (22 + 2 + 2, 23 + 4 + 4)
    assert value(found, NORTH, "complete_guarantees")[:2] == (1, 2)
    assert value(found, COUNTY, "complete_households")[:2] == (1, 4)  # A alone; C has no income, B and D no housing
    assert value(found, SOUTH, "complete_guarantees") == (1, 1, 9 - 1), "water 4, living 2, insurance 2 of one household; no pupil"


def test_accurate_takes_off_each_cell_that_an_error_names_once():
    error, doubt = "check.shape.size_differs", "check.shape.large"
    items = [
        {"item_id": "1", "kind": "check", "code": error, "gravity": "error", "status": "open", "subject_id": A, "household_id": A, "township_code": NORTH,
         "fields": "households.cause households.attribute", "owner": "村", "heading": "x"},
        {"item_id": "2", "kind": "check", "code": error, "gravity": "verdict", "status": "new", "subject_id": A, "household_id": A, "township_code": NORTH,
         "fields": "households.cause", "owner": "村", "heading": "x"},
        {"item_id": "3", "kind": "check", "code": doubt, "gravity": "warning", "status": "new", "subject_id": B, "household_id": B, "township_code": NORTH,
         "fields": "households.cause", "owner": "村", "heading": "x"},
        {"item_id": "4", "kind": "finding", "code": "NUM_NOT_EXACT", "gravity": "error", "status": "new", "subject_id": C, "household_id": C,
         "township_code": SOUTH, "fields": "income_sheet.property_fen", "owner": "乡镇", "heading": "x"},
        {"item_id": "5", "kind": "finding", "code": "NUM_MISSING", "gravity": "error", "status": "new", "subject_id": C, "household_id": C,
         "township_code": SOUTH, "fields": "income_sheet.transfer_fen", "owner": "乡镇", "heading": "x"},
        {"item_id": "6", "kind": "check", "code": error, "gravity": "error", "status": "mended", "subject_id": B, "household_id": B, "township_code": NORTH,
         "fields": "households.attribute", "owner": "村", "heading": "x"},
    ]  # fmt: skip
    counts = [
        {"check_key": error, "township_code": NORTH, "severity": "error", "passed": 1, "failed": 1, "unknown": 3, "rows": 5},
        {"check_key": doubt, "township_code": NORTH, "severity": "warning", "passed": 4, "failed": 1, "unknown": 0, "rows": 5},
        {"check_key": "check.blank.sex", "township_code": NORTH, "severity": "error", "passed": 1, "failed": 9, "unknown": 0, "rows": 10},
    ]
    for item in items:
        item |= {"first_quarter": "2018Q1", "last_quarter": "2018Q1"}
    base = value(ledger_quality(tables(), RULES, "2018Q1"), COUNTY, "accurate")
    assert base[0] == base[1]
    found = ledger_quality(tables(work_list=items, check_counts=counts), RULES, "2018Q1")
    # two cells of A; the unreadable cell of C was filled, with what is no number: one more in the denominator
    assert value(found, COUNTY, "accurate") == (base[0] - 2, base[1] + 1, 0)
    assert value(found, COUNTY, "accurate_checks") == (1, 2, 3)
    assert value(found, COUNTY, "accurate_households") == (2, 4, 0)
    assert value(found, COUNTY, "accurate_sources") == (0, 0, 4)
    assert found.set_index(["area_code", "measure"]).loc[(COUNTY, "accurate_sources"), "reason_code"] == "not_given"


def test_timely_names_households_with_a_sign():
    before = tables(income_sheet=[{"household_id": home, "quarter": "2017Q4", "wage_fen": 200, "business_fen": 0} for home in (A, B)])
    results = [{"check_key": "check.status.out_without_year", "subject_id": C, "household_id": C, "township_code": SOUTH, "outcome": "fail",
                "subject": "household", "severity": "error"}]  # fmt: skip
    late = [{"finding_id": "1", "code": "OTHER_QUARTER", "severity": "warning", "household_id": A}]
    found = ledger_quality(tables(check_results=results, findings=late), RULES, "2018Q1", before)
    assert value(found, COUNTY, "timely_exit_year") == (1, 2, 0)  # A has its year, C has not
    assert value(found, COUNTY, "timely_income") == (1, 2, 2)  # B repeats 200; A does not; C and D were not there
    assert value(found, COUNTY, "timely_lines") == (0, 1, 0)
    assert value(found, COUNTY, "timely") == (1, 4, 0)  # D alone has no sign
    assert value(found, SOUTH, "timely") == (0, 1, 0)


def test_an_update_is_late_where_another_source_had_it_first():
    compared = [{"township_code": NORTH, "field": "households.poverty_status", "compared": 2, "agree": 1, "differ": 1, "unknown": 0}]

    def differ(home: str) -> list[dict]:
        return [{"difference_id": home, "subject": "household", "household_id": home, "township_code": NORTH, "village_code": f"{NORTH}201",
                 "field": "households.poverty_status"}]  # fmt: skip

    earlier = tables(source_counts=compared, source_differences=differ(A))
    earlier["households"] = earlier["households"].assign(poverty_status="not_out")
    now = tables(source_counts=compared, source_differences=differ(B))
    found = ledger_quality(now, RULES, "2018Q1", earlier)
    # A and C changed to out. A differed from a source a quarter ago: late. C is in time. B has not changed and a source differs now: overdue.
    assert value(found, COUNTY, "timely_updates") == (1, 3, 0)
    assert value(found, COUNTY, "accurate_sources") == (1, 2, 0)
    assert value(found, NORTH, "timely")[0] == 0


def test_what_is_due_is_closed_open_or_cannot_be_told():
    day = pd.Timestamp(dt.date(2018, 3, 31))
    items = [
        {"item_id": str(number), "kind": "flag", "gravity": "warning", "status": status, "township_code": NORTH, "owner": "村", "deadline_date": when}
        for number, (status, when) in enumerate([
            ("mended", day), ("verified", day), ("open", day), ("unchecked", day), ("new", day + pd.Timedelta(days=1)), ("open", None),
        ])
    ]
    for item in items:
        item |= {"first_quarter": "2017Q4", "last_quarter": "2018Q1"}
    assert value(ledger_quality(tables(work_list=items), RULES, "2018Q1"), NORTH, "timely_mending") == (2, 3, 1)


def test_a_list_that_was_not_given_is_unknown():
    row = {"flag_key": "flag.deaths.on_register", "township_code": NORTH, "list": "deaths", "direction": "listed"}
    given = [row | {"list_given": True, "matched": 9, "flagged": 2, "unknown": 1}]
    absent = [row | {"list_given": False, "matched": 0, "flagged": 0, "unknown": 2}]
    assert value(ledger_quality(tables(department_counts=given), RULES, "2018Q1"), NORTH, "timely_lists") == (7, 9, 1)
    assert value(ledger_quality(tables(department_counts=absent), RULES, "2018Q1"), NORTH, "timely_lists") == (0, 0, 1)


def test_last_quarter_stands_beside():
    first = ledger_quality(tables(), RULES, "2017Q4")
    second = ledger_quality(tables(), RULES, "2018Q1", tables() | {"ledger_quality": first})
    pair = second.set_index(["area_code", "measure"]).loc[(COUNTY, "complete")]
    assert pair["before"] == pair["value"] == 26 / 31


def test_inputs_stay_as_they_are():
    given = tables()
    copies = {name: one.copy(deep=True) for name, one in given.items()}
    ledger_quality(given, RULES, "2018Q1", tables())
    for name, one in given.items():
        pd.testing.assert_frame_equal(one, copies[name])


def holder(found: pd.DataFrame) -> SimpleNamespace:
    given = tables()
    names = {COUNTY: "临武县", NORTH: "舜峰镇", SOUTH: "金江镇", f"{NORTH}201": "甲村"}
    others = ("department_counts", "source_counts", "review_error_rates", "review_agreement", "work_list_progress")
    rest = {name: empty(name) for name in others}
    return SimpleNamespace(**given | rest | {"ledger_quality": found}, quarter="2018Q1", area_names=names, previous=None, is_sample=True, rules=RULES)


def test_pages_say_what_is_unknown_and_never_call_it_clean():
    q = holder(ledger_quality(tables(), RULES, "2018Q1"))
    said = Markup(pages_ledger_quality.not_given(q, COUNTY)._repr_html_()).striptags()
    assert "三方一致的要素" in said
    assert "未知" in said
    table = re.sub(r"\s+", " ", Markup(pages_ledger_quality.measures(q, COUNTY, "accurate")._repr_html_()).striptags())
    assert "未知（没有提供台账或名册，不能判断）" in table
    assert "没有双人复核结果" in Markup(pages_ledger_quality.review_result(q, NORTH)._repr_html_()).striptags()
    assert "未知" in Markup(pages_ledger_quality.source_differences(q, COUNTY)._repr_html_()).striptags()
    figures = Markup(pages_ledger_quality.quality_figures(q, COUNTY)._repr_html_()).striptags()
    assert "26÷31 格" in figures
    with pytest.raises(facts.AreaError, match="county or township"):
        pages_ledger_quality.quality_figures(q, f"{NORTH}201")
