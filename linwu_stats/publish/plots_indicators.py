"""Figures of the indicators (指标图): bounds drawn, Lorenz and growth curves, parts of multidimensional poverty. As in :mod:`linwu_stats.publish.plots`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from linwu_stats.publish import plots
from linwu_stats.publish.plots import COLOURS, GREY

__all__ = ["plot_bounds", "plot_growth", "plot_lorenz", "plot_parts"]


def plot_bounds(names: Sequence[str], panels: Mapping[str, pd.DataFrame], references: Mapping[str, float | None], *, title: str) -> bytes:
    """One row an area, one panel an indicator: the value, the line from lowest to highest possible value, the whole area dashed (上下限图).

    Each frame of ``panels`` (title of its axis: frame) has value, low, high in the order of ``names``; NaN where unknown.
    """
    figure = plots._titled(7.6, 1.35 + 0.3 * len(names), title)
    drawn = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    places = np.arange(len(names))
    for place, (one, (label, table)) in enumerate(zip(drawn, panels.items(), strict=True)):
        known = table["value"].notna().to_numpy()
        bounded = (table["low"].notna() & table["high"].notna()).to_numpy()
        one.hlines(places[bounded], table["low"][bounded], table["high"][bounded], color=COLOURS[1], linewidth=5.5)
        one.plot(table["value"][known], places[known], "o", color=COLOURS[0], markersize=4.5, markeredgecolor="white")
        reference = references.get(label)
        if reference is not None:
            one.axvline(reference, color=COLOURS[2], linewidth=1.4, linestyle="--")
        one.set_xlabel(label)
        one.grid(axis="x", color="#E0E0E0", linewidth=0.6)
        one.set_axisbelow(True)
        one.set_ylim(len(names) - 0.4, -0.6)
        one.spines[["top", "right"]].set_visible(False)
        if place == 0:
            one.set_yticks(places, [plots._plain(name) for name in names])
        else:
            one.tick_params(axis="y", length=0)
    return plots._png(figure)


def plot_lorenz(curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, title: str) -> bytes:
    """Lorenz curves beside the line of equality (洛伦兹曲线): name to (percent of persons, per cent of income)."""
    figure, axes = plots._figure(5.6, 4.4, title)
    axes.plot([0, 100], [0, 100], color=GREY, linewidth=1.2, label="完全平均")
    for (name, (persons, income)), colour, style in zip(curves.items(), COLOURS, ("-", "--", ":", "-."), strict=False):
        axes.plot(persons, income, color=colour, linewidth=1.9, linestyle=style, label=plots._plain(name))
    axes.set_xlabel("人口累计（%，从收入最低起）")
    axes.set_ylabel("收入累计（%）")
    axes.set_xlim(0, 100)
    axes.legend(frameon=False, loc="upper left")
    axes.grid(color="#E0E0E0", linewidth=0.6)
    axes.set_axisbelow(True)
    return plots._png(figure)


def plot_growth(percent: Sequence[float], growth: Sequence[float], low: Sequence[float], high: Sequence[float], *, mean: float | None, title: str) -> bytes:
    """Growth of each quantile with its band, and that of the mean dashed (增长发生曲线): in per cent; the band is NaN where there is none."""
    figure, axes = plots._figure(7.6, 3.4, title)
    axes.fill_between(percent, np.asarray(low, dtype=float), np.asarray(high, dtype=float), color=COLOURS[1], alpha=0.35, linewidth=0, label="最低至最高可能")
    axes.plot(percent, growth, color=COLOURS[0], linewidth=1.9, marker="o", markersize=3.5, label="分位数增幅")
    if mean is not None:
        axes.axhline(mean, color=COLOURS[2], linewidth=1.5, linestyle="--", label=f"平均数增幅 {mean:,.1f}%")
    axes.axhline(0, color=plots.INK, linewidth=0.8)
    axes.set_xlabel("人口百分位（从收入最低起）")
    axes.set_ylabel("增幅（%）")
    axes.set_xlim(0, 100)
    axes.legend(frameon=False, loc="best")
    axes.grid(axis="y", color="#E0E0E0", linewidth=0.6)
    axes.set_axisbelow(True)
    return plots._png(figure)


def plot_parts(table: pd.DataFrame, *, title: str, axis_label: str) -> bytes:
    """Parts of a whole by area, stacked (构成图): one row an area (index), one column a part, none unknown or negative."""
    figure, axes = plots._figure(7.6, 1.5 + 0.3 * len(table), title)
    places, left = np.arange(len(table)), np.zeros(len(table))
    for column, colour, hatch in zip(table.columns, (*COLOURS, GREY, "#3D3D3D", "#A285D1"), ("", "..", "xx", "//", "", "--", "++"), strict=False):
        values = table[column].to_numpy(dtype=float)
        axes.barh(places, values, left=left, color=colour, edgecolor="white", hatch=hatch, height=0.7, label=plots._plain(str(column)))
        left += values
    axes.set_yticks(places, [plots._plain(str(name)) for name in table.index])
    axes.invert_yaxis()
    axes.set_xlabel(axis_label)
    axes.legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.45, -0.16 if len(table) > 6 else -0.3))
    return plots._png(figure)
