"""The process that makes pages (制作页面的进程): one job a line on standard input, one answer a line on standard output.

A job holds the notebook, the parameters and the page's facts; papermill runs the notebook in its own kernel, the result is cleaned, and only a run
that went through becomes HTML. Files are written beside their place and moved in one step. When the process that gave the jobs is gone, this one ends
and takes its kernel along.

Run as ``python -P -m linwu_stats.publish.worker``; the environment is made by :mod:`linwu_stats.publish.supervise`.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import queue
import shutil
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linwu_stats.publish.engine import HERE
from linwu_stats.publish.screen import ERROR_MARKER

__all__ = ["main", "make_page", "running_cell", "steady_streams", "write_file"]

#: Longest path of a Unix socket that every system takes.
_SOCKET_PATH_LENGTH = 100
_kernels_started = itertools.count(1)
_MEMORY_ERRORS = {"MemoryError", "_ArrayMemoryError"}
#: What the system says when a file cannot be written whatever the notebook holds.
_DISK = {errno.ENOSPC, errno.EROFS, errno.EDQUOT if hasattr(errno, "EDQUOT") else errno.ENOSPC, errno.EFBIG, errno.EIO}


def main() -> None:
    """Answer jobs until standard input ends (逐个完成任务)."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever libraries print stays out of the answers
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    import papermill  # noqa: F401  the first job should not pay for it

    from linwu_stats.publish import html  # noqa: F401

    while True:
        answer = make_page(json.loads(jobs.get()))
        answers.write(json.dumps(answer, ensure_ascii=True) + "\n")
        answers.flush()


def make_page(job: Mapping[str, Any]) -> dict[str, Any]:
    """Run one notebook and write its page (运行笔记本并生成网页).

    ``job``: notebook (path), folder (of the run), stem, home, parameters, page (facts for the page), engine (papermill's name, or null); ``executed``: an
    executed notebook of an earlier run whose outputs still hold, so that only the page around them is made. Gives outcome (made or failed), and for a failure
    kind, reason, cell, source, traceback; seconds of both steps.
    """
    try:
        return _make_page(job)
    except MemoryError as error:
        return {"outcome": "failed", **_failure("memory", error, Path(job["home"]))}
    except OSError as error:
        return {"outcome": "failed", **_failure("export", error, Path(job["home"]))}


def _make_page(job: Mapping[str, Any]) -> dict[str, Any]:
    import nbformat

    from linwu_stats.publish.html import notebook_to_html
    from linwu_stats.publish.screen import clean_notebook
    from linwu_stats.publish.workbook import page_workbook

    home, folder, stem = Path(job["home"]), Path(job["folder"]), job["stem"]
    work = folder / "work" / f"{stem}.ipynb"
    started = time.perf_counter()
    kept = job.get("executed")
    failure = None if kept else _execute(job, work)
    executed = time.perf_counter()
    answer: dict[str, Any] = {"outcome": "made", "execute_seconds": round(executed - started, 3)}
    nb = _read_notebook(Path(kept) if kept else work)
    if nb is None and failure is None:
        failure = {"kind": "kernel", "reason": "运行后的笔记本读不出来。"}
    if nb is not None:
        if not kept:
            steady_streams(nb)
        nb, personal = clean_notebook(nb, home)
        if personal and failure is None:
            failure = {"kind": "personal", "reason": f"输出或代码中有 {personal} 处疑似身份证号或手机号，已隐去，不予发布。"}
        text = nbformat.writes(nb)
        write_file(folder / "notebooks" / f"{stem}.ipynb", text)
        nb = nbformat.reads(text, as_version=4)  # the page is made from what is kept, so that it can be made from that again
    if failure is None:
        try:
            workbook = page_workbook(nb, job["page"])
            if workbook is not None:
                write_file(folder / f"{stem}.xlsx", workbook)
            write_file(folder / f"{stem}.html", notebook_to_html(nb, {**job["page"], "workbook": f"{stem}.xlsx" if workbook else ""}))
        except Exception as error:  # a page that cannot be written is one failed page, whatever the cause
            failure = _failure("export", error, home)
    answer["export_seconds"] = round(time.perf_counter() - executed, 3)
    return answer if failure is None else answer | {"outcome": "failed"} | failure


def steady_streams(nb: Any) -> None:
    """Texts of standard output and error between two outputs as one each, output first (合并文本输出): a kernel sends them when its clock says so."""
    for cell in nb.cells:
        steady: list[Any] = []
        streams: dict[str, Any] = {}
        for output in [*cell.get("outputs", []), None]:
            if output is not None and output.output_type == "stream":
                before = streams.setdefault(output.name, output)
                if before is not output:
                    before.text += output.text
                continue
            steady += [streams[name] for name in sorted(streams, reverse=True)] + ([output] if output is not None else [])
            streams = {}
        if "outputs" in cell:
            cell.outputs = steady


def running_cell(work: Path) -> dict[str, Any]:
    """Number and code of the cell that was running when a notebook was last saved (正在运行的单元); empty where that is not known."""
    nb = _read_notebook(work)
    for index, cell in enumerate(nb.cells if nb else []):
        if cell.metadata.get("papermill", {}).get("status") == "running":
            return {"cell": _source_number(nb.cells, index), "source": cell.source}
    return {}


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file in one step (一次写成): readers see the old file or the whole new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    part.replace(file)


def _execute(job: Mapping[str, Any], work: Path) -> dict[str, Any] | None:
    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    from linwu_stats.publish.screen import clean_text

    home = Path(job["home"])
    work.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(job["notebook"], work)  # who looks meanwhile sees what is being run
    saved = {"request_save_on_cell_execute": False} if job.get("engine") == HERE else {"config": _transport(), "shutdown_kernel": "immediate"}
    try:
        papermill.execute_notebook(
            nbformat.read(job["notebook"], as_version=4), str(work).replace("{", "{{").replace("}", "}}"), parameters=dict(job["parameters"]),
            engine_name=job.get("engine"), kernel_name="python3", progress_bar=False, cwd=str(home), **saved,
        )
    except PapermillExecutionError as error:
        memory = _ran_out_of_memory(work, error)
        return {
            "kind": "memory" if memory else "cell",
            "reason": clean_text(f"{'内存不足，已停止。' if memory else ''}{error.ename}: {error.evalue}", home),
            "cell": _failed_cell(work, error.cell_index),
            "source": clean_text(error.source, home), "traceback": clean_text("\n".join(error.traceback), home),
        }
    except Exception as error:  # the kernel died, or the disk is full: one failed page, not the end of the worker
        return _failure("kernel", error, home) | running_cell(work)
    return None


def _transport() -> Any:
    """Sockets in the file system where there are any: no port can be taken by another process, and no other user can listen.

    The name is given for each kernel: jupyter_client's own is the same for all kernels that have the same working folder.
    """
    from traitlets.config import Config

    config = Config()
    socket = str(Path(os.environ.get("JUPYTER_RUNTIME_DIR", "")) / f"k{os.getpid()}-{next(_kernels_started)}")
    if os.name == "posix" and "JUPYTER_RUNTIME_DIR" in os.environ and len(socket) + 2 <= _SOCKET_PATH_LENGTH:
        config.KernelManager.transport = "ipc"
        config.KernelManager.ip = socket
    return config


def _ran_out_of_memory(work: Path, error: Any) -> bool:
    """Whether memory was what a cell lacked, whichever of its errors papermill took: Python itself may stumble over the lack before it says so."""
    nb = _read_notebook(work)
    said = [(one.ename, one.evalue) for cell in (nb.cells if nb else []) for one in cell.get("outputs", []) if one.output_type == "error"]
    return any(ename in _MEMORY_ERRORS or "Cannot allocate memory" in evalue for ename, evalue in [*said, (error.ename, error.evalue)])


def _failed_cell(work: Path, index: int) -> int | None:
    nb = _read_notebook(work)
    cells = [cell for cell in nb.cells if ERROR_MARKER not in cell.metadata.get("tags", [])] if nb else []
    return _source_number(cells, index) if cells else None


def _source_number(cells: list[Any], index: int) -> int:
    """Number of a cell in the notebook as its author knows it: without the cell that papermill injected."""
    return index + 1 - sum("injected-parameters" in cell.metadata.get("tags", []) for cell in cells[:index])


def _failure(kind: str, error: Exception, home: Path) -> dict[str, Any]:
    import traceback

    from linwu_stats.publish.screen import clean_text

    if isinstance(error, OSError) and error.errno in _DISK:
        kind = "disk"
    return {"kind": kind, "reason": clean_text(f"{type(error).__name__}: {error}", home), "traceback": clean_text(traceback.format_exc(), home)}


def _read_notebook(file: Path) -> Any:
    import nbformat

    try:
        return nbformat.read(file, as_version=4)
    except (OSError, ValueError):
        return None


def _listen(jobs: queue.Queue[str]) -> None:
    for line in sys.stdin:
        jobs.put(line)
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        for child in psutil.Process().children(recursive=True):
            child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
