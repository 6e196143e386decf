"""The numbers that a page says of an area (地区的数字): picked and counted from a quarter's tables, not yet rounded or worded.

``q`` is a quarter as ``linwu_stats.open_quarter`` gives it, ``area`` a code: county six digits, township nine, village twelve. Counts of persons are the
persons on the register. Unknown stays unknown: a share with an unknown denominator is None, an indicator without value carries its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from linwu_stats.publish import reads, words
from linwu_stats.tables import CODES, POOR

__all__ = [
    "CLASSES",
    "MEASURES",
    "POOR",
    "PUBLISHED",
    "TESTS",
    "AreaError",
    "Measure",
    "Place",
    "Value",
    "areas_below",
    "deciding_rules",
    "earlier_quarters",
    "exit_rows",
    "income_rows",
    "indicator",
    "measure",
    "not_comparable",
    "only_part_year",
    "outcome_counts",
    "persons_sum",
    "place",
    "positions",
    "register",
    "register_totals",
    "rows_of",
    "spans",
    "stock",
    "verdict_counts",
    "village_rows",
]

#: Conditions of a household's exit in the order of the pages: column of household_exit, rule key, term.
TESTS: dict[str, tuple[str, str]] = {
    "income_outcome": ("exit.household.income", "收入"),
    "food": ("exit.household.food", "不愁吃"),
    "clothing": ("exit.household.clothing", "不愁穿"),
    "education": ("exit.household.education", "义务教育"),
    "medical": ("exit.household.medical", "基本医疗"),
    "housing": ("exit.household.housing", "住房安全"),
    "water": ("exit.household.water", "饮水安全"),
}

#: Income by source: column of household_income, term.
CLASSES: dict[str, str] = {"wage": "工资性收入", "business_net": "生产经营净收入", "property": "财产性收入", "transfer": "转移性收入"}

#: Published county totals of the end of 2017 that the register has too: series of data/reference, term.
PUBLISHED: dict[str, str] = {
    "county.households": "建档立卡贫困户",
    "county.persons": "建档立卡贫困人口",
    "county.out_households": "已脱贫户",
    "county.out_persons": "已脱贫人口",
    "county.not_out_households": "未脱贫户",
    "county.not_out_persons": "未脱贫人口",
    "county.exits_households": "2017年脱贫户",
    "county.exits_persons": "2017年脱贫人口",
    "county.poor_villages_province": "省级贫困村",
    "county.poor_villages_city": "市级贫困村",
    "county.villages_out": "已退出贫困村",
    "county.villages_not_out": "未退出贫困村",
    "county.villages_not_out_city": "未退出的市级贫困村",
    "county.villages_exits": "2017年退出贫困村",
    "county.villages_exits_city": "2017年退出的市级贫困村",
    "county.rural_population_persons": "乡村户籍人口（推算）",
}

#: What was joined and counted of an open quarter, so that the areas of a page do not each join the whole county again. Ends with the quarter.
_KEPT: WeakKeyDictionary[Any, dict[Any, Any]] = WeakKeyDictionary()

_LEVELS = {6: "county", 9: "township", 12: "village"}


class AreaError(ValueError):
    """An area code that the quarter does not know (地区代码有误)."""


class Place(NamedTuple):
    """An area (地区): its code, level (county, township, village) and official name."""

    code: str
    level: str
    name: str


class Measure(NamedTuple):
    """A number that is followed from quarter to quarter (跟踪指标): term, how it is shown, unit."""

    label: str
    kind: str
    unit: str


#: Numbers that key figures and the comparison show, in order.
MEASURES: dict[str, Measure] = {
    "households": Measure("建档立卡户", "integer", "户"),
    "persons": Measure("建档立卡人口", "integer", "人"),
    "poor_households": Measure("未脱贫户", "integer", "户"),
    "poor_persons": Measure("未脱贫人口", "integer", "人"),
    "incidence": Measure("贫困发生率", "percent", "%"),
    "mean_quarter": Measure("本季人均纯收入", "integer", "元"),
    "mean_last4": Measure("最近四个季度人均纯收入", "integer", "元"),
    "below_line": Measure("低于标准人口比重", "percent", "%"),
    "gini": Measure("基尼系数（最近四个季度）", "index", ""),
    "meets_exit": Measure("未脱贫户中符合退出条件", "integer", "户"),
    "cannot_tell": Measure("未脱贫户中不能判定", "integer", "户"),
    "unknown_income": Measure("本季收入未知", "integer", "户"),
}

_INDICATORS = {
    "mean_quarter": ("mean_percapita_yuan", "quarter"),
    "mean_last4": ("mean_percapita_yuan", "last4"),
    "below_line": ("headcount_ratio", "last4"),
    "gini": ("gini", "last4"),
}
_VERDICTS = {"meets_exit": "meets_exit", "cannot_tell": "unknown"}


class Value(NamedTuple):
    """A value, or None with the reason code; with the households and persons left out because their income is unknown."""

    value: float | None
    reason_code: str | None = None
    unknown_households: int | None = None
    unknown_persons: int | None = None


def place(q: Any, area: str) -> Place:
    """The area of a code (地区); raises :class:`AreaError` that says what a code looks like."""
    if not isinstance(area, str) or len(area) not in _LEVELS or area not in q.area_names:
        raise AreaError(
            f"area {area!r} is not in {q.quarter} (没有该地区): give the code as text, county 6, township 9 or village 12 digits, such as '431025100'"
        )
    return Place(area, _LEVELS[len(area)], q.area_names[area])


def areas_below(q: Any, area: str) -> list[Place]:
    """The areas one level down that have households or village rows (下一级地区), in code order; a code without a name is left out."""
    here = place(q, area)
    if here.level == "village":
        return []
    codes = {"county": "township_code", "township": "village_code"}[here.level]
    found = set(register(q, area)[codes]) | (set(village_rows(q, area)[codes]))
    if here.level == "county":
        found |= {code for code in q.area_names if len(code) == 9}
    return [place(q, code) for code in sorted(found) if code in q.area_names]


def register(q: Any, area: str) -> pd.DataFrame:
    """Households of an area with the persons on the register (名册): ``households`` and ``registered_persons``."""
    return _part(q, "register", place(q, area))


def village_rows(q: Any, area: str) -> pd.DataFrame:
    """Rows of the village table in an area (行政村)."""
    return _part(q, "villages", place(q, area))


def income_rows(q: Any, area: str, period: str) -> pd.DataFrame:
    """Household incomes of an area in a period (家庭纯收入): ``household_income`` with the register beside it."""
    return _part(q, f"income {period}", place(q, area))


def exit_rows(q: Any, area: str) -> pd.DataFrame:
    """Exit assessment of the households of an area (退出评估): ``household_exit`` with the register beside it."""
    return _part(q, "exit", place(q, area))


def rows_of(q: Any, table: str, area: str, *columns: str) -> pd.DataFrame:
    """Rows of any table in an area (某表在一个地区的行): those of its area code, else of its township or village, else of the households on the register there.

    ``columns``: all by default. A page reads a table this way so that it depends on these columns of these rows alone.
    """
    return _part(q, f"table {table} {' '.join(columns)}".strip(), place(q, area))


def spans(q: Any) -> pd.DataFrame:
    """First and last quarter of each accounting period (核算期的起止季度), and how many quarters it has; indexed by period."""
    return _spans(q).drop_duplicates("period").set_index("period")


def _spans(q: Any) -> pd.DataFrame:
    return _part(q, "spans", place(q, q.rules.value("area.county")["code"]))


def persons_sum(rows: pd.DataFrame) -> int | None:
    """Persons on the register of some households (人数合计); None where one of them is unknown."""
    return None if rows["registered_persons"].isna().any() else int(rows["registered_persons"].sum())


def stock(q: Any, area: str) -> dict[str, Any]:
    """How many there are (存量): households, persons, poor households and persons, population and the incidence as an exact fraction.

    ``incidence`` is None where the population or a status is unknown. The denominator is that of exit.village.incidence for a village, else of
    exit.county.incidence; ``denominator`` is its name.
    """
    level, county = place(q, area).level, q.rules.value("area.county")["code"]
    kind = "village" if level == "village" else "county"
    column = q.rules.value(f"exit.{kind}.incidence")["denominator"]
    rows = _tally(q, "register", area, "poverty_status", "registered_persons")
    poor = Counter({(status, persons): count for (status, persons), count in rows.items() if status in POOR})
    population, rural = (_sum_of(_tally(q, "villages", area, name)) for name in (column, "rural_population_persons"))
    nowhere = _tally(q, "unplaced", county, "township_code")
    lost = sum(count for (township,), count in nowhere.items() if level == "county" or township in (area[:9], f"{county}000"))
    unknown = sum(count for (status, _), count in rows.items() if status is None)
    persons = None if unknown or (level == "village" and lost) else _persons_of(poor)
    population = None if kind == "county" and lost else population
    return {
        "households": rows.total(),
        "persons": _persons_of(rows),
        "poor_households": poor.total(),
        "poor_persons": persons,
        "population": population,
        "rural_population": rural,
        "denominator": words.denominator(column),
        "incidence": Fraction(persons, population) if population and persons is not None else None,
        "unplaced_households": lost,
        "unknown_status": unknown,
    }


def _persons_of(rows: Counter[tuple[Any, ...]]) -> int | None:
    """Persons on the register (人数) of counted (status, persons); None where one of them is unknown."""
    return None if any(persons is None for _, persons in rows) else sum(int(persons) * count for (_, persons), count in rows.items())


def _sum_of(rows: Counter[tuple[Any, ...]]) -> int | None:
    """Sum of counted numbers of which none is unknown; None for no number at all."""
    return None if not rows or any(number is None for (number,) in rows) else sum(int(number) * count for (number,), count in rows.items())


def unplaced(q: Any, area: str) -> pd.DataFrame:
    """Households that may belong to ``area`` although the village table does not have their village (村名不在行政村表中的户)."""
    here, county = place(q, area), q.rules.value("area.county")["code"]
    rows = _part(q, "unplaced", place(q, county))
    if here.level == "county":
        return rows
    return rows[rows["township_code"].isin([area[:9], f"{county}000"])]


def register_totals(q: Any) -> dict[str, int | None]:
    """What the register of the whole county adds up to (全县合计), by the series of :data:`PUBLISHED`."""
    rows, poor_villages = register(q, q.rules.value("area.county")["code"]), q.villages[q.villages["village_kind"].isin(["province", "city"])]
    out = rows[rows["poverty_status"] == "out"]
    groups = {"": rows, "out_": out, "not_out_": rows[rows["poverty_status"].isin(POOR)], "exits_": out[out["exit_year"] == 2017]}
    left, gone = (poor_villages[poor_villages["village_status"] == status] for status in ("not_out", "out"))
    this_year, rural = gone[gone["exit_year"] == 2017], q.villages["rural_population_persons"]
    counts = {
        "poor_villages_province": int((poor_villages["village_kind"] == "province").sum()),
        "poor_villages_city": int((poor_villages["village_kind"] == "city").sum()),
        "villages_out": len(gone),
        "villages_not_out": len(left),
        "villages_not_out_city": int((left["village_kind"] == "city").sum()),
        "villages_exits": len(this_year),
        "villages_exits_city": int((this_year["village_kind"] == "city").sum()),
        "rural_population_persons": _whole_sum(rural),
    }
    for name, part in groups.items():
        counts |= {f"{name}households": len(part), f"{name}persons": persons_sum(part)}
    return {f"county.{name}": count for name, count in counts.items()}


def indicator(q: Any, area: str, name: str, period: str, group: tuple[str, str] = ("all", "all")) -> Value:
    """One value of the indicator table (指标值); ``no_value`` where the table has no such row."""
    level = place(q, area).level
    reads.note_part(q, "table indicators", area)
    with reads.paused():
        values = _kept(q, ("indicator values", level, group[0]), lambda: _values(q.indicators, level, group[0]))
    return Value(*values.get((area, name, period, group[1]), (None, "no_value")))


def _values(table: pd.DataFrame, level: str, group_kind: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """What :class:`Value` takes, by area, indicator, period and group."""
    table = table[(table["level"] == level) & (table["group_kind"] == group_kind)]
    keys = zip(*(table[name].tolist() for name in ("area_code", "indicator", "period", "group_value")), strict=True)
    columns = (table[name].astype(object).where(table[name].notna(), None).tolist() for name in Value._fields)
    return dict(zip(keys, zip(*columns, strict=True), strict=True))


def measure(q: Any, area: str, name: str) -> Value:
    """One of :data:`MEASURES` for an area (跟踪指标的值); None with a reason code where it is unknown."""
    if name in _INDICATORS:
        return indicator(q, area, *_INDICATORS[name])
    if name in _VERDICTS:
        rows = _tally(q, "exit", area, "poverty_status", "verdict")
        return Value(sum(count for (status, verdict), count in rows.items() if status in POOR and verdict == _VERDICTS[name]))
    if name == "unknown_income":
        return Value(sum(count for (reason,), count in _tally(q, "income quarter", area, "reason_code").items() if reason is not None))
    value = stock(q, area)[name]
    return Value(value, None if value is not None else "population_unknown" if name == "incidence" else "register_unknown")


def earlier_quarters(q: Any, area: str) -> list[tuple[str, str, Any]]:
    """The quarters that a page compares with (对比季度): short name, why not comparable ("" where it is), the quarter.

    A quarter that was not made, or whose register does not know the area, is not comparable.
    """
    found = []
    for term, other in (("上季", q.previous), ("上年同季", q.year_ago)):
        if other is None:
            found.append((term, f"没有{term}数据", None))
        elif area not in other.area_names or not _tally(other, "register", area, "poverty_status", "registered_persons"):
            found.append((term, f"{term}名册没有该地区", None))
        else:
            found.append((term, "", other))
    return found


def not_comparable(q: Any, other: Any, name: str) -> str:
    """Why a measure of two quarters may not be compared (不可比的原因), "" where it may.

    Verdicts of a part-year income depend on how many quarters it holds.
    """
    if name not in _VERDICTS:
        return ""
    expected = [set(part.loc[part["period"] == "ytd", "quarters_expected"].dropna()) for part in (_spans(q), _spans(other))]
    return "" if expected[0] == expected[1] else "本年度累计的季数不同"


def only_part_year(rows: pd.DataFrame) -> pd.Series:
    """Rows of :func:`exit_rows` that lack nothing but the rest of the year's income (只差年度未满)."""
    guarantees = [column for column in TESTS if column != "income_outcome"]
    return (rows["income_outcome"] == "not_yet").fillna(False) & (rows[guarantees] == "met").fillna(False).all(axis=1)


def verdict_counts(rows: pd.DataFrame) -> dict[str, tuple[int, int | None]]:
    """Households and persons by verdict (评估结论) of rows from :func:`exit_rows`."""
    rows = rows[["verdict", "registered_persons"]]
    return {verdict: (len(part), persons_sum(part)) for verdict in CODES["verdict"] for part in [rows[rows["verdict"] == verdict]]}


def outcome_counts(rows: pd.DataFrame, columns: Iterable[str] = TESTS) -> pd.DataFrame:
    """Households by outcome of each condition (各项条件): met, not_met, not_yet, unknown.

    A part-year income that has passed the year's line counts as met; one that has not yet is neither met nor not met, and stands in ``not_yet``.
    """
    found = []
    for column in columns:
        counts = Counter(rows[column].fillna("unknown").tolist())
        met = counts["met"] + counts["already_reached"]
        found.append({"test": TESTS[column][1], "rule_key": TESTS[column][0], "met": met, **{one: counts[one] for one in ("not_met", "not_yet", "unknown")}})
    return pd.DataFrame(found)


def deciding_rules(q: Any, area: str) -> dict[str, Any]:
    """Rules that decide a verdict or a rate on this page, in the order of the calculation."""
    rules, level = q.rules, place(q, area).level
    keys = ["headcount.rule", f"headcount.{rules.value('headcount.rule')}", "period.rule", f"period.{rules.value('period.rule')}", "income.source"]
    found = {key: rules[key] for key in keys}
    line = rules.line(int(q.quarter[:4]))
    found["line.basis"] = rules["line.basis"]
    if line is not None:
        found[line.key] = line
    tests = ["exit.household.", "exit.village."] + (["exit.county."] if level == "county" else [])
    return found | {one.key: one for prefix in tests for one in rules.under(prefix)}


def _register(q: Any) -> pd.DataFrame:
    heads = q.headcounts[["household_id", "registered_persons", "headcount_persons"]]
    return _kept(q, "register", lambda: q.households.merge(heads, on="household_id", how="left", validate="1:1"))


def _whole(q: Any, name: str) -> pd.DataFrame:
    """A table, joined with the register for the whole county, by the name that :func:`_part` knows it by."""
    kind, _, rest = name.partition(" ")
    if kind == "register":
        return _register(q)
    if kind == "villages":
        return q.villages
    if kind == "exit":
        return _register(q).merge(q.household_exit.drop(columns="headcount_persons"), on="household_id", how="inner", validate="1:1")
    if kind == "income":
        rows = q.household_income[q.household_income["period"] == rest].drop(columns="headcount_persons")
        return _register(q).merge(rows, on="household_id", how="inner", validate="1:1")
    if kind == "spans":
        return q.household_income[["period", "first_quarter", "last_quarter", "quarters_expected"]].drop_duplicates().reset_index(drop=True)
    if kind == "unplaced":
        return q.households[~q.households["village_code"].isin(q.villages["village_code"])]
    table, *columns = rest.split(" ")
    whole = getattr(q, table)
    return whole[columns] if columns else whole


def _part(q: Any, name: str, here: Place) -> pd.DataFrame:
    """The rows of an area of a table that is joined once for all areas; a shallow copy, so that a caller's new column is the caller's own."""
    reads.note_part(q, name, here.code)
    with reads.paused():
        return _kept(q, ("part", name, here.code), lambda: _taken(q, name, here.code)).copy(deep=False)


def _tally(q: Any, name: str, area: str, *columns: str) -> Counter[tuple[Any, ...]]:
    """Rows of an area of a joined table, counted by what stands in some columns (分组计数; None: unknown): all areas of a level are counted at once."""
    level = place(q, area).level
    reads.note_part(q, name, area)
    with reads.paused():
        return _kept(q, ("tally", name, level, columns), lambda: _tallied(q, name, level, columns)).get(area, Counter())


def _tallied(q: Any, name: str, level: str, columns: tuple[str, ...]) -> dict[Any, Counter[tuple[Any, ...]]]:
    whole = _kept(q, name, lambda: _whole(q, name))
    county = q.rules.value("area.county")["code"]
    owners = [county] * len(whole) if level == "county" else whole[f"{level}_code"].tolist()
    values = zip(*([None if missing else value for value, missing in zip(whole[one], whole[one].isna(), strict=True)] for one in columns), strict=True)
    counts: dict[Any, Counter[tuple[Any, ...]]] = {}
    for owner, value in zip(owners, values, strict=True):
        counts.setdefault(owner, Counter())[value] += 1
    return counts


def _taken(q: Any, name: str, area: str) -> pd.DataFrame:
    where, whole = positions(q, name, area)
    return whole if where is None else whole.take(where).reset_index(drop=True)


def positions(q: Any, name: str, area: str) -> tuple[Any, pd.DataFrame]:
    """Where the rows of an area stand in a joined table (行位置; None: all of them), and the table."""
    whole = _kept(q, name, lambda: _whole(q, name))
    level = _LEVELS[len(area)]
    column = f"{level}_code"
    table = getattr(q, name.split(" ")[1]) if name.startswith("table ") else whole
    if "area_code" in table:
        column = "area_code"
    elif level == "county":
        return None, whole

    def owners() -> dict[Any, Any]:
        codes = table[column] if column in table else table["household_id"].map(_register(q).drop_duplicates("household_id").set_index("household_id")[column])
        return codes.reset_index(drop=True).groupby(codes.to_numpy(), sort=False).indices

    return _kept(q, (name, column), owners).get(area, np.empty(0, dtype=np.intp)), whole


def _kept(q: Any, name: Any, make: Callable[[], Any]) -> Any:
    try:
        kept = _KEPT.setdefault(q, {})
    except TypeError:  # tables handed over in a plain holder, which cannot be watched for its end
        return make()
    if name not in kept:
        with reads.recorded() as seen:
            value = make()
        kept[name] = value, frozenset(seen)
    value, seen = kept[name]
    reads.note_all(seen)  # also where it was made before: who takes it has read what it was made from
    return value


def _whole_sum(counts: pd.Series) -> int | None:
    """Sum of counts of which none is unknown; None for no count at all."""
    return None if counts.empty or counts.isna().any() else int(counts.sum())


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value
