"""A quarter made and opened: kept when nothing changed, made anew when data, law or an earlier quarter changed."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import linwu_stats
from linwu_stats.quarter import QuarterError, find_home, last_day, make_quarter, open_quarter, quarters_with_ledgers, shift
from linwu_stats.tables import TABLES


@pytest.fixture
def home(small_home: Path, tmp_path: Path) -> Path:
    shutil.copytree(small_home, tmp_path / "home")
    return tmp_path / "home"


def stamps(home: Path) -> dict[str, int]:
    return {path.parent.parent.name: path.stat().st_mtime_ns for path in (home / "data").glob("*/tables/meta.json")}


def test_every_table_opens_with_its_declared_columns(small_home):
    q = open_quarter("2018Q1", small_home)
    for name, table in TABLES.items():
        assert list(getattr(q, name).columns) == table.names
    assert set(TABLES) <= set(dir(q))
    assert q.is_sample
    assert q.previous.quarter == "2017Q4"
    assert q.year_ago.quarter == "2017Q1"
    assert q.area_names["431025105"] == "南强镇"
    assert "示例数据" in q._repr_html_()


def test_a_table_that_is_not_there_names_those_that_are(small_home):
    with pytest.raises(AttributeError, match="household_income"):
        _ = open_quarter("2018Q1", small_home).household_incomes


def test_nothing_changed_nothing_made(home):
    before = stamps(home)
    make_quarter("2018Q1", home)
    assert stamps(home) == before
    assert len(before) == 6


def test_the_same_inputs_give_the_same_bytes(home):
    first = json.loads((home / "data" / "2018Q1" / "tables" / "meta.json").read_text(encoding="utf-8"))["tables"]
    for quarter in ("2017Q4", "2018Q1"):
        shutil.rmtree(home / "data" / quarter / "tables")
    make_quarter("2018Q1", home)
    assert json.loads((home / "data" / "2018Q1" / "tables" / "meta.json").read_text(encoding="utf-8"))["tables"] == first


def test_a_changed_earlier_ledger_reaches_every_later_quarter_and_no_earlier_one(home):
    before = stamps(home)
    path = next((home / "data" / "2017Q3" / "ledgers").glob("*.csv"))
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    household = lines[1].split(",")[0]
    path.write_text("\n".join([*lines, f"{household},某,2017Q3,零工收入,否,12345.67,,,,"]) + "\n", encoding="utf-8-sig", newline="")
    old = open_quarter("2018Q1", home).household_income.set_index(["household_id", "period"])["net_fen"]
    make_quarter("2018Q1", home)
    new = open_quarter("2018Q1", home).household_income.set_index(["household_id", "period"])["net_fen"]
    after = stamps(home)
    assert {quarter for quarter in after if after[quarter] != before[quarter]} == {"2017Q3", "2017Q4", "2018Q1"}
    difference = (new - old).dropna()
    assert difference[difference != 0].to_dict() == {(household, "last4"): 1234567, (household, "year"): 1234567}


def test_a_county_rule_is_used_and_listed(home):
    for quarter in quarters_with_ledgers(home)[:-1]:
        shutil.rmtree(home / "data" / quarter)
    (home / "data" / "law").mkdir()
    (home / "data" / "law" / "own.yaml").write_text(
        "- key: headcount.rule\n  term: 计算人口口径\n  unit: choice\n  values:\n"
        "    - {from: 2014-01-01, value: change_status, status: confirmed, document: 本县办法}\n", encoding="utf-8")
    q = make_quarter("2018Q1", home)
    assert q.provenance["overrides"] == ["headcount.rule"]
    assert set(q.headcounts["headcount_rule"]) == {"headcount.change_status"}


def test_invented_and_real_quarters_do_not_mix(home):
    (home / "data" / "2018Q1" / "SAMPLE.json").unlink()
    with pytest.raises(QuarterError, match="示例季度与真实季度混在一起"):
        make_quarter("2018Q1", home)
    for quarter in quarters_with_ledgers(home)[:-1]:
        shutil.rmtree(home / "data" / quarter)
    q = make_quarter("2018Q1", home)
    assert not q.is_sample
    assert q.previous is None
    assert q.household_income.set_index("period").loc["last4", "net_fen"].isna().all()


@pytest.mark.parametrize("harm", ["meta cut", "table gone", "table changed"])
def test_damaged_tables_are_made_again(home, harm):
    folder = home / "data" / "2018Q1" / "tables"
    good = (folder / "indicators.parquet").read_bytes()
    if harm == "meta cut":
        (folder / "meta.json").write_bytes((folder / "meta.json").read_bytes()[:100])
        with pytest.raises(QuarterError, match="已损坏"):
            open_quarter("2018Q1", home)
    elif harm == "table gone":
        (folder / "indicators.parquet").unlink()
    else:
        (folder / "indicators.parquet").write_bytes(good[:-7])
    make_quarter("2018Q1", home)
    assert (folder / "indicators.parquet").read_bytes() == good


def test_ledgers_that_were_removed_are_no_longer_used(home):
    shutil.rmtree(home / "data" / "2017Q4" / "ledgers")
    q = make_quarter("2018Q1", home)
    assert q.previous is None
    assert set(q.household_income.loc[q.household_income["period"] == "ytd", "reason_code"]) == {"quarter_missing"}


def test_the_record_names_the_inputs_of_every_quarter_that_was_used(small_home):
    earlier = open_quarter("2018Q1", small_home).provenance["earlier"]
    assert [one["quarter"] for one in earlier] == ["2016Q4", "2017Q1", "2017Q2", "2017Q3", "2017Q4"]
    assert all(len(file["sha256"]) == 64 for one in earlier for file in one["inputs"])


def test_income_differs_between_engines_by_nothing(small_home):
    import duckdb

    from linwu_stats.income.account import account_households, account_items, count_heads

    q = open_quarter("2018Q1", small_home)
    frames = [q.income_items, q.households, q.persons, q.income_sheet]
    items, households, persons, sheet = (duckdb.from_df(frame) for frame in frames)
    lazy = account_households(account_items(items, q.rules), sheet, count_heads(households, persons, q.rules), q.rules, "2018Q1", periods=("quarter",))
    mine = q.household_income[q.household_income["period"] == "quarter"].sort_values("household_id").reset_index(drop=True)
    other = lazy.df().sort_values("household_id").reset_index(drop=True)
    for column in ("net_fen", "percapita_fen", "excluded_fen", "headcount_persons", "reason_code", "income_source"):
        pd.testing.assert_series_equal(mine[column].astype("object").fillna("unknown"), other[column].astype("object").fillna("unknown"), check_dtype=False)


@pytest.mark.parametrize("bad", ["2018Q5", "2018", "", "18Q1", "2018q1"])
def test_a_bad_quarter_is_refused(small_home, bad):
    with pytest.raises(QuarterError, match="2018Q1"):
        open_quarter(bad, small_home)


def test_a_quarter_that_was_not_made_says_how(small_home):
    with pytest.raises(QuarterError, match="linwu-stats run 2019Q1"):
        linwu_stats.open_quarter("2019Q1", small_home)


def test_quarter_arithmetic():
    assert (shift("2018Q1", -1), shift("2018Q1", -4), shift("2017Q4", 1)) == ("2017Q4", "2017Q1", "2018Q1")
    assert (last_day("2018Q1"), last_day("2016Q4")) == (dt.date(2018, 3, 31), dt.date(2016, 12, 31))


def test_the_workspace_is_found_from_within(small_home, monkeypatch):
    monkeypatch.delenv("LINWU_HOME", raising=False)
    monkeypatch.chdir(small_home / "data" / "2018Q1")
    assert find_home() == small_home.resolve()
    assert quarters_with_ledgers(small_home)[-1] == "2018Q1"
