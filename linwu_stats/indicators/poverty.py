"""Poverty measures of a group (贫困指标): headcount, gap, squared gap, Watts, and each area's part in them.

All functions take one number per household, weights first: ``weights`` (persons that the row stands for), ``net_fen`` (net income of the household),
``headcount_persons`` and the line per person and year in fen; unknown rows are left out. Who is poor is decided in integers,
``net_fen < line_fen * headcount_persons``: a divided float puts households that stand exactly on the line below it.

``poor_sign`` is the statistical boundary: ``"<"`` (on the line is not poor) unless ``"<="`` is asked for. It is not the boundary of an exit, which
belongs to the rule ``exit.household.income`` (sign ``">"``: on the line is not out). The gap, squared gap and Watts are the same under both, since
the gap on the line is 0. An income below 0 counts as 0 in the gaps, so that nobody's gap is wider than the line and the indices stay within 0 and 1.

Source: Foster, Greer and Thorbecke (1984), Econometrica 52(3), 761-766; Watts (1968); Zheng (1993), Economics Letters 42, 81-86.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from linwu_stats.indicators.measure import Measure, Observed, observe

__all__ = ["contributions", "headcount_ratio", "poverty_gap_index", "squared_poverty_gap_index", "watts_index"]


def headcount_ratio(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None, poor_sign: str = "<") -> Measure:
    """Share of persons below the line, FGT(0) (低于标准人口比重), 0 to 1.

    Without a line: null, ``no_line``; without a known row: null, ``empty_group`` or ``all_unknown``. Source: Foster et al. (1984), alpha = 0.
    """
    seen, reason = _seen(weights, net_fen, headcount_persons, line_fen)
    if reason:
        return Measure(None, reason)
    poor = _is_poor(seen, line_fen, poor_sign)
    return Measure(float(seen.weights[poor].sum() / seen.weights.sum()))


def poverty_gap_index(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None) -> Measure:
    """Mean shortfall as a share of the line, FGT(1) (贫困差距指数), 0 to 1; the non-poor count with a shortfall of 0.

    Null as :func:`headcount_ratio`. Source: Foster et al. (1984), alpha = 1.
    """
    return _gap_power(weights, net_fen, headcount_persons, line_fen, 1)


def squared_poverty_gap_index(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None) -> Measure:
    """Mean squared shortfall, FGT(2) (贫困差距平方指数), 0 to 1: the poorest weigh most.

    Null as :func:`headcount_ratio`. Source: Foster et al. (1984), alpha = 2.
    """
    return _gap_power(weights, net_fen, headcount_persons, line_fen, 2)


def watts_index(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None) -> Measure:
    """Mean log of line over income, the non-poor counting 0 (瓦茨指数), 0 and above.

    The logarithm has no value at 0 or below: one poor person with such an income makes the index null, ``nonpositive_income``, rather than leaving the
    poorest out. Otherwise null as :func:`headcount_ratio`. Source: Watts (1968), in the form of Zheng (1993).
    """
    seen, reason = _seen(weights, net_fen, headcount_persons, line_fen)
    if reason:
        return Measure(None, reason)
    poor = _is_poor(seen, line_fen, "<")
    if (seen.amounts_fen[0][poor] <= 0).any():
        return Measure(None, "nonpositive_income")
    logs = np.log(line_fen * seen.headcount_persons[poor] / seen.amounts_fen[0][poor])
    return Measure(float((seen.weights[poor] * logs).sum() / seen.weights.sum()))


def contributions(persons: Sequence[float], measures: Sequence[Measure]) -> list[Measure]:
    """Part of each area in the whole of an additive measure (各地贡献率): persons times measure over the sum of all; the parts add up to 1.

    Takes the persons with known income of each area and its headcount ratio, gap or squared gap. An area without value keeps its reason and has no
    part; where nobody is poor all parts are null, ``no_poor``. Source: additive decomposability, Foster et al. (1984), section 3.
    """
    if len(persons) != len(measures):
        raise ValueError(f"{len(persons)} areas with persons, {len(measures)} with a measure: one each is expected (长度不一致)")
    amounts = [None if measure.value is None else count * measure.value for count, measure in zip(persons, measures, strict=True)]
    total = sum(amount for amount in amounts if amount is not None)
    return [
        Measure(None, measure.reason_code) if amount is None else Measure(amount / total) if total > 0 else Measure(None, "no_poor")
        for amount, measure in zip(amounts, measures, strict=True)
    ]


def _seen(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None) -> tuple[Observed, str | None]:
    seen = observe(weights, headcount_persons, net_fen)
    if line_fen is None:
        return seen, "no_line"
    if line_fen != int(line_fen) or line_fen <= 0:
        raise ValueError(f"the line must be a whole number of fen above 0, not {line_fen!r} (扶贫标准应为正整数分)")
    return seen, seen.reason_code


def _is_poor(seen: Observed, line_fen: int, poor_sign: str) -> np.ndarray:
    if poor_sign == "<":
        return seen.amounts_fen[0] < line_fen * seen.headcount_persons
    if poor_sign == "<=":
        return seen.amounts_fen[0] <= line_fen * seen.headcount_persons
    raise ValueError(f"poor_sign must be '<' or '<=', not {poor_sign!r} (比较符号有误)")


def _gap_power(weights: Any, net_fen: Any, headcount_persons: Any, line_fen: int | None, power: int) -> Measure:
    seen, reason = _seen(weights, net_fen, headcount_persons, line_fen)
    if reason:
        return Measure(None, reason)
    lines = line_fen * seen.headcount_persons
    gaps = np.clip(lines - seen.amounts_fen[0], 0, lines) / lines
    return Measure(float((seen.weights * gaps**power).sum() / seen.weights.sum()))
