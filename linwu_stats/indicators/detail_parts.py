"""Tables of what the indicators of the register are made of: income sources and groups of households (收入来源与人群分解表)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.indicators.composition import CLASSES
from linwu_stats.indicators.decompose import decompose_entropy, decompose_fgt, decompose_gini, decompose_sources
from linwu_stats.indicators.decompose.sources import QUANTITIES
from linwu_stats.indicators.detail import Area, Registers, areas_of, counted
from linwu_stats.indicators.make import ANNUAL_PERIODS
from linwu_stats.rules import Rules
from linwu_stats.tables import conform, empty

__all__ = ["GROUP_KINDS", "make_sources", "make_subgroups"]

GROUP_KINDS = ("attribute", "cause", "poverty_status", "size")


def make_sources(registers: Registers, rules: Rules) -> pd.DataFrame:
    """Gini by income source of county and townships, from :func:`~linwu_stats.indicators.detail.read_registers` (收入来源分解): table ``indicator_sources``.

    A household counts where its income, head count and all four classes are known; the others are counted as unknown. ``whole``: the Gini of these households.
    Reasons: single_household, and those of :func:`~linwu_stats.indicators.decompose.decompose_sources`. Rules: area.county, township.*.
    """
    rows = []
    for period, frame in registers.items():
        composed = frame["known"] & frame[list(CLASSES.values())].notna().all(axis=1)
        for area in areas_of(frame.assign(known=composed), rules):
            rows += [{"level": area.level, "area_code": area.code, "period": period, **one, **area.counts} for one in _sources(area)]
    return conform(pd.DataFrame(rows), "indicator_sources")


def _sources(area: Area) -> list[dict[str, Any]]:
    names = [*CLASSES, "whole"]
    reason = area.reason or ("single_household" if len(area.known) == 1 else "")
    if reason:
        return [{"source": name, **dict.fromkeys(QUANTITIES), "reason_code": reason} for name in names]
    found = decompose_sources(survey.register(area.known), CLASSES, income="net_fen", headcount="heads")
    rows = [
        {"source": name, **{one: found.value(name, one) for one in QUANTITIES}, "reason_code": found.reasons.get((name, "contribution_share"))}
        for name in CLASSES
    ]
    for row in rows:
        row["reason_code"] = row["reason_code"] or found.reasons.get((row["source"], "gini"))
    gini = found.value("whole", "gini")
    whole = {"income_share": 1.0, "gini": gini, "contribution": gini, "contribution_share": 1.0 if gini > 0 else np.nan}
    return _nulls([*rows, {"source": "whole", **dict.fromkeys(QUANTITIES), **whole, "reason_code": found.reasons.get(("whole", "gini"))}])


def make_subgroups(registers: Registers, rules: Rules, *, line_year: Mapping[str, int], poor_sign: str = "<") -> pd.DataFrame:
    """Poverty by group, and inequality within and between groups (分人群分解): table ``indicator_subgroups``, for periods of a whole year.

    Groups: attribute, cause, poverty status, household size; of the county the townships, too. FGT rows add up over the groups of a kind: ``fgt1_share`` is the
    group's part in the area's poverty gap. Inequality: rows ``within``, ``between`` (and ``residual`` of the Gini) add up to ``all``. Rules: line.*.
    """
    rows = []
    for period in ANNUAL_PERIODS:
        line = rules.line_fen(line_year[period])
        for area in areas_of(registers[period], rules):
            if area.reason:
                continue
            design, whole = survey.register(area.known), area.counts
            for kind in (*GROUP_KINDS, "township") if area.level == "county" else GROUP_KINDS:
                column = "township_code" if kind == "township" else kind
                found = [*_poverty(design, line, column, poor_sign), *_inequality(design, column)]
                groups = dict(tuple(area.rows.groupby(column)))
                place = {"level": area.level, "area_code": area.code, "group_kind": kind, "period": period}
                own = {name: counted(part, part["known"]) for name, part in groups.items()}
                rows += [{**place, **one, **own.get(one["group_value"], whole)} for one in found]
    return conform(pd.DataFrame(rows) if rows else empty("indicator_subgroups"), "indicator_subgroups")


def _poverty(design: Any, line: int | None, column: str, poor_sign: str) -> list[dict[str, Any]]:
    if line is None:
        return []
    rows = []
    for alpha in (0, 1, 2):
        found = decompose_fgt(design, "net_fen", line, column, alpha=alpha, headcount="heads", sign=poor_sign)
        wanted = {"index": f"fgt{alpha}", "contribution_share": f"fgt{alpha}_share"} | ({"persons_share": "persons_share"} if alpha == 0 else {})
        rows += [
            {"group_value": name, "measure": wanted[quantity], "value": one.value, "reason_code": found.reasons.get((name, quantity))}
            for (name, quantity), one in found.parts.items() if quantity in wanted and name != "whole"
        ]
    return _nulls(rows)


def _inequality(design: Any, column: str) -> list[dict[str, Any]]:
    if len(design) == 1:
        return []
    parts = {f"ge{alpha}": decompose_entropy(design, "net_fen", column, alpha=alpha, headcount="heads") for alpha in (0, 1, 2)}
    parts["gini"] = decompose_gini(design, "net_fen", column, headcount="heads")
    names = {"whole": "all", "within": "within", "between": "between", "residual": "residual"}
    return _nulls([
        {"group_value": names[name], "measure": measure, "value": one.value, "reason_code": found.reasons.get((name, quantity))}
        for measure, found in parts.items() for (name, quantity), one in found.parts.items() if quantity == "index" and name in names
    ])


def _nulls(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A value that is not a number is null."""
    return [{name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in row.items()} for row in rows]
