"""Workspaces that several tests share: a small sample county and the whole one, each made once a session."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

REFERENCE = Path(__file__).parents[1] / "data" / "reference"


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Make a folder once for all worker processes of this test run; the others wait for its ``ready`` file."""
    root = factory.getbasetemp()
    shared = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    folder, ready, failed = shared / name, shared / f"{name}.ready", shared / f"{name}.failed"
    try:
        folder.mkdir()
    except FileExistsError:
        while not ready.exists():
            assert not failed.exists(), f"the worker that makes {name} failed"
            time.sleep(0.2)
        return folder
    try:
        make(folder)
    except BaseException:
        failed.touch()
        raise
    ready.touch()
    return folder


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a small sample county, its newest quarter made. Read only: copy it to change it."""

    def make(folder: Path) -> None:
        from linwu_stats.quarter import make_quarter
        from linwu_stats.synthetic import write_sample

        shutil.copytree(REFERENCE, folder / "data" / "reference")
        write_sample(folder, households=200)
        make_quarter("2018Q1", folder)

    return _made_once(tmp_path_factory, "small_home", make)


@pytest.fixture(scope="session")
def county_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the whole sample county of 8,186 households, its newest quarter made. Read only."""

    def make(folder: Path) -> None:
        from linwu_stats.quarter import make_quarter
        from linwu_stats.synthetic import write_sample

        shutil.copytree(REFERENCE, folder / "data" / "reference")
        write_sample(folder)
        make_quarter("2018Q1", folder)

    return _made_once(tmp_path_factory, "county_home", make)


@pytest.fixture(scope="session")
def planted_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small county with hostile text and known persons in every ledger, run whole. Read only."""
    from planted import make_planted

    return _made_once(tmp_path_factory, "planted_home", make_planted)
