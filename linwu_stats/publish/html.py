"""An executed notebook as one self-contained page (笔记本转网页).

nbconvert writes the body with the package's own template; this module numbers figures and tables, makes the contents from the finished headings,
puts the title block, the sample mark and the provenance around it, and embeds the part of the Chinese font that the page needs. The page makes no
request to any host: its content policy forbids it.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import html
import re
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from linwu_stats.publish.fonts import font_face

# jsonschema, which nbformat uses, compiles a grammar of this module at import if it is there; notebook schemas do not need it, and it costs a second.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

__all__ = ["dead_among", "dead_links", "failure_to_html", "furnish", "links", "notebook_to_html", "piece_to_html", "places", "render", "visible_text"]

TEMPLATES = Path(__file__).parent / "templates"

#: Cells with these tags, and cells that show nothing, are code only: they go behind one fold at the end.
SETUP_TAGS = {"parameters", "injected-parameters", "setup", "fold"}

#: A table with more columns than this is printed on a sheet laid across.
WIDE_COLUMNS = 12

#: The last entry of every page's contents.
FOOT = {"level": "2 foot", "id": "provenance", "text": "数据来源与复现"}

#: Places of the shell; no heading of a notebook may have their ids.
_PLACES = ("main", "code", "rules", "provenance")

#: A table with no more rows than this is not divided between two sheets; a row with a rule key below its name counts twice.
SHORT_ROWS = 24

_HEADING = re.compile(r"<h([23])((?:\s[^>]*)?)>(.*?)</h\1>", re.DOTALL)
_ID = re.compile(r'\sid="([^"]*)"')
_TAG = re.compile(r"<[^>]+>")
_HIDDEN = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)
_TABLE = re.compile(r'(<div class="table-wrap">\s*)?(<table\b.*?</table>)(\s*</div>)?(\s*<p class="note">.*?</p>)?', re.DOTALL)
_CAPTION = re.compile(r"<(caption|figcaption)((?:\s[^>]*)?)>(.*?)</\1>", re.DOTALL)
_FIGURE_END = re.compile(r"</figcaption>\s*</figure>")
_RULE = re.compile(r'<span class="rule">([A-Za-z0-9_.]+)</span>')
_IMAGE = re.compile(r"<img\b(?![^>]*\salt=)")
_LINK = re.compile(r'<a\b[^>]*?\shref="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)


def notebook_to_html(nb: Any, page: Mapping[str, Any]) -> str:
    """One page from an executed notebook (生成网页).

    Takes a notebook (nbformat node) and ``page``: title, title_parts (where it may break), series, kind, area_name, is_sample, facts (pairs of term
    and text), trail (links), source (name of the notebook), notebook (link to the executed one, or ""), parameters, command, provenance (of
    ``page_provenance``), known_files (files that the page may link to; empty: any). Texts of ``page`` are escaped; outputs of the notebook are taken
    as the package's functions wrote them, escaped.
    Gives the whole document. The same notebook and page give the same bytes.
    """
    body, folded, messages = _body(nb)
    body = furnish(body, page.get("data_source") or "")
    body, rules = _link_rules(body, page.get("rules") or {})
    body, contents = _contents(body)
    if rules:
        contents.append({"level": "2 foot", "id": "rules", "text": "规则出处"})
    contents.append(FOOT)
    body = _unlink(body, set(page.get("known_files") or ()))
    return render("page.html.j2", page, body=_safe(body), folded=_safe(folded), messages=_safe(messages), contents=contents, rules=rules)


def failure_to_html(page: Mapping[str, Any], failure: Mapping[str, Any]) -> str:
    """The page that stands where a page could not be made (失败页).

    ``failure``: reason and advice in words, cell (number, or None), source (code of the cell), traceback; all escaped.
    """
    return render("failed.html.j2", page, failure=failure)


def piece_to_html(template: str, body: str, page: Mapping[str, Any], rule_words: Mapping[str, Mapping[str, str]], source: str, **context: Any) -> str:
    """A page of the package's own HTML, without a notebook (片段转网页): numbered, with contents and the texts of its rules."""
    body, rules = _link_rules(furnish(body, source), rule_words)
    body, contents = _contents(body)
    contents += ([{"level": "2 foot", "id": "rules", "text": "规则出处"}] if rules else []) + [{**FOOT, "text": "数据来源"}]
    return render(template, page, body=_safe(body), contents=contents, rules=rules, **context)


def furnish(body: str, source: str = "") -> str:
    """Tables and figures of a body in their boxes, numbered in reading order, each with its source (编号、出处)."""
    return _number(_wrap_tables(body, source))


def render(template: str, page: Mapping[str, Any], **context: Any) -> str:
    """One of the package's templates with style, script and font inside (套用模板). Values are escaped unless they are Markup."""
    script = _read("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    text = _environment().get_template(template).render(
        page=page, provenance=page["provenance"], css=_safe(_read("page.css")), script=_safe(script), script_hash=f"sha256-{digest}", **context
    )
    return text.replace("/*font*/", font_face(visible_text(text) + script + "第页共目录示例数据非真实统计注●•›↕▲▼×", page.get("characters", "")), 1)


def visible_text(document: str) -> str:
    """What a reader can see of a document (可见文字): no tags, scripts or styles; attributes that are read aloud or shown count."""
    document = _HIDDEN.sub(" ", document)
    shown = re.findall(r'(?:alt|placeholder|title|aria-label)="([^"]*)"', document)
    return html.unescape(_TAG.sub(" ", document) + " ".join(shown))


def dead_links(document: str, files: Mapping[str, set[str] | None]) -> list[str]:
    """Links of a document that lead nowhere (失效链接).

    ``files``: the files that there are, each with the ids of its places (None: not a page). A link to a host is not looked at.
    """
    return dead_among(links(document), places(document), files)


def links(document: str) -> list[str]:
    """Where the links of a document lead (链接目标), as they are written, each once."""
    return list(dict.fromkeys(href for href, _ in _LINK.findall(document)))


def dead_among(hrefs: Iterable[str], own: set[str], files: Mapping[str, set[str] | None]) -> list[str]:
    """Those of a document's links that lead nowhere; ``own``: the ids of its places. As :func:`dead_links`."""
    dead = set()
    for href in hrefs:
        file, _, place = html.unescape(href).partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        there = own if not file else files.get(file, set())
        if (file and file not in files) or (place and there is not None and unquote(place) not in there):
            dead.add(href)
    return sorted(dead)


def places(document: str) -> set[str]:
    """Ids that a link can lead to (页内位置)."""
    return {html.unescape(name) for name in _ID.findall(document)}


def _body(nb: Any) -> tuple[str, str, str]:
    nb = copy.copy(nb)
    nb.cells = [copy.copy(cell) for cell in nb.cells if not _is_cover(cell)]
    for cell in nb.cells:
        cell.metadata = copy.copy(cell.metadata)
        shown = any(output.output_type != "stream" or output.name != "stderr" for output in cell.get("outputs", []))
        cell.metadata["fold_at_end"] = cell.cell_type == "code" and (not shown or bool(SETUP_TAGS & set(cell.metadata.get("tags", []))))
    text = _IMAGE.sub('<img alt="图"', _exported(nb))
    body, _, rest = text.partition("<!--folded-->")
    folded, _, messages = rest.partition("<!--messages-->")
    return body, folded.strip(), messages.strip()


def _exported(nb: Any) -> str:
    """The notebook through nbconvert's templates. Its exporter for whole pages would parse the result once more, to say of a picture without words that it has
    none, which takes longer than the templates."""
    from nbconvert.exporters.templateexporter import TemplateExporter

    return str(TemplateExporter.from_notebook_node(_exporter(), nb)[0])


def _is_cover(cell: Any) -> bool:
    """Prose under a first-level heading is for the reader of the notebook in JupyterLab; the page has its title block instead."""
    return cell.cell_type == "markdown" and cell.source.lstrip().startswith("# ")


@lru_cache(maxsize=1)
def _exporter() -> Any:
    from nbconvert import HTMLExporter
    from nbconvert.filters.highlight import Highlight2HTML
    from traitlets.config import Config

    config = Config()
    config.CSSHTMLHeaderPreprocessor.enabled = False
    config.HTMLExporter.exclude_input_prompt = True
    config.HTMLExporter.exclude_output_prompt = True
    config.HTMLExporter.exclude_anchor_links = True
    exporter = HTMLExporter(template_name="linwu", extra_template_basedirs=[str(TEMPLATES)], config=config)
    exporter.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=exporter))
    return exporter


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(str(TEMPLATES), encoding="utf-8")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@lru_cache(maxsize=8)
def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _safe(text: str) -> Any:
    """Text that is HTML already: of the package's own templates, or of the notebook."""
    from markupsafe import Markup

    return Markup(text)


def _wrap_tables(body: str, source: str) -> str:
    """Each table in a box that scrolls on a narrow screen, can be reached by keyboard, and knows whether it needs a sheet laid across; below it its source."""
    line = f'<p class="source">资料来源：{html.escape(source)}</p>' if source else ""

    def wrap(match: re.Match[str]) -> str:
        boxed, table, end, note = match.groups()
        caption = re.search(r"<caption\b[^>]*>(.*?)</caption>", table, re.DOTALL)
        name = html.escape(html.unescape(_TAG.sub("", caption.group(1))).strip(), quote=True) if caption else "表"
        columns = len(re.findall(r"<th\b", table.partition("</thead>")[0]))
        kind = "table-wrap wide" if columns > WIDE_COLUMNS or ' data-wide="1"' in table[:200] else "table-wrap"
        kind += " long" if table.count("<tr") + table.count(' class="keyed"') > SHORT_ROWS else ""
        closing = (end or "") if boxed else f"</div>{end or ''}"
        shown = line if caption and (not boxed or end) and "来源：" not in (note or "") else ""
        return f'<div class="{kind}" role="region" tabindex="0" aria-label="{name}">{table}{closing}{note or ""}{shown}'

    return _FIGURE_END.sub(lambda found: f"</figcaption>{line}</figure>", _TABLE.sub(wrap, body))


def _number(body: str) -> str:
    """Number tables and figures in reading order."""
    counts = {"caption": 0, "figcaption": 0}

    def number(match: re.Match[str]) -> str:
        tag, attributes, text = match.groups()
        counts[tag] += 1
        word = "表" if tag == "caption" else "图"
        return f'<{tag}{attributes}><span class="caption"><span class="number">{word}{counts[tag]}</span>{text}</span></{tag}>'

    return _CAPTION.sub(number, body)


def _link_rules(body: str, texts: Mapping[str, Mapping[str, str]]) -> tuple[str, list[dict[str, Any]]]:
    """Each rule key as a link to the rule's text, and the texts that are needed, in reading order: the footnotes of the page."""
    used: dict[str, dict[str, Any]] = {}

    def link(match: re.Match[str]) -> str:
        key = match.group(1)
        if key not in texts:
            return match.group(0)
        used.setdefault(key, {"key": key, "number": len(used) + 1, **texts[key]})
        return f'<a class="rule" href="#rule-{key}">{key.replace(".", ".<wbr>")}</a>'

    return _RULE.sub(link, body), list(used.values())


def _contents(body: str) -> tuple[str, list[dict[str, Any]]]:
    """Give each heading its own id and list second and third levels, from the finished page."""
    entries: list[dict[str, Any]] = []
    seen = set(_PLACES)

    def mark(match: re.Match[str]) -> str:
        level, attributes, text = match.groups()
        found = _ID.search(attributes)
        words = html.unescape(_TAG.sub("", text)).strip()
        name = html.unescape(found.group(1)) if found and found.group(1) else re.sub(r"\s+", "-", words) or "section"
        if name in seen:
            name = f"{name}-{len(entries) + 1}"
        seen.add(name)
        entries.append({"level": int(level), "id": name, "text": words})
        return f'<h{level}{_ID.sub("", attributes)} id="{html.escape(name, quote=True)}">{text}</h{level}>'

    return _HEADING.sub(mark, body), entries


def _unlink(body: str, known_files: set[str]) -> str:
    """A link to a page that this run does not have becomes its text: a run of chosen areas has no other pages."""
    if not known_files:
        return body

    def keep(match: re.Match[str]) -> str:
        file = html.unescape(match.group(1)).partition("#")[0]
        return match.group(0) if not file or re.match(r"[a-z]+:", file) or file in known_files else f"<span>{match.group(2)}</span>"

    return _LINK.sub(keep, body)
