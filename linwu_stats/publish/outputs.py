"""What lies beside the pages (配套文件): the aggregated tables of a run as CSV and parquet, with their dictionary.

They are kept in the run's own folder, so that two runs can be compared after ``data/`` has changed. No table here has a row for a household or a person.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.quarter import LATE
from linwu_stats.tables import TABLES, dictionary_text

__all__ = ["FOLDER", "aggregated_tables", "file_entry", "write_downloads", "write_table"]

#: Folder of a run that holds them.
FOLDER = "downloads"
#: Columns that make a table one of households or persons.
_SINGLE = {"household_id", "person_id", "subject_id", "item_id", "line_id", "presence_id", "candidate_id", "finding_id", "sample_id"}
#: Text that a spreadsheet would take for a formula gets an apostrophe in CSV, which people open with one; parquet keeps it as it is.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def aggregated_tables() -> list[str]:
    """Names of the tables that have no row for a single household, person or ledger line (汇总表); those of the public edition lie in its own folder."""
    return [name for name, table in TABLES.items() if not _SINGLE & set(table.names) and name not in LATE]


def write_downloads(q: Any, folder: Path) -> list[dict[str, Any]]:
    """Write the aggregated tables of a quarter into ``folder``/downloads (写出汇总表): gives file, title, bytes and sha256 of each file.

    CSV is UTF-8 with a byte order mark, under the Chinese headings; parquet has the column names of the data dictionary. The same tables give the same bytes.
    """
    target = folder / FOLDER
    for name in aggregated_tables():
        write_table(getattr(q, name), name, target)
    (target / "data-dictionary.md").write_text(dictionary_text(aggregated_tables()), encoding="utf-8", newline="\n")
    titles = {name: TABLES[name].title for name in aggregated_tables()}
    return [file_entry(path, folder, titles.get(path.stem, "数据字典")) for path in sorted(target.iterdir())]


def write_table(frame: pd.DataFrame, name: str, folder: Path) -> None:
    """Write a table as parquet and as CSV (写出数据表)."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / f"{name}.parquet", index=False)
    text = _shown(frame, name).to_csv(index=False, lineterminator="\r\n", date_format="%Y-%m-%d")
    (folder / f"{name}.csv").write_text(text, encoding="utf-8-sig", newline="")


def _shown(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    out = frame.copy()
    for column in out.columns:
        if pd.api.types.is_string_dtype(out[column]) and out[column].astype("string").str.startswith(_FORMULA).fillna(False).any():
            out[column] = out[column].map(_plain, na_action="ignore")
    headings: list[str] = []
    for column in TABLES[name].columns:
        heading = f"{column.heading}({column.unit})" if column.unit else column.heading
        headings.append(heading if heading not in headings else f"{heading} {column.name}")
    return out.set_axis(headings, axis="columns")


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def file_entry(path: Path, folder: Path, title: str) -> dict[str, Any]:
    """What the index and the record say of a file beside the pages (文件条目): file, title, bytes, sha256."""
    return {"file": path.relative_to(folder).as_posix(), "title": title, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}

