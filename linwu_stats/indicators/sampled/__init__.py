"""Poverty and inequality indices with standard errors, intervals and unknowns, for any domain and any line (指标估计与误差).

    from linwu_stats import survey
    from linwu_stats.indicators import sampled

    d = survey.design(frame, weights="weight", strata="township_code", clusters=["village_code"], fpc=["villages"])
    sampled.fgt(d, "income_yuan", 2952, alpha=1)
    sampled.at_risk_rate(d.domain(frame["group"] == "A"), "income_yuan")         # the threshold's own error is in the standard error
    sampled.all_indices(d, "net_fen", 295200, headcount="persons", by="township_code")

Rooms:

- ``functions``   one function an index; ``everything`` all of them at once
- ``indices``     the one table: formula, zero and negative incomes, boundary, axioms, source, R's call
- ``lines``       absolute and relative lines; density at a quantile
- ``poverty``, ``inequality``, ``shares``   values and influence functions
- ``sample``      known incomes, sorted by group once; ``finish`` standard errors and intervals
- ``weights``     the same indices as functions of weights, for jackknife and bootstrap
"""

from __future__ import annotations

from linwu_stats.indicators.sampled.everything import all_indices
from linwu_stats.indicators.sampled.functions import (
    at_risk_rate,
    at_risk_threshold,
    atkinson,
    coefficient_of_variation,
    fgt,
    generalised_entropy,
    gini,
    hoover,
    income_gap_ratio,
    j_divergence,
    lorenz,
    mean,
    mean_log_deviation,
    palma_ratio,
    percentile,
    percentile_ratio,
    poor_median,
    quantile_shares,
    quintile_share_ratio,
    relative_mean_deviation,
    relative_median_gap,
    sen,
    sen_shorrocks_thon,
    share_ratio,
    theil,
    variance_of_logs,
    watts,
)
from linwu_stats.indicators.sampled.indices import INDICES, Index, indices_frame
from linwu_stats.indicators.sampled.lines import Line, absolute, relative, relative_to_mean
from linwu_stats.indicators.sampled.sample import REASONS, Raw, Sample, prepare
from linwu_stats.indicators.sampled.weights import of_weights, replicated

__all__ = [
    "INDICES", "REASONS", "Index", "Line", "Raw", "Sample", "absolute", "all_indices", "at_risk_rate", "at_risk_threshold", "atkinson",
    "coefficient_of_variation", "fgt", "generalised_entropy", "gini", "hoover", "income_gap_ratio", "indices_frame", "j_divergence", "lorenz", "mean",
    "mean_log_deviation", "of_weights", "palma_ratio", "percentile", "percentile_ratio", "poor_median", "prepare", "quantile_shares",
    "quintile_share_ratio", "relative", "relative_mean_deviation", "relative_median_gap", "relative_to_mean", "replicated", "sen",
    "sen_shorrocks_thon", "share_ratio", "theil", "variance_of_logs", "watts",
]
