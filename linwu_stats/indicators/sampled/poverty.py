"""Poverty indices of samples and registers, with standard errors (贫困指标及其误差).

Every function takes a design, an income and a line (:mod:`.lines`) and gives an Estimate, or with ``by=`` one row a group. ``sign`` is the boundary:
"<" (on the line is not poor; the packaged value of rule ``indicator.poor_sign``), or "<=" as in R's convey. ``negative="clip"``
counts an income below 0 as 0 in the gaps, so that no gap is wider than the line; "keep" lets it be wider, as convey does.

Source: Foster, Greer, Thorbecke (1984), Econometrica 52; Watts (1968); Sen (1976), Econometrica 44; Shorrocks (1995), Econometrica 63; influence
functions after Deville (1999) and Osier (2009).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from linwu_stats.indicators.sampled.lines import Threshold, density, resolve
from linwu_stats.indicators.sampled.sample import Raw, Sample, Shift
from linwu_stats.survey.columns import DesignError

__all__ = ["SIGN", "fgt_raw", "poor_rows"]

#: Packaged value of rule ``indicator.poor_sign``.
SIGN = "<"


def fgt_raw(sample: Sample, line: Any, alpha: float = 0, *, normalise: bool = True, sign: str = SIGN, negative: str = "clip") -> Raw:
    """FGT of order alpha and its influence; see :func:`linwu_stats.indicators.sampled.fgt`."""
    if not alpha >= 0 or np.isinf(alpha):
        raise DesignError(f"FGT (贫困指数): order alpha={alpha!r}: 0 or above")
    at = resolve(sample, line)
    poor = poor_rows(sample, at, sign)
    gap = _gaps(sample, at, poor, negative)
    scale = 1.0 if normalise else at.rows**alpha
    powers = poor.astype(float) if alpha == 0 else np.where(poor, gap**alpha, 0.0) * scale
    value = sample.total(powers) / sample.persons
    influence = (powers - sample.spread(value)) / sample.spread(sample.persons)
    if alpha == 0:
        slope = density(sample, at.value) if at.is_estimated else None
    else:
        slope = _gap_slope(sample, at, poor, gap, alpha, normalise, negative) if at.is_estimated else None
    return moved(sample, Raw(value, influence, at.reason), at, slope)


def poor_rows(sample: Sample, at: Threshold, sign: str = SIGN) -> np.ndarray:
    """Who is poor (低于标准者): in integers where income, head count and line are integers."""
    if sign not in ("<", "<="):
        raise DesignError(f"sign={sign!r} (比较符号): '<' (on the line is not poor) or '<='")
    if at.whole is not None and sample.net is not None:
        limit = sample.size * at.whole
        return sample.net < limit if sign == "<" else sample.net <= limit
    return sample.income < at.rows if sign == "<" else sample.income <= at.rows


def moved(sample: Sample, raw: Raw, at: Threshold, slope: np.ndarray | None) -> Raw:
    """The index with the error of an estimated line added (计入标准的误差): ``slope`` is its derivative to the line."""
    if not at.is_estimated:
        return raw
    if at.influence is not None:
        return Raw(raw.value, raw.influence + sample.spread(slope) * at.influence, raw.reason)
    return Raw(raw.value, raw.influence, raw.reason, Shift(np.where(np.isfinite(slope), slope, 0.0), at.shift))


def _gaps(sample: Sample, at: Threshold, poor: np.ndarray, negative: str) -> np.ndarray:
    """Shortfall over the line, zero for those who are not poor."""
    if negative not in ("clip", "keep"):
        raise DesignError(f"negative={negative!r} (负收入的处理): 'clip' (a loss counts as no income) or 'keep'")
    income = np.maximum(sample.income, 0.0) if negative == "clip" else sample.income
    with np.errstate(invalid="ignore"):
        return np.where(poor, np.maximum((at.rows - income) / at.rows, 0.0), 0.0)


def _gap_slope(sample: Sample, at: Threshold, poor: np.ndarray, gap: np.ndarray, alpha: float, normalise: bool, negative: str) -> np.ndarray:
    """Derivative of the mean gap power to the line."""
    inner = poor & (gap > 0)
    lower = np.where(inner, gap, 1.0) ** (alpha - 1) * alpha
    if not normalise:
        return sample.total(np.where(inner, lower * at.rows ** (alpha - 1), 0.0)) / sample.persons
    income = np.maximum(sample.income, 0.0) if negative == "clip" else sample.income
    return sample.total(np.where(inner, lower * income / at.rows**2, 0.0)) / sample.persons
