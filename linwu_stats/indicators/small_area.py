"""Small areas: a model that lends strength to townships or villages with few households in a sample (小区域估计, Fay-Herriot 模型).

The direct estimate of area i is θ_i + e_i with known variance ψ_i, θ_i = x_i β + u_i with area variance A. The empirical best predictor draws the direct
estimate toward x_i β, the more the larger ψ_i is beside A. It stands beside the direct one and never replaces it. A full register needs none of this.

Sources: Fay and Herriot (1979), JASA 74; Prasad and Rao (1990), JASA 85; Datta and Lahiri (2000), Statistica Sinica 10; Datta, Rao and Smith (2005),
Biometrika 92; Rao and Molina (2015), Small Area Estimation, ch. 6. Numbers are those of R's ``sae::eblupFH`` and ``sae::mseFH``, which stop at a relative
change of 1e-4 (``tolerance=1e-4`` here); the default here goes on to 1e-12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats import RefusedError, survey
from linwu_stats.survey import Design

__all__ = ["METHODS", "REASONS", "AreaModel", "SmallAreaError", "direct_estimates", "fay_herriot"]

METHODS = ("REML", "ML", "FH")

#: Codes in the column ``reason``, and what they say.
REASONS: dict[str, str] = {
    "not_sampled": "样本中没有该地区: 由模型合成, 误差较大",
    "direct_variance_unknown": "直接估计的方差不能测出(样本单元过少): 由模型合成",
    "zero_area_variance": "模型的地区方差估计为零: 各地区全由回归值代替, 均方误差可能偏小",
}


class SmallAreaError(RefusedError):
    """The model cannot be fitted (小区域模型不能拟合); says what is wrong and what to state instead."""


@dataclass(frozen=True)
class AreaModel:
    """A fitted area-level model (拟合的小区域模型): ``areas`` one row an area, and what was fitted.

    ``areas``: area, direct, direct_se, n, model (the predictor), mse, rmse, low, high (95 percent, normal), gamma (weight of the direct estimate), synthetic
    (x β), residual (standardised), reason. ``coefficients``: term, value, se, z, p. ``area_variance`` A and its asymptotic ``area_variance_se``.
    """

    areas: pd.DataFrame
    coefficients: pd.DataFrame
    area_variance: float
    area_variance_se: float
    method: str
    iterations: int
    loglik: float
    aic: float
    bic: float
    notes: tuple[str, ...] = ()


def fay_herriot(
    direct: Any, variance: Any, covariates: Any = None, *, areas: Sequence[Any] | None = None, n: Any = None, method: str = "REML", intercept: bool = True,
    tolerance: float = 1e-12, iterations: int = 200,
) -> AreaModel:
    """Fit the Fay-Herriot model and predict every area (Fay-Herriot 小区域估计).

    ``direct``: one direct estimate an area, unknown where the area has no sample; ``variance``: its sampling variance, taken as known; ``covariates``: frame or
    (areas, p) of numbers known for every area (None: the mean of all areas); ``intercept`` adds a column of ones. ``method``: "REML", "ML", or "FH" (the
    moment equation of Fay and Herriot, also Paule-Mandel).

    MSE: Prasad-Rao for REML, with the correction for the bias of A of Datta and Lahiri for ML and of Datta, Rao and Smith for FH. An area without a usable
    direct estimate gets x β with A + x Var(β) x' as MSE, and says so. Where A comes out as 0 the areas are x β alone, and every row says so.

    Raises SmallAreaError for a variance of 0 or less (an estimate without error is no sample), unknown covariates, fewer areas than coefficients plus two,
    covariates that depend on each other. R: ``sae::mseFH(y ~ x, vardir, method)``.
    """
    if method not in METHODS:
        raise SmallAreaError(f"method={method!r} (拟合方法) is not known: choose from {', '.join(METHODS)}")
    y, psi, x, terms = _read(direct, variance, covariates, intercept)
    names = list(areas) if areas is not None else list(range(1, len(y) + 1))
    if len(names) != len(y):
        raise SmallAreaError(f"areas (地区): {len(names)} names for {len(y)} direct estimates (个数不一致)")
    usable = np.isfinite(y) & np.isfinite(psi)
    _refuse(y, psi, x, usable, names)
    fit = _Data(y[usable], psi[usable], x[usable])
    variance_of_areas, steps, notes = _area_variance(fit, method, tolerance, iterations)
    beta, spread = fit.coefficients(variance_of_areas)
    frame = _predict(y, psi, x, usable, variance_of_areas, beta, spread, _mse(fit, variance_of_areas, spread, method))
    frame.insert(0, "area", names)
    frame.insert(3, "n", pd.array([pd.NA] * len(y) if n is None else n, dtype="Int64"))
    frame["reason"] = _reasons(y, usable, variance_of_areas)
    loglik = fit.loglik(variance_of_areas, beta)
    size = len(terms) + 1
    return AreaModel(
        frame, _coefficients(terms, beta, spread), variance_of_areas, float(np.sqrt(_variance_of_a(fit, variance_of_areas, method))), method, steps, loglik,
        -2 * loglik + 2 * size, -2 * loglik + size * np.log(len(fit.y)), notes,
    )


def direct_estimates(d: Design, y: Any, area: Any, *, areas: Sequence[Any] | None = None, unknown: str = "refuse") -> pd.DataFrame:
    """Direct estimate of a mean in every area, for :func:`fay_herriot` (直接估计): area, direct, variance, n.

    ``areas``: all areas, sampled or not. A variance that one unit cannot give, or of exactly 0 (nobody differs), is unknown: such an area is left to the model.
    A register has no sampling error and is refused.
    """
    if d.is_complete:
        raise SmallAreaError("the design is a full register (全面登记): its figures have no sampling error, and a small-area model has nothing to add")
    found = survey.by(d, area, survey.mean, y, unknown=unknown).set_index("group")
    wanted = list(found.index) if areas is None else list(areas)
    found = found.reindex(wanted)
    variance = found["se"].astype(float) ** 2
    return pd.DataFrame({
        "area": wanted, "direct": found["value"].to_numpy(dtype=float), "variance": variance.where(variance > 0).to_numpy(),
        "n": found["n"].astype("Int64").fillna(0).to_numpy(),
    }).astype({"n": "Int64"})


class _Data:
    """Areas with a direct estimate, and the likelihood of their variance."""

    def __init__(self, y: np.ndarray, psi: np.ndarray, x: np.ndarray):
        self.y, self.psi, self.x = y, psi, x

    def coefficients(self, a: float) -> tuple[np.ndarray, np.ndarray]:
        """Weighted least squares at an area variance: β and its covariance."""
        weighted = self.x / (a + self.psi)[:, None]
        spread = np.linalg.inv(self.x.T @ weighted)
        return spread @ (weighted.T @ self.y), spread

    def slope(self, a: float, method: str) -> tuple[float, float]:
        """Score and information of the area variance; for FH the moment equation and its expected slope."""
        v = 1 / (a + self.psi)
        beta, spread = self.coefficients(a)
        rest = v * (self.y - self.x @ beta)
        if method == "FH":
            return float((rest**2 / v).sum() - (len(self.y) - self.x.shape[1])), float(v.sum())
        if method == "ML":
            return float(-0.5 * v.sum() + 0.5 * (rest**2).sum()), float(0.5 * (v**2).sum())
        projection = np.diag(v) - (v[:, None] * self.x) @ spread @ (self.x.T * v)
        return float(-0.5 * np.trace(projection) + 0.5 * (rest**2).sum()), float(0.5 * (projection**2).sum())

    def objective(self, a: float, method: str) -> float:
        """Log likelihood, restricted for REML, up to a constant."""
        beta, spread = self.coefficients(a)
        value = self.loglik(a, beta)
        return value + 0.5 * float(np.linalg.slogdet(spread)[1]) if method == "REML" else value

    def loglik(self, a: float, beta: np.ndarray) -> float:
        """Log likelihood of all areas."""
        v = a + self.psi
        return float(-0.5 * (np.log(2 * np.pi * v) + (self.y - self.x @ beta) ** 2 / v).sum())


def _area_variance(fit: _Data, method: str, tolerance: float, iterations: int) -> tuple[float, int, tuple[str, ...]]:
    """Fisher scoring from the median sampling variance, cut off at 0; a higher point of the likelihood elsewhere wins."""
    a, steps, change = float(np.median(fit.psi)), 0, np.inf
    while change > tolerance and steps < iterations:
        score, information = fit.slope(a, method)
        moved = a + score / information
        if moved <= 0 and (fit.slope(0.0, method)[0] <= 0 or a <= 1e-12 * np.median(fit.psi)):
            a, change = 0.0, 0.0
            steps += 1
            break
        moved = moved if moved > 0 else a / 4
        change, a, steps = abs(moved - a) / a, moved, steps + 1
    if change > tolerance:
        raise SmallAreaError(f"the area variance (地区方差) did not settle within {iterations} steps: raise iterations, or check the direct variances")
    if method == "FH":
        return a, steps, ()
    grid = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 60) * np.median(fit.psi)])
    heights = [fit.objective(one, method) for one in grid]
    best = int(np.argmax(heights))
    if heights[best] <= fit.objective(a, method) + 1e-8:
        return a, steps, ()
    from scipy import optimize

    low, high = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(lambda one: -fit.objective(one, method), bounds=(low, high), method="bounded", options={"xatol": 1e-12})
    a = 0.0 if best == 0 and fit.objective(0.0, method) >= -found.fun else float(found.x)
    return a, steps, ("似然有多个极大值, 取最高者",)


def _variance_of_a(fit: _Data, a: float, method: str) -> float:
    """Asymptotic variance of the estimated area variance."""
    v = 1 / (a + fit.psi)
    return float(2 * len(v) / v.sum() ** 2 if method == "FH" else 2 / (v**2).sum())


def _mse(fit: _Data, a: float, spread: np.ndarray, method: str) -> np.ndarray:
    """g1 + g2 + 2 g3, less the bias of A times the slope of g1 for ML and FH."""
    v = 1 / (a + fit.psi)
    shrunk = fit.psi * v
    g1 = fit.psi * (1 - shrunk)
    g2 = shrunk**2 * np.einsum("ij,jk,ik->i", fit.x, spread, fit.x)
    g3 = shrunk**2 * _variance_of_a(fit, a, method) * v
    bias = 0.0
    if method == "ML":
        bias = -float(np.trace(spread @ (fit.x.T * v**2) @ fit.x)) / (v**2).sum()
    elif method == "FH":
        bias = float(2 * (len(v) * (v**2).sum() - v.sum() ** 2) / v.sum() ** 3)
    return g1 + g2 + 2 * g3 - bias * shrunk**2


def _predict(
    y: np.ndarray, psi: np.ndarray, x: np.ndarray, usable: np.ndarray, a: float, beta: np.ndarray, spread: np.ndarray, mse: np.ndarray
) -> pd.DataFrame:
    synthetic = x @ beta
    gamma = np.where(usable, a / (a + np.where(usable, psi, 1.0)), 0.0)
    model = np.where(usable, synthetic + gamma * (np.where(usable, y, 0.0) - synthetic), synthetic)
    errors = a + np.einsum("ij,jk,ik->i", x, spread, x)
    errors[usable] = mse
    root = np.sqrt(np.maximum(errors, 0.0))
    rest = np.where(usable, (y - synthetic) / np.sqrt(a + np.where(usable, psi, 1.0)), np.nan)
    return pd.DataFrame({
        "direct": y, "direct_se": np.sqrt(psi), "model": model, "mse": errors, "rmse": root, "low": model - 1.959963984540054 * root,
        "high": model + 1.959963984540054 * root, "gamma": gamma, "synthetic": synthetic, "residual": rest,
    })


def _reasons(y: np.ndarray, usable: np.ndarray, a: float) -> list[str | None]:
    sampled = np.isfinite(y)
    return [
        ("direct_variance_unknown" if seen else "not_sampled") if not good else ("zero_area_variance" if a == 0 else None)
        for good, seen in zip(usable, sampled, strict=True)
    ]


def _coefficients(terms: list[str], beta: np.ndarray, spread: np.ndarray) -> pd.DataFrame:
    from scipy import stats

    se = np.sqrt(np.diag(spread))
    return pd.DataFrame({"term": terms, "value": beta, "se": se, "z": beta / se, "p": 2 * stats.norm.sf(np.abs(beta / se))})


def _read(direct: Any, variance: Any, covariates: Any, intercept: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    y, psi = (pd.array(one, dtype="Float64").to_numpy(dtype=float, na_value=np.nan) for one in (direct, variance))
    if len(y) != len(psi):
        raise SmallAreaError(f"{len(y)} direct estimates and {len(psi)} variances: one each for every area (个数不一致)")
    columns = pd.DataFrame(index=range(len(y))) if covariates is None else pd.DataFrame(covariates).reset_index(drop=True)
    if len(columns) != len(y):
        raise SmallAreaError(f"covariates (辅助变量) have {len(columns)} rows for {len(y)} areas (行数不一致)")
    x = columns.astype("Float64").to_numpy(dtype=float, na_value=np.nan) if columns.shape[1] else np.zeros((len(y), 0))
    terms = [str(name) for name in columns.columns]
    if intercept:
        x, terms = np.column_stack([np.ones(len(y)), x]), ["intercept", *terms]
    return y, psi, x, terms


def _refuse(y: np.ndarray, psi: np.ndarray, x: np.ndarray, usable: np.ndarray, names: list[Any]) -> None:
    bad = np.isfinite(y) & (psi <= 0)
    if bad.any():
        raise SmallAreaError(
            f"the direct variance (直接估计的方差) of area {names[int(np.argmax(bad))]} is {psi[bad][0]:g}: a sample has an error above zero; where it cannot "
            "be measured make it unknown, so that the area is left to the model"
        )
    if not np.isfinite(x).all():
        row = int(np.argmax(~np.isfinite(x).all(axis=1)))
        raise SmallAreaError(f"covariates (辅助变量) of area {names[row]} are unknown: every area needs them, sampled or not")
    count, terms = int(usable.sum()), x.shape[1]
    if count < terms + 2:
        raise SmallAreaError(f"{count} areas with a direct estimate and its variance for {terms} coefficients (地区过少): at least {terms + 2} are needed")
    if terms == 0 or np.linalg.matrix_rank(x[usable]) < terms:
        raise SmallAreaError("covariates (辅助变量) depend on each other, or there are none and no intercept: leave one out")
