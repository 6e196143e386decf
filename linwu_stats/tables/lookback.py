"""Look-back samples and rates (回头看数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {}

TABLES: tuple[Table, ...] = ()
