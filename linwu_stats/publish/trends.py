"""The course of a number over the last quarters (走势): its changes in words, its points, and a line small enough to stand beside the number.

Points come from :mod:`linwu_stats.publish.facts`, as all numbers of a page do. An unknown quarter is a gap in the line, never a zero, and a quarter whose value
may not be compared with this one's has none. The picture is SVG inside the page: no file, no script, the same bytes from the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from linwu_stats.publish import facts, words
from linwu_stats.publish.tables_html import format_value

__all__ = ["QUARTERS", "change", "changes", "histories", "history", "sparkline"]

#: Quarters that a trend shows, this one last: a year and the quarter before it, and one to see the turn.
QUARTERS = 6

#: A line through fewer known points is no trend.
_LEAST = 3

_WIDTH, _HEIGHT, _EDGE = 112, 30, 4


def changes(q: Any, area: str, name: str) -> tuple[tuple[str, str], ...]:
    """How one of ``facts.MEASURES`` changed on the previous quarter and on the same quarter a year ago (比上季、比上年同季): label and words."""
    measure, now = facts.MEASURES[name], facts.measure(q, area, name)
    return tuple(
        (
            f"比{term}",
            f"—（{why}）" if (why := problem or facts.not_comparable(q, other, name)) else change(measure, now, facts.measure(other, area, name), term),
        )
        for term, problem, other in facts.earlier_quarters(q, area)
    )


def change(measure: facts.Measure, now: facts.Value, before: facts.Value, term: str) -> str:
    """Difference in words (变动): money with its percentage, rates in points; a dash and the reason where one side is unknown."""
    if now.value is None or before.value is None:
        side = "本季" if now.value is None else term
        reason = words.reasons((now if now.value is None else before).reason_code or "register_unknown")
        return f"—（{side}未知：{reason}）"
    difference = now.value - before.value
    text = format_value(difference, measure.kind, signed=True)
    if measure.kind == "percent":
        return f"{text} 个百分点"
    if measure.unit == "元" and before.value > 0:
        return f"{text} 元（{format_value(difference / before.value, 'percent', signed=True)}%）"
    return f"{text} {measure.unit}".strip()


def history(q: Any, area: str, name: str) -> list[tuple[str, float | None]]:
    """One of ``facts.MEASURES`` over the last quarters, oldest first (历季数值); None where it is unknown, not comparable, or the area was not there."""
    points: list[tuple[str, float | None]] = []
    other = q
    while other is not None and len(points) < QUARTERS:
        known = area in other.area_names and not facts.not_comparable(q, other, name)
        value = facts.measure(other, area, name).value if known else None
        points.insert(0, (other.quarter, None if value is None else float(value)))
        other = other.previous
    return points


def histories(q: Any, areas: Iterable[str], indicator: str, period: str) -> dict[str, list[tuple[str, float | None]]]:
    """An indicator of several areas over the last quarters (各地区历季数值), from the whole table at once: for a page that shows all areas anyway."""
    courses: dict[str, list[tuple[str, float | None]]] = {area: [] for area in areas}
    other, count = q, 0
    while other is not None and count < QUARTERS:
        table = other.indicators
        rows = table[(table["indicator"] == indicator) & (table["period"] == period) & (table["group_kind"] == "all") & (table["group_value"] == "all")]
        values = {area: None if pd.isna(value) else float(value) for area, value in zip(rows["area_code"], rows["value"], strict=True)}
        for area, course in courses.items():
            course.insert(0, (other.quarter, values.get(area)))
        other, count = other.previous, count + 1
    return courses


def sparkline(
    points: Sequence[tuple[str, float | None]], kind: str, unit: str = "", *, bounds: tuple[float, float] | None = None, reference: float | None = None
) -> Markup:
    """A small line of the points (走势线) as SVG whose title says every value; nothing where fewer than three are known.

    ``kind`` and ``unit`` are those of a number on the page; ``bounds``: least and greatest value of the scale, so that several lines compare; by default
    those of the points. ``reference``: a value drawn as a dashed line across.
    """
    known = [value for _, value in points if value is not None]
    if len(known) < _LEAST:
        return Markup()
    low, high = bounds or (min(known), max(known))
    places = [None if value is None else (_across(at, len(points)), _up(value, low, high)) for at, (_, value) in enumerate(points)]
    said = "，".join(f"{quarter} {format_value(value, kind)}" for quarter, value in points)
    parts = [_line(piece) for piece in _pieces(places)]
    if reference is not None and low <= reference <= high:
        level = _up(reference, low, high)
        parts.insert(0, Markup('<line x1="0" x2="{}" y1="{}" y2="{}"/>').format(_WIDTH, level, level))
    if places[-1] is not None:
        parts.append(Markup('<circle class="now" cx="{}" cy="{}" r="2.6"/>').format(*places[-1]))
    return Markup('<svg class="spark" role="img" viewBox="0 0 {} {}" width="{}" height="{}"><title>{}</title>{}</svg>').format(
        _WIDTH, _HEIGHT, _WIDTH, _HEIGHT, f"近{len(points)}季{f'（{unit}）' if unit else ''}：{said}", Markup().join(parts)
    )


def _line(piece: Sequence[tuple[float, float]]) -> Markup:
    if len(piece) == 1:
        return Markup('<circle cx="{}" cy="{}" r="1.2"/>').format(*piece[0])
    return Markup('<polyline points="{}"/>').format(" ".join(f"{x},{y}" for x, y in piece))


def _across(at: int, count: int) -> float:
    return round(_EDGE + at * (_WIDTH - 2 * _EDGE) / max(count - 1, 1), 1)


def _up(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return round(_HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE), 1)


def _pieces(places: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Runs of known points: the line is broken where a quarter is unknown."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            pieces.append([])
        else:
            pieces[-1].append(place)
    return [piece for piece in pieces if piece]
