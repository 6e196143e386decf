"""Lists of households: to be posted in the village, with masked names (公示名单), and for case workers, who need them whole (帮扶工作名单).

Names are in no table of the house. They are handed over by who reads the raw ledgers, and go into nothing but these files, each kind in a folder of its own,
made only by a command that names it. File names are codes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats.publish import facts, html, pages_exit, words, workbook
from linwu_stats.publish.fonts import common_characters
from linwu_stats.publish.plan import page_file, period_text, rule_texts
from linwu_stats.publish.tables_html import Fragment, Show, format_value, join, render_table, rule
from linwu_stats.publish.worker import write_file
from linwu_stats.tables import label

__all__ = ["case_lists", "mask_names", "not_posted", "notice_days", "public_notices"]

#: Names of two characters that are one surname; of any other name the first character is taken.
_SURNAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离长孙宇文司徒鲜于"
    "司空闾丘司寇巫马颛孙漆雕乐正宰父谷梁拓跋轩辕令狐段干呼延东郭南门羊舌左丘西门第五即墨达奚褚师"
)
_DOUBLE_SURNAMES = frozenset(_SURNAMES[place : place + 2] for place in range(0, len(_SURNAMES), 2))
_NO_NAME = "（姓名不详）"


def mask_names(names: pd.Series) -> pd.Series:
    """Names as public notices have them (姓名脱敏): the surname and two stars whatever the length; the same ones of a village are numbered in order.

    Source of the form: rule ``disclosure.notice``. A blank name, or what is none, is said to be unknown.
    """
    plain = names.astype("string").str.replace(r"[\s\u200b-\u200f\ufeff]", "", regex=True).fillna("")
    masked = plain.map(lambda name: f"{name[:2] if name[:2] in _DOUBLE_SURNAMES and len(name) > 2 else name[:1]}**" if name[:1].isalpha() else _NO_NAME)
    return masked + masked.groupby(masked).cumcount().add(1).astype("string").map("（{}）".format).where(masked.duplicated(keep=False), "")


def notice_days(start: dt.date, rules: Any) -> tuple[dt.date, dt.date]:
    """First and last day of a notice (公示起止日期), both counted, rule ``disclosure.notice``."""
    return start, start + dt.timedelta(days=rules.value("disclosure.notice")["days"] - 1)


def public_notices(q: Any, heads: Mapping[str, str], folder: Path, start: dt.date | None = None) -> list[Path]:
    """Write the notice of each village that has something to post (公示名单): a page and a workbook; gives their paths.

    ``heads``: name of the head of each household, from the raw ledgers. On the list are the households that are not out and meet all conditions of an exit
    this quarter, and those that the register says left poverty since the quarter before. ``start``: first day of the notice; without it the days are
    left to be filled in. No part of an ID number, no household code and no cause of poverty is shown.
    """
    rows = _posted(q)
    rows["head"] = [heads.get(code) for code in rows["household_id"]]
    written: list[Path] = []
    for code, part in rows.groupby("village_code", sort=True):
        if code in q.area_names:
            written += _write_notice(q, str(code), part.sort_values("household_id"), folder, start)
    return written


def case_lists(q: Any, heads: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the case workers' list of each township (帮扶工作名单): households that are not out, and those out that lack a condition or are to be watched.

    ``heads`` as for :func:`public_notices`. Each file says that it is not to be published.
    """
    rows = facts.exit_rows(q, q.rules.value("area.county")["code"])
    found = q.stability_households
    watched = rows["household_id"].isin(found.loc[found["stability_group"].isin(["unstable", "sudden"]), "household_id"])
    rows["lacks"] = (rows["poverty_status"].isin(facts.POOR) | (rows["verdict"] == "not_out")).fillna(False).astype(bool)
    rows = rows[rows["lacks"] | watched].copy()
    rows["head"] = [heads.get(code) or _NO_NAME for code in rows["household_id"]]
    rows["lacking"] = [pages_exit.lacking(row) for row in rows.to_dict("records")]
    rows = _with_stability(q, rows)
    written: list[Path] = []
    county = q.rules.value("area.county")["code"]
    rows["township_code"] = rows["township_code"].where(rows["township_code"].isin(list(q.area_names)), f"{county}000")
    for code, part in rows.groupby("township_code", sort=True):
        written += _write_case_list(q, str(code), part.sort_values(["village_code", "household_id"]), folder)
    return written


def not_posted(q: Any) -> int:
    """Households that a notice should have but whose village is not known (村名不明而未列入公示的户)."""
    return int((~_posted(q)["village_code"].isin(list(q.area_names))).sum())


# ---- parts -------------------------------------------------------------------------------------------------------------


def _with_stability(q: Any, rows: pd.DataFrame) -> pd.DataFrame:
    """The household's group of the monitoring rule, and the need that costs least."""
    found = q.stability_households.set_index("household_id").reindex(rows["household_id"])
    why = [pd.NA if pd.isna(codes) else words.reasons(codes) for codes in found["group_reasons"]]
    first = q.lifting_needs[q.lifting_needs["need_order"] == 1].set_index("household_id")
    terms = dict(facts.TESTS.values())
    lifts = [f"{terms.get(key, key)}：{_cost(first.loc[household])}" if household in first.index else pd.NA
             for household, key in zip(rows["household_id"], first["rule_key"].reindex(rows["household_id"]), strict=True)]
    return rows.assign(group=found["stability_group"].to_numpy(dtype=object), why=why, lift=pd.array(lifts, dtype="string"))


def _cost(need: pd.Series) -> str:
    if need["state"] == "unknown":
        return "未知，先核实"
    if pd.isna(need["cost_fen"]):
        return "未估费用"
    return f"{format_value(need['cost_fen'], 'yuan')}元（{label('cost_kind', need['cost_kind'])}）"


def _posted(q: Any) -> pd.DataFrame:
    rows = facts.exit_rows(q, q.rules.value("area.county")["code"])
    moved = q.transitions
    left = set(moved.loc[moved["transition"] == "newly_out", "household_id"])
    planned = rows["poverty_status"].isin(facts.POOR) & (rows["verdict"] == "meets_exit").fillna(False)
    rows = rows.assign(kind=pd.Series("planned", index=rows.index).where(planned, "left"))
    return rows[planned | rows["household_id"].isin(left)].reset_index(drop=True)


def _write_notice(q: Any, code: str, part: pd.DataFrame, folder: Path, start: dt.date | None) -> list[Path]:
    place = "".join(q.area_names[one] for one in (code[:9], code) if one in q.area_names)
    title = f"{place}{period_text(q.quarter)}脱贫户公示名单"
    part = part.assign(shown=mask_names(part["head"]).to_numpy())
    planned, left = part[part["kind"] == "planned"], part[part["kind"] == "left"]
    tables = [_notice_table(one, caption) for one, caption in ((planned, "拟退出贫困户"), (left, "本季已登记脱贫户")) if len(one)]
    days = q.rules.value("disclosure.notice")["days"]
    when = f"公示期 {days} 天，自____年__月__日起至____年__月__日止。"
    if start is not None:
        first, last = notice_days(start, q.rules)
        when = f"公示期 {days} 天，自{_day(first)}起至{_day(last)}止。"
    opening = [
        f"根据{period_text(q.quarter)}台账核算，下列户达到退出条件或已登记脱贫，现予公示。名单须先经村民民主评议、村两委和驻村工作队核实、农户签字认可；"
        "台账核算只是依据之一。",
        when,
    ]
    closing = [
        "对名单有异议的，请在公示期内向村委会、乡镇或县扶贫办反映；反映人的情况予以保密。受理电话：村________　乡镇________　县________",
        Markup("姓名只显示姓氏；同姓的按编号区分。公示天数和姓名写法见规则 ") + rule("disclosure.notice") + "。",
    ]
    stem = page_file(code, q.quarter).removesuffix(".html")
    signatures = ["村民委员会（盖章）", "驻村工作队", "公示人", "日期"]
    return _write(q, folder, stem, title, tables, opening, closing, signatures, restricted=False, place=place)


def _notice_table(part: pd.DataFrame, caption: str) -> Fragment:
    frame = part.assign(number=range(1, len(part) + 1), percapita=(part["net_fen"] / part["headcount_persons"]).astype("Float64"))
    columns = {
        "number": Show("序号"), "shown": Show("户主"), "natural_village": Show("组", unknown="—"),
        "registered_persons": Show("人口", "integer", "人"), "percapita": Show("人均纯收入", "yuan2", "元"),
        "income_outcome": Show("收入", "codes", codes="income_outcome"), "food": Show("不愁吃", "codes", codes="outcome"),
        "clothing": Show("不愁穿", "codes", codes="outcome"), "education": Show("义务教育", "codes", codes="outcome"),
        "medical": Show("基本医疗", "codes", codes="outcome"), "housing": Show("住房", "codes", codes="outcome"),
        "water": Show("饮水", "codes", codes="outcome"),
    }
    periods = "、".join(sorted(label("period", one) for one in part["period"].dropna().unique()))
    return render_table(frame, columns, caption=caption, note_text=f"人均纯收入的核算期：{periods}。未知是台账没有资料，不当作达标。" if periods else "")


def _write_case_list(q: Any, code: str, part: pd.DataFrame, folder: Path) -> list[Path]:
    place = q.area_names.get(code, "乡镇不能识别")
    title = f"{place}{period_text(q.quarter)}帮扶工作名单"
    frame = part.assign(village=[q.area_names.get(one, one) for one in part["village_code"]])
    columns = {
        "household_id": Show("户编号"), "head": Show("户主"), "village": Show("行政村"), "natural_village": Show("组", unknown="—"),
        "registered_persons": Show("人口", "integer", "人"), "poverty_status": Show("脱贫属性", "codes", codes="poverty_status"),
        "verdict": Show("评估结论", "codes", codes="verdict"), "distance_fen": Show("户收入与标准的差距", "yuan", "元", signed=True),
        "lacking": Show("缺什么", unknown="—"), "group": Show("稳定性分组", "codes", codes="stability_group"), "lift": Show("最省的一项", unknown="—"),
    }
    table = render_table(
        frame[frame["lacks"]], columns, caption="未脱贫户和已脱贫而有条件未达标的户", search="户编号、姓名或行政村",
        note_text="差距＝户纯收入−标准×计算人口，负数为不足；年度未满的不作未达标论。已脱贫户不符合，是要复核的线索，不等于返贫。"
        "最省的一项：收入差额按最近四个季度，保障为参考费用，待确认；几项都缺的要全部解决。",
    )
    watched = {name: show for name, show in columns.items() if name not in ("lacking", "lift")} | {"why": Show("分组原因", unknown="—")}
    also = frame[~frame["lacks"]]
    tables = [table, *([render_table(also, watched, caption="监测对象：已脱贫、条件没有未达标的户", note_text="监测是预警，不是返贫。")] if len(also) else [])]
    opening = ["本名单有姓名和户编号，只发给承担帮扶、复核任务的人员；用后收回，不得转发、张贴或上传。"]
    stem = f"{page_file(code, q.quarter).removesuffix('.html')}_cases"
    return _write(q, folder, stem, title, tables, opening, [], [], restricted=True, place=place)


def _write(
    q: Any, folder: Path, stem: str, title: str, tables: list[Fragment], opening: list[str], closing: list[Any], signatures: list[str], *,
    restricted: bool, place: str,
) -> list[Path]:  # fmt: skip
    county = q.area_names[q.rules.value("area.county")["code"]]
    page = {
        "characters": common_characters(*q.area_names.values()), "title": title, "title_parts": [title],
        "series": f"{county}扶贫统计　{q.quarter}", "is_sample": bool(q.is_sample), "restricted": restricted,
        "facts": [("报告期", period_text(q.quarter)), ("地区", place)], "area_name": place, "provenance": {"facts": []},
        "command": f"linwu-stats {'caselists' if restricted else 'notices'} {q.quarter}",
    }
    body = join(*map(_paragraph, opening), *tables, *map(_paragraph, closing))
    document = html.piece_to_html("list.html.j2", str(body.markup), page, rule_texts(q.rules), "", signatures=signatures)
    write_file(folder / f"{stem}.html", document)
    write_file(folder / f"{stem}.xlsx", workbook.tables_workbook(body.tables, page))
    return [folder / f"{stem}.html", folder / f"{stem}.xlsx"]


def _paragraph(text: str | Markup) -> Markup:
    return Markup("<p>{}</p>").format(text)


def _day(day: dt.date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
