"""The county's rate and the task of the year (县级贫困发生率与年度减贫任务).

Incidence is stated with its denominator, and the task in persons is set against the target rate, so that a plan that does not reach its own target is seen.
Everything is worked out in whole numbers and exact fractions. Source: 厅字〔2016〕16号; the county's report for the task of the year.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats.exits.compare import exact, grouped, holds, percent, refuse_sign, true
from linwu_stats.exits.village import Poor, count_poor, denominator_of, incidence_outcome, rows_of
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import TABLES, conform, require

__all__ = ["DENOMINATORS", "MEASURES", "assess_county", "check_target", "denominator_band"]

#: Measures of ``county_exit`` with their Chinese terms.
MEASURES = {
    "poor_persons": "未脱贫人口",
    "incidence": "贫困发生率",
    "incidence_other_denominator": "换一种分母的贫困发生率",
    "villages_left": "未退出贫困村",
    "published_poor_persons": "公布的年初未脱贫人口",
    "left_before": "年初未脱贫人口",
    "denominator": "发生率的分母",
    "incidence_before": "年初贫困发生率",
    "exits_planned": "年度减贫任务",
    "left_after": "完成任务后未脱贫人口",
    "incidence_after": "完成任务后贫困发生率",
    "allowed_left": "目标允许的未脱贫人口",
    "exits_needed": "达到目标须脱贫人口",
    "exits_short": "任务与目标相差人口",
    "denominator_for_target": "任务恰能达到目标的分母",
}

#: Denominators that texts use, none the same as another.
DENOMINATORS = {"rural_population_persons": "乡村户籍人口", "resident_population_persons": "常住人口"}

_DENOMINATOR_NOTE = "发生率的分母有农业户籍人口、乡村户籍人口(乡村总人口)、常住人口几种口径，互不相等，换口径则结果不同"

Band = tuple[int | None, int | None]


def assess_county(households: Any, headcounts: Any, villages: Any, rules: Rules, published: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Assess the county (县级评估): ``households``, ``headcounts``, ``villages`` to ``county_exit``, one row per measure of :data:`MEASURES`.

    The incidence is that of exit.county.incidence by its denominator column, and for comparison by the other one. ``low`` and ``high`` are the bounds that
    households of unknown status leave. Where the law has a task for the year of ``rules.day`` (exit.county.target_<year>), its villages and the rows of
    :func:`check_target` follow, from the register: those poor now and those who went out this year were poor at its beginning.
    ``published`` may give ``poor_persons`` (年初未脱贫人口) and ``incidence_percent`` (the rate as printed, ``"3.5"``): the task is then checked from the
    published number, and the register is set beside it. Percentages are 0 to 100. A village without population,
    or a household whose village is not in ``villages``, makes the denominator unknown.
    """
    require(villages, "villages")
    published = published or {}
    rule = rules["exit.county.incidence"]
    rows = rows_of(villages, "villages")
    lost = set(count_poor(households, headcounts, "village_code")) - {village["village_code"] for village in rows}
    sums = {column: None if lost else _sum([village[column] or None for village in rows]) for column in DENOMINATORS}
    poor = _county_poor(households, headcounts)
    chosen = denominator_of(rule)
    doubt = "" if poor.persons is not None else "；有户的脱贫属性或人口未知"
    table = [
        _row("poor_persons", poor.persons, "人", poor, note=f"名册上未脱贫、预脱贫、返贫户的登记人口{doubt}"),
        _incidence("incidence", poor, sums[chosen], chosen, rule),
        *(_incidence("incidence_other_denominator", poor, sums[column], column, None) for column in DENOMINATORS if column != chosen),
    ]
    target = f"exit.county.target_{rules.day.year}"
    if target in rules:
        gone = _out_in_year(households, headcounts, rules.day.year)
        register = None if poor.persons is None or gone is None else poor.persons + gone
        table += [_villages_left(rows, rules[target]), *_published_row(published.get("poor_persons"), register)]
        before = published.get("poor_persons", register)
        denominator, task = sums[denominator_of(rules[target])], rules.value(target)["exits_persons"]
        table += _target_rows(before, task, denominator, published.get("incidence_percent"), rules[target])
    return conform(pd.DataFrame(table, columns=TABLES["county_exit"].names, dtype=object), "county_exit")


def check_target(
    left_before: int | None, exits_planned: int, denominator_persons: int | None, rules: Rules, published_percent: str | None = None,
) -> pd.DataFrame:
    """Set the task of the year against its target rate (任务与目标核对): rows of ``county_exit``.

    Takes the persons left at the beginning of the year, the persons planned to leave, the denominator, and perhaps the rate before as it was printed
    (``"3.5"``): the denominators that round to it give ``low`` and ``high`` of everything that depends on the denominator.
    Rule: exit.county.target_<year> of ``rules.day`` (``share``, ``sign``). ``exits_short`` is how many more must leave than planned. An unknown or zero
    number gives unknown rows, never an exception; a rule that is not there raises ``KeyError``. Example: 9,773 left, 4,633 planned, 279,229 by
    the denominator leave 5,140, that is 1.84 %, not 1.5 %; 5,585 must leave, 952 more than planned.
    """
    rule = rules[f"exit.county.target_{rules.day.year}"]
    rows = _target_rows(left_before, exits_planned, denominator_persons, published_percent, rule)
    return conform(pd.DataFrame(rows, columns=TABLES["county_exit"].names, dtype=object), "county_exit")


def denominator_band(persons: int, percent_as_printed: str) -> Band:
    """The denominators for which ``persons`` is the rate as printed, rounded half up (由公布的发生率反推分母): least and most.

    9,773 at ``"3.5"`` gives 275,296 and 283,275. The decimals that are printed are the precision; a rate of 0 has no upper bound (None).
    Raises ``ValueError`` where the text is not a number in per cent.
    """
    try:
        rate = exact(percent_as_printed)
    except ValueError as error:
        raise ValueError(f"{percent_as_printed!r} is not a rate in per cent (发生率应写作 3.5 的形式)") from error
    decimals = len(str(percent_as_printed).partition(".")[2])
    half = Fraction(1, 2 * 10**decimals)
    if rate < 0:
        raise ValueError(f"{percent_as_printed!r}: a rate is not negative (发生率不得为负)")
    most = math.floor(100 * persons / (rate - half)) if rate > half else None
    return math.floor(100 * persons / (rate + half)) + 1, most


def _published_row(stated: int | None, register: int | None) -> list[dict[str, Any]]:
    """The published number beside the register's, where there is one."""
    if stated is None:
        return []
    outcome = "unknown" if register is None else "met" if register == stated else "not_met"
    note = f"公布 {grouped(stated)} 人，按名册推算年初 {grouped(register)} 人" + ("，一致" if outcome == "met" else "")
    return [_row("published_poor_persons", stated, "人", outcome=outcome, note=note)]


def _target_rows(before: int | None, planned: int, denominator: int | None, printed: str | None, rule: Rule) -> list[dict[str, Any]]:
    denominator = denominator or None
    band: Band = denominator_band(before, printed) if before and printed else (denominator, denominator)
    sign, share = refuse_sign(rule, "<", "<="), exact(rule.value["share"])
    after = None if before is None else max(before - planned, 0)
    allowed = [_most_left(share, sign, part) for part in (denominator, *band)]
    needed = [None if before is None or left is None else max(before - left, 0) for left in allowed]
    short = [None if part is None else max(part - planned, 0) for part in needed]
    rates = [_rate(after, part) for part in (denominator, band[1], band[0])]
    outcome = _target_outcome(rates, sign, share)
    goal = f"{'不高于' if sign == '<=' else '低于'} {percent(share)} "
    result = f"脱贫 {grouped(planned)} 人后剩 {grouped(after)} 人"
    if outcome == "unknown":
        result += "，分母未知或取整范围内结论不一，不能判定"
    else:
        result += f"，发生率 {_span(rates, percent)}，{'达到' if outcome == 'met' else '达不到'}{goal}的目标"
    if outcome == "not_met":
        result += f"；须脱贫 {_span(needed, grouped)} 人，比任务多 {_span(short, grouped)} 人"
    enough = None if after is None else _least_denominator(after, share, sign)
    return [
        _row("left_before", before, "人", note="年初未脱贫人口"),
        _denominator_row(before, denominator, band, printed),
        _row("incidence_before", _points(_rate(before, denominator)), "%", _printed_band(printed), note="年初未脱贫人口除以分母；上下界为公布数的取整范围"),
        _row("exits_planned", planned, "人", rule_key=rule.key, note=rule.document),
        _row("left_after", after, "人", rule_key=rule.key, note="年初未脱贫人口减任务"),
        _row("incidence_after", _points(rates[0]), "%", (_points(rates[1]), _points(rates[2])), outcome=outcome, rule_key=rule.key, note=result),
        _row("allowed_left", allowed[0], "人", allowed[1:], rule_key=rule.key, note=f"发生率{goal}时最多剩余人口"),
        _row("exits_needed", needed[0], "人", needed[:0:-1], rule_key=rule.key, note="年初未脱贫人口减目标允许的剩余人口"),
        _row("exits_short", short[0], "人", short[:0:-1], outcome=outcome, rule_key=rule.key, note="任务之外还须脱贫的人口，为零即任务足够"),
        _row("denominator_for_target", enough, "人", rule_key=rule.key, note=f"分母不少于此数，任务才恰能达到目标；{_DENOMINATOR_NOTE}"),
    ]


def _target_outcome(rates: list[Fraction | None], sign: str, share: Fraction) -> str:
    """By the denominator and by both ends of its band, all that are known; unknown where they disagree."""
    outcomes = {holds(rate, sign, share) for rate in rates if rate is not None}
    return "unknown" if len(outcomes) != 1 or None in rates[1:] else "met" if True in outcomes else "not_met"


def _span(values: list[Any], word: Callable[[Any], str]) -> str:
    """The value in words, or where the denominator is unknown its band."""
    if values[0] is not None:
        return word(values[0])
    ends = sorted(value for value in values[1:] if value is not None)
    return f"{word(ends[0])} 至 {word(ends[-1])}"


def _denominator_row(before: int | None, denominator: int | None, band: Band, printed: str | None) -> dict[str, Any]:
    if not printed or before is None:
        return _row("denominator", denominator, "人", note=_DENOMINATOR_NOTE)
    least, most = band
    inside = "unknown" if not denominator else "met" if least <= denominator and (most is None or denominator <= most) else "not_met"
    words = f"公布 {grouped(before)} 人为 {printed}%，反推分母在 {grouped(least)} 至 {'无上界' if most is None else grouped(most)} 人之间"
    fits = {"met": "，所用分母在内", "not_met": "，所用分母不在其内，口径不同", "unknown": "，所用分母未知"}[inside]
    return _row("denominator", denominator, "人", band, outcome=inside, note=f"{words}{fits}；{_DENOMINATOR_NOTE}")


def _most_left(share: Fraction, sign: str, denominator: int | None) -> int | None:
    """The most persons that may be left so that the rate meets the target."""
    if not denominator:
        return None
    bound = share * denominator
    return math.floor(bound) if sign == "<=" else max(math.ceil(bound) - 1, 0)


def _least_denominator(persons: int, share: Fraction, sign: str) -> int | None:
    """The least denominator for which ``persons`` meets the target; None where none does."""
    if share == 0:
        return None
    bound = persons / share
    return max(math.ceil(bound) if sign == "<=" else math.floor(bound) + 1, 1)


def _printed_band(printed: str | None) -> tuple[float | None, float | None]:
    if not printed:
        return None, None
    half = Fraction(1, 2 * 10 ** len(str(printed).partition(".")[2]))
    return float(max(exact(printed) - half, Fraction(0))), float(exact(printed) + half)


def _rate(persons: int | None, denominator: int | None) -> Fraction | None:
    return None if persons is None or not denominator else Fraction(persons, denominator)


def _points(rate: Fraction | None) -> float | None:
    return None if rate is None else float(rate * 100)


def _incidence(measure: str, poor: Poor, denominator: int | None, column: str, rule: Rule | None) -> dict[str, Any]:
    rates = [_rate(persons, denominator) for persons in (poor.persons, poor.least, poor.most)]
    shown = "未知" if rates[0] is None else percent(rates[0])
    note = f"分母为各村{DENOMINATORS[column]}合计 {grouped(denominator)} 人，发生率 {shown}；{_DENOMINATOR_NOTE}"
    if rule is None:
        return _row(measure, _points(rates[0]), "%", [_points(rate) for rate in rates[1:]], note=f"仅供比较：{note}")
    outcome = incidence_outcome(poor, denominator, rule)
    return _row(measure, _points(rates[0]), "%", [_points(rate) for rate in rates[1:]], outcome=outcome, rule_key=rule.key, note=note)


def _villages_left(villages: list[dict[str, Any]], rule: Rule) -> dict[str, Any]:
    """Poor villages that are not out, against the number that the task names."""
    poor = [village["village_status"] for village in villages if village["village_kind"] in ("province", "city")]
    unclear = poor.count(None) + sum(village["village_kind"] is None and village["village_status"] != "out" for village in villages)
    left, task = poor.count("not_out"), rule.value["villages"]
    note = f"未退出贫困村 {left} 个，本年退出任务 {task} 个" + (f"；另有 {unclear} 个村类别或状态未知" if unclear else "")
    outcome = "unknown" if unclear else "met" if left <= task else "not_met"
    if left > task:
        note += "，任务少于未退出的村"
    return _row("villages_left", None if unclear else left, "个", (left, left + unclear), outcome=outcome, rule_key=rule.key, note=note)


def _county_poor(households: Any, headcounts: Any) -> Poor:
    parts = list(count_poor(households, headcounts, "township_code").values())
    least, most = _sum([part.least for part in parts]), _sum([part.most for part in parts])
    return Poor(least, most)


def _out_in_year(households: Any, headcounts: Any, year: int) -> int | None:
    """Registered persons of households that went out in the year; None where an exit year or a size leaves it open."""
    require(households, "households", "household_id", "poverty_status", "exit_year")
    heads = nw.from_native(headcounts).select("household_id", "registered_persons")
    out = nw.from_native(households).filter(true(nw.col("poverty_status") == "out")).select("household_id", "exit_year")
    out = out.filter(true(nw.col("exit_year") == year) | nw.col("exit_year").is_null())
    rows = out.join(heads, on="household_id", how="left").select("exit_year", "registered_persons").lazy().collect("pyarrow").to_native().to_pylist()
    return None if any(row["exit_year"] is None for row in rows) else _sum([row["registered_persons"] for row in rows])


def _sum(numbers: list[int | None]) -> int | None:
    return None if None in numbers else sum(numbers)


def _row(
    measure: str, value: Any, unit: str, band: Any = (None, None), *, outcome: str | None = None, rule_key: str | None = None, note: str = "",
) -> dict[str, Any]:
    low, high = band
    return {"measure": measure, "value": value, "unit": unit, "low": low, "high": high, "outcome": outcome, "rule_key": rule_key, "note": note}
