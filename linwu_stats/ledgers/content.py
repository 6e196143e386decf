"""What a file is by its bytes, and its sheets as raw cells (按内容识别文件).

The suffix decides nothing: a web system's HTML table is often named .xls, and a CSV .xlsx. Each format has a room of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from linwu_stats.ledgers.binary import OLE_MAGIC, read_binary
from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.package import read_package
from linwu_stats.ledgers.plain import decode, read_delimited, read_web_table
from linwu_stats.ledgers.sheets import Book
from linwu_stats.ledgers.xmlbook import is_xml_book, read_xml_book

__all__ = ["FILE_LIMIT", "is_lock_file", "open_book"]

FILE_LIMIT = 200_000_000
#: Suffixes that fit each kind of content.
SUFFIXES = {
    "xlsx": {".xlsx", ".xlsm", ".et", ".xltx", ".xltm"}, "xls": {".xls", ".et", ".xlt"}, "html": {".html", ".htm"},
    "ods": {".ods", ".ots"}, "xml": {".xml"}, "text": {".csv", ".txt", ".tsv", ".tab", ".prn"},
}
NAMES = {
    "xlsx": "xlsx工作簿", "xls": "xls工作簿（Excel 97-2003或WPS）", "html": "HTML网页表格", "ods": "ods表格（OpenDocument）", "xml": "XML表格2003",
    "text": "文本表格（CSV）",
}
#: Beginnings of files that are no ledgers.
MAGIC = (
    (b"%PDF", "PDF文档"), (b"\x89PNG", "图片"), (b"\xff\xd8\xff", "图片"), (b"GIF8", "图片"), (b"BM", "图片"), (b"II*\0", "图片"), (b"MM\0*", "图片"),
    (b"Rar!", "RAR压缩包"), (b"7z\xbc\xaf", "7z压缩包"), (b"\x1f\x8b", "gzip压缩包"), (b"SQLite format 3", "数据库文件"), (b"{\\rtf", "RTF文档"),
    (b"MZ", "程序文件"), (b"PAR1", "parquet数据文件"), (b"\x09\x00\x04\x00", "Excel 2.0旧格式"), (b"\x09\x02\x06\x00", "Excel 3.0旧格式"),
    (b"\x09\x04\x06\x00", "Excel 4.0旧格式"),
)


def is_lock_file(path: Path) -> bool:
    """Whether this is a lock file of Excel, WPS or LibreOffice (临时锁文件)."""
    return path.name.startswith(("~$", ".~lock.", ".~"))


def open_book(path: Path) -> Book:
    """The sheets of a ledger file as raw cells (打开台账文件). Raises :class:`Refused` with the finding that says why it cannot be read."""
    size = path.stat().st_size
    if size == 0:
        raise Refused("EMPTY")
    if size > FILE_LIMIT:
        raise Refused("TOO_LARGE", detail=f"文件有{size / 1e6:.0f}MB")
    with path.open("rb") as stream:
        head = stream.read(4096)
    if head.startswith(b"PK"):
        book = read_package(path)
        kind = "ods" if b"opendocument.spreadsheet" in head[:200] else "xlsx"
    elif head.startswith(OLE_MAGIC):
        book = read_binary(path)
        kind = "xls"
    else:
        kind, book = _open_text(path, head)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES[kind]:
        book.notes.append(("SUFFIX", {"detail": NAMES[kind], "value": path.suffix or "（无）"}))
    return book


def _open_text(path: Path, head: bytes) -> tuple[str, Book]:
    for magic, name in MAGIC:
        if head.startswith(magic) and not _looks_like_text(head):
            raise Refused("FORMAT.packed" if name.endswith("压缩包") else "FORMAT", detail=name)
    text = decode(path.read_bytes())
    start = text[:8192].lstrip("\ufeff \t\r\n").lower()
    if start.startswith(("<?xml", "<workbook", "<!doctype")) and "<html" not in start and not start.startswith("<!doctype html"):
        if "<!doctype" in start:
            raise Refused("XML_DTD", detail="XML文件")
        if is_xml_book(text[:20_000]):
            return "xml", read_xml_book(text)
        raise Refused("FORMAT", detail="XML文件")
    if start.startswith("mime-version:"):
        raise Refused("FORMAT", detail="网页归档文件（MHTML）")
    if re.match(r"<(!doctype html|html|head|meta|body|table|style|div|!--)", start):
        return "html", read_web_table(text)
    return "text", read_delimited(text)


def _looks_like_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in (9, 10, 13) for byte in head[:512]) and not head.startswith((b"%PDF", b"{\\rtf"))
