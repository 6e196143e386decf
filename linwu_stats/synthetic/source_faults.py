"""Which household is kept differently in which further source, and from when to when (其他来源的差异计划).

Drawn from the county's seed alone, so that each quarter knows what the other one had: a fault begins with the fourth quarter of 2017 or the first of 2018,
and two of five of the older ones are mended by then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linwu_stats.synthetic.dates import NOW, PUBLISHED_HOUSEHOLDS, QUARTERS, YEAR_END
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.guarantees import housing_at, water_at, water_is_safe
from linwu_stats.synthetic.people import Household

__all__ = ["SOURCES", "Fault", "faults_at", "plan_faults"]

#: Sources beside the national system, by the field that numbers their pages.
SOURCES = ("booklet", "household_file")
NEVER = 99

#: Share of households that begin to differ in one or two fields, and of those with a fault of the paper itself, at the end of 2017; less after that.
DIFFERING, LATER = 0.042, 0.4
PAPER = {"missing": 0.005, "doubled": 0.002, "wrong_code": 0.005}
#: Share of persons whose number or name is written wrongly.
WRITING = {"id_digit": 0.01, "id_blank": 0.005, "id_15": 0.002, "name": 0.02}
KINDS = {
    "income": 24, "cause": 12, "exit_year": 9, "member_missing": 8, "birth": 8, "housing": 7, "relation": 6, "health": 6, "labour": 5, "late": 5,
    "status": 4, "size": 4, "member_added": 4, "attribute": 4, "stage": 4, "litres": 4, "resident": 3,
}
#: Faults that change a verdict, for the whole county: an unsafe house or water where all is well, a safe house where nothing else is missing.
DECIDING = {"house_unsafe": 34, "water_unsafe": 16, "house_safe": 26}


@dataclass(frozen=True)
class Fault:
    """One fault of one source (差异): household, kind, the person's place in the household (-1: the household), first quarter and the one that mends it."""

    source: str
    household_id: str
    kind: str
    person: int = -1
    first: int = YEAR_END
    mended: int = NEVER

    def there(self, place: int) -> bool:
        """Whether the source has the fault in the quarter."""
        return self.first <= place < self.mended

    @property
    def decides(self) -> bool:
        """Whether the fault changes the household's verdict."""
        return self.kind in DECIDING


def plan_faults(seed: int, households: list[Household]) -> list[Fault]:
    """All faults of both sources (差异计划), in the order of sources and households."""
    deciding = _deciding(seed, households)
    taken = {fault.household_id for fault in deciding}
    faults = list(deciding)
    for source in SOURCES:
        for row in households:
            if row.last >= YEAR_END:
                draw = Draw(seed, "faults", source, row.household_id)
                if row.household_id not in taken:
                    faults += _of_household(source, row, draw)
                faults += _of_persons(source, row, draw)
    return faults


def faults_at(faults: list[Fault], source: str, quarter: str) -> dict[str, list[Fault]]:
    """The faults that a source has in a quarter, by household code (当季差异)."""
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.source == source and fault.there(QUARTERS.index(quarter)):
            found.setdefault(fault.household_id, []).append(fault)
    return found


def _span(share: float, draw: Draw) -> dict[str, int] | None:
    """Whether something begins, and when: the share is that of the end of 2017; what is mended by 2018 is made up for by what is new."""
    luck = draw.next()
    if luck < share:
        return {"first": YEAR_END, "mended": NOW if draw.chance(LATER) else NEVER}
    return {"first": NOW, "mended": NEVER} if luck < share * (1 + LATER) else None


def _of_household(source: str, row: Household, draw: Draw) -> list[Fault]:
    faults = []
    for kind, share in PAPER.items():
        span = _span(share, draw)
        if span:
            return [Fault(source, row.household_id, kind, **span)]
    span = _span(DIFFERING, draw)
    if span:
        faults.append(Fault(source, row.household_id, draw.weighted(KINDS), **span))
        if draw.chance(0.25):
            second = draw.weighted({kind: weight for kind, weight in KINDS.items() if kind != faults[0].kind})
            faults.append(Fault(source, row.household_id, second, **span))
    return faults


def _of_persons(source: str, row: Household, draw: Draw) -> list[Fault]:
    faults = []
    for number in range(len(row.members)):
        luck = draw.next()
        bound = 0.0
        for kind, share in WRITING.items():
            bound += share * (1 + LATER)
            if luck < bound:
                span = {"first": NOW, "mended": NEVER}
                if draw.chance(1 / (1 + LATER)):
                    span = {"first": YEAR_END, "mended": NOW if draw.chance(LATER) else NEVER}
                faults.append(Fault(source, row.household_id, kind, number, **span))
                break
    return faults


def _deciding(seed: int, households: list[Household]) -> list[Fault]:
    """Faults that certainly change a verdict: the household has nothing else that is wrong or unknown among the guarantees, in either quarter."""
    draw = Draw(seed, "deciding")
    share = min(1.0, len(households) / PUBLISHED_HOUSEHOLDS)
    free = [row for row in draw.shuffled(households) if _is_steady(row)]
    faults: list[Fault] = []
    taken: set[str] = set()
    for kind, count in DECIDING.items():
        fitting = [row for row in free if row.household_id not in taken and all(_fits(row, kind, place) for place in (YEAR_END, NOW))]
        for row in fitting[: max(1, round(count * share))]:
            taken.add(row.household_id)
            first = YEAR_END if draw.chance(0.7) else NOW
            mended = NOW if first == YEAR_END and draw.chance(0.3) else NEVER
            faults.append(Fault("booklet" if draw.chance(0.65) else "household_file", row.household_id, kind, -1, first, mended))
    return faults


def _is_steady(row: Household) -> bool:
    whole = row.first == 0 and row.last == NOW and all(person.first == 0 and person.last == NOW and not person.changes for person in row.members)
    return whole and not row.specials and not row.housing["blank"] and not row.water["blank"] and not row.living["blank"]


def _fits(row: Household, kind: str, place: int) -> bool:
    house: dict[str, Any] = housing_at(row, place)
    wanted = ["housing"] if kind == "house_safe" else []
    if row.facts["lacks"] != wanted or house["housing_measure"] != "none" or not water_is_safe(water_at(row, place)):
        return False
    return house["housing_grade"] in (("C", "D") if kind == "house_safe" else ("A", "B"))
