"""Line items to household net income and per-capita net income (家庭纯收入与人均纯收入核算).

纯收入 = 工资性收入 + 生产经营性收入 + 财产性收入 + 转移性收入 − 生产经营性支出 (operating costs, taxes, depreciation); 人均 = 纯收入 ÷ 计算人口.
Source: 扶贫手册 and 全国扶贫开发信息系统 income form; 贫困户人均纯收入指标解释和计算方法.

Everything here is written once with narwhals: a pandas frame in gives a pandas frame out, a DuckDB relation in gives a relation out, with the
same numbers. Money is whole fen. Bounds: one line holds at most 10^13 fen, so that a household may have 900,000 lines before 64 bits are full.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import narwhals as nw

from linwu_stats.income.periods import PERIODS, quarters_of
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import conform, require

__all__ = ["REASONS", "UnknownItemError", "account_households", "account_items", "check_identities", "count_heads", "find_disagreements", "person_counts"]

CLASSES = ("wage", "business", "cost", "property", "transfer")
MAX_AMOUNT_FEN = 10**13
MAX_QUANTITY_MILLI = 10**9
MAX_PRICE_FEN = 10**7
#: The item of a ledger line that nobody could name; what it is worth is not known, whatever stands in the ledger.
UNRECOGNISED = "item.transfer.unrecognised"

#: Reason codes of the tables made here, with the words that a report shows.
REASONS = {
    "counted": "计入",
    "excluded": "不计入",
    "unrecognised": "项目名称不在规则中，须核实",
    "amount_unknown": "金额未知",
    "no_quantity": "实物没有数量",
    "no_price": "该项目没有实物折价，无法折算",
    "in_kind_unknown": "有数量，但未注明是否实物",
    "negative_amount": "金额或数量为负，单项收支不得为负",
    "out_of_range": "金额或数量过大，须核对",
    "quarter_missing": "有季度既无明细也无季度收入表",
    "headcount_unknown": "计算人口未知",
    "headcount_zero": "计算人口为零",
    "resident_unknown": "有成员是否常住未知",
}


class UnknownItemError(ValueError):
    """A ledger line names an income item that the law does not know (未知的收入项目)."""


def account_items(income_items: Any, rules: Rules) -> Any:
    """Value every ledger line by the rules in force (收入项目核算): ``income_items`` to ``item_amounts``, one row per line.

    The rules under ``item.`` give class, sign and whether a line counts; a line that does not count is kept and marked, never dropped.
    In-kind lines are ``quantity_milli`` times the price under ``price.`` that the item names, half up to the fen; ``recorded_price_fen`` is not used.
    Unknown stays unknown, with a reason: ``unrecognised`` (``item.transfer.unrecognised``, whatever its amount), ``amount_unknown``,
    ``no_quantity``, ``no_price`` (the item has no price in kind), ``in_kind_unknown`` (a
    quantity, but no word whether it is in kind), ``negative_amount`` (an item is never negative), ``out_of_range`` (over 10^13 fen, or over
    10^9 thousandths of a unit). Raises :class:`UnknownItemError` for an item that the law does not know. Source: 收入表, 实物折算款 at market price.
    """
    require(income_items, "income_items", "line_id", "household_id", "quarter", "item_key", "in_kind", "amount_fen", "quantity_milli")
    items = nw.from_native(income_items)
    law = rules.under("item.")
    _refuse_unknown_items(items, {rule.key for rule in law})
    key, amount, quantity = nw.col("item_key"), nw.col("amount_fen"), nw.col("quantity_milli")
    unclear = nw.col("in_kind").is_null() & ~quantity.is_null()
    in_kind = nw.col("in_kind").fill_null(False)
    nameless = key == UNRECOGNISED
    money = ~in_kind & ~unclear & ~nameless
    price, priced = _in_kind_price(key, law, rules)
    counted = key.is_in([rule.key for rule in law if rule.value["counted"]])
    sums = items.with_columns(
        amount_fen=nw.when(money & _within(amount, MAX_AMOUNT_FEN)).then(amount),
        _kind_fen=(nw.when(in_kind & priced & _within(quantity, MAX_QUANTITY_MILLI)).then(quantity) * price + 500) // 1000,
        item_class=_choose(key, {name: [rule.key for rule in law if rule.value["class"] == name] for name in CLASSES}),
        sign=nw.when(key.is_in([rule.key for rule in law if rule.value["sign"] < 0])).then(nw.lit(-1)).otherwise(nw.lit(1)),
        counted=counted,
        reason_code=_first_true(
            ("unrecognised", nameless),
            ("in_kind_unknown", unclear),
            ("no_price", in_kind & ~priced),
            ("no_quantity", in_kind & quantity.is_null()),
            ("amount_unknown", money & amount.is_null()),
            ("negative_amount", (in_kind & _true(quantity < 0)) | (money & _true(amount < 0))),
            ("out_of_range", (in_kind & _true(quantity > MAX_QUANTITY_MILLI)) | (money & _true(amount > MAX_AMOUNT_FEN))),
            ("excluded", ~counted),
            ("counted", counted),
        ),
    ).with_columns(amount_fen=nw.when(in_kind).then(nw.col("_kind_fen")).otherwise(nw.col("amount_fen")))
    return conform(sums.to_native(), "item_amounts")


def count_heads(households: Any, persons: Any, rules: Rules) -> Any:
    """Count the members who divide the income (家庭人口核算): ``households`` and ``persons`` to ``headcounts``, one row per household.

    ``headcount.rule`` chooses the rule: ``headcount.registered`` (登记在册人口), ``headcount.resident`` (家庭常住人口) or ``headcount.change_status``
    (按人员变更计数). A household without any person on the register counts 0. A member of whom the rule cannot say makes the count unknown,
    ``resident_unknown``. Persons of a household that is not in ``households`` are not counted. Source: the three denominators in use in counties.
    """
    require(households, "households", "household_id")
    require(persons, "persons", "household_id", "change", "resident")
    rule = rules[f"headcount.{rules.value('headcount.rule')}"]
    counts = person_counts(rule)
    heads = (
        nw.from_native(persons)
        .select("household_id", _counts=_one(_true(counts)), _unknown=_one(counts.is_null()), _row=nw.lit(1))
        .group_by("household_id")
        .agg(nw.col("_counts", "_unknown", "_row").sum())
    )
    known = nw.col("_unknown") == 0
    out = (
        nw.from_native(households)
        .select("household_id")
        .join(heads, on="household_id", how="left")
        .with_columns(nw.col("_counts", "_unknown", "_row").fill_null(0).cast(nw.Int64))
        .with_columns(
            headcount_rule=nw.lit(rule.key),
            headcount_persons=nw.when(known).then(nw.col("_counts")),
            registered_persons=nw.col("_row"),
            reason_code=nw.when(~known).then(nw.lit("resident_unknown")),
        )
    )
    return conform(out.to_native(), "headcounts")


def person_counts(rule: Rule) -> nw.Expr:
    """Whether a person counts by a head-count rule (是否计入人口): true, false, or unknown where residence decides and is unknown."""
    left = nw.col("change").is_in(list(rule.value["leaves"])) & ~nw.col("change").is_null()
    stays = nw.col("resident") if rule.value["requires_resident"] else nw.lit(True)
    return nw.when(_true(left)).then(nw.lit(False)).otherwise(stays)


def account_households(item_amounts: Any, income_sheet: Any, headcounts: Any, rules: Rules, quarter: str, periods: tuple[str, ...] = PERIODS) -> Any:
    """Net income of every household for each period (家庭纯收入核算): ``item_amounts``, ``income_sheet``, ``headcounts`` to ``household_income``.

    Every household of ``headcounts`` has one row per period (:func:`~linwu_stats.income.periods.quarters_of`). ``income.source`` names the ledger that
    comes first; the other one fills only those quarters of a household for which the first has nothing. ``income_source`` is ``mixed`` where
    the quarters of a period come from both. ``quarters_known`` counts quarters with a line or a sheet row.

    Unknown: a quarter with neither makes every sum unknown, ``quarter_missing``; a counted line (or sheet cell) without amount makes its class and the net
    unknown, ``amount_unknown``. An excluded receipt without amount makes only ``excluded_fen`` unknown, and so does a quarter from the sheet, which does
    not list them. ``excluded_fen`` holds receipts; a cost that is not deducted stays visible in ``item_amounts`` alone. A class without lines in a
    quarter that has lines is 0. A head count that is unknown or 0 leaves the net as it is and makes ``percapita_fen`` unknown
    (``headcount_unknown``, ``headcount_zero``). ``percapita_fen`` is rounded half up, towards the larger number also below zero (-0.5 fen is shown as 0).
    ``sheet_net_fen`` is the net that the sheet states for all quarters of the period, or where it states none the sum of its columns.
    Source: 收入表 identities 转移性 = Σ 分项, 支出 = Σ 分项, 纯收入 = 四项 − 支出, 人均 = 纯收入 ÷ 人口.
    """
    require(item_amounts, "item_amounts", "household_id", "quarter", "item_class", "counted", "amount_fen")
    require(income_sheet, "income_sheet", "household_id", "quarter", "net_fen", *(f"{name}_fen" for name in CLASSES))
    require(headcounts, "headcounts", "household_id", "headcount_persons")
    spans = {period: quarters_of(period, quarter, rules) for period in periods}
    wanted = sorted({part for span in spans.values() for part in span})
    sheet = nw.from_native(income_sheet).filter(nw.col("quarter").is_in(wanted))
    by_source = {"items": _quarters_from_items(nw.from_native(item_amounts).filter(nw.col("quarter").is_in(wanted))), "sheet": _quarters_from_sheet(sheet)}
    first = str(rules.value("income.source"))
    second = next(name for name in by_source if name != first)
    rest = by_source[second].join(by_source[first].select("household_id", "quarter"), on=["household_id", "quarter"], how="anti")
    accounts = nw.concat([by_source[first].with_columns(_first=nw.lit(1).cast(nw.Int64)), rest.with_columns(_first=nw.lit(0).cast(nw.Int64))])
    stated = _sheet_nets(sheet)
    heads = nw.from_native(headcounts).select("household_id", "headcount_persons")
    parts = [_one_period(heads, accounts, stated, period, span, (first, second)) for period, span in spans.items()]
    return conform(nw.concat(parts).to_native(), "household_income")


def check_identities(household_income: Any, item_amounts: Any, headcounts: Any) -> Any:
    """The five identities of the income form (五项恒等关系), checked again from the tables: one row per breach, none where all hold.

    Gives ``household_id``, ``period`` (null for a breach of a line), ``identity``, ``expected_fen`` and ``found_fen`` (persons for ``headcount``):

    - ``transfer``: 转移性收入 = 计划生育金 + 低保金 + 五保金 + 养老保险金 + 生态补偿金 + 其他转移性收入, by item key
    - ``cost``: 生产经营性支出 = Σ its parts, by item key
    - ``net``: 纯收入 = 工资性 + 经营性 + 财产性 + 转移性 − 支出; unknown exactly where a part is unknown
    - ``percapita``: 人均 is the fen nearest to 纯收入 ÷ 人口, half up; unknown exactly where net or head count cannot divide
    - ``headcount``: the head count is that of ``headcounts``, and not more than the register holds
    - ``negative_item``: an item is never negative
    - ``unknown_household``: a line of the quarter of the report (not of an earlier one) whose household ``headcounts`` does not have

    ``transfer`` and ``cost`` are checked where every quarter of the period is taken from line items. Source: 收入表 (扶贫手册, AC07).
    """
    require(household_income, "household_income")
    require(item_amounts, "item_amounts")
    require(headcounts, "headcounts")
    income, items, heads = nw.from_native(household_income), nw.from_native(item_amounts), nw.from_native(headcounts)
    breaches = [*_breaches_of_parts(income, items), *_breaches_of_rows(income), _breaches_of_heads(income, heads), *_breaches_of_lines(items, heads, income)]
    return nw.concat(breaches).to_native()


def find_disagreements(household_income: Any, rules: Rules) -> Any:
    """Rows where line items and wide sheet disagree (明细与季度收入表不一致): the rows of ``household_income`` beyond ``income.sheet_tolerance`` fen.

    A difference as large as the tolerance still agrees. Where either is unknown nothing is said.
    """
    require(household_income, "household_income", "sheet_difference_fen")
    tolerance = int(rules.value("income.sheet_tolerance"))
    difference = nw.col("sheet_difference_fen")
    return nw.from_native(household_income).filter(_true((difference > tolerance) | (difference < -tolerance))).to_native()


def _refuse_unknown_items(items: Any, known: set[str]) -> None:
    found = items.select("item_key").unique().lazy().collect("pyarrow")["item_key"].to_list()
    if strange := sorted({str(key) for key in found} - known):
        lines = items.filter(nw.col("item_key") == strange[0]).select("line_id").head(5).lazy().collect("pyarrow")["line_id"].to_list()
        raise UnknownItemError(
            f"income item not in the law (规则中没有该收入项目): {', '.join(strange[:5])}. Lines with {strange[0]}: {', '.join(sorted(lines))}. "
            f"Correct item_key(收入项目) in the ledger, or add the item to data/law/*.yaml as a rule under item."
        )


def _in_kind_price(key: nw.Expr, law: list[Rule], rules: Rules) -> tuple[nw.Expr, nw.Expr]:
    """The price in fen of an item's unit, and whether the item has one."""
    by_price: dict[int, list[str]] = {}
    for rule in law:
        if name := rule.value.get("in_kind_price"):
            fen = Decimal(str(rules.value(name))) * 100
            if fen % 1 or not 0 <= fen <= MAX_PRICE_FEN:
                raise ValueError(f"{name}({rules[name].term}): {rules.value(name)} 元 is not whole fen from 0 to 100,000 元 (价格有误); correct it in the law")
            by_price.setdefault(int(fen), []).append(rule.key)
    price: nw.Expr = nw.lit(0)
    for fen, keys in by_price.items():
        price = nw.when(key.is_in(keys)).then(nw.lit(fen)).otherwise(price)
    return price.cast(nw.Int64), key.is_in([item for keys in by_price.values() for item in keys])


def _true(condition: nw.Expr) -> nw.Expr:
    """A condition in which unknown is not true: engines differ in what a null condition chooses."""
    return condition.fill_null(False)


def _within(number: nw.Expr, most: int) -> nw.Expr:
    return _true((number >= 0) & (number <= most))


def _one(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def _first_true(*cases: tuple[str, nw.Expr]) -> nw.Expr:
    """The code of the first condition that is true, null where none is."""
    (code, condition), *earlier = reversed(cases)
    chosen: nw.Expr = nw.when(condition).then(nw.lit(code))
    for code, condition in earlier:
        chosen = nw.when(condition).then(nw.lit(code)).otherwise(chosen)
    return chosen


def _choose(key: nw.Expr, groups: dict[str, list[str]]) -> nw.Expr:
    return _first_true(*((name, key.is_in(keys)) for name, keys in groups.items()))


def _sum_columns() -> list[str]:
    return [*(f"{name}_fen" for name in CLASSES), "excluded_fen", *(f"_{name}_unknown" for name in CLASSES), "_excluded_unknown"]


def _quarters_from_items(items: Any) -> Any:
    """Sums and numbers of unknown lines by household, quarter and class."""
    amount, counted = nw.col("amount_fen"), nw.col("counted")
    conditions = {name: counted & (nw.col("item_class") == name) for name in CLASSES}
    conditions["excluded"] = ~counted & (nw.col("item_class") != "cost")
    zero = nw.lit(0).cast(nw.Int64)
    return (
        items.select(
            "household_id", "quarter",
            **{f"{name}_fen": nw.when(condition).then(amount.fill_null(0)).otherwise(zero) for name, condition in conditions.items()},
            **{f"_{name}_unknown": _one(condition & amount.is_null()) for name, condition in conditions.items()},
        )
        .group_by("household_id", "quarter")
        .agg(nw.col(*_sum_columns()).sum())
        .select("household_id", "quarter", nw.col(*_sum_columns()).cast(nw.Int64))
    )


def _quarters_from_sheet(sheet: Any) -> Any:
    """The same columns from the wide sheet; it does not list what is excluded, so that is unknown."""
    return sheet.select(
        "household_id", "quarter",
        **{f"{name}_fen": _usable(name).fill_null(0).cast(nw.Int64) for name in CLASSES},
        excluded_fen=nw.lit(0).cast(nw.Int64),
        **{f"_{name}_unknown": _one(_usable(name).is_null()) for name in CLASSES},
        _excluded_unknown=nw.lit(1).cast(nw.Int64),
    ).select("household_id", "quarter", *_sum_columns())


def _usable(name: str) -> nw.Expr:
    """A column of the wide sheet: a part is never negative, and beyond the bound it is a slip; both are unknown, as on a ledger line."""
    amount = nw.col(f"{name}_fen")
    return nw.when(_within(amount, MAX_AMOUNT_FEN)).then(amount)


def _net() -> nw.Expr:
    return nw.col("wage_fen") + nw.col("business_fen") + nw.col("property_fen") + nw.col("transfer_fen") - nw.col("cost_fen")


def _sheet_nets(sheet: Any) -> Any:
    stated = nw.when(nw.col("net_fen").is_null()).then(_net()).otherwise(nw.col("net_fen"))
    return sheet.select("household_id", "quarter", _stated=stated)


def _one_period(heads: Any, accounts: Any, stated: Any, period: str, span: list[str], sources: tuple[str, str]) -> Any:
    """``household_income`` of one period, all sums unknown where a quarter is missing."""
    totals = [*_sum_columns(), "_first", "_known"]
    sums = accounts.filter(nw.col("quarter").is_in(span)).with_columns(_known=nw.lit(1)).group_by("household_id").agg(nw.col(*totals).sum())
    nets = (
        stated.filter(nw.col("quarter").is_in(span) & ~nw.col("_stated").is_null())
        .with_columns(_rows=nw.lit(1)).group_by("household_id").agg(nw.col("_stated", "_rows").sum())
    )
    joined = heads.join(sums, on="household_id", how="left").join(nets, on="household_id", how="left")
    whole = nw.col("_known") == len(span)
    known = {name: whole & (nw.col(f"_{name}_unknown") == 0) for name in (*CLASSES, "excluded")}
    return (
        joined.with_columns(nw.col(*totals, "_stated", "_rows").fill_null(0).cast(nw.Int64))
        .with_columns(**{f"{name}_fen": nw.when(condition).then(nw.col(f"{name}_fen")) for name, condition in known.items()})
        .with_columns(net_fen=_net(), sheet_net_fen=nw.when(nw.col("_rows") == len(span)).then(nw.col("_stated")))
        .select(
            "household_id", *CLASS_COLUMNS, "net_fen", "excluded_fen", "headcount_persons", "sheet_net_fen",
            period=nw.lit(period), first_quarter=nw.lit(span[0]), last_quarter=nw.lit(span[-1]),
            quarters_expected=nw.lit(len(span)).cast(nw.Int64), quarters_known=nw.col("_known"),
            income_source=_first_true(
                ("mixed", (nw.col("_first") > 0) & (nw.col("_first") < nw.col("_known"))), (sources[0], nw.col("_first") > 0),
                (sources[1], nw.col("_known") > 0), ("none", nw.col("_known") == 0),
            ),
            business_net_fen=nw.col("business_fen") - nw.col("cost_fen"),
            percapita_fen=_half_up(nw.col("net_fen"), nw.col("headcount_persons")),
            sheet_difference_fen=nw.col("net_fen") - nw.col("sheet_net_fen"),
            reason_code=_first_true(
                ("quarter_missing", ~whole),
                ("amount_unknown", nw.col("net_fen").is_null()),
                ("headcount_unknown", nw.col("headcount_persons").is_null()),
                ("headcount_zero", _true(nw.col("headcount_persons") <= 0)),
            ),
        )
    )


CLASS_COLUMNS = tuple(f"{name}_fen" for name in CLASSES)


def _half_up(net: nw.Expr, persons: nw.Expr) -> nw.Expr:
    """``net`` divided by ``persons``, half up, in integers. Below zero half goes down in size, which is up in number.

    Both numerators are zero or more, since engines disagree about the integer division of negative numbers.
    """
    divisor = nw.when(_true(persons > 0)).then(persons)
    size = nw.when(_true(net < 0)).then(-net).otherwise(net)
    below = -((2 * size + divisor - 1) // (2 * divisor))
    return nw.when(_true(net < 0)).then(below).otherwise((2 * size + divisor) // (2 * divisor))


def _breach(frame: Any, identity: str, broken: nw.Expr, expected: nw.Expr, found: nw.Expr, period: nw.Expr | None = None) -> Any:
    if period is None:
        period = nw.col("period")
    return frame.filter(_true(broken)).select(
        nw.col("household_id"), period=period.cast(nw.String), identity=nw.lit(identity),
        expected_fen=expected.cast(nw.Int64), found_fen=found.cast(nw.Int64),
    )


def _differs(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    """Null-aware: one known and one unknown differ, two unknown do not."""
    return (left.is_null() != right.is_null()) | _true(left != right)


def _breaches_of_parts(income: Any, items: Any) -> list[Any]:
    """Transfer and cost against the sums by item key, over the quarters of each period."""
    def counted(prefix: str) -> nw.Expr:
        return nw.when(nw.col("counted") & nw.col("item_key").str.starts_with(prefix)).then(nw.col("amount_fen")).otherwise(nw.lit(0).cast(nw.Int64))

    columns = ["_transfer", "_cost", "_transfer_unknown", "_cost_unknown"]
    quarters = (
        items.select("household_id", "quarter", _transfer=counted("item.transfer."), _cost=counted("item.cost."))
        .with_columns(_transfer_unknown=_one(nw.col("_transfer").is_null()), _cost_unknown=_one(nw.col("_cost").is_null()))
        .group_by("household_id", "quarter").agg(nw.col(*columns).sum())
        .select("household_id", "quarter", nw.col(*columns).cast(nw.Int64), _quarters=nw.lit(1))
    )
    rows = income.filter(nw.col("income_source") == "items")
    sums = (
        rows.select("household_id", "period", "first_quarter", "last_quarter").join(quarters, on="household_id", how="inner")
        .filter((nw.col("quarter") >= nw.col("first_quarter")) & (nw.col("quarter") <= nw.col("last_quarter")))
        .group_by("household_id", "period").agg(nw.col(*columns, "_quarters").sum())
    )
    joined = rows.join(sums, on=["household_id", "period"], how="inner").filter(nw.col("_quarters") == nw.col("quarters_expected"))
    breaches = []
    for name in ("transfer", "cost"):
        expected = nw.when(nw.col(f"_{name}_unknown") == 0).then(nw.col(f"_{name}"))
        breaches.append(_breach(joined, name, _differs(expected, nw.col(f"{name}_fen")), expected, nw.col(f"{name}_fen")))
    return breaches


def _breaches_of_rows(income: Any) -> list[Any]:
    net, persons, shown = nw.col("net_fen"), nw.col("headcount_persons"), nw.col("percapita_fen")
    business = nw.col("business_fen") - nw.col("cost_fen")
    divisible = _true(persons > 0) & ~net.is_null()
    off = _true((2 * net + persons < 2 * persons * shown) | (2 * net + persons >= 2 * persons * (shown + 1)))
    return [
        _breach(income, "net", _differs(_net(), net), _net(), net),
        _breach(income, "net", _differs(business, nw.col("business_net_fen")), business, nw.col("business_net_fen")),
        _breach(income, "percapita", (divisible == shown.is_null()) | (divisible & off), _half_up(net, persons), shown),
    ]


def _breaches_of_heads(income: Any, heads: Any) -> Any:
    counted = heads.select("household_id", _heads=nw.col("headcount_persons"), _register=nw.col("registered_persons"))
    joined = income.join(counted, on="household_id", how="left")
    persons = nw.col("headcount_persons")
    return _breach(joined, "headcount", _differs(persons, nw.col("_heads")) | _true(persons > nw.col("_register")), nw.col("_heads"), persons)


def _breaches_of_lines(items: Any, heads: Any, income: Any) -> list[Any]:
    amount = nw.col("amount_fen")
    nobody = nw.when(nw.col("household_id").is_null()).then(nw.col("household_id"))
    zero = nw.when(amount < 0).then(nw.lit(0))
    reported = income.filter(nw.col("period") != "year").select(quarter=nw.col("last_quarter")).unique()
    homeless = items.join(heads.select("household_id"), on="household_id", how="anti").join(reported, on="quarter", how="inner")
    none = nw.when(amount.is_null()).then(amount)
    return [
        _breach(items, "negative_item", amount < 0, zero, amount, nobody),
        _breach(homeless, "unknown_household", ~nw.col("household_id").is_null(), none, amount, nobody),
    ]
