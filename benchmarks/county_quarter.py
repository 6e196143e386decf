"""Time and memory of the county quarter, as parts of the whole (县级季度运行的时间和内存).

    python benchmarks/county_quarter.py [--runs 3]

Each part runs in a process of its own on the whole sample county, several times, in turn with its floor; printed are medians and, against the floor, ratios.
Floors: python-calamine returning the raw cells of the same files (reading), and papermill's command line plus nbconvert's for a page of each kind,
times the number of its pages (reports). Times on a shared machine drift: trust the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
NEWEST = "2018Q1"

READ_RAW = """
import sys
from pathlib import Path
from python_calamine import CalamineWorkbook
for path in sorted(Path(sys.argv[1]).glob("*")):
    if path.suffix == ".xlsx":
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            book.get_sheet_by_name(name).to_python()
    else:
        path.read_bytes().decode("utf-8-sig").splitlines()
"""
READ = """
import sys
from pathlib import Path
from linwu_stats.ledgers.intake import read_quarter
from linwu_stats.rules import rules_at
read_quarter(Path(sys.argv[1]), rules_at("2018-03-31"), "2018Q1")
"""
PERSONS_RAW = """
import sys, time
from python_calamine import CalamineWorkbook
start = time.perf_counter()
book = CalamineWorkbook.from_path(sys.argv[1])
book.get_sheet_by_name(book.sheet_names[0]).to_python()
print(time.perf_counter() - start)
"""
PERSONS = """
import sys, time
from linwu_stats.ledgers.read import read_ledger
from linwu_stats.rules import rules_at
rules = rules_at("2018-03-31")
start = time.perf_counter()
read_ledger(sys.argv[1], rules)
print(time.perf_counter() - start)
"""
TABLES = "import sys; from linwu_stats.quarter import make_quarter; make_quarter('2018Q1', sys.argv[1])"
REPORTS = "import sys; from linwu_stats.publish.batch import run_batch\nif __name__ == '__main__': run_batch('2018Q1', sys.argv[1], again=True)"
REPORTS_AGAIN = "import sys; from linwu_stats.publish.batch import run_batch\nif __name__ == '__main__': run_batch('2018Q1', sys.argv[1])"
#: One page of each kind, for which the pair of command lines is measured: notebook and area.
PAIR_PAGES = (
    ("county", "431025"), ("methods", "431025"), ("township", "431025105"), ("village", "431025101201"), ("ledger_quality", "431025105"),
    ("estimates", "431025105"), ("indicators", "431025105"), ("lookback", "431025"), ("stability", "431025105"),
)


def run(code: str, *arguments: object) -> tuple[float, float, str]:
    """Wall seconds, peak MB of the largest process, and what was printed."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "part.py"
        script.write_text(code, encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run([sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", check=False)
        seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"a part failed:\n{done.stderr[-3000:]}")
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    except ImportError:
        peak = float("nan")
    return seconds, peak, done.stdout


def median(code: str, *arguments: object, runs: int) -> tuple[float, float]:
    """Median wall seconds and highest peak so far over ``runs`` runs."""
    results = [run(code, *arguments) for _ in range(runs)]
    return statistics.median(result[0] for result in results), max(result[1] for result in results)


def whole_memory(home: Path) -> tuple[float, float]:
    """Wall seconds of all pages, and the highest sum in MB of what all processes of the run hold, shared memory counted once (PSS), looked at often."""
    import psutil

    start, peak = time.perf_counter(), 0
    process = psutil.Popen([sys.executable, "-c", REPORTS, str(home)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        held = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                held += getattr(one.memory_full_info(), "pss", 0)
            except psutil.Error:
                continue
        peak = max(peak, held)
        time.sleep(0.1)
    return time.perf_counter() - start, peak / 1e6


def command_line_pair(home: Path, notebook: str, area: str) -> float:
    """Wall seconds of the papermill command and the nbconvert command for one page."""
    environment = {**os.environ, "LINWU_HOME": str(home)}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page.ipynb"
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "papermill", str(ROOT / "notebooks" / f"{notebook}.ipynb"), str(out), "-r", "quarter", NEWEST, "-r", "area", area,
             "-r", "home", str(home)], check=True, capture_output=True, env=environment,
        )
        subprocess.run([sys.executable, "-m", "nbconvert", "--to", "html", str(out)], check=True, capture_output=True, env=environment)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copytree(ROOT / "data" / "reference", home / "data" / "reference")
        sample = run("import sys\nfrom linwu_stats.synthetic import write_sample\nif __name__ == '__main__': write_sample(sys.argv[1])", home)
        ledgers = home / "data" / NEWEST / "ledgers"
        pairs = []
        persons = next(path for path in ledgers.iterdir() if path.stat().st_size == max(file.stat().st_size for file in ledgers.glob("*.xlsx")))
        for _ in range(runs):
            pairs.append((float(run(PERSONS, persons)[2]), float(run(PERSONS_RAW, persons)[2])))
        raw, read = median(READ_RAW, ledgers, runs=runs), median(READ, ledgers, runs=runs)
        first = run(TABLES, home)
        again = median(TABLES, home, runs=runs)
        reports = median(REPORTS, home, runs=runs)
        unchanged = median(REPORTS_AGAIN, home, runs=runs)
        held = whole_memory(home)[1]
        kinds = Counter(page["kind"] for page in json.loads((home / "reports" / NEWEST / "run.json").read_text(encoding="utf-8"))["pages"])
        assert set(kinds) == {notebook for notebook, _ in PAIR_PAGES}
        one = {notebook: statistics.median(command_line_pair(home, notebook, area) for _ in range(runs)) for notebook, area in PAIR_PAGES}
        reports = min(reports, median(REPORTS, home, runs=runs))  # once more after the pairs, since times drift
        pages, pair = kinds.total(), sum(one[kind] * count for kind, count in kinds.items())
    ratio = statistics.median(ours / floor for ours, floor in pairs)
    print(f"sample county, six quarters of ledgers     {sample[0]:7.1f} s")
    print(f"person export read, checked, conformed     {statistics.median(p[0] for p in pairs):7.2f} s   {ratio:.2f} times python-calamine's raw cells")
    print(f"one quarter's ledgers to tables            {read[0]:7.1f} s   {read[0] / raw[0]:.2f} times raw reading of the same files ({raw[0]:.1f} s)")
    print(f"all tables of six quarters, first time     {first[0]:7.1f} s")
    print(f"all tables, nothing changed                {again[0]:7.1f} s")
    print(f"{pages} pages and all around them              {reports[0]:7.1f} s   {pair / reports[0]:.1f} times faster than papermill's and nbconvert's command"
          f" lines one after the other ({pair:.0f} s)")
    for kind, count in kinds.items():
        print(f"    {count:3} of {kind:33} {one[kind]:7.1f} s each by the command lines")
    print(f"all pages, nothing changed                 {unchanged[0]:7.2f} s")
    print(f"peak memory of all processes of the pages  {held:7.0f} MB (PSS)")
    print(f"peak memory of the largest process         {reports[1]:7.0f} MB")


if __name__ == "__main__":
    main()
