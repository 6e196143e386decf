"""The six quarters of the sample and the published totals (示例县的季度与公布总数)."""

from __future__ import annotations

import datetime as dt

__all__ = ["COHORTS", "FISCAL_2017", "NOW", "PUBLISHED_HOUSEHOLDS", "QUARTERS", "QUARTER_ENDS", "RURAL_POPULATION", "YEAR_END", "age_on", "quarter_of"]

QUARTERS = ("2016Q4", "2017Q1", "2017Q2", "2017Q3", "2017Q4", "2018Q1")
QUARTER_ENDS = (
    dt.date(2016, 12, 31), dt.date(2017, 3, 31), dt.date(2017, 6, 30), dt.date(2017, 9, 30), dt.date(2017, 12, 31), dt.date(2018, 3, 31),
)
#: Places in QUARTERS: the accounting year 2017 (October to September), the end of 2017, and the newest quarter.
FISCAL_2017 = (0, 1, 2, 3)
YEAR_END = 4
NOW = 5

#: Households and persons at the end of 2017, county report of 2018-05-22: out before 2017, out in 2017, not out.
COHORTS = {"early": (4814 - 1674, 14419 - 5492), "y2017": (1674, 5492), "left": (3372, 9773)}
PUBLISHED_HOUSEHOLDS = 8186
#: Nearest whole denominator that makes 9,773 persons 3.5 %.
RURAL_POPULATION = 279229


def age_on(birth: dt.date, day: dt.date) -> int:
    """Age in completed years (周岁)."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def quarter_of(day: dt.date) -> int:
    """Place in QUARTERS of the quarter that holds the day; -1 before the first, len(QUARTERS) after the last."""
    if day.year < 2016 or (day.year == 2016 and day.month < 10):
        return -1
    return min((day.year - 2016) * 4 + (day.month - 1) // 3 - 3, len(QUARTERS))
