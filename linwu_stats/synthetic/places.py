"""Townships and villages of the sample county (示例县的乡镇和行政村).

The 13 townships are real (names and codes); every village is invented. 31 poor villages, 27 of the province and 4 of the city: 17 out (16 in
2017, three of them the city's; one of the province earlier) and 14 left (one of the city's).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from linwu_stats.synthetic.dates import PUBLISHED_HOUSEHOLDS, RURAL_POPULATION, YEAR_END
from linwu_stats.synthetic.draw import Draw, apportion

__all__ = ["TOWNSHIPS", "Village", "make_villages", "village_at"]

#: Code, name, weight of population, villages.
TOWNSHIPS = (
    ("431025100", "舜峰镇", 33.0, 27), ("431025101", "金江镇", 18.0, 17), ("431025104", "武水镇", 22.4, 21), ("431025105", "南强镇", 16.5, 16),
    ("431025106", "汾市镇", 18.0, 17), ("431025107", "水东镇", 9.0, 10), ("431025108", "楚江镇", 13.0, 13), ("431025109", "麦市镇", 12.0, 12),
    ("431025110", "香花镇", 13.0, 13), ("431025208", "花塘乡", 13.0, 13), ("431025211", "万水乡", 18.0, 18), ("431025214", "镇南乡", 11.0, 10),
    ("431025216", "西山瑶族乡", 2.0, 3),
)
PAIRS = (
    "和顺", "永安", "德裕", "春和", "福临", "乐善", "明德", "康宁", "瑞景", "云岫", "锦和", "丰登", "星源", "嘉穗", "仁里",
    "清和", "广益", "同心", "晴岚", "望禾",
)
LAND = "坪冲岭溪湾塘坳洲井坝"

#: Kind, year of exit and number of the poor villages.
POOR_VILLAGES = (("province", 2017, 13), ("city", 2017, 3), ("province", 2016, 1), ("province", None, 13), ("city", None, 1))
SERVICES = ("paved_road", "safe_water", "power", "clinic", "school_access", "insurance_in_place", "broadband")


@dataclass(slots=True)
class Village:
    """One village (行政村): what does not change, and from which quarter each service is there (99: not yet)."""

    code: str
    township_code: str
    township: str
    name: str
    population: int
    residents: int
    kind: str = "none"
    exit_year: int | None = None
    yearly_income_yuan: int = 0
    services: dict[str, int | None] = field(default_factory=dict)


def make_villages(seed: int, households: int) -> list[Village]:
    """All villages in code order, with populations that add up to the rural population of the county (乡村户籍人口)."""
    draw = Draw(seed, "villages")
    names = iter(draw.shuffled([pair + land + "村" for pair in PAIRS for land in LAND]))
    share = min(1.0, households / PUBLISHED_HOUSEHOLDS)
    rows, weights = [], []
    for code, township, weight, count in TOWNSHIPS:
        some = count if share == 1 else max(3, round(count * share**0.5))
        for place in range(some):
            rows.append(Village(f"{code}{201 + place}", code, township, next(names), 0, 0))
            weights.append(weight / some * draw.between(0.7, 1.4))
    for village, people in zip(rows, apportion(round(RURAL_POPULATION * households / PUBLISHED_HOUSEHOLDS), weights), strict=True):
        village.population = people
        village.residents = round(people * draw.between(0.72, 0.88))
    _name_poor_villages(rows, share, draw)
    for village in rows:
        _equip(village, draw)
    return rows


def village_at(village: Village, place: int) -> dict[str, Any]:
    """What the village table says of one village in one quarter (行政村表): columns of table ``villages``."""
    out = village.exit_year is not None and (village.exit_year < 2017 or place >= YEAR_END)
    # The collective's year is the calendar year; rents and contract fees are paid in its first quarter.
    paid = {0: 1.0, 1: 0.56, 2: 0.7, 3: 0.82, 4: 1.0, 5: 0.56}[place]
    earlier = 0.8 if place == 0 else 1.05 if place == 5 else 1.0
    services = {name: None if start is None else place >= start for name, start in village.services.items()}
    return {
        "village_code": village.code, "township_code": village.township_code, "village_name": village.name, "village_kind": village.kind,
        "village_status": "not_poor" if village.kind == "none" else "out" if out else "not_out",
        "exit_year": village.exit_year if out else None,
        "rural_population_persons": village.population, "resident_population_persons": village.residents,
        "collective_income_fen": round(village.yearly_income_yuan * paid * earlier) * 100, **services,
    }


def _name_poor_villages(villages: list[Village], share: float, draw: Draw) -> None:
    """Every township gets a poor village before one gets another; the two smallest kinds never vanish in a small county."""
    kinds = [(kind, year) for kind, year, count in POOR_VILLAGES for _ in range(count if share == 1 else max(1, round(count * share)))]
    by_township: dict[str, list[Village]] = {}
    for village in draw.shuffled(villages):
        by_township.setdefault(village.township_code, []).append(village)
    rounds = [[members[turn] for _, members in sorted(by_township.items()) if turn < len(members) - 1] for turn in range(4)]
    chosen = [village for each in rounds for village in draw.shuffled(each)][: len(kinds)]
    for village, (kind, year) in zip(chosen, draw.shuffled(kinds), strict=True):
        village.kind, village.exit_year = kind, year


def _equip(village: Village, draw: Draw) -> None:
    """Services and collective income: those that are out have them, the year they left at the latest; those left lack one or two."""
    start: dict[str, int | None] = dict.fromkeys(SERVICES, 0)
    if village.kind != "none" and village.exit_year is None:
        for name in draw.shuffled(["paved_road", "safe_water", "clinic", "school_access", "insurance_in_place"])[: draw.whole(1, 2)]:
            start[name] = 99
        start["broadband"] = 0 if draw.chance(0.5) else 99
        village.yearly_income_yuan = draw.whole(9000, 46000)
    elif village.kind != "none":
        if village.exit_year == 2017:
            for name in draw.shuffled(["paved_road", "safe_water", "clinic"])[: draw.whole(0, 2)]:
                start[name] = draw.whole(2, YEAR_END)
        village.yearly_income_yuan = draw.whole(72000, 190000)
    else:
        start["broadband"] = 0 if draw.chance(0.8) else 99
        if draw.chance(0.03):
            start["clinic"] = None
        village.yearly_income_yuan = draw.whole(8000, 160000)
    village.services = start
