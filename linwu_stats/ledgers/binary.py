"""Workbooks of the old binary family (xls、旧版et): the compound file, encryption, marks, then the cells by python-calamine."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Book, Marks, Sheet

__all__ = ["OLE_MAGIC", "read_binary"]

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
BOX_LIMIT = 12_000_000
FREE = 0xFFFFFFFA
ERRORS = {0: "#NULL!", 7: "#DIV/0!", 15: "#VALUE!", 23: "#REF!", 29: "#NAME?", 36: "#NUM!", 42: "#N/A"}
#: BIFF records (Microsoft [MS-XLS] 2.3): cells begin with row, column and format number.
EOF, FILEPASS, FONT, COLINFO, BOUNDSHEET, XF, NOTE, BOF, ROW, FORMULA, BOOLERR = 0x0A, 0x2F, 0x31, 0x7D, 0x85, 0xE0, 0x1C, 0x809, 0x208, 0x06, 0x205
CELLS = {0x203, 0x27E, 0xFD, 0x204, 0x06, 0x205, 0xD6}
MANY = {0xBD}


def read_binary(path: Path) -> Book:
    """All sheets of an xls workbook (读取xls). Raises :class:`Refused`: ENCRYPTED, DAMAGED, TOO_LARGE, FORMAT."""
    data = path.read_bytes()
    try:
        streams = _streams(data)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise Refused("DAMAGED", detail="复合文档结构不完整") from error
    names = {name.lower() for name in streams}
    if names & {"encryptedpackage", "encryptioninfo"}:
        raise Refused("ENCRYPTED")
    stream = next((content for name, content in streams.items() if name.lower() in ("workbook", "book")), None)
    if stream is None:
        known = {"worddocument": "Word文档", "powerpoint document": "演示文稿", "hwpsummaryinformation": "其他办公文档"}
        found = next((title for name, title in known.items() if name in names), "")
        raise Refused("FORMAT", detail=found) if found else Refused("DAMAGED", detail="找不到工作簿内容")
    try:
        marks = _marks(stream)
    except (struct.error, IndexError) as error:
        raise Refused("DAMAGED", detail="工作簿记录不完整") from error
    whole = data + b"\0" * (-len(data) % 4096)  # python-calamine ends the process's thread with a trace where the last sector is short
    book = Book(_cells(whole, marks))
    if any("vba" in name for name in names):
        book.notes.append(("MACRO", {}))
    return book


def _streams(data: bytes) -> dict[str, bytes]:
    """Streams and storages of a compound file by name (storages are empty)."""
    sector = 1 << struct.unpack_from("<H", data, 30)[0]
    mini = 1 << struct.unpack_from("<H", data, 32)[0]
    if sector not in (512, 4096) or mini > sector:
        raise ValueError("sector size")
    fat_count, first_dir = struct.unpack_from("<I", data, 44)[0], struct.unpack_from("<I", data, 48)[0]
    cutoff, first_mini = struct.unpack_from("<II", data, 56)
    first_difat, difat_count = struct.unpack_from("<II", data, 68)
    places = list(struct.unpack_from("<109I", data, 76))

    def at(number: int) -> bytes:
        start = (number + 1) * sector
        if start >= len(data):
            raise ValueError("sector outside the file")
        if start >= len(data):
            raise ValueError("sector beyond the end")
        return data[start: start + sector].ljust(sector, b"\0")

    while difat_count and first_difat < FREE:
        block = struct.unpack(f"<{sector // 4}I", at(first_difat))
        places += block[:-1]
        first_difat, difat_count = block[-1], difat_count - 1
    fat = [entry for place in places[:fat_count] if place < FREE for entry in struct.unpack(f"<{sector // 4}I", at(place))]

    def chain(number: int, table: list[int]) -> Iterator[int]:
        steps = 0
        while number < FREE:
            steps += 1
            if steps > len(table) + 1:
                raise ValueError("sector chain runs in a circle")
            yield number
            number = table[number]

    directory = b"".join(at(number) for number in chain(first_dir, fat))
    mini_fat = [entry for number in chain(first_mini, fat) for entry in struct.unpack(f"<{sector // 4}I", at(number))] if first_mini < FREE else []
    out: dict[str, bytes] = {}
    small = b""
    for start in range(0, len(directory), 128):
        entry = directory[start: start + 128]
        length, kind = struct.unpack_from("<HB", entry, 64)
        first, size = struct.unpack_from("<I", entry, 116)[0], struct.unpack_from("<I", entry, 120)[0]
        name = entry[: max(length - 2, 0)].decode("utf-16-le", "replace")
        if kind == 5:
            small = b"".join(at(number) for number in chain(first, fat)) if first < FREE else b""
        elif kind == 2:
            if size < cutoff:
                out[name] = b"".join(small[number * mini: (number + 1) * mini] for number in chain(first, mini_fat))[:size]
            else:
                out[name] = b"".join(at(number) for number in chain(first, fat))[:size]
            if len(out[name]) < size:
                raise ValueError("stream shorter than it says")
        elif kind == 1:
            out[name] = b""
    return out


def _records(stream: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    while start + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, start)
        yield kind, stream[start + 4: start + 4 + length]
        start += 4 + length


def _marks(stream: bytes) -> list[Marks]:
    """Marks of each sheet in the order of the workbook; refuses an encrypted stream."""
    places: list[int] = []
    fonts: list[bool] = []
    struck: set[int] = set()
    formats = 0
    for kind, body in _records(stream):
        if kind == FILEPASS:
            raise Refused("ENCRYPTED")
        if kind == FONT:
            fonts.append(bool(struct.unpack_from("<H", body, 2)[0] & 0x8))
        elif kind == XF:
            font = struct.unpack_from("<H", body)[0]
            font -= font > 4
            if font < len(fonts) and fonts[font]:
                struck.add(formats)
            formats += 1
        elif kind == BOUNDSHEET:
            places.append(struct.unpack_from("<I", body)[0])
        elif kind == EOF:
            break
    return [_sheet_marks(stream, place, struck) for place in places]


def _sheet_marks(stream: bytes, place: int, struck: set[int]) -> Marks:
    marks, depth, last_row, last_column = Marks(), 0, 0, 0
    for kind, body in _records(stream, place):
        if kind == BOF:
            depth += 1
        elif kind == EOF:
            depth -= 1
            if depth <= 0:
                break
        elif depth != 1:
            continue
        elif kind in CELLS or kind in MANY:
            row, column, style = struct.unpack_from("<HHH", body)
            last_row, last_column = max(last_row, row), max(last_column, column)
            if style in struck:
                marks.struck.add((row, column))
            if kind == BOOLERR and body[7]:
                marks.errors[row, column] = ERRORS.get(body[6], "#?")
            elif kind == FORMULA and body[12:14] == b"\xff\xff" and body[6] == 2:
                marks.errors[row, column] = ERRORS.get(body[8], "#?")
        elif kind == ROW and len(body) >= 14 and struct.unpack_from("<H", body, 12)[0] & 0x20:
            marks.hidden_rows.add(struct.unpack_from("<H", body)[0])
        elif kind == COLINFO and len(body) >= 10 and struct.unpack_from("<H", body, 8)[0] & 1:
            first, last = struct.unpack_from("<HH", body)
            marks.hidden_columns.update(range(first, min(last, 255) + 1))
        elif kind == NOTE:
            marks.comments[struct.unpack_from("<HH", body)] = "（内容请在表格软件中查看）"
    if (last_row + 1) * (last_column + 1) > BOX_LIMIT:
        raise Refused("TOO_LARGE", detail=f"工作表有{last_row + 1}行{last_column + 1}列")
    return marks


def _cells(data: bytes, marks: list[Marks]) -> list[Sheet]:
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = []
        for number, entry in enumerate(workbook.sheets_metadata):
            sheet = workbook.get_sheet_by_name(entry.name)
            mark = marks[number] if number < len(marks) else Marks()
            mark.merges = [(a, b, c, d) for (a, b), (c, d) in sheet.merged_cell_ranges or []]
            sheets.append(Sheet(entry.name, sheet.to_python(skip_empty_area=False), entry.visible == SheetVisibleEnum.Visible, True, mark))
        return sheets
    except PasswordError as error:
        raise Refused("ENCRYPTED") from error
    except CalamineError as error:
        raise Refused("DAMAGED", detail=f"工作表内容不完整，{type(error).__name__}") from error
