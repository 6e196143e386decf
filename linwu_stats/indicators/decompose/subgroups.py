"""Poverty and inequality by subgroup (按人群分解): which group bears how much of it.

Every function takes a design and an income (per person, or of the household with ``headcount``), and a column of groups; rows without a group are a group
of their own, so that the parts add up to the whole. Standard errors are linearised: all parts are functions of weighted totals of the groups.

Sources: Foster, Greer, Thorbecke (1984), Econometrica 52 (FGT); Shorrocks (1984), Econometrica 52 (generalised entropy); Pyatt (1976), Economic Journal 86,
and Lambert and Aronson (1993), Economic Journal 103 (Gini: within, between and overlap).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from linwu_stats.indicators.decompose.parts import (
    Decomposition,
    Incomes,
    above,
    estimates,
    groups_of,
    incomes,
    mean_differences,
    passed_on,
    undefined,
)
from linwu_stats.survey import Design, DesignError

__all__ = ["decompose_entropy", "decompose_fgt", "decompose_gini"]

LINEARISED = "linearised"


def decompose_fgt(
    d: Design, income: Any, line: float, group: Any, *, alpha: float = 0, headcount: Any = None, sign: str = "<", unknown: str = "refuse",
    level: float = 0.95,
) -> Decomposition:
    """FGT(alpha) by subgroup, exact (FGT 指数按人群分解).

    Quantities of each group: ``persons_share``, ``index`` (the group's own), ``contribution`` (share of persons times index; they add up to ``whole``),
    ``contribution_share`` (they add up to 1; NaN ``nobody_poor`` where nobody is poor) and ``risk_ratio`` (index over the whole). R: ``svyby`` of the ratios;
    Stata: ``povdeco``. An income below 0 counts as 0 in the gaps; ``sign``: who is poor.
    """
    seen, _ = incomes(d, income, headcount=headcount, unknown=unknown)
    names, codes = groups_of(seen.design, group)
    terms = seen.gaps(line, alpha, sign)
    inside = codes[:, None] == np.arange(len(names))
    heads = inside * seen.heads[:, None]
    columns = np.concatenate([heads, heads * terms[:, None]], axis=1)
    parts = len(names)

    def shares(totals: np.ndarray) -> np.ndarray:
        persons, poor = totals[:parts], totals[parts:]
        with np.errstate(invalid="ignore", divide="ignore"):
            whole = poor.sum() / persons.sum()
            return np.concatenate(
                [persons / persons.sum(), poor / persons, poor / persons.sum(), poor / poor.sum(), poor / persons / whole, [whole]]
            )

    values, scores = passed_on(shares, seen.design.weights @ columns, None if seen.complete else columns)
    quantities = ("persons_share", "index", "contribution", "contribution_share", "risk_ratio")
    keys = [(name, quantity) for quantity in quantities for name in names] + [("whole", "index")]
    found = estimates(seen.design, keys, values, scores, method=f"FGT({alpha:g}) {LINEARISED}", unknown=seen.missing, level=level)
    reasons = {key: "empty_group" if key[1] == "index" else "nobody_poor" for key, value in zip(keys, values, strict=True) if not np.isfinite(value)}
    return Decomposition(f"FGT({alpha:g}) by subgroup", _with_n(found, seen, names, codes), f"{LINEARISED}; exact sum of groups", reasons)


def decompose_entropy(
    d: Design, income: Any, group: Any, *, alpha: float = 1, headcount: Any = None, unknown: str = "refuse", level: float = 0.95
) -> Decomposition:
    """Generalised entropy GE(alpha) within and between groups, exact for any alpha (广义熵指数的组内与组间分解).

    Quantities: ``index`` of ``whole``, ``within``, ``between`` and of each group; ``share`` of within and between in the whole; of each group
    ``persons_share``, ``income_share``, ``contribution`` (its part of within; they and ``between`` add up to the whole). alpha 0: mean log deviation, 1:
    Theil, 2: half the squared coefficient of variation. R: ``convey::svygeidec``, ``dineq::mld_decomp``.

    An income of 0 makes alpha of 0 or less undefined (``nonpositive_income``); a negative one every alpha but whole numbers of 2 and more
    (``negative_income``); a mean of 0 or less all (``mean_not_positive``); then every part is NaN with that reason.
    """
    seen, _ = incomes(d, income, headcount=headcount, unknown=unknown)
    names, codes = groups_of(seen.design, group)
    parts = len(names)
    keys = [("whole", "index"), ("within", "index"), ("between", "index"), ("within", "share"), ("between", "share")]
    keys += [(name, quantity) for quantity in ("index", "persons_share", "income_share", "contribution") for name in names]
    method = f"GE({alpha:g}) {LINEARISED}"
    reason = _entropy_reason(seen, codes, parts, alpha)
    if reason:
        found = {key: undefined(seen.design, method, seen.missing, level) for key in keys}
        return Decomposition(f"GE({alpha:g}) by subgroup", found, LINEARISED, dict.fromkeys(keys, reason))
    power = int(alpha) if float(alpha).is_integer() else float(alpha)
    heads = (codes[:, None] == np.arange(parts)) * np.where(seen.weights > 0, seen.heads, 0.0)[:, None]
    columns = np.concatenate([heads, heads * seen.values[:, None], heads * _entropy_terms(seen, power)[:, None]], axis=1)

    def split(totals: np.ndarray) -> np.ndarray:
        persons, money, terms = totals[:parts], totals[parts : 2 * parts], totals[2 * parts :]
        means, mean = money / persons, money.sum() / persons.sum()
        own = _entropy(persons, money, terms, power)
        if power == 0:
            weight, between = persons / persons.sum(), (persons / persons.sum() * np.log(mean / means)).sum()
        elif power == 1:
            weight = money / money.sum()
            between = (weight * np.log(means / mean)).sum()
        else:
            weight = persons / persons.sum() * (means / mean) ** power
            between = (weight.sum() - 1) / (power * (power - 1))
        whole = _entropy(persons.sum(), money.sum(), terms.sum(), power)
        within = (weight * own).sum()
        # Where nobody differs from anybody there is nothing to share out.
        shares = [within / whole, between / whole] if whole.real > 0 else [np.nan, np.nan]
        return np.concatenate([[whole, within, between, *shares], own, persons / persons.sum(), money / money.sum(), weight * own])

    values, scores = passed_on(split, seen.design.weights @ columns, None if seen.complete else columns)
    found = estimates(seen.design, keys, values, scores, method=method, unknown=seen.missing, level=level)
    reasons = {key: "no_inequality" for key, value in zip(keys, values, strict=True) if not np.isfinite(value)}
    return Decomposition(f"GE({alpha:g}) by subgroup", _with_n(found, seen, names, codes), f"{LINEARISED}; within and between add up exactly", reasons)


def decompose_gini(d: Design, income: Any, group: Any, *, headcount: Any = None, unknown: str = "refuse", level: float = 0.95) -> Decomposition:
    """Gini coefficient within groups, between groups, and the residual of overlapping (基尼系数的组内、组间与重叠).

    Quantities: ``index`` of ``whole``, ``within``, ``between``, ``residual`` (they add up) and of each group; ``share`` of the three; ``contribution`` of each
    group to within (persons' share times income share times its Gini). The residual is 0 where the groups' incomes do not overlap. R: ``dineq::gini_decomp``.
    Negative incomes are kept; a mean of 0 or less makes all parts NaN, ``mean_not_positive``; the index of a group with such a mean is NaN alone.
    """
    seen, _ = incomes(d, income, headcount=headcount, unknown=unknown)
    names, codes = groups_of(seen.design, group)
    parts = len(names)
    keys = [(name, "index") for name in ("whole", "within", "between", "residual")] + [(name, "share") for name in ("within", "between", "residual")]
    keys += [(name, quantity) for quantity in ("index", "contribution") for name in names]
    method = f"Gini {LINEARISED}"
    if seen.persons <= 0 or not seen.mean > 0:
        reason = "empty_group" if seen.persons <= 0 else "mean_not_positive"
        found = {key: undefined(seen.design, method, seen.missing, level) for key in keys}
        return Decomposition("Gini by subgroup", found, LINEARISED, dict.fromkeys(keys, reason))
    half, half_scores = mean_differences(seen.values, seen.weights)
    inside = codes[:, None] == np.arange(parts)
    own = [mean_differences(seen.values[rows], seen.weights[rows]) for rows in inside.T]
    own_scores = np.zeros((len(codes), parts))
    for place, rows in enumerate(inside.T):
        own_scores[rows, place] = own[place][1]
    heads = inside * seen.heads[:, None]
    columns = np.concatenate([heads, heads * seen.values[:, None], own_scores * seen.heads[:, None], (half_scores * seen.heads)[:, None]], axis=1)
    totals = seen.design.weights @ columns[:, : 2 * parts]
    statistics = np.concatenate([totals, [np.nan_to_num(value) for value, _ in own], [half]])

    def split(known: np.ndarray) -> np.ndarray:
        persons, money, differences, all_pairs = known[:parts], known[parts : 2 * parts], known[2 * parts : 3 * parts], known[-1]
        size, mean = persons.sum(), money.sum() / persons.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            means = money / persons
            contributions = persons**2 * differences / (size**2 * mean)
            whole, within = all_pairs / mean, contributions.sum()
            between = (persons[:, None] * persons[None, :] * above(means[:, None] - means[None, :])).sum() / (2 * size**2 * mean)
            rest = whole - within - between
            indices = np.where(means.real > 0, differences / means, np.nan)
            shares = np.array([within, between, rest]) / (whole if whole.real > 0 else np.nan)
        return np.concatenate([[whole, within, between, rest], shares, indices, contributions])

    values, scores = passed_on(split, statistics, None if seen.complete else columns)
    found = estimates(seen.design, keys, values, scores, method=method, unknown=seen.missing, level=level)
    reasons = {
        key: "mean_not_positive" if key[1] == "index" else "no_inequality" for key, value in zip(keys, values, strict=True) if not np.isfinite(value)
    }
    return Decomposition("Gini by subgroup", _with_n(found, seen, names, codes), f"{LINEARISED}; residual is the overlap of the groups", reasons)


def _with_n(found: dict[Any, Any], seen: Incomes, names: list[str], codes: np.ndarray) -> dict[Any, Any]:
    """The sample size of a group's own figures is that of the group."""
    sizes = np.bincount(codes[seen.design.used], minlength=len(names))
    own = dict(zip(names, map(int, sizes), strict=True))
    return {key: replace(one, n=own[key[0]]) if key[0] in own else one for key, one in found.items()}


def _entropy_reason(seen: Incomes, codes: np.ndarray, parts: int, alpha: float) -> str:
    if not np.isfinite(alpha):
        raise DesignError(f"alpha={alpha!r} of the generalised entropy (广义熵指数) must be a number")
    used = seen.weights > 0
    if not used.any():
        return "empty_group"
    values = seen.values[used]
    if not seen.mean > 0:
        return "mean_not_positive"
    if (values < 0).any() and not (float(alpha).is_integer() and alpha >= 2):
        return "negative_income"
    if alpha <= 0 and (values <= 0).any():
        return "nonpositive_income"
    money = np.bincount(codes[used], weights=seen.weights[used] * values, minlength=parts)
    return "group_mean_not_positive" if (money[np.unique(codes[used])] <= 0).any() else ""


def _entropy_terms(seen: Incomes, power: float) -> np.ndarray:
    used = seen.weights > 0
    safe = np.where(used, seen.values, 1.0)
    if power == 0:
        return np.log(safe)
    if power == 1:
        return safe * np.log(np.where(safe > 0, safe, 1.0))
    return safe**power


def _entropy(persons: Any, money: Any, terms: Any, power: float) -> Any:
    """GE from persons, total income and the total of y**power (ln y for 0, y ln y for 1)."""
    mean = money / persons
    if power == 0:
        return np.log(mean) - terms / persons
    if power == 1:
        return terms / money - np.log(mean)
    return (terms / persons / mean**power - 1) / (power * (power - 1))
