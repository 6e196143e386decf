"""What a run was made from (数据来源与运行记录): the foot of each page and ``run.json``.

The foot of a page holds nothing that changes when the same inputs are run again; times and durations stand in ``run.json`` alone.
No name, no number of a person and no path of the machine is written.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import linwu_stats
from linwu_stats.quarter import file_sha256

__all__ = ["file_sha256", "libraries", "package_digest", "package_sha256", "page_provenance", "rules_in_force", "run_record"]

#: Distributions whose version can change a figure or a page.
LIBRARIES = ("pandas", "numpy", "narwhals", "duckdb", "pyarrow", "statsmodels", "matplotlib", "papermill", "nbclient", "nbconvert", "ipykernel", "openpyxl")


@lru_cache(maxsize=1)
def package_sha256() -> str:
    """SHA-256 of the package's own files as this process found them first (程序校验值)."""
    return package_digest()


def package_digest() -> str:
    """SHA-256 of the package's own files as they are now: code, law and templates, by name and content (程序校验值)."""
    root = Path(linwu_stats.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file_sha256(file).encode() + b"\n")
    return digest.hexdigest()


@lru_cache(maxsize=1)
def libraries() -> dict[str, str]:
    """Python and the libraries that can change a figure, with versions (运行环境)."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def rules_in_force(rules: Any) -> list[dict[str, str]]:
    """The rules that a run stood on (有效规则): key, value, unit, dates, status, origin, in key order."""
    return [
        {
            "key": rule.key,
            "value": json.dumps(rule.value, ensure_ascii=False, sort_keys=True, default=str),
            "unit": rule.unit,
            "from": str(rule.from_date),
            "to": "" if rule.to_date is None else str(rule.to_date),
            "status": rule.status,
            "origin": "packaged" if not rule.overridden else Path(str(rule.origin)).name,
        }
        for rule in (rules[key] for key in sorted(rules))
    ]


def page_provenance(quarter: Any) -> dict[str, Any]:
    """The foot of a page (页脚的数据来源): facts in words, input files with hashes, overrides, rules to confirm.

    Takes a quarter as ``linwu_stats.quarter.open_quarter`` gives it.
    """
    source = quarter.provenance
    versions = libraries()
    facts = [
        ("程序版本", f"linwu_stats {source.get('package_version', linwu_stats.__version__)}（SHA-256 {package_sha256()[:16]}…）"),
        ("规则校验值", _short(source.get("law_sha256"))),
        ("数据表校验值", _short(source.get("tables_sha256"))),
        ("运行环境", "、".join(f"{name} {versions[name]}" for name in ("python", "pandas", "statsmodels", "matplotlib", "papermill") if name in versions)),
    ]
    return {
        "facts": [(term, text) for term, text in facts if text],
        "inputs": [{key: str(entry[key]) for key in ("path", "sha256", "bytes")} for entry in source.get("inputs", [])],
        "overrides": [_key(entry) for entry in source.get("overrides", [])],
        "to_confirm": [_key(entry) for entry in source.get("to_confirm", [])],
    }


def run_record(quarter: Any, pages: Iterable[Mapping[str, Any]], *, notebooks: Mapping[str, str], **facts: Any) -> dict[str, Any]:
    """The record of a run as it stands in ``run.json`` (运行记录).

    ``pages``: one mapping per page; ``notebooks``: file name to SHA-256; ``facts``: what the batch adds (times, workers, scope).
    """
    source = dict(quarter.provenance)
    source["overrides"] = [_key(entry) for entry in source.get("overrides", [])]
    source["to_confirm"] = [_key(entry) for entry in source.get("to_confirm", [])]
    return {
        "quarter": quarter.quarter,
        "sample": bool(quarter.is_sample),
        **facts,
        "seeds": {"PYTHONHASHSEED": "0", "svg.hashsalt": "linwu_stats"},
        "package": {"version": linwu_stats.__version__, "sha256": package_sha256()},
        "notebooks": dict(notebooks),
        "libraries": libraries(),
        "provenance": source,
        "rules": rules_in_force(quarter.rules),
        "pages": [dict(page) for page in pages],
    }


def _short(value: Any) -> str:
    if not value:
        return ""
    if isinstance(value, Mapping):  # one hash per table: the hash of them all
        text = json.dumps({str(key): str(entry) for key, entry in value.items()}, sort_keys=True)
        return f"SHA-256 {hashlib.sha256(text.encode()).hexdigest()[:16]}…"
    return f"SHA-256 {str(value)[:16]}…"


def _key(entry: Any) -> str:
    if isinstance(entry, Mapping):
        return str(entry.get("key", entry))
    return str(getattr(entry, "key", entry))
