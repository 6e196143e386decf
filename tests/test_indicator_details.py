"""Tables of detail: by hand on a handful of households, against the tables of a sample quarter, and bounds by trying every income."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from linwu_stats import open_quarter
from linwu_stats.indicators import detail, detail_changes, detail_parts, make_details
from linwu_stats.rules import rules_at
from linwu_stats.tables import conform

RULES = rules_at("2018-03-31")
COUNTY, NORTH, SOUTH = "431025", "431025100", "431025101"
CLASSES = ("wage_fen", "business_net_fen", "property_fen", "transfer_fen")


def tables(rows, period="last4", quarter="2018Q1"):
    """household: (township, persons, net in fen or None, cause)"""
    ids = [f"0043109900{place:04d}" for place in range(len(rows))]
    households = conform(pd.DataFrame({
        "household_id": ids, "township_code": [one[0] for one in rows], "village_code": [f"{one[0]}201" for one in rows], "cause": [one[3] for one in rows],
        "attribute": "general", "poverty_status": "not_out", "recorded_size_persons": [one[1] for one in rows],
    }), "households")
    headcounts = conform(pd.DataFrame({
        "household_id": ids, "headcount_rule": "x", "headcount_persons": [one[1] for one in rows], "registered_persons": [one[1] for one in rows],
    }), "headcounts")
    net = pd.array([one[2] for one in rows], dtype="Int64")
    income = conform(pd.DataFrame({
        "household_id": ids, "period": period, "first_quarter": quarter, "last_quarter": quarter, "quarters_expected": 4, "quarters_known": 4,
        "net_fen": net, "wage_fen": net, "business_net_fen": 0, "property_fen": 0, "transfer_fen": 0, "headcount_persons": [one[1] for one in rows],
    }), "household_income")
    return {"household_income": income, "households": households, "headcounts": headcounts}


def registers(rows, **options):
    found = tables(rows, **options)
    return detail.read_registers(found["household_income"], found["households"], found["headcounts"])


LINE = RULES.line_fen(2018)
#: North: two persons with half of the line each, one exactly on the line, three unknown. South: one with nothing, two far above.
ROWS = [(NORTH, 2, LINE, "illness"), (NORTH, 1, LINE, "study"), (NORTH, 3, None, "study"), (SOUTH, 1, 0, "illness"), (SOUTH, 2, 8 * LINE, None)]
YEARS = {"last4": 2018, "year": 2017}


def test_bounds_by_hand():
    found = detail.make_bounds(registers(ROWS), RULES, line_year=YEARS).set_index(["level", "area_code", "period", "indicator"])
    north = found.loc[("township", NORTH, "last4", "headcount_ratio")]
    assert (north["value"], north["low"], north["high"]) == (2 / 3, 2 / 6, 5 / 6)
    assert (north["sampling_error"], north["basis"], north["unknown_households"], north["unknown_persons"]) == (0.0, "line", 1, 3)
    gap = found.loc[("township", NORTH, "last4", "poverty_gap_index")]
    assert (gap["value"], gap["low"], gap["high"]) == pytest.approx((1 / 3, 1 / 6, 4 / 6))
    assert tuple(found.loc[("township", NORTH, "last4", "persons_below"), ["value", "low", "high"]]) == (2.0, 2.0, 5.0)
    mean = found.loc[("township", NORTH, "last4", "mean_percapita_yuan")]
    assert (mean["value"], mean["low"], mean["high"]) == pytest.approx((LINE * 2 / 300, LINE * 2 / 600, (LINE * 2 + 3 * 4 * LINE) / 600))
    south = found.loc[("township", SOUTH, "last4", "headcount_ratio")]
    assert (south["value"], south["low"], south["high"], south["basis"]) == (1 / 3, 1 / 3, 1 / 3, "none")
    empty = next(code for code in sorted(found.index.get_level_values("area_code")) if len(code) == 9 and code not in (NORTH, SOUTH))
    assert found.loc[("township", empty, "last4", "headcount_ratio"), "reason_code"] == "empty_group"
    assert pd.isna(found.loc[("county", COUNTY, "year", "headcount_ratio"), "value"])  # nothing known of the year: no number, a reason
    assert found.loc[("county", COUNTY, "year", "headcount_ratio"), "reason_code"] == "all_unknown"


def test_persons_that_nobody_counted_leave_no_bounds():
    found = tables(ROWS)
    heads = pd.array([2, 1, None, 1, 2], dtype="Int64")
    lost = found["headcounts"].assign(headcount_persons=heads, registered_persons=heads)
    income = found["household_income"].assign(headcount_persons=lost["headcount_persons"])
    households = found["households"].assign(recorded_size_persons=lost["headcount_persons"])
    table = detail.make_bounds(detail.read_registers(income, households, lost), RULES, line_year=YEARS).set_index(["area_code", "period", "indicator"])
    row = table.loc[(NORTH, "last4", "headcount_ratio")]
    assert row["value"] == 2 / 3
    assert pd.isna(row["low"])
    assert row["reason_code"] == "headcount_unknown"


def slow_gini(values) -> float:
    return float(np.abs(np.subtract.outer(values, values)).sum() / len(values) ** 2 / (2 * np.mean(values)))


@pytest.mark.parametrize("seed", range(6))
def test_the_range_of_the_gini_holds_for_every_income(seed):
    rng = np.random.default_rng(seed)
    known, mass, highest = np.sort(rng.integers(0, 40, 4)).astype(float) + 1, 3, 50.0
    low, high = detail.gini_range(np.ones(4, dtype=np.int64), known, mass, highest)
    tried = [slow_gini([*known, *unknown]) for unknown in itertools.product(np.linspace(0, highest, 26), repeat=mass)]
    assert low <= min(tried) + 1e-12
    assert high == pytest.approx(max(tried), abs=1e-12)
    same = [slow_gini([*known, *[one] * mass]) for one in [*known, 0.0, highest]]
    assert low == pytest.approx(min(same), abs=1e-12)


def test_groups_by_hand():
    found = detail_parts.make_subgroups(registers(ROWS), RULES, line_year=YEARS)
    county = found[(found["level"] == "county") & (found["period"] == "last4") & (found["group_kind"] == "cause")].set_index(["group_value", "measure"])
    # Six known persons; poor are two of illness with a gap of 1/2 and one of illness with a gap of 1.
    assert county.loc[("illness", "fgt0"), "value"] == 1.0
    assert county.loc[("illness", "fgt1"), "value"] == pytest.approx(2 / 3)
    assert county.loc[("illness", "fgt1_share"), "value"] == pytest.approx(1.0)
    assert county.loc[("study", "fgt0"), "value"] == 0.0
    assert county.loc[("unknown", "persons_share"), "value"] == pytest.approx(2 / 6)
    assert (county.loc[("study", "fgt0"), "households"], county.loc[("study", "fgt0"), "unknown_persons"]) == (2, 3)
    assert county.loc[("all", "ge0"), "reason_code"] == "nonpositive_income"
    assert county.loc[("all", "gini"), "value"] == pytest.approx(sum(county.loc[(one, "gini"), "value"] for one in ("within", "between", "residual")))


def test_sources_by_hand():
    found = detail_parts.make_sources(registers(ROWS), RULES).set_index(["area_code", "period", "source"])
    row = found.loc[(COUNTY, "last4", "wage")]
    values = [LINE / 2, LINE / 2, LINE, 0, 4 * LINE, 4 * LINE]
    assert row["contribution"] == pytest.approx(slow_gini(values))
    assert (row["income_share"], row["elasticity"]) == pytest.approx((1.0, 0.0))
    assert pd.isna(found.loc[(COUNTY, "last4", "property"), "gini"])
    assert found.loc[(COUNTY, "last4", "property"), "reason_code"] == "mean_not_positive"


def test_growth_against_a_year_ago():
    now, ago = registers(ROWS), registers([(*one[:2], None if one[2] is None else one[2] // 2, one[3]) for one in ROWS], quarter="2017Q1")
    changes = detail_changes.make_changes(now, {}, RULES, line_year=YEARS, year_ago=ago)
    rows = changes[(changes["area_code"] == COUNTY) & (changes["period"] == "last4") & (changes["measure"] == "fgt1")].set_index(["kind", "factor"])
    assert rows["line_now_fen"].unique().tolist() == [LINE]
    assert rows["line_before_fen"].unique().tolist() == [RULES.line_fen(2017)]
    value = rows["value"]
    for kind, parts in (("growth", ("growth", "redistribution", "line", "residual")), ("shapley", ("growth", "redistribution", "line"))):
        assert sum(value[kind, one] for one in parts) == pytest.approx(value[kind, "change"], abs=1e-15)
    assert value["shapley", "redistribution"] == pytest.approx(0, abs=1e-12)  # every income doubled
    assert value["growth", "before"] == pytest.approx(np.mean([max(1 - y / 2 / RULES.line_fen(2017), 0) for y in
                                                               (LINE / 2, LINE / 2, LINE, 0, 4 * LINE, 4 * LINE)]), abs=1e-4)
    curve = detail_changes.make_lorenz(now, RULES, year_ago=ago)
    curve = curve[(curve["area_code"] == SOUTH) & (curve["period"] == "last4") & curve["growth"].notna()]
    assert curve["growth"].tolist() == pytest.approx([1.0] * len(curve), abs=1e-4)
    assert changes.loc[changes["period"] == "year", "reason_code"].unique().tolist()[0] in ("all_unknown", "empty_group")


def test_nothing_is_set_against_a_year_that_is_not_there():
    assert detail_changes.make_changes(registers(ROWS), {}, RULES, line_year=YEARS).empty


def test_a_sample_quarter_agrees_with_its_other_tables(small_home):
    q = open_quarter("2018Q1", home=small_home)
    keys = ["level", "area_code", "period", "indicator"]
    bounds, known = q.indicator_bounds.set_index(keys), q.indicators[q.indicators["group_kind"] == "all"].set_index(keys)
    shared = [key for key in bounds.index if key in known.index]
    assert len(shared) > 400
    both = bounds.loc[shared].join(known.loc[shared], suffixes=("", "_made"))
    assert both["value"].isna().equals(both["value_made"].isna())
    assert np.allclose(both["value"].astype(float), both["value_made"].astype(float), rtol=1e-12, equal_nan=True)
    assert both["unknown_persons"].equals(both["unknown_persons_made"])
    inside = both.dropna(subset=["value", "low", "high"])
    assert ((inside["low"] <= inside["value"] + 1e-9) & (inside["value"] <= inside["high"] + 1e-9)).all()
    gini = q.indicator_sources[q.indicator_sources["source"] == "whole"].set_index(["level", "area_code", "period"])["gini"]
    parts = q.indicator_sources[q.indicator_sources["source"] != "whole"].groupby(["level", "area_code", "period"])["contribution"].sum(min_count=4)
    assert np.allclose(parts.reindex(gini.index).astype(float), gini.astype(float), equal_nan=True)
    exits = q.indicator_changes[(q.indicator_changes["kind"] == "exits") & (q.indicator_changes["level"] == "county")]
    verdicts = q.household_exit.merge(q.households[["household_id", "poverty_status"]])
    for measure, rows in (("all", verdicts), ("poor", verdicts[verdicts["poverty_status"].isin(["not_out", "pre_out", "returned"])])):
        part = exits[exits["measure"] == measure].set_index("factor")["value"]
        assert part["now"] == (rows["verdict"] == "meets_exit").sum()
        assert part["before"] + part.drop(["before", "now", "change"]).sum() == pytest.approx(part["now"], abs=1e-9)


def test_several_lacks_counted_again_by_a_plain_loop(small_home):
    q = open_quarter("2018Q1", home=small_home)
    weights = {"education": 3, "medical": 3, "housing": 3, "food": 1, "clothing": 1, "water": 1}  # twelfths; the cutoff is three of them
    persons = dict(zip(q.headcounts["household_id"], q.headcounts["registered_persons"], strict=True))
    low = high = total = 0
    for row in q.household_exit.to_dict("records"):
        heads = persons[row["household_id"]]
        sure = sum(weight for name, weight in weights.items() if row[name] == "not_met")
        may = sum(weight for name, weight in weights.items() if row[name] not in ("met", "not_met"))
        total, low, high = total + heads, low + heads * (sure >= 3), high + heads * (sure + may >= 3)
    table = q.indicator_multidimensional
    found = table[(table["level"] == "county") & (table["measure"] == "H")].iloc[0]
    assert (found["low"], found["high"]) == pytest.approx((low / total, high / total))


def test_all_tables_at_once_change_nothing(small_home):
    q = open_quarter("2018Q1", home=small_home)
    given = {name: getattr(q, name) for name in ("household_income", "households", "headcounts", "household_exit")}
    before = {name: frame.copy(deep=True) for name, frame in given.items()}
    made = make_details(given, q.rules, line_year=q.line_years)
    assert set(made) == {f"indicator_{one}" for one in ("bounds", "sources", "subgroups", "changes", "multidimensional", "lorenz")}
    for name, frame in before.items():
        pd.testing.assert_frame_equal(given[name], frame)
