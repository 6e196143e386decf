"""The look-back's statistics: exact bounds of published plans, draws, weights, rates and verdicts against hand-worked numbers and slow loops."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from linwu_stats import RefusedError
from linwu_stats.exits import lookback as room
from linwu_stats.exits.lookback.bounds import rate_bounds
from linwu_stats.exits.lookback.clustering import correlation_of, with_problem
from linwu_stats.exits.lookback.plan import ALLOWED
from linwu_stats.rules import LawError, rules_at
from linwu_stats.tables import conform, empty

RULES = rules_at("2017-12-31")
QUARTER = "2017Q4"


# ---- exact bounds and sample sizes -------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("found", "asked", "percent"), [(0, 149, 1.990), (0, 150, 1.977), (1, 150, 3.123), (5, 523, 2.000), (2, 313, 2.00), (10, 800, 2.11)])
def test_exact_bounds_as_published(found, asked, percent):
    digits = 2 if percent in (2.00, 2.11) and asked != 523 else 3
    assert round(100 * room.exact_bound(found, asked, counts="households"), digits) == pytest.approx(percent, abs=0.5 * 10**-digits)


def test_zero_found_in_500_is_up_to_six_in_a_thousand():
    assert room.exact_bound(0, 500, counts="households") == pytest.approx(1 - 0.05 ** (1 / 500))  # (1 - p)^500 = 5 %
    assert f"{room.exact_bound(0, 500, counts='households'):.1%}" == "0.6%"


def test_sample_sizes_as_published():
    assert [room.sample_size(allowed, 0.02) for allowed in (0, 1, 2, 3, 4, 5, 6, 10)] == [149, 236, 313, 386, 456, 523, 590, 845]
    assert [room.sample_size(allowed, 0.02, population=8186) for allowed in (0, 1, 2)] == [147, 233, 309]
    assert [room.sample_size(allowed, 0.02, population=1000) for allowed in (0, 1, 2)] == [132, 206, 269]


def test_below_the_bar_and_at_most_the_bar_differ_where_the_bar_is_a_whole_number_of_households():
    assert room.sample_size(0, 0.02, population=1000, sign="<") == 138  # 20 of 1,000 must be excluded, not only 21
    chance = [math.comb(980, asked) / math.comb(1000, asked) for asked in (137, 138)]
    assert chance[0] > 0.05 >= chance[1]
    assert room.sample_size(3, 0.02, population=50) == 50


@pytest.mark.parametrize(("asked", "allowed", "percent"), [(149, 0, 47), (313, 2, 79), (523, 5, 95)])
def test_passing_probabilities_as_published(asked, allowed, percent):
    by_hand = sum(math.comb(asked, k) * 0.005**k * 0.995 ** (asked - k) for k in range(allowed + 1))
    assert room.pass_probability(asked, allowed, 0.005) == pytest.approx(by_hand)
    assert round(100 * by_hand) == percent


@pytest.mark.parametrize(("found", "asked", "population"), [(0, 10, 40), (2, 10, 40), (10, 10, 40), (7, 40, 40), (1, 39, 40)])
def test_finite_bounds_by_a_slow_loop(found, asked, population):
    def chance(bad, low, high):
        return sum(math.comb(bad, k) * math.comb(population - bad, asked - k) for k in range(low, high + 1)) / math.comb(population, asked)

    possible = range(found, population - (asked - found) + 1)
    most = max(bad for bad in possible if chance(bad, 0, found) > 0.05)
    least = min(bad for bad in possible if chance(bad, found, asked) > 0.05)
    assert room.exact_bound(found, asked, counts="households", population=population) == most / population
    assert room.exact_bound(found, asked, counts="households", population=population, side="lower") == least / population


def test_design_effects_as_published():
    assert room.clustered_effect(10, 0.05) == pytest.approx(1.45)
    assert math.ceil(149 * room.clustered_effect(10, 0.05)) == 217  # 216.05
    assert math.ceil(149 * room.clustered_effect(20, 0.1)) == 433  # 432.1


def test_persons_are_not_counted_as_drawn_singly():
    with pytest.raises(RefusedError, match="设计效应"):
        room.exact_bound(0, 148, counts="persons")
    with_effect = room.exact_bound(0, 148, counts="persons", design_effect=2.96)
    assert with_effect == pytest.approx(1 - 0.05 ** (1 / 50))  # 148 persons of 50 households are 50 draws
    with pytest.raises(RefusedError, match="设计效应"):
        room.exact_bound(0, 148, counts="persons", design_effect=0.5)


@pytest.mark.parametrize("wrong", [(3, 2), (-1, 5), (1.5, 5), (True, 5)])
def test_counts_that_cannot_be_are_refused(wrong):
    with pytest.raises(RefusedError, match="计数有误"):
        room.exact_bound(*wrong, counts="households")


def test_nothing_asked_is_unknown():
    assert math.isnan(room.exact_bound(0, 0, counts="households"))


def test_largest_allowed_is_the_other_way_round():
    for allowed in (0, 1, 2, 5, 10):
        assert room.largest_allowed(room.sample_size(allowed, 0.02), 0.02) == allowed
        assert room.largest_allowed(room.sample_size(allowed, 0.02) - 1, 0.02) == allowed - 1
    assert room.largest_allowed(10, 0.02) == -1
    assert room.largest_allowed(5000, 0.02) == max(x for x in range(200) if stats.beta.ppf(0.95, x + 1, 5000 - x) < 0.02)


# ---- definitions -------------------------------------------------------------------------------------------------------------------------------------

def test_each_definition_takes_its_own_denominator_only():
    (surveyed, first), (villages, second) = room.definitions_of("missed", RULES)
    assert (first, second) == (True, False)
    assert room.official_rate(surveyed, 3, {"off_register_persons_surveyed": 640}) == Fraction(3, 640)
    assert room.official_rate(villages, 3, {"off_register_persons_of_sampled_villages": 44599}) == Fraction(3, 44599)
    for wrong in ({"off_register_persons_of_sampled_villages": 44599}, {"rural_population_persons": 279229}, {}, {"exited_persons_surveyed": 9},
                  {"off_register_persons_surveyed": 640, "off_register_persons_of_sampled_villages": 44599}):
        with pytest.raises(RefusedError, match="分母口径不符"):
            room.official_rate(surveyed, 3, wrong)
    (recognition, _), = room.definitions_of("recognition", RULES)
    with pytest.raises(RefusedError, match="分母口径不符"):
        room.official_rate(recognition, 90, {"persons_surveyed": 300})
    assert room.official_rate(surveyed, 0, {"off_register_persons_surveyed": None}) is None
    assert room.official_rate(surveyed, 0, {"off_register_persons_surveyed": 0}) is None


def test_the_law_chooses_the_denominator(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "- key: lookback.missed.denominator\n  term: 口径\n  unit: choice\n  values:\n"
        "    - {from: 2016-04-23, value: sampled_villages, status: to_confirm, document: 县定}\n", encoding="utf-8")
    assert [chosen for _, chosen in room.definitions_of("missed", rules_at("2017-12-31", tmp_path))] == [False, True]


@pytest.mark.parametrize(("key", "value"), [
    ("lookback.missed.bar", '{sign: ">", share: 0.02}'), ("lookback.recognition.bar", '{sign: "<", share: 0.9}'),
    ("lookback.missed.bar", '{sign: "<", share: 2}'),
    ("lookback.missed.surveyed", "{counts: persons, denominator: all_persons}"), ("lookback.confidence", "{level_share: 0.05}"),
    ("lookback.sample", "{villages: 0, exited: 18, registered: 4, off_register: 18, reserves: 4, size: rural_population_persons, off_household_persons: 3.3}"),
    ("lookback.clustering", "{correlation_share: 0.05}"),
])
def test_rules_that_make_no_sense_are_refused(tmp_path, key, value):
    unit = f"- key: {key}\n  term: t\n  unit: lookback_rule\n  values:\n    - {{from: 2016-04-23, value: {value}, status: to_confirm, document: d}}\n"
    (tmp_path / "own.yaml").write_text(unit, encoding="utf-8")
    with pytest.raises(LawError):
        rules_at("2017-12-31", tmp_path)


def test_combined_incidence_of_the_county():
    worked = room.combined_incidence(5140, 0.001, 255037, 0.01, 19052, 279229)
    assert worked == Fraction(5140 * 1000 + 255037 + 190520, 279229 * 1000)  # 5,140 + 255.037 + 190.52
    assert f"{float(worked):.2%}" == "2.00%"
    one_percent_missed = room.combined_incidence(0, "0.01", 255037, 0, 19052, 279229)
    assert round(one_percent_missed * 279229) == 2550
    assert f"{float(one_percent_missed):.2%}" == "0.91%"
    with pytest.raises(RefusedError):
        room.combined_incidence(5140, 1, 255037, 10, 19052, 279229)
    with pytest.raises(RefusedError):
        room.combined_incidence(5140, 0, 255037, 0, 19052, 19052)


@pytest.mark.parametrize(("measure", "low", "high", "verdict"), [
    ("missed", 0.0, 0.0199, "met"), ("missed", 0.0, 0.02, "not_decided"), ("missed", 0.02, 0.05, "not_met"), ("missed", 0.0199, 0.05, "not_decided"),
    ("recognition", 0.9, 0.99, "met"), ("recognition", 0.8999, 0.99, "not_decided"), ("recognition", 0.5, 0.8999, "not_met"),
    ("recognition", 0.5, 0.9, "not_decided"), ("missed", math.nan, math.nan, "not_decided"),
])
def test_verdicts_at_the_boundary(measure, low, high, verdict):
    assert room.decide(low, high, room.bar_of(measure, RULES)) == verdict


def test_more_households_decide_and_one_fewer_does_not():
    more = room.more_households(0.01, 300, 300, 0.02, 0.95)
    upper = [float(stats.beta.ppf(0.95, 0.01 * n + 1, 0.99 * n)) for n in (300 + more - 1, 300 + more)]
    assert upper[0] >= 0.02 > upper[1]
    assert room.more_households(0.0, 100, 100, 0.02, 0.95) == 49  # 149 without any
    worse = room.more_households(0.05, 100, 100, 0.02, 0.95)
    lower = [float(stats.beta.ppf(0.05, 0.05 * n, 0.95 * n + 1)) for n in (100 + worse - 1, 100 + worse)]
    assert lower[0] < 0.02 <= lower[1]
    assert room.more_households(0.02, 100, 100, 0.02, 0.95) is None
    assert room.more_households(0.0, 50, 100, 0.02, 0.95) == math.ceil(2 * math.log(0.05) / math.log(0.98)) - 100  # two for each draw
    assert room.more_households(0.0, 100, 100, 0.02, 0.95, df=3) > 49


# ---- draw --------------------------------------------------------------------------------------------------------------------------------------------

def county(sizes, exited=12, left=4, population=None, statuses=None):
    """Villages with so many people, each with exited and registered households of three persons."""
    villages, homes = [], []
    for place, size in enumerate(sizes):
        code = f"4310251{place // 3:02d}{201 + place % 3}"
        villages.append({"village_code": code, "township_code": code[:9], "village_name": f"村{place}", "rural_population_persons": size,
                         "resident_population_persons": size})
        for turn in range(exited + left):
            status = "out" if turn < exited else "not_out"
            homes.append({"household_id": f"00431099{place:03d}{turn:03d}", "township_code": code[:9], "village_code": code, "natural_village": "一组",
                          "poverty_status": status if statuses is None else statuses, "exit_year": 2017 if turn % 2 else 2016})
    households = pd.DataFrame(homes).astype({"exit_year": "Int64"})
    heads = pd.DataFrame({"household_id": households["household_id"], "registered_persons": pd.array([3] * len(homes), dtype="Int64")})
    return pd.DataFrame(villages).astype({"rural_population_persons": "Int64"}), households, heads


def test_village_frame_by_hand():
    frame = room.village_frame(*county([1000, 40, pd.NA]), RULES).set_index("village_code")
    first = frame.loc["431025100201"]
    assert (first["exited_households"], first["exited_persons"], first["registered_persons"]) == (12, 36, 12)
    assert first["off_register_persons"] == 1000 - 48
    assert first["off_register_households"] == round(952 / 3.3)
    assert pd.isna(frame.loc["431025100202", "off_register_persons"])  # 48 on the register of a village of 40
    assert pd.isna(frame.loc["431025100203", "off_register_persons"])
    assert frame["size_known"].tolist() == [True, True, False]
    assert frame.loc["431025100203", "size"] == 40  # the lower middle of 40 and 1,000


def test_inclusion_probabilities_follow_size_and_large_villages_are_certain():
    villages, households, heads = county([100, 200, 300, 400, 5000])
    frame = room.village_frame(villages, households, heads, RULES)
    chosen = room.draw_villages(frame, 3, 7)
    assert len(chosen) == 3
    assert chosen["431025101202"] == 1.0  # 5,000 of 6,000 people are more than a third of it
    others = {code: share for code, share in chosen.items() if share < 1}
    sizes = dict(zip(frame["village_code"], frame["size"], strict=True))
    assert all(share == 2 * sizes[code] / 1000 for code, share in others.items())  # two from 1,000 people
    assert room.draw_villages(frame, 5, 7) == dict.fromkeys(sorted(sizes), 1.0)
    assert room.draw_villages(frame, 99, 7) == dict.fromkeys(sorted(sizes), 1.0)


def test_villages_come_as_often_as_their_probability_says():
    frame = room.village_frame(*county([100, 150, 250, 300, 200, 400]), RULES)
    times = 500
    counts = pd.Series(0, index=frame["village_code"])
    for seed in range(times):
        chosen = list(room.draw_villages(frame, 2, seed))
        assert len(chosen) == len(set(chosen)) == 2
        counts[chosen] += 1
    expected = 2 * frame.set_index("village_code")["size"] / 1400
    spread = np.sqrt(expected * (1 - expected) / times)
    assert ((counts / times - expected).abs() < 4 * spread).all()


def test_the_draw_is_reproducible_and_the_order_of_the_ledgers_does_not_matter():
    frames = county([400, 500, 300, 350, 450, 700])
    first = room.draw_lookback(*frames, RULES, QUARTER, 3, take={"villages": 3, "exited": 5})
    turned = [frame.iloc[::-1].reset_index(drop=True) for frame in frames]
    second = room.draw_lookback(*turned, RULES, QUARTER, 3, take={"villages": 3, "exited": 5})
    pd.testing.assert_frame_equal(first, second)
    facts = room.frame_facts(*frames, RULES, QUARTER, 3)
    assert facts["frame_sha256"] == room.frame_facts(*turned, RULES, QUARTER, 3)["frame_sha256"]
    assert (facts["left_persons"], facts["exited_persons"], facts["off_register_persons"]) == (6 * 12, 6 * 36, 2700 - 6 * 48)
    assert facts["exited_this_year_persons"] == 6 * 18
    assert set(room.draw_lookback(*frames, RULES, QUARTER, 4, take={"villages": 3, "exited": 5})["unit_id"]) != set(first["unit_id"])


def test_households_are_drawn_without_repetition_with_their_probabilities_and_reserves_in_order():
    sample = room.draw_lookback(*county([400, 500, 300, 350, 450, 700]), RULES, QUARTER, 3, take={"villages": 3, "exited": 5, "reserves": 2})
    assert sample["unit_id"].is_unique
    cell = sample[(sample["kind"] == "exited") & (sample["village_code"] == sample["village_code"].iloc[0])]
    assert cell["role"].tolist().count("main") == 5
    assert cell.loc[cell["role"] == "reserve", "draw_order"].tolist() == [1, 2]
    main = cell[cell["role"] == "main"].iloc[0]
    assert main["inclusion_share"] == pytest.approx(main["village_share"] * 5 / 12)
    assert main["weight"] == pytest.approx(1 / main["inclusion_share"])
    assert cell.loc[cell["role"] == "reserve", "weight"].isna().all()
    small = sample[(sample["kind"] == "registered")]
    assert (small["role"] == "main").all()  # four of four are taken, none is left for a reserve
    assert (small["inclusion_share"] == small["village_share"]).all()


def test_every_household_of_a_village_comes_equally_often():
    frames = county([100, 100])
    counts = pd.Series(0, index=frames[1]["household_id"])
    for seed in range(120):
        sample = room.draw_lookback(*frames, RULES, QUARTER, seed, take={"villages": 2, "exited": 3, "registered": 0, "off_register": 0, "reserves": 0})
        counts[sample["unit_id"]] += 1
    exited = counts[frames[1].loc[frames[1]["poverty_status"] == "out", "household_id"]]
    assert (abs(exited / 120 - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 120)).all()


def test_houses_off_the_register_are_counted_at_a_fixed_interval():
    sample = room.draw_lookback(*county([708, 708]), RULES, QUARTER, 3, take={"villages": 2, "off_register": 10, "reserves": 3})
    off = sample[(sample["kind"] == "off_register") & (sample["village_code"] == "431025100201")]
    houses = [int(text.split("第")[1].split("户")[0]) for text in off["locator"]]
    assert off["village_households"].iloc[0] == 200  # (708 - 48) / 3.3
    assert np.diff(houses[:10]).tolist() == [20] * 9
    assert 1 <= houses[0] <= 20
    assert len(set(houses)) == 13
    assert max(houses) <= 200
    assert not off["counted"].any()
    assert off["unit_id"].iloc[0] == "431025100201F0001"
    assert off["household_id"].isna().all() if "household_id" in off else True


def test_a_list_of_households_off_the_register_is_drawn_from():
    named = pd.DataFrame({"village_code": "431025100201", "code": [f"A{number}" for number in range(30)]})
    sample = room.draw_lookback(*county([708, 708]), RULES, QUARTER, 3, take={"villages": 2, "off_register": 10}, off_list=named)
    off = sample[(sample["kind"] == "off_register") & (sample["village_code"] == "431025100201")]
    assert off["counted"].all()
    assert (off["village_households"] == 30).all()
    assert off["locator"].str.startswith("名单编号A").all()
    for broken, match in ((pd.concat([named, named.iloc[:1]]), "twice"), (named.assign(village_code="431025999201"), "not in the village table"),
                          (named[["code"]], "lacks")):
        with pytest.raises(RefusedError, match=match):
            room.draw_lookback(*county([708, 708]), RULES, QUARTER, 3, off_list=broken)


def test_draws_that_cannot_be_are_refused():
    villages, households, heads = county([400, 500])
    with pytest.raises(RefusedError, match="代码重复"):
        room.draw_lookback(pd.concat([villages, villages.iloc[:1]]), households, heads, RULES, QUARTER, 1)
    with pytest.raises(RefusedError, match="代码重复"):
        room.draw_lookback(villages, pd.concat([households, households.iloc[:1]]), heads, RULES, QUARTER, 1)
    for take in ({"villages": 0}, {"exited": -1}, {"exited": 2.5}):
        with pytest.raises(RefusedError):
            room.draw_lookback(villages, households, heads, RULES, QUARTER, 1, take=take)
    with pytest.raises(RefusedError):
        room.draw_lookback(villages, households, heads, RULES, QUARTER, -1)
    unknown = room.frame_facts(*county([400, 500], statuses=pd.NA), RULES, QUARTER, 1)
    assert unknown["left_persons"] is None


# ---- which answers count -----------------------------------------------------------------------------------------------------------------------------

def answer(unit, state="answered", problem="no", recognises="yes", persons=3):
    return {"unit_id": unit, "state": state, "problem": problem, "recognises": recognises, "persons": persons, "file": "a.xlsx", "row": 5}


def said(rows):
    return pd.DataFrame(rows, columns=["unit_id", "state", "problem", "recognises", "persons", "file", "row"]).astype({"persons": "Int64", "row": "Int64"})


@pytest.fixture(scope="module")
def sample():
    return room.draw_lookback(*county([400, 500, 300, 350, 450, 700]), RULES, QUARTER, 3, take={"villages": 4, "exited": 6, "reserves": 3, "off_register": 6})


def cell(sample, kind="exited", place=0):
    part = sample[(sample["kind"] == kind) & (sample["village_code"] == sorted(sample["village_code"].unique())[place])]
    return [part.loc[part["role"] == role, "unit_id"].tolist() for role in ("main", "reserve")]


def use(sample, rows):
    return room.settle_answers(sample, said(rows)).set_index("unit_id")["use"]


def test_a_refusal_is_replaced_by_the_next_reserve_only(sample):
    main, reserve = cell(sample)
    rows = [answer(unit) for unit in main[2:]] + [answer(main[0], "refused", None, None, None), answer(main[1], "absent", None, None, None)]
    uses = use(sample, [*rows, answer(reserve[0]), answer(reserve[1], "refused", None, None, None), answer(reserve[2])])
    assert uses[main].tolist() == ["replaced", "replaced", "used", "used", "used", "used"]
    assert uses[reserve].tolist() == ["used", "replaced", "used"]


def test_reserves_that_nobody_needed_do_not_count(sample):
    main, reserve = cell(sample)
    uses = use(sample, [answer(unit) for unit in [*main, *reserve]])
    assert set(uses[main]) == {"used"}
    assert set(uses[reserve]) == {"not_needed"}


def test_a_reserve_is_not_chosen_over_one_that_was_left_blank(sample):
    main, reserve = cell(sample)
    rows = [answer(unit) for unit in main[1:]] + [answer(main[0], "refused", None, None, None), answer(reserve[1])]
    uses = use(sample, rows)
    assert (uses[main[0]], uses[reserve[0]], uses[reserve[1]]) == ("unreplaced", "unknown", "not_needed")


def test_refusals_beyond_the_reserves_are_made_up_by_weights(sample):
    main, reserve = cell(sample)
    rows = [answer(unit, "refused", None, None, None) for unit in main[:5]] + [answer(main[5])] + [answer(unit) for unit in reserve]
    settled = room.settle_answers(sample, said(rows)).set_index("unit_id")
    assert settled.loc[main[:5], "use"].tolist() == ["replaced"] * 3 + ["unreplaced"] * 2
    used = settled[settled["use"] == "used"]
    assert len(used) == 4
    share = sample.set_index("unit_id").loc[main[0], "village_share"]
    homes = sample[(sample["kind"] == "exited")].drop_duplicates("village_code")
    all_villages = (homes["village_households"] / homes["village_share"]).sum()
    assert used["weight"].sum() == pytest.approx(all_villages)  # one village answers for all
    assert used["weight"].nunique() == 1
    assert share < 1


def test_weights_without_refusals_are_those_of_the_design(sample):
    main = sample[(sample["role"] == "main") & (sample["kind"] != "off_register")]
    settled = room.settle_answers(sample, said([answer(unit) for unit in main["unit_id"]])).set_index("unit_id")
    assert settled.loc[main["unit_id"], "weight"].tolist() == pytest.approx(main["weight"].tolist())


def test_households_off_the_register_stand_for_the_persons_of_their_village(sample):
    main, _ = cell(sample, "off_register")
    others = sample[(sample["role"] == "main") & (sample["kind"] == "off_register") & ~sample["unit_id"].isin(main)]["unit_id"]
    sizes = [1, 2, 3, 4, 5, 6]
    rows = [answer(unit, persons=size) for unit, size in zip(main, sizes, strict=True)] + [answer(unit) for unit in others]
    settled = room.settle_answers(sample, said(rows)).set_index("unit_id").loc[main]
    village = sample.set_index("unit_id").loc[main[0]]
    assert (settled["weight"] * sizes).sum() == pytest.approx(village["village_persons"] / village["village_share"])


def test_gone_households_keep_their_weight_outside_the_rate(sample):
    main, _ = cell(sample)
    settled = room.settle_answers(sample, said([answer(unit, "gone", None, None, None) for unit in main[:2]] + [answer(unit) for unit in main[2:]]))
    settled = settled.set_index("unit_id").loc[main]
    assert settled["use"].tolist() == ["gone"] * 2 + ["used"] * 4
    assert settled["weight"].nunique() == 1  # twelve households of the village over six reached


def test_blank_is_unknown_and_answers_about_strangers_are_refused(sample):
    main, _ = cell(sample)
    settled = room.settle_answers(sample, said([answer(main[0], None, None, None, None), answer(main[1], problem=None), answer(main[2], problem="unsure")]))
    uses = settled.set_index("unit_id")["use"]
    assert uses[main].tolist() == ["unknown", "undecided", "undecided", "unknown", "unknown", "unknown"]
    with pytest.raises(RefusedError, match="不在样本中"):
        use(sample, [answer("00431099999999")])
    with pytest.raises(RefusedError, match="重复答复"):
        use(sample, [answer(main[0]), answer(main[0])])


# ---- rates -------------------------------------------------------------------------------------------------------------------------------------------

FACTS = room.frame_facts(*county([400, 500, 300, 350, 450, 700]), RULES, QUARTER, 3)
COUNTY = "431025"


def rated(sample, rows, rules=RULES):
    return room.lookback_rates(room.settle_answers(sample, said(rows)), FACTS, rules)


def county_row(rates, measure):
    rows = rates[(rates["measure"] == measure) & (rates["area_code"] == COUNTY) & rates["chosen"]]
    assert len(rows) == 1
    return rows.iloc[0]


def everybody(sample, **answers):
    return [answer(unit, **answers) for unit in sample.loc[sample["role"] == "main", "unit_id"]]


def test_rate_and_bounds_by_a_slow_loop():
    random = np.random.default_rng(5)
    rows = []
    for village in range(12):
        for _ in range(8):
            bad, persons = int(random.random() < (0.3 if village == 3 else 0.03)), int(random.integers(1, 6))
            rows.append({"village_code": f"v{village:02d}", "bad": bad, "persons": persons,
                         "weight": 1.0 + village / 4, "certain": False, "all_households": 40})
    frame = pd.DataFrame(rows)
    found = rate_bounds(frame, {"": None}, level=0.95, correlation=0.05, by_persons=True)[""]
    below = sum(row["weight"] * row["persons"] for row in rows)
    share = sum(row["weight"] * row["persons"] * row["bad"] for row in rows) / below
    residuals = {}
    for row in rows:
        residuals[row["village_code"]] = residuals.get(row["village_code"], 0) + row["weight"] * row["persons"] * (row["bad"] - share) / below
    middle = sum(residuals.values()) / 12
    variance = 12 / 11 * sum((one - middle) ** 2 for one in residuals.values())
    parts = [row["weight"] * row["persons"] for row in rows]
    kish = sum(parts) ** 2 / sum(one * one for one in parts) / (1 + 7 * 0.05)
    worth = min(kish, share * (1 - share) / variance)
    effective = min(96, worth * (stats.t.isf(0.05, 95) / stats.t.isf(0.05, 11)) ** 2)
    assert found.share == pytest.approx(share)
    assert found.se == pytest.approx(math.sqrt(variance))
    assert (found.villages, found.df) == (12, 11)
    assert found.effective == pytest.approx(effective)
    assert found.high == pytest.approx(stats.beta.ppf(0.95, share * effective + 1, effective * (1 - share)))
    assert found.low == pytest.approx(stats.beta.ppf(0.05, share * effective, effective * (1 - share) + 1))


def test_zero_found_is_not_zero(sample):
    rates = rated(sample, everybody(sample))
    for measure in ("missed", "wrong"):
        row = county_row(rates, measure)
        assert (row["found_households"], row["estimate_share"]) == (0, 0.0)
        assert row["high_share"] > row["simple_bound_share"] == pytest.approx(1 - 0.05 ** (1 / 24))  # 24 households
        assert row["verdict"] == "not_decided"
        assert row["more_households"] > 125  # 149 at least, and more for the villages
    recognition = county_row(rates, "recognition")
    assert recognition["estimate_share"] == 1.0
    assert recognition["low_share"] < 1


def test_everybody_wrong(sample):
    rates = rated(sample, everybody(sample, problem="yes", recognises="no"))
    assert [county_row(rates, measure)["verdict"] for measure in ("missed", "wrong", "recognition", "incidence")] == ["not_met"] * 4
    assert county_row(rates, "wrong")["formula_share"] == 1.0
    assert county_row(rates, "recognition")["formula_share"] == 0.0
    assert county_row(rates, "incidence")["estimate_share"] == pytest.approx(1.0)


def test_all_refused_and_nothing_returned_are_unknown(sample):
    for rows in ([], [answer(unit, "refused", None, None, None) for unit in sample["unit_id"]]):
        rates = rated(sample, rows)
        for measure in ("missed", "wrong", "recognition"):
            row = county_row(rates, measure)
            assert pd.isna(row["estimate_share"])
            assert (row["verdict"], row["reason_code"]) == ("not_decided", "no_answers")
        # 72 people left of 2,700 are 2.67 %, whatever the rates are
        assert county_row(rates, "incidence")["verdict"] == "not_met"
    assert room.lookback_rates(empty("lookback_answers"), {}, RULES).empty


def test_one_village_says_nothing(sample):
    only = sample["village_code"].iloc[0]
    rates = rated(sample, everybody(sample[sample["village_code"] == only]))
    row = county_row(rates, "wrong")
    assert row["estimate_share"] == 0
    assert pd.isna(row["high_share"])
    assert (row["verdict"], row["reason_code"]) == ("not_decided", "one_village")


def test_both_readings_of_missed_stand_side_by_side(sample):
    main, _ = cell(sample, "off_register")
    rows = [answer(unit, problem="yes" if unit == main[0] else "no", persons=4 if unit == main[0] else 3)
            for unit in sample.loc[sample["role"] == "main", "unit_id"]]
    rates = rated(sample, rows)
    both = rates[(rates["measure"] == "missed") & (rates["area_code"] == COUNTY)].set_index("definition")
    surveyed, villages = both.loc["lookback.missed.surveyed"], both.loc["lookback.missed.sampled_villages"]
    assert (surveyed["formula_numerator"], surveyed["formula_denominator"]) == (4, 23 * 3 + 4)
    people = sample[sample["kind"] == "off_register"].drop_duplicates("village_code")["village_persons"].sum()
    assert (villages["formula_numerator"], villages["formula_denominator"]) == (4, people)
    assert surveyed["formula_share"] > 10 * villages["formula_share"]
    # The village's share is 4 of 19 persons; villages count by their people over their probability.
    cells = sample[sample["kind"] == "off_register"].drop_duplicates("village_code").set_index("village_code")
    stands = cells["village_persons"] / cells["village_share"]
    mine = sample.loc[sample["unit_id"] == main[0], "village_code"].iloc[0]
    assert surveyed["estimate_share"] == pytest.approx(stands[mine] * 4 / 19 / stands.sum())


def many(problem=(), blank=(), persons=3):
    """A look-back of 40 villages with 20 exited and 20 off-register households each, all small villages so that none is certain."""
    frames = county([1500 + place for place in range(45)], exited=24, left=0)
    drawn = room.draw_lookback(*frames, RULES, QUARTER, 5, take={"villages": 40, "exited": 20, "off_register": 20, "registered": 0, "reserves": 0})
    exited = drawn.loc[drawn["kind"] == "exited", "unit_id"].tolist()
    rows = [answer(unit, None, None, None, None) if unit in {exited[one] for one in blank} else
            answer(unit, problem="yes" if unit in {exited[one] for one in problem} else "no", persons=persons) for unit in drawn["unit_id"]]
    facts = room.frame_facts(*frames, RULES, QUARTER, 5)
    return room.lookback_rates(room.settle_answers(drawn, said(rows)), facts, RULES), facts


def test_a_clear_pass_is_met_and_unknown_answers_take_it_away():
    clear, _ = many()
    assert county_row(clear, "wrong")["verdict"] == "met"
    assert county_row(clear, "wrong")["high_share"] < 0.02
    spoiled, _ = many(blank=range(0, 800, 20))
    row = county_row(spoiled, "wrong")
    assert row["high_share"] < 0.02 < row["worst_share"]
    assert (row["unknown_households"], row["verdict"], row["reason_code"]) == (40, "not_decided", "answers_missing")
    failed, _ = many(problem=range(0, 800, 5))
    assert county_row(failed, "wrong")["verdict"] == "not_met"
    hidden, _ = many(problem=range(0, 800, 5), blank=range(1, 800, 5))
    assert county_row(hidden, "wrong")["verdict"] == "not_met"  # a fifth is wrong even if every blank is not


def test_combined_incidence_of_a_look_back():
    rates, facts = many(problem=range(0, 800, 40))
    wrong, missed = county_row(rates, "wrong")["estimate_share"], county_row(rates, "missed")["estimate_share"]
    row = county_row(rates, "incidence")
    by_hand = room.combined_incidence(0, Fraction(missed), facts["off_register_persons"], Fraction(wrong), facts["exited_persons"],
                                      facts["rural_population_persons"])
    assert row["estimate_share"] == pytest.approx(float(by_hand))
    assert row["low_share"] < row["estimate_share"] < row["high_share"]
    readings = rates[rates["measure"] == "incidence"]
    assert len(readings) == 4
    assert readings["chosen"].sum() == 1
    half = readings[readings["definition"] == "lookback.incidence.plan_year lookback.incidence.agricultural"].iloc[0]
    assert half["estimate_share"] == pytest.approx(row["estimate_share"] / 2)  # every second household left in 2017; nobody was missed


def test_everybody_visited_leaves_no_sampling_error():
    villages, households, heads = county([100, 120, 140])
    named = pd.DataFrame({"village_code": [code for code in villages["village_code"] for _ in range(10)], "code": [f"A{n}" for n in range(10)] * 3})
    drawn = room.draw_lookback(villages, households, heads, RULES, QUARTER, 1, take={"villages": 3, "exited": 99, "registered": 99, "off_register": 99},
                               off_list=named)
    wrong = drawn.loc[drawn["kind"] == "exited", "unit_id"].iloc[0]
    settled = room.settle_answers(drawn, said([answer(unit, problem="yes" if unit == wrong else "no") for unit in drawn["unit_id"]]))
    row = county_row(room.lookback_rates(settled, FACTS, RULES), "wrong")
    assert row["method"] == "complete"
    assert row["low_share"] == row["high_share"] == pytest.approx(1 / 36)
    assert row["verdict"] == "not_met"


def test_townships_keep_the_design_and_one_village_is_unknown(sample):
    rates = rated(sample, everybody(sample))
    towns = rates[(rates["level"] == "township") & (rates["measure"] == "wrong")].set_index("area_code")
    villages = sample.groupby("township_code")["village_code"].nunique()
    assert towns["villages"].tolist() == villages[towns.index].tolist()
    for code, row in towns.iterrows():
        assert row["verdict"] == "not_decided"
        assert pd.isna(row["high_share"]) == (villages[code] == 1)


# ---- clustering and plan -----------------------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("values", "villages", "expected"), [
    ([1, 1, 0, 0, 0, 0], "aaabbb", 0.5),  # MSB 2/3, MSW 1/6: (2/3 - 1/6) / (2/3 + 2/6)
    ([1, 0, 0, 0], "aabb", 0.0),  # MSB = MSW = 1/4
    ([1, 1, 0, 0], "aabb", 1.0), ([1, 0, 1, 0], "aabb", 0.0),
])
def test_intra_village_correlation_by_hand(values, villages, expected):
    assert room.intra_village_correlation(values, list(villages)) == pytest.approx(expected)


def test_correlation_is_unknown_without_villages_or_difference():
    assert room.intra_village_correlation([1, 0], ["a", "a"]) is None
    assert room.intra_village_correlation([0, 0, 0, 0], list("aabb")) is None
    assert room.intra_village_correlation([1, 0], ["a", "b"]) is None
    assert room.intra_village_correlation([], []) is None


def test_the_plan_has_the_clustering_that_the_last_look_back_had():
    rows = [{"unit_id": f"u{place}", "quarter": QUARTER, "township_code": "431025100", "village_code": f"4310251002{place // 10:02d}", "kind": "exited",
             "role": "main", "draw_order": 1, "state": "answered", "problem": "yes" if place < 10 else "no", "recognises": "yes", "persons": 3, "use": "used",
             "weight": 1.0} for place in range(200)]
    answers = conform(pd.DataFrame(rows), "lookback_answers")
    assert correlation_of(answers, "wrong", RULES) == (pytest.approx(1.0), "last_lookback")
    assert correlation_of(answers.iloc[1:], "wrong", RULES) == (0.05, "assumed")  # nine found are too few to tell
    assert correlation_of(answers, "missed", RULES) == (0.05, "assumed")
    assert len(with_problem(answers, "recognition")) == 200


def test_plan_by_hand_and_by_its_own_promise():
    frame = room.village_frame(*county([1500 + place for place in range(150)], exited=30, left=5), RULES)
    plan = room.lookback_plan(frame, empty("lookback_answers"), RULES)
    again = room.lookback_plan(frame, empty("lookback_answers"), RULES)
    pd.testing.assert_frame_equal(plan, again)
    assert not plan.equals(room.lookback_plan(frame, empty("lookback_answers"), RULES, seed=1))
    wrong = plan[plan["measure"] == "wrong"].set_index("allowed_households")
    assert tuple(wrong.index) == ALLOWED
    assert wrong.loc[5, "exact_households"] == 523
    assert wrong.loc[5, "design_effect"] == pytest.approx(1 + 17 * 0.05, rel=0.001)  # 18 a village; sizes differ by a tenth at most
    assert wrong.loc[5, "clustered_households"] == math.ceil(523 * wrong.loc[5, "design_effect"])
    assert wrong.loc[5, "villages"] == math.ceil(wrong.loc[5, "clustered_households"] / 18)
    assert wrong["pass_share"].dropna().is_monotonic_increasing
    assert (plan["pass_at_bar_share"].dropna() <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)).all()
    for _, rows in plan.groupby("measure"):
        best = rows[rows["recommended"]]
        assert len(best) == 1
        fits = rows[(rows["pass_share"] >= 0.95).fillna(False) & (rows["villages"] <= rows["frame_villages"])]
        assert best["allowed_households"].iloc[0] == fits["allowed_households"].min()
    assert wrong.loc[30, "villages"] > 150
    assert pd.isna(wrong.loc[30, "pass_share"])  # not enough villages


def test_a_county_without_ledgers_has_an_empty_plan_not_an_error():
    villages = pd.DataFrame(columns=["village_code", "township_code", "rural_population_persons"])
    households, heads = empty("households"), pd.DataFrame(columns=["household_id", "registered_persons"])
    plan = room.lookback_plan(room.village_frame(villages, households, heads, RULES), empty("lookback_answers"), RULES)
    assert not plan["recommended"].any()
    assert (plan["frame_households"] == 0).all()


@pytest.mark.parametrize("bar", [2, 1.0, 0, -0.1])
def test_a_bar_that_is_no_share_is_refused_and_does_not_search_for_ever(bar):
    with pytest.raises(RefusedError, match="界限有误"):
        room.largest_allowed(100, bar)


def test_a_population_smaller_than_its_poor_is_refused():
    with pytest.raises(RefusedError, match="人口数有误"):
        room.combined_incidence(100, 1, 100, 1, 100, 100)
