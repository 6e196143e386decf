"""Runs that are disturbed otherwise than by a kill of the whole: parts killed, signals, strange places for reports/, folders deleted by hand, a full disk.

As in ``test_crash``, each thing is done for real, and each time readers have one whole run and the next run ends with the bytes of an undisturbed one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from publish_workspace import COUNTY, OTHER_VILLAGE, QUARTER, TOWNSHIP, VILLAGE, make_workspace, notebook, write_notebooks
from test_crash import AREAS, SLOW, change, finish, is_whole, mounted, pages, start

from linwu_stats.publish import compare
from linwu_stats.publish.batch import BatchError, run_batch
from linwu_stats.publish.zygote import can_fork

pytestmark = pytest.mark.crash
needs_fork = pytest.mark.skipif(not can_fork(), reason="this system does not copy processes")
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

NAME = f"{QUARTER}-selected"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The bytes of a run that nothing disturbed."""
    return pages(run_batch(QUARTER, workspace(tmp_path_factory.mktemp("undisturbed")), areas=AREAS).folder)


def workspace(home: Path) -> Path:
    make_workspace(home)
    write_notebooks(home / "notebooks", village=notebook(SLOW), township=notebook(SLOW))
    return home


def wait_for(found: Any, seconds: float = 90) -> Any:
    limit = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < limit
        time.sleep(0.02)
    return answer


def zygotes(running: subprocess.Popen[str]) -> list[psutil.Process]:
    with_names = []
    for one in psutil.Process(running.pid).children():
        try:
            with_names += [one] if "linwu_stats.publish.zygote" in one.cmdline() else []
        except psutil.Error:
            continue
    return with_names


def page_processes(running: subprocess.Popen[str]) -> list[psutil.Process]:
    return [child for one in zygotes(running) for child in one.children()]


# ---- a part of the run is killed ------------------------------------------------------------------------------------


@needs_fork
@pytest.mark.parametrize("whom", ["page", "zygote", "zygote at its start"])
def test_part_of_a_run_is_killed_and_the_run_ends_well(tmp_path: Path, undisturbed: dict[str, bytes], whom: str) -> None:
    home = workspace(tmp_path)
    running = start(home, *AREAS)
    if whom == "page":
        wait_for(lambda: page_processes(running))[0].kill()
    elif whom == "zygote":
        wait_for(lambda: page_processes(running))
        zygotes(running)[0].kill()
    else:
        wait_for(lambda: zygotes(running))[0].kill()
    finish(running)
    seen = home / "reports" / NAME
    is_whole(seen)
    assert pages(seen) == undisturbed
    assert not [path for path in (home / "reports").iterdir() if path != seen]


@needs_fork
def test_notebook_that_kills_the_process_it_came_from_fails_alone(tmp_path: Path) -> None:
    """It takes the zygote along, and with it whoever is being made: those are made anew, it is on the index."""
    home = workspace(tmp_path)
    write_notebooks(home / "notebooks", township=notebook("import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(9)"), village=notebook(SLOW))
    result = run_batch(QUARTER, home, areas=AREAS, limit_seconds=60)
    assert {one.page.area: one.failed for one in result.pages} == {TOWNSHIP: True, VILLAGE: False, OTHER_VILLAGE: False}
    assert result.exit_code == 1
    assert f'href="{TOWNSHIP}_{QUARTER}.html"' in (result.folder / "index.html").read_text(encoding="utf-8")
    assert "意外终止" in (result.folder / f"{TOWNSHIP}_{QUARTER}.html").read_text(encoding="utf-8")


def _hear_signals() -> None:
    """What ``nohup`` and a job in the background of a shell leave ignored is inherited, also by the run."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


@posix
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("group", [False, True])
def test_signal_ends_a_run_with_all_that_it_started(tmp_path: Path, undisturbed: dict[str, bytes], number: str, group: bool) -> None:
    """Ctrl+C reaches the whole group of a terminal; ``kill`` reaches one process."""
    home = workspace(tmp_path)
    running = start(home, *AREAS, start_new_session=True, preexec_fn=_hear_signals)
    wait_for(lambda: (home / "reports" / f".{NAME}.partial" / "work").is_dir() and len(psutil.Process(running.pid).children(recursive=True)) > 1)
    family = psutil.Process(running.pid).children(recursive=True)
    (os.killpg if group else os.kill)(running.pid, getattr(signal, number))
    running.communicate(timeout=60)
    assert running.returncode not in (0, 1, 3)
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
    assert not (home / "reports" / NAME).exists()
    finish(start(home, *AREAS))
    assert pages(home / "reports" / NAME) == undisturbed
    assert [path.name for path in (home / "reports").iterdir()] == [NAME]


#: Ends the process at a step of the run, as a power cut would.
AT_STEP = """
import os, sys
from importlib import import_module
from linwu_stats.publish.batch import run_batch

module, name, after = sys.argv[2].rsplit(".", 1)[0], sys.argv[2].rsplit(".", 1)[1], sys.argv[3] == "after"
module = import_module("linwu_stats.publish." + module)
work = getattr(module, name)

def cut(*arguments, **options):
    if after:
        work(*arguments, **options)
    os._exit(9)

setattr(module, name, cut)
run_batch("2018Q1", sys.argv[1], workers=2)
"""


@pytest.mark.parametrize("after", ["before", "after"])
@pytest.mark.parametrize("step", ["public.write_public", "outputs.write_table", "index.index_html", "exchange.publish", "exchange._swap", "exchange.remove"])
def test_power_cut_at_each_step_around_the_pages(tmp_path: Path, whole: tuple[dict[str, bytes], dict[str, bytes]], step: str, after: str) -> None:
    """Public edition, tables as files, index, exchange: cut off there, the run of before or the new one is there, and the next ends with the same."""
    before, wanted = whole
    home = workspace(tmp_path)
    shutil.copytree(whole_home(whole), home / "reports")
    change(home, VILLAGE)
    code = [sys.executable, "-c", AT_STEP, str(home), step, after]
    done = subprocess.run(code, check=False, capture_output=True, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})
    assert done.returncode == 9, done.stderr
    seen = home / "reports" / QUARTER
    is_whole(seen)
    assert pages(seen) in (before, wanted)
    result = run_batch(QUARTER, home)
    assert not result.failures
    assert pages(seen) == wanted
    assert pages(home / "reports" / f".{QUARTER}.previous") == before


_HOMES: dict[int, Path] = {}


def whole_home(whole: tuple[dict[str, bytes], dict[str, bytes]]) -> Path:
    return _HOMES[id(whole)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Two runs of the whole quarter that nothing disturbed, of two states of the register; the reports/ of the first is kept."""
    home = workspace(tmp_path_factory.mktemp("whole"))
    first = pages(run_batch(QUARTER, home).folder)
    shutil.copytree(home / "reports", home / "kept")
    change(home, VILLAGE)
    found = first, pages(run_batch(QUARTER, home).folder)
    _HOMES[id(found)] = home / "kept"
    return found


# ---- where reports/ stands ------------------------------------------------------------------------------------------


def test_folder_with_spaces_and_chinese(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    home = workspace(tmp_path / "我的 工作目录 {1} 100% ‘报告’ #2")
    finish(start(home, *AREAS))
    assert pages(home / "reports" / NAME) == undisturbed
    result = run_batch(QUARTER, home, areas=AREAS, engine="plain", again=True)
    assert not result.failures
    assert pages(result.folder) == undisturbed


@posix
def test_reports_is_a_link_to_another_place(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    home = workspace(tmp_path / "home")
    (tmp_path / "elsewhere").mkdir()
    (home / "reports").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    finish(start(home, *AREAS))
    assert pages(tmp_path / "elsewhere" / NAME) == undisturbed
    change(home, VILLAGE)
    finish(start(home, *AREAS))
    assert pages(tmp_path / "elsewhere" / f".{NAME}.previous") == undisturbed
    assert (home / "reports").is_symlink()


@posix
def test_folder_of_a_run_is_a_link(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    """Somebody moved a run to a larger disk and left a link: the link becomes the run before, what it points to is never deleted."""
    home = workspace(tmp_path / "home")
    finish(start(home, *AREAS))
    shutil.move(home / "reports" / NAME, tmp_path / "moved")
    (home / "reports" / NAME).symlink_to(tmp_path / "moved", target_is_directory=True)
    for village in (VILLAGE, OTHER_VILLAGE):
        change(home, village)
        finish(start(home, *AREAS))
        is_whole(home / "reports" / NAME)
        assert not (home / "reports" / NAME).is_symlink()
    assert pages(tmp_path / "moved") == undisturbed
    assert sorted(path.name for path in (home / "reports").iterdir()) == [f".{NAME}.previous", NAME]


@posix
def test_link_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    home = workspace(tmp_path / "home")
    (home / "reports").symlink_to(tmp_path / "gone", target_is_directory=True)
    assert "不能写入报告文件夹" in finish(start(home, *AREAS), 3)


# ---- deleted by hand -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["run before", "run", "page", "record", "cache", "all"])
def test_what_was_deleted_by_hand_is_made_again(tmp_path: Path, undisturbed: dict[str, bytes], what: str) -> None:
    home = workspace(tmp_path)
    first = home / "data" / QUARTER / "tables" / "households.parquet"
    kept = first.read_bytes()
    change(home, OTHER_VILLAGE)
    finish(start(home, *AREAS))
    first.write_bytes(kept)
    finish(start(home, *AREAS))
    reports = home / "reports"
    seen, previous = reports / NAME, reports / f".{NAME}.previous"
    wanted, before = pages(seen), pages(previous)
    if what == "page":
        (seen / f"{VILLAGE}_{QUARTER}.html").unlink()
    elif what == "record":
        (seen / "run.json").unlink()
    else:
        shutil.rmtree({"run before": previous, "run": seen, "cache": home / ".cache", "all": reports}[what])
    finish(start(home, *AREAS))
    is_whole(seen)
    assert pages(seen) == (undisturbed if what == "all" else wanted)
    if what not in ("run before", "all"):
        assert pages(previous) == before


def test_previous_that_was_deleted_is_not_linked_by_the_next_run(tmp_path: Path, undisturbed: dict[str, bytes]) -> None:
    home = workspace(tmp_path)
    finish(start(home, *AREAS))
    result = run_batch(QUARTER, home, areas=AREAS, again=True)
    assert pages(result.folder) == undisturbed
    assert ".previous" not in (result.folder / "index.html").read_text(encoding="utf-8")


# ---- the disk of the whole workspace is full -------------------------------------------------------------------------


@pytest.mark.parametrize("room_kb", [0, 60, 300])
def test_disk_of_the_whole_workspace_is_full(tmp_path: Path, room_kb: int) -> None:
    """Tables, caches and logs stand on the same disk as reports/."""
    home = tmp_path / "home"
    if not mounted(home, "-o", "size=96m"):
        pytest.skip("a small file system cannot be mounted here: run as root on Linux to test a full disk")
    try:
        workspace(home)
        first = run_batch(QUARTER, home, areas=AREAS)
        before = pages(first.folder)
        change(home, VILLAGE)
        shutil.rmtree(home / ".cache")
        ballast = home / "ballast"
        ballast.write_bytes(b"0" * max(0, shutil.disk_usage(home).free - room_kb * 1024))
        said = finish(start(home, *AREAS), 3)
        assert "disk" in said
        assert "Traceback" not in said
        assert pages(first.folder) == before
        ballast.unlink()
        finish(start(home, *AREAS))
        is_whole(first.folder)
        assert pages(home / "reports" / f".{NAME}.previous") == before
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)


@pytest.mark.parametrize(("engine", "modules"), [("auto", ["papermill", "publish"]), ("plain", ["papermill", "publish"]), ("plain", ["ipykernel"])])
def test_half_a_file_of_bytecode_bars_no_later_run(
    tmp_path: Path, undisturbed: dict[str, bytes], engine: str, modules: list[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Python keeps what a full disk took of a compiled module as if it were whole; every process that imports it from then on dies."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # bytecode stands in the workspace then
    home = workspace(tmp_path)
    assert not run_batch(QUARTER, home, areas=AREAS, engine=engine).failures
    compiled = [path for path in (home / ".cache" / "pycache").rglob("*.pyc") if path.parent.name in modules]
    assert compiled
    for path in compiled:
        path.write_bytes(path.read_bytes()[:200])
    result = run_batch(QUARTER, home, areas=AREAS, engine=engine, again=True)
    assert not result.failures
    assert pages(result.folder) == undisturbed


# ---- two runs compared while one of them is exchanged ----------------------------------------------------------------


def test_compare_does_not_mix_two_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is published between the first look and the last: no comparison of a mixture."""
    home = workspace(tmp_path)
    run_batch(QUARTER, home, areas=[COUNTY])
    change(home, VILLAGE)
    run_batch(QUARTER, home, areas=[COUNTY])
    reports = home / "reports"
    old, new = (compare.find_run(name, reports) for name in (f"{NAME}.previous", NAME))
    assert compare.compare_runs(old, new)["runs"][0]["folder"] == f".{NAME}.previous"
    look = compare._changes

    def publish_meanwhile(*folders: Path) -> Any:
        change(home, OTHER_VILLAGE)
        run_batch(QUARTER, home, areas=[COUNTY])
        return look(*folders)

    monkeypatch.setattr(compare, "_changes", publish_meanwhile)
    with pytest.raises(BatchError, match="比较期间"):
        compare.compare_runs(old, new)


def test_half_a_record_is_told_in_words(tmp_path: Path) -> None:
    for name in ("1", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({"quarter": QUARTER})[:9], encoding="utf-8")
    with pytest.raises(BatchError, match="运行记录不能读取"):
        compare.compare_runs(tmp_path / "1", tmp_path / "2")
