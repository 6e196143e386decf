"""Fay-Herriot: R's numbers on its own data, plain matrices on invented areas, and what is said where the model has nothing to say."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from linwu_stats import survey
from linwu_stats.indicators.small_area import METHODS, SmallAreaError, direct_estimates, fay_herriot

PEERS = Path(os.environ.get("LINWU_PEERS", "") or "/nowhere")
REFERENCE = json.loads((Path(__file__).parent / "data" / "indicators" / "small_area_reference.json").read_text(encoding="utf-8"))
peers = pytest.mark.skipif(not (PEERS / "sae_milk.csv").is_file(), reason="the peers' data sets are not here (LINWU_PEERS)")


def milk() -> tuple[pd.DataFrame, pd.DataFrame]:
    frame = pd.read_csv(PEERS / "sae_milk.csv")
    return frame, pd.get_dummies(frame["MajorArea"], drop_first=True).astype(float)


@peers
@pytest.mark.parametrize("method", METHODS)
def test_milk_agrees_with_r(method):
    frame, areas = milk()
    found, wanted = fay_herriot(frame["yi"], frame["SD"] ** 2, areas, method=method), REFERENCE[f"milk_{method}"]
    assert found.area_variance == pytest.approx(wanted["A"], rel=1e-10)
    assert found.coefficients["value"].tolist() == pytest.approx(wanted["beta"], rel=1e-10)
    assert found.areas["model"].tolist() == pytest.approx(wanted["eblup"], rel=1e-10)
    assert found.areas["mse"].tolist() == pytest.approx(wanted["mse"], rel=1e-10)


@peers
@pytest.mark.parametrize("method", METHODS)
def test_milk_agrees_with_the_published_output_of_sae(method):
    frame, areas = milk()
    wanted = REFERENCE[f"sae_milk_{method}"]
    found = fay_herriot(frame["yi"], frame["SD"] ** 2, areas, method=method, tolerance=1e-4)
    assert found.areas["model"].tolist()[:5] == pytest.approx(wanted["eblup"], abs=1.1e-6 if method == "FH" else 6e-8)  # FH was quoted with six digits, cut off
    assert found.areas["mse"].tolist()[:5] == pytest.approx(wanted["mse"], abs=1.1e-9)
    if method == "REML":
        assert found.area_variance == pytest.approx(wanted["refvar"], abs=5e-9)
        assert found.coefficients["value"].tolist() == pytest.approx(wanted["beta"], abs=6e-8)
        assert found.coefficients["se"].tolist() == pytest.approx(wanted["std_error"], abs=6e-9)


@peers
@pytest.mark.parametrize("method", METHODS)
def test_grapes_agree_with_r(method):
    frame, wanted = pd.read_csv(PEERS / "sae_grapes.csv"), REFERENCE[f"grapes_{method}"]
    found = fay_herriot(frame["grapehect"], frame["var"], frame[["area", "workdays"]], method=method, intercept=False)
    assert found.area_variance == pytest.approx(wanted["A"], rel=1e-7)
    assert found.areas["model"].tolist()[:20] == pytest.approx(wanted["eblup"], rel=1e-7)
    assert found.areas["mse"].tolist()[:20] == pytest.approx(wanted["mse"], rel=1e-7)


def invented(count: int = 30, spread: float = 1.0, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, psi = rng.normal(size=count), rng.uniform(0.3, 2.0, count)
    return pd.DataFrame({"x": x, "psi": psi, "y": 10 + 2 * x + spread * rng.normal(size=count) + np.sqrt(psi) * rng.normal(size=count)})


def slow(frame: pd.DataFrame, method: str) -> float:
    """Height of the likelihood on a fine grid, whole matrices."""
    x, y = np.column_stack([np.ones(len(frame)), frame["x"]]), frame["y"].to_numpy()

    def height(a: float) -> float:
        v = np.diag(a + frame["psi"].to_numpy())
        inverse = np.linalg.inv(v)
        rest = y - x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        value = -0.5 * np.log(np.linalg.det(v)) - 0.5 * rest @ inverse @ rest
        return value - (0.5 * np.log(np.linalg.det(x.T @ inverse @ x)) if method == "REML" else 0.0)

    grid = np.linspace(0, 5, 5001)
    return float(grid[np.argmax([height(one) for one in grid])])


@pytest.mark.parametrize("method", ["REML", "ML"])
@pytest.mark.parametrize("spread", [1.0, 0.0])
def test_the_area_variance_is_the_highest_point_of_the_likelihood(method, spread):
    frame = invented(spread=spread)
    assert fay_herriot(frame["y"], frame["psi"], frame[["x"]], method=method).area_variance == pytest.approx(slow(frame, method), abs=1.1e-3)


def test_the_moment_equation_holds():
    frame = invented()
    found = fay_herriot(frame["y"], frame["psi"], frame[["x"]], method="FH")
    rest = frame["y"] - found.areas["synthetic"]
    assert float((rest**2 / (found.area_variance + frame["psi"])).sum()) == pytest.approx(30 - 2, rel=1e-9)


def test_an_area_without_a_sample_is_synthetic_and_says_so():
    frame = invented().astype({"y": "Float64", "psi": "Float64"})
    frame.loc[3, ["y", "psi"]] = pd.NA
    frame.loc[7, "psi"] = pd.NA
    found = fay_herriot(frame["y"], frame["psi"], frame[["x"]], areas=[f"a{place}" for place in range(30)])
    rows = found.areas.set_index("area")
    assert rows.loc["a3", "reason"] == "not_sampled"
    assert rows.loc["a7", "reason"] == "direct_variance_unknown"
    used = frame.drop(index=[3, 7]).astype(float)
    x = np.column_stack([np.ones(28), used["x"]])
    weight = 1 / (found.area_variance + used["psi"].to_numpy())
    spread = np.linalg.inv(x.T @ (weight[:, None] * x))
    beta, here = spread @ (x.T @ (weight * used["y"].to_numpy())), np.array([1.0, float(frame.loc[3, "x"])])
    assert rows.loc["a3", "model"] == pytest.approx(here @ beta)
    assert rows.loc["a3", "mse"] == pytest.approx(found.area_variance + here @ spread @ here)
    assert rows.loc["a3", "mse"] > rows["mse"].drop(["a3", "a7"]).max() - found.area_variance
    assert np.isnan(rows.loc["a3", "direct"])


def test_an_area_variance_of_zero_is_said_in_every_row():
    frame = invented(spread=0.0, seed=4)
    frame["y"] = 10 + 2 * frame["x"] + 0.01 * np.sin(np.arange(30))  # closer to the line than their errors allow
    for method in METHODS:
        found = fay_herriot(frame["y"], frame["psi"], frame[["x"]], method=method)
        assert found.area_variance == 0.0
        assert set(found.areas["reason"]) == {"zero_area_variance"}
        assert found.areas["model"].tolist() == pytest.approx(found.areas["synthetic"].tolist())
        assert (found.areas["mse"] > 0).all()


def test_the_predictor_lies_between_and_moves_with_the_error():
    frame = invented()
    rows = fay_herriot(frame["y"], frame["psi"], frame[["x"]]).areas
    inside = (rows["model"] - rows["direct"]) * (rows["model"] - rows["synthetic"]) <= 1e-12
    assert inside.all()
    assert rows["gamma"].corr(frame["psi"], method="spearman") == pytest.approx(-1)
    assert (rows["rmse"] < rows["direct_se"]).mean() > 0.8


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: f.assign(psi=f["psi"].where(f.index != 2, 0.0)), "an error above zero"), (lambda f: f.assign(x=f["x"].where(f.index != 2)), "辅助变量"),
        (lambda f: f.head(3), "地区过少"), (lambda f: f.assign(x=1.0), "depend on each other"),
    ],
)
def test_refused(change, words):
    frame = change(invented())
    with pytest.raises(SmallAreaError, match=words):
        fay_herriot(frame["y"], frame["psi"], frame[["x"]])


def test_direct_estimates_of_a_sample_and_none_of_a_register():
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"area": np.repeat(list("abcd"), [8, 8, 8, 2]), "village": np.repeat(range(13), 2), "y": rng.normal(size=26), "w": 3.0})
    d = survey.design(rows, weights="w", clusters=["village"])
    found = direct_estimates(d, "y", "area", areas=list("abcde")).set_index("area")
    assert found["n"].tolist() == [8, 8, 8, 2, 0]
    assert found["variance"].isna().tolist() == [False, False, False, True, True]  # d is one village: its error cannot be measured
    assert found.loc["a", "variance"] == pytest.approx(survey.mean(d.domain(rows["area"] == "a"), "y").variance)
    with pytest.raises(SmallAreaError, match="全面登记"):
        direct_estimates(survey.register(rows), "y", "area")
