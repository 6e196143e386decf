"""All tables of detail of one quarter in one call (一个季度的指标明细表)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from linwu_stats.indicators.detail import make_bounds, read_registers
from linwu_stats.indicators.detail_changes import make_changes, make_lorenz, make_multidimensional
from linwu_stats.indicators.detail_parts import make_sources, make_subgroups
from linwu_stats.rules import Rules

__all__ = ["NEEDED", "make_details"]

#: Tables that are read of the quarter, of the one before, and of the same quarter a year ago.
NEEDED = ("household_income", "households", "headcounts", "household_exit")

Tables = Mapping[str, pd.DataFrame]


def make_details(
    tables: Tables, rules: Rules, *, line_year: Mapping[str, int], poor_sign: str = "<", previous: Tables | None = None, year_ago: Tables | None = None
) -> dict[str, pd.DataFrame]:
    """Bounds, sources, groups, changes, multidimensional poverty and curves of county and townships (指标明细表), by the name of the table.

    ``tables``, ``previous`` (the quarter before) and ``year_ago`` hold the tables of :data:`NEEDED`; ``line_year``: the year of each period's line.
    """
    registers = read_registers(*(tables[name] for name in NEEDED[:3]))
    ago = None if year_ago is None else read_registers(*(year_ago[name] for name in NEEDED[:3]))
    lines = {"line_year": line_year, "poor_sign": poor_sign}
    return {
        "indicator_bounds": make_bounds(registers, rules, **lines),
        "indicator_sources": make_sources(registers, rules),
        "indicator_subgroups": make_subgroups(registers, rules, **lines),
        "indicator_changes": make_changes(registers, tables, rules, previous=previous, year_ago=ago, **lines),
        "indicator_multidimensional": make_multidimensional(tables["household_exit"], tables["households"], tables["headcounts"], rules),
        "indicator_lorenz": make_lorenz(registers, rules, year_ago=ago),
    }
