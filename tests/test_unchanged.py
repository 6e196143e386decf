"""A run of which nothing changed is kept as it is; anything that changed is made again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from linwu_stats.publish.batch import run_batch
from linwu_stats.quarter import make_quarter, quarters_with_ledgers

AREA = "431025105"


@pytest.fixture(scope="module")
def home(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("unchanged") / "home"
    shutil.copytree(small_home, place)
    make_quarter("2018Q1", place)
    run_batch("2018Q1", place, areas=[AREA])
    return place


def made_at(home: Path) -> int:
    return (home / "reports" / "2018Q1-selected" / "run.json").stat().st_mtime_ns


def test_nothing_changed_is_kept(home):
    before = made_at(home)
    result = run_batch("2018Q1", home, areas=[AREA])
    assert made_at(home) == before
    assert not result.failures
    assert result.index.is_file()
    assert {one.page.area for one in result.pages} >= {AREA}


def test_a_page_that_somebody_changed_is_made_again(home):
    page = home / "reports" / "2018Q1-selected" / f"{AREA}_2018Q1.html"
    good = page.read_bytes()
    page.write_bytes(good + b"<!-- changed -->")
    run_batch("2018Q1", home, areas=[AREA])
    assert page.read_bytes() == good


def test_other_tables_make_other_pages(home):
    for quarter in quarters_with_ledgers(home)[:-1]:
        shutil.rmtree(home / "data" / quarter)
    make_quarter("2018Q1", home)
    run_batch("2018Q1", home, areas=[AREA])
    before = made_at(home)
    (home / "data" / "law").mkdir()
    (home / "data" / "law" / "own.yaml").write_text(
        "- key: price.rice\n  term: 稻谷折价\n  unit: yuan_per_kg\n  values:\n"
        "    - {from: 2014-01-01, value: 2.70, status: confirmed, document: 本县价格表}\n", encoding="utf-8")
    make_quarter("2018Q1", home)
    run_batch("2018Q1", home, areas=[AREA])
    assert made_at(home) != before
    assert "price.rice" in (home / "reports" / "2018Q1-selected" / f"{AREA}_2018Q1.html").read_text(encoding="utf-8")
