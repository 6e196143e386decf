"""Axioms of the indices (指标的公理): each "yes", "weak" and "no" of the table of indices is held to here, on invented incomes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linwu_stats import survey
from linwu_stats.indicators import sampled
from linwu_stats.indicators.sampled import INDICES

LINE = 5000.0
EXAMPLES = settings(max_examples=25, deadline=None, derandomize=True)
#: Positive incomes, persons below and above the line, so that every index has a value.
INCOMES = st.lists(st.integers(50, 20_000), min_size=4, max_size=14).map(lambda drawn: [float(one) for one in [*drawn, 1200, 3000, 9000]])
WEIGHTS = st.lists(st.integers(1, 5), min_size=17, max_size=17)


def names(axiom: str, *answers: str) -> list[str]:
    found = [name for name, index in INDICES.items() if index.axioms.get(axiom) in answers]
    assert found, axiom
    return found


def values(which: list[str], incomes: list[float], weights: list[float] | None = None, line: float = LINE) -> np.ndarray:
    """Values of indices, for incomes with weights."""
    d = survey.register(pd.DataFrame({"y": incomes}))
    return sampled.of_weights(d, "y", which, line)(np.ones(len(incomes)) if weights is None else np.asarray(weights, dtype=float)[: len(incomes)])


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.allclose(one, other, rtol=1e-9, atol=1e-11, equal_nan=True))


@EXAMPLES
@given(INCOMES, WEIGHTS, st.randoms(use_true_random=False))
def test_permutation(incomes, weights, random):
    pairs = list(zip(incomes, weights, strict=False))
    random.shuffle(pairs)
    which = names("permutation", "yes")
    assert which == list(INDICES)
    assert same(values(which, incomes, weights), values(which, [one for one, _ in pairs], [weight for _, weight in pairs]))


@EXAMPLES
@given(INCOMES, WEIGHTS, st.integers(2, 4))
def test_replication(incomes, weights, times):
    which = names("replication", "yes")
    assert which == list(INDICES)
    wanted, mine = values(which, incomes, weights), weights[: len(incomes)]
    assert same(wanted, values(which, incomes * times, mine * times))
    assert same(wanted, values(which, incomes, [weight * times for weight in weights]))
    # A row of weight w is w persons.
    persons = [income for income, weight in zip(incomes, mine, strict=True) for _ in range(weight)]
    assert same(wanted, values(which, persons))


@EXAMPLES
@given(INCOMES, st.sampled_from([0.01, 0.5, 3.0, 100.0]))
def test_scale_and_unit(incomes, factor):
    scaled = [income * factor for income in incomes]
    still, moving = names("scale", "yes"), names("homogeneity", "yes")
    assert sorted([*still, *moving]) == sorted(INDICES)
    assert same(values(still, incomes), values(still, scaled, line=LINE * factor))
    assert same(values(moving, incomes) * factor, values(moving, scaled, line=LINE * factor))


@EXAMPLES
@given(INCOMES, st.integers(1, 10**6))
def test_focus(incomes, more):
    richer = [income + more if income >= LINE else income for income in incomes]
    which = names("focus", "yes")
    assert same(values(which, incomes), values(which, richer))


def test_no_focus_where_the_line_moves():
    low, high = [1000.0, 2000.0, 2500.0, 4000.0, 9000.0], [1000.0, 2000.0, 4900.0, 5000.0, 9000.0]
    for name in names("focus", "no"):
        assert not same(values([name], low), values([name], high)), name


@EXAMPLES
@given(INCOMES, st.data())
def test_monotonicity(incomes, data):
    place = data.draw(st.sampled_from([place for place, income in enumerate(incomes) if 50 < income < LINE]))
    lower = list(incomes)
    lower[place] = data.draw(st.floats(10, incomes[place] - 10, allow_nan=False))
    strict, weak = names("monotonicity", "yes"), names("monotonicity", "weak")
    assert (values(strict, lower) > values(strict, incomes)).all()
    assert (values(weak, lower) >= values(weak, incomes) - 1e-12).all()


@EXAMPLES
@given(INCOMES, st.data())
def test_transfer_among_the_poor(incomes, data):
    poor = sorted(place for place, income in enumerate(incomes) if income < LINE)
    giver, taker = data.draw(st.tuples(st.sampled_from(poor), st.sampled_from(poor)))
    assume(giver != taker and incomes[giver] <= incomes[taker])
    room = min(incomes[giver] - 1, LINE - 1 - incomes[taker])
    assume(room >= 10)
    moved, given_ = list(incomes), data.draw(st.floats(10, room, allow_nan=False))
    moved[giver], moved[taker] = incomes[giver] - given_, incomes[taker] + given_
    stated = [name for name in names("transfer", "yes", "weak") if INDICES[name].line]
    strict = [name for name in stated if INDICES[name].axioms["transfer"] == "yes"]
    assert (values(strict, moved) > values(strict, incomes)).all()
    assert (values(stated, moved) >= values(stated, incomes) - 1e-9).all()


@EXAMPLES
@given(INCOMES, st.data())
def test_transfer_over_the_line(incomes, data):
    taker = data.draw(st.sampled_from([place for place, income in enumerate(incomes) if 2600 < income < LINE]))
    incomes = [*incomes[:taker], LINE - data.draw(st.floats(1, 100)), *incomes[taker + 1 :]]  # near the line, so that a small sum lifts it over
    giver = data.draw(st.sampled_from([place for place, income in enumerate(incomes) if income <= incomes[taker] and place != taker]))
    need = LINE - incomes[taker]
    assume(incomes[giver] - need > 10)
    moved = list(incomes)
    moved[giver], moved[taker] = incomes[giver] - need - 1, LINE + 1
    which = names("crossing", "yes")
    assert (values(which, moved) > values(which, incomes)).all()


def test_indices_that_a_transfer_over_the_line_lowers():
    before, after = [2000.0, 4000.0, 4500.0, 8000.0], [1400.0, 4000.0, 5100.0, 8000.0]
    assert values(["headcount_ratio"], after)[0] < values(["headcount_ratio"], before)[0]
    # Two poor with gaps of 0.5 and 0.1; the second gives 10 to a third who stands 10 below the line.
    before, after = [2500.0, 4900.0, 4990.0, *[9000.0] * 3], [2500.0, 4890.0, 5000.0, *[9000.0] * 3]
    assert values(["sen_index"], after)[0] < values(["sen_index"], before)[0]
    assert set(names("crossing", "no")) == {"headcount_ratio", "sen_index"}


@EXAMPLES
@given(INCOMES, st.data())
def test_a_transfer_to_the_poorer_lowers_inequality(incomes, data):
    order = sorted(range(len(incomes)), key=incomes.__getitem__)
    poorer, richer = order[data.draw(st.integers(0, 3))], order[data.draw(st.integers(len(order) - 3, len(order) - 1))]
    room = (incomes[richer] - incomes[poorer]) / 2
    assume(room >= 20)
    given_ = data.draw(st.floats(10, room, allow_nan=False))
    moved = list(incomes)
    moved[richer], moved[poorer] = incomes[richer] - given_, incomes[poorer] + given_
    spread = [name for name in names("transfer", "yes", "weak") if not INDICES[name].line]
    strict = [name for name in spread if INDICES[name].axioms["transfer"] == "yes"]
    assert (values(strict, moved) < values(strict, incomes)).all()
    assert (values(spread, moved) <= values(spread, incomes) + 1e-9).all()


def test_indices_that_a_transfer_to_the_poorer_can_raise():
    # Evening out two large incomes raises the mean of logs, from which the many small ones are then farther away.
    raised = {
        "variance_of_logs": ([1.0, 1.0, 1.0, 1.0, 1.0, 100.0, 1000.0], [1.0, 1.0, 1.0, 1.0, 1.0, 500.0, 600.0]),
        "p90_p10": ([1000.0, *[2000.0] * 8, 3000.0, 9000.0], [1000.0, *[2000.0] * 8, 5000.0, 7000.0]),
        "p80_p20": ([1000.0, *[2000.0] * 7, 3000.0, 9000.0], [1000.0, *[2000.0] * 6, 2900.0, 3000.0, 8100.0]),
        "p90_p50": ([1000.0, *[2000.0] * 8, 3000.0, 9000.0], [1000.0, *[2000.0] * 8, 5000.0, 7000.0]),
        "p50_p10": ([1000.0, 1000.0, 1000.0, 2000.0, 4000.0, 9000.0], [1000.0, 1000.0, 2000.0, 2000.0, 4000.0, 8000.0]),
    }
    assert set(raised) == set(names("transfer", "no"))
    for name, (before, after) in raised.items():
        assert math.isclose(sum(before), sum(after))
        assert values([name], after)[0] > values([name], before)[0] + 1e-6, name


@EXAMPLES
@given(INCOMES, INCOMES, WEIGHTS)
def test_decomposability(one, other, weights):
    which = names("decomposability", "yes")
    first, second = weights[: len(one)], weights[: len(other)]
    parts = values(which, one, first) * sum(first) + values(which, other, second) * sum(second)
    assert same(values(which, one + other, first + second), parts / (sum(first) + sum(second)))


def test_indices_of_ranks_do_not_decompose():
    one, other = [1000.0, 6000.0, 7000.0], [4000.0, 4500.0, 8000.0]
    for name in names("decomposability", "no"):
        assert abs(values([name], one + other)[0] - (values([name], one)[0] + values([name], other)[0]) / 2) > 1e-3, name


@EXAMPLES
@given(st.integers(3, 12), st.integers(1, 10_000), st.lists(st.integers(5000, 20_000), min_size=3, max_size=12))
def test_normalisation(size, income, rich):
    spread = [name for name in names("normalisation", "yes") if not INDICES[name].line]
    poverty = [name for name in names("normalisation", "yes") if INDICES[name].line]
    assert np.abs(values(spread, [float(income)] * size)).max() < 1e-9
    assert np.abs(values(poverty, [float(one) for one in rich])).max() == 0


@EXAMPLES
@given(INCOMES)
def test_bounds(incomes):
    bounded = [name for name in INDICES if INDICES[name].suited in ("rate", "share", "part")] + ["gini", "hoover"]
    found = values(bounded, incomes)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-12).all()
    shares = values([name for name in INDICES if name.startswith("share_q")], incomes)
    assert shares.sum() == pytest.approx(1)
    assert (np.diff(shares) >= -1e-12).all()
    order = values(["headcount_ratio", "poverty_gap_index", "squared_poverty_gap_index"], incomes)
    assert (np.diff(order) <= 1e-12).all()
    # The larger gap of two persons is at least the mean gap, at most twice; among the poor at most 1.
    sen, sst = values(["sen_index", "sst_index"], incomes)
    assert order[1] - 1e-12 <= sen <= order[0] + 1e-12
    assert order[1] - 1e-12 <= sst <= 2 * order[1] + 1e-12
