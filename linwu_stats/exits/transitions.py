"""What changed between two quarters, and why (两季之间的状态变动).

Written once with narwhals: pandas or DuckDB, same kind out as in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import narwhals as nw

from linwu_stats.exits.compare import first_true, true, yuan
from linwu_stats.tables import POOR, conform, label, require

__all__ = ["REASONS", "compare_quarters", "explain_why"]

#: Codes of ``why`` that stand alone.
REASONS = {
    "registered": "本期新进入名册",
    "removed": "本期不在名册",
    "out_against_verdict": "本期标为已脱贫，但评估结论不支持",
    "back_against_verdict": "本期标为返贫或未脱贫，但评估结论为符合退出条件",
}

#: What may change: name in a code, column of the compared rows, code list of its values.
_CHANGES = {
    "status": ("poverty_status", "脱贫属性", "poverty_status"),
    "verdict": ("verdict", "评估结论", "verdict"),
    "income": ("income_outcome", "收入", "income_outcome"),
    **{name: (name, term, "outcome") for name, term in {
        "food": "不愁吃", "clothing": "不愁穿", "education": "义务教育", "medical": "基本医疗", "housing": "住房安全", "water": "饮水安全",
    }.items()},
    "headcount": ("headcount_persons", "计算人口", ""),
    "line": ("line_fen", "扶贫标准", ""),
    "period": ("period", "核算期", "period"),
}
_EXIT = [column for column, _, _ in _CHANGES.values() if column not in ("poverty_status", "headcount_persons")]


def compare_quarters(before: Mapping[str, Any], now: Mapping[str, Any]) -> Any:
    """Compare two quarters (状态变动): to ``transitions``, one row per household of either quarter.

    Each mapping holds the tables ``households``, ``headcounts`` and perhaps ``household_exit`` of one quarter; what is not compared is then the
    assessment. ``transition``: newly_out (poor, then out), fallen_back (out, then poor), newly_registered, left_register, stayed_poor, stayed_out, or unknown
    where a status is. ``persons`` are the registered ones now, of a household that left those before. ``why`` holds codes separated by a space, such as
    ``status:not_out>out income:not_yet>met headcount:4>5 line:333500>353500`` (fen), with ``unknown`` for what is not known, also for what did not
    change the status; :func:`explain_why` words them. Households that came or left have ``registered`` or ``removed``.
    """
    old, new = _quarter(before, "_before"), _quarter(now, "_now")
    assessed = "household_exit" in before and "household_exit" in now
    ids = nw.concat([old.select("household_id"), new.select("household_id")]).unique()
    rows = ids.join(old, on="household_id", how="left").join(new, on="household_id", how="left")
    here, was_here = ~nw.col("_there_now").is_null(), ~nw.col("_there_before").is_null()
    poor, was_poor = _poor("poverty_status_now"), _poor("poverty_status_before")
    out, was_out = true(nw.col("poverty_status_now") == "out"), true(nw.col("poverty_status_before") == "out")
    rows = rows.with_columns(
        transition=first_true(
            ("newly_registered", ~was_here), ("left_register", ~here), ("newly_out", was_poor & out), ("fallen_back", was_out & poor),
            ("stayed_poor", was_poor & poor), ("stayed_out", was_out & out), ("unknown", here),
        )
    )
    rows = rows.select(
        "household_id", "transition",
        **{name: nw.when(here).then(nw.col(f"{name}_now")).otherwise(nw.col(f"{name}_before")) for name in ("township_code", "village_code")},
        persons=nw.when(here).then(nw.col("registered_persons_now")).otherwise(nw.col("registered_persons_before")),
        status_before=nw.col("poverty_status_before"), status_now=nw.col("poverty_status_now"),
        verdict_before=nw.col("verdict_before"), verdict_now=nw.col("verdict_now"), why=_why(here, was_here, assessed),
    )
    return conform(rows.to_native(), "transitions")


def explain_why(codes: str | Iterable[str] | None) -> str:
    """Codes of ``transitions.why`` in Chinese (变动原因说明): ``脱贫属性由未脱贫变为已脱贫；计算人口由 4 人变为 5 人``; nothing for nothing."""
    if codes is None or not isinstance(codes, str | Iterable):
        return ""
    return "；".join(_worded(code) for code in (codes.split() if isinstance(codes, str) else codes))


def _quarter(tables: Mapping[str, Any], suffix: str) -> Any:
    """Register, head count and assessment of one quarter side by side, every column with the suffix."""
    for name, columns in (("households", ("household_id", "township_code", "village_code", "poverty_status")), ("headcounts", ())):
        if name not in tables:
            raise ValueError(f"the table {name} is missing from the quarter {suffix.strip('_')} (缺少数据表); there are: {', '.join(sorted(tables))}")
        require(tables[name], name, *columns)
    rows = nw.from_native(tables["households"]).select("household_id", "township_code", "village_code", "poverty_status", _there=nw.lit(1))
    heads = nw.from_native(tables["headcounts"]).select("household_id", "registered_persons", "headcount_persons")
    rows = rows.join(heads, on="household_id", how="left")
    names = ["_there", "township_code", "village_code", "poverty_status", "registered_persons", "headcount_persons"]
    if "household_exit" in tables:
        require(tables["household_exit"], "household_exit", *_EXIT)
        rows = rows.join(nw.from_native(tables["household_exit"]).select("household_id", *_EXIT), on="household_id", how="left")
        names += _EXIT
    else:
        rows = rows.with_columns(verdict=nw.lit(None).cast(nw.String))
        names.append("verdict")
    return rows.select("household_id", **{f"{name}{suffix}": nw.col(name) for name in names})


def _poor(column: str) -> nw.Expr:
    return true(nw.col(column).is_in(list(POOR))) & ~nw.col(column).is_null()


def _why(here: nw.Expr, was_here: nw.Expr, assessed: bool) -> nw.Expr:
    """Codes of what changed, each after a space; the first space is taken off."""
    both = here & was_here
    changes = [_change(name, column, both) for name, (column, _, _) in _CHANGES.items() if assessed or column not in _EXIT]
    came, went = nw.col("transition") == "newly_out", nw.col("transition") == "fallen_back"
    verdict = nw.col("verdict_now")
    doubts = [_said("out_against_verdict", came & true(verdict == "not_out")), _said("back_against_verdict", went & true(verdict == "meets_exit"))]
    return nw.concat_str(_said("registered", ~was_here), _said("removed", ~here), *changes, *doubts).str.strip_chars(" ")


def _change(name: str, column: str, both: nw.Expr) -> nw.Expr:
    before, now = (nw.col(f"{column}_{when}").cast(nw.String).fill_null("unknown") for when in ("before", "now"))
    return nw.when(both & (before != now)).then(nw.concat_str(nw.lit(f" {name}:"), before, nw.lit(">"), now)).otherwise(nw.lit(""))


def _said(code: str, condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(f" {code}")).otherwise(nw.lit(""))


def _worded(code: str) -> str:
    name, colon, change = code.partition(":")
    if not colon or name not in _CHANGES:
        return REASONS.get(code, code)
    _, term, codes = _CHANGES[name]
    before, _, now = change.partition(">")
    return f"{term}由{_value(name, before, codes)}变为{_value(name, now, codes)}"


def _value(name: str, value: str, codes: str) -> str:
    if value == "unknown":
        return "不能判定" if name == "verdict" else "未知"
    if codes:
        return label(codes, value)
    return f" {value} 人" if name == "headcount" else f" {yuan(int(value))} 元"
