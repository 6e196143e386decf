"""What a page has read of a quarter, and whether that changed since (页面读过的数据): the ground on which a page may be kept.

A page's functions read through :mod:`linwu_stats.publish.facts`, by area, or take a whole table from the quarter. Both are noted while a page is made: the
rows of an area of a joined table, or a table as a whole. A page that reads a whole table depends on all of it; whoever adds a page function need not think
of this. What was noted is digested, and where each digest is still the same, functions that are given the same give the same.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from linwu_stats.quarter import Quarter

__all__ = ["WatchedQuarter", "digests", "note_all", "note_part", "paused", "recorded", "replayed"]

#: Properties that a page's own key holds already, or that say nothing of the data.
_HARMLESS = {"quarter", "home", "folder", "is_sample", "rules", "line_years", "is_current", "previous", "year_ago"}

#: Where notes go; None while no page is made.
_SEEN: set[str] | None = None

#: Whether there is a quarter before and a year before is a fact of its own; so is each digest of a whole table, once a quarter.
_DIGESTS: WeakKeyDictionary[Any, dict[str, Any]] = WeakKeyDictionary()


class WatchedQuarter(Quarter):
    """A quarter that notes what is taken from it whole (被记录的季度); its relatives are watched too."""

    def __getattribute__(self, name: str) -> Any:
        if _SEEN is not None and not name.startswith("_"):
            if name in ("previous", "year_ago"):
                _note(self, "has", name)
            else:
                if name not in _HARMLESS:
                    _note(self, "whole", name)
                with paused():  # a property that is worked out from others is noted by its own value, or not at all
                    return super().__getattribute__(name)
        return super().__getattribute__(name)

    def is_current(self) -> bool:
        """As of any quarter; a page learns nothing of the data by it."""
        with paused():
            return super().is_current()


@contextlib.contextmanager
def recorded() -> Iterator[set[str]]:
    """Note all that is read inside (记录)."""
    global _SEEN  # noqa: PLW0603  one page is made at a time
    before, _SEEN = _SEEN, set()
    try:
        yield _SEEN
    finally:
        _SEEN = before


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Note nothing inside: what is made there for all areas is noted by the rows that are taken from it (暂停记录)."""
    global _SEEN  # noqa: PLW0603
    before, _SEEN = _SEEN, None
    try:
        yield
    finally:
        _SEEN = before


def note_part(q: Any, name: str, area: str) -> None:
    """Note that the rows of an area of a joined table were taken (记录一个地区的行)."""
    if _SEEN is not None:
        _note(q, "part", f"{name}@{area}")


def note_all(notes: Iterable[str]) -> None:
    """Note again what was noted when a kept value was made (重记)."""
    if _SEEN is not None:
        _SEEN.update(notes)


def digests(q: Any, notes: Iterable[str], part: Callable[[Any, str, str], Any]) -> dict[str, str]:
    """The digest of each note (各项摘要), from the quarter and its relatives as they are now.

    ``part(q, name, area)`` gives positions and the joined table. A note that cannot be followed any more has the digest "".
    """
    with paused():
        return {note: _digest_of(q, note, part) for note in dict.fromkeys(notes)}


def replayed(q: Any, before: Iterable[tuple[str, str]], now: dict[str, str], part: Callable[[Any, str, str], Any]) -> bool:
    """Whether everything that was noted is still the same (是否未变); ``now`` keeps digests from one page to the next."""
    for note, digest in before:
        if note not in now:
            now |= digests(q, [note], part)
        if not digest or now[note] != digest:
            return False
    return True


def _note(q: Any, kind: str, name: str) -> None:
    if _SEEN is not None:
        _SEEN.add(f"{object.__getattribute__(q, 'quarter')} {kind} {name}")


def _digest_of(q: Any, note: str, part: Callable[[Any, str, str], Any]) -> str:
    quarter, kind, name = note.split(" ", 2)
    other = _relative(q, quarter)
    if other is None:
        return ""
    if kind == "has":
        relative = getattr(other, name)
        return "none" if relative is None else relative.quarter
    if kind == "whole":
        value = getattr(other, name)
        if callable(value):  # a method may read anything, also of quarters that are not relatives
            return ""
        kept = _DIGESTS.setdefault(other, {})
        if name not in kept:
            kept[name] = _digest(value)
        return kept[name]
    table, area = name.rsplit("@", 1)
    rows, whole = part(other, table, area)
    hashes = _row_hashes(other, table, whole)
    return hashlib.sha256((hashes if rows is None else hashes[rows]).tobytes()).hexdigest()[:32]


def _relative(q: Any, quarter: str) -> Any:
    """A quarter of the family by name; the family holds what can be reached by ``previous`` and ``year_ago``."""
    if q.quarter == quarter:
        return q
    waiting, known = [q], set()
    while waiting:
        one = waiting.pop()
        if one is None or one.quarter in known or one.quarter < quarter:
            continue
        if one.quarter == quarter:
            return one
        known.add(one.quarter)
        waiting += [one.previous, one.year_ago]
    return None


def _row_hashes(q: Any, table: str, whole: pd.DataFrame) -> Any:
    kept = _DIGESTS.setdefault(q, {})
    if ("rows", table) not in kept:
        head = hashlib.sha256(repr([(str(name), str(kind)) for name, kind in whole.dtypes.items()]).encode("utf-8"))
        seed = int.from_bytes(head.digest()[:8], "big")
        kept["rows", table] = _hash_rows(whole) ^ seed  # other columns or types are other rows
    return kept["rows", table]


def _hash_rows(frame: pd.DataFrame) -> Any:
    """A hash for each row. A column of mixed objects is hashed by what it shows together with the types that stand in it."""
    import numpy as np

    try:
        return pd.util.hash_pandas_object(frame, index=False).to_numpy()
    except TypeError:
        plain = frame.astype(object)
        rows = [hashlib.sha256(repr([(type(value).__name__, value) for value in row]).encode("utf-8")).digest()[:8] for row in plain.itertuples(index=False)]
        return np.frombuffer(b"".join(rows), dtype="uint64").copy()


def _digest(value: Any) -> str:
    if isinstance(value, pd.DataFrame):
        text = repr([(str(name), str(kind)) for name, kind in value.dtypes.items()]) + repr(len(value))
        return hashlib.sha256(text.encode("utf-8") + _hash_rows(value).tobytes()).hexdigest()[:32]
    return hashlib.sha256(repr(value).encode("utf-8")).hexdigest()[:32]
