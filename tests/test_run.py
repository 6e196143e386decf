"""The commands of a fresh clone (run.py): real runs in small checkouts that need no network."""

from __future__ import annotations

import ast
import configparser
import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCE = (ROOT / "run.py").read_text(encoding="utf-8")
PIP = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"
ANNOUNCED = "Setting up the environment"

# A package as small as can be, under the real name, with its own build backend: setting it up needs no index.
BACKEND = """
import zipfile
NAME = "linwu_stats-0.1.0"
def get_requires_for_build_editable(config_settings=None):
    return []
def build_editable(directory, config_settings=None, metadata_directory=None):
    wheel = NAME + "-0.editable-py3-none-any.whl"
    info = NAME + ".dist-info/"
    with zipfile.ZipFile(directory + "/" + wheel, "w") as archive:
        archive.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: linwu_stats\\nVersion: 0.1.0\\nProvides-Extra: test\\n")
        archive.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(info + "RECORD", "")
    return wheel
"""
CLI = """
import os, sys
print(sys.prefix, *sys.argv[1:], os.environ["PYTHONUTF8"], os.environ["OPENBLAS_NUM_THREADS"], os.environ["MPLCONFIGDIR"], os.getcwd(), sep="|")
sys.exit(7)
"""


def run(checkout: Path, *words: str, isolated: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """run.py as a person starts it; isolated: from a Python that sees no installed package."""
    flags = ["-I", "-S"] if isolated else []
    command = [sys.executable, *flags, str(checkout / "run.py"), *words]
    settings = {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_NUM_THREADS", "MPLCONFIGDIR", "MPLBACKEND")}
    return subprocess.run(command, env={**settings, **environment}, capture_output=True, encoding="utf-8", check=False)


def made_in(checkout: Path) -> Path:
    shutil.copy(ROOT / "run.py", checkout)
    shutil.copytree(ROOT / "tools", checkout / "tools")
    (checkout / "setup.cfg").write_text("[options]\ninstall_requires =\n[options.extras_require]\ntest =\n", encoding="utf-8")
    (checkout / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n', encoding="utf-8")
    (checkout / "constraints.txt").write_text("# nothing\n", encoding="utf-8")
    (checkout / "backend.py").write_text(BACKEND, encoding="utf-8")
    (checkout / "linwu_stats").mkdir()
    (checkout / "linwu_stats" / "__init__.py").write_text("", encoding="utf-8")
    (checkout / "linwu_stats" / "cli.py").write_text(CLI, encoding="utf-8")
    return checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "a clone 克隆"
    folder.mkdir()
    return made_in(folder)


@pytest.fixture
def no_uv(tmp_path: Path) -> str:
    """A PATH that holds nothing."""
    (tmp_path / "empty").mkdir()
    return str(tmp_path / "empty")


def test_old_pythons_can_read_it() -> None:
    tree = ast.parse(SOURCE, feature_version=(3, 6))
    future = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert not future, "Python 3.6 knows no postponed annotations"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    annotations = [note for function in functions for note in [function.returns, *(argument.annotation for argument in function.args.args)]]
    assert annotations and all(isinstance(note, ast.Name | ast.Constant) for note in annotations), "evaluated at once by old Pythons"


def test_only_the_standard_library() -> None:
    imported = set()
    for node in ast.walk(ast.parse(SOURCE)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    assert "subprocess" in imported
    assert imported <= set(sys.stdlib_module_names)


def started_by_python_3_8(checkout: Path, path: str) -> subprocess.CompletedProcess[str]:
    start = f"runpy.run_path({str(checkout / 'run.py')!r}, run_name='__main__')"
    pretend = f"import sys, runpy; sys.version_info = (3, 8, 10); sys.argv = ['run.py', '--help']; {start}"
    command = [sys.executable, "-I", "-c", pretend]
    return subprocess.run(command, env={**os.environ, "PATH": path, "PYTHONUTF8": "1"}, capture_output=True, encoding="utf-8", check=False)


def test_an_old_python_says_what_is_missing(checkout: Path, no_uv: str) -> None:
    done = started_by_python_3_8(checkout, no_uv)
    assert done.returncode == 4
    chinese, english = done.stderr.splitlines()
    assert "需要 Python 3.11" in chinese and "3.8.10" in chinese
    assert "Python 3.11 or newer is needed" in english and "3.8.10" in english


@pytest.mark.skipif(os.name == "nt", reason="links to a Python need no rights on POSIX only")
def test_an_old_python_hands_over_to_a_newer_one(checkout: Path, no_uv: str) -> None:
    newer = f"python3.{sys.version_info.minor}"
    Path(no_uv, newer).symlink_to(sys.executable)
    done = started_by_python_3_8(checkout, no_uv)
    assert (done.returncode, done.stderr) == (0, "")
    assert "run.py report" in done.stdout


def test_offline_without_wheelhouse_is_one_sentence(checkout: Path) -> None:
    done = run(checkout, "--offline", "report", PYTHONIOENCODING="utf-8")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 2
    assert "wheelhouse" in done.stderr.splitlines()[1]
    assert not (checkout / ".venv").exists()


def test_offline_with_an_incomplete_wheelhouse_names_what_it_lacks(checkout: Path, no_uv: str) -> None:
    (checkout / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools"]\n', encoding="utf-8")
    (checkout / "constraints.txt").write_text("# pins\npip==26.3\ntypeguard==4.4.0\ncolorama==0.4.6 ; sys_platform == 'none'\n", encoding="utf-8")
    (checkout / "wheelhouse").mkdir()
    shutil.copy(ROOT / "tools" / PIP, checkout / "wheelhouse")
    done = run(checkout, "report", "--offline", PATH=no_uv)
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].startswith("The wheelhouse is incomplete, it lacks typeguard==4.4.0: ")
    assert (checkout / ".venv" / "set-up.txt").read_text(encoding="utf-8") == "unfinished"


def test_life_of_an_environment(checkout: Path, no_uv: str) -> None:
    """Made once, left alone while nothing changes, brought up to date after a change, made anew when unfinished or broken."""
    environment = checkout / ".venv"
    stamp = environment / "set-up.txt"
    stray = environment / "stray.txt"

    def again() -> bool:
        done = run(checkout, "run", "2018Q1", "a b", PATH=no_uv)
        assert done.returncode == 7, done.stderr
        answer = done.stdout.splitlines()[-1].split("|")
        assert answer == [str(environment), "run", "2018Q1", "a b", "1", "1", str(checkout / ".cache" / "matplotlib"), str(checkout)]
        return ANNOUNCED in done.stderr

    assert again()
    first = stamp.read_text(encoding="utf-8")
    stray.touch()
    assert not again()

    (checkout / "constraints.txt").write_text("# changed\n", encoding="utf-8")
    assert again()
    assert stamp.read_text(encoding="utf-8") != first
    assert stray.exists(), "brought up to date in place"

    stamp.write_text("unfinished", encoding="utf-8")
    assert again()
    assert not stray.exists(), "made anew"

    stray.touch()
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    python.unlink()
    assert again()
    assert not stray.exists(), "made anew"
    assert not again()


def test_nothing_is_installed_inside_an_environment_that_has_the_package(checkout: Path) -> None:
    try:
        version("linwu_stats")
    except PackageNotFoundError:
        pytest.skip("the package is not installed in this environment")
    for name in ("setup.cfg", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    tests = run(checkout, "test", "--version", "--offline", isolated=False)
    assert tests.returncode == 0, tests.stderr
    assert f"pytest {pytest.__version__}" in tests.stdout + tests.stderr
    other = run(checkout, "sample", "--offline", isolated=False)
    assert other.returncode == 7
    assert other.stdout.split("|")[:2] == [sys.prefix, "sample"]
    assert not (checkout / ".venv").exists()

    declared = (checkout / "setup.cfg").read_text(encoding="utf-8")
    (checkout / "setup.cfg").write_text(re.sub(r"pandas >= [\d.]+", "pandas >= 999", declared), encoding="utf-8")
    too_old = run(checkout, "sample", "--offline", isolated=False)
    assert too_old.returncode == 4, "a dependency that is too old does not count"


def test_wrappers_are_two_lines() -> None:
    assert (ROOT / "run.bat").read_bytes() == b'@echo off\r\npy -3 "%~dp0run.py" %*\r\n'
    assert (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() == ["report test:", "\tpython3 run.py $@"]
    assert "python3 run.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_pip_that_is_shipped_is_the_published_one() -> None:
    wheel = ROOT / "tools" / PIP
    assert f'"{PIP}"' in SOURCE
    assert hashlib.sha256(wheel.read_bytes()).hexdigest() == PIP_SHA256


def test_every_dependency_is_pinned_within_what_is_declared() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pins = dict(re.fullmatch(r"([a-z0-9-]+)==([\w.]+)(?: ; .+)?", line).groups() for line in lines)
    assert len(pins) == len(lines), "one version of each"
    assert not [line for line in lines if "python_full_version" in line and re.search(r"\d+\.\d+\.\d", line.split(";")[1])], (
        "one wheelhouse serves every 3.11: no pin may hang on the third part of Python's version"
    )
    declared = configparser.ConfigParser(interpolation=None)
    declared.read(ROOT / "setup.cfg", encoding="utf-8")
    needs = declared["options"]["install_requires"] + declared["options.extras_require"]["test"]
    wanted = re.findall(r"^([\w-]+) *>= *([\d.]+)$", needs, re.MULTILINE)
    assert len(wanted) == len(needs.split("\n")) - needs.split("\n").count(""), "run.py reads lines of the form: name >= version"
    for name, least in wanted:
        pin = [int(part) for part in re.findall(r"\d+", pins[name.lower()])]
        assert pin >= [int(part) for part in least.split(".")], name


@pytest.mark.fresh
@pytest.mark.skipif(not (ROOT / "wheelhouse").is_dir(), reason="needs the folder that run.py wheelhouse fills")
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_fresh_environment_from_the_wheelhouse(tmp_path: Path, no_uv: str, installer: str) -> None:
    if installer == "uv" and not shutil.which("uv"):
        pytest.skip("uv is not here")
    for name in ("run.py", "setup.cfg", "pyproject.toml", "constraints.txt", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("linwu_stats", "tools", "wheelhouse"):
        shutil.copytree(ROOT / name, tmp_path / name)
    path = os.environ["PATH"] if installer == "uv" else no_uv
    done = run(tmp_path, "rules", "--help", "--offline", PATH=path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / ".venv" / "set-up.txt").is_file()
