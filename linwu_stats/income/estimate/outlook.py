"""One county after some quarters: forecast, scale and errors of every household (全年测算的中间结果).

:func:`look_ahead` is the whole method in order; the tables are made from what it gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linwu_stats.income.estimate.cells import CLASSES, Cells
from linwu_stats.income.estimate.forecast import Forecast, forecast, measure_pattern
from linwu_stats.income.estimate.growth import fit_growth
from linwu_stats.income.estimate.intervals import Checks, Errors, check_forecasts, county_variance, scale_of, shared_variance
from linwu_stats.income.estimate.settings import Settings
from linwu_stats.income.periods import accounting_year, previous_quarter, quarters_of
from linwu_stats.rules import Rules

__all__ = ["Outlook", "class_forecast", "look_ahead", "span_of"]


@dataclass(frozen=True)
class Outlook:
    """What is known and expected of each household (各户全年测算), arrays in the order of ``cells.households``.

    ``received`` is the net of the known part of the year so far, ``rest`` the forecast of all else, ``scale`` its error's scale, ``shared`` the variance
    that the county shares, ``county`` its relative one by class; ``fallback`` and ``basis`` the codes of the table; ``reason``
    why a household is unknown or less sure;
    ``seen_class`` the received amounts by class, nan where one is unknown, ``last_class`` last year's by class and quarter.
    """

    cells: Cells
    settings: Settings
    year: int
    seen: int
    received: np.ndarray
    made: Forecast | None
    checks: Checks | None
    scale: np.ndarray
    shared: np.ndarray
    county: np.ndarray
    fallback: np.ndarray
    basis: np.ndarray
    reason: np.ndarray
    seen_class: np.ndarray
    last_class: np.ndarray

    @property
    def rest(self) -> np.ndarray:
        """Forecast of the rest of the year, fen as floats; 0 where the year is complete."""
        return np.zeros(len(self.received)) if self.made is None else self.made.net

    @property
    def known(self) -> np.ndarray:
        """Households that have an estimate."""
        return self.fallback != "none"

    def errors(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of households and their standardised errors (各组误差): every known household stands in one of them."""
        groups: list[tuple[np.ndarray, np.ndarray]] = []
        if self.made is None or self.checks is None:
            return groups
        relative = self.scale / np.maximum(np.abs(self.received + self.rest), 100_000.0)
        for code in ("own_year", "own_rest", "group", "law"):
            rows = np.flatnonzero(self.fallback == code)
            errors: Errors = self.checks.errors[code]
            bins = errors.bin_of(relative[rows])
            groups += [(rows[bins == number], pool) for number, pool in enumerate(errors.pools) if (bins == number).any()]
        return groups


def span_of(quarter: str, rules: Rules) -> tuple[list[str], int]:
    """The four quarters of the accounting year that ``quarter`` is in, and how many of them are over (核算年度的季度)."""
    seen = quarters_of("ytd", quarter, rules)
    ahead = [previous_quarter(quarter, -step) for step in range(1, 5 - len(seen))]
    return [*seen, *ahead], len(seen)


def look_ahead(cells: Cells, quarter: str, rules: Rules, settings: Settings) -> Outlook:
    """Forecast the rest of the accounting year of every household from ``cells`` (全年测算); later quarters than ``quarter`` are not looked at."""
    cells = cells.until(quarter)
    quarters, count = span_of(quarter, rules)
    seen, target = list(range(count)), list(range(count, 4))
    years = [cells.year([previous_quarter(name, 4 * back) for name in quarters]) for back in range(3)]
    (this, ledger), (last, ledger_last), (before, ledger_before) = years
    number = len(cells.households)
    received = np.bincount(cells.household, weights=np.nansum(this[:, seen], axis=1) * cells.sign, minlength=number)
    seen_class = _by_class(cells, this[:, seen].sum(axis=1))
    seen_class[~ledger[:, seen].all(axis=1)] = np.nan
    last_class = np.stack([_by_class(cells, last[:, place]) for place in range(4)], axis=2)
    last_class[~ledger_last.all(axis=1)] = np.nan
    year = accounting_year(quarter, rules)
    reason = _reasons(ledger[:, seen], seen_class)
    blank = np.zeros(number)
    if not target:
        whole = reason == ""
        code = np.where(whole, "complete", "none").astype(object)
        return Outlook(cells, settings, year, 4, received, None, None, blank, blank, np.zeros(5), code, code.copy(), reason, seen_class, last_class)
    known_before = before if ledger_before.any() else None
    pattern = measure_pattern(cells, this, last, seen, target, ledger_last, settings, quarters)
    growth = fit_growth(cells, this, last, seen, settings, known_before, pattern.level)
    made = forecast(cells, this, last, seen, target, ledger, ledger_last, growth, pattern, settings)
    checks = check_forecasts(cells, years, seen, target, growth, settings, quarters)
    scale = scale_of(made.variance, received + made.net, settings)
    county = county_variance(growth, checks, count, len(target), pattern.has_last)
    shared = shared_variance(cells, made, pattern.level, county, quarters[count:], settings)
    fallback = np.where(made.unknown, "none", made.fallback).astype(object)
    basis = np.array(["none" if code == "none" else checks.errors[code].basis for code in fallback], dtype=object)
    reason = np.where((reason == "") & made.unsure, "part_estimated", reason)
    return Outlook(
        cells, settings, year, count, received, made, checks, scale, shared, county, fallback, basis, reason, seen_class, last_class,
    )


def class_forecast(outlook: Outlook) -> np.ndarray:
    """Whole year by class (分类全年测算): received and forecast; nan where the household has no estimate."""
    total = _by_class(outlook.cells, np.zeros(len(outlook.cells.household))) if outlook.made is None else outlook.made.by_class
    return np.where(outlook.known[:, None], np.nan_to_num(outlook.seen_class) + total, np.nan)


def _by_class(cells: Cells, amounts: np.ndarray) -> np.ndarray:
    """Sums by household and class; nan where an amount is unknown."""
    code = cells.household * len(CLASSES) + cells.cell_class
    total = np.bincount(code, weights=amounts, minlength=len(cells.households) * len(CLASSES))
    return total.reshape(len(cells.households), len(CLASSES))


def _reasons(ledger: np.ndarray, seen_class: np.ndarray) -> np.ndarray:
    missing = ~ledger.all(axis=1)
    return np.where(missing, "quarter_missing", np.where(np.isnan(seen_class).any(axis=1), "amount_unknown", "")).astype(object)
