"""All indices of every area in one pass (全部指标)."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import pandas as pd

from linwu_stats.indicators.sampled.finish import frame_of
from linwu_stats.indicators.sampled.indices import INDICES, Index
from linwu_stats.indicators.sampled.lines import Line, line_of, relative
from linwu_stats.indicators.sampled.poverty import SIGN
from linwu_stats.indicators.sampled.sample import Raw, Sample, prepare
from linwu_stats.survey.columns import DesignError
from linwu_stats.survey.design import Design

__all__ = ["all_indices", "raw_of"]


def all_indices(
    d: Design, income: Any, line: Any = None, *, by: Any = None, headcount: Any = None, indices: Sequence[str] | None = None,
    relative_line: Line | None = None, unknown: str = "refuse", sign: str = SIGN, negative: str = "clip", rule: str = "math", ties: str = "split",
    density: str | None = None, level: float = 0.95, df: float | None = None,
) -> pd.DataFrame:
    """Every index of :data:`.INDICES` for the domain, or for every group of ``by`` (全部指标), incomes sorted once.

    ``line``: the line of the poverty indices (without one they are NaN, ``no_line``); ``relative_line``: that of the at-risk-of-poverty indices, 60 % of
    the median of the whole design unless told otherwise; ``indices``: names, None for all. Other options as in :mod:`.functions`;
    ``density`` None leaves each index its own.

    Gives a frame with group (None without ``by``), indicator, value, se, low, high, n, unknown, df, deff, reason, the indices of a group in the
    table's order. R: ``svyby(~income, ~by, d, svyfgt, ...)`` for each index.
    """
    names = list(INDICES) if indices is None else list(indices)
    strange = [name for name in names if name not in INDICES]
    if strange:
        raise DesignError(f"indices {', '.join(strange)} are not known (未知的指标): choose from {', '.join(INDICES)}")
    is_relative = line_of(line).is_relative
    ordered = is_relative or any(INDICES[name].ordered for name in names)
    sample = prepare(d, income, headcount, by=by, unknown=unknown, ordered=ordered)
    lines = {"stated": line, "relative": relative_line or relative(rule=rule)}
    options = {"sign": sign, "negative": negative, "rule": rule, "ties": ties, "density": density}
    raws = [(name, raw_of(sample, INDICES[name], lines, options), INDICES[name].suited) for name in names]
    return frame_of(sample, raws, level=level, df=df)


def raw_of(sample: Sample, index: Index, lines: dict[str, Any], options: dict[str, Any]) -> Raw:
    """One index of a sample with those of the options that it knows (单个指标)."""
    known = inspect.signature(index.make).parameters
    chosen = {key: value for key, value in options.items() if key in known and value is not None}
    return index.make(sample, lines[index.line], **chosen) if index.line else index.make(sample, **chosen)
