"""Exit assessment of households, villages, county, and what changed (退出评估数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import HOUSEHOLD, column, key, table

__all__ = ["TABLES"]

TABLES = (
    table(
        "household_exit_tests", "贫困户退出检验表", "linwu_stats.exits.household.test_households",
        HOUSEHOLD, key("rule_key", "规则", "exit.household.income, .food, .clothing, .education, .medical, .housing, .water"),
        column("outcome", "string", "结果", codes="outcome"), column("reason_code", "string", "原因代码"),
        column("evidence", "string", "依据", "the ledger values that decided, without names"),
    ),
    table(
        "household_exit", "贫困户退出评估表", "linwu_stats.exits.household.assess_households",
        HOUSEHOLD,
        column("income_outcome", "string", "收入", codes="income_outcome"), column("food", "string", "不愁吃", codes="outcome"),
        column("clothing", "string", "不愁穿", codes="outcome"), column("education", "string", "义务教育", codes="outcome"),
        column("medical", "string", "基本医疗", codes="outcome"), column("housing", "string", "住房安全", codes="outcome"),
        column("water", "string", "饮水安全", codes="outcome"),
        column("period", "string", "核算期", codes="period"), column("line_year", "int", "标准年度"),
        column("line_fen", "int", "扶贫标准", "per person and year", unit="分"),
        column("net_fen", "int", "纯收入", unit="分"), column("headcount_persons", "int", "计算人口", unit="人"),
        column("distance_fen", "int", "与标准的差距", "net income minus line times members, of the household", unit="分"),
        column("verdict", "string", "评估结论", codes="verdict"),
        column("missing", "string", "未达标或未知的条件", "rule keys, not_met first, separated by a space"),
    ),
    table(
        "cohort_checks", "历年脱贫户复核表", "linwu_stats.exits.household.check_cohorts",
        HOUSEHOLD, column("exit_year", "int", "脱贫年度"), column("period", "string", "核算期", codes="period"),
        column("own_line_year", "int", "脱贫当年标准年度"), column("own_line_fen", "int", "脱贫当年标准", unit="分"),
        column("own_line_outcome", "string", "对脱贫当年标准", codes="income_outcome"),
        column("today_line_year", "int", "现行标准年度"), column("today_line_fen", "int", "现行标准", unit="分"),
        column("today_line_outcome", "string", "对现行标准", codes="income_outcome"), column("reason_code", "string", "原因代码"),
    ),
    table(
        "village_exit", "贫困村退出评估表", "linwu_stats.exits.village.assess_villages",
        key("village_code", "行政村代码"), column("township_code", "string", "乡镇代码"), column("village_kind", "string", "贫困村类别", codes="village_kind"),
        column("village_status", "string", "贫困村退出状态", codes="village_status"),
        column("poor_persons", "int", "未脱贫人口", unit="人"), column("denominator_persons", "int", "分母人口", unit="人"),
        column("incidence_share", "float", "贫困发生率"), column("incidence", "string", "发生率", codes="outcome"),
        column("collective_income_fen", "int", "村集体经济收入", unit="分"),
        column("collective_income", "string", "集体经济", codes="outcome"), column("infrastructure", "string", "基础设施和公共服务", codes="outcome"),
        column("verdict", "string", "评估结论", codes="verdict"), column("missing", "string", "未达标或未知的条件"),
    ),
    table(
        "county_exit", "县级评估表", "linwu_stats.exits.county.assess_county",
        key("measure", "测算项目"), column("value", "float", "数值"), column("unit", "string", "单位"), column("low", "float", "下界"),
        column("high", "float", "上界"),
        column("outcome", "string", "结果", codes="outcome"), column("rule_key", "string", "规则"), column("note", "string", "说明"),
    ),
    table(
        "transitions", "状态变动表", "linwu_stats.exits.transitions.compare_quarters",
        HOUSEHOLD, column("township_code", "string", "乡镇代码"), column("village_code", "string", "行政村代码"),
        column("status_before", "string", "上期脱贫属性", codes="poverty_status"), column("status_now", "string", "本期脱贫属性", codes="poverty_status"),
        column("transition", "string", "变动", codes="transition"), column("persons", "int", "人数", unit="人"),
        column("verdict_before", "string", "上期结论", codes="verdict"), column("verdict_now", "string", "本期结论", codes="verdict"),
        column("why", "string", "原因", "reason codes: what changed, separated by a space"),
    ),
)
