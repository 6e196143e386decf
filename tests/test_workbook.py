"""The workbook beside a page: the page's tables, in the office's manner, and nothing in it but text and numbers."""

from __future__ import annotations

import io
import zipfile
from fractions import Fraction

import nbformat
import openpyxl
import pandas as pd
import pytest

from linwu_stats.publish.tables_html import TABLE_MIME, Show, fold, join, note, render_table
from linwu_stats.publish.workbook import page_tables, page_workbook

PAGE = {
    "title": "临武县2018年第一季度报告", "facts": [("报告期", "2018年第一季度"), ("地区", "临武县")], "area_name": "临武县", "is_sample": True,
    "command": "linwu-stats run 2018Q1 --only 431025", "provenance": {"facts": [("程序版本", "0.1.0")], "overrides": ["line.basis"], "to_confirm": []},
}
PAYLOADS = [
    "=1+1", "=cmd|'/c calc'!A1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")', "http://example.org", "mailto:a@example.org",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "{% raw %}", "../../etc/passwd", "internal:'表1'!A1", "\x00\x01", "{=1}",
    "=WEBSERVICE(\"http://x\")",
]


def notebook(*fragments):
    cells = [
        nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("execute_result", {"text/html": str(one.markup), **one._repr_mimebundle_()})])
        for one in fragments
    ]
    return nbformat.v4.new_notebook(cells=cells)


def table(values=("舜峰镇", "金江镇"), **columns):
    frame = pd.DataFrame({"name": list(values), "persons": [1234, None], "share": [Fraction(1, 3), None], "money": [123_456, 50], "why": [None, "no_value"]})
    shows = {"name": Show("乡镇"), "persons": Show("人口", "integer", "人")}
    shows |= {"share": Show("比重", "percent", "%", reason="why"), "money": Show("人均", "yuan2", "元")}
    return render_table(frame, shows, caption="各乡镇人口", note_text="按登记人口。")


def opened(*fragments, page=PAGE):
    return openpyxl.load_workbook(io.BytesIO(page_workbook(notebook(*fragments), page)))


def test_a_workbook_has_contents_tables_and_notes():
    book = opened(table(), join(note("说明"), fold("更多", table())))
    assert book.sheetnames == ["目录", "表1", "表2", "说明"]
    assert book["目录"]["B4"].value == "各乡镇人口"
    assert "示例" in book["目录"]["A2"].value
    notes = {row[0].value: row[1].value for row in book["说明"].iter_rows(min_row=2)}
    assert notes["复现命令"] == PAGE["command"]
    assert notes["本地调整的规则"] == "line.basis"
    assert notes["待确认的规则"] == "无"


def test_numbers_are_numbers_with_their_formats_and_unknown_is_a_word():
    sheet = opened(table())["表1"]
    assert sheet["A1"].value == "各乡镇人口"
    assert "A1:D1" in map(str, sheet.merged_cells.ranges)
    assert "2018年第一季度" in sheet["A2"].value
    assert [cell.value for cell in sheet[3]] == ["乡镇", "人口\n（人）", "比重\n（%）", "人均\n（元）"]
    assert [cell.value for cell in sheet[4]] == ["舜峰镇", 1234, pytest.approx(1 / 3, abs=1e-15), 1234.56]
    assert [cell.number_format for cell in sheet[4]][1:] == ["#,##0", "0.00%", "#,##0.00"]
    assert sheet["B5"].value == "未知"
    assert sheet["C5"].value.startswith("未知（")
    assert sheet["D5"].value == 0.5
    assert sheet["A6"].value == "注：按登记人口。"
    assert sheet.freeze_panes == "B4"
    assert sheet.print_title_rows == "$3:$3"
    assert sheet.page_setup.paperSize == 9


def test_the_same_page_gives_the_same_bytes():
    assert page_workbook(notebook(table()), PAGE) == page_workbook(notebook(table()), PAGE)


def test_a_page_without_tables_has_no_workbook():
    empty = render_table(pd.DataFrame({"name": []}), {"name": Show("乡镇")}, caption="空")
    assert page_tables(notebook(empty)) == []
    assert page_workbook(notebook(note("没有表")), PAGE) is None


def test_a_caption_with_marks_stays_as_it_is():
    frame = pd.DataFrame({"name": ["甲 <b>乙</b> & 丙"]})
    shown = render_table(frame, {"name": Show("名 <i>称</i>")}, caption="收入 < 标准", note_text="a < b")
    (data,) = page_tables(notebook(shown))
    assert data["caption"] == "收入 < 标准"
    assert data["note"] == "a < b"
    assert data["rows"] == [["甲 <b>乙</b> & 丙"]]
    assert data["columns"][0]["heading"] == "名 <i>称</i>"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_is_only_text(payload):
    frame = pd.DataFrame({"name": [payload, "乙"]})
    shown = render_table(frame, {"name": Show(payload)}, caption=payload, note_text=payload)
    data = page_workbook(notebook(shown), PAGE | {"title": payload, "area_name": payload, "facts": [(payload, payload)]})
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        for name in parts.namelist():
            text = parts.read(name).decode("utf-8")
            assert "<f>" not in text, name
            assert 'TargetMode="External"' not in text, name
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["目录", "表1", "说明"]
    links = [cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    assert all(link.target is None for link in links)
    assert book["表1"]["A4"].data_type == "s"


def test_the_page_itself_does_not_hold_the_data_twice():
    from linwu_stats.publish.html import _body

    assert TABLE_MIME not in "".join(_body(notebook(table())))
