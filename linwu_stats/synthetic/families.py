"""Families: who lives in a household (家庭成员), by size, with ages and relations that fit together."""

from __future__ import annotations

from collections.abc import Callable

from linwu_stats.synthetic.draw import Draw

__all__ = ["OTHER_SEX", "Seat", "child_of", "seat_family"]

#: A seat in a family before it has a name: relation to the head, sex, age at the end of 2017.
Seat = tuple[str, str, int]

OTHER_SEX = {"male": "female", "female": "male"}
CHILD = {"male": "son", "female": "daughter"}
GRANDCHILD = {"male": "grandson", "female": "granddaughter"}
PARENT = {"male": "father", "female": "mother"}


def seat_family(size: int, draw: Draw) -> list[Seat]:
    """A family of the size (家庭结构): the head first, then spouse, children, parents, grandchildren."""
    seats = draw.weighted(SHAPES[min(size, 8)])(draw, size)
    assert len(seats) == size
    return seats


def child_of(mother_age: int, draw: Draw, oldest: int = 26) -> Seat:
    """A child of a mother of this age: she was 19 to 40 at the birth."""
    sex = "male" if draw.chance(0.53) else "female"
    return CHILD[sex], sex, draw.whole(max(0, mother_age - 40), max(0, min(oldest, mother_age - 19)))


def _alone(draw: Draw, size: int) -> list[Seat]:
    sex = "male" if draw.chance(0.72) else "female"
    return [("head", sex, draw.whole(62, 87) if draw.chance(0.62) else draw.whole(36, 61))]


def _couple(draw: Draw, low: int, high: int) -> list[Seat]:
    age = draw.whole(low, high)
    sex = "male" if draw.chance(0.93) else "female"
    other = age - draw.whole(-1, 6) if sex == "male" else age + draw.whole(-1, 5)
    return [("head", sex, age), ("spouse", OTHER_SEX[sex], max(21, other))]


def _mother_age(seats: list[Seat]) -> int:
    return min(age for relation, _, age in seats if relation in ("head", "spouse"))


def _parents(seats: list[Seat], draw: Draw, count: int) -> list[Seat]:
    age = seats[0][2]
    mother = ("mother", "female", min(95, age + draw.whole(20, 30)))
    father = ("father", "male", min(96, mother[2] + draw.whole(0, 5)))
    return [father, mother] if count == 2 else [mother if draw.chance(0.7) else father]


def _children(seats: list[Seat], draw: Draw, count: int) -> list[Seat]:
    mother = _mother_age(seats)
    found = [child_of(mother, draw) for _ in range(count)]
    found.sort(key=lambda seat: -seat[2])
    spaced: list[Seat] = []
    for relation, sex, drawn in found:
        age = drawn if not spaced else min(drawn, spaced[-1][2] - 1)
        spaced.append((relation, sex, age))
    lack = max(0, -spaced[-1][2])
    return [(relation, sex, age + lack) for relation, sex, age in spaced]


def _pair(children: int, parents: int, low: int = 29, high: int = 53) -> Callable[[Draw, int], list[Seat]]:
    """A couple with children and parents."""

    def seats(draw: Draw, size: int) -> list[Seat]:
        family = _couple(draw, low if children < 3 else max(low, 33), high)
        family += _children(family, draw, children) if children else []
        return family + (_parents(family, draw, parents) if parents else [])

    return seats


def _single_parent(draw: Draw, size: int) -> list[Seat]:
    sex = "male" if draw.chance(0.55) else "female"
    family = [("head", sex, draw.whole(33, 52))]
    return family + _children(family, draw, size - 1)


def _with_parent(draw: Draw, size: int) -> list[Seat]:
    family = [("head", "male" if draw.chance(0.9) else "female", draw.whole(38, 60))]
    return family + _parents(family, draw, 1)


def _elders(*relations: str) -> Callable[[Draw, int], list[Seat]]:
    """An elderly couple or widow(er) as head, with a grown son, his wife and grandchildren as named."""

    def seats(draw: Draw, size: int) -> list[Seat]:
        family = _couple(draw, 62, 79) if "spouse" in relations else [("head", "male" if draw.chance(0.6) else "female", draw.whole(61, 78))]
        mother = _mother_age(family)
        son_age = draw.whole(max(26, mother - 38), max(27, min(42, mother - 20)))
        if "son" in relations:
            family.append(("son", "male", son_age))
        if "daughter_in_law" in relations:
            family.append(("daughter_in_law", "female", max(22, son_age - draw.whole(-1, 5))))
        ages = sorted((draw.whole(0, max(1, min(16, son_age - 22))) for _ in range(relations.count("grandchild"))), reverse=True)
        for turn, age in enumerate(ages):
            sex = "male" if draw.chance(0.52) else "female"
            family.append((GRANDCHILD[sex], sex, age + (len(ages) - 1 - turn)))
        return family

    return seats


SHAPES: dict[int, dict[Callable[[Draw, int], list[Seat]], float]] = {
    1: {_alone: 1},
    2: {_elders("spouse"): 40, _with_parent: 28, _single_parent: 20, _elders("grandchild"): 12},
    3: {_pair(1, 0): 50, _pair(0, 1, 42, 58): 18, _elders("spouse", "son"): 17, _single_parent: 8, _elders("spouse", "grandchild"): 7},
    4: {
        _pair(2, 0): 53, _pair(1, 1): 27, _elders("spouse", "son", "daughter_in_law"): 9, _elders("spouse", "son", "grandchild"): 11,
    },
    5: {_pair(2, 1): 48, _pair(3, 0): 20, _pair(1, 2): 16, _elders("spouse", "son", "daughter_in_law", "grandchild"): 16},
    6: {_pair(2, 2): 54, _pair(3, 1): 25, _elders("spouse", "son", "daughter_in_law", "grandchild", "grandchild"): 21},
    7: {_pair(3, 2): 1},
    8: {_pair(4, 2): 1},
}
