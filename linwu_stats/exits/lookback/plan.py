"""How many villages and households prove the rates (回头看抽样方案): exact for single draws, by simulation on the register for villages drawn by size."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact
from linwu_stats.exits.lookback.clustering import correlation_of
from linwu_stats.exits.lookback.definitions import bar_of
from linwu_stats.exits.lookback.exact import clustered_effect, largest_allowed_of, pass_probability, sample_size
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["ALLOWED", "lookback_plan", "simulate_found"]

#: Households with the problem that an option allows.
ALLOWED = (0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30)
_KIND = {"missed": "off_register", "wrong": "exited", "recognition": "all"}


def lookback_plan(frame: pd.DataFrame, last_answers: pd.DataFrame, rules: Rules, *, seed: int | None = None) -> pd.DataFrame:
    """Options of a look-back for each measure (抽样方案): table ``lookback_plan``.

    ``frame``: villages of :func:`~linwu_stats.exits.lookback.draw.village_frame`; ``last_answers``: table ``lookback_answers`` of the last look-back, perhaps
    without rows, for its clustering. Rules: the bars, ``lookback.confidence``, ``lookback.plan`` (what is assumed true, how sure one wants to be of passing,
    simulations, seed), ``lookback.sample`` (households in each village). An option allows so many households with the problem; needed are the households
    whose exact bound still passes, times the design effect, and the villages that gives. The passing probability is simulated: villages drawn by size, each
    with its own rate of a beta distribution that has the correlation. Recommended is the smallest option that passes often enough and fits the county.
    """
    rule, level = rules.value("lookback.plan"), rules.value("lookback.confidence")["level_share"]
    take = rules.value("lookback.sample")
    rows: list[dict[str, Any]] = []
    for place, measure in enumerate(_KIND):
        kind = _KIND[measure]
        bar = exact(bar_of(measure, rules).value["share"])
        bad_share, true = (1 - bar, rule["true_unrecognised_share"]) if measure == "recognition" else (bar, rule["true_share"])
        strict = bar_of(measure, rules).value["sign"] == "<"
        sizes = _sizes(frame, kind)
        per_village = sum(take[one] for one in ("exited", "registered", "off_register")) if kind == "all" else take[kind]
        correlation, basis = correlation_of(last_answers, measure, rules)
        rates = [_village_rates(len(sizes), share, correlation, rule["simulations"], [seed or rule["seed"], place, turn])
                 for turn, share in enumerate((true, float(bad_share)))] if len(sizes) else []
        options = [
            _option(allowed, bad_share, true, level, sizes, frame, per_village, correlation, rates, [seed or rule["seed"], place], strict=strict)
            for allowed in ALLOWED
        ]
        fits = [one["allowed_households"] for one in options if (one["pass_share"] or 0) >= rule["power_share"] and one["villages"] <= one["frame_villages"]]
        rows += [
            one | {"measure": measure, "correlation_share": correlation, "correlation_basis": basis, "level_share": level,
                   "recommended": bool(fits) and one["allowed_households"] == fits[0]}
            for one in options
        ]
    return conform(pd.DataFrame(rows), "lookback_plan")


def simulate_found(
    households: np.ndarray, size: np.ndarray, rates: np.ndarray, villages: int, per_village: int, seed: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """Households found and asked in repeated samples (模拟抽样): villages by systematic sampling with probability proportional to ``size``.

    ``households`` and ``size`` of each village; ``rates``: one row a repetition, one column a village. A village larger than the step is hit more
    than once, as if it were several.
    """
    random = np.random.default_rng(seed)
    ends = np.cumsum(size)
    points = (random.random((len(rates), 1)) + np.arange(villages)) * ends[-1] / villages
    hit = np.minimum(np.searchsorted(ends, points, side="right"), len(size) - 1)
    asked = np.minimum(per_village, households[hit])
    return random.binomial(asked, np.take_along_axis(rates, hit, axis=1)).sum(axis=1), asked.sum(axis=1)


def _option(
    allowed: int, bar: Fraction, true: float, level: float, sizes: pd.DataFrame, frame: pd.DataFrame, per_village: int, correlation: float,
    rates: list[np.ndarray], seed: list[int], *, strict: bool,
) -> dict[str, Any]:
    """One line of the plan: so many households with the problem are allowed."""
    single = sample_size(allowed, float(bar), level=level)
    population = int(sizes["households"].sum()) if len(sizes) else 0
    take = float(np.minimum(sizes["households"], per_village).mean()) if len(sizes) else 0.0
    effect = clustered_effect(take, correlation)
    needed = math.ceil(single * effect)
    villages = max(2, math.ceil(needed / take)) if take else 0
    passes: list[float | None] = [None, None]
    if rates and villages <= len(sizes):
        for turn, rate in enumerate(rates):
            found, asked = simulate_found(sizes["households"].to_numpy(), sizes["size"].to_numpy(), rate, villages, per_village, [*seed, allowed, turn])
            limits = largest_allowed_of(asked, float(bar), level=level, design_effect=effect)
            passes[turn] = float((found <= np.array([limits[one] for one in asked])).mean())
    return {
        "allowed_households": allowed, "bar_share": float(bar), "true_share": true, "exact_households": single, "frame_households": population,
        "finite_households": sample_size(allowed, float(bar), level=level, population=population, sign="<" if strict else "<=") if population else None,
        "per_village_households": per_village, "design_effect": effect, "clustered_households": needed, "villages": villages, "frame_villages": len(sizes),
        "pass_exact_share": pass_probability(single, allowed, true), "pass_share": passes[0], "pass_at_bar_share": passes[1],
    }


def _sizes(frame: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Villages that have households of the kind, in the order of the draw."""
    names = [f"{one}_households" for one in (("exited", "registered", "off_register") if kind == "all" else (kind,))]
    ordered = frame.sort_values(["township_code", "village_code"])
    sizes = pd.DataFrame({"households": ordered[names].sum(axis=1).astype(int), "size": ordered["size"].astype(float)})
    return sizes[sizes["households"] > 0].reset_index(drop=True)


def _village_rates(villages: int, share: float, correlation: float, times: int, seed: list[int]) -> np.ndarray:
    """A rate for each village in each repetition: beta with the mean and the intra-village correlation."""
    if not 0 < correlation < 1:
        return np.full((times, villages), share)
    spread = (1 - correlation) / correlation
    return np.random.default_rng(seed).beta(share * spread, (1 - share) * spread, (times, villages))
