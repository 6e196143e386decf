"""Quarters and accounting periods (季度与核算期).

A quarter is a calendar quarter written ``2018Q1``. Which quarters make a period is law: ``period.rule`` chooses ``period.fiscal`` (上年10月至本年9月),
``period.calendar`` (自然年度) or ``period.rolling12`` (滚动12个月). Quarters written so sort as text, which the tables rely on.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from linwu_stats.rules import Rules
from linwu_stats.tables import CODES

__all__ = ["PERIODS", "accounting_year", "first_day", "is_complete", "last_day", "previous_quarter", "quarters_of", "year_ago"]

#: quarter 本季, ytd 本年度累计, last4 最近四个季度, year 上一完整年度.
PERIODS = tuple(CODES["period"])

_QUARTER = re.compile(r"(\d{4})Q([1-4])", re.ASCII)


def quarters_of(period: str, quarter: str, rules: Rules) -> list[str]:
    """The quarters that make an accounting period (核算期所含季度), oldest first.

    ``period`` is one of :data:`PERIODS`, ``quarter`` the quarter of the report. By ``period.rule``:

    - ``quarter``: the quarter itself
    - ``ytd``: from the first quarter of the accounting year to ``quarter``; with a rolling rule the same as ``last4``
    - ``last4``: the four quarters that end with ``quarter``
    - ``year``: the last accounting year that is complete at the end of ``quarter``; with a rolling rule its twelve months

    Raises ``ValueError`` for a quarter or period that is not written as above. Source: 上年10月1日至本年9月30日 and the other rules under ``period.``.
    """
    if period not in PERIODS:
        raise ValueError(f"there is no period {period!r} (没有该核算期); choose one of {', '.join(f'{code} {term}' for code, term in CODES['period'].items())}")
    last = _ordinal(quarter)
    if period == "quarter":
        return [_written(last)]
    if period == "last4":
        return _span(last - 3, last)
    rule = _period_rule(rules)
    if rule["kind"] == "rolling":
        return _span(last - rule.get("months", 12) // 3 + 1, last)
    into_year = (last - _first_quarter(rule)) % 4
    if period == "ytd":
        return _span(last - into_year, last)
    end = last if into_year == 3 else last - into_year - 1
    return _span(end - 3, end)


def accounting_year(quarter: str, rules: Rules) -> int:
    """The accounting year that a quarter belongs to (所属核算年度): by the fiscal rule 2017Q4 belongs to 2018.

    An accounting year is named after the calendar year in which it ends. With a rolling rule it is the calendar year of the quarter.
    """
    ordinal = _ordinal(quarter)
    rule = _period_rule(rules)
    if rule["kind"] == "rolling":
        return ordinal // 4
    return (ordinal - (ordinal - _first_quarter(rule)) % 4 + 3) // 4


def is_complete(period: str, quarter: str, rules: Rules) -> bool:
    """Whether a period is twelve whole months (是否满一年): only then may its income be called below a yearly line."""
    return len(quarters_of(period, quarter, rules)) == 4


def previous_quarter(quarter: str, steps: int = 1) -> str:
    """The quarter ``steps`` quarters earlier (上一季度)."""
    return _written(_ordinal(quarter) - steps)


def year_ago(quarter: str) -> str:
    """The same quarter of the year before (上年同季)."""
    return previous_quarter(quarter, 4)


def first_day(quarter: str) -> dt.date:
    """The first day of a quarter (季初日)."""
    ordinal = _ordinal(quarter)
    return dt.date(ordinal // 4, ordinal % 4 * 3 + 1, 1)


def last_day(quarter: str) -> dt.date:
    """The last day of a quarter (季末日), the day whose rules are in force for it."""
    return first_day(previous_quarter(quarter, -1)) - dt.timedelta(days=1)


def _ordinal(quarter: Any) -> int:
    """Quarters counted from the year 0: year * 4 + 0 … 3."""
    match = _QUARTER.fullmatch(quarter) if isinstance(quarter, str) else None
    if match is None or match[1] == "0000":
        raise ValueError(f"{quarter!r} is not a quarter (季度); write the year, a capital Q and 1 to 4, such as 2018Q1")
    return int(match[1]) * 4 + int(match[2]) - 1


def _written(ordinal: int) -> str:
    return f"{ordinal // 4:04d}Q{ordinal % 4 + 1}"


def _span(first: int, last: int) -> list[str]:
    return [_written(ordinal) for ordinal in range(first, last + 1)]


def _period_rule(rules: Rules) -> dict[str, Any]:
    return rules.value(f"period.{rules.value('period.rule')}")


def _first_quarter(rule: dict[str, Any]) -> int:
    return (rule["start_month"] - 1) // 3
