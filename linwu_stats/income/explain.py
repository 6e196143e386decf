"""One household's income, line by line, as a case worker checks it with a pencil (单户收入核算过程).

The steps are read from the tables that the reports use, and are added up here once more in plain arithmetic: where the two do not agree, a row says so.
"""

from __future__ import annotations

import difflib
import unicodedata
from decimal import Decimal
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats.income.account import CLASSES, REASONS, person_counts
from linwu_stats.income.periods import accounting_year, is_complete, quarters_of
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import TABLES, conform, label

__all__ = ["COLUMNS", "UnknownHouseholdError", "explain_household", "format_explanation"]

#: Columns of an explanation and their headings.
COLUMNS = {
    "step": "步骤", "heading": "项目", "quantity": "数量", "price_yuan": "单价(元)", "amount_fen": "金额(元)", "counted": "计入", "running_fen": "累计(元)",
    "reason": "说明", "rule_key": "规则",
}
ORDER = ("step", "heading", "quantity", "price_yuan", "amount_fen", "counted", "rule_key", "reason", "running_fen")
TYPES = {"amount_fen": "Int64", "running_fen": "Int64", "counted": "boolean"}


class UnknownHouseholdError(KeyError):
    """No household with this code (没有该户编号)."""

    def __str__(self) -> str:
        return str(self.args[0])


def explain_household(
    household_id: str, period: str, quarter: str, item_amounts: Any, income_items: Any, income_sheet: Any, headcounts: Any, persons: Any,
    household_income: Any, rules: Rules, line_year: int | None = None,
) -> pd.DataFrame:
    """The calculation of one household's income in one period (单户收入核算过程), one row per step.

    Takes the tables of the quarter (pandas or DuckDB) and gives ``step``, ``heading``, ``quantity`` (with unit), ``price_yuan``, ``amount_fen``,
    ``counted``, ``rule_key``, ``reason`` and ``running_fen``: each line item and whether it counts and why, the sums by class, the net income, the
    wide sheet beside it and which of the two was used, the head count person by person, the income per head, the line of ``line_year`` (by default the
    accounting year of the period's last quarter) and the distance to it. A step whose amount is unknown has none, and so have all sums after it.
    Persons appear by the last two digits of their code and their relation to the head, never by name.
    Raises :class:`UnknownHouseholdError` with near codes, and ``ValueError`` where ``household_income`` lacks the period or is of another quarter.
    """
    result = _result(household_income, household_id, period)
    span = quarters_of(period, quarter, rules)
    if result["last_quarter"] != span[-1] or result["first_quarter"] != span[0]:
        raise ValueError(
            f"household_income(家庭纯收入表) holds {period} from {result['first_quarter']} to {result['last_quarter']}, not from {span[0]} to {span[-1]}; "
            f"make it with the same quarter(季度) and rules"
        )
    lines = _lines(household_id, span, item_amounts, income_items)
    sheet = _rows_of(income_sheet, "income_sheet", household_id)
    sheet = sheet[sheet["quarter"].isin(span)].sort_values("quarter")
    people = _rows_of(persons, "persons", household_id).sort_values("person_id")
    heads = _rows_of(headcounts, "headcounts", household_id)
    chosen = rules.value("period.rule")
    steps = [_step("核算期", f"{label('period', period)} {span[0]} 至 {span[-1]}", rule_key=f"period.{chosen}", reason=rules[f"period.{chosen}"].term)]
    item_steps, total = _item_steps(span, lines, sheet, rules)
    steps += item_steps + _sum_steps(result, total) + _sheet_steps(result, rules)
    steps += _person_steps(people, heads, rules)
    steps += _line_steps(result, is_complete(period, quarter, rules), line_year or accounting_year(span[-1], rules), rules)
    return pd.DataFrame(steps, columns=list(ORDER)).astype({name: TYPES.get(name, "string") for name in ORDER})


def format_explanation(frame: pd.DataFrame) -> str:
    """An explanation as plain text for the terminal (核算过程文本), columns aligned by East Asian width, amounts in yuan."""
    cells = [list(COLUMNS.values())]
    for row in frame.to_dict("records"):
        shown = dict(row, amount_fen=_yuan(row["amount_fen"]), running_fen=_yuan(row["running_fen"]), counted=_yes_no(row["counted"]))
        cells.append(["" if pd.isna(shown[name]) else str(shown[name]) for name in COLUMNS])
    widths = [max(_width(line[place]) for line in cells) for place in range(len(COLUMNS))]
    right = [name in ("quantity", "price_yuan", "amount_fen", "running_fen") for name in COLUMNS]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(_padded(text, width, to_right) for text, width, to_right in zip(line, widths, right, strict=True)).rstrip() for line in cells
    ) + "\n"


def _result(household_income: Any, household_id: str, period: str) -> pd.Series:
    rows = _rows_of(household_income, "household_income", household_id)
    if rows.empty:
        codes = nw.from_native(household_income).select("household_id").unique().lazy().collect("pyarrow")["household_id"].to_list()
        near = difflib.get_close_matches(str(household_id), sorted(codes), n=5, cutoff=0.7)
        hint = f"Near codes: {', '.join(near)}." if near else f"Codes look like {min(codes, default='00431099000001')}."
        raise UnknownHouseholdError(f"there is no household {household_id!r} (没有该户编号) in household_income(家庭纯收入表). {hint}")
    rows = rows[rows["period"] == period]
    if rows.empty:
        raise ValueError(f"household_income(家庭纯收入表) has no period {period!r}(核算期) for household {household_id}; account it first")
    return rows.iloc[0]


def _rows_of(frame: Any, name: str, household_id: str) -> pd.DataFrame:
    found = nw.from_native(frame).filter(nw.col("household_id") == household_id).lazy().collect("pyarrow").to_native()
    return conform(found.to_pandas(integer_object_nulls=True), name)


def _lines(household_id: str, span: list[str], item_amounts: Any, income_items: Any) -> pd.DataFrame:
    """The valued lines of the period with what the ledger wrote, in the order of the calculation."""
    valued = _rows_of(item_amounts, "item_amounts", household_id)
    written = _rows_of(income_items, "income_items", household_id)[["line_id", "quarter", "in_kind", "quantity_milli"]]
    lines = valued[valued["quarter"].isin(span)].merge(written, on=["line_id", "quarter"], how="left")
    lines["_class"] = lines["item_class"].map({name: place for place, name in enumerate(CLASSES)})
    return lines.sort_values(["quarter", "_class", "item_key", "line_id"])


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with ``<NA>`` for unknown, where pandas gives None, which does not carry through sums."""
    return [{name: pd.NA if value is None else value for name, value in row.items()} for row in frame.to_dict("records")]


def _step(step: str, heading: str, **cells: Any) -> dict[str, Any]:
    return dict.fromkeys(ORDER, pd.NA) | {"step": step, "heading": heading} | cells


def _item_steps(span: list[str], lines: pd.DataFrame, sheet: pd.DataFrame, rules: Rules) -> tuple[list[dict[str, Any]], Any]:
    """Each line of each quarter from the ledger that the rule takes first, else from the other, and the sum of what counts."""
    steps: list[dict[str, Any]] = []
    running: Any = 0
    for quarter in span:
        by_source = {"items": lines[lines["quarter"] == quarter], "sheet": sheet[sheet["quarter"] == quarter]}
        first = rules.value("income.source")
        source = first if len(by_source[first]) else next(name for name in by_source if name != first)
        if not len(by_source[source]):
            running = pd.NA
            steps.append(_step("缺", f"{quarter} 没有收入记录", rule_key="income.source", reason=REASONS["quarter_missing"], running_fen=running))
        for row in _records(by_source[source]):
            for step, amount in _item_step(row, rules) if source == "items" else _sheet_row_steps(row):
                running += amount
                steps.append(step | {"running_fen": running})
    return steps, running


def _item_step(row: dict[str, Any], rules: Rules) -> list[tuple[dict[str, Any], Any]]:
    rule = rules[row["item_key"]]
    in_kind = not pd.isna(row["in_kind"]) and bool(row["in_kind"])
    quantity, price = pd.NA, pd.NA
    if not pd.isna(row["quantity_milli"]):
        quantity = f"{_plain(row['quantity_milli'], 3)} {rule.value.get('unit_of_quantity') or ''}".strip()
    words = [REASONS["counted" if row["counted"] else "excluded"], rule.value["why"]]
    if pd.isna(row["amount_fen"]):
        words.insert(1, REASONS[row["reason_code"]])
    key = rule.key
    if in_kind and (name := rule.value.get("in_kind_price")):
        price, key = f"{rules.value(name):.2f}", f"{rule.key} {name}"
        if not pd.isna(row["amount_fen"]) and not _is_priced(row["amount_fen"], row["quantity_milli"], price):
            price = pd.NA
            words.insert(1, "按所属季度当时的价格折算，与现行价格不同")
    heading = f"{row['quarter']} {rule.term}{'(实物)' if in_kind else ''}"
    step = _step(
        "支出" if rule.value["class"] == "cost" else "明细", heading, quantity=quantity, price_yuan=price, amount_fen=row["amount_fen"],
        counted=row["counted"], rule_key=key, reason="：".join(words),
    )
    return [(step, row["amount_fen"] * row["sign"] if row["counted"] else 0)]


def _is_priced(amount: int, quantity: Any, price: str) -> bool:
    """Whether quantity times today's price gives the amount: a line of an earlier quarter keeps the price of its own quarter."""
    return not pd.isna(quantity) and (int(quantity) * int(Decimal(price) * 100) + 500) // 1000 == amount


def _sheet_row_steps(row: dict[str, Any]) -> list[tuple[dict[str, Any], Any]]:
    steps = []
    for name in CLASSES:
        amount = row[f"{name}_fen"]
        reason = REASONS["amount_unknown"] if pd.isna(amount) else "该季度采用季度收入表"
        step = _step("季表", f"{row['quarter']} {label('item_class', name)}", amount_fen=amount, counted=True, rule_key="income.source", reason=reason)
        steps.append((step, -amount if name == "cost" else amount))
    return steps


def _sum_steps(result: pd.Series, total: Any) -> list[dict[str, Any]]:
    columns = TABLES["household_income"]
    names = [*(f"{name}_fen" for name in CLASSES[:3]), "business_net_fen", *(f"{name}_fen" for name in CLASSES[3:]), "excluded_fen"]
    reasons = {"business_net_fen": "生产经营性收入减支出，可以为负", "excluded_fen": "只列出，不进入纯收入"}
    steps = [_step("小计", columns[name].heading, amount_fen=result[name], counted=name != "excluded_fen", reason=reasons.get(name, pd.NA)) for name in names]
    why = "工资性+生产经营性+财产性+转移性-生产经营性支出"
    if pd.isna(result["net_fen"]):
        why = f"未知：{REASONS.get(result['reason_code'], result['reason_code'])}"
    steps.append(_step("纯收入", "家庭纯收入", amount_fen=result["net_fen"], counted=True, reason=why, running_fen=total))
    if pd.isna(total) != pd.isna(result["net_fen"]) or (not pd.isna(total) and total != result["net_fen"]):
        steps.append(_step("不符", "逐笔相加与家庭纯收入表不符", amount_fen=total, counted=False, reason="请重新核算本季度，并核对台账是否在核算后改动"))
    return steps


def _sheet_steps(result: pd.Series, rules: Rules) -> list[dict[str, Any]]:
    used = f"采用{label('income_source', result['income_source'])}"
    if pd.isna(result["sheet_net_fen"]):
        return [_step("对照", "季度收入表纯收入", rule_key="income.source", reason=f"季度收入表不全，无从对照；{used}")]
    steps = [_step("对照", "季度收入表纯收入", amount_fen=result["sheet_net_fen"], rule_key="income.source", reason=used)]
    if not pd.isna(result["sheet_difference_fen"]):
        tolerance = int(rules.value("income.sheet_tolerance"))
        words = "两表不一致，差额超过" if abs(result["sheet_difference_fen"]) > tolerance else "两表一致，差额不超过"
        reason = f"{words}{_yuan(tolerance)}元；{used}"
        steps.append(_step("对照", "两表差额", amount_fen=result["sheet_difference_fen"], rule_key="income.sheet_tolerance", reason=reason))
    return steps


def _person_steps(people: pd.DataFrame, heads: pd.DataFrame, rules: Rules) -> list[dict[str, Any]]:
    rule = rules[f"headcount.{rules.value('headcount.rule')}"]
    decided = nw.from_native(people).select("person_id", counts=person_counts(rule)).to_native()["counts"].astype("boolean")
    steps = []
    for row, counts in zip(_records(people), decided, strict=True):
        words = [
            f"变更：{label('change', row['change'])}" if not pd.isna(row["change"]) else "无变更",
            "常住未知" if pd.isna(row["resident"]) else "常住" if row["resident"] else "不常住",
            "是否计入未知" if pd.isna(counts) else "计入" if counts else "不计入",
        ]
        heading = f"成员 {row['person_id'][-2:]} {label('relation', row['relation'])}"
        quantity = "未知" if pd.isna(counts) else "1 人" if counts else "0 人"
        steps.append(_step("人口", heading, quantity=quantity, counted=counts, rule_key=rule.key, reason="，".join(words)))
    number = heads["headcount_persons"].iloc[0] if len(heads) else pd.NA
    quantity = "未知" if pd.isna(number) else f"{number} 人"
    return [*steps, _step("计算人口", rule.term, quantity=quantity, rule_key=rule.key, reason=f"登记在册 {len(people)} 人")]


def _line_steps(result: pd.Series, complete: bool, line_year: int, rules: Rules) -> list[dict[str, Any]]:
    net, persons = result["net_fen"], result["headcount_persons"]
    reason = "纯收入除以计算人口，四舍五入到分，只供显示，不用于与标准比较"
    if pd.isna(result["percapita_fen"]):
        reason = f"未知：{REASONS.get(result['reason_code'], result['reason_code'])}"
    steps = [_step("人均", "人均纯收入", amount_fen=result["percapita_fen"], reason=reason)]
    line: Rule | None = rules.line(line_year)
    key = f"line.{rules.value('line.basis')}"
    fen = rules.line_fen(line_year)
    if line is None or fen is None:
        return [*steps, _step("标准", f"{line_year}年扶贫标准", rule_key=key, reason="该年没有标准值，不能比较")]
    steps.append(_step("标准", f"{line_year}年 {line.term}", amount_fen=fen, rule_key=key, reason=f"每人每年；{line.document}"))
    if pd.isna(persons):
        return [*steps, _step("差距", "与标准的差距", rule_key=key, reason=f"未知：{REASONS['headcount_unknown']}")]
    steps.append(_step("标准", "标准乘以计算人口", quantity=f"{persons} 人", price_yuan=f"{fen / 100:.2f}", amount_fen=fen * persons, rule_key=key))
    distance = net - fen * persons
    return [*steps, _step("差距", "纯收入减标准乘以人口", amount_fen=distance, rule_key=key, reason=_distance_words(distance, persons, complete))]


def _distance_words(distance: Any, persons: int, complete: bool) -> str:
    if pd.isna(distance):
        return "未知：纯收入未知"
    if persons <= 0:
        return f"不作比较：{REASONS['headcount_zero']}"
    if distance == 0:
        return "恰在标准上" if complete else "本期不满一年：恰等于全年标准"
    if not complete:
        return "本期不满一年：已超过全年标准" if distance > 0 else "本期不满一年：尚未达到全年标准"
    return "高于标准" if distance > 0 else "低于标准"


def _plain(number: int, places: int) -> str:
    """A whole number of 10^-places units as a decimal, without trailing zeros."""
    whole, part = divmod(abs(int(number)), 10**places)
    digits = f"{part:0{places}d}".rstrip("0")
    return f"{'-' if number < 0 else ''}{whole:,}{'.' + digits if digits else ''}"


def _yuan(fen: Any) -> str:
    if pd.isna(fen):
        return ""
    return f"{'-' if fen < 0 else ''}{abs(int(fen)) // 100:,}.{abs(int(fen)) % 100:02d}"


def _yes_no(counted: Any) -> str:
    return "" if pd.isna(counted) else "是" if counted else "否"


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: wide and full-width characters take two."""
    return sum(0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _padded(text: str, width: int, to_right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if to_right else text + gap
