"""Hostile and broken files (恶意和损坏的文件): every one is answered soon and with little memory; web pages and XML spreadsheets are read with their marks."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from ledger_files import NET, clean_rows

from linwu_stats.ledgers.outcome import render_check
from linwu_stats.ledgers.read import check, read_ledger

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
HEAD = ",".join(clean_rows()[0]) + "\n"


def rows_xml() -> str:
    lines = []
    for number, row in enumerate(clean_rows(), 1):
        cells = [(f"{chr(65 + place)}{number}", value) for place, value in enumerate(row) if value is not None]
        lines.append(f'<row r="{number}">' + "".join(
            f'<c r="{ref}" t="inlineStr"><is><t>{value}</t></is></c>' if isinstance(value, str) else f'<c r="{ref}"><v>{value}</v></c>' for ref, value in cells)
            + "</row>")
    return "".join(lines)


def package(path: Path, more: str = "", *, behind: str = "", strings: str = "", sheets: int = 1) -> None:
    """The clean ledger as a package with more rows, with parts behind the rows, shared strings, or many sheets."""
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows_xml()}{more}</sheetData>{behind}</worksheet>'
    numbers = range(1, sheets + 1)
    relations = "".join(f'<Relationship Id="r{number}" Type="{RELATION}/worksheet" Target="worksheets/sheet{number}.xml"/>' for number in numbers)
    relations += f'<Relationship Id="s" Type="{RELATION}/sharedStrings" Target="sharedStrings.xml"/>'
    names = "".join(f'<sheet name="表{number}" sheetId="{number}" r:id="r{number}"/>' for number in numbers)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("_rels/.rels", f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1" Type="{RELATION}/officeDocument" '
                                    'Target="xl/workbook.xml"/></Relationships>')
        out.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{relations}</Relationships>')
        out.writestr("xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{RELATION}"><sheets>{names}</sheets></workbook>')
        out.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{strings}</sst>')
        for number in numbers:
            out.writestr(f"xl/worksheets/sheet{number}.xml", sheet if number == 1 else f'<worksheet xmlns="{MAIN}"/>')


def styled_rows(last: int, cells: int) -> str:
    return "".join(f'<row r="{row}" s="1">' + "".join(f'<c r="{chr(65 + place)}{row}" s="1"/>' for place in range(cells)) + "</row>" for row in range(50, last))


def numbers(last: int) -> str:
    return "".join(f'<row r="{row}">' + "".join(f'<c r="{letter}{row}"><v>1</v></c>' for letter in "GHIJ") + "</row>" for row in range(50, last))


#: name -> (how it is written, outcome, code): what is refused, and what is only strange.
BOMBS = {
    "million_blank_styled_rows.xlsx": (lambda path: package(path, "".join(f'<row r="{row}" s="1"/>' for row in range(50, 1_048_577))), "accept", ""),
    "blank_styled_cells.xlsx": (lambda path: package(path, styled_rows(20_000, 16)), "accept", ""),
    "last_cell.xlsx": (lambda path: package(path, '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t> </t></is></c></row>'), "repair", "STRAY_CELLS"),
    "cells_far_apart.xlsx": (lambda path: package(path, "".join(f'<row r="{row}"><c r="A{row}"><v>1</v></c></row>' for row in range(999, 1_048_576, 999))),
                             "reject", "TOO_LARGE"),
    "ten_thousand_sheets.xlsx": (lambda path: package(path, sheets=10_000), "reject", "TOO_LARGE"),
    "million_strings.xlsx": (lambda path: package(path, strings="<si><t>abcdef</t></si>" * 1_000_000), "reject", "TOO_LARGE"),
    "long_string.xlsx": (lambda path: package(path, strings=f"<si><t>{'a' * 60_000_000}</t></si>"), "reject", "TOO_LARGE"),
    "deep_strings.xlsx": (lambda path: package(path, strings="<si>" * 200_000 + "</si>" * 200_000), "accept", ""),
    "many_merges.xlsx": (lambda path: package(path, behind="<mergeCells>" + "".join(
        f'<mergeCell ref="D2:D{1_048_576 - number}"/>' for number in range(20_000)) + "</mergeCells>"), "flag", "MERGED_FILLED"),
    "many_numbers.xlsx": (lambda path: package(path, numbers(8_000)), "flag", "HID_MISSING"),
    "nested_tables.xls": (lambda path: path.write_text("<html><table>" + "<table><tr><td>" * 100_000, "utf-8"), "reject", "TOO_LARGE"),
    "nested_boxes.xls": (lambda path: path.write_text("<html>" + "<div>" * 300_000 + "<table><tr><td>x</table>", "utf-8"), "reject", "NO_HEADER_FOUND"),
    "open_comments.xls": (lambda path: path.write_text("<html><table>" + "<!--" * 500_000, "utf-8"), "reject", "EMPTY"),
    "open_quotes.xls": (lambda path: path.write_text("<html><table>" + '<td a="' * 300_000, "utf-8"), "reject", "EMPTY"),
    "open_tags.xls": (lambda path: path.write_text("<html><table>" + "<td a='>" * 300_000, "utf-8"), "reject", "DAMAGED"),
    "scripts.xls": (lambda path: path.write_text("<html><table>" + "<script>" * 300_000, "utf-8"), "reject", "EMPTY"),
    "spans.xls": (lambda path: path.write_text("<html><table>" + '<tr><td rowspan="99999" colspan="1999">x</td></tr>' * 2_000, "utf-8"), "reject", "TOO_LARGE"),
    "long_line.csv": (lambda path: path.write_text(HEAD + "1," * 10_000_000, "utf-8"), "reject", "TOO_LARGE"),
    "quotes.csv": (lambda path: path.write_text(HEAD + '"' * 10_000_000, "utf-8"), "reject", "TOO_LARGE"),
    "open_quotes.csv": (lambda path: path.write_text(HEAD + '"a\n' * 20_000, "utf-8"), "reject", "NO_ROWS"),
    "short_lines.csv": (lambda path: path.write_text(HEAD + "1\n" * 3_000_000, "utf-8"), "reject", "TOO_LARGE"),
    "one_wide_line.csv": (lambda path: path.write_text(HEAD + "," * 1_900 + "\n" + "1\n" * 100_000, "utf-8"), "reject", "TOO_LARGE"),
    "cells.xml": (lambda path: path.write_text('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table><Row>'
                                               + "<Cell/>" * 5_000_000, "utf-8"), "reject", "TOO_LARGE"),
    "entities.xml": (lambda path: path.write_text('<?xml version="1.0"?><!-- ' + "x" * 9_000 + ' --><!DOCTYPE a [<!ENTITY b "c">]><Workbook '
                                                  'xmlns="urn:schemas-microsoft-com:office:spreadsheet">&b;</Workbook>', "utf-8"), "reject", "XML_DTD"),
}
#: Reads each file by itself and says outcome, seconds of this process, and how far its memory has grown since the first line.
MEASURE = """
import json, sys, time
from pathlib import Path
from linwu_stats.ledgers.read import read_ledger
def memory():
    status = Path("/proc/self/status")  # the highest so far, of this process alone; asked on Linux only
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024 if status.exists() else 0
start = memory()
for path in sys.argv[1:]:
    begin = time.process_time()
    ledger = read_ledger(path)
    seconds = time.process_time() - begin
    codes = [item.code for item in ledger.findings]
    print(json.dumps([Path(path).name, ledger.outcome, codes[:1], seconds, memory() - start]), flush=True)
    del ledger
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bombs")
    for name, (make, _, _) in BOMBS.items():
        make(folder / name)
    paths = [str(folder / name) for name in BOMBS]
    done = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, encoding="utf-8", timeout=120, check=True)
    return {facts[0]: facts[1:] for facts in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_answered_soon(name, measured):
    _, outcome, code = BOMBS[name]
    got, codes, seconds, megabytes = measured[name]
    assert got == outcome
    assert not code or codes == [code]
    assert seconds < 2 and megabytes < 300


# ---- XML spreadsheets of 2003 -------------------------------------------------------------------------------------------------------------------
BOOK = ('<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Styles>'
        '<Style ss:ID="s1"><Font ss:StrikeThrough="1"/></Style></Styles><Worksheet ss:Name="家庭信息"><Table>%s%s</Table>'
        '<x:WorksheetOptions>%s</x:WorksheetOptions></Worksheet></Workbook>')
WAGE = '<Cell><Data ss:Type="Number">3632.69</Data></Cell>'
NO_WAGE = round(NET - 3632.69, 2)


def xml_rows() -> list[str]:
    def cell(value):
        return "<Cell/>" if value is None else f'<Cell><Data ss:Type="{"String" if isinstance(value, str) else "Number"}">{escape(str(value))}</Data></Cell>'

    return [f"<Row>{''.join(cell(value) for value in row)}</Row>" for row in clean_rows()]


def xml_book(path: Path, old: str = "", new: str = "", *, columns: str = "", options: str = "", encoding: str = "utf-8") -> Path:
    text = BOOK % (columns, "".join(xml_rows()).replace(old, new, 1) if old else "".join(xml_rows()), options)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_xml_book_is_read(encoding, tmp_path):
    ledger = read_ledger(xml_book(tmp_path / "台账.xls", encoding=encoding))
    assert (ledger.outcome, ledger.rows, float(ledger.net_income_yuan), ledger.sheets) == ("accept", 48, NET, ["家庭信息"])
    assert ledger.frame["id_number"].notna().all() and "SUFFIX" in [item.code for item in ledger.findings]


@pytest.mark.parametrize(("old", "new", "how", "code", "cell", "net"), [
    (WAGE, '<Cell ss:Formula="=RC[1]+1"/>', {}, "FORMULA_NO_VALUE", "G4", NO_WAGE),
    (WAGE, '<Cell><Data ss:Type="Error">#DIV/0!</Data></Cell>', {}, "NUM_EXCEL_ERROR", "G4", NO_WAGE),
    (WAGE, '<Cell><Data ss:Type="DateTime">2018-03-04T00:00:00.000</Data></Cell>', {}, "NUM_TYPE", "G4", NO_WAGE),
    (WAGE, '<Cell><Data ss:Type="Boolean">1</Data></Cell>', {}, "NUM_TYPE", "G4", NO_WAGE),
    (WAGE, WAGE.replace("<Cell>", '<Cell ss:StyleID="s1">'), {}, "STRUCK_ROW", "G4", NET),
    (WAGE, WAGE.replace("</Data>", "</Data><Comment><Data><B>村</B>有误</Data></Comment>"), {}, "COMMENTS", "G4", NET),
    (WAGE, WAGE.replace("<Cell>", '<Cell ss:Formula="=[收入.xls]Sheet1!R1C1">'), {}, "EXTERNAL_LINK", "", NET),
    ("</Row><Row>", '</Row><Row ss:Hidden="1">', {}, "HIDDEN_ROWS", "A2:P2", NET),
    ("", "", {"columns": '<Column/><Column ss:Index="7" ss:Hidden="1"/>'}, "HIDDEN_COLUMN", "G1:G49", NET),
])
def test_marks_of_an_xml_book(old, new, how, code, cell, net, tmp_path):
    ledger = read_ledger(xml_book(tmp_path / "台账.xls", old, new, **how))
    assert (ledger.outcome, ledger.rows, round(float(ledger.net_income_yuan), 2)) == ("flag", 48, net)
    assert [(item.code, item.cell) for item in ledger.findings if item.outcome == "flag"] == [(code, cell)]


def test_broken_xml_book(tmp_path):
    whole = xml_book(tmp_path / "台账.xls").read_bytes()
    hidden = read_ledger(xml_book(tmp_path / "隐藏.xls", options="<Visible>SheetHidden</Visible>"))
    assert [item.code for item in hidden.findings if item.outcome == "reject"] == ["HIDDEN_SHEET"]
    for data, code in ((whole[: len(whole) // 2], "DAMAGED"), (whole.replace(b"<Row>", b'<Row ss:Index="1">', 3), "CELL_REFS"),
                       (whole.replace(b"3632.69", b"3632.69x"), "DAMAGED"), (b'<?xml version="1.0"?><a/>', "FORMAT")):
        (tmp_path / "a.xls").write_bytes(data)
        assert [item.code for item in read_ledger(tmp_path / "a.xls").findings] == [code]


# ---- web pages ----------------------------------------------------------------------------------------------------------------------------------


def page(path: Path, old: str = "", new: str = "") -> Path:
    body = ""
    for row in clean_rows():
        body += "<tr>" + "".join(f"<td>\n  {'&nbsp;' if value is None else value}&nbsp;</td>" for value in row) + "</tr>\n"
    path.write_text(f"<html><head><meta charset='utf-8'></head><body><table>{body.replace(old, new, 1) if old else body}</table></body></html>", "utf-8")
    return path


@pytest.mark.parametrize(("old", "new", "outcome", "code", "cell"), [
    ("", "", "accept", "", ""),
    ("</tr>\n<tr>", '</tr>\n<tr style="height:0; display: none">', "flag", "HIDDEN_ROWS", "A2:P2"),
    ("3632.69", "<strike>3632.69</strike>", "flag", "STRUCK_ROW", "G4"),
    ("3632.69", "<span style='text-decoration:line-through'>3632.69</span>", "flag", "STRUCK_ROW", "G4"),
    ("3632.69", "<!-- 1 --><script>document.write(2)</script><style>3{}</style>3632.69", "accept", "", ""),
    ("3632.69", "约300", "flag", "NUM_NOT_EXACT", "G4"),
])
def test_web_page(old, new, outcome, code, cell, tmp_path):
    ledger = read_ledger(page(tmp_path / "台账.xls", old, new))
    assert (ledger.outcome, ledger.rows) == (outcome, 48)
    assert [(item.code, item.cell) for item in ledger.findings if item.outcome == "flag"] == ([(code, cell)] if code else [])
    assert round(float(ledger.net_income_yuan), 2) == (NO_WAGE if code == "NUM_NOT_EXACT" else NET)


@pytest.mark.parametrize(("text", "word"), [
    ("<html><body>请重新登录</body></html>", "没有表格的网页"), ("<html><frameset><frame></frameset></html>", "网页框架"),
    ("MIME-Version: 1.0\n\n<html>", "MHTML"),
])
def test_pages_that_are_no_ledger_say_what_they_are(text, word, tmp_path):
    (tmp_path / "台账.xls").write_text(text, "utf-8")
    (finding,) = read_ledger(tmp_path / "台账.xls").findings
    assert finding.code == "FORMAT" and word in finding.message and "另存为.xlsx" in finding.message
    assert word in render_check(check(tmp_path / "台账.xls"))
