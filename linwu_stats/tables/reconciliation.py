"""Three sources of the register side by side, and what departments know (台账比对数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import TOWNSHIP, VILLAGE, Table, column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "department_list": {
        "payroll": "财政供养人员名册", "vehicles": "机动车登记名册", "property": "不动产登记名册", "business": "市场主体登记名册",
        "pension": "养老保险待遇发放名册", "deaths": "死亡人口名册", "disability": "残疾人证名册", "enrolment": "在校学籍名册", "medical": "医保参保名册",
        "allowance": "低保对象名册",
    },
    "flag_direction": {"listed": "名册有而登记不符", "missing": "登记有而名册没有"},
    "flag_severity": {"high": "重点核实", "normal": "一般核实", "low": "提示"},
    "source": {"system": "系统", "booklet": "扶贫手册", "household_file": "一户一档"},
    "match_tier": {
        "id_number": "证件号相符", "household_name": "同户同名", "village_pinyin_birth": "同村、读音和出生日期相符", "household_birth": "同户、出生日期相符",
        "code": "户编号相符", "members": "成员相符而户编号不符", "similar_name": "同村姓名相近",
    },
    "flag_strength": {"exact": "证件号相符", "weak": "证件号不可用，仅姓名、村和出生日期相符"},
}

_DEPARTMENTS = (
    table(
        "department_flags", "部门比对疑点清单", "linwu_stats.ledgers.departments.department_flags",
        key("flag_id", "疑点编号", "flag and person or household: the same in every quarter"),
        column("flag_key", "string", "疑点规则", "key of a rule under flag.", required=True), column("title", "string", "疑点"),
        column("household_id", "string", "户编号", required=True),
        column("person_id", "string", "人编号", "blank: the doubt is about the whole household"), TOWNSHIP, VILLAGE,
        column("list", "string", "名册", codes="department_list", required=True), column("file", "string", "文件"),
        column("row", "int", "行", "row of the list; blank where the doubt is that there is none"),
        column("records", "int", "名册记录数", "rows of the list that raise the doubt"),
        column("strength", "string", "匹配", "a weak match may be somebody else", codes="flag_strength", required=True),
        column("severity", "string", "轻重", codes="flag_severity"),
        column("evidence", "string", "名册内容", "days, amounts, codes and usual words only: no name, number or address"),
        column("fixer", "string", "核实单位"), column("advice", "string", "核实要点"),
    ),
    table(
        "department_counts", "部门比对计数表", "linwu_stats.ledgers.departments.department_counts",
        key("flag_key", "疑点规则", "key of a rule under flag."), key("township_code", "乡镇代码"),
        column("title", "string", "疑点"), column("list", "string", "名册", codes="department_list", required=True),
        column("direction", "string", "方向", codes="flag_direction"), column("subject", "string", "对象", codes="check_subject"),
        column("severity", "string", "轻重", codes="flag_severity"), column("fixer", "string", "核实单位"),
        column("list_given", "bool", "是否提供名册", "where it was not given everything about it is unknown", required=True),
        column("list_rows", "int", "名册行数", "of the whole list, the same for each township"),
        column("list_rows_without_id", "int", "名册中证件号不可用的行数", "of the whole list, the same for each township"),
        column("matched", "int", "名册中的登记人口", unit="人"),
        column("matched_weak", "int", "其中证件号不可用的匹配", unit="人"),
        column("without_id", "int", "登记证件号不可用且未匹配", "persons who could not be looked up", unit="人"),
        column("flagged", "int", "疑点", "persons or households, as the subject says"),
        column("unknown", "int", "不能判断", "persons or households of whom list or register do not say enough"),
    ),
)

_SOURCES = (
    table(
        "source_presence", "三方在册情况表", "linwu_stats.ledgers.reconcile.source_presence",
        key("presence_id", "序号", "household or person; for one that the system does not have, source and row"),
        column("subject", "string", "对象", codes="check_subject", required=True),
        column("household_id", "string", "户编号", "of the system, else as the source writes it"), column("person_id", "string", "人编号"),
        column("township_code", "string", "乡镇代码"), column("village_code", "string", "行政村代码"),
        column("pattern", "string", "在册", "system, booklet, household file: 1 there, 2 doubled, 0 not there, - source not given", required=True),
        column("booklet_tier", "string", "手册匹配", codes="match_tier"), column("household_file_tier", "string", "档案匹配", codes="match_tier"),
        column("booklet_code", "string", "手册所写户编号", "where it is not the system's"),
        column("household_file_code", "string", "档案所写户编号", "where it is not the system's"),
    ),
    table(
        "match_candidates", "匹配候选表", "linwu_stats.ledgers.reconcile.match_candidates",
        key("candidate_id", "序号"),
        column("source", "string", "来源", codes="source", required=True), column("file", "string", "文件"), column("row", "int", "行", "row of the source"),
        column("household_id", "string", "户编号", "of the person who may be meant"), column("person_id", "string", "人编号"),
        column("tier", "string", "依据", codes="match_tier", required=True), column("score", "int", "姓名相似度", "0 to 100"),
        column("linked", "bool", "是否已据此匹配", "linked by the rule, and shown; else nobody decided", required=True),
    ),
    table(
        "source_differences", "三方差异清单", "linwu_stats.ledgers.trials.verdict_changes",
        key("difference_id", "差异编号", "household, person and field: the same in every quarter"),
        column("subject", "string", "对象", codes="check_subject", required=True),
        column("household_id", "string", "户编号", required=True), column("person_id", "string", "人编号"), TOWNSHIP, VILLAGE,
        column("field", "string", "项目", "table and column that it is about, or presence", required=True), column("heading", "string", "项目名称"),
        column("system_value", "string", "系统", "code, day or fen as text; 甲, 乙, 丙 for what may not be shown"),
        column("booklet_value", "string", "扶贫手册"),
        column("household_file_value", "string", "一户一档"),
        column("pattern", "string", "异同", "letters by source: equal letters are equal values, ? unknown, - not given or not there"),
        column("agreed_value", "string", "拟采信值", "a proposal: the figures are made from the system's tables"),
        column("agreed_source", "string", "采信依据", "source, or two_of_three"),
        column("rule_key", "string", "规则", "reconcile.field.* or reconcile.presence"),
        column("changes_verdict", "bool", "是否改变结论", "tried on the assessment; unknown where it was not tried"),
        column("changed_conditions", "string", "改变的条件", "columns of household_exit that would change, separated by a space"),
        column("verdict_now", "string", "现结论", codes="verdict"), column("verdict_then", "string", "采信另一来源后的结论", codes="verdict"),
        column("trial_source", "string", "试算来源", codes="source"), column("fixer", "string", "整改单位"),
    ),
    table(
        "source_counts", "三方比对计数表", "linwu_stats.ledgers.reconcile.source_counts",
        key("township_code", "乡镇代码"), key("field", "项目", "table and column, or presence of households and persons"),
        column("heading", "string", "项目名称"), column("subject", "string", "对象", codes="check_subject"),
        column("compared", "int", "可比", "two sources at least say something"), column("agree", "int", "一致"), column("differ", "int", "不一致"),
        column("unknown", "int", "不能比", "fewer than two sources say something"), column("change_verdict", "int", "其中改变结论"),
    ),
)

TABLES: tuple[Table, ...] = (*_DEPARTMENTS, *_SOURCES)
