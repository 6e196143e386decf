"""The indices that a caller asks for, one function each (指标函数).

All take a design ``d`` (or ``d.domain(mask)``), an ``income`` column and keyword options that all share:

- ``headcount``: column of persons: income is then the household's, and a row stands for weight × head count persons
- ``by``: column of groups: one row a group in a DataFrame instead of one Estimate; each group is a domain of the full design
- ``unknown``: "refuse" rows without income, or "domain" for the units with known incomes, counted in ``unknown``
- ``interval``: a kind of :data:`linwu_stats.survey.KINDS`; None: the one that suits the quantity, named in ``method``
- ``level``, ``df``: confidence level; degrees of freedom (``math.inf`` for the normal distribution, as R's ``confint``)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from linwu_stats.indicators.sampled import inequality, poverty
from linwu_stats.indicators.sampled.finish import frame_of, one_estimate
from linwu_stats.indicators.sampled.sample import Raw, Sample, prepare
from linwu_stats.survey.design import Design
from linwu_stats.survey.linearise import Estimate

__all__ = ["fgt", "gini", "mean"]


def mean(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Mean income of persons (人均收入); R: ``svymean(~income, d)``, with headcount ``svyratio(~income, ~headcount, d)``."""
    return _index(d, income, "mean", "plain", inequality.mean_raw, {}, **shared)


def fgt(
    d: Design, income: Any, line: Any, alpha: float = 0, *, normalise: bool = True, sign: str = poverty.SIGN, negative: str = "clip", **shared: Any
) -> Estimate | pd.DataFrame:
    """FGT poverty index of order alpha (贫困指数): 0 headcount ratio (发生率), 1 gap (差距), 2 squared gap (差距平方), any order from 0.

    Mean over persons of ((line - income) / line) ** alpha of the poor; ``normalise=False`` leaves the gap in money. R: ``convey::svyfgt(~income, d, g=alpha,
    type_thresh="abs", abs_thresh=line)`` with ``sign="<=", negative="keep"``; ``type_thresh="relq"`` is ``line=relative(0.6)``.
    """
    suited = "rate" if alpha == 0 else "share" if normalise else "plain"
    options = {"line": line, "alpha": alpha, "normalise": normalise, "sign": sign, "negative": negative}
    return _index(d, income, f"fgt({alpha:g})", suited, poverty.fgt_raw, options, **shared)


def gini(d: Design, income: Any, *, corrected: bool = False, form: str = "pairs", **shared: Any) -> Estimate | pd.DataFrame:
    """Gini coefficient (基尼系数), 0 to 1: mean difference of all pairs of persons over twice the mean.

    ``corrected``: times n / (n - 1). R: ``laeken::gini(income, weights)$value / 100``; ``form="convey"``: ``convey::svygini(~income, d)``, whose ranks count
    half a person rather than half a row.
    """
    return _index(d, income, "gini", "plain", inequality.gini_raw, {"corrected": corrected, "form": form}, **shared)


def _index(
    d: Design, income: Any, name: str, suited: str, make: Callable[..., Raw], options: dict[str, Any], *, headcount: Any = None, by: Any = None,
    unknown: str = "refuse", interval: str | None = None, level: float = 0.95, df: float | None = None,
) -> Estimate | pd.DataFrame:
    """One index from its raw function: an Estimate, or a frame by group."""
    sample: Sample = prepare(d, income, headcount, by=by, unknown=unknown)
    raw = make(sample, **options)
    if by is None:
        return one_estimate(sample, raw, name, suited, interval_kind=interval, level=level, df=df)
    return frame_of(sample, [(name, raw, suited)], interval_kind=interval, level=level, df=df)
