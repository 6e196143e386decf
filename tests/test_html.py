"""Pages from executed notebooks: structure, safety, font, masking, plan of pages. No kernel is started here."""

from __future__ import annotations

import base64
import io
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from publish_workspace import COUNTY, OTHER_VILLAGE, PARAMETERS, QUARTER, TOWNSHIP, VILLAGE, make_workspace, notebook, write_notebooks

from linwu_stats import open_quarter
from linwu_stats.publish import fonts, html, plan, screen
from linwu_stats.publish.batch import PageResult
from linwu_stats.publish.index import index_html
from linwu_stats.publish.tables_html import Show, render_table
from linwu_stats.tables import conform

PAYLOAD = '<script>alert(1)</script><img src=x onerror="alert(2)">'
WANTED = ("quarter", "area", "home")


class Outline(HTMLParser):
    """Tags, attributes and text of a document, in order."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page(**changes: Any) -> dict[str, Any]:
    facts = {
        "file": "431025_2018Q1.html", "kind": "county", "title": "临武县报告", "series": "2018Q1", "area_name": "临武县",
        "facts": [("报告期", "2018年第一季度")],
        "trail": [{"href": "index.html", "text": "本季报告"}], "is_sample": True, "source": "county.ipynb", "notebook": "notebooks/431025_2018Q1.ipynb",
        "parameters": {"quarter": QUARTER, "area": COUNTY, "home": "."}, "command": "linwu-stats run 2018Q1 --only 431025", "known_files": [],
        "provenance": {
            "facts": [("程序版本", "linwu_stats 0")], "inputs": [{"path": "a.xlsx", "sha256": "ab" * 32, "bytes": "1"}], "overrides": [],
            "to_confirm": ["line.central_work"],
        },
    }
    return facts | {"title_parts": [changes.get("title", facts["title"])]} | changes


def shown(cell: Any, *outputs: Any) -> Any:
    cell.outputs = list(outputs)
    return cell


def html_output(text: str) -> Any:
    return nbformat.v4.new_output("display_data", {"text/html": text, "text/plain": "plain"})


TABLE = '<table class="data"><caption>{}</caption><thead><tr><th scope="col">列</th></tr></thead><tbody><tr><td class="num">1</td></tr></tbody></table>'
FIGURE = '<figure><img src="data:image/png;base64,AAAA" alt="曲线"><figcaption>先看这里</figcaption></figure>'


def executed() -> Any:
    """An executed notebook put together by hand."""
    nb = notebook(("md", "# 封面\n\n先填参数单元。"), ("md", "## 第一节\n\n正文。"), "first()", ("md", "## 第一节\n\n### 小节"), "second()", "setup_only = 1")
    cells = [cell for cell in nb.cells if cell.cell_type == "code"]
    injected = nbformat.v4.new_code_cell('quarter = "2018Q1"', metadata={"tags": ["injected-parameters"]})
    shown(cells[1], html_output(TABLE.format("甲表")), html_output(FIGURE), nbformat.v4.new_output("stream", name="stderr", text="小心"))
    shown(cells[2], html_output(f'<div class="table-wrap">{TABLE.format("乙表")}</div>'), nbformat.v4.new_output("stream", name="stdout", text="a<b"))
    nb.cells.insert(1, injected)
    return nb


def test_page_structure() -> None:
    document = html.notebook_to_html(executed(), page())
    main = document[document.index("<main") : document.index('id="code"')]
    assert "先填参数单元" not in document, "the cover is for the reader in JupyterLab"
    assert re.findall(r'<span class="number">(.*?)</span>', main) == ["表1", "图1", "表2"]
    assert main.count('class="table-wrap"') == 2, "a table that has its box gets no second one"
    assert 'aria-label="甲表"' in main
    assert main.count('<details class="code"><summary>代码</summary>') == 2
    assert "小心" not in main, "messages go behind the last fold"
    assert "a&lt;b" in main
    assert "<h1>封面" not in document
    folded = document[document.index('id="code"') :]
    text = html.visible_text(folded)
    assert "setup_only" in text
    assert 'quarter = "2018Q1"' in re.sub(r"\s+", " ", text)
    assert "小心" in text
    assert "linwu-stats run 2018Q1 --only 431025" in text


def test_contents_lead_to_headings_each_with_its_own_id() -> None:
    document = html.notebook_to_html(executed(), page())
    entries = re.findall(r'<li class="level-(\d)"><a href="#([^"]+)">([^<]+)</a>', document)
    assert [(level, text) for level, _, text in entries] == [("2", "第一节"), ("2", "第一节"), ("3", "小节")]
    ids = re.findall(r'\sid="([^"]+)"', document)
    assert len(ids) == len(set(ids))
    assert {name for _, name, _ in entries} <= set(ids)
    assert html.dead_links(document, {"index.html": None, "run.json": None, "notebooks/431025_2018Q1.ipynb": None}) == []


def test_page_asks_no_host_and_runs_no_foreign_script() -> None:
    nb = executed()
    nb.cells.append(shown(nbformat.v4.new_code_cell("evil()"), nbformat.v4.new_output("display_data", {"application/javascript": "alert(1)"})))
    document = html.notebook_to_html(nb, page())
    outline = Outline(document)
    assert outline.named("link") == []
    assert [tag.get("src") for tag in outline.named("script")] == [None], "one script, inside"
    assert "alert(1)" not in document[: document.index("<script>")].replace("evil()", "")
    addresses = [value for _, attributes in outline.tags for name, value in attributes.items() if name in {"src", "href"} and value]
    assert all(not re.match(r"(https?:)?//", address) for address in addresses)
    policy = outline.named("meta")[1]["content"]
    assert policy
    assert "default-src 'none'" in policy
    assert "'sha256-" in policy
    assert outline.named("html")[0]["lang"] == "zh-CN"
    assert len(document.encode()) < 300_000


@pytest.mark.parametrize("field", ["title", "series", "area_name", "source", "command"])
def test_texts_from_data_are_escaped(field: str) -> None:
    document = html.notebook_to_html(executed(), page(**{field: PAYLOAD}))
    outline = Outline(document)
    assert len(outline.named("script")) == 1
    assert not [attributes for _, attributes in outline.tags if any(name.startswith("on") for name in attributes)]
    assert "&lt;script&gt;" in document


def test_failure_page_escapes_and_says_what_to_do() -> None:
    failure = {"reason": PAYLOAD, "cell": 7, "source": PAYLOAD, "traceback": PAYLOAD, "advice": "请改正后重新运行。"}
    document = html.failure_to_html(page(), failure)
    assert len(Outline(document).named("script")) == 1
    assert "第 7 个单元" in document
    assert "请改正后重新运行。" in document


def test_font_inside_the_page_has_every_chinese_character() -> None:
    document = html.notebook_to_html(executed(), page(title="临武县喆㛃𫖯"))
    kind, data = re.findall(r"url\(data:font/(woff2?);base64,([A-Za-z0-9+/=]+)\)", document)[0]
    font = TTFont(io.BytesIO(base64.b64decode(data)))
    assert font.flavor == kind
    text = html.visible_text(document)
    chinese = {char for char in text if ord(char) > 0x2E80}
    assert "喆" in chinese
    assert chinese <= set(map(chr, font.getBestCmap()))


def test_same_notebook_gives_the_same_bytes() -> None:
    assert html.notebook_to_html(executed(), page()) == html.notebook_to_html(executed(), page())


def test_sample_mark_only_on_samples() -> None:
    assert "示例数据" in html.notebook_to_html(executed(), page())
    assert "示例数据" not in html.notebook_to_html(executed(), page(is_sample=False))


def test_link_to_a_page_that_the_run_does_not_have_becomes_text() -> None:
    nb = notebook(("md", "## 一\n\n[有](b.html) [无](c.html) [外](https://example.org/) [内](#一)"))
    document = html.notebook_to_html(nb, page(known_files=["b.html", "index.html", "run.json", "notebooks/431025_2018Q1.ipynb"]))
    assert 'href="b.html"' in document
    assert 'href="c.html"' not in document
    assert "<span>无</span>" in document
    assert 'href="https://example.org/"' in document


def test_dead_links_are_found() -> None:
    document = '<h2 id="a.b">x</h2><a href="#a.b">1</a><a href="#no">2</a><a class="x" href="m.html#k">3</a><a href="m.html#z">4</a><a href="gone.html">5</a>'
    assert html.dead_links(document, {"m.html": {"k"}}) == ["#no", "gone.html", "m.html#z"]


# ---- what must not leave the house --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "431099199001010019", "43109919900101001X", "身份证431099199001010000。", "43109919900101001943", "431099900101001", "电话13912345678，",
        "'431099199001010019'", "KeyError: 431099199001010019",
    ],
)
def test_numbers_of_persons_are_masked(text: str) -> None:
    cleaned = screen.clean_text(text)
    assert screen.count_personal_numbers(text) == 1
    assert screen.MASK in cleaned
    assert not re.search(r"\d{8}", cleaned)


@pytest.mark.parametrize(
    "text",
    ["00431099000123", "0043109900012301", "431025100901", "0.431099199001010019", "12345678901", "13,912,345,678", "ab13912345678cd", "2018Q1"],
)
def test_codes_and_amounts_stay(text: str) -> None:
    assert screen.count_personal_numbers(text) == 0
    assert screen.clean_text(text) == text


def test_notebook_is_cleaned_but_pictures_are_not(tmp_path: Path) -> None:
    picture = "data:image/png;base64,13912345678+13912345678/="
    nb = notebook("x")
    printed = nbformat.v4.new_output("stream", name="stdout", text=f"{tmp_path}/data\x1b[31m")
    shown(nb.cells[1], html_output(f'<img src="{picture}" alt="a">431099199001010019'), printed)
    nb.metadata["papermill"] = {"input_path": str(tmp_path), "start_time": "now", "parameters": {"area": "1"}, "version": "2"}
    nb.cells[1].metadata["papermill"] = {"start_time": "now"}
    cleaned, found = screen.clean_notebook(nb, tmp_path)
    assert found == 1
    text = nbformat.writes(cleaned)
    assert picture in text
    assert "431099199001010019" not in text
    assert str(tmp_path) not in text
    assert "now" not in text
    assert cleaned.cells[1].outputs[1].text == "./data"
    assert nb.cells[1].outputs[1].text.startswith(str(tmp_path)), "the given notebook is not changed"


# ---- font ---------------------------------------------------------------------------------------------------------


def test_figures_draw_chinese_without_a_missing_glyph() -> None:
    from matplotlib.figure import Figure

    fonts.use_chinese_font()
    fonts.use_chinese_font()
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Glyph .* missing")
        figure = Figure(figsize=(2, 1))
        figure.text(0, 0.5, "临武县瑶族乡喆㛃𫖯 −1.2 α β → ①")
        figure.savefig(io.BytesIO(), format="png")


def test_missing_characters_are_named() -> None:
    assert fonts.characters_missing("临武县2018年\n\t ") == ""
    assert fonts.characters_missing("临\ue863武") == ""  # private use: not printable, never guessed
    assert fonts.characters_missing("中𠀋文ཀ") == "ཀ𠀋"


# ---- plan ---------------------------------------------------------------------------------------------------------


def test_plan_has_county_methods_townships_and_poor_villages(tmp_path: Path) -> None:
    q = open_quarter(QUARTER, make_workspace(tmp_path))
    (tmp_path / "notebooks").mkdir()
    pages = plan.plan_pages(q)
    assert [one.kind for one in pages] == ["county", "methods", *["township"] * 13, "village", "village"]
    assert pages[0].file == "431025_2018Q1.html"
    assert pages[1].file == "methods_2018Q1.html"
    assert pages[-1].file == f"{OTHER_VILLAGE}_2018Q1.html", "no name in a file name"
    assert [one.area for one in plan.plan_pages(q, [VILLAGE, TOWNSHIP])] == [TOWNSHIP, VILLAGE]
    with pytest.raises(plan.BatchError, match="999999"):
        plan.plan_pages(q, ["999999"])


def test_a_subject_has_pages_where_its_notebook_is(tmp_path: Path) -> None:
    q = open_quarter(QUARTER, make_workspace(tmp_path))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "ledger_quality.ipynb").touch()
    (folder / "lookback.ipynb").touch()
    pages = plan.plan_pages(q, [COUNTY, TOWNSHIP])
    assert [(one.kind, one.file) for one in pages] == [
        ("county", "431025_2018Q1.html"), ("methods", "methods_2018Q1.html"), ("ledger_quality", "431025_quality_2018Q1.html"),
        ("lookback", "431025_lookback_2018Q1.html"), ("township", f"{TOWNSHIP}_2018Q1.html"), ("ledger_quality", f"{TOWNSHIP}_quality_2018Q1.html"),
    ]  # fmt: skip
    facts = plan.page_facts(pages[-1], q, [one.file for one in pages])
    assert [one["href"] for one in facts["trail"]] == ["index.html", "431025_2018Q1.html", f"{TOWNSHIP}_2018Q1.html"]
    assert facts["title_parts"][-1] == "台账质量"
    assert [one["href"] for one in facts["related"]] == [f"{TOWNSHIP}_2018Q1.html"]
    assert [one["text"] for one in plan.page_facts(pages[0], q, [one.file for one in pages])["related"]] == ["台账质量", "回头看"]
    results = [PageResult(one, "made") for one in pages]
    document, troubles = index_html(q, results, page()["provenance"])
    assert troubles == []
    assert html.dead_links(document, {one.file: None for one in pages} | {"run.json": None, "index.html": None}) == []
    assert "莫须有村" not in document.partition('id="subjects"')[2].partition("</dl>")[0]


@pytest.mark.parametrize("area", ["../../etc", "43102", "431025100/", "431025１００", "", None, 431025, "431025\n"])
def test_only_codes_name_files(area: Any) -> None:
    with pytest.raises(plan.BatchError):
        plan.page_file(area, QUARTER)
    with pytest.raises(plan.BatchError):
        plan.page_file("431025", "2018Q1/..")


@pytest.mark.parametrize(
    ("nb", "message"),
    [
        (notebook("x = 1", parameters=None), "0 cells are tagged"),
        (notebook('area = "1"', parameters='quarter = None\nhome = None'), "does not know area"),
        (notebook(parameters=PARAMETERS + '\nnmae = "1"'), "declares nmae"),
        (notebook(parameters="import os\n" + PARAMETERS), "line 1"),
        (notebook(parameters=PARAMETERS + '\narea = "2"'), "assigns area twice"),
        (notebook(parameters="quarter = = 1"), "cannot be read"),
        (notebook(parameters="quarter = area = home = None"), "line 1"),
    ],
)
def test_notebook_that_does_not_fit_is_refused(tmp_path: Path, nb: Any, message: str) -> None:
    folder = write_notebooks(tmp_path, county=nb)
    pages = [plan.Page("county", COUNTY, "临武县", QUARTER), plan.Page("village", VILLAGE, "村", QUARTER)]
    with pytest.raises(plan.BatchError, match=re.escape(message)):
        plan.check_notebooks(folder, pages, WANTED)


def test_two_parameters_cells_and_a_missing_notebook_are_named_together(tmp_path: Path) -> None:
    nb = notebook()
    nb.cells.append(nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}))
    nbformat.write(nb, tmp_path / "county.ipynb")
    pages = [plan.Page("county", COUNTY, "临武县", QUARTER), plan.Page("village", VILLAGE, "村", QUARTER)]
    with pytest.raises(plan.BatchError) as caught:
        plan.check_notebooks(tmp_path, pages, WANTED)
    assert "2 cells are tagged" in str(caught.value)
    assert "village.ipynb: not found" in str(caught.value)


def test_good_notebooks_are_accepted(tmp_path: Path) -> None:
    folder = write_notebooks(tmp_path)
    assert plan.check_notebooks(folder, [plan.Page("county", COUNTY, "临武县", QUARTER)], WANTED) == {"county.ipynb": folder / "county.ipynb"}


# ---- index --------------------------------------------------------------------------------------------------------


def index_of(home: Path) -> tuple[str, list[str]]:
    q = open_quarter(QUARTER, make_workspace(home))
    (home / "notebooks").mkdir(exist_ok=True)
    results = [PageResult(one, "failed", reason=PAYLOAD) if one.area == TOWNSHIP else PageResult(one, "made") for one in plan.plan_pages(q)]
    return index_html(q, results, page()["provenance"])


def test_index_says_what_the_tables_say(tmp_path: Path) -> None:
    document, troubles = index_of(tmp_path)
    assert troubles == []
    text = re.sub(r"\s+", " ", html.visible_text(document))
    # six households, 17 persons; three out with 3 + 2 + 5 = 10; left 7 of 1,250 rural people: 0.56 %
    for words in ("建档立卡贫困户 6 户 17 人", "已脱贫 3 户 10 人", "未脱贫 3 户 7 人", "贫困发生率 0.56 %", "4,321.50 元", "贫困村 2 个 已退出 1 个"):
        assert words in text
    assert "2 户还不能判定是否符合退出条件，其中 1 户本年度累计收入尚未达到标准" in text
    rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", document, re.DOTALL)
    township = next(row for row in rows if "金江镇" in row)
    # two households, 5 + 2 persons, one left with 2 of 250: 0.80 %; no income indicator; one meets, one unknown
    assert re.findall(r"<td[^>]*>(.*?)</td>", township) == ["2", "7", "1", "2", "0.80", "未知", "1", "1"]


def test_index_marks_failed_pages_and_escapes_names(tmp_path: Path) -> None:
    document, _ = index_of(tmp_path)
    assert "1 页失败，其余 16 页已生成" in document
    assert document.count('<strong class="state failed">失败</strong>') == 1
    assert "莫须有村&lt;b&gt;" in document
    assert len(Outline(document).named("script")) == 1
    q = open_quarter(QUARTER, tmp_path)
    files = {one.file: None for one in plan.plan_pages(q)} | {"run.json": None, "index.html": None}
    assert html.dead_links(document, files) == []


def test_index_stands_when_a_table_cannot_be_read(tmp_path: Path) -> None:
    home = make_workspace(tmp_path)
    (home / "data" / QUARTER / "tables" / "household_exit.parquet").write_bytes(b"broken")
    q = open_quarter(QUARTER, home)
    document, troubles = index_html(q, [PageResult(one, "made") for one in plan.plan_pages(q)], page()["provenance"])
    assert any("评估结论" in one for one in troubles)
    assert "431025_2018Q1.html" in document
    assert "建档立卡贫困户" in document


def test_index_finds_every_village_and_leads_from_a_failure_to_its_record(tmp_path: Path) -> None:
    """A village that is not poor has no page: it stands in the list with its township's page. Downloads have their sizes; parquet is left to programs."""
    home = make_workspace(tmp_path)
    file = home / "data" / QUARTER / "tables" / "villages.parquet"
    villages = pd.read_parquet(file, dtype_backend="pyarrow")
    plain = {"village_code": "431025100902", "township_code": TOWNSHIP, "village_name": "子虚村", "village_kind": "none", "village_status": "not_poor"}
    conform(pd.concat([villages, pd.DataFrame([plain])]), "villages").to_parquet(file, index=False)
    q = open_quarter(QUARTER, home)
    results = [PageResult(one, "failed", reason="坏了", cell=3) if one.area == VILLAGE else PageResult(one, "made") for one in plan.plan_pages(q)]
    downloads = [{"file": "downloads/a.csv", "title": "甲表", "bytes": 2_048}, {"file": "downloads/a.parquet", "title": "甲表", "bytes": 1}]
    document, troubles = index_html(q, results, page()["provenance"], earlier="../old/index.html", downloads=downloads)
    assert troubles == []
    rows = re.findall(r"<tr><th scope=\"row\"[^>]*>.*?</tr>", document[document.index('id="village-table"') :], re.DOTALL)
    assert len(rows) == 3
    other = next(row for row in rows if "子虚村" in row)
    assert re.findall(r'href="([^"]*)"', other) == [f"{TOWNSHIP}_{QUARTER}.html"]
    assert "不评估" in other
    failed = document[document.index('id="failed"') : document.index('id="county"')]
    assert f'href="{VILLAGE}_{QUARTER}.html#traceback"' in failed
    assert "village.ipynb 第 3 个单元" in failed
    assert "坏了" in failed
    assert 'id="traceback"' in html.failure_to_html(page(), {"reason": "坏了", "cell": 3, "source": "x", "traceback": "t", "advice": ""})
    assert re.findall(r'<a href="(downloads[^"]*)">([^<]*)</a> <span class="size">([^<]*)<', document) == [("downloads/a.csv", "甲表", "CSV，2 KB")]
    assert document.count('href="../old/index.html"') == 2


#: What came to Chromium after version 69, and what a script of the year 2009 does not know, each with an example.
NEWER_SCRIPT = {
    r"\?\.(?!\d)": "a?.b", r"\?\?": "a ?? b", r"=>": "() => 1", r"`": "`a`", r"\b(?:async|await|const|let|class|import)\b[\s(]+[A-Za-z{[*]": "let a = 1",
    r"\.\.\.": "f(...a)", r"\*\*": "2 ** 3", r"(?:\|\||&&)=": "a ||= b", r"#[a-z]+\s*[=;(]": "#held = 1;", r"\d_\d": "1_000", r"\(\?<[=!]": "/(?<=a)b/",
    r"\.(?:at|replaceAll|matchAll|flat|flatMap|replaceChildren|findLast|toSorted|checkVisibility|showModal|hasOwn|fromEntries)\(": "a.at(-1)",
    r"\.(?:append|prepend|before|after|remove)\(": "a.remove()",
    r"\b(?:structuredClone|globalThis|ResizeObserver|IntersectionObserver|WeakRef|Temporal)\b": "globalThis.a",
}  # fmt: skip
NEWER_STYLE = {
    r":(?:is|where|has)\(": ":is(a, b) {}", r":not\([^()]*,": ":not(a, b) {}", r"@(?:layer|container|property|scope|starting-style)\b": "@layer a {}",
    r"(?<![-\w])(?:min|max|clamp|color-mix|oklch|oklab|light-dark)\(": "width: min(1px, 2px)", r"[{;]\s*(?:row-|column-)?gap:": "{ gap: 1rem }",
    r"[{;]\s*(?:inset|aspect-ratio|translate|rotate|scale|accent-color|content-visibility):": "{ inset: 0 }", r"\bsubgrid\b": "grid-template-rows: subgrid",
    r"[{;]\s*(?:margin|padding|inset)-(?:inline|block):": "{ margin-inline: auto }", r"\d(?:dvh|svh|lvh|dvw|cqw|cqi|lh|rlh)\b": "height: 1dvh",
    r"overflow(?:-[xy])?:\s*clip": "overflow: clip", r"\((?:width|height)\s*[<>]": "@media (width > 1px) {}", r"&[\s.:>]": "a { &:hover {} }",
    r"display:\s*(?:block|inline)\s+\w": "display: block flex", r":focus-visible[^{]*,\s*[^{,]*:(?:hover|focus)(?!-)": "a:focus-visible, a:hover {}",
}  # fmt: skip
#: Newer words that do no harm where they are not known, only after what stands for them there.
PAIRS = (("overflow-wrap: break-word; ", "overflow-wrap: anywhere"), ("-webkit-print-color-adjust: exact; ", "print-color-adjust: exact"))


def test_pages_ask_nothing_that_an_old_browser_lacks() -> None:
    """Chromium 69, in WPS and in the browsers of offices: no newer syntax, and no style without which a page would fall apart."""
    script, style = ((html.TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    style += "".join(re.findall(r"<style>(.*?)</style>", (html.TEMPLATES / "shell.html.j2").read_text(encoding="utf-8"), re.DOTALL))
    lines = re.sub(r'"(?:[^"\\]|\\.)*"|^\s*//.*$', '""', script, flags=re.MULTILINE)
    rules = re.sub(r"/\*.*?\*/|\{[%{#].*?[%}#]\}|column-gap:", "", style, flags=re.DOTALL)
    for newer, text in ((NEWER_SCRIPT, lines), (NEWER_STYLE, rules)):
        for pattern, example in newer.items():
            assert re.search(pattern, example), f"{pattern} does not find {example}"
            assert (found := re.search(pattern, text)) is None, found
    for before, word in PAIRS:
        assert len(re.findall(f"(?<!-webkit-){word}", style)) == style.count(before + word) > 0
    assert not re.search(r"Math\.random|Date\b|fetch|XMLHttpRequest|localStorage", script), "the same page every time, and no request"


def test_a_table_of_tall_rows_may_be_divided_between_sheets() -> None:
    """Twenty rows with a rule key below the name fill a sheet: kept whole they would leave their heading alone on the sheet before."""
    frame = pd.DataFrame({"name": [f"第{number}项" for number in range(20)], "key": ["line.basis"] * 20})
    columns = {"name": Show("名称", below="key"), "key": Show("规则", "rule")}
    plain = {"name": Show("名称"), "key": Show("规则", "rule")}
    assert 'class="table-wrap long"' in html.furnish(str(render_table(frame, columns, caption="高表").markup))
    assert 'class="table-wrap"' in html.furnish(str(render_table(frame, plain, caption="矮表").markup))
