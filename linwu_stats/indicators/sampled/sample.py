"""The incomes that an index sees, group by group, and its way back to an estimate (样本收入与估计).

Rows are sorted once, by group and income; every index is then sums and cumulative sums over contiguous stretches, for one domain or for all areas at
once. A person counts with the weight of the design; with ``headcount`` a row is a household and counts with weight × head count, each member with income /
head count.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.indicators import measure
from linwu_stats.survey.columns import DesignError, as_numbers, column_of
from linwu_stats.survey.design import Design

__all__ = ["REASONS", "Raw", "Sample", "Shift", "first_reason", "no_value", "prepare"]

#: Reason codes of an index without value, and what they say: those of the indicator table and of samples.
REASONS: dict[str, str] = {
    **measure.REASONS,
    "zero_income": "有人收入为零, 对数或负幂无定义",
    "no_poor_here": "该组没有低于标准的人",
    "line_not_positive": "标准为零或为负",
    "divisor_not_positive": "作分母的分位数或份额为零或为负",
}


@dataclass(frozen=True)
class Shift:
    """What an estimated threshold of the whole design adds (全体阈值的误差): ``factor`` for each group times ``scores`` of every row of the frame."""

    factor: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Raw:
    """An index before its error is known (指标与影响函数): ``value`` and ``reason`` for each present group; ``influence`` of one person on each sorted row.

    Influences add up (over persons) to the change of the index; ``shift`` where rows outside the group matter as well.
    """

    value: np.ndarray
    influence: np.ndarray
    reason: np.ndarray | None = None
    shift: Shift | None = None


@dataclass(frozen=True)
class Sample:
    """Known incomes sorted within groups (分组排序后的收入).

    ``rows``: place in the frame of each sorted row; ``income``: per person; ``weight``: persons that the row stands for; ``heads``: persons of the
    row; ``net`` and ``size``: whole fen of the household and head count where they are whole numbers (who is poor is then decided without a division).
    ``start``: first row of each present group, ``count`` its rows; ``labels``: all groups, ``present``: those with a known row; ``unknown``: rows without
    income in each group, ``seen``: rows of the group at all. ``is_whole``: all known rows of the design are in; ``is_sorted``: by income within groups (sums
    need no order, running sums and quantiles do).
    """

    d: Design
    rows: np.ndarray
    income: np.ndarray
    weight: np.ndarray
    heads: np.ndarray | None
    net: np.ndarray | None
    size: np.ndarray | None
    start: np.ndarray
    count: np.ndarray
    labels: list[Any]
    present: np.ndarray
    unknown: np.ndarray
    seen: np.ndarray
    source: tuple[Any, Any, str] = field(repr=False, default=(None, None, "refuse"))
    is_whole: bool = False
    is_sorted: bool = True

    @property
    def groups(self) -> int:
        """Groups with a known income (有数的组数)."""
        return len(self.start)

    def total(self, values: np.ndarray | float = 1.0) -> np.ndarray:
        """Sum over persons in each group (分组加权合计)."""
        amounts = self.weight * values
        if self.groups == 1:
            return np.array([amounts.sum()])
        return np.add.reduceat(amounts, self.start) if self.groups else np.zeros(0)

    def spread(self, values: np.ndarray) -> np.ndarray:
        """A value of each group, on its rows (组值展开到行)."""
        return values[0] if self.groups == 1 else np.repeat(values, self.count)

    def running(self, values: np.ndarray | float = 1.0) -> np.ndarray:
        """Sum over persons with at most the row's place, in its group (组内累计), the row included."""
        self._need_order()
        amounts = self.weight * values
        reached = np.empty(len(amounts))
        for first, size in zip(self.start, self.count, strict=True):
            np.cumsum(amounts[first : first + size], out=reached[first : first + size])
        return reached

    def any(self, condition: np.ndarray) -> np.ndarray:
        """Whether it holds on some row of each group (组内是否存在)."""
        return np.logical_or.reduceat(condition, self.start) if self.groups else np.zeros(0, dtype=bool)

    @property
    def persons(self) -> np.ndarray:
        """Weighted persons of each group (加权人数)."""
        return self.once("persons", self.total)

    @property
    def mean(self) -> np.ndarray:
        """Mean income of each group (平均收入)."""
        return self.once("mean", lambda: self.total(self.income) / self.persons)

    @property
    def reached(self) -> np.ndarray:
        """Persons with at most this place in their group (累计人数)."""
        return self.once("reached", self.running)

    @property
    def held(self) -> np.ndarray:
        """Income of the persons with at most this place in their group (累计收入)."""
        return self.once("held", lambda: self.running(self.income))

    def whole(self) -> Sample:
        """All known incomes of the design as one group, whatever domain or groups this sample has (全体样本)."""
        if self.is_whole and len(self.labels) == 1:
            return self
        if not self.is_whole:
            income, headcount, unknown = self.source
            return prepare(replace(self.d, active=None), income, headcount, unknown=unknown)
        order = np.argsort(self.income, kind="stable")
        parts = {name: None if values is None else values[order] for name, values in self._columns().items()}
        one, nothing = np.array([len(order)]), np.zeros(1, dtype=np.int64)
        present = nothing if len(order) else nothing[:0]
        return replace(
            self, **parts, start=nothing[: len(present)], count=one[: len(present)], labels=[None], present=present, unknown=self.unknown.sum(keepdims=True),
            seen=self.seen.sum(keepdims=True), is_sorted=True,
        )

    def _columns(self) -> dict[str, np.ndarray | None]:
        return {"rows": self.rows, "income": self.income, "weight": self.weight, "heads": self.heads, "net": self.net, "size": self.size}

    def _need_order(self) -> None:
        if not self.is_sorted:
            raise RuntimeError("this sample was prepared without an order (未排序), and the index needs one: prepare(..., ordered=True)")

    def _exceeding(self, share: float) -> np.ndarray:
        found = np.full(self.groups, np.nan)
        for at, (first, size) in enumerate(zip(self.start, self.count, strict=True)):
            kept = np.flatnonzero(self.weight[first : first + size] > 0) + first
            if len(kept):
                reached = np.cumsum(self.weight[kept])
                place = int(np.searchsorted(reached / reached[-1], share + 1e-12, side="right"))
                found[at] = self.income[kept[min(place, len(kept) - 1)]]
        return found

    @property
    def logs(self) -> np.ndarray:
        """Logarithm of each income; of incomes of zero or below 0, which the indices that use it have already refused (收入的对数)."""
        return self.once("logs", lambda: np.log(np.where(self.income > 0, self.income, 1.0)))

    def quantile(self, share: float, rule: str = "math") -> np.ndarray:
        """Weighted quantile of each group (分位数), by the rules of :func:`linwu_stats.survey.weighted_quantile`; NaN where no row has a weight.

        Also "exceeds": the smallest value whose share of persons exceeds ``share``, which is what R's laeken 0.5.2 does.
        """
        from linwu_stats.survey.quantile import weighted_quantile

        self._need_order()
        if rule == "exceeds":
            return self._exceeding(share)
        slices = [slice(first, first + size) for first, size in zip(self.start, self.count, strict=True)]
        found = [weighted_quantile(self.income[one], self.weight[one], share, rule) if self.weight[one].any() else np.nan for one in slices]
        return np.array(found, dtype=float)

    def once(self, name: Any, make: Callable[[], Any]) -> Any:
        """A quantity that several indices share, worked out once (共用的中间量)."""
        cache = self.__dict__.setdefault("_cache", {})
        if name not in cache:
            cache[name] = make()
        return cache[name]


def prepare(d: Design, income: Any, headcount: Any = None, *, by: Any = None, unknown: str = "refuse", ordered: bool = True) -> Sample:
    """Known incomes of a design's domain, sorted (取收入并排序).

    ``income``: column name or values, per person; with ``headcount`` (column of persons) of the household. ``by``: column of groups, each a domain.
    ``unknown``: "refuse" rows without income or head count, or "domain" for the units with known incomes; they are counted. ``ordered=False`` leaves
    rows unsorted within groups, for indices that are plain sums. Raises DesignError.
    """
    if unknown not in ("refuse", "domain"):
        raise DesignError(f"unknown={unknown!r} (未知值处理) is not known: 'refuse', or 'domain' for an index of the units with known incomes")
    values = as_numbers(d.frame, income, "收入")
    missing, heads = np.isnan(values), None
    if headcount is not None:
        heads = as_numbers(d.frame, headcount, "人口")
        missing = missing | np.isnan(heads)
    inside = np.ones(len(d), dtype=bool) if d.active is None else d.active
    codes, labels = _groups(d, by)
    inside = inside & (codes >= 0)
    lost = inside & missing
    if lost.any() and unknown == "refuse":
        raise DesignError(
            f"{income if isinstance(income, str) else 'income'} (收入): {int(lost.sum())} of {int(inside.sum())} rows are unknown (未知), the first is row "
            f"{int(np.argmax(lost))}: unknown is not zero; find the values, or state unknown='domain' for an index of the units with known incomes"
        )
    kept = np.flatnonzero(inside & ~missing & (d.full_weights > 0))
    if heads is not None and len(kept) and not (heads[kept] >= 1).all():
        row = int(kept[np.argmax(~(heads[kept] >= 1))])
        raise DesignError(f"headcount (人口): {heads[row]:g} in row {row}: a household of no persons has no income per person: leave it out as unknown")
    percapita = values if heads is None else np.divide(values, heads, out=np.zeros_like(values), where=~missing & (heads > 0))
    kept = _order(kept, percapita, codes, len(labels), ordered)
    counts = np.bincount(codes[kept], minlength=len(labels))
    present = np.flatnonzero(counts)
    net, size = _whole(d, income, headcount, kept)
    sorted_heads = None if heads is None else heads[kept]
    return Sample(
        d, kept, percapita[kept], d.full_weights[kept] if heads is None else d.full_weights[kept] * sorted_heads, sorted_heads, net, size,
        (np.cumsum(counts) - counts)[present], counts[present], labels, present,
        np.bincount(codes[lost], minlength=len(labels)), np.bincount(codes[inside], minlength=len(labels)), (income, headcount, unknown),
        bool(inside.all()), ordered,
    )


def no_value(sample: Sample, *cases: tuple[np.ndarray, str]) -> np.ndarray | None:
    """Reason of each group, the first case that holds (无值原因); None where no case holds anywhere."""
    reason = np.full(sample.groups, None, dtype=object)
    for condition, code in reversed(cases):
        reason[condition] = code
    return reason if any(one is not None for one in reason) else None


def first_reason(*reasons: np.ndarray | None) -> np.ndarray | None:
    """The first reason of each group that one of several gives (合并无值原因)."""
    given = [one for one in reasons if one is not None]
    if not given:
        return None
    found = given[0].copy()
    for other in given[1:]:
        bare = np.array([one is None for one in found], dtype=bool)
        found[bare] = other[bare]
    return found


def _groups(d: Design, by: Any) -> tuple[np.ndarray, list[Any]]:
    if by is None:
        return np.zeros(len(d), dtype=np.int64), [None]
    codes, labels = pd.factorize(column_of(d.frame, by), sort=True)
    if d.active is not None:
        met = np.unique(codes[d.active & (codes >= 0)])
        place = np.full(len(labels), -1)
        place[met] = np.arange(len(met))
        codes, labels = np.where(codes >= 0, place[codes], -1), labels[met]
    return codes.astype(np.int64), list(labels)


def _order(kept: np.ndarray, income: np.ndarray, codes: np.ndarray, groups: int, ordered: bool) -> np.ndarray:
    """Rows by group and, within, by income."""
    if ordered:
        kept = kept[np.argsort(income[kept])]
    if groups > 1:
        small = np.int16 if groups < 2**15 else np.int64
        kept = kept[np.argsort(codes[kept].astype(small), kind="stable")]
    return kept


def _whole(d: Design, income: Any, headcount: Any, kept: np.ndarray) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Income and head count as integers where the columns hold integers."""
    if headcount is None or not len(kept):
        return None, None
    columns = [pd.Series(column_of(d.frame, one)) for one in (income, headcount)]
    if not pd.api.types.is_integer_dtype(columns[0].dtype):
        return None, None
    net = columns[0].iloc[kept].to_numpy(dtype="int64")
    size = columns[1].iloc[kept].to_numpy(dtype=float, na_value=np.nan)
    if not (size == np.floor(size)).all():
        return None, None
    return net, size.astype(np.int64)
