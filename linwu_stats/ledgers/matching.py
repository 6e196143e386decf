"""Who is who in two or three sources of the register (人员和户的匹配).

Sources are joined one after the other in a fixed order, so that the order in which they are given does not matter. A person is linked by ID number where both
sides have a valid one that is theirs alone; where a number is broken, by what the rule ``reconcile.match`` allows, one to one only: the same household and
name; the same village, sound of the name and birth date; the same household and birth date. Each such link is listed with its grounds. What fits more than one
person, or only has a similar name, is listed as a candidate and left to people. A household is the one to which most of its linked members belong; its code
alone counts where a name is shared.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from pypinyin import lazy_pinyin
from rapidfuzz import fuzz

from linwu_stats.ledgers.sources import SOURCES

__all__ = ["Matched", "match_sources"]

#: Grounds of a link that need both households to be the same.
_BY_HOUSEHOLD = {"household_name": ["home", "name_key"], "household_birth": ["home", "born"]}
_CANDIDATES_A_ROW = 3


@dataclass
class Matched:
    """The joined register: ``rows`` (each row of each source with its person, household, tiers and ``doubled``) and ``candidates``."""

    rows: pd.DataFrame
    candidates: pd.DataFrame
    given: tuple[str, ...] = field(default_factory=tuple)


def match_sources(frames: Mapping[str, pd.DataFrame], links: Sequence[str], similar_name_score: int) -> Matched:
    """Join sources (三方匹配). ``frames`` as :mod:`linwu_stats.ledgers.sources` gives them, two or three; ``links`` and the score from ``reconcile.match``."""
    given = tuple(source for source in SOURCES if source in frames)
    known: pd.DataFrame | None = None
    parts, candidates = [], []
    for source in given:
        rows = _prepare(frames[source], source)
        if known is None:
            people = rows.drop_duplicates("unit")
            homes = pd.Series({group: place for place, group in enumerate(people["group"].unique())}, dtype="Int64")
            rows["person"], rows["home"] = rows["unit"], _home_of_rows(rows, people, homes)
            rows["tier"], rows["home_tier"] = pd.NA, pd.NA
        else:
            rows, found = _join(rows, known, links, similar_name_score)
            candidates.append(found)
        parts.append(rows)
        known = _known(pd.concat(parts, ignore_index=True))
    columns = ["source", "file", "row", "person", "tier", "score", "linked"]
    listed = pd.concat(candidates, ignore_index=True) if candidates else pd.DataFrame(columns=columns)
    return Matched(pd.concat(parts, ignore_index=True), listed, given)


def _prepare(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Rows with their keys; ``unit`` is the person within the source, ``times`` how often the source holds that person."""
    rows = frame.copy()
    rows["source"] = source
    rows["name_key"] = rows["name"].map(_plain, na_action="ignore").astype("string")
    sounds = {name: "".join(lazy_pinyin(name)) for name in rows["name_key"].dropna().unique()}
    rows["sound"] = rows["name_key"].map(sounds).astype("string")
    rows["born"] = rows["birth_date"]
    rows["place"] = rows["township"].fillna("") + "/" + rows["village"]
    number = rows["id_number"].str.upper()
    rows["id"] = number.where(number.str.fullmatch(r"\d{17}[\dX]").fillna(False))
    alone = rows.groupby("id")["name_key"].transform("nunique") <= 1
    same = rows["id"].fillna(rows["name_key"] + rows["born"].dt.strftime("%Y%m%d").astype("string")).fillna("row " + rows["row"].astype("string"))
    rows["unit"] = pd.factorize(rows["group"].where(~alone.fillna(False), "any") + "|" + same + "|" + rows["name_key"].fillna(""))[0]
    rows["times"] = rows.groupby("unit")["unit"].transform("size")
    owners = rows.groupby("id")["unit"].transform("nunique")
    rows["shared_id"] = (owners > 1).fillna(False)
    rows.loc[rows["shared_id"], "id"] = pd.NA  # a number that two people have links neither
    return rows


def _plain(name: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", name) if char.isalnum())


def _known(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per person so far, with the first value that a source has of each key, in the order of the sources."""
    first = rows.groupby("person", sort=True)[["home", "id", "name_key", "sound", "born", "place", "household_id"]].first()
    return first.reset_index()


def _join(rows: pd.DataFrame, known: pd.DataFrame, links: Sequence[str], score: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    people = rows.drop_duplicates("unit").reset_index(drop=True)
    people = people.assign(person=pd.Series(pd.NA, index=people.index, dtype="Int64"), tier=pd.Series(pd.NA, index=people.index, dtype="string"))
    homes = pd.Series(pd.NA, index=people["group"].unique(), dtype="Int64")
    if "id_number" in links:
        _link(people, known, ["id"], "id_number")
    homes = _homes(people, known, homes)
    _by_household(people, known, homes, links, "household_name")
    if "village_pinyin_birth" in links:
        _link(people, known, ["place", "sound", "born"], "village_pinyin_birth")
    homes = _homes(people, known, homes)
    for tier in ("household_name", "household_birth"):
        _by_household(people, known, homes, links, tier)
    candidates = _candidates(people, known, score)
    fresh = people["person"].isna()
    people.loc[fresh, "person"] = range(int(known["person"].max()) + 1, int(known["person"].max()) + 1 + int(fresh.sum()))
    lost = homes.isna()
    homes[lost] = range(int(known["home"].max()) + 1, int(known["home"].max()) + 1 + int(lost.sum()))
    codes = known.drop_duplicates("home").set_index("home")["household_id"]
    by_unit = people.set_index("unit")
    rows["person"], rows["tier"] = rows["unit"].map(by_unit["person"]), rows["unit"].map(by_unit["tier"])
    rows["home"] = _home_of_rows(rows, people, homes)
    same_code = rows["household_id"] == rows["home"].map(codes)
    matched = rows["home"].isin(known["home"])
    rows["home_tier"] = pd.Series("members", index=rows.index, dtype="string").mask(same_code.fillna(False), "code").where(matched)
    return rows, candidates


def _home_of_rows(rows: pd.DataFrame, people: pd.DataFrame, homes: pd.Series) -> pd.Series:
    """A group all of whose members stand in another group too has that one's household."""
    first = people.set_index("unit")["group"]
    return rows["group"].map(homes).fillna(rows["unit"].map(first).map(homes)).astype("Int64")


def _link(people: pd.DataFrame, known: pd.DataFrame, keys: list[str], tier: str, at: pd.Series | None = None) -> None:
    """Link those who are alone with their keys on both sides; whose valid numbers contradict each other are not linked unless name and household are one."""
    left = people[people["person"].isna()].drop(columns=["person", "tier", "home"], errors="ignore")
    if at is not None:
        left = left.assign(home=left["group"].map(at))
    right = known[~known["person"].isin(people["person"].dropna())]
    left, right = left.dropna(subset=keys), right.dropna(subset=keys)
    left, right = left[~left.duplicated(keys, keep=False)], right[~right.duplicated(keys, keep=False)]
    pairs = left[list(dict.fromkeys(["unit", "id", *keys]))].merge(right[list(dict.fromkeys(["person", "id", *keys]))], on=keys, suffixes=("", "_known"))
    if tier in ("village_pinyin_birth", "household_birth"):
        contradict = pairs["id"].notna() & pairs["id_known"].notna() & (pairs["id"] != pairs["id_known"])
        pairs = pairs[~contradict.fillna(False)]
    person = pairs.set_index("unit")["person"]
    hit = people["unit"].isin(person.index)
    people.loc[hit, "person"] = people.loc[hit, "unit"].map(person).astype("Int64")
    people.loc[hit, "tier"] = tier


def _by_household(people: pd.DataFrame, known: pd.DataFrame, homes: pd.Series, links: Sequence[str], tier: str) -> None:
    if tier in links:
        _link(people, known, _BY_HOUSEHOLD[tier], tier, homes)


def _homes(people: pd.DataFrame, known: pd.DataFrame, homes: pd.Series) -> pd.Series:
    """The household of each group: the one that most linked members belong to; its code decides a tie, and alone where a name is shared."""
    home_of = known.set_index("person")["home"]
    votes = people.dropna(subset=["person"]).assign(home=lambda frame: frame["person"].map(home_of))
    counts = votes.groupby(["group", "home"]).size().rename("votes").reset_index()
    code_home = known.dropna(subset=["household_id"]).drop_duplicates("household_id").set_index("household_id")["home"]
    codes = people.dropna(subset=["household_id"]).drop_duplicates("group").set_index("group")["household_id"].map(code_home)
    counts["by_code"] = counts["group"].map(codes) == counts["home"]
    counts = counts.sort_values(["group", "votes", "by_code"], ascending=[True, False, False], kind="stable")
    best = counts.drop_duplicates("group").set_index("group")
    second = counts[counts.duplicated("group")].drop_duplicates("group").set_index("group")
    tie = (best["votes"] == second["votes"].reindex(best.index)) & ~best["by_code"]
    out = homes.copy()
    sure = best.loc[~tie, "home"]
    out.loc[sure.index] = sure.astype("Int64")
    open_ = out[out.isna()].index
    names = people[people["group"].isin(open_)].assign(home=lambda frame: frame["group"].map(codes)).dropna(subset=["home", "name_key"])
    shared = names.merge(known[["home", "name_key"]].dropna(), on=["home", "name_key"])
    by_name = shared.drop_duplicates("group").set_index("group")["home"]
    out.loc[by_name.index] = by_name.astype("Int64")
    return out


def _candidates(people: pd.DataFrame, known: pd.DataFrame, score: int) -> pd.DataFrame:
    """Links on weaker grounds, each shown, and for those still alone who may be meant in the same village."""
    out: list[dict[str, Any]] = []
    names = known.set_index("person")["name_key"]
    weak = people[people["tier"].notna() & (people["tier"] != "id_number")]
    for row in weak.to_dict("records"):
        out.append(_candidate(row, row["person"], row["tier"], _similar(row["name_key"], names[row["person"]]), linked=True))
    alone = known[~known["person"].isin(people["person"].dropna())].dropna(subset=["place", "name_key"])
    nearby = {place: part.to_dict("records") for place, part in alone.groupby("place")}
    for row in people[people["person"].isna() & people["name_key"].notna() & people["place"].notna()].to_dict("records"):
        near = [(_similar(row["name_key"], other["name_key"]), other) for other in nearby.get(row["place"], [])]
        near = sorted((pair for pair in near if pair[0] >= score), key=lambda pair: (-pair[0], pair[1]["person"]))[:_CANDIDATES_A_ROW]
        out += [_candidate(row, other["person"], "similar_name", found, linked=False) for found, other in near]
    return pd.DataFrame(out, columns=["source", "file", "row", "person", "tier", "score", "linked"])


def _candidate(row: Mapping[str, Any], person: int, tier: str, score: int, *, linked: bool) -> dict[str, Any]:
    return {"source": row["source"], "file": row["file"], "row": row["row"], "person": person, "tier": tier, "score": score, "linked": linked}


def _similar(left: Any, right: Any) -> int:
    return 0 if pd.isna(left) or pd.isna(right) else round(fuzz.ratio(left, right))
