"""What the pages of county, township and village say (页面内容): key figures, main points, areas below, comparison, published totals, method.

Every function takes a quarter ``q`` as ``linwu_stats.open_quarter`` gives it and an area code, and gives a fragment that a notebook cell shows.
Numbers come from :mod:`linwu_stats.publish.facts`, words from :mod:`linwu_stats.publish.words`; both are put into escaped HTML by
:mod:`linwu_stats.publish.tables_html`, which alone rounds. What is unknown is said, with its reason; an area without households gives sentences.
Doubts are in :mod:`linwu_stats.publish.pages_doubts`, income in :mod:`linwu_stats.publish.pages_income`, exits in :mod:`linwu_stats.publish.pages_exit`, the
methods page in :mod:`linwu_stats.publish.pages_methods`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats.publish import facts, plots, tables_html, trends, words
from linwu_stats.publish.tables_html import Fragment, KeyFigure, Show, bullets, format_value, join, note, render_table
from linwu_stats.tables import label

__all__ = ["comparison", "key_figures", "main_points", "method_notes", "published_totals", "ranking", "title"]

#: Key figures of each level, in order.
_KEY = {
    "county": ("poor_persons", "incidence", "mean_quarter", "mean_last4", "meets_exit", "unknown_income"),
    "township": ("poor_persons", "incidence", "mean_quarter", "mean_last4", "meets_exit", "unknown_income"),
    "village": ("poor_persons", "incidence", "mean_quarter", "meets_exit", "unknown_income"),
}

#: Those whose last quarters are drawn; verdicts of quarters within a year do not compare.
_WITH_TREND = ("poor_persons", "incidence", "mean_quarter", "mean_last4")


def title(q: Any, area: str) -> Fragment:
    """Title of a page for a reader in JupyterLab (标题); the published page has its own title block."""
    sample = "（示例数据）" if q.is_sample else ""
    here = facts.place(q, area)
    return Fragment(Markup("<h1>{}贫困户人均纯收入与脱贫评估 {}{}</h1>").format(here.name, words.quarter_name(q.quarter), sample))


def key_figures(q: Any, area: str) -> Fragment:
    """The strip of key figures (关键指标), each with its change on the previous quarter and on the same quarter a year ago, and its trend."""
    figures = []
    for name in _KEY[facts.place(q, area).level]:
        measure, now = facts.MEASURES[name], facts.measure(q, area, name)
        trend = trends.sparkline(trends.history(q, area, name), measure.kind, measure.unit) if name in _WITH_TREND else Markup()
        unit = measure.unit if now.value is not None else ""
        figures.append(KeyFigure(measure.label, format_value(now.value, measure.kind), unit, trends.changes(q, area, name), trend))
    return tables_html.key_figures(figures)


def main_points(q: Any, area: str) -> Fragment:
    """At most five sentences, each with its number from the tables below (要点)."""
    level = facts.place(q, area).level
    points = [_point_stock(q, area), _point_income(q, area), _point_line(q, area), _point_exit(q, area)]
    points.append(_point_below(q, area) if level != "village" else None)
    return bullets([point for point in points if point], "main-points", heading="要点", empty="本地区本季没有建档立卡贫困户。")


def ranking(q: Any, area: str) -> Fragment:
    """The areas one level down in order of per-capita net income, with the whole area's line (下级地区排序): figure and table."""
    here = facts.place(q, area)
    rows = pd.DataFrame([_area_row(q, below) for below in facts.areas_below(q, area)])
    kind = "乡镇" if here.level == "county" else "行政村"
    if rows.empty:
        return note(f"{here.name}没有下级{kind}的数据。")
    rows = rows[rows["households"] > 0].sort_values(["mean_last4", "code"], ascending=[False, True], na_position="last")
    denominator = facts.stock(q, area)["denominator"]
    table = render_table(
        rows,
        {
            "name": Show(kind),
            "households": Show("贫困户", "integer", "户"),
            "persons": Show("贫困人口", "integer", "人"),
            "poor_persons": Show("未脱贫", "integer", "人"),
            "incidence": Show("贫困发生率", "percent", "%", reason="incidence_reason"),
            "mean_quarter": Show("本季人均", "integer", "元", reason="mean_quarter_reason"),
            "mean_last4": Show("最近四季人均", "integer", "元", reason="mean_last4_reason"),
            "below_line": Show("低于标准", "percent", "%", reason="below_line_reason"),
            "meets_exit": Show("符合退出", "integer", "户"),
            "unknown_income": Show("收入未知", "integer", "户"),
        },
        caption=f"{here.name}各{kind}（按最近四个季度人均纯收入排序）",
        note_text=f"贫困发生率＝未脱贫人口÷{denominator}；低于标准＝低于当年标准的人口÷收入已知的建档立卡人口：两者分母不同，不能相比。符合退出只数未脱贫户。",
        empty=f"没有{kind}有建档立卡贫困户。",
    )
    return join(_ranking_figure(q, here, rows, kind), table)


def comparison(q: Any, area: str) -> Fragment:
    """This quarter beside the previous one and the same quarter a year ago (与上季、上年同季比较)."""
    earlier = facts.earlier_quarters(q, area)
    rows = []
    for name, measure in facts.MEASURES.items():
        now = facts.measure(q, area, name)
        row = {"measure": measure.label + (f"（{measure.unit}）" if measure.unit else ""), "now": _shown(measure, now)}
        for number, (term, problem, other) in enumerate(earlier):
            before = facts.Value(None) if problem else facts.measure(other, area, name)
            compared = not problem and now.value is not None and before.value is not None and not facts.not_comparable(q, other, name)
            row |= {
                f"before{number}": f"—（{problem}）" if problem else _shown(measure, before),
                f"change{number}": trends.change(measure, now, before, term) if compared else "—",
            }
        rows.append(row)
    columns = {"measure": Show("指标"), "now": Show(f"本季（{q.quarter}）", "figure")}
    for number, (term, _, other) in enumerate(earlier):
        columns |= {
            f"before{number}": Show(f"{term}（{other.quarter}）" if other is not None else term, "figure"),
            f"change{number}": Show(f"比{term}", "figure"),
        }
    return render_table(
        pd.DataFrame(rows),
        columns,
        caption=f"{facts.place(q, area).name}与前期比较",
        note_text="低于标准人口比重各季按当年标准计算，标准逐年提高，跨年比较含标准变动；收入为现价，未扣除价格因素。"
        "“—”：有一方未知，或两季的本年度累计季数不同，评估结论不可比。",
    )


def published_totals(q: Any, area: str) -> Fragment:
    """The register's totals set against the published ones (与公布数核对): the end of 2017 and this quarter; a sentence on other pages."""
    here = facts.place(q, area)
    if here.level != "county" or q.quarter not in ("2017Q4", "2018Q1"):
        return note("公布数是2017年底的全县数，只在2017年第四季度和2018年第一季度的县级页面核对。")
    stated = q.reference[(q.reference["year"].astype("string") == "2017") & q.reference["series"].isin(facts.PUBLISHED)].drop_duplicates("series")
    if stated.empty:
        return note("data/reference 中没有2017年的公布数，不能核对。")
    year_end = q if q.quarter == "2017Q4" else q.previous
    totals = {"now": facts.register_totals(q), "end": {} if year_end is None else facts.register_totals(year_end)}
    rows = []
    for line in stated.to_dict("records"):
        row = {"term": facts.PUBLISHED[line["series"]], "published": line["value"], "unit": line["unit"], "source": line["source"]}
        row |= {name: found.get(line["series"]) for name, found in totals.items()}
        rows.append(row | {"difference": None if row["end"] is None else row["end"] - row["published"]})
    columns = {
        "term": Show("项目"),
        "published": Show("公布数", "integer"),
        "end": Show("2017年底名册", "integer"),
        "difference": Show("相差", "integer", signed=True),
        "now": Show(f"本季（{q.quarter}）名册", "integer"),
        "unit": Show("单位"),
    }
    source = "；".join(sorted({str(row["source"]) for row in rows}))
    frame = pd.DataFrame(rows).sort_values("term", key=lambda terms: terms.map(list(facts.PUBLISHED.values()).index))
    return render_table(frame, columns, caption="2017年底公布数与名册合计", note_text=f"相差＝2017年底名册−公布数，应为零。公布数来源：{source}。")


def method_notes(q: Any, area: str) -> Fragment:
    """How this page was computed (方法说明): the rules that decide, with their keys, values and sources."""
    keys = facts.deciding_rules(q, area)
    year = int(q.quarter[:4])
    rows = [
        {"rule": one.term, "key": key, "value": words.value_with_unit(one), "status": words.status(one.status), "source": one.document}
        for key, one in keys.items()
    ]
    spans = facts.spans(q)
    periods = "；".join(
        f"{label('period', period)}：{words.period_span(spans.loc[period, 'first_quarter'], spans.loc[period, 'last_quarter'])}"
        for period in ("quarter", "ytd", "last4", "year")
        if period in spans.index
    )
    line = format_value(q.rules.line_fen(year), "yuan")
    return join(
        bullets(
            [
                "纯收入＝工资性收入＋生产经营性收入＋财产性收入＋转移性收入−生产经营性支出；人均纯收入＝纯收入÷计算人口。",
                f"核算期 — {periods}。",
                f"{year}年标准为 {line} 元/人·年。判定用整数分比较：户纯收入与标准×人口相比，不用四舍五入后的人均数。",
                "未知就是未知：收入或保障情况未知的户不算贫困，也不算脱贫，单独列出；平均数和比重只用已知的户。",
                "金额为现价；部分数据因四舍五入，分项之和可能与合计不等。",
            ],
            "method",
        ),
        render_table(
            pd.DataFrame(rows),
            {"rule": Show("规则", below="key"), "value": Show("取值"), "status": Show("状态"), "source": Show("依据")},
            caption="本页所用规则",
            note_text=Markup('收入项目是否计入、各年标准和全部指标的公式，见<a href="methods_{}.html">《指标解释与计算方法》</a>。').format(q.quarter),
        ),
    )


def _point_stock(q: Any, area: str) -> str | None:
    found, name = facts.stock(q, area), facts.place(q, area).name
    if not found["households"]:
        return None
    rate = (
        "贫困发生率算不出（分母人口或名册有缺）"
        if found["incidence"] is None
        else f"按{found['denominator']} {found['population']:,} 人计，贫困发生率 {format_value(found['incidence'], 'percent')}%"
    )
    people = "未知" if found["persons"] is None else f"{found['persons']:,} 人"
    poor = "人数未知" if found["poor_persons"] is None else f"{found['poor_persons']:,} 人"
    return f"{name}有建档立卡贫困户 {found['households']:,} 户 {people}，其中未脱贫 {found['poor_households']:,} 户 {poor}；{rate}。"


def _point_income(q: Any, area: str) -> str | None:
    mean = facts.indicator(q, area, "mean_percapita_yuan", "quarter")
    if mean.value is None:
        return None if mean.reason_code in ("empty_group", "no_value") else f"本季人均纯收入算不出：{words.reasons(mean.reason_code)}。"
    growth = facts.indicator(q, area, "mean_percapita_change_percent", "quarter")
    shares = {term: facts.indicator(q, area, f"{name}_share", "quarter").value for name, term in facts.CLASSES.items()}
    known = {term: share for term, share in shares.items() if share is not None}
    compare = f"同比{format_value(growth.value, 'decimal', signed=True)}%" if growth.value is not None else f"同比不可比（{words.reasons(growth.reason_code)}）"
    top = max(known, key=known.__getitem__) if known else None
    source = f"，最大来源是{top}，占 {format_value(known[top], 'percent')}%" if top else ""
    return f"本季人均纯收入 {format_value(mean.value, 'integer')} 元，{compare}（现价）{source}。"


def _point_line(q: Any, area: str) -> str | None:
    share = facts.indicator(q, area, "headcount_ratio", "last4")
    if share.value is None:
        return None
    year = int(q.quarter[:4])
    line = format_value(q.rules.line_fen(year), "yuan")
    left = f"，另有 {share.unknown_households:,} 户收入未知" if share.unknown_households else ""
    return f"按最近四个季度收入，低于{year}年标准（{line} 元）的人口占收入已知人口的 {format_value(share.value, 'percent')}%{left}。"


def _point_exit(q: Any, area: str) -> str | None:
    rows = facts.exit_rows(q, area)
    poor = rows[rows["poverty_status"].isin(facts.POOR)]
    if poor.empty:
        return None
    counts = facts.verdict_counts(poor)
    lacking = facts.outcome_counts(poor).sort_values("not_met", ascending=False, kind="stable").iloc[0]
    most = f"；未达标最多的是{lacking['test']}（{lacking['not_met']:,} 户）" if lacking["not_met"] else ""
    waiting = int(facts.only_part_year(poor).sum())
    why = f"（其中 {waiting:,} 户只因本年度未满、收入尚未达到全年标准）" if waiting else ""
    verdicts = f"{counts['meets_exit'][0]:,} 户符合退出条件，{counts['not_out'][0]:,} 户不符合，{counts['unknown'][0]:,} 户不能判定"
    return f"未脱贫 {len(poor):,} 户中，{verdicts}{why}{most}。"


def _point_below(q: Any, area: str) -> str | None:
    rows = [(below.name, facts.measure(q, below.code, "mean_last4").value) for below in facts.areas_below(q, area)]
    known = sorted(((value, name) for name, value in rows if value is not None), reverse=True)
    if len(known) < 2:
        return None
    (high, first), (low, last) = known[0], known[-1]
    return f"最近四个季度人均纯收入{first}最高（{format_value(high, 'integer')} 元），{last}最低（{format_value(low, 'integer')} 元）。"


def _area_row(q: Any, below: facts.Place) -> dict[str, Any]:
    row: dict[str, Any] = {"name": below.name, "code": below.code}
    names = ("households", "persons", "poor_persons", "incidence", "mean_quarter", "mean_last4", "below_line", "meets_exit", "unknown_income")
    for name in names:
        value = facts.measure(q, below.code, name)
        row |= {name: value.value, f"{name}_reason": value.reason_code}
    return row


def _ranking_figure(q: Any, here: facts.Place, rows: pd.DataFrame, kind: str) -> Fragment:
    known = rows[rows["mean_last4"].notna()]
    if len(known) < 2:
        return note(f"收入已知的{kind}不足两个，不画排序图。")
    whole = facts.measure(q, here.code, "mean_last4").value
    names, values = list(known["name"]), [float(value) for value in known["mean_last4"]]
    png = plots.plot_ranking(
        names,
        values,
        reference=whole,
        reference_label=f"{here.name}平均",
        axis_label="最近四个季度人均纯收入（元）",
        title=f"{kind}人均纯收入：{names[0]}最高，{names[-1]}最低",
    )
    alt = (
        f"{here.name}各{kind}最近四个季度人均纯收入的条形图，从高到低："
        + "，".join(f"{name} {value:,.0f}" for name, value in zip(names, values, strict=True))
        + "。"
    )
    below = sum(value < whole for value in values) if whole is not None else 0
    left = len(rows) - len(known)
    see = f"虚线为{here.name}平均：{len(values)} 个{kind}中 {below} 个低于平均。" + (f"{left} 个{kind}收入未知，不在图中。" if left else "")
    return tables_html.picture(png, alt, see)


def _shown(measure: facts.Measure, value: facts.Value) -> str:
    return tables_html.shown_or_why(value.value, measure.kind, value.reason_code)
