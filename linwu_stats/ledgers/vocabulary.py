"""The words of the ledgers (台账用语): headings, units, kinds and terms from ``law/headings.yaml``, ready for look-up."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from linwu_stats.tables import CODES

__all__ = ["ROSTERS", "Field", "Vocabulary", "has_mark", "plain_heading", "says_nothing", "squeeze", "vocabulary"]

#: Kinds with one row per registered person and the household's values repeated on each: the system's export, the booklet, the household file.
ROSTERS = ("persons", "booklet", "household_file")
PATH = Path(__file__).parents[1] / "law" / "headings.yaml"
#: Spaces of all sorts, line breaks, and characters without width.
BLANKS = re.compile(
    "[\\s\u00a0\u3000\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u2064\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]+"
)
#: Only strokes and dots: written where nothing is to be written.
_STROKES = re.compile(r"[-\u2010-\u2015\u2212\uff0d~\uff5e/\\*.\u2026\u00b7\u3001_|]+")
_ESCAPED_BREAK = re.compile("_x000[dDaA9]_")


@dataclass(frozen=True)
class Field:
    """One field: its type, official heading, code list, bounds."""

    name: str
    type: str
    heading: str
    codes: str = ""
    maximum: int | None = None
    signed: bool = False
    derived: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Everything of ``headings.yaml``: ``fields`` by name, ``official`` and ``synonyms`` from heading to field name, and the rest as it stands."""

    fields: dict[str, Field]
    official: dict[str, str]
    synonyms: dict[str, str]
    kinds: dict[str, dict[str, Any]]
    money_units: dict[str, int]
    other_units: frozenset[str]
    raw: dict[str, Any]

    def terms(self, codes: str) -> tuple[dict[str, str], dict[str, str]]:
        """Terms of a code list: (official and other official spellings -> code, everyday words -> code)."""
        entry = self.raw["terms"].get(codes, {})
        return {term: code for code, term in CODES[codes].items()} | entry.get("also", {}), entry.get("synonyms", {})


def squeeze(text: str) -> str:
    """Text without spaces, breaks and invisible characters, full-width letters and digits made half-width (NFKC)."""
    return BLANKS.sub("", unicodedata.normalize("NFKC", _ESCAPED_BREAK.sub("", text)))


def has_mark(text: str) -> bool:
    """Whether a text holds a ringed, raised or Roman figure such as ① or ², which may be the mark of a footnote and is no digit (脚注符号)."""
    return not text.isascii() and any(unicodedata.category(char) in ("No", "Nl") and char != "〇" for char in text)


def says_nothing(text: str) -> bool:
    """Whether a squeezed text only says that nothing was entered: strokes, dots, 无, NULL and the like (无内容)."""
    return text in vocabulary().raw["nothing_words"] or _STROKES.fullmatch(text) is not None


def plain_heading(text: str) -> str:
    """A heading for look-up: squeezed, without a required mark at its ends."""
    return squeeze(text).strip("*＊:：★▲").replace("(必填)", "").replace("(选填)", "")


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Read ``law/headings.yaml`` once (读取台账用语). A heading that stands for two fields is an error of that file: ``ValueError`` names it."""
    raw = yaml.load(PATH.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    fields: dict[str, Field] = {}
    official: dict[str, str] = {}
    synonyms: dict[str, str] = {}
    for name, entry in raw["fields"].items():
        known = entry["headings"] + entry["synonyms"]
        fields[name] = Field(name, entry["type"], known[0], entry.get("codes", ""), entry.get("max"), entry.get("signed", False), entry.get("derived", False))
        for table, headings in ((official, entry["headings"]), (synonyms, entry["synonyms"])):
            for heading in headings:
                key = plain_heading(heading)
                taken = official.get(key) or synonyms.get(key)
                if taken:
                    raise ValueError(f"{PATH.name}: the heading {heading} stands for {taken} and {name} (表头重复)")
                table[key] = name
    units = raw["units"]
    return Vocabulary(fields, official, synonyms, raw["kinds"], units["money"], frozenset(squeeze(str(unit)) for unit in units["other"]), raw)
