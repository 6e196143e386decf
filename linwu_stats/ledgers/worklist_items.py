"""What is to be mended now (待整改事项): findings of reading, failed checks, differences between sources, departments' doubts, and what the review found."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from linwu_stats.ledgers.checks import Check
from linwu_stats.ledgers.entries import CORRECTABLE, heading_of, is_correctable, shown, text_of
from linwu_stats.ledgers.vocabulary import plain_heading, vocabulary
from linwu_stats.rules import Rules
from linwu_stats.tables import TABLES

__all__ = ["QUARTERLY", "Values", "items_now"]

#: Ledgers of one quarter's own amounts: the next quarter's say nothing about them.
QUARTERLY = ("income_items", "income_sheet")
#: The conditions of an exit that a ledger table decides: columns of ``household_exit``.
_CONDITIONS = {
    "income_items": ("income_outcome",), "income_sheet": ("income_outcome",), "housing": ("housing",), "water": ("water",), "living": ("food", "clothing"),
    "schooling": ("education",), "insurance": ("medical",),
}
_DECIDES_INCOME = ("persons.change", "persons.resident")
#: Figures that the ledger only repeats: the income is reckoned without them.
_DECIDES_NOTHING = ("income_sheet.net_fen", "income_sheet.percapita_fen", "income_sheet.recorded_size_persons", "income_items.recorded_price_fen")


class Values:
    """Look-up of ledger values by ``table.column`` and subject (查台账值), each table indexed once."""

    def __init__(self, tables: Mapping[str, pd.DataFrame], quarter: str):
        self._tables, self._quarter = tables, quarter
        self._indexed: dict[str, pd.DataFrame] = {}

    def key(self, table: str) -> str:
        """The column that names a row of ``table``."""
        return next(name for name in TABLES[table].key if name != "quarter")

    def has(self, name: str, subject: str | None) -> bool:
        """Whether the ledger holds a value there."""
        return self.text(name, subject) is not None

    def text(self, name: str, subject: str | None) -> str | None:
        """The value as text, None where unknown or where there is no such row."""
        table, _, column = name.partition(".")
        frame = self._frame(table)
        if subject is None or subject not in frame.index:
            return None
        return text_of(name, frame.at[subject, column])

    def json(self, fields: str | None, subject: str | None) -> str:
        """The values of several columns, separated by a space, as JSON."""
        return json.dumps({name: self.text(name, subject) for name in (fields or "").split()}, ensure_ascii=False, sort_keys=True)

    def line(self, household: str, row: int) -> tuple[str, str] | None:
        """The line of the income ledger in a row of its file, and its item; None where two files have such a row for the household."""
        frame = self._frame("income_items")
        if "_lines" not in self._indexed:
            self._indexed["_lines"] = frame.assign(_row=frame.index.str.rpartition(":").get_level_values(2)).reset_index().groupby(["household_id", "_row"])
        lines = self._indexed["_lines"].groups.get((household, str(row)), ())
        if len(lines) != 1:
            return None
        return str(frame.index[lines[0]]), str(frame["item_key"].iloc[lines[0]])

    def exists(self, table: str, subject: str) -> bool:
        """Whether ``table`` has a row of this subject."""
        return subject in self._frame(table).index

    def place(self, table: str, subject: str, household: str | None) -> str:
        """The subject as it is called now: a line of the income ledger keeps its row and household when files beside its own come or go."""
        if table != "income_items":
            return subject
        frame = self._frame(table)
        if subject in frame.index and frame.at[subject, "household_id"] == household:
            return subject
        line = self.line(str(household), int(subject.rpartition(":")[2]))
        return subject if line is None else line[0]

    def _frame(self, table: str) -> pd.DataFrame:
        if table not in self._indexed:
            frame = self._tables[table]
            frame = frame[frame["quarter"] == self._quarter] if "quarter" in frame.columns else frame
            self._indexed[table] = frame.set_index(self.key(table))
        return self._indexed[table]


def items_now(
    tables: Mapping[str, pd.DataFrame], rules: Rules, quarter: str, *, checks: Sequence[Check], files: pd.DataFrame | None, settled: pd.DataFrame | None,
) -> dict[str, dict[str, Any]]:
    """Everything to mend now by its item_id (本季待整改事项); see :func:`linwu_stats.ledgers.worklist.work_list` for the arguments."""
    values = Values(tables, quarter)
    county = f"{rules.value('area.county')['code']}000"
    places = {row.household_id: (row.township_code, row.village_code) for row in tables["households"].itertuples()}
    unknown = _unknown_conditions(tables.get("household_exit"))
    near = set(rules.value("review.township_fixers")["fixers"])
    items: dict[str, dict[str, Any]] = {}
    sources = (
        _from_findings(tables["findings"], values, rules, files), _from_checks(tables["check_results"], values, checks),
        _from_comparison(tables.get("source_differences"), "difference"), _from_comparison(tables.get("department_flags"), "flag"),
        _from_review(settled, values),
    )
    for item in (one for source in sources for one in source):
        identity = item.pop("identity")
        # a letter in front, since a spreadsheet takes digits, and digits with an e among them, for a number
        name = "w" + hashlib.sha256(json.dumps([item["kind"], item["code"], *identity], ensure_ascii=False).encode("utf-8")).hexdigest()[:16]
        if name in items:
            items[name]["_times"] += 1
            continue
        township, village = places.get(item["household_id"], (item.get("township_code"), item.get("village_code")))
        item |= {"item_id": name, "_times": 1, "township_code": township or county, "village_code": village, "owner": item["owner"] or "乡镇"}
        severe = item.pop("severity")
        item["gravity"] = "verdict" if item.pop("changes_verdict", False) or _decides(item, values, unknown) else severe
        item["office"] = "township" if item["owner"] in near and item["township_code"] != county else "county"
        item.setdefault("current", values.json(item["fields"], item["subject_id"]))
        items[name] = item
    for item in items.values():
        times = item.pop("_times")
        item["what"] = item["what"] if times == 1 else f"{item['what']}（同类共{times}处）"
    return items


def _item(
    kind: str, code: str, severity: str, owner: Any, subject: Any, household: Any, person: Any, heading: str, what: str, **more: Any,
) -> dict[str, Any]:
    fields = " ".join(more.pop("fields", ()))
    known = {"subject_id": _none(subject), "household_id": _none(household), "person_id": _none(person)}
    said = {"heading": heading, "what": what, "fields": fields or None}
    return {"kind": kind, "code": code, "severity": severity, "owner": _none(owner), **known, **said, **more}


def _from_findings(findings: pd.DataFrame, values: Values, rules: Rules, files: pd.DataFrame | None) -> Iterator[dict[str, Any]]:
    kinds = {} if files is None else dict(zip(files["path"], files["kind"], strict=True))
    wanted = findings[findings["severity"].isin(["error", "warning"]) & findings["outcome"].isin(["flag", "reject"])]
    for row in wanted.itertuples():
        household, heading = _none(row.household_id), _none(row.column) or ""
        kind = kinds.get(str(row.file), "")
        name = _column_of(heading, kind)
        subject, part = household or vocabulary().kinds.get(kind, {}).get("title") or _none(row.file), ""
        table = name.partition(".")[0]
        if table == "income_items" and household:
            line = None if pd.isna(row.row) else values.line(household, int(row.row))
            name, (subject, part) = (name, line) if line else ("", (subject, ""))
            heading = f"{heading}：{rules[part].value['heading']}" if part in rules else heading
        elif table in ("persons", "schooling", "insurance", "villages"):
            name = ""  # the finding names a row of a file, and no table keeps which person or village stood there
        fields = (name,) if name and household and is_correctable(name) else ()
        about = household or subject
        what = f"{row.message}（见 {row.file}）" if row.file in kinds else row.message
        yield _item("finding", row.code, row.severity, row.fixer, subject, household, None, heading, what, fields=fields, ledger=kind or None,
                    identity=(about, fields[0] if fields else heading, part))


def _column_of(heading: str, kind: str) -> str:
    """``table.column`` of a heading in a ledger of a kind, or nothing."""
    words, text = vocabulary(), plain_heading(heading)
    bare = re.sub(r"\([^()]*\)$", "", text)
    field = next((known[one] for one in (text, bare) for known in (words.official, words.synonyms) if one in known), "")
    if kind == "persons":
        recorded = f"recorded_{field}"
        for table, column in (("households", field), ("households", recorded), ("persons", field)):
            if column in TABLES[table].names:
                return f"{table}.{column}"
        return ""
    return f"{kind}.{field}" if kind in CORRECTABLE and field in TABLES[kind].names else ""


def _from_checks(results: pd.DataFrame, values: Values, checks: Sequence[Check]) -> Iterator[dict[str, Any]]:
    by_key = {check.key: check for check in checks}
    for row in results[results["outcome"] == "fail"].itertuples():
        check = by_key.get(row.check_key)
        pairs = [] if check is None else [f"{source}.{column}" for source, names in check.columns.items() for _, column in names]
        fields = tuple(name for name in pairs if is_correctable(name) and values.key(name.partition(".")[0]) == f"{row.subject}_{_ends[row.subject]}")
        headings = "、".join(dict.fromkeys(heading_of(name).partition("(")[0] for name in pairs if _is_declared(name)))
        yield _item("check", row.check_key, row.severity, row.fixer, row.subject_id, row.household_id, row.person_id, headings,
                    row.check_key if check is None else check.title, fields=fields, identity=(row.subject_id, " ".join(fields)),
                    township_code=_none(row.township_code), village_code=_none(row.village_code))


_ends = {"household": "id", "person": "id", "village": "code"}


def _is_declared(name: str) -> bool:
    table, _, column = name.partition(".")
    return table in CORRECTABLE and column in TABLES[table].names


def _from_comparison(frame: pd.DataFrame | None, kind: str) -> Iterator[dict[str, Any]]:
    """Rows of ``source_differences`` or ``department_flags``; columns that are absent are taken as unknown."""
    if frame is None or frame.empty:
        return
    for row in frame.to_dict("records"):
        if _none(row.get("outcome")) not in (None, "differ", "fail", "flag", "only_one", "doubt"):
            continue
        code = str(_none(row.get("flag_key")) or _none(row.get("rule_key")) or kind)
        household, person = _none(row.get("household_id")), _none(row.get("person_id"))
        column, subject = str(_none(row.get("field")) or ""), person or household
        name = column if "." in column else next((f"{table}.{column}" for table in CORRECTABLE if column in TABLES[table].names), "")
        fits = bool(name) and is_correctable(name) and ("person_id" in TABLES[name.partition(".")[0]].key) == bool(person)
        severity = "error" if _none(row.get("severity")) == "error" else "warning"  # a department's doubt is never more than that
        yield _item(
            kind, code, severity, _none(row.get("fixer")) or _none(row.get("owner")), subject, household, person,
            str(_none(row.get("heading")) or _none(row.get("title")) or column), _difference_words(row, name, kind), fields=(name,) if fits else (),
            identity=(subject or _none(row.get("difference_id")) or _none(row.get("flag_id")), column),
            changes_verdict=bool(_none(row.get("changes_verdict"))),
            township_code=_none(row.get("township_code")), village_code=_none(row.get("village_code")),
        )


def _difference_words(row: dict[str, Any], name: str, kind: str) -> str:
    said = _none(row.get("what")) or _none(row.get("message"))
    if said:
        return str(said)
    if kind == "flag":
        parts = [f"部门比对疑点：{_none(row.get('title')) or _none(row.get('flag_key')) or ''}，待核实", _none(row.get("evidence")), _none(row.get("advice"))]
        return "；".join(str(part) for part in parts if part)
    words = {"household_file_value": "一户一档", "file_value": "一户一档", "booklet_value": "扶贫手册", "system_value": "系统"}
    parts = [f"{title}为{_shown(name, _none(row[column]))}" for column, title in words.items() if column in row]
    return f"三方不一致：{'，'.join(parts)}" if parts else "三方台账不一致"


def _shown(name: str, value: Any) -> str:
    try:
        return shown(name, None if value is None else str(value)) if name else str(value)
    except (KeyError, ArithmeticError, ValueError):
        return str(value)


def _from_review(settled: pd.DataFrame | None, values: Values) -> Iterator[dict[str, Any]]:
    for row in () if settled is None else settled.itertuples():
        person = row.subject_id if row.subject_id != row.household_id else None
        about = (row.subject_id, row.household_id, person, heading_of(row.field))
        if row.outcome == "disputed":
            yield _item("review", "reviewers_differ", "warning", "统计局", *about, f"双人复核不一致：{row.first}；{row.second}，待裁定",
                        identity=(row.subject_id, row.field))
        elif row.outcome == "settled" and row.agreed != values.text(row.field, row.subject_id):
            yield _item("review", "ledger_differs", "error", "乡镇", *about, f"双人复核核定为{shown(row.field, row.agreed)}，台账不是",
                        fields=(row.field,), identity=(row.subject_id, row.field))


def _unknown_conditions(exits: pd.DataFrame | None) -> set[tuple[str, str]]:
    """Household and condition of each exit condition that is unknown."""
    if exits is None or exits.empty:
        return set()
    columns = sorted({column for several in _CONDITIONS.values() for column in several})
    long = exits[["household_id", *columns]].melt("household_id", var_name="condition", value_name="outcome")
    long = long[long["outcome"] == "unknown"]
    return set(zip(long["household_id"], long["condition"], strict=True))


def _decides(item: dict[str, Any], values: Values, unknown: set[tuple[str, str]]) -> bool:
    """Whether a condition of the household's exit is unknown and this item's ledger, which decides it, holds nothing here: mending it changes the verdict."""
    if item["kind"] not in ("finding", "check") or item["household_id"] is None:
        return False
    for name in (item["fields"] or "").split():
        conditions = ("income_outcome",) if name in _DECIDES_INCOME else _CONDITIONS.get(name.partition(".")[0], ())
        blank = name not in _DECIDES_NOTHING and values.text(name, item["subject_id"]) is None
        if blank and any((item["household_id"], condition) in unknown for condition in conditions):
            return True
    return False


def _none(value: Any) -> Any:
    return None if value is None or pd.isna(value) or value == "" else value
