"""What a ledger's cells, headings, sheets and file names hold is only ever text in what ``linwu-stats check`` prints, in each format."""

from __future__ import annotations

import json
import unicodedata
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from ledger_files import clean_rows, write, write_csv

from linwu_stats.cli import main

PAYLOADS = {
    "script": "<script>alert(1)</script>", "image": '<img src=x onerror="alert(1)">', "closing": "</td></table></style><svg/onload=alert(1)>",
    "attribute": "\" onmouseover=\"alert(1)",
    "entity": "&lt;b&gt;&#60;script&#62;", "formula": "=HYPERLINK(\"http://x\",\"y\")",
    "dde": "+cmd|' /C calc'!A0", "at": "@SUM(1+1)", "jinja": "{{ 7*7 }}{% import os %}",
    "format": "{where}{0.__class__}%(x)s%s", "shell": "$(id)`id`;rm -rf ~",
    "path": "../../etc/passwd", "windows": "C:\\CON\\..\\x", "link": "[x](javascript:alert(1))",
    "override": "刘\u202e杰\u2066", "terminal": "刘\u009b31m杰\u0085", "template_end": "}}</script><!--", "sql": "'; DROP TABLE x;--",
}
ALLOWED = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "span", "p", "table", "thead", "tbody", "tr", "th", "td"}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def planted(payload, folder, form):
    """A ledger with the payload in a name, a place, an amount, a date, a remark, a heading, the title and, where they take it, the names of sheet and file."""
    rows = clean_rows()
    for row, place in ((4, 1), (5, 3), (6, 4), (7, 6), (2, 14), (8, 15), (9, 13), (10, 2), (11, 0)):
        rows[row][place] = payload
    rows = [[payload], [*rows[0], payload + "补贴收入"], *[[*row, 5.5] for row in rows[1:]]]
    name = "".join(char for char in payload if char not in '\\/:*?"<>|' and char.isprintable())[:60] + ".tmp"
    if form == "csv":
        return write_csv(folder / name, [['"' + ("" if cell is None else str(cell)).replace('"', '""') + '"' for cell in row] for row in rows])
    title = "".join(char for char in payload if char not in "\\/*?:[]'" and char.isprintable())[:31]

    def as_text(sheet):
        for line in sheet.iter_rows():
            for cell in line:
                if cell.data_type == "f":
                    cell.data_type = "s"
        sheet["G6"].comment = None

    return write(folder / name, rows, title=title, edit=as_text)


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@pytest.mark.parametrize("name", PAYLOADS)
def test_payload_is_text(name, form, tmp_path):
    payload = PAYLOADS[name]
    path = planted(payload, tmp_path, form)
    shown = {how: CliRunner().invoke(main, ["check", str(path), "--format", how]) for how in ("json", "html", "text")}
    assert {done.exit_code for done in shown.values()} == {shown["json"].exit_code} and shown["json"].exit_code in (1, 2, 3, 4)
    assert all(done.exception is None or isinstance(done.exception, SystemExit) for done in shown.values())
    (file,) = json.loads(shown["json"].output)["files"]
    assert file["outcome"] == "flag" and file["rows"] == 48
    values = {item["value"].strip() for item in file["findings"]}
    assert payload.strip() in values, "it is shown as it was written, neither evaluated nor cut"
    page = Page()
    page.feed(shown["html"].output)
    page.close()
    assert page.tags <= ALLOWED and page.attributes <= {"lang", "charset", "http-equiv", "content", "class"}
    visible = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in payload.strip())
    assert visible in page.text and visible in shown["text"].output
    assert "49" not in {item["value"] for item in file["findings"]}
    for how in ("html", "text"):
        assert not [char for char in shown[how].output if unicodedata.category(char) in ("Cc", "Cf", "Co") and char != "\n"], how


def test_names_of_folders_and_files_are_text(tmp_path):
    folder = tmp_path / "<b>乡{{1}}&镇"
    folder.mkdir()
    write(folder / "a' onclick='x.xlsx", clean_rows())
    done = CliRunner().invoke(main, ["check", str(folder), "--format", "html"])
    page = Page()
    page.feed(done.output)
    assert done.exit_code == 0 and page.tags <= ALLOWED and "<b>乡{{1}}&镇" in page.text
