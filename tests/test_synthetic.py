"""The sample county (示例县): published totals to the person, true answers worked by hand, the same bytes every time, and members that hang together."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import sys
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from linwu_stats.synthetic import QUARTERS, County, make_county, true_incomes, write_prefecture, write_sample
from linwu_stats.synthetic.ledger_files import FILES, files_of
from linwu_stats.tables import CODES

TOWNSHIPS = {
    "431025100": "舜峰镇", "431025101": "金江镇", "431025104": "武水镇", "431025105": "南强镇", "431025106": "汾市镇", "431025107": "水东镇",
    "431025108": "楚江镇", "431025109": "麦市镇", "431025110": "香花镇", "431025208": "花塘乡", "431025211": "万水乡", "431025214": "镇南乡",
    "431025216": "西山瑶族乡",
}
LAW = Path(__file__).parent.parent / "linwu_stats" / "law"


@pytest.fixture(scope="module")
def county() -> County:
    return make_county()


@pytest.fixture(scope="module")
def tables(county: County) -> dict[str, dict[str, pd.DataFrame]]:
    return {quarter: county.tables(quarter) for quarter in QUARTERS}


@pytest.fixture(scope="module")
def small() -> County:
    return make_county(households=200)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("示例")
    write_sample(folder, households=200)
    return folder


def people_by_status(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return frames["persons"].merge(frames["households"], on="household_id", validate="many_to_one")


# ---- the published totals ------------------------------------------------------------------------------------------------


@pytest.mark.county
@pytest.mark.parametrize("quarter", ["2017Q4", "2018Q1"])
def test_totals_are_the_published_ones(tables: dict[str, dict[str, pd.DataFrame]], quarter: str) -> None:
    households, people = tables[quarter]["households"], people_by_status(tables[quarter])
    assert (len(households), len(people)) == (8186, 24192)
    assert households["poverty_status"].value_counts().to_dict() == {"out": 4814, "not_out": 3372}
    assert people["poverty_status"].value_counts().to_dict() == {"out": 14419, "not_out": 9773}
    assert ((households["exit_year"] == 2017).sum(), (people["exit_year"] == 2017).sum()) == (1674, 5492)
    assert households.loc[households["poverty_status"] == "out", "exit_year"].isin([2014, 2015, 2016, 2017]).all()
    assert households.loc[households["poverty_status"] == "not_out", "exit_year"].isna().all()


@pytest.mark.county
@pytest.mark.parametrize("quarter", ["2016Q4", "2017Q1", "2017Q2", "2017Q3"])
def test_nobody_left_poverty_in_2017_before_its_last_quarter(tables: dict[str, dict[str, pd.DataFrame]], quarter: str) -> None:
    later = tables["2017Q4"]["households"].set_index("household_id")
    cohort = later.index[later["exit_year"] == 2017]
    now = tables[quarter]["households"].set_index("household_id")
    assert not (now["exit_year"] == 2017).any()
    assert (now.loc[now.index.intersection(cohort), "poverty_status"] == "not_out").all()
    assert len(cohort.difference(now.index)) == 0


@pytest.mark.county
def test_villages_and_townships(tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    villages, before = tables["2018Q1"]["villages"], tables["2017Q3"]["villages"]
    poor = villages[villages["village_kind"] != "none"]
    assert poor["village_kind"].value_counts().to_dict() == {"province": 27, "city": 4}
    assert poor["village_status"].value_counts().to_dict() == {"out": 17, "not_out": 14}
    out = poor[poor["village_status"] == "out"]
    assert out[out["exit_year"] == 2017]["village_kind"].value_counts().to_dict() == {"province": 13, "city": 3}
    assert out[out["exit_year"] != 2017]["village_kind"].tolist() == ["province"]
    assert before["village_status"].value_counts()["out"] == 1
    assert villages["rural_population_persons"].sum() == 279229
    assert set(villages["township_code"]) == set(TOWNSHIPS)
    assert villages["village_code"].str[:9].eq(villages["township_code"]).all()
    assert not villages.duplicated(["township_code", "village_name"]).any()
    assert set(tables["2018Q1"]["households"]["village_code"]) == set(villages["village_code"])
    assert poor.groupby("township_code").size().shape == (13,)


@pytest.mark.county
def test_incidence_of_villages_out_and_left(tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    people = people_by_status(tables["2018Q1"])
    poor = people[people["poverty_status"] == "not_out"].groupby("village_code").size()
    villages = tables["2018Q1"]["villages"].set_index("village_code")
    share = poor.reindex(villages.index, fill_value=0) / villages["rural_population_persons"]
    assert (share[villages["village_status"] == "out"] < 0.02).sum() >= 15
    assert (share[villages["village_status"] == "not_out"] >= 0.02).all()
    assert (villages["rural_population_persons"] > people.groupby("village_code").size().reindex(villages.index)).all()


# ---- true incomes --------------------------------------------------------------------------------------------------------


def household(code: str, persons: int, first: int = 0, last: int = 5) -> SimpleNamespace:
    here = SimpleNamespace(there=lambda place: first <= place <= last)
    return SimpleNamespace(household_id=code, members=[here] * persons, there=here.there)


def line(code: str, item: str, fen: int | None, kilograms: float | None = None) -> tuple:
    milli = None if kilograms is None else round(kilograms * 1000)
    return (code, item, kilograms is not None or fen is None, fen, milli, None, "")


def test_truth_by_hand() -> None:
    """Worked with a pencil: rice 100.5 kg at 2.60 = 261.30; wage 3,000; planting cost 1,000.01; condolence money 500 does not count.

    2017Q4: 3,000.00 + 261.30 - 1,000.01 = 2,261.29. 2018Q1: 1,000.00 + 0.00. Year to date 3,261.29; two heads: 1,630.645, half up 1,630.65.
    """
    law = {
        "items": {
            "wage": {"sign": 1, "counted": True}, "rice": {"sign": 1, "counted": True, "in_kind_price": "p"}, "cost": {"sign": -1, "counted": True},
            "gift": {"sign": 1, "counted": False},
        },
        "price_fen": {"p": 260},
    }
    lines: dict[int, list[tuple]] = {place: [line("A", "wage", 100000)] for place in range(6)}
    # The recorded amount of the rice, 200.00, is not what decides.
    lines[4] = [line("A", "wage", 300000), ("A", "rice", True, 20000, 100500, 199, ""), line("A", "cost", 100001), line("A", "gift", 50000)]
    lines[5].append(line("A", "gift", None))
    for place in range(6):
        lines[place].append(line("B", "cost", 101))
    lines[5].append(line("B", "rice", None))
    lines[5].append(line("C", "wage", 1))
    county = SimpleNamespace(law=law, lines=lines, households=[household("A", 2), household("B", 2), household("C", 3, first=5), household("D", 1, last=4)])
    truth = true_incomes(county, "2018Q1").set_index(["household_id", "period"])
    assert truth.loc[("A", "quarter")].tolist() == [100000, 2, 50000, True]
    assert truth.loc[("A", "ytd")].tolist() == [326129, 2, 163065, True]
    assert truth.loc[("A", "last4")].tolist() == [200000 + 326129, 2, 263065, True]
    assert truth.loc[("A", "year")].tolist() == [400000, 2, 200000, True]
    assert truth.loc[("B", "year")].tolist() == [-404, 2, -202, True]
    assert not truth.loc[("B", "quarter"), "known"]
    assert not truth.loc[("B", "ytd"), "known"]
    assert pd.isna(truth.loc[("B", "ytd"), "net_fen"])
    assert truth.loc[("C", "quarter")].tolist() == [1, 3, 0, True]
    assert not truth.loc[("C", "ytd"), "known"]
    assert "D" not in truth.index


def test_negative_halves_go_away_from_zero() -> None:
    law = {"items": {"cost": {"sign": -1, "counted": True}}, "price_fen": {}}
    county = SimpleNamespace(law=law, lines={0: [line("A", "cost", 101)]}, households=[household("A", 2)])
    truth = true_incomes(county, "2016Q4").set_index("period")
    assert truth.loc["quarter", "percapita_fen"] == -51
    assert not truth.loc["year", "known"]
    assert not truth.loc["last4", "known"]


def rules_of_the_file() -> tuple[dict[str, dict], dict[str, Decimal]]:
    entries = yaml.safe_load((LAW / "income_items.yaml").read_text(encoding="utf-8"))
    now = {entry["key"]: entry["values"][-1]["value"] for entry in entries}
    items = {value["heading"]: value for key, value in now.items() if key.startswith("item.")}
    return items, {key: Decimal(str(value)) for key, value in now.items() if key.startswith("price.")}


def test_truth_is_what_the_written_ledgers_say(home: Path, small: County) -> None:
    """The files read back line by line, in decimals, give the truth of this quarter."""
    items, prices = rules_of_the_file()
    with (home / "data" / "2018Q1" / "ledgers" / FILES["income_items"]).open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    net: dict[str, Decimal | None] = {}
    for row in rows:
        rule = items[row["收入项目"]]
        if not rule["counted"]:
            continue
        if row["是否实物"] == "是":
            value = Decimal(row["数量"]) * prices[rule["in_kind_price"]] if row["数量"] else None
        else:
            value = Decimal(row["金额(元)"]) if row["金额(元)"] else None
        before = net.get(row["户编号"], Decimal(0))
        whole = None if value is None else (value * 100).quantize(Decimal(1), ROUND_HALF_UP)
        net[row["户编号"]] = None if before is None or whole is None else before + rule["sign"] * whole
    truth = true_incomes(small, "2018Q1")
    truth = truth[truth["period"] == "quarter"].set_index("household_id")
    assert {code: None if pd.isna(fen) else int(fen) for code, fen in truth["net_fen"].items()} == {
        code: None if value is None else int(value) for code, value in net.items()
    }


@pytest.mark.county
def test_incomes_fall_on_the_side_of_the_line_that_status_leads_to_expect(county: County, tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    truth = true_incomes(county, "2018Q1")
    year = truth[truth["period"] == "year"].merge(tables["2018Q1"]["households"], on="household_id")
    known = year[year["known"]]
    line_fen = 333500
    above = known["net_fen"] > line_fen * known["headcount_persons"]
    out = known["poverty_status"] == "out"
    assert above[out].mean() > 0.985
    assert 0.5 < (~above[~out]).mean() < 0.75
    assert 0.005 < 1 - year["known"].mean() < 0.02
    special = county.specials().groupby("special")["household_id"].apply(set)
    net = known.set_index("household_id")["net_fen"]
    bar = known.set_index("household_id")["headcount_persons"] * line_fen
    for name, beyond in (("on_line", 0), ("fen_above", 1), ("fen_below", -1)):
        codes = sorted(special[name])
        assert (net[codes] - bar[codes]).tolist() == [beyond] * len(codes)
    assert len(special["on_line"]) == 8
    assert set(known.loc[known["household_id"].isin(special["on_line"]), "poverty_status"]) == {"out", "not_out"}
    wrong = sorted(special["wrong_exit_income"])
    assert (net[wrong] <= bar[wrong]).all()
    assert len(wrong) >= 20
    unknown: set[str] = set()
    for quarter in QUARTERS:
        one = true_incomes(county, quarter)
        unknown |= set(one.loc[(one["period"] == "quarter") & ~one["known"], "household_id"])
    assert unknown == special["blank_amount"]
    assert len(special["blank_excluded"]) == 20


@pytest.mark.county
def test_seasons(tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    def total(item: str, quarter: str, in_kind: bool = False) -> int:
        rows = tables[quarter]["income_items"]
        return int(rows.loc[(rows["item_key"] == item) & (rows["in_kind"] == in_kind), "amount_fen"].sum())

    assert total("item.business.rice", "2017Q1") == total("item.business.rice", "2017Q2") == 0
    assert total("item.business.rice", "2016Q4") > total("item.business.rice", "2017Q3") > 0
    assert total("item.business.tobacco", "2017Q3") > total("item.business.tobacco", "2016Q4") > total("item.business.tobacco", "2017Q2") == 0
    assert total("item.business.pigs", "2017Q1") > 10 * total("item.business.pigs", "2017Q2")
    assert total("item.transfer.farm_subsidy", "2017Q2") > 0 == total("item.transfer.farm_subsidy", "2017Q3")
    wages = [sum(total(f"item.wage.{name}", quarter) for name in ("migrant", "local", "casual")) for quarter in QUARTERS[:4]]
    assert min(wages) == wages[1] > 0.5 * max(wages)
    allowance = [total("item.transfer.low_income_allowance", quarter) for quarter in QUARTERS[:4]]
    assert max(allowance) < 1.01 * min(allowance)


def test_every_item_is_a_rule_and_its_amounts_fit(small: County) -> None:
    items, _ = rules_of_the_file()
    keys = {line[1] for lines in small.lines.values() for line in lines}
    assert {small.law["items"][key]["heading"] for key in keys} <= set(items)
    excluded = [line for lines in small.lines.values() for line in lines if not small.law["items"][line[1]]["counted"]]
    assert len({line[1] for line in excluded}) >= 4
    for lines in small.lines.values():
        assert all(line[3] is None or line[3] >= 0 for line in lines)
        cash = Counter((line[0], line[1], line[6]) for line in lines if not line[2])
        assert max(cash.values()) == 1
        recorded = {line[5] for line in lines if line[2] and line[1] == "item.business.rice"}
        assert not recorded or len(recorded) > 1


@pytest.mark.county
def test_wide_sheet_keeps_its_identities_and_disagrees_only_where_seeded(county: County, tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    differing: set[str] = set()
    for quarter in QUARTERS:
        sheet = tables[quarter]["income_sheet"]
        whole = sheet.dropna()
        parts = whole["wage_fen"] + whole["business_fen"] + whole["property_fen"] + whole["transfer_fen"] - whole["cost_fen"]
        assert (parts == whole["net_fen"]).all()
        truth = true_incomes(county, quarter)
        both = truth[truth["period"] == "quarter"].merge(sheet, on="household_id", suffixes=("", "_sheet"))
        assert (both["net_fen"].isna() == both["net_fen_sheet"].isna()).all()
        differing |= set(both.loc[both["net_fen"].ne(both["net_fen_sheet"]).fillna(False), "household_id"])
    seeded = county.specials()
    assert differing == set(seeded.loc[seeded["special"] == "sheet_differs", "household_id"])
    assert (tables["2018Q1"]["income_sheet"]["net_fen"] < 0).any()


# ---- people --------------------------------------------------------------------------------------------------------------


def digit_of(body: str) -> str:
    """GB 11643, the other way round: the digit that makes the weighted sum 1 modulo 11."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    return next("0123456789X"[digit] for digit in range(11) if (total + digit) % 11 == 1)


@pytest.mark.county
def test_identity_numbers(county: County) -> None:
    people = [person for row in county.households for person in row.members]
    numbers = [person.id_number for person in people]
    assert len(set(numbers)) == len(numbers)
    for person in people:
        number = person.id_number
        assert len(number) == 18
        assert number.startswith("431099")
        assert digit_of(number[:17]) == number[17]
        assert number[6:14] == person.birth.strftime("%Y%m%d")
        assert int(number[16]) % 2 == (person.sex == "male")
        assert "99999" not in number
    assert digit_of("11010519491231002") == "X"


@pytest.mark.county
@pytest.mark.parametrize("quarter", ["2016Q4", "2018Q1"])
def test_households_hang_together(tables: dict[str, dict[str, pd.DataFrame]], quarter: str) -> None:
    frames = tables[quarter]
    people = people_by_status(frames)
    end = pd.Period(quarter).end_time.normalize()
    born = people["birth_date"]
    age = end.year - born.dt.year - ((born.dt.month * 100 + born.dt.day) > end.month * 100 + end.day).astype(int)
    assert (born <= end).all()
    assert (people["relation"] == "head").groupby(people["household_id"]).sum().eq(1).all()
    men = {"son", "son_in_law", "grandson", "father", "grandfather"}
    women = {"daughter", "daughter_in_law", "granddaughter", "mother", "grandmother"}
    assert (people.loc[people["relation"].isin(men), "sex"] == "male").all()
    assert (people.loc[people["relation"].isin(women), "sex"] == "female").all()
    couples = people[people["relation"].isin(["head", "spouse"])]
    assert not couples.duplicated(["household_id", "sex"]).any()
    assert people.groupby("household_id").size().eq(people.groupby("household_id")["recorded_size_persons"].first()).all()
    head_age = age[people["relation"] == "head"].set_axis(people.loc[people["relation"] == "head", "household_id"])
    children = people["relation"].isin(["son", "daughter"])
    assert (people.loc[children, "household_id"].map(head_age) - age[children]).min() >= 16

    able = people["labour"].isin(["ordinary", "skilled"])
    assert not able[age < 16].any()
    in_school = people["schooling_stage"] != "none"
    assert not (in_school & (people["labour"] != "none")).any()
    assert not (in_school & people["education"].notna()).any()
    assert not (in_school & (age >= 30)).any()
    assert not (people["schooling_stage"].isin(["senior", "vocational", "college"]) & (age < 14)).any()
    assert not (people["schooling_stage"].isin(["primary"]) & (age > 13)).any()
    assert not ((people["health"] == "healthy") & (people["labour"] == "lost")).any()
    out_of_school = age.between(6, 14) & people["health"].isin(["healthy"]) & ~in_school
    assert out_of_school.sum() <= 9
    worked = people["work_months"] > 0
    assert people["work_months"].between(0, 12).all()
    assert not (worked & people["labour"].isin(["none", "lost"])).any()
    assert people.loc[worked, "work_place"].notna().all()

    by_cause = {
        "illness": people["health"].isin(["chronic", "serious"]), "disability": people["health"] == "disabled",
        "study": people["schooling_stage"].isin(["senior", "vocational", "higher_vocational", "college"]),
    }
    for cause, holds in by_cause.items():
        rows = people["cause"] == cause
        assert holds[rows].groupby(people.loc[rows, "household_id"]).any().all(), cause
    rows = people["cause"] == "labour"
    assert able[rows].groupby(people.loc[rows, "household_id"]).sum().max() < 3
    five = people["attribute"] == "five_guarantee"
    assert not (five & able & age.between(16, 59)).any()

    state = frames["schooling"].set_index("person_id")["school_state"]
    assert set(state.index) == set(people.loc[age.between(6, 15), "person_id"])
    assert state.notna().all()
    assert 1 <= (state == "dropout").sum() <= 9


@pytest.mark.county
def test_incomes_agree_with_people(county: County, tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    for quarter in ("2016Q4", "2018Q1"):
        frames = tables[quarter]
        people = people_by_status(frames)
        paid = frames["income_items"].groupby("item_key")["household_id"].apply(set)
        every = set(frames["households"]["household_id"])
        of_kind = frames["households"].groupby("attribute")["household_id"].apply(set)
        assert paid["item.transfer.low_income_allowance"] == of_kind["low_income"]
        assert paid["item.transfer.five_guarantee"] == of_kind["five_guarantee"]
        end = pd.Period(quarter).end_time
        old = set(people.loc[people["birth_date"] + pd.DateOffset(years=60) <= end, "household_id"])
        assert paid["item.transfer.pension"] == old
        wages = set().union(*(paid.get(f"item.wage.{name}", set()) for name in ("migrant", "local", "casual", "public_post")))
        assert wages == set(people.loc[people["work_months"] > 0, "household_id"])
        assert set(frames["income_items"]["household_id"]) == every


@pytest.mark.county
def test_moves_between_quarters(tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    before, after = (tables[quarter]["households"].set_index("household_id")["poverty_status"] for quarter in ("2017Q3", "2017Q4"))
    assert len(after.index.difference(before.index)) == 30
    assert len(before.index.difference(after.index)) > 0
    both = pd.concat([before, after], axis=1, join="inner", keys=["before", "after"])
    moves = both.value_counts().to_dict()
    assert moves["not_out", "out"] == 1674
    assert moves["out", "not_out"] == 6
    earlier, now = (tables[quarter]["persons"].set_index("person_id") for quarter in ("2017Q4", "2018Q1"))
    born = now.loc[now.index.difference(earlier.index)]
    gone = earlier.loc[earlier.index.difference(now.index)]
    assert len(born) == len(gone) == 24
    assert set(born["change"]) == {"newborn"}
    assert set(gone["change"]) == {"dead"}
    assert {"dead", "married_out", "moved_out"} <= set(now["change"].dropna())
    assert now["resident"].isna().sum() > 50
    statuses = (tables[quarter]["households"].set_index("household_id")["poverty_status"] for quarter in ("2017Q4", "2018Q1"))
    pd.testing.assert_series_equal(*statuses)


@pytest.mark.county
def test_guarantees(county: County, tables: dict[str, dict[str, pd.DataFrame]]) -> None:
    frames = tables["2018Q1"]
    households = frames["households"].set_index("household_id")
    housing, water = frames["housing"].set_index("household_id"), frames["water"].set_index("household_id")
    finished = housing["measure_finished"].fillna(False) & housing["housing_measure"].ne("none")
    danger = housing["housing_grade"].isin(["C", "D"]) & ~finished
    assert (households["dangerous_house"] == danger)[housing["housing_grade"].notna()].all()
    special = county.specials().groupby("special")["household_id"].apply(set)
    out = households["poverty_status"] == "out"
    assert set(households.index[danger & out]) == special["wrong_exit_house"]
    assert 400 < danger[~out].sum() < 1400
    safe = (water["litres_per_person_day"] >= 20) & (water["fetch_minutes"] <= 20) & (water["supply_days"] >= 0.9 * 365) & water["quality_ok"]
    assert safe[out].dropna().all()
    assert 0.03 < (~safe[~out].dropna().astype(bool)).mean() < 0.3
    insurance = frames["insurance"]
    bare = insurance[~insurance["basic_insurance"].isin(["resident", "employee"]) & insurance["insurance_exception"].isna()]
    assert not households.loc[bare["household_id"], "poverty_status"].eq("out").any()
    assert {"newborn", "soldier"} <= set(insurance["insurance_exception"].dropna())
    for name in ("housing", "water", "living"):
        blank = frames[name].isna().sum().drop("measure_finished", errors="ignore").max()
        assert 0 < blank < 60, name


# ---- files ---------------------------------------------------------------------------------------------------------------


def hashes(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_bytes_every_time(home: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, households=200, quarters=["2016Q4", "2018Q1"])
    first, second = hashes(home), hashes(tmp_path)
    # The notice and the nine ledgers of every quarter; the newest has more, which its notice lists.
    assert len(second) == 2 + len(files_of("2016Q4")) + len(files_of("2018Q1"))
    assert len(files_of("2016Q4")) == 9
    assert second == {name: digest for name, digest in first.items() if name in second}
    assert hashes(write_sample(tmp_path / "other", households=200, seed=7, quarters=["2018Q1"])[0]) != hashes(tmp_path / "data" / "2018Q1")


def test_another_process_writes_the_same_bytes(home: Path, tmp_path: Path) -> None:
    """The pool is for large counties; here it is asked for by hand."""
    from linwu_stats.synthetic import sample

    whole = sample.POOL_FROM_HOUSEHOLDS
    sample.POOL_FROM_HOUSEHOLDS = 1
    try:
        seen: list[tuple[int, int, str]] = []
        write_sample(tmp_path, households=200, quarters=["2017Q4", "2018Q1"], jobs=2, progress=lambda *step: seen.append(step))
    finally:
        sample.POOL_FROM_HOUSEHOLDS = whole
    second = hashes(tmp_path)
    assert second == {name: digest for name, digest in hashes(home).items() if name in second}
    assert [step[:2] for step in seen] == [(1, 3), (2, 3), (3, 3)]


def sheet_rows(path: Path) -> list[list]:
    return [list(row) for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]


@pytest.mark.parametrize(("quarter", "columns"), [("2017Q1", 32), ("2018Q1", 70)])
def test_person_export(home: Path, small: County, quarter: str, columns: int) -> None:
    rows = sheet_rows(home / "data" / quarter / "ledgers" / FILES["persons"])
    headings = rows[2]
    assert "示例数据" in rows[1][0]
    assert len(headings) == columns == len(set(headings))
    cells = [cell for row in rows[3:] for cell in row if cell is not None]
    assert all(isinstance(cell, str) for cell in cells)
    frames = small.tables(quarter)
    persons = frames["persons"].set_index("person_id")
    assert [row[headings.index("人编号")] for row in rows[3:]] == persons.index.tolist()
    stated = [row[headings.index("与户主关系")] for row in rows[3:]]
    assert stated == [CODES["relation"][relation] for relation in persons["relation"]]
    names = dict(zip(frames["villages"]["village_code"], frames["villages"]["village_name"], strict=True))
    where = {row[headings.index("户编号")]: (row[headings.index("乡(镇)")], row[headings.index("行政村")]) for row in rows[3:]}
    for row in frames["households"].itertuples():
        assert where[row.household_id] == (TOWNSHIPS[row.township_code], names[row.village_code])


def test_new_export_keeps_the_identity_of_transfers(home: Path) -> None:
    """转移性收入 is the sum of its six parts, 纯收入 the four classes less cost, as the form says."""
    rows = sheet_rows(home / "data" / "2018Q1" / "ledgers" / FILES["persons"])
    at = {heading: place for place, heading in enumerate(rows[2])}
    full = 0
    for row in rows[3:]:
        if row[at["纯收入(元)"]] is None:
            continue
        full += 1
        value = {name: Decimal(row[place]) for name, place in at.items() if row[place] is not None and ("收入" in name or name.endswith(("金", "支出")))}
        parts = ("计划生育金", "低保金", "五保金", "养老保险金", "生态补偿金", "其他转移性收入")
        assert value["转移性收入"] == sum(value[part] for part in parts)
        four = value["工资性收入"] + value["生产经营性收入"] + value["财产性收入"] + value["转移性收入"]
        assert value["纯收入(元)"] == four - value["生产经营性支出"] == value["年收入(元)"] - value["生产经营性支出"]
    assert full > 500


def test_other_ledgers(home: Path, small: County) -> None:
    folder = home / "data" / "2018Q1" / "ledgers"
    frames = small.tables("2018Q1")
    sheet = sheet_rows(folder / FILES["income_sheet"])
    example = ["户编号", "户主姓名", "身份证号", "乡镇", "行政村", "家庭人口", "工资性收入", "生产经营性收入", "财产性收入", "转移性收入", "生产经营性支出"]
    assert sheet[0] == [*example, "纯收入", "人均纯收入", "脱贫属性", "脱贫年月", "备注"]
    nets = [None if pd.isna(fen) else fen / 100 for fen in frames["income_sheet"]["net_fen"]]
    assert [row[11] for row in sheet[1:]] == nets
    for name, column in (("villages", "rural_population_persons"), ("water", "supply_days"), ("schooling", "person_id"), ("insurance", "person_id")):
        rows = sheet_rows(folder / FILES[name])
        place = {"villages": 6, "water": 6, "schooling": 1, "insurance": 1}[name]
        assert [row[place] for row in rows[1:]] == frames[name][column].tolist()
    grades = [row[4] for row in sheet_rows(folder / FILES["housing"])[1:]]
    assert set(grades) - {None} <= set(CODES["housing_grade"].values())
    raw = (folder / FILES["income_items"]).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.count(b"\r\n") == len(frames["income_items"]) + 1


def test_sample_notice_and_refusals(home: Path, tmp_path: Path) -> None:
    note = json.loads((home / "data" / "2018Q1" / "SAMPLE.json").read_text(encoding="utf-8"))
    assert "示例数据" in note["notice"]
    assert (note["households"], note["quarter"]) == (200, "2018Q1")
    assert sorted(note["files"]) == sorted(path.name for path in (home / "data" / "2018Q1" / "ledgers").iterdir())
    real = tmp_path / "data" / "2018Q1" / "ledgers"
    real.mkdir(parents=True)
    (real / "台账.xlsx").write_bytes(b"real")
    with pytest.raises(FileExistsError, match="不覆盖"):
        write_sample(tmp_path, households=200)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["2018Q1"]
    interrupted = tmp_path / "other" / "data" / "2018Q1" / "ledgers.part"
    interrupted.mkdir(parents=True)
    (interrupted / FILES["water"]).write_bytes(b"half")
    write_sample(tmp_path / "other", households=200, quarters=["2018Q1"])
    assert hashes(tmp_path / "other" / "data" / "2018Q1") == hashes(home / "data" / "2018Q1")
    with pytest.raises(ValueError, match="2019Q1"):
        write_sample(tmp_path, households=200, quarters=["2019Q1"])
    with pytest.raises(ValueError, match="60"):
        make_county(households=20)


def test_small_county_keeps_the_structure(small: County) -> None:
    frames = small.tables("2018Q1")
    assert len(frames["households"]) == 200
    assert frames["households"]["township_code"].nunique() == 13
    assert frames["villages"].groupby(["village_kind", "village_status"]).size().index.tolist() == [
        ("city", "not_out"), ("city", "out"), ("none", "not_poor"), ("province", "not_out"), ("province", "out"),
    ]
    assert frames["villages"]["rural_population_persons"].sum() == round(279229 * 200 / 8186)
    # In proportion 76.7 out before 2017, 40.9 in 2017 and 82.4 not: the two largest remainders are rounded up.
    assert frames["households"]["poverty_status"].value_counts().to_dict() == {"out": 118, "not_out": 82}


def test_no_stage_is_imported() -> None:
    """In a fresh interpreter the sample brings in the declarations of tables and nothing else of the package."""
    code = "import sys, linwu_stats.synthetic; print(*sorted(name for name in sys.modules if name.startswith('linwu_stats.')))"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True).stdout.split()
    assert {name.split(".")[1] for name in names} == {"synthetic", "tables"}


def test_prefecture(tmp_path: Path) -> None:
    files = write_prefecture(tmp_path, 250, quarters=("2017Q4", "2018Q1"), copy_of=200)
    households, persons, items = (pq.read_table(files[name]).to_pandas() for name in ("households", "persons", "income_items"))
    assert households["household_id"].is_unique
    assert len(households) == 250
    assert households["household_id"].iloc[-1] == "00431099000250"
    assert set(households["village_code"].str[:6]) == {"431002", "431003"}
    assert persons["person_id"].is_unique
    assert persons["person_id"].str[:14].eq(persons["household_id"]).all()
    assert set(persons["household_id"]) == set(households["household_id"]) == set(items["household_id"])
    assert not items.duplicated(["quarter", "line_id"]).any()
    first, second = (items[items["household_id"] == f"00431099{number:06d}"] for number in (1, 201))
    assert first["item_key"].tolist() == second["item_key"].tolist()
    assert first["amount_fen"].tolist() != second["amount_fen"].tolist()
    assert set(pq.read_table(files["villages"]).to_pandas()["village_code"].str[:6]) == {"431002", "431003"}
    with pytest.raises(ValueError, match="999,999"):
        write_prefecture(tmp_path, 1_000_000)
