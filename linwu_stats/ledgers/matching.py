"""Who is who in two or three sources of the register (人员和户的匹配).

Every source is set against every other in the same way, so that neither the order in which they are given nor which of them is which decides. A person is
linked by ID number where both sides have a valid one that is theirs alone; where a number is broken, by what the rule ``reconcile.match`` allows, one to one
only: the same household and name; the same village, sound of the name and birth date; the same household and birth date. Each such link is listed with its
grounds. What fits more than one person, would make two persons of a source one, or only has a similar name, is listed as a candidate and left to people; so is
a number whose name and birth date both are another's, as where two members' numbers were swapped. A household is the one to which most of its linked members
belong, each way; its code alone counts where a name or birth date is shared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from pypinyin import lazy_pinyin
from rapidfuzz import fuzz, process

from linwu_stats.ledgers.sources import SOURCES

__all__ = ["Matched", "match_sources"]

#: Grounds of a link by the name that the rule gives them: what must be equal on both sides, and alone with it on either.
_KEYS = {"id_number": ["id"], "household_name": ["home", "name_key"], "village_pinyin_birth": ["place", "sound", "born"], "household_birth": ["home", "born"]}
#: Grounds in the order in which they are tried; a household that is known by then helps the next. By number first, weakest last.
_ORDER = ("id_number", "household_name", "village_pinyin_birth", "household_name", "household_birth")
_BY_BIRTH = ("village_pinyin_birth", "household_birth")
_CANDIDATES_A_ROW = 3
_CANDIDATE = ["source", "file", "row", "person", "tier", "score", "linked"]


@dataclass
class Matched:
    """The joined register: ``rows`` (each row of each source with its ``person``, ``home``, ``tier``, ``home_tier``, ``times``) and ``candidates``."""

    rows: pd.DataFrame
    candidates: pd.DataFrame
    given: tuple[str, ...] = field(default_factory=tuple)


def match_sources(frames: Mapping[str, pd.DataFrame], links: Sequence[str], similar_name_score: int) -> Matched:
    """Join sources (三方匹配). ``frames`` as :mod:`linwu_stats.ledgers.sources` gives them, two or three; ``links`` and the score from ``reconcile.match``."""
    given = tuple(source for source in SOURCES if source in frames)
    rows = pd.concat([_prepare(frames[source], source) for source in given], ignore_index=True)
    rows["unit"] = pd.factorize(rows["source"] + "|" + rows["unit"].astype("string"))[0]
    rows["page"] = pd.factorize(rows["source"] + "|" + rows["group"])[0]
    units = rows.drop_duplicates("unit").reset_index(drop=True)
    person = np.arange(len(units))
    home = _homes(units, person, len(rows))
    history: list[tuple[str, np.ndarray]] = []
    doubtful: list[pd.DataFrame] = []
    for tier in (one for one in _ORDER if one in links):
        pairs, held = _pairs(units, person, home[units["page"]], tier, similar_name_score)
        person, refused = _united(person, pairs, units["source"], units["unit"])
        doubtful += [held.assign(tier=tier), pairs[refused].assign(tier=tier)]
        history.append((tier, person))
        home = _homes(units, person, len(rows))
    units["person"] = person
    units["tier"] = _tiers(person, history)
    rows = rows.merge(units[["unit", "person", "tier"]], on="unit", how="left")
    rows["home"] = _home_of_rows(rows, units, home)
    rows["home_tier"] = _home_tiers(rows)
    left_over = pd.concat([*doubtful, pd.DataFrame(columns=["left", "right", "tier"])], ignore_index=True)
    return Matched(rows, _candidates(units, left_over, given, similar_name_score), given)


def _prepare(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Rows with their keys; ``unit`` is the person within the source, ``times`` how often the source holds that person."""
    rows = frame.copy()
    rows["source"] = source
    rows["name_key"] = rows["name"].map(_plain, na_action="ignore").astype("string")
    rows["sound"] = rows["name_key"].map(lambda name: " ".join(map(_sound, name)), na_action="ignore").astype("string")
    rows["born"] = rows["birth_date"]
    rows["place"] = rows["township"].fillna("") + "/" + rows["village"]
    number = rows["id_number"].str.upper()
    rows["id"] = number.where(number.str.fullmatch(r"\d{17}[\dX]").fillna(False))
    alone = (rows.groupby("id")["name_key"].transform("nunique") <= 1).fillna(False)
    same = rows["id"].fillna(rows["name_key"] + rows["born"].dt.strftime("%Y%m%d").astype("string"))
    same = same.fillna("row " + pd.Series(rows.index, index=rows.index).astype("string"))  # who has neither is nobody else in the source
    where = rows["household_id"].fillna(rows["group"]).mask(alone & rows["id"].notna(), "any")
    rows["unit"] = pd.factorize(where + "|" + same + "|" + rows["name_key"].fillna(""))[0]
    rows["times"] = rows.groupby("unit")["unit"].transform("size")
    owners = rows.groupby("id")["unit"].transform("nunique")
    rows["id"] = rows["id"].mask((owners > 1).fillna(False))  # a number that two people have links neither
    return rows


def _plain(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", name) if char.isalnum())


@lru_cache(maxsize=20_000)
def _sound(char: str) -> str:
    """The usual sound of a character without its tone (读音), by itself: the same character sounds the same in every name."""
    return "".join(lazy_pinyin(char))


def _pairs(units: pd.DataFrame, person: np.ndarray, home: np.ndarray, tier: str, score: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Units of two sources that are alone with the keys of a tier on both sides, and those of them that are held back: left, right."""
    keys = _KEYS[tier]
    now = units.assign(person=person, home=home)
    now["number"] = now.groupby("person")["id"].transform("first")
    has = {source: set(now.loc[now["source"] == source, "person"]) for source in now["source"].unique()}
    parts = [pd.DataFrame(columns=["unit", "unit_", "number", "number_", "name_key", "name_key_", "sound", "sound_", "born", "born_"])]
    for one, other in combinations(sorted(has), 2):
        left, right = now[(now["source"] == one) & ~now["person"].isin(has[other])], now[(now["source"] == other) & ~now["person"].isin(has[one])]
        left, right = left.dropna(subset=keys), right.dropna(subset=keys)
        left, right = left[~left.duplicated(keys, keep=False)], right[~right.duplicated(keys, keep=False)]
        columns = list(dict.fromkeys(["unit", "number", "name_key", "sound", "born", *keys]))
        parts.append(left[columns].merge(right[columns].rename(columns={name: f"{name}_" for name in columns if name not in keys}), on=keys))
    pairs = pd.concat(parts, ignore_index=True)
    if tier in _BY_BIRTH:  # two valid numbers that contradict each other are two persons
        pairs = pairs[pairs["number"].isna() | pairs["number_"].isna() | (pairs["number"] == pairs["number_"])]
    held = np.zeros(len(pairs), dtype=bool)
    if tier == "id_number":
        both = pairs[["sound", "sound_", "born", "born_"]].notna().all(axis=1).to_numpy(bool)
        other = both & (pairs["sound"].to_numpy() != pairs["sound_"].to_numpy()) & (pairs["born"].to_numpy() != pairs["born_"].to_numpy())
        for place in np.flatnonzero(other):
            held[place] = _similar(pairs["name_key"].iloc[place], pairs["name_key_"].iloc[place]) < score
    pairs = pairs[["unit", "unit_"]].set_axis(["left", "right"], axis=1).astype("int64")
    return pairs[~held].reset_index(drop=True), pairs[held]


def _united(labels: np.ndarray, pairs: pd.DataFrame, sources: pd.Series, kinds: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Labels after all ``pairs`` are joined at once, and which pairs were refused: those that would make two kinds of one source one."""
    parent: dict[int, int] = {}

    def root(label: int) -> int:
        while label in parent:
            label = parent[label]
        return label

    left, right = labels[pairs["left"].to_numpy("int64")], labels[pairs["right"].to_numpy("int64")]
    for pair in zip(left.tolist(), right.tolist(), strict=True):
        low, high = sorted(map(root, pair))
        if low != high:
            parent[high] = low
    if not parent:
        return labels, np.zeros(len(pairs), dtype=bool)
    become = np.arange(int(labels.max()) + 1)
    become[list(parent)] = [root(label) for label in parent]
    merged = become[labels]
    touched = np.isin(merged, np.unique(become[list(parent)]))
    held = pd.DataFrame({"label": merged[touched], "source": sources.to_numpy()[touched], "kind": kinds.to_numpy()[touched]}).drop_duplicates()
    bad = held.loc[held.duplicated(["label", "source"], keep=False), "label"]
    merged = np.where(np.isin(merged, bad.to_numpy()), labels, merged)
    return merged, merged[pairs["left"].to_numpy("int64")] != merged[pairs["right"].to_numpy("int64")]


def _homes(units: pd.DataFrame, person: np.ndarray, pages: int) -> np.ndarray:
    """The household of each page: two pages are one household's if each has most of the other's linked members, or one has and the codes are equal."""
    page = units.drop_duplicates("page").set_index("page").reindex(range(pages))
    codes, sources = page["household_id"], page["source"]
    kinds = codes.fillna("page " + page.index.astype("string").to_series(index=page.index))
    members = units[["page", "source"]].assign(person=person)
    votes = members.merge(members, on="person", suffixes=("", "_"))
    votes = votes[votes["source"] != votes["source_"]].groupby(["page", "source_", "page_"]).size().rename("votes").reset_index()
    votes["code"] = (votes["page"].map(codes) == votes["page_"].map(codes)).fillna(False).astype(bool)
    votes["votes"] = votes["votes"] * 2 + votes["code"]
    best = votes[votes["votes"] == votes.groupby(["page", "source_"])["votes"].transform("max")]
    best = best[~best.duplicated(["page", "source_"], keep=False)].rename(columns={"page": "left", "page_": "right"})
    back = set(zip(best["right"], best["left"], strict=True))
    mutual = np.array([pair in back for pair in zip(best["left"], best["right"], strict=True)], dtype=bool)
    home = np.arange(pages)
    for chosen in (best[mutual & best["code"]], best[mutual], best[best["code"]]):
        home, _ = _united(home, chosen, sources, kinds)
    return _united(home, _by_code(units, home), sources, kinds)[0]


def _by_code(units: pd.DataFrame, home: np.ndarray) -> pd.DataFrame:
    """Pages of one code in two sources, neither of them with a household in the other, that have a name's sound or a birth date in common."""
    now = units[["page", "source", "household_id", "sound", "born"]].assign(home=home[units["page"]])
    sources = now.drop_duplicates(["home", "source"])
    has = set(zip(sources["home"], sources["source"], strict=True))
    lonely = now[now["home"].map(sources["home"].value_counts()) < sources["source"].nunique()]
    parts = []
    for shared in ("sound", "born"):
        known = lonely.dropna(subset=["household_id", shared])
        parts.append(known.merge(known, on=["household_id", shared], suffixes=("", "_")))
    pairs = pd.concat(parts, ignore_index=True)
    pairs = pairs[(pairs["source"] < pairs["source_"]) & (pairs["home"] != pairs["home_"])].drop_duplicates(["page", "page_"])
    facing = zip(pairs["home"], pairs["source_"], pairs["home_"], pairs["source"], strict=True)
    apart = np.array([(one, there) not in has and (other, here) not in has for one, there, other, here in facing], dtype=bool)
    return pairs.loc[apart, ["page", "page_"]].set_axis(["left", "right"], axis=1)


def _tiers(person: np.ndarray, history: Sequence[tuple[str, np.ndarray]]) -> pd.Series:
    """On what grounds each unit came to the first unit of its person, blank for that one itself."""
    _, first = np.unique(person, return_index=True)
    whose = first[np.searchsorted(person[first], person)]
    tier = pd.Series(pd.NA, index=range(len(person)), dtype="string")
    for name, labels in reversed(history):
        tier = tier.mask((labels == labels[whose]) & (whose != np.arange(len(person))), name)
    return tier


def _home_of_rows(rows: pd.DataFrame, units: pd.DataFrame, home: np.ndarray) -> pd.Series:
    """A page all of whose members stand on another page too has that one's household."""
    page = rows["page"].where(rows["page"].isin(units["page"]), rows["unit"].map(units.set_index("unit")["page"]))
    return pd.Series(home[page.to_numpy()], index=rows.index)


def _home_tiers(rows: pd.DataFrame) -> pd.Series:
    first = rows.drop_duplicates("home").set_index("home")
    same_code = (rows["household_id"] == rows["home"].map(first["household_id"])).fillna(False)
    later = rows["source"] != rows["home"].map(first["source"])
    return pd.Series("members", index=rows.index, dtype="string").mask(same_code, "code").where(later)


def _candidates(units: pd.DataFrame, doubtful: pd.DataFrame, given: Sequence[str], score: int) -> pd.DataFrame:
    """Links on weaker grounds and those that were refused, each shown, and for those still alone who may be meant in the same village."""
    names, person = units["name_key"], units["person"]
    first = units.drop_duplicates("person").set_index("person")["name_key"]
    out: list[tuple[int, int, str, int, bool]] = []
    for unit in units.index[units["tier"].notna() & (units["tier"] != "id_number")]:
        out.append((unit, person[unit], units["tier"][unit], _similar(names[unit], first[person[unit]]), True))
    rank = units["source"].map({source: place for place, source in enumerate(given)})
    for left, right, tier in doubtful[["left", "right", "tier"]].itertuples(index=False):
        unit, other = sorted((int(left), int(right)), key=lambda one: -rank[one])
        if person[unit] != person[other]:
            out.append((unit, person[other], tier, _similar(names[unit], names[other]), False))
    for one, other in combinations(given, 2):
        out += _similar_names(units, one, other, score)
    found = pd.DataFrame(out, columns=["unit", "person", "tier", "score", "linked"]).drop_duplicates(["unit", "person"])
    return found.join(units[["source", "file", "row"]], on="unit")[_CANDIDATE].reset_index(drop=True)


def _similar_names(units: pd.DataFrame, one: str, other: str, score: int) -> list[tuple[int, int, str, int, bool]]:
    """Persons of the source ``other`` whom ``one`` does not have, and those of ``one`` in the same village with a similar name, at most three."""
    named = units.dropna(subset=["place", "name_key"])
    mine, theirs = named[named["source"] == one], named[named["source"] == other]
    alone = theirs[~theirs["person"].isin(units.loc[units["source"] == one, "person"])]
    free = mine[~mine["person"].isin(units.loc[units["source"] == other, "person"])]
    nearby = {place: dict(zip(part["person"], part["name_key"], strict=True)) for place, part in free.groupby("place")}
    out = []
    for unit, name, place in zip(alone.index, alone["name_key"], alone["place"], strict=True):
        near = process.extract(name, nearby.get(place, {}), scorer=fuzz.ratio, score_cutoff=score, limit=_CANDIDATES_A_ROW)
        out += [(unit, person, "similar_name", round(found), False) for _, found, person in near]
    return out


def _similar(left: Any, right: Any) -> int:
    return 0 if pd.isna(left) or pd.isna(right) else round(fuzz.ratio(left, right))
