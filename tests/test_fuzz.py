"""The reading of ledgers under random damage: what the fuzzer once found, a short run of it, and that its oracles see what they are for."""

from __future__ import annotations

import json
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import fuzz_ledgers
import fuzz_oracles
import fuzz_writers
import pytest

from linwu_stats.ledgers.outcome import render_check
from linwu_stats.ledgers.read import check, read_ledger

KEPT = sorted(fuzz_ledgers.KEPT.glob("*.json"))


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_kept_case(path, tmp_path):
    case = json.loads(path.read_text(encoding="utf-8"))
    assert fuzz_ledgers.fails(case, tmp_path) == "", case["breach"]


def test_short_run_finds_nothing():
    count, finds = fuzz_ledgers.run(seed=2018, seconds=12)
    assert finds == []
    assert count > 50


def test_cases_come_from_the_seed():
    one, two = random.Random(7), random.Random(7)
    assert [fuzz_ledgers.make_case(one) for _ in range(50)] == [fuzz_ledgers.make_case(two) for _ in range(50)]


def breach(operations, change, form="openpyxl"):
    """What the oracles say where the file is not what they are told was written."""
    with tempfile.TemporaryDirectory() as name:
        written = fuzz_writers.write_case({"form": form, "operations": operations}, fuzz_ledgers._clean(), Path(name))
        change(written)
        result = check(written.path)
        html, text = render_check(result, "html"), render_check(result, "text")
        return fuzz_oracles.first_breach(written, read_ledger(written.path), result["files"][0], html, text)


@pytest.mark.parametrize(("change", "word"), [
    (lambda written: written.rows[4][1].__setitem__(6, 1.0), "guessed: wage_fen of row 5"),
    (lambda written: written.rows[4][1].__setitem__(2, "11010519491231002X"), "guessed: id_number of row 5"),
    (lambda written: written.rows[4][1].__setitem__(3, "武水镇"), "guessed: township of row 5"),
    (lambda written: written.rows[2][1].__setitem__(14, "2016.11"), "guessed: exit_month of row 3"),
    (lambda written: written.rows[4][1].__setitem__(5, 1), "guessed: recorded_size_persons of row 5"),
    (lambda written: (written.rows.append(("household", ["x"])), written.numbers.append(99)), "rows: row 99"),
    (lambda written: None, ""),
])
def test_oracles_see_a_wrong_value_and_a_lost_row(change, word):
    found = breach([], change)
    assert word in found if word else found == ""


def test_oracles_see_a_wrong_total():
    with tempfile.TemporaryDirectory() as name:
        written = fuzz_writers.write_case({"form": "xls", "operations": []}, fuzz_ledgers._clean(), Path(name))
        ledger = read_ledger(written.path)
        rows = {int(number): place for place, number in enumerate(ledger.frame["_row"])}
        assert fuzz_oracles._total(written, ledger, rows) == ""
        ledger.net_income_yuan += Decimal("0.5")
        assert "total" in fuzz_oracles._total(written, ledger, rows)


def test_oracles_see_live_markup_and_control_characters():
    shown = check(fuzz_ledgers.KEPT.parent / "ledgers" / "001_clean.xlsx")["files"][0]
    assert fuzz_oracles._shape(shown, "<script>", "") and fuzz_oracles._shape(shown, "", "\u202e")
    assert not fuzz_oracles._shape(shown, "&lt;script>", "x\n")
    assert fuzz_oracles._shape({key: value for key, value in shown.items() if key != "rows"}, "", "")
