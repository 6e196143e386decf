"""The page 指标解释与计算方法: made from the law and the registries, so that it is always true to the code.

Every function takes a quarter ``q`` (its rules are those in force on its last day) and gives a fragment. Nothing here states a value of its own:
lines, items, head counts, periods and criteria are read from the rules; formulas from the registry of indicators.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from linwu_stats.indicators import definitions_frame
from linwu_stats.publish import facts, words
from linwu_stats.publish.tables_html import Fragment, Show, bullets, join, render_table, rule
from linwu_stats.tables import CODES, TABLES, label

__all__ = ["criteria", "data_tables", "headcount_rules", "indicator_definitions", "items", "overview", "periods", "poverty_lines", "prices"]

_SOURCE = {"status": Show("状态"), "document": Show("依据"), "note": Show("说明", unknown="—")}


def overview(q: Any) -> Fragment:
    """Day of the rules, how many are confirmed, which the county replaced (规则概况)."""
    rules = q.rules
    own, open_ = rules.overridden(), rules.to_confirm()
    points: list[str | Markup] = [
        f"本页按 {rules.day} 有效的规则生成：共 {len(rules):,} 条，其中 {len(rules) - len(open_):,} 条见过正式文件，{len(open_):,} 条待确认。",
        "本县没有改写规则。" if not own else escape("本县改写的规则：") + Markup("、").join(rule(one.key) for one in own),
        "家庭纯收入＝工资性收入＋生产经营性收入＋财产性收入＋转移性收入−生产经营性支出（含税费和折旧）；人均纯收入＝家庭纯收入÷计算人口。",
        "金额以分为单位、用整数计算；判定时比较“户纯收入”与“标准×计算人口”，不用四舍五入后的人均数。只在显示时四舍五入一次。",
        "未知不当作零：缺金额、缺人口、缺季度的户，收入为未知，并注明原因。",
    ]
    return bullets(points, "method")


def items(q: Any, item_class: str) -> Fragment:
    """Line items of one class (收入项目): sign, counted or not and why, source. ``item_class`` is a code of tables.CODES."""
    rows = [_item(one) for one in q.rules.under("item.") if one.value["class"] == item_class]
    return render_table(
        pd.DataFrame(rows, columns=["term", "key", "counted", "why", "price", *_SOURCE]),
        {
            "term": Show("项目", below="key"),
            "counted": Show("是否计入"),
            "why": Show("理由和实物折价", below="price"),
            **_SOURCE,
        },
        caption=f"{label('item_class', item_class)}的项目",
    )


def prices(q: Any) -> Fragment:
    """Prices of goods in kind (实物折价)."""
    return _rule_table(q, "price.", "实物折价", "实物收入＝数量×折价，四舍五入到分；台账记录的单价只作比较，不参加计算。")


def headcount_rules(q: Any) -> Fragment:
    """Head-count rules (人口口径), and the one in use."""
    return _rule_table(q, "headcount.", "人口口径", f"现用：{words.value_in_words(q.rules.value('headcount.rule'))}。")


def periods(q: Any) -> Fragment:
    """Accounting periods (核算期), and the one in use."""
    spans = facts.spans(q)
    parts = [
        f"{label('period', period)}：{words.period_span(spans.loc[period, 'first_quarter'], spans.loc[period, 'last_quarter'])}"
        for period in CODES["period"]
        if period in spans.index
    ]
    return join(
        _rule_table(
            q,
            "period.",
            "核算期",
            f"现用：{words.value_in_words(q.rules.value('period.rule'))}。{words.quarter_name(q.quarter)}的核算期 — {'；'.join(parts)}。",
        ),
        _rule_table(q, "income.", "收入来源与容许差额", "容许差额以分为单位。"),
    )


def poverty_lines(q: Any) -> Fragment:
    """Each year's line of each basis (历年扶贫标准)."""
    rules, rows = q.rules, []
    bases = [one.key.removeprefix("line.") for one in rules.under("line.") if one.unit == "yuan_per_person_year"]
    years = sorted({dated.from_date.year for basis in bases for dated in rules.history(f"line.{basis}")})
    for year in years:
        row: dict[str, Any] = {"year": f"{year}年"}
        for basis in bases:
            one = rules.line(year, basis)
            row |= {basis: rules.line_fen(year, basis), f"{basis}_status": pd.NA if one is None else words.status(one.status)}
        rows.append(row)
    columns = {"year": Show("年度")}
    for basis in bases:
        columns |= {basis: Show(words.basis(basis), "yuan", "元/人·年", unknown="—"), f"{basis}_status": Show("状态", unknown="—")}
    chosen = rules.value("line.basis")
    sources = {dated.document for basis in bases for dated in rules.history(f"line.{basis}")}
    return render_table(
        pd.DataFrame(rows),
        columns,
        caption="历年扶贫标准",
        note_text=escape(f"现用：{words.basis(chosen)} ")
        + rule("line.basis")
        + escape("。没有已知数的年度留空，不推算。依据：" + "；".join(sorted(sources)) + "。"),
    )


def criteria(q: Any, level: str) -> Fragment:
    """Exit criteria of a level (退出标准): ``level`` is household, village or county."""
    term = {"household": "贫困户", "village": "贫困村", "county": "县"}[level]
    return _rule_table(q, f"exit.{level}.", f"{term}退出标准", "比较符号也是规则：“>”表示恰在标准上不算达到，“>=”表示恰在标准上算达到。")


def indicator_definitions() -> Fragment:
    """Every indicator with formula, boundary and source (指标解释), from the registry of indicators, in its order."""
    definitions = definitions_frame()
    frame = definitions.assign(
        period=["整年" if annual else "各期" for annual in definitions["annual"]],
        **{name: definitions[name].map(words.in_chinese) for name in ("formula", "boundary")},
    )
    return render_table(
        frame,
        {
            "term": Show("指标"),
            "unit": Show("单位"),
            "formula": Show("计算方法"),
            "boundary": Show("边界与未知"),
            "period": Show("适用核算期"),
            "source": Show("出处"),
        },
        caption="指标解释",
        note_text="“整年”的指标只在核算期满一年时有数，因为标准是年度标准。",
    )


def data_tables() -> Fragment:
    """The tables behind every page (数据表), from their declaration."""
    rows = [{"title": table.title, "name": table.name, "made_by": table.made_by, "columns": len(table.columns)} for table in TABLES.values()]
    return render_table(
        pd.DataFrame(rows),
        {"title": Show("数据表"), "name": Show("表名", "rule"), "made_by": Show("生成函数", "rule"), "columns": Show("列数", "integer")},
        caption="数据表",
    )


def _item(one: Any) -> dict[str, Any]:
    value = one.value
    return {
        "term": one.term,
        "key": one.key,
        "counted": ("计入，加" if value["sign"] > 0 else "计入，减") if value["counted"] else "不计入",
        "why": value["why"],
        "price": value.get("in_kind_price") or pd.NA,
        **_source(one),
    }


def _source(one: Any) -> dict[str, Any]:
    source = f"{one.document}：{one.clause}" if one.clause else one.document
    return {"status": words.status(one.status), "document": source, "note": one.note or pd.NA}


def _rule_table(q: Any, prefix: str, title: str, note_text: str) -> Fragment:
    rows = [{"term": one.term, "key": one.key, "value": words.value_with_unit(one), **_source(one)} for one in q.rules.under(prefix)]
    columns = {"term": Show("规则", below="key"), "value": Show("取值"), **_SOURCE}
    return render_table(pd.DataFrame(rows, columns=["key", *columns]), columns, caption=title, note_text=note_text)
