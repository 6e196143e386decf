"""What all commands share (命令行公用): exit codes, plain messages, folders."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

import linwu_stats

__all__ = ["CANNOT_CARRY", "NEEDS_A_PERSON", "WRONG_CALL", "disk_in_words", "law_folder", "newest_quarter", "plain_errors", "use_utf8"]

NEEDS_A_PERSON, WRONG_CALL, CANNOT_CARRY = 1, 2, 3
#: Windows' number for a path of more than 260 characters.
PATH_TOO_LONG = 206


def plain_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Say what is wrong in one message instead of a traceback; a traceback stays for faults of the program itself."""

    @wraps(command)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except linwu_stats.RefusedError as error:
            click.echo(f"错误: {error}", err=True)
            sys.exit(CANNOT_CARRY)
        except Exception as error:
            words = disk_in_words(error)
            if words is None:
                raise
            click.echo(f"错误: {words}", err=True)
            sys.exit(CANNOT_CARRY)

    return wrapped


def disk_in_words(error: Exception) -> str | None:
    """What the person at the desk can do about a file that the system refuses (文件被占用、磁盘已满、路径过长); None where it is no such thing."""
    inner = error.args[0] if error.args and isinstance(error.args[0], OSError) else error  # xlsxwriter wraps the system's error in one of its own
    if not isinstance(inner, OSError):
        return None
    file = Path(str(inner.filename or "")).name
    if inner.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY):
        return (
            f"{file} 不能读写：多半正在 Excel 或 WPS 中打开，或没有写入权限。请关闭打开它的程序，确认文件夹可以写入，再运行同一条命令。"
            f" ({type(inner).__name__}: the file is open in another program or may not be written; close it and run the same command again)"
        )
    if inner.errno == errno.ENOSPC:
        return f"{file} 不能写完：磁盘已满。请腾出空间后再运行同一条命令。 (no space left on the disk)"
    if inner.errno == errno.ENAMETOOLONG or getattr(inner, "winerror", None) == PATH_TOO_LONG:
        return f"路径太长：{file}。请把程序文件夹移到较短的位置，例如 D:\\linwu，再运行同一条命令。 (the path is too long for the system)"
    return None


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
