"""The sample county as a whole (示例县): made from a seed, the same every time, with its published totals and its true answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from linwu_stats.synthetic.attributes import give_attributes, is_able, person_at, school_state_at
from linwu_stats.synthetic.dates import FISCAL_2017, NOW, PUBLISHED_HOUSEHOLDS, QUARTERS, YEAR_END
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.guarantees import give_guarantees, housing_at, insurance_at, is_mended, living_at, water_at, water_is_safe
from linwu_stats.synthetic.incomes import Line, fit_year, merge_lines, pay_household, plan_household
from linwu_stats.synthetic.law_data import read_law
from linwu_stats.synthetic.people import Household, make_households
from linwu_stats.synthetic.places import Village, make_villages, village_at
from linwu_stats.synthetic.truth import line_value_fen, net_of_lines
from linwu_stats.tables import conform

__all__ = ["SEED", "County", "household_at", "make_county", "sheet_of"]

SEED = 20180522
CLASSES = ("wage", "business", "property", "transfer", "cost")

#: Households seeded with a known peculiarity, for the whole county; a small county has its share, at least one of each.
SPECIALS = {
    "on_line": 8, "fen_above": 3, "fen_below": 3, "wrong_exit_income": 24, "wrong_exit_house": 18, "meets_all": 60, "blank_amount": 82,
    "blank_excluded": 20, "negative_business": 25, "zero_business": 25, "sheet_differs": 36,
}

HOUSE_GRANTS = {
    "repaired": ("item.transfer.house_repair", 600000), "rebuilt": ("item.transfer.house_repair", 2000000), "moved": ("item.transfer.relocation", 3000000),
}


@dataclass
class County:
    """A sample county (示例县).

    ``villages`` and ``households`` (with their members) are plain objects; ``lines`` holds the income lines of each quarter by its place in
    QUARTERS; ``system_fen`` is what the national system states of each household's last accounting year, by Chinese heading; ``sheet_errors`` is
    where the wide sheet of a quarter was filled in wrongly; ``law`` the rules' data that valued the lines.
    """

    seed: int
    villages: list[Village]
    households: list[Household]
    lines: dict[int, list[Line]]
    law: dict[str, Any]
    system_fen: dict[str, dict[str, int | None]]
    sheet_errors: dict[tuple[int, str], tuple[str, int]]

    def present(self, quarter: str) -> list[Household]:
        """Households on the register in a quarter, in code order."""
        return [row for row in self.households if row.there(QUARTERS.index(quarter))]

    def only(self, quarter: str) -> County:
        """The county with the lines of one quarter and of the one before it, which late updates repeat, to hand to another process."""
        place = QUARTERS.index(quarter)
        return replace(self, lines={at: self.lines[at] for at in (place - 1, place) if at in self.lines})

    def specials(self) -> pd.DataFrame:
        """Which household was seeded with which peculiarity (特例清单): household_id, special."""
        rows = [(row.household_id, name) for row in self.households for name in sorted(row.specials)]
        return pd.DataFrame(rows, columns=["household_id", "special"], dtype="string")

    def tables(self, quarter: str) -> dict[str, pd.DataFrame]:
        """The tables that a faultless reading of the quarter's ledgers gives (规范表): villages, households, persons, the guarantees,
        income_items (of this quarter; ``line_id`` is the number of the line) and income_sheet."""
        return _tables(self, QUARTERS.index(quarter))


def make_county(seed: int = SEED, households: int | None = None) -> County:
    """Make the sample county (生成示例县): 8,186 households by default, or a small one of the same structure.

    The same seed and number give the same county every time. Raises ValueError for fewer than 60 households, where the 13 townships and the kinds of
    poor villages can no longer be told apart.
    """
    count = PUBLISHED_HOUSEHOLDS if households is None else households
    if count < 60:
        raise ValueError(f"a sample county needs at least 60 households (户), not {count}: give --households 60 or more, or none for all 8,186")
    law = read_law()
    villages = make_villages(seed, count)
    rows = make_households(seed, villages, count)
    give_attributes(seed, rows)
    share = count / PUBLISHED_HOUSEHOLDS
    _give_land(seed, rows)
    _choose_specials(seed, rows, share)
    paid = {row.household_id: _pay(seed, row, law) for row in rows}
    give_guarantees(seed, rows)
    _pay_house_grants(rows, paid)
    _make_peculiar(seed, rows, paid, law)
    lines = {place: [line for row in rows for line in paid[row.household_id].get(place, [])] for place in range(len(QUARTERS))}
    system = {row.household_id: _system_record(seed, row, paid[row.household_id], law) for row in rows}
    return County(seed, villages, rows, lines, law, system, _sheet_errors(seed, rows))


def sheet_of(county: County, place: int) -> list[dict[str, Any]]:
    """The quarterly income sheet as filled in (季度收入表): columns of table ``income_sheet``; a class with an unknown line is left blank."""
    books: dict[str, list[Line]] = {}
    for line in county.lines[place]:
        books.setdefault(line[0], []).append(line)
    rows = []
    for row in county.households:
        if not row.there(place):
            continue
        sums: dict[str, int | None] = dict.fromkeys(CLASSES, 0)
        for line in books.get(row.household_id, []):
            rule = county.law["items"][line[1]]
            value = line_value_fen(line, county.law)
            if rule["counted"]:
                before = sums[rule["class"]]
                sums[rule["class"]] = None if before is None or value is None else before + value
        column, error = county.sheet_errors.get((place, row.household_id), ("wage", 0))
        sums[column] = None if sums[column] is None else sums[column] + error
        rows.append(_sheet_row(row, place, sums))
    return rows


def _sheet_row(row: Household, place: int, sums: dict[str, int | None]) -> dict[str, Any]:
    heads = len(row.present(place))
    known = all(value is not None for value in sums.values())
    net = sums["wage"] + sums["business"] + sums["property"] + sums["transfer"] - sums["cost"] if known else None
    percapita = None if net is None else (2 * abs(net) + heads) // (2 * heads) * (1 if net >= 0 else -1)
    return {
        "household_id": row.household_id, "quarter": QUARTERS[place], "recorded_size_persons": heads,
        **{f"{name}_fen": value for name, value in sums.items()}, "net_fen": net, "percapita_fen": percapita,
    }


def _give_land(seed: int, rows: list[Household]) -> None:
    """Land, house and the other household fields of the register (土地、住房等户信息)."""
    for row in rows:
        draw = Draw(seed, "land", row.household_id)
        heads = len(row.members)
        arable = 0.0 if draw.chance(0.03) else round(min(9.5, heads * draw.between(0.45, 1.25)), 1)
        forest = round(draw.between(0.5, 22), 1) if draw.chance(0.55) else 0.0
        row.land = {
            "arable": arable, "irrigated": round(arable * draw.between(0.4, 0.95), 1), "forest": forest,
            "returned": round(min(forest, draw.between(0.3, 3)), 1) if forest and draw.chance(0.2) else 0.0,
            "orchard": round(draw.between(0.3, 3.5), 1) if draw.chance(0.13) else 0.0,
            "pasture": 0.0, "pond": round(draw.between(0.2, 1.5), 1) if draw.chance(0.04) else 0.0,
        }
        row.facts |= {
            "house_area": 25 * round(draw.between(max(1.2, heads * 0.8), max(2.4, heads * 1.6))), "road_km": round(draw.between(0, 1.9), 1),
            "road": draw.weighted({"水泥": 78, "砂石": 13, "泥土": 9}), "fuel": draw.weighted({"柴草": 58, "清洁能源": 32, "煤炭": 10}),
            "cooperative": draw.chance(0.3), "toilet": draw.chance(0.7), "martyr": draw.chance(0.01), "other_cause": draw.chance(0.45),
            "nation": "瑶族" if draw.chance(0.85 if row.village.township == "西山瑶族乡" else 0.03) else "汉族",
            "phone": f"1000{draw.whole(0, 9_999_999):07d}", "bank": f"000000{draw.whole(0, 10**13 - 1):013d}",
        }


def _choose_specials(seed: int, rows: list[Household], share: float) -> None:
    """Pick the households with a seeded peculiarity (特例), each with one at most; and the income group of all."""
    draw = Draw(seed, "specials")
    plain = [row for row in draw.shuffled(rows) if _is_plain(row)]
    earners = [row for row in plain if row.attribute == "general" and len(_earners(row)) >= 1]
    pools = {
        "wrong_exit_income": [row for row in earners if row.cohort != "left"], "wrong_exit_house": [row for row in plain if row.cohort != "left"],
        "meets_all": [row for row in plain if row.cohort == "left" and not any(person.dropout for person in row.members)],
        "on_line": _alternate(earners, ("left", "y2017")), "fen_above": [row for row in earners if row.cohort == "y2017"],
        "fen_below": [row for row in earners if row.cohort == "left"],
    }
    for name, count in SPECIALS.items():
        free = [row for row in pools.get(name) or draw.shuffled(plain) if not row.specials]
        for row in free[: max(1, round(count * share))]:
            row.specials.add(name)
    for row in rows:
        if row.specials & {"wrong_exit_income", "fen_below", "fallen_back"}:
            row.group = "poor"
        elif row.cohort != "left":
            row.group = "out"
        elif "meets_all" in row.specials:
            row.group = "meets_all"
        else:
            row.group = "guarantee" if row.attribute == "five_guarantee" or draw.chance(0.31) else "poor"


def _alternate(rows: list[Household], cohorts: tuple[str, str]) -> list[Household]:
    """Rows of two cohorts in turn, so that a short pick has both."""
    first, second = ([row for row in rows if row.cohort == cohort] for cohort in cohorts)
    return [row for pair in zip(first, second, strict=False) for row in pair]


def _is_plain(row: Household) -> bool:
    return row.first == 0 and row.last == NOW and not row.specials and all(p.first == 0 and p.last == NOW and not p.changes for p in row.members)


def _earners(row: Household) -> list[Any]:
    return [p for p in row.members if is_able(p, 0) and is_able(p, NOW) and p.relation not in ("father", "mother")]


def _pay(seed: int, row: Household, law: dict[str, Any]) -> dict[int, list[Line]]:
    """Plan and pay one household so that its year 2017 falls on the side of the line that its group asks for (按组校准)."""
    line = law["line_fen"][2017]
    heads = len(row.present(NOW)) or len(row.members)
    for attempt in range(2):
        draw = Draw(seed, "income", row.household_id, attempt)
        for person in row.members:
            person.months, person.place = (0, 0), ""
        streams = plan_household(row, _target_yuan(row, line / 100, draw), law, draw)
        paid = pay_household(row, streams, law, draw)
        if row.first > 0 or row.last < NOW:
            return paid
        bounds = (0, line * heads * 0.985) if row.group == "poor" else (line * heads * 1.015, line * heads * 12)
        if fit_year(paid, streams, law, bounds):
            return paid
        if row.group != "poor":
            return _support(row, paid, law, line * heads, draw)
        row.specials.discard("wrong_exit_income")
        row.specials.discard("fen_below")
        row.group = "out" if row.cohort != "left" else "guarantee"
    return _support(row, paid, law, line * heads, draw)


def _target_yuan(row: Household, line: float, draw: Draw) -> float:
    """Target net income per head in yuan by group (人均目标): below the line, somewhat above it, or well above it."""
    if "on_line" in row.specials or "fen_above" in row.specials:
        return line * 1.03
    if row.group == "poor":
        return line * (0.36 + 0.61 * draw.next() ** 0.7)
    if row.group == "out":
        return line * (1.06 + 0.58 * 2.718281828 ** (0.6 * draw.normal()))
    return line * (1.05 + 0.8 * draw.next() ** 2)


def _support(row: Household, paid: dict[int, list[Line]], law: dict[str, Any], bar: int, draw: Draw) -> dict[int, list[Line]]:
    """Where nothing can be scaled, relatives elsewhere make up what is short of the line and a little more."""
    short = bar * draw.between(1.05, 1.3) - sum(net_of_lines(paid[place], law) or 0 for place in FISCAL_2017)
    if short > 0:
        extra = (row.household_id, "item.transfer.support", False, round(short / 400) * 100, None, None, "")
        return {place: merge_lines([*lines, extra]) for place, lines in paid.items()}
    return paid


def _pay_house_grants(rows: list[Household], paid: dict[str, dict[int, list[Line]]]) -> None:
    """The grant for a mended house is paid when it is finished; the rules do not count it."""
    for row in rows:
        place = row.housing["finished"]
        if row.housing["measure"] != "none" and place in paid[row.household_id]:
            item, fen = HOUSE_GRANTS[row.housing["measure"]]
            paid[row.household_id][place].append((row.household_id, item, False, fen, None, None, ""))


def _make_peculiar(seed: int, rows: list[Household], paid: dict[str, dict[int, list[Line]]], law: dict[str, Any]) -> None:
    """Put the seeded peculiarities into the lines: on the line to the fen, blanks, negative and zero business income."""
    for row in rows:
        draw = Draw(seed, "peculiar", row.household_id)
        lines = paid[row.household_id]
        for name, beyond in (("on_line", 0), ("fen_above", 1), ("fen_below", -1)):
            if name in row.specials and not _set_year(lines, law, law["line_fen"][2017] * len(row.present(NOW)) + beyond):
                row.specials.discard(name)
        if "blank_amount" in row.specials:
            _blank(lines[draw.weighted({0: 1, 1: 1, 2: 2, 3: 2, YEAR_END: 2, NOW: 4})], law, draw)
        if "blank_excluded" in row.specials:
            lines[NOW].append((row.household_id, "item.transfer.medical_reimbursement", False, None, None, None, "金额待核"))
        if "negative_business" in row.specials:
            lines[NOW].append((row.household_id, "item.cost.livestock", False, 100 * draw.whole(1500, 4200), None, None, "猪病损失"))
        if "zero_business" in row.specials:
            lines[NOW].append((row.household_id, "item.business.other", False, 0, None, None, "本季无"))


def _set_year(paid: dict[int, list[Line]], law: dict[str, Any], wanted_fen: int) -> bool:
    """Change wages of the accounting year 2017 so that its net income is exactly as wanted; False where there are not wages enough."""
    rest = wanted_fen - sum(net_of_lines(paid[place], law) or 0 for place in FISCAL_2017)
    wages = [(place, turn) for place in FISCAL_2017 for turn, line in enumerate(paid[place]) if line[1].startswith("item.wage.") and line[3]]
    for left, (place, turn) in zip(range(len(wages), 0, -1), wages, strict=True):
        line = paid[place][turn]
        step = rest if left == 1 else int(rest / left)
        amount = max(5000, line[3] + step)
        paid[place][turn] = (*line[:3], amount, *line[4:])
        rest -= amount - line[3]
    return rest == 0


def _blank(lines: list[Line], law: dict[str, Any], draw: Draw) -> None:
    """One line that counts loses its amount and quantity."""
    turn = draw.pick([turn for turn, line in enumerate(lines) if law["items"][line[1]]["counted"]])
    line = lines[turn]
    lines[turn] = (*line[:3], None, None, line[5], "金额待核")


def _sheet_errors(seed: int, rows: list[Household]) -> dict[tuple[int, str], tuple[str, int]]:
    """Where the wide sheet disagrees with the lines: a figure keyed in wrongly in one class, by at least ten yuan."""
    draw = Draw(seed, "sheet")
    errors = {}
    for row in rows:
        if "sheet_differs" in row.specials:
            for place in sorted({NOW, draw.whole(0, NOW)}):
                errors[place, row.household_id] = (draw.pick(("wage", "transfer", "business")), 100 * draw.pick((10, 36, 90, 180, 360, 900, 2000)))
    return errors


def _system_record(seed: int, row: Household, paid: dict[int, list[Line]], law: dict[str, Any]) -> dict[str, int | None]:
    """What the national system states of the accounting year 2017 (系统登记收入), by heading: classes, parts of transfers, net and per head."""
    if any(place not in paid for place in FISCAL_2017):
        return {}
    record: dict[str, int | None] = {}
    for place in FISCAL_2017:
        for line in paid[place]:
            rule, value = law["items"][line[1]], line_value_fen(line, law)
            if rule["counted"]:
                for name in (rule["class"], _system_heading(line[1])):
                    before = record.get(name, 0)
                    record[name] = None if before is None or value is None else before + value
    for name in CLASSES:
        record.setdefault(name, 0)
    known = all(record[name] is not None for name in CLASSES)
    record["gross"] = sum(record[name] for name in CLASSES[:4]) if known else None
    record["net"] = record["gross"] - record["cost"] if known else None
    heads = len(row.present(min(row.last, NOW)))
    draw = Draw(seed, "system", row.household_id)
    record["percapita"] = None if record["net"] is None or not heads else (2 * record["net"] + heads) // (2 * heads)
    record["percapita_before"] = None if record["percapita"] is None else round(record["percapita"] * draw.between(0.8, 0.97))
    return record


def _system_heading(key: str) -> str:
    named = {"family_planning", "low_income_allowance", "five_guarantee", "pension", "ecological", "public_post", "asset_dividend"}
    kind, name = key.split(".")[1:]
    return name if name in named else f"{kind}_other"


def _tables(county: County, place: int) -> dict[str, pd.DataFrame]:
    quarter = QUARTERS[place]
    rows = county.present(quarter)
    people = [(row, person) for row in rows for person in row.present(place)]
    frames = {
        "villages": [village_at(village, place) for village in county.villages],
        "households": [household_at(county, row, place) for row in rows],
        "persons": [{"household_id": row.household_id, **person_at(person, place)} for row, person in people],
        "housing": [housing_at(row, place) for row in rows], "water": [water_at(row, place) for row in rows],
        "living": [living_at(row, place) for row in rows],
        "schooling": [
            {"person_id": person.person_id, "household_id": row.household_id, "school_state": state}
            for row, person in people
            if (state := school_state_at(person, place)) is not None
        ],
        "insurance": [entry for row in rows for entry in insurance_at(row, place)],
        "income_sheet": sheet_of(county, place),
    }
    names = ["household_id", "item_key", "in_kind", "amount_fen", "quantity_milli", "recorded_price_fen", "note"]
    items = pd.DataFrame(county.lines[place], columns=names).assign(quarter=quarter)
    items["line_id"] = [f"{quarter}-{number}" for number in range(1, len(items) + 1)]
    return {name: conform(pd.DataFrame(data), name) for name, data in frames.items()} | {"income_items": conform(items, "income_items")}


def household_at(county: County, row: Household, place: int) -> dict[str, Any]:
    """What the register says of one household in one quarter (贫困户表): columns of table ``households``."""
    status, year = row.status(place)
    water = water_at(row, place)
    full = place == NOW
    return {
        "household_id": row.household_id, "township_code": row.village.township_code, "village_code": row.village.code,
        "natural_village": row.natural_village, "poverty_status": status, "exit_year": year, "attribute": row.attribute, "standard": row.standard,
        "cause": row.cause, "recorded_size_persons": len(row.present(place)),
        "recorded_percapita_fen": county.system_fen[row.household_id].get("percapita" if place >= YEAR_END else "percapita_before"),
        "dangerous_house": not is_mended(row, place), "water_safe": water_is_safe(water),
        "water_hard": water["fetch_minutes"] > 20 or water["litres_per_person_day"] < 20,
        "arable_mu": row.land["arable"] if full else None, "forest_mu": row.land["forest"] if full else None,
        "house_area_m2": float(row.facts["house_area"]) if full else None,
    }
