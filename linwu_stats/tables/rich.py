"""How a table looks in a notebook (数据表在笔记本中的显示): Chinese headings with units, what is unknown in words. The frame itself stays plain pandas.

``show_in_ipython`` gives IPython a way to show frames; it shows any frame that has columns of the declared tables, also one that was filtered or joined.
"""

from __future__ import annotations

import html
import sys
from typing import Any

import pandas as pd

__all__ = ["frame_html", "show_in_ipython"]

#: Rows that are shown of a longer frame: so many from its beginning and from its end.
SHOWN = 60
ENDS = 10
_STYLE = "text-align:left;vertical-align:bottom"


def frame_html(frame: pd.DataFrame, table: str = "", rows: int = SHOWN) -> str:
    """A frame as HTML for a reader (数据表显示): heading, unit and column name above each column; every text is escaped.

    ``table``: name of the declared table, by which coded values are shown as their official terms; without it values are shown as they are. A frame of more
    than ``rows`` rows is cut in the middle, and the number of all rows stands below.
    """
    from linwu_stats.tables import CODES, TABLES

    declared = TABLES.get(table)
    terms = {} if declared is None else {column.name: CODES[column.codes] for column in declared.columns if column.codes}
    known = _headings() | ({} if declared is None else {column.name: (column.heading, column.unit) for column in declared.columns})
    title = f"<caption>{html.escape(f'{declared.title} {declared.name}')}</caption>" if declared else ""
    head = "".join(_heading(name, known) for name in frame.columns)
    cut = len(frame) > rows
    ends = min(ENDS, max(1, rows // 2))
    parts = [frame.head(ends), frame.tail(ends)] if cut else [frame]
    body = '<tr><td colspan="99">…</td></tr>'.join("".join(_row(*pair, terms) for pair in _records(part)) for part in parts)
    return (
        f'<table class="linwu">{title}<thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>'
        f"<p>{len(frame):,} 行 × {len(frame.columns)} 列</p>"
    )


def show_in_ipython() -> None:
    """Show frames with declared columns under Chinese headings in the IPython session, where there is one (注册显示方式); done once, else nothing."""
    ipython = sys.modules.get("IPython")  # where no session has imported it there is none, and to import it takes a while
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, _known_frame_html)


def _known_frame_html(frame: pd.DataFrame) -> str | None:
    """A frame of which most columns are declared; pandas' own way for any other."""
    plain = isinstance(frame.columns, pd.Index) and not isinstance(frame.columns, pd.MultiIndex) and not isinstance(frame.index, pd.MultiIndex)
    declared = sum(1 for name in frame.columns if name in _headings()) if plain else 0
    if not declared or declared * 2 < len(frame.columns):
        return frame._repr_html_()
    return frame_html(frame)


def _headings() -> dict[str, tuple[str, str]]:
    """Heading and unit of each column name that means the same in all tables that have it."""
    from linwu_stats.tables import TABLES

    if not _KNOWN:
        for table in TABLES.values():
            for column in table.columns:
                _KNOWN.setdefault(column.name, set()).add((column.heading, column.unit))
    return {name: next(iter(found)) for name, found in _KNOWN.items() if len(found) == 1}


_KNOWN: dict[str, set[tuple[str, str]]] = {}


def _heading(name: Any, known: dict[str, tuple[str, str]]) -> str:
    heading, unit = known.get(name, ("", ""))
    words = f"{html.escape(heading)}{f'（{html.escape(unit)}）' if unit else ''}<br>" if heading else ""
    return f'<th style="{_STYLE}">{words}<code>{html.escape(str(name))}</code></th>'


def _records(frame: pd.DataFrame) -> list[tuple[Any, dict[Any, Any]]]:
    values = [frame.iloc[:, place] for place in range(frame.shape[1])]
    return [(index, {name: column.iloc[row] for name, column in zip(frame.columns, values, strict=True)}) for row, index in enumerate(frame.index)]


def _row(index: Any, row: dict[Any, Any], terms: dict[str, dict[str, str]]) -> str:
    cells = "".join(f"<td>{html.escape(_text(value, terms.get(name, {})))}</td>" for name, value in row.items())
    return f"<tr><th>{html.escape(str(index))}</th>{cells}</tr>"


def _text(value: Any, terms: dict[str, str]) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "未知"
    if isinstance(value, pd.Timestamp):
        return value.date().isoformat() if value == value.normalize() else str(value)
    return terms.get(str(value), str(value))
