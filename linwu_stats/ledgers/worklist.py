"""The work list (整改清单): one row for each thing to mend, the same name in each quarter, and what became of last quarter's rows.

:mod:`.worklist_items` says what is wrong now; here it meets what was known before: new, still open, mended, verified, impossible to check, gone
from the register.
"""

from __future__ import annotations

import calendar
import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.ledgers.checks import Check
from linwu_stats.ledgers.worklist_items import QUARTERLY, Values, items_now
from linwu_stats.rules import Rules
from linwu_stats.tables import TABLES, conform, empty

__all__ = ["OPEN", "WorkListError", "load_issued", "save_issued", "work_list", "work_list_progress"]

#: Statuses of what is still to be mended.
OPEN = ("new", "open", "unchecked")
CLOSED = ("mended", "verified", "gone")
GRAVITIES = ("verdict", "error", "warning")


class WorkListError(RefusedError):
    """The list that was issued cannot be read (已发出的整改清单不能使用)."""


def work_list(
    tables: Mapping[str, pd.DataFrame], rules: Rules, quarter: str, *, checks: Sequence[Check] = (), files: pd.DataFrame | None = None,
    settled: pd.DataFrame | None = None, issued: pd.DataFrame | None = None, previous: pd.DataFrame | None = None,
    previous_corrections: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table ``work_list`` (整改清单): everything to mend, gravest first, then what was closed this quarter.

    ``tables``: the quarter's tables after corrections: findings, check_results, check_counts, household_exit, corrections, the ledger tables, and
    source_differences and department_flags where there are any. ``checks``: the checks in force (titles and columns); ``files``: kind of each ledger file
    (columns path, kind, outcome); ``settled``: what the double review settled; ``issued``: items of this quarter that went out; ``previous`` and
    ``previous_corrections``: those tables of the quarter before.

    Rules: ``review.deadline_days.*`` (calendar days from the end of the quarter in which the item first stood here), ``review.township_fixers``.
    A thing that cannot be checked now is ``unchecked``, never mended. A gap in a quarter's own income ledger stays open until that quarter's
    ledger is mended, since the next one is about other months.
    """
    now = items_now(tables, rules, quarter, checks=checks, files=files, settled=settled)
    before = _by_item(previous)
    known = before | {name: row for name, row in _by_item(issued).items() if name not in before}
    fixed = _corrections_by_item(tables.get("corrections"))
    entered = _entered(previous_corrections)
    values, looked = Values(tables, quarter), _looked_at(tables, files)
    rows = []
    for name, item in now.items():
        answer = fixed.get(name, {})
        if item["kind"] == "finding" and answer.get("reason_code") == "applied":
            continue  # the raw cell still has its finding; the value in use is the corrected one
        rows.append(_found(item, before.get(name), answer, name in entered, quarter))
    for name in sorted(set(known) - {row["item_id"] for row in rows}):
        row = known[name]
        if row["status"] in OPEN or name in entered:
            answer, late = fixed.get(name, {}), entered.get(name)
            rows.append(_not_found(row, tables, values, answer, late, quarter, issued=name not in before, looked=looked))
    table = pd.DataFrame([row for row in rows if row is not None])
    return _ordered(table, rules) if len(table) else empty("work_list")


def work_list_progress(items: pd.DataFrame, previous: pd.DataFrame | None = None) -> pd.DataFrame:
    """Table ``work_list_progress`` (整改进度表) by township and owner: what was open, what became of it, what is new."""
    if items.empty:
        return empty("work_list_progress")
    keys = ["township_code", "owner"]
    count = pd.crosstab([items[key] for key in keys], items["status"]).reindex(columns=[*OPEN, *CLOSED], fill_value=0)
    out = pd.DataFrame({
        "mended": count["mended"], "verified": count["verified"], "still_open": count["open"], "unchecked": count["unchecked"], "gone": count["gone"],
        "new": count["new"], "open_now": count["new"] + count["open"] + count["unchecked"],
    })
    opened = items[items["status"].isin(OPEN)]
    for gravity in GRAVITIES:
        out[f"{gravity}_open"] = opened[opened["gravity"] == gravity].groupby(keys).size()
    out["longest_quarters"] = opened.groupby(keys)["quarters_open"].max()
    earlier = set() if previous is None else set(previous.loc[previous["status"].isin(OPEN), "item_id"])
    out["open_before"] = items[items["item_id"].isin(earlier)].groupby(keys).size()
    counts = [name for name in out.columns if name != "longest_quarters"]
    out[counts] = out[counts].fillna(0)
    return conform(out.reset_index(), "work_list_progress")


def save_issued(path: Path, items: pd.DataFrame) -> Path:
    """Keep what goes out to the townships (发出清单存底), together with what went out before; a correction is set against this, not against the file."""
    kept = load_issued(path)
    fresh = items[items["status"].isin(OPEN)]
    every = pd.concat([kept[~kept["item_id"].isin(fresh["item_id"])], fresh]).sort_values("item_id")
    records = json.loads(every.to_json(orient="records", force_ascii=False, date_format="iso"))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"items": records}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    part.replace(path)
    return path


def load_issued(path: Path) -> pd.DataFrame:
    """The items that went out (已发出的事项), a frame of table ``work_list``; empty where none did. Raises :class:`WorkListError` for a damaged file."""
    if not path.is_file():
        return empty("work_list")
    try:
        frame = pd.DataFrame(json.loads(path.read_text(encoding="utf-8"))["items"], columns=TABLES["work_list"].names)
        frame["deadline_date"] = pd.to_datetime(frame["deadline_date"])
        return conform(frame, "work_list")
    except (ValueError, KeyError, TypeError) as error:
        raise WorkListError(
            f"worklist/{path.name} is damaged (已发出的整改清单已损坏), so returned corrections cannot be set against it. "
            "Put the file back from a copy, or issue the list again with: linwu-stats worklist"
        ) from error


# ---- what became of an item ----------------------------------------------------------------------------------------------


def _found(item: dict[str, Any], before: dict[str, Any] | None, answer: dict[str, Any], entered: bool, quarter: str) -> dict[str, Any]:
    """A thing that is wrong now."""
    row = item | {"last_quarter": quarter, "answer": answer.get("answer"), "note": None, "first_quarter": quarter, "quarters_open": 1, "status": "new"}
    if before is not None:
        row |= {"first_quarter": before["first_quarter"], "quarters_open": _next(before), "status": "open"}
        row["note"] = "not_entered" if entered else "came_back" if before["status"] in ("mended", "gone") else before["note"]
    same = before is not None and before["status"] == "verified" and before["current"] == item["current"]
    if item["gravity"] == "warning" and (same or answer.get("reason_code") == "closed"):
        row |= {"status": "verified", "answer": row["answer"] or "verified"}
    return row


def _not_found(
    row: dict[str, Any], tables: Mapping[str, pd.DataFrame], values: Values, answer: dict[str, Any], entered: dict[str, Any] | None, quarter: str, *,
    issued: bool, looked: _Looked,
) -> dict[str, Any] | None:
    """A thing that was known and is not found now: mended only where it was looked at."""
    out = row | {"answer": answer.get("answer") or row["answer"], "quarters_open": row["quarters_open"] if issued else _next(row)}
    if entered is not None and values.text(entered["name"], entered["subject_id"]) == entered["before"]:
        return out | {"status": "open", "note": "not_entered", "last_quarter": quarter, "current": values.json(row["fields"], row["subject_id"])}
    if row["status"] not in OPEN:
        return None
    fields = (row["fields"] or "").split()
    if fields and all(name.partition(".")[0] in QUARTERLY for name in fields) and row["last_quarter"] != quarter:
        return out | {"status": "open", "gravity": _gravity_now(row, tables)}
    if _is_gone(row, values):
        return out | {"status": "gone"}
    if row["kind"] == "review" and answer.get("reason_code") != "applied":
        return out | {"status": "open" if values.json(row["fields"], row["subject_id"]) == row["current"] else "mended"}
    return out | {"status": "mended" if _was_looked_at(row, tables, fields, values, looked) else "unchecked"}


def _gravity_now(row: dict[str, Any], tables: Mapping[str, pd.DataFrame]) -> str:
    """A gap of an earlier quarter changes the verdict only as long as the household's income is unknown for it."""
    exits = tables.get("household_exit")
    if row["gravity"] != "verdict" or exits is None:
        return row["gravity"]
    return "verdict" if (exits.loc[exits["household_id"] == row["household_id"], "income_outcome"] == "unknown").any() else "error"


def _is_gone(row: dict[str, Any], values: Values) -> bool:
    if row["person_id"]:
        return not values.exists("persons", row["person_id"])
    return bool(row["household_id"]) and not values.exists("households", row["household_id"])


class _Looked(NamedTuple):
    """What was looked at this quarter: (check, subject) left unknown; for each check whether one of its columns was absent; kinds of ledgers read, if known."""

    unknown: set[tuple[str, str]]
    absent: dict[str, bool]
    kinds: set[str] | None


def _looked_at(tables: Mapping[str, pd.DataFrame], files: pd.DataFrame | None) -> _Looked:
    results, counts = tables["check_results"], tables["check_counts"]
    unknown = results[results["outcome"] == "unknown"]
    absent = counts["absent"].notna().groupby(counts["check_key"]).any()
    kinds = None if files is None else set(files.loc[files["outcome"] != "reject", "kind"])
    pairs = set(zip(unknown["check_key"], unknown["subject_id"], strict=True))
    return _Looked(pairs, {str(key): bool(value) for key, value in absent.items()}, kinds)


def _was_looked_at(
    row: dict[str, Any], tables: Mapping[str, pd.DataFrame], fields: list[str], values: Values, looked: _Looked,
) -> bool:
    if row["kind"] == "check":
        return not looked.absent.get(row["code"], True) and (row["code"], row["subject_id"]) not in looked.unknown
    if row["kind"] == "flag":
        counts = tables.get("department_counts")
        given = None if counts is None else counts.loc[counts["flag_key"] == row["code"], "list_given"]
        return given is not None and len(given) > 0 and bool(given.all())
    if row["kind"] == "difference":
        source = tables.get("source_differences")
        return source is not None and len(source) > 0
    if row["ledger"] and looked.kinds is not None and row["ledger"] not in looked.kinds:
        return False
    # a finding of a cell is mended when the cell is there again and holds something
    return all(values.has(name, values.place(name.partition(".")[0], row["subject_id"], row["household_id"])) for name in fields)


def _next(row: dict[str, Any]) -> int:
    return int(row["quarters_open"]) + 1


def _by_item(frame: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    if frame is None or frame.empty:
        return {}
    plain = frame.astype(object).where(frame.notna(), None)
    return {row["item_id"]: row for row in plain.to_dict("records")}


def _corrections_by_item(frame: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """The accepted answer to each item; of several the latest."""
    if frame is None or frame.empty:
        return {}
    good = frame[frame["accepted"] & (frame["reason_code"] != "repeated")].sort_values(["when", "correction_id"])
    return {row["item_id"]: {"answer": row["answer"], "reason_code": row["reason_code"]} for row in good.to_dict("records")}


def _entered(frame: pd.DataFrame | None) -> dict[str, dict[str, Any]]:
    """Values that were corrected last quarter and should stand in this quarter's ledger by now."""
    if frame is None or frame.empty:
        return {}
    good = frame[(frame["reason_code"] == "applied") & ~frame["table"].isin(QUARTERLY)]
    plain = good.astype(object).where(good.notna(), None)
    return {
        row["item_id"]: {"name": f"{row['table']}.{row['column']}", "subject_id": row["subject_id"], "before": row["before"]}
        for row in plain.to_dict("records")
    }


def _ordered(table: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    table = table.drop_duplicates("item_id")
    rank = {"gravity": {name: place for place, name in enumerate(GRAVITIES)}, "status": {"new": 0, "open": 0, "unchecked": 0}}
    days = {
        "verdict": rules.value("review.deadline_days.verdict"), "error": rules.value("review.deadline_days.error"),
        "warning": rules.value("review.deadline_days.warning"),
    }
    ends = [_last_day(first) + dt.timedelta(days=days[gravity]) for first, gravity in zip(table["first_quarter"], table["gravity"], strict=True)]
    table = table.assign(deadline_date=pd.to_datetime(pd.Series(ends, index=table.index)))
    table = table.assign(_closed=table["status"].map(rank["status"]).fillna(1), _rank=table["gravity"].map(rank["gravity"]), _age=-table["quarters_open"])
    keys = ["_closed", "_rank", "_age", "township_code", "village_code", "household_id", "code", "item_id"]
    table = table.sort_values(keys, na_position="last", kind="stable")
    return conform(table.assign(order=range(1, len(table) + 1)), "work_list")


def _last_day(quarter: str) -> dt.date:
    year, month = int(quarter[:4]), int(quarter[5]) * 3
    return dt.date(year, month, calendar.monthrange(year, month)[1])
