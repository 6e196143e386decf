"""The whole sample county, from its ledgers on disk: published totals to the person, every household's income to the fen."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from linwu_stats.income.account import check_identities
from linwu_stats.quarter import LATE, Quarter, open_quarter
from linwu_stats.synthetic import make_county, true_incomes
from linwu_stats.tables import TABLES

pytestmark = pytest.mark.county

#: Linwu County's report of 2018-05-22, end of 2017: households, persons.
OUT, LEFT, OUT_IN_2017 = (4814, 14419), (3372, 9773), (1674, 5492)


@pytest.fixture(scope="module")
def q(county_home: Path) -> Quarter:
    return open_quarter("2018Q1", county_home)


def size(q: Quarter, chosen: pd.Series) -> tuple[int, int]:
    households = q.households[chosen.fillna(False)]
    return len(households), int(q.persons["household_id"].isin(households["household_id"]).sum())


@pytest.mark.parametrize("quarter", ["2017Q4", "2018Q1"])
def test_totals_are_the_published_ones(county_home, quarter):
    q = open_quarter(quarter, county_home)
    status, year = q.households["poverty_status"], q.households["exit_year"]
    assert size(q, status.notna()) == (8186, 24192)
    assert size(q, status == "out") == OUT
    assert size(q, status != "out") == LEFT
    assert size(q, (status == "out") & (year == 2017)) == OUT_IN_2017
    assert int(q.villages["rural_population_persons"].sum()) == 279_229


def test_villages_are_the_published_ones(q):
    poor = q.villages[q.villages["village_kind"] != "none"]
    assert poor["village_kind"].value_counts().to_dict() == {"province": 27, "city": 4}
    assert poor["village_status"].value_counts().to_dict() == {"out": 17, "not_out": 14}
    in_2017 = poor[poor["exit_year"].fillna(0) == 2017]
    assert len(in_2017) == 16
    assert int((in_2017["village_kind"] == "city").sum()) == 3
    assert poor.loc[poor["village_status"] == "not_out", "village_kind"].value_counts().to_dict() == {"province": 13, "city": 1}
    assert q.households["township_code"].nunique() == 13


def test_every_income_equals_the_slow_loops_to_the_fen(q):
    truth = true_incomes(make_county(), "2018Q1").set_index(["household_id", "period"])
    mine = q.household_income.set_index(["household_id", "period"]).loc[truth.index]
    assert len(mine) == 4 * 8186
    known = truth["known"].astype(bool)
    assert known.sum() > 30_000
    assert (~known).sum() > 50
    assert mine.loc[~known, "net_fen"].isna().all()
    for column in ("net_fen", "headcount_persons", "percapita_fen"):
        different = mine.loc[known, column].astype("Int64") != truth.loc[known, column].astype("Int64")
        assert not different.fillna(True).any(), f"{column} differs for {list(mine[known][different.fillna(True)].index[:5])}"


def test_the_five_identities_hold(q):
    assert check_identities(q.household_income, q.item_amounts, q.headcounts).empty


def test_township_and_village_counts_add_up_to_the_county(q):
    counts = q.indicators[(q.indicators["group_kind"] == "all") & (q.indicators["period"] == "quarter") & (q.indicators["indicator"] == "persons")]
    by_level = counts.groupby("level")["value"].sum()
    assert by_level["county"] == by_level["township"] == by_level["village"] == 24192


def test_the_task_of_the_year_does_not_reach_its_target(q):
    table = q.county_exit.set_index("measure")
    assert table.loc["left_after", "value"] == 5140
    assert round(table.loc["incidence_after", "value"], 2) == 1.84
    assert table.loc["incidence_after", "outcome"] == "not_met"
    assert table.loc["exits_needed", "value"] == 5585
    assert table.loc["exits_short", "value"] == 952
    assert (table.loc["denominator", "low"], table.loc["denominator", "high"]) == (275_296, 283_275)
    assert table.loc["denominator_for_target", "value"] == 342_667


def test_seeded_contradictions_reach_the_tables(q):
    assert (q.cohort_checks["own_line_outcome"] == "not_met").any(), "wrong exits"
    out = q.household_exit.merge(q.households[["household_id", "poverty_status"]], on="household_id")
    assert ((out["poverty_status"] == "out") & (out["housing"] == "not_met")).any(), "out, yet in a dangerous house"
    assert (q.household_income["sheet_difference_fen"].fillna(0) != 0).any(), "sheet and items disagree"
    assert q.household_income["reason_code"].eq("amount_unknown").any()


def test_the_county_page_shows_the_published_totals(county_home):
    with (county_home / "data" / "reference" / "county_report_2018.csv").open(encoding="utf-8-sig", newline="") as stream:
        published = {row["series"]: int(float(row["value"])) for row in csv.DictReader(stream) if row["unit"] in ("户", "人")}
    from linwu_stats.publish.batch import run_batch

    result = run_batch("2018Q1", county_home, areas=["431025"])
    assert not result.failures
    page = (Path(result.index).parent / "431025_2018Q1.html").read_text(encoding="utf-8")
    for series in ("county.households", "county.persons", "county.out_households", "county.out_persons", "county.not_out_households",
                   "county.not_out_persons", "county.exits_households", "county.exits_persons"):
        assert f"{published[series]:,}" in page or str(published[series]) in page, series
    for words in ("示例数据", "1.84", "952", "待确认"):
        assert words in page


def test_every_table_is_kept_as_parquet(q):
    assert {path.stem for path in (q.folder / "tables").glob("*.parquet")} == set(TABLES) - set(LATE)
