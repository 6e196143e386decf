"""Quantiles with Woodruff intervals (分位数).

Definitions are those of ``svyquantile`` in R's survey 4.1-1: ``rule`` is its ``qrule``, ``kind`` its ``interval.type`` (wald: mean, korn_graubard: beta,
logit: xlogit, asin). Its qrule "shahvaish" and interval type "score" are not offered: in that version the first mixes raw and scaled weights, the second
an unweighted share with weighted ones.

Sources: Woodruff (1952), JASA 47; Hyndman and Fan (1996), The American Statistician 50; Korn and Graubard (1998).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linwu_stats.survey.columns import DesignError
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import critical, interval
from linwu_stats.survey.linearise import Estimate, mean, observed

__all__ = ["QUANTILE_RULES", "quantile", "weighted_quantile"]

#: Rules for a weighted quantile; math is hf1 (smallest value whose share reaches q), school is hf2 (the middle of two where the share is exact).
QUANTILE_RULES = ("math", "school", "hf1", "hf2", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")
KINDS = ("wald", "logit", "asin", "korn_graubard")
#: Shares closer than this are equal: sums of equal weights must hit q exactly.
SAME = 1e-12


def quantile(
    d: Design, y: Any, q: float, *, rule: str = "math", kind: str = "wald", unknown: str = "refuse", level: float = 0.95, df: float | None = None
) -> Estimate:
    """Weighted quantile (分位数), for example q=0.5 for the median.

    The interval is Woodruff's: that of the share of units at or below the quantile, carried back; the standard error is its half-width over the t value.
    An end whose share falls outside 0 to 1 is NaN, and then the standard error, too. ``deff`` is that of the share.
    """
    if not 0 < q < 1 or kind not in KINDS:
        raise DesignError(f"quantile (分位数): q={q!r}, kind={kind!r}: q lies between 0 and 1, kind is one of {', '.join(KINDS)}")
    d, (values,), missing = observed(d, [(y, "指标")], unknown)
    weights = d.weights
    freedom = d.degrees_of_freedom if df is None else df
    method = f"quantile {rule}; woodruff {kind}"
    if d.n == 0:
        return Estimate(np.nan, np.nan, np.nan, np.nan, 0, missing, freedom, np.nan, method, level)
    value = weighted_quantile(values, weights, q, rule)
    share = mean(d, (values <= value).astype(float), df=df)
    if share.is_complete:
        return Estimate(value, 0.0, value, value, d.n, missing, freedom, np.nan, method, level, is_complete=True)
    low, high = interval(share, kind, level, df=df)
    below = weighted_quantile(values, weights, low, rule) if 0 <= low <= 1 else np.nan
    above = weighted_quantile(values, weights, high, rule) if 0 <= high <= 1 else np.nan
    se = (above - below) / (2 * critical((1 - level) / 2, freedom)) if freedom > 0 else np.nan
    return replace(share, value=value, se=float(se), low=below, high=above, unknown=missing, method=method, level=level, scores=None)


def weighted_quantile(values: Any, weights: Any, q: float, rule: str = "math") -> float:
    """Quantile of values with weights (加权分位数), by one of :data:`QUANTILE_RULES`; rows without weight do not count."""
    if rule not in QUANTILE_RULES:
        raise DesignError(f"rule={rule!r} (分位数定义) is not known: choose from {', '.join(QUANTILE_RULES)}")
    weights = np.asarray(weights, dtype=float)
    values = np.asarray(values, dtype=float)
    kept = weights > 0
    order = np.argsort(values[kept], kind="stable")
    x, w = values[kept][order], weights[kept][order]
    if rule == "hf3":
        x, code = np.unique(x, return_inverse=True)
        w = np.bincount(code, weights=w)
    sums = np.cumsum(w)
    if rule in _POSITIONS:
        return float(np.interp(q, _POSITIONS[rule](sums, w), x))
    return _stepwise(x, sums / sums[-1], q, rule)


def _stepwise(x: np.ndarray, shares: np.ndarray, q: float, rule: str) -> float:
    """Rules by the last share at or below q; the smallest value where there is none (R 4.1-1 takes the second smallest there, or extrapolates)."""
    at = int(np.searchsorted(shares, q + SAME, side="right")) - 1
    if at < 0:
        return float(x[0])
    after = min(at + 1, len(x) - 1)
    gap = q - shares[at]
    exact = abs(gap) <= SAME
    if rule == "hf4":
        room = shares[after] - q
        return float(x[at] if gap + room == 0 else x[at] + (x[after] - x[at]) * gap / (gap + room))
    if not exact:
        return float(x[after])
    if rule in ("school", "hf2"):
        return float((x[at] + x[after]) / 2)
    if rule == "hf3" and (at + 1) % 2:
        return float(x[after])
    return float(x[at])


#: Plotting positions from cumulative sums and weights.
_POSITIONS = {
    "hf5": lambda sums, w: (sums - w / 2) / sums[-1],
    "hf6": lambda sums, w: sums / (sums[-1] + w[-1]),
    "hf7": lambda sums, w: (sums - w) / (sums[-1] - w[-1]) if len(w) > 1 else np.zeros(1),
    "hf8": lambda sums, w: (sums - w / 3) / (sums[-1] + w[-1] / 3),
    "hf9": lambda sums, w: (sums - w * 3 / 8) / (sums[-1] + w[-1] / 4),
}
