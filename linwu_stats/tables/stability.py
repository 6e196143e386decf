"""Who may fall back, and what lifts a household (稳定性数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import HOUSEHOLD, column, key, table

__all__ = ["CODES", "TABLES"]

CODES: dict[str, dict[str, str]] = {
    "stability_group": {
        "not_out": "未脱贫户", "unstable": "脱贫不稳定户", "sudden": "突发严重困难户", "edge": "边缘易致贫户", "steady": "暂未达到监测条件",
        "unknown": "不能判定",
    },
    "income_part": {"wage": "工资性收入", "business": "生产经营净收入", "property": "财产性收入", "transfer": "转移性收入"},
    "change_basis": {"measured": "本县同比实测", "assumed": "假定(没有同比台账)", "none": "没有"},
    "need_state": {"not_met": "未达标", "unknown": "未知，先核实"},
    "cost_kind": {"per_year": "每年", "once": "一次性"},
}

_NET = (
    column("net_fen", "int", "纯收入", "of the last four quarters", unit="分"), column("headcount_persons", "int", "计算人口", unit="人"),
    column("line_year", "int", "标准年度"), column("line_fen", "int", "标准", "per person", unit="分"),
)

TABLES = (
    table(
        "item_changes", "收入项目同比变动表", "linwu_stats.income.estimate.next_year.item_changes",
        key("item_key", "收入项目", "a key under item., or class. and the class where only the wide sheet is known"),
        column("item_class", "string", "收入类别", codes="item_class"), column("households", "int", "户数", "had the item a year ago", unit="户"),
        column("monthly", "bool", "按月定额", "hardly changes from quarter to quarter"),
        column("growth_ratio", "float", "同比倍数", "ratio of sums over the quarters that both years have, few households blended with their class"),
        column("lasting_sd", "float", "持久差异", "standard deviation of what lasts of a household's own change, as a ratio"),
        column("passing_sd", "float", "偶然差异", "standard deviation of one quarter's own change, as a ratio"),
        column("basis", "string", "依据", codes="change_basis", required=True),
    ),
    table(
        "next_year", "下年收入预期表", "linwu_stats.income.estimate.next_year.expect_next_year",
        HOUSEHOLD, column("first_quarter", "string", "起始季度"), column("last_quarter", "string", "截止季度"),
        *(column(f"{name}_fen", "int", heading, "expected of the four quarters to come", unit="分") for name, heading in (
            ("wage", "工资性收入"), ("business", "生产经营性收入"), ("property", "财产性收入"), ("transfer", "转移性收入"), ("cost", "生产经营性支出"))),
        column("expected_fen", "int", "预期纯收入", unit="分"),
        column("scale_fen", "int", "本户差异尺度", "scale of the household's own error", unit="分"),
        column("shared_fen", "int", "共同变动标准差", "standard deviation of what the county shares", unit="分"),
        column("bin", "int", "误差分档", "which errors of next_year_errors are the household's"),
        column("basis", "string", "依据", codes="change_basis", required=True), column("reason_code", "string", "原因代码"),
    ),
    table(
        "next_year_errors", "同比预期误差表", "linwu_stats.income.estimate.next_year.next_year_errors",
        key("bin", "误差分档", "0 the steadiest households", dtype="int"), key("place", "次序", dtype="int"),
        column("error", "float", "标准化误差", "(income − expected) / scale, in order; at most 400 of a bin, evenly spaced quantiles"),
        column("households", "int", "户数", "errors of the bin", unit="户"),
    ),
    table(
        "stability_shocks", "冲击检验表", "linwu_stats.exits.stability.shocks.try_shocks",
        HOUSEHOLD, key("rule_key", "冲击", "key of a rule under stability.shock."),
        *(column(f"{name}_loss_fen", "int", f"{heading}损失", unit="分") for name, heading in (
            ("wage", "工资性收入"), ("business", "生产经营性收入"), ("property", "财产性收入"), ("transfer", "转移性收入"))),
        column("cost_fen", "int", "新增支出", unit="分"), column("loss_fen", "int", "损失合计", "of the last four quarters' income", unit="分"),
        column("chance_share", "float", "一年内发生的可能性"),
        column("passes_after", "string", "发生后是否超过标准", "exact, present line", codes="outcome"),
        column("below_if_share", "float", "发生时下年低于标准的可能性"),
        column("below_alone_share", "float", "计入这一种冲击后下年低于标准的可能性", "with the usual change of a year"),
        column("reason_code", "string", "原因代码"),
    ),
    table(
        "stability_households", "稳定性评估表", "linwu_stats.exits.stability.assess_stability",
        HOUSEHOLD, column("poverty_status", "string", "脱贫属性", codes="poverty_status"),
        column("stability_group", "string", "稳定性分组", codes="stability_group", required=True),
        column("group_reasons", "string", "分组原因", "reason codes, separated by a space"), *_NET,
        column("passes", "string", "是否超过标准", codes="outcome"), column("margin_fen", "int", "余量", "net income less line times members", unit="分"),
        column("margin_share", "float", "余量占标准", "margin over line times members, for showing only"),
        column("largest_class", "string", "最大收入类别", codes="income_part"), column("largest_class_fen", "int", "最大类别金额", unit="分"),
        column("largest_class_share", "float", "占正收入比重"), column("without_class", "string", "没有最大类别是否超过", codes="outcome"),
        column("largest_item", "string", "最大收入项目"), column("largest_item_fen", "int", "最大项目金额", unit="分"),
        column("largest_item_share", "float", "最大项目比重", "of all income items before costs"),
        column("without_item", "string", "没有最大项目是否超过", "its costs stay", codes="outcome"),
        column("largest_worker_fen", "int", "主要劳动力工资", "wages in proportion to months of work", unit="分"),
        column("largest_worker_share", "float", "主要劳动力工资比重", "of all income items before costs"),
        column("without_worker", "string", "没有主要劳动力工资是否超过", codes="outcome"),
        column("largest_transfer", "string", "最大转移项目"), column("largest_transfer_fen", "int", "最大转移金额", unit="分"),
        column("largest_transfer_share", "float", "最大转移项目比重", "of all income items before costs"),
        column("without_transfer", "string", "没有最大转移项目是否超过", codes="outcome"),
        column("hangs_on", "string", "靠什么达标", "class, item, worker, transfer: passes, but not without it; separated by a space"),
        column("fall_share", "float", "同比降幅", "fall of the year so far from the same quarters a year ago; below 0 is a rise"),
        column("next_line_year", "int", "下年标准年度"), column("next_line_fen", "int", "下年标准", "per person", unit="分"),
        column("expected_fen", "int", "下年预期纯收入", unit="分"),
        column("below_usual_share", "float", "平常年景下年低于标准的可能性"), column("below_share", "float", "计入各种冲击的可能性"),
        column("worst_shock", "string", "影响最大的冲击", "rule key: adds most to the probability, by its chance"),
        column("basis", "string", "依据", codes="change_basis"), column("reason_code", "string", "原因代码", "why something is unknown"),
    ),
    table(
        "monitoring_counts", "监测对象统计表", "linwu_stats.exits.stability.counts.count_monitoring",
        key("level", "层级", codes="level"), key("area_code", "地区代码"), key("stability_group", "稳定性分组", codes="stability_group"),
        column("households", "int", "户数", unit="户"), column("persons", "int", "人数", "head count; unknown where one of the group is", unit="人"),
        column("expected_below", "float", "下年预计低于标准户数", "sum of the known probabilities", unit="户"),
        column("unknown_households", "int", "不能判断户数", "in the group of which the probability, or for 突发 the fall, is unknown", unit="户"),
        column("reason_code", "string", "原因代码"),
    ),
    table(
        "shock_counts", "冲击影响统计表", "linwu_stats.exits.stability.counts.count_shocks",
        key("level", "层级", codes="level"), key("area_code", "地区代码"), key("rule_key", "冲击", "a rule under stability.shock., or usual, or all"),
        column("exposed_households", "int", "可能受影响户数", "out; of usual and all those whose probability is known", unit="户"),
        column("failing_households", "int", "发生后不超过标准户数", "pass now, not after, exact", unit="户"),
        column("expected_if", "float", "如全部发生预计低于标准户数", unit="户"), column("expected_below", "float", "按可能性预计低于标准户数", unit="户"),
        column("unknown_households", "int", "不能判断户数", unit="户"),
    ),
    table(
        "lifting_needs", "脱贫缺项表", "linwu_stats.exits.lifting.list_needs",
        HOUSEHOLD, key("need_order", "次序", "cheapest first; what is not costed after it, what is unknown last", dtype="int"),
        column("rule_key", "string", "规则", required=True), column("state", "string", "状态", codes="need_state", required=True),
        column("detail", "string", "依据", "the values that decided, without names"), column("missing_fen", "int", "年收入差额", "of the household", unit="分"),
        column("cost_fen", "int", "参考费用", "income: the missing yuan of a year; a guarantee: by rule, to be confirmed", unit="分"),
        column("cost_kind", "string", "费用性质", codes="cost_kind"), column("total_fen", "int", "累计费用", "with all needs before it", unit="分"),
        column("needs_in_all", "int", "缺项数"), column("reason_code", "string", "原因代码"),
    ),
    table(
        "lifting_counts", "脱贫缺项统计表", "linwu_stats.exits.lifting.count_needs",
        key("level", "层级", codes="level"), key("area_code", "地区代码"), key("rule_key", "规则"),
        column("households", "int", "缺此项户数", unit="户"), column("only_households", "int", "只缺此项户数", unit="户"),
        column("first_households", "int", "此项最省户数", "where it is the cheapest need", unit="户"),
        column("unknown_households", "int", "此项未知户数", unit="户"), column("cost_fen", "int", "参考费用合计", "of the costed ones", unit="分"),
        column("uncosted_households", "int", "未估费用户数", unit="户"),
    ),
)
