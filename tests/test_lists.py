"""Lists of households with names: who is on them, what of a name is shown, and that no text of a ledger comes alive."""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd
import pytest
from openpyxl import load_workbook

import linwu_stats
from linwu_stats.publish.lists import case_lists, mask_names, notice_days, public_notices

HOSTILE = '<script>alert(1)</script>=HYPERLINK("http://x")'


def test_masked_name_says_nothing_of_its_length_and_namesakes_are_numbered():
    names = pd.Series(["张三", "张小明", "李四", "欧阳修", "欧阳", " 王 五", "", None, "阿卜杜·热依木", "431099199001010019"])
    # 欧阳 alone is a name of two characters: 欧 is its surname as far as anybody can tell.
    assert mask_names(names).tolist() == [
        "张**（1）", "张**（2）", "李**", "欧阳**", "欧**", "王**", "（姓名不详）（1）", "（姓名不详）（2）", "阿**",
        "（姓名不详）（3）",
    ]


def test_both_days_of_a_notice_count():
    assert notice_days(dt.date(2018, 2, 26), linwu_stats.rules_at("2018-03-31")) == (dt.date(2018, 2, 26), dt.date(2018, 3, 4))


@pytest.fixture(scope="module")
def quarter(small_home):
    return linwu_stats.open_quarter("2017Q3", home=small_home)


@pytest.fixture(scope="module")
def heads(quarter):
    return dict.fromkeys(quarter.households["household_id"], "张三丰")


def test_notice_holds_who_meets_all_and_who_just_left(quarter, heads, tmp_path):
    paths = public_notices(quarter, heads, tmp_path, dt.date(2018, 4, 10))
    rows = quarter.household_exit.merge(quarter.households[["household_id", "village_code", "poverty_status"]], on="household_id")
    meets = (rows["verdict"] == "meets_exit").fillna(False) & rows["poverty_status"].isin(["not_out", "pre_out", "returned"])
    left = rows["household_id"].isin(quarter.transitions.loc[quarter.transitions["transition"] == "newly_out", "household_id"])
    wanted = rows[meets | left].groupby("village_code").size()
    assert {path.stem for path in paths} == {f"{code}_2017Q3" for code in wanted.index}
    assert len(wanted), "the sample has households to post"
    for path in paths:
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            assert text.count('<th scope="row"') == wanted[path.stem[:12]]
            assert "自2018年4月10日起至2018年4月16日止" in text
            assert "三丰" not in text
            assert not re.search(r"\d{14}", re.sub(r"base64,[^)\"]*", "", text)), "no household code, no ID number"
            assert "张**" in text


def test_case_list_is_marked_on_page_and_sheet(quarter, heads, tmp_path):
    paths = case_lists(quarter, heads, tmp_path)
    rows = quarter.households.merge(quarter.household_exit[["household_id", "verdict"]], on="household_id")
    wanted = rows[rows["poverty_status"].isin(["not_out", "pre_out", "returned"]) | (rows["verdict"] == "not_out").fillna(False)]
    counts = wanted.groupby("township_code").size()
    assert {path.name for path in paths} == {f"{code}_2017Q3_cases{kind}" for code in counts.index for kind in (".html", ".xlsx")}
    for path in paths:
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            assert "内部使用　不得公开" in text
            assert "张三丰" in text
        else:
            sheet = load_workbook(path)["表1"]
            assert "内部使用，不得公开" in sheet["A2"].value
            assert sheet.max_row - 4 == counts[path.stem[:9]]


def test_a_name_is_only_ever_text(quarter, tmp_path):
    bad = dict.fromkeys(quarter.households["household_id"], HOSTILE)
    for path in (*public_notices(quarter, bad, tmp_path / "a"), *case_lists(quarter, bad, tmp_path / "b")):
        if path.suffix == ".html":
            text = path.read_text(encoding="utf-8")
            assert "<script>alert" not in text
        else:
            for sheet in load_workbook(path).worksheets:
                assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_without_a_first_day_the_dates_are_left_to_fill_in(quarter, heads, tmp_path):
    page = next(path for path in public_notices(quarter, heads, tmp_path) if path.suffix == ".html")
    assert "自____年__月__日起" in page.read_text(encoding="utf-8")
