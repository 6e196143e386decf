"""The folder that readers see is exchanged in one step (整体换版), and one run at a time does it.

    reports/2018Q1/                the run that readers see
    reports/.2018Q1.partial/       a run in the making; a file ``.new`` in it says that it is finished
    reports/.2018Q1.previous/      the last run that was made from something else
    reports/.2018Q1.old, .older    on their way, only while folders are exchanged

Each step leaves a state from which :func:`recover` goes on, so a process may be killed between any two of them.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from linwu_stats import store
from linwu_stats.publish.plan import BatchError

__all__ = ["alone", "has_failures", "publish", "recover", "remove", "run_key", "stays_reachable"]

_NEW = ".new"
_EXCHANGE, _HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of renameat2(2)


def publish(reports: Path, name: str) -> None:
    """Put the finished ``.partial`` folder in the place that readers see (发布).

    The run before becomes ``.previous``, unless it was made from the same inputs, or failed where ``.previous`` did not: then it says nothing more.
    """
    final, partial = reports / name, reports / f".{name}.partial"
    (partial / _NEW).touch()
    if not final.exists():
        _rename(partial, final)
    elif not _swap(partial, final):
        _rename(final, reports / f".{name}.old")
        _rename(partial, final)
    _settle(reports, name)


def recover(reports: Path, name: str) -> None:
    """After a run that was killed while folders were exchanged: go on from there (中断后恢复). Nothing that readers saw is lost."""
    final, old, previous = reports / name, reports / f".{name}.old", reports / f".{name}.previous"
    if not final.exists():
        left = old if old.is_dir() else previous
        if left.is_dir():
            _rename(left, final)
    _settle(reports, name)


def stays_reachable(reports: Path, name: str, key: str, failed: bool) -> str | None:
    """Where the run before will be found once a run of ``key`` is published (上一次运行的位置), as a link from its index; None where there is none.

    ``failed``: whether that run has failures; what it was made from and whether it failed decide alone, so that the index of the same run is the same.
    """
    final, previous = reports / name, reports / f".{name}.previous"
    if previous.is_dir() or (final.is_dir() and (run_key(final) != key or (failed and not has_failures(final)))):
        return f"../.{name}.previous/index.html"
    return None


def run_key(folder: Path) -> str | None:
    """What a run was made from, as its record says (运行键)."""
    return _record(folder).get("key")


def has_failures(folder: Path) -> bool:
    """Whether a run has something that needs a person, or does not say (是否有失败)."""
    return bool(_record(folder).get("failures", True))


def remove(folder: Path) -> None:
    """Delete a folder that is there; of one that is a link to another place, the link."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.is_dir():
        shutil.rmtree(folder)


def alone(lock: Path) -> AbstractContextManager[None]:
    """One run of a quarter at a time (同一季度只能有一个运行); see :func:`linwu_stats.store.alone`. Raises :class:`BatchError`."""
    return store.alone(lock, BatchError)


def _settle(reports: Path, name: str) -> None:
    """From wherever the exchange stands to its end: the folder that was swapped out becomes ``.previous`` or goes."""
    final, partial, previous, old, older = (reports / one for one in (name, f".{name}.partial", f".{name}.previous", f".{name}.old", f".{name}.older"))
    if (final / _NEW).exists() and partial.is_dir() and not old.is_dir():
        _rename(partial, old)
    if old.is_dir():
        if not older.is_dir() and _says_nothing_more(old, final, previous):
            remove(old)
        else:
            if previous.is_dir() and not older.is_dir():
                _rename(previous, older)
            _rename(old, previous)
    if older.is_dir() and previous.is_dir():
        remove(older)
    (final / _NEW).unlink(missing_ok=True)


def _says_nothing_more(old: Path, final: Path, previous: Path) -> bool:
    failed = has_failures(old)
    if run_key(old) is not None and run_key(old) == run_key(final):
        return failed or not has_failures(final)
    return failed and previous.is_dir() and not has_failures(previous)


def _swap(one: Path, other: Path) -> bool:
    """Exchange two folders in one step, so that readers see one or the other at every moment; False where the system or the disk cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    return call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0


def _rename(source: Path, target: Path) -> None:
    for attempt in range(20):
        try:
            source.rename(target)
            return
        except PermissionError as error:  # Windows refuses while a file inside is open in another program
            if attempt == 19 or os.name == "posix":
                raise BatchError(
                    f"cannot move {source.name} to {target.name} in reports/ (不能更换报告文件夹): close the programs that have its files open, see that the "
                    "folder may be written, then run again"
                ) from error
            time.sleep(0.25)


def _record(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}
