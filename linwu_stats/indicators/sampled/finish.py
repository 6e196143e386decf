"""From an index and its influence values to estimate, standard error and interval (估计值、标准误与区间).

One domain goes through :func:`linwu_stats.survey.estimate`; many groups go through the same formulas in one pass
(``Design.covariance_by``), and ``tests/test_indicator_sampled.py`` keeps the two equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.indicators.sampled.sample import Raw, Sample
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import interval
from linwu_stats.survey.linearise import RARE_CASES, Estimate, _simple_variance

__all__ = ["COLUMNS", "frame_of", "one_estimate"]

COLUMNS = ("group", "indicator", "value", "se", "low", "high", "n", "unknown", "df", "deff", "reason")
#: Kinds of interval that are shown as asked; "share" and "rate" fall back where they say nothing (see ``_ends``).
_SUITED = {"rate": "logit", "share": "logit", "positive": "log", "plain": "wald"}


def one_estimate(sample: Sample, raw: Raw, method: str, suited: str, *, interval_kind: str | None, level: float, df: float | None) -> Estimate:
    """Estimate of the one domain of a sample (单域估计); NaN and the reason code in ``method`` where the index has no value."""
    d, unknown = _known_domain(sample), int(sample.unknown.sum())
    reason = _reasons(sample, raw)[0]
    if reason is not None:
        freedom = d.degrees_of_freedom if df is None else df
        return Estimate(np.nan, np.nan, np.nan, np.nan, d.n, unknown, freedom, np.nan, f"{method}; {reason}", level)
    value = float(raw.value[0])
    scores = _scattered(sample, raw)
    if raw.shift is None:
        found = survey.estimate(d, value, scores, method=method, unknown=unknown, level=level, df=df)
    else:
        whole = survey.estimate(replace(d, active=None), value, scores + raw.shift.factor[0] * raw.shift.scores, method=method, unknown=unknown, level=level)
        found = replace(whole, n=d.n, df=d.degrees_of_freedom if df is None else df)
        if d.degrees_of_freedom < 1 and not found.is_complete:
            found = replace(found, se=np.nan, deff=np.nan, deff_replace=np.nan)
    kind, low, high = _ends(found, suited, interval_kind, level, df)
    return replace(found, low=low, high=high, method=f"{method}; {kind}")


def frame_of(
    sample: Sample, raws: Sequence[tuple[str, Raw, str]], *, interval_kind: str | None = None, level: float = 0.95, df: float | None = None
) -> pd.DataFrame:
    """Estimates of several indices in every group (分组估计): columns :data:`COLUMNS`, groups in order, indices as given within each."""
    d = _known_domain(sample)
    scores = np.zeros((len(d), len(raws)))
    for column, (_, raw, _) in enumerate(raws):
        scores[sample.rows, column] = _row_scores(sample, raw)
    without, freedom, complete = _simple(sample, d, scores), _freedom(sample, d, df), d.is_complete
    spread = _spread(sample, d, scores, raws, without)
    rows = []
    for place, label in enumerate(sample.labels):
        at = int(np.searchsorted(sample.present, place))
        known = at < sample.groups and sample.present[at] == place
        for column, (name, raw, suited) in enumerate(raws):
            reason = _reasons(sample, raw)[place]
            common = (int(sample.count[at]) if known else 0, int(sample.unknown[place]), float(freedom[at]) if known else 0.0)
            if reason is not None:
                rows.append((label, name, np.nan, np.nan, np.nan, np.nan, *common, np.nan, reason))
                continue
            variance = spread[at, column] if complete or freedom[at] >= 1 or df is not None else np.nan
            se = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
            deff = float(variance / without[at, column]) if without[at, column] > 0 else np.nan
            found = Estimate(float(raw.value[at]), se, np.nan, np.nan, *common, deff, name, level, is_complete=complete)
            _, low, high = _ends(found, suited, interval_kind, level, df)
            rows.append((label, name, found.value, se, low, high, *common, deff, None))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype({"indicator": "string", "reason": "string", "n": "int64", "unknown": "int64"})


def _known_domain(sample: Sample) -> Design:
    """The design with attention on the rows that are known."""
    inside = np.zeros(len(sample.d), dtype=bool)
    inside[sample.rows] = True
    active = sample.d.active
    everything = inside.all() and active is None
    return sample.d if everything else replace(sample.d, active=inside)


def _row_scores(sample: Sample, raw: Raw) -> np.ndarray:
    """Influence of each sorted row, zero in groups without value."""
    values = raw.influence if sample.heads is None else raw.influence * sample.heads
    bare = ~np.isfinite(raw.value)
    if raw.reason is not None:
        bare = bare | np.array([one is not None for one in raw.reason])
    return np.where(np.repeat(bare, sample.count), 0.0, values) if bare.any() else values


def _scattered(sample: Sample, raw: Raw) -> np.ndarray:
    scores = np.zeros(len(sample.d))
    scores[sample.rows] = _row_scores(sample, raw)
    return scores


def _reasons(sample: Sample, raw: Raw) -> list[str | None]:
    """Reason code of every group, present or not."""
    found: list[str | None] = ["all_unknown" if lost else "empty_group" for lost in sample.unknown > 0]
    for at, place in enumerate(sample.present):
        found[place] = None if raw.reason is None else raw.reason[at]
    return found


def _spread(sample: Sample, d: Design, scores: np.ndarray, raws: Sequence[tuple[str, Raw, str]], without: np.ndarray) -> np.ndarray:
    """Variance of each index in each present group; where rows outside the group matter, ``without`` is set anew, too."""
    group = np.full(len(d), -1, dtype=np.int64)
    group[sample.rows] = np.repeat(np.arange(sample.groups), sample.count)
    spread = np.zeros((sample.groups, len(raws)))
    if sample.groups == 0 or d.is_complete:
        return spread
    columns = pd.array(group, dtype="Int64")
    columns[group < 0] = pd.NA
    own = [column for column, (_, raw, _) in enumerate(raws) if raw.shift is None]
    for first in range(0, len(own), 8):
        some = own[first : first + 8]
        _, found = d.covariance_by(scores[:, some], columns)
        spread[:, some] = np.diagonal(found, axis1=1, axis2=2)
    shifted = [column for column in range(len(raws)) if column not in own]
    whole = replace(d, active=None)
    for at in range(sample.groups if shifted else 0):
        here = np.where((group == at)[:, None], scores[:, shifted], 0.0)
        for place, column in enumerate(shifted):
            shift = raws[column][1].shift
            here[:, place] += shift.factor[at] * shift.scores
        spread[at, shifted] = np.diag(whole.covariance(here))
        without[at, shifted] = [_simple_variance(whole, here[:, place])[0] for place in range(len(shifted))]
    return spread


def _freedom(sample: Sample, d: Design, df: float | None) -> np.ndarray:
    """Degrees of freedom of each present group: its first-stage units less its first-stage strata."""
    if df is not None:
        return np.full(sample.groups, float(df))
    first = d.stages[0]
    group, unit = np.repeat(np.arange(sample.groups), sample.count), first.unit[sample.rows]
    units = sample.count if first.units == len(d) else _distinct(unit, group, first.units, sample.groups)
    return (units - _distinct(first.stratum[unit], group, len(first.drawn), sample.groups)).astype(float)


def _distinct(code: np.ndarray, group: np.ndarray, codes: int, groups: int) -> np.ndarray:
    """Distinct codes within each group."""
    if codes == 1:
        return np.ones(groups, dtype=np.int64)
    pairs = pd.unique(group * np.int64(codes) + code)
    return np.bincount(pairs // codes, minlength=groups)


def _simple(sample: Sample, d: Design, scores: np.ndarray) -> np.ndarray:
    """Variance of each index in each group under simple random sampling without replacement, as in ``survey.estimate``."""
    weight = d.full_weights[sample.rows]
    result = np.full((sample.groups, scores.shape[1]), np.nan)
    if sample.groups == 0:
        return result
    size, n = np.add.reduceat(weight, sample.start), sample.count
    factor = np.divide(n, n - 1, out=np.full(sample.groups, np.nan), where=n > 1) * np.where(size >= n, size**2 / n * (1 - n / size), np.nan)
    for column in range(scores.shape[1]):
        values = scores[sample.rows, column]
        first, second = np.add.reduceat(weight * values, sample.start), np.add.reduceat(weight * values**2, sample.start)
        result[:, column] = np.maximum(second / size - (first / size) ** 2, 0.0) * factor
    return result


def _ends(found: Estimate, suited: str, asked: str | None, level: float, df: float | None) -> tuple[str, float, float]:
    """Interval that suits the quantity: a rate's is exact where cases are rare, a share's logit, a ratio's on the log scale, else symmetric."""
    kind = asked or _SUITED[suited]
    value, se = found.value, found.se
    if asked is None and suited == "rate" and 0 <= value <= 1:
        few = not se > 0 or not 0 < value < 1 or value * (1 - value) / se**2 * min(value, 1 - value) < RARE_CASES
        kind = "korn_graubard" if few else "logit"
    if asked is None and suited == "share":
        kind = "logit" if 0 < value < 1 and se > 0 else "korn_graubard" if value == 0 else "wald"
    if asked is None and suited == "positive" and not value > 0:
        kind = "wald"
    low, high = interval(found, kind, level, df=df)
    return kind, float(low), float(high)
