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
from linwu_stats.indicators.sampled.spread import TOGETHER, Spread, degrees_of_freedom
from linwu_stats.survey.design import Design
from linwu_stats.survey.intervals import interval
from linwu_stats.survey.linearise import RARE_CASES, Estimate

__all__ = ["COLUMNS", "frame_of", "one_estimate"]

COLUMNS = ("group", "indicator", "value", "se", "low", "high", "n", "unknown", "df", "deff", "reason")
#: Kind of interval by quantity: a "rate" of persons, a "share" that no rate can be below, a "part" of a whole, a "positive" number, or "plain"; ``_ends`` says
#: what each falls back upon where it says nothing.
_SUITED = {"rate": "logit", "share": "logit", "part": "logit", "positive": "log", "plain": "wald"}


def one_estimate(sample: Sample, raw: Raw, method: str, suited: str, *, interval_kind: str | None, level: float, df: float | None) -> Estimate:
    """Estimate of the one domain of a sample (单域估计); NaN and the reason code in ``method`` where the index has no value."""
    d, unknown = _known_domain(sample), int(sample.unknown.sum())
    reason = _reasons(sample, raw)[0]
    if reason is not None:
        freedom = d.degrees_of_freedom if df is None else df
        return Estimate(np.nan, np.nan, np.nan, np.nan, d.n, unknown, freedom, np.nan, f"{method}; {reason}", level)
    value = float(raw.value[0])
    scores, blind = _scattered(sample, raw), bool(_blind(sample, raw)[0])
    if raw.shift is None:
        found = survey.estimate(d, value, scores, method=method, unknown=unknown, level=level, df=df)
    else:
        whole = survey.estimate(replace(d, active=None), value, scores + _shifted(raw, 0), method=method, unknown=unknown, level=level)
        found = replace(whole, n=d.n, df=d.degrees_of_freedom if df is None else df)
        if d.degrees_of_freedom < 1 and not found.is_complete:
            found = replace(found, se=np.nan, deff=np.nan, deff_replace=np.nan)
    if blind and not found.is_complete:
        found = replace(found, se=np.nan, deff=np.nan, deff_replace=np.nan)
    kind, low, high = _ends(found, suited, interval_kind, level, df)
    return replace(found, low=low, high=high, method=f"{method}; {kind}")


def frame_of(
    sample: Sample, raws: Sequence[tuple[str, Raw, str]], *, interval_kind: str | None = None, level: float = 0.95, df: float | None = None
) -> pd.DataFrame:
    """Estimates of several indices in every group (分组估计): columns :data:`COLUMNS`, groups in order, indices as given within each."""
    d = _known_domain(sample)
    complete, groups = d.is_complete, len(sample.labels)
    spread, without, blind = _spreads(sample, d, raws)
    drawn = degrees_of_freedom(sample, d)
    freedom = drawn if df is None else np.full(sample.groups, float(df))
    spread[(drawn < 1) & (not complete)] = np.nan
    columns: dict[str, np.ndarray] = {name: np.full((groups, len(raws)), np.nan) for name in ("value", "se", "low", "high", "deff")}
    reasons = np.empty((groups, len(raws)), dtype=object)
    for column, (_, raw, suited) in enumerate(raws):
        reasons[:, column] = _reasons(sample, raw)
        bare = np.array([one is not None for one in reasons[sample.present, column]], dtype=bool)
        value = np.where(bare, np.nan, raw.value)
        variance = np.where((blind[column] & (not complete)) | ~np.isfinite(value), np.nan, spread[:, column])
        se = np.sqrt(np.maximum(variance, 0.0))
        low, high = _all_ends(value, se, sample.count, freedom, suited, interval_kind, level, complete)
        with np.errstate(divide="ignore", invalid="ignore"):
            deff = np.where(without[:, column] > 0, variance / without[:, column], np.nan)
        for name, found in (("value", value), ("se", se), ("low", low), ("high", high), ("deff", deff)):
            columns[name][sample.present, column] = found
    counts, df_all = np.zeros(groups, dtype=np.int64), np.zeros(groups)
    counts[sample.present], df_all[sample.present] = sample.count, freedom
    many = len(raws)
    table = pd.DataFrame({
        "group": pd.Series([label for label in sample.labels for _ in range(many)], dtype=object).infer_objects(),
        "indicator": pd.array([name for name, _, _ in raws] * groups, dtype="string"),
        **{name: columns[name].ravel() for name in ("value", "se", "low", "high")},
        "n": np.repeat(counts, many), "unknown": np.repeat(sample.unknown, many).astype("int64"), "df": np.repeat(df_all, many),
        "deff": columns["deff"].ravel(), "reason": pd.array(reasons.ravel(), dtype="string"),
    })
    return table[list(COLUMNS)]


def _known_domain(sample: Sample) -> Design:
    """The design with attention on the rows that are known."""
    inside = np.zeros(len(sample.d), dtype=bool)
    inside[sample.rows] = True
    active = sample.d.active
    everything = inside.all() and active is None
    return sample.d if everything else replace(sample.d, active=inside)


def _blind(sample: Sample, raw: Raw) -> np.ndarray:
    """Groups whose index has a value but no finite influence: a quantile where no income is near."""
    blind = sample.any(~np.isfinite(raw.influence))
    if raw.shift is not None:
        blind = blind | ~np.isfinite(raw.shift.factor) | (not np.isfinite(raw.shift.scores).all())
    return blind


def _shifted(raw: Raw, at: int) -> np.ndarray:
    """What the estimated threshold of the whole design adds to the scores of all rows."""
    factor = raw.shift.factor[at]
    return np.nan_to_num(raw.shift.scores) * (factor if np.isfinite(factor) else 0.0)


def _row_scores(sample: Sample, raw: Raw) -> np.ndarray:
    """Influence of each sorted row, zero in groups without value."""
    values = raw.influence if sample.heads is None else raw.influence * sample.heads
    bare = ~np.isfinite(raw.value)
    if raw.reason is not None:
        bare = bare | np.array([one is not None for one in raw.reason])
    bare = bare | sample.any(~np.isfinite(values))
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


def _spreads(sample: Sample, d: Design, raws: Sequence[tuple[str, Raw, str]]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Variance of each index in each present group, that of a simple random sample, and where the influence is not finite."""
    made, shape = Spread(sample, d), (sample.groups, len(raws))
    spread, without = np.zeros(shape), np.full(shape, np.nan)
    blind = [_blind(sample, raw) for _, raw, _ in raws]
    waiting: list[tuple[int, np.ndarray]] = []
    for column, (_, raw, _) in enumerate(raws):
        scores = _row_scores(sample, raw)
        if raw.shift is None:
            without[:, column] = made.simple(scores)
            waiting.append((column, scores))
        else:
            spread[:, column], without[:, column] = made.shifted(scores, raw.shift), made.simple_shifted(scores, raw.shift)
        if waiting and (len(waiting) == TOGETHER or column == len(raws) - 1):
            spread[:, [place for place, _ in waiting]] = made.own([one for _, one in waiting])
            waiting = []
    return spread, without, blind


def _ends(found: Estimate, suited: str, asked: str | None, level: float, df: float | None) -> tuple[str, float, float]:
    """Interval that suits the quantity: a rate's is exact where cases are rare, a share's or part's logit, a ratio's on the log scale, else symmetric.

    A share of 0 (nobody poor in the sample) has the upper end of a rate of 0.
    """
    kind = asked or _SUITED[suited]
    value, se = found.value, found.se
    if asked is None and suited == "rate" and 0 <= value <= 1:
        few = not se > 0 or not 0 < value < 1 or value * (1 - value) / se**2 * min(value, 1 - value) < RARE_CASES
        kind = "korn_graubard" if few else "logit"
    if asked is None and suited == "share":
        kind = "logit" if 0 < value < 1 and se > 0 else "korn_graubard" if value == 0 else "wald"
    if asked is None and suited == "part" and not (0 < value < 1 and se > 0):
        kind = "wald"
    if asked is None and suited == "positive" and not value > 0:
        kind = "wald"
    if kind == "korn_graubard" and value in (0, 1):
        found = replace(found, se=0.0)  # an estimated line has an error even where nobody is below it: the rows are the effective size then
    with np.errstate(over="ignore"):
        low, high = interval(found, kind, level, df=df)
    return kind, float(low), float(high)


def _all_ends(
    value: np.ndarray, se: np.ndarray, n: np.ndarray, df: np.ndarray, suited: str, asked: str | None, level: float, complete: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The same ends for all groups at once: those on the value's own or log scale directly, the others one by one."""
    low, high = np.full(len(value), np.nan), np.full(len(value), np.nan)
    plain = (asked or _SUITED[suited]) == "wald"
    if not complete and plain and len(value):
        from scipy import special

        known = np.isfinite(value) & np.isfinite(se) & (df > 0)
        t = np.where(np.isinf(df), special.ndtri(1 - (1 - level) / 2), special.stdtrit(np.where(np.isfinite(df) & (df > 0), df, 1.0), 1 - (1 - level) / 2))
        return np.where(known, value - t * se, np.nan), np.where(known, value + t * se, np.nan)
    for at in np.flatnonzero(np.isfinite(value)):
        found = Estimate(float(value[at]), float(se[at]), np.nan, np.nan, int(n[at]), 0, float(df[at]), np.nan, "", level, is_complete=complete)
        _, low[at], high[at] = _ends(found, suited, asked, level, None)
    return low, high
