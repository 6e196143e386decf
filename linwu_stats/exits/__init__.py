"""Exit from poverty (脱贫评估): households, villages, the county, and what changed between two quarters.

- ``household``    seven tests per household, the verdict, old exits against two lines
- ``guarantees``   the six guarantees, each from its ledger
- ``village``      incidence, collective income, infrastructure
- ``county``       incidence with its denominator; the task of the year against its target
- ``transitions``  newly out, fallen back, newly registered, left the register, and why
- ``stability``    who may fall back: margin, dependence, shocks, monitoring groups
- ``lifting``      what lifts those who are not out, cheapest first
- ``lookback``     households missed and wrongly let go: plan, draw, rates with bounds
- ``compare``      exact comparison with a bound of the law

Three outcomes everywhere: met, not_met, unknown; a failing value beats an unknown one, and an unknown is never a failure.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from typing import Any

from linwu_stats.exits import county, household, lifting, stability, transitions, village
from linwu_stats.exits.county import assess_county, check_target, denominator_band
from linwu_stats.exits.household import TESTS, assess_households, check_cohorts
from linwu_stats.exits.transitions import compare_quarters, explain_why
from linwu_stats.exits.village import assess_villages
from linwu_stats.rules import Rules
from linwu_stats.tables import empty

__all__ = [
    "MEASURES", "REASONS", "TESTS", "assess_county", "assess_households", "assess_quarter", "assess_villages", "check_cohorts", "check_target",
    "compare_quarters", "county", "denominator_band", "explain_why", "household", "lifting", "stability", "transitions",
    "village",
]

#: All reason codes of the stage with the words that a report shows.
REASONS = household.REASONS | transitions.REASONS | stability.REASONS

#: Measures of ``county_exit`` with their Chinese terms.
MEASURES = county.MEASURES


def assess_quarter(
    tables: Mapping[str, Any], rules: Rules, *, quarter: str, before: Any = None, period: str = "ytd", cohort_period: str = "last4",
    published: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The six tables of one quarter's exits (本季脱贫评估): household_exit_tests, household_exit, cohort_checks, village_exit, county_exit, transitions.

    Takes the quarter's tables by name (what the ledgers say, ``headcounts``, ``household_income``). Households are tested on ``period``: the accounting
    year so far (a whole year in its last quarter, else 'already reached' or 'not yet'); old exits on ``cohort_period``. ``before`` is the quarter
    before, a mapping of tables or an object with them as attributes; without it ``transitions`` has no rows. ``published`` is for ``assess_county``.
    """
    year, month = int(quarter[:4]), int(quarter[5]) * 3
    as_of = dt.date(year, month, calendar.monthrange(year, month)[1])
    register = {name: tables[name] for name in ("households", "persons", "household_income", "headcounts")}
    ledgers = {name: tables[name] for name in ("housing", "water", "living", "schooling", "insurance")}
    incomes = tables["household_income"], tables["headcounts"]
    tests = household.test_households(**register, **ledgers, rules=rules, as_of=as_of, period=period)
    made = {
        "household_exit_tests": tests,
        "household_exit": assess_households(tests, *incomes, rules, period),
        "cohort_checks": check_cohorts(tables["households"], *incomes, rules, cohort_period),
        "village_exit": assess_villages(tables["villages"], tables["households"], tables["headcounts"], rules),
        "county_exit": assess_county(tables["households"], tables["headcounts"], tables["villages"], rules, published),
    }
    names = ("households", "headcounts", "household_exit")
    now = {"households": tables["households"], "headcounts": tables["headcounts"], "household_exit": made["household_exit"]}
    earlier = before if before is None or isinstance(before, Mapping) else {name: getattr(before, name) for name in names}
    made["transitions"] = empty("transitions") if earlier is None else compare_quarters(earlier, now)
    return made
