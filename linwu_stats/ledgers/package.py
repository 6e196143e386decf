"""Workbooks of the xlsx family (xlsx、xlsm、et 工作簿): safety first, then marks, then the cells by python-calamine.

calamine is fast but trusting: it allocates the whole rectangle up to the farthest cell, shows error cells and formulas without a value as blank, and says
nothing of hidden rows. So each sheet's XML is streamed once before: its true unpacked size, its references, and its marks.
"""

from __future__ import annotations

import copy
import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from linwu_stats.ledgers.odsbook import read_ods
from linwu_stats.ledgers.outcome import Refused
from linwu_stats.ledgers.sheets import Book, Sheet
from linwu_stats.ledgers.sheetscan import SheetScan, scan_segments, without_far_cells

__all__ = ["read_package"]

UNPACKED_LIMIT = 400_000_000
#: An honest ledger packs 5 to 50 times smaller.
RATIO_LIMIT, RATIO_FROM = 150, 20_000_000
PARTS_LIMIT = 5_000
CHUNK = 1 << 22
#: Sheets up to this size are also checked to be well-formed XML, since calamine reads some broken ones with wrong values.
WELL_FORMED_UP_TO = 8_000_000
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ElementTree.ParseError, KeyError, ValueError, RuntimeError, OverflowError)
_PREFIX = re.compile(rb"<(\w+):worksheet[\s>]")


def read_package(path: Path) -> Book:
    """All sheets of an xlsx or ods workbook (读取xlsx、ods). Raises :class:`Refused`: ENCRYPTED, DAMAGED, TOO_LARGE, XML_DTD, FORMAT, EMPTY, CELL_REFS."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(path, archive)
    except Refused:
        raise
    except BROKEN as error:
        raise Refused("DAMAGED", detail=f"压缩包内容不完整，{type(error).__name__}") from error


def _read(path: Path, archive: zipfile.ZipFile) -> Book:
    parts = _safe_parts(archive)
    if "content.xml" in parts and b"spreadsheet" in (_part(archive, parts["mimetype"]) if "mimetype" in parts else b"spreadsheet"):
        manifest = _part(archive, parts["META-INF/manifest.xml"]) if "META-INF/manifest.xml" in parts else b""
        return read_ods(_part(archive, parts["content.xml"]), manifest)
    main = _main_part(archive, parts)
    _refuse_dtd(_part(archive, parts[main]), main)
    relations = _relations(archive, parts, main)
    root = ElementTree.fromstring(_part(archive, parts[main]))
    struck = _struck_styles(archive, parts, relations)
    shared = next((target for kind, target in relations.values() if kind.endswith("/sharedStrings")), "")
    struck_strings = _struck_strings(_texts(archive, parts[shared])) if shared in parts else {}
    scans: dict[str, tuple[SheetScan, bool, str]] = {}
    for element in root.iter():
        if element.tag.endswith("}sheet") or element.tag == "sheet":
            ident = next((value for key, value in element.attrib.items() if key.endswith("}id") or key == "id"), "")
            kind, target = relations.get(ident, ("", ""))
            if kind.endswith("/worksheet"):
                if target not in parts:
                    raise Refused("DAMAGED", detail=f"缺少工作表部件{target}")
                scan = _scan(archive, parts, target, struck, struck_strings)
                scans[element.attrib["name"]] = (scan, element.attrib.get("state", "visible") == "visible", target)
    if not scans:
        raise Refused("EMPTY")
    if any(element.tag.endswith("}calcPr") and element.attrib.get("fullCalcOnLoad") in ("1", "true") for element in root):
        for scan, _, _ in scans.values():
            if len(scan.zeros) == scan.formulas:  # programs that do not calculate save 0 as the result of every formula
                scan.marks.no_value |= scan.zeros
    book = Book(_cells(path, archive, scans))
    _note_package(book, parts)
    return book


def _safe_parts(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Parts by name, after the checks that need no unpacking, and the beginning of each XML part looked at for a DTD."""
    infos = archive.infolist()
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    if len(infos) > PARTS_LIMIT or total > UNPACKED_LIMIT or (total > RATIO_FROM and total > RATIO_LIMIT * max(packed, 1)):
        raise Refused("TOO_LARGE", detail=f"解压后{total / 1e6:.0f}MB，压缩{total / max(packed, 1):.0f}倍")
    if any(info.flag_bits & 1 for info in infos):
        raise Refused("ENCRYPTED")
    parts: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if info.filename in parts:
            raise Refused("DAMAGED", detail=f"部件{info.filename}重复")
        parts[info.filename.replace("\\", "/").lstrip("/")] = info
        if info.filename.lower().endswith((".xml", ".rels", ".vml")):
            _refuse_dtd(next(_stream(archive, info, 1 << 16), b""), info.filename)
    return parts


def _refuse_dtd(head: bytes, name: str) -> None:
    for word in ("<!DOCTYPE", "<!ENTITY"):
        if any(word.encode(encoding) in head for encoding in ("utf-8", "utf-16-le", "utf-16-be")):
            raise Refused("XML_DTD", detail=name)
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        raise Refused("DAMAGED", detail=f"{name}不是UTF-8")


def _stream(archive: zipfile.ZipFile, info: zipfile.ZipInfo, chunk: int = CHUNK) -> Iterator[bytes]:
    """Unpack a part whatever size its directory entry claims; refuse when it is larger than claimed."""
    honest = copy.copy(info)
    honest.file_size = 1 << 50
    seen = 0
    with archive.open(honest) as stream:
        while data := stream.read(chunk):
            seen += len(data)
            if seen > info.file_size:
                raise Refused("TOO_LARGE", detail=f"{info.filename}的实际大小超过声明的大小")
            yield data


def _part(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    return b"".join(_stream(archive, info))


def _texts(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The shared strings; comments, CDATA and instructions in them, which no spreadsheet program writes, are read as nothing by some readers."""
    data = _part(archive, info)
    _refuse_dtd(data, info.filename)
    if b"<!" in data or data.find(b"<?", 2) > 0:
        raise Refused("DAMAGED", detail=f"{info.filename}含有注释或CDATA")
    if info.file_size <= WELL_FORMED_UP_TO:
        ElementTree.fromstring(data)
    return data


def _main_part(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo]) -> str:
    if "_rels/.rels" in parts:
        for element in ElementTree.fromstring(_part(archive, parts["_rels/.rels"])):
            if element.attrib.get("Type", "").endswith("/officeDocument"):
                target = element.attrib["Target"].lstrip("/")
                if target.endswith("workbook.xml") or ("xl/" in target and target.endswith(".xml")):
                    if target not in parts:
                        raise Refused("DAMAGED", detail=f"缺少部件{target}")
                    return target
                known = {"word": "Word文档", "ppt": "演示文稿", "xl": "xlsb二进制工作簿"}
                raise Refused("FORMAT", detail=known.get(target.split("/")[0], "其他办公文档"))
    if "xl/workbook.xml" in parts:
        return "xl/workbook.xml"
    if "content.xml" in parts:
        raise Refused("FORMAT", detail="OpenDocument文档，不是表格")
    raise Refused("FORMAT.packed", detail="zip压缩包" if parts else "空压缩包")


def _relations(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], part: str) -> dict[str, tuple[str, str]]:
    """Relations of a part: id -> (type, target part)."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in parts:
        return {}
    out = {}
    for element in ElementTree.fromstring(_part(archive, parts[path])):
        target = element.attrib.get("Target", "")
        where = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        out[element.attrib.get("Id", "")] = (element.attrib.get("Type", ""), where)
    return out


def _scan(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], target: str, struck: set[int], struck_strings: dict[int, bool]) -> SheetScan:
    info = parts[target]
    if info.file_size <= WELL_FORMED_UP_TO:
        ElementTree.fromstring(_part(archive, info))
    scan = scan_segments(_stream(archive, info), struck, struck_strings)
    for kind, place in _relations(archive, parts, target).values():
        if kind.endswith("/comments") and place in parts:
            for element in ElementTree.fromstring(_part(archive, parts[place])).iter():
                if element.tag.endswith("}comment"):
                    scan.comment(element.attrib.get("ref", ""), "".join(element.itertext()).strip())
    return scan


def _cells(path: Path, archive: zipfile.ZipFile, scans: dict[str, tuple[SheetScan, bool, str]]) -> list[Sheet]:
    # given as bytes, since calamine believes the suffix of a path
    far = any(scan.far for scan, _, _ in scans.values())
    source = _without_far_cells(archive, scans) if far else io.BytesIO(path.read_bytes())
    try:
        workbook = CalamineWorkbook.from_filelike(source)
        sheets = []
        for name, (scan, visible, _) in scans.items():
            sheet = workbook.get_sheet_by_name(name)
            scan.marks.merges = [(a, b, c, d) for (a, b), (c, d) in sheet.merged_cell_ranges or []]
            rows = sheet.to_python(skip_empty_area=False)
            for (row, column), text in [*scan.literals.items(), *((place, "") for place in scan.marks.no_value)]:
                if row < len(rows) and column < len(rows[row]):
                    rows[row][column] = text
            sheets.append(Sheet(name, rows, visible, True, scan.marks))
        return sheets
    except PasswordError as error:
        raise Refused("ENCRYPTED") from error
    except CalamineError as error:
        raise Refused("DAMAGED", detail=f"工作表内容不完整，{type(error).__name__}") from error


def _without_far_cells(archive: zipfile.ZipFile, scans: dict[str, tuple[SheetScan, bool, str]]) -> io.BytesIO:
    """The package again without the cells far outside the table, whose text is kept in the marks."""
    far = {target: scan for scan, _, target in scans.values() if scan.far}
    strings = next((_part(archive, info) for info in archive.infolist() if info.filename.lower().endswith("sharedstrings.xml")), b"")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as clean:
        for info in archive.infolist():
            data = _part(archive, info)
            name = info.filename.replace("\\", "/").lstrip("/")
            if name in far:
                data = without_far_cells(data, far[name], strings)
            clean.writestr(info.filename, data)
    out.seek(0)
    return out


def _struck_styles(archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], relations: dict[str, tuple[str, str]]) -> set[int]:
    """Numbers of the cell formats whose font is struck out."""
    place = next((target for kind, target in relations.values() if kind.endswith("/styles")), "")
    if place not in parts:
        return set()
    data = _part(archive, parts[place])
    if b"strike" not in data:
        return set()
    root = ElementTree.fromstring(data)
    fonts = [font for block in root if block.tag.endswith("}fonts") for font in block]
    lined = {number for number, font in enumerate(fonts) if any(_on(element) for element in font if element.tag.endswith("}strike"))}
    formats = [entry for block in root if block.tag.endswith("}cellXfs") for entry in block]
    return {number for number, entry in enumerate(formats) if int(entry.attrib.get("fontId", 0)) in lined}


def _struck_strings(data: bytes) -> dict[int, bool]:
    """Numbers of the shared strings that are struck out, and whether wholly."""
    if b"strike" not in data:
        return {}
    out = {}
    items = [item for item in ElementTree.fromstring(data) if item.tag.endswith("}si")]
    for number, item in enumerate(items):
        runs = [run for run in item if run.tag.endswith("}r")]
        lined = [any(_on(element) for element in run.iter() if element.tag.endswith("}strike")) for run in runs if "".join(run.itertext()).strip()]
        if any(lined):
            out[number] = all(lined)
    return out


def _on(element: ElementTree.Element) -> bool:
    return element.attrib.get("val", "1") not in ("0", "false")


def _note_package(book: Book, parts: dict[str, zipfile.ZipInfo]) -> None:
    if any(name.lower().endswith("vbaproject.bin") or "/macrosheets/" in name for name in parts):
        book.notes.append(("MACRO", {}))
    if any(sheet.marks.external for sheet in book.sheets):
        cells = [f"{sheet.name}!{sheet.cell(*min(sheet.marks.external))}" for sheet in book.sheets if sheet.marks.external]
        book.notes.append(("EXTERNAL_LINK", {"detail": f"（{'、'.join(cells)}等）"}))
    elif any("externallinks/" in name.lower() for name in parts):
        book.notes.append(("EXTERNAL_LINK.unused", {}))
