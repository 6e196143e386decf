"""What a table and a column are, and short words to declare them (数据表的形状)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HOUSEHOLD", "TOWNSHIP", "VILLAGE", "Column", "Table", "column", "key", "table"]


@dataclass(frozen=True)
class Column:
    """One column: name, logical type, unit, Chinese heading, description; ``codes`` names a list in :data:`CODES`."""

    name: str
    dtype: str
    heading: str
    description: str = ""
    unit: str = ""
    key: bool = False
    required: bool = False
    codes: str = ""


@dataclass(frozen=True)
class Table:
    """One table: name, Chinese title, the one function that makes it, and its columns."""

    name: str
    title: str
    made_by: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> list[str]:
        """Names of the columns that identify a row."""
        return [column.name for column in self.columns if column.key]

    @property
    def names(self) -> list[str]:
        """Names of all columns in order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")


def column(name: str, dtype: str, heading: str, description: str = "", *, unit: str = "", codes: str = "", required: bool = False) -> Column:
    """A column that may be unknown, unless ``required``."""
    return Column(name, dtype, heading, description, unit, False, required, codes)


def key(name: str, heading: str, description: str = "", *, codes: str = "", dtype: str = "string") -> Column:
    """A column of the key: never blank."""
    return Column(name, dtype, heading, description, "", True, True, codes)


def table(name: str, title: str, made_by: str, *columns: Column) -> Table:
    """A table: its name, Chinese title and the one function that makes it."""
    return Table(name, title, made_by, columns)


HOUSEHOLD = key("household_id", "户编号", "household code of the register, 14 digits, text")
TOWNSHIP = column("township_code", "string", "乡镇代码", "nine digits", required=True)
VILLAGE = column("village_code", "string", "行政村代码", "twelve digits", required=True)
