"""What stands around the pages of a run (页面之外的文件): the tables as files, the public edition, the index, the links between pages, the record.

Most of it needs no page: :class:`Around` makes that while others make the pages ready, and adds the rest when they are there.
"""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pyarrow

from linwu_stats.publish import exchange, html, index, keep, outputs, provenance, public
from linwu_stats.publish.plan import BatchError
from linwu_stats.publish.runs import PageResult, Run, parameters_of
from linwu_stats.publish.worker import write_file
from linwu_stats.quarter import open_quarter

__all__ = ["Around"]


class Around:
    """What stands around the pages of ``run``; made at once: tables as files, public edition, and the index's own tables."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._failures: list[str] = []
        self._places: dict[str, set[str]] = {}
        self._links: dict[str, list[str]] = {}
        q = open_quarter(run.q.quarter, run.home)  # a quarter of its own, so that the tables are let go before the pages want the memory
        self._downloads = outputs.write_downloads(q, run.folder)
        if run.scope is None:
            try:
                written = public.write_public(q, run.folder, provenance.page_provenance(q), run.characters)
                self._downloads = written + self._downloads
            except public.DisclosureError as error:
                self._failures.append(f"公开版没有生成：{error}")
        self._parts = index.index_parts(q, [PageResult(page, outcome="made") for page in run.pages])
        del q
        gc.collect()
        pyarrow.default_memory_pool().release_unused()

    def add(self, one: PageResult) -> None:
        """Look at the links of a page that is there (查看链接)."""
        document = (self._run.folder / one.page.file).read_text(encoding="utf-8")
        self._places[one.page.file], self._links[one.page.file] = html.places(document), html.links(document)

    def finish(self, results: list[PageResult], reads: Mapping[str, str], clock: float, troubles: Iterable[str] = ()) -> tuple[list[PageResult], list[str]]:
        """Links, index and record; gives the results with their dead links, and all failures in words. Refuses where an input changed (收尾).

        ``troubles``: what cost time and nothing else, for the record.
        """
        run = self._run
        results = self._check_links(results)
        failures = [f"{one.page.area_name} {one.page.file}：{one.reason}" for one in results if one.failed]
        failures += [f"{one.page.file} 链接失效：{link}" for one in results for link in one.dead_links]
        failures += self._failures
        parts = index.index_parts(run.q, results) if any(one.failed for one in results) else self._parts
        before = exchange.stays_reachable(run.seen.parent, run.seen.name, run.key, bool(failures))
        document, lacking = index.index_html(
            run.q, results, provenance.page_provenance(run.q), parts, earlier=before, downloads=self._downloads, characters=run.characters
        )
        write_file(run.folder / "index.html", document)
        failures += lacking
        _refuse_changed(run)
        _write_record(run, results, self._downloads, reads, failures, list(troubles), time.perf_counter() - clock)
        exchange.remove(run.folder / "work")
        return results, failures

    def _check_links(self, results: list[PageResult]) -> list[PageResult]:
        files: dict[str, set[str] | None] = {one.page.file: self._places[one.page.file] for one in results}
        files |= {"index.html": None, "run.json": None} | {file: None for one in results for file in one.files if file not in files}
        return [replace(one, dead_links=html.dead_among(self._links[one.page.file], self._places[one.page.file], files)) for one in results]


def _refuse_changed(run: Run) -> None:
    changed = keep.changed_parts(run.inputs, keep.snapshot(run.home, run.q.quarter, run.notebooks))
    if changed:
        raise BatchError(
            f"inputs changed while the pages were made (运行期间输入有变动): {'、'.join(changed)}. Nothing was published, so that no run mixes two "
            "states; run again"
        )


def _write_record(
    run: Run, results: list[PageResult], downloads: list[dict[str, Any]], reads: Mapping[str, str], failures: list[str],
    troubles: list[str], seconds: float,
) -> None:
    places = {note: index for index, note in enumerate(reads)}
    pages = [
        {
            "file": one.page.file, "stem": one.page.stem, "kind": one.page.kind, "area": one.page.area, "outcome": one.outcome, "source": one.source,
            "reason": one.reason, "cell": one.cell, "parameters": parameters_of(one.page), "seconds": one.seconds, "execute_seconds": one.execute_seconds,
            "export_seconds": one.export_seconds, "tries": one.tries, "dead_links": one.dead_links, "sha256": one.files.get(one.page.file),
            "static_key": run.static.get(one.page.stem), "files": one.files,
            "reads": [places[note] for note in one.reads or []] if all(note in places for note in one.reads or []) else [],
        }
        for one in results
    ]
    record = provenance.run_record(
        run.q, pages, notebooks=run.inputs["notebooks"], scope=run.scope or "all", started=run.started.isoformat(timespec="seconds"),
        seconds=round(seconds, 3), workers=run.workers, engine=run.engine, key=run.key, inputs=run.inputs, failures=failures, troubles=troubles,
        reads=reads, downloads=downloads, files=keep.file_hashes(run.folder), index_sha256=provenance.file_sha256(run.folder / "index.html"),
    )
    write_file(run.folder / "run.json", json.dumps(record, ensure_ascii=False, indent=1, default=str) + "\n")
