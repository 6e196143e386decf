"""The indices as functions of weights, for jackknife and bootstrap (以权数为自变量的指标).

Incomes are sorted once; each replicate is then a gather, a cumulative sum and a few products over buffers that stay in the processor's cache, so that a
thousand replicates of a hundred thousand persons take seconds and the memory of one. Any index of :data:`.INDICES` works; FGT, the mean, Gini and the
share ratios take the fast way, the others are worked out anew for each set of weights.

    f = sampled.of_weights(d, "income", ["gini", "headcount_ratio", "poverty_gap_index"], line=2952)
    survey.replicates(d, "bootstrap", count=1000, seed=1).estimate(f)
    sampled.replicated(d, "income", ["gini", "headcount_ratio"], line=2952, kind="bootstrap", count=1000, seed=1)    # the same as a frame

R: ``as.svrepdesign(d, type="bootstrap")`` and convey's functions on it. A relative line is estimated anew in every replicate, as ``svyarpr`` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.indicators.sampled.everything import all_indices, raw_of
from linwu_stats.indicators.sampled.finish import COLUMNS
from linwu_stats.indicators.sampled.indices import INDICES, Index
from linwu_stats.indicators.sampled.lines import line_of, relative, resolve
from linwu_stats.indicators.sampled.poverty import SIGN, fgt_raw, poor_rows
from linwu_stats.indicators.sampled.sample import Sample, prepare
from linwu_stats.survey.columns import DesignError, column_of
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import critical
from linwu_stats.survey.replicate import Replicates

__all__ = ["of_weights", "replicated"]

#: An index from the weights of the sorted rows, their sum, and their running sums.
Quick = Callable[[np.ndarray, float, np.ndarray], float]


def of_weights(
    d: Design, income: Any, indices: Sequence[str] | str, line: Any = None, *, headcount: Any = None, relative_line: Any = None, unknown: str = "refuse",
    sign: str = SIGN, negative: str = "clip", rule: str = "math", ties: str = "split",
) -> Callable[[np.ndarray], Any]:
    """Indices as one function of the weights of the frame's rows (以权数为自变量): for ``survey.Replicates.estimate`` or weights of one's own.

    ``indices``: names of :data:`.INDICES`, or one. The function takes (rows,) and gives a number (for one name) or a vector, or (rows, sets) and gives
    a line for each set of weights. NaN where an index has no value under those weights. Rows outside the domain do not count, whatever their weight
    (save for a relative line of the whole design); rows without weight in ``d`` neither.
    """
    names = [indices] if isinstance(indices, str) else list(indices)
    if strange := [name for name in names if name not in INDICES]:
        raise DesignError(f"indices {', '.join(strange)} are not known (未知的指标): choose from {', '.join(INDICES)}")
    sample = prepare(d, income, headcount, unknown=unknown)
    whole = sample.whole()
    lines = {"stated": line, "relative": relative_line or relative(rule=rule)}
    options = {"sign": sign, "negative": negative, "rule": rule, "ties": ties}
    quick = {name: _quick(sample, INDICES[name], lines, options) for name in names}
    slow = [name for name in names if quick[name] is None]
    outside = np.zeros(len(d), dtype=bool) if d.active is None else ~d.active & (d.full_weights > 0)
    kinds = {line_of(lines[INDICES[name].line]).of for name in names if INDICES[name].line and line_of(lines[INDICES[name].line]).is_relative}
    needs_everybody = "design" in kinds and bool(outside.any())
    buffer, running = np.empty(len(sample.rows)), np.empty(len(sample.rows))

    def one(weights: np.ndarray) -> np.ndarray:
        if needs_everybody and not weights[outside].any():
            raise DesignError("weights (权数) are zero outside the domain, but the relative line is that of the whole design: give the weights of all its rows")
        np.take(np.ascontiguousarray(weights, dtype=float), sample.rows, out=buffer, mode="clip")
        if sample.heads is not None:
            np.multiply(buffer, sample.heads, out=buffer)
        np.cumsum(buffer, out=running)
        size = float(running[-1]) if len(running) else 0.0
        found = {name: make(buffer, size, running) if size > 0 else np.nan for name, make in quick.items() if make is not None}
        if slow:
            found |= _anew(sample, whole, weights, slow, lines, options)
        return np.array([found[name] for name in names])

    def function(weights: np.ndarray) -> Any:
        values = np.asarray(weights, dtype=float)
        if len(values) != len(d) or values.ndim > 2:
            raise DesignError(f"weights (权数) have shape {values.shape}, the design has {len(d)} rows: give one for each row, or rows × sets")
        if values.ndim == 2:
            return np.array([one(values[:, column]) for column in range(values.shape[1])])
        found = one(values)
        return float(found[0]) if isinstance(indices, str) else found

    return function


def replicated(
    d: Design | Replicates, income: Any, indices: Sequence[str] | None = None, line: Any = None, *, by: Any = None, kind: str = "bootstrap",
    count: int | None = None, seed: int | None = None, level: float = 0.95, df: float | None = None, percentile: bool = False, **options: Any,
) -> pd.DataFrame:
    """Indices with standard errors from replicate weights (重复权数法), columns as :func:`.all_indices`, and ``failed``: replicates without value.

    ``d``: a design (replicates are made: ``kind``, ``count``, ``seed``), or Replicates made before (also ``survey.given_replicates``). ``by``: a column of
    groups, each a domain. ``percentile``: the interval from the quantiles of the replicates instead of value ± t·se. An index without value in a
    replicate has an unknown error, not a smaller one. Other options as :func:`of_weights`.
    """
    made = d if isinstance(d, Replicates) else survey.replicates(d, kind, count=count, seed=seed)
    names = list(INDICES) if indices is None else list(indices)
    asked, made = made.design, copy(made)
    made.design = replace(asked, active=None)  # a relative line needs the weights of everybody; the functions know their domain
    codes, labels = (np.zeros(len(asked), dtype=np.int64), [None]) if by is None else pd.factorize(column_of(asked.frame, by), sort=True)
    domains = [asked if by is None else asked.domain(codes == code) for code in range(len(labels))]
    functions = [of_weights(domain, income, names, line, **options) for domain in domains]
    values = np.array([function(made.design.weights) for function in functions])
    table = np.empty((made.count, *values.shape))
    for number, weights in enumerate(made):
        for place, function in enumerate(functions):
            table[number, place] = function(weights)
    frames = [
        _summary(made, label, all_indices(domain, income, line, indices=names, df=df, **options), values[place], table[:, place], level, percentile)
        for place, (label, domain) in enumerate(zip(labels, domains, strict=True))
    ]
    return pd.concat(frames, ignore_index=True).astype({"indicator": "string", "reason": "string"})


def _summary(made: Replicates, label: Any, linear: pd.DataFrame, value: np.ndarray, table: np.ndarray, level: float, percentile: bool) -> pd.DataFrame:
    """Standard errors and intervals of one domain from its replicates; counts and reasons are those of the linearised estimates."""
    freedom = float(linear["df"].iloc[0]) if len(linear) else np.nan
    found = linear.assign(group=label, value=value, se=np.nan, low=np.nan, high=np.nan, deff=np.nan, failed=(~np.isfinite(table)).sum(axis=0))
    for column in np.flatnonzero((found["failed"] == 0) & np.isfinite(value) & (freedom > 0)):
        se = float(np.sqrt(max(made.covariance(table[:, column], value[column])[0, 0], 0.0)))
        half = critical((1 - level) / 2, freedom) * se
        ends = np.quantile(table[:, column], [(1 - level) / 2, (1 + level) / 2]) if percentile else (value[column] - half, value[column] + half)
        found.loc[column, ["se", "low", "high"]] = [se, *ends]
    return found[[*COLUMNS, "failed"]]


def _anew(sample: Sample, whole: Sample, weights: np.ndarray, names: list[str], lines: dict[str, Any], options: dict[str, str]) -> dict[str, float]:
    """Indices worked out on a sample with other weights, rows without weight left out."""
    values = np.asarray(weights, dtype=float)
    fresh, everybody = _reweighted(sample, values), _reweighted(whole, values)
    if fresh is None or everybody is None:
        return dict.fromkeys(names, math.nan)
    found = {}
    for name in names:
        here = dict(lines)
        spec = line_of(here[INDICES[name].line]) if INDICES[name].line else None
        if spec is not None and spec.is_relative and spec.of == "design":
            here[INDICES[name].line] = _threshold(everybody, spec)
        raw = raw_of(fresh, INDICES[name], here, options)
        bare = raw.reason is not None and raw.reason[0] is not None
        found[name] = math.nan if bare else float(raw.value[0])
    return found


def _threshold(everybody: Sample, spec: Any) -> float | None:
    centre = everybody.mean[0] if spec.quantile is None else everybody.quantile(spec.quantile, spec.rule)[0]
    return spec.share * centre if centre > 0 else None


def _reweighted(sample: Sample, weights: np.ndarray) -> Sample | None:
    here = weights[sample.rows]
    kept = here > 0
    if not kept.any():
        return None
    heads = None if sample.heads is None else sample.heads[kept]
    whole = (None, None) if sample.net is None else (sample.net[kept], sample.size[kept])
    weight = here[kept] if heads is None else here[kept] * heads
    return replace(
        sample, rows=sample.rows[kept], income=sample.income[kept], weight=weight, heads=heads, net=whole[0], size=whole[1], start=np.zeros(1, dtype=np.int64),
        count=np.array([int(kept.sum())]),
    )


def _quick(sample: Sample, index: Index, lines: dict[str, Any], options: dict[str, str]) -> Quick | None:
    """The fast way of an index, None where it has none."""
    income = sample.income
    if index.name == "mean":
        return lambda weight, size, reached: _dot(weight, income) / size
    if index.name == "gini":
        return _quick_gini(income)
    if index.name in ("quintile_share_ratio", "palma_ratio") and options["ties"] == "split":
        top, bottom = (0.2, 0.2) if index.name == "quintile_share_ratio" else (0.1, 0.4)
        return _quick_share_ratio(income, top, bottom)
    order = {"headcount_ratio": 0, "poverty_gap_index": 1, "squared_poverty_gap_index": 2}.get(index.name)
    if order is None or line_of(lines["stated"]).is_relative or lines["stated"] is None:
        return None
    if order == 0:
        powers = poor_rows(sample, resolve(sample, lines["stated"]), options["sign"]).astype(float)
    else:
        powers = _powers(sample, lines["stated"], order, options)
    return lambda weight, size, reached: _dot(weight, powers) / size


def _dot(one: np.ndarray, other: np.ndarray) -> float:
    """Inner product without the threads of a linear algebra library, which cost more than they give at this size."""
    return float(np.einsum("i,i->", one, other))


def _powers(sample: Sample, line: Any, order: int, options: dict[str, str]) -> np.ndarray:
    """Gap powers of each sorted row, from the index itself: value plus influence times persons."""
    raw = fgt_raw(sample, line, order, sign=options["sign"], negative=options["negative"])
    return raw.influence * sample.persons[0] + raw.value[0]


def _quick_gini(income: np.ndarray) -> Quick:
    scaled = np.empty(len(income))

    def gini(weight: np.ndarray, size: float, reached: np.ndarray) -> float:
        np.multiply(weight, income, out=scaled)
        total = float(scaled.sum())
        if total <= 0 or (np.count_nonzero(weight[:100]) < 2 and np.count_nonzero(weight) < 2):
            return math.nan
        return (2 * _dot(reached, scaled) - _dot(weight, scaled)) / (size * total) - 1

    return gini


def _quick_share_ratio(income: np.ndarray, top: float, bottom: float) -> Quick:
    def ratio(weight: np.ndarray, size: float, reached: np.ndarray) -> float:
        held = np.cumsum(weight * income)
        first, last = (_income_of_poorest(share * size, income, held, reached) for share in (bottom, 1 - top))
        return math.nan if first <= 0 else float((held[-1] - last) / first)

    return ratio


def _income_of_poorest(persons: float, income: np.ndarray, held: np.ndarray, reached: np.ndarray) -> float:
    place = min(int(np.searchsorted(reached, persons * (1 - 1e-15))), len(income) - 1)
    return float(held[place] - income[place] * (reached[place] - persons))
