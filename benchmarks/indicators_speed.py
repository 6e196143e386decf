"""Speed of the indices beside R and Python, in one run (指标速度): medians and ratios of medians.

    python benchmarks/indicators_speed.py [--runs 3] [--peer-runs 1] [--python PEER_PYTHON] [--seed 20180522]

- all indices with linearised standard errors by township on 1,000,000 persons (3,000 villages, 15 townships);
- 1,000 bootstrap replicates of FGT 0, 1, 2 and Gini on 100,000 persons.

R: needs Rscript and the package survey (Debian: r-base-core, r-cran-survey); convey is not among Debian's packages, so its public algorithms are
written out in ``indicators_speed.R`` in their fastest form. Python: an interpreter with svy and inequalipy (``--python``). Each peer does the part that it has:
R thirteen of the thirty-four indices, svy means by township (FGT as means) without Gini, inequalipy Gini without standard errors.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.indicators import sampled

LINE = 2952
FOUR = ["headcount_ratio", "poverty_gap_index", "squared_poverty_gap_index", "gini"]
#: The indices that the R script works out, too.
THIRTEEN = [
    *FOUR, "at_risk_threshold", "at_risk_rate", "mean_log_deviation", "theil", "half_squared_variation", "atkinson_0.5", "atkinson_1", "quintile_share_ratio",
    "mean",
]
#: The Python side, run by the peers' own interpreter.
PEER = """
import statistics, sys, time
import numpy as np, polars as pl, svy, inequalipy
folder, runs = sys.argv[1], int(sys.argv[2])
def timed(name, f):
    for _ in range(runs):
        start = time.perf_counter(); f(); print(name, time.perf_counter() - start, flush=True)
x = pl.read_csv(folder + "/million.csv")
gap = (2952 - pl.col("y")).clip(lower_bound=0) / 2952
def means():
    s = svy.Sample(x.with_columns(poor=(pl.col("y") < 2952).cast(pl.Float64), gap=gap, square=gap**2), svy.Design(stratum="township", psu="village", wgt="w"))
    s.estimation.mean(["poor", "gap", "square"], by="township")
timed("linear_fgt_svy", means)
h = pl.read_csv(folder + "/hundred.csv"); y, w = h["y"].to_numpy(), h["w"].to_numpy()
def ginis():
    for number in range(20):
        inequalipy.gini(y, w * np.random.default_rng(number).poisson(1, len(w)))
timed("bootstrap_gini_inequalipy_20", ginis)
"""


def incomes(persons: int, villages: int, seed: int) -> pd.DataFrame:
    """Invented persons in villages and townships, with weights."""
    random = np.random.default_rng(seed)
    village = np.sort(random.integers(0, villages, persons))
    level = random.normal(0, 0.25, villages)[village]
    return pd.DataFrame({
        "township": village * 15 // villages + 1, "village": village, "w": random.uniform(1, 3, persons).round(4),
        "y": np.exp(8.3 + level + random.normal(0, 0.6, persons)).round(2),
    })


def timed(function: Callable[[], object], runs: int) -> float:
    """Median seconds of several runs, after one that warms up."""
    function()
    found = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def peer(command: list[str]) -> dict[str, float]:
    """Median seconds by name from a peer's printed lines; empty where it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"{command[0]}: {error} {getattr(error, 'stderr', '')}", file=sys.stderr)
        return {}
    found: dict[str, list[float]] = {}
    for line in done.stdout.splitlines():
        name, _, seconds = line.strip().partition(" ")
        found.setdefault(name, []).append(float(seconds))
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def main() -> None:
    """Run everything and print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-runs", type=int, default=1)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--seed", type=int, default=20180522)
    options = parser.parse_args()
    million, hundred = incomes(1_000_000, 3000, options.seed), incomes(100_000, 800, options.seed + 1)
    large = survey.design(million, "w", strata="township", clusters=["village"])
    small = survey.design(hundred, "w", strata="township", clusters=["village"])
    ours = {
        "all": timed(lambda: sampled.all_indices(large, "y", LINE, by="township"), options.runs),
        "thirteen": timed(lambda: sampled.all_indices(large, "y", LINE, by="township", indices=THIRTEEN), options.runs),
        "fgt": timed(lambda: sampled.all_indices(large, "y", LINE, by="township", indices=FOUR[:3]), options.runs),
        "bootstrap": timed(lambda: sampled.replicated(small, "y", FOUR, LINE, count=1000, seed=1), options.runs),
        "bootstrap_gini": timed(lambda: sampled.replicated(small, "y", ["gini"], LINE, count=1000, seed=1), options.runs),
    }
    with tempfile.TemporaryDirectory() as folder:
        million.to_csv(Path(folder) / "million.csv", index=False)
        hundred.to_csv(Path(folder) / "hundred.csv", index=False)
        script, runs = str(Path(__file__).with_suffix(".R")), str(options.peer_runs)
        theirs = peer(["Rscript", script, folder, "linear", runs]) | peer(["Rscript", script, folder, "bootstrap", runs])
        theirs |= peer([options.python, "-c", PEER, folder, runs])
    scaled = {name: seconds * (50 if name.endswith("_20") else 1) for name, seconds in theirs.items()}
    rows = [
        ("34 indices by 15 townships, 1,000,000 persons", "all", None), ("13 of them, against R survey with convey's algorithms", "thirteen", "linear_13"),
        ("FGT 0, 1, 2, against R survey `svyby(svymean)`", "fgt", "linear_fgt_svyby"), ("FGT 0, 1, 2, against Python svy", "fgt", "linear_fgt_svy"),
        ("1,000 bootstrap replicates, 100,000 persons, FGT and Gini, against convey's algorithm", "bootstrap", "bootstrap_as_convey"),
        ("the same, against `withReplicates` written by hand", "bootstrap", "bootstrap_by_hand"),
        ("Gini alone, against inequalipy (20 replicates × 50, values only)", "bootstrap_gini", "bootstrap_gini_inequalipy_20"),
    ]
    print("| what | here | peer | ratio |\n|---|---|---|---|")
    for words, mine, other in rows:
        seconds = scaled.get(other) if other else None
        shown = "" if seconds is None else f"{seconds:.1f} s"
        print(f"| {words} | {ours[mine]:.2f} s | {shown} | {'' if seconds is None else f'{seconds / ours[mine]:.1f}'} |")


if __name__ == "__main__":
    main()
