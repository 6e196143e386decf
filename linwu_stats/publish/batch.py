"""All pages of a quarter, made and published as one whole (整季报告).

``run_batch`` plans the pages, refuses notebooks that do not fit, has papermill run them side by side, writes the index and ``run.json``, and only then
exchanges the finished folder for the one that readers see. A page that fails is named on the index with its traceback one click away; the others stand.

    reports/2018Q1/                the run that readers see
    reports/2018Q1-selected/       a run of chosen areas, which never replaces a whole one
    reports/.2018Q1.partial/       a run in the making
    reports/.2018Q1.previous/      the run before
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import linwu_stats
from linwu_stats.publish import html, provenance
from linwu_stats.publish.index import index_html
from linwu_stats.publish.plan import BatchError, Page, check_notebooks, page_facts, plan_pages
from linwu_stats.publish.supervise import run_jobs
from linwu_stats.publish.worker import write_file
from linwu_stats.quarter import find_home, open_quarter

__all__ = ["PARAMETERS", "BatchError", "PageResult", "RunResult", "run_batch"]

#: Parameters that every notebook declares. All are ASCII text; ``home`` is the kernel's own folder, so that no path of the machine reaches a page.
PARAMETERS = ("quarter", "area", "home")

#: A notebook that takes longer than this is ended.
LIMIT_SECONDS = 600.0

_ADVICE = {
    "cell": "请根据下面的出错记录检查台账、规则或笔记本，改正后重新运行复现命令。其他页面不受影响。",
    "limit": "请在 JupyterLab 中打开该笔记本，查明是哪个单元耗时，改正后重新运行复现命令。其他页面不受影响。",
    "personal": "请修改笔记本，只用户编号，不写也不输出身份证号、残疾证号和手机号，然后重新运行复现命令。",
    "export": "笔记本已运行完，但网页没有写成。请检查磁盘空间和权限，然后重新运行复现命令。",
}
_ADVICE_OTHER = "程序已自动重试一次仍未成功。请检查内存和磁盘空间，然后重新运行复现命令。其他页面不受影响。"


@dataclass(frozen=True)
class PageResult:
    """What became of one page (页面结果): ``outcome`` made or failed, the reason in words, the cell, durations, links that lead nowhere."""

    page: Page
    outcome: str
    reason: str = ""
    kind: str = ""
    cell: int | None = None
    seconds: float = 0.0
    execute_seconds: float | None = None
    export_seconds: float | None = None
    tries: int = 1
    dead_links: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether the page could not be made."""
        return self.outcome != "made"


@dataclass(frozen=True)
class _Run:
    """What the steps of one run share."""

    q: Any
    home: Path
    folder: Path
    pages: list[Page]
    notebooks: Mapping[str, Path]
    workers: int
    limit_seconds: float
    engine: str | None
    scope: list[str] | None
    started: dt.datetime


@dataclass(frozen=True)
class RunResult:
    """What became of a run (运行结果): the folder that readers see, its index, all pages, and what a person must look at."""

    quarter: str
    folder: Path
    index: Path
    pages: list[PageResult]
    failures: list[str]
    seconds: float
    workers: int

    @property
    def exit_code(self) -> int:
        """0 all pages stand; 1 something needs a person."""
        return 1 if self.failures else 0


def run_batch(
    quarter: str, home: Path | str | None = None, *, workers: int | None = None, areas: Iterable[str] | None = None,
    progress: Callable[[int, int, str], None] | None = None, notebooks_dir: Path | str | None = None, limit_seconds: float = LIMIT_SECONDS,
    engine: str | None = None, again: bool = False,
) -> RunResult:  # fmt: skip
    """Make and publish the pages of a quarter whose tables are made (生成并发布一个季度的报告).

    ``areas``: codes of the pages to make, all by default. ``workers``: pages at a time, by default one per processor. ``progress(done, total, text)``
    is called when a page is finished. ``notebooks_dir``: by default ``notebooks`` of the workspace, else of the package's own checkout.
    ``limit_seconds``: a notebook that takes longer is ended. ``engine``: a papermill engine by name, by default a plain kernel.
    Where the published run was made from the same tables, notebooks, package and libraries and is whole, it is kept; ``again`` makes it all the same.
    Raises :class:`BatchError` before anything starts where a notebook does not fit or another run of the quarter is going on.
    """
    clock = time.perf_counter()
    root = find_home(home)
    q = open_quarter(quarter, root)
    scope = None if areas is None else sorted(set(areas))
    pages = plan_pages(q, scope)
    notebooks = check_notebooks(_notebooks(root, notebooks_dir), pages, PARAMETERS)
    workers = max(1, min(workers or _processors(), len(pages)))
    reports, name = root / "reports", quarter if scope is None else f"{quarter}-selected"
    partial = reports / f".{name}.partial"
    run = _Run(q, root, partial, pages, notebooks, workers, limit_seconds, engine, scope, dt.datetime.now(tz=dt.UTC))
    reports.mkdir(parents=True, exist_ok=True)
    with _alone(reports / f".{name}.lock"):
        _recover(reports, name)
        kept = None if again else _unchanged(run, reports / name)
        if kept is not None:
            return RunResult(quarter, reports / name, reports / name / "index.html", kept, [], time.perf_counter() - clock, workers)
        _remove(partial)
        partial.mkdir()
        results = _check_links(partial, _make_pages(run, progress or (lambda done, total, text: None)))
        failures = [f"{one.page.area_name} {one.page.file}：{one.reason}" for one in results if one.failed]
        failures += [f"{one.page.file} 链接失效：{link}" for one in results for link in one.dead_links]
        failures += _write_index(run, results)
        _write_record(run, results, failures, time.perf_counter() - clock)
        _publish(reports, name)
    folder = reports / name
    return RunResult(quarter, folder, folder / "index.html", results, failures, time.perf_counter() - clock, workers)


def _unchanged(run: _Run, folder: Path) -> list[PageResult] | None:
    """The pages of the published run if it is whole, without failure, and made from what this run would be made from; else None."""
    try:
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        wanted = {
            "scope": run.scope or "all", "engine": run.engine, "failures": [], "libraries": provenance.libraries(),
            "package": {"version": linwu_stats.__version__, "sha256": provenance.package_sha256()},
            "notebooks": {name: provenance.file_sha256(path) for name, path in run.notebooks.items()},
        }
        same = all(record[name] == value for name, value in wanted.items()) and record["provenance"]["key"] == run.q.provenance["key"]
        hashes = {"index.html": record["index_sha256"], **{page["file"]: page["sha256"] for page in record["pages"]}}
        if not same or {page.file for page in run.pages} != set(hashes) - {"index.html"}:
            return None
        if any(provenance.file_sha256(folder / file) != sha256 for file, sha256 in hashes.items()):
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [PageResult(page, outcome="made", tries=0) for page in run.pages]


def _make_pages(run: _Run, progress: Callable[[int, int, str], None]) -> list[PageResult]:
    files = ["index.html", "run.json", *(page.file for page in run.pages)]
    foot = provenance.page_provenance(run.q)
    facts = [_facts(page, run.q, foot, files) for page in run.pages]
    jobs = [
        {
            "notebook": str(run.notebooks[page.source]), "folder": str(run.folder), "stem": page.stem, "home": str(run.home), "engine": run.engine,
            "parameters": fact["parameters"], "page": fact,
        }
        for page, fact in zip(run.pages, facts, strict=True)
    ]
    results: dict[int, PageResult] = {}

    def done(number: int, answer: dict[str, Any]) -> None:
        page = run.pages[number]
        if answer["outcome"] == "failed":
            _write_failure(run.folder, page, facts[number], answer)
        kept = {key: answer[key] for key in ("outcome", "reason", "kind", "cell", "seconds", "execute_seconds", "export_seconds", "tries") if key in answer}
        results[number] = PageResult(page, **kept)
        progress(len(results), len(run.pages), f"{page.area_name}{' 失败' if results[number].failed else ''}")

    run_jobs(jobs, home=run.home, workers=run.workers, limit_seconds=run.limit_seconds, done=done)
    _remove(run.folder / "work")
    return [results[number] for number in range(len(run.pages))]


def _facts(page: Page, q: Any, foot: Mapping[str, Any], files: list[str]) -> dict[str, Any]:
    notebook = f"notebooks/{page.stem}.ipynb"
    return page_facts(page, q, [*files, notebook]) | {"provenance": foot, "notebook": notebook, "parameters": _parameters(page)}


def _parameters(page: Page) -> dict[str, str]:
    return {"quarter": page.quarter, "area": page.area, "home": "."}


def _write_failure(folder: Path, page: Page, facts: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    kept = (folder / facts["notebook"]).is_file()
    failure = {key: answer.get(key) for key in ("reason", "cell", "source", "traceback")}
    failure["advice"] = _ADVICE.get(answer.get("kind", ""), _ADVICE_OTHER)
    write_file(folder / page.file, html.failure_to_html({**facts, "notebook": facts["notebook"] if kept else ""}, failure))


def _check_links(folder: Path, results: list[PageResult]) -> list[PageResult]:
    documents = {one.page.file: (folder / one.page.file).read_text(encoding="utf-8") for one in results}
    files: dict[str, set[str] | None] = {name: html.places(text) for name, text in documents.items()}
    files |= {"index.html": None, "run.json": None} | {f"notebooks/{file.name}": None for file in (folder / "notebooks").glob("*.ipynb")}
    return [replace(one, dead_links=html.dead_links(documents[one.page.file], files)) for one in results]


def _write_index(run: _Run, results: list[PageResult]) -> list[str]:
    document, failures = index_html(run.q, results, provenance.page_provenance(run.q))
    write_file(run.folder / "index.html", document)
    return failures


def _write_record(run: _Run, results: list[PageResult], failures: list[str], seconds: float) -> None:
    pages = [
        {
            "file": one.page.file, "kind": one.page.kind, "area": one.page.area, "outcome": one.outcome, "reason": one.reason, "cell": one.cell,
            "parameters": _parameters(one.page), "seconds": one.seconds, "execute_seconds": one.execute_seconds, "export_seconds": one.export_seconds,
            "tries": one.tries, "dead_links": one.dead_links, "sha256": provenance.file_sha256(run.folder / one.page.file),
        }
        for one in results
    ]
    record = provenance.run_record(
        run.q, pages, notebooks={name: provenance.file_sha256(path) for name, path in run.notebooks.items()}, scope=run.scope or "all",
        started=run.started.isoformat(timespec="seconds"), seconds=round(seconds, 3), workers=run.workers, engine=run.engine, failures=failures,
        index_sha256=provenance.file_sha256(run.folder / "index.html"),
    )
    write_file(run.folder / "run.json", json.dumps(record, ensure_ascii=False, indent=1, default=str) + "\n")


def _notebooks(root: Path, given: Path | str | None) -> Path:
    if given is not None:
        return Path(given).resolve()
    own = root / "notebooks"
    return own if own.is_dir() else Path(linwu_stats.__file__).resolve().parents[1] / "notebooks"


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _publish(reports: Path, name: str) -> None:
    """Exchange the finished folder for the one that readers see; the run before stays as ``.previous``, a good one rather than a failed one."""
    final, partial, previous = reports / name, reports / f".{name}.partial", reports / f".{name}.previous"
    if final.is_dir():
        if previous.is_dir() and _has_failures(final) and not _has_failures(previous):
            _rename(final, reports / f".{name}.old")
        else:
            _remove(previous)
            _rename(final, previous)
    _rename(partial, final)
    _remove(reports / f".{name}.old")


def _recover(reports: Path, name: str) -> None:
    """After a run that was killed between the two renames, put back what readers saw."""
    final, old, previous = reports / name, reports / f".{name}.old", reports / f".{name}.previous"
    if not final.exists():
        left = old if old.is_dir() else previous
        if left.is_dir():
            _rename(left, final)
    _remove(old)


def _has_failures(folder: Path) -> bool:
    try:
        return bool(json.loads((folder / "run.json").read_text(encoding="utf-8"))["failures"])
    except (OSError, ValueError, KeyError):
        return True


def _rename(source: Path, target: Path) -> None:
    for attempt in range(20):
        try:
            source.rename(target)
            return
        except PermissionError as error:  # Windows refuses while a file inside is open in another program
            if attempt == 19:
                raise BatchError(
                    f"cannot move {source.name} to {target.name} in reports/ (不能更换报告文件夹): close the programs that have its files open, then run again"
                ) from error
            time.sleep(0.25)


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One run of a quarter at a time; the lock of a process that is gone does not count."""
    mine = {"pid": os.getpid(), "created": _created(os.getpid()), "started": dt.datetime.now(tz=dt.UTC).isoformat(timespec="seconds")}
    for _ in range(2):
        try:
            with lock.open("x", encoding="utf-8") as stream:
                json.dump(mine, stream)
            break
        except FileExistsError:
            holder = _holder(lock)
            if holder:
                raise BatchError(
                    f"another run of this quarter is going on (本季度正在另一进程中运行): process {holder['pid']}, since {holder['started']}. "
                    "Wait until it has ended"
                ) from None
            lock.unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _holder(lock: Path) -> dict[str, Any] | None:
    import psutil

    try:
        holder = json.loads(lock.read_text(encoding="utf-8"))
        created = _created(holder["pid"])
        if created is None or holder["created"] is None:
            return holder if psutil.pid_exists(holder["pid"]) else None
        return holder if abs(created - holder["created"]) < 2 else None
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return None


def _created(pid: int) -> float | None:
    """When a process began; None where it is gone or the system does not tell (a bare tree without /proc)."""
    import psutil

    try:
        return psutil.Process(pid).create_time()
    except (OSError, psutil.Error):
        return None
