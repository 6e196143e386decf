"""Villages and their townships (村名与隶属): against the register, or, without one, against the rest of the ledger."""

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import median
from typing import Any

from linwu_stats.ledgers.values import Parsed, Places

__all__ = ["check_villages"]


def check_villages(sheets: list[Parsed], places: Places) -> None:
    """Villages against the register, or, without one, against the rest of the ledger, all its sheets together (村名与隶属)."""
    known = {*places.townships, *places.former}
    pairs: list[list[tuple[Any, Any]]] = []
    for parsed in sheets:
        villages, townships = parsed.values.get("village", []), parsed.values.get("township") if "village" in parsed.values else None
        towns = [town if town in known else None for town in townships] if townships else [None] * len(villages)
        pairs.append(list(zip(towns, villages, strict=True)) if parsed.grid.kind != "villages" else [])
    together = [pair for part in pairs for pair in part]
    doubtful = _by_register(together, places.villages) if places.villages else _by_ledger(together)
    for parsed, part in zip(sheets, pairs, strict=True):
        for position, (town, village) in enumerate(part if doubtful else []):
            key, detail = doubtful.get((town, village), ("", ""))
            if key:
                name = "township" if key == "HIERARCHY" and "township" in parsed.values else "village"
                parsed.say(key, position, name, value=f"{town or ''}{village}" if key == "HIERARCHY" else village, detail=detail)


def _by_register(pairs: list[tuple[Any, Any]], register: dict[str, set[str]]) -> dict[tuple[Any, Any], tuple[str, str]]:
    out = {}
    for town, village in set(pairs):
        if village and village not in register:
            out[town, village] = ("UNKNOWN_VILLAGE", "不在行政村名录中")
        elif village and town and register[village] and town not in register[village]:
            out[town, village] = ("HIERARCHY", f"名录中该村属于{'、'.join(sorted(register[village]))}")
    return out


def _by_ledger(pairs: list[tuple[Any, Any]]) -> dict[tuple[Any, Any], tuple[str, str]]:
    """A village in a few rows that is one character off a frequent one of its township, or that stands under another township almost everywhere."""
    counts = Counter(pair for pair in pairs if pair[1])
    if sum(counts.values()) < 20:
        return {}
    by_village: dict[Any, Counter[Any]] = defaultdict(Counter)
    for (town, village), count in counts.items():
        by_village[village][town] += count
    if townships_known := {pair for pair in counts if pair[0]}:
        counts = Counter({pair: counts[pair] for pair in townships_known})
    typical = median(counts.values())
    out: dict[tuple[Any, Any], tuple[str, str]] = {}
    for (town, village), count in counts.items():
        main, most = by_village[village].most_common(1)[0]
        if town and main and main != town and count <= 3 and most >= 5 * count:
            out[town, village] = ("HIERARCHY", f"本表中该村其余{most}行都属于{main}")
            continue
        if count > 3 or 2 * count >= typical:
            continue
        near = [other for (place, other), many in counts.items() if place == town and many >= 3 * count and other != village and _one_off(village, other)]
        if near:
            out[town, village] = ("UNKNOWN_VILLAGE", f"本表只有{count}行，与“{near[0]}”只差一字")
        elif len(counts) <= 40 and typical >= 5:
            out[town, village] = ("UNKNOWN_VILLAGE", f"本表只有{count}行，其他村都在{int(typical)}行左右")
    return out


def _one_off(one: str, two: str) -> bool:
    if len(one) == len(two):
        return sum(a != b for a, b in zip(one, two, strict=True)) == 1
    short, long = sorted((one, two), key=len)
    return len(long) == len(short) + 1 and any(long[:place] + long[place + 1:] == short for place in range(len(long)))
