"""Data rows and the rest (数据行与其他行): titles, totals, footers, blank rows, repeated headers, merged cells, and what stands outside the table."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from linwu_stats.ledgers.cells import UNTRUSTED, is_blank, plain_text
from linwu_stats.ledgers.grid import Grid
from linwu_stats.ledgers.headers import Header, Heading
from linwu_stats.ledgers.outcome import clip, finding
from linwu_stats.ledgers.rows import sort_rows
from linwu_stats.ledgers.sheets import Sheet, column_letter, reference
from linwu_stats.ledgers.vocabulary import ROSTERS, squeeze

__all__ = ["Grid", "lay_out"]

#: So many cells below no heading are said as one.
STRAY_LIMIT = 20
#: Fields whose merged value belongs to every row of the range.
FILLED_WHEN_MERGED = {"county", "township", "village", "natural_village", "household_id", "name", "head_name", "quarter", "nation"}


def lay_out(sheet: Sheet, header: Header, kind: str) -> Grid:
    """Sort a sheet's rows and take its columns out (整理版面); nothing is dropped without a finding."""
    grid = Grid(sheet, header, kind)
    columns = list(zip(*sheet.rows[header.bottom + 1:], strict=True)) if len(sheet.rows) > header.bottom + 1 else []
    _say_titles(grid)
    sort_rows(grid, columns)
    _take_columns(grid, columns)
    _fill_merged(grid)
    _distrust_broken_lines(grid)
    _say_marks(grid)
    return grid


def _say_titles(grid: Grid) -> None:
    sheet, header = grid.sheet, grid.header
    titles = [(row, squeeze(plain_text(value))) for row in range(header.top) for value in sheet.rows[row] if not is_blank(value)]
    grid.texts += titles
    lost = [row for row in range(header.top) if _looks_like_data(sheet.rows[row])]
    if lost:
        cell = sheet.cell(lost[0], 0)
        numbers = "、".join(str(sheet.number(row)) for row in lost)
        grid.log.append(finding("TITLE_ROWS.data", sheet=sheet.name, cell=cell, row=sheet.number(lost[0]), detail=f"第{numbers}行"))
    if titles:
        first, last = titles[0][0], titles[-1][0]
        place = next(column for column, value in enumerate(sheet.rows[first]) if not is_blank(value))
        words = "；".join(clip(text, 40) for _, text in titles[:4])
        cell = sheet.cell(first, place) if first == last else f"{sheet.cell(first, place)}:{column_letter(place)}{sheet.number(last)}"
        grid.log.append(finding("TITLE_ROWS", sheet=sheet.name, cell=cell, row=sheet.number(first), detail=words))
    if header.levels > 1 or header.numbering:
        detail = f"第{sheet.number(header.top)}至{sheet.number(header.bottom)}行"
        grid.log.append(finding("MULTI_HEADER", sheet=sheet.name, cell=_header_range(grid), row=sheet.number(header.top), detail=detail))


def _looks_like_data(values: list[Any]) -> bool:
    """Whether a row above the header could be a household or person: a long code, and more beside it."""
    texts = [squeeze(plain_text(value)) for value in values if not is_blank(value)]
    return len(texts) >= 4 and any(re.fullmatch(r"\d{10,}[\dXx]?", text) for text in texts)


def _header_range(grid: Grid) -> str:
    last = max((heading.column for heading in grid.header.columns if heading.text), default=0)
    first = min((heading.column for heading in grid.header.columns if heading.text), default=0)
    sheet = grid.sheet
    return f"{sheet.cell(grid.header.top, first)}:{column_letter(last)}{sheet.number(grid.header.bottom)}"


def _take_columns(grid: Grid, columns: list[tuple[Any, ...]]) -> None:
    """Raw values of each known field; columns without a heading must be empty; a heading twice is compared cell by cell."""
    start = grid.header.bottom + 1
    places = [row - start for row in grid.data]
    whole = places == list(range(len(columns[0]))) if columns else False
    taken: dict[str, Heading] = {}
    for heading in grid.header.columns:
        values = [] if not columns else list(columns[heading.column]) if whole else [columns[heading.column][place] for place in places]
        if not heading.text:
            _say_headless(grid, heading.column, values)
        elif not heading.field:
            _say_unknown_column(grid, heading, values)
        elif heading.field in taken:
            _compare_columns(grid, taken[heading.field], heading, values)
        else:
            taken[heading.field] = heading
            grid.raw[heading.field] = values


def _say_headless(grid: Grid, column: int, values: list[Any]) -> None:
    """Cells below no heading; in a text file a field beyond the header's has a finding of its own."""
    if grid.sheet.widths is not None:
        return
    rows = [grid.data[place] for place, value in enumerate(values) if value != "" and not is_blank(value)]
    if len(rows) <= STRAY_LIMIT:
        for row in rows:
            grid.say_stray(row, {column})
        return
    sheet = grid.sheet
    cell = f"{sheet.cell(rows[0], column)}:{column_letter(column)}{sheet.number(rows[-1])}"
    grid.log.append(finding("STRAY_CELLS.column", sheet=sheet.name, cell=cell, row=sheet.number(rows[0]), value=plain_text(sheet.rows[rows[0]][column]),
                            detail=str(len(rows))))


def _say_unknown_column(grid: Grid, heading: Heading, values: list[Any]) -> None:
    if all(is_blank(value) for value in values):
        return
    numbers = any(isinstance(value, float) or (isinstance(value, str) and re.fullmatch(r"\s*[\d.,]+\s*", value)) for value in values)
    money = grid.kind == "income_sheet" and numbers and re.search(r"收入|支出|补贴|补助|分红|工资|奖|款$|金$|成本|费$", heading.text)
    sheet = grid.sheet
    row = grid.header.bottom - grid.header.numbering
    key = "UNKNOWN_COLUMN.money" if money else "UNKNOWN_COLUMN"
    grid.log.append(finding(key, sheet=sheet.name, cell=sheet.cell(row, heading.column), row=sheet.number(row), column=heading.text))


def _compare_columns(grid: Grid, first: Heading, second: Heading, values: list[Any]) -> None:
    """Two columns of one field: equal cells count once, cells that differ are unknown."""
    kept = grid.raw[first.field]
    differ = [place for place, (one, two) in enumerate(zip(kept, values, strict=True)) if not _same(one, two)]
    letters = "、".join(column_letter(heading.column) for heading in (first, second))
    row = grid.header.bottom - grid.header.numbering
    cell = f"{grid.sheet.cell(row, first.column)}:{grid.sheet.cell(row, second.column)}"
    facts = {"sheet": grid.sheet.name, "cell": cell, "row": grid.sheet.number(row), "column": first.label}
    if not differ:
        grid.log.append(finding("DUPLICATE_COLUMN.equal", detail=f"{letters}列", **facts))
        return
    grid.log.append(finding("DUPLICATE_COLUMN", detail=f"{letters}列，有{len(differ)}行不一致", **facts))
    for place in differ:
        kept[place] = UNTRUSTED


def _same(one: Any, two: Any) -> bool:
    return one == two or (is_blank(one) and is_blank(two)) or squeeze(plain_text(one)) == squeeze(plain_text(two))


def _fill_merged(grid: Grid) -> None:
    """Fill real merged ranges downwards in columns of places and households; a merged amount belongs to no single row."""
    position = {row: place for place, row in enumerate(grid.data)}
    by_column = {heading.column: heading for heading in grid.header.fields.values()}
    filled: list[tuple[tuple[int, int, int, int], Heading]] = []
    reach: dict[int, int] = {}  # merged ranges that overlap, which no spreadsheet program writes, are read for the first only
    for top, left, bottom, right in sorted(set(grid.sheet.marks.merges)):
        if left not in by_column or top <= reach.get(left, -1):
            continue
        reach[left] = bottom
        rows = [position[row] for row in range(top, min(bottom + 1, len(grid.sheet.rows))) if row in position]
        if len(rows) < 2:
            continue
        heading = by_column[left]
        values = grid.raw[heading.field]
        value = grid.sheet.rows[top][left]
        covered = [grid.sheet.rows[row][left] for row in range(top + 1, min(bottom + 1, len(grid.sheet.rows)))]
        if any(not is_blank(other) and not _same(other, value) for other in covered):
            grid.say("MERGED_FILLED.covered", rows[0], heading, cell=reference(top, left, bottom, right), value=plain_text(value))
        elif heading.field in FILLED_WHEN_MERGED or _one_household(grid, rows):
            for place in rows:
                values[place] = value
            filled.append(((top, left, bottom, right), heading))
            continue
        else:
            grid.say("MERGED_FILLED.shared", rows[0], heading, cell=reference(top, left, bottom, right), value=plain_text(value))
        for place in rows:
            values[place] = UNTRUSTED
    if filled:
        ranges = [place for place, _ in filled]
        box = reference(min(r[0] for r in ranges), min(r[1] for r in ranges), max(r[2] for r in ranges), max(r[3] for r in ranges))
        names = "”“".join(dict.fromkeys(heading.label for _, heading in sorted(filled, key=lambda item: item[1].column)))
        detail = "；".join(f"{reference(*place)}={clip(plain_text(grid.sheet.rows[place[0]][place[1]]), 20)}" for place in ranges[:40])
        grid.log.append(finding("MERGED_FILLED", sheet=grid.sheet.name, cell=box, row=min(r[0] for r in ranges) + 1, column=names, new=detail))


def _one_household(grid: Grid, rows: list[int]) -> bool:
    """Whether the rows are members of one household, for whom a household's value is the same."""
    households = grid.raw.get("household_id", [])
    return grid.kind in (*ROSTERS, "members") and len({plain_text(households[place]) for place in rows if not is_blank(households[place])}) == 1


def _distrust_broken_lines(grid: Grid) -> None:
    """A text line with too many or too few fields, or with unmatched quotation marks: its columns may be shifted, so all its values are unknown."""
    sheet = grid.sheet
    if sheet.widths is None:
        return
    named = max((heading.column for heading in grid.header.columns if heading.text), default=0) + 1
    fitting = {sheet.widths[grid.header.bottom - grid.header.numbering]}
    usual, rows_with = Counter(sheet.widths[row] for row in grid.data).most_common(1)[0] if grid.data else (named, 0)
    if usual >= named and rows_with * 10 >= len(grid.data) * 9:
        fitting.add(usual)
    for place, row in enumerate(grid.data):
        width = sheet.widths[row]
        surplus = sheet.rows[row][named:]
        line = sheet.number(row)
        if row in sheet.quotes:
            key, facts = "QUOTE", {}
        elif width in fitting and all(is_blank(value) for value in surplus):
            continue
        else:
            key, facts = "FIELD_COUNT", {"value": width, "new": named}
        household = grid.raw.get("household_id", [""] * len(grid.data))[place]
        sure = isinstance(household, str) and re.fullmatch(r"\d{14}", household) is not None
        grid.log.append(finding(key, sheet=sheet.name, cell=f"line {line}", row=line, household=household if sure else "", **facts))
        for name, values in grid.raw.items():
            if not (name == "household_id" and sure):
                values[place] = UNTRUSTED


def _say_marks(grid: Grid) -> None:
    sheet, marks = grid.sheet, grid.sheet.marks
    data = set(grid.data)
    hidden = sorted(row for row in marks.hidden_rows if row in data)
    last = max((heading.column for heading in grid.header.columns if heading.text), default=0)
    for first, end in _runs(hidden):
        detail = f"第{first + 1}行" if first == end else f"第{first + 1}至{end + 1}行"
        grid.log.append(finding("HIDDEN_ROWS", sheet=sheet.name, cell=reference(first, 0, end, last), row=first + 1, detail=detail))
    for heading in grid.header.columns:
        if heading.text and heading.column in marks.hidden_columns:
            bottom = grid.data[-1] if grid.data else grid.header.bottom
            grid.log.append(finding("HIDDEN_COLUMN", sheet=sheet.name, cell=reference(grid.header.top, heading.column, bottom, heading.column),
                                    row=grid.header.top + 1, column=heading.label))
    fields = {heading.column: heading for heading in grid.header.fields.values()}
    for row, column in sorted(marks.struck_part):
        if row in data and column in fields:
            position = grid.data.index(row)
            grid.raw[fields[column].field][position] = UNTRUSTED
            grid.say("STRUCK_ROW.part", position, fields[column], value=plain_text(sheet.rows[row][column]))
    struck: dict[int, list[int]] = {}
    for row, column in marks.struck:
        if row in data:
            struck.setdefault(row, []).append(column)
    for row, columns in sorted(struck.items()):
        grid.log.append(finding("STRUCK_ROW", sheet=sheet.name, cell=reference(row, min(columns), row, max(columns)), row=row + 1))
    labels = {heading.column: heading.label for heading in grid.header.columns}
    for (row, column), text in sorted(marks.comments.items()):
        key = "COMMENTS" if row in data else "COMMENTS.heading"
        grid.log.append(finding(key, sheet=sheet.name, cell=sheet.cell(row, column), row=row + 1, column=labels.get(column, ""), value=text))
    for ref, text in marks.stray:
        grid.log.append(finding("STRAY_CELLS" if is_blank(text) else "STRAY_CELLS.content", sheet=sheet.name, cell=ref, value=text))
    if marks.no_references:
        grid.log.append(finding("CELL_REFS", sheet=sheet.name))


def _runs(rows: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], row)
        else:
            runs.append((row, row))
    return runs
