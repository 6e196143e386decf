"""No name, ID number or telephone number in an executed notebook, a page, a log or run.json, also where a cell fails with a message that holds them."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from planted import ID_IN_TEXT, PHONE, RARE
from publish_workspace import QUARTER, TOWNSHIP, make_workspace, notebook, write_notebooks

from linwu_stats.publish.batch import run_batch
from linwu_stats.quarter import open_quarter
from linwu_stats.tables import TABLES


def known(home: Path) -> list[str]:
    return (home / "planted.txt").read_text(encoding="utf-8").split("\n")


def leaks(text: str, needles: list[str]) -> list[str]:
    plain = re.sub(r"data:[a-z]+/[a-z0-9+.-]+;base64,[A-Za-z0-9+/=\s]*", "", text)
    return [needle for needle in needles if needle in plain]


def test_the_ledgers_do_hold_what_is_looked_for(planted_home):
    needles = known(planted_home)
    assert len(needles) > 100
    assert {*RARE, PHONE, ID_IN_TEXT} <= set(needles)
    said = (planted_home / "said" / "check-text.txt").read_text(encoding="utf-8")
    assert leaks(said, [ID_IN_TEXT]), "the check of a file is for the clerk who has it: it shows what it read"


def test_no_page_notebook_record_or_log_holds_a_person(planted_home):
    needles = known(planted_home)
    looked = 0
    for path in (planted_home / "reports").rglob("*"):
        if path.suffix in (".html", ".ipynb", ".json", ".txt", ".csv"):
            assert leaks(path.read_text(encoding="utf-8"), needles) == [], path.name
            looked += 1
    for name in ("run", "tables", "worklist", "review"):
        assert leaks((planted_home / "said" / f"{name}.txt").read_text(encoding="utf-8"), needles) == [], name
    assert looked > 15


def test_no_canonical_table_holds_a_person(planted_home):
    needles = set(known(planted_home))
    q = open_quarter(QUARTER, planted_home)
    pattern = re.compile("|".join(map(re.escape, sorted(needles, key=len, reverse=True))))
    for name in TABLES:
        frame = getattr(q, name)
        for column in frame.columns:
            if isinstance(frame[column].dtype, pd.StringDtype):
                hit = frame[column].dropna().str.extract(f"({pattern.pattern})", expand=False).dropna()
                assert hit.empty, (name, column, hit.iloc[0])
    assert leaks((planted_home / "data" / QUARTER / "tables" / "meta.json").read_text(encoding="utf-8"), sorted(needles)) == []


def test_the_work_lists_name_households_by_their_code(planted_home):
    import openpyxl

    needles = known(planted_home)
    for path in (planted_home / "reports" / f"{QUARTER}-worklist").glob("*.xlsx"):
        for sheet in openpyxl.load_workbook(path):
            text = "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)
            assert leaks(text, needles) == [], path.name


FAILURES = {
    "message": f"raise ValueError('household of {RARE[0]}, {ID_IN_TEXT}, {PHONE}')",
    "key": f"import pandas as pd\npd.DataFrame({{'a': [1]}}, index=['x']).loc['{ID_IN_TEXT}']",
    "merge": f"import pandas as pd\nf = pd.DataFrame({{'k': ['{ID_IN_TEXT}'] * 2}})\nf.merge(f, on='k', validate='1:1')",
    "assert": f"import pandas as pd\nf = pd.DataFrame({{'证件号码': ['{ID_IN_TEXT}'], '电话': ['{PHONE}']}})\nassert f.empty, f.to_string()",
    "printed": f"import sys\nprint('{ID_IN_TEXT}', file=sys.stderr)\n1 / 0",
}


@pytest.mark.parametrize("kind", ["message", "assert"])
def test_a_cell_that_fails_with_a_number_in_its_message_tells_nobody(kind, tmp_path):
    home = make_workspace(tmp_path)
    write_notebooks(home / "notebooks", township=_reading(home, FAILURES[kind]))
    result = run_batch(QUARTER, home, areas=[TOWNSHIP], workers=1)
    assert result.exit_code == 1
    written = [path for path in result.folder.rglob("*") if path.is_file()]
    assert len(written) >= 3
    for path in written:
        assert leaks(path.read_bytes().decode("utf-8", "replace"), [ID_IN_TEXT, PHONE]) == [], path.name
    assert leaks(" ".join(result.failures), [ID_IN_TEXT, PHONE]) == []


def _reading(home: Path, failure: str) -> nbformat.NotebookNode:
    """A notebook that takes its secret from a file, as an analyst's would, so that the code itself is harmless."""
    (home / "secret.txt").write_text(failure, encoding="utf-8")
    return notebook("from pathlib import Path\ntext = Path(home, 'secret.txt').read_text(encoding='utf-8')", "exec(text)")


@pytest.mark.parametrize("kind", sorted(FAILURES))
def test_an_executed_notebook_is_cleaned_of_numbers(kind):
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    from linwu_stats.publish.screen import clean_notebook

    nb = notebook(FAILURES[kind])
    with pytest.raises(CellExecutionError):
        NotebookClient(nb, kernel_name="python3").execute()
    assert ID_IN_TEXT in nbformat.writes(nb)
    cleaned, found = clean_notebook(nb)
    assert found > 0
    assert leaks(nbformat.writes(cleaned), [ID_IN_TEXT, PHONE]) == []
