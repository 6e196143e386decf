"""What every page needs, once (预热): imports, the quarter's tables, fonts, before a process is copied for each page.

Only the package's own functions run here, never a notebook, so that nothing a notebook does can reach another. A page made by a process that was not warmed
is the same, only slower.
"""

from __future__ import annotations

import contextlib
import gc
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import linwu_stats.publish
from linwu_stats import open_quarter

__all__ = ["warm_up"]

#: Libraries that notebooks and pages use; what is missing is imported by the notebook that wants it.
_LIBRARIES = (
    "pandas", "pyarrow.parquet", "matplotlib.backends.backend_agg", "matplotlib.figure", "ipykernel.zmqshell", "ipykernel.ipkernel",
    "nbconvert.exporters.html", "fontTools.subset",
)
#: Modules that never run beside a page.
_NOT_PAGES = {"batch", "worker", "supervise", "engine", "warm", "inproc"}


def warm_up(home: Path, quarter: str) -> None:
    """Import what pages import, open the quarter and draw what its county page draws (预热).

    Failures are passed over: the page that meets one says so in its place.
    """
    from linwu_stats.quarter import share_quarter

    names = [f"linwu_stats.publish.{module.name}" for module in iter_modules(linwu_stats.publish.__path__) if module.name not in _NOT_PAGES]
    for name in (*_LIBRARIES, *names):
        with contextlib.suppress(ImportError):
            import_module(name)
    with contextlib.suppress(Exception):
        q = open_quarter(quarter, home=home)
        share_quarter(q)
        _look(q)
    gc.collect()
    gc.freeze()  # what is here is never looked through again, so that a copy shares its memory


def _look(q: Any) -> None:
    from linwu_stats.publish import fonts, pages, pages_doubts, pages_exit, pages_income

    county = q.rules.value("area.county")["code"]
    looks = (
        pages_doubts.doubts, pages.key_figures, pages.main_points, pages_income.income_by_quarter, pages_income.distribution, pages.ranking,
        pages_exit.verdicts, pages_exit.missing, pages_exit.cohorts, pages_exit.transitions, pages.comparison, pages.method_notes,
    )
    for look in looks:
        with contextlib.suppress(Exception):
            look(q, county)
    fonts.font_face("预热")
