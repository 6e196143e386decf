"""Averages and rates that may be published (公开指标表)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["protect_rates", "public_rates"]

#: Rates that say, with the number of persons, how many are below the line.
_OF_THE_LINE = ("headcount_ratio", "poverty_gap_index")
#: The period whose counts below the line are published, and planned with all others.
_PERIOD = "last4"
#: Decimals that are published: a mean of whole fen in full would tell, by the whole numbers that it is made of, how many persons it is the mean of.
_DECIMALS = {"mean_percapita_yuan": 0, "median_percapita_yuan": 0}
_OTHER_DECIMALS = 3
#: Averages of which the county's is made of the townships': a single gap could be worked out.
_ADDITIVE = ("mean_percapita_yuan", "poverty_gap_index", "headcount_ratio")


def public_rates(
    indicators: pd.DataFrame, household_income: pd.DataFrame, households: pd.DataFrame, cells: pd.DataFrame, rules: Rules
) -> pd.DataFrame:
    """The table ``public_rates`` of a quarter (公开指标表).

    Takes indicators, household_income, households and public_cells. Rule keys: disclosure.rates, disclosure.indicators, disclosure.cells. A value is
    withheld where too few persons with known income stand behind it, where a few households hold nearly all of the income, where it would tell a withheld
    count, and, of values that add up, where only one township would be left out. What is unknown is not withheld.
    """
    wanted = rules.value("disclosure.indicators")["indicators"]
    rows = indicators[
        (indicators["group_kind"] == "all") & indicators["level"].isin(["county", "township"]) & indicators["indicator"].isin(wanted)
        & indicators["period"].isin(["quarter", "last4", "year"]) & (~indicators["indicator"].isin(_OF_THE_LINE) | (indicators["period"] == _PERIOD))
    ].copy()
    rule = rules.value("disclosure.rates")
    rows["known_persons"] = known = rows["persons"].fillna(0) - rows["unknown_persons"].fillna(0)
    few = (known > 0) & (known < rule["minimum_denominator"])
    few |= pd.MultiIndex.from_frame(rows[["area_code", "period"]]).isin(_dominated(household_income, households, rule, rules.value("area.county")["code"]))
    told = cells.loc[(cells["public_table"] == "line") & (cells["mark"] == "withheld"), "area_code"]
    few |= rows["indicator"].isin(_OF_THE_LINE) & rows["area_code"].isin(told)
    few |= rows["indicator"].isin(_OF_THE_LINE) & pd.MultiIndex.from_frame(rows[["area_code", "period"]]).isin(_few_below(rows, rules))
    rows["withheld"] = few & rows["value"].notna()
    towns = rows[rows["level"] == "township"]
    elsewhere = int((~households["township_code"].isin(towns["area_code"])).any())
    for _, group in towns[towns["indicator"].isin(_ADDITIVE)].groupby(["indicator", "period"]):
        rows.loc[_further(rows.loc[group.index], elsewhere, rule["minimum_denominator"]), "withheld"] = True
    return protect_rates(rows)


def protect_rates(rows: pd.DataFrame) -> pd.DataFrame:
    """``public_rates`` from rows with area_code, indicator, period, value and ``withheld`` (公开指标表), rounded to what is published."""
    decimals = rows["indicator"].map(_DECIMALS).fillna(_OTHER_DECIMALS)
    rows = rows.assign(value=[value if pd.isna(value) else round(float(value), int(places)) for value, places in zip(rows["value"], decimals, strict=True)])
    marks = np.select([rows["withheld"], rows["value"].isna()], ["withheld", "unknown"], "shown")
    return conform(rows.assign(value=rows["value"].mask(rows["withheld"]), mark=marks), "public_rates")


def _further(group: pd.DataFrame, elsewhere: int, least: int) -> list[Any]:
    """Rows to withhold besides: the smallest ones, until what is left out of the county's value is two areas or more and enough persons.

    ``elsewhere``: 1 where households of no known township stand behind the county's value, which is an area that is left out too.
    """
    hidden = group[group["withheld"]]
    count, persons, more = len(hidden) + elsewhere, int(hidden["known_persons"].sum()), []
    for row in group[~group["withheld"] & group["value"].notna()].sort_values(["known_persons", "area_code"]).itertuples():
        if count == 0 or (count > 1 and persons >= least):
            break
        more.append(row.Index)
        count, persons = count + 1, persons + int(row.known_persons)
    return more


def _few_below(rows: pd.DataFrame, rules: Rules) -> set[tuple[str, str]]:
    """Areas and periods of which the rate, times the persons behind it, says that very few are below the line, or very few are not."""
    ratio = rows[rows["indicator"] == "headcount_ratio"].dropna(subset=["value"])
    below, least = (ratio["value"] * ratio["known_persons"]).round(), rules.value("disclosure.cells")["minimum_persons"]
    few = ((below > 0) & (below < least)) | ((ratio["known_persons"] - below > 0) & (ratio["known_persons"] - below < least))
    return set(ratio.loc[few, ["area_code", "period"]].itertuples(index=False, name=None))


def _dominated(household_income: pd.DataFrame, households: pd.DataFrame, rule: dict[str, Any], county: str) -> set[tuple[str, str]]:
    """Areas and periods in which a few households hold nearly all of the income."""
    income = household_income[["household_id", "period", "net_fen"]].dropna().merge(households[["household_id", "township_code"]], on="household_id")
    income["net_fen"] = income["net_fen"].clip(lower=0).astype("float64")
    found = set()
    for areas in (income["township_code"], pd.Series(county, index=income.index, dtype="string")):
        for (area, period), amounts in income["net_fen"].groupby([areas, income["period"]]):
            largest = amounts.nlargest(rule["dominant_households"]).sum()
            if amounts.sum() > 0 and largest > rule["dominant_share"] * amounts.sum():
                found.add((str(area), str(period)))
    return found
