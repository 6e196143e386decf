"""How far forecasts of this kind have been off (区间): empirical quantiles of earlier forecast errors, scaled to the household.

Incomes have heavy tails and many zeros, so no normal law is assumed. Forecasts whose outcome is already known are made in the same way and their errors
divided by the household's own scale s: z = (outcome − forecast) / s. The quantiles of z among alike households, times s, are the interval (split conformal
prediction with a scaled score: Lei, G'Sell, Rinaldo, Tibshirani, Wasserman 2018, JASA 113, sec. 5.2; by groups: Vovk 2012, Mondrian). Alike are
households of the same fallback and fifth of s over the income of the year. Which forecasts can be checked:

- ``year_ago``: last year's at the same stage, where the ledgers of the year before it are there
- ``this_year``: the quarters seen so far, each from those before it
- ``same_year``: last year's T from its S by the seasonal ratios alone, for households without a ledger of last year
- ``assumed``: none; the normal quantile on the assumed scale of the rule, which the page says

A change that the whole county shares (共同变动) does not show in the spread between households. Its variance is that of the classes' growth from quarter to
quarter; checked errors are taken around their item's mean and the shared variance is added to the interval.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from linwu_stats.income.estimate.cells import CLASSES, SIGNS, Cells
from linwu_stats.income.estimate.forecast import Forecast, forecast, measure_pattern
from linwu_stats.income.estimate.growth import Growth, fit_growth, one_way
from linwu_stats.income.estimate.settings import Settings

__all__ = ["LEVELS", "Checks", "Errors", "check_forecasts", "county_variance", "scale_of", "shared_variance"]

#: Quantiles of the intervals: 80 and 95 percent.
LEVELS = {"low80": 0.1, "high80": 0.9, "low95": 0.025, "high95": 0.975}
_BINS = 5
_GRID = norm.ppf((np.arange(400) + 0.5) / 400)


@dataclass(frozen=True)
class Errors:
    """Standardised errors of checked forecasts (标准化误差) by bin of relative scale; ``edges`` are the bins' inner bounds.

    ``this_year`` checks are of another part of the year, whose scales are not those of today: there a bin is a part of today's own ranks.
    """

    basis: str
    edges: np.ndarray
    pools: list[np.ndarray]

    def bin_of(self, relative: np.ndarray) -> np.ndarray:
        """Bin of each household by its scale over the income of its year."""
        edges = np.quantile(relative, np.arange(1, len(self.pools)) / len(self.pools)) if self.basis == "this_year" and len(relative) else self.edges
        return np.searchsorted(edges, relative, side="left")


@dataclass(frozen=True)
class Checks:
    """All errors that count for one estimate (误差依据): by fallback; ``village`` is the variance that households of a village share, by class;
    ``misfit`` how far off the county's classes as a whole were, squared, where the seasons are those of the law."""

    errors: dict[str, Errors]
    village: np.ndarray
    misfit: np.ndarray


@dataclass(frozen=True)
class _Checked:
    """One forecast whose outcome is known: outcome less forecast by household and class, scale, income of the year, forecast by class."""

    miss: np.ndarray
    scale: np.ndarray
    income: np.ndarray
    by_class: np.ndarray
    misfit: np.ndarray


def scale_of(variance: np.ndarray, income: np.ndarray, settings: Settings) -> np.ndarray:
    """Scale s of a household's error (误差尺度): root of the variance and the floor share of the year's income."""
    return np.sqrt(variance + (settings.floor_share * np.maximum(np.abs(income), 100_000.0)) ** 2)


def check_forecasts(
    cells: Cells, years: list[tuple[np.ndarray, np.ndarray]], seen: list[int], target: list[int], growth: Growth, settings: Settings, quarters: list[str],
) -> Checks:
    """Errors of all forecasts that can be checked (可检验的预测误差): ``years`` are amounts and ledgers of this year, last year and the year before."""
    (this, ledger_this), (last, ledger_last), (_, ledger_before) = years
    found: dict[str, list[tuple[str, _Checked]]] = {"own_year": [], "group": [], "law": []}
    year_ago = bool(ledger_before.any() and ledger_last.any())
    if year_ago:
        found["own_year"] += [("year_ago", one) for one in _year_ago(cells, years, seen, target, settings, quarters)]
    steps = [(seen[:place], [seen[place]]) for place in range(1, len(seen))] or ([([], seen)] if ledger_last.any() else [])
    for known, then in [] if year_ago else steps:
        pattern = measure_pattern(cells, this, last, known, then, ledger_last, settings, quarters)
        made = forecast(cells, this, last, known, then, ledger_this, ledger_last, growth, pattern, settings)
        code = "own_year" if ledger_last.any() else "law"
        one = _checked(cells, made, this, ledger_this, then, made.fallback == code, _year_income(cells, this, last, seen, target), settings)
        found[code].append(("this_year", one))
    if ledger_last.any():
        pattern = measure_pattern(cells, last, last, seen, target, ledger_last, settings, quarters)
        made = forecast(cells, last, last, seen, target, ledger_last, ledger_last, growth, pattern, settings, own=False)
        rows = ledger_last.all(axis=1)
        found["group"].append(("same_year", _checked(cells, made, last, ledger_last, target, rows, _year_income(cells, last, last, seen, target), settings)))
    errors = {code: _pool(parts, settings) for code, parts in found.items()}
    errors["own_rest"] = errors["own_year"]
    of_own = [one for _, one in found["own_year"] + found["law"]]
    misfit = np.mean([one.misfit for _, one in found["law"]], axis=0) if found["law"] else np.zeros(len(CLASSES))
    return Checks(errors, _village_variance(cells, of_own), misfit)


def _year_ago(cells: Cells, years: list, seen: list[int], target: list[int], settings: Settings, quarters: list[str]) -> list[_Checked]:
    """Last year's forecast at the same stage, made with what was known then."""
    _, (last, ledger_last), (before, ledger_before) = years
    known = last.copy()
    known[:, target] = np.nan
    pattern = measure_pattern(cells, known, before, seen, target, ledger_before, settings, quarters)
    growth = fit_growth(cells, known, before, seen, settings, level=pattern.level)
    made = forecast(cells, known, before, seen, target, ledger_last, ledger_before, growth, pattern, settings)
    return [_checked(cells, made, last, ledger_last, target, made.fallback == "own_year", _year_income(cells, known, before, seen, target), settings)]


def _year_income(cells: Cells, this: np.ndarray, last: np.ndarray, seen: list[int], target: list[int]) -> np.ndarray:
    """Rough income of the year, to measure a scale by: what was seen and last year's rest."""
    amount = np.nansum(this[:, seen], axis=1) + np.nansum(last[:, target], axis=1)
    return np.bincount(cells.household, weights=amount * cells.sign, minlength=len(cells.households))


def _checked(
    cells: Cells, made: Forecast, outcome: np.ndarray, ledger: np.ndarray, then: list[int], wanted: np.ndarray, income: np.ndarray, settings: Settings,
) -> _Checked:
    """Errors of one forecast, around the mean of each item, of households whose outcome is whole."""
    rows = wanted & ledger[:, then].all(axis=1) & ~made.unknown & ~made.unsure
    got = outcome[:, then].sum(axis=1)
    rows &= np.bincount(cells.household, weights=np.isnan(got), minlength=len(rows)) == 0
    kept = rows[cells.household]
    got = np.where(kept, got, 0.0)
    expected = np.where(kept, made.cell, 0.0)
    total = np.bincount(cells.item, weights=expected, minlength=len(cells.items))
    shift = np.divide(np.bincount(cells.item, weights=got, minlength=len(cells.items)), total, out=np.ones(len(cells.items)), where=total > 0)
    # The mean of few households is their own error rather than the county's change.
    count = np.bincount(cells.item[kept & (expected > 0)], minlength=len(cells.items))
    shift = 1.0 + (np.clip(shift, 0.5, 2.0) - 1.0) * count / (count + settings.cells_min)
    miss = np.zeros_like(made.by_class)
    np.add.at(miss, (cells.household, cells.cell_class), got - expected * shift[cells.item])
    fresh = made.by_class - _by_class(cells, made.cell)
    class_got = np.bincount(cells.cell_class, weights=got, minlength=len(CLASSES))
    class_expected = np.bincount(cells.cell_class, weights=expected, minlength=len(CLASSES))
    ratio = np.divide(class_got, class_expected, out=np.ones(len(CLASSES)), where=class_expected > 0)
    scale = scale_of(made.variance, income, settings)[rows]
    by_class = np.where(rows[:, None], made.by_class, np.nan)
    return _Checked((miss - fresh)[rows], scale, income[rows], by_class, np.clip(ratio - 1.0, -1.0, 1.0) ** 2)


def _by_class(cells: Cells, amounts: np.ndarray) -> np.ndarray:
    total = np.zeros((len(cells.households), len(CLASSES)))
    np.add.at(total, (cells.household, cells.cell_class), amounts)
    return total


def _pool(parts: list[tuple[str, _Checked]], settings: Settings) -> Errors:
    """Errors by fifths of the relative scale; fewer bins, at last one, where there are few; the assumed ones where there are none."""
    kept = [(basis, one) for basis, one in parts if len(one.scale)]
    count = sum(len(one.scale) for _, one in kept)
    if count < settings.checks_min:
        return Errors("assumed", np.array([]), [_GRID])
    z = np.concatenate([(one.miss @ SIGNS) / one.scale for _, one in kept])
    # Stages differ in how much is still to come: a fifth is a fifth of its own stage, the edges those of the last.
    bins = min(_BINS, count // settings.checks_min)
    ranks = [_fifth(one, bins) for _, one in kept]
    place = np.concatenate([rank for rank, _ in ranks])
    return Errors(kept[0][0], ranks[0][1], [np.sort(z[place == number]) for number in range(bins)])


def _fifth(one: _Checked, bins: int) -> tuple[np.ndarray, np.ndarray]:
    relative = one.scale / np.maximum(np.abs(one.income), 100_000.0)
    edges = np.quantile(relative, np.arange(1, bins) / bins)
    return np.searchsorted(edges, relative, side="left"), edges


def _village_variance(cells: Cells, checked: list[_Checked]) -> np.ndarray:
    """Variance of the relative error of a class that households of a village share (同村共同方差), mean over the checks."""
    found = np.zeros((0, len(CLASSES)))
    for one in checked:
        rows = ~np.isnan(one.by_class[:, 0])
        expected = one.by_class[rows]
        village = cells.village[rows]
        shared = np.zeros(len(CLASSES))
        for number in range(len(CLASSES)):
            weighs = expected[:, number] > 0.02 * np.maximum(expected.sum(axis=1), 1.0)
            if weighs.sum() > 2:
                relative = np.clip(one.miss[weighs, number] / expected[weighs, number], -1.0, 1.0)
                shared[number] = one_way(relative - relative.mean(), village[weighs], int(cells.village.max(initial=0)) + 1)[1]
        found = np.vstack([found, shared])
    return found.mean(axis=0) if len(found) else np.zeros(len(CLASSES))


def county_variance(growth: Growth, checks: Checks, seen: int, left: int, has_last: bool) -> np.ndarray:
    """Relative variance of each class's rest that the whole county shares (共同变动方差): of the growth seen and of each quarter to come; with seasons of the
    law, how far they were off."""
    return growth.surprise * (1.0 / max(seen, 1) + 1.0 / max(left, 1)) if has_last else checks.misfit


def shared_variance(cells: Cells, made: Forecast, level: np.ndarray, county: np.ndarray, to_come: list[str], settings: Settings) -> np.ndarray:
    """Variance of a household's net from changes that the whole county shares (共同变动): ``county`` by class, and new rates.

    New rates of monthly allowances (estimate.rates) count where their quarter is still to come; as a plain sum, since one notice raises them all.
    """
    shared = (made.by_class**2) @ county
    if any(quarter.endswith(settings.rate_quarter) for quarter in to_come):
        carried = np.where(level[cells.item], made.cell * cells.sign, 0.0)
        shared = shared + (settings.rate_spread_share * np.bincount(cells.household, weights=carried, minlength=len(shared))) ** 2
    return shared
