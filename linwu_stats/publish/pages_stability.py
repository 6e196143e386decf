"""The pages on who may fall back and what lifts the others (脱贫稳定性): margins, dependence, shocks, monitoring groups, needs and their cost.

Every function takes a quarter ``q`` and an area code (county or township) and gives a fragment, as in :mod:`linwu_stats.publish.pages`. Households appear
as counts only; the case workers' lists name them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup, escape

from linwu_stats.publish import facts, words
from linwu_stats.publish.plots_stability import margin_bins, plot_ladder, plot_margins, plot_shocks
from linwu_stats.publish.tables_html import Fragment, Show, bullets, fold, format_value, is_unknown, note, picture, render_table, rule
from linwu_stats.tables import CODES, label

__all__ = ["areas", "changes", "dependence", "doubts", "groups", "ladder", "main_points", "margins", "needs", "shock_rules", "shocks", "shocks_figure"]

_TESTS = dict(facts.TESTS.values())
_HANGS = {"class": "最大一类收入", "item": "最大一项收入", "worker": "主要劳动力的工资", "transfer": "最大一项转移收入"}
_STEPS = ((50_000, "500元以内"), (100_000, "500–1,000"), (200_000, "1,000–2,000"), (500_000, "2,000–5,000"), (1_000_000, "0.5–1万"), (5_000_000, "1–5万"))


def doubts(q: Any, area: str) -> Fragment:
    """What limits the page (疑点与限制): which period, what is assumed, who cannot be judged."""
    out, counts = _out(q, area), _counts(q, area)
    items: list[Any] = ["示例数据：本页的户、人和金额都是程序虚构的，不得引用。"] if q.is_sample else []
    items.append(
        f"收入用最近四个季度，不用上一完整核算年度：四个季度各季齐全，今冬才下降的户今冬就看得见。当前与{_year(out, 'line_year')}年标准比较，"
        f"下年与{_year(out, 'next_line_year')}年标准比较；这里的分组不是退出结论，也不等于返贫。"
    )
    items.append(escape("各种冲击的幅度和可能性是规则的假定，没有见到正式文本，须用本县资料核定，见 ") + rule("stability.shock.illness")
                 + escape(" 等；改规则后重跑即可。冲击按相互独立计算；灾害、跌价往往同村同时发生，预计户数的波动比看上去大。"))
    assumed = int((out["basis"] == "assumed").sum())
    if assumed:
        items.append(f"{assumed:,} 户的平常年景变动没有两年同季台账可测，是规则假定的。")
    items.append("差异按各项收入的同比变动实测，其中已含往年的病、灾和返乡，再加冲击会略有重复，偏于谨慎。工资没有分人登记，按务工月数分摊。")
    edge = counts[counts["stability_group"] == "edge"]
    if edge["households"].isna().any():
        items.append("边缘易致贫户不在建档立卡名册中，本县没有提供户数：未知，不是没有。")
    fall = counts.loc[counts["stability_group"] == "sudden", "unknown_households"].sum()
    if counts.loc[counts["stability_group"] == "sudden", "households"].isna().any():
        items.append("没有上年同期的收入，不能判断谁的收入突然大幅下降：突发严重困难户未知。")
    elif fall:
        items.append(f"{int(fall):,} 户没有上年同期收入，不能判断是否突然大幅下降。")
    items.append("突发严重困难户还应看刚性支出（如大额医药费），台账没有支出资料，只能看收入降幅。")
    unknown = out["reason_code"].where(out["reason_code"] != "line_latest").dropna().value_counts()
    if (out["reason_code"] == "line_latest").any():
        items.append(words.reasons("line_latest") + "。")
    items += [f"{words.reasons(code)}：{int(count):,} 户，有的项目不能判断。" for code, count in unknown.items()]
    return bullets(items, "doubts", heading="疑点与限制")


def main_points(q: Any, area: str) -> Fragment:
    """Groups, probability and needs in sentences (要点)."""
    here, out, counts = facts.place(q, area), _out(q, area), _counts(q, area).set_index("stability_group")
    rule_now = q.rules.value("stability.monitoring")
    if out.empty:
        return bullets([], "points", empty=f"{here.name}没有已脱贫户。")
    known, below = out["below_share"].notna(), out["below_share"].astype("Float64").sum()
    items = [
        f"已脱贫 {len(out):,} 户中，脱贫不稳定户 {_shown(counts.loc['unstable', 'households'])} 户、{_shown(counts.loc['unstable', 'persons'])} 人"
        f"（人均纯收入低于标准的 {rule_now['multiple']:g} 倍，且有返贫风险）；突发严重困难户 {_shown(counts.loc['sudden', 'households'])} 户；"
        f"边缘易致贫户{_households(counts.loc['edge', 'households'])}；不能判定 {_shown(counts.loc['unknown', 'households'])} 户。",
        f"计入各种冲击，下年预计约 {format_value(round(float(below)), 'integer')} 户低于标准（{int(known.sum()):,} 户可能性之和）；没有冲击的平常年景约 "
        f"{format_value(round(float(out['below_usual_share'].astype('Float64').sum())), 'integer')} 户。",
    ]
    persons, unstable = _within(q, area)["headcount_persons"].sum(), counts.loc["unstable", "persons"]
    if not is_unknown(unstable) and persons:
        items.append(f"脱贫不稳定户占建档立卡人口 {format_value(int(unstable) / int(persons), 'percent')}%；文件说监测对象一般为 "
                     f"{100 * rule_now['scale_share']:g}% 左右。相差很大时，先核对界限和冲击的规则，不要按比例凑数。")
    failing = int((out["passes"] == "not_met").sum())
    if failing:
        items.append(f"{failing:,} 户已脱贫而最近四个季度的收入没有超过标准，应先复核。")
    needs_here = _needs(q, area)
    income = needs_here[(needs_here["rule_key"] == "exit.household.income") & (needs_here["state"] == "not_met")]
    poor = _poor(q, area)
    if len(poor):
        lacking = needs_here["household_id"].nunique()
        items.append(
            f"未脱贫 {len(poor):,} 户中，{len(poor) - lacking:,} 户没有缺项；{len(income):,} 户缺收入，"
            f"共差 {format_value(_sum(income['missing_fen']), 'wan')} 万元/年"
            + (f"，中位数 {format_value(income['missing_fen'].median(), 'yuan')} 元/户。" if len(income) else "。")
        )
    return bullets(items, "points", heading="要点")


def groups(q: Any, area: str) -> Fragment:
    """Households and persons of every monitoring group (监测对象)."""
    here, frame = facts.place(q, area), _counts(q, area)
    frame = frame.set_index("stability_group").reindex(list(CODES["stability_group"])).reset_index()
    columns = {
        "stability_group": Show("分组", "codes", codes="stability_group"), "households": Show("户数", "integer", "户", reason="reason_code"),
        "persons": Show("人数", "integer", "人", reason="reason_code"), "expected_below": Show("下年预计低于标准", "decimal", "户", unknown="—"),
        "unknown_households": Show("不能判断", "integer", "户"),
    }
    value = q.rules.value("stability.monitoring")
    note_text = escape(
        f"脱贫不稳定户：已脱贫，人均纯收入低于标准的{value['multiple']:g}倍，并有下列之一：{'；'.join(words.reasons(code) for code in value['risks'])}"
        f"（界限{100 * value['risk_share']:g}%）。突发：本年收入比上年同期下降不少于{100 * value['fall_share']:g}%。见 "
    ) + rule("stability.monitoring")
    return render_table(frame, columns, caption=f"{here.name}稳定性分组", note_text=note_text)


def margins(q: Any, area: str) -> Fragment:
    """Distribution of incomes of those who are out, in parts of the line, with the band (余量分布)."""
    here, out = facts.place(q, area), _out(q, area)
    known = out[out["margin_fen"].notna()]
    if known.empty:
        return note(f"{here.name}：没有可以画出余量的已脱贫户。")
    multiple, line = float(q.rules.value("stability.monitoring")["multiple"]), int(known["line_fen"].iloc[0])
    counts = margin_bins(known["net_fen"].to_numpy(dtype=np.int64), known["headcount_persons"].to_numpy(dtype=np.int64), line,
                         above_sign=q.rules.value("exit.household.income")["sign"])
    below, edge = int(counts[:10].sum()), round(10 * multiple)
    inside = int(counts[10:edge].sum())
    title = f"{here.name}：已脱贫户中 {below:,} 户未超过标准，{inside:,} 户在标准的1至{multiple:g}倍之间"
    png = plot_margins(counts, line, multiple, title=title)
    alt = f"{title}；{int(counts[edge:].sum()):,} 户在{multiple:g}倍以上；{len(out) - len(known):,} 户收入或人口未知，没有画。"
    return picture(png, alt, "看橙色部分有多少户挤在标准边上：收入减少一两成，他们就不再超过标准。")


def dependence(q: Any, area: str) -> Fragment:
    """How many pass only by one source (靠一项收入达标的户), of those who are out and pass."""
    here, out = facts.place(q, area), _out(q, area)
    passing = out[out["passes"] == "met"]
    rows = []
    for name, term in _HANGS.items():
        without = passing[f"without_{name}"]
        share = passing[f"largest_{name}_share"].astype("Float64")
        rows.append({
            "what": term, "passing": len(passing), "hangs": int((without == "not_met").sum()), "unknown": int((without == "unknown").sum()),
            "share": share.median() if share.notna().any() else pd.NA,
        })
    columns = {
        "what": Show("没有"), "passing": Show("现在超过标准", "integer", "户"), "hangs": Show("没有它就不超过", "integer", "户"),
        "unknown": Show("不能判断", "integer", "户"), "share": Show("它占收入的比重(中位数)", "percent", "%"),
    }
    largest = passing["largest_class"].value_counts()
    most = "、".join(f"{label('income_part', code)} {int(count):,} 户" for code, count in largest.items())
    return render_table(
        pd.DataFrame(rows), columns, caption=f"{here.name}已脱贫户靠什么达标",
        note_text=f"按整数金额检验，不四舍五入；去掉一项收入而成本不减。最大一类收入：{most or '没有'}。"
        "农户大多靠一项收入过日子，所以哪一种依赖算作风险由规则选定，收入还须在监测范围内。",
    )


def shocks_figure(q: Any, area: str) -> Fragment:
    """What each shock does to those who are out (冲击影响图)."""
    here, frame = facts.place(q, area), _shock_rows(q, area)
    table = frame[frame["rule_key"].str.startswith("stability.shock.")]
    usual = frame.loc[frame["rule_key"] == "usual", "expected_below"]
    if table.empty or usual.empty:
        return note(f"{here.name}：没有可以检验冲击的已脱贫户。")
    table = table.assign(name=[_term(q, key) for key in table["rule_key"]], exposed=table["exposed_households"], failing=table["failing_households"],
                         expected=table["expected_below"]).sort_values(["failing", "rule_key"], ascending=[False, True])
    first = table.iloc[0]
    title = f"{here.name}：{first['name']}影响最大，假如都发生，{int(first['failing']):,} 户不再超过标准"
    png = plot_shocks(table, float(usual.iloc[0]), title=title)
    alt = "；".join(
        f"{row['name']}：可能受影响 {int(row['exposed']):,} 户，假如发生 {int(row['failing']):,} 户不再超过标准，"
        f"按可能性预计 {round(row['expected']):,} 户低于标准"
        for row in table.to_dict("records")
    )
    see = "橙条是假如每户都碰上，蓝条把发生的可能性算进去，其中含平常年景也会低于标准的户（虚线）。橙条长而蓝条短的，是碰上的户难以承受、但不常发生。"
    return picture(png, f"{title}。{alt}。", see)


def shocks(q: Any, area: str) -> Fragment:
    """The numbers of the figure, with all shocks together (冲击影响表)."""
    here, frame = facts.place(q, area), _shock_rows(q, area)
    order = {"usual": 0, "all": 2}
    names = {"usual": "没有冲击(平常年景)", "all": "各种冲击按可能性合计"}
    frame = frame.assign(name=[names.get(key) or _term(q, key) for key in frame["rule_key"]], _order=[order.get(key, 1) for key in frame["rule_key"]])
    frame = frame.sort_values(["_order", "failing_households", "rule_key"], ascending=[True, False, True])
    columns = {
        "name": Show("冲击"), "exposed_households": Show("可能受影响", "integer", "户"),
        "failing_households": Show("发生后不再超过标准", "integer", "户", unknown="—"),
        "expected_if": Show("如都发生，下年预计低于标准", "integer", "户", unknown="—"), "expected_below": Show("按可能性，下年预计低于标准", "decimal", "户"),
        "unknown_households": Show("不能判断", "integer", "户"),
    }
    return render_table(
        frame, columns, caption=f"{here.name}已脱贫户的冲击检验", empty="没有已脱贫户。",
        note_text="“发生后不再超过标准”用最近四个季度的收入和现行标准按整数检验；后两列是下年：各种冲击是否发生逐一组合，平常年景的变动用实测误差，"
        "不假定正态分布。合计一行不是各行之和：各行都含平常年景。",
    )


def shock_rules(q: Any, area: str) -> Fragment:
    """What each shock takes, from whom and how likely (冲击的规则)."""
    rows = [
        {
            "key": rule_now.key, "term": rule_now.term, "takes": _takes(q, rule_now.value), "cost": rule_now.value["cost_yuan"] * 100,
            "chance": rule_now.value["chance_share"], "per": {"household": "每户", "person": "每人"}[rule_now.value["per"]],
            "status": words.status(rule_now.status), "document": rule_now.document,
        }
        for rule_now in q.rules.under("stability.shock.")
    ]
    columns = {
        "term": Show("冲击", below="key"), "takes": Show("减少的收入"), "cost": Show("新增支出", "yuan", "元"),
        "chance": Show("一年内的可能性", "percent", "%"), "per": Show("按"), "status": Show("状态"), "document": Show("依据"),
    }
    return render_table(pd.DataFrame(rows, columns=["key", *columns]), columns, caption="冲击的规则")


def areas(q: Any, area: str) -> Fragment:
    """Groups and expected numbers of each sub-area (各地稳定性)."""
    here = facts.place(q, area)
    below = facts.areas_below(q, area)
    rows = []
    for one in below:
        counts, out = _counts(q, one.code).set_index("stability_group"), _out(q, one.code)
        if len(counts):
            rows.append({
                "name": one.name, "out": len(out), "unstable": counts.loc["unstable", "households"], "sudden": counts.loc["sudden", "households"],
                "failing": int((out["passes"] == "not_met").sum()), "unknown": counts.loc["unknown", "households"],
                "share": counts.loc["unstable", "households"] / len(out) if len(out) else pd.NA,
                "below": out["below_share"].astype("Float64").sum() if out["below_share"].notna().any() else pd.NA,
            })
    columns = {
        "name": Show("地区"), "out": Show("已脱贫户", "integer", "户"), "unstable": Show("脱贫不稳定户", "integer", "户"),
        "share": Show("占已脱贫户", "percent", "%", unknown="—"), "sudden": Show("突发严重困难户", "integer", "户"),
        "failing": Show("收入未超过标准", "integer", "户"), "unknown": Show("不能判定", "integer", "户"),
        "below": Show("下年预计低于标准", "decimal", "户", unknown="—"),
    }
    frame = pd.DataFrame(rows, columns=list(columns)).sort_values(["unstable", "name"], ascending=[False, True])
    return render_table(frame, columns, caption=f"{here.name}各地脱贫稳定性", empty="没有下级地区。")


def ladder(q: Any, area: str) -> Fragment:
    """Households that are not out by what all their needs cost (缺项阶梯)."""
    here, found, poor = facts.place(q, area), _needs(q, area), _poor(q, area)
    if poor.empty:
        return note(f"{here.name}没有未脱贫户。")
    table = _ladder(found, poor)
    cheap = int(table.iloc[:3].to_numpy().sum()) - int(table.iloc[0].to_numpy().sum())
    title = f"{here.name}：{cheap:,} 户全部缺项只需1,000元以内，{int(table.iloc[0].to_numpy().sum()):,} 户没有缺项"
    png = plot_ladder(table, title=title)
    alt = "；".join(f"{step}：{int(row.sum()):,} 户（" + "、".join(f"{kind} {int(count):,}" for kind, count in row.items() if count) + "）"
                   for step, row in table.iterrows() if row.sum())
    return picture(png, f"{title}。{alt}。", "从左往右越来越贵。收入差额是每年要补的，住房、饮水、医保是参考费用；“未估或未知”的先核实或做工作，不是没有费用。")


def needs(q: Any, area: str) -> Fragment:
    """Needs by measure, the cheapest first (各项缺项)."""
    here, table = facts.place(q, area), facts.rows_of(q, "lifting_counts", area)
    table = table.assign(name=[_TESTS.get(key, key) for key in table["rule_key"]], cost_each=table["cost_fen"].astype("Float64") / (
        table["households"] - table["uncosted_households"]).where(table["households"] > table["uncosted_households"]).astype("Float64"))
    table = table.sort_values(["cost_each", "rule_key"], na_position="last")
    columns = {
        "name": Show("缺项", below="rule_key"), "households": Show("未达标", "integer", "户"), "only_households": Show("只缺这一项", "integer", "户"),
        "first_households": Show("这一项最省", "integer", "户"), "unknown_households": Show("未知，先核实", "integer", "户"),
        "cost_fen": Show("参考费用", "wan", "万元", unknown="未估"), "cost_each": Show("户均", "yuan", "元", unknown="未估"),
        "uncosted_households": Show("未估费用", "integer", "户"),
    }
    text = Markup("{}{}{}").format(
        "收入的费用是差到标准的年收入，恰在标准上的按退出规则的符号判断；保障的费用是参考值，见 ", rule("stability.cost.housing"),
        " 等，均待确认。已动工未竣工的危房不再计费用，须督促竣工。一户几项都缺的，要全部解决才能退出。")
    return render_table(table, columns, caption=f"{here.name}未脱贫户缺什么（先省后费）", note_text=text, empty="没有缺项。")


def changes(q: Any, area: str) -> Fragment:
    """The year-on-year change of every item as measured, of the county (各项收入的同比变动)."""
    frame = q.item_changes[q.item_changes["households"].fillna(0) > 0].sort_values(["item_class", "item_key"])
    frame = frame.assign(name=[_item(q, key) for key in frame["item_key"]], kind=frame["monthly"].map({True: "按月定额", False: ""}))
    columns = {
        "name": Show("项目"), "item_class": Show("类别", "codes", codes="item_class"), "households": Show("上年有此项", "integer", "户"),
        "growth_ratio": Show("同比倍数", "decimal", unknown="未测"), "lasting_sd": Show("各户持久差异", "decimal"),
        "passing_sd": Show("各户一季偶然差异", "decimal"), "kind": Show("方式", unknown=""), "basis": Show("依据", "codes", codes="change_basis"),
    }
    table = render_table(
        frame, columns, caption="全县各项收入的同比变动", empty="还没有两年同季的台账，下年的变动按规则假定。",
        note_text="差异是各户同比倍数的标准差。下年预期按最近四个季度和同比的一部分推算，误差形状用去年预期的实际误差，不假定正态分布。",
    )
    return fold("各项收入的同比变动（全县）", table) if len(frame) else table


# ---- parts -------------------------------------------------------------------------------------------------------------


def _within(q: Any, area: str) -> pd.DataFrame:
    return facts.rows_of(q, "stability_households", area)


def _out(q: Any, area: str) -> pd.DataFrame:
    found = _within(q, area)
    return found[(found["poverty_status"] == "out").fillna(False)]


def _poor(q: Any, area: str) -> pd.Series:
    found = _within(q, area)
    return found.loc[found["poverty_status"].isin(facts.POOR).fillna(False), "household_id"]


def _needs(q: Any, area: str) -> pd.DataFrame:
    return facts.rows_of(q, "lifting_needs", area)


def _counts(q: Any, area: str) -> pd.DataFrame:
    return facts.rows_of(q, "monitoring_counts", area)


def _shock_rows(q: Any, area: str) -> pd.DataFrame:
    return facts.rows_of(q, "shock_counts", area)


def _ladder(found: pd.DataFrame, poor: pd.Series) -> pd.DataFrame:
    """Households by step of total cost and kind of need."""
    last = found.sort_values("need_order").drop_duplicates("household_id", keep="last").set_index("household_id").reindex(poor)
    income = set(found.loc[found["rule_key"] == "exit.household.income", "household_id"])
    other = set(found.loc[found["rule_key"] != "exit.household.income", "household_id"])
    unknown = set(found.loc[found["state"] == "unknown", "household_id"])
    steps = ["没有缺项", *(words_of for _, words_of in _STEPS), "5万以上", "未估或未知"]
    kinds = ["只缺收入", "只缺保障", "两样都缺", "没有缺项"]
    counts: Counter[tuple[str, str]] = Counter()
    for household, total in last["total_fen"].items():
        has_income, has_other = household in income, household in other
        kind = kinds[2 if has_income and has_other else 0 if has_income else 1 if has_other else 3]
        if kind == kinds[3]:
            step = steps[0]
        elif is_unknown(total) or household in unknown:
            step = steps[-1]
        else:
            step = next((words_of for limit, words_of in _STEPS if total <= limit), "5万以上")
        counts[step, kind] += 1
    return pd.DataFrame({kind: [counts[step, kind] for step in steps] for kind in kinds}, index=steps)


def _takes(q: Any, value: dict[str, Any]) -> str:
    names = {f"item.{code}.": label("item_class", code) for code in CODES["item_class"]}
    by_share: dict[float, list[str]] = {}
    for key, share in value["takes"].items():
        by_share.setdefault(share, []).append(names.get(key) or _item(q, key))
    text = "；".join(f"{'、'.join(items)}减 {100 * share:g}%" for share, items in by_share.items())
    return ("一名主要劳动力的" if value["part"] == "one_worker" else "") + text


def _item(q: Any, key: str) -> str:
    if key.startswith("class."):
        return f"{label('item_class', key.removeprefix('class.'))}（只有季度收入表）"
    return q.rules[key].term if key in q.rules else key


def _term(q: Any, key: str) -> str:
    return q.rules[key].term if key in q.rules else key


def _sum(values: pd.Series) -> Any:
    return int(values.sum()) if len(values) and values.notna().all() else (0 if not len(values) else pd.NA)


def _households(value: Any) -> str:
    return "未知" if is_unknown(value) else f" {_shown(value)} 户"


def _shown(value: Any) -> str:
    return format_value(value, "integer")


def _year(rows: pd.DataFrame, column: str) -> str:
    years = rows[column].dropna()
    return str(int(years.iloc[0])) if len(years) else "当"
