"""An invented county with known true answers (示例县): the published totals to the person, everything else made up.

``make_county`` makes it from a seed; ``write_sample`` writes its ledgers as a county has them; ``true_incomes`` works out the right answers by slow
plain loops, ``true_differences`` and ``true_flags`` what booklet, household file and the departments' lists hold against the register;
``write_prefecture`` writes a whole prefecture's tables in bounded memory. No stage of the package is imported here.
"""

from __future__ import annotations

from linwu_stats.synthetic.county import SEED, County, make_county
from linwu_stats.synthetic.dates import QUARTERS
from linwu_stats.synthetic.department_lists import true_flags
from linwu_stats.synthetic.prefecture import write_prefecture
from linwu_stats.synthetic.sample import write_sample
from linwu_stats.synthetic.sources import true_differences
from linwu_stats.synthetic.truth import true_incomes

__all__ = ["QUARTERS", "SEED", "County", "make_county", "true_differences", "true_flags", "true_incomes", "write_prefecture", "write_sample"]
