"""Workbooks that go out to be filled in (填报工作簿): title, instructions, drop-down lists, print set-up; text from a ledger is only ever text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

__all__ = ["Column", "FormSheet", "write_form"]

#: Excel refuses a longer list of choices in a cell's own rule; longer ones stand on a hidden sheet.
INLINE_LIMIT = 250
_CREATED = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Column:
    """One column: heading, width, whether it is filled in by hand, its choices (for all rows; a row may have its own), and a hint."""

    heading: str
    width: int = 12
    entry: bool = False
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class FormSheet:
    """One sheet: name, title, lines above the table (pairs of text and whether it is a cell to fill in), columns, rows, choices by (row, column)."""

    name: str
    title: str
    notes: Sequence[Sequence[tuple[str, bool]]]
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    row_choices: dict[tuple[int, int], tuple[str, ...]]


def write_form(path: Path, title: str, sheets: Sequence[FormSheet], instructions: Sequence[str]) -> Path:
    """Write one workbook (写出填报工作簿): the same content gives the same bytes. Cells that are not to be filled in are protected, without a password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}) as book:
        book.set_properties({"title": title, "created": _CREATED, "comments": "内部资料，仅限办理人员使用"})
        formats = _formats(book)
        lists = _Lists()
        for content in sheets:
            _write_sheet(book.add_worksheet(content.name), content, formats, lists)
        _write_instructions(book.add_worksheet("填表说明"), instructions, formats)
        lists.write(book)
    return path


class _Lists:
    """Long lists of choices, each once, on a hidden sheet."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], int] = {}

    def source(self, choices: tuple[str, ...]) -> Any:
        if len(",".join(choices)) <= INLINE_LIMIT and not any("," in word for word in choices):
            return list(choices)
        place = self.known.setdefault(choices, len(self.known))
        letter = xlsxwriter.utility.xl_col_to_name(place)
        return f"=选项!${letter}$1:${letter}${len(choices)}"

    def write(self, book: xlsxwriter.Workbook) -> None:
        if self.known:
            sheet = book.add_worksheet("选项")
            sheet.hide()
            for choices, place in self.known.items():
                for row, word in enumerate(choices):
                    sheet.write_string(row, place, word)


def _formats(book: xlsxwriter.Workbook) -> dict[str, Any]:
    base = {"font_name": "宋体", "font_size": 10.5, "valign": "vcenter", "text_wrap": True}
    framed = base | {"border": 1, "num_format": "@"}
    return {
        "title": book.add_format(base | {"font_name": "黑体", "font_size": 16, "align": "center", "text_wrap": False}),
        "note": book.add_format(base | {"text_wrap": False}), "note_entry": book.add_format(base | {"bottom": 1, "locked": False, "num_format": "@"}),
        "head": book.add_format(framed | {"bold": True, "align": "center", "bg_color": "#E3E9F2"}), "cell": book.add_format(framed),
        "entry": book.add_format(framed | {"locked": False, "bg_color": "#FFFBE6"}), "text": book.add_format(base),
    }


def _write_sheet(sheet: Any, content: FormSheet, formats: dict[str, Any], lists: _Lists) -> None:
    last = len(content.columns) - 1
    sheet.merge_range(0, 0, 0, max(last, 1), "", formats["title"])
    sheet.write_string(0, 0, content.title, formats["title"])
    sheet.set_row(0, 30)
    for line, cells in enumerate(content.notes, start=1):
        for place, (text, entry) in enumerate(cells):
            sheet.write_string(line, place, text, formats["note_entry" if entry else "note"])
    head = len(content.notes) + 1
    sheet.set_row(head, 32)
    for place, column in enumerate(content.columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(head, place, column.heading, formats["head"])
    for line, row in enumerate(content.rows):
        for place, text in enumerate(row):
            sheet.write_string(head + 1 + line, place, text, formats["entry" if content.columns[place].entry else "cell"])
    _add_choices(sheet, content, head, lists)
    _set_up(sheet, head, last, len(content.rows))


def _add_choices(sheet: Any, content: FormSheet, head: int, lists: _Lists) -> None:
    first, end = head + 1, head + max(len(content.rows), 1)
    for place, column in enumerate(content.columns):
        hint = {"input_title": column.heading[:32], "input_message": column.hint[:255]} if column.hint else {}
        own = {row: choices for (row, at), choices in content.row_choices.items() if at == place}
        if column.choices:
            sheet.data_validation(first, place, end, place, {"validate": "list", "source": lists.source(column.choices), **_said(column.heading), **hint})
        elif own:
            for row, choices in sorted(own.items()):
                sheet.data_validation(first + row, place, first + row, place, {"validate": "list", "source": lists.source(choices), **_said(column.heading)})
        elif hint and column.entry:
            sheet.data_validation(first, place, end, place, {"validate": "any", **hint})


def _said(heading: str) -> dict[str, str]:
    return {"error_title": "请从列表中选择", "error_message": f"“{heading}”只能从下拉列表中选择"[:255]}


def _set_up(sheet: Any, head: int, last: int, rows: int) -> None:
    sheet.freeze_panes(head + 1, 0)
    sheet.ignore_errors({"number_stored_as_text": f"A1:{xlsxwriter.utility.xl_rowcol_to_cell(head + max(rows, 1), max(last, 1))}"})
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.repeat_rows(head)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
    sheet.set_footer("&L内部资料&C第&P页 共&N页")
    sheet.print_area(0, 0, head + max(rows, 1), max(last, 1))
    sheet.autofilter(head, 0, head + max(rows, 1), max(last, 1))
    sheet.protect("", {"sort": True, "autofilter": True, "format_columns": True, "format_rows": True, "select_locked_cells": True})


def _write_instructions(sheet: Any, instructions: Sequence[str], formats: dict[str, Any]) -> None:
    sheet.set_column(0, 0, 100)
    sheet.write_string(0, 0, "填表说明", formats["title"])
    for line, text in enumerate(instructions, start=1):
        sheet.write_string(line, 0, f"{line}. {text}", formats["text"])
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.protect()
