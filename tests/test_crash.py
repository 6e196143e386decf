"""Crash safety, each thing done for real: what is published is always one whole, finished run, and the next run ends with the same result.

The hundred kills are in ``benchmarks/crash.py``; here there are a few.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest
from publish_workspace import COUNTY, OTHER_VILLAGE, QUARTER, TOWNSHIP, VILLAGE, good_notebook, make_workspace, notebook, write_notebooks

from linwu_stats.publish import exchange
from linwu_stats.publish.batch import BatchError, run_batch
from linwu_stats.publish.exchange import publish, recover

pytestmark = pytest.mark.crash

RUN = """
import sys
from linwu_stats.publish.batch import run_batch
from linwu_stats import RefusedError

try:
    result = run_batch({quarter!r}, sys.argv[1], workers=2, areas=sys.argv[2:] or None, limit_mb={limit_mb})
except RefusedError as error:
    print(error, file=sys.stderr)
    sys.exit(3)
print(*result.failures, sep='\\n')
sys.exit(result.exit_code)
"""
AREAS = [TOWNSHIP, VILLAGE, OTHER_VILLAGE]
SLOW = "import time\ntime.sleep(0.2)\nprint(area)"


def start(home: Path, *areas: str, limit_mb: float = 1000, **options: Any) -> subprocess.Popen[str]:
    code = RUN.format(quarter=QUARTER, limit_mb=limit_mb)
    return subprocess.Popen(
        [sys.executable, "-c", code, str(home), *areas], env=os.environ | {"PYTHONUTF8": "1"}, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        **options,
    )


def finish(process: subprocess.Popen[str], code: int = 0) -> str:
    out, err = process.communicate(timeout=180)
    assert process.returncode == code, f"{out}\n{err}"
    return out + err


def pages(folder: Path) -> dict[str, bytes]:
    """Everything of a run that readers see, by name; ``.new`` is a note to the next run."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in ("run.json", ".new")}


def is_whole(folder: Path) -> dict[str, Any]:
    """The record of a run, after looking that each file is as the record says and none is half or strange."""
    import hashlib

    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    files = {name: hashlib.sha256(content).hexdigest() for name, content in pages(folder).items()}
    assert files == record["files"]
    assert all(files[name] == sha256 for page in record["pages"] for name, sha256 in page["files"].items())
    return record


def change(home: Path, village: str) -> None:
    """Another register: one household of a village more is poor."""
    file = home / "data" / QUARTER / "tables" / "households.parquet"
    frame = pd.read_parquet(file)
    frame.loc[frame["village_code"] == village, "poverty_status"] = "returned"
    frame.to_parquet(file, index=False)


Run = dict[str, bytes]


def set_up(home: Path) -> list[bytes]:
    """A workspace, and two states of its register as bytes."""
    make_workspace(home)
    write_notebooks(home / "notebooks", village=notebook(SLOW), township=notebook(SLOW))
    file = home / "data" / QUARTER / "tables" / "households.parquet"
    first = file.read_bytes()
    change(home, VILLAGE)
    return [first, file.read_bytes()]


def put(home: Path, state: bytes) -> None:
    (home / "data" / QUARTER / "tables" / "households.parquet").write_bytes(state)


def undisturbed(home: Path, areas: list[str]) -> list[list[Run]]:
    """For each of the two states, the runs that nothing disturbed: the first, and one that has a run before it to name."""
    found: list[list[Run]] = [[], []]
    states = set_up(home)
    for number in (0, 1, 0):
        put(home, states[number])
        result = run_batch(QUARTER, home, areas=areas or None)
        assert not result.failures
        found[number].append(pages(result.folder))
    return found


def kill_at_random(home: Path, seed: int, times: int, right: list[list[Run]], longest: float, areas: list[str]) -> dict[str, int]:
    """Kill runs at random moments, also while folders are exchanged, and let the last one end; the register takes its other state whenever a run got through.

    After each kill readers see one whole run, that of before or the new one; the run before it is still there, whole; what the killed run had started is gone.
    Gives how many were killed before they ended, how many of them left pages for the next one, and how many were published.
    """
    chance, states, wanted = random.Random(seed), set_up(home), 0
    count = {"killed": 0, "resumed": 0, "published": 0}
    put(home, states[0])
    finish(start(home, *areas))
    seen = home / "reports" / (f"{QUARTER}-selected" if areas else QUARTER)
    now, earlier = pages(seen), None
    for number in range(times + 1):
        before = now
        wanted = 1 - wanted if now in right[wanted] else wanted
        put(home, states[wanted])
        running = start(home, *areas)
        end = time.monotonic() + (chance.random() * longest if number < times else 300)
        while time.monotonic() < end and running.poll() is None:
            time.sleep(0.02)
        try:
            family = psutil.Process(running.pid).children(recursive=True)
        except psutil.Error:
            family = []
        count["killed"] += running.poll() is None
        running.kill()
        running.communicate()
        count["resumed"] += any((seen.parent / f".{seen.name}.partial" / "work").glob("*.json"))
        is_whole(seen)
        now = pages(seen)
        assert now == before or now in right[wanted]
        count["published"] += now != before
        earlier = before if now != before else earlier
        assert earlier is None or earlier in [pages(folder) for folder in seen.parent.iterdir() if folder != seen and (folder / "run.json").is_file()]
        _, alive = psutil.wait_procs(family, timeout=20)
        assert not alive, "what a killed run started must end too"
    assert running.returncode == 0
    assert now in right[wanted]
    assert sorted(path.name for path in seen.parent.iterdir()) == [f".{seen.name}.previous", seen.name]
    return count


def test_killed_at_random_moments(tmp_path: Path) -> None:
    right = undisturbed(tmp_path / "undisturbed", AREAS)
    count = kill_at_random(tmp_path / "killed", 20180522, 5, right, longest=7.0, areas=AREAS)
    assert count["killed"] >= 1
    assert count["published"] >= 1


def test_killed_run_is_gone_on_with_where_it_was(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    hanging = f"import time\nwhile area == {OTHER_VILLAGE!r} and open('/dev/null') is not None: time.sleep(0.1)"
    write_notebooks(home / "notebooks", township=notebook(SLOW), village=notebook(hanging))
    running = start(home, *AREAS)
    partial = home / "reports" / f".{QUARTER}-selected.partial"
    limit = time.monotonic() + 90
    while len(list((partial / "work").glob("*.json"))) < 2:
        assert time.monotonic() < limit
        time.sleep(0.1)
    made = {path.name: path.stat().st_mtime_ns for path in partial.glob("*.html")}
    running.kill()
    running.communicate()
    assert len(made) == 2
    result = run_batch(QUARTER, home, areas=AREAS, limit_seconds=5)
    assert {one.page.area: one.source for one in result.pages} == {TOWNSHIP: "resumed", VILLAGE: "resumed", OTHER_VILLAGE: "made"}
    assert {one.page.area: one.kind for one in result.pages if one.failed} == {OTHER_VILLAGE: "limit"}
    assert {path.name: path.stat().st_mtime_ns for path in result.folder.glob("*.html") if path.name in made} == made
    write_notebooks(home / "notebooks", township=notebook(SLOW))
    again = run_batch(QUARTER, home, areas=AREAS)
    assert {one.source for one in again.pages} == {"made"}, "another notebook is another key"


def test_pages_of_another_state_are_never_gone_on_with(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks")
    partial = home / "reports" / f".{QUARTER}-selected.partial"
    result = run_batch(QUARTER, home, areas=[VILLAGE])
    shutil.copytree(result.folder, partial)
    (partial / "work").mkdir()
    answer = {"outcome": "made", "files": {f"{VILLAGE}_{QUARTER}.html": "0" * 64}}
    (partial / "work" / f"{VILLAGE}_{QUARTER}.json").write_text(json.dumps({"key": "other", "answer": answer}), encoding="utf-8")
    (partial / "strange.html").write_text("half", encoding="utf-8")
    again = run_batch(QUARTER, home, areas=[VILLAGE], again=True)
    assert [one.source for one in again.pages] == ["made"]
    assert not (again.folder / "strange.html").exists()


# ---- disk, permissions ---------------------------------------------------------------------------------------------


def mounted(folder: Path, *options: str) -> bool:
    """A small file system of memory at ``folder``; false where this user or system may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return False
    return subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("room_kb", [40, 200, 500])
def test_full_disk_loses_nothing_and_says_so(tmp_path: Path, room_kb: int) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks")
    if not mounted(home / "reports", "-o", "size=4m"):
        pytest.skip("a small file system cannot be mounted here: run as root on Linux to test a full disk")
    try:
        first = run_batch(QUARTER, home, areas=[VILLAGE])
        before = pages(first.folder)
        change(home, VILLAGE)
        free = shutil.disk_usage(home / "reports").free
        ballast = home / "reports" / "ballast"
        ballast.write_bytes(b"0" * max(0, free - room_kb * 1024))
        said = finish(start(home, VILLAGE), 3)
        assert re.search("disk|cannot be written", said)
        assert "Nothing was published" in said
        assert pages(first.folder) == before
        ballast.unlink()
        result = run_batch(QUARTER, home, areas=[VILLAGE])
        assert not [one for one in result.pages if one.failed]
        assert pages(result.folder) != before
        is_whole(result.folder)
        assert pages(home / "reports" / f".{QUARTER}-selected.previous") == before
    finally:
        subprocess.run(["umount", "-l", str(home / "reports")], check=False)


def test_read_only_reports_folder(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks")
    result = run_batch(QUARTER, home, areas=[VILLAGE])
    before = pages(result.folder)
    change(home, VILLAGE)
    reports = home / "reports"
    if os.name == "posix" and os.geteuid() != 0:
        reports.chmod(0o500)
        undo = lambda: reports.chmod(0o700)  # noqa: E731
    elif subprocess.run(["mount", "--bind", "-o", "ro", reports, reports], check=False, capture_output=True).returncode == 0:
        undo = lambda: subprocess.run(["umount", "-l", str(reports)], check=True)  # noqa: E731
    else:
        pytest.skip("the folder cannot be made read-only here")
    try:
        said = finish(start(home, VILLAGE), 3)
        assert "不能写入报告文件夹" in said
        assert pages(result.folder) == before
    finally:
        undo()
    assert pages(run_batch(QUARTER, home, areas=[VILLAGE]).folder) != before


# ---- limits, other runs, changing inputs ---------------------------------------------------------------------------

EAT = "kept = []\nwhile True:\n    kept.append(bytearray(b'1') * 20_000_000)"


@pytest.mark.parametrize("engine", ["auto", "plain"])
def test_notebook_that_eats_memory_is_ended_and_the_others_stand(tmp_path: Path, engine: str) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", township=notebook("before = 1", EAT))
    result = run_batch(QUARTER, home, areas=[TOWNSHIP, VILLAGE], limit_mb=400, engine=engine)
    assert {one.page.area: one.kind for one in result.pages} == {TOWNSHIP: "memory", VILLAGE: ""}
    page = (result.folder / f"{TOWNSHIP}_{QUARTER}.html").read_text(encoding="utf-8")
    assert "第 3 个单元" in page
    assert "kept.append" in page
    assert result.exit_code == 1
    assert f"{TOWNSHIP}_{QUARTER}.html" in (result.folder / "index.html").read_text(encoding="utf-8")


def test_notebook_that_hangs_says_where(tmp_path: Path) -> None:
    """Interrupted at the limit, a notebook says in which line it was; one that does not heed that is killed."""
    home = make_workspace(tmp_path)
    deaf = "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except KeyboardInterrupt:\n        pass"
    write_notebooks(home / "notebooks", township=notebook("def wait_for_ever():\n    while True:\n        pass\nwait_for_ever()"), village=notebook(deaf))
    result = run_batch(QUARTER, home, areas=[TOWNSHIP, VILLAGE], limit_seconds=3)
    assert [one.kind for one in result.pages] == ["limit", "limit"]
    for area, words in ((TOWNSHIP, "wait_for_ever"), (VILLAGE, "KeyboardInterrupt")):
        page = (result.folder / f"{area}_{QUARTER}.html").read_text(encoding="utf-8")
        assert "超过时限 3 秒" in page
        assert "第 2 个单元" in page
        assert words in page


def test_two_runs_at_once(tmp_path: Path) -> None:
    """Of several runs started in the same moment one goes on; the others are told who."""
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", village=notebook(SLOW))
    running = [start(home, VILLAGE) for _ in range(4)]
    ended = [(*process.communicate(timeout=180), process.returncode) for process in running]
    codes = sorted(code for _, _, code in ended)
    assert codes.count(3) >= 1
    assert set(codes) <= {0, 1, 3}
    assert all("another run" in err for _, err, code in ended if code == 3)
    is_whole(home / "reports" / f"{QUARTER}-selected")
    assert sorted(path.name for path in (home / "reports").iterdir()) == [f"{QUARTER}-selected"]


@pytest.mark.parametrize("part", ["tables", "notebooks", "reference", "law"])
def test_input_changed_in_mid_run_is_refused(tmp_path: Path, part: str) -> None:
    home = make_workspace(tmp_path)
    flag = home / "go"
    wait = f"import time\nfrom pathlib import Path\nPath({str(home / 'here')!r}).touch()\nwhile not Path({str(flag)!r}).exists():\n    time.sleep(0.05)"
    write_notebooks(home / "notebooks", village=notebook(wait))
    flag.touch()
    first = run_batch(QUARTER, home, areas=[VILLAGE])
    before = pages(first.folder)
    flag.unlink()
    (home / "here").unlink()
    said: list[str] = []

    def run() -> None:
        try:
            run_batch(QUARTER, home, areas=[VILLAGE], again=True)
        except BatchError as error:
            said.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    limit = time.monotonic() + 60
    while not (home / "here").exists():
        assert time.monotonic() < limit
        time.sleep(0.05)
    if part == "tables":
        change(home, VILLAGE)
    elif part == "notebooks":
        write_notebooks(home / "notebooks", village=good_notebook())
    else:
        (home / "data" / part).mkdir(exist_ok=True)
        (home / "data" / part / "more.csv").write_text("series,year\n", encoding="utf-8")
    flag.touch()
    thread.join(120)
    assert len(said) == 1
    assert "运行期间输入有变动" in said[0]
    assert pages(first.folder) == before


# ---- the exchange --------------------------------------------------------------------------------------------------


def run_folder(folder: Path, text: str, key: str) -> None:
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text, encoding="utf-8")
    (folder / "run.json").write_text(json.dumps({"failures": [], "key": key}), encoding="utf-8")


def state(reports: Path) -> dict[str, str]:
    return {path.name: (path / "index.html").read_text(encoding="utf-8") for path in sorted(reports.iterdir())}


def test_readers_see_a_whole_run_at_every_moment(tmp_path: Path) -> None:
    """A reader who never stops looking while runs are exchanged sees one index or the next, on a system that can exchange folders in one step."""
    run_folder(tmp_path / QUARTER, "0", "0")
    run_folder(tmp_path / "a", "a", "a")
    run_folder(tmp_path / "b", "b", "b")
    if not exchange._swap(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this system or disk does not exchange folders in one step")
    assert (tmp_path / "a" / "index.html").read_text(encoding="utf-8") == "b"
    stop, missed, looked = threading.Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            looked[0] += 1
            try:
                (tmp_path / QUARTER / "index.html").read_text(encoding="utf-8")
            except OSError as error:
                missed.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 40):
        run_folder(tmp_path / f".{QUARTER}.partial", str(number), str(number))
        publish(tmp_path, QUARTER)
    stop.set()
    reader.join()
    assert looked[0] > 20
    assert not missed
    assert state(tmp_path)[f".{QUARTER}.previous"] == "38"


@pytest.mark.parametrize("one_step", [True, False])
def test_killed_between_any_two_steps_of_the_exchange(tmp_path: Path, one_step: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call that changes the disk is made the last one, in turn; afterwards the reader has the old run or the new, and the earlier one is not lost."""

    class Killed(BaseException):
        pass

    if not one_step:
        monkeypatch.setattr(exchange, "_swap", lambda one, other: False)
    for last in range(40):
        reports = tmp_path / str(last)
        run_folder(reports / f".{QUARTER}.previous", "1", "1")
        run_folder(reports / QUARTER, "2", "2")
        run_folder(reports / f".{QUARTER}.partial", "3", "3")
        calls = [0]

        def counted(work: Any, calls: list[int] = calls, last: int = last) -> Any:
            def call(*arguments: Any) -> Any:
                if calls[0] >= last:
                    raise Killed
                calls[0] += 1
                return work(*arguments)

            return call

        done = False
        with monkeypatch.context() as patch:
            for name in ("_swap", "_rename", "remove"):
                patch.setattr(exchange, name, counted(getattr(exchange, name)))
            try:
                publish(reports, QUARTER)
                done = True
            except Killed:
                pass
        recover(reports, QUARTER)
        seen = state(reports)
        assert seen[QUARTER] in ("2", "3")
        earlier = seen[f".{QUARTER}.previous"]
        assert earlier == ("1" if seen[QUARTER] == "2" else "2"), (last, seen)
        assert set(seen) <= {QUARTER, f".{QUARTER}.previous", f".{QUARTER}.partial"}
        if done:
            assert last > 3
            return
    raise AssertionError("the exchange never ends")


def test_previous_run_stays_reachable_and_the_same_run_again_is_the_same(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks")
    link = f"../.{QUARTER}-selected.previous/index.html"
    first = run_batch(QUARTER, home, areas=[COUNTY])
    before = pages(first.folder)
    assert link not in before["index.html"].decode("utf-8")
    assert pages(run_batch(QUARTER, home, areas=[COUNTY], again=True).folder) == before
    change(home, VILLAGE)
    second = run_batch(QUARTER, home, areas=[COUNTY])
    assert f'href="{link}"' in (second.folder / "index.html").read_text(encoding="utf-8")
    assert pages((second.folder / link).parent.resolve()) == before
    seen = pages(second.folder)
    assert pages(run_batch(QUARTER, home, areas=[COUNTY], again=True).folder) == seen
    assert pages((second.folder / link).parent.resolve()) == before
