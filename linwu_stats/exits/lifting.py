"""What would lift each household that is not out yet, cheapest first (脱贫缺项): yuan a year missing, or which guarantee.

A household needs every one of its needs: their order is that of cost, their sum what lifts it. The income that is missing is the least whole amount that makes
the last four quarters pass (exit.household.income: sign and margin). A guarantee has an indicative cost where a rule ``stability.cost.*`` states one,
to be confirmed; else it is not costed and stands after what is. What is unknown comes last: it must be looked into first, and nobody is told that it is
missing. Costs of a year and costs paid once are added up only to order needs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact
from linwu_stats.exits.stability.basis import NO_LINE, least_passing
from linwu_stats.exits.stability.counts import with_areas
from linwu_stats.rules import Rules
from linwu_stats.tables import POOR, conform, require

__all__ = ["COSTS", "INCOME", "count_needs", "list_needs"]

INCOME = "exit.household.income"

#: The rule that costs what each test needs.
COSTS = {
    "exit.household.food": "stability.cost.food", "exit.household.clothing": "stability.cost.clothing",
    "exit.household.education": "stability.cost.education", "exit.household.medical": "stability.cost.medical",
    "exit.household.housing": "stability.cost.housing", "exit.household.water": "stability.cost.water",
}

def list_needs(
    households: pd.DataFrame, household_exit_tests: pd.DataFrame, household_income: pd.DataFrame, headcounts: pd.DataFrame, housing: pd.DataFrame,
    persons: pd.DataFrame, insurance: pd.DataFrame, rules: Rules, year: int,
) -> pd.DataFrame:
    """Needs of every household that is not out (脱贫缺项): table ``lifting_needs``, in order of cost.

    Income is that of the period ``last4`` against the line of ``year``, whole fen; the other tests are those of ``household_exit_tests``. A household that
    lacks nothing has no rows.
    """
    require(household_exit_tests, "household_exit_tests", "household_id", "rule_key", "outcome", "reason_code", "evidence")
    poor = households.loc[households["poverty_status"].isin(POOR).fillna(False), "household_id"].sort_values()
    tests = household_exit_tests[household_exit_tests["household_id"].isin(poor) & household_exit_tests["rule_key"].isin(list(COSTS))]
    tests = tests[tests["outcome"] != "met"]
    rows = pd.DataFrame({
        "household_id": tests["household_id"], "rule_key": tests["rule_key"], "state": tests["outcome"], "detail": tests["evidence"],
        "reason_code": tests["reason_code"],
    })
    rows["cost_fen"], rows["cost_kind"] = _costs(rows, housing, persons, insurance, rules)
    needs = pd.concat([_income_needs(poor, household_income, headcounts, rules, year), rows], ignore_index=True)
    needs["missing_fen"] = needs["missing_fen"].astype("Int64")
    needs["cost_fen"] = needs["cost_fen"].astype("Int64")
    last = (needs["state"] == "unknown").astype(int) * 2 + needs["cost_fen"].isna().astype(int)
    needs = needs.assign(_last=last).sort_values(["household_id", "_last", "cost_fen", "rule_key"]).reset_index(drop=True)
    by_household = needs.groupby("household_id")
    needs["need_order"] = by_household.cumcount() + 1
    needs["needs_in_all"] = by_household["rule_key"].transform("size")
    blank = needs["cost_fen"].isna().groupby(needs["household_id"]).cumsum() > 0
    needs["total_fen"] = needs["cost_fen"].fillna(0).groupby(needs["household_id"]).cumsum().mask(blank)
    return conform(needs, "lifting_needs")


def count_needs(lifting_needs: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """Needs counted by area and measure (脱贫缺项统计): table ``lifting_counts``. Unknown needs are counted apart and cost nothing."""
    sure = lifting_needs["state"] == "not_met"
    frame = pd.DataFrame({
        "household_id": lifting_needs["household_id"], "rule_key": lifting_needs["rule_key"], "households": sure,
        "only_households": sure & (lifting_needs["needs_in_all"] == 1), "first_households": sure & (lifting_needs["need_order"] == 1),
        "unknown_households": ~sure, "cost_fen": lifting_needs["cost_fen"].where(sure), "uncosted_households": sure & lifting_needs["cost_fen"].isna(),
    })
    rows = with_areas(frame, households)
    sums = {name: (name, "sum") for name in ("households", "only_households", "first_households", "unknown_households", "uncosted_households")}
    table = rows.groupby(["level", "area_code", "rule_key"], as_index=False).agg(cost_fen=("cost_fen", lambda fen: fen.sum(min_count=1)), **sums)
    return conform(table, "lifting_counts")


def _income_needs(poor: pd.Series, household_income: pd.DataFrame, headcounts: pd.DataFrame, rules: Rules, year: int) -> pd.DataFrame:
    """Yuan of a year missing, of those whose income does not pass; those of whom it is not known have the state unknown."""
    income = household_income[household_income["period"] == "last4"].set_index("household_id").reindex(poor)
    heads_of = headcounts.set_index("household_id")["headcount_persons"].reindex(poor)
    heads, net = heads_of.fillna(0).to_numpy(dtype=np.int64), income["net_fen"].fillna(0).to_numpy(dtype=np.int64)
    needed = least_passing(rules.line_fen(year), heads, rules)
    counted = heads_of.notna().to_numpy() & (heads > 0)
    known = income["net_fen"].notna().to_numpy() & counted & (needed != NO_LINE)
    reason = np.where(heads_of.isna(), "headcount_unknown", np.where(heads <= 0, "headcount_zero", "line_unknown"))
    of_income = income["reason_code"].fillna("no_income_row").to_numpy(dtype=object)
    reason = np.where(income["net_fen"].isna(), of_income, reason)
    missing = pd.Series(needed - net, dtype="Int64").where(pd.Series(known))
    frame = pd.DataFrame({
        "household_id": poor.to_numpy(dtype=object), "rule_key": INCOME, "state": np.where(known, "not_met", "unknown"), "missing_fen": missing,
        "cost_fen": missing, "cost_kind": "per_year", "reason_code": np.where(known, "fails_line", reason),
    })
    return frame[~known | (needed > net)]


def _costs(rows: pd.DataFrame, housing: pd.DataFrame, persons: pd.DataFrame, insurance: pd.DataFrame, rules: Rules) -> tuple[pd.Series, pd.Series]:
    """Indicative cost of every need in whole fen, unknown where it is not costed or what it goes by is not known."""
    cost, kind = pd.Series(pd.NA, index=rows.index, dtype="Int64"), pd.Series(pd.NA, index=rows.index, dtype="string")
    for test, key in COSTS.items():
        here, value = rows["rule_key"] == test, rules.value(key)
        kind = kind.mask(here, value["kind"])
        # A house that is being mended is paid for: what it needs is to be finished.
        costed = here & (rows["state"] == "not_met") & (rows["reason_code"] != "mending_unfinished")
        if value["per"] == "household":
            cost = cost.mask(costed, _fen(value["yuan"]))
        elif value["per"] == "housing_grade":
            grades = housing.set_index("household_id")["housing_grade"].reindex(rows["household_id"])
            of_grade = grades.map({grade: _fen(yuan) for grade, yuan in value["grades"].items()}).astype("Int64")
            cost = cost.mask(costed, pd.Series(of_grade.to_numpy(dtype=object, na_value=pd.NA), index=rows.index, dtype="Int64"))
        elif value["per"] == "uninsured_member":
            count = _uninsured(persons, insurance, rules).reindex(rows["household_id"]).fillna(0).to_numpy(dtype=np.int64)
            of_members = pd.Series(count * _fen(value["yuan"]), index=rows.index, dtype="Int64").where(count > 0)
            cost = cost.mask(costed, of_members)
    return cost, kind


def _uninsured(persons: pd.DataFrame, insurance: pd.DataFrame, rules: Rules) -> pd.Series:
    """Members by household whose basic insurance is known and not one that counts, exceptions and those who left apart."""
    rule, leaves = rules.value("exit.household.medical"), rules.value(f"headcount.{rules.value('headcount.rule')}")["leaves"]
    people = persons[["person_id", "household_id", "change"]].merge(
        insurance[["person_id", "basic_insurance", "insurance_exception"]], on="person_id", how="left")
    gone = people["change"].isin([*leaves, "dead"]).to_numpy(dtype=bool)
    known = people["basic_insurance"].notna().to_numpy(dtype=bool)
    covered = people["basic_insurance"].isin(rule["basic"]).to_numpy(dtype=bool) | people["insurance_exception"].isin(rule["exceptions"]).to_numpy(dtype=bool)
    return people[~gone & known & ~covered].groupby("household_id").size()


def _fen(yuan: float) -> int:
    return int(exact(yuan) * 100)
