"""The table of indicators: every area, group, period and indicator of one quarter (指标表).

Areas are the county, its townships and its villages; groups are everybody, and by household attribute, cause of poverty and poverty status (villages:
everybody only, since finer groups of a village hold a few households and would show single families). Every group of the code lists has its rows in
every township, empty or not, so that a table of one quarter has the same shape as that of the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from linwu_stats.indicators import composition, inequality, poverty
from linwu_stats.indicators.definitions import DEFINITIONS
from linwu_stats.indicators.measure import Measure
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform, require

__all__ = ["ANNUAL_PERIODS", "GROUPS", "make_indicators", "township_contributions"]

GROUPS = ("all", "attribute", "cause", "poverty_status")
#: Periods that hold a whole year of income, so that they may be compared with the line of a year.
ANNUAL_PERIODS = ("last4", "year")

_QUANTILES = {"p10": Fraction(1, 10), "p25": Fraction(1, 4), "median": Fraction(1, 2), "p75": Fraction(3, 4), "p90": Fraction(9, 10)}
_CONTRIBUTIONS = {"headcount_contribution_share": "headcount_ratio", "gap_contribution_share": "poverty_gap_index"}
_NAMES = [name for name, definition in DEFINITIONS.items() if definition.only == ""]
_MEASURED = [name for name in _NAMES if name not in ("households", "persons", "known_income_persons")]
_ANNUAL = [name for name in _NAMES if DEFINITIONS[name].annual]
#: Indicators whose known households are those with all income classes known.
_COMPOSED = frozenset(
    f"{name}_{what}" for name in composition.CLASSES for what in ("share", "percapita_yuan", "share_change", "percapita_change_percent")
)


def make_indicators(
    household_income: Any,
    households: Any,
    rules: Rules,
    *,
    quarter: str,
    line_year: int | Mapping[str, int],
    headcounts: Any = None,
    groups: Sequence[str] = GROUPS,
    previous_household_income: Any = None,
    previous_households: Any = None,
    poor_sign: str = "<",
) -> pd.DataFrame:
    """Income, poverty and inequality of every area and group (指标表), table ``indicators``.

    Takes ``household_income`` (one row per household and period) and ``households`` of one quarter, on pandas or any engine that narwhals knows;
    ``headcounts`` gives the persons of households whose income has no head count (else the size that the register records). The line is
    that of ``line_year`` (one year, or one for each period of a whole year: ``{"last4": 2018, "year": 2017}``) on the basis of rule ``line.basis``.
    ``previous_household_income`` is the same table of the same quarter a year ago and ``previous_households`` its register (today's register where it
    is not given). ``poor_sign``: see :mod:`linwu_stats.indicators.poverty`.

    All four periods are always given. Households without a row, with unknown income, with an unknown or zero head count are left out of the values
    and counted in ``unknown_households`` and ``unknown_persons``; composition counts those with an unknown income class too. Indicators that compare with
    the line of a year are null, ``part_year``, for the periods of less than a year. Rules: area.county, township.*, line.*.

    Raises ``ValueError`` for a household of the income table that the register lacks, a quarter that does not fit, a group that is not known.
    """
    if strange := sorted(set(groups) - set(GROUPS)):
        raise ValueError(f"groups {', '.join(strange)} are not known (未知的分组): choose from {', '.join(GROUPS)}")
    register = _read_register(households, headcounts)
    income = _to_pandas(household_income, "household_income")
    earlier = None if previous_household_income is None else _to_pandas(previous_household_income, "household_income")
    _check_quarters(income, earlier, quarter)
    before_register = register if previous_households is None else _read_register(previous_households, None)
    years = line_year if isinstance(line_year, Mapping) else dict.fromkeys(ANNUAL_PERIODS, line_year)
    frames = []
    for period in CODES["period"]:
        line = _Line(period, rules.line_fen(years[period]) if period in years else None, poor_sign)
        now = _Rows.of(income, register, period, stray="error")
        year_ago = None if earlier is None else _Rows.of(earlier, before_register, period, stray="drop" if previous_households is None else "error")
        for layout in _layouts(rules, register, groups):
            frames.append(_measure_layout(now, year_ago, layout, line).assign(level=layout.level, group_kind=layout.kind, period=period))
    return conform(pd.concat(frames, ignore_index=True), "indicators")


def township_contributions(indicators: pd.DataFrame, period: str = "last4") -> pd.DataFrame:
    """Each township's part in the county's poverty (各乡镇贡献率), largest first.

    Takes the table ``indicators`` and a period of a whole year. Gives one row per township: ``township_code``, ``persons`` (with known income),
    ``persons_share``, ``headcount_ratio``, ``poverty_gap_index``, ``headcount_contribution_share``, ``gap_contribution_share`` (shares add up to 1) and
    ``reason_code`` where there is no share. A contribution above the share of persons marks a township poorer than the county.
    """
    require(indicators, "indicators")
    if period not in ANNUAL_PERIODS:
        raise ValueError(f"period {period!r} is not a whole year (不足一年): choose {' or '.join(ANNUAL_PERIODS)}")
    wanted = [*_CONTRIBUTIONS, *_CONTRIBUTIONS.values(), "known_income_persons"]
    rows = indicators[
        (indicators["level"] == "township") & (indicators["group_kind"] == "all") & (indicators["period"] == period) & indicators["indicator"].isin(wanted)
    ]
    wide = rows.pivot(index="area_code", columns="indicator", values="value").reindex(columns=wanted)
    wide["persons"] = wide["known_income_persons"].astype("Int64")
    wide["persons_share"] = (wide["persons"] / wide["persons"].sum()).astype("Float64")
    wide["reason_code"] = rows[rows["indicator"] == "headcount_contribution_share"].set_index("area_code")["reason_code"]
    wide = wide.rename_axis(index="township_code", columns=None).reset_index()
    columns = [
        "township_code", "persons", "persons_share", "headcount_ratio", "poverty_gap_index",
        "headcount_contribution_share", "gap_contribution_share", "reason_code",
    ]
    order = ["headcount_contribution_share", "township_code"]
    return wide[columns].sort_values(order, ascending=[False, True], na_position="last", ignore_index=True)


def _to_pandas(frame: Any, name: str) -> pd.DataFrame:
    if isinstance(frame, pd.DataFrame):
        return conform(frame, name)
    return conform(nw.from_native(frame).lazy().collect(backend="pandas").to_native(), name)


def _read_register(households: Any, headcounts: Any) -> pd.DataFrame:
    """One row per household in the order of the codes: areas, groups (``unknown`` where blank) and the persons to count where no income says so."""
    register = _to_pandas(households, "households").sort_values("household_id", ignore_index=True)
    size = register["recorded_size_persons"]
    if headcounts is not None:
        counted = _to_pandas(headcounts, "headcounts").set_index("household_id").reindex(register["household_id"])
        size = counted["headcount_persons"].fillna(counted["registered_persons"]).reset_index(drop=True).fillna(size)
    kinds = {kind: register[kind].fillna("unknown") for kind in GROUPS if kind != "all"}
    return register[["household_id", "township_code", "village_code"]].assign(**kinds, all="all", size_persons=size)


def _check_quarters(income: pd.DataFrame, earlier: pd.DataFrame | None, quarter: str) -> None:
    if not re.fullmatch(r"\d{4}Q[1-4]", quarter):
        raise ValueError(f"the quarter is written as 2018Q1, not {quarter!r} (季度格式有误)")
    ago = f"{int(quarter[:4]) - 1}{quarter[4:]}"
    for frame, wanted, what in ((income, quarter, "household_income"), (earlier, ago, "previous_household_income")):
        if frame is None:
            continue
        ends = set(frame.loc[frame["period"] == "quarter", "last_quarter"].dropna().unique())
        if ends - {wanted}:
            raise ValueError(f"{what} (家庭纯收入表): its period 'quarter' ends in {', '.join(sorted(ends))}, {wanted} is expected (季度不符)")


class _Layout(NamedTuple):
    """One block of the table: areas of a level, each with the groups of one kind."""

    level: str
    kind: str
    areas: list[str]
    values: list[str]


class _Line(NamedTuple):
    """What a group is compared with: nothing where the period is not a whole year."""

    period: str
    fen: int | None
    poor_sign: str


@dataclass(frozen=True)
class _Rows:
    """One period of the register, one place per household, as arrays: what is unknown is 0 there and marked by ``known`` or ``composed``."""

    register: pd.DataFrame
    amounts: dict[str, np.ndarray]
    headcount: np.ndarray
    known: np.ndarray
    composed: np.ndarray
    size: np.ndarray
    sized: np.ndarray

    @classmethod
    def of(cls, income: pd.DataFrame, register: pd.DataFrame, period: str, stray: str) -> _Rows:
        part = income[income["period"] == period].set_index("household_id")
        strangers = part.index.difference(register["household_id"])
        if len(strangers) and stray == "error":
            raise ValueError(
                f"household_income (家庭纯收入表): {len(strangers)} households are not in the register, the first is {strangers[0]} (贫困户表中没有): "
                "make both tables from the same quarter"
            )
        part = part.reindex(register["household_id"])
        heads = part["headcount_persons"]
        if (heads < 0).any():
            raise ValueError(f"household_income (家庭纯收入表): the head count of {heads[heads < 0].index[0]} is negative (计算人口为负)")
        known = (part["net_fen"].notna() & heads.notna() & (heads > 0).fillna(False)).to_numpy(dtype=bool)
        columns = list(composition.CLASSES.values())
        size = heads.reset_index(drop=True).fillna(register["size_persons"])
        return cls(
            register=register,
            amounts={name: part[name].to_numpy(dtype="int64", na_value=0) for name in ("net_fen", *columns)},
            headcount=heads.to_numpy(dtype="int64", na_value=0),
            known=known,
            composed=known & part[columns].notna().all(axis=1).to_numpy(dtype=bool),
            size=size.to_numpy(dtype="int64", na_value=0),
            sized=size.notna().to_numpy(dtype=bool),
        )


def _layouts(rules: Rules, register: pd.DataFrame, groups: Sequence[str]) -> Iterator[_Layout]:
    townships = sorted({rule.key.removeprefix("township.") for rule in rules.under("township.")} | set(register["township_code"]))
    areas = {"county": [str(rules.value("area.county")["code"])], "township": townships, "village": sorted(set(register["village_code"]))}
    for level, codes in areas.items():
        for kind in groups:
            if kind == "all":
                yield _Layout(level, kind, codes, ["all"])
            elif level != "village":
                yield _Layout(level, kind, codes, [*CODES[kind], *(["unknown"] if (register[kind] == "unknown").any() else [])])


def _measure_layout(now: _Rows, year_ago: _Rows | None, layout: _Layout, line: _Line) -> pd.DataFrame:
    before = None if year_ago is None else _members(year_ago, layout)
    places = [(area, group) for area in layout.areas for group in layout.values]
    cells, found = [], []
    for position, members in enumerate(_members(now, layout)):
        measures = _measure_group(now, members, line)
        measures |= _changes(measures, None if before is None else _measure_composition(year_ago, before[position]))
        counts, counts_composed = _counts(now, members, now.known), _counts(now, members, now.composed)
        cells += [(*places[position], name, *_cell(name, measures, counts_composed if name in _COMPOSED else counts)) for name in _NAMES]
        found.append((measures, counts))
    if layout.level == "township" and layout.kind == "all":
        known_persons = [measures["known_income_persons"].value for measures, _ in found]
        for name, base in _CONTRIBUTIONS.items():
            parts = poverty.contributions(known_persons, [measures[base] for measures, _ in found])
            cells += [(*place, name, *part, *counts) for place, part, (_, counts) in zip(places, parts, found, strict=True)]
    columns = ["area_code", "group_value", "indicator", "value", "reason_code", "households", "persons", "unknown_households", "unknown_persons"]
    table = pd.DataFrame(cells, columns=columns)
    return table.assign(unit=table["indicator"].map({name: definition.unit for name, definition in DEFINITIONS.items()}))


def _members(rows: _Rows, layout: _Layout) -> list[np.ndarray]:
    """Places of the households of each area and group, area by area, in the order of the register."""
    register, cells = rows.register, len(layout.areas) * len(layout.values)
    area = np.zeros(len(register), dtype=int) if layout.level == "county" else pd.Index(layout.areas).get_indexer(register[f"{layout.level}_code"])
    group = pd.Index(layout.values).get_indexer(register[layout.kind])
    # An earlier register may hold areas or blanks that today's does not: they belong to no group of today.
    cell = np.where((area < 0) | (group < 0), cells, area * len(layout.values) + group)
    order = np.argsort(cell, kind="stable")
    return np.split(order, np.searchsorted(cell[order], np.arange(1, cells + 1)))[:-1]


def _measure_group(rows: _Rows, members: np.ndarray, line: _Line) -> dict[str, Measure]:
    known = members[rows.known[members]]
    if len(known) == 0:
        nothing = {"known_income_persons": Measure(0.0)} | dict.fromkeys(_MEASURED, Measure(None, _why_none(members)))
        return nothing if line.period in ANNUAL_PERIODS else nothing | dict.fromkeys(_ANNUAL, Measure(None, "part_year"))
    heads, net = rows.headcount[known], rows.amounts["net_fen"][known]
    spread = inequality.quantiles(heads, net, heads, tuple(_QUANTILES.values()))
    return {
        "known_income_persons": Measure(float(heads.sum())),
        "nonpositive_income_persons": Measure(float(heads[net <= 0].sum())),
        **{f"{name}_percapita_yuan": _yuan(measure) for name, measure in zip(_QUANTILES, spread, strict=True)},
        **_measure_composition(rows, members),
        **_measure_poverty(heads, net, line),
        "gini": inequality.gini(heads, net, heads),
        "theil": inequality.theil(heads, net, heads),
        "quintile_share_ratio": inequality.quintile_share_ratio(heads, net, heads),
    }


def _measure_poverty(heads: np.ndarray, net: np.ndarray, line: _Line) -> dict[str, Measure]:
    if line.period not in ANNUAL_PERIODS:
        return dict.fromkeys(_ANNUAL, Measure(None, "part_year"))
    return {
        "headcount_ratio": poverty.headcount_ratio(heads, net, heads, line.fen, line.poor_sign),
        "poverty_gap_index": poverty.poverty_gap_index(heads, net, heads, line.fen),
        "squared_poverty_gap_index": poverty.squared_poverty_gap_index(heads, net, heads, line.fen),
        "watts_index": poverty.watts_index(heads, net, heads, line.fen),
    }


def _measure_composition(rows: _Rows, members: np.ndarray) -> dict[str, Measure]:
    known, composed = members[rows.known[members]], members[rows.composed[members]]
    none = Measure(None, _why_none(members))
    heads, net = rows.headcount, rows.amounts["net_fen"]
    measures = {"mean_percapita_yuan": _yuan(inequality.mean(heads[known], net[known], heads[known])) if len(known) else none}
    classes = {name: rows.amounts[column][composed] for name, column in composition.CLASSES.items()}
    parts = composition.compose_income(heads[composed], net[composed], heads[composed], classes) if len(composed) else dict.fromkeys(classes, (none, none))
    for name, (share, amount) in parts.items():
        measures |= {f"{name}_share": share, f"{name}_percapita_yuan": _yuan(amount)}
    return measures


def _why_none(members: np.ndarray) -> str:
    return "all_unknown" if len(members) else "empty_group"


def _changes(now: dict[str, Measure], before: dict[str, Measure] | None) -> dict[str, Measure]:
    def pair(name: str) -> tuple[Measure, Measure | None]:
        return now[name], None if before is None else before[name]

    changes = {"mean_percapita_change_yuan": composition.change(*pair("mean_percapita_yuan"))}
    changes["mean_percapita_change_percent"] = composition.change_percent(*pair("mean_percapita_yuan"))
    for name in composition.CLASSES:
        changes[f"{name}_share_change"] = composition.change(*pair(f"{name}_share"))
        changes[f"{name}_percapita_change_percent"] = composition.change_percent(*pair(f"{name}_percapita_yuan"))
    return changes


def _yuan(measure: Measure) -> Measure:
    return measure if measure.value is None else Measure(measure.value / 100)


def _counts(rows: _Rows, members: np.ndarray, known: np.ndarray) -> tuple[int, int | None, int, int | None]:
    """Households, persons, and how many of each are unknown; persons are None where a household's size is not known at all."""
    unknown = members[~known[members]]
    whole = bool(rows.sized[unknown].all())
    unknown_persons = int(rows.size[unknown].sum()) if whole else None
    persons = int(rows.size[members].sum()) if whole else None
    return len(members), persons, len(unknown), unknown_persons


def _cell(name: str, measures: dict[str, Measure], counts: tuple[int, int | None, int, int | None]) -> tuple[Any, ...]:
    if name == "households":
        return (float(counts[0]), None, *counts)
    if name == "persons":
        return (None, "headcount_unknown", *counts) if counts[1] is None else (float(counts[1]), None, *counts)
    return (*measures[name], *counts)
