"""What a household's passing hangs on: one class, one item, one worker, one transfer (收入依赖).

All in whole fen: the household passes, and would it without this. The share of a class is its part of the parts above zero (a business that loses is
no source), the share of an item its part of all income before costs. Without an item its costs stay. Wages are not recorded by person: a member's
wages are those of the household in proportion to months of work on the register, wages from away among those who work away, rounded up.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from linwu_stats.exits.stability.basis import CLASSES, Basis, outcomes

__all__ = ["MIGRANT", "dependences", "one_worker"]

MIGRANT = "item.wage.migrant"
_WAGE, _TRANSFER = "wage", "transfer"


def dependences(basis: Basis, needed: np.ndarray) -> dict[str, np.ndarray | pd.Series]:
    """Columns largest_*, without_* and hangs_on of ``stability_households`` (最大来源与没有它时是否达标)."""
    positive = np.maximum(basis.parts, 0)
    place = positive.argmax(axis=1)
    largest = np.take_along_axis(positive, place[:, None], axis=1)[:, 0]
    total = positive.sum(axis=1)
    passes = outcomes(basis.net, needed, basis.known)
    columns: dict[str, np.ndarray | pd.Series] = {
        "largest_class": np.where(basis.known & (largest > 0), np.array(CLASSES, dtype=object)[place], None),
        "largest_class_fen": _int(largest, basis.known), "largest_class_share": _share(largest, total, basis.known),
        "without_class": outcomes(basis.net - largest, needed, basis.known),
    }
    income = basis.items[basis.items["sign"] > 0]
    gross = np.bincount(income["household"], weights=income["fen"], minlength=len(basis.ids)).astype(np.int64)
    known = basis.known & basis.itemised
    for name, rows in (("item", income), ("transfer", income[income["class"] == _TRANSFER])):
        key, fen = _largest(rows, len(basis.ids))
        columns |= {
            f"largest_{name}": np.where(known, key, None), f"largest_{name}_fen": _int(fen, known), f"largest_{name}_share": _share(fen, gross, known),
            f"without_{name}": outcomes(basis.net - fen, needed, known),
        }
    wages = income[income["class"] == _WAGE]
    away = wages["item"] == MIGRANT
    amounts = [np.bincount(part["household"], weights=part["fen"], minlength=len(basis.ids)).astype(np.int64) for part in (wages[away], wages[~away])]
    worker, certain = one_worker(basis, *amounts)
    sure = known & certain
    columns |= {
        "largest_worker_fen": _int(worker, sure), "largest_worker_share": _share(worker, gross, sure),
        "without_worker": outcomes(basis.net - worker, needed, sure),
    }
    hangs = [np.where((passes == "met") & (columns[f"without_{name}"] == "not_met"), name, "") for name in ("class", "item", "worker", "transfer")]
    text = [" ".join(word for word in words if word) for words in zip(*hangs, strict=True)]
    columns["hangs_on"] = np.array([one or None for one in text], dtype=object)
    return columns


def one_worker(basis: Basis, away_fen: np.ndarray, other_fen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The member who earns most of these wages (主要劳动力的工资), by months, up to the fen; and whether it is known.

    Wages from away are shared among those who work away, the others among those who work near; where there are none of a kind, among all who work.
    Wages of a household in which nobody works by the register are nobody's: not known.
    """
    workers, number = basis.workers, len(basis.ids)
    together = np.zeros(len(workers.household), dtype=np.int64)
    all_months = np.bincount(workers.household, weights=workers.months, minlength=number).astype(np.int64)
    for fen, belongs in ((away_fen, workers.away), (other_fen, ~workers.away)):
        own = np.bincount(workers.household, weights=workers.months * belongs, minlength=number).astype(np.int64)
        months = np.where(own[workers.household] > 0, workers.months * belongs, workers.months)
        base = np.where(own > 0, own, all_months)[workers.household]
        together += -(-(fen[workers.household] * months) // np.maximum(base, 1))
    most = np.zeros(number, dtype=np.int64)
    np.maximum.at(most, workers.household, together)
    return np.minimum(most, away_fen + other_fen), (all_months > 0) | (away_fen + other_fen == 0)


def _largest(rows: pd.DataFrame, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Key and amount of the largest item of each household; of equal ones the first by key."""
    key, fen = np.full(number, None, dtype=object), np.zeros(number, dtype=np.int64)
    first = rows[rows["fen"] > 0].sort_values(["household", "fen", "item"], ascending=[True, False, True]).drop_duplicates("household")
    key[first["household"]], fen[first["household"]] = first["item"], first["fen"]
    return key, fen


def _int(values: np.ndarray, known: np.ndarray) -> pd.Series:
    return pd.Series(values, dtype="Int64").where(pd.Series(known))


def _share(part: np.ndarray, whole: np.ndarray, known: np.ndarray) -> pd.Series:
    fine = known & (whole > 0)
    return pd.Series(np.divide(part, whole, out=np.zeros(len(part)), where=fine), dtype="Float64").where(pd.Series(fine))
