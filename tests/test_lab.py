"""The analyst's room: tables by Tab, Chinese headings, a kernel that is this Python, and changes that reach the next run."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from click.testing import CliRunner
from publish_workspace import QUARTER, TOWNSHIP, make_workspace, write_notebooks

import linwu_stats
from linwu_stats.cli import main
from linwu_stats.publish.batch import run_batch
from linwu_stats.quarter import QuarterError, open_quarter
from linwu_stats.tables import TABLES
from linwu_stats.tables.rich import frame_html

#: The module; the package names the command that it holds.
lab = importlib.import_module("linwu_stats.cli.lab")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("lab"))


def test_tables_come_by_tab_and_stay_plain_frames(home):
    q = open_quarter(QUARTER, home)
    assert set(TABLES) <= set(dir(q))
    assert type(q.households) is pd.DataFrame
    assert not q.households.attrs
    listed = q._repr_html_()
    assert all(f"<code>{name}</code>" in listed and table.title in listed for name, table in TABLES.items())


def test_show_gives_chinese_headings_units_and_terms(home):
    markup = open_quarter(QUARTER, home).show("households")._repr_html_()
    assert "贫困户表 households" in markup
    assert "登记人均纯收入（分）<br><code>recorded_percapita_fen</code>" in markup
    assert markup.count("<td>已脱贫</td>") == 3  # three of the six households are out
    assert "<td>未知</td>" in markup
    assert "6 行" in markup
    with pytest.raises(QuarterError, match="没有这张表"):
        open_quarter(QUARTER, home).show("household")


def test_a_long_frame_is_cut_and_counted_and_everything_is_text():
    frame = pd.DataFrame({"household_id": [f"<b>{number}" for number in range(1000)], "own column": range(1000)})
    markup = frame_html(frame, rows=20)
    assert markup.count("&lt;b&gt;") == 20
    assert "<b>" not in markup
    assert "1,000 行" in markup
    assert "户编号<br>" in markup


IN_SHELL = """
import sys, pandas as pd
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import linwu_stats
q = linwu_stats.open_quarter(None, sys.argv[1])
shown = shell.display_formatter.format(q.households[["household_id", "poverty_status"]].head(2))[0]["text/html"]
other = pd.DataFrame({"x": [1]})
print(q.quarter, "户编号" in shown, shell.display_formatter.format(other)[0]["text/html"] == other._repr_html_())
shell.user_ns["q"] = q
from IPython.core.completer import provisionalcompleter
with provisionalcompleter():
    print([one.text.strip(".") for one in shell.Completer.completions("q.household_inc", 15)])
"""


def test_a_session_shows_headings_completes_names_and_knows_the_quarter(home):
    environment = dict(os.environ, LINWU_QUARTER=QUARTER, PYTHONUTF8="1", IPYTHONDIR=str(home / "ipython"))
    done = subprocess.run([sys.executable, "-c", IN_SHELL, str(home)], capture_output=True, text=True, encoding="utf-8", env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == [f"{QUARTER} True True", "['household_income']"]


def test_without_a_quarter_the_message_says_how_to_write_one(home, monkeypatch):
    monkeypatch.delenv("LINWU_QUARTER", raising=False)
    with pytest.raises(QuarterError, match="季度写作 2018Q1"):
        open_quarter(None, home)


def test_the_kernel_is_this_python_whatever_others_there_are(tmp_path, monkeypatch):
    other = tmp_path / "other" / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text(json.dumps({"argv": ["another-python"], "display_name": "x", "language": "python"}), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "other"))
    environment = lab.lab_environment(tmp_path / "own", tmp_path, QUARTER)
    code = "from jupyter_client.kernelspec import KernelSpecManager as M; import os; print(M().get_kernel_spec('python3').argv[0], os.environ['LINWU_HOME'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", env=environment, check=True)
    assert done.stdout.split() == [sys.executable, str(tmp_path)]


def test_it_serves_this_machine_alone_from_the_folder_that_the_batch_uses(tmp_path):
    folder = write_notebooks(tmp_path / "notebooks")
    command = lab.lab_command(folder, no_browser=True, port=8899)
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert {f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1", "--no-browser", "--ServerApp.port=8899"} <= set(command)
    assert any("token" in part or "password" in part for part in command) is False, "the server's own token stays on"


def test_where_jupyterlab_is_missing_it_says_what_to_install(home, monkeypatch):
    monkeypatch.setattr(lab.importlib.util, "find_spec", lambda name: None)
    done = CliRunner().invoke(main, ["--home", str(home), "lab"])
    assert done.exit_code == 1
    assert 'pip install "linwu_stats[lab]"' in done.output
    assert "wheelhouse" in done.output


def test_a_change_in_a_notebook_is_in_the_next_run(tmp_path):
    home = make_workspace(tmp_path)
    folder = write_notebooks(home / "notebooks")
    run_batch(QUARTER, home, areas=[TOWNSHIP], workers=1)
    page = home / "reports" / f"{QUARTER}-selected" / f"{TOWNSHIP}_{QUARTER}.html"
    assert "分析员加的一段" not in page.read_text(encoding="utf-8")
    nb = nbformat.read(folder / "township.ipynb", as_version=4)
    nb.cells.append(nbformat.v4.new_markdown_cell("## 分析员加的一段\n\n看本县的新问题。"))
    nbformat.write(nb, folder / "township.ipynb")
    run_batch(QUARTER, home, areas=[TOWNSHIP], workers=1)
    assert "分析员加的一段" in page.read_text(encoding="utf-8")


def test_the_public_name_opens_a_quarter(home):
    assert linwu_stats.open_quarter("2018Q1", home).quarter == "2018Q1"
