"""Who is visited in a look-back (回头看抽样): villages with probability proportional to size, then households in and off the register.

No generator of random numbers whose stream may change: starts and ranks come from SHA-256 of the seed and the code, so that the same register, rules and
seed give the same sample on every machine. Source: systematic sampling with unequal probabilities, Madow (1949); units larger than the step are taken
with certainty and the rest drawn from what is left, Särndal, Swensson, Wretman (1992), 3.6.
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Mapping
from typing import Any

import pandas as pd

from linwu_stats.exits.lookback.exact import LookbackError
from linwu_stats.rules import Rules
from linwu_stats.tables import conform, require

__all__ = ["KINDS", "draw_lookback", "draw_villages", "frame_facts", "village_frame"]

KINDS = ("exited", "registered", "off_register")


def village_frame(villages: pd.DataFrame, households: pd.DataFrame, headcounts: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """One row a village (抽样框): persons and households of each kind, and the size that it is drawn by.

    ``villages`` (village_code, township_code, rural_population_persons), ``households`` (household_id, township_code, village_code, poverty_status,
    exit_year), ``headcounts`` (household_id, registered_persons). Gives village_code, township_code, size, size_known, and for each kind
    ``<kind>_households`` and ``<kind>_persons``; persons off the register are the rural population less everybody on it, unknown where one is unknown or the
    register holds more people than the village. Rule ``lookback.sample`` (size, off_household_persons). A size that is unknown is that of the middle village:
    a size decides only how likely a village is, and the weight says so. Raises :class:`LookbackError` for codes given twice.
    """
    homes = _homes(households, headcounts)
    rule = rules.value("lookback.sample")
    for name, codes in (("village_code", villages["village_code"]), ("household_id", homes["household_id"])):
        if codes.duplicated().any():
            raise LookbackError(f"{name} {codes[codes.duplicated()].iloc[0]} stands twice in the frame (抽样框中代码重复): mend the ledgers, then draw")
    known = villages.set_index("village_code")["rural_population_persons"].to_dict()
    towns = dict(zip(homes["village_code"], homes["township_code"], strict=True)) | dict(zip(villages["village_code"], villages["township_code"], strict=True))
    groups = dict(iter(homes.groupby("village_code", sort=True)))
    rows = []
    for code in sorted(towns):
        part = groups.get(code, homes.iloc[:0])
        row: dict[str, Any] = {"village_code": code, "township_code": towns[code], "register_households": len(part)}
        for kind in KINDS[:2]:
            mine = part[part["kind"] == kind]
            row |= {f"{kind}_households": len(mine), f"{kind}_persons": _total(mine["persons"])}
        population, registered = known.get(code), _total(part["persons"])
        off = None if pd.isna(population) or registered is None or registered > population else int(population) - registered
        rows.append(row | {"rural_population_persons": None if pd.isna(population) else int(population), "off_register_persons": off})
    names = ["village_code", "township_code", "register_households", "rural_population_persons", "off_register_persons"]
    frame = pd.DataFrame(rows, columns=[*names, *(f"{kind}_{unit}" for kind in KINDS[:2] for unit in ("households", "persons"))])
    sizes = [None if pd.isna(one) or one <= 0 else int(one) for one in frame[rule["size"]]]
    middle = int(statistics.median_low([one for one in sizes if one])) if any(sizes) else 1
    share = rule["off_household_persons"]
    counts = [one for one in frame["off_register_persons"] if not pd.isna(one)]
    usual = statistics.median_low(counts) if counts else 0
    frame["size"] = [one or middle for one in sizes]
    frame["size_known"] = [one is not None for one in sizes]
    frame["off_register_households"] = [int((usual if pd.isna(one) else one) / share + 0.5) for one in frame["off_register_persons"]]
    whole = ["rural_population_persons", *(f"{kind}_persons" for kind in KINDS)]
    return frame.astype(dict.fromkeys(whole, "Int64"))


def draw_villages(frame: pd.DataFrame, number: int, seed: int) -> dict[str, float]:
    """Draw villages by systematic sampling with probability proportional to size (按规模等距抽村): code to inclusion probability, 1 where certain.

    ``frame``: village_code, township_code, size (whole, above 0). The list goes by township and code, so that townships have their share. No village is
    drawn twice: one that is larger than the step is taken with certainty, and the step is found anew for the others.
    """
    sizes = {row.village_code: int(row.size_) for row in frame.rename(columns={"size": "size_"}).sort_values(["township_code", "village_code"]).itertuples()}
    if isinstance(number, bool) or not isinstance(number, int) or number < 1 or not sizes or min(sizes.values()) < 1:
        raise LookbackError(f"{number!r} villages of {len(sizes)} cannot be drawn (不能抽村): ask for 1 or more, sizes above 0")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise LookbackError(f"the seed (种子) is a whole number of 0 or more, not {seed!r}")
    chosen: dict[str, float] = {}
    while number > len(chosen):
        rest = {code: size for code, size in sizes.items() if code not in chosen}
        left, total = number - len(chosen), sum(rest.values())
        sure = [code for code, size in rest.items() if size * left >= total]
        if not sure:
            break
        chosen |= dict.fromkeys(sure, 1.0)
        if len(chosen) == len(sizes):
            return dict(sorted(chosen.items()))
    rest = {code: size for code, size in sizes.items() if code not in chosen}
    left, total = number - len(chosen), sum(rest.values())
    start = _number(f"{seed}:villages")
    points = [(start + (step << 64)) * total // (left << 64) for step in range(left)]
    reached, walk = 0, iter(points)
    point = next(walk, None)
    for code, size in rest.items():
        reached += size
        if point is not None and point < reached:
            chosen[code] = left * size / total
            point = next(walk, None)
    return dict(sorted(chosen.items()))


def draw_lookback(
    villages: pd.DataFrame, households: pd.DataFrame, headcounts: pd.DataFrame, rules: Rules, quarter: str, seed: int, *,
    take: Mapping[str, int] | None = None, off_list: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Draw a look-back (抽取回头看样本): table ``lookback_sample``; frames as in :func:`village_frame`.

    Rule ``lookback.sample``: villages, households of each kind in each village, reserves of each kind; ``take`` replaces single numbers. Within a village the
    households with the smallest SHA-256 of seed, kind and code are drawn, the next ones are reserves in that order. ``off_list`` (village_code, code,
    natural_village) names the households off the register; in a village that it leaves out, and without it, their number is estimated and the team counts
    houses at a fixed interval from a start. Raises :class:`LookbackError` where nothing can be drawn.
    """
    rule = rules.value("lookback.sample") | dict(take or {})
    if strange := [name for name, one in rule.items() if name in (*KINDS, "reserves") and (isinstance(one, bool) or not isinstance(one, int) or one < 0)]:
        raise LookbackError(f"{', '.join(strange)}: how many to draw is a whole number of 0 or more (抽取户数有误)")
    frame = village_frame(villages, households, headcounts, rules)
    chosen = draw_villages(frame, rule["villages"], seed)
    homes = _homes(households, headcounts)
    listed = _listed(off_list, set(frame["village_code"]))
    rows: list[dict[str, Any]] = []
    for village in frame[frame["village_code"].isin(list(chosen))].to_dict("records"):
        code = village["village_code"]
        place = {"quarter": quarter, "township_code": village["township_code"], "village_code": code, "village_share": chosen[code]}
        place["village_certain"] = chosen[code] == 1.0
        for kind in KINDS[:2]:
            units = homes[(homes["village_code"] == code) & (homes["kind"] == kind)].to_dict("records")
            rows += _drawn(units, kind, place | {"village_persons": village[f"{kind}_persons"], "counted": True}, rule, seed)
        off = place | {"village_persons": village["off_register_persons"], "counted": code in listed}
        if code in listed:
            rows += _drawn(listed[code], "off_register", off, rule, seed)
        else:
            rows += _counted_off(village["off_register_households"], off, rule, seed)
    if not rows:
        raise LookbackError("no household could be drawn (没有可抽的户): the drawn villages have none, or the take is 0")
    return conform(pd.DataFrame(rows), "lookback_sample")


def frame_facts(villages: pd.DataFrame, households: pd.DataFrame, headcounts: pd.DataFrame, rules: Rules, quarter: str, seed: int) -> dict[str, Any]:
    """What the rates need to know of the frame on the day of the draw (抽样框事实): persons left, exited, off the register, both populations, its SHA-256.

    None for a number that is unknown. Kept beside the sample, so that a look-back stays what it was when the ledgers change.
    """
    homes = _homes(households, headcounts)
    frame = village_frame(villages, households, headcounts, rules)
    exited = homes[homes["kind"] == "exited"]
    this_year = exited[(exited["exit_year"] == int(quarter[:4])).fillna(False)]
    left = homes[homes["kind"] == "registered"]
    years_unknown = bool(exited["exit_year"].isna().any())
    lines = [f"{row.village_code},{row.size_}" for row in frame.rename(columns={"size": "size_"}).itertuples()]
    lines += [f"{row.household_id},{row.village_code},{row.kind}" for row in homes.sort_values("household_id").itertuples()]
    return {
        "quarter": quarter, "seed": seed, "frame_villages": len(frame), "frame_households": len(homes),
        "sizes_unknown": frame.loc[~frame["size_known"], "village_code"].tolist(), "status_unknown_households": int((homes["kind"] == "").sum()),
        "left_persons": None if (homes["kind"] == "").any() else _total(left["persons"]), "exited_persons": _total(exited["persons"]),
        "exited_this_year_persons": None if years_unknown else _total(this_year["persons"]),
        "off_register_persons": _total(frame["off_register_persons"]), "rural_population_persons": _total(villages["rural_population_persons"]),
        "resident_population_persons": _total(villages["resident_population_persons"]) if "resident_population_persons" in villages.columns else None,
        **{f"{kind}_households": int(frame[f"{kind}_households"].sum()) for kind in KINDS},
        "frame_sha256": hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest(),
    }


def _homes(households: pd.DataFrame, headcounts: pd.DataFrame) -> pd.DataFrame:
    require(households, "households", "household_id", "township_code", "village_code", "poverty_status", "exit_year")
    kinds = {"out": "exited", "not_out": "registered", "pre_out": "registered", "returned": "registered"}
    heads = dict(zip(headcounts["household_id"], headcounts["registered_persons"], strict=True))
    names = ["household_id", "township_code", "village_code", "exit_year"]
    frame = households[names].assign(natural_village=households["natural_village"] if "natural_village" in households.columns else None)
    frame["kind"] = [kinds.get(one, "") if isinstance(one, str) else "" for one in households["poverty_status"]]
    return frame.assign(persons=pd.array([heads.get(one, pd.NA) for one in frame["household_id"]], dtype="Int64"))


def _drawn(units: list[dict[str, Any]], kind: str, place: dict[str, Any], rule: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """Households of one kind in one village that are known by code: the first in a seeded order, then the reserves."""
    ranked = sorted(units, key=lambda one: (hashlib.sha256(f"{seed}:{kind}:{one['household_id']}".encode()).hexdigest(), one["household_id"]))
    taken = min(rule[kind], len(ranked))
    rows = []
    for turn, unit in enumerate(ranked[: taken + (rule["reserves"] if taken else 0)]):
        about = {name: unit.get(name) for name in ("natural_village", "exit_year", "persons", "locator")}
        rows.append(place | about | {"unit_id": unit["household_id"], "kind": kind} | _chance(turn, taken, len(ranked), place))
    return rows


def _counted_off(estimated: int, place: dict[str, Any], rule: Mapping[str, Any], seed: int) -> list[dict[str, Any]]:
    """Households off the register that are found by counting houses: every so many from a start."""
    taken = min(rule["off_register"], estimated)
    if not taken:
        return []
    code, step = place["village_code"], estimated // taken
    start = _number(f"{seed}:off:{code}") % step
    reserves = min(rule["reserves"], taken) if step > 1 else 0
    houses = [start + turn * step for turn in range(taken)]
    houses += [(start + 1) % step + turn * taken // reserves * step for turn in range(reserves)]
    return [
        place | {
            "unit_id": f"{code}F{turn + 1:04d}", "kind": "off_register", **_chance(turn, taken, estimated, place),
            "locator": f"从村委会起由近及远逐户数非建档立卡户，第{house + 1}户（间隔{step}户）",
        }
        for turn, house in enumerate(houses)
    ]


def _chance(turn: int, taken: int, all_households: int, place: Mapping[str, Any]) -> dict[str, Any]:
    main = turn < taken
    share = place["village_share"] * taken / all_households
    return {
        "role": "main" if main else "reserve", "draw_order": turn + 1 if main else turn - taken + 1, "village_households": all_households,
        "taken_households": taken, "inclusion_share": share if main else None, "weight": 1 / share if main else None,
    }


def _listed(off_list: pd.DataFrame | None, known: set[str]) -> dict[str, list[dict[str, Any]]]:
    if off_list is None:
        return {}
    if missing := {"village_code", "code"} - set(off_list.columns):
        raise LookbackError(f"the list of households off the register (非建档立卡户名单) lacks {', '.join(sorted(missing))}")
    if strange := sorted(set(off_list["village_code"]) - known):
        raise LookbackError(f"the list of households off the register (非建档立卡户名单): village {strange[0]} is not in the village table")
    if (doubled := off_list.duplicated(["village_code", "code"])).any():
        raise LookbackError(f"the list of households off the register (非建档立卡户名单) holds {off_list.loc[doubled, 'code'].iloc[0]} twice")
    out: dict[str, list[dict[str, Any]]] = {}
    for code, part in off_list.sort_values(["village_code", "code"]).groupby("village_code", sort=True):
        place = part.get("natural_village", pd.Series([None] * len(part)))
        out[str(code)] = [
            {"household_id": f"{code}F{turn:04d}", "locator": f"名单编号{name}", "natural_village": where}
            for turn, (name, where) in enumerate(zip(part["code"], place, strict=True), start=1)
        ]
    return out


def _total(values: pd.Series) -> int | None:
    return None if values.isna().any() else int(values.sum())


def _number(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode("utf-8")).digest()[:8], "big")
