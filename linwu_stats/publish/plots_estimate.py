"""Figures of the full-year estimates (测算图): intervals drawn, and probabilities against what came. As in :mod:`linwu_stats.publish.plots`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from linwu_stats.publish import plots
from linwu_stats.publish.plots import COLOURS

__all__ = ["plot_calibration", "plot_intervals"]


def plot_intervals(names: Sequence[str], table: pd.DataFrame, *, reference: float | None, title: str, axis_label: str) -> bytes:
    """One row an area: point, 80 percent interval thick, 95 percent thin, the whole area's value dashed (区间图).

    ``table`` has value, low80, high80, low95, high95 in the order of ``names``, none unknown.
    """
    figure, axes = plots._figure(7.6, 1.2 + 0.3 * len(names), title)
    places = np.arange(len(names))
    axes.hlines(places, table["low95"], table["high95"], color=COLOURS[0], linewidth=1.2)
    axes.hlines(places, table["low80"], table["high80"], color=COLOURS[1], linewidth=5.5)
    axes.plot(table["value"], places, "o", color=COLOURS[0], markersize=5, markeredgecolor="white")
    if reference is not None:
        axes.axvline(reference, color=COLOURS[2], linewidth=1.6, linestyle="--", label=f"全地区 {reference:,.1f}")
        axes.legend(frameon=False, loc="upper right")  # rows rise to the right, so this corner is free
    axes.set_yticks(places, [plots._plain(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(axis_label)
    axes.set_xlim(left=max(0.0, float(table["low95"].min()) * 0.9 - 0.5))
    axes.grid(axis="x", color="#E0E0E0", linewidth=0.6)
    axes.set_axisbelow(True)
    return plots._png(figure)


def plot_calibration(counts: np.ndarray, said: np.ndarray, came: np.ndarray, households: np.ndarray, *, title: str) -> bytes:
    """Households by tenth of probability, and beside it probability said against share that came (可能性分布与校准图).

    ``counts`` of ten tenths; ``said``, ``came`` and ``households`` of the record's tenths, perhaps none.
    """
    figure = plots._titled(7.6, 3.6, title)
    left, right = figure.subplots(1, 2, width_ratios=(1.35, 1))
    places = np.arange(10)
    bars = left.bar(places, counts, width=0.85, color=[COLOURS[3] if place in (0,) else COLOURS[0] if place == 9 else COLOURS[1] for place in places])
    left.bar_label(bars, [f"{int(count):,}" for count in counts], fontsize=8)
    left.set_xticks(places, [f"{10 * place}–{10 * place + 10}" for place in places], fontsize=7.5)
    left.set_xlabel("超过标准的可能性（%）")
    left.set_ylabel("户数（户）")
    left.yaxis.set_major_formatter(plots._thousands)
    right.plot([0, 100], [0, 100], color=plots.GREY, linewidth=1.2)
    right.scatter(100 * said, 100 * came, s=20 + 160 * np.sqrt(households / max(households.max(initial=1.0), 1.0)), color=COLOURS[0], alpha=0.8)
    right.set_xlim(-4, 104)
    right.set_ylim(-4, 104)
    right.set_xlabel("以往测算的可能性（%）")
    right.set_ylabel("实际超过的比例（%）")
    right.set_title("" if len(said) else "还没有可检验的年度", fontsize=9)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    return plots._png(figure)
