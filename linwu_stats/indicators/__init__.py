"""Income, poverty and inequality of areas and groups (指标).

- ``measure``      a value or the reason why there is none; which rows are known
- ``poverty``      headcount ratio, poverty gap, squared gap, Watts, contributions
- ``inequality``   mean, quantiles, Gini, Theil, quintile share ratio
- ``composition``  income by class, change on a year ago
- ``definitions``  term, unit, formula, boundary and source of every indicator
- ``make``         the table ``indicators`` of one quarter
"""

from __future__ import annotations

from linwu_stats.indicators.definitions import DEFINITIONS, Definition, definitions_frame
from linwu_stats.indicators.make import make_indicators, township_contributions
from linwu_stats.indicators.measure import REASONS, Measure

__all__ = ["DEFINITIONS", "REASONS", "Definition", "Measure", "definitions_frame", "make_indicators", "township_contributions"]
