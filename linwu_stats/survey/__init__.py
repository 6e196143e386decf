"""Survey designs, variances and intervals of samples and registers (抽样设计与误差).

A design is stated by the caller and never guessed; a figure is an :class:`Estimate` with its standard error, interval, sample size, unknowns,
degrees of freedom and design effect::

    from linwu_stats import survey

    d = survey.design(frame, weights="weight", strata="township_code", clusters=["village_code"], fpc=["villages"], lone="refuse")
    survey.mean(d, "income_yuan")                          # Taylor linearisation
    survey.mean(d.domain(frame["group"] == "A"), "income_yuan")   # a domain keeps the full design
    survey.replicates(d, "bootstrap", count=500, seed=1).estimate(lambda w: ...)   # any function of the weights

Rooms, each read in one sitting:

- ``columns``    the columns that the caller states, read and checked
- ``design``     the stated design, its contradictions, ``Design``
- ``stages``     stages of sampling and the variance of weighted totals
- ``calibrate``  post-stratification, raking, linear calibration, and their residuals
- ``linearise``  totals, means, ratios, proportions, variances; ``estimate`` is the hook for any other influence function
- ``quantile``   quantiles with Woodruff intervals
- ``intervals``  Wald, logit, Wilson, Korn-Graubard and others
- ``replicate``  jackknife and bootstrap weights
"""

from __future__ import annotations

from linwu_stats.survey.calibrate import calibrate, poststratify, rake
from linwu_stats.survey.columns import DesignError
from linwu_stats.survey.design import Design, design, register
from linwu_stats.survey.intervals import KINDS, Interval, interval
from linwu_stats.survey.linearise import Estimate, by, contrast, estimate, mean, proportion, ratio, total, variance
from linwu_stats.survey.quantile import QUANTILE_RULES, quantile, weighted_quantile
from linwu_stats.survey.replicate import ReplicateEstimate, Replicates, given_replicates, replicates

__all__ = [
    "KINDS", "QUANTILE_RULES", "Design", "DesignError", "Estimate", "Interval", "ReplicateEstimate", "Replicates", "by", "calibrate", "contrast",
    "design", "estimate", "given_replicates", "interval", "mean", "poststratify", "proportion", "quantile", "rake", "ratio", "register", "replicates",
    "total", "variance", "weighted_quantile",
]
