"""Small ledger files for tests: the clean example, and what can be wrong with it."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl

EXAMPLES = Path(__file__).parent / "data" / "ledgers"
SHEET = "家庭信息"
NET = 632059.83
Rows = list[list[Any]]


def in_wan(rows: list[list[Any]]) -> None:
    """Write the money of all rows below the heading in 万元."""
    for row in rows[1:]:
        row[6:13] = [round(value / 10_000, 6) for value in row[6:13]]


def clean_rows() -> Rows:
    """Header and 48 households of 001_clean.xlsx."""
    return [list(row) for row in _clean()]


@lru_cache(maxsize=1)
def _clean() -> tuple[tuple[Any, ...], ...]:
    return tuple(openpyxl.load_workbook(EXAMPLES / "001_clean.xlsx").active.iter_rows(values_only=True))


def column(rows: Rows, heading: str) -> int:
    return rows[0].index(heading)


def write(path: Path, rows: Rows, title: str = SHEET, edit: Callable[[Any], None] | None = None) -> Path:
    """An xlsx of one sheet; ``edit`` may change the openpyxl sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if edit:
        edit(sheet)
    book.save(path)
    return path


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8", mark: str = ",", end: str = "\n") -> Path:
    text = end.join(mark.join("" if value is None else str(value) for value in row) for row in rows) + end
    path.write_bytes(text.encode(encoding))
    return path


def edit_part(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of a package."""
    out = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            data = old.read(info)
            new.writestr(info.filename, change(data) if info.filename == part else data)
    path.write_bytes(out.getvalue())
    return path


def add_part(path: Path, part: str, data: bytes) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
        package.writestr(part, data)
    return path


def plain_references(data: bytes) -> bytes:
    """Sheet XML without the references of cells and rows."""
    return re.sub(rb'(<(?:c|row)\b[^>]*?) r="[A-Z]*\d+"', rb"\1", data)


# ---- the old binary format, written by hand -----------------------------------------------------------------------------------------------------


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _unicode(text: str, length: str = "<H") -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack(length, len(data) // 2) + b"\x01" + data


def biff(rows: Rows, *, hidden_row: int | None = None, filepass: bool = False, state: int = 0) -> bytes:
    """A BIFF8 stream of one sheet: labels and numbers."""
    begin = struct.pack("<HHHHII", 0x600, 0x05, 0x0DBB, 0x07CC, 0, 6)
    sheet_begin = struct.pack("<HHHHII", 0x600, 0x10, 0x0DBB, 0x07CC, 0, 6)
    font = struct.pack("<HHHHHBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0) + b"\x05\x00" + b"Arial"
    head = _record(0x809, begin) + (_record(0x2F, b"\0" * 6) if filepass else b"") + _record(0x42, struct.pack("<H", 1200))
    head += b"".join(_record(0x31, font) for _ in range(4)) + b"".join(_record(0xE0, struct.pack("<HHHBBBBIIH", 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0)) for _ in range(16))
    name = bytes([len(SHEET)]) + b"\x01" + SHEET.encode("utf-16-le")
    place = len(head) + 4 + 6 + len(name) + 4
    head += _record(0x85, struct.pack("<IBB", place, state, 0) + name) + _record(0x0A, b"")
    body = _record(0x809, sheet_begin) + _record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    if hidden_row is not None:
        body += _record(0x208, struct.pack("<HHHHHHHH", hidden_row, 0, 16, 255, 0, 0, 0x20, 15))
    for number, row in enumerate(rows):
        for place, value in enumerate(row):
            cell = struct.pack("<HHH", number, place, 15)
            if isinstance(value, (int, float)):
                body += _record(0x203, cell + struct.pack("<d", value))
            elif value is not None:
                body += _record(0x204, cell + _unicode(value))
    return head + body + _record(0x0A, b"")


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file that holds these streams, each in sectors of 512 bytes."""
    sectors: list[bytes] = []
    fat: list[int] = []
    entries = [("Root Entry", 5, 0xFFFFFFFE, 0)]
    for name, data in streams.items():
        padded = data.ljust(max(4096, -(-len(data) // 512) * 512), b"\0")
        first, count = len(sectors), len(padded) // 512
        sectors += [padded[place * 512: (place + 1) * 512] for place in range(count)]
        fat += [*range(first + 1, first + count), 0xFFFFFFFE]
        entries.append((name, 2, first, len(padded)))
    directory = b""
    for number, (name, kind, first, size) in enumerate(entries):
        text = name.encode("utf-16-le") + b"\0\0"
        child = 1 if number == 0 and len(entries) > 1 else 0xFFFFFFFF
        right = number + 1 if 0 < number < len(entries) - 1 else 0xFFFFFFFF
        directory += text.ljust(64, b"\0") + struct.pack("<HBBIII", len(text), kind, 1, 0xFFFFFFFF, right, child) + b"\0" * 36 + struct.pack("<IQ",
            first, size)
    directory = directory.ljust(-(-len(directory) // 512) * 512, b"\0")
    start = len(sectors)
    sectors += [directory[place: place + 512] for place in range(0, len(directory), 512)]
    fat += [*range(start + 1, len(sectors)), 0xFFFFFFFE]
    tables = 1
    while tables * 128 < len(fat) + tables:
        tables += 1
    fat_places = list(range(len(sectors), len(sectors) + tables))
    fat += [0xFFFFFFFD] * tables
    fat += [0xFFFFFFFF] * (tables * 128 - len(fat))
    sectors += [struct.pack("<128I", *fat[place * 128: (place + 1) * 128]) for place in range(tables)]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    header += struct.pack("<IIIIIIIII", 0, tables, start, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header += struct.pack("<109I", *(fat_places + [0xFFFFFFFF] * (109 - tables)))
    return header + b"".join(sectors)


def write_xls(path: Path, rows: Rows, **how: Any) -> Path:
    path.write_bytes(compound({"Workbook": biff(rows, **how)}))
    return path


# ---- OpenDocument -------------------------------------------------------------------------------------------------------------------------------
_SPACES = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for short, name in
                   {"office": "office", "table": "table", "text": "text", "style": "style"}.items())


def ods_cell(value: Any, more: str = "") -> str:
    """One cell of an OpenDocument table as LibreOffice writes it."""
    if value is None:
        return f"<table:table-cell{more}/>"
    if isinstance(value, (int, float)):
        return f'<table:table-cell office:value-type="float" office:value="{value!r}"{more}><text:p>{value}</text:p></table:table-cell>'
    return f'<table:table-cell office:value-type="string"{more}><text:p>{escape(value)}</text:p></table:table-cell>'


def write_ods(path: Path, rows: Rows | str, *, table: str = "", styles: str = "", manifest: str = "<manifest/>") -> Path:
    """An ods of one sheet from rows, or from the XML of its rows; ``table``: more attributes of the table, ``styles``: automatic styles."""
    body = rows if isinstance(rows, str) else "".join(f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows)
    tail = '<table:table-row table:number-rows-repeated="1048526"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    content = (f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_SPACES}><office:automatic-styles>{styles}</office:automatic-styles>'
               f'<office:body><office:spreadsheet><table:table table:name="{SHEET}"{table}>{body}{tail}</table:table>'
               "</office:spreadsheet></office:body></office:document-content>")
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr("META-INF/manifest.xml", manifest)
        package.writestr("content.xml", content, zipfile.ZIP_DEFLATED)
    return path
