"""Every table of the house, declared once (数据表).

A table has columns; a column has a name, a logical type, a unit, a Chinese heading and a description.
``require`` refuses a frame that lacks what a function needs; ``conform`` is the last line of the one function that makes a table.
The data dictionary (``docs/data-dictionary.md``) is written from this module, so that it cannot disagree with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.tables import checks, codes, disclosure, estimates, exits, income, indicators, ledgers, lookback, reconciliation, review, stability
from linwu_stats.tables.codes import POOR
from linwu_stats.tables.shape import Column, Table

__all__ = ["CODES", "POOR", "TABLES", "Column", "Table", "TableError", "conform", "dictionary_text", "empty", "label", "require"]

#: Logical types: pandas type (nullable, so that unknown stays unknown) and narwhals type.
TYPES: dict[str, tuple[str, Any]] = {
    "string": ("string", nw.String),
    "int": ("Int64", nw.Int64),
    "float": ("Float64", nw.Float64),
    "bool": ("boolean", nw.Boolean),
    "date": ("datetime64[us]", nw.Datetime("us")),
}


class TableError(RefusedError):
    """A frame does not fit the table that it claims to be (数据表不符)."""


_ROOMS = (ledgers, income, checks, indicators, exits, reconciliation, review, estimates, lookback, stability, disclosure)

#: All tables by name, in the order in which a quarter makes them.
TABLES: dict[str, Table] = {table.name: table for room in _ROOMS for table in room.TABLES}

#: Codes and their official Chinese terms. A code list is closed: ``conform`` refuses another value.
CODES: dict[str, dict[str, str]] = {name: terms for room in (codes, *_ROOMS) for name, terms in getattr(room, "CODES", {}).items()}


def label(codes: str, value: Any) -> str:
    """Official Chinese term of a code (代码对应的正式名称); an unknown value is shown as 未知."""
    if pd.isna(value):
        return "未知"
    return CODES[codes].get(str(value), str(value))


def require(frame: Any, name: str, *columns: str) -> None:
    """Refuse a frame that lacks ``columns`` of table ``name`` (all required columns when none is named).

    Raises :class:`TableError` that names the table, the columns that are missing and those that are there.
    """
    table = TABLES[name]
    wanted = columns or tuple(column.name for column in table.columns if column.required or column.key)
    have = nw.from_native(frame).collect_schema().names()
    missing = [column for column in wanted if column not in have]
    if missing:
        words = "、".join(f"{column}({table[column].heading})" for column in missing)
        raise TableError(f"{table.title} ({name}): columns missing: {words}. Found: {', '.join(have)}")


def empty(name: str) -> pd.DataFrame:
    """An empty pandas frame of table ``name`` with the declared types."""
    return pd.DataFrame({column.name: pd.Series([], dtype=TYPES[column.dtype][0]) for column in TABLES[name].columns})


def conform(frame: Any, name: str) -> Any:
    """Bring a frame to the declared columns, order and types of table ``name`` and check it (规范化).

    Takes a pandas frame or any frame that narwhals knows; gives the same kind. Columns that are optional and absent become unknown.
    On pandas the key must be whole and unique, required columns without blanks, and coded columns within their code list; lazy engines are
    checked for columns and types only, since each further check would cost a query. Raises :class:`TableError`.
    """
    table = TABLES[name]
    require(frame, name)
    wrapped = nw.from_native(frame)
    have = set(wrapped.collect_schema().names())
    if not isinstance(frame, pd.DataFrame):
        return wrapped.select(
            *(
                (nw.col(column.name) if column.name in have else nw.lit(None)).cast(TYPES[column.dtype][1]).alias(column.name)
                for column in table.columns
            )
        ).to_native()
    out = {}
    for column in table.columns:
        dtype = TYPES[column.dtype][0]
        if column.name not in have:
            out[column.name] = pd.Series(pd.NA if column.dtype != "date" else pd.NaT, index=frame.index, dtype=dtype)
            continue
        try:
            out[column.name] = frame[column.name].astype(dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"{table.title} ({name}): column {column.name}({column.heading}) is not {column.dtype}: {error}") from error
    result = pd.DataFrame(out).reset_index(drop=True)
    _check(result, table)
    return result


def _check(frame: pd.DataFrame, table: Table) -> None:
    for column in table.columns:
        values = frame[column.name]
        if (column.required or column.key) and values.isna().any():
            raise TableError(f"{table.title} ({table.name}): {column.name}({column.heading}) is blank in {int(values.isna().sum())} rows")
        if column.codes:
            strange = sorted(set(values.dropna().unique()) - set(CODES[column.codes]))
            if strange:
                raise TableError(f"{table.title} ({table.name}): {column.name}({column.heading}) has values outside its code list: {strange[:5]}")
    if table.key and frame.duplicated(table.key).any():
        raise TableError(f"{table.title} ({table.name}): {int(frame.duplicated(table.key).sum())} rows repeat the key {'+'.join(table.key)}")


def dictionary_text(names: Iterable[str] | None = None) -> str:
    """The data dictionary as Markdown (数据字典), written from the declarations: of all tables, or of those named."""
    lines = ["# Data dictionary (数据字典)", "", "Written by `linwu-stats dictionary` from `linwu_stats/tables/`; do not edit by hand.", ""]
    for table in TABLES.values() if names is None else (TABLES[name] for name in names):
        lines += [f"## `{table.name}` {table.title}", "", f"Made by `{table.made_by}`.", ""]
        lines += ["| column | 列 | type | unit | key | description | codes |", "|---|---|---|---|---|---|---|"]
        for column in table.columns:
            codes = "、".join(f"{code} {term}" for code, term in CODES[column.codes].items()) if column.codes else ""
            cells = (f"`{column.name}`", column.heading, column.dtype, column.unit, "yes" if column.key else "", column.description, codes)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)
