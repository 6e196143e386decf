"""The command ``linwu-stats`` (命令行).

Exit codes: 0 all is well; 1 the work was done but something needs a person (a page failed, a file is flagged); 2 the command was called wrongly;
3 ledgers or law cannot carry the figures (台账或规则不能使用).
"""

from __future__ import annotations

from pathlib import Path

import click

import linwu_stats
from linwu_stats.cli import batch, compare, lab, lists, look, lookback, reconcile, review, worklist
from linwu_stats.cli.shell import use_utf8

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]},
             epilog="Exit codes: 0 good, 1 needs a person, 2 wrong call, 3 ledgers or law cannot be used.")
@click.version_option(linwu_stats.__version__, message="linwu-stats %(version)s")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), default=None, help="Workspace folder that holds data/ and reports/ (工作目录).")
@click.pass_context
def main(context: click.Context, home: Path | None) -> None:
    """Quarterly income and poverty-exit statistics of a county (贫困户人均纯收入测算与脱贫评估)."""
    use_utf8()
    context.obj = home


_COMMANDS = (
    batch.sample, batch.new, batch.run, batch.report, compare.compare, look.explain, look.rules, look.check, look.dictionary, lab.lab,
    lookback.lookback, reconcile.reconcile, review.review, worklist.worklist, lists.notices, lists.caselists,
)
for _command in _COMMANDS:
    main.add_command(_command)
