"""The commands that write lists of households with names (名单): notices for the village, lists for case workers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.shell import plain_errors

__all__ = ["caselists", "notices"]


@click.command()
@click.argument("quarter")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), default=None, help="First day of the notice (公示起始日), as 2018-04-10.")
@click.pass_obj
@plain_errors
def notices(home: Path | None, quarter: str, start: dt.datetime | None) -> None:
    """Write the notice of each village for a QUARTER, names masked (生成村内公示名单), into reports/QUARTER-notices.

    On it are the households that meet all conditions of an exit, and those that left poverty since the quarter before. Check it with the village first.
    """
    from linwu_stats.publish.lists import not_posted, public_notices

    q, heads, root = _opened(home, quarter)
    folder = _emptied(root / "reports" / f"{quarter}-notices")
    paths = public_notices(q, heads, folder, None if start is None else start.date())
    click.echo(f"{quarter} 公示名单: {len(paths) // 2} 个村" + ("" if paths else "；本季没有达到退出条件或新脱贫的户"))
    if left := not_posted(q):
        click.echo(f"{left} 户的行政村不能识别, 没有列入任何名单; 请先改正贫困户表的村名", err=True)
    click.echo(folder)


@click.command()
@click.argument("quarter")
@click.pass_obj
@plain_errors
def caselists(home: Path | None, quarter: str) -> None:
    """Write the case workers' list of each township for a QUARTER (生成帮扶工作名单), into reports/QUARTER-restricted: with names, not to be published."""
    from linwu_stats.publish.lists import case_lists

    q, heads, root = _opened(home, quarter)
    folder = _emptied(root / "reports" / f"{quarter}-restricted")
    paths = case_lists(q, heads, folder)
    (folder / "内部使用_不得公开.txt").write_text("本文件夹的名单有姓名和户编号，仅限帮扶和复核人员使用，不得公开。\n", encoding="utf-8", newline="\n")
    click.echo(f"{quarter} 帮扶工作名单: {len(paths) // 2} 个乡镇")
    click.echo(folder)


def _opened(home: Path | None, quarter: str) -> tuple[Any, dict[str, str], Path]:
    """The quarter, and the name of the head of each household from the raw ledgers."""
    from linwu_stats.ledgers.intake import read_quarter
    from linwu_stats.quarter import find_home, make_quarter

    root = find_home(home)
    q = make_quarter(quarter, root, progress=lambda text: click.echo(text, err=True))
    people = read_quarter(root / "data" / quarter / "ledgers", q.rules, quarter).people
    heads = q.persons.loc[q.persons["relation"] == "head", ["person_id", "household_id"]].drop_duplicates("household_id")
    named = heads.merge(people[["person_id", "name"]].drop_duplicates("person_id"), on="person_id", how="left").dropna(subset=["name"])
    return q, dict(zip(named["household_id"].astype(str), named["name"].astype(str), strict=True)), root


def _emptied(folder: Path) -> Path:
    """The folder without the lists of an earlier call: a household that is no longer on one must not stay on it."""
    for old in [*folder.glob("*.html"), *folder.glob("*.xlsx")]:
        old.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
