"""Checks of the registered-household ledger (建档立卡台账检查): each one is an entry of ``law/ledger_checks.yaml``, confronted with the tables in one pass.

``load_checks`` reads the entries and a county's own values strictly; ``check_tables`` gives every row of a subject (household, person, village) an outcome
for every check: pass, fail (the condition, which says what is wrong, is true) or unknown (a needed value is unknown; Kleene logic). Written once with
narwhals: pandas frames in give pandas out, DuckDB relations in give relations out, with the same rows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import Any

import narwhals as nw
import pandas as pd

from linwu_stats.ledgers.check_language import UNKNOWN, CheckError, Name, compile_condition, names_of
from linwu_stats.rules import LAW_FOLDER, LawError, Rules, read_entries
from linwu_stats.tables import CODES, TABLES, TYPES, conform, require

__all__ = ["Check", "CheckError", "check_counts", "check_results", "check_tables", "load_checks"]

SEVERITIES = ("error", "warning")
FIXERS = ("村", "乡镇", "统计局", "民政", "教育", "医保", "住建", "水利", "残联", "人社", "扶贫办")
NEEDED = {"key", "name", "subject", "columns", "condition", "severity", "fixer", "source"}
KNOWN = NEEDED | {"parameters", "note"}
OVERRIDABLE = {"key", "parameters", "severity", "fixer", "active"}
KEY = re.compile(r"check\.[a-z]+\.[a-z0-9_]+")

#: What a check of each subject may look at: source in the YAML -> (table, period). Sources of earlier quarters may be absent: then unknown.
_INCOMES = {f"income_{period}": ("household_income", period) for period in ("quarter", "ytd", "last4", "year")}
_EARLIER = {"income_quarter_previous": ("household_income_previous", "quarter"), "income_quarter_year_ago": ("household_income_year_ago", "quarter")}
_PERSON = {"persons": ("persons", ""), "schooling": ("schooling", ""), "insurance": ("insurance", "")}
_HOUSEHOLD = {name: (name, "") for name in ("households", "headcounts", "housing", "water", "living")} | _INCOMES | _EARLIER
SOURCES = {"household": _HOUSEHOLD, "person": _PERSON | {"households": ("households", "")}, "village": {"villages": ("villages", "")}}
MEMBERS = {"household": ("person", _PERSON), "person": ("", {}), "village": ("household", {"households": ("households", "")})}
#: What is worked out for a row before the checks, by the source that it belongs to.
#: ``age``: completed years on the day of the check; ``head_age``: that of the one head of the household; ``exit_line_fen``: poverty line of the exit year;
#: ``line_fen``: that of the last complete accounting year; ``other_causes_count``: official terms in the text; ``repeats_main_cause``: one is the main one.
DERIVED = {
    "persons": {"age": "number", "head_age": "number"},
    "households": {"exit_line_fen": "number", "line_fen": "number", "other_causes_count": "number", "repeats_main_cause": "bool"},
}
_SPECIES = {"string": "text", "int": "number", "float": "number", "bool": "bool", "date": "date"}
_ID = {"household": "household_id", "person": "person_id", "village": "village_code"}


@dataclass(frozen=True)
class Check:
    """One check (检查项): what is wrong, in which columns, how grave, who mends it, from which source."""

    key: str
    name: str
    subject: str
    columns: Mapping[str, tuple[tuple[str, str], ...]]
    condition: str
    severity: str
    fixer: str
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    origin: str = "packaged"

    @property
    def title(self) -> str:
        """The name with the values in force (检查内容), so that name and condition cannot disagree."""
        return self.name.format(**self.parameters)

    @property
    def column(self) -> str:
        """Name of the check's outcome column in the working frame."""
        return self.key.replace(".", "__")


@dataclass(frozen=True)
class Confronted:
    """Outcomes of all checks of one subject: ``long`` has one row per subject row and check, value 0 pass, 1 fail, 2 unknown; ``absent`` by check."""

    subject: str
    long: Any
    absent: Mapping[str, str]


def load_checks(overrides_dir: Path | str | None = None, *, path: Path | str | None = None) -> tuple[Check, ...]:
    """The checks in force (有效的台账检查), in key order: the packaged ones with a county's own values.

    ``overrides_dir`` (often ``data/law/checks``) may hold ``*.yaml`` files: lists of entries with ``key`` and any of ``parameters``, ``severity``,
    ``fixer``, ``active`` (false: not used here). Raises :class:`CheckError` for anything that is not certain: an unknown or missing field, a key given
    twice, a column that the tables do not have, a name without declaration or a declaration without use, a parameter of another kind.
    """
    checks = _read(Path(path)) if path else dict(_packaged())
    seen: dict[str, str] = {}
    for file in sorted(Path(overrides_dir).glob("*.yaml")) if overrides_dir else []:
        for entry in _entries(file):
            key = entry.get("key")
            where = f"{file.name} ({key})"
            if key in seen:
                raise CheckError(f"{where}: was already changed by {seen[key]} (同一检查改写两次)")
            seen[key] = file.name
            own = _overridden(checks, key, entry, where)
            checks.pop(key)
            if own is not None:
                checks[key] = own
    return tuple(checks[key] for key in sorted(checks))


def check_tables(
    tables: Mapping[str, Any], rules: Rules, as_of: dt.date, overrides: Mapping[str, Mapping[str, Any]] | None = None, *,
    checks: Sequence[Check] | None = None,
) -> dict[str, Any]:
    """Confront the tables with the checks (台账检查): gives ``check_results`` and ``check_counts``, frames of the kind that came in.

    ``tables``: the tables that the checks name (households, persons, villages …, household_income; household_income_previous and
    household_income_year_ago where there are such quarters, else unknown). ``rules``: poverty lines (line.*, period.*). ``as_of``: the day on which
    ages are reckoned. ``overrides``: check key to parameter values. A column that no row of its table fills was not in the ledger: ``is_missing`` of it
    is unknown, and its unknown rows are counted with the column named, not listed one by one. Raises ``TableError`` for a table without the column.
    """
    chosen = {check.key: check for check in (load_checks() if checks is None else checks)}
    for key, parameters in (overrides or {}).items():
        chosen[key] = _overridden(chosen, key, {"parameters": parameters}, "overrides")
    tables = {name: _plain_text(frame) for name, frame in tables.items()}
    parts = [_confront(subject, [one for one in chosen.values() if one.subject == subject], tables, rules, as_of) for subject in SOURCES]
    parts = [part for part in parts if part is not None]
    return {"check_results": check_results(parts, chosen.values()), "check_counts": check_counts(parts, chosen.values())}


def check_results(parts: Iterable[Confronted], checks: Iterable[Check]) -> Any:
    """Every fail and unknown, one row each (检查问题清单): confronted subjects to ``check_results``, without names or numbers of persons."""
    by_key = {check.key: check for check in checks}
    frames = []
    for part in parts:
        listed = (nw.col("value") == 1) | ((nw.col("value") == 2) & ~_among(sorted(part.absent)))
        rows = part.long.filter(listed).with_columns(
            outcome=nw.when(nw.col("value") == 1).then(nw.lit("fail")).otherwise(nw.lit("unknown")), subject=nw.lit(part.subject),
            check_key=nw.col("check_key").str.replace_all("__", ".", literal=True),
            severity=_by_check(by_key, "severity", SEVERITIES), fixer=_by_check(by_key, "fixer", FIXERS),
        )
        frames.append(rows.select(TABLES["check_results"].names))
    return conform(nw.concat(frames).sort("check_key", "subject_id").to_native(), "check_results")


def check_counts(parts: Iterable[Confronted], checks: Iterable[Check]) -> Any:
    """How many rows passed, failed, are unknown (检查计数): confronted subjects to ``check_counts``, per check and township; rows are their sum."""
    by_key = {check.key: check for check in checks}
    frames = []
    for part in parts:
        rows = part.long.with_columns(failed=_one(nw.col("value") == 1), unknown=_one(nw.col("value") == 2), rows=_one(nw.col("value") >= 0))
        rows = rows.group_by("check_key", "township_code").agg(nw.col("rows", "failed", "unknown").sum())
        absent = nw.lit(None, nw.String)
        for key, names in part.absent.items():
            absent = nw.when(nw.col("check_key") == key).then(nw.lit(names)).otherwise(absent)
        rows = rows.with_columns(
            passed=nw.col("rows") - nw.col("failed") - nw.col("unknown"), absent=absent, subject=nw.lit(part.subject),
            severity=_by_check(by_key, "severity", SEVERITIES), fixer=_by_check(by_key, "fixer", FIXERS),
            title=nw.coalesce(*(nw.when(nw.col("check_key") == one.column).then(nw.lit(one.title)) for one in by_key.values() if one.subject == part.subject)),
        )
        frames.append(rows.with_columns(check_key=nw.col("check_key").str.replace_all("__", ".", literal=True)).select(
            *(nw.col(column.name).cast(TYPES[column.dtype][1]) for column in TABLES["check_counts"].columns)
        ))
    return conform(nw.concat(frames).sort("check_key", "township_code").to_native(), "check_counts")


# ---- confronting ---------------------------------------------------------------------------------------------------------


def _confront(subject: str, checks: list[Check], tables: Mapping[str, Any], rules: Rules, as_of: dt.date) -> Confronted | None:
    if not checks:
        return None
    wanted = _wanted(checks)
    member, member_sources = MEMBERS[subject]
    outer = {source: names for source, names in wanted.items() if source in SOURCES[subject]}
    inner = {source: names for source, names in wanted.items() if source in member_sources}
    absent = {source: _absent(tables, SOURCES[subject] | member_sources, source, names) for source, names in wanted.items()}
    frame = _with_places(_frame(subject, outer, tables, rules, as_of), subject, tables)
    compiled = {
        check.key: compile_condition(
            check.condition, _names(check, SOURCES[subject], absent), check.parameters, where=check.key, member=member,
            members=_names(check, member_sources, absent) if member else None, prefix=check.column,
        )
        for check in checks
    }
    members = {name: expression for one in compiled.values() for name, expression in one.members.items()}
    if members:
        frame = _with_members(frame, _frame(member, inner, tables, rules, as_of), members, _ID[subject])
    identity = ("subject_id", "township_code", "village_code", "household_id", "person_id")
    frame = frame.select(*identity, **{check.column: _outcome(compiled[check.key].expression) for check in checks})
    long = _long(frame, identity, [check.column for check in checks])
    missing = {check.column: "、".join(names) for check in checks if (names := _absent_names(check, absent))}
    return Confronted(subject, long, missing)


def _long(frame: Any, identity: tuple[str, ...], columns: list[str]) -> Any:
    """One row per subject row and check: ``check_key`` and ``value``."""
    if isinstance(frame, nw.DataFrame):
        return frame.unpivot(on=columns, index=list(identity), variable_name="check_key", value_name="value")
    # A relation of any connection: narwhals unpivots only those of DuckDB's default one, so the outcomes are written into one text and taken apart again.
    packed = nw.concat_str(*(nw.concat_str(nw.col(column).cast(nw.String), nw.lit(column)) for column in columns), separator=";")
    frame = frame.select(*identity, _packed=packed.str.split(";")).explode("_packed", empty_as_null=False, keep_nulls=False)
    return frame.select(*identity, check_key=nw.col("_packed").str.slice(1), value=nw.col("_packed").str.slice(0, 1).cast(nw.Int64))


def _plain_text(frame: Any) -> Any:
    """Pandas keeps text in Arrow, whose comparisons give truth values that do not mix with those of numbers; so text is held as Python text here."""
    if not isinstance(frame, pd.DataFrame):
        return frame
    return frame.astype({name: pd.StringDtype("python") for name in frame.columns if isinstance(frame[name].dtype, pd.StringDtype)})


def _outcome(condition: nw.Expr) -> nw.Expr:
    return _one(condition.fill_null(False)) + 2 * _one(condition.is_null())


def _one(condition: nw.Expr) -> nw.Expr:
    return nw.when(condition).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)


def _among(columns: list[str]) -> nw.Expr:
    return nw.col("check_key").is_in(columns or [""])


def _by_check(checks: Mapping[str, Check], attribute: str, values: Sequence[str]) -> nw.Expr:
    """The attribute of each row's check; asked before or after the key is written with dots."""
    out = nw.lit(None, nw.String)
    for value in values:
        columns = [check.column for check in checks.values() if getattr(check, attribute) == value]
        out = nw.when(_among(columns)).then(nw.lit(value)).otherwise(out)
    return out


def _wanted(checks: Iterable[Check]) -> dict[str, list[str]]:
    wanted: dict[str, dict[str, None]] = {}
    for check in checks:
        for source, names in check.columns.items():
            wanted.setdefault(source, {}).update(dict.fromkeys(column for _, column in names))
    return {source: list(names) for source, names in wanted.items()}


def _names(check: Check, sources: Mapping[str, Any], absent: Mapping[str, set[str]]) -> dict[str, Name]:
    names = {}
    for source, pairs in check.columns.items():
        for name, column in pairs if source in sources else ():
            derived = DERIVED.get(source, {}).get(column)
            declared = None if derived else TABLES[_table_of(source)][column]
            kind, codes = (derived, "") if declared is None else (_SPECIES[declared.dtype], declared.codes)
            names[name] = Name(f"{source}__{column}", kind, codes, column in absent[source])
    return names


def _absent(tables: Mapping[str, Any], sources: Mapping[str, tuple[str, str]], source: str, columns: list[str]) -> set[str]:
    """Columns of a source that no row fills."""
    table, _ = sources[source]
    real = [column for column in columns if column not in DERIVED.get(source, {})]
    if table not in tables and source in _EARLIER:
        return set(real)
    if table not in tables:
        raise CheckError(f"the table {table}({TABLES[table].title}) is needed by the checks and was not given (缺少数据表)")
    require(tables[table], _table_of(source), *real)
    if not real:
        return set()
    counts = nw.from_native(tables[table]).select(nw.col(*real).count())
    counts = counts.collect(backend="pandas") if isinstance(counts, nw.LazyFrame) else counts
    return {column for column in real if int(counts[column].item()) == 0}


def _absent_names(check: Check, absent: Mapping[str, set[str]]) -> list[str]:
    return [
        TABLES[_table_of(source)][column].heading for source, names in check.columns.items() for _, column in names if column in absent[source]
    ]


def _table_of(source: str) -> str:
    return "household_income" if source.startswith("income_") else source


def _frame(subject: str, wanted: Mapping[str, list[str]], tables: Mapping[str, Any], rules: Rules, as_of: dt.date) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    """One row per household, person or village with the wanted columns, each named ``<source>__<column>``."""
    base_source = {"household": "households", "person": "persons", "village": "villages"}[subject]
    keys = {"household": ["household_id", "village_code"], "person": ["person_id", "household_id"], "village": ["village_code"]}[subject]
    base = nw.from_native(tables[base_source])
    columns = wanted.get(base_source, [])
    if "head_age" in columns:
        base = _with_head_age(base, as_of)
    frame = base.select(*keys, *_renamed(base_source, columns, rules, as_of))
    sources = SOURCES[subject]
    for source, columns in wanted.items():
        if source == base_source:
            continue
        key = "person_id" if source in ("schooling", "insurance") else "household_id"
        table, period = sources[source]
        if table not in tables:
            frame = frame.with_columns(**{f"{source}__{column}": _nothing(keys[0], TABLES[_table_of(source)][column].dtype) for column in columns})
            continue
        other = nw.from_native(tables[table])
        if period:
            other = other.filter(nw.col("period") == period)
        frame = frame.join(other.select(key, *_renamed(source, columns, rules, as_of)), on=key, how="left")
    return frame.with_columns(_nothing(keys[0], "bool").alias(UNKNOWN))


def _nothing(key: str, dtype: str) -> nw.Expr:
    """Unknown in every row, in the type of a column; taken from the key, since a bare null has another type on each engine."""
    same = nw.col(key) == nw.col(key)
    value = {"string": nw.col(key), "bool": same, "int": same.cast(nw.Int64), "float": same.cast(nw.Float64)}[dtype]
    return nw.when(nw.col(key).is_null()).then(value)


def _renamed(source: str, columns: Iterable[str], rules: Rules, as_of: dt.date) -> list[nw.Expr]:
    out = []
    for column in columns:
        if column == "age":
            expression = _age(as_of)
        elif column == "exit_line_fen":
            expression = _exit_line(rules, as_of)
        elif column == "other_causes_count":
            expression = sum((_mentions(term).cast(nw.Int64) for term in CODES["cause"].values()), start=nw.lit(0))
        elif column == "repeats_main_cause":
            expression = _repeats_main()
        elif column == "line_fen":
            line = rules.line_fen(_last_complete_year(rules, as_of))
            expression = _nothing("household_id", "int") if line is None else _ones("household_id") * line
        else:
            expression = nw.col(column)
        out.append(expression.alias(f"{source}__{column}"))
    return out


def _ones(key: str) -> nw.Expr:
    """1 in each row, of a type that can be unknown on every engine."""
    return (nw.col(key) == nw.col(key)).cast(nw.Int64)


def _age(as_of: dt.date) -> nw.Expr:
    """Completed years on a day (周岁): year, month and day of birth all count; unknown where the birth date is unknown or still to come."""
    born = nw.col("birth_date")
    year, month, day = (part.fill_null(9999).cast(nw.Int64) for part in (born.dt.year(), born.dt.month(), born.dt.day()))
    whole = (as_of.year * 10000 + as_of.month * 100 + as_of.day - (year * 10000 + month * 100 + day)) // 10000
    return nw.when(whole >= 0).then(whole * _ones("person_id"))


def _with_head_age(persons: Any, as_of: dt.date) -> Any:
    """The head's age on each member's row; unknown where there is not exactly one head."""
    heads = persons.filter((nw.col("relation") == "head").fill_null(False)).select("household_id", head_age=_age(as_of))
    heads = heads.with_columns(_heads=nw.lit(1)).group_by("household_id").agg(nw.col("_heads").sum(), nw.col("head_age").max())
    return persons.join(heads.filter(nw.col("_heads") == 1).drop("_heads"), on="household_id", how="left")


def _mentions(term: str) -> nw.Expr:
    return nw.col("other_causes").str.contains(term, literal=True)


def _repeats_main() -> nw.Expr:
    parts = [(nw.col("cause") == code) & _mentions(term) for code, term in CODES["cause"].items()]
    out = parts[0]
    for part in parts[1:]:
        out = out | part
    return out


def _exit_line(rules: Rules, as_of: dt.date) -> nw.Expr:
    lines = {year: line for year in range(2010, as_of.year + 1) if (line := rules.line_fen(year)) is not None}
    total = sum(((nw.col("exit_year") == year).cast(nw.Int64) * line for year, line in lines.items()), start=nw.col("exit_year") * 0)
    return nw.when((total > 0).fill_null(False)).then(total)


def _last_complete_year(rules: Rules, as_of: dt.date) -> int:
    """The last accounting year that has ended by a day (rules period.*)."""
    start = rules.value(f"period.{rules.value('period.rule')}").get("start_month", 1)
    after = as_of + dt.timedelta(days=1)
    return after.year if 1 < start <= after.month else after.year - 1


def _with_places(frame: Any, subject: str, tables: Mapping[str, Any]) -> Any:
    """The row's own key, household, person, village and township."""
    table, key = ("villages", "village_code") if subject == "village" else ("households", "household_id")
    require(tables[table], table, key, "township_code", "village_code")
    places = nw.from_native(tables[table]).select(key, *(name for name in ("township_code", "village_code") if name != key))
    frame = frame.join(places, on=key, how="left") if subject != "household" else frame.join(places.drop("village_code"), on=key, how="left")
    own = {"household": {"household_id"}, "person": {"household_id", "person_id"}, "village": set()}[subject]
    blank = {name: nw.lit(None, nw.String) for name in ("household_id", "person_id") if name not in own}
    return frame.with_columns(subject_id=nw.col(_ID[subject]), **blank, township_code=nw.col("township_code").fill_null(_NO_PLACE))


#: A person whose household is not on the register has no township.
_NO_PLACE = "unknown"


def _with_members(frame: Any, rows: Any, members: Mapping[str, nw.Expr], key: str) -> Any:
    sums = rows.select(key, **members).group_by(key).agg(nw.col(*members).sum())
    return frame.join(sums, on=key, how="left").with_columns(nw.col(*members).fill_null(0))


# ---- reading -------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _packaged() -> dict[str, Check]:
    return _read(LAW_FOLDER / "ledger_checks.yaml")


def _read(path: Path) -> dict[str, Check]:
    checks: dict[str, Check] = {}
    for position, entry in enumerate(_entries(path), start=1):
        where = f"{path.name}, check {position} ({entry.get('key')})"
        check = _check(entry, where)
        if check.key in checks:
            raise CheckError(f"{where}: the key is given twice (检查项重复)")
        checks[check.key] = check
    return checks


def _entries(path: Path) -> list[dict[str, Any]]:
    expected = "checks is expected, each starting with '- key:' (应为检查项列表)"
    try:
        entries = read_entries(path, expected)
    except LawError as error:
        raise CheckError(str(error)) from error
    if not all(isinstance(entry, dict) for entry in entries):
        raise CheckError(f"{path.name}: a list of {expected}")
    return entries


def _check(entry: dict[str, Any], where: str) -> Check:
    _fields(entry, NEEDED, KNOWN, where)
    if not KEY.fullmatch(str(entry["key"])) or "__" in entry["key"]:
        raise CheckError(f"{where}: a key is written check.<group>.<name> in small letters (检查键有误)")
    for name, allowed in (("subject", tuple(SOURCES)), ("severity", SEVERITIES), ("fixer", FIXERS)):
        _one_of(entry[name], name, allowed, where)
    for name in ("name", "condition", "source"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise CheckError(f"{where}: {name} must be a text (缺少文字)")
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise CheckError(f"{where}: parameters must be names with values (参数格式有误)")
    columns = {source: tuple(_pairs(names, source, where)) for source, names in _sources(entry, where).items()}
    check = Check(
        key=entry["key"], name=entry["name"], subject=entry["subject"], columns=columns, condition=entry["condition"], severity=entry["severity"],
        fixer=entry["fixer"], source=entry["source"], parameters=parameters, note=str(entry.get("note") or ""),
    )
    _prove(check, where)
    return check


def _sources(entry: dict[str, Any], where: str) -> dict[str, Any]:
    known = SOURCES[entry["subject"]] | MEMBERS[entry["subject"]][1]
    if not isinstance(entry["columns"], dict) or not entry["columns"]:
        raise CheckError(f"{where}: columns must name tables with their columns (缺少列)")
    if strange := sorted(set(entry["columns"]) - set(known)):
        raise CheckError(f"{where}: a {entry['subject']} check cannot look at {', '.join(strange)}; there are {', '.join(known)} (未知数据表)")
    return entry["columns"]


def _pairs(names: Any, source: str, where: str) -> Iterable[tuple[str, str]]:
    """Name in the condition and column of the table; ``{net_before_fen: net_fen}`` gives a column another name."""
    for one in names if isinstance(names, list) else [names]:
        pairs = one.items() if isinstance(one, dict) else [(one, one)]
        for name, column in pairs:
            table = TABLES[_table_of(source)]
            if column not in table.names and column not in DERIVED.get(source, {}):
                raise CheckError(f"{where}: {table.title} ({table.name}) has no column {column!r} (没有这一列): {', '.join(table.names)}")
            yield str(name), str(column)


def _prove(check: Check, where: str) -> None:
    """The condition compiles, and what is declared is what is used."""
    declared = [name for pairs in check.columns.values() for name, _ in pairs]
    if twice := sorted({name for name in declared if declared.count(name) > 1} | (set(declared) & set(check.parameters))):
        raise CheckError(f"{where}: {', '.join(twice)} stands for two things; give one of them another name (名称重复)")
    used = names_of(check.condition, where)
    if unused := sorted((set(declared) | set(check.parameters)) - used):
        raise CheckError(f"{where}: {', '.join(unused)} is declared and not used (声明而未使用)")
    try:
        shown = {name for _, name, _, _ in Formatter().parse(check.name) if name is not None}
    except ValueError as error:
        raise CheckError(f"{where}: the name {check.name!r} has a brace too many or too few (名称有误)") from error
    numbers = {name for name, value in check.parameters.items() if isinstance(value, int | float)}
    if shown - set(check.parameters) or numbers - shown:
        raise CheckError(f"{where}: the name must show each number of the condition as {{parameter}} (名称须写出界限): {', '.join(sorted(numbers ^ shown))}")
    absent: dict[str, set[str]] = {source: set() for source in check.columns}
    member, sources = MEMBERS[check.subject]
    members = _names(check, sources, absent) if member else None
    compile_condition(check.condition, _names(check, SOURCES[check.subject], absent), check.parameters, where=where, members=members, member=member)


def _overridden(checks: Mapping[str, Check], key: Any, entry: Mapping[str, Any], where: str) -> Check | None:
    _fields(entry, set(), OVERRIDABLE, where)
    if key not in checks:
        raise CheckError(f"{where}: there is no check {key!r} to change (没有这项检查)")
    check = checks[key]
    parameters = dict(check.parameters)
    for name, value in (entry.get("parameters") or {}).items():
        if name not in parameters:
            raise CheckError(f"{where}: {key} has no parameter {name!r} (没有这个参数); there are: {', '.join(parameters) or 'none'}")
        if _kind_of(value) != _kind_of(parameters[name]):
            raise CheckError(f"{where}: the parameter {name} of {key} must be like {parameters[name]!r}, not {value!r} (参数有误)")
        parameters[name] = value
    if not isinstance(entry.get("active", True), bool):
        raise CheckError(f"{where}: active must be true or false (应为 true 或 false)")
    if not entry.get("active", True):
        return None
    severity, fixer = entry.get("severity", check.severity), entry.get("fixer", check.fixer)
    _one_of(severity, "severity", SEVERITIES, where)
    _one_of(fixer, "fixer", FIXERS, where)
    own = replace(check, parameters=parameters, severity=severity, fixer=fixer, origin=where)
    _prove(own, where)
    return own


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "whole number"
    return type(value).__name__


def _one_of(value: Any, name: str, allowed: Sequence[str], where: str) -> None:
    if value not in allowed:
        raise CheckError(f"{where}: {name} must be one of {', '.join(allowed)}, not {value!r} (取值有误)")


def _fields(given: Mapping[str, Any], needed: set[str], known: set[str], where: str) -> None:
    if missing := sorted(needed - set(given)):
        raise CheckError(f"{where}: missing {', '.join(missing)} (缺少字段)")
    if strange := sorted(str(name) for name in set(given) - known):
        raise CheckError(f"{where}: unknown field {', '.join(strange)}; known are {', '.join(sorted(known))} (未知字段)")
