"""One cell: its value, or why it has none (单元格). A value is never guessed: what is not certain is unknown, with a finding.

Numbers are exact: money is read as whole millionths of a yuan through ``Decimal``, so that 0.831981万元 and 8319.81元 are the same number.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import partial
from typing import Any, NamedTuple

from linwu_stats.ledgers.vocabulary import BLANKS, has_mark, says_nothing, squeeze, vocabulary

__all__ = [
    "BLANK", "MICRO", "UNTRUSTED", "Cell", "fen", "is_blank", "parse_bool", "parse_code", "parse_column", "parse_count", "parse_number", "parse_size",
    "parse_text", "parser_for", "plain_text",
]

MICRO = 1_000_000
#: Columns with fewer distinct values than this are parsed value by value in any case.
SHORT = 500
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[+-]?\.\d+", re.ASCII)
_BARE = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_RANGE = re.compile(r"[\d.万千百]+元?(?:-|~|—|－|至|到|/|或)[\d.万千百]+元?")
_ABOUT = re.compile(r"约|大概|左右|上下|不足|不到|以上|以下|以内|余|多|近|几|数[十百千万]|超过|至少|最多|[<>≤≥≈±~+]")
_SIMPLE = re.compile(r"\d{1,11}(?:\.\d{1,6})?", re.ASCII)
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:\.\d+)?[eE][+-]?\d+")
_ERROR = re.compile(r"#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!|SPILL!|CALC!|GETTING_DATA|\?)", re.IGNORECASE)
_SIGN = re.compile(r"^(?:¥|￥|RMB|CNY|人民币)[:]?")
_SPLIT_DIGITS = re.compile(r"\d[\s\u00a0\u3000]+\d")


class Cell(NamedTuple):
    """What a raw cell gave: value (None: unknown), keys of findings, the repaired value as shown, and a detail for the message."""

    value: Any = None
    keys: tuple[str, ...] = ()
    new: str = ""
    detail: str = ""


class _Untrusted:
    """Stands for a cell whose whole row cannot be trusted; the row has its own finding."""

    def __repr__(self) -> str:
        return ""


UNTRUSTED = _Untrusted()
BLANK = Cell(None, ("blank",))


def is_blank(value: Any) -> bool:
    """Whether a raw cell is empty or holds only spaces and invisible characters."""
    if isinstance(value, str):
        return not value or (not value[0].isalnum() and not BLANKS.sub("", value))
    return value is None


def parse_column(raw: Sequence[Any], parse: Callable[[Any], Cell], *, blanks: bool = True,
                 sound: Callable[[Sequence[str]], bool] | None = None,
                 quick: Callable[[Sequence[str]], dict[str, Any]] | None = None) -> tuple[list[Any], list[tuple[int, Cell]]]:
    """Parse a column through its distinct values (按不同取值解析一列): the values, and position and cell of each one that has something to say.

    ``blanks``: whether a blank cell has something to say. ``sound``: sees at one glance that every text is as it should be; then nothing is parsed.
    ``quick``: gives the values of those of many texts that are beyond doubt; the others are parsed one by one.
    """
    distinct = dict.fromkeys(raw)  # True, 1 and 1.0 are one key here, but none of them is one with a text
    if set(map(type, distinct)) <= {str}:
        if sound is not None and len(distinct) > SHORT and sound(list(distinct)):
            return list(raw), []
        sure = quick([value for value in distinct if value]) if quick is not None and len(distinct) > SHORT else {}
        cells = {value: parse(value) for value in distinct if value not in sure}
        known = {value: cell.value for value, cell in cells.items()} | sure
        keys: Sequence[Any] = raw
    else:
        keys = [(value.__class__, value) for value in raw]
        cells = {key: Cell() if key[1] is UNTRUSTED else parse(key[1]) for key in dict.fromkeys(keys)}
        known = {key: cell.value for key, cell in cells.items()}
    spoken = {key: cell for key, cell in cells.items() if cell.keys and (blanks or cell.keys != BLANK.keys)}
    troubles = [(place, spoken[key]) for place, key in enumerate(keys) if key in spoken] if spoken else []
    return list(map(known.__getitem__, keys)), troubles


def fen(micro: int | None) -> int | None:
    """Millionths of a yuan to fen, half up (分)."""
    return None if micro is None else (micro + 5_000) // 10_000 if micro >= 0 else -((-micro + 5_000) // 10_000)


def plain_text(value: Any) -> str:
    """A raw cell as text: whole floats without their '.0', dates in ISO form."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return str(value)


def parse_text(value: Any) -> Cell:
    """Text as it stands, without spaces at its ends (文本)."""
    if isinstance(value, str) and value and value[0].isalnum():
        return Cell(value.strip())
    return BLANK if is_blank(value) else Cell(plain_text(value).strip())


def parse_number(value: Any, *, factor: int = 1, money: bool = False, signed: bool = False, derived: bool = False, typed: bool = True,
                 limit: int | None = None) -> Cell:
    """A number in millionths of its unit (数字). ``factor`` brings the column's unit to the base unit; a unit in the cell itself goes before it.

    ``typed``: the sheet has number cells, so that a number kept as text is worth a finding. ``derived``: a figure computed from others, whose further
    decimals mean nothing.
    """
    if not typed and isinstance(value, str) and _SIMPLE.fullmatch(value):
        micro = _exact(value, factor)
        return Cell(micro) if micro % 10_000 == 0 and (limit is None or micro <= limit * MICRO) else _bounded(Cell(micro), money, signed, derived, limit)
    if is_blank(value):
        return BLANK
    if isinstance(value, bool):
        return Cell(None, ("NUM_TYPE",), detail="逻辑值")
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        return Cell(None, ("NUM_TYPE",), detail="日期或时间")
    if isinstance(value, (int, float)):
        text = repr(value)
        cell = Cell(_exact(text, factor)) if _SIMPLE.fullmatch(text) else _micro(Decimal(text), factor)
    else:
        cell = _text_number(str(value), factor, money, typed)
    return cell if cell.value is None else _bounded(cell, money, signed, derived, limit)


def _exact(text: str, factor: int) -> int:
    """Millionths of a short plain number, in whole numbers throughout."""
    whole, _, part = text.partition(".")
    return (int(whole) * MICRO + int(part.ljust(6, "0"))) * factor


def _micro(number: Decimal, factor: int | Decimal, keys: tuple[str, ...] = ()) -> Cell:
    try:
        micro = int((number * factor * MICRO).quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        return Cell(None, ("NUM_NOTE",))
    if abs(micro) >= 9 * 10**17:
        return Cell(None, ("NUM_RANGE",), detail="数值大得不可能")
    return Cell(micro, keys, _shown(micro) if keys else "")


def _shown(micro: int) -> str:
    number = Decimal(micro) / MICRO
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _text_number(raw: str, factor: int, money: bool, typed: bool) -> Cell:
    text = squeeze(raw).replace("−", "-").strip("'’‘`")
    words = vocabulary()
    if not text or says_nothing(text) or text in words.raw["unknown_words"]:
        return Cell(None, ("NUM_MISSING",))
    if _ERROR.fullmatch(text):
        return Cell(None, ("NUM_EXCEL_ERROR",))
    if has_mark(raw):
        return Cell(None, ("NUM_NOTE",))
    if _SPLIT_DIGITS.search(raw) and not re.fullmatch(r"\s*\d{1,3}(?:[\s\u00a0]\d{3})+(?:\.\d*)?\s*", raw):
        return Cell(None, ("NUM_NOTE",))
    number = _NUMBER.fullmatch(text)
    if number:
        clean = _BARE.fullmatch(raw.strip()) is not None
        return _micro(Decimal(text.replace(",", "")), factor, () if clean and not typed else ("NUM_TEXT",))
    with_unit = _with_unit(text, factor, money)
    if with_unit:
        return with_unit
    if _SCIENTIFIC.fullmatch(text) or _RANGE.fullmatch(text) or (_ABOUT.search(text) and re.search(r"[\d一二三四五六七八九十百千万]", text)):
        return Cell(None, ("NUM_NOT_EXACT",))
    return Cell(None, ("NUM_NOTE",))


def _with_unit(text: str, factor: int, money: bool) -> Cell | None:
    """A number with an explicit unit: 0.3632万元, 300元, ￥300."""
    units = vocabulary().raw["suffixes"]["money" if money else "other"]
    body = _SIGN.sub("", text) if money else text
    signed = body != text
    number = _NUMBER.match(body)
    if not number:
        return None
    unit = body[number.end():]
    if unit in units or (signed and not unit):
        own = Decimal(units.get(unit, "1")) if money and (unit or signed) else Decimal(factor)
        return _micro(Decimal(number.group().replace(",", "")), own, ("NUM_UNIT",))
    return None


def _bounded(cell: Cell, money: bool, signed: bool, derived: bool, limit: int | None) -> Cell:
    micro, keys, detail, new = cell.value, cell.keys, cell.detail, cell.new
    if micro < 0 and not signed:
        keys += ("NUM_NEGATIVE",)
    if limit is not None and abs(micro) > limit * MICRO:
        keys, detail = (*keys, "NUM_RANGE"), f"大于{limit}"
    if money and not derived and micro % 10_000:
        keys, new = (*keys, "NUM_NOT_EXACT.rounded"), new or _shown((fen(micro) or 0) * 10_000)
    return Cell(micro, keys, new, detail)


def parse_count(value: Any, *, typed: bool = True, maximum: int | None = None) -> Cell:
    """A whole number that is not negative (计数)."""
    cell = parse_number(value, typed=typed, limit=maximum)
    if cell.value is None:
        return cell
    if cell.value % MICRO:
        return Cell(None, (*cell.keys, "NUM_RANGE"), detail="应为整数")
    return cell._replace(value=cell.value // MICRO)


def parse_size(value: Any, *, typed: bool = True, maximum: int = 20) -> Cell:
    """A household's size (家庭人口): a whole number from 1 to ``maximum``; anything else is unknown."""
    cell = parse_count(value, typed=typed)
    if cell.keys == ("blank",):
        return cell
    if cell.value is None:
        return Cell(None, ("SIZE_MISSING",) if "NUM_MISSING" in cell.keys else ("SIZE_INVALID",))
    if cell.value == 0:
        return Cell(None, ("SIZE_ZERO",))
    if not 0 < cell.value <= maximum:
        return Cell(None, ("SIZE_INVALID",))
    return cell


def parse_bool(value: Any) -> Cell:
    """Yes or no (是否): the words of ``headings.yaml``; anything else is unknown."""
    if is_blank(value):
        return BLANK
    if isinstance(value, bool):
        return Cell(value)
    text = squeeze(plain_text(value)).strip("'")
    words = vocabulary().raw
    if text in words["yes"] and not has_mark(str(value)):
        return Cell(True)
    if text in words["no"] and not has_mark(str(value)):
        return Cell(False)
    return Cell(None, ("STATUS_VALUE",), detail="应填“是”或“否”")


def parse_code(value: Any, *, codes: str) -> Cell:
    """A coded value (选项): official terms silently, everyday words of the table with a finding, anything else is unknown."""
    if is_blank(value):
        return BLANK
    text = squeeze(plain_text(value)).strip("'")
    official, synonyms = vocabulary().terms(codes)
    code = official.get(text) or _squeezed(codes).get(text)
    if code:
        return Cell(code)
    if text in synonyms:
        term = next(term for term, known in official.items() if known == synonyms[text])
        return Cell(synonyms[text], ("STATUS_VALUE.synonym",), term)
    choices = [term for term in official if term][:8]
    return Cell(None, ("STATUS_VALUE",), detail=f"不在选项（{'、'.join(choices)}等）中")


def _squeezed(codes: str, cache: dict[str, dict[str, str]] = {}) -> dict[str, str]:  # noqa: B006
    """Official terms as they look when squeezed, so that full-width brackets are the same as half-width ones."""
    if codes not in cache:
        cache[codes] = {squeeze(term): code for term, code in vocabulary().terms(codes)[0].items()}
    return cache[codes]


def parser_for(field: Any, *, factor: int, typed: bool, limits: dict[str, Any]) -> Callable[[Any], Cell]:
    """The parser of a field of one of the plain types (money, milli, decimal, count, size, bool, code, text)."""
    kind = field.type
    if kind == "money":
        limit = limits["percapita_yuan"] if field.name == "percapita_fen" else None if field.name == "collective_income_fen" else limits["amount_yuan"]
        return partial(parse_number, factor=factor, money=True, signed=field.signed, derived=field.derived, typed=typed, limit=limit)
    if kind in ("milli", "decimal"):
        return partial(parse_number, typed=typed)
    if kind == "count":
        return partial(parse_count, typed=typed, maximum=field.maximum)
    if kind == "size":
        return partial(parse_size, typed=typed, maximum=limits["size_persons"])
    if kind == "bool":
        return parse_bool
    if kind == "code":
        return partial(parse_code, codes=field.codes)
    return parse_text
