"""The papermill engine: the same outputs as a plain kernel, and nothing of one notebook in the next, by notebooks that try."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest
from nbclient.exceptions import DeadKernelError
from publish_workspace import COUNTY, OTHER_VILLAGE, QUARTER, TOWNSHIP, VILLAGE, good_notebook, make_workspace, notebook, write_notebooks

from linwu_stats.publish import engine, zygote, zygote_warm
from linwu_stats.publish.batch import run_batch
from linwu_stats.publish.worker import steady_streams

pytestmark = pytest.mark.crash

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
needs_fork = pytest.mark.skipif(not zygote.can_fork(), reason="this system does not copy processes")


def run(nb: Any, out: Path, name: str | None = engine.NAME, **options: Any) -> Any:
    return papermill.execute_notebook(nb, str(out), engine_name=name, kernel_name="python3", progress_bar=False, **options)


def outputs(nb: Any) -> list[str]:
    """A hash of what each cell shows; process numbers and the clock of the streams left out."""
    nb = nbformat.from_dict(json.loads(json.dumps(nb).replace("\\u001b", "")))
    steady_streams(nb)
    shown = [(cell.get("execution_count"), cell.get("outputs")) for cell in nb.cells]
    return [hashlib.sha256(json.dumps(one, sort_keys=True).encode()).hexdigest() for one in shown]


def said(nb: Any) -> str:
    return "".join(output.get("text", "") for cell in nb.cells for output in cell.get("outputs", []))


ALL_SORTS = (
    "1 + 1", "print('a'); import sys; print('b', file=sys.stderr)", "import pandas as pd\npd.DataFrame({'户': [1, None]})",
    "import os\nos.system('echo hi') and None",
    "!echo there", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('x');", "fig, ax = plt.subplots(); ax.bar([1], [2])\nfig",
    "shown = display('a', display_id='one')", "shown.update('b')", "from IPython.display import clear_output\nprint(1)\nclear_output()\nprint(2)",
    "%%bash\necho q", "_", "Out[2]", "await __import__('asyncio').sleep(0)\n5", "import subprocess\nsubprocess.run(['echo', 'there'])",
    "from IPython.display import HTML\nHTML('<b>x</b>')", "__name__", "def double(x):\n    return 2 * x\ndouble(4)", "exit()", "6",
)  # fmt: skip


@needs_fork
def test_same_outputs_as_a_plain_kernel_for_all_sorts_of_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # a kernel that sees it does not catch what programs print
    nb = notebook(*ALL_SORTS)
    ours, plain = run(nb, tmp_path / "ours.ipynb"), run(nb, tmp_path / "plain.ipynb", None)
    assert outputs(ours) == outputs(plain)
    assert ours.metadata.language_info == plain.metadata.language_info
    #: one for plt.plot; one shown and one as the cell's value for ``fig``; one for ``_``, which is that value again
    assert sum("image/png" in output.get("data", {}) for cell in ours.cells for output in cell.get("outputs", [])) == 4


@needs_fork
@pytest.mark.parametrize("kind", ["county", "township", "village", "methods"])
def test_pages_are_the_same_by_both_engines(kind: str, small_home: Path, tmp_path: Path) -> None:
    from linwu_stats import open_quarter
    from linwu_stats.publish.plan import plan_pages

    page = next(page for page in plan_pages(open_quarter(QUARTER, small_home)) if page.kind == kind)
    parameters = {"quarter": QUARTER, "area": page.area, "home": str(small_home)}
    source = str(NOTEBOOKS / f"{kind}.ipynb")
    ours, plain = (run(source, tmp_path / f"{name}.ipynb", name, parameters=parameters) for name in (engine.NAME, None))
    assert outputs(ours) == outputs(plain)
    assert sum(len(cell.get("outputs", [])) for cell in ours.cells) > 5


def test_batch_gives_the_same_bytes_by_both_engines_and_in_any_order(tmp_path: Path) -> None:
    found = []
    for name, chosen, workers in (("one", "plain", 2), ("two", None, 2), ("three", None, 1)):
        home = make_workspace(tmp_path / name)
        write_notebooks(home / "notebooks", village=notebook("print(1)", "import warnings; warnings.warn('w')", "import sys; print(2, file=sys.stderr)"))
        result = run_batch(QUARTER, home, engine=chosen, workers=workers)
        assert not [one for one in result.pages if one.failed]
        found.append({path.relative_to(result.folder).as_posix(): path.read_bytes() for path in result.folder.rglob("*") if path.is_file()})
        record = json.loads(found[-1].pop("run.json"))
        assert record["engine"] == ("plain" if chosen or not zygote.can_fork() else "linwu")
    assert found[0] == found[1] == found[2]


#: Everything of a process that one notebook could leave to the next, as text.
STATE = """
import builtins, gc, json, locale, logging, os, random, sys, warnings
import matplotlib as mpl, matplotlib.pyplot as plt, numpy as np, pandas as pd
state = {
    'rc': str(sorted((key, str(value)) for key, value in mpl.rcParams.items())), 'figures': plt.get_fignums(),
    'filters': [[action, getattr(text, 'pattern', text), f'{kind.__module__}.{kind.__name__}', getattr(where, 'pattern', where), line]
                for action, text, kind, where, line in warnings.filters],
    'cwd': os.getcwd(), 'mine': os.environ.get('MINE'), 'module': 'mine' in sys.modules, 'len': len([1, 2]),
    'mean': float(pd.Series([1.0, 2.0]).mean()), 'rows': pd.get_option('display.max_rows'), 'builtin': hasattr(builtins, 'mine'), 'path': 'mine' in sys.path,
    'names': sorted(name for name in globals() if name == 'left'), 'level': logging.getLogger().level, 'limit': sys.getrecursionlimit(),
    'err': str(np.geterr()), 'hook': sys.excepthook.__module__, 'locale': str(locale.getlocale()), 'trace': sys.gettrace() is None, 'collect': gc.isenabled(),
    'kept': getattr(sys.modules.get('linwu_stats'), 'mine', None), 'random': [random.random(), float(np.random.rand())],
}
print(json.dumps(state))
"""
SABOTAGE = """
import builtins, gc, logging, os, random, sys, types, warnings
import linwu_stats, matplotlib as mpl, matplotlib.pyplot as plt, numpy as np, pandas as pd
left = 1
mpl.rcParams.update({'font.size': 33, 'figure.dpi': 7})
plt.figure()
mpl.use('agg')
warnings.simplefilter('error')
os.environ['MINE'] = '1'
os.chdir('/')
sys.modules['mine'] = types.ModuleType('mine')
sys.path.insert(0, 'mine')
builtins.mine = 1
pd.Series.mean = lambda self: -1
pd.set_option('display.max_rows', 1)
linwu_stats.mine = 'left'
linwu_stats.open_quarter = None
random.seed(1); np.random.seed(1); np.seterr(all='raise')
logging.getLogger().setLevel(1); sys.setrecursionlimit(4321); gc.disable()
get_ipython().run_line_magic('config', "InlineBackend.figure_formats = ['svg']")
sys.excepthook = print
builtins.len = lambda x: 99
"""


def assert_filters_of_the_same_libraries(ours: dict[str, Any], plain: dict[str, Any]) -> None:
    """Takes the filters out of both: the same in the same order, but for those that libraries imported in advance have set for their own warnings.

    A kernel in which the notebook has imported fewer libraries cannot have those; they decide over no warning of any other library.
    """
    had, theirs = ([tuple(one) for one in state.pop("filters")] for state in (ours, plain))
    assert [one for one in had if one in theirs] == theirs
    assert {one[2].partition(".")[0] for one in had if one not in theirs} <= zygote_warm.KNOWN


@needs_fork
def test_state_never_leaks_from_one_notebook_to_the_next(tmp_path: Path) -> None:
    """The saboteur runs between two that print their state, and a plain kernel says what a fresh state is."""
    first = run(notebook(STATE), tmp_path / "1.ipynb")
    with contextlib.suppress(papermill.PapermillExecutionError, DeadKernelError):  # what it breaks may break its own cell, or its own process
        run(notebook(SABOTAGE), tmp_path / "2.ipynb")
    second = run(notebook(STATE), tmp_path / "3.ipynb")
    plain = run(notebook(STATE), tmp_path / "4.ipynb", None)
    states = [json.loads(said(one)) for one in (first, second, plain)]
    draws = [state.pop("random") for state in states]
    assert states[0] == states[1]
    assert_filters_of_the_same_libraries(states[0], states[2])
    assert states[0] == states[2]
    assert draws[0] != draws[1], "a copied generator would draw the same numbers in every notebook"


@needs_fork
def test_warm_up_leaves_nothing_in_the_pages(tmp_path: Path) -> None:
    """In a batch the zygote has called the page functions before; a page must not see that, and the saboteur next door reaches no page."""
    home = make_workspace(tmp_path)
    calls = "import linwu_stats\nfrom linwu_stats.publish import pages\nq = linwu_stats.open_quarter(quarter, home=home)"
    county = notebook(STATE, calls, "pages.key_figures(q, area)")
    write_notebooks(home / "notebooks", county=county, township=notebook(calls, SABOTAGE), village=notebook(STATE))
    chosen = [COUNTY, TOWNSHIP, VILLAGE, OTHER_VILLAGE]
    result = run_batch(QUARTER, home, workers=1, areas=chosen, limit_seconds=20)  # a process that the saboteur has broken may never end
    assert not [one.reason for one in result.pages if one.failed and one.page.kind != "township"]
    ours = states_of(result)
    plain = states_of(run_batch(QUARTER, home, workers=1, areas=[COUNTY, VILLAGE], engine="plain"))
    assert set(ours) == {COUNTY, VILLAGE, OTHER_VILLAGE}
    assert ours[VILLAGE] == ours[OTHER_VILLAGE]
    for area in (COUNTY, VILLAGE):
        assert_filters_of_the_same_libraries(ours[area], plain[area])
        assert ours[area] == plain[area]


def states_of(result: Any) -> dict[str, dict[str, Any]]:
    """What the pages of the county and of the villages printed, without the numbers drawn."""
    kept = {one.page.area: result.folder / "notebooks" / f"{one.page.stem}.ipynb" for one in result.pages if one.page.kind in ("county", "village")}
    found = {area: json.loads(said(nbformat.read(path, as_version=4))) for area, path in kept.items()}
    return {area: {name: value for name, value in state.items() if name != "random"} for area, state in found.items()}


@needs_fork
def test_figures_are_drawn_in_every_notebook_not_only_in_the_first(tmp_path: Path) -> None:
    """The inline backend keeps its state on a function: in a reused process every figure after the first notebook vanished without a word."""
    for number in range(3):
        done = run(notebook("import matplotlib.pyplot as plt\nplt.plot([1, 2]);"), tmp_path / f"{number}.ipynb")
        assert [sorted(output.data) for output in done.cells[-1].outputs] == [["image/png", "text/plain"]]


@needs_fork
def test_functions_of_a_notebook_can_be_sent_to_a_process_pool(tmp_path: Path) -> None:
    """IPython replaces ``__main__``; a pool that is forked by a notebook must find its functions there."""
    cell = "import multiprocessing\ndef double(x):\n    return 2 * x\n"
    cell += "with multiprocessing.get_context('fork').Pool(2) as pool:\n    print(pool.map(double, [1, 2]))"
    assert said(run(notebook(cell), tmp_path / "out.ipynb")) == "[2, 4]\n"


@pytest.mark.parametrize("first", ["linwu_stats.publish.engine", "linwu_stats.publish.zygote", "linwu_stats.publish.batch", "papermill"])
def test_whatever_is_imported_first_papermill_finds_the_engine(first: str) -> None:
    """Papermill loads the engine while it is itself half imported."""
    code = f"import {first}\nimport papermill.engines as e\nprint(issubclass(e.papermill_engines.get_engine('linwu'), e.Engine))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True)
    assert done.stdout == "True\n"


def test_command_line_of_papermill_knows_the_engine(tmp_path: Path) -> None:
    nbformat.write(notebook("print(area)"), tmp_path / "in.ipynb")
    command = [sys.executable, "-m", "papermill", "--engine", "linwu", "in.ipynb", "out.ipynb", "-r", "area", "043102501", "--no-progress-bar"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert said(nbformat.read(tmp_path / "out.ipynb", as_version=4)) == "043102501\n"


@needs_fork
def test_folder_and_environment_are_those_of_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """papermill's ``cwd`` holds for the whole process: the copy takes the caller's at that moment and leaves it alone."""
    monkeypatch.setenv("MINE", "here")
    (tmp_path / "inside").mkdir()
    cell = "import os\nprint(os.getcwd(), os.environ['MINE'], os.environ.get('OPENBLAS_NUM_THREADS'))"
    done = run(notebook(cell), tmp_path / "out.ipynb", cwd=str(tmp_path / "inside"))
    assert said(done) == f"{tmp_path / 'inside'} here {os.environ.get('OPENBLAS_NUM_THREADS')}\n"


@needs_fork
def test_failure_death_and_time_limit_are_told_as_by_a_plain_kernel(tmp_path: Path) -> None:
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    with pytest.raises(PapermillExecutionError, match="ValueError"):
        run(notebook("raise ValueError('x')", "never = 1"), tmp_path / "1.ipynb")
    kept = nbformat.read(tmp_path / "1.ipynb", as_version=4)
    assert kept.metadata.papermill.exception is True
    assert kept.cells[-1].execution_count is None
    with pytest.raises(DeadKernelError):
        run(notebook("import os\nos._exit(3)"), tmp_path / "2.ipynb")
    began = time.monotonic()
    with pytest.raises(CellTimeoutError):
        run(notebook("while True:\n    pass"), tmp_path / "3.ipynb", execution_timeout=2)
    assert time.monotonic() - began < 20
    nb = notebook("raise ValueError('x')", "print(7)")
    nb.cells[1].metadata["tags"] = ["raises-exception"]
    for name in (engine.NAME, None):  # the cells after it run; papermill tells the error all the same
        with pytest.raises(PapermillExecutionError, match="ValueError"):
            run(nb, tmp_path / "4.ipynb", name)
        assert said(nbformat.read(tmp_path / "4.ipynb", as_version=4)).endswith("7\n")


def test_without_fork_a_plain_kernel_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "can_fork", lambda: False)
    done = run(notebook("get_ipython().kernel is not None"), tmp_path / "out.ipynb")
    assert done.cells[-1].outputs[0].data["text/plain"] == "True"


def test_notebook_of_another_language_is_not_ours() -> None:
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}})
    assert not engine._own_kernel("ir", nb)


def test_thin_notebooks_are_known_from_those_that_may_read_anything() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        assert zygote_warm.is_thin(json.loads(path.read_text(encoding="utf-8"))["cells"]), path.name
    for strange in ("open('x')", "import pandas", "from linwu_stats.publish import pages\nx = pages.title(q, area)", "print(1)", "!ls", "for i in []: pass"):
        assert not zygote_warm.is_thin(notebook(strange).cells), strange
    assert not zygote_warm.is_thin(good_notebook().cells)


def test_batch_tells_areas(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", **{kind: notebook("print(area)") for kind in ("county", "township", "village", "methods")})
    result = run_batch(QUARTER, home, areas=[COUNTY, TOWNSHIP])
    told = {one.page.area: said(nbformat.read(result.folder / "notebooks" / f"{one.page.stem}.ipynb", as_version=4)) for one in result.pages}
    assert told == {COUNTY: f"{COUNTY}\n", TOWNSHIP: f"{TOWNSHIP}\n"}
