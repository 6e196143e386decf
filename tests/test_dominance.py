"""Dominance, Lorenz curves and growth incidence: by hand, by slow sums, by replicates, and what a test must not decide."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linwu_stats import survey
from linwu_stats.indicators import dominance as dom


def register(values, **columns):
    return survey.register(pd.DataFrame({"income": values, **columns}))


def sample(shift: float, seed: int, spread: float = 0.5, villages: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    village = np.repeat(np.arange(villages), 15)
    income = np.exp(8 + shift + 0.1 * rng.normal(size=villages)[village] + spread * rng.normal(size=len(village)))
    return pd.DataFrame({"village": village, "income": income, "weight": rng.uniform(1, 3, len(village))})


def designed(frame: pd.DataFrame):
    return survey.design(frame, weights="weight", clusters=["village"])


@pytest.mark.parametrize("order", [1, 2, 3])
def test_curves_by_slow_sums(order):
    frame = pd.DataFrame({"income": [120, 500, 90, 400], "heads": [1, 2, 3, 4]})
    other = pd.DataFrame({"income": [100, 100, 300, 50], "heads": [1, 1, 3, 2]})
    found = dom.dominance(survey.register(frame), survey.register(other), "income", (20, 260), order=order, points=[20, 30, 100, 130, 260], headcount="heads")
    factor = {1: 1, 2: 1, 3: 2}[order]
    for column, rows in (("first", frame), ("second", other)):
        for line, value in zip(found.curve["point"], found.curve[column], strict=True):
            terms = [n * (line - y / n) ** (order - 1) / factor for y, n in zip(rows["income"], rows["heads"], strict=True) if y / n <= line]
            assert value == pytest.approx(sum(terms) / rows["heads"].sum(), rel=1e-12, abs=1e-15)


def test_verdicts_of_registers_are_exact():
    poor, rich, mixed = register([1, 2, 3, 4]), register([2, 3, 4, 5]), register([0.5, 2.5, 4, 6])
    assert dom.dominance(rich, poor, "income", (0.1, 10)).verdict == "dominates"
    assert dom.dominance(poor, rich, "income", (0.1, 10)).verdict == "dominated"
    assert dom.dominance(poor, poor, "income", (0.1, 10)).verdict == "equal"
    crossed = dom.dominance(mixed, poor, "income", (0.1, 10))
    assert (crossed.verdict, crossed.rule) == ("crosses", "exact")
    assert len(crossed.crossings) == 1
    # Only up to a line of 1.5 does the first hold against the mixed one.
    assert dom.dominance(poor, mixed, "income", (0.1, 1.9)).verdict == "dominates"
    # Second order: the same mean spread further is worse, first order says nothing.
    even, spread = register([2, 2, 2]), register([1, 2, 3])
    assert dom.dominance(even, spread, "income", (0.5, 4)).verdict == "crosses"
    assert dom.dominance(even, spread, "income", (0.5, 4), order=2).verdict == "dominates"
    assert dom.lorenz_dominance(even, spread, "income", generalised=True).verdict == "dominates"


@given(st.lists(st.integers(1, 50), min_size=2, max_size=12), st.lists(st.integers(1, 50), min_size=2, max_size=12))
@settings(max_examples=40, deadline=None)
def test_lower_orders_imply_higher_ones_and_first_order_is_every_headcount(first, second):
    verdicts = [dom.dominance(register(first), register(second), "income", (0.5, 60), order=order).verdict for order in (1, 2, 3)]
    for lower, higher in itertools.pairwise(verdicts):
        if lower in ("dominates", "dominated", "equal"):
            assert higher == lower
    lines = np.arange(0.5, 60.5, 0.5)
    shares = [np.array([(np.array(values) <= line).mean() for line in lines]) for values in (first, second)]
    less, more = (shares[0] < shares[1] - 1e-12).any(), (shares[0] > shares[1] + 1e-12).any()
    assert verdicts[0] == ("crosses" if less and more else "dominates" if less else "dominated" if more else "equal")


def test_tests_of_samples():
    poor, rich = designed(sample(0.0, 1)), designed(sample(0.6, 2))
    apart = dom.dominance(rich, poor, "income", (2000, 5000))
    assert apart.verdict == "dominates"
    assert apart.critical == pytest.approx(1.6649, abs=1e-3)  # t at 0.05 with 78 degrees of freedom
    assert dom.dominance(poor, rich, "income", (2000, 5000), order=2).verdict == "dominated"
    same = dom.dominance(designed(sample(0.0, 3)), designed(sample(0.0, 4)), "income", (2000, 5000))
    assert same.verdict == "not_decided"
    wide = dom.dominance(designed(sample(0.0, 5, spread=1.0)), designed(sample(0.0, 6, spread=0.3)), "income", (1000, 9000), rule="max_t")
    assert wide.verdict == "crosses"
    assert 2000 < wide.crossings[0] < 4500
    assert wide.critical > 2.9  # the largest of 25 points


def test_the_error_of_a_difference_is_that_of_the_jackknife():
    frame = sample(0.0, 7)
    frame["group"] = np.random.default_rng(1).random(len(frame)) < 0.4
    frame["later"] = frame["income"] * np.exp(0.1 + 0.2 * np.random.default_rng(2).normal(size=len(frame)))
    d = designed(frame)
    points = [2000.0, 3000.0, 4500.0]
    found = dom.dominance(d.domain("group"), d.domain(~frame["group"]), "income", (2000, 4500), order=2, points=points).curve
    panel = dom.dominance(d, d, "income", (2000, 4500), order=2, points=points, income_second="later").curve

    def slow(weights):
        out = []
        for one, two, y2 in ((frame["group"], ~frame["group"], "income"), (frame["group"] | True, frame["group"] | True, "later")):
            for z in points:
                gaps = [np.average(np.maximum(z - frame.loc[rows, y], 0), weights=weights[rows.to_numpy()]) for rows, y in ((one, "income"), (two, y2))]
                out.append(gaps[0] - gaps[1])
        return np.array(out)

    assert [*found["se"], *panel["se"]] == pytest.approx(survey.replicates(d, "jackknife").estimate(slow).se, rel=0.03)


def test_lorenz_by_hand_with_a_household_on_the_border():
    # Two persons with 10 each, three with 20: the poorest half is the two and half a person of the three.
    d = survey.register(pd.DataFrame({"income": [20, 60], "heads": [2, 3]}))
    found = dom.lorenz_curve(d, "income", [0.0, 0.4, 0.5, 1.0], headcount="heads")
    assert found["value"].tolist() == pytest.approx([0, 20 / 80, (20 + 10) / 80, 1], abs=1e-15)
    general = dom.lorenz_curve(d, "income", [0.5, 1.0], generalised=True, headcount="heads")
    assert general["value"].tolist() == pytest.approx([30 / 5, 16])
    loss = dom.lorenz_curve(register([-3.0, 1.0]), "income", [0.5])
    assert (loss["reason"][0], bool(np.isnan(loss["value"][0]))) == ("mean_not_positive", True)


def test_lorenz_errors_are_those_of_the_bootstrap():
    frame = sample(0.0, 8)
    d = designed(frame)
    found = dom.lorenz_curve(d, "income", [0.2, 0.5, 0.8])
    general = dom.lorenz_curve(d, "income", [0.2, 0.5, 0.8], generalised=True)

    def slow(weights):
        return np.concatenate([
            dom.lorenz_curve(survey.design(frame.assign(weight=weights), weights="weight"), "income", [0.2, 0.5, 0.8], generalised=way)["value"]
            for way in (False, True)
        ])

    assert [*found["se"], *general["se"]] == pytest.approx(survey.replicates(d, "jackknife").estimate(slow).se, rel=0.03)


def test_growth_of_each_quantile_by_hand():
    found = dom.growth_incidence(register([100, 200, 300, 400]), register([150, 220, 300, 800]), "income", shares=[0.25, 0.5, 0.75, 1.0], prices=1.0)
    assert found["growth"].tolist() == pytest.approx([0.5, 0.1, 0.0, 1.0, 0.47])
    assert found["se"].tolist() == [0.0] * 5
    dearer = dom.growth_incidence(register([100, 200]), register([110, 220]), "income", shares=[0.5, 1.0], prices=1.1)
    assert dearer["growth"].tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    loss = dom.growth_incidence(register([-5, 0, 100]), register([5, 10, 100]), "income", shares=[1 / 3, 2 / 3, 1.0])
    assert loss["reason"].fillna("").tolist() == ["base_not_positive", "base_not_positive", "", ""]


def test_growth_errors_are_near_those_of_the_bootstrap():
    frame = sample(0.0, 9, villages=60)
    frame["later"] = frame["income"] * np.exp(0.1 + 0.2 * np.random.default_rng(5).normal(size=len(frame)))
    d = designed(frame)
    found = dom.growth_incidence(d, d, "income", income_now="later", shares=[0.25, 0.5, 0.75])

    def slow(weights):
        other = survey.design(frame.assign(weight=weights), weights="weight")
        return dom.growth_incidence(other, other, "income", income_now="later", shares=[0.25, 0.5, 0.75])["growth"].to_numpy()

    # A quantile jumps from one income to the next, so replicates and density agree roughly; the mean is smooth.
    se = survey.replicates(d, "bootstrap", count=200, seed=4).estimate(slow).se
    assert found["se"].tolist()[:3] == pytest.approx(se[:3], rel=0.4)
    assert found["se"].tolist()[3] == pytest.approx(se[3], rel=0.15)


def test_unknown_incomes_are_refused_or_counted():
    with pytest.raises(survey.DesignError, match="unknown is not zero"):
        dom.dominance(register([1.0, None]), register([1.0, 2.0]), "income", (0.5, 3))
    found = dom.dominance(register([1.0, None]), register([1.0, 2.0]), "income", (0.5, 3), unknown="domain")
    assert (found.n, found.unknown) == ((1, 2), (1, 0))
