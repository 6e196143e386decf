"""Stochastic dominance, Lorenz dominance and growth incidence (随机占优、洛伦兹占优与增长发生曲线): comparisons that hold for every line, not for one.

Two distributions are two designs (independent samples or registers), two domains of one design, or one design with two income columns (a panel): where the
design is the same its covariance counts. On a register, curves are compared exactly and nothing is tested.

The test of a sample is pointwise. By the rule "min_t" (Howes 1993; Kaur, Prakasa Rao and Singh 1994) one distribution dominates where its curve lies
below at every point by more than the one-sided critical value: the null is that it does not dominate, so the size holds without correction. By "max_t"
(Bishop, Formby and Thistle 1992) it dominates where some point is significant in its favour and none against it, at the critical value of the largest of
all points (Šidák's, conservative for positively dependent points); curves that are significant in both directions cross; what is neither is not decided.

Sources: Davidson and Duclos (2000), Econometrica 68, 1435-1464; Atkinson (1987), Econometrica 55; Shorrocks (1983), Economica 50; Ravallion and Chen (2003),
Economics Letters 78, 93-99.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.indicators.decompose.parts import Incomes, incomes
from linwu_stats.survey import Design, DesignError
from linwu_stats.survey.intervals import critical

__all__ = ["RULES", "VERDICTS", "Dominance", "dominance", "growth_incidence", "lorenz_curve", "lorenz_dominance"]

RULES = ("min_t", "max_t")
#: Verdicts on the first distribution against the second.
VERDICTS: dict[str, str] = {
    "dominates": "占优(每一点都不差)", "dominated": "被占优", "crosses": "曲线相交, 互不占优", "equal": "两条曲线相同", "not_decided": "样本不能判定",
}
#: Differences of a register smaller than this part of the curves are rounding, not differences.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Dominance:
    """Verdict on two distributions at one order (占优判断): ``verdict`` of :data:`VERDICTS`, the ``rule`` and its ``critical`` value, the ``curve`` (point,
    first, second, difference, se, low, high, z) and the ``crossings``, points at which the curves change places. ``n``, ``unknown`` of both."""

    order: int | str
    verdict: str
    rule: str
    critical: float
    level: float
    curve: pd.DataFrame
    crossings: tuple[float, ...]
    n: tuple[int, int]
    unknown: tuple[int, int]


def dominance(
    first: Design, second: Design, income: Any, lines: tuple[float, float], *, order: int = 1, income_second: Any = None,
    points: int | Sequence[float] | None = None, headcount: Any = None, headcount_second: Any = None, rule: str = "min_t", level: float = 0.95,
    unknown: str = "refuse",
) -> Dominance:
    """Poverty dominance of an order over a range of lines (一定标准范围内的随机占优): less poverty in ``first`` whatever the line.

    Order 1 compares the shares at or below each line, 2 the poverty gaps (deficit curves), 3 the squared gaps. ``lines``: lowest and highest line;
    ``points``: how many lines, or the lines themselves (None: 25 for a sample; for registers every income in the range, so that nothing between two points
    is missed at orders 1 and 2). ``income_second``: the column of ``second`` where it is another one. See the module for ``rule``.
    """
    if order not in (1, 2, 3):
        raise DesignError(f"order={order!r} (占优阶数) must be 1, 2 or 3")
    one, two = _pair(first, second, income, income_second, headcount, headcount_second, unknown)
    low, high = map(float, lines)
    if not high > low:
        raise DesignError(f"lines (标准范围) must be lowest and highest, not {lines!r}")
    grid = _grid(one, two, low, high, points)
    curves = [_poverty_curve(seen, grid, order) for seen in (one, two)]
    return _judge(order, grid, one, two, *curves, rule=rule, level=level, less_is_better=True)


def lorenz_dominance(
    first: Design, second: Design, income: Any, *, generalised: bool = False, income_second: Any = None, shares: Sequence[float] | None = None,
    headcount: Any = None, headcount_second: Any = None, rule: str = "min_t", level: float = 0.95, unknown: str = "refuse",
) -> Dominance:
    """Lorenz dominance (洛伦兹占优): the first curve above the second at every share of persons; ``generalised`` compares the curves times the means.

    Generalised Lorenz dominance is second-order dominance over all incomes (Shorrocks 1983). ``shares``: 0.05 to 0.95 in steps of 0.05, with 1 if generalised.
    """
    one, two = _pair(first, second, income, income_second, headcount, headcount_second, unknown)
    grid = np.arange(1, 21 if generalised else 20) / 20 if shares is None else np.asarray(shares, dtype=float)
    curves = [_lorenz(seen, grid, generalised) for seen in (one, two)]
    kind = "generalised_lorenz" if generalised else "lorenz"
    return _judge(kind, grid, one, two, *curves, rule=rule, level=level, less_is_better=False)


def lorenz_curve(
    d: Design, income: Any, shares: Sequence[float], *, generalised: bool = False, headcount: Any = None, unknown: str = "refuse", level: float = 0.95
) -> pd.DataFrame:
    """Points of the Lorenz or generalised Lorenz curve (洛伦兹曲线): share, value, se, low, high, reason.

    A person on the border is split, so that exactly the share of persons is counted. Negative incomes are kept: the curve then begins below 0. A mean of 0 or
    less leaves the Lorenz curve without values (``mean_not_positive``), not the generalised one. R: ``convey::svylorenz``.
    """
    seen, _ = incomes(d, income, headcount=headcount, unknown=unknown)
    grid = np.asarray(shares, dtype=float)
    values, scores = _lorenz(seen, grid, generalised)
    se, freedom = _error(seen, scores)
    half = _half(se, freedom, level)
    reason = [None if np.isfinite(one) else "mean_not_positive" if seen.persons > 0 else "empty_group" for one in values]
    return pd.DataFrame({"share": grid, "value": values, "se": se, "low": values - half, "high": values + half, "reason": reason})


def growth_incidence(
    before: Design, now: Design, income: Any, *, income_now: Any = None, shares: Sequence[float] | None = None, headcount: Any = None,
    headcount_now: Any = None, prices: float = 1.0, unknown: str = "refuse", level: float = 0.95,
) -> pd.DataFrame:
    """Growth of each quantile between two dates, anonymous (增长发生曲线): share, before, now, growth, se, low, high, reason.

    The persons at a share then and now are not the same ones. ``prices``: price level of now over that of before, by which incomes of now are divided. Growth
    on a quantile of 0 or less is NaN, ``base_not_positive``. Standard errors are linearised with the density at each quantile (Gaussian kernel). The last row,
    share NaN, is the growth of the mean; ``attrs["mean_growth"]`` is the mean over the shares of those with a value.
    """
    old, new = _pair(before, now, income, income_now, headcount, headcount_now, unknown)
    if not prices > 0:
        raise DesignError(f"prices (价格水平) must be above zero, not {prices!r}")
    grid = np.arange(5, 100, 5) / 100 if shares is None else np.asarray(shares, dtype=float)
    then, then_scores = _quantiles(old, grid)
    today, today_scores = _quantiles(new, grid)
    means = [np.append(values, seen.mean) for values, seen in ((then, old), (today / prices, new))]
    means[1][-1] /= prices
    then_scores = np.column_stack([then_scores, (old.values - old.mean) / old.persons * old.heads])
    today_scores = np.column_stack([today_scores, (new.values - new.mean) / new.persons * new.heads]) / prices
    base = np.where(means[0] > 0, means[0], np.nan)
    growth = means[1] / base - 1
    slope = np.nan_to_num(growth + 1) / np.where(means[0] > 0, means[0], 1.0)
    variance, freedom = _two_errors(old, new, then_scores * -slope, today_scores / np.where(means[0] > 0, means[0], 1.0))
    se = np.where(np.isfinite(growth), np.sqrt(variance), np.nan)
    half = _half(se, freedom, level)
    reason = [None if np.isfinite(one) else "base_not_positive" if old.persons > 0 and new.persons > 0 else "empty_group" for one in growth]
    table = pd.DataFrame({
        "share": np.append(grid, np.nan), "before": means[0], "now": means[1], "growth": growth, "se": se, "low": growth - half, "high": growth + half,
        "reason": reason,
    })
    table.attrs |= {"mean_growth": float(np.nanmean(growth[:-1])) if np.isfinite(growth[:-1]).any() else np.nan, "unknown": (old.missing, new.missing)}
    return table


def _pair(first: Design, second: Design, income: Any, income_second: Any, headcount: Any, headcount_second: Any, unknown: str) -> tuple[Incomes, Incomes]:
    one, _ = incomes(first, income, headcount=headcount, unknown=unknown)
    two, _ = incomes(
        second, income if income_second is None else income_second, headcount=headcount if headcount_second is None else headcount_second, unknown=unknown
    )
    return one, two


def _grid(one: Incomes, two: Incomes, low: float, high: float, points: int | Sequence[float] | None) -> np.ndarray:
    if points is not None and not isinstance(points, int):
        return np.unique(np.asarray(points, dtype=float))
    if points is None and one.design.is_complete and two.design.is_complete:
        seen = np.concatenate([part.values[part.weights > 0] for part in (one, two)])
        return np.unique(np.concatenate([seen[(seen >= low) & (seen <= high)], [low, high]]))
    return np.linspace(low, high, 25 if points is None else points)


def _poverty_curve(seen: Incomes, grid: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean of (z - y)^(s-1) / (s-1)! of those at or below z, and influence values; of a register without them, from running sums."""
    if seen.design.is_complete:
        order_of = np.argsort(seen.values, kind="stable")
        y, w = seen.values[order_of], seen.weights[order_of]
        place = np.searchsorted(y, grid, side="right")
        mass, money, square = (np.concatenate([[0.0], np.cumsum(w * y**power)])[place] for power in range(3))
        sums = {1: mass, 2: grid * mass - money, 3: (grid**2 * mass - 2 * grid * money + square) / 2}[order]
        return sums / seen.persons, np.zeros((len(y), 0))
    gaps = np.maximum(grid - seen.values[:, None], 0.0) ** (order - 1) * (seen.values[:, None] <= grid) / factorial(order - 1)
    values = seen.weights @ gaps / seen.persons
    return values, (gaps - values) / seen.persons * seen.heads[:, None]


def _lorenz(seen: Incomes, shares: np.ndarray, generalised: bool) -> tuple[np.ndarray, np.ndarray]:
    if ((shares < 0) | (shares > 1)).any():
        raise DesignError(f"shares (人口比重) lie between 0 and 1, not {list(shares)}")
    if not seen.persons > 0 or (not generalised and not seen.mean > 0):
        return np.full(len(shares), np.nan), np.zeros((len(seen.values), len(shares)))
    cuts, _ = _cuts(seen, shares)
    if seen.complete:
        general = _running(seen, cuts, shares)
        return (general if generalised else general / seen.mean), np.zeros((len(seen.values), len(shares)))
    short = np.minimum(seen.values[:, None] - cuts, 0.0)
    general = seen.weights @ short / seen.persons + shares * cuts
    scores = (short + shares * cuts - general) / seen.persons
    if not generalised:
        general = general / seen.mean
        scores = (scores - general[None, :] * ((seen.values - seen.mean) / seen.persons)[:, None]) / seen.mean
    return general, scores * seen.heads[:, None]


def _running(seen: Incomes, cuts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Generalised Lorenz ordinates from running sums."""
    order = np.argsort(seen.values, kind="stable")
    y, w = seen.values[order], seen.weights[order]
    place = np.searchsorted(y, cuts, side="right")
    mass, money = (np.concatenate([[0.0], np.cumsum(one)])[place] for one in (w, w * y))
    return (money - cuts * mass) / seen.persons + shares * cuts


def _cuts(seen: Incomes, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest income that a share of the persons does not exceed, and the share at or below it."""
    order = np.argsort(seen.values, kind="stable")
    order = order[seen.weights[order] > 0]
    y, reached = seen.values[order], np.cumsum(seen.weights[order]) / seen.persons
    place = np.minimum(np.searchsorted(reached, shares - ROUNDING), len(y) - 1)
    return y[place], reached[place]


def _quantiles(seen: Incomes, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles, and influence values through the density at each."""
    if not seen.persons > 0:
        return np.full(len(shares), np.nan), np.zeros((len(seen.values), len(shares)))
    cuts, _ = _cuts(seen, shares)
    if seen.design.is_complete:
        return cuts, np.zeros((len(seen.values), len(shares)))
    width = np.sqrt(seen.weights @ (seen.values - seen.mean) ** 2 / seen.persons) * seen.persons**-0.2
    bells = np.exp(-0.5 * ((cuts - seen.values[:, None]) / (width or 1.0)) ** 2) / (np.sqrt(2 * np.pi) * (width or 1.0))
    density = seen.weights @ bells / seen.persons
    return cuts, (shares - (seen.values[:, None] <= cuts)) / density / seen.persons * seen.heads[:, None]


def _half(se: np.ndarray, freedom: float, level: float) -> np.ndarray:
    """Half width of the pointwise intervals; nothing to ask the t distribution where there is no error."""
    if not np.nan_to_num(se).any():
        return np.where(np.isnan(se), np.nan, 0.0)
    return critical((1 - level) / 2, freedom) * se if freedom > 0 else np.where(se == 0, 0.0, np.nan)


def _error(seen: Incomes, scores: np.ndarray) -> tuple[np.ndarray, float]:
    d = seen.design
    if d.is_complete:
        return np.zeros(scores.shape[1]), d.degrees_of_freedom
    if d.degrees_of_freedom < 1:
        return np.full(scores.shape[1], np.nan), 0
    return np.sqrt(np.maximum(np.diag(d.covariance(np.where(d.used[:, None], scores, 0.0))), 0.0)), d.degrees_of_freedom


def _two_errors(one: Incomes, two: Incomes, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, float]:
    """Variances of the sum of two statistics, point by point: of one design together, of two as independent."""
    if one.design.frame is two.design.frame and one.design.stages is two.design.stages:
        whole = replace(one.design, active=None)
        joint = np.where(one.design.used[:, None], first, 0.0) + np.where(two.design.used[:, None], second, 0.0)
        if whole.is_complete:
            return np.zeros(joint.shape[1]), whole.degrees_of_freedom
        return np.maximum(np.diag(whole.covariance(joint)), 0.0), whole.degrees_of_freedom
    parts, freedom = [], 0.0
    for seen, scores in ((one, first), (two, second)):
        se, own = _error(seen, scores)
        parts.append(se**2)
        freedom += own
    return parts[0] + parts[1], freedom


def _judge(
    order: int | str, grid: np.ndarray, one: Incomes, two: Incomes, first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray], *, rule: str,
    level: float, less_is_better: bool,
) -> Dominance:
    if rule not in RULES:
        raise DesignError(f"rule={rule!r} (判断规则) is not known: choose from {', '.join(RULES)}")
    difference = first[0] - second[0]
    complete = one.design.is_complete and two.design.is_complete
    if complete:
        variance, freedom = np.zeros(len(grid)), 0.0
    else:
        padded = [np.zeros((len(seen.values), len(grid))) if not scores.shape[1] else scores for seen, (_, scores) in ((one, first), (two, second))]
        variance, freedom = _two_errors(one, two, padded[0], -padded[1])
    se = np.sqrt(variance)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(se > 0, difference / se, np.where(difference == 0, 0.0, np.sign(difference) * np.inf))
    tail = 1 - level if rule == "min_t" else (1 - level ** (1 / max(len(grid), 1))) / 2
    limit = 0.0 if complete else critical(tail, freedom) if freedom > 0 else np.nan
    half = np.zeros(len(grid)) if complete else critical((1 - level) / 2, freedom) * se if freedom > 0 else np.full(len(grid), np.nan)
    curve = pd.DataFrame({
        "point": grid, "first": first[0], "second": second[0], "difference": difference, "se": se, "low": difference - half, "high": difference + half, "z": z,
    })
    better = -difference if less_is_better else difference
    size = np.maximum(np.abs(first[0]), np.abs(second[0]))
    settled = np.where(np.abs(better) <= ROUNDING * np.maximum(size, 1e-300), 0.0, better)
    verdict = _exact(settled) if complete else _tested(-z if less_is_better else z, first[0], second[0], limit, rule)
    sizes, missing = (one.design.n, two.design.n), (one.missing, two.missing)
    return Dominance(order, verdict, "exact" if complete else rule, float(limit), level, curve, _crossings(grid, settled), sizes, missing)


def _exact(better: np.ndarray) -> str:
    if not np.isfinite(better).all():
        return "not_decided"
    up, down = bool((better > 0).any()), bool((better < 0).any())
    return "crosses" if up and down else "dominates" if up else "dominated" if down else "equal"


def _tested(z: np.ndarray, first: np.ndarray, second: np.ndarray, limit: float, rule: str) -> str:
    """Points where nobody of either sample has come into the curve, or all have, say nothing."""
    telling = ~((first == second) & (z == 0))
    z = z[telling]
    if not len(z) or not np.isfinite(limit) or np.isnan(z).any():
        return "not_decided"
    if rule == "min_t":
        return "dominates" if z.min() > limit else "dominated" if z.max() < -limit else "not_decided"
    up, down = bool((z > limit).any()), bool((z < -limit).any())
    return "crosses" if up and down else "dominates" if up else "dominated" if down else "not_decided"


def _crossings(grid: np.ndarray, better: np.ndarray) -> tuple[float, ...]:
    """Points at which the difference changes its sign, by a straight line between neighbours; stretches of equality do not count."""
    apart = np.flatnonzero(np.isfinite(better) & (better != 0))
    found = []
    for left, right in pairwise(apart):
        if better[left] * better[right] < 0:
            found.append(float(grid[left] + (grid[right] - grid[left]) * better[left] / (better[left] - better[right])))
    return tuple(found)
