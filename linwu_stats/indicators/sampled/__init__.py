"""Poverty and inequality indices with standard errors, intervals and unknowns, for any domain and any line (指标估计与误差).

Rooms:

- ``sample``      known incomes, sorted by group once
- ``lines``       absolute and relative lines; density at a quantile
- ``poverty``     FGT and the other poverty indices
- ``inequality``  Gini and the other inequality indices
- ``finish``      standard errors and intervals, of one domain or of all groups in one pass
- ``functions``   what a caller uses
"""

from __future__ import annotations

from linwu_stats.indicators.sampled.functions import fgt, gini, mean
from linwu_stats.indicators.sampled.lines import Line, absolute, relative, relative_to_mean
from linwu_stats.indicators.sampled.sample import REASONS, Raw, Sample, prepare

__all__ = ["REASONS", "Line", "Raw", "Sample", "absolute", "fgt", "gini", "mean", "prepare", "relative", "relative_to_mean"]
