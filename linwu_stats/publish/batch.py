"""All pages of a quarter, made and published as one whole (整季报告).

``run_batch`` plans the pages, refuses notebooks that do not fit, has them run side by side, writes the index and ``run.json``, and only then exchanges the
finished folder for the one that readers see (:mod:`linwu_stats.publish.exchange`). A page that fails is named on the index with its traceback one click away;
the others stand. A run that is cut off is gone on with by the next one; a run whose inputs change while it is going on is not published.

    reports/2018Q1/                the run that readers see
    reports/2018Q1-selected/       a run of chosen areas, which never replaces a whole one
    reports/.2018Q1.partial/       a run in the making
    reports/.2018Q1.previous/      the run before
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import linwu_stats
from linwu_stats.publish import exchange, html, keep, provenance
from linwu_stats.publish.engine import NAME
from linwu_stats.publish.fonts import kept_in
from linwu_stats.publish.plan import BatchError, Page, check_notebooks, page_facts, plan_pages
from linwu_stats.publish.runs import PageResult, Run, parameters_of
from linwu_stats.publish.supervise import forget_bytecode, kernel_environment, run_jobs
from linwu_stats.publish.worker import write_file
from linwu_stats.publish.zygote import FIGURES, can_fork
from linwu_stats.publish.zygote_client import Zygote, ZygoteError
from linwu_stats.publish.zygote_warm import is_thin
from linwu_stats.quarter import find_home, open_quarter

__all__ = ["LIMIT_MB", "LIMIT_SECONDS", "PARAMETERS", "BatchError", "PageResult", "RunResult", "run_batch"]

#: Parameters that every notebook declares. All are ASCII text; ``home`` is the kernel's own folder, so that no path of the machine reaches a page.
PARAMETERS = ("quarter", "area", "home")

#: A notebook that takes longer, or more memory beyond what it starts with, is ended.
LIMIT_SECONDS = 600.0
LIMIT_MB = 1000.0

#: Seconds that the zygote may take to read the tables, and to digest what pages have read.
_READY_SECONDS = 300.0

_ADVICE = {
    "cell": "请根据下面的出错记录检查台账、规则或笔记本，改正后重新运行复现命令。其他页面不受影响。",
    "limit": "请在 JupyterLab 中打开该笔记本，查明是哪个单元耗时，改正后重新运行复现命令。其他页面不受影响。",
    "memory": "请在 JupyterLab 中打开该笔记本，查明是哪个单元占用内存，改正后重新运行复现命令。其他页面不受影响。",
    "personal": "请修改笔记本，只用户编号，不写也不输出身份证号、残疾证号和手机号，然后重新运行复现命令。",
    "export": "笔记本已运行完，但网页没有写成。请检查磁盘空间和权限，然后重新运行复现命令。",
}
_ADVICE_OTHER = "程序已自动重试一次仍未成功。请检查内存和磁盘空间，然后重新运行复现命令。其他页面不受影响。"

# The names by which the exchange of folders is known to who reads this module first.
_publish, _recover, _alone = exchange.publish, exchange.recover, exchange.alone


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
    limit_mb: float | None = LIMIT_MB, engine: str | None = None, again: bool = False,
) -> RunResult:  # fmt: skip
    """Make and publish the pages of a quarter whose tables are made (生成并发布一个季度的报告).

    ``areas``: codes of the areas whose pages to make (or one code), all by default. ``workers``: pages at a time, by default one per processor.
    ``progress(done, total, text)`` is called when a page is finished. ``notebooks_dir``: by default ``notebooks`` of the workspace, else of the package's own
    checkout. ``limit_seconds`` and ``limit_mb``: a notebook that takes longer, or so much memory, is ended. ``engine``: ``linwu`` (copies of a process that
    has imported everything), ``plain`` (a kernel for each notebook) or another papermill engine; by default ``linwu`` where the system can.
    Where the published run was made from the same inputs and is whole, it is kept; a page whose notebook read nothing that changed keeps its outputs; ``again``
    makes all the same. Raises :class:`BatchError` before anything starts where a notebook does not fit or another run of the quarter is going on, and
    before anything is published where the disk does not take the pages or an input changed meanwhile.
    """
    clock = time.perf_counter()
    root = find_home(home)
    reports, scope = root / "reports", None if areas is None else sorted({areas} if isinstance(areas, str) else set(areas))
    if scope == []:
        raise BatchError("no area is named (没有指定地区): leave areas out to make all pages, or give codes such as '431025100'")
    name = quarter if scope is None else f"{quarter}-selected"
    run = _prepare(quarter, root, reports, name, scope, notebooks_dir, workers, limit_seconds, limit_mb, engine)
    try:
        reports.mkdir(parents=True, exist_ok=True)
        with exchange.alone(reports / f".{name}.lock"):
            exchange.recover(reports, name)
            if not again and keep.run_is_whole(run.seen, run.key, [page.file for page in run.pages]):
                kept = [PageResult(page, outcome="made", tries=0, source="unchanged") for page in run.pages]
                return RunResult(quarter, run.seen, run.seen / "index.html", kept, [], time.perf_counter() - clock, run.workers)
            results, failures = _make(run, progress or (lambda done, total, text: None), again, clock)
            exchange.publish(reports, name)
    except OSError as error:
        reason = f"{type(error).__name__}: {error.strerror or error}"
        raise BatchError(
            f"the reports cannot be written (不能写入报告文件夹): {reason}. Nothing was published, what readers see is unchanged; see that reports/ may "
            "be written and that the disk has space, then run again"
        ) from error
    return RunResult(quarter, run.seen, run.seen / "index.html", results, failures, time.perf_counter() - clock, run.workers)


def _prepare(
    quarter: str, root: Path, reports: Path, name: str, scope: list[str] | None, notebooks_dir: Path | str | None, workers: int | None,
    limit_seconds: float, limit_mb: float | None, engine: str | None,
) -> Run:  # fmt: skip
    """Everything that is known before the first page, and the refusals."""
    started = dt.datetime.now(tz=dt.UTC)
    folder = _notebooks(root, notebooks_dir)
    inputs = keep.snapshot(root, quarter, {path.name: path for path in folder.glob("*.ipynb")})
    q = open_quarter(quarter, root)
    pages = plan_pages(q, scope, folder)
    notebooks = check_notebooks(folder, pages, PARAMETERS)
    inputs |= {"notebooks": {one: inputs["notebooks"][one] for one in notebooks}}
    chosen = _engine(engine)
    own = chosen in (NAME, "plain")  # the two make the same pages
    key = keep.digest(inputs, provenance.libraries(), scope or "all", "own" if own else chosen, [page.stem for page in pages])
    thin = {one for one, path in notebooks.items() if own and is_thin(json.loads(path.read_text(encoding="utf-8"))["cells"])}
    static = {page.stem: keep.static_key(inputs, q, page.source, parameters_of(page)) for page in pages if page.source in thin}
    workers = max(1, min(workers or _processors(), len(pages)))
    return Run(
        q, root, reports / f".{name}.partial", reports / name, pages, notebooks, workers, limit_seconds, limit_mb, chosen, scope, started, inputs, key, static,
    )


def _engine(name: str | None) -> str:
    """The engine that is meant; refuses one that papermill does not know."""
    if name in (None, "auto"):
        return NAME if can_fork() else "plain"
    if name not in (NAME, "plain"):
        from papermill.engines import papermill_engines
        from papermill.exceptions import PapermillException

        try:
            papermill_engines.get_engine(name)
        except PapermillException as error:
            raise BatchError(f"there is no engine {name!r} (没有这个引擎): {NAME}, plain, or one that papermill knows") from error
    return str(name)


def _make(run: Run, progress: Callable[[int, int, str], None], again: bool, clock: float) -> tuple[list[PageResult], list[str]]:
    """All pages and what stands around them, in the partial folder; refuses what may not be published."""
    run.folder.mkdir(exist_ok=True)
    with kept_in(run.home / ".cache"), ExitStack() as stack:
        started = _zygote(run, stack) if run.engine == NAME else None
        from linwu_stats.publish.around import Around  # with the libraries of the public edition, which a run that is kept does without

        facts, jobs, keys = _jobs(run)  # this and what stands around the pages while the zygote imports and reads
        answers = keep.salvage(run.folder, {page.stem: key for page, key in zip(run.pages, keys, strict=True)})
        results = {number: _result(page, answers[page.stem] | {"source": "resumed"}) for number, page in enumerate(run.pages) if page.stem in answers}
        around = Around(run)
        zygote = started if len(results) < len(jobs) and _ready(started, run.home) else None
        before = _unchanged(run, zygote) if zygote is not None and not again else {}
        jobs = [job | ({"executed": str(run.seen / job["page"]["notebook"])} if job["stem"] in before else {}) for job in jobs]

        def done(number: int, answer: dict[str, Any]) -> None:
            page = run.pages[number]
            if answer["outcome"] == "failed":
                _write_failure(run.folder, page, facts[number], answer)
            answer = answer | {"files": _files(run.folder, page.stem), "source": "outputs" if page.stem in before else "made"}
            if page.stem in before:
                answer["reads"] = sorted(before[page.stem])
            results[number] = _result(page, answer)
            if answer["outcome"] == "made":
                keep.write_salvage(run.folder, page.stem, keys[number], answer)
            around.add(results[number])
            progress(len(results), len(run.pages), f"{page.area_name}{' 失败' if results[number].failed else ''}")

        for one in results.values():
            around.add(one)
        numbers = [number for number in range(len(jobs)) if number not in results]
        limits = {"workers": run.workers, "limit_seconds": run.limit_seconds, "limit_mb": run.limit_mb}
        run_jobs(jobs, home=run.home, done=done, zygote=zygote, numbers=numbers, **limits)
        ordered = [results[number] for number in range(len(jobs))]
        _refuse_full_disk(ordered)
        return around.finish(ordered, _digests(run, zygote, ordered, before), clock, (started.troubles if started else None) or [])


def _jobs(run: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[str]]:
    """What each page shows around its outputs, the job that makes it, and the key of that job."""
    files = ["index.html", "run.json", *(page.file for page in run.pages)]
    foot = provenance.page_provenance(run.q)
    facts = [_facts(page, run.q, foot, files) | {"characters": run.characters} for page in run.pages]
    plain = None if run.engine in (NAME, "plain") else run.engine
    jobs = [
        {
            "notebook": str(run.notebooks[page.source]), "folder": str(run.folder), "stem": page.stem, "home": str(run.home), "engine": plain,
            "parameters": fact["parameters"], "page": fact,
        }
        for page, fact in zip(run.pages, facts, strict=True)
    ]
    return facts, jobs, [keep.digest(run.key, page.stem, fact) for page, fact in zip(run.pages, facts, strict=True)]


def _zygote(run: Run, stack: ExitStack) -> Zygote:
    """The process that is copied for each page, on its way to be ready."""
    areas = {page.source: page.area for page in run.pages}
    several = {source: area for source, area in areas.items() if sum(page.source == source for page in run.pages) > 1}
    areas = several or areas  # what one page alone calls may wait for that page
    wanted = {
        "home": str(run.home), "quarter": run.q.quarter, "characters": run.characters,
        "notebooks": [str(run.notebooks[source]) for source in areas], "areas": list(areas.values()),
    }
    environment = kernel_environment(run.home) | FIGURES
    zygote = Zygote(wanted, environment, run.home / ".cache" / "log" / "zygote.log")
    stack.callback(zygote.end)
    return zygote


def _ready(zygote: Zygote | None, home: Path) -> bool:
    """Wait until it can be copied; that it cannot costs time only."""
    try:
        if zygote is not None:
            zygote.wait_ready(_READY_SECONDS)
    except ZygoteError as error:
        zygote.troubles = [str(error)]
        forget_bytecode(home / ".cache")
        return False
    return zygote is not None


def _unchanged(run: Run, zygote: Zygote) -> dict[str, dict[str, str]]:
    """Pages whose outputs in the published run still hold: by stem, what they read and its digest."""
    found = keep.kept_notebooks(run.seen, run.static)
    if not found:
        return {}
    try:
        same = zygote.ask("unchanged", _READY_SECONDS, quarter=run.q.quarter, home=str(run.home), pages=found)
    except ZygoteError:
        return {}
    return {stem: found[stem] for stem in same or []}


def _digests(run: Run, zygote: Zygote | None, results: list[PageResult], before: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Digests of all that the pages have read; none where no zygote was there to note it."""
    known: dict[str, str] = {}
    for pairs in before.values():
        known |= pairs
    notes = sorted({note for one in results for note in one.reads or []} - set(known))
    if not notes or zygote is None:
        return known
    try:
        return known | (zygote.ask("digests", _READY_SECONDS, quarter=run.q.quarter, home=str(run.home), notes=notes) or {})
    except ZygoteError:
        return known


def _result(page: Page, answer: Mapping[str, Any]) -> PageResult:
    names = ("outcome", "reason", "kind", "cell", "seconds", "execute_seconds", "export_seconds", "tries", "source", "files", "reads")
    return PageResult(page, **{name: answer[name] for name in names if name in answer})


def _files(folder: Path, stem: str) -> dict[str, str]:
    """Files of a page with their checksums, by the name that they all begin with."""
    found = [path for place in (folder, folder / "notebooks") for path in place.glob(f"{stem}*") if path.is_file() and path.name[len(stem)] in "._-"]
    return {path.relative_to(folder).as_posix(): provenance.file_sha256(path) for path in sorted(found)}


def _facts(page: Page, q: Any, foot: Mapping[str, Any], files: list[str]) -> dict[str, Any]:
    notebook = f"notebooks/{page.stem}.ipynb"
    return page_facts(page, q, [*files, notebook]) | {"provenance": foot, "notebook": notebook, "parameters": parameters_of(page)}


def _write_failure(folder: Path, page: Page, facts: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    kept = (folder / facts["notebook"]).is_file()
    failure = {key: answer.get(key) for key in ("reason", "cell", "source", "traceback")}
    failure["advice"] = _ADVICE.get(answer.get("kind", ""), _ADVICE_OTHER)
    write_file(folder / page.file, html.failure_to_html({**facts, "notebook": facts["notebook"] if kept else ""}, failure))


def _refuse_full_disk(results: list[PageResult]) -> None:
    """Refuse to go on where a page could not be written for want of space (磁盘写不进)."""
    full = next((one for one in results if one.kind == "disk"), None)
    if full is not None:
        raise BatchError(
            f"the disk does not take the pages (磁盘写不进): {full.page.file}: {full.reason}. Nothing was published, what readers see is unchanged; make "
            "space, then run again: pages that were made are kept"
        )


def _notebooks(root: Path, given: Path | str | None) -> Path:
    if given is not None:
        return Path(given).resolve()
    own = root / "notebooks"
    return own if own.is_dir() else Path(linwu_stats.__file__).resolve().parents[1] / "notebooks"


def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
