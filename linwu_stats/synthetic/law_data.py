"""The packaged law as plain data (规则数据): headings, signs, prices and lines, read from the YAML files without the package's own reader.

The truth table must share no code with ``rules`` and ``income``; what it shares is the data.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

__all__ = ["read_law"]

LAW = Path(__file__).parent.parent / "law"


def read_law(day: dt.date = dt.date(2018, 3, 31)) -> dict[str, Any]:
    """Items, prices and poverty lines in force on a day.

    Gives ``items`` (key -> value of the rule), ``price_fen`` (key -> fen per unit), ``headings`` (key -> Chinese heading) and ``line_fen``
    (year -> fen per person and year of the central working line).
    """
    items, prices = {}, {}
    for entry in _entries("income_items.yaml"):
        value = _value_on(entry, day)
        if value is None:
            continue
        if entry["key"].startswith("item."):
            items[entry["key"]] = value
        elif entry["key"].startswith("price."):
            prices[entry["key"]] = int((Decimal(str(value)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    lines = {
        dated["from"].year: int(Decimal(str(dated["value"])) * 100)
        for entry in _entries("poverty_lines.yaml")
        if entry["key"] == "line.central_work"
        for dated in entry["values"]
    }
    headings = {key: value["heading"] for key, value in items.items()}
    return {"items": items, "price_fen": prices, "headings": headings, "line_fen": lines}


def _entries(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((LAW / name).read_text(encoding="utf-8"))


def _value_on(entry: dict[str, Any], day: dt.date) -> Any:
    for dated in entry["values"]:
        if dated["from"] <= day and (dated.get("to") is None or day <= dated["to"]):
            return dated["value"]
    return None
