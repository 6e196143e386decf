"""Looking back for households missed and wrongly let go (回头看): plan, draw, and the rates with what they prove.

- ``exact``        exact one-sided bounds and sample sizes from counts
- ``definitions``  the rates as texts define them, their own denominators, bars and verdicts
- ``clustering``   how alike the households of a village are
- ``plan``         how many villages and households
- ``draw``         villages by size, households in and off the register, reserves
- ``settle``       which answers count, and for how many
- ``bounds``       one-sided bounds of a clustered sample
- ``rates``        all rates of a look-back with their verdicts

The worksheets go out and come back in ``ledgers.lookback_sheets``.
"""

from __future__ import annotations

from linwu_stats.exits.lookback.clustering import intra_village_correlation
from linwu_stats.exits.lookback.definitions import bar_of, combined_incidence, decide, definitions_of, more_households, official_rate
from linwu_stats.exits.lookback.draw import KINDS, draw_lookback, draw_villages, frame_facts, village_frame
from linwu_stats.exits.lookback.exact import LookbackError, clustered_effect, exact_bound, largest_allowed, pass_probability, sample_size
from linwu_stats.exits.lookback.plan import lookback_plan
from linwu_stats.exits.lookback.rates import lookback_rates
from linwu_stats.exits.lookback.settle import settle_answers

__all__ = [
    "KINDS", "LookbackError", "bar_of", "clustered_effect", "combined_incidence", "decide", "definitions_of", "draw_lookback", "draw_villages", "exact_bound",
    "frame_facts", "intra_village_correlation", "largest_allowed", "lookback_plan", "lookback_rates", "more_households", "official_rate",
    "pass_probability", "sample_size", "settle_answers", "village_frame",
]
