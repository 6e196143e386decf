"""The papermill engine ``linwu`` (papermill 引擎): each notebook in a process copied from one that has imported everything.

``papermill --engine linwu in.ipynb out.ipynb``, or ``papermill.execute_notebook(…, engine_name="linwu")``: the same cells give the same outputs as in a plain
kernel, without its imports from the second notebook on. A notebook in another language or for the kernel of another Python, and every notebook on a system that
does not copy processes, runs in its plain kernel.

Papermill loads this module by its entry point while it is itself being imported, so nothing of papermill may be imported here before it is asked for: the
classes are made on first use.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from linwu_stats.publish.zygote import FIGURES, can_fork

__all__ = ["HERE", "NAME", "LinwuEngine", "register_here"]  # noqa: F822  made on first use, see __getattr__

#: The engine that users name, and the one of a child that has been copied already and runs the notebook itself.
NAME, HERE = "linwu", "linwu-here"

#: Called in a child with the number of each cell that begins.
cell_begins: Callable[[int], None] | None = None


def __getattr__(name: str) -> Any:
    if name == "LinwuEngine":
        return _engines()[0]
    raise AttributeError(name)


def register_here() -> None:
    """Make :data:`HERE` known to papermill in this process (登记进程内引擎); only for a process that runs one notebook and ends."""
    from papermill.engines import papermill_engines

    papermill_engines.register(HERE, _engines()[1])


@lru_cache(maxsize=1)
def _engines() -> tuple[Any, Any]:
    from papermill.engines import Engine, NBClientEngine

    class LinwuEngine(Engine):
        """The engine that users name."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
            if can_fork() and _own_kernel(kernel_name, nb_man.nb):
                _run_forked(nb_man, kwargs.get("execution_timeout"))
            else:
                NBClientEngine.execute_managed_notebook(nb_man, kernel_name, **kwargs)

    class HereEngine(Engine):
        """Runs the cells in this process."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
            _run_here(nb_man)

    return LinwuEngine, HereEngine


def _run_here(nb_man: Any) -> None:
    from linwu_stats.publish.zygote_shell import LANGUAGE, CellRunner

    runner = CellRunner(nb_man.nb.cells)
    with runner.running():
        for index, cell in enumerate(nb_man.nb.cells):
            if cell_begins is not None:
                cell_begins(index)
            nb_man.cell_start(cell, index)
            error = runner.run(index)
            if error:
                nb_man.cell_exception(cell, cell_index=index)
            nb_man.cell_complete(cell, cell_index=index)
            if error:
                break
    nb_man.nb.metadata["language_info"] = dict(LANGUAGE)


def _run_forked(nb_man: Any, limit_seconds: float | None) -> None:
    import nbformat

    from linwu_stats.publish.zygote_shell import LANGUAGE

    cells = nb_man.nb.cells
    order = {"kind": "cells", "folder": str(Path.cwd()), "environment": dict(os.environ), "cells": cells}
    for said in _zygote().run(order, limit_seconds):
        if "cell" in said:
            nb_man.cell_start(cells[said["cell"]], said["cell"])
        elif "done" in said:
            earlier = said["earlier"] or []
            for index, (outputs, count) in enumerate([*earlier, (said["outputs"], said["execution_count"])], said["done"] - len(earlier)):
                if cells[index].cell_type == "code":
                    cells[index].outputs = [nbformat.from_dict(output) for output in outputs]
                    cells[index].execution_count = count
            if said["error"]:
                nb_man.cell_exception(cells[said["done"]], cell_index=said["done"])
            nb_man.cell_complete(cells[said["done"]], cell_index=said["done"])
    nb_man.nb.metadata["language_info"] = dict(LANGUAGE)


def _own_kernel(kernel_name: str, nb: Any) -> bool:
    """Whether a plain kernel of that name would be this very Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    if nb.metadata.get("kernelspec", {}).get("language", "python") != "python":
        return False
    try:
        spec = KernelSpecManager().get_kernel_spec(kernel_name)
    except NoSuchKernel:
        return False
    return Path(spec.argv[0]).name.startswith("python") and (spec.argv[0] in ("python", "python3") or Path(spec.argv[0]) == Path(sys.executable))


class _Zygote:
    """The zygote of this process for notebooks that its user runs one by one; it starts with the first and ends with the process."""

    def __init__(self) -> None:
        environment = os.environ | FIGURES | {"OPENBLAS_NUM_THREADS": os.environ.get("OPENBLAS_NUM_THREADS", "1")}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "linwu_stats.publish.zygote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, encoding="utf-8",
        )
        self._jobs = 0
        self._tell({"notebooks": []})
        self._hear()
        atexit.register(self.end)

    def run(self, order: dict[str, Any], limit_seconds: float | None) -> Iterator[dict[str, Any]]:
        """What the child says, as it comes. Raises ``DeadKernelError`` where it dies and ``CellTimeoutError`` where a cell takes too long, as nbclient does."""
        from nbclient.exceptions import CellTimeoutError, DeadKernelError

        self._jobs += 1
        number, late, cell = self._jobs, threading.Event(), None
        clock: threading.Timer | None = None
        self._tell({"job": number, **order})
        ended = False
        try:
            while True:
                said = self._hear()
                if said.get("job") != number:
                    continue  # of a run that was left early
                if "cell" in said or "ended" in said:
                    if clock is not None:
                        clock.cancel()
                    cell = said.get("cell", cell)
                if "cell" in said and limit_seconds:
                    clock = threading.Timer(limit_seconds, self._stop, (number, late))
                    clock.daemon = True
                    clock.start()
                if "ended" in said:
                    ended = True
                    if late.is_set():
                        raise CellTimeoutError.error_from_timeout_and_cell("Cell execution timed out", int(limit_seconds or 0), order["cells"][cell])
                    if said["ended"]:
                        raise DeadKernelError("Kernel died")
                    return
                yield said
        finally:
            if clock is not None:
                clock.cancel()
            if not ended:
                self._tell({"kill": number})

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        self.process.wait(10)

    def _stop(self, number: int, late: threading.Event) -> None:
        late.set()
        self._tell({"kill": number})

    def _tell(self, content: Any) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(content, ensure_ascii=True) + "\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]

    def _hear(self) -> dict[str, Any]:
        from nbclient.exceptions import DeadKernelError

        line = self.process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            _KEPT.clear()
            raise DeadKernelError("the process that runs the notebooks has ended (预热进程已终止); run the notebook again")
        return json.loads(line)


_KEPT: dict[int, _Zygote] = {}


def _zygote() -> _Zygote:
    """One for each process: a process that was itself copied must not share its parent's."""
    zygote = _KEPT.get(os.getpid())
    if zygote is None or zygote.process.poll() is not None:
        zygote = _KEPT[os.getpid()] = _Zygote()
    return zygote
