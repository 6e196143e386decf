"""Full-year estimates: shares and shrinkage worked out with a pencil, properties, and a county whose rest of the year is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linwu_stats.income import account, estimate
from linwu_stats.income.estimate import growth as growth_room
from linwu_stats.income.estimate.growth import one_way, own_growth, recent_weights
from linwu_stats.income.estimate.households import _quantile
from linwu_stats.income.estimate.outlook import span_of
from linwu_stats.rules import LawError, rules_at
from linwu_stats.synthetic import make_county
from linwu_stats.synthetic.futures import FUTURE_QUARTERS, Shock, make_future
from linwu_stats.tables import empty

RULES = rules_at("2018-09-30")
LAST = ("2016Q4", "2017Q1", "2017Q2", "2017Q3")
THIS = ("2017Q4", "2018Q1", "2018Q2", "2018Q3")
RICE, WAGE, PENSION, COST, ONCE = "item.business.rice", "item.wage.migrant", "item.transfer.pension", "item.cost.planting", "item.transfer.farm_subsidy"

#: One household's year, by item: rice in autumn, wages, a pension, costs in spring, a subsidy once.
YEAR = {RICE: (600, 0, 0, 400), WAGE: (1000, 500, 1000, 1000), PENSION: (255, 255, 255, 255), COST: (50, 300, 400, 250), ONCE: (0, 0, 300, 0)}


def household(number: int) -> str:
    return f"00431099{number:06d}"


def village(number: int) -> tuple[str, str]:
    township = f"43102510{number // 10 % 5}"
    return township, f"{township}{201 + number // 5 % 2}"


def ledger(years: dict[int, dict[str, dict[str, tuple]]]) -> dict[str, pd.DataFrame]:
    """Lines and quarterly incomes through the accounts: household -> first quarter of a year -> item -> yuan in its four quarters (None: unknown)."""
    lines = []
    for number, of_years in years.items():
        for first, items in of_years.items():
            quarters = LAST if first == LAST[0] else THIS
            for key, amounts in items.items():
                for quarter, yuan in zip(quarters, amounts, strict=False):
                    if yuan != 0:
                        lines.append((household(number), quarter, key, pd.NA if yuan is None else round(yuan * 100)))
    items = pd.DataFrame(lines, columns=["household_id", "quarter", "item_key", "amount_fen"])
    items["line_id"] = [f"line-{place}" for place in range(len(items))]
    items = items.assign(in_kind=False, quantity_milli=pd.NA, recorded_price_fen=pd.NA, note="")
    items = items.astype({"household_id": "string", "amount_fen": "Int64", "quantity_milli": "Int64", "recorded_price_fen": "Int64", "in_kind": "boolean"})
    amounts = account.account_items(items, RULES)
    ids = pd.array([household(number) for number in sorted(years)], dtype="string")
    heads = pd.DataFrame({"household_id": ids, "headcount_rule": "headcount.registered", "headcount_persons": 1, "registered_persons": 1, "reason_code": pd.NA})
    heads = heads.astype({"headcount_persons": "Int64", "registered_persons": "Int64"})
    quarters = sorted(set(items["quarter"]))
    incomes = [account.account_households(amounts, empty("income_sheet"), heads, RULES, quarter, periods=("quarter",)) for quarter in quarters]
    households = pd.DataFrame({
        "household_id": ids, "township_code": [village(number)[0] for number in sorted(years)],
        "village_code": [village(number)[1] for number in sorted(years)], "attribute": "general", "cause": "illness", "poverty_status": "not_out",
    })
    return {"item_amounts": amounts, "quarter_income": pd.concat(incomes, ignore_index=True), "headcounts": heads, "households": households}


def estimated(frames: dict[str, pd.DataFrame], quarter: str, rules=RULES, **others) -> dict[str, pd.DataFrame]:
    return estimate.estimate_year(**frames, rules=rules, quarter=quarter, **others)


def row(tables: dict[str, pd.DataFrame], number: int, method: str = "model") -> pd.Series:
    found = tables["income_estimates"]
    return found[(found["household_id"] == household(number)) & (found["method"] == method)].iloc[0]


def scaled(factor: float, items: dict[str, tuple] = YEAR, quarters: int = 4) -> dict[str, tuple]:
    return {key: tuple(None if yuan is None else yuan * factor for yuan in amounts[:quarters]) for key, amounts in items.items()}


def alike(number: int = 60, quarters: int = 2, growth: float = 1.1, noise: float = 0.0) -> dict[int, dict[str, dict[str, tuple]]]:
    """Households of many sizes that all have the same seasons and all grow alike but for some noise, their pension unchanged."""
    years = {}
    for place in range(1, number + 1):
        size = 1 + place % 7 / 4
        last = scaled(size) | {PENSION: YEAR[PENSION]}
        this = scaled(size * growth, quarters=quarters) | {PENSION: YEAR[PENSION][:quarters], ONCE: scaled(size, quarters=quarters)[ONCE]}
        for at, (key, amounts) in enumerate(this.items()):
            if key not in (PENSION, ONCE):
                this[key] = tuple(yuan * (1 + noise * ((place * 37 + at * 5 + part * 11) % 13 - 6) / 6) for part, yuan in enumerate(amounts))
        years[place] = {LAST[0]: last, THIS[0]: this}
    return years


# --- pencil and paper ------------------------------------------------------------------------------------------------------------------------------


def test_group_effects_are_the_shrunk_means_of_the_analysis_of_variance():
    # Two groups of two: means 3 and 7, grand mean 5. MSB = 2(2² + 2²)/1 = 16, MSW = (1 + 1 + 1 + 1)/2 = 2, n0 = (4 − 8/4)/1 = 2.
    effects, between, within = one_way(np.array([2.0, 4.0, 6.0, 8.0]), np.array([0, 0, 1, 1]), 3)
    assert (between, within) == (7.0, 2.0)
    # 7 / (7 + 2/2) = 7/8 of each mean, nothing for the group without values.
    assert effects == pytest.approx([3 * 7 / 8, 7 * 7 / 8, 0.0])


def test_groups_no_more_different_than_chance_have_no_effect():
    effects, between, _ = one_way(np.array([1.0, -1.0, 1.0, -1.0]), np.array([0, 0, 1, 1]), 2)
    assert between == 0.0
    assert list(effects) == [0.0, 0.0]


def test_group_variance_agrees_with_a_mixed_model():
    from statsmodels.regression.mixed_linear_model import MixedLM

    random = np.random.default_rng(7)
    group = np.repeat(np.arange(60), 12)
    values = random.normal(0, 0.5, 60)[group] + random.normal(0, 1.0, len(group))
    fitted = MixedLM(values, np.ones((len(group), 1)), group).fit(reml=True)
    effects, between, within = one_way(values - float(fitted.fe_params[0]), group, 60)
    # A balanced layout: REML and the moments are the same estimator.
    assert between == pytest.approx(float(fitted.cov_re[0, 0] if isinstance(fitted.cov_re, np.ndarray) else fitted.cov_re.iloc[0, 0]), rel=1e-3)
    assert within == pytest.approx(fitted.scale, rel=1e-3)
    assert effects == pytest.approx([float(np.ravel(fitted.random_effects[place])[0]) for place in range(60)], abs=2e-3)


def test_a_households_growth_is_shrunk_by_what_lasts():
    frames = ledger({1: {LAST[0]: {WAGE: (100, 100, 100, 100)}, THIS[0]: {WAGE: (150,)}}})
    cells = estimate.make_cells(frames["item_amounts"], frames["quarter_income"], frames["households"], sorted({*LAST, THIS[0]}))
    this, last = cells.year(list(THIS))[0], cells.year(list(LAST))[0]
    given_growth = growth_room.Growth(np.array([1.1]), np.array([0.03]), np.array([0.01]), np.zeros(5))
    rate, left = own_growth(this, last, [0], cells, given_growth, estimate.read_settings(RULES))
    # w = 0.03 / (0.03 + 0.01) = 3/4 of the 0.4 beyond 1.1.
    assert rate == pytest.approx([1.1 + 0.75 * 0.4])
    assert left == pytest.approx([0.25])


def test_recent_quarters_weigh_more():
    assert list(recent_weights(3, estimate.read_settings(RULES))) == [0.25, 0.5, 1.0]


def test_the_quantile_of_few_errors_is_corrected():
    # Of nine errors the upper tenth is the ninth, not the eighth and a half: (9 + 1) × 0.9 = 9.
    assert _quantile(np.arange(1.0, 10.0), 0.9) == 9.0
    assert _quantile(np.arange(1.0, 10.0), 0.1) == 1.0


def test_the_model_finds_a_year_that_only_grew():
    tables = estimated(ledger(alike()), "2018Q1")
    # Household 7 has size 1 (7 % 7 = 0): wages and rice less costs 3,500 + 1,000 − 1,000, grown by a tenth; pension 1,020; the subsidy 300 is still to come.
    true = (3500 + 1000 - 1000) * 110 + 1020 * 100 + 300 * 100
    found = row(tables, 7)
    assert found["fallback"] == "own_year"
    # Sixty households know their items' growth nearly, not wholly: it is blended with a weight of twenty that only half follow their class.
    assert abs(found["estimate_fen"] - true) <= 0.002 * true


def test_the_simple_methods_by_hand():
    tables = estimated(ledger(alike()), "2018Q1")
    # Household 7 so far: wages 1,650, rice 660, pension 510, costs 385: net 2,435 yuan.
    assert row(tables, 7, "times_four")["estimate_fen"] == 2 * 243_500
    assert row(tables, 7, "last_year")["estimate_fen"] == (3500 + 1000 + 1020 + 300 - 1000) * 100
    # By class: wage 1,650 × 3,500/1,500; business 660 × 1,000/600; transfer 510 × 1,320/510; cost 385 × 1,000/350.
    assert row(tables, 7, "last_year_shares")["estimate_fen"] == round((1650 * 3500 / 1500 + 1100 + 1320 - 1100) * 100)
    assert row(tables, 7, "times_four")["low80_fen"] is pd.NA


def test_a_class_that_last_year_brought_nothing_by_now_adds_last_years_rest():
    years = alike(30, quarters=1)
    years[31] = {LAST[0]: {WAGE: (1000, 0, 0, 0), RICE: (0, 0, 0, 800), PENSION: YEAR[PENSION]}, THIS[0]: {WAGE: (1200,), PENSION: (300,)}}
    assert row(estimated(ledger(years), "2017Q4"), 31, "last_year_shares")["estimate_fen"] == (1200 + 800 + 4 * 300) * 100


def test_without_a_ledger_of_last_year_the_seasons_are_those_of_the_law():
    years = {place: {THIS[0]: {RICE: (600,), PENSION: (255,)}} for place in range(1, 4)}
    found = row(estimated(ledger(years), "2017Q4"), 1)
    # Rice by rule 60 : 0 : 0 : 40, a pension a quarter each time.
    assert found["estimate_fen"] == 600 * 100 * 100 // 60 + 4 * 25_500
    assert (found["fallback"], found["interval_basis"]) == ("law", "assumed")
    assert found["low80_fen"] < found["estimate_fen"] < found["high80_fen"]
    assert row(estimated(ledger(years), "2017Q4"), 1, "last_year")["reason_code"] == "no_last_year"


def test_a_new_household_falls_back_on_its_group_and_says_so():
    years = alike()
    years[99] = {THIS[0]: {WAGE: (1000, 500), PENSION: (255, 255)}}
    found = row(estimated(ledger(years), "2018Q1"), 99)
    # Last year everybody earned 2,000 after 1,500; the pension goes on; in the rest of last year subsidies came without a sign before (300 × mean size).
    mean_size = np.mean([1 + place % 7 / 4 for place in range(1, 61)])
    expected = 1500 + 1500 * 2000 / 1500 + 4 * 255 + 300 * mean_size
    assert found["fallback"] == "group"
    assert found["estimate_fen"] == pytest.approx(expected * 100, rel=0.02)
    own = row(estimated(ledger(years), "2018Q1"), 7)
    assert found["high80_fen"] - found["low80_fen"] > own["high80_fen"] - own["low80_fen"]


# --- unknowns --------------------------------------------------------------------------------------------------------------------------------------


def test_an_unknown_amount_is_never_nothing():
    years = alike(noise=0.1)
    years[7][THIS[0]][WAGE] = (years[7][THIS[0]][WAGE][0], None)
    known, unknown = row(estimated(ledger(alike(noise=0.1)), "2018Q1"), 7), row(estimated(ledger(years), "2018Q1"), 7)
    assert unknown["reason_code"] == "amount_unknown"
    assert unknown["estimate_fen"] == pytest.approx(known["estimate_fen"], rel=0.05)
    assert unknown["high95_fen"] - unknown["low95_fen"] > known["high95_fen"] - known["low95_fen"]
    assert unknown["received_fen"] is pd.NA
    assert row(estimated(ledger(years), "2018Q1"), 7, "times_four")["estimate_fen"] is pd.NA


def test_an_unknown_amount_that_nothing_can_stand_for_leaves_the_year_unknown():
    years = alike()
    years[7][THIS[0]]["item.business.trade"] = (0, None)
    found = row(estimated(ledger(years), "2018Q1"), 7)
    assert found["fallback"] == "none"
    assert found[["estimate_fen", "low80_fen", "percapita_fen", "pass_share"]].isna().all()
    assert found["reason_code"] == "amount_unknown"


def test_a_missing_quarter_of_a_new_household_leaves_the_year_unknown():
    years = alike()
    years[99] = {THIS[0]: {WAGE: (0, 500)}}
    found = row(estimated(ledger(years), "2018Q1"), 99)
    assert (found["fallback"], found["reason_code"]) == ("none", "quarter_missing")
    assert found["estimate_fen"] is pd.NA


def test_an_unknown_amount_of_last_year_is_filled_and_marked():
    years = alike()
    years[7][LAST[0]][WAGE] = (1000, 500, None, 1000)
    found = row(estimated(ledger(years), "2018Q1"), 7)
    assert found["reason_code"] == "part_estimated"
    assert found["estimate_fen"] > 1.6 * 243_500
    assert row(estimated(ledger(years), "2018Q1"), 7, "last_year")["estimate_fen"] is pd.NA


def test_head_counts_that_are_unknown_or_nought_have_no_probability():
    frames = ledger(alike())
    heads = frames["headcounts"].copy()
    heads.loc[heads["household_id"] == household(1), "headcount_persons"] = pd.NA
    heads.loc[heads["household_id"] == household(2), "headcount_persons"] = 0
    tables = estimated(frames | {"headcounts": heads}, "2018Q1")
    for number, reason in ((1, "headcount_unknown"), (2, "headcount_zero")):
        found = row(tables, number)
        assert found[["percapita_fen", "pass_share"]].isna().all()
        assert found["estimate_fen"] > 0
        assert found["reason_code"] == reason
    areas = tables["estimate_areas"]
    county = areas[(areas["level"] == "county") & (areas["group_kind"] == "all")].iloc[0]
    assert (county["households"], county["unknown_households"]) == (58, 2)


# --- the whole year --------------------------------------------------------------------------------------------------------------------------------


def test_after_four_quarters_the_estimate_is_the_account():
    line = RULES.line_fen(2018)
    years = {place: {THIS[0]: {WAGE: (0.25 * line / 100 + extra,) + (0.25 * line / 100,) * 3}} for place, extra in ((1, -0.01), (2, 0), (3, 0.01))}
    tables = estimated(ledger(years), "2018Q3")
    for number, net, passes in ((1, line - 1, 0.0), (2, line, 0.0), (3, line + 1, 1.0)):
        found = row(tables, number)
        assert [found[name] for name in ("estimate_fen", "low80_fen", "high80_fen", "low95_fen", "high95_fen", "received_fen")] == [net] * 6
        assert found["pass_share"] == passes  # the sign of exit.household.income is >
        assert (found["fallback"], found["interval_basis"]) == ("complete", "complete")
        assert row(tables, number, "times_four")["estimate_fen"] == net
    areas = tables["estimate_areas"].query("level == 'county' and group_kind == 'all'").set_index("measure")
    assert list(areas.loc["persons_below", ["value", "low95", "high95"]]) == [2.0, 2.0, 2.0]


def test_the_margin_of_the_county_moves_the_line(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "- key: exit.household.income\n  term: 标准\n  unit: criterion\n  values:\n    - from: 2016-04-23\n      value: {sign: '>=', margin_share: 0.1}\n"
        "      status: to_confirm\n      document: 县文件\n", encoding="utf-8",
    )
    rules = rules_at("2018-09-30", tmp_path)
    line = rules.line_fen(2018)
    asked = line * 11 // 10
    years = {place: {THIS[0]: {WAGE: ((asked + extra) / 100, 0.01, 0, 0), PENSION: (0, 0, 0.01, 0.01)}} for place, extra in ((1, -4), (2, -3))}
    tables = estimated(ledger(years), "2018Q3", rules=rules)
    assert row(tables, 1)["pass_share"] == 0.0
    assert row(tables, 2)["pass_share"] == 1.0


def test_a_calendar_year_has_its_own_quarters(tmp_path):
    assert span_of("2018Q1", RULES) == (list(THIS), 2)
    (tmp_path / "own.yaml").write_text(
        "- key: period.rule\n  term: 核算年度口径\n  unit: choice\n  values:\n    - {from: 2014-01-01, value: calendar, status: to_confirm, document: 县}\n",
        encoding="utf-8",
    )
    assert span_of("2018Q1", rules_at("2018-03-31", tmp_path)) == (["2018Q1", "2018Q2", "2018Q3", "2018Q4"], 1)


def test_nothing_after_the_quarter_is_looked_at():
    frames = ledger(alike(quarters=4))
    early = {name: frame[~frame["quarter"].isin(THIS[2:])] if name == "item_amounts" else frame for name, frame in frames.items()}
    early["quarter_income"] = frames["quarter_income"][~frames["quarter_income"]["last_quarter"].isin(THIS[2:])]
    for name, table in estimated(frames, "2018Q1").items():
        pd.testing.assert_frame_equal(table, estimated(early, "2018Q1")[name])


# --- properties ------------------------------------------------------------------------------------------------------------------------------------


def test_the_order_of_households_does_not_matter():
    frames = ledger(alike())
    turned = {name: frame.iloc[::-1].reset_index(drop=True) for name, frame in frames.items()}
    for name, table in estimated(frames, "2018Q1").items():
        pd.testing.assert_frame_equal(table, estimated(turned, "2018Q1")[name])


def test_inputs_are_not_changed():
    frames = ledger(alike(20))
    copies = {name: frame.copy(deep=True) for name, frame in frames.items()}
    estimated(frames, "2018Q1")
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, copies[name])


@settings(max_examples=4, deadline=None, derandomize=True)
@given(number=st.integers(1, 30), more=st.integers(1, 3000), item=st.sampled_from([WAGE, RICE, PENSION, ONCE]), place=st.integers(0, 1))
def test_a_richer_quarter_never_lowers_the_estimate(number, more, item, place):
    years = alike(30, noise=0.1)
    before = row(estimated(ledger(years), "2018Q1"), number)["estimate_fen"]
    amounts = list(years[number][THIS[0]][item])
    amounts[place] += more
    years[number][THIS[0]][item] = tuple(amounts)
    assert row(estimated(ledger(years), "2018Q1"), number)["estimate_fen"] >= before


def test_intervals_are_nested_and_hold_the_estimate():
    found = estimated(ledger(alike(quarters=1, growth=1.3)), "2017Q4")["income_estimates"].query("method == 'model'")
    for left, right in (("low95_fen", "low80_fen"), ("low80_fen", "estimate_fen"), ("estimate_fen", "high80_fen"), ("high80_fen", "high95_fen")):
        assert (found[left] <= found[right]).all()
    assert found["pass_share"].between(0, 1).all()


def test_the_same_seed_gives_the_same_areas_and_another_others():
    frames = ledger(alike(noise=0.2))
    first, again, other = (estimated(frames, "2018Q1", seed=seed)["estimate_areas"] for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["low80"].equals(other["low80"])


@pytest.mark.parametrize(("old", "new"), [
    ("rice: [60, 0, 0, 40]", "rice: [60, 0, 0, 50]"), ("draws: 400", "draws: 10"), ("[model, last_year_shares, last_year, times_four]", "[times_four]"),
    ("ratio_cap: 3", "ratio_cap: 0.5"), ("rate_quarter: Q1", "rate_quarter: Q5"), ("cells_min: 20", "cell_min: 20"),
])
def test_rules_that_would_mislead_are_refused(old, new, tmp_path):
    from linwu_stats.rules import LAW_FOLDER

    text = (LAW_FOLDER / "estimates.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "own.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(LawError):
        rules_at("2018-03-31", tmp_path)


# --- counties whose rest of the year is known ------------------------------------------------------------------------------------------------------


def county_frames(shocks=(), households: int = 400, seed: int = 5, earlier: bool = False):
    county = make_county(seed, households)
    future = make_future(county, shocks, seed=seed, earlier=earlier)
    tables = county.tables("2018Q1")
    heads = account.count_heads(tables["households"], tables["persons"], RULES)
    everybody = pd.DataFrame({"household_id": pd.array([row.household_id for row in county.households], dtype="string"), "headcount_persons": 1})
    amounts = {quarter: account.account_items(future.income_items(quarter), RULES) for quarter in future.lines}
    incomes = [
        account.account_households(lines, empty("income_sheet"), everybody.astype({"headcount_persons": "Int64"}), RULES, quarter, periods=("quarter",))
        for quarter, lines in amounts.items()
    ]
    return future, {
        "item_amounts": pd.concat(amounts.values(), ignore_index=True), "quarter_income": pd.concat(incomes, ignore_index=True), "headcounts": heads,
        "households": tables["households"],
    }


def test_a_county_of_three_hundred_is_estimated_as_well_as_it_says():
    future, frames = county_frames(households=300)
    tables = estimated(frames, "2018Q1")
    truth = future.true_year(2018).rename(columns={"net_fen": "true_fen"})
    found = tables["income_estimates"].merge(truth, on="household_id").dropna(subset=["true_fen", "estimate_fen"])
    error = (found["estimate_fen"] - found["true_fen"]).abs().groupby(found["method"]).mean()
    assert error["model"] <= 0.5 * error["times_four"]
    assert error["model"] <= error["last_year_shares"]
    model = found[found["method"] == "model"]
    covered = ((model["low80_fen"] <= model["true_fen"]) & (model["true_fen"] <= model["high80_fen"])).mean()
    # 300 households: the share itself wavers by more than 2 points, the quantiles by as much again.
    assert 0.72 <= covered <= 0.89
    assert ((model["low95_fen"] <= model["true_fen"]) & (model["true_fen"] <= model["high95_fen"])).mean() >= 0.90
    passed = model["true_fen"] > model["line_fen"] * model["headcount_persons"]
    assert ((model["pass_share"] - passed.astype(float)) ** 2).mean() < 0.03


def test_villages_that_share_their_harvest_widen_the_townships_interval():
    every = [Shock("harvest_failure", (quarter,), 0.4, 0.6) for quarter in ("2015Q4", "2016Q3", "2016Q4", "2017Q3", "2017Q4", "2018Q3")]
    widths = []
    for shocks in ((), every):
        future, frames = county_frames(shocks, households=200, earlier=True)
        cells = estimate.make_cells(frames["item_amounts"], frames["quarter_income"], frames["households"], sorted(future.lines))
        outlook = estimate.look_ahead(cells, "2018Q1", RULES, estimate.read_settings(RULES))
        areas = estimate.estimate_areas(outlook, frames["headcounts"], frames["households"], RULES)
        areas = areas.query("level == 'township' and group_kind == 'all' and measure == 'mean_percapita_yuan'")
        widths.append(float((areas["high80"] - areas["low80"]).mean()))
    assert widths[1] > 1.5 * widths[0]


def test_the_record_looks_at_each_complete_year_as_it_was_then(small_home):
    from linwu_stats import open_quarter

    q = open_quarter("2018Q1", home=small_home)
    record = q.estimate_record
    assert sorted(set(record["accounting_year"])) == [2017]
    assert sorted(set(record["quarters_known"])) == [1, 2, 3]
    net = record[record["item_class"] == "net"].set_index(["quarters_known", "method"])
    assert set(net.loc[(2, "model"), ["fallback", "interval_basis"]]) <= {"law", "this_year"}  # no ledger of 2016 was there
    assert net.loc[(2, "model"), "mean_absolute_error_fen"] <= 0.5 * net.loc[(2, "times_four"), "mean_absolute_error_fen"]
    # The same by a slow loop: times four after two quarters against the account of the year.
    income = {period: q.household_income[q.household_income["period"] == period].set_index("household_id")["net_fen"] for period in ("year",)}
    lines = pd.concat([open_quarter(one, home=small_home).household_income.query("period == 'quarter'") for one in LAST[:2]])
    errors = []
    for code, account_fen in income["year"].items():
        seen = lines.loc[lines["household_id"] == code, "net_fen"]
        if len(seen) == 2 and not seen.isna().any() and not pd.isna(account_fen):
            errors.append(abs(2 * int(seen.sum()) - int(account_fen)))
    assert net.loc[(2, "times_four"), "households"] == len(errors)
    assert net.loc[(2, "times_four"), "mean_absolute_error_fen"] == pytest.approx(sum(errors) / len(errors), abs=0.51)
    calibration = q.estimate_calibration
    assert calibration.groupby("quarters_known")["households"].sum().max() <= len(q.households)


def test_the_tables_of_a_quarter_add_up(small_home):
    from linwu_stats import open_quarter

    q = open_quarter("2018Q1", home=small_home)
    model = q.income_estimates[q.income_estimates["method"] == "model"]
    assert set(model["household_id"]) == set(q.households["household_id"])
    known = model.dropna(subset=["received_fen"])
    ytd = q.household_income[q.household_income["period"] == "ytd"].set_index("household_id")["net_fen"]
    assert (known.set_index("household_id")["received_fen"] == ytd.reindex(known["household_id"])).all()
    areas = q.estimate_areas[(q.estimate_areas["group_kind"] == "all") & (q.estimate_areas["measure"] == "persons_below")].set_index("area_code")
    townships = areas[areas["level"] == "township"]
    assert townships["value"].sum() == pytest.approx(areas.loc[q.rules.value("area.county")["code"], "value"])
    assert townships["persons"].sum() == areas.loc[q.rules.value("area.county")["code"], "persons"]


# --- futures ---------------------------------------------------------------------------------------------------------------------------------------


def test_a_future_leaves_the_sample_as_it_is():
    county = make_county(5, 100)
    before = {place: list(lines) for place, lines in county.lines.items()}
    facts = {row.household_id: (dict(row.facts), [person.months for person in row.members]) for row in county.households}
    first, again = (make_future(county, [Shock("harvest_failure", ("2018Q3",), 1, 0.5)], earlier=True) for _ in range(2))
    assert county.lines == before
    assert {row.household_id: (dict(row.facts), [person.months for person in row.members]) for row in county.households} == facts
    assert first.lines == again.lines
    assert tuple(sorted(first.lines)) == FUTURE_QUARTERS


def test_shocks_do_what_they_say():
    county = make_county(5, 100)
    calm = make_future(county)

    def total(future, quarter, prefix):
        return sum(line[3] or 0 for line in future.lines[quarter] if line[1].startswith(prefix))

    fall = make_future(county, [Shock("wage_fall", ("2018Q2",), 1, 0.2)])
    assert total(fall, "2018Q2", "item.wage.") == pytest.approx(0.8 * total(calm, "2018Q2", "item.wage."), rel=0.01)
    assert fall.lines["2018Q3"] == calm.lines["2018Q3"]
    late = make_future(county, [Shock("transfer_delay", ("2018Q2",))])
    assert total(late, "2018Q2", ONCE) == 0
    assert total(late, "2018Q3", ONCE) == total(calm, "2018Q2", ONCE) > 0
    home = make_future(county, [Shock("migrants_return", ("2018Q2", "2018Q3"), 1.0)])
    assert total(home, "2018Q3", WAGE) == 0
    with pytest.raises(ValueError, match="没有这种冲击"):
        make_future(county, [Shock("flood", ("2018Q2",))])
    with pytest.raises(ValueError, match="没有该季度"):
        make_future(county, [Shock("wage_fall", ("2019Q1",))])
