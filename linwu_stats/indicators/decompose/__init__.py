"""Decompositions: what an indicator is made of, and what moved it (指标的分解).

- ``parts``      incomes in a design, how errors pass through a formula, ``Decomposition``
- ``subgroups``  FGT by group; generalised entropy and Gini within and between groups
- ``sources``    Gini by income source, with elasticities
- ``change``     growth and redistribution (Datt-Ravallion, Shapley), by sector (Ravallion-Huppi)
- ``shapley``    exact Shapley values of any factors; the factors of a change in exits

::

    from linwu_stats import survey
    from linwu_stats.indicators import decompose

    d = survey.design(frame, weights="weight", strata="township_code", clusters=["village_code"])
    decompose.decompose_fgt(d, "income", 3200, "cause", alpha=1).frame()
    decompose.decompose_sources(d, {"wage": "wage", "transfer": "transfer"})["wage", "elasticity"]
"""

from __future__ import annotations

from linwu_stats.indicators.decompose.change import change_by_sector, growth_redistribution
from linwu_stats.indicators.decompose.parts import REASONS, Decomposition
from linwu_stats.indicators.decompose.shapley import exit_parts, explain_exits, shapley
from linwu_stats.indicators.decompose.sources import decompose_sources
from linwu_stats.indicators.decompose.subgroups import decompose_entropy, decompose_fgt, decompose_gini

__all__ = [
    "REASONS", "Decomposition", "change_by_sector", "decompose_entropy", "decompose_fgt", "decompose_gini", "decompose_sources", "exit_parts", "explain_exits",
    "growth_redistribution", "shapley",
]
