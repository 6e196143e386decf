"""Values and influence functions of inequality indices (收入差距指标及其影响函数).

What each index does with incomes of zero and below is said in one place, :data:`linwu_stats.indicators.sampled.INDICES`; an index that has no value says
why and is NaN, it never leaves rows out.

Source: Deville (1999); Osier (2009); Langel and Tillé (2013), Journal of the Royal Statistical Society A 176 (Gini); Cowell (2011), Measuring Inequality;
Biewen and Jenkins (2006), Oxford Bulletin 68 (generalised entropy, Atkinson).
"""

from __future__ import annotations

import numpy as np

from linwu_stats.indicators.sampled.sample import Raw, Sample, no_value
from linwu_stats.survey.columns import DesignError

__all__ = [
    "atkinson_raw", "entropy_raw", "gini_raw", "hoover_raw", "j_divergence_raw", "mean_raw", "relative_mean_deviation_raw", "variance_of_logs_raw",
    "variation_raw",
]


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


def entropy_raw(sample: Sample, alpha: float = 1) -> Raw:
    """Generalised entropy of order alpha and its influence; see :func:`linwu_stats.indicators.sampled.generalised_entropy`."""
    mean, persons = sample.mean, sample.spread(sample.persons)
    income = sample.income
    positive = np.where(income > 0, income, 1.0)
    reason = _entropy_reason(sample, alpha)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        away = income - sample.spread(mean)
        if alpha == 0:
            centre = sample.total(sample.logs) / sample.persons
            value = np.log(mean) - centre
            influence = away / sample.spread(mean) - (sample.logs - sample.spread(centre))
        elif alpha == 1:
            terms = np.where(income > 0, income * sample.logs, 0.0)
            centre = sample.total(terms) / sample.persons
            value = centre / mean - np.log(mean)
            influence = (terms - sample.spread(centre)) / sample.spread(mean) - sample.spread(centre / mean**2 + 1 / mean) * away
        else:
            power = (income if alpha == 2 else np.where(income > 0, positive, 0.0 if alpha > 0 else 1.0)) ** alpha
            centre = sample.total(power) / sample.persons
            value = (centre / mean**alpha - 1) / (alpha * (alpha - 1))
            influence = (power - sample.spread(centre)) / sample.spread(mean**alpha) - alpha * sample.spread(centre / mean ** (alpha + 1)) * away
            influence = influence / (alpha * (alpha - 1))
    return Raw(np.maximum(value, 0.0), influence / persons, reason)


def atkinson_raw(sample: Sample, epsilon: float = 1) -> Raw:
    """Atkinson index and its influence; see :func:`linwu_stats.indicators.sampled.atkinson`."""
    if not (epsilon > 0 and np.isfinite(epsilon)):
        raise DesignError(f"Atkinson (阿特金森指数): aversion epsilon={epsilon!r}: above 0")
    mean, persons = sample.mean, sample.spread(sample.persons)
    away = (sample.income - sample.spread(mean)) / sample.spread(mean)
    cases = [(sample.any(sample.income < 0), "negative_income"), (~(mean > 0), "mean_not_positive")]
    if epsilon >= 1:
        cases.insert(1, (sample.any(sample.income == 0), "zero_income"))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if epsilon == 1:
            centre = sample.total(sample.logs) / sample.persons
            even = np.exp(centre)
            moved = sample.logs - sample.spread(centre)
        else:
            power = np.where(sample.income > 0, np.where(sample.income > 0, sample.income, 1.0) ** (1 - epsilon), 0.0)
            centre = sample.total(power) / sample.persons
            even = centre ** (1 / (1 - epsilon))
            moved = (power - sample.spread(centre)) / sample.spread((1 - epsilon) * centre)
        value = 1 - even / mean
        influence = sample.spread(even / mean) * (away - moved) / persons
    return Raw(np.maximum(value, 0.0), influence, no_value(sample, *_alone(sample), *cases))


def variance_of_logs_raw(sample: Sample) -> Raw:
    """Variance of the logarithms of incomes around their own mean, and its influence."""
    centre = sample.total(sample.logs) / sample.persons
    squares = (sample.logs - sample.spread(centre)) ** 2
    value = sample.total(squares) / sample.persons
    reason = no_value(sample, *_alone(sample), (sample.any(sample.income < 0), "negative_income"), (sample.any(sample.income == 0), "zero_income"))
    return Raw(value, (squares - sample.spread(value)) / sample.spread(sample.persons), reason)


def relative_mean_deviation_raw(sample: Sample) -> Raw:
    """Mean distance from the mean, over the mean, and its influence."""
    mean, persons = sample.mean, sample.spread(sample.persons)
    away = sample.income - sample.spread(mean)
    distance = sample.total(np.abs(away)) / sample.persons
    below = sample.total(away <= 0) / sample.persons
    with np.errstate(divide="ignore", invalid="ignore"):
        value = distance / mean
        change = np.abs(away) - sample.spread(distance) + sample.spread(2 * below - 1) * away
        influence = (change - sample.spread(value) * away) / (sample.spread(mean) * persons)
    return Raw(value, influence, no_value(sample, *_alone(sample), (~(mean > 0), "mean_not_positive")))


def hoover_raw(sample: Sample) -> Raw:
    """Share of all income that would have to move for all to have the same, and its influence: half the relative mean deviation."""
    whole = relative_mean_deviation_raw(sample)
    return Raw(whole.value / 2, whole.influence / 2, whole.reason)


def variation_raw(sample: Sample) -> Raw:
    """Coefficient of variation (with N, not N - 1) and its influence: the root of twice the generalised entropy of order 2."""
    half = entropy_raw(sample, 2)
    value = np.sqrt(2 * half.value)
    return Raw(value, half.influence / sample.spread(np.where(value > 0, value, 1.0)), half.reason)


def j_divergence_raw(sample: Sample) -> Raw:
    """Generalised entropy of orders 0 and 1 together, and its influence."""
    low, high = entropy_raw(sample, 0), entropy_raw(sample, 1)
    return Raw(low.value + high.value, low.influence + high.influence, low.reason)


def _alone(sample: Sample) -> list[tuple[np.ndarray, str]]:
    return [(sample.count == 1, "single_household")]


def _entropy_reason(sample: Sample, alpha: float) -> np.ndarray | None:
    if not np.isfinite(alpha):
        raise DesignError(f"generalised entropy (广义熵): order alpha={alpha!r}: a finite number")
    cases = [] if alpha == 2 else [(sample.any(sample.income < 0), "negative_income")]
    if alpha <= 0:
        cases.append((sample.any(sample.income == 0), "zero_income"))
    return no_value(sample, *_alone(sample), *cases, (~(sample.mean > 0), "mean_not_positive"))
