"""Indicators of areas and groups (指标数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import Column, column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "bounds_basis": {
        "none": "没有收入未知的户", "line": "收入未知的人可能全在标准以下，也可能全不在", "range": "收入未知的人人均在零与全县已知最高之间",
    },
    "indicator_source": {
        "wage": "工资性收入", "business_net": "生产经营净收入", "property": "财产性收入", "transfer": "转移性收入", "whole": "纯收入",
    },
    "subgroup_kind": {"attribute": "贫困户属性", "cause": "主要致贫原因", "poverty_status": "脱贫属性", "size": "家庭人口", "township": "乡镇"},
    "subgroup_measure": {
        "persons_share": "占人口的比重", "fgt0": "低于标准人口比重", "fgt1": "贫困差距指数", "fgt2": "贫困差距平方指数",
        "fgt0_share": "对低于标准人口的贡献率", "fgt1_share": "对贫困差距的贡献率", "fgt2_share": "对差距平方的贡献率",
        "ge0": "平均对数离差", "ge1": "泰尔指数", "ge2": "变异系数平方之半", "gini": "基尼系数",
    },
    "change_kind": {"growth": "增长与分配(Datt-Ravallion)", "shapley": "增长与分配(夏普利)", "exits": "符合退出条件户数"},
    "change_measure": {
        "fgt0": "低于收入线人口比重", "fgt1": "贫困差距指数", "fgt2": "贫困差距平方指数", "all": "全部建档立卡户", "poor": "未脱贫户",
    },
    "change_factor": {
        "before": "上期", "now": "本期", "change": "变动", "growth": "增长", "redistribution": "分配", "line": "标准变动", "residual": "残差",
        "income_outcome": "收入", "food": "不愁吃", "clothing": "不愁穿", "education": "义务教育", "medical": "基本医疗", "housing": "住房安全",
        "water": "饮水安全", "register": "名册或脱贫属性变动",
    },
    "mpi_measure": {
        "H": "多维贫困发生率", "A": "多维贫困强度", "M0": "多维贫困指数", "uncensored": "缺失人口比重", "censored": "多维贫困且缺失的人口比重",
        "contribution_share": "对多维贫困指数的贡献率", "dimension_share": "维度贡献率",
    },
}


def _area() -> tuple[Column, ...]:
    return (key("level", "层级", codes="level"), key("area_code", "地区代码"))


def _counts() -> tuple[Column, ...]:
    return (
        column("households", "int", "户数", unit="户"), column("persons", "int", "人数", unit="人"),
        column("unknown_households", "int", "未知户数", unit="户"), column("unknown_persons", "int", "未知人数", unit="人"),
        column("reason_code", "string", "原因代码", "why a value is null"),
    )


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
    table(
        "indicator_bounds", "指标上下限表", "linwu_stats.indicators.detail.make_bounds",
        *_area(), key("period", "核算期", codes="period"), key("indicator", "指标"),
        column("value", "float", "数值", "of the persons with known income, as in the table of indicators"), column("unit", "string", "单位"),
        column("sampling_error", "float", "抽样误差", "0: a full register has none (全面登记，无抽样误差)"),
        column("low", "float", "最低可能值", "over all incomes that the unknown may have"), column("high", "float", "最高可能值"),
        column("basis", "string", "上下限依据", codes="bounds_basis"), *_counts(),
    ),
    table(
        "indicator_sources", "收入来源分解表", "linwu_stats.indicators.detail_parts.make_sources",
        *_area(), key("period", "核算期", codes="period"), key("source", "收入来源", codes="indicator_source"),
        column("income_share", "float", "占纯收入比重"), column("gini", "float", "来源自身基尼系数"), column("correlation", "float", "基尼相关系数"),
        column("concentration", "float", "集中系数"), column("contribution", "float", "对基尼系数的贡献", "they add up to the Gini of the whole"),
        column("contribution_share", "float", "贡献率"),
        column("elasticity", "float", "边际影响", "per cent of the Gini for one per cent more of the source"), *_counts(),
    ),
    table(
        "indicator_subgroups", "分人群分解表", "linwu_stats.indicators.detail_parts.make_subgroups",
        *_area(), key("group_kind", "分组方式", codes="subgroup_kind"),
        key("group_value", "分组", "code of the group; all, within, between or residual for an index of inequality"),
        key("period", "核算期", codes="period"), key("measure", "指标", codes="subgroup_measure"), column("value", "float", "数值"), *_counts(),
    ),
    table(
        "indicator_changes", "变动分解表", "linwu_stats.indicators.detail_changes.make_changes",
        *_area(), key("kind", "分解方法", codes="change_kind"), key("period", "核算期", "of exits the period of the assessment", codes="period"),
        key("measure", "指标", codes="change_measure"), key("factor", "因素", codes="change_factor"),
        column("value", "float", "数值", "share of persons, index, or households"), column("value_persons", "float", "人数", "of exits only", unit="人"),
        column("undecided", "float", "其中由未知转来", "households whose outcome was not decided in one of the quarters"),
        column("line_before_fen", "int", "上期收入线", "per person", unit="分"), column("line_now_fen", "int", "本期收入线", unit="分"), *_counts(),
    ),
    table(
        "indicator_multidimensional", "多维贫困表", "linwu_stats.indicators.detail_changes.make_multidimensional",
        *_area(), key("measure", "指标", codes="mpi_measure"), key("indicator", "项目", "all, a test of the exit assessment, or a dimension"),
        column("value", "float", "数值", "of everybody where the unknown make no difference, else of the persons for whom all is decided"),
        column("low", "float", "最低可能值", "over all that the unknown may be"),
        column("high", "float", "最高可能值"), *_counts(),
    ),
    table(
        "indicator_lorenz", "洛伦兹与增长曲线表", "linwu_stats.indicators.detail_changes.make_lorenz",
        *_area(), key("period", "核算期", codes="period"), key("percent", "人口累计百分比", "of persons from the lowest income up", dtype="int"),
        column("lorenz", "float", "收入累计比重"), column("generalised_yuan", "float", "广义洛伦兹", "Lorenz ordinate times the mean", unit="元"),
        column("quantile_yuan", "float", "分位数", "per person", unit="元"), column("quantile_year_ago_yuan", "float", "上年同期分位数", unit="元"),
        column("growth", "float", "分位数增幅", "anonymous: not the same persons"),
        column("growth_low", "float", "最低可能增幅", "the unknown at 0 now and at the highest known income then"),
        column("growth_high", "float", "最高可能增幅", "the other way round"), *_counts(),
    ),
)
