"""The Chinese font of figures and pages (中文字体).

The font file, Noto Sans SC with its Open Font License, comes inside the distribution ``zhplot``; the file alone is used, the package is not
imported. Figures take the whole font; a page carries the part of it that the page's own characters need, so that it reads on a machine without
any Chinese font.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.util
import io
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

__all__ = [
    "FAMILY", "FontError", "characters_missing", "chinese_font_file", "common_characters",
    "font_face", "house_characters", "kept_in", "use_chinese_font",
]

#: Name of the family inside the font file.
FAMILY = "Noto Sans SC"

_PACKAGE = "zhplot"
_FILE = "NotoSansSC-Regular.ttf"

#: Tables of the font that plain horizontal text on a page does not use.
_UNUSED = ["BASE", "DSIG", "GDEF", "GPOS", "GSUB", "STAT", "VORG", "gasp", "prep", "vhea", "vmtx"]


#: Folders of caches, the last one in use.
_KEPT_IN: list[str] = [""]


class FontError(RuntimeError):
    """The Chinese font cannot be found (找不到中文字体)."""


@lru_cache(maxsize=1)
def chinese_font_file() -> Path:
    """Path of the Chinese font file (中文字体文件), found without importing the package that carries it.

    Raises :class:`FontError` that says which distribution to install.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / "fonts" / _FILE
        if file.is_file():
            return file
    raise FontError(f"Chinese font {_FILE} not found (找不到中文字体): install the distribution that carries it, `pip install {_PACKAGE}`, and run again")


def use_chinese_font() -> None:
    """Make Matplotlib draw Chinese, the same bytes every time (图中文字用中文字体).

    Sets the family with a fallback for each glyph, the plain minus sign, and a fixed salt for the ids of SVG files. May be called again.
    """
    import matplotlib as mpl
    from matplotlib import font_manager

    file = chinese_font_file()
    if not any(entry.fname == str(file) for entry in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(str(file))
    mpl.rcParams["font.family"] = [FAMILY, "DejaVu Sans"]
    mpl.rcParams["axes.unicode_minus"] = False
    mpl.rcParams["svg.hashsalt"] = "linwu_stats"


def font_face(text: str, common: str = "") -> str:
    """CSS ``@font-face`` with the glyphs of ``text`` inside (页面内嵌字体).

    Takes any text; its distinct characters count, not their order. ``common``: characters that the pages of a run share; they are cut once and every page
    carries the same part, and what ``text`` has beyond them in a second one. Gives WOFF2 where the brotli library is there, else WOFF. Characters that the
    font does not have are left to the fonts of the reader's machine.
    """
    shared = set(common) and set(common) | set(map(chr, range(0x20, 0x7F)))
    own = set(text) - shared if shared else set(text) | set(map(chr, range(0x20, 0x7F)))
    own = {one for one in own if ord(one) in _known_characters()}
    faces = [("linwu", shared), ("linwu-more", own)] if shared else [("linwu", own)]
    return "".join(_font_face("".join(sorted(part)), family) for family, part in faces if part)


@contextlib.contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """Keep cut fonts in a folder while this lasts (字体缓存), as ``LINWU_CACHE`` does for a whole process."""
    _KEPT_IN.append(str(folder))
    try:
        yield
    finally:
        _KEPT_IN.pop()


@lru_cache(maxsize=1)
def house_characters() -> str:
    """The characters of the package's own words (本程序用字): law, tables, pages and templates."""
    root = Path(__file__).parents[1]
    paths = [*(root / "law").glob("*.yaml"), *(root / "tables").glob("*.py"), *(root / "publish").rglob("*.py"), *(root / "publish").rglob("*.j2")]
    found = {one for path in paths for one in path.read_text(encoding="utf-8") if ord(one) > 0x7F and ord(one) in _known_characters()}
    return "".join(sorted(found))


def common_characters(*texts: str) -> str:
    """What pages of one run share (共用字): the characters of the package's own words and of ``texts``."""
    return "".join(sorted({*house_characters(), *"".join(texts)}))


def characters_missing(text: str) -> str:
    """The characters of ``text`` that the Chinese font cannot show (字体缺字), sorted; controls and spaces do not count."""
    known = _known_characters()
    return "".join(sorted(char for char in set(text) if ord(char) not in known and char.isprintable() and not char.isspace()))


@lru_cache(maxsize=64)
def _font_face(characters: str, family: str) -> str:
    """Kept in the workspace's cache where a batch names one: a page whose characters are the same needs no subset anew."""
    from fontTools import version

    folder = _KEPT_IN[-1] or os.environ.get("LINWU_CACHE")
    if not folder:
        return _cut(characters, family)
    known = f"{version} {importlib.util.find_spec('brotli') is not None} {chinese_font_file().stat().st_size} {family} {characters}"
    kept = Path(folder) / "fonts" / f"{hashlib.sha256(known.encode('utf-8')).hexdigest()[:32]}.css"
    if kept.is_file():
        text = kept.read_text(encoding="ascii")
        if text.startswith("@font-face{") and text.endswith("}"):
            return text
    text = _cut(characters, family)
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_text(text, encoding="ascii")
        part.replace(kept)
    return text


def _cut(characters: str, family: str) -> str:
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTFont

    flavor = "woff2" if importlib.util.find_spec("brotli") else "woff"
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.drop_tables += _UNUSED
    options.name_IDs = [0, 1, 2, 13, 14]  # copyright and licence stay with the font
    font = TTFont(io.BytesIO(_font_bytes()), lazy=True, recalcTimestamp=False)
    subsetter = Subsetter(options)
    subsetter.populate(text=characters)
    subsetter.subset(font)
    font.flavor = flavor
    buffer = io.BytesIO()
    font.save(buffer)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'@font-face{{font-family:"{family}";src:url(data:font/{flavor};base64,{data}) format("{flavor}");font-display:block}}'


@lru_cache(maxsize=1)
def _font_bytes() -> bytes:
    return chinese_font_file().read_bytes()


@lru_cache(maxsize=1)
def _known_characters() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    return frozenset(TTFont(io.BytesIO(_font_bytes()), lazy=True).getBestCmap())
