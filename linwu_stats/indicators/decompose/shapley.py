"""Shapley values: the part of each factor in a change, exact over all subsets (夏普利分解), and the factors of a change in exits (退出户数变动的因素).

A factor's part is its mean effect over all orders in which the factors could have changed; the parts add up to the change. Counting is in whole numbers over
the factorial of the number of factors, so that nothing is lost to rounding.

Source: Shapley (1953); Shorrocks (2013), Journal of Economic Inequality 11, 99-126.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["MET", "exit_parts", "explain_exits", "shapley", "subset_weights"]

#: Outcomes of a test that let a household out: a part-year income that has passed the year's line counts.
MET = ("met", "already_reached")
#: More factors would need more than 65,536 subsets.
MOST_FACTORS = 16


def shapley(value: Callable[[frozenset[str]], Any], factors: Sequence[str]) -> dict[str, Any]:
    """Shapley value of each factor (各因素的夏普利值): ``value`` gives the outcome when a set of factors has changed and the others have not.

    ``value(frozenset())`` is before, ``value(frozenset(factors))`` after; the values add up to the difference. Outcomes may be numbers or arrays.
    """
    _check(factors)
    outcome = {chosen: value(chosen) for chosen in _subsets(factors)}
    return {
        factor: sum(
            weight * (outcome[chosen | {factor}] - outcome[chosen]) for chosen, weight in subset_weights([one for one in factors if one != factor])
        ) / factorial(len(factors))
        for factor in factors
    }


def subset_weights(others: Sequence[str]) -> list[tuple[frozenset[str], int]]:
    """Each subset of the other factors, and in how many orders exactly it comes before the factor (子集及其权数); the weights add up to (others + 1)!."""
    count = len(others)
    return [(chosen, factorial(len(chosen)) * factorial(count - len(chosen))) for chosen in _subsets(others)]


def exit_parts(before: pd.DataFrame, now: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Part of each condition in each household's coming to meet all of them, or ceasing to (各户各条件的作用).

    ``before`` and ``now``: outcomes of the conditions ``factors``, one row a household, same index. A household meets all where every outcome is in
    :data:`MET`; an unknown one is not met. Gives whole numbers: a row adds up to ``factorial(len(factors))`` for a household that came to meet all, to minus
    that for one that ceased, to 0 for one that did not change.
    """
    _check(factors)
    was, are = (_met(frame, list(factors)) for frame in (before, now.reindex(before.index)))
    count = len(factors)
    codes = np.concatenate([was, are], axis=1) @ (1 << np.arange(2 * count, dtype=np.int64))
    patterns, place = np.unique(codes, return_inverse=True)
    bits = (patterns[:, None] >> np.arange(2 * count)) & 1 == 1
    old, new = bits[:, :count], bits[:, count:]
    names = list(factors)
    outcome = {chosen: np.where([name in chosen for name in names], new, old).all(axis=1).astype(np.int64) for chosen in _subsets(names)}
    parts = {
        name: sum(weight * (outcome[chosen | {name}] - outcome[chosen]) for chosen, weight in subset_weights([one for one in names if one != name]))
        for name in names
    }
    return pd.DataFrame({name: np.asarray(part)[place.ravel()] for name, part in parts.items()}, index=before.index)


def explain_exits(
    before: pd.DataFrame, now: pd.DataFrame, factors: Mapping[str, str], *, persons: pd.Series | None = None, persons_before: pd.Series | None = None
) -> pd.DataFrame:
    """What accounts for the change in the number of households that meet all conditions (符合退出条件户数变动的因素).

    ``before`` and ``now``: outcomes indexed by household, those of the population of either quarter (for example the households that were not out then);
    ``factors``: column of each condition, and its term. Gives rows of ``factor`` with ``households`` and ``persons``: ``before``, each condition, ``register``
    (households that met all and came into or left the population, and persons that came into or left households that meet all), ``now``. before + conditions +
    register = now, exactly. ``from_unknown`` is the part of the condition's households for whom its outcome was unknown or not yet decided in either quarter:
    a change of knowledge, not of life. ``persons``: of each household now, ``persons_before``: then; the conditions count persons of now.
    """
    both = before.index.intersection(now.index)
    names = list(factors)
    parts = exit_parts(before.loc[both], now.loc[both], names)
    scale = factorial(len(names))
    met = {when: pd.Series(_met(frame, names).all(axis=1), index=frame.index) for when, frame in (("before", before), ("now", now))}
    decided_then, decided_now = (_met(frame.loc[both], names, (*MET, "not_met")) for frame in (before, now))
    rows = [{"factor": "before", "term": "上期", "households": float(met["before"].sum()), "from_unknown": np.nan}]
    for place, name in enumerate(names):
        part = parts[name].to_numpy()
        doubtful = ~(decided_then[:, place] & decided_now[:, place])
        rows.append({"factor": name, "term": factors[name], "households": int(part.sum()) / scale, "from_unknown": int(part[doubtful].sum()) / scale})
    left = int(met["before"][~met["before"].index.isin(both)].sum())
    came = int(met["now"][~met["now"].index.isin(both)].sum())
    rows += [
        {"factor": "register", "term": "名册变动", "households": float(came - left), "from_unknown": np.nan},
        {"factor": "now", "term": "本期", "households": float(met["now"].sum()), "from_unknown": np.nan},
    ]
    return pd.DataFrame(rows).assign(persons=_persons(parts, met, names, persons, persons_before, scale))


def _persons(
    parts: pd.DataFrame, met: Mapping[str, pd.Series], names: list[str], persons: pd.Series | None, persons_before: pd.Series | None, scale: int
) -> list[float]:
    """Persons in the order of the rows; unknown as soon as a household that counts has an unknown number of persons."""
    if persons is None:
        return [np.nan] * (len(names) + 3)
    before = _sum(persons if persons_before is None else persons_before, met["before"])
    now = _sum(persons, met["now"])
    heads = persons.reindex(parts.index).astype("Float64")
    found = [float((parts[name] * heads)[parts[name] != 0].sum(skipna=False)) / scale if not heads[parts[name] != 0].isna().any() else np.nan for name in names]
    return [before, *found, now - before - sum(found), now]


def _sum(persons: pd.Series, met: pd.Series) -> float:
    chosen = persons.reindex(met.index[met]).astype("Float64")
    return np.nan if chosen.isna().any() else float(chosen.sum())


def _met(frame: pd.DataFrame, names: Sequence[str], outcomes: Sequence[str] = MET) -> np.ndarray:
    """Which outcomes are among the given ones; one that is not known is not."""
    return np.column_stack([frame[name].isin(outcomes).to_numpy(dtype=bool) for name in names])


def _check(factors: Sequence[str]) -> None:
    if not 0 < len(factors) <= MOST_FACTORS or len(set(factors)) != len(factors):
        raise ValueError(f"factors (因素): one to {MOST_FACTORS} different names, not {list(factors)}")


def _subsets(factors: Sequence[str]) -> list[frozenset[str]]:
    return [frozenset(chosen) for size in range(len(factors) + 1) for chosen in combinations(factors, size)]
