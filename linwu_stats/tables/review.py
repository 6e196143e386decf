"""Double review and the work list (双人复核和整改清单数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {}

TABLES: tuple[Table, ...] = ()
