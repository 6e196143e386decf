"""Three sources of the register side by side, and what departments know (台账比对数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {}

TABLES: tuple[Table, ...] = ()
