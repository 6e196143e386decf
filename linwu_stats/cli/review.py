"""Commands of the double review (双人复核): draw the sample and write the sheets, read what came back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.shell import law_folder, plain_errors

__all__ = ["review"]


@click.group()
def review() -> None:
    """Two-person review of the ledgers (双人复核): draw, then read."""


@review.command()
@click.argument("quarter")
@click.option("--seed", type=click.IntRange(0), default=None, help="Seed of the draw; by default the digits of the quarter, 20181 for 2018Q1 (种子).")
@click.option("--households", type=click.IntRange(1), default=None, help="Households in all; by default the rule review.sample (复核户数).")
@click.option("--names", is_flag=True, help="Put names into the sheets, which are then restricted files (写入姓名，限内部使用).")
@click.pass_obj
@plain_errors
def draw(home: Path | None, quarter: str, seed: int | None, households: int | None, names: bool) -> None:
    """Draw the households of a QUARTER by township and write two sealed sheets for each (抽样并生成复核表)."""
    from linwu_stats.ledgers import review as room
    from linwu_stats.ledgers.entries import CORRECTABLE
    from linwu_stats.quarter import find_home, make_quarter

    root = find_home(home)
    folder = root / "data" / quarter / "review"
    q = make_quarter(quarter, root, progress=lambda text: click.echo(text, err=True))
    seed = int(quarter[:4] + quarter[5]) if seed is None else seed
    sample = room.draw_review_sample(q.households, q.rules, seed, take=households)
    values = room.ledger_values({name: getattr(q, name) for name in CORRECTABLE}, sample, q.rules, quarter, as_of=q.rules.day)
    facts = {
        "quarter": quarter, "seed": seed, **q.rules.value("review.sample"), "households_asked": households, "drawn": len(sample),
        "population": len(q.households), "frame_sha256": room.frame_sha256(q.households), "fields": list(room.review_fields(q.rules)),
    }
    room.freeze_review(folder, sample, values, {name: value for name, value in facts.items() if name != "households"})
    for old in folder.glob(f"{quarter}_*.xlsx"):
        old.unlink()
    known = _names(root / "data" / quarter / "ledgers", q.rules) if names else None
    paths = room.write_review_sheets(folder, sample, values, quarter, area_names=q.area_names, person_names=known)
    (folder / "returned").mkdir(exist_ok=True)
    click.echo(f"抽取{len(sample)}户，种子{seed}；复核表{len(paths)}份在 {folder}")
    click.echo("sealed 文件夹存有台账原值，不要发给复核人。填好的表放入 returned 文件夹后运行 linwu-stats review read。")


@review.command()
@click.argument("quarter")
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the report to this file instead (写到文件).")
@click.pass_obj
@plain_errors
def read(home: Path | None, quarter: str, form: str, out: Path | None) -> None:
    """Read the sheets that came back for a QUARTER and report (读取复核表并汇总); what the third person decides is written into review/."""
    from linwu_stats.ledgers import review as room
    from linwu_stats.quarter import find_home, last_day
    from linwu_stats.rules import rules_at

    root = find_home(home)
    folder = root / "data" / quarter / "review"
    rules = rules_at(last_day(quarter), law_folder(root))
    sample, values, facts = room.load_review(folder)
    if sample.empty:
        raise room.ReviewError(f"no sample was drawn for {quarter} (该季度没有抽取复核样本). Draw one with: linwu-stats review draw {quarter}")
    answers, notices = room.read_review_sheets(folder / "returned", sample, values, quarter)
    said = room.report(sample, values, answers, rules)
    for old in folder.glob(f"{quarter}_*_C.xlsx"):
        old.unlink()
    for path in room.write_dispute_sheets(folder, said.disputes, quarter):
        click.echo(f"裁定表 {path}", err=True)
    text = room.render_review(said, notices, facts, form)
    if out is None:
        click.echo(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8", newline="\n")
        click.echo(out)


def _names(folder: Path, rules: Any) -> Mapping[str, str]:
    """Names by household (of its head) and person code, straight from the raw register; they go into the restricted sheets and nowhere else."""
    from linwu_stats.ledgers.read import read_path

    names: dict[str, str] = {}
    for ledger in read_path(folder, rules=rules):
        if ledger.kind == "persons" and "name" in ledger.frame.columns:
            frame = ledger.frame
            heads = frame[(frame["relation"] == "head").fillna(False)] if "relation" in frame.columns else frame.drop_duplicates("household_id")
            for rows, key in ((frame, "person_id"), (heads, "household_id")):
                pairs = zip(rows[key], rows["name"], strict=True) if key in rows.columns else ()
                names |= {code: name for code, name in pairs if isinstance(code, str) and isinstance(name, str)}
    return names
