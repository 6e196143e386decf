"""One page of a booklet or household file, and what may be wrong on it (一户的登记内容及其差错)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from linwu_stats.synthetic.attributes import person_at
from linwu_stats.synthetic.county import County, household_at
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.guarantees import housing_at, water_at
from linwu_stats.synthetic.identity import AREA_CODE, check_digit, invent_name
from linwu_stats.synthetic.people import Household, Person
from linwu_stats.synthetic.source_faults import Fault

__all__ = ["MONEY", "Page", "leave_late", "page_of", "person_of", "put_in"]

MONEY = ("wage_fen", "business_fen", "property_fen", "transfer_fen", "cost_fen")

#: A character and others that sound alike, as a clerk writes a name by ear.
SOUNDS = dict([
    "建健", "国帼", "志智", "伟玮", "明鸣", "华骅", "军君", "勇永", "辉晖", "文雯", "斌彬", "祥翔", "玉育", "林琳", "春椿", "生声", "涛滔", "小晓", "龙隆",
    "石实", "保宝", "忠钟", "义艺", "平萍", "秀绣", "英瑛", "兰岚", "梅玫", "莲连", "丽莉", "芳方", "红虹", "艳燕", "燕艳", "香乡", "云芸", "珍真", "琴芹",
    "贞珍", "蓉容", "慧惠", "强墙", "光广", "德得", "贵桂", "桂贵", "福符", "海亥", "水税", "安桉", "花华", "美镁", "雪穴", "素苏", "满螨", "巧雀", "娇骄",
])

#: Household values and persons' values, as codes.
Page = tuple[dict[str, Any], list[dict[str, Any]]]


def page_of(county: County, row: Household, place: int, sheet: dict[str, Any]) -> Page:
    """What the system, the quarterly sheet, the housing and the water ledger say: the values that a faultless booklet repeats."""
    register, water = household_at(county, row, place), water_at(row, place)
    household = {name: register[name] for name in ("household_id", "recorded_size_persons", "poverty_status", "exit_year", "attribute", "cause")}
    household |= {"housing_grade": housing_at(row, place)["housing_grade"], **{name: water[name] for name in ("litres_per_person_day", "quality_ok")}}
    return household | {name: sheet[name] for name in MONEY}, [person_of(person, place) for person in row.present(place)]


def person_of(person: Person, place: int) -> dict[str, Any]:
    """What the register says of a person, with name and number (人员各项)."""
    register = person_at(person, place)
    return {
        "person_id": person.person_id, "name": person.name, "id_number": person.id_number, "birth_date": person.birth,
        **{name: register[name] for name in ("relation", "sex", "health", "labour", "schooling_stage", "resident")},
    }


def put_in(fault: Fault, page: Page, row: Household, place: int, draw: Draw) -> None:
    """Put a fault into a page (写入差错); where the page has nothing that the kind could change, an amount is wrong instead."""
    if fault.person >= 0:
        _write_wrongly(page, row, fault, draw)
    elif not EDITS[fault.kind](page, row, place, draw):
        _income(page, row, place, draw)


def _write_wrongly(page: Page, row: Household, fault: Fault, draw: Draw) -> None:
    """A number with one wrong digit, none, or the old fifteen; a name by ear, or a character short."""
    wanted = row.members[fault.person].person_id
    for person in page[1]:
        if person["person_id"] != wanted:
            continue
        number, name = person["id_number"], person["name"]
        if fault.kind == "id_digit":
            at = draw.whole(14, 16)
            person["id_number"] = f"{number[:at]}{(int(number[at]) + draw.whole(1, 9)) % 10}{number[at + 1:]}"
        elif fault.kind == "id_blank":
            person["id_number"] = None
        elif fault.kind == "id_15":
            person["id_number"] = number[:6] + number[8:17]
        else:
            like = [at for at in range(1, len(name)) if name[at] in SOUNDS]
            short = len(name) == 3 and (not like or draw.chance(0.2))
            at = 0 if short or not like else draw.pick(like)
            person["name"] = name[0] + name[2] if short else name if not at else name[:at] + SOUNDS[name[at]] + name[at + 1:]


def leave_late(page: Page, county: County, row: Household, place: int, sheet: dict[str, Any] | None) -> None:
    """Nobody has written the quarter in yet: members, status and amounts of the quarter before."""
    if not row.there(place - 1) or sheet is None:
        return
    household, people = page_of(county, row, place - 1, sheet)
    page[0].update({name: household[name] for name in ("recorded_size_persons", "poverty_status", "exit_year", *MONEY)})
    page[1][:] = people


def _income(page: Page, row: Household, place: int, draw: Draw) -> bool:
    known = [name for name in MONEY if page[0][name] is not None]
    if known:
        name = draw.pick([one for one in known if page[0][one]] or known)
        step = 100 * draw.pick((36, 120, 480, 900, 2000))
        page[0][name] += step if page[0][name] < step or draw.chance(0.5) else -step
    return bool(known)


def _another(name: str, weights: dict[str, float]) -> Callable[[Page, Household, int, Draw], bool]:
    """A household's value becomes another of these."""

    def edit(page: Page, row: Household, place: int, draw: Draw) -> bool:
        page[0][name] = draw.weighted({value: weight for value, weight in weights.items() if value != page[0][name]})
        return True

    return edit


def _another_of_person(name: str, values: tuple[Any, ...]) -> Callable[[Page, Household, int, Draw], bool]:
    """A member's value becomes another of these."""

    def edit(page: Page, row: Household, place: int, draw: Draw) -> bool:
        person = draw.pick(page[1])
        person[name] = draw.pick([value for value in values if value != person[name]])
        return True

    return edit


def _relation(page: Page, row: Household, place: int, draw: Draw) -> bool:
    near = {"son": "grandson", "grandson": "son", "daughter": "granddaughter", "granddaughter": "daughter", "mother": "grandmother", "father": "grandfather"}
    for person in page[1][1:]:
        person["relation"] = near.get(person["relation"], "other")
        return True
    return False


def _birth(page: Page, row: Household, place: int, draw: Draw) -> bool:
    person = draw.pick(page[1])
    born = person["birth_date"]
    person["birth_date"] = dt.date(born.year - 1, born.month, min(born.day, 28)) if draw.chance(0.4) else born - dt.timedelta(days=draw.whole(1, 20))
    return True


def _housing(page: Page, row: Household, place: int, draw: Draw) -> bool:
    """A neighbouring grade on the same side of what is safe."""
    grade = page[0]["housing_grade"]
    page[0]["housing_grade"] = {"A": "B", "B": "A", "C": "D", "D": "C"}.get(grade)
    return grade is not None


def _status(page: Page, row: Household, place: int, draw: Draw) -> bool:
    out = page[0]["poverty_status"] == "out"
    page[0]["poverty_status"], page[0]["exit_year"] = ("not_out", None) if out else ("out", 2017)
    return True


def _exit_year(page: Page, row: Household, place: int, draw: Draw) -> bool:
    year = page[0]["exit_year"]
    page[0]["exit_year"] = year and year - 1
    return year is not None


def _size(page: Page, row: Household, place: int, draw: Draw) -> bool:
    page[0]["recorded_size_persons"] += 1
    return True


def _member_missing(page: Page, row: Household, place: int, draw: Draw) -> bool:
    """The newborn, the bride or else the last one was never written in."""
    if len(page[1]) < 2:
        return False
    page[1].pop()
    page[0]["recorded_size_persons"] -= 1
    return True


def _member_added(page: Page, row: Household, place: int, draw: Draw) -> bool:
    """Who died or married out is still there; else a child whom the system does not know yet."""
    gone = [person for person in row.members if person.last < place]
    if gone:
        page[1].append(person_of(gone[-1], gone[-1].last))
    else:
        number = int(row.household_id[-6:])
        born = dt.date(2017, 8, 1) + dt.timedelta(days=number // 100)
        body = f"{AREA_CODE}{born:%Y%m%d}{800 + 2 * (number % 100):03d}"
        page[1].append({
            "person_id": f"{row.household_id}n", "name": invent_name(draw, "female", row.members[0].name[0]), "id_number": body + check_digit(body),
            "birth_date": born, "relation": "daughter", "sex": "female", "health": "healthy", "labour": "none", "schooling_stage": "none", "resident": True,
        })
    page[0]["recorded_size_persons"] += 1
    return True


def _litres(page: Page, row: Household, place: int, draw: Draw) -> bool:
    """More than stated where there is enough, less where there is not: on the same side of the bar."""
    page[0]["litres_per_person_day"] += 5 if page[0]["litres_per_person_day"] >= 20 else -1
    return True


def _missing(page: Page, row: Household, place: int, draw: Draw) -> bool:
    page[1].clear()
    return True


def _wrong_code(page: Page, row: Household, place: int, draw: Draw) -> bool:
    code = row.household_id
    swapped = code[:-2] + code[-1] + code[-2]
    page[0]["household_id"] = swapped if swapped != code else f"{code[:-3]}{(int(code[-3]) + 1) % 10}{code[-2:]}"
    return True


def _set(name: str, value: Any) -> Callable[[Page, Household, int, Draw], bool]:
    """A household's value becomes this one."""

    def edit(page: Page, row: Household, place: int, draw: Draw) -> bool:
        page[0][name] = value
        return True

    return edit


EDITS: dict[str, Callable[[Page, Household, int, Draw], bool]] = {
    "income": _income, "cause": _another("cause", {"illness": 3, "skill": 2, "funds": 2, "labour": 2, "study": 1}), "exit_year": _exit_year,
    "member_missing": _member_missing, "member_added": _member_added, "birth": _birth, "housing": _housing, "relation": _relation,
    "health": _another_of_person("health", ("healthy", "chronic", "serious")), "labour": _another_of_person("labour", ("ordinary", "weak", "none")),
    "stage": _another_of_person("schooling_stage", ("none", "primary", "junior", "senior")), "resident": _another_of_person("resident", (True, False)),
    "attribute": _another("attribute", {"general": 3, "low_income": 2}), "status": _status, "size": _size, "litres": _litres, "missing": _missing,
    "wrong_code": _wrong_code, "doubled": lambda page, row, place, draw: True, "house_unsafe": _set("housing_grade", "D"),
    "house_safe": _set("housing_grade", "B"), "water_unsafe": _set("quality_ok", False),
}
