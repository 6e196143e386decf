"""Income, poverty and inequality of areas and groups (指标).

- ``measure``      a value or the reason why there is none; which rows are known
- ``poverty``      headcount ratio, poverty gap, squared gap, Watts, contributions
- ``inequality``   mean, quantiles, Gini, Theil, quintile share ratio
- ``composition``  income by class, change on a year ago
- ``definitions``  term, unit, formula, boundary and source of every indicator
- ``make``         the table ``indicators`` of one quarter
- ``detail``       tables of detail: bounds; ``detail_parts`` sources and groups, ``detail_changes`` changes, several lacks, curves; ``details`` all of them

Of any survey design, with standard errors:

- ``sampled``      all indices for any domain and any line
- ``decompose``    by group, by source, growth and redistribution, Shapley
- ``multidimensional``  Alkire-Foster on the guarantees
- ``dominance``    stochastic and Lorenz dominance, growth incidence
- ``small_area``   Fay-Herriot estimates of areas with few households in a sample
"""

from __future__ import annotations

from linwu_stats.indicators import decompose, measure
from linwu_stats.indicators.definitions import DEFINITIONS, Definition, definitions_frame
from linwu_stats.indicators.details import NEEDED, make_details
from linwu_stats.indicators.make import make_indicators, township_contributions
from linwu_stats.indicators.measure import Measure

__all__ = [
    "DEFINITIONS", "NEEDED", "REASONS", "Definition", "Measure", "definitions_frame", "make_details", "make_indicators", "township_contributions",
]

#: Reason codes of all indicators, and what they say in Chinese.
REASONS: dict[str, str] = {**decompose.REASONS, **measure.REASONS}
