"""The sheets of the look-back teams (回头看入户调查表): one workbook a village, questions only, nothing that the ledgers or the software concluded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.ledgers.entries import returned_files
from linwu_stats.ledgers.forms import Column, FormSheet, write_form
from linwu_stats.tables import CODES, empty, require

__all__ = ["QUESTIONS", "LookbackSheetError", "freeze_lookback", "load_lookback", "lookback_mark", "write_lookback_sheets"]

#: Heading of the one question that differs between kinds, with the code list of its answers; unregistered is asked whether it should be.
QUESTIONS = {"exited": ("是否稳定达到退出标准", "lookback_reach"), "off_register": ("是否应纳入而未纳入", "lookback_answer")}
STATE, PERSONS, RECOGNISES = "调查情况", "家庭人口(人)", "是否认可帮扶和退出工作"
_RULES = (
    "由工作队入户后填写，不看台账中的收入和评估结论，不由村组干部代填。",
    "只填浅色格；有下拉列表的从列表中选择。没有调查的户留空，留空按未知处理，不按“否”处理。",
    "“调查情况”必填：已调查、拒访、多次未遇(不同日期三次以上)、已不在本村或已销户。",
    "样本户拒访或多次未遇的，才按备用户的次序依次调查一户代替；样本户都已调查的，备用户不要调查。同村同类按次序启用，不得挑选。",
    "“已不在本村或已销户”的不用备用户代替。",
    "非建档立卡户按“找户办法”找到：从村委会起由近及远逐户数，建档立卡户跳过不数，数到的户即为样本，不得更换。",
    "家庭人口填实际人数，只填数字。不填姓名、证件号码和电话。",
    "请填写调查组和日期；不要删改表号和编码，行可以排序。填好后交回统计局，由统计局放入该季度的 lookback/returned 文件夹。",
)


class LookbackSheetError(RefusedError):
    """The files of a look-back cannot be used (回头看文件不能使用); the message says why and what to do."""


def lookback_mark(quarter: str, village_code: str) -> str:
    """The number that tells a returned sheet's quarter and village (表号): ``2017Q4-431025100201-L``."""
    return f"{quarter}-{village_code}-L"


def write_lookback_sheets(
    folder: Path, sample: pd.DataFrame, quarter: str, *, area_names: Mapping[str, str], filled: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Path]:
    """Write one workbook for each drawn village (写出入户调查表) and give their paths; file names hold codes only.

    ``sample``: table ``lookback_sample``. ``filled``: by unit_id the words in the cells by heading, for an invented county; by default nothing is filled in.
    """
    ordered = sample.sort_values(["village_code", "role", "draw_order"]).astype(object)
    villages: dict[str, list[dict[str, Any]]] = {}
    for row in ordered.where(ordered.notna(), "").to_dict("records"):
        villages.setdefault(row["village_code"], []).append(row)
    paths = []
    for village, rows in villages.items():
        title = f"{_season(quarter)}回头看入户调查表（{area_names.get(village, village)}）"
        mark = f"表号 {lookback_mark(quarter, village)}（内部资料，请勿外传）"
        notes = [[(mark, False)], [("调查组", False), ("", True), ("日期", False), ("", True)]]
        sheets = [
            _sheet(name, title, notes, kind, mine, area_names, filled or {})
            for kind, name in CODES["lookback_kind"].items() if (mine := [row for row in rows if row["kind"] == kind])
        ]
        paths.append(write_form(folder / f"{quarter}_{village}_L.xlsx", title, sheets, _RULES))
    return paths


def freeze_lookback(folder: Path, sample: pd.DataFrame, facts: Mapping[str, Any]) -> Path:
    """Write ``sample.json`` (封存回头看样本); drawing over sheets that came back is refused with :class:`LookbackSheetError`."""
    if back := returned_files(folder / "returned"):
        raise LookbackSheetError(
            f"sheets of this look-back were already returned (调查表已交回，不能重新抽样): {len(back)} files in lookback/returned. "
            "Read them with 'linwu-stats lookback read', or move them away first"
        )
    folder.mkdir(parents=True, exist_ok=True)
    units = json.loads(sample.to_json(orient="records", force_ascii=False, double_precision=15))
    path = folder / "sample.json"
    path.write_text(json.dumps({**facts, "units": units}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    return path


def load_lookback(folder: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The frozen sample and the facts of the day of the draw (读取封存的回头看样本); empty where nothing was drawn."""
    path = folder / "sample.json"
    if not path.is_file():
        return empty("lookback_sample"), {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        types = empty("lookback_sample").dtypes.to_dict()
        sample = pd.DataFrame(facts.pop("units"))[list(types)].astype(types)
        require(sample, "lookback_sample")
        if sample["unit_id"].isna().any() or sample["unit_id"].duplicated().any():
            raise ValueError("codes are blank or repeated")
        return sample, facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LookbackSheetError(
            f"the frozen sample of the look-back is damaged (封存的回头看样本已损坏): {folder.name}/sample.json, {type(error).__name__}. "
            "Put the file back from a copy, or delete the lookback folder and draw again"
        ) from error


def _sheet(
    name: str, title: str, notes: list[list[tuple[str, bool]]], kind: str, rows: list[dict[str, Any]], area_names: Mapping[str, str],
    filled: Mapping[str, Mapping[str, str]],
) -> FormSheet:
    columns = [
        Column("序号", 6), Column("编码", 18), Column("样本或备用", 10), Column("次序", 6), Column("乡镇", 12), Column("行政村", 12), Column("自然村", 12),
        *([Column("找户办法", 40)] if kind == "off_register" else [Column("脱贫年度", 8)] if kind == "exited" else []),
        Column(STATE, 16, True, tuple(CODES["lookback_state"].values()), "每户必填"), Column(PERSONS, 10, True, hint="只填数字"),
    ]
    if kind in QUESTIONS:
        heading, codes = QUESTIONS[kind]
        columns.append(Column(heading, 16, True, tuple(CODES[codes].values())))
    columns += [Column(RECOGNISES, 16, True, tuple(CODES["lookback_recognises"].values())), Column("备注", 20, True, hint="不录入系统，不写姓名和证件号码")]
    lines = []
    for place, row in enumerate(rows, start=1):
        about = [
            str(place), row["unit_id"], CODES["lookback_role"][row["role"]], str(row["draw_order"]), area_names.get(row["township_code"], row["township_code"]),
            area_names.get(row["village_code"], row["village_code"]), str(row["natural_village"]),
        ]
        about += [str(row["locator"])] if kind == "off_register" else [str(row["exit_year"])] if kind == "exited" else []
        said = filled.get(row["unit_id"], {})
        lines.append([*about, *(said.get(column.heading, "") for column in columns[len(about):])])
    return FormSheet(name, title, notes, columns, lines, {})


def _season(quarter: str) -> str:
    return f"{quarter[:4]}年第{'一二三四'[int(quarter[5]) - 1]}季度"
