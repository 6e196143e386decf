"""What is published of households and persons gives no small number away: worked by hand, by slow search, and on the sample."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

import linwu_stats
from linwu_stats.disclosure import open_cells, protect_rates
from linwu_stats.disclosure.audit import intervals
from linwu_stats.disclosure.suppress import small_cells, suppress
from linwu_stats.disclosure.system import System
from linwu_stats.publish import provenance, public

MINIMUM = {"households": 5, "persons": 5}


def two_way(numbers: list[list[int]], persons: int = 3) -> System:
    """A table of areas by groups with its totals; every household has ``persons`` persons."""
    system, table = System(), np.array(numbers)
    inside = [[system.add("verdict", f"a{row}", f"g{column}", int(n), int(n) * persons) for column, n in enumerate(line)] for row, line in enumerate(table)]
    of_rows = [system.add("status", f"a{row}", "all", int(n), int(n) * persons) for row, n in enumerate(table.sum(axis=1))]
    of_columns = [system.add("verdict", "county", f"g{column}", int(n), int(n) * persons) for column, n in enumerate(table.sum(axis=0))]
    everybody = system.add("status", "county", "all", int(table.sum()), int(table.sum()) * persons)
    for row, whole in enumerate(of_rows):
        system.tie(whole, inside[row])
    for column, whole in enumerate(of_columns):
        system.tie(whole, [line[column] for line in inside])
    system.tie(everybody, of_rows)
    system.tie(everybody, of_columns)
    return system


def searched(numbers: list[list[int]], hidden: set[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
    """Least and greatest whole number of each hidden cell of a small table, by trying all that fit the totals and are 1 or more."""
    table = np.array(numbers)
    cells = sorted(hidden)
    tops = [min(table[row].sum(), table[:, column].sum()) for row, column in cells]
    found = {cell: [10**9, -1] for cell in cells}
    for values in itertools.product(*(range(1, int(top) + 1) for top in tops)):
        trial = table.copy()
        for cell, value in zip(cells, values, strict=True):
            trial[cell] = value
        if (trial.sum(axis=0) == table.sum(axis=0)).all() and (trial.sum(axis=1) == table.sum(axis=1)).all():
            for cell, value in zip(cells, values, strict=True):
                found[cell] = [min(found[cell][0], value), max(found[cell][1], value)]
    return {cell: tuple(ends) for cell, ends in found.items()}


def test_one_small_cell_takes_three_others_with_it():
    # 2 stands alone in its row and column: hiding it alone gives it away, so a rectangle of four is needed.
    numbers = [[2, 30, 40], [20, 9, 50], [25, 35, 60]]
    system = two_way(numbers)
    plan = suppress(system, MINIMUM, 3)
    keys = list(system.keys)
    withheld = {keys[place] for place in np.flatnonzero(plan.withheld)}
    assert ("verdict", "a0", "g0") in withheld
    assert len(withheld) == 4
    assert not any(table == "status" or area == "county" for table, area, _ in withheld), "totals stay"
    assert not plan.open


@pytest.mark.parametrize("seed", range(12))
def test_interval_of_the_audit_is_that_of_a_slow_search(seed):
    draw = np.random.default_rng(seed)
    numbers = draw.integers(0, 9, size=(3, 3)).tolist()
    system = two_way(numbers)
    rows, columns = draw.choice(3, 2, replace=False), draw.choice(3, 2, replace=False)
    hidden = {(int(r), int(c)) for r in rows for c in columns if numbers[r][c] > 0}
    if not hidden:
        pytest.skip("all four are zero")
    withheld = np.zeros(len(system.keys), dtype=bool)
    for row, column in hidden:
        withheld[system.keys["verdict", f"a{row}", f"g{column}"]] = True
    expected = searched(numbers, hidden)
    for one in intervals(system, withheld, np.flatnonzero(withheld)):
        if one.measure == "households":
            _, area, group = list(system.keys)[one.place]
            assert (one.low, one.high) == pytest.approx(expected[int(area[1]), int(group[1])])


@pytest.mark.parametrize("seed", range(15))
def test_random_tables_are_protected(seed):
    draw = np.random.default_rng([seed, 7])
    numbers = draw.poisson(draw.choice([2, 8, 20], size=(8, 1)), size=(8, 5)).tolist()
    system = two_way(numbers, persons=1 + seed % 3)
    plan = suppress(system, MINIMUM, 3)
    small = small_cells(system, MINIMUM)
    assert (plan.withheld | ~small).all(), "no small cell is shown"
    left = [one for one in open_cells(system, plan.withheld, small, 3) if one.place not in plan.open]
    assert not left
    if small.any():
        assert open_cells(system, small, small, 3), "hiding the small cells alone would not do: the audit can fail"


def test_linked_tables_share_one_plan():
    # The same small group is in two tables that add up to the same total: what one table hides the other must not give.
    system = System()
    whole = [system.add("status", f"a{row}", "all", n, 2 * n) for row, n in enumerate((40, 60))]
    for table in ("food", "water"):
        good, bad = (37, 50), (3, 10)
        parts = [[system.add(table, f"a{row}", name, n[row], 2 * n[row]) for name, n in (("met", good), ("not_met", bad))] for row in (0, 1)]
        county = [system.add(table, "county", name, sum(n), 2 * sum(n)) for name, n in (("met", good), ("not_met", bad))]
        for row in (0, 1):
            system.tie(whole[row], parts[row])
        for number, place in enumerate(county):
            system.tie(place, [parts[0][number], parts[1][number]])
    plan = suppress(system, MINIMUM, 3)
    assert not open_cells(system, plan.withheld, small_cells(system, MINIMUM), 3)
    assert not plan.withheld[whole].any()


def test_zero_is_shown_and_an_unknown_number_of_persons_is_no_small_one():
    system = System()
    whole = system.add("status", "a", "all", 40, None)
    parts = [system.add("cause", "a", name, n, p) for name, n, p in (("illness", 0, 0), ("study", 20, None), ("land", 20, 70))]
    system.tie(whole, parts)
    plan = suppress(system, MINIMUM, 3)
    assert not plan.withheld.any()


def test_a_lone_group_that_cannot_be_protected_takes_its_table_with_it():
    system = System()
    whole = system.add("status", "county", "all", 300, 900)
    system.tie(whole, [system.add("village", "v", "poor", 3, 7), system.add("village", "t", "other", 297, 893)])
    plan = suppress(system, {"households": 5, "persons": 5}, 3)
    assert plan.withheld[1:].all()
    assert not open_cells(system, plan.withheld, small_cells(system, MINIMUM), 3)


@pytest.fixture(scope="module")
def quarter(small_home):
    return linwu_stats.open_quarter("2018Q1", home=small_home)


def test_sample_of_two_hundred_households_publishes_no_small_cell(quarter):
    cells = quarter.public_cells
    shown = cells[cells["mark"] == "shown"]
    for measure in ("households", "persons"):
        numbers = shown[measure].dropna()
        assert ((numbers == 0) | (numbers >= 5)).all()
    assert cells.loc[cells["mark"] == "withheld", ["households", "persons"]].isna().all(axis=None)
    public.check_plan(quarter)


def test_sizes_have_no_persons_since_both_would_give_two_equations_for_each_sum(quarter):
    # Two withheld sizes of 1 and of 3 with h1 + h3 and h1 + 3 h3 known would be solved exactly.
    cells = quarter.public_cells
    assert cells.loc[cells["public_table"] == "size", "persons"].isna().all()
    assert cells.loc[cells["public_table"] == "cause", "persons"].notna().any()


def test_published_numbers_are_those_of_the_register(quarter):
    cells = quarter.public_cells.set_index(["public_table", "area_code", "category"])
    households = quarter.households
    for code, part in households.groupby("township_code"):
        cell = cells.loc["status", code, "all"]
        assert cell["mark"] == "withheld" or cell["households"] == len(part)
    county = cells.loc["status", quarter.rules.value("area.county")["code"], "poor"]
    assert county["households"] == int(households["poverty_status"].isin(["not_out", "pre_out", "returned"]).sum())


def test_check_refuses_a_publication_that_hides_the_small_cells_only(quarter):
    cells = quarter.public_cells
    from linwu_stats.disclosure.system import counted

    tables = ("households", "headcounts", "household_exit", "household_income", "villages")
    system = counted({name: getattr(quarter, name) for name in tables}, quarter.rules, [code for code in quarter.area_names if len(code) == 9])
    small = small_cells(system, MINIMUM)

    class Tampered:
        rules, area_names, public_cells = quarter.rules, quarter.area_names, cells.assign(mark=np.where(small, "withheld", "shown"))

        def __getattr__(self, name):
            return getattr(quarter, name)

    with pytest.raises(public.DisclosureError, match="公开表中有小单元可被推算"):
        public.check_plan(Tampered())


def test_edition_lies_whole_in_one_folder_and_names_no_household(quarter, tmp_path):
    written = public.write_public(quarter, tmp_path, provenance.page_provenance(quarter))
    again = public.write_public(quarter, tmp_path / "again", provenance.page_provenance(quarter))
    assert [one["sha256"] for one in written] == [one["sha256"] for one in again]
    assert {path.name for path in (tmp_path / "public").iterdir()} == {one["file"].removeprefix("public/") for one in written}
    ids = set(quarter.households["household_id"])
    for one in written:
        path = tmp_path / one["file"]
        if path.suffix in (".html", ".csv", ".md"):
            text = path.read_text(encoding="utf-8-sig")
            assert not any(code in text for code in ids), path.name
            assert "../" not in text
    page = (tmp_path / "public" / "index.html").read_text(encoding="utf-8")
    assert "＊" in page
    assert "内部审核" not in page
    book = load_workbook(tmp_path / "public" / "tables.xlsx")
    assert {"目录", "说明"} <= set(book.sheetnames)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(min_row=4):
            for cell in row:
                if isinstance(cell.value, int) and sheet.title.startswith("表"):
                    assert cell.value == 0 or cell.value >= 5, f"{sheet.title} {cell.coordinate}"


def test_rate_of_a_tiny_group_is_withheld():
    from linwu_stats.disclosure.rates import public_rates

    class Rules:
        @staticmethod
        def value(key):
            return {
                "disclosure.indicators": {"indicators": ["mean_percapita_yuan", "headcount_ratio"]},
                "disclosure.cells": {"minimum_persons": 5},
                "disclosure.rates": {"minimum_denominator": 20, "dominant_households": 2, "dominant_share": 0.9}, "area.county": {"code": "431099"},
            }[key]

    rows = [("county", "431099", 300, 0.2), ("township", "431099001", 19, 0.5), ("township", "431099002", 81, 0.1), ("township", "431099003", 200, 0.2)]
    indicators = pd.DataFrame(
        [
            {
                "level": level, "area_code": code, "group_kind": "all", "group_value": "all", "period": "last4", "indicator": name, "value": value,
                "persons": persons, "unknown_persons": 0,
            }
            for level, code, persons, value in rows for name in ("mean_percapita_yuan", "headcount_ratio")
        ]
    )
    income = pd.DataFrame({
        "household_id": [f"h{n}" for n in range(60)], "period": "last4", "net_fen": pd.array([10_000_000, *[1] * 19, *[1000] * 40], dtype="Int64"),
    })
    towns = pd.DataFrame({"household_id": income["household_id"], "township_code": pd.array(["431099002"] * 20 + ["431099003"] * 40, dtype="string")})
    cells = pd.DataFrame({"public_table": ["line"], "area_code": ["431099003"], "mark": ["shown"]})
    found = public_rates(indicators, income, towns, cells, Rules()).set_index(["area_code", "indicator"])["mark"]
    assert found["431099001", "mean_percapita_yuan"] == "withheld", "19 persons"
    assert found["431099002", "mean_percapita_yuan"] == "withheld", "one household holds nearly all"
    assert found["431099003", "mean_percapita_yuan"] == "shown"
    assert found["431099", "mean_percapita_yuan"] == "withheld", "the same household holds nearly all of the county's"
    alone = public_rates(indicators, income.assign(net_fen=1000), towns, cells, Rules()).set_index(["area_code", "indicator"])["mark"]
    withheld = {area for (area, name), mark in alone.items() if name == "mean_percapita_yuan" and mark == "withheld"}
    assert withheld == {"431099001", "431099002"}, "one gap among averages that add up could be worked out: the next smallest goes too"
    rare = public_rates(indicators.assign(value=0.01), income.assign(net_fen=1000), towns, cells, Rules()).set_index(["area_code", "indicator"])["mark"]
    assert rare["431099003", "headcount_ratio"] == "withheld", "0.01 of 200 persons are two"
    assert rare["431099003", "mean_percapita_yuan"] == "shown"
    told = public_rates(indicators, income, towns, cells.assign(mark="withheld"), Rules()).set_index(["area_code", "indicator"])["mark"]
    assert told["431099003", "headcount_ratio"] == "withheld", "the rate would tell the count"
    assert told["431099003", "mean_percapita_yuan"] == "shown"


def test_a_mean_tells_no_number_of_persons(quarter):
    """A mean of whole fen over d persons, printed in full, is a whole number of fen times d only for the true d; rounded it is one for none or for many."""
    rates = quarter.public_rates
    for value in rates.loc[rates["indicator"].isin(["mean_percapita_yuan", "median_percapita_yuan"]), "value"].dropna():
        assert value == round(value)
    for value in rates.loc[~rates["indicator"].isin(["mean_percapita_yuan", "median_percapita_yuan"]), "value"].dropna():
        assert value == round(value, 3)
    assert set(rates.loc[rates["indicator"].isin(["headcount_ratio", "poverty_gap_index"]), "period"]) <= {"last4"}


def test_households_of_no_township_are_an_area_that_is_left_out():
    from linwu_stats.disclosure.rates import _further

    group = pd.DataFrame({"area_code": ["a", "b", "c"], "known_persons": [30, 50, 90], "value": [1.0, 2.0, 3.0], "withheld": [False] * 3})
    assert _further(group, 0, 20) == []
    assert _further(group, 1, 20) == [0], "one area of unknown township, so the smallest goes too"
    assert _further(group.assign(withheld=[True, False, False], known_persons=[4, 8, 90]), 0, 20) == [1, 2], "two with few persons are not enough"


def test_unknown_value_is_not_a_withheld_one():
    rows = pd.DataFrame({"area_code": ["a", "b"], "indicator": "gini", "period": "year", "value": [0.3, None], "withheld": [False, False]})
    assert protect_rates(rows)["mark"].tolist() == ["shown", "unknown"]
