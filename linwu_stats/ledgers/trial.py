"""Each difference tried on the assessment (差异试算): would the verdict on the household be another if the other source were right?

``trial_tables`` clones everything that the ledgers say of a household, once for each value that another source has, puts that value in and gives the clones
codes of their own; the caller lets the ordinary functions of income and exit run on the clones, and ``tried`` sets their verdicts beside the real ones.
Nothing here knows how income is accounted or an exit assessed, so that a trial is whatever the assessment is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from linwu_stats.ledgers.entries import typed
from linwu_stats.tables import TABLES, TYPES

__all__ = ["CONDITIONS", "NOTHING_TRIED", "TRIED", "plan_trials", "trial_tables", "tried"]

#: Tables that a household is assessed from, by what a row of them is.
HOUSEHOLD_ROWS = ("households", "housing", "water", "living")
PERSON_ROWS = ("persons", "schooling", "insurance")
INCOME_ROWS = ("item_amounts", "income_sheet")
#: Conditions of an exit: columns of ``household_exit``, in the order of the law.
CONDITIONS = ("income_outcome", "food", "clothing", "education", "medical", "housing", "water")
#: Other sources in the order in which a value that both have is tried for one of them.
OTHERS = ("booklet", "household_file")
#: What a trial tells of a difference.
TRIED = ("changes_verdict", "changed_conditions", "verdict_now", "verdict_then", "trial_source")
NOTHING_TRIED = {"changes_verdict": "boolean"} | dict.fromkeys(TRIED[1:], "string")
PRESENCE = "presence"


def plan_trials(differences: pd.DataFrame, newcomers: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What is tried (试算计划): one row per difference and value that another source has in place of the system's.

    ``differences``: difference_id, household_id, person_id, field (``table.column``, or ``presence``), system_value, booklet_value, household_file_value as
    text. ``newcomers``: difference_id, source and the columns of ``persons`` of members whom the system does not have. A value that both other sources have
    is tried once. Not tried: a source's blank, which says nothing, a value that may not be shown, a household that the system does not have.
    Gives trial (the code of the clone), difference_id, source, household_id, person_id, table, column, value, kind: ``set``, ``leave`` or ``join``.
    """
    known = differences[differences["household_id"].isin(tables["households"]["household_id"])]
    parts = []
    for source in OTHERS:
        one = known[["difference_id", "household_id", "person_id", "field", "system_value"]].assign(source=source, value=known[f"{source}_value"])
        parts.append(one)
    plan = pd.concat(parts, ignore_index=True)
    plan = plan[plan["value"].notna() & (plan["value"] != plan["system_value"]).fillna(True)]
    split = plan["field"].str.partition(".")
    plan = plan.assign(table=split[0], column=split[2])
    whole = newcomers["difference_id"] + "@" + newcomers["source"]
    plan["trial"] = plan["difference_id"] + "@" + plan["source"]
    presence, there = plan["field"] == PRESENCE, plan["person_id"].isin(tables["persons"]["person_id"])
    gone, comes = presence & there & (plan["value"] == "0"), presence & plan["trial"].isin(whole) & (plan["value"] != "0")
    real = pd.Series([table in TABLES and column in TABLES[table].names for table, column in zip(plan["table"], plan["column"], strict=True)], index=plan.index)
    plan["kind"] = np.select([gone, comes, real], ["leave", "join", "set"], default="")
    plan = plan[(plan["kind"] != "") & ~plan["difference_id"].duplicated().where(comes, False)]
    return plan.drop_duplicates(["difference_id", "value"]).drop(columns=["field", "system_value"]).reset_index(drop=True)


def trial_tables(tables: Mapping[str, pd.DataFrame], plan: pd.DataFrame, newcomers: pd.DataFrame, quarter: str) -> dict[str, pd.DataFrame]:
    """The ledgers of every trial (试算台账): the tables that a household is assessed from, with one clone of the household for each row of ``plan``.

    ``tables``: households, persons, housing, water, living, schooling, insurance, item_amounts and income_sheet, the last two with the earlier quarters of
    the accounting year. A class of income that a source states replaces that class of ``quarter`` alone: of the wide sheet, and of the line items where the
    household has any; what the rules do not count stays. A member who joins has what the source says of him, and no row in other ledgers.
    """
    out: dict[str, pd.DataFrame] = {}
    number = pd.Series(np.arange(len(plan)).astype(str), index=plan["trial"], dtype="string")
    for name in (*HOUSEHOLD_ROWS, *PERSON_ROWS, *INCOME_ROWS):
        rows = plan[["trial", "household_id"]].merge(tables[name], on="household_id", how="inner")
        rows["household_id"] = rows["trial"]
        for key in ("person_id", "line_id"):
            if key in rows:
                rows[f"_{key}"] = rows[key]
                rows[key] = rows[key] + "~" + rows["trial"].map(number)
        out[name] = rows
    for name in (*HOUSEHOLD_ROWS, *PERSON_ROWS):
        for column, some in plan[(plan["kind"] == "set") & (plan["table"] == name)].groupby("column", sort=True):
            out[name] = _put_in(out[name], some, name, str(column), number)
    leave = plan[plan["kind"] == "leave"].set_index("trial")["person_id"]
    for name in PERSON_ROWS:
        out[name] = out[name][~(out[name]["_person_id"] == out[name]["trial"].map(leave)).fillna(False)]
    out["persons"] = _join_members(out["persons"], plan[plan["kind"] == "join"], newcomers)
    classes = plan[(plan["kind"] == "set") & (plan["table"] == "income_sheet")]
    out["item_amounts"] = _replace_items(out["item_amounts"], classes, quarter)
    out["income_sheet"] = _replace_sheet(out["income_sheet"], classes, quarter)
    return {name: rows[TABLES[name].names].reset_index(drop=True) for name, rows in out.items()}


def tried(differences: pd.DataFrame, plan: pd.DataFrame, household_exit: pd.DataFrame, trial_exit: pd.DataFrame) -> pd.DataFrame:
    """Differences with what their trials tell (试算结果), those that change a verdict first, then those that change a condition.

    ``household_exit`` is the real assessment, ``trial_exit`` that of the clones. Where several values of a difference were tried, the one that changes most is
    told. A difference that was not tried keeps ``changes_verdict`` unknown.
    """
    then = plan[["trial", "difference_id", "household_id", "source"]].merge(
        trial_exit[["household_id", "verdict", *CONDITIONS]].rename(columns={"household_id": "trial"}), on="trial", how="inner",
    ).merge(household_exit[["household_id", "verdict", *CONDITIONS]], on="household_id", how="inner", suffixes=("_then", ""))
    changed = pd.DataFrame({name: then[f"{name}_then"] != then[name] for name in CONDITIONS}, index=then.index).fillna(False).astype(bool)
    names = np.array(CONDITIONS)
    told = pd.DataFrame({
        "difference_id": then["difference_id"], "changes_verdict": (then["verdict_then"] != then["verdict"]).astype("boolean"),
        "changed_conditions": pd.array([" ".join(names[row]) or None for row in changed.to_numpy()], dtype="string"),
        "verdict_now": then["verdict"], "verdict_then": then["verdict_then"], "trial_source": then["source"], "_count": changed.sum(axis=1),
    })
    told = told.sort_values(["difference_id", "changes_verdict", "_count", "trial_source"], ascending=[True, False, False, True], kind="stable")
    told = told.drop_duplicates("difference_id").drop(columns="_count")
    out = differences.drop(columns=[name for name in TRIED if name in differences]).merge(told, on="difference_id", how="left")
    for name, dtype in NOTHING_TRIED.items():
        out[name] = out[name].astype(dtype)
    rank = np.select([out["changes_verdict"].fillna(False).to_numpy(bool), out["changed_conditions"].notna().to_numpy(bool)], [0, 1], default=2)
    return out.assign(_rank=rank).sort_values(["_rank", "difference_id"], kind="stable").drop(columns="_rank").reset_index(drop=True)


def _put_in(rows: pd.DataFrame, some: pd.DataFrame, name: str, column: str, number: pd.Series) -> pd.DataFrame:
    """The other source's value in one column of the clones; a ledger without a row of the household or person gets one."""
    by_person = name in PERSON_ROWS
    dtype = TYPES[TABLES[name][column].dtype][0]
    some = some.assign(_new=pd.Series([typed(f"{name}.{column}", value) for value in some["value"]], index=some.index, dtype=dtype))
    keys = ["trial", "_person_id"] if by_person else ["trial"]
    given = some.rename(columns={"person_id": "_person_id"})[[*keys, "_new"]]
    out = rows.merge(given.assign(_hit=True), on=keys, how="left")
    hit = out["_hit"].notna()
    out[column] = out[column].astype(dtype).mask(hit, out["_new"])
    lacking = given.merge(rows[keys], on=keys, how="left", indicator=True)
    lacking = lacking[lacking["_merge"] == "left_only"]
    if len(lacking):
        fresh = lacking[keys].assign(household_id=lacking["trial"], **{column: lacking["_new"]})
        if by_person:
            fresh["person_id"] = fresh["_person_id"] + "~" + fresh["trial"].map(number)
        out = pd.concat([out, fresh], ignore_index=True)
    return out.drop(columns=["_new", "_hit"])


def _join_members(persons: pd.DataFrame, plan: pd.DataFrame, newcomers: pd.DataFrame) -> pd.DataFrame:
    if plan.empty:
        return persons
    columns = [name for name in TABLES["persons"].names if name not in ("person_id", "household_id") and name in newcomers]
    fresh = plan[["trial", "difference_id", "source"]].merge(newcomers[["difference_id", "source", *columns]], on=["difference_id", "source"])
    fresh = fresh.assign(household_id=fresh["trial"], person_id=fresh["trial"] + "~new")
    for name in columns:
        fresh[name] = fresh[name].astype(TYPES[TABLES["persons"][name].dtype][0])
    return pd.concat([persons, fresh.drop(columns=["difference_id", "source"])], ignore_index=True)


def _replace_items(items: pd.DataFrame, classes: pd.DataFrame, quarter: str) -> pd.DataFrame:
    """The counted lines of a class of the quarter give way to one line with the source's sum, in clones that have line items in the quarter."""
    if classes.empty:
        return items
    of_class = classes["column"].str.removesuffix("_fen").set_axis(classes["trial"])
    now = items["quarter"] == quarter
    replaced = now & items["counted"].fillna(False) & (items["item_class"] == items["trial"].map(of_class)).fillna(False)
    sums = classes[classes["trial"].isin(items.loc[now, "trial"])]
    fresh = pd.DataFrame({
        "line_id": "sum:" + sums["trial"], "household_id": sums["trial"], "trial": sums["trial"], "quarter": quarter,
        "item_class": sums["column"].str.removesuffix("_fen"), "counted": True, "amount_fen": pd.to_numeric(sums["value"]).astype("Int64"),
    })
    fresh["item_key"] = "item." + fresh["item_class"] + ".sum"
    fresh["sign"] = np.where(fresh["item_class"] == "cost", -1, 1)
    return pd.concat([items[~replaced], fresh.astype({"counted": "boolean", "sign": "Int64"})], ignore_index=True)


def _replace_sheet(sheet: pd.DataFrame, classes: pd.DataFrame, quarter: str) -> pd.DataFrame:
    """The cell of the wide sheet, whose stated totals no longer hold; a household without a row of the quarter gets one with this class alone."""
    if classes.empty:
        return sheet
    out = sheet.copy()
    now = out["quarter"] == quarter
    for column, some in classes.groupby("column", sort=True):
        values = pd.to_numeric(some.set_index("trial")["value"]).astype("Int64")
        hit = now & out["trial"].isin(values.index)
        out[column] = out[column].mask(hit, out["trial"].map(values).astype("Int64"))
        out.loc[hit, ["net_fen", "percapita_fen"]] = pd.NA
        lacking = values[~values.index.isin(out.loc[now, "trial"])]
        fresh = pd.DataFrame({"household_id": lacking.index, "trial": lacking.index, "quarter": quarter, column: lacking.to_numpy()})
        out = pd.concat([out, fresh], ignore_index=True) if len(fresh) else out
        now = out["quarter"] == quarter
    return out
