"""How alike the households of one village are in a look-back (村内相关): the correlation that decides how many villages the next one needs.

Source: the analysis-of-variance estimator of the intraclass correlation, Donner (1986), International Statistical Review 54.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.rules import Rules

__all__ = ["correlation_of", "intra_village_correlation", "with_problem"]


def intra_village_correlation(problem: Any, village: Any) -> float | None:
    """Intra-village correlation (村内相关系数) of a yes-no answer; None where there are fewer than two villages, no second household, or no difference.

    (MSB - MSW) / (MSB + (m0 - 1) MSW), with m0 the mean take corrected for its variance; below zero counts as zero.
    """
    values, codes = np.asarray(problem, dtype=float), pd.factorize(np.asarray(village))[0]
    takes = np.bincount(codes) if len(codes) else np.array([], dtype=int)
    size, groups = len(values), len(takes)
    if groups < 2 or size <= groups or values.min() == values.max():
        return None
    means = np.bincount(codes, weights=values) / takes
    between = float(takes @ (means - values.mean()) ** 2) / (groups - 1)
    within = float(((values - means[codes]) ** 2).sum()) / (size - groups)
    middle = (size - float(takes @ takes) / size) / (groups - 1)
    below = between + (middle - 1) * within
    return max(0.0, (between - within) / below) if below > 0 else None


def with_problem(answers: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Households whose answer counts for a measure (可用答复): rows of ``lookback_answers`` that were used, with ``bad`` 1 where the answer is the problem.

    Missed: off the register; wrong: exited; recognition: all kinds, where the household does not recognise. Answers that are not certain are left out.
    """
    column, kind = {"missed": ("problem", "off_register"), "wrong": ("problem", "exited"), "recognition": ("recognises", "")}[measure]
    met = answers[answers["use"].isin(["used", "undecided"]) & answers[column].isin(["yes", "no"])]
    met = met[(met["kind"] == kind) & (met["persons"].fillna(0) > 0)] if kind else met
    bad = "no" if measure == "recognition" else "yes"
    return met.assign(bad=(met[column] == bad).astype(int))


def correlation_of(answers: pd.DataFrame, measure: str, rules: Rules) -> tuple[float, str]:
    """Correlation to plan with, and its basis (方案所用的村内相关系数): that of the last look-back where it found enough, else rule ``lookback.clustering``."""
    rule: Mapping[str, Any] = rules.value("lookback.clustering")
    rows = with_problem(answers, measure)
    if int(rows["bad"].sum()) >= rule["events_min"] and rows["village_code"].nunique() >= rule["villages_min"]:
        found = intra_village_correlation(rows["bad"], rows["village_code"])
        if found is not None:
            return found, "last_lookback"
    return float(rule["correlation_share"]), "assumed"
