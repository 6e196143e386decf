"""The national system's person export (全国扶贫开发信息系统导出): one row per person, household values repeated, every cell text.

The older quarters have the 27 columns of the exports of 2016 to 2019 and four more; the newest has the wide layout of about seventy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from linwu_stats.synthetic.attributes import UPPER, is_able, person_at
from linwu_stats.synthetic.county import County, household_at
from linwu_stats.synthetic.dates import NOW, QUARTERS
from linwu_stats.synthetic.guarantees import is_mended
from linwu_stats.synthetic.people import Household, Person
from linwu_stats.tables import CODES

__all__ = ["person_headings", "person_rows"]

Cell = Callable[["_Row"], Any]


class _Row:
    """What the columns of one row are taken from."""

    __slots__ = ("county", "head", "household", "person", "place", "register", "row", "system")

    def __init__(self, county: County, row: Household, household: dict[str, Any], person: Person, place: int):
        self.county, self.row, self.household, self.person, self.place = county, row, household, person, place
        self.register = person_at(person, place)
        self.system = county.system_fen[row.household_id]
        self.head = row.members[0]


def person_headings(place: int) -> list[str]:
    """Headings of the export of a quarter (表头)."""
    return list(WIDE if place == NOW else NARROW)


def person_rows(county: County, place: int) -> Iterable[list[str | None]]:
    """Rows of the export of a quarter, one per person on the register, in household and person order; every value is text or blank."""
    columns = list((WIDE if place == NOW else NARROW).values())
    for row in county.present(QUARTERS[place]):
        household = household_at(county, row, place)
        for person in row.present(place):
            source = _Row(county, row, household, person, place)
            yield [_text(cell(source)) for cell in columns]


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def _of_household(name: str, codes: str = "") -> Cell:
    return lambda row: _coded(row.household[name], codes)


def _of_person(name: str, codes: str = "") -> Cell:
    return lambda row: _coded(row.register[name], codes)


def _coded(value: Any, codes: str) -> Any:
    return CODES[codes][value] if codes and value is not None else value


def _money(name: str) -> Cell:
    """A yearly figure of the system in yuan with two decimals; blank where the system has no year for the household."""

    def cell(row: _Row) -> str | None:
        value = row.system.get(name, 0 if row.system else None)
        return None if value is None else f"{value / 100:.2f}"

    return cell


def _other_transfer(row: _Row) -> str | None:
    """The rest of the transfers, so that the parts add up to the class."""
    if not row.system or row.system["transfer"] is None:
        return None
    parts = ("family_planning", "low_income_allowance", "five_guarantee", "pension", "ecological")
    return f"{(row.system['transfer'] - sum(row.system.get(name, 0) or 0 for name in parts)) / 100:.2f}"


def _fact(name: str) -> Cell:
    return lambda row: row.row.facts[name]


def _land(name: str) -> Cell:
    return lambda row: f"{row.row.land[name]:.1f}"


def _percapita(row: _Row) -> str | None:
    value = row.household["recorded_percapita_fen"]
    return None if value is None else f"{value / 100:.2f}"


def _skills(row: _Row) -> str | None:
    return _coded(row.register["labour"], "labour")


def _grade(row: _Row) -> str | None:
    return None if is_mended(row.row, row.place) else CODES["housing_grade"][row.row.housing["grade"]]


def _other_causes(row: _Row) -> str | None:
    """A second cause that the members bear out."""
    people = row.row.present(row.place)
    if not row.row.facts["other_cause"]:
        return None
    able = sum(is_able(person, row.place) for person in people)
    for cause, holds in (
        ("illness", any(person.health in ("chronic", "serious") for person in people)),
        ("study", any(person_at(person, row.place)["schooling_stage"] in UPPER for person in people)), ("labour", able <= 1), ("funds", True),
    ):
        if holds and cause != row.row.cause:
            return CODES["cause"][cause]
    return None


_COMMON: dict[str, Cell] = {
    "natural": lambda row: row.row.natural_village, "household_id": lambda row: row.row.household_id, "person_id": lambda row: row.person.person_id,
    "name": lambda row: row.person.name, "id_number": lambda row: row.person.id_number, "relation": _of_person("relation", "relation"),
    "nation": _fact("nation"), "education": _of_person("education", "education"), "stage": _of_person("schooling_stage", "schooling_stage"),
    "health": _of_person("health", "health"), "labour": _skills, "place": _of_person("work_place", "work_place"), "months": _of_person("work_months"),
    "serious": _of_person("serious_illness_insurance"), "status": _of_household("poverty_status", "poverty_status"),
    "exit_year": _of_household("exit_year"), "attribute": _of_household("attribute", "attribute"), "cause": _of_household("cause", "cause"),
    "danger": _of_household("dangerous_house"), "water_safe": _of_household("water_safe"), "water_hard": _of_household("water_hard"),
    "size": _of_household("recorded_size_persons"), "phone": _fact("phone"), "sex": _of_person("sex", "sex"),
    "birth": lambda row: f"{row.person.birth:%Y%m%d}", "change": _of_person("change", "change"), "resident": _of_person("resident"),
}

NARROW: dict[str, Cell] = {
    "县(市、区、旗)": lambda row: "临武县", "乡(镇)": lambda row: row.row.village.township, "行政村": lambda row: row.row.village.name,
    "自然村": _COMMON["natural"], "户编号": _COMMON["household_id"], "人编号": _COMMON["person_id"], "姓名": _COMMON["name"],
    "证件号码": _COMMON["id_number"], "人数": _COMMON["size"], "与户主关系": _COMMON["relation"], "民族": _COMMON["nation"],
    "文化程度": _COMMON["education"], "在校生状况": _COMMON["stage"], "健康状况": _COMMON["health"], "劳动技能": _COMMON["labour"],
    "务工状况": _COMMON["place"], "务工时间": _COMMON["months"], "是否参加大病医疗": _COMMON["serious"], "脱贫属性": _COMMON["status"],
    "脱贫年度": _COMMON["exit_year"], "贫困户属性": _COMMON["attribute"], "主要致贫原因": _COMMON["cause"], "危房户": _COMMON["danger"],
    "饮水安全": _COMMON["water_safe"], "饮水困难": _COMMON["water_hard"], "人均纯收入": _percapita, "联系电话": _COMMON["phone"],
    "性别": _COMMON["sex"], "出生日期": _COMMON["birth"], "识别标准": _of_household("standard", "standard"), "人员变更": _COMMON["change"],
    "是否常住": _COMMON["resident"],
}

WIDE: dict[str, Cell] = {
    "县": lambda row: "临武县", "乡(镇)": lambda row: row.row.village.township, "行政村": lambda row: row.row.village.name,
    "自然村": _COMMON["natural"], "户编号": _COMMON["household_id"], "人编号": _COMMON["person_id"], "户主姓名": lambda row: row.head.name,
    "户主证件号码": lambda row: row.head.id_number, "姓名": _COMMON["name"], "证件号码": _COMMON["id_number"], "性别": _COMMON["sex"],
    "出生日期": _COMMON["birth"], "民族": _COMMON["nation"], "与户主关系": _COMMON["relation"], "文化程度": _COMMON["education"],
    "在校生状况": _COMMON["stage"], "健康状况": _COMMON["health"], "劳动技能": _COMMON["labour"], "务工状况": _COMMON["place"],
    "务工时间(月)": _COMMON["months"], "是否参加大病医疗": _COMMON["serious"], "是否现役军人": lambda row: row.person.soldier,
    "是否享受低保": lambda row: row.row.attribute == "low_income", "人员变更": _COMMON["change"], "是否常住": _COMMON["resident"],
    "户联系电话": _COMMON["phone"], "开户行": lambda row: "示例信用社", "银行卡号": _fact("bank"),
    "识别标准": _of_household("standard", "standard"), "贫困户属性": _COMMON["attribute"],
    "脱贫属性": _COMMON["status"], "脱贫年度": _COMMON["exit_year"], "主要致贫原因": _COMMON["cause"], "其他致贫原因": _other_causes,
    "是否军烈属": _fact("martyr"), "当前家庭人口数": _COMMON["size"], "工资性收入": _money("wage"), "生产经营性收入": _money("business"),
    "财产性收入": _money("property"), "转移性收入": _money("transfer"), "计划生育金": _money("family_planning"), "低保金": _money("low_income_allowance"),
    "五保金": _money("five_guarantee"), "养老保险金": _money("pension"), "生态补偿金": _money("ecological"), "其他转移性收入": _other_transfer,
    "生产经营性支出": _money("cost"), "年收入(元)": _money("gross"), "纯收入(元)": _money("net"), "人均纯收入(元)": _percapita,
    "耕地面积(亩)": _land("arable"), "有效灌溉面积(亩)": _land("irrigated"), "林地面积(亩)": _land("forest"), "退耕还林面积(亩)": _land("returned"),
    "林果面积(亩)": _land("orchard"), "牧草地面积(亩)": _land("pasture"), "水面面积(亩)": _land("pond"), "是否通生产用电": lambda row: True,
    "是否通生活用电": lambda row: True, "是否通广播电视": lambda row: True, "与村主干路距离(公里)": _fact("road_km"), "入户路类型": _fact("road"),
    "住房面积(平方米)": _fact("house_area"), "是否危房户": _COMMON["danger"], "危房等级": _grade, "饮水是否困难": _COMMON["water_hard"],
    "是否解决安全饮用水": _COMMON["water_safe"], "主要燃料类型": _fact("fuel"),
    "是否加入农民专业合作组织": _fact("cooperative"), "是否有卫生厕所": _fact("toilet"),
}
