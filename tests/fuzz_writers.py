"""Ledgers for the fuzzer: operations on a clean ledger, and its writing in many forms, with what was written known cell by cell."""

from __future__ import annotations

import random
import re
import unicodedata
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import openpyxl
from ledger_files import write_xls
from openpyxl.utils import get_column_letter

XML_CHANGES = ("delete_tag", "double_tag", "drop_attribute", "swap_attributes", "character", "comment", "cdata", "entity", "newline", "quote",
    "prefix", "drop_close")
FIELDS = ("household_id", "name", "id_number", "township", "village", "recorded_size_persons", "wage_fen", "business_fen", "property_fen",
    "transfer_fen",
          "cost_fen", "net_fen", "percapita_fen", "poverty_status", "exit_month", "remark")
KNOWN = {"户编号": 0, "工资性收入": 6, "纯收入": 11, "人口": 5}


class CannotWrite(Exception):
    """The form cannot hold the case's values."""


@dataclass
class Column:
    """A column as written: the index of its field (None: no known heading), the factors that its unit may have, and its range of doubles."""

    field: int | None
    heading: Any
    factors: tuple[int, ...] = (1,)
    sure: bool = True


@dataclass
class Written:
    """A file and what stands in it. ``rows``: (kind, cells) from the first row on; ``numbers``: the row or line number of each."""

    path: Path
    form: str
    columns: list[Column]
    rows: list[tuple[str, list[Any]]]
    merges: list[tuple[int, int, int]] = field(default_factory=list)
    raw: bool = False
    lines_touched: bool = False
    touched: set[int] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)
    header: int = 0
    clean: bool = True


def write_case(case: dict[str, Any], rows: list[list[Any]], folder: Path) -> Written:
    """Apply the operations and write the file."""
    columns = [Column(place, heading) for place, heading in enumerate(rows[0])]
    body: list[tuple[str, list[Any]]] = [("household", row) for row in rows[1:]]
    titles: list[str] = []
    later = []
    written = Written(folder / "台账.tmp", case["form"], columns, [])
    for operation in case["operations"]:
        name, *facts = operation
        if name in ("xml", "byte", "cut"):
            written.raw = True
            later.append(operation)
        elif name in ("line_insert", "line_delete"):
            written.lines_touched = True
            later.append(operation)
        elif name == "title":
            titles.append(facts[0])
        elif name == "merge":
            if case["form"] in ("xlsx", "xlsx_shared", "openpyxl"):
                written.merges.append(tuple(facts))
        else:
            body = _change(name, facts, written, body)
    if any("万元" in title for title in titles):
        for column in written.columns:
            column.factors = tuple({*column.factors, 10_000})
    heads = [("title", [title]) for title in titles]
    written.header = len(heads)
    written.rows = [*heads, ("header", [column.heading for column in written.columns]), *body]
    _merge(written)
    written.numbers = list(range(1, len(written.rows) + 1))
    _write(written, later)
    return written


def _change(name: str, facts: list[Any], written: Written, body: list[tuple[str, list[Any]]]) -> list[tuple[str, list[Any]]]:
    columns = written.columns
    width = len(columns)
    if name in ("set", "insert", "delete", "text"):
        row, place = min(facts[0], len(body)) - 1, facts[1] % width
        cells = body[row][1]
        if place < len(cells):
            cells[place] = _cell(name, cells[place], facts[2:])
    elif name == "column":
        for _, cells in body:
            if facts[0] % width < len(cells):
                cells[facts[0] % width] = _whole(cells[facts[0] % width], facts[1])
    elif name.startswith("heading"):
        _heading(name, columns[facts[0] % width], facts[1:])
    elif name == "row":
        place = min(facts[0], len(body))
        body.insert(place, _row(facts[1], body, place, columns))
    elif name == "shuffle":
        random.Random(facts[0]).shuffle(body)
    elif name == "columns":
        order = list(range(width))
        random.Random(facts[0]).shuffle(order)
        written.columns = [columns[place] for place in order]
        for _, cells in body:
            full = cells + [None] * (width - len(cells))
            cells[:] = [full[place] for place in order]
    elif name == "gap":
        columns.insert(facts[0] % width, Column(None, None))
        for _, cells in body:
            if len(cells) > facts[0] % width:
                cells.insert(facts[0] % width, None)
    elif name == "double":
        place = facts[0] % width
        columns.append(Column(columns[place].field, columns[place].heading, columns[place].factors, columns[place].sure))
        for kind, cells in body:
            cells.extend([None] * (width - len(cells)))
            value = cells[place]
            cells.append(value if facts[1] or kind != "household" or not isinstance(value, (int, float)) else value + 1)
    elif name == "drop":
        place = facts[0] % width
        if width > 1:
            del columns[place]
            for _, cells in body:
                del cells[place: place + 1]
    return body


def _cell(name: str, value: Any, facts: list[Any]) -> Any:
    text = "" if value is None else str(value)
    if name == "set":
        return facts[0]
    if name == "insert":
        place = facts[0] % (len(text) + 1)
        return text[:place] + facts[1] + text[place:]
    if name == "delete":
        place = facts[0] % max(len(text), 1)
        return text[:place] + text[place + 1:]
    full = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)
    return {"plain": text, "full": full, "comma": f"{value:,}" if isinstance(value, (int, float)) else text, "apostrophe": f"'{text}",
        "space": f" {text}\u3000",
            "equals": f'="{text}"'}[facts[0]]


def _whole(value: Any, how: str) -> Any:
    if how == "blank":
        return None
    if how == "float":
        return float(value) if isinstance(value, str) and re.fullmatch(r"\d+", value) else value
    if how == "wan":
        return value / 10_000 if isinstance(value, (int, float)) else value
    return _cell("text", value, ["plain" if how == "text" else "full"]) if value is not None else None


def _heading(name: str, column: Column, facts: list[Any]) -> None:
    text = "" if column.heading is None else str(column.heading)
    if name == "heading_insert":
        place = facts[0] % (len(text) + 1)
        column.heading, column.sure = text[:place] + facts[1] + text[place:], False
    elif name == "heading_set":
        column.heading = facts[0]
        column.field = KNOWN.get(facts[0]) if isinstance(facts[0], str) else None
    else:
        money = column.field is not None and FIELDS[column.field].endswith("_fen")
        column.heading = {"unit": f"{text}(元)", "unit_wan": f"{text}（万元）", "space": f" {text[:2]} {text[2:]}\u3000",
            "break": f"{text[:2]}\n{text[2:]}",
                          "full": text + "\u200b", "star": f"*{text}", "number": f"3.{text}", "bracket": f"{text}[必填]"}[facts[0]]
        if facts[0] == "unit_wan" and money:
            column.factors = (10_000,)
        elif facts[0] == "unit" and money:
            column.factors = tuple({*column.factors, 1})
        if column.field is None or not money:
            column.sure = False


def _row(how: str, body: list[tuple[str, list[Any]]], place: int, columns: list[Column]) -> tuple[str, list[Any]]:
    width = len(columns)
    if how == "copy":
        return "household", list(body[place - 1][1])
    sums = [sum(cells[number] for _, cells in body if number < len(cells) and isinstance(cells[number], (int,
        float)) and not isinstance(cells[number], bool))
            for number in range(width)]
    numbers = [round(total, 2) if column.field is not None and 5 <= column.field <= 11 else None for total, column in zip(sums, columns, strict=True)]
    first = next((number for number, column in enumerate(columns) if column.field in (0, 1, 4)), 0)
    cells: list[Any] = {
        "blank": [None] * width, "numbers": numbers, "total": list(numbers), "subtotal": list(numbers),
        "header": [column.heading for column in columns],
        "footer": ["填表人：某某", None, "审核：某某"], "note": ["注：本表由村填报"], "section": ["甲一村"],
    }[how]
    if how in ("total", "subtotal"):
        cells[first] = "合计" if how == "total" else "本页小计"
    return "other" if any(cell is not None for cell in cells) else "blank", cells


def _merge(written: Written) -> None:
    """Merges as Excel keeps them: only the first cell has a value."""
    first = written.header + 1
    taken: set[tuple[int, int]] = set()
    merges = []
    for row, column, more in written.merges:
        top = min(first + row - 1, len(written.rows) - 1)
        bottom, place = min(top + more, len(written.rows) - 1), column % len(written.columns)
        spots = {(number, place) for number in range(top, bottom + 1)}
        if bottom == top or spots & taken or any(written.rows[number][0] != "household" for number in range(top, bottom + 1)):
            continue
        taken |= spots
        merges.append((top, bottom, place))
        for number in range(top + 1, bottom + 1):
            cells = written.rows[number][1]
            if place < len(cells):
                cells[place] = None
    written.merges = merges


def _write(written: Written, later: list[list[Any]]) -> None:
    rows = [cells for _, cells in written.rows]
    form = written.form
    if form in ("csv", "csv_gbk", "csv_utf16", "tab"):
        _write_text(written, rows, later)
    elif form == "openpyxl":
        _write_openpyxl(written, rows)
    elif form == "xls":
        if any(isinstance(cell, str) and cell.startswith("\ufeff") for row in rows for cell in row):
            raise CannotWrite  # a mark at the beginning of a text is the encoding's, in this format
        try:
            write_xls(written.path, [[None if cell is None else (float(cell) if isinstance(cell, bool) else cell) for cell in row] for row in rows])
        except (OverflowError, ValueError, UnicodeEncodeError) as error:
            raise CannotWrite from error
        written.rows = [(kind, [float(cell) if isinstance(cell, bool) else cell for cell in cells]) for kind, cells in written.rows]
    elif form == "html":
        body = "".join(f"<tr>{''.join(f'<td>{escape(_shown(cell))}</td>' for cell in row)}</tr>" for row in rows)
        written.path.write_bytes(f"<html><head><meta charset='utf-8'></head><body><table>{body}</table></body></html>".encode("utf-8", "replace"))
        written.rows = [(kind, [_shown(cell) for cell in cells]) for kind, cells in written.rows]
        if any("\x07" in cell or "\r" in cell for _, cells in written.rows for cell in cells):
            raise CannotWrite
    elif form == "spreadsheetml":
        _write_spreadsheetml(written, rows, later)
    else:
        _write_package(written, rows, later, shared=form == "xlsx_shared")
    for operation in later:
        if operation[0] in ("byte", "cut"):
            data = bytearray(written.path.read_bytes())
            if operation[0] == "cut":
                del data[len(data) * operation[1] // 1000:]
            else:
                data[operation[1] % len(data)] = operation[2]
            written.path.write_bytes(data)


def _shown(cell: Any) -> str:
    return "" if cell is None else str(cell)


def _write_text(written: Written, rows: list[list[Any]], later: list[list[Any]]) -> None:
    mark = "\t" if written.form == "tab" else ","
    lines = []
    for row in rows:
        cells = [_shown(cell) for cell in row] + [""] * (len(written.columns) - len(row))
        if any("\n" in cell for cell in cells) and any(kind == "header" for kind, cells_ in written.rows if cells_ is row):
            raise CannotWrite
        lines.append(mark.join('"' + cell.replace('"', '""') + '"' if any(char in cell for char in f'{mark}"\n') else cell for cell in cells))
    written.rows = [(kind, [_shown(cell) for cell in cells]) for kind, cells in written.rows]
    touched = set()
    for name, *facts in later:
        if name in ("line_insert", "line_delete"):
            place = min(written.header + facts[0], len(lines) - 1)
            touched.add(place)
            at = facts[1] % (len(lines[place]) + 1)
            lines[place] = lines[place][:at] + (facts[2] + lines[place][at:] if name == "line_insert" else lines[place][at + 1:])
    numbers, line = [], 1
    for place, text in enumerate(lines):
        numbers.append(line + len(text) - len(text.lstrip("\n")))  # a break put before the first field moves the row down
        if place in touched:
            written.touched |= set(range(line, line + text.count("\n") + 1))
        line += text.count("\n") + 1
    written.numbers = numbers
    encoding = {"csv": "utf-8", "csv_gbk": "gb18030", "csv_utf16": "utf-16", "tab": "utf-8-sig"}[written.form]
    try:
        written.path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    except UnicodeEncodeError as error:
        raise CannotWrite from error


def _write_openpyxl(written: Written, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    try:
        for number, row in enumerate(rows, 1):
            for place, value in enumerate(row, 1):
                cell = sheet.cell(number, place, None)
                if value is not None:
                    cell.value = value
                    if isinstance(value, str):
                        cell.data_type = "s"
        for top, bottom, place in written.merges:
            sheet.merge_cells(start_row=top + 1, end_row=bottom + 1, start_column=place + 1, end_column=place + 1)
        book.save(written.path)
    except (ValueError, OverflowError, UnicodeEncodeError, openpyxl.utils.exceptions.IllegalCharacterError) as error:
        raise CannotWrite from error


def _xml(text: str) -> str:
    if any((unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n") or char in "\ufffe\uffff" for char in text):
        raise CannotWrite
    return escape(text)


def _write_package(written: Written, rows: list[list[Any]], later: list[list[Any]], *, shared: bool) -> None:
    strings: dict[str, int] = {}
    lines = []
    for number, row in enumerate(rows, 1):
        cells = []
        for place, value in enumerate(row, 1):
            ref = f"{get_column_letter(place)}{number}"
            if value is None:
                continue
            if isinstance(value, bool):
                cells.append(f'<c r="{ref}" t="b"><v>{int(value)}</v></c>')
            elif isinstance(value, (int, float)):
                cells.append(f'<c r="{ref}"><v>{value!r}</v></c>')
            elif shared:
                cells.append(f'<c r="{ref}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>')
            else:
                cells.append(f'<c r="{ref}" t="inlineStr"><is><t xml:space="preserve">{_xml(value)}</t></is></c>')
        lines.append(f'<row r="{number}">{"".join(cells)}</row>')
    merges = "".join(f'<mergeCell ref="{get_column_letter(place + 1)}{top + 1}:{get_column_letter(place + 1)}{bottom + 1}"/>' for top, bottom,
        place in written.merges)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheet = f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData>'
    sheet += (f"<mergeCells>{merges}</mergeCells>" if merges else "") + "</worksheet>"
    items = "".join(f'<si><t xml:space="preserve">{_xml(text)}</t></si>' for text in strings)
    parts = {
        "_rels/.rels": f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
                       f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
                                      f'<Relationship Id="rId1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/>'
                                      f'<Relationship Id="rId2" Type="{relation}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{relation}"><sheets><sheet name="家庭信息" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": f'<sst xmlns="{main}">{items}</sst>',
    }
    for name, *facts in later:
        if name == "xml":
            part = "xl/sharedStrings.xml" if shared and facts[0] % 5 == 0 else "xl/workbook.xml" if facts[0] % 17 == 0 else "xl/worksheets/sheet1.xml"
            parts[part] = change_xml(parts[part], *facts)
    with zipfile.ZipFile(written.path, "w", zipfile.ZIP_DEFLATED) as package:
        for part, text in parts.items():
            package.writestr(part, text.encode("utf-8", "surrogatepass"))


def _write_spreadsheetml(written: Written, rows: list[list[Any]], later: list[list[Any]]) -> None:
    lines = []
    for row in rows:
        cells = []
        for value in row:
            if value is None:
                cells.append("<Cell/>")
            elif isinstance(value, bool):
                cells.append(f'<Cell><Data ss:Type="Boolean">{int(value)}</Data></Cell>')
            elif isinstance(value, (int, float)):
                cells.append(f'<Cell><Data ss:Type="Number">{value!r}</Data></Cell>')
            else:
                cells.append(f'<Cell><Data ss:Type="String">{_xml(value)}</Data></Cell>')
        lines.append(f"<Row>{''.join(cells)}</Row>")
    text = ('<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
            f'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="家庭信息"><Table>{"".join(lines)}</Table></Worksheet></Workbook>')
    for name, *facts in later:
        if name == "xml":
            text = change_xml(text, *facts)
    written.path.write_bytes(text.encode("utf-8", "surrogatepass"))


def change_xml(text: str, at: int, how: str) -> str:
    """One damage to the text of an XML part at about a place."""
    tags = list(re.finditer(r"<[^<>]*>", text))
    tag = tags[at % len(tags)]
    whole = tag.group()
    attributes = re.findall(r'\s[\w:]+="[^"]*"', whole)
    if how == "delete_tag":
        new = ""
    elif how == "double_tag":
        new = whole * 2
    elif how == "drop_attribute":
        new = whole.replace(attributes[at % len(attributes)], "", 1) if attributes else whole
    elif how == "swap_attributes":
        start = re.match(r"</?[\w:?]+", whole)
        new = start.group() + "".join(reversed(attributes)) + ("/>" if whole.endswith("/>") else ">") if start and attributes else whole
    elif how == "drop_close":
        return text[: tag.start()] + whole.replace("/>", ">") + text[tag.end():] if whole.endswith("/>") else text[: tag.end()] + text[tag.end() + 1:]
    else:
        new = whole + {"character": "&#x20;", "comment": "<!-- <c r=\"A1\"><v>5</v></c> -->", "cdata": "<![CDATA[<c>]]>", "entity": "&#48;",
            "newline": "\n  ",
                       "quote": "", "prefix": "<?x y?>"}[how]
        if how == "quote":
            new = whole.replace('"', "'")
    return text[: tag.start()] + new + text[tag.end():]
