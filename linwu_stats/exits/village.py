"""Exit of villages (贫困村退出): incidence, collective income, infrastructure and services.

Takes households on any engine that narwhals knows; villages are few, so the table is pandas. Shares are compared as exact fractions.
Source: 厅字〔2016〕16号 (贫困发生率), 湘办〔2016〕31号 (村集体经济收入, 基础设施和公共服务).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import narwhals as nw
import pandas as pd

from linwu_stats.exits.compare import exact, holds, one, refuse_sign, true
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import POOR, TABLES, conform, require

__all__ = ["POOR", "Poor", "assess_villages", "count_poor", "incidence_outcome", "rows_of"]


class Poor(NamedTuple):
    """Poor persons of an area: those certainly poor, those poor at most (status unknown included), both None where a size is unknown."""

    least: int | None
    most: int | None

    @property
    def persons(self) -> int | None:
        """The number, None where it is not certain."""
        return self.least if self.least == self.most else None


def assess_villages(villages: Any, households: Any, headcounts: Any, rules: Rules, *, whole_year: bool | None = None) -> pd.DataFrame:
    """Assess every village (贫困村退出评估): ``villages``, ``households``, ``headcounts`` to ``village_exit``, one row per village.

    Poor persons are the registered persons of households that are not out, before exit or returned. Rules: exit.village.incidence (its denominator column
    of ``villages``), exit.village.collective_income, exit.village.infrastructure. The collective income is that of the calendar year so far:
    ``whole_year`` says whether the year has ended (by default, whether ``rules.day`` is 31 December); before that a sum short of the rule is unknown,
    never not_met. Poor villages (省级, 市级) have a verdict: meets_exit if all three are met, not_out if one is not_met, else unknown; so has a village
    whose kind is unknown. Villages that are not poor have none. A denominator of 0 or unknown makes the incidence unknown; a household of unknown
    status only where it could decide. A household whose village is not in ``villages`` may belong to any village of its township (to any village at all
    where the township is unknown too): its persons are poor at most. ``missing`` lists rule keys, not_met first.
    """
    require(villages, "villages")
    poor, known = count_poor(households, headcounts, "village_code"), {village["village_code"] for village in rows_of(villages, "villages")}
    lost = {code: found for code, found in poor.items() if code not in known}
    ended = (rules.day.month, rules.day.day) == (12, 31) if whole_year is None else whole_year
    rows = [_assess(village, _perhaps_more(village, poor, lost), rules, ended) for village in rows_of(villages, "villages")]
    return conform(pd.DataFrame(rows, columns=TABLES["village_exit"].names, dtype=object), "village_exit")


def count_poor(households: Any, headcounts: Any, by: str) -> dict[str, Poor]:
    """Poor persons by ``village_code`` or ``township_code`` (未脱贫人口): from ``households`` and ``headcounts.registered_persons``."""
    require(households, "households", "household_id", by, "poverty_status")
    require(headcounts, "headcounts", "household_id", "registered_persons")
    heads = nw.from_native(headcounts).select("household_id", "registered_persons")
    status, persons = nw.col("poverty_status"), nw.col("registered_persons")
    rows = nw.from_native(households).select("household_id", by, "poverty_status").join(heads, on="household_id", how="left")
    surely, perhaps = true(status.is_in(list(POOR))) & ~status.is_null(), status.is_null()
    zero = nw.lit(0).cast(nw.Int64)
    sums = rows.select(
        by, _least=nw.when(surely).then(persons.fill_null(0)).otherwise(zero), _more=nw.when(perhaps).then(persons.fill_null(0)).otherwise(zero),
        _sizeless=one((surely | perhaps) & persons.is_null()),
    ).group_by(by).agg(nw.col("_least", "_more", "_sizeless").sum())
    counted = {}
    for row in sums.lazy().collect("pyarrow").to_native().to_pylist():
        least, most = int(row["_least"]), int(row["_least"] + row["_more"])
        counted[row[by]] = Poor(None, None) if row["_sizeless"] else Poor(least, most)
    return counted


def incidence_outcome(poor: Poor, denominator: int | None, rule: Rule) -> str:
    """Outcome of an incidence rule (贫困发生率是否达标): unknown where denominator, sizes or undecided statuses leave it open."""
    if not denominator or denominator < 0 or poor.least is None or poor.most is None:
        return "unknown"
    sign, bound = refuse_sign(rule, "<", "<="), exact(rule.value["share"]) * denominator
    least, most = holds(poor.least, sign, bound), holds(poor.most, sign, bound)
    return "unknown" if least != most else "met" if least else "not_met"


def rows_of(frame: Any, name: str) -> list[dict[str, Any]]:
    """A small table as plain rows, unknown as None; columns that it lacks are unknown, as ``conform`` has it."""
    plain = nw.from_native(frame).lazy().collect("pyarrow").to_native().to_pylist()
    return [{column: row.get(column) for column in TABLES[name].names} for row in plain]


def denominator_of(rule: Rule) -> str:
    """The column of ``villages`` that a rule divides by; raises ``ValueError`` where there is none."""
    column = rule.value["denominator"]
    if column not in ("rural_population_persons", "resident_population_persons"):
        raise ValueError(
            f"{rule.key}({rule.term}): the denominator {column!r} is no column of villages (分母有误); "
            "choose rural_population_persons or resident_population_persons in the law"
        )
    return column


def _perhaps_more(village: dict[str, Any], poor: dict[str, Poor], lost: dict[str, Poor]) -> Poor:
    own = poor.get(village["village_code"], Poor(0, 0))
    perhaps = [found for code, found in lost.items() if code is None or code.startswith((str(village["township_code"]), f"{code[:6]}000"))]
    if own.least is None or any(found.most is None for found in perhaps):
        return Poor(None, None)
    return Poor(own.least, own.most + sum(found.most for found in perhaps))


def _assess(village: dict[str, Any], poor: Poor, rules: Rules, year_ended: bool) -> dict[str, Any]:
    rule = rules["exit.village.incidence"]
    denominator = village[denominator_of(rule)]
    outcomes = {
        rule.key: incidence_outcome(poor, denominator, rule),
        "exit.village.collective_income": _collective(village["collective_income_fen"], rules["exit.village.collective_income"], year_ended),
        "exit.village.infrastructure": _infrastructure(village, rules["exit.village.infrastructure"]),
    }
    assessed = village["village_kind"] != "none"
    missing = [key for wanted in ("not_met", "unknown") for key, outcome in outcomes.items() if outcome == wanted] if assessed else []
    return {
        **{name: village[name] for name in ("village_code", "township_code", "village_kind", "village_status", "collective_income_fen")},
        "poor_persons": poor.persons, "denominator_persons": denominator,
        "incidence_share": poor.persons / denominator if denominator and denominator > 0 and poor.persons is not None else None,
        **dict(zip(("incidence", "collective_income", "infrastructure"), outcomes.values(), strict=True)),
        "verdict": _verdict(set(outcomes.values())) if assessed else None, "missing": " ".join(missing),
    }


def _collective(fen: int | None, rule: Rule, year_ended: bool) -> str:
    if fen is None:
        return "unknown"
    if holds(fen, refuse_sign(rule, ">", ">="), exact(rule.value["yuan"]) * 100):
        return "met"
    return "not_met" if year_ended else "unknown"


def _infrastructure(village: dict[str, Any], rule: Rule) -> str:
    strange = [name for name in rule.value["needs"] if name not in TABLES["villages"].names]
    if strange:
        raise ValueError(f"{rule.key}({rule.term}): no columns of villages: {', '.join(strange)} (没有该指标); correct needs in the law")
    values = [village[name] for name in rule.value["needs"]]
    return "not_met" if False in values else "unknown" if None in values else "met"


def _verdict(outcomes: set[str]) -> str:
    return "not_out" if "not_met" in outcomes else "unknown" if "unknown" in outcomes else "meets_exit"
