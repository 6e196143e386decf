"""The command that sets sources of the register side by side (三方比对)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.blocks import Block, as_html, as_text
from linwu_stats.cli.shell import NEEDS_A_PERSON, law_folder, plain_errors

__all__ = ["reconcile"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TITLES = {"system": "系统", "booklet": "扶贫手册", "household_file": "一户一档"}


@click.command()
@click.option("--system", type=_FILE, help="The system's person export (系统导出).")
@click.option("--booklet", type=_FILE, help="The booklets (扶贫手册).")
@click.option("--household-file", type=_FILE, help="The household files (一户一档).")
@click.option("--quarter", default=None, metavar="QUARTER", help="Rules of the last day of this quarter, as 2018Q1 (季度).")
@click.option("--on", "day", default=None, metavar="DAY", help="Rules of this day, as 2018-03-31; by default today's (规则日期).")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.option("--names", is_flag=True, help="Show names beside the codes; for the office only (显示姓名，仅限内部).")
@click.pass_obj
@plain_errors
def reconcile(
    home: Path | None, system: Path | None, booklet: Path | None, household_file: Path | None, quarter: str | None, day: str | None, form: str, names: bool,
) -> None:
    """Compare two or three sources of the register by themselves (比对系统、扶贫手册、一户一档), without a quarter.

    What a difference changes in the assessment is worked out by ``linwu-stats run``, which has the other ledgers too. The export's amounts are of a year and
    are not compared with a quarter's.
    """
    import datetime as dt

    from linwu_stats.ledgers.read import read_path
    from linwu_stats.ledgers.reconcile import compare_sources
    from linwu_stats.ledgers.sources import roster_source
    from linwu_stats.quarter import find_home, last_day
    from linwu_stats.rules import rules_at

    given = {"system": system, "booklet": booklet, "household_file": household_file}
    given = {source: path for source, path in given.items() if path is not None}
    if len(given) < 2:
        raise click.UsageError("give two files at least, of --system, --booklet and --household-file (至少给出两个来源)")
    if quarter and day:
        raise click.UsageError("give --quarter or --on, not both (--quarter 和 --on 只能给一个)")
    rules = rules_at(last_day(quarter) if quarter else day or dt.datetime.now().astimezone().date(), law_folder(find_home(home)))
    rosters = {source: _roster(read_path(path, rules=rules), path, source) for source, path in given.items()}
    frames = {source: roster_source(raw, rules, yearly=source == "system") for source, raw in rosters.items()}
    found = compare_sources(frames, rules)
    shown = _result(found, frames, names)
    if form == "json":
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1, default=str))
    else:
        blocks = [(title, rows if len(rows) > 1 else []) for title, rows in _lines(shown)]
        click.echo(as_text(blocks) if form == "text" else as_html("三方比对", blocks, note="内部使用，不得公开。", headed=True))
    sys.exit(NEEDS_A_PERSON if shown["differences"] or shown["not_everywhere"] else 0)


def _roster(ledgers: list[Any], path: Path, source: str) -> Any:
    import pandas as pd

    from linwu_stats import RefusedError
    from linwu_stats.ledgers.vocabulary import ROSTERS

    usable = [ledger for ledger in ledgers if ledger.outcome not in ("reject", "ignore") and ledger.kind in ROSTERS]
    if not usable:
        why = "；".join(finding.message for ledger in ledgers for finding in ledger.findings if ledger.outcome == "reject")
        kinds = "、".join(sorted({ledger.kind for ledger in ledgers}))
        raise RefusedError(f"{path.name}: not a roster that can be compared as {_TITLES[source]} (不能作为{_TITLES[source]}比对): read as {kinds}. {why}")
    return pd.concat([ledger.frame.assign(_file=Path(ledger.path).name) for ledger in usable], ignore_index=True)


def _result(found: Any, frames: dict[str, Any], names: bool) -> dict[str, Any]:
    presence = found.presence
    everywhere = "".join("1" if source in found.given else "-" for source in _TITLES)
    patterns = presence.groupby(["subject", "pattern"]).size()
    values = {source: f"{source}_value" for source in found.given}
    heads = _heads(frames) if names else {}
    differences = [
        {"household": row["household_id"], "person": _none(row["person_id"]), "at": row["key"].partition("/")[2] or None,
         "item": row["heading"], "field": row["field"], "rule": row["rule_key"], "pattern": row["pattern"]}
        | {source: _none(row[column]) for source, column in values.items()}
        | {"agreed": _none(row["agreed_value"]), "agreed_source": _none(row["agreed_source"]), "fixer": row["fixer"]}
        | ({"head": heads.get(row["household_id"])} if names else {})
        for row in found.differences.sort_values(["household_id", "person_id", "field"], na_position="first").to_dict("records")
    ]
    counts = found.compared.groupby(["heading", "subject", "outcome"]).size().unstack(fill_value=0)
    columns = ["presence_id", "subject", "household_id", "person_id", "pattern", "booklet_tier", "household_file_tier"]
    away = presence.loc[presence["pattern"] != everywhere, columns].astype(object)
    return {
        "sources": list(found.given), "order": "system, booklet, household_file",
        "presence": [{"subject": subject, "pattern": pattern, "count": int(count)} for (subject, pattern), count in patterns.items()],
        "items": [{"item": item, "subject": subject} | {name: int(row.get(name, 0)) for name in ("agree", "differ", "unknown")}
                  for (item, subject), row in counts.iterrows()],
        "differences": differences,
        "not_everywhere": away.where(away.notna(), None).to_dict("records"),
        "candidates": found.candidates.astype(object).where(found.candidates.notna(), None).to_dict("records"),
    }


def _heads(frames: dict[str, Any]) -> dict[str, str]:
    out: dict[str, str] = {}
    for frame in frames.values():
        for code, name in frame[["household_id", "head_name"]].dropna().itertuples(index=False, name=None):
            out.setdefault(code, name)
    return out


def _none(value: Any) -> Any:
    import pandas as pd

    return None if pd.isna(value) else value


def _lines(shown: dict[str, Any]) -> list[Block]:
    """Titles with their rows, for reading."""
    from linwu_stats.tables import label

    sources = shown["sources"]
    words = {"household": "户", "person": "人"}
    heads = ["户主"] if shown["differences"] and "head" in shown["differences"][0] else []
    differences = [["户编号", *heads, "人编号", "项目", *(_TITLES[source] for source in sources), "拟采信值", "依据", "整改单位"]]
    for row in shown["differences"]:
        ground = "三方取二" if row["agreed_source"] == "two_of_three" else _TITLES.get(row["agreed_source"] or "", "")
        about = [row["household"], *([row["head"]] if heads else []), row["person"] or _place(row["at"]), row["item"]]
        values = [_said(row["field"], row[name]) for name in (*sources, "agreed")]
        cells = [*about, *values, ground, row["fixer"]]
        differences.append(["" if cell is None else str(cell) for cell in cells])
    presence = [["对象", "在册情况", "数"], *([words[row["subject"]], row["pattern"], str(row["count"])] for row in shown["presence"])]
    items = [["项目", "对象", "一致", "不一致", "不能比"],
             *([row["item"], words[row["subject"]], *(str(row[name]) for name in ("agree", "differ", "unknown"))] for row in shown["items"])]
    candidates = [["来源", "行", "可能是", "依据", "姓名相似度", "已匹配"]]
    candidates += [[_TITLES[row["source"]], str(row["row"]), str(row["person_id"] or row["household_id"]), label("match_tier", row["tier"]), str(row["score"]),
                    "是" if row["linked"] else "否"] for row in shown["candidates"]]
    return [(f"在册情况（{'、'.join(_TITLES.values())}：1 在册，2 重复，0 没有，- 未提供）", presence), ("各项目", items), ("不一致", differences),
            ("非证件号匹配和候选", candidates)]


def _place(at: str | None) -> str:
    source, _, row = (at or "").partition("-row")
    return f"{_TITLES[source]}第{row}行" if row else ""


def _said(column: str, value: str | None) -> str | None:
    """A value as the ledger would write it: yuan, official terms, 是 and 否."""
    from linwu_stats.tables import TABLES, label

    table, _, name = column.partition(".")
    if value is None or table not in TABLES or name not in TABLES[table].names:
        return value
    known = TABLES[table][name]
    if name.endswith("_fen"):
        return f"{int(value) / 100:.2f}元"
    if known.codes:
        return label(known.codes, value)
    return {"true": "是", "false": "否"}.get(value, value) if known.dtype == "bool" else value
