"""A fuzzer for the reading of ledgers (台账读取的模糊测试).

    python -m tests.fuzz_ledgers --minutes 60 --seed 1

A case is a list of operations on a small clean ledger, and the form in which it is written. Reading it must keep what these oracles ask, none of which uses
the reader's own parsing: no exception; time within a bound; JSON with all documented fields; no household row silently gone; no value that is neither what was
written nor unknown with a finding; the control total is the sum over the usable cells. A case that breaks one is cut down to the fewest operations and kept
as JSON under ``tests/data/fuzz``, which ``test_fuzz.py`` replays.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import fuzz_oracles
import fuzz_writers
from ledger_files import clean_rows

from linwu_stats.ledgers.outcome import render_check
from linwu_stats.ledgers.read import check, read_ledger

KEPT = Path(__file__).parent / "data" / "fuzz"
HOUSEHOLDS = 14
SECONDS = 2.0
FORMS = ("xlsx", "xlsx_shared", "openpyxl", "csv", "csv_gbk", "csv_utf16", "tab", "xls", "html", "spreadsheetml")
Case = dict[str, Any]

#: Characters and words that real ledgers have where they do not belong.
CHARACTERS = list(
    " \u00a0\u3000\u200b\u202e\ufeff\t\n'\"`*?？·.．,，;；:：-－—~+=/\\()（）[]【】<>&@#%$^|_{}!"
    "约余多几无元万千百一二三十OolIXx０１２９Ａ①²½٣\ue863\ufffd□𠮷é\u0301"
)
WORDS: list[Any] = [
    None, "", " ", "-", "—", "/", "无", "不详", "#N/A", "#DIV/0!", "#REF!", "约300", "3-4", "300~400", "3000元", "0.3万元", "￥300", "1,234.50",
    "１２３", "3OO", "三百",
    "300(含低保)", "=1+1", "'300", "1e5", "1.5E+03", "NaN", "inf", "-300", "(300)", "30%", "True", "否", "是", "合计", "小计", "总计", "本页合计",
    "平均", "填表人：某", "备注",
    "说明", "户编号", "未脱贫", "已脱贫", "返贫", "脱贫", "2017.12", "2018.1", "2018.10", "2017年12月", "201712", "2017/12/31", "43070", "2099.01",
    "2017.13", "17.12",
    "43109919430430103", "431099194304301030", "431099430430103", "431099********1031", "4.31099E+17", "43109919430430103143", "舜峰", "南强",
    "甲一", "〃", "同上",
    "<script>alert(1)</script>", "{{7*7}}", "{% x %}", "../../etc/passwd", "=cmd|' /C calc'!A0", "@SUM(A1)", "\x07", "x" * 300, "刘 英", "刘?英",
    "刘\ue863",
    0, 1, -1, 0.1, 1e15, 1e300, -0.0, 4.31099194304301e17, 43070, 43070.5, 201712, 2017.12, 2018.1, 3632.69, 431099000004, True, False, 0.005,
    12345.678,
]


def make_case(rng: random.Random) -> Case:
    """A random case: form and one to six operations."""
    form = rng.choice(FORMS)
    count = rng.choice((1, 1, 1, 2, 2, 3, 4, 6))
    return {"form": form, "operations": [_operation(rng, form) for _ in range(count)]}


def _operation(rng: random.Random, form: str) -> list[Any]:
    row, column = rng.randrange(1, HOUSEHOLDS + 1), rng.randrange(16)
    character = rng.choice(CHARACTERS)
    draws: list[tuple[int, Callable[[], list[Any]]]] = [
        (8, lambda: ["set", row, column, rng.choice(WORDS)]),
        (8, lambda: ["insert", row, column, rng.randrange(20), character]),
        (3, lambda: ["delete", row, column, rng.randrange(20)]),
        (3, lambda: ["text", row, column, rng.choice(("plain", "full", "comma", "apostrophe", "space", "equals"))]),
        (1, lambda: ["column", column, rng.choice(("text", "full", "float", "blank", "wan"))]),
        (2, lambda: ["heading", column, rng.choice(("unit", "unit_wan", "space", "break", "full", "star", "number", "bracket"))]),
        (2, lambda: ["heading_insert", column, rng.randrange(6), character]),
        (1, lambda: ["heading_set", column, rng.choice(("", "x", "合计", "备注2", "收入", "工资性收入", "纯收入", "户编号", "人口", 5))]),
        (2, lambda: ["row", row, rng.choice(("blank", "total", "subtotal", "header", "footer", "note", "copy", "numbers", "section"))]),
        (1, lambda: ["title", rng.choice(("临武县贫困户收入表", "单位：元", "填报单位：某乡", "金额单位：万元", "2018年第一季度", ""))]),
        (1, lambda: ["shuffle", rng.randrange(1000)]),
        (1, lambda: ["columns", rng.randrange(1000)]),
        (1, lambda: ["gap", column]),
        (1, lambda: ["double", column, rng.random() < 0.5]),
        (1, lambda: ["drop", column]),
        (1, lambda: ["merge", row, column, rng.randrange(1, 4)]),
    ]
    if form.startswith("csv") or form == "tab":
        draws += [(6, lambda: ["line_insert", row, rng.randrange(90), rng.choice(('"', '"', '"', ",", "\t", ";", "\n", "'", '""', '"\n"'))]),
                  (3, lambda: ["line_delete", row, rng.randrange(90)])]
    if form.startswith("xlsx") or form in ("openpyxl", "spreadsheetml"):
        draws += [(6, lambda: ["xml", rng.randrange(100_000), rng.choice(fuzz_writers.XML_CHANGES)])]
    if rng.random() < 0.08:
        draws += [(60, lambda: ["byte", rng.randrange(100_000), rng.randrange(256)]), (10, lambda: ["cut", rng.randrange(1, 1000)])]
    total = rng.randrange(sum(weight for weight, _ in draws))
    for weight, draw in draws:
        total -= weight
        if total < 0:
            return draw()
    raise AssertionError


def fails(case: Case, folder: Path) -> str:
    """What a case breaks, or nothing."""
    try:
        written = fuzz_writers.write_case(case, _clean(), folder)
    except fuzz_writers.CannotWrite:
        return ""
    start = time.process_time()
    try:
        ledger = read_ledger(written.path)
        result = check(written.path)
        json.loads(render_check(result, "json"))
        html, text = render_check(result, "html"), render_check(result, "text")
    except Exception as error:
        return f"exception {type(error).__name__}: {error}"
    if time.process_time() - start > 2 * SECONDS:
        return f"took {time.process_time() - start:.1f} s"
    return fuzz_oracles.first_breach(written, ledger, result["files"][0], html, text)


_CLEAN: list[list[Any]] = []


def _clean() -> list[list[Any]]:
    if not _CLEAN:
        _CLEAN.extend(clean_rows()[: HOUSEHOLDS + 1])
    return [list(row) for row in _CLEAN]


def minimise(case: Case, folder: Path) -> Case:
    """The same breach with as few operations as can be (缩减用例)."""
    kind = fails(case, folder).split(":")[0]
    operations = list(case["operations"])
    place = 0
    while place < len(operations):
        fewer = operations[:place] + operations[place + 1:]
        if fewer and fails({**case, "operations": fewer}, folder).split(":")[0] == kind:
            operations = fewer
        else:
            place += 1
    return {**case, "operations": operations}


def run(seed: int, seconds: float, most: int | None = None, say: Callable[[str], None] | None = None) -> tuple[int, list[tuple[Case, str]]]:
    """Run cases from a seed for some seconds or a number of cases: how many ran, and what was found, minimised."""
    rng, finds, count = random.Random(seed), [], 0
    kinds: dict[str, int] = {}
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while time.monotonic() < end and (most is None or count < most):
            case = make_case(rng)
            count += 1
            breach = fails(case, folder)
            if breach:
                kind = breach.split(":")[0]
                kinds[kind] = kinds.get(kind, 0) + 1
                if kinds[kind] <= 12:
                    small = minimise(case, folder)
                    finds.append((small, fails(small, folder) or breach))
                    if say:
                        say(f"{finds[-1][1]}\n    {json.dumps(small, ensure_ascii=False)}")
    return count, finds


def main() -> None:
    """Run from the command line and keep what is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep each find under tests/data/fuzz")
    options = parser.parse_args()
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    count, finds = run(options.seed, options.minutes * 60, say=lambda text: print(text, flush=True))
    print(f"{count} cases, {len(finds)} finds")
    for number, (case, breach) in enumerate(finds):
        if options.keep:
            text = json.dumps({**case, "breach": breach}, ensure_ascii=True, indent=1)
            (KEPT / f"seed{options.seed}_{number:03d}.json").write_text(text + "\n", encoding="utf-8")
    sys.exit(bool(finds))


if __name__ == "__main__":
    main()
