"""The pages' part on income (收入部分): sources, seasons, distribution with the line drawn, indicators, groups, contributions.

Every function takes a quarter ``q`` and an area code and gives a fragment, as in :mod:`linwu_stats.publish.pages`.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import escape

from linwu_stats.publish import facts, plots, tables_html, words
from linwu_stats.publish.tables_html import Fragment, Show, fold, format_value, join, note, render_table, rule

__all__ = ["contributions", "distribution", "groups", "income_by_quarter", "income_table", "indicator_table"]

_PERIODS = {"quarter": "本季", "last4": "最近四个季度", "year": "上一完整年度"}
#: A group of fewer households shows no income: it would tell of single families.
SMALLEST_GROUP = 5

#: Indicators and how each is shown.
_SPREAD = {
    "mean_percapita_yuan": "integer",
    "median_percapita_yuan": "integer",
    "p10_percapita_yuan": "integer",
    "p90_percapita_yuan": "integer",
    "gini": "index",
    "theil": "index",
    "quintile_share_ratio": "decimal",
}
_POVERTY = {"headcount_ratio": "percent", "poverty_gap_index": "index", "squared_poverty_gap_index": "index", "watts_index": "index"}


def income_table(q: Any, area: str) -> Fragment:
    """Income by four sources (收入来源构成): amount per person, share, change on the same quarter a year ago; this quarter and the last four."""
    rows = []
    for name, term in [*facts.CLASSES.items(), ("mean", "人均纯收入")]:
        row: dict[str, Any] = {"source": term}
        for column, indicator, period in _income_columns(name):
            value = facts.indicator(q, area, indicator, period) if indicator else facts.Value(None)
            row |= {column: value.value, f"{column}_reason": value.reason_code}
        rows.append(row)
    columns = {
        "source": Show("收入来源"),
        "quarter": Show("本季人均", "integer", "元", reason="quarter_reason"),
        "share": Show("占比", "percent", "%", reason="share_reason"),
        "change": Show("同比增幅", "decimal", "%", signed=True, unknown="—", reason="change_reason"),
        "share_change": Show("占比变动", "percent", "百分点", signed=True, unknown="—", reason="share_change_reason"),
        "last4": Show("最近四个季度人均", "integer", "元", reason="last4_reason"),
        "last4_share": Show("占比", "percent", "%", reason="last4_share_reason"),
        "last4_change": Show("同比增幅", "decimal", "%", signed=True, unknown="—", reason="last4_change_reason"),
    }
    frame = pd.DataFrame(rows)
    frame.loc[frame["source"] == "人均纯收入", ["share", "last4_share"]] = 1.0 if rows[-1]["quarter"] is not None else None
    frame.loc[frame["source"] == "人均纯收入", "share_change_reason"] = None
    return render_table(frame, columns, caption=f"{facts.place(q, area).name}人均纯收入来源构成", note_text=_income_note(q, area))


def income_by_quarter(q: Any, area: str) -> Fragment:
    """Per-capita income of the last six quarters by source, as a figure (各季度收入构成)."""
    rows, missing = {}, []
    for other in _quarters_back(q, 6):
        values = {name: facts.indicator(other, area, f"{name}_percapita_yuan", "quarter").value for name in facts.CLASSES if area in other.area_names}
        if values and all(value is not None for value in values.values()):
            rows[other.quarter] = values
        else:
            missing.append(other.quarter)
    here = facts.place(q, area).name
    if len(rows) < 2:
        return note(f"{here}可比的季度不足两个，不画各季度收入构成图。")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(facts.CLASSES))
    total = table.sum(axis=1)
    best, least = total.idxmax(), total.idxmin()
    see = f"{words.quarter_name(best)}最高，{words.quarter_name(least)}最低：农业收入有季节性，应与上年同季比，不宜与上季直接比。"
    amounts = "；".join(f"{quarter} {format_value(value, 'integer')} 元" for quarter, value in total.items())
    gap = f"缺{'、'.join(missing)}：数据未知。" if missing else ""
    png = plots.plot_quarters(table, labels=facts.CLASSES, title=f"{here}：人均纯收入{best}最高，{least}最低")
    return tables_html.picture(png, f"{here}各季度人均纯收入按来源堆叠的柱形图。合计：{amounts}。", see + gap)


def distribution(q: Any, area: str) -> Fragment:
    """Persons by per-capita net income of the last four quarters, with the poverty line drawn (人均纯收入分布)."""
    here, year = facts.place(q, area).name, int(q.quarter[:4])
    line_fen, rows = q.rules.line_fen(year), facts.income_rows(q, area, "last4")
    known = rows[rows["reason_code"].isna()]
    if line_fen is None or known.empty:
        why = f"没有{year}年的扶贫标准" if line_fen is None else "没有收入已知的户"
        return note(f"{here}：{why}，不画收入分布图。")
    heads = facts.rows_of(q, "headcounts", area).set_index("household_id")["headcount_persons"].reindex(known["household_id"])
    persons = plots.distribution_bins(known["net_fen"], heads, line_fen, above_sign=">=" if q.rules.value("indicator.poor_sign") == "<" else ">")
    below, all_known = int(persons.iloc[:4].sum()), int(persons.sum())
    line_label = f"{year}年标准"
    share = format_value(below / all_known, "percent")
    png = plots.plot_distribution(persons, line_fen, line_label=line_label, title=f"{here}：{below:,} 人在{line_label}以下，占收入已知人口的 {share}%")
    line_yuan = format_value(line_fen, "yuan")
    alt = f"{here}建档立卡人口按最近四个季度人均纯收入的分布柱形图，竖线为{line_label} {line_yuan} 元。线下 {below:,} 人，线上 {all_known - below:,} 人。"
    near = int(persons.iloc[4:6].sum())
    see = f"看竖线两侧：线下 {below:,} 人；线上不超过标准一倍半的 {near:,} 人，收入稍降就会跌破。每柱宽为标准的四分之一。"
    return join(tables_html.picture(png, alt, see), fold("图中数据", _distribution_table(persons, line_fen, all_known)))


def indicator_table(q: Any, area: str) -> Fragment:
    """Level, spread, poverty and inequality of income (收入与贫困指标)."""
    name, basis = facts.place(q, area).name, q.rules.value("line.basis")
    left = facts.indicator(q, area, "mean_percapita_yuan", "last4").unknown_households
    spread = render_table(
        _indicator_rows(q, area, _SPREAD, _PERIODS),
        {"indicator": Show("指标")} | {period: Show(term, "figure") for period, term in _PERIODS.items()},
        caption=f"{name}收入水平与差距",
        note_text="按人加权；户内每人收入相同。" + (f"最近四个季度收入未知的 {left:,} 户没有参加计算。" if left else ""),
    )
    whole_years = {period: term for period, term in _PERIODS.items() if period in ("last4", "year")}
    yuan = {period: format_value(q.rules.line_fen(q.line_years[period]), "yuan") for period in whole_years}
    lines = "，".join(f"{term}对{q.line_years[period]}年标准 {yuan[period]} 元" for period, term in whole_years.items())
    poverty = render_table(
        _indicator_rows(q, area, _POVERTY, whole_years),
        {"indicator": Show("指标")} | {period: Show(term, "figure") for period, term in whole_years.items()},
        caption=f"{name}贫困指标",
        note_text=escape(f"{words.basis(basis)}：{lines}，每人每年 ")
        + rule(f"line.{basis}")
        + escape("；恰在标准上不算低于标准。分母为收入已知的建档立卡人口，不是贫困发生率的分母。"),
    )
    return join(spread, poverty)


def groups(q: Any, area: str, kind: str) -> Fragment:
    """Income by household attribute, cause of poverty or poverty status (分组): ``kind`` is attribute, cause or poverty_status."""
    table, here = facts.rows_of(q, "indicators", area), facts.place(q, area)
    rows = table[(table["area_code"] == area) & (table["level"] == here.level) & (table["group_kind"] == kind) & (table["period"] == "last4")]
    means = rows[(rows["indicator"] == "mean_percapita_yuan") & (rows["households"] > 0)]
    shares = rows[rows["indicator"] == "headcount_ratio"][["group_value", "value", "reason_code"]]
    frame = means.merge(shares, on="group_value", how="left", suffixes=("", "_below"))
    frame = frame.assign(group=[words.group(kind, value) for value in frame["group_value"]])
    few = frame["households"] < SMALLEST_GROUP
    frame.loc[few, ["value", "value_below"]] = pd.NA
    frame.loc[few, ["reason_code", "reason_code_below"]] = "few_households"
    name = {"attribute": "贫困户属性", "cause": "主要致贫原因", "poverty_status": "脱贫属性"}[kind]
    return render_table(
        frame,
        {
            "group": Show(name),
            "households": Show("户数", "integer", "户"),
            "persons": Show("人数", "integer", "人"),
            "value": Show("最近四季人均纯收入", "integer", "元", unknown="—", reason="reason_code"),
            "value_below": Show("低于标准人口比重", "percent", "%", unknown="—", reason="reason_code_below"),
            "unknown_households": Show("收入未知", "integer", "户"),
        },
        caption=f"{here.name}按{name}分组",
        empty="没有建档立卡贫困户。",
    )


def contributions(q: Any, area: str) -> Fragment:
    """Each township's part in the county's poverty (各乡镇贡献率), last four quarters, largest first."""
    rows = []
    for below in facts.areas_below(q, area):
        row: dict[str, Any] = {"name": below.name, "code": below.code}
        for name in ("headcount_ratio", "headcount_contribution_share", "gap_contribution_share"):
            value = facts.indicator(q, below.code, name, "last4")
            row |= {name: value.value, f"{name}_reason": value.reason_code}
        rows.append(row | {"persons": facts.indicator(q, below.code, "known_income_persons", "last4").value})
    frame = pd.DataFrame(rows)
    frame["share"] = frame["persons"] / frame["persons"].sum() if frame["persons"].sum() else None
    frame = frame.sort_values(["headcount_contribution_share", "code"], ascending=[False, True], na_position="last")
    return render_table(
        frame,
        {
            "name": Show("乡镇"),
            "headcount_ratio": Show("低于标准人口比重", "percent", "%", reason="headcount_ratio_reason"),
            "share": Show("人口占全县比重", "percent", "%"),
            "headcount_contribution_share": Show("对全县低于标准人口的贡献率", "percent", "%", reason="headcount_contribution_share_reason"),
            "gap_contribution_share": Show("对全县贫困差距的贡献率", "percent", "%", reason="gap_contribution_share_reason"),
        },
        caption="各乡镇对全县贫困的贡献率",
        note_text="各乡镇贡献率合计为 100%（四舍五入后可能相差 0.01）。贡献率高于人口占比的乡镇比全县穷。人口为收入已知的建档立卡人口。",
    )


def _income_columns(name: str) -> list[tuple[str, str, str]]:
    """Column, indicator and period of one row of the income table; no indicator where the row has none."""
    stem, share = ("mean_percapita", "") if name == "mean" else (f"{name}_percapita", f"{name}_share")
    return [
        ("quarter", f"{stem}_yuan", "quarter"),
        ("share", share, "quarter"),
        ("change", f"{stem}_change_percent", "quarter"),
        ("share_change", f"{share}_change" if share else "", "quarter"),
        ("last4", f"{stem}_yuan", "last4"),
        ("last4_share", share, "last4"),
        ("last4_change", f"{stem}_change_percent", "last4"),
    ]


def _income_note(q: Any, area: str) -> str:
    rows = facts.income_rows(q, area, "quarter")
    known = rows["excluded_fen"].dropna()
    excluded = "" if known.empty else f"另有按规则不计入纯收入的款项 {format_value(int(known.sum()), 'wan')} 万元（{len(known):,} 户有记录），不在表内。"
    return f"生产经营净收入已扣除经营费用、税费和折旧，可以为负。同比为本季与上年同季的总体比较，现价。{excluded}"


def _quarters_back(q: Any, count: int) -> list[Any]:
    """Up to ``count`` quarters that end with ``q``, oldest first."""
    found = [q]
    while len(found) < count and found[0].previous is not None:
        found.insert(0, found[0].previous)
    return found


def _distribution_table(persons: pd.Series, line_fen: int, known: int) -> Fragment:
    steps = [(0, 2), (2, 4), (4, 6), (6, 8), (8, 12), (12, 16), (16, 20), (20, 21)]
    rows = [
        {
            "band": _band(low * line_fen // 4, high * line_fen // 4, last=high == 21),
            "persons": int(persons.iloc[low:high].sum()),
            "share": int(persons.iloc[low:high].sum()) / known,
        }
        for low, high in steps
    ]
    return render_table(
        pd.DataFrame(rows),
        {"band": Show("人均纯收入（元）"), "persons": Show("人数", "integer", "人"), "share": Show("占比", "percent", "%")},
        caption="最近四个季度人均纯收入分布",
        note_text="每档含下限，不含上限；第一档含零和负收入。",
    )


def _band(low: int, high: int, *, last: bool) -> str:
    if low == 0:
        return f"{format_value(high, 'yuan2')} 以下"
    return f"{format_value(low, 'yuan2')} 及以上" if last else f"{format_value(low, 'yuan2')} 至 {format_value(high, 'yuan2')}"


def _indicator_rows(q: Any, area: str, names: dict[str, str], periods: dict[str, str]) -> pd.DataFrame:
    rows = []
    for name, kind in names.items():
        values = {period: facts.indicator(q, area, name, period) for period in periods}
        unit = "（元）" if "yuan" in name else "（%）" if kind == "percent" else ""
        shown = {period: tables_html.shown_or_why(value.value, kind, value.reason_code) for period, value in values.items()}
        rows.append({"indicator": words.indicator(name) + unit} | shown)
    return pd.DataFrame(rows)
