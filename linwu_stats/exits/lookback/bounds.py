"""One-sided bounds of a rate from the households of a look-back (回头看的界): villages as clusters, persons in households, rare answers.

Method: the weighted ratio with its linearised variance between villages; the bound is Clopper and Pearson's on an effective number of households, which is the
smallest of what the variance says, what the planned design effect says (with no or few problems found the variance says nothing), and the households asked,
corrected for few villages. Source: Korn and Graubard (1998), Survey Methodology 24; Kish (1965) for unequal weights and clusters.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.exits.lookback.exact import beta_bound, clustered_effect
from linwu_stats.survey.intervals import critical

__all__ = ["NOTHING", "Bounds", "rate_bounds"]


class Bounds(NamedTuple):
    """A rate of households or persons with the problem, and its one-sided bounds; NaN where unknown."""

    share: float
    se: float
    low: float
    high: float
    villages: int
    df: int
    effective: float
    complete: bool
    scores: pd.Series


NOTHING = Bounds(math.nan, math.nan, math.nan, math.nan, 0, 0, math.nan, False, pd.Series(dtype=float))


def rate_bounds(rows: pd.DataFrame, inside: pd.Series | None = None, *, level: float, correlation: float, by_persons: bool) -> Bounds:
    """Share with the problem and its one-sided bounds (比率与单侧界).

    ``rows``: one household each: bad (0 or 1), persons, weight, village_code, certain, all_households (of the village, infinite where estimated). ``inside``:
    rows of a domain, which keeps the design. ``by_persons``: persons of problem households over persons, else households. Villages that are certain are strata
    of their own households; with all households of all villages the rate is known. ``scores``: weighted influence by village, for what is made of two rates.
    """
    mask = pd.Series(True, index=rows.index) if inside is None else inside
    chosen = rows[mask]
    if chosen.empty:
        return NOTHING
    size = rows["persons"].astype(float) if by_persons else pd.Series(1.0, index=rows.index)
    frame = pd.DataFrame({
        "bad": rows["bad"].astype(float) * size, "size": size, "weight": rows["weight"].astype(float),
        "stratum": np.where(rows["certain"], rows["village_code"].astype(object), "rest"),
        "unit": np.where(rows["certain"], "h" + rows.index.astype(str), rows["village_code"].astype(object)),
        "all": np.where(rows["certain"], rows["all_households"].astype(float), np.inf),
    }).reset_index(drop=True)
    taken = frame.groupby("stratum")["unit"].transform("nunique")
    frame["all"] = np.maximum(frame["all"], taken)
    d = survey.design(frame, weights="weight", strata="stratum", clusters=["unit"], fpc=["all"], lone="centre")
    found = survey.ratio(d if inside is None else d.domain(mask.to_numpy()), "bad", "size", level=level)
    villages = int(chosen["village_code"].nunique())
    influence = pd.Series(found.scores * frame["weight"].to_numpy(), index=rows["village_code"].to_numpy()).groupby(level=0).sum()
    if found.is_complete:
        return Bounds(found.value, 0.0, found.value, found.value, villages, int(found.df), float(len(chosen)), True, influence)
    if not found.df >= 1 or not np.isfinite(found.value):
        return NOTHING._replace(share=found.value, villages=villages, df=max(int(found.df), 0))
    effective = _effective(found, chosen, size[mask], level, correlation)
    low, high = (beta_bound(found.value * effective, effective, side, level) for side in ("lower", "upper"))
    return Bounds(found.value, found.se, low, high, villages, int(found.df), effective, False, influence)


def _effective(found: survey.Estimate, chosen: pd.DataFrame, size: pd.Series, level: float, correlation: float) -> float:
    """Households that the sample is worth."""
    asked = len(chosen)
    parts = chosen["weight"].to_numpy(dtype=float) * size.to_numpy(dtype=float)
    worth = float(parts.sum() ** 2 / (parts**2).sum())
    takes = chosen["village_code"].value_counts().to_numpy(dtype=float)
    worth /= clustered_effect(float(takes @ takes / takes.sum()), correlation)
    share = found.value
    if found.se > 0 and 0 < share < 1:
        worth = min(worth, share * (1 - share) / found.se**2)
    tail = 1 - level
    fewer = (critical(tail, asked - 1) / critical(tail, found.df)) ** 2 if asked > 1 else 1.0
    return min(worth * fewer, float(asked))
