"""Who may fall back and what lifts the others: households worked out with a pencil, slow loops over all combinations, properties, a quarter's tables."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import linwu_stats
from linwu_stats.exits import lifting, stability
from linwu_stats.exits.stability.basis import CLASSES, household_basis, least_passing
from linwu_stats.exits.stability.shocks import below_shares, combine, read_outlook, try_shocks
from linwu_stats.income import account, estimate
from linwu_stats.income.estimate import next_year as next_year_room
from linwu_stats.publish import pages_stability
from linwu_stats.rules import LAW_FOLDER, LawError, rules_at
from linwu_stats.tables import empty

RULES = rules_at("2018-03-31")
QUARTERS = ("2017Q2", "2017Q3", "2017Q4", "2018Q1")
MIGRANT, LOCAL, RICE, PIGS = "item.wage.migrant", "item.wage.local", "item.business.rice", "item.business.pigs"
PENSION, ALLOWANCE, SUPPORT, COST, RENT = (
    "item.transfer.pension", "item.transfer.low_income_allowance", "item.transfer.support", "item.cost.planting", "item.property.rent",
)
LINE = 353_500


def code(number: int) -> str:
    return f"00431099{number:06d}"


def tables(homes: list[dict]) -> dict[str, pd.DataFrame]:
    """Tables of some households through the accounts. A home: ``items`` (item to yuan of the year, all in the last quarter; None: unknown), ``heads``,
    ``status``, ``workers`` (pairs of months and place of work), ``fen`` more in the first item, ``ago`` net income a year ago in yuan."""
    lines, people = [], []
    for number, home in enumerate(homes):
        for place, (item, yuan) in enumerate(home["items"].items()):
            fen = pd.NA if yuan is None else round(yuan * 100) + (home.get("fen", 0) if place == 0 else 0)
            lines.append((code(number), "2018Q1", item, fen))
        # Every quarter has a ledger: a line that does not count.
        lines += [(code(number), quarter, "item.transfer.gift", 100) for quarter in QUARTERS]
        people += [(code(number), months, place) for months, place in home.get("workers", [])]
    items = pd.DataFrame(lines, columns=["household_id", "quarter", "item_key", "amount_fen"])
    items = items.assign(line_id=[f"line-{place}" for place in range(len(items))], in_kind=False, quantity_milli=pd.NA, recorded_price_fen=pd.NA)
    items = items.astype({"household_id": "string", "amount_fen": "Int64", "quantity_milli": "Int64", "recorded_price_fen": "Int64", "in_kind": "boolean"})
    ids = pd.array([code(number) for number in range(len(homes))], dtype="string")
    heads = pd.DataFrame({"household_id": ids, "headcount_persons": pd.array([home.get("heads", 1) for home in homes], dtype="Int64")})
    heads = heads.assign(headcount_rule="headcount.registered", registered_persons=heads["headcount_persons"], reason_code=pd.NA)
    persons = pd.DataFrame(people, columns=["household_id", "work_months", "work_place"]).assign(change=pd.NA, labour="ordinary")
    persons["person_id"] = [f"{household}{place:02d}" for place, household in enumerate(persons["household_id"])]
    amounts = account.account_items(items, RULES)
    households = pd.DataFrame({
        "household_id": ids, "township_code": "431025100", "village_code": "431025100201", "attribute": "general",
        "poverty_status": pd.array([home.get("status", "out") for home in homes], dtype="string"),
    })
    return {
        "households": households, "persons": persons.astype({"work_months": "Int64", "change": "string", "work_place": "string"}), "item_amounts": amounts,
        "headcounts": heads, "household_income": account.account_households(amounts, empty("income_sheet"), heads, RULES, "2018Q1", periods=("last4", "ytd")),
    }


def outlook_tables(
    frames: dict[str, pd.DataFrame], scale: int = 20_000, errors: tuple[float, ...] = (-2, -1, -0.5, 0, 0.25, 0.5, 1, 3),
) -> dict[str, pd.DataFrame]:
    """Next year is expected as the last four quarters were, with an error of one scale for all."""
    income = frames["household_income"]
    last4 = income[income["period"] == "last4"].reset_index(drop=True)
    known = last4["net_fen"].notna()
    ahead = pd.DataFrame({"household_id": last4["household_id"], **{f"{name}_fen": last4[f"{name}_fen"].where(known) for name in (*CLASSES, "cost")}})
    ahead = ahead.assign(expected_fen=last4["net_fen"], scale_fen=scale, shared_fen=0, bin=0, basis="measured", reason_code=last4["reason_code"])
    pool = pd.DataFrame({"bin": 0, "place": range(len(errors)), "error": sorted(errors), "households": len(errors)})
    return frames | {"next_year": ahead, "next_year_errors": pool}


def assessed(homes: list[dict], rules=RULES, **others) -> pd.DataFrame:
    frames = outlook_tables(tables(homes))
    ago = None
    if any("ago" in home for home in homes):
        ago = pd.DataFrame({"household_id": [code(number) for number in range(len(homes))], "period": "ytd",
                            "net_fen": pd.array([home["ago"] * 100 if "ago" in home else pd.NA for home in homes], dtype="Int64")})
    return stability.stability_tables(frames, rules, 2018, ago, **others)["stability_households"]


def own_rules(tmp_path, **changed) -> object:
    """The packaged rules with some values of their own: key with _ for . after the first word, to fields."""
    entries = yaml.safe_load((LAW_FOLDER / "stability.yaml").read_text(encoding="utf-8"))
    kept = []
    for entry in entries:
        name = entry["key"].rsplit(".", 1)[1]
        if name in changed:
            entry["values"][0]["value"] |= changed[name]
            kept.append(entry)
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    return rules_at("2018-03-31", tmp_path)


# --- pencil and paper ----------------------------------------------------------------------------------------------------


def test_a_household_exactly_on_the_line_does_not_pass():
    found = assessed([{"items": {PENSION: 7070}, "heads": 2}, {"items": {PENSION: 7070}, "heads": 2, "fen": 1}])
    assert list(found["passes"]) == ["not_met", "met"]
    assert list(found["margin_fen"]) == [0, 1]
    assert found["group_reasons"].iloc[0].startswith("below_line")


@pytest.mark.parametrize(("sign", "share", "least"), [
    (">", 0, 707_001), (">=", 0, 707_000), (">", 0.05, 742_351), (">=", 0.05, 742_350), (">=", 0.0001, 707_071),
])
def test_the_least_income_that_passes(sign, share, least, tmp_path):
    # Two persons: 2 x 3,535 = 7,070 yuan; 5 % more are 7,423.50; 0.01 % more are 7,070.707, reached at 7,070.71.
    (tmp_path / "own.yaml").write_text(
        "- key: exit.household.income\n  term: x\n  unit: criterion\n  values:\n    - from: 2016-04-23\n"
        f"      value: {{sign: '{sign}', margin_share: {share}}}\n      status: to_confirm\n      document: d\n", encoding="utf-8")
    assert least_passing(LINE, np.array([2]), rules_at("2018-03-31", tmp_path)).tolist() == [least]


def test_one_source_one_worker_one_transfer_by_hand():
    found = assessed([
        {"items": {MIGRANT: 5000, PENSION: 1000, RICE: 800, COST: 200}, "workers": [(10, "outside")]},
        {"items": {ALLOWANCE: 3000, PENSION: 2000, RENT: 500}},
        {"items": {MIGRANT: 4000, LOCAL: 4000, RENT: 4000}, "workers": [(6, "outside"), (6, "township")]},
    ]).set_index("household_id")
    first, second, third = (found.loc[code(number)] for number in range(3))
    # 6,600 net: wages 5,000 of parts 5,000 + (800 − 200) + 1,000, of items 5,000 of 6,800.
    assert (first["largest_class"], first["largest_class_fen"], first["largest_item"]) == ("wage", 500_000, MIGRANT)
    assert first["largest_class_share"] == pytest.approx(5000 / 6600)
    assert first["largest_item_share"] == pytest.approx(5000 / 6800)
    assert first["hangs_on"] == "class item worker"
    # 5,500: without all transfers 500, without the allowance alone 2,500, both below 3,535.
    assert (second["largest_class"], second["largest_transfer"], second["hangs_on"]) == ("transfer", ALLOWANCE, "class item transfer")
    # 12,000: without all wages 4,000 are left, which pass; nothing else is larger than 4,000.
    assert pd.isna(third["hangs_on"])
    assert (third["largest_worker_fen"], third["largest_item_fen"]) == (400_000, 400_000)


def test_wages_of_two_who_work_away_are_shared_by_months_up_to_the_fen():
    found = assessed([{"items": {MIGRANT: 9000}, "fen": 1, "workers": [(6, "outside"), (3, "province"), (12, "township")], "heads": 1}])
    # 900,001 fen x 6 / 9 = 600,000.67
    assert found["largest_worker_fen"].iloc[0] == 600_001


def test_a_business_that_loses_is_no_source_and_lowers_what_is_left():
    found = assessed([{"items": {RICE: 100, COST: 500, PENSION: 4000, SUPPORT: 600}}]).iloc[0]
    assert (found["net_fen"], found["largest_class"], found["largest_class_fen"]) == (420_000, "transfer", 460_000)
    assert found["largest_class_share"] == 1.0
    assert found["without_transfer"] == "not_met"  # 4,200 − 4,000


def test_unknown_income_no_members_and_unknown_members_are_not_judged():
    found = assessed([{"items": {PENSION: None}}, {"items": {PENSION: 9000}, "heads": 0}, {"items": {PENSION: 9000}, "heads": None}])
    assert list(found["stability_group"]) == ["unknown"] * 3
    assert list(found["reason_code"]) == ["amount_unknown", "headcount_zero", "headcount_unknown"]
    for column in ("passes", "without_class", "without_item", "without_worker", "without_transfer"):
        assert list(found[column]) == ["unknown"] * 3
    assert found[["margin_fen", "below_share", "below_usual_share", "largest_class", "hangs_on"]].isna().all(axis=None)


def test_wages_that_nobody_earns_by_the_register_leave_the_worker_unknown():
    found = assessed([{"items": {MIGRANT: 9000}}]).iloc[0]
    assert (found["without_worker"], found["without_item"], found["reason_code"]) == ("unknown", "not_met", "worker_unknown")
    assert pd.isna(found["below_share"])
    assert not pd.isna(found["below_usual_share"])


def test_the_band_ends_below_one_and_a_half_lines():
    # 1.5 x 3,535 = 5,302.50: at 5,302.49 inside, at 5,302.50 outside; one pension, so that each hangs on it.
    found = assessed([{"items": {PENSION: 5302.49}}, {"items": {PENSION: 5302.5}}, {"items": {PENSION: 5302.49}, "status": "not_out"}])
    assert list(found["stability_group"]) == ["unstable", "steady", "not_out"]


def test_inside_the_band_without_a_risk_is_not_unstable(tmp_path):
    # 5,200 of three alike parts: without any 3,466 are below; of four alike parts 3,900 are left, which pass.
    rules = own_rules(tmp_path, monitoring={"risk_share": 0.99})
    four = {PENSION: 1300, RENT: 1300, RICE: 1300, LOCAL: 1300}
    three = {PENSION: 1734, RENT: 1733, RICE: 1733}
    found = assessed([{"items": four, "workers": [(6, "township")]}, {"items": three}], rules)
    assert list(found["stability_group"]) == ["steady", "unstable"]
    likely = assessed([{"items": four, "workers": [(6, "township")]}], own_rules(tmp_path, monitoring={"risk_share": 0.01}))
    assert (likely["stability_group"].iloc[0], likely["group_reasons"].iloc[0].split()[0]) == ("unstable", "likely_below")


def test_which_dependence_is_a_risk_is_the_rules_choice(tmp_path):
    # 5,200: 2,600 of wages, 1,300 of rent and of rice. Without the worker 2,600 are left; no transfer.
    homes = [{"items": {LOCAL: 2600, RENT: 1300, RICE: 1300}, "workers": [(6, "township")]}]
    found = assessed(homes, own_rules(tmp_path, monitoring={"risk_share": 0.99}))
    assert (found["stability_group"].iloc[0], found["hangs_on"].iloc[0]) == ("steady", "class item worker")
    found = assessed(homes, own_rules(tmp_path, monitoring={"risk_share": 0.99, "risks": ["hangs_on_worker"]}))
    assert found["stability_group"].iloc[0] == "unstable"


def test_a_sudden_fall_counts_whatever_the_income():
    homes = [{"items": {PENSION: 7000}, "ago": 10_000}, {"items": {PENSION: 7001}, "ago": 10_000}, {"items": {PENSION: 7000}}]
    found = assessed(homes)
    assert list(found["stability_group"]) == ["sudden", "steady", "steady"]
    assert found["group_reasons"].iloc[2].endswith("fall_unknown")


def test_those_off_the_register_are_unknown_and_never_none():
    frames = outlook_tables(tables([{"items": {PENSION: 5000}}, {"items": {PENSION: 9000}, "heads": None}]))
    made = stability.stability_tables(frames, RULES, 2018)["monitoring_counts"]
    county = made[made["level"] == "county"].set_index("stability_group")
    assert county.loc[["edge", "sudden"], ["households", "persons", "expected_below"]].isna().all(axis=None)
    assert county.loc["unstable", "households"] == 1
    assert county.loc["unknown", "households"] == 1
    assert pd.isna(county.loc["unknown", "persons"])
    edge = pd.DataFrame({"area_code": ["431025"], "households": [37], "persons": [101]})
    made = stability.stability_tables(frames, RULES, 2018, edge=edge)["monitoring_counts"].set_index(["level", "stability_group"])
    assert (made.loc[("county", "edge"), "households"].item(), made.loc[("county", "edge"), "persons"].item()) == (37, 101)
    assert pd.isna(made.loc[("township", "edge"), "households"])


def test_what_each_shock_takes_by_hand():
    homes = [{"items": {MIGRANT: 6000, PIGS: 1000, RICE: 500.01, SUPPORT: 700}, "workers": [(8, "outside"), (4, "outside")], "heads": 3}]
    frames = outlook_tables(tables(homes))
    found = stability.stability_tables(frames, RULES, 2018)["stability_shocks"].set_index("rule_key")
    # Return: the one with 8 of 12 months loses all of his 4,000. Illness: half of that, half of one of two workers' business, and 3,000 yuan.
    assert found.loc["stability.shock.migrant_return", "loss_fen"] == 400_000
    assert found.loc["stability.shock.illness", ["wage_loss_fen", "business_loss_fen", "loss_fen"]].tolist() == [200_000, 37_501, 537_501]
    assert found.loc["stability.shock.illness", "chance_share"] == pytest.approx(1 - 0.985**3)
    assert found.loc["stability.shock.price_fall", "loss_fen"] == 30_000 + 5_001  # 30 % of 1,000; 10 % of 500.01 up to the fen
    assert found.loc["stability.shock.harvest_failure", "loss_fen"] == 20_001
    assert found.loc["stability.shock.transfer_lost", "loss_fen"] == 70_000
    assert "stability.shock.allowance_lost" not in found.index


# --- the probability, by slow loops ---------------------------------------------------------------------------------------


def slow_share(gap: float, losses: list[tuple[float, dict[str, float], float]], amounts: dict[str, float], scale: float, errors: list[float]) -> float:
    """Every combination, every error, one by one. A loss: chance, by class, cost."""
    total = 0.0
    for happens in product((False, True), repeat=len(losses)):
        weight, cost, lost = 1.0, 0.0, dict.fromkeys(amounts, 0.0)
        for hit, (chance, by_class, one_cost) in zip(happens, losses, strict=True):
            weight *= chance if hit else 1 - chance
            if hit:
                cost += one_cost
                for name, fen in by_class.items():
                    lost[name] += fen
        loss = cost + sum(min(lost[name], amounts[name]) for name in amounts)
        below = sum(1 for error in errors if scale * error < gap + loss)
        total += weight * (below + 0.5) / (len(errors) + 1)
    return total


def test_the_probability_is_that_of_all_combinations_one_by_one():
    homes = [
        {"items": {MIGRANT: 6000 + 100 * number, PIGS: 1000, RICE: 700, SUPPORT: 300 * (number % 3), ALLOWANCE: 500 * (number % 2), COST: 250},
         "workers": [(8, "outside"), (4, "township")], "heads": 1 + number % 3}
        for number in range(12)
    ]
    errors = (-7.0, -3.1, -1.3, -0.4, 0.2, 0.9, 1.7, 4.2)
    frames = outlook_tables(tables(homes), scale=30_000, errors=errors)
    made = stability.stability_tables(frames, RULES, 2018)
    income = frames["household_income"][frames["household_income"]["period"] == "last4"].set_index("household_id")
    for row in made["stability_households"].to_dict("records"):
        shocks = made["stability_shocks"][made["stability_shocks"]["household_id"] == row["household_id"]]
        losses = [(one["chance_share"], {name: one[f"{name}_loss_fen"] for name in CLASSES}, one["cost_fen"]) for one in shocks.to_dict("records")]
        amounts = {name: int(income.loc[row["household_id"], f"{name}_fen"]) for name in CLASSES}
        gap = 374_700 * row["headcount_persons"] + 1 - row["net_fen"]  # the line of 2019
        assert row["below_share"] == pytest.approx(slow_share(gap, losses, amounts, 30_000, list(errors)), abs=1e-12)
        assert row["below_usual_share"] == pytest.approx(slow_share(gap, [], amounts, 30_000, list(errors)), abs=1e-12)
        for one, loss in zip(shocks.to_dict("records"), losses, strict=True):
            assert one["below_alone_share"] == pytest.approx(slow_share(gap, [loss], amounts, 30_000, list(errors)), abs=1e-12)


yuan = st.integers(0, 9000)
home = st.fixed_dictionaries({MIGRANT: yuan, RICE: yuan, PIGS: yuan, SUPPORT: yuan, ALLOWANCE: yuan, RENT: yuan, COST: st.integers(0, 2000)})


@settings(max_examples=12, deadline=None)
@given(home, st.sampled_from([MIGRANT, RICE, PIGS, SUPPORT, ALLOWANCE, RENT]), st.integers(1, 3000), st.integers(1, 3))
def test_more_income_never_raises_the_probability_and_no_shock_lowers_it(items, more, by, heads):
    base = {"items": items, "workers": [(6, "outside"), (3, "outside")], "heads": heads}
    richer = base | {"items": items | {more: items[more] + by}}
    made = stability.stability_tables(outlook_tables(tables([base, richer])), RULES, 2018)
    found = made["stability_households"]
    assert found["below_share"].iloc[1] <= found["below_share"].iloc[0] + 1e-12
    assert found["below_usual_share"].iloc[1] <= found["below_usual_share"].iloc[0]
    assert (found["below_share"] >= found["below_usual_share"] - 1e-12).all()
    shocks = made["stability_shocks"].merge(found[["household_id", "below_usual_share", "below_share"]], on="household_id")
    assert (shocks["loss_fen"] >= 0).all()
    assert (shocks["below_if_share"] >= shocks["below_usual_share"]).all()
    assert (shocks["below_share"] >= shocks["below_alone_share"] - 1e-12).all()
    income = sum(amount for item, amount in items.items() if item != COST) * 100
    assert (shocks.loc[shocks["household_id"] == code(0), "loss_fen"] - shocks.loc[shocks["household_id"] == code(0), "cost_fen"] <= income).all()


def test_a_shock_that_is_certain_and_one_that_never_comes(tmp_path):
    rules = own_rules(tmp_path, migrant_return={"chance_share": 1}, illness={"chance_share": 0, "cost_yuan": 0}, price_fall={"chance_share": 0},
                      harvest_failure={"chance_share": 0}, transfer_lost={"chance_share": 0}, allowance_lost={"chance_share": 0})
    frames = outlook_tables(tables([{"items": {MIGRANT: 5000, PENSION: 2000}, "workers": [(10, "outside")]}]))
    made = stability.stability_tables(frames, rules, 2018)
    row = made["stability_households"].iloc[0]
    # 2,000 are left, 1,747.01 short of 3,747 and a fen: the best of eight errors is 600 yuan, so that all fall.
    assert row["below_share"] == pytest.approx(8.5 / 9)
    assert row["below_usual_share"] == pytest.approx(0.5 / 9)
    assert row["worst_shock"] == "stability.shock.migrant_return"


def test_a_county_may_add_a_shock_and_too_many_are_refused(tmp_path):
    entry = yaml.safe_load((LAW_FOLDER / "stability.yaml").read_text(encoding="utf-8"))[4]
    flood = [entry | {"key": f"stability.shock.flood{number}"} for number in range(7)]
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(flood[:1], allow_unicode=True), encoding="utf-8")
    frames = outlook_tables(tables([{"items": {RICE: 5000}}]))
    keys = set(stability.stability_tables(frames, rules_at("2018-03-31", tmp_path), 2018)["stability_shocks"]["rule_key"])
    assert "stability.shock.flood0" in keys
    (tmp_path / "one.yaml").write_text(yaml.safe_dump(flood, allow_unicode=True), encoding="utf-8")
    with pytest.raises(linwu_stats.RefusedError, match="13 shocks are too many"):
        stability.stability_tables(outlook_tables(tables([{"items": {RICE: 5000, MIGRANT: 100, ALLOWANCE: 100, SUPPORT: 100, PIGS: 100}}])),
                                   rules_at("2018-03-31", tmp_path), 2018)


def test_without_an_outlook_nothing_is_said_of_next_year():
    frames = tables([{"items": {PENSION: 4000}}])
    basis = household_basis(*(frames[name] for name in ("households", "persons", "item_amounts", "household_income", "headcounts")))
    needed = least_passing(LINE, basis.heads, RULES)
    outlook = read_outlook(basis, empty("next_year"), empty("next_year_errors"), needed)
    shocks = try_shocks(basis, outlook, needed, RULES)
    assert shocks["below_if_share"].isna().all()
    assert np.isnan(combine(shocks, basis, outlook)).all()
    assert np.isnan(below_shares(outlook, np.zeros(1))).all()


# --- what lifts a household ----------------------------------------------------------------------------------------------


def needs_of(homes: list[dict], tests: list[tuple], housing=(), people=(), insurance=()) -> pd.DataFrame:
    frames = tables([one | {"status": one.get("status", "not_out")} for one in homes])
    exit_tests = pd.DataFrame(tests, columns=["household_id", "rule_key", "outcome", "reason_code", "evidence"])
    persons = pd.DataFrame(people, columns=["person_id", "household_id", "change"]).astype("string")
    insured = pd.DataFrame(insurance, columns=["person_id", "basic_insurance", "insurance_exception"]).astype("string")
    return lifting.list_needs(
        frames["households"], exit_tests, frames["household_income"], frames["headcounts"],
        pd.DataFrame(housing, columns=["household_id", "housing_grade"]).astype("string"), persons, insured, RULES, 2018,
    )


def test_the_yuan_that_are_missing_are_exact_to_the_fen():
    found = needs_of([{"items": {PENSION: 3535}}, {"items": {PENSION: 3535}, "fen": 1}, {"items": {PENSION: 6000.5}, "heads": 2},
                      {"items": {PENSION: 100}, "status": "out"}, {"items": {RICE: 100, COST: 600}}], [])
    assert dict(zip(found["household_id"], found["missing_fen"], strict=True)) == {code(0): 1, code(2): 707_001 - 600_050, code(4): 353_501 + 50_000}


def test_the_cheapest_need_comes_first_then_what_is_not_costed_and_what_is_unknown():
    tests = [
        (code(0), "exit.household.housing", "not_met", "dangerous_not_mended", "D"), (code(0), "exit.household.water", "not_met", "water_litres", "w"),
        (code(0), "exit.household.food", "not_met", "checked_failed", "f"), (code(0), "exit.household.education", "unknown", "blank", "e"),
        (code(0), "exit.household.medical", "not_met", "uninsured", "m"), (code(0), "exit.household.clothing", "met", "checked_ok", "c"),
        (code(1), "exit.household.housing", "not_met", "mending_unfinished", "D"),
    ]
    people = [(f"{code(0)}0{number}", code(0), "dead" if number == 3 else pd.NA) for number in range(4)]
    insurance = [(people[0][0], "none", pd.NA), (people[1][0], "none", pd.NA), (people[2][0], "resident", pd.NA), (people[3][0], "none", pd.NA)]
    found = needs_of([{"items": {PENSION: 3000}}, {"items": {PENSION: 9000}}], tests, [(code(0), "D"), (code(1), "D")], people, insurance)
    first = found[found["household_id"] == code(0)]
    assert [key.rsplit(".", 1)[1] for key in first["rule_key"]] == ["medical", "income", "water", "housing", "food", "education"]
    assert first["cost_fen"].tolist()[:4] == [36_000, 53_501, 200_000, 3_500_000]
    assert first["total_fen"].tolist()[:4] == [36_000, 89_501, 289_501, 3_789_501]
    assert first["total_fen"].isna().tolist()[4:] == [True, True]
    assert first["state"].tolist()[-2:] == ["not_met", "unknown"]
    unfinished = found[found["household_id"] == code(1)].iloc[0]
    assert pd.isna(unfinished["cost_fen"])
    counts = lifting.count_needs(found, tables([{"items": {}}, {"items": {}}])["households"]).set_index(["level", "rule_key"])
    housing = counts.loc[("county", "exit.household.housing")]
    assert housing[["households", "only_households", "first_households", "uncosted_households", "cost_fen"]].tolist() == [2, 1, 1, 1, 3_500_000]
    education = counts.loc[("county", "exit.household.education")]
    assert (education["households"], education["unknown_households"]) == (0, 1)


def test_an_income_that_is_unknown_is_to_be_looked_into_and_has_no_cost():
    found = needs_of([{"items": {PENSION: None}}, {"items": {PENSION: 1}, "heads": 0}], [])
    assert list(found["state"]) == ["unknown", "unknown"]
    assert list(found["reason_code"]) == ["amount_unknown", "headcount_zero"]
    assert found[["missing_fen", "cost_fen", "total_fen"]].isna().all(axis=None)


# --- what next year may bring ---------------------------------------------------------------------------------------------


def changes_of(growth: float, number: int = 60, noise: float = 0.0, first: str = "2016Q2") -> next_year_room.Changes:
    """Households of many sizes over eight quarters: 1,000 yuan of wages and 300 of a monthly pension in each quarter times their size."""
    quarters = [f"{year}Q{one}" for year in (2016, 2017, 2018) for one in (1, 2, 3, 4) if first <= f"{year}Q{one}" <= "2018Q1"]
    lines = []
    for place in range(number):
        for at, quarter in enumerate(quarters):
            grown = growth if quarter >= "2017Q2" else 1.0
            wage = 100_000 * (1 + place % 5) * grown * (1 + noise * ((place * 7 + at * 5) % 11 - 5) / 5)
            lines += [(code(place), quarter, MIGRANT, "wage", 1, round(wage)), (code(place), quarter, PENSION, "transfer", 1, 30_000)]
    items = pd.DataFrame(lines, columns=["household_id", "quarter", "item_key", "item_class", "sign", "amount_fen"]).assign(counted=True)
    items = items.astype({"household_id": "string", "amount_fen": "Int64", "counted": "boolean"})
    income = items.assign(wage=items["amount_fen"].where(items["item_class"] == "wage", 0), transfer=items["amount_fen"].where(
        items["item_class"] == "transfer", 0)).groupby(["household_id", "quarter"], as_index=False)[["wage", "transfer"]].sum()
    income = income.rename(columns={"quarter": "last_quarter", "wage": "wage_fen", "transfer": "transfer_fen"}).assign(
        income_source="items", business_fen=0, property_fen=0, cost_fen=0)
    households = pd.DataFrame({"household_id": [code(place) for place in range(number)], "township_code": "431025100", "village_code": "431025100201",
                               "attribute": "general"})
    cells = estimate.make_cells(items, income, households, quarters)
    return next_year_room.measure_changes(cells, "2018Q1", RULES, estimate.read_settings(RULES))


def test_half_of_this_years_growth_is_expected_again_and_a_pension_stays():
    changes = changes_of(1.2)
    ahead = next_year_room.expect_next_year(changes).set_index("household_id")
    items = next_year_room.item_changes(changes).set_index("item_key")
    assert items.loc[MIGRANT, "growth_ratio"] == pytest.approx(1.2)
    assert bool(items.loc[PENSION, "monthly"])
    assert not bool(items.loc[MIGRANT, "monthly"])
    # Size 3: 4 x 3,600 yuan of wages, 10 % more next year; the pension 4 x 300.
    assert ahead.loc[code(2), "wage_fen"] == pytest.approx(1_440_000 * 1.1, abs=2)
    assert ahead.loc[code(2), "transfer_fen"] == 120_000
    assert ahead.loc[code(2), "expected_fen"] == ahead.loc[code(2), "wage_fen"] + 120_000
    assert set(ahead["basis"]) == {"measured"}


def test_errors_are_what_the_households_showed_and_wider_changes_make_a_wider_scale():
    calm, rough = changes_of(1.1, noise=0.05), changes_of(1.1, noise=0.4)
    scale = [next_year_room.expect_next_year(one)["scale_fen"].median() for one in (calm, rough)]
    assert scale[1] > 3 * scale[0]
    errors = next_year_room.next_year_errors(rough)
    assert errors.groupby("bin")["error"].apply(lambda one: one.is_monotonic_increasing).all()
    assert errors.groupby("bin")["households"].first().sum() == 60
    assert 0.2 < errors["error"].std() < 5


def test_without_a_year_before_the_spread_is_the_rules_and_says_so():
    changes = changes_of(1.1, first="2017Q2")
    ahead = next_year_room.expect_next_year(changes)
    assert set(ahead["basis"]) == {"assumed"}
    assert set(next_year_room.item_changes(changes)["basis"]) == {"assumed"}
    assert next_year_room.item_changes(changes)["growth_ratio"].isna().all()
    assert (next_year_room.next_year_errors(changes)["households"] == 0).all()
    assert (ahead["scale_fen"] > 0).all()


# --- law -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [
    ("item.wage.migrant: 1.0", "item.wage.migrant: 1.2"), ("part: one_worker", "part: two_workers"), ("needs: members", "needs: everybody"),
    ("chance_share: 0.05", "chance_share: -0.05"), ("per: person", "per: village"), ("cost_yuan: 3000", "cost_yuan: -1"), ("multiple: 1.5", "multiple: 0.5"),
    ('sign: "<"', 'sign: ">"'), ("grades: {C: 10000", "grades: {E: 10000"), ("per: household, kind: once, yuan: 2000", "per: household, kind: once"),
    ("takes:\n          item.wage.migrant", "takes:\n          wage"), ("growth_share: 0.5", "growth: 0.5"), ("risks: [below_line,", "risks: [poor,"),
])
def test_rules_that_would_mislead_are_refused(old, new, tmp_path):
    text = (LAW_FOLDER / "stability.yaml").read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (tmp_path / "own.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LawError, match=r"own\.yaml.*stability\."):
        rules_at("2018-03-31", tmp_path)


# --- a quarter -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def q(small_home):
    return linwu_stats.open_quarter("2018Q1", home=small_home)


def test_the_tables_of_a_quarter_add_up(q):
    counts, found = q.monitoring_counts, q.stability_households
    by_level = counts.groupby(["level", "stability_group"])["households"].sum().unstack("level")
    assert (by_level["county"] == by_level["township"]).all()
    assert (by_level["county"] == by_level["village"]).all()
    assert by_level["county"].drop("edge").sum() == len(found) == len(q.households)
    last4 = q.household_income[q.household_income["period"] == "last4"].set_index("household_id")
    merged = found.set_index("household_id")
    assert (merged["net_fen"].dropna() == last4["net_fen"].reindex(merged["net_fen"].dropna().index)).all()
    needs = q.lifting_needs
    assert not needs["household_id"].isin(found.loc[found["poverty_status"] == "out", "household_id"]).any()
    assert (needs.groupby("household_id")["need_order"].max() == needs.groupby("household_id")["needs_in_all"].first()).all()
    once = needs[(needs["rule_key"] == "exit.household.income") & (needs["state"] == "not_met")].set_index("household_id")
    lacking = merged.loc[once.index]
    assert (once["missing_fen"] == 1 - lacking["margin_fen"]).all()


@pytest.mark.parametrize("level", ["county", "township"])
def test_every_part_of_the_page_stands_without_holes(q, level):
    area = "431025" if level == "county" else next(code for code in q.area_names if len(code) == 9)
    for name in pages_stability.__all__:
        shown = str(getattr(pages_stability, name)(q, area).markup)
        assert shown
        assert not any(hole in shown for hole in (">nan", "&lt;NA", "<NA>", "None"))
    shown = str(pages_stability.groups(q, area).markup)
    assert "未知" in shown  # those off the register
    assert "边缘易致贫户未知；" in str(pages_stability.main_points(q, area).markup), "no unit after a number that is not known"
    assert not any(household in shown for household in q.households["household_id"])
