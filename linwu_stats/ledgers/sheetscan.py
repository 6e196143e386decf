"""One pass over a sheet's XML (扫描工作表): references, farthest cells, and the marks that a reader of values does not show.

The search works on bytes and on whole rows at a time; the costly looks are taken only where a cheap search has found their word.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Marks, column_letter, split_reference

__all__ = ["SheetScan", "scan_segments", "without_far_cells"]

#: No ledger has columns beyond ZZ; a row this far below the last one is no part of the table.
LAST_COLUMN = 702
ROW_GAP = 1_000
#: Cells that the filled part of one sheet may span, since python-calamine holds each of them in memory; and cells that a sheet may have, blank ones too.
BOX_LIMIT, CELLS_LIMIT = 12_000_000, 6_000_000
#: Bytes behind the name of a tag.
_NAME_ENDS = np.isin(np.arange(256), (9, 10, 13, 32, 47, 62))
#: Bytes that no bare number begins with: white space and the ampersand.
_ODD = np.isin(np.arange(256), (9, 10, 13, 32, 38))
_ROW_NUMBER = re.compile(rb'\br="(\d+)"')
_CELL = re.compile(rb'<c\b([^>]*?)(?:/>|>(.*?)</c>)', re.DOTALL)
_REF = re.compile(rb'\br="([A-Z]{1,3}\d{1,7})"')
_LITERAL = re.compile(rb'<f[^>]*>\s*(?:"|&quot;)([^"&<]*)(?:"|&quot;)\s*</f>')
_VALUE = re.compile(rb"<v[^>]*>([^<]*)</v>")
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"|\bht="0(?:\.0*)?"')
_NOT_STRUCK = re.compile(rb'<strike val="(?:0|false)"')
_TEXT = re.compile(rb"<t[^>]*>([^<]*)</t>")
_OUTSIDE = re.compile(rb"\[\d+\]|\[[^\]]*\.(?:xls|et|csv)|file:|https?:", re.IGNORECASE)


@dataclass
class SheetScan:
    """What the pass over one sheet found. ``zeros``: formulas whose saved result is 0, of all ``formulas``; ``far``: references of cells outside any
    table; ``literals``: texts of formulas that are nothing but a text and have no saved value; ``last_row``, ``filled_row`` (the last one with a value)
    and ``last_column`` count from 1."""

    marks: Marks = field(default_factory=Marks)
    far: list[str] = field(default_factory=list)
    literals: dict[tuple[int, int], str] = field(default_factory=dict)
    far_from_row: int = 0
    formulas: int = 0
    zeros: set[tuple[int, int]] = field(default_factory=set)
    last_row: int = 0
    filled_row: int = 0
    last_column: int = 0
    rows: int = 0
    cells: int = 0

    def comment(self, ref: str, text: str) -> None:
        """Keep a comment beside its cell."""
        if _REF.fullmatch(f'r="{ref}"'.encode()):
            self.marks.comments[split_reference(ref)] = text


def scan_segments(stream: Iterable[bytes], struck: set[int], struck_strings: dict[int, bool]) -> SheetScan:
    """Scan a sheet given as chunks of its XML (逐段扫描). Raises :class:`Refused` with CELL_REFS.wrong, TOO_LARGE or DAMAGED."""
    scan = SheetScan()
    for number, segment in enumerate(_segments(stream)):
        if number == 0:
            _hidden_columns(scan, segment)
        start = max(segment.find(b"<sheetData"), 0) if number == 0 else 0
        if number == 0 and b"<!DOCTYPE" in segment[:start]:
            raise Refused("XML_DTD", detail="工作表")
        errors, struck_text = _references(scan, segment, start)
        if errors:
            _errors(scan, segment)
        if struck or struck_strings or struck_text:
            _struck(scan, segment, struck, struck_strings)
        if scan.filled_row * scan.last_column > BOX_LIMIT or scan.cells > CELLS_LIMIT:
            raise Refused("TOO_LARGE", detail=f"工作表有{scan.last_row}行{scan.last_column}列")
    return scan


def _segments(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Whole rows at a time: each segment ends behind a row; a namespace prefix is taken off."""
    rest, prefix = b"", None
    for chunk in stream:
        rest += chunk
        if prefix is None:
            found = re.search(rb"<(?:(\w+):)?worksheet\b", rest)
            prefix = (found.group(1) or b"") if found else b""
        close = b"</" + (prefix + b":" if prefix else b"") + b"row>"
        cut = rest.rfind(close)
        if cut >= 0:
            yield _bare(rest[: cut + len(close)], prefix)
            rest = rest[cut + len(close):]
    if rest:
        yield _bare(rest, prefix or b"")


def _bare(segment: bytes, prefix: bytes) -> bytes:
    return segment.replace(b"<" + prefix + b":", b"<").replace(b"</" + prefix + b":", b"</") if prefix else segment


def _hidden_columns(scan: SheetScan, head: bytes) -> None:
    for attributes in re.findall(rb"<col\b([^>]*)>", head[: head.find(b"<sheetData") + 1]):
        if re.search(rb'\bhidden="(?:1|true)"|\bwidth="0(?:\.0*)?"', attributes):
            first, last = (int(re.search(rb'\b%s="(\d+)"' % word, attributes).group(1)) for word in (b"min", b"max"))
            scan.marks.hidden_columns.update(range(first - 1, min(last, LAST_COLUMN)))


def _references(scan: SheetScan, segment: bytes, body: int) -> tuple[bool, bool]:
    """Rows in order, cells in order within their row; the farthest row and column; cells outside any table.

    Gives whether there may be error values, and text that is struck out.
    """
    data = np.frombuffer(segment, dtype=np.uint8)
    if len(data) < 16:
        return False, False
    tags = np.flatnonzero(data[:-14] == 60)
    second = data[tags + 1]
    starts = tags[second == 99]
    if ((second < 64) & (second != 47) & (tags >= body)).any():
        raise Refused("DAMAGED", detail="工作表含有注释或CDATA，表格软件不会这样写")
    if (second == 102).any():
        _formulas(scan, segment)
    errors = _plain_values(segment, data, tags[second == 118])
    _place_cells(scan, segment, data, starts, tags[second == 114], tags[(second == 118) | (second == 105)])
    return errors, bool((data[tags[second == 115] + 3] == 114).any())  # the r of <strike


def _place_cells(scan: SheetScan, segment: bytes, data: np.ndarray, starts: np.ndarray, row_starts: np.ndarray, filled: np.ndarray) -> None:
    row_starts = row_starts[(data[row_starts + 2] == 111) & (data[row_starts + 3] == 119)]
    starts = starts[_NAME_ENDS[data[starts + 2]]]
    numbers = _row_numbers(scan, segment, row_starts)
    if len(filled) and len(row_starts) and filled[-1] > row_starts[0]:
        number = numbers[int(np.searchsorted(row_starts, filled[-1])) - 1]
        scan.filled_row = max(scan.filled_row, min(number, scan.last_row))
    if not len(starts):
        return
    if not ((data[starts + 3] == 114) & (data[starts + 4] == 61) & (data[starts + 5] == 34)).all():
        _references_slowly(scan, segment)
        return
    rows = np.searchsorted(row_starts, starts, side="right") - 1
    letters = [data[starts + place].astype(np.int32) for place in (6, 7, 8)]
    two, three = letters[1] >= 65, (letters[1] >= 65) & (letters[2] >= 65)
    columns = letters[0] - 64
    columns = np.where(two, columns * 26 + letters[1] - 64, columns)
    columns = np.where(three, columns * 26 + letters[2] - 64, columns)
    if (rows < 0).any() or (columns < 1).any() or ((np.diff(columns) <= 0) & (np.diff(rows) == 0)).any():
        raise Refused("CELL_REFS.wrong", detail=f"第{numbers[0] if numbers else scan.last_row}行起")
    _rows_agree(data, starts, 1 + two + three, rows, numbers)
    scan.cells += len(starts)
    near = columns <= LAST_COLUMN
    if near.any():
        scan.last_column = max(scan.last_column, int(columns[near].max()))
    for place in np.flatnonzero(~near):
        _far(scan, segment, int(starts[place]), f"{column_letter(int(columns[place]) - 1)}{numbers[int(rows[place])]}")


def _plain_values(segment: bytes, data: np.ndarray, begins: np.ndarray) -> bool:
    """Numbers and string numbers must stand bare: with spaces or character references around them python-calamine reads nothing or something else.

    Gives whether a value begins as an error does (#), or its tag has attributes, so that this is not seen here.
    """
    first = data[begins + 3]
    closed = data[begins + 2] == 62
    for start in begins[_ODD[first] & closed].tolist():
        cell = segment[segment.rfind(b"<c", 0, start): start]
        if b't="str"' not in cell and b't="e"' not in cell:
            raise Refused("DAMAGED", detail="单元格的数值前有空格或字符引用，表格软件不会这样写")
    return bool((first == 35).any() or not closed.all())


def _rows_agree(data: np.ndarray, starts: np.ndarray, letters: np.ndarray, rows: np.ndarray, numbers: list[int]) -> None:
    """The row in a cell's reference must have as many digits as the number of its row: a cheap bound on where the cell is."""
    digits = np.array([len(str(number)) for number in numbers])[rows]
    end = starts + 6 + letters + digits
    inside = end < len(data)
    if (data[end[inside]] != 34).any():
        raise Refused("CELL_REFS.wrong", detail="单元格坐标与所在行不符")


def _row_numbers(scan: SheetScan, segment: bytes, row_starts: np.ndarray) -> list[int]:
    """Numbers of the rows of a segment; hidden ones are marked."""
    numbers = []
    for start in row_starts.tolist():
        attributes = segment[start: segment.find(b">", start) + 1]
        found = _ROW_NUMBER.search(attributes)
        number = int(found.group(1)) if found else scan.last_row + 1
        if number <= scan.last_row and not scan.far_from_row:
            raise Refused("CELL_REFS.wrong", detail=f"第{number}行")
        if number > scan.last_row + ROW_GAP and number > ROW_GAP:
            scan.far_from_row = scan.far_from_row or number
        if not scan.far_from_row:
            scan.last_row = number
        if not found:
            scan.marks.no_references = True
        if (b"hidden" in attributes or b"ht=" in attributes) and _HIDDEN.search(attributes):
            scan.marks.hidden_rows.add(number - 1)
        scan.rows += 1
        numbers.append(number)
    if scan.far_from_row:
        _far_rows(scan, segment)
    return numbers


def _far_rows(scan: SheetScan, segment: bytes) -> None:
    for match in re.finditer(rb"<row\b([^>]*)>(.*?)</row>", segment, re.DOTALL):
        number = _ROW_NUMBER.search(match.group(1))
        if number and int(number.group(1)) >= scan.far_from_row:
            for cell in _CELL.finditer(match.group(2)):
                ref = _REF.search(cell.group(1))
                if ref and _has_content(cell.group(2)):
                    scan.far.append(ref.group(1).decode())


def _far(scan: SheetScan, segment: bytes, start: int, ref: str) -> None:
    match = _CELL.match(segment, start)
    if match and _has_content(match.group(2)) and ref not in scan.far:
        scan.far.append(ref)


def _has_content(inner: bytes | None) -> bool:
    return bool(inner) and (b"<v" in inner or b"<is" in inner or b"<f" in inner)


def _references_slowly(scan: SheetScan, segment: bytes) -> None:
    """Cells without references, or with their attributes in another order."""
    for match in re.finditer(rb"<row\b([^>]*)>(.*?)</row>", segment, re.DOTALL):
        last = 0
        for cell in _CELL.finditer(match.group(2)):
            ref = _REF.search(cell.group(1))
            if ref:
                row, column = split_reference(ref.group(1).decode())
                column += 1
                number = _ROW_NUMBER.search(match.group(1))
                if column <= last or (number and int(number.group(1)) != row + 1):
                    raise Refused("CELL_REFS.wrong", detail=ref.group(1).decode())
                if column > LAST_COLUMN:
                    if _has_content(cell.group(2)):
                        scan.far.append(ref.group(1).decode())
                    continue
            else:
                column = last + 1
                scan.marks.no_references = True
            last = column
            scan.cells += 1
            scan.last_column = max(scan.last_column, last)


def _errors(scan: SheetScan, segment: bytes) -> None:
    for attributes, inner in _CELL.findall(segment):
        ref = _REF.search(attributes)
        if b't="e"' in attributes and ref:
            value = _VALUE.search(inner)
            scan.marks.errors[split_reference(ref.group(1).decode())] = value.group(1).decode("utf-8", "replace") if value else "#?"


def _formulas(scan: SheetScan, segment: bytes) -> None:
    place = segment.find(b"<f")
    while place >= 0:
        if segment[place + 2: place + 3] in (b">", b" ", b"/"):
            start, end = segment.rfind(b"<c", 0, place), segment.find(b"</c>", place)
            cell = segment[start:end]
            ref = _REF.search(cell)
            if ref:
                where = split_reference(ref.group(1).decode())
                value = _VALUE.search(cell)
                scan.formulas += 1
                if value is not None and value.group(1) == b"0":
                    scan.zeros.add(where)
                text_result = re.search(rb'^[^>]*\bt="str"', cell)
                if (value is None or not value.group(1)) and not (text_result and b"<v" in cell):
                    literal = _LITERAL.search(cell)
                    if literal:
                        scan.literals[where] = f'="{html.unescape(literal.group(1).decode("utf-8", "replace"))}"'
                    else:
                        scan.marks.no_value.add(where)
                if _OUTSIDE.search(cell[cell.find(b"<f"): cell.find(b"</f>")]):
                    scan.marks.external.add(where)
        place = segment.find(b"<f", place + 2)


def _struck(scan: SheetScan, segment: bytes, struck: set[int], struck_strings: dict[int, bool]) -> None:
    for attributes, inner in _CELL.findall(segment):
        style = re.search(rb'\bs="(\d+)"', attributes)
        value = _VALUE.search(inner) if struck_strings and b't="s"' in attributes else None
        whole = struck_strings.get(int(value.group(1))) if value and value.group(1).isdigit() else None
        if b"<strike" in inner:
            lined = [b"<strike" in run and not _NOT_STRUCK.search(run) for run in re.findall(rb"<r>.*?</r>", inner, re.DOTALL) if b"<t" in run]
            whole = all(lined) if any(lined) else None
        lined_style = bool(style) and int(style.group(1)) in struck
        ref = _REF.search(attributes)
        if ref and _has_content(inner) and (lined_style or whole is not None):
            target = scan.marks.struck if lined_style or whole else scan.marks.struck_part
            target.add(split_reference(ref.group(1).decode()))


def without_far_cells(data: bytes, scan: SheetScan, strings: bytes) -> bytes:
    """A sheet's XML without its far cells; their references and texts go into the marks (去掉表外单元格)."""
    prefix = re.search(rb"<(?:(\w+):)?worksheet\b", data)
    data = _bare(data, prefix.group(1) or b"") if prefix else data
    if prefix and prefix.group(1):
        data = data.replace(b"xmlns:" + prefix.group(1) + b"=", b"xmlns=", 1)
    wanted = {ref.encode() for ref in scan.far}
    texts: list[bytes] | None = None

    def drop(match: re.Match[bytes]) -> bytes:
        nonlocal texts
        ref = _REF.search(match.group(1))
        if not ref or ref.group(1) not in wanted:
            return match.group(0)
        inner = match.group(2) or b""
        value = _VALUE.search(inner)
        if value and b't="s"' in match.group(1):
            texts = texts if texts is not None else re.findall(rb"<(?:\w+:)?si\b[^>]*>(.*?)</(?:\w+:)?si>", strings, re.DOTALL)
            inner = texts[int(value.group(1))] if int(value.group(1)) < len(texts) else b""
            value = None
        text = value.group(1) if value else b"".join(_TEXT.findall(_bare(inner, prefix.group(1) or b"") if prefix else inner))
        scan.marks.stray.append((ref.group(1).decode(), html.unescape(text.decode("utf-8", "replace"))))
        return b""

    return _CELL.sub(drop, data)
