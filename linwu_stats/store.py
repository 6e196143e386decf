"""Files that are changed by one process at a time and in one step (文件保管): the lock of a run, and the tables of a quarter.

``alone`` keeps a second process out of what the first is writing. ``save_tables`` writes all tables of a quarter beside the ones that are there and moves them
over when the last is on the disk, so that a full disk or a power cut leaves the tables that were there, or none that look finished.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats import RefusedError

__all__ = ["alone", "changed", "save_tables"]

#: The lock of a process on another machine (a shared folder, a container) is nobody's when it was not touched for so long.
_BEAT_SECONDS = 5.0
_SILENT_SECONDS = 20.0


@contextmanager
def alone(lock: Path, error: type[RefusedError] = RefusedError) -> Iterator[None]:
    """One process at a time (同一时间只能有一个运行): the others are refused by ``error``, in words that name who is at it.

    The lock of a process that is gone does not count; who is gone is told without the clock, so that setting it changes nothing.
    """
    mine = json.dumps({"pid": os.getpid(), "host": platform.node(), "born": _born(os.getpid()), "started": _now()})
    for _ in range(50):
        if _take(lock, mine):
            break
        there = _text(lock)
        holder = _holder(lock, there)
        if holder:
            raise error(
                f"another run of this quarter is going on (本季度正在另一进程中运行): process {holder.get('pid')} on {holder.get('host') or 'this machine'}, "
                f"since {holder.get('started')}. Wait until it has ended"
            ) from None
        _discard(lock, there)
    else:
        raise error(f"the lock {lock.name} in {lock.parent.name}/ cannot be taken (不能取得运行锁): delete it if no run is going on")
    stop = threading.Event()
    threading.Thread(target=_beat, args=(lock, stop), daemon=True).start()
    try:
        for left in lock.parent.glob(f"{lock.name}.*"):  # of processes that were killed while they asked for it
            left.unlink(missing_ok=True)
        yield
    finally:
        stop.set()
        lock.unlink(missing_ok=True)


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Names of the files that differ between two looks at what a quarter is made from (变动的文件).

    Both hold lists of texts or of mappings with ``path``; a part whose entries have no name of their own is named by itself.
    """
    found: list[str] = []
    for part, was in before.items():
        one, other = ({_name(entry): entry for entry in entries} if isinstance(entries, list) else {part: entries} for entries in (was, after[part]))
        found += [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    return found


def save_tables(folder: Path, frames: Mapping[str, pd.DataFrame], describe: Callable[[Path], Mapping[str, Any]]) -> None:
    """Write tables as parquet and ``meta.json`` into ``folder`` (保存数据表), all of them or none that look finished.

    ``describe`` gives the content of ``meta.json`` once the tables stand in the folder that it is called with. Only one process may do this at a time.
    """
    beside = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        for name, frame in frames.items():
            frame.to_parquet(beside / f"{name}.parquet", index=False)
        meta = json.dumps(describe(beside), ensure_ascii=False, indent=1, default=str) + "\n"
        (beside / "meta.json").write_text(meta, encoding="utf-8")
        folder.mkdir(exist_ok=True)
        (folder / "meta.json").unlink(missing_ok=True)  # from here until it is back, nothing here may be opened
        for file in (*(f"{name}.parquet" for name in frames), "meta.json"):
            (beside / file).replace(folder / file)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _name(entry: Any) -> str:
    return str(entry["path"]) if isinstance(entry, Mapping) else str(entry).rpartition(" ")[0]


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")


def _beat(lock: Path, stop: threading.Event) -> None:
    """Show other machines that the holder of a lock is alive."""
    while not stop.wait(_BEAT_SECONDS):
        with suppress(OSError):
            os.utime(lock)


def _take(lock: Path, mine: str) -> bool:
    """The lock appears with its content or not at all: another process never reads half of it."""
    own = lock.with_name(f"{lock.name}.{os.getpid()}")
    own.write_text(mine, encoding="utf-8")
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


def _holder(lock: Path, text: str | None) -> dict[str, Any] | None:
    """Who holds a lock, as it says itself; None where that process is gone."""
    try:
        holder = dict(json.loads(text or ""))
        pid, host = int(holder["pid"]), str(holder.get("host", platform.node()))
    except (ValueError, KeyError, TypeError):
        return None
    if host != platform.node():
        return holder if _beats(lock) else None
    born = _born(pid)
    return holder if born is not None and born == holder.get("born") else None


def _beats(lock: Path) -> bool:
    """Whether a process that cannot be looked at still touches its lock."""
    end, first = time.monotonic() + _SILENT_SECONDS, _touched(lock)
    while first is not None and time.monotonic() < end:
        time.sleep(0.5)
        if _touched(lock) != first:
            return _touched(lock) is not None
    return False


def _touched(lock: Path) -> int | None:
    try:
        return lock.stat().st_mtime_ns
    except OSError:
        return None


def _born(pid: int) -> str | None:
    """When a process began, in a form that is the same whenever it is asked for; None where there is no such process.

    Linux counts from the start of the machine; what psutil makes of that moves when the clock is set.
    """
    import psutil

    try:
        state, *counts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return None if state in "ZX" else f"{boot} {counts[18]}"  # one that was killed and waits for its parent is gone
    except (OSError, IndexError):
        pass
    try:
        return f"{psutil.Process(pid).create_time():.2f}"
    except psutil.NoSuchProcess:
        return None
    except (OSError, psutil.Error):
        return "?" if psutil.pid_exists(pid) else None
