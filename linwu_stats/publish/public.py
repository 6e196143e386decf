"""The public edition of a quarter (公开版): one page, a workbook and the tables as files, in a folder that may be copied to a web site as it is.

All numbers come from ``public_cells`` and ``public_rates``, in which small cells and the cells that would give them away are blank. Nothing here reads a
table of households. Before anything is written the plan is checked by linear programming; where a small cell is not protected there is no public edition.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats import RefusedError, disclosure
from linwu_stats.disclosure.system import MEASURES
from linwu_stats.publish import html, outputs, workbook
from linwu_stats.publish.plan import period_text, rule_texts
from linwu_stats.publish.tables_html import Fragment, Show, bullets, fold, join, render_table, rule
from linwu_stats.publish.worker import write_file
from linwu_stats.tables import CODES, dictionary_text, label

__all__ = ["FOLDER", "DisclosureError", "check_plan", "public_page", "write_public"]

#: Folder of a run that holds the edition.
FOLDER = "public"
#: What stands for a number that is not published.
WITHHELD = "＊"
_STATUSES = {"all": "合计", "poor": "未脱贫", "out": "已脱贫", "unknown": "属性未登记"}
_INCOME = {"meets_exit": "符合退出条件", "not_out": "不符合", "unknown": "不能判定"}
_OUTCOMES = {"met": "达标", "not_met": "未达标", "not_yet": "尚未达到", "unknown": "未知"}
_LINE = {"below": "低于标准", "not_below": "不低于标准", "unknown": "收入未知"}
_RATES = {
    "mean_percapita_yuan": ("人均纯收入", "integer", "元"), "median_percapita_yuan": ("中位数", "integer", "元"),
    "headcount_ratio": ("低于标准人口比重", "percent", "%"), "poverty_gap_index": ("贫困差距指数", "index", ""), "gini": ("基尼系数", "index", ""),
    "wage_share": ("工资性占比", "percent", "%"), "business_net_share": ("经营净收入占比", "percent", "%"),
    "property_share": ("财产性占比", "percent", "%"), "transfer_share": ("转移性占比", "percent", "%"),
}
_FILES = {"public_cells": "公开频数表", "public_rates": "公开指标表"}


class DisclosureError(RefusedError):
    """Small cells of the publication could be worked out (公开数据未受保护); nothing public was written."""


def check_plan(q: Any) -> None:
    """Refuse a publication in which a small cell could be worked out (公开前检查), whatever way the cells were chosen; raises :class:`DisclosureError`."""
    system = disclosure.counted({name: getattr(q, name) for name in disclosure.INPUTS}, q.rules, [code for code in q.area_names if len(code) == 9])
    withheld = (q.public_cells["mark"] != "shown").to_numpy()
    rule_of_cells = q.rules.value("disclosure.cells")
    small = disclosure.small_cells(system, {"households": rule_of_cells["minimum_households"], "persons": rule_of_cells["minimum_persons"]})
    keys = list(system.keys)
    found = {keys[one.place][0] for one in disclosure.open_cells(system, withheld, small, rule_of_cells["width"])}
    if found:
        raise DisclosureError(
            f"small cells could be worked out from what would be published (公开表中有小单元可被推算): "
            f"{'、'.join(label('public_table', one) for one in sorted(found))}. No public edition was "
            "written; raise disclosure.cells in data/law, or ask for help with these tables"
        )


def write_public(q: Any, folder: Path, foot: Mapping[str, Any], characters: str = "") -> list[dict[str, Any]]:
    """Write the public edition of a quarter into ``folder``/public (写出公开版); gives file, title, bytes and sha256 of each file.

    ``foot``: of ``provenance.page_provenance``; ``characters``: those that the pages of the run share. Raises :class:`DisclosureError` where the plan does
    not hold.
    """
    check_plan(q)
    target = folder / FOLDER
    page, body = _shell(q, foot) | {"characters": characters}, public_page(q)
    for name in _FILES:
        outputs.write_table(getattr(q, name), name, target)
    write_file(target / "data-dictionary.md", dictionary_text(_FILES))
    write_file(target / "tables.xlsx", workbook.tables_workbook(body.tables, page))
    write_file(target / "index.html", _document(body, page, q))
    names = {"index.html": "公开版网页", "tables.xlsx": "公开版表格", "data-dictionary.md": "公开版数据字典"}
    titles = names | {f"{name}{kind}": f"{title}（公开版）" for name, title in _FILES.items() for kind in (".csv", ".parquet")}
    return [outputs.file_entry(path, folder, titles[path.name]) for path in sorted(target.iterdir())]


def public_page(q: Any) -> Fragment:
    """All sections of the public page (公开版内容)."""
    rule_of_cells = q.rules.value("disclosure.cells")
    rates = q.rules.value("disclosure.rates")
    about = [
        Markup("少于 {} 户或 {} 人的单元不公布；为防止用合计相减推出，另有一些单元一并不公布，都以 {} 表示，不分是哪一种。 ").format(
            rule_of_cells["minimum_households"], rule_of_cells["minimum_persons"], WITHHELD
        ) + rule("disclosure.cells"),
        Markup("收入已知人口不足 {} 人的组不公布平均数和比率。 ").format(rates["minimum_denominator"]) + rule("disclosure.rates"),
        "“未知”是台账没有资料，不是零；收入未知的户不参加平均数和比重的计算。",
        "分母是建档立卡人口，不是全部乡村人口。",
    ]
    parts = [
        bullets(about, "doubts", heading="阅读说明"),
        _heading("register", "建档立卡贫困户"), _by_area(q, "status", _STATUSES, "建档立卡贫困户和脱贫属性"),
        _heading("income", "收入"), *_rates(q),
        _by_area(q, "line", _LINE, "最近四个季度人均纯收入与扶贫标准", note="恰在标准上的不算低于标准；人数按计算人口。"),
        _heading("exit", "脱贫评估"),
        _by_area(q, "verdict", {f"poor:{code}": term for code, term in _INCOME.items()}, "未脱贫户评估结论"),
        _by_area(q, "verdict", {f"out:{code}": term for code, term in _INCOME.items()}, "已脱贫户复核结论", note="不符合是要复核的线索，不等于返贫。"),
        _conditions(q), fold("各乡镇各项条件", join(*(_by_area(q, one, _outcomes(), f"未脱贫户：{_condition(one)}") for one in disclosure.CONDITIONS))),
        _villages(q),
        _heading("groups", "致贫原因和家庭人口"), *_groups(q),
    ]
    return join(*(part for part in parts if part is not None))


# ---- parts -------------------------------------------------------------------------------------------------------------


def _heading(name: str, text: str) -> Markup:
    return Markup('<h2 id="{}">{}</h2>').format(name, text)


def _outcomes() -> dict[str, str]:
    return {f"poor:{code}": term for code, term in _OUTCOMES.items()}


def _condition(table: str) -> str:
    return label("public_table", table)


def _areas(q: Any) -> dict[str, str]:
    county = q.rules.value("area.county")["code"]
    names = {county: "全县"} | {code: q.area_names[code] for code in sorted(q.area_names) if len(code) == 9}
    return names | {f"{county}000": "乡镇不能识别"}


def _by_area(
    q: Any, table: str, categories: Mapping[str, str], caption: str, note: str = "", measures: tuple[str, ...] = MEASURES
) -> Fragment | None:
    """Households and persons of each category by township."""
    cells = q.public_cells[q.public_cells["public_table"] == table]
    there = {code: term for code, term in categories.items() if code in set(cells["category"])}
    rows = [
        {"area": name} | _numbers(part, there)
        for code, name in _areas(q).items()
        for part in [cells[cells["area_code"] == code].set_index("category")]
        if len(part)
    ]
    return _table(rows, there, "地区", caption, note, measures) if there else None


def _numbers(part: pd.DataFrame, categories: Mapping[str, str]) -> dict[str, Any]:
    """Numbers of one row; a number that is shown but not known says so."""
    row: dict[str, Any] = {}
    for number, code in enumerate(categories):
        cell = part.loc[code] if code in part.index else None
        for measure in ("households", "persons"):
            name = f"{measure}_{number}"
            if cell is None:
                row[name] = 0
                continue
            row[name] = cell[measure]
            if cell["mark"] == "shown" and pd.isna(cell[measure]):
                row[f"{name}_why"] = "headcount_unknown"
    return row


def _table(
    rows: list[dict[str, Any]], categories: Mapping[str, str], head: str, caption: str, note: str, measures: tuple[str, ...] = MEASURES
) -> Fragment:
    columns = {"area": Show(head)}
    for number, term in enumerate(categories.values()):
        for measure in measures:
            unit = "户" if measure == "households" else "人"
            columns[f"{measure}_{number}"] = Show(term, "integer", unit, unknown=WITHHELD, reason=f"{measure}_{number}_why")
    frame = pd.DataFrame(rows, columns=["area", *columns, *(f"{name}_why" for name in columns)]).loc[:, lambda one: ~one.columns.duplicated()]
    return render_table(frame, columns, caption=caption, note_text=note)


def _rates(q: Any) -> list[Fragment]:
    found = q.public_rates
    shown = []
    for period in ("quarter", "last4", "year"):
        part = found[found["period"] == period]
        there = set(part.loc[part["mark"] != "unknown", "indicator"])
        names = [name for name in _RATES if name in there]
        rows = []
        for code, area in _areas(q).items():
            here = part[part["area_code"] == code].set_index("indicator")
            if len(here):
                row: dict[str, Any] = {"area": area}
                for name in names:
                    row[name] = here["value"].get(name)
                    row[f"{name}_why"] = "all_unknown" if here["mark"].get(name, "unknown") == "unknown" else None
                rows.append(row)
        columns = {"area": Show("地区")} | {
            name: Show(_RATES[name][0], _RATES[name][1], _RATES[name][2], unknown=WITHHELD, reason=f"{name}_why") for name in names
        }
        if names:
            frame = pd.DataFrame(rows)
            caption = f"{label('period', period)}人均纯收入和有关指标"
            shown.append(render_table(frame, columns, caption=caption, note_text="按人加权；扶贫标准是全年的，不足一年的不列比重。"))
    return shown


def _conditions(q: Any) -> Fragment:
    """Each condition in the whole county."""
    county = q.rules.value("area.county")["code"]
    cells = q.public_cells[q.public_cells["area_code"] == county]
    rows = [
        {"area": _condition(one)} | _numbers(cells[cells["public_table"] == one].set_index("category"), _outcomes())
        for one in disclosure.CONDITIONS if (cells["public_table"] == one).any()
    ]
    return _table(rows, _outcomes(), "条件", "全县未脱贫户各项条件", "任何一项保障未达标即不符合退出条件，不论收入多少；未知不当作达标。")


def _groups(q: Any) -> list[Fragment]:
    county = q.rules.value("area.county")["code"]
    cells = q.public_cells[q.public_cells["area_code"] == county]
    causes = cells[cells["public_table"] == "cause"]
    terms = CODES["cause"] | {"unknown": "未登记"}
    there = [code for code in terms if (causes["category"] == code).any()]
    rows = [{"area": terms[code]} | _numbers(causes[causes["category"] == code].set_index("category"), {code: ""}) for code in there]
    sizes = {str(size): f"{size}人" for size in range(1, 6)} | {"6": "6人及以上", "unknown": "人口未登记"}
    return [
        _table(rows, {"all": "贫困户"}, "主要致贫原因", "全县主要致贫原因", "病、残涉及健康，只公布全县数；各乡镇的见下载的表，小单元不公布。"),
        _by_area(q, "size", sizes, "家庭人口", measures=("households",)),
    ]


def _villages(q: Any) -> Fragment:
    cells = q.public_cells[q.public_cells["public_table"] == "village"].set_index("area_code")
    rows = q.village_exit[q.village_exit["village_kind"].isin(["province", "city"])].sort_values("village_code")
    frame = rows.assign(name=[q.area_names.get(code, code) for code in rows["village_code"]], poor=list(cells["persons"].reindex(rows["village_code"])))
    shown = (cells["mark"].reindex(rows["village_code"]) == "shown").fillna(False).to_numpy(dtype=bool)
    frame["why"] = ["headcount_unknown" if one and pd.isna(persons) else None for one, persons in zip(shown, frame["poor"], strict=True)]
    columns = {
        "name": Show("行政村"), "village_kind": Show("类别", "codes", codes="village_kind"), "village_status": Show("状态", "codes", codes="village_status"),
        "poor": Show("未脱贫", "integer", "人", unknown=WITHHELD, reason="why"), "verdict": Show("评估结论", "codes", codes="verdict"),
    }
    return render_table(frame, columns, caption="贫困村退出评估", empty="没有贫困村。")


def _shell(q: Any, foot: Mapping[str, Any]) -> dict[str, Any]:
    county = q.rules.value("area.county")
    name = q.area_names[county["code"]]
    parts = [name, period_text(q.quarter), "建档立卡贫困户收入和脱贫评估（公开版）"]
    facts = [("报告期", period_text(q.quarter)), ("地区", name), ("版本", "公开版：没有户和人的资料"), ("口径", "建档立卡贫困户")]
    return {
        "title": "".join(parts), "title_parts": parts, "series": f"{name}扶贫统计　{q.quarter}", "is_sample": bool(q.is_sample), "facts": facts,
        "command": f"linwu-stats run {q.quarter}", "provenance": {"facts": foot["facts"]}, "area_name": name,
    }


def _document(body: Fragment, page: Mapping[str, Any], q: Any) -> str:
    files = [{"href": "tables.xlsx", "title": "本页各表", "kind": "Excel"}]
    files += [{"href": f"{name}.csv", "title": title, "kind": "CSV"} for name, title in _FILES.items()]
    files += [{"href": "data-dictionary.md", "title": "数据字典", "kind": "文本"}]
    return html.piece_to_html("public.html.j2", str(body.markup), page, rule_texts(q.rules), f"{page['area_name']}建档立卡台账", files=files)
