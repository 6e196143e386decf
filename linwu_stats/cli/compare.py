"""The command that sets two runs side by side (比较两次运行)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.blocks import Block, as_html, as_text
from linwu_stats.cli.shell import NEEDS_A_PERSON, plain_errors

__all__ = ["compare"]

_TITLE = "两次运行比较"
#: So many changes are written out for reading; all of them stand in the JSON.
_SHOWN = 200


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.pass_obj
@plain_errors
def compare(home: Path | None, old: str, new: str, form: str) -> None:
    """Say which figures changed from run OLD to run NEW, and why (比较两次运行): data, rule, code.

    A run is a folder with a run.json, a quarter, or a quarter's run before: 2018Q1.previous. Exit code 0: the same figures; 1: some differ.
    """
    from linwu_stats.publish.compare import compare_runs, find_run
    from linwu_stats.quarter import find_home

    reports = find_home(home) / "reports"
    found = compare_runs(find_run(old, reports), find_run(new, reports))
    if form == "json":
        click.echo(json.dumps(found, ensure_ascii=False, indent=1, default=str))
    else:
        click.echo(as_text(_blocks(found)) if form == "text" else as_html(_TITLE, _blocks(found)))
    sys.exit(0 if found["same"] else NEEDS_A_PERSON)


def _blocks(found: dict[str, Any]) -> list[Block]:
    from linwu_stats.publish.compare import CAUSES

    blocks: list[Block] = [("运行", [[run["folder"], run["quarter"], run["started"], run["version"]] for run in found["runs"]]), ("原因", [[found["reason"]]])]
    blocks += [(f"变化的{CAUSES[cause]}", [list(map(str, row.values())) for row in rows]) for cause, rows in found["causes"].items()]
    changes = [[row["table"], row["about"], row["column"], _shown(row["old"]), _shown(row["new"]), _shown(row["difference"])] for row in found["changes"]]
    blocks.append((f"变化的数字（{len(changes):,} 个）", [["表", "对象", "项目", "原", "新", "差"], *changes[:_SHOWN]]))
    if len(changes) > _SHOWN:
        blocks.append(("未列出", [[f"另有 {len(changes) - _SHOWN:,} 个，用 --format json 查看"]]))
    if found["incomparable"]:
        blocks.append(("不能比较的表", [[f"{name}：{why}"] for name, why in found["incomparable"].items()]))
    return blocks


def _shown(value: Any) -> str:
    return "未知" if value is None else f"{value:,.6g}" if isinstance(value, float) else str(value)
