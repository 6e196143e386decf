"""From raw columns to values (解析各列): every column by the type of its field, each finding with its cell, and the frame of what can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from linwu_stats.ledgers.cells import MICRO, UNTRUSTED, Cell, fen, is_blank, parse_column, parser_for, plain_text
from linwu_stats.ledgers.dates import parse_day, parse_month, parse_quarter, parse_year
from linwu_stats.ledgers.headers import Heading, stated_unit
from linwu_stats.ledgers.identity import parse_code_number, parse_id_number, parse_name, parse_phone, parse_township, parse_village
from linwu_stats.ledgers.layout import Grid
from linwu_stats.ledgers.outcome import finding
from linwu_stats.ledgers.sheets import column_letter
from linwu_stats.ledgers.sound import quick_days, quick_numbers, sound_codes, sound_id_numbers, sound_names
from linwu_stats.ledgers.vocabulary import ROSTERS, Field, vocabulary

__all__ = ["Parsed", "Places", "frame_of", "parse_grid"]

DTYPES = {
    "money": "Int64", "milli": "Int64", "count": "Int64", "size": "Int64", "year": "Int64", "decimal": "Float64", "bool": "boolean", "date": "datetime64[us]",
}
#: Kinds with one row per person, where people of one name are sometimes told apart by a digit.
NUMBERED = ("members", *ROSTERS, "schooling", "insurance")
NUMBERS = ("money", "milli", "decimal", "count", "size")


#: Whole columns that are as they should be, seen at one glance.
SOUND: dict[str, Callable[[Sequence[str]], bool]] = {
    "id_number": sound_id_numbers, "household_id": partial(sound_codes, length=14), "person_id": partial(sound_codes, length=16), "name": sound_names,
    "phone": partial(sound_codes, length=11),
}


@dataclass(frozen=True)
class Places:
    """The registers of names: townships, former names, and villages with their township where it is known (empty: no register)."""

    townships: tuple[str, ...]
    former: tuple[str, ...]
    villages: dict[str, set[str]] = field(default_factory=dict)


@dataclass
class Parsed:
    """A grid with its values: by field, one per data row, None where unknown. Money is in millionths of a yuan until the frame is made.

    ``usable`` keeps every number that could be read, for the control total; ``values`` loses those that checks show to be untrustworthy.
    ``certificates``: positions whose document is a disability certificate, of which only the ID number in it is kept as ``id_number``.
    """

    grid: Grid
    values: dict[str, list[Any]]
    usable: dict[str, list[int | None]]
    factor: int = 1
    certificates: set[int] = field(default_factory=set)

    def heading(self, name: str) -> Heading:
        """The heading of a field."""
        return self.grid.header.fields[name]

    def household(self, position: int) -> str:
        """Household code of a data row, as it was read or else as it was written."""
        known = self.values.get("household_id", [])
        return (known[position] or "") if known else ""

    def first_rows(self) -> list[int]:
        """Positions of the rows that stand for a household: all of them, or the first of each household where persons are rows."""
        rows = range(len(self.grid.data))
        if self.grid.kind not in (*ROSTERS, "members"):
            return list(rows)
        households = self.values["household_id"]
        firsts = {households[row] or f"row {row}": row for row in reversed(rows)}
        return sorted(firsts.values())

    def say(self, key: str, position: int, name: str, **facts: Any) -> None:
        """Log a finding at a data row and field."""
        facts.setdefault("household", self.household(position))
        self.grid.say(key, position, self.heading(name), **facts)

    def column_range(self, first: str, last: str | None = None) -> str:
        """A1 range of the data of one field, or from one field to another."""
        sheet, data = self.grid.sheet, self.grid.data
        columns = sorted((self.heading(first).column, self.heading(last or first).column))
        return f"{sheet.cell(data[0], columns[0])}:{column_letter(columns[1])}{sheet.number(data[-1])}"


def parse_grid(grid: Grid, places: Places) -> Parsed:
    """Parse every column of a grid (逐列解析)."""
    words = vocabulary()
    parsed = Parsed(grid, {}, {})
    units = _money_factors(grid)
    parsed.factor = max(units.values(), default=1)
    order = sorted(grid.raw, key=lambda name: name != "household_id")
    for name in order:
        known = words.fields[name]
        raw = grid.raw[name]
        parse = _parser(known, grid, units.get(name, 1), places, typed=grid.sheet.typed and not _is_text_throughout(parsed, known, raw))
        blanks = bool(_blank_code(grid, name) or grid.sheet.marks.no_value or grid.sheet.marks.errors)
        values, troubles = parse_column(raw, parse, blanks=blanks, sound=SOUND.get(known.type), quick=_quick(known, parse))
        parsed.values[name] = values
        if known.type == "money":
            parsed.usable[name] = list(values)
        _say_cells(parsed, known, raw, troubles)
        if name == "id_number":
            parsed.certificates = {position for position, cell in troubles if cell.keys[-1].startswith("ID_IS_DISABILITY_CERT")}
    return parsed


def _quick(known: Field, parse: Callable[[Any], Cell]) -> Callable[[Sequence[str]], dict[str, Any]] | None:
    """How to read many distinct texts of a field at once: numbers of columns that are text throughout, and dates."""
    if known.type == "date":
        return quick_days
    if known.type in ("money", "decimal") and not parse.keywords["typed"]:
        return partial(quick_numbers, factor=parse.keywords.get("factor", 1), limit=parse.keywords.get("limit"))
    return None


def _blank_code(grid: Grid, name: str) -> str:
    """The finding that a blank cell of this field is, or nothing where it may be blank."""
    filled = vocabulary().kinds[grid.kind]["filled"]
    alone = name.removeprefix("head_")
    return filled.get(name) or (filled.get(alone, "") if alone not in grid.raw else "")


def _parser(known: Field, grid: Grid, factor: int, places: Places, *, typed: bool) -> Callable[[Any], Cell]:
    heading = grid.header.fields[known.name]
    special: dict[str, Callable[[Any], Cell]] = {
        "id_number": partial(parse_id_number, certificate_allowed="证件" in heading.text and grid.kind in (*ROSTERS, "members")),
        "household_id": partial(parse_code_number, length=14, prefix="00"),
        "person_id": partial(parse_code_number, length=16, prefix="00"),
        "village_code": partial(parse_code_number, length=12),
        "name": partial(parse_name, numbered=known.name == "name" and grid.kind in NUMBERED), "phone": parse_phone, "village": parse_village,
        "township": partial(parse_township, names=places.townships, former=places.former),
        "exit_month": parse_month, "date": parse_day, "year": parse_year, "quarter": parse_quarter,
    }
    return special.get(known.type) or parser_for(known, factor=factor, typed=typed, limits=vocabulary().raw["limits"])


def _money_factors(grid: Grid) -> dict[str, int]:
    """Factor to yuan of each money column: the unit of its heading, else the one that a title, note or sheet name states, else yuan."""
    words = vocabulary()
    money = [heading for heading in grid.header.fields.values() if words.fields[heading.field].type == "money"]
    stated, where, line = "", "", None
    for row, text in [*grid.texts, (-1, grid.sheet.name)]:
        stated = stated_unit(text)
        if stated:
            column = next((place for place, value in enumerate(grid.sheet.rows[row]) if row >= 0 and stated_unit(plain_text(value)) == stated), 0)
            where, line = (grid.sheet.cell(row, column), grid.sheet.number(row)) if row >= 0 else ("", None)
            break
    out = {heading.field: heading.factor or words.money_units.get(stated, 1) for heading in money}
    by_title = [heading for heading in money if not heading.factor and out[heading.field] != 1]
    if by_title:
        names = "”“".join(heading.label for heading in by_title)
        factor = out[by_title[0].field]
        grid.log.append(finding("UNIT_WAN", sheet=grid.sheet.name, cell=where, row=line, column=names, value=stated, new=factor))
    by_heading = [heading for heading in money if heading.factor > 1]
    for unit in dict.fromkeys(heading.unit for heading in by_heading):
        same = [heading for heading in by_heading if heading.unit == unit]
        row = same[0].unit_row
        first, last = grid.sheet.cell(row, same[0].column), grid.sheet.cell(row, same[-1].column)
        names = "”“".join(heading.label for heading in same)
        grid.log.append(finding("UNIT_WAN", sheet=grid.sheet.name, cell=first if first == last else f"{first}:{last}", row=grid.sheet.number(row), column=names,
                                value=unit, new=same[0].factor))
    return out


def _say_cells(parsed: Parsed, known: Field, raw: Sequence[Any], troubles: list[tuple[int, Cell]]) -> None:
    grid, name = parsed.grid, known.name
    blank_code = _blank_code(grid, name)
    column = grid.header.fields[name].column
    told: set[tuple[str, str]] = set()
    marks = grid.sheet.marks
    special = bool(marks.no_value or marks.errors)
    for position, cell in troubles:
        for key in cell.keys:
            facts = {"value": _shown(raw[position]), "new": cell.new, "detail": cell.detail}
            if key == "blank":
                key = _blank_key(parsed, position, column, blank_code) if special else blank_code  # noqa: PLW2901
                facts["value"] = marks.errors.get((grid.data[position], column), "")
                facts["detail"] = "没有填写"
            if not key:
                continue
            if key == "TOWNSHIP_ALIAS.former":
                if (key, facts["value"]) in told:
                    continue
                told.add((key, facts["value"]))
            parsed.say(key, position, name, **facts)


def _blank_key(parsed: Parsed, position: int, column: int, blank_code: str) -> str:
    place = (parsed.grid.data[position], column)
    if place in parsed.grid.sheet.marks.errors:
        return "NUM_EXCEL_ERROR"
    return "FORMULA_NO_VALUE" if place in parsed.grid.sheet.marks.no_value else blank_code


def _shown(value: Any) -> str:
    return "" if is_blank(value) else plain_text(value)


def _is_text_throughout(parsed: Parsed, known: Field, raw: Sequence[Any]) -> bool:
    """A column of numbers that is text throughout is one finding in an income sheet, and the ordinary way of the national system's exports."""
    if known.type not in NUMBERS or not parsed.grid.sheet.typed or not set(map(type, raw)) <= {str, type(UNTRUSTED)}:
        return False
    if parsed.grid.kind != "income_sheet":
        return True
    filled = {value for value in set(raw) if value is not UNTRUSTED and not is_blank(value)}
    if len(filled) < 3 and len(raw) > 3:
        return False
    if filled:
        column, label = parsed.column_range(known.name), parsed.heading(known.name).label
        parsed.grid.log.append(finding("NUM_TEXT.column", sheet=parsed.grid.sheet.name, cell=column, column=label))
    return True


def frame_of(parsed: Parsed) -> pd.DataFrame:
    """The frame of a sheet (数据框): canonical fields, unknown as <NA>, money in fen, and ``_sheet`` and ``_row``."""
    words = vocabulary()
    columns: dict[str, Any] = {}
    for name, values in parsed.values.items():
        kind = words.fields[name].type
        target = {"head_name": "name", "head_id_number": "id_number"}.get(name, name)
        target = name if target in parsed.values else target
        if kind == "money":
            shown = {value: fen(value) for value in set(values)}
            values = list(map(shown.__getitem__, values))  # noqa: PLW2901
        elif kind == "milli":
            values = [None if value is None else value * 1000 // MICRO for value in values]  # noqa: PLW2901
        elif kind == "decimal":
            values = [None if value is None else value / MICRO for value in values]  # noqa: PLW2901
        if kind == "date":
            columns[target] = pd.Series(values, dtype="datetime64[us]")
        else:
            columns[target] = pd.array(values, dtype=DTYPES.get(kind, "string"))
    if parsed.certificates and parsed.grid.kind in ("persons", "members"):
        known = parsed.values.get("disability_certificate", [None] * len(parsed.grid.data))
        columns["disability_certificate"] = pd.array([True if place in parsed.certificates else value for place, value in enumerate(known)], dtype="boolean")
    if "exit_month" in columns and "exit_year" not in columns:
        columns["exit_year"] = pd.array([None if value is None else int(value[:4]) for value in parsed.values["exit_month"]], dtype="Int64")
    sheet = parsed.grid.sheet
    columns["_sheet"] = pd.array([sheet.name] * len(parsed.grid.data), dtype="string")
    columns["_row"] = pd.array([sheet.number(row) for row in parsed.grid.data], dtype="Int64")
    return pd.DataFrame(columns)
