"""Estimates of the whole year from a part of it (全年测算数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import HOUSEHOLD, Column, column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "estimate_method": {"model": "模型", "last_year_shares": "上年进度", "last_year": "上年全年数", "times_four": "折年(按季数放大)"},
    "estimate_fallback": {
        "complete": "全年已核算", "own_year": "本户上年各季", "own_rest": "本户上年其余季度", "group": "同类户(本户没有上年台账)",
        "law": "规则的季节比重(全县没有上年台账)", "seen": "只用本年已有季度", "none": "不能测算",
    },
    "estimate_basis": {
        "complete": "全年已核算，没有误差", "year_ago": "上年同期预测的误差", "this_year": "本年已到各季的预测误差", "same_year": "上年本身的季节差异",
        "assumed": "假定(没有可检验的误差)", "none": "没有区间",
    },
    "estimate_measure": {"headcount_ratio": "低于标准人口比重", "persons_below": "低于标准人口", "mean_percapita_yuan": "人均纯收入"},
    "estimate_class": {
        "net": "纯收入", "wage": "工资性收入", "business": "生产经营性收入", "property": "财产性收入", "transfer": "转移性收入", "cost": "生产经营性支出",
    },
}


def _interval(suffix: str, dtype: str, unit: str) -> tuple[Column, ...]:
    names = {"low80": "80%区间下限", "high80": "80%区间上限", "low95": "95%区间下限", "high95": "95%区间上限"}
    return tuple(column(f"{name}{suffix}", dtype, heading, unit=unit) for name, heading in names.items())


TABLES = (
    table(
        "income_estimates", "全年纯收入测算表", "linwu_stats.income.estimate.estimate_households",
        HOUSEHOLD, key("method", "方法", codes="estimate_method"),
        column("accounting_year", "int", "核算年度"), column("quarters_known", "int", "已有季度数", "quarters of the accounting year so far"),
        column("received_fen", "int", "已核算纯收入", "known part of the year so far", unit="分"),
        column("estimate_fen", "int", "全年纯收入测算", "household's whole year", unit="分"),
        *_interval("_fen", "int", "分"),
        column("headcount_persons", "int", "计算人口", unit="人"),
        column("percapita_fen", "int", "人均纯收入测算", "estimate over head count, half up; for show", unit="分"),
        column("line_fen", "int", "标准", "line of the accounting year per person", unit="分"),
        column("pass_share", "float", "超过标准的可能性", "0 to 1; of the other methods 0 or 1, by the estimate"),
        column("fallback", "string", "依据", codes="estimate_fallback", required=True),
        column("interval_basis", "string", "区间依据", codes="estimate_basis", required=True),
        column("reason_code", "string", "原因代码", "why the estimate is unknown, or, with an estimate, why it is less sure than others"),
    ),
    table(
        "estimate_areas", "地区全年测算表", "linwu_stats.income.estimate.estimate_areas",
        key("level", "层级", codes="level"), key("area_code", "地区代码"), key("group_kind", "分组方式", "all, attribute, cause or poverty_status"),
        key("group_value", "分组"), key("measure", "指标", codes="estimate_measure"),
        column("value", "float", "测算值", "expected value"), *_interval("", "float", ""),
        column("households", "int", "户数", "with an estimate", unit="户"), column("persons", "int", "人数", unit="人"),
        column("unknown_households", "int", "不能测算户数", unit="户"), column("unknown_persons", "int", "不能测算人数", unit="人"),
        column("reason_code", "string", "原因代码"),
    ),
    table(
        "estimate_record", "测算检验表", "linwu_stats.income.estimate.record_estimates",
        key("accounting_year", "核算年度", dtype="int"), key("quarters_known", "已有季度数", dtype="int"), key("method", "方法", codes="estimate_method"),
        key("item_class", "收入类别", codes="estimate_class"),
        column("households", "int", "检验户数", "estimate and whole year both known", unit="户"),
        column("mean_error_fen", "int", "平均误差", "estimate less account", unit="分"),
        column("mean_absolute_error_fen", "int", "平均绝对误差", unit="分"),
        column("error_share", "float", "绝对误差占比", "sum of absolute errors over sum of absolute accounts"),
        column("covered80_share", "float", "80%区间命中率", "of the net income of the model only"), column("covered95_share", "float", "95%区间命中率"),
        column("mean_width80_fen", "int", "80%区间平均宽度", unit="分"),
        column("brier", "float", "Brier评分", "mean square of probability less outcome, 0 is best"),
        column("fallback", "string", "主要依据", "the fallback of most households", codes="estimate_fallback"),
        column("interval_basis", "string", "区间依据", codes="estimate_basis"),
    ),
    table(
        "estimate_calibration", "可能性校准表", "linwu_stats.income.estimate.calibrate_estimates",
        key("accounting_year", "核算年度", dtype="int"), key("quarters_known", "已有季度数", dtype="int"),
        key("decile", "可能性档", "0 is 0 to 10 percent", dtype="int"),
        column("households", "int", "户数", unit="户"), column("mean_pass_share", "float", "平均测算可能性"), column("passed_share", "float", "实际超过比例"),
    ),
)
