"""What is made ready before the first notebook (预热): libraries, the quarter's tables, and one run of what the pages call.

Only code of the package runs here: of a notebook nothing but its imports of known libraries and its calls of the package's own page functions is looked
at, and those functions are called directly. What the calls leave behind in the process (plot settings, warnings that were shown) is put back afterwards, so
that a notebook finds what a fresh kernel would show it, save one thing: the filters that known libraries set for their own warnings while they are imported
are there before the notebook imports the library, and so below the notebook's own.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import itertools
import json
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["import_known", "is_thin", "page_calls", "plain_state", "warm_up"]

#: Libraries that a notebook may find imported already; a module of any other name waits for the notebook itself.
KNOWN = {"linwu_stats", "pandas", "numpy", "matplotlib", "statsmodels", "scipy", "IPython", "markupsafe"}

#: Figures drawn in advance: enough to have fonts and code at hand.
_FIGURES = 2
_NOTEBOOK = '<table><caption>预热</caption><tr><td>1</td></tr></table><img src="data:image/png;base64,iVBORw0KGgo=">'


def warm_up(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Make ready (预热).

    ``wanted``: notebooks (paths), and for a batch home, quarter and areas (one for each notebook). Gives what could not be made ready, in words; that costs
    time later and nothing else.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # see publish.html
    troubles: list[str] = []
    python = list(warnings.filters)
    import papermill  # noqa: F401  also registers the engines

    from linwu_stats.publish import engine, html, zygote_shell  # noqa: F401

    engine.register_here()
    calls = {}
    for path in wanted.get("notebooks", []):
        with _noted(troubles, Path(path).name):
            cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
            import_known(cells)
            calls[path] = page_calls(cells)[1]
    with plain_state():
        if wanted.get("quarter"):
            with _noted(troubles, "数据表"):
                _open(wanted, calls, troubles)
        with _noted(troubles, "网页"):
            _export(wanted.get("characters", ""))
    imported = list(warnings.filters)
    zygote_shell.make_shell()
    shell = [one for one in warnings.filters if one not in imported]
    libraries = [one for one in imported if one not in python and _root(one) in KNOWN | {"builtins"}]
    _filter([*libraries, *shell, *python])  # in a kernel the shell is there before the libraries
    return {"troubles": troubles}


def import_known(cells: Iterable[Mapping[str, Any]]) -> None:
    """Import the known libraries that cells import (导入常用库); what cannot be imported is left for the notebook to say."""
    for name in page_calls(cells)[0]:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def page_calls(cells: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, str, list[Any]]]]:
    """Modules of known libraries that a notebook imports, and its calls ``pages.function(q, area, constant…)`` (笔记本的调用)."""
    modules: list[str] = []
    names: dict[str, str] = {}
    calls = []
    for cell in cells:
        try:
            statements = ast.parse("".join(cell["source"])).body if cell["cell_type"] == "code" else []
        except SyntaxError:  # magics; such a cell is not ours to look at
            continue
        for statement in statements:
            modules += _modules(statement, names)
            call = statement.value if isinstance(statement, ast.Expr) else None
            found = _page_call(call, names) if isinstance(call, ast.Call) else None
            calls += [found] if found else []
    return [name for name in dict.fromkeys(modules) if name.partition(".")[0] in KNOWN], calls


def is_thin(cells: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a notebook does nothing but open a quarter and call the package's page functions (是否只调用本程序的函数).

    Only of such a notebook it is known what it reads.
    """
    cells = [cell for cell in cells if cell["cell_type"] == "code" and "parameters" not in cell.get("metadata", {}).get("tags", [])]
    names: dict[str, str] = {}
    try:
        statements = [statement for cell in cells for statement in ast.parse("".join(cell["source"])).body]
    except SyntaxError:
        return False
    return all(_is_thin(statement, names) for statement in statements)


@contextlib.contextmanager
def plain_state() -> Iterator[None]:
    """What is done inside leaves the process as a fresh kernel shows it: plot settings, warning filters, environment (还原进程状态)."""
    import matplotlib

    filters, environment, folder, drawn = list(warnings.filters), dict(os.environ), Path.cwd(), dict.copy(matplotlib.rcParams)
    try:
        yield
    finally:
        _filter([one for one in warnings.filters if one in filters or _root(one) in KNOWN])  # a library that was imported meanwhile keeps its own
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        dict.update(matplotlib.rcParams, drawn)  # as they were, the backend that the environment names included; not through its checks, which warn


def _filter(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]  # also forgets which warnings were shown


def _root(one: Any) -> str:
    """The library whose warnings a filter is for; the tools that make pages (papermill, nbconvert and what they import) are not the notebook's."""
    return one[2].__module__.partition(".")[0]


def _is_thin(statement: ast.stmt, names: dict[str, str]) -> bool:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        modules = _modules(statement, names)
        return bool(modules) and all(name.partition(".")[0] == "linwu_stats" for name in modules)
    if isinstance(statement, ast.Assign):
        targets, opened = statement.targets, statement.value
        plain = len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id == "q" and isinstance(opened, ast.Call)
        return plain and ast.unparse(opened) in ("linwu_stats.open_quarter(quarter, home=home)", "linwu_stats.open_quarter(quarter, home)")
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and _page_call(statement.value, names) is not None


def _modules(statement: ast.stmt, names: dict[str, str]) -> list[str]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            names[alias.asname or alias.name] = alias.name
        return [alias.name for alias in statement.names]
    if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        inside = [f"{statement.module}.{alias.name}" for alias in statement.names]
        for alias, name in zip(statement.names, inside, strict=True):
            names[alias.asname or alias.name] = name
        return [statement.module, *(name for name in inside if name.startswith("linwu_stats.publish."))]
    return []


def _page_call(call: ast.Call, names: Mapping[str, str]) -> tuple[str, str, list[Any]] | None:
    function = call.func
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and not call.keywords):
        return None
    module = names.get(function.value.id, "")
    given = [one.id for one in itertools.takewhile(lambda one: isinstance(one, ast.Name), call.args)]  # type: ignore[attr-defined]
    rest = call.args[len(given) :]
    if not module.startswith("linwu_stats.publish.") or given not in (["q", "area"], ["q"], []) or not all(isinstance(one, ast.Constant) for one in rest):
        return None
    return module, function.attr, [None] * len(given) + [one.value for one in rest if isinstance(one, ast.Constant)]


def _open(wanted: Mapping[str, Any], calls: Mapping[str, list[Any]], troubles: list[str]) -> None:
    """Open the quarter for all children, and call what the pages call for one area of each kind: tables are read and joined once."""
    from linwu_stats.publish import plots
    from linwu_stats.publish.reads import WatchedQuarter
    from linwu_stats.quarter import share_quarter

    q = WatchedQuarter(wanted["quarter"], Path(wanted["home"]))
    share_quarter(q)
    with plots.drawn_at_most(_FIGURES):
        for path, area in zip(wanted["notebooks"], wanted["areas"], strict=True):
            for module, function, arguments in calls.get(path, []):
                with _noted(troubles, f"{module}.{function}"):
                    given = [*([q, area][: arguments.count(None)]), *arguments[arguments.count(None) :]]
                    getattr(getattr(importlib.import_module(module), function)(*given), "_repr_html_", str)()


def _export(characters: str) -> None:
    """One notebook of the package's own through nbconvert, the templates and the writer of workbooks."""
    import xlsxwriter  # noqa: F401
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    from linwu_stats.publish import html
    from linwu_stats.publish.fonts import font_face

    cell = new_code_cell("1", outputs=[new_output("execute_result", {"text/html": _NOTEBOOK}, execution_count=1)])
    nb = new_notebook(cells=[new_markdown_cell("## 一\n\n二 [三](index.html)"), new_code_cell("pass", metadata={"tags": ["setup"]}), cell])
    html._body(nb)
    for template in ("page.html.j2", "shell.html.j2"):
        html._environment().get_template(template)
    font_face("预热", characters)


@contextlib.contextmanager
def _noted(troubles: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        troubles.append(f"{what}: {type(error).__name__}: {error}")
