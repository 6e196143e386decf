"""Indicators of areas and groups (指标数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import column, key, table

__all__ = ["TABLES"]

TABLES = (
    table(
        "indicators", "指标表", "linwu_stats.indicators.make_indicators",
        key("level", "层级", codes="level"), key("area_code", "地区代码"), key("group_kind", "分组方式", "all, attribute, cause or poverty_status"),
        key("group_value", "分组", "code of the group, 'all' for everybody"), key("period", "核算期", codes="period"), key("indicator", "指标"),
        column("value", "float", "数值"), column("unit", "string", "单位"),
        column("households", "int", "户数", unit="户"), column("persons", "int", "人数", unit="人"),
        column("unknown_households", "int", "收入未知户数", unit="户"), column("unknown_persons", "int", "收入未知人数", unit="人"),
        column("reason_code", "string", "原因代码", "why the value is null"),
    ),
)
