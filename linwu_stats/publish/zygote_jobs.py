"""What a child of the zygote does (派生进程的任务): one page, or the cells of one notebook, then it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["run_job"]

Emit = Callable[[Mapping[str, Any]], None]


def run_job(order: Mapping[str, Any], emit: Emit) -> None:
    """Do one job (执行任务), by its kind: ``page`` as :func:`linwu_stats.publish.worker.make_page` takes it, ``cells`` for papermill's engine, ``digests`` and
    ``unchanged`` of what pages have read (:mod:`linwu_stats.publish.reads`).

    ``emit`` is called with ``{"cell": number}`` when a cell begins, and with ``{"answer": …}`` or, for cells, with each cell that is done.
    """
    {"page": _page, "cells": _cells, "digests": _digests, "unchanged": _unchanged}[order["kind"]](order, emit)


def _page(order: Mapping[str, Any], emit: Emit) -> None:
    from linwu_stats.publish import engine, reads
    from linwu_stats.publish.worker import make_page

    engine.cell_begins = lambda index: emit({"cell": index})
    with reads.recorded() as seen:
        answer = make_page({**order, "engine": engine.HERE})
    emit({"answer": answer | {"reads": sorted(seen)}})


def _cells(order: Mapping[str, Any], emit: Emit) -> None:
    """For an engine that lives in another process: that process's folder and environment, and each cell as soon as it is done."""
    import nbformat

    from linwu_stats.publish.zygote import FIGURES
    from linwu_stats.publish.zygote_shell import CellRunner

    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update({**FIGURES, **order["environment"]})
    if "matplotlib" in sys.modules:  # it read the environment when it was imported, which was that of the zygote
        dict.__setitem__(sys.modules["matplotlib"].rcParams, "backend", os.environ["MPLBACKEND"])
    cells = [nbformat.from_dict(cell) for cell in order["cells"]]
    runner = CellRunner(cells)
    with runner.running():
        for index, cell in enumerate(cells):
            emit({"cell": index})
            error = runner.run(index)
            shown = [[one.get("outputs"), one.get("execution_count")] for one in cells[:index]] if runner.rewrote_earlier() else None
            emit({"done": index, "outputs": cell.get("outputs"), "execution_count": cell.get("execution_count"), "error": error, "earlier": shown})
            if error:
                return


def _digests(order: Mapping[str, Any], emit: Emit) -> None:
    """Digests of notes, as the tables are now."""
    from linwu_stats.publish import facts, reads
    from linwu_stats.quarter import open_quarter

    q = open_quarter(order["quarter"], order["home"])
    emit({"answer": reads.digests(q, order["notes"], facts.positions)})


def _unchanged(order: Mapping[str, Any], emit: Emit) -> None:
    """Which of several pages have read nothing that changed: by stem, pairs of note and digest."""
    from linwu_stats.publish import facts, reads
    from linwu_stats.quarter import open_quarter

    q, now = open_quarter(order["quarter"], order["home"]), dict[str, str]()
    emit({"answer": [stem for stem, before in order["pages"].items() if reads.replayed(q, before.items(), now, facts.positions)]})
