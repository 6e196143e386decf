"""The folder that readers see is exchanged in one step (整体换版), and one run at a time does it.

    reports/2018Q1/                the run that readers see
    reports/.2018Q1.partial/       a run in the making; a file ``.new`` in it says that it is finished
    reports/.2018Q1.previous/      the last run that was made from something else
    reports/.2018Q1.old, .older    on their way, only while folders are exchanged

Each step leaves a state from which :func:`recover` goes on, so a process may be killed between any two of them.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from linwu_stats.publish.plan import BatchError
from linwu_stats.publish.worker import write_file

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
    """Delete a folder that is there."""
    if folder.is_dir():
        shutil.rmtree(folder)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One run of a quarter at a time (同一季度只能有一个运行); the lock of a process that is gone does not count. Raises :class:`BatchError`."""
    mine = json.dumps({"pid": os.getpid(), "created": _created(os.getpid()), "started": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")})
    for _ in range(50):
        if _take(lock, mine):
            break
        there = _text(lock)
        holder = _holder(there)
        if holder:
            raise BatchError(
                f"another run of this quarter is going on (本季度正在另一进程中运行): process {holder['pid']}, since {holder['started']}. "
                "Wait until it has ended"
            ) from None
        _discard(lock, there)
    else:
        raise BatchError(f"the lock {lock.name} in reports/ cannot be taken (不能取得运行锁): delete it if no run is going on")
    try:
        for left in lock.parent.glob(f"{lock.name}.*"):  # of processes that were killed while they asked for it
            left.unlink(missing_ok=True)
        yield
    finally:
        lock.unlink(missing_ok=True)


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


def _take(lock: Path, mine: str) -> bool:
    """The lock appears with its content or not at all: another process never reads half of it."""
    own = lock.with_name(f"{lock.name}.{os.getpid()}")
    write_file(own, mine)
    try:
        os.link(own, lock)
        return True
    except FileExistsError:
        return False
    except OSError:  # a disk without links
        try:
            with lock.open("x", encoding="utf-8") as stream:
                stream.write(mine)
            return True
        except FileExistsError:
            return False
    finally:
        own.unlink(missing_ok=True)


def _discard(lock: Path, there: str | None) -> None:
    """Take away a lock that was seen to be nobody's, unless somebody has taken it over meanwhile."""
    aside = lock.with_name(f"{lock.name}.stale-{os.getpid()}")
    try:
        lock.rename(aside)
    except FileNotFoundError:
        return
    if _text(aside) != there:
        try:
            os.link(aside, lock)
        except OSError:
            time.sleep(0.1)
    aside.unlink(missing_ok=True)


def _text(lock: Path) -> str | None:
    try:
        return lock.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _holder(text: str | None) -> dict[str, Any] | None:
    import psutil

    try:
        holder = json.loads(text or "")
        created = _created(holder["pid"])
        if created is None or holder["created"] is None:
            return holder if psutil.pid_exists(holder["pid"]) else None
        return holder if abs(created - holder["created"]) < 2 else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def _created(pid: int) -> float | None:
    """When a process began; None where it is gone or the system does not tell (a bare tree without /proc)."""
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except (OSError, psutil.Error):
        return None
