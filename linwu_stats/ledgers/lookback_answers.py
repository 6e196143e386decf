"""Look-back sheets that come back (交回的入户调查表), in whatever state: sorted, renamed, saved as xls or csv, twice, of another quarter, half filled.

A sheet is known by its number (表号), a household by its code, a cell by its heading. What cannot be told is left unknown with a notice that says what to do;
a blank is unknown and never 'no'.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.content import open_book
from linwu_stats.ledgers.entries import find_form, numbers_in, open_forms, read_entry, words_to_codes
from linwu_stats.ledgers.identity import parse_code_number
from linwu_stats.ledgers.lookback_sheets import PERSONS, QUESTIONS, RECOGNISES, STATE, LookbackSheetError
from linwu_stats.ledgers.outcome import Refused, finding
from linwu_stats.ledgers.sheets import Book
from linwu_stats.ledgers.vocabulary import squeeze
from linwu_stats.tables import CODES

__all__ = ["read_lookback_sheets", "read_off_list"]

_COLUMNS = ["unit_id", "state", "problem", "recognises", "persons", "file", "row"]
#: The headings ask whether; who answers so instead of in the words of the list has answered.
_YES_NO = (("是", "yes"), ("否", "no"))
_NOTICES = ["file", "sheet", "row", "column", "what"]
_MARK = re.compile(r"(\d{4}Q[1-4])-(\d{12})-L")
_HEADINGS = {"编码": "_unit", STATE: "state", PERSONS: "persons", RECOGNISES: "recognises"} | {
    heading: f"{kind}.problem" for kind, (heading, _) in QUESTIONS.items()
}
_ANSWERS = ("state", "problem", "recognises", "persons")


def read_lookback_sheets(folder: Path, sample: pd.DataFrame, quarter: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the sheets that came back (读取交回的调查表): answers for :func:`linwu_stats.exits.lookback.settle.settle_answers`, and notices.

    ``sample``: table ``lookback_sample`` of ``quarter``. One row for every unit that has an answer. A household that was not drawn, a sheet of another
    quarter, and a village that was not drawn are left out with a notice. The same answer twice counts once; two different answers about one household
    are both left out, since nobody knows which to believe. Notices have file, sheet, row, column, what.
    """
    books, notices = open_forms(folder)
    units = {row["unit_id"]: row for row in sample.to_dict("records")}
    said: dict[str, list[dict[str, Any]]] = {}
    for name, book in books:
        village = _village_of(book, name, quarter, set(sample["village_code"]), notices)
        if village:
            for answer in _read_book(book, name, village, units, notices):
                said.setdefault(answer["unit_id"], []).append(answer)
    rows = [_one_answer(several, notices) for _, several in sorted(said.items())]
    heard = {units[row["unit_id"]]["village_code"] for row in rows}
    notices += [{"what": f"{village}的调查表没有交回(或没有一户可用)。"} for village in sorted(set(sample["village_code"]) - heard)]
    frame = pd.DataFrame(rows, columns=_COLUMNS).astype({"persons": "Int64", "row": "Int64"})
    return frame, pd.DataFrame(notices, columns=_NOTICES)


def read_off_list(path: Path) -> pd.DataFrame:
    """A list of the households off the register (非建档立卡户名单): village_code, code, natural_village, from any file that ledgers are read from.

    The sheet has the headings 行政村代码 and 户编号, perhaps 自然村. Codes are of the county's own making; what looks like a person's number is refused.
    Raises :class:`LookbackSheetError`.
    """
    try:
        book = open_book(path)
    except Refused as refused:
        raise LookbackSheetError(f"{path.name} cannot be read as a list (名单不能读取): {finding(refused.key, **refused.facts).message}") from refused
    except (OSError, ValueError, RuntimeError) as error:
        raise LookbackSheetError(f"{path.name} cannot be read as a list (名单不能读取): {type(error).__name__}. Save it with Excel or WPS") from error
    wanted = {"行政村代码": "village_code", "户编号": "code", "自然村": "natural_village"}
    form = next((one for sheet in book.sheets if (one := find_form(sheet, wanted, ("village_code", "code")))), None)
    if form is None:
        raise LookbackSheetError(f"{path.name}: no sheet has the headings 行政村代码 and 户编号 (缺少表头)")
    rows = []
    for row in form.rows:
        village = parse_code_number(row["village_code"], length=12).value
        code = squeeze(plain_text(row["code"])).strip("'")
        if village is None or not re.fullmatch(r"[0-9A-Za-z\-]{1,14}", code):
            raise LookbackSheetError(
                f"{path.name}, row {row['_row']}: 行政村代码 must be 12 digits and 户编号 1 to 14 letters and digits (代码有误); no names, no ID numbers"
            )
        rows.append({"village_code": village, "code": code, "natural_village": squeeze(plain_text(row.get("natural_village", ""))) or None})
    return pd.DataFrame(rows, columns=list(wanted.values()), dtype="string")


def _village_of(book: Book, name: str, quarter: str, villages: set[str], notices: list[dict[str, Any]]) -> str | None:
    """Village of a returned file by the number in its cells, else by its name."""
    found = numbers_in(book, name, _MARK, r"(\d{4}Q[1-4])_(\d{12})_L", notices)
    if len(found) != 1:
        what = "表中没有表号" if not found else f"表中有{len(found)}个不同的表号"
        notices.append({"file": name, "what": f"{what}，不知道是哪个村的表，没有读取；请补上原表的表号。"})
        return None
    of, village = found.pop()
    if of != quarter or village not in villages:
        notices.append({"file": name, "what": f"表号{of}-{village}不是本次抽取的村，没有读取；请放入所属季度的文件夹。"})
        return None
    return village


def _read_book(book: Book, name: str, village: str, units: Mapping[str, Mapping[str, Any]], notices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answers, seen = [], False
    for sheet in book.sheets:
        form = find_form(sheet, _HEADINGS, ("_unit", "state"))
        seen = seen or form is not None
        for row in form.rows if form else ():
            filled = {column: raw for column, raw in row.items() if not column.startswith("_") and not is_blank(raw)}
            where = {"file": name, "sheet": sheet.name, "row": row["_row"]}
            unit = units.get(_code(row["_unit"], units))
            if unit is None or unit["village_code"] != village:
                if filled:
                    notices.append(where | {"column": "编码", "what": "该行的编码不在本村的样本中，没有读取；不得自行更换调查户。"})
                continue
            if filled:
                answers.append(_answer(unit, filled, where, notices) | {"unit_id": unit["unit_id"], "file": name, "row": row["_row"]})
    if not seen:
        notices.append({"file": name, "what": "找不到含“编码”和“调查情况”的表头，没有读取；请用原表填写。"})
    return answers


def _code(raw: Any, units: Mapping[str, Any]) -> str:
    """A unit's code as written, or as a number that lost its leading zeros."""
    text = squeeze(plain_text(raw)).strip("'").upper()
    return text if text in units else parse_code_number(raw, length=14, prefix="00").value or ""


def _answer(unit: Mapping[str, Any], filled: Mapping[str, Any], where: dict[str, Any], notices: list[dict[str, Any]]) -> dict[str, Any]:
    """What one filled row says; what is not in a list or contradicts itself is unknown, with a notice."""
    problem, codes = f"{unit['kind']}.problem", QUESTIONS.get(unit["kind"], ("", ""))[1]
    out: dict[str, Any] = dict.fromkeys(_ANSWERS)
    for column, name, words in (("state", "state", "lookback_state"), (problem, "problem", codes), ("recognises", "recognises", "lookback_recognises")):
        if column in filled and words:
            asked = next(one for one, known in _HEADINGS.items() if known == column)
            out[name] = words_to_codes(words, filled[column], _YES_NO if asked.startswith("是否") else ())
            if out[name] is None:
                choices = "、".join(CODES[words].values())
                notices.append(where | {"column": asked, "what": f"不在选项中，按未填处理；请从下拉列表中选择（{choices}）后重新交回。"})
    if "persons" in filled:
        entry = read_entry("households.recorded_size_persons", filled["persons"])
        out["persons"] = None if entry.value is None else int(entry.value)
        if entry.value is None:
            notices.append(where | {"column": PERSONS, "what": f"填写无效（{entry.trouble or '没有内容'}），按未填处理。"})
    if unit["kind"] == "exited" and out["problem"] in ("yes", "no"):  # the form asks whether the standard is reached; the problem is that it is not
        out["problem"] = "no" if out["problem"] == "yes" else "yes"
    judged = out["problem"] is not None or out["recognises"] is not None
    if out["state"] is None and judged and STATE not in filled and "state" not in filled:
        out["state"] = "answered"
        notices.append(where | {"column": STATE, "what": "没有填调查情况，但已有答复，按已调查处理；请补填。"})
    if out["state"] in ("refused", "absent", "gone") and judged:
        notices.append(where | {"column": STATE, "what": "填了未访成，又填了答复，自相矛盾，该户按未知处理；请查明后重新交回。"})
        return dict.fromkeys(_ANSWERS)
    return out


def _one_answer(several: list[dict[str, Any]], notices: list[dict[str, Any]]) -> dict[str, Any]:
    first = several[0]
    if len(several) == 1:
        return first
    rows = "、".join(f"{one['file']}第{one['row']}行" for one in several)
    about = {"file": first["file"], "row": first["row"], "column": "编码"}
    if len({tuple(one[name] for name in _ANSWERS) for one in several}) > 1:
        notices.append(about | {"what": f"同一户有不同的答复（{rows}），不知道以哪份为准，按未知处理；请只留一份。"})
        return first | dict.fromkeys(_ANSWERS)
    notices.append(about | {"what": f"同一户交回了{len(several)}次，内容相同，只计一次（{rows}）。"})
    return first
