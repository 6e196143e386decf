"""Inequality indices of samples and registers, with standard errors (收入差距指标及其误差).

What each index does with incomes of zero and below is said in one place, :data:`linwu_stats.indicators.sampled.INDICES`; an index that has no value says
why and is NaN, it never leaves rows out.

Source: Deville (1999); Osier (2009); Langel and Tillé (2013), Journal of the Royal Statistical Society A 176 (Gini); Cowell (2011), Measuring Inequality;
Biewen and Jenkins (2006), Oxford Bulletin 68 (generalised entropy, Atkinson).
"""

from __future__ import annotations

import numpy as np

from linwu_stats.indicators.sampled.sample import Raw, Sample, no_value
from linwu_stats.survey.columns import DesignError

__all__ = ["gini_raw", "mean_raw"]


def mean_raw(sample: Sample) -> Raw:
    """Mean income of persons and its influence."""
    mean = sample.mean
    return Raw(mean, (sample.income - sample.spread(mean)) / sample.spread(sample.persons))


def gini_raw(sample: Sample, *, corrected: bool = False, form: str = "pairs") -> Raw:
    """Gini and its influence; see :func:`linwu_stats.indicators.sampled.gini`."""
    if form not in ("pairs", "convey"):
        raise DesignError(f"form={form!r} (基尼系数的写法): 'pairs' (mean difference of all pairs) or 'convey'")
    persons, mean = sample.spread(sample.persons), sample.spread(sample.mean)
    total = sample.persons * sample.mean
    with np.errstate(divide="ignore", invalid="ignore"):
        if form == "pairs":
            value = sample.total((2 * sample.reached - sample.weight) * sample.income) / (sample.persons * total) - 1
            below = (sample.reached - sample.weight / 2) / persons
            held = (sample.held - sample.weight * sample.income / 2) / persons
            influence = (2 * (sample.income * below + mean - held) - (sample.spread(value) + 1) * (mean + sample.income)) / (mean * persons)
        else:
            value = sample.total((2 * sample.reached - 1) * sample.income) / (sample.persons * total) - 1
            total_rows, ratio = sample.spread(total), sample.spread(value) + 1
            rank = total_rows - sample.held + sample.income * sample.weight + sample.reached * sample.income
            influence = (2 * rank - sample.income) / (total_rows * persons) - ratio * (sample.income / total_rows + 1 / persons)
    reason = no_value(sample, (sample.count == 1, "single_household"), (~(sample.mean > 0), "mean_not_positive"))
    if corrected:
        factor = np.divide(sample.count, sample.count - 1, out=np.ones(sample.groups), where=sample.count > 1)
        return Raw(value * factor, influence * sample.spread(factor), reason)
    return Raw(value, influence, reason)
