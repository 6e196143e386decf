"""Two runs side by side: which figures changed, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from linwu_stats.cli import main
from linwu_stats.publish.compare import compare_runs, find_run
from linwu_stats.publish.plan import BatchError
from linwu_stats.tables import TABLES


def run(folder: Path, *, value=1.0, quarter="2018Q1", ledger="a", line="2995", code="c", notebook="n", tables=True) -> Path:
    """A run with one figure in one aggregated table."""
    (folder / "downloads").mkdir(parents=True)
    record = {
        "quarter": quarter, "started": "2018-04-20T08:00:00+00:00", "package": {"version": "0.1.0", "sha256": code * 64}, "libraries": {"pandas": "3"},
        "notebooks": {"county.ipynb": notebook}, "rules": [{"key": "line.nbs", "value": line, "origin": "packaged"}],
        "provenance": {"code_sha256": code, "inputs": [{"path": "人.xlsx", "sha256": ledger}], "earlier": []},
    }
    (folder / "run.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    row = {
        "level": "county", "area_code": "431025", "group_kind": "all", "group_value": "all", "period": "last4", "indicator": "gini", "value": value,
        "households": 100,
    }
    if tables:
        frame = pd.DataFrame([row, row | {"indicator": "watts_index", "value": 0.5}]).reindex(columns=TABLES["indicators"].names)
        frame.to_parquet(folder / "downloads" / "indicators.parquet")
    return folder


def test_the_same_run_has_no_change(tmp_path):
    found = compare_runs(run(tmp_path / "a"), run(tmp_path / "b"))
    assert found["same"]
    assert (found["changes"], found["causes"]) == ([], {})
    assert found["reason"] == "两次运行的来源和数字完全相同。"


@pytest.mark.parametrize(
    ("changed", "cause", "words"),
    [
        ({"ledger": "b"}, "data", "数据"), ({"line": "3535"}, "rule", "规则"), ({"code": "d"}, "code", "程序"), ({"notebook": "m"}, "notebook", "笔记本"),
    ],
)
def test_one_cause_is_the_cause(tmp_path, changed, cause, words):
    found = compare_runs(run(tmp_path / "a"), run(tmp_path / "b", value=1.25, **changed))
    assert list(found["causes"]) == [cause]
    assert found["reason"] == f"数字的变化都由{words}引起。"
    (change,) = found["changes"]
    assert (change["table"], change["column"], change["old"], change["new"], change["difference"]) == ("indicators", "value", 1.0, 1.25, 0.25)
    assert change["about"] == "county 431025 all all last4 gini"


def test_a_rule_shows_both_values_and_a_ledger_its_file(tmp_path):
    found = compare_runs(run(tmp_path / "a"), run(tmp_path / "b", value=2.0, line="3535", ledger="b"))
    assert [(rule["key"], rule["old"], rule["new"]) for rule in found["causes"]["rule"]] == [("line.nbs", "2995", "3535")]
    assert [(file["file"], file["change"]) for file in found["causes"]["data"]] == [("人.xlsx", "改动")]
    assert "不能从两次运行本身分清" in found["reason"]


def test_unknown_is_no_number(tmp_path):
    (change,) = compare_runs(run(tmp_path / "a", value=None), run(tmp_path / "b", value=1.0, ledger="b"))["changes"]
    assert (change["old"], change["new"], change["difference"]) == (None, 1.0, None)


def test_a_table_that_one_run_lacks_is_named(tmp_path):
    found = compare_runs(run(tmp_path / "a", tables=False), run(tmp_path / "b"))
    assert not found["same"]
    assert found["incomparable"] == {"indicators": "原运行没有此表"}


def test_the_command_finds_runs_by_quarter_and_says_so_by_its_code(tmp_path):
    run(tmp_path / "reports" / "2018Q1", value=2.0, ledger="b")
    run(tmp_path / "reports" / ".2018Q1.previous")
    call = ["--home", str(tmp_path), "compare", "2018Q1.previous", "2018Q1"]
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 1, result.output
    assert "数字的变化都由数据引起" in result.output
    shown = json.loads(CliRunner().invoke(main, [*call, "--format", "json"]).output)
    assert len(shown["changes"]) == 1
    assert "<table" in CliRunner().invoke(main, [*call, "--format", "html"]).output
    assert CliRunner().invoke(main, ["--home", str(tmp_path), "compare", "2018Q1", "2018Q1"]).exit_code == 0
    with pytest.raises(BatchError, match=r"2018Q1\.previous"):
        find_run("2019Q1", tmp_path / "reports")
