"""Cells of forms that people hand back (交回表格中的填写): what a column may hold, what a filled cell says, and how a value is shown to a clerk.

A value of a table is written here as text: the code of a coded column, whole fen, ``true`` or ``false``, an ISO date. Nothing is guessed: a cell that reading a
ledger would flag ('约300', a code that is not in the list, a date that may be two) is refused with the reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from linwu_stats.ledgers.cells import MICRO, Cell, is_blank, parser_for, plain_text
from linwu_stats.ledgers.content import is_lock_file, open_book
from linwu_stats.ledgers.dates import parse_day, parse_year
from linwu_stats.ledgers.intake import mask_numbers
from linwu_stats.ledgers.outcome import Refused, finding
from linwu_stats.ledgers.sheets import Book, Sheet
from linwu_stats.ledgers.vocabulary import Field, plain_heading, squeeze, vocabulary
from linwu_stats.tables import CODES, TABLES, label

__all__ = [
    "CORRECTABLE", "Entry", "Form", "choices", "find_form", "heading_of", "is_correctable", "numbers_in",
    "open_forms", "read_entry", "returned_files", "shown", "text_of", "typed", "words_to_codes",
]

#: Tables whose values a person may correct; all of them are made by reading ledgers.
CORRECTABLE = ("households", "persons", "housing", "water", "living", "schooling", "insurance", "income_items", "income_sheet", "villages")
#: Findings of a cell whose value is certain all the same.
CERTAIN = {"NUM_TEXT", "NUM_UNIT", "STATUS_VALUE.synonym", "DATE_TEXT", "DATE_SERIAL"}
YES_NO = {"true": "是", "false": "否"}
_NEVER = {"township_code", "village_code", "village_name", "household_id", "person_id", "line_id", "quarter", "item_key"}
#: What stands for a formula that has no result or an error: filled in, but nothing that can be used.
NO_RESULT = "=公式没有结果"
#: Longest text that is taken over from a cell.
TEXT_LIMIT = 60


class Entry(NamedTuple):
    """What a filled cell says: ``value`` as text (None: nothing usable), and the ``trouble`` in Chinese where there is one."""

    value: str | None
    trouble: str = ""


class Form(NamedTuple):
    """The filled rows of one sheet: cells by wanted column, and the row number that a reader sees under ``_row``."""

    sheet: Sheet
    rows: list[dict[str, Any]]


def numbers_in(book: Book, name: str, mark: re.Pattern[str], by_name: str, notices: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    """Numbers of the sheets that a returned workbook says it is (交回表的表号): in the first cells of its sheets, else by the file's name, which is noted."""
    cells = " ".join(squeeze(value) for sheet in book.sheets for row in sheet.rows[:12] for value in row if isinstance(value, str))
    found = set(mark.findall(cells))
    if not found and (named := re.search(by_name, name)):
        found = {named.groups()}
        notices.append({"file": name, "what": "表中没有表号，按文件名识别；请以后不要删去表号。"})
    return found


def is_correctable(name: str) -> bool:
    """Whether ``table.column`` may be corrected (可否更正): read from a ledger as one cell of a known type, and no key."""
    table, _, column = name.partition(".")
    return table in CORRECTABLE and column in TABLES[table].names and column not in _NEVER and _field(name) is not None


def heading_of(name: str) -> str:
    """Chinese heading of ``table.column`` with the unit in which a clerk writes it (列名)."""
    table, _, column = name.partition(".")
    declared = TABLES[table][column]
    unit = {"分": "元"}.get(declared.unit, declared.unit)
    return f"{declared.heading}({unit})" if unit else declared.heading


def choices(name: str) -> tuple[str, ...]:
    """Words of the drop-down list of ``table.column`` (选项); none where a number, date or text is written."""
    table, _, column = name.partition(".")
    declared = TABLES[table][column]
    if declared.codes:
        return tuple(CODES[declared.codes].values())
    return tuple(YES_NO.values()) if declared.dtype == "bool" else ()


def read_entry(name: str, raw: Any) -> Entry:
    """What a filled cell says for ``table.column`` (读取填写的值); a blank cell says nothing."""
    if is_blank(raw):
        return Entry(None)
    field = _field(name)
    if field is None:
        return Entry(None, "该列不能填写")
    cell = _parse(field, raw)
    if cell.value is None or not set(cell.keys) <= CERTAIN:
        return Entry(None, _trouble(field, cell))
    return _text_entry(name, field, cell.value)


def text_of(name: str, value: Any) -> str | None:
    """A table's value as text, None where unknown (值的文字形式)."""
    table, _, column = name.partition(".")
    dtype = TABLES[table][column].dtype
    if value is None or pd.isna(value):
        return None
    if dtype == "bool":
        return "true" if value else "false"
    if dtype == "date":
        return pd.Timestamp(value).date().isoformat()
    return repr(float(value)) if dtype == "float" else str(int(value)) if dtype == "int" else str(value)


def typed(name: str, text: str | None) -> Any:
    """A value written as text in the type of its column (还原类型)."""
    table, _, column = name.partition(".")
    dtype = TABLES[table][column].dtype
    if text is None:
        return pd.NaT if dtype == "date" else pd.NA
    makers = {"bool": lambda one: one == "true", "date": pd.Timestamp, "float": float, "int": int, "string": str}
    return makers[dtype](text)


def shown(name: str, text: str | None) -> str:
    """A value as a clerk reads and writes it (展示): the Chinese term, yuan, 是 or 否; 未知 where it is unknown."""
    table, _, column = name.partition(".")
    declared = TABLES[table][column]
    if text is None:
        return "未知"
    if declared.codes:
        return label(declared.codes, text)
    if declared.dtype == "bool":
        return YES_NO[text]
    if declared.unit == "分":
        return f"{Decimal(text) / 100:.2f}"
    if column == "quantity_milli":
        return f"{Decimal(text) / 1000:f}"
    return text.removesuffix(".0") if declared.dtype == "float" else text


def returned_files(folder: Path) -> list[Path]:
    """Files of a folder that were handed back, in the order of their names (交回的文件); lock files and hidden files are none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.rglob("*") if path.is_file() and not is_lock_file(path) and not path.name.startswith((".", "~")))


def open_forms(folder: Path) -> tuple[list[tuple[str, Book]], list[dict[str, Any]]]:
    """All files that were handed back, opened (打开交回的文件): (name without numbers of persons, sheets), and a notice for each that cannot be opened."""
    books, notices = [], []
    for path in returned_files(folder):
        name = mask_numbers(path.relative_to(folder).as_posix())
        try:
            books.append((name, open_book(path)))
        except Refused as refused:
            notices.append({"file": name, "what": finding(refused.key, **refused.facts).message})
        except (OSError, ValueError, RuntimeError) as error:
            notices.append({"file": name, "what": f"文件不能读取（{type(error).__name__}），请用Excel或WPS打开另存后再交回。"})
    return books, notices


def find_form(sheet: Sheet, wanted: dict[str, str], needed: Iterable[str]) -> Form | None:
    """The filled rows below the heading row of a sheet (定位表头); None where no row holds all ``needed`` headings.

    ``wanted``: heading to column name. Columns may stand in any order or be missing, and rows may have moved: a cell is found by its heading and row.
    """
    names = {plain_heading(heading): name for heading, name in wanted.items()}
    for place, row in enumerate(sheet.rows[:60]):
        columns: dict[str, int] = {}
        for column, value in enumerate(row):
            name = names.get(plain_heading(plain_text(value))) if not is_blank(value) else None
            if name is not None and name not in columns:
                columns[name] = column
        if set(needed) <= set(columns):
            rows = [
                {name: _cell(sheet, at, column) for name, column in columns.items()} | {"_row": sheet.number(at)} for at in range(place + 1, len(sheet.rows))
            ]
            filled = [line for line in rows if any(not is_blank(value) for name, value in line.items() if name != "_row")]
            return Form(sheet, [line for line in filled if not _repeats_heading(line, names)])
    return None


def _cell(sheet: Sheet, row: int, column: int) -> Any:
    if (row, column) in sheet.marks.no_value or (row, column) in sheet.marks.errors:
        return NO_RESULT
    line = sheet.rows[row]
    return line[column] if column < len(line) else ""


def _repeats_heading(line: dict[str, Any], names: dict[str, str]) -> bool:
    return sum(names.get(plain_heading(plain_text(value))) == name for name, value in line.items() if name != "_row" and not is_blank(value)) >= 2


def _field(name: str) -> Field | None:
    table, _, column = name.partition(".")
    known = vocabulary().fields
    field = known.get(column.removeprefix("recorded_") if table == "households" and column.endswith("_fen") else column)
    if field is not None and field.type in ("money", "milli", "decimal", "count", "size", "bool", "code", "text", "date", "year"):
        return field
    return None


def _parse(field: Field, raw: Any) -> Cell:
    special = {"date": parse_day, "year": parse_year}
    parse = special.get(field.type) or parser_for(field, factor=1, typed=False, limits=vocabulary().raw["limits"])
    return parse(raw)


def _trouble(field: Field, cell: Cell) -> str:
    key = next((one for one in cell.keys if one not in CERTAIN), "")
    words = {
        "NUM_NOT_EXACT": "是约数或区间，应填准确数字", "NUM_NOT_EXACT.rounded": "小数超过两位", "NUM_NOTE": "混有文字，应为数字", "NUM_TYPE": "应为数字",
        "DATE_AMBIGUOUS": "日期不能确定",
        "NUM_NEGATIVE": "不应为负数", "NUM_RANGE": "超出合理范围", "NUM_MISSING": "没有填数", "DATE_INVALID": "不是有效的日期或年份",
        "DATE_RANGE": "日期或年份超出合理范围", "SIZE_ZERO": "人数不能为0", "SIZE_INVALID": "不是合理的人数", "SIZE_MISSING": "没有填数",
        "NUM_EXCEL_ERROR": "是公式错误值",
    }
    return cell.detail or words.get(key, words.get(key.split(".")[0], "不是有效的值"))


def _text_entry(name: str, field: Field, value: Any) -> Entry:
    if field.type == "money":
        return Entry(str(value // 10_000)) if value % 10_000 == 0 else Entry(None, "小数超过两位")
    if field.type == "milli":
        return Entry(str(value * 1000 // MICRO)) if value * 1000 % MICRO == 0 else Entry(None, "小数超过三位")
    if field.type == "decimal":
        return Entry(repr(value / MICRO))
    if field.type == "text":
        text = squeeze(str(value))
        if text.startswith(("=", "+", "@")) or len(text) > TEXT_LIMIT or mask_numbers(text) != text:
            return Entry(None, "像是公式，或文字过长，或含有证件号、电话号")
        return Entry(text)
    if isinstance(value, (dt.date, dt.datetime)):
        return Entry(value.strftime("%Y-%m-%d"))
    return Entry(text_of(name, value))


def words_to_codes(codes: str, raw: Any, own: Sequence[tuple[str, str]] = ()) -> str | None:
    """The code of a word from a drop-down list, a county's ``own`` words first (选项对应的代码)."""
    text = squeeze(plain_text(raw)).strip("'")
    terms = [*own, *((term, code) for code, term in CODES[codes].items())]
    return next((code for term, code in terms if squeeze(term) == text), None)
