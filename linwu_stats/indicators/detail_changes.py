"""Tables of change and of several lacks at once: growth and redistribution, exits, multidimensional poverty, curves (变动、多维贫困与曲线表)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.indicators.decompose import explain_exits, growth_redistribution
from linwu_stats.indicators.decompose.parts import incomes
from linwu_stats.indicators.detail import Area, Registers, areas_of, counted, highest_known, with_unknown
from linwu_stats.indicators.dominance import growth_incidence, lorenz_curve
from linwu_stats.indicators.make import ANNUAL_PERIODS
from linwu_stats.indicators.multidimensional import alkire_foster, deprivations_of
from linwu_stats.rules import Rules
from linwu_stats.survey import weighted_quantile
from linwu_stats.tables import CODES, POOR, conform, empty

__all__ = ["TESTS", "make_changes", "make_lorenz", "make_multidimensional"]

#: Conditions of an exit, columns of the exit assessment, and their terms.
TESTS: dict[str, str] = {
    "income_outcome": "收入", "food": "不愁吃", "clothing": "不愁穿", "education": "义务教育", "medical": "基本医疗", "housing": "住房安全",
    "water": "饮水安全",
}
PERCENTS = tuple(range(0, 101, 5))
_METHODS = {"growth": "datt_ravallion", "shapley": "shapley"}
_PARTS = ("before", "now", "change", "growth", "redistribution", "line", "residual")

Tables = Mapping[str, pd.DataFrame]


def make_changes(
    registers: Registers, tables: Tables, rules: Rules, *, line_year: Mapping[str, int], year_ago: Registers | None = None, previous: Tables | None = None,
    poor_sign: str = "<",
) -> pd.DataFrame:
    """What moved poverty since a year ago, and exits since the last quarter (变动分解): table ``indicator_changes``.

    ``registers`` and ``year_ago``: from :func:`~linwu_stats.indicators.detail.read_registers`; ``tables`` and ``previous``: households, headcounts and
    household_exit of now and of the quarter before. Growth and redistribution of
    FGT 0 to 2: of a whole year against the lines of both years (nominal incomes, the line's own change is the factor ``line``); of part of a year against
    the rule indicator.change.line, a share of the median of a year ago, which judges nobody. Households with known income only, so the two registers may
    differ in who is known: the counts are those of now.

    Exits: households that meet all conditions, of the whole register and of those not out, by exact Shapley values of the conditions; ``register`` is what came
    into and left that population. Nothing where there is no earlier quarter.
    """
    rows: list[dict[str, Any]] = []
    for period in CODES["period"] if year_ago is not None else ():
        before = {area.code: area for area in areas_of(year_ago[period], rules)}
        for area in areas_of(registers[period], rules):
            rows += _growth(area, before.get(area.code), period, rules, line_year, poor_sign)
    if previous is not None:
        rows += _exits(tables, previous, rules)
    return conform(pd.DataFrame(rows) if rows else empty("indicator_changes"), "indicator_changes")


def _growth(area: Area, then: Area | None, period: str, rules: Rules, line_year: Mapping[str, int], poor_sign: str) -> list[dict[str, Any]]:
    reason = area.reason or ("no_year_ago" if then is None or not len(then.rows) else "year_ago_unknown" if then.reason else "")
    lines: tuple[int | None, int | None] = (None, None)
    if not reason:
        lines = _lines(then, period, rules, line_year)
        reason = "" if lines[0] and lines[1] else "no_line"
    place = {"level": area.level, "area_code": area.code, "period": period, "line_before_fen": lines[0], "line_now_fen": lines[1], **area.counts}
    rows = []
    designs = None if reason else (survey.register(then.known), survey.register(area.known))
    for kind, method in _METHODS.items():
        for alpha in (0, 1, 2):
            values, why = dict.fromkeys(_PARTS), reason
            if designs:
                found = growth_redistribution(*designs, "net_fen", lines, alpha=alpha, method=method, headcount="heads", sign=poor_sign)
                values = {name: found.value(name, "index") for name in _PARTS}
                why = found.reasons.get(("change", "index"), "")
            rows += [
                {**place, "kind": kind, "measure": f"fgt{alpha}", "factor": name, "value": _null(value), "reason_code": why or None}
                for name, value in values.items() if not (name == "residual" and kind == "shapley")
            ]
    return rows


def _lines(then: Area, period: str, rules: Rules, line_year: Mapping[str, int]) -> tuple[int | None, int | None]:
    """Lines in fen of a year ago and of now: the law's for a whole year, else one share of the median of a year ago for both."""
    if period in ANNUAL_PERIODS:
        return rules.line_fen(line_year[period] - 1), rules.line_fen(line_year[period])
    known = then.known
    median = weighted_quantile(known["net_fen"].astype(float) / known["heads"].astype(float), known["heads"].astype(float), 0.5)
    line = round(median * float(rules.value("indicator.change.line")["median_share"]))
    return (line, line) if line > 0 else (None, None)


def _exits(tables: Tables, previous: Tables, rules: Rules) -> list[dict[str, Any]]:
    now, before = (_assessed(one) for one in (tables, previous))
    rows = []
    county = str(rules.value("area.county")["code"])
    codes = sorted({rule.key.removeprefix("township.") for rule in rules.under("township.")} | set(now["township_code"]))
    for level, code in (("county", county), *(("township", code) for code in codes)):
        here, then = (one if level == "county" else one[one["township_code"] == code] for one in (now, before))
        for measure in ("all", "poor"):
            parts = [one if measure == "all" else one[one["poverty_status"].isin(POOR)] for one in (then, here)]
            found = explain_exits(parts[0][list(TESTS)], parts[1][list(TESTS)], TESTS, persons=here["persons"], persons_before=then["persons"])
            undecided = ~parts[1][list(TESTS)].isin(["met", "already_reached", "not_met"]).all(axis=1)
            counts = counted(parts[1].rename(columns={"persons": "size_persons"}), ~undecided)
            change = found.set_index("factor")[["households", "persons"]]
            extra = pd.DataFrame([{
                "factor": "change", "households": change.loc["now", "households"] - change.loc["before", "households"],
                "persons": change.loc["now", "persons"] - change.loc["before", "persons"], "from_unknown": np.nan,
            }])
            rows += [
                {
                    "level": level, "area_code": code, "kind": "exits", "period": "ytd", "measure": measure, "factor": one["factor"],
                    "value": one["households"], "value_persons": _null(one["persons"]), "undecided": _null(one["from_unknown"]), "reason_code": None, **counts,
                }
                for one in pd.concat([found, extra]).to_dict("records")
            ]
    return rows


def _assessed(tables: Tables) -> pd.DataFrame:
    """Exit outcomes of every household with township, status and persons on the register."""
    persons = tables["headcounts"].set_index("household_id")["registered_persons"]
    register = tables["households"].set_index("household_id")[["township_code", "poverty_status"]].assign(persons=persons)
    return register.join(tables["household_exit"].set_index("household_id")[list(TESTS)])


def make_multidimensional(household_exit: pd.DataFrame, households: pd.DataFrame, headcounts: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Multidimensional poverty on the guarantees of county and townships (多维贫困): table ``indicator_multidimensional``.

    Persons on the register; deprived is an outcome ``not_met``, and everything not decided is unknown. ``low`` and ``high`` are of all persons, over all that
    the unknown may be. ``value``: where both are equal that of everybody, else of the persons for whom all is decided (who differ from the others, so that
    it may lie a little outside). Rules: indicator.mpi.weights, indicator.mpi.cutoff.
    """
    dimensions = rules.value("indicator.mpi.weights")["dimensions"]
    weights = {name: weight for one in dimensions for name, weight in one["indicators"].items()}
    member = {name: one["name"] for one in dimensions for name in one["indicators"]}
    cutoff = rules.value("indicator.mpi.cutoff")["cutoff"]
    table = _assessed({"household_exit": household_exit, "households": households, "headcounts": headcounts})
    lacks = deprivations_of(table, list(weights))
    known = table["persons"].fillna(0).gt(0) & lacks.notna().all(axis=1)
    frame = pd.concat([table[["township_code"]], lacks], axis=1).assign(size_persons=table["persons"], known=known.astype(bool)).reset_index()
    rows = []
    for area in areas_of(frame, rules):
        rows += [{"level": area.level, "area_code": area.code, **one, **area.counts} for one in _lacks(area, weights, cutoff, member)]
    return conform(pd.DataFrame(rows), "indicator_multidimensional")


def _lacks(area: Area, weights: Mapping[str, str], cutoff: str, member: Mapping[str, str]) -> list[dict[str, Any]]:
    sized = area.rows[area.rows["size_persons"].fillna(0) > 0]
    keys = [("whole", one) for one in ("H", "A", "M0")] + [(name, one) for one in ("uncensored", "censored", "contribution_share") for name in weights]
    keys += [(name, "dimension_share") for name in dict.fromkeys(member.values())]
    known, both = None, None
    arguments = {"weights": weights, "k": cutoff, "dimensions": member, "headcount": "size_persons"}
    if len(area.known):
        known = alkire_foster(survey.register(area.known), list(weights), **arguments)
    whole = len(sized) == len(area.rows)
    if len(sized) and whole:
        both = alkire_foster(survey.register(sized), list(weights), unknown="bounds", **arguments)
    rows = []
    for name, measure in keys:
        value = None if known is None else _null(known.value(name, measure))
        reason = area.reason if known is None else known.reasons.get((name, measure)) or (None if whole else "headcount_unknown")
        low, high = (None, None) if both is None else (_null(both.value(name, f"{measure}_{end}")) for end in ("low", "high"))
        value = low if low is not None and low == high else value
        rows.append({"measure": measure, "indicator": "all" if name == "whole" else name, "value": value, "low": low, "high": high, "reason_code": reason})
    return rows


def make_lorenz(registers: Registers, rules: Rules, *, year_ago: Registers | None = None) -> pd.DataFrame:
    """Lorenz curve, generalised Lorenz curve, quantiles and their growth on a year ago (洛伦兹曲线与增长发生曲线): table ``indicator_lorenz``.

    Of county and townships in every period, at each 5 per cent of persons; quantiles and growth at 5 to 95. A loss makes the curve begin below 0; a mean of 0
    or less leaves it without values. Growth on a quantile of 0 or less is null; its ends are over all incomes that the unknown may have
    between 0 and the highest known one of the county. Incomes are nominal.
    """
    rows = []
    for period, frame in registers.items():
        before = {} if year_ago is None else {area.code: area for area in areas_of(year_ago[period], rules)}
        highest = tuple(highest_known(one) for one in ((frame,) if year_ago is None else (frame, year_ago[period])))
        for area in areas_of(frame, rules):
            place = {"level": area.level, "area_code": area.code, "period": period, **area.counts}
            rows += [{**place, **one} for one in _curve(area, before.get(area.code), highest)]
    return conform(pd.DataFrame(rows), "indicator_lorenz")


def _curve(area: Area, then: Area | None, highest: tuple[float, ...]) -> list[dict[str, Any]]:
    reason = area.reason or ("single_household" if len(area.known) == 1 else "")
    if reason:
        return [{"percent": one, "reason_code": reason} for one in PERCENTS]
    design = survey.register(area.known)
    shares = np.array(PERCENTS) / 100
    curve = lorenz_curve(design, "net_fen", shares, headcount="heads")
    general = lorenz_curve(design, "net_fen", shares, generalised=True, headcount="heads")
    rows = [
        {"percent": percent, "lorenz": _null(one), "generalised_yuan": _null(two / 100), "reason_code": _null(why)}
        for percent, one, two, why in zip(PERCENTS, curve["value"], general["value"], curve["reason"], strict=True)
    ]
    if then is None or not len(then.known):
        seen, _ = incomes(design, "net_fen", headcount="heads")
        cuts = [weighted_quantile(seen.values, seen.weights, one / 100) for one in PERCENTS[1:-1]]
        for row, cut in zip(rows[1:-1], cuts, strict=True):
            row["quantile_yuan"] = cut / 100
        return rows
    grown = growth_incidence(survey.register(then.known), design, "net_fen", shares=shares[1:-1], headcount="heads")
    low, high = ([None] * len(grown), [None] * len(grown)) if pd.isna(area.counts["unknown_persons"]) or pd.isna(then.counts["unknown_persons"]) else (
        growth_incidence(_filled(then, old), _filled(area, new), "net_fen", shares=shares[1:-1], headcount="heads")["growth"]
        for old, new in ((highest[1], 0.0), (0.0, highest[0]))
    )
    for row, least, most in zip(rows[1:-1], low, high, strict=False):
        row |= {"growth_low": _null(least), "growth_high": _null(most)}
    for row, one in zip(rows[1:-1], grown.to_dict("records"), strict=False):
        row |= {"quantile_yuan": one["now"] / 100, "quantile_year_ago_yuan": one["before"] / 100, "growth": _null(one["growth"])}
        row["reason_code"] = row["reason_code"] or _null(one["reason"])
    return rows


def _filled(area: Area, percapita_fen: float) -> survey.Design:
    """The known households of an area, and all persons of unknown income as one more at an income per person."""
    heads, net = with_unknown(*(area.known[name].to_numpy(dtype="int64") for name in ("heads", "net_fen")), int(area.counts["unknown_persons"]), percapita_fen)
    return survey.register(pd.DataFrame({"heads": heads, "net_fen": net}))


def _null(value: Any) -> Any:
    """A number that is none is null."""
    return None if pd.isna(value) else value
