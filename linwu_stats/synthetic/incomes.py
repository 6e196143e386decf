"""Incomes of the sample county as line items by quarter (收入明细): who earns what, and when in the year it comes in.

A plan of yearly streams per household, fitted to a target per head, is paid out by season: rice and tobacco in autumn, pigs before the New Year,
wages less in the quarter of the New Year, low-income allowance and pension monthly, subsidies once a year.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from linwu_stats.synthetic.attributes import is_able, labour_at, stage_at
from linwu_stats.synthetic.dates import FISCAL_2017, NOW, QUARTERS
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.people import Household, Person
from linwu_stats.synthetic.truth import net_of_lines

__all__ = ["Line", "fit_year", "merge_lines", "pay_household", "plan_household"]

#: household, item key, in kind, amount in fen, quantity in thousandths, recorded price in fen, note
Line = tuple[str, str, bool, int | None, int | None, int | None, str]

# Shares of a year in its quarters, in the order Q4, Q1, Q2, Q3 of the accounting year.
EVEN = (0.25, 0.25, 0.25, 0.25)
WAGE = (0.27, 0.18, 0.27, 0.28)
RICE = (0.62, 0, 0, 0.38)
TOBACCO = (0.35, 0, 0, 0.65)
NEW_YEAR = (0.35, 0.52, 0.03, 0.10)
DUCK = (0.30, 0.30, 0.15, 0.25)
GARDEN = (0.22, 0.20, 0.30, 0.28)
TUBER = (0.8, 0.2, 0, 0)
RAPE = (0.2, 0, 0.8, 0)
PLANTING = (0.08, 0.27, 0.42, 0.23)
FEED = (0.30, 0.15, 0.25, 0.30)
ONCE = {4: (1, 0, 0, 0), 1: (0, 1, 0, 0), 2: (0, 0, 1, 0), 3: (0, 0, 0, 1)}

#: Monthly wage in yuan by place of work.
MONTHLY_WAGE = {"outside": (2500, 4200), "province": (2300, 3700), "county": (1600, 2700), "township": (1300, 2300)}
PENSION_FEN = (8500, 8500, 8500, 8500, 8500, 10300)


@dataclass(slots=True)
class Stream:
    """A yearly stream: item, yuan a year in cash or kilograms in kind, its season, and whether the fit to the target may scale it."""

    key: str
    yearly: float
    season: tuple[float, ...] = EVEN
    in_kind: bool = False
    elastic: bool = False
    growth: float = 1.06
    note: str = ""


def plan_household(row: Household, target_yuan: float, law: dict[str, Any], draw: Draw) -> list[Stream]:
    """Yearly streams of a household (全年收入计划), with wages, support or allowances filling the gap to the target."""
    members = row.present(NOW)
    streams = _transfers(row, members, draw) + _own_use(row, members, draw)
    if row.attribute != "five_guarantee":
        streams += _sales(row, draw) + _property(row, draw)
    streams += _costs(streams, law, row, draw)
    fixed = _yearly_yuan([stream for stream in streams if not stream.elastic], law) + _pension_yuan(members)
    wanted = target_yuan * len(members)
    workers = [] if row.attribute == "five_guarantee" else _workers(row, members)
    sold = _yearly_yuan([stream for stream in streams if stream.elastic], law)
    room = max(0.0, wanted - fixed)
    limit = room * (0.45 if workers else 1.0)
    if sold > limit:
        scale = limit / sold if sold > 0 else 0
        for stream in streams:
            stream.yearly *= scale if stream.elastic else 1
        streams = [stream for stream in streams if stream.yearly >= 40 or stream.in_kind]
        sold = limit
    return streams + _fill(row, room - sold, workers, members, draw)


def pay_household(row: Household, streams: list[Stream], law: dict[str, Any], draw: Draw) -> dict[int, list[Line]]:
    """Lines of the six quarters (分季度明细) from the yearly plan; every quarter on the register has at least one line."""
    paid: dict[int, list[Line]] = {}
    for place in range(len(QUARTERS)):
        if not row.there(place):
            continue
        lines = [line for stream in streams if (line := _pay(row, stream, place, law, draw)) is not None]
        lines += _monthly_transfers(row, place) + _excluded(row, place, draw)
        if not any(law["items"][line[1]]["counted"] for line in lines):
            lines.append((row.household_id, "item.transfer.support", False, 20000 + 1000 * draw.whole(0, 20), None, None, ""))
        paid[place] = merge_lines(lines)
    return paid


def merge_lines(lines: list[Line]) -> list[Line]:
    """One cash line per item and note, as a village accountant writes them (合并同项); lines in kind stay as they are."""
    merged: dict[object, Line] = {}
    for turn, line in enumerate(lines):
        name = turn if line[2] else (line[1], line[6])
        before = merged.get(name)
        merged[name] = line if before is None else (*line[:3], (before[3] or 0) + (line[3] or 0), *line[4:])
    return list(merged.values())


def fit_year(paid: dict[int, list[Line]], streams: list[Stream], law: dict[str, Any], bounds: tuple[float, float]) -> bool:
    """Scale what is elastic until the net income of the accounting year 2017 lies between two bounds in fen (校准); False where it cannot."""
    low, high = bounds
    elastic = {stream.key for stream in streams if stream.elastic and not stream.in_kind}
    for _ in range(4):
        net = sum(net_of_lines(paid[place], law) or 0 for place in FISCAL_2017)
        if low <= net <= high:
            return True
        pool = sum(_signed(line, law) for place in FISCAL_2017 for line in paid[place] if line[1] in elastic)
        wanted = (low * 1.02 if net < low else high * 0.97) - net
        if pool <= 0:
            return False
        scale = max(0.0, 1 + wanted / pool)
        for place, lines in paid.items():
            paid[place] = [_scaled(line, scale) if line[1] in elastic else line for line in lines]
    return False


def _signed(line: Line, law: dict[str, Any]) -> int:
    return law["items"][line[1]]["sign"] * (line[3] or 0)


def _scaled(line: Line, scale: float) -> Line:
    return (*line[:3], round((line[3] or 0) * scale / 100) * 100, *line[4:])


def _yearly_yuan(streams: list[Stream], law: dict[str, Any]) -> float:
    total = 0.0
    for stream in streams:
        rule = law["items"][stream.key]
        price = law["price_fen"][rule["in_kind_price"]] / 100 if stream.in_kind else 1
        total += rule["sign"] * stream.yearly * price
    return total


def _pension_yuan(members: list[Person]) -> float:
    return sum(12 * PENSION_FEN[0] / 100 for person in members if person.age(0) >= 60)


def _workers(row: Household, members: list[Person]) -> list[Person]:
    """Those who can earn a wage in every quarter of the sample, so that a wage never stands without a worker."""
    return [p for p in members if is_able(p, 0) and is_able(p, NOW) and p.first <= row.first and p.relation not in ("father", "mother")]


def _transfers(row: Household, members: list[Person], draw: Draw) -> list[Stream]:
    """Transfers that come once a year; monthly ones are paid person by person in each quarter."""
    streams = []
    arable, forest = row.land["arable"], row.land["forest"]
    if arable > 0:
        streams.append(Stream("item.transfer.farm_subsidy", arable * 105, ONCE[2], growth=1.0))
    if forest > 0:
        streams.append(Stream("item.transfer.ecological", forest * 14.5, ONCE[4], growth=1.0))
    if row.attribute == "low_income":
        covered = len(members) if draw.chance(0.5) else draw.whole(1, len(members))
        row.facts["allowance_yuan"] = max(100, round(covered * draw.between(95, 185) / 5) * 5)
    if row.attribute != "five_guarantee" and sum(person.age(0) >= 60 for person in members) == 2 and draw.chance(0.12):
        streams.append(Stream("item.transfer.family_planning", 1920, ONCE[3], growth=1.0))
    if draw.chance(0.07):
        streams.append(Stream("item.transfer.industry_reward", draw.pick((500, 800, 1000, 1500)), ONCE[4], elastic=True, growth=1.0))
    row.facts["disabled"] = sum(person.health == "disabled" and person.luck[3] < 0.6 for person in members)
    return streams


def _own_use(row: Household, members: list[Person], draw: Draw) -> list[Stream]:
    """What the household grows and eats itself, in kind: kilograms a year."""
    eaters = max(1, len(members) - sum(person.away for person in members))
    arable = row.land["arable"]
    streams = []
    if arable >= 0.4:
        paddy = min(eaters * draw.between(120, 190), arable * 0.7 * 420)
        streams.append(Stream("item.business.rice", paddy, RICE, True, growth=1.0))
        streams.append(Stream("item.business.vegetables", eaters * draw.between(45, 80), GARDEN, True, growth=1.0))
        if draw.chance(0.3):
            streams.append(Stream("item.business.tubers", draw.between(80, 320), TUBER, True, growth=1.0))
        if draw.chance(0.22):
            streams.append(Stream("item.business.oil_crops", draw.between(25, 90), RAPE, True, growth=1.0))
        if draw.chance(0.08):
            streams.append(Stream("item.business.corn", draw.between(60, 200), ONCE[3], True, growth=1.0))
    if draw.chance(0.6):
        streams.append(Stream("item.business.poultry", draw.between(8, 26), DUCK, True, growth=1.0))
    if draw.chance(0.35):
        streams.append(Stream("item.business.eggs", draw.between(8, 24), EVEN, True, growth=1.0))
    if draw.chance(0.12) and len(members) >= 2:
        streams.append(Stream("item.business.pigs", draw.between(90, 130), ONCE[1], True, growth=1.0))
    return streams


def _sales(row: Household, draw: Draw) -> list[Stream]:
    """What the household sells: crops, ducks, pigs, fruit, bamboo, a little trade."""
    arable = row.land["arable"]
    hands = any(is_able(person, 0) or labour_at(person, NOW) == "weak" for person in row.members)
    streams = []
    if arable >= 2.5 and hands and draw.chance(0.35):
        streams.append(Stream("item.business.rice", (arable - 1.5) * draw.between(350, 700), RICE, elastic=True))
    if arable >= 3 and hands and draw.chance(0.22):
        streams.append(Stream("item.business.tobacco", (arable - 1) * draw.between(2400, 3600), TOBACCO, elastic=True))
    if hands and draw.chance(0.16):
        streams.append(Stream("item.business.poultry", draw.between(700, 6500), DUCK, elastic=True, note="临武鸭"))
    if hands and draw.chance(0.13):
        streams.append(Stream("item.business.pigs", draw.whole(1, 6) * draw.between(1450, 1900), NEW_YEAR, elastic=True))
    if row.land["orchard"] > 0 and draw.chance(0.7):
        streams.append(Stream("item.business.fruit", row.land["orchard"] * draw.between(700, 1600), (0.75, 0.15, 0, 0.10), elastic=True))
    if hands and draw.chance(0.14):
        streams.append(Stream("item.business.vegetables", draw.between(300, 2600), GARDEN, elastic=True))
    if row.land["forest"] > 5 and draw.chance(0.1):
        streams.append(Stream("item.business.timber", draw.between(300, 2500), ONCE[1], elastic=True))
    if hands and draw.chance(0.03):
        streams.append(Stream("item.business.cattle", draw.between(1500, 7000), (0.5, 0.4, 0, 0.1), elastic=True))
    if hands and draw.chance(0.03):
        streams.append(Stream("item.business.trade", draw.between(4000, 16000), (0.27, 0.30, 0.21, 0.22), elastic=True))
    if hands and draw.chance(0.02):
        streams.append(Stream("item.business.processing", draw.between(800, 5000), EVEN, elastic=True))
    return streams


def _property(row: Household, draw: Draw) -> list[Stream]:
    streams = []
    poor_village = row.village.kind != "none"
    if row.land["arable"] > 1 and draw.chance(0.2):
        streams.append(Stream("item.property.land_transfer", row.land["arable"] * 0.5 * draw.pick((300, 350, 400, 450)), ONCE[4], elastic=True, growth=1.0))
    if draw.chance(0.2 if poor_village else 0.1):
        streams.append(Stream("item.property.dividend", draw.pick((200, 300, 400, 500, 600, 800)), ONCE[1], elastic=True))
    if draw.chance(0.3 if poor_village else 0.03):
        streams.append(Stream("item.property.solar", draw.pick((400, 500, 600, 800, 1000)), (0.5, 0, 0.5, 0), elastic=True))
    if row.attribute == "general" and draw.chance(0.09):
        streams.append(Stream("item.property.credit_dividend", draw.pick((1000, 1500, 2000, 3000)), ONCE[4], elastic=True, growth=1.0))
    if draw.chance(0.04):
        streams.append(Stream("item.property.interest", draw.whole(100, 180), ONCE[3], elastic=True))
    return streams


#: Cost as a share of gross, and the item that bears it.
COST_SHARES = {
    "rice": ("planting", 0.34), "corn": ("planting", 0.3), "tubers": ("planting", 0.2), "oil_crops": ("planting", 0.3), "tobacco": ("planting", 0.45),
    "vegetables": ("planting", 0.2), "fruit": ("planting", 0.3), "timber": ("operating_other", 0.15), "pigs": ("livestock", 0.5),
    "cattle": ("livestock", 0.4), "poultry": ("livestock", 0.45), "eggs": ("livestock", 0.4), "trade": ("operating_other", 0.62),
    "processing": ("operating_other", 0.4),
}
COST_SEASONS = {"planting": PLANTING, "livestock": FEED, "operating_other": EVEN, "hired": (0.5, 0, 0.2, 0.3)}


def _costs(streams: list[Stream], law: dict[str, Any], row: Household, draw: Draw) -> list[Stream]:
    """Production costs (生产经营性支出): a share of the gross of each product; elastic as far as the product is sold."""
    gross: dict[tuple[str, bool], float] = {}
    for stream in streams:
        name = stream.key.rsplit(".", 1)[1]
        if not stream.key.startswith("item.business.") or name not in COST_SHARES:
            continue
        bearer, share = COST_SHARES[name]
        price = law["price_fen"][law["items"][stream.key]["in_kind_price"]] / 100 if stream.in_kind else 1
        gross[bearer, stream.elastic] = gross.get((bearer, stream.elastic), 0) + stream.yearly * price * share
    costs = [
        Stream(f"item.cost.{bearer}", max(20.0, yuan * draw.between(0.85, 1.15)), COST_SEASONS[bearer], elastic=elastic, growth=1.04)
        for (bearer, elastic), yuan in gross.items()
    ]
    if any(stream.key == "item.business.rice" and stream.yearly > 500 for stream in streams) and draw.chance(0.5):
        costs.append(Stream("item.cost.hired", row.land["arable"] * draw.between(40, 70), COST_SEASONS["hired"], growth=1.04))
    if any(stream.key == "item.business.trade" for stream in streams):
        costs.append(Stream("item.cost.depreciation", draw.whole(150, 600), EVEN, elastic=True, growth=1.0))
        costs.append(Stream("item.cost.tax", draw.whole(60, 240), EVEN, elastic=True, growth=1.0))
    return costs


def _fill(row: Household, gap: float, workers: list[Person], members: list[Person], draw: Draw) -> list[Stream]:
    """Fill the gap to the target: with wages where somebody can work, else with a public post, support by children elsewhere, or dividends."""
    if workers and gap >= 700:
        return _wages(gap, workers, draw)
    if gap < 120 or row.attribute == "five_guarantee":
        return []
    weak = [p for p in members if all(labour_at(p, at) == "weak" for at in (0, NOW)) and p.age(NOW) < 69 and p.age(0) >= 16]
    if weak and gap >= 1500 and row.attribute == "general" and draw.chance(0.4):
        weak[0].months, weak[0].place = (12, 12), "township"
        return [Stream("item.wage.public_post", gap, EVEN, elastic=True, growth=1.03, note="护林保洁")]
    if any(person.age(NOW) >= 60 for person in members) and draw.chance(0.8):
        return [Stream("item.transfer.support", gap, (0.25, 0.35, 0.2, 0.2), elastic=True, growth=1.05)]
    if draw.chance(0.5):
        return [Stream("item.property.asset_dividend", gap, (0.4, 0.3, 0.15, 0.15), elastic=True, growth=1.05)]
    return [Stream("item.transfer.other", gap, EVEN, elastic=True, growth=1.03)]


def _wages(total: float, workers: list[Person], draw: Draw) -> list[Stream]:
    """Wages of some of those who can work: months and place fit the total; a line for each worker."""
    place = draw.weighted({"outside": 46, "province": 18, "county": 16, "township": 20} if total > 7000 else {"county": 30, "township": 70})
    base = draw.between(*MONTHLY_WAGE[place])
    hands = min(len(workers), max(1, int(total / base / 11) + 1))
    chosen = draw.shuffled(workers)[:hands]
    months = max(1, min(12, round(total / base / hands)))
    item = {"outside": "migrant", "province": "migrant", "county": "migrant", "township": "local" if months >= 5 else "casual"}[place]
    for person in chosen:
        person.months = (months, max(1, min(12, months + draw.whole(-1, 1))))
        person.place = place
    notes = [f"第{number}人" if hands > 1 else "" for number in range(1, hands + 1)]
    return [Stream(f"item.wage.{item}", total / hands, WAGE, elastic=True, growth=draw.between(0.98, 1.16), note=note) for note in notes]


def _pay(row: Household, stream: Stream, place: int, law: dict[str, Any], draw: Draw) -> Line | None:
    """One line of one stream in one quarter, or none out of season."""
    share = stream.season[place % 4]
    if share == 0:
        return None
    later = stream.growth if place >= len(FISCAL_2017) else 1.0
    even = len({part for part in stream.season if part}) == 1 and stream.growth == 1.0
    noise = 1.0 if even else draw.between(0.94, 1.06)
    amount = stream.yearly * share * later * noise
    if not stream.in_kind:
        return (row.household_id, stream.key, False, round(amount) * 100 if draw.chance(0.8) else round(amount * 10) * 10, None, None, stream.note)
    thousandths = max(1, round(amount * 2)) * 500
    price = law["price_fen"][law["items"][stream.key]["in_kind_price"]]
    recorded = price if draw.chance(0.7) else max(10, round(price * draw.between(0.9, 1.15) / 10) * 10)
    return (row.household_id, stream.key, True, (thousandths * recorded * 2 + 1000) // 2000, thousandths, recorded, "自产自用")


def _monthly_transfers(row: Household, place: int) -> list[Line]:
    """Pension, allowance, five-guarantee support and disability subsidy of three months, for those who are there and old enough."""
    present = row.present(place)
    old = sum(person.age(place) >= 60 for person in present)
    raised = place == NOW
    fen = {
        "item.transfer.pension": 3 * PENSION_FEN[place] * old,
        "item.transfer.low_income_allowance": 300 * (row.facts.get("allowance_yuan", 0) + (10 if raised else 0)) if row.attribute == "low_income" else 0,
        "item.transfer.five_guarantee": 3 * (33000 if raised else 30500) * len(present) if row.attribute == "five_guarantee" else 0,
        "item.transfer.disability": 3 * 5500 * row.facts["disabled"],
    }
    return [(row.household_id, key, False, amount, None, None, "") for key, amount in fen.items() if amount]


def _excluded(row: Household, place: int, draw: Draw) -> list[Line]:
    """Receipts that the rules do not count (不计入的收入), kept in the ledger all the same."""
    quarter = QUARTERS[place][4:]
    present = row.present(place)
    fen: dict[str, int] = {}
    if any(person.health in ("serious", "chronic") for person in present) and draw.chance(0.16):
        fen["item.transfer.medical_reimbursement"] = draw.whole(300, 9000) * 100 + draw.whole(0, 99)
    upper = sum(stage_at(person, place) in ("senior", "vocational") for person in present)
    if upper and quarter in ("Q4", "Q2"):
        fen["item.transfer.education_aid"] = 100000 * upper
    if quarter == "Q1" and draw.chance(0.3):
        fen["item.transfer.condolence"] = draw.pick((20000, 30000, 50000))
    if draw.chance(0.006):
        fen["item.transfer.temporary_relief"] = draw.whole(5, 30) * 10000
    if quarter == "Q2" and draw.chance(0.04):
        fen["item.transfer.industry_in_kind"] = draw.whole(2, 9) * 10000
    if quarter == "Q1" and draw.chance(0.03):
        fen["item.transfer.gift"] = draw.whole(2, 20) * 10000
        fen["item.cost.gift_inside"] = draw.whole(2, 12) * 10000
    if draw.chance(0.003):
        fen["item.transfer.loan"] = draw.whole(1, 5) * 1000000
    if any(person.soldier for person in present):
        fen["item.wage.conscript"] = 3 * 85000
    return [(row.household_id, key, key.endswith("in_kind"), amount, None, None, "") for key, amount in fen.items()]
