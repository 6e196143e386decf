"""The command line as its users call it: words, exit codes, nothing that looks like a fault of theirs when it is ours."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from linwu_stats.cli import main
from linwu_stats.ledgers.templates import TEMPLATES


def call(home: Path, *arguments: str):
    return CliRunner().invoke(main, ["--home", str(home), *arguments])


def test_help_names_every_command_in_both_languages(tmp_path):
    out = call(tmp_path, "--help").output
    for word in ("sample", "new", "run", "explain", "rules", "check", "report", "人均纯收入", "脱贫评估"):
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["rules", "--on", "2018-13-01"], 3, "YYYY-MM-DD"),
        (["rules", "--on", "1990-01-01"], 3, "该日无有效规则"),
        (["rules"], 2, "--on"),
        (["run", "2018Q9"], 3, "2018Q1"),
        (["run"], 3, "linwu-stats sample"),
        (["run", "2018Q1"], 3, "linwu-stats new 2018Q1"),
        (["new", "spring"], 3, "2018Q1"),
        (["explain", "1"], 3, "linwu-stats sample"),
        (["check", "nothing.xlsx"], 2, "nothing.xlsx"),
        (["sample", "--households", "3"], 2, "60"),
        (["dance"], 2, "dance"),
    ],
)
def test_a_wrong_call_says_what_to_do(tmp_path, arguments, code, words):
    result = call(tmp_path, *arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_rules_prints_sources_and_counts(tmp_path):
    out = call(tmp_path, "rules", "--on", "2018-03-31", "--prefix", "exit.county.target").output
    assert "4633" in out
    assert "临武县统计局" in out
    assert "1 条规则" in out


def test_rules_as_data(tmp_path):
    rows = json.loads(call(tmp_path, "rules", "--on", "2018-03-31", "--prefix", "line.", "--format", "json").output)
    assert {row["key"]: row["value"] for row in rows}["line.nbs"] == 2995
    table = list(csv.DictReader(io.StringIO(call(tmp_path, "rules", "--on", "2018-03-31", "--prefix", "line.", "--format", "csv").output)))
    assert len(table) == len(rows)


def test_an_override_is_shown(tmp_path):
    law = tmp_path / "data" / "law"
    law.mkdir(parents=True)
    (law / "own.yaml").write_text(
        "- key: price.rice\n  term: 稻谷折价\n  unit: yuan_per_kg\n  values:\n"
        "    - {from: 2014-01-01, value: 2.70, status: confirmed, document: 本县价格表}\n", encoding="utf-8")
    out = call(tmp_path, "rules", "--on", "2018-03-31", "--prefix", "price.rice").output
    assert "2.7" in out
    assert "data/law/own.yaml" in out
    assert "地方改写 1 条" in out


def test_new_makes_templates_with_lists_and_units_and_never_overwrites(tmp_path):
    result = call(tmp_path, "new", "2018Q2")
    assert result.exit_code == 0, result.output
    files = sorted((tmp_path / "data" / "2018Q2" / "ledgers").glob("*.xlsx"))
    assert len(files) == len(TEMPLATES)
    by_prefix = {path.name[:2]: path for path in files}
    items = openpyxl.load_workbook(by_prefix["02"])
    head = [cell.value for cell in items["台账"][2]]
    assert "金额(元)" in head
    lists = [rule for rule in items["台账"].data_validations.dataValidation if rule.type == "list"]
    assert len(lists) >= 3
    housing = openpyxl.load_workbook(by_prefix["05"])["台账"]
    assert any("A级" in str(rule.formula1) for rule in housing.data_validations.dataValidation)
    by_prefix["05"].write_bytes(b"filled in")
    assert call(tmp_path, "new", "2018Q2").exit_code == 0
    assert by_prefix["05"].read_bytes() == b"filled in"


@pytest.mark.parametrize("encoding", ["cp936", "ascii"])
def test_chinese_survives_a_console_of_another_code_page(tmp_path, encoding):
    run = subprocess.run(
        [sys.executable, "-m", "linwu_stats.cli", "--home", str(tmp_path), "rules", "--on", "2018-03-31", "--prefix", "line."],
        capture_output=True, env={**__import__("os").environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}, check=True,
    )
    assert "国家农村贫困标准" in run.stdout.decode("utf-8")


def test_explain_prints_one_household_line_by_line(small_home):
    from linwu_stats.quarter import open_quarter

    q = open_quarter("2018Q1", small_home)
    known = q.household_income[(q.household_income["period"] == "ytd") & q.household_income["net_fen"].notna()].iloc[0]
    result = call(small_home, "explain", known["household_id"])
    assert result.exit_code == 0, result.output
    assert f"{int(known['net_fen']) // 100:,}" in result.output
    for word in ("item.", "headcount.registered", "line.central_work"):
        assert word in result.output
    table = list(csv.DictReader(io.StringIO(call(small_home, "explain", known["household_id"], "--format", "csv").stdout)))
    assert {"rule_key", "amount_fen"} <= set(table[0])


def test_explain_of_a_household_that_is_not_there(small_home):
    result = call(small_home, "explain", "00431099999999")
    assert result.exit_code == 2
    assert "00431099999999" in result.output
