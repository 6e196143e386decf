"""Decompositions: by slow loops over all pairs and orders, by hand, and by replicates; the parts add up, and nothing unknown is taken for zero."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linwu_stats import survey
from linwu_stats.indicators import decompose

RNG = np.random.default_rng(20180331)


def sample(rows: int = 240, villages: int = 24) -> pd.DataFrame:
    village = np.repeat(np.arange(villages), rows // villages)
    wage = np.maximum(0.0, np.round(RNG.normal(2000, 1500, rows)))
    farm = np.round(RNG.normal(800, 900, rows) + 300 * (village % 3))
    transfer = np.round(RNG.exponential(600, rows)) + 100
    frame = pd.DataFrame({
        "village": village, "wage": wage, "farm": farm, "transfer": transfer, "weight": RNG.uniform(1, 4, rows).round(2),
        "group": np.array(["a", "b", "c"])[RNG.integers(0, 3, rows)], "later": RNG.integers(0, 3, rows),
    })
    frame["income"] = wage + farm + transfer
    frame["level"] = np.where(wage < 1500, "a", np.where(wage < 3000, "b", "c"))
    frame["income_now"] = np.round(frame["income"] * RNG.normal(1.1, 0.2, rows))
    return frame


FRAME = sample()
DESIGN = survey.design(FRAME, weights="weight", clusters=["village"])


def replicated(function, frame: pd.DataFrame = FRAME) -> np.ndarray:
    """Jackknife standard errors of a function of a weighted frame, sharing nothing with the linearisation."""
    found = survey.replicates(DESIGN, "jackknife").estimate(lambda weights: np.array(function(survey.design(frame.assign(weight=weights), weights="weight"))))
    return found.se


def slow_gini(values, weights) -> float:
    pairs = sum(u * v * abs(x - y) for x, u in zip(values, weights, strict=True) for y, v in zip(values, weights, strict=True))
    total, mean = sum(weights), sum(x * u for x, u in zip(values, weights, strict=True)) / sum(weights)
    return pairs / total**2 / (2 * mean)


# Subgroups


def test_fgt_by_group_by_hand():
    # Line 100. a: 50 and 150 (one person each); b: a household of 2 with 160 (80 each) and one of 1 exactly on the line, which is not poor.
    frame = pd.DataFrame({"income": [50, 150, 160, 100], "heads": [1, 1, 2, 1], "group": ["a", "a", "b", "b"]})
    found = decompose.decompose_fgt(survey.register(frame), "income", 100, "group", alpha=1, headcount="heads")
    assert found.value("a", "index") == pytest.approx(0.25, abs=1e-15)
    assert found.value("b", "index") == pytest.approx(0.4 / 3, abs=1e-15)
    assert found.value("whole", "index") == pytest.approx(0.9 / 5, abs=1e-15)
    assert [found.value(name, "persons_share") for name in "ab"] == pytest.approx([2 / 5, 3 / 5], abs=1e-15)
    assert [found.value(name, "contribution_share") for name in "ab"] == pytest.approx([0.5 / 0.9, 0.4 / 0.9], abs=1e-15)
    assert found["a", "contribution"].se == 0.0
    assert (found["a", "index"].n, found["b", "index"].n) == (2, 2)
    poor = decompose.decompose_fgt(survey.register(frame), "income", 100, "group", headcount="heads", sign="<=")
    assert poor.value("b", "index") == 1.0


def test_a_household_on_the_line_is_decided_in_whole_fen():
    heads = np.arange(1, 60)
    frame = pd.DataFrame({"income": 333_333 * heads, "heads": heads, "group": "x"})
    assert decompose.decompose_fgt(survey.register(frame), "income", 333_333, "group", headcount="heads").value("whole", "index") == 0.0
    assert decompose.decompose_fgt(survey.register(frame), "income", 333_333, "group", headcount="heads", sign="<=").value("whole", "index") == 1.0


def test_errors_of_subgroups_are_those_of_the_jackknife():
    keys = [("a", "contribution_share"), ("b", "index"), ("c", "risk_ratio")]
    found = decompose.decompose_fgt(DESIGN, "income", 3000, "group", alpha=2)
    slow = replicated(lambda d: [decompose.decompose_fgt(d, "income", 3000, "group", alpha=2).value(*key) for key in keys])
    assert [found[key].se for key in keys] == pytest.approx(slow, rel=0.1)


def test_nobody_poor_has_no_contribution_and_says_why():
    found = decompose.decompose_fgt(DESIGN, "transfer", 50, "group", alpha=1)
    shown = found.frame().set_index(["part", "quantity"])
    assert math.isnan(shown.loc[("a", "contribution_share"), "value"])
    assert shown.loc[("a", "contribution_share"), "reason"] == "nobody_poor"
    assert shown.loc[("a", "contribution"), "value"] == 0.0


@pytest.mark.parametrize("alpha", [-1, 0, 0.5, 1, 2, 3])
def test_entropy_adds_up_and_agrees_with_its_definition(alpha):
    frame = FRAME[FRAME["income"] > 0].reset_index(drop=True)
    d = survey.design(frame, weights="weight", clusters=["village"])
    found = decompose.decompose_entropy(d, "income", "group", alpha=alpha)

    def index(part: pd.DataFrame) -> float:
        y, w = part["income"].to_numpy(), part["weight"].to_numpy()
        r, w = y / np.average(y, weights=w), w / w.sum()
        return {0: -(w * np.log(r)).sum(), 1: (w * r * np.log(r)).sum()}.get(alpha, (w * (r**alpha - 1)).sum() / (alpha * (alpha - 1) or 1))

    means = frame.assign(income=frame.groupby("group")[["income", "weight"]].apply(
        lambda part: np.average(part["income"], weights=part["weight"])).reindex(frame["group"]).to_numpy())
    assert found.value("whole", "index") == pytest.approx(index(frame), rel=1e-9)
    assert found.value("between", "index") == pytest.approx(index(means), rel=1e-7)
    assert found.value("a", "index") == pytest.approx(index(frame[frame["group"] == "a"]), rel=1e-9)
    assert found.value("within", "index") + found.value("between", "index") == pytest.approx(found.value("whole", "index"), rel=1e-12)
    assert sum(found.value(name, "contribution") for name in "abc") == pytest.approx(found.value("within", "index"), rel=1e-12)


@pytest.mark.parametrize(
    ("incomes", "alpha", "reason"),
    [
        ([1, 2, 0], 0, "nonpositive_income"), ([1, 2, 0], -1, "nonpositive_income"), ([5, 2, -1], 1, "negative_income"), ([5, 2, -1], 0.5, "negative_income"),
        ([1, -1, 0], 2, "mean_not_positive"), ([5, 5, -1], 2, "group_mean_not_positive"),
    ],
)
def test_entropy_without_a_value_says_why(incomes, alpha, reason):
    frame = pd.DataFrame({"income": incomes, "group": ["a", "a", "b"]})
    shown = decompose.decompose_entropy(survey.register(frame), "income", "group", alpha=alpha).frame()
    assert shown["value"].isna().all()
    assert set(shown["reason"]) == {reason}


def test_entropy_bears_zeros_and_whole_powers_bear_losses():
    frame = pd.DataFrame({"income": [0, 2, 4], "group": ["a", "a", "b"]})
    found = decompose.decompose_entropy(survey.register(frame), "income", "group", alpha=1)
    assert found.value("whole", "index") == pytest.approx((0 + 0 + 2 * math.log(2)) / 3)
    loss = pd.DataFrame({"income": [-2.0, 8.0, 6.0], "group": ["a", "a", "b"]})
    half_square = decompose.decompose_entropy(survey.register(loss), "income", "group", alpha=2)
    assert half_square.value("whole", "index") == pytest.approx(0.5 * np.var([-2, 8, 6]) / 16)


def test_gini_by_group_by_slow_loops_and_the_jackknife():
    found = decompose.decompose_gini(DESIGN, "income", "group")
    y, w = FRAME["income"].tolist(), FRAME["weight"].tolist()
    assert found.value("whole", "index") == pytest.approx(slow_gini(y, w), rel=1e-12)
    within = 0.0
    for name, part in FRAME.groupby("group"):
        own = slow_gini(part["income"].tolist(), part["weight"].tolist())
        assert found.value(name, "index") == pytest.approx(own, rel=1e-12)
        within += own * part["weight"].sum() / sum(w) * (part["income"] @ part["weight"]) / np.dot(y, w)
    assert found.value("within", "index") == pytest.approx(within, rel=1e-12)
    parts = [found.value(name, "index") for name in ("within", "between", "residual")]
    assert sum(parts) == pytest.approx(found.value("whole", "index"), rel=1e-12)
    keys = [("whole", "index"), ("between", "index"), ("residual", "share"), ("a", "contribution")]
    found = decompose.decompose_gini(DESIGN, "income", "level")  # groups whose means lie apart: the distance of two equal means has no derivative
    slow = replicated(lambda d: [decompose.decompose_gini(d, "income", "level").value(*key) for key in keys])
    assert [found[key].se for key in keys] == pytest.approx(slow, rel=0.1)


def test_groups_that_do_not_overlap_have_no_residual():
    frame = pd.DataFrame({"income": [1, 2, 3, 10, 11, 30], "group": list("aaabbb")})
    assert decompose.decompose_gini(survey.register(frame), "income", "group").value("residual", "index") == pytest.approx(0, abs=1e-15)


def test_rows_without_a_group_are_a_group_of_their_own():
    frame = pd.DataFrame({"income": [1.0, 2.0, 3.0], "group": ["a", None, "b"]})
    found = decompose.decompose_fgt(survey.register(frame), "income", 2.5, "group")
    assert found.value("unknown", "contribution_share") == 0.5


def test_an_unknown_income_is_refused_or_counted():
    frame = pd.DataFrame({"income": [1.0, None, 3.0], "group": ["a", "a", "b"]})
    with pytest.raises(survey.DesignError, match="unknown is not zero"):
        decompose.decompose_fgt(survey.register(frame), "income", 2, "group")
    found = decompose.decompose_fgt(survey.register(frame), "income", 2, "group", unknown="domain")
    assert (found["whole", "index"].value, found["whole", "index"].unknown) == (0.5, 1)


# Sources


def test_sources_by_slow_loops():
    names = {"wage": "wage", "farm": "farm", "transfer": "transfer"}
    found = decompose.decompose_sources(DESIGN, names, income="income")
    y, w = FRAME["income"].tolist(), FRAME["weight"].tolist()
    total, mean = sum(w), np.average(y, weights=w)
    gini = slow_gini(y, w)
    assert found.value("whole", "gini") == pytest.approx(gini, rel=1e-12)
    for name in names:
        a = FRAME[name].tolist()
        tied = sum(u * v * (p - q) * np.sign(x - z) for p, x, u in zip(a, y, w, strict=True) for q, z, v in zip(a, y, w, strict=True)) / (2 * total**2)
        assert found.value(name, "contribution") == pytest.approx(tied / mean, rel=1e-10)
        assert found.value(name, "elasticity") == pytest.approx(tied / mean / gini - np.average(a, weights=w) / mean, rel=1e-9)
        product = found.value(name, "income_share") * found.value(name, "gini") * found.value(name, "correlation")
        assert product == pytest.approx(found.value(name, "contribution"), rel=1e-12)
    assert sum(found.value(name, "contribution") for name in names) == pytest.approx(gini, rel=1e-12)
    assert sum(found.value(name, "elasticity") for name in names) == pytest.approx(0, abs=1e-12)
    keys = [("whole", "gini"), ("wage", "contribution"), ("farm", "elasticity"), ("transfer", "correlation"), ("transfer", "gini")]
    slow = replicated(lambda d: [decompose.decompose_sources(d, names).value(*key) for key in keys])
    assert [found[key].se for key in keys] == pytest.approx(slow, rel=0.06)


def test_one_per_cent_more_of_a_source_moves_the_gini_by_its_elasticity():
    more = FRAME.assign(transfer=FRAME["transfer"] * 1.0001)
    names = {"wage": "wage", "farm": "farm", "transfer": "transfer"}
    before, after = (decompose.decompose_sources(survey.design(one, weights="weight"), names).value("whole", "gini") for one in (FRAME, more))
    elasticity = decompose.decompose_sources(DESIGN, names).value("transfer", "elasticity")
    assert (after / before - 1) / 0.0001 == pytest.approx(elasticity, rel=1e-2)


def test_sources_that_do_not_add_up_to_the_income_are_refused():
    with pytest.raises(survey.DesignError, match="各来源之和不等于收入"):
        decompose.decompose_sources(DESIGN, {"wage": "wage", "farm": "farm"}, income="income")


def test_a_source_that_lost_money_has_a_contribution_and_no_gini():
    frame = pd.DataFrame({"wage": [100.0, 200.0, 300.0], "farm": [-50.0, 0.0, 20.0]})
    found = decompose.decompose_sources(survey.register(frame), {"wage": "wage", "farm": "farm"})
    # Incomes 50, 200, 320: sum of |differences| over pairs 2 * 540, over 9, over twice the mean of 190.
    assert found.value("whole", "gini") == pytest.approx(2 * 540 / 9 / (2 * 190))
    assert math.isnan(found.value("farm", "gini"))
    assert found.reasons["farm", "gini"] == "mean_not_positive"
    assert found.value("farm", "contribution") == pytest.approx(2 * 140 / 18 / 190)  # (0+50) + (20+50) + (20-0) over pairs


def test_equal_incomes_have_no_shares():
    found = decompose.decompose_sources(survey.register(pd.DataFrame({"a": [1.0, 1.0], "b": [2.0, 2.0]})), {"a": "a", "b": "b"})
    assert found.value("whole", "gini") == 0.0
    assert found.reasons["a", "contribution_share"] == "no_inequality"


# Change


def fgt(values, weights, line, alpha) -> float:
    return float(np.average([((line - max(y, 0)) / line) ** alpha if y < line else 0.0 for y in values], weights=weights))


@pytest.mark.parametrize("alpha", [0, 1, 2])
def test_growth_and_redistribution_by_their_definition(alpha):
    y0, y1, w = FRAME["income"].to_numpy(), FRAME["income_now"].to_numpy(), FRAME["weight"].to_numpy()
    m0, m1 = np.average(y0, weights=w), np.average(y1, weights=w)
    args = (DESIGN, DESIGN, "income", 3000)
    found = decompose.growth_redistribution(*args, alpha=alpha, income_now="income_now")
    p = {(m, s): fgt((y1 if s else y0) * ((m1 if m else m0) / (m1 if s else m0)), w, 3000, alpha) for m in (0, 1) for s in (0, 1)}
    assert found.value("growth", "index") == pytest.approx(p[1, 0] - p[0, 0], abs=1e-12)
    assert found.value("redistribution", "index") == pytest.approx(p[0, 1] - p[0, 0], abs=1e-12)
    parts = [found.value(name, "index") for name in ("growth", "redistribution", "line", "residual")]
    assert sum(parts) == pytest.approx(p[1, 1] - p[0, 0], abs=1e-12)
    back = decompose.growth_redistribution(*args, alpha=alpha, income_now="income_now", base="now")
    assert back.value("growth", "index") == pytest.approx(p[1, 1] - p[0, 1], abs=1e-12)
    # Without a residual it is the mean of both bases.
    fair = decompose.growth_redistribution(*args, alpha=alpha, income_now="income_now", method="shapley")
    assert fair.value("growth", "index") == pytest.approx((found.value("growth", "index") + back.value("growth", "index")) / 2, abs=1e-12)
    assert fair.value("residual", "index") == 0.0
    assert fair.value("growth", "index") + fair.value("redistribution", "index") == pytest.approx(fair.value("change", "index"), abs=1e-12)


def test_errors_of_a_panel_and_of_two_samples():
    names = ("change", "growth", "redistribution", "line", "residual")
    found = decompose.growth_redistribution(DESIGN, DESIGN, "income", (3000, 3200), alpha=1, income_now="income_now")
    slow = replicated(lambda d: [
        decompose.growth_redistribution(d, d, "income", (3000, 3200), alpha=1, income_now="income_now").value(name, "index") for name in names
    ])
    assert [found[name, "index"].se for name in names] == pytest.approx(slow, rel=0.04)
    other = survey.design(FRAME.copy(), weights="weight", clusters=["village"])
    apart = decompose.growth_redistribution(DESIGN, other, "income", 3000, alpha=1, income_now="income_now")
    alone = [apart["before", "index"].se, apart["now", "index"].se]
    assert apart["change", "index"].se == pytest.approx(math.hypot(*alone), rel=1e-12)
    assert apart["change", "index"].se > found["change", "index"].se


def test_no_change_without_a_mean():
    loss = survey.register(pd.DataFrame({"income": [-1.0, 0.5]}))
    found = decompose.growth_redistribution(loss, loss, "income", 1.0)
    assert found.reasons["growth", "index"] == "mean_not_positive"


def test_sectors_add_up():
    found = decompose.change_by_sector(DESIGN, DESIGN, "income", 3000, "group", alpha=1, income_now="income_now", group_now="later")
    total = sum(found.value("whole", one) for one in ("intra", "shift", "interaction"))
    assert total == pytest.approx(found.value("whole", "change"), abs=1e-14)
    same = decompose.change_by_sector(DESIGN, DESIGN, "income", 3000, "group", alpha=1, income_now="income_now")
    assert same.value("whole", "intra") == pytest.approx(same.value("whole", "change"), abs=1e-14)
    assert same.value("whole", "shift") == pytest.approx(0, abs=1e-15)


# Shapley


def by_orders(value, factors):
    """Mean effect over all orders: the definition, without subset weights."""
    found = dict.fromkeys(factors, 0.0)
    for order in itertools.permutations(factors):
        for place, factor in enumerate(order):
            found[factor] += value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))
    return {factor: total / math.factorial(len(factors)) for factor, total in found.items()}


@given(st.lists(st.integers(-50, 50), min_size=16, max_size=16))
@settings(max_examples=25, deadline=None)
def test_shapley_is_the_mean_over_all_orders(table):
    factors = list("abcd")
    outcome = {frozenset(chosen): float(table[place]) for place, chosen in enumerate(
        chosen for size in range(5) for chosen in itertools.combinations(factors, size))}
    found = decompose.shapley(outcome.__getitem__, factors)
    assert found == pytest.approx(by_orders(outcome.__getitem__, factors), abs=1e-9)
    assert sum(found.values()) == pytest.approx(outcome[frozenset(factors)] - outcome[frozenset()], abs=1e-9)


TERMS = {"income_outcome": "收入", "housing": "住房安全", "water": "饮水安全"}


def test_exits_by_hand():
    columns = list(TERMS)
    before = pd.DataFrame([
        ["not_met", "met", "met"], ["not_met", "not_met", "met"], ["met", "met", "met"], ["met", "met", "met"], ["not_yet", "met", "unknown"],
    ], columns=columns, index=list("ABCDE"))
    now = pd.DataFrame([
        ["already_reached", "met", "met"], ["met", "met", "met"], ["met", "met", "not_met"], ["met", "met", "met"], ["met", "met", "met"],
    ], columns=columns, index=list("ABCFE"))
    found = decompose.explain_exits(before, now, TERMS, persons=pd.Series({"A": 2, "B": 4, "C": 3, "E": 1, "F": 5}), persons_before=pd.Series({"C": 3, "D": 6}))
    found = found.set_index("factor")
    # A by income alone; B half income, half housing; C lost by water; E half income, half water; D left, F came.
    assert found["households"].to_dict() == {
        "before": 2.0, "income_outcome": 2.0, "housing": 0.5, "water": -0.5, "register": 0.0, "now": 4.0
    }
    assert found.loc["income_outcome", "from_unknown"] == 0.5
    assert found.loc["water", "from_unknown"] == 0.5
    assert found["persons"].to_dict() == {"before": 9.0, "income_outcome": 4.5, "housing": 2.0, "water": -2.5, "register": -1.0, "now": 12.0}


@given(st.integers(0, 10**6))
@settings(max_examples=15, deadline=None)
def test_exits_add_up_for_any_ledgers(seed):
    rng = np.random.default_rng(seed)
    codes, columns = np.array(["met", "not_met", "unknown", "already_reached", "not_yet"]), [f"c{place}" for place in range(5)]
    frames = [pd.DataFrame(codes[rng.integers(0, 5, (30, 5)) * (rng.random((30, 5)) < 0.4)], columns=columns, index=rng.permutation(40)[:30]) for _ in range(2)]
    found = decompose.explain_exits(*frames, dict.fromkeys(columns, "")).set_index("factor")["households"]
    assert found["before"] + found[[*columns, "register"]].sum() == pytest.approx(found["now"], abs=1e-12)
    both = frames[0].index.intersection(frames[1].index)
    whole = decompose.exit_parts(frames[0].loc[both], frames[1].loc[both], columns)
    met = [frame.loc[both, columns].isin(["met", "already_reached"]).all(axis=1).astype(int) for frame in frames]
    assert (whole.sum(axis=1) == (met[1] - met[0]) * math.factorial(5)).all()


def test_groups_may_not_bear_the_names_of_other_parts():
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4], "g": ["whole", "whole", "b", "b"]})
    with pytest.raises(survey.DesignError, match="whole"):
        decompose.decompose_fgt(survey.register(frame), "y", 2.5, "g", alpha=0)


def test_a_group_without_rows_in_the_domain_is_no_part_of_it():
    frame = pd.DataFrame({"y": [1.0, 2, 3, 4, 9], "g": ["a", "a", "b", "b", "c"]})
    inside = survey.register(frame).domain(frame["g"] != "c")
    found, alone = (decompose.decompose_entropy(d, "y", "g", alpha=0) for d in (inside, survey.register(frame[frame["g"] != "c"].reset_index(drop=True))))
    for part in ("whole", "within", "between"):
        assert found.value(part, "index") == pytest.approx(alone.value(part, "index"))
