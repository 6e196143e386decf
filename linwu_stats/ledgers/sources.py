"""The three sources of the register in one shape (三方来源): the system (扶贫开发信息系统), the booklet (扶贫手册) and the household file (一户一档).

A source is a frame with one row per person as written, the household's values repeated: where it stands (``file``, ``row``, and ``mark``, which no other row
of the source has), ``group`` (what the source itself holds for a household), codes, place, name, ID number, and the
fields that the rules ``reconcile.field.*`` compare. Names and numbers stay in memory: no table is made of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from linwu_stats.rules import Rules

__all__ = ["SOURCES", "Field", "fields_of", "roster_source", "system_source"]

#: Sources in the order in which they are joined; the result does not depend on the order in which they are given.
SOURCES = ("system", "booklet", "household_file")

_PERSON = ("household_id", "person_id", "township", "village", "name", "id_number", "head_name")
_CASE = ("booklet_number", "file_number")


@dataclass(frozen=True)
class Field:
    """One compared field (比对项目): rule ``reconcile.field.<name>``."""

    name: str
    heading: str
    level: str
    column: str
    tolerance: int
    winner: str
    fixer: str
    tried: bool
    personal: bool
    rule_key: str


def fields_of(rules: Rules) -> list[Field]:
    """The compared fields in force (比对项目), persons' and households'."""
    return [
        Field(rule.key.removeprefix("reconcile.field."), rule.term, **{name: part for name, part in rule.value.items() if name != "fixer"},
              fixer=str(rule.value["fixer"]), rule_key=rule.key)
        for rule in rules.under("reconcile.field.")
    ]


def roster_source(raw: pd.DataFrame, rules: Rules, *, yearly: bool = False) -> pd.DataFrame:
    """A booklet, a household file or an export as a source (名册来源).

    ``raw``: the reader's frame of a kind that is a roster, with ``_row`` and ``_file`` where several files were read. A field that the ledger does not have is
    unknown. ``yearly``: its amounts are of a year, as in the system's export, and say nothing of a quarter.
    """
    out = pd.DataFrame({name: _text(raw, name) for name in _PERSON})
    out["birth_date"] = _days(raw)
    case = pd.Series(pd.NA, index=raw.index, dtype="string")
    for name in _CASE:
        case = case.fillna(_text(raw, name))
    out["file"], out["row"] = _text(raw, "_file"), pd.to_numeric(raw["_row"]).astype("Int64")
    out["mark"] = _marks(raw, out)
    out["group"] = _groups(case, out)
    for field in fields_of(rules):
        if field.name not in out:
            given = field.name in raw and not (yearly and field.column.startswith("income_sheet."))
            out[field.name] = raw[field.name] if given else pd.Series(pd.NA, index=raw.index, dtype="string")
    return out.reset_index(drop=True)


def system_source(people: pd.DataFrame, tables: Mapping[str, pd.DataFrame], rules: Rules, quarter: str) -> pd.DataFrame:
    """The system and the quarter's own ledgers as a source (系统来源): who the persons are, and what the tables say of them and of their households.

    ``people``: person_id, household_id, name, id_number, birth_date, township, village. ``tables``: those that the rules name, and ``household_income``:
    a class of income that the quarterly sheet does not state is what was accounted from the line items.
    """
    out = people.rename(columns={"birth_date": "_written"}).copy()
    out = out[out["person_id"].isin(tables["persons"]["person_id"])].reset_index(drop=True)
    for name in _PERSON:
        out[name] = _text(out, name)
    for field in fields_of(rules):
        table, column = field.column.split(".")
        if column in ("name", "id_number") or field.column == "households.household_id":
            continue
        frame = tables[table]
        if "quarter" in frame:
            frame = frame[frame["quarter"] == quarter]
        key = "person_id" if field.level == "person" else "household_id"
        out[field.name] = out[key].map(frame.drop_duplicates(key).set_index(key)[column])
        if table == "income_sheet" and "household_income" in tables:
            accounted = tables["household_income"]
            out[field.name] = out[field.name].fillna(out[key].map(accounted[accounted["period"] == "quarter"].set_index(key)[column]))
    out["birth_date"] = out["birth_date"].fillna(pd.to_datetime(out.pop("_written"), errors="coerce").astype("datetime64[us]"))
    out["file"], out["row"] = pd.Series(pd.NA, index=out.index, dtype="string"), pd.Series(range(len(out)), dtype="Int64")
    out["mark"] = "row" + out["row"].astype("string")
    out["group"] = out["household_id"].fillna(out["mark"])
    return out


def _marks(raw: pd.DataFrame, out: pd.DataFrame) -> pd.Series:
    """Which row of which sheet: the number of the row, before it that of file and sheet where there are several."""
    sheet = out["file"].fillna("") + "/" + _text(raw, "_sheet").fillna("")
    codes, sheets = pd.factorize(sheet, sort=True)
    before = pd.Series(codes + 1, index=raw.index).astype("string") + "-" if len(sheets) > 1 else ""
    return (before + "row" + out["row"].astype("string")).astype("string")


def _groups(case: pd.Series, out: pd.DataFrame) -> pd.Series:
    """What a source itself holds for one household: its own number of the case, which begins anew in each village, else the household code, else head and
    village, else the row."""
    place = out["township"].fillna("") + "/" + out["village"].fillna("") + "/"
    return ("n " + place + case).fillna("c " + out["household_id"]).fillna("h " + place + out["head_name"]).fillna(out["mark"])


def _text(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name].astype("string") if name in frame else pd.Series(pd.NA, index=frame.index, dtype="string")


def _days(raw: pd.DataFrame) -> pd.Series:
    given = raw["birth_date"] if "birth_date" in raw else pd.Series(pd.NaT, index=raw.index)
    number = _text(raw, "id_number")
    digits = number.where(number.str.fullmatch(r"\d{17}[\dX]").fillna(False)).str[6:14]
    born = pd.to_datetime(digits, format="%Y%m%d", errors="coerce").astype("datetime64[us]")
    return pd.to_datetime(given, errors="coerce").astype("datetime64[us]").fillna(born)
