"""Properties that poverty and inequality measures must have (指标的公理性质), on invented households."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from linwu_stats.indicators.inequality import gini, mean, median, quantiles, quintile_share_ratio, theil
from linwu_stats.indicators.poverty import contributions, headcount_ratio, poverty_gap_index, squared_poverty_gap_index, watts_index

LINE = 353500
FGT = (headcount_ratio, poverty_gap_index, squared_poverty_gap_index)
INEQUALITY = (gini, theil, quintile_share_ratio)
SIGNS = st.sampled_from(["<", "<="])

# Incomes per household: losses, nothing, ordinary, and exactly on or one fen beside the line of one to eight persons.
_AMOUNTS = st.one_of(
    st.integers(-500_000, 5_000_000), st.integers(1, 8).map(lambda heads: LINE * heads), st.integers(1, 8).map(lambda heads: LINE * heads - 1), st.just(0)
)
HOUSE = st.tuples(st.integers(1, 8), _AMOUNTS)
HOUSES = st.lists(HOUSE, min_size=1, max_size=25)
EARNING = st.lists(st.tuples(st.integers(1, 8), st.integers(1, 5_000_000)), min_size=2, max_size=25)

EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)


def columns(houses: list[tuple[int, int]]) -> tuple[list[int], list[int], list[int]]:
    """Weights (persons), net incomes, head counts."""
    heads = [heads for heads, _ in houses]
    return heads, [net for _, net in houses], heads


def near(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-11)


def same(one: list, other: list) -> bool:
    return all(near(a.value, b.value) and a.reason_code == b.reason_code for a, b in zip(one, other, strict=True))


def everything(weights: list, net: list, heads: list, line: int = LINE) -> list:
    return [
        *(measure(weights, net, heads, line) for measure in (*FGT, watts_index)),
        *(measure(weights, net, heads) for measure in (*INEQUALITY, mean, median)),
    ]


@EXAMPLES
@given(HOUSES, SIGNS)
def test_bounds_and_order(houses: list, sign: str) -> None:
    ratio = headcount_ratio(*columns(houses), LINE, sign).value
    gap, squared = (measure(*columns(houses), LINE).value for measure in FGT[1:])
    assert 0 <= squared <= gap + 1e-12
    assert gap <= ratio + 1e-12
    assert ratio <= 1


@EXAMPLES
@given(EARNING)
def test_inequality_bounds(houses: list) -> None:
    persons = sum(heads for heads, _ in houses)
    coefficient, entropy, ratio = (measure(*columns(houses)).value for measure in INEQUALITY)
    assert 0 <= coefficient <= 1 - 1 / persons + 1e-12
    assert 0 <= entropy <= math.log(persons) + 1e-12
    assert ratio >= 1 - 1e-12


@EXAMPLES
@given(st.data(), HOUSES)
def test_order_of_households_does_not_matter(data: st.DataObject, houses: list) -> None:
    assert same(everything(*columns(houses)), everything(*columns(data.draw(st.permutations(houses)))))


@EXAMPLES
@given(st.lists(HOUSE, min_size=2, max_size=12), st.integers(2, 4))
def test_replication_changes_nothing(houses: list, times: int) -> None:
    assert same(everything(*columns(houses)), everything(*columns(houses * times)))


@EXAMPLES
@given(st.lists(HOUSE, min_size=2, max_size=12), st.integers(2, 5))
def test_scale_of_weights_changes_nothing(houses: list, factor: int) -> None:
    weights, net, heads = columns(houses)
    assert same(everything(weights, net, heads), everything([weight * factor for weight in weights], net, heads))


@EXAMPLES
@given(st.lists(HOUSE, min_size=2, max_size=12))
def test_a_household_of_n_is_n_persons(houses: list) -> None:
    # Money is whole fen, so each person's share is whole only where incomes are multiples of the heads.
    divisible = [(heads, net * heads) for heads, net in houses]
    persons = [(1, net) for heads, net in houses for _ in range(heads)]
    assert same(everything(*columns(divisible)), everything(*columns(persons)))


@EXAMPLES
@given(st.lists(HOUSE, min_size=2, max_size=12), st.integers(2, 10_000))
def test_unit_of_money_changes_rates_and_inequality_not(houses: list, factor: int) -> None:
    weights, net, heads = columns(houses)
    scaled = [amount * factor for amount in net]
    before, after = everything(weights, net, heads), everything(weights, scaled, heads, LINE * factor)
    assert same(before[:7], after[:7])
    assert near(before[7].value * factor, after[7].value)
    assert near(before[8].value * factor, after[8].value)


@EXAMPLES
@given(HOUSES, st.integers(1, 10**8))
def test_focus_on_the_poor(houses: list, more: int) -> None:
    weights, net, heads = columns(houses)
    richer = [amount + more if amount >= LINE * size else amount for amount, size in zip(net, heads, strict=True)]
    for measure in (*FGT, watts_index):
        assert measure(weights, net, heads, LINE) == measure(weights, richer, heads, LINE)


@EXAMPLES
@given(HOUSES, st.data())
def test_a_poor_household_that_gains(houses: list, data: st.DataObject) -> None:
    weights, net, heads = columns(houses)
    poor = [place for place, amount in enumerate(net) if 0 <= amount < LINE * heads[place]]
    assume(poor)
    place = data.draw(st.sampled_from(poor))
    gained = list(net)
    gained[place] += data.draw(st.integers(1000, 1_000_000))
    before, after = everything(weights, net, heads)[:4], everything(weights, gained, heads)[:4]
    assert after[0].value <= before[0].value
    if net[place] <= LINE * heads[place] - 1000:
        assert after[1].value < before[1].value
        assert after[2].value < before[2].value
    if before[3].value is not None:
        assert after[3].value < before[3].value


@EXAMPLES
@given(EARNING, st.data())
def test_a_transfer_to_the_poorer_lowers_inequality(houses: list, data: st.DataObject) -> None:
    weights, net, heads = columns(houses)
    order = sorted(range(len(houses)), key=lambda place: Fraction(net[place], heads[place]))
    poor, rich = order[0], order[-1]
    # The most that can move so that the poorer household does not overtake the richer one.
    room = (net[rich] * heads[poor] - net[poor] * heads[rich]) // (heads[poor] + heads[rich])
    assume(room >= 1000)
    moved = data.draw(st.integers(1000, room))
    evened = list(net)
    evened[rich], evened[poor] = net[rich] - moved, net[poor] + moved
    assert near(mean(weights, evened, heads).value, mean(weights, net, heads).value)
    assert gini(weights, evened, heads).value < gini(weights, net, heads).value
    assert theil(weights, evened, heads).value < theil(weights, net, heads).value
    assert squared_poverty_gap_index(weights, evened, heads, LINE).value <= squared_poverty_gap_index(weights, net, heads, LINE).value
    if net[rich] <= LINE * heads[rich]:
        assert squared_poverty_gap_index(weights, evened, heads, LINE).value < squared_poverty_gap_index(weights, net, heads, LINE).value


@EXAMPLES
@given(HOUSES, st.integers(1, 10**6), st.integers(0, 10**6), SIGNS)
def test_a_higher_line_never_lowers_poverty(houses: list, line: int, more: int, sign: str) -> None:
    weights, net, heads = columns(houses)
    assert headcount_ratio(weights, net, heads, line, sign).value <= headcount_ratio(weights, net, heads, line + more, sign).value
    for measure in FGT[1:]:
        assert measure(weights, net, heads, line).value <= measure(weights, net, heads, line + more).value + 1e-12


@EXAMPLES
@given(st.lists(st.lists(HOUSE, min_size=1, max_size=8), min_size=1, max_size=5))
def test_townships_add_up_to_the_county(townships: list) -> None:
    county = [house for houses in townships for house in houses]
    persons = [sum(heads for heads, _ in houses) for houses in townships]
    for measure in FGT:
        parts = [measure(*columns(houses), LINE) for houses in townships]
        whole = measure(*columns(county), LINE).value
        assert near(sum(size * part.value for size, part in zip(persons, parts, strict=True)) / sum(persons), whole)
        shares = contributions(persons, parts)
        if whole > 0:
            assert near(sum(share.value for share in shares), 1)
            assert all(near(share.value * whole * sum(persons), size * part.value) for share, size, part in zip(shares, persons, parts, strict=True))
        else:
            assert {share.reason_code for share in shares} == {"no_poor"}


@EXAMPLES
@given(HOUSES)
def test_mean_and_quantiles_stay_within_the_incomes(houses: list) -> None:
    incomes = sorted(Fraction(net, heads) for heads, net in houses)
    low, high = float(incomes[0]), float(incomes[-1])
    shares = tuple(Fraction(percent, 100) for percent in (5, 10, 25, 50, 75, 90, 95))
    found = [measure.value for measure in quantiles(*columns(houses), shares)]
    assert found == sorted(found)
    assert low <= found[0]
    assert found[-1] <= high
    assert low - 1e-6 <= mean(*columns(houses)).value <= high + 1e-6


@EXAMPLES
@given(HOUSES)
def test_median_halves_the_persons(houses: list) -> None:
    middle = Fraction(median(*columns(houses)).value)
    persons = sum(heads for heads, _ in houses)
    slack = Fraction(1, 10**6)
    below = sum(heads for heads, net in houses if Fraction(net, heads) < middle - slack)
    above = sum(heads for heads, net in houses if Fraction(net, heads) > middle + slack)
    assert 2 * below <= persons
    assert 2 * above <= persons


@EXAMPLES
@given(st.lists(st.integers(1, 8), min_size=2, max_size=20), st.integers(1, 10**7))
def test_equal_incomes(sizes: list, income: int) -> None:
    weights, net, heads = columns([(size, size * income) for size in sizes])
    assert gini(weights, net, heads).value == 0
    assert theil(weights, net, heads).value <= 1e-12
    assert near(quintile_share_ratio(weights, net, heads).value, 1)
    assert median(weights, net, heads).value == income


@EXAMPLES
@given(HOUSES, st.integers(1, 8))
def test_an_unknown_household_changes_no_value(houses: list, size: int) -> None:
    weights, net, heads = columns(houses)
    assert same(everything(weights, net, heads), everything([*weights, size], [*net, None], [*heads, size]))
