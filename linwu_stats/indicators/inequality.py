"""Centre, spread and inequality of per-capita income in a group (收入水平与差距指标).

All functions take one number per household, weights first: ``weights`` (persons that the row stands for), ``net_fen`` (net income of the household,
which may be negative), ``headcount_persons``; unknown rows are left out. Each person of a household has the household's per-capita income, so a
household of n persons counts as n equal persons. Amounts come back in fen per person, not rounded.

Households are ordered by ``net_fen / headcount_persons``. Equal fractions give equal floats, and two different fractions of households of up to 100
persons lie at least 0.0001 fen apart, so the order is exact for incomes below 10 million yuan per person.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from linwu_stats.indicators.measure import Measure, Observed, observe

__all__ = ["gini", "mean", "median", "quantiles", "quintile_share_ratio", "theil"]


def mean(weights: Any, net_fen: Any, headcount_persons: Any) -> Measure:
    """Mean per-capita net income of persons (人均纯收入), fen: sum of incomes over sum of persons, not the mean of household means.

    Null ``empty_group`` or ``all_unknown`` without a known row.
    """
    seen = observe(weights, headcount_persons, net_fen)
    if seen.reason_code:
        return Measure(None, seen.reason_code)
    return Measure(float(_incomes(seen).sum() / seen.weights.sum()))


def median(weights: Any, net_fen: Any, headcount_persons: Any) -> Measure:
    """Per-capita net income of the middle person (人均纯收入中位数), fen; see :func:`quantiles`."""
    return quantiles(weights, net_fen, headcount_persons, (Fraction(1, 2),))[0]


def quantiles(weights: Any, net_fen: Any, headcount_persons: Any, shares: Sequence[Fraction]) -> list[Measure]:
    """Per-capita net incomes below which a share of the persons lies (人均纯收入分位数), fen, one for each of ``shares``.

    The smallest income that at least ``share`` of the persons do not exceed; where exactly ``share`` of the persons do not exceed it, the mean of it and
    the next higher one. With whole weights "exactly" is decided in integers; ``shares`` are fractions (``Fraction(1, 10)``) for the same reason.
    Null as :func:`mean`. Source: Working Group EU-SILC (2004), EU-SILC 131-rev/04, Eurostat.
    """
    if any(not 0 < share < 1 for share in shares):
        raise ValueError(f"quantile shares lie between 0 and 1, not {[str(share) for share in shares]} (分位点应在0与1之间)")
    seen = observe(weights, headcount_persons, net_fen)
    if seen.reason_code:
        return [Measure(None, seen.reason_code) for _ in shares]
    incomes, mass = _ordered(seen)
    reached = np.cumsum(mass)
    found = []
    for share in map(Fraction, shares):
        wanted = share.numerator * reached[-1]
        place = min(int(np.searchsorted(reached * share.denominator, wanted)), len(incomes) - 1)
        exactly = reached[place] * share.denominator == wanted and place + 1 < len(incomes)
        found.append(Measure(float((incomes[place] + incomes[place + 1]) / 2 if exactly else incomes[place])))
    return found


def gini(weights: Any, net_fen: Any, headcount_persons: Any) -> Measure:
    """Gini coefficient of per-capita income over persons (基尼系数), 0 to 1.

    Mean absolute difference of all pairs of persons over twice the mean, of the whole group (no factor n/(n-1)). Negative incomes are kept, as a loss
    is part of the spread: with many of them the coefficient can pass 1. Null ``mean_not_positive`` where the mean is 0 or below,
    ``single_household`` for one household, else as :func:`mean`. Source: Gini (1912); as the integral of F(1-F) over the mean, Yitzhaki (1998).
    """
    seen = observe(weights, headcount_persons, net_fen)
    if reason := _no_spread(seen):
        return Measure(None, reason)
    incomes, mass = _ordered(seen)
    below = np.cumsum(mass)[:-1] / mass.sum()
    return Measure(float((below * (1 - below) * np.diff(incomes)).sum() / (_incomes(seen).sum() / mass.sum())))


def theil(weights: Any, net_fen: Any, headcount_persons: Any) -> Measure:
    """Theil index T of per-capita income over persons (泰尔指数), 0 to ln of the persons.

    Mean of (y/m) ln(y/m), m the mean. An income of 0 counts with 0, the limit of x ln x; a negative one has no logarithm: null, ``negative_income``.
    Otherwise null as :func:`gini`. Source: Theil (1967), Economics and Information Theory, chapter 4.
    """
    seen = observe(weights, headcount_persons, net_fen)
    if reason := _no_spread(seen):
        return Measure(None, reason)
    if (seen.amounts_fen[0] < 0).any():
        return Measure(None, "negative_income")
    ratios = seen.percapita_fen / (_incomes(seen).sum() / seen.weights.sum())
    terms = ratios * np.log(np.where(ratios > 0, ratios, 1.0))
    # By Jensen's inequality the sum is never negative; only the last bits of equal incomes are.
    return Measure(max(0.0, float((seen.weights * terms).sum() / seen.weights.sum())))


def quintile_share_ratio(weights: Any, net_fen: Any, headcount_persons: Any) -> Measure:
    """Income of the richest fifth of persons over that of the poorest fifth (收入五等份比), 1 and above.

    A household on the border of a fifth is split between both sides, so each fifth holds exactly 20 % of the persons. (Eurostat's S80/S20 takes whole
    persons at the quintile: the same in a large group, without value in a small one with ties.) Null ``bottom_not_positive`` where the poorest fifth has 0 or
    less, otherwise as :func:`gini`. Source: EU-SILC 131-rev/04, Eurostat, S80/S20.
    """
    seen = observe(weights, headcount_persons, net_fen)
    if reason := _no_spread(seen):
        return Measure(None, reason)
    incomes, mass = _ordered(seen)
    bottom, top = _first_fifth(incomes, mass), _first_fifth(incomes[::-1], mass[::-1])
    return Measure(top / bottom) if bottom > 0 else Measure(None, "bottom_not_positive")


def _incomes(seen: Observed) -> np.ndarray:
    """Income of the persons that each row stands for; whole fen where the weight is the head count."""
    return seen.weights * seen.amounts_fen[0] / seen.headcount_persons


def _ordered(seen: Observed) -> tuple[np.ndarray, np.ndarray]:
    incomes = seen.percapita_fen
    order = np.argsort(incomes, kind="stable")
    return incomes[order], seen.weights[order]


def _no_spread(seen: Observed) -> str | None:
    if seen.reason_code:
        return seen.reason_code
    if len(seen.weights) == 1:
        return "single_household"
    return None if _incomes(seen).sum() > 0 else "mean_not_positive"


def _first_fifth(incomes: np.ndarray, mass: np.ndarray) -> float:
    reached = np.concatenate(([0], np.cumsum(mass)))
    held = np.concatenate(([0.0], np.cumsum(mass * incomes)))
    return float(np.interp(reached[-1] / 5, reached, held))
