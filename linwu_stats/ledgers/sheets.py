"""A file taken apart: sheets of raw cells, and what the cells alone do not show (工作表及其标记)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Book", "Marks", "Sheet", "column_letter", "column_number", "reference", "split_reference"]


@dataclass
class Marks:
    """What stands beside the values of a sheet; rows and columns count from 0."""

    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    struck: set[tuple[int, int]] = field(default_factory=set)
    struck_part: set[tuple[int, int]] = field(default_factory=set)
    comments: dict[tuple[int, int], str] = field(default_factory=dict)
    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    no_value: set[tuple[int, int]] = field(default_factory=set)
    external: set[tuple[int, int]] = field(default_factory=set)
    stray: list[tuple[str, str]] = field(default_factory=list)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    no_references: bool = False


@dataclass
class Sheet:
    """One sheet. ``typed``: its cells have types (Excel), else all is text. ``lines``: physical line of each row of a text file.

    ``widths``: number of fields of each row of a text file; ``quotes``: rows whose quotation marks do not match.
    """

    name: str
    rows: list[list[Any]]
    visible: bool = True
    typed: bool = True
    marks: Marks = field(default_factory=Marks)
    lines: list[int] | None = None
    widths: list[int] | None = None
    quotes: set[int] = field(default_factory=set)

    def number(self, row: int) -> int:
        """The number that a reader sees for a row: Excel's row, or the line of a text file."""
        return self.lines[row] if self.lines else row + 1

    def cell(self, row: int, column: int) -> str:
        """A1 reference of a cell."""
        return f"{column_letter(column)}{self.number(row)}"


@dataclass
class Book:
    """All sheets of a file in order, with what is to be said about the file: pairs of finding key and facts."""

    sheets: list[Sheet]
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


def column_letter(column: int) -> str:
    """Letters of a column counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """Column counted from 0 of its letters."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def split_reference(text: str) -> tuple[int, int]:
    """Row and column, counted from 0, of an A1 reference."""
    letters = text.rstrip("0123456789")
    return int(text[len(letters):]) - 1, column_number(letters)


def reference(top: int, left: int, bottom: int, right: int) -> str:
    """A1 reference of a range given by rows and columns counted from 0."""
    first, last = f"{column_letter(left)}{top + 1}", f"{column_letter(right)}{bottom + 1}"
    return first if first == last else f"{first}:{last}"
