"""The parts of the notebook 台账质量 (台账质量页面): completeness, accuracy, timeliness, what decides a verdict, and how the mending goes.

Each function takes a quarter ``q`` and an area code (county or township) and gives a fragment, as in :mod:`linwu_stats.publish.pages`. No household is
named here: the work list names them, to those who mend.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats.publish import facts, plots, tables_html, words
from linwu_stats.publish.tables_html import Fragment, KeyFigure, Show, bullets, format_value, join, note, picture, render_table
from linwu_stats.tables import CODES, TABLES, label

__all__ = [
    "department_doubts", "measures", "mending", "not_given", "quality_figures", "review_result", "source_differences", "title", "township_comparison",
]

#: Measures in the strip of key figures: one for each of the three words.
_HEADLINES = ("complete", "accurate", "timely")
_MEANING = {
    "complete": "分母＝应填的格；空缺的格不算零。整列或整本没有提供的计入“不能判断”，不在分母中。",
    "accurate": "未发现错误的要素＝没有被读取错误、逻辑错误或三方差异点名的已填格÷全部已填格；一项检查牵涉几格而不知哪格错的，各格都算。没有发现不等于没有错。",
    "timely": "没有更新迟滞迹象的户＝没有下列任何一种迹象的户÷全部户。部门名册在先而登记未变的是疑点，须核实。",
}


def title(q: Any, area: str) -> Fragment:
    """Title for a reader in JupyterLab (标题)."""
    sample = "（示例数据）" if q.is_sample else ""
    return Fragment(Markup("<h1>{}台账质量 {}{}</h1>").format(facts.place(q, area).name, words.quarter_name(q.quarter), sample))


def not_given(q: Any, area: str) -> Fragment:
    """What could not be judged (没有提供、不能判断), first of all: a list that was not given is unknown, not clean."""
    _known(q, area)
    items = ["示例数据：本页的户和数字都是程序虚构的，不得引用。"] if q.is_sample else []
    missing = _rows(q, area)
    missing = missing[missing["reason_code"] == "not_given"]
    if len(missing):
        items.append(f"没有可供判断的台账或名册，下列指标未知（不是合格）：{'、'.join(label('quality_measure', code) for code in missing['measure'])}。")
    lists = facts.rows_of(q, "department_counts", area).drop_duplicates("list")
    absent = [label("department_list", code) for code in lists.loc[~lists["list_given"].fillna(False).astype(bool), "list"]]
    if absent:
        items.append(f"没有提供的部门名册（有关疑点未知）：{'、'.join(absent)}。")
    sources = facts.rows_of(q, "source_counts", area)
    if sources.empty or not sources["compared"].fillna(0).sum():
        items.append("没有可以与系统比对的扶贫手册或一户一档：三方是否一致未知。")
    if facts.rows_of(q, "review_error_rates", area).empty:
        items.append("本季没有双人复核结果：台账差错率没有抽样依据。")
    if q.previous is None:
        items.append("没有上季数据：与上季的比较、照抄上季和登记变动是否及时都不能判断。")
    return bullets(items, "doubts", heading="不能判断的内容", empty="台账、名册和比对来源都已提供。")


def quality_figures(q: Any, area: str) -> Fragment:
    """The three words as key figures with the change on last quarter (关键指标)."""
    rows = _rows(q, area).set_index("measure")
    figures = []
    for measure in _HEADLINES:
        row = rows.loc[measure]
        unit = "%" if pd.notna(row["value"]) else ""
        of = f"{row['numerator']:,}÷{row['denominator']:,} {label('quality_unit', row['unit'])}"
        name = f"{label('quality_dimension', measure)}：{label('quality_measure', measure)}"
        figures.append(KeyFigure(name, format_value(row["value"], "percent"), unit, (("比上季", _change(row)), ("分子÷分母", of))))
    return tables_html.key_figures(figures)


def measures(q: Any, area: str, dimension: str) -> Fragment:
    """All measures of one of the three words (完整性、准确性、及时性) with numerator, denominator, what is unknown, and last quarter."""
    rows = _rows(q, area)
    rows = rows[rows["dimension"] == dimension].copy()
    rows["name"] = [label("quality_measure", code) for code in rows["measure"]]
    rows["bad"] = rows["denominator"] - rows["numerator"]
    rows["why"] = [label("quality_reason", code) if pd.notna(code) else "" for code in rows["reason_code"]]
    rows["shown"] = [format_value(value, "percent") if pd.notna(value) else f"未知（{why}）" for value, why in zip(rows["value"], rows["why"], strict=True)]
    rows["change"] = [_change(row) for row in rows.to_dict("records")]
    columns = {
        "name": Show("指标"), "shown": Show("本季", "figure", "%"), "before": Show("上季", "percent", "%", unknown="—"), "change": Show("比上季", "figure"),
        "numerator": Show("符合", "integer"), "bad": Show("不符合", "integer"), "unknown": Show("不能判断", "integer"),
        "unit": Show("计数单位", "codes", codes="quality_unit"),
    }
    caption = f"{facts.place(q, area).name}台账{label('quality_dimension', dimension)}"
    return render_table(rows, columns, caption=caption, note_text=f"比率＝符合÷（符合＋不符合）；不能判断的不在分母中。{_MEANING[dimension]}")


def township_comparison(q: Any, area: str) -> Fragment:
    """The townships side by side (各乡镇台账质量): a figure of what is blank, wrong or late, and the three rates."""
    here = _known(q, area)
    if here.level != "county":
        return note("各乡镇的比较见县级页面。")
    table = q.ledger_quality[q.ledger_quality["measure"].isin(_HEADLINES)].assign(bad=lambda rows: rows["denominator"] - rows["numerator"])
    wide = table.pivot(index="area_code", columns="measure", values=["value", "bad", "denominator"])
    codes = [code for code in wide.index if len(code) == 9 and wide.loc[code, ("denominator", "timely")] > 0]
    if not codes:
        return note("没有乡镇有建档立卡户。")
    rows = pd.DataFrame([
        {"name": q.area_names.get(code, code)} | {f"{kind}_{one}": wide.loc[code, (kind, one)] for kind in ("value", "bad") for one in _HEADLINES}
        for code in codes
    ])
    rows["all"] = rows[[f"bad_{one}" for one in _HEADLINES]].sum(axis=1)
    rows = rows.sort_values(["all", "name"], ascending=[False, True], kind="stable")
    columns = {"name": Show("乡镇")}
    for one, bad, unit in (("complete", "空缺", "格"), ("accurate", "有错误", "格"), ("timely", "有迟滞迹象", "户")):
        columns |= {f"value_{one}": Show(label("quality_measure", one), "percent", "%"), f"bad_{one}": Show(bad, "integer", unit)}
    shown = render_table(rows, columns, caption="各乡镇台账质量（问题多的在前）", note_text="乡镇不能识别的户只计入全县。")
    return join(_township_figure(rows), shown)


def source_differences(q: Any, area: str) -> Fragment:
    """Where booklet, household file and system differ (三方差异), by field: those that would change a verdict first."""
    _known(q, area)
    counts = facts.rows_of(q, "source_counts", area)
    if counts.empty or not counts["compared"].fillna(0).sum():
        return note("本季没有扶贫手册或一户一档可以比对，三方差异未知。把两者（任一即可）放入 ledgers 后重新运行，即可逐项比对并试算对结论的影响。")
    names = [name for name in ("compared", "agree", "differ", "unknown", "change_verdict") if name in counts]
    rows = counts.groupby(["field", "heading"], dropna=False)[names].sum().reset_index()
    rows = rows[rows["differ"] > 0].sort_values(["change_verdict", "differ", "field"], ascending=[False, False, True])
    rows["rate"] = [one["differ"] / one["compared"] if one["compared"] else None for one in rows.to_dict("records")]
    columns = {
        "heading": Show("项目", below="field"), "change_verdict": Show("会改变结论", "integer", "处"), "differ": Show("不一致", "integer", "处"),
        "rate": Show("不一致率", "percent", "%"), "agree": Show("一致", "integer"), "unknown": Show("不能比", "integer"),
    }
    table = render_table(
        rows, columns, caption=f"{facts.place(q, area).name}系统、扶贫手册、一户一档差异（会改变结论的在前）", empty="可比的项目三方都一致。",
        note_text="会改变结论：把另一来源的值代入重新评估，结论会变。程序不自行改数，以系统名册计算，差异逐条列入整改清单。",
    )
    deciding, every = int(rows["change_verdict"].sum()), int(rows["differ"].sum())
    return join(note(f"共 {every:,} 处不一致，其中 {deciding:,} 处会改变脱贫结论，应最先核实。") if every else None, table)


def department_doubts(q: Any, area: str) -> Fragment:
    """What departments' lists say against the register (部门疑点), in counts; a list that was not given is unknown."""
    _known(q, area)
    counts = facts.rows_of(q, "department_counts", area)
    if counts.empty:
        return note("本季没有部门名册比对，有关疑点未知。")
    keys = ["flag_key", "title", "list", "severity", "fixer", "list_given"]
    rows = counts.groupby(keys, dropna=False)[["matched", "flagged", "unknown"]].sum(min_count=1).reset_index()
    rows["flagged"] = rows["flagged"].where(rows["list_given"].fillna(False).astype(bool))
    rows["order"] = rows["severity"].map({code: number for number, code in enumerate(CODES["flag_severity"])})
    before = None if q.previous is None else facts.rows_of(q.previous, "department_counts", area)
    rows["before"] = pd.NA if before is None or before.empty else rows["flag_key"].map(
        before[before["list_given"].fillna(False).astype(bool)].groupby("flag_key")["flagged"].sum())
    rows = rows[(rows["flagged"] > 0) | rows["flagged"].isna() | (rows["before"].fillna(0) > 0)]
    rows = rows.sort_values(["order", "flagged", "flag_key"], ascending=[True, False, True], na_position="last")
    columns = {
        "title": Show("疑点", below="flag_key"), "severity": Show("轻重", "codes", codes="flag_severity"),
        "list": Show("名册", "codes", codes="department_list"),
        "flagged": Show("疑点", "integer", "人或户", unknown="未知（没有提供名册）"), "before": Show("上季", "integer", unknown="—"),
        "unknown": Show("不能判断", "integer"), "fixer": Show("核实单位"),
    }
    note_text = "疑点须逐条核实，不是结论，也不参与评估。没有提供名册的为未知，不是没有问题。"
    return render_table(rows, columns, caption=f"{facts.place(q, area).name}部门比对疑点", empty="已提供的名册没有疑点。", note_text=note_text)


def review_result(q: Any, area: str) -> Fragment:
    """What the two-person review says (双人复核): the error rate with its one-sided bound, and how far the two agree."""
    here = _known(q, area)
    rates = facts.rows_of(q, "review_error_rates", area)
    if rates.empty:
        return note(f"{here.name}本季没有双人复核结果。抽样：linwu-stats review draw {q.quarter}；收回复核表后：linwu-stats review read {q.quarter}。")
    rates = rates.assign(name=[_field_name(field) for field in rates["field"]]).sort_values("upper_share", ascending=False, kind="stable")
    rates = pd.concat([rates[rates["field"] == "all"], rates[rates["field"] != "all"]])
    columns = {
        "name": Show("项目"), "settled_households": Show("已核定", "integer", "户"), "unsettled_households": Show("未裁定", "integer", "户"),
        "unanswered_households": Show("未复核", "integer", "户"), "error_households": Show("有差错", "integer", "户"),
        "error_share": Show("差错率", "percent", "%"), "upper_share": Show("差错率上限", "percent", "%"), "method": Show("算法", "codes", codes="bound_method"),
    }
    level = format_value(q.rules.value("review.confidence_share"), "percent")
    table = render_table(
        rates, columns, caption=f"{here.name}双人复核：台账差错率",
        note_text=f"以户为单位；上限为单侧 {level}% 上限，未裁定的按有差错计入上限。样本之外的户也以上限为准，不以样本中没有差错为准。",
    )
    if here.level != "county":
        return table
    agreement = q.review_agreement
    agreement = agreement[(agreement["pair"] == "all") & (agreement["basis"] == "value")].assign(name=lambda rows: [_field_name(one) for one in rows["field"]])
    columns = {
        "name": Show("项目"), "both": Show("两人都填", "integer"), "agreed": Show("一致", "integer"), "differed": Show("不一致", "integer"),
        "agreement_share": Show("一致率", "percent", "%"), "positive_agreement": Show("少见类别一致率", "percent", "%"), "kappa": Show("Kappa", "decimal"),
        "ac1": Show("AC1", "decimal"),
    }
    why = "差错很少时 Kappa 会偏低，须与计数、少见类别一致率和 AC1 一起看。"
    return join(table, render_table(agreement, columns, caption="两名复核人的一致性", note_text=why))


def mending(q: Any, area: str) -> Fragment:
    """How the work list goes (整改进度): new, open and for how long, mended; by township for the county, by owner for both."""
    here = _known(q, area)
    rows = facts.rows_of(q, "work_list_progress", area)
    if rows.empty:
        return note(f"{here.name}没有整改事项。")
    owners = _progress(rows, "owner").rename(columns={"owner": "name"})
    shown = [_progress_table(owners, "整改单位", f"{here.name}整改进度（按整改单位）")]
    if here.level == "county":
        places = _progress(rows, "township_code")
        places["name"] = [q.area_names.get(code, "全县（不分乡镇）") for code in places["township_code"]]
        shown.append(_progress_table(places, "乡镇", "整改进度（按乡镇）"))
    open_now, longest = int(rows["open_now"].sum()), rows["longest_quarters"].max()
    last = f"，最久的已连续 {int(longest)} 个季度未改" if pd.notna(longest) and longest > 1 else ""
    grave = "、".join(f"{term} {int(rows[f'{code}_open'].sum()):,} 项" for code, term in CODES["gravity"].items())
    return join(note(f"现有 {open_now:,} 项未改：{grave}{last}。"), *shown, note("每个乡镇的逐条清单用 linwu-stats worklist 生成，只发给整改单位，不公开。"))


def _progress(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    counts = ["open_before", "mended", "verified", "still_open", "unchecked", "gone", "new", "open_now", "verdict_open", "error_open", "warning_open"]
    out = rows.groupby(by)[counts].sum().join(rows.groupby(by)["longest_quarters"].max()).reset_index()
    return out.sort_values(["verdict_open", "error_open", "open_now", by], ascending=[False, False, False, True])


def _progress_table(rows: pd.DataFrame, heading: str, caption: str) -> Fragment:
    columns = {
        "name": Show(heading), "open_before": Show("上季未改", "integer"), "mended": Show("已改", "integer"), "verified": Show("核实无误", "integer"),
        "new": Show("新增", "integer"), "open_now": Show("现未改", "integer", "项"), "verdict_open": Show("影响结论", "integer"),
        "error_open": Show("错误", "integer"), "warning_open": Show("疑点", "integer"), "unchecked": Show("无法检查", "integer"),
        "longest_quarters": Show("最久未改", "integer", "季", unknown="—"),
    }
    return render_table(rows, columns, caption=caption, note_text="现未改＝新增＋仍未改＋本季无法检查；无法检查的不算已改。")


def _known(q: Any, area: str) -> facts.Place:
    here = facts.place(q, area)
    if here.level == "village":
        raise facts.AreaError(f"area {area}: the quality of the ledgers is counted by township (台账质量按乡镇计算); give a county or township code")
    return here


def _rows(q: Any, area: str) -> pd.DataFrame:
    _known(q, area)
    rows = facts.rows_of(q, "ledger_quality", area)
    order = {code: number for number, code in enumerate(CODES["quality_measure"])}
    return rows.sort_values("measure", key=lambda codes: codes.map(order)).reset_index(drop=True)


def _change(row: Any) -> str:
    if pd.isna(row["value"]) or pd.isna(row["before"]):
        return "—"
    return f"{format_value(row['value'] - row['before'], 'percent', signed=True)} 个百分点"


def _field_name(field: str) -> str:
    table, _, column = field.partition(".")
    return "任一项目" if field == "all" else TABLES[table][column].heading if column else field


def _township_figure(rows: pd.DataFrame) -> Fragment | None:
    table = rows.set_index("name")[["bad_complete", "bad_accurate", "bad_timely"]].fillna(0).astype(int)
    if not table.to_numpy().sum():
        return note("各乡镇都没有发现空缺、错误或迟滞迹象，不画图。")
    labels = {"bad_complete": "空缺的格", "bad_accurate": "有错误的格", "bad_timely": "有迟滞迹象的户"}
    worst = table.sum(axis=1).idxmax()
    png = plots.plot_outcomes(table, labels=labels, title=f"各乡镇台账问题：{worst}最多", axis_label="问题数（格、户）")
    counts = "；".join(f"{name} {'、'.join(map(str, row))}" for name, row in zip(table.index, table.to_numpy(), strict=True))
    alt = f"各乡镇空缺的格、有错误的格、有迟滞迹象的户的条形图：{counts}。"
    return picture(png, alt, f"条形越长问题越多；户数多的乡镇本来就多，比率见下表。{worst}问题最多，应先整改。")
