"""What must hold of every fuzzed ledger, by slow and independent means: nothing here uses the reader's parsing of cells."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
from fuzz_writers import FIELDS, Written

from linwu_stats.ledgers.content import open_book
from linwu_stats.ledgers.outcome import Ledger, Refused

KEYS = ["path", "outcome", "kind", "sheets", "rows", "households", "net_income_yuan", "findings"]
FINDING = ["code", "severity", "outcome", "sheet", "cell", "row", "column", "household", "value", "repaired_to", "message", "fixer"]
MONEY = {name for name in FIELDS if name.endswith("_fen")}
PARTS = {6: 1, 7: 1, 8: 1, 9: 1, 10: -1}
UNITS = {"": None, "元": 1, "万元": 10_000, "万": 10_000, "千元": 1_000, "百元": 100, "块": 1, "块钱": 1, "元整": 1, "人": 1, "口": 1}
INVISIBLE = re.compile("[\\s\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]+")
NOTHING = {"-", "--", "—", "——", "/", "\\", "*", "…", "...", ".", "~", "_", "|", "、", "·", "", "空", "NULL", "null", "None", "nan", "NaN", "N/A",
    "n/a", "NA", "#", "无", "没有"}
LINE_CODES = {"QUOTE", "FIELD_COUNT"}


def first_breach(written: Written, ledger: Ledger, shown: dict[str, Any], html: str, text: str) -> str:
    """The first thing that does not hold, or nothing."""
    return _shape(shown, html, text) or _package(written) or ("" if ledger.outcome == "reject" or written.raw else _content(written, ledger))


def _shape(shown: dict[str, Any], html: str, text: str) -> str:
    if list(shown) != KEYS or any(list(item) != FINDING for item in shown["findings"]):
        return "shape: fields of the result"
    if shown["outcome"] not in ("accept", "repair", "flag", "reject"):
        return f"shape: outcome {shown['outcome']}"
    for item in shown["findings"]:
        if item["outcome"] in ("flag", "reject") and not item["fixer"]:
            return f"shape: nobody mends {item['code']}"
        if "读取时出错" in item["message"]:
            return f"exception inside: {item['message']}"
        if not item["message"] or "{" in re.sub(r"[“（].*", "", item["message"]):
            return f"shape: message of {item['code']}"
        if item["outcome"] == "repair" and item["severity"] == "info":
            return f"shape: severity of {item['code']}"
    if shown["outcome"] == "reject" and not any(item["outcome"] == "reject" for item in shown["findings"]):
        return "shape: refused without a reason"
    if re.search(r"<script|<img|onerror", html.replace("&lt;", "")):
        return "markup: live in the page"
    if any(unicodedata.category(char) in ("Cc", "Cf") and char != "\n" for char in text):
        return "text: a control character reaches the terminal"
    return ""


def _package(written: Written) -> str:
    """A damaged package is refused, or read as a plain XML reader reads it."""
    if not written.raw or not written.form.startswith("xlsx"):
        return ""
    slow = _slow_cells(written.path)
    try:
        rows = open_book(written.path).sheets[0].rows
    except Refused:
        return ""
    except Exception as error:
        return "" if type(error).__name__ in ("IndexError",) else f"exception in open_book: {type(error).__name__}"
    if slow is None:
        return "package: read although it is not a package"
    fast = {(row, place): value for row, cells in enumerate(rows) for place, value in enumerate(cells) if value not in ("", None)}
    for where in sorted(slow.keys() | fast.keys()):
        one, two = slow.get(where, ""), fast.get(where, "")
        if one == "?" and two == "":  # a string that is not there
            continue
        if isinstance(one, str) and isinstance(two, str) and one.replace("\r\n", "\n").strip() == two.replace("\r\n", "\n").strip():
            continue
        if isinstance(one, float) and isinstance(two, str) and two.strip() == f"{one:.0f}":
            continue
        if one != two:
            return f"package: cell {where} is {one!r} but was read {two!r}"
    return ""


def _slow_cells(path: Path) -> dict[tuple[int, int], Any] | None:
    try:
        with zipfile.ZipFile(path) as package:
            sheet = ElementTree.fromstring(package.read("xl/worksheets/sheet1.xml"))
            used = b't="s"' in package.read("xl/worksheets/sheet1.xml")
            table = ElementTree.fromstring(package.read("xl/sharedStrings.xml")) if used else []
            strings = [_words(item) for item in table if item.tag.endswith("}si")]
    except Exception:
        return None
    cells: dict[tuple[int, int], Any] = {}
    row = -1
    for line in sheet.iter():
        if not line.tag.endswith("}row"):
            continue
        row = int(line.attrib["r"]) - 1 if line.attrib.get("r", "").isdigit() else row + 1
        column = -1
        for cell in line:
            if not cell.tag.endswith("}c"):
                continue
            letters = re.match(r"[A-Z]+", cell.attrib.get("r", ""))
            column = _number(letters.group()) if letters else column + 1
            value = next((part.text or "" for part in cell if part.tag.endswith("}v")), None)
            kind = cell.attrib.get("t", "n")
            if kind == "inlineStr" or (value is None and any(part.tag.endswith("}is") for part in cell)):
                cells[row, column] = "".join(_words(part) for part in cell if part.tag.endswith("}is"))
            elif value is not None and kind == "s":
                cells[row, column] = strings[int(value)] if value.strip().isdigit() and int(value) < len(strings) else "?"
            elif value is not None and kind == "b":
                cells[row, column] = value.strip() == "1"
            elif value is not None and kind == "n":
                try:
                    cells[row, column] = float(value)
                except ValueError:
                    cells[row, column] = value
            elif value is not None:
                cells[row, column] = value
    return {where: value for where, value in cells.items() if value != ""}


def _words(element: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in element.iter() if part.tag.endswith("}t"))


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _content(written: Written, ledger: Ledger) -> str:
    frame = ledger.frame
    read = {int(number): place for place, number in enumerate(frame["_row"])}
    if len(read) != len(frame):
        return "rows: a row number twice in the frame"
    named = _named_rows(ledger)
    ends = [*written.numbers[1:], written.numbers[-1] + 9]
    for (kind, cells), number, end in zip(written.rows, written.numbers, ends, strict=True):
        filled = any(_bare(cell) for cell in cells)
        if kind == "household" and filled and not any(line in read or line in named for line in range(number, max(end, number + 1))):
            return f"rows: row {number} is gone without a word"
    if written.lines_touched:
        return _values(written, ledger, {number: place for number, place in read.items() if number not in written.touched})
    return _values(written, ledger, read) or _total(written, ledger, read)


def _named_rows(ledger: Ledger) -> set[int]:
    named = set()
    for item in ledger.findings:
        if item.row:
            named.add(item.row)
        if item.code in ("FOOTER_ROWS", "BLANK_ROWS", "TITLE_ROWS"):
            named |= {int(number) for number in re.findall(r"\d+", item.message.split("：")[0].split("共")[0])}
    return named


def _bare(cell: Any) -> str:
    return "" if cell is None else INVISIBLE.sub("", str(cell))


def _plain(text: str) -> str:
    text = re.sub(r"^-0\.0$", "0", text)
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip("'’‘`").replace("−", "-")


def meaning(name: str, cell: Any, factors: tuple[int, ...], typed: bool) -> set[Any]:
    """The values that a written cell may stand for; empty: only unknown is right."""
    if cell is None or _bare(cell) == "":
        return set()
    if name in MONEY:
        return _money(cell, factors)
    if name == "recorded_size_persons":
        found = {value / 100 for value in _money(cell, (1,))}
        return {int(value) for value in found if value == int(value) and 1 <= value <= 20}
    if name == "id_number":
        return _identity(cell)
    if name == "household_id":
        text = re.sub(r"\.0+$", "", _plain(_unwrapped(cell)).translate(str.maketrans("", "", "-\"“”’‘'"))) if not isinstance(cell,
            float) else f"{cell:.0f}" if cell < 1e15 else ""
        return {text.zfill(14)} if re.fullmatch(r"\d{12}|\d{14}", text, re.ASCII) else set()
    if name == "exit_month":
        return _month(cell)
    if name == "poverty_status":
        text = _plain(str(cell))
        return {"out"} if text in ("已脱贫", "脱贫", "脱贫户") else {"not_out"} if text == "未脱贫" else {"returned"} if text in ("返贫",
            "返贫户") else set()
    if name == "township":
        text = _plain(str(cell))
        return {text, *(f"{text}{tail}" for tail in ("镇", "乡"))}
    if name in ("village", "name", "remark"):
        return {"any"}
    return set()


def _money(cell: Any, factors: tuple[int, ...]) -> set[int]:
    if isinstance(cell, bool):
        return set()
    if isinstance(cell, (int, float)):
        number, unit = Decimal(repr(cell)), None
        if not number.is_finite():
            return set()
    else:
        if re.search(r"\d[\s\u00a0\u3000]+\d", cell) and not re.fullmatch(r"\s*\d{1,3}([\s\u00a0]\d{3})+(\.\d*)?\s*", cell):
            return set()
        if any(unicodedata.category(char) in ("No", "Nl") or (char.isdigit() and not unicodedata.normalize("NFKC", char).isascii()) for char in cell):
            return set()
        found = re.fullmatch(r"([¥￥]?)([+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|[+-]?\.\d+)(\D*)", _plain(cell), re.ASCII)
        if not found or found.group(3) not in UNITS:
            return set()
        number, unit = Decimal(found.group(2).replace(",", "")), UNITS[found.group(3)] or (1 if found.group(1) else None)
    out = set()
    for factor in (unit,) if unit else factors:
        if abs(number * factor) < 9 * 10**11:
            out.add(int((number * factor * 100).quantize(Decimal(1), ROUND_HALF_UP)))
    return out


def _unwrapped(cell: Any) -> str:
    text = str(cell).strip()
    found = re.fullmatch(r'=?\s*"(.*)"', text, re.DOTALL)
    return found.group(1) if found else text


def _identity(cell: Any) -> set[str]:
    if not isinstance(cell, str):
        return set()
    text = re.sub(r"[-.·_,、。'’‘\"“”‐-―]", "", _plain(_unwrapped(cell))).upper()
    text = re.sub("[ХΧ×]", "X", text)
    body = re.fullmatch(r"(\d{17}[\dX])(?:[1-7][1-4])?", text, re.ASCII)
    if not body:
        return set()
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body.group(1), weights, strict=False))
    return {body.group(1)} if "10X98765432"[total % 11] == body.group(1)[17] else set()


def _month(cell: Any) -> set[str]:
    if isinstance(cell, bool):
        return set()
    text = _plain(repr(cell) if isinstance(cell, float) and not cell.is_integer() else f"{cell:.0f}" if isinstance(cell, float) else str(cell))
    out = set()
    found = re.fullmatch(r"(20[12]\d)[-/.年]?(\d{1,2})(?:月份?)?(?:[-/.]?\d{1,2}日?)?", text, re.ASCII)
    if found and 1 <= int(found.group(2)) <= 12 and not re.fullmatch(r"\d{4}\.1", text):
        out.add(f"{found.group(1)}-{int(found.group(2)):02d}")
    if re.fullmatch(r"\d{5}", text, re.ASCII):
        day = pd.Timestamp("1899-12-30") + pd.Timedelta(days=int(text))
        out.add(f"{day:%Y-%m}")
    found = re.fullmatch(r"(\d{1,2})[-/.](20[12]\d)", text, re.ASCII)
    if found:
        out.add(f"{found.group(2)}-{int(found.group(1)):02d}")
    return out


def _values(written: Written, ledger: Ledger, read: dict[int, int]) -> str:
    typed = written.form in ("xlsx", "xlsx_shared", "openpyxl", "xls", "spreadsheetml")
    for index, (kind, _) in enumerate(written.rows):
        number = written.numbers[index]
        if kind != "household" or number not in read:
            continue
        for field, name in enumerate(FIELDS):
            got = ledger.frame[name].iloc[read[number]] if name in ledger.frame.columns else pd.NA
            places = [place for place, column in enumerate(written.columns) if column.field == field]
            breach = _value(written, ledger, index, name, places, None if pd.isna(got) else got, typed)
            if breach:
                return breach
    return ""


def _source(written: Written, index: int, place: int) -> Any:
    """The cell that a value may come from: in a merged range the first cell."""
    for top, bottom, column in written.merges:
        if column == place and top <= index <= bottom:
            index = top
    cells = written.rows[index][1]
    return cells[place] if place < len(cells) else None


def _value(written: Written, ledger: Ledger, index: int, name: str, places: list[int], got: Any, typed: bool) -> str:
    number = written.numbers[index]
    cells = [_source(written, index, place) for place in places]
    spoken = [item for item in ledger.findings if (item.severity != "info" or item.code == "UNKNOWN_COLUMN") and _about(item, number, places, name)]
    if got is None:
        blank = all(_bare(cell) == "" for cell in cells)
        if (not blank or name in MONEY | {"recorded_size_persons", "household_id", "name", "id_number"}) and not spoken and name not in ("remark",):
            if name == "exit_month" and all(_plain(str(cell)) in NOTHING for cell in cells):
                return ""
            if not places:
                return ""
            return f"silent: {name} of row {number} is unknown without a finding; written {cells!r}"
        return ""
    allowed: set[Any] = set()
    for place, cell in zip(places, cells, strict=True):
        allowed |= meaning(name, cell, written.columns[place].factors, typed)
    if "any" in allowed:
        texts, shown = {_same_dots(str(cell)) for cell in cells if cell is not None}, _same_dots(str(got))
        if shown not in texts:
            return f"guessed: {name} of row {number} is {got!r}; written {cells!r}"
        if name == "name" and typed and all(str(cell) != str(got) for cell in cells) and not spoken:
            return f"silent: {name} of row {number} changed to {got!r} without a finding; written {cells!r}"
        return ""
    as_written = {str(cell) for cell in cells} | {re.sub(r"^-?(\d+)\.0$", r"\1", str(cell)) for cell in cells}
    if got not in allowed and not (name == "township" and got in as_written) and not (name == "poverty_status" and spoken):
        return f"guessed: {name} of row {number} is {got!r}; written {cells!r}"
    return ""


def _same_dots(text: str) -> str:
    """Text with every sort of middle dot as one; a whole float as its digits."""
    return re.sub(r"[·•・‧∙．.●﹒˙]", "·", re.sub(r"^-?(\d+)\.0$", r"\1", _plain(text)))


def _about(item: Any, number: int, places: list[int], name: str) -> bool:
    if item.row == number and (item.code in LINE_CODES or _columns(item.cell) & set(places) or not _columns(item.cell)):
        return True
    box = re.fullmatch(r"([A-Z]+)(\d+):([A-Z]+)(\d+)", item.cell)
    if box:
        left, right = _number(box.group(1)), _number(box.group(3))
        inside = any(left <= place <= right for place in places)
        whole = item.code in ("DUPLICATE_COLUMN",)
        return inside and (whole or int(box.group(2)) <= number <= int(box.group(4)))
    return item.code in ("MISSING_COLUMN", "UNKNOWN_COLUMN",
        "DUPLICATE_COLUMN") and (not places or bool(_columns(item.cell) & set(places)) or item.code == "MISSING_COLUMN")


def _columns(cell: str) -> set[int]:
    found = re.fullmatch(r"([A-Z]+)\d+(?::([A-Z]+)\d+)?", cell)
    return set(range(_number(found.group(1)), _number(found.group(2) or found.group(1)) + 1)) if found else set()


def _total(written: Written, ledger: Ledger, read: dict[int, int]) -> str:
    """The control total is the sum over cells with a usable number; asked where every part has one sure column and no merged amounts."""
    columns = {field: [place for place, column in enumerate(written.columns) if column.field == field] for field in PARTS}
    if any(len(places) != 1 or not written.columns[places[0]].sure or len(written.columns[places[0]].factors) != 1 for places in columns.values()):
        return ""
    if any(place == columns[field][0] for field in PARTS for _, _,
        place in written.merges) or any(item.code in LINE_CODES for item in ledger.findings):
        return ""
    total = 0
    for index, (kind, cells) in enumerate(written.rows):
        if written.numbers[index] in read and kind == "household":
            for field, sign in PARTS.items():
                place = columns[field][0]
                if place < len(cells):
                    total += sign * sum(_exact(cells[place], written.columns[place].factors))
        elif written.numbers[index] in read:
            return ""
    if ledger.net_income_yuan is None or abs(ledger.net_income_yuan * 100 - total) > 40:
        return f"total: {ledger.net_income_yuan} but written {total / 100:.2f}"
    return ""


def _exact(cell: Any, factors: tuple[int, ...]) -> set[int]:
    return set() if cell is None or _bare(cell) == "" else _money(cell, factors)
