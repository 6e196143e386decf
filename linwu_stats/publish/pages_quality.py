"""The pages' part on the ledgers themselves (台账质量部分): what the ledger checks found, in counts.

Takes a quarter ``q`` and an area code (county or township), gives a fragment, as in :mod:`linwu_stats.publish.pages`. No household is named here.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from linwu_stats.publish import facts
from linwu_stats.publish.tables_html import Fragment, Show, join, note, render_table
from linwu_stats.tables import CODES

__all__ = ["check_table"]

SHOWN = 20
_COUNTS = ("rows", "passed", "failed", "unknown")


def check_table(q: Any, area: str) -> Fragment:
    """The heaviest ledger checks (台账检查): how many rows passed, failed, are unknown, how grave it is, who mends it; last quarter beside it.

    Takes ``check_counts`` of the area, county or township; errors come before warnings, then the most failures. A county's own values stand in the
    names. Raises :class:`~linwu_stats.publish.facts.AreaError` for a village, since the checks are counted by township.
    """
    here = facts.place(q, area)
    counts = _counts(q, here)
    before = _before(q, here)
    counts["before"] = counts["check_key"].map(before) if before is not None else pd.NA
    bad = counts[counts["failed"] > 0].sort_values(["severity", "failed", "check_key"], ascending=[True, False, True])
    columns = {
        "title": Show("检查内容", below="check_key"), "severity": Show("程度", "codes", codes="check_severity"), "fixer": Show("整改单位"),
        "failed": Show("有问题", "integer", "户、人或村"), "before": Show("上季有问题", "integer", unknown="—"), "passed": Show("通过", "integer"),
        "unknown": Show("未知", "integer"),
    }
    table = render_table(
        bad.head(SHOWN), columns, caption=f"{here.name}台账检查：问题最重的项目",
        empty="没有检查出问题。" if len(counts) else "本季没有检查记录。",
        note_text="通过、有问题、未知三者之和是应查的户、人或村数；未知不算通过，也不算有问题。“疑点”须入户核实，不是结论。",
    )
    return join(table, note(*_summary(counts, len(bad))))


def _counts(q: Any, here: facts.Place) -> pd.DataFrame:
    """Counts of the area, one row per check, the columns that the ledgers lack beside them."""
    if here.level == "village":
        raise facts.AreaError(f"area {here.code}: ledger checks are counted by township (台账检查按乡镇计数); give a county or township code")
    rows = q.check_counts
    if here.level == "township":
        rows = rows[rows["township_code"] == here.code]
    first = rows.groupby("check_key", sort=True)[["title", "severity", "fixer", "absent"]].first()
    return first.join(rows.groupby("check_key")[list(_COUNTS)].sum()).reset_index()


def _before(q: Any, here: facts.Place) -> pd.Series | None:
    """Failures of the quarter before, by check; unknown where the ledgers did not have the column then."""
    if q.previous is None:
        return None
    counts = _counts(q.previous, here).set_index("check_key")
    return counts["failed"].mask(counts["unknown"] == counts["rows"])


def _summary(counts: pd.DataFrame, bad: int) -> list[str]:
    totals = "，".join(
        f"{term} {int((counts.loc[counts['severity'] == code, 'failed'] > 0).sum()):,} 项共 {int(counts.loc[counts['severity'] == code, 'failed'].sum()):,} 处"
        for code, term in CODES["check_severity"].items()
    )
    sentences = [f"共检查 {len(counts):,} 项：{totals}。"]
    if bad > SHOWN:
        sentences.append(f"只列前 {SHOWN} 项，另有 {bad - SHOWN:,} 项有问题。")
    lacking = counts[counts["absent"].notna() & (counts["unknown"] == counts["rows"])]
    if len(lacking):
        headings = "、".join(dict.fromkeys("、".join(lacking["absent"]).split("、")))
        sentences.append(f"{len(lacking):,} 项因台账没有下列各列而不能检查：{headings}。")
    return sentences
