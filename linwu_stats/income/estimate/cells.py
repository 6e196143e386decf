"""What every household got of every item in every quarter, as arrays (户、项目、季度矩阵).

A cell is a household and an item of the income ledger; its amounts stand in a row with one column a quarter. A quarter in which the household has a
ledger but not the item is 0; a quarter without a ledger, or with an amount that is unknown, is nan, never 0. A household with a quarter that comes
from the wide sheet has one cell a class instead of its items, since the sheet has no items.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from linwu_stats.tables import require

__all__ = ["CLASSES", "Cells", "make_cells", "sums"]

CLASSES = ("wage", "business", "property", "transfer", "cost")
SIGNS = np.array([1, 1, 1, 1, -1])


@dataclass(frozen=True)
class Cells:
    """Amounts by cell and quarter (户项目矩阵), in fen as floats, which are exact below 2^53.

    ``household`` and ``item`` are the places of a cell's household and item; ``item_class`` the place of each item's class; ``amount`` is cells by
    quarters; ``ledger`` is households by quarters: whether the household has a ledger; ``township``, ``village`` and ``attribute`` number the
    groups of each household.
    """

    quarters: tuple[str, ...]
    households: np.ndarray
    items: tuple[str, ...]
    item_class: np.ndarray
    household: np.ndarray
    item: np.ndarray
    amount: np.ndarray
    ledger: np.ndarray
    township: np.ndarray
    village: np.ndarray
    attribute: np.ndarray

    @property
    def cell_class(self) -> np.ndarray:
        """Place of each cell's class."""
        return self.item_class[self.item]

    @property
    def sign(self) -> np.ndarray:
        """+1 for a cell of income, -1 for one of cost."""
        return SIGNS[self.cell_class]

    def year(self, quarters: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Amounts and ledgers of some quarters; a quarter that the cells do not hold is unknown throughout."""
        amount = np.full((len(self.household), len(quarters)), np.nan)
        ledger = np.zeros((len(self.households), len(quarters)), dtype=bool)
        for place, quarter in enumerate(quarters):
            if quarter in self.quarters:
                at = self.quarters.index(quarter)
                amount[:, place], ledger[:, place] = self.amount[:, at], self.ledger[:, at]
        return amount, ledger

    def until(self, quarter: str) -> Cells:
        """The same cells with what was known at the end of a quarter: later ones are gone."""
        kept = [place for place, name in enumerate(self.quarters) if name <= quarter]
        return replace(self, quarters=tuple(self.quarters[place] for place in kept), amount=self.amount[:, kept], ledger=self.ledger[:, kept])


def make_cells(item_amounts: pd.DataFrame, quarter_income: pd.DataFrame, households: pd.DataFrame, quarters: list[str]) -> Cells:
    """Cells of all registered households (户项目矩阵) in ``quarters``.

    Takes ``item_amounts`` (lines of all the quarters), ``quarter_income`` (rows of ``household_income`` of period ``quarter``, of all the quarters: it says
    which ledger a quarter was taken from) and ``households`` (today's register). Households that are not on the register are left out.
    """
    require(item_amounts, "item_amounts", "household_id", "quarter", "item_key", "item_class", "counted", "amount_fen")
    require(quarter_income, "household_income", "household_id", "last_quarter", "income_source", *(f"{name}_fen" for name in CLASSES))
    require(households, "households", "household_id", "township_code", "village_code", "attribute")
    register = households.sort_values("household_id")
    ids = register["household_id"].to_numpy(dtype=object)
    income = quarter_income[quarter_income["last_quarter"].isin(quarters)]
    household, at = pd.Index(ids).get_indexer(income["household_id"]), pd.Index(quarters).get_indexer(income["last_quarter"])
    source = income["income_source"].to_numpy(dtype=object)
    known = (household >= 0) & (source != "none")
    ledger = np.zeros((len(ids), len(quarters)), dtype=bool)
    ledger[household[known], at[known]] = True
    by_class = np.zeros(len(ids), dtype=bool)
    by_class[household[known & (source == "sheet")]] = True
    lines = _item_sums(item_amounts, ids, quarters, ledger, by_class)
    classes = _class_sums(income[known], household[known], at[known], by_class)
    table = pd.concat([lines, classes], ignore_index=True)
    names = sorted(set(table["item"]))
    code = table["household"].to_numpy(dtype=int) * max(len(names), 1) + pd.Index(names).get_indexer(table["item"])
    found, where = np.unique(code, return_inverse=True)
    cells = np.divmod(found, max(len(names), 1))
    amount = np.full((len(found), len(quarters)), np.nan)
    amount[ledger[cells[0]]] = 0.0
    amount[where, table["at"].to_numpy(dtype=int)] = table["fen"].to_numpy(dtype=float)
    class_of = dict(zip(table["item"], table["item_class"], strict=True))
    return Cells(
        tuple(quarters), ids, tuple(names), np.array([CLASSES.index(class_of[name]) for name in names], dtype=int), cells[0], cells[1], amount, ledger,
        *(pd.factorize(register[name], use_na_sentinel=False)[0] for name in ("township_code", "village_code", "attribute")),
    )


def sums(values: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Sums by group of the rows of ``values`` (分组合计), one column after the other."""
    if values.ndim == 1:
        return np.bincount(group, weights=values, minlength=groups)
    return np.stack([np.bincount(group, weights=column, minlength=groups) for column in values.T], axis=1)


def _item_sums(item_amounts: pd.DataFrame, ids: np.ndarray, quarters: list[str], ledger: np.ndarray, by_class: np.ndarray) -> pd.DataFrame:
    """Counted lines summed by household, item and quarter; a sum with an unknown line is nan."""
    counted = item_amounts["counted"].fillna(False).to_numpy(dtype=bool) & item_amounts["quarter"].isin(quarters).to_numpy(dtype=bool)
    lines = item_amounts.loc[counted, ["household_id", "quarter", "item_key", "item_class", "amount_fen"]]
    household, at = pd.Index(ids).get_indexer(lines["household_id"]), pd.Index(quarters).get_indexer(lines["quarter"])
    kept = household >= 0
    kept[kept] &= ledger[household[kept], at[kept]] & ~by_class[household[kept]]
    fen = lines["amount_fen"].to_numpy(dtype=float, na_value=np.nan)[kept]
    table = pd.DataFrame({
        "household": household[kept], "at": at[kept], "item": lines["item_key"].to_numpy(dtype=object)[kept],
        "item_class": lines["item_class"].to_numpy(dtype=object)[kept], "fen": np.nan_to_num(fen), "unknown": np.isnan(fen),
    })
    grouped = table.groupby(["household", "item", "at"], sort=True, as_index=False).agg(
        item_class=("item_class", "first"), fen=("fen", "sum"), unknown=("unknown", "any"),
    )
    grouped.loc[grouped.pop("unknown"), "fen"] = np.nan
    return grouped


def _class_sums(income: pd.DataFrame, household: np.ndarray, at: np.ndarray, by_class: np.ndarray) -> pd.DataFrame:
    """The classes of households that are followed by class."""
    kept = by_class[household]
    parts = [
        pd.DataFrame({
            "household": household[kept], "at": at[kept], "item": f"class.{name}", "item_class": name,
            "fen": income[f"{name}_fen"].to_numpy(dtype=float, na_value=np.nan)[kept],
        })
        for name in CLASSES
    ]
    return pd.concat(parts, ignore_index=True)
