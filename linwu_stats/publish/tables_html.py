"""Safe HTML of tables, key figures, notes and figures (表格与版式).

Everything that reaches a page passes through this module. Every value, heading, caption and note is escaped with markupsafe, so that a
name in a ledger can never become part of the page. Numbers are rounded here and nowhere else, half up, once. An unknown value is shown in
words (未知), with its reason where a reason is known; never as 0, nan or <NA>.

Takes pandas frames and texts; gives :class:`Fragment` objects, which Jupyter shows and nbconvert writes. No table is changed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from numbers import Integral
from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from linwu_stats.publish import words
from linwu_stats.tables import label

__all__ = [
    "TABLE_MIME",
    "Fragment",
    "KeyFigure",
    "Show",
    "bullets",
    "exact_attribute",
    "fold",
    "format_value",
    "is_unknown",
    "join",
    "key_figures",
    "note",
    "picture",
    "render_table",
    "rule",
    "shown_or_why",
]

UNKNOWN = "未知"
NOT_COMPARABLE = "—"

#: Digits that a reader's program keeps of a number.
_DIGITS = Context(prec=15)

#: Heads of rows that add up the others.
TOTALS = frozenset({"合计", "总计", "全部", "全县", "人均纯收入"})

#: How a number is shown: divisor, decimals, thousands separators, sign of a gain.
_NUMBERS: dict[str, tuple[int, int]] = {
    "integer": (1, 0),  # 人, 户, 个
    "yuan": (100, 0),  # fen shown as whole yuan
    "yuan2": (100, 2),  # fen shown as yuan and fen
    "wan": (1_000_000, 2),  # fen shown as 万元
    "yuan_plain": (1, 2),  # yuan as such
    "percent": (1, 2),  # share, 0 to 1, shown in per cent (the factor of 100 is in format_value)
    "index": (1, 4),  # Gini and its like
    "decimal": (1, 2),
}


#: Mime type under which a notebook keeps the tables that a piece of a page shows, for workbooks and other readers than people.
TABLE_MIME = "application/vnd.linwu-table+json"


class Fragment:
    """A piece of a page (页面片段): escaped HTML that Jupyter shows as it is, and the tables in it as data.

    A table is a mapping: ``caption``, ``note``, ``columns`` (each ``heading``, ``unit``, ``kind``, ``signed``) and ``rows``; a cell is a number in the unit
    of its column, not rounded, or the text that the page shows.
    """

    def __init__(self, markup: Markup, text: str = "", tables: Iterable[Mapping[str, Any]] = ()) -> None:
        self.markup = markup
        self.text = text
        self.tables = [dict(table) for table in tables]

    def _repr_html_(self) -> str:
        return str(self.markup)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {TABLE_MIME: self.tables} if self.tables else {}

    def __html__(self) -> Markup:
        return self.markup

    def __repr__(self) -> str:
        return self.text or "Fragment"


@dataclass(frozen=True)
class Show:
    """How one column of a table is shown (列的显示方式).

    ``kind``: text; codes (``codes`` names a list of tables.CODES); rule (a rule key); why (what changed, in words); figure (a number already in
    words); or a number: integer, yuan (from fen), yuan2, wan (from fen), percent (from a share), index, decimal. ``signed`` puts + before a gain.
    ``unknown`` is shown for a null; ``reason`` names the column that says why a value is null; ``below`` the column of a rule key to set below the value.
    """

    heading: str
    kind: str = "text"
    unit: str = ""
    codes: str = ""
    signed: bool = False
    unknown: str = UNKNOWN
    reason: str = ""
    below: str = ""


NO_PICTURE = Markup()


@dataclass(frozen=True)
class KeyFigure:
    """One number of the key-figure strip (关键指标): value as shown, unit, its changes, each a pair of label and text, its trend as a small
    picture, and a few words about it."""

    label: str
    value: str
    unit: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    trend: Markup = NO_PICTURE
    about: str = ""


def is_unknown(value: Any) -> bool:
    """Whether a scalar is unknown (是否未知): None, NA, NaT, nan or an empty text."""
    return value == "" if isinstance(value, str) else bool(pd.api.types.is_scalar(value) and pd.isna(value))


def format_value(value: Any, kind: str, *, signed: bool = False, unknown: str = UNKNOWN) -> str:
    """One number as text (数值显示), rounded half up once; ``percent`` takes a share and shows per cent without the sign.

    Unknown gives ``unknown``. Raises KeyError for a kind that is not a number.
    """
    divisor, decimals = _NUMBERS[kind]
    if is_unknown(value):
        return unknown
    number = _exact(value)
    if kind == "percent":
        number *= 100
    number = (number / divisor).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    if number == 0:
        number = abs(number)
    text = f"{number:+,.{decimals}f}" if signed and number != 0 else f"{number:,.{decimals}f}"
    return text.replace("-", "−")


def shown_or_why(value: Any, kind: str, reason_code: Any = None) -> str:
    """A number as text, or 未知 with the reason (数值或未知的原因)."""
    if is_unknown(value) and not is_unknown(reason_code):
        return f"{UNKNOWN}（{words.reasons(reason_code)}）"
    return format_value(value, kind)


def _exact(value: Any) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(int(value)) if isinstance(value, Integral) else Decimal(repr(float(value)))


def join(*parts: Any) -> Fragment:
    """Several fragments one after the other (拼接)."""
    kept = [part for part in parts if part is not None]
    return Fragment(Markup("\n").join(escape(part) for part in kept), tables=_tables_of(kept))


def note(*sentences: str | Markup | Fragment) -> Fragment:
    """A note in small print (注释)."""
    return Fragment(Markup('<p class="note">{}</p>').format(Markup("").join(escape(sentence) for sentence in sentences)))


def rule(key: str) -> Markup:
    """A rule key as it stands in a sentence (规则键)."""
    return Markup('<span class="rule">{}</span>').format(key)


def bullets(items: Iterable[str | Markup | Fragment], kind: str, *, heading: str = "", empty: str = "") -> Fragment:
    """A list in a box (要点、疑点): ``kind`` is the class of the box, ``empty`` the sentence where there is nothing to list."""
    rows = [escape(item) for item in items]
    head = Markup("<p><strong>{}</strong></p>").format(heading) if heading else Markup()
    body = Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(row) for row in rows)) if rows else Markup("<p>{}</p>").format(empty)
    return Fragment(Markup('<div class="{}">{}{}</div>').format(kind, head, body))


def fold(summary: str, content: Fragment | Markup) -> Fragment:
    """Something long behind one click (折叠)."""
    return Fragment(Markup("<details><summary>{}</summary>{}</details>").format(summary, content), tables=_tables_of([content]))


def key_figures(figures: Iterable[KeyFigure]) -> Fragment:
    """The strip of key figures (关键指标)."""
    boxes = []
    for figure in figures:
        unit = Markup(' <span class="unit">{}</span>').format(figure.unit) if figure.unit else Markup()
        changes = Markup().join(Markup('<span class="change"><span>{}：</span>{}</span>').format(name, text) for name, text in figure.changes)
        about = Markup('<span class="about">{}</span>').format(figure.about) if figure.about else Markup()
        boxes.append(
            Markup('<div class="key-figure"><span class="label">{}</span><span class="value">{}{}</span>{}{}{}</div>').format(
                figure.label, figure.value, unit, about, figure.trend, changes
            )
        )
    return Fragment(Markup('<div class="key-figures">{}</div>').format(Markup().join(boxes)))


def picture(png: bytes, alt: str, caption: str) -> Fragment:
    """A figure with its alternative text and one sentence on what to see (图)."""
    data = base64.b64encode(png).decode("ascii")
    html = Markup('<figure><img src="data:image/png;base64,{}" alt="{}"><figcaption>{}</figcaption></figure>').format(data, alt, caption)
    return Fragment(html, caption)


def render_table(
    frame: pd.DataFrame, columns: Mapping[str, Show], *, caption: str, note_text: str | Markup = "", empty: str = "没有符合条件的记录。", name: str = "",
    search: str = "", wide: bool = False,
) -> Fragment:
    """A frame as an HTML table (表).

    Takes any frame and the columns to show in order; the first column heads its row. Gives table.data with caption, headings with units,
    numbers in td.num, nulls in words, and the note below. A frame without rows gives the caption and the sentence ``empty``. What the page's script needs
    to sort and copy stands beside what is shown: ``data-sort`` in a heading, ``data-v`` in a cell (the number before it was rounded, "" for a null); a row
    of totals is marked, so that it stays below. ``name`` is the id of the table, ``search`` a hint in the box that filters it; ``wide``: printed on a
    sheet laid across. A value that is Markup already is a piece that the package itself wrote.
    Raises KeyError where a column is not in the frame.
    """
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise KeyError(f"table '{caption}': columns missing: {', '.join(missing)}; the frame has {', '.join(map(str, frame.columns))}")
    below = note(note_text) if note_text else None
    if frame.empty:
        return join(Markup('<p class="empty"><strong>{}</strong>：{}</p>').format(caption, empty), below)
    head = Markup().join(_heading(show) for show in columns.values())
    read = dict.fromkeys([*columns, *(one for show in columns.values() for one in (show.below, show.reason) if one in frame.columns)])
    records = frame[list(read)].to_dict("records")
    rows = [
        Markup("<tr{}>{}</tr>").format(
            Markup(' class="total"') if row[next(iter(columns))] in TOTALS else Markup(),
            Markup().join(_cell(row, name, show, first=index == 0) for index, (name, show) in enumerate(columns.items())),
        )
        for row in records
    ]
    about = Markup(' id="{}"').format(name) if name else Markup()
    about += Markup(' data-wide="1"') if wide else Markup()
    about += Markup(' data-filter="{}"').format(search) if search else Markup()
    table = Markup('<div class="table-wrap"><table class="data"{}><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>').format(
        about, caption, head, Markup("\n").join(rows)
    )
    return join(Fragment(table, tables=[_data(records, columns, caption, note_text)]), below)


def _tables_of(parts: Iterable[Any]) -> list[Mapping[str, Any]]:
    return [table for part in parts if isinstance(part, Fragment) for table in part.tables]


def _data(records: list[dict[Any, Any]], columns: Mapping[str, Show], caption: str, below: str | Markup) -> dict[str, Any]:
    shows = columns.values()
    return {
        "caption": escape(caption).striptags(), "note": escape(below).striptags(),
        "columns": [{"heading": show.heading, "unit": show.unit, "kind": show.kind, "signed": show.signed} for show in shows],
        "rows": [[_datum(row, row[name], show) for name, show in columns.items()] for row in records],
    }


def _datum(row: Mapping[str, Any], value: Any, show: Show) -> float | int | str:
    if show.kind in _NUMBERS and not is_unknown(value):
        number = _exact(value) / _NUMBERS[show.kind][0]
        return int(number) if number == int(number) else float(number)
    below = f" {row[show.below]}" if show.below and not is_unknown(row[show.below]) else ""
    return escape(_text(row, value, show)).striptags() + below


def _heading(show: Show) -> Markup:
    kind = Markup(' class="num"') if show.kind in _NUMBERS or show.kind == "figure" else Markup()
    unit = Markup('<br><span class="unit">（{}）</span>').format(show.unit) if show.unit else Markup()
    sort = Markup() if show.kind == "figure" else Markup(' data-sort="{}"').format("number" if show.kind in _NUMBERS else "text")
    return Markup('<th scope="col"{}{}>{}{}</th>').format(kind, sort, show.heading, unit)


def _cell(row: Mapping[str, Any], name: str, show: Show, *, first: bool) -> Markup:
    text = _text(row, row[name], show)
    if show.below and not is_unknown(row[show.below]):
        text += Markup("<br>") + rule(row[show.below])
    exact = exact_attribute(row[name], show.kind)
    if first:
        return Markup('<th scope="row"{}{}>{}</th>').format(Markup(' class="keyed"') if show.below else Markup(), exact, text)
    if show.kind in _NUMBERS or show.kind == "figure":
        return Markup('<td class="num"{}>{}</td>').format(exact, text)
    return Markup("<td{}>{}</td>").format(exact, text)


def exact_attribute(value: Any, kind: str) -> Markup:
    """The attribute ``data-v`` of a cell (确切数值): the number in the unit of its column before it is rounded, "" for a null.

    There is none where the text shows the whole number.
    """
    if is_unknown(value):
        return Markup(' data-v=""')
    if kind not in _NUMBERS:
        return Markup()
    number = _exact(value) * (100 if kind == "percent" else 1) / _NUMBERS[kind][0]
    exact = f"{_DIGITS.plus(number).normalize():f}"
    shown = format_value(value, kind).replace(",", "").replace("−", "-")
    return Markup() if Decimal(exact) == Decimal(shown) else Markup(' data-v="{}"').format(exact)


def _text(row: Mapping[str, Any], value: Any, show: Show) -> Markup:
    if isinstance(value, Markup):
        return value
    if is_unknown(value):
        why = row.get(show.reason) if show.reason else None
        return escape(show.unknown) if is_unknown(why) else Markup('{}<span class="reason">（{}）</span>').format(show.unknown, words.reasons(why))
    if show.kind in _NUMBERS:
        return escape(format_value(value, show.kind, signed=show.signed))
    if show.kind == "codes":
        return escape(label(show.codes, value))
    if show.kind == "rule":
        return Markup("、").join(rule(key) for key in str(value).split())
    if show.kind == "why":
        return escape(words.why(value))
    return escape(str(value))
