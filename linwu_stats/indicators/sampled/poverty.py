"""Values and influence functions of poverty indices (贫困指标及其影响函数).

``sign`` is the boundary: "<" (on the line is not poor; the packaged value of rule ``indicator.poor_sign``), or "<=" as in R's convey.
``negative="clip"`` counts an income below 0 as 0 in the gaps, so that no gap is wider than the line; "keep" lets it be wider, as convey does.

With g the gap over the line (0 for those who are not poor), Sen's index is the headcount ratio times the mean of the larger gap of two poor persons, and
that of Sen, Shorrocks and Thon the mean of the larger gap of any two persons: the same as H·G + FGT1·(1 - G), G the Gini of the poor's incomes,
and FGT1·(1 + G), G the Gini of the gaps.

Source: Foster, Greer, Thorbecke (1984), Econometrica 52; Watts (1968); Sen (1976), Econometrica 44; Shorrocks (1995), Econometrica 63; influence
functions after Deville (1999) and Osier (2009).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linwu_stats.indicators.sampled.inequality import gini_raw
from linwu_stats.indicators.sampled.lines import Threshold, density, resolve, sparsity_density
from linwu_stats.indicators.sampled.sample import Raw, Sample, Shift, first_reason, no_value
from linwu_stats.survey.columns import DesignError

__all__ = [
    "SIGN", "at_risk_threshold_raw", "fgt_raw", "income_gap_ratio_raw", "moved", "poor_median_raw", "poor_rows", "relative_median_gap_raw", "sen_raw",
    "sst_raw", "watts_raw",
]

#: Packaged value of rule ``indicator.poor_sign``.
SIGN = "<"


def fgt_raw(sample: Sample, line: Any, alpha: float = 0, *, normalise: bool = True, sign: str = SIGN, negative: str = "clip") -> Raw:
    """FGT of order alpha and its influence; see :func:`linwu_stats.indicators.sampled.fgt`."""
    if not alpha >= 0 or np.isinf(alpha):
        raise DesignError(f"FGT (贫困指数): order alpha={alpha!r}: 0 or above")
    at = resolve(sample, line)
    poor = poor_rows(sample, at, sign)
    gap = _gaps(sample, at, poor, negative)
    scale = 1.0 if normalise else at.rows**alpha
    powers = poor.astype(float) if alpha == 0 else np.where(poor, gap**alpha, 0.0) * scale
    value = sample.total(powers) / sample.persons
    influence = (powers - sample.spread(value)) / sample.spread(sample.persons)
    if alpha == 0:
        slope = density(sample, at.value) if at.is_estimated else None
    else:
        slope = _gap_slope(sample, at, poor, gap, alpha, normalise, negative) if at.is_estimated else None
    return moved(sample, Raw(value, influence, at.reason), at, slope)


def watts_raw(sample: Sample, line: Any, *, sign: str = SIGN) -> Raw:
    """Watts index and its influence; one poor person without a positive income leaves it without value."""
    at = resolve(sample, line)
    poor = poor_rows(sample, at, sign)
    with np.errstate(invalid="ignore"):
        logs = np.where(poor & (sample.income > 0), np.log(at.rows) - sample.logs, 0.0)
    value = sample.total(logs) / sample.persons
    reason = first_reason(at.reason, no_value(sample, (sample.any(poor & (sample.income <= 0)), "nonpositive_income")))
    slope = sample.total(np.where(poor, 1 / at.rows, 0.0)) / sample.persons if at.is_estimated else None
    return moved(sample, Raw(value, (logs - sample.spread(value)) / sample.spread(sample.persons), reason), at, slope)


def sen_raw(sample: Sample, line: Any, *, sign: str = SIGN, negative: str = "clip", form: str = "pairs") -> Raw:
    """Sen index and its influence; 0 where nobody is poor."""
    sample, at, back = _by_ratio(sample, resolve(sample, line))
    poor = poor_rows(sample, at, sign)
    if form == "convey":
        return _restored(_sen_of_parts(sample, at, poor, sign, negative), back)
    _form(form)
    gap, persons = _gaps(sample, at, poor, negative), sample.persons
    size = sample.total(poor)
    some = np.where(size > 0, size, 1.0)
    above = np.where(poor, sample.spread(size) - sample.reached, 0.0)
    pairs = sample.total(gap * (2 * above + sample.weight))
    value = pairs / (persons * some)
    larger = gap * (above + sample.weight / 2) + sample.running(gap) - sample.weight * gap / 2
    own = np.where(poor, 2 * larger / sample.spread(persons * some) - sample.spread(value / some), 0.0)
    slope = None
    if at.is_estimated:
        near = persons * density(sample, at.value)
        widening = sample.total(_gap_rate(sample, at, gap, negative) * (2 * above + sample.weight)) + 2 * near * sample.total(gap)
        slope = np.where(size > 0, widening / (persons * some) - value * near / some, 0.0)
    return _restored(moved(sample, Raw(value, own - sample.spread(value / persons), at.reason), at, slope), back)


def sst_raw(sample: Sample, line: Any, *, sign: str = SIGN, negative: str = "clip", form: str = "pairs") -> Raw:
    """Sen-Shorrocks-Thon index and its influence; 0 where nobody is poor."""
    sample, at, back = _by_ratio(sample, resolve(sample, line))
    poor = poor_rows(sample, at, sign)
    gap, persons = _gaps(sample, at, poor, negative), sample.persons
    if form == "convey":
        return _restored(_sst_of_parts(sample, at, gap, sign, negative), back)
    _form(form)
    above = sample.spread(persons) - sample.reached
    value = sample.total(gap * (2 * above + sample.weight)) / persons**2
    larger = gap * (above + sample.weight / 2) + sample.running(gap) - sample.weight * gap / 2
    influence = 2 * (larger / sample.spread(persons) - sample.spread(value)) / sample.spread(persons)
    slope = sample.total(_gap_rate(sample, at, gap, negative) * (2 * above + sample.weight)) / persons**2 if at.is_estimated else None
    return _restored(moved(sample, Raw(value, influence, at.reason), at, slope), back)


def income_gap_ratio_raw(sample: Sample, line: Any, *, sign: str = SIGN, negative: str = "clip") -> Raw:
    """Mean gap of the poor over the line, FGT(1) over FGT(0), and its influence; without value where nobody is poor."""
    rate, gap = fgt_raw(sample, line, 0, sign=sign), fgt_raw(sample, line, 1, sign=sign, negative=negative)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = gap.value / rate.value
        influence = (gap.influence - sample.spread(value) * rate.influence) / sample.spread(rate.value)
        shift = None if gap.shift is None else Shift((gap.shift.factor - value * rate.shift.factor) / rate.value, gap.shift.scores)
    poor = poor_rows(sample, resolve(sample, line), sign)
    return Raw(value, _unless_alone(sample, poor, influence), first_reason(gap.reason, no_value(sample, (~(rate.value > 0), "no_poor_here"))), shift)


def at_risk_threshold_raw(sample: Sample, line: Any) -> Raw:
    """An estimated line itself and its influence."""
    at = resolve(sample, line)
    if not at.is_estimated:
        return Raw(at.value, np.zeros(len(sample.rows)), at.reason)
    return moved(sample, Raw(at.value, np.zeros(len(sample.rows)), at.reason), at, np.ones(sample.groups))


def poor_median_raw(sample: Sample, line: Any, *, sign: str = SIGN, rule: str = "math", density: str = "kernel") -> Raw:
    """Median income of the poor and its influence; without value where nobody is poor."""
    return _poor_median(sample, resolve(sample, line), sign, rule, density)


def relative_median_gap_raw(sample: Sample, line: Any, *, sign: str = SIGN, rule: str = "math", density: str = "kernel") -> Raw:
    """Line less the median income of the poor, over the line, and its influence; without value where nobody is poor."""
    at = resolve(sample, line)
    median = _poor_median(sample, at, sign, rule, density)
    value = 1 - median.value / at.value
    raw = Raw(value, -median.influence / sample.spread(at.value), median.reason, None)
    if not at.is_estimated:
        return raw
    own = median.value / at.value**2
    if at.influence is not None:
        return Raw(value, raw.influence + sample.spread(own) * at.influence, median.reason)
    return Raw(value, raw.influence, median.reason, Shift(own - median.shift.factor / at.value, at.shift))


def poor_rows(sample: Sample, at: Threshold, sign: str = SIGN) -> np.ndarray:
    """Who is poor (低于标准者): in integers where income, head count and line are integers."""
    if sign not in ("<", "<="):
        raise DesignError(f"sign={sign!r} (比较符号): '<' (on the line is not poor) or '<='")
    if at.whole is not None and sample.net is not None:
        limit = sample.size * at.whole
        return sample.net < limit if sign == "<" else sample.net <= limit
    return sample.income < at.rows if sign == "<" else sample.income <= at.rows


def moved(sample: Sample, raw: Raw, at: Threshold, slope: np.ndarray | None) -> Raw:
    """The index with the error of an estimated line added (计入标准的误差): ``slope`` is its derivative to the line."""
    if not at.is_estimated:
        return raw
    if at.influence is not None:
        return Raw(raw.value, raw.influence + sample.spread(slope) * at.influence, raw.reason)
    return Raw(raw.value, raw.influence, raw.reason, Shift(slope, at.shift))


def _gaps(sample: Sample, at: Threshold, poor: np.ndarray, negative: str) -> np.ndarray:
    """Shortfall over the line, zero for those who are not poor."""
    if negative not in ("clip", "keep"):
        raise DesignError(f"negative={negative!r} (负收入的处理): 'clip' (a loss counts as no income) or 'keep'")
    income = np.maximum(sample.income, 0.0) if negative == "clip" else sample.income
    with np.errstate(invalid="ignore"):
        return np.where(poor, np.maximum((at.rows - income) / at.rows, 0.0), 0.0)


def _gap_slope(sample: Sample, at: Threshold, poor: np.ndarray, gap: np.ndarray, alpha: float, normalise: bool, negative: str) -> np.ndarray:
    """Derivative of the mean gap power to the line."""
    inner = poor & (gap > 0)
    lower = np.where(inner, gap, 1.0) ** (alpha - 1) * alpha
    if not normalise:
        return sample.total(np.where(inner, lower * at.rows ** (alpha - 1), 0.0)) / sample.persons
    income = np.maximum(sample.income, 0.0) if negative == "clip" else sample.income
    return sample.total(np.where(inner, lower * income / at.rows**2, 0.0)) / sample.persons


def _gap_rate(sample: Sample, at: Threshold, gap: np.ndarray, negative: str) -> np.ndarray:
    """Derivative of each gap to the line."""
    income = np.maximum(sample.income, 0.0) if negative == "clip" else sample.income
    return np.where(gap > 0, income / at.rows**2, 0.0)


def _poor_median(sample: Sample, at: Threshold, sign: str, rule: str, how: str) -> Raw:
    if not np.isfinite(at.value).all() and at.reason is None:
        raise DesignError("line (贫困标准): the median of the poor needs one line, not one for each row: give a number or a relative line")
    if how not in ("kernel", "sparsity"):
        raise DesignError(f"density={how!r} (密度的估计) is not known: 'kernel' or 'sparsity'")
    poor = poor_rows(sample, at, sign)
    among = replace(sample, weight=np.where(poor, sample.weight, 0.0))
    rate, median = sample.total(poor) / sample.persons, among.quantile(0.5, rule)
    below = (sample.income <= sample.spread(median)) - 0.5 * sample.spread(rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        near = density(sample, median) if how == "kernel" else rate * sparsity_density(among, 0.5, _rows_of(sample, poor))
        influence = _unless_alone(sample, poor, (0.5 * (poor - sample.spread(rate)) - below) * sample.spread(1 / (sample.persons * near)))
        shifted = 0.5 * density(sample, at.value) / near if at.is_estimated else None
    reason = first_reason(at.reason, no_value(sample, (~(rate > 0), "no_poor_here")))
    return moved(sample, Raw(median, influence, reason), at, shifted)


def _rows_of(sample: Sample, condition: np.ndarray) -> np.ndarray:
    """Rows of each group on which it holds."""
    return np.add.reduceat(condition.astype(np.int64), sample.start) if sample.groups else np.zeros(0, dtype=np.int64)


def _unless_alone(sample: Sample, poor: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Influence of an index of the poor alone; of a single poor row nobody can say how it varies: unknown, not 0."""
    few = _rows_of(sample, poor) < 2
    return np.where(np.repeat(few, sample.count), np.nan, influence) if few.any() else influence


def _by_ratio(sample: Sample, at: Threshold) -> tuple[Sample, Threshold, np.ndarray | None]:
    """Where each row has its own line, incomes over their lines, sorted anew; ``back`` puts influences into the old order."""
    if at.reason is not None or np.isfinite(at.value).all():
        return sample, at, None
    ratio = sample.income / at.rows
    order = np.lexsort((ratio, np.repeat(np.arange(sample.groups), sample.count)))
    heads = None if sample.heads is None else sample.heads[order]
    sorted_ = replace(sample, rows=sample.rows[order], income=ratio[order], weight=sample.weight[order], heads=heads, net=None, size=None)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    ones = np.ones(len(order))
    return sorted_, Threshold(np.ones(sample.groups), ones, None, None, None, None), back


def _restored(raw: Raw, back: np.ndarray | None) -> Raw:
    return raw if back is None else replace(raw, influence=raw.influence[back])


def _form(form: str) -> None:
    if form != "pairs":
        raise DesignError(f"form={form!r} (指数的写法): 'pairs' or 'convey'")


def _sen_of_parts(sample: Sample, at: Threshold, poor: np.ndarray, sign: str, negative: str) -> Raw:
    """H·G + FGT1·(1 - G) with convey's Gini of the poor's incomes."""
    rate, gap = (fgt_raw(sample, float(at.value[0]), order, sign=sign, negative=negative) for order in (0, 1))
    spread = gini_raw(replace(sample, weight=np.where(poor, sample.weight, 0.0)), form="convey")
    value = rate.value * spread.value + gap.value * (1 - spread.value)
    inner = np.where(poor, spread.influence, 0.0) * sample.spread(rate.value - gap.value)
    return Raw(value, sample.spread(spread.value) * rate.influence + sample.spread(1 - spread.value) * gap.influence + inner, at.reason)


def _sst_of_parts(sample: Sample, at: Threshold, gap: np.ndarray, sign: str, negative: str) -> Raw:
    """FGT1·(1 + G) with convey's Gini of the gaps."""
    mean = fgt_raw(sample, float(at.value[0]), 1, sign=sign, negative=negative)
    turned = np.repeat(2 * sample.start + sample.count - 1, sample.count) - np.arange(len(sample.rows))
    spread = gini_raw(replace(sample, income=gap[turned], weight=sample.weight[turned]), form="convey")
    influence = sample.spread(1 + spread.value) * mean.influence + sample.spread(mean.value) * spread.influence[turned]
    return Raw(mean.value * (1 + spread.value), influence, at.reason)
