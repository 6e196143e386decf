"""The command that sets two runs side by side (比较两次运行)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from linwu_stats.cli.shell import NEEDS_A_PERSON, plain_errors

__all__ = ["compare"]


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
    from linwu_stats.publish.compare import compare_runs, find_run, render_comparison
    from linwu_stats.quarter import find_home

    reports = find_home(home) / "reports"
    found = compare_runs(find_run(old, reports), find_run(new, reports))
    click.echo(render_comparison(found, form))
    sys.exit(0 if found["same"] else NEEDS_A_PERSON)
