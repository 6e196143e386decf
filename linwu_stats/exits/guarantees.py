"""The six guarantees of a household's exit (两不愁、三保障、饮水安全), each from its own ledger.

Each function takes the households (narwhals frame with ``household_id``), its ledgers and its rule and gives one row per household: household_id, rule_key,
outcome, reason_code, evidence. A failing value is not_met whatever else is unknown; a missing row or a blank that could decide is unknown.
Source: 厅字〔2016〕16号; tests of education, medical care, housing and water as in reference texts named by each rule.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw

from linwu_stats.exits.compare import all_three, count, exact, first_true, one, passes, sum_by_household, true
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import CODES, require

__all__ = ["REASONS", "check_education", "check_housing", "check_living", "check_medical", "check_water"]

#: Reason codes of the guarantees with the words that a report shows.
REASONS = {
    "checked_ok": "入户核查达标",
    "checked_failed": "入户核查不达标",
    "not_required": "规则不作要求",
    "no_row": "台账无此户",
    "blank": "台账该栏空白",
    "no_members": "没有可检验的家庭成员",
    "no_children": "没有适龄儿童",
    "all_in_school": "适龄儿童均有义务教育保障",
    "out_of_school": "有适龄儿童失学辍学，或就学状态不在认可之列",
    "schooling_missing": "有适龄儿童在义务教育台账中没有记录或空白",
    "birth_unknown": "有成员出生日期未知或有误，不能判定是否适龄",
    "all_insured": "计算成员均有医疗保障",
    "uninsured": "有成员未参加基本医保",
    "double_insured": "有成员重复参保",
    "basic_not_accepted": "有成员的基本医保不在认可之列",
    "no_serious_illness": "有成员没有大病保险",
    "insurance_unknown": "有成员在医保台账中没有记录或空白",
    "member_unknown": "有成员是否计入人口未知，其医保未达标或未知",
    "grade_safe": "住房等级安全",
    "dangerous_mended": "危房已改造或搬迁，竣工入住",
    "dangerous_not_mended": "危房未改造",
    "mending_unfinished": "危房改造未竣工入住",
    "mending_unknown": "危房改造方式或是否竣工未知",
    "not_graded": "住房未评定等级",
    "grade_not_in_rule": "住房等级不在规则之列",
    "water_ok": "水量、取水、供水、水质均达标",
    "water_litres": "水量不足",
    "water_fetch": "取水时间过长",
    "water_supply": "供水保证率不足",
    "water_quality": "水质不达标",
    "water_unknown": "有饮水指标空白",
}

_UNKNOWN = nw.lit("未知")


def check_living(base: Any, living: Any, rule: Rule, column: str) -> Any:
    """Food or clothing (不愁吃、不愁穿) from ``living``: the column ``food_ok`` or ``clothing_ok``; rules exit.household.food, exit.household.clothing."""
    require(living, "living", "household_id", column)
    checked, needed = nw.col(column), nw.lit(bool(rule.value["needs"]))
    rows = _beside(base, living, column)
    reasons = (
        ("not_required", ~needed), ("no_row", _no_row()), ("blank", checked.is_null()), ("checked_ok", true(checked)), ("checked_failed", true(~checked)),
    )
    term = rule.term
    evidence = first_true((f"{term}：是", true(checked)), (f"{term}：否", true(~checked)), (f"{term}：未知", checked.is_null()))
    return _rows(rows, rule, all_three(needed & true(~checked), ~needed | true(checked)), first_true(*reasons), evidence)


def check_education(base: Any, persons: Any, schooling: Any, rules: Rules, as_of: dt.date) -> Any:
    """Compulsory education (义务教育) from ``persons`` and ``schooling``; rule exit.household.education.

    Everybody on the register of the rule's age on ``as_of``, save the dead and those who have left by the head-count rule, needs an accepted
    school state. Unknown: such a child without a state, and a member whose age is unknown, unless the state is accepted and the age cannot matter.
    No children: met. Nobody on the register: unknown.
    """
    require(persons, "persons", "person_id", "household_id", "birth_date", "change")
    require(schooling, "schooling", "person_id", "school_state")
    rule = rules["exit.household.education"]
    people = _with_ledger(persons, schooling, "birth_date", ledger=["school_state"]).with_columns(_age=_age(nw.col("birth_date"), as_of))
    here, age, state = ~_gone(rules), nw.col("_age"), nw.col("school_state")
    child = here & (age >= 0) & (age >= rule.value["age_from"]) & (age <= rule.value["age_to"])
    accepted = true(state.is_in(list(rule.value["accepted"]))) & ~state.is_null()
    counts = {
        "_members": here, "_children": child, "_failing": child & ~accepted & ~state.is_null(), "_missing": child & state.is_null(),
        "_ageless": here & (age < 0), "_doubtful": here & (age < 0) & ~accepted,
        **{f"_state_{code}": child & true(state == code) for code in CODES["school_state"]},
    }
    rows = _joined(base, sum_by_household(people, counts), counts)
    n = {name: nw.col(name) for name in counts}
    reason = first_true(
        ("no_members", n["_members"] == 0), ("out_of_school", n["_failing"] > 0), ("schooling_missing", n["_missing"] > 0),
        ("birth_unknown", n["_doubtful"] > 0), ("no_children", n["_children"] == 0), ("all_in_school", n["_children"] > 0),
    )
    words = [count(n[f"_state_{code}"], term) for code, term in CODES["school_state"].items()]
    ages = f"{rule.value['age_from']}至{rule.value['age_to']}周岁 "
    evidence = nw.concat_str(
        nw.lit(ages), n["_children"].cast(nw.String), nw.lit(" 人"), *words, count(n["_missing"], "台账无记录"), count(n["_ageless"], "出生日期不明")
    )
    met = (n["_members"] > 0) & (n["_missing"] == 0) & (n["_doubtful"] == 0)
    return _rows(rows, rule, all_three(n["_failing"] > 0, met), reason, evidence)


def check_medical(base: Any, persons: Any, insurance: Any, rules: Rules) -> Any:
    """Basic medical care (基本医疗) of every counted member, from ``persons`` and ``insurance``; rule exit.household.medical.

    A member passes with a basic insurance of the rule's list and, where the rule needs it, serious illness insurance, or with an exception of the
    rule. Members count as the head-count rule says, save the dead. Unknown: no row, a blank that could decide, or a member who fails and of whom it is
    unknown whether he counts. A member insured twice fails where the rule's list does not name it.
    """
    require(persons, "persons", "person_id", "household_id", "change", "resident")
    require(insurance, "insurance", "person_id", "basic_insurance", "serious_illness", "insurance_exception")
    rule = rules["exit.household.medical"]
    people = _with_ledger(persons, insurance, "resident", ledger=["basic_insurance", "serious_illness", "insurance_exception"])
    counts = _medical_counts(rule, rules)
    rows = _joined(base, sum_by_household(people, counts), counts)
    n = {name: nw.col(name) for name in counts}
    failing = ("uninsured", "double_insured", "basic_not_accepted", "no_serious_illness")
    reason = first_true(
        ("no_members", (n["_members"] == 0) & (n["_unsure"] == 0)), *((code, n[f"_{code}"] > 0) for code in failing), ("insurance_unknown", n["_blank"] > 0),
        ("member_unknown", n["_unsure"] > 0), ("all_insured", n["_members"] > 0), ("no_members", n["_members"] == 0),
    )
    kinds = [count(n[f"_basic_{code}"], term) for code, term in CODES["basic_insurance"].items()]
    others = [count(n[f"_exception_{code}"], term) for code, term in CODES["insurance_exception"].items()]
    evidence = nw.concat_str(
        nw.lit("计算成员 "), n["_members"].cast(nw.String), nw.lit(" 人"), *kinds, count(n["_serious"], "大病保险"), *others,
        count(n["_blank"], "台账无记录或空白"), count(n["_unsure"], "是否计入未知且未达标或未知"),
    )
    met = (n["_members"] > 0) & (n["_blank"] == 0) & (n["_unsure"] == 0)
    return _rows(rows, rule, all_three(n["_failing"] > 0, met), reason, evidence)


def _medical_counts(rule: Rule, rules: Rules) -> dict[str, nw.Expr]:
    basic, serious, exception = nw.col("basic_insurance"), nw.col("serious_illness"), nw.col("insurance_exception")
    resident = nw.col("resident") if _headcount(rules).value["requires_resident"] else nw.lit(True)
    here = ~_gone(rules) & true(resident)
    perhaps = ~_gone(rules) & resident.is_null()
    excepted = true(exception.is_in(list(rule.value["exceptions"]))) & ~exception.is_null()
    accepted = true(basic.is_in(list(rule.value["basic"]))) & ~basic.is_null()
    needs = nw.lit(bool(rule.value["needs_serious_illness"]))
    wrong_kind = ~accepted & ~basic.is_null()
    passing = excepted | (accepted & (~needs | true(serious)))
    failing = ~excepted & (wrong_kind | (needs & true(~serious)))
    return {
        "_members": here, "_failing": here & failing, "_blank": here & ~failing & ~passing, "_unsure": perhaps & ~passing, "_serious": here & true(serious),
        "_uninsured": here & failing & true(basic == "none"), "_double_insured": here & failing & wrong_kind & true(basic == "both"),
        "_basic_not_accepted": here & failing & wrong_kind & ~true(basic.is_in(["none", "both"])), "_no_serious_illness": here & failing & ~wrong_kind,
        **{f"_basic_{code}": here & true(basic == code) for code in CODES["basic_insurance"]},
        **{f"_exception_{code}": here & true(exception == code) for code in CODES["insurance_exception"]},
    }


def check_housing(base: Any, housing: Any, rule: Rule) -> Any:
    """Safe housing (住房安全) from ``housing``; rule exit.household.housing: a safe grade, or a dangerous one that a measure of the rule has ended.

    Not graded is unknown, whatever was built. A dangerous house is not_met where the measure is none of the rule's or is not finished, else unknown
    where either is blank.
    """
    require(housing, "housing", "household_id", "housing_grade", "housing_measure", "measure_finished")
    rows = _beside(base, housing, "housing_grade", "housing_measure", "measure_finished")
    grade, measure, finished = nw.col("housing_grade"), nw.col("housing_measure"), nw.col("measure_finished")
    safe = true(grade.is_in(list(rule.value["safe"]))) & ~grade.is_null()
    dangerous = true(grade.is_in(list(rule.value["dangerous"]))) & ~grade.is_null() & ~safe
    mends = true(measure.is_in(list(rule.value["mended_by"]))) & ~measure.is_null()
    useless = ~mends & ~measure.is_null()
    not_met = dangerous & (useless | true(~finished))
    reason = first_true(
        ("no_row", _no_row()), ("not_graded", grade.is_null()), ("grade_safe", safe), ("grade_not_in_rule", ~dangerous),
        ("dangerous_not_mended", useless), ("mending_unfinished", true(~finished)), ("dangerous_mended", mends & true(finished)),
        ("mending_unknown", dangerous),
    )
    ended = nw.when(true(measure == "none")).then(nw.lit("")).otherwise(nw.concat_str(nw.lit("，竣工入住 "), _yes_no(finished)))
    evidence = nw.concat_str(nw.lit("住房等级 "), _term(grade, "housing_grade"), nw.lit("，改造方式 "), _term(measure, "housing_measure"), ended)
    return _rows(rows, rule, all_three(not_met, safe | (dangerous & mends & true(finished))), reason, evidence)


def check_water(base: Any, water: Any, rule: Rule) -> Any:
    """Safe drinking water (饮水安全) from ``water``; rule exit.household.water: quantity, way to the tap, days of supply and quality, each with its sign.

    One index that fails is not_met, whatever is blank; else a blank is unknown. Source: 农村饮水安全评价准则.
    """
    require(water, "water", "household_id", "litres_per_person_day", "fetch_minutes", "supply_days", "quality_ok")
    rows = _beside(base, water, "litres_per_person_day", "fetch_minutes", "supply_days", "quality_ok")
    law = rule.value
    litres, minutes, days, quality = (nw.col(name) for name in ("litres_per_person_day", "fetch_minutes", "supply_days", "quality_ok"))
    checks = {
        "water_litres": passes(litres, law["litres_sign"], exact(law["litres_min"])),
        "water_fetch": passes(minutes, law["fetch_sign"], exact(law["fetch_minutes_max"])),
        "water_supply": passes(days, law["supply_sign"], exact(law["supply_share_min"]) * exact(law["days_in_year"])),
    }
    if law["needs_quality"]:
        checks["water_quality"] = quality
    fails, good = nw.lit(False), nw.lit(True)
    for check in checks.values():
        fails, good = fails | true(~check), good & true(check)
    reason = first_true(("no_row", _no_row()), *((code, true(~check)) for code, check in checks.items()), ("water_ok", good), ("water_unknown", ~good))
    evidence = nw.concat_str(
        nw.lit("人均日供水 "), _number(litres), nw.lit(f" 升（须{law['litres_sign']}{law['litres_min']}），往返取水 "), _number(minutes),
        nw.lit(f" 分钟（须{law['fetch_sign']}{law['fetch_minutes_max']}），年供水 "), _number(days),
        nw.lit(f" 天（须{law['supply_sign']}{law['days_in_year']}×{law['supply_share_min']}），水质达标 "), _yes_no(quality),
    )
    return _rows(rows, rule, all_three(fails, good), reason, evidence)


def _age(birth_date: nw.Expr, as_of: dt.date) -> nw.Expr:
    """Completed years of age on a day (周岁): a year is completed on the birthday, for 29 February on 1 March of other years.

    Below zero where the birth date is unknown or after ``as_of``, which no living person's is: the age is then not known.
    """
    year, month, day = (part.fill_null(9999).cast(nw.Int64) for part in (birth_date.dt.year(), birth_date.dt.month(), birth_date.dt.day()))
    to_come = (month > as_of.month) | ((month == as_of.month) & (day > as_of.day))
    return as_of.year - year - one(to_come)


def _headcount(rules: Rules) -> Rule:
    return rules[f"headcount.{rules.value('headcount.rule')}"]


def _gone(rules: Rules) -> nw.Expr:
    """Left by the head-count rule, or dead: the dead need no school and no insurance, even where the register still counts them."""
    change = nw.col("change")
    return true(change.is_in(sorted({*_headcount(rules).value["leaves"], "dead"}))) & ~change.is_null()


def _with_ledger(persons: Any, ledger_frame: Any, *columns: str, ledger: list[str]) -> Any:
    people = nw.from_native(persons).select("person_id", "household_id", "change", *columns)
    return people.join(nw.from_native(ledger_frame).select("person_id", *ledger), on="person_id", how="left")


def _beside(base: Any, ledger: Any, *columns: str) -> Any:
    return base.join(nw.from_native(ledger).select("household_id", *columns, _row=nw.lit(1)), on="household_id", how="left")


def _joined(base: Any, sums: Any, counts: dict[str, nw.Expr]) -> Any:
    return base.join(sums, on="household_id", how="left").with_columns(nw.col(*counts).fill_null(0).cast(nw.Int64))


def _no_row() -> nw.Expr:
    return nw.col("_row").is_null()


def _rows(frame: Any, rule: Rule, outcome: nw.Expr, reason: nw.Expr, evidence: nw.Expr) -> Any:
    return frame.select("household_id", rule_key=nw.lit(rule.key), outcome=outcome, reason_code=reason, evidence=evidence)


def _term(code: nw.Expr, codes: str) -> nw.Expr:
    return first_true(*((term, true(code == name)) for name, term in CODES[codes].items()), ("未知", code.is_null()))


def _yes_no(condition: nw.Expr) -> nw.Expr:
    return first_true(("是", true(condition)), ("否", true(~condition)), ("未知", condition.is_null()))


def _number(number: nw.Expr) -> nw.Expr:
    return nw.when(number.is_null()).then(_UNKNOWN).otherwise(number.cast(nw.String))
