"""Totals, means, ratios, proportions and anything with an influence function, by Taylor linearisation (线性化估计).

An unknown value is never a zero: it is counted, and the estimate is refused unless the caller says ``unknown="domain"``, which makes the estimate one of
the units whose value is known.

Source: Särndal, Swensson, Wretman (1992), ch. 5; Deville (1999), Survey Methodology 25 (influence functions); Kish (1965) for the design effect.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.survey.columns import DesignError, as_numbers
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import interval

__all__ = ["Estimate", "by", "contrast", "estimate", "mean", "observed", "proportion", "ratio", "total", "variance"]

#: A proportion with fewer effective cases (or non-cases) than this gets Korn and Graubard's interval, else logit.
RARE_CASES = 10
_SHOWN = ("value", "se", "low", "high", "n", "unknown", "df", "deff", "method")


@dataclass(frozen=True)
class Estimate:
    """An estimate with its uncertainty (估计值与误差).

    ``n``: rows with a known value and a weight above zero; ``unknown``: rows without a value; ``df``: degrees of freedom; ``deff``: variance over that of
    a simple random sample without replacement of the same size (R: ``deff=TRUE``), ``deff_replace``: with replacement; ``method``: how value and
    interval were made. NaN where there is nothing to estimate from. ``scores``: influence values for :func:`contrast`.
    """

    value: float
    se: float
    low: float
    high: float
    n: int
    unknown: int
    df: float
    deff: float
    method: str
    level: float = 0.95
    deff_replace: float = np.nan
    is_complete: bool = False
    scores: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def variance(self) -> float:
        """Square of the standard error (方差)."""
        return self.se**2

    @property
    def cv(self) -> float:
        """Standard error over the value (变异系数)."""
        return self.se / self.value if self.value else np.nan

    def with_interval(self, kind: str, level: float = 0.95, **options: Any) -> Estimate:
        """The same estimate with another interval (更换区间)."""
        low, high = interval(self, kind, level, **options)
        return replace(self, low=low, high=high, level=level, method=f"{self.method.split('; ', maxsplit=1)[0]}; {kind}")


def total(d: Design, y: Any, *, unknown: str = "refuse", level: float = 0.95, df: float | None = None) -> Estimate:
    """Weighted total (总量): ``y`` is a column name or one value for each row."""
    d, (values,), missing = observed(d, [(y, "指标")], unknown)
    return estimate(d, float(d.weights @ values), values, method="total", unknown=missing, level=level, df=df)


def mean(d: Design, y: Any, *, unknown: str = "refuse", level: float = 0.95, df: float | None = None) -> Estimate:
    """Weighted mean (均值), the ratio of two totals."""
    d, (values,), missing = observed(d, [(y, "指标")], unknown)
    value, scores = _mean(d, values)
    return estimate(d, value, scores, method="mean", unknown=missing, level=level, df=df)


def ratio(d: Design, y: Any, x: Any, *, unknown: str = "refuse", level: float = 0.95, df: float | None = None) -> Estimate:
    """Ratio of two weighted totals (比率估计): total of ``y`` over total of ``x``. A zero denominator gives NaN."""
    d, (above, below), missing = observed(d, [(y, "分子"), (x, "分母")], unknown)
    value, scores = _ratio(d, above, below)
    return estimate(d, value, scores, method="ratio", unknown=missing, level=level, df=df)


def proportion(d: Design, y: Any, *, kind: str = "auto", unknown: str = "refuse", level: float = 0.95, df: float | None = None) -> Estimate:
    """Weighted share of rows where ``y`` holds (比例): True and False or 1 and 0.

    ``kind``: an interval kind; "auto" is logit, or Korn-Graubard where fewer than ten effective cases or non-cases were seen, and says which in ``method``.
    """
    d, (values,), missing = observed(d, [(y, "指标")], unknown)
    if not np.isin(values, (0.0, 1.0)).all():
        raise DesignError(f"proportion (比例): {y if isinstance(y, str) else 'the values'} holds values other than True, False, 1 and 0: use mean")
    value, scores = _mean(d, values)
    found = estimate(d, value, scores, method="proportion", unknown=missing, level=level, df=df)
    if kind == "auto":
        rare = not found.se > 0 or not 0 < value < 1 or value * (1 - value) / found.variance * min(value, 1 - value) < RARE_CASES
        kind = "korn_graubard" if rare else "logit"
    return found.with_interval(kind, level, df=df)


def variance(d: Design, y: Any, *, unknown: str = "refuse", level: float = 0.95, df: float | None = None) -> Estimate:
    """Variance of the values in the population (总体方差), with n - 1 as ``svyvar`` in R."""
    d, (values,), missing = observed(d, [(y, "指标")], unknown)
    if d.n < 2:
        return estimate(d, np.nan, np.full(len(d), np.nan), method="variance", unknown=missing, level=level, df=df)
    centre, _ = _mean(d, values)
    value, scores = _mean(d, (values - centre) ** 2 * d.n / (d.n - 1))
    return estimate(d, value, scores, method="variance", unknown=missing, level=level, df=df)


def estimate(
    d: Design, value: float, scores: Any, *, method: str, unknown: int = 0, level: float = 0.95, df: float | None = None, kind: str = "wald"
) -> Estimate:
    """Any statistic from its value and influence values (由影响函数得估计): the hook for poverty and inequality indices.

    ``scores``: one influence value for each row, not multiplied by the weights, so that their weighted total has the variance of the statistic.
    ``d``: the design restricted to the rows that the statistic is about (``d.domain``), ``unknown``: how many of its rows had no value.
    A sample with one first-stage unit (no degree of freedom) has an unknown standard error, not a small one.
    """
    values = np.asarray(scores, dtype=float)
    values = values if d.active is None or values.shape != d.active.shape else np.where(d.active, values, 0.0)
    freedom = d.degrees_of_freedom if df is None else df
    if not np.isfinite(value):
        nothing = (np.nan, np.nan, np.nan, np.nan, d.n, unknown, freedom, np.nan)
        return Estimate(*nothing, f"{method}; {kind}", level)
    complete = d.is_complete
    spread = float(d.covariance(values)[0, 0])
    if d.degrees_of_freedom < 1 and not complete:
        spread = np.nan
    without, with_replacement = _simple_variance(d, values)
    found = Estimate(
        float(value), float(np.sqrt(max(spread, 0.0))) if np.isfinite(spread) else np.nan, np.nan, np.nan, d.n, unknown, freedom,
        float(spread / without) if without > 0 else np.nan, f"{method}; {kind}", level,
        float(spread / with_replacement) if with_replacement > 0 else np.nan, complete, values,
    )
    low, high = interval(found, kind, level, df=df)
    return replace(found, low=low, high=high)


def contrast(d: Design, estimates: Sequence[Estimate], factors: Sequence[float], *, level: float = 0.95, df: float | None = None) -> Estimate:
    """Linear combination of estimates of one design, with their covariance (估计值的线性组合), for example a difference of two townships.

    ``d`` is the full design that the estimates' domains come from.
    """
    if len(estimates) != len(factors) or any(one.scores is None for one in estimates):
        raise DesignError("contrast (线性组合): give as many factors as estimates, each with its scores (线性化变量)")
    value = float(sum(factor * one.value for factor, one in zip(factors, estimates, strict=True)))
    scores = sum(factor * one.scores for factor, one in zip(factors, estimates, strict=True))
    found = estimate(d, value, scores, method="contrast", unknown=max(one.unknown for one in estimates), level=level, df=df)
    return replace(found, deff=np.nan, deff_replace=np.nan)


def by(d: Design, group: Any, estimator: Callable[..., Estimate], *what: Any, **options: Any) -> pd.DataFrame:
    """One estimate for each group, each a domain of the full design (分组估计): for example ``by(d, "township_code", mean, "income")``.

    Gives a frame with group, value, se, low, high, n, unknown, df, deff, method; rows without a group belong to none and are counted in ``attrs``.
    """
    column = d.frame[group] if isinstance(group, str) else pd.Series(np.asarray(group))
    codes, groups = pd.factorize(column, sort=True)
    rows = []
    for code, name in enumerate(groups):
        inside = codes == code
        if d.active is not None and not (inside & d.active).any():
            continue
        found = estimator(d.domain(inside), *what, **options)
        rows.append({"group": name, **{key: getattr(found, key) for key in _SHOWN}})
    table = pd.DataFrame(rows, columns=["group", *_SHOWN])
    table.attrs["rows_without_group"] = int((codes < 0).sum())
    return table


def observed(d: Design, columns: list[tuple[Any, str]], unknown: str) -> tuple[Design, list[np.ndarray], int]:
    """Values of columns with unknown ones counted (取值并计数未知): the design, restricted to known rows if the caller chose so; values; unknown rows."""
    if unknown not in ("refuse", "domain"):
        raise DesignError(f"unknown={unknown!r} (未知值处理) is not known: 'refuse', or 'domain' for an estimate of the units with known values")
    values = [as_numbers(d.frame, what, term) for what, term in columns]
    missing = np.isnan(values).any(axis=0)
    outside = np.zeros(len(d), dtype=bool) if d.active is None else ~d.active
    count = int((missing & ~outside).sum())
    if count and unknown == "refuse":
        names = ", ".join(str(what) if isinstance(what, str) else term for what, term in columns)
        raise DesignError(
            f"{names}: {count} of {int((~outside).sum())} rows are unknown (未知), the first is row {int(np.argmax(missing & ~outside))}: unknown is not zero; "
            "find the values, or state unknown='domain' for an estimate of the units with known values"
        )
    values = [np.where(missing | outside, 0.0, one) for one in values]
    return (d.domain(~missing) if count else d), values, count


def _mean(d: Design, values: np.ndarray) -> tuple[float, np.ndarray]:
    size = d.weights.sum()
    if not size > 0:
        return np.nan, np.full(len(d), np.nan)
    value = float(d.weights @ values / size)
    return value, (values - value) / size


def _ratio(d: Design, above: np.ndarray, below: np.ndarray) -> tuple[float, np.ndarray]:
    size = float(d.weights @ below)
    if size == 0:
        return np.nan, np.full(len(d), np.nan)
    value = float(d.weights @ above / size)
    return value, (above - value * below) / size


def _simple_variance(d: Design, scores: np.ndarray) -> tuple[float, float]:
    """Variance of the same statistic under simple random sampling of n rows, without and with replacement."""
    weights, n = d.weights, d.n
    if n < 2:
        return np.nan, np.nan
    size = weights.sum()
    values = np.where(weights > 0, scores, 0.0)
    centre = weights @ values / size
    spread = float(weights @ (values - centre) ** 2 / size * n / (n - 1))
    with_replacement = spread * size**2 / n
    without = with_replacement * (1 - n / size) if size >= n else np.nan
    return without, with_replacement
