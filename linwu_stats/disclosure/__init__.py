"""What may be published of households and persons (公开数据的保密处理).

- ``system``    the counts that a county publishes of one quarter, and the sums that tie them together
- ``suppress``  which cells are withheld: the small ones, and further ones so that no sum gives a small one away
- ``audit``     what a reader can still work out of each withheld cell, by linear programming
- ``protect``   the table ``public_cells``
- ``rates``     the table ``public_rates``

One plan covers all tables of a quarter, since a reader sets them side by side. Differences between two quarters' publications are not covered: who
left poverty is posted by name in the village anyway, and a stock of one quarter less that of another is their number.
"""

from __future__ import annotations

from linwu_stats.disclosure.audit import open_cells
from linwu_stats.disclosure.protect import protect_counts, public_cells
from linwu_stats.disclosure.rates import protect_rates, public_rates
from linwu_stats.disclosure.suppress import small_cells
from linwu_stats.disclosure.system import CONDITIONS, INPUTS, counted

__all__ = ["CONDITIONS", "INPUTS", "counted", "open_cells", "protect_counts", "protect_rates", "public_cells", "public_rates", "small_cells"]
