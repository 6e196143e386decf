"""Whole columns at one glance (整列快检): whether every text of a large column is as it should be, so that none need be looked at alone.

Each function is stricter than the parser of one cell in :mod:`identity`: it may say no to a column that has nothing wrong, never yes to one that has.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import numpy as np

from linwu_stats.ledgers.identity import HAN, NOTE_WORDS, WEIGHTS, birth_trouble
from linwu_stats.ledgers.vocabulary import vocabulary

__all__ = ["quick_days", "quick_numbers", "sound_codes", "sound_id_numbers", "sound_names"]

_DAY = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])", re.ASCII)
_NUMBERS = re.compile(r"(?:\d{1,9}(?:\.\d{1,2})?,)+", re.ASCII)
_NAMES = re.compile(f"(?:{HAN}{{2,10}},)+")


def sound_codes(texts: Sequence[str], length: int) -> bool:
    """Whether all are codes of ``length`` digits (编号)."""
    whole = "".join(texts)
    return set(map(len, texts)) == {length} and whole.isascii() and whole.isdigit()


def sound_id_numbers(texts: Sequence[str]) -> bool:
    """Whether all are ID numbers with a possible birth date and the right check digit (身份证号)."""
    if set(map(len, texts)) != {18}:
        return False
    whole = "".join(texts)
    if not whole.isascii():
        return False
    table = np.frombuffer(whole.encode("ascii"), dtype=np.uint8).reshape(-1, 18)
    digits = table[:, :17].astype(np.int64) - ord("0")
    if ((digits < 0) | (digits > 9)).any():
        return False
    wanted = np.frombuffer(b"10X98765432", dtype=np.uint8)[(digits @ np.array(WEIGHTS)) % 11]
    if (wanted != table[:, 17]).any() or any(birth_trouble(birth) for birth in {text[6:14] for text in texts}):
        return False
    runs = (np.diff(digits[:, 6:], axis=1) == 0).astype(np.int64)
    in_a_row = np.lib.stride_tricks.sliding_window_view(runs, 6, axis=1).sum(axis=2)
    return not (in_a_row == 6).any()


def sound_names(texts: Sequence[str]) -> bool:
    """Whether all are names of two to ten Chinese characters with no word in them that belongs into a remark (姓名)."""
    whole = ",".join(texts) + ","
    words = vocabulary()
    if not _NAMES.fullmatch(whole) or NOTE_WORDS.search(whole):
        return False
    return not any(text in words.official or text in words.raw["total_words"] or text in words.raw["unknown_words"] for text in texts)


def quick_days(texts: Sequence[str]) -> dict[str, dt.datetime]:
    """The days of those texts that are ISO dates with a day that every month has (日期)."""
    days = [text for text in texts if _DAY.fullmatch(text)]
    return dict(zip(days, map(dt.datetime.fromisoformat, days), strict=True))


def quick_numbers(texts: Sequence[str], *, factor: int, limit: int | None) -> dict[str, int]:
    """Millionths of texts that are all plain numbers of at most two decimals and none beyond the limit (数字), else nothing.

    A number below 10^9 with two decimals is exact to the fen as a float, so that rounding gives the very number that is written.
    """
    if not _NUMBERS.fullmatch(",".join(texts) + ","):
        return {}
    fens = np.rint(np.array(list(map(float, texts))) * 100).astype(np.int64)
    if int(fens.max()) * factor > 100 * min(10**9, limit if limit is not None else 10**9):
        return {}
    return dict(zip(texts, (fens * (10_000 * factor)).tolist(), strict=True))
