"""Dates of the ledgers (日期): exit months, birth dates, years, quarters. What could be two dates is none."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from linwu_stats.ledgers.cells import BLANK, Cell, is_blank, plain_text
from linwu_stats.ledgers.vocabulary import has_mark, says_nothing, squeeze, vocabulary

__all__ = ["parse_day", "parse_month", "parse_quarter", "parse_year"]

_MONTH = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})月?份?|(\d{2}))", re.ASCII)
_DAY = re.compile(r"(\d{4})(?:([-/.年])(\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:00:00(?::00)?|T00:00:00)?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MONTH_FIRST = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_SHORT_YEAR = re.compile(r"\d{2}[-/.年]\d{1,2}(?:[-/.月]\d{1,2}日?)?月?|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}", re.ASCII)
#: Excel's day numbers of the years 1910 to 2064, counted as its 1900 system does.
SERIALS = range(3_654, 60_000)
EPOCH = dt.date(1899, 12, 30)


def parse_month(value: Any) -> Cell:
    """Year and month as ``YYYY-MM`` (脱贫年月), within the months that ``headings.yaml`` allows."""
    if is_blank(value):
        return BLANK
    cell = _month(value)
    if cell.value is None:
        return cell
    limits = vocabulary().raw["limits"]
    if not limits["first_exit_month"] <= cell.value <= limits["last_exit_month"]:
        return Cell(None, ("DATE_RANGE",), detail=f"应在{limits['first_exit_month']}至{limits['last_exit_month']}之间")
    return cell


def _month(value: Any) -> Cell:
    if isinstance(value, (dt.date, dt.datetime)):
        return _said(value.year, value.month, "DATE_SERIAL")
    if isinstance(value, (bool, dt.time, dt.timedelta)):
        return Cell(None, ("DATE_INVALID",))
    if isinstance(value, (int, float)):
        return _month_number(float(value))
    text = squeeze(str(value)).strip("'")
    if says_nothing(text):
        return BLANK
    if has_mark(str(value)):
        return Cell(None, ("DATE_INVALID",))
    if re.fullmatch(r"\d{4}\.1", text, re.ASCII):
        return Cell(None, ("DATE_AMBIGUOUS",))
    found = _MONTH.fullmatch(text)
    if found:
        key = "" if re.fullmatch(r"\d{4}\.\d{2}", str(value), re.ASCII) else "DATE_TEXT"
        return _said(int(found.group(1)), int(found.group(2) or found.group(3)), key)
    found = _DAY.fullmatch(text)
    if found:
        return _said(int(found.group(1)), int(found.group(3) or found.group(5)), "DATE_TEXT", int(found.group(4) or found.group(6)))
    found = _MONTH_FIRST.fullmatch(text)
    if found:
        return _said(int(found.group(2)), int(found.group(1)), "DATE_TEXT")
    if re.fullmatch(r"\d{5}", text, re.ASCII) and int(text) in SERIALS:
        return _serial(int(text))
    if _SHORT_YEAR.fullmatch(text):
        return Cell(None, ("DATE_AMBIGUOUS.order",))
    return Cell(None, ("DATE_INVALID",))


def _month_number(number: float) -> Cell:
    """A number in a column of months: 2017.12 is December, 2018.1 may have lost a zero, 201712 and Excel's day numbers are plain."""
    if number.is_integer():
        whole = int(number)
        if 190_000 < whole < 210_000:
            return _said(whole // 100, whole % 100, "DATE_TEXT")
        if 19_000_000 < whole < 21_000_000:
            return _said(whole // 10_000, whole // 100 % 100, "DATE_TEXT", whole % 100)
        return _serial(whole) if whole in SERIALS else Cell(None, ("DATE_INVALID",))
    year, _, part = repr(number).partition(".")
    if not 1_900 <= int(number) < 2_100 or len(part) > 2:
        return Cell(None, ("DATE_INVALID",))
    if part == "1":
        return Cell(None, ("DATE_AMBIGUOUS",))
    return _said(int(year), int(part), "DATE_TEXT" if len(part) == 1 else "")


def _serial(number: int) -> Cell:
    day = EPOCH + dt.timedelta(days=number)
    return _said(day.year, day.month, "DATE_SERIAL")


def _said(year: int, month: int, key: str, day: int = 1) -> Cell:
    try:
        dt.date(year, month, day)
    except ValueError:
        return Cell(None, ("DATE_INVALID",))
    if not 1_900 <= year < 2_100:
        return Cell(None, ("DATE_RANGE",), detail="年份不合理")
    return Cell(f"{year:04d}-{month:02d}", (key,) if key else (), f"{year:04d}.{month:02d}" if key else "")


def parse_day(value: Any) -> Cell:
    """A birth date (出生日期); a date without its day is none."""
    if isinstance(value, str) and _ISO.fullmatch(value):
        return _day(int(value[:4]), int(value[5:7]), int(value[8:]))
    if is_blank(value):
        return BLANK
    if isinstance(value, dt.datetime):
        return _day(value.year, value.month, value.day)
    if isinstance(value, dt.date):
        return _day(value.year, value.month, value.day)
    text = squeeze(plain_text(value)).strip("'")
    if says_nothing(text):
        return BLANK
    if has_mark(str(value)):
        return Cell(None, ("DATE_INVALID",))
    found = _DAY.fullmatch(text)
    if found:
        return _day(int(found.group(1)), int(found.group(3) or found.group(5)), int(found.group(4) or found.group(6)))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer() and int(value) in SERIALS:
        day = EPOCH + dt.timedelta(days=int(value))
        return Cell(dt.datetime(day.year, day.month, day.day), ("DATE_SERIAL",), day.isoformat())  # noqa: DTZ001
    if _SHORT_YEAR.fullmatch(text):
        return Cell(None, ("DATE_AMBIGUOUS.order",))
    return Cell(None, ("DATE_INVALID",))


def _day(year: int, month: int, day: int) -> Cell:
    try:
        value = dt.datetime(year, month, day)  # noqa: DTZ001
    except ValueError:
        return Cell(None, ("DATE_INVALID",))
    return Cell(value) if 1_890 <= year < 2_100 else Cell(None, ("DATE_RANGE",), detail="年份不合理")


def parse_year(value: Any) -> Cell:
    """A year of exit (脱贫年度) as a whole number."""
    if is_blank(value):
        return BLANK
    if isinstance(value, (dt.date, bool, dt.time, dt.timedelta)):
        return Cell(None, ("DATE_INVALID",))
    text = squeeze(plain_text(value)).strip("'")
    if says_nothing(text):
        return BLANK
    if has_mark(str(value)):
        return Cell(None, ("DATE_INVALID",))
    found = re.fullmatch(r"(\d{4})年?度?", text, re.ASCII)
    if not found:
        month = _month(value)
        found = re.match(r"(\d{4})", month.value) if month.value else None
        if not found:
            return Cell(None, ("DATE_INVALID",))
    limits = vocabulary().raw["limits"]
    first, last = limits["first_exit_month"][:4], limits["last_exit_month"][:4]
    if not first <= found.group(1) <= last:
        return Cell(None, ("DATE_RANGE",), detail=f"应在{first}至{last}之间")
    return Cell(int(found.group(1)))


def parse_quarter(value: Any) -> Cell:
    """A calendar quarter as ``2018Q1`` (季度)."""
    if is_blank(value):
        return BLANK
    text = squeeze(plain_text(value)).strip("'").upper()
    if re.fullmatch(r"20\d{2}Q[1-4]", text, re.ASCII):
        return Cell(text)
    found = re.fullmatch(r"(20\d{2})(?:年|[-/.])?第?(?:Q?([1-4])|([一二三四]))(?:季度|季)?", text, re.ASCII)
    if found and ("季" in text or "Q" in text):
        number = found.group(2) or str("一二三四".index(found.group(3)) + 1)
        return Cell(f"{found.group(1)}Q{number}", ("DATE_TEXT",), f"{found.group(1)}Q{number}")
    return Cell(None, ("DATE_INVALID",))
