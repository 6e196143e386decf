"""Corrections that were handed back (更正): read from filled work lists, judged one by one, and laid over the tables; the raw ledgers are never changed.

A correction belongs to its quarter: the next quarter's ledger has to bring the mended value itself, else the item is open again (未改入台账).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.dates import parse_day
from linwu_stats.ledgers.entries import find_form, heading_of, is_correctable, open_forms, read_entry, typed, words_to_codes
from linwu_stats.ledgers.identity import parse_code_number
from linwu_stats.ledgers.intake import mask_numbers
from linwu_stats.ledgers.vocabulary import plain_heading, squeeze
from linwu_stats.ledgers.worklist_items import QUARTERLY, Values
from linwu_stats.rules import Rules
from linwu_stats.tables import TABLES, conform, empty

__all__ = ["FORM_HEADINGS", "apply_corrections", "corrections", "fillable_fields", "read_corrections"]

#: Headings of the work list that are filled in, and those by which a row is known again.
FORM_HEADINGS = {
    "事项编号": "item_id", "户编号": "household", "人编号": "person", "答复": "answer", "改正项目": "field", "改正后的值": "value", "经办人": "who",
    "办理日期": "when", "日期": "when",
}
_COLUMNS = ["correction_id", "item_id", "household", "person", "answer", "field", "value", "who", "when", "file", "row"]
_FILLED = ("answer", "value", "who", "when")


def read_corrections(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read the filled work lists of a quarter (读取交回的整改清单): ``folder`` is ``data/<quarter>/corrections``.

    Gives the filled rows as they were written, and notices (file, sheet, row, what). Rows may have been sorted or moved, columns deleted, sheets renamed
    or added, the file saved as xls or csv: a row is known by its item number. ``who`` is as written and goes no further than the restricted register.
    """
    books, notices = open_forms(folder)
    rows: list[dict[str, Any]] = []
    for number, (name, book) in enumerate(books):
        found = False
        for place, sheet in enumerate(book.sheets):
            form = find_form(sheet, FORM_HEADINGS, ("item_id",))
            found = found or form is not None
            for line in form.rows if form else ():
                if not any(not is_blank(line.get(field, "")) for field in _FILLED):
                    continue
                known = {field: line.get(field, "") for field in ("household", "person", *_FILLED, "field")}
                item = squeeze(plain_text(line["item_id"])).strip("'").lower()
                rows.append(known | {"correction_id": f"{number:03d}:{place}:{line['_row']}", "item_id": item, "file": name, "row": line["_row"]})
        if not found:
            notices.append({"file": name, "what": "找不到含“事项编号”的表头，没有读取；请用发出的整改清单填写，不要删去事项编号列。"})
    return pd.DataFrame(rows, columns=_COLUMNS, dtype="object"), pd.DataFrame(notices, columns=["file", "sheet", "row", "what"])


def apply_corrections(
    tables: Mapping[str, pd.DataFrame], entries: pd.DataFrame, issued: pd.DataFrame, rules: Rules, quarter: str,
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Lay the corrections over the tables (更正覆盖): gives new tables and the table ``corrections``; what came in is not changed.

    ``entries``: of :func:`read_corrections`; ``issued``: the work list as it went out, which says what each item is about and what the ledger said then.
    Refused with a reason: an item that did not go out, a row whose household is another one, no answer, no name or day of who answers, a value that the
    column may not hold, a ledger that says something else by now (台账已变), two corrections that contradict each other (both). Several corrections of
    one cell that follow on each other by value and day are applied in turn. 经核实无误 closes a doubt and changes nothing. Rule ``review.answers``.
    """
    if entries.empty:
        return dict(tables), empty("corrections")
    plain = issued.astype(object).where(issued.notna(), None)
    known = {row["item_id"]: row for row in plain.to_dict("records")}
    own = [(word, code) for word, code in rules.value("review.answers")["answers"].items()]
    values = Values(tables, quarter)
    judged = [_judge(entry, known.get(entry["item_id"]), own, quarter) for entry in entries.to_dict("records")]
    _settle_cells(judged, values, tables)
    _mark_repeated(judged)
    return _overlay(tables, judged, values), corrections(judged)


def corrections(judged: list[dict[str, Any]]) -> pd.DataFrame:
    """Table ``corrections`` (更正登记表): who is a number; the name as written stays in the returned file and in the restricted register."""
    numbers: dict[str, str] = {}
    rows = []
    for one in judged:
        who = squeeze(plain_text(one["who"])) if one["who"] else ""
        number = numbers.setdefault(who, f"P{len(numbers) + 1:02d}") if who else None
        rows.append({name: one.get(name) for name in TABLES["corrections"].names} | {"who": number})
    return conform(pd.DataFrame(rows), "corrections")


# ---- one row -------------------------------------------------------------------------------------------------------------


def _judge(entry: dict[str, Any], item: dict[str, Any] | None, own: list[tuple[str, str]], quarter: str) -> dict[str, Any]:
    """What one filled row says; ``reason_code`` is set where it is already clear what becomes of it."""
    day = None if is_blank(entry["when"]) else parse_day(entry["when"]).value
    who = "" if is_blank(entry["who"]) else plain_text(entry["who"]).strip()
    out = {
        "correction_id": entry["correction_id"], "item_id": entry["item_id"], "file": entry["file"], "row": entry["row"], "who": who, "when": day,
        "accepted": False, "answer": None, "before": None, "after": None, "detail": None,
    }
    if item is None:
        return out | {"item_id": mask_numbers(str(entry["item_id"]))[:40], "reason_code": "unknown_item"}
    out |= {name: item[name] for name in ("household_id", "person_id", "township_code", "subject_id")}
    if not _same_subject(entry, item):
        return out | {"reason_code": "other_household"}
    if is_blank(entry["answer"]):
        return out | {"reason_code": "no_answer"}
    answer = words_to_codes("correction_answer", entry["answer"], own)
    if answer is None:
        return out | {"reason_code": "bad_answer"}
    out["answer"] = answer
    if not any(char.isalpha() for char in who) or who.startswith(("=", "+", "@")) or mask_numbers(who) != who:
        return out | {"reason_code": "no_who"}
    if day is None:
        return out | {"reason_code": "no_when"}
    if answer != "mended":
        return out | _other_answer(answer, entry, item)
    return out | _new_value(entry, item, quarter)


def _same_subject(entry: dict[str, Any], item: dict[str, Any]) -> bool:
    for name, column, length in (("household", "household_id", 14), ("person", "person_id", 16)):
        if not is_blank(entry[name]) and item[column]:
            written = parse_code_number(entry[name], length=length, prefix="00").value or squeeze(plain_text(entry[name]))
            if written != item[column]:
                return False
    return True


def _other_answer(answer: str, entry: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    if not is_blank(entry["value"]):
        return {"reason_code": "value_not_used"}
    if answer == "verified" and item["gravity"] != "warning":
        return {"reason_code": "error_not_closed"}
    return {"accepted": True, "reason_code": "closed" if answer == "verified" else "noted"}


def fillable_fields(item: Mapping[str, Any], quarter: str) -> list[str]:
    """Columns that a correction of this quarter may mend (可填的改正项目): an amount of an earlier quarter's own ledger is mended in that quarter's list."""
    fields = (item["fields"] or "").split()
    return [name for name in fields if name.partition(".")[0] not in QUARTERLY or item["last_quarter"] == quarter]


def _new_value(entry: dict[str, Any], item: dict[str, Any], quarter: str) -> dict[str, Any]:
    fields = fillable_fields(item, quarter)
    if not fields:
        return {"accepted": is_blank(entry["value"]), "reason_code": "noted" if is_blank(entry["value"]) else "not_correctable"}
    name = fields[0] if len(fields) == 1 and is_blank(entry["field"]) else _chosen(entry["field"], fields)
    if name is None or not is_correctable(name):
        return {"reason_code": "no_field"}
    table, _, column = name.partition(".")
    about = {"table": table, "column": column, "before": _issued_value(item, name)}
    if is_blank(entry["value"]):
        return about | {"reason_code": "no_value"}
    said = read_entry(name, entry["value"])
    if said.value is None:
        return about | {"reason_code": "bad_value", "detail": f"{heading_of(name)}：{said.trouble or '没有内容'}"}
    return about | {"after": said.value, "reason_code": "unchanged" if said.value == about["before"] else None}


def _chosen(raw: Any, fields: list[str]) -> str | None:
    text = plain_heading(plain_text(raw)) if not is_blank(raw) else ""
    return next((name for name in fields if text in (plain_heading(heading_of(name)), name, plain_heading(heading_of(name)).partition("(")[0])), None)


def _issued_value(item: dict[str, Any], name: str) -> str | None:
    return json.loads(item["current"] or "{}").get(name)


# ---- one cell ------------------------------------------------------------------------------------------------------------


def _settle_cells(judged: list[dict[str, Any]], values: Values, tables: Mapping[str, pd.DataFrame]) -> None:
    """Corrections of one cell among each other and against the ledger as it is now."""
    cells: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for one in judged:
        if "reason_code" in one and one["reason_code"] is None:
            one["subject_id"] = values.place(one["table"], one["subject_id"], one["household_id"])
            cells.setdefault((one["table"], one["subject_id"], one["column"]), []).append(one)
    for (table, subject, column), several in cells.items():
        name = f"{table}.{column}"
        now = values.text(name, subject)
        if not _has_place(table, subject, several[0], values, tables):
            verdict = {id(one): "no_row" for one in several}
        else:
            verdict = _verdicts(several, now)
        for one in several:
            reason = verdict[id(one)]
            one |= {"reason_code": reason, "accepted": reason == "applied"}
            if reason == "ledger_changed":
                one["detail"] = f"发出清单时为{one['before'] or '未知'}，现在为{now or '未知'}"


def _verdicts(several: list[dict[str, Any]], now: str | None) -> dict[int, str]:
    steps = {(one["before"], one["after"]) for one in several}
    if len(steps) == 1:
        reason = "applied" if several[0]["before"] == now else "ledger_changed"
        return {id(one): reason for one in several}
    if all(one["before"] != now for one in several):
        return {id(one): "ledger_changed" for one in several}
    ordered = sorted(several, key=lambda one: one["when"])
    value, seen, last = now, [], None
    for one in ordered:
        if (one["before"], one["after"]) in seen:
            continue
        if one["before"] != value or one["when"] == last:
            return {id(each): "contradicts" for each in several}
        seen.append((one["before"], one["after"]))
        value, last = one["after"], one["when"]
    return {id(one): "applied" for one in several}


def _has_place(table: str, subject: str, one: dict[str, Any], values: Values, tables: Mapping[str, pd.DataFrame]) -> bool:
    """Whether the ledger has this row, or may get it: a household or person of the register that a guarantee ledger left out."""
    frame, key = tables[table], values.key(table)
    rows = frame[frame[key] == subject]
    if len(rows):
        return not (table == "income_items" and one["household_id"] not in set(rows["household_id"]))
    if table in ("housing", "water", "living"):
        return subject in set(tables["households"]["household_id"])
    return table in ("schooling", "insurance") and subject in set(tables["persons"]["person_id"])


def _mark_repeated(judged: list[dict[str, Any]]) -> None:
    """The same answer to the same item a second time counts once."""
    seen = set()
    for one in judged:
        step = (one["item_id"], one["answer"], one.get("table"), one.get("column"), one["before"], one["after"])
        if one["accepted"] and step in seen:
            one["reason_code"] = "repeated"
        elif one["accepted"]:
            seen.add(step)


def _overlay(tables: Mapping[str, pd.DataFrame], judged: list[dict[str, Any]], values: Values) -> dict[str, pd.DataFrame]:
    out = dict(tables)
    for table, several in _by_table(judged):
        frame, key = out[table].copy(), values.key(table)
        for one in sorted(several, key=lambda one: one["when"]):
            name = f"{table}.{one['column']}"
            mask = frame[key] == one["subject_id"]
            if not mask.any():
                new = {"household_id": one["household_id"], key: one["subject_id"]}
                fresh = pd.DataFrame([new]).reindex(columns=frame.columns).astype(frame.dtypes.to_dict())
                frame = pd.concat([frame, fresh], ignore_index=True)
                mask = frame[key] == one["subject_id"]
            frame.loc[mask, one["column"]] = typed(name, one["after"])
        out[table] = frame
    return out


def _by_table(judged: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    applied = [one for one in judged if one["reason_code"] == "applied"]
    for table in sorted({one["table"] for one in applied}):
        yield table, [one for one in applied if one["table"] == table]
