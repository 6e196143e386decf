"""The rates of a look-back as texts define them (回头看指标的定义): each with its own denominator, and the verdict on a bar.

A rate divided by another definition's denominator is refused: people of whole villages are many times those who were visited, and the rate would shrink
without anybody seeing it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from linwu_stats.exits.compare import exact, holds
from linwu_stats.exits.lookback.bounds import few_villages
from linwu_stats.exits.lookback.exact import LookbackError, beta_bound
from linwu_stats.rules import Rule, Rules

__all__ = ["bar_of", "combined_incidence", "decide", "definitions_of", "incidence_definitions", "more_households", "official_rate"]

#: More households than this are no advice.
MOST = 10_000_000
_BARS = {
    "missed": "lookback.missed.bar", "wrong": "lookback.wrong.bar", "recognition": "lookback.recognition.bar", "incidence": "lookback.incidence.bar",
}
_DEFINITIONS = {
    "missed": {"surveyed": "lookback.missed.surveyed", "sampled_villages": "lookback.missed.sampled_villages"},
    "wrong": {"": "lookback.wrong.surveyed"}, "recognition": {"": "lookback.recognition.surveyed"},
}
_EXITS = {"ever": "lookback.incidence.ever", "plan_year": "lookback.incidence.plan_year"}
_POPULATIONS = {"agricultural": "lookback.incidence.agricultural", "rural_total": "lookback.incidence.rural_total"}


def bar_of(measure: str, rules: Rules) -> Rule:
    """The bar of a measure (标准): rule with ``sign`` and ``share``. Raises :class:`LookbackError` for an unknown measure."""
    if measure not in _BARS:
        raise LookbackError(f"there is no measure {measure!r} (没有该指标); there are: {', '.join(_BARS)}")
    return rules[_BARS[measure]]


def definitions_of(measure: str, rules: Rules) -> list[tuple[Rule, bool]]:
    """Definitions of missed, wrong or recognition (口径), and whether the rules choose each."""
    if measure not in _DEFINITIONS:
        raise LookbackError(f"there is no measure {measure!r} (没有该指标); there are: {', '.join(_DEFINITIONS)}")
    chosen = rules.value("lookback.missed.denominator") if measure == "missed" else ""
    return [(rules[key], name == chosen) for name, key in _DEFINITIONS[measure].items()]


def incidence_definitions(rules: Rules) -> list[tuple[Rule, Rule, bool]]:
    """The four readings of the combined incidence (综合贫困发生率的口径): whose exits, which population, and whether the rules choose it."""
    chosen = rules.value("lookback.incidence.exits"), rules.value("lookback.incidence.population")
    return [
        (rules[exits_key], rules[population_key], (exits, population) == chosen)
        for exits, exits_key in _EXITS.items() for population, population_key in _POPULATIONS.items()
    ]


def official_rate(definition: Rule, found: int, denominators: Mapping[str, int | None]) -> Fraction | None:
    """A rate by the formula of its definition (按公式计算), exact: found over the definition's own denominator.

    ``denominators``: one number under its own name, such as ``{"off_register_persons_surveyed": 640}``. Anything but the name that the definition asks for
    is refused, also where the right one stands beside others. Unknown or zero gives None. Raises :class:`LookbackError`.
    """
    wanted = definition.value["denominator"]
    if set(denominators) != {wanted}:
        raise LookbackError(
            f"{definition.key}({definition.term}): the denominator is {wanted}, not {', '.join(sorted(denominators)) or 'nothing'} (分母口径不符). "
            "Give exactly that number, or choose the other definition in the law"
        )
    below = denominators[wanted]
    if below is None or below == 0:
        return None
    if found < 0 or below < 0 or found > below:
        raise LookbackError(f"{definition.key}: {found} found of {below} (计数有误)")
    return Fraction(found, below)


def combined_incidence(
    left_persons: int, missed_share: Any, off_register_persons: int, wrong_share: Any, exited_persons: int, population_persons: int,
) -> Fraction:
    """Combined incidence (综合贫困发生率), exact: (left + missed x off the register + wrong x exited) over the rural population.

    Example: 5,140 left, 1 % of 19,052 exits wrong and 0.1 % of 255,037 missed make 2.00 % of 279,229; shares are taken as they are written.
    Raises :class:`LookbackError` for shares outside 0 to 1 or a population that is smaller than its parts.
    """
    missed, wrong = (one if isinstance(one, Fraction) else exact(one) for one in (missed_share, wrong_share))
    if not (0 <= missed <= 1 and 0 <= wrong <= 1):
        raise LookbackError(f"shares lie from 0 to 1, not {missed_share!r}, {wrong_share!r} (比率有误); write 1 % as 0.01")
    if min(left_persons, off_register_persons, exited_persons) < 0 or population_persons < max(1, left_persons, off_register_persons, exited_persons):
        raise LookbackError(f"the population of {population_persons} cannot hold the parts (人口数有误)")
    poor = left_persons + missed * off_register_persons + wrong * exited_persons
    if poor > population_persons:
        raise LookbackError(f"the population of {population_persons} is smaller than its poor (人口数有误): {float(poor):.0f} persons")
    return poor / population_persons


def decide(low: float, high: float, bar: Rule) -> str:
    """Verdict of bounds on a bar (结论): ``met`` where the worse bound still passes, ``not_met`` where the better one fails, else ``not_decided``."""
    if any(one is None or math.isnan(one) for one in (low, high)):
        return "not_decided"
    sign, share = bar.value["sign"], exact(bar.value["share"])
    ends = [holds(exact(repr(float(one))), sign, share) for one in (low, high)]
    return "met" if all(ends) else "not_decided" if any(ends) else "not_met"


def more_households(share: float, worth: float, asked: int, bar: float, level: float, *, df: float = math.inf) -> int | None:
    """How many more households decide (再查多少户可定), if what is found stays at the rate found; None where the share lies on the bar.

    ``share`` and ``bar`` of households with the problem; ``worth``: how many single draws the ``asked`` households are worth; ``df``: degrees of freedom, which
    grow with the households, since more of them come in more villages.
    """
    if not worth > 0 or not asked or math.isnan(share) or abs(share - bar) < 1e-9:
        return None
    side = "upper" if share < bar else "lower"

    def decided(more: int) -> bool:
        factor = 1 + more / asked
        effective = worth * factor * (1.0 if math.isinf(df) else min(1.0, few_villages(asked * factor, df * factor, level)))
        bound = beta_bound(share * effective, effective, side, level)
        return bound < bar if side == "upper" else bound >= bar

    if decided(0):
        return 0
    low, high = 0, 1
    while not decided(high):
        low, high = high, high * 2
        if high > MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high
