"""Stages of sampling and the variance of weighted totals (抽样阶段与总量方差).

One :class:`Stage` holds, for each stage of sampling, which unit and stratum a row belongs to, how many units were drawn and how many there are.
:func:`covariance` adds the variance between the units of each stage, each weighted by the sampling fractions of the stages before it.

Source: Särndal, Swensson, Wretman (1992), Model Assisted Survey Sampling, ch. 4.3 and 5; the recursion is that of Bellhouse (1985), as in
``svyrecvar`` of R's survey package.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LONE", "Stage", "covariance", "group_sums", "grouped_covariance", "lone_strata", "stage_of"]

#: What to do with a stratum of one unit, and the name of the same choice in R (``options(survey.lonely.psu=)``).
LONE = {"refuse": "fail", "certainty": "certainty", "remove": "remove", "centre": "adjust", "average": "average"}
#: Below this share not drawn, a stratum counts as fully observed.
FULL = 1e-7


@dataclass(frozen=True)
class Stage:
    """One stage of sampling (一个抽样阶段).

    ``unit`` is the unit of each row, ``stratum`` the stratum of each unit; ``drawn`` and ``left`` hold for each stratum the number of units drawn and
    the share not drawn (the finite population correction); ``left_of_unit`` differs from ``left`` only for unequal probabilities; ``before`` is for each
    unit the product of the sampling fractions of the stages above it.
    """

    unit: np.ndarray
    stratum: np.ndarray
    drawn: np.ndarray
    left_of_unit: np.ndarray
    before: np.ndarray
    lone: str = "refuse"

    @property
    def units(self) -> int:
        """Number of units drawn."""
        return len(self.stratum)

    @property
    def left(self) -> np.ndarray:
        """Largest share not drawn in each stratum."""
        left = np.zeros(len(self.drawn))
        np.maximum.at(left, self.stratum, self.left_of_unit)
        return left

    @property
    def fraction(self) -> np.ndarray:
        """Sampling fraction of each unit at this stage."""
        return 1 - self.left_of_unit

    @property
    def open_lone(self) -> np.ndarray:
        """Strata with one unit that stands for others as well."""
        return (self.drawn == 1) & (self.left >= FULL)

    def scale(self) -> np.ndarray:
        """Weight of each unit's squared deviation: before × (1 - f) × n / (n - 1)."""
        drawn = self.drawn[self.stratum].astype(float)
        grown = np.where(drawn > 1, drawn / np.maximum(drawn - 1, 1), 1.0)
        full = (self.left < FULL)[self.stratum]
        return np.where(full, 0.0, self.before * self.left_of_unit * grown)

    def centred(self) -> np.ndarray:
        """Strata whose units are measured from their stratum's mean (all, save lone ones under ``centre``)."""
        return ~(self.open_lone & (self.lone == "centre"))

    def inflation(self, present: np.ndarray) -> float:
        """Under ``average``, strata met over strata met that have a variance: a lone stratum counts with the average of the others."""
        if self.lone != "average":
            return 1.0
        usable = (present & ~self.open_lone).sum()
        return float(present.sum() / usable) if usable else np.nan


def stage_of(unit: np.ndarray, stratum_of_row: np.ndarray, left_of_row: np.ndarray, before_of_row: np.ndarray, lone: str) -> Stage:
    """A stage from row by row codes (由行编码建立阶段); ``unit`` and ``stratum_of_row`` are dense codes from 0."""
    first = np.full(int(unit.max()) + 1, -1, dtype=np.int64)
    first[unit[::-1]] = np.arange(len(unit))[::-1]
    stratum = stratum_of_row[first]
    drawn = np.bincount(stratum, minlength=int(stratum_of_row.max()) + 1)
    return Stage(unit, stratum, drawn, left_of_row[first], before_of_row[first], lone)


def lone_strata(stages: tuple[Stage, ...]) -> list[tuple[int, int]]:
    """Stage and stratum of all lone units that are not the whole stratum (单一初级单元的层)."""
    return [(level, int(stratum)) for level, stage in enumerate(stages) for stratum in np.flatnonzero(stage.open_lone)]


def group_sums(codes: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Sums of the columns of ``values`` by group (分组求和): rows by columns in, ``count`` by columns out."""
    sums = np.empty((count, values.shape[1]))
    for column in range(values.shape[1]):
        sums[:, column] = np.bincount(codes, weights=values[:, column], minlength=count)
    return sums


def covariance(stages: tuple[Stage, ...], weighted: np.ndarray, active: np.ndarray | None = None) -> np.ndarray:
    """Covariance of the totals of weighted scores (加权总量的协方差).

    ``weighted``: rows by scores, each score times its final weight, zero outside the domain; ``active`` marks the rows of the domain (only the
    choice ``average`` asks for it). Gives scores by scores.
    """
    nothing = np.zeros(len(weighted), dtype=np.int64)
    return grouped_covariance(stages, weighted, nothing, 1, active)[0]


def grouped_covariance(stages: tuple[Stage, ...], weighted: np.ndarray, group: np.ndarray, groups: int, active: np.ndarray | None = None) -> np.ndarray:
    """Covariance of the weighted totals within each group, every group a domain of the full design (分组总量的协方差).

    ``group`` is the group of each row, -1 for none. A unit without rows in a group counts there with a total of zero. Gives groups × scores × scores.
    """
    inside = group >= 0
    if active is not None:
        inside &= active
    everybody = bool(inside.all())
    if not everybody:
        weighted, group = weighted[inside], group[inside]
    scores = weighted.shape[1]
    result = np.zeros((groups, scores, scores))
    for stage in stages:
        scale = stage.scale()
        if not scale.any() and not (stage.open_lone.any() and stage.lone == "average"):
            continue
        unit = stage.unit if everybody else stage.unit[inside]
        result += _between_units(stage, scale, weighted, unit, group, groups)
    return result


def _between_units(stage: Stage, scale: np.ndarray, weighted: np.ndarray, unit: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """The part of one stage: squared deviations of the units' totals from their stratum's mean, by group."""
    if groups == 1:
        present = np.bincount(unit, minlength=stage.units) > 0
        totals = weighted if _in_order(unit, stage.units) else group_sums(unit, weighted, stage.units)
        return _deviations(stage, scale, totals, np.arange(stage.units), present)[None]
    pair = unit.astype(np.int64) * groups + group
    pairs, code = _dense(pair, stage.units * groups)
    totals = group_sums(code, weighted, len(pairs))
    pair_unit, pair_group = pairs // groups, pairs % groups
    result = np.empty((groups, weighted.shape[1], weighted.shape[1]))
    for here in range(groups):
        mine = pair_group == here
        result[here] = _deviations(stage, scale, totals[mine], pair_unit[mine], None)
    return result


def _in_order(unit: np.ndarray, units: int) -> bool:
    return len(unit) == units and bool((unit == np.arange(units)).all())


def _dense(codes: np.ndarray, highest: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct codes in order, and the position of each row's code among them; without sorting where the range is small."""
    if highest > max(10 * len(codes), 1_000_000):
        return np.unique(codes, return_inverse=True)
    seen = np.zeros(highest, dtype=bool)
    seen[codes] = True
    distinct = np.flatnonzero(seen)
    position = np.zeros(highest, dtype=np.int64)
    position[distinct] = np.arange(len(distinct))
    return distinct, position[codes]


def _deviations(stage: Stage, scale: np.ndarray, totals: np.ndarray, unit: np.ndarray, present: np.ndarray | None) -> np.ndarray:
    """Sum over strata of scaled squared deviations, with a zero total for every unit of a stratum that is not in ``unit``."""
    stratum = stage.stratum[unit]
    strata = len(stage.drawn)
    mean = group_sums(stratum, totals, strata) / stage.drawn[:, None]
    mean[~stage.centred()] = 0.0
    root = np.sqrt(scale[unit])[:, None]
    deviation = (totals - mean[stratum]) * root
    result = deviation.T @ deviation
    empty = np.bincount(stage.stratum, weights=scale, minlength=strata) - np.bincount(stratum, weights=scale[unit], minlength=strata)
    gaps = stage.drawn - np.bincount(stratum, minlength=strata)
    if gaps.any():
        missing = mean[gaps > 0] * np.sqrt(np.maximum(empty[gaps > 0], 0.0))[:, None]
        result += missing.T @ missing
    if stage.lone == "average":
        met = np.zeros(strata, dtype=bool)
        met[stratum if present is None else stage.stratum[present]] = True
        result *= stage.inflation(met)
    return result
