"""Figures: nothing that a reader needs leaves the picture (图不出框)."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image

from linwu_stats.publish import plots

LONG = "特别长的西山瑶族自治乡第一生产大队与特别长的西山瑶族自治乡第二生产大队：人均纯收入特别长的西山瑶族自治乡最高，镇南乡最低，两者相差 5,030 元"


def drawn(title: str, **changes: object) -> np.ndarray:
    given = {"reference": 4800, "reference_label": "县平均", "axis_label": "元", "title": title} | changes
    png = plots.plot_ranking(["特别特别长的西山瑶族自治乡第一生产大队", "$x^2$乡", "a_b"], [5000, -30, 0], **given)  # type: ignore[arg-type]
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"))


def edge(picture: np.ndarray) -> np.ndarray:
    """The outermost pixels of all four sides."""
    return np.concatenate([picture[:2].ravel(), picture[-2:].ravel(), picture[:, :2].ravel(), picture[:, -2:].ravel()])


def test_long_chinese_title_takes_the_lines_that_it_needs() -> None:
    short, long = drawn("一"), drawn(LONG)
    assert (edge(short) > 250).all()
    assert (edge(long) > 250).all(), "the title is cut at the edge"
    assert long.shape[1] == short.shape[1]
    assert 10 < long.shape[0] - short.shape[0] < 40, "one more line"


def test_lines_are_filled_by_the_width_of_their_characters() -> None:
    assert plots._lines("人均纯收入12,345元", 10) == ["人均纯收入", "12,345元"]
    assert plots._lines("", 10) == [""]


def test_margins_hold_long_names_and_a_legend_below() -> None:
    table = pd.DataFrame({"met": [1_234_567, 5], "not_met": [0, 3], "unknown": [0, 0]}, index=["特别特别特别特别特别长的条件名称", "收入"])
    png = plots.plot_outcomes(table, labels={"met": "达标", "not_met": "未达标", "unknown": "未知"}, title=LONG, axis_label="户数")
    assert (edge(np.asarray(Image.open(io.BytesIO(png)).convert("L"))) > 250).all()
