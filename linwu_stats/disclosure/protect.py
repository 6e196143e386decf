"""Counts that may be published (公开频数表)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from linwu_stats.disclosure.suppress import Plan, suppress
from linwu_stats.disclosure.system import System, counted
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["plan", "protect_counts", "public_cells"]


def plan(system: System, rules: Rules) -> Plan:
    """The withheld cells of a publication under the county's rule ``disclosure.cells`` (抑制方案)."""
    rule = rules.value("disclosure.cells")
    return suppress(system, {"households": rule["minimum_households"], "persons": rule["minimum_persons"]}, rule["width"])


def public_cells(frames: Mapping[str, pd.DataFrame], rules: Rules, townships: Iterable[str]) -> pd.DataFrame:
    """The table ``public_cells`` of a quarter (公开频数表): takes households, headcounts, household_exit, household_income and villages.

    Rule keys: disclosure.cells, indicator.poor_sign, the line of the year. A withheld cell is blank; whether it is small or protects another is not said.
    """
    system = counted(frames, rules, townships)
    return protect_counts(system, plan(system, rules))


def protect_counts(system: System, chosen: Plan) -> pd.DataFrame:
    """The published numbers of a system under a plan (公开频数表): ``public_cells``."""
    keys = pd.DataFrame(list(system.keys), columns=["public_table", "area_code", "category"])
    keys["mark"] = np.where(chosen.withheld, "withheld", "shown")
    for measure in ("households", "persons"):
        numbers = pd.Series(system.amounts(measure)).astype("Int64")
        keys[measure] = numbers.mask(chosen.withheld)
    return conform(keys, "public_cells")
