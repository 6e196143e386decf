"""Invented names and identity numbers (虚构的姓名和证件号码).

The area code 431099 belongs to no county, so no number here can be a real person's; the check digit is that of GB 11643.
"""

from __future__ import annotations

import datetime as dt

from linwu_stats.synthetic.draw import Draw

__all__ = ["AREA_CODE", "Numbers", "check_digit", "invent_name", "invent_surname"]

AREA_CODE = "431099"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
DIGITS = "10X98765432"

SURNAMES = "李王刘陈邓唐黄周曾雷郭蒋何罗胡谢肖曹骆卢文龙彭邝欧尹段蔡朱廖"
MALE = "建国志强伟明华军勇光辉文斌德贵永福祥玉林春生海涛小龙水旺石保忠义平安"
FEMALE = "秀英桂兰玉梅春花翠莲丽芳红艳凤娇小燕爱华香云美珍雪琴素满贞蓉巧慧"


def check_digit(body: str) -> str:
    """Check digit of the first 17 digits (GB 11643-1999 校验码)."""
    return DIGITS[sum(weight * int(digit) for weight, digit in zip(WEIGHTS, body, strict=True)) % 11]


def invent_surname(draw: Draw) -> str:
    """A surname (姓)."""
    return draw.pick(SURNAMES)


def invent_name(draw: Draw, sex: str, surname: str) -> str:
    """A name of two or three characters (姓名)."""
    given = MALE if sex == "male" else FEMALE
    return surname + draw.pick(given) + (draw.pick(given) if draw.chance(0.75) else "")


class Numbers:
    """Hands out identity numbers (证件号码), each once: digit 17 is odd for men, even for women."""

    def __init__(self) -> None:
        self._given: dict[tuple[dt.date, str], int] = {}

    def give(self, birth: dt.date, sex: str) -> str:
        """The next number of this birth date and sex."""
        turn = self._given.get((birth, sex), 0)
        self._given[birth, sex] = turn + 1
        body = f"{AREA_CODE}{birth:%Y%m%d}{2 * turn + (1 if sex == 'male' else 2):03d}"
        return body + check_digit(body)
