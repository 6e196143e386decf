"""OpenDocument spreadsheets (ods 表格): what LibreOffice and newer WPS save, read from their one XML part with repeats bounded before they are unrolled."""

from __future__ import annotations

import datetime as dt
from typing import Any

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Book, Sheet, column_letter
from linwu_stats.ledgers.xmlevents import CELLS_LIMIT, LAST_COLUMN, ROW_GAP, read_sheets

__all__ = ["read_ods"]

TABLE, TEXT = "urn:oasis:names:tc:opendocument:xmlns:table:1.0", "urn:oasis:names:tc:opendocument:xmlns:text:1.0"
LAST_ROW = 1_048_576


def read_ods(content: bytes, manifest: bytes) -> Book:
    """All sheets of a spreadsheet (读取ods) from its parts content.xml and META-INF/manifest.xml.

    Raises :class:`Refused`: ENCRYPTED, XML_DTD, DAMAGED, TOO_LARGE, EMPTY.
    """
    if b"encryption-data" in manifest:
        raise Refused("ENCRYPTED")
    return Book(read_sheets(content, _Reader(), "ods表格", damaged="ods表格内容不完整", too_large="TOO_LARGE"))


class _Reader:
    """Takes the elements as they come; rows and columns count from 0. A repeated blank only moves the place on; a repeated value is written as often."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._styles: dict[str, set[str]] = {}
        self._style = ""
        self._row, self._column, self._columns, self._cells = 0, 0, 0, 0
        self._repeat_row = self._repeat = 1
        self._cell: dict[str, str] | None = None
        self._line: list[tuple[int, int, Any]] = []
        self._paragraphs: list[str] = []
        self._comment: list[str] | None = None
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        facts = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if name == "style":
            self._style = facts.get("name", "")
        elif name == "table-properties" and facts.get("display") == "false":
            self._styles.setdefault(self._style, set()).add("hidden")
        elif name == "text-properties" and facts.get("text-line-through-style", facts.get("text-line-through-type", "none")) != "none":
            self._styles.setdefault(self._style, set()).add("struck")
        elif space == TABLE:
            self._start_table(name, facts)
        elif name == "annotation" and self._cell is not None:
            self._comment = []
        elif space == TEXT and self._cell is not None:
            self._start_text(name, facts)

    def _start_table(self, name: str, facts: dict[str, str]) -> None:
        if name == "table":
            self._depth += 1
            if self._depth == 1:
                hidden = "hidden" in self._styles.get(facts.get("style-name", ""), ())
                self.sheets.append(Sheet(facts.get("name", f"工作表{len(self.sheets) + 1}"), [], not hidden))
                self._row = self._columns = 0
        elif not self.sheets or self._depth != 1:
            return
        elif name == "table-column":
            count = int(facts.get("number-columns-repeated", 1))
            if facts.get("visibility", "visible") != "visible":
                self.sheets[-1].marks.hidden_columns.update(range(self._columns, min(self._columns + count, LAST_COLUMN)))
            self._columns += count
        elif name == "table-row":
            self._repeat_row, self._column, self._line = int(facts.get("number-rows-repeated", 1)), 0, []
            if facts.get("visibility", "visible") != "visible":
                self.sheets[-1].marks.hidden_rows.update(range(self._row, self._row + min(self._repeat_row, ROW_GAP)))
        elif name in ("table-cell", "covered-table-cell"):
            self._cell, self._paragraphs, self._repeat = facts, [], int(facts.get("number-columns-repeated", 1))

    def _start_text(self, name: str, facts: dict[str, str]) -> None:
        target = self._comment if self._comment is not None else self._paragraphs
        if name == "p":
            target.append("")
        elif target and name == "s":
            target[-1] += " " * min(int(facts.get("c", 1)), 1_000)
        elif target and name in ("tab", "line-break"):
            target[-1] += "\t" if name == "tab" else "\n"

    def text(self, text: str) -> None:
        target = self._comment if self._comment is not None else self._paragraphs
        if self._cell is not None and target:
            target[-1] += text

    def end(self, tag: str) -> None:
        space, _, name = tag.rpartition(" ")
        if name == "annotation" and self._comment is not None:
            self.sheets[-1].marks.comments[self._row, self._column] = "\n".join(self._comment).strip()
            self._comment = None
        elif space != TABLE or self._depth < 1:
            return
        elif name == "table":
            self._depth -= 1
        elif self._depth == 1 and name in ("table-cell", "covered-table-cell") and self._cell is not None:
            self._end_cell(self._cell)
            self._cell = None
        elif self._depth == 1 and name == "table-row":
            self._end_row()

    def _end_cell(self, facts: dict[str, str]) -> None:
        marks, place = self.sheets[-1].marks, (self._row, self._column)
        value = _value(facts, "\n".join(self._paragraphs))
        down, across = int(facts.get("number-rows-spanned", 1)), int(facts.get("number-columns-spanned", 1))
        if down > 1 or across > 1:
            marks.merges.append((*place, place[0] + down - 1, place[1] + across - 1))
        if isinstance(value, str) and value.startswith("#") and "formula" in facts:
            marks.errors[place] = value
            value = ""
        elif "formula" in facts and value == "" and "value-type" not in facts:
            marks.no_value.add(place)
        if "formula" in facts and ("file:" in facts["formula"] or "http" in facts["formula"]):
            marks.external.add(place)
        if value != "":
            self._line.append((self._column, self._repeat, value))
            if "struck" in self._styles.get(facts.get("style-name", ""), ()):
                marks.struck.add(place)
        self._column += self._repeat

    def _end_row(self) -> None:
        sheet = self.sheets[-1]
        if self._line:
            self._cells += self._repeat_row * sum(count for _, count, _ in self._line)
            if self._cells > CELLS_LIMIT or len(sheet.rows) > LAST_ROW:
                raise Refused("TOO_LARGE", detail=f"工作表有{CELLS_LIMIT}个以上的单元格")
            if self._row > len(sheet.rows) + ROW_GAP or any(column + count > LAST_COLUMN for column, count, _ in self._line):
                sheet.marks.stray += [(f"{column_letter(column)}{self._row + 1}", str(value)) for column, _, value in self._line if column >= LAST_COLUMN or
                                      self._row > len(sheet.rows) + ROW_GAP]
                self._line = [] if self._row > len(sheet.rows) + ROW_GAP else [cell for cell in self._line if cell[0] < LAST_COLUMN]
        if self._line:
            row: list[Any] = []
            for column, count, value in self._line:
                row += [""] * (column - len(row)) + [value] * min(count, LAST_COLUMN - column)
            sheet.rows += [[] for _ in range(self._row - len(sheet.rows))]
            sheet.rows += [list(row) for _ in range(self._repeat_row)]
        self._row += self._repeat_row


def _value(facts: dict[str, str], text: str) -> Any:
    """The value of a cell as its type says; without a type its text."""
    kind = facts.get("value-type", "")
    if kind in ("float", "percentage", "currency") and "value" in facts:
        return float(facts["value"])
    if kind == "boolean":
        return facts.get("boolean-value") == "true"
    if kind == "date" and "date-value" in facts:
        return dt.datetime.fromisoformat(facts["date-value"].rstrip("Z")[:19])
    if kind == "time":
        return dt.timedelta(0)
    return text
