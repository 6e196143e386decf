"""A papermill engine that copies a warm process for each notebook (papermill 引擎).

Starting a kernel and importing the stack costs some three seconds a notebook; copying a process that has imported it costs a hundredth. Each notebook
runs in a copy of its own, which ends with the notebook, so that no state passes from one to the next. Where a process cannot be copied (Windows, and
macOS, whose system libraries do not bear it), the notebook runs in a plain kernel, with the same outputs.

    papermill --engine linwu in.ipynb out.ipynb

papermill finds the engine by its entry point; import papermill before this module, since papermill imports its engines while it is itself imported.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

from papermill.engines import Engine, NBClientEngine

__all__ = ["NAME", "ForkedEngine", "can_copy"]

#: The name under which papermill knows the engine.
NAME = "linwu"


def can_copy() -> bool:
    """Whether this system can copy a running process safely (能否复制进程)."""
    return hasattr(os, "fork") and sys.platform != "darwin"


class ForkedEngine(Engine):
    """Runs the cells in a copy of this process (复制进程执行)."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, log_output: bool = False, **kwargs: Any) -> None:
        """Run a managed notebook (papermill's contract): outputs, counts and states go into ``nb_man`` cell by cell."""
        if not can_copy():
            NBClientEngine.execute_managed_notebook(nb_man, kernel_name, log_output=log_output, **kwargs)
            return
        cells = [(number, cell.source, tuple(cell.metadata.get("tags", ()))) for number, cell in enumerate(nb_man.nb.cells) if cell.cell_type == "code"]
        reader, child = _copy(cells)
        try:
            _follow(nb_man, reader)
        finally:
            reader.close()
            _end(child)


def _copy(cells: list[tuple[int, str, tuple[str, ...]]]) -> tuple[BinaryIO, int]:
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:  # pragma: no cover  the copy
        os.close(reading)
        _live(cells, writing)
    os.close(writing)
    return os.fdopen(reading, "rb"), child


def _live(cells: list[tuple[int, str, tuple[str, ...]]], writing: int) -> None:  # pragma: no cover  the copy
    """The whole life of the copy; it never returns into the program that it was copied from, and ends when that one does."""
    code = 1
    try:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
        with os.fdopen(writing, "wb") as stream:

            def tell(message: dict[str, Any]) -> None:
                stream.write(json.dumps(message, ensure_ascii=True).encode("ascii") + b"\n")
                stream.flush()

            try:
                from linwu_stats.publish.inproc import language_info, run_cells

                run_cells(cells, tell)
                tell({"language_info": language_info()})
                code = 0
            except BaseException as error:  # the shell itself is broken; said to the parent, which cannot see this process
                tell({"broken": "".join(traceback.format_exception(error))})
    finally:
        os._exit(code)


def _end_with(parent: int) -> None:  # pragma: no cover  the copy
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _follow(nb_man: Any, reader: BinaryIO) -> None:
    """Take over what the copy reports, as papermill's own client does."""
    from nbformat import from_dict

    cells, running, ended = nb_man.nb.cells, None, False
    waiting = iter(range(len(cells)))
    for message in _messages(reader):
        if "started" in message:
            running = message["started"]
            _pass_over(nb_man, waiting, running)
            nb_man.cell_start(cells[running], running)
        elif "number" in message:
            for number, outputs in {message["number"]: message["outputs"], **{int(key): value for key, value in message["changed"].items()}}.items():
                cells[number]["outputs"] = from_dict(outputs)
            cells[running]["execution_count"] = message["execution_count"]
            if message["error"]:
                nb_man.cell_exception(cells[running], cell_index=running)
            nb_man.cell_complete(cells[running], cell_index=running)
            running, ended = None, message["error"]
        elif "language_info" in message:
            nb_man.nb.metadata["language_info"] = from_dict(message["language_info"])
            if not ended:
                _pass_over(nb_man, waiting, len(cells))
            return
        else:
            raise EngineError(f"the notebook's process is broken (执行进程出错):\n{message['broken']}")
    raise EngineError("the notebook's process ended without a word (执行进程意外终止)")


class EngineError(RuntimeError):
    """The process of a notebook died (执行进程终止); papermill does not know why, the batch says what to do."""


def _pass_over(nb_man: Any, waiting: Iterator[int], until: int) -> None:
    """Cells of prose, in their turn."""
    for number in waiting:
        if number == until:
            return
        nb_man.cell_start(nb_man.nb.cells[number], number)
        nb_man.cell_complete(nb_man.nb.cells[number], cell_index=number)


def _messages(reader: BinaryIO) -> Iterator[dict[str, Any]]:
    for line in reader:
        if not line.endswith(b"\n"):
            return
        yield json.loads(line)


def _end(child: int) -> None:
    try:
        if os.waitpid(child, os.WNOHANG)[0] == 0:
            os.kill(child, signal.SIGTERM if sys.platform == "win32" else getattr(signal, "SIGKILL", signal.SIGTERM))
            os.waitpid(child, 0)
    except (ChildProcessError, ProcessLookupError):
        return
