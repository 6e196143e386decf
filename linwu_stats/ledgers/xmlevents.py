"""Workbooks that are one XML text (XML表格): read event by event, refused before they are unrolled; what OpenDocument and XML spreadsheets of 2003 share."""

from __future__ import annotations

from typing import Any, Protocol
from xml.parsers import expat

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Sheet

__all__ = ["CELLS_LIMIT", "LAST_COLUMN", "ROW_GAP", "Reader", "read_sheets"]

CELLS_LIMIT = 2_000_000
_BOX_LIMIT = 12_000_000
#: As for the other workbooks: no ledger has columns beyond ZZ, and a row this far below the last one is no part of the table.
LAST_COLUMN, ROW_GAP = 702, 1_000


class Reader(Protocol):
    """Takes the elements as they come, their names as ``namespace name``, and holds the sheets."""

    sheets: list[Sheet]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Text within an element."""


def read_sheets(content: bytes, reader: Reader, words: str, *, damaged: str, too_large: str) -> list[Sheet]:
    """All sheets of a workbook, each a rectangle (读取各工作表).

    ``content``: XML in UTF-8; ``words``: what the file is called in a message; ``damaged``: what is said of a broken one; ``too_large``: code of a sheet
    beyond bounds. Raises :class:`Refused`: XML_DTD, DAMAGED, EMPTY, ``too_large``, and what ``reader`` refuses.
    """

    def refuse_dtd(*_: Any) -> None:
        raise Refused("XML_DTD", detail=words)

    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = reader.start, reader.end, reader.text
    parser.StartDoctypeDeclHandler = refuse_dtd
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, OverflowError) as error:
        raise Refused("DAMAGED", detail=f"{damaged}，{type(error).__name__}") from error
    if not reader.sheets:
        raise Refused("EMPTY")
    for sheet in reader.sheets:
        width = max(map(len, sheet.rows), default=0)
        if width * len(sheet.rows) > _BOX_LIMIT:
            raise Refused(too_large, detail=f"工作表有{len(sheet.rows)}行{width}列")
        sheet.rows = [row + [""] * (width - len(row)) for row in sheet.rows]
    return reader.sheets
