"""The sheets of the two reviewers and of the third person (复核表和裁定表): sealed, without each other's answers and without the ledger's own values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linwu_stats.ledgers.entries import choices, heading_of, shown
from linwu_stats.ledgers.forms import Column, FormSheet, write_form
from linwu_stats.tables import CODES, TABLES

__all__ = ["CANNOT", "sheet_mark", "write_dispute_sheets", "write_review_sheets"]

CANNOT = "无法核实"
_PERSONS = "义务教育"
_RULES = (
    "由本人入户或查看原始凭证后独立填写，不看台账、不看另一位复核人的表。",
    "只填浅色格；有下拉列表的从列表中选择。数字只填准确数，不写“约”、区间或单位。",
    f"确实查不清的选(或填)“{CANNOT}”；该户没有此项的留空，不要填0；收支确为零的填0。",
    "收入和支出是本季度的数，以元为单位。",
    "请填写复核人签名和日期；不要删改表号，行可以排序。",
    "填好后把本文件交回统计局，由统计局放入 review/returned 文件夹。",
)


def sheet_mark(quarter: str, township_code: str, reviewer: str) -> str:
    """The number that tells a returned sheet's quarter, township and reviewer (表号): ``2018Q1-431025100-A``."""
    return f"{quarter}-{township_code}-{reviewer}"


def write_review_sheets(
    folder: Path, sample: pd.DataFrame, values: pd.DataFrame, quarter: str, *, area_names: Mapping[str, str], person_names: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write two workbooks for each township (写出复核表) and give their paths: 复核人甲 and 复核人乙, the same rows, nothing filled in.

    ``sample``: table ``review_sample``; ``values``: subjects and fields of :func:`~linwu_stats.ledgers.review.ledger_values`, of which the values are not
    looked at; ``person_names``: household or person code to name, only where restricted sheets with names were asked for.
    """
    paths = []
    subjects = values[["subject_id", "household_id", "township_code", "field"]]
    for township, homes in sample.groupby("township_code", sort=True):
        mine = subjects[subjects["township_code"] == township]
        for reviewer in ("A", "B"):
            sheets = [_household_sheet(homes, mine, quarter, reviewer, area_names, person_names)]
            people = _person_sheet(mine, quarter, str(township), reviewer, person_names)
            path = folder / f"{quarter}_{township}_{reviewer}.xlsx"
            paths.append(write_form(path, _title(quarter, reviewer), [*sheets, *people], _RULES))
    return paths


def write_dispute_sheets(folder: Path, disputes: pd.DataFrame, quarter: str) -> list[Path]:
    """Write one workbook for each township with what the third person decides (写出裁定表): the two answers, which are not told apart by name."""
    paths = []
    for township, rows in disputes.groupby("township_code", sort=True):
        columns = (Column("序号", 6), Column("户编号", 17), Column("人编号", 19), Column("复核项目", 18), Column("列代码", 30), Column("填写一", 16),
                   Column("填写二", 16), Column("裁定值", 18, entry=True, hint=f"查明后的值；查不清填“{CANNOT}”"))
        lines, own = [], {}
        for place, row in enumerate(rows.itertuples()):
            person = row.subject_id if row.subject_id != row.household_id else ""
            lines.append([str(place + 1), row.household_id, person, heading_of(row.field), row.field, row.first, row.second, ""])
            if options := choices(row.field):
                own[place, 7] = (*options, CANNOT)
        sheet = FormSheet("裁定表", _title(quarter, "C"), _notes(quarter, str(township), "C"), columns, lines, own)
        paths.append(write_form(folder / f"{quarter}_{township}_C.xlsx", _title(quarter, "C"), [sheet], (
            "两位复核人的填写不一致或只有一人填写，请第三人查明后填写裁定值。", *_RULES[1:3], *_RULES[4:])))
    return paths


def answer_words(field: str, state: str | None, value: str | None) -> str:
    """An answer as the third person reads it (填写内容)."""
    if state is None:
        return "未填"
    return shown(field, value) if state == "answered" else CODES["answer_state"][state]


def _title(quarter: str, reviewer: str) -> str:
    season = "一二三四"[int(quarter[5]) - 1]
    what = "双人复核裁定表" if reviewer == "C" else "双人复核表"
    return f"{quarter[:4]}年第{season}季度贫困户台账{what}（{CODES['reviewer'][reviewer]}）"


def _notes(quarter: str, township: str, reviewer: str) -> list[list[tuple[str, bool]]]:
    mark = f"表号 {sheet_mark(quarter, township, reviewer)}（内部资料，请勿外传）"
    return [[(mark, False)], [("签名", False), ("", True), ("日期", False), ("", True)]]


def _entry(name: str) -> Column:
    options = choices(name)
    words = (*options, CANNOT) if options else ()
    hint = "从列表中选择" if options else f"只填准确数字；查不清填“{CANNOT}”"
    return Column(heading_of(name), max(12, 2 * len(heading_of(name))), True, words, hint)


def _household_sheet(
    homes: pd.DataFrame, subjects: pd.DataFrame, quarter: str, reviewer: str, area_names: Mapping[str, str], person_names: Mapping[str, str] | None,
) -> FormSheet:
    fields = [name for name in dict.fromkeys(subjects["field"]) if not _is_person(name)]
    township = str(homes["township_code"].iloc[0])
    columns = [Column("序号", 6), Column("户编号", 17), Column("乡镇", 12), Column("行政村", 12), *([Column("户主姓名", 10)] if person_names else [])]
    rows = []
    for home in homes.sort_values("draw_order").itertuples():
        place = [area_names.get(home.township_code, home.township_code), area_names.get(home.village_code, home.village_code)]
        name = [person_names.get(home.household_id, "")] if person_names else []
        rows.append([str(home.draw_order), home.household_id, *place, *name, *("" for _ in fields), ""])
    columns += [*map(_entry, fields), Column("备注", 20, True, hint="不录入系统")]
    return FormSheet("复核表", _title(quarter, reviewer), _notes(quarter, township, reviewer), columns, rows, {})


def _person_sheet(
    subjects: pd.DataFrame, quarter: str, township: str, reviewer: str, person_names: Mapping[str, str] | None,
) -> list[FormSheet]:
    fields = [name for name in dict.fromkeys(subjects["field"]) if _is_person(name)]
    if not fields:
        return []
    people = subjects[subjects["field"].isin(fields)].drop_duplicates("subject_id").sort_values("subject_id")
    columns = [Column("序号", 6), Column("户编号", 17), Column("人编号", 19), *([Column("姓名", 10)] if person_names else []), *map(_entry, fields)]
    rows = [
        [str(place), row.household_id, row.subject_id, *([person_names.get(row.subject_id, "")] if person_names else []), *("" for _ in fields)]
        for place, row in enumerate(people.itertuples(), start=1)
    ]
    return [FormSheet(_PERSONS, _title(quarter, reviewer), _notes(quarter, township, reviewer), columns, rows, {})]


def _is_person(name: str) -> bool:
    return "person_id" in TABLES[name.partition(".")[0]].key
