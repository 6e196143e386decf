"""Checks of the ledgers, some of which need the income (台账检查数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import column, key, table

__all__ = ["TABLES"]

TABLES = (
    table(
        "check_results", "台账检查问题清单", "linwu_stats.ledgers.checks.check_results",
        key("check_key", "检查项", "key of an entry of law/ledger_checks.yaml"),
        key("subject_id", "对象编号", "household, person or village code"),
        column("subject", "string", "对象", codes="check_subject"), column("township_code", "string", "乡镇代码"),
        column("village_code", "string", "行政村代码"),
        column("household_id", "string", "户编号"), column("person_id", "string", "人编号"),
        column("outcome", "string", "结果", "rows that passed are counted, not listed", codes="check_outcome"),
        column("severity", "string", "严重程度", codes="check_severity"), column("fixer", "string", "整改单位"),
    ),
    table(
        "check_counts", "台账检查计数表", "linwu_stats.ledgers.checks.check_counts",
        key("check_key", "检查项", "key of an entry of law/ledger_checks.yaml"), key("township_code", "乡镇代码"),
        column("title", "string", "检查内容"), column("subject", "string", "对象", codes="check_subject"),
        column("severity", "string", "严重程度", codes="check_severity"), column("fixer", "string", "整改单位"),
        column("rows", "int", "应查", "passed, failed and unknown together"), column("passed", "int", "通过"), column("failed", "int", "有问题"),
        column("unknown", "int", "未知"),
        column("absent", "string", "台账所缺的列", "needed columns that no row fills: its unknown rows are not listed one by one"),
    ),
)
