"""The poor household's booklet and the household file (扶贫手册、一户一档): what each says of a household, right or wrong, and the true differences.

Both are the system's values with the faults of ``source_faults`` put in. ``true_differences`` works the answers out by plain loops, person by person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from linwu_stats.synthetic.county import County, sheet_of
from linwu_stats.synthetic.dates import QUARTERS, YEAR_END
from linwu_stats.synthetic.draw import Draw
from linwu_stats.synthetic.people import Household
from linwu_stats.synthetic.source_faults import SOURCES, Fault, faults_at, plan_faults
from linwu_stats.synthetic.source_pages import MONEY, Page, leave_late, page_of, put_in
from linwu_stats.tables import CODES

__all__ = ["SOURCE_FILES", "SOURCE_HEADINGS", "source_pages", "source_rows", "true_differences"]

#: File of each source; both are there for the two newest quarters.
SOURCE_FILES = {"booklet": "扶贫手册.xlsx", "household_file": "一户一档.xlsx"}
_NUMBER = {"booklet": "手册编号", "household_file": "档案编号"}
PERSON_FIELDS = ("name", "id_number", "relation", "sex", "birth_date", "health", "labour", "schooling_stage", "resident")
HOUSEHOLD_FIELDS = (
    "household_id", "recorded_size_persons", "poverty_status", "exit_year", "attribute", "cause", "housing_grade", "litres_per_person_day", "quality_ok",
    *MONEY,
)
SOURCE_HEADINGS = {
    source: [
        number, "户编号", "户主姓名", "乡(镇)", "行政村", "姓名", "证件号码", "与户主关系", "性别", "出生日期", "健康状况", "劳动技能",
        "在校生状况", "是否常住", "家庭人口", "脱贫属性", "脱贫年度", "贫困户属性", "主要致贫原因", "住房等级", "人均日供水量(升)",
        "水质达标", "工资性收入", "生产经营性收入", "财产性收入", "转移性收入", "生产经营性支出",
    ]
    for source, number in _NUMBER.items()
}

def source_rows(county: County, place: int, source: str) -> Iterable[list[Any]]:
    """Rows of a source's workbook in a quarter (一人一行): one per person, household values repeated; doubled households stand at the end again."""
    again: list[list[Any]] = []
    written = _terms()
    day = "%Y-%m-%d" if source == "booklet" else "%Y%m%d"
    for row, (household, people), faults in source_pages(county, place, source):
        for person in people:
            cells = [
                f"{'SC' if source == 'booklet' else 'DA'}{row.household_id[-6:]}", household["household_id"], row.members[0].name, row.village.township,
                row.village.name, *(written(name, person[name], day) for name in PERSON_FIELDS),
                *(written(name, household[name], day) for name in HOUSEHOLD_FIELDS[1:]),
            ]
            if any(fault.kind == "doubled" for fault in faults):
                again.append(cells)
            yield cells
    yield from again


def source_pages(county: County, place: int, source: str) -> Iterable[tuple[Household, Page, list[Fault]]]:
    """What a source says (来源内容): the register's household, (household values, persons' values) as codes, and the faults; a missing one has no persons."""
    faults = faults_at(plan_faults(county.seed, county.households), source, QUARTERS[place])
    sheet = {one["household_id"]: one for one in sheet_of(county, place)}
    late = {code for code, some in faults.items() if any(fault.kind == "late" for fault in some)}
    before = _sheet_before(county, place, late)
    for row in county.present(QUARTERS[place]):
        page = page_of(county, row, place, sheet[row.household_id])
        mine = faults.get(row.household_id, [])
        for fault in mine:
            draw = Draw(county.seed, source, row.household_id, fault.kind, fault.person)
            if fault.kind == "late":
                leave_late(page, county, row, place, before.get(row.household_id))
            else:
                put_in(fault, page, row, place, draw)
        yield row, page, mine


def true_differences(county: County, quarter: str) -> pd.DataFrame:
    """Where booklet and household file differ from the system in a quarter (真实差异), by slow loops.

    Gives household_id (the system's), person_id (blank: of the household, or a person whom the system does not have), field, the value in ``system``,
    ``booklet`` and ``household_file`` as text (codes, days as YYYY-MM-DD, money in fen; blank: not filled), ``since`` (first quarter of the oldest of its
    household's faults in the differing source) and ``decides`` (the difference was put in to change the household's verdict). Field ``presence`` counts how
    often a household or person is there. Takes a county with all its quarters. Raises ValueError for a quarter without these sources.
    """
    place = QUARTERS.index(quarter)
    if place < YEAR_END:
        raise ValueError(f"the sample has no booklet and household file in {quarter} (该季度没有手册和档案)")
    sheet = {one["household_id"]: one for one in sheet_of(county, place)}
    pages = {source: list(source_pages(county, place, source)) for source in SOURCES}
    found = []
    for number, row in enumerate(county.present(quarter)):
        system = page_of(county, row, place, sheet[row.household_id])
        kept = {source: pages[source][number][1] for source in SOURCES}
        faults = [fault for source in SOURCES for fault in pages[source][number][2]]
        if not faults:
            continue
        counts = {source: _times(pages[source][number]) for source in SOURCES}
        for person_id, name, values in _compare(system, kept, counts):
            about = [fault for fault in faults if values[fault.source] != values["system"]]
            since = QUARTERS[min((fault.first for fault in about), default=place)]
            decides = any(fault.decides and name in ("housing_grade", "quality_ok") for fault in about)
            found.append((row.household_id, person_id, name, values["system"], values["booklet"], values["household_file"], since, decides))
    columns = ["household_id", "person_id", "field", "system", *SOURCES, "since", "decides"]
    return pd.DataFrame(found, columns=columns).astype(dict.fromkeys(columns[:-1], "string") | {"decides": "bool"})


def _compare(system: Page, kept: dict[str, Page], counts: dict[str, int]) -> Iterable[tuple[str | None, str, dict[str, str | None]]]:
    """Person code, field and the three values of everything that is not the same in all three."""
    if set(counts.values()) != {1}:
        yield None, "presence", {"system": "1", **{source: str(count) for source, count in counts.items()}}
    here = {source: page for source, page in kept.items() if counts[source]}
    for name in HOUSEHOLD_FIELDS:
        values = {"system": _plain(system[0][name]), **{source: _plain(here[source][0][name]) if source in here else None for source in SOURCES}}
        if any(values[source] != values["system"] for source in here):
            yield None, name, values
    people = {"system": {one["person_id"]: one for one in system[1]}}
    people |= {source: {one["person_id"]: one for one in here[source][1]} if source in here else {} for source in SOURCES}
    for person_id in dict.fromkeys(code for some in people.values() for code in some):
        there = {source: person_id in people[source] for source in ("system", *here)}
        if len(set(there.values())) > 1:
            shown = {source: None if source not in there else str(int(there[source])) for source in ("system", *SOURCES)}
            yield person_id if person_id in people["system"] else None, "presence", shown
        if person_id not in people["system"]:
            continue
        for name in PERSON_FIELDS:
            values = {source: _plain(people[source][person_id][name]) if there.get(source) else None for source in ("system", *SOURCES)}
            if any(values[source] != values["system"] for source in here if there[source]):
                yield person_id, name, values


def _times(page: tuple[Household, Page, list[Fault]]) -> int:
    """How often a household stands in a source."""
    return 0 if not page[1][1] else 2 if any(fault.kind == "doubled" for fault in page[2]) else 1


def _plain(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:%Y-%m-%d}" if isinstance(value, dt.date) else str(value)


def _terms() -> Callable[[str, Any, str], Any]:
    """How a value is written in a cell."""
    lists = {
        "relation": "relation", "sex": "sex", "health": "health", "labour": "labour", "schooling_stage": "schooling_stage", "poverty_status": "poverty_status",
        "attribute": "attribute", "cause": "cause", "housing_grade": "housing_grade",
    }

    def written(name: str, value: Any, day: str) -> Any:
        if value is None:
            return None
        if name in lists:
            return CODES[lists[name]][value]
        if isinstance(value, bool):
            return "是" if value else "否"
        if name in MONEY:
            return value / 100
        return value.strftime(day) if isinstance(value, dt.date) else value

    return written


def _sheet_before(county: County, place: int, codes: set[str]) -> dict[str, dict[str, Any]]:
    some = [row for row in county.households if row.household_id in codes]
    lines = {place - 1: [line for line in county.lines[place - 1] if line[0] in codes]}
    return {one["household_id"]: one for one in sheet_of(replace(county, households=some, lines=lines), place - 1)} if some else {}
