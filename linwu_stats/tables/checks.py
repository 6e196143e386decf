"""Checks of the ledgers, some of which need the income (台账检查数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "quality_dimension": {"complete": "完整性", "accurate": "准确性", "timely": "及时性"},
    "quality_measure": {
        "complete": "要素齐全率", "complete_register": "名册要素齐全率", "complete_guarantees": "保障台账要素齐全率", "complete_income": "本季收入可核算的户",
        "complete_households": "要素全部齐全的户", "accurate": "未发现错误的要素", "accurate_sources": "三方一致的要素", "accurate_checks": "逻辑检查通过率",
        "accurate_households": "未发现错误的户", "timely": "没有更新迟滞迹象的户", "timely_lines": "收入明细属于本季的行",
        "timely_exit_year": "已脱贫户填有脱贫年度", "timely_income": "收入没有照抄上季的户", "timely_updates": "登记变动及时的要素",
        "timely_lists": "登记与部门名册变动一致的记录", "timely_mending": "到期已整改的事项",
    },
    "quality_unit": {"cell": "格", "household": "户", "test": "项次", "line": "行", "match": "人次", "item": "项"},
    "quality_reason": {"not_given": "没有提供台账或名册，不能判断", "nothing_due": "没有应查的内容"},
}

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
    table(
        "ledger_quality", "台账质量表", "linwu_stats.ledgers.quality.ledger_quality",
        key("area_code", "地区代码", "county or township"), key("measure", "指标", codes="quality_measure"),
        column("dimension", "string", "方面", codes="quality_dimension", required=True), column("unit", "string", "分母单位", codes="quality_unit"),
        column("value", "float", "比率", "numerator over denominator; blank where nothing can be judged"),
        column("numerator", "int", "分子", required=True), column("denominator", "int", "分母", "what could be judged", required=True),
        column("unknown", "int", "不能判断", "not in the denominator", required=True), column("before", "float", "上季比率"),
        column("reason_code", "string", "原因代码", codes="quality_reason"),
    ),
)
