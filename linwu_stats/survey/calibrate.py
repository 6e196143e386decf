"""Weights fitted to known totals: post-stratification, raking, linear calibration (权数校准).

The variance afterwards is that of the residuals: what the known totals explain no longer varies between samples.

Sources: Deville and Särndal (1992), JASA 87, eq. 3.4 (residual variance); Deville, Särndal, Sautory (1993), JASA 88 (raking). Agrees with
``postStratify`` and ``calibrate(calfun="linear" | "raking")`` of R's survey 4.1-1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.survey.columns import DesignError, as_numbers
from linwu_stats.survey.design import Design
from linwu_stats.survey.stages import group_sums

__all__ = ["calibrate", "poststratify", "rake"]


def poststratify(d: Design, group: Any, totals: Any, *, partial: bool = False) -> Design:
    """Scale the weights so that each group has its known number of units (事后分层).

    ``group``: column, or list of columns for their combinations. ``totals``: mapping or Series from group (tuple for several columns) to the known number.
    ``partial``: ignore known groups without a row in the sample. Raises DesignError for unknown membership, groups without a known number, and known
    groups that nobody in the sample stands for.
    """
    _refuse_domain(d)
    codes, known, _ = _margin(d, group, totals, partial)
    step = _Groups(codes, known, d.full_weights, _fitted(codes, known, d.full_weights[:, None])[:, 0])
    return _adjusted(d, step, step.new, f"按 {_title(group)} 事后分层（{len(known)} 组）")


def rake(
    d: Design, margins: Any, *, tolerance: float = 1e-12, most: int = 1000, residuals: str = "weighted", partial: bool = False
) -> Design:
    """Scale the weights in turns until every margin has its known totals (迭代比例调整).

    ``margins``: mapping from column to its totals, or a list of (column or columns, totals). ``tolerance``: largest relative distance of a total at the end;
    after ``most`` rounds without it the raking is refused (R's ``rake`` stops earlier: at a change of one unit, or with a warning after ten rounds).
    ``residuals``: "weighted" for the variance of Deville and Särndal, as R's ``calibrate(calfun="raking")``; "unweighted" for that of R's ``rake``; equal
    where all rows had one weight. Raises DesignError for margins whose sums differ, too.
    """
    _refuse_domain(d)
    if residuals not in ("weighted", "unweighted"):
        raise DesignError(f"residuals={residuals!r} (残差) is not known: weighted or unweighted")
    listed = list(margins.items()) if isinstance(margins, Mapping) else list(margins)
    if not listed:
        raise DesignError("margins (边际总数) are empty: name at least one column with its totals")
    parts = [_margin(d, group, totals, partial)[:2] for group, totals in listed]
    sums = [float(known.sum()) for _, known in parts]
    if max(sums) - min(sums) > 1e-9 * max(sums):
        words = "; ".join(f"{_title(group)} {one:,.10g}" for (group, _), one in zip(listed, sums, strict=True))
        raise DesignError(f"margins (边际总数) have different sums (合计不一): {words}: they describe one population, make them agree")
    step = _Raking(tuple(parts), d.full_weights, tolerance, most, residuals)
    return _adjusted(d, step, step.new, f"按 {'、'.join(_title(group) for group, _ in listed)} 迭代调整")


def calibrate(d: Design, totals: Mapping[Any, Any], *, size: float | None = None) -> Design:
    """Change the weights as little as possible so that known totals are met exactly (线性校准, generalised regression).

    ``totals``: from column to its known total, for columns of groups to a mapping of known numbers; ``size``: the known number of units, too.
    Raises DesignError for totals that contradict each other and for weights that would fall below zero.
    """
    _refuse_domain(d)
    columns, known = [], []
    if size is not None:
        columns.append(np.ones((len(d), 1)))
        known.append([float(size)])
    for name, one in totals.items():
        if isinstance(one, (Mapping, pd.Series)):
            codes, numbers, _ = _margin(d, name, one, False)
            columns.append((codes[:, None] == np.arange(len(numbers))).astype(float))
            known.append(list(numbers))
        else:
            values = as_numbers(d.frame, name, "辅助变量")
            if np.isnan(values).any():
                raise DesignError(f"{_title(name)} (辅助变量) is unknown in {int(np.isnan(values).sum())} rows: calibration needs it for every row")
            columns.append(values[:, None])
            known.append([float(one)])
    if not columns:
        raise DesignError("totals (已知总数) are empty: name at least one column with its total")
    step = _Linear(np.hstack(columns), np.concatenate([np.asarray(one, dtype=float) for one in known]), d.full_weights)
    if (step.new < 0).any():
        raise DesignError(f"calibration (校准) makes {int((step.new < 0).sum())} weights negative (权数为负): use fewer or coarser totals, or raking")
    return _adjusted(d, step, step.new, f"线性校准（{len(step.known)} 个总数）")


def _refuse_domain(d: Design) -> None:
    if d.active is not None:
        raise DesignError("known totals are those of the whole population: fit the full design first, then take its domain (先校准后取域)")


def _adjusted(d: Design, step: Any, weights: np.ndarray, words: str) -> Design:
    return replace(d, full_weights=weights, adjustments=(*d.adjustments, step), statement=f"{d.statement}，{words}")


def _title(group: Any) -> str:
    return group if isinstance(group, str) else " × ".join(group) if isinstance(group, (list, tuple)) and all(isinstance(one, str) for one in group) else "组"


def _margin(d: Design, group: Any, totals: Any, partial: bool) -> tuple[np.ndarray, np.ndarray, list[Any]]:
    """Codes of the rows and known numbers of the groups, in the order of the codes."""
    names = list(group) if isinstance(group, (list, tuple)) else [group]
    columns = [d.frame[name] if isinstance(name, str) and name in d.frame.columns else name for name in names]
    if any(isinstance(one, str) for one in columns):
        raise DesignError(f"the frame has no column {next(one for one in columns if isinstance(one, str))!r} (没有这一列)")
    table = pd.DataFrame({position: pd.Series(np.asarray(one, dtype=object)) for position, one in enumerate(columns)})
    if table.isna().any(axis=None):
        raise DesignError(f"{_title(group)} (分组) is unknown in {int(table.isna().any(axis=1).sum())} rows (缺失): every row needs its group")
    keys = pd.Series(list(table.itertuples(index=False, name=None)) if len(names) > 1 else table[0].to_numpy())
    codes, seen = pd.factorize(keys)
    known = {key: float(value) for key, value in (totals.items() if isinstance(totals, (Mapping, pd.Series)) else dict(totals).items())}
    bad = [key for key, value in known.items() if not np.isfinite(value) or value < 0]
    strange = [key for key in seen if not known.get(key, 0) > 0]
    if bad or strange:
        what = "is negative or unknown" if bad else "is in the sample, but has no known number above zero"
        raise DesignError(f"{_title(group)} (已知总数): group {(bad or strange)[0]!r} {what} (总数有误): complete the totals or merge groups")
    weighted = np.bincount(codes, weights=d.full_weights, minlength=len(seen)) > 0
    absent = [key for key, value in known.items() if value > 0 and key not in set(seen)] + [key for key, has in zip(seen, weighted, strict=True) if not has]
    if absent and not partial:
        raise DesignError(
            f"{_title(group)} (已知总数): nobody in the sample stands for {absent[0]!r} (样本中没有): merge groups, or state partial=True to leave it out"
        )
    return codes.astype(np.int64), np.array([known[key] for key in seen]), list(seen)


def _fitted(codes: np.ndarray, known: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights (rows × replicates) scaled to the known numbers; a group that a replicate lost is refused."""
    now = group_sums(codes, weights, len(known))
    if (now <= 0).any():
        raise DesignError("a group of the known totals has no weight in a replicate (重复样本中缺组): merge small groups, or fewer, larger units")
    return weights * (known[:, None] / now)[codes]


@dataclass(frozen=True)
class _Groups:
    codes: np.ndarray
    known: np.ndarray
    old: np.ndarray
    new: np.ndarray

    def residuals(self, weighted: np.ndarray) -> np.ndarray:
        """Scores less their group's mean under the old weights."""
        back = np.divide(self.old, self.new, out=np.zeros_like(self.old), where=self.new > 0)
        means = group_sums(self.codes, weighted * back[:, None], len(self.known)) / np.bincount(self.codes, weights=self.old)[:, None]
        return weighted - means[self.codes] * self.new[:, None]

    def refit(self, weights: np.ndarray) -> np.ndarray:
        return _fitted(self.codes, self.known, weights)


class _Raking:
    def __init__(self, parts: tuple[tuple[np.ndarray, np.ndarray], ...], old: np.ndarray, tolerance: float, most: int, residuals: str) -> None:
        self.parts, self.tolerance, self.most, self.kind = parts, tolerance, most, residuals
        self.new = self.refit(old[:, None])[:, 0]
        if residuals == "weighted":
            columns = [(codes[:, None] == np.arange(len(known))).astype(float) for codes, known in parts]
            self._space = _Space(np.hstack(columns), old, self.new)

    def refit(self, weights: np.ndarray) -> np.ndarray:
        for _ in range(self.most):
            for codes, known in self.parts:
                weights = _fitted(codes, known, weights)
            apart = max(float(np.abs(group_sums(codes, weights, len(known)) / known[:, None] - 1).max()) for codes, known in self.parts)
            if apart <= max(self.tolerance, 1e-14):
                return weights
        raise DesignError(
            f"raking (迭代调整) is {apart:.3g} away from the totals after {self.most} rounds (未收敛): combinations without a row make margins unreachable"
        )

    def residuals(self, weighted: np.ndarray) -> np.ndarray:
        """Scores less what all margins together explain."""
        if self.kind == "weighted":
            return self._space.residuals(weighted)
        scores = weighted / self.new[:, None]
        for _ in range(10):
            for codes, known in self.parts:
                scores = scores - (group_sums(codes, scores, len(known)) / np.bincount(codes)[:, None])[codes]
        return scores * self.new[:, None]


class _Space:
    """The space of the known totals under the old weights, as an orthonormal basis; dependent columns are left out."""

    def __init__(self, matrix: np.ndarray, old: np.ndarray, new: np.ndarray) -> None:
        from scipy import linalg

        self.root, self.new = np.sqrt(old), new
        base = matrix * self.root[:, None]
        base = base / np.maximum(np.sqrt((base**2).sum(axis=0)), 1e-300)
        basis, corner, _ = linalg.qr(base, mode="economic", pivoting=True)
        size = np.abs(np.diag(corner))
        self.basis = basis[:, size > 1e-10 * size[0]]

    def residuals(self, weighted: np.ndarray) -> np.ndarray:
        scale = np.divide(self.new, self.root, out=np.zeros_like(self.new), where=self.root > 0)[:, None]
        scaled = np.divide(weighted, scale, out=np.zeros_like(weighted), where=scale > 0)
        return (scaled - self.basis @ (self.basis.T @ scaled)) * scale


class _Linear:
    def __init__(self, matrix: np.ndarray, known: np.ndarray, old: np.ndarray) -> None:
        self.matrix, self.known = matrix, known
        self.new = self.refit(old[:, None])[:, 0]
        self._space = _Space(matrix, old, self.new)

    def refit(self, weights: np.ndarray) -> np.ndarray:
        return np.column_stack([self._fit(weights[:, column]) for column in range(weights.shape[1])])

    def _fit(self, weights: np.ndarray) -> np.ndarray:
        scale = np.maximum(np.sqrt((self.matrix**2 * weights[:, None]).sum(axis=0)), 1e-300)
        scaled, known = self.matrix / scale, self.known / scale
        move = np.linalg.lstsq(scaled.T @ (scaled * weights[:, None]), known - weights @ scaled, rcond=1e-12)[0]
        fitted = weights * (1 + scaled @ move)
        if np.abs(fitted @ scaled - known).max() > 1e-8 * np.abs(known).max():
            raise DesignError("calibration (校准): the known totals contradict each other or cannot be reached (总数矛盾): check their sums")
        return fitted

    def residuals(self, weighted: np.ndarray) -> np.ndarray:
        """Scores less their regression on the known columns."""
        return self._space.residuals(weighted)
