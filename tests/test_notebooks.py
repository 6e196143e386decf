"""The notebooks that make the pages: thin, without output, and they run on a real quarter."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nbformat
import papermill
import pytest

from linwu_stats import open_quarter
from linwu_stats.publish.batch import PARAMETERS
from linwu_stats.publish.plan import check_notebooks, plan_pages
from linwu_stats.quarter import QuarterError

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.ipynb")))
#: What a notebook may not hold: that is work for the package.
FORBIDDEN = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Lambda,
    ast.For,
    ast.While,
    ast.With,
    ast.Try,
    ast.If,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(name: str) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def is_tagged(cell: nbformat.NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_stored_without_outputs_and_with_fixed_ids(name):
    raw = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert (raw["nbformat"], raw["nbformat_minor"]) == (4, 5)
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    nbformat.validate(nbformat.from_dict(raw))
    ids = [cell["id"] for cell in raw["cells"]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z0-9-]+", one) for one in ids)
    for cell in code_cells(name):
        assert cell.outputs == []
        assert cell.execution_count is None


@pytest.mark.parametrize("name", NAMES)
def test_one_parameters_cell_whose_defaults_cannot_be_published(name):
    cells = [cell for cell in code_cells(name) if is_tagged(cell, "parameters")]
    assert len(cells) == 1
    assert {target.id: node.value.value for node in ast.parse(cells[0].source).body for target in node.targets} == dict.fromkeys(PARAMETERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_thin(name):
    for cell in code_cells(name):
        tree = ast.parse(cell.source)
        assert not [node for node in ast.walk(tree) if isinstance(node, FORBIDDEN)], cell.source
        assert not re.search(r"\b(open|read_\w+|to_csv|Path|eval|exec)\(", cell.source), cell.source
        if not is_tagged(cell, "parameters") and not is_tagged(cell, "setup"):
            assert len(cell.source.splitlines()) == 1, cell.source


@pytest.mark.parametrize("name", NAMES)
def test_prose_in_chinese_stands_before_what_is_shown(name):
    cells = read(name).cells
    for number, cell in enumerate(cells):
        if cell.cell_type == "code" and not cell.metadata.get("tags"):
            before = next(one for one in reversed(cells[:number]) if one.cell_type == "markdown")
            assert len(re.findall(r"[\u4e00-\u9fff]", before.source)) > 12, cell.source
    titles = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines() if line.startswith("#")]
    assert titles[0].startswith("# ")
    assert not [line for line in titles[1:] if line.startswith("# ")]


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_left_at_its_defaults_stops_with_advice(name, small_home, monkeypatch):
    monkeypatch.setenv("LINWU_HOME", str(small_home))
    first = [cell.source for cell in code_cells(name)[:2]]
    with pytest.raises(QuarterError, match="write it as 2018Q1"):
        exec(compile("\n".join(first), name, "exec"), {})


def test_the_batch_accepts_the_notebooks(small_home):
    pages = plan_pages(open_quarter("2018Q1", home=small_home))
    assert {page.kind for page in pages} == set(NAMES)
    assert set(check_notebooks(FOLDER, pages, PARAMETERS)) == {f"{name}.ipynb" for name in NAMES}


def show_all(name: str, area: str, home: Path) -> list[str]:
    """HTML of every cell that shows something, run here as a kernel would run it."""
    scope = {"quarter": "2018Q1", "area": area, "home": str(home)}
    shown = []
    for cell in code_cells(name):
        if is_tagged(cell, "setup"):
            exec(compile(cell.source, name, "exec"), scope)
        elif not is_tagged(cell, "parameters"):
            shown.append(eval(compile(cell.source, name, "eval"), scope)._repr_html_())
    return shown


def visible(markup: str) -> str:
    return re.sub(r"<[^>]*>", " ", markup)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_through_papermill_and_shows_its_tables(name, small_home, tmp_path):
    page = next(page for page in plan_pages(open_quarter("2018Q1", home=small_home)) if page.kind == name)
    done = papermill.execute_notebook(
        str(FOLDER / f"{name}.ipynb"), str(tmp_path / "out.ipynb"), {"quarter": "2018Q1", "area": page.area, "home": str(small_home)},
        progress_bar=False, kernel_name="python3", cwd=str(tmp_path),
    )  # fmt: skip
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}  # no stream: no warning, no print
    page_html = "".join(output.data["text/html"] for output in outputs)
    assert not re.search(r"\bnan\b|<NA>|&lt;NA&gt;|\bNone\b|\bNaT\b", visible(page_html))
    assert len(outputs) == sum(1 for cell in code_cells(name) if not cell.metadata.get("tags"))


def test_every_kind_of_area_runs(small_home):
    q = open_quarter("2018Q1", home=small_home)
    counts = q.households["village_code"].value_counts()
    pages = plan_pages(q)
    villages = [page.area for page in pages if page.kind == "village"]
    smallest = min(villages, key=lambda code: counts.get(code, 0))
    townships = q.households["township_code"].value_counts()
    fewest = min((page.area for page in pages if page.kind == "township"), key=lambda code: townships.get(code, 0))
    for name, area in (("village", smallest), ("township", fewest)):
        for markup in show_all(name, area, small_home):
            assert not re.search(r"\bnan\b|<NA>|&lt;NA&gt;|\bNone\b|\bNaT\b", visible(markup))


def test_only_village_pages_list_households(small_home):
    q = open_quarter("2018Q1", home=small_home)
    county = q.rules.value("area.county")["code"]
    codes = set(q.households["household_id"])
    assert not codes & set(re.findall(r"\b\d{14}\b", visible("".join(show_all("county", county, small_home)))))
    village = q.households["village_code"][q.households["village_code"].isin([page.area for page in plan_pages(q) if page.kind == "village"])].iloc[0]
    page = visible("".join(show_all("village", village, small_home)))
    assert set(q.households.loc[q.households["village_code"] == village, "household_id"]) == codes & set(re.findall(r"\b\d{14}\b", page))
    assert not set(re.findall(r"\b\d{17}[\dXx]\b", page))


def test_the_table_cells_follow_the_register(small_home):
    """Counted again from the ledger tables by plain loops."""
    q = open_quarter("2018Q1", home=small_home)
    members: dict[str, int] = {}
    for household in q.persons["household_id"]:
        members[household] = members.get(household, 0) + 1
    poor = [row for row in q.households.to_dict("records") if row["poverty_status"] in ("not_out", "pre_out", "returned")]
    people = sum(members.get(row["household_id"], 0) for row in poor)
    rural = sum(int(value) for value in q.villages["rural_population_persons"])
    points = "".join(show_all("county", q.rules.value("area.county")["code"], small_home)[:3])
    assert f"其中未脱贫 {len(poor):,} 户 {people:,} 人" in points
    assert f"乡村户籍人口 {rural:,} 人计，贫困发生率 {int(people * 100_000 / rural + 5) // 10 / 100:.2f}%" in points
