"""What a rule's value must look like by its unit (取值格式): units of each family of keys, fields of each unit, numbers, shares, signs.

What a value must say beyond its fields is in :mod:`linwu_stats.rules.families`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from linwu_stats import RefusedError

__all__ = ["CLASSES", "SIGNS", "UNITS", "LawError", "check_value", "choice", "fields", "fraction", "number", "true_or_false"]

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
CLASSES = ("wage", "business", "property", "transfer", "cost")
KINDS = ("year", "rolling")


class LawError(RefusedError):
    """The law cannot be read with certainty (规则有误); the message names the file, the key and what to mend."""


def check_value(unit: str, value: Any, where: str) -> None:
    """Refuse a value that does not have the shape of its unit (取值格式检查)."""
    if unit.startswith("yuan_per_") or unit == "fen":
        amount = number(value, where, whole_fen=unit.startswith("yuan_per_"), whole=unit == "fen")
        if unit == "yuan_per_person_year" and not amount:
            raise LawError(f"{where}: a poverty line of 0 has nobody below it (标准不能为零); leave the year out where no line is known")
    elif unit in SHAPES:
        if not isinstance(value, dict):
            raise LawError(f"{where}: the value must have fields, not {value!r} (取值格式不符)")
        fields(value, SHAPES[unit][0], SHAPES[unit][0] | SHAPES[unit][1], where)
        _check_fields(unit, value, where)
    elif unit == "days":
        number(value, where, whole=True)
    elif unit == "review_share":
        if not 0.5 <= number(value, where) < 1:
            raise LawError(f"{where}: a level of confidence is from 0.5 to below 1, not {value!r} (置信水平有误)")
    elif unit == "name" and not (isinstance(value, str) and value.strip()):
        raise LawError(f"{where}: a name is expected, not {value!r} (应为名称)")


def _check_fields(unit: str, value: dict[str, Any], where: str) -> None:
    if unit == "item":
        if value["class"] not in CLASSES:
            raise LawError(f"{where}: class must be one of {', '.join(CLASSES)}, not {value['class']!r} (收入类别有误)")
        if value["sign"] != (-1 if value["class"] == "cost" else 1) or isinstance(value["sign"], bool):
            raise LawError(f"{where}: the sign of class {value['class']} must be {-1 if value['class'] == 'cost' else 1} (符号有误)")
        true_or_false(value["counted"], where)
    if unit == "period_rule" and (value["kind"] not in KINDS or not 1 <= value.get("start_month", 1) <= 12 or value.get("start_month", 1) % 3 != 1):
        raise LawError(f"{where}: kind must be year (with start_month 1, 4, 7 or 10) or rolling (核算期有误)")
    if unit == "headcount_rule":
        true_or_false(value["requires_resident"], where)
    for name, part in value.items():
        if (name == "sign" and unit == "criterion") or name.endswith("_sign"):
            if part not in SIGNS:
                raise LawError(f"{where}: {name} must be one of {' '.join(SIGNS)}, not {part!r} (比较符号有误)")
        elif name.endswith("share") or name.endswith("share_min"):
            if not 0 <= number(part, where) <= 1:
                raise LawError(f"{where}: {name} is a share from 0 to 1, not {part!r} (比例应在 0 与 1 之间)")
        elif name in ("yuan", "litres_min", "fetch_minutes_max", "days_in_year", "exits_persons", "villages", "age_from", "age_to"):
            number(part, where)


def fields(given: dict[str, Any], needed: set[str], known: set[str], where: str) -> None:
    """Refuse fields that are missing or not known (字段检查)."""
    if missing := sorted(needed - set(given)):
        raise LawError(f"{where}: missing {', '.join(missing)} (缺少字段)")
    if strange := sorted(str(name) for name in set(given) - known):
        raise LawError(f"{where}: unknown field {', '.join(strange)}; known are {', '.join(sorted(known))} (未知字段)")


def choice(value: dict[str, Any], field: str, known: tuple[str, ...], where: str) -> None:
    """Refuse a word that is not one of the known (选项检查)."""
    if value[field] not in known:
        raise LawError(f"{where}: {field} must be {' or '.join(known)}, not {value[field]!r} (选项有误)")


def fraction(value: Any, where: str) -> Fraction:
    """An exact fraction, written as such (分数)."""
    try:
        return Fraction(str(value))
    except (ValueError, ZeroDivisionError) as error:
        raise LawError(f"{where}: a fraction such as '1/4' is expected, not {value!r} (应为分数)") from error


def true_or_false(value: Any, where: str) -> None:
    """Refuse what is neither true nor false (是否检查)."""
    if not isinstance(value, bool):
        raise LawError(f"{where}: true or false is expected, not {value!r} (应为 true 或 false)")


def number(value: Any, where: str, *, whole_fen: bool = False, whole: bool = False) -> Decimal:
    """A number of zero or more (数字); perhaps without parts of a fen, or whole."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise LawError(f"{where}: a number is expected, not {value!r} (应为数字)")
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise LawError(f"{where}: a number is expected, not {value!r} (应为数字)") from error
    if not found.is_finite() or found < 0:
        raise LawError(f"{where}: {value!r} is not a number of zero or more (数字有误)")
    if (whole_fen and found * 100 % 1) or (whole and found % 1):
        raise LawError(f"{where}: {value!r} has parts smaller than a fen (不足一分)")
    return found
