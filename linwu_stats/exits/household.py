"""Exit of households (贫困户退出): seven tests, the verdict, and old exits against two lines.

Written once with narwhals: pandas frames in give a pandas frame out, DuckDB relations in give a relation out, with the same rows (in any order).
Net income is compared with line times members times margin in whole numbers, never with a rounded per-capita figure. Order of the law: any guarantee that
fails means not out, whatever the income. An income of less than a year is 'already reached' or 'not yet', never 'below'.
Source: 厅字〔2016〕16号, 一超过、两不愁、三保障.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import narwhals as nw

from linwu_stats.exits import guarantees
from linwu_stats.exits.compare import all_three, exact, first_true, passes_ratio, refuse_sign, true, with_yuan_words, yuan
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform, require

__all__ = ["REASONS", "TESTS", "assess_households", "check_cohorts", "test_households"]

#: The seven tests in the order of the law: rule key, column of ``household_exit``.
TESTS = {
    "exit.household.income": "income_outcome", "exit.household.food": "food", "exit.household.clothing": "clothing",
    "exit.household.education": "education", "exit.household.medical": "medical", "exit.household.housing": "housing", "exit.household.water": "water",
}

#: Reason codes of the tests made here, with the words that a report shows.
REASONS = guarantees.REASONS | {
    "passes_line": "纯收入达到退出要求",
    "fails_line": "纯收入未达到退出要求",
    "already_reached": "本年度尚未结束，纯收入已达到全年标准",
    "part_year_not_yet": "本年度尚未结束，纯收入尚未达到全年标准，不作未达标论",
    "no_income_row": "没有该核算期的收入",
    "quarter_missing": "有季度既无明细也无季度收入表",
    "amount_unknown": "有计入项目金额未知",
    "income_unknown": "纯收入未知",
    "headcount_unknown": "计算人口未知",
    "headcount_zero": "计算人口为零",
    "line_unknown": "该年扶贫标准未知",
    "exit_year_unknown": "脱贫年度未知",
    "exit_year_in_future": "脱贫年度晚于评估日，须核对",
    "year_not_complete": "脱贫当年的收入尚未满一年，不用上年收入判断",
}


def test_households(
    households: Any, persons: Any, household_income: Any, headcounts: Any, *, housing: Any, water: Any, living: Any, schooling: Any, insurance: Any,
    rules: Rules, as_of: dt.date, period: str,
) -> Any:
    """Test every household against the seven conditions (贫困户退出检验): to ``household_exit_tests``, one row per household and rule.

    Takes the register (``households``, ``persons``), ``household_income`` (its rows of ``period``), ``headcounts`` and the guarantee ledgers. Rules:
    exit.household.income with line.* of the accounting year in which the period ends, .food, .clothing, .education (ages on ``as_of``), .medical,
    .housing, .water. Each row has an outcome, a reason code of :data:`REASONS` and the values that decided. A missing row or blank is unknown, never
    not_met; a failing value is not_met, whatever else is unknown. Raises ``ValueError`` for a period or a sign that makes no sense.
    """
    require(households, "households", "household_id")
    base = nw.from_native(households).select("household_id")
    incomes = _with_line(base, household_income, headcounts, rules, period)
    parts = [
        _test_income(incomes, rules),
        guarantees.check_living(base, living, rules["exit.household.food"], "food_ok"),
        guarantees.check_living(base, living, rules["exit.household.clothing"], "clothing_ok"),
        guarantees.check_education(base, persons, schooling, rules, as_of),
        guarantees.check_medical(base, persons, insurance, rules),
        guarantees.check_housing(base, housing, rules["exit.household.housing"]),
        guarantees.check_water(base, water, rules["exit.household.water"]),
    ]
    text = ["household_id", "rule_key", "outcome", "reason_code", "evidence"]
    return conform(nw.concat([part.select(nw.col(*text).cast(nw.String)) for part in parts]).to_native(), "household_exit_tests")


def assess_households(household_exit_tests: Any, household_income: Any, headcounts: Any, rules: Rules, period: str) -> Any:
    """The verdict on every household (贫困户退出评估): ``household_exit_tests`` to ``household_exit``, one row per household.

    ``meets_exit`` only if all seven tests are met (an income already reached counts as met, and ``income_outcome`` says so); ``not_out`` if any is
    not_met, whatever the income; else ``unknown``, which is also where a part-year income has not reached the line yet. ``missing`` lists the rule
    keys that are not_met, then those unknown, empty where nothing is missing. A test without a row is unknown. ``distance_fen`` is net income minus
    line times members, without margin, unknown where any of them is.
    """
    require(household_exit_tests, "household_exit_tests")
    tests = nw.from_native(household_exit_tests).with_columns(_word=_income_word())
    rows = tests.select(
        "household_id", **{column: nw.when(nw.col("rule_key") == key).then(nw.col("_word")).cast(nw.String) for key, column in TESTS.items()}
    ).group_by("household_id").agg(nw.col(*TESTS.values()).max())
    rows = rows.with_columns(**{column: nw.col(column).fill_null("unknown") for column in TESTS.values()})
    rows = _with_line(rows, household_income, headcounts, rules, period)
    met, failed = (nw.col(column).is_in(["met", "already_reached"]) for column in TESTS.values()), (nw.col(column) == "not_met" for column in TESTS.values())
    distance = nw.when((nw.col("headcount_persons") > 0) & (nw.col("_line") != _NONE)).then(nw.col("net_fen") - nw.col("_line") * nw.col("headcount_persons"))
    rows = rows.with_columns(
        verdict=first_true(("not_out", nw.any_horizontal(*failed, ignore_nulls=True)), ("meets_exit", nw.all_horizontal(*met, ignore_nulls=True)),
                           ("unknown", ~nw.col("household_id").is_null())),
        missing=_missing(), distance_fen=distance, period=nw.lit(period), line_year=_or_null("_line_year"), line_fen=_or_null("_line"),
    )
    return conform(rows.to_native(), "household_exit")


def check_cohorts(households: Any, household_income: Any, headcounts: Any, rules: Rules, period: str) -> Any:
    """Old exits against two lines (历年脱贫户复核): one row of ``cohort_checks`` per household that is out (已脱贫).

    The income of ``period`` (``year`` or ``last4``; a part-year one gives 'already reached' or 'not yet') is tested by exit.household.income against the
    line of the household's own exit year and against that of the year of ``rules.day``; both are shown. Rules: line.*, line.basis.
    An exit year that is unknown or still to come leaves the own line unknown, and so does a year without a known line, or one whose income is not in the
    period tested (``year_not_complete``): nobody who leaves this year is judged on last year's income.
    """
    require(households, "households", "household_id", "poverty_status", "exit_year")
    out = nw.from_native(households).filter(true(nw.col("poverty_status") == "out")).select("household_id", "exit_year")
    year, today = nw.col("exit_year"), rules.day.year
    tested = nw.col("_line_year")
    later = true((year > tested) & (tested != _NONE))
    rows = _with_line(out, household_income, headcounts, rules, period)
    rows = rows.with_columns(own_line_year=nw.when(true(year <= today) & ~later).then(year))
    rows = rows.with_columns(_own=_line_of(nw.col("own_line_year"), rules), _today=_line_of(nw.lit(today), rules))
    rows = _compared(_compared(rows, rules, "_own", "_own"), rules, "_today", "_today")
    reason = first_true(
        *_reasons_of_income(), ("exit_year_unknown", year.is_null()), ("exit_year_in_future", true(year > today)), ("year_not_complete", later),
        ("line_unknown", (nw.col("_own") == _NONE) | (nw.col("_today") == _NONE)),
    )
    rows = rows.with_columns(
        own_line_fen=_or_null("_own"), own_line_outcome=_compared_word("_own"), today_line_year=nw.lit(today), today_line_fen=_or_null("_today"),
        today_line_outcome=_compared_word("_today"), period=nw.lit(period), reason_code=reason,
    )
    return conform(rows.to_native(), "cohort_checks")


def _with_line(base: Any, household_income: Any, headcounts: Any, rules: Rules, period: str) -> Any:
    """Income of the period, head count and line beside each household of ``base``."""
    require(household_income, "household_income", "household_id", "period", "first_quarter", "last_quarter", "quarters_expected", "net_fen", "reason_code")
    require(headcounts, "headcounts", "household_id", "headcount_persons")
    if period not in CODES["period"]:
        raise ValueError(f"there is no period {period!r} (没有该核算期); choose one of {', '.join(CODES['period'])}")
    income = nw.from_native(household_income).filter(nw.col("period") == period)
    income = income.select("household_id", "first_quarter", "last_quarter", "quarters_expected", "net_fen", _why=nw.col("reason_code"))
    heads = nw.from_native(headcounts).select("household_id", "headcount_persons")
    rows = base.join(income, on="household_id", how="left").join(heads, on="household_id", how="left")
    return rows.with_columns(_line_year=_line_year(rules)).with_columns(_line=_line_of(nw.col("_line_year"), rules))


#: A year or line that is not known, in columns that are computed on: pandas has no whole numbers with blanks unless a ledger column brings them.
_NONE = -1


def _or_null(column: str) -> nw.Expr:
    return nw.when(nw.col(column) != _NONE).then(nw.col(column))


def _line_year(rules: Rules) -> nw.Expr:
    """The accounting year in which the last quarter lies, named after the calendar year in which it ends; a rolling year goes by the calendar."""
    quarter = nw.col("last_quarter").fill_null("0000Q0")
    year, number = quarter.str.slice(0, 4).cast(nw.Int64), quarter.str.slice(5, 1).cast(nw.Int64)
    rule = rules.value(f"period.{rules.value('period.rule')}")
    start = rule.get("start_month", 1)
    if rule["kind"] != "rolling" and start != 1:
        year = nw.when(number > start // 3).then(year + 1).otherwise(year)
    return nw.when(number == 0).then(nw.lit(_NONE)).otherwise(year).cast(nw.Int64)


def _line_of(year: nw.Expr, rules: Rules) -> nw.Expr:
    """The line of each year in fen, :data:`_NONE` where the law has none."""
    chosen: nw.Expr = nw.lit(_NONE)
    for one_year in _years(rules):
        fen = rules.line_fen(one_year)
        if fen is not None:
            chosen = nw.when(true(year == one_year)).then(nw.lit(fen)).otherwise(chosen)
    return chosen.cast(nw.Int64)


def _years(rules: Rules) -> range:
    history = rules.history(f"line.{rules.value('line.basis')}")
    return range(history[0].from_date.year, max((rule.to_date or rules.day).year for rule in history) + 2)


def _compared(rows: Any, rules: Rules, line: str, mark: str = "") -> Any:
    """Compare net income with the line in column ``line`` by exit.household.income: adds ``_reached``, ``_short`` (neither where unknown), ``_whole``.

    ``mark`` is put at the end of the new names. Made in steps, since an engine writes an expression out wherever it is used.
    """
    rule = rules["exit.household.income"]
    margin = 1 + exact(rule.value["margin_share"])
    heads, asked = nw.col("headcount_persons"), nw.col("_asked")
    comparable = true(heads > 0) & (nw.col(line) != _NONE)
    rows = rows.with_columns(_asked=nw.when(comparable).then(nw.col(line) * heads * margin.numerator))
    rows = rows.with_columns(_above=passes_ratio(nw.col("net_fen"), refuse_sign(rule, ">", ">="), asked, margin.denominator))
    above, whole = nw.col("_above"), nw.col("quarters_expected") == 4
    return rows.with_columns(**{f"_reached{mark}": true(above), f"_short{mark}": true(~above), f"_whole{mark}": true(whole)}).drop("_asked", "_above")


def _compared_word(mark: str = "") -> nw.Expr:
    """Code of ``income_outcome`` from the columns of :func:`_compared`."""
    reached, short, whole = (nw.col(f"{name}{mark}") for name in ("_reached", "_short", "_whole"))
    return first_true(
        ("met", reached & whole), ("already_reached", reached), ("not_met", short & whole), ("not_yet", short), ("unknown", ~nw.col("household_id").is_null()),
    )


def _reasons_of_income() -> list[tuple[str, nw.Expr]]:
    """Why the household's side of the comparison is unknown."""
    blank, heads = nw.col("net_fen").is_null(), nw.col("headcount_persons")
    known = [(code, blank & true(nw.col("_why") == code)) for code in ("quarter_missing", "amount_unknown")]
    return [
        ("no_income_row", nw.col("last_quarter").is_null()), *known, ("income_unknown", blank), ("headcount_unknown", heads.is_null()),
        ("headcount_zero", true(heads <= 0)),
    ]


def _test_income(incomes: Any, rules: Rules) -> Any:
    rows = with_yuan_words(_compared(incomes, rules, "_line"), "net_fen", "_net_words")
    reached, short, whole = nw.col("_reached"), nw.col("_short"), nw.col("_whole")
    reason = first_true(
        *_reasons_of_income(), ("line_unknown", nw.col("_line") == _NONE), ("already_reached", reached & ~whole),
        ("part_year_not_yet", short & ~whole), ("passes_line", reached), ("fails_line", short),
    )
    key = nw.lit("exit.household.income")
    return rows.select("household_id", rule_key=key, outcome=all_three(short & whole, reached), reason_code=reason, evidence=_income_evidence(rules))


def _income_evidence(rules: Rules) -> nw.Expr:
    """For example ``纯收入 12,345.67 元，标准 3,335 元×4 人``."""
    words, persons = nw.col("_net_words"), nw.col("headcount_persons")
    net = nw.when(nw.col("net_fen").is_null()).then(nw.lit("纯收入未知")).otherwise(nw.concat_str(nw.lit("纯收入 "), words, nw.lit(" 元")))
    line: nw.Expr = nw.lit("，标准未知")
    for year in _years(rules):
        fen = rules.line_fen(year)
        if fen is not None:
            line = nw.when(nw.col("_line_year") == year).then(nw.lit(f"，标准 {yuan(fen)} 元")).otherwise(line)
    heads = nw.concat_str(nw.lit("×"), persons.cast(nw.String), nw.lit(" 人"))
    people = nw.when(persons.is_null()).then(nw.lit("×人口未知")).otherwise(heads)
    share = exact(rules.value("exit.household.income")["margin_share"])
    margin = nw.lit(f"×{float(1 + share):g}" if share else "")
    first, last = nw.col("first_quarter"), nw.col("last_quarter")
    span = nw.concat_str(nw.lit("，"), first, nw.lit("至"), last, nw.lit("不满一年"))
    part = nw.when(nw.col("_whole") | last.is_null() | first.is_null()).then(nw.lit("")).otherwise(span)
    return nw.concat_str(net, line, people, margin, part)


def _income_word() -> nw.Expr:
    """Outcome of a test; of the income test ``already_reached`` and ``not_yet`` by its reason."""
    outcome, reason = nw.col("outcome"), nw.col("reason_code")
    reached, not_yet = true(reason == "already_reached") & (outcome == "met"), true(reason == "part_year_not_yet") & (outcome == "unknown")
    return nw.when(reached).then(nw.lit("already_reached")).otherwise(nw.when(not_yet).then(nw.lit("not_yet")).otherwise(outcome))


def _missing() -> nw.Expr:
    """Rule keys not met, then those unknown, each after a space; the first space is taken off."""
    failed = [_key_if(nw.col(column) == "not_met", key) for key, column in TESTS.items()]
    doubtful = [_key_if(nw.col(column).is_in(["unknown", "not_yet"]), key) for key, column in TESTS.items()]
    return nw.concat_str(*failed, *doubtful).str.strip_chars(" ")


def _key_if(condition: nw.Expr, key: str) -> nw.Expr:
    return nw.when(condition).then(nw.lit(f" {key}")).otherwise(nw.lit(""))
