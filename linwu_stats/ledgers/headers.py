"""Headings and kinds (表头与台账种类): which row is the header, what each column is, and what kind of ledger that makes.

A kind is recognised by its headings, never by the name of a file or sheet. Headings may have a unit in brackets, stand on two levels, or have a row of
column numbers beneath.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import Any

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.sheets import Sheet
from linwu_stats.ledgers.vocabulary import BLANKS, plain_heading, squeeze, vocabulary

__all__ = ["Header", "Heading", "find_header", "kind_of", "match_heading", "stated_unit"]

SEARCH_ROWS = 40
LEVELS = 3
_BRACKET = re.compile(r"^(.+?)[(\[【〔{]([^()\[\]【】〔〕{}]*)[)\]】〕}]$")
_TAIL = re.compile(r"^(.+?)(?<!年)[/:,_-]((?:万|千|百)?元|亩|人|月)$")
_NUMBERED = re.compile(r"^(?:其中:?|\(?\d{1,3}[).、]|[一二三四五六七八九十]+[、.])")
_UNIT = re.compile(r"单位[:为是]?(?:[人户口个亩]{1,2}[、,/和])*(?:人民币)?((?:万|千|百)?元)|[(\[【]((?:万|千|百)元)[)\]】]")
_ROW_OF_NUMBERS = ("栏次", "栏目", "行次", "列次", "序列")


@dataclass(frozen=True)
class Heading:
    """One column: its number from 0, the words of the ledger, the field (empty: not known), and how it was recognised."""

    column: int
    text: str
    field: str = ""
    factor: int = 0
    unit: str = ""
    unit_row: int = -1
    synonym: bool = False
    changed: bool = False

    @property
    def label(self) -> str:
        """The official heading of the field, or the ledger's own words."""
        return vocabulary().fields[self.field].heading if self.field and self.synonym else self.text


@dataclass(frozen=True)
class Header:
    """The header of a sheet: its first and last row counted from 0, the columns, and the row that the first cell stands in."""

    top: int
    bottom: int
    columns: tuple[Heading, ...]
    levels: int = 1
    numbering: bool = False

    @property
    def fields(self) -> dict[str, Heading]:
        """The first column of each field."""
        out: dict[str, Heading] = {}
        for heading in self.columns:
            if heading.field:
                out.setdefault(heading.field, heading)
        return out


def match_heading(text: str) -> tuple[str, str, bool]:
    """Field, unit and whether it is a synonym, of one heading (识别表头); the field is empty where nothing is known of it."""
    words = vocabulary()
    key = plain_heading(text)
    unit = ""
    for _ in range(3):
        for table, synonym in ((words.official, False), (words.synonyms, True)):
            if key in table:
                return table[key], unit, synonym
        found = _BRACKET.match(key)
        if found and _is_unit(found.group(2)):
            key, unit = found.group(1), unit or _bare_unit(found.group(2))
            continue
        found = _TAIL.match(key)
        if found:
            key, unit = found.group(1), unit or found.group(2)
            continue
        shorter = _NUMBERED.sub("", key)
        if shorter == key:
            break
        key = shorter
    return "", unit, False


def _bare_unit(text: str) -> str:
    return re.sub(r"^单位[:为是]?", "", text)


def _is_unit(text: str) -> bool:
    words = vocabulary()
    bare = _bare_unit(text)
    return bare in words.money_units or bare in words.other_units


def stated_unit(text: str) -> str:
    """The money unit that a title or a note states, or nothing (注明的单位)."""
    found = _UNIT.search(squeeze(text))
    return (found.group(1) or found.group(2)) if found else ""


def find_header(sheet: Sheet) -> Header | None:
    """The header of a sheet (找表头): the row among the first ones that knows most fields, with the levels above and below it; None where there is none."""
    known = [_known(values) for values in sheet.rows[:SEARCH_ROWS]]
    most = max(known, default=0)
    if not most:
        return None
    best = next(row for row, count in enumerate(known) if count * 4 >= most * 3)  # the first of several: a header repeated below names as much
    most = known[best]
    filled = sum(not is_blank(value) for value in sheet.rows[best])
    if most < 2 or (most == 2 and filled > 4):
        return None
    top = bottom = best
    while bottom + 1 < len(sheet.rows) and bottom - top + 1 < LEVELS:
        if _is_level(sheet, bottom + 1, bottom):
            bottom += 1
        elif bottom + 2 < len(sheet.rows) and bottom - top + 2 < LEVELS and _is_group(sheet, bottom + 1) and _is_level(sheet, bottom + 2, bottom):
            bottom += 2
        else:
            break
    while top > 0 and bottom - top + 1 < LEVELS and _is_level(sheet, top - 1, top):
        top -= 1
    columns = tuple(_column(sheet, top, bottom, column) for column in range(len(sheet.rows[best])))
    levels = bottom - top + 1
    numbering = bottom + 1 < len(sheet.rows) and _is_numbering(sheet.rows[bottom + 1])
    return Header(top, bottom + numbering, columns, levels, numbering)


def _known(values: list[Any]) -> int:
    """Distinct fields that a row names; a row with a long number is data."""
    fields = set()
    for value in values:
        if isinstance(value, str) and value:
            if len(value) >= 10 and re.fullmatch(r"[\d\s.*Xx-]+", value):
                return 0
            field = match_heading(value)[0] if len(value) < 60 else ""
            if field:
                fields.add(field)
        elif not isinstance(value, str) and value is not None and not isinstance(value, bool):
            return 0
    return len(fields)


def _is_level(sheet: Sheet, row: int, beside: int) -> bool:
    """Whether a row belongs to the header: it names fields in columns for which the row beside it says nothing known, and has no other content."""
    values, others = sheet.rows[row], sheet.rows[beside]
    if any(not isinstance(value, str) for value in values if value is not None):
        return False
    new = strange = doubled = 0
    for place, (value, other) in enumerate(zip(values, others, strict=False)):
        if is_blank(value):
            continue
        known = bool(match_heading(value)[0]) or (row > beside and _completes(sheet, beside, place, value))
        other_known = isinstance(other, str) and bool(match_heading(other)[0]) if not is_blank(other) else False
        new += known and not other_known
        doubled += known and other_known
        strange += not known and len(squeeze(value)) > 12
    if row > beside:
        return new >= 2 and not strange and not doubled
    spans = any(top <= row <= bottom and right > left > 0 for top, left, bottom, right in sheet.marks.merges)
    groups = sum(not is_blank(value) for value in values)
    return not strange and not doubled and ((new >= 2) or (new == 0 and groups >= 2 and spans and _spans_new(sheet, row, others)))


def _is_group(sheet: Sheet, row: int) -> bool:
    """Whether a row between two levels holds only words of groups, each merged over several columns."""
    filled = [(place, value) for place, value in enumerate(sheet.rows[row]) if not is_blank(value)]
    spans = {(top, left) for top, left, bottom, right in sheet.marks.merges if right > left and top == bottom}
    return bool(filled) and all(isinstance(value, str) and (row, place) in spans for place, value in filled)


def _completes(sheet: Sheet, above: int, column: int, text: str) -> bool:
    """Whether a word is a heading together with the group that stands above it: 收入 over 工资性."""
    group = plain_heading(_text_at(sheet, above, column, True))
    base = re.sub(r"[(\[【][^()]*[)\]】]$", "", group)
    return bool(base) and bool(match_heading(base + text)[0] or match_heading(text + base)[0])


def _spans_new(sheet: Sheet, row: int, others: list[Any]) -> bool:
    """Whether a merged cell of the row stands over at least two known headings and not over the whole table."""
    for top, left, bottom, right in sheet.marks.merges:
        if top <= row <= bottom and right - left + 1 < sum(not is_blank(value) for value in others):
            under = others[left: right + 1]
            if sum(isinstance(value, str) and bool(match_heading(value)[0]) for value in under) >= 2:
                return True
    return False


def _is_numbering(values: list[Any]) -> bool:
    """A row of column numbers: 甲 乙 1 2 3 …, or 1 2 3 …"""
    found = [squeeze(plain_text(value)) for value in values if not is_blank(value)]
    numbers = [int(text) for text in (item.strip("()栏列") for item in found) if text.isascii() and text.isdigit() and len(text) < 4]
    letters = [text for text in found if text in "甲乙丙丁戊己庚辛" or text in _ROW_OF_NUMBERS]
    first = numbers[0] if numbers else 1
    return len(found) >= 3 and len(numbers) + len(letters) == len(found) and numbers == list(range(first, first + len(numbers)))


def _column(sheet: Sheet, top: int, bottom: int, column: int) -> Heading:
    texts = [(row, _text_at(sheet, row, column, row < bottom)) for row in range(top, bottom + 1)]
    texts = [(row, text) for row, text in texts if text]
    if not texts:
        return Heading(column, "")
    raw = texts[-1][1]
    tries = [(texts[-1],)]
    if len(texts) > 1:
        tries += [(texts[-2], texts[-1]), (texts[-1], texts[-2])]
    for attempt in tries:
        words = "".join(re.sub(r"[(\[【][^()]*[)\]】]$", "", plain_heading(text)) for _, text in attempt[:-1]) + attempt[-1][1]
        field, unit, synonym = match_heading(words)
        if field:
            heading = Heading(column, plain_heading(words), field, 0, unit, texts[-1][0], synonym, _changed(raw))
            return _with_unit(heading, texts)
    label = "/".join(plain_heading(text) for _, text in texts)
    return Heading(column, label, changed=False)


def _with_unit(heading: Heading, texts: list[tuple[int, str]]) -> Heading:
    """The unit of the column: its own, else that of the level above."""
    factors = vocabulary().money_units
    unit, row = heading.unit, heading.unit_row
    if unit not in factors:
        for above, text in reversed(texts[:-1]):
            found = _BRACKET.match(plain_heading(text))
            if found and _bare_unit(found.group(2)) in factors:
                unit, row = _bare_unit(found.group(2)), above
                break
    return replace(heading, unit=unit, unit_row=row, factor=factors.get(unit, 0))


def _text_at(sheet: Sheet, row: int, column: int, upper: bool) -> str:
    value = sheet.rows[row][column]
    if is_blank(value):
        for top, left, bottom, right in sheet.marks.merges:
            if top <= row <= bottom and left <= column <= right and (upper or top < row):
                value = sheet.rows[top][left]
                break
        else:
            if upper and not sheet.marks.merges:  # text has no merged cells: the group's word stands over its first column
                value = next((sheet.rows[row][left] for left in range(column, -1, -1) if not is_blank(sheet.rows[row][left])), "")
    return "" if is_blank(value) else plain_text(value)


def _changed(text: str) -> bool:
    """Whether a heading had spaces, breaks, invisible or full-width characters; full-width punctuation is ordinary."""
    plain = "".join(char if unicodedata.category(char)[0] == "P" else unicodedata.normalize("NFKC", char) for char in text)
    return bool(BLANKS.search(text)) or plain != text


def kind_of(fields: set[str]) -> str:
    """The kind of ledger that has these fields, or ``unknown`` (台账种类), by the list in ``headings.yaml``."""
    for kind, entry in vocabulary().kinds.items():
        if not set(entry.get("all", ())) <= fields or fields & set(entry.get("none", ())):
            continue
        if "any" in entry and len(fields & set(entry["any"])) < entry.get("count", 1):
            continue
        if "one_of" in entry and not fields & set(entry["one_of"]):
            continue
        return kind
    return "unknown"
