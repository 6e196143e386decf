"""Where income comes from, and its change on the same quarter a year ago (收入构成与同比).

The four classes are 工资性, 生产经营净收入 (gross less costs, may be negative), 财产性 and 转移性. A share is the class total over the net income total of
the persons of the group, not a mean of household shares. Changes compare two aggregates (the group as it stood then and now), not the same households.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linwu_stats.indicators.measure import Measure, observe

__all__ = ["CLASSES", "change", "change_percent", "compose_income"]

#: Income classes in the order of the official tables, with the column of the household income table that holds each.
CLASSES: dict[str, str] = {"wage": "wage_fen", "business_net": "business_net_fen", "property": "property_fen", "transfer": "transfer_fen"}


def compose_income(weights: Any, net_fen: Any, headcount_persons: Any, classes_fen: Mapping[str, Any]) -> dict[str, tuple[Measure, Measure]]:
    """Share and per-capita amount of each income class (收入构成): ``{class: (share, fen per person)}``.

    Takes the classes of :data:`CLASSES`, one amount in fen per household each. A household counts where its net income, head count and all classes are
    known. Shares are null ``net_not_positive`` where the net incomes add up to 0 or less, all null ``empty_group`` or ``all_unknown`` without a
    known row. A share may be negative or above 1 where production lost money.
    """
    seen = observe(weights, headcount_persons, net_fen, *classes_fen.values())
    if seen.reason_code:
        return {name: (Measure(None, seen.reason_code), Measure(None, seen.reason_code)) for name in classes_fen}
    persons = seen.weights.sum()
    total, *parts = ((seen.weights * amounts / seen.headcount_persons).sum() for amounts in seen.amounts_fen)
    return {
        name: (Measure(float(part / total)) if total > 0 else Measure(None, "net_not_positive"), Measure(float(part / persons)))
        for name, part in zip(classes_fen, parts, strict=True)
    }


def change(now: Measure, year_ago: Measure | None) -> Measure:
    """Difference on the same quarter a year ago (同比增减): the unit of the measure itself, shares in parts of 1.

    Null with the reason of ``now`` where that is null, ``no_year_ago`` where there is no earlier group, ``year_ago_unknown`` where it has no value.
    """
    if reason := _not_comparable(now, year_ago):
        return Measure(None, reason)
    return Measure(now.value - year_ago.value)


def change_percent(now: Measure, year_ago: Measure | None) -> Measure:
    """Percentage change on the same quarter a year ago (同比增幅), percent, in current prices.

    Null as :func:`change`, and ``base_not_positive`` where the earlier value is 0 or less: a growth rate on a loss says nothing.
    """
    if reason := _not_comparable(now, year_ago):
        return Measure(None, reason)
    if year_ago.value <= 0:
        return Measure(None, "base_not_positive")
    return Measure((now.value - year_ago.value) / year_ago.value * 100)


def _not_comparable(now: Measure, year_ago: Measure | None) -> str | None:
    if now.value is None:
        return now.reason_code
    if year_ago is None or year_ago.reason_code == "empty_group":
        return "no_year_ago"
    return "year_ago_unknown" if year_ago.value is None else None
