"""What the index says of the county (目录页各部分): key figures, verdicts, what changed, townships side by side, every village, doubts, failures.

Takes a quarter ``q`` and the county's code, and ``links``: by area code, the link to the page that the area has in this run. Numbers come from
:mod:`linwu_stats.publish.facts`; :mod:`linwu_stats.publish.tables_html` puts them into HTML and alone rounds them. An unknown stays unknown, with its reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats.publish import facts, trends
from linwu_stats.publish.tables_html import Fragment, KeyFigure, Show, format_value, join, key_figures, note, render_table
from linwu_stats.tables import CODES, label

__all__ = ["doubts", "failures", "figures", "multiples", "townships", "transitions", "verdicts", "villages"]

#: Accounting period of the per-capita income on this page: a whole year, so that areas and quarters compare.
PERIOD = "last4"

#: What the small pictures of the townships show.
_SMALL = ("incidence", "mean_quarter")

#: Verdicts that a township's row counts.
_JUDGED = ("meets_exit", "unknown")

#: Movements of households that a township's row counts.
_MOVES = ("newly_out", "fallen_back", "newly_registered", "left_register", "unknown")


def failures(failed: Iterable[Mapping[str, Any]]) -> Fragment:
    """Pages that could not be made (失败的页面): why, where, and the way to the program's own record."""
    rows = [
        {
            "page": Markup('<a href="{}">{}</a>').format(row["href"], row["name"]),
            "reason": row["reason"],
            "where": f"{row['source']}" + (f" 第 {row['cell']} 个单元" if row["cell"] else ""),
            "trace": Markup('<a href="{}#traceback">出错记录</a>').format(row["href"]),
        }
        for row in failed
    ]
    columns = {"page": Show("页面"), "reason": Show("原因"), "where": Show("位置"), "trace": Show("程序记录")}
    return render_table(pd.DataFrame(rows, dtype=object), columns, caption="没有生成的页面")


def figures(q: Any, county: str) -> Fragment:
    """The county's key figures (全县指标), with change on last quarter and the same quarter a year ago, and trend."""
    stock = facts.stock(q, county)
    rows = facts.register(q, county)[["poverty_status", "registered_persons"]]
    out = rows[rows["poverty_status"] == "out"]
    poor_villages = q.villages[q.villages["village_kind"].isin(["province", "city"])]
    income = facts.indicator(q, county, "mean_percapita_yuan", PERIOD)
    persons = {name: f"{format_value(value, 'integer')} 人" for name, value in (("all", stock["persons"]), ("out", facts.persons_sum(out)))}
    shown = [
        ("建档立卡贫困户", stock["households"], "integer", "户", persons["all"], "households"),
        ("已脱贫", len(out), "integer", "户", persons["out"], ""),
        ("未脱贫", stock["poor_households"], "integer", "户", f"{format_value(stock['poor_persons'], 'integer')} 人", "poor_households"),
        ("贫困发生率", stock["incidence"], "percent", "%", f"{stock['denominator']} {format_value(stock['population'], 'integer')} 人", "incidence"),
        ("人均纯收入", income.value, "yuan_plain", "元", CODES["period"][PERIOD], "mean_last4"),
        ("贫困村", len(poor_villages), "integer", "个", f"已退出 {int((poor_villages['village_status'] == 'out').sum())} 个", ""),
    ]
    return key_figures(_figure(q, county, *one) for one in shown)


def verdicts(q: Any, county: str) -> Fragment:
    """Households and persons by status on the register and verdict (评估结论)."""
    rows = facts.exit_rows(q, county)[["poverty_status", "verdict", "registered_persons"]]
    table = []
    for status in [*CODES["poverty_status"], pd.NA]:
        group = rows[rows["poverty_status"].isna()] if status is pd.NA else rows[rows["poverty_status"] == status]
        for verdict, (households, persons) in facts.verdict_counts(group).items():
            if households:
                table.append({"status": label("poverty_status", status), "verdict": verdict, "households": households, "persons": persons})
    columns = {
        "status": Show("登记的脱贫属性"), "verdict": Show("评估结论", "codes", codes="verdict"), "households": Show("户数", "integer", "户"),
        "persons": Show("人数", "integer", "人"),
    }
    return render_table(pd.DataFrame(table), columns, caption="按登记的脱贫属性和评估结论分的户数和人数", empty="没有评估结论。")


def transitions(q: Any, county: str, links: Mapping[str, Markup]) -> Fragment:
    """What changed since the quarter before (比上季的变动): households by movement, in the county and by township, and verdicts that changed."""
    if q.previous is None:
        return note("没有上季数据，不能比较。")
    rows = facts.rows_of(q, "transitions", county)[["township_code", "transition", "persons", "verdict_before", "verdict_now"]]
    span = f"（{q.previous.quarter} 至 {q.quarter}）"
    counted = [
        {"transition": code, "households": len(part), "persons": None if part["persons"].isna().any() else int(part["persons"].sum())}
        for code in CODES["transition"]
        for part in [rows[rows["transition"] == code]]
        if len(part)
    ]
    columns = {"transition": Show("变动", "codes", codes="transition"), "households": Show("户数", "integer", "户"), "persons": Show("人数", "integer", "人")}
    whole = render_table(pd.DataFrame(counted), columns, caption=f"登记状态的变动{span}", empty="没有可比较的户。")
    moved = rows[rows["transition"].isin(_MOVES)]
    by_township = [
        {"name": links.get(code, q.area_names.get(code, code))} | {move: int((part["transition"] == move).sum()) for move in _MOVES}
        for code, part in sorted(moved.groupby("township_code"))
    ]
    columns = {"name": Show("乡镇")} | {move: Show(label("transition", move), "integer", "户") for move in _MOVES}
    frame = pd.DataFrame(by_township, columns=list(columns), dtype=object)
    places = render_table(frame, columns, caption=f"各乡镇登记状态有变动的户{span}", empty="没有户的登记状态有变动。")
    return join(whole, places, _verdict_changes(rows, span))


def multiples(q: Any, county: str, links: Mapping[str, Markup]) -> Fragment | None:
    """Townships from the highest incidence to the lowest, each with its course over the last quarters on one scale (乡镇走势)."""
    places = [one for one in facts.areas_below(q, county) if one.code in links]
    if not places:
        return None
    courses = {
        "incidence": {one.code: trends.history(q, one.code, "incidence") for one in places},
        "mean_quarter": trends.histories(q, [one.code for one in places], "mean_percapita_yuan", "quarter"),
    }
    bounds = {name: _bounds(courses[name].values()) for name in _SMALL}
    whole = {name: facts.measure(q, county, name).value for name in _SMALL}
    last = {one.code: courses["incidence"][one.code][-1][1] for one in places}
    ranked = sorted(places, key=lambda one: (last[one.code] is None, -(last[one.code] or 0), one.code))
    tiles = []
    for rank, one in enumerate(ranked, 1):
        parts = []
        for name in _SMALL:
            measure, value = facts.MEASURES[name], courses[name][one.code][-1][1]
            picture = trends.sparkline(courses[name][one.code], measure.kind, measure.unit, bounds=bounds[name], reference=whole[name])
            unit = Markup(' <span class="unit">{}</span>').format(measure.unit) if value is not None else Markup()
            parts.append(Markup("<div><dt>{}</dt><dd>{}{}{}</dd></div>").format(measure.label, format_value(value, measure.kind), unit, picture))
        place = f"第 {rank}" if last[one.code] is not None else "未知"
        tiles.append(
            Markup('<li class="multiple"><p class="place"><span>{}</span><span class="rank">{}</span></p><dl>{}</dl></li>').format(
                links[one.code], place, Markup().join(parts)
            )
        )
    explained = (
        f"按贫困发生率从高到低排列。小图为最近 {trends.QUARTERS} 个季度，最后一点是本季；各乡镇同一项指标的纵轴相同，虚线是全县本季水平。季度收入有季节性。"
    )
    return join(Markup('<ol class="multiples">{}</ol>').format(Markup().join(tiles)), note(explained))


def townships(q: Any, county: str, links: Mapping[str, Markup]) -> Fragment | None:
    """The townships of this run in figures, the county below (乡镇基本情况)."""
    codes = [code for code in links if len(code) == 9]
    if not codes:
        return None
    exits = facts.exit_rows(q, county)
    judged = exits.groupby(["township_code", "verdict"]).size().to_dict()
    rows = [{"name": links[code]} | _counts(q, code) | {verdict: judged.get((code, verdict), 0) for verdict in _JUDGED} for code in codes]
    whole = {"name": "全县"} | _counts(q, county) | {verdict: int((exits["verdict"] == verdict).sum()) for verdict in _JUDGED}
    columns = {
        "name": Show("乡镇"), "households": Show("贫困户", "integer", "户"), "persons": Show("贫困人口", "integer", "人"),
        "poor_households": Show("未脱贫户", "integer", "户"), "poor_persons": Show("未脱贫人口", "integer", "人"),
        "incidence": Show("贫困发生率", "percent", "%"), "income": Show("人均纯收入", "yuan_plain", "元"),
        "meets_exit": Show("符合退出条件", "integer", "户"), "unknown": Show("不能判定", "integer", "户"),
    }
    frame = pd.DataFrame([*rows, whole], dtype=object)
    explained = f"人均纯收入为{CODES['period'][PERIOD]}；符合退出条件和不能判定含已脱贫户。"
    return render_table(frame, columns, caption="各乡镇建档立卡贫困户基本情况", note_text=explained, name="township-table")


def villages(q: Any, links: Mapping[str, Markup], townships: Mapping[str, Markup]) -> Fragment | None:
    """Every village that this run has a page for, its own or its township's (行政村): one line each, to be found by name, township, code or verdict."""
    exits = q.village_exit.set_index("village_code").to_dict("index")
    rows = []
    for village in q.villages.sort_values(["township_code", "village_code"]).to_dict("records"):
        code, township = village["village_code"], village["township_code"]
        if code not in links and township not in links:
            continue
        name = q.area_names.get(code, village["village_name"])
        row = exits.get(code, {})
        rows.append(
            {
                "name": links.get(code, name), "township": townships.get(township, q.area_names.get(township, township)), "kind": village["village_kind"],
                "poor_persons": row.get("poor_persons"), "denominator": row.get("denominator_persons"), "incidence": row.get("incidence_share"),
                "status": village["village_status"], "verdict": row.get("verdict") if village["village_kind"] != "none" else "不评估", "code": code,
            }
        )
    if not rows:
        return None
    verdict = CODES["verdict"]
    frame = pd.DataFrame([row | {"verdict": verdict.get(row["verdict"], row["verdict"])} for row in rows], dtype=object)
    columns = {
        "name": Show("行政村"), "township": Show("乡镇"), "kind": Show("类别", "codes", codes="village_kind"),
        "poor_persons": Show("未脱贫人口", "integer", "人"),
        "denominator": Show("分母人口", "integer", "人"), "incidence": Show("贫困发生率", "percent", "%"),
        "status": Show("登记状态", "codes", codes="village_status"), "verdict": Show("评估结论"), "code": Show("代码"),
    }
    return render_table(
        frame, columns, caption="行政村和贫困村退出评估", name="village-table", search="村名、乡镇、代码或结论",
        note_text="有链接的村有自己的页面；其余的村见所在乡镇的页面。退出评估只对省、市两级贫困村作。",
    )


def doubts(q: Any, county: str) -> list[str]:
    """What limits the whole run (使用提示)."""
    rows = facts.exit_rows(q, county)[["verdict", "income_outcome"]]
    undecided = rows[rows["verdict"] == "unknown"]
    unknown, not_yet = len(undecided), int((undecided["income_outcome"] == "not_yet").sum())
    status = facts.stock(q, county)["unknown_status"]
    errors = q.findings
    sentences = [
        ("本季数据是程序虚构的示例，不是真实统计。", q.is_sample),
        (f"{unknown:,} 户还不能判定是否符合退出条件，其中 {not_yet:,} 户本年度累计收入尚未达到标准，须待全年收入；其余因资料不全。", unknown),
        (f"{status:,} 户没有登记脱贫属性。", status),
        (f"台账检查记录 {len(errors):,} 个问题，各页所用的是检查之后的数据。", len(errors)),
        (f"{len(q.rules.to_confirm()):,} 条规则未见正式文件原文，标为待确认，见本页末尾。", len(q.rules.to_confirm())),
        (f"{len(q.rules.overridden()):,} 条规则由本地调整，见本页末尾。", len(q.rules.overridden())),
    ]
    return [sentence for sentence, holds in sentences if holds]


# ---- parts -------------------------------------------------------------------------------------------------------------


def _figure(q: Any, county: str, name: str, value: Any, kind: str, unit: str, about: str, measure: str) -> KeyFigure:
    changes = trends.changes(q, county, measure) if measure else ()
    trend = trends.sparkline(trends.history(q, county, measure), kind, unit) if measure else Markup()
    return KeyFigure(name, format_value(value, kind), unit if value is not None else "", changes, trend, about)


def _counts(q: Any, code: str) -> dict[str, Any]:
    stock = facts.stock(q, code)
    names = ("households", "persons", "poor_households", "poor_persons", "incidence")
    income = facts.indicator(q, code, "mean_percapita_yuan", PERIOD).value
    return {name: stock[name] for name in names} | {"income": income}


def _verdict_changes(rows: pd.DataFrame, span: str) -> Fragment | None:
    """Households by verdict before and now, where the two differ; what is not known of one quarter did not change."""
    both = rows.dropna(subset=["verdict_before", "verdict_now"])
    changed = both[both["verdict_before"] != both["verdict_now"]]
    if changed.empty:
        return note("没有户的评估结论有变动。") if len(both) else None
    frame = changed.groupby(["verdict_before", "verdict_now"], sort=True).size().rename("households").reset_index()
    columns = {
        "verdict_before": Show("上季结论", "codes", codes="verdict"), "verdict_now": Show("本季结论", "codes", codes="verdict"),
        "households": Show("户数", "integer", "户"),
    }
    frame = frame.sort_values(["households", "verdict_before", "verdict_now"], ascending=[False, True, True])
    explained = "两季所用核算期不同的，结论的变动可能只因累计的季数不同，不等于户的情况变了。"
    return render_table(frame, columns, caption=f"评估结论有变动的户{span}", note_text=explained)


def _bounds(courses: Iterable[list[tuple[str, float | None]]]) -> tuple[float, float]:
    values = [value for course in courses for _, value in course if value is not None]
    return (min(values), max(values)) if values else (0.0, 1.0)
