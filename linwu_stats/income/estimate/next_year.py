"""What the next four quarters bring, from the year-on-year change as measured (下年收入预期).

For item s let y and x be a household's amounts of the same quarter a year ago and now. The growth G_s is the ratio of sums over the quarters that both
years have; items of few households are blended with their class. The change of a household has a lasting and a passing part, with the variances of
:mod:`.growth`. The four quarters to come are expected to bring

    E_is = X_is (1 + growth_share (G_s − 1)),    X_is the sum of the last four quarters; a monthly allowance: four times its latest quarter

and the error has the scale s² = Σ_is (passing_s Σ_q p² + lasting_s (Σ_q p)²) + floor². Its shape is not assumed: last year's quarters are
used in the same way to predict this year's, and the errors over their scale, by bins of the relative scale, are handed on (conformal prediction, as in
:mod:`.intervals`). What the whole county shares does not show between households and is handed on beside it. Without a quarter that two years
have, the spread is that of the rule ``estimate.interval``, the shape normal, and the basis says ``assumed``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from linwu_stats.income.estimate.cells import CLASSES, SIGNS, Cells
from linwu_stats.income.estimate.forecast import measure_pattern
from linwu_stats.income.estimate.growth import fit_growth
from linwu_stats.income.estimate.intervals import scale_of
from linwu_stats.income.estimate.settings import Settings
from linwu_stats.income.periods import previous_quarter, quarters_of
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["Changes", "expect_next_year", "item_changes", "measure_changes", "next_year_errors"]

_BINS = 5
_KEPT = 400


@dataclass(frozen=True)
class Changes:
    """Changes on the year before (同比变动): arrays by item (``level``, ``growth``, ``lasting``, ``passing``, ``users``), the county's own
    ``surprise`` by class, and the cells of the last four quarters, ``this``."""

    cells: Cells
    quarters: list[str]
    this: np.ndarray
    last: np.ndarray
    ledger: np.ndarray
    ledger_last: np.ndarray
    both: list[int]
    level: np.ndarray
    level_variance: np.ndarray
    growth: np.ndarray
    lasting: np.ndarray
    passing: np.ndarray
    surprise: np.ndarray
    users: np.ndarray
    growth_share: float
    settings: Settings

    @property
    def basis(self) -> str:
        """Whether anything could be measured."""
        return "measured" if self.both else "assumed"


def measure_changes(cells: Cells, quarter: str, rules: Rules, settings: Settings) -> Changes:
    """Measure growth and spread of every item between the last four quarters and those a year before (同比变动), as far as both have ledgers.

    Rules: estimate.shrinkage, estimate.interval, stability.outlook. Later quarters than ``quarter`` are not looked at.
    """
    cells = cells.until(quarter)
    quarters = quarters_of("last4", quarter, rules)
    years = [cells.year([previous_quarter(name, 4 * back) for name in quarters]) for back in range(3)]
    (this, ledger), (last, ledger_last), (before, ledger_before) = years
    both = [place for place in range(4) if ledger[:, place].any() and ledger_last[:, place].any()]
    pattern = measure_pattern(cells, this, last, [0, 1, 2], [3], ledger_last, settings, quarters)
    level = _monthly(cells, this, pattern.level, settings)
    growth, users = _growth(cells, this, last, both, settings)
    # Without two years the spread is the rule's; what the county shares is then as wide as a new rate.
    whole = np.full(len(cells.items), settings.assumed_share**2)
    lasting, passing, surprise = (
        settings.persistence_share * whole, (1.0 - settings.persistence_share) * whole, np.full(len(CLASSES), settings.rate_spread_share**2),
    )
    if both:
        fitted = fit_growth(cells, this, last, both, settings, before if ledger_before.any() else None, level)
        lasting, passing, surprise = fitted.lasting, fitted.passing, fitted.surprise * (1.0 / len(both) + 0.25)
    return Changes(
        cells, quarters, this, last, ledger, ledger_last, both, level, pattern.level_variance, growth, lasting, passing, surprise, users,
        float(rules.value("stability.outlook")["growth_share"]), settings,
    )


def item_changes(changes: Changes) -> pd.DataFrame:
    """Growth and spread by item (收入项目同比变动): table ``item_changes``."""
    measured = bool(changes.both)
    return conform(pd.DataFrame({
        "item_key": list(changes.cells.items), "item_class": [CLASSES[place] for place in changes.cells.item_class], "households": changes.users,
        "monthly": changes.level, "growth_ratio": changes.growth if measured else pd.NA,
        "lasting_sd": np.sqrt(changes.lasting), "passing_sd": np.sqrt(changes.passing), "basis": changes.basis,
    }), "item_changes")


def expect_next_year(changes: Changes) -> pd.DataFrame:
    """What each household may expect of the four quarters to come (下年收入预期): table ``next_year``, whole fen, half up.

    A household without a ledger in one of the last four quarters, or with an amount of them that is unknown, has no expectation: ``quarter_missing`` or
    ``amount_unknown``.
    """
    cells, number = changes.cells, len(changes.cells.households)
    whole = changes.ledger.all(axis=1)
    blank = np.bincount(cells.household, weights=np.isnan(changes.this).any(axis=1), minlength=number) > 0
    known = whole & ~blank
    parts = np.nan_to_num(changes.this)
    rate = np.maximum(0.0, 1.0 + changes.growth_share * (changes.growth - 1.0))[cells.item]
    point, variance = _expected(changes, parts, rate)
    level = changes.level[cells.item]
    point = np.where(level, 4.0 * parts[:, -1], point)
    by_class = np.zeros((number, len(CLASSES)))
    np.add.at(by_class, (cells.household, cells.cell_class), point)
    net = by_class @ SIGNS
    scale = scale_of(np.bincount(cells.household, weights=variance, minlength=number), net, changes.settings)
    rates = np.bincount(cells.household, weights=np.where(level, point * cells.sign, 0.0), minlength=number) * changes.settings.rate_spread_share
    shared = np.sqrt((by_class**2) @ changes.surprise + rates**2)
    whole_class = _whole(by_class)
    bins = np.full(number, -1)
    bins[known] = _bin(_relative(scale, net)[known], len(_pools(changes)))
    columns = {
        "household_id": cells.households, "first_quarter": changes.quarters[0], "last_quarter": changes.quarters[-1],
        **{f"{name}_fen": _int(whole_class[:, place], known) for place, name in enumerate(CLASSES)},
        "expected_fen": _int(whole_class @ SIGNS, known), "scale_fen": _int(_whole(np.maximum(scale, 1.0)), known), "shared_fen": _int(_whole(shared), known),
        "bin": _int(bins, known), "basis": np.where(known, changes.basis, "none"),
        "reason_code": pd.array([pd.NA if fine else "quarter_missing" if not there else "amount_unknown" for fine, there in zip(known, whole, strict=True)],
                                dtype="string"),
    }
    return conform(pd.DataFrame(columns), "next_year")


def next_year_errors(changes: Changes) -> pd.DataFrame:
    """Standardised errors of the same expectation a year ago (同比预期误差), by bin and in order: table ``next_year_errors``."""
    frames = []
    for number, pool in enumerate(_pools(changes)):
        kept = pool if len(pool) <= _KEPT else np.quantile(pool, (np.arange(_KEPT) + 0.5) / _KEPT)
        frames.append(pd.DataFrame({"bin": number, "place": range(len(kept)), "error": kept, "households": len(pool) if changes.both else 0}))
    return conform(pd.concat(frames, ignore_index=True), "next_year_errors")


def _pools(changes: Changes) -> list[np.ndarray]:
    """Errors in order, by fifths of the relative scale; fewer bins where there are few; the normal law where there are none."""
    z, relative = _checked(changes)
    if len(z) < changes.settings.checks_min:
        return [norm.ppf((np.arange(_KEPT) + 0.5) / _KEPT)]
    bins = min(_BINS, len(z) // changes.settings.checks_min)
    place = _bin(relative, bins)
    return [np.sort(z[place == number]) for number in range(bins)]


def _checked(changes: Changes) -> tuple[np.ndarray, np.ndarray]:
    """Errors over scale of predicting the quarters that both years have from last year's, and the relative scale, of households that are whole in both."""
    cells, both, number = changes.cells, changes.both, len(changes.cells.households)
    if not both:
        return np.zeros(0), np.zeros(0)
    this, last = changes.this[:, both], changes.last[:, both]
    rows = changes.ledger[:, both].all(axis=1) & changes.ledger_last[:, both].all(axis=1)
    rows &= np.bincount(cells.household, weights=(np.isnan(this) | np.isnan(last)).any(axis=1), minlength=number) == 0
    point, variance = _expected(changes, np.nan_to_num(last), changes.growth[cells.item])
    miss = np.bincount(cells.household, weights=(np.nan_to_num(this).sum(axis=1) - point) * cells.sign, minlength=number)
    expected = np.bincount(cells.household, weights=point * cells.sign, minlength=number)
    scale = scale_of(np.bincount(cells.household, weights=variance, minlength=number), expected, changes.settings)
    return (miss / scale)[rows], _relative(scale, expected)[rows]


def _expected(changes: Changes, parts: np.ndarray, rate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Expected sum of each cell and its variance from the quarters before it."""
    item = changes.cells.item
    predicted = parts * rate[:, None]
    point = predicted.sum(axis=1)
    variance = changes.passing[item] * (predicted**2).sum(axis=1) + changes.lasting[item] * point**2
    return point, np.where(changes.level[item], changes.level_variance[item] * point**2, variance)


def _growth(cells: Cells, this: np.ndarray, last: np.ndarray, both: list[int], settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Ratio of sums of each item over the quarters that both years know, blended with its class where few had it, and how many had it."""
    items = len(cells.items)
    known = ~np.isnan(this[:, both]) & ~np.isnan(last[:, both])
    a, b = np.where(known, last[:, both], 0.0).sum(axis=1), np.where(known, this[:, both], 0.0).sum(axis=1)
    users = np.bincount(cells.item[a > 0], minlength=items)
    top, base = np.bincount(cells.item, weights=b, minlength=items), np.bincount(cells.item, weights=a, minlength=items)
    class_top, class_base = (np.bincount(cells.item_class, weights=total, minlength=len(CLASSES)) for total in (top, base))
    by_class = np.divide(class_top, class_base, out=np.ones(len(CLASSES)), where=class_base > 0)[cells.item_class]
    own = np.divide(top, base, out=by_class.copy(), where=base > 0)
    ratio = (users * own + settings.cells_min * by_class) / (users + settings.cells_min)
    return np.clip(ratio, 1.0 / settings.ratio_cap, settings.ratio_cap), users


def _monthly(cells: Cells, this: np.ndarray, level: np.ndarray, settings: Settings) -> np.ndarray:
    """Monthly allowances (按月定额): transfers only, since wages of a like amount in each quarter are paid by no notice."""
    return level & (cells.item_class == CLASSES.index("transfer"))


def _relative(scale: np.ndarray, income: np.ndarray) -> np.ndarray:
    return scale / np.maximum(np.abs(income), 100_000.0)


def _bin(relative: np.ndarray, bins: int) -> np.ndarray:
    """Fifth of each household among the others by relative scale: the scales of a year and of some of its quarters are not alike, their ranks are."""
    if not len(relative) or bins == 1:
        return np.zeros(len(relative), dtype=int)
    return np.searchsorted(np.quantile(relative, np.arange(1, bins) / bins), relative, side="left")


def _whole(fen: np.ndarray) -> np.ndarray:
    return np.floor(fen + 0.5).astype(np.int64)


def _int(values: np.ndarray, known: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="Int64").where(pd.Series(known))
