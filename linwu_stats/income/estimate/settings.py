"""The working values of the method, from the law (测算方法的参数)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from linwu_stats.rules import Rules

__all__ = ["Settings", "read_settings", "season_of"]

_CALENDAR = ("Q4", "Q1", "Q2", "Q3")


@dataclass(frozen=True)
class Settings:
    """Values of the rules under ``estimate.`` (测算参数); see ``law/estimates.yaml`` for what each does."""

    methods: tuple[str, ...] = ("model", "last_year_shares", "last_year", "times_four")
    cells_min: int = 20
    persistence_share: float = 0.5
    ratio_cap: float = 3.0
    level_share: float = 0.05
    recency_share: float = 0.5
    rate_quarter: str = "Q1"
    rate_spread_share: float = 0.1
    checks_min: int = 40
    floor_share: float = 0.004
    assumed_share: float = 0.25
    draws: int = 400
    seed: int = 20180522
    seasons: dict[str, tuple[float, ...]] = field(default_factory=dict)


def read_settings(rules: Rules) -> Settings:
    """The rules estimate.methods, .shrinkage, .interval, .simulation, .rates and .seasons in force (测算参数)."""
    values = {
        **rules.value("estimate.methods"), **rules.value("estimate.shrinkage"), **rules.value("estimate.interval"), **rules.value("estimate.simulation"),
        **rules.value("estimate.rates"),
    }
    seasons = {name: tuple(part / sum(shares) for part in shares) for name, shares in rules.value("estimate.seasons")["seasons"].items()}
    return Settings(**{**values, "methods": tuple(values["methods"])}, seasons=seasons)


def season_of(item: str, item_class: str, quarters: list[str], settings: Settings) -> np.ndarray:
    """Share of a year that an item brings in each of ``quarters`` by rule (季节比重): its own, else its class's."""
    shares = settings.seasons.get(item, settings.seasons[item_class])
    return np.array([shares[_CALENDAR.index(quarter[4:])] for quarter in quarters])
