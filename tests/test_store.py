"""Files that are changed by one process at a time and in one step: the lock, the tables of a quarter, ledgers that change while they are read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from linwu_stats import RefusedError, quarter, store
from linwu_stats.quarter import QuarterError, make_quarter, open_quarter

QUARTER = "2018Q1"


@pytest.fixture
def home(small_home: Path, tmp_path: Path) -> Path:
    """A workspace of its own whose newest quarter must be made anew."""
    shutil.copytree(small_home, tmp_path / "home")
    change_ledger(tmp_path / "home", "1.00")
    return tmp_path / "home"


def change_ledger(home: Path, yuan: str) -> Path:
    """One more line in a ledger of income items; gives the file."""
    path = next((home / "data" / QUARTER / "ledgers").glob("*.csv"))
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    household = lines[1].split(",")[0]
    path.write_text("\n".join([*lines, f"{household},某,{QUARTER},零工收入,否,{yuan},,,,"]) + "\n", encoding="utf-8-sig", newline="")
    return path


def tables(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "data" / QUARTER / "tables").iterdir()}


def left_over(home: Path) -> list[str]:
    return [path.name for path in [*(home / "data").iterdir(), *(home / "data" / QUARTER).iterdir()] if path.name.startswith(".")]


# ---- ledgers that change while they are read -----------------------------------------------------------------------


@pytest.mark.parametrize("step", ["读取台账", pytest.param("比对三方台账", marks=pytest.mark.crash)])
def test_ledger_that_changes_while_a_quarter_is_made_is_refused_by_name(home: Path, step: str) -> None:
    """Somebody saves a ledger in the middle: the tables that were there stay, and the next run takes the ledger as it is then."""
    before = tables(home)

    def save_meanwhile(text: str) -> None:
        if text == f"{QUARTER} {step}":
            files.append(change_ledger(home, "2.00"))

    files: list[Path] = []
    with pytest.raises(QuarterError, match="读取期间文件有变动") as refused:
        make_quarter(QUARTER, home, progress=save_meanwhile)
    assert files[0].name in str(refused.value)
    assert QUARTER in str(refused.value)
    assert tables(home) == before
    assert not left_over(home)
    q = make_quarter(QUARTER, home)
    assert {item["path"]: item["sha256"] for item in q.provenance["inputs"]}[files[0].name] == quarter.file_sha256(files[0])


@pytest.mark.parametrize("what", [
    "earlier quarter", "law", *(pytest.param(what, marks=pytest.mark.crash) for what in ("new file", "file gone", "reference", "half a file")),
])  # fmt: skip
def test_every_part_that_decides_is_watched(home: Path, what: str) -> None:
    data = home / "data"
    ledger = next((data / QUARTER / "ledgers").glob("*.csv"))
    earlier = next((data / "2017Q3" / "ledgers").glob("*.csv"))

    def meddle(text: str) -> None:
        if text != f"{QUARTER} 读取台账":
            return
        if what == "new file":
            shutil.copy(ledger, ledger.with_name("再来一份.csv"))
        elif what == "file gone":
            ledger.unlink()
        elif what == "earlier quarter":
            earlier.write_bytes(earlier.read_bytes() + b"\r\n")
        elif what == "half a file":
            ledger.write_bytes(ledger.read_bytes()[:40])
        else:
            name = "own.yaml" if what == "law" else "more.csv"
            (data / what).mkdir(exist_ok=True)
            (data / what / name).write_text("" if what == "law" else "series,year,value,unit,source,status,note\n", encoding="utf-8")

    named = {"new file": "再来一份.csv", "file gone": ledger.name, "earlier quarter": earlier.name, "law": "data/law", "reference": "more.csv",
             "half a file": ledger.name}[what]
    with pytest.raises(QuarterError, match="读取期间文件有变动") as refused:
        make_quarter(QUARTER, home, progress=meddle)
    assert named in str(refused.value)
    assert not left_over(home)


def test_number_of_a_person_in_a_file_name_is_not_said(home: Path) -> None:
    ledger = next((home / "data" / QUARTER / "ledgers").glob("*.csv"))
    number = "431099196001011231"

    def meddle(text: str) -> None:
        if "读取台账" in text:
            shutil.copy(ledger, ledger.with_name(f"{number}.csv"))

    with pytest.raises(QuarterError, match="读取期间文件有变动") as refused:
        make_quarter(QUARTER, home, progress=meddle)
    assert number not in str(refused.value)


# ---- tables in one step --------------------------------------------------------------------------------------------


def test_failure_while_tables_are_written_leaves_those_that_were_there(tmp_path: Path) -> None:
    frames = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2]})}
    folder = tmp_path / "tables"
    store.save_tables(folder, frames, lambda there: {"names": sorted(path.name for path in there.iterdir())})
    assert json.loads((folder / "meta.json").read_text(encoding="utf-8")) == {"names": ["a.parquet", "b.parquet"]}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    class Unwritable:
        def to_parquet(self, path: Path, index: bool) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        store.save_tables(folder, {"a": pd.DataFrame({"x": [3]}), "b": Unwritable()}, lambda there: {})  # type: ignore[dict-item]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tables"]


KILLED = """
import os, sys
from pathlib import Path
from linwu_stats import store
from linwu_stats.quarter import make_quarter

calls, last, replace = [0], int(sys.argv[2]), Path.replace

def counted(self, target):
    if "tables" in str(target):
        calls[0] += 1
        if calls[0] == last:
            os._exit(9)
    return replace(self, target)

Path.replace = counted
make_quarter("2018Q1", sys.argv[1])
"""


@pytest.mark.crash
@pytest.mark.parametrize("last", [1, 20])
def test_killed_while_tables_are_exchanged_they_are_made_again(home: Path, last: int) -> None:
    """The process ends without a word, lock held and folder half exchanged; nothing of that opens, and the next run makes it whole."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(home), str(last)], check=False, capture_output=True, env=os.environ | {"PYTHONUTF8": "1"})
    assert done.returncode == 9, done.stderr
    with pytest.raises(QuarterError, match="尚未生成"):
        open_quarter(QUARTER, home)
    ledger = next((home / "data" / QUARTER / "ledgers").glob("*.csv"))
    record = make_quarter(QUARTER, home).provenance
    assert {item["path"]: item["sha256"] for item in record["inputs"]}[ledger.name] == quarter.file_sha256(ledger)
    assert all(quarter.file_sha256(home / "data" / QUARTER / "tables" / f"{name}.parquet") == one["sha256"] for name, one in record["tables"].items())
    assert not left_over(home)


# ---- the lock ------------------------------------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from linwu_stats import store
with store.alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_lock_of_a_living_process_is_told_in_words_and_that_of_a_killed_one_does_not_count(tmp_path: Path) -> None:
    lock = tmp_path / ".2018Q1.lock"
    process = holder(lock)
    with pytest.raises(RefusedError, match="正在另一进程中运行") as refused, store.alone(lock):
        pass
    assert str(process.pid) in str(refused.value)
    assert lock.exists()
    process.kill()
    if os.name == "posix":
        time.sleep(0.3)  # dead, but its parent has not asked for its end: not alive either
        with store.alone(lock):
            pass
    process.wait()
    with store.alone(lock):
        assert json.loads(lock.read_text(encoding="utf-8"))["pid"] == os.getpid()
    assert not lock.exists()
    process.stdout.close()  # type: ignore[union-attr]


def test_lock_of_another_machine_holds_as_long_as_it_is_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared folder: process numbers of the other machine say nothing here."""
    monkeypatch.setattr(store, "_BEAT_SECONDS", 0.2)
    monkeypatch.setattr(store, "_SILENT_SECONDS", 2.0)
    lock = tmp_path / ".2018Q1.lock"
    with store.alone(lock):
        held = json.loads(lock.read_text(encoding="utf-8"))
        lock.write_text(json.dumps(held | {"host": "another", "pid": 1}), encoding="utf-8")
        with pytest.raises(RefusedError, match="process 1 on another"), store.alone(lock):
            pass
    lock.write_text(json.dumps(held | {"host": "another", "pid": 1}), encoding="utf-8")
    with store.alone(lock):  # nobody touches that one any more
        assert json.loads(lock.read_text(encoding="utf-8"))["host"] != "another"


def test_when_a_process_began_does_not_depend_on_the_clock() -> None:
    """What psutil says on Linux moves with the clock; the lock of a living run must not look like that of a dead one after the clock was set."""
    mine = store._born(os.getpid())
    assert mine == store._born(os.getpid())
    assert store._born(2**22 + 1) is None
    if sys.platform.startswith("linux"):
        boot, ticks = str(mine).split()
        assert ticks.isdigit()
        assert boot == Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@pytest.mark.crash
def test_two_processes_that_make_the_same_quarter(home: Path) -> None:
    code = "import sys\nfrom linwu_stats import RefusedError\nfrom linwu_stats.quarter import make_quarter\ntry:\n    make_quarter('2018Q1', sys.argv[1])\n"
    code += "except RefusedError as error:\n    print(error)\n    sys.exit(3)"
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(home)], stdout=subprocess.PIPE, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})
        for _ in range(2)
    ]
    ended = [(process.communicate(timeout=120)[0], process.returncode) for process in running]
    assert sorted(code for _, code in ended) in ([0, 3], [0, 0])
    assert all("正在另一进程中运行" in said for said, code in ended if code == 3)
    assert not left_over(home)
    record = open_quarter(QUARTER, home).provenance
    assert all(quarter.file_sha256(home / "data" / QUARTER / "tables" / f"{name}.parquet") == one["sha256"] for name, one in record["tables"].items())
