"""Rows of a sheet (行的分类): data, total, header again, footer, blank, or outside the table; none goes without a finding."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.grid import Grid
from linwu_stats.ledgers.identity import HAN
from linwu_stats.ledgers.outcome import Refused, clip, finding
from linwu_stats.ledgers.vocabulary import plain_heading, squeeze, vocabulary

__all__ = ["sort_rows"]

_CODE = re.compile(r"\d{10,}")
_TOTAL = re.compile(r"^(?:.{0,14}?(?:合计|小计|总计|累计|共计|总数|合计数|平均[数值]?)(?:[:(\d共].{0,20})?|[户人]均:?|共\d+[户人].{0,12})$")
#: What a cell that identifies a household or person looks like, even if it is not right.
_KEY = re.compile(r"[='\"*]*\d[\dXx*.\-Ee+()\s]{5,}['\"]*")
_SECTION = re.compile(r"[村组乡镇区县社]$|单位|名册|台账|[表页]$")
_SUBTOTAL = re.compile(r"小计|本页")
#: A ledger has a few unlabelled total rows at most.
BARE_LIMIT = 30


def sort_rows(grid: Grid, columns: list[tuple[Any, ...]]) -> None:
    """Sort the rows (行分类): each one below the header is data, or has a reason not to be. A row with a long code in the key column is data at once."""
    fields = grid.header.fields
    key = fields.get("household_id") or fields.get("village_code") or fields.get("person_id")
    start = grid.header.bottom + 1
    kinds: list[str]
    if key is not None and columns:
        keys = columns[key.column]
        quick = {value: isinstance(value, str) and _CODE.fullmatch(value) is not None for value in set(keys) if isinstance(value, str)}
        kinds = ["data" if isinstance(value, str) and quick[value] else "" for value in keys]
    else:
        kinds = [""] * (len(grid.sheet.rows) - start)
    sort = _sorter(grid)
    kinds = [known or sort(start + place) for place, known in enumerate(kinds)]
    last = max((place for place, known in enumerate(kinds) if known in ("data", "total")), default=-1)
    grid.data = [start + place for place, known in enumerate(kinds) if known == "data"]
    _say_rows(grid, start, kinds, last)
    _say_formula_rows(grid, start, kinds)


def _sorter(grid: Grid) -> Callable[[int], str]:
    """The slow look at one row: blank, header, total, footer, section, stray or data."""
    header, rows = grid.header, grid.sheet.rows
    named = {heading.column: heading for heading in header.columns if heading.text}
    words = vocabulary().fields
    numeric = {heading.column for heading in header.columns if heading.field and words[heading.field].type in ("money", "count", "size", "decimal", "milli")}
    keys = {heading.column for heading in header.columns if heading.field in ("household_id", "person_id", "village_code", "id_number", "head_id_number")}
    names = {heading.column for heading in header.columns if heading.field in ("name", "head_name")}
    serial = {heading.column for heading in header.columns if heading.field == "serial"}

    def sort(row: int) -> str:
        filled = {column: value for column, value in enumerate(rows[row]) if not is_blank(value)}
        if not filled or set(filled) <= serial:
            return "blank"
        if not any(column in named for column in filled):
            return "stray"
        texts = {column: squeeze(value) for column, value in filled.items() if isinstance(value, str)}
        if sum(column in named and plain_heading(text) == named[column].text for column, text in texts.items()) >= 3:
            return "header"
        has_key = any(column in filled and _KEY.fullmatch(squeeze(plain_text(filled[column]))) for column in keys)
        if not has_key and any(_TOTAL.match(text) and not _has_name(texts, names, column) for column, text in texts.items() if column not in numeric):
            return "total"
        if has_key:
            return "data"
        numbers = any(column in numeric and _is_number(value) for column, value in filled.items())
        first = squeeze(plain_text(filled[min(filled)]))
        if (not numbers or len(filled) <= 2) and any(word in first for word in vocabulary().raw["footer_words"]):
            return "text"
        if len(filled) == 1 and not numbers:
            named_alone = min(filled) in names and re.fullmatch(f"{HAN}{{2,4}}", first) and not _SECTION.search(first)
            return "data" if named_alone else "text"
        if numbers and set(filled) <= numeric | serial:
            return "bare" if len(filled) >= 3 else "stray"
        return "data"

    return sort


def _has_name(texts: dict[int, str], names: set[int], label: int) -> bool:
    """Whether a person is named before the word that would make a row a total: then it stands in a remark of that person."""
    return any(column < label and not _TOTAL.match(texts[column]) and re.fullmatch(f"{HAN}{{2,10}}", texts[column]) for column in names & texts.keys())


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (isinstance(value, str) and re.fullmatch(r"[¥￥+-]?[\d,.]+(?:[万千百]?元|[人口])?", squeeze(value)) is not None)


def _say_rows(grid: Grid, start: int, kinds: list[str], last: int) -> None:
    sheet = grid.sheet
    blank = [start + place for place, known in enumerate(kinds[: last + 1]) if known == "blank"]
    if blank and grid.data and blank[-1] > grid.data[0]:
        grid.log.append(finding("BLANK_ROWS", sheet=sheet.name, cell=grid.first_cell(blank[0]), row=sheet.number(blank[0]), detail=grid.row_list(blank)))
    footers, bare = [], 0
    scope: list[int] = []
    for place, known in enumerate(kinds):
        row = start + place
        if known == "data":
            scope.append(row)
        elif known == "header":
            grid.log.append(finding("REPEATED_HEADER", sheet=sheet.name, cell=grid.first_cell(row), row=sheet.number(row)))
        elif known in ("total", "bare"):
            label = next((squeeze(value) for value in sheet.rows[row] if isinstance(value, str) and _TOTAL.match(squeeze(value))), "")
            bare += known == "bare"
            if known == "bare" and (bare > BARE_LIMIT or not _adds_up(grid, row)):
                grid.data.append(row)
                scope.append(row)
                continue
            grid.totals.append((row, list(scope), bool(_SUBTOTAL.search(label))))
            scope = []
        elif known == "text":
            footers.append(row)
            grid.texts += [(row, squeeze(value)) for value in sheet.rows[row] if isinstance(value, str) and not is_blank(value)]
        elif known == "stray":
            grid.say_stray(row, set(range(len(sheet.rows[row]))))
    grid.data.sort()
    if footers:
        known = set(footers[:50])
        words = "；".join(clip(text, 30) for row, text in grid.texts if row in known)
        detail = f"{grid.row_list(footers)}：{clip(words, 120)}"
        grid.log.append(finding("FOOTER_ROWS", sheet=sheet.name, cell=grid.first_cell(footers[0]), row=sheet.number(footers[0]), detail=detail))


def _say_formula_rows(grid: Grid, start: int, kinds: list[str]) -> None:
    """Rows that look blank because they hold nothing but formulas without a saved result: what would be in them nobody knows."""
    named = {heading.column for heading in grid.header.columns if heading.text}
    rows = {row for row, column in grid.sheet.marks.no_value if column in named and row >= start}
    blank = sorted(row for row in rows if row - start >= len(kinds) or kinds[row - start] == "blank")
    if not blank:
        return
    if not grid.data:
        raise Refused("FORMULA_NO_VALUE.all", sheet=grid.sheet.name)
    first = min(column for row, column in grid.sheet.marks.no_value if row == blank[0] and column in named)
    grid.log.append(finding("FORMULA_NO_VALUE.rows", sheet=grid.sheet.name, cell=grid.sheet.cell(blank[0], first), row=blank[0] + 1,
                            detail=grid.row_list(blank)))


def _adds_up(grid: Grid, row: int) -> bool:
    """Whether an unlabelled row of numbers is the sum of the rows above it in at least three columns."""
    words, hits = vocabulary().fields, 0
    above = [index for index in grid.data if index < row]
    for heading in grid.header.columns:
        if heading.field and words[heading.field].type in ("money", "size") and heading.field != "percapita_fen" and len(above) > 1:
            value = grid.sheet.rows[row][heading.column]
            parts = [grid.sheet.rows[index][heading.column] for index in above]
            if isinstance(value, (int, float)) and all(isinstance(part, (int, float)) for part in parts):
                hits += value != 0 and abs(sum(parts) - value) < 0.02
    return hits >= 3
