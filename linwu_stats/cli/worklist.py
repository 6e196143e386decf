"""The command that sends out what is to be mended (整改清单)."""

from __future__ import annotations

from pathlib import Path

import click

import linwu_stats
from linwu_stats.cli.shell import plain_errors

__all__ = ["worklist"]


@click.command()
@click.argument("quarter")
@click.pass_obj
@plain_errors
def worklist(home: Path | None, quarter: str) -> None:
    """Write the work lists of a QUARTER, one workbook a township (生成整改清单); filled ones go into data/QUARTER/corrections.

    The workbooks are restricted files: they stand in reports/QUARTER-worklist, apart from the pages.
    """
    from pandas import isna

    from linwu_stats.ledgers.cells import plain_text
    from linwu_stats.ledgers.corrections import read_corrections
    from linwu_stats.ledgers.worklist import save_issued
    from linwu_stats.ledgers.worklist_books import write_register, write_work_books
    from linwu_stats.quarter import find_home, make_quarter
    from linwu_stats.tables import label

    root = find_home(home)
    q = make_quarter(quarter, root, progress=lambda text: click.echo(text, err=True))
    folder = root / "reports" / f"{quarter}-worklist"
    _make_room(folder, quarter)
    paths = write_work_books(folder, q.work_list, q.rules, quarter, area_names=q.area_names)
    save_issued(root / "data" / quarter / "worklist" / "issued.json", q.work_list)
    entries, notices = read_corrections(root / "data" / quarter / "corrections")
    if len(q.corrections):
        who = {row.correction_id: plain_text(row.who).strip() for row in entries.itertuples()}
        paths.append(write_register(folder / f"{quarter}_corrections.xlsx", q.corrections, who, quarter))
    (folder / "内部资料_请勿外传.txt").write_text("本文件夹的整改清单和更正登记是内部资料，仅限办理人员使用，不得公开。\n", encoding="utf-8", newline="\n")
    (root / "data" / quarter / "corrections").mkdir(exist_ok=True)
    for notice in notices.to_dict("records"):
        click.echo(f"{notice['file']}: {notice['what']}", err=True)
    refused = q.corrections[~q.corrections["accepted"]]
    for row in refused.itertuples():
        detail = "" if isna(row.detail) else row.detail
        click.echo(f"未采用 {row.file} 第{row.row}行: {label('correction_reason', row.reason_code)} {detail}", err=True)
    counts = q.work_list["status"].value_counts()
    words = "，".join(f"{title}{int(counts.get(code, 0))}" for code, title in (
        ("new", "新增"), ("open", "未改"), ("unchecked", "无法检查"), ("mended", "已改"), ("verified", "经核实无误"), ("gone", "已不在名册")))
    click.echo(f"{quarter} 整改清单: {words}；更正采用{int(q.corrections['accepted'].sum())}条，未采用{len(refused)}条")
    click.echo(folder)


def _make_room(folder: Path, quarter: str) -> None:
    """Take away the lists of an earlier call, but never one that somebody filled in where it lies."""
    from linwu_stats.ledgers.corrections import read_corrections

    (folder / f"{quarter}_corrections.xlsx").unlink(missing_ok=True)
    filled = sorted(set(read_corrections(folder)[0]["file"]))
    if filled:
        raise linwu_stats.RefusedError(
            f"{len(filled)} work lists are filled in where they were written (整改清单就地填写，还没有收回): {'、'.join(filled[:3])}。"
            f"请把它们移到 data/{quarter}/corrections，再运行同一条命令；没有覆盖任何文件"
        )
    for old in folder.glob(f"{quarter}_*.xlsx"):
        old.unlink()
