"""One-sided bounds of a rate from the households of a look-back (回头看的界): villages as clusters, persons in households, rare answers.

Method: the weighted ratio with its linearised variance between villages; the bound is Clopper and Pearson's on an effective number of households, which is the
smallest of what the variance says, what the planned design effect says (with no or few problems found the variance says nothing), and the households asked,
corrected for few villages. Source: Korn and Graubard (1998), Survey Methodology 24; Kish (1965) for unequal weights and clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.exits.lookback.exact import beta_bound, clustered_effect
from linwu_stats.survey.intervals import critical

__all__ = ["NOTHING", "Bounds", "few_villages", "rate_bounds"]


class Bounds(NamedTuple):
    """A rate of households or persons with the problem, and its one-sided bounds; NaN where unknown.

    ``worth``: how many single draws the households are worth; ``effective``: less, where few villages tell it.
    """

    share: float
    se: float
    low: float
    high: float
    villages: int
    df: int
    worth: float
    effective: float
    complete: bool
    scores: pd.Series


NOTHING = Bounds(math.nan, math.nan, math.nan, math.nan, 0, 0, math.nan, math.nan, False, pd.Series(dtype=float))


def rate_bounds(rows: pd.DataFrame, areas: Mapping[str, pd.Series | None], *, level: float, correlation: float, by_persons: bool) -> dict[str, Bounds]:
    """Share with the problem and its one-sided bounds (比率与单侧界), by area.

    ``rows``: one household each: bad (0 or 1), persons, weight, village_code, certain, all_households (of the village, infinite where estimated). ``areas``:
    rows of each area, which keep the design; None for all. ``by_persons``: persons of problem households over persons, else households. Villages that are
    certain are strata of their own households; with all households of all villages the rate is known. ``scores``: weighted influence by village, for what is
    made of two rates.
    """
    if rows.empty:
        return dict.fromkeys(areas, NOTHING)
    size = rows["persons"].astype(float) if by_persons else pd.Series(1.0, index=rows.index)
    frame = pd.DataFrame({
        "bad": rows["bad"].astype(float) * size, "size": size, "weight": rows["weight"].astype(float),
        "stratum": np.where(rows["certain"], rows["village_code"].astype(object), "rest"),
        "unit": np.where(rows["certain"], "h" + rows.index.astype(str), rows["village_code"].astype(object)),
        "all": np.where(rows["certain"], rows["all_households"].astype(float), np.inf),
    }).reset_index(drop=True)
    frame["all"] = np.maximum(frame["all"], frame.groupby("stratum")["unit"].transform("nunique"))
    whole = survey.design(frame, weights="weight", strata="stratum", clusters=["unit"], fpc=["all"], lone="centre")
    found = {}
    for area, inside in areas.items():
        chosen = rows if inside is None else rows[inside]
        if chosen.empty:
            found[area] = NOTHING
            continue
        one = survey.ratio(whole if inside is None else whole.domain(inside.to_numpy(dtype=bool)), "bad", "size", level=level)
        influence = pd.Series(one.scores * frame["weight"].to_numpy(), index=rows["village_code"].to_numpy()).groupby(level=0).sum()
        found[area] = _bounds(one, chosen, size[chosen.index], level, correlation)._replace(scores=influence)
    return found


def few_villages(asked: float, df: float, level: float) -> float:
    """Factor by which an effective sample shrinks where few villages tell its variance (自由度修正): Korn and Graubard's ratio of squared t quantiles."""
    return (critical(1 - level, asked - 1) / critical(1 - level, df)) ** 2 if asked > 1 else 1.0


def _bounds(found: survey.Estimate, chosen: pd.DataFrame, size: pd.Series, level: float, correlation: float) -> Bounds:
    villages, asked = int(chosen["village_code"].nunique()), len(chosen)
    known = NOTHING._replace(share=found.value, villages=villages, df=max(int(found.df), 0))
    if found.is_complete:
        return known._replace(se=0.0, low=found.value, high=found.value, worth=float(asked), effective=float(asked), complete=True)
    if not found.df >= 1 or not np.isfinite(found.value):
        return known
    parts = chosen["weight"].to_numpy(dtype=float) * size.to_numpy(dtype=float)
    takes = chosen["village_code"].value_counts().to_numpy(dtype=float)
    worth = float(parts.sum() ** 2 / (parts**2).sum()) / clustered_effect(float(takes @ takes / takes.sum()), correlation)
    if found.se > 0 and 0 < found.value < 1:
        worth = min(worth, found.value * (1 - found.value) / found.se**2)
    effective = min(worth * few_villages(asked, found.df, level), float(asked))
    low, high = (beta_bound(found.value * effective, effective, side, level) for side in ("lower", "upper"))
    return known._replace(se=found.se, low=low, high=high, worth=worth, effective=effective)
