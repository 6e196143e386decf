"""Quality of the ledgers (台账质量): completeness, accuracy and timeliness by township, in the three words of the county's report.

Complete (信息不全面、要素不齐全): cells that are filled, of those that should be. Accurate (不一致、有误): filled cells that no error names, of all filled
ones. Timely (更新不及时): households without a sign that an update came late. Each has parts with denominators of their own. What was not given
cannot be judged: it is counted apart as unknown, never as good and never as bad.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, TABLES, conform

__all__ = ["EARLIER", "ledger_quality"]

#: Tables of the quarter before that are looked at.
EARLIER = ("ledger_quality", "households", "persons", "housing", "water", "living", "schooling", "income_sheet", "source_counts", "source_differences")

#: Ledgers whose filled cells are counted, and what is not a cell of a ledger in them.
_LEDGERS = ("households", "persons", "housing", "water", "living", "schooling", "insurance", "income_items", "income_sheet")
#: Ledgers of what lasts from quarter to quarter; a quarter's income is another one anyway.
_LASTING = ("households", "persons", "housing", "water", "living", "schooling")
_NOT_CELLS = ("household_id", "person_id", "line_id", "township_code", "quarter", "item_key", "phone_given", "bank_given", "employer_given")
_NAMES = ["township_code", "numerator", "denominator", "unknown"]
_OPEN = ("new", "open", "unchecked")


def ledger_quality(tables: Mapping[str, pd.DataFrame], rules: Rules, quarter: str, previous: Mapping[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Table ``ledger_quality`` (台账质量表): every measure for the county and each township, last quarter's value beside it.

    ``tables``: the quarter's tables with check_counts, department_counts, department_flags, work_list and, where there are any, source_counts and
    source_differences. ``previous``: those of :data:`EARLIER` of the quarter before. Rules: ``quality.*``. A measure of which nothing can be judged has no
    value and the reason ``not_given``; one that nothing falls under has ``nothing_due``. A household whose township is unknown counts in the county alone.
    """
    place = tables["households"].set_index("household_id")["township_code"]
    cells = _due_cells(tables, rules)
    signs: list[pd.Series] = []
    parts = {
        "complete": _sum_cells(cells), "complete_register": _sum_cells(cells, ("households", "persons")),
        "complete_guarantees": _sum_cells(cells, ("housing", "water", "living", "schooling", "insurance")),
        "complete_income": _sum_cells(cells, ("household_income",)), "complete_households": _whole_households(cells),
        **_accurate(tables, rules, place),
        "timely_lines": _own_quarter_lines(tables, rules, place, signs), "timely_exit_year": _exit_years(tables, rules, place, signs),
        "timely_income": _fresh_income(tables, rules, quarter, previous, place, signs),
        "timely_updates": _updates(tables, previous, place, signs), "timely_lists": _lists(tables, rules, signs), "timely_mending": _mending(tables, rules),
    }
    parts["timely"] = _households_without(place, set().union(*signs))
    county = rules.value("area.county")["code"]
    areas = [county, *sorted(rule.key.removeprefix("township.") for rule in rules.under("township."))]
    rows = [_row(measure, area, part, county) for measure in CODES["quality_measure"] for part in [parts[measure]] for area in areas]
    return conform(pd.DataFrame(rows).merge(_before(previous), on=["area_code", "measure"], how="left"), "ledger_quality")


def _row(measure: str, area: str, part: pd.DataFrame, county: str) -> dict[str, Any]:
    counts = (part if area == county else part[part["township_code"] == area])[_NAMES[1:]].sum()
    done, due, unknown = (int(counts[name]) for name in _NAMES[1:])
    return {
        "area_code": area, "measure": measure, "dimension": measure.partition("_")[0],
        "unit": "household" if not due and measure in _BY_HOUSEHOLD else _UNITS.get(measure, "cell"),
        "value": done / due if due else None, "numerator": done, "denominator": due, "unknown": unknown,
        "reason_code": None if due else "not_given" if unknown else "nothing_due",
    }


#: What the denominator of a measure counts, where it is not cells.
_UNITS = {
    "complete_households": "household", "accurate_checks": "test", "accurate_households": "household", "timely": "household", "timely_lines": "line",
    "timely_exit_year": "household", "timely_income": "household", "timely_lists": "match", "timely_mending": "item",
}
#: Measures of cells that are unknown household by household where nothing was given.
_BY_HOUSEHOLD = ("accurate_sources", "timely_updates", "timely_lines")


def _before(previous: Mapping[str, pd.DataFrame] | None) -> pd.DataFrame:
    known = None if previous is None else previous.get("ledger_quality")
    if known is None or known.empty:
        return pd.DataFrame({name: pd.Series(dtype="string" if name != "before" else "Float64") for name in ("area_code", "measure", "before")})
    return known[["area_code", "measure", "value"]].rename(columns={"value": "before"})


def _counted(township: pd.Series, numerator: Any, denominator: Any, unknown: Any = 0) -> pd.DataFrame:
    """One row per case with its township, to be added up."""
    frame = pd.DataFrame({"township_code": township.to_numpy()}, index=township.index)
    return frame.assign(numerator=numerator, denominator=denominator, unknown=unknown).astype(dict.fromkeys(_NAMES[1:], "int64"))


def _nothing() -> pd.DataFrame:
    return _counted(pd.Series([], dtype="string"), 0, 0)


# ---- complete ------------------------------------------------------------------------------------------------------------


def _due_cells(tables: Mapping[str, pd.DataFrame], rules: Rules) -> dict[str, pd.DataFrame]:
    """Every cell that should be filled by ``table.column``: household, township, filled, due, unknown. A column that no row fills was not given."""
    wanted = rules.value("quality.complete.cells")
    ages = wanted.get("ages", {})
    homes = tables["households"][["household_id", "township_code"]]
    people = tables["persons"][["person_id", "household_id", "birth_date"]].merge(homes, on="household_id", how="left")
    age = _age(people["birth_date"], rules.day)
    out = {}
    for name in wanted["cells"]:
        table, _, column = name.partition(".")
        by_person = "person_id" in TABLES[table].key
        key, base = ("person_id", people) if by_person else ("household_id", homes)
        values = base[key].map(tables[table].set_index(key)[column])
        due = pd.Series(True, index=base.index, dtype="boolean")
        if name in ages:
            due = (age >= ages[name][0]) & (age <= ages[name][1])
        out[name] = _cells(base, values, due, given=tables[table][column].notna().any())
    income = tables["household_income"]
    known = income.loc[(income["period"] == "quarter") & income["net_fen"].notna(), "household_id"]
    given = bool(len(tables["income_items"]) or len(tables["income_sheet"]))
    everyone = pd.Series(True, index=homes.index, dtype="boolean")
    out["household_income.net_fen"] = _cells(homes, homes["household_id"].where(homes["household_id"].isin(known)), everyone, given=given)
    return out


def _cells(base: pd.DataFrame, values: pd.Series, due: pd.Series, *, given: bool) -> pd.DataFrame:
    filled, sure = values.notna(), due.fillna(False).astype(bool)
    judged = sure & given
    return base[["household_id", "township_code"]].assign(numerator=filled & judged, denominator=judged, unknown=(sure & (not given)) | due.isna())


def _age(birth: pd.Series, day: Any) -> pd.Series:
    had = (birth.dt.month < day.month) | ((birth.dt.month == day.month) & (birth.dt.day <= day.day))
    return (day.year - birth.dt.year - (~had)).astype("Int64").mask(birth.isna())


def _sum_cells(cells: Mapping[str, pd.DataFrame], ledgers: Iterable[str] = ()) -> pd.DataFrame:
    kept = [frame[_NAMES].groupby("township_code", dropna=False).sum() for name, frame in cells.items() if not ledgers or name.partition(".")[0] in ledgers]
    return pd.concat(kept).reset_index() if kept else _nothing()


def _whole_households(cells: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Households of which no cell that should be filled is blank in the ledgers that were given."""
    every = pd.concat([frame.assign(blank=frame["denominator"] & ~frame["numerator"]) for frame in cells.values()])
    homes = every.groupby("household_id").agg(township_code=("township_code", "first"), blank=("blank", "any"), judged=("denominator", "any"))
    return _counted(homes["township_code"], ~homes["blank"] & homes["judged"], homes["judged"], ~homes["judged"])


# ---- accurate ------------------------------------------------------------------------------------------------------------


def _accurate(tables: Mapping[str, pd.DataFrame], rules: Rules, place: pd.Series) -> dict[str, pd.DataFrame]:
    """Filled cells, cells that a source has too, tests of the error checks, and households."""
    wrong = _wrong_cells(tables, rules)
    filled = [_filled(tables[name], place) for name in _LEDGERS]
    beside = wrong[~wrong["filled"]]["household_id"].map(place)
    marked = wrong["household_id"].map(place)
    counts = tables["check_counts"]
    late = rules.value("quality.timely.exit_year")["checks"]
    tests = counts[(counts["severity"] == "error") & ~counts["check_key"].str.startswith("check.blank.") & ~counts["check_key"].isin(late)]
    return {
        "accurate": pd.concat([*filled, _counted(beside, 1, 1), _counted(marked, -1, 0)]),
        "accurate_sources": _sources(tables.get("source_counts"), place),
        "accurate_checks": _counted(tests["township_code"], tests["passed"], tests["passed"] + tests["failed"], tests["unknown"]),
        "accurate_households": _households_without(place, set(wrong["household_id"])),
    }


def _filled(frame: pd.DataFrame, place: pd.Series) -> pd.DataFrame:
    """Filled cells of a ledger by row."""
    columns = [name for name in frame.columns if name not in _NOT_CELLS]
    number = frame[columns].notna().sum(axis=1)
    return _counted(frame["household_id"].map(place), number, number)


def _wrong_cells(tables: Mapping[str, pd.DataFrame], rules: Rules) -> pd.DataFrame:
    """Cells that an error of reading, an error of a check or a difference between sources names: household, subject, field, and whether it is filled.

    A check that sets several cells against each other names all of them, since it does not know which is wrong. What is blank, or late, is not
    counted here, and a doubt is no error.
    """
    items, counts = tables["work_list"], tables["check_counts"]
    errors = set(counts.loc[counts["severity"] == "error", "check_key"]) - set(rules.value("quality.timely.exit_year")["checks"])
    is_check = (items["kind"] == "check") & items["code"].isin(errors) & ~items["code"].str.startswith("check.blank.").fillna(False)
    blank = rules.value("quality.accurate.blank_codes")["codes"]
    is_finding = (items["kind"] == "finding") & items["gravity"].isin(["error", "verdict"]) & ~items["code"].isin(blank)
    now = items[items["status"].isin(["new", "open"]) & (is_check | is_finding | (items["kind"] == "difference")) & items["household_id"].notna()]
    now = now[now["household_id"].isin(tables["households"]["household_id"])]
    named = now["fields"].fillna(now["code"] + " " + now["heading"].fillna("").str.replace(" ", "")).str.split(" ")
    cells = now[["household_id", "subject_id"]].assign(field=named.where(now["fields"].notna(), named.str.join("/"))).explode("field")
    cells = cells.drop_duplicates(["subject_id", "field"])
    return cells.assign(filled=_is_filled(cells, tables))


def _is_filled(cells: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> pd.Series:
    out = pd.Series(False, index=cells.index)
    for name in cells["field"].unique():
        table, _, column = str(name).partition(".")
        if table in _LEDGERS and column in TABLES[table].names and column not in _NOT_CELLS:
            key = next(one for one in TABLES[table].key if one != "quarter")
            values = tables[table].drop_duplicates(key).set_index(key)[column]
            here = cells["field"] == name
            out = out.where(~here, cells["subject_id"].map(values).notna())
    return out


def _sources(counts: pd.DataFrame | None, place: pd.Series) -> pd.DataFrame:
    """Cells that at least two sources fill: how many agree; unknown where only one does, or no other source was given."""
    if counts is None or counts.empty:
        return _counted(place, 0, 0, 1)
    cells = counts[counts["field"].str.contains(".", regex=False)]
    if not cells["compared"].fillna(0).sum():
        return _counted(place, 0, 0, 1)
    agree, differ, unknown = (cells[name].fillna(0) for name in ("agree", "differ", "unknown"))
    return _counted(cells["township_code"], agree, agree + differ, unknown)


def _households_without(place: pd.Series, marked: set[str]) -> pd.DataFrame:
    return _counted(place, ~place.index.isin(marked), 1)


# ---- timely --------------------------------------------------------------------------------------------------------------


def _own_quarter_lines(tables: Mapping[str, pd.DataFrame], rules: Rules, place: pd.Series, signs: list[Any]) -> pd.DataFrame:
    """Lines of the income ledger: of this quarter, or of another one."""
    found = tables["findings"]
    other = found.loc[found["code"].isin(rules.value("quality.timely.other_quarter")["codes"]), "household_id"]
    signs.append(set(other.dropna()))
    lines = tables["income_items"]["household_id"]
    if lines.empty and other.empty:
        return _counted(place, 0, 0, 1)
    return pd.concat([_counted(lines.map(place), 1, 1), _counted(other.map(place), 0, 1)])


def _exit_years(tables: Mapping[str, pd.DataFrame], rules: Rules, place: pd.Series, signs: list[Any]) -> pd.DataFrame:
    checks = rules.value("quality.timely.exit_year")["checks"]
    results = tables["check_results"]
    blank = results[results["check_key"].isin(checks) & (results["outcome"] == "fail")]["household_id"]
    signs.append(set(blank))
    status = tables["households"].set_index("household_id")["poverty_status"]
    out = place[status.reindex(place.index) == "out"]
    return pd.concat([_counted(out, ~out.index.isin(set(blank)), 1), _counted(place[status.reindex(place.index).isna()], 0, 0, 1)])


def _fresh_income(
    tables: Mapping[str, pd.DataFrame], rules: Rules, quarter: str, previous: Mapping[str, pd.DataFrame] | None, place: pd.Series, signs: list[Any],
) -> pd.DataFrame:
    """Households whose income sheet does not repeat last quarter's to the fen; unknown where one of the two is not there."""
    if previous is None:
        return _counted(place, 0, 0, 1)
    columns = [name.partition(".")[2] for name in rules.value("quality.timely.repeated")["cells"]]
    now, before = (_sheet(frame["income_sheet"], columns, place) for frame in (tables, previous))
    known = now.notna().all(axis=1) & before.notna().all(axis=1)
    some = known & (now.fillna(0) != 0).any(axis=1)
    repeated = some & (now.fillna(0) == before.fillna(0)).all(axis=1)
    signs.append(set(place.index[repeated]))
    return _counted(place, some & ~repeated, some, ~known)


def _sheet(frame: pd.DataFrame, columns: list[str], place: pd.Series) -> pd.DataFrame:
    newest = frame.sort_values("quarter").drop_duplicates("household_id", keep="last")
    return newest.set_index("household_id")[columns].reindex(place.index)


def _updates(tables: Mapping[str, pd.DataFrame], previous: Mapping[str, pd.DataFrame] | None, place: pd.Series, signs: list[Any]) -> pd.DataFrame:
    """Changes of the register: entered in the quarter in which the booklet or the household file has them, or after them.

    A cell that changed since last quarter is in time where no source differed from it a quarter ago; it is late where one did, or where one
    differs now while the register still says what it said. Unknown, household by household, where the sources of both quarters are not there.
    """
    if previous is None or not all(_compared(one.get("source_counts")) for one in (tables, previous)):
        return _counted(place, 0, 0, 1)
    now, before = (_difference_keys(one["source_differences"]) for one in (tables, previous))
    rows = [_nothing()]
    for name in sorted(set(tables["source_counts"]["field"].dropna())):
        table, _, column = name.partition(".") if "." in name else (_table_of(name), "", name)
        if table not in _LASTING or column not in TABLES[table].names or column in TABLES[table].key:
            continue
        key = next(one for one in TABLES[table].key if one != "quarter")
        pair = tables[table].merge(previous[table][[key, column]], on=key, suffixes=("", "_before"))
        same = (pair[column] == pair[f"{column}_before"]) | (pair[column].isna() & pair[f"{column}_before"].isna())
        changed = ~same.fillna(False).astype(bool)
        pairs = pd.MultiIndex.from_product([[name], pair[key]]) if len(pair) else pd.MultiIndex.from_arrays([[], []])
        was, still = pairs.isin(before), pairs.isin(now) & ~changed.to_numpy()
        signs.append(set(pair.loc[(changed & was) | still, "household_id"]))
        rows.append(_counted(pair["household_id"].map(place), changed & ~was, changed | still))
    return pd.concat(rows)


def _compared(counts: pd.DataFrame | None) -> bool:
    """Whether another source was given."""
    return counts is not None and bool(counts["compared"].fillna(0).sum())


def _difference_keys(frame: pd.DataFrame) -> list[tuple[str, str]]:
    subject = frame["person_id"].fillna(frame["household_id"])
    kept = subject.notna() & frame["field"].notna()
    return list(zip(frame.loc[kept, "field"], subject[kept], strict=True))


def _table_of(column: str) -> str:
    return next((name for name in _LEDGERS if column in TABLES[name].names), "")


def _lists(tables: Mapping[str, pd.DataFrame], rules: Rules, signs: list[Any]) -> pd.DataFrame:
    """Registered persons whom a department's list has: those of whom the list says what the register does not say yet."""
    wanted = rules.value("quality.timely.flags")["flags"]
    flags = tables["department_flags"]
    signs.append(set(flags.loc[flags["flag_key"].isin(wanted) & (flags["strength"] == "exact"), "household_id"]))
    counts = tables["department_counts"]
    counts = counts[counts["flag_key"].isin(wanted)]
    given = counts["list_given"].fillna(False).astype(bool)
    looked = (counts["matched"].fillna(0) + counts["flagged"].fillna(0).where(counts["direction"] == "missing", 0)).where(given, 0)
    flagged = counts["flagged"].fillna(0).where(given, 0).clip(upper=looked)
    return _counted(counts["township_code"], looked - flagged, looked, counts["unknown"].fillna(0).where(given, 1))


def _mending(tables: Mapping[str, pd.DataFrame], rules: Rules) -> pd.DataFrame:
    """Things to mend whose day has passed by the end of the quarter: closed this quarter, or still open; unknown where they could not be checked."""
    items = tables["work_list"]
    due = items[(items["deadline_date"] <= pd.Timestamp(rules.day)).fillna(False)]
    unchecked = due["status"] == "unchecked"
    return _counted(due["township_code"], ~due["status"].isin(_OPEN), ~unchecked, unchecked)
