"""Text from a ledger is only ever text: names with markup, formulas, templates and path characters in every ledger of a county that is run whole."""

from __future__ import annotations

import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
from planted import PAYLOADS, PRODUCT, VILLAGE

from linwu_stats.publish.html import visible_text

LIVE_TAGS = {"iframe", "object", "embed", "base", "form", "link", "frame", "applet", "svg", "math", "video", "audio"}
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "srcset", "poster"}


class Page(HTMLParser):
    """Everything that a browser would act on."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.scripts: list[str] = []
        self.live: list[str] = []
        self._script = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")
        if tag in LIVE_TAGS:
            self.live.append(f"<{tag}>")
        for name, value in attrs:
            text = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name == "srcdoc":
                self.live.append(f"{tag} {name}={value}")
            if name in ADDRESSES and not (text.startswith("data:image/") or re.fullmatch(r"(?!//)[^:<>\"'{}\\]*", text)):
                self.live.append(f"{tag} {name}={value}")
            if name == "http-equiv" and text == "refresh":
                self.live.append("refresh")

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._script = False


def test_the_parser_sees_what_a_browser_would_run():
    assert Page("<p onclick=x>").live == ["p onclick=x"]
    assert Page('<a href=" java\nscript:x">').live
    assert Page("<svg/onload=alert(1)>").live == ["<svg>", "svg onload=alert(1)"]
    assert Page("&lt;script&gt;").scripts == []
    assert len(PAYLOADS) >= 18


def pages(home: Path) -> list[Path]:
    return sorted((home / "reports").rglob("*.html"))


def test_no_page_has_anything_live_but_its_own_script(planted_home):
    found = pages(planted_home)
    assert len(found) >= 7
    for path in found:
        page = Page(path.read_text(encoding="utf-8"))
        assert page.live == [], path.name
        assert len(page.scripts) == 1, path.name
        assert "alert" not in page.scripts[0], path.name


def test_the_check_page_has_nothing_live(planted_home):
    page = Page((planted_home / "said" / "check-html.txt").read_text(encoding="utf-8"))
    assert page.live == []
    assert page.scripts == []


def test_the_hostile_village_stands_on_its_page_as_text(planted_home):
    """The plan of the test holds: the payloads do reach the pages, as the words that they are."""
    village = (planted_home / "areas.txt").read_text(encoding="utf-8").split()[2]
    path = planted_home / "reports" / "2018Q1-selected" / f"{village}_2018Q1.html"
    text = re.sub(r"\s", "", visible_text(path.read_text(encoding="utf-8")))
    assert re.sub(r"\s", "", VILLAGE) in text


def test_no_template_or_formula_was_worked_out(planted_home):
    for path in (path for path in planted_home.rglob("*") if path.suffix in (".html", ".ipynb", ".json", ".txt") and "ledgers" not in path.parts):
        assert PRODUCT not in path.read_text(encoding="utf-8"), path.name


def workbooks(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*.xlsx") if "ledgers" not in path.parts)


def test_no_workbook_has_a_formula_or_a_link_out(planted_home):
    found = workbooks(planted_home)
    assert len(found) > 10
    for path in found:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                part = archive.read(name).decode("utf-8", "replace")
                assert not re.search(r"<f[ >/]", part), (path.name, name)
                assert 'TargetMode="External"' not in part, (path.name, name)
        book = openpyxl.load_workbook(path)
        assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row), path.name


def test_sheets_with_names_hold_the_payloads_as_text(planted_home):
    values = {
        str(cell.value)
        for path in (planted_home / "data" / "2018Q1" / "review").glob("*.xlsx")
        for sheet in openpyxl.load_workbook(path) for row in sheet.iter_rows() for cell in row if cell.value is not None
    }  # fmt: skip
    assert any("<" in value or "=" in value[:1] for value in values)


def test_no_file_is_named_after_text_of_a_ledger(planted_home):
    made = [path for path in planted_home.rglob("*") if "ledgers" not in path.parts and path.is_file()]
    assert made
    for path in made:
        name = path.relative_to(planted_home).as_posix()
        assert re.fullmatch(r"[0-9A-Za-z_./一-鿿-]+", name), name
        assert ".." not in name
    assert not (planted_home.parent / "etc").exists()


def test_notebooks_hold_the_package_s_own_cells_and_nothing_live(planted_home):
    own = {
        "".join(cell["source"])
        for path in (Path(__file__).parents[1] / "notebooks").glob("*.ipynb")
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    }
    found = sorted((planted_home / "reports").rglob("*.ipynb"))
    assert found
    for path in found:
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = "".join(cell["source"])
            assert source in own or source.startswith("# Parameters"), (path.name, source)
            for output in cell.get("outputs", []):
                markup = "".join(output.get("data", {}).get("text/html", ""))
                page = Page(markup)
                assert page.live == [], path.name
                assert page.scripts == [], path.name


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_check_says_is_data(planted_home, form):
    said = (planted_home / "said" / f"check-{form}.txt").read_text(encoding="utf-8")
    if form == "json":
        assert json.loads(said.partition("\n")[2])["files"]
    assert "\x1b" not in said
