"""The counts that a county publishes of one quarter, and the sums that tie them together (公开频数及其勾稽关系).

A cell is the number of households and of persons of one group in one area. A sum says that some cells add up to another one: the townships to the county, the
groups to everybody. Whoever reads the publication knows all sums, so what is withheld has to be chosen with all of them in view.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.rules import Rules
from linwu_stats.tables import POOR, require

__all__ = ["CONDITIONS", "INPUTS", "MEASURES", "System", "counted"]

MEASURES = ("households", "persons")
#: Tables that the counts are made of.
INPUTS = ("households", "headcounts", "household_exit", "household_income", "villages")
#: Conditions of a household's exit, by column of ``household_exit``.
CONDITIONS = ("income_outcome", "food", "clothing", "education", "medical", "housing", "water")
_REACHED = {"already_reached": "met"}
#: Households of this many persons and more are one group.
_LARGE = 6


@dataclass
class System:
    """Cells and sums (单元与等式): ``cells`` has public_table, area_code, category, households, persons; a sum is a whole cell and its parts, by place."""

    keys: dict[tuple[str, str, str], int] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=lambda: {measure: [] for measure in MEASURES})
    sums: list[tuple[tuple[str, ...], int, tuple[int, ...]]] = field(default_factory=list)

    def add(self, table: str, area: str, category: str, households: int, persons: int | None) -> int:
        """One cell; gives its place."""
        place = self.keys.setdefault((table, area, category), len(self.keys))
        self.values["households"].append(households)
        self.values["persons"].append(np.nan if persons is None else persons)
        return place

    def tie(self, whole: int, parts: Iterable[int], measures: tuple[str, ...] = MEASURES) -> None:
        """The parts add up to the whole."""
        self.sums.append((measures, whole, tuple(parts)))

    def amounts(self, measure: str) -> np.ndarray:
        """True numbers of all cells, nan where unknown."""
        return np.array(self.values[measure], dtype=float)

    def matrix(self, measure: str) -> np.ndarray:
        """One row a sum, one column a cell: +1 for a part, -1 for the whole; sums with an unknown number tell a reader nothing and are left out."""
        known = ~np.isnan(self.amounts(measure))
        rows = [(whole, parts) for measures, whole, parts in self.sums if measure in measures and known[whole] and known[list(parts)].all()]
        out = np.zeros((len(rows), len(self.keys)))
        for number, (whole, parts) in enumerate(rows):
            out[number, list(parts)] = 1
            out[number, whole] = -1
        return out


def counted(frames: Mapping[str, pd.DataFrame], rules: Rules, townships: Iterable[str]) -> System:
    """All published counts of a quarter (公开频数).

    Takes households, headcounts, household_exit, household_income, villages and the codes of the townships. A household whose township is not known counts
    in an area of its own, so that the townships add up to the county. A poor village has its households that are not out; the township's others are one cell.
    """
    for name in INPUTS:
        require(frames[name], name)
    county = rules.value("area.county")["code"]
    rows = _rows(frames, rules, county, set(townships))
    areas = sorted({*townships, *rows["area"]})
    system = System()
    _add_statuses(system, rows, county, areas)
    for status in ("poor", "out"):
        _add_groups(system, rows[rows["status"] == status], "verdict", "verdict", county, areas, prefix=f"{status}:", whole=status)
    for condition in CONDITIONS:
        _add_groups(system, rows[rows["status"] == "poor"], condition, condition, county, areas, prefix="poor:", whole="poor")
    _add_groups(system, rows, "cause", "cause", county, areas)
    # Households of one size times the size are the persons: both together would give two equations for each sum, so the persons are left out.
    _add_groups(system, rows, "size", "size", county, areas, persons="")
    _add_line(system, rows, county, areas)
    _add_villages(system, rows, frames["villages"], areas)
    return system


def _rows(frames: Mapping[str, pd.DataFrame], rules: Rules, county: str, townships: set[str]) -> pd.DataFrame:
    heads = frames["headcounts"][["household_id", "registered_persons", "headcount_persons"]]
    rows = frames["households"][["household_id", "township_code", "village_code", "poverty_status", "cause"]].merge(heads, on="household_id", how="left")
    columns = ["household_id", "verdict", *CONDITIONS]
    rows = rows.merge(frames["household_exit"][columns], on="household_id", how="left")
    income = frames["household_income"]
    last4 = income.loc[income["period"] == "last4", ["household_id", "net_fen"]]
    rows = rows.merge(last4, on="household_id", how="left", validate="1:1")
    status = rows["poverty_status"]
    rows["status"] = np.select([status.isin(POOR), (status == "out").fillna(False)], ["poor", "out"], "unknown")
    rows["area"] = rows["township_code"].where(rows["township_code"].isin(townships), f"{county}000")
    for column in ("verdict", "cause", *CONDITIONS):
        rows[column] = rows[column].replace(_REACHED).fillna("unknown")
    size = rows["registered_persons"]
    rows["size"] = size.clip(upper=_LARGE).astype("string").fillna("unknown")
    rows["line"] = _below(rows, rules)
    return rows


def _below(rows: pd.DataFrame, rules: Rules) -> Any:
    """Income of the last four quarters against the line of the year, in whole fen."""
    line = rules.line(rules.day.year)
    if line is None:
        return "unknown"
    bound = rows["headcount_persons"] * round(line.value * 100)
    below = rows["net_fen"] <= bound if rules.value("indicator.poor_sign") == "<=" else rows["net_fen"] < bound
    return np.select([below.isna(), below.fillna(False)], ["unknown", "below"], "not_below")


def _count(rows: pd.DataFrame, persons: str = "registered_persons") -> tuple[int, int | None]:
    if not persons:
        return len(rows), None
    people = rows[persons]
    return len(rows), None if people.isna().any() else int(people.sum())


def _add_statuses(system: System, rows: pd.DataFrame, county: str, areas: list[str]) -> None:
    for status in ("all", "poor", "out", "unknown"):
        part = rows if status == "all" else rows[rows["status"] == status]
        _add_areas(system, part, "status", status, county, areas)
    for area in (county, *areas):
        system.tie(system.keys["status", area, "all"], [system.keys["status", area, status] for status in ("poor", "out", "unknown")])


def _add_areas(
    system: System, rows: pd.DataFrame, table: str, category: str, county: str, areas: list[str], persons: str = "registered_persons"
) -> None:
    whole = system.add(table, county, category, *_count(rows, persons))
    by_area = dict(iter(rows.groupby("area")))
    parts = [system.add(table, area, category, *_count(by_area.get(area, rows.iloc[:0]), persons)) for area in areas]
    system.tie(whole, parts)


def _add_groups(
    system: System, rows: pd.DataFrame, column: str, table: str, county: str, areas: list[str], prefix: str = "", whole: str = "all",
    persons: str = "registered_persons",
) -> None:  # fmt: skip
    """Groups that add up to a status in every area."""
    groups = sorted(rows[column].unique())
    for group in groups:
        _add_areas(system, rows[rows[column] == group], table, f"{prefix}{group}", county, areas, persons)
    for area in (county, *areas) if groups else ():
        system.tie(system.keys["status", area, whole], [system.keys[table, area, f"{prefix}{group}"] for group in groups])


def _add_line(system: System, rows: pd.DataFrame, county: str, areas: list[str]) -> None:
    """Below the line or not: persons are those of the head count, of which the rate is made, so only the households tie to the register."""
    groups = sorted(rows["line"].unique())
    for group in groups:
        _add_areas(system, rows[rows["line"] == group], "line", group, county, areas, "headcount_persons")
    _add_areas(system, rows, "line", "all", county, areas, "headcount_persons")
    for area in (county, *areas) if groups else ():
        parts = [system.keys["line", area, group] for group in groups]
        system.tie(system.keys["status", area, "all"], parts, ("households",))
        system.tie(system.keys["line", area, "all"], parts)


def _add_villages(system: System, rows: pd.DataFrame, villages: pd.DataFrame, areas: list[str]) -> None:
    poor = rows[rows["status"] == "poor"]
    listed = villages[villages["village_kind"].isin(["province", "city"])]
    for area in areas:
        here = poor[poor["area"] == area]
        codes = sorted(listed.loc[listed["township_code"] == area, "village_code"])
        places = [system.add("village", code, "poor", *_count(here[here["village_code"] == code])) for code in codes]
        if places:
            rest = system.add("village", area, "other", *_count(here[~here["village_code"].isin(codes)]))
            system.tie(system.keys["status", area, "poor"], [*places, rest])
