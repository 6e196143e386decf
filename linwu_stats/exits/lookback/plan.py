"""How many villages and households prove the rates (回头看抽样方案): exact for single draws, by simulation on the register for villages drawn by size."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact
from linwu_stats.exits.lookback.bounds import few_villages
from linwu_stats.exits.lookback.clustering import correlation_of
from linwu_stats.exits.lookback.definitions import bar_of
from linwu_stats.exits.lookback.draw import KINDS
from linwu_stats.exits.lookback.exact import clustered_effect, pass_probability, sample_size
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["ALLOWED", "lookback_plan", "simulate_bounds"]

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
        per_village = sum(take[one] for one in KINDS) if kind == "all" else take[kind]
        sizes = _sizes(frame, kind, per_village)
        correlation, basis = correlation_of(last_answers, measure, rules)
        rates = [_village_rates(len(sizes), share, correlation, rule["simulations"], [seed or rule["seed"], place, turn])
                 for turn, share in enumerate((true, float(bad_share)))] if len(sizes) else []
        options = [
            _option(allowed, bad_share, true, level, sizes, per_village, correlation, rates, [seed or rule["seed"], place], strict=strict)
            for allowed in ALLOWED
        ]
        fits = [one["allowed_households"] for one in options if (one["pass_share"] or 0) >= rule["power_share"] and one["villages"] <= one["frame_villages"]]
        rows += [
            one | {"measure": measure, "correlation_share": correlation, "correlation_basis": basis, "level_share": level,
                   "recommended": bool(fits) and one["allowed_households"] == fits[0]}
            for one in options
        ]
    return conform(pd.DataFrame(rows), "lookback_plan")


def simulate_bounds(
    sizes: pd.DataFrame, rates: np.ndarray, villages: int, per_village: int, seed: list[int], *, correlation: float, level: float,
) -> np.ndarray:
    """Upper bounds of repeated samples (模拟抽样的上限), each made as :func:`~linwu_stats.exits.lookback.bounds.rate_bounds` makes it, of households.

    ``sizes``: households, size and weight of each village; ``rates``: one row a repetition, one column a village. Villages are drawn by systematic sampling
    with probability proportional to size; one that is larger than the step is hit more than once, as if it were several.
    """
    from scipy import stats

    random = np.random.default_rng(seed)
    ends = np.cumsum(sizes["size"].to_numpy())
    points = (random.random((len(rates), 1)) + np.arange(villages)) * ends[-1] / villages
    hit = np.minimum(np.searchsorted(ends, points, side="right"), len(sizes) - 1)
    asked, weight = np.minimum(per_village, sizes["households"].to_numpy()[hit]), sizes["weight"].to_numpy()[hit]
    found = random.binomial(asked, np.take_along_axis(rates, hit, axis=1))
    whole, size = (weight * asked).sum(axis=1), asked.sum(axis=1)
    share = (weight * found).sum(axis=1) / whole
    worth = whole**2 / (asked * weight**2).sum(axis=1) / (1 + ((asked**2).sum(axis=1) / size - 1) * correlation)
    spread = villages / (villages - 1) * ((weight * (found - share[:, None] * asked)) ** 2).sum(axis=1) / whole**2
    seen = (spread > 0) & (share > 0) & (share < 1)
    worth = np.where(seen, np.minimum(worth, share * (1 - share) / np.where(seen, spread, 1.0)), worth)
    effective = np.minimum(worth * few_villages(float(size.mean()), villages - 1, level), size)
    return np.where(share < 1, stats.beta.ppf(level, share * effective + 1, np.maximum(effective * (1 - share), 1e-9)), 1.0)


def _option(
    allowed: int, bar: Fraction, true: float, level: float, sizes: pd.DataFrame, per_village: int, correlation: float, rates: list[np.ndarray],
    seed: list[int], *, strict: bool,
) -> dict[str, Any]:
    """One line of the plan: so many households with the problem are allowed."""
    single = sample_size(allowed, float(bar), level=level)
    population = int(sizes["households"].sum()) if len(sizes) else 0
    take, effect = _expected(sizes, per_village, correlation) if len(sizes) else (0.0, 1.0)
    needed = math.ceil(single * effect)
    villages = max(2, math.ceil(needed / take)) if take else 0
    passes: list[float | None] = [None, None]
    if rates and villages <= len(sizes):
        for turn, rate in enumerate(rates):
            high = simulate_bounds(sizes, rate, villages, per_village, [*seed, allowed, turn], correlation=correlation, level=level)
            passes[turn] = float((high < float(bar) if strict else high <= float(bar)).mean())
    return {
        "allowed_households": allowed, "bar_share": float(bar), "true_share": true, "exact_households": single, "frame_households": population,
        "finite_households": sample_size(allowed, float(bar), level=level, population=population, sign="<" if strict else "<=") if population else None,
        "per_village_households": per_village, "design_effect": effect, "clustered_households": needed, "villages": villages, "frame_villages": len(sizes),
        "pass_exact_share": pass_probability(single, allowed, true), "pass_share": passes[0], "pass_at_bar_share": passes[1],
    }


def _expected(sizes: pd.DataFrame, per_village: int, correlation: float) -> tuple[float, float]:
    """Households that a drawn village gives, and the design effect of clusters and unequal weights, for villages drawn by size."""
    chance = sizes["size"].to_numpy() / sizes["size"].sum()
    asked, weight = np.minimum(per_village, sizes["households"].to_numpy()), sizes["weight"].to_numpy()
    take = float(chance @ asked)
    unequal = float(chance @ (asked * weight**2)) * take / float(chance @ (asked * weight)) ** 2
    return take, unequal * clustered_effect(float(chance @ asked**2) / take, correlation)


def _sizes(frame: pd.DataFrame, kind: str, per_village: int) -> pd.DataFrame:
    """Villages that have households of the kind, in the order of the draw, with the weight that a household of each would have."""
    names = [f"{one}_households" for one in (KINDS if kind == "all" else (kind,))]
    ordered = frame.sort_values(["township_code", "village_code"])
    sizes = pd.DataFrame({"households": ordered[names].sum(axis=1).astype(int), "size": ordered["size"].astype(float)})
    sizes = sizes[sizes["households"] > 0].reset_index(drop=True)
    # Recognition counts households as they were asked; the others stand for the households of their village.
    stands = sizes["households"] / np.minimum(per_village, sizes["households"]) / sizes["size"]
    return sizes.assign(weight=1.0 if kind == "all" else stands)


def _village_rates(villages: int, share: float, correlation: float, times: int, seed: list[int]) -> np.ndarray:
    """A rate for each village in each repetition: beta with the mean and the intra-village correlation."""
    if not 0 < correlation < 1:
        return np.full((times, villages), share)
    spread = (1 - correlation) / correlation
    return np.random.default_rng(seed).beta(share * spread, (1 - share) * spread, (times, villages))
