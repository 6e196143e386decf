"""Workers and their limits (进程监督): each worker is a process of its own, watched by one thread.

A notebook that raises fails alone. A worker that hangs is ended, with its kernel, at the time limit; one that dies is replaced, and its job is tried
once more. The others go on. Works by starting programs only, so it works on Windows as well.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from linwu_stats.publish.worker import write_file
from linwu_stats.publish.zygote import FIGURES
from linwu_stats.publish.zygote_client import Zygote, memory_used, run_forked

__all__ = ["forget_bytecode", "kernel_environment", "run_jobs"]

Answer = dict[str, Any]

#: Kinds of failure that may be bad luck (a process killed from outside, a kernel that did not start): tried once more.
_TRY_AGAIN = {"worker", "kernel"}


def run_jobs(
    jobs: Sequence[Mapping[str, Any]], *, home: Path, workers: int, limit_seconds: float, done: Callable[[int, Answer], None], limit_mb: float | None = None,
    zygote: Zygote | None = None, numbers: Sequence[int] | None = None,
) -> None:  # fmt: skip
    """Make pages, ``workers`` at a time (并行制作): by copies of ``zygote`` where there is one, else by workers with plain kernels.

    ``numbers``: those of ``jobs`` to make, by default all. ``done`` is called in this thread with the number of the job and its answer, as they come.
    A copy that died is tried again in a worker of its own, where it can take no other along. When this function is left early, also by Ctrl+C, the
    workers and their kernels are ended.
    """
    numbers = list(range(len(jobs))) if numbers is None else list(numbers)
    tried: dict[int, Answer] = {}
    if zygote is not None:
        tried = run_forked(zygote, jobs, numbers, workers=workers, limit_seconds=limit_seconds, limit_mb=limit_mb, done=done)
        numbers = [number for number in numbers if number in tried]
    if not numbers:
        return
    waiting: queue.Queue[int] = queue.Queue()
    for number in numbers:
        waiting.put(number)
    answers: queue.Queue[tuple[int, Answer]] = queue.Queue()
    environment = kernel_environment(home)
    logs = [home / ".cache" / "log" / f"worker-{number + 1}.log" for number in range(min(workers, len(numbers)))]
    once = {number for number, answer in tried.items() if answer}
    crew = [
        _Watcher(jobs, waiting, answers, environment=environment, limit_seconds=limit_seconds, limit_mb=limit_mb, log=log, once=once) for log in logs
    ]  # fmt: skip
    try:
        for watcher in crew:
            watcher.start()
        for _ in numbers:
            done(*_next(answers))
    finally:
        for watcher in crew:
            watcher.end()


def kernel_environment(home: Path) -> dict[str, str]:
    """Environment of workers and kernels (运行环境): the kernel is this very Python, no profile of the user is read, hashes and threads are fixed.

    Bytecode is kept, in the workspace where it may not be written beside the code: compiling the libraries costs each kernel more than a second.
    Writes a kernel description into ``.cache/jupyter`` of the workspace, so that nothing needs to be registered on the machine.
    """
    cache = home / ".cache"
    spec = {
        "argv": [sys.executable, "-P", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"],
        "display_name": "Python 3 (linwu_stats)", "language": "python", "metadata": {"debugger": False},
        "env": dict(FIGURES),
    }
    file = cache / "jupyter" / "kernels" / "python3" / "kernel.json"
    text = json.dumps(spec, indent=1)
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_file(file, text)
    for name in ("runtime", "ipython", "matplotlib", "log"):
        (cache / name).mkdir(parents=True, exist_ok=True)
    return {
        **{name: value for name, value in os.environ.items() if name not in {"PYTHONSTARTUP", "PYTHONDONTWRITEBYTECODE", "MPLBACKEND"}},
        **({"PYTHONPYCACHEPREFIX": str(cache / "pycache")} if os.environ.get("PYTHONDONTWRITEBYTECODE") else {}),
        "JUPYTER_PATH": str(cache / "jupyter"), "JUPYTER_RUNTIME_DIR": str(cache / "runtime"), "JUPYTER_CONFIG_DIR": str(cache / "jupyter-config"),
        "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(cache / "ipython"), "MPLCONFIGDIR": str(cache / "matplotlib"),
        "LINWU_CACHE": str(cache), "PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "SOURCE_DATE_EPOCH": "0",
        "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def forget_bytecode(cache: Path) -> None:
    """Have everything compiled anew (清除字节码): where a disk was full, Python may have kept half of a file, which no process can import from then on."""
    shutil.rmtree(cache / "pycache", ignore_errors=True)


def _next(answers: queue.Queue[tuple[int, Answer]]) -> tuple[int, Answer]:
    while True:  # an endless wait cannot be interrupted on Windows
        try:
            return answers.get(timeout=1)
        except queue.Empty:
            continue


class _TooMuch(Exception):
    """Kind and reason."""


class _Watcher(threading.Thread):
    """One thread, one worker process at a time."""

    def __init__(
        self, jobs: Sequence[Mapping[str, Any]], waiting: queue.Queue[int], answers: queue.Queue[tuple[int, Answer]], *,
        environment: Mapping[str, str], limit_seconds: float, limit_mb: float | None, log: Path, once: set[int],
    ) -> None:  # fmt: skip
        super().__init__(daemon=True)
        self._limit_mb, self._once = limit_mb, once
        self._jobs, self._waiting, self._answers = jobs, waiting, answers
        self._environment, self._limit, self._log = dict(environment), limit_seconds, log
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._ended = False

    def run(self) -> None:
        while not self._ended:
            try:
                number = self._waiting.get_nowait()
            except queue.Empty:
                return
            answer = self._make(self._jobs[number])
            if answer.get("kind") in _TRY_AGAIN and not self._ended:
                forget_bytecode(self._log.parents[1])
                answer = (answer if number in self._once else self._make(self._jobs[number])) | {"tries": 2}
            self._answers.put((number, answer))

    def end(self) -> None:
        """End the worker and everything that it started."""
        self._ended = True
        self._kill()

    def _make(self, job: Mapping[str, Any]) -> Answer:
        started = time.perf_counter()
        try:
            process = self._worker()
            assert process.stdin is not None
            process.stdin.write(json.dumps(job, ensure_ascii=True) + "\n")
            process.stdin.flush()
            line = self._answer(started)
        except _TooMuch as error:
            self._kill()
            seconds = round(time.perf_counter() - started, 3)
            return {"outcome": "failed", "kind": error.args[0], "reason": error.args[1], "seconds": seconds} | _cell_of(job)
        except OSError as error:
            line, reason = None, f"{type(error).__name__}: {error}"
        else:
            reason = "制作页面的进程意外终止。"
        seconds = {"seconds": round(time.perf_counter() - started, 3)}
        if line is None:
            code = self._process.wait() if self._process else None
            self._kill()
            return {"outcome": "failed", "kind": "worker", "reason": f"{reason}（返回码 {code}）", "traceback": self._last_words(), **seconds} | _cell_of(job)
        return json.loads(line) | seconds

    def _answer(self, started: float) -> str | None:
        """The worker's answer, None where it died; raises :class:`_TooMuch` where it takes too long or holds too much."""
        base = None
        while True:
            try:
                return self._lines.get(timeout=0.5)
            except queue.Empty:
                process = self._process
            if time.perf_counter() - started > self._limit:
                raise _TooMuch("limit", f"超过时限 {self._limit:g} 秒，已终止。")
            used = memory_used(process.pid) if process and self._limit_mb else 0
            base = used if base is None else min(base, used)
            if self._limit_mb and used - base > self._limit_mb * 1_000_000:
                raise _TooMuch("memory", f"占用内存超过上限 {self._limit_mb:g} MB，已终止。")

    def _worker(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._lines = queue.Queue()
            with self._log.open("w", encoding="utf-8") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "linwu_stats.publish.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                    env=self._environment, encoding="utf-8",
                )
            threading.Thread(target=_read_lines, args=(self._process, self._lines), daemon=True).start()
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        import psutil

        try:
            family = psutil.Process(process.pid).children(recursive=True)
        except (OSError, psutil.Error):
            family = []
        process.kill()
        for child in family:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()

    def _last_words(self) -> str:
        try:
            return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]
        except OSError:
            return ""


def _cell_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """The cell that was running when the time was up, from what papermill had saved."""
    from linwu_stats.publish.worker import running_cell

    return running_cell(Path(job["folder"]) / "work" / f"{job['stem']}.ipynb")


def _read_lines(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)
