"""The pages on the look-back (回头看页面): what it proves, by which definition, in which townships, and how many to visit next time.

Every function takes a quarter ``q`` and the county's code and gives a fragment, as in :mod:`linwu_stats.publish.pages`. The tables of a quarter hold the
last look-back whose sheets came back, of this quarter or an earlier one; the page says which. No household is named.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import escape

from linwu_stats.exits import lookback
from linwu_stats.publish import facts, words
from linwu_stats.publish.plots_lookback import plot_bars, plot_townships
from linwu_stats.publish.tables_html import Fragment, Show, bullets, format_value, is_unknown, note, picture, render_table, rule
from linwu_stats.tables import CODES, label

__all__ = ["doubts", "incidence", "main_points", "plan", "rates", "rates_figure", "sample", "township_figure", "townships"]

_NONE = "还没有交回的回头看调查表：本页只有抽样方案。抽样用 linwu-stats lookback draw，交回的表放入该季度的 lookback/returned 文件夹。"
_SIGNS = {"<": "低于", "<=": "不超过", ">=": "不低于", ">": "高于"}
_FOUND = {"missed": "漏评", "wrong": "错退", "recognition": "不认可"}


def doubts(q: Any, area: str) -> Fragment:
    """What limits the rates (疑点与限制): whose look-back, which definitions, unknowns, refusals, few villages, rules to confirm."""
    items: list[Any] = ["示例数据：本页的户和答复都是程序虚构的，不得引用。"] if q.is_sample else []
    table = _county(q, area)
    if table.empty:
        return bullets([*items, _NONE], "doubts", heading="疑点与限制")
    of = str(table["quarter"].iloc[0])
    late = "" if of == q.quarter else f"，是最近一次交回的；{words.quarter_name(q.quarter)}没有交回的调查表"
    items.append(f"以下是{words.quarter_name(of)}抽样的回头看{late}。")
    items += [_unknown_sentence(row) for row in table[table["chosen"] & (table["measure"] != "incidence")].to_dict("records") if row["unknown_households"]]
    answers = q.lookback_answers
    left_out = int((answers["use"] == "unreplaced").sum())
    if left_out:
        items.append(f"有 {left_out} 户拒访或多次未遇而没有备用户可替换，由同村同类已调查的户代表；拒访的户若与别户不同，比率会有偏差，误差中看不出来。")
    villages, least = int(answers["village_code"].nunique()), q.rules.value("lookback.clustering")["villages_min"]
    if villages < least:
        items.append(f"只调查了 {villages} 个村，少于 {least} 个：误差主要由村与村的差别决定，村少时误差本身就估不准。")
    if table["definition"].str.contains("sampled_villages").any():
        items.append(escape("漏评率有两种口径，分母相差几十倍。本页两种都列，判定采用 ") + rule("lookback.missed.denominator") + escape(
            f"：{_definition(q, table[(table['measure'] == 'missed') & table['chosen']].iloc[0])}。"))
    items.append("各率的标准和口径没有见到正式文本，均待确认；临武不是贫困县，2%的标准只作参照。")
    return bullets(items, "doubts", heading="疑点与限制")


def main_points(q: Any, area: str) -> Fragment:
    """The verdicts in sentences (要点): each rate with its bounds, and what zero found means."""
    table = _county(q, area)
    if table.empty:
        return note(_NONE)
    chosen = table[table["chosen"]].to_dict("records")
    items = [_sentence(row) for row in chosen]
    items += [_zero_sentence(row) for row in chosen if row["measure"] != "incidence" and row["found_households"] == 0 and row["asked_households"]]
    return bullets(items, "points", heading="要点")


def rates_figure(q: Any, area: str) -> Fragment:
    """The four rates with their bounds against the bar (与标准比较), by the definitions that the rules choose."""
    table = _county(q, area)
    shown = table[table["chosen"] & table["low_share"].notna() & table["high_share"].notna()]
    if shown.empty:
        return note("没有可以画出界限的比率。")
    shown = shown.rename(columns={"estimate_share": "value", "low_share": "low", "high_share": "high"})
    shown = shown.assign(name=[label("lookback_measure", one) for one in shown["measure"]])
    panels = [
        (axis, part, float(part["bar_share"].iloc[0])) for axis, part in
        (("比率（%），标准以下为达标", shown[shown["measure"] != "recognition"]), ("认可度（%），标准以上为达标", shown[shown["measure"] == "recognition"]))
        if len(part)
    ]
    met = [row["name"] for row in shown.to_dict("records") if row["verdict"] == "met"]
    title = f"{facts.place(q, area).name}：{'、'.join(met)}已证明达标" if met else f"{facts.place(q, area).name}：没有一项已证明达标"
    png = plot_bars(panels, labels=CODES["lookback_verdict"], title=title)
    spoken = "；".join(_sentence(row) for row in table[table["chosen"]].to_dict("records"))
    return picture(png, spoken, "点是估计值，横线从单侧下限到单侧上限，虚线是标准：整条横线在标准的达标一侧才算达标，跨过虚线就是本次样本不能判定。")


def rates(q: Any, area: str) -> Fragment:
    """Missed, wrong and recognition by every definition (各率及口径): found, formula, estimate, bounds, verdict, how many more decide."""
    table = _county(q, area)
    table = table[table["measure"] != "incidence"]
    frame = table.assign(
        rate=[label("lookback_measure", one) for one in table["measure"]], reading=[_reading(q, row) for row in table.to_dict("records")],
        formula=[_formula(row) for row in table.to_dict("records")],
    )
    columns = {
        "rate": Show("指标"), "reading": Show("口径", below="definition"),
        "verdict": Show("结论", "codes", codes="lookback_verdict"), "asked_households": Show("可用答复", "integer", "户"),
        "found_households": Show("查出", "integer", "户"), "formula": Show("公式分子÷分母", "figure"),
        "formula_share": Show("按公式", "percent", "%"), "estimate_share": Show("估计值", "percent", "%"), "low_share": Show("单侧下限", "percent", "%"),
        "high_share": Show("单侧上限", "percent", "%"), "design_effect": Show("设计效应", "decimal", unknown="—"),
        "more_households": Show("再查可定", "integer", "户", unknown="—"),
    }
    level = format_value(table["level_share"].iloc[0], "percent") if len(table) else ""
    bound = format_value(lookback.exact_bound(0, 500, counts="households"), "percent")
    return render_table(
        frame, columns, caption="漏评率、错退率、群众认可度", empty=_NONE,
        note_text=f"群众认可度的“查出”是不认可的户，公式分子是认可户。“按公式”是查出数除以该口径自己的分母，不加权，抽查村口径没有全村排查时只是下限；“估计值”按入样概率加权。"
        f"单侧{level}%界：上限低于标准才达标。漏评、错退按人计算，但一户的人同时查出，所以按户和村计误差，不按人。"
        f"查出零户不是零：例如简单随机抽500户一户也没有查出，仍可能高达{bound}%。“再查可定”假定比率不变、增加的户分在新的村。",
    )


def incidence(q: Any, area: str) -> Fragment:
    """The combined incidence by its four readings (综合贫困发生率), with the formula."""
    table = _county(q, area)
    table = table[table["measure"] == "incidence"]
    frame = table.assign(
        exits=[_term(q, row["definition"].split()[0]) for row in table.to_dict("records")],
        population=[_term(q, row["definition"].split()[1]) for row in table.to_dict("records")],
        used=["采用" if one else "" for one in table["chosen"]], verdict_name=[_verdict(row) for row in table.to_dict("records")],
    )
    columns = {
        "exits": Show("错退率乘以"), "population": Show("分母"), "used": Show("判定", unknown=""), "formula_denominator": Show("分母人口", "integer", "人"),
        "estimate_share": Show("估计值", "percent", "%"), "low_share": Show("单侧下限", "percent", "%"), "high_share": Show("单侧上限", "percent", "%"),
        "verdict_name": Show("结论"),
    }
    return render_table(
        frame, columns, caption="综合贫困发生率", empty=_NONE,
        note_text=escape("（未脱贫人口＋漏评率×非建档立卡人口＋错退率×脱贫人口）÷分母人口。非建档立卡人口多，漏评率差0.1个百分点就是几百人，比错退率重要得多。"
                         "未脱贫人口是登记数，没有抽样误差；两率的误差合并计算。口径见 ")
        + rule("lookback.incidence.exits") + escape("、") + rule("lookback.incidence.population"),
    )


def sample(q: Any, area: str) -> Fragment:
    """What became of the drawn households (调查完成情况), by kind."""
    facts.place(q, area)
    answers = q.lookback_answers
    rows = []
    for kind, name in CODES["lookback_kind"].items():
        part = answers[answers["kind"] == kind]
        uses = part["use"].value_counts()
        count = {one: int(uses.get(one, 0)) for one in CODES["lookback_use"]}
        rows.append({
            "name": name, "villages": int(part["village_code"].nunique()), "main": int((part["role"] == "main").sum()),
            "reserve": int((part["role"] == "reserve").sum()), "refused": int((part["state"] == "refused").sum()),
            "absent": int((part["state"] == "absent").sum()), "unfinished": count["unknown"] + count["undecided"], **count,
        })
    columns = {
        "name": Show("户类"), "villages": Show("村", "integer", "个"), "main": Show("样本户", "integer", "户"), "used": Show("采用", "integer", "户"),
        "refused": Show("拒访", "integer", "户"), "absent": Show("多次未遇", "integer", "户"), "replaced": Show("已替换", "integer", "户"),
        "unreplaced": Show("未能替换", "integer", "户"), "gone": Show("不在范围", "integer", "户"), "unfinished": Show("未填或未定", "integer", "户"),
        "reserve": Show("备用户", "integer", "户"), "not_needed": Show("未启用", "integer", "户"),
    }
    return render_table(
        pd.DataFrame(rows) if len(answers) else pd.DataFrame(columns=list(columns)), columns, caption="调查完成情况", empty=_NONE,
        note_text="拒访或多次未遇的户按抽样次序由同村同类的备用户替换，没有轮到的备用户即使填了也不采用。空白是未知，不是“否”。",
    )


def township_figure(q: Any, area: str, measure: str) -> Fragment:
    """One rate by township against the bar (各乡镇比较)."""
    table = _townships(q, area, measure)
    shown = table[table["low_share"].notna() & table["high_share"].notna()].rename(
        columns={"estimate_share": "value", "low_share": "low", "high_share": "high"})
    name = label("lookback_measure", measure)
    if shown.empty:
        return note(f"没有一个乡镇的{name}可以给出界限：每个乡镇至少要调查两个村。")
    decided = int((shown["verdict"] != "not_decided").sum())
    title = f"各乡镇{name}：{decided}个乡镇可以判定，{len(table) - decided}个不能" if decided else f"各乡镇{name}：样本都不足以单独判定"
    png = plot_townships(shown, float(shown["bar_share"].iloc[0]), labels=CODES["lookback_verdict"], title=title, axis_label=f"{name}（%）")
    spoken = "；".join(f"{row['name']}{format_value(row['estimate_share'], 'percent')}%" for row in table.to_dict("records"))
    return picture(png, f"各乡镇{name}：{spoken}。", "横线越长越说不准；带箭头的超出图外。样本是按全县设计的，乡镇之间不要排名。")


def townships(q: Any, area: str) -> Fragment:
    """Missed and wrong by township (各乡镇漏评率和错退率)."""
    parts = []
    for measure in ("missed", "wrong"):
        table = _townships(q, area, measure)
        parts.append(table.set_index("name")[["villages", "asked_households", "found_households", "estimate_share", "high_share"]].add_prefix(f"{measure}_"))
    frame = pd.concat(parts, axis=1).reset_index(names="name") if len(parts[0]) else pd.DataFrame(columns=["name", *parts[0], *parts[1]])
    columns = {"name": Show("乡镇"), "missed_villages": Show("村", "integer", "个")}
    for measure in ("missed", "wrong"):
        word = _FOUND[measure]
        columns |= {
            f"{measure}_asked_households": Show(f"{word}：调查", "integer", "户", unknown="—"),
            f"{measure}_found_households": Show("查出", "integer", "户", unknown="—"),
            f"{measure}_estimate_share": Show(f"{word}率", "percent", "%"), f"{measure}_high_share": Show("单侧上限", "percent", "%"),
        }
    return render_table(frame, columns, caption="各乡镇漏评率和错退率", empty=_NONE, note_text="只有一个村的乡镇不能估计误差，上限未知。")


def plan(q: Any, area: str, measure: str) -> Fragment:
    """How many villages and households the next look-back needs for one rate (抽样方案)."""
    facts.place(q, area)
    table = q.lookback_plan[q.lookback_plan["measure"] == measure]
    name = label("lookback_measure", measure)
    frame = table.assign(choice=["推荐" if one else "" for one in table["recommended"].fillna(False)])
    columns = {
        "allowed_households": Show("允许查出", "integer", "户"), "exact_households": Show("简单随机", "integer", "户"),
        "finite_households": Show("按有限总体", "integer", "户"), "clustered_households": Show("按村抽样", "integer", "户"),
        "villages": Show("村", "integer", "个"), "pass_exact_share": Show("简单随机通过", "percent", "%"),
        "pass_share": Show("按村抽样通过", "percent", "%", unknown="村不够"),
        "pass_at_bar_share": Show("恰为标准仍通过", "percent", "%", unknown="村不够"), "choice": Show("选择", unknown=""),
    }
    if table.empty:
        return note("没有抽样方案。")
    first = table.iloc[0]
    problem = "不认可" if measure == "recognition" else _FOUND[measure]
    why = (
        f"假定实际{problem}为{format_value(first['true_share'], 'percent')}%，标准是不超过{format_value(first['bar_share'], 'percent')}%；"
        f"村内相关系数{format_value(first['correlation_share'], 'decimal')}（{label('lookback_basis', first['correlation_basis'])}），"
        f"每村最多{first['per_village_households']}户，设计效应{format_value(first['design_effect'], 'decimal')}。通过概率按名册模拟。"
    )
    advice = "" if table["recommended"].any() else "表中没有一个方案能在全县村数内达到要求的把握。"
    return render_table(frame, columns, caption=f"{name}的抽样方案", note_text=escape(why + advice + "方法见 ") + rule("lookback.plan"))


def _county(q: Any, area: str) -> pd.DataFrame:
    here = facts.place(q, area)
    if here.level != "county":
        raise facts.AreaError(f"area {here.code}: the look-back has a page for the county (回头看只有县级页面); give the county's code")
    return q.lookback_rates[q.lookback_rates["area_code"] == here.code]


def _townships(q: Any, area: str, measure: str) -> pd.DataFrame:
    _county(q, area)
    table = q.lookback_rates
    table = table[(table["level"] == "township") & (table["measure"] == measure) & table["chosen"]].sort_values("area_code")
    return table.assign(name=[q.area_names.get(code, code) for code in table["area_code"]])


def _sentence(row: dict[str, Any]) -> str:
    name = label("lookback_measure", row["measure"])
    if is_unknown(row["estimate_share"]):
        return f"{name}未知：{_verdict(row)}。"
    side, value = ("至少", row["low_share"]) if row["measure"] == "recognition" else ("最多可能", row["high_share"])
    more = "" if is_unknown(row["more_households"]) else f"；比率不变时再查 {int(row['more_households']):,} 户可以判定"
    bound = "界限未知" if is_unknown(value) else f"{side}{format_value(value, 'percent')}%"
    bar = f"标准{_SIGNS[row['sign']]}{format_value(row['bar_share'], 'percent')}%"
    return f"{name}估计{format_value(row['estimate_share'], 'percent')}%，{bound}，{bar}：{_verdict(row)}{more}。"


def _zero_sentence(row: dict[str, Any]) -> str:
    what = _FOUND[row["measure"]]
    bad = (1 - row["simple_bound_share"], 1 - row["low_share"]) if row["measure"] == "recognition" else (row["simple_bound_share"], row["high_share"])
    simple, design = (format_value(one, "percent") for one in bad)
    ends = "按本次抽样设计界限未知" if is_unknown(bad[1]) else f"按本次抽样设计可能高达{design}%"
    return f"{row['asked_households']:,} 户中没有查出{what}，不等于没有：即使当作简单随机抽样也可能高达{simple}%，{ends}。"


def _unknown_sentence(row: dict[str, Any]) -> str:
    return (
        f"{label('lookback_measure', row['measure'])}有 {row['unknown_households']} 户没有填或没有定，按未知处理："
        f"若都对本县不利，界限为{format_value(row['worst_share'], 'percent')}%，判定以此为准。"
    )


def _verdict(row: dict[str, Any]) -> str:
    reason = "" if is_unknown(row["reason_code"]) else f"（{label('lookback_reason', row['reason_code'])}）"
    return f"{label('lookback_verdict', row['verdict'])}{reason}"


def _reading(q: Any, row: dict[str, Any]) -> str:
    return f"{_definition(q, row)}{'（判定采用）' if row['chosen'] else ''}"


def _formula(row: dict[str, Any]) -> str:
    return "÷".join(format_value(row[name], "integer") for name in ("formula_numerator", "formula_denominator"))


def _definition(q: Any, row: Any) -> str:
    return _term(q, row["definition"]).partition("：")[2] or _term(q, row["definition"])


def _term(q: Any, key: str) -> str:
    return q.rules[key].term


