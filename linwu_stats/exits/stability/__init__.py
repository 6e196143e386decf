"""Who may fall back (返贫风险): margin, dependence, shocks, probability, monitoring groups.

Income is that of the last four quarters (最近四个季度), not of the last complete accounting year: a household that fell this winter is seen this
winter, and four quarters hold every season once. It is set against the line of the calendar year of the report, as the indicators are; the probability is of
the four quarters to come against next year's line. Only households on the register can be judged: 边缘易致贫户 are not on it, so that their number is what the
county reports, or not known.

- ``basis``       the last four quarters in whole fen
- ``dependence``  one class, item, worker or transfer
- ``shocks``      named shocks and the probability
- ``groups``      the groups of the monitoring rule
- ``counts``      areas
"""

from __future__ import annotations

from linwu_stats.exits.stability.counts import count_monitoring, count_shocks
from linwu_stats.exits.stability.groups import REASONS, assess_stability, stability_tables

__all__ = ["REASONS", "assess_stability", "count_monitoring", "count_shocks", "stability_tables"]
