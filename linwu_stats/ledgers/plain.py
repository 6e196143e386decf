"""Ledgers as text (文本台账): the encoding, delimited text line by line, and HTML tables named .xls.

A line whose quotation marks do not match must not swallow the lines behind it, so the text is taken apart by physical lines.
"""

from __future__ import annotations

import csv
import html
import re
from collections import Counter

from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Book, Marks, Sheet

__all__ = ["decode", "read_delimited", "read_web_table"]

#: A quoted field that contains line breaks ends within this many lines.
LINES_IN_A_FIELD = 20
COLUMN_LIMIT = 2_000
#: Bounds that no ledger of a county comes near: lines, characters of a line, and cells of the whole rectangle.
LINES_LIMIT, LINE_LIMIT, BOX_LIMIT = 200_000, 1_000_000, 12_000_000
TABLES_LIMIT, CELLS_LIMIT = 500, 3_000_000
#: A tag is at most this long; after so many broken ones a page is refused.
TAG_LIMIT, BROKEN_TAGS = 2_000, 1_000
_MARKUP = re.compile(r"<[a-zA-Z/!?]")
_TAG = re.compile(r"""<(/?[a-zA-Z][^\s/>]*+)((?>[^>"']|"[^"]*+"|'[^']*+')*+)>""")
_UNSEEN = re.compile(r"display\s*:\s*none|\bhidden\b", re.IGNORECASE)
_LINED = re.compile(r"text-decoration[\w-]*\s*:[^;\"']*line-through", re.IGNORECASE)
_SPANS = re.compile(r"""\b(rowspan|colspan)\s*=\s*("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
#: A line that begins with the code of a household or a person.
_BEGINS = re.compile(r'[\s="\']*\d{10,}["\']*(?=[,\t;|，])')
#: Words of headings as they look when UTF-8 was read as GBK: a file saved again after such a reading.
GARBLED = ("鎴风紪", "韬唤", "濮撳悕", "鏀跺叆", "琛屾斂", "涔￠晣", "ï»¿", "æˆ·", "å§“", "»§±à", "ÐÕÃû")


def decode(data: bytes) -> str:
    """Text of a ledger file (识别编码): UTF-8 with or without BOM, UTF-16, else GB18030 (which contains GBK). Raises :class:`Refused` ENCODING, DAMAGED."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strict(data, "utf-16")
    if data.startswith(b"\xef\xbb\xbf"):
        return _strict(data[3:], "utf-8")
    zeros = data[:4000].count(0)
    if zeros:
        even, odd = data[:4000:2].count(0), data[1:4000:2].count(0)
        if zeros > len(data[:4000]) // 20 and min(even, odd) * 10 <= max(even, odd):
            return _strict(data, "utf-16-le" if odd > even else "utf-16-be")
        raise Refused("DAMAGED", detail="文件含有二进制内容，不是文本也不是工作簿")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as broken:
        text = _gb18030(data, broken)
    if "\0" in text:
        raise Refused("DAMAGED", detail="文本中含有空字符")
    if any(word in text[:4000] for word in GARBLED):
        raise Refused("ENCODING", detail="表头已是乱码，文件曾被用错误的编码另存")
    if sum(char < " " and char not in "\t\r\n\f\v" for char in text[:4000]) > 8:
        raise Refused("DAMAGED", detail="文件含有二进制内容，不是文本也不是工作簿")
    return text


def _strict(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Refused("ENCODING", detail=f"按{encoding}读取时第{line}行出错") from error


def _gb18030(data: bytes, broken: UnicodeDecodeError) -> str:
    line = data[: broken.start].count(b"\n") + 1
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        raise Refused("ENCODING", detail=f"既不是UTF-8（第{line}行）也不是GB18030（第{data[: error.start].count(10) + 1}行）") from error
    lines = [part for part in data.splitlines() if any(byte > 127 for byte in part)]
    as_utf8 = [part for part in lines if _is_utf8(part)]
    if len(as_utf8) * 2 > len(lines) or (len(as_utf8) < len(lines) and any(len(part.decode("utf-8")) + 6 < len(part) for part in as_utf8)):
        raise Refused("ENCODING", detail=f"文件里混有UTF-8和GBK两种编码，如第{line}行")
    return text


def _is_utf8(part: bytes) -> bool:
    try:
        return bool(part.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def read_delimited(text: str) -> Book:
    """The one sheet of delimited text (读取CSV、制表符文本). Raises :class:`Refused` EMPTY."""
    if text.count("\n") + text.count("\r") > 2 * LINES_LIMIT:
        raise Refused("TOO_LARGE.plain", detail=f"文本超过{LINES_LIMIT}行")
    lines = re.split(r"\r\n|\n|\r", text.lstrip("\ufeff"))
    longest = max(map(len, lines))
    if len(lines) > LINES_LIMIT or longest > LINE_LIMIT:
        raise Refused("TOO_LARGE.plain", detail=f"文本有{len(lines)}行，最长一行有{longest}个字符")
    if not any(line.strip() for line in lines):
        raise Refused("EMPTY")
    first = 0
    found = re.match(r"sep=(.)$", lines[0])
    if found:
        first = 1
    delimiter, usual = (found.group(1), 0) if found else _delimiter(lines)
    rows, numbers, quotes = [], [], set()
    place = first
    while place < len(lines):
        fields, used = _record(lines, place, delimiter, usual)
        if used == 0:
            quotes.add(len(rows))
            fields, used = lines[place].split(delimiter), 1
        rows.append(fields)
        numbers.append(place + 1)
        place += used
    while rows and not any(field.strip() for field in rows[-1]):
        rows.pop()
        numbers.pop()
    widths = [len(fields) for fields in rows]
    width = max(widths)
    if width > COLUMN_LIMIT:
        raise Refused("DAMAGED", detail=f"一行有{width}个字段")
    if width * len(rows) > BOX_LIMIT:
        raise Refused("TOO_LARGE.plain", detail=f"文本有{len(rows)}行，最多一行有{width}个字段")
    rows = [fields + [""] * (width - len(fields)) for fields in rows]
    return Book([Sheet("", rows, True, False, Marks(), numbers, widths, quotes)])


def _delimiter(lines: list[str]) -> tuple[str, int]:
    """The separator that most lines have, and the same number of times, and that number."""
    best, most, usual = ",", 0, 0
    for mark in ",\t;|，":
        counts = Counter(line.count(mark) for line in lines[:200] if line.strip())
        counts.pop(0, None)
        if counts:
            number, lines_with = counts.most_common(1)[0]
            if lines_with * min(number, 50) > most:
                best, most, usual = mark, lines_with * min(number, 50), number
    return best, usual


def _record(lines: list[str], place: int, delimiter: str, usual: int) -> tuple[list[str], int]:
    """Fields of the record that begins in a line, and how many lines it takes; 0 lines where its quotes do not match."""
    line = lines[place]
    if '"' not in line:
        return line.split(delimiter), 1
    for used in range(1, LINES_IN_A_FIELD + 1):
        if place + used > len(lines):
            break
        part = "\n".join(lines[place: place + used])
        if part.count('"') % 2 == 0:
            fields = _parse(part, delimiter)
            if fields is not None and (used == 1 or not _swallows(fields, lines[place + 1: place + used], delimiter, usual)):
                return fields, used
            break
    return [], 0


def _parse(part: str, delimiter: str) -> list[str] | None:
    try:
        lines = part.split("\n")
        records = list(csv.reader([f"{line}\n" for line in lines[:-1]] + lines[-1:], delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def _swallows(fields: list[str], more: list[str], delimiter: str, usual: int) -> bool:
    """Whether a field over several lines has other records in it: its text holds as many separators as a record, or a line that begins with a code."""
    if len(fields) > max(usual + 1, 1) * 4 + 60 or any(_BEGINS.match(line) for line in more):
        return True
    return any("\n" in field and field.count(delimiter) >= max(usual // 2, 3) for field in fields)


class _Tables:
    """The cells of each table of a page, in one pass whose time grows with the length of the text only, however broken its markup is.

    A nested table's text goes into its own table. What stands in comments, scripts and styles is nothing.
    """

    def __init__(self, text: str) -> None:
        self.tables: list[list[list[tuple[str, int, int, bool]]]] = []
        self.hidden: list[set[int]] = []
        self._open: list[int] = []
        self._cell: list[str] | None = None
        self._span = (1, 1)
        self._struck = False
        self._cells = self._broken = 0
        place = 0
        while place < len(text):
            found = _MARKUP.search(text, place)
            if found is None:
                break
            self._say(text[place: found.start()])
            place = self._markup(text, found.start())
        self._say(text[place:])
        self._end_cell()

    def _markup(self, text: str, start: int) -> int:
        """Take the markup that begins at ``start``; gives where it ends."""
        if text.startswith("<!--", start):
            return _behind(text, "-->", start + 4)
        if text[start + 1] in "!?":
            return _behind(text, ">", start)
        tag = _TAG.match(text, start, start + TAG_LIMIT)
        if tag is None:
            self._broken += 1
            if self._broken > BROKEN_TAGS:
                raise Refused("DAMAGED", detail="网页标记不完整")
            return _behind(text, ">", start)
        name = tag.group(1).lower()
        if name in ("script", "style"):
            return _behind(text, f"</{name}", tag.end(), lower=True)
        if name.startswith("/"):
            self._end(name[1:])
        else:
            self._start(name, tag.group(2))
        return tag.end()

    def _start(self, name: str, attributes: str) -> None:
        if name == "table":
            self._end_cell()
            self.tables.append([])
            self.hidden.append(set())
            self._open.append(len(self.tables) - 1)
            if len(self.tables) > TABLES_LIMIT:
                raise Refused("TOO_LARGE.plain", detail=f"网页里有{TABLES_LIMIT}个以上的表格")
        elif name == "tr" and self._open:
            self._end_cell()
            table = self._open[-1]
            self.tables[table].append([])
            if _UNSEEN.search(attributes):
                self.hidden[table].add(len(self.tables[table]) - 1)
        elif name in ("td", "th") and self._open:
            self._end_cell()
            facts = {key.lower(): value.strip("\"'") for key, value in _SPANS.findall(attributes)} if "span" in attributes.lower() else {}
            self._span = (_span(facts.get("rowspan")), _span(facts.get("colspan")))
            self._cells += self._span[1]
            if self._cells > CELLS_LIMIT:
                raise Refused("TOO_LARGE.plain", detail=f"网页表格有{CELLS_LIMIT}个以上的单元格")
            self._cell, self._struck = [], _LINED.search(attributes) is not None
        elif name == "br" and self._cell is not None:
            self._cell.append("\n")
        elif name in ("s", "strike", "del") or _LINED.search(attributes):
            self._struck = True

    def _end(self, name: str) -> None:
        if name in ("td", "th", "tr"):
            self._end_cell()
        elif name == "table" and self._open:
            self._end_cell()
            self._open.pop()

    def _say(self, text: str) -> None:
        if self._cell is not None and text:
            self._cell.append(html.unescape(text))

    def _end_cell(self) -> None:
        if self._cell is not None and self._open:
            table = self.tables[self._open[-1]]
            if not table:
                table.append([])
            text = "".join(self._cell).strip(" \t\r\n\u00a0")  # space around a cell's text is the page's, not the clerk's
            table[-1].append((text, *self._span, self._struck and bool(text)))
        self._cell = None


def _behind(text: str, mark: str, start: int, *, lower: bool = False) -> int:
    """Where a mark ends, or the end of the text; with ``lower`` where it begins, in whatever case."""
    if lower:
        found = re.compile(mark, re.IGNORECASE).search(text, start)
        return found.start() if found else len(text)
    place = text.find(mark, start)
    return place + len(mark) if place >= 0 else len(text)


def _span(text: str | None) -> int:
    return min(max(int(text), 1), 2_000) if text and text.isascii() and text.isdigit() and len(text) < 6 else 1


def read_web_table(text: str) -> Book:
    """The tables of an HTML page (读取网页表格); cells that span rows or columns become merged ranges. Raises :class:`Refused` EMPTY, DAMAGED, TOO_LARGE."""
    page = _Tables(text)
    tables, sheets = page.tables, []
    for number, (table, hidden) in enumerate(zip(tables, page.hidden, strict=True), 1):
        rows, marks = _grid(table)
        marks.hidden_rows = hidden
        if any(any(str(value).strip() for value in row) for row in rows):
            sheets.append(Sheet(f"网页表格{number}" if len(tables) > 1 else "", rows, True, False, marks))
    if not sheets:
        if "<frameset" in text.lower():
            raise Refused("FORMAT", detail="网页框架，表格在同名的文件夹里")
        raise Refused("EMPTY") if tables else Refused("FORMAT", detail="没有表格的网页，可能是系统的登录页或出错页")
    return Book(sheets)


def _grid(table: list[list[tuple[str, int, int, bool]]]) -> tuple[list[list[str]], Marks]:
    """The rectangle of a table's cells, its merged ranges and what is struck out; a cell that spans stands in its first place."""
    rows: list[list[str]] = []
    marks = Marks()
    held: dict[int, int] = {}  # column -> rows for which a cell above still reaches down
    for row, entries in enumerate(table):
        line: list[str] = []
        busy = held
        held = {column: left - 1 for column, left in busy.items() if left > 1}
        for value, down, right, struck in entries:
            while len(line) in busy:
                line.append("")
            column = len(line)
            if column + right > COLUMN_LIMIT:
                raise Refused("DAMAGED", detail="网页表格的列数过多")
            line += [value, *[""] * (right - 1)]
            height = min(down, len(table) - row)
            if height > 1:
                held.update(dict.fromkeys(range(column, column + right), height - 1))
            if struck:
                marks.struck.add((row, column))
            if height > 1 or right > 1:
                marks.merges.append((row, column, row + height - 1, column + right - 1))
        rows.append(line)
    width = max(map(len, rows), default=0)
    if width * len(rows) > BOX_LIMIT:
        raise Refused("TOO_LARGE.plain", detail=f"网页表格有{len(rows)}行{width}列")
    return [line + [""] * (width - len(line)) for line in rows], marks
