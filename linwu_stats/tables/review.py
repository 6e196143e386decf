"""Double review, the work list and corrections (双人复核、整改清单和更正数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import HOUSEHOLD, TOWNSHIP, VILLAGE, column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "reviewer": {"A": "复核人甲", "B": "复核人乙", "C": "裁定人"},
    "answer_state": {"answered": "已填", "cannot": "无法核实", "invalid": "填写无效"},
    "agreement_basis": {"value": "两人所填的值", "error": "是否与台账不符"},
    "bound_method": {"exact": "精确二项", "design": "按设计权数"},
    "work_kind": {
        "finding": "读取问题", "check": "台账检查", "difference": "三方比对", "flag": "部门疑点", "review": "双人复核", "correction": "更正未改入台账",
    },
    "gravity": {"verdict": "影响结论", "error": "错误", "warning": "疑点"},
    "work_status": {
        "new": "新增", "open": "未改", "mended": "已改", "verified": "经核实无误", "unchecked": "本季无法检查", "gone": "对象已不在名册",
    },
    "work_note": {"not_entered": "上季已更正，未改入台账", "came_back": "曾经改好，再次出现"},
    "office": {"township": "乡镇", "county": "县级部门"},
    "correction_answer": {"mended": "已改正", "verified": "经核实无误", "cannot": "无法核实", "not_ours": "不属本单位"},
    "correction_reason": {
        "applied": "已按更正值使用", "closed": "疑点已结清", "noted": "已登记，数值不变", "repeated": "与另一份完全相同，只计一次",
        "unknown_item": "不是本季发出的事项", "other_household": "户编号与事项不符，可能错行", "no_answer": "没有选择答复", "bad_answer": "答复不在选项中",
        "no_who": "没有填经办人", "no_when": "没有填日期或日期无效", "no_field": "没有选择改正项目或不在可选范围", "no_value": "没有填改正后的值",
        "bad_value": "改正后的值无效", "unchanged": "改正后的值与现值相同", "ledger_changed": "台账已变", "contradicts": "两份更正互相矛盾",
        "not_correctable": "该事项不能用更正表改，请改台账后重报", "no_row": "台账中没有该对象",
        "error_not_closed": "错误不能以经核实无误结清，请改正或说明", "value_not_used": "答复不是已改正，所填的值没有使用",
    },
}

TABLES = (
    table(
        "review_sample", "双人复核样本表", "linwu_stats.ledgers.review.draw_review_sample",
        HOUSEHOLD, TOWNSHIP, VILLAGE,
        column("draw_order", "int", "抽样序号", "order in which the household stands in its township's sheet"),
        column("stratum_households", "int", "乡镇户数", "households of the township in the frame", unit="户"),
        column("taken_households", "int", "抽取户数", "households drawn in the township", unit="户"),
        column("inclusion_share", "float", "入样概率"), column("weight", "float", "权数", "one over the inclusion probability"),
    ),
    table(
        "review_answers", "双人复核答案表", "linwu_stats.ledgers.review_answers.review_answers",
        key("subject_id", "对象编号", "household or person code"), key("field", "复核项目", "table.column"), key("reviewer", "复核人", codes="reviewer"),
        column("household_id", "string", "户编号", required=True), column("township_code", "string", "乡镇代码", required=True),
        column("state", "string", "填写情况", "a cell left blank has no row", codes="answer_state"),
        column("value", "string", "所填的值", "code, whole fen, number or true/false; the ledger's own value stands in no review sheet"),
        column("mark", "string", "复核人编号", "number of the signature in the sheets, R01 …; the name itself is not kept"),
        column("file", "string", "文件"), column("row", "int", "行"),
    ),
    table(
        "review_agreement", "双人复核一致性表", "linwu_stats.ledgers.review_report.review_agreement",
        key("pair", "复核组", "all, or the two reviewers' numbers such as R01-R02"), key("field", "复核项目", "table.column"),
        key("basis", "比较内容", codes="agreement_basis"),
        column("subjects", "int", "应比对象"), column("both", "int", "两人都填"), column("agreed", "int", "一致"), column("differed", "int", "不一致"),
        column("one_only", "int", "只有一人填"), column("neither", "int", "两人都没填"), column("agreement_share", "float", "一致率"),
        column("positive", "string", "所看类别", "the category that positive agreement is about: error, or the rarest value used"),
        column("positive_both", "int", "两人都填该类别"), column("positive_one", "int", "只有一人填该类别"),
        column("positive_agreement", "float", "该类别一致率", "2a / (2a + b + c)"),
        column("kappa", "float", "Kappa系数", "Cohen's; never shown without the counts and the positive agreement beside it"),
        column("kappa_low", "float", "Kappa下界", "95 percent"), column("kappa_high", "float", "Kappa上界", "95 percent"),
        column("ac1", "float", "AC1系数", "Gwet's, which rare categories do not upset"),
        column("hidden_errors", "float", "估计漏查差错", "Chapman's estimate less the errors that either found; information only, assumes independence"),
        column("reason_code", "string", "原因代码"),
    ),
    table(
        "review_error_rates", "台账差错率表", "linwu_stats.ledgers.review_report.review_error_rates",
        key("area_code", "地区代码", "county or township"), key("field", "复核项目", "table.column, or all: the household has an error in any field"),
        column("population_households", "int", "总体户数", unit="户"), column("drawn_households", "int", "抽取户数", unit="户"),
        column("settled_households", "int", "已核定户数", "the reviewers agree, or the third person decided", unit="户"),
        column("unsettled_households", "int", "未裁定户数", "counted as errors in the upper bound", unit="户"),
        column("unanswered_households", "int", "未复核户数", "neither answered", unit="户"),
        column("error_households", "int", "差错户数", unit="户"), column("blank_households", "int", "其中台账空白", unit="户"),
        column("error_share", "float", "差错率", "of the settled households, weighted by township"),
        column("exact_upper_share", "float", "精确上限", "one-sided, errors and unsettled households over those looked at, without weights"),
        column("upper_share", "float", "差错率上限", "one-sided; where townships are sampled at different rates never below the exact one"),
        column("finite_upper_share", "float", "有限总体上限", "hypergeometric, of the population as it is; information", ),
        column("method", "string", "上限算法", codes="bound_method"), column("reason_code", "string", "原因代码"),
    ),
    table(
        "corrections", "更正登记表", "linwu_stats.ledgers.corrections.corrections",
        key("correction_id", "更正编号", "file, sheet and row of the returned workbook"), column("item_id", "string", "事项编号"),
        column("household_id", "string", "户编号"), column("person_id", "string", "人编号"), column("township_code", "string", "乡镇代码"),
        column("table", "string", "数据表"), column("subject_id", "string", "对象编号"), column("column", "string", "列"),
        column("before", "string", "改正前", "as the ledger said when the list was issued"), column("after", "string", "改正后"),
        column("answer", "string", "答复", codes="correction_answer"),
        column("who", "string", "经办人编号", "number of the signature, P01 …; the name as written stands in the returned file and in the restricted register"),
        column("when", "date", "日期"), column("file", "string", "文件"), column("row", "int", "行"),
        column("accepted", "bool", "是否采用", required=True), column("reason_code", "string", "原因代码", codes="correction_reason"),
        column("detail", "string", "说明"),
    ),
    table(
        "work_list", "整改清单", "linwu_stats.ledgers.worklist.work_list",
        key("item_id", "事项编号", "same in each quarter: from kind, code, subject and field"), column("order", "int", "次序", "gravest first"),
        column("gravity", "string", "程度", required=True, codes="gravity"), column("status", "string", "状态", required=True, codes="work_status"),
        column("kind", "string", "来源", codes="work_kind"), column("code", "string", "问题代码"), column("subject_id", "string", "对象编号"),
        column("township_code", "string", "乡镇代码", "<county>000 where the item belongs to no township", required=True),
        column("village_code", "string", "行政村代码"), column("household_id", "string", "户编号"), column("person_id", "string", "人编号"),
        column("heading", "string", "项目"), column("what", "string", "问题"), column("ledger", "string", "台账", "kind of the ledger file of a finding"),
        column("fields", "string", "可改正的列", "table.column, separated by a space; blank: cannot be mended by a correction"),
        column("current", "string", "现值", "JSON: table.column to the ledger's value as a code"),
        column("owner", "string", "整改单位", required=True), column("office", "string", "清单", codes="office"),
        column("deadline_date", "date", "整改期限"), column("first_quarter", "string", "首次出现季度", required=True),
        column("last_quarter", "string", "最近出现季度", required=True),
        column("quarters_open", "int", "未改季度数", "1 in the quarter in which it is new"),
        column("answer", "string", "最近答复", codes="correction_answer"), column("note", "string", "备注", codes="work_note"),
    ),
    table(
        "work_list_progress", "整改进度表", "linwu_stats.ledgers.worklist.work_list_progress",
        key("township_code", "乡镇代码"), key("owner", "整改单位"),
        column("open_before", "int", "上季未改", "open at the end of the last quarter"), column("mended", "int", "已改"),
        column("verified", "int", "经核实无误"), column("still_open", "int", "仍未改"), column("unchecked", "int", "无法检查"),
        column("gone", "int", "已不在名册"),
        column("new", "int", "新增"), column("open_now", "int", "现未改", "still open, unchecked and new"),
        column("verdict_open", "int", "其中影响结论"), column("error_open", "int", "其中错误"), column("warning_open", "int", "其中疑点"),
        column("longest_quarters", "int", "最久未改季度数"),
    ),
)
