"""Who and where (身份与地点): ID numbers, household and person codes, names, townships.

ID numbers follow GB 11643-1999 with the check digit of ISO 7064 MOD 11-2. Nothing that was lost is put back: a number with lost digits is unknown.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from operator import mul
from typing import Any

from linwu_stats.ledgers.cells import BLANK, Cell, is_blank, plain_text
from linwu_stats.ledgers.vocabulary import BLANKS, has_mark, says_nothing, squeeze, vocabulary

__all__ = [
    "HAN", "NOTE_WORDS", "WEIGHTS", "birth_trouble", "check_digit", "parse_code_number", "parse_id_number", "parse_name", "parse_phone", "parse_township",
    "parse_village",
]

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ZEROS = ord("0") * sum(WEIGHTS)
_WRAPPED = re.compile(r'=?\s*"(.*)"|\'(.*)')
_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?E\+?\d+", re.IGNORECASE)
_LOOKALIKE_X = str.maketrans({"x": "X", "Х": "X", "х": "X", "Χ": "X", "χ": "X", "×": "X"})
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")
_LOST = re.compile("[?\ufffd□■◇◆〓_]|？|\\*")
_BAD_NAME = re.compile("[<>&\"'`=(){}\\[\\]/\\\\|;:@$%^#~!,+\u0000-\u001f]|://|^-")
HAN = "[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af]"
_PLAIN_NAME = re.compile(f"{HAN}+(?:·{HAN}+)*\\d?")
_ANY_NAME = re.compile(f"{HAN}{{2,}}|{HAN}+(?:·{HAN}+)+|[A-Za-zÀ-ɏ][A-Za-zÀ-ɏ.' -]+[A-Za-zÀ-ɏ.]")
NOTE_WORDS = re.compile(r"已故|已死|死亡|去世|迁出|迁入|搬走|外出|户主|新户主|代领|改名|曾用名|原名")
_DOTS = re.compile(f"(?<={HAN})[•・‧∙．.●﹒˙](?={HAN})")


def check_digit(body: str) -> str:
    """Check digit of the first 17 digits of an ID number (校验码)."""
    return "10X98765432"[(sum(map(mul, body.encode("ascii"), WEIGHTS)) - _ZEROS) % 11]


def _unwrapped(value: Any) -> str:
    """Text without Excel's wrappings: ="…", a leading apostrophe, quotation marks."""
    text = plain_text(value).strip()
    found = _WRAPPED.fullmatch(text)
    return (found.group(1) if found.group(1) is not None else found.group(2)) if found else text


def parse_id_number(value: Any, *, certificate_allowed: bool = False) -> Cell:
    """An ID number of 18 characters (身份证号), cleaned only where its check digit proves the result."""
    if is_blank(value):
        return BLANK
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(None, ("ID_PRECISION_LOST",)) if abs(value) >= 1e15 else Cell(None, ("ID_INVALID",), detail="位数不对")
    if not isinstance(value, str):
        return Cell(None, ("ID_INVALID",), detail="不是号码")
    if len(value) == 18 and value.isascii() and value[:17].isdigit() and value[17] in "0123456789X":
        return _eighteen(value, ())
    text = squeeze(_unwrapped(value)).translate(_LOOKALIKE_X).upper()
    if not text or (says_nothing(text) and text.count("*") < 6) or text in vocabulary().raw["unknown_words"]:
        return Cell(None, ("ID_MISSING",))
    if _SCIENTIFIC.fullmatch(text):
        return Cell(None, ("ID_PRECISION_LOST",))
    if "*" in text or re.search(r"[X#●•.]{3,}|…", text):
        return Cell(None, ("ID_MASKED",))
    bare = re.sub(r"[-.‐-―·_,、。'’‘\"“”]", "", text)
    return _by_length(value, bare, certificate_allowed)


def _by_length(value: str, bare: str, certificate_allowed: bool) -> Cell:
    if not bare.isascii():
        return Cell(None, ("ID_INVALID",), detail="含有数字和末位X以外的字符")
    if re.fullmatch(r"\d{17}[\dX]", bare):
        return _eighteen(bare, () if bare == value else ("ID_CLEANED",))
    if re.fullmatch(r"\d{15}", bare):
        return Cell(None, ("ID_15",))
    if re.fullmatch(r"\d{17}[\dX][1-7][1-4](?:B\d)?", bare):
        first = _eighteen(bare[:18], ())
        if not first.keys:
            return Cell(bare[:18], ("ID_IS_DISABILITY_CERT.allowed" if certificate_allowed else "ID_IS_DISABILITY_CERT",), bare[:18])
        return first
    if re.fullmatch(r"\d+X?", bare):
        return Cell(None, ("ID_INVALID",), detail=f"应为18位，实为{len(bare)}位")
    return Cell(None, ("ID_INVALID",), detail="含有数字和末位X以外的字符")


def _eighteen(number: str, keys: tuple[str, ...]) -> Cell:
    if number.count(number[11], 6, 17) >= 7 and re.search(r"(\d)\1{6}", number[6:17]):
        return Cell(None, ("ID_INVALID",), detail="像是占位号码")
    trouble = birth_trouble(number[6:14])
    if trouble:
        return Cell(None, ("ID_BIRTHDATE",), detail=trouble)
    if check_digit(number[:17]) != number[17]:
        return Cell(None, ("ID_PRECISION_LOST" if number.endswith("000") else "ID_CHECKSUM",))
    return Cell(number, keys, number if keys else "")


@lru_cache(maxsize=60_000)
def birth_trouble(digits: str) -> str:
    """What is wrong with the eight digits of a birth date, or nothing (出生日期)."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    try:
        dt.date(year, month, day)
    except ValueError:
        return "没有这一天"
    return "" if 1_890 <= year <= 2_030 else "年份不合理"


def parse_code_number(value: Any, *, length: int, prefix: str = "") -> Cell:
    """A code of fixed length kept as text (户编号 14 digits, 人编号 16, 行政村代码 12); leading zeros that a number lost are certain and put back."""
    if is_blank(value):
        return BLANK
    if isinstance(value, str) and len(value) == length and value.isascii() and value.isdigit():
        return Cell(value)
    if isinstance(value, (bool, dt.date, dt.time, dt.timedelta)):
        return Cell(None, ("HID_MISSING.invalid",), detail="不是编号")
    raw = plain_text(value)
    text = squeeze(_unwrapped(value))
    if isinstance(value, float) and (not value.is_integer() or abs(value) >= 1e15):
        return Cell(None, ("HID_MISSING.invalid",), detail="被存成数字，末几位已丢失")
    if not text or says_nothing(text):
        return Cell(None, ("HID_MISSING",))
    if _SCIENTIFIC.fullmatch(text):
        return Cell(None, ("HID_MISSING.invalid",), detail="被存成数字，末几位已丢失")
    bare = re.sub(r"\.0+$", "", re.sub(r"[-'’‘\"“”]", "", text))
    if not (bare.isascii() and bare.isdigit()) or len(bare) > length or has_mark(raw):
        return Cell(None, ("HID_MISSING.invalid",), detail=f"应为{length}位数字")
    padded = bare.zfill(length)
    if len(bare) == length:
        return Cell(bare, ("HID_PADDED.cleaned",) if bare != raw else (), bare)
    if prefix and padded.startswith(prefix) and not bare.startswith("0") and len(bare) == length - len(prefix) + len(prefix.lstrip("0")):
        return Cell(padded, ("HID_PADDED",), padded)
    return Cell(None, ("HID_MISSING.invalid",), detail=f"应为{length}位，实为{len(bare)}位")


def parse_name(value: Any, *, numbered: bool = False) -> Cell:
    """A person's name (姓名): spaces and invisible characters go, everything doubtful is named and left. ``numbered``: a digit may stand behind it."""
    if is_blank(value):
        return BLANK
    if not isinstance(value, str):
        return Cell(plain_text(value), ("NAME_CHARS",))
    words = vocabulary()
    if says_nothing(squeeze(value)) or value in words.raw["unknown_words"]:
        return Cell(None, ("BLANK_KEY",), detail=f"写作“{value}”")
    if value in words.official or value in words.raw["total_words"] or NOTE_WORDS.search(value):
        return Cell(value, ("NAME_NOTE",))
    if len(value) <= 20 and _PLAIN_NAME.fullmatch(value) and (numbered or not value[-1].isdigit()):
        return Cell(value) if len(value) > 1 else Cell(value, ("NAME_LOST_CHAR",))
    if _PRIVATE.search(value):
        found = "、".join(f"U+{ord(char):04X}" for char in _PRIVATE.findall(value))
        return Cell(value, ("NAME_PUA",), detail=found)
    text = "".join(char if re.match(HAN, char) else unicodedata.normalize("NFKC", char) for char in value)
    clean = BLANKS.sub(" ", text).strip()
    clean = re.sub(f"(?<={HAN}) +(?={HAN})| *· *", lambda match: "·" if "·" in match.group() else "", clean)
    clean = _DOTS.sub("·", clean)
    if re.search("[(\\[【《{].*[)\\]】》}]", clean) and re.search(HAN, clean) and not re.search(r"[<>=;:/\\&$]|alert", clean):
        return Cell(value, ("NAME_NOTE",))
    if re.search(f"{HAN}[、,，;/]{HAN}", clean):
        return Cell(value, ("NAME_NOTE",))
    if _LOST.search(clean) and not re.search(r"[<>=;:/\\&(){}$@%]", clean):
        return Cell(value, ("NAME_LOST_CHAR",))
    if _BAD_NAME.search(clean) or re.search(r"[<>&\"'`=]|[\u0000-\u001f]", value.strip()) or not re.search(f"{HAN}|[A-Za-z]", clean):
        return Cell(value, ("NAME_CHARS",))
    if not (_ANY_NAME.fullmatch(clean) or (numbered and re.fullmatch(f"{HAN}+\\d", clean))) or len(clean) > (20 if re.match(HAN, clean) else 40):
        return Cell(value, ("NAME_CHARS",))
    return Cell(clean, ("NAME_CLEANED",), clean) if clean != value else Cell(value)


def parse_phone(value: Any) -> Cell:
    """A telephone number as text (联系电话), as it stands."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return Cell(value)
    return BLANK if is_blank(value) else Cell(squeeze(plain_text(value)))


def parse_township(value: Any, *, names: Iterable[str], former: Iterable[str], county: str = "临武县") -> Cell:
    """A township by its official name (乡镇): the name without its last word or with the county before it is certain, anything else is left."""
    if is_blank(value):
        return BLANK
    text = squeeze(plain_text(value))
    if isinstance(value, str) and value in names:
        return Cell(value)
    if isinstance(value, str) and value in former:
        return Cell(value, ("TOWNSHIP_ALIAS.former",))
    if text in ("〃", "\"", "''", "同上", "々") or says_nothing(text):
        return Cell(None, ("BLANK_KEY",), detail=f"写作“{text}”")
    short = re.sub(f"^(?:湖南省)?(?:郴州市)?{county}", "", text)
    for name in (*names, *former):
        stem = re.sub(r"(?:瑶族乡|乡|镇)$", "", name)
        if short in (name, stem) or (name.endswith("瑶族乡") and short == f"{stem}乡"):
            return Cell(name, ("TOWNSHIP_ALIAS",), name)
    return Cell(text, ("TOWNSHIP_ALIAS.unknown",))


def parse_village(value: Any) -> Cell:
    """A village's name (行政村) without spaces; whether there is such a village is seen from the whole ledger."""
    if is_blank(value):
        return BLANK
    text = squeeze(plain_text(value))
    if text in ("〃", "\"", "''", "同上", "々") or says_nothing(text):
        return Cell(None, ("BLANK_KEY",), detail=f"写作“{text}”")
    return Cell(text)
