"""What every indicator returns and which rows it sees (指标值与已知样本).

A measure is a value or the reason why there is none. Rows whose income or head count is unknown are left out of a value and counted elsewhere;
a group without any known row has no value: never 0, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

__all__ = ["REASONS", "Measure", "Observed", "observe"]

#: Reason codes of a measure without value, and what they say in Chinese.
REASONS: dict[str, str] = {
    "empty_group": "该组没有户",
    "all_unknown": "该组收入全部未知",
    "headcount_unknown": "有户人口未知",
    "single_household": "该组只有一户, 无从计算差距",
    "part_year": "不足一年的收入不与年度标准比较",
    "no_line": "该年度没有扶贫标准",
    "nonpositive_income": "有低于标准的人收入为零或为负, 对数无定义",
    "negative_income": "有人收入为负, 对数无定义",
    "mean_not_positive": "平均收入为零或为负",
    "net_not_positive": "纯收入合计为零或为负, 构成无意义",
    "bottom_not_positive": "最低五分之一人口的收入为零或为负",
    "no_poor": "全县没有低于标准的人",
    "no_year_ago": "没有上年同期数",
    "year_ago_unknown": "上年同期数未知",
    "base_not_positive": "上年同期数为零或为负, 不计算增幅",
}


class Measure(NamedTuple):
    """One indicator of one group (指标值): a value, or None with the code of the reason in :data:`REASONS`."""

    value: float | None
    reason_code: str | None = None


@dataclass(frozen=True)
class Observed:
    """The rows that are known (已知样本): weights, persons of the household, amounts in fen; ``reason_code`` where none is left."""

    weights: np.ndarray
    headcount_persons: np.ndarray
    amounts_fen: tuple[np.ndarray, ...]
    reason_code: str | None

    @property
    def percapita_fen(self) -> np.ndarray:
        """First amount per person as a float: for sorting and averages, never for a comparison with a line."""
        return self.amounts_fen[0] / self.headcount_persons


def observe(weights: Any, headcount_persons: Any, *amounts_fen: Any) -> Observed:
    """Rows on which everything is known (已知样本).

    Takes one number per household: ``weights`` (persons that the row stands for, whole or not), ``headcount_persons`` and one or more amounts in
    fen; lists, numpy or nullable pandas arrays. Rows with an unknown number are left out, rows of weight 0 too. Raises ``ValueError`` for arrays of
    different length, parts of a fen or of a person, a head count below 1, a weight that is negative or infinite.
    """
    persons, unknown = _whole(headcount_persons, "headcount_persons (计算人口)")
    mass, no_weight = _weights(weights)
    columns = [_whole(amounts, "amounts_fen (金额)") for amounts in amounts_fen]
    lengths = {len(mass), len(persons), *(len(values) for values, _ in columns)}
    if len(lengths) != 1:
        raise ValueError(f"weights, head counts and amounts must have one number per household each, their lengths are {sorted(lengths)} (长度不一致)")
    for mask in (no_weight, *(missing for _, missing in columns)):
        unknown = mask if unknown is None else unknown if mask is None else unknown | mask
    keep = mass > 0 if unknown is None else (mass > 0) & ~unknown
    amounts = tuple(values for values, _ in columns)
    if not keep.all():
        mass, persons, amounts = mass[keep], persons[keep], tuple(values[keep] for values in amounts)
    if len(mass) == 0:
        return Observed(mass, persons, amounts, "all_unknown" if unknown is not None and unknown.any() else "empty_group")
    if persons.min() < 1:
        raise ValueError(f"a household of {persons.min()} persons has no per-capita income (计算人口须不少于1人): leave it out as unknown")
    return Observed(mass, persons, amounts, None)


def _whole(values: Any, what: str) -> tuple[np.ndarray, np.ndarray | None]:
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        return values.astype(np.int64, copy=False), None
    try:
        array = pd.array(values, dtype="Int64")
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{what}: whole numbers or blanks are expected (应为整数或空值): {error}") from error
    return array.to_numpy(dtype="int64", na_value=0), np.asarray(array.isna())


def _weights(values: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        mass, missing = values.astype(np.int64, copy=False), None
    else:
        array = pd.array(values, dtype="Float64")
        missing = np.asarray(array.isna())
        mass = array.to_numpy(dtype="float64", na_value=0.0)
        missing = missing | np.isnan(mass)
        mass = np.where(missing, 0.0, mass)
    if len(mass) and (mass.min() < 0 or not np.isfinite(mass).all()):
        raise ValueError("weights must be finite and not negative (权重须为有限的非负数)")
    return mass, missing
