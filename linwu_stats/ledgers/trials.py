"""Each difference tried on the assessment (逐条试算): what would the verdict be if the other source were right?

A trial is a household of its own: all of its rows are copied under a trial code and the one value is changed; then the ordinary functions assess all trials in
one pass. So the trial of a value and the household's own assessment cannot follow different rules. What changes a verdict comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from linwu_stats.ledgers.reconcile import PRESENCE
from linwu_stats.ledgers.sources import SOURCES
from linwu_stats.tables import TABLES, conform, empty

__all__ = ["CONDITIONS", "plan_trials", "trial_tables", "try_differences", "verdict_changes"]

#: Conditions of a household's exit: columns of ``household_exit``.
CONDITIONS = ("income_outcome", "food", "clothing", "education", "medical", "housing", "water")
#: Tables of which a household's rows are copied for its trial.
COPIED = ("households", "persons", "housing", "water", "living", "schooling", "insurance", "item_amounts", "income_sheet")
_MARK = "~"
_SIGNS = {"wage": 1, "business": 1, "property": 1, "transfer": 1, "cost": -1}

Assess = Callable[[dict[str, pd.DataFrame]], pd.DataFrame]


def try_differences(
    differences: pd.DataFrame, frames: Mapping[str, pd.DataFrame], tables: Mapping[str, pd.DataFrame], household_exit: pd.DataFrame, quarter: str,
    assess: Assess, blanks: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The differences with what they change (差异试算): table ``source_differences``, those that change a verdict first.

    ``frames``: the sources, for persons whom the system does not have. ``tables``: :data:`COPIED`; ``item_amounts`` and ``income_sheet`` with the earlier
    quarters of the accounting year. ``assess``: takes such tables of trial households and gives their ``household_exit``. ``blanks``: what only other sources
    say of a household; each is tried too, and listed only where it changes a verdict or a condition.
    """
    if blanks is not None and len(blanks):
        differences = pd.concat([differences.assign(_blank=False), blanks.assign(_blank=True)], ignore_index=True)
    trials = plan_trials(differences)
    trials = trials[trials["household_id"].isin(tables["households"]["household_id"])].reset_index(drop=True)
    assessed = empty("household_exit") if trials.empty else assess(trial_tables(trials, differences, frames, tables, quarter))
    return verdict_changes(differences, trials, household_exit, assessed)


def plan_trials(differences: pd.DataFrame) -> pd.DataFrame:
    """What is tried (试算计划): for each difference that the assessment can feel, each value that another source has.

    Gives trial (number), difference_id, household_id, person_id, source, kind (set, remove, add), table, column, value.
    """
    out: list[dict[str, Any]] = []
    for row in differences[differences["_tried"].astype(bool)].to_dict("records"):
        own, seen = row["system_value"], set()
        for source in SOURCES[1:]:
            value = row[f"{source}_value"]
            if pd.isna(value) or value in seen or (not pd.isna(own) and value == own):
                continue
            if pd.isna(row["person_id"]) and row["subject"] == "person" and row["field"] != PRESENCE:
                continue  # a person whom the system does not have is tried as a whole
            seen.add(value)
            kind = "set" if row["field"] != PRESENCE else _presence_kind(row["subject"], own, value)
            if row["field"] == "persons.household_id":
                kind = "remove"  # who belongs to another household leaves this one
            if kind:
                table, _, column = row["field"].partition(".")
                out.append({"difference_id": row["difference_id"], "household_id": row["household_id"], "person_id": row["person_id"], "source": source,
                            "kind": kind, "table": table, "column": column, "value": value})
    columns = ["difference_id", "household_id", "person_id", "source", "kind", "table", "column", "value"]
    return pd.DataFrame(out, columns=columns).astype("string").assign(trial=range(len(out)))


def _presence_kind(subject: str, own: str, value: str) -> str:
    if subject == "household":
        return ""
    if pd.isna(own):
        return ""
    return "remove" if own != "0" and value == "0" else "add" if own == "0" else ""


def trial_tables(
    trials: pd.DataFrame, differences: pd.DataFrame, frames: Mapping[str, pd.DataFrame], tables: Mapping[str, pd.DataFrame], quarter: str
) -> dict[str, pd.DataFrame]:
    """The rows of every trial household (试算数据表): copies of the household's rows under its trial code, with the one value changed."""
    codes = trials[["trial", "household_id"]]
    mark = _MARK + codes["trial"].astype("string")
    copied = {}
    for name in COPIED:
        rows = codes.assign(_mark=mark).merge(tables[name], on="household_id", how="inner")
        for column in ("household_id", "person_id", "line_id"):
            if column in rows:
                rows[column] = rows[column] + rows["_mark"]
        copied[name] = rows.drop(columns="_mark")
    _set_values(copied, trials, quarter)
    _set_incomes(copied, trials[(trials["kind"] == "set") & (trials["table"] == "income_sheet")], quarter)
    for name in ("persons", "schooling", "insurance"):
        gone = (trials["person_id"] + _MARK + trials["trial"].astype("string"))[trials["kind"] == "remove"]
        copied[name] = copied[name][~copied[name]["person_id"].isin(gone)]
    copied["persons"] = pd.concat([copied["persons"], _newcomers(trials[trials["kind"] == "add"], differences, frames)], ignore_index=True)
    return {name: conform(rows.drop(columns="trial", errors="ignore"), name) for name, rows in copied.items()}


def _set_values(copied: dict[str, pd.DataFrame], trials: pd.DataFrame, quarter: str) -> None:
    plain = trials[(trials["kind"] == "set") & (trials["table"] != "income_sheet") & trials["table"].isin(COPIED)]
    for (table, column), some in plain.groupby(["table", "column"]):
        rows = copied[table]
        if column not in rows:
            continue
        value = some.set_index("trial")["value"]
        about = rows["trial"].isin(value.index)
        if "person_id" in rows:
            wanted = some.set_index("trial")["person_id"] + _MARK + some.set_index("trial").index.astype("string")
            about &= rows["person_id"] == rows["trial"].map(wanted)
        new = _typed(rows.loc[about, "trial"].map(value), table, column)
        rows.loc[about, column] = new
        without = some[~some["trial"].isin(rows["trial"])]
        if len(without) and "person_id" not in rows:  # a ledger that has no row of the household gets one
            code = without["household_id"] + _MARK + without["trial"].astype("string")
            fresh = pd.DataFrame({"trial": without["trial"], "household_id": code, column: _typed(without["value"].astype("string"), table, column)})
            copied[table] = pd.concat([rows, fresh], ignore_index=True)


def _typed(values: pd.Series, table: str, column: str) -> pd.Series:
    kind = TABLES[table][column].dtype
    if kind == "date":
        return pd.to_datetime(values).astype("datetime64[us]")
    if kind == "bool":
        return (values == "true").astype("boolean")
    return values.astype("string") if kind == "string" else pd.to_numeric(values).astype("Int64")


def _set_incomes(copied: dict[str, pd.DataFrame], trials: pd.DataFrame, quarter: str) -> None:
    """A class of income of the quarter as the other source has it: in the sheet with its net, and as one line in place of the class's lines."""
    if trials.empty:
        return
    given = trials.assign(item_class=trials["column"].str.removesuffix("_fen"), amount=pd.to_numeric(trials["value"]).astype("Int64")).set_index("trial")
    sheet = copied["income_sheet"]
    for name, some in given.groupby("item_class"):
        about = sheet["trial"].isin(some.index) & (sheet["quarter"] == quarter)
        new = sheet.loc[about, "trial"].map(some["amount"]).astype("Int64")
        sheet.loc[about, "net_fen"] = sheet.loc[about, "net_fen"] + _SIGNS[name] * (new - sheet.loc[about, f"{name}_fen"])
        sheet.loc[about, f"{name}_fen"], sheet.loc[about, "percapita_fen"] = new, pd.NA
    lines = copied["item_amounts"]
    mine = lines["trial"].isin(given.index) & (lines["quarter"] == quarter)
    itemised = lines.loc[mine, "trial"].unique()
    replaced = mine & (lines["item_class"] == lines["trial"].map(given["item_class"])) & lines["counted"].fillna(True)
    fresh = given[given.index.isin(itemised)].reset_index()
    code = fresh["household_id"] + _MARK + fresh["trial"].astype("string")
    added = pd.DataFrame({
        "line_id": "trial" + _MARK + fresh["trial"].astype("string"), "household_id": code, "quarter": quarter,
        "item_key": "item." + fresh["item_class"] + ".trial", "item_class": fresh["item_class"],
        "sign": fresh["item_class"].map(_SIGNS), "counted": True, "amount_fen": fresh["amount"], "trial": fresh["trial"],
    })
    copied["item_amounts"] = pd.concat([lines[~replaced], added], ignore_index=True)


def _newcomers(trials: pd.DataFrame, differences: pd.DataFrame, frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Persons whom only another source has, as that source describes them; no ledger of schooling or insurance knows them."""
    if trials.empty:
        return pd.DataFrame(columns=TABLES["persons"].names)
    keys = differences.set_index("difference_id")["key"]
    out = []
    for row in trials.to_dict("records"):
        origin, _, mark = str(keys[row["difference_id"]]).rpartition("/")[2].partition("-")
        source = frames[origin]
        person = source[source["mark"] == mark].iloc[0]
        kept = {name: person[name] for name in TABLES["persons"].names if name in source and name not in ("person_id", "household_id")}
        code = f"{row['household_id']}{_MARK}{row['trial']}"
        out.append(kept | {"household_id": code, "person_id": f"{code}-new", "trial": row["trial"]})
    return pd.DataFrame(out)


def verdict_changes(differences: pd.DataFrame, trials: pd.DataFrame, household_exit: pd.DataFrame, assessed: pd.DataFrame) -> pd.DataFrame:
    """Set each trial beside the household's own assessment (改变结论的差异): table ``source_differences``, what changes a verdict first."""
    if differences.empty:
        return empty("source_differences")
    now = household_exit.set_index("household_id")
    then = assessed.assign(trial=pd.to_numeric(assessed["household_id"].str.rpartition(_MARK)[2]).astype("Int64")).set_index("trial")
    tried = trials[trials["trial"].isin(then.index) & trials["household_id"].isin(now.index)].copy()
    before, after = now.reindex(tried["household_id"]).reset_index(drop=True), then.reindex(tried["trial"]).reset_index(drop=True)
    tried = tried.reset_index(drop=True)
    tried["verdict_now"], tried["verdict_then"] = before["verdict"], after["verdict"]
    tried["changes_verdict"] = (before["verdict"] != after["verdict"]).fillna(False)
    changed = pd.DataFrame({name: (before[name] != after[name]).fillna(False) for name in CONDITIONS})
    tried["changed_conditions"] = [" ".join(name for name in CONDITIONS if row[name]) for row in changed.to_dict("records")]
    tried["_weight"] = tried["changes_verdict"].astype(int) * 2 + (tried["changed_conditions"] != "").astype(int)
    best = tried.sort_values(["_weight", "trial"], ascending=[False, True], kind="stable").drop_duplicates("difference_id").set_index("difference_id")
    out = differences.copy()
    for name in ("changes_verdict", "changed_conditions", "verdict_now", "verdict_then"):
        out[name] = out["difference_id"].map(best[name])
    out["trial_source"] = out["difference_id"].map(best["source"]).where(out["difference_id"].map(best["_weight"]).fillna(0) > 0)
    out["changes_verdict"] = out["changes_verdict"].astype("boolean")
    out["verdict_now"] = out["verdict_now"].fillna(out["household_id"].map(now["verdict"]))
    rank = out["changes_verdict"].fillna(False).astype(int) * 2 + (out["changed_conditions"].fillna("") != "").astype(int)
    order = out.assign(_rank=-rank).sort_values(["_rank", "township_code", "household_id", "person_id", "field"], kind="stable", na_position="first").index
    out["changed_conditions"] = out["changed_conditions"].where(out["changed_conditions"].fillna("") != "")
    listed = out.loc[order]
    if "_blank" in listed:
        listed = listed[~listed["_blank"].astype(bool) | listed["changes_verdict"].fillna(False) | listed["changed_conditions"].notna()]
    return conform(listed, "source_differences")

