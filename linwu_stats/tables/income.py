"""Income of each household (收入数据表)."""

from __future__ import annotations

from linwu_stats.tables.shape import HOUSEHOLD, column, key, table

__all__ = ["TABLES"]

TABLES = (
    table(
        "item_amounts", "收入项目核算表", "linwu_stats.income.account.account_items",
        key("line_id", "行号"), column("household_id", "string", "户编号", required=True), column("quarter", "string", "季度", required=True),
        column("item_key", "string", "收入项目", required=True),
        column("item_class", "string", "收入类别", codes="item_class"),
        column("sign", "int", "符号", "+1 income, -1 cost"),
        column("counted", "bool", "是否计入", "whether the rule in force counts it"),
        column("amount_fen", "int", "核算金额", "in kind: quantity times the rule's price; unknown stays unknown", unit="分"),
        column("reason_code", "string", "原因代码", "why counted, not counted or unknown"),
    ),
    table(
        "headcounts", "家庭人口核算表", "linwu_stats.income.account.count_heads",
        HOUSEHOLD,
        column("headcount_rule", "string", "人口口径", "key of the rule that counted"),
        column("headcount_persons", "int", "计算人口", unit="人"),
        column("registered_persons", "int", "登记在册人口", unit="人"),
        column("reason_code", "string", "原因代码", "why the head count is unknown"),
    ),
    table(
        "household_income", "家庭纯收入表", "linwu_stats.income.account.account_households",
        HOUSEHOLD, key("period", "核算期", codes="period"),
        column("first_quarter", "string", "起始季度"), column("last_quarter", "string", "截止季度"),
        column("quarters_expected", "int", "应有季度数"), column("quarters_known", "int", "已知季度数"),
        column("income_source", "string", "采用来源", codes="income_source"),
        column("wage_fen", "int", "工资性收入", unit="分"),
        column("business_fen", "int", "生产经营性收入", "gross", unit="分"),
        column("cost_fen", "int", "生产经营性支出", "operating costs, taxes and depreciation", unit="分"),
        column("business_net_fen", "int", "生产经营净收入", "may be negative", unit="分"),
        column("property_fen", "int", "财产性收入", unit="分"),
        column("transfer_fen", "int", "转移性收入", unit="分"),
        column("net_fen", "int", "纯收入", unit="分"),
        column("excluded_fen", "int", "不计入的收入", "receipts that the rules do not count, kept and shown", unit="分"),
        column("headcount_persons", "int", "计算人口", unit="人"),
        column("percapita_fen", "int", "人均纯收入", "rounded half up to one fen, for showing only; never compared with a line", unit="分"),
        column("sheet_net_fen", "int", "季度收入表纯收入", "what the wide sheet says for the same quarters", unit="分"),
        column("sheet_difference_fen", "int", "两表差额", "line items minus sheet", unit="分"),
        column("reason_code", "string", "原因代码", "why net or per-capita income is unknown; null where both are known"),
    ),
)
