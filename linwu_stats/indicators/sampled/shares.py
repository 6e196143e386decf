"""Values and influence functions of quantiles, income shares and the Lorenz curve (分位数、收入份额与洛伦茨曲线).

The income of the poorest share p of persons splits the household on the border, so that exactly p of the persons are counted (``ties="split"``);
``ties="whole"`` takes whole rows at the quantile, as R's convey and laeken and Eurostat's S80/S20 do, and their influence with kernel densities.

Source: Langel and Tillé (2011), Survey Research Methods 5 (quintile share ratio); Kovacevic and Binder (1997), Journal of Official Statistics 13 (Lorenz);
Osier (2009); Cobham and Sumner (2013) for the ratio after Palma.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from linwu_stats.indicators.sampled.lines import density as kernel_density
from linwu_stats.indicators.sampled.lines import quantile_influence
from linwu_stats.indicators.sampled.sample import Raw, Sample, first_reason, no_value
from linwu_stats.survey.columns import DesignError

__all__ = ["lorenz_raw", "percentile_ratio_raw", "quantile_raw", "share_ratio_raw", "share_raw"]


class Held(NamedTuple):
    """Total income of part of the persons, and its influence (部分人口的收入)."""

    value: np.ndarray
    influence: np.ndarray


def quantile_raw(sample: Sample, share: float = 0.5, *, rule: str = "math", density: str = "sparsity") -> Raw:
    """Quantile and its influence."""
    _between(share)
    value = sample.quantile(share, rule)
    return Raw(value, quantile_influence(sample, value, share, density))


def percentile_ratio_raw(sample: Sample, upper: float = 0.9, lower: float = 0.1, *, rule: str = "math", density: str = "sparsity") -> Raw:
    """Ratio of two quantiles and its influence; without value where the lower one is not above 0."""
    above, below = (quantile_raw(sample, share, rule=rule, density=density) for share in (upper, lower))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = above.value / below.value
        influence = (above.influence - sample.spread(value) * below.influence) / sample.spread(below.value)
    return Raw(value, influence, no_value(sample, (~(below.value > 0), "divisor_not_positive")))


def share_ratio_raw(sample: Sample, top: float = 0.2, bottom: float = 0.2, *, ties: str = "split", rule: str = "math") -> Raw:
    """Income of the richest ``top`` over that of the poorest ``bottom`` and its influence; without value where the latter is not above 0."""
    _between(top), _between(bottom)
    whole = Held(sample.persons * sample.mean, sample.income)
    upto, low = _held(sample, 1 - top, ties, rule), _held(sample, bottom, ties, rule)
    high = Held(whole.value - upto.value, whole.influence - upto.influence)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = high.value / low.value
        influence = (high.influence - sample.spread(value) * low.influence) / sample.spread(low.value)
    return Raw(value, influence, no_value(sample, (sample.count == 1, "single_household"), (~(low.value > 0), "bottom_not_positive")))


def share_raw(sample: Sample, lower: float, upper: float, *, ties: str = "split", rule: str = "math") -> Raw:
    """Share of all income that the persons between two population shares hold, and its influence: quintile shares for 0 to 0.2, 0.2 to 0.4 and so on."""
    first, last = lorenz_raw(sample, lower, ties=ties, rule=rule), lorenz_raw(sample, upper, ties=ties, rule=rule)
    return Raw(last.value - first.value, last.influence - first.influence, first_reason(first.reason, last.reason))


def lorenz_raw(sample: Sample, share: float, *, generalised: bool = False, ties: str = "split", rule: str = "math") -> Raw:
    """Lorenz ordinate (share of income held by the poorest ``share``) or generalised (times the mean), and its influence."""
    if not 0 <= share <= 1:
        raise DesignError(f"Lorenz (洛伦茨曲线): share {share!r} lies outside 0 to 1")
    whole = sample.persons * sample.mean
    if share in (0, 1):
        part = Held(whole * share, sample.income * share)
    else:
        part = _held(sample, share, ties, rule)
    size = sample.persons if generalised else whole
    with np.errstate(divide="ignore", invalid="ignore"):
        value = part.value / size
        influence = (part.influence - sample.spread(value) * (1.0 if generalised else sample.income)) / sample.spread(size)
    return Raw(value, influence, None if generalised else no_value(sample, (~(whole > 0), "mean_not_positive")))


def _held(sample: Sample, share: float, ties: str, rule: str) -> Held:
    """Income of the poorest ``share`` of persons."""
    if ties not in ("split", "whole"):
        raise DesignError(f"ties={ties!r} (跨界户的处理): 'split' or 'whole'")
    if ties == "whole":
        quantile = sample.quantile(share, rule)
        inside = sample.income <= sample.spread(quantile)
        slope = kernel_density(sample, quantile, sample.income) * sample.persons
        influence = sample.income * inside + sample.spread(slope) * quantile_influence(sample, quantile, share)
        return Held(sample.total(sample.income * inside), influence)
    wanted = share * sample.persons
    place = _places(sample, wanted)
    quantile = sample.income[place]
    value = sample.held[place] - quantile * (sample.reached[place] - wanted)
    edge = sample.spread(quantile)
    return Held(value, np.minimum(sample.income - edge, 0.0) + share * edge)


def _places(sample: Sample, wanted: np.ndarray) -> np.ndarray:
    """Row of each group at which the persons reached are as many as wanted."""
    ends = sample.start + sample.count
    found = [a + np.searchsorted(sample.reached[a:b], want * (1 - 1e-15)) for a, b, want in zip(sample.start, ends, wanted, strict=True)]
    return np.minimum(np.array(found, dtype=np.int64), ends - 1)


def _between(share: float) -> None:
    if not 0 < share < 1:
        raise DesignError(f"share (份额) {share!r} must lie between 0 and 1")
