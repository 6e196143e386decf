"""Look at finished pages in Chromium 69 (老浏览器试看): the engine of WPS and of many office browsers, as PyQtWebEngine 5.12 from PyPI carries it.

    uv venv old --python 3.11 && uv pip install --python old/bin/python PyQt5==5.12.3 PyQtWebEngine==5.12.1
    old/bin/python tools/old_browser.py OUT reports/2018Q1/431025_2018Q1.html ...

Writes a PNG at 1280 and at 390 pixels and a PDF of each page to OUT, and prints what is wrong: console messages, what sticks out, pictures and fonts that
are missing, sorting, filter, copying, contents or rules that do not work. Exit code 1 where there is anything. Needs neither a display nor the package.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")

from PyQt5.QtCore import QEventLoop, QMarginsF, QTimer, QUrl
from PyQt5.QtGui import QPageLayout, QPageSize
from PyQt5.QtWebEngineWidgets import QWebEnginePage, QWebEngineSettings, QWebEngineView
from PyQt5.QtWidgets import QApplication

#: What must hold, each a script whose value is a list of what is wrong; older than what they look at.
CHECKS = {
    "sticks out": """[].filter.call(document.querySelectorAll('body *'), function (e) { return !e.closest('.table-wrap, pre, .skip')
        && e.getClientRects().length && e.getBoundingClientRect().right > innerWidth + 1 })
        .map(function (e) { return e.tagName + '.' + e.className }).slice(0, 5)""",
    "no picture": "[].filter.call(document.images, function (i) { return !i.naturalWidth }).map(function (i) { return i.alt })",
    "no font": "document.fonts.check('16px linwu') ? [] : ['linwu']",
    "no contents": """(function () { var links = document.querySelectorAll('.contents a'); return !links.length || innerWidth < 960
        || document.querySelector('.contents a[aria-current]') ? [] : ['nothing is marked'] })()""",
    "no sorting": """[].filter.call(document.querySelectorAll('table.data'), function (t) {
        var b = t.querySelector('button.sort'); if (!b) { return false } b.click();
        return !t.querySelector('th[aria-sort=ascending]') }).map(function (t) { return t.caption.textContent })""",
    "no filter": """[].filter.call(document.querySelectorAll('.filter input'), function (i) { i.value = '\\uffff'; i.dispatchEvent(new Event('input'));
        var wrong = !/^0 /.test(i.closest('.filter').querySelector('.filter-count').textContent); i.value = ''; i.dispatchEvent(new Event('input'));
        return wrong }).map(function (i) { return i.id })""",
    "no copy": """[].filter.call(document.querySelectorAll('.table-tools'), function (t) { t.querySelector('.copy').click();
        return t.querySelector('.table-status').textContent.indexOf('已复制') < 0 }).length ? ['a table is not copied'] : []""",
    "no rule": """(function () { var link = document.querySelector('a.rule[aria-expanded]'); if (!link) { return [] } link.click();
        var seen = document.querySelectorAll('.popover').length; document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
        return seen === 1 && !document.querySelector('.popover') ? [] : ['no text of a rule'] })()""",
}


class Page(QWebEnginePage):
    """A page that keeps what its console says."""

    def __init__(self, parent: Any) -> None:
        super().__init__(parent)
        self.said: list[str] = []

    def javaScriptConsoleMessage(self, level: int, message: str, line: int, source: str) -> None:
        self.said.append(f"line {line}: {message}")


def main(out: Path, files: list[Path]) -> int:
    """Look at every file; the number of troubles is printed beside its name."""
    application = QApplication(["old_browser", "--no-sandbox", "--disable-gpu"])
    view = QWebEngineView()
    page = Page(view)
    page.settings().setAttribute(QWebEngineSettings.JavascriptCanAccessClipboard, True)
    view.setPage(page)
    view.show()
    out.mkdir(parents=True, exist_ok=True)
    print(page.profile().httpUserAgent())
    trouble = sum([_look(view, page, file.resolve(), out) for file in files])
    del view, application
    return min(trouble, 1)


def _look(view: Any, page: Page, file: Path, out: Path) -> int:
    found: list[str] = []
    for width in (1280, 390):
        page.said.clear()
        view.resize(width, 900)
        _wait(page.loadFinished, lambda: view.load(QUrl.fromLocalFile(str(file))))
        _value(page, "window.scrollTo(0, document.body.scrollHeight)")
        _wait(None)
        for name, script in CHECKS.items():
            found += [f"{width}: {name}: {one}" for one in _value(page, script) or []]
        found += [f"{width}: console: {one}" for one in page.said]
        view.resize(width, min(6000, int(_value(page, "document.documentElement.scrollHeight"))))
        _wait(None, after=700)
        view.grab().save(str(out / f"{file.stem}-{width}.png"))
    layout = QPageLayout(QPageSize(QPageSize.A4), QPageLayout.Portrait, QMarginsF(15, 18, 15, 18), QPageLayout.Millimeter)
    _wait(page.pdfPrintingFinished, lambda: page.printToPdf(str(out / f"{file.stem}.pdf"), layout))
    print(f"{file.name}: {len(found)}", *found, sep="\n  ")
    return len(found)


def _value(page: Page, script: str) -> Any:
    got: list[Any] = []
    loop = QEventLoop()
    QTimer.singleShot(20_000, loop.quit)
    page.runJavaScript(script, lambda value: (got.append(value), loop.quit()))
    loop.exec_()
    return got[0] if got else ["the script did not end"]


def _wait(signal: Any, act: Any = None, after: int = 300) -> None:
    """Start ``act``, wait for the signal, then a moment longer."""
    loop = QEventLoop()
    if signal is not None:
        signal.connect(loop.quit)
        act()
        loop.exec_()
        signal.disconnect(loop.quit)
    QTimer.singleShot(after, loop.quit)
    loop.exec_()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
