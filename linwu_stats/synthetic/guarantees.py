"""Guarantees of the sample county (两不愁三保障和饮水安全): housing, water, food and clothing, insurance of each household, and when they were mended."""

from __future__ import annotations

from typing import Any

from linwu_stats.synthetic.dates import NOW, YEAR_END
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.people import Household

__all__ = ["give_guarantees", "housing_at", "insurance_at", "is_mended", "living_at", "water_at", "water_is_safe"]

NEVER = 99
LITRES_MIN, FETCH_MAX, DAYS_MIN = 20, 20, 329


def give_guarantees(seed: int, rows: list[Household]) -> None:
    """Decide which guarantee each household lacks and until when (保障短板), after its income group is known; in place, while the county is made."""
    for row in rows:
        draw = Draw(seed, "guarantees", row.household_id)
        lacks = _what_lacks(row, draw)
        row.facts["lacks"] = sorted(lacks)
        row.housing = _plan_housing(row, "housing" in lacks, draw)
        row.water = _plan_water(row, "water" in lacks, draw)
        row.living = {"food_ok": "living" not in lacks or draw.chance(0.5), "clothing_ok": "living" not in lacks, "blank": draw.chance(0.002)}
        if row.living["food_ok"] and "living" in lacks:
            row.living["clothing_ok"] = False
        _plan_insurance(row, "medical" in lacks, draw)


def housing_at(row: Household, place: int) -> dict[str, Any]:
    """Housing ledger of one household in one quarter (住房安全台账): columns of table ``housing``."""
    plan = row.housing
    grade, measure = plan["grade"], plan["measure"]
    begun = measure != "none" and place >= plan["finished"] - 2
    return {
        "household_id": row.household_id, "housing_grade": None if plan["blank"] and place >= YEAR_END else grade,
        "housing_measure": measure if begun else "none", "measure_finished": (place >= plan["finished"]) if begun else None,
        "certificate": f"示例住建鉴({2016 if place < 1 else 2017 if place < NOW else 2018})第{int(row.household_id[-6:]):05d}号",
    }


def is_mended(row: Household, place: int) -> bool:
    """Whether the house is safe in the quarter by the plan: grade A or B, or mended and lived in."""
    return row.housing["grade"] in ("A", "B") or (row.housing["measure"] != "none" and place >= row.housing["finished"])


def water_at(row: Household, place: int) -> dict[str, Any]:
    """Water ledger of one household in one quarter (饮水安全台账): columns of table ``water``."""
    plan = row.water
    values = plan["before"] if place < plan["mended"] else plan["after"]
    blank = {"quality_ok": None} if plan["blank"] and place >= YEAR_END else {}
    return {"household_id": row.household_id, **values, **blank}


def water_is_safe(values: dict[str, Any]) -> bool:
    """All four indices met (四项指标均达标)."""
    return (
        values["litres_per_person_day"] >= LITRES_MIN and values["fetch_minutes"] <= FETCH_MAX and values["supply_days"] >= DAYS_MIN
        and values["quality_ok"] is not False
    )


def living_at(row: Household, place: int) -> dict[str, Any]:
    """Food and clothing ledger of one household in one quarter (两不愁): columns of table ``living``."""
    food = None if row.living["blank"] and place == NOW else row.living["food_ok"]
    return {"household_id": row.household_id, "food_ok": food, "clothing_ok": row.living["clothing_ok"]}


def insurance_at(row: Household, place: int) -> list[dict[str, Any]]:
    """Insurance ledger of one household in one quarter (医疗保险台账): columns of table ``insurance``."""
    rows = []
    for person in row.present(place):
        insured = person.insurance != "none" or 0 < person.insured_from <= place
        kind = (person.insurance if person.insurance != "none" else "resident") if insured else "none"
        exception = "soldier" if person.soldier else "newborn" if person.changes.get(place) == "newborn" and not insured else None
        rows.append({
            "person_id": person.person_id, "household_id": row.household_id, "basic_insurance": "none" if person.soldier else kind,
            "serious_illness": insured and not person.soldier, "medical_aid": insured and row.attribute != "general" and not person.soldier,
            "insurance_exception": exception,
        })
    return rows


def _what_lacks(row: Household, draw: Draw) -> set[str]:
    """Guarantees that fail in the newest quarter, by income group; households that are out lack none, save those seeded as wrong exits."""
    if "wrong_exit_house" in row.specials:
        return {"housing"}
    if any(person.dropout for person in row.members):
        return {"education"} | ({"housing"} if draw.chance(0.2) else set())
    if row.group == "guarantee":
        lacks = {draw.weighted({"housing": 50, "water": 28, "medical": 18, "living": 4})}
        return lacks | ({draw.pick(("housing", "water", "medical"))} if draw.chance(0.2) else set())
    if row.group == "poor" and row.cohort == "left":
        shares = {"housing": 0.12, "water": 0.08, "medical": 0.05, "living": 0.03}
        return {name for name, share in shares.items() if draw.chance(share)}
    return set()


def _plan_housing(row: Household, lacks: bool, draw: Draw) -> dict[str, Any]:
    blank = row.cohort != "left" and not row.specials and draw.chance(0.004)
    if lacks:
        measure = draw.weighted({"none": 5, "rebuilt": 3, "repaired": 1, "moved": 2}) if row.cohort == "left" else "none"
        grade = draw.weighted({"C": 6, "D": 4})
        return {"grade": grade, "measure": measure, "finished": NEVER if draw.chance(0.5) else NOW + 2, "blank": False}
    if draw.chance(0.3 if row.cohort == "y2017" else 0.14 if row.cohort == "early" else 0.04):
        finished = {"y2017": draw.whole(0, 3), "early": -2, "left": NOW}[row.cohort]
        return {
            "grade": draw.weighted({"C": 5, "D": 5}), "measure": draw.weighted({"repaired": 4, "rebuilt": 4, "moved": 2}), "finished": finished,
            "blank": False,
        }
    return {"grade": draw.weighted({"A": 38, "B": 62}), "measure": "none", "finished": NEVER, "blank": blank}


def _plan_water(row: Household, lacks: bool, draw: Draw) -> dict[str, Any]:
    good = {
        "litres_per_person_day": draw.whole(25, 120), "fetch_minutes": 0 if draw.chance(0.85) else draw.whole(3, 20),
        "supply_days": draw.whole(340, 365), "quality_ok": True,
    }
    bad = dict(good)
    for fault in draw.shuffled(("litres_per_person_day", "fetch_minutes", "supply_days", "quality_ok"))[: draw.whole(1, 2)]:
        bad[fault] = {
            "litres_per_person_day": draw.whole(8, 19), "fetch_minutes": draw.whole(21, 45), "supply_days": draw.whole(240, 327), "quality_ok": False,
        }[fault]
    mended = NEVER if lacks else 0
    if not lacks and row.cohort == "y2017" and draw.chance(0.15):
        mended = draw.whole(1, 3)
    return {"before": bad, "after": good, "mended": mended, "blank": not row.specials and draw.chance(0.004)}


def _plan_insurance(row: Household, lacks: bool, draw: Draw) -> None:
    """Nearly everybody is insured; where the guarantee fails, one member is not, or pays twice."""
    for person in row.members:
        if person.months[0] >= 7 and person.place in ("county", "province", "outside") and draw.chance(0.08):
            person.insurance = "employee"
    steady = [person for person in row.members if person.first <= row.first and person.last >= row.last and not person.soldier]
    if lacks and steady:
        draw.pick(steady).insurance = "none" if draw.chance(0.85) else "both"
    elif row.cohort == "y2017" and steady and draw.chance(0.05):
        person = draw.pick(steady)
        person.insurance, person.insured_from = "none", draw.whole(1, 3)
    for person in row.members:
        if NOW in person.changes and person.changes[NOW] == "newborn":
            person.insurance = "none"
