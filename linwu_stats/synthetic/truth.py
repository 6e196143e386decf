"""The true answers (真值): net income of every household, worked out by slow plain loops from the written lines and the law as data.

Nothing here is shared with ``income``: no frames, no joins, one line after the other as with a pencil.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from linwu_stats.synthetic.dates import QUARTERS

__all__ = ["line_value_fen", "net_of_lines", "periods_at", "true_incomes"]


def true_incomes(county: Any, quarter: str) -> pd.DataFrame:
    """True net income of every household on the register in a quarter (真实纯收入), by the head count of the register (登记在册人口).

    Takes a county of ``make_county`` and one of its quarters. Gives household_id, period (``quarter``; ``ytd``: October to the end of the quarter;
    ``last4``; ``year``: the last complete accounting year), net_fen, headcount_persons, percapita_fen (half up to the fen) and ``known``: false
    where a line that counts has no amount, where the household has no line in one of the quarters, or where the sample has no such quarter.
    """
    place = QUARTERS.index(quarter)
    books: dict[str, dict[int, list[Any]]] = {}
    for at in range(place + 1):
        for line in county.lines[at]:
            books.setdefault(line[0], {}).setdefault(at, []).append(line)
    rows = []
    for household in county.households:
        if not household.there(place):
            continue
        heads = 0
        for person in household.members:
            if person.there(place):
                heads += 1
        for period, places in periods_at(place).items():
            net = 0
            known = True
            for at in places:
                lines = books.get(household.household_id, {}).get(at, [])
                part = net_of_lines(lines, county.law) if lines else None
                if part is None:
                    known = False
                else:
                    net += part
            percapita = _half_up(net, heads) if known and heads else None
            rows.append((household.household_id, period, net if known else None, heads, percapita, known))
    frame = pd.DataFrame(rows, columns=["household_id", "period", "net_fen", "headcount_persons", "percapita_fen", "known"])
    whole = dict.fromkeys(("net_fen", "headcount_persons", "percapita_fen"), "Int64")
    return frame.astype({"household_id": "string", "period": "string", "known": "bool", **whole})


def periods_at(place: int) -> dict[str, list[int]]:
    """Places of the quarters that each period takes at a quarter; a negative place is a quarter that the sample does not have."""
    since_october = (place % 4) + 1
    first = place - since_october + 1
    year_end = place if since_october == 4 else first - 1
    return {
        "quarter": [place], "ytd": list(range(first, place + 1)), "last4": list(range(place - 3, place + 1)),
        "year": list(range(year_end - 3, year_end + 1)),
    }


def net_of_lines(lines: list[Any], law: dict[str, Any]) -> int | None:
    """Net income of some lines in fen; None where one that counts is unknown. A line is (household, item, in kind, fen, thousandths, price fen, note)."""
    net = 0
    for line in lines:
        rule = law["items"][line[1]]
        if rule["counted"] is not True:
            continue
        value = line_value_fen(line, law)
        if value is None:
            return None
        net = net + value if rule["sign"] == 1 else net - value
    return net


def line_value_fen(line: Any, law: dict[str, Any]) -> int | None:
    """Value of one line: in kind the quantity at the rule's price, half up to the fen; else the amount as written; None where it is blank."""
    _, key, in_kind, amount, thousandths, _, _ = line
    price = law["items"][key].get("in_kind_price")
    if in_kind and price:
        if thousandths is None:
            return None
        return _half_up(thousandths * law["price_fen"][price], 1000)
    return amount


def _half_up(number: int, parts: int) -> int:
    """Whole part of number / parts, halves away from zero."""
    if number < 0:
        return -((-2 * number + parts) // (2 * parts))
    return (2 * number + parts) // (2 * parts)
