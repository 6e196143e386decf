"""The page 指标: numbers as the tables have them, doubt in front, groups of few households not shown, nothing from a name in the page."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest

from linwu_stats import open_quarter
from linwu_stats.publish import facts, pages_estimate, pages_indicator_parts, pages_indicators, words
from linwu_stats.publish.plan import plan_pages
from linwu_stats.publish.tables_html import format_value

PARTS = ("sources", "within_between", "changes", "growth_figure", "exits", "multidimensional", "multidimensional_figure")
MAIN = ("doubts", "key_figures", "main_points", "bounds_figure", "bounds_table", "lorenz_figure", "zero_rules", "small_areas")


@pytest.fixture(scope="module")
def q(small_home):
    return open_quarter("2018Q1", home=small_home)


def text(fragment) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", fragment._repr_html_()))


def county(q) -> str:
    return q.rules.value("area.county")["code"]


def everything(q, area) -> str:
    parts = [text(getattr(pages_indicators, name)(q, area)) for name in MAIN] + [text(getattr(pages_indicator_parts, name)(q, area)) for name in PARTS]
    return " ".join([*parts, *(text(pages_indicator_parts.subgroups(q, area, kind)) for kind in ("attribute", "cause", "poverty_status", "size"))])


def test_every_area_has_a_page_without_holes(q):
    sizes = q.households["township_code"].value_counts()
    codes = [county(q), *sizes.index, *(code for code in q.area_names if len(code) == 9)]
    for area in (codes[0], codes[1], min(codes[1:], key=lambda code: sizes.get(code, 0))):
        shown = everything(q, area)
        assert not re.search(r"\bnan\b|<NA>|&lt;NA&gt;|\bNone\b|\bNaT\b", shown)
        assert not set(q.households["household_id"]) & set(re.findall(r"\b\d{14}\b", shown))


def test_the_plan_has_the_pages_of_county_and_townships(q):
    pages = [page for page in plan_pages(q) if page.kind == "indicators"]
    assert len(pages) == 1 + sum(len(code) == 9 for code in q.area_names)
    assert pages[0].file == f"{county(q)}_indicators_2018Q1.html"


def test_doubts_say_register_and_unknown(q):
    said = text(pages_indicators.doubts(q, county(q)))
    unknown = int(q.household_income.loc[q.household_income["period"] == "last4", "net_fen"].isna().sum())
    assert "全面登记，无抽样误差" in said
    assert f"收入未知 {unknown:,} 户" in said


def test_numbers_are_those_of_the_tables(q):
    bounds = q.indicator_bounds
    row = bounds[(bounds["level"] == "county") & (bounds["period"] == "last4") & (bounds["indicator"] == "headcount_ratio")].iloc[0]
    value, low, high = (format_value(row[name], "percent") for name in ("value", "low", "high"))
    assert f"{value}（{low}至{high}）" in text(pages_indicators.bounds_table(q, county(q)))
    sources = q.indicator_sources
    wage = sources[(sources["level"] == "county") & (sources["period"] == "last4") & (sources["source"] == "wage")].iloc[0]
    assert format_value(wage["contribution_share"], "percent") in text(pages_indicator_parts.sources(q, county(q)))


def test_groups_of_few_households_show_no_figures(q):
    table = q.indicator_subgroups
    part = table[(table["level"] == "county") & (table["period"] == "last4") & (table["group_kind"] == "cause") & (table["measure"] == "fgt0")]
    few = int((part["households"] < 5).sum())
    assert text(pages_indicator_parts.subgroups(q, county(q), "cause")).count("不足五户，不列") == few * 6


def test_one_without_a_year_before_says_so(q):
    columns = q.indicator_lorenz.assign(growth=pd.Series(pd.NA, index=q.indicator_lorenz.index, dtype="Float64"))
    alone = SimpleNamespace(**{name: getattr(q, name) for name in ("quarter", "area_names", "rules", "is_sample", "indicators", "households", "villages",
                                                                   "headcounts", "household_income", "indicator_bounds")},
                            indicator_lorenz=columns, indicator_changes=q.indicator_changes.iloc[:0], year_ago=None, previous=None)
    assert "没有可比的上年同期收入" in text(pages_indicator_parts.growth_figure(alone, county(q)))
    assert "没有可比的上年同期收入" in text(pages_indicator_parts.changes(alone, county(q)))
    assert "没有上季评估" in text(pages_indicator_parts.exits(alone, county(q)))
    assert "没有可比的上年同期收入，不作变动分解" in text(pages_indicators.doubts(alone, county(q)))


def test_a_small_area_model_is_said_to_have_nothing_to_add(q):
    assert "没有抽样误差" in text(pages_indicators.small_areas(q, county(q)))


def test_an_unknown_area_is_refused(q):
    with pytest.raises(facts.AreaError):
        pages_indicators.doubts(q, "431025999")


def test_no_code_for_programs_stands_in_the_words_of_the_indices(q):
    shown = text(pages_indicators.zero_rules(q, county(q)))
    assert "平均为零或为负时为空" in shown
    assert not re.search(r"[a-z]+_[a-z]+|negative=|sign=", shown)
    assert words.in_chinese("照计; 平均为零时为空 (mean_not_positive); 比 (y < z), 见甲: 乙") == "照计；平均为零时为空；比 (y < z)，见甲：乙"
    assert not any(", " in said or "; " in said for said in words.REASONS.values())


def test_tables_of_different_groups_have_different_captions(q):
    kinds = {"attribute": "贫困户属性", "cause": "主要致贫原因", "poverty_status": "脱贫属性"}
    captions = [re.search(r"<caption>(.*?)</caption>", str(pages_estimate.groups(q, county(q), kind).markup)).group(1) for kind in kinds]
    assert all(f"按{word}分组" in caption for word, caption in zip(kinds.values(), captions, strict=True))
    points = str(pages_estimate.main_points(q, county(q)).markup)
    assert '<span class="rule">exit.household.income</span>' in points, "a rule key opens the rule"
    assert re.search(r"测算 [\d,]+ 元（80% 区间 [\d,]+至[\d,]+ 元）", points)
    assert re.search(r"测算 [\d.]+%（80% 区间 [\d.]+%至[\d.]+%）", points)
