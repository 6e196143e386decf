"""Named shocks on each household's income, and the probability of being below the line next year (冲击与返贫可能性).

A shock is a rule ``stability.shock.<name>``: what share of which items it takes (``takes``: a key or the beginning of one), from one worker or from all
(``part``), what it costs besides (``cost_yuan``), whom it may hit (``needs``: who has such items, or every household with members), and how likely it is in a
year, of a household or of each person. Losses are whole fen, rounded up, and never more than the income that there is.

The income of the next four quarters is expected + scale × error − losses (tables ``next_year``, ``next_year_errors``). Shocks are taken as independent of one
another and of the error. The probability is then worked out exactly: over all combinations of the shocks that may hit the household, each with its chance,
the share of the errors that leave it below. Nothing is drawn, no normal law is assumed. Never quite 0 or 1: (count + 1/2) / (errors + 1).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.exits.compare import exact
from linwu_stats.exits.stability.basis import CLASSES, NO_LINE, Basis, outcomes, share_up
from linwu_stats.exits.stability.dependence import MIGRANT, one_worker
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import conform, require

__all__ = ["PREFIX", "Outlook", "below_shares", "combine", "read_outlook", "try_shocks"]

PREFIX = "stability.shock."
#: Combinations are two to the number of shocks.
MOST = 12


class Outlook:
    """What households may expect (下年预期), arrays in the order of ``ids``: ``gap`` is the least passing income of next year less the expected one."""

    def __init__(self, ids: pd.Index, next_year: pd.DataFrame, errors: pd.DataFrame, needed: np.ndarray):
        require(next_year, "next_year", "household_id", "expected_fen", "scale_fen", "shared_fen", "bin", "basis", "reason_code")
        rows = next_year.set_index("household_id").reindex(ids)
        self.known = rows["expected_fen"].notna().to_numpy() & (needed != NO_LINE)
        self.expected = rows["expected_fen"].fillna(0).to_numpy(dtype=float)
        self.by_class = np.stack([rows[f"{name}_fen"].fillna(0).to_numpy(dtype=float) for name in CLASSES], axis=1)
        self.gap = needed - self.expected
        scale, shared = (rows[f"{name}_fen"].fillna(1).to_numpy(dtype=float) for name in ("scale", "shared"))
        self.scale, self.stretch = np.maximum(scale, 1.0), np.sqrt(1 + (shared / np.maximum(scale, 1.0)) ** 2)
        self.bin = rows["bin"].fillna(-1).to_numpy(dtype=int)
        self.basis = rows["basis"].fillna("none").to_numpy(dtype=object)
        self.reason = rows["reason_code"].to_numpy(dtype=object, na_value=None)
        self.pools = {int(number): part["error"].to_numpy(dtype=float) for number, part in errors.sort_values(["bin", "place"]).groupby("bin")}


def read_outlook(basis: Basis, next_year: pd.DataFrame, errors: pd.DataFrame, needed: np.ndarray) -> Outlook:
    """The outlook of the households of ``basis`` (下年预期) against the least income that passes next year's line, ``needed``."""
    return Outlook(basis.ids, next_year, errors, np.where(basis.heads > 0, needed, NO_LINE))


def below_shares(outlook: Outlook, loss: np.ndarray) -> np.ndarray:
    """Probability of an income below the least passing one after ``loss`` (低于标准的可能性), nan where unknown: more loss never makes it smaller."""
    share = np.full(len(loss), np.nan)
    for number, pool in outlook.pools.items():
        rows = np.flatnonzero(outlook.known & (outlook.bin == number))
        centre = float(np.median(pool))
        needed = centre + ((outlook.gap[rows] + loss[rows]) / outlook.scale[rows] - centre) / outlook.stretch[rows]
        share[rows] = (np.searchsorted(pool, needed, side="left") + 0.5) / (len(pool) + 1)
    return share


def try_shocks(basis: Basis, outlook: Outlook, needed: np.ndarray, rules: Rules) -> pd.DataFrame:
    """Every shock on every household that it may hit (冲击检验): table ``stability_shocks``.

    ``passes_after`` sets the last four quarters' income less the loss against the present line, exact. Unknown: the loss of a household without items, or
    of wages that nobody earns by the register (``worker_unknown``).
    """
    usual = below_shares(outlook, np.zeros(len(basis.ids)))
    frames = [_one_shock(rule, basis, outlook, needed, usual) for rule in rules.under(PREFIX)]
    return conform(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=_COLUMNS), "stability_shocks")


def combine(shocks: pd.DataFrame, basis: Basis, outlook: Outlook) -> np.ndarray:
    """Probability of being below with all shocks as they may come (综合可能性): all combinations, losses of one class together never more than the class.

    nan where the outlook or the loss of a shock that may hit is unknown.
    """
    keys, number = sorted(shocks["rule_key"].unique()), len(basis.ids)
    if len(keys) > MOST:
        raise RefusedError(f"stability.shock.: {len(keys)} shocks are too many to combine (冲击过多); keep at most {MOST} in the law")
    chance, loss, cost = np.zeros((len(keys), number)), np.zeros((len(keys), number, len(CLASSES))), np.zeros((len(keys), number))
    unknown = ~outlook.known | np.isnan(below_shares(outlook, np.zeros(number)))
    for place, key in enumerate(keys):
        part = shocks[shocks["rule_key"] == key]
        at = basis.ids.get_indexer(part["household_id"])
        lost = part["loss_fen"].notna().to_numpy()
        unknown[at[~lost]] = True
        chance[place, at] = part["chance_share"].to_numpy(dtype=float, na_value=0.0)
        loss[place, at] = _expected_loss(part, basis, outlook, at)
        cost[place, at] = part["cost_fen"].to_numpy(dtype=float, na_value=0.0)
    total = np.zeros(number)
    for pattern in product((False, True), repeat=len(keys)):
        happens = np.array(pattern, dtype=bool)
        weight = np.prod(np.where(happens[:, None], chance, 1.0 - chance), axis=0) if keys else np.ones(number)
        if not weight.any():
            continue
        lost = np.minimum(loss[happens].sum(axis=0), outlook.by_class).sum(axis=1) + cost[happens].sum(axis=0)
        total += weight * np.nan_to_num(below_shares(outlook, lost))
    return np.where(unknown, np.nan, total)


_COLUMNS = ["household_id", "rule_key", *(f"{name}_loss_fen" for name in CLASSES), "cost_fen", "loss_fen", "chance_share", "passes_after",
            "below_if_share", "below_alone_share", "reason_code"]


def _one_shock(rule: Rule, basis: Basis, outlook: Outlook, needed: np.ndarray, usual: np.ndarray) -> pd.DataFrame:
    losses, touched, certain = _losses(rule, basis)
    # A household without items may have what the shock takes: it is exposed with a loss that is not known.
    exposed = (basis.heads > 0) & basis.known & (touched | ~basis.itemised | (rule.value["needs"] == "members"))
    sure = basis.itemised & certain
    cost = int(exact(rule.value["cost_yuan"]) * 100)
    loss = losses.sum(axis=1) + cost
    rows = np.flatnonzero(exposed)
    chance = _chance(rule, basis.heads)
    frame = pd.DataFrame({
        "household_id": basis.ids[rows], "rule_key": rule.key,
        **{f"{name}_loss_fen": _int(losses[rows, place], sure[rows]) for place, name in enumerate(CLASSES)},
        "cost_fen": cost, "loss_fen": _int(loss[rows], sure[rows]), "chance_share": chance[rows],
        "passes_after": outcomes(basis.net - loss, needed, basis.known & sure)[rows],
        "reason_code": np.where(sure, None, np.where(basis.itemised, "worker_unknown", "items_unknown"))[rows],
    })
    lost = np.zeros(len(basis.ids))
    lost[rows] = np.minimum(_expected_loss(frame, basis, outlook, rows), outlook.by_class[rows]).sum(axis=1) + cost
    happens = below_shares(outlook, lost)[rows]
    known = pd.Series(~np.isnan(happens) & sure[rows])
    frame["below_if_share"] = pd.Series(np.nan_to_num(happens), dtype="Float64").where(known)
    alone = usual[rows] + chance[rows] * (happens - usual[rows])
    frame["below_alone_share"] = pd.Series(np.nan_to_num(alone), dtype="Float64").where(known)
    return frame


def _losses(rule: Rule, basis: Basis) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss by class in whole fen, which households have such items, and which losses are known."""
    number = len(basis.ids)
    losses, touched = np.zeros((number, len(CLASSES)), dtype=np.int64), np.zeros(number, dtype=bool)
    away, near = np.zeros(number, dtype=np.int64), np.zeros(number, dtype=np.int64)
    one, income = rule.value["part"] == "one_worker", basis.items[basis.items["sign"] > 0]
    for (item, of), part in income.groupby(["item", "class"], sort=True):
        share = _taken(rule.value["takes"], str(item))
        if not share:
            continue
        at, fen = part["household"].to_numpy(), part["fen"].to_numpy(dtype=np.int64)
        touched[at] |= fen > 0
        if one and of == "wage":
            (away if item == MIGRANT else near)[at] += share_up(fen, share)
        elif one and of == "business":
            losses[at, 1] += -(-(fen * share.numerator) // (share.denominator * np.maximum(basis.workers.able[at], 1)))
        else:
            losses[at, CLASSES.index(str(of))] += share_up(fen, share)
    certain = np.ones(number, dtype=bool)
    if one:
        losses[:, 0], certain = one_worker(basis, away, near)
    return np.minimum(losses, np.maximum(basis.gross, 0)), touched, certain


def _taken(takes: dict[str, float], item: str) -> Fraction:
    """Share that a shock takes of an item (损失比例): by the longest key that fits; a key that ends in a dot fits all items that begin so."""
    fitting = [key for key in takes if key == item or (key.endswith(".") and item.startswith(key))]
    return exact(takes[max(fitting, key=len)]) if fitting else Fraction(0)


def _chance(rule: Rule, heads: np.ndarray) -> np.ndarray:
    """Chance in a year: of one household, or that at least one of its persons is hit."""
    share = float(rule.value["chance_share"])
    return np.full(len(heads), share) if rule.value["per"] == "household" else 1.0 - (1.0 - share) ** np.maximum(heads, 0)


def _expected_loss(frame: pd.DataFrame, basis: Basis, outlook: Outlook, at: np.ndarray) -> np.ndarray:
    """Losses of next year's income: those of the last four quarters, grown as their class is expected to."""
    lost = np.stack([frame[f"{name}_loss_fen"].to_numpy(dtype=float, na_value=0.0) for name in CLASSES], axis=1)
    now = basis.gross[at].astype(float)
    ratio = np.divide(outlook.by_class[at], now, out=np.ones_like(now), where=now > 0)
    return lost * ratio


def _int(values: np.ndarray, known: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="Int64").where(pd.Series(known))
