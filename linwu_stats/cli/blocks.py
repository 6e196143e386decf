"""Titles with rows below them (成段的表), as text for a terminal and as one page by itself; whatever stands in a cell is only text."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

__all__ = ["Block", "as_html", "as_text"]

#: A title, and rows of cells.
Block = tuple[str, Sequence[Sequence[str]]]


def as_text(blocks: Sequence[Block]) -> str:
    """Blocks for reading in a terminal (文本); a block without rows below its title says so."""
    return "\n".join(line for title, rows in blocks for line in (f"【{title}】", *("  ".join(row) for row in rows or [["无"]]), ""))


def as_html(name: str, blocks: Sequence[Block], *, note: str = "", headed: bool = False) -> str:
    """Blocks as a page by itself (网页); ``headed``: the first row of each is its heading."""
    head = "<!doctype html><html lang='zh-CN'><meta charset='utf-8'><title>{0}</title><h1>{0}</h1><p>{1}</p>"
    parts = [Markup(head).format(name, note)]
    for title, rows in blocks:
        lines = [_line(row, "th" if headed and rows and place == 0 else "td") for place, row in enumerate(rows or [["无"]])]
        parts.append(Markup("<h2>{}</h2><table border='1'>{}</table>").format(title, Markup("").join(lines)))
    return str(Markup("\n").join([*parts, Markup("</html>")]))


def _line(row: Sequence[str], tag: str) -> Markup:
    cell = Markup(f"<{tag}>{{}}</{tag}>")
    return Markup("<tr>{}</tr>").format(Markup("").join(cell.format(text) for text in row))
