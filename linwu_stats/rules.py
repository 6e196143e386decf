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
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from linwu_stats import RefusedError
from linwu_stats.tables import CODES, TABLES

__all__ = ["LAW_FOLDER", "LawError", "Rule", "Rules", "law_digest", "read_entries", "rules_at"]

LAW_FOLDER = Path(__file__).parent / "law"

#: Files of the packaged law that hold dated rules. Other YAML files of the folder are vocabularies of the reader.
RULE_FILES = ("poverty_lines.yaml", "income_items.yaml", "headcount.yaml", "accounting_periods.yaml", "exit_criteria.yaml", "areas.yaml", "review.yaml",
              "department_flags.yaml", "quality.yaml", "estimates.yaml", "reconciliation.yaml", "indicators.yaml", "lookback.yaml", "disclosure.yaml",
              "stability.yaml")

#: What a value under a key prefix may be measured in, and what shape it must have; the longest prefix decides.
UNITS: dict[str, tuple[str, ...]] = {
    "line.": ("yuan_per_person_year",),
    "line.basis": ("choice",),
    "item.": ("item",),
    "price.": ("yuan_per_kg", "yuan_per_head", "yuan_per_piece", "yuan_per_litre"),
    "headcount.": ("headcount_rule",),
    "headcount.rule": ("choice",),
    "period.": ("period_rule",),
    "period.rule": ("choice",),
    "income.": ("choice",),
    "income.sheet_tolerance": ("fen",),
    "exit.": ("criterion",),
    "indicator.": ("choice",),
    "indicator.mpi.": ("mpi_rule",),
    "indicator.change.": ("indicator_rule",),
    "township.": ("name",),
    "area.": ("area",),
    "flag.": ("department_flag",),
    "flag.terms": ("department_terms",),
    "reconcile.field.": ("source_field",),
    "reconcile.presence": ("source_presence",),
    "reconcile.match": ("source_match",),
    "review.": ("review_rule", "review_share", "days"),
    "quality.": ("quality_rule",),
    "estimate.": ("estimate_rule",),
    "lookback.": ("lookback_rule", "choice"),
    "disclosure.": ("disclosure_rule",),
    "stability.": ("stability_rule",),
    "stability.shock.": ("stability_shock",),
    "stability.cost.": ("stability_cost",),
}

ENTRY_FIELDS = {"key", "term", "unit", "note", "values"}
VALUE_FIELDS = {"from", "to", "value", "status", "document", "clause", "note"}
STATUSES = ("confirmed", "to_confirm")
SIGNS = (">", ">=", "<", "<=")

#: Fields that the value of a rule of each unit must have and may have.
SHAPES: dict[str, tuple[set[str], set[str]]] = {
    "item": ({"class", "sign", "counted", "why", "heading"}, {"aliases", "in_kind_price", "unit_of_quantity", "part_of", "code"}),
    "headcount_rule": ({"requires_resident", "leaves"}, set()),
    "period_rule": ({"kind"}, {"start_month", "months"}),
    "criterion": (
        set(),
        {
            "sign", "margin_share", "needs", "age_from", "age_to", "accepted", "basic", "needs_serious_illness", "exceptions", "safe", "dangerous",
            "mended_by", "litres_min", "litres_sign", "fetch_minutes_max", "fetch_sign", "supply_share_min", "supply_sign", "days_in_year",
            "needs_quality", "share", "denominator", "yuan", "exits_persons", "villages",
        },
    ),
    "area": ({"code", "name"}, {"province", "city"}),
    "department_flag": (
        {"list", "direction", "subject", "severity", "fixer", "advice"},
        {"when", "parameters", "includes", "excludes", "counts", "counts_not", "evidence"},
    ),
    "department_terms": ({"terms"}, set()),
    "quality_rule": (set(), {"cells", "ages", "codes", "checks", "flags"}),
    "source_field": ({"level", "column", "tolerance", "winner", "fixer", "tried", "personal"}, set()),
    "source_presence": ({"winner", "fixer"}, set()),
    "source_match": ({"links", "similar_name_score"}, set()),
    "estimate_rule": (set(), {
        "methods", "cells_min", "persistence_share", "ratio_cap", "level_share", "checks_min", "floor_share", "assumed_share", "draws", "seed", "seasons",
        "recency_share", "rate_quarter", "rate_spread_share",
    }),
    "disclosure_rule": (set(), {
        "minimum_households", "minimum_persons", "width", "minimum_denominator", "dominant_households", "dominant_share", "indicators", "days", "mask",
    }),
    "stability_rule": (set(), {"multiple", "sign", "risks", "risk_share", "fall_share", "scale_share", "growth_share"}),
    "stability_shock": ({"takes", "part", "cost_yuan", "needs", "per", "chance_share"}, set()),
    "stability_cost": ({"per", "kind"}, {"yuan", "grades"}),
    "lookback_rule": (set(), {
        "sign", "share", "counts", "denominator", "exits", "level_share", "correlation_share", "events_min", "villages_min", "true_share",
        "true_unrecognised_share", "power_share", "simulations", "seed", "villages", "exited", "registered", "off_register", "reserves", "size",
        "off_household_persons",
    }),
    "mpi_rule": (set(), {"dimensions", "cutoff"}),
    "indicator_rule": ({"median_share"}, set()),
    "review_rule": (set(), {"households", "township_minimum", "allocation", "method", "fields", "answers", "fixers"}),
}
#: What each rule of the double review must say, and the words that its choices may be.
REVIEW = {
    "review.sample": {"households", "township_minimum", "allocation", "method"}, "review.fields": {"fields"}, "review.answers": {"answers"},
    "review.township_fixers": {"fixers"},
}
#: What the rules of the comparison of sources may choose from.
SOURCE_CHOICES = {"level": ("household", "person"), "winner": ("system", "booklet", "household_file", "two_of_three")}
SOURCE_LINKS = ("id_number", "household_name", "village_pinyin_birth", "household_birth")
#: What each rule of the part-year estimate must say.
ESTIMATE = {
    "estimate.methods": {"methods"}, "estimate.shrinkage": {"cells_min", "persistence_share", "ratio_cap", "level_share", "recency_share"},
    "estimate.rates": {"rate_quarter", "rate_spread_share"},
    "estimate.interval": {"checks_min", "floor_share", "assumed_share"}, "estimate.simulation": {"draws", "seed"}, "estimate.seasons": {"seasons"},
}
#: What each rule of multidimensional poverty must say.
MPI = {"indicator.mpi.weights": {"dimensions"}, "indicator.mpi.cutoff": {"cutoff"}}
#: What each rule of the quality of the ledgers must say.
QUALITY = {
    "quality.complete.cells": {"cells", "ages"}, "quality.accurate.blank_codes": {"codes"}, "quality.timely.other_quarter": {"codes"},
    "quality.timely.exit_year": {"checks"}, "quality.timely.repeated": {"cells"}, "quality.timely.flags": {"flags"},
}
#: What each rule of publication must say.
DISCLOSURE = {
    "disclosure.cells": {"minimum_households", "minimum_persons", "width"}, "disclosure.indicators": {"indicators"}, "disclosure.notice": {"days", "mask"},
    "disclosure.rates": {"minimum_denominator", "dominant_households", "dominant_share"},
}
#: What the rules of who may fall back must say, and the words that their choices may be.
STABILITY = {"stability.monitoring": {"multiple", "sign", "risks", "risk_share", "fall_share", "scale_share"}, "stability.outlook": {"growth_share"}}
STABILITY_RISKS = ("below_line", "likely_below", "hangs_on_class", "hangs_on_item", "hangs_on_worker", "hangs_on_transfer")
STABILITY_CHOICES = {"part": ("all", "one_worker"), "needs": ("has_such_income", "members")}
STABILITY_COSTS = {"not_costed": set(), "household": {"yuan"}, "uninsured_member": {"yuan"}, "housing_grade": {"grades"}}
#: What each rule of the look-back must say, and the words that its choices may be.
_LOOKBACK_BAR = {"sign", "share"}
LOOKBACK = {
    "lookback.missed.bar": _LOOKBACK_BAR, "lookback.wrong.bar": _LOOKBACK_BAR, "lookback.recognition.bar": _LOOKBACK_BAR,
    "lookback.incidence.bar": _LOOKBACK_BAR, "lookback.missed.sampled_villages": {"counts", "denominator"},
    "lookback.missed.surveyed": {"counts", "denominator"}, "lookback.wrong.surveyed": {"counts", "denominator"},
    "lookback.recognition.surveyed": {"counts", "denominator"}, "lookback.incidence.ever": {"exits"}, "lookback.incidence.plan_year": {"exits"},
    "lookback.incidence.agricultural": {"denominator"}, "lookback.incidence.rural_total": {"denominator"}, "lookback.confidence": {"level_share"},
    "lookback.clustering": {"correlation_share", "events_min", "villages_min"},
    "lookback.plan": {"true_share", "true_unrecognised_share", "power_share", "simulations", "seed"},
    "lookback.sample": {"villages", "exited", "registered", "off_register", "reserves", "size", "off_household_persons"},
}
LOOKBACK_CHOICES = {
    "counts": ("persons", "households"), "exits": ("ever", "plan_year"), "size": ("rural_population_persons", "register_households"),
    "denominator": (
        "off_register_persons_of_sampled_villages", "off_register_persons_surveyed", "exited_persons_surveyed", "households_surveyed",
        "rural_population_persons", "resident_population_persons",
    ),
}
REVIEW_CHOICES = {"allocation": ("proportional", "equal"), "method": ("systematic", "simple")}
CHOICES = {"line.basis": ("nbs", "central_work", "province_work"), "income.source": ("items", "sheet"), "indicator.poor_sign": ("<", "<="),
           "lookback.missed.denominator": ("surveyed", "sampled_villages"), "lookback.incidence.exits": ("ever", "plan_year"),
           "lookback.incidence.population": ("agricultural", "rural_total")}
#: Fields that each criterion must have; what is left out would be read as nothing required. The year of a task is not part of its rule's name here.
CRITERIA = {
    "exit.household.income": {"sign", "margin_share"}, "exit.household.food": {"needs"}, "exit.household.clothing": {"needs"},
    "exit.household.education": {"age_from", "age_to", "accepted"}, "exit.household.medical": {"basic", "needs_serious_illness", "exceptions"},
    "exit.household.housing": {"safe", "dangerous", "mended_by"},
    "exit.household.water": {
        "litres_min", "litres_sign", "fetch_minutes_max", "fetch_sign", "supply_share_min", "supply_sign", "days_in_year", "needs_quality",
    },
    "exit.village.incidence": {"sign", "share", "denominator"}, "exit.village.collective_income": {"sign", "yuan"}, "exit.village.infrastructure": {"needs"},
    "exit.county.incidence": {"sign", "share", "denominator"}, "exit.county.target_": {"exits_persons", "share", "sign", "villages", "denominator"},
}
#: Which way a boundary must point, and the codes that a list may hold.
ABOVE, BELOW = (">", ">="), ("<", "<=")
WAYS = {
    "exit.household.income": ABOVE, "exit.village.collective_income": ABOVE, "litres_sign": ABOVE, "supply_sign": ABOVE, "fetch_sign": BELOW,
    "lookback.missed.bar": BELOW, "lookback.wrong.bar": BELOW, "lookback.incidence.bar": BELOW, "lookback.recognition.bar": ABOVE,
    "exit.village.incidence": BELOW, "exit.county.incidence": BELOW, "exit.county.target_": BELOW,
}
CODE_LISTS = {
    "accepted": "school_state", "basic": "basic_insurance", "exceptions": "insurance_exception", "safe": "housing_grade", "dangerous": "housing_grade",
    "mended_by": "housing_measure", "leaves": "change",
}
DENOMINATORS = ("rural_population_persons", "resident_population_persons")
#: Keys that a county may add; every other key of its own must replace a packaged one.
MAY_BE_ADDED = ("item.", "price.", "township.", "exit.county.target_", "flag.", "stability.shock.")
CLASSES = ("wage", "business", "property", "transfer", "cost")
KINDS = ("year", "rolling")


class LawError(RefusedError):
    """The law cannot be read with certainty (规则有误); the message names the file, the key and what to mend."""


class _StrictLoader(yaml.SafeLoader):
    """YAML that refuses a mapping key given twice, which plain YAML silently takes the last of."""


def _mapping(loader: yaml.SafeLoader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=deep)
        if key in seen:
            raise LawError(f"line {key_node.start_mark.line + 1}: the field {key!r} is given twice (字段重复)")
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


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
    _fields(entry, {"key", "term", "unit", "values"}, ENTRY_FIELDS, where)
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
    _fields(value, {"from", "value", "status", "document"}, VALUE_FIELDS, where)
    start, end = value["from"], value.get("to")
    if not _is_day(start) or (end is not None and (not _is_day(end) or end < start)):
        raise LawError(f"{where}: from and to must be days, to not before from: {start!r}, {end!r} (有效期有误)")
    if value["status"] not in STATUSES:
        raise LawError(f"{where}: status must be {' or '.join(STATUSES)}, not {value['status']!r} (状态有误)")
    if not str(value["document"] or "").strip():
        raise LawError(f"{where}: the document that the value comes from is missing (缺少依据)")
    _check_value(entry["unit"], value["value"], where)
    if entry["unit"] in ("criterion", "headcount_rule", "period_rule"):
        _check_criterion(entry["key"], value["value"], where)
    if entry["unit"] == "review_rule":
        _check_review(entry["key"], value["value"], where)
    if entry["unit"] == "quality_rule":
        _check_quality(entry["key"], value["value"], where)
    if entry["unit"] == "estimate_rule":
        _check_estimate(entry["key"], value["value"], where)
    if entry["unit"] == "disclosure_rule":
        _check_disclosure(entry["key"], value["value"], where)
    if entry["unit"].startswith("stability_"):
        _check_stability(entry["key"], entry["unit"], value["value"], where)
    if entry["unit"] == "lookback_rule":
        _check_lookback(entry["key"], value["value"], where)
    if entry["unit"] == "mpi_rule":
        _check_mpi(entry["key"], value["value"], where)
    if entry["unit"] in ("source_field", "source_presence", "source_match"):
        _check_source(value["value"], where)
    choices = CHOICES.get(entry["key"])
    if choices and value["value"] not in choices:
        raise LawError(f"{where}: choose one of {', '.join(choices)}, not {value['value']!r} (选项有误)")
    return Rule(
        key=entry["key"], term=str(entry["term"]), unit=entry["unit"], value=value["value"], from_date=start, to_date=end, status=value["status"],
        document=str(value["document"]), clause=str(value.get("clause") or ""), note=str(value.get("note") or entry.get("note") or ""), origin=origin,
    )


def _is_day(value: Any) -> bool:
    return isinstance(value, dt.date) and not isinstance(value, dt.datetime)


def _fields(given: dict[str, Any], needed: set[str], known: set[str], where: str) -> None:
    if missing := sorted(needed - set(given)):
        raise LawError(f"{where}: missing {', '.join(missing)} (缺少字段)")
    if strange := sorted(str(name) for name in set(given) - known):
        raise LawError(f"{where}: unknown field {', '.join(strange)}; known are {', '.join(sorted(known))} (未知字段)")


def _check_value(unit: str, value: Any, where: str) -> None:
    if unit.startswith("yuan_per_") or unit == "fen":
        number = _number(value, where, whole_fen=unit.startswith("yuan_per_"), whole=unit == "fen")
        if unit == "yuan_per_person_year" and not number:
            raise LawError(f"{where}: a poverty line of 0 has nobody below it (标准不能为零); leave the year out where no line is known")
    elif unit in SHAPES:
        if not isinstance(value, dict):
            raise LawError(f"{where}: the value must have fields, not {value!r} (取值格式不符)")
        _fields(value, SHAPES[unit][0], SHAPES[unit][0] | SHAPES[unit][1], where)
        _check_fields(unit, value, where)
    elif unit == "days":
        _number(value, where, whole=True)
    elif unit == "review_share":
        if not 0.5 <= _number(value, where) < 1:
            raise LawError(f"{where}: a level of confidence is from 0.5 to below 1, not {value!r} (置信水平有误)")
    elif unit == "name" and not (isinstance(value, str) and value.strip()):
        raise LawError(f"{where}: a name is expected, not {value!r} (应为名称)")


def _check_fields(unit: str, value: dict[str, Any], where: str) -> None:
    if unit == "item":
        if value["class"] not in CLASSES:
            raise LawError(f"{where}: class must be one of {', '.join(CLASSES)}, not {value['class']!r} (收入类别有误)")
        if value["sign"] != (-1 if value["class"] == "cost" else 1) or isinstance(value["sign"], bool):
            raise LawError(f"{where}: the sign of class {value['class']} must be {-1 if value['class'] == 'cost' else 1} (符号有误)")
        _true_or_false(value["counted"], where)
    if unit == "period_rule" and (value["kind"] not in KINDS or not 1 <= value.get("start_month", 1) <= 12 or value.get("start_month", 1) % 3 != 1):
        raise LawError(f"{where}: kind must be year (with start_month 1, 4, 7 or 10) or rolling (核算期有误)")
    if unit == "headcount_rule":
        _true_or_false(value["requires_resident"], where)
    for name, part in value.items():
        if (name == "sign" and unit == "criterion") or name.endswith("_sign"):
            if part not in SIGNS:
                raise LawError(f"{where}: {name} must be one of {' '.join(SIGNS)}, not {part!r} (比较符号有误)")
        elif name.endswith("share") or name.endswith("share_min"):
            number = _number(part, where)
            if not 0 <= number <= 1:
                raise LawError(f"{where}: {name} is a share from 0 to 1, not {part!r} (比例应在 0 与 1 之间)")
        elif name in ("yuan", "litres_min", "fetch_minutes_max", "days_in_year", "exits_persons", "villages", "age_from", "age_to"):
            _number(part, where)


def _check_criterion(key: str, value: dict[str, Any], where: str) -> None:
    """What a misspelt criterion would silently change: fields, lists of codes, the way a boundary points, the order of ages."""
    name = next((known for known in CRITERIA if key == known or (known.endswith("_") and key.startswith(known))), key)
    if missing := sorted(CRITERIA.get(name, set()) - set(value)):
        raise LawError(f"{where}: missing {', '.join(missing)} (缺少字段)")
    for field, part in value.items():
        if field in CODE_LISTS or (field == "needs" and key == "exit.village.infrastructure"):
            known = set(CODES[CODE_LISTS[field]]) if field in CODE_LISTS else {c.name for c in TABLES["villages"].columns if c.dtype == "bool"}
            empty = not part and field not in ("leaves", "exceptions", "mended_by")
            if not isinstance(part, list) or empty or not set(map(str, part)) <= known:
                raise LawError(f"{where}: {field} must be a list of {', '.join(sorted(known))}, not {part!r} (应为代码列表)")
        elif field in ("needs", "needs_serious_illness", "needs_quality"):
            _true_or_false(part, where)
        way = WAYS.get(name if field == "sign" else field)
        if way and part not in way:
            raise LawError(f"{where}: {field} must be {' or '.join(way)}, not {part!r} (比较符号有误)")
    if value.get("denominator", DENOMINATORS[0]) not in DENOMINATORS:
        raise LawError(f"{where}: denominator must be {' or '.join(DENOMINATORS)} (分母有误)")
    if "age_from" in value and not value["age_from"] <= value["age_to"]:
        raise LawError(f"{where}: age_from {value['age_from']} is after age_to {value['age_to']} (年龄次序有误)")
    if value.get("kind") == "year" and "start_month" not in value:
        raise LawError(f"{where}: a year needs its start_month (缺少字段)")
    if value.get("kind") == "rolling" and value.get("months", 12) != 12:
        raise LawError(f"{where}: a rolling period is of 12 months, since it is set against a yearly line (核算期有误)")


def _check_review(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, REVIEW.get(key, set()), REVIEW.get(key, set()), where)
    for field, part in value.items():
        if field in REVIEW_CHOICES and part not in REVIEW_CHOICES[field]:
            raise LawError(f"{where}: {field} must be {' or '.join(REVIEW_CHOICES[field])}, not {part!r} (选项有误)")
        if field in ("households", "township_minimum") and _number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be 1 or more (应为正整数)")
        if field == "answers" and (not isinstance(part, dict) or sorted(map(str, part.values())) != sorted(CODES["correction_answer"])):
            raise LawError(f"{where}: answers must give a word for each of {', '.join(CODES['correction_answer'])} (答复选项不全)")
        if field in ("fields", "fixers") and not (isinstance(part, list) and part and all(isinstance(one, str) and one for one in part)):
            raise LawError(f"{where}: {field} must be a list of words, not {part!r} (应为列表)")
        for one in part if field == "fields" else ():
            table, _, column = one.partition(".")
            if table not in TABLES or column not in TABLES[table].names:
                raise LawError(f"{where}: there is no column {one} (没有这一列)")


def _check_source(value: dict[str, Any], where: str) -> None:
    for field, part in value.items():
        if field in SOURCE_CHOICES and part not in SOURCE_CHOICES[field]:
            raise LawError(f"{where}: {field} must be {' or '.join(SOURCE_CHOICES[field])}, not {part!r} (选项有误)")
        if field in ("tried", "personal"):
            _true_or_false(part, where)
        if field in ("tolerance", "similar_name_score") and _number(part, where, whole=True) < 0:
            raise LawError(f"{where}: {field} must not be negative (不应为负)")
        if field == "links" and (not isinstance(part, list) or not part or not set(map(str, part)) <= set(SOURCE_LINKS)):
            raise LawError(f"{where}: links must be a list of {', '.join(SOURCE_LINKS)} (匹配办法有误)")
        table, _, column = part.partition(".") if field == "column" else ("", "", "")
        if field == "column" and (table not in TABLES or (column not in TABLES[table].names and part not in ("persons.name", "persons.id_number"))):
            raise LawError(f"{where}: there is no column {part} (没有这一列)")


def _check_quality(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, QUALITY.get(key, set()), QUALITY.get(key, set()), where)
    for field, part in value.items():
        if not part or not isinstance(part, dict if field == "ages" else list) or not all(isinstance(one, str) and one for one in part):
            raise LawError(f"{where}: {field} must be a {'table of ages' if field == 'ages' else 'list of words'}, not {part!r} (格式不符)")
        for one in part if field in ("cells", "ages") else ():
            table, _, column = one.partition(".")
            if table not in TABLES or column not in TABLES[table].names:
                raise LawError(f"{where}: there is no column {one} (没有这一列)")
        for one in part.values() if field == "ages" else ():
            if not (isinstance(one, list) and len(one) == 2 and all(type(age) is int for age in one) and one[0] <= one[1]):
                raise LawError(f"{where}: ages are two whole years, the first not after the last, not {one!r} (年龄次序有误)")


def _check_disclosure(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, DISCLOSURE.get(key, set()), DISCLOSURE.get(key, set()), where)
    for field, part in value.items():
        if field == "indicators":
            if not isinstance(part, list) or not part or not all(isinstance(one, str) and one for one in part):
                raise LawError(f"{where}: indicators must be a list of names of indicators, not {part!r} (应为指标名称)")
        elif field == "mask":
            if part != "surname_two_stars":
                raise LawError(f"{where}: mask must be surname_two_stars, not {part!r} (姓名写法有误)")
        elif field == "dominant_share":
            if not 0 < _number(part, where) <= 1:
                raise LawError(f"{where}: dominant_share must be more than 0 and at most 1, not {part!r} (比重有误)")
        elif _number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be a whole number of 1 or more, not {part!r} (应为正整数)")


def _check_mpi(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, MPI.get(key, set()), MPI.get(key, set()), where)
    columns = {column.name for column in TABLES["household_exit"].columns if column.codes in ("outcome", "income_outcome")}
    weights: dict[str, Fraction] = {}
    if "cutoff" in value and not 0 < _fraction(value["cutoff"], where) <= 1:
        raise LawError(f"{where}: the cutoff must be above 0 and at most 1, such as '1/3', not {value['cutoff']!r} (临界值有误)")
    for one in value.get("dimensions", ()):
        if not isinstance(one, dict) or set(one) != {"name", "term", "indicators"} or not isinstance(one["indicators"], dict) or not one["indicators"]:
            raise LawError(f"{where}: each dimension has a name, a term and its indicators with their weights, not {one!r} (维度格式不符)")
        if strange := sorted((set(map(str, one["indicators"])) - columns) | (set(one["indicators"]) & set(weights))):
            raise LawError(f"{where}: {', '.join(strange)} is given twice, or is no test of household_exit; those are {', '.join(sorted(columns))} (指标有误)")
        weights |= {name: _fraction(weight, where) for name, weight in one["indicators"].items()}
    if "dimensions" in value and (not weights or min(weights.values()) <= 0 or sum(weights.values()) != 1):
        raise LawError(f"{where}: the weights must be above 0 and add up to 1, written as fractions; they add up to {sum(weights.values())} (权重合计不为一)")


def _fraction(value: Any, where: str) -> Fraction:
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise LawError(f"{where}: a fraction such as '1/4' is expected, not {value!r} (应为分数)") from error


def _check_estimate(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, ESTIMATE.get(key, set()), ESTIMATE.get(key, set()), where)
    for field, part in value.items():
        if field == "methods":
            known = set(CODES["estimate_method"])
            if not isinstance(part, list) or "model" not in part or not set(map(str, part)) <= known or len(set(map(str, part))) < len(part):
                raise LawError(f"{where}: methods must be a list of {', '.join(CODES['estimate_method'])}, model among them (测算方法有误)")
        elif field == "seasons":
            _check_seasons(part, where)
        elif field == "rate_quarter":
            if part not in ("Q1", "Q2", "Q3", "Q4"):
                raise LawError(f"{where}: rate_quarter must be Q1, Q2, Q3 or Q4, not {part!r} (季度有误)")
        elif field in ("cells_min", "checks_min", "draws", "seed"):
            if _number(part, where, whole=True) < 1 or (field == "draws" and part < 100):
                raise LawError(f"{where}: {field} must be a whole number of 1 or more, draws 100 or more (应为正整数)")
        elif _number(part, where) <= 0 or (field == "ratio_cap" and part < 1):
            raise LawError(f"{where}: {field} must be more than 0, ratio_cap 1 or more (应大于零)")


def _check_lookback(key: str, value: dict[str, Any], where: str) -> None:
    _fields(value, LOOKBACK.get(key, set()), LOOKBACK.get(key, set()), where)
    for field, part in value.items():
        if field in LOOKBACK_CHOICES and part not in LOOKBACK_CHOICES[field]:
            raise LawError(f"{where}: {field} must be {' or '.join(LOOKBACK_CHOICES[field])}, not {part!r} (选项有误)")
        if field == "sign" and part not in WAYS[key]:
            raise LawError(f"{where}: sign must be {' or '.join(WAYS[key])}, not {part!r} (比较符号有误)")
        if field.endswith("share") and not 0 <= _number(part, where) < 1:
            raise LawError(f"{where}: {field} is a share from 0 to below 1, not {part!r} (比例有误)")
        if field == "level_share" and part < 0.5:
            raise LawError(f"{where}: a level of confidence is 0.5 or more, not {part!r} (置信水平有误)")
        if field in ("events_min", "villages_min", "simulations", "villages", "exited", "off_register") and _number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be 1 or more (应为正整数)")
        if field in ("registered", "reserves", "seed"):
            _number(part, where, whole=True)
        if field == "off_household_persons" and not _number(part, where) > 0:
            raise LawError(f"{where}: {field} must be more than 0 (应大于零)")


def _check_stability(key: str, unit: str, value: dict[str, Any], where: str) -> None:
    if unit == "stability_rule":
        _fields(value, STABILITY.get(key, set()), STABILITY.get(key, set()), where)
        if "multiple" in value and not _number(value["multiple"], where) >= 1:
            raise LawError(f"{where}: multiple must be 1 or more, not {value['multiple']!r} (倍数有误)")
        risks = value.get("risks", ["below_line"])
        if not isinstance(risks, list) or not risks or not set(map(str, risks)) <= set(STABILITY_RISKS):
            raise LawError(f"{where}: risks must be a list of {', '.join(STABILITY_RISKS)}, not {risks!r} (风险情形有误)")
        if value.get("sign", "<") not in BELOW:
            raise LawError(f"{where}: sign must be {' or '.join(BELOW)}, not {value['sign']!r} (比较符号有误)")
    if unit == "stability_cost":
        _choice(value, "kind", tuple(CODES["cost_kind"]), where)
        _choice(value, "per", tuple(STABILITY_COSTS), where)
        _fields(value, {"per", "kind"} | STABILITY_COSTS[value["per"]], {"per", "kind"} | STABILITY_COSTS[value["per"]], where)
        if "grades" in value and (not isinstance(value["grades"], dict) or not value["grades"] or not set(value["grades"]) <= set(CODES["housing_grade"])):
            raise LawError(f"{where}: grades must give yuan for grades of houses, {', '.join(CODES['housing_grade'])} (等级有误)")
        for part in (value.get("yuan", 0), *value.get("grades", {}).values()):
            _number(part, where, whole_fen=True)
    if unit == "stability_shock":
        for field, known in STABILITY_CHOICES.items():
            _choice(value, field, known, where)
        _choice(value, "per", ("household", "person"), where)
        _number(value["cost_yuan"], where, whole_fen=True)
        if not isinstance(value["takes"], dict) or not all(str(name).startswith("item.") for name in value["takes"]):
            raise LawError(f"{where}: takes must give a share for each item or beginning of a key of items, not {value['takes']!r} (收入项目有误)")
    for name, part in [(name, part) for name, part in value.items() if name.endswith("share")] + list(value.get("takes", {}).items()):
        if not 0 <= _number(part, where) <= 1:
            raise LawError(f"{where}: {name} is a share from 0 to 1, not {part!r} (比例应在 0 与 1 之间)")


def _choice(value: dict[str, Any], field: str, known: tuple[str, ...], where: str) -> None:
    if value[field] not in known:
        raise LawError(f"{where}: {field} must be {' or '.join(known)}, not {value[field]!r} (选项有误)")


def _check_seasons(seasons: Any, where: str) -> None:
    if not isinstance(seasons, dict) or not set(CLASSES) <= set(seasons):
        raise LawError(f"{where}: seasons must have the five classes {', '.join(CLASSES)} (缺少类别)")
    for name, shares in seasons.items():
        if name not in CLASSES and not str(name).startswith("item."):
            raise LawError(f"{where}: seasons are of a class or an item, not {name!r} (未知的项目)")
        if not isinstance(shares, list) or len(shares) != 4 or sum(_number(part, where) for part in shares) != 100:
            raise LawError(f"{where}: {name} needs four shares in percent that add up to 100, of the fourth, first, second and third quarter (季节比重有误)")


def _true_or_false(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise LawError(f"{where}: true or false is expected, not {value!r} (应为 true 或 false)")


def _number(value: Any, where: str, *, whole_fen: bool = False, whole: bool = False) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LawError(f"{where}: a number is expected, not {value!r} (应为数字)")
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise LawError(f"{where}: a number is expected, not {value!r} (应为数字)") from error
    if not number.is_finite() or number < 0:
        raise LawError(f"{where}: {value!r} is not a number of zero or more (数字有误)")
    if (whole_fen and number * 100 % 1) or (whole and number % 1):
        raise LawError(f"{where}: {value!r} has parts smaller than a fen (不足一分)")
    return number
