"""Kill the batch at many random moments (随机中断试验): what readers see is one whole run every time, and the next run ends with the same bytes.

    python benchmarks/crash.py [--times 100] [--seed 20180522] [--longest 8]

The short form of the same stands in ``tests/test_crash.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from publish_workspace import QUARTER, make_workspace, notebook, write_notebooks
from test_crash import AREAS, SLOW, is_whole, kill_at_random, pages

from linwu_stats.publish.batch import run_batch


def main() -> None:
    """Kill, look, and print how many runs were killed before they ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20180522)
    parser.add_argument("--longest", type=float, default=8.0, help="seconds after which a run is killed at the latest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        homes = [make_workspace(Path(folder) / name) for name in ("undisturbed", "killed")]
        for home in homes:
            write_notebooks(home / "notebooks", village=notebook(SLOW), township=notebook(SLOW))
        reference = pages(run_batch(QUARTER, homes[0], areas=AREAS).folder)
        killed = kill_at_random(homes[1], options.seed, options.times, reference, options.longest)
        result = run_batch(QUARTER, homes[1], areas=AREAS)
        is_whole(result.folder)
        if pages(result.folder) != reference:
            raise SystemExit("the run after the kills differs from an undisturbed one")
    print(f"{options.times} runs, {killed} killed before their end: no half page, no mixed run; the last run has the bytes of an undisturbed one")


if __name__ == "__main__":
    main()
