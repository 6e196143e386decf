"""Groups of the monitoring rule (监测对象分组), from margin, dependence and probability.

脱贫不稳定户: out, income within the range of the rule (``multiple`` × line by ``sign``), and at one of the rule's ``risks``: not above the line now, passing
by one class, item, worker or transfer alone, a probability of at least ``risk_share``. Whether a household hangs on one source is said of all, risk or not: few
live on two, so that it alone would put most households on watch. 突发严重困难户: out, not in the first group, income of the accounting year so far lower by at
least ``fall_share`` than in the same quarters a year ago; large expenses, which the rule also names, stand in no ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact
from linwu_stats.exits.stability.basis import NO_LINE, Basis, household_basis, least_passing, outcomes
from linwu_stats.exits.stability.counts import count_monitoring, count_shocks
from linwu_stats.exits.stability.dependence import dependences
from linwu_stats.exits.stability.shocks import Outlook, below_shares, combine, read_outlook, try_shocks
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["REASONS", "assess_stability", "next_line", "stability_tables"]

#: Why a household is in its group, or cannot be judged, with the words that a report shows.
REASONS = {
    "below_line": "纯收入未超过标准，先复核",
    "hangs_on_class": "没有最大一类收入就不超过标准",
    "hangs_on_item": "没有最大一项收入就不超过标准",
    "hangs_on_worker": "没有主要劳动力的工资就不超过标准",
    "hangs_on_transfer": "没有最大一项转移收入就不超过标准",
    "likely_below": "下年低于标准的可能性达到监测界限",
    "income_fell": "本年收入比上年同期大幅下降",
    "fall_unknown": "没有上年同期收入，不能判断是否突然下降",
    "risk_unknown": "收入在监测范围内，可能性未知",
    "items_unknown": "没有收入明细，不能按项目检验",
    "worker_unknown": "有工资而名册没有务工月数",
    "line_latest": "下年标准未定，用已知的最近一年",
    "not_on_register": "不在建档立卡名册中，以县里掌握的数为准",
    "persons_unknown": "有户计算人口未知",
}


def stability_tables(
    tables: Mapping[str, Any], rules: Rules, year: int, year_ago: pd.DataFrame | None = None, edge: pd.DataFrame | None = None,
) -> dict[str, Any]:
    """The tables of who may fall back (稳定性各表): stability_shocks, stability_households, monitoring_counts, shock_counts.

    Takes the quarter's tables by name (register, ``item_amounts``, ``household_income``, ``headcounts``, ``next_year``, ``next_year_errors``), the calendar
    ``year`` of the report, ``household_income`` of the same quarter a year ago, and the county's own counts of 边缘易致贫户 (``edge``), where there are.
    """
    basis = household_basis(tables["households"], tables["persons"], tables["item_amounts"], tables["household_income"], tables["headcounts"])
    needed = least_passing(rules.line_fen(year), basis.heads, rules)
    next_fen = rules.line_fen(next_line(year, rules) or year)
    outlook = read_outlook(basis, tables["next_year"], tables["next_year_errors"], least_passing(next_fen, basis.heads, rules))
    shocks = try_shocks(basis, outlook, needed, rules)
    found = assess_stability(basis, outlook, shocks, tables["household_income"], rules, year, year_ago)
    return {
        "stability_shocks": shocks, "stability_households": found,
        "monitoring_counts": count_monitoring(found, tables["households"], year_ago is not None, edge),
        "shock_counts": count_shocks(found, shocks, tables["households"]),
    }


def next_line(year: int, rules: Rules) -> int | None:
    """The year whose line next year's income is set against (下年标准): next year's where it is known, else the latest known one."""
    return next((one for one in range(year + 1, year - 10, -1) if rules.line_fen(one) is not None), None)


def assess_stability(
    basis: Basis, outlook: Outlook, shocks: pd.DataFrame, household_income: pd.DataFrame, rules: Rules, year: int, year_ago: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Margin, dependence, probability and group of every registered household (稳定性评估): table ``stability_households``.

    Rules: exit.household.income, line.*, stability.monitoring, stability.shock.*. ``reason_code`` says what is unknown.
    """
    line, next_year = rules.line_fen(year), next_line(year, rules)
    needed = least_passing(line, basis.heads, rules)
    judged = basis.known & (needed != NO_LINE)
    margin = basis.net - (line or 0) * basis.heads
    usual, below = below_shares(outlook, np.zeros(len(basis.ids))), combine(shocks, basis, outlook)
    columns: dict[str, Any] = {
        "household_id": basis.ids, "poverty_status": basis.status, "net_fen": _int(basis.net, basis.known | (basis.reason == "headcount_zero")),
        "headcount_persons": _int(basis.heads, basis.reason != "headcount_unknown"), "line_year": year if line is not None else None, "line_fen": line,
        "passes": outcomes(basis.net, needed, basis.known), "margin_fen": _int(margin, judged),
        "margin_share": _float(np.divide(margin, np.maximum((line or 1) * basis.heads, 1)), judged),
        **dependences(basis, needed),
        "fall_share": _falls(basis, household_income, year_ago), "next_line_year": next_year,
        "next_line_fen": None if next_year is None else rules.line_fen(next_year),
        "expected_fen": _int(outlook.expected.astype(np.int64), outlook.known), "below_usual_share": _float(usual, ~np.isnan(usual)),
        "below_share": _float(below, ~np.isnan(below)), "worst_shock": _worst(shocks, basis, usual), "basis": outlook.basis,
    }
    frame = pd.DataFrame(columns)
    frame["stability_group"], frame["group_reasons"] = _groups(frame, basis, rules, line)
    frame["reason_code"] = _reasons(frame, basis, outlook, shocks, next_year is not None and next_year <= year)
    return conform(frame, "stability_households")


def _groups(frame: pd.DataFrame, basis: Basis, rules: Rules, line: int | None) -> tuple[np.ndarray, np.ndarray]:
    rule = rules.value("stability.monitoring")
    limit = exact(rule["multiple"])
    asked = basis.heads.astype(np.int64) * (line or 0) * limit.numerator
    bound = -(-asked // limit.denominator) if rule["sign"] == "<" else asked // limit.denominator + 1
    judged = basis.known & (line is not None)
    inside = judged & (basis.net < bound)
    below = frame["below_share"].to_numpy(dtype=float, na_value=np.nan)
    fall = frame["fall_share"].to_numpy(dtype=float, na_value=np.nan)
    hangs = frame["hangs_on"].fillna("").to_numpy(dtype=object)
    reasons = {"below_line": frame["passes"].to_numpy() == "not_met"}
    reasons |= {f"hangs_on_{name}": np.array([name in one.split() for one in hangs], dtype=bool) for name in ("class", "item", "worker", "transfer")}
    reasons["likely_below"] = np.nan_to_num(below, nan=-1.0) >= rule["risk_share"]
    risky = np.logical_or.reduce([reasons[code] for code in rule["risks"]])
    out, fell = basis.status == "out", np.nan_to_num(fall, nan=-1.0) >= rule["fall_share"]
    group = np.full(len(frame), "steady", dtype=object)
    group[fell] = "sudden"
    group[inside & risky] = "unstable"
    doubtful = inside & ~risky & np.isnan(below) & ("likely_below" in rule["risks"])
    group[doubtful & ~fell] = "unknown"
    group[~judged] = "unknown"
    group[~out] = "not_out"
    group[[one is None for one in basis.status]] = "unknown"
    reasons |= {"income_fell": fell, "risk_unknown": doubtful, "fall_unknown": np.isnan(fall)}
    text = [" ".join(code for code, here in reasons.items() if here[place]) if out[place] and judged[place] else "" for place in range(len(frame))]
    return group, np.array([one or None for one in text], dtype=object)


def _falls(basis: Basis, household_income: pd.DataFrame, year_ago: pd.DataFrame | None) -> pd.Series:
    """Fall of the accounting year so far from the same quarters a year ago, where that income was above zero."""
    if year_ago is None:
        return pd.Series(pd.NA, index=range(len(basis.ids)), dtype="Float64")
    now, then = (frame[frame["period"] == "ytd"].set_index("household_id")["net_fen"].reindex(basis.ids) for frame in (household_income, year_ago))
    before, after = (one.to_numpy(dtype=float, na_value=np.nan) for one in (then, now))
    fine = ~np.isnan(before) & ~np.isnan(after) & (np.nan_to_num(before) > 0)
    return _float(np.divide(before - after, before, out=np.zeros(len(before)), where=fine), fine)


def _worst(shocks: pd.DataFrame, basis: Basis, usual: np.ndarray) -> np.ndarray:
    """The shock whose coming adds most to the probability, chance included; of equal ones the first by key; none where it adds nothing."""
    worst = np.full(len(basis.ids), None, dtype=object)
    rows = shocks[shocks["below_alone_share"].notna()].sort_values(["household_id", "below_alone_share", "rule_key"], ascending=[True, False, True])
    first = rows.drop_duplicates("household_id")
    first = first[first["below_alone_share"].to_numpy(dtype=float) > usual[basis.ids.get_indexer(first["household_id"])]]
    worst[basis.ids.get_indexer(first["household_id"])] = first["rule_key"].to_numpy(dtype=object)
    return worst


def _reasons(frame: pd.DataFrame, basis: Basis, outlook: Outlook, shocks: pd.DataFrame, latest: bool) -> np.ndarray:
    lacking = shocks[shocks["reason_code"].notna()].drop_duplicates("household_id").set_index("household_id")["reason_code"].reindex(basis.ids)
    worker = (frame["without_worker"].to_numpy() == "unknown") & basis.known & basis.itemised & frame["line_fen"].notna().to_numpy()
    found = np.where(worker, "worker_unknown", lacking.to_numpy(dtype=object, na_value=None))
    found = np.where(outlook.known, found, np.where(frame["line_fen"].isna(), "line_unknown", outlook.reason))
    found = np.where(basis.known, found, basis.reason)
    return np.where((found == None) & latest, "line_latest", found)  # noqa: E711 - by element


def _int(values: np.ndarray, known: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="Int64").where(pd.Series(known))


def _float(values: np.ndarray, known: np.ndarray) -> pd.Series:
    return pd.Series(np.where(known, values, 0.0), dtype="Float64").where(pd.Series(known))
