"""Which pages a quarter has, and whether the notebooks fit them (页面计划).

The county, each township and each poor village has a page, and one page states the methods. The county and, for some subjects, each township have further
pages, of which each is made where its notebook is in the folder of notebooks. A file is named after the area code, the subject and the quarter, so that no
text from a ledger becomes part of a path.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import linwu_stats
from linwu_stats.publish import words
from linwu_stats.quarter import QuarterError

__all__ = [
    "SUBJECTS", "BatchError", "Page", "Subject", "check_notebooks", "notebook_parameters", "notebooks_folder", "page_facts", "page_file", "plan_pages",
    "rule_texts",
]

#: Page kinds in the order in which they are made: the longest first. Kind: word for the reader.
KINDS = {"county": "县", "methods": "方法", "township": "乡镇", "village": "村"}
METHODS_TITLE = "指标解释与计算方法"


class Subject(NamedTuple):
    """A subject with pages of its own (专题): its title, the word in its file names, and the levels that have a page."""

    title: str
    word: str
    levels: tuple[str, ...]


#: Subjects by the name of their notebook.
SUBJECTS: dict[str, Subject] = {
    "ledger_quality": Subject("台账质量", "quality", ("county", "township")),
    "estimates": Subject("全年收入测算", "estimates", ("county", "township")),
    "indicators": Subject("贫困与不平等指标", "indicators", ("county", "township")),
    "lookback": Subject("回头看", "lookback", ("county",)),
    "stability": Subject("脱贫稳定性", "stability", ("county", "township")),
}
SUBJECT = "建档立卡贫困户人均纯收入测算与脱贫评估"

_AREA = re.compile(r"[0-9]{6}(?:[0-9]{3}(?:[0-9]{3})?)?")
_QUARTER = re.compile(r"(?:19|20)[0-9]{2}Q[1-4]")


class BatchError(QuarterError):
    """The pages cannot be made (不能生成报告); the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Page:
    """One page (页面): its kind, which is also the name of its notebook, the area, the official names, and the parameters."""

    kind: str
    area: str
    area_name: str
    quarter: str

    @property
    def stem(self) -> str:
        """Name of the page's files without ending."""
        if self.kind == "methods":
            return f"methods_{_safe_quarter(self.quarter)}"
        return page_file(self.area, self.quarter, self.kind if self.kind in SUBJECTS else "").removesuffix(".html")

    @property
    def file(self) -> str:
        """Name of the HTML file."""
        return f"{self.stem}.html"

    @property
    def source(self) -> str:
        """Name of the notebook."""
        return f"{self.kind}.ipynb"


def page_file(area: str, quarter: str, subject: str = "") -> str:
    """File name of an area's page (页面文件名): ``431025100_2018Q1.html``, of a subject ``431025100_quality_2018Q1.html``.

    Raises :class:`BatchError` for anything but a code, and KeyError for a subject that is not in :data:`SUBJECTS`.
    """
    if not isinstance(area, str) or not _AREA.fullmatch(area):
        raise BatchError(f"area code {area!r} cannot name a page (地区代码有误): it must be 6, 9 or 12 digits")
    return f"{area}_{f'{SUBJECTS[subject].word}_' if subject else ''}{_safe_quarter(quarter)}.html"


def plan_pages(quarter: Any, areas: Iterable[str] | None = None, notebooks: Path | None = None) -> list[Page]:
    """The pages of a quarter (页面计划): county, methods, townships, poor villages of province and city, and the subjects; only of ``areas`` where given.

    A subject has pages where its notebook is in ``notebooks``, by default the folder of the workspace, else of the package's own checkout.
    Raises :class:`BatchError` for an area that has no page.
    """
    names = quarter.area_names
    villages = quarter.villages
    poor = sorted(villages.loc[villages["village_kind"].isin(["province", "city"]), "village_code"])
    county = quarter.rules.value("area.county")["code"]
    pages = [Page("county", county, names[county], quarter.quarter), Page("methods", county, METHODS_TITLE, quarter.quarter)]
    townships = [code for code in sorted(names) if len(code) == 9]
    folder = notebooks if notebooks is not None else notebooks_folder(quarter.home)
    subjects = {kind: subject for kind, subject in SUBJECTS.items() if (folder / f"{kind}.ipynb").is_file()}
    pages += [Page(kind, county, names[county], quarter.quarter) for kind in subjects]
    pages += [Page("township", code, names[code], quarter.quarter) for code in townships]
    pages += [Page(kind, code, names[code], quarter.quarter) for kind, subject in subjects.items() if "township" in subject.levels for code in townships]
    pages += [Page("village", code, names[code], quarter.quarter) for code in poor]
    for page in pages:
        page_file(page.area, page.quarter)
    if not areas:
        return pages
    wanted = set(areas)
    strange = sorted(wanted - {page.area for page in pages})
    if strange:
        raise BatchError(f"no page for area {', '.join(strange)} (没有这些地区的报告): the county, its townships and its poor villages have one")
    return [page for page in pages if page.area in wanted]


def notebooks_folder(home: Path) -> Path:
    """Folder of the notebooks (笔记本文件夹): of the workspace, else of the package's own checkout."""
    own = home / "notebooks"
    return own if own.is_dir() else Path(linwu_stats.__file__).resolve().parents[1] / "notebooks"


def check_notebooks(folder: Path, pages: Iterable[Page], parameters: Iterable[str]) -> dict[str, Path]:
    """Refuse notebooks that would make a wrong page (检查笔记本): gives name to path.

    Each notebook must be there, have exactly one cell tagged ``parameters`` that holds plain assignments only, and declare exactly ``parameters``: a name
    that it does not know would leave its default in place without a word. Raises :class:`BatchError` with all that is wrong.
    """
    wrong, found = [], {}
    for name in dict.fromkeys(page.source for page in pages):
        path = folder / name
        try:
            declared = notebook_parameters(path)
        except BatchError as error:
            wrong.append(str(error))
            continue
        unknown = [parameter for parameter in parameters if parameter not in declared]
        missing = [parameter for parameter in declared if parameter not in set(parameters)]
        if unknown:
            found_ones = ", ".join(declared) or "nothing"
            wrong.append(f"{name}: the parameters cell does not know {', '.join(unknown)} (参数单元缺少这些参数); it declares {found_ones}")
        if missing:
            wrong.append(f"{name}: the parameters cell declares {', '.join(missing)}, which a run does not give (运行时不提供这些参数)")
        found[name] = path
    if wrong:
        raise BatchError("notebooks cannot be run (笔记本不能运行):\n  " + "\n  ".join(wrong))
    return found


def notebook_parameters(path: Path) -> list[str]:
    """Names that the one parameters cell of a notebook declares (笔记本参数). Raises :class:`BatchError`."""
    if not path.is_file():
        raise BatchError(f"{path.name}: not found in {path.parent.name}/ (找不到笔记本)")
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise BatchError(f"{path.name}: not a notebook (不是笔记本): {error}") from error
    tagged = [cell for cell in cells if cell.get("cell_type") == "code" and "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise BatchError(f"{path.name}: {len(tagged)} cells are tagged 'parameters', there must be one (参数单元须恰有一个)")
    source = tagged[0].get("source", "")
    return _assigned("".join(source) if isinstance(source, list) else source, path.name)


def page_facts(page: Page, quarter: Any, known_files: Iterable[str] = ()) -> dict[str, Any]:
    """Everything that the shell of a page shows (页眉): title, series, facts, trail, parameters, command."""
    names = quarter.area_names
    county = quarter.rules.value("area.county")["code"]
    places = [code for code in (county, page.area[:9], page.area) if len(page.area) >= len(code)]
    names_of = [names[code] for code in dict.fromkeys(places)]
    known = set(known_files)
    trail = [{"href": "index.html", "text": "本季报告"}]
    trail += [
        {"href": file, "text": names[code]}
        for code in dict.fromkeys(places)
        for file in [page_file(code, page.quarter)]
        if (code != page.area or page.kind in SUBJECTS) and file in known
    ]
    own = SUBJECTS[page.kind].title if page.kind in SUBJECTS else f"{SUBJECT}报告"
    subject = [METHODS_TITLE] if page.kind == "methods" else [period_text(page.quarter), own]
    parts = [names[county] if page.kind == "methods" else "".join(names_of), *subject]
    facts = [("报告期", period_text(page.quarter)), ("地区", "".join(names_of)), ("地区代码", page.area), ("口径", "建档立卡贫困户")]
    return {
        "internal": page.kind != "methods",
        "file": page.file, "kind": page.kind, "title": "".join(parts), "title_parts": parts, "series": f"{names[county]}扶贫统计　{page.quarter}",
        "area_name": SUBJECTS[page.kind].title if page.kind in SUBJECTS else page.area_name, "related": _related(page, known),
        "facts": facts, "trail": trail, "is_sample": bool(quarter.is_sample), "source": page.source, "parameters": {},
        "command": f"linwu-stats run {page.quarter} --only {page.area}", "known_files": sorted(known), "notebook": "", "rules": rule_texts(quarter.rules),
        "data_source": "规则文件和指标登记表。" if page.kind == "methods" else f"{names[county]}{period_text(page.quarter)}建档立卡台账。",
    }


def rule_texts(rules: Any) -> dict[str, dict[str, str]]:
    """What the footnotes of a page say of each rule (规则出处): term, value in words, status, document and clause, dates, note, by key."""
    return {
        one.key: {
            "term": one.term, "value": words.value_with_unit(one), "status": words.status(one.status), "document": one.document, "clause": one.clause or "",
            "dates": f"{one.from_date}起" + (f"至{one.to_date}" if one.to_date else ""), "note": one.note or "",
            "own": "本县改写" if one.overridden else "",
        }
        for one in (rules[key] for key in sorted(rules))
    }


def _related(page: Page, known: set[str]) -> list[dict[str, str]]:
    """Links to the other pages of the same area: its own report, and the subjects."""
    if page.kind == "methods":
        return []
    others = {"": "本地区报告"} | {kind: subject.title for kind, subject in SUBJECTS.items()}
    mine = page.kind if page.kind in SUBJECTS else ""
    links = [{"href": page_file(page.area, page.quarter, kind), "text": text} for kind, text in others.items() if kind != mine]
    return [link for link in links if link["href"] in known]


def period_text(quarter: str) -> str:
    """A quarter in words (报告期): 2018年第一季度."""
    return f"{quarter[:4]}年第{'一二三四'[int(quarter[5]) - 1]}季度"


def _assigned(source: str, name: str) -> list[str]:
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise BatchError(f"{name}: the parameters cell cannot be read (参数单元有语法错误): {error}") from error
    names = []
    for statement in statements:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
        if len(targets) != 1 or not isinstance(targets[0], ast.Name):
            raise BatchError(f"{name}: the parameters cell, line {statement.lineno}, is not a plain assignment (参数单元只能是赋值语句)")
        names.append(targets[0].id)
    repeated = sorted({one for one in names if names.count(one) > 1})
    if repeated:
        raise BatchError(f"{name}: the parameters cell assigns {', '.join(repeated)} twice (参数重复)")
    return names


def _safe_quarter(quarter: str) -> str:
    if not _QUARTER.fullmatch(quarter):
        raise BatchError(f"quarter {quarter!r} cannot name a page (季度有误): write it as 2018Q1")
    return quarter
