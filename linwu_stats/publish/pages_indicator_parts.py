"""What the indicators are made of and what moved them, for the pages (指标的分解): sources, groups, growth, exits, several lacks at once.

Every function takes a quarter ``q`` and an area code (county or township) and gives a fragment. A group of fewer than five households shows no figures.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import escape

from linwu_stats.publish import facts, tables_html, words
from linwu_stats.publish.plots_indicators import plot_growth, plot_parts
from linwu_stats.publish.tables_html import Fragment, Show, format_value, join, note, picture, render_table, rule
from linwu_stats.tables import CODES, label

__all__ = [
    "PERIOD", "SMALLEST_GROUP", "bounds_of", "change_period", "changes", "county_of", "dimension_terms", "exits", "growth_figure", "growth_rows", "known_range",
    "multidimensional", "multidimensional_figure", "range_of", "rows_of", "sources", "subgroups", "townships_of", "with_range", "within_between",
]

SMALLEST_GROUP = 5
PERIOD = "last4"
_COMPARED = ("last4", "year", "ytd", "quarter")
_FACTORS = ("before", "growth", "redistribution", "line", "residual", "now")


def sources(q: Any, area: str) -> Fragment:
    """Gini by income source (收入来源分解): share, contribution, elasticity."""
    here = facts.place(q, area)
    table = rows_of(q, "indicator_sources", area)
    table = table[table["period"] == PERIOD]
    order = {code: place for place, code in enumerate(CODES["indicator_source"])}
    table = table.sort_values("source", key=lambda one: one.map(order))
    table = table.assign(name=[label("indicator_source", one) if one != "whole" else "合计" for one in table["source"]])
    columns = {
        "name": Show("收入来源"), "income_share": Show("占纯收入", "percent", "%", reason="reason_code"),
        "gini": Show("来源自身基尼系数", "index", reason="reason_code"), "correlation": Show("与总收入的基尼相关", "index", unknown="—"),
        "contribution": Show("对基尼系数的贡献", "index", reason="reason_code"), "contribution_share": Show("贡献率", "percent", "%", unknown="—"),
        "elasticity": Show("边际影响", "percent", "%", signed=True, unknown="—"),
    }
    return render_table(
        table, columns, caption=f"{here.name}收入差距的来源（最近四个季度）",
        note_text="各来源的贡献相加恰为基尼系数。边际影响：各户这项收入都增加1%，基尼系数变动百分之几；为负的来源缩小差距。四类收入有一类未知的户不参加。"
        "经营亏损的户照计，来源平均为零或为负时没有自身的基尼系数。",
    )


def subgroups(q: Any, area: str, kind: str) -> Fragment:
    """Who bears the poverty (贫困的人群分解): ``kind`` is attribute, cause, poverty_status, size or township."""
    here = facts.place(q, area)
    table = rows_of(q, "indicator_subgroups", area)
    table = table[(table["period"] == PERIOD) & (table["group_kind"] == kind) & table["measure"].str.match(r"persons_share|fgt")]
    rows = []
    for value, part in table.groupby("group_value", sort=True):
        found = part.set_index("measure")
        few = int(found["households"].iloc[0]) < SMALLEST_GROUP
        rows.append({
            "name": _group(q, kind, value), "households": found["households"].iloc[0],
            **{
                name: words.REASONS["few_households"] if few else tables_html.shown_or_why(found.loc[name, "value"], "percent", found.loc[name, "reason_code"])
                for name in ("persons_share", "fgt0", "fgt1", "fgt0_share", "fgt1_share", "fgt2_share")
            },
        })
    columns = {
        "name": Show(label("subgroup_kind", kind)), "households": Show("户数", "integer", "户"), "persons_share": Show("占人口", "figure", "%"),
        "fgt0": Show("低于标准", "figure", "%"), "fgt1": Show("差距指数", "figure", "%"), "fgt0_share": Show("占低于标准人口", "figure", "%"),
        "fgt1_share": Show("占贫困差距", "figure", "%"), "fgt2_share": Show("占差距平方", "figure", "%"),
    }
    return render_table(
        pd.DataFrame(rows, columns=list(columns)), columns, caption=f"{here.name}贫困按{label('subgroup_kind', kind)}分解（最近四个季度）",
        empty="没有可以分解的户。", note_text="各组所占相加为100%。占贫困差距高于占人口的组，贫困更深；占差距平方更高的，组内有特别贫困的户。",
    )


def within_between(q: Any, area: str) -> Fragment:
    """Inequality within and between groups (组内与组间差距)."""
    here = facts.place(q, area)
    table = rows_of(q, "indicator_subgroups", area)
    table = table[(table["period"] == PERIOD) & table["group_value"].isin(["all", "within", "between", "residual"])]
    rows = []
    for kind in CODES["subgroup_kind"]:
        for measure in ("ge0", "ge1", "ge2", "gini"):
            part = table[(table["group_kind"] == kind) & (table["measure"] == measure)].set_index("group_value")
            if len(part):
                why = part["reason_code"].dropna()
                rows.append({
                    "kind": label("subgroup_kind", kind), "measure": label("subgroup_measure", measure), "reason": why.iloc[0] if len(why) else None,
                    **{name: part["value"].get(name, pd.NA) for name in ("all", "within", "between", "residual")},
                })
    columns = {
        "kind": Show("分组"), "measure": Show("指标"), "all": Show("全部", "index", reason="reason"), "within": Show("组内", "index", unknown="—"),
        "between": Show("组间", "index", unknown="—"), "residual": Show("重叠", "index", unknown="—"),
    }
    return render_table(
        pd.DataFrame(rows, columns=[*columns, "reason"]), columns, caption=f"{here.name}收入差距的组内与组间部分（最近四个季度）", empty="没有可以分解的户。",
        note_text="组内与组间之和恰为全部；基尼系数另有各组收入交错的重叠部分。组间小，说明差距主要在同类户之间，不在类别之间。",
    )


def changes(q: Any, area: str) -> Fragment:
    """What moved poverty on a year ago: growth, redistribution, the line (增长与分配), by both methods."""
    here, rows = facts.place(q, area), []
    period = change_period(q, area)
    for measure in ("fgt0", "fgt1", "fgt2"):
        for kind in ("growth", "shapley"):
            found = growth_rows(q, area, kind, measure)
            if found is not None:
                rows.append({"measure": label("change_measure", measure), "method": label("change_kind", kind), **found})
    if not rows:
        return note(f"{here.name}：没有可比的上年同期收入，不分解增长和分配的作用。台账满两个整年后才有全年的比较。")
    columns = {"measure": Show("指标"), "method": Show("方法")} | {
        name: Show(label("change_factor", name), "percent", "%" if name in ("before", "now") else "百分点", signed=name not in ("before", "now"), unknown="—")
        for name in _FACTORS
    }
    lines = [row for row in rows if pd.notna(row["line_now_fen"])]
    said = ""
    if lines:
        before, now = (format_value(lines[0][name], "yuan2") for name in ("line_before_fen", "line_now_fen"))
        said = f"收入线：上年同期 {before} 元，本期 {now} 元（每人）。"
    relative = escape("时段不足一年，收入线是上年同期中位数的一定比例，见 ") + rule("indicator.change.line") + escape("，不是扶贫标准。")
    return render_table(
        pd.DataFrame(rows), columns, caption=f"{here.name}贫困变动的分解（{label('period', period)}，与上年同期比）",
        note_text=escape(said) + (relative if period in ("ytd", "quarter") else "")
        + escape("各项相加恰为变动。增长：各户收入同比例变动；分配：平均数不变而差距变动。夏普利法没有残差。"),
    )


def growth_figure(q: Any, area: str) -> Fragment:
    """Growth of each quantile on a year ago with the band of what is unknown (增长发生曲线)."""
    here, period = facts.place(q, area), change_period(q, area)
    table = rows_of(q, "indicator_lorenz", area)
    table = table[(table["period"] == period) & table["growth"].notna()]
    if len(table) < 2:
        return note(f"{here.name}：没有可比的上年同期收入，不画增长发生曲线。")
    mean = facts.indicator(q, area, "mean_percapita_change_percent", period).value
    numbers = [(table[name].astype("Float64") * 100).to_numpy(dtype=float, na_value=float("nan")) for name in ("growth", "growth_low", "growth_high")]
    poorest, richest = table.iloc[0], table.iloc[-1]
    title = f"{here.name}：各百分位收入的增幅（{label('period', period)}，与上年同期比）"
    png = plot_growth(table["percent"].astype(float).tolist(), *numbers, mean=None if mean is None else float(mean), title=title)
    alt = f"{title}。第{int(poorest['percent'])}百分位 {format_value(poorest['growth'], 'percent', signed=True)}%，第{int(richest['percent'])}百分位 " \
          f"{format_value(richest['growth'], 'percent', signed=True)}%。"
    return picture(
        png, alt, "左高右低，增长偏向低收入的人；整条线在零以上，各处都没有下降。前后同一百分位不是同一批人。"
        "色带是收入未知的人在两期取最低、最高可能收入时的范围，全面登记没有抽样误差。",
    )


def exits(q: Any, area: str) -> Fragment:
    """Which condition accounts for the change of households that meet all conditions since the last quarter (退出条件的作用)."""
    here = facts.place(q, area)
    table = rows_of(q, "indicator_changes", area)
    table = table[table["kind"] == "exits"]
    if table.empty:
        return note(f"{here.name}：没有上季评估，不分解符合退出条件户数的变动。")
    rows = []
    for factor in ("before", *facts.TESTS, "register", "change", "now"):
        part = table[table["factor"] == factor].set_index("measure")
        if len(part):
            columns = {"households": "value", "persons": "value_persons", "undecided": "undecided"}
            rows.append({
                "name": label("change_factor", factor),
                **{f"{one}_{what}": part.loc[one, column] for one in ("all", "poor") for what, column in columns.items()},
            })
    columns = {"name": Show("因素")}
    for one, term in (("all", "全部"), ("poor", "未脱贫")):
        columns |= {
            f"{one}_households": Show(f"{term}户", "decimal", "户"), f"{one}_persons": Show(f"{term}人口", "decimal", "人", unknown="—"),
            f"{one}_undecided": Show("其中由未定转来", "decimal", "户", unknown="—"),
        }
    return render_table(
        pd.DataFrame(rows), columns, caption=f"{here.name}符合退出条件户数的变动（与上季比）",
        note_text="一户因两项条件同时改变而符合的，各记半户（夏普利值）；各因素与名册变动相加恰为变动。年度累计收入每季都在长，“收入”一项多是年度过半的结果，不是收入突增；"
        "“由未定转来”是有一季还不能判定的户。",
    )


def multidimensional(q: Any, area: str) -> Fragment:
    """H, A, M0 and the lacks by indicator (多维贫困), with bounds."""
    here, table = facts.place(q, area), rows_of(q, "indicator_multidimensional", area)
    terms = {column: term for column, (_, term) in facts.TESTS.items()}
    whole = table[table["indicator"] == "all"].assign(name=[label("mpi_measure", one) for one in table.loc[table["indicator"] == "all", "measure"]])
    whole = whole.assign(shown=[known_range(row) for row in whole.to_dict("records")])
    columns = {"name": Show("指标"), "shown": Show("数值或可能范围", "figure", "%")}
    first = render_table(whole, columns, caption=f"{here.name}多维贫困（不含收入）")
    rows = []
    weights = {name: weight for one in q.rules.value("indicator.mpi.weights")["dimensions"] for name, weight in one["indicators"].items()}
    for name, weight in weights.items():
        part = table[table["indicator"] == name].set_index("measure")
        rows.append({"name": terms.get(name, name), "weight": weight, **{
            one: known_range(part.loc[one]) for one in ("uncensored", "censored", "contribution_share") if one in part.index
        }})
    second = render_table(
        pd.DataFrame(rows),
        {
            "name": Show("项目"), "weight": Show("权重", "figure"), "uncensored": Show("缺失人口比重", "figure", "%"),
            "censored": Show("多维贫困且缺失", "figure", "%"), "contribution_share": Show("贡献率", "figure", "%"),
        },
        caption=f"{here.name}各项缺失及对多维贫困指数的贡献",
        note_text=escape("加权缺失达到临界值的人计为多维贫困；强度是他们平均缺失的权重，指数是发生率乘强度。未知不作“不缺”：有未知时只列范围，"
                         "是全部的人在未知全作不缺和全作缺失时的数。权重和临界值待确认，见 ")
        + rule("indicator.mpi.weights") + escape("、") + rule("indicator.mpi.cutoff"),
    )
    return join(first, second)


def multidimensional_figure(q: Any, area: str) -> Fragment:
    """Contribution of each dimension to M0 by township (维度贡献图)."""
    here, terms = facts.place(q, area), dimension_terms(q)
    codes = townships_of(q) if here.level == "county" else [county_of(q), area]
    rows, spoken = {}, []
    for code in codes:
        table = rows_of(q, "indicator_multidimensional", code).set_index(["measure", "indicator"])["value"]
        households = rows_of(q, "indicator_multidimensional", code)["households"].max()
        level = table.get(("M0", "all"), pd.NA)
        shares = {name: table.get(("dimension_share", name), pd.NA) for name in terms}
        if pd.isna(level) or not level > 0 or any(pd.isna(one) for one in shares.values()) or households < SMALLEST_GROUP:
            continue
        rows[q.area_names[code]] = {terms[name]: float(level) * float(share) * 100 for name, share in shares.items()}
        spoken.append(f"{q.area_names[code]} {format_value(level, 'percent')}%")
    if not rows:
        return note(f"{here.name}：没有多维贫困的人，不画维度贡献图。")
    table = pd.DataFrame.from_dict(rows, orient="index")
    table = table.loc[table.sum(axis=1).sort_values(kind="stable").index] if here.level == "county" else table
    title = f"{here.name}：多维贫困指数及各维度的贡献（各项均已查明的人）"
    png = plot_parts(table, title=title, axis_label="多维贫困指数（%）")
    return picture(png, f"{title}。{'；'.join(spoken)}。", "条越长，多维贫困越重；看哪一维占得多，就先补哪一维。")


def rows_of(q: Any, table: str, area: str) -> pd.DataFrame:
    """Rows of a table of an area (一个地区的行)."""
    return facts.rows_of(q, table, area)


def bounds_of(q: Any, area: str) -> pd.DataFrame:
    """Bounds of the last four quarters by indicator (上下限)."""
    table = rows_of(q, "indicator_bounds", area)
    return table[table["period"] == PERIOD].set_index("indicator")


def county_of(q: Any) -> str:
    """Code of the county (县代码)."""
    return str(q.rules.value("area.county")["code"])


def townships_of(q: Any) -> list[str]:
    """Codes of the townships that have rows (乡镇代码)."""
    return [one.code for one in facts.areas_below(q, county_of(q)) if len(rows_of(q, "indicator_bounds", one.code))]


def change_period(q: Any, area: str) -> str:
    """The longest period that can be set against a year ago."""
    table = rows_of(q, "indicator_lorenz", area)
    known = set(table.loc[table["growth"].notna(), "period"])
    return next((one for one in _COMPARED if one in known), PERIOD)


def growth_rows(q: Any, area: str, kind: str, measure: str) -> dict[str, Any] | None:
    """One decomposition of an area by factor, None where it has no value (一项变动分解)."""
    table = rows_of(q, "indicator_changes", area)
    table = table[(table["kind"] == kind) & (table["measure"] == measure) & (table["period"] == change_period(q, area))]
    if table.empty or table["value"].isna().all():
        return None
    values = table.set_index("factor")["value"]
    return {name: values.get(name, pd.NA) for name in (*_FACTORS, "change")} | {
        name: table[name].iloc[0] for name in ("line_before_fen", "line_now_fen")
    }


def range_of(row: Any, kind: str) -> str:
    """Lowest and highest possible value as text (可能范围)."""
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return "未知"
    low, high = (format_value(row[one], kind) for one in ("low", "high"))
    return low if low == high else f"{low}至{high}"


def with_range(row: Any, kind: str) -> str:
    """Value and range as text; nothing in brackets where both ends are the value."""
    shown = tables_html.shown_or_why(row["value"], kind, row["reason_code"])
    if pd.isna(row["value"]) and pd.isna(row["low"]):
        return shown
    between = range_of(row, kind)
    return shown if between == shown else f"{shown}（{between}）"


def known_range(row: Any) -> str:
    """A share that everybody's outcomes decide, else what it lies between (数值或可能范围), per cent."""
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        return tables_html.shown_or_why(row["value"], "percent", row["reason_code"])
    return range_of(row, "percent")


def dimension_terms(q: Any) -> dict[str, str]:
    """Dimensions of multidimensional poverty and their terms (维度)."""
    return {one["name"]: one["term"] for one in q.rules.value("indicator.mpi.weights")["dimensions"]}


def _group(q: Any, kind: str, value: str) -> str:
    if kind == "township":
        return q.area_names.get(value, value)
    if kind == "size":
        return "人口未知" if value == "unknown" else f"{value.replace('+', '人及以上') if '+' in value else f'{value}人'}户"
    return words.group(kind, value)
