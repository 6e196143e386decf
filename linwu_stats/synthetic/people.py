"""Households and persons of the sample county (示例县的贫困户和贫困人口): who they are in each of the six quarters.

The published totals hold exactly at the end of 2017 and in the first quarter of 2018. Before that a few are not yet registered, not yet born or
not yet married in, and some have since died, married out or moved away, so that transitions have something to show.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from linwu_stats.synthetic.dates import COHORTS, NOW, PUBLISHED_HOUSEHOLDS, QUARTER_ENDS, YEAR_END, age_on, quarter_of
from linwu_stats.synthetic.draw import Draw, apportion
from linwu_stats.synthetic.families import Seat, seat_family
from linwu_stats.synthetic.identity import Numbers, invent_name, invent_surname
from linwu_stats.synthetic.places import Village

__all__ = ["HOUSEHOLD_PREFIX", "Household", "Person", "add_member", "cohort_sizes", "make_households"]

HOUSEHOLD_PREFIX = "00431099"

#: Shares of household sizes 1 to 7 by cohort, near the published mean sizes 2.84, 3.28 and 2.90.
SIZES = {
    "early": (0.23, 0.23, 0.22, 0.19, 0.09, 0.03, 0.01),
    "y2017": (0.12, 0.19, 0.27, 0.24, 0.12, 0.05, 0.01),
    "left": (0.21, 0.23, 0.22, 0.20, 0.09, 0.04, 0.01),
}


@dataclass(slots=True)
class Person:
    """One person (贫困人口): what does not change; attributes that change with age are worked out per quarter in ``attributes``."""

    person_id: str
    name: str
    id_number: str
    sex: str
    birth: dt.date
    relation: str
    first: int
    last: int
    luck: tuple[float, float, float, float]
    changes: dict[int, str] = field(default_factory=dict)
    health: str = "healthy"
    track: str = ""
    soldier: bool = False
    away: bool = False
    resident_unknown: bool = False
    dropout: bool = False
    months: tuple[int, int] = (0, 0)
    place: str = ""
    insurance: str = "resident"
    insured_from: int = 0

    def there(self, place: int) -> bool:
        """Whether the person is on the register in the quarter."""
        return self.first <= place <= self.last

    def age(self, place: int) -> int:
        """Age at the end of the quarter."""
        return age_on(self.birth, QUARTER_ENDS[place])


@dataclass(slots=True)
class Household:
    """One registered household (建档立卡贫困户) with its members and its plan for the six quarters."""

    household_id: str
    village: Village
    cohort: str
    natural_village: str
    first: int = 0
    last: int = NOW
    exit_year: int | None = None
    out_before: bool = False
    standard: str = "national"
    attribute: str = "general"
    cause: str = ""
    members: list[Person] = field(default_factory=list)
    group: str = ""
    specials: set[str] = field(default_factory=set)
    land: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    housing: dict[str, Any] = field(default_factory=dict)
    water: dict[str, Any] = field(default_factory=dict)
    living: dict[str, Any] = field(default_factory=dict)

    def there(self, place: int) -> bool:
        """Whether the household is on the register in the quarter."""
        return self.first <= place <= self.last

    def present(self, place: int) -> list[Person]:
        """Members on the register in the quarter."""
        return [person for person in self.members if person.there(place)]

    def status(self, place: int) -> tuple[str, int | None]:
        """Poverty status and year of exit in the quarter (脱贫属性、脱贫年度): the cohort of 2017 is out from its fourth quarter."""
        if self.cohort == "early" or (self.cohort == "y2017" and place >= YEAR_END):
            return "out", self.exit_year
        if self.out_before and place < YEAR_END:
            return "out", 2016
        return "not_out", None


def cohort_sizes(households: int) -> dict[str, tuple[int, int]]:
    """Households and persons of each cohort: the published ones, or in proportion for a small county."""
    counts = apportion(households, [count for count, _ in COHORTS.values()])
    return {
        name: (count, persons if households == PUBLISHED_HOUSEHOLDS else round(persons / total * count))
        for (name, (total, persons)), count in zip(COHORTS.items(), counts, strict=True)
    }


def make_households(seed: int, villages: list[Village], households: int) -> list[Household]:
    """All households in code order with their members (户和人), before health, causes, incomes and guarantees are decided."""
    numbers = Numbers()
    share = households / PUBLISHED_HOUSEHOLDS
    seats = _seats_by_village(seed, villages, households)
    rows: list[Household] = []
    for village in villages:
        rows += [_make_household(seed, len(rows) + turn, village, kind, numbers) for turn, kind in enumerate(seats[village.code], start=1)]
    draw = Draw(seed, "moves")
    _exchange(rows, share, draw, numbers)
    _add_former_members(rows, share, draw, numbers)
    _add_late_households(rows, share, draw)
    _add_former_households(seed, rows, share, draw, numbers)
    _mark_changes(rows, share, draw)
    return rows


def add_member(household: Household, seat: Seat, draw: Draw, numbers: Numbers, birth: dt.date | None = None) -> Person:
    """Give a seat a name, a birth date and a number (新增成员), and put the person into the household."""
    relation, sex, age = seat
    if birth is None:
        birth = dt.date(2017 - age, 1, 1) + dt.timedelta(days=draw.whole(0, 363))
    family = household.members[0].name[0] if household.members else invent_surname(draw)
    own = relation in ("head", "son", "daughter", "grandson", "granddaughter", "father")
    person = Person(
        f"{household.household_id}{len(household.members) + 1:02d}", invent_name(draw, sex, family if own else invent_surname(draw)),
        numbers.give(birth, sex), sex, birth, relation, household.first, NOW, (draw.next(), draw.next(), draw.next(), draw.next()),
    )
    born = quarter_of(birth)
    if born >= 0 and household.first <= born <= NOW:
        person.first, person.changes = born, {born: "newborn"}
    household.members.append(person)
    return person


def _seats_by_village(seed: int, villages: list[Village], households: int) -> dict[str, list[tuple[str, int]]]:
    """Which cohorts and sizes live in which village: villages that are out have few who are not, those left have many."""
    draw = Draw(seed, "seats")
    share = households / PUBLISHED_HOUSEHOLDS
    seats: dict[str, list[tuple[str, int]]] = {village.code: [] for village in villages}
    weights = {cohort: [_cohort_weight(village, cohort, share, draw) for village in villages] for cohort in COHORTS}
    for cohort, (count, persons) in cohort_sizes(households).items():
        sizes = _draw_sizes(cohort, count, persons, Draw(seed, "sizes", cohort))
        places = _fixed_places(villages, weights[cohort], count) if cohort == "left" else apportion(count, weights[cohort])
        turn = iter(sizes)
        for village, some in zip(villages, places, strict=True):
            seats[village.code] += [(cohort, next(turn)) for _ in range(some)]
    _fill_empty_townships(villages, seats)
    return {code: draw.shuffled(rows) for code, rows in seats.items()}


def _fill_empty_townships(villages: list[Village], seats: dict[str, list[tuple[str, int]]]) -> None:
    """In a small county the smallest township may be left without a household; the village with most gives it one."""
    for code in sorted({village.township_code for village in villages}):
        here = [village.code for village in villages if village.township_code == code]
        if not any(seats[village] for village in here):
            seats[here[0]].append(max(seats.values(), key=len).pop())


def _cohort_weight(village: Village, cohort: str, share: float, draw: Draw) -> float:
    """Weight of a village in a cohort; for those left in villages that are out, their number by the bar of 2 % itself."""
    luck = draw.between(0.6, 1.5)
    if cohort == "left" and village.kind != "none" and village.exit_year:
        return -max(0, int(village.population * draw.between(0.004, 0.0188) / 2.9)) - 0.001
    if village.kind == "none":
        return village.population * luck
    return village.population * luck * {"early": 3.2, "y2017": 4.2, "left": 4.0}[cohort] * (1.0 if village.exit_year or cohort == "left" else 0.6)


def _fixed_places(villages: list[Village], weights: list[float], count: int) -> list[int]:
    """Negative weights are numbers already decided; the rest is shared by the positive ones."""
    fixed = [int(-weight) if weight < 0 else 0 for weight in weights]
    rest = apportion(count - sum(fixed), [max(weight, 0) for weight in weights])
    return [given + shared for given, shared in zip(fixed, rest, strict=True)]


def _draw_sizes(cohort: str, count: int, persons: int, draw: Draw) -> list[int]:
    """Sizes that add up to the persons of the cohort exactly."""
    weights = dict(enumerate(SIZES[cohort], start=1))
    sizes = [draw.weighted(weights) for _ in range(count)]
    while sum(sizes) != persons:
        missing = persons - sum(sizes)
        for place in draw.shuffled(range(count))[: abs(missing)]:
            if missing > 0 and sizes[place] < 7:
                sizes[place] += 1
            elif missing < 0 and sizes[place] > 1:
                sizes[place] -= 1
    return sizes


def _make_household(seed: int, number: int, village: Village, kind: tuple[str, int], numbers: Numbers) -> Household:
    cohort, size = kind
    draw = Draw(seed, "household", number)
    household = Household(f"{HOUSEHOLD_PREFIX}{number:06d}", village, cohort, f"{draw.whole(1, 12)}组")
    household.exit_year = {"early": draw.weighted({2014: 22, 2015: 32, 2016: 46}), "y2017": 2017, "left": None}[cohort]
    household.standard = draw.weighted({"national": 96, "province": 3, "city": 1})
    for seat in seat_family(size, draw):
        person = add_member(household, seat, draw, numbers)
        bride = seat[0] in ("daughter_in_law", "spouse") and seat[1] == "female" and seat[2] < 31
        if bride and draw.chance(0.15):
            person.first = draw.whole(1, YEAR_END)
            person.changes = {person.first: "married_in"}
    _no_child_before_its_mother(household)
    return household


def _no_child_before_its_mother(household: Household) -> None:
    """A bride who came during the six quarters has no child that was there before her."""
    for person in household.members:
        late = "married_in" in person.changes.values()
        younger = [other for other in household.members if other.age(NOW) < 12 and other.relation not in ("head", "spouse")]
        if late and younger:
            person.first, person.changes = household.first, {}


def _plain_families(rows: list[Household], size: int) -> list[Household]:
    """Households of at least the size whose members were all there all the time."""
    return [row for row in rows if row.first == 0 and row.last == NOW and len(row.members) >= size and all(not person.changes for person in row.members)]


def _exchange(rows: list[Household], share: float, draw: Draw, numbers: Numbers) -> None:
    """Between the two newest quarters as many die as are born, cohort by cohort, so that all totals stay exact."""
    for cohort, count in (("early", 9), ("y2017", 5), ("left", 10)):
        families = [row for row in draw.shuffled(_plain_families(rows, 3)) if row.cohort == cohort]
        old = [row for row in families if any(_is_old_parent(person) for person in row.members)]
        young = [row for row in families if not any(_is_old_parent(person) for person in row.members) and any(_is_young_wife(p) for p in row.members)]
        for leaving, growing in list(zip(old, young, strict=False))[: max(1, round(count * share))]:
            elder = [person for person in leaving.members if _is_old_parent(person)][-1]
            elder.last, elder.changes = YEAR_END, {YEAR_END: "dead"}
            wife = next(person for person in growing.members if _is_young_wife(person))
            sex = draw.pick(("male", "female"))
            relation = {"spouse": {"male": "son", "female": "daughter"}, "daughter_in_law": {"male": "grandson", "female": "granddaughter"}}
            seat = (relation[wife.relation][sex], sex, 0)
            add_member(growing, seat, draw, numbers, dt.date(2018, 1, 1) + dt.timedelta(days=draw.whole(0, 80)))


def _is_old_parent(person: Person) -> bool:
    return person.relation in ("father", "mother") and person.age(NOW) >= 62


def _is_young_wife(person: Person) -> bool:
    return person.relation in ("spouse", "daughter_in_law") and person.sex == "female" and person.age(NOW) <= 38


def _add_former_members(rows: list[Household], share: float, draw: Draw, numbers: Numbers) -> None:
    """People who were on the register earlier and have left it by the end of 2017: beyond the published totals."""
    for row in draw.shuffled(_plain_families(rows, 2))[: max(2, round(64 * share))]:
        head = row.members[0]
        age = head.age(YEAR_END)
        taken = {person.relation for person in row.members}
        if age < 62 and "mother" not in taken:
            seat, change = ("mother", "female", min(94, age + draw.whole(21, 29))), "dead"
        elif 45 <= age <= 70 and head.sex == "male":
            seat, change = ("daughter", "female", draw.whole(21, min(27, age - 22))), draw.pick(("married_out", "married_out", "moved_out"))
        else:
            continue
        person = add_member(row, seat, draw, numbers)
        person.last = draw.whole(0, YEAR_END - 1)
        person.changes = {person.last: change}


def _add_late_households(rows: list[Household], share: float, draw: Draw) -> None:
    """Households registered at the end of 2017 (新识别), and some that had been out and have fallen back (返贫)."""
    left = [row for row in draw.shuffled(_plain_families(rows, 1)) if row.cohort == "left" and len({p.last for p in row.members}) == 1]
    late = max(1, round(30 * share))
    for row in left[:late]:
        row.first = YEAR_END
        row.specials.add("newly_registered")
        for person in row.members:
            person.first = YEAR_END
    for row in left[late : late + max(1, round(6 * share))]:
        row.out_before = True
        row.specials.add("fallen_back")


def _add_former_households(seed: int, rows: list[Household], share: float, draw: Draw, numbers: Numbers) -> None:
    """Households that left the register before the end of 2017 (移出): an old person who died, a family that moved away."""
    villages = [row.village for row in rows]
    for _ in range(max(1, round(18 * share))):
        row = _make_household(seed, len(rows) + 1, draw.pick(villages), (draw.pick(("early", "left")), draw.pick((1, 1, 3))), numbers)
        row.last = draw.whole(0, YEAR_END - 1)
        row.specials.add("left_register")
        for person in row.members:
            person.first = 0
            person.last = row.last
            person.changes = {row.last: "dead" if len(row.members) == 1 and person.age(NOW) > 60 else "moved_out"}
        rows.append(row)


def _mark_changes(rows: list[Household], share: float, draw: Draw) -> None:
    """In the newest quarter some are marked as gone but still stand on the register, which is opened once a year; some residence is unknown."""
    quota = {"dead": 12, "married_out": 6, "moved_out": 4, "prison": 2}
    quota = {change: max(1, round(count * share)) for change, count in quota.items()}
    for row in draw.shuffled(_plain_families(rows, 3)):
        marks = [(person, _change_that_fits(person, draw)) for person in row.members[1:]]
        for person, change in [mark for mark in marks if quota.get(mark[1], 0)][:1]:
            quota[change] -= 1
            person.changes = {NOW: change}
        if not any(quota.values()):
            break
    people = [person for row in rows for person in row.members]
    for person in draw.shuffled(people)[: max(2, round(120 * share))]:
        person.resident_unknown = True


def _change_that_fits(person: Person, draw: Draw) -> str:
    age = person.age(NOW)
    if age >= 72:
        return "dead"
    if person.relation == "daughter" and 21 <= age <= 27:
        return draw.pick(("married_out", "moved_out"))
    if person.relation == "son" and 23 <= age <= 35:
        return draw.pick(("prison", "moved_out"))
    return ""

