"""Read one ledger file or folder and say what was found (读取台账).

Four outcomes, the worst finding decides: ``accept``, ``repair`` (the truth is recovered with certainty, every change logged), ``flag`` (read, nothing
dropped or guessed; what cannot be trusted is unknown), ``reject`` (refused, with the reason); ``ignore`` for lock files. A value is never guessed.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats.ledgers.choice import Candidate, choose_sheets, settle_competition
from linwu_stats.ledgers.consistency import PARTS, check_across, check_members, check_sheet
from linwu_stats.ledgers.content import is_lock_file, open_book
from linwu_stats.ledgers.headers import Header
from linwu_stats.ledgers.layout import Grid, lay_out
from linwu_stats.ledgers.outcome import Finding, Ledger, Refused, finding, ledger_dict, worst
from linwu_stats.ledgers.sheets import Sheet, column_letter
from linwu_stats.ledgers.values import Parsed, Places, frame_of, parse_grid
from linwu_stats.ledgers.villages import check_villages
from linwu_stats.ledgers.vocabulary import ROSTERS, vocabulary
from linwu_stats.rules import Rules

__all__ = ["Finding", "Ledger", "check", "is_meant", "read_ledger", "read_path"]

#: Files of a folder that nobody means as ledgers.
NO_LEDGERS = {".json", ".md", ".yaml", ".yml", ".parquet", ".py", ".ini", ".db", ".log", ".ds_store"}


def read_ledger(path: str | Path, rules: Rules | None = None, *, township_names: Iterable[str] | None = None,
                village_names: Mapping[str, Any] | Iterable[str] | None = None) -> Ledger:
    """Read one ledger file of whatever kind (读取一个台账文件).

    Townships are those of the rules ``township.*`` (or ``township_names``); ``village_names`` may be names, or a mapping from village to its township.
    Gives a :class:`Ledger`: outcome, kind, findings and a frame with one row per data row. Never raises for what a file contains.
    """
    path = Path(path)
    ledger = Ledger(str(path))
    if is_lock_file(path):
        ledger.outcome = "ignore"
        ledger.findings = [finding("LOCK_FILE")]
        return ledger
    collecting = gc.isenabled()
    gc.disable()  # a ledger is millions of small objects that live until it is read; looking through them again and again doubles the time
    try:
        _read(ledger, path, _places(rules, township_names, village_names))
    except Refused as refused:
        ledger.findings.append(finding(refused.key, **refused.facts))
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except PermissionError as error:
        ledger.findings.append(finding("DAMAGED.locked", detail=type(error).__name__))
    except BaseException as error:
        words = "文件不存在或没有读取权限" if isinstance(error, OSError) else f"读取时出错，{type(error).__name__}"
        ledger.findings.append(finding("DAMAGED", detail=words))
    finally:
        if collecting:
            gc.enable()
    _settle(ledger)
    return ledger


def read_path(*paths: str | Path, rules: Rules | None = None, township_names: Iterable[str] | None = None,
              village_names: Mapping[str, Any] | Iterable[str] | None = None) -> list[Ledger]:
    """Read files and folders, folders with all that is in them, in the order of their names (读取文件或文件夹). The same bytes a second time are flagged."""
    files = [file for path in paths for file in _files(Path(path))]
    ledgers = [read_ledger(file, rules, township_names=township_names, village_names=village_names) for file in files]
    first: dict[str, Ledger] = {}
    for ledger in ledgers:
        if not ledger.digest or ledger.outcome == "ignore":
            continue
        if ledger.digest in first:
            other = Path(first[ledger.digest].path)
            same_suffix = other.suffix.lower() == Path(ledger.path).suffix.lower()
            ledger.findings.append(finding("SAME_CONTENT" if same_suffix else "SAME_CONTENT.saved_as", detail=_from(other, Path(ledger.path))))
            ledger.outcome = worst(ledger.findings)
        else:
            first[ledger.digest] = ledger
    return ledgers


def check(paths: str | Path | Iterable[str | Path], rules: Rules | None = None) -> dict[str, Any]:
    """The result of reading files and folders as one object of plain data (检查结果): ``{"files": [...]}``. ``rules``: whose townships are known."""
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    return {"files": [ledger_dict(ledger) for ledger in read_path(*several, rules=rules)]}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and (is_lock_file(file) or is_meant(file)))


def is_meant(path: Path) -> bool:
    """Whether somebody may mean this as a ledger (可能是台账): no hidden or lock file, nothing that Windows or this program put there."""
    return not path.name.startswith((".", "~$")) and path.suffix.lower() not in NO_LEDGERS


def _from(other: Path, path: Path) -> str:
    """How the other file is named to who looks at this one: by its name, with its folder where that is another one."""
    return other.name if other.parent == path.parent else f"{other.parent.name}/{other.name}"


def _places(rules: Rules | None, township_names: Iterable[str] | None, village_names: Mapping[str, Any] | Iterable[str] | None) -> Places:
    words = vocabulary().raw
    if township_names is None:
        township_names = [rule.value for rule in rules.under("township.")] if rules is not None else words["townships"]
    villages: dict[str, set[str]] = {}
    if isinstance(village_names, Mapping):
        villages = {village: {town} if isinstance(town, str) else set(town) for village, town in village_names.items()}
    elif village_names is not None:
        villages = {village: set() for village in village_names}
    return Places(tuple(township_names), tuple(words["former_townships"]), villages)


def _read(ledger: Ledger, path: Path, places: Places) -> None:
    with path.open("rb") as stream:
        ledger.digest = hashlib.file_digest(stream, "sha256").hexdigest()
    book = open_book(path)
    ledger.sheets = [sheet.name for sheet in book.sheets]
    ledger.findings += [finding(key, **facts) for key, facts in book.notes]
    chosen = choose_sheets(book, ledger.findings)
    _read_kind(ledger, chosen.main, chosen.members, places)
    for group in chosen.others:
        _read_other(ledger, group, places)


def _read_other(ledger: Ledger, group: list[Candidate], places: Places) -> None:
    """A ledger of another kind in the same workbook: checked and kept beside, never added to the first one's figures."""
    other = Ledger(ledger.path, sheets=[candidate.sheet.name for candidate in group], digest=ledger.digest)
    names, title = "”“".join(other.sheets), vocabulary().kinds[group[0].kind]["title"]
    try:
        _read_kind(other, settle_competition(group, other.findings), [], places)
    except Refused as refused:
        reason = finding(refused.key, **refused.facts).message
        ledger.findings.append(finding("MULTI_SHEET.refused", sheet=other.sheets[0], column=title, value=names, detail=reason))
        return
    ledger.findings += [finding("MULTI_SHEET.other", sheet=other.sheets[0], column=title, value=names), *other.findings]
    other.outcome = worst(other.findings)
    ledger.others.append(other)


def _read_kind(ledger: Ledger, candidates: list[Candidate], beside: list[Candidate], places: Places) -> None:
    """Read the sheets of one kind, with the member lists beside them, into the ledger."""
    ledger.kind = candidates[0].kind
    main = [_parse(candidate, places, ledger) for candidate in candidates]
    members = [_parse(candidate, places, ledger) for candidate in beside]
    if not any(parsed.grid.data for parsed in main):
        raise Refused("NO_ROWS")
    check_villages(main, places)
    check_across(main)
    if members:
        check_across(members)
        check_members(main, members)
    for parsed in (*main, *members):
        ledger.findings += parsed.grid.log
    frames = [frame_of(parsed) for parsed in main]
    ledger.frame = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    ledger.rows = len(ledger.frame)
    ledger.households = _households(ledger.frame)
    ledger.net_income_yuan = _control_total(main)


def _parse(candidate: Candidate, places: Places, ledger: Ledger) -> Parsed:
    sheet, header, kind = candidate.sheet, candidate.header, candidate.kind
    _say_headings(sheet, header, kind, ledger.findings)
    _say_missing(sheet, header, kind, ledger.findings)
    grid: Grid = lay_out(sheet, header, kind)
    parsed = parse_grid(grid, places)
    check_sheet(parsed)
    return parsed


def _say_headings(sheet: Sheet, header: Header, kind: str, log: list[Finding]) -> None:
    row = header.bottom - header.numbering
    named = [heading for heading in header.columns if heading.text]
    changed = [heading for heading in named if heading.changed]
    if changed:
        cell = f"{sheet.cell(header.top, named[0].column)}:{column_letter(named[-1].column)}{sheet.number(row)}"
        log.append(finding("HEADER_NORMALISED", sheet=sheet.name, cell=cell, row=sheet.number(row), detail="、".join(heading.text for heading in changed)))
    renamed = () if kind in ROSTERS else ("head_id_number",)
    synonyms = [heading for heading in named if heading.synonym or heading.field in renamed]
    if synonyms:
        first, last = sheet.cell(row, synonyms[0].column), sheet.cell(row, synonyms[-1].column)
        detail = "；".join(f"{sheet.cell(row, heading.column)} {heading.text}→{heading.label}" for heading in synonyms)
        log.append(finding(
            "HEADER_SYNONYM", sheet=sheet.name, cell=first if first == last else f"{first}:{last}", row=sheet.number(row), detail=detail,
            column="；".join(heading.label for heading in synonyms), value="；".join(heading.text for heading in synonyms),
            new="；".join(heading.label for heading in synonyms)))


def _say_missing(sheet: Sheet, header: Header, kind: str, log: list[Finding]) -> None:
    words, entry = vocabulary(), vocabulary().kinds[kind]
    have = set(header.fields) | {name.removeprefix("head_") for name in header.fields if name in ("head_name", "head_id_number")}
    labels = {"name": words.fields["head_name"].heading} if kind == "income_sheet" else {}
    needed = [words.fields[name].heading for name in entry["needs"] if name not in have]
    if needed:
        raise Refused("MISSING_COLUMN.needed", sheet=sheet.name, column="”“".join(needed))
    row = header.bottom - header.numbering
    for name in entry["expects"]:
        if name not in have:
            log.append(finding("MISSING_COLUMN", sheet=sheet.name, cell=sheet.cell(row, 0), row=sheet.number(row),
                               column=labels.get(name, words.fields[name].heading)))


def _households(frame: pd.DataFrame) -> int:
    return int(frame["household_id"].nunique()) if "household_id" in frame.columns else 0


def _control_total(main: list[Parsed]) -> Decimal | None:
    """The four incomes minus the expense over all cells with a usable number; where persons are rows, once for each household (控制总数)."""
    total, found = 0, False
    for parsed in main:
        if not PARTS.keys() & parsed.usable.keys():
            continue
        found = True
        rows = parsed.first_rows()
        for name, sign in PARTS.items():
            values = parsed.usable.get(name)
            total += sign * sum(values[row] or 0 for row in rows) if values else 0
    return (Decimal(total) / 1_000_000).quantize(Decimal("0.01"), ROUND_HALF_UP) if found else None


def _settle(ledger: Ledger) -> None:
    ledger.outcome = worst(ledger.findings)
    if ledger.outcome == "reject":
        ledger.frame, ledger.rows, ledger.households, ledger.net_income_yuan, ledger.others = pd.DataFrame(), 0, 0, None, []
    ledger.findings = sorted(ledger.findings, key=lambda item: -("accept", "repair", "flag", "reject", "ignore").index(item.outcome))
