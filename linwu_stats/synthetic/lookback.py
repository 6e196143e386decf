"""The invented teams of a look-back (示例县的回头看): the true answer of every drawn household, and sheets as teams hand them back.

Wrongly let go are the households that the county was seeded with as such; households off the register that should be on it, and those that do not
recognise the work, come in villages. Some refuse, are never met or are gone; a reserve is visited only where a household of its village and kind refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from linwu_stats.synthetic.attributes import give_attributes
from linwu_stats.synthetic.county import SEED, _choose_specials
from linwu_stats.synthetic.dates import PUBLISHED_HOUSEHOLDS, QUARTERS
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.people import make_households
from linwu_stats.synthetic.places import make_villages, village_at
from linwu_stats.tables import CODES

__all__ = ["LookbackFrame", "fill_in", "lookback_frame"]

#: Shares of households that refuse, are never met, are gone; of those off the register that should be on it; and of those that do not recognise the work.
REFUSED, ABSENT, GONE, MISSED, UNRECOGNISED = 0.02, 0.02, 0.006, 0.004, 0.035


@dataclass(frozen=True)
class LookbackFrame:
    """The register of one quarter as far as a draw needs it (抽样框), area names, and the households that were wrongly let go."""

    villages: pd.DataFrame
    households: pd.DataFrame
    headcounts: pd.DataFrame
    area_names: dict[str, str]
    wrong: frozenset[str]


def lookback_frame(quarter: str, households: int | None = None, seed: int = SEED) -> LookbackFrame:
    """The invented county without its incomes (不含收入的示例县), which takes under a second: the same households as those of ``make_county``."""
    count, place = PUBLISHED_HOUSEHOLDS if households is None else households, QUARTERS.index(quarter)
    villages = make_villages(seed, count)
    rows = make_households(seed, villages, count)
    give_attributes(seed, rows)
    _choose_specials(seed, rows, count / PUBLISHED_HOUSEHOLDS)
    here = [row for row in rows if row.there(place)]
    register = []
    for row in here:
        status, year = row.status(place)
        where = {"township_code": row.village.township_code, "village_code": row.village.code, "natural_village": row.natural_village}
        register.append({"household_id": row.household_id, **where, "poverty_status": status, "exit_year": year})
    names = {village.code: village.name for village in villages} | {village.township_code: village.township for village in villages}
    heads = {"household_id": [row.household_id for row in here], "registered_persons": [len(row.present(place)) for row in here]}
    return LookbackFrame(
        pd.DataFrame([village_at(village, place) for village in villages]), pd.DataFrame(register).astype({"exit_year": "Int64"}), pd.DataFrame(heads), names,
        frozenset(row.household_id for row in rows if row.specials & {"wrong_exit_income", "wrong_exit_house"}),
    )


def fill_in(sample: pd.DataFrame, wrong: frozenset[str], seed: int = SEED) -> dict[str, dict[str, str]]:
    """What the teams write (调查组的填写): by unit_id the words in the cells by heading; what nobody visited is left blank.

    ``sample``: table ``lookback_sample``; ``wrong``: households that were wrongly let go. The same seed gives the same answers, whatever was drawn.
    """
    filled: dict[str, dict[str, str]] = {}
    for _, rows in sample.sort_values(["village_code", "kind", "role", "draw_order"]).groupby(["village_code", "kind"], sort=True):
        short = 0
        for row in rows.to_dict("records"):
            if row["role"] == "reserve" and not short:
                break
            draw = Draw(seed, "lookback", row["unit_id"])
            state = draw.weighted({"refused": REFUSED, "absent": ABSENT, "gone": GONE, "answered": 1 - REFUSED - ABSENT - GONE})
            filled[row["unit_id"]] = _words(row, state, draw, seed, wrong)
            short += (state in ("refused", "absent")) - (row["role"] == "reserve")
    return filled


def _words(row: Mapping[str, object], state: str, draw: Draw, seed: int, wrong: frozenset[str]) -> dict[str, str]:
    words = {"调查情况": CODES["lookback_state"][state]}
    if state != "answered":
        return words
    persons = row["persons"] if not pd.isna(row["persons"]) else draw.weighted({1: 12, 2: 22, 3: 24, 4: 24, 5: 12, 6: 6})
    words["家庭人口(人)"] = str(persons)
    village = Draw(seed, "village", row["village_code"])
    careless, unhappy = (3.0 if village.chance(0.25) else 1 / 3), (2.5 if village.chance(0.25) else 0.5)
    if row["kind"] == "exited":
        words["是否稳定达到退出标准"] = "未达到" if row["unit_id"] in wrong else "达到"
    elif row["kind"] == "off_register":
        words["是否应纳入而未纳入"] = "是" if draw.chance(MISSED * careless) else "否"
    words["是否认可帮扶和退出工作"] = "不认可" if draw.chance(UNRECOGNISED * unhappy) else "认可"
    return words
