"""The house stands as its plan says: import law, law keys, one producer a table, plain files."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from linwu_stats.rules import rules_at
from linwu_stats.tables import TABLES

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "linwu_stats"
SOURCES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
STAGES = ("ledgers", "income", "indicators", "exits", "disclosure")
#: What each room may import of the package.
ALLOWED = {
    "tables": set(), "store": set(), "rules": {"tables"}, "survey": {"tables"},
    **{stage: {"tables", "rules", "survey"} for stage in STAGES}, "synthetic": {"tables"},
    "quarter": {"tables", "rules", "survey", "store", *STAGES},
    "publish": {"tables", "rules", "survey", "store", "quarter", "indicators", "exits", "disclosure"},
    "cli": {"tables", "rules", "survey", "quarter", "publish", "synthetic", *STAGES},
    "__init__": {"quarter", "rules"},
}
FAMILIES = "indicator|line|item|price|headcount|period|income|exit|township|area|reconcile|flag|review|quality|estimate|lookback|stability|disclosure"
KEY = re.compile(rf"^({FAMILIES})\.[a-z0-9_.]*$")


def room(name: str) -> str:
    return name.split("/", maxsplit=1)[0].removesuffix(".py")


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=path.name)


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(tree(path)):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "linwu_stats" and len(parts) > 1 and ((PACKAGE / parts[1]).is_dir() or (PACKAGE / f"{parts[1]}.py").is_file()):
                rooms.add(parts[1])
    return rooms


@pytest.mark.parametrize("name", SOURCES)
def test_import_law(name):
    here = room(name)
    strangers = imported_rooms(SOURCES[name]) - ALLOWED[here] - {here}
    assert not strangers, f"{name} imports {sorted(strangers)}; {here} may import {sorted(ALLOWED[here])}"


def literals(path: Path) -> tuple[set[str], set[str]]:
    """Whole strings, and the beginnings of formatted ones."""
    whole, starts = set(), set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
            starts.add(node.values[0].value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            whole.add(node.value)
    return whole, starts


def package_literals() -> tuple[set[str], set[str]]:
    whole, starts = set(), set()
    for name, path in SOURCES.items():
        if room(name) not in ("rules", "synthetic"):
            more_whole, more_starts = literals(path)
            whole |= more_whole
            starts |= more_starts
    return whole, starts


def test_every_law_key_in_the_code_exists():
    whole, starts = package_literals()
    keys = set(rules_at("2018-03-31"))
    for text in sorted(whole | starts):
        if KEY.match(text):
            found = any(key == text or (text.endswith((".", "_")) and key.startswith(text)) for key in keys)
            assert found, f"the code names {text}, which no rule file has"


def test_every_law_key_is_used():
    whole, starts = package_literals()
    used = {text for text in whole if KEY.match(text)}
    prefixes = {text for text in whole | starts if KEY.match(text) and text.endswith((".", "_"))}
    #: Keys that are used one by one must be named one by one; families are used through their prefix.
    families = ("item.", "price.", "township.", "line.", "headcount.", "period.", "reconcile.", "flag.", "stability.shock.")
    for key in rules_at("2018-03-31"):
        by_family = any(key.startswith(prefix) for prefix in prefixes if prefix.startswith(families))
        by_year = key.startswith("exit.county.target_") and "exit.county.target_" in prefixes
        assert key in used or by_family or by_year, f"no code uses the rule {key}"


def test_every_table_has_one_producer():
    makers = [table.made_by for table in TABLES.values()]
    assert len(makers) == len(set(makers))
    for table in TABLES.values():
        module, name = table.made_by.rsplit(".", 1)
        assert callable(getattr(import_module(module), name)), f"{table.name} is made by {table.made_by}, which is not there"


def test_only_the_producer_conforms_a_table():
    calls: dict[str, set[str]] = {}
    for name, path in SOURCES.items():
        for node in ast.walk(tree(path)):
            called = node.func if isinstance(node, ast.Call) else None
            title = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
            if title == "conform" and len(node.args) == 2 and isinstance(node.args[1], ast.Constant):
                calls.setdefault(node.args[1].value, set()).add(name)
    for table, files in calls.items():
        maker = TABLES[table].made_by.removeprefix("linwu_stats.").rsplit(".", 1)[0].replace(".", "/") + ".py"
        inside = {file for file in files if room(file) not in ("quarter", "synthetic")}
        assert inside <= {maker, maker.replace(".py", "/__init__.py"), *(f for f in inside if room(f) == room(maker))}, f"{table}: {files}"


@pytest.mark.parametrize("name", SOURCES)
def test_files_are_opened_with_their_encoding_named(name):
    for node in ast.walk(tree(SOURCES[name])):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("read_text", "write_text"):
            assert any(keyword.arg == "encoding" for keyword in node.keywords), f"{name}:{node.lineno}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            assert any(keyword.arg == "encoding" for keyword in node.keywords) or "b" in ast.unparse(node), f"{name}:{node.lineno}"


#: The one module that copies processes. It asks ``can_fork`` before anything else, and pages are made with plain kernels where it says no: a copied process
#: saves the second and a half that each notebook spends on imports, and no portable call does that.
MAY_FORK = "publish/zygote.py"


@pytest.mark.parametrize("name", sorted(set(SOURCES) - {MAY_FORK}))
def test_nothing_that_only_one_system_has(name):
    text = SOURCES[name].read_text(encoding="utf-8")
    for call in ("os.fork(", "os.getuid(", "signal.SIGKILL", "signal.SIGALRM", "import fcntl", "import resource", "import pwd"):
        assert call not in text, f"{name} uses {call}, which Windows does not have"


def test_the_module_that_copies_processes_stands_behind_its_guard():
    text = SOURCES[MAY_FORK].read_text(encoding="utf-8")
    assert text.count("os.fork(") == 1
    assert "import fcntl" not in text
    assert "import pwd" not in text
    main = next(node for node in tree(SOURCES[MAY_FORK]).body if isinstance(node, ast.FunctionDef) and node.name == "main")
    assert ast.unparse(main.body[1].test) == "not can_fork()"
    top = {alias.name for node in tree(SOURCES[MAY_FORK]).body if isinstance(node, ast.Import) for alias in node.names}
    assert not top & {"resource", "fcntl", "pwd", "grp", "termios"}, "the module must be importable everywhere"


@pytest.mark.parametrize("name", [name for name in SOURCES if name.split("/")[-1] not in ("__init__.py", "__main__.py")])
def test_modules_and_public_functions_say_what_they_are(name):
    module = tree(SOURCES[name])
    assert ast.get_docstring(module), f"{name} has no docstring"
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}: {node.name} has no docstring"


def test_the_dictionary_in_the_docs_is_true():
    from linwu_stats.tables import dictionary_text

    assert (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8") == dictionary_text()


def test_no_path_that_windows_refuses():
    for path in ROOT.rglob("*"):
        if any(part in (".git", ".venv", ".cache", "data", "reports", "wheelhouse") for part in path.relative_to(ROOT).parts):
            continue
        assert not re.search(r'[<>:"|?*\\]|[. ]$', path.name), path.name
        assert path.stem.upper() not in ("CON", "PRN", "AUX", "NUL"), path.name
