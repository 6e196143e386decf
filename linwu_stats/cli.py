"""The command ``linwu-stats`` (命令行).

Exit codes: 0 all is well; 1 the work was done but something needs a person (a page failed, a file is flagged); 2 the command was called wrongly;
3 ledgers or law cannot carry the figures (台账或规则不能使用).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

import linwu_stats

__all__ = ["main"]

NEEDS_A_PERSON, WRONG_CALL, CANNOT_CARRY = 1, 2, 3
#: So many households are a prefecture, written as parquet in bounded memory; a county has fewer.
PREFECTURE_FROM = 20_000


def _plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Say what is wrong in one message instead of a traceback; a traceback stays for faults of the program itself."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except linwu_stats.RefusedError as error:
            click.echo(f"错误: {error}", err=True)
            sys.exit(CANNOT_CARRY)

    return wrapped


@click.group(context_settings={"help_option_names": ["-h", "--help"]},
             epilog="Exit codes: 0 good, 1 needs a person, 2 wrong call, 3 ledgers or law cannot be used.")
@click.version_option(linwu_stats.__version__, message="linwu-stats %(version)s")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=None, help="Workspace folder that holds data/ and reports/ (工作目录).")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Quarterly income and poverty-exit statistics of a county (贫困户人均纯收入测算与脱贫评估)."""
    _use_utf8()
    context.obj = home


@main.command()
@click.option("--households", type=click.IntRange(60), default=None, help="A smaller county; with 20000 and more a prefecture as parquet (户数).")
@click.option("--to", "target", type=click.Path(file_okay=False, path_type=Path), default=None, help="Folder to write to; by default the workspace (写到哪里).")
@click.pass_obj
@_plain_errors
def sample(home: Path | None, households: int | None, target: Path | None) -> None:
    """Make the invented sample county (生成示例县数据): ledgers of 2016Q4 to 2018Q1, the same bytes every time."""
    from linwu_stats.quarter import find_home

    _make_sample(target or find_home(home), households)


@main.command()
@click.argument("quarter")
@click.pass_obj
@_plain_errors
def new(home: Path | None, quarter: str) -> None:
    """Make the folder of a QUARTER with Excel templates to fill in (新建季度和填报模板), e.g. 2018Q2."""
    from linwu_stats.ledgers.templates import write_templates
    from linwu_stats.quarter import find_home, last_day
    from linwu_stats.rules import rules_at

    root = find_home(home)
    rules = rules_at(last_day(quarter), _law(root))
    for path in write_templates(root / "data" / quarter / "ledgers", rules, quarter):
        click.echo(path)


@main.command()
@click.argument("quarter", required=False)
@click.option("--workers", type=click.IntRange(1), default=None, help="Pages made side by side (并行数).")
@click.option("--only", multiple=True, metavar="CODE", help="Only the pages of this area code; may be given again (只做某些地区).")
@click.option("--again", is_flag=True, help="Make the pages even if nothing changed (重新生成).")
@click.option("--tables-only", is_flag=True, help="Make the tables, no pages (只算表).")
@click.pass_obj
@_plain_errors
def run(home: Path | None, quarter: str | None, workers: int | None, only: tuple[str, ...], again: bool, tables_only: bool) -> None:
    """Run a QUARTER, by default the newest (运行一个季度): ledgers, tables, notebooks, pages, index."""
    from linwu_stats.quarter import QuarterError, find_home, quarters_with_ledgers

    root = find_home(home)
    if quarter is None:
        have = quarters_with_ledgers(root)
        if not have:
            raise QuarterError("data/ holds no quarter (data/ 中没有季度数据). Make one with 'linwu-stats new 2018Q2', or the sample with 'linwu-stats sample'")
        quarter = have[-1]
    _run(root, quarter, workers, only, again, tables_only)


@main.command()
@click.option("--workers", type=click.IntRange(1), default=None, help="Pages made side by side (并行数).")
@click.pass_obj
@_plain_errors
def report(home: Path | None, workers: int | None) -> None:
    """The whole job (生成报告): the sample county if data/ has no quarter of its own, then the newest quarter; prints the path of its index.html."""
    from linwu_stats.quarter import find_home, quarters_with_ledgers

    root = find_home(home)
    if not quarters_with_ledgers(root):
        click.echo("data/ 中没有季度数据，先生成示例县(虚构)。No quarter in data/: making the invented sample county.")
        _make_sample(root, None)
    _run(root, quarters_with_ledgers(root)[-1], workers, (), False, False)


@main.command()
@click.argument("household")
@click.option("--quarter", default=None, help="Quarter; by default the newest that was made (季度).")
@click.option("--period", type=click.Choice(["quarter", "ytd", "last4", "year"]), default="ytd", show_default=True,
              help="This quarter, accounting year to date, last four quarters, last complete accounting year (核算期).")
@click.option("--format", "form", type=click.Choice(["text", "csv"]), default="text", show_default=True, help="For reading, or as a table (格式).")
@click.pass_obj
@_plain_errors
def explain(home: Path | None, household: str, quarter: str | None, period: str, form: str) -> None:
    """Print one HOUSEHOLD's income line by line (逐笔核算一户收入), as a case worker checks it with a pencil."""
    from linwu_stats.income.explain import format_explanation
    from linwu_stats.quarter import find_home, make_quarter, quarters_with_ledgers

    root = find_home(home)
    have = quarters_with_ledgers(root)
    if quarter is None and not have:
        raise click.UsageError("there is no quarter in data/ (没有季度数据)")
    q = make_quarter(quarter or have[-1], root, progress=lambda text: click.echo(text, err=True))
    try:
        frame = q.explain(household, period)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="HOUSEHOLD") from error
    click.echo(frame.to_csv(index=False) if form == "csv" else format_explanation(frame))


@main.command()
@click.option("--on", "day", required=True, metavar="DAY", help="Day as 2018-03-31 (日期).")
@click.option("--prefix", default="", help="Only rules whose key starts so, e.g. exit. (规则前缀).")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.pass_obj
@_plain_errors
def rules(home: Path | None, day: str, prefix: str, form: str) -> None:
    """Print the rules in force on a day with their sources (某日有效的规则和依据)."""
    from linwu_stats.quarter import find_home
    from linwu_stats.rules import rules_at

    in_force = rules_at(day, _law(find_home(home)))
    if form == "csv":
        click.echo(in_force.frame(prefix).to_csv(index=False))
    elif form == "json":
        click.echo(json.dumps(in_force.frame(prefix).to_dict("records"), ensure_ascii=False, indent=1, default=str))
    else:
        for rule in in_force.under(prefix):
            click.echo(_rule_text(rule))
        click.echo(f"{len(in_force.under(prefix))} 条规则，其中待确认 {sum(r.status == 'to_confirm' for r in in_force.under(prefix))} 条，"
                   f"地方改写 {sum(r.overridden for r in in_force.under(prefix))} 条。")


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.pass_obj
@_plain_errors
def check(home: Path | None, paths: tuple[Path, ...], form: str) -> None:
    """Read ledger files or folders by themselves and say what was found (检查台账文件)."""
    from linwu_stats.ledgers.outcome import render_check
    from linwu_stats.ledgers.read import check as check_paths

    result = check_paths(paths)
    click.echo(render_check(result, form))
    outcomes = {item["outcome"] for item in result["files"]}
    sys.exit(CANNOT_CARRY if "reject" in outcomes else NEEDS_A_PERSON if "flag" in outcomes else 0)


@main.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/data-dictionary.md"))
@_plain_errors
def dictionary(path: Path) -> None:
    """Write the data dictionary to PATH (生成数据字典)."""
    from linwu_stats.tables import dictionary_text

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dictionary_text(), encoding="utf-8", newline="\n")
    click.echo(path)


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
    click.echo(root / "data")


def _law(root: Path) -> Path | None:
    folder = root / "data" / "law"
    return folder if folder.is_dir() else None


def _rule_text(rule: Any) -> str:
    status = {"confirmed": "已确认", "to_confirm": "待确认"}[rule.status]
    value = json.dumps(rule.value, ensure_ascii=False) if isinstance(rule.value, dict | list) else rule.value
    lines = [f"{rule.key}  {rule.term}", f"    取值 {value} ({rule.unit})  有效期 {rule.from_date} 至 {rule.to_date or '今'}  {status}"]
    lines.append(f"    依据 {rule.document}{'，' + rule.clause if rule.clause else ''}")
    if rule.note:
        lines.append(f"    说明 {rule.note}")
    if rule.overridden:
        lines.append(f"    地方改写 data/law/{rule.origin}")
    return "\n".join(lines)


def _use_utf8() -> None:
    """A Windows console writes in its own code page, which has no word for many a Chinese character, unless told otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


if __name__ == "__main__":
    main()
