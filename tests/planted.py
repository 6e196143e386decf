"""A small county whose ledgers hold hostile text and known persons in every place that a ledger has, run whole: tables, pages, lists, sheets, checks.

Names, ID numbers and telephone numbers are invented; the names are of rare characters that stand in no other text, so that one hit is a leak.
"""

from __future__ import annotations

import csv
import shutil
import time
from pathlib import Path
from typing import Any

import openpyxl
from click.testing import CliRunner
from openpyxl.comments import Comment

from linwu_stats.cli import main

QUARTER = "2018Q1"
PRODUCT = str(1337 * 1337)
PAYLOADS = (
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<svg/onload=alert(1)>", "' onmouseover='alert(1)", "<iframe src=javascript:alert(1)>",
    "javascript:alert(1)", "[点这里](javascript:alert(1))", "![x](http://evil.example/x.png)", "=cmd|'/c calc'!A1", "+1337*1337", "-1337*1337", "@SUM(A1:A9)",
    '=HYPERLINK("http://evil.example","x")', "{{ 1337*1337 }}", "{% for x in range(3) %}Z{% endfor %}", "${1337*1337}", "<%= 1337*1337 %>",
    "../../../etc/passwd", "..\\..\\windows\\x", r"$\frac{1}{2}$", "</textarea></table><script>alert(2)</script>", "&lt;script&gt;alert(3)&lt;/script&gt;",
    "<!-- --><base href=//evil.example>",
    "%3Cscript%3E", "__import__('os').system('x')", "'''\nimport os", "=1337*1337", "<style>body{display:none}</style>", "﹤script﹥", "http://evil.example/a\"onmouseover=x",
)  # fmt: skip
VILLAGE = "{{1337*1337}}<img src=x onerror=alert(1)>'\"村"
RARE = ("骉羴犇", "麤鱻淼", "垚犇骉", "羴麤垚", "鱻骉淼")
PHONE = "13900005678"
ID_IN_TEXT = "431099197001010019"


def plant(folder: Path) -> dict[str, Any]:
    """Write hostile text into every ledger of a folder; gives what must reach no page: rare names, ID numbers, telephone numbers."""
    people = _people(folder)
    swap = {name: PAYLOADS[place % len(PAYLOADS)] for place, name in enumerate(people["names"][:30])}
    swap |= dict(zip(people["names"][30:35], RARE, strict=True))
    swap[people["village"]] = VILLAGE
    for place, path in enumerate(sorted(folder.iterdir())):
        payload = PAYLOADS[place % len(PAYLOADS)]
        if path.suffix == ".csv":
            _plant_csv(path, swap, payload)
        else:
            _plant_workbook(path, swap, place)
        path.rename(folder / f"{place:02d} {{{{1337+1}}}} & ' =1+1 {ID_IN_TEXT} {PHONE}{path.suffix}")
    return {"names": list(RARE), "numbers": sorted(people["ids"]), "phones": [PHONE], "village": people["village"]}


def _people(folder: Path) -> dict[str, Any]:
    sheet = openpyxl.load_workbook(next(folder.glob("贫困人口*.xlsx"))).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    head = next(row for row in rows if "人编号" in row)
    data = [dict(zip(head, row, strict=True)) for row in rows[rows.index(head) + 1 :] if row[head.index("人编号")]]
    names = list(dict.fromkeys(str(row["姓名"]) for row in data))
    sheet = openpyxl.load_workbook(next(folder.glob("行政村*.xlsx"))).worksheets[0]
    poor = {row[1].value: str(row[2].value) for row in sheet.iter_rows(min_row=2) if row[3].value in ("省级贫困村", "市级贫困村")}
    village = next(name for name in poor if any(row["行政村"] == name for row in data))
    return {"names": names, "ids": {str(row["证件号码"]) for row in data if row["证件号码"]}, "village": village}


def _plant_workbook(path: Path, swap: dict[str, str], place: int) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    head = next(row for row in sheet.iter_rows() if sum(cell.value is not None for cell in row) > 3)
    own = next((cell.column for cell in head if cell.value == "自然村"), None)
    phone = next((cell.column for cell in head if cell.value == "户联系电话"), None)
    last = sheet.max_column
    sheet.cell(head[0].row, last + 1, "<script>alert(4)</script>备注").data_type = "s"
    sheet.cell(head[0].row, last + 2, "=1337*1337").data_type = "s"
    for row in sheet.iter_rows(min_row=head[0].row + 1, max_col=last):
        number = row[0].row
        for cell in row:
            if isinstance(cell.value, str) and cell.value in swap:
                cell.value = swap[cell.value]
                cell.data_type = "s"
        if own:
            _text(sheet.cell(number, own), PAYLOADS[number % len(PAYLOADS)])
        if phone:
            _text(sheet.cell(number, phone), PHONE)
        _text(sheet.cell(number, last + 1), f"{PAYLOADS[number % len(PAYLOADS)]} {RARE[number % len(RARE)]} {ID_IN_TEXT} {PHONE}")
        _text(sheet.cell(number, last + 2), PAYLOADS[(number + 7) % len(PAYLOADS)])
    head[1].comment = Comment(f"<script>alert(5)</script> {RARE[0]} {ID_IN_TEXT}", "x")
    sheet.title = ("<script>alert(6)<!--", "{{1337+1}}", "=1337+1", "a&\"<b onclick=x>")[place % 4]
    book.save(path)


def _text(cell: Any, value: str) -> None:
    cell.value = value
    cell.data_type = "s"


def _plant_csv(path: Path, swap: dict[str, str], payload: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    rows[0].append("<script>alert(7)</script>")
    for row in rows[1:]:
        row[:] = [swap.get(cell, cell) for cell in row] + [""] * (len(rows[0]) - 1 - len(row)) + [f"{payload} {RARE[1]} {ID_IN_TEXT}"]
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)


def make_planted(home: Path) -> None:
    """The planted county under ``home``, run whole; what the commands said stands in ``said/``, what was planted in ``planted.txt``."""
    from linwu_stats.quarter import open_quarter
    from linwu_stats.synthetic import write_sample

    write_sample(home, households=60)
    for folder in (home / "data").iterdir():
        if folder.name not in (QUARTER, "2017Q4"):
            shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    shutil.rmtree(home / "data" / "2017Q4")
    planted = plant(home / "data" / QUARTER / "ledgers")
    (home / "planted.txt").write_text("\n".join([*planted["names"], *planted["numbers"], *planted["phones"], ID_IN_TEXT]), encoding="utf-8")
    said = home / "said"
    said.mkdir()
    say(home, "tables", "run", QUARTER, "--tables-only")
    q = open_quarter(QUARTER, home)
    county = q.rules.value("area.county")["code"]
    village = q.villages.loc[q.villages["village_name"].str.contains("1337", regex=False), "village_code"].iloc[0]
    (home / "areas.txt").write_text("\n".join([county, village[:9], village]), encoding="utf-8")
    for attempt in range(3):
        done = say(home, "run", "run", QUARTER, "--only", county, "--only", village[:9], "--only", village)
        if "inputs changed" not in done:
            break
        time.sleep(attempt + 1)
    say(home, "worklist", "worklist", QUARTER)
    say(home, "review", "review", "draw", QUARTER, "--households", "10", "--names")
    for form in ("text", "json", "html"):
        say(home, f"check-{form}", "check", str(home / "data" / QUARTER / "ledgers"), "--format", form)


def say(home: Path, name: str, *words: str) -> str:
    """Run a command and keep what it says."""
    done = CliRunner().invoke(main, ["--home", str(home), *words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    (home / "said" / f"{name}.txt").write_text(f"{done.exit_code}\n{done.output}", encoding="utf-8")
    return done.output
