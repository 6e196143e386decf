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

TABLES: tuple[Table, ...] = (*_DEPARTMENTS,)
