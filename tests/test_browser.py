"""Pages in a real headless Chromium: no console error, no request, nothing overflows, every Chinese character has a glyph; contents, sorting, filter, copying,
footnotes and print work; a checker of accessibility finds nothing serious."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from chromium import Chromium, find_chromium
from publish_workspace import QUARTER
from test_html import PAYLOAD, executed, html_output, index_of, page, shown

from linwu_stats import open_quarter
from linwu_stats.publish import html, lists, public
from linwu_stats.publish.batch import run_batch
from linwu_stats.publish.provenance import page_provenance
from linwu_stats.publish.tables_html import Show, join, note, render_table, rule

pytestmark = [pytest.mark.browser, pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (本机没有 Chromium)")]

WIDTHS = (1280, 768, 390)
#: Width of the printed part of an A4 sheet, 180 mm at 96 dots an inch.
SHEET = 680
#: Deque's checker (MPL-2.0), as npm has it: axe-core 4.14.1, with its licences beside it.
AXE = Path(__file__).parent / "data" / "axe-core" / "axe.min.js"

#: Elements that stick out of the window, other than inside a box that scrolls by itself.
OVERFLOW = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.table-wrap, pre, .skip') && e.getClientRects().length
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className).slice(0, 5)"""
#: Text cut off in a box that does not scroll.
CUT = """[...document.querySelectorAll('body *')].filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1
    && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX)).map(e => e.tagName + '.' + e.className).slice(0, 5)"""
#: Tables of a sheet that are wider than the sheet.
TOO_WIDE = f"[...document.querySelectorAll('.table-wrap:not(.wide) table')].filter(t => t.offsetWidth > {SHEET} + 1).map(t => t.caption.textContent)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything that is hard to lay out, one with small tables to work with, the index, and a failure page."""
    folder = tmp_path_factory.mktemp("pages")
    nb = executed()
    head = '<th scope="col" class="num" data-sort="number">很长的列标题{}<br><span class="unit">（元/人·年）</span></th>'
    wide = "".join(head.format(number) for number in range(14))
    row = '<tr><th scope="row">西山瑶族乡</th>' + '<td class="num">1,234,567.89</td>' * 13 + "</tr>"
    table = f'<table class="data"><caption>宽表</caption><thead><tr>{wide}</tr></thead><tbody>{row * 90}</tbody></table>'
    figures = "".join(
        f'<div class="key-figure"><span class="label">建档立卡贫困户人均纯收入{number}</span>'
        '<span class="value">12,345,678.90 <span class="unit">元</span></span><span class="change">比上年同季：+1,234.56 元（+12.34%）</span></div>'
        for number in range(7)
    )
    doubts = f'<div class="doubts"><ul><li>{"规则待确认，" * 30}<span class="rule">exit.household.compulsory_education.accepted_states</span></li></ul></div>'
    figure = f'<figure><img width="1400" height="300" src="data:image/png;base64,{PIXEL}" alt="宽图"><figcaption>图题</figcaption></figure>'
    content = f'<div class="key-figures">{figures}</div>{doubts}{table}{figure}'
    nb.cells.append(shown(nbformat.v4.new_code_cell("x = " + "'很长的一行代码'" * 20), html_output(content)))
    nb.cells.append(shown(nbformat.v4.new_code_cell("text"), nbformat.v4.new_output("stream", name="stdout", text="字" * 500)))
    nb.cells.append(shown(nbformat.v4.new_code_cell("hostile"), html_output(PAYLOAD)))
    (folder / "431025_2018Q1.html").write_text(html.notebook_to_html(nb, page()), encoding="utf-8")
    (folder / "work.html").write_text(html.notebook_to_html(_to_work_with(), page(rules=RULES)), encoding="utf-8")
    (folder / "hard.html").write_text(html.notebook_to_html(_hard(), page(rules=RULES)), encoding="utf-8")
    body = str(join(*(_many(rows, f"名单{rows}") for rows in (14, 60))).markup)
    (folder / "list.html").write_text(html.piece_to_html("list.html.j2", body, page(restricted=True), {}, "", signatures=[]), encoding="utf-8")
    (folder / "index.html").write_text(index_of(folder)[0], encoding="utf-8")
    failure = {"reason": "错误" * 80, "cell": 3, "source": "x = 1", "traceback": "长" * 300 + "\n" + "a" * 300, "advice": "重新运行。"}
    (folder / "failed.html").write_text(html.failure_to_html(page(), failure), encoding="utf-8")
    return folder


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

RULES = {
    "exit.household.income": {
        "term": "人均纯收入", "value": "比较符号：>", "status": "已见文件", "document": "厅字〔2016〕16号", "clause": "贫困人口退出",
        "dates": "2016-04-23起", "note": "", "own": "",
    }
}  # fmt: skip


def _to_work_with() -> nbformat.NotebookNode:
    """Names whose order by sound (阿、李、张) is another than by code; two sums that look alike when rounded; an unknown; a total; a text like a formula."""
    frame = pd.DataFrame(
        {
            "name": ["张", "李", "=1+1", "阿", "合计"], "sum": pd.array([12345, 12301, pd.NA, 999900, 1024546], dtype="Int64"),
            "share": [0.5, 0.12345, 0.25, -0.1, None],
        }
    )
    columns = {"name": Show("姓氏"), "sum": Show("金额", "yuan", "元"), "share": Show("比重", "percent", "%", signed=True)}
    table = render_table(frame, columns, caption="小表", note_text="见规则 " + rule("exit.household.income"), name="small-table", search="姓氏")
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for number in range(1, 5):
        nb.cells.append(nbformat.v4.new_markdown_cell(f"## 第{number}节\n\n" + "正文。\n\n" * 20))
    nb.cells.append(shown(nbformat.v4.new_code_cell("small"), html_output(str(table.markup)), html_output(str(note("正文 ", rule("no.such_rule")).markup))))
    return nb


def _many(rows: int, caption: str) -> Any:
    columns = {"name": Show("户主"), **{f"text{at}": Show(f"第{at}栏") for at in range(9)}}
    return render_table(pd.DataFrame([["张三丰", *["住房安全未达标；收入尚未达到"] * 9]] * rows, columns=list(columns)), columns, caption=caption)


def _hard() -> nbformat.NotebookNode:
    """Groups numbered in Chinese, texts that are patterns, formulas or quotations elsewhere, eleven columns of numbers, a reason in a column of numbers, a key
    longer than its column."""
    groups = pd.DataFrame({
        "group": ["十组", "二组", "十二组", "一百零三组", "二十组", "三合村", "2组", "一组"],
        "text": ["(a|b)*[", "＝SUM(A1)", '"引号', "\\d+", "2018年", "a\tb", "－1", "@x"],
        "sum": pd.array([1234567, -5, 0, 10, pd.NA, 7, 300, 20], dtype="Int64"),
    })
    columns = {"group": Show("组"), "text": Show("文字"), "sum": Show("金额", "yuan2", "元")}
    table = render_table(groups, columns, caption="2018年各组", name="groups-table", search="组")
    many = pd.DataFrame({"name": ["西山瑶族乡"], **{f"n{at}": pd.array([54321], dtype="Int64") for at in range(11)}})
    shows = {"name": Show("乡镇"), **{f"n{at}": Show("影响结论", "integer", "项") for at in range(11)}}
    numbers = render_table(many, shows, caption="十一栏", name="many-table")
    unknown = pd.DataFrame({"name": ["边缘易致贫户"], "n": pd.array([pd.NA], dtype="Int64"), "why": ["quarter_missing headcount_unknown"]})
    shows = {"name": Show("分组", below="key"), "n": Show("户数", "integer", "户", reason="why")}
    reasons = render_table(unknown.assign(key="exit.household.income"), shows, caption="有原因", name="why-table")
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    for one in (table, numbers, reasons, note("见 ", rule("exit.household.income"), " 和 ", rule("exit.household.income"))):
        nb.cells.append(shown(nbformat.v4.new_code_cell("x"), html_output(str(one.markup))))
    nb.cells.append(shown(nbformat.v4.new_code_cell("x"), html_output('<svg class="spark" width="9" height="9"><polyline points="0,0 9,9"></polyline></svg>')))
    return nb


# ---- layout -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["431025_2018Q1.html", "work.html", "hard.html", "list.html", "index.html", "failed.html"])
def test_nothing_overflows(browser: Chromium, pages: Path, name: str) -> None:
    browser.open(pages / name)
    for width in WIDTHS:
        browser.resize(width)
        browser.run("document.querySelectorAll('main details').forEach(d => { d.open = false })")
        assert browser.run("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
        assert browser.run(OVERFLOW) == []
        assert browser.run(CUT) == []
        browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert browser.run("document.documentElement.scrollWidth") == width
        assert browser.run(OVERFLOW) == []


@pytest.mark.parametrize("name", ["work.html", "index.html", "failed.html"])
def test_no_console_error_and_no_request(browser: Chromium, pages: Path, name: str) -> None:
    browser.trouble.clear()
    browser.open(pages / name)
    assert browser.trouble == []


def test_content_policy_stops_foreign_script(browser: Chromium, pages: Path) -> None:
    """Even a text that somebody forgot to escape does not run, and asks for nothing from any host."""
    browser.trouble.clear()
    browser.open(pages / "431025_2018Q1.html")
    browser.run("new Promise(done => setTimeout(done, 200))")
    assert browser.trouble, "the policy reports what it stopped"
    assert all("Content Security Policy" in one for one in browser.trouble), browser.trouble


@pytest.mark.parametrize("name", ["work.html", "index.html", "failed.html"])
def test_chinese_comes_from_the_font_inside_the_page(browser: Chromium, pages: Path, name: str) -> None:
    browser.open(pages / name)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    drawn = browser.fonts("h1, h2, p, li, th, dt, summary, button, .popover")
    assert {font["familyName"] for font in drawn if font["isCustomFont"]} == {"Noto Sans SC"}
    glyphs = sum(font["glyphCount"] for font in browser.fonts("h1") if font["isCustomFont"])
    assert glyphs == len(re.sub(r"\s", "", browser.run("document.querySelector('h1').textContent")))
    assert [font for font in browser.fonts("button") if not font["isCustomFont"]] == [], "also what the script writes"


def test_code_is_one_click_away(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "431025_2018Q1.html")
    seen = "document.querySelector('details.code .highlight').checkVisibility()"
    assert browser.run(seen) is False
    browser.run("document.querySelector('details.code summary').click()")
    assert browser.run(seen) is True


# ---- contents -----------------------------------------------------------------------------------------------------------


def test_contents_follow_the_reading(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "work.html", height=500)
    for number in (2, 4, 1):
        browser.run(f"document.getElementById('第{number}节').scrollIntoView(); new Promise(done => setTimeout(done, 150))")
        assert browser.run("[...document.querySelectorAll('.contents a[aria-current]')].map(a => decodeURIComponent(a.hash))") == [f"#第{number}节"]
    box = browser.run("(box => [box.top, box.bottom])(document.querySelector('.contents').getBoundingClientRect())")
    assert 0 <= box[0] < 200 < box[1] <= 500, "the contents stay in the window"


def test_contents_are_folded_on_a_telephone_only(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "work.html", 390)
    seen = "document.querySelector('.contents a').checkVisibility()"
    assert browser.run(seen) is False
    browser.run("document.querySelector('.contents summary').click()")
    assert browser.run(seen) is True
    browser.resize(1280)
    assert browser.run(f"new Promise(done => setTimeout(() => done({seen}), 100))") is True


# ---- tables -------------------------------------------------------------------------------------------------------------

NAMES = "[...document.querySelectorAll('#small-table tbody th')].map(cell => cell.textContent)"
SORTED = "[...document.querySelectorAll('#small-table thead th')].map(head => head.getAttribute('aria-sort'))"


def test_tables_sort_by_click(browser: Chromium, pages: Path) -> None:
    """By sound, by the exact number (123.45 and 123.01 are both shown as 123); the unknown stands last both ways, the total below all."""
    browser.open(pages / "work.html")
    click = "(at => {{ document.querySelectorAll('#small-table button.sort')[at].click(); return [{}, {}] }})({})"
    assert browser.run("[...document.querySelectorAll('#small-table tbody tr')].slice(0, 2).map(row => row.cells[1].textContent)") == ["123", "123"]
    assert browser.run(click.format(NAMES, SORTED, 0)) == [["=1+1", "阿", "李", "张", "合计"], ["ascending", None, None]]
    assert browser.run(click.format(NAMES, SORTED, 1)) == [["李", "张", "阿", "=1+1", "合计"], [None, "ascending", None]]
    assert browser.run(click.format(NAMES, SORTED, 1)) == [["阿", "张", "李", "=1+1", "合计"], [None, "descending", None]]
    assert browser.run(click.format(NAMES, SORTED, 1)) == [["张", "李", "=1+1", "阿", "合计"], [None, None, None]]
    assert browser.run(click.format(NAMES, SORTED, 2)) == [["阿", "李", "=1+1", "张", "合计"], [None, None, "ascending"]]
    assert "比重" in browser.run("document.querySelector('.table-status').textContent"), "a screen reader is told"


def test_tables_sort_by_keyboard(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "work.html")
    browser.run("document.querySelectorAll('#small-table button.sort')[1].focus()")
    browser.press("Enter")
    assert browser.run(SORTED) == [None, "ascending", None]
    browser.press(" ")
    assert browser.run(SORTED) == [None, "descending", None]


def _pasted(browser: Chromium) -> str:
    browser.run("(box => { document.body.appendChild(box); box.id = 'paste'; box.focus() })(document.createElement('textarea'))")
    browser.press("v", "Paste")
    return browser.run("document.getElementById('paste').value")


def test_a_table_is_copied_with_whole_values(browser: Chromium, pages: Path) -> None:
    """What is pasted really came from the clipboard: whole numbers, text that starts like a formula stays text, only the rows that are shown."""
    browser.open(pages / "work.html")
    browser.run("document.querySelector('.table-tools .copy').click()")
    lines = [
        ["表1 小表"], ["姓氏", "金额（元）", "比重（%）"], ["张", "123.45", "50.00"], ["李", "123.01", "12.345"], ["'=1+1", "未知", "25.00"],
        ["阿", "9999", "-10.00"], ["合计", "10245.46", "未知"],
    ]
    assert [line.split("\t") for line in _pasted(browser).splitlines()] == lines
    assert "已复制" in browser.run("document.querySelector('.table-status').textContent")
    browser.run("(box => { box.value = '阿'; box.dispatchEvent(new Event('input')) })(document.getElementById('small-filter'))")
    browser.run("document.getElementById('paste').remove(); document.querySelector('.table-tools .copy').click()")
    assert [line.split("\t") for line in _pasted(browser).splitlines()] == [*lines[:2], lines[5]]


def test_a_table_is_selected_where_copying_is_refused(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "work.html")
    browser.run("document.execCommand = () => false; Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    browser.run("document.querySelector('.table-tools .copy').click()")
    assert "Ctrl+C" in browser.run("document.querySelector('.table-status').textContent")
    assert "123" in browser.run("getSelection().toString()")


def test_filter_finds_villages_by_name_township_and_code(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "index.html")
    shown_rows = """(text => { const box = document.getElementById('village-filter'); box.value = text; box.dispatchEvent(new Event('input'));
        return [...document.querySelectorAll('#village-table tbody tr')].filter(r => r.checkVisibility()).map(r => r.cells[1].textContent) })"""
    assert browser.run(f"{shown_rows}('')") == ["舜峰镇", "金江镇"]
    assert browser.run(f"{shown_rows}('虚构')") == ["舜峰镇"]
    assert browser.run(f"{shown_rows}('市级 金江')") == ["金江镇"]
    assert browser.run(f"{shown_rows}('431025100901')") == ["舜峰镇"]
    assert browser.run(f"{shown_rows}('没有')") == []
    assert browser.run("document.querySelector('.filter-count').textContent") == "0 / 2"


GROUPS = "[...document.querySelectorAll('#groups-table tbody tr')].filter(row => !row.hidden).map(row => row.cells[0].textContent)"


def test_chinese_numbers_sort_as_numbers(browser: Chromium, pages: Path) -> None:
    """Before a measure word only: 三合村 is a name."""
    browser.open(pages / "hard.html")
    browser.run("document.querySelector('#groups-table button.sort').click()")
    assert browser.run(GROUPS) == ["一组", "二组", "2组", "十组", "十二组", "二十组", "一百零三组", "三合村"]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("(a|b)*[", ["十组"]), ("\\d+", ["一百零三组"]), ("１２３４５", ["十组"]), ("12,345.67", ["十组"]), ("12345", ["十组"]), ("=sum(", ["二组"]),
        ("-0.05", ["二组"]),
        ("２0１8年 二十", ["二十组"]), ("组2018", []), (".*", []),
    ],
)  # fmt: skip
def test_filter_takes_what_is_typed_as_text(browser: Chromium, pages: Path, typed: str, found: list[str]) -> None:
    """No pattern; full-width digits, thousands separators and signs in either form; never across two cells."""
    browser.open(pages / "hard.html")
    browser.run(f"(box => {{ box.value = {json.dumps(typed)}; box.dispatchEvent(new Event('input')) }})(document.getElementById('groups-filter'))")
    assert browser.run(GROUPS) == found


def test_no_copied_text_is_a_formula_or_swallows_a_cell(browser: Chromium, pages: Path) -> None:
    """Full-width signs start a formula in a Chinese Excel; a quotation mark at the start of a cell would join it to the next."""
    browser.open(pages / "hard.html")
    browser.run("document.querySelector('.table-tools .copy').click()")
    lines = _pasted(browser).splitlines()
    assert lines[0] == "表1 2018年各组", "the number of the table does not run into the year"
    assert [line.split("\t")[1] for line in lines[2:]] == ["(a|b)*[", "'＝SUM(A1)", '"""引号"', "\\d+", "2018年", "a b", "'－1", "'@x"]
    assert [line.split("\t")[2] for line in lines[2:]] == ["12345.67", "-0.05", "0.00", "0.10", "未知", "0.07", "3.00", "0.20"]


def test_tables_of_many_numbers_and_reasons_are_laid_out(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "hard.html")
    assert browser.run("(box => box.scrollWidth - box.clientWidth)(document.getElementById('many-table').closest('.table-wrap'))") <= 0
    heights = browser.run("""(cell => { const range = document.createRange(); range.selectNode(cell.firstChild);
        return [range.getBoundingClientRect().top, cell.querySelector('.reason').getClientRects()[0].top] })(document.querySelector('#why-table td.num'))""")
    assert abs(heights[0] - heights[1]) < 8, "the word and the first line of its reason stand side by side"
    assert browser.run("document.querySelector('th.keyed .rule').innerHTML") == "exit.<wbr>household.<wbr>income"


def test_nothing_is_invisible_where_the_system_chooses_the_colours(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "hard.html")
    drawn = "getComputedStyle(document.querySelector('.spark polyline')).stroke"
    assert browser.run(drawn) == "rgb(18, 67, 109)"
    browser.media("", forced_colors="active")
    assert browser.run(drawn) == browser.run("getComputedStyle(document.body).color")
    browser.media("")


# ---- footnotes ----------------------------------------------------------------------------------------------------------


def test_a_rule_opens_by_keyboard_and_closes_again(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "work.html")
    assert browser.run("[...document.querySelectorAll('main .rule')].map(one => one.tagName + ' ' + one.textContent)") == [
        "A exit.household.income", "SPAN no.such_rule",
    ]  # fmt: skip
    browser.run("document.querySelector('a.rule').focus()")
    browser.press("Enter")
    assert browser.run("document.activeElement.getAttribute('role')") == "dialog"
    assert "厅字〔2016〕16号" in browser.run("document.activeElement.textContent")
    assert browser.run("document.querySelector('a.rule').getAttribute('aria-expanded')") == "true"
    box = browser.run("(box => [box.left, box.top, box.right, box.bottom])(document.activeElement.getBoundingClientRect())")
    assert box[0] >= 0
    assert box[2] <= 1280
    browser.press("Escape")
    assert browser.run("[document.querySelectorAll('.popover').length, document.activeElement.className]") == [0, "rule"]


def test_the_keyboard_leaves_a_rule_where_it_came_in(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "hard.html")
    at = """(now => [document.querySelectorAll('.popover').length, [...document.querySelectorAll('.note a.rule')].indexOf(now), now.className])(
        document.activeElement)"""
    browser.run("document.querySelector('.note a.rule').focus()")
    browser.press("Enter")
    browser.press("Tab")
    assert browser.run(at) == [1, -1, "close"]
    browser.press("Tab")
    assert browser.run(at) == [0, 1, "rule"], "on to the next key of the text, and nothing is left open"
    browser.press("Enter")
    browser.press("Tab", shift=True)
    assert browser.run(at) == [0, 1, "rule"]


def test_without_script_a_rule_key_leads_to_its_text(pages: Path) -> None:
    document = (pages / "work.html").read_text(encoding="utf-8")
    assert '<a class="rule" href="#rule-exit.household.income">' in document
    assert "rule-exit.household.income" in html.places(document)
    assert '<details open><summary>目录</summary>' in document, "the contents are a plain list"


# ---- print --------------------------------------------------------------------------------------------------------------


def _sheets(browser: Chromium, file: Path) -> list[str]:
    browser.pdf(file)
    text = subprocess.run(["pdftotext", "-layout", str(file), "-"], capture_output=True, check=True, encoding="utf-8").stdout
    return [re.sub(r"\s", "", sheet) for sheet in text.split("\f") if sheet.strip()]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_print_repeats_the_heading_and_marks_every_sheet(browser: Chromium, pages: Path, tmp_path: Path) -> None:
    browser.open(pages / "431025_2018Q1.html")
    sheets = _sheets(browser, tmp_path / "page.pdf")
    with_rows = [sheet for sheet in sheets if sheet.count("西山瑶族乡") > 3]
    assert len(with_rows) >= 2
    assert all("列标题13" in sheet or "列标" in sheet for sheet in with_rows), "the heading of the table stands on every sheet"
    assert sum(sheet.count("西山瑶族乡") for sheet in sheets) == 90, "no row is lost"
    assert all("示例数据" in sheet and f"第{number}页共{len(sheets)}页" in sheet for number, sheet in enumerate(sheets, 1))
    assert not any("复制到Excel" in sheet or "查找" in sheet for sheet in sheets), "what only works on a screen is not printed"


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_a_small_table_is_not_cut(browser: Chromium, pages: Path, tmp_path: Path) -> None:
    browser.open(pages / "work.html")
    sheets = _sheets(browser, tmp_path / "page.pdf")
    assert sum("小表" in sheet and "合计" in sheet for sheet in sheets) == 1
    assert sum("小表" in sheet for sheet in sheets) == 1


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_lists_of_names_are_printed_across_from_the_first_sheet_on(browser: Chromium, pages: Path, tmp_path: Path) -> None:
    browser.open(pages / "list.html")
    sheets = _sheets(browser, tmp_path / "list.pdf")
    about = subprocess.run(["pdfinfo", str(tmp_path / "list.pdf")], capture_output=True, check=True, encoding="utf-8").stdout
    width, height = map(float, re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", about).groups())
    assert width > height
    assert "名单14" in sheets[0]
    assert sheets[0].count("张三丰") > 3
    assert all("第1栏" in sheet and "内部使用不得公开" in sheet for sheet in sheets), "the heading and the mark stand on every sheet"
    assert sum(sheet.count("张三丰") for sheet in sheets) == 74


# ---- accessibility, and the pages as they are ------------------------------------------------------------------------------


def _serious(browser: Chromium) -> list[str]:
    browser.run("typeof axe === 'undefined' && document.querySelectorAll('details').forEach(d => { d.open = true })")
    browser.run(AXE.read_text(encoding="utf-8") + "; true")
    return browser.run(
        "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations.filter(one => ['serious', 'critical'].includes(one.impact))"
        ".map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' | ')))"
    )


@pytest.mark.parametrize("name", ["work.html", "hard.html", "list.html", "index.html", "failed.html"])
def test_nothing_serious_for_keyboard_and_screen_reader(browser: Chromium, pages: Path, name: str) -> None:
    browser.open(pages / name)
    assert _serious(browser) == []


@pytest.mark.county
def test_pages_of_the_real_notebooks(browser: Chromium, small_home: Path, tmp_path: Path) -> None:
    """County, township, village and methods of a small sample county, made by the real notebooks."""
    home = tmp_path / "home"
    shutil.copytree(small_home, home)
    q = open_quarter(QUARTER, home)
    village = q.villages.loc[q.villages["village_kind"] == "province", "village_code"].iloc[0]
    result = run_batch(QUARTER, home, areas=["431025", village[:9], village])
    assert result.failures == []
    files = {file.name: file.read_text(encoding="utf-8") for file in sorted(result.folder.glob("*.html"))}
    there: dict[str, set[str] | None] = {str(file.relative_to(result.folder)): None for file in result.folder.rglob("*")}
    there |= {name: html.places(text) for name, text in files.items()}
    assert [link for text in files.values() for link in html.dead_links(text, there)] == []
    for name, text in files.items():
        _look_at(browser, result.folder / name)
        assert "&lt;NA&gt;" not in text
        assert not re.search(r">\s*nan\s*<", text)
        assert len(text.encode()) < 2_000_000
    browser.open(result.folder / "index.html")
    browser.follow("document.querySelector('.go a').click()")
    assert browser.run("decodeURIComponent(location.pathname).split('/').pop()") == "431025_2018Q1.html"


@pytest.mark.county
def test_public_edition_and_lists(browser: Chromium, small_home: Path, tmp_path: Path) -> None:
    """What is printed, posted or put on a web site, made of the small sample county."""
    q = open_quarter("2017Q3", small_home)
    heads = dict.fromkeys(q.households["household_id"], "张三丰")
    public.write_public(q, tmp_path, page_provenance(q))
    paths = [tmp_path / "public" / "index.html", *lists.public_notices(q, heads, tmp_path / "notices")[:1], *lists.case_lists(q, heads, tmp_path / "cases")[:1]]
    for path in paths:
        _look_at(browser, path)
    files: dict[str, set[str] | None] = {path.name: None for path in (tmp_path / "public").iterdir()}
    assert html.dead_links(paths[0].read_text(encoding="utf-8"), files) == []


def _look_at(browser: Chromium, file: Path) -> None:
    browser.trouble.clear()
    browser.open(file)
    for width in WIDTHS:
        browser.resize(width)
        assert browser.run("document.documentElement.scrollWidth") == width, (file.name, width)
        assert browser.run(OVERFLOW) == [], (file.name, width)
        assert browser.run(CUT) == [], (file.name, width)
    browser.resize(SHEET)
    browser.media("print")
    assert browser.run(TOO_WIDE) == [], file.name
    browser.media("")
    browser.resize(WIDTHS[0])
    assert browser.run("document.querySelectorAll('img:not([alt]), img[alt=\"\"]').length") == 0
    assert _serious(browser) == [], file.name
    assert browser.trouble == [], file.name
