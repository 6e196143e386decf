"""Multidimensional poverty of Alkire and Foster (多维贫困指数): how many lack several guarantees at once, and how many each of them lacks.

A person is poor where the weights of the indicators in which he is deprived reach the cutoff k. H is the share of the poor, A the mean share of the weights
in which the poor are deprived, M0 = H A. Weights and cutoff are compared as exact fractions, so that a person who stands exactly on k is poor.

An unknown deprivation is never "not deprived": it is refused, or the person is left out and counted, or both ends of what it may be are given.

Sources: Alkire and Foster (2011), Journal of Public Economics 95, 476-487; Alkire et al. (2015), Multidimensional Poverty Measurement and Analysis, ch. 5, 8.
R: ``mpitbR::mpitb.est`` (intervals: logit, as ``survey::svyciprop``); Stata: ``mpitb``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations
from math import lcm
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.indicators.decompose.parts import Decomposition, estimates, groups_of, incomes, passed_on
from linwu_stats.survey import Design, DesignError, Estimate
from linwu_stats.survey.columns import as_numbers

__all__ = ["alkire_foster", "by_group", "deprivations_of", "nested_weights"]

#: Outcomes of the exit tests that are a deprivation, and that are none; every other one is unknown.
DEPRIVED, NOT_DEPRIVED = ("not_met",), ("met", "already_reached")
#: A denominator no rule writes: shares such as 0.3333 stay what they are, 1/3 of a float becomes 1/3.
FINEST = 10_000


def alkire_foster(
    d: Design, deprivations: Mapping[str, Any] | Sequence[str], weights: Mapping[str, Any], k: Any, *, dimensions: Mapping[str, str] | None = None,
    headcount: Any = None, unknown: str = "refuse", level: float = 0.95,
) -> Decomposition:
    """H, A, M0 and what each indicator contributes (多维贫困发生率、强度与指数).

    ``deprivations``: columns of 1 and 0 (True and False), by indicator; ``weights``: of each indicator, adding up to 1 ("1/12", Fraction or number); ``k``: the
    cutoff, above 0 and at most 1; ``dimensions``: dimension of each indicator. ``headcount``: persons of each row.

    Parts: ("whole", "H" | "A" | "M0"); of each indicator "uncensored" (share of persons deprived), "censored" (share poor and deprived), "contribution" (weight
    times censored; they add up to M0) and "contribution_share" (they add up to 1); of each dimension "dimension_share". A and shares are NaN, ``nobody_poor``,
    where nobody is poor. ``unknown``: "refuse", "domain" (a person with any unknown indicator is left out and counted) or "bounds": then every quantity comes
    twice, ``_low`` and ``_high``, over all ways in which the unknown ones may be; the ends of shares need not be reached together.

    Standard errors are linearised; intervals logit, Korn-Graubard where a share is rare.
    """
    names, exact, scale, cutoff = _weights(deprivations, weights, k)
    seen, given = _read(d, deprivations, names, headcount, unknown)
    ways = ("_low", "_high") if unknown == "bounds" else ("",)
    parts: dict[tuple[str, str], Estimate] = {}
    reasons: dict[tuple[str, str], str] = {}
    for way in ways:
        filled = np.where(np.isnan(given), 1.0 if way == "_high" else 0.0, given)
        found, why = _measures(seen, filled, names, exact, scale, cutoff, dimensions or {}, level)
        parts |= {(name, quantity + way): one for (name, quantity), one in found.items()}
        reasons |= {(name, quantity + way): one for (name, quantity), one in why.items()}
    if unknown == "bounds":
        _bound_intensity(parts, reasons, seen, given, exact, scale, cutoff, level)
        _bound_shares(parts, names, dimensions or {})
    return Decomposition("Alkire-Foster", parts, "linearised", reasons)


def by_group(
    d: Design, group: Any, deprivations: Mapping[str, Any] | Sequence[str], weights: Mapping[str, Any], k: Any, *, headcount: Any = None,
    unknown: str = "refuse", level: float = 0.95,
) -> Decomposition:
    """M0 by subgroup (多维贫困按人群分解): of each group H, A, M0, ``persons_share`` and ``contribution_share`` (its part in M0 of all; they add up to 1)."""
    names, exact, scale, cutoff = _weights(deprivations, weights, k)
    if unknown == "bounds":
        raise DesignError("by_group (按人群分解): unknown='bounds' is not offered here: ask alkire_foster for each domain")
    seen, given = _read(d, deprivations, names, headcount, unknown)
    groups, codes = groups_of(seen.design, group)
    score = given @ exact
    poor = (score >= cutoff).astype(float)
    inside = (codes[:, None] == np.arange(len(groups))) * seen.heads[:, None]
    columns = np.concatenate([inside, inside * poor[:, None], inside * (poor * score / scale)[:, None]], axis=1)
    count = len(groups)

    def split(totals: np.ndarray) -> np.ndarray:
        persons, many, depth = totals[:count], totals[count : 2 * count], totals[2 * count :]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.concatenate([many / persons, depth / np.where(many.real > 0, many, np.nan), depth / persons, persons / persons.sum(), depth / depth.sum(),
                                   [depth.sum() / persons.sum()]])

    values, scores = passed_on(split, seen.design.weights @ columns, None if seen.complete else columns)
    keys = [(name, quantity) for quantity in ("H", "A", "M0", "persons_share", "contribution_share") for name in groups] + [("whole", "M0")]
    found = estimates(seen.design, keys, values, scores, method="Alkire-Foster linearised", unknown=seen.missing, level=level)
    reasons = {key: "nobody_poor" for key, value in zip(keys, values, strict=True) if not np.isfinite(value)}
    return Decomposition("Alkire-Foster by group", {key: _suited(one, level) for key, one in found.items()}, "linearised", reasons)


def deprivations_of(outcomes: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Outcomes of exit tests as deprivations (退出检验结果转为缺失状况): 1 not met, 0 met, unknown for everything that is not decided."""
    found = {}
    for name in columns:
        one = pd.Series(pd.NA, index=outcomes.index, dtype="Float64")
        found[name] = one.mask(outcomes[name].isin(DEPRIVED), 1.0).mask(outcomes[name].isin(NOT_DEPRIVED), 0.0)
    return pd.DataFrame(found)


def nested_weights(dimensions: Mapping[str, Sequence[str]]) -> dict[str, Fraction]:
    """Equal weights of dimensions, and of the indicators within each (等权): exact fractions."""
    share = Fraction(1, len(dimensions))
    return {name: share / len(names) for names in dimensions.values() for name in names}


def _weights(deprivations: Mapping[str, Any] | Sequence[str], weights: Mapping[str, Any], k: Any) -> tuple[list[str], np.ndarray, int, int]:
    """Names, weights and cutoff as whole numbers over one denominator."""
    names = list(deprivations)
    if set(names) != set(weights) or not names:
        raise DesignError(f"weights (权重) are given for {sorted(weights)}, deprivations (指标) for {sorted(names)}: one weight for each indicator")
    exact = [_fraction(weights[name]) for name in names]
    cutoff = _fraction(k)
    if min(exact) <= 0 or sum(exact) != 1:
        raise DesignError(f"weights (权重) must be above 0 and add up to 1, they add up to {sum(exact)}: write thirds as '1/3'")
    if not 0 < cutoff <= 1:
        raise DesignError(f"k (贫困临界值) must be above 0 and at most 1, not {k!r}: write 1/3, not 33")
    scale = lcm(*(one.denominator for one in (*exact, cutoff)))
    return names, np.array([int(one * scale) for one in exact], dtype=float), scale, int(cutoff * scale)


def _fraction(value: Any) -> Fraction:
    return Fraction(value).limit_denominator(FINEST) if isinstance(value, float) else Fraction(value)


def _read(d: Design, deprivations: Mapping[str, Any] | Sequence[str], names: list[str], headcount: Any, unknown: str) -> tuple[Any, np.ndarray]:
    """Persons in the design, and their deprivations, NaN where unknown (only with "bounds")."""
    if unknown not in ("refuse", "domain", "bounds"):
        raise DesignError(f"unknown={unknown!r} (未知值处理) is not known: 'refuse', 'domain' or 'bounds'")
    columns = dict(deprivations) if isinstance(deprivations, Mapping) else {name: name for name in names}
    given = np.column_stack([as_numbers(d.frame, columns[name], name) for name in names])
    inside = np.ones(len(d), dtype=bool) if d.active is None else d.active
    strange = inside & ~np.isin(np.nan_to_num(given), (0.0, 1.0)).all(axis=1)
    if strange.any():
        raise DesignError(f"deprivations (缺失状况) hold values other than 1, 0 and unknown, the first in row {int(np.argmax(strange))}")
    ones = np.where(np.isnan(given).any(axis=1) & (unknown != "bounds"), np.nan, 1.0)
    if unknown == "refuse" and (np.isnan(ones) & inside).any():
        raise DesignError(
            f"deprivations (缺失状况) are unknown for {int((np.isnan(ones) & inside).sum())} rows, the first is row {int(np.argmax(np.isnan(ones) & inside))}: "
            "unknown is not 'not deprived'; state unknown='domain' (leave them out, counted) or 'bounds'"
        )
    heads = 1.0 if headcount is None else as_numbers(d.frame, headcount, "人口")
    seen, _ = incomes(d, ones * heads, headcount=headcount, unknown="refuse" if unknown == "refuse" else "domain")
    if unknown == "bounds":
        return seen, np.where(seen.design.used[:, None], given, 0.0)
    return seen, np.nan_to_num(given)


def _measures(
    seen: Any, filled: np.ndarray, names: list[str], exact: np.ndarray, scale: int, cutoff: int, dimensions: Mapping[str, str], level: float
) -> tuple[dict[tuple[str, str], Estimate], dict[tuple[str, str], str]]:
    score = filled @ exact
    poor = (score >= cutoff).astype(float)
    heads, count, share = seen.heads, len(names), exact / scale
    columns = np.column_stack([heads, heads * poor, heads * poor * score / scale, heads[:, None] * filled, (heads * poor)[:, None] * filled])
    groups = list(dict.fromkeys(dimensions.get(name, name) for name in names))
    member = np.array([[dimensions.get(name, name) == group for name in names] for group in groups], dtype=float)

    def split(totals: np.ndarray) -> np.ndarray:
        persons, many, depth, deprived, censored = totals[0], totals[1], totals[2], totals[3 : 3 + count], totals[3 + count :]
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = share * censored / (depth if depth.real > 0 else np.nan)
            intensity = depth / (many if many.real > 0 else np.nan)
            return np.concatenate([[many / persons, intensity, depth / persons], deprived / persons, censored / persons, share * censored / persons, shares,
                                   member @ shares])

    values, scores = passed_on(split, seen.design.weights @ columns, None if seen.complete else columns)
    keys = [("whole", one) for one in ("H", "A", "M0")]
    keys += [(name, quantity) for quantity in ("uncensored", "censored", "contribution", "contribution_share") for name in names]
    keys += [(name, "dimension_share") for name in groups]
    found = estimates(seen.design, keys, values, scores, method="Alkire-Foster linearised", unknown=seen.missing, level=level)
    reason = "nobody_poor" if seen.persons > 0 else "empty_group"
    return {key: _suited(one, level) for key, one in found.items()}, {
        key: reason for key, value in zip(keys, values, strict=True) if not np.isfinite(value)
    }


def _suited(one: Estimate, level: float) -> Estimate:
    """A share's interval: logit, or Korn and Graubard's where fewer than ten effective cases were seen."""
    if one.is_complete or not np.isfinite(one.se) or not 0 <= one.value <= 1:
        return one
    rare = one.se <= 0 or not 0 < one.value < 1 or one.value * (1 - one.value) / one.variance * min(one.value, 1 - one.value) < 10
    return one.with_interval("korn_graubard" if rare else "logit", level)


def _bound_intensity(
    parts: dict[tuple[str, str], Estimate], reasons: dict[tuple[str, str], str], seen: Any, given: np.ndarray, exact: np.ndarray, scale: int, cutoff: int,
    level: float,
) -> None:
    """A is a ratio, so its ends are not those of H: each unknown person is poor or not, and as deprived, as makes A lowest or highest (Dinkelbach 1967)."""
    least, most, entering = _attainable(given, exact, cutoff)
    forced, may = least >= cutoff, (most >= cutoff) & (least < cutoff)
    w = seen.weights
    for way in ("_low", "_high"):
        depth = np.where(forced, least if way == "_low" else most, entering if way == "_low" else most)
        chosen = forced | may
        value, before = np.inf, np.nan
        while (w @ chosen) > 0 and value != before:
            before, value = value, float(w @ (chosen * depth) / (w @ chosen))
            chosen = forced | (may & ((depth <= value) if way == "_low" else (depth >= value)))
        if not (w @ chosen) > 0:
            continue
        scores = chosen * (depth - value) / (w @ chosen) / scale * seen.heads
        key = ("whole", f"A{way}")
        found = estimates(seen.design, [key], [value / scale], scores[:, None], method="Alkire-Foster linearised", unknown=seen.missing, level=level)
        parts[key] = _suited(found[key], level)
        reasons.pop(key, None)


def _attainable(given: np.ndarray, exact: np.ndarray, cutoff: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest score of each row, and the lowest one at or above the cutoff, over all ways in which its unknown indicators may be."""
    patterns, place = np.unique(np.nan_to_num(given, nan=-1.0), axis=0, return_inverse=True)
    least, most, entering = [], [], []
    for row in patterns:
        known = float((row == 1) @ exact)
        free = [float(one) for one in exact[row == -1]]
        sums = [known + sum(chosen) for size in range(len(free) + 1) for chosen in combinations(free, size)]
        least.append(known)
        most.append(max(sums))
        entering.append(min((one for one in sums if one >= cutoff), default=0.0))
    return np.array(least)[place.ravel()], np.array(most)[place.ravel()], np.array(entering)[place.ravel()]


def _bound_shares(
    parts: dict[tuple[str, str], Estimate], names: list[str], dimensions: Mapping[str, str]
) -> None:
    """Ends of the shares from the ends of the contributions: the share is lowest where its own is lowest and all others are highest."""
    ends = {name: (parts[name, "contribution_low"].value, parts[name, "contribution_high"].value) for name in names}
    blocks = {(name, "contribution_share"): [name] for name in names}
    for name in names:
        blocks.setdefault((dimensions.get(name, name), "dimension_share"), []).append(name)
    for (name, quantity), own in blocks.items():
        others = [one for one in names if one not in own]
        for way, mine, theirs in (("_low", 0, 1), ("_high", 1, 0)):
            above, rest = sum(ends[one][mine] for one in own), sum(ends[one][theirs] for one in others)
            if above + rest > 0:
                value = above / (above + rest)
            else:  # at this end nobody is poor: if anybody is, the whole lies with the side that can contribute at all
                value = np.nan if sum(ends[one][1] for one in names) == 0 else float(way == "_low")
            base = parts[name, quantity + way]
            parts[name, quantity + way] = replace(base, value=value, se=0.0 if base.is_complete else np.nan, low=value if base.is_complete else np.nan,
                                                  high=value if base.is_complete else np.nan, method="outer bound from the ends of the contributions")
