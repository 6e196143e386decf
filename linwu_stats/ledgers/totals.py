"""Total rows against the ledger's own sums (合计行), and how amounts are compared and shown."""

from __future__ import annotations

from linwu_stats.ledgers.cells import MICRO, is_blank, parse_number, plain_text
from linwu_stats.ledgers.outcome import Finding, finding
from linwu_stats.ledgers.values import Parsed
from linwu_stats.ledgers.vocabulary import vocabulary

__all__ = ["CENT", "check_totals", "slack", "yuan"]

CENT = 10_000


def check_totals(parsed: Parsed) -> None:
    """Total rows: taken out of the data, and compared with the ledger's own sums where every cell of the column is known (合计行)."""
    grid = parsed.grid
    position = {row: place for place, row in enumerate(grid.data)}
    for row, scope, subtotal in grid.totals:
        label = next((plain_text(value).strip() for value in grid.sheet.rows[row] if isinstance(value, str) and not is_blank(value)), "未注明")
        spans = [list(range(len(grid.data))), [position[index] for index in scope], [place for place, index in enumerate(grid.data) if index < row]]
        if subtotal:
            spans[:2] = spans[1::-1]
        tried = [] if "均" in label else [_compare_total(parsed, row, places) for places in spans if places]
        tried = [result for result in tried if result[0]] if tried and tried[0][0] else tried[:1]
        checked, mismatches = min(tried, key=lambda result: len(result[1]), default=(0, []))
        place = next((column for column, value in enumerate(grid.sheet.rows[row]) if not is_blank(value)), 0)
        detail = f"，与逐户相加核对了{checked}列{'，有不符' if mismatches else '，相符'}" if checked else ""
        grid.log.append(finding("TOTAL_ROW", sheet=grid.sheet.name, cell=grid.sheet.cell(row, place), row=grid.sheet.number(row), value=label, detail=detail))
        grid.log.extend(mismatches)


def _compare_total(parsed: Parsed, row: int, places: list[int]) -> tuple[int, list[Finding]]:
    """How many columns of a total row could be compared with the sum over these data rows, and a finding for each that differs."""
    grid, words, checked = parsed.grid, vocabulary().fields, 0
    mismatches: list[Finding] = []
    for name, heading in grid.header.fields.items():
        if name not in parsed.values or words[name].type not in ("money", "size", "count") or name == "percapita_fen":
            continue
        parts = [parsed.values[name][place] for place in places]
        raw, money = grid.sheet.rows[row][heading.column], words[name].type == "money"
        cell = parse_number(raw, factor=_column_factor(parsed, name), money=money, signed=True, derived=True, typed=False)
        if cell.value is None or None in parts:
            continue
        total = sum(parts) * (1 if money else MICRO)
        checked += 1
        if abs(total - cell.value) > (slack(parsed) * len(parts) if parsed.factor > 1 else CENT + 100):
            mismatches.append(finding(
                "TOTAL_MISMATCH", sheet=grid.sheet.name, cell=grid.sheet.cell(row, heading.column), row=grid.sheet.number(row), column=heading.label,
                value=yuan(cell.value), new=yuan(total)))
    return checked, mismatches


def _column_factor(parsed: Parsed, name: str) -> int:
    heading = parsed.heading(name)
    return (heading.factor or parsed.factor) if vocabulary().fields[name].type == "money" else 1


def slack(parsed: Parsed) -> int:
    """How far two sums may lie apart (容差): one fen; where the ledger is in 万元 the rounding of its last shown digit."""
    return CENT + 100 if parsed.factor == 1 else CENT * max(parsed.factor // 10, 10)


def yuan(micro: int) -> str:
    """Millionths of a yuan as text in yuan, without idle zeros (元)."""
    return f"{micro / MICRO:.4f}".rstrip("0").rstrip(".")
