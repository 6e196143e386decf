"""Drawing the rows of the departments' lists (抽取部门名册): one function a list, each row a doubt, no doubt, or a stranger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from linwu_stats.synthetic.attributes import person_at, school_state_at
from linwu_stats.synthetic.county import County
from linwu_stats.synthetic.dates import NOW, PUBLISHED_HOUSEHOLDS, QUARTER_ENDS, QUARTERS, YEAR_END
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.guarantees import insurance_at
from linwu_stats.synthetic.identity import AREA_CODE, check_digit, invent_name, invent_surname
from linwu_stats.synthetic.people import Household, Person
from linwu_stats.tables import CODES

__all__ = ["LISTS", "Drawn", "is_steady"]

SCHOOLS = ("primary", "junior", "senior", "vocational")
CAR, OLD, BIKE = "小型轿车", "微型普通客车", "普通二轮摩托车"

Pair = tuple[Household, Person]


@dataclass
class Drawn:
    """One list while it is drawn: rows without their number, and the doubts that it raises."""

    county: County
    place: int
    draw: Draw
    people: list[Pair]
    rows: list[list[Any]] = field(default_factory=list)
    flags: list[tuple[str, str, str | None, str]] = field(default_factory=list)
    turn: int = 0

    def some(self, count: int, fits: Callable[[Household, Person], bool] | None = None) -> list[Pair]:
        """The next people of the shuffled register who fit: as many as ``count`` is for the whole county, at least one where there is one."""
        wanted = max(1, round(count * len(self.county.households) / PUBLISHED_HOUSEHOLDS))
        chosen: list[Pair] = []
        kept: list[Pair] = []
        for pair in self.people:
            (chosen if len(chosen) < wanted and (fits is None or fits(*pair)) else kept).append(pair)
        self.people = kept
        return chosen

    def doubt(self, flag: str, pair: Pair, *, whole_household: bool = False, strength: str = "exact") -> None:
        """Note that a flag is due."""
        self.flags.append((f"flag.{flag}", pair[0].household_id, None if whole_household else pair[1].person_id, strength))

    def settled(self) -> bool:
        """Whether a doubt of the end of 2017 has been settled by the next quarter; drawn in both, so that the draws stay in step."""
        return self.draw.chance(0.3) and self.place == NOW

    def strangers(self, count: int) -> Iterable[tuple[str, str, str, str]]:
        """Name, number, address and sex of people who are not on the register; two of three have the name of somebody who is."""
        for _ in range(max(2, round(count * len(self.county.households) / PUBLISHED_HOUSEHOLDS))):
            row = self.draw.pick(self.county.households)
            like = self.draw.pick(row.members)
            sex = like.sex if self.draw.chance(0.66) else self.draw.pick(("male", "female"))
            name = like.name if sex == like.sex else invent_name(self.draw, sex, invent_surname(self.draw))
            self.turn += 1
            born = dt.date(1952, 1, 1) + dt.timedelta(days=self.draw.whole(0, 15000))
            body = f"{AREA_CODE}{born:%Y%m%d}{600 + 2 * (self.turn % 100) + (sex == 'male'):03d}"
            yield name, body + check_digit(body), _address(self.draw.pick(self.county.households)), sex


def is_steady(person: Person) -> bool:
    """Whether the person is on the register in both quarters that have lists."""
    return person.there(YEAR_END) and person.there(NOW)


def _address(row: Household) -> str:
    return f"{row.village.township}{row.village.name}{row.natural_village}"


def _grown(row: Household, person: Person) -> bool:
    return 22 <= person.age(YEAR_END) <= 58 and person.health == "healthy" and not person.changes


def _day(draw: Draw, first: int, last: int) -> str:
    return f"{draw.whole(first, last)}-{draw.whole(1, 12):02d}-{draw.whole(1, 28):02d}"


def _payroll(one: Drawn) -> None:
    draw = one.draw
    cases = (
        (12, "payroll.staff", "事业编制", "工作人员"), (3, "payroll.staff", "行政编制", "科员"), (5, "payroll.staff", "国有企业正式职工", "职工"),
        (8, "payroll.village_cadre", "村干部", "村支部书记"), (30, "", "公益性岗位", "保洁员"), (6, "", "遗属补助", ""),
    )
    for count, flag, kind, post in cases:
        for row, person in one.some(count, _grown):
            settled, cells = one.settled(), [f"示例单位{draw.whole(1, 40)}", kind, post, _day(draw, 1996, 2015), 100 * draw.whole(5, 62), _address(row)]
            if settled and flag:
                continue
            one.rows.append([person.name, person.id_number, *cells])
            if flag:
                one.doubt(flag, (row, person))
    for name, number, address, _ in one.strangers(160):
        one.rows.append([name, number, f"示例单位{draw.whole(1, 40)}", "事业编制", "工作人员", _day(draw, 1990, 2016), 100 * draw.whole(28, 70), address])


def _vehicles(one: Drawn) -> None:
    draw = one.draw
    cases = (
        (24, "vehicles.car", "小型汽车", CAR, (2010, 2017), "正常"), (8, "vehicles.car", "小型汽车", "小型面包车", (2011, 2017), "逾期未检验"),
        (10, "vehicles.old_car", "小型汽车", OLD, (1999, 2006), "逾期未检验"), (5, "vehicles.machine", "大型汽车", "轮式装载机械", (2009, 2017), "正常"),
        (4, "vehicles.machine", "大型汽车", "重型自卸货车", (2009, 2017), "正常"), (60, "", "普通摩托车", BIKE, (2006, 2017), "正常"),
        (25, "", "普通摩托车", "正三轮摩托车", (2008, 2017), "正常"), (6, "", "小型汽车", CAR, (2004, 2012), "注销"),
    )
    for count, flag, plate, kind, years, state in cases:
        for row, person in one.some(count, _grown):
            settled, number = one.settled(), f"湘L{draw.whole(10000, 99999)}"
            cells = [f"示例牌{draw.whole(1, 9)}号", person.name, person.id_number, _address(row), _day(draw, *years), "非营运"]
            one.rows.append([number, plate, kind, *cells, "转移登记注销" if settled and flag else state])
            if flag and not settled:
                one.doubt(flag, (row, person))
    for name, number, address, _ in one.strangers(240):
        one.rows.append([f"湘L{draw.whole(10000, 99999)}", "小型汽车", CAR, "示例牌1号", name, number, address, _day(draw, 2008, 2017), "非营运", "正常"])


def _property(one: Drawn) -> None:
    draw = one.draw
    cases = (
        (14, "property.home", "住宅", "市场化商品房", "购买"), (4, "property.shop", "商业服务", "市场化商品房", "购买"),
        (30, "", "住宅", "易地扶贫搬迁安置房", "安置"), (15, "", "住宅", "宅基地", "自建"), (5, "", "住宅", "灾后重建房", "安置"),
    )
    for count, flag, use, nature, way in cases:
        for row, person in one.some(count, _grown):
            settled, number = one.settled(), f"湘(示)不动产权第{draw.whole(1, 9_999_999):07d}号"
            where = f"{row.village.township}示例路{draw.whole(1, 99)}号" if flag else _address(row)
            if not (settled and flag):
                one.rows.append([number, person.name, person.id_number, where, use, float(draw.whole(40, 140)), nature, way, _day(draw, 2010, 2017)])
                if flag:
                    one.doubt(flag, (row, person))
    for name, number, address, _ in one.strangers(150):
        cells = [f"湘(示)不动产权第{draw.whole(1, 9_999_999):07d}号", name, number, address, "住宅", float(draw.whole(70, 150)), "市场化商品房", "购买"]
        one.rows.append([*cells, _day(draw, 2010, 2017)])


def _business(one: Drawn) -> None:
    draw = one.draw
    cases = (
        (10, "business.owner", "有限责任公司", "法定代表人", "存续", 2016), (4, "business.owner", "有限责任公司", "股东", "存续", 2017),
        (8, "business.owner", "个体工商户", "经营者", "存续", 2016), (12, "business.shell", "有限责任公司", "股东", "存续", None),
        (40, "", "农民专业合作社", "成员", "存续", 2016), (5, "", "个体工商户", "经营者", "注销", 2015),
    )
    for count, flag, kind, role, state, year in cases:
        for row, person in one.some(count, _grown):
            settled, code = one.settled(), f"92431099MA{draw.whole(0, 99_999_999):08d}"
            cells = [f"示例企业{draw.whole(1, 900)}号", kind, person.name, person.id_number, role, _address(row), _day(draw, 2008, 2014)]
            one.rows.append([code, *cells, "注销" if settled and flag else state, year])
            if flag and not settled:
                one.doubt(flag, (row, person))
    for name, number, address, _ in one.strangers(120):
        cells = [f"示例企业{draw.whole(1, 900)}号", "有限责任公司", name, number, "法定代表人", address, _day(draw, 2005, 2016), "存续", 2016]
        one.rows.append([f"91431099MA{draw.whole(0, 99_999_999):08d}", *cells])


def _pension(one: Drawn) -> None:
    """The list is the whole county's, so that who is old enough and not on it is a doubt too."""
    draw = one.draw
    for kind, count, fen in (("企业职工养老保险", 8, 1650), ("机关事业单位养老保险", 4, 2900)):
        for row, person in one.some(count, lambda row, person: person.age(YEAR_END) >= 60 and not person.changes):
            one.rows.append([person.name, person.id_number, kind, float(fen + draw.whole(0, 400)), "正常发放", _address(row)])
            one.doubt("pension.employee", (row, person))
    for row, person in one.some(20, lambda row, person: person.age(YEAR_END) >= 60 and not person.changes):
        one.doubt("pension.not_listed", (row, person))
    left = {person.person_id for _, person in one.people}
    gone = {person_id for _, _, person_id, _ in one.flags}
    for row in one.county.present(QUARTERS[one.place]):
        for person in row.present(one.place):
            if person.age(one.place) >= 60 and (person.person_id in left or person.person_id not in gone):
                one.rows.append([person.name, person.id_number, "城乡居民养老保险", 103.0 if one.place == NOW else 85.0, "正常发放", _address(row)])
    for name, number, address, _ in one.strangers(90):
        one.rows.append([name, number, "企业职工养老保险", float(1500 + draw.whole(0, 900)), "正常发放", address])


def _deaths(one: Drawn) -> None:
    draw = one.draw

    def died(row: Household, person: Person) -> bool:
        return person.age(YEAR_END) >= 55 and not person.changes

    def put(name: str, number: str, sex: str, born: dt.date, address: str) -> None:
        day = dt.date(2017, 7, 1) + dt.timedelta(days=draw.whole(0, 150))
        one.rows.append([name, number, CODES["sex"][sex], f"{born:%Y-%m-%d}", address, f"{day:%Y-%m-%d}", f"{day + dt.timedelta(days=9):%Y-%m-%d}"])

    for row, person in one.some(15, died):
        put(person.name, person.id_number, person.sex, person.birth, _address(row))
        one.doubt("deaths.on_register", (row, person))
    for row, person in one.some(5, died):
        # The registry office has the number without its last digit: only name, village and birth date are left to go by.
        put(person.name, person.id_number[:17], person.sex, person.birth, _address(row))
        one.doubt("deaths.on_register", (row, person), strength="weak")
    for row in one.county.present(QUARTERS[one.place]):
        for person in row.present(one.place):
            if person.changes.get(one.place) == "dead":
                put(person.name, person.id_number, person.sex, person.birth, _address(row))
    for name, number, address, sex in one.strangers(130):
        put(name, number, sex, dt.datetime.strptime(number[6:14], "%Y%m%d").replace(tzinfo=dt.UTC).date(), address)


def _disability(one: Drawn) -> None:
    draw = one.draw

    def put(name: str, number: str, address: str, state: str = "有效") -> None:
        kind, grade = draw.pick("123467"), draw.whole(1, 4)
        words = {"1": "视力残疾", "2": "听力残疾", "3": "言语残疾", "4": "肢体残疾", "6": "精神残疾", "7": "多重残疾"}
        one.rows.append([name, number, f"{number}{kind}{grade}", words[kind], f"{'一二三四'[grade - 1]}级", _day(draw, 2009, 2016), state, address])

    lost = {person.person_id for _, person in one.some(25, lambda row, person: person.health == "disabled")}
    for row, person in one.some(30, lambda row, person: person.health != "disabled" and person.age(YEAR_END) >= 16):
        put(person.name, person.id_number, _address(row))
        one.doubt("disability.certificate", (row, person))
    for row, person in one.some(10, lambda row, person: person.health != "disabled" and person.age(YEAR_END) >= 16):
        put(person.name, person.id_number, _address(row), "注销")
    for row in one.county.present(QUARTERS[one.place]):
        for person in row.present(one.place):
            if person.health == "disabled" and person.person_id not in lost:
                put(person.name, person.id_number, _address(row))
            elif person.health == "disabled":
                one.doubt("disability.not_listed", (row, person))
    for name, number, address, _ in one.strangers(150):
        put(name, number, address)


def _enrolment(one: Drawn) -> None:
    draw = one.draw
    stages = [QUARTERS.index(quarter) for quarter in QUARTERS[YEAR_END:]]

    def always(*wanted: str) -> Callable[[Household, Person], bool]:
        return lambda row, person: all(person_at(person, place)["schooling_stage"] in wanted for place in stages)

    def put(pair: Pair, stage: str, state: str = "在籍") -> None:
        row, person = pair
        cells = [f"示例学校{draw.whole(1, 60)}", CODES["schooling_stage"][stage], f"{draw.whole(1, 3)}年级", state, _address(row)]
        one.rows.append([person.name, person.id_number, *cells])

    def pupil(row: Household, person: Person) -> bool:
        return all(school_state_at(person, place) == "in_school" for place in stages) and always("primary", "junior")(row, person)

    lost = {person.person_id for _, person in one.some(20, always(*SCHOOLS))}
    other = {person.person_id for _, person in one.some(10, always("junior"))}
    gone = {person.person_id for _, person in one.some(6, pupil)}
    for pair in one.some(12, lambda row, person: 16 <= person.age(YEAR_END) <= 19 and not person.changes and always("none")(row, person)):
        put(pair, "senior")
        one.doubt("enrolment.in_school", pair)
    for row in one.county.present(QUARTERS[one.place]):
        for person in row.present(one.place):
            stage = person_at(person, one.place)["schooling_stage"]
            if stage in SCHOOLS and person.person_id in lost:
                one.doubt("enrolment.not_listed", (row, person))
            elif stage in SCHOOLS and person.person_id in other:
                put((row, person), "senior")
                one.doubt("enrolment.stage", (row, person))
            elif stage in SCHOOLS and person.person_id in gone:
                put((row, person), stage, "辍学")
                one.doubt("enrolment.dropout", (row, person))
            elif stage in SCHOOLS:
                put((row, person), stage)


def _medical(one: Drawn) -> None:
    draw = one.draw
    year = QUARTER_ENDS[one.place].year
    insured = {entry["person_id"]: entry["basic_insurance"] for row in one.county.present(QUARTERS[one.place]) for entry in insurance_at(row, one.place)}

    def resident(row: Household, person: Person) -> bool:
        return person.insurance == "resident" and not person.soldier and not person.changes

    lost = {person.person_id for _, person in one.some(30, resident)}
    unpaid = {person.person_id for _, person in one.some(10, resident)}
    employed = {person.person_id for _, person in one.some(15, lambda row, person: resident(row, person) and _grown(row, person))}
    paid = {person.person_id for _, person in one.some(12, lambda row, person: person.insurance == "none" and not person.insured_from and not person.changes)}
    for row in one.county.present(QUARTERS[one.place]):
        for person in row.present(one.place):
            code, kind = person.person_id, "城乡居民基本医疗保险"
            if insured[code] != "none" and (code in lost or code in unpaid):
                one.doubt("medical.not_listed", (row, person))
            if (insured[code] == "none" and code not in paid) or code in lost:
                continue
            if insured[code] == "none":
                one.doubt("medical.listed", (row, person))
            elif code in employed:
                one.doubt("medical.employee", (row, person))
            if insured[code] == "employee" or code in employed:
                kind = "职工基本医疗保险"
            one.rows.append([person.name, person.id_number, kind, year, "未缴费" if code in unpaid else "已缴费", _address(row)])
    for name, number, address, _ in one.strangers(300):
        one.rows.append([name, number, draw.pick(("城乡居民基本医疗保险", "职工基本医疗保险")), year, "已缴费", address])


def _allowance(one: Drawn) -> None:
    draw = one.draw

    def put(pair: Pair, kind: str = "农村低保", state: str = "在保") -> None:
        row, person = pair
        certificate, fen, since = f"示低{draw.whole(1, 999_999):06d}", float(draw.whole(90, 300)), _day(draw, 2012, 2016)[:7]
        one.rows.append([person.name, person.id_number, certificate, kind, len(row.present(one.place)), fen, since, state, _address(row)])

    general, poor = (lambda row, person: row.attribute == "general"), (lambda row, person: row.attribute != "general")
    lost = {row.household_id for row, _ in one.some(15, poor)}
    homes: set[str] = set()
    for count, state in ((20, "在保"), (8, "停保")):
        for pair in one.some(count, lambda row, person: general(row, person) and row.household_id not in homes):
            if pair[0].household_id not in homes:
                homes.add(pair[0].household_id)
                put(pair, state=state)
                if state == "在保":
                    one.doubt("allowance.listed", pair, whole_household=True)
    for row in one.county.present(QUARTERS[one.place]):
        if row.attribute != "general" and row.household_id in lost:
            one.doubt("allowance.not_listed", (row, row.members[0]), whole_household=True)
        elif row.attribute != "general":
            for person in row.present(one.place):
                put((row, person), "特困供养" if row.attribute == "five_guarantee" else "农村低保")
    for name, number, address, _ in one.strangers(160):
        cells = [f"示低{draw.whole(1, 999_999):06d}", "农村低保", 2, float(draw.whole(90, 300)), _day(draw, 2012, 2016)[:7], "在保", address]
        one.rows.append([name, number, *cells])


LISTS: dict[str, Callable[[Drawn], None]] = {
    "payroll": _payroll, "vehicles": _vehicles, "property": _property, "business": _business, "pension": _pension, "deaths": _deaths,
    "disability": _disability, "enrolment": _enrolment, "medical": _medical, "allowance": _allowance,
}
