"""Who may fall back, and what lifts a household (稳定性数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {}

TABLES: tuple[Table, ...] = ()
