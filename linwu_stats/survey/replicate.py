"""Replicate weights: jackknife and rescaled bootstrap (重复权数).

Each replicate is the sample as it might have been; the spread of a statistic over them is its variance, for any function of the weights. Known totals
(post-stratification, raking, calibration) are fitted anew in every replicate.

Sources: Wolter (2007), Introduction to Variance Estimation, ch. 4 (JK1, JKn); Rao and Wu (1988), JASA 83, and Rao, Wu, Yue (1992), Survey Methodology 18
(rescaled bootstrap); Preston (2009), Survey Methodology 35 (several stages).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from linwu_stats.survey.columns import DesignError
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import critical
from linwu_stats.survey.stages import FULL, Stage

__all__ = ["ReplicateEstimate", "Replicates", "given_replicates", "replicates"]


@dataclass(frozen=True)
class ReplicateEstimate:
    """Estimates of a function of the weights (重复权数估计值): ``value``, ``se``, ``low``, ``high`` are arrays, or numbers if the function gave a number."""

    value: Any
    se: Any
    low: Any
    high: Any
    covariance: np.ndarray
    replicates: np.ndarray
    n: int
    df: float
    method: str
    level: float = 0.95


class Replicates:
    """Replicate weights of a design (重复权数): made by :func:`replicates` or :func:`given_replicates`.

    ``count`` replicates; ``scale`` and ``rscales`` weigh their squared deviations; ``centre`` is "estimate" (R: ``mse=TRUE``) or "mean" (R's default).
    Weights are made one replicate at a time, so that a million rows and a thousand replicates fit in memory.
    """

    def __init__(self, d: Design, factor: Callable[[int], np.ndarray], count: int, scale: float, rscales: np.ndarray, method: str, centre: str) -> None:
        self.design, self._factor, self.count = d, factor, count
        self.scale, self.rscales, self.method, self.centre = scale, rscales, method, centre

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.weights(number) for number in range(self.count))

    def weights(self, number: int) -> np.ndarray:
        """Weights of one replicate, zero outside the domain (第几个重复样本的权数)."""
        d = self.design
        weights = d.base_weights * self._factor(number)
        for step in d.adjustments:
            weights = step.refit(weights[:, None])[:, 0]
        return weights if d.active is None else np.where(d.active, weights, 0.0)

    def estimate(self, function: Callable[[np.ndarray], Any], *, level: float = 0.95, df: float | None = None) -> ReplicateEstimate:
        """Any function of the weights with its covariance (任意统计量的方差): ``function(weights)`` gives a number or a vector.

        Raises DesignError where the function gives an unknown value for the sample or for a replicate.
        """
        found = function(self.design.weights)
        value = np.atleast_1d(np.asarray(found, dtype=float))
        values = np.empty((self.count, len(value)))
        for number, weights in enumerate(self):
            values[number] = function(weights)
        return self._estimate(value, values, np.ndim(found) == 0, level, df)

    def totals(self, y: Any) -> np.ndarray:
        """Weighted totals of columns in every replicate (重复样本总量): (n,) or (n, k) in, (count, k) out."""
        columns = np.asarray(y, dtype=float)
        columns = columns[:, None] if columns.ndim == 1 else columns
        return np.array([weights @ columns for weights in self])

    def covariance(self, values: Any, value: Any = None) -> np.ndarray:
        """Covariance from a statistic's replicates (重复样本的协方差): ``values`` (count, k), ``value`` (k,) of the whole sample."""
        table = np.asarray(values, dtype=float)
        table = table[:, None] if table.ndim == 1 else table
        if len(table) != self.count or not np.isfinite(table).all():
            raise DesignError(
                f"replicates (重复样本): {len(table)} values for {self.count} replicates, or unknown ones among them: the statistic must exist in every one"
            )
        if self.centre == "estimate" and value is None:
            raise DesignError("replicates (重复样本): give the value of the whole sample, or make them with centre='mean'")
        centre = np.atleast_1d(np.asarray(value, dtype=float)) if self.centre == "estimate" else table[self.rscales > 0].mean(axis=0)
        apart = (table - centre) * np.sqrt(self.rscales)[:, None]
        return apart.T @ apart * self.scale

    def _estimate(self, value: np.ndarray, values: np.ndarray, alone: bool, level: float, df: float | None) -> ReplicateEstimate:
        if not np.isfinite(value).all():
            raise DesignError("replicates (重复样本): the statistic of the whole sample is unknown")
        covariance = self.covariance(values, value)
        if self.design.degrees_of_freedom < 1:
            covariance = np.full_like(covariance, np.nan)
        se = np.sqrt(np.maximum(np.diag(covariance), 0.0))
        freedom = self.design.degrees_of_freedom if df is None else df
        half = critical((1 - level) / 2, freedom) * se if freedom > 0 else np.full(len(se), np.nan)
        shown = [float(one[0]) if alone else one for one in (value, se, value - half, value + half)]
        return ReplicateEstimate(*shown, covariance, values, self.design.n, freedom, self.method, level)


def replicates(d: Design, kind: str = "jackknife", count: int | None = None, seed: int | None = None, *, centre: str = "estimate") -> Replicates:
    """Replicate weights of a design (生成重复权数).

    - "jackknife": one first-stage unit left out at a time within its stratum (JKn; JK1 without strata). Finite population corrections of the first stage.
    - "bootstrap": Rao and Wu's rescaled bootstrap, n - 1 units drawn with replacement in each stratum, with the first stage's correction; where a later
      stage has a correction, too, Preston's, which redraws half of the units at each stage. ``count`` and ``seed`` must be stated.

    Lone units under ``certainty`` stay in every replicate; ``centre`` and ``average`` are those of R's JKn. Raises DesignError for a register (no sampling
    error), a missing count or seed, choices for lone units that the bootstrap does not have.
    """
    if centre not in ("estimate", "mean"):
        raise DesignError(f"centre={centre!r} is not known: 'estimate' (R: mse=TRUE) or 'mean'")
    if d.is_complete:
        raise DesignError("the design observed every unit (全面调查): there is no sampling error to replicate")
    if kind == "jackknife":
        return _jackknife(d, centre)
    if kind != "bootstrap":
        raise DesignError(f"replicates (重复权数) kind={kind!r}: jackknife or bootstrap")
    if count is None or seed is None or count < 2:
        raise DesignError("bootstrap (自助法): state count (2 or more replicates) and seed, so that the figure can be made again")
    if any(stage.open_lone.any() for stage in d.stages) and d.lone in ("centre", "average"):
        raise DesignError(f"bootstrap (自助法) has no {d.lone!r} for strata of one unit (单一单元层): use lone='certainty', or the jackknife")
    stages = d.stages[:1] if d.ultimate_cluster else d.stages
    several = len(stages) > 1 and bool((stages[1].scale() > 0).any())
    factor = _preston(stages, seed) if several else _rao_wu(stages[0], seed)
    method = "bootstrap of Preston, all stages" if several else "bootstrap of Rao and Wu"
    return Replicates(d, factor, count, 1 / (count - 1), np.ones(count), f"{method}, {count} replicates, seed {seed}", centre)


def given_replicates(
    d: Design, factors: Any, *, scale: float, rscales: Any = 1.0, combined: bool = False, centre: str = "estimate", method: str = "given replicates"
) -> Replicates:
    """Replicate weights made elsewhere (外来重复权数), as ``svrepdesign`` in R.

    ``factors``: rows × replicates, multipliers of the design's weights, or whole weights with ``combined``; ``scale``, ``rscales`` as their maker states.
    """
    table = np.asarray(factors, dtype=float)
    if table.ndim != 2 or len(table) != len(d) or not np.isfinite(table).all():
        raise DesignError(f"given replicates (重复权数) have shape {table.shape}, the design has {len(d)} rows: give known numbers, rows × replicates")
    rscales = np.broadcast_to(np.asarray(rscales, dtype=float), table.shape[1]).copy()
    if combined:
        table = np.divide(table, d.base_weights[:, None], out=np.zeros_like(table), where=d.base_weights[:, None] > 0)
    return Replicates(d, lambda number: table[:, number], table.shape[1], float(scale), rscales, method, centre)


def _jackknife(d: Design, centre: str) -> Replicates:
    stage = d.stages[0]
    drawn, left = stage.drawn[stage.stratum], stage.left_of_unit
    lone = stage.open_lone[stage.stratum]
    out = np.flatnonzero((left >= FULL) & ((drawn > 1) | (lone & (d.lone == "centre"))))
    strata = len(stage.drawn)
    rscales = np.where(lone[out], (strata - 1) / strata, left[out] * (drawn[out] - 1) / drawn[out])
    scale = (len(out) + lone.sum()) / len(out) if d.lone == "average" and len(out) else 1.0

    def factor(number: int) -> np.ndarray:
        unit = out[number]
        here = stage.stratum == stage.stratum[unit]
        if lone[unit]:
            factors = np.where(here, 0.0, strata / (strata - 1))
        else:
            factors = np.where(here, drawn[unit] / (drawn[unit] - 1), 1.0)
            factors[unit] = 0.0
        return factors[stage.unit]

    return Replicates(d, factor, len(out), float(scale), rscales, f"jackknife {'JKn' if strata > 1 else 'JK1'}, {len(out)} replicates", centre)


def _rao_wu(stage: Stage, seed: int) -> Callable[[int], np.ndarray]:
    """Factors 1 - λ + λ n/(n-1) × times drawn, λ = sqrt(1 - f): Rao, Wu and Yue (1992), eq. 2.3 with n - 1 draws."""
    order = np.argsort(stage.stratum, kind="stable")
    many = stage.drawn > 1
    start = np.concatenate([[0], np.cumsum(stage.drawn)[:-1]])
    draws = np.where(many, stage.drawn - 1, 0)
    begin, range_ = np.repeat(start, draws), np.repeat(stage.drawn, draws)
    n = stage.drawn[stage.stratum]
    shrink = np.where(n > 1, np.sqrt(stage.left_of_unit), 0.0)
    grow = shrink * n / np.maximum(n - 1, 1)

    def factor(number: int) -> np.ndarray:
        random = np.random.default_rng([seed, number])
        chosen = order[begin + (random.random(len(begin)) * range_).astype(np.int64)]
        times = np.bincount(chosen, minlength=stage.units)
        return (1 - shrink + grow * times)[stage.unit]

    return factor


def _preston(stages: tuple[Stage, ...], seed: int) -> Callable[[int], np.ndarray]:
    """Half of the units of each stage, drawn without replacement, rescaled so that every stage's variance is matched: Preston (2009), section 3."""
    first = []
    for stage in stages:
        row = np.empty(stage.units, dtype=np.int64)
        row[stage.unit[::-1]] = np.arange(len(stage.unit))[::-1]
        first.append(row)

    def factor(number: int) -> np.ndarray:
        random = np.random.default_rng([seed, number])
        result = np.ones(len(stages[0].unit))
        kept, chain = np.ones(len(result), dtype=bool), np.ones(len(result))
        for stage, row in zip(stages, first, strict=True):
            order = np.lexsort((random.random(stage.units), stage.stratum))
            rank = np.empty(stage.units, dtype=np.int64)
            rank[order] = np.arange(stage.units) - np.repeat(np.cumsum(stage.drawn) - stage.drawn, stage.drawn)
            n = stage.drawn[stage.stratum].astype(float)
            half = np.floor(n / 2)
            spread = np.sqrt(np.divide(stage.before * half * stage.left_of_unit, n - half, out=np.zeros(stage.units), where=(half > 0)))
            chosen = (rank < half) | (n == 1)
            grown = np.divide(n, half, out=np.ones(stage.units), where=half > 0)
            change = np.where(kept[row], chain[row] * spread * (grown * chosen - 1), 0.0)
            result += change[stage.unit]
            kept &= chosen[stage.unit]
            chain *= np.sqrt(grown)[stage.unit]
        return result

    return factor
