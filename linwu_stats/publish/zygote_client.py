"""Pages made by the zygote, as seen by the batch (预热进程的监督): so many at a time, each with a limit of time and of memory.

A notebook that takes too long is interrupted, so that its traceback says where; one that does not heed that is killed. When the zygote itself dies, its
children die with it, and whoever was running is left to be tried alone (:mod:`linwu_stats.publish.supervise`).
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Zygote", "ZygoteError", "memory_used", "run_forked"]

Answer = dict[str, Any]

#: Seconds that an interrupted notebook has to say where it was.
_GRACE = 3.0
_LOOK_EVERY = 0.25


class ZygoteError(RuntimeError):
    """The zygote has ended (预热进程已终止)."""


class Zygote:
    """The process that is copied (预热进程). ``wanted``: what it prepares, see :func:`linwu_stats.publish.zygote_warm.warm_up`."""

    def __init__(self, wanted: Mapping[str, Any], environment: Mapping[str, str], log: Path):
        with log.open("w", encoding="utf-8") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "linwu_stats.publish.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream,
                env=dict(environment), encoding="utf-8",
            )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.troubles: list[str] | None = None
        threading.Thread(target=self._listen, daemon=True).start()
        self.tell(wanted)

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid

    def tell(self, content: Mapping[str, Any]) -> None:
        """Give an order; one that cannot be given shows in :meth:`hear`."""
        with contextlib.suppress(OSError, ValueError):
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(content, ensure_ascii=True) + "\n")
            self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or None where there is none for so long. Raises :class:`ZygoteError`."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is None:
            self._lines.put(None)
            raise ZygoteError(f"预热进程意外终止（返回码 {self._process.wait()}）")
        return json.loads(line)

    def wait_ready(self, seconds: float) -> None:
        """Until it can be copied. Raises :class:`ZygoteError`, also when it takes longer than ``seconds``."""
        limit = time.monotonic() + seconds
        while self.troubles is None:
            said = self.hear(1.0)
            if said is not None and "ready" in said:
                self.troubles = said["ready"]["troubles"]
            elif time.monotonic() > limit:
                raise ZygoteError(f"预热进程 {seconds:g} 秒未就绪")

    def ask(self, kind: str, seconds: float, **order: Any) -> Any:
        """One question to a copy of the zygote while no page is being made. Raises :class:`ZygoteError`."""
        self.tell({"job": -1, "kind": kind, **order})
        limit, answer = time.monotonic() + seconds, None
        while time.monotonic() < limit:
            said = self.hear(0.5)
            if said and said.get("job") == -1:
                answer = said.get("answer", answer)
                if "error" in said:
                    raise ZygoteError(said["error"])
                if "ended" in said:
                    return answer
        self.tell({"kill": -1})
        raise ZygoteError(f"{kind}: {seconds:g} 秒无回答")

    def end(self) -> None:
        """End it with all its children; one that is still being made ready hears nothing and is killed."""
        if self.troubles is None:
            self._process.kill()
        with contextlib.suppress(OSError):
            self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with contextlib.suppress(ValueError):
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(None)


@dataclass
class _Running:
    number: int
    started: float
    pid: int | None = None
    cell: int | None = None
    stopped: str = ""
    kill_at: float | None = None
    answer: Answer = field(default_factory=dict)
    error: str = ""


def run_forked(
    zygote: Zygote, jobs: Sequence[Mapping[str, Any]], numbers: Sequence[int], *, workers: int, limit_seconds: float, limit_mb: float | None,
    done: Callable[[int, Answer], None],
) -> dict[int, Answer]:  # fmt: skip
    """Make the pages ``numbers`` of ``jobs`` (派生制作); ``done`` is called as they come.

    Gives those that died without a word, and those that were running when the zygote died, with what is known of them.
    """
    waiting, running, left = list(numbers), dict[int, _Running](), dict[int, Answer]()
    finished: list[tuple[int, Answer]] = []
    base, looked = memory_used(zygote.pid), time.monotonic()
    try:
        while waiting or running or finished:
            while waiting and len(running) < workers:
                number = waiting.pop(0)
                running[number] = _Running(number, time.monotonic())
                zygote.tell({"job": number, "kind": "page", "limit_mb": limit_mb, **jobs[number]})
            while finished:  # when the next page is under way
                done(*finished.pop(0))
            said = zygote.hear(_LOOK_EVERY) if running else None
            if said is not None:
                _take(said, jobs, running, left, limit_seconds, finished)
            if time.monotonic() - looked > _LOOK_EVERY:
                looked = time.monotonic()
                for one in running.values():
                    _watch(one, zygote, base, limit_seconds, limit_mb)
    except ZygoteError as error:
        zygote.troubles = [*(zygote.troubles or []), str(error)]
        for one in finished:
            done(*one)
        left |= {one.number: _died(jobs[one.number], one, str(error)) for one in running.values()}
        left |= {number: {} for number in waiting}
    return left


def memory_used(pid: int) -> int:
    """Bytes in memory of a process and all that it started (占用内存); 0 where it cannot be looked at."""
    import psutil

    total = 0
    with contextlib.suppress(OSError, psutil.Error):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(OSError, psutil.Error):
                total += one.memory_info().rss
    return total


def _take(
    said: Mapping[str, Any], jobs: Sequence[Mapping[str, Any]], running: dict[int, _Running], left: dict[int, Answer], limit_seconds: float,
    finished: list[tuple[int, Answer]],
) -> None:  # fmt: skip
    one = running.get(said.get("job", -1))
    if one is None:
        return
    one.pid, one.cell = said.get("pid", one.pid), said.get("cell", one.cell)
    one.answer, one.error = said.get("answer", one.answer), said.get("error", one.error)
    if "ended" not in said:
        return
    del running[one.number]
    seconds = {"seconds": round(time.monotonic() - one.started, 3)}
    if one.answer.get("outcome") == "made" or (one.answer and not one.stopped):
        finished.append((one.number, one.answer | seconds))
    elif one.stopped:
        finished.append((one.number, _stopped(jobs[one.number], one, limit_seconds) | seconds))
    else:
        left[one.number] = _died(jobs[one.number], one, f"制作页面的进程意外终止。（返回码 {said['ended']}）") | seconds


def _watch(one: _Running, zygote: Zygote, base: int, limit_seconds: float, limit_mb: float | None) -> None:
    now = time.monotonic()
    if one.kill_at is not None:
        if now > one.kill_at:
            zygote.tell({"kill": one.number})
            one.kill_at = now + 60
    elif now - one.started > limit_seconds:
        one.stopped, one.kill_at = "limit", now + _GRACE
        zygote.tell({"interrupt": one.number})
    elif limit_mb and one.pid and memory_used(one.pid) - base > limit_mb * 1_000_000:
        one.stopped, one.kill_at = f"memory {limit_mb:g}", now + 60
        zygote.tell({"kill": one.number})


def _stopped(job: Mapping[str, Any], one: _Running, limit_seconds: float) -> Answer:
    kind, _, size = one.stopped.partition(" ")
    reason = f"超过时限 {limit_seconds:g} 秒，已终止。" if kind == "limit" else f"占用内存超过上限 {size} MB，已终止。"
    return {**_where(job, one), **one.answer, "outcome": "failed", "kind": kind, "reason": reason}


def _died(job: Mapping[str, Any], one: _Running, reason: str) -> Answer:
    return {"outcome": "failed", "kind": "worker", "reason": reason, "traceback": one.error, **_where(job, one)}


def _where(job: Mapping[str, Any], one: _Running) -> Answer:
    """The cell that was running, as the author of the notebook counts: papermill puts a cell of its own after the parameters."""
    if one.cell is None or "executed" in job:
        return {}
    cells = json.loads(Path(job["notebook"]).read_text(encoding="utf-8"))["cells"]
    tagged = next((index for index, cell in enumerate(cells) if "parameters" in cell.get("metadata", {}).get("tags", [])), None)
    index = one.cell - 1 if tagged is not None and one.cell > tagged else one.cell
    return {"cell": index + 1, "source": "".join(cells[index]["source"])} if index < len(cells) else {}
