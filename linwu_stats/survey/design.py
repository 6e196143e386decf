"""What the caller states about a sample or a register, its checks, and the object that carries it (抽样设计的声明与检查).

Nothing is guessed: weights, strata, clusters and population counts are the columns that the caller names, and statements that contradict each other
are refused with the row that shows it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from linwu_stats.survey.columns import DesignError, aligned, as_mask, as_numbers, codes_of, column_of, counts_of, listed, name_of, weights_of
from linwu_stats.survey.stages import LONE, Stage, covariance, grouped_covariance, lone_strata, stage_of

__all__ = ["Adjustment", "Design", "DesignError", "as_numbers", "design", "register"]


class Adjustment(Protocol):
    """A step that fitted the weights to known totals (权数校准)."""

    def residuals(self, weighted: np.ndarray) -> np.ndarray:
        """Weighted scores less what the known totals explain."""

    def refit(self, weights: np.ndarray) -> np.ndarray:
        """The same fit on other starting weights (rows by replicates)."""


@dataclass(frozen=True, eq=False)
class Design:
    """A stated design over a frame (抽样设计); made by :func:`design` or :func:`register`, never changed in place.

    ``frame``: one row for each observed unit. ``full_weights``: final weights of all rows. ``active``: rows of the domain, or None for all.
    ``base_weights``: weights before post-stratification, raking or calibration; ``adjustments``: those steps in order.
    ``statement``: what was stated, in words for the report.
    """

    frame: pd.DataFrame
    full_weights: np.ndarray
    base_weights: np.ndarray
    stages: tuple[Stage, ...]
    stratified: bool
    lone: str
    statement: str
    active: np.ndarray | None = None
    adjustments: tuple[Adjustment, ...] = ()
    is_register: bool = False
    ultimate_cluster: bool = False

    def __post_init__(self) -> None:
        self.full_weights.flags.writeable = False
        self.base_weights.flags.writeable = False

    def __repr__(self) -> str:
        return f"Design({self.statement}; n={self.n}, degrees_of_freedom={self.degrees_of_freedom})"

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def weights(self) -> np.ndarray:
        """Final weight of each row, zero outside the domain (最终权数)."""
        return self.full_weights if self.active is None else np.where(self.active, self.full_weights, 0.0)

    @property
    def used(self) -> np.ndarray:
        """Rows of the domain with a weight above zero (有效行)."""
        used = self.full_weights > 0
        return used if self.active is None else used & self.active

    @property
    def n(self) -> int:
        """Rows of the domain with a weight above zero (样本量)."""
        return int(self.used.sum())

    @property
    def degrees_of_freedom(self) -> int:
        """First-stage units less first-stage strata that have rows in the domain (自由度), as ``degf`` in R."""
        first, used = self.stages[0], self.used
        seen = np.zeros(first.units, dtype=bool)
        seen[first.unit[used]] = True
        return int(seen.sum() - len(np.unique(first.stratum[seen])))

    @property
    def is_complete(self) -> bool:
        """Whether every unit of every stage was drawn, so that sampling adds no error (全面调查)."""
        return all(not stage.scale().any() and not stage.open_lone.any() for stage in self._counted)

    @property
    def _counted(self) -> tuple[Stage, ...]:
        return self.stages[:1] if self.ultimate_cluster else self.stages

    def covariance(self, scores: Any) -> np.ndarray:
        """Covariance of the weighted totals of scores (线性化变量加权总量的协方差).

        ``scores``: influence values of each row, (n,) or (n, k), not multiplied by the weights; values outside the domain do not count. Gives (k, k).
        Taylor linearisation; every stage that has a finite population correction adds its part. Scores after post-stratification, raking or
        calibration are replaced by their residuals. Where ``degrees_of_freedom`` is below 1 the result says nothing (scores of a mean within a single
        village add up to zero): :func:`linwu_stats.survey.estimate` makes it unknown. Raises DesignError for a wrong length or an unknown value inside
        the domain.
        """
        values = self._scores(scores)
        weighted = self._weighted(values)
        return covariance(self._counted, weighted, None if self.adjustments else self.active)

    def covariance_by(self, scores: Any, group: Any) -> tuple[list[Any], np.ndarray]:
        """Covariances of the weighted totals within each group, in one pass (分组协方差).

        ``group``: a column name or one code for each row; rows without a group belong to none. Gives the groups in order and (groups, k, k).
        """
        values = self._scores(scores)
        codes, groups = pd.factorize(column_of(self.frame, group), sort=True)
        if not self.adjustments:
            return list(groups), grouped_covariance(self._counted, self._weighted(values), codes.astype(np.int64), len(groups), self.active)
        parts = [self.domain(codes == code).covariance(values) for code in range(len(groups))]
        return list(groups), np.array(parts).reshape(len(groups), values.shape[1], values.shape[1])

    def domain(self, mask: Any) -> Design:
        """The same design with attention on some rows (域估计): other rows stay in the design with scores of zero, so the variance stays right.

        ``mask``: a column name or True/False for each row; an unknown membership is refused.
        """
        inside = as_mask(self.frame, mask)
        return replace(self, active=inside if self.active is None else self.active & inside)

    def _scores(self, scores: Any) -> np.ndarray:
        aligned(self.frame, scores)
        values = np.asarray(scores, dtype=float)
        values = values[:, None] if values.ndim == 1 else values
        if values.ndim != 2 or len(values) != len(self):
            raise DesignError(f"scores (线性化变量) have shape {np.shape(scores)}, the design has {len(self)} rows: give one row for each row of the frame")
        strange = ~np.isfinite(values).all(axis=1)
        if self.active is not None:
            strange &= self.active
        if strange.any():
            raise DesignError(f"scores (线性化变量) are unknown or infinite in {int(strange.sum())} rows, the first is row {int(np.argmax(strange))}")
        return values

    def _weighted(self, values: np.ndarray) -> np.ndarray:
        weights = self.weights
        weighted = values * weights[:, None]
        if self.active is not None:
            weighted[~self.active] = 0.0
        for step in self.adjustments:
            weighted = step.residuals(weighted)
        return weighted


def design(
    frame: pd.DataFrame,
    weights: Any = None,
    strata: Any = None,
    clusters: Any = None,
    fpc: Any = None,
    lone: str = "refuse",
    *,
    nest: bool = False,
    fpc_kind: str = "population",
    unequal: bool = False,
    ultimate_cluster: bool = False,
) -> Design:
    """State how a sample was drawn (声明抽样设计).

    - ``weights``: column of sampling weights (抽样权数), above or equal to zero. None: the product of population over sample counts of ``fpc``; without
      ``fpc`` every row counts once, and the statement says so.
    - ``strata``: column of strata (层), or one for each stage.
    - ``clusters``: columns of the units drawn (抽样单元), first stage first, for example village then household. None: the rows were drawn.
    - ``fpc``: column for each stage with the number of units in the population of the row's stratum (总体单元数); infinity or a missing last column means
      drawn with replacement. One column more than clusters: the last stage is the row. ``fpc_kind="fraction"`` takes sampling fractions instead.
    - ``lone``: a stratum with one unit that is not the whole stratum: "refuse"; "certainty" or "remove" (adds no variance); "centre" (R: adjust, its
      total is measured from zero, the mean of all scores of a mean or ratio; large for a total); "average" (R: average, counts as the average stratum).
    - ``nest``: unit codes begin anew in each stratum (otherwise a unit in two strata is refused).
    - ``unequal``: unequal probabilities with ``fpc_kind="fraction"``, each unit its own (Brewer's approximation; R: ``pps="brewer"``).
    - ``ultimate_cluster``: only the first stage counts for the variance.

    Columns are names or arrays as long as the frame. Raises DesignError for missing columns, unknown values, negative or all-zero weights, units in two
    strata, counts that vary within a stratum or are smaller than the sample, and lone units unless told how.
    """
    if not isinstance(frame, pd.DataFrame):
        raise DesignError(f"the frame (调查数据表) is a {type(frame).__name__}: give a pandas DataFrame with one row for each observed unit")
    if len(frame) == 0:
        raise DesignError("the frame (调查数据表) has no rows (没有记录): nothing was observed, so there is nothing to estimate")
    if lone not in LONE:
        raise DesignError(f"lone={lone!r} (单一单元层的处理) is not known: choose from {', '.join(LONE)}")
    if fpc_kind not in ("population", "fraction") or (unequal and fpc_kind != "fraction"):
        raise DesignError("fpc_kind (有限总体修正的写法) is 'population' or 'fraction'; unequal probabilities need 'fraction'")
    if unequal and weights is None:
        raise DesignError("unequal probabilities (不等概率) need their weights stated (权数)")
    rows = len(frame)
    counts = [counts_of(frame, one, fpc_kind) for one in listed(fpc, rows)]
    names = listed(clusters, rows)
    if len(counts) > len(names):
        names = [*names, np.arange(rows)] if len(counts) == len(names) + 1 else names
    names = names or [np.arange(rows)]
    if len(counts) > len(names):
        raise DesignError(f"fpc (有限总体修正) has {len(counts)} stages, clusters (抽样单元) {len(names)}: state one column for each stage")
    layers = listed(strata, rows)
    if len(layers) > len(names):
        raise DesignError(f"strata (层) has {len(layers)} stages, clusters (抽样单元) {len(names)}: state at most one column for each stage")
    stages, fractions = _stages(frame, names, layers, counts, fpc_kind, nest, unequal, lone)
    if weights is None:
        drawn = np.prod(fractions, axis=0) if counts else np.ones(rows)
        if not (drawn > 0).all():
            raise DesignError("weights (权数) are not stated, and an infinite population gives none: name the column of weights")
        weight = 1 / drawn
    else:
        weight = weights_of(frame, weights)
    if lone == "refuse":
        _refuse_lone(frame, names, stages[:1] if ultimate_cluster else stages)
    return Design(frame, weight, weight, stages, bool(layers), lone, _statement(weights, layers, names, counts, lone, rows), ultimate_cluster=ultimate_cluster)


def register(frame: pd.DataFrame) -> Design:
    """A full register: every unit was observed, sampling adds no error (全面登记，无抽样误差); each row counts once."""
    if not isinstance(frame, pd.DataFrame) or len(frame) == 0:
        raise DesignError("a register (全面登记) needs a DataFrame with at least one row")
    rows = np.arange(len(frame))
    whole = Stage(rows, np.zeros(len(frame), dtype=np.int64), np.array([len(frame)]), np.zeros(len(frame)), np.ones(len(frame)))
    ones = np.ones(len(frame))
    return Design(frame, ones, ones, (whole,), False, "refuse", f"全面登记 {len(frame)} 条，无抽样误差（登记误差不在其中）", is_register=True)


def _joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Dense codes of pairs of codes."""
    return pd.factorize(first * (int(second.max()) + 1) + second)[0].astype(np.int64)


def _stages(
    frame: pd.DataFrame, names: list[Any], layers: list[Any], counts: list[np.ndarray], kind: str, nest: bool, unequal: bool, lone: str
) -> tuple[tuple[Stage, ...], list[np.ndarray]]:
    rows = len(frame)
    before, parent, stages, fractions = np.ones(rows), np.zeros(rows, dtype=np.int64), [], []
    for level, name in enumerate(names):
        layer = layers[min(level, len(layers) - 1)] if layers else None
        stratum = codes_of(column_of(frame, layer), "层", layer) if layer is not None else np.zeros(rows, dtype=np.int64)
        unit = codes_of(column_of(frame, name), "抽样单元", name)
        if level:
            unit, stratum = _joined(parent, unit), _joined(parent, stratum)
        if nest:
            unit = _joined(stratum, unit)
        _refuse_spread(unit, stratum, level, name, layer)
        stage = stage_of(unit, stratum, np.ones(rows), before, lone)
        if level < len(counts):
            fraction = _fraction(stage, stratum, counts[level], kind, level, unequal)
            stage = stage_of(unit, stratum, 1 - fraction, before, lone)
            before, fractions = before * fraction, [*fractions, fraction]
        else:
            before = np.zeros(rows)
        stages.append(stage)
        parent = unit
        if not before.any():
            break
    return tuple(stages), fractions


def _refuse_spread(unit: np.ndarray, stratum: np.ndarray, level: int, name: Any, layer: Any) -> None:
    """A unit of a stage lies in one stratum."""
    first = np.full(int(unit.max()) + 1, -1, dtype=np.int64)
    first[unit[::-1]] = stratum[::-1]
    spread = first[unit] != stratum
    if spread.any():
        row = int(np.argmax(spread))
        raise DesignError(
            f"stage {level + 1}: the unit of row {row} in {name_of(name)} (抽样单元) lies in two strata of {name_of(layer)} (同一单元跨层): "
            "correct its code, or state nest=True if codes begin anew in each stratum"
        )


def _fraction(stage: Stage, stratum: np.ndarray, count: np.ndarray, kind: str, level: int, unequal: bool) -> np.ndarray:
    """Sampling fraction of each row at one stage."""
    key = stage.unit if unequal else stratum
    first = np.full(int(key.max()) + 1, np.nan)
    first[key[::-1]] = count[::-1]
    varies = first[key] != count
    if varies.any():
        raise DesignError(
            f"stage {level + 1}: fpc (总体单元数) is {count[np.argmax(varies)]:g} in row {int(np.argmax(varies))} and {first[key][np.argmax(varies)]:g} "
            f"elsewhere in the same {'unit' if unequal else 'stratum'} (同一层前后不一): one stratum has one count"
        )
    drawn = stage.drawn[stratum]
    if kind == "fraction":
        return count
    few = count < drawn
    if few.any():
        row = int(np.argmax(few))
        raise DesignError(
            f"stage {level + 1}: fpc (总体单元数) of the stratum of row {row} is {count[row]:g}, but {drawn[row]} units were drawn (总体小于样本): "
            "correct one of them"
        )
    return drawn / count


def _refuse_lone(frame: pd.DataFrame, names: list[Any], stages: tuple[Stage, ...]) -> None:
    found = lone_strata(stages)
    if not found:
        return
    level, stratum = found[0]
    row = int(np.argmax(stages[level].stratum[stages[level].unit] == stratum))
    raise DesignError(
        f"stage {level + 1}: {len(found)} strata have a single unit (层内只有一个抽样单元), the first holds row {row}, "
        f"unit {column_of(frame, names[level])[row]}; "
        "their variance cannot be measured: state lone='certainty' (drawn surely), 'centre' or 'average', or merge strata"
    )


def _statement(weights: Any, layers: list[Any], names: list[Any], counts: list[np.ndarray], lone: str, rows: int) -> str:
    """What was stated, in Chinese words for the report."""
    unstated = "未声明权数，按总体与样本之比" if counts else "未声明权数，各行同权"
    parts = [f"样本 {rows} 条", unstated if weights is None else "权数由使用者声明"]
    parts.append(f"分层 {len(layers)} 级" if layers else "不分层")
    parts.append(f"{len(names)} 阶段抽样")
    parts.append(f"有限总体修正 {len(counts)} 阶段" if counts else "不作有限总体修正")
    if lone != "refuse":
        parts.append(f"单一单元层按 {lone} 处理")
    return "，".join(parts)
