"""The index of a run (目录页): the county at a glance, townships, poor villages, verdicts, doubts, failed pages.

Numbers come from the quarter's tables through :mod:`linwu_stats.publish.facts`, the same that the pages use, and are rounded by
:mod:`linwu_stats.publish.tables_html`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.publish import facts
from linwu_stats.publish.html import render
from linwu_stats.publish.plan import SUBJECT, SUBJECTS, period_text
from linwu_stats.publish.tables_html import format_value
from linwu_stats.tables import CODES, label

__all__ = ["index_html"]

#: Accounting period of the per-capita income on this page: a whole year, so that areas and quarters compare.
PERIOD = "last4"

_TOWNSHIP_COLUMNS = (
    ("贫困户", "户"), ("贫困人口", "人"), ("未脱贫户", "户"), ("未脱贫人口", "人"), ("贫困发生率", "%"), ("人均纯收入", "元"),
    ("符合退出条件", "户"), ("不能判定", "户"),
)
_VILLAGE_COLUMNS = (
    ("类别", "", False), ("未脱贫人口", "人", True), ("分母人口", "人", True), ("贫困发生率", "%", True), ("登记状态", "", False), ("评估结论", "", False),
)


def index_html(
    q: Any, results: Iterable[Any], foot: Mapping[str, Any], *, earlier: str | None = None, downloads: Iterable[Mapping[str, Any]] = ()
) -> tuple[str, list[str]]:
    """The index page of a run, and what could not be shown on it (目录页).

    ``q``: the quarter; ``results``: one per page (``batch.PageResult``); ``foot``: of ``provenance.page_provenance``;
    ``earlier``: link to the run before; ``downloads``: files beside the pages (file, title, bytes).
    A section whose numbers cannot be worked out is left out and named; the links to the pages are always there.
    """
    results = list(results)
    county = q.rules.value("area.county")["code"]
    troubles: list[str] = []
    rows = {one.page.stem: _row(one) for one in results}
    sections = {
        "figures": _try(lambda: _figures(q, county), "全县指标", troubles),
        "verdicts": _try(lambda: _verdicts(q, county), "评估结论", troubles),
        "townships": [row | _township(q, row["code"], troubles) for row in rows.values() if row["kind"] == "township"],
        "villages": [row | _village(q, row["code"], troubles) for row in rows.values() if row["kind"] == "village"],
        "doubts": _try(lambda: _doubts(q, county), "使用提示", troubles),
    }
    sections["subjects"] = _subjects(rows.values())
    failed = [row for row in rows.values() if row["failed"]]
    document = render(
        "index.html.j2", _page(q, county, foot), **sections, failed=failed, made=len(rows) - len(failed), contents=_contents(sections),
        county=next((row for row in rows.values() if row["kind"] == "county"), None),
        methods=next((row for row in rows.values() if row["kind"] == "methods"), None),
        township_columns=[{"heading": heading, "unit": unit} for heading, unit in _TOWNSHIP_COLUMNS],
        village_columns=[{"heading": heading, "unit": unit, "number": number} for heading, unit, number in _VILLAGE_COLUMNS],
        downloads=[{"href": "run.json", "text": "运行记录 run.json（输入文件校验值、有效规则、参数、用时）"}, *_earlier(earlier), *_files(downloads)],
    )
    return document, troubles


def _earlier(href: str | None) -> list[dict[str, str]]:
    return [{"href": href, "text": "上一次发布的运行（目录）"}] if href else []


def _files(downloads: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Tables for a spreadsheet; parquet is for programs, which find it beside them."""
    return [
        {"href": one["file"], "text": f"{one['title']}（{Path(one['file']).suffix[1:].upper()}，{one['bytes'] / 1024:,.0f} KB）"}
        for one in downloads if not one["file"].endswith(".parquet")
    ]


def _page(q: Any, county: str, foot: Mapping[str, Any]) -> dict[str, Any]:
    name = q.area_names[county]
    parts = [name, period_text(q.quarter), f"{SUBJECT}报告目录"]
    return {
        "title": "".join(parts), "title_parts": parts, "series": f"{name}扶贫统计　{q.quarter}", "is_sample": bool(q.is_sample),
        "facts": [("报告期", period_text(q.quarter)), ("地区", name), ("地区代码", county)], "command": f"linwu-stats run {q.quarter}", "provenance": foot,
    }


def _row(result: Any) -> dict[str, Any]:
    page = result.page
    return {
        "kind": page.kind, "code": page.area, "name": _page_name(page), "href": page.file, "failed": result.failed, "reason": result.reason,
    }


def _page_name(page: Any) -> str:
    if page.kind in SUBJECTS:
        return f"{page.area_name}{SUBJECTS[page.kind].title}"
    return f"{page.area_name}报告" if page.kind == "county" else page.area_name


def _subjects(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The pages of each subject, the county's first (专题)."""
    rows = list(rows)
    found = [{"title": subject.title, "pages": [row for row in rows if row["kind"] == kind]} for kind, subject in SUBJECTS.items()]
    return [one for one in found if one["pages"]]


def _contents(sections: Mapping[str, Any]) -> list[dict[str, str]]:
    words = {"verdicts": "评估结论", "subjects": "专题", "townships": "乡镇", "villages": "贫困村"}
    shown = [{"id": name, "text": text} for name, text in words.items() if sections[name]]
    return [{"id": "county", "text": "全县"}, *shown, {"id": "files", "text": "文件"}]


def _figures(q: Any, county: str) -> list[dict[str, str]]:
    stock = facts.stock(q, county)
    rows = facts.register(q, county)
    out = rows[rows["poverty_status"] == "out"]
    villages = q.villages[q.villages["village_kind"].isin(["province", "city"])]
    income = facts.indicator(q, county, "mean_percapita_yuan", PERIOD)
    return [
        _figure("建档立卡贫困户", stock["households"], "integer", "户", f"{format_value(stock['persons'], 'integer')} 人"),
        _figure("已脱贫", len(out), "integer", "户", f"{format_value(facts.persons_sum(out), 'integer')} 人"),
        _figure("未脱贫", stock["poor_households"], "integer", "户", f"{format_value(stock['poor_persons'], 'integer')} 人"),
        _figure("贫困发生率", stock["incidence"], "percent", "%", f"{stock['denominator']} {format_value(stock['population'], 'integer')} 人"),
        _figure("人均纯收入", income.value, "yuan_plain", "元", CODES["period"][PERIOD]),
        _figure("贫困村", len(villages), "integer", "个", f"已退出 {int((villages['village_status'] == 'out').sum())} 个"),
    ]


def _figure(name: str, value: Any, kind: str, unit: str, note: str) -> dict[str, str]:
    text = format_value(value, kind)
    return {"label": name, "value": text, "unit": unit if value is not None else "", "note": note}


def _verdicts(q: Any, county: str) -> list[dict[str, str]]:
    rows = facts.exit_rows(q, county)
    table = []
    for status in [*CODES["poverty_status"], pd.NA]:
        group = rows[rows["poverty_status"].isna()] if status is pd.NA else rows[rows["poverty_status"] == status]
        for verdict, (households, persons) in facts.verdict_counts(group).items():
            if households:
                table.append(
                    {
                        "status": label("poverty_status", status), "verdict": label("verdict", verdict), "households": format_value(households, "integer"),
                        "persons": format_value(persons, "integer"),
                    }
                )
    return table


def _township(q: Any, code: str, troubles: list[str]) -> dict[str, Any]:
    def cells() -> list[str]:
        stock = facts.stock(q, code)
        verdicts = facts.verdict_counts(facts.exit_rows(q, code))
        income = facts.indicator(q, code, "mean_percapita_yuan", PERIOD)
        counts = [format_value(stock[name], "integer") for name in ("households", "persons", "poor_households", "poor_persons")]
        return [
            *counts, format_value(stock["incidence"], "percent"), format_value(income.value, "yuan_plain"),
            *(format_value(verdicts[verdict][0], "integer") for verdict in ("meets_exit", "unknown")),
        ]

    return {"cells": _try(cells, q.area_names.get(code, code), troubles)}


def _village(q: Any, code: str, troubles: list[str]) -> dict[str, Any]:
    def cells() -> list[str]:
        row = q.village_exit.set_index("village_code").loc[code]
        return [
            label("village_kind", row["village_kind"]), format_value(row["poor_persons"], "integer"), format_value(row["denominator_persons"], "integer"),
            format_value(row["incidence_share"], "percent"), label("village_status", row["village_status"]), label("verdict", row["verdict"]),
        ]

    return {"township": q.area_names.get(code[:9], code[:9]), "cells": _try(cells, code, troubles)}


def _doubts(q: Any, county: str) -> list[str]:
    rows = facts.exit_rows(q, county)
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


def _try(work: Any, what: str, troubles: list[str]) -> list[Any]:
    """The index must stand even where a number cannot be worked out: say which, and go on."""
    try:
        return work()
    except Exception as error:
        troubles.append(f"目录页缺少“{what}”：{type(error).__name__}: {error}")
        return []
