"""Designs, variances and intervals: contradictions refused, values by hand and by slow loops, properties (numbers of R: ``test_survey_reference.py``)."""

from __future__ import annotations

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from linwu_stats import RefusedError, survey


def sample(seed: int = 7, strata: int = 3, villages: int = 4, households: int = 5) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = [
        {"stratum": s, "village": f"{s}-{v}", "household": h, "N": 9 + s, "M": 11 + v, "w": float(random.uniform(1, 5)), "y": float(random.gamma(2, 100)),
         "x": float(random.integers(1, 6)), "poor": bool(random.random() < 0.3), "town": f"t{s % 2}"}
        for s in range(strata) for v in range(villages) for h in range(households)
    ]
    return pd.DataFrame(rows)


FRAME = sample()
TWO = survey.design(FRAME, "w", strata="stratum", clusters=["village", "household"], fpc=["N", "M"])
ONE = survey.design(FRAME, "w", strata="stratum", clusters=["village"])


# What a caller may not state


@pytest.mark.parametrize(("stated", "words"), [
    ({"weights": "no such"}, "没有这一列"),
    ({"weights": [-1.0, *[1.0] * 59]}, "negative .*row 0"),
    ({"weights": [1.0] * 58 + [math.nan, 1.0]}, "unknown .*row 58"),
    ({"weights": [0.0] * 60}, "全为零"),
    ({"weights": [1.0] * 59}, "行数不符"),
    ({"weights": ["1"] * 60}, "不是数值"),
    ({"weights": [math.inf, *[1.0] * 59]}, "infinite in row 0"),
    ({"weights": "w", "strata": "household", "clusters": ["village"]}, "同一单元跨层"),
    ({"weights": "w", "clusters": ["village"], "fpc": [[11.0] * 60]}, "总体小于样本"),
    ({"weights": "w", "strata": "stratum", "clusters": ["village"], "fpc": ["M"]}, "同一层前后不一"),
    ({"weights": "w", "clusters": ["village"], "fpc": [[0.5] * 60]}, "fpc_kind='fraction'"),
    ({"weights": "w", "clusters": ["village"], "fpc": [[20.0] * 60], "fpc_kind": "fraction"}, "at most 1"),
    ({"weights": "w", "clusters": ["village"], "fpc": [[math.nan] * 60]}, "row 0"),
    ({"weights": "w", "clusters": ["village"], "fpc": ["N", "M", "N"]}, "one column for each stage"),
    ({"weights": "w", "strata": ["stratum", "town"], "clusters": ["village"]}, "at most one column"),
    ({"weights": "w", "strata": [None, *["a"] * 59]}, "缺失"),
    ({"weights": "w", "clusters": [pd.Series(["a"] * 59 + [None])]}, "缺失"),
    ({"weights": "w", "lone": "ignore"}, "choose from"),
    ({"weights": None, "fpc": [[math.inf] * 60]}, "name the column of weights"),
    ({"weights": pd.Series(range(1, 61), index=range(60, 0, -1))}, "行不对应"),
])
def test_contradictory_statements_are_refused(stated, words):
    with pytest.raises(survey.DesignError, match=words):
        survey.design(FRAME, **stated)


def test_empty_and_strange_frames_are_refused():
    with pytest.raises(RefusedError, match="没有记录"):
        survey.design(FRAME.head(0), "w")
    with pytest.raises(RefusedError, match="DataFrame"):
        survey.design({"w": [1]}, "w")


def test_lone_units_are_refused_unless_told_how():
    frame = FRAME[(FRAME["stratum"] > 0) | (FRAME["village"] == "0-2")]
    with pytest.raises(survey.DesignError, match=r"层内只有一个抽样单元.*unit 0-2"):
        survey.design(frame, "w", strata="stratum", clusters=["village"])
    without = survey.design(frame, "w", strata="stratum", clusters=["village"], lone="certainty")
    others = survey.design(frame[frame["stratum"] > 0], "w", strata="stratum", clusters=["village"])
    assert survey.total(without, "y").se == pytest.approx(survey.total(others, "y").se, rel=1e-12)
    taken = frame.assign(all=np.where(frame["stratum"] == 0, 1, 50))
    whole = survey.design(taken, "w", strata="stratum", clusters=["village"], fpc=["all"])
    assert survey.total(whole, "y").se < survey.total(without, "y").se, "one of one is the whole stratum, not a lone unit"


def test_inputs_stay_as_they_are():
    frame = FRAME.copy()
    d = survey.poststratify(survey.design(frame, "w", strata="stratum", clusters=["village"]), "town", {"t0": 100, "t1": 80})
    survey.mean(d.domain(frame["poor"]), "y")
    pd.testing.assert_frame_equal(frame, FRAME)
    with pytest.raises(ValueError, match="read-only"):
        d.full_weights[0] = 5


# Variances by hand and by slow loops


def slow_variance(frame: pd.DataFrame, scores: np.ndarray) -> float:
    """Two stages within strata, written as sums over units: Särndal, Swensson, Wretman (1992), result 4.3.1, with weights inside the totals."""
    z = frame["w"].to_numpy() * scores
    found = 0.0
    for _, stratum in frame.assign(z=z).groupby("stratum"):
        totals = [one["z"].sum() for _, one in stratum.groupby("village")]
        n, big = len(totals), stratum["N"].iloc[0]
        middle = sum(totals) / n
        found += (1 - n / big) * n / (n - 1) * sum((one - middle) ** 2 for one in totals)
        for _, village in stratum.groupby("village"):
            values, m, most = village["z"].tolist(), len(village), village["M"].iloc[0]
            middle = sum(values) / m
            found += n / big * (1 - m / most) * m / (m - 1) * sum((one - middle) ** 2 for one in values)
    return found


def test_two_stages_agree_with_a_slow_loop():
    y, w = FRAME["y"].to_numpy(), FRAME["w"].to_numpy()
    assert survey.total(TWO, "y").variance == pytest.approx(slow_variance(FRAME, y), rel=1e-12)
    middle = (w @ y) / w.sum()
    assert survey.mean(TWO, "y").variance == pytest.approx(slow_variance(FRAME, (y - middle) / w.sum()), rel=1e-12)
    inside = FRAME["poor"].to_numpy()
    assert survey.total(TWO.domain(inside), "y").variance == pytest.approx(slow_variance(FRAME, y * inside), rel=1e-12)


def test_simple_random_sample_by_hand():
    d = survey.design(pd.DataFrame({"y": [2, 4, 6, 8], "N": 10}), fpc="N")
    total, mean = survey.total(d, "y"), survey.mean(d, "y")
    # S2 = 20/3, (1 - 4/10) / 4 * 20/3 = 1: standard error of the mean 1, of the total 10; t(3) = 3.182446305
    assert (total.value, total.se, mean.value, mean.se) == pytest.approx((50, 10, 5, 1), rel=1e-12)
    assert (mean.low, mean.high) == pytest.approx((5 - 3.182446305284263, 5 + 3.182446305284263), rel=1e-12)
    assert mean.deff == pytest.approx(1, rel=1e-12)
    assert mean.deff_replace == pytest.approx(0.6, rel=1e-12)
    assert (mean.n, mean.df, mean.unknown, d.n, d.degrees_of_freedom) == (4, 3, 0, 4, 3)
    assert d.weights.tolist() == [2.5] * 4


def test_groups_in_one_pass_agree_with_domains():
    scores = np.random.default_rng(3).normal(size=(60, 4))
    fitted = survey.rake(TWO, {"town": {"t0": 120, "t1": 70}, "poor": {True: 60, False: 130}})
    for d, column in itertools.product((TWO, ONE, TWO.domain(FRAME["x"] > 1), fitted), ("town", "household")):
        groups, found = d.covariance_by(scores, column)
        for group, one in zip(groups, found, strict=True):
            assert one == pytest.approx(d.domain(FRAME[column] == group).covariance(scores), rel=1e-9, abs=1e-9)


def test_domains_keep_the_full_design():
    alone = survey.design(FRAME[FRAME["poor"]], "w", strata="stratum", clusters=["village"], lone="certainty")
    inside = ONE.domain(FRAME["poor"])
    assert survey.mean(inside, "y").value == pytest.approx(survey.mean(alone, "y").value, rel=1e-12)
    assert len(inside.weights) == 60 and (inside.weights[~FRAME["poor"].to_numpy()] == 0).all()
    assert inside.n == FRAME["poor"].sum()
    parts = [survey.total(ONE.domain(FRAME["town"] == town), "y") for town in ("t0", "t1")]
    whole = survey.total(ONE, "y")
    assert survey.contrast(ONE, parts, [1, 1]).se == pytest.approx(whole.se, rel=1e-12)
    empty = survey.mean(ONE.domain(FRAME["y"] < 0), "y")
    assert math.isnan(empty.value) and math.isnan(empty.low) and empty.n == 0
    single = ONE.domain(FRAME["village"] == "0-2")
    for one in (survey.mean(single, "y"), survey.total(single, "y"), survey.proportion(single, "poor"), survey.replicates(single).estimate(np.sum)):
        assert math.isnan(one.se) and math.isnan(one.low), "one village says nothing of its own error"
    with pytest.raises(survey.DesignError, match="membership is unknown"):
        ONE.domain(pd.array([True, None] * 30, dtype="boolean"))
    with pytest.raises(survey.DesignError, match="other than True and False"):
        ONE.domain("x")


def test_any_influence_function_joins():
    """The hook for poverty and inequality indices: value, influence values, an interval that suits."""
    y, w = FRAME["y"].to_numpy(), FRAME["w"].to_numpy()
    gap = np.maximum(1 - y / 150, 0)
    found = survey.estimate(TWO, w @ gap / w.sum(), (gap - w @ gap / w.sum()) / w.sum(), method="poverty gap", unknown=3, kind="logit")
    mean = survey.mean(TWO, gap)
    assert (found.value, found.se, found.deff) == pytest.approx((mean.value, mean.se, mean.deff), rel=1e-12)
    assert (found.low, found.high) == pytest.approx(tuple(survey.interval(mean, "logit"))) and found.unknown == 3 and found.method == "poverty gap; logit"
    # Gini by the influence of its ratio form, against the jackknife: both estimate one variance.
    order = np.argsort(y)
    middle = np.empty(60)
    middle[order] = (np.cumsum(w[order]) - w[order] / 2) / w.sum()
    partial = np.empty(60)
    partial[order] = (np.cumsum((w * y)[order]) - (w * y)[order] / 2) / w.sum()
    level = w @ y / w.sum()
    gini = 2 * (w @ (middle * y)) / (w.sum() * level) - 1
    influence = (2 * (y * middle + level - partial) - (gini + 1) * (level + y)) / (level * w.sum())

    def gini_of(weights: np.ndarray) -> float:
        share = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
        return 2 * (weights[order] @ (share * y[order])) / (weights @ y) - 1

    assert abs(w @ influence) < 1e-10
    linear, jackknife = survey.estimate(ONE, gini, influence, method="gini"), survey.replicates(ONE).estimate(gini_of)
    assert jackknife.value == pytest.approx(gini, rel=1e-12)
    assert linear.se == pytest.approx(jackknife.se, rel=0.1)


def test_a_register_has_no_sampling_error():
    d = survey.register(FRAME)
    for one in (survey.mean(d, "y"), survey.total(d, "y"), survey.proportion(d, "poor"), survey.quantile(d, "y", 0.5), survey.ratio(d, "y", "x")):
        assert one.se == 0 and one.low == one.high == one.value and one.is_complete
    assert d.covariance(np.ones(60)) == 0 and d.is_register and "无抽样误差" in d.statement
    none = survey.proportion(d, FRAME["y"] < 0)
    assert (none.value, none.high) == (0, 0), "zero in a full register is zero"
    with pytest.raises(survey.DesignError, match="全面调查"):
        survey.replicates(d)


def test_unknown_is_never_zero():
    frame = FRAME.assign(y=FRAME["y"].where(FRAME.index != 5).astype("Float64"))
    d = survey.design(frame, "w", strata="stratum", clusters=["village"])
    with pytest.raises(survey.DesignError, match=r"1 of 60 rows are unknown.*row 5"):
        survey.total(d, "y")
    found = survey.total(d, "y", unknown="domain")
    assert found.unknown == 1 and found.n == 59
    assert found.value == pytest.approx(sum(w * y for w, y in zip(FRAME["w"].drop(5), FRAME["y"].drop(5), strict=True)))
    assert survey.mean(d.domain(frame.index != 5), "y").unknown == 0
    with pytest.raises(survey.DesignError, match="unknown='zero'"):
        survey.mean(d, "y", unknown="zero")
    with pytest.raises(survey.DesignError, match="不是数值"):
        survey.mean(d, "village")
    with pytest.raises(survey.DesignError, match="unknown or infinite"):
        d.covariance(frame["y"].to_numpy(float, na_value=np.nan))
    table = survey.by(d, pd.Series(["a", None] * 30), survey.mean, "x")
    assert list(table["group"]) == ["a"] and table.attrs["rows_without_group"] == 30


# Replicate weights


def ratio_of(weights: np.ndarray) -> float:
    return weights @ FRAME["y"].to_numpy() / (weights @ FRAME["x"].to_numpy())


def test_jackknife_of_a_total_is_the_linearised_variance():
    corrected = survey.design(FRAME, "w", strata="stratum", clusters=["village"], fpc=["N"])
    for d in (ONE, corrected, ONE.domain(FRAME["poor"])):
        y = FRAME["y"].to_numpy()
        assert survey.replicates(d).estimate(lambda w: w @ y).se == pytest.approx(survey.total(d, "y").se, rel=1e-10)  # noqa: B023
        assert survey.replicates(d).totals(y)[:, 0] == pytest.approx([w @ y for w in survey.replicates(d)], rel=1e-12)


@pytest.mark.parametrize("stated", [
    {"clusters": ["village"]}, {"clusters": ["village"], "fpc": ["N"]}, {"clusters": ["village", "household"], "fpc": ["N", "M"]},
], ids=["Rao-Wu", "Rao-Wu with correction", "Preston"])
def test_bootstrap_of_a_total_has_the_right_moments(stated):
    frame = sample(11, strata=4, villages=7, households=6)
    d = survey.design(frame, "w", strata="stratum", **stated)
    made = survey.replicates(d, "bootstrap", count=4000, seed=5)
    totals = made.totals(frame[["y", "x"]])
    true = d.covariance(frame[["y", "x"]].to_numpy())
    # Normal theory: a variance from 4,000 replicates is within 3 * sqrt(2 / 4000) = 6.7 %, a mean within three standard errors.
    assert np.diag(made.covariance(totals, d.weights @ frame[["y", "x"]].to_numpy())) == pytest.approx(np.diag(true), rel=0.067)
    assert np.abs(totals.mean(axis=0) - d.weights @ frame[["y", "x"]].to_numpy()) == pytest.approx(0, abs=3 * np.sqrt(np.diag(true).max() / 4000))
    assert all((weights >= 0).all() for weights in itertools.islice(made, 50))


def test_bootstrap_is_reproducible_and_states_its_seed():
    first, again, other = (survey.replicates(ONE, "bootstrap", count=20, seed=seed).estimate(ratio_of) for seed in (1, 1, 2))
    assert first.se == again.se != other.se and "seed 1" in first.method and len(first.replicates) == 20
    with pytest.raises(survey.DesignError, match="seed"):
        survey.replicates(ONE, "bootstrap", count=20)
    with pytest.raises(survey.DesignError, match="jackknife or bootstrap"):
        survey.replicates(ONE, "brr")
    with pytest.raises(survey.DesignError, match="must exist in every one"):
        made = survey.replicates(ONE)
        made.covariance([math.nan] * made.count, 1.0)


def test_replicates_fit_known_totals_anew():
    d = survey.poststratify(ONE, "town", {"t0": 100, "t1": 80})
    made = survey.replicates(d.domain(FRAME["town"] == "t0"), "bootstrap", count=30, seed=1)
    assert made.totals(np.ones(60)) == pytest.approx(100, rel=1e-12)


def test_given_replicates():
    made = survey.replicates(ONE)
    factors = np.column_stack([weights / ONE.weights for weights in made])
    here = survey.given_replicates(ONE, factors, scale=1, rscales=made.rscales)
    whole = survey.given_replicates(ONE, factors * ONE.weights[:, None], scale=1, rscales=made.rscales, combined=True)
    assert here.estimate(ratio_of).se == whole.estimate(ratio_of).se == pytest.approx(made.estimate(ratio_of).se, rel=1e-12)
    with pytest.raises(survey.DesignError, match="rows × replicates"):
        survey.given_replicates(ONE, factors[:-1], scale=1)


# Known totals


def test_known_totals_are_met_and_have_no_variance():
    towns, poor = {"t0": 120.0, "t1": 70.0}, {True: 60.0, False: 130.0}
    for d in (survey.poststratify(TWO, "town", towns), survey.rake(TWO, {"town": towns, "poor": poor}), survey.calibrate(TWO, {"town": towns, "poor": poor})):
        for town, known in towns.items():
            found = survey.total(d.domain(FRAME["town"] == town), np.ones(60))
            assert (found.value, found.se) == (pytest.approx(known, rel=1e-10), pytest.approx(0, abs=1e-6))
    both = survey.calibrate(TWO, {"x": 600.0}, size=190)
    assert survey.total(both, "x").value == pytest.approx(600) and both.weights.sum() == pytest.approx(190)
    assert survey.total(both, "x").se == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("make", "words"), [
    (lambda d: survey.poststratify(d, "town", {"t0": 100}), "no known number"),
    (lambda d: survey.poststratify(d, "town", {"t0": 100, "t1": -5}), "negative"),
    (lambda d: survey.poststratify(d, "town", {"t0": 100, "t1": 70, "t2": 3}), "nobody in the sample"),
    (lambda d: survey.poststratify(d.domain(FRAME["poor"]), "town", {"t0": 100, "t1": 70}), "先校准后取域"),
    (lambda d: survey.rake(d, {"town": {"t0": 100, "t1": 70}, "poor": {True: 50, False: 121}}), "合计不一"),
    (lambda d: survey.rake(d, {}), "empty"),
    (lambda d: survey.calibrate(d, {"town": {"t0": 100, "t1": 70}}, size=200), "总数矛盾"),
    (lambda d: survey.calibrate(d, {"x": 1e-3, "y": 1e9}), "negative"),
    (lambda d: survey.poststratify(d, "no such", {}), "没有这一列"),
])
def test_wrong_totals_are_refused(make, words):
    with pytest.raises(survey.DesignError, match=words):
        make(TWO)


def test_margins_that_cannot_be_reached_are_refused():
    frame = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 1, 1], "w": 1.0})
    d = survey.design(frame, "w")
    with pytest.raises(survey.DesignError, match="未收敛"):
        survey.rake(d, {"a": {0: 5, 1: 5}, "b": {0: 7, 1: 3}}, most=50)
    assert survey.poststratify(d, "a", {0: 5, 1: 5, 2: 9}, partial=True).weights.sum() == 10


# Intervals


def binomial(found: int, n: int, **more) -> SimpleNamespace:
    p = found / n
    return SimpleNamespace(value=p, se=math.sqrt(p * (1 - p) / n), n=n, df=math.inf, **more)


@pytest.mark.parametrize(("found", "n", "upper"), [(0, 150, 0.01977), (1, 150, 0.03123), (2, 313, 0.01998), (5, 523, 0.02000), (2, 200, 0.03114)])
def test_one_sided_exact_bounds(found, n, upper):
    """Clopper and Pearson's upper bounds at 95 %: the value of p at which so few cases have a probability of 5 %."""
    estimate = binomial(found, n)
    low, high = survey.interval(estimate, "korn_graubard", side="upper", df=n - 1)
    assert low == 0 and high == pytest.approx(upper, abs=2e-5)
    assert stats.binom.cdf(found, n, high) == pytest.approx(0.05, rel=1e-9)


def test_zero_cases_and_the_design_effect():
    zero = binomial(0, 500)
    assert survey.interval(zero, "korn_graubard", side="upper", df=499).high == pytest.approx(1 - 0.05 ** (1 / 500), rel=1e-12)
    assert survey.interval(zero, "korn_graubard", side="upper", df=499, deff=2).high == pytest.approx(1 - 0.05 ** (1 / 250), rel=1e-12)
    assert survey.interval(zero, "korn_graubard", df=20).high > survey.interval(zero, "korn_graubard", df=499).high
    everybody = binomial(500, 500)
    assert survey.interval(everybody, "korn_graubard", df=499) == pytest.approx((0.025 ** (1 / 500), 1))
    assert all(math.isnan(end) for end in survey.interval(zero, "logit"))
    none = survey.proportion(ONE, FRAME["y"] < 0)
    assert none.method == "proportion; korn_graubard" and none.low == 0 and 0 < none.high < 1


def test_effective_size_at_most_n():
    better = SimpleNamespace(value=0.2, se=0.01, n=400, df=math.inf)
    plain, cut = (survey.interval(better, "korn_graubard", at_most_n=cut) for cut in (False, True))
    assert cut == pytest.approx((stats.beta.ppf(0.025, 80, 321), stats.beta.ppf(0.975, 81, 320)), rel=1e-9)
    assert plain.high < cut.high


def test_wilson_by_formula():
    z, n, p = 1.959963984540054, 40, 0.1
    middle, half = (p + z * z / 2 / n) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / 4 / n**2)
    estimate = binomial(4, 40)
    assert survey.interval(estimate, "wilson", df=39) == pytest.approx((middle - half, middle + half), rel=1e-9)


def test_intervals_that_make_no_sense_are_refused():
    mean = survey.mean(ONE, "y")
    for options in ({"kind": "logit"}, {"kind": "bayes"}, {"level": 95}, {"side": "left"}, {"deff": 0}):
        with pytest.raises(RefusedError):
            survey.interval(mean, **options)
    assert math.isnan(survey.interval(mean, df=0).low)
    log = survey.interval(mean, "log")
    assert log.low * log.high == pytest.approx(mean.value**2, rel=1e-12)
    assert survey.interval(mean, side="upper").low == -math.inf
    with pytest.raises(survey.DesignError, match="use mean"):
        survey.proportion(ONE, "x")


@pytest.mark.parametrize("rule", survey.QUANTILE_RULES)
def test_quantiles_of_whole_weights_are_those_of_copies(rule):
    values, weights = np.array([3.0, 1.0, 4.0, 9.0, 2.0, 6.0, 5.0]), np.array([2, 1, 3, 1, 2, 1, 2])
    copies = np.repeat(values, weights)
    numpy_name = {"math": "inverted_cdf", "hf1": "inverted_cdf", "school": "averaged_inverted_cdf", "hf2": "averaged_inverted_cdf"}
    for q in (0.04, 0.25, 0.5, 0.75, 0.9):
        if rule in numpy_name:
            assert survey.weighted_quantile(values, weights, q, rule) == np.quantile(copies, q, method=numpy_name[rule])
        found = survey.weighted_quantile(values, np.ones(7), q, rule)
        name = {"hf4": "interpolated_inverted_cdf", "hf5": "hazen", "hf6": "weibull", "hf7": "linear", "hf8": "median_unbiased", "hf9": "normal_unbiased"}
        if rule in name:
            assert found == pytest.approx(np.quantile(values, q, method=name[rule]), rel=1e-12)
    assert survey.weighted_quantile(np.arange(10.0), np.full(10, 0.1), 0.3, "math") == 2, "three tenths are reached at the third value, in spite of floats"


# Properties


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.1, 50))
def test_properties(seed, factor):
    frame = sample(seed, strata=2, villages=3, households=3)
    stated = {"weights": "w", "strata": "stratum", "clusters": ["village"]}
    d = survey.design(frame, **stated)
    mean = survey.mean(d, "y")
    order = np.random.default_rng(seed).permutation(len(frame))
    mixed = survey.mean(survey.design(frame.iloc[order], **stated), "y")
    assert (mixed.value, mixed.se) == pytest.approx((mean.value, mean.se), rel=1e-9), "order of rows does not matter"
    scaled = survey.mean(survey.design(frame.assign(w=frame["w"] * factor, y=frame["y"] * 7), **stated), "y")
    assert (scaled.value, scaled.se) == pytest.approx((7 * mean.value, 7 * mean.se), rel=1e-9), "scale of weights does not matter to a mean"
    double = pd.concat([frame.assign(w=frame["w"] / 2)] * 2, ignore_index=True)
    assert survey.mean(survey.design(double, **stated), "y").se == pytest.approx(mean.se, rel=1e-9), "split rows of one cluster are one row"
    covariance = d.covariance(frame[["y", "x"]].to_numpy())
    assert covariance == pytest.approx(covariance.T) and np.linalg.eigvalsh(covariance).min() >= -1e-9 * covariance.max()
    share = survey.proportion(d, "poor")
    assert 0 <= share.low <= share.value <= share.high <= 1


def test_intervals_cover_what_they_promise():
    """A quick look at coverage; the study with county sizes is ``benchmarks/coverage.py``."""
    random = np.random.default_rng(20180522)
    people = pd.DataFrame({"village": np.repeat(np.arange(150), 40)})
    people["y"] = random.gamma(2, 1000, len(people)) * np.exp(random.normal(0, 0.2, 150))[people["village"]]
    people = people.assign(V=150, H=40)
    true, hits = people["y"].mean(), 0
    for _ in range(400):
        villages = random.choice(150, 25, replace=False)
        rows = np.concatenate([village * 40 + random.choice(40, 20, replace=False) for village in villages])
        one = survey.mean(survey.design(people.iloc[rows], clusters=["village"], fpc=["V", "H"]), "y")
        hits += one.low <= true <= one.high
    # Binomial(400, 0.95): 99.9 % of outcomes lie between 365 and 393.
    assert 365 <= hits <= 393
