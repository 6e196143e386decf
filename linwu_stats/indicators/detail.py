"""The register read for the tables of detail, and how low and how high each indicator may be (指标明细表的读数与上下限).

A full register has no sampling error (全面登记，无抽样误差). What is left to doubt are households whose income is not known: they may all be below the line, or
none. Bounds say how far a figure could move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.indicators import inequality, poverty
from linwu_stats.indicators.decompose.parts import mean_differences
from linwu_stats.indicators.make import ANNUAL_PERIODS
from linwu_stats.indicators.measure import Measure
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform

__all__ = ["SIZES", "Area", "Registers", "areas_of", "counted", "gini_range", "highest_known", "make_bounds", "read_registers", "with_unknown"]

#: Groups of household size: code, and the largest size.
SIZES: dict[str, int] = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6+": 10**6}
_QUANTILES = {"p10": Fraction(1, 10), "p25": Fraction(1, 4), "median": Fraction(1, 2), "p75": Fraction(3, 4), "p90": Fraction(9, 10)}
_GAPS = {"headcount_ratio": "比例", "poverty_gap_index": "指数", "squared_poverty_gap_index": "指数"}


#: The register in each period, as :func:`read_registers` gives it.
Registers = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Area:
    """One area of the register in one period (一个地区): ``rows`` of all its households, ``known`` those with income and head count.

    Columns as :func:`read_registers` gives them.
    """

    level: str
    code: str
    rows: pd.DataFrame

    @cached_property
    def known(self) -> pd.DataFrame:
        """Households whose income and head count are known (收入已知的户)."""
        return self.rows[self.rows["known"]]

    @cached_property
    def counts(self) -> dict[str, Any]:
        """Households and persons, and those unknown (户数、人数及未知数); persons are unknown where a household's size is not known at all."""
        return counted(self.rows, self.rows["known"])

    @property
    def reason(self) -> str:
        """Why there is no value (无数值的原因), "" where there is."""
        return "" if len(self.known) else "all_unknown" if len(self.rows) else "empty_group"


def counted(rows: pd.DataFrame, known: pd.Series) -> dict[str, Any]:
    """Households and persons of some rows, and of those not known (户数与人数)."""
    persons, unknown = rows["size_persons"], rows.loc[~known, "size_persons"]
    return {
        "households": len(rows), "persons": pd.NA if unknown.isna().any() else int(persons.sum()), "unknown_households": int((~known).sum()),
        "unknown_persons": pd.NA if unknown.isna().any() else int(unknown.sum()),
    }


def read_registers(household_income: pd.DataFrame, households: pd.DataFrame, headcounts: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """By period one row a household on the register with its income (名册与收入): as in the table of indicators, unknown where it is unknown.

    Columns: household_id, township_code, village_code; attribute, cause, poverty_status and size, ``unknown`` where blank; heads, net_fen and the four classes
    in fen; size_persons; known (income and head count are known). What the makers of the tables of detail take.
    """
    register = households.sort_values("household_id", ignore_index=True)
    return {period: _one_period(household_income, register, headcounts, period) for period in CODES["period"]}


def _one_period(household_income: pd.DataFrame, register: pd.DataFrame, headcounts: pd.DataFrame, period: str) -> pd.DataFrame:
    income = household_income[household_income["period"] == period].set_index("household_id").reindex(register["household_id"]).reset_index(drop=True)
    counted_heads = headcounts.set_index("household_id").reindex(register["household_id"]).reset_index(drop=True)
    heads, net = income["headcount_persons"], income["net_fen"]
    size = heads.fillna(counted_heads["headcount_persons"]).fillna(counted_heads["registered_persons"]).fillna(register["recorded_size_persons"])
    known = net.notna() & heads.notna() & (heads > 0).fillna(False)
    frame = register[["household_id", "township_code", "village_code", "attribute", "cause", "poverty_status"]].assign(
        heads=heads, size_persons=size, net_fen=net, known=known.astype(bool),
        **{column: income[column] for column in ("wage_fen", "business_net_fen", "property_fen", "transfer_fen")},
    )
    ends = np.array(list(SIZES.values()))
    frame["size"] = [pd.NA if pd.isna(one) else list(SIZES)[int(np.searchsorted(ends, int(one)))] for one in size]
    return frame.assign(**{kind: frame[kind].astype("string").fillna("unknown") for kind in ("attribute", "cause", "poverty_status", "size")})


def areas_of(frame: pd.DataFrame, rules: Rules) -> Iterator[Area]:
    """County and townships of a register (县和各乡镇), those of the rules without a household too."""
    yield Area("county", str(rules.value("area.county")["code"]), frame)
    townships = {rule.key.removeprefix("township.") for rule in rules.under("township.")} | set(frame["township_code"].dropna())
    places = dict(tuple(frame.groupby("township_code")))
    for code in sorted(townships):
        yield Area("township", code, places.get(code, frame.iloc[:0]))


def make_bounds(registers: Registers, rules: Rules, *, line_year: Mapping[str, int], poor_sign: str = "<") -> pd.DataFrame:
    """Each indicator of county and townships with the lowest and highest value that it may have (指标上下限): table ``indicator_bounds``.

    Shares and gaps: nobody with unknown income below the line, or all with nothing; no further assumption. Mean, quantiles and Gini: their income per person
    lies between 0 and the highest known one of the county in the period (a stated assumption, column ``basis``); the Gini's highest value is over all ways of
    splitting their persons between both ends, which may be slightly more than whole households allow. Unknown persons: null, ``headcount_unknown``.
    Rules: area.county, township.*, line.*.
    """
    rows = []
    for period, frame in registers.items():
        line = rules.line_fen(line_year[period]) if period in ANNUAL_PERIODS else None
        highest = highest_known(frame)
        for area in areas_of(frame, rules):
            found = _area_bounds(area, highest, line, period, poor_sign)
            rows += [{"level": area.level, "area_code": area.code, "period": period, "indicator": name, **one, **area.counts} for name, one in found.items()]
    return conform(pd.DataFrame(rows), "indicator_bounds")


def _area_bounds(area: Area, highest: float, line: int | None, period: str, poor_sign: str) -> dict[str, dict[str, Any]]:
    heads, net = (area.known[name].to_numpy(dtype="int64") for name in ("heads", "net_fen"))
    missing = area.counts["unknown_persons"]
    mass = None if pd.isna(missing) else int(missing)
    found: dict[str, dict[str, Any]] = {}
    if period in ANNUAL_PERIODS:
        measures = {
            "headcount_ratio": poverty.headcount_ratio(heads, net, heads, line, poor_sign),
            "poverty_gap_index": poverty.poverty_gap_index(heads, net, heads, line),
            "squared_poverty_gap_index": poverty.squared_poverty_gap_index(heads, net, heads, line),
        }
        measures = measures if len(heads) else dict.fromkeys(measures, Measure(None, area.reason))
        for name, one in measures.items():
            total = int(heads.sum()) + (mass or 0)
            part = None if one.value is None else one.value * int(heads.sum())
            ends = (None, None) if part is None or mass is None else (part / total, (part + mass) / total)
            found[name] = _row(one, _GAPS[name], ends, "line", area, mass)
        share = measures["headcount_ratio"]
        below = Measure(None, share.reason_code) if share.value is None else Measure(float(round(share.value * int(heads.sum()))))
        ends = (None, None) if below.value is None or mass is None else (below.value, below.value + mass)
        found["persons_below"] = _row(below, "人", ends, "line", area, mass)
    levels = [_levels(*one) for one in ((heads, net), with_unknown(heads, net, mass, 0.0), with_unknown(heads, net, mass, highest))] if len(heads) else []
    for place, name in enumerate(("mean", *_QUANTILES)):
        yuan = [one[place] for one in levels] or [None] * 3
        shown = Measure(yuan[0], None if levels else area.reason)
        found[f"{name}_percapita_yuan"] = _row(shown, "元", (yuan[1], yuan[2]) if mass is not None else (None, None), "range", area, mass)
    gini = inequality.gini(heads, net, heads) if len(heads) else Measure(None, area.reason)
    ends = (gini.value, gini.value) if mass == 0 else (None, None)
    if gini.value is not None and mass:
        ends = gini_range(heads, net / heads, mass, highest)
    found["gini"] = _row(gini, "指数", ends, "range", area, mass)
    return found


def _levels(heads: np.ndarray, net: np.ndarray) -> list[float]:
    """Mean and quantiles in yuan per person."""
    measures = [inequality.mean(heads, net, heads), *inequality.quantiles(heads, net, heads, tuple(_QUANTILES.values()))]
    return [one.value / 100 for one in measures]


def _row(one: Measure, unit: str, ends: tuple[float | None, float | None], basis: str, area: Area, mass: int | None) -> dict[str, Any]:
    """One line of the table; a value without bounds says why."""
    reason = one.reason_code or ("headcount_unknown" if mass is None and area.reason == "" else None)
    low, high = ends if one.value is not None else (None, None)
    if low is not None and low > high:
        low, high = high, low
    return {
        "value": one.value, "unit": unit, "sampling_error": None if one.value is None else 0.0, "low": low, "high": high,
        "basis": "none" if mass == 0 else basis, "reason_code": reason,
    }


def highest_known(frame: pd.DataFrame) -> float:
    """Highest known income per person of a register, fen (已知最高人均)."""
    known = frame[frame["known"]]
    return float((known["net_fen"].astype(float) / known["heads"].astype(float)).max()) if len(known) else np.nan


def with_unknown(heads: np.ndarray, net: np.ndarray, mass: int | None, percapita_fen: float) -> tuple[np.ndarray, np.ndarray]:
    """Known households and one more that holds all persons of unknown income, at one income per person (补入未知人口)."""
    if not mass or not np.isfinite(percapita_fen):
        return heads, net
    return np.append(heads, mass), np.append(net, ceil(percapita_fen * mass))


def gini_range(heads: np.ndarray, percapita: np.ndarray, mass: int, highest: float) -> tuple[float | None, float | None]:
    """Lowest and highest Gini where ``mass`` more persons have any incomes between 0 and ``highest`` (基尼系数的可能范围).

    The Gini is a convex sum of differences over a mean, so it is lowest where they all have one income, at 0, ``highest`` or a known income (between those
    it is a ratio of straight lines), and highest where each stands at an end. Unknown where some mean among these is 0 or less.
    """
    order = np.argsort(percapita, kind="stable")
    y, w = percapita[order], heads[order].astype(float)
    size, money = w.sum(), w @ y
    pairs = 2 * size**2 * mean_differences(y, w)[0]
    reached, earned = np.concatenate([[0.0], np.cumsum(w)]), np.concatenate([[0.0], np.cumsum(w * y)])

    def distance(at: np.ndarray) -> np.ndarray:
        place = np.searchsorted(y, at, side="right")
        return at * (2 * reached[place] - size) + money - 2 * earned[place]

    total = size + mass
    same = np.unique(np.concatenate([[0.0, highest], y[(y > 0) & (y < highest)]]))
    split = np.arange(mass + 1, dtype=float)
    low_mean, high_mean = (money + mass * same) / total, (money + split * highest) / total
    if min(low_mean.min(), high_mean.min()) <= 0:
        return None, None
    low = (pairs + 2 * mass * distance(same)) / (2 * total**2 * low_mean)
    ends = distance(np.array([0.0, highest]))
    high = (pairs + 2 * split * ends[1] + 2 * (mass - split) * ends[0] + 2 * split * (mass - split) * highest) / (2 * total**2 * high_mean)
    return float(low.min()), float(high.max())
