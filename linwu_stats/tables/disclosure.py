"""What may be published (公开数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "public_mark": {"shown": "公布", "withheld": "不公布", "unknown": "未知"},
    "public_table": {
        "status": "脱贫属性", "verdict": "评估结论", "income_outcome": "收入", "food": "不愁吃", "clothing": "不愁穿", "education": "义务教育",
        "medical": "基本医疗", "housing": "住房安全", "water": "饮水安全", "cause": "主要致贫原因", "size": "家庭人口", "line": "是否低于扶贫标准",
        "village": "贫困村未脱贫户",
    },
}

TABLES = (
    table(
        "public_cells", "公开频数表", "linwu_stats.disclosure.protect.protect_counts",
        key("public_table", "分组方式", codes="public_table"), key("area_code", "地区代码"),
        key("category", "分组", "code of the group, 'all' for everybody; the verdict and the conditions have the status before a colon"),
        column("households", "int", "户数", "blank where it is not published", unit="户"),
        column("persons", "int", "人数", "blank where it is not published or unknown, and for the sizes of households", unit="人"),
        column("mark", "string", "公布情况", "withheld cells do not say whether they are small or protect another one", codes="public_mark", required=True),
    ),
    table(
        "public_rates", "公开指标表", "linwu_stats.disclosure.rates.protect_rates",
        key("area_code", "地区代码"), key("indicator", "指标"), key("period", "核算期", codes="period"),
        column("value", "float", "数值", "in the unit of the indicator; blank where it is not published"),
        column("mark", "string", "公布情况", codes="public_mark", required=True),
    ),
)
