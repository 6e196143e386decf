"""What a run is made of (运行): its plan, and what became of each page; shared by the batch and by what stands around the pages."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from linwu_stats.publish.fonts import common_characters
from linwu_stats.publish.plan import Page

__all__ = ["PageResult", "Run", "parameters_of"]


@dataclass(frozen=True)
class PageResult:
    """What became of one page (页面结果): ``outcome`` made or failed, the reason in words, the cell, durations, links that lead nowhere.

    ``source``: where it comes from: made, outputs (of the published run, still true), resumed (of a run that was cut off), unchanged (the whole run).
    """

    page: Page
    outcome: str
    reason: str = ""
    kind: str = ""
    cell: int | None = None
    seconds: float = 0.0
    execute_seconds: float | None = None
    export_seconds: float | None = None
    tries: int = 1
    dead_links: list[str] = field(default_factory=list)
    source: str = "made"
    files: dict[str, str] = field(default_factory=dict)
    reads: list[str] | None = None

    @property
    def failed(self) -> bool:
        """Whether the page could not be made."""
        return self.outcome != "made"


@dataclass(frozen=True)
class Run:
    """What the steps of one run share (一次运行): where, what from, by how many, within which limits, and its key."""

    q: Any
    home: Path
    folder: Path
    seen: Path
    pages: list[Page]
    notebooks: Mapping[str, Path]
    workers: int
    limit_seconds: float
    limit_mb: float | None
    engine: str | None
    scope: list[str] | None
    started: dt.datetime
    inputs: Mapping[str, Any]
    key: str
    static: Mapping[str, str]

    @cached_property
    def characters(self) -> str:
        """Characters that the pages of a run share (共用字): the words of the package and of the notebooks, and the names of the places."""
        cells = [cell for path in self.notebooks.values() for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
        words = "".join("".join(cell["source"]) for cell in cells)
        return common_characters(*self.q.area_names.values(), "".join(one for one in words if not one.isascii()))


def parameters_of(page: Page) -> dict[str, str]:
    """Parameters of a page's notebook (参数); ``home`` is the kernel's own folder, so that no path of the machine reaches a page."""
    return {"quarter": page.quarter, "area": page.area, "home": "."}
