"""The batch with real papermill, real kernels and real failures: one bad page never takes another with it, and readers never see half a run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from publish_workspace import COUNTY, OTHER_VILLAGE, QUARTER, TOWNSHIP, VILLAGE, good_notebook, make_workspace, notebook, write_notebooks

from linwu_stats.publish import batch
from linwu_stats.publish.batch import BatchError, RunResult, run_batch

#: Ends the process that runs the notebook, as a lack of memory would.
KILL_WORKER = "import psutil\npsutil.Process().parent().kill()\nimport time\ntime.sleep(60)"
HANG = "import time\nwhile True:\n    time.sleep(0.01)"
VILLAGE_CELL = f"if area == '{VILLAGE}':\n    " + KILL_WORKER.replace("\n", "\n    ") + "\nelse:\n    " + HANG.replace("\n", "\n    ")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, list[tuple[int, int, str]]]:
    """A run in which the township raises, one village kills its worker, one hangs, the methods kernel dies, and only the county is good."""
    home = make_workspace(tmp_path_factory.mktemp("troubled"))
    raising = notebook("x = 1", "number = '431099199001010019'", "import os\nraise ValueError(f'{number} in {os.getcwd()}')", "never = 1")
    dying = notebook("import os\nos._exit(3)")
    folder = write_notebooks(home / "notebooks", township=raising, village=notebook("before = 1", VILLAGE_CELL), methods=dying)
    assert folder.is_dir()
    seen: list[tuple[int, int, str]] = []
    result = run_batch(
        QUARTER, home, workers=2, areas=[COUNTY, TOWNSHIP, VILLAGE, OTHER_VILLAGE], limit_seconds=25, progress=lambda *step: seen.append(step),
    )
    return result, seen


def test_one_bad_page_takes_no_other_with_it(troubled: tuple[RunResult, list[Any]]) -> None:
    result, seen = troubled
    outcome = {one.page.stem: (one.outcome, one.kind) for one in result.pages}
    assert outcome == {
        "431025_2018Q1": ("made", ""), "methods_2018Q1": ("failed", "kernel"), f"{TOWNSHIP}_2018Q1": ("failed", "cell"),
        f"{VILLAGE}_2018Q1": ("failed", "worker"), f"{OTHER_VILLAGE}_2018Q1": ("failed", "limit"),
    }
    assert result.exit_code == 1
    assert len(result.failures) == 4
    assert [step[:2] for step in seen] == [(number, 5) for number in range(1, 6)]
    assert next(one for one in result.pages if one.page.area == VILLAGE).tries == 2, "a worker that died may have been bad luck"
    assert next(one for one in result.pages if one.page.area == OTHER_VILLAGE).tries == 1, "a notebook that hangs hangs again"


def test_good_page_is_whole_and_shows_no_path(troubled: tuple[RunResult, list[Any]]) -> None:
    folder = troubled[0].folder
    document = (folder / "431025_2018Q1.html").read_text(encoding="utf-8")
    assert ">431025</th>" in document, "the parameter reached the notebook"
    assert re.search(r'<td class="num"[^>]*>6</td>', document), "six households of the workspace"
    assert document.count("<img") == 1
    kept = nbformat.read(folder / "notebooks" / "431025_2018Q1.ipynb", as_version=4)
    nbformat.validate(kept)
    home = str(folder.parents[1])
    for file in folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            if file.suffix == ".xlsx":
                with zipfile.ZipFile(file) as parts:
                    content = b"".join(parts.read(name) for name in parts.namelist())
            assert home.encode() not in content, file.name
            assert b"431099199001010019" not in content, file.name


def test_failed_pages_say_why_and_where(troubled: tuple[RunResult, list[Any]]) -> None:
    folder = troubled[0].folder
    township = (folder / f"{TOWNSHIP}_2018Q1.html").read_text(encoding="utf-8")
    assert "第 4 个单元" in township, "parameters, x, number, raise"
    assert "ValueError" in township
    assert "<b>" not in township
    assert f'href="notebooks/{TOWNSHIP}_2018Q1.ipynb"' in township
    hanging = (folder / f"{OTHER_VILLAGE}_2018Q1.html").read_text(encoding="utf-8")
    assert "超过时限 25 秒" in hanging
    assert "第 3 个单元" in hanging
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "4 页失败，其余 1 页已生成" in index
    assert not list(folder.rglob("*.part"))
    assert not (folder / "work").exists()


def test_record_of_the_run(troubled: tuple[RunResult, list[Any]]) -> None:
    result = troubled[0]
    record = json.loads((result.folder / "run.json").read_text(encoding="utf-8"))
    assert record["sample"] is True
    assert record["scope"] == sorted([COUNTY, TOWNSHIP, VILLAGE, OTHER_VILLAGE])
    assert [one["outcome"] for one in record["pages"]] == ["made", "failed", "failed", "failed", "failed"]
    assert record["pages"][0]["parameters"] == {"quarter": QUARTER, "area": COUNTY, "home": "."}
    assert record["provenance"]["inputs"][0]["sha256"] == "b" * 64
    assert set(record["notebooks"]) == {"county.ipynb", "methods.ipynb", "township.ipynb", "village.ipynb"}
    basis = next(rule for rule in record["rules"] if rule["key"] == "line.basis")
    assert basis["value"] == '"central_work"'
    assert {"python", "pandas", "matplotlib", "papermill"} <= set(record["libraries"])
    assert all(re.fullmatch(r"[0-9a-f]{64}", one["sha256"]) for one in record["pages"])


def test_nothing_is_left_running_or_lying_about(troubled: tuple[RunResult, list[Any]]) -> None:
    folder = troubled[0].folder
    home = str(folder.parents[1])
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        left = [one for one in psutil.process_iter(["cmdline"]) if any(home in part for part in one.info["cmdline"] or [])]
        if not left:
            break
        time.sleep(0.5)  # a kernel whose worker was killed notices within a second or two
    assert not left
    assert sorted(path.name for path in folder.parent.iterdir()) == ["2018Q1-selected"], "a run of chosen areas never replaces a whole one"


def test_same_inputs_give_the_same_bytes_in_two_folders(tmp_path: Path) -> None:
    pages = []
    for name in ("first", "second"):
        home = make_workspace(tmp_path / name)
        write_notebooks(home / "notebooks")
        result = run_batch(QUARTER, home, workers=2, areas=[VILLAGE, TOWNSHIP])
        assert result.failures == [f"{one.page.file} 链接失效：methods_2018Q1.html" for one in result.pages if one.dead_links]
        pages.append({path.relative_to(result.folder).as_posix(): path.read_bytes() for path in result.folder.rglob("*") if path.is_file()})
    assert set(pages[0]) == set(pages[1])
    assert len([name for name in pages[0] if not name.startswith("downloads/")]) == 6
    assert any(name.startswith("downloads/") for name in pages[0])
    for name, content in pages[0].items():
        if name != "run.json":
            assert content == pages[1][name], name


def test_personal_number_in_the_output_stops_the_page(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", township=notebook("print('13912345678')"))
    result = run_batch(QUARTER, home, areas=[TOWNSHIP])
    assert [one.kind for one in result.pages] == ["personal"]
    assert b"13912345678" not in b"".join(path.read_bytes() for path in result.folder.rglob("*") if path.is_file())


def test_nothing_starts_where_a_notebook_does_not_fit(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", village=notebook(parameters="quarter = None\nhome = None"))
    with pytest.raises(BatchError, match=r"village\.ipynb: the parameters cell does not know area"):
        run_batch(QUARTER, home)
    assert not (home / "reports").exists()


def test_interrupted_run_leaves_what_readers_see_and_the_next_one_ends_well(tmp_path: Path) -> None:
    """The process that runs the batch is killed in the middle; its workers and kernels end too, and the lock does not bar the next run."""
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", township=notebook(HANG))
    seen = home / "reports" / f"{QUARTER}-selected"
    seen.mkdir(parents=True)
    (seen / "index.html").write_text("old", encoding="utf-8")
    code = f"from linwu_stats.publish.batch import run_batch; run_batch({QUARTER!r}, {str(home)!r}, areas=[{TOWNSHIP!r}])"
    running = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONUTF8": "1"})
    work = home / "reports" / f".{QUARTER}-selected.partial" / "work" / f"{TOWNSHIP}_2018Q1.ipynb"
    limit = time.monotonic() + 60
    while not work.is_file():
        assert time.monotonic() < limit
        time.sleep(0.1)
    family = psutil.Process(running.pid).children(recursive=True)
    assert family
    with pytest.raises(BatchError, match="another run"):
        run_batch(QUARTER, home, areas=[TOWNSHIP])
    running.kill()
    running.wait()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert (seen / "index.html").read_text(encoding="utf-8") == "old"
    write_notebooks(home / "notebooks", township=good_notebook())
    result = run_batch(QUARTER, home, areas=[TOWNSHIP])
    assert [one.outcome for one in result.pages] == ["made"]
    assert sorted(path.name for path in seen.parent.iterdir()) == [f".{QUARTER}-selected.previous", f"{QUARTER}-selected"]


# ---- exchange of folders ------------------------------------------------------------------------------------------


def run_folder(reports: Path, name: str, text: str, *, failures: list[str] | None = None) -> None:
    folder = reports / name
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text, encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"failures": failures or []}), encoding="utf-8")


def seen_in(reports: Path) -> dict[str, str]:
    return {path.name: (path / "index.html").read_text(encoding="utf-8") for path in sorted(reports.iterdir())}


def test_finished_run_takes_the_place_and_the_one_before_stays(tmp_path: Path) -> None:
    run_folder(tmp_path, ".2018Q1.partial", "1")
    batch._publish(tmp_path, QUARTER)
    assert seen_in(tmp_path) == {"2018Q1": "1"}
    for number in ("2", "3"):
        run_folder(tmp_path, ".2018Q1.partial", number)
        batch._publish(tmp_path, QUARTER)
    assert seen_in(tmp_path) == {"2018Q1": "3", ".2018Q1.previous": "2"}


def test_failed_run_does_not_push_out_the_last_good_one(tmp_path: Path) -> None:
    run_folder(tmp_path, ".2018Q1.previous", "good")
    run_folder(tmp_path, "2018Q1", "bad", failures=["x"])
    run_folder(tmp_path, ".2018Q1.partial", "new")
    batch._publish(tmp_path, QUARTER)
    assert seen_in(tmp_path) == {"2018Q1": "new", ".2018Q1.previous": "good"}


@pytest.mark.parametrize("left", ["previous", "old"])
def test_run_killed_between_the_two_renames_is_put_back(tmp_path: Path, left: str) -> None:
    run_folder(tmp_path, f".2018Q1.{left}", "seen")
    run_folder(tmp_path, ".2018Q1.partial", "half")
    batch._recover(tmp_path, QUARTER)
    assert seen_in(tmp_path) == {"2018Q1": "seen", ".2018Q1.partial": "half"}


def test_stale_lock_is_taken_over(tmp_path: Path) -> None:
    lock = tmp_path / ".2018Q1.lock"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for content in (json.dumps({"pid": ended.pid, "created": 1.0, "started": "x"}), json.dumps({"pid": os.getpid(), "created": 1.0, "started": "x"}), "broken"):
        lock.write_text(content, encoding="utf-8")
        with batch._alone(lock):
            assert json.loads(lock.read_text(encoding="utf-8"))["pid"] == os.getpid()
            with pytest.raises(BatchError, match="another run"), batch._alone(lock):
                pass
        assert not lock.exists()
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"areas": []}, "没有指定地区"), ({"areas": "../../etc"}, "没有这些地区的报告"), ({"engine": "nonsense"}, "没有这个引擎")],
)
def test_a_run_of_nothing_or_by_nobody_is_refused_before_it_starts(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks")
    with pytest.raises(BatchError, match=words):
        run_batch(QUARTER, home, **given)
    assert not (home / "reports").exists()
