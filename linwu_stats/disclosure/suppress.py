"""Which cells of a publication are withheld (单元抑制): the small ones, and further ones so that no sum gives a small one away.

For each small cell a second publication is sought that fits every number shown and in which the cell is larger by the width of the rule: then a
reader cannot tell the two apart. The cells in which the two differ are withheld too; the linear programme takes the second publication that needs the fewest
and smallest of them. Totals stay as long as that is possible.

Source: Fischetti and Salazar (2001), Management Science 47(7), 1008-1027 (attacker's problem and protection levels); the heuristic of one programme for each
small cell goes back to Kelly, Golden and Assad (1992), Networks 22, 397-417.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack

from linwu_stats.disclosure.system import MEASURES, System

__all__ = ["Plan", "small_cells", "suppress"]

#: Share of the price of a cell that is withheld already.
_FREE = 1e-3
_TOTAL_PRICE = 1000.0
_TINY = 1e-7


@dataclass(frozen=True)
class Plan:
    """What is withheld (抑制方案): for each cell whether it is ``small`` and whether it is ``withheld``; ``open``: places of the cells that could not be
    protected, whose tables are withheld as a whole."""

    small: np.ndarray
    withheld: np.ndarray
    open: tuple[int, ...]


def suppress(system: System, minimum: dict[str, int], width: int) -> Plan:
    """Choose the withheld cells of a publication (抑制方案).

    ``minimum``: smallest number of households and of persons that may be shown; zero may. ``width``: how far apart the least and the greatest number are
    that a reader can work out for a small cell. The same system gives the same plan.
    """
    amounts = {measure: system.amounts(measure) for measure in MEASURES}
    small = small_cells(system, minimum)
    withheld, left = small.copy(), []
    tables = np.array([table for table, _, _ in system.keys])
    for measure in MEASURES:
        matrix, numbers = system.matrix(measure), amounts[measure]
        for place in np.flatnonzero(small & ~np.isnan(numbers)):
            pattern = _second(matrix, numbers, place, withheld, (tables == tables[place]) & ~_whole(system), width)
            if pattern is None:
                pattern = _second(matrix, numbers, place, withheld, np.ones(len(tables), dtype=bool), width, _whole(system))
            if pattern is None:
                left.append(int(place))
            else:
                withheld |= pattern
    for place in left:
        withheld |= tables == tables[place]
    return Plan(small, withheld, tuple(sorted(set(left))))


def small_cells(system: System, minimum: dict[str, int]) -> np.ndarray:
    """Cells with too few households or persons to be shown (小单元); zero is not too few."""
    small = np.zeros(len(system.keys), dtype=bool)
    for measure in MEASURES:
        numbers = system.amounts(measure)
        small |= (numbers > 0) & (numbers < minimum[measure])
    return small


def _whole(system: System) -> np.ndarray:
    """Cells that are totals of others."""
    whole = np.zeros(len(system.keys), dtype=bool)
    whole[[place for _, place, _ in system.sums]] = True
    return whole


def _second(
    matrix: np.ndarray, numbers: np.ndarray, place: int, withheld: np.ndarray, may: np.ndarray, width: int, dear: np.ndarray | None = None
) -> np.ndarray | None:
    """Cells in which the cheapest second publication differs; None where there is none.

    A withheld cell is known to be 1 or more, since zeros are shown. What may not be withheld, is withheld already, or is unknown, does not change.
    """
    moving = np.flatnonzero((may | withheld) & ~np.isnan(numbers) & (numbers > 0))
    rows = matrix[:, moving]
    rows = csr_matrix(rows[np.abs(rows).any(axis=1)])
    price = 10.0 + np.log1p(numbers[moving])
    if dear is not None:
        price = np.where(dear[moving], _TOTAL_PRICE * price, price)
    price = np.where(withheld[moving], _FREE * price, price)
    fixed = moving == place
    up = [(width, width) if one else (0, None) for one in fixed]
    down = [(0, 0) if one else (0, number - 1) for one, number in zip(fixed, numbers[moving], strict=True)]
    answer = linprog(np.concatenate([price, price]), A_eq=hstack([rows, -rows]), b_eq=np.zeros(rows.shape[0]), bounds=up + down, method="highs")
    if answer.status != 0:
        return None
    moved = np.abs(answer.x[: len(moving)] - answer.x[len(moving) :]) > _TINY
    out = np.zeros(len(numbers), dtype=bool)
    out[moving[moved]] = True
    return out
