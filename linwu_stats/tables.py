"""Every table of the house, declared once (数据表).

A table has columns; a column has a name, a logical type, a unit, a Chinese heading and a description.
``require`` refuses a frame that lacks what a function needs; ``conform`` is the last line of the one function that makes a table.
The data dictionary (``docs/data-dictionary.md``) is written from this module, so that it cannot disagree with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats import RefusedError

__all__ = ["CODES", "TABLES", "Column", "Table", "TableError", "conform", "dictionary_text", "empty", "label", "require"]

#: Logical types: pandas type (nullable, so that unknown stays unknown) and narwhals type.
TYPES: dict[str, tuple[str, Any]] = {
    "string": ("string", nw.String),
    "int": ("Int64", nw.Int64),
    "float": ("Float64", nw.Float64),
    "bool": ("boolean", nw.Boolean),
    "date": ("datetime64[us]", nw.Datetime("us")),
}


class TableError(RefusedError):
    """A frame does not fit the table that it claims to be (数据表不符)."""


@dataclass(frozen=True)
class Column:
    """One column: name, logical type, unit, Chinese heading, description; ``codes`` names a list in :data:`CODES`."""

    name: str
    dtype: str
    heading: str
    description: str = ""
    unit: str = ""
    key: bool = False
    required: bool = False
    codes: str = ""


@dataclass(frozen=True)
class Table:
    """One table: name, Chinese title, the one function that makes it, and its columns."""

    name: str
    title: str
    made_by: str
    columns: tuple[Column, ...]

    @property
    def key(self) -> list[str]:
        """Names of the columns that identify a row."""
        return [column.name for column in self.columns if column.key]

    @property
    def names(self) -> list[str]:
        """Names of all columns in order."""
        return [column.name for column in self.columns]

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name}")


#: Codes and their official Chinese terms. A code list is closed: ``conform`` refuses another value.
CODES: dict[str, dict[str, str]] = {
    "poverty_status": {"not_out": "未脱贫", "pre_out": "预脱贫", "out": "已脱贫", "returned": "返贫"},
    "attribute": {"general": "一般贫困户", "low_income": "低保贫困户", "five_guarantee": "五保贫困户"},
    "standard": {"national": "国家标准", "province": "省定标准", "city": "市定标准"},
    "cause": {
        "illness": "因病", "disability": "因残", "study": "因学", "disaster": "因灾", "land": "缺土地", "water": "缺水",
        "skill": "缺技术", "labour": "缺劳力", "funds": "缺资金", "transport": "交通条件落后",
        "motivation": "自身发展动力不足", "marriage": "因婚", "bereavement": "因丧", "other": "其他",
    },
    "relation": {
        "head": "户主", "spouse": "配偶", "son": "之子", "daughter": "之女", "daughter_in_law": "之儿媳",
        "son_in_law": "之女婿", "grandson": "之孙子", "granddaughter": "之孙女", "maternal_grandson": "之外孙子",
        "maternal_granddaughter": "之外孙女", "father": "之父", "mother": "之母", "wife_father": "之岳父",
        "wife_mother": "之岳母", "husband_father": "之公公", "husband_mother": "之婆婆", "grandfather": "之祖父",
        "grandmother": "之祖母", "maternal_grandfather": "之外祖父", "maternal_grandmother": "之外祖母", "other": "其他",
    },
    "sex": {"male": "男", "female": "女"},
    "education": {
        "illiterate": "文盲或半文盲", "primary": "小学", "junior": "初中", "senior": "高中", "college": "大专及以上",
        "preschool": "学龄前儿童",
    },
    "schooling_stage": {
        "none": "非在校生", "preschool": "学前教育", "primary": "小学", "junior": "初中", "senior": "高中",
        "vocational": "中职", "higher_vocational": "高职", "college": "大专及以上",
    },
    "health": {"healthy": "健康", "chronic": "长期慢性病", "serious": "患有大病", "disabled": "残疾"},
    "labour": {
        "ordinary": "普通劳动力", "skilled": "技能劳动力", "weak": "弱劳动力或半劳动力", "lost": "丧失劳动力", "none": "无劳动力",
    },
    "work_place": {"township": "乡(镇)内务工", "county": "乡(镇)外县内务工", "province": "县外省内务工", "outside": "省外务工", "other": "其他"},
    "change": {
        "dead": "死亡", "married_out": "嫁出", "emigrated": "出国定居", "prison": "判刑收监", "married_in": "嫁入",
        "newborn": "新生儿", "moved_in": "其他转入", "moved_out": "其他转出",
    },
    "school_state": {
        "in_school": "在校", "home_teaching": "送教上门", "medically_unable": "因病因残不能就学", "finished": "已完成义务教育",
        "dropout": "失学辍学",
    },
    "basic_insurance": {"resident": "城乡居民医保", "employee": "职工医保", "both": "重复参保", "none": "未参保"},
    "insurance_exception": {"newborn": "新生儿办理中", "soldier": "现役军人"},
    "housing_grade": {"A": "A级", "B": "B级", "C": "C级", "D": "D级"},
    "housing_measure": {"none": "无", "repaired": "修缮加固", "rebuilt": "拆除重建", "moved": "易地搬迁"},
    "village_kind": {"province": "省级贫困村", "city": "市级贫困村", "none": "非贫困村"},
    "village_status": {"out": "已退出", "not_out": "未退出", "not_poor": "非贫困村"},
    "item_class": {"wage": "工资性收入", "business": "生产经营性收入", "property": "财产性收入", "transfer": "转移性收入", "cost": "生产经营性支出"},
    "period": {"quarter": "本季", "ytd": "本年度累计", "last4": "最近四个季度", "year": "上一完整年度"},
    "income_source": {"items": "收入明细台账", "sheet": "季度收入表", "mixed": "明细和季度收入表", "none": "无"},
    "outcome": {"met": "达标", "not_met": "未达标", "unknown": "未知"},
    "income_outcome": {
        "met": "达标", "not_met": "未达标", "already_reached": "已达到", "not_yet": "尚未达到", "unknown": "未知",
    },
    "verdict": {"meets_exit": "符合退出条件", "not_out": "不符合退出条件", "unknown": "不能判定"},
    "level": {"county": "县", "township": "乡镇", "village": "村"},
    "check_subject": {"household": "户", "person": "人", "village": "村"},
    "check_outcome": {"fail": "有问题", "unknown": "未知"},
    "check_severity": {"error": "错误", "warning": "疑点"},
    "transition": {
        "stayed_poor": "仍未脱贫", "stayed_out": "仍已脱贫", "newly_out": "新脱贫", "fallen_back": "返贫", "newly_registered": "新识别",
        "left_register": "移出", "unknown": "未知",
    },
}


def _c(name: str, dtype: str, heading: str, description: str = "", *, unit: str = "", codes: str = "", required: bool = False) -> Column:
    return Column(name, dtype, heading, description, unit, False, required, codes)


def _k(name: str, heading: str, description: str = "", *, codes: str = "", dtype: str = "string") -> Column:
    return Column(name, dtype, heading, description, "", True, True, codes)


def _table(name: str, title: str, made_by: str, *columns: Column) -> Table:
    return Table(name, title, made_by, columns)


_HOUSEHOLD = _k("household_id", "户编号", "household code of the register, 14 digits, text")
_TOWNSHIP = _c("township_code", "string", "乡镇代码", "nine digits", required=True)
_VILLAGE = _c("village_code", "string", "行政村代码", "twelve digits", required=True)

_TABLES = (
    # ---- what the ledgers say (made by ledgers) -------------------------------------------------------------------
    _table(
        "villages", "行政村表", "linwu_stats.ledgers.intake.villages",
        _k("village_code", "行政村代码", "twelve digits, text"),
        _c("township_code", "string", "乡镇代码", required=True),
        _c("village_name", "string", "行政村", required=True),
        _c("village_kind", "string", "贫困村类别", codes="village_kind"),
        _c("village_status", "string", "贫困村退出状态", codes="village_status"),
        _c("exit_year", "int", "退出年度"),
        _c("rural_population_persons", "int", "乡村户籍人口", "denominator of the incidence rate", unit="人"),
        _c("resident_population_persons", "int", "常住人口", unit="人"),
        _c("collective_income_fen", "int", "村集体经济收入", "income of the village collective this year so far", unit="分"),
        _c("paved_road", "bool", "通硬化路"),
        _c("safe_water", "bool", "安全饮水达标"),
        _c("power", "bool", "通生活生产用电"),
        _c("clinic", "bool", "有标准化卫生室"),
        _c("school_access", "bool", "就学便利"),
        _c("insurance_in_place", "bool", "新农合养老低保五保落实"),
        _c("broadband", "bool", "通宽带"),
    ),
    _table(
        "households", "贫困户表", "linwu_stats.ledgers.intake.households",
        _HOUSEHOLD, _TOWNSHIP, _VILLAGE,
        _c("natural_village", "string", "自然村"),
        _c("poverty_status", "string", "脱贫属性", codes="poverty_status"),
        _c("exit_year", "int", "脱贫年度"),
        _c("attribute", "string", "贫困户属性", codes="attribute"),
        _c("standard", "string", "识别标准", codes="standard"),
        _c("cause", "string", "主要致贫原因", codes="cause"),
        _c("recorded_size_persons", "int", "登记人数", "size that the ledger states", unit="人"),
        _c("recorded_percapita_fen", "int", "登记人均纯收入", "per-capita net income that the system states", unit="分"),
        _c("dangerous_house", "bool", "危房户", "as the register says; the housing ledger decides"),
        _c("water_safe", "bool", "饮水安全", "as the register says"),
        _c("water_hard", "bool", "饮水困难", "as the register says"),
        _c("arable_mu", "float", "耕地面积", unit="亩"),
        _c("forest_mu", "float", "林地面积", unit="亩"),
        _c("house_area_m2", "float", "住房面积", unit="平方米"),
        _c("irrigated_mu", "float", "有效灌溉面积", unit="亩"),
        _c("grain_to_green_mu", "float", "退耕还林面积", unit="亩"),
        _c("orchard_mu", "float", "林果面积", unit="亩"),
        _c("grass_mu", "float", "牧草地面积", unit="亩"),
        _c("pond_mu", "float", "水面面积", unit="亩"),
        _c("other_causes", "string", "其他致贫原因", "official terms as the register lists them"),
        _c("danger_grade", "string", "危房等级", "as the register says; the housing ledger decides"),
        _c("road_distance_km", "float", "与村主干路距离", unit="公里"),
        _c("road_kind", "string", "入户路类型"),
        _c("farm_power", "bool", "是否通生产用电"),
        _c("home_power", "bool", "是否通生活用电"),
        _c("fuel", "string", "主要燃料类型"),
        _c("cooperative", "bool", "是否加入农民专业合作组织"),
        _c("toilet", "bool", "是否有卫生厕所"),
        _c("phone_given", "bool", "户联系电话已填", "whether the cell is filled; the number itself is not kept"),
        _c("bank_given", "bool", "开户行和银行卡号已填", "whether both cells are filled; the numbers themselves are not kept"),
        _c("recorded_wage_fen", "int", "登记工资性收入", "yearly figure of the system, as are the next ones", unit="分"),
        _c("recorded_business_fen", "int", "登记生产经营性收入", unit="分"),
        _c("recorded_cost_fen", "int", "登记生产经营性支出", unit="分"),
        _c("recorded_property_fen", "int", "登记财产性收入", unit="分"),
        _c("recorded_transfer_fen", "int", "登记转移性收入", unit="分"),
        _c("recorded_family_planning_fen", "int", "登记计划生育金", unit="分"),
        _c("recorded_allowance_fen", "int", "登记低保金", unit="分"),
        _c("recorded_five_guarantee_fen", "int", "登记五保金", unit="分"),
        _c("recorded_pension_fen", "int", "登记养老保险金", unit="分"),
        _c("recorded_ecology_fen", "int", "登记生态补偿金", unit="分"),
        _c("recorded_other_transfer_fen", "int", "登记其他转移性收入", unit="分"),
        _c("recorded_gross_fen", "int", "登记年收入", unit="分"),
        _c("recorded_net_fen", "int", "登记纯收入", unit="分"),
    ),
    _table(
        "persons", "贫困人口表", "linwu_stats.ledgers.intake.persons",
        _k("person_id", "人编号", "sixteen digits, text"),
        _c("household_id", "string", "户编号", required=True),
        _c("relation", "string", "与户主关系", codes="relation"),
        _c("sex", "string", "性别", codes="sex"),
        _c("birth_date", "date", "出生日期"),
        _c("education", "string", "文化程度", codes="education"),
        _c("schooling_stage", "string", "在校生状况", codes="schooling_stage"),
        _c("health", "string", "健康状况", codes="health"),
        _c("labour", "string", "劳动技能", codes="labour"),
        _c("work_place", "string", "务工状况", codes="work_place"),
        _c("work_months", "int", "务工时间", unit="月"),
        _c("serious_illness_insurance", "bool", "是否参加大病医疗"),
        _c("change", "string", "人员变更", "blank: no change since the last quarter", codes="change"),
        _c("resident", "bool", "是否常住", "lives here 6 months or more, or is economically one with the household"),
        _c("nation", "string", "民族"),
        _c("soldier", "bool", "是否现役军人"),
        _c("on_allowance", "bool", "是否享受低保"),
        _c("employer_given", "bool", "务工企业已填", "whether the cell is filled; the name itself is not kept"),
        _c("disability_certificate", "bool", "是否有残疾人证", "whether the register holds a certificate; the number itself is not kept"),
    ),
    _table(
        "housing", "住房安全台账", "linwu_stats.ledgers.intake.housing",
        _HOUSEHOLD,
        _c("housing_grade", "string", "住房等级", codes="housing_grade"),
        _c("housing_measure", "string", "改造方式", codes="housing_measure"),
        _c("measure_finished", "bool", "改造是否竣工入住"),
        _c("certificate", "string", "鉴定书编号", "certificate of the housing office"),
    ),
    _table(
        "water", "饮水安全台账", "linwu_stats.ledgers.intake.water",
        _HOUSEHOLD,
        _c("litres_per_person_day", "int", "人均日供水量", unit="升"),
        _c("fetch_minutes", "int", "往返取水时间", unit="分钟"),
        _c("supply_days", "int", "年供水天数", unit="天"),
        _c("quality_ok", "bool", "水质达标"),
    ),
    _table(
        "living", "两不愁入户核查台账", "linwu_stats.ledgers.intake.living",
        _HOUSEHOLD, _c("food_ok", "bool", "不愁吃"), _c("clothing_ok", "bool", "不愁穿"),
    ),
    _table(
        "schooling", "义务教育台账", "linwu_stats.ledgers.intake.schooling",
        _k("person_id", "人编号"), _c("household_id", "string", "户编号", required=True),
        _c("school_state", "string", "就学状态", codes="school_state"),
    ),
    _table(
        "insurance", "医疗保险台账", "linwu_stats.ledgers.intake.insurance",
        _k("person_id", "人编号"), _c("household_id", "string", "户编号", required=True),
        _c("basic_insurance", "string", "基本医保", codes="basic_insurance"),
        _c("serious_illness", "bool", "大病保险"),
        _c("medical_aid", "bool", "医疗救助"),
        _c("insurance_exception", "string", "例外情形", codes="insurance_exception"),
    ),
    _table(
        "income_items", "收入明细台账", "linwu_stats.ledgers.intake.income_items",
        _k("line_id", "行号", "file and row of the ledger line, unique within the quarter"),
        _c("household_id", "string", "户编号", required=True),
        _c("quarter", "string", "季度", required=True),
        _c("item_key", "string", "收入项目", "key of a rule under item.", required=True),
        _c("in_kind", "bool", "是否实物", "received or consumed in kind"),
        _c("amount_fen", "int", "金额", "money as recorded; unknown where the cell cannot be trusted", unit="分"),
        _c("quantity_milli", "int", "数量(千分之一单位)", "quantity in thousandths of the item's unit"),
        _c("recorded_price_fen", "int", "记录单价", "price that the ledger states, for comparison only", unit="分"),
    ),
    _table(
        "income_sheet", "季度收入表", "linwu_stats.ledgers.intake.income_sheet",
        _HOUSEHOLD, _k("quarter", "季度"),
        _c("recorded_size_persons", "int", "家庭人口", unit="人"),
        _c("wage_fen", "int", "工资性收入", unit="分"),
        _c("business_fen", "int", "生产经营性收入", unit="分"),
        _c("property_fen", "int", "财产性收入", unit="分"),
        _c("transfer_fen", "int", "转移性收入", unit="分"),
        _c("cost_fen", "int", "生产经营性支出", unit="分"),
        _c("net_fen", "int", "纯收入", unit="分"),
        _c("percapita_fen", "int", "人均纯收入", unit="分"),
    ),
    _table(
        "findings", "台账问题清单", "linwu_stats.ledgers.intake.findings",
        _k("finding_id", "序号"), _c("file", "string", "文件"), _c("code", "string", "问题代码"), _c("severity", "string", "严重程度"),
        _c("outcome", "string", "处理结果"), _c("sheet", "string", "工作表"), _c("cell", "string", "单元格"), _c("row", "int", "行"),
        _c("column", "string", "列"), _c("household_id", "string", "户编号"), _c("message", "string", "说明"), _c("fixer", "string", "整改单位"),
    ),
    # ---- income ----------------------------------------------------------------------------------------------------
    _table(
        "item_amounts", "收入项目核算表", "linwu_stats.income.account.account_items",
        _k("line_id", "行号"), _c("household_id", "string", "户编号", required=True), _c("quarter", "string", "季度", required=True),
        _c("item_key", "string", "收入项目", required=True),
        _c("item_class", "string", "收入类别", codes="item_class"),
        _c("sign", "int", "符号", "+1 income, -1 cost"),
        _c("counted", "bool", "是否计入", "whether the rule in force counts it"),
        _c("amount_fen", "int", "核算金额", "in kind: quantity times the rule's price; unknown stays unknown", unit="分"),
        _c("reason_code", "string", "原因代码", "why counted, not counted or unknown"),
    ),
    _table(
        "headcounts", "家庭人口核算表", "linwu_stats.income.account.count_heads",
        _HOUSEHOLD,
        _c("headcount_rule", "string", "人口口径", "key of the rule that counted"),
        _c("headcount_persons", "int", "计算人口", unit="人"),
        _c("registered_persons", "int", "登记在册人口", unit="人"),
        _c("reason_code", "string", "原因代码", "why the head count is unknown"),
    ),
    _table(
        "household_income", "家庭纯收入表", "linwu_stats.income.account.account_households",
        _HOUSEHOLD, _k("period", "核算期", codes="period"),
        _c("first_quarter", "string", "起始季度"), _c("last_quarter", "string", "截止季度"),
        _c("quarters_expected", "int", "应有季度数"), _c("quarters_known", "int", "已知季度数"),
        _c("income_source", "string", "采用来源", codes="income_source"),
        _c("wage_fen", "int", "工资性收入", unit="分"),
        _c("business_fen", "int", "生产经营性收入", "gross", unit="分"),
        _c("cost_fen", "int", "生产经营性支出", "operating costs, taxes and depreciation", unit="分"),
        _c("business_net_fen", "int", "生产经营净收入", "may be negative", unit="分"),
        _c("property_fen", "int", "财产性收入", unit="分"),
        _c("transfer_fen", "int", "转移性收入", unit="分"),
        _c("net_fen", "int", "纯收入", unit="分"),
        _c("excluded_fen", "int", "不计入的收入", "receipts that the rules do not count, kept and shown", unit="分"),
        _c("headcount_persons", "int", "计算人口", unit="人"),
        _c("percapita_fen", "int", "人均纯收入", "rounded half up to one fen, for showing only; never compared with a line", unit="分"),
        _c("sheet_net_fen", "int", "季度收入表纯收入", "what the wide sheet says for the same quarters", unit="分"),
        _c("sheet_difference_fen", "int", "两表差额", "line items minus sheet", unit="分"),
        _c("reason_code", "string", "原因代码", "why net or per-capita income is unknown; null where both are known"),
    ),
    # ---- checks of the ledgers, some of which need the income ------------------------------------------------------
    _table(
        "check_results", "台账检查问题清单", "linwu_stats.ledgers.checks.check_results",
        _k("check_key", "检查项", "key of an entry of law/ledger_checks.yaml"),
        _k("subject_id", "对象编号", "household, person or village code"),
        _c("subject", "string", "对象", codes="check_subject"), _c("township_code", "string", "乡镇代码"), _c("village_code", "string", "行政村代码"),
        _c("household_id", "string", "户编号"), _c("person_id", "string", "人编号"),
        _c("outcome", "string", "结果", "rows that passed are counted, not listed", codes="check_outcome"),
        _c("severity", "string", "严重程度", codes="check_severity"), _c("fixer", "string", "整改单位"),
    ),
    _table(
        "check_counts", "台账检查计数表", "linwu_stats.ledgers.checks.check_counts",
        _k("check_key", "检查项", "key of an entry of law/ledger_checks.yaml"), _k("township_code", "乡镇代码"),
        _c("title", "string", "检查内容"), _c("subject", "string", "对象", codes="check_subject"),
        _c("severity", "string", "严重程度", codes="check_severity"), _c("fixer", "string", "整改单位"),
        _c("rows", "int", "应查", "passed, failed and unknown together"), _c("passed", "int", "通过"), _c("failed", "int", "有问题"),
        _c("unknown", "int", "未知"),
        _c("absent", "string", "台账所缺的列", "needed columns that no row fills: its unknown rows are not listed one by one"),
    ),
    # ---- indicators ------------------------------------------------------------------------------------------------
    _table(
        "indicators", "指标表", "linwu_stats.indicators.make_indicators",
        _k("level", "层级", codes="level"), _k("area_code", "地区代码"), _k("group_kind", "分组方式", "all, attribute, cause or poverty_status"),
        _k("group_value", "分组", "code of the group, 'all' for everybody"), _k("period", "核算期", codes="period"), _k("indicator", "指标"),
        _c("value", "float", "数值"), _c("unit", "string", "单位"),
        _c("households", "int", "户数", unit="户"), _c("persons", "int", "人数", unit="人"),
        _c("unknown_households", "int", "收入未知户数", unit="户"), _c("unknown_persons", "int", "收入未知人数", unit="人"),
        _c("reason_code", "string", "原因代码", "why the value is null"),
    ),
    # ---- exits -----------------------------------------------------------------------------------------------------
    _table(
        "household_exit_tests", "贫困户退出检验表", "linwu_stats.exits.household.test_households",
        _HOUSEHOLD, _k("rule_key", "规则", "exit.household.income, .food, .clothing, .education, .medical, .housing, .water"),
        _c("outcome", "string", "结果", codes="outcome"), _c("reason_code", "string", "原因代码"),
        _c("evidence", "string", "依据", "the ledger values that decided, without names"),
    ),
    _table(
        "household_exit", "贫困户退出评估表", "linwu_stats.exits.household.assess_households",
        _HOUSEHOLD,
        _c("income_outcome", "string", "收入", codes="income_outcome"), _c("food", "string", "不愁吃", codes="outcome"),
        _c("clothing", "string", "不愁穿", codes="outcome"), _c("education", "string", "义务教育", codes="outcome"),
        _c("medical", "string", "基本医疗", codes="outcome"), _c("housing", "string", "住房安全", codes="outcome"),
        _c("water", "string", "饮水安全", codes="outcome"),
        _c("period", "string", "核算期", codes="period"), _c("line_year", "int", "标准年度"),
        _c("line_fen", "int", "扶贫标准", "per person and year", unit="分"),
        _c("net_fen", "int", "纯收入", unit="分"), _c("headcount_persons", "int", "计算人口", unit="人"),
        _c("distance_fen", "int", "与标准的差距", "net income minus line times members, of the household", unit="分"),
        _c("verdict", "string", "评估结论", codes="verdict"),
        _c("missing", "string", "未达标或未知的条件", "rule keys, not_met first, separated by a space"),
    ),
    _table(
        "cohort_checks", "历年脱贫户复核表", "linwu_stats.exits.household.check_cohorts",
        _HOUSEHOLD, _c("exit_year", "int", "脱贫年度"), _c("period", "string", "核算期", codes="period"),
        _c("own_line_year", "int", "脱贫当年标准年度"), _c("own_line_fen", "int", "脱贫当年标准", unit="分"),
        _c("own_line_outcome", "string", "对脱贫当年标准", codes="income_outcome"),
        _c("today_line_year", "int", "现行标准年度"), _c("today_line_fen", "int", "现行标准", unit="分"),
        _c("today_line_outcome", "string", "对现行标准", codes="income_outcome"), _c("reason_code", "string", "原因代码"),
    ),
    _table(
        "village_exit", "贫困村退出评估表", "linwu_stats.exits.village.assess_villages",
        _k("village_code", "行政村代码"), _c("township_code", "string", "乡镇代码"), _c("village_kind", "string", "贫困村类别", codes="village_kind"),
        _c("village_status", "string", "贫困村退出状态", codes="village_status"),
        _c("poor_persons", "int", "未脱贫人口", unit="人"), _c("denominator_persons", "int", "分母人口", unit="人"),
        _c("incidence_share", "float", "贫困发生率"), _c("incidence", "string", "发生率", codes="outcome"),
        _c("collective_income_fen", "int", "村集体经济收入", unit="分"),
        _c("collective_income", "string", "集体经济", codes="outcome"), _c("infrastructure", "string", "基础设施和公共服务", codes="outcome"),
        _c("verdict", "string", "评估结论", codes="verdict"), _c("missing", "string", "未达标或未知的条件"),
    ),
    _table(
        "county_exit", "县级评估表", "linwu_stats.exits.county.assess_county",
        _k("measure", "测算项目"), _c("value", "float", "数值"), _c("unit", "string", "单位"), _c("low", "float", "下界"), _c("high", "float", "上界"),
        _c("outcome", "string", "结果", codes="outcome"), _c("rule_key", "string", "规则"), _c("note", "string", "说明"),
    ),
    _table(
        "transitions", "状态变动表", "linwu_stats.exits.transitions.compare_quarters",
        _HOUSEHOLD, _c("township_code", "string", "乡镇代码"), _c("village_code", "string", "行政村代码"),
        _c("status_before", "string", "上期脱贫属性", codes="poverty_status"), _c("status_now", "string", "本期脱贫属性", codes="poverty_status"),
        _c("transition", "string", "变动", codes="transition"), _c("persons", "int", "人数", unit="人"),
        _c("verdict_before", "string", "上期结论", codes="verdict"), _c("verdict_now", "string", "本期结论", codes="verdict"),
        _c("why", "string", "原因", "reason codes: what changed, separated by a space"),
    ),
)

#: All tables by name, in the order in which a quarter makes them.
TABLES: dict[str, Table] = {table.name: table for table in _TABLES}


def label(codes: str, value: Any) -> str:
    """Official Chinese term of a code (代码对应的正式名称); an unknown value is shown as 未知."""
    if pd.isna(value):
        return "未知"
    return CODES[codes].get(str(value), str(value))


def require(frame: Any, name: str, *columns: str) -> None:
    """Refuse a frame that lacks ``columns`` of table ``name`` (all required columns when none is named).

    Raises :class:`TableError` that names the table, the columns that are missing and those that are there.
    """
    table = TABLES[name]
    wanted = columns or tuple(column.name for column in table.columns if column.required or column.key)
    have = nw.from_native(frame).collect_schema().names()
    missing = [column for column in wanted if column not in have]
    if missing:
        words = "、".join(f"{column}({table[column].heading})" for column in missing)
        raise TableError(f"{table.title} ({name}): columns missing: {words}. Found: {', '.join(have)}")


def empty(name: str) -> pd.DataFrame:
    """An empty pandas frame of table ``name`` with the declared types."""
    return pd.DataFrame({column.name: pd.Series([], dtype=TYPES[column.dtype][0]) for column in TABLES[name].columns})


def conform(frame: Any, name: str) -> Any:
    """Bring a frame to the declared columns, order and types of table ``name`` and check it (规范化).

    Takes a pandas frame or any frame that narwhals knows; gives the same kind. Columns that are optional and absent become unknown.
    On pandas the key must be whole and unique, required columns without blanks, and coded columns within their code list; lazy engines are
    checked for columns and types only, since each further check would cost a query. Raises :class:`TableError`.
    """
    table = TABLES[name]
    require(frame, name)
    wrapped = nw.from_native(frame)
    have = set(wrapped.collect_schema().names())
    if not isinstance(frame, pd.DataFrame):
        return wrapped.select(
            *(
                (nw.col(column.name) if column.name in have else nw.lit(None)).cast(TYPES[column.dtype][1]).alias(column.name)
                for column in table.columns
            )
        ).to_native()
    out = {}
    for column in table.columns:
        dtype = TYPES[column.dtype][0]
        if column.name not in have:
            out[column.name] = pd.Series(pd.NA if column.dtype != "date" else pd.NaT, index=frame.index, dtype=dtype)
            continue
        try:
            out[column.name] = frame[column.name].astype(dtype)
        except (TypeError, ValueError, OverflowError) as error:
            raise TableError(f"{table.title} ({name}): column {column.name}({column.heading}) is not {column.dtype}: {error}") from error
    result = pd.DataFrame(out).reset_index(drop=True)
    _check(result, table)
    return result


def _check(frame: pd.DataFrame, table: Table) -> None:
    for column in table.columns:
        values = frame[column.name]
        if (column.required or column.key) and values.isna().any():
            raise TableError(f"{table.title} ({table.name}): {column.name}({column.heading}) is blank in {int(values.isna().sum())} rows")
        if column.codes:
            strange = sorted(set(values.dropna().unique()) - set(CODES[column.codes]))
            if strange:
                raise TableError(f"{table.title} ({table.name}): {column.name}({column.heading}) has values outside its code list: {strange[:5]}")
    if table.key and frame.duplicated(table.key).any():
        raise TableError(f"{table.title} ({table.name}): {int(frame.duplicated(table.key).sum())} rows repeat the key {'+'.join(table.key)}")


def dictionary_text() -> str:
    """The data dictionary as Markdown (数据字典), written from the declarations above."""
    lines = ["# Data dictionary (数据字典)", "", "Written by `linwu-stats dictionary` from `linwu_stats/tables.py`; do not edit by hand.", ""]
    for table in TABLES.values():
        lines += [f"## `{table.name}` {table.title}", "", f"Made by `{table.made_by}`.", ""]
        lines += ["| column | 列 | type | unit | key | description | codes |", "|---|---|---|---|---|---|---|"]
        for column in table.columns:
            codes = "、".join(f"{code} {term}" for code, term in CODES[column.codes].items()) if column.codes else ""
            cells = (f"`{column.name}`", column.heading, column.dtype, column.unit, "yes" if column.key else "", column.description, codes)
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)
