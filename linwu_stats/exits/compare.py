"""Exact comparison with a rule, and numbers in words (与规则比较).

Signs and bounds are law. A bound may be a fraction (a margin, a share), so whole numbers are compared with its floor or ceiling and nothing is ever
rounded. Expressions are narwhals and give the same on every engine: an unknown condition is made false before it chooses, since engines differ there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import narwhals as nw

from linwu_stats.rules import Rule

__all__ = [
    "all_three", "count", "exact", "first_true", "grouped", "holds", "one", "passes", "passes_ratio", "percent", "refuse_sign", "sum_by_household", "true",
    "with_yuan_words", "yuan",
]


def exact(number: Any) -> Fraction:
    """A number of the law as it is written (规则中的数): 0.015 is 15/1000, not the nearest binary fraction."""
    return Fraction(str(number))


def holds(value: Fraction | int, sign: str, bound: Fraction | int) -> bool:
    """Whether ``value sign bound`` is true (是否满足); raises ``ValueError`` for another sign than > >= < <=."""
    if sign == ">":
        return value > bound
    if sign == ">=":
        return value >= bound
    if sign == "<":
        return value < bound
    if sign == "<=":
        return value <= bound
    raise ValueError(f"{sign!r} is not a sign of comparison (比较符号有误); write one of > >= < <=")


def refuse_sign(rule: Rule, *allowed: str) -> str:
    """The sign of a rule; raises ``ValueError`` where the comparison would make no sense, such as an income that must be below the line."""
    sign = rule.value["sign"]
    if sign not in allowed:
        raise ValueError(f"{rule.key}({rule.term}): the sign {sign!r} makes no sense here (比较符号有误); choose {' or '.join(allowed)} in the law")
    return sign


def passes(number: nw.Expr, sign: str, bound: Fraction) -> nw.Expr:
    """``number sign bound`` for a column of whole numbers and a bound of the law; unknown stays unknown."""
    return passes_ratio(number, sign, nw.lit(bound.numerator), bound.denominator)


def passes_ratio(number: nw.Expr, sign: str, numerator: nw.Expr, denominator: int) -> nw.Expr:
    """``number sign numerator / denominator`` in whole numbers, the numerator zero or more: a whole number is above x exactly if above floor(x)."""
    floor, ceiling = numerator // denominator, (numerator + denominator - 1) // denominator
    if denominator == 1:
        floor = ceiling = numerator
    if sign == ">":
        return number > floor
    if sign == ">=":
        return number >= ceiling
    if sign == "<":
        return number < ceiling
    if sign == "<=":
        return number <= floor
    raise ValueError(f"{sign!r} is not a sign of comparison (比较符号有误); write one of > >= < <=")


def true(condition: nw.Expr) -> nw.Expr:
    """A condition in which unknown is not true."""
    return condition.fill_null(False)


def one(condition: nw.Expr) -> nw.Expr:
    """1 where a condition is true, else 0."""
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def first_true(*cases: tuple[str, nw.Expr]) -> nw.Expr:
    """The code of the first condition that is true, null where none is."""
    (code, condition), *earlier = reversed(cases)
    chosen: nw.Expr = nw.when(condition).then(nw.lit(code))
    for code, condition in earlier:
        chosen = nw.when(condition).then(nw.lit(code)).otherwise(chosen)
    return chosen


def all_three(not_met: nw.Expr, met: nw.Expr) -> nw.Expr:
    """Outcome from two conditions without unknowns: what fails beats all else, what is neither is unknown."""
    return nw.when(not_met).then(nw.lit("not_met")).otherwise(nw.when(met).then(nw.lit("met")).otherwise(nw.lit("unknown")))


def sum_by_household(people: Any, counts: Mapping[str, nw.Expr]) -> Any:
    """Numbers of members by household for whom each condition (without unknowns) is true."""
    rows = people.select("household_id", **{name: one(condition) for name, condition in counts.items()})
    sums = rows.group_by("household_id").agg(nw.col(*counts).sum())
    return sums.select("household_id", nw.col(*counts).cast(nw.Int64))


def count(number: nw.Expr, word: str) -> nw.Expr:
    """``word 3 人`` where the number is above 0, else nothing."""
    return nw.when(number > 0).then(nw.concat_str(nw.lit(f"，{word} "), number.cast(nw.String), nw.lit(" 人"))).otherwise(nw.lit(""))


def with_yuan_words(rows: Any, column: str, words: str) -> Any:
    """Add a column of fen as ``12,345.67``, null where unknown; groups of three below 10^15 yuan.

    Made in steps: an engine writes an expression out wherever it is used, and in one piece this would be hundreds of kilobytes of SQL.
    """
    fen, size = nw.col(column), nw.col("_size")
    rows = rows.with_columns(_minus=true(fen < 0), _size=nw.when(true(fen < 0)).then(-fen).otherwise(fen))
    whole = nw.col("_whole_yuan")
    rows = rows.with_columns(_whole_yuan=size // 100, _fen_digits=_padded(size % 100, 2))
    digits = [_padded(whole // 1000**level % 1000, 3) for level in range(4)]
    text = whole.cast(nw.String)
    for level in (1, 2, 3, 4):
        first = (whole // 1000**level).cast(nw.String)
        rest = [part for below in range(level - 1, -1, -1) for part in (nw.lit(","), digits[below])]
        text = nw.when(true(whole >= 1000**level)).then(nw.concat_str(first, *rest)).otherwise(text)
    minus = nw.when(nw.col("_minus")).then(nw.lit("-")).otherwise(nw.lit(""))
    done = rows.with_columns(**{words: nw.concat_str(minus, text, nw.lit("."), nw.col("_fen_digits"))})
    return done.drop("_minus", "_size", "_whole_yuan", "_fen_digits")


def _padded(number: nw.Expr, digits: int) -> nw.Expr:
    return (number + 10**digits).cast(nw.String).str.slice(1, digits)


def yuan(fen: int) -> str:
    """Fen in yuan with groups of three, without the fen where there are none: ``3,335``."""
    whole, part = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{whole:,}{f'.{part:02d}' if part else ''}"


def percent(share: Fraction) -> str:
    """A share in per cent with two decimals, half up, for showing only."""
    hundredths = Decimal(math.floor(share * 10_000 + Fraction(1, 2))) / 100
    return f"{hundredths.quantize(Decimal('0.01'), ROUND_HALF_UP)}%"


def grouped(number: int | None) -> str:
    """A whole number with groups of three; unknown is said."""
    return "未知" if number is None else f"{number:,}"
