"""Figures of who may fall back (稳定性图): margins with the band, shocks, and the ladder of costs. As in :mod:`linwu_stats.publish.plots`."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from linwu_stats.publish import plots
from linwu_stats.publish.plots import COLOURS
from linwu_stats.publish.tables_html import format_value

__all__ = ["MARGIN_STEP", "margin_bins", "plot_ladder", "plot_margins", "plot_shocks"]

#: Bars of the margins are tenths of the line, from nothing to three lines.
MARGIN_STEP, _LAST = 10, 30


def margin_bins(net_fen: np.ndarray, heads: np.ndarray, line_fen: int, *, above_sign: str) -> np.ndarray:
    """Households by income in tenths of the line (按标准的十分之一分档), in whole numbers; the last bar holds all above three lines.

    A household that stands exactly on an edge is below it with ``>``, above it with ``>=``.
    """
    edges = np.arange(1, _LAST + 1)
    limit = heads.astype(np.int64)[:, None] * line_fen * edges
    net = net_fen.astype(np.int64)[:, None] * MARGIN_STEP
    bar = (net >= limit if above_sign == ">=" else net > limit).sum(axis=1)
    return np.bincount(bar, weights=np.ones(len(bar)), minlength=_LAST + 1).astype(int)


def plot_margins(counts: np.ndarray, line_fen: int, multiple: float, *, title: str) -> bytes:
    """Households that are out by income in parts of the line, the band of the monitoring rule shaded (余量分布图)."""
    figure, axes = plots._figure(7.6, 3.5, title)
    places = np.arange(len(counts)) / MARGIN_STEP
    axes.axvspan(1, multiple, color=COLOURS[3], alpha=0.16, label=f"监测范围：标准的1至{multiple:g}倍")
    below = places < 1
    axes.bar(places[below], counts[below], width=0.1, align="edge", color=COLOURS[2], edgecolor="white", hatch="///", label="未超过标准")
    inside = ~below & (places < multiple - 1e-9)
    axes.bar(places[inside], counts[inside], width=0.1, align="edge", color=COLOURS[3], edgecolor="white", hatch="..", label="超过标准，在监测范围内")
    rest = ~below & ~inside
    axes.bar(places[rest], counts[rest], width=0.1, align="edge", color=COLOURS[0], edgecolor="white", label="监测范围以上")
    axes.axvline(1, color=COLOURS[2], linewidth=2)
    axes.set_xlim(0, (len(counts)) / MARGIN_STEP)
    axes.set_xticks([0, 0.5, 1, 1.5, 2, 2.5, 3], ["0", "0.5", "1", "1.5", "2", "2.5", "3及以上"])
    axes.set_xlabel(f"人均纯收入是标准（{format_value(line_fen, 'yuan')}元）的倍数")
    axes.set_ylabel("户数（户）")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(plots._thousands)
    figure.legend(frameon=False, ncols=4, loc="outside lower center", fontsize=8.5)
    return plots._png(figure)


def plot_shocks(table: pd.DataFrame, usual: float, *, title: str) -> bytes:
    """One row a shock: households that may be hit, that would fail if it came to all, and that are expected to, by its chance (冲击影响图).

    ``table``: name, exposed, failing, expected; ``usual`` the expected number without any shock, dashed.
    """
    figure, axes = plots._figure(7.6, 1.5 + 0.62 * len(table), title)
    places = np.arange(len(table))
    series = (
        ("exposed", "可能受影响", plots.GREY, ""), ("failing", "假如发生，不再超过标准", COLOURS[3], "///"),
        ("expected", "按可能性，下年预计低于标准", COLOURS[0], ""),
    )
    for number, (column, words, colour, hatch) in enumerate(series):
        values = table[column].to_numpy(dtype=float)
        bars = axes.barh(places + (number - 1) * 0.27, values, height=0.25, color=colour, hatch=hatch, edgecolor="white", label=words)
        axes.bar_label(bars, [format_value(round(value), "integer") for value in values], padding=3, fontsize=8)
    axes.axvline(usual, color=COLOURS[2], linewidth=1.6, linestyle="--", label=f"没有冲击，预计低于标准 {format_value(round(usual), 'integer')} 户")
    axes.set_yticks(places, list(table["name"]))
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(float(table["exposed"].max()), usual, 1.0))
    axes.set_xlabel("已脱贫户（户）")
    axes.xaxis.set_major_formatter(plots._thousands)
    figure.legend(frameon=False, ncols=2, loc="outside lower center", fontsize=8.5)
    return plots._png(figure)


def plot_ladder(table: pd.DataFrame, *, title: str) -> bytes:
    """Households by what all their needs cost, stacked by kind of need (缺项阶梯图). ``table``: step (index), columns of kinds, counts."""
    figure, axes = plots._figure(7.6, 3.5, title)
    places, bottom = np.arange(len(table)), np.zeros(len(table))
    for column, colour, hatch in zip(table.columns, (COLOURS[0], COLOURS[1], COLOURS[3], plots.GREY), ("", "..", "///", "xx"), strict=False):
        values = table[column].to_numpy(dtype=float)
        axes.bar(places, values, bottom=bottom, width=0.72, color=colour, hatch=hatch, edgecolor="white", label=column)
        bottom += values
    for place, total in zip(places, bottom, strict=True):
        axes.annotate(format_value(total, "integer"), (place, total), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8.5)
    axes.set_xticks(places, list(table.index), fontsize=8.5)
    axes.set_ylabel("户数（户）")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(0, 1.12 * max(bottom.max(initial=0), 1))
    axes.yaxis.set_major_formatter(plots._thousands)
    figure.legend(frameon=False, ncols=4, loc="outside lower center", fontsize=8.5)
    return plots._png(figure)
