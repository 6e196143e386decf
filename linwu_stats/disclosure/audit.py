"""What a reader can still work out of the withheld cells (抑制效果检查), by linear programming, without looking at how they were chosen.

The reader knows every number shown, every sum, and that a withheld cell is 1 or more since zeros are shown. The least and the greatest number that
fits all this is found for each small cell. The bounds are those of real numbers, so for whole ones they may be a little too wide; in tables of
two ways they are exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from linwu_stats.disclosure.system import MEASURES, System

__all__ = ["Interval", "intervals", "open_cells"]

_TINY = 1e-6


class Interval(NamedTuple):
    """What a reader can work out of one withheld cell (可推算的区间)."""

    place: int
    measure: str
    low: float
    high: float


def intervals(system: System, withheld: np.ndarray, places: np.ndarray) -> list[Interval]:
    """Least and greatest number of each of ``places`` that fits what is shown (可推算的区间); infinite where nothing bounds it."""
    found = []
    for measure in MEASURES:
        numbers, matrix = system.amounts(measure), system.matrix(measure)
        hidden = withheld & ~np.isnan(numbers)
        shown = np.where(hidden | np.isnan(numbers), 0.0, numbers)
        rows = matrix[:, hidden]
        kept = np.abs(rows).any(axis=1)
        sides, rows = -(matrix @ shown)[kept], rows[kept]
        cells = np.flatnonzero(hidden)
        of_cell, of_row = _blocks(rows)
        for place in places:
            if not hidden[place]:
                if withheld[place]:
                    continue  # unknown to everybody
                found.append(Interval(int(place), measure, float(numbers[place]), float(numbers[place])))
                continue
            block = of_cell[np.searchsorted(cells, place)]
            inside, lines = of_cell == block, of_row == block
            found.append(Interval(int(place), measure, *_bounds(rows[lines][:, inside], sides[lines], np.flatnonzero(cells[inside] == place)[0])))
    return found


def open_cells(system: System, withheld: np.ndarray, small: np.ndarray, width: int) -> list[Interval]:
    """Small cells whose interval is narrower than ``width`` (未受保护的小单元); none in a publication that may go out."""
    return [one for one in intervals(system, withheld, np.flatnonzero(small)) if one.high - one.low < width - _TINY]


def _blocks(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Withheld cells and sums that hang together: number of the block of each cell and of each sum."""
    count, width = rows.shape
    links = csr_matrix(np.block([[np.zeros((width, width)), np.abs(rows).T], [np.abs(rows), np.zeros((count, count))]]))
    _, label = connected_components(links, directed=False)
    return label[:width], label[width:]


def _bounds(rows: np.ndarray, sides: np.ndarray, at: int) -> tuple[float, float]:
    goal = np.zeros(rows.shape[1])
    goal[at] = 1
    ends = []
    for sign in (1, -1):
        answer = linprog(sign * goal, A_eq=rows if len(rows) else None, b_eq=sides if len(rows) else None, bounds=(1, None), method="highs")
        ends.append(float(answer.fun) * sign if answer.status == 0 else np.inf)
    return ends[0], ends[1]
