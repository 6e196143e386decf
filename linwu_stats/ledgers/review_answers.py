"""Review sheets that come back (交回的复核表), in whatever state: sorted, renamed, saved as xls or csv, blank rows, wrong codes, twice, one missing.

A sheet is known by its number (表号), never by its file name or place. What cannot be told is left out with a notice that says what to do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.entries import find_form, heading_of, numbers_in, open_forms, read_entry
from linwu_stats.ledgers.identity import parse_code_number
from linwu_stats.ledgers.review_sheets import CANNOT
from linwu_stats.ledgers.sheets import Book
from linwu_stats.ledgers.vocabulary import squeeze
from linwu_stats.tables import CODES, conform

__all__ = ["ANSWER_COLUMNS", "read_review_sheets", "review_answers"]

ANSWER_COLUMNS = ["subject_id", "field", "reviewer", "household_id", "township_code", "state", "value", "mark", "file", "row"]
_MARK = re.compile(r"(\d{4}Q[1-4])-(\d{9})-([ABC])")


def review_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Table ``review_answers`` (双人复核答案表) from the answers that :func:`read_review_sheets` gives."""
    return conform(answers, "review_answers")


def read_review_sheets(folder: Path, sample: pd.DataFrame, values: pd.DataFrame, quarter: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the sheets that came back (读取交回的复核表): answers (columns of ``review_answers``), and notices (file, sheet, row, column, what).

    ``sample`` and ``values``: what was drawn; answers about others are left out with a notice. The same sheet twice counts once; two different ones of one
    reviewer, or two reviewers with one signature in a township, are both left out: nobody knows which to believe, or the review was not independent.
    """
    books, notices = open_forms(folder)
    asked = {(subject, name): (home, town) for subject, home, town, name in zip(
        values["subject_id"], values["household_id"], values["township_code"], values["field"], strict=True)}
    sheets: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, book in books:
        known = _identify(book, name, quarter, set(sample["township_code"]), notices)
        if known:
            content = _read_book(book, name, known, asked, notices)
            sheets.setdefault(known, []).append({"file": name, "signature": _signature(book), "answers": content})
    chosen = {known: one for known, several in sorted(sheets.items()) if (one := _only_one(several, known, notices)) is not None}
    _refuse_one_hand(chosen, notices)
    _say_missing(chosen, sample, notices)
    marks = _marks(chosen)
    rows = [answer | {"mark": marks[known]} for known, one in chosen.items() for answer in one["answers"]]
    frame = pd.DataFrame(rows, columns=ANSWER_COLUMNS, dtype="object")
    return frame, pd.DataFrame(notices, columns=["file", "sheet", "row", "column", "what"])


def _identify(book: Book, name: str, quarter: str, townships: set[str], notices: list[dict[str, Any]]) -> tuple[str, str] | None:
    """Township and reviewer of a returned file by the number in its cells, else by its name."""
    found = numbers_in(book, name, _MARK, r"(\d{4}Q[1-4])_(\d{9})_([ABC])", notices)
    if len(found) != 1:
        what = "表中没有表号" if not found else f"表中有{len(found)}个不同的表号"
        notices.append({"file": name, "what": f"{what}，不知道是哪个乡镇、哪位复核人的表，没有读取；请补上原表的表号。"})
        return None
    of, township, reviewer = found.pop()
    if of != quarter or township not in townships:
        notices.append({"file": name, "what": f"表号{of}-{township}-{reviewer}不是本季抽取的复核表，没有读取；请放入所属季度的文件夹。"})
        return None
    return township, reviewer


def _read_book(
    book: Book, name: str, known: tuple[str, str], asked: Mapping[tuple[str, str], tuple[str, str]], notices: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    fields = {heading_of(field): field for _, field in asked}
    wanted = fields | {"户编号": "_household", "人编号": "_person", "列代码": "_field", "裁定值": "_decided"}
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    seen = False
    for sheet in book.sheets:
        form = find_form(sheet, wanted, ("_household",))
        seen = seen or form is not None
        for row in form.rows if form else ():
            where = {"file": name, "sheet": sheet.name, "row": row["_row"]}
            for field, raw in _filled(row, known[1]):
                subject = _subject(row, field, asked)
                home, town = asked.get((subject, field), ("", ""))
                if town != known[0]:
                    notices.append(where | {"column": _heading(field), "what": "该行的编号不在本表的复核样本中，没有读取；请核对户编号。"})
                    break
                state, value = _answer(field, raw, where, notices)
                about = {"subject_id": subject, "field": field, "reviewer": known[1], "household_id": home, "township_code": town}
                cells.setdefault((subject, field), []).append(about | {"state": state, "value": value, "file": name, "row": row["_row"]})
    if not seen:
        notices.append({"file": name, "what": "找不到含“户编号”的表头，没有读取；请用原表填写。"})
    return [_one_answer(several, notices) for several in cells.values()]


def _filled(row: dict[str, Any], reviewer: str) -> list[tuple[str, Any]]:
    if reviewer == "C":
        field = plain_text(row.get("_field", "")).strip()
        return [(field, row["_decided"])] if not is_blank(row.get("_decided", "")) else []
    return [(name, raw) for name, raw in row.items() if not name.startswith("_") and not is_blank(raw)]


def _subject(row: dict[str, Any], field: str, asked: Mapping[tuple[str, str], tuple[str, str]]) -> str:
    for name, length in (("_person", 16), ("_household", 14)):
        code = parse_code_number(row.get(name, ""), length=length, prefix="00").value
        if code is None and not is_blank(row.get(name, "")):  # a person without a code in the register has one of the household's own making
            code = squeeze(plain_text(row[name]))
        if code and (code, field) in asked:
            return code
    return ""


def _heading(field: str) -> str:
    return heading_of(field) if "." in field else field


def _answer(field: str, raw: Any, where: dict[str, Any], notices: list[dict[str, Any]]) -> tuple[str, str | None]:
    if squeeze(plain_text(raw)).strip("'") == CANNOT:
        return "cannot", None
    entry = read_entry(field, raw)
    if entry.value is None:
        notices.append(where | {"column": heading_of(field), "what": f"填写无效（{entry.trouble or '没有内容'}），按未填处理；请更正后重新交回。"})
        return "invalid", None
    return "answered", entry.value


def _one_answer(several: list[dict[str, Any]], notices: list[dict[str, Any]]) -> dict[str, Any]:
    first = several[0]
    if len({(one["state"], one["value"]) for one in several}) > 1:
        rows = "、".join(str(one["row"]) for one in several)
        what = f"同一对象在第{rows}行填了不同的值，按填写无效处理；请只留一行。"
        notices.append({"file": first["file"], "row": first["row"], "column": heading_of(first["field"]), "what": what})
        return first | {"state": "invalid", "value": None}
    return first


def _signature(book: Book) -> str:
    """The name behind 签名 in the sheet; it is compared, numbered and forgotten."""
    for sheet in book.sheets:
        for row in sheet.rows[:12]:
            for place, value in enumerate(row):
                text = squeeze(value) if isinstance(value, str) else ""
                if text.rstrip(":") in ("签名", "复核人签名", "复核人", "裁定人"):
                    after = next((squeeze(plain_text(one)) for one in row[place + 1:] if not is_blank(one)), "")
                    if after and not after.startswith("日期"):
                        return after
    return ""


def _only_one(several: list[dict[str, Any]], known: tuple[str, str], notices: list[dict[str, Any]]) -> dict[str, Any] | None:
    contents = {tuple(sorted((a["subject_id"], a["field"], a["state"], a["value"] or "") for a in one["answers"])) for one in several}
    names = "、".join(one["file"] for one in several)
    who = CODES["reviewer"][known[1]]
    if len(contents) > 1:
        what = f"{known[0]}的{who}有{len(several)}份内容不同的表，不知道以哪份为准，都没有采用；请只留一份，另一位复核人应用自己的表。"
        notices.append({"file": names, "what": what})
        return None
    if len(several) > 1:
        notices.append({"file": names, "what": f"{known[0]}的{who}的表交回了{len(several)}份，内容相同，只计一次。"})
    return several[0]


def _refuse_one_hand(chosen: dict[tuple[str, str], dict[str, Any]], notices: list[dict[str, Any]]) -> None:
    for township in sorted({township for township, _ in chosen}):
        signed = {reviewer: chosen[township, reviewer]["signature"] for reviewer in "ABC" if (township, reviewer) in chosen}
        doubled = {name for name, count in Counter(name for name in signed.values() if name).items() if count > 1}
        for reviewer in [one for one, name in signed.items() if name in doubled]:
            file = chosen.pop((township, reviewer))["file"]
            notices.append({"file": file, "what": f"{township}的两份表由同一人签名，不是独立复核，没有采用；请由另一人重新填写。"})


def _say_missing(chosen: Mapping[tuple[str, str], Any], sample: pd.DataFrame, notices: list[dict[str, Any]]) -> None:
    for township in sorted(set(sample["township_code"])):
        for reviewer in "AB":
            if (township, reviewer) not in chosen:
                notices.append({"what": f"{township}的{CODES['reviewer'][reviewer]}的表没有交回(或没有采用)。"})


def _marks(chosen: Mapping[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], str]:
    """A number for each signature, the same in all townships; a sheet that nobody signed has a number of its own."""
    numbers: dict[str, str] = {}
    out = {}
    for known, one in sorted(chosen.items()):
        who = one["signature"] or f"unsigned {known}"
        out[known] = numbers.setdefault(who, f"R{len(numbers) + 1:02d}")
    return out
