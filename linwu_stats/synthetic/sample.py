"""Write the sample county into a workspace (写出示例县): the ledgers of six quarters and a notice that they are invented."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from linwu_stats.synthetic.county import SEED, County, make_county
from linwu_stats.synthetic.dates import QUARTERS
from linwu_stats.synthetic.ledger_files import files_of, write_ledgers

__all__ = ["GENERATOR_VERSION", "write_sample"]

GENERATOR_VERSION = "2"
NOTICE = "示例数据：全部人员、村名、证件号码和金额均为虚构，只有乡镇名称和县的公布总数是真实的。不得作为工作依据。"
POOL_FROM_HOUSEHOLDS = 2000

Progress = Callable[[int, int, str], None]


def write_sample(
    home: Path | str,
    *,
    seed: int = SEED,
    households: int | None = None,
    quarters: Sequence[str] = QUARTERS,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write ``data/<quarter>/ledgers/`` and ``data/<quarter>/SAMPLE.json`` for each quarter under a workspace (写出示例数据).

    ``progress(done, total, text)`` is called when the county is made and after each quarter. ``jobs`` is how many processes write; a large county
    uses one per core. Gives the folders of the quarters. Raises FileExistsError where a quarter's folder holds ledgers that are no sample, and
    ValueError for a quarter that the sample does not have.
    """
    strange = [quarter for quarter in quarters if quarter not in QUARTERS]
    if strange:
        raise ValueError(f"the sample has no quarter {strange[0]} (没有该季度); it has {', '.join(QUARTERS)}")
    folders = {quarter: Path(home) / "data" / quarter for quarter in quarters}
    for folder in folders.values():
        _refuse_real_ledgers(folder)
    tell = progress or (lambda done, total, text: None)
    total = len(folders) + 1
    county = make_county(seed, households)
    tell(1, total, "示例县")
    workers = jobs or min(os.cpu_count() or 1, len(folders))
    if workers == 1 or len(county.households) < POOL_FROM_HOUSEHOLDS:
        for done, (quarter, folder) in enumerate(folders.items(), start=2):
            _write_quarter(county.only(quarter), quarter, folder)
            tell(done, total, quarter)
    else:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            # The newest quarter has the widest export, so it is begun first.
            futures = {pool.submit(_write_quarter, county.only(quarter), quarter, folders[quarter]): quarter for quarter in sorted(folders, reverse=True)}
            for done, future in enumerate(as_completed(futures), start=2):
                future.result()
                tell(done, total, futures[future])
    return list(folders.values())


def _write_quarter(county: County, quarter: str, folder: Path) -> None:
    """One quarter: the notice first, then the ledgers, which take their place only when all are written, so that an interrupted run can be repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_notice(county, quarter, folder / "SAMPLE.json")
    made = write_ledgers(county, quarter, folder / "ledgers.part")
    (folder / "ledgers").mkdir(exist_ok=True)
    for path in made:
        path.replace(folder / "ledgers" / path.name)
    (folder / "ledgers.part").rmdir()


def _write_notice(county: County, quarter: str, path: Path) -> None:
    rows = county.present(quarter)
    place = QUARTERS.index(quarter)
    note = {
        "notice": NOTICE, "quarter": quarter, "seed": county.seed, "generator": "linwu_stats.synthetic", "generator_version": GENERATOR_VERSION,
        "households": len(rows), "persons": sum(len(row.present(place)) for row in rows), "files": list(files_of(quarter).values()),
    }
    with path.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(note, file, ensure_ascii=False, indent=2)
        file.write("\n")


def _refuse_real_ledgers(folder: Path) -> None:
    """A sample never overwrites a county's own ledgers."""
    ledgers = folder / "ledgers"
    if ledgers.is_dir() and any(ledgers.iterdir()) and not (folder / "SAMPLE.json").exists():
        raise FileExistsError(
            f"{ledgers} holds ledgers that are not a sample (已有真实台账，不覆盖). Choose another workspace for the sample, or move that folder away first."
        )
