"""Agreement of two people and bounds of rates (一致性与差错率上限): small functions on counts; statistics by statsmodels and scipy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Agreement", "agreement_of", "exact_upper", "finite_upper", "hidden_errors"]


class Agreement(NamedTuple):
    """Counts and coefficients of one comparison; a coefficient that has no meaning is None with a ``reason``."""

    count: int
    agreed: int
    share: float | None = None
    positive: Any = None
    positive_both: int | None = None
    positive_one: int | None = None
    positive_agreement: float | None = None
    kappa: float | None = None
    low: float | None = None
    high: float | None = None
    ac1: float | None = None
    reason: str | None = None


def agreement_of(pairs: Sequence[tuple[Any, Any]], positive: Any = None) -> Agreement:
    """Agreement of two people on the same subjects (一致性): counts, positive agreement, Cohen's kappa with its 95 percent interval, Gwet's AC1.

    ``pairs``: both answers of each subject; ``positive``: the category that positive agreement is about, by default the rarest that either used.
    Positive agreement is 2a / (2a + b + c) (Cicchetti & Feinstein 1990). Kappa and its large-sample interval by statsmodels (Fleiss, Cohen & Everitt
    1969); where all agree that interval has no width, so its lower end is taken
    from the exact 95 percent bound of the share of disagreement. One category only: no kappa.
    AC1 (Gwet 2008, equation 7): chance agreement is the mean of p(1 - p) over the categories, p the mean share of both.
    """
    count = len(pairs)
    if not count:
        return Agreement(0, 0, reason="nothing_answered")
    agreed = sum(one == two for one, two in pairs)
    uses = Counter(one for pair in pairs for one in pair)
    categories = sorted(uses, key=str)
    wanted = positive if positive is not None else min(categories, key=lambda one: (uses[one], str(one)))
    both = sum(one == two == wanted for one, two in pairs)
    single = uses[wanted] - 2 * both
    kappa, low, high, reason = _kappa(pairs, categories, agreed)
    return Agreement(
        count, agreed, agreed / count, wanted, both, single, 2 * both / uses[wanted] if uses[wanted] else None, kappa, low, high,
        _ac1(uses, count, agreed / count, 2 if positive is not None else max(len(categories), 2)), reason,
    )


def exact_upper(errors: float, looked: float, confidence: float) -> float:
    """One-sided exact upper bound of a rate (单侧精确上限, Clopper-Pearson): 0 of 150 at 95 percent is 1.977 percent.

    ``errors`` and ``looked`` may be fractions of an effective sample size. Raises ``ValueError`` for counts that cannot be.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not 0 <= errors <= looked or looked <= 0:
        raise ValueError(f"{errors} errors of {looked} cannot be (差错数与户数不符)")
    return float(proportion_confint(errors, looked, alpha=1 - confidence, method="beta", alternative="larger")[1]) if errors < looked else 1.0


def finite_upper(errors: int, looked: int, population: int, confidence: float) -> float:
    """One-sided upper bound for the register as it is (有限总体上限): the largest share of wrong households that still fits the sample (hypergeometric)."""
    from scipy.stats import hypergeom

    low, high = errors, population - (looked - errors)
    while low < high:  # the probability of so few errors falls as the number of wrong households grows
        middle = (low + high + 1) // 2
        if hypergeom.cdf(errors, population, middle, looked) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low / population


def hidden_errors(first: int, second: int, both: int) -> float | None:
    """Errors that neither found (漏查差错), by Chapman's estimate (1951) less those found; None where nobody found any.

    Assumes that the two look independently.
    """
    if not first and not second:
        return None
    found = first + second - both
    return max((first + 1) * (second + 1) / (both + 1) - 1 - found, 0.0)


def _kappa(pairs: Sequence[tuple[Any, Any]], categories: list[Any], agreed: int) -> tuple[float | None, float | None, float | None, str | None]:
    from statsmodels.stats.inter_rater import cohens_kappa

    if len(categories) < 2:
        return None, None, None, "one_category"
    place = {category: number for number, category in enumerate(categories)}
    table = [[0] * len(categories) for _ in categories]
    for one, two in pairs:
        table[place[one]][place[two]] += 1
    with np.errstate(invalid="ignore"):  # a variance of zero may come out as a tiny negative number
        result = cohens_kappa(table)
    if agreed == len(pairs):
        shares = [sum(row) / len(pairs) for row in table]
        chance = sum(share * share for share in shares)
        return 1.0, max(1 - exact_upper(0, len(pairs), 0.95) / (1 - chance), -1.0), 1.0, "perfect"
    if not np.isfinite([result.kappa_low, result.kappa_upp]).all():
        return float(result.kappa), None, None, "no_interval"
    return float(result.kappa), max(float(result.kappa_low), -1.0), min(float(result.kappa_upp), 1.0), None


def _ac1(uses: Counter[Any], count: int, share: float, categories: int) -> float | None:
    chance = sum((number / (2 * count)) * (1 - number / (2 * count)) for number in uses.values()) / (categories - 1)
    return (share - chance) / (1 - chance) if chance < 1 else None
