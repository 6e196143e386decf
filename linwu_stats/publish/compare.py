"""Two runs side by side (两次运行比较): which figures changed, and why: data, rule, code.

A run's folder holds ``run.json`` (what it was made from) and its aggregated tables (``downloads``). Where only one thing differs between two runs, every change
is its doing; where several differ, that is said, since no table tells them apart.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.publish.outputs import FOLDER
from linwu_stats.publish.plan import BatchError
from linwu_stats.tables import TABLES

__all__ = ["CAUSES", "compare_runs", "find_run"]

#: What can make a figure change, with the word for the reader.
CAUSES = {"data": "数据", "rule": "规则", "code": "程序", "notebook": "笔记本", "library": "运行环境"}


def find_run(name: str, reports: Path) -> Path:
    """The folder of a run (运行文件夹): a path, a quarter, or a quarter with ``.previous`` for the run before (``2018Q1.previous``).

    Raises :class:`~linwu_stats.publish.plan.BatchError` where there is none, with the names of those that there are.
    """
    places = [Path(name), reports / name, *([reports / f".{name}"] if name.endswith(".previous") else [])]
    for place in places:
        if (place / "run.json").is_file():
            return place
    have = sorted(path.parent.name.lstrip(".") for path in reports.glob("*/run.json")) + sorted(path.parent.name[1:] for path in reports.glob(".*/run.json"))
    raise BatchError(f"there is no run {name!r} (没有这次运行): give a folder with a run.json, or one of {', '.join(dict.fromkeys(have)) or '(none)'}")


def compare_runs(old: Path, new: Path) -> dict[str, Any]:
    """Compare two runs (比较两次运行).

    Gives ``runs`` (quarter, when, version of each), ``causes`` (what differs between what they were made from, by the keys of :data:`CAUSES`), ``reason`` in
    words, ``changes`` (table, what it is about, column, old, new, difference) and ``incomparable`` (tables that one of the runs does not have).
    Raises :class:`~linwu_stats.publish.plan.BatchError` where a record cannot be read, and where a run was exchanged for another meanwhile.
    """
    records = [_record(folder) for folder in (old, new)]
    causes = {cause: found for cause, found in _causes(*records).items() if found}
    changes, missing = _changes(old, new)
    if [_record(folder) for folder in (old, new)] != records:
        raise BatchError("a run was published while it was compared (比较期间有新的运行发布): the figures would be of two runs; compare again")
    same_quarter = records[0]["quarter"] == records[1]["quarter"]
    return {
        "runs": [_about(folder, record) for folder, record in zip((old, new), records, strict=True)], "same": not changes and not missing,
        "causes": causes, "reason": _reason(causes, bool(changes), same_quarter), "changes": changes, "incomparable": missing,
    }


def _record(folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BatchError(f"{folder.name}: run.json cannot be read (运行记录不能读取): {error}") from error


def _about(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    return {"folder": folder.name, "quarter": record["quarter"], "started": record.get("started", ""), "version": record["package"]["version"]}


def _causes(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    code = [{"what": "linwu_stats", "old": old["package"]["version"], "new": new["package"]["version"], "old_sha256": old["package"]["sha256"][:16],
             "new_sha256": new["package"]["sha256"][:16]}]
    return {
        "data": _files(old, new), "rule": _rules(old, new), "code": code if _code_of(old) != _code_of(new) else [],
        "notebook": _differing(old["notebooks"], new["notebooks"]), "library": _differing(old["libraries"], new["libraries"]),
    }


def _code_of(record: dict[str, Any]) -> Any:
    """The code that makes figures; the whole package's hash counts where a run does not tell the two apart. Rules have a hash of their own."""
    return record["provenance"].get("code_sha256") or record["package"]["sha256"]


def _files(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Files that came, went or changed, of the quarter itself and of those before it: ledgers, and what was handed back where both runs tell it."""
    told = all("handed_back" in record["provenance"] for record in (old, new))
    before, after = (
        {(record["quarter"], file["path"]): file["sha256"] for file in record["provenance"].get("inputs", [])}
        | {(one["quarter"], file["path"]): file["sha256"] for one in record["provenance"].get("earlier", []) for file in one["inputs"]}
        | {(one["quarter"], one["path"]): one["sha256"] for one in record["provenance"].get("handed_back", []) if told}
        for record in (old, new)
    )
    words = {(False, True): "新增", (True, False): "删除", (True, True): "改动"}
    return [
        {"quarter": quarter, "file": path, "change": words[(quarter, path) in before, (quarter, path) in after]}
        for quarter, path in sorted({*before, *after}) if before.get((quarter, path)) != after.get((quarter, path))
    ]


def _rules(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    before, after = ({rule["key"]: rule for rule in record.get("rules", [])} for record in (old, new))
    return [
        {"key": key, "old": before.get(key, {}).get("value"), "new": after.get(key, {}).get("value"), "origin": after.get(key, {}).get("origin", "")}
        for key in sorted({*before, *after}) if before.get(key, {}).get("value") != after.get(key, {}).get("value")
    ]


def _differing(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"what": name, "old": old.get(name), "new": new.get(name)} for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def _reason(causes: dict[str, Any], changed: bool, same_quarter: bool) -> str:
    names = "、".join(CAUSES[cause] for cause in causes)
    if not changed:
        return f"数字没有变化；不同的是{names}。" if causes else "两次运行的来源和数字完全相同。"
    if not same_quarter:
        return "两次运行是不同的季度，数字的变化是季度之间的变化。" + (f"此外，{names}也不同。" if set(causes) - {"data"} else "")
    if not causes:
        return "来源没有记录到不同，数字却变了：请核对运行文件夹是否被改动。"
    if len(causes) == 1:
        return f"数字的变化都由{names}引起。"
    return f"{names}同时不同，不能从两次运行本身分清各占多少；可只改一项重新运行后再比较。"


def _changes(old: Path, new: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    found: list[dict[str, Any]] = []
    missing: dict[str, str] = {}
    tables = [{path.stem for path in (folder / FOLDER).glob("*.parquet")} for folder in (old, new)]
    for name in (name for name in TABLES if name in tables[0] | tables[1]):
        absent = [word for word, have in (("原运行没有此表", tables[0]), ("新运行没有此表", tables[1])) if name not in have]
        if absent:
            missing[name] = absent[0]
            continue
        frames = [pd.read_parquet(folder / FOLDER / f"{name}.parquet") for folder in (old, new)]
        found += _changed_cells(name, *frames)
    if not tables[0] | tables[1]:
        missing["*"] = "两次运行都没有保存汇总表"
    return found, missing


def _changed_cells(name: str, old: pd.DataFrame, new: pd.DataFrame) -> Iterable[dict[str, Any]]:
    table = TABLES[name]
    keys = table.key
    columns = [column for column in table.columns if column.name not in keys and column.name in old and column.name in new]
    both = old.set_index(keys).astype(object).add_suffix(" old").join(new.set_index(keys).astype(object).add_suffix(" new"), how="outer")
    for column in columns:
        before, after = both[f"{column.name} old"], both[f"{column.name} new"]
        differs = ~((before == after).fillna(False).astype(bool) | (before.isna() & after.isna()))
        for key in both.index[differs]:
            was, is_ = before.loc[key], after.loc[key]
            about = " ".join(map(str, key if isinstance(key, tuple) else (key,)))
            yield {"table": name, "about": about, "column": column.name, "old": _plain(was), "new": _plain(is_), "difference": _difference(was, is_)}


def _difference(old: Any, new: Any) -> float | int | None:
    if pd.isna(old) or pd.isna(new) or isinstance(old, str | bool) or isinstance(new, str | bool):
        return None
    return new - old


def _plain(value: Any) -> Any:
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
