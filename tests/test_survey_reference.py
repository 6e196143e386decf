"""Numbers of R's survey package 4.1-1, to nine digits; software, version and call stand beside each in ``data/survey_reference.json``.

Made by ``data/survey_reference.R`` on the invented ``data/survey_sample.csv``. The keys ``api.*`` need the package's California schools, which are not part
of this project: they run where the environment variable LINWU_PEER_DATA names a folder with apisrs.csv, apistrat.csv, apiclus1.csv and apiclus2.csv.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linwu_stats import survey

DATA = Path(__file__).parent / "data"
REFERENCE = json.loads((DATA / "survey_reference.json").read_text(encoding="utf-8"))["numbers"]
FRAME = pd.read_csv(DATA / "survey_sample.csv", dtype={"village": "string", "household": "string"})
KINDS = {"mean": "wald", "xlogit": "logit", "asin": "asin", "beta": "korn_graubard", "likelihood": "likelihood"}
RULES = ("math", "school", "hf3", "hf4", "hf5", "hf6", "hf7", "hf8", "hf9")
GROUPS, HALVES = {"a": 420, "b": 610, "c": 570}, {"x": 700, "y": 900}
JOINT = dict(zip([(g, h) for h in "xy" for g in "abc"], (170, 260, 240, 250, 350, 330), strict=True))
DESIGNS = {
    "two": survey.design(FRAME, "weight", strata="stratum", clusters=["village", "household"], fpc=["villages", "households"]),
    "self": survey.design(FRAME, None, strata="stratum", clusters=["village"], fpc=["villages", "households"]),
    "one": survey.design(FRAME, "weight", strata="stratum", clusters=["code"], nest=True),
    "rows": survey.design(FRAME, "weight"),
    "first": survey.design(FRAME, "weight", strata="stratum", clusters=["village"], fpc=["villages"]),
}


def agree(key: str, *found, rel: float = 1e-9) -> None:
    numbers = REFERENCE[key]["value"]
    wanted = [math.nan if one in ("NaN", "NA", None) else float(one) for one in (numbers if isinstance(numbers, list) else [numbers])]
    flat = np.concatenate([np.ravel(np.asarray(one, dtype=float)) for one in found])
    assert flat == pytest.approx(wanted, rel=rel, abs=1e-12, nan_ok=True), f"{key}: {REFERENCE[key]['call']}"


def both(one) -> tuple[float, float]:
    return one.value, one.se


def half(name: str):
    return DESIGNS[name].domain(FRAME["half"] == "x")


@pytest.mark.parametrize("name", DESIGNS)
def test_totals_means_ratios(name):
    d = DESIGNS[name]
    total, mean, ratio = survey.total(d, "income"), survey.mean(d, "income"), survey.ratio(d, "income", "persons")
    agree(f"{name}.total", both(total), total.deff)
    agree(f"{name}.mean", both(mean), mean.deff, mean.low, mean.high, d.degrees_of_freedom, mean.cv)
    agree(f"{name}.replace", mean.deff_replace)
    agree(f"{name}.ratio", both(ratio), ratio.deff)
    normal = survey.mean(d, "income", level=0.9, df=math.inf)
    agree(f"{name}.normal", normal.low, normal.high)
    agree(f"{name}.variance", both(survey.variance(d, "income")))
    known = survey.mean(d, "wage", unknown="domain")
    agree(f"{name}.known", both(known), known.df)
    assert known.unknown == FRAME["wage"].isna().sum() > 0
    scores = np.column_stack([survey.mean(d, column).scores for column in ("income", "persons", "poor")])
    agree(f"{name}.covariance", d.covariance(scores))


@pytest.mark.parametrize("name", DESIGNS)
def test_domains(name):
    d = DESIGNS[name]
    for key, estimator in (("by", survey.mean), ("bytotal", survey.total)):
        table = survey.by(d, "group", estimator, "income")
        assert list(table["group"]) == ["a", "b", "c"]
        agree(f"{name}.{key}", table["value"], table["se"])
    mean = survey.mean(half(name), "income")
    agree(f"{name}.domain", both(mean), mean.deff, mean.df)
    agree(f"{name}.domainratio", both(survey.ratio(d.domain(FRAME["group"] == "b"), "income", "persons")))
    parts = [survey.mean(d.domain(FRAME["half"] == one), "income") for one in "xy"]
    agree(f"{name}.contrast", both(survey.contrast(d, parts, [1, -1])))


@pytest.mark.parametrize("name", DESIGNS)
def test_quantiles(name):
    d = DESIGNS[name]
    for word in ("mean", "xlogit", "asin", "beta"):
        for rule in RULES:
            found = [survey.quantile(d, "income", q, rule=rule, kind=KINDS[word]) for q in (0.2, 0.5, 0.8)]
            agree(f"{name}.quantile.{word}.{rule}", [(one.value, one.low, one.high, one.se) for one in found])
    one = survey.quantile(half(name), "income", 0.5)
    agree(f"{name}.domainquantile", one.value, one.low, one.high, one.se)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("word", KINDS)
def test_proportions(name, word):
    d = DESIGNS[name]
    # R interpolates the likelihood profile by a spline; ours solves for its ends.
    rel = 2e-2 if word == "likelihood" else 1e-9
    poor, rare = survey.proportion(d, "poor", kind=KINDS[word]), survey.proportion(d, "rare", kind=KINDS[word], level=0.9)
    agree(f"{name}.poor.{word}", both(poor), poor.low, poor.high, rel=rel)
    agree(f"{name}.rare.{word}", both(rare), rare.low, rare.high, rel=rel)


def fitted() -> dict[str, survey.Design]:
    two, first = DESIGNS["two"], DESIGNS["first"]
    margins = {"group": GROUPS, "half": HALVES}
    return {
        "post": survey.poststratify(two, "group", GROUPS), "twice": survey.poststratify(survey.poststratify(two, "group", GROUPS), "half", HALVES),
        "postfirst": survey.poststratify(first, ["group", "half"], JOINT), "raked": survey.rake(two, margins),
        "rakedold": survey.rake(two, margins, residuals="unweighted"), "linear": survey.calibrate(two, {"group": GROUPS, "persons": 5600}),
    }


@pytest.mark.parametrize("name", ["post", "twice", "postfirst", "raked", "rakedold", "linear"])
def test_known_totals(name):
    d = fitted()[name]
    agree(f"{name}.weights", d.weights[:5])
    agree(f"{name}.total", both(survey.total(d, "income")))
    agree(f"{name}.mean", both(survey.mean(d, "income")))
    agree(f"{name}.ratio", both(survey.ratio(d, "income", "persons")))
    inside = d.domain(FRAME["half"] == "x")
    agree(f"{name}.domain", both(survey.mean(inside, "income")), both(survey.total(inside, "income")))
    one = survey.quantile(d, "income", 0.5)
    agree(f"{name}.quantile", one.value, one.low, one.high, one.se)


@pytest.mark.parametrize(("mse", "centre"), [("TRUE", "estimate"), ("FALSE", "mean")])
def test_jackknife(mse, centre):
    income, persons, first = FRAME["income"].to_numpy(), FRAME["persons"].to_numpy(float), DESIGNS["first"]

    def mean(weights):
        return weights @ income / weights.sum()

    def total(weights):
        return weights @ income

    def three(weights):
        return total(weights), mean(weights), total(weights) / (weights @ persons)

    def pairs(d, function):
        found = survey.replicates(d, "jackknife", centre=centre).estimate(function)
        return np.column_stack([found.value, found.se])

    agree(f"jackknife.jkn.{mse}", pairs(first, three), pairs(half("first"), mean))
    agree(f"jackknife.jk1.{mse}", pairs(survey.design(FRAME, "weight", clusters=["village"]), three))
    for key, d in (("post", survey.poststratify(first, "group", GROUPS)), ("raked", survey.rake(first, {"group": GROUPS, "half": HALVES}))):
        agree(f"jackknife.{key}.{mse}", pairs(d, lambda weights: (mean(weights), total(weights))))


@pytest.mark.parametrize(("how", "lone"), [("certainty", "certainty"), ("remove", "remove"), ("adjust", "centre"), ("average", "average")])
def test_lone_units(how, lone):
    frame = pd.DataFrame({
        "s": [1, 1, 1, 2, 3, 3, 3, 4], "w": [10, 12, 9, 20, 8, 8, 9, 15], "y": [3, 5, 4, 9, 7, 2, 6, 8], "g": [1, 1, 0, 1, 0, 1, 1, 0],
    })
    d = survey.design(frame, "w", strata="s", lone=lone)
    agree(f"lone.taylor.{how}", survey.mean(d, "y").se, survey.total(d, "y").se, survey.mean(d.domain(frame["g"] == 1), "y").se)
    y = frame["y"].to_numpy(float)
    agree(f"lone.jackknife.{how}", survey.replicates(d).estimate(lambda weights: weights @ y / weights.sum()).se)


def test_unequal_probabilities_and_ultimate_clusters():
    brewer = survey.design(FRAME.assign(f=1 / FRAME["weight"]), "weight", fpc=["f"], fpc_kind="fraction", unequal=True)
    agree("brewer.mean", both(survey.mean(brewer, "income")))
    ultimate = survey.design(
        FRAME, "weight", strata="stratum", clusters=["village", "household"], fpc=["villages", "households"], ultimate_cluster=True)
    agree("ultimate.mean", both(survey.mean(ultimate, "income")))


PEERS = os.environ.get("LINWU_PEER_DATA")
SCHOOLS = {
    "srs": ("apisrs", {"weights": "pw", "fpc": ["fpc"]}), "strat": ("apistrat", {"weights": "pw", "strata": "stype", "fpc": ["fpc"]}),
    "clus1": ("apiclus1", {"weights": "pw", "clusters": ["dnum"], "fpc": ["fpc"]}),
    "clus2": ("apiclus2", {"clusters": ["dnum", "snum"], "fpc": ["fpc1", "fpc2"]}),
}


@pytest.mark.skipif(not PEERS, reason="LINWU_PEER_DATA names no folder with the survey package's school samples")
@pytest.mark.parametrize("name", SCHOOLS)
def test_schools(name):
    file, stated = SCHOOLS[name]
    frame = pd.read_csv(Path(PEERS) / f"{file}.csv", dtype={"cds": str})
    d = survey.design(frame, **stated)
    mean = survey.mean(d, "api00")
    agree(f"api.{name}.mean", both(mean), mean.deff, mean.low, mean.high, mean.df)
    agree(f"api.{name}.total", both(survey.total(d, "enroll", unknown="domain")))
    agree(f"api.{name}.ratio", both(survey.ratio(d, "api.stu", "enroll", unknown="domain")))
    median = survey.quantile(d, "api00", 0.5)
    agree(f"api.{name}.median", median.value, median.low, median.high, median.se)
    award = survey.proportion(d, frame["awards"] == "Yes", kind="korn_graubard")
    agree(f"api.{name}.award", award.value, award.low, award.high)
    table = survey.by(d, "stype", survey.mean, "api00")
    agree(f"api.{name}.by", table["value"], table["se"])


def test_every_reference_number_is_used():
    source = Path(__file__).read_text(encoding="utf-8")
    families = {key.split(".")[1] if key.split(".")[0] in DESIGNS else key.split(".")[0] for key in REFERENCE}
    assert all(family in source for family in families)
    numbers = sum(len(one["value"]) if isinstance(one["value"], list) else 1 for one in REFERENCE.values())
    assert numbers > 2500
