"""Change on the year before, shrunk toward township and class (同比增幅的经验贝叶斯估计).

For a cell i of item s let y_q be last year's and x_q this year's amount of quarter q, A and B their sums over the quarters seen, in which an
older quarter weighs less (``recency_share``: wages that fell last quarter are low today). The change is

    B_i / A_i = G_s + t + v + h_i + e_i

with G_s the item's own growth (ratio of sums, blended where few households have the item with 1 + persistence_share (G_class − 1)), t and v
township and village effects of the class, h_i what lasts for the household and e_i what is only of the quarter. Variances are estimated by moments: t and v by
the analysis of variance of an unbalanced one-way layout (Searle, Casella, McCulloch 1992, Variance Components, ch. 3.6), h from the products of two
quarters' residuals of the same cell, whose expectation is the lasting variance alone. Each effect is its best linear predictor, mean times
between / (between + within / n), which is what statsmodels' MixedLM gives for one random intercept. The tests set the two side by side; the moments are
used here since they are weighted by amount, cannot fail to converge, and need no fit for each of forty zero-inflated items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from linwu_stats.income.estimate.cells import CLASSES, Cells, sums
from linwu_stats.income.estimate.settings import Settings

__all__ = ["Growth", "fit_growth", "one_way", "own_growth", "recent_weights", "seen_sums", "weighted"]


@dataclass(frozen=True)
class Growth:
    """Growth as estimated (同比增幅): ``common`` is G + t + v of each cell; ``lasting`` and ``passing`` the two variances of each item;
    ``surprise`` the variance of a class's growth from one quarter to another, common to the county."""

    common: np.ndarray
    lasting: np.ndarray
    passing: np.ndarray
    surprise: np.ndarray


def one_way(values: np.ndarray, group: np.ndarray, groups: int) -> tuple[np.ndarray, float, float]:
    """Group effects shrunk toward zero (单因素随机效应), with the variance between groups and within.

    ``values`` are deviations from a known mean. MSB and MSW are the mean squares of the analysis of variance, n0 = (N − Σn²/N) / (g − 1),
    between = max(0, (MSB − MSW) / n0), within = MSW; effect = between / (between + within / n) × group mean. Groups without values have effect 0.
    """
    count = np.bincount(group, minlength=groups).astype(float)
    used = count > 0
    mean = np.divide(np.bincount(group, weights=values, minlength=groups), count, out=np.zeros(groups), where=used)
    number, total = int(used.sum()), float(count.sum())
    if number < 2 or total <= number:
        return np.zeros(groups), 0.0, float(np.var(values)) if len(values) else 0.0
    within = float(np.sum((values - mean[group]) ** 2) / (total - number))
    between_square = float(np.sum(count[used] * (mean[used] - values.mean()) ** 2) / (number - 1))
    size = (total - np.sum(count**2) / total) / (number - 1)
    between = max(0.0, (between_square - within) / size)
    share = between / (between + within / np.maximum(count, 1)) if between > 0 else np.zeros(groups)
    return np.where(used, share * mean, 0.0), between, within


def seen_sums(this: np.ndarray, last: np.ndarray, seen: list[int], settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """A and B of each cell: last year's and this year's sums over the seen quarters that both years know, recent quarters weighing more."""
    both = ~np.isnan(this[:, seen]) & ~np.isnan(last[:, seen])
    weight = recent_weights(len(seen), settings)
    return np.where(both, last[:, seen], 0.0) @ weight, np.where(both, this[:, seen], 0.0) @ weight


def recent_weights(count: int, settings: Settings) -> np.ndarray:
    """Weights of the quarters seen (近期权数): 1 for the latest, ``recency_share`` of its follower's for each earlier one."""
    return settings.recency_share ** np.arange(count - 1, -1, -1, dtype=float)


def weighted(values: np.ndarray, weights: np.ndarray, group: np.ndarray, groups: int, default: np.ndarray | float) -> np.ndarray:
    """Weighted means by group; ``default`` where a group weighs nothing."""
    base = np.bincount(group, weights=weights, minlength=groups)
    start = np.broadcast_to(np.asarray(default, dtype=float), (groups,)).copy()
    return np.divide(np.bincount(group, weights=weights * values, minlength=groups), base, out=start, where=base > 0)


def fit_growth(
    cells: Cells, this: np.ndarray, last: np.ndarray, seen: list[int], settings: Settings, before: np.ndarray | None = None, level: np.ndarray | None = None,
) -> Growth:
    """Growth of every cell from the quarters seen (同比增幅): arrays of cells by four quarters; ``before`` is the year before last year.

    ``before`` lends its quarters to the two variances. ``level`` marks items that are carried forward instead and do not count in ``surprise``.
    """
    items, classes = len(cells.items), len(CLASSES)
    a, b = seen_sums(this, last, seen, settings)
    b = np.minimum(b, settings.ratio_cap * a)
    used = a > 0
    # Monthly allowances move by notice, one by one; their class's other items do not follow them.
    moving = a if level is None else np.where(level[cells.item], 0.0, a)
    by_class = weighted(np.divide(b, a, out=np.ones_like(a), where=used), moving, cells.cell_class, classes, 1.0)
    by_item = weighted(np.divide(b, a, out=np.ones_like(a), where=used), a, cells.item, items, 1.0)
    count = np.bincount(cells.item[used], minlength=items)
    start = 1.0 + settings.persistence_share * (by_class[cells.item_class] - 1.0)
    item_growth = np.where(count > 0, (count * by_item + settings.cells_min * start) / (count + settings.cells_min), start)
    common = item_growth[cells.item]
    pairs = [(this, last, seen)] + ([(last, before, [0, 1, 2, 3])] if before is not None else [])
    total_lasting, total_passing = _components(cells, pairs, [common, None], settings)
    ratio = np.divide(b, a, out=np.zeros_like(a), where=used) - common
    persistent = total_lasting / np.maximum(total_lasting + total_passing, 1e-12)
    for area in (cells.township, cells.village):
        common = common + _area_effects(cells, ratio, used, area) * persistent[cells.item]
        ratio = np.divide(b, a, out=np.zeros_like(a), where=used) - common
    common = np.clip(common, 0.0, settings.ratio_cap)
    lasting, passing = _components(cells, pairs, [common, None], settings)
    return Growth(common, lasting, passing, _surprises(cells, pairs, level))


def own_growth(this: np.ndarray, last: np.ndarray, seen: list[int], cells: Cells, growth: Growth, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Growth of each cell with its own lasting part (本户增幅), and the share of the lasting variance that stays unknown.

    h_i = w (B/A − common), w = lasting / (lasting + passing Σ(ry)² / (Σry)²), r the recency weights. A cell that was not seen in both years has w = 0.
    """
    a, b = seen_sums(this, last, seen, settings)
    both = ~np.isnan(this[:, seen]) & ~np.isnan(last[:, seen])
    squares = np.where(both, last[:, seen] ** 2, 0.0) @ recent_weights(len(seen), settings) ** 2
    used = a > 0
    noise = growth.passing[cells.item] * np.divide(squares, a**2, out=np.ones_like(a), where=used)
    lasting = growth.lasting[cells.item]
    weight = np.where(used, lasting / np.maximum(lasting + noise, 1e-12), 0.0)
    own = np.divide(np.minimum(b, settings.ratio_cap * a), a, out=growth.common.copy(), where=used) - growth.common
    return np.clip(growth.common + weight * own, 0.0, settings.ratio_cap), 1.0 - weight


def _area_effects(cells: Cells, ratio: np.ndarray, used: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Shrunk effects of the areas of each class, by cell."""
    effect, place, groups = np.zeros(len(ratio)), area[cells.household], int(area.max(initial=0)) + 1
    for number in range(len(CLASSES)):
        of_class = cells.cell_class == number
        rows = of_class & used
        if rows.any():
            effects, _, _ = one_way(ratio[rows], place[rows], groups)
            effect[of_class] = effects[place[of_class]]
    return effect


def _components(cells: Cells, pairs: list, commons: list, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Lasting and passing variance of each item's change (持久方差、偶然方差), weighted by amount, few cells blended with their class."""
    items = len(cells.items)
    totals = np.zeros((4, items))
    for (this, last, quarters), common in zip(pairs, commons, strict=False):
        residual, weight = _residuals(cells, this, last, quarters, common, settings)
        for first in range(len(quarters)):
            totals[0] += np.bincount(cells.item, weights=weight[:, first] * residual[:, first] ** 2, minlength=items)
            totals[1] += np.bincount(cells.item, weights=weight[:, first], minlength=items)
            for second in range(first):
                both = np.sqrt(weight[:, first] * weight[:, second])
                totals[2] += np.bincount(cells.item, weights=both * residual[:, first] * residual[:, second], minlength=items)
                totals[3] += np.bincount(cells.item, weights=both, minlength=items)
    pooled = sums(totals.T, cells.item_class, len(CLASSES)).T
    used = np.bincount(cells.item, minlength=items)
    trust = used / (used + settings.cells_min)
    total = _blend(totals[0], totals[1], pooled[0], pooled[1], trust, cells.item_class, settings.assumed_share**2)
    # An item whose pairs of quarters are few beside its whole amount says little of what lasts; its class, then the rule, says it instead.
    paired = np.divide(totals[2], totals[3], out=np.full(items, np.nan), where=totals[3] > 0.02 * totals[1])
    class_total = np.divide(pooled[0], pooled[1], out=np.zeros(len(CLASSES)), where=pooled[1] > 0)
    class_paired = np.divide(pooled[2], pooled[3], out=np.full(len(CLASSES), np.nan), where=(pooled[3] > 0) & (class_total > 0))
    class_share = np.divide(class_paired, class_total, out=np.full(len(CLASSES), np.nan), where=class_total > 0)
    class_share = np.where(np.isnan(class_share), settings.persistence_share, np.clip(class_share, 0.0, 1.0))[cells.item_class]
    share = np.divide(paired, total, out=np.full(items, np.nan), where=total > 0)
    share = np.where(np.isnan(share), class_share, trust * np.clip(share, 0.0, 1.0) + (1 - trust) * class_share)
    return share * total, (1 - share) * total


def _blend(top: np.ndarray, base: np.ndarray, class_top: np.ndarray, class_base: np.ndarray, trust: np.ndarray, of: np.ndarray, default: float) -> np.ndarray:
    by_class = np.divide(class_top, class_base, out=np.full(len(class_top), default), where=class_base > 0)[of]
    return trust * np.divide(top, base, out=by_class.copy(), where=base > 0) + (1 - trust) * by_class


def _residuals(cells: Cells, this: np.ndarray, last: np.ndarray, quarters: list[int], common: np.ndarray | None, settings: Settings) -> tuple:
    """x/y less the common growth by cell and quarter, and its weight y; both zero where either year is unknown or last year was nothing."""
    y, x = last[:, quarters], this[:, quarters]
    used = ~np.isnan(x) & ~np.isnan(y) & (np.nan_to_num(y) > 0)
    weight = np.where(used, y, 0.0)
    ratio = np.divide(x, y, out=np.zeros_like(weight), where=used)
    ratio = np.clip(ratio, 0.0, settings.ratio_cap)
    if common is None:
        by_quarter = [weighted(ratio[:, place], weight[:, place], cells.item, len(cells.items), 1.0) for place in range(len(quarters))]
        common = np.stack(by_quarter, axis=1)[cells.item]
    else:
        common = np.broadcast_to(common[:, None], ratio.shape)
    return np.where(used, ratio - common, 0.0), weight


def _surprises(cells: Cells, pairs: list, level: np.ndarray | None) -> np.ndarray:
    """Variance of a class's county-wide growth between quarters of one year (共同变动方差); half own, half that of all classes, since it is of few quarters."""
    kept = np.ones(len(cells.item), dtype=bool) if level is None else ~level[cells.item]
    square, freedom, amount = np.zeros(len(CLASSES)), np.zeros(len(CLASSES)), np.zeros(len(CLASSES))
    for this, last, quarters in pairs:
        both = ~np.isnan(this[:, quarters]) & ~np.isnan(last[:, quarters]) & kept[:, None]
        y, x = np.where(both, last[:, quarters], 0.0), np.where(both, this[:, quarters], 0.0)
        # An item's own growth is no surprise: seasons with other items would else look like one.
        total = y.sum(axis=1)
        usual = weighted(np.divide(x.sum(axis=1), total, out=np.ones(len(y)), where=total > 0), total, cells.item, len(cells.items), 1.0)
        y, x = sums(y * usual[cells.item][:, None], cells.cell_class, len(CLASSES)), sums(x, cells.cell_class, len(CLASSES))
        # A quarter out of season says nothing of the class's growth.
        used = y > 0.1 * y.max(axis=1, keepdims=True, initial=0.0)
        used &= y > 0
        growth = np.divide(x, y, out=np.zeros_like(y), where=used)
        count = used.sum(axis=1)
        mean = np.divide((growth * y * used).sum(axis=1), (y * used).sum(axis=1), out=np.zeros(len(CLASSES)), where=count > 0)
        square += np.where(count > 1, (used * (growth - mean[:, None]) ** 2).sum(axis=1), 0.0)
        freedom += np.maximum(count - 1, 0)
        amount += y.sum(axis=1)
    own = np.divide(square, freedom, out=np.zeros(len(CLASSES)), where=freedom > 0)
    pooled = float((own * amount).sum() / amount.sum()) if amount.sum() > 0 else 0.0
    return 0.5 * own + 0.5 * pooled
