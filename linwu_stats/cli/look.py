"""Commands that show something (查看): one household, the rules, ledger files, the dictionary."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.shell import CANNOT_CARRY, NEEDS_A_PERSON, law_folder, newest_quarter, plain_errors

__all__ = ["check", "dictionary", "explain", "rules"]


@click.command()
@click.argument("household")
@click.option("--quarter", default=None, help="Quarter; by default the newest that was made (季度).")
@click.option("--period", type=click.Choice(["quarter", "ytd", "last4", "year"]), default="ytd", show_default=True,
              help="This quarter, accounting year to date, last four quarters, last complete accounting year (核算期).")
@click.option("--format", "form", type=click.Choice(["text", "csv"]), default="text", show_default=True, help="For reading, or as a table (格式).")
@click.pass_obj
@plain_errors
def explain(home: Path | None, household: str, quarter: str | None, period: str, form: str) -> None:
    """Print one HOUSEHOLD's income line by line (逐笔核算一户收入), as a case worker checks it with a pencil."""
    from linwu_stats.income.explain import format_explanation
    from linwu_stats.quarter import find_home, make_quarter

    root = find_home(home)
    q = make_quarter(quarter or newest_quarter(root), root, progress=lambda text: click.echo(text, err=True))
    try:
        frame = q.explain(household, period)
    except KeyError as error:
        raise click.BadParameter(str(error.args[0]), param_hint="HOUSEHOLD") from error
    click.echo(frame.to_csv(index=False) if form == "csv" else format_explanation(frame))


@click.command()
@click.option("--on", "day", required=True, metavar="DAY", help="Day as 2018-03-31 (日期).")
@click.option("--prefix", default="", help="Only rules whose key starts so, e.g. exit. (规则前缀).")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.pass_obj
@plain_errors
def rules(home: Path | None, day: str, prefix: str, form: str) -> None:
    """Print the rules in force on a day with their sources (某日有效的规则和依据)."""
    from linwu_stats.quarter import find_home
    from linwu_stats.rules import rules_at

    in_force = rules_at(day, law_folder(find_home(home)))
    if form == "csv":
        click.echo(in_force.frame(prefix).to_csv(index=False))
    elif form == "json":
        click.echo(json.dumps(in_force.frame(prefix).to_dict("records"), ensure_ascii=False, indent=1, default=str))
    else:
        for rule in in_force.under(prefix):
            click.echo(_rule_text(rule))
        click.echo(f"{len(in_force.under(prefix))} 条规则，其中待确认 {sum(r.status == 'to_confirm' for r in in_force.under(prefix))} 条，"
                   f"地方改写 {sum(r.overridden for r in in_force.under(prefix))} 条。")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="For reading, or as data (格式).")
@click.pass_obj
@plain_errors
def check(home: Path | None, paths: tuple[Path, ...], form: str) -> None:
    """Read ledger files or folders by themselves and say what was found (检查台账文件)."""
    from linwu_stats.ledgers.outcome import render_check
    from linwu_stats.ledgers.read import check as check_paths

    result = check_paths(paths, _townships(home, paths))
    click.echo(render_check(result, form))
    outcomes = {item["outcome"] for item in result["files"]}
    sys.exit(CANNOT_CARRY if "reject" in outcomes else NEEDS_A_PERSON if "flag" in outcomes else 0)


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/data-dictionary.md"))
@plain_errors
def dictionary(path: Path) -> None:
    """Write the data dictionary to PATH (生成数据字典)."""
    from linwu_stats.tables import dictionary_text

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dictionary_text(), encoding="utf-8", newline="\n")
    click.echo(path)


def _townships(home: Path | None, paths: tuple[Path, ...]) -> Any:
    """The rules with which the county's own townships are known: of the quarter whose folder is looked at, else of the newest; None where there is none."""
    from linwu_stats.quarter import find_home, last_day, quarters_with_ledgers
    from linwu_stats.rules import rules_at

    root = find_home(home)
    own = [part for path in paths for part in path.resolve().parts if re.fullmatch(r"(19|20)\d{2}Q[1-4]", part)]
    quarter = next(iter(own or quarters_with_ledgers(root)[-1:]), None)
    return None if quarter is None else rules_at(last_day(quarter), law_folder(root))


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
