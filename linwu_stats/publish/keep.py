"""What need not be made again (沿用): the whole run, a page that was made before a run was cut off, the outputs of a notebook that read nothing new.

Each of the three has a key: everything that decides, digested. A whole run depends on all inputs. The page that a cut-off run left is kept where its own job is
the same. The outputs of an executed notebook are kept from the published run where the notebook, its parameters, the package, the libraries and the law are the
same and nothing that its functions read has changed (:mod:`linwu_stats.publish.reads`); the page around them is made anew, so that its foot names
the inputs of this run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from linwu_stats.publish import provenance
from linwu_stats.quarter import file_sha256, quarters_with_ledgers

__all__ = ["changed_parts", "digest", "file_hashes", "kept_notebooks", "run_is_whole", "salvage", "snapshot", "static_key", "write_salvage"]

#: Words for the parts of a snapshot.
PARTS = {"tables": "数据表", "ledgers": "台账", "law": "本地规则", "reference": "参考数据", "notebooks": "笔记本", "package": "程序"}


def snapshot(home: Path, quarter: str, notebooks: Mapping[str, Path]) -> dict[str, Any]:
    """Checksums of everything that a run of a quarter is made from, as it stands on the disk now (输入快照)."""
    data = home / "data"
    quarters = sorted(folder.parent.name for folder in data.glob("*/tables") if folder.parent.name <= quarter)
    return {
        "tables": {one: _folder(data / one / "tables") for one in quarters},
        "ledgers": {one: _folder(data / one / "ledgers") for one in quarters_with_ledgers(home) if one <= quarter},
        "law": _folder(data / "law"),
        "reference": _folder(data / "reference"),
        "notebooks": {name: file_sha256(path) for name, path in sorted(notebooks.items())},
        "package": provenance.package_digest(),
    }


def changed_parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Which parts of two snapshots differ, in words (变动的部分)."""
    return [word for part, word in PARTS.items() if before[part] != after[part]]


def digest(*parts: Any) -> str:
    """SHA-256 of anything that JSON can hold (摘要)."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True, default=str).encode("ascii")).hexdigest()


def static_key(inputs: Mapping[str, Any], q: Any, notebook: str, parameters: Mapping[str, str]) -> str:
    """All that decides what an executed notebook shows, save the tables (静态键)."""
    return digest(
        "outputs", inputs["notebooks"][notebook], dict(parameters), inputs["package"], inputs["law"], inputs["reference"], provenance.libraries(),
        q.quarter, bool(q.is_sample),
    )


def run_is_whole(folder: Path, key: str, files: Iterable[str]) -> dict[str, Any] | None:
    """The record of a published run if it was made from ``key``, has no failure, and each of its files is as it was written; else None."""
    try:
        record = dict(json.loads((folder / "run.json").read_text(encoding="utf-8")))
        same = record["key"] == key and record["failures"] == [] and {"index.html", *files} <= set(record["files"])
        return record if same and file_hashes(folder) == record["files"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def file_hashes(folder: Path) -> dict[str, str]:
    """Checksum of every file of a run by name, save its record and what is only there while it is made (文件校验值)."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in ("run.json", ".new")]
    return {path.relative_to(folder).as_posix(): file_sha256(path) for path in files if "work" not in path.relative_to(folder).parts[:1]}


def salvage(partial: Path, keys: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Pages of a run that was cut off which are whole and were made from the same key (续作): stem to answer. Everything else in the folder is deleted."""
    found: dict[str, dict[str, Any]] = {}
    for stem, key in keys.items():
        try:
            kept = json.loads((partial / "work" / f"{stem}.json").read_text(encoding="utf-8"))
            if kept["key"] == key and all(file_sha256(partial / file) == sha256 for file, sha256 in kept["answer"]["files"].items()):
                found[stem] = kept["answer"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    wanted = {partial / file for answer in found.values() for file in answer["files"]} | {partial / "work" / f"{stem}.json" for stem in found}
    for path in sorted(partial.rglob("*"), reverse=True) if partial.is_dir() else []:
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in wanted:
            path.unlink()
    return found


def write_salvage(partial: Path, stem: str, key: str, answer: Mapping[str, Any]) -> None:
    """Note that a page is whole (记录完成的页面), after all its files are written."""
    from linwu_stats.publish.worker import write_file

    write_file(partial / "work" / f"{stem}.json", json.dumps({"key": key, "answer": dict(answer)}, ensure_ascii=True) + "\n")


def kept_notebooks(folder: Path, static: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Pages of the published run whose notebook, parameters, package and law are the same (候选): stem to what they read, note and digest.

    ``static``: static key by stem, only of notebooks that read nothing but what is noted. Whether what they read is still the same is for the zygote to say.
    """
    found = {}
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        notes = list(record["reads"].items())
        for page in record["pages"]:
            stem, notebook = page["stem"], f"notebooks/{page['stem']}.ipynb"
            if page["outcome"] != "made" or not page["reads"] or stem not in static or page["static_key"] != static[stem]:
                continue
            if file_sha256(folder / notebook) == page["files"][notebook]:
                found[stem] = dict(notes[index] for index in page["reads"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return found
    return found


def _folder(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(("~$", "."))) if folder.is_dir() else []
    return digest([(path.relative_to(folder).as_posix(), file_sha256(path)) for path in files])
