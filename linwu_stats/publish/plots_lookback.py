"""Figures of the look-back (回头看图): one-sided bounds drawn against the bar. As in :mod:`linwu_stats.publish.plots`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.publish import plots
from linwu_stats.publish.plots import COLOURS

__all__ = ["plot_bars", "plot_townships"]

#: Colour and mark of each verdict, so that it is told apart without colour.
_LOOK = {"met": (COLOURS[0], "o"), "not_met": (COLOURS[2], "X"), "not_decided": (COLOURS[3], "D")}


def plot_bars(panels: Sequence[tuple[str, pd.DataFrame, float]], *, labels: dict[str, str], title: str) -> bytes:
    """Panels one below the other, one row a rate: the point, the line from lower to upper bound, the bar dashed (与标准比较图).

    ``panels``: axis label, table (name, value, low, high, verdict; shares) and the bar as a share. ``labels``: words of the verdicts.
    """
    rows = [len(table) + 0.6 for _, table, _ in panels]
    figure = plots._titled(7.6, 0.5 + 0.7 * len(panels) + 0.4 * sum(rows), title)
    for side, (words, table, bar) in zip(figure.subplots(len(panels), 1, squeeze=False, height_ratios=rows)[:, 0], panels, strict=True):
        # A legend taller than so few rows would squeeze them: the verdict stands beside the name instead.
        named = table.assign(name=[f"{name}（{labels[one]}）" for name, one in zip(table["name"], table["verdict"], strict=True)])
        _draw(side, named, bar, f"{words}，虚线为标准 {100 * bar:g}%", labels)
    return plots._png(figure)


def plot_townships(table: pd.DataFrame, bar: float, *, labels: dict[str, str], title: str, axis_label: str) -> bytes:
    """One row a township: the point and the line between its bounds; a line that leaves the picture ends in an arrow (乡镇比较图)."""
    figure, axes = plots._figure(7.6, 1.2 + 0.3 * len(table), title)
    _draw(axes, table, bar, axis_label, labels)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.01, 0.5))
    return plots._png(figure)


def _draw(axes: Any, table: pd.DataFrame, bar: float, words: str, labels: dict[str, str]) -> None:
    value, low, high = (100 * table[name].to_numpy(dtype=float) for name in ("value", "low", "high"))
    left, right = _limits(value, low, high, 100 * bar)
    places = np.arange(len(table))
    for verdict, (colour, mark) in _LOOK.items():
        mine = (table["verdict"] == verdict).to_numpy()
        if mine.any():
            axes.hlines(places[mine], np.maximum(low[mine], left), np.minimum(high[mine], right), color=colour, linewidth=4)
            axes.plot(value[mine], places[mine], mark, color=colour, markersize=8, markeredgecolor="white", zorder=3, clip_on=False, label=labels[verdict])
    for end, beyond in ((right, high > right), (left, low < left)):
        if not beyond.any():  # an empty line that is not clipped would stretch the layout to the corner of the figure
            continue
        axes.plot(np.full(beyond.sum(), end), places[beyond], ">" if end == right else "<", color=plots.INK, markersize=6, clip_on=False)
    axes.axvline(100 * bar, color=plots.INK, linewidth=1.6, linestyle="--", label=f"标准 {100 * bar:g}%")
    axes.set_yticks(places, [plots._plain(name) for name in table["name"]])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlim(left, right)
    axes.set_xlabel(words)
    axes.grid(axis="x", color="#E0E0E0", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _limits(value: np.ndarray, low: np.ndarray, high: np.ndarray, bar: float) -> tuple[float, float]:
    """What the axis shows: the bar and the points always, bounds as far as a few times the bar's distance from the end of the scale."""
    if bar < 50:
        return 0.0, min(100.0, max(4 * bar, 1.25 * np.nanmax([bar, *value])), 1.15 * np.nanmax([bar, *high, *value]) + 0.2)
    return max(0.0, min(100 - 4 * (100 - bar), 1.25 * np.nanmin([bar, *value]) - 25), 1.05 * np.nanmin([bar, *low, *value]) - 5.5), 100.4
