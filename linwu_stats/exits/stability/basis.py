"""The last four quarters of every household, in whole fen, and the income that passes (稳定性评估的基础)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact, refuse_sign
from linwu_stats.rules import Rules
from linwu_stats.tables import require

__all__ = ["CLASSES", "PARTS", "Basis", "Workers", "household_basis", "least_passing", "outcomes", "share_up"]

#: Classes of income, and the four parts that add up to net income: business is net of its costs.
CLASSES = ("wage", "business", "property", "transfer")
PARTS = ("wage", "business_net", "property", "transfer")
_ABLE = ("ordinary", "skilled", "weak")
#: No line is known: compared with nothing.
NO_LINE = -1


@dataclass(frozen=True)
class Workers:
    """Who earns (务工人员): rows of members with months of work, in the order of ``household``; ``able`` counts members of each household who can work."""

    household: np.ndarray
    months: np.ndarray
    away: np.ndarray
    able: np.ndarray


@dataclass(frozen=True)
class Basis:
    """Arrays in the order of ``ids`` (各户基础数): ``parts`` by :data:`PARTS`, ``known`` where net income and head count are both known and above none,
    ``lines`` the items (``household``, ``item``, ``class``, ``fen``), ``itemised`` households whose items are all known."""

    ids: pd.Index
    status: np.ndarray
    net: np.ndarray
    heads: np.ndarray
    parts: np.ndarray
    gross: np.ndarray
    known: np.ndarray
    reason: np.ndarray
    itemised: np.ndarray
    items: pd.DataFrame
    workers: Workers
    quarters: tuple[str, str]


def household_basis(
    households: pd.DataFrame, persons: pd.DataFrame, item_amounts: pd.DataFrame, household_income: pd.DataFrame, headcounts: pd.DataFrame,
) -> Basis:
    """Gather what the assessment rests on (最近四个季度): ``household_income`` of period ``last4`` and the counted lines of its quarters.

    A household of which a quarter came from the wide sheet has classes, but no items. Months of work are those of the register.
    """
    require(households, "households", "household_id", "poverty_status")
    require(item_amounts, "item_amounts", "household_id", "quarter", "item_key", "item_class", "sign", "counted", "amount_fen")
    register = households.sort_values("household_id")
    ids = pd.Index(register["household_id"].astype(object))
    rows = household_income[household_income["period"] == "last4"].set_index("household_id").reindex(ids)
    heads_of = headcounts.set_index("household_id")["headcount_persons"].reindex(ids)
    net, heads = _fen(rows["net_fen"]), _fen(heads_of)
    have_net, have_heads = rows["net_fen"].notna().to_numpy(), heads_of.notna().to_numpy()
    reason = rows["reason_code"].to_numpy(dtype=object, na_value=None)
    reason = np.where(have_net, None, np.where(reason == None, "no_income_row", reason))  # noqa: E711 - by element
    reason = np.where(have_net & ~have_heads, "headcount_unknown", np.where(have_net & (heads <= 0), "headcount_zero", reason))
    span = (str(rows["first_quarter"].dropna().min()), str(rows["last_quarter"].dropna().max())) if rows["last_quarter"].notna().any() else ("", "")
    itemised = (rows["income_source"] == "items").fillna(False).to_numpy(dtype=bool) & have_net
    known = have_net & have_heads & (heads > 0)
    return Basis(
        ids, register["poverty_status"].to_numpy(dtype=object, na_value=None), net, heads, np.stack([_fen(rows[f"{name}_fen"]) for name in PARTS], axis=1),
        np.stack([_fen(rows[f"{name}_fen"]) for name in CLASSES], axis=1), known, reason, itemised, _items(item_amounts, ids, itemised, span),
        _workers(persons, ids), span,
    )


def least_passing(line_fen: int | None, heads: np.ndarray, rules: Rules) -> np.ndarray:
    """The least whole income in fen that passes (达标所需最低纯收入): exit.household.income, line times heads times 1 + margin, by its sign.

    Above x for ``>`` means floor(x) + 1, at least x for ``>=`` its ceiling. :data:`NO_LINE` where no line is known.
    """
    if line_fen is None:
        return np.full(len(heads), NO_LINE, dtype=np.int64)
    rule = rules["exit.household.income"]
    factor = 1 + exact(rule.value["margin_share"])
    asked = heads.astype(np.int64) * line_fen * factor.numerator
    return asked // factor.denominator + 1 if refuse_sign(rule, ">", ">=") == ">" else -(-asked // factor.denominator)


def outcomes(net: np.ndarray, needed: np.ndarray, known: np.ndarray) -> np.ndarray:
    """met, not_met or unknown of whole incomes against the least that passes (是否超过)."""
    return np.where(known & (needed != NO_LINE), np.where(net >= needed, "met", "not_met"), "unknown").astype(object)


def share_up(fen: np.ndarray, share: Fraction) -> np.ndarray:
    """A share of whole fen, rounded up to the fen: a loss is never made smaller."""
    return -(-(fen.astype(np.int64) * share.numerator) // share.denominator)


def _fen(values: pd.Series) -> np.ndarray:
    return values.fillna(0).to_numpy(dtype=np.int64)


def _items(item_amounts: pd.DataFrame, ids: pd.Index, itemised: np.ndarray, span: tuple[str, str]) -> pd.DataFrame:
    """Counted lines of the span added up by household and item, of households whose items are known."""
    counted = item_amounts["counted"].fillna(False).to_numpy(dtype=bool)
    quarter = item_amounts["quarter"]
    lines = item_amounts.loc[counted & ((quarter >= span[0]) & (quarter <= span[1])).to_numpy(dtype=bool), [
        "household_id", "item_key", "item_class", "sign", "amount_fen"]]
    place = ids.get_indexer(lines["household_id"])
    kept = (place >= 0) & lines["amount_fen"].notna().to_numpy(dtype=bool)
    kept[kept] &= itemised[place[kept]]
    frame = pd.DataFrame({
        "household": place[kept], "item": lines["item_key"].to_numpy(dtype=object)[kept], "class": lines["item_class"].to_numpy(dtype=object)[kept],
        "sign": lines["sign"].to_numpy(dtype=np.int64, na_value=0)[kept], "fen": lines["amount_fen"].to_numpy(dtype=np.int64, na_value=0)[kept],
    })
    return frame.groupby(["household", "item", "class", "sign"], sort=True, as_index=False)["fen"].sum()


def _workers(persons: pd.DataFrame, ids: pd.Index) -> Workers:
    place = ids.get_indexer(persons["household_id"])
    here = (place >= 0) & persons["change"].isna().to_numpy(dtype=bool) | (place >= 0) & persons["change"].isin(["married_in", "newborn", "moved_in"]).to_numpy(
        dtype=bool)
    able = here & persons["labour"].isin(_ABLE).to_numpy(dtype=bool)
    months = persons["work_months"].to_numpy(dtype=np.int64, na_value=0)
    working = here & (months > 0)
    away = persons["work_place"].isin(["county", "province", "outside"]).to_numpy(dtype=bool)
    order = np.flatnonzero(working)[np.argsort(place[working], kind="stable")]
    return Workers(place[order], months[order], away[order], np.bincount(place[able], minlength=len(ids)))
