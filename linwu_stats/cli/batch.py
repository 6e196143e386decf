"""Commands that make something (生成): the sample, a new quarter, tables and pages."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from linwu_stats.cli.lookback import sample_lookback
from linwu_stats.cli.shell import NEEDS_A_PERSON, law_folder, newest_quarter, plain_errors

__all__ = ["new", "report", "run", "sample"]

#: So many households are a prefecture, written as parquet in bounded memory; a county has fewer.
PREFECTURE_FROM = 20_000


@click.command()
@click.option("--households", type=click.IntRange(60), default=None, help="A smaller county; with 20000 and more a prefecture as parquet (户数).")
@click.option("--to", "target", type=click.Path(file_okay=False, path_type=Path), default=None, help="Folder to write to; by default the workspace (写到哪里).")
@click.pass_obj
@plain_errors
def sample(home: Path | None, households: int | None, target: Path | None) -> None:
    """Make the invented sample county (生成示例县数据): ledgers of 2016Q4 to 2018Q1, the same bytes every time."""
    from linwu_stats.quarter import find_home

    _make_sample(target or find_home(home), households)


@click.command()
@click.argument("quarter")
@click.pass_obj
@plain_errors
def new(home: Path | None, quarter: str) -> None:
    """Make the folder of a QUARTER with Excel templates to fill in (新建季度和填报模板), e.g. 2018Q2."""
    from linwu_stats.ledgers.templates import write_templates
    from linwu_stats.quarter import find_home, last_day
    from linwu_stats.rules import rules_at

    root = find_home(home)
    rules = rules_at(last_day(quarter), law_folder(root))
    for path in write_templates(root / "data" / quarter / "ledgers", rules, quarter):
        click.echo(path)


@click.command()
@click.argument("quarter", required=False)
@click.option("--workers", type=click.IntRange(1), default=None, help="Pages made side by side (并行数).")
@click.option("--only", multiple=True, metavar="CODE", help="Only the pages of this area code; may be given again (只做某些地区).")
@click.option("--again", is_flag=True, help="Make the pages even if nothing changed (重新生成).")
@click.option("--tables-only", is_flag=True, help="Make the tables, no pages (只算表).")
@click.pass_obj
@plain_errors
def run(home: Path | None, quarter: str | None, workers: int | None, only: tuple[str, ...], again: bool, tables_only: bool) -> None:
    """Run a QUARTER, by default the newest (运行一个季度): ledgers, tables, notebooks, pages, index."""
    from linwu_stats.quarter import find_home

    root = find_home(home)
    _run(root, quarter or newest_quarter(root), workers, only, again, tables_only)


@click.command()
@click.option("--workers", type=click.IntRange(1), default=None, help="Pages made side by side (并行数).")
@click.pass_obj
@plain_errors
def report(home: Path | None, workers: int | None) -> None:
    """The whole job (生成报告): the sample county if data/ has no quarter of its own, then the newest quarter; prints the path of its index.html."""
    from linwu_stats.quarter import find_home, quarters_with_ledgers

    root = find_home(home)
    if not quarters_with_ledgers(root):
        click.echo("data/ 中没有季度数据，先生成示例县(虚构)。No quarter in data/: making the invented sample county.")
        _make_sample(root, None)
    _run(root, quarters_with_ledgers(root)[-1], workers, (), False, False)


def _run(root: Path, quarter: str, workers: int | None, only: tuple[str, ...], again: bool, tables_only: bool) -> None:
    from tqdm import tqdm

    from linwu_stats.quarter import STEPS, make_quarter, quarters_with_ledgers

    with tqdm(desc="数据表", total=STEPS * sum(one <= quarter for one in quarters_with_ledgers(root)), unit="步", file=sys.stderr) as bar:

        def stage(text: str) -> None:
            bar.set_postfix_str(text, refresh=False)
            bar.update()

        make_quarter(quarter, root, progress=stage)
        bar.update(bar.total - bar.n)
    if tables_only:
        click.echo(root / "data" / quarter / "tables")
        return
    from linwu_stats.publish.batch import run_batch

    with tqdm(desc="报告", unit="页", file=sys.stderr) as bar:

        def step(done: int, total: int, text: str) -> None:
            bar.total = total
            bar.set_postfix_str(text, refresh=False)
            bar.update(done - bar.n)

        result = run_batch(quarter, root, workers=workers, areas=list(only) or None, again=again, progress=step)
    for failure in result.failures:
        click.echo(f"失败: {failure}", err=True)
    click.echo(result.index)
    if result.failures:
        sys.exit(NEEDS_A_PERSON)


def _make_sample(root: Path, households: int | None) -> None:
    from tqdm import tqdm

    from linwu_stats import synthetic

    if households is not None and households >= PREFECTURE_FROM:
        click.echo(synthetic.write_prefecture(root / "data" / "prefecture", households))
        return
    with tqdm(desc="示例县", file=sys.stderr) as bar:

        def step(done: int, total: int, text: str) -> None:
            bar.total = total
            bar.set_postfix_str(text, refresh=False)
            bar.update(done - bar.n)

        synthetic.write_sample(root, households=households, progress=step)
    sample_lookback(root, households)
    click.echo(root / "data")
