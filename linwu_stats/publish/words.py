"""Chinese words for the codes of the tables (代码的文字说明): reasons, indicators, periods, groups.

A code without words is shown as it is, so that nothing is hidden; a test keeps the words whole.
"""

from __future__ import annotations

import re
from typing import Any

from linwu_stats import exits, indicators
from linwu_stats.indicators import DEFINITIONS
from linwu_stats.tables import CODES, TABLES, label

__all__ = [
    "REASONS",
    "basis",
    "denominator",
    "group",
    "in_chinese",
    "indicator",
    "measure",
    "period_span",
    "quarter_name",
    "reasons",
    "severity",
    "status",
    "value_in_words",
    "value_with_unit",
    "why",
]

_CODE = re.compile(r' ?\((?:[a-z]+(?:_[a-z]+)+|negative="keep"[^)]*)\)|; sign="<=" 可选')
_MARK = re.compile(r"(?<=[\u4e00-\u9fff）”])([,;:]) |([,;:]) (?=[\u4e00-\u9fff（“])")
_FULL = {",": "，", ";": "；", ":": "："}


def in_chinese(text: str) -> str:
    """A text of the registries as a page shows it (显示文字): without codes for programs, with Chinese marks beside Chinese characters."""
    return _MARK.sub(lambda found: _FULL[found.group(1) or found.group(2)], _CODE.sub("", text))


#: Why an income is unknown, in the short words of a table cell; the codes of linwu_stats.income.account.
_INCOME = {
    "counted": "计入",
    "excluded": "不计入",
    "unrecognised": "项目名称不在规则中",
    "amount_unknown": "金额未知",
    "no_quantity": "实物没有数量",
    "no_price": "该项目没有实物折价",
    "in_kind_unknown": "未注明是否实物",
    "negative_amount": "金额或数量为负",
    "out_of_range": "金额或数量过大",
    "quarter_missing": "有季度缺收入台账",
    "headcount_unknown": "家庭人口未知",
    "headcount_zero": "计算人口为零",
    "resident_unknown": "有成员是否常住未知",
}
_CHANGED = {"headcount_up": "计算人口增加", "headcount_down": "计算人口减少"}
_PAGE = {"no_value": "指标表没有这一项", "population_unknown": "分母人口未知", "register_unknown": "名册有缺项", "few_households": "不足五户，不列"}

#: Why a value is unknown, why a line counts, why a condition was judged so.
REASONS: dict[str, str] = {code: in_chinese(said) for code, said in {**exits.REASONS, **indicators.REASONS, **_INCOME, **_PAGE}.items()}

_UNITS = {
    "yuan_per_person_year": "元/人·年",
    "yuan_per_kg": "元/公斤",
    "yuan_per_head": "元/头",
    "yuan_per_piece": "元/个",
    "yuan_per_litre": "元/升",
    "fen": "分",
    "multiple": "倍",
}
_BASES = {"nbs": "国家农村贫困标准", "central_work": "脱贫工作标准", "province_work": "省定工作标准"}
_DENOMINATORS = {"rural_population_persons": "乡村户籍人口", "resident_population_persons": "常住人口"}
_QUARTERS = {"1": "一", "2": "二", "3": "三", "4": "四"}


def reasons(codes: Any) -> str:
    """Reason codes in words (原因): one code, or several separated by a space."""
    return "；".join(REASONS.get(code, code) for code in str(codes).split())


def why(codes: Any) -> str:
    """What changed between two quarters, in words (变动原因); "" where nothing did."""
    return "；".join(_CHANGED.get(code) or exits.explain_why(code) for code in str(codes).split())


def indicator(name: str) -> str:
    """Official term of an indicator (指标名称)."""
    return indicators.DEFINITIONS[name].term if name in indicators.DEFINITIONS else name


def group(kind: str, value: str) -> str:
    """A group in words (分组): 一般贫困户, 因病, 未填写 where the ledger is blank."""
    if value == "unknown":
        return "未填写"
    return "全部" if kind == "all" else label(kind, value)


def basis(name: str) -> str:
    """Name of a poverty-line basis (标准口径)."""
    return _BASES.get(name, name)


def denominator(name: str) -> str:
    """Name of a denominator of the incidence rate (分母口径)."""
    return _DENOMINATORS.get(name, name)


def quarter_name(quarter: str) -> str:
    """``2018Q1`` as 2018年一季度 (季度)."""
    return f"{quarter[:4]}年{_QUARTERS[quarter[5]]}季度"


def measure(code: str) -> str:
    """A row of the county table in words (测算项目)."""
    return exits.MEASURES.get(code, code)


def value_with_unit(rule: Any) -> str:
    """The value of a rule with its unit (规则取值和单位); an item of income in a sentence: counted or not, to which class, why; a doubt of the departments'
    lists as what is compared, who verifies and how."""
    if rule.unit == "item":
        return _item_in_words(rule.value)
    if rule.unit == "department_flag":
        return _flag_in_words(rule.value)
    return f"{value_in_words(rule.value)} {_UNITS.get(rule.unit, '')}".strip()


def severity(code: str) -> str:
    """How serious a finding of the ledgers is (严重程度)."""
    return {"error": "错误", "warning": "警告", "info": "提示", "note": "提示"}.get(code, code)


def status(code: str) -> str:
    """Whether an official text of a rule was seen (规则状态)."""
    return {"confirmed": "已见文件", "to_confirm": "待确认"}.get(code, code)


def period_span(first: str, last: str) -> str:
    """First and last quarter in words (起止季度)."""
    return quarter_name(first) if first == last else f"{quarter_name(first)}至{quarter_name(last)}"


def value_in_words(value: Any) -> str:
    """The value of a rule as a reader may check it (规则取值)."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dict):
        return "；".join(f"{_FIELDS.get(name) or _word(name)}：{value_in_words(part)}" for name, part in value.items())
    if isinstance(value, list | tuple):
        return "、".join(value_in_words(part) if isinstance(part, dict) else _word(str(part)) for part in value) or "无"
    if isinstance(value, int | float):
        return f"{value:,}" if abs(value) >= 1_000 else f"{value}"
    return _word(str(value))


def _word(text: str) -> str:
    """A code of the law as its term: of a list of values, of a column of a table, or of an indicator; else as it is."""
    table, _, column = text.partition(".")
    if table in TABLES and column in TABLES[table].names:
        return f"{TABLES[table].title}的{TABLES[table][column].heading}"
    return _VALUES.get(text) or (DEFINITIONS[text].term if text in DEFINITIONS else text)


def _item_in_words(value: dict[str, Any]) -> str:
    counted = ("计入，加" if value["sign"] > 0 else "计入，减") if value["counted"] else "不计入"
    parts = [f"{counted}（{label('item_class', value['class'])}）", value["why"]]
    parts += [f"实物折价 {value['in_kind_price']}"] if value.get("in_kind_price") else []
    parts += [f"又称{'、'.join(value['aliases'])}"] if value.get("aliases") else []
    return "；".join(parts)


def _flag_in_words(value: dict[str, Any]) -> str:
    """Without conditions in the language of the checks and columns of the list: they are for the program, and stand in the law."""
    parts = [f"与{label('department_list', value['list'])}比：{label('flag_direction', value['direction'])}", label("flag_severity", value["severity"])]
    for name, said in (("includes", "只看"), ("excludes", "不看"), ("counts", "只认"), ("counts_not", "不认")):
        kinds = [kind for kinds in value.get(name, {}).values() for kind in kinds]
        parts += [f"{said}{'、'.join(kinds)}"] if kinds else []
    parts += [f"{_FIELDS[name]}：{number}" for name, number in value.get("parameters", {}).items()]
    return "；".join([*parts, f"由{value['fixer']}核实", value["advice"]])


_FIELDS = {
    "dimensions": "维度",
    "term": "术语",
    "name": "名称",
    "indicators": "指标",
    "cutoff": "临界值",
    "median_share": "占中位数的比例",
    "education": "义务教育",
    "medical": "基本医疗",
    "housing": "住房安全",
    "food": "不愁吃",
    "clothing": "不愁穿",
    "water": "饮水安全",
    "sign": "比较符号",
    "margin_share": "超出幅度",
    "needs": "要求",
    "age_from": "年龄起",
    "age_to": "年龄止",
    "accepted": "认可情形",
    "basic": "基本医保",
    "needs_serious_illness": "须有大病保险",
    "exceptions": "例外",
    "safe": "安全等级",
    "dangerous": "危险等级",
    "mended_by": "改造方式",
    "litres_min": "水量下限（升/人·日）",
    "litres_sign": "水量比较符号",
    "fetch_minutes_max": "取水时间上限（分钟）",
    "fetch_sign": "取水时间比较符号",
    "supply_share_min": "供水保证率下限",
    "supply_sign": "保证率比较符号",
    "days_in_year": "全年天数",
    "needs_quality": "须水质达标",
    "share": "比例",
    "denominator": "分母",
    "yuan": "金额（元）",
    "exits_persons": "脱贫任务（人）",
    "villages": "退出村（个）",
    "requires_resident": "只计常住人口",
    "leaves": "不计的变更",
    "kind": "方式",
    "start_month": "起始月",
    "months": "月数",
    "code": "代码",
    "class": "类别",
    "counted": "计入",
    "why": "理由",
    "heading": "表头",
    "province": "省",
    "city": "市",
    "multiple": "标准的倍数",
    "risks": "有风险的情形",
    "risk_share": "可能性界限",
    "scale_share": "一般规模（占建档立卡人口）",
    "fall_share": "降幅界限",
    "chance_share": "一年内的可能性",
    "growth_share": "增幅继续的部分",
    "takes": "减少的收入",
    "item.wage.": "工资性收入",
    "item.business.": "生产经营性收入",
    "item.property.": "财产性收入",
    "item.transfer.": "转移性收入",
    "part": "哪一部分",
    "cost_yuan": "新增支出（元）",
    "per": "按",
    "grades": "各等级（元）",
    "minimum_households": "最少户数",
    "minimum_persons": "最少人数",
    "width": "可推算区间的最小宽度",
    "minimum_denominator": "最小分母（人）",
    "dominant_households": "支配户数",
    "dominant_share": "支配份额",
    "days": "天数",
    "mask": "姓名写法",
    "methods": "办法",
    "cells_min": "最少户数",
    "checks_min": "最少回测户数",
    "floor_share": "区间最小半宽",
    "assumed_share": "无回测时的假定误差",
    "rate_quarter": "最低价格和补贴调整的季度",
    "rate_spread_share": "调整幅度的离散",
    "persistence_share": "变动延续的部分",
    "ratio_cap": "同比倍数上限",
    "level_share": "显著性水平",
    "recency_share": "近期份额",
    "draws": "模拟次数",
    "seed": "随机种子",
    "seasons": "各季比重",
    "correlation_share": "村内相关系数",
    "events_min": "最少发现数",
    "villages_min": "最少村数",
    "counts": "计数单位",
    "exits": "脱贫人口范围",
    "true_share": "假定的真实比率",
    "true_unrecognised_share": "假定的不认可比率",
    "power_share": "通过的把握",
    "simulations": "模拟次数",
    "exited": "每村已脱贫户",
    "registered": "每村未脱贫户",
    "off_register": "每村非建档立卡户",
    "reserves": "每村备用户",
    "size": "抽村的规模",
    "off_household_persons": "非建档立卡户平均人口",
    "fields": "要素",
    "answers": "答复",
    "fixers": "整改单位",
    "households": "户数",
    "township_minimum": "每乡镇最少户数",
    "allocation": "分配",
    "method": "抽法",
    "codes": "问题代码",
    "cells": "要素",
    "ages": "年龄",
    "checks": "检查",
    "flags": "部门比对",
    "old_years": "车龄界限（年）",
    "report_years": "连续未年报界限（年）",
}
_VALUES = {
    "surname_two_stars": "姓加两个星号",
    "persons": "人",
    "households": "户",
    "ever": "历年全部已脱贫人口",
    "plan_year": "本年度计划脱贫人口",
    "agricultural": "农业户籍人口",
    "rural_total": "乡村总人口",
    "surveyed": "调查到的人口",
    "sampled_villages": "抽中村的全部非建档立卡人口",
    "off_register_persons_of_sampled_villages": "抽中村的非建档立卡乡村人口",
    "off_register_persons_surveyed": "调查到的非建档立卡人口",
    "exited_persons_surveyed": "调查到的已脱贫人口",
    "households_surveyed": "调查到的户",
    "proportional": "按户数比例",
    "equal": "平均",
    "systematic": "等距",
    "simple": "简单随机",
    "mended": "已改正",
    "verified": "经核实无误",
    "cannot": "无法核实",
    "not_ours": "不属本单位",
    **CODES["estimate_method"],
    **CODES["item_class"],
    **{code: term for name in ("school_state", "insurance_exception", "housing_measure", "change") for code, term in CODES[name].items() if code != "none"},
    "resident": "城乡居民医保",
    "employee": "职工医保",
    "paved_road": "通硬化路",
    "safe_water": "安全饮水",
    "power": "通电",
    "clinic": "卫生室",
    "school_access": "就学便利",
    "insurance_in_place": "新农合养老低保五保落实",
    "broadband": "通宽带",
    "year": "按年",
    "rolling": "滚动",
    "registered": "登记在册人口",
    "change_status": "按人员变更计数",
    "fiscal": "上年10月至本年9月",
    "calendar": "自然年度",
    "rolling12": "滚动12个月",
    **{code: exits.stability.REASONS[code] for code in ("below_line", "likely_below")},
    **{code: term for code, term in exits.stability.REASONS.items() if code.startswith("hangs_on_")},
    "all": "全部",
    "one_worker": "一名主要劳动力的",
    "members": "有家庭成员的户",
    "has_such_income": "有此项收入的户",
    "household": "每户",
    "person": "每人",
    "uninsured_member": "每名未参保成员",
    "housing_grade": "住房等级",
    "not_costed": "未估费用",
    "per_year": "每年",
    "once": "一次性",
    "items": "先用收入明细台账",
    "sheet": "先用季度收入表",
    **_BASES,
    **_DENOMINATORS,
    "education": "义务教育",
    "medical": "基本医疗",
    "housing": "住房安全",
    "living": "生活",
}
