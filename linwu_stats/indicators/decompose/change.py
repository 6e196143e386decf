"""A change of poverty between two dates (贫困变动的分解): growth, redistribution and line; and by sector.

Two designs are two independent samples or registers; the same design object given twice, with two income columns, is a panel, and its covariance counts.

Sources: Datt and Ravallion (1992), Journal of Development Economics 38, 275-295; Shorrocks (2013), Journal of Economic Inequality 11; Ravallion and Huppi
(1991), World Bank Economic Review 5, 57-82; kernel density as in Osier (2009), Survey Research Methods 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from linwu_stats.indicators.decompose.parts import Decomposition, Incomes, groups_of, incomes, passed_on, undefined
from linwu_stats.indicators.decompose.shapley import shapley
from linwu_stats.survey import Design, DesignError, Estimate
from linwu_stats.survey.intervals import critical

__all__ = ["change_by_sector", "growth_redistribution"]

_FACTORS = ("growth", "redistribution", "line")


def growth_redistribution(
    before: Design, now: Design, income: Any, line: float | tuple[float, float], *, alpha: float = 0, base: str = "before", method: str = "datt_ravallion",
    income_now: Any = None, headcount: Any = None, headcount_now: Any = None, sign: str = "<", unknown: str = "refuse", level: float = 0.95,
) -> Decomposition:
    """Change of FGT(alpha) by growth of the mean and by redistribution around it (增长与分配分解).

    ``line``: one line in the prices of both dates, or (before, now) where the line itself moved: then ``line`` is a third factor. ``income_now`` and
    ``headcount_now`` are the columns of ``now`` where they differ. ``method`` "datt_ravallion": each factor alone moved from the ``base`` ("before": the
    mean moves on the old Lorenz curve; "now": backwards from the new one), with the rest in ``residual``; "shapley": no residual, and no base.

    Parts, quantity ``index``: ``before``, ``now``, ``change``, ``growth``, ``redistribution``, ``line``, ``residual``; they add up exactly. Incomes below 0
    count as 0 in the gaps but whole in the means. A mean of 0 or less, a date without rows: NaN with the reason. Standard errors are linearised; the headcount
    (alpha 0) moves with the mean through the density at the line, estimated by a Gaussian kernel.
    """
    if base not in ("before", "now") or method not in ("datt_ravallion", "shapley"):
        raise DesignError(f"base={base!r}, method={method!r}: base is 'before' or 'now', method 'datt_ravallion' or 'shapley' (分解方法)")
    lines = (float(line), float(line)) if np.isscalar(line) else tuple(map(float, line))
    old, _ = incomes(before, income, headcount=headcount, unknown=unknown)
    new, _ = incomes(now, income if income_now is None else income_now, headcount=headcount if headcount_now is None else headcount_now, unknown=unknown)
    names = ["before", "now", "change", *_FACTORS, "residual"]
    words = f"{method} FGT({alpha:g}) linearised{', density at the line' if alpha == 0 else ''}"
    keys = [(name, "index") for name in names]
    reason = _no_change(old, new)
    if reason:
        missing = old.missing + new.missing
        nothing = {key: undefined(new.design, words, missing, level) for key in keys}
        return Decomposition("growth and redistribution", nothing, words, dict.fromkeys(keys, reason))
    states = {
        frozenset(chosen): _state(old, new, lines, chosen, alpha, sign)
        for size in range(len(_FACTORS) + 1) for chosen in combinations(_FACTORS, size)
    }
    first, last = states[frozenset()], states[frozenset(_FACTORS)]
    if method == "shapley":
        moved = shapley(lambda chosen: states[chosen], _FACTORS)
    else:
        full = frozenset(_FACTORS)
        moved = {one: states[frozenset([one])] - first if base == "before" else last - states[full - {one}] for one in _FACTORS}
    change = last - first
    rest = change - sum(moved.values()) if method == "datt_ravallion" else change * 0.0
    vectors = [first, last, change, *(moved[one] for one in _FACTORS), rest]
    parts = {key: _two(old, new, vector, words, level) for key, vector in zip(keys, vectors, strict=True)}
    return Decomposition("growth and redistribution", parts, words, {})


def change_by_sector(
    before: Design, now: Design, income: Any, line: float | tuple[float, float], group: Any, *, alpha: float = 0, income_now: Any = None,
    group_now: Any = None, headcount: Any = None, headcount_now: Any = None, sign: str = "<", unknown: str = "refuse", level: float = 0.95,
) -> Decomposition:
    """Change of FGT(alpha) within sectors, by shifts of people between them, and by both together (Ravallion-Huppi 部门分解).

    Parts of each group, quantities ``intra`` (old share times change of the group's index), ``shift`` (change of its share times its old index) and
    ``interaction``; of ``whole`` their sums, ``before``, ``now`` and ``change``. A group that is missing at one date has an index of 0 there, so that its
    coming or going is a shift. Standard errors are linearised.
    """
    lines = (float(line), float(line)) if np.isscalar(line) else tuple(map(float, line))
    old, _ = incomes(before, income, headcount=headcount, unknown=unknown)
    new, _ = incomes(now, income if income_now is None else income_now, headcount=headcount if headcount_now is None else headcount_now, unknown=unknown)
    old_names, old_codes = groups_of(old.design, group)
    new_names, new_codes = groups_of(new.design, group if group_now is None else group_now)
    names = sorted(set(old_names) | set(new_names))
    words = f"Ravallion-Huppi FGT({alpha:g}) linearised"
    quantities = ("intra", "shift", "interaction")
    keys = [("whole", one) for one in ("before", "now", "change", *quantities)] + [(name, one) for one in quantities for name in names]
    if not (old.persons > 0 and new.persons > 0):
        missing = old.missing + new.missing
        found = {key: undefined(new.design, words, missing, level) for key in keys}
        return Decomposition("change by sector", found, words, dict.fromkeys(keys, "empty_group"))
    totals, columns = [], []
    for seen, own, codes, at in ((old, old_names, old_codes, lines[0]), (new, new_names, new_codes, lines[1])):
        place = np.array([names.index(name) for name in own])
        inside = (place[np.maximum(codes, 0)][:, None] == np.arange(len(names))) * seen.heads[:, None]
        block = np.concatenate([inside, inside * seen.gaps(at, alpha, sign)[:, None]], axis=1)
        columns.append(block)
        totals.append(seen.design.weights @ block)
    size, parts = 2 * len(names), len(names)

    def split(known: np.ndarray) -> np.ndarray:
        shares, indices = [], []
        for persons, poor in ((known[:parts], known[parts:size]), (known[size : size + parts], known[size + parts :])):
            shares.append(persons / persons.sum())
            indices.append(poor / np.where(persons.real > 0, persons, 1.0))
        intra = shares[0] * (indices[1] - indices[0])
        shift = (shares[1] - shares[0]) * indices[0]
        both = (shares[1] - shares[0]) * (indices[1] - indices[0])
        first, last = ((share * index).sum() for share, index in zip(shares, indices, strict=True))
        return np.concatenate([[first, last, last - first, intra.sum(), shift.sum(), both.sum()], intra, shift, both])

    statistics = np.concatenate(totals)
    values, slopes = passed_on(split, statistics, np.eye(len(statistics)))
    parts_of = {}
    for place, key in enumerate(keys):
        vector = _Vector(values[place], columns[0] @ slopes[:size, place], columns[1] @ slopes[size:, place])
        parts_of[key] = _two(old, new, vector, words, level)
    return Decomposition("change by sector", parts_of, words, {})


class _Vector:
    """A number with its influence values at both dates; adds and scales like a number."""

    __array_ufunc__ = None

    def __init__(self, value: float, old: np.ndarray, new: np.ndarray):
        self.value, self.old, self.new = value, old, new

    def __add__(self, other: Any) -> _Vector:
        if isinstance(other, _Vector):
            return _Vector(self.value + other.value, self.old + other.old, self.new + other.new)
        return self

    __radd__ = __add__

    def __sub__(self, other: _Vector) -> _Vector:
        return self + other * -1.0

    def __mul__(self, factor: float) -> _Vector:
        return _Vector(self.value * factor, self.old * factor, self.new * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> _Vector:
        return _Vector(self.value / divisor, self.old / divisor, self.new / divisor)


def _state(old: Incomes, new: Incomes, lines: tuple[float, float], moved: Sequence[str], alpha: float, sign: str) -> _Vector:
    """FGT with the mean, the Lorenz curve and the line of either date."""
    shape = new if "redistribution" in moved else old
    mean_of = new if "growth" in moved else old
    line = lines[1] if "line" in moved else lines[0]
    # At the own mean nothing is scaled: the comparison with the line stays that of whole amounts.
    factor = 1.0 if mean_of is shape else mean_of.mean / shape.mean
    scaled = shape if factor == 1.0 else replace(shape, values=shape.values * factor, household=shape.household * factor)
    terms = scaled.gaps(line, alpha, sign)
    persons = shape.persons
    value = float(shape.weights @ terms / persons)
    if old.complete and new.complete:
        nothing = np.zeros(1)
        return _Vector(value, nothing, nothing)
    own = (terms - value) / persons * shape.heads
    none = {id(old): np.zeros(len(old.values)), id(new): np.zeros(len(new.values))}
    none[id(shape)] = none[id(shape)] + own
    if mean_of is not shape:
        slope = _slope(scaled, line, alpha, sign)
        for seen, direction in ((mean_of, 1.0), (shape, -1.0)):
            none[id(seen)] = none[id(seen)] + direction * slope * (seen.values - seen.mean) / (seen.persons * seen.mean) * seen.heads
    return _Vector(value, none[id(old)], none[id(new)])


def _slope(seen: Incomes, line: float, alpha: float, sign: str) -> float:
    """Derivative of FGT(alpha) of incomes times c with respect to c, at 1."""
    if alpha == 0:
        return -line * _density(seen, line)
    poor = seen.poor(line, sign) & (seen.values > 0) & (seen.values < line)
    gaps = np.where(poor, (line - seen.values) / line, 1.0)
    terms = np.where(poor, -alpha * gaps ** (alpha - 1) * seen.values / line, 0.0)
    return float(seen.weights @ terms / seen.persons)


def _density(seen: Incomes, at: float) -> float:
    """Density of incomes at a point by a Gaussian kernel, bandwidth sd * N**-0.2 with N the weighted persons (the one of Osier's programs)."""
    spread = np.sqrt(seen.weights @ (seen.values - seen.mean) ** 2 / seen.persons)
    width = spread * seen.persons**-0.2
    if not width > 0:
        return 0.0
    return float(seen.weights @ np.exp(-0.5 * ((at - seen.values) / width) ** 2) / (np.sqrt(2 * np.pi) * width * seen.persons))


def _two(old: Incomes, new: Incomes, vector: _Vector, method: str, level: float) -> Estimate:
    """Estimate from influence values at two dates: independent designs, or one design twice."""
    if old.complete and new.complete:
        variance, freedom, complete, n = 0.0, old.design.degrees_of_freedom + new.design.degrees_of_freedom, True, old.design.n + new.design.n
    elif old.design.frame is new.design.frame and old.design.stages is new.design.stages:
        scores = np.where(old.design.used, vector.old, 0.0) * old.design.full_weights + np.where(new.design.used, vector.new, 0.0) * new.design.full_weights
        whole = replace(old.design, active=None)
        base = np.where(whole.full_weights > 0, whole.full_weights, 1.0)
        variance = float(whole.covariance(scores / base)[0, 0])
        freedom, complete = whole.degrees_of_freedom, whole.is_complete
        n = int((old.design.used | new.design.used).sum())
    else:
        pieces = [float(seen.design.covariance(np.where(seen.design.used, one, 0.0))[0, 0]) for seen, one in ((old, vector.old), (new, vector.new))]
        variance = sum(pieces)
        complete = old.design.is_complete and new.design.is_complete
        freedom = sum(seen.design.degrees_of_freedom for seen in (old, new))
        n = old.design.n + new.design.n
        sampled = [seen.design for seen in (old, new) if not seen.design.is_complete]
        if any(one.degrees_of_freedom < 1 for one in sampled):
            variance = np.nan
    se = 0.0 if complete else float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
    half = 0.0 if complete else critical((1 - level) / 2, freedom) * se if freedom > 0 else np.nan
    words = f"{method}; {'register' if complete else 'wald'}"
    missing = old.missing + new.missing
    return Estimate(float(vector.value), se, vector.value - half, vector.value + half, n, missing, freedom, np.nan, words, level, is_complete=complete)


def _no_change(old: Incomes, new: Incomes) -> str:
    if not (old.persons > 0 and new.persons > 0):
        return "empty_group"
    return "" if old.mean > 0 and new.mean > 0 else "mean_not_positive"
