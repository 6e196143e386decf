"""From part of a year to the year: full-year net income with honest uncertainty (全年纯收入测算).

After one, two or three quarters of the accounting year each household's year is received + rest. The rest is forecast item by item and quarter by quarter:

    rest_i = Σ_s Σ_{q in T} y_isq g_is,     g_is = G_s + t + v + w (B_is / A_is − G_s − t − v)

last year's amount of the household for the quarters T to come, times a growth that is the item's own in the county, moved toward what township, village and
household have shown so far as far as the data say that it lasts (:mod:`.growth`, empirical Bayes). Monthly allowances are carried forward, new
items and new households follow the seasonal ratios of their group, a county without a ledger of last year those of the law (:mod:`.forecast`);
each household's ``fallback`` says which. Intervals and probabilities come from the errors of forecasts of this kind whose outcome is already known
(:mod:`.intervals`, conformal prediction), areas from joint draws in which villages share their harvests (:mod:`.areas`), the record from every
earlier year (:mod:`.record`). After four quarters the estimate is the account itself.

- ``settings``    the rules estimate.*
- ``cells``       household by item by quarter
- ``growth``      change on last year, shrunk
- ``forecast``    the rest of the year and its variance
- ``intervals``   checked errors
- ``outlook``     the method in order
- ``households``, ``areas``, ``record``   the tables

Sources: Robinson (1991), That BLUP is a good thing, Statistical Science 6; Searle, Casella, McCulloch (1992), Variance Components; Lei et al. (2018), JASA 113;
Gneiting, Katzfuss (2014), Probabilistic forecasting, for calibration and scores; the period is that of 上年10月1日至本年9月30日.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from linwu_stats.income.estimate.areas import estimate_areas
from linwu_stats.income.estimate.cells import Cells, make_cells
from linwu_stats.income.estimate.households import estimate_households
from linwu_stats.income.estimate.outlook import Outlook, look_ahead, span_of
from linwu_stats.income.estimate.record import calibrate_estimates, record_estimates, try_years
from linwu_stats.income.estimate.settings import Settings, read_settings
from linwu_stats.rules import Rules

__all__ = [
    "Cells", "Outlook", "Settings", "calibrate_estimates", "estimate_areas", "estimate_households", "estimate_year", "look_ahead", "make_cells",
    "read_settings", "record_estimates", "span_of", "try_years",
]


def estimate_year(
    item_amounts: pd.DataFrame, quarter_income: pd.DataFrame, headcounts: pd.DataFrame, households: pd.DataFrame, rules: Rules, quarter: str,
    seed: int | None = None,
) -> dict[str, pd.DataFrame]:
    """Estimate the accounting year of ``quarter`` of every household and area, with its record (全年测算): the tables of this room.

    Takes ``item_amounts`` (lines of this quarter and all earlier ones), ``quarter_income`` (``household_income`` of period ``quarter``, one row a
    household and quarter), ``headcounts`` and ``households`` of this quarter. Quarters after ``quarter`` are not looked at. Gives ``income_estimates``,
    ``estimate_areas``, ``estimate_record`` and ``estimate_calibration``. Rules: estimate.*, line.*, exit.household.income, period.*. ``seed`` is that
    of estimate.simulation unless given.
    """
    settings = read_settings(rules)
    if seed is not None:
        settings = replace(settings, seed=seed)
    quarters = sorted({name for name in quarter_income["last_quarter"].dropna() if name <= quarter} | {quarter})
    cells = make_cells(item_amounts, quarter_income, households, quarters)
    outlook = look_ahead(cells, quarter, rules, settings)
    trials = try_years(cells, headcounts, quarter, rules, settings)
    return {
        "income_estimates": estimate_households(outlook, headcounts, rules),
        "estimate_areas": estimate_areas(outlook, headcounts, households, rules),
        "estimate_record": record_estimates(trials),
        "estimate_calibration": calibrate_estimates(trials),
    }
