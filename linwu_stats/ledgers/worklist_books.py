"""The work list as workbooks for the townships and the county's offices (整改清单工作簿): everything to mend, gravest first, with room for the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from linwu_stats.ledgers.corrections import fillable_fields
from linwu_stats.ledgers.entries import choices, heading_of, shown
from linwu_stats.ledgers.forms import Column, FormSheet, write_form
from linwu_stats.ledgers.worklist import OPEN
from linwu_stats.rules import Rules
from linwu_stats.tables import label

__all__ = ["write_register", "write_work_books"]

_INSTRUCTIONS = (
    "本表按程度从重到轻排列：影响结论、错误、疑点；请先办理影响结论的事项，并在整改期限前交回统计局。",
    "只填浅色格。每办一项，在“答复”中选择，并填写经办人和办理日期；没有经办人或日期的不予采用。",
    "选“已改正”的，在“改正项目”中选择要改的一项，在“改正后的值”中填写查明的值：有列表的用列表中的说法，数字只填准确数(金额以元为单位)，日期写作 2018-04-12。",
    "不写“约300”“3-4”等约数；确实查不清的选“无法核实”。疑点经入户核实确与台账一致的，选“经核实无误”。",
    "同时请改正原台账：更正只用于本季，下季台账仍是旧值的，该事项重新列为未改。",
    "行可以排序、筛选，但不要删改“事项编号”列；文件交回后由统计局放入该季度的 corrections 文件夹。",
    "标注“不能填值”的事项，请改正台账原件后重新报送，本表中只填答复。",
)


def write_work_books(folder: Path, items: pd.DataFrame, rules: Rules, quarter: str, *, area_names: Mapping[str, str]) -> list[Path]:
    """Write one workbook for each township and one for the county's offices (写出整改清单) and give their paths; file names hold codes only.

    ``items``: table ``work_list``. Each has what is open, gravest first, what was closed this quarter, and instructions. Choices of the answer: rule
    ``review.answers``. A place without anything to show has no workbook.
    """
    county = rules.value("area.county")
    groups = [(str(code), "township", part) for code, part in items[items["office"] == "township"].groupby("township_code", sort=True)]
    groups.append((county["code"], "county", items[items["office"] != "township"]))
    paths = []
    for code, office, rows in groups:
        if rows.empty:
            continue
        place = "县级部门" if office == "county" else area_names.get(code, code)
        title = f"{county['name']}{_season(quarter)}贫困户台账整改清单（{place}）"
        sheets = [_open_sheet(rows[rows["status"].isin(OPEN)], title, quarter, code, rules, area_names)]
        closed = rows[~rows["status"].isin(OPEN)]
        if len(closed):
            sheets.append(_closed_sheet(closed, f"{_season(quarter)}已办结事项（{place}）", area_names))
        paths.append(write_form(folder / f"{quarter}_{code}_worklist.xlsx", title, sheets, _INSTRUCTIONS))
    return paths


def write_register(path: Path, corrections: pd.DataFrame, names: Mapping[str, str], quarter: str) -> Path:
    """Write the restricted register of corrections (更正登记): who as written (``names`` by correction_id), when, before, after, why one was refused."""
    columns = (
        Column("序号", 6), Column("户编号", 17), Column("对象编号", 20), Column("项目", 16), Column("改正前", 14), Column("改正后", 14), Column("答复", 12),
        Column("经办人", 12), Column("日期", 12), Column("是否采用", 8), Column("原因", 24), Column("说明", 24), Column("文件", 24), Column("行", 6),
        Column("事项编号", 18),
    )
    rows = []
    for place, row in enumerate(corrections.astype(object).where(corrections.notna(), None).to_dict("records"), start=1):
        name = f"{row['table']}.{row['column']}" if row["table"] else ""
        values = [shown(name, row[one]) if name else "" for one in ("before", "after")]
        rows.append([
            str(place), row["household_id"] or "", row["subject_id"] or "", heading_of(name) if name else "", *values,
            label("correction_answer", row["answer"]) if row["answer"] else "", names.get(row["correction_id"], ""), _day(row["when"]),
            "是" if row["accepted"] else "否", label("correction_reason", row["reason_code"]), row["detail"] or "", row["file"] or "",
            str(row["row"] or ""), row["item_id"] or "",
        ])
    sheet = FormSheet("更正登记", f"{_season(quarter)}台账更正登记（内部资料）", [], columns, rows, {})
    return write_form(path, sheet.title, [sheet], ("本登记由系统生成，记录每一份更正的经办人、日期、改正前后的值和采用情况，请勿外传。",))


def _open_sheet(rows: pd.DataFrame, title: str, quarter: str, code: str, rules: Rules, area_names: Mapping[str, str]) -> FormSheet:
    answers = tuple(rules.value("review.answers")["answers"])
    columns = (
        Column("序号", 5), Column("程度", 9), Column("状态", 8), Column("未改季度", 6), Column("乡镇", 10), Column("行政村", 10), Column("户编号", 16),
        Column("人编号", 18), Column("项目", 14), Column("问题", 36), Column("现值", 22), Column("整改单位", 8), Column("整改期限", 11),
        Column("答复", 11, True, answers), Column("改正项目", 14, True), Column("改正后的值", 13, True), Column("经办人", 9, True),
        Column("办理日期", 11, True, hint="写作 2018-04-12"), Column("办理说明", 16, True, hint="不录入系统"), Column("事项编号", 17),
    )
    lines, own = [], {}
    for place, row in enumerate(rows.astype(object).where(rows.notna(), None).to_dict("records")):
        fields = fillable_fields(row, quarter)
        lines.append(_line(place, row, fields, area_names))
        if len(fields) > 1:
            own[place, 14] = tuple(heading_of(name) for name in fields)
        elif fields and choices(fields[0]):
            own[place, 15] = choices(fields[0])
    days = rows["deadline_date"].dropna()
    until = f"最早整改期限 {_day(days.min())}" if len(days) else ""
    notes = [[(f"清单号 {quarter}-{code}　事项 {len(rows)} 件　{until}　内部资料，请勿外传", False)]]
    return FormSheet("整改清单", title, notes, columns, lines, own)


def _line(place: int, row: dict[str, object], fields: list[str], area_names: Mapping[str, str]) -> list[str]:
    current = json.loads(str(row["current"] or "{}"))
    values = "；".join(f"{heading_of(name)} {shown(name, current.get(name))}" for name in fields)
    status = label("work_status", row["status"]) + (f"（{label('work_note', row['note'])}）" if row["note"] else "")
    return [
        str(place + 1), label("gravity", row["gravity"]), status, str(row["quarters_open"]), area_names.get(str(row["township_code"]), "县级"),
        area_names.get(str(row["village_code"]), ""), str(row["household_id"] or ""), str(row["person_id"] or ""), str(row["heading"] or ""),
        str(row["what"] or ""), values if fields else _elsewhere(row), str(row["owner"]), _day(row["deadline_date"]), "",
        heading_of(fields[0]) if len(fields) == 1 else "", "", "", "", "", str(row["item_id"]),
    ]


def _elsewhere(row: dict[str, object]) -> str:
    """Why no value can be filled in here."""
    if row["fields"]:
        return f"（属{row['last_quarter']}台账，请在该季整改清单中改正）"
    return "（不能填值，请改台账后重报）"


def _closed_sheet(rows: pd.DataFrame, title: str, area_names: Mapping[str, str]) -> FormSheet:
    columns = (
        Column("序号", 5), Column("结果", 14), Column("程度", 9), Column("乡镇", 10), Column("行政村", 10), Column("户编号", 16), Column("人编号", 18),
        Column("项目", 14), Column("问题", 40), Column("首次出现", 10), Column("历时季度", 8), Column("编号", 17),
    )
    lines = [
        [
            str(place), label("work_status", row["status"]), label("gravity", row["gravity"]), area_names.get(str(row["township_code"]), "县级"),
            area_names.get(str(row["village_code"]), ""), str(row["household_id"] or ""), str(row["person_id"] or ""), str(row["heading"] or ""),
            str(row["what"] or ""), str(row["first_quarter"]), str(row["quarters_open"]), str(row["item_id"]),
        ]
        for place, row in enumerate(rows.astype(object).where(rows.notna(), None).to_dict("records"), start=1)
    ]
    return FormSheet("已办结", title, [], columns, lines, {})


def _season(quarter: str) -> str:
    return f"{quarter[:4]}年第{'一二三四'[int(quarter[5]) - 1]}季度"


def _day(value: object) -> str:
    return "" if value is None or pd.isna(value) else pd.Timestamp(value).date().isoformat()
