"""A process that has imported everything and is copied for each notebook (预热进程): nobody pays for the imports twice.

It reads jobs, one a line, from standard input and forks a child for each; what a child says goes to standard output, one line each, with the number of its
job. The first line of input says what to prepare (:mod:`linwu_stats.publish.zygote_warm`). The process runs no line of any notebook, so nothing of
one notebook can reach another: each child starts from the same untouched copy, runs one notebook, and ends.

    {"job": 3, "kind": "page", ...}    run a job; also {"interrupt": 3} and {"kill": 3}
    {"job": 3, "pid": 4711}            it has begun;   {"job": 3, "cell": 5}  a cell has begun;   {"job": 3, "answer": {...}}   {"job": 3, "ended": 0}

This is the one module that may fork. Where that is not to be had (Windows, and macOS, whose system libraries do not stand it) :func:`can_fork` says so, and
pages are made with plain kernels (:mod:`linwu_stats.publish.worker`), which gives the same pages.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["FIGURES", "can_fork", "main"]

#: What a kernel draws pyplot's figures with. A zygote is started with it, since Matplotlib chooses once a process, and in a zygote there is no shell yet.
FIGURES = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}

Emit = Callable[[Mapping[str, Any]], None]


def can_fork() -> bool:
    """Whether this system copies processes safely (能否使用预热进程)."""
    return hasattr(os, "fork") and sys.platform.startswith("linux")


def main() -> None:
    """Prepare, then answer until standard input ends (准备并逐个派生)."""
    if not can_fork():
        sys.exit("this system does not copy processes (本系统不支持预热进程): use the plain engine")
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever libraries print stays out of the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that gives the jobs
    lines = _Lines(0)
    first = lines.wait()
    if first is None:
        return
    from linwu_stats.publish.zygote_warm import warm_up

    prepared = warm_up(json.loads(first))
    gc.collect()
    gc.freeze()  # the collector of a child must not touch, and so copy, what it shares
    gc.set_threshold(20_000, 20, 50)  # a page makes many small things that live to its end
    _write(answers, {"ready": prepared})
    _Nursery(lines, answers).serve()


class _Lines:
    """Whole lines of a pipe that is read without waiting."""

    def __init__(self, number: int):
        self.number, self._rest, self.ended, self.closed = number, b"", False, False

    def read(self) -> list[str]:
        data = os.read(self.number, 1 << 20)
        self.ended = not data
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode("utf-8") for line in whole]

    def wait(self) -> str | None:
        found: list[str] = []
        while not found and not self.ended:
            found = self.read()
        return found[0] if found else None  # the giver of jobs waits for "ready" before it sends more


class _Nursery:
    """The children that are alive, by the number of their job."""

    def __init__(self, lines: _Lines, answers: int):
        self._lines, self._answers = lines, answers
        self._children: dict[int, tuple[int, _Lines]] = {}
        self._alive_read, self._alive_write = os.pipe()
        self._selector = selectors.DefaultSelector()
        self._selector.register(lines.number, selectors.EVENT_READ, None)
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._selector.register(self._wake, selectors.EVENT_READ, None)

    def serve(self) -> None:
        """Until the jobs end; then every child ends too."""
        while not self._lines.ended:
            for key, _ in self._selector.select():
                if key.fd == self._lines.number:
                    for line in self._lines.read():
                        self._obey(json.loads(line))
                elif key.fd == self._wake:
                    os.read(self._wake, 4096)
                    self._bury()
                elif not key.data.closed:  # the child was buried since the system said that it has spoken
                    self._pass_on(key.data)
        for pid, _ in self._children.values():
            _end_group(pid, signal.SIGKILL)

    def _obey(self, order: Mapping[str, Any]) -> None:
        if "job" in order:
            self._bear(order)
        for word, number in (("interrupt", signal.SIGINT), ("kill", signal.SIGKILL)):
            if order.get(word) in self._children:
                pid = self._children[order[word]][0]
                if word == "interrupt":
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
                else:
                    _end_group(pid, number)

    def _bear(self, order: Mapping[str, Any]) -> None:
        if "cells" in order:
            from linwu_stats.publish.zygote_warm import import_known

            import_known(order["cells"])  # once, for this and all later ones
        hear, say = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(hear)
            self._leave()
            _live(order, say, self._alive_read)
        os.close(say)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        said = _Lines(hear)
        self._children[order["job"]] = (pid, said)
        self._selector.register(hear, selectors.EVENT_READ, said)
        _write(self._answers, {"job": order["job"], "pid": pid})

    def _leave(self) -> None:
        """In the child: let go of all that is the parent's."""
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        for number in (self._answers, self._alive_write, self._wake, *(said.number for _, said in self._children.values())):
            os.close(number)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)

    def _pass_on(self, said: _Lines) -> None:
        """What a child said, line by line, so that two children never share one."""
        for line in said.read():
            _write_all(self._answers, line.encode("utf-8") + b"\n")
        if said.ended:
            self._selector.unregister(said.number)

    def _bury(self) -> None:
        for job, (pid, said) in list(self._children.items()):
            found, status = os.waitpid(pid, os.WNOHANG)
            if not found:
                continue
            os.set_blocking(said.number, False)
            with contextlib.suppress(BlockingIOError):  # a program that the notebook left running may hold the other end
                while not said.ended:
                    self._pass_on(said)
            with contextlib.suppress(KeyError):
                self._selector.unregister(said.number)
            os.close(said.number)
            said.closed = True
            del self._children[job]
            _end_group(pid, signal.SIGKILL)  # programs that the notebook left running
            _write(self._answers, {"job": job, "ended": os.waitstatus_to_exitcode(status)})


def _live(order: Mapping[str, Any], say: int, alive: int) -> None:
    """The whole life of a child: one job, and no way back into the parent's code."""
    status = 1
    try:
        threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
        _limit_memory(order.get("limit_mb"))

        def emit(content: Mapping[str, Any]) -> None:
            _write(say, {"job": order["job"], **content})

        from linwu_stats.publish.zygote_jobs import run_job

        run_job(order, emit)
        status = 0
    except BaseException:  # nothing may leave this function by an exception: the parent's loop stands below it on the stack
        import traceback

        with contextlib.suppress(BaseException):
            _write(say, {"job": order["job"], "error": traceback.format_exc()})
    finally:
        os._exit(status)


def _end_with_parent(alive: int) -> None:
    """A child must not outlive the process that started it, however that one ended."""
    while os.read(alive, 1):
        pass
    _end_group(0, signal.SIGKILL)


def _limit_memory(limit_mb: float | None) -> None:
    """Let memory requests fail beyond what the copy holds now plus ``limit_mb``: the cell that eats it fails, with its traceback."""
    if not limit_mb:
        return
    import resource

    held = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (held + int(limit_mb * 1_000_000), hard))


def _end_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _write(number: int, content: Mapping[str, Any]) -> None:
    _write_all(number, json.dumps(content, ensure_ascii=True).encode("ascii") + b"\n")


def _write_all(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


if __name__ == "__main__":
    main()
