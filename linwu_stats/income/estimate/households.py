"""Each household's year by every method (各户全年纯收入测算)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.income.estimate.cells import SIGNS
from linwu_stats.income.estimate.intervals import LEVELS
from linwu_stats.income.estimate.outlook import Outlook
from linwu_stats.rules import Rules
from linwu_stats.tables import conform, require

__all__ = ["Threshold", "estimate_households", "intervals", "pass_shares", "point_estimates", "threshold_of"]


class Threshold:
    """What a household's income must pass (标准): the line of the year times one plus the margin, and whether reaching it is enough."""

    def __init__(self, line_fen: int | None, rules: Rules):
        value = rules.value("exit.household.income")
        self.line_fen = line_fen
        self.factor = 1 + Fraction(str(value["margin_share"]))
        self.reaching = value["sign"] == ">="

    def passes(self, net_fen: np.ndarray, persons: np.ndarray) -> np.ndarray:
        """Whether incomes in whole fen pass, compared in integers."""
        assert self.line_fen is not None
        asked = persons.astype(object) * self.line_fen * self.factor.numerator
        got = net_fen.astype(object) * self.factor.denominator
        return (got >= asked if self.reaching else got > asked).astype(bool)

    def floor(self, persons: np.ndarray) -> np.ndarray:
        """The threshold of each household as a float, for shares of simulated incomes."""
        assert self.line_fen is not None
        return persons * self.line_fen * float(self.factor)


def threshold_of(outlook: Outlook, rules: Rules) -> Threshold:
    """The line of the accounting year with sign and margin of exit.household.income."""
    return Threshold(rules.line_fen(outlook.year), rules)


def estimate_households(outlook: Outlook, headcounts: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Whole-year net income of every household by every method of estimate.methods (全年测算): table ``income_estimates``.

    ``headcounts`` divides (today's count). Only the model has intervals and a probability; the others' ``pass_share`` is 1 or 0 by their estimate. After
    four quarters model and times four are the account itself, the interval is a point and the share is exact in whole fen. Unknown: a household without an
    estimate has blanks and a reason; one whose estimate fills an unknown amount has ``part_estimated`` or the reason of the unknown part, and is wider.
    """
    require(headcounts, "headcounts", "household_id", "headcount_persons")
    persons = _persons(outlook, headcounts)
    threshold = threshold_of(outlook, rules)
    known_heads = ~np.isnan(persons) & (persons > 0)
    judged = known_heads & (threshold.line_fen is not None)
    whole_persons = np.where(known_heads, persons, 1).astype(np.int64)
    bounds = intervals(outlook)
    frames = []
    for method in outlook.settings.methods:
        fen, known, reason = point_estimates(outlook, method)
        share = np.full(len(fen), np.nan)
        if method == "model" and outlook.made is not None and threshold.line_fen is not None:
            share = pass_shares(outlook, threshold.floor(persons), threshold.reaching)
        elif threshold.line_fen is not None:
            share = threshold.passes(fen, whole_persons).astype(float)
        of_model = method == "model"
        columns: dict[str, Any] = {
            "household_id": outlook.cells.households, "method": method, "accounting_year": outlook.year, "quarters_known": outlook.seen,
            "received_fen": _int(_whole(outlook.received), (outlook.reason != "amount_unknown") & (outlook.reason != "quarter_missing")),
            "estimate_fen": _int(fen, known),
            **{f"{name}_fen": _int(bounds[name], known & of_model & ~np.isnan(bounds[name])) for name in LEVELS},
            "headcount_persons": _int(np.nan_to_num(persons), ~np.isnan(persons)),
            "percapita_fen": _int((2 * fen + whole_persons) // (2 * whole_persons), known & known_heads),
            "line_fen": threshold.line_fen, "pass_share": pd.array(np.where(known & judged, share, np.nan), dtype="Float64"),
            "fallback": outlook.fallback if of_model else _fallback_of(method, known, outlook),
            "interval_basis": outlook.basis if of_model else "none",
            "reason_code": _reason(reason, persons, threshold.line_fen),
        }
        columns["pass_share"][~(known & judged)] = pd.NA
        frames.append(pd.DataFrame(columns))
    return conform(pd.concat(frames, ignore_index=True), "income_estimates")


def point_estimates(outlook: Outlook, method: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole-year net in whole fen by one method, which households have one, and reasons (各法测算): see estimate.methods.

    ``times_four`` 4/n of what was received in n quarters; ``last_year`` last year's account; ``last_year_shares`` each class's amount so far over the
    share that it had of last year by then, or, where last year had nothing of it by then, plus last year's rest. All half up.
    """
    received = np.nansum(outlook.seen_class * SIGNS, axis=1)
    have = outlook.reason
    known_seen = ~np.isnan(outlook.seen_class).any(axis=1)
    if method == "model":
        return _whole(outlook.received) + _whole(outlook.rest), outlook.known, have
    if method == "times_four":
        return (8 * _whole(received) + outlook.seen) // (2 * outlook.seen), known_seen, np.where(known_seen, "", have)
    last = outlook.last_class
    known = ~np.isnan(last).any(axis=(1, 2))
    if method == "last_year":
        return _whole(np.nansum(last, axis=2) @ SIGNS), known, np.where(known, "", "no_last_year")
    by_then, rest = np.nansum(last[:, :, : outlook.seen], axis=2), np.nansum(last[:, :, outlook.seen :], axis=2)
    now = np.nan_to_num(outlook.seen_class)
    year = np.where(by_then > 0, now * (by_then + rest) / np.maximum(by_then, 1), now + rest)
    return _whole(year @ SIGNS), known & known_seen, np.where(known & known_seen, "", np.where(known_seen, "no_last_year", have))


def intervals(outlook: Outlook) -> dict[str, np.ndarray]:
    """Bounds of each household's year (区间), whole fen as floats, nan where there are none; never on the wrong side of the estimate."""
    middle = (_whole(outlook.received) + _whole(outlook.rest)).astype(float)
    if outlook.made is None:
        return {name: np.where(outlook.known, middle, np.nan) for name in LEVELS}
    bounds = {name: np.full(len(middle), np.nan) for name in LEVELS}
    for rows, pool in outlook.errors():
        spread = _spread(outlook, rows, pool)
        for name, level in LEVELS.items():
            bounds[name][rows] = middle[rows] + spread(_quantile(pool, level))
    for name in LEVELS:
        bounds[name] = np.floor(np.minimum(bounds[name], middle)) if name.startswith("low") else np.ceil(np.maximum(bounds[name], middle))
    return bounds


def pass_shares(outlook: Outlook, floor: np.ndarray, reaching: bool) -> np.ndarray:
    """Probability that each household's year passes ``floor`` (超过标准的可能性): (errors that pass + 1/2) / (errors + 1), never quite 0 or 1."""
    share = np.full(len(floor), np.nan)
    middle = outlook.received + outlook.rest
    for rows, pool in outlook.errors():
        centre = float(np.median(pool))
        stretch = np.sqrt(1 + outlook.shared[rows] / outlook.scale[rows] ** 2)
        needed = centre + ((floor[rows] - middle[rows]) / outlook.scale[rows] - centre) / stretch
        passing = len(pool) - np.searchsorted(pool, needed, side="left" if reaching else "right")
        share[rows] = np.where(np.isnan(floor[rows]), np.nan, (passing + 0.5) / (len(pool) + 1))
    return share


def _spread(outlook: Outlook, rows: np.ndarray, pool: np.ndarray) -> Any:
    """Error in fen of a standardised one: stretched by what the county shares."""
    centre = float(np.median(pool))
    stretch = np.sqrt(1 + outlook.shared[rows] / outlook.scale[rows] ** 2)
    return lambda z: outlook.scale[rows] * (centre + (z - centre) * stretch)


def _quantile(pool: np.ndarray, level: float) -> float:
    """Quantile with the correction for a finite pool: (n + 1) q / n above, the mirror image below."""
    count = len(pool)
    exact = (count + 1) * level / count if level > 0.5 else ((count + 1) * level - 1) / count
    return float(np.quantile(pool, min(max(exact, 0.0), 1.0)))


def _persons(outlook: Outlook, headcounts: pd.DataFrame) -> np.ndarray:
    heads = headcounts.set_index("household_id")["headcount_persons"].reindex(outlook.cells.households)
    return heads.to_numpy(dtype=float, na_value=np.nan)


def _whole(fen: np.ndarray) -> np.ndarray:
    """Whole fen, half up."""
    return np.floor(np.nan_to_num(fen) + 0.5).astype(np.int64)


def _int(values: np.ndarray, known: np.ndarray) -> Any:
    out = pd.array(np.where(known, np.nan_to_num(values), 0).astype(np.int64), dtype="Int64")
    out[~known] = pd.NA
    return out


def _fallback_of(method: str, known: np.ndarray, outlook: Outlook) -> np.ndarray:
    code = {"times_four": "complete" if outlook.seen == 4 else "seen", "last_year": "own_year", "last_year_shares": "own_year"}[method]
    return np.where(known, code, "none").astype(object)


def _reason(reason: np.ndarray, persons: np.ndarray, line_fen: int | None) -> Any:
    heads = np.where(np.isnan(persons), "headcount_unknown", np.where(persons <= 0, "headcount_zero", "line_unknown" if line_fen is None else ""))
    found = np.where(reason == "", heads, reason).astype(object)
    return pd.array([code or pd.NA for code in found], dtype="string")
