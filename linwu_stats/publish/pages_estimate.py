"""The pages on the whole year from a part of it (收入测算): the estimate against the line with its intervals, the other methods, and the record of both.

Every function takes a quarter ``q`` and an area code (county, township or village) and gives a fragment, as in :mod:`linwu_stats.publish.pages`. No
household is named, and areas below the page's own and groups of fewer than five households show no income.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import escape

from linwu_stats.publish import facts, words
from linwu_stats.publish.plots_estimate import plot_calibration, plot_intervals
from linwu_stats.publish.tables_html import Fragment, Show, bullets, format_value, note, picture, render_table, rule
from linwu_stats.tables import CODES, label

__all__ = ["alternatives", "area_table", "calibration", "doubts", "groups", "main_points", "record", "record_by_class", "township_intervals"]

#: A group of fewer households shows no income: it would tell of single families.
SMALLEST_GROUP = 5
FEW = "不足五户，不列"
_LEVELS = ("low80", "high80", "low95", "high95")
_REASONS = {
    "quarter_missing": "本年有季度缺收入台账", "amount_unknown": "本年有金额未知", "part_estimated": "有未知金额用同类或上年数补算",
    "headcount_unknown": "计算人口未知", "headcount_zero": "计算人口为零", "line_unknown": "该年没有标准",
}
_GROUPS = {"attribute": "贫困户属性", "cause": "主要致贫原因", "poverty_status": "脱贫属性"}
_ORDER = ("own_year", "own_rest", "group", "law", "complete", "none")


def doubts(q: Any, area: str) -> Fragment:
    """What limits the estimates (疑点与限制): how they were made, for how many, and what no method can know."""
    rows = _model(q, area)
    year, seen = _year(rows), _seen(rows)
    items = ["示例数据：本页的户、人和金额都是程序虚构的，不得引用。"] if q.is_sample else []
    if seen < 4:
        items.append(f"{year}核算年度只过了 {seen} 个季度，全年数是测算，不是核算，不能用来判定退出；判定仍以核算为准。")
        items.append("区间来自以往同类预测的误差：台账中已经显露、或往年也有过的变化，区间能反映；以后才来、往年从未有过的全县性变化（如价格骤跌、政策调标），不能。")
    counts = rows["fallback"].value_counts()
    ways = "、".join(f"{label('estimate_fallback', code)} {int(counts[code]):,} 户" for code in _ORDER if code in counts)
    items.append(f"依据：{ways}。")
    basis = rows.loc[rows["interval_basis"] != "none", "interval_basis"].value_counts()
    items.append("区间依据：" + "、".join(f"{label('estimate_basis', code)} {int(count):,} 户" for code, count in basis.items()) + "。")
    if "assumed" in basis.index:
        items.append("有的户没有任何可检验的误差，区间宽度是规则假定的，不是测出来的。")
    if (basis.index != "year_ago").any() and seen < 4:
        items.append("台账还没有覆盖两个完整的上年，误差只能从本年已到各季或上年本身推算，区间可能偏宽或偏窄；补录前年台账后才能按上年同期的误差定宽度。")
    for code, count in rows["reason_code"].dropna().value_counts().items():
        fate = "不能测算" if (rows.loc[rows["reason_code"] == code, "fallback"] == "none").all() else "有的户区间较宽或没有人均数"
        items.append(f"{_REASONS.get(code, code)}：{int(count):,} 户，{fate}。")
    return bullets(items, "doubts", heading="疑点与限制")


def main_points(q: Any, area: str) -> Fragment:
    """The expected year in sentences (要点): mean, persons below and their intervals, households that are not decided."""
    here, rows = facts.place(q, area), _model(q, area)
    figures = _areas(q, here.level, [area]).set_index("measure")
    year, line = _year(rows), rows["line_fen"].iloc[0] if len(rows) else pd.NA
    items = []
    for measure, kind, unit in (("mean_percapita_yuan", "integer", "元"), ("persons_below", "integer", "人"), ("headcount_ratio", "percent", "%")):
        if measure in figures.index and not pd.isna(figures.loc[measure, "value"]):
            items.append(f"{year}年{label('estimate_measure', measure)}测算 {_with_interval(figures.loc[measure], kind, unit)}。")
    share = rows["pass_share"].dropna().to_numpy(dtype=float)
    if len(share):
        likely, unlikely = int((share >= 0.9).sum()), int((share <= 0.1).sum())
        items.append(
            f"{len(share):,} 户中，超过标准的可能性在 90% 以上的 {likely:,} 户，在 10% 以下的 {unlikely:,} 户，"
            f"其余 {len(share) - likely - unlikely:,} 户现在说不准，应当先帮、先看。"
        )
    if not pd.isna(line):
        items.append(escape(f"标准为{year}年 {format_value(line, 'yuan')} 元，恰在标准上的按 ") + rule("exit.household.income") + " 的符号判断。")
    return bullets(items, "points", empty="没有可以测算的户。")


def township_intervals(q: Any, area: str) -> Fragment:
    """Expected share below the line of each sub-area with 80 and 95 percent intervals drawn (各地区间图)."""
    here = facts.place(q, area)
    below = facts.areas_below(q, area) or [here]
    table = _areas(q, below[0].level, [one.code for one in below])
    table = table[(table["measure"] == "headcount_ratio") & table["value"].notna() & (table["households"] >= SMALLEST_GROUP)]
    table = table.sort_values(["value", "area_code"])
    if table.empty:
        return note(f"{here.name}：没有可以测算的地区，不画区间图。")
    names = [q.area_names[code] for code in table["area_code"]]
    whole = _areas(q, here.level, [area]).set_index("measure")
    reference = whole.loc["headcount_ratio", "value"] if "headcount_ratio" in whole.index else pd.NA
    numbers = table[["value", *_LEVELS]].astype(float).reset_index(drop=True) * 100
    title = f"{here.name}：全年收入不超过标准的人口比重，点为测算，粗线80%区间，细线95%区间"
    png = plot_intervals(names, numbers, reference=None if pd.isna(reference) else float(reference) * 100, title=title, axis_label="人口比重（%）")
    alt = "；".join(
        f"{name} {format_value(value, 'percent')}%（{format_value(low, 'percent')}至{format_value(high, 'percent')}）"
        for name, value, low, high in zip(names, table["value"], table["low80"], table["high80"], strict=True)
    )
    return picture(png, f"{title}。{alt}。", "看区间是否相互重叠：重叠的，名次先后不可靠；区间越宽，户数越少或越说不准。")


def area_table(q: Any, area: str) -> Fragment:
    """Expected mean and persons below of each sub-area with intervals (各地测算表)."""
    here = facts.place(q, area)
    below = facts.areas_below(q, area)
    table = _areas(q, below[0].level, [one.code for one in below]) if below else _areas(q, here.level, [area])
    rows = []
    for code, part in table.groupby("area_code", sort=True):
        found = part.set_index("measure")
        few = bool(below) and int(found["households"].iloc[0]) < SMALLEST_GROUP
        shown = {"mean": ("mean_percapita_yuan", "integer"), "below": ("persons_below", "integer"), "ratio": ("headcount_ratio", "percent")}
        rows.append({
            "name": q.area_names.get(code, code), "households": found["households"].iloc[0], "unknown": found["unknown_households"].iloc[0],
            **{name: FEW if few else _with_interval(found.loc[measure], kind) for name, (measure, kind) in shown.items()},
        })
    columns = {
        "name": Show("地区"), "households": Show("测算户数", "integer", "户"), "unknown": Show("不能测算", "integer", "户"),
        "mean": Show("全年人均纯收入", "figure", "元"), "below": Show("不超过标准的人口", "figure", "人"), "ratio": Show("占测算人口", "figure", "%"),
    }
    return render_table(
        pd.DataFrame(rows, columns=list(columns)), columns, caption=f"{here.name}各地全年测算（80%区间）",
        note_text="同村的户一起受天气和市价影响，区间由同村各户一起抽取得到，比各户独立相加的宽。只看收入一项，不是退出结论。",
    )


def groups(q: Any, area: str, kind: str) -> Fragment:
    """Expected mean and share below of each group (分组测算): ``kind`` is attribute, cause or poverty_status."""
    here, table = facts.place(q, area), q.estimate_areas
    table = table[(table["level"] == here.level) & (table["area_code"] == area) & (table["group_kind"] == kind)]
    rows = []
    for value, part in table.groupby("group_value", sort=True):
        found = part.set_index("measure")
        few = int(found["households"].iloc[0]) < SMALLEST_GROUP
        rows.append({
            "group": words.group(kind, value), "households": found["households"].iloc[0],
            "mean": FEW if few else _with_interval(found.loc["mean_percapita_yuan"], "integer"),
            "ratio": FEW if few else _with_interval(found.loc["headcount_ratio"], "percent"),
        })
    columns = {
        "group": Show(_GROUPS[kind]), "households": Show("测算户数", "integer", "户"), "mean": Show("全年人均纯收入", "figure", "元"),
        "ratio": Show("不超过标准的人口比重", "figure", "%"),
    }
    return render_table(
        pd.DataFrame(rows, columns=list(columns)), columns, caption=f"{here.name}按{_GROUPS[kind]}分组的全年测算（80%区间）",
        empty="没有可以列出的分组。",
    )


def alternatives(q: Any, area: str) -> Fragment:
    """All methods side by side for the area (各法并列): households, mean, share that passes, and the record of each after as many quarters."""
    here, found = facts.place(q, area), _within(q, area)
    past, drawn = _record(q), _areas(q, here.level, [area]).set_index("measure")
    rows = []
    for method in CODES["estimate_method"]:
        part = found[(found["method"] == method) & found["estimate_fen"].notna() & (found["headcount_persons"].fillna(0) > 0)]
        persons = int(part["headcount_persons"].sum()) if len(part) else 0
        below = float(((1 - part["pass_share"]) * part["headcount_persons"]).sum()) if len(part) and part["pass_share"].notna().all() else None
        mean = int(part["estimate_fen"].sum()) / persons / 100 if persons else None
        if method == "model" and len(drawn):
            mean, below = drawn.loc["mean_percapita_yuan", "value"], drawn.loc["persons_below", "value"]
        before = past[(past["method"] == method) & (past["item_class"] == "net")]
        rows.append({
            "method": CODES["estimate_method"][method], "households": len(part),
            "mean": mean, "below": below,
            "error": float(before["error_share"].mean()) if len(before) else None, "brier": float(before["brier"].mean()) if len(before) else None,
        })
    if not (found["method"] != "model").any():
        return note("规则 estimate.methods 只列模型一法，没有可以并列的。")
    frame = pd.DataFrame([row for row in rows if row["households"]])
    return render_table(
        frame,
        {
            "method": Show("方法"), "households": Show("能测算", "integer", "户"), "mean": Show("全年人均纯收入", "integer", "元"),
            "below": Show("不超过标准的人口", "integer", "人"), "error": Show("以往误差占收入", "percent", "%", unknown="没有记录"),
            "brier": Show("以往Brier评分", "index", unknown="没有记录"),
        },
        caption=f"{here.name}各种测算方法并列",
        note_text=escape(
            "折年即按季数放大，水稻、烤烟、年猪集中在几个季度，放大必错；上年数不看今年。以往误差为全县各完整年度同样几个季度之后的平均，0 最好。方法见 "
        ) + rule("estimate.methods"),
    )


def record(q: Any, area: str) -> Fragment:
    """How earlier estimates turned out (以往测算的检验): error, coverage, Brier score of every complete year and stage; of the county, whatever the area."""
    table = q.estimate_record
    table = table[table["item_class"] == "net"].sort_values(["accounting_year", "quarters_known", "method"])
    frame = table.assign(method_name=[label("estimate_method", code) for code in table["method"]], stage=[
        f"{year}年，{seen}个季度后" for year, seen in zip(table["accounting_year"], table["quarters_known"], strict=True)
    ])
    columns = {
        "stage": Show("核算年度"), "method_name": Show("方法"), "households": Show("检验户数", "integer", "户"),
        "mean_error_fen": Show("平均偏差", "yuan", "元", signed=True), "mean_absolute_error_fen": Show("平均绝对误差", "yuan", "元"),
        "error_share": Show("占收入", "percent", "%"), "covered80_share": Show("80%区间命中", "percent", "%", unknown="—"),
        "covered95_share": Show("95%区间命中", "percent", "%", unknown="—"), "brier": Show("Brier评分", "index", unknown="—"),
        "fallback": Show("依据", "codes", codes="estimate_fallback", unknown="—"),
        "interval_basis": Show("区间依据", "codes", codes="estimate_basis", unknown="—"),
    }
    return render_table(
        frame, columns, caption="全县以往测算的检验", empty="还没有一个四个季度都有台账的核算年度，无从检验；本页的区间尚无记录可证。",
        note_text="每次检验只用当时已有的台账，再与全年核算比较。80%区间应命中约80%的户：命中少说明区间偏窄，命中多说明偏宽。",
    )


def record_by_class(q: Any, area: str) -> Fragment:
    """Errors of the model and of times four by class of income (分类检验), of stages like today's."""
    past = _record(q)
    past = past[past["item_class"] != "net"]
    wide = past.pivot_table(index="item_class", columns="method", values="mean_absolute_error_fen", aggfunc="mean", observed=True)
    frame = wide.reindex([code for code in CODES["estimate_class"] if code in wide.index]).reset_index()
    frame["item"] = [label("estimate_class", code) for code in frame["item_class"]]
    shown = [method for method in CODES["estimate_method"] if method in wide.columns]
    columns = {"item": Show("收入类别")} | {method: Show(CODES["estimate_method"][method], "yuan", "元", unknown="—") for method in shown}
    return render_table(
        frame, columns, caption="分类的平均绝对误差（户全年）", empty="还没有可以检验的年度。", note_text="看哪一类最难测：经营收入和支出随季节，偏差大。",
    )


def calibration(q: Any, area: str) -> Fragment:
    """Distribution of the probabilities of passing and, beside it, whether earlier ones came true (可能性的分布与校准)."""
    here, share = facts.place(q, area), _model(q, area)["pass_share"].dropna().to_numpy(dtype=float)
    if not len(share):
        return note(f"{here.name}：没有可能性可画。")
    counts = np.bincount(np.minimum((share * 10).astype(int), 9), minlength=10)
    past = q.estimate_calibration
    past = past[past["quarters_known"] == _seen(_model(q, area))]
    middle = int(counts[1:9].sum())
    title = f"{here.name}：{middle:,} 户的可能性在10%至90%之间，现在说不准"
    png = plot_calibration(counts, past["mean_pass_share"].to_numpy(dtype=float), past["passed_share"].to_numpy(dtype=float),
                           past["households"].to_numpy(dtype=float), title=title)
    words_of = "、".join(f"{10 * place}至{10 * place + 10}% {int(count):,}户" for place, count in enumerate(counts))
    came = "；".join(
        f"测算{format_value(said, 'percent')}%的{int(number):,}户实际{format_value(came, 'percent')}%"
        for said, came, number in zip(past["mean_pass_share"], past["passed_share"], past["households"], strict=True)
    )
    see = "左图看多少户说不准；右图看以往说的可能性是否应验：点在斜线上为准，在斜线上方为说低了，下方为说高了，点越大户越多。"
    see = see if len(past) else "左图看多少户说不准；右图还没有可检验的年度。"
    return picture(png, f"超过标准的可能性分布：{words_of}。以往校准：{came or '没有记录'}。", see)


def _within(q: Any, area: str) -> pd.DataFrame:
    """Estimates of the area's households."""
    return q.income_estimates[q.income_estimates["household_id"].isin(facts.register(q, area)["household_id"])]


def _model(q: Any, area: str) -> pd.DataFrame:
    found = _within(q, area)
    return found[found["method"] == "model"]


def _areas(q: Any, level: str, codes: list[str]) -> pd.DataFrame:
    table = q.estimate_areas
    return table[(table["level"] == level) & table["area_code"].isin(codes) & (table["group_kind"] == "all")]


def _record(q: Any) -> pd.DataFrame:
    """The record of stages with as many quarters as now; of all stages where the year is complete."""
    seen = _seen(q.income_estimates)
    return q.estimate_record[q.estimate_record["quarters_known"] == seen] if seen < 4 else q.estimate_record


def _year(rows: pd.DataFrame) -> int | str:
    return int(rows["accounting_year"].iloc[0]) if len(rows) else "本"


def _seen(rows: pd.DataFrame) -> int:
    return int(rows["quarters_known"].iloc[0]) if len(rows) else 0


def _with_interval(row: pd.Series, kind: str, unit: str = "") -> str:
    """Value and 80 percent interval as text; with a unit as in a sentence."""
    if pd.isna(row["value"]):
        return "未知"
    value, low, high = (format_value(row[name], kind) for name in ("value", "low80", "high80"))
    if not unit:
        return f"{value}（{low}至{high}）"
    return f"{value}%（80% 区间 {low}%至{high}%）" if unit == "%" else f"{value} {unit}（80% 区间 {low}至{high} {unit}）"
