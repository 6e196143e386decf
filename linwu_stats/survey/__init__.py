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

Numbers are those of R's survey 4.1-1 to nine digits (``tests/test_survey_reference.py``), except where that version

- compares floats for equality: a quantile whose share is reached exactly is found here within 1e-12, there sometimes the next value;
- takes the second smallest value for a share below the first one's; the smallest here;
- interpolates the profile of "likelihood" intervals by a spline (ends differ by up to about one per cent); solved here;
- reflects the lower end of "asin" intervals at zero; cut off there here;
- counts rows without a value, and after calibration rows outside the domain, in the sample size of "beta" intervals; the known rows of the domain here;
- stops ``rake`` at a change of one unit; within 1e-12 here. The residuals of its ``rake`` are unweighted (``residuals="unweighted"``);
- leaves rows of certainty strata out of replicate totals with ``mse=TRUE``, but not out of their centre; nothing is left out here;
- averages lone units of later stages within each parent unit (NaN where all are lone); over the stage here;
- uses the normal distribution in ``confint`` unless told ``df``; the t distribution with the design's degrees of freedom here (``df=math.inf`` for normal);
- centres replicates on their mean; on the estimate here (``centre="mean"`` for R's default).
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
