"""The doubts that departments' lists can raise, read from the law and proved before use (部门比对规则): rules ``flag.*`` of ``law/department_flags.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from linwu_stats import RefusedError
from linwu_stats.ledgers.check_language import CheckError, Name, compile_condition, names_of
from linwu_stats.ledgers.vocabulary import vocabulary
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, TABLES

__all__ = ["DERIVED", "LISTS", "REGISTER", "DepartmentError", "Flag", "list_fields", "load_flags", "names_for", "terms_of"]

#: The lists, with their official name: each is the kind ``list_<name>`` of ``headings.yaml``.
LISTS = ("payroll", "vehicles", "property", "business", "pension", "deaths", "disability", "enrolment", "medical", "allowance")
FIXERS = ("村", "乡镇", "统计局", "公安", "人社", "民政", "教育", "医保", "住建", "残联", "市场监管", "扶贫办")
#: What a condition may look at of the register: column -> table. ``age``: completed years on the day of the comparison.
REGISTER = dict.fromkeys((
    "relation", "sex", "education", "schooling_stage", "health", "labour", "work_place", "work_months", "change", "resident", "soldier", "on_allowance",
    "disability_certificate",
), "persons") | dict.fromkeys(
    ("poverty_status", "exit_year", "attribute", "standard", "cause", "recorded_size_persons", "cooperative"), "households",
) | {"basic_insurance": "insurance", "school_state": "schooling"}
#: What is worked out of a list: name -> column that it comes from.
DERIVED = {"years_since_report": "last_report_year"}
_KINDS = {"money": "number", "decimal": "number", "count": "number", "year": "number", "size": "number", "date": "date", "bool": "bool"}
_TABLE_KINDS = {"string": "text", "int": "number", "float": "number", "bool": "bool", "date": "date"}
_WORDS = ("includes", "excludes", "counts", "counts_not")
_COMMON = ("name", "id_number", "address", "township", "village", "birth_date", "sex")


class DepartmentError(RefusedError):
    """A rule of the department comparison cannot be used (部门比对规则有误); the message names the key, what is wrong and what to do."""


@dataclass(frozen=True)
class Flag:
    """One doubt (疑点): which list, in which direction, about whom, under which condition, and who verifies what."""

    key: str
    title: str
    list: str
    direction: str
    subject: str
    severity: str
    fixer: str
    advice: str
    when: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    includes: Mapping[str, list[str]] = field(default_factory=dict)
    excludes: Mapping[str, list[str]] = field(default_factory=dict)
    counts: Mapping[str, list[str]] = field(default_factory=dict)
    counts_not: Mapping[str, list[str]] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()


def load_flags(rules: Rules) -> tuple[Flag, ...]:
    """The doubts in force (有效的疑点规则), rules ``flag.*``, in key order. Raises :class:`DepartmentError` for one that is not certain."""
    return tuple(_flag(rule.key, rule.term, rule.value) for rule in rules.under("flag.") if rule.key != "flag.terms")


def terms_of(rules: Rules) -> frozenset[str]:
    """Words of a list that may be shown as evidence (可以照抄的常用词), rule ``flag.terms``; any other text may hold somebody's name."""
    return frozenset(rules["flag.terms"].value["terms"]) if "flag.terms" in rules else frozenset()


def list_fields(name: str) -> tuple[str, ...]:
    """Fields of a list beside name, number and place (名册字段), from its kind in ``headings.yaml``."""
    return tuple(one for one in vocabulary().kinds[f"list_{name}"]["any"] if one not in _COMMON)


def names_for(flag: Flag) -> dict[str, Name]:
    """What the condition of a flag may name: columns of the working frame."""
    names = {"age": Name("register__age", "number")}
    for name, table in REGISTER.items():
        column = TABLES[table][name]
        names[name] = Name(f"register__{name}", _TABLE_KINDS[column.dtype], column.codes)
    if flag.direction == "missing":
        return names
    for name in list_fields(flag.list):
        known = vocabulary().fields[name]
        names[name] = Name(f"list__{name}", _KINDS.get(known.type, "text"), known.codes)
        if known.type == "date":
            names[f"{name}_years"] = Name(f"list__{name}_years", "number")
    for name, source in DERIVED.items():
        if source in list_fields(flag.list):
            names[name] = Name(f"list__{name}", "number")
    return names


def _flag(key: str, term: str, value: Mapping[str, Any]) -> Flag:
    known = set(Flag.__dataclass_fields__) - {"key", "title"}
    if strange := sorted(set(value) - known):
        raise DepartmentError(f"{key}: unknown field {', '.join(strange)}; known are {', '.join(sorted(known))} (未知字段)")
    choices = {
        "list": LISTS, "direction": tuple(CODES["flag_direction"]), "subject": ("person", "household"), "severity": tuple(CODES["flag_severity"]),
        "fixer": FIXERS,
    }
    for name, allowed in choices.items():
        if value.get(name) not in allowed:
            raise DepartmentError(f"{key}: {name} must be one of {', '.join(allowed)}, not {value.get(name)!r} (取值有误)")
    if not str(value.get("advice") or "").strip():
        raise DepartmentError(f"{key}: advice must say what to look at (缺少核实要点)")
    flag = Flag(key, term, **{name: tuple(part) if name == "evidence" else part for name, part in value.items()})
    _prove_words(flag)
    _prove_condition(flag)
    return flag


def _prove_words(flag: Flag) -> None:
    fields = list_fields(flag.list)
    for kind in _WORDS:
        for name, words in getattr(flag, kind).items():
            if name not in fields or vocabulary().fields[name].type not in ("text", "code"):
                raise DepartmentError(f"{flag.key}: {kind}: the list {flag.list} has no text column {name!r} (名册没有这一列): {', '.join(fields)}")
            if not isinstance(words, list) or not words or not all(isinstance(word, str) and word.strip() for word in words):
                raise DepartmentError(f"{flag.key}: {kind}: {name} needs a list of words, not {words!r} (应为词语列表)")
    if strange := sorted(set(flag.evidence) - set(fields)):
        raise DepartmentError(f"{flag.key}: evidence: the list {flag.list} has no column {', '.join(strange)} (名册没有这一列)")
    wrong = ("includes", "excludes", "evidence") if flag.direction == "missing" else ("counts", "counts_not")
    for kind in wrong:
        if getattr(flag, kind):
            raise DepartmentError(f"{flag.key}: {kind} cannot be used where the direction is {flag.direction} (方向与条件不符)")
    if flag.direction == "missing" and not flag.when:
        raise DepartmentError(f"{flag.key}: 'when' must say what the register states (缺少登记条件)")


def _prove_condition(flag: Flag) -> None:
    if not isinstance(flag.parameters, Mapping):
        raise DepartmentError(f"{flag.key}: parameters must be names with values (参数格式有误)")
    if not flag.when:
        if flag.parameters:
            raise DepartmentError(f"{flag.key}: parameters without a condition (参数没有用到)")
        return
    names = names_for(flag)
    try:
        used = names_of(flag.when, flag.key)
        if unused := sorted(set(flag.parameters) - used):
            raise DepartmentError(f"{flag.key}: {', '.join(unused)} is given and not used (参数没有用到)")
        if twice := sorted(set(flag.parameters) & set(names)):
            raise DepartmentError(f"{flag.key}: {', '.join(twice)} is a column and a parameter (名称重复)")
        compile_condition(flag.when, names, flag.parameters, where=flag.key)
    except CheckError as error:
        raise DepartmentError(str(error)) from error
