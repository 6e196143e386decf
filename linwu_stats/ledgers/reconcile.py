"""Three sources of the register side by side (三方比对): who is in which, what they say of the same person and household, and what may be taken as agreed.

Any two or all three of system, booklet and household file. Nothing is merged in silence: how each was matched stands in ``source_presence`` and
``match_candidates``. The agreed value is a proposal by a rule that is data (``reconcile.field.*``), with its source; no figure is made from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.ledgers.matching import Matched, match_sources
from linwu_stats.ledgers.sources import SOURCES, Field, fields_of
from linwu_stats.rules import Rules
from linwu_stats.tables import conform, empty

__all__ = ["PRESENCE", "Comparison", "ReconcileError", "compare_sources", "match_candidates", "source_counts", "source_presence"]

#: The field of a difference that is about being there at all.
PRESENCE = "presence"
#: Shown in place of values that must not be shown.
_LETTERS = {"A": "甲", "B": "乙", "C": "丙"}


class ReconcileError(RefusedError):
    """Sources cannot be compared (不能比对); the message says why and what to do."""


@dataclass(frozen=True)
class Comparison:
    """What a comparison gives (比对结果): ``presence`` and ``candidates`` as tables, ``differences`` still without what they change, ``compared`` values.

    ``blanks`` have the shape of ``differences``: the system says nothing where another source does.
    """

    presence: pd.DataFrame
    candidates: pd.DataFrame
    differences: pd.DataFrame
    compared: pd.DataFrame
    given: tuple[str, ...]
    blanks: pd.DataFrame


def compare_sources(frames: Mapping[str, pd.DataFrame], rules: Rules, places: pd.DataFrame | None = None) -> Comparison:
    """Match two or three sources and set them side by side, field by field (三方比对).

    ``frames``: by source, as :mod:`linwu_stats.ledgers.sources` gives them. ``places``: household_id, township_code, village_code of the register, and villages
    by name (township, village, township_code, village_code) may stand in it too; a household that is in neither is placed by its township's name alone.
    Raises :class:`ReconcileError` for fewer than two sources.
    """
    given = tuple(source for source in SOURCES if source in frames)
    if len(given) < 2 or set(frames) - set(SOURCES):
        raise ReconcileError(f"two sources at least are needed, of {', '.join(SOURCES)} (至少要有两个来源): given {', '.join(frames) or 'none'}")
    how = rules.value("reconcile.match")
    matched = match_sources(frames, how["links"], how["similar_name_score"])
    subjects = {"household": _subjects(matched, "home", rules, places), "person": _subjects(matched, "person", rules, places)}
    presence = source_presence(matched, subjects)
    compared = pd.concat([_presence_values(matched, subjects), *_field_values(matched, subjects, fields_of(rules))], ignore_index=True)
    compared = _agreed(compared, rules)
    differences = compared[compared["outcome"] == "differ"].reset_index(drop=True)
    blanks = compared[_is_blank(compared)].reset_index(drop=True)
    return Comparison(presence, match_candidates(matched, subjects["person"]), differences, compared, given, blanks)


def source_presence(matched: Matched, subjects: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Who stands in which source (三方在册情况表): a row for each household and each person of the union."""
    parts = []
    for subject, column in (("household", "home"), ("person", "person")):
        about, times = subjects[subject], _times(matched, column)
        shown = pd.DataFrame({source: _counts_shown(matched, times, source) for source in SOURCES})
        tier = "home_tier" if subject == "household" else "tier"
        rows = matched.rows.drop_duplicates([column, "source"])
        part = about.assign(subject=subject, pattern=shown["system"] + shown["booklet"] + shown["household_file"])
        for source in ("booklet", "household_file"):
            mine = rows[rows["source"] == source].set_index(column)
            part[f"{source}_tier"] = mine[tier].reindex(part.index)
            written = mine["household_id"].reindex(part.index)
            part[f"{source}_code"] = written.where((written != part["household_id"]).fillna(False) & written.notna())
        part["presence_id"] = subject[0] + ":" + part["key"]
        parts.append(part)
    return conform(pd.concat(parts, ignore_index=True), "source_presence")


def match_candidates(matched: Matched, persons: pd.DataFrame) -> pd.DataFrame:
    """Links on weaker grounds than the ID number, and who else may be meant (匹配候选表): row of the source, person, grounds, score; without names."""
    found = matched.candidates
    if found.empty:
        return empty("match_candidates")
    found = found.merge(persons[["household_id", "person_id"]], left_on="person", right_index=True, how="left")
    found = found.sort_values(["source", "file", "row", "linked", "score"], ascending=[True, True, True, False, False], kind="stable", na_position="first")
    found["candidate_id"] = [f"{number:06d}" for number in range(1, len(found) + 1)]
    return conform(found, "match_candidates")


def source_counts(compared: pd.DataFrame, differences: pd.DataFrame) -> pd.DataFrame:
    """How often the sources agree (三方比对计数表): per township and field; ``differences`` with ``changes_verdict``."""
    if compared.empty:
        return empty("source_counts")
    keys = ["township_code", "subject", "field"]
    counts = compared.groupby([*keys, "outcome"]).size().unstack(fill_value=0).reindex(columns=["agree", "differ", "unknown"], fill_value=0)
    counts["compared"] = counts["agree"] + counts["differ"]
    changing = differences[differences["changes_verdict"].fillna(False)].groupby(keys).size()
    counts["change_verdict"] = changing.reindex(counts.index, fill_value=0)
    counts = counts.reset_index()
    counts["heading"] = counts["field"].map(compared.drop_duplicates("field").set_index("field")["heading"])
    both = counts["field"] == PRESENCE
    counts["field"] = counts["field"].mask(both, PRESENCE + "." + counts["subject"])
    return conform(counts, "source_counts")


def _subjects(matched: Matched, column: str, rules: Rules, places: pd.DataFrame | None) -> pd.DataFrame:
    """Code, place and key of each household or person of the union, from the first source that has it."""
    rows = matched.rows
    first = rows.drop_duplicates(column).set_index(column)
    homes = rows.drop_duplicates("home").set_index("home")
    written = homes["source"] + "-" + homes["mark"]
    code = homes["household_id"].fillna(written)
    code = code.mask(code.duplicated(), code + "-" + written)
    towns = {rule.value: rule.key.removeprefix("township.") for rule in rules.under("township.")}
    county = rules.value("area.county")["code"]
    township = homes["township"].map(towns).astype("string").fillna(f"{county}000")
    village = township + "000"
    if places is not None:
        known = places.dropna(subset=["household_id"]).drop_duplicates("household_id").set_index("household_id")
        township = homes["household_id"].map(known["township_code"]).astype("string").fillna(township)
        village = homes["household_id"].map(known["village_code"]).astype("string").fillna(village)
    out = pd.DataFrame(index=first.index)
    home = pd.Series(first.index, index=first.index) if column == "home" else first["home"]
    out["household_id"], out["township_code"], out["village_code"] = home.map(code), home.map(township), home.map(village)
    own = first["person_id"].where(first["source"] == "system") if column == "person" else pd.Series(pd.NA, index=first.index)
    out["person_id"] = own.astype("string")
    away = out["household_id"] + "/" + first["source"] + "-" + first["mark"]
    out["key"] = out["household_id"] if column == "home" else out["person_id"].fillna(away)
    out["home"] = home
    return out


def _times(matched: Matched, column: str) -> pd.DataFrame:
    """How often each source has a household or person: 0, 1, or 2 for more than once."""
    rows = matched.rows
    members = rows.drop_duplicates([column, "source", "unit"]).groupby([column, "source"])["times"]
    most = (members.max() if column == "person" else members.median() // 1).astype("int64").unstack(fill_value=0)  # one member twice is no second page
    if column == "home":
        groups = rows.groupby([column, "source"])["group"].nunique().unstack(fill_value=0)
        most = most.where(groups <= 1, 2)
    return most.clip(upper=2).reindex(columns=list(SOURCES), fill_value=0)


def _counts_shown(matched: Matched, times: pd.DataFrame, source: str) -> pd.Series:
    return times[source].astype("int64").astype("string") if source in matched.given else pd.Series("-", index=times.index, dtype="string")


def _presence_values(matched: Matched, subjects: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Being there as a field: households in every source, persons in those that have their household; whose page is doubled is not doubled himself."""
    homes, persons = _times(matched, "home"), _times(matched, "person")
    about = subjects["person"]
    parts = []
    for subject, times in (("household", homes), ("person", persons)):
        values = times[list(matched.given)].astype("Int64").astype("string")
        if subject == "person":
            pages = homes[list(matched.given)].reindex(about["home"]).set_axis(about.index)
            values = values.mask((pages > 1) & (times[list(matched.given)] > 1), "1").where(pages > 0)
        field = Field(PRESENCE, "在册情况", subject, PRESENCE, 0, "", "", True, False, "reconcile.presence")
        parts.append(_compared(values, subjects[subject], subject, field))
    return pd.concat(parts, ignore_index=True)


def _field_values(matched: Matched, subjects: Mapping[str, pd.DataFrame], fields: list[Field]) -> list[pd.DataFrame]:
    rows, out = matched.rows, []
    rows = rows.assign(member_of=rows["home"].map(subjects["household"]["household_id"]))  # the household as it was matched, not the code that was written
    for field in fields:
        column = "home" if field.level == "household" else "person"
        source = {"name": "name_key", "id_number": "id"}.get(field.name, field.name)
        values = pd.DataFrame({column: rows[column], "source": rows["source"], "value": _as_text(rows[source])}).dropna(subset=["value"])
        grouped = values.groupby([column, "source"])["value"]
        one = grouped.first().where(grouped.nunique() == 1)  # a source that contradicts itself says nothing
        wide = one.unstack().reindex(index=subjects[field.level].index, columns=list(matched.given)).astype("string")
        there = _times(matched, column)[list(matched.given)] > 0
        out.append(_compared(wide, subjects[field.level], field.level, field, there.reindex(wide.index)))
    return out


def _compared(values: pd.DataFrame, about: pd.DataFrame, subject: str, field: Field, there: pd.DataFrame | None = None) -> pd.DataFrame:
    known = values.notna()
    distinct = _distinct(values)
    if field.tolerance and len(values):
        numbers = values.apply(pd.to_numeric, errors="coerce").astype("Float64")
        near = (numbers.max(axis=1) - numbers.min(axis=1) <= field.tolerance) & (numbers.isna() == values.isna()).all(axis=1)
        distinct = distinct.mask(near.fillna(False).astype(bool), distinct.clip(upper=1))
    outcome = pd.Series("agree", index=values.index, dtype="string").mask(distinct > 1, "differ").mask(known.sum(axis=1) < 2, "unknown")
    out = about.reindex(values.index).assign(subject=subject, field=field.column, heading=field.heading, rule_key=field.rule_key, outcome=outcome)
    for source in SOURCES:
        out[f"{source}_value"] = values[source] if source in values else pd.Series(pd.NA, index=values.index, dtype="string")
        out[f"_{source}_there"] = (there[source] if there is not None else known[source]) if source in values else False
    out["_personal"], out["_winner"], out["fixer"], out["_tried"] = field.personal, field.winner, field.fixer, field.tried
    out["_tolerance"] = field.tolerance
    return out


def _distinct(values: pd.DataFrame) -> pd.Series:
    """How many different values stand in each row, unknown ones not counted."""
    codes = np.sort(pd.factorize(values.to_numpy(object, na_value=None).ravel())[0].reshape(values.shape), axis=1)
    return pd.Series((codes[:, 0] >= 0) + ((np.diff(codes, axis=1) > 0) & (codes[:, 1:] >= 0)).sum(axis=1), index=values.index)


def _is_blank(compared: pd.DataFrame) -> pd.Series:
    """Where the system has the household or person and says nothing of a field that is tried, and another source does not differ from what is known of it."""
    others = compared[[f"{source}_value" for source in SOURCES[1:]]].notna().any(axis=1)
    there = compared["_system_there"].fillna(False).astype(bool) & compared["_tried"].astype(bool) & (compared["field"] != PRESENCE)
    return there & compared["system_value"].isna() & others & (compared["outcome"] != "differ")


def _agreed(compared: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Pattern, agreed value and its ground, and an id that is the same in every quarter; values that may not be shown become letters."""
    presence = rules.value("reconcile.presence")
    out = compared.copy()
    about_presence = out["field"] == PRESENCE
    out.loc[about_presence, "_winner"], out.loc[about_presence, "fixer"] = presence["winner"], presence["fixer"]
    differ = out["outcome"] == "differ"
    listed = differ | _is_blank(out)
    for name in ("pattern", "agreed_value", "agreed_source"):
        out[name] = pd.Series(pd.NA, index=out.index, dtype="string")
    decided = [_decide(row) for row in out[listed].to_dict("records")]
    for place, name in enumerate(("pattern", "agreed_value", "agreed_source")):
        out.loc[listed, name] = pd.array([one[place] for one in decided], dtype="string")
    personal = differ & out["_personal"].astype(bool)
    for source in SOURCES:
        letters = out.loc[personal, "pattern"].str[SOURCES.index(source)].map(_LETTERS)
        out.loc[personal, f"{source}_value"] = letters.astype("string")
    out.loc[~differ & out["_personal"].astype(bool), [f"{source}_value" for source in SOURCES]] = pd.NA
    out.loc[personal, "agreed_value"] = pd.NA
    ids = [_difference_id(*about) for about in out.loc[listed, ["key", "subject", "field"]].itertuples(index=False, name=None)]
    out["difference_id"] = pd.Series(pd.NA, index=out.index, dtype="string")
    out.loc[listed, "difference_id"] = pd.array(ids, dtype="string")
    return out


def _decide(row: Mapping[str, Any]) -> tuple[str, str | None, str | None]:
    values = {source: row[f"{source}_value"] for source in SOURCES}
    known = {source: value for source, value in values.items() if not pd.isna(value)}
    first: dict[str, str] = {}  # of values that are the same within the tolerance, the one that stands for them
    for value in known.values():
        first[value] = next((one for one in first.values() if _is_same(one, value, row["_tolerance"])), value)
    kinds = list(dict.fromkeys(first.values()))
    letters = {source: "ABC"[kinds.index(first[value])] for source, value in known.items()}
    pattern = "".join(letters.get(source) or ("?" if row[f"_{source}_there"] else "-") for source in SOURCES)
    winner = row["_winner"]
    if winner in known:
        return pattern, known[winner], winner
    shared = [first[value] for value in known.values()]
    most = next((value for value in kinds if shared.count(value) >= 2), None)
    return pattern, most, None if most is None else "two_of_three"


def _is_same(one: str, other: str, tolerance: int) -> bool:
    return one == other or (tolerance > 0 and one.lstrip("-").isdecimal() and other.lstrip("-").isdecimal() and abs(int(one) - int(other)) <= tolerance)


def _difference_id(key: str, subject: str, column: str) -> str:
    return "d" + hashlib.sha256(f"{subject}|{key}|{column}".encode()).hexdigest()[:16]


def _as_text(values: pd.Series) -> pd.Series:
    """Any value as the text that is compared and shown: codes, whole numbers, days, true and false."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.dt.strftime("%Y-%m-%d").astype("string")
    if pd.api.types.is_bool_dtype(values):
        return values.astype("boolean").map({True: "true", False: "false"}).astype("string")
    if pd.api.types.is_numeric_dtype(values):
        return values.astype("Int64").astype("string")
    return values.astype("string")
