"""Alkire-Foster: the textbook example, R on its own data, exact cutoffs, and unknown deprivations that are never taken for none."""

from __future__ import annotations

import itertools
import json
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linwu_stats import survey
from linwu_stats.indicators import multidimensional

PEERS = Path(os.environ.get("LINWU_PEERS", "") or "/nowhere")
REFERENCE = json.loads((Path(__file__).parent / "data" / "indicators" / "multidimensional_reference.json").read_text(encoding="utf-8"))
DIMENSIONS = {"d1": ["d_nutr", "d_cm"], "d2": ["d_satt", "d_educ"], "d3": ["d_elct", "d_sani", "d_wtr", "d_hsg", "d_ckfl", "d_asst"]}
QUARTERS = dict.fromkeys("abcd", "1/4")

#: The example of the vignette of R's mpitbR 1.0.1, section 2.1: five persons, four indicators, k = 1/2.
FIVE = pd.DataFrame([[1, 0, 1, 0], [0, 1, 0, 0], [0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 1, 0]], columns=list("abcd"))


def test_the_textbook_example():
    found = multidimensional.alkire_foster(survey.register(FIVE), list("abcd"), QUARTERS, "1/2")
    assert [found.value("whole", one) for one in ("H", "A", "M0")] == pytest.approx([3 / 5, 7 / 12, 0.35], abs=1e-15)
    assert [found.value(one, "uncensored") for one in "abcd"] == pytest.approx([0.6, 0.4, 0.6, 0.2])
    assert [found.value(one, "censored") for one in "abcd"] == pytest.approx([0.4, 0.2, 0.6, 0.2])
    assert [found.value(one, "contribution_share") for one in "abcd"] == pytest.approx([2 / 7, 1 / 7, 3 / 7, 1 / 7])
    groups = multidimensional.by_group(survey.register(FIVE), np.array(["north"] * 2 + ["south"] * 3), list("abcd"), QUARTERS, 0.5)
    assert [groups.value(one, "M0") for one in ("north", "south")] == pytest.approx([0.25, 1.25 / 3])
    assert [groups.value(one, "contribution_share") for one in ("north", "south")] == pytest.approx([0.5 / 1.75, 1.25 / 1.75])
    assert found["whole", "H"].se == 0.0


@pytest.mark.skipif(not (PEERS / "mpi_syn_cdta.csv").is_file(), reason="the peers' data sets are not here (LINWU_PEERS)")
@pytest.mark.parametrize("k", [20, 33, 50])
def test_numbers_and_intervals_of_r(k):
    frame = pd.read_csv(PEERS / "mpi_syn_cdta.csv").dropna().reset_index(drop=True)
    weights = multidimensional.nested_weights(DIMENSIONS)
    d, wanted = survey.design(frame, weights="weight", strata="stratum", clusters=["psu"]), REFERENCE[f"k{k}"]
    found = multidimensional.alkire_foster(d, list(weights), weights, k / 100)
    keys = {"H": ("whole", "H"), "M0": ("whole", "M0"), "A": ("whole", "A"), "hd_nutr": ("d_nutr", "uncensored"), "hdk_nutr": ("d_nutr", "censored"),
            "hdk_wtr": ("d_wtr", "censored")}
    assert len(d) == REFERENCE["n"]
    assert d.degrees_of_freedom == REFERENCE["df"]
    for name, key in keys.items():
        one = found[key]
        # svyciprop's logit fits a glm that stops at a relative change of 1e-8, so R's own numbers carry an error of that size.
        assert [one.value, one.se, one.low, one.high] == pytest.approx(wanted[name], rel=1e-7)
    share = found["d_nutr", "contribution_share"]
    assert [share.value, share.se] == pytest.approx(wanted["share_nutr"], rel=1e-9)
    areas = multidimensional.by_group(d, "area", list(weights), weights, k / 100)
    for area in ("0", "1"):
        if f"M0_area{area}" in wanted:
            assert [areas[area, "M0"].value, areas[area, "M0"].se] == pytest.approx(wanted[f"M0_area{area}"][:2], rel=1e-7)


def test_exactly_on_the_cutoff_is_poor():
    thirds = {"a": "1/3", "b": "1/3", "c": "1/3"}
    frame = pd.DataFrame({"a": [1, 1], "b": [1, 0], "c": [0, 0]})
    for k in (Fraction(2, 3), "2/3", 2 / 3):
        assert multidimensional.alkire_foster(survey.register(frame), list("abc"), thirds, k).value("whole", "H") == 0.5
    tenths = dict.fromkeys("abcdefghij", 0.1)  # 0.1 + 0.1 + 0.1 is not 0.3 in floats
    ten = pd.DataFrame([[1] * 3 + [0] * 7], columns=list("abcdefghij"))
    assert multidimensional.alkire_foster(survey.register(ten), list(tenths), tenths, 0.3).value("whole", "H") == 1.0


def test_nobody_poor_has_no_intensity_and_says_why():
    found = multidimensional.alkire_foster(survey.register(FIVE), list("abcd"), QUARTERS, 1)
    assert (found.value("whole", "H"), found.value("whole", "M0")) == (0.0, 0.0)
    assert found.reasons["whole", "A"] == found.reasons["a", "contribution_share"] == "nobody_poor"


def test_persons_of_a_household_count():
    frame = FIVE.assign(persons=[1, 2, 3, 4, 5])
    spread = frame.loc[frame.index.repeat(frame["persons"])].reset_index(drop=True)
    households = multidimensional.alkire_foster(survey.register(frame), list("abcd"), QUARTERS, "1/2", headcount="persons")
    persons = multidimensional.alkire_foster(survey.register(spread), list("abcd"), QUARTERS, "1/2")
    for key in persons.parts:
        assert households[key].value == pytest.approx(persons[key].value, abs=1e-14)


def test_an_unknown_deprivation_is_refused_or_counted():
    frame = FIVE.astype("Float64")
    frame.loc[1, "a"] = pd.NA
    with pytest.raises(survey.DesignError, match="not 'not deprived'"):
        multidimensional.alkire_foster(survey.register(frame), list("abcd"), QUARTERS, "1/2")
    found = multidimensional.alkire_foster(survey.register(frame), list("abcd"), QUARTERS, "1/2", unknown="domain")
    assert (found["whole", "H"].value, found["whole", "H"].unknown, found["whole", "H"].n) == (0.75, 1, 4)


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, None]), min_size=4, max_size=4), min_size=3, max_size=4), st.sampled_from(["1/4", "1/3", "1/2", "3/4"]))
@settings(max_examples=40, deadline=None)
def test_bounds_hold_over_every_way_the_unknown_may_be(rows, k):
    weights = {"a": "1/2", "b": "1/4", "c": "1/8", "d": "1/8"}
    frame = pd.DataFrame(rows, columns=list("abcd")).astype("Float64")
    heads = np.arange(1, len(rows) + 1)
    found = multidimensional.alkire_foster(survey.register(frame.assign(n=heads)), list("abcd"), weights, k, headcount="n", unknown="bounds",
                                           dimensions={"a": "x", "b": "x", "c": "y", "d": "y"})
    holes = [(row, column) for row, values in enumerate(rows) for column, value in enumerate(values) if value is None][:8]
    filled = np.array([[0.0 if value is None else value for value in values] for values in rows])
    whole = len(holes) == sum(value is None for values in rows for value in values)
    seen = {("whole", "H"): [], ("whole", "A"): [], ("whole", "M0"): [], ("b", "censored"): [], ("a", "contribution_share"): [], ("x", "dimension_share"): []}
    w = np.array([0.5, 0.25, 0.125, 0.125])
    for values in itertools.product([0.0, 1.0], repeat=len(holes)):
        for (row, column), value in zip(holes, values, strict=True):
            filled[row, column] = value
        score = filled @ w
        poor = score >= float(Fraction(k)) - 1e-12
        many, depth = (heads * poor).sum(), (heads * poor * score).sum()
        seen["whole", "H"].append(many / heads.sum())
        seen["whole", "M0"].append(depth / heads.sum())
        seen["b", "censored"].append((heads * poor * filled[:, 1]).sum() / heads.sum())
        if many:
            seen["whole", "A"].append(depth / many)
            seen["a", "contribution_share"].append((heads * poor * filled[:, 0]).sum() * 0.5 / depth)
            seen["x", "dimension_share"].append((heads * poor * (filled[:, :2] @ w[:2])).sum() / depth)
    for (name, quantity), values in seen.items():
        if not values:
            assert np.isnan(found.value(name, f"{quantity}_high")) or not whole or quantity.endswith("share")
            continue
        low, high = found.value(name, f"{quantity}_low"), found.value(name, f"{quantity}_high")
        assert low <= min(values) + 1e-12
        assert max(values) <= high + 1e-12
        if whole and quantity in ("H", "M0", "censored", "A"):
            assert [low, high] == pytest.approx([min(values), max(values)], abs=1e-12)


@pytest.mark.parametrize(
    ("weights", "k", "words"),
    [
        (dict.fromkeys("abc", "1/3"), "1/2", "one weight for each"), (dict.fromkeys("abcd", 0.2), "1/2", "add up to 1"),
        ({"a": 1, "b": 0, "c": 0, "d": 0}, "1/2", "above 0"), (QUARTERS, 33, "write 1/3, not 33"), (QUARTERS, 0, "above 0 and at most 1"),
    ],
)
def test_refused(weights, k, words):
    with pytest.raises(survey.DesignError, match=words):
        multidimensional.alkire_foster(survey.register(FIVE), list("abcd"), weights, k)


def test_values_other_than_yes_and_no_are_refused():
    with pytest.raises(survey.DesignError, match="other than 1, 0"):
        multidimensional.alkire_foster(survey.register(FIVE.assign(a=2)), list("abcd"), QUARTERS, "1/2")


def test_outcomes_that_are_not_decided_stay_unknown():
    outcomes = pd.DataFrame({"income_outcome": ["met", "already_reached", "not_met", "not_yet", "unknown", None]})
    assert multidimensional.deprivations_of(outcomes, ["income_outcome"])["income_outcome"].tolist()[:3] == [0.0, 0.0, 1.0]
    assert multidimensional.deprivations_of(outcomes, ["income_outcome"])["income_outcome"].isna().tolist() == [False] * 3 + [True] * 3
