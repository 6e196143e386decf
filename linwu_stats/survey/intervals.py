"""Intervals that suit the quantity (置信区间).

A symmetric interval serves totals and means; a proportion near 0 or 1 needs one that stays inside, and a rare one an exact one on the effective
sample size. All use the t distribution with the design's degrees of freedom unless ``df`` is given.

Sources: Korn and Graubard (1998), Survey Methodology 24; Wilson (1927), JASA 22; Rao and Scott (1984), Annals of Statistics 12; the definitions of
``svyciprop`` in R's survey 4.1-1, whose method names stand beside ours in :data:`KINDS`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from linwu_stats import RefusedError

__all__ = ["KINDS", "Interval", "critical", "effective_size", "interval"]

#: Kinds of interval and R's name (``confint`` or ``svyciprop(method=)``).
KINDS = {
    "wald": "confint / mean", "logit": "logit, xlogit", "asin": "asin", "korn_graubard": "beta", "wilson": "not in 4.1-1", "likelihood": "likelihood",
    "log": "confint of log",
}
PROPORTION_KINDS = ("logit", "asin", "korn_graubard", "wilson", "likelihood")


class Interval(NamedTuple):
    """Lower and upper end of an interval (区间下限与上限)."""

    low: float
    high: float


def interval(
    estimate: Any, kind: str = "wald", level: float = 0.95, *, df: float | None = None, side: str = "both", deff: float | None = None, at_most_n: bool = False
) -> Interval:
    """Interval of an estimate (估计值的置信区间).

    ``kind``: "wald" for anything; "logit", "asin", "korn_graubard", "wilson", "likelihood" for proportions; "log" for positive quantities.
    ``side``: "both", or one-sided "upper" (from the lowest possible value to a bound) and "lower". ``df``: degrees of freedom, ``math.inf`` for the
    normal distribution; None: those of the estimate. ``deff``: design effect to use where a proportion of exactly 0 or 1 lets none be estimated
    (without it the rows count as independent, save for the degrees of freedom: state it where units are clustered). ``at_most_n``: for "korn_graubard" and
    "wilson", an effective sample size no larger than the sample (the presentation standards of NCHS; R's ``svyciprop`` does not).

    A complete register gives (value, value). Without a degree of freedom both ends are NaN (unknown). Raises RefusedError for an unknown kind, a level
    outside 0.5 to 1, a proportion's interval of something that is none.
    """
    if kind not in KINDS or side not in ("both", "upper", "lower"):
        raise RefusedError(f"interval (置信区间) kind={kind!r}, side={side!r}: choose a kind of {', '.join(KINDS)} and a side of both, upper, lower")
    if not 0.5 < level < 1:
        raise RefusedError(f"interval (置信区间): level {level!r} lies outside 0.5 to 1: write 0.95 for 95 %")
    if deff is not None and not deff > 0:
        raise RefusedError(f"interval (置信区间): a design effect (设计效应) of {deff!r} is not above zero")
    value, se = float(estimate.value), float(estimate.se)
    freedom = float(estimate.df if df is None else df)
    alone = kind in PROPORTION_KINDS
    if alone and np.isfinite(value) and not -1e-12 <= value <= 1 + 1e-12:
        raise RefusedError(f"interval (置信区间): {kind} is for proportions between 0 and 1 (比例), not {value}: use wald")
    if getattr(estimate, "is_complete", False):
        return Interval(value, value)
    if not np.isfinite(value) or not np.isfinite(se) or not freedom > 0:
        return Interval(np.nan, np.nan)
    tail = (1 - level) / 2 if side == "both" else 1 - level
    if kind in ("korn_graubard", "wilson"):
        size = effective_size(value, se, int(estimate.n), freedom, tail, deff)
        low, high = _exact(kind, value, min(size, estimate.n) if at_most_n else size, tail)
    else:
        low, high = _ends(kind, value, se, critical(tail, freedom))
    floor, ceiling = (0.0, 1.0) if alone else (0.0 if kind == "log" else -np.inf, np.inf)
    return Interval(floor if side == "upper" else low, ceiling if side == "lower" else high)


def critical(tail: float, df: float) -> float:
    """Upper quantile of the t distribution (t 分位数); normal for infinite degrees of freedom."""
    from scipy import stats  # a second to load: only when an interval is asked for

    return float(stats.norm.isf(tail) if np.isinf(df) else stats.t.isf(tail, df))


def effective_size(value: float, se: float, n: int, df: float, tail: float, deff: float | None = None) -> float:
    """Effective sample size of a proportion, with Korn and Graubard's correction for degrees of freedom (有效样本量)."""
    variance = se * se
    size = value * (1 - value) / variance if variance > 0 else n / (deff or 1.0)
    return size * (critical(tail, n - 1) / critical(tail, df)) ** 2 if n > 1 else size


def _ends(kind: str, value: float, se: float, t: float) -> tuple[float, float]:
    if kind == "wald":
        return value - t * se, value + t * se
    if kind == "log":
        if value <= 0:
            raise RefusedError(f"interval (置信区间): log needs a value above zero, not {value}: use wald")
        return value * np.exp(-t * se / value), value * np.exp(t * se / value)
    if kind in ("logit", "likelihood", "asin") and (se == 0 or not 0 < value < 1):
        return np.nan, np.nan
    if kind == "logit":
        centre, spread = np.log(value / (1 - value)), t * se / (value * (1 - value))
        return 1 / (1 + np.exp(spread - centre)), 1 / (1 + np.exp(-spread - centre))
    if kind == "asin":
        centre, spread = np.arcsin(np.sqrt(value)), t * se / (2 * np.sqrt(value * (1 - value)))
        return float(np.sin(max(centre - spread, 0.0)) ** 2), float(np.sin(min(centre + spread, np.pi / 2)) ** 2)
    return _likelihood(value, se, t)


def _exact(kind: str, value: float, size: float, tail: float) -> tuple[float, float]:
    from statsmodels.stats.proportion import proportion_confint

    method = "wilson" if kind == "wilson" else "beta"
    low, high = proportion_confint(value * size, size, alpha=2 * tail, method=method)
    return (0.0 if value <= 0 else float(low)), (1.0 if value >= 1 else float(high))


def _likelihood(value: float, se: float, t: float) -> tuple[float, float]:
    """Ends where the binomial likelihood ratio on the effective sample size equals t²."""
    from scipy import optimize

    size = value * (1 - value) / (se * se)

    def excess(p: float) -> float:
        return 2 * size * (value * np.log(value / p) + (1 - value) * np.log((1 - value) / (1 - p))) - t * t

    edge = 1e-300
    return optimize.brentq(excess, edge, value, xtol=1e-15), optimize.brentq(excess, value, 1 - 1e-16, xtol=1e-15)
