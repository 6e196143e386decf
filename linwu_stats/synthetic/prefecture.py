"""A prefecture on one machine (市级规模数据): the sample county copied with other incomes into eleven counties, as parquet, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from linwu_stats.synthetic.county import SEED, make_county
from linwu_stats.synthetic.dates import PUBLISHED_HOUSEHOLDS, QUARTERS
from linwu_stats.synthetic.people import HOUSEHOLD_PREFIX

__all__ = ["COUNTIES", "write_prefecture"]

#: The eleven county codes of the prefecture; every village in them is a copy of an invented one.
COUNTIES = ("431002", "431003", "431021", "431022", "431023", "431024", "431025", "431026", "431027", "431028", "431081")
MOST_HOUSEHOLDS = 999_999

Progress = Callable[[int, int, str], None]


def write_prefecture(
    path: Path | str,
    households: int = 800_000,
    *,
    seed: int = SEED,
    quarters: Sequence[str] = QUARTERS[-4:],
    copy_of: int = PUBLISHED_HOUSEHOLDS,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write tables ``villages``, ``households``, ``persons`` and ``income_items`` of a prefecture into a folder (生成市级规模数据).

    Households, persons and villages are those of the newest of ``quarters``; income items are of all of them. Each copy of the sample county takes
    its turn among eleven county codes; cash amounts differ from household to household by a seeded factor. One copy, of ``copy_of`` households, is in
    memory at a time. Gives the parquet files by table. Raises ValueError for more households than six digits can number.
    """
    if not 1 <= households <= MOST_HOUSEHOLDS:
        raise ValueError(f"a prefecture has 1 to {MOST_HOUSEHOLDS:,} households here (户编号只有六位序号), not {households:,}")
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    base = _base_tables(seed, copy_of, quarters)
    size = base["households"].num_rows
    copies = -(-households // size)
    files = {name: folder / f"{name}.parquet" for name in ("villages", *base)}
    _write_villages(base.pop("villages"), copies, files["villages"])
    writers = {name: pq.ParquetWriter(files[name], table.drop_columns("place").schema, compression="zstd") for name, table in base.items()}
    try:
        for turn in range(copies):
            wanted = min(size, households - turn * size)
            for name, table in base.items():
                writers[name].write_table(_copy(table, turn, size, wanted, seed))
            if progress is not None:
                progress(turn + 1, copies, COUNTIES[turn % len(COUNTIES)])
    finally:
        for writer in writers.values():
            writer.close()
    return files


def _base_tables(seed: int, copy_of: int, quarters: Sequence[str]) -> dict[str, pa.Table]:
    """The sample county once, as arrow; ``place`` is the household's turn in it, which its code is made from."""
    county = make_county(seed, copy_of)
    newest = county.tables(quarters[-1])
    items = pd.concat([county.tables(quarter)["income_items"] for quarter in quarters], ignore_index=True)
    codes = {code: place for place, code in enumerate(newest["households"]["household_id"])}
    tables = {}
    for name, frame in (("households", newest["households"]), ("persons", newest["persons"]), ("income_items", items)):
        place = frame["household_id"].map(codes)
        kept = frame[place.notna()].reset_index(drop=True)
        table = pa.Table.from_pandas(kept, preserve_index=False).replace_schema_metadata(None)
        tables[name] = _plain_strings(table).append_column("place", pa.array(place.dropna().astype("int64").to_numpy()))
    return {"villages": _plain_strings(pa.Table.from_pandas(newest["villages"], preserve_index=False).replace_schema_metadata(None)), **tables}


def _plain_strings(table: pa.Table) -> pa.Table:
    """Large strings as strings, so that every reader gets the same schema."""
    fields = [pa.field(field.name, pa.string() if pa.types.is_large_string(field.type) else field.type) for field in table.schema]
    return table.cast(pa.schema(fields))


def _copy(table: pa.Table, turn: int, size: int, wanted: int, seed: int) -> pa.Table:
    """One copy of the county: other codes, other amounts, the first ``wanted`` households of it."""
    table = table.filter(pc.less(table["place"], wanted))
    place = table["place"]
    number = pc.utf8_lpad(pc.cast(pc.add(place, turn * size + 1), pa.string()), 6, "0")
    code = pc.binary_join_element_wise(HOUSEHOLD_PREFIX, number, "")
    columns = {name: table[name] for name in table.column_names}
    columns["household_id"] = code
    for name in ("township_code", "village_code"):
        if name in columns:
            columns[name] = pc.binary_replace_slice(columns[name], 0, 6, COUNTIES[turn % len(COUNTIES)])
    if "person_id" in columns:
        columns["person_id"] = pc.binary_join_element_wise(code, pc.utf8_slice_codeunits(columns["person_id"], 14), "")
    if "line_id" in columns:
        columns["line_id"] = pc.binary_join_element_wise(f"{turn:03d}", columns["line_id"], "-")
        columns["amount_fen"] = _scaled(columns["amount_fen"], place, np.random.default_rng([seed, turn]), size)
    # Text columns come back from the string kernels as one type; the schema of the writer is that of the table itself.
    return _typed(columns, table.drop_columns("place").schema)


def _typed(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    return pa.table([pc.cast(columns[field.name], field.type) for field in schema], schema=schema)


def _scaled(amounts: pa.ChunkedArray, place: pa.ChunkedArray, generator: np.random.Generator, size: int) -> pa.Array:
    """Amounts times a factor of the household, whole fen; unknown stays unknown."""
    factor = np.exp(generator.normal(0.0, 0.18, size))[place.to_numpy()]
    values = amounts.to_numpy()
    known = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(len(values), dtype=bool)
    return pa.array(np.where(known, np.rint(np.where(known, values, 0) * factor), 0).astype("int64"), mask=~known)


def _write_villages(table: pa.Table, copies: int, file: Path) -> None:
    """Villages of the counties in use; a village that was copied several times has as many times the people."""
    parts = []
    for turn, county in enumerate(COUNTIES[:copies]):
        times = len(range(turn, copies, len(COUNTIES)))
        columns = {name: table[name] for name in table.column_names}
        for name in ("township_code", "village_code"):
            columns[name] = pc.binary_replace_slice(columns[name], 0, 6, county)
        for name in ("rural_population_persons", "resident_population_persons"):
            columns[name] = pc.multiply(columns[name], times)
        parts.append(_typed(columns, table.schema))
    pq.write_table(pa.concat_tables(parts), file, compression="zstd")
