"""Attributes that hang together (人口属性): schooling, health, labour, cause of poverty, insurance, by age and from quarter to quarter."""

from __future__ import annotations

import datetime as dt
from typing import Any

from linwu_stats.synthetic.dates import NOW, PUBLISHED_HOUSEHOLDS, QUARTER_ENDS, YEAR_END, age_on
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.people import Household, Person

__all__ = ["UPPER", "education_at", "give_attributes", "is_able", "labour_at", "person_at", "school_state_at", "stage_at"]

UPPER = ("senior", "vocational", "higher_vocational", "college")
WORKING = ("ordinary", "skilled", "weak")
LEAVING = ("dead", "married_out", "emigrated", "prison", "moved_out")

#: What comes after compulsory school, and its weight.
TRACKS = {"senior_college": 28, "senior_higher_vocational": 16, "senior": 14, "vocational": 22, "vocational_higher_vocational": 6, "leaves": 14}
CAUSES = {
    "illness": 29, "disability": 13, "study": 12, "labour": 13, "skill": 13, "funds": 9, "motivation": 3.5, "transport": 2, "land": 2, "disaster": 1.5,
    "marriage": 0.6, "bereavement": 0.6, "water": 0.4, "other": 0.4,
}


def give_attributes(seed: int, rows: list[Household]) -> None:
    """Decide health, school tracks, labour, cause and household attribute of every household (赋予属性), in place, while the county is made."""
    for row in rows:
        draw = Draw(seed, "attributes", row.household_id)
        for person in row.members:
            person.track = draw.weighted(TRACKS)
            person.health = _background_health(person, draw)
        row.cause = _choose_cause(row, draw)
        row.attribute = _choose_attribute(row, draw)
        for person in row.members:
            person.away = person.relation in ("son", "daughter") and 26 <= person.age(NOW) <= 45 and is_able(person, NOW) and draw.chance(0.08)
    share = min(1.0, len(rows) / PUBLISHED_HOUSEHOLDS)
    draw = Draw(seed, "few")
    people = [person for row in rows for person in row.members if not person.changes and row.first == 0 and row.last == NOW]
    sons = [p for p in people if p.relation == "son" and 19 <= p.age(NOW) <= 22 and p.health == "healthy" and stage_at(p, NOW) == "none"]
    for person in draw.shuffled(sons)[: max(1, round(12 * share))]:
        person.soldier = True
    left = [p for row in rows for p in row.members if row.cohort == "left" and row.cause != "study"]
    pupils = [p for p in left if 11 <= p.age(NOW) <= 14 and p.age(0) >= 10 and p.health == "healthy"]
    for person in draw.shuffled(pupils)[: max(1, round(9 * share))]:
        person.dropout = True


def stage_at(person: Person, place: int) -> str:
    """Schooling stage in the quarter (在校生状况): school begins in the September after the sixth birthday."""
    day = QUARTER_ENDS[place]
    if person.dropout:
        return "none"
    if person.health == "disabled" and person.luck[0] < 0.35:
        return "none"
    autumn = day.year if day.month >= 9 else day.year - 1
    grade = autumn - (person.birth.year + 6 + (person.birth.month >= 9))
    if grade < 0:
        age = age_on(person.birth, day)
        return "preschool" if age >= 5 or (age >= 3 and person.luck[0] < 0.85) else "none"
    if grade < 9:
        return "primary" if grade < 6 else "junior"
    return _upper_stage(person.track, grade)


def education_at(person: Person, place: int) -> str | None:
    """Education in the quarter (文化程度), blank for those in school, as the national system wants it."""
    age = person.age(place)
    if stage_at(person, place) != "none":
        return None
    if age < 6:
        return "preschool"
    if person.dropout or age < 15:
        return "primary" if age >= 12 else "illiterate"
    luck = person.luck[1]
    if age < 25:
        if _upper_stage(person.track, 9) == "none":
            return "junior"
        return "college" if age >= 21 and ("college" in person.track or "higher" in person.track) else "senior" if age >= 18 else "junior"
    shares = (0.36, 0.9, 0.99, 1.0) if age >= 66 else (0.08, 0.5, 0.92, 0.99) if age >= 45 else (0.01, 0.2, 0.8, 0.94)
    return next((level for level, bound in zip(("illiterate", "primary", "junior", "senior"), shares, strict=True) if luck < bound), "college")


def labour_at(person: Person, place: int) -> str:
    """Labour capacity in the quarter (劳动技能)."""
    age, luck = person.age(place), person.luck[2]
    if age < 16 or stage_at(person, place) != "none":
        return "none"
    if age >= 66:
        return "weak" if person.health == "healthy" and age < 72 and luck < 0.3 else "none"
    if person.health == "disabled":
        return "lost" if luck < 0.5 else "weak"
    if person.health == "serious":
        return "lost" if luck < 0.55 else "weak"
    if age >= 60:
        return "ordinary" if person.health == "healthy" and luck < 0.4 else "weak"
    if person.health == "chronic":
        return "weak" if luck < 0.45 else "ordinary"
    return "skilled" if luck < 0.08 else "ordinary"


def is_able(person: Person, place: int) -> bool:
    """Whether the person can earn a wage: ordinary or skilled labour, not a soldier."""
    return labour_at(person, place) in ("ordinary", "skilled") and not person.soldier


def school_state_at(person: Person, place: int) -> str | None:
    """School state of those aged 6 to 15 (就学状态); blank for others."""
    if not 6 <= person.age(place) <= 15:
        return None
    if person.dropout:
        return "dropout"
    stage = stage_at(person, place)
    if stage in UPPER:
        return "finished"
    if stage != "none":
        return "in_school"
    if person.health == "disabled":
        return "home_teaching" if person.luck[3] < 0.5 else "medically_unable"
    return "finished" if person.age(place) >= 15 else "in_school"


def person_at(person: Person, place: int) -> dict[str, Any]:
    """What the register says of one person in one quarter: columns of table ``persons`` without the household."""
    change = person.changes.get(place)
    works = person.months[0 if place < YEAR_END else 1] if labour_at(person, place) in WORKING and not person.soldier else 0
    gone = change in LEAVING
    return {
        "person_id": person.person_id, "relation": person.relation, "sex": person.sex, "birth_date": dt.datetime.combine(person.birth, dt.time()),
        "education": education_at(person, place), "schooling_stage": stage_at(person, place), "health": person.health,
        "labour": labour_at(person, place), "work_place": person.place if works else None, "work_months": works,
        "serious_illness_insurance": person.insurance != "none" or place >= person.insured_from > 0,
        "change": change, "resident": None if person.resident_unknown else not (gone or person.away or person.soldier),
    }


def _upper_stage(track: str, grade: int) -> str:
    """Stage after nine years of school, ``grade`` counted from zero."""
    first = track.partition("_")[0]
    if grade < 12:
        return first if first in UPPER else "none"
    if track.endswith("college"):
        return "college" if grade < 16 else "none"
    return "higher_vocational" if track.endswith("higher_vocational") and grade < 15 else "none"


def _background_health(person: Person, draw: Draw) -> str:
    age = person.age(NOW)
    chronic = 0.34 if age >= 60 else 0.1 if age >= 40 else 0.02 if age >= 16 else 0.006
    serious = 0.035 if age >= 50 else 0.012 if age >= 16 else 0.004
    disabled = 0.06 if age >= 50 else 0.035 if age >= 16 else 0.008
    return draw.weighted({"chronic": chronic, "serious": serious, "disabled": disabled, "healthy": 1 - chronic - serious - disabled})


def _steady(row: Household) -> list[Person]:
    """Members who are there in every quarter in which the household is: a cause rests on one of them."""
    return [person for person in row.members if person.first <= row.first and person.last >= row.last and not person.changes] or row.members


def _choose_cause(row: Household, draw: Draw) -> str:
    """A cause that the members bear out: illness has an ill member, study a pupil beyond compulsory school, lack of labour few who can work."""
    steady = _steady(row)
    pupils = [person for person in steady if stage_at(person, row.first) in UPPER and stage_at(person, NOW) in UPPER]
    if pupils and draw.chance(0.7):
        return "study"
    able = sum(is_able(person, NOW) for person in row.members)
    weights = {cause: weight for cause, weight in CAUSES.items() if cause != "study"}
    if able >= 2:
        del weights["labour"]
    if able == 0:
        weights = {cause: weights[cause] for cause in ("illness", "disability", "labour", "disaster", "bereavement")}
    if row.out_before:
        weights = {"illness": 1}
    if not any(person.age(NOW) >= 20 for person in steady):
        del weights["bereavement"]
    cause = draw.weighted(weights)
    _bear_out(cause, steady, draw)
    return cause


def _bear_out(cause: str, steady: list[Person], draw: Draw) -> None:
    """Make one member ill or disabled where the cause says so and nobody is yet."""
    grown = [person for person in steady if person.age(NOW) >= 24] or steady
    if cause == "illness" and not any(person.health in ("chronic", "serious") for person in steady):
        draw.pick(grown).health = draw.weighted({"chronic": 0.68, "serious": 0.32})
    if cause == "disability" and not any(person.health == "disabled" for person in steady):
        draw.pick(grown).health = "disabled"


def _choose_attribute(row: Household, draw: Draw) -> str:
    """Five guarantees only for those who are old or cannot work and have nobody who can; low-income allowance more often among those left."""
    members = row.members
    helpless = len(members) <= 2 and not any(is_able(person, place) for person in members for place in (0, NOW))
    helpless = helpless and not any(16 <= person.age(NOW) < 60 and labour_at(person, NOW) != "lost" for person in members)
    helpless = helpless and all(person.age(0) >= 60 or labour_at(person, 0) == "lost" for person in members)
    if helpless and draw.chance(0.42 if row.cohort == "left" else 0.3):
        return "five_guarantee"
    return "low_income" if draw.chance(0.4 if row.cohort == "left" else 0.17) else "general"
