"""The index of a run (目录页): the county at a glance, townships, villages, verdicts, what changed, doubts, failed pages, downloads.

This module knows the run: which pages there are, which failed, which files lie beside them. What the tables say is put into words by
:mod:`linwu_stats.publish.index_sections`, with the same functions that the pages use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from markupsafe import Markup

from linwu_stats.publish import index_sections as sections
from linwu_stats.publish.html import FOOT, furnish, render
from linwu_stats.publish.plan import SUBJECT, SUBJECTS, period_text
from linwu_stats.publish.tables_html import Fragment

__all__ = ["Parts", "index_html", "index_parts"]

#: Sections in reading order: id, which is also the name in the template, and heading.
_HEADINGS = {
    "failed": "失败的页面", "county": "全县", "verdicts": "评估结论", "transitions": "比上季的变动", "townships": "乡镇", "villages": "行政村",
    "subjects": "专题", "files": "文件下载",
}


class Parts(NamedTuple):
    """What the tables say on the index (目录页各部分): its tables by section, doubts, and what could not be worked out, in words."""

    tables: Mapping[str, Fragment | None]
    doubts: list[Any]
    troubles: list[str]


def index_parts(q: Any, results: Iterable[Any]) -> Parts:
    """All that the index shows of the quarter's tables (目录页各部分); of ``results`` it shows which failed.

    A section whose numbers cannot be worked out is left out and named.
    """
    rows = [_row(one) for one in results]
    county = q.rules.value("area.county")["code"]
    troubles: list[str] = []

    def attempt(work: Callable[[], Any], what: str) -> Any:
        """The index must stand even where a number cannot be worked out: say which, and go on."""
        try:
            return work()
        except Exception as error:
            troubles.append(f"目录页缺少“{what}”：{type(error).__name__}: {error}")
            return None

    own = _own(rows)
    links = {code: _place(row) for code, row in own.items()}
    plain = {code: _place(row | {"failed": False}) for code, row in own.items()}  # where the page is not what the line is about
    failed = [row for row in rows if row["failed"]]
    tables = {
        "failed": sections.failures(failed) if failed else None,
        "figures": attempt(lambda: sections.figures(q, county), "全县指标"),
        "verdicts": attempt(lambda: sections.verdicts(q, county), "评估结论"),
        "transitions": attempt(lambda: sections.transitions(q, county, plain), "比上季的变动"),
        "multiples": attempt(lambda: sections.multiples(q, county, plain), "乡镇走势"),
        "townships": attempt(lambda: sections.townships(q, county, links), "乡镇"),
        "villages": attempt(lambda: sections.villages(q, links, plain), "行政村"),
    }
    return Parts(tables, attempt(lambda: sections.doubts(q, county), "使用提示") or [], troubles)


def index_html(
    q: Any, results: Iterable[Any], foot: Mapping[str, Any], parts: Parts | None = None, *, earlier: str | None = None,
    downloads: Iterable[Mapping[str, Any]] = (), characters: str = "",
) -> tuple[str, list[str]]:  # fmt: skip
    """The index page of a run, and what could not be shown on it (目录页).

    ``q``: the quarter; ``results``: one per page (``batch.PageResult``); ``foot``: of ``provenance.page_provenance``; ``parts``: of :func:`index_parts` for
    the same outcomes, by default made here; ``earlier``: link to the run before; ``downloads``: files beside the pages (file, title, bytes); ``characters``:
    those that the pages of the run share. The links to the pages are always there.
    """
    results = list(results)
    rows = [_row(one) for one in results]
    tables, doubts, troubles = parts or index_parts(q, results)
    county, own = q.rules.value("area.county")["code"], _own(rows)
    lists = {level: _list(own, level) for level in ("township", "village") if tables[f"{level}s"] is None}
    shown = _numbered(tables)
    subjects = _subjects(rows)
    there = {**shown, "county": True, "subjects": subjects, "files": True} | {f"{level}s": True for level, links_only in lists.items() if links_only}
    failed = [row for row in rows if row["failed"]]
    document = render(
        "index.html.j2", _page(q, county, foot) | {"characters": characters}, shown=shown, lists=lists, headings=_HEADINGS, subjects=subjects, earlier=earlier,
        contents=[{"level": 2, "id": name, "text": text} for name, text in _HEADINGS.items() if there.get(name)] + [FOOT],
        failed=failed, made=len(rows) - len(failed), doubts=doubts, county=_place(own[county]) if county in own else None,
        methods=next((_place(row) for row in rows if row["kind"] == "methods"), None), downloads=_files(downloads),
        public=next((one["file"] for one in downloads if one["file"] == "public/index.html"), ""),
    )
    return document, list(troubles)


def _own(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The page of each area itself, not of a subject."""
    return {row["code"]: row for row in rows if row["kind"] in ("county", "township", "village")}


def _numbered(tables: Mapping[str, Fragment | None]) -> dict[str, Markup]:
    """The sections' HTML, their tables numbered through the whole page."""
    there = {name: fragment for name, fragment in tables.items() if fragment is not None}
    parts = furnish("\f".join(str(fragment.markup) for fragment in there.values())).split("\f")
    return {name: Markup(part) for name, part in zip(there, parts, strict=True)}


def _page(q: Any, county: str, foot: Mapping[str, Any]) -> dict[str, Any]:
    name = q.area_names[county]
    parts = [name, period_text(q.quarter), f"{SUBJECT}报告目录"]
    return {
        "title": "".join(parts), "title_parts": parts, "series": f"{name}扶贫统计　{q.quarter}", "is_sample": bool(q.is_sample), "internal": True,
        "facts": [("报告期", period_text(q.quarter)), ("地区", name), ("地区代码", county)], "command": f"linwu-stats run {q.quarter}", "provenance": foot,
    }


def _row(result: Any) -> dict[str, Any]:
    page = result.page
    return {
        "kind": page.kind, "code": page.area, "name": _page_name(page), "href": page.file, "failed": result.failed, "reason": result.reason,
        "cell": getattr(result, "cell", None), "source": page.source,
    }


def _page_name(page: Any) -> str:
    if page.kind in SUBJECTS:
        return f"{page.area_name}{SUBJECTS[page.kind].title}"
    return f"{page.area_name}报告" if page.kind == "county" else page.area_name


def _place(row: Mapping[str, Any]) -> Markup:
    """Link to a page; that it failed is said in words."""
    link = Markup('<a href="{}">{}</a>').format(row["href"], row["name"])
    return link + Markup(' <strong class="state failed">失败</strong>') if row["failed"] else link


def _list(own: Mapping[str, Mapping[str, Any]], level: str) -> Markup:
    """Links alone, where the numbers of a level cannot be worked out."""
    return Markup("　").join(_place(row) for row in own.values() if row["kind"] == level)


def _subjects(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The pages of each subject, the county's first (专题)."""
    rows = list(rows)
    found = [{"title": subject.title, "pages": [_place(row) for row in rows if row["kind"] == kind]} for kind, subject in SUBJECTS.items()]
    return [one for one in found if one["pages"]]


def _files(downloads: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Tables for a spreadsheet, each with its size; parquet is for programs, which find it beside them."""
    kinds = {".csv": "CSV", ".xlsx": "Excel", ".md": "文本", ".zip": "压缩包"}
    return [
        {"href": one["file"], "title": one["title"], "kind": kinds.get(suffix, suffix[1:].upper()), "size": _size(int(one["bytes"]))}
        for one in downloads
        for suffix in [PurePosixPath(one["file"]).suffix]
        if suffix != ".parquet"
    ]


def _size(count: int) -> str:
    return f"{count / 1_048_576:,.1f} MB" if count >= 1_048_576 else f"{max(1, round(count / 1024)):,} KB"
