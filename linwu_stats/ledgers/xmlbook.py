"""Workbooks as one XML file (XML表格2003): what Excel and WPS call "XML 电子表格 2003", often exported by web systems under the name .xls."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Book, Sheet, column_letter
from linwu_stats.ledgers.xmlevents import CELLS_LIMIT, LAST_COLUMN, ROW_GAP, read_sheets

__all__ = ["is_xml_book", "read_xml_book"]

SPACE = "urn:schemas-microsoft-com:office:spreadsheet"
CELL = f"{SPACE} Cell"
_OUTSIDE = re.compile(r"\[[^\]]*\.(?:xls|et|csv)|file:|https?:", re.IGNORECASE)
_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?")


def is_xml_book(start: str) -> bool:
    """Whether a text begins as such a workbook."""
    return SPACE in start and re.search(r"<(?:\w+:)?workbook\b", start, re.IGNORECASE) is not None


def read_xml_book(text: str) -> Book:
    """All sheets of the workbook (读取XML表格). Raises :class:`Refused`: XML_DTD, DAMAGED, TOO_LARGE, EMPTY."""
    content = text.encode("utf-8", "surrogatepass")
    book = Book(read_sheets(content, _Reader(), "XML表格", damaged="XML表格不完整", too_large="TOO_LARGE.plain"))
    cells = [f"{sheet.name}!{sheet.cell(*min(sheet.marks.external))}" for sheet in book.sheets if sheet.marks.external]
    if cells:
        book.notes.append(("EXTERNAL_LINK", {"detail": f"（{'、'.join(cells)}等）"}))
    return book


class _Reader:
    """Takes the workbook's elements as they come; rows and columns count from 0."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._struck: set[str] = set()
        self._style = ""
        self._row, self._column, self._list_column, self._cells = -1, -1, -1, 0
        self._facts: dict[str, str] = {}
        self._type: str | None = None
        self._words: list[str] | None = None
        self._comment: list[str] | None = None
        self._has_data = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        facts = {key.rpartition(" ")[2]: value for key, value in attributes.items()} if attributes else attributes
        if tag == CELL and self.sheets:
            self._begin_cell(facts)
            return
        space, _, name = tag.rpartition(" ")
        if name == "Style":
            self._style = facts.get("ID", "")
        elif name == "Font" and facts.get("StrikeThrough") == "1":
            self._struck.add(self._style)
        elif name == "Worksheet":
            self.sheets.append(Sheet(facts.get("Name", f"工作表{len(self.sheets) + 1}"), []))
            self._row, self._list_column = -1, -1
        elif name == "Visible":
            self._words = []
        elif not self.sheets or space != SPACE:
            return
        elif name == "Column":
            self._hide_columns(facts)
        elif name == "Row":
            self._begin_row(facts)
        elif name == "Comment":
            self._comment = []
        elif name == "Data" and self._comment is None:
            self._type, self._words, self._has_data = facts.get("Type", "String"), [], True

    def text(self, text: str) -> None:
        if self._comment is not None:
            self._comment.append(text)
        elif self._words is not None:
            self._words.append(text)

    def end(self, tag: str) -> None:
        if tag == CELL:
            if self.sheets:
                self._end_cell()
            return
        name = tag.rpartition(" ")[2]
        if name == "Visible" and self.sheets:
            self.sheets[-1].visible = not "".join(self._words or []).strip().startswith("Sheet")
            self._words = None
        elif name == "Comment" and self._comment is not None:
            self.sheets[-1].marks.comments[self._row, self._column] = "".join(self._comment).strip()
            self._comment = None
        elif name == "Data" and self._type is not None:
            self._put(_value(self._type, "".join(self._words or [])))
            self._type = self._words = None

    def _hide_columns(self, facts: dict[str, str]) -> None:
        first = int(facts["Index"]) - 1 if "Index" in facts else self._list_column + 1
        last = first + int(facts.get("Span", 0))
        self._list_column = last
        if facts.get("Hidden") == "1" or facts.get("Width") == "0":
            self.sheets[-1].marks.hidden_columns.update(range(first, min(last + 1, LAST_COLUMN)))

    def _begin_row(self, facts: dict[str, str]) -> None:
        number = int(facts["Index"]) - 1 if "Index" in facts else self._row + 1
        if number <= self._row:
            raise Refused("CELL_REFS.wrong", detail=f"第{number + 1}行")
        if facts.get("Hidden") == "1" or facts.get("Height") == "0":
            self.sheets[-1].marks.hidden_rows.update(range(number, min(number + int(facts.get("Span", 0)), number + ROW_GAP) + 1))
        self._row, self._column = number + int(facts.get("Span", 0)), -1

    def _begin_cell(self, facts: dict[str, str]) -> None:
        column = int(facts["Index"]) - 1 if "Index" in facts else self._column + 1
        if column <= self._column or self._row < 0:
            raise Refused("CELL_REFS.wrong", detail=f"第{self._row + 1}行")
        self._column, self._facts, self._has_data = column, facts, False
        self._cells += 1
        if self._cells > CELLS_LIMIT:
            raise Refused("TOO_LARGE.plain", detail=f"工作表有{CELLS_LIMIT}个以上的单元格")

    def _put(self, value: Any) -> None:
        sheet, row, column = self.sheets[-1], self._row, self._column
        if value in ("", None):
            return
        if row < 0 or column < 0:
            raise Refused("DAMAGED", detail="XML表格的数据不在单元格里")
        if self._type == "Error":
            sheet.marks.errors[row, column] = value
            value = ""
        if column >= LAST_COLUMN or row > len(sheet.rows) + ROW_GAP:
            sheet.marks.stray.append((f"{column_letter(column)}{row + 1}", str(value)))
            return
        while len(sheet.rows) <= row:
            sheet.rows.append([])
        line = sheet.rows[row]
        line += [""] * (column + 1 - len(line))
        line[column] = value
        if self._facts.get("StyleID") in self._struck:
            sheet.marks.struck.add((row, column))

    def _end_cell(self) -> None:
        if not self._facts:
            return
        marks, facts, row, column = self.sheets[-1].marks, self._facts, self._row, self._column
        across, down = int(facts.get("MergeAcross", 0)), int(facts.get("MergeDown", 0))
        if across or down:
            marks.merges.append((row, column, row + down, column + across))
        if "Formula" in facts:
            if not self._has_data:
                marks.no_value.add((row, column))
            if _OUTSIDE.search(facts["Formula"]):
                marks.external.add((row, column))
        self._column = column + across
        self._facts = {}


def _value(kind: str, text: str) -> Any:
    if kind == "Number":
        return float(text)
    if kind == "Boolean":
        return text.strip() == "1"
    if kind == "DateTime":
        found = _MOMENT.fullmatch(text.strip())
        if not found:
            return text
        year, month, day, hour, minute, second = map(int, found.groups())
        if (year, month, day) == (1899, 12, 31):
            return dt.time(hour, minute, second)
        return dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    return text
