"""The grid of one sheet (台账网格): which of its rows are data, and the raw values of each column."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.headers import Header, Heading
from linwu_stats.ledgers.outcome import Finding, finding
from linwu_stats.ledgers.sheets import Sheet

__all__ = ["Grid"]


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

    def first_cell(self, row: int) -> str:
        """A1 reference of the first filled cell of a row."""
        place = next((column for column, value in enumerate(self.sheet.rows[row]) if not is_blank(value)), 0)
        return self.sheet.cell(row, place)

    def row_list(self, rows: list[int]) -> str:
        """Numbers of rows in words, the first twenty of them."""
        numbers = [str(self.sheet.number(row) if row < len(self.sheet.rows) else row + 1) for row in rows[:20]]
        return f"第{'、'.join(numbers)}行{'等' if len(rows) > 20 else ''}，共{len(rows)}行"

    def say_stray(self, row: int, columns: set[int]) -> None:
        """Log each filled cell of a row among these columns as standing outside the table."""
        for column in sorted(columns):
            value = self.sheet.rows[row][column]
            if not is_blank(value):
                self.log.append(finding(
                    "STRAY_CELLS.content", sheet=self.sheet.name, cell=self.sheet.cell(row, column), row=self.sheet.number(row), value=plain_text(value)))
