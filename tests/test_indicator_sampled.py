"""Indices of samples (指标估计): numbers of R to nine digits, groups in one pass, replicates, unknowns, zero and negative incomes, exact lines.

``data/indicators/reference.json`` is made by ``reference.R`` beside it: values of laeken or of the textbook, standard errors of R's survey for linearised
variables that a complex-step derivative gives. ``published.json`` holds printed digits of convey's pages. Keys of laeken's synthetic data run where
the environment variable LINWU_PEERS names a folder with eusilc.csv.
"""

from __future__ import annotations

import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linwu_stats import survey
from linwu_stats.indicators import inequality, poverty, sampled
from linwu_stats.indicators.sampled import INDICES, relative, relative_to_mean
from linwu_stats.survey import DesignError

DATA = Path(__file__).parent / "data"
REFERENCE = json.loads((DATA / "indicators" / "reference.json").read_text(encoding="utf-8"))["numbers"]
PUBLISHED = json.loads((DATA / "indicators" / "published.json").read_text(encoding="utf-8"))["numbers"]
PEERS = os.environ.get("LINWU_PEERS")
FRAME = pd.read_csv(DATA / "survey_sample.csv").assign(loss=lambda x: x["income"] - 1800)
TWO = survey.design(FRAME, "weight", strata="stratum", clusters=["village", "household"], fpc=["villages", "households"])
FIRST = survey.design(FRAME, "weight", strata="stratum", clusters=["village"], fpc=["villages"])
RAKED = survey.rake(TWO, {"group": {"a": 420, "b": 610, "c": 570}, "half": {"x": 700, "y": 900}})
#: Study of the reference: design or domain, line, income, head count.
STUDIES = {
    "two": (TWO, 2952, "income", None), "first": (FIRST, 4000, "income", None), "plain": (survey.design(FRAME, "weight"), 2952, "income", None),
    "half": (TWO.domain(FRAME["half"] == "x"), 2952, "income", None), "group": (FIRST.domain(FRAME["group"] == "b"), 4000, "income", None),
    "heads": (TWO, 900, "income", "persons"), "loss": (TWO, 2952, "loss", None), "raked": (RAKED, 2952, "income", None),
}
CONVEY = {"sign": "<=", "negative": "keep"}


def ask(what: str, d: survey.Design, line: float, income: str, **shared) -> survey.Estimate:
    """The package's call for a key of the reference."""
    lines = {"med": relative(0.6), "avg": relative_to_mean(0.6)}
    name, _, kind = what.partition("_")
    at = lines.get(kind, line)
    if found := re.fullmatch(r"(fgt|money|ge|atk|q|lorenz|glorenz)(-?[\d.]+)", name):
        stem, number = found[1], float(found[2])
        calls = {
            "fgt": lambda: sampled.fgt(d, income, at, number, **shared), "money": lambda: sampled.fgt(d, income, at, number, normalise=False, **shared),
            "ge": lambda: sampled.generalised_entropy(d, income, number, **shared), "atk": lambda: sampled.atkinson(d, income, number, **shared),
            "q": lambda: sampled.percentile(d, income, number, density="kernel", **shared),
            "lorenz": lambda: sampled.lorenz(d, income, [number], **shared).iloc[0],
            "glorenz": lambda: sampled.lorenz(d, income, [number], generalised=True, **shared).iloc[0],
        }
        return calls[stem]()
    calls = {
        "mean": lambda: sampled.mean(d, income, **shared), "fgt0le": lambda: sampled.fgt(d, income, line, 0, sign="<=", **shared),
        "fgt1keep": lambda: sampled.fgt(d, income, line, 1, **CONVEY, **shared), "igr": lambda: sampled.income_gap_ratio(d, income, line, **shared),
        "gini": lambda: sampled.gini(d, income, **shared), "cgini": lambda: sampled.gini(d, income, form="convey", **shared),
        "hoover": lambda: sampled.hoover(d, income, **shared), "s80s20": lambda: sampled.quintile_share_ratio(d, income, **shared),
        "palma": lambda: sampled.palma_ratio(d, income, **shared), "watts": lambda: sampled.watts(d, income, at, **shared),
        "sen": lambda: sampled.sen(d, income, at, **shared), "csen": lambda: sampled.sen(d, income, line, form="convey", **CONVEY, **shared),
        "sst": lambda: sampled.sen_shorrocks_thon(d, income, at, **shared),
        "csst": lambda: sampled.sen_shorrocks_thon(d, income, line, form="convey", **CONVEY, **shared),
        "logvar": lambda: sampled.variance_of_logs(d, income, **shared), "p90p10": lambda: sampled.percentile_ratio(d, income, density="kernel", **shared),
        "qsr": lambda: sampled.quintile_share_ratio(d, income, ties="whole", **shared), "arpr": lambda: sampled.at_risk_rate(d, income, at, **shared),
        "poormed": lambda: sampled.poor_median(d, income, at, **shared), "rmpg": lambda: sampled.relative_median_gap(d, income, at, **shared),
        "arpt": lambda: sampled.at_risk_threshold(d, income, **shared),
    }
    return calls[name]()


@pytest.mark.parametrize("study", STUDIES)
def test_numbers_of_r(study):
    d, line, income, headcount = STUDIES[study]
    keys = [key for key in REFERENCE if key.startswith(f"{study}.")]
    assert len(keys) > 30
    for key in keys:
        found = ask(key.split(".", 1)[1], d, line, income, headcount=headcount)
        assert (found.value, found.se) == pytest.approx(REFERENCE[key]["value"], rel=1e-9, abs=1e-13), key


def test_numbers_of_laeken():
    d = survey.design(FRAME, "weight")
    laeken = {"rule": "exceeds"}
    line = relative(0.6, rule="exceeds")
    found = {
        "gini": sampled.gini(d, "income").value * 100, "qsr": sampled.quintile_share_ratio(d, "income", ties="whole", **laeken).value,
        "arpt": sampled.at_risk_threshold(d, "income", line).value, "arpr": sampled.at_risk_rate(d, "income", line).value * 100,
        "rmpg": sampled.relative_median_gap(d, "income", line, **laeken).value * 100, "median": sampled.percentile(d, "income", **laeken).value,
        "mean": sampled.mean(d, "income").value, "quintile": [sampled.percentile(d, "income", q, **laeken).value for q in (0.2, 0.4, 0.6, 0.8)],
        "ginigroup": sampled.gini(d, "income", by="group")["value"] * 100, "arprgroup": sampled.at_risk_rate(d, "income", line, by="group")["value"] * 100,
    }
    for key, value in found.items():
        assert np.ravel(value) == pytest.approx(np.ravel(REFERENCE[f"laeken.{key}"]["value"]), rel=1e-9), key
    even = survey.design(FRAME)
    four = (
        sampled.gini(even, "income").value * 100, sampled.quintile_share_ratio(even, "income", ties="whole", **laeken).value,
        sampled.relative_median_gap(even, "income", line, **laeken).value * 100, sampled.at_risk_rate(even, "income", line).value * 100,
    )
    assert four == pytest.approx(REFERENCE["laeken.equal"]["value"], rel=1e-9)
    table = sampled.mean(TWO, "income", by="group")
    assert [*table["value"], *table["se"]] == pytest.approx(REFERENCE["survey.mean"]["value"], rel=1e-9)


@pytest.mark.skipif(not PEERS, reason="LINWU_PEERS names no folder with eusilc.csv")
def test_numbers_of_laeken_and_convey_on_their_own_data():
    frame = pd.read_csv(Path(PEERS) / "eusilc.csv")
    d, line = survey.design(frame, "rb050", strata="db040"), relative(0.6, rule="exceeds")
    laeken = {"rule": "exceeds"}
    gap = sampled.relative_median_gap
    whole = (
        sampled.gini(d, "eqIncome").value * 100, sampled.quintile_share_ratio(d, "eqIncome", ties="whole", **laeken).value,
        gap(d, "eqIncome", line, **laeken).value * 100, sampled.at_risk_rate(d, "eqIncome", line).value * 100,
        sampled.at_risk_threshold(d, "eqIncome", line).value,
    )
    assert whole == pytest.approx(REFERENCE["eusilc.laeken"]["value"], rel=1e-9)
    for key, table in (
        ("ginis", sampled.gini(d, "eqIncome", by="db040")), ("arprs", sampled.at_risk_rate(d, "eqIncome", line, by="db040")),
        ("rmpgs", gap(d, "eqIncome", line, by="db040", **laeken)),
    ):
        assert list(table["value"] * 100) == pytest.approx(REFERENCE[f"eusilc.{key}"]["value"], rel=1e-9), key
    le = {"sign": "<="}
    found = {
        "fgt0": sampled.fgt(d, "eqIncome", 10000, 0, **CONVEY), "fgt1": sampled.fgt(d, "eqIncome", 10000, 1, **CONVEY),
        "fgt0_relq": sampled.fgt(d, "eqIncome", relative(), 0, **CONVEY), "fgt1_relq": sampled.fgt(d, "eqIncome", relative(), 1, **CONVEY),
        "fgt0_relm": sampled.fgt(d, "eqIncome", relative_to_mean(0.6), 0, **CONVEY),
        "fgt1_relm": sampled.fgt(d, "eqIncome", relative_to_mean(0.6), 1, **CONVEY),
        "arpr": sampled.at_risk_rate(d, "eqIncome", **le), "rmpg": gap(d, "eqIncome", **le), "gini": sampled.gini(d, "eqIncome", form="convey"),
        "qsr": sampled.quintile_share_ratio(d, "eqIncome", ties="whole"),
    }
    for key, one in found.items():
        wanted = PUBLISHED[key]
        assert f"{one.value:.5g}" == f"{wanted['value']:.5g}" or round(one.value, 2) == wanted["value"], key
        assert wanted["se"] is None or round(one.se, 4) == wanted["se"], key
    small = frame[frame["db040"].isin(["Tyrol", "Salzburg"]) & (frame["eqIncome"] > 0)].reset_index(drop=True)
    part = survey.design(small, "rb050", strata="db040", clusters=["psu"]).domain(small["db040"] == "Tyrol")
    done = ("laeken", "ginis", "arprs", "rmpgs", "repjkn", "repboot", "repraowu")
    keys = [key for key in REFERENCE if key.startswith("eusilc.") and key.split(".")[1] not in done]
    assert len(keys) > 40
    for key in keys:
        one = ask(key.split(".", 1)[1], part, 10000, "eqIncome")
        assert (one.value, one.se) == pytest.approx(REFERENCE[key]["value"], rel=1e-9, abs=1e-13), key


@pytest.mark.skipif(not PEERS, reason="LINWU_PEERS names no folder with eusilc.csv")
def test_replicate_weights_made_elsewhere():
    folder = Path(PEERS)
    frame = pd.read_csv(folder / "eusilc.csv")
    d = survey.design(frame, "rb050", strata="db040", clusters=["psu"])
    meta = json.loads((folder / "eusilc_replicate_meta.json").read_text(encoding="utf-8"))
    names = [
        "mean", "headcount_ratio", "poverty_gap_index", "squared_poverty_gap_index", "gini", "quintile_share_ratio", "at_risk_rate", "at_risk_threshold",
    ]
    for kind in ("jkn", "boot", "raowu"):
        factors = pd.read_csv(folder / f"eusilc_{kind}_factors.csv")
        table = frame[["db040", "psu"]].merge(factors, how="left", on=["db040", "psu"]).drop(columns=["db040", "psu"]).to_numpy()
        rscales = pd.read_csv(folder / "eusilc_jkn_rscales.csv")["rscale"].to_numpy() if kind == "jkn" else 1.0
        made = survey.given_replicates(d, table, scale=meta[kind]["scale"], rscales=rscales)
        found = sampled.replicated(made, "eqIncome", names, 10000)
        assert [*found["value"], *found["se"]] == pytest.approx(REFERENCE[f"eusilc.rep{kind}"]["value"], rel=1e-9), kind


@pytest.mark.parametrize("name", ["two", "first", "raked", "heads"])
def test_groups_in_one_pass_are_the_domains(name):
    d, line, income, headcount = STUDIES[name]
    by = sampled.all_indices(d, income, line, by="group", headcount=headcount)
    assert list(by["group"].unique()) == ["a", "b", "c"]
    assert list(by["indicator"][: len(INDICES)]) == list(INDICES)
    for group, part in by.groupby("group"):
        alone = sampled.all_indices(d.domain(FRAME["group"] == group), income, line, headcount=headcount)
        for column in ("value", "se", "low", "high", "df", "deff"):
            assert part[column].to_numpy() == pytest.approx(alone[column].to_numpy(), rel=1e-9, nan_ok=True), (group, column)
    for index, function in (("gini", sampled.gini), ("at_risk_rate", sampled.at_risk_rate)):
        one, row = function(d.domain(FRAME["group"] == "a"), income, headcount=headcount), by[(by["group"] == "a") & (by["indicator"] == index)].iloc[0]
        assert (one.value, one.se, one.low, one.high, one.df) == pytest.approx((row["value"], row["se"], row["low"], row["high"], row["df"]), rel=1e-9)
        assert (one.deff, one.n, one.unknown) == pytest.approx((row["deff"], row["n"], row["unknown"]), rel=1e-9)


def test_groups_of_a_domain_and_rows_without_weight():
    half = FRAME["half"] == "x"
    by = sampled.all_indices(TWO.domain(half), "income", 2952, by="group")
    for group in ("a", "b", "c"):
        alone = sampled.all_indices(TWO.domain(half & (FRAME["group"] == group)), "income", 2952)
        part = by[by["group"] == group]
        assert part[["value", "se", "deff"]].to_numpy() == pytest.approx(alone[["value", "se", "deff"]].to_numpy(), rel=1e-9, nan_ok=True)
    missing = FRAME.assign(group=FRAME["group"].where(FRAME["group"] != "c"))
    d = survey.design(missing, "weight", strata="stratum", clusters=["village", "household"], fpc=["villages", "households"])
    table = sampled.all_indices(d, "income", 2952, by="group")
    assert list(table["group"].unique()) == ["a", "b"]
    whole = sampled.all_indices(TWO, "income", 2952, by="group")
    # The threshold of the whole design is that of everybody, also of those without a group.
    assert table["se"].to_numpy() == pytest.approx(whole.loc[whole["group"] != "c", "se"].to_numpy(), rel=1e-9)
    nothing = FRAME.assign(weight=FRAME["weight"].where(FRAME["half"] == "x", 0.0))
    light, heavy = survey.design(nothing, "weight"), survey.design(FRAME[half].reset_index(drop=True), "weight")
    assert sampled.gini(light, "income").value == pytest.approx(sampled.gini(heavy, "income").value, rel=1e-12)
    assert sampled.gini(light, "income").n == int(half.sum())


def test_groups_with_lone_units_and_several_stages():
    for lone in ("certainty", "centre", "average"):
        frame = FRAME.assign(layer=FRAME["village"].where(FRAME["stratum"] == "s1", FRAME["stratum"]))
        d = survey.design(frame, "weight", strata="layer", clusters=["village"], lone=lone)
        by = sampled.all_indices(d, "income", 2952, by="half")
        for half, part in by.groupby("group"):
            alone = [sampled.gini(d.domain(frame["half"] == half), "income"), sampled.at_risk_rate(d.domain(frame["half"] == half), "income")]
            rows = part.set_index("indicator").loc[["gini", "at_risk_rate"]]
            assert list(rows["se"]) == pytest.approx([one.se for one in alone], rel=1e-9), lone


def test_replicates_agree_with_linearisation_and_with_each_other():
    random = np.random.default_rng(5)
    size = 3000
    frame = pd.DataFrame({"village": np.arange(size) // 30, "w": random.uniform(1, 3, size)})
    frame["y"] = np.exp(8 + 0.2 * random.normal(size=100)[frame["village"]] + 0.6 * random.normal(size=size))
    d = survey.design(frame, "w", clusters=["village"])
    smooth = [name for name in INDICES if INDICES[name].line != "relative" and not re.match(r"p\d|median|poor_median|atkinson_2", name)]
    linear = sampled.all_indices(d, "y", 2952, indices=smooth)
    knife = sampled.replicated(d, "y", smooth, 2952, kind="jackknife")
    assert knife["value"].to_numpy() == pytest.approx(linear["value"].to_numpy(), rel=1e-12)
    assert knife["se"].to_numpy() == pytest.approx(linear["se"].to_numpy(), rel=0.02)
    boot = sampled.replicated(d, "y", ["gini", "headcount_ratio", "poverty_gap_index"], 2952, count=200, seed=3)
    again = sampled.replicated(survey.replicates(d, "bootstrap", count=200, seed=3), "y", ["gini", "headcount_ratio", "poverty_gap_index"], 2952)
    pd.testing.assert_frame_equal(boot, again)
    by = sampled.replicated(d, "y", ["gini", "at_risk_rate"], by=frame["village"] % 2, kind="jackknife")
    part = sampled.replicated(survey.replicates(d.domain(frame["village"] % 2 == 1), "jackknife"), "y", ["gini", "at_risk_rate"])
    assert by.loc[by["group"] == 1, ["value", "se", "df"]].to_numpy() == pytest.approx(part[["value", "se", "df"]].to_numpy(), rel=1e-12)
    assert boot["se"].to_numpy() == pytest.approx(sampled.all_indices(d, "y", 2952, indices=list(boot["indicator"]))["se"].to_numpy(), rel=0.2)


def test_function_of_weights_is_the_index_on_a_design_with_those_weights():
    random = np.random.default_rng(8)
    sets = FRAME["weight"].to_numpy()[:, None] * random.poisson(1, (len(FRAME), 4))
    domain = (FRAME["half"] == "x").to_numpy()
    function = sampled.of_weights(TWO.domain(domain), "income", list(INDICES), 900, headcount="persons")
    found = function(sets)
    assert found.shape == (4, len(INDICES))
    for place in range(4):
        d = survey.design(FRAME, sets[:, place]).domain(domain)
        wanted = sampled.all_indices(d, "income", 900, headcount="persons")["value"].to_numpy()
        assert found[place] == pytest.approx(wanted, rel=1e-9, nan_ok=True)
        alone = sampled.of_weights(TWO.domain(domain), "income", "gini", headcount="persons")(sets[:, place])
        assert alone == found[place][list(INDICES).index("gini")]


def test_a_register_has_no_sampling_error_and_the_values_of_the_indicator_table():
    frame = pd.DataFrame({"net": [353500 * 3, 353499 * 2, 0, 900000, 1200001], "heads": [3, 2, 1, 4, 2]}).astype("Int64")
    table = sampled.all_indices(survey.register(frame), "net", 353500, headcount="heads").set_index("indicator")
    assert table.loc["headcount_ratio", "value"] == pytest.approx((2 + 1 + 4) / 12)  # three persons stand exactly on the line
    assert sampled.fgt(survey.register(frame), "net", 353500, headcount="heads", sign="<=").value == pytest.approx(10 / 12)
    known = table[table["reason"].isna()]
    assert (known["se"] == 0).all()
    assert (known["low"] == known["value"]).all()
    assert table.loc["watts_index", "reason"] == "nonpositive_income"


def test_the_indicator_table_and_the_samples_agree():
    frame = pd.DataFrame({"net": [100000, -5000, 353500, 700000, 1000001, 353499, 0, 2500000], "heads": [1, 2, 1, 2, 3, 1, 1, 4]})
    d, columns = survey.register(frame), (frame["heads"], frame["net"], frame["heads"])
    pairs = [
        (poverty.headcount_ratio(*columns, 353500), sampled.fgt(d, "net", 353500, 0, headcount="heads")),
        (poverty.poverty_gap_index(*columns, 353500), sampled.fgt(d, "net", 353500, 1, headcount="heads")),
        (poverty.squared_poverty_gap_index(*columns, 353500), sampled.fgt(d, "net", 353500, 2, headcount="heads")),
        (inequality.gini(*columns), sampled.gini(d, "net", headcount="heads")),
        (inequality.median(*columns), sampled.percentile(d, "net", headcount="heads", rule="school")),
        (inequality.mean(*columns), sampled.mean(d, "net", headcount="heads")),
        (inequality.quintile_share_ratio(*columns), sampled.quintile_share_ratio(d, "net", headcount="heads")),
    ]
    for one, other in pairs:
        assert (one.value is None and math.isnan(other.value)) or other.value == pytest.approx(one.value, rel=1e-12)
    earning = frame[frame["net"] > 0].reset_index(drop=True)
    d, columns = survey.register(earning), (earning["heads"], earning["net"], earning["heads"])
    assert sampled.theil(d, "net", headcount="heads").value == pytest.approx(inequality.theil(*columns).value, rel=1e-12)
    assert sampled.watts(d, "net", 353500, headcount="heads").value == pytest.approx(poverty.watts_index(*columns, 353500).value, rel=1e-12)


#: What each index does with an income of zero, and with one below: reason, or None for a value. Worked out from the definitions.
ZERO = {
    "watts_index": "nonpositive_income", "mean_log_deviation": "zero_income", "atkinson_1": "zero_income", "atkinson_2": "zero_income",
    "variance_of_logs": "zero_income",
}
BELOW = {
    "watts_index": "nonpositive_income", "mean_log_deviation": "negative_income", "theil": "negative_income", "atkinson_0.5": "negative_income",
    "atkinson_1": "negative_income", "atkinson_2": "negative_income", "variance_of_logs": "negative_income",
}


@pytest.mark.parametrize(("odd", "wanted", "field"), [(0.0, ZERO, "zero"), (-50.0, BELOW, "negative")])
def test_zero_and_negative_incomes_do_what_the_table_says(odd, wanted, field):
    incomes = [odd, 1000.0, 2000.0, 2500.0, 4000.0, 5000.0, 7000.0, 8000.0, 9000.0, 12000.0, 30000.0]
    d = survey.design(pd.DataFrame({"y": incomes}))
    table = sampled.all_indices(d, "y", 2952).set_index("indicator")
    assert {name: reason for name, reason in table["reason"].items() if isinstance(reason, str)} == wanted
    for name, index in INDICES.items():
        said = re.search(r"\((\w+)\)$", getattr(index, field).split(";")[0].strip())
        empty = getattr(index, field).startswith("指数为空")
        assert empty == (name in wanted), name
        assert not empty or said[1] == wanted[name], name


def test_reasons_of_poor_places():
    frame = pd.DataFrame({"y": [-10.0, -20.0, 5.0, 8000.0, 9000.0, np.nan, 3.0], "g": list("aabbbcd")})
    d = survey.design(frame)
    table = sampled.all_indices(d, "y", 2952, by="g", unknown="domain", relative_line=relative(of="domain"))
    reason = table.set_index(["group", "indicator"])["reason"]
    assert reason["a", "gini"] == reason["a", "hoover"] == "mean_not_positive"
    assert reason["a", "at_risk_rate"] == reason["a", "relative_median_gap"] == "line_not_positive"
    assert reason["a", "quintile_share_ratio"] == "bottom_not_positive"
    assert reason["a", "p90_p10"] == "divisor_not_positive"
    assert set(reason["c"]) == {"all_unknown"}
    assert reason["d", "gini"] == "single_household"
    assert pd.isna(reason["d", "headcount_ratio"])
    counts = table.drop_duplicates("group").set_index("group")
    assert list(counts["n"]) == [2, 3, 0, 1]
    assert list(counts["unknown"]) == [0, 0, 1, 0]
    rich = sampled.income_gap_ratio(d.domain(frame["y"] > 7000), "y", 2952)
    assert math.isnan(rich.value)
    assert rich.method.endswith("no_poor_here")
    assert sampled.sen(d.domain(frame["y"] > 7000), "y", 2952).value == 0
    one_poor = sampled.income_gap_ratio(survey.design(pd.DataFrame({"y": [1000.0, 5000.0, 6000.0]})), "y", 2000)
    assert one_poor.value == 0.5
    assert math.isnan(one_poor.se)  # one poor person shows no spread
    assert sampled.all_indices(d, "y", None, unknown="domain").set_index("indicator").loc["headcount_ratio", "reason"] == "no_line"
    nobody = sampled.gini(d.domain(np.zeros(7, dtype=bool)), "y", unknown="domain")
    assert nobody.method.endswith("empty_group")
    with pytest.raises(DesignError, match="unknown is not zero"):
        sampled.gini(d, "y")
    assert set(reason.dropna()) <= set(sampled.REASONS)


def test_contradictions_are_refused():
    d = survey.design(FRAME, "weight")
    for wrong in (
        lambda: sampled.fgt(d, "income", 0), lambda: sampled.fgt(d, "income", -5), lambda: sampled.fgt(d, "income", math.nan),
        lambda: sampled.fgt(d, "income", 2952, -1), lambda: sampled.fgt(d, "income", 2952, sign=">"), lambda: sampled.fgt(d, "income", 2952, 1, negative="x"),
        lambda: sampled.atkinson(d, "income", 0), lambda: sampled.generalised_entropy(d, "income", math.inf), lambda: relative(0),
        lambda: relative(0.6, 1.5), lambda: relative(of="county"), lambda: sampled.gini(d, "income", form="x"), lambda: sampled.lorenz(d, "income", [1.5]),
        lambda: sampled.share_ratio(d, "income", 0, 0.2), lambda: sampled.quintile_share_ratio(d, "income", ties="x"),
        lambda: sampled.all_indices(d, "income", 2952, indices=["ginny"]), lambda: sampled.gini(d, "village"), lambda: sampled.gini(d, "nothing"),
        lambda: sampled.gini(d, "income", headcount="poor"), lambda: sampled.poor_median(d, "income", "income"),
        lambda: sampled.sen(d, "income", 2952, form="x"),
        lambda: sampled.percentile(d, "income", density="x"), lambda: sampled.gini(d, "income", unknown="zero"),
        lambda: sampled.of_weights(d, "income", "gini")(np.ones(3)),
    ):
        with pytest.raises(DesignError):
            wrong()


def test_a_line_of_each_row():
    line = np.where(FRAME["half"] == "x", 2500.0, 3600.0)
    frame = FRAME.assign(line=line, ratio=FRAME["income"] / line)
    d = survey.design(frame, "weight", strata="stratum", clusters=["village"])
    for index in (sampled.fgt, sampled.watts, sampled.sen, sampled.sen_shorrocks_thon, sampled.income_gap_ratio):
        one, other = index(d, "income", "line"), index(d, "ratio", 1)
        assert (one.value, one.se) == pytest.approx((other.value, other.se), rel=1e-12)


def test_intervals_suit_the_quantity():
    rare = survey.design(pd.DataFrame({"y": [1000.0] + [5000.0 + place for place in range(199)]}))
    found = sampled.fgt(rare, "y", 2952)
    assert found.method == "fgt(0); korn_graubard"
    assert 0 < found.low < found.value < found.high < 0.05
    none = sampled.fgt(rare, "y", 500)
    assert (none.value, none.se, none.low) == (0, 0, 0)
    assert 0.015 < none.high < 0.02  # 1 - 0.025 ** (1 / 200) = 0.0183
    assert sampled.fgt(rare, "y", 500, 1).high == pytest.approx(none.high)
    assert sampled.gini(rare, "y", interval="logit").method == "gini; logit"
    ratio = sampled.percentile_ratio(TWO, "income")
    assert math.log(ratio.high / ratio.value) == pytest.approx(math.log(ratio.value / ratio.low))
    assert sampled.mean(TWO, "income", level=0.9, df=math.inf).high == pytest.approx(survey.mean(TWO, "income", level=0.9, df=math.inf).high)


def test_equal_incomes_and_few_rows():
    table = sampled.all_indices(survey.design(pd.DataFrame({"y": [3000.0] * 6})), "y", 2952).set_index("indicator")
    for name in ("gini", "theil", "mean_log_deviation", "half_squared_variation", "atkinson_1", "hoover", "variance_of_logs"):
        assert table.loc[name, "value"] == pytest.approx(0, abs=1e-12)
        assert table.loc[name, "se"] == pytest.approx(0, abs=1e-12)
    assert table.loc["median", "se"] == 0
    assert table.loc["quintile_share_ratio", "value"] == pytest.approx(1)
    village = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0], "v": [0, 0, 1, 1]})
    alone = sampled.all_indices(survey.design(village, clusters=["v"]), "y", 2, by="v")
    assert alone["se"].isna().all()  # one village is no sample of villages
    assert alone.loc[alone["indicator"] == "mean", "value"].tolist() == [1.5, 3.5]


def test_two_ways_to_a_density_at_a_quantile():
    # Of an exponential distribution the density at the quantile p is 1 - p: the error of a quantile of n rows is sqrt(p / (n (1 - p))).
    size = 20_000
    d = survey.design(pd.DataFrame({"y": -np.log(1 - (np.arange(size) + 0.5) / size)}))
    for q in (0.1, 0.5, 0.9):
        wanted = math.sqrt(q / (size * (1 - q)))
        assert sampled.percentile(d, "y", q).se == pytest.approx(wanted, rel=0.02)
    assert sampled.percentile(d, "y", 0.5, density="kernel").se == pytest.approx(math.sqrt(1 / size), rel=0.1)


def test_lorenz_and_shares_add_up():
    curve = sampled.lorenz(TWO, "income", [0, 0.2, 0.4, 0.6, 0.8, 1])
    shares = sampled.quantile_shares(TWO, "income", 5)
    assert shares["value"].sum() == pytest.approx(1)
    assert np.cumsum(shares["value"]).tolist() == pytest.approx(curve["value"].tolist()[1:])
    whole = sampled.lorenz(TWO, "income", [0.3, 1], generalised=True, by="half")
    assert list(whole["share"]) == [0.3, 1, 0.3, 1]
    assert whole["value"][1] == pytest.approx(sampled.mean(TWO.domain(FRAME["half"] == "x"), "income").value)


def test_the_table_of_indices_is_whole():
    table = sampled.indices_frame()
    assert list(table["name"]) == list(INDICES)
    assert not table[["term", "formula", "zero", "negative", "source", "r"]].isna().any().any()
    text = (Path(__file__).parents[1] / "docs" / "indicators.md").read_text(encoding="utf-8")
    for index in INDICES.values():
        row = f"| `{index.name}` | {index.term} | {index.formula.replace('|', '∣')} | {index.zero} | {index.negative} |"
        assert row in text, f"docs/indicators.md does not say what the table of indices says of {index.name}"
