"""The pages' part on exits (脱贫退出部分): households, cohorts, villages, the county's target, what changed.

Every function takes a quarter ``q`` and an area code and gives a fragment, as in :mod:`linwu_stats.publish.pages`. Households are named by their code
only, and listed on village pages only. Rules: exit.household.*, exit.village.*, exit.county.*.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from linwu_stats.publish import facts, plots, tables_html, words
from linwu_stats.publish.tables_html import Fragment, Show, format_value, join, note, render_table, rule
from linwu_stats.tables import CODES, label

__all__ = ["cohorts", "conditions", "county_target", "household_list", "lacking", "missing", "transitions", "verdicts", "village_exits"]

_OUTCOMES = {"met": "达标", "not_met": "未达标", "not_yet": "尚未达到（不足一年）", "unknown": "未知"}


def verdicts(q: Any, area: str) -> Fragment:
    """Verdicts by status on the register (评估结论): households and persons, those out beside those not out."""
    here, rows = facts.place(q, area), facts.exit_rows(q, area)
    counts = []
    for status in [*CODES["poverty_status"], pd.NA]:
        part = rows[rows["poverty_status"].isna()] if pd.isna(status) else rows[rows["poverty_status"] == status]
        if len(part):
            by_verdict = facts.verdict_counts(part)
            row = {"status": label("poverty_status", status), "households": len(part), "persons": facts.persons_sum(part)}
            counts.append(
                row
                | {verdict: numbers[0] for verdict, numbers in by_verdict.items()}
                | {f"{verdict}_persons": numbers[1] for verdict, numbers in by_verdict.items()}
            )
    columns = {"status": Show("脱贫属性"), "households": Show("户数", "integer", "户"), "persons": Show("人数", "integer", "人")}
    for verdict, term in CODES["verdict"].items():
        columns |= {verdict: Show(term, "integer", "户"), f"{verdict}_persons": Show(term, "integer", "人")}
    frame = pd.DataFrame(counts, columns=[*columns])
    return render_table(
        frame,
        columns,
        caption=f"{here.name}评估结论",
        empty="没有建档立卡贫困户。",
        note_text="任何一项保障未达标即不符合，不论收入多少；任何一项未知且其余没有未达标的，不能判定。已脱贫户不符合，是要复核的线索，不等于返贫。",
    )


def conditions(q: Any, area: str) -> Fragment:
    """Each condition met, not met or unknown (各项条件达标情况), figure and table, households not out and those out."""
    here, rows = facts.place(q, area), facts.exit_rows(q, area)
    poor, out = rows[rows["poverty_status"].isin(facts.POOR)], rows[rows["poverty_status"] == "out"]
    parts = [_conditions_figure(here, poor)] if len(poor) else [note(f"{here.name}没有未脱贫户。")]
    columns = {"test": Show("条件")} | {name: Show(term, "integer", "户") for name, term in _OUTCOMES.items()} | {"rule_key": Show("规则键", "rule")}
    for term, part in (("未脱贫户", poor), ("已脱贫户", out)):
        if len(part):
            parts.append(render_table(facts.outcome_counts(part), columns, caption=f"{here.name}{term}各项条件（{len(part):,} 户）"))
    return join(*parts, note(*_income_basis(q, rows)))


def missing(q: Any, area: str) -> Fragment:
    """What households that are not out lack most (最常缺的条件): combinations of conditions, most frequent first."""
    here, rows = facts.place(q, area), facts.exit_rows(q, area)
    poor = rows[rows["poverty_status"].isin(facts.POOR) & (rows["verdict"] != "meets_exit")]
    combinations = pd.Series([lacking(row) for row in poor.to_dict("records")], index=poor.index, dtype="object")
    frame = poor.assign(lacking=combinations).groupby("lacking").agg(households=("household_id", "size"), persons=("registered_persons", "sum")).reset_index()
    frame = frame.sort_values(["households", "lacking"], ascending=[False, True])
    rest = frame.iloc[10:]
    tail = f"另有 {len(rest):,} 种组合，共 {int(rest['households'].sum()):,} 户。" if len(rest) else ""
    return render_table(
        frame.head(10),
        {"lacking": Show("缺什么"), "households": Show("户数", "integer", "户"), "persons": Show("人数", "integer", "人")},
        caption=f"{here.name}未脱贫户缺什么（前十种）",
        note_text=f"先列未达标，后列未知。{tail}",
        empty="没有不符合退出条件的未脱贫户。",
    )


def lacking(row: dict[str, Any]) -> Any:
    """What a household lacks in words (缺什么): not met first, then not yet, then unknown. ``row``: of :func:`~linwu_stats.publish.facts.exit_rows`."""
    failed = [term for column, (_, term) in facts.TESTS.items() if row[column] == "not_met"]
    not_yet = [term for column, (_, term) in facts.TESTS.items() if row[column] == "not_yet"]
    unknown = [term for column, (_, term) in facts.TESTS.items() if pd.isna(row[column]) or row[column] == "unknown"]
    parts = [("未达标", failed), ("尚未达到", not_yet), ("未知", unknown)]
    return "；".join(f"{'、'.join(terms)}{word}" for word, terms in parts if terms) or pd.NA


def household_list(q: Any, area: str) -> Fragment:
    """Households of a village by code (贫困户清单): status, verdict, income against the line, what is missing. Village pages only.

    Raises :class:`linwu_stats.publish.facts.AreaError` for another level.
    """
    here = facts.place(q, area)
    if here.level != "village":
        raise facts.AreaError(f"households are listed on village pages only; {area} is a {here.level} (户清单只在村级页面)")
    rows = facts.exit_rows(q, area)
    order = {"not_out": 0, "unknown": 1, "meets_exit": 2}
    frame = rows.assign(
        lacking=[lacking(row) for row in rows.to_dict("records")],
        _poor=~rows["poverty_status"].isin(facts.POOR),
        _verdict=rows["verdict"].map(order),
    ).sort_values(["_poor", "_verdict", "household_id"])
    return render_table(
        frame,
        {
            "household_id": Show("户编号"),
            "registered_persons": Show("人口", "integer", "人"),
            "poverty_status": Show("脱贫属性", "codes", codes="poverty_status"),
            "verdict": Show("评估结论", "codes", codes="verdict"),
            "income_outcome": Show("收入", "codes", codes="income_outcome"),
            "distance_fen": Show("户收入与标准的差距", "yuan", "元", signed=True),
            "lacking": Show("缺什么", unknown="—"),
        },
        caption=f"{here.name}贫困户清单（只列户编号）",
        empty="本村没有建档立卡贫困户。",
        note_text="差距＝户纯收入−标准×计算人口，负数为不足；收入是评估所用核算期的，年度未满的不作未达标论。未脱贫户在前，不符合的在最前。",
    )


def cohorts(q: Any, area: str) -> Fragment:
    """Old exits against their own year's line and against today's (历年脱贫户复核)."""
    here = facts.place(q, area)
    rows = facts.rows_of(q, "cohort_checks", area)
    table = []
    for year, part in rows.groupby("exit_year", dropna=False):
        row = {"exit_year": "未知" if pd.isna(year) else f"{int(year)}年", "households": len(part)}
        for side in ("own", "today"):
            lines = part[f"{side}_line_fen"].dropna().unique()
            row[f"{side}_line"] = int(lines[0]) if len(lines) == 1 else None
            row |= {f"{side}_{name}": count for name, count in _income_counts(part[f"{side}_line_outcome"]).items()}
        table.append(row)
    columns = {"exit_year": Show("脱贫年度"), "households": Show("户数", "integer", "户")}
    for side, term in (("own", "当年标准"), ("today", "现行标准")):
        columns[f"{side}_line"] = Show(term, "yuan", "元", unknown="不详")
        columns |= {
            f"{side}_{name}": Show(f"{term[:2]}{outcome}", "integer", "户") for name, outcome in {"met": "达标", "not_met": "未达标", "open": "未知"}.items()
        }
    return render_table(
        pd.DataFrame(table, columns=[*columns]),
        columns,
        caption=f"{here.name}历年脱贫户收入复核",
        empty="没有已脱贫户。",
        note_text="当年、现行：按脱贫当年标准、按现行标准；未知含不足一年的。每年的标准不同：当年达标而现行未达标的，不是当年错退，是今天有返贫风险。",
    )


def village_exits(q: Any, area: str) -> Fragment:
    """Exit assessment of the poor villages (贫困村退出评估)."""
    here, rows, column = facts.place(q, area), facts.rows_of(q, "village_exit", area), q.rules.value("exit.village.incidence")["denominator"]
    codes = facts.village_rows(q, area)["village_code"]
    rows = rows[rows["village_code"].isin(codes) & (rows["village_kind"] != "none")]
    lacking = [_village_lacking(row) for row in rows.to_dict("records")]
    frame = rows.assign(name=[q.area_names[code] for code in rows["village_code"]], lacking=lacking)
    frame = frame.assign(_left=frame["village_status"] == "out").sort_values(["_left", "village_code"])
    counts = "，".join(f"{term} {int((frame['verdict'] == verdict).sum())} 个" for verdict, term in CODES["verdict"].items()) if len(frame) else ""
    status = "，".join(f"{term} {int((frame['village_status'] == code).sum())} 个" for code, term in CODES["village_status"].items() if code != "not_poor")
    explained = f"贫困发生率的分母是{words.denominator(column)}；村集体收入是本年累计数，未满一年而未达到的算未知。"
    return render_table(
        frame,
        {
            "name": Show("行政村"),
            "village_kind": Show("类别", "codes", codes="village_kind"),
            "village_status": Show("状态", "codes", codes="village_status"),
            "poor_persons": Show("未脱贫", "integer", "人"),
            "denominator_persons": Show("分母人口", "integer", "人"),
            "incidence_share": Show("贫困发生率", "percent", "%"),
            "collective_income_fen": Show("村集体收入", "yuan", "元"),
            "verdict": Show("结论", "codes", codes="verdict"),
            "lacking": Show("缺什么", unknown="—"),
        },
        caption=f"{here.name}贫困村退出评估",
        empty="没有贫困村。" if here.level != "village" else "本村不是贫困村。",
        note_text=f"{len(frame)} 个贫困村：{status}；评估：{counts}。{explained}" if len(frame) else "",
    )


def county_target(q: Any, area: str) -> Fragment:
    """The county's rate with its denominator, and the year's task against its target (县级贫困发生率与年度目标), from table county_exit."""
    if facts.place(q, area).level != "county":
        return note("年度目标只在县级页面测算。")
    rows = q.county_exit.to_dict("records")
    frame = q.county_exit.assign(
        term=[words.measure(row["measure"]) for row in rows],
        shown=[_amount(row["value"], row["unit"]) for row in rows],
        band=[_band(row) for row in rows],
        result=[_result(row) for row in rows],
    )
    return render_table(
        frame,
        {
            "term": Show("项目", below="rule_key"),
            "shown": Show("数值", "figure"),
            "band": Show("区间", "figure"),
            "result": Show("结果", unknown="—"),
            "note": Show("说明", unknown="—"),
        },
        caption="贫困发生率与年度目标测算",
        note_text="区间：公布的比率只有一位小数，由它反推的数有一个范围。",
    )


def transitions(q: Any, area: str) -> Fragment:
    """What changed since the previous quarter and why (与上季相比的状态变动)."""
    here, rows = facts.place(q, area), _transition_rows(q, area)
    if q.previous is None:
        return note("没有上季数据，不能比较状态变动。")
    order = list(CODES["transition"])
    frame = (
        rows.groupby("transition").agg(households=("household_id", "size"), persons=("persons", "sum")).reset_index()
        if len(rows)
        else pd.DataFrame(columns=["transition", "households", "persons"])
    )
    frame = frame.assign(_order=frame["transition"].map(order.index)).sort_values("_order")
    stay = ("stayed_poor", "stayed_out")
    why = _why(rows[~rows["transition"].isin(stay) | (rows["verdict_before"] != rows["verdict_now"]).fillna(False)])
    counted = render_table(
        frame,
        {"transition": Show("变动", "codes", codes="transition"), "households": Show("户数", "integer", "户"), "persons": Show("人数", "integer", "人")},
        caption=f"{here.name}状态变动（{q.previous.quarter} 至 {q.quarter}）",
        empty="没有可比较的户。",
    )
    reasons = render_table(
        why,
        {
            "transition": Show("变动", "codes", codes="transition"),
            "verdict_before": Show("上季结论", "codes", codes="verdict"),
            "verdict_now": Show("本季结论", "codes", codes="verdict"),
            "why": Show("原因", "why", unknown="—"),
            "households": Show("户数", "integer", "户"),
        },
        caption=f"{here.name}状态或结论变动的原因",
        empty="没有户的状态或结论有变动。",
        note_text="只列属性或结论变了的户，按户数排序，最多十五行；人口变动只说增减。",
    )
    return join(counted, reasons)


# ---- parts -------------------------------------------------------------------------------------------------------------


def _conditions_figure(here: facts.Place, poor: pd.DataFrame) -> Fragment:
    counts = facts.outcome_counts(poor).set_index("test")
    shown = pd.DataFrame({"met": counts["met"], "not_met": counts["not_met"], "open": counts["not_yet"] + counts["unknown"]})
    labels = {"met": "达标", "not_met": "未达标", "open": "尚未达到或未知"}
    worst = shown["not_met"].idxmax() if shown["not_met"].any() else None
    least = shown["open"].idxmax() if shown["open"].any() else None
    headline = f"{worst}未达标最多，{int(shown.loc[worst, 'not_met']):,} 户" if worst else "没有未达标的条件"
    see = headline + (f"；{least}尚未达到或未知最多，{int(shown.loc[least, 'open']):,} 户。" if least else "。")
    alt = "；".join(
        f"{test}达标 {row.met:,}、未达标 {row.not_met:,}、尚未达到或未知 {row.open:,}" for test, row in zip(shown.index, shown.itertuples(), strict=True)
    )
    png = plots.plot_outcomes(shown, labels=labels, title=f"{here.name}未脱贫户：{headline}", axis_label="户数")
    return tables_html.picture(png, f"{here.name}未脱贫户各项退出条件的堆叠条形图。{alt}。", see)


def _income_basis(q: Any, rows: pd.DataFrame) -> list[str | Markup]:
    """Which period and line the income condition used."""
    used = rows.dropna(subset=["line_fen"]).drop_duplicates(["period", "line_year", "line_fen"])
    parts = [
        f"{label('period', row['period'])}收入对 {int(row['line_year'])} 年标准 {format_value(row['line_fen'], 'yuan')} 元" for row in used.to_dict("records")
    ]
    if not parts:
        return ["收入条件没有可用的标准。"]
    part_year = "不足一年的收入只能判“已达到”或“尚未达到”，不判“低于”。" if rows["income_outcome"].isin(["already_reached", "not_yet"]).any() else ""
    return [escape(f"收入条件：{'；'.join(parts)} "), rule("exit.household.income"), escape(f"。{part_year}")]


def _village_lacking(row: dict[str, Any]) -> Any:
    terms = {"incidence": "发生率", "collective_income": "集体经济", "infrastructure": "设施和服务"}
    parts = [("未达标", [term for name, term in terms.items() if row[name] == "not_met"])]
    parts.append(("未知", [term for name, term in terms.items() if pd.isna(row[name]) or row[name] == "unknown"]))
    return "；".join(f"{'、'.join(names)}{word}" for word, names in parts if names) or pd.NA


def _income_counts(outcomes: pd.Series) -> dict[str, int]:
    met, failed = int(outcomes.isin(["met", "already_reached"]).sum()), int((outcomes == "not_met").sum())
    return {"met": met, "not_met": failed, "open": len(outcomes) - met - failed}


def _result(row: dict[str, Any]) -> Any:
    """Outcome of one row of the county table; where two numbers are set side by side, whether they agree."""
    if pd.isna(row["outcome"]):
        return pd.NA
    if row["measure"] in ("published_poor_persons", "denominator"):
        return {"met": "相符", "not_met": "不符"}.get(row["outcome"], "未知")
    return label("outcome", row["outcome"])


def _amount(value: Any, unit: Any) -> str:
    """A value of the county table with its unit; shares in per cent."""
    if pd.isna(value):
        return tables_html.UNKNOWN
    if unit == "%":
        return f"{format_value(value, 'decimal')}%"
    return f"{format_value(value, 'integer' if float(value).is_integer() else 'decimal')} {'' if pd.isna(unit) else unit}".strip()


def _band(row: dict[str, Any]) -> str:
    if pd.isna(row["low"]) or pd.isna(row["high"]) or row["low"] == row["high"]:
        return "—" if pd.isna(row["low"]) == pd.isna(row["high"]) else f"不少于 {_amount(row['low'], row['unit'])}"
    return f"{_amount(row['low'], row['unit'])} 至 {_amount(row['high'], row['unit'])}"


def _transition_rows(q: Any, area: str) -> pd.DataFrame:
    """Rows of the transition table in an area: by where the household is, or was before it left the register."""
    return facts.rows_of(q, "transitions", area)


def _shortened(codes: str) -> str:
    """Codes of what changed without those that the other columns show, the head count as more or fewer."""
    kept = []
    for code in codes.split():
        name, _, change = code.partition(":")
        before, _, now = change.partition(">")
        if name == "headcount" and before.isdigit() and now.isdigit():
            kept.append("headcount_up" if int(now) > int(before) else "headcount_down")
        elif name not in ("status", "verdict"):
            kept.append(code)
    return " ".join(sorted(kept, key=lambda code: code.startswith("headcount_")))


def _why(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["transition", "verdict_before", "verdict_now", "why"]
    if rows.empty:
        return pd.DataFrame(columns=[*columns, "households"])
    counted = rows.assign(why=rows["why"].map(_shortened, na_action="ignore")).groupby(columns, dropna=False).size().reset_index(name="households")
    return counted.sort_values(["households", *columns], ascending=[False, True, True, True, True]).head(15)
