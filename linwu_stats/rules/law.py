"""The law as dated data: what is in force on a day (某日有效的规则).

Rules live in ``law/*.yaml`` as a list of entries. An entry has a ``key``, a ``term`` (the official Chinese term), a ``unit`` and ``values``: one or more
dated values, each with ``from`` and perhaps ``to``, a ``value``, a ``status`` (``confirmed`` where an official text was seen, else ``to_confirm``) and its
source (``document``, ``clause``). The folder ``data/law`` of a workspace may hold files of the same shape that replace single keys.

Reading refuses what would make a figure doubtful without anybody seeing it: a gap or an overlap between the values of a key, a key given twice,
a field or key that is not known, a unit that the key may not have, a value that does not fit its unit, a day on which a key has no value.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from linwu_stats.rules.families import check_family
from linwu_stats.rules.shapes import UNITS, LawError, check_value, fields

__all__ = ["LAW_FOLDER", "RULE_FILES", "Rule", "Rules", "law_digest", "read_entries", "rules_at"]

LAW_FOLDER = Path(__file__).parents[1] / "law"

#: Files of the packaged law that hold dated rules. Other YAML files of the folder are vocabularies of the reader.
RULE_FILES = ("poverty_lines.yaml", "income_items.yaml", "headcount.yaml", "accounting_periods.yaml", "exit_criteria.yaml", "areas.yaml", "review.yaml",
              "department_flags.yaml", "quality.yaml", "estimates.yaml", "reconciliation.yaml", "indicators.yaml", "lookback.yaml", "disclosure.yaml",
              "stability.yaml")

ENTRY_FIELDS = {"key", "term", "unit", "note", "values"}
VALUE_FIELDS = {"from", "to", "value", "status", "document", "clause", "note"}
STATUSES = ("confirmed", "to_confirm")
#: Keys that a county may add; every other key of its own must replace a packaged one.
MAY_BE_ADDED = ("item.", "price.", "township.", "exit.county.target_", "flag.", "stability.shock.")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where it is there: ten times faster, the same values


class _StrictLoader(_Loader):  # type: ignore[misc]
    """YAML that refuses a mapping key given twice, which plain YAML silently takes the last of."""


def _mapping(loader: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=deep)
        if key in seen:
            raise LawError(f"line {key_node.start_mark.line + 1}: the field {key!r} is given twice (字段重复)")
        seen.add(key)
    return _Loader.construct_mapping(loader, node, deep)


_StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


@dataclass(frozen=True)
class Rule:
    """One rule as it stands on one day (规则): the thread from a sentence in a report to its source."""

    key: str
    term: str
    unit: str
    value: Any
    from_date: dt.date
    to_date: dt.date | None
    status: str
    document: str
    clause: str
    note: str
    origin: str

    @property
    def overridden(self) -> bool:
        """Whether a file of the workspace replaced the packaged rule (地方规则)."""
        return self.origin != "packaged"


class Rules(Mapping[str, Rule]):
    """The rules in force on one day (某日有效的全部规则). A mapping from key to :class:`Rule`, in key order."""

    def __init__(self, day: dt.date, history: dict[str, list[Rule]], replaced: dict[str, list[Rule]]):
        self.day = day
        self._history = history
        self._replaced = replaced
        self._now = {key: rule for key, dated in history.items() if (rule := _in_force(dated, day)) is not None}
        choices = {name: self._now[f"{name}.rule"].value for name in ("headcount", "period") if f"{name}.rule" in self._now}
        for name, choice in choices.items():
            if f"{name}.{choice}" not in self._now:
                raise LawError(f"{name}.rule chooses {choice!r}, but there is no rule {name}.{choice} on {day} (没有该规则)")
        for rule in self._now.values():
            price = rule.value.get("in_kind_price") if rule.unit == "item" else None
            if price and price not in self._now:
                raise LawError(f"{rule.key}: in_kind_price names {price}, which has no value on {day} (没有该价格)")

    def __getitem__(self, key: str) -> Rule:
        if key in self._now:
            return self._now[key]
        if key in self._history:
            spans = ", ".join(f"{rule.from_date} to {rule.to_date or 'now'}" for rule in self._history[key])
            raise KeyError(f"rule {key} has no value on {self.day}; it has values for {spans}")
        stem = key.rsplit(".", 1)[0] + "."
        near = ", ".join(other for other in self._now if other.startswith(stem)) or ", ".join(sorted({other.split(".")[0] + "." for other in self._now}))
        raise KeyError(f"there is no rule {key} (没有该规则). There are: {near}")

    def __iter__(self) -> Any:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    def value(self, key: str) -> Any:
        """The value of the rule ``key`` on this day; raises ``KeyError`` as ``rules[key]`` does."""
        return self[key].value

    def under(self, prefix: str) -> list[Rule]:
        """All rules in force whose key starts with ``prefix``, in key order."""
        return [rule for key, rule in self._now.items() if key.startswith(prefix)]

    def line(self, year: int, basis: str | None = None) -> Rule | None:
        """The poverty line of a year (某年扶贫标准): the rule of ``line.<basis>`` at the end of ``year``, or None where no value is known.

        ``basis`` is ``nbs``, ``central_work`` or ``province_work``; by default the one that the rule ``line.basis`` chooses today.
        """
        key = f"line.{basis or self.value('line.basis')}"
        if key not in self._history:
            raise KeyError(f"there is no poverty line {key} (没有该扶贫标准)")
        return _in_force(self._history[key], dt.date(year, 12, 31))

    def line_fen(self, year: int, basis: str | None = None) -> int | None:
        """The poverty line of a year in fen per person and year; None where no value is known (never zero)."""
        rule = self.line(year, basis)
        return None if rule is None else int(Decimal(str(rule.value)) * 100)

    def history(self, key: str) -> list[Rule]:
        """All dated values of one key, oldest first (历年取值)."""
        if key not in self._history:
            raise KeyError(f"there is no rule {key} (没有该规则)")
        return list(self._history[key])

    def to_confirm(self) -> list[Rule]:
        """Rules in force for which no official text was seen (待确认的规则)."""
        return [rule for rule in self._now.values() if rule.status == "to_confirm"]

    def overridden(self) -> list[Rule]:
        """Rules in force that a file of the workspace replaced (地方改写的规则)."""
        return [rule for rule in self._now.values() if rule.overridden]

    def packaged(self, key: str) -> Rule | None:
        """What the packaged law says of a key that was replaced, on this day; None where it says nothing."""
        return _in_force(self._replaced.get(key, self._history.get(key, [])), self.day)

    def frame(self, prefix: str = "") -> pd.DataFrame:
        """The rules under ``prefix`` as a table (规则表): key, term, value, unit, dates, status, source, origin."""
        columns = ["key", "term", "value", "unit", "from_date", "to_date", "status", "document", "clause", "note", "origin"]
        return pd.DataFrame([{name: getattr(rule, name) for name in columns} for rule in self.under(prefix)], columns=columns)


def rules_at(day: dt.date | str, overrides_dir: Path | str | None = None, law_dir: Path | str | None = None) -> Rules:
    """The rules in force on ``day``, with the workspace's own values in place of the packaged ones (某日有效的规则).

    ``day`` is a date or ``YYYY-MM-DD``; ``overrides_dir`` is the folder with a county's own ``*.yaml`` (often ``data/law``), which may be absent.
    Raises :class:`LawError` for anything in the law that is not certain.
    """
    if isinstance(day, str):
        try:
            day = dt.date.fromisoformat(day)
        except ValueError as error:
            raise LawError(f"the day {day!r} is not a date as YYYY-MM-DD (日期应为 2018-03-31 的形式)") from error
    history = _packaged(Path(law_dir) if law_dir else LAW_FOLDER)
    replaced: dict[str, list[Rule]] = {}
    given: dict[str, Path] = {}
    history = dict(history)
    for path in sorted(Path(overrides_dir).glob("*.yaml")) if overrides_dir else []:
        for key, dated in _read_file(path, path.name).items():
            if key in given:
                raise LawError(f"{path.name}: {key} was already replaced by {given[key].name} (同一规则改写两次)")
            if key not in history and not key.startswith(MAY_BE_ADDED):
                raise LawError(f"{path.name}: {key} replaces no packaged rule (没有这条规则); only items, prices, townships and tasks of a year may be added")
            given[key] = path
            replaced[key] = history.get(key, [])
            history[key] = _overlay(replaced[key], dated)
    rules = Rules(day, dict(sorted(history.items())), replaced)
    if not rules:
        raise LawError(f"no rule is in force on {day}; the packaged law begins on {min(dated[0].from_date for dated in history.values())} (该日无有效规则)")
    return rules


def law_digest(overrides_dir: Path | str | None = None) -> str:
    """SHA-256 over all files of the packaged law and the workspace's own, those of its ledger checks too (规则文件校验值)."""
    digest = hashlib.sha256()
    for folder in (LAW_FOLDER, overrides_dir):
        for path in sorted(Path(folder).rglob("*.yaml")) if folder else []:
            digest.update(path.relative_to(folder).as_posix().encode("utf-8") + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def _overlay(packaged: list[Rule], own: list[Rule]) -> list[Rule]:
    """A county's dated values over the packaged ones: on the days of its own values they hold, on all other days the packaged value stays."""
    pieces, day = [], dt.timedelta(days=1)
    first, last = own[0].from_date, own[-1].to_date
    for rule in packaged:
        if rule.from_date < first:
            pieces.append(replace(rule, to_date=first - day if rule.to_date is None or rule.to_date >= first else rule.to_date))
        if last is not None and (rule.to_date is None or rule.to_date > last):
            pieces.append(replace(rule, from_date=max(rule.from_date, last + day)))
    return sorted([*pieces, *own], key=lambda rule: rule.from_date)


def _in_force(dated: list[Rule], day: dt.date) -> Rule | None:
    return next((rule for rule in dated if rule.from_date <= day and (rule.to_date is None or day <= rule.to_date)), None)


def read_entries(path: Path, what: str) -> list[Any]:
    """The entries of a file of the law (读取规则文件): a list, in YAML of UTF-8 that gives no field twice.

    ``what`` is said of the list that is expected, where it is none. Raises :class:`LawError`.
    """
    try:
        entries = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=_StrictLoader)
    except LawError as error:
        raise LawError(f"{path.name}: {error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise LawError(f"{path.name} cannot be read as YAML in UTF-8 (不是有效的 UTF-8 YAML): {error}") from error
    if not isinstance(entries, list):
        raise LawError(f"{path.name}: a list of {what}")
    return entries


@lru_cache(maxsize=4)
def _packaged(folder: Path) -> dict[str, list[Rule]]:
    history: dict[str, list[Rule]] = {}
    for name in RULE_FILES:
        if not (folder / name).is_file():
            raise LawError(f"{name} is missing from {folder.name}/ (缺少规则文件)")
        for key, dated in _read_file(folder / name, "packaged").items():
            if key in history:
                raise LawError(f"{name}: {key} stands in another file too (规则重复)")
            history[key] = dated
    return history


def _read_file(path: Path, origin: str) -> dict[str, list[Rule]]:
    entries = read_entries(path, "rules is expected, each starting with '- key:' (应为规则列表)")
    history: dict[str, list[Rule]] = {}
    for position, entry in enumerate(entries, start=1):
        key, dated = _read_entry(entry, f"{path.name}, rule {position}", origin)
        if key in history:
            raise LawError(f"{path.name}: {key} is given twice (规则重复)")
        history[key] = dated
    return history


def _read_entry(entry: Any, where: str, origin: str) -> tuple[str, list[Rule]]:
    if not isinstance(entry, dict) or "key" not in entry:
        raise LawError(f"{where}: a rule needs a key (缺少 key)")
    key = entry["key"]
    where = f"{where} ({key})"
    fields(entry, {"key", "term", "unit", "values"}, ENTRY_FIELDS, where)
    units = next((UNITS[prefix] for prefix in sorted(UNITS, key=len, reverse=True) if str(key).startswith(prefix)), None)
    if units is None:
        raise LawError(f"{where}: keys start with one of {', '.join(sorted(UNITS))} (未知的规则类别)")
    if entry["unit"] not in units:
        raise LawError(f"{where}: the unit is {entry['unit']!r}, it must be {' or '.join(units)} (单位不符)")
    if not isinstance(entry["values"], list) or not entry["values"]:
        raise LawError(f"{where}: values must be a list of dated values (缺少取值)")
    dated = sorted((_read_value(entry, value, where, origin) for value in entry["values"]), key=lambda rule: rule.from_date)
    for earlier, later in itertools.pairwise(dated):
        if earlier.to_date is None or earlier.to_date >= later.from_date:
            raise LawError(f"{where}: the values from {earlier.from_date} and from {later.from_date} overlap (有效期重叠)")
        if earlier.to_date + dt.timedelta(days=1) != later.from_date:
            raise LawError(f"{where}: no value between {earlier.to_date} and {later.from_date} (有效期中断)")
    return key, dated


def _read_value(entry: dict[str, Any], value: Any, where: str, origin: str) -> Rule:
    if not isinstance(value, dict):
        raise LawError(f"{where}: each value needs the fields from, value, status, document (取值格式不符)")
    fields(value, {"from", "value", "status", "document"}, VALUE_FIELDS, where)
    start, end = value["from"], value.get("to")
    if not _is_day(start) or (end is not None and (not _is_day(end) or end < start)):
        raise LawError(f"{where}: from and to must be days, to not before from: {start!r}, {end!r} (有效期有误)")
    if value["status"] not in STATUSES:
        raise LawError(f"{where}: status must be {' or '.join(STATUSES)}, not {value['status']!r} (状态有误)")
    if not str(value["document"] or "").strip():
        raise LawError(f"{where}: the document that the value comes from is missing (缺少依据)")
    check_value(entry["unit"], value["value"], where)
    check_family(entry["key"], entry["unit"], value["value"], where)
    return Rule(
        key=entry["key"], term=str(entry["term"]), unit=entry["unit"], value=value["value"], from_date=start, to_date=end, status=value["status"],
        document=str(value["document"]), clause=str(value.get("clause") or ""), note=str(value.get("note") or entry.get("note") or ""), origin=origin,
    )


def _is_day(value: Any) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
