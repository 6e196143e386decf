"""Exact one-sided bounds and sample sizes from counts (精确界与样本量): no approximation, and persons are never counted as if drawn singly.

Source: Clopper and Pearson (1934), Biometrika 26; the hypergeometric bound for finite populations, Wright (1991), Exact Confidence Bounds when Sampling
from Small Finite Universes; the design effect 1 + (m - 1) rho, Kish (1965), ch. 5.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

from linwu_stats import RefusedError

__all__ = ["LookbackError", "beta_bound", "clustered_effect", "exact_bound", "largest_allowed", "largest_allowed_of", "pass_probability", "sample_size"]

#: Larger samples than this are not looked for.
LARGEST = 10_000_000


class LookbackError(RefusedError):
    """A look-back cannot be planned, drawn or estimated as asked (回头看不能进行); the message says why and what to do."""


def exact_bound(
    found: int, asked: int, *, counts: str, side: str = "upper", level: float = 0.95, population: int | None = None, design_effect: float | None = None,
) -> float:
    """Exact one-sided bound of a share from counts (精确单侧界): 0 of 149 gives 1.990 %, 5 of 523 gives 2.000 %.

    ``counts``: "households" (户), drawn singly, or "persons" (人), who come in households: persons without a ``design_effect`` are refused, since members
    of one household are missed together and 148 persons in 50 households are not 148 draws. ``population``: number in a finite population; the bound is
    then the largest (smallest) share of it that could give so few (many). ``design_effect``: found and asked are divided by it. NaN where nothing was asked.
    Raises :class:`LookbackError`.
    """
    if counts not in ("households", "persons"):
        raise LookbackError(f"counts (计数单位) is 'households' or 'persons', not {counts!r}")
    if counts == "persons" and design_effect is None:
        raise LookbackError(
            "persons were not drawn singly, they come in households (按人计数必须给出设计效应): count households, or state design_effect, or use lookback_rates"
        )
    _refuse_counts(found, asked, level)
    if side not in ("upper", "lower"):
        raise LookbackError(f"side is 'upper' or 'lower', not {side!r} (界的方向有误)")
    if design_effect is not None and not design_effect >= 1:
        raise LookbackError(f"a design effect (设计效应) below 1 would make a clustered sample better than a simple one: {design_effect!r}")
    if asked == 0:
        return math.nan
    if population is None:
        return beta_bound(found / (design_effect or 1.0), asked / (design_effect or 1.0), side, level)
    if design_effect is not None:
        raise LookbackError("state either population (有限总体) or design_effect (设计效应), not both: the hypergeometric bound is of households drawn singly")
    if asked > population:
        raise LookbackError(f"{asked} were asked of a population of {population} (调查数大于总体)")
    return _finite_bound(found, asked, population, side, level)


def beta_bound(found: float, asked: float, side: str, level: float) -> float:
    """Clopper-Pearson bound of counts that need not be whole (贝塔分布界)."""
    from scipy import stats

    if side == "upper":
        return 1.0 if found >= asked else float(stats.beta.ppf(level, found + 1, asked - found))
    return 0.0 if found <= 0 else float(stats.beta.ppf(1 - level, found, asked - found + 1))


def sample_size(allowed: int, bar: float, *, level: float = 0.95, population: int | None = None, sign: str = "<=") -> int:
    """Fewest households of which ``allowed`` may have the problem while the bound still proves the bar (最小样本量): 149 for none at 2 % and 95 %.

    With a ``population`` the bound is hypergeometric: no number of problem households beyond the bar could be so rarely seen; where even all are too few,
    the whole population. ``sign``: what is proved of the share, "<=" or "<" the bar; they differ where the bar is a whole number of the population's
    households: of 1,000 it takes 132 to exclude 21 (more than 2 %), 138 to exclude 20. Raises :class:`LookbackError`.
    """
    from scipy import stats

    if sign not in ("<", "<="):
        raise LookbackError(f"sign is '<' or '<=', not {sign!r} (比较符号有误)")
    if isinstance(allowed, bool) or allowed < 0 or not 0 < bar < 1 or not 0.5 <= level < 1:
        raise LookbackError(f"allowed {allowed!r}, bar {bar!r}, level {level!r} (参数有误): 0 or more, a share, a level from 0.5")
    top = population if population is not None else LARGEST
    share = Fraction(str(bar))
    bad = None if population is None else math.floor(share * population) + 1 if sign == "<=" else math.ceil(share * population)

    def passes(asked: int) -> bool:
        chance = stats.binom.cdf(allowed, asked, bar) if bad is None else stats.hypergeom.cdf(allowed, population, bad, asked)
        return chance <= 1 - level + 1e-12

    if top <= allowed or not passes(top):
        if population is not None:
            return population
        raise LookbackError(f"no sample of up to {LARGEST:,} households decides a bar of {bar} (样本量过大)")
    low, high = allowed, allowed + 1
    while not passes(min(high, top)):
        low, high = high, high * 2
    high = min(high, top)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def pass_probability(asked: int, allowed: int, true_share: float) -> float:
    """Probability that a simple random sample finds at most ``allowed`` (通过概率): 523 households with 5 allowed pass a true 0.5 % with 95 %."""
    from scipy import stats

    if not 0 <= true_share <= 1:
        raise LookbackError(f"true_share {true_share!r} (比率有误): write 1 % as 0.01")
    return float(stats.binom.cdf(allowed, asked, true_share))


def largest_allowed(asked: int, bar: float, *, level: float = 0.95, design_effect: float = 1.0) -> int:
    """Most households with the problem with which the upper bound is still below the bar (最多允许户数); -1 where not even none passes."""
    return largest_allowed_of([asked], bar, level=level, design_effect=design_effect)[asked]


def largest_allowed_of(sizes: Iterable[int], bar: float, *, level: float = 0.95, design_effect: float = 1.0) -> dict[int, int]:
    """:func:`largest_allowed` of several sample sizes at once, by size."""
    import numpy as np
    from scipy import stats

    if not 0 < bar < 1 or not 0.5 <= level < 1 or not design_effect >= 1:
        raise LookbackError(
            f"bar {bar!r}, level {level!r}, design effect {design_effect!r} (界限有误): write 2 % as 0.02, a level of 0.5 or more, an effect of 1 or more"
        )
    wanted = np.unique(np.fromiter(sizes, dtype=int))
    found, step = np.full(len(wanted), -1), 0
    while True:  # the bound rises with what is found, so the first block without a pass ends the search
        block = np.arange(step, step + 32)
        left = (wanted[:, None] - block) / design_effect
        bounds = np.where(left > 0, stats.beta.ppf(level, block / design_effect + 1, np.where(left > 0, left, 1.0)), 1.0)
        passing = bounds < bar
        found = np.where(passing.any(axis=1), step + passing.sum(axis=1) - 1, found)
        if not passing[:, -1].any():
            return dict(zip(wanted.tolist(), found.tolist(), strict=True))
        step += 32


def clustered_effect(per_village: float, correlation: float) -> float:
    """Design effect of a fixed take in each village (设计效应): 10 households at a correlation of 0.05 give 1.45, so that 149 become 217."""
    return 1 + max(per_village - 1, 0.0) * correlation


def _refuse_counts(found: int, asked: int, level: float) -> None:
    whole = all(not isinstance(one, bool) and float(one).is_integer() for one in (found, asked))
    if not whole or not 0 <= found <= asked or not 0.5 <= level < 1:
        raise LookbackError(f"found {found!r} of {asked!r} at level {level!r} (计数有误): whole numbers, no more found than asked, a level of 0.5 or more")


def _finite_bound(found: int, asked: int, population: int, side: str, level: float) -> float:
    """Largest (smallest) number in the population that could give so few (many), by bisection: both probabilities are monotone in it."""
    from scipy import stats

    least, most = found, population - (asked - found)
    tail = 1 - level
    if side == "upper":
        low, high = least, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if stats.hypergeom.cdf(found, population, middle, asked) > tail else (low, middle - 1)
        return low / population
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if stats.hypergeom.sf(found - 1, population, middle, asked) > tail else (middle + 1, high)
    return low / population
