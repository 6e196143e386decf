"""The banner of doubts (疑点与限制), first of all on every page: what limits what the page can say.

Takes a quarter ``q`` and an area code, gives a fragment, as in :mod:`linwu_stats.publish.pages`.
"""

from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape

from linwu_stats.publish import facts, words
from linwu_stats.publish.tables_html import Fragment, bullets, fold, rule
from linwu_stats.tables import label

__all__ = ["doubts"]


def doubts(q: Any, area: str) -> Fragment:
    """Everything that limits what the page can say (疑点与限制), first of all on the page.

    Sample data, unknown incomes and guarantees, rules without an official text that decide a verdict, the county's own rules, disagreement of the
    two income ledgers, findings of the ledgers.
    """
    items = [
        _doubt_sample(q),
        _doubt_register(q, area),
        _doubt_income(q, area),
        _doubt_guarantees(q, area),
        _doubt_sheet(q, area),
        _doubt_findings(q, area),
        _doubt_law(q, area),
        _doubt_overrides(q),
    ]
    return bullets([item for item in items if item is not None], "doubts", heading="疑点与限制", empty="本页数据没有需要提示的疑点。")


def _doubt_sample(q: Any) -> str | None:
    return "示例数据：本页的户、人和金额都是程序虚构的，不是真实统计，不得引用。" if q.is_sample else None


def _doubt_register(q: Any, area: str) -> str | None:
    found = facts.stock(q, area)
    parts = []
    if found["unknown_status"]:
        parts.append(f"{found['unknown_status']:,} 户脱贫属性空白")
    lost = int((~facts.register(q, area)["township_code"].isin(list(q.area_names))).sum())
    if lost:
        parts.append(f"{lost:,} 户的乡镇不能识别，只计入全县")
    sizes = facts.register(q, area)
    differ = int((sizes["recorded_size_persons"] != sizes["registered_persons"]).fillna(False).sum())
    if differ:
        parts.append(f"{differ:,} 户登记人数与名册成员数不同，人均按成员数计算")
    if found["unplaced_households"]:
        parts.append(f"{found['unplaced_households']:,} 户的行政村不在行政村表中，可能属于本地区，有关人口和发生率按未知处理")
    if found["households"] and found["population"] is None:
        parts.append(f"有行政村的{found['denominator']}未知，贫困发生率算不出")
    return f"名册不全：{'；'.join(parts)}。" if parts else None


def _doubt_income(q: Any, area: str) -> str | None:
    parts = []
    for period in ("quarter", "last4"):
        rows = facts.income_rows(q, area, period)
        unknown = rows[rows["reason_code"].notna()]
        if len(unknown):
            why = "、".join(f"{words.reasons(code)} {count:,} 户" for code, count in unknown["reason_code"].value_counts(sort=True).items())
            persons = facts.persons_sum(unknown)
            people = "" if persons is None else f" {persons:,} 人"
            parts.append(f"{label('period', period)} {len(unknown):,} 户{people}（{why}）")
    return f"收入未知：{'；'.join(parts)}。这些户不算贫困也不算脱贫，平均数和比重不含它们。" if parts else None


def _doubt_guarantees(q: Any, area: str) -> str | None:
    rows = facts.exit_rows(q, area)
    columns = [column for column in facts.TESTS if column != "income_outcome"]
    unknown = rows[columns].isin(["unknown"]) | rows[columns].isna()
    if not unknown.any(axis=None):
        return None
    parts = "、".join(f"{facts.TESTS[column][1]} {int(unknown[column].sum()):,} 户" for column in columns if unknown[column].any())
    return f"保障情况未知：{int(unknown.any(axis=1).sum()):,} 户至少有一项未知（{parts}）。未知不当作达标，请补齐部门台账。"


def _doubt_sheet(q: Any, area: str) -> Markup | None:
    rows = facts.income_rows(q, area, "quarter")
    apart = rows[rows["sheet_difference_fen"].abs() > q.rules.value("income.sheet_tolerance")]
    if apart.empty:
        return None
    used = "、".join(f"{label('income_source', source)} {count:,} 户" for source, count in apart["income_source"].value_counts().items())
    return escape(f"两本账不一致：{len(apart):,} 户的收入明细与季度收入表相差超过容许额，采用：{used} ") + rule("income.source") + escape("。")


def _doubt_findings(q: Any, area: str) -> str | None:
    found = facts.rows_of(q, "findings", area, "household_id", "severity", "fixer")
    if found.empty:
        return None
    kinds = "、".join(f"{words.severity(kind)} {count:,} 条" for kind, count in found["severity"].value_counts().items())
    fixers = "、".join(f"{fixer} {count:,} 条" for fixer, count in found["fixer"].value_counts().head(4).items())
    return f"台账问题：{kinds}；须整改：{fixers}。" if fixers else f"台账问题：{kinds}。"


def _doubt_law(q: Any, area: str) -> Markup | None:
    decide = {key: one for key, one in facts.deciding_rules(q, area).items() if one.status == "to_confirm"}
    items = _item_rules(q, area)
    if not decide and not items:
        return None
    text = escape("待确认的规则：下列规则未见正式文件，却影响本页的判定：")
    text += Markup("；").join(escape(f"{one.term} ") + rule(key) for key, one in decide.items()) + escape("。")
    if items:
        names = Markup("；").join(escape(f"{one.term} ") + rule(one.key) for one in items)
        text += escape(f"另有本页用到的收入项目 {len(items)} 个待确认。") + fold("列出", Markup("<p>{}</p>").format(names)).markup
    return text


def _doubt_overrides(q: Any) -> Markup | None:
    own = q.rules.overridden()
    if not own:
        return None
    parts = []
    for one in own:
        packaged = q.rules.packaged(one.key)
        before = "新增" if packaged is None else f"原为 {words.value_in_words(packaged.value)}"
        parts.append(escape(f"{one.term} ") + rule(one.key) + escape(f" 取 {words.value_in_words(one.value)}（{before}）"))
    return escape("本县改写的规则：") + Markup("；").join(parts) + escape("。")


def _item_rules(q: Any, area: str) -> list[Any]:
    """Items that occur in the area's ledgers, whose rule has no official text."""
    lines = facts.rows_of(q, "item_amounts", area, "household_id", "item_key")
    used = set(lines["item_key"].dropna().unique())
    return [one for one in q.rules.under("item.") if one.key in used and one.status == "to_confirm"]
