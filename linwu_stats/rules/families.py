"""What the value of each family of rules must say (各类规则的内容): a misspelt word that would silently change a figure is refused.

Each check takes the key, the value with the fields of its unit, and words for where it stands; raises :class:`~linwu_stats.rules.shapes.LawError`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from linwu_stats.rules.shapes import CLASSES, LawError, choice, fields, fraction, number, true_or_false
from linwu_stats.tables import CODES, TABLES

__all__ = ["check_family"]

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
#: Units whose rules must say exactly what stands here under their key.
MUST_SAY: dict[str, dict[str, set[str]]] = {
    "review_rule": REVIEW, "quality_rule": QUALITY, "estimate_rule": ESTIMATE, "disclosure_rule": DISCLOSURE, "lookback_rule": LOOKBACK, "mpi_rule": MPI,
    "stability_rule": STABILITY,
}


def check_family(key: str, unit: str, value: Any, where: str) -> None:
    """Check a value by the family of its unit, and by the choices of its key (检查取值)."""
    if unit in MUST_SAY:
        needed = MUST_SAY[unit].get(key, set())
        fields(value, needed, needed, where)
    if check := _CHECKS.get(unit):
        check(key, value, where)
    choices = CHOICES.get(key)
    if choices and value not in choices:
        raise LawError(f"{where}: choose one of {', '.join(choices)}, not {value!r} (选项有误)")


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
            true_or_false(part, where)
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
    for field, part in value.items():
        if field in REVIEW_CHOICES:
            choice(value, field, REVIEW_CHOICES[field], where)
        if field in ("households", "township_minimum") and number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be 1 or more (应为正整数)")
        if field == "answers" and (not isinstance(part, dict) or sorted(map(str, part.values())) != sorted(CODES["correction_answer"])):
            raise LawError(f"{where}: answers must give a word for each of {', '.join(CODES['correction_answer'])} (答复选项不全)")
        if field in ("fields", "fixers") and not (isinstance(part, list) and part and all(isinstance(one, str) and one for one in part)):
            raise LawError(f"{where}: {field} must be a list of words, not {part!r} (应为列表)")
        for one in part if field == "fields" else ():
            table, _, column = one.partition(".")
            if table not in TABLES or column not in TABLES[table].names:
                raise LawError(f"{where}: there is no column {one} (没有这一列)")


def _check_source(key: str, value: dict[str, Any], where: str) -> None:
    for field, part in value.items():
        if field in SOURCE_CHOICES:
            choice(value, field, SOURCE_CHOICES[field], where)
        if field in ("tried", "personal"):
            true_or_false(part, where)
        if field in ("tolerance", "similar_name_score") and number(part, where, whole=True) < 0:
            raise LawError(f"{where}: {field} must not be negative (不应为负)")
        if field == "links" and (not isinstance(part, list) or not part or not set(map(str, part)) <= set(SOURCE_LINKS)):
            raise LawError(f"{where}: links must be a list of {', '.join(SOURCE_LINKS)} (匹配办法有误)")
        table, _, column = part.partition(".") if field == "column" else ("", "", "")
        if field == "column" and (table not in TABLES or (column not in TABLES[table].names and part not in ("persons.name", "persons.id_number"))):
            raise LawError(f"{where}: there is no column {part} (没有这一列)")


def _check_quality(key: str, value: dict[str, Any], where: str) -> None:
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
    for field, part in value.items():
        if field == "indicators":
            if not isinstance(part, list) or not part or not all(isinstance(one, str) and one for one in part):
                raise LawError(f"{where}: indicators must be a list of names of indicators, not {part!r} (应为指标名称)")
        elif field == "mask":
            if part != "surname_two_stars":
                raise LawError(f"{where}: mask must be surname_two_stars, not {part!r} (姓名写法有误)")
        elif field == "dominant_share":
            if not 0 < number(part, where) <= 1:
                raise LawError(f"{where}: dominant_share must be more than 0 and at most 1, not {part!r} (比重有误)")
        elif number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be a whole number of 1 or more, not {part!r} (应为正整数)")


def _check_mpi(key: str, value: dict[str, Any], where: str) -> None:
    columns = {column.name for column in TABLES["household_exit"].columns if column.codes in ("outcome", "income_outcome")}
    weights: dict[str, Fraction] = {}
    if "cutoff" in value and not 0 < fraction(value["cutoff"], where) <= 1:
        raise LawError(f"{where}: the cutoff must be above 0 and at most 1, such as '1/3', not {value['cutoff']!r} (临界值有误)")
    for one in value.get("dimensions", ()):
        if not isinstance(one, dict) or set(one) != {"name", "term", "indicators"} or not isinstance(one["indicators"], dict) or not one["indicators"]:
            raise LawError(f"{where}: each dimension has a name, a term and its indicators with their weights, not {one!r} (维度格式不符)")
        if strange := sorted((set(map(str, one["indicators"])) - columns) | (set(one["indicators"]) & set(weights))):
            raise LawError(f"{where}: {', '.join(strange)} is given twice, or is no test of household_exit; those are {', '.join(sorted(columns))} (指标有误)")
        weights |= {name: fraction(weight, where) for name, weight in one["indicators"].items()}
    if "dimensions" in value and (not weights or min(weights.values()) <= 0 or sum(weights.values()) != 1):
        raise LawError(f"{where}: the weights must be above 0 and add up to 1, written as fractions; they add up to {sum(weights.values())} (权重合计不为一)")


def _check_estimate(key: str, value: dict[str, Any], where: str) -> None:
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
            if number(part, where, whole=True) < 1 or (field == "draws" and part < 100):
                raise LawError(f"{where}: {field} must be a whole number of 1 or more, draws 100 or more (应为正整数)")
        elif number(part, where) <= 0 or (field == "ratio_cap" and part < 1):
            raise LawError(f"{where}: {field} must be more than 0, ratio_cap 1 or more (应大于零)")


def _check_lookback(key: str, value: dict[str, Any], where: str) -> None:
    for field, part in value.items():
        if field in LOOKBACK_CHOICES:
            choice(value, field, LOOKBACK_CHOICES[field], where)
        if field == "sign" and part not in WAYS[key]:
            raise LawError(f"{where}: sign must be {' or '.join(WAYS[key])}, not {part!r} (比较符号有误)")
        if field.endswith("share") and not 0 <= number(part, where) < 1:
            raise LawError(f"{where}: {field} is a share from 0 to below 1, not {part!r} (比例有误)")
        if field == "level_share" and part < 0.5:
            raise LawError(f"{where}: a level of confidence is 0.5 or more, not {part!r} (置信水平有误)")
        if field in ("events_min", "villages_min", "simulations", "villages", "exited", "off_register") and number(part, where, whole=True) < 1:
            raise LawError(f"{where}: {field} must be 1 or more (应为正整数)")
        if field in ("registered", "reserves", "seed"):
            number(part, where, whole=True)
        if field == "off_household_persons" and not number(part, where) > 0:
            raise LawError(f"{where}: {field} must be more than 0 (应大于零)")


def _check_stability(key: str, value: dict[str, Any], where: str) -> None:
    if "multiple" in value and not number(value["multiple"], where) >= 1:
        raise LawError(f"{where}: multiple must be 1 or more, not {value['multiple']!r} (倍数有误)")
    risks = value.get("risks", ["below_line"])
    if not isinstance(risks, list) or not risks or not set(map(str, risks)) <= set(STABILITY_RISKS):
        raise LawError(f"{where}: risks must be a list of {', '.join(STABILITY_RISKS)}, not {risks!r} (风险情形有误)")
    if value.get("sign", "<") not in BELOW:
        raise LawError(f"{where}: sign must be {' or '.join(BELOW)}, not {value['sign']!r} (比较符号有误)")
    _check_shares(value, where)


def _check_cost(key: str, value: dict[str, Any], where: str) -> None:
    choice(value, "kind", tuple(CODES["cost_kind"]), where)
    choice(value, "per", tuple(STABILITY_COSTS), where)
    fields(value, {"per", "kind"} | STABILITY_COSTS[value["per"]], {"per", "kind"} | STABILITY_COSTS[value["per"]], where)
    if "grades" in value and (not isinstance(value["grades"], dict) or not value["grades"] or not set(value["grades"]) <= set(CODES["housing_grade"])):
        raise LawError(f"{where}: grades must give yuan for grades of houses, {', '.join(CODES['housing_grade'])} (等级有误)")
    for part in (value.get("yuan", 0), *value.get("grades", {}).values()):
        number(part, where, whole_fen=True)


def _check_shock(key: str, value: dict[str, Any], where: str) -> None:
    for field, known in STABILITY_CHOICES.items():
        choice(value, field, known, where)
    choice(value, "per", ("household", "person"), where)
    number(value["cost_yuan"], where, whole_fen=True)
    if not isinstance(value["takes"], dict) or not all(str(name).startswith("item.") for name in value["takes"]):
        raise LawError(f"{where}: takes must give a share for each item or beginning of a key of items, not {value['takes']!r} (收入项目有误)")
    _check_shares(value, where)


def _check_shares(value: dict[str, Any], where: str) -> None:
    for name, part in [(name, part) for name, part in value.items() if name.endswith("share")] + list(value.get("takes", {}).items()):
        if not 0 <= number(part, where) <= 1:
            raise LawError(f"{where}: {name} is a share from 0 to 1, not {part!r} (比例应在 0 与 1 之间)")


def _check_seasons(seasons: Any, where: str) -> None:
    if not isinstance(seasons, dict) or not set(CLASSES) <= set(seasons):
        raise LawError(f"{where}: seasons must have the five classes {', '.join(CLASSES)} (缺少类别)")
    for name, shares in seasons.items():
        if name not in CLASSES and not str(name).startswith("item."):
            raise LawError(f"{where}: seasons are of a class or an item, not {name!r} (未知的项目)")
        if not isinstance(shares, list) or len(shares) != 4 or sum(number(part, where) for part in shares) != 100:
            raise LawError(f"{where}: {name} needs four shares in percent that add up to 100, of the fourth, first, second and third quarter (季节比重有误)")


_CHECKS = {
    **dict.fromkeys(("criterion", "headcount_rule", "period_rule"), _check_criterion),
    **dict.fromkeys(("source_field", "source_presence", "source_match"), _check_source),
    "review_rule": _check_review, "quality_rule": _check_quality, "estimate_rule": _check_estimate, "disclosure_rule": _check_disclosure,
    "lookback_rule": _check_lookback, "mpi_rule": _check_mpi,
    "stability_rule": _check_stability, "stability_cost": _check_cost, "stability_shock": _check_shock,
}
