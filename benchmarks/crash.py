"""Kill the batch at many random moments (随机中断试验): what readers see is one whole run every time, and the next run ends with the same bytes.

The whole quarter of a small workspace: county, townships, villages, the page of methods, public edition, index, record. Its register changes to and fro, so
that there is always something to make and always an earlier run to lose.

    python benchmarks/crash.py [--times 100] [--seed 20180522] [--longest SECONDS]

The short form of the same stands in ``tests/test_crash.py``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from test_crash import kill_at_random, undisturbed


def main() -> None:
    """Kill, look, and print how many runs were killed before they ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20180522)
    parser.add_argument("--longest", type=float, default=None, help="seconds after which a run is killed at the latest; by default what one undisturbed takes")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        right = undisturbed(Path(folder) / "undisturbed", [])
        longest = options.longest or (time.monotonic() - began) / sum(map(len, right))
        count = kill_at_random(Path(folder) / "killed", options.seed, options.times, right, longest, [])
    print(
        f"{options.times} runs, killed after {longest:.1f} s at the latest: {count['killed']} before their end, {count['resumed']} of them with pages to go on "
        f"with, {count['published']} published, {time.monotonic() - began:.0f} s: "
        "no half page, no mixed run, no earlier run lost; each published run has the bytes of an undisturbed one"
    )


if __name__ == "__main__":
    main()
