"""Pages in a real headless Chromium: no console error, no request, nothing overflows, every Chinese character has a glyph, filter and print work."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from chromium import Chromium, find_chromium
from publish_workspace import QUARTER
from test_html import PAYLOAD, executed, html_output, index_of, page, shown

from linwu_stats import open_quarter
from linwu_stats.publish import html
from linwu_stats.publish.batch import run_batch

pytestmark = [pytest.mark.browser, pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine (本机没有 Chromium)")]

WIDTHS = (1280, 768, 390)

#: Elements that stick out of the window, other than inside a box that scrolls by itself.
OVERFLOW = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.table-wrap, pre, .skip') && e.getClientRects().length
    && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + '.' + e.className).slice(0, 5)"""
#: Text cut off in a box that does not scroll.
CUT = """[...document.querySelectorAll('body *')].filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1
    && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX)).map(e => e.tagName + '.' + e.className).slice(0, 5)"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as one:
        yield one


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything that is hard to lay out, the index, and a failure page."""
    folder = tmp_path_factory.mktemp("pages")
    nb = executed()
    wide = "".join(f'<th scope="col" class="num">很长的列标题{number}<br><span class="unit">（元/人·年）</span></th>' for number in range(14))
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
    (folder / "index.html").write_text(index_of(folder)[0], encoding="utf-8")
    failure = {"reason": "错误" * 80, "cell": 3, "source": "x = 1", "traceback": "长" * 300 + "\n" + "a" * 300, "advice": "重新运行。"}
    (folder / "failed.html").write_text(html.failure_to_html(page(), failure), encoding="utf-8")
    return folder


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["431025_2018Q1.html", "index.html", "failed.html"])
def test_nothing_overflows(browser: Chromium, pages: Path, name: str, width: int) -> None:
    browser.open(pages / name, width)
    assert browser.run("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    assert browser.run(OVERFLOW) == []
    assert browser.run(CUT) == []
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(OVERFLOW) == []


@pytest.mark.parametrize("name", ["index.html", "failed.html"])
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


@pytest.mark.parametrize("name", ["431025_2018Q1.html", "index.html", "failed.html"])
def test_chinese_comes_from_the_font_inside_the_page(browser: Chromium, pages: Path, name: str) -> None:
    browser.open(pages / name)
    browser.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    chinese_fonts = {font["familyName"] for font in browser.fonts("h1, h2, p, li, th, dt, summary") if font["isCustomFont"]}
    assert chinese_fonts == {"Noto Sans SC"}
    glyphs = sum(font["glyphCount"] for font in browser.fonts("h1") if font["isCustomFont"])
    assert glyphs == len(re.sub(r"\s", "", browser.run("document.querySelector('h1').textContent")))


def test_code_is_one_click_away(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "431025_2018Q1.html")
    seen = "document.querySelector('details.code .highlight').checkVisibility()"
    assert browser.run(seen) is False
    browser.run("document.querySelector('details.code summary').click()")
    assert browser.run(seen) is True


def test_contents_follow_the_reading(browser: Chromium, pages: Path) -> None:
    browser.open(pages / "431025_2018Q1.html", height=300)
    browser.run("document.querySelectorAll('main h2')[1].scrollIntoView(); new Promise(done => setTimeout(done, 200))")
    heading = browser.run("document.querySelectorAll('main h2')[1].id")
    assert browser.run("[...document.querySelectorAll('.contents a[aria-current]')].map(a => decodeURIComponent(a.hash))") == ["#" + heading]


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


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not installed")
def test_print_repeats_the_heading_and_marks_every_sheet(browser: Chromium, pages: Path, tmp_path: Path) -> None:
    import subprocess

    browser.open(pages / "431025_2018Q1.html")
    browser.pdf(tmp_path / "page.pdf")
    text = subprocess.run(["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"], capture_output=True, check=True, encoding="utf-8").stdout
    sheets = [re.sub(r"\s", "", sheet) for sheet in text.split("\f") if sheet.strip()]
    with_rows = [sheet for sheet in sheets if sheet.count("西山瑶族乡") > 3]
    assert len(with_rows) >= 2
    assert all("列标题13" in sheet or "列标" in sheet for sheet in with_rows), "the heading of the table stands on every sheet"
    assert sum(sheet.count("西山瑶族乡") for sheet in sheets) == 90, "no row is lost"
    assert all("示例数据" in sheet and f"第{number}页共{len(sheets)}页" in sheet for number, sheet in enumerate(sheets, 1))


@pytest.mark.county
def test_pages_of_the_real_notebooks(browser: Chromium, small_home: Path, tmp_path: Path) -> None:
    """County, township, village and methods of a small sample county, made by the real notebooks."""
    home = tmp_path / "home"
    shutil.copytree(small_home, home)


    q = open_quarter(QUARTER, home)
    village = q.villages.loc[q.villages["village_kind"] == "province", "village_code"].iloc[0]
    result = run_batch(QUARTER, home, areas=["431025", village[:9], village])
    assert result.failures == []
    for file in sorted(result.folder.glob("*.html")):
        browser.trouble.clear()
        for width in WIDTHS:
            browser.open(file, width)
            assert browser.run("document.documentElement.scrollWidth") == width, (file.name, width)
            assert browser.run(OVERFLOW) == [], (file.name, width)
            assert browser.run(CUT) == [], (file.name, width)
        assert browser.trouble == [], file.name
        assert browser.run("document.querySelectorAll('img:not([alt]), img[alt=\"\"]').length") == 0
        text = file.read_text(encoding="utf-8")
        assert "&lt;NA&gt;" not in text
        assert not re.search(r">\s*nan\s*<", text)
        assert len(text.encode()) < 2_000_000
