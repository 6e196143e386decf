"""Monitoring groups and shocks counted by area (监测对象和冲击的地区统计)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from linwu_stats.tables import CODES, conform

__all__ = ["count_monitoring", "count_shocks", "with_areas"]


def with_areas(frame: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """The rows once for the county, once for their township and once for their village (按地区展开): adds ``level`` and ``area_code``."""
    places = households.set_index("household_id")[["township_code", "village_code"]].reindex(frame["household_id"])
    codes = {"county": places["township_code"].astype("string").str.slice(0, 6), "township": places["township_code"], "village": places["village_code"]}
    return pd.concat([frame.assign(level=level, area_code=code.to_numpy(dtype=object)) for level, code in codes.items()], ignore_index=True)


def count_monitoring(stability: pd.DataFrame, households: pd.DataFrame, has_year_ago: bool, edge: pd.DataFrame | None = None) -> pd.DataFrame:
    """Households of every group by area (监测对象统计): table ``monitoring_counts``; every area has all groups, 0 where nobody is in one.

    边缘易致贫户 are not on the register: their counts are those of ``edge`` (``area_code``, ``households``, ``persons``), else unknown, never 0. Without a
    year-ago income nobody can be found to have fallen: the count of 突发严重困难户 is unknown.
    """
    frame = pd.DataFrame({
        "household_id": stability["household_id"], "stability_group": stability["stability_group"], "persons": stability["headcount_persons"],
        "below": stability["below_share"].astype("Float64").fillna(0.0), "unknown": stability["below_share"].isna(), "one": 1,
        "heads_unknown": stability["headcount_persons"].isna(), "fall_unknown": stability["group_reasons"].fillna("").str.contains("fall_unknown"),
    })
    rows = with_areas(frame, households)
    keys = ["level", "area_code"]
    found = rows.groupby([*keys, "stability_group"]).agg(
        households=("one", "sum"), persons=("persons", "sum"), expected_below=("below", "sum"), unknown_households=("unknown", "sum"),
        heads_unknown=("heads_unknown", "any"),
    )
    fall = rows.groupby(keys)["fall_unknown"].sum()
    areas = rows[keys].drop_duplicates().itertuples(index=False)
    index = pd.MultiIndex.from_tuples([(*area, group) for area in areas for group in CODES["stability_group"]], names=[*keys, "stability_group"])
    table = found.reindex(index).reset_index()
    for name in ("households", "persons", "expected_below", "unknown_households"):
        table[name] = table[name].fillna(0)
    nobody_known = (table["households"] > 0) & (table["unknown_households"] >= table["households"])
    table["expected_below"] = table["expected_below"].astype("Float64").mask(nobody_known)
    blank = table.pop("heads_unknown").astype("boolean").fillna(False)
    table["persons"] = table["persons"].astype("Int64").mask(blank)
    table["reason_code"] = pd.Series(pd.NA, index=table.index, dtype="string").mask(blank, "persons_unknown")
    sudden = table["stability_group"] == "sudden"
    table.loc[sudden, "unknown_households"] = [int(fall[key]) for key in zip(table.loc[sudden, "level"], table.loc[sudden, "area_code"], strict=True)]
    if not has_year_ago:
        table = _unknown(table, sudden, "fall_unknown")
    return conform(_with_edge(table, edge), "monitoring_counts")


def count_shocks(stability: pd.DataFrame, shocks: pd.DataFrame, households: pd.DataFrame) -> pd.DataFrame:
    """Households that are out, by area and shock (冲击影响统计): table ``shock_counts``. Row ``usual`` has no shock, ``all`` each as likely as it is."""
    out = stability[stability["poverty_status"] == "out"]
    parts = [
        pd.DataFrame({
            "household_id": out["household_id"], "rule_key": name, "known": out[column].notna(), "failing": False, "if_all": np.nan,
            "below": out[column].astype("Float64").to_numpy(dtype=float, na_value=0.0),
        })
        for name, column in (("usual", "below_usual_share"), ("all", "below_share"))
    ]
    of_out = shocks[shocks["household_id"].isin(out["household_id"])]
    passes = out.set_index("household_id")["passes"].reindex(of_out["household_id"]).to_numpy(dtype=object)
    parts.append(pd.DataFrame({
        "household_id": of_out["household_id"], "rule_key": of_out["rule_key"], "known": of_out["below_if_share"].notna(),
        "failing": (passes == "met") & (of_out["passes_after"] == "not_met").to_numpy(dtype=bool),
        "if_all": of_out["below_if_share"].to_numpy(dtype=float, na_value=0.0), "below": of_out["below_alone_share"].to_numpy(dtype=float, na_value=0.0),
    }))
    rows = with_areas(pd.concat(parts, ignore_index=True), households)
    rows["unknown"] = ~rows["known"].astype(bool)
    # Who has no items may be exposed or not, and is counted as unknown alone.
    rows["exposed"] = ~rows["unknown"]
    table = rows.groupby(["level", "area_code", "rule_key"], as_index=False).agg(
        exposed_households=("exposed", "sum"), failing_households=("failing", "sum"), expected_if=("if_all", lambda one: one.sum(min_count=1)),
        expected_below=("below", "sum"), unknown_households=("unknown", "sum"),
    )
    table["failing_households"] = table["failing_households"].astype("Int64").mask(table["rule_key"].isin(["usual", "all"]))
    return conform(table, "shock_counts")


def _unknown(table: pd.DataFrame, rows: pd.Series, reason: str) -> pd.DataFrame:
    table = table.copy()
    for name in ("households", "persons", "expected_below"):
        table[name] = table[name].astype("Float64").mask(rows)
    table["reason_code"] = table["reason_code"].mask(rows, reason)
    return table


def _with_edge(table: pd.DataFrame, edge: pd.DataFrame | None) -> pd.DataFrame:
    rows = table["stability_group"] == "edge"
    table = _unknown(table, rows, "not_on_register")
    if edge is None:
        return table
    given = edge.set_index("area_code")
    for name in ("households", "persons"):
        table[name] = table[name].mask(rows, table["area_code"].map(given[name].astype("Float64")))
    table["reason_code"] = table["reason_code"].mask(rows & table["households"].notna(), pd.NA)
    return table
