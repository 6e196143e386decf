"""Quarters that the sample county does not publish (示例县的后续与更早季度): the rest of the accounting year 2018 and the year 2016, with shocks on request.

``make_future`` continues every household's own streams: the same item a year earlier, times the growth that the plan of the household gave the stream, with
the generator's own noise. The ledgers of the sample are not touched; a future is lines beside them, so that estimates made in the spring can be set
against a truth. Shocks change lines from a quarter on, also of quarters that the sample has, in the future's own copy.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from linwu_stats.synthetic.county import SEED, County, _target_yuan
from linwu_stats.synthetic.dates import NOW, QUARTERS, age_on
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.incomes import PENSION_FEN, Line, Stream, _pay, plan_household
from linwu_stats.synthetic.people import Household
from linwu_stats.synthetic.truth import net_of_lines
from linwu_stats.tables import conform

__all__ = ["FUTURE_QUARTERS", "SHOCKS", "Future", "Shock", "make_future"]

#: All quarters of a future: the year before the sample, the sample's six, and the two that end the accounting year 2018.
FUTURE_QUARTERS = ("2015Q4", "2016Q1", "2016Q2", "2016Q3", *QUARTERS, "2018Q2", "2018Q3")
_OFFSET = 4

HARVEST = {f"item.business.{name}" for name in ("rice", "corn", "tubers", "oil_crops", "tobacco", "vegetables", "fruit", "tea")}
DATED = {f"item.transfer.{name}" for name in ("farm_subsidy", "ecological", "family_planning", "industry_reward")}
_MONTHLY = {f"item.transfer.{name}" for name in ("pension", "low_income_allowance", "five_guarantee", "disability")}


@dataclass(frozen=True)
class Shock:
    """One shock (冲击): ``kind`` of :data:`SHOCKS`, the quarters it works in, how many are hit (``share``, 0 to 1) and how hard (``size``, 0 to 1)."""

    kind: str
    quarters: tuple[str, ...]
    share: float = 1.0
    size: float = 0.2


#: What each kind of shock does.
SHOCKS = {
    "harvest_failure": "villages lose part of what grows: each village its own part, every household of it nearly the same",
    "wage_fall": "wages of all who earn them are lower by the same part",
    "village_wage_fall": "wages fall in some villages, such as when a works nearby closes",
    "transfer_delay": "subsidies paid once a year come a quarter later",
    "price_rise": "what is sold brings more, what is bought costs half as much more",
    "migrants_return": "households whose migrants come home lose those wages from the first of the quarters on",
    "illness": "households whose worker falls ill lose part of all wages and business from one of the quarters on",
    "rough": "every amount that is not monthly gets heavy-tailed noise, and a few are left out",
}


@dataclass
class Future:
    """Lines of twelve quarters (三年收入明细): ``lines`` by quarter; ``county`` gives the register, which stays that of the sample's quarters."""

    county: County
    lines: dict[str, list[Line]]

    def income_items(self, quarter: str) -> pd.DataFrame:
        """Table ``income_items`` of one quarter (收入明细)."""
        names = ["household_id", "item_key", "in_kind", "amount_fen", "quantity_milli", "recorded_price_fen", "note"]
        items = pd.DataFrame(self.lines[quarter], columns=names).assign(quarter=quarter)
        items["line_id"] = [f"{quarter}-{number}" for number in range(1, len(items) + 1)]
        return conform(items, "income_items")

    def true_year(self, year: int) -> pd.DataFrame:
        """True net income of the accounting year of every household of the newest register (真实全年纯收入): ``household_id``, ``net_fen`` (blank where a
        quarter has no line or a line no amount), by plain loops."""
        quarters = [f"{year - 1}Q4", f"{year}Q1", f"{year}Q2", f"{year}Q3"]
        books = [_by_household(self.lines[quarter]) for quarter in quarters]
        rows = []
        for row in self.county.present(QUARTERS[NOW]):
            parts = [net_of_lines(book[row.household_id], self.county.law) if row.household_id in book else None for book in books]
            rows.append((row.household_id, None if any(part is None for part in parts) else sum(part or 0 for part in parts)))
        return pd.DataFrame(rows, columns=["household_id", "net_fen"]).astype({"household_id": "string", "net_fen": "Int64"})


def make_future(county: County, shocks: Iterable[Shock] = (), seed: int = SEED, earlier: bool = False) -> Future:
    """Continue a sample county to the end of the accounting year 2018 (示例县后续季度), and with ``earlier`` also back to 2015Q4.

    Raises ValueError for a kind of shock or a quarter that there is not.
    """
    lines = {quarter: list(county.lines[place]) for place, quarter in enumerate(QUARTERS)}
    ahead: dict[str, list[Line]] = {"2018Q2": [], "2018Q3": []}
    back: dict[str, list[Line]] = {quarter: [] for quarter in FUTURE_QUARTERS[:4]}
    books = [_by_household(county.lines[place]) for place in range(len(QUARTERS))]
    for row in county.households:
        draw = Draw(seed, "future", row.household_id)
        own = [book.get(row.household_id, []) for book in books]
        streams = _streams_of(county, row, own)
        growth = {_name(stream): stream.growth for stream in streams}
        if row.there(NOW):
            for step, quarter in enumerate(("2018Q2", "2018Q3"), start=1):
                year_ago = own[NOW - 4 + step]
                if row.first > NOW - 4 + step:
                    planned = [_pay(row, stream, NOW + step, county.law, draw) for stream in streams]
                    year_ago, growth = [line for line in planned if line is not None], {}
                ahead[quarter] += _ahead(row, year_ago, own[NOW], growth, step, county.law, draw)
        if earlier and row.first == 0:
            for place in range(4):
                back[FUTURE_QUARTERS[place]] += [_moved(line, _inverse(growth.get((line[1], line[6]))), county.law, draw) for line in own[place]]
    lines |= ahead
    if earlier:
        lines |= back
    future = Future(county, lines)
    for number, shock in enumerate(shocks):
        _apply(future, shock, Draw(seed, "shock", number, shock.kind))
    return future


def _by_household(lines: list[Line]) -> dict[str, list[Line]]:
    books: dict[str, list[Line]] = {}
    for line in lines:
        books.setdefault(line[0], []).append(line)
    return books


def _streams_of(county: County, row: Household, own: list[list[Line]]) -> list[Stream]:
    """The yearly streams of a household, from its plan made again with the same draws; the plan whose items are in the ledger is taken."""
    best: list[Stream] = []
    most = -1
    keys = {(line[1], line[6]) for lines in own for line in lines}
    for attempt in range(2):
        again = copy.copy(row)
        again.members, again.facts = [copy.copy(person) for person in row.members], dict(row.facts)
        draw = Draw(county.seed, "income", row.household_id, attempt)
        streams = plan_household(again, _target_yuan(row, county.law["line_fen"][2017] / 100, draw), county.law, draw)
        alike = len(keys & {_name(stream) for stream in streams})
        if alike > most:
            best, most = streams, alike
    return best


def _name(stream: Stream) -> tuple[str, str]:
    return stream.key, "自产自用" if stream.in_kind else stream.note


def _ahead(
    row: Household, year_ago: list[Line], now: list[Line], growth: dict[tuple[str, str], float], step: int, law: dict[str, Any], draw: Draw
) -> list[Line]:
    """One household's lines of a quarter to come: streams of the same quarter a year ago, monthly transfers as they are now, for who has grown old."""
    lines = [_moved(line, growth.get((line[1], line[6])), law, draw) for line in year_ago if line[1] not in _MONTHLY]
    lines += [line for line in now if line[1] in _MONTHLY and line[1] != "item.transfer.pension"]
    day = pd.Timestamp(f"2018-{3 + 3 * step:02d}-30").date()
    old = sum(age_on(person.birth, day) >= 60 for person in row.present(NOW))
    if old:
        lines.append((row.household_id, "item.transfer.pension", False, 3 * PENSION_FEN[NOW] * old, None, None, ""))
    if not any(law["items"][line[1]]["counted"] for line in lines):
        lines.append((row.household_id, "item.transfer.support", False, 20000 + 1000 * draw.whole(0, 20), None, None, ""))
    return lines


def _inverse(growth: float | None) -> float | None:
    return None if growth is None else 1 / growth


def _moved(line: Line, growth: float | None, law: dict[str, Any], draw: Draw) -> Line:
    """The line a year later or earlier: both years' noise lies between them, none where the amount is fixed by rule or was never planned."""
    if growth is None or not law["items"][line[1]]["counted"] or line[1] in _MONTHLY | DATED:
        return line
    return _times(line, growth * draw.between(0.94, 1.06) * draw.between(0.94, 1.06))


def _times(line: Line, factor: float) -> Line:
    amount = None if line[3] is None else round(line[3] * factor / 100) * 100
    thousandths = None if line[4] is None else max(1, round(line[4] * factor / 500)) * 500 if factor > 0 else 0
    return (*line[:3], amount, thousandths, *line[5:])


def _apply(future: Future, shock: Shock, draw: Draw) -> None:
    if shock.kind not in SHOCKS:
        raise ValueError(f"there is no shock {shock.kind!r} (没有这种冲击); choose one of {', '.join(SHOCKS)}")
    for quarter in shock.quarters:
        if quarter not in FUTURE_QUARTERS:
            raise ValueError(f"a future has no quarter {quarter!r} (没有该季度); it has {', '.join(FUTURE_QUARTERS)}")
    quarters = [quarter for quarter in FUTURE_QUARTERS if quarter in shock.quarters and quarter in future.lines]
    {"transfer_delay": _delay, "rough": _roughen, "migrants_return": _from_some_day, "illness": _from_some_day}.get(shock.kind, _scale)(
        future, shock, quarters, draw
    )


def _scale(future: Future, shock: Shock, quarters: list[str], draw: Draw) -> None:
    """Harvest failure, falls of wages and price rises: a factor by village or for all, and a little by household."""
    village = {row.household_id: row.village.code for row in future.county.households}
    codes = sorted(set(village.values()))
    hit = {code: draw.between(0.5, 1.5) * shock.size if draw.chance(shock.share) else 0.0 for code in codes}
    for quarter in quarters:
        moved = []
        for line in future.lines[quarter]:
            key, factor = line[1], 1.0
            wage = key.startswith("item.wage.")
            by_village = (shock.kind == "harvest_failure" and key in HARVEST) or (shock.kind == "village_wage_fall" and wage)
            if by_village and hit[village[line[0]]]:
                factor = max(0.0, 1 - hit[village[line[0]]] * draw.between(0.8, 1.2))
            elif wage and shock.kind == "wage_fall":
                factor = 1 - shock.size
            elif shock.kind == "price_rise" and not line[2] and key.startswith(("item.business.", "item.cost.")):
                factor = 1 + shock.size * (0.5 if key.startswith("item.cost.") else 1.0)
            moved.append(line if factor == 1.0 else _times(line, factor))
        future.lines[quarter] = moved


def _from_some_day(future: Future, shock: Shock, quarters: list[str], draw: Draw) -> None:
    """Households that lose part of what they earn from one of the quarters to the end of that accounting year."""
    start = {row.household_id: draw.pick(quarters) for row in future.county.households if draw.chance(shock.share)} if quarters else {}
    size = {name: 1.0 if shock.kind == "migrants_return" else min(1.0, shock.size * draw.between(0.5, 1.5)) for name in start}
    prefixes = ("item.wage.migrant",) if shock.kind == "migrants_return" else ("item.wage.", "item.business.")
    for quarter in quarters:
        moved = []
        for line in future.lines[quarter]:
            hit = line[0] in start and start[line[0]] <= quarter and line[1].startswith(prefixes)
            moved.append(_times(line, 1 - size[line[0]]) if hit else line)
        future.lines[quarter] = moved


def _delay(future: Future, shock: Shock, quarters: list[str], draw: Draw) -> None:
    """Once-a-year subsidies come a quarter later, the last ones after the end."""
    late: list[Line] = []
    for quarter in FUTURE_QUARTERS:
        if quarter not in future.lines:
            continue
        here = future.lines[quarter]
        staying = [line for line in here if line[1] not in DATED] if quarter in quarters else here
        future.lines[quarter] = staying + late
        late = [line for line in here if line[1] in DATED] if quarter in quarters else []


def _roughen(future: Future, shock: Shock, quarters: list[str], draw: Draw) -> None:
    """Heavy-tailed noise: each amount times a ratio whose tails are those of t with about three degrees, one in fifty is left out."""
    for quarter in quarters:
        moved = []
        for line in future.lines[quarter]:
            if line[1] in _MONTHLY | DATED or line[3] is None:
                moved.append(line)
            elif not draw.chance(0.02):
                tail = draw.normal() / max(0.25, (draw.normal() ** 2 + draw.normal() ** 2 + draw.normal() ** 2) / 3) ** 0.5
                moved.append(_times(line, max(0.0, min(4.0, 1 + shock.size * tail))))
        future.lines[quarter] = moved
