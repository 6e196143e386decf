"""What departments know of registered households (部门比对): finance payroll, vehicles, property, business register, pension, deaths, disability, enrolment,
medical insurance, low-income allowance. Every hit is a doubt to be verified (疑点), never a verdict: no figure and no exit is made from it.

Lists and register meet by ID number. Where a number cannot be used on one side, the same name in the same village with the same birth date is a weak match; a
name alone is none. What cannot be matched, and a list that was not given, is unknown, never "no doubt".
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats.ledgers.check_language import UNKNOWN, compile_condition
from linwu_stats.ledgers.department_rules import DERIVED, LISTS, REGISTER, DepartmentError, Flag, list_fields, load_flags, names_for, terms_of
from linwu_stats.ledgers.vocabulary import vocabulary
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform, empty

__all__ = ["LISTS", "DepartmentError", "Flag", "department_counts", "department_flags", "flag_departments", "load_flags", "match_list"]

_TYPES = {"date": "datetime64[us]", "bool": "boolean", "decimal": "Float64", "text": "string", "code": "string"}


@dataclass(frozen=True)
class Compared:
    """One flag set against its list: ``hits`` (one row per flag of a person or household), and per person ``unknown``; None where there is no list."""

    flag: Flag
    hits: pd.DataFrame
    unknown: pd.Series | None = None
    matched: pd.DataFrame | None = None
    rows: int = 0
    rows_without_id: int = 0


def flag_departments(
    lists: Mapping[str, pd.DataFrame], people: pd.DataFrame, tables: Mapping[str, pd.DataFrame], rules: Rules, as_of: dt.date,
) -> dict[str, pd.DataFrame]:
    """Set the departments' lists against the register (部门比对): gives ``department_flags`` and ``department_counts``.

    ``lists``: by name (:data:`LISTS`), as the reader gives them, with ``_file`` and ``_row``; one that is absent was not given. ``people``: person_id,
    household_id, name, id_number, birth_date, township, village (names of places) of the register; names and numbers go no further than this function.
    ``tables``: persons, households, insurance, schooling. ``rules``: ``flag.*``. ``as_of``: the day on which ages and years are reckoned.
    """
    if strange := sorted(set(lists) - set(LISTS)):
        raise DepartmentError(f"there is no department list {', '.join(strange)} (没有这种名册); there are {', '.join(LISTS)}")
    people, register = _people(people), _register(tables, as_of)
    people = people[people["person_id"].isin(register["person_id"])].reset_index(drop=True)
    register = register.set_index("person_id").reindex(people["person_id"]).reset_index().assign(lacks_id=_text(people, "id_number").isna())
    frames = {name: frame.reset_index(drop=True) for name, frame in lists.items()}
    links = {name: match_list(frame, people) for name, frame in frames.items()}
    doubtful = {name: _may_be_listed(frame, people) for name, frame in frames.items()}
    flags, terms, nothing = load_flags(rules), terms_of(rules), empty("department_flags")
    parts = [
        Compared(flag, nothing) if flag.list not in frames
        else _compare(flag, frames[flag.list], links[flag.list], doubtful[flag.list], people, register, terms, as_of)
        for flag in flags
    ]
    return {"department_flags": department_flags(parts), "department_counts": department_counts(parts, register)}


def match_list(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Which row of a list is which person (名册与登记人口匹配): columns row, person (positions) and strength.

    ``exact``: the same valid number, which only one person of the register has. ``weak``: the number is that of several, or one side has no usable number
    and name, village and birth date are the same for exactly one row and one person.
    """
    number, theirs = _text(rows, "id_number"), _text(people, "id_number")
    left = pd.DataFrame({"row": range(len(rows)), "id": number}).dropna()
    right = pd.DataFrame({"person": range(len(people)), "id": theirs}).dropna()
    right["strength"] = right["id"].duplicated(keep=False).map({True: "weak", False: "exact"})
    exact = left.merge(right, on="id")[["row", "person", "strength"]]
    born = _days(rows).fillna(pd.to_datetime(number.str[6:14], format="%Y%m%d", errors="coerce").astype("datetime64[us]"))
    left = pd.DataFrame({"row": range(len(rows)), "name": _text(rows, "name"), "born": born, "lacks": number.isna()})
    left = left[~left["row"].isin(exact["row"])].dropna(subset=["name", "born"])
    right = pd.DataFrame({"person": range(len(people)), "name": _text(people, "name"), "born": _days(people), "theirs_lacks": theirs.isna()})
    near = left.merge(right.dropna(subset=["name", "born"]), on=["name", "born"])
    near = near[near["lacks"] | near["theirs_lacks"]]
    near_by = [_same_place(rows, row, people, person) for row, person in zip(near["row"], near["person"], strict=True)]
    near = near[pd.Series(near_by, index=near.index, dtype=bool)]
    near = near[~near["row"].duplicated(keep=False) & ~near["person"].duplicated(keep=False)]
    weak = near[["row", "person"]].assign(strength="weak")
    return pd.concat([exact, weak], ignore_index=True).astype({"row": "int64", "person": "int64", "strength": "string"})


def department_flags(parts: Iterable[Compared]) -> pd.DataFrame:
    """Every doubt, one row per flag and person or household (部门比对疑点清单): compared flags to ``department_flags``, without names and numbers."""
    hits = [part.hits for part in parts if len(part.hits)]
    if not hits:
        return empty("department_flags")
    found = pd.concat(hits, ignore_index=True).sort_values(["flag_key", "township_code", "household_id", "person_id"], kind="stable", na_position="first")
    return conform(found, "department_flags")


def department_counts(parts: Iterable[Compared], register: pd.DataFrame) -> pd.DataFrame:
    """How much of the register was compared (部门比对计数表): per flag and township; a list that was not given has no counts at all."""
    township = register["township_code"]
    places = sorted(township.dropna().unique())
    frames = []
    for part in parts:
        flag = part.flag
        columns: dict[str, Any] = {"township_code": places, "flag_key": flag.key, "list_given": part.unknown is not None}
        columns |= {name: getattr(flag, name) for name in ("title", "list", "direction", "subject", "severity", "fixer")}
        if part.unknown is not None:
            by_town = {name: values.groupby(township).sum() for name, values in _counted(part, register).items()}
            by_town["flagged"] = part.hits["township_code"].value_counts()
            columns |= {name: [int(values.get(place, 0)) for place in places] for name, values in by_town.items()}
            columns |= {"list_rows": part.rows, "list_rows_without_id": part.rows_without_id}
        frames.append(pd.DataFrame(columns))
    return conform(pd.concat(frames, ignore_index=True), "department_counts") if frames else empty("department_counts")


def _counted(part: Compared, register: pd.DataFrame) -> dict[str, pd.Series]:
    """Persons of the register by what became of them; households by their first such person where the flag is about households."""
    matched = register.index.isin(part.matched["person"])
    weak = register.index.isin(part.matched.loc[part.matched["strength"] == "weak", "person"])
    unknown = part.unknown if part.flag.subject == "person" else part.unknown & ~_repeats(register, part.unknown)
    there = pd.Series(matched, index=register.index)
    return {"matched": there, "matched_weak": there & weak, "without_id": register["lacks_id"] & ~there, "unknown": unknown}


# ---- comparing -----------------------------------------------------------------------------------------------------------


def _compare(
    flag: Flag, rows: pd.DataFrame, links: pd.DataFrame, doubtful: pd.Series, people: pd.DataFrame, register: pd.DataFrame, terms: frozenset[str],
    as_of: dt.date,
) -> Compared:
    if flag.direction == "listed":
        hits, unknown = _listed(flag, rows, links, register, terms, as_of)
    else:
        hits, unknown = _missing(flag, rows, links, doubtful, people, register, as_of)
    hits = hits.assign(flag_key=flag.key, title=flag.title, list=flag.list, severity=flag.severity, fixer=flag.fixer, advice=flag.advice)
    hits["flag_id"] = flag.key + ":" + hits["person_id"].fillna(hits["household_id"])
    return Compared(flag, hits, unknown, links, len(rows), int(_text(rows, "id_number").isna().sum()))


def _listed(
    flag: Flag, rows: pd.DataFrame, links: pd.DataFrame, register: pd.DataFrame, terms: frozenset[str], as_of: dt.date,
) -> tuple[pd.DataFrame, pd.Series]:
    """Persons on the list for whom the condition is true; unknown are those for whom no row is true and one is unknown."""
    pairs = links.sort_values(["strength", "row"], kind="stable").reset_index(drop=True)
    mine = rows.take(pairs["row"]).reset_index(drop=True)
    own = register.take(pairs["person"]).reset_index(drop=True)
    value = _condition(flag, own, mine, as_of) & _holds(flag.includes, flag.excludes, mine)
    sure, open_ = value.fillna(False).astype(bool), value.isna()
    hit = pairs[sure].assign(at=pairs.index[sure], subject=own.loc[sure, "household_id" if flag.subject == "household" else "person_id"])
    many = hit.groupby("subject")["row"].nunique()
    first = hit.drop_duplicates("subject")
    about = register.take(first["person"]).reset_index(drop=True)
    found = about[["household_id", "person_id", "township_code", "village_code"]].copy()
    if flag.subject == "household":
        found["person_id"] = pd.Series(pd.NA, index=found.index, dtype="string")
    source = rows.take(first["row"]).reset_index(drop=True)
    found["file"], found["row"] = source["_file"].astype("string"), source["_row"].astype("Int64")
    found["strength"], found["records"] = first["strength"].to_numpy(), first["subject"].map(many).to_numpy()
    found["evidence"] = [_evidence(flag, source.iloc[place], terms) for place in range(len(source))]
    unknown = pd.Series(False, index=register.index)
    unknown[pairs.loc[open_, "person"].unique()] = True
    flagged = register["household_id"].isin(found["household_id"]) if flag.subject == "household" else register["person_id"].isin(found["person_id"])
    return found, unknown & ~flagged


def _missing(
    flag: Flag, rows: pd.DataFrame, links: pd.DataFrame, doubtful: pd.Series, people: pd.DataFrame, register: pd.DataFrame, as_of: dt.date,
) -> tuple[pd.DataFrame, pd.Series]:
    """Persons (or households) of whom the register says that they must be on the list, and who are not; unknown where one may be there unrecognised."""
    wanted = _condition(flag, register, None, as_of)
    counted = _holds(flag.counts, flag.counts_not, rows).take(links["row"]).reset_index(drop=True)
    person = links["person"]
    there, maybe = (pd.Series(False, index=register.index) for _ in range(2))
    there[person[counted.fillna(False).to_numpy(dtype=bool)].unique()] = True
    maybe[person[counted.isna().to_numpy()].unique()] = True
    matched = register.index.isin(person)
    maybe |= (register["lacks_id"] | doubtful) & ~matched
    if flag.subject == "household":
        homes = register["household_id"]
        there, maybe = there.groupby(homes).transform("max"), maybe.groupby(homes).transform("max")
    sure = wanted.fillna(False).astype(bool)
    absent = sure & ~there & ~maybe
    if flag.subject == "household":
        absent &= ~_repeats(register, absent)
    found = register.loc[absent, ["household_id", "person_id", "township_code", "village_code"]].reset_index(drop=True)
    shared = _text(people, "id_number").duplicated(keep=False) & _text(people, "id_number").notna()
    found["strength"] = shared[absent].map({True: "weak", False: "exact"}).to_numpy()
    if flag.subject == "household":
        found["person_id"] = pd.Series(pd.NA, index=found.index, dtype="string")
        found["strength"] = "exact"
    found["file"] = "、".join(sorted(set(rows["_file"].astype(str))))
    found["row"], found["records"] = pd.array([pd.NA] * len(found), dtype="Int64"), 0
    found["evidence"] = f"{_title(flag.list)}中没有{'该户任何成员' if flag.subject == 'household' else '该人'}的有效记录"
    return found, (sure & ~there & maybe) | (wanted.isna() & ~there)


def _condition(flag: Flag, register: pd.DataFrame, rows: pd.DataFrame | None, as_of: dt.date) -> pd.Series:
    """The condition of a flag for each row: true, false or unknown."""
    if not flag.when:
        return pd.Series(True, index=register.index, dtype="boolean")
    names = names_for(flag)
    frame = pd.DataFrame({f"register__{name}": register[name] for name in (*REGISTER, "age")})
    if rows is not None:
        frame = frame.assign(**_list_columns(flag.list, rows, as_of))
    frame[UNKNOWN] = pd.Series(pd.NA, index=frame.index, dtype="boolean")
    # Arrow's comparisons give truth values that do not mix with those of numbers, so text is held as Python text here.
    frame = frame.astype({name: pd.StringDtype("python") for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)})
    expression = compile_condition(flag.when, names, flag.parameters, where=flag.key).expression
    return nw.from_native(frame).select(_value=expression).to_native()["_value"].astype("boolean").set_axis(register.index)


def _list_columns(name: str, rows: pd.DataFrame, as_of: dt.date) -> dict[str, pd.Series]:
    out: dict[str, pd.Series] = {}
    for column in list_fields(name):
        known = vocabulary().fields[column]
        values = rows[column] if column in rows.columns else pd.Series(pd.NA if known.type != "date" else pd.NaT, index=rows.index)
        out[f"list__{column}"] = values.astype(_TYPES.get(known.type, "Int64"))
        if known.type == "date":
            out[f"list__{column}_years"] = _years(out[f"list__{column}"], as_of)
    for column, source in DERIVED.items():
        if source in list_fields(name):
            years = as_of.year - out[f"list__{source}"]
            out[f"list__{column}"] = years.where(years >= 0)
    return out


def _holds(includes: Mapping[str, list[str]], excludes: Mapping[str, list[str]], rows: pd.DataFrame) -> pd.Series:
    """Whether each row has one of the words and none of the others; a blank cell may or may not have a word, and is excluded by none."""
    out = pd.Series(True, index=rows.index, dtype="boolean")
    for name, words in includes.items():
        out &= _contains(rows, name, words)
    for name, words in excludes.items():
        out &= ~_contains(rows, name, words).fillna(False)
    return out


def _contains(rows: pd.DataFrame, name: str, words: list[str]) -> pd.Series:
    return _text(rows, name).str.contains("|".join(map(re.escape, words)), regex=True).astype("boolean")


def _evidence(flag: Flag, row: pd.Series, terms: frozenset[str]) -> str:
    """What the list says, without anything that could name a person: days, numbers, codes, and words only where the rules have them."""
    parts = []
    for name in flag.evidence:
        known = vocabulary().fields[name]
        value = row.get(name)
        if pd.isna(value):
            shown = "未填"
        elif known.type == "date":
            shown = f"{value:%Y-%m-%d}"
        elif known.type == "money":
            shown = f"{int(value) // 100}.{int(value) % 100:02d}元"
        elif known.type == "code":
            shown = CODES[known.codes][str(value)]
        elif known.type == "text":
            shown = str(value) if str(value) in terms else "见名册"
        else:
            shown = f"{value:g}"
        parts.append(f"{known.heading}：{shown}")
    return "；".join(parts) or f"{_title(flag.list)}中有该人"


# ---- people and register -------------------------------------------------------------------------------------------------


def _people(people: pd.DataFrame) -> pd.DataFrame:
    """One row per person; a number, name or birth date on which the rows of a person differ cannot be used."""
    if not people["person_id"].duplicated().any():
        return people.reset_index(drop=True)
    groups = people.groupby("person_id", sort=False)
    differ = groups[["name", "id_number", "birth_date"]].transform("nunique") > 1
    out = people.copy()
    for name in differ.columns:
        out[name] = out[name].mask(differ[name])
    return out.drop_duplicates("person_id").reset_index(drop=True)


def _register(tables: Mapping[str, pd.DataFrame], as_of: dt.date) -> pd.DataFrame:
    """One row per person with what conditions may look at, place and household."""
    frame = tables["persons"][["person_id", "household_id", "birth_date", *(name for name, table in REGISTER.items() if table == "persons")]]
    homes = ["household_id", "township_code", "village_code", *(name for name, table in REGISTER.items() if table == "households")]
    frame = frame.merge(tables["households"][homes], on="household_id", how="inner")
    for table, name in (("insurance", "basic_insurance"), ("schooling", "school_state")):
        frame = frame.merge(tables[table][["person_id", name]], on="person_id", how="left")
    return frame.assign(age=_years(frame["birth_date"], as_of))


def _years(days: pd.Series, as_of: dt.date) -> pd.Series:
    """Completed years since a day; unknown where the day is unknown or still to come."""
    whole = pd.to_datetime(days)
    number = (whole.dt.year * 10000 + whole.dt.month * 100 + whole.dt.day).astype("Int64")
    years = (as_of.year * 10000 + as_of.month * 100 + as_of.day - number) // 10000
    return years.where(years >= 0).astype("Int64")


def _may_be_listed(rows: pd.DataFrame, people: pd.DataFrame) -> pd.Series:
    """Whether a row without a usable number may be the person: the same name, and no other birth date."""
    open_ = rows[_text(rows, "id_number").isna()]
    births: dict[str, set[Any]] = {}
    for name, born in zip(_text(open_, "name"), _days(open_), strict=True):
        if not pd.isna(name):
            births.setdefault(name, set()).add(None if pd.isna(born) else born)
    if not births:
        return pd.Series(False, index=people.index)
    found = [
        not pd.isna(name) and name in births and (None in births[name] or pd.isna(born) or born in births[name])
        for name, born in zip(_text(people, "name"), _days(people), strict=True)
    ]
    return pd.Series(found, index=people.index, dtype=bool)


def _same_place(rows: pd.DataFrame, row: int, people: pd.DataFrame, person: int) -> bool:
    """Whether the list puts the row into the person's village: by its own columns, or by an address that holds township and village."""
    township, village = (people[name].iloc[person] for name in ("township", "village"))
    if pd.isna(township) or pd.isna(village):
        return False
    if {"township", "village"} <= set(rows.columns):
        stated = (rows["township"].iloc[row], rows["village"].iloc[row])
        if not any(pd.isna(one) for one in stated):
            return stated == (township, village)
    address = _text(rows, "address").iloc[row]
    return not pd.isna(address) and f"{township}{village}" in address


def _repeats(register: pd.DataFrame, chosen: pd.Series) -> pd.Series:
    """Chosen rows whose household has a chosen row before them."""
    homes = register["household_id"].where(chosen)
    return homes.duplicated() & homes.notna()


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].astype("string") if name in frame.columns else pd.Series(pd.NA, index=frame.index, dtype="string")


def _days(frame: pd.DataFrame) -> pd.Series:
    values = frame["birth_date"] if "birth_date" in frame.columns else pd.Series(pd.NaT, index=frame.index)
    return pd.to_datetime(values, errors="coerce").astype("datetime64[us]")


def _title(name: str) -> str:
    return vocabulary().kinds[f"list_{name}"]["title"]
