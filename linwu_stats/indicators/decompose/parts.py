"""What every decomposition stands on: incomes with their weights, parts with their errors, and how an error passes through a formula (分解的共同部分).

A part is a smooth function of weighted totals and of other statistics whose influence values are known. Its own influence values are theirs times the
derivatives of the function, taken by a complex step, which is exact to the last digits of a float (Squire and Trapp 1998, SIAM Review 40, 110-112); so
no derivative is written out by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.survey import Design, DesignError, Estimate
from linwu_stats.survey.columns import as_numbers, column_of

__all__ = ["REASONS", "Decomposition", "Incomes", "above", "concentration", "estimates", "groups_of", "incomes", "mean_differences", "passed_on", "undefined"]

#: Step of the complex derivative: so small that its square is nothing.
STEP = 1e-30
#: Reason codes of parts without a value.
REASONS: dict[str, str] = {
    "nobody_poor": "没有低于标准或达到临界值的人", "no_inequality": "收入没有差别, 无从分解", "group_mean_not_positive": "有分组的平均收入为零或为负",
    "negative_income": "有人收入为负, 对数无定义", "nonpositive_income": "有人收入为零或为负, 对数无定义", "mean_not_positive": "平均收入为零或为负",
    "empty_group": "该组没有户",
}
#: Group of the rows whose group is not known, so that the parts still add up to the whole.
UNKNOWN_GROUP = "unknown"


@dataclass(frozen=True)
class Incomes:
    """Incomes per person in a design (设计中的人均收入): ``design`` restricted to known rows, ``values`` per person, ``heads`` persons of each row,
    ``weights`` persons that each row stands for (0 outside the domain), ``household`` amounts as given, ``missing`` rows without an income,
    ``complete`` where the design is a register."""

    design: Design
    values: np.ndarray
    heads: np.ndarray
    weights: np.ndarray
    household: np.ndarray
    missing: int
    complete: bool = False

    @property
    def persons(self) -> float:
        """Weighted persons (加权人数)."""
        return float(self.weights.sum())

    @property
    def mean(self) -> float:
        """Mean income of persons (人均收入)."""
        return float(self.weights @ self.values / self.persons) if self.persons > 0 else np.nan

    def poor(self, line: float, sign: str = "<") -> np.ndarray:
        """Rows whose persons are below the line (低于标准): compared as household amounts, so whole fen are decided exactly."""
        if sign not in ("<", "<="):
            raise DesignError(f"sign={sign!r} (比较符号) must be '<' or '<='")
        if not line > 0:
            raise DesignError(f"the line (标准) must be above zero, not {line!r}")
        limit = line * self.heads
        return self.household < limit if sign == "<" else self.household <= limit

    def gaps(self, line: float, alpha: float, sign: str = "<") -> np.ndarray:
        """Persons' terms of FGT(alpha) (贫困差距的幂): 0 of the non-poor; an income below 0 counts as 0."""
        if not alpha >= 0:
            raise DesignError(f"alpha={alpha!r} of FGT must be 0 or more (幂次应不小于零)")
        poor = self.poor(line, sign)
        if alpha == 0:
            return poor.astype(float)
        return np.where(poor, np.clip((line - self.values) / line, 0.0, 1.0), 0.0) ** alpha


@dataclass(frozen=True)
class Decomposition:
    """Parts of an indicator that add up to it (指标的分解): ``parts[name, quantity]`` is an :class:`~linwu_stats.survey.Estimate`.

    A part without a value carries the code of its reason in ``reasons``. ``method`` says how the standard errors were made.
    """

    kind: str
    parts: dict[tuple[str, str], Estimate]
    method: str
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)

    def __getitem__(self, key: tuple[str, str]) -> Estimate:
        if key not in self.parts:
            raise KeyError(f"{self.kind}: there is no part {key}; names: {list(dict.fromkeys(a for a, _ in self.parts))}, quantities: "
                           f"{list(dict.fromkeys(b for _, b in self.parts))}")
        return self.parts[key]

    def value(self, name: str, quantity: str) -> float:
        """Value of one part (取一项的值)."""
        return self[name, quantity].value

    def frame(self) -> pd.DataFrame:
        """All parts as a table (分解表): part, quantity, value, se, low, high, n, unknown, df, deff, method, reason."""
        shown = ("value", "se", "low", "high", "n", "unknown", "df", "deff", "method")
        rows = [
            {"part": name, "quantity": quantity, **{one: getattr(found, one) for one in shown}, "reason": self.reasons.get((name, quantity))}
            for (name, quantity), found in self.parts.items()
        ]
        return pd.DataFrame(rows, columns=["part", "quantity", *shown, "reason"])


def incomes(d: Design, income: Any, *, headcount: Any = None, unknown: str = "refuse", also: Sequence[Any] = ()) -> tuple[Incomes, list[np.ndarray]]:
    """Read incomes, head counts and further amounts of the same rows (读取收入): the incomes, and the further amounts per person.

    ``income``: per person, or of the household with ``headcount`` (persons of the household; then weights count persons). A row with any of them unknown is
    refused, or left out and counted with ``unknown="domain"``. Raises DesignError for a head count below 1.
    """
    columns = [income, *also, *([] if headcount is None else [headcount])]
    read = [as_numbers(d.frame, one, "收入") for one in columns]
    inside = np.ones(len(d), dtype=bool) if d.active is None else d.active
    missing = np.isnan(read).any(axis=0) & inside
    if unknown not in ("refuse", "domain"):
        raise DesignError(f"unknown={unknown!r} (未知值处理) is not known: 'refuse', or 'domain' for the units with known values")
    if missing.any() and unknown == "refuse":
        raise DesignError(
            f"{int(missing.sum())} of {int(inside.sum())} rows have an unknown income or head count (收入或人口未知), the first is row "
            f"{int(np.argmax(missing))}: unknown is not zero; find the values, or state unknown='domain'"
        )
    known = d.domain(~np.isnan(read).any(axis=0)) if missing.any() else d
    use = known.used
    read = [np.where(use, one, 0.0) for one in read]
    heads = np.ones(len(d)) if headcount is None else np.where(use, read[-1], 1.0)
    if (heads < 1).any():
        raise DesignError(f"headcount (计算人口) is {heads[heads < 1][0]:g} in row {int(np.argmax(heads < 1))}: a household has one person or more")
    amounts = read[: 1 + len(also)]
    per_person = [one / heads for one in amounts]
    return Incomes(known, per_person[0], heads, np.where(use, known.weights * heads, 0.0), amounts[0], int(missing.sum()), d.is_complete), per_person[1:]


#: Names of parts that are no groups.
RESERVED = frozenset({"whole", "within", "between", "residual"})


def groups_of(d: Design, group: Any) -> tuple[list[str], np.ndarray]:
    """Names of groups and each row's place among them (分组); rows without a group are a group of their own, ``unknown``."""
    column = pd.Series(column_of(d.frame, group))
    codes, names = pd.factorize(column, sort=True)
    shown = [str(name) for name in names]
    nameless = bool((codes[d.used] < 0).any())
    taken = sorted({name for name in shown if name in RESERVED or shown.count(name) > 1 or (name == UNKNOWN_GROUP and nameless)})
    if taken:
        raise DesignError(f"groups (分组) may not be called {', '.join(taken)}: these names stand for other parts, or for two groups; rename them")
    if nameless:
        codes = np.where(codes < 0, len(shown), codes)
        shown.append(UNKNOWN_GROUP)
    there = np.unique(codes[d.used])  # a group without rows in the domain is no part of it
    place = np.full(len(shown) + 1, -1)
    place[there] = np.arange(len(there))
    return [shown[one] for one in there], place[codes]


def passed_on(function: Callable[[np.ndarray], Any], statistics: np.ndarray, scores: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Values of a function of statistics, and their influence values (误差传递): ``function`` (k,) to (m,), ``scores`` (n, k) to (n, m).

    The function must be analytic: sums, products, quotients, powers, logarithms, :func:`above`. Without scores (a register) there is nothing to pass on.
    """
    point = np.asarray(statistics, dtype=complex)
    value = np.atleast_1d(np.asarray(function(point), dtype=complex)).real
    if scores is None:
        return value, None
    slopes = np.empty((len(point), len(value)))
    for place in range(len(point)):
        moved = point.copy()
        moved[place] += 1j * STEP
        slopes[place] = np.atleast_1d(np.asarray(function(moved), dtype=complex)).imag / STEP
    return value, scores @ slopes


def above(number: Any) -> Any:
    """Absolute value that a derivative passes through (可求导的绝对值)."""
    return np.where(np.real(number) < 0, -number, number)


def estimates(
    d: Design, names: Sequence[tuple[str, str]], values: Any, scores: np.ndarray | None, *, method: str, unknown: int, level: float, df: float | None = None
) -> dict[tuple[str, str], Estimate]:
    """Estimates of many parts of one design (各项估计): ``values`` (k,) and influence values ``scores`` (n, k), a row for each row of the frame.

    A register has no sampling error: its parts carry scores of zero.
    """
    numbers = np.asarray(values, dtype=float)
    if scores is None or d.is_complete:
        n, freedom, none = d.n, d.degrees_of_freedom if df is None else df, np.zeros(len(d))
        words = f"{method}; register"
        return {
            name: Estimate(value, 0.0, value, value, n, unknown, freedom, np.nan, words, level, is_complete=True, scores=none)
            if np.isfinite(value) else Estimate(np.nan, np.nan, np.nan, np.nan, n, unknown, freedom, np.nan, words, level)
            for name, value in zip(names, map(float, numbers), strict=True)
        }
    return {
        name: survey.estimate(d, float(value), scores[:, place], method=method, unknown=unknown, level=level, df=df) if np.isfinite(value)
        else undefined(d, method, unknown, level)
        for place, (name, value) in enumerate(zip(names, numbers, strict=True))
    }


def undefined(d: Design, method: str, unknown: int, level: float = 0.95) -> Estimate:
    """An estimate without a value (无定义)."""
    return Estimate(np.nan, np.nan, np.nan, np.nan, d.n, unknown, d.degrees_of_freedom, np.nan, method, level)


def concentration(amounts: np.ndarray, ranked: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Twice the covariance of amounts with the ranks of another column (集中度的分子), and its influence values before heads of a household are counted.

    The mean over all pairs of (a_i - a_j) sign(y_i - y_j) over 2, exact with ties. With ``ranked`` the amounts themselves it is half the mean difference, so
    over the mean the Gini coefficient. Influence values are for a person of each row: times persons of the household gives those of the row.
    """
    total = weights.sum()
    if not total > 0:
        return np.nan, np.zeros(len(weights))
    order = np.argsort(ranked, kind="stable")
    y, w, a = ranked[order], weights[order], amounts[order]
    first = np.concatenate([[True], y[1:] != y[:-1]]) if len(y) else np.zeros(0, dtype=bool)
    group = np.cumsum(first) - 1
    sizes, sums = np.bincount(group, weights=w), np.bincount(group, weights=w * a)
    below, below_sum = (np.cumsum(one) - one for one in (sizes, sums))
    tilt = (2 * below + sizes - total)[group] / total
    beyond = (sums.sum() - sums - 2 * below_sum)[group] / total
    value = float((w * a * tilt).sum() / total)
    scores = np.empty(len(y))
    scores[order] = (a * tilt + beyond - 2 * value) / total
    return value, scores


def mean_differences(values: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray]:
    """Half the mean absolute difference of all pairs of persons (平均差的一半), and its influence values; over the mean it is the Gini coefficient."""
    return concentration(values, values, weights)
