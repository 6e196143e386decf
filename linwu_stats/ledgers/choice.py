"""Which sheets of a workbook are the ledger (选择工作表): by headings, visible ones only, never one of two that compete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from linwu_stats.ledgers.cells import is_blank, plain_text
from linwu_stats.ledgers.headers import Header, find_header, kind_of
from linwu_stats.ledgers.outcome import Finding, Refused, finding
from linwu_stats.ledgers.sheets import Book, Sheet
from linwu_stats.ledgers.vocabulary import squeeze

__all__ = ["Candidate", "Choice", "choose_sheets", "settle_competition"]

#: Kinds of which one household (or person) may have many rows, so that two sheets may share households.
MANY_ROWS = ("income_items",)


@dataclass(frozen=True)
class Candidate:
    """A sheet with the header and kind that it shows."""

    sheet: Sheet
    header: Header
    kind: str


@dataclass(frozen=True)
class Choice:
    """The sheets to read, all of one kind, the member lists beside them, and sheets of other kinds, those of one kind together."""

    main: list[Candidate]
    members: list[Candidate]
    others: list[list[Candidate]]


def choose_sheets(book: Book, log: list[Finding]) -> Choice:
    """Choose the sheets to read (选择工作表). Raises :class:`Refused`: EMPTY, NO_HEADER_FOUND, ENCODING, AMBIGUOUS_SHEETS, HIDDEN_SHEET.only."""
    filled = [sheet for sheet in book.sheets if _is_filled(sheet)]
    if not filled:
        raise Refused("EMPTY")
    ledgers = [(sheet, candidate) for sheet in filled if (candidate := _candidate(sheet)) is not None]
    visible = [candidate for sheet, candidate in ledgers if sheet.visible]
    _say_hidden(filled, ledgers, log, only=not visible)
    if not visible:
        raise _no_header(filled)
    members = [candidate for candidate in visible if candidate.kind == "members"]
    others = [candidate for candidate in visible if candidate.kind != "members"]
    if not others:
        others, members = members, []
    with_rows = [candidate for candidate in others if any(not is_blank(value) for row in _data(candidate) for value in row)] or others
    kind = with_rows[0].kind
    if any(candidate.kind == "income_sheet" for candidate in with_rows):  # a list of people without codes beside it is its member list
        people = [candidate for candidate in with_rows if candidate.kind == "persons" and "person_id" not in candidate.header.fields]
        members += [replace(candidate, kind="members") for candidate in people]
        with_rows = [candidate for candidate in with_rows if candidate not in people]
        kind = with_rows[0].kind
    main = [candidate for candidate in with_rows if candidate.kind == kind]
    kinds = dict.fromkeys(candidate.kind for candidate in with_rows if candidate.kind != kind)
    others = [[candidate for candidate in with_rows if candidate.kind == other] for other in kinds]
    main = settle_competition(main, log)
    _say_skipped(filled, main, members, [candidate.sheet.name for group in others for candidate in group], log)
    return Choice(main, members, others)


def _is_filled(sheet: Sheet) -> bool:
    return any(not is_blank(value) for row in sheet.rows for value in row)


def _candidate(sheet: Sheet) -> Candidate | None:
    header = find_header(sheet)
    if header is None:
        return None
    kind = kind_of(set(header.fields))
    return None if kind == "unknown" else Candidate(sheet, header, kind)


def _no_header(filled: list[Sheet]) -> Refused:
    """No sheet has a header that is known; where the first rows of a text file hold lost characters, its encoding is to blame."""
    first = "".join(plain_text(value) for sheet in filled if not sheet.typed for row in sheet.rows[:3] for value in row)
    if "\ufffd" in first or first.count("?") > 8:
        return Refused("ENCODING", detail="文字已变成乱码")
    return Refused("NO_HEADER_FOUND")


def _say_hidden(filled: list[Sheet], ledgers: list[tuple[Sheet, Candidate]], log: list[Finding], *, only: bool) -> None:
    known = {id(sheet) for sheet, _ in ledgers}
    for sheet in filled:
        if sheet.visible:
            continue
        if id(sheet) in known:
            if only:
                raise Refused("HIDDEN_SHEET.only", sheet=sheet.name, detail=sheet.name)
            log.append(finding("HIDDEN_SHEET", sheet=sheet.name, detail=sheet.name))
        else:
            log.append(finding("HIDDEN_SHEET.other", sheet=sheet.name, detail=sheet.name))


def _keys(candidate: Candidate) -> list[str]:
    """The keys of a sheet's rows as they are written: enough to see whether two sheets are about the same households."""
    fields = candidate.header.fields
    heading = next((fields[name] for name in ("person_id", "household_id", "village_code", "id_number", "village") if name in fields), None)
    column = heading.column if heading else 0
    return [squeeze(plain_text(row[column])) for row in candidate.sheet.rows[candidate.header.bottom + 1:] if not is_blank(row[column])]


def settle_competition(main: list[Candidate], log: list[Finding]) -> list[Candidate]:
    """Sheets of one kind: read together when their households differ; identical ones once; competing ones are refused."""
    kept: list[tuple[Candidate, set[str]]] = []
    if len(main) == 1:
        return main
    for candidate in main:
        keys = set(_keys(candidate))
        if any(_data(candidate) == _data(other) for other, _ in kept):
            log.append(finding("SHEET_CHOSEN", sheet=candidate.sheet.name, detail=f"“{kept[0][0].sheet.name}”，“{candidate.sheet.name}”与它完全相同"))
            continue
        for other, known in kept:
            if candidate.kind not in MANY_ROWS and len(keys & known) * 2 > min(len(keys), len(known)) > 0:
                raise Refused("AMBIGUOUS_SHEETS", sheet=candidate.sheet.name, detail=f"“{other.sheet.name}”和“{candidate.sheet.name}”")
        kept.append((candidate, keys))
    if len(kept) > 1:
        log.append(finding("MULTI_SHEET", detail="、".join(candidate.sheet.name for candidate, _ in kept)))
    return [candidate for candidate, _ in kept]


def _data(candidate: Candidate) -> list[list[Any]]:
    return candidate.sheet.rows[candidate.header.bottom + 1:]


def _say_skipped(filled: list[Sheet], main: list[Candidate], members: list[Candidate], unread: list[str], log: list[Finding]) -> None:
    used = {candidate.sheet.name for candidate in (*main, *members)} | set(unread)
    skipped = [sheet.name for sheet in filled if sheet.visible and sheet.name not in used]
    if skipped and len(filled) > 1:
        names = "、".join(candidate.sheet.name for candidate in main)
        log.append(finding("SHEET_CHOSEN", sheet=main[0].sheet.name, detail=f"“{names}”（跳过“{'”“'.join(skipped)}”）"))
