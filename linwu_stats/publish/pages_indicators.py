"""The pages on poverty and inequality (贫困与不平等指标): doubts, key figures, bounds by township, Lorenz curves, what zero incomes do.

Every function takes a quarter ``q`` and an area code (county or township) and gives a fragment, as in :mod:`linwu_stats.publish.pages`. No household is named;
a group of fewer than five households shows no figures. Parts and changes are in :mod:`linwu_stats.publish.pages_indicator_parts`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from linwu_stats.indicators.sampled import indices_frame
from linwu_stats.publish import facts, tables_html, words
from linwu_stats.publish.pages_indicator_parts import (
    PERIOD,
    SMALLEST_GROUP,
    bounds_of,
    change_period,
    county_of,
    dimension_terms,
    growth_rows,
    known_range,
    range_of,
    rows_of,
    townships_of,
    with_range,
)
from linwu_stats.publish.plots_indicators import plot_bounds, plot_lorenz
from linwu_stats.publish.tables_html import Fragment, KeyFigure, Show, bullets, format_value, note, picture, render_table
from linwu_stats.tables import label

__all__ = ["bounds_figure", "bounds_table", "doubts", "key_figures", "lorenz_figure", "main_points", "small_areas", "zero_rules"]

_SHOWN = {
    "headcount_ratio": ("低于标准人口比重", "percent", "%"), "poverty_gap_index": ("贫困差距指数", "percent", "%"), "gini": ("基尼系数", "index", ""),
    "mean_percapita_yuan": ("人均纯收入", "integer", "元"), "median_percapita_yuan": ("人均纯收入中位数", "integer", "元"),
    "persons_below": ("低于标准人口", "integer", "人"),
}
_DRAWN = ("headcount_ratio", "poverty_gap_index", "gini")


def doubts(q: Any, area: str) -> Fragment:
    """What limits the indicators (疑点与限制): no sampling error, how many are unknown, which periods cannot be compared."""
    bounds = rows_of(q, "indicator_bounds", area)
    one = bounds[(bounds["period"] == PERIOD) & (bounds["indicator"] == "headcount_ratio")]
    items = ["示例数据：本页的户、人和金额都是程序虚构的，不得引用。"] if q.is_sample else []
    items.append("本页的数来自建档立卡全面登记，无抽样误差；误差只来自登记差错和收入未知的户，没有置信区间，只有最低和最高可能值。")
    if len(one):
        row = one.iloc[0]
        persons = "人数未知" if pd.isna(row["unknown_persons"]) else f"{int(row['unknown_persons']):,} 人"
        items.append(f"最近四个季度收入未知 {int(row['unknown_households']):,} 户（{persons}），不参加计算；下面各表给出他们全在或全不在标准以下时的数。")
    items.append("均值、分位数和基尼系数的上下限假定收入未知的人人均在零与全县已知最高之间，是假定，不是查证。")
    compared = rows_of(q, "indicator_lorenz", area)
    if compared["growth"].isna().all():
        items.append("没有可比的上年同期收入，不作变动分解。")
    elif change_period(q, area) not in ("last4", "year"):
        items.append("台账不足两个整年，变动只能比较不足一年的同一时段，用的是上年同期中位数的一定比例，不是扶贫标准，不用来判定任何一户。")
    items.append("收入均为现价，没有扣除价格变动。")
    return bullets(items, "doubts", heading="疑点与限制")


def key_figures(q: Any, area: str) -> Fragment:
    """Share below the line, gap, Gini, multidimensional poverty (关键指标), each with its lowest and highest possible value."""
    figures = []
    bounds = rows_of(q, "indicator_bounds", area)
    bounds = bounds[bounds["period"] == PERIOD].set_index("indicator")
    for name in ("headcount_ratio", "poverty_gap_index", "gini", "mean_percapita_yuan"):
        term, kind, unit = _SHOWN[name]
        row = bounds.loc[name]
        shown = tables_html.shown_or_why(row["value"], kind, row["reason_code"])
        figures.append(KeyFigure(term, shown, unit, (("可能范围", range_of(row, kind)),), about="最近四个季度"))
    lacks = rows_of(q, "indicator_multidimensional", area).set_index(["measure", "indicator"])
    row = lacks.loc[("H", "all")]
    figures.append(KeyFigure("多维贫困发生率", known_range(row), "%", about="不含收入；有未知时为可能范围"))
    return tables_html.key_figures(figures)


def main_points(q: Any, area: str) -> Fragment:
    """The indicators in sentences (要点): the largest source, the group that bears most, what moved, which dimension."""
    here, items = facts.place(q, area), []
    found = rows_of(q, "indicator_sources", area)
    found = found[(found["period"] == PERIOD) & (found["source"] != "whole") & found["contribution_share"].notna()]
    if len(found):
        top, evens = found.sort_values("contribution_share").iloc[-1], found[found["elasticity"] < 0]
        items.append(
            f"基尼系数的 {format_value(top['contribution_share'], 'percent')}% 来自{label('indicator_source', top['source'])}，它占纯收入的 "
            f"{format_value(top['income_share'], 'percent')}%。"
        )
        if len(evens):
            names = "、".join(label("indicator_source", one) for one in evens["source"])
            items.append(f"{names}的边际影响为负：各户这项收入同比例增加，差距缩小。")
    groups = rows_of(q, "indicator_subgroups", area)
    groups = groups[(groups["period"] == PERIOD) & (groups["group_kind"] == "cause") & (groups["measure"] == "fgt1_share") & groups["value"].notna()]
    groups = groups[groups["households"] >= SMALLEST_GROUP]
    if len(groups):
        top = groups.sort_values("value").iloc[-1]
        items.append(f"按致贫原因，贫困差距的 {format_value(top['value'], 'percent')}% 落在{words.group('cause', top['group_value'])}的户。")
    change = growth_rows(q, area, "shapley", "fgt0")
    if change is not None and pd.notna(change["change"]):
        points = {name: format_value(change[name], "percent", signed=True) for name in ("change", "growth", "redistribution", "line")}
        line = "" if not change["line"] else f"，标准变动 {points['line']}"
        items.append(f"与上年同期比，低于收入线的人口比重变动 {points['change']} 个百分点：增长 {points['growth']}，分配 {points['redistribution']}{line}。")
    lacks = rows_of(q, "indicator_multidimensional", area)
    lacks = lacks[(lacks["measure"] == "dimension_share") & lacks["value"].notna()]
    if len(lacks):
        top = lacks.sort_values("value").iloc[-1]
        items.append(f"多维贫困指数的 {format_value(top['value'], 'percent')}% 来自{dimension_terms(q).get(top['indicator'], top['indicator'])}。")
    return bullets(items, "points", empty=f"{here.name}没有可以说明的指标。")


def bounds_figure(q: Any, area: str) -> Fragment:
    """Share below the line, gap and Gini of each sub-area with their bounds drawn (各地上下限图); of a township beside the county."""
    here = facts.place(q, area)
    codes = townships_of(q) if here.level == "county" else [county_of(q), area]
    tables = {code: bounds_of(q, code) for code in codes}
    shares = {code: one.loc["headcount_ratio"] for code, one in tables.items()}
    tables = {code: one for code, one in tables.items() if pd.notna(shares[code]["value"]) and shares[code]["households"] >= SMALLEST_GROUP}
    if not tables:
        return note(f"{here.name}：没有可以画出的地区。")
    order = sorted(tables, key=lambda code: (float(tables[code].loc["headcount_ratio", "value"]), code))
    names, whole = [q.area_names[code] for code in order], bounds_of(q, county_of(q))
    panels, references = {}, {}
    for name in _DRAWN:
        term, kind, unit = _SHOWN[name]
        factor = 100.0 if kind == "percent" else 1.0
        axis = f"{term}（{unit}）" if unit else term
        numbers = [tables[code].loc[name, ["value", "low", "high"]].astype("Float64") * factor for code in order]
        panels[axis] = pd.DataFrame(numbers).astype(float).reset_index(drop=True)
        references[axis] = None if pd.isna(whole.loc[name, "value"]) else float(whole.loc[name, "value"]) * factor
    title = f"{here.name}：点为已知收入的数，线为最低至最高可能值"
    png = plot_bounds(names, panels, references, title=title)
    alt = "；".join(
        f"{q.area_names[code]} 低于标准 {format_value(shares[code]['value'], 'percent')}%（{range_of(shares[code], 'percent')}）" for code in order
    )
    return picture(png, f"{title}。{alt}。", "线越长，收入未知的人越多；线段重叠的地区，名次先后不可靠。虚线是全县。")


def bounds_table(q: Any, area: str) -> Fragment:
    """The same numbers as a table (上下限表): each indicator with its range."""
    here = facts.place(q, area)
    codes = [area, *(townships_of(q) if here.level == "county" else [])]
    rows = []
    for code in codes:
        found = bounds_of(q, code)
        few = code != area and int(found["households"].iloc[0]) < SMALLEST_GROUP
        rows.append({
            "name": q.area_names[code] if code != area else "全县" if here.level == "county" else here.name,
            "households": found["households"].iloc[0], "unknown": found["unknown_households"].iloc[0],
            **{name: words.REASONS["few_households"] if few else with_range(found.loc[name], _SHOWN[name][1]) for name in _SHOWN},
        })
    columns = {"name": Show("地区"), "households": Show("户数", "integer", "户"), "unknown": Show("收入未知", "integer", "户")}
    columns |= {name: Show(term, "figure", unit) for name, (term, _, unit) in _SHOWN.items()}
    return render_table(
        pd.DataFrame(rows, columns=list(columns)), columns, caption=f"{here.name}各项指标及最低、最高可能值（最近四个季度）", wide=len(codes) > 1,
        note_text="全面登记，无抽样误差。括号内是收入未知的人全不在、全在标准以下时的数；均值、中位数和基尼系数假定他们人均在零与全县已知最高之间。"
        "没有收入未知的户时两端相同。",
    )


def lorenz_figure(q: Any, area: str) -> Fragment:
    """Lorenz curve of the area now, a year ago where comparable, and of the county (洛伦兹曲线)."""
    here, curves, spoken = facts.place(q, area), {}, []
    sources = [(here.name, q, area)] + ([(q.area_names[county_of(q)], q, county_of(q))] if here.level != "county" else [])
    if q.year_ago is not None and area in q.year_ago.area_names:
        sources.append((f"{here.name}上年同期", q.year_ago, area))
    for name, quarter, code in sources:
        table = rows_of(quarter, "indicator_lorenz", code)
        table = table[(table["period"] == PERIOD) & table["lorenz"].notna()]
        if len(table):
            curves[name] = (table["percent"].astype(float).tolist(), (table["lorenz"].astype(float) * 100).tolist())
            half = table.loc[table["percent"] == 50, "lorenz"]
            spoken.append(f"{name}：收入最低的一半人得 {format_value(half.iloc[0], 'percent')}% 的收入")
    if not curves:
        return note(f"{here.name}：没有可以画出的洛伦兹曲线。")
    title = f"{here.name}：洛伦兹曲线（最近四个季度）"
    see = "曲线离斜线越远，收入差距越大；两条曲线相交时，哪个更不平均取决于看哪一段。"
    return picture(plot_lorenz(curves, title=title), f"{title}。{'；'.join(spoken)}。", see)


def zero_rules(q: Any, area: str) -> Fragment:
    """What each index does with zero and negative incomes, and where its boundary is (零收入与负收入的处理)."""
    facts.place(q, area)
    frame = indices_frame().fillna("").replace("", "—")
    frame = frame.assign(**{name: frame[name].map(words.in_chinese) for name in ("formula", "zero", "negative", "sign")})
    columns = {"term": Show("指标"), "formula": Show("公式"), "zero": Show("零收入"), "negative": Show("负收入"), "sign": Show("界限"), "source": Show("出处")}
    return render_table(
        frame, columns, caption="各指标的公式、零收入与负收入的处理", search="筛选指标",
        note_text="没有数值的指标写明原因，从不因个别户收入为零或为负而悄悄剔除该户。",
    )


def small_areas(q: Any, area: str) -> Fragment:
    """Whether a small-area model has anything to add (小区域估计): not to a register."""
    here = facts.place(q, area)
    return note(
        f"{here.name}的指标来自全面登记，每个乡镇都有全部的户，没有抽样误差，因此本页没有小区域模型估计。只抽查一部分户的地区才用得上 Fay-Herriot 模型"
        "（linwu_stats.indicators.small_area），届时与直接估计并列，并给出均方误差。回头看抽查的比率接近零，不适用这个模型，见回头看一页。"
    )
