"""Part of a year to the whole year (全年收入估计数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {}

TABLES: tuple[Table, ...] = ()
