"""Figures of the pages (图): bytes of PNG from plain frames.

Four colours that people with colour blindness tell apart, never colour alone; Chinese from the font that comes with a dependency; the same
bytes from the same numbers. Each function takes numbers that are already worked out, draws, and gives PNG; the caller writes the alternative text.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any
from unicodedata import east_asian_width

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import TightLayoutEngine

from linwu_stats.publish.fonts import use_chinese_font
from linwu_stats.publish.tables_html import format_value

__all__ = ["COLOURS", "distribution_bins", "drawn_at_most", "plot_distribution", "plot_outcomes", "plot_quarters", "plot_ranking"]

#: Government Analysis Function palette: dark blue, turquoise, dark pink, orange; and a grey for what is unknown.
COLOURS = ("#12436D", "#28A197", "#801650", "#F46A25")
GREY = "#B8B8B8"
INK = "#3D3D3D"
#: How many figures are still to be drawn, where somebody asked for few.
_SKETCHES: list[int] = []
#: Dots an inch, and size of a figure's title.
_DPI, _TITLE_POINTS = 110, 11.5

#: Bars of the distribution per poverty line, and multiples of the line that the axis shows.
_BARS_PER_LINE, _LINES_SHOWN = 4, 5


@contextlib.contextmanager
def drawn_at_most(count: int) -> Iterator[None]:
    """While this lasts no more than ``count`` figures are drawn (预热时只画几张图): for a process that only makes ready what others will draw."""
    _SKETCHES.append(count)
    try:
        yield
    finally:
        _SKETCHES.pop()


def distribution_bins(net_fen: pd.Series, members: pd.Series, line_fen: int, *, above_sign: str) -> pd.Series:
    """Persons by income in parts of the poverty line (按标准的分档人数).

    Takes net income (fen), members and the line of known households, all integers. A household falls in bar k where its income passes k quarters
    of the line by ``above_sign`` (">" leaves a household that stands exactly on an edge below it, ">=" lifts it); compared in integers. Gives
    persons by bar number; the last bar holds everything above.
    """
    net = net_fen.to_numpy(dtype="int64") * _BARS_PER_LINE
    heads = members.to_numpy(dtype="int64")
    bars = _BARS_PER_LINE * _LINES_SHOWN
    bar = np.zeros(len(heads), dtype=int)
    for edge in range(1, bars + 1):
        limit = heads * line_fen * edge
        bar += net >= limit if above_sign == ">=" else net > limit
    return pd.Series(np.bincount(bar, weights=heads, minlength=bars + 1).astype(int), name="persons")


def plot_distribution(persons: pd.Series, line_fen: int, *, line_label: str, title: str) -> bytes:
    """Persons by per-capita net income with the line drawn (人均纯收入分布): bars from :func:`distribution_bins`."""
    figure, axes = _figure(7.6, 3.5, title)
    width = line_fen / 100 / _BARS_PER_LINE
    below = persons.index < _BARS_PER_LINE
    left = persons.index.to_numpy() * width
    axes.bar(left[below], persons[below], width=width, align="edge", color=COLOURS[3], edgecolor="white", hatch="///", label=f"{line_label}以下")
    axes.bar(left[~below], persons[~below], width=width, align="edge", color=COLOURS[0], edgecolor="white", label=f"{line_label}以上")
    axes.axvline(line_fen / 100, color=COLOURS[2], linewidth=2)
    axes.annotate(
        f"{line_label} {line_fen / 100:,.0f} 元",
        (line_fen / 100, 1),
        xycoords=("data", "axes fraction"),
        xytext=(5, -3),
        textcoords="offset points",
        color=COLOURS[2],
        va="top",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )
    axes.set_xlim(0, (_LINES_SHOWN * _BARS_PER_LINE + 1) * width)
    ticks = np.arange(_LINES_SHOWN + 1) * line_fen / 100
    axes.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks[:-1]] + [f"{ticks[-1]:,.0f}\n及以上"])
    axes.set_xlabel("人均纯收入（元/人·年）")
    axes.set_ylabel("人数（人）")
    axes.yaxis.set_major_formatter(_thousands)
    axes.legend(frameon=False, loc="upper right")
    return _png(figure)


def plot_ranking(names: Sequence[str], values: Sequence[float], *, reference: float | None, reference_label: str, axis_label: str, title: str) -> bytes:
    """Sub-units in order with the line of the whole area (排序图). ``values`` in the order to draw, best first; none may be unknown."""
    figure, axes = _figure(7.6, 0.95 + 0.3 * len(names), title)
    places = np.arange(len(names))
    axes.barh(places, values, color=COLOURS[0], height=0.68)
    axes.set_yticks(places, [_plain(name) for name in names])
    widest = max([*map(abs, values), reference or 0.0, 1.0])
    for place, value in zip(places, values, strict=True):
        inside = value > 0.15 * widest  # a number at the foot of its bar is clear of the dashed line
        start, ink = (0, "white") if inside else (max(value, 0), INK)
        axes.annotate(format_value(value, "integer"), (start, place), xytext=(5, 0), textcoords="offset points", va="center", color=ink, fontsize=8.5)
    if reference is not None:
        axes.axvline(reference, color=COLOURS[2], linewidth=1.8, linestyle="--")
        axes.annotate(
            f"{_plain(reference_label)} {format_value(reference, 'integer')}",
            (reference, len(names) - 0.1),
            xytext=(-5, 0),
            textcoords="offset points",
            va="center",
            ha="right",
            color=COLOURS[2],
            fontsize=9,
        )
    axes.set_ylim(len(names) + 0.4, -0.6)
    axes.set_xlim(min(0.0, min(values, default=0.0)), widest * 1.05)
    axes.xaxis.set_major_formatter(_thousands)
    axes.set_xlabel(axis_label)
    return _png(figure)


def plot_quarters(table: pd.DataFrame, *, labels: dict[str, str], title: str) -> bytes:
    """Per-capita income of each quarter by source, stacked (各季度收入构成).

    Takes one row per quarter (index) and one column per source, yuan per person; a quarter with an unknown value is left out by the caller.
    A negative source, such as a business that lost, is drawn below the axis.
    """
    figure, axes = _figure(7.6, 3.3, title)
    places = np.arange(len(table))
    up, down = np.zeros(len(table)), np.zeros(len(table))
    for column, colour, hatch in zip(table.columns, COLOURS, ("", "..", "xx", "//"), strict=False):
        values = table[column].to_numpy(dtype=float)
        axes.bar(places, values, bottom=np.where(values >= 0, up, down), width=0.62, color=colour, edgecolor="white", hatch=hatch, label=labels[column])
        up += np.clip(values, 0, None)
        down += np.clip(values, None, 0)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(places, [str(quarter) for quarter in table.index])
    axes.set_ylabel("元/人·季")
    axes.yaxis.set_major_formatter(_thousands)
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1))
    return _png(figure)


def plot_outcomes(table: pd.DataFrame, *, labels: dict[str, str], title: str, axis_label: str) -> bytes:
    """Met, not met and unknown by condition, stacked to the whole (各项条件达标情况).

    Takes one row per condition (index: its name) and the columns of ``labels`` in order (met, not_met, unknown), counts.
    """
    figure, axes = _figure(7.6, 1.3 + 0.32 * len(table), title)
    places = np.arange(len(table))
    left = np.zeros(len(table))
    for column, colour, hatch, ink in zip(labels, (COLOURS[0], COLOURS[3], GREY), ("", "///", "..."), ("white", "black", "black"), strict=True):
        values = table[column].to_numpy(dtype=float)
        axes.barh(places, values, left=left, color=colour, edgecolor="white", hatch=hatch, height=0.7, label=labels[column])
        for place, (start, value) in enumerate(zip(left, values, strict=True)):
            if value > 0.06 * max(table.sum(axis=1).max(), 1):
                box = {"facecolor": colour, "edgecolor": "none", "pad": 1}
                axes.annotate(format_value(value, "integer"), (start + value / 2, place), ha="center", va="center", color=ink, fontsize=8.5, bbox=box)
        left += values
    axes.set_yticks(places, list(table.index))
    axes.invert_yaxis()
    axes.set_xlabel(axis_label)
    axes.set_xlim(0, max(left.max(), 1))
    axes.xaxis.set_major_formatter(_thousands)
    figure.legend(frameon=False, ncols=3, loc="outside lower center")
    return _png(figure)


def _figure(width: float, height: float, title: str) -> tuple[Figure, Any]:
    """A titled figure with one pair of axes."""
    figure = _titled(width, height, title)
    with mpl.rc_context(_STYLE):
        return figure, figure.subplots()


def _titled(width: float, height: float, title: str) -> Figure:
    """A figure of so many inches with its title, which takes as many lines as it needs, and nothing in it."""
    use_chinese_font()
    lines = _lines(_plain(title), round(2 * 72 * width / _TITLE_POINTS) - 2)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height + (len(lines) - 1) * 1.3 * _TITLE_POINTS / 72))
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=_TITLE_POINTS, color="black")
    return figure


def _lines(text: str, width: int) -> list[str]:
    """Text in lines of so many half-width places: Matplotlib breaks lines at spaces, which Chinese does not have."""
    lines, used = [""], 0
    for one in text:
        place = 2 if east_asian_width(one) in "WF" else 1
        if used + place > width:
            lines, used = [*lines, ""], 0
        lines[-1], used = lines[-1] + one, used + place
    return lines


_STYLE = {
    "text.hinting": "none",  # the hinter is made for few pixels; at this size Chinese looks evener without, and is drawn faster
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titley": 1.0,  # to look for a free place above the axes costs as much as the bars
    "xtick.color": INK,
    "ytick.color": INK,
    "hatch.linewidth": 0.6,
}


def _thousands(value: float, place: int) -> str:
    return format_value(value, "integer")


def _plain(text: str) -> str:
    """Text that is never read as mathematics: a name with dollar signs stays a name, on one line."""
    return " ".join(text.split()).replace("$", r"\$")


def _png(figure: Figure) -> bytes:
    if _SKETCHES and _SKETCHES[-1] <= 0:
        return b""
    if _SKETCHES:
        _SKETCHES[-1] -= 1
    buffer = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        _fit(figure)
        canvas.print_png(buffer, metadata={"Software": None}, pil_kwargs={"compress_level": 3})  # savefig would draw everything twice
    return buffer.getvalue()


def _fit(figure: Figure) -> None:
    """Margins as wide as the words that stand in them, measured once; a legend of the whole figure has its place at the foot."""
    for axes in figure.axes:
        for inside in (*axes.patches, *axes.lines, *axes.collections, *axes.texts):
            inside.set_in_layout(False)
    TightLayoutEngine(pad=0.6, rect=None).execute(figure)
    if figure.legends:
        foot = max(one.get_window_extent().height for one in figure.legends) / figure.bbox.height
        figure.subplots_adjust(bottom=figure.subplotpars.bottom + foot)
