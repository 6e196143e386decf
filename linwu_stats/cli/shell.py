"""What all commands share (命令行公用): exit codes, plain messages, folders."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

import linwu_stats

__all__ = ["CANNOT_CARRY", "NEEDS_A_PERSON", "WRONG_CALL", "law_folder", "newest_quarter", "plain_errors", "use_utf8"]

NEEDS_A_PERSON, WRONG_CALL, CANNOT_CARRY = 1, 2, 3


def plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Say what is wrong in one message instead of a traceback; a traceback stays for faults of the program itself."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except linwu_stats.RefusedError as error:
            click.echo(f"错误: {error}", err=True)
            sys.exit(CANNOT_CARRY)

    return wrapped


def law_folder(root: Path) -> Path | None:
    """The county's own rules, where it has any (地方规则)."""
    folder = root / "data" / "law"
    return folder if folder.is_dir() else None


def newest_quarter(root: Path) -> str:
    """The newest quarter that has ledgers (最新季度). Raises :class:`~linwu_stats.quarter.QuarterError` where there is none."""
    from linwu_stats.quarter import QuarterError, quarters_with_ledgers

    have = quarters_with_ledgers(root)
    if not have:
        raise QuarterError("data/ holds no quarter (data/ 中没有季度数据). Make one with 'linwu-stats new 2018Q2', or the sample with 'linwu-stats sample'")
    return have[-1]


def use_utf8() -> None:
    """A Windows console writes in its own code page, which has no word for many a Chinese character, unless told otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
