"""What counties, townships, villages and groups may expect of the year (地区全年测算): households of a village share their harvests.

The year of all households is drawn together again and again. In draw m household i of village v has

    year = received + rest + Σ_c p_ic (u_c + w_vc) + a_i z_i

with p_ic its forecast rest of class c, u_c the change that the county shares (variance as in the household's interval), w_vc the change that the village
shares (variance from the checked errors), z_i a checked error of alike households and a_i its scale without the village's part. Each area's figure
is worked out in every draw; its expected value is the mean, its interval the quantiles of the draws. Bureaus that add up households' margins as if they were
independent get intervals far too narrow.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from linwu_stats.income.estimate.cells import SIGNS
from linwu_stats.income.estimate.households import Threshold, threshold_of
from linwu_stats.income.estimate.intervals import LEVELS
from linwu_stats.income.estimate.outlook import Outlook
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform, require

__all__ = ["draw_years", "estimate_areas"]

_GROUPS = ("attribute", "cause", "poverty_status")
_MEASURES = ("headcount_ratio", "persons_below", "mean_percapita_yuan")


def estimate_areas(outlook: Outlook, headcounts: pd.DataFrame, households: pd.DataFrame, rules: Rules, seed: int | None = None) -> pd.DataFrame:
    """Expected headcount ratio, persons below and mean of every area and group, with intervals (地区全年测算): table ``estimate_areas``.

    Areas are county, townships and villages; groups (attribute, cause, status; not of villages) as in ``indicators``, those without households left out.
    Below is what does not pass exit.household.income with the line of the accounting year. Households without estimate or head count are left out and
    counted. ``seed`` is that of estimate.simulation unless given; the number of draws is there. Means are of persons.
    """
    require(households, "households", "household_id", "township_code", "village_code", *_GROUPS)
    register = households.set_index("household_id").reindex(outlook.cells.households)
    persons = headcounts.set_index("household_id")["headcount_persons"].reindex(outlook.cells.households).to_numpy(dtype=float, na_value=np.nan)
    registered = headcounts.set_index("household_id")["registered_persons"].reindex(outlook.cells.households).fillna(0).to_numpy(dtype=float)
    used = outlook.known & ~np.isnan(persons) & (persons > 0)
    keys, of, row = _memberships(register, rules)
    weights = csr_matrix((np.ones(len(of)), (of, row)), shape=(len(keys), len(used)))
    heads = np.where(used, persons, 0.0)
    draws = _draws_of_areas(outlook, weights, heads, used, threshold_of(outlook, rules), outlook.settings.seed if seed is None else seed)
    counts = {
        "households": weights @ used.astype(float), "persons": weights @ heads, "unknown_households": weights @ (~used).astype(float),
        "unknown_persons": weights @ np.where(used, 0.0, registered),
    }
    frames = []
    for measure in _MEASURES:
        table = pd.DataFrame(keys, columns=["level", "area_code", "group_kind", "group_value"]).assign(measure=measure)
        table = table.assign(**{name: np.round(value).astype(np.int64) for name, value in counts.items()})
        table = table.assign(**_figures(draws[measure], counts["persons"] > 0))
        lineless = threshold_of(outlook, rules).line_fen is None and measure != "mean_percapita_yuan"
        reason = np.where(counts["persons"] <= 0, "no_known_household", "line_unknown" if lineless else "")
        frames.append(table.assign(reason_code=pd.array([code or pd.NA for code in reason], dtype="string")))
    return conform(pd.concat(frames, ignore_index=True), "estimate_areas")


def draw_years(outlook: Outlook, count: int, seed: int) -> Iterator[np.ndarray]:
    """Whole-year nets of all households drawn together, one array a draw (联合模拟), in fen; of a complete year the account itself, once."""
    middle = outlook.received + outlook.rest
    if outlook.made is None or outlook.checks is None:
        yield middle
        return
    random = np.random.Generator(np.random.PCG64(seed))
    groups = outlook.errors()
    signed = outlook.made.by_class * SIGNS
    village_variance = outlook.checks.village
    shared = (outlook.made.by_class**2) @ village_variance
    own = np.sqrt(np.maximum(outlook.scale**2 - shared, 0.25 * outlook.scale**2))
    county_scale = np.sqrt(outlook.county)
    villages = int(outlook.cells.village.max(initial=0)) + 1
    for _ in range(count):
        county = random.standard_normal(len(SIGNS)) * county_scale
        village = random.standard_normal((villages, len(SIGNS))) * np.sqrt(village_variance)
        year = middle + (signed * (county + village[outlook.cells.village])).sum(axis=1)
        for rows, pool in groups:
            # Around their mean: a pool of few errors must not shift a whole township.
            year[rows] += own[rows] * (random.choice(pool, len(rows)) - pool.mean())
        yield year


def _draws_of_areas(outlook: Outlook, weights: csr_matrix, heads: np.ndarray, used: np.ndarray, threshold: Threshold, seed: int) -> dict[str, np.ndarray]:
    """Each measure of each area in each draw."""
    total = weights @ heads
    floor = threshold.floor(heads) if threshold.line_fen is not None else np.full(len(heads), np.nan)
    draws: dict[str, list[np.ndarray]] = {name: [] for name in _MEASURES}
    with np.errstate(invalid="ignore", divide="ignore"):
        for year in draw_years(outlook, outlook.settings.draws, seed):
            if outlook.made is None and threshold.line_fen is not None:
                passes = threshold.passes(year.astype(np.int64), heads.astype(np.int64))
            else:
                passes = year >= floor if threshold.reaching else year > floor
            below = weights @ (np.where(used & ~passes, heads, 0.0) if threshold.line_fen is not None else np.full(len(heads), np.nan))
            draws["persons_below"].append(below)
            draws["headcount_ratio"].append(below / total)
            draws["mean_percapita_yuan"].append((weights @ np.where(used, year, 0.0)) / total / 100)
    return {name: np.stack(values) for name, values in draws.items()}


def _figures(draws: np.ndarray, known: np.ndarray) -> dict[str, Any]:
    """Mean and quantiles of the draws; blank where nothing is known. Where few households decide, the mean may lie between two values of which one is
    nearly sure: the interval is widened to hold it."""
    whole = known & ~np.isnan(draws).any(axis=0)
    safe = np.where(whole, draws, 0.0)
    figures = {"value": safe.mean(axis=0)} | {name: np.quantile(safe, level, axis=0) for name, level in LEVELS.items()}
    out = {}
    for name, values in figures.items():
        hold = np.minimum if name.startswith("low") else np.maximum
        column = pd.array(hold(values, figures["value"]), dtype="Float64")
        column[~whole] = pd.NA
        out[name] = column
    return out


def _memberships(register: pd.DataFrame, rules: Rules) -> tuple[list[tuple[str, str, str, str]], np.ndarray, np.ndarray]:
    """Every area and group, and which households are in it: keys, and pairs of key and household."""
    county = rules.value("area.county")["code"]
    codes = {"county": np.full(len(register), county, dtype=object), **{
        level: register[f"{level}_code"].fillna("").to_numpy(dtype=object) for level in ("township", "village")
    }}
    keys: list[tuple[str, str, str, str]] = []
    of, row = [], []
    for level, area in codes.items():
        for kind in ("all", *(_GROUPS if level != "village" else ())):
            values = np.full(len(register), "all", dtype=object) if kind == "all" else register[kind].fillna("unknown").to_numpy(dtype=object)
            terms = None if kind == "all" else {*CODES[kind], "unknown"}
            index = pd.MultiIndex.from_arrays([area, values])
            place, names = pd.factorize(index, sort=True)
            for number, (code, value) in enumerate(names):
                if code and value and (terms is None or value in terms):
                    members = np.flatnonzero(place == number)
                    of.append(np.full(len(members), len(keys)))
                    row.append(members)
                    keys.append((level, code, kind, value))
    return keys, np.concatenate(of) if of else np.array([], dtype=int), np.concatenate(row) if row else np.array([], dtype=int)
