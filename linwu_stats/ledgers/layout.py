"""Data rows and the rest (数据行与其他行): titles, totals, footers, blank rows, repeated headers, merged cells, and what stands outside the table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from linwu_stats.ledgers.cells import UNTRUSTED, is_blank, plain_text
from linwu_stats.ledgers.headers import Header, Heading
from linwu_stats.ledgers.identity import HAN
from linwu_stats.ledgers.outcome import Finding, Refused, clip, finding
from linwu_stats.ledgers.sheets import Sheet, column_letter, reference
from linwu_stats.ledgers.vocabulary import ROSTERS, plain_heading, squeeze, vocabulary

__all__ = ["Grid", "lay_out"]

_CODE = re.compile(r"\d{10,}")
_TOTAL = re.compile(r"^(?:.{0,14}?(?:合计|小计|总计|累计|共计|总数|合计数|平均[数值]?)(?:[:(\d共].{0,20})?|[户人]均:?|共\d+[户人].{0,12})$")
#: What a cell that identifies a household or person looks like, even if it is not right.
_KEY = re.compile(r"[='\"*]*\d[\dXx*.\-Ee+()\s]{5,}['\"]*")
_SECTION = re.compile(r"[村组乡镇区县社]$|单位|名册|台账|[表页]$")
_SUBTOTAL = re.compile(r"小计|本页")
#: A ledger has a few unlabelled total rows at most; so many cells below no heading are said as one.
BARE_LIMIT, STRAY_LIMIT = 30, 20
#: Fields whose merged value belongs to every row of the range.
FILLED_WHEN_MERGED = {"county", "township", "village", "natural_village", "household_id", "name", "head_name", "quarter", "nation"}


@dataclass
class Grid:
    """The data of one sheet: rows of data (indices into the sheet), raw values by field, and the total rows, each with the data rows since the
    total before it and whether it calls itself a subtotal."""

    sheet: Sheet
    header: Header
    kind: str
    data: list[int] = field(default_factory=list)
    raw: dict[str, list[Any]] = field(default_factory=dict)
    totals: list[tuple[int, list[int], bool]] = field(default_factory=list)
    log: list[Finding] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)

    def say(self, key: str, position: int | None = None, heading: Heading | None = None, **facts: Any) -> None:
        """Log a finding at a data row (by position) and column."""
        if position is not None:
            row = self.data[position]
            facts.setdefault("row", self.sheet.number(row))
            if heading is not None:
                facts.setdefault("cell", self.sheet.cell(row, heading.column))
        if heading is not None:
            facts.setdefault("column", heading.label)
        self.log.append(finding(key, sheet=self.sheet.name, **facts))


def lay_out(sheet: Sheet, header: Header, kind: str) -> Grid:
    """Sort a sheet's rows and take its columns out (整理版面); nothing is dropped without a finding."""
    grid = Grid(sheet, header, kind)
    columns = list(zip(*sheet.rows[header.bottom + 1:], strict=True)) if len(sheet.rows) > header.bottom + 1 else []
    _say_titles(grid)
    _sort_rows(grid, columns)
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


def _sort_rows(grid: Grid, columns: list[tuple[Any, ...]]) -> None:
    """Each row below the header is data, or has a reason not to be. A row with a long code in the key column is data at once."""
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
        grid.log.append(finding("BLANK_ROWS", sheet=sheet.name, cell=_rows_cell(grid, blank[0]), row=sheet.number(blank[0]), detail=_row_list(grid, blank)))
    footers, bare = [], 0
    scope: list[int] = []
    for place, known in enumerate(kinds):
        row = start + place
        if known == "data":
            scope.append(row)
        elif known == "header":
            grid.log.append(finding("REPEATED_HEADER", sheet=sheet.name, cell=_rows_cell(grid, row), row=sheet.number(row)))
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
            _say_stray(grid, row, set(range(len(sheet.rows[row]))))
    grid.data.sort()
    if footers:
        known = set(footers[:50])
        words = "；".join(clip(text, 30) for row, text in grid.texts if row in known)
        detail = f"{_row_list(grid, footers)}：{clip(words, 120)}"
        grid.log.append(finding("FOOTER_ROWS", sheet=sheet.name, cell=_rows_cell(grid, footers[0]), row=sheet.number(footers[0]), detail=detail))


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
                            detail=_row_list(grid, blank)))


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


def _rows_cell(grid: Grid, row: int) -> str:
    place = next((column for column, value in enumerate(grid.sheet.rows[row]) if not is_blank(value)), 0)
    return grid.sheet.cell(row, place)


def _row_list(grid: Grid, rows: list[int]) -> str:
    numbers = [str(grid.sheet.number(row) if row < len(grid.sheet.rows) else row + 1) for row in rows[:20]]
    return f"第{'、'.join(numbers[:20])}行{'等' if len(rows) > 20 else ''}，共{len(rows)}行"


def _say_stray(grid: Grid, row: int, columns: set[int]) -> None:
    for column in sorted(columns):
        value = grid.sheet.rows[row][column]
        if not is_blank(value):
            grid.log.append(finding(
                "STRAY_CELLS.content", sheet=grid.sheet.name, cell=grid.sheet.cell(row, column), row=grid.sheet.number(row), value=plain_text(value)))


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
            _say_stray(grid, row, {column})
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
