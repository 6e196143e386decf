"""Variances of many indices in many groups (多指标分组方差): scores are added up to the last units that were drawn before any variance is worked out.

The variance of a total depends on the rows of a unit through their sum alone, so a million persons in three thousand villages are three thousand numbers.
Numbers are those of ``Design.covariance``; a design with calibrated weights goes that way itself, since its residuals need the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from linwu_stats.indicators.sampled.sample import Sample, Shift
from linwu_stats.survey.design import Design
from linwu_stats.survey.stages import Stage, covariance, group_sums, grouped_covariance

__all__ = ["Spread", "degrees_of_freedom"]

#: Indices whose variances are worked out together: bounds the memory.
TOGETHER = 8


class Spread:
    """Variances of indices on one sample (指标方差); ``d`` is the design restricted to the sample's rows."""

    def __init__(self, sample: Sample, d: Design) -> None:
        self.sample, self.d = sample, d
        self.weight = d.full_weights[sample.rows]
        self.group = np.repeat(np.arange(sample.groups), sample.count)
        self.by_row = bool(d.adjustments)
        if not self.by_row and not d.is_complete:
            self._collapse()

    def own(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        """Variance of each of several scores (one value for each sorted row) within each group: groups × scores."""
        groups = self.sample.groups
        if self.d.is_complete or not groups:
            return np.zeros((groups, len(scores)))
        if self.by_row:
            return self._own_by_row(scores)
        totals = np.column_stack([self._totals(one) for one in scores])
        found = grouped_covariance(self.stages, totals, self.cell_group, groups)
        return np.diagonal(found, axis1=1, axis2=2)

    def shifted(self, scores: np.ndarray, shift: Shift) -> np.ndarray:
        """Variance in each group of one index whose estimated line all rows of the design bear upon."""
        groups = self.sample.groups
        if self.d.is_complete:
            return np.zeros(groups)
        whole, spread = replace(self.d, active=None), np.empty(groups)
        line = np.nan_to_num(shift.scores)
        if self.by_row:
            for at in range(groups):
                spread[at] = whole.covariance(self._on_frame(scores, at) + line * _finite(shift.factor[at]))[0, 0]
            return spread
        last = self.all_stages[-1]
        unit_line = group_sums(last.unit, (whole.weights * line)[:, None], last.units)
        totals, unit = self._totals(scores), self.cell_unit
        stages = tuple(replace(stage, unit=stage.unit[self.first_row]) for stage in self.all_stages)
        for at in range(groups):
            mine = self.cell_group == at
            here = unit_line * _finite(shift.factor[at])
            here[unit[mine], 0] += totals[mine]
            spread[at] = covariance(stages, here)[0, 0]
        return spread

    def simple(self, scores: np.ndarray) -> np.ndarray:
        """Variance of one index in each group under simple random sampling without replacement, as in ``survey.estimate``."""
        start, n = self.sample.start, self.sample.count
        if not len(start):
            return np.zeros(0)
        weighted, size = self.weight * scores, np.add.reduceat(self.weight, start)
        first, second = np.add.reduceat(weighted, start), np.add.reduceat(weighted * scores, start)
        return _simple(first, second, size, n)

    def simple_shifted(self, scores: np.ndarray, shift: Shift) -> np.ndarray:
        """The same where the line is estimated on the whole design."""
        start, weights = self.sample.start, self.d.full_weights
        line, n = np.nan_to_num(shift.scores), int((weights > 0).sum())
        size, first, second = weights.sum(), float((weights * line).sum()), float((weights * line * line).sum())
        weighted = self.weight * scores
        factor = np.where(np.isfinite(shift.factor), shift.factor, 0.0)
        cross = np.add.reduceat(weighted * line[self.sample.rows], start)
        sums = np.add.reduceat(weighted, start) + factor * first
        squares = np.add.reduceat(weighted * scores, start) + 2 * factor * cross + factor**2 * second
        return _simple(sums, squares, np.full(len(start), size), np.full(len(start), n))

    def _collapse(self) -> None:
        """Cells of last drawn unit and group, and the stages seen from them."""
        counted = self.d.stages[:1] if self.d.ultimate_cluster else self.d.stages
        kept = [place for place, stage in enumerate(counted) if stage.scale().any() or stage.open_lone.any()]
        self.all_stages: tuple[Stage, ...] = counted[: kept[-1] + 1]
        last = self.all_stages[-1]
        self.first_row = np.empty(last.units, dtype=np.int64)
        self.first_row[last.unit[::-1]] = np.arange(len(last.unit))[::-1]
        unit = last.unit[self.sample.rows]
        if last.units == len(self.d):
            self.cell, self.cell_unit, self.cell_group = None, unit, self.group
        else:
            code = unit.astype(np.int64) * max(self.sample.groups, 1) + self.group
            self.cell, cells = pd.factorize(code)
            self.cell_unit, self.cell_group = cells // max(self.sample.groups, 1), cells % max(self.sample.groups, 1)
        rows = self.first_row[self.cell_unit]
        self.stages = tuple(replace(stage, unit=stage.unit[rows]) for stage in self.all_stages)

    def _totals(self, scores: np.ndarray) -> np.ndarray:
        weighted = scores * self.weight
        return weighted if self.cell is None else np.bincount(self.cell, weights=weighted, minlength=len(self.cell_unit))

    def _on_frame(self, scores: np.ndarray, at: int) -> np.ndarray:
        result = np.zeros(len(self.d))
        mine = slice(self.sample.start[at], self.sample.start[at] + self.sample.count[at])
        result[self.sample.rows[mine]] = scores[mine]
        return result

    def _own_by_row(self, scores: Sequence[np.ndarray]) -> np.ndarray:
        spread = np.empty((self.sample.groups, len(scores)))
        for at in range(self.sample.groups):
            columns = np.column_stack([self._on_frame(one, at) for one in scores])
            inside = np.zeros(len(self.d), dtype=bool)
            inside[self.sample.rows[self.group == at]] = True
            spread[at] = np.diag(replace(self.d, active=inside).covariance(columns))
        return spread


def degrees_of_freedom(sample: Sample, d: Design) -> np.ndarray:
    """First-stage units less first-stage strata of each present group (分组自由度)."""
    first = d.stages[0]
    group, unit = np.repeat(np.arange(sample.groups), sample.count), first.unit[sample.rows]
    units = sample.count if first.units == len(d) else _distinct(unit, group, first.units, sample.groups)
    return (units - _distinct(first.stratum[unit], group, len(first.drawn), sample.groups)).astype(float)


def _distinct(code: np.ndarray, group: np.ndarray, codes: int, groups: int) -> np.ndarray:
    """Distinct codes within each group."""
    if codes == 1:
        return np.ones(groups, dtype=np.int64)
    pairs = pd.unique(group * np.int64(codes) + code)
    return np.bincount(pairs // codes, minlength=groups)


def _simple(first: np.ndarray, second: np.ndarray, size: np.ndarray, n: np.ndarray) -> np.ndarray:
    correction = np.divide(n, n - 1, out=np.full(len(n), np.nan), where=n > 1)
    without = np.where(size >= n, size**2 / n * (1 - n / size), np.nan)
    return np.maximum(second / size - (first / size) ** 2, 0.0) * correction * without


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0
