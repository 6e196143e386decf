"""Seeded draws (随机抽取): the same seed gives the same county on every machine.

Only ``random.Random.random`` is used, whose sequence Python promises to keep for a given seed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

__all__ = ["Draw", "apportion"]

T = TypeVar("T")


class Draw:
    """A stream of draws named by its parts (一串随机数), so that one household does not depend on how many draws another used."""

    def __init__(self, *parts: object):
        self.next = random.Random("/".join(str(part) for part in parts)).random

    def chance(self, share: float) -> bool:
        """Whether an event of this probability happens."""
        return self.next() < share

    def between(self, low: float, high: float) -> float:
        """A number of the interval."""
        return low + (high - low) * self.next()

    def whole(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both included; ``low`` where the range is empty."""
        return low + int((high - low + 1) * self.next()) if high > low else low

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(len(options) * self.next())]

    def weighted(self, weights: Mapping[T, float]) -> T:
        """One of the keys, by weight."""
        mark = self.next() * sum(weights.values())
        for option, weight in weights.items():
            mark -= weight
            if mark < 0:
                return option
        return option

    def normal(self) -> float:
        """Nearly standard normal: four uniforms, so that no draw lies beyond 3.5."""
        return (self.next() + self.next() + self.next() + self.next() - 2) * math.sqrt(3)

    def shuffled(self, options: Sequence[T]) -> list[T]:
        """A copy in another order."""
        marked = [(self.next(), place) for place in range(len(options))]
        return [options[place] for _, place in sorted(marked)]


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Share a whole total by weights (最大余数法): whole parts that add up to it exactly."""
    scale = total / sum(weights)
    parts = [int(weight * scale) for weight in weights]
    order = sorted(range(len(weights)), key=lambda place: (parts[place] - weights[place] * scale, place))
    for place in order[: total - sum(parts)]:
        parts[place] += 1
    return parts
