"""The rest of the year from what is known (其余季度的预测): point and variance of every cell, then of every household.

With S the quarters seen and T those to come, y last year's and x this year's amounts:

- a level item (按月定额: pension, allowances, found by its own flatness): the latest quarter carried forward, n_T x_last
- an item with last year's amounts for T: Σ_T y_q × the household's own growth (:mod:`.growth`)
- an item without (new item, new household): B × k, k = Σ y_T / Σ y_S of all households that had the item in S (季节比重)
- a household without last year's T: besides, what households of its attribute got in T from items of which they had nothing in S, per household
- no ledger of last year at all: B × share(T) / share(S) of the rule ``estimate.seasons``

The variance of a cell is passing Σ_T p_q² + lasting (1 − w) (Σ_T p)² for the second, and a relative variance measured on last year's own quarters for the
others. An amount of a seen quarter that is unknown is forecast like one of T, so that the household is less sure, not poorer; where nothing carries
such a forecast the household is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linwu_stats.income.estimate.cells import CLASSES, SIGNS, Cells, sums
from linwu_stats.income.estimate.growth import Growth, own_growth
from linwu_stats.income.estimate.settings import Settings, season_of

__all__ = ["Forecast", "Pattern", "forecast", "measure_pattern"]

FALLBACKS = ("own_year", "own_rest", "group", "law", "none")


@dataclass(frozen=True)
class Pattern:
    """How items run through the year (季节型): ``level`` items, their variance from one quarter to the next, and for the split of the year into S and T the
    ratio ``k`` of each item with its relative variance, and ``fresh``: amount by attribute and class that comes in T without a sign in S."""

    level: np.ndarray
    level_variance: np.ndarray
    k: np.ndarray
    k_variance: np.ndarray
    fresh: np.ndarray
    fresh_variance: np.ndarray
    has_last: bool


@dataclass(frozen=True)
class Forecast:
    """The rest of the year (其余季度预测): ``cell`` amounts, ``by_class`` of each household, ``variance`` of its net, fallback code and doubtful ones.

    ``unknown`` households have no forecast; ``unsure`` ones have one that fills an unknown amount.
    """

    cell: np.ndarray
    by_class: np.ndarray
    variance: np.ndarray
    fallback: np.ndarray
    unknown: np.ndarray
    unsure: np.ndarray

    @property
    def net(self) -> np.ndarray:
        """Net income of the quarters to come, fen as floats."""
        return self.by_class @ SIGNS


def measure_pattern(
    cells: Cells, this: np.ndarray, last: np.ndarray, seen: list[int], target: list[int], ledger: np.ndarray, settings: Settings, quarters: list[str],
) -> Pattern:
    """Level items and seasonal ratios from last year's quarters and those seen (季节型); ``ledger`` is last year's, households by four."""
    has_last = bool(ledger.any())
    level, level_variance = _level_items(cells, np.concatenate([last, this[:, seen]], axis=1), has_last, settings, quarters)
    if not has_last:
        k, k_variance = _law_ratios(cells, seen, target, settings, quarters)
        nothing = np.zeros((1 + int(cells.attribute.max(initial=0)), len(CLASSES)))
        return Pattern(level, level_variance, k, k_variance, nothing, nothing, False)
    k, k_variance = _seasonal_ratios(cells, last, seen, target, settings)
    fresh, fresh_variance = _fresh(cells, last, seen, target, ledger)
    return Pattern(level, level_variance, k, k_variance, fresh, fresh_variance, True)


def forecast(
    cells: Cells, this: np.ndarray, last: np.ndarray, seen: list[int], target: list[int], ledger_this: np.ndarray, ledger_last: np.ndarray,
    growth: Growth, pattern: Pattern, settings: Settings, *, own: bool = True,
) -> Forecast:
    """Forecast the quarters ``target`` of every household (预测). ``own=False`` treats every household as one without a ledger of last year."""
    last_known = ledger_last if own else np.zeros_like(ledger_last)
    y = last if own else np.full_like(last, np.nan)
    x = this[:, seen]
    b = np.nansum(x, axis=1) if seen else np.zeros(len(this))
    wanted = np.zeros(this.shape, dtype=bool)
    wanted[:, target] = True
    for place in seen:
        wanted[:, place] |= np.isnan(this[:, place])
    rate, open_share = own_growth(this, y, seen, cells, growth, settings)
    usual, filled = _filled(cells, y, wanted, last_known)
    parts = np.where(wanted, np.nan_to_num(usual) * rate[:, None], 0.0)
    lasting, passing = growth.lasting[cells.item], growth.passing[cells.item]
    point = parts.sum(axis=1)
    variance = passing * (parts**2).sum(axis=1) + lasting * open_share * point**2 + (np.where(filled, parts, 0.0) ** 2).sum(axis=1)
    lacking = (wanted & np.isnan(y)).any(axis=1)
    never = ~lacking & (np.nan_to_num(y).sum(axis=1) == 0)
    by_ratio = (lacking | never) & (b > 0)
    ratio_point = b * pattern.k[cells.item]
    point = np.where(by_ratio, ratio_point, point)
    variance = np.where(by_ratio, pattern.k_variance[cells.item] * ratio_point**2, variance)
    latest, at = _latest(x)
    carried = pattern.level[cells.item] & (at >= 0)
    count = wanted.sum(axis=1)
    point = np.where(carried, latest * count, point)
    variance = np.where(carried, pattern.level_variance[cells.item] * point**2 * (count + 1) / 2, variance)
    return _of_households(cells, point, variance, b, wanted, y, carried, seen, target, ledger_this, last_known, pattern)


def _of_households(cells, point, variance, b, wanted, y, carried, seen, target, ledger_this, ledger_last, pattern) -> Forecast:
    number = len(cells.households)
    of_class = np.zeros((number, len(CLASSES)))
    np.add.at(of_class, (cells.household, cells.cell_class), point)
    total = np.bincount(cells.household, weights=variance, minlength=number)
    has_rest = ledger_last[:, target].all(axis=1)
    fallback = np.where(has_rest, np.where(ledger_last[:, seen].all(axis=1), "own_year", "own_rest"), "group" if pattern.has_last else "law").astype(object)
    new = ~has_rest & pattern.has_last
    of_class[new] += pattern.fresh[cells.attribute[new]]
    total[new] += pattern.fresh_variance[cells.attribute[new]].sum(axis=1)
    seen_unknown = wanted.copy()
    seen_unknown[:, target] = False
    baseless = seen_unknown & np.isnan(y) & ~carried[:, None]
    # An amount that is unknown and that last year was nothing may be anything: no forecast can stand for it.
    baseless |= seen_unknown & (np.nan_to_num(y) == 0) & ~carried[:, None] & (ledger_this[cells.household])
    unsure = np.bincount(cells.household, weights=seen_unknown.any(axis=1), minlength=number) > 0
    absent = ~ledger_this[:, seen].all(axis=1)
    unknown = np.bincount(cells.household, weights=baseless.any(axis=1), minlength=number) > 0
    unknown |= absent & ~ledger_last[:, seen].all(axis=1)
    if seen:
        unknown |= ~ledger_this[:, seen].any(axis=1)
    rest_unknown = (np.isnan(y) & ledger_last[cells.household])[:, target].any(axis=1)
    unsure |= absent | (np.bincount(cells.household, weights=rest_unknown, minlength=number) > 0)
    return Forecast(point, of_class, total, fallback, unknown, unsure)


def _filled(cells: Cells, y: np.ndarray, wanted: np.ndarray, ledger_last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Last year's amounts with the unknown ones of a household's ledger filled by the mean of those who had the item in that quarter, and which were."""
    filled = wanted & np.isnan(y) & ledger_last[cells.household]
    if not filled.any():
        return y, filled
    had = np.nan_to_num(y) > 0
    mean = sums(np.where(had, np.nan_to_num(y), 0.0), cells.item, len(cells.items)) / np.maximum(sums(had.astype(float), cells.item, len(cells.items)), 1.0)
    return np.where(filled, mean[cells.item], y), filled


def _latest(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latest known amount of each row and its place, -1 where there is none."""
    latest, at = np.zeros(len(x)), np.full(len(x), -1)
    for place in range(x.shape[1]):
        known = ~np.isnan(x[:, place])
        latest, at = np.where(known, x[:, place], latest), np.where(known, place, at)
    return latest, at


def _level_items(cells: Cells, run: np.ndarray, has_last: bool, settings: Settings, quarters: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Items whose amount hardly changes from quarter to quarter in three households of four, and the relative variance of a step of one cell."""
    items = len(cells.items)
    before, after = run[:, :-1], run[:, 1:]
    both = (np.nan_to_num(before) > 0) & ~np.isnan(after)
    step = np.divide(after, before, out=np.ones_like(before), where=both) - 1.0
    pairs = np.bincount(cells.item, weights=both.sum(axis=1), minlength=items)
    flat = np.bincount(cells.item, weights=(both & (np.abs(step) <= settings.level_share)).sum(axis=1), minlength=items)
    level = flat >= 0.75 * np.maximum(pairs, 1)
    level &= pairs >= settings.cells_min
    if not has_last and not level.any():
        shares = [season_of(name, CLASSES[of], quarters, settings) for name, of in zip(cells.items, cells.item_class, strict=True)]
        even = np.array([np.allclose(share, 0.25) for share in shares], dtype=bool)
        level |= even & (pairs == 0)
    weight = np.where(both, before, 0.0)
    common = np.stack([np.divide(np.bincount(cells.item, weights=w * s, minlength=items), np.maximum(np.bincount(cells.item, weights=w, minlength=items), 1.0))
                       for w, s in zip(weight.T, step.T, strict=True)], axis=1)
    own = np.clip(step - common[cells.item], -1.0, 1.0)
    base = np.bincount(cells.item, weights=weight.sum(axis=1), minlength=items)
    square = np.bincount(cells.item, weights=(weight * own**2).sum(axis=1), minlength=items)
    return level, np.divide(square, base, out=np.full(items, settings.level_share**2), where=base > 0)


def _seasonal_ratios(cells: Cells, last: np.ndarray, seen: list[int], target: list[int], settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """k of each item and its relative variance, blended with its class where few households had the item in S."""
    items = len(cells.items)
    whole = ~np.isnan(last).any(axis=1)
    a, c = np.where(whole, last[:, seen].sum(axis=1), 0.0), np.where(whole, last[:, target].sum(axis=1), 0.0)
    used = whole & (a > 0)
    a, c = np.where(used, a, 0.0), np.where(used, c, 0.0)
    count = np.bincount(cells.item[used], minlength=items)
    trust = count / (count + settings.cells_min)
    top, base = np.bincount(cells.item, weights=c, minlength=items), np.bincount(cells.item, weights=a, minlength=items)
    class_top, class_base = sums(top, cells.item_class, len(CLASSES)), sums(base, cells.item_class, len(CLASSES))
    by_class = np.divide(class_top, class_base, out=np.zeros(len(CLASSES)), where=class_base > 0)[cells.item_class]
    k = trust * np.divide(top, base, out=by_class.copy(), where=base > 0) + (1 - trust) * by_class
    expected = a * k[cells.item]
    square = np.bincount(cells.item, weights=np.divide((c - expected) ** 2, expected, out=np.zeros_like(c), where=expected > 0), minlength=items)
    weight = np.bincount(cells.item, weights=expected, minlength=items)
    own = np.divide(square, weight, out=np.full(items, settings.assumed_share**2), where=weight > 0)
    return k, trust * np.minimum(own, 4.0) + (1 - trust) * 1.0


def _law_ratios(cells: Cells, seen: list[int], target: list[int], settings: Settings, quarters: list[str]) -> tuple[np.ndarray, np.ndarray]:
    shares = np.array([season_of(name, CLASSES[of], quarters, settings) for name, of in zip(cells.items, cells.item_class, strict=True)]).reshape(-1, 4)
    base = shares[:, seen].sum(axis=1)
    k = np.divide(shares[:, target].sum(axis=1), base, out=np.zeros(len(base)), where=base > 0)
    return k, np.full(len(base), settings.assumed_share**2)


def _fresh(cells: Cells, last: np.ndarray, seen: list[int], target: list[int], ledger: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What households got in T from items of which they had nothing in S: mean by attribute and class, and variance."""
    groups, number = 1 + int(cells.attribute.max(initial=0)), len(cells.households)
    whole = ~np.isnan(last).any(axis=1)
    fresh = np.where(whole & (last[:, seen].sum(axis=1) == 0), last[:, target].sum(axis=1), 0.0)
    by_household = np.zeros((number, len(CLASSES)))
    np.add.at(by_household, (cells.household, cells.cell_class), np.nan_to_num(fresh))
    reference = ledger.all(axis=1)
    count = np.maximum(np.bincount(cells.attribute[reference], minlength=groups), 1)[:, None]
    mean = sums(by_household[reference], cells.attribute[reference], groups) / count
    return mean, np.maximum(sums(by_household[reference] ** 2, cells.attribute[reference], groups) / count - mean**2, 0.0)
