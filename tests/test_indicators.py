"""Indicators (指标): worked examples, published values, an independent slow loop, reasons for every null."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from fractions import Fraction

import duckdb
import pandas as pd
import pytest

from linwu_stats.indicators import DEFINITIONS, REASONS, Measure, definitions_frame, make_indicators, township_contributions
from linwu_stats.indicators.composition import change, change_percent, compose_income
from linwu_stats.indicators.inequality import gini, mean, median, quantiles, quintile_share_ratio, theil
from linwu_stats.indicators.poverty import contributions, headcount_ratio, poverty_gap_index, squared_poverty_gap_index, watts_index
from linwu_stats.rules import rules_at
from linwu_stats.tables import CODES, TABLES, conform

RULES = rules_at("2018-03-31")
ONES = [1, 1, 1, 1]


def close(measure: Measure, expected: float, tolerance: float = 1e-12) -> bool:
    return measure.reason_code is None and math.isclose(measure.value, expected, rel_tol=tolerance, abs_tol=1e-14)


# ---- published values ----------------------------------------------------------------------------------------------


def test_handbook_country_c() -> None:
    """Haughton and Khandker (2009), Handbook on Poverty and Inequality, World Bank, chapter 4: incomes 100 110 150 160, line 125."""
    net = [10000, 11000, 15000, 16000]
    assert headcount_ratio(ONES, net, ONES, 12500) == Measure(0.5)
    assert close(poverty_gap_index(ONES, net, ONES, 12500), 0.08)
    assert close(squared_poverty_gap_index(ONES, net, ONES, 12500), 0.0136)
    # The handbook defines the Watts index as the mean of ln(line / income) over everybody: (ln 1.25 + ln 1.13636...) / 4.
    assert close(watts_index(ONES, net, ONES, 12500), (math.log(125 / 100) + math.log(125 / 110)) / 4)
    assert round(watts_index(ONES, net, ONES, 12500).value, 4) == 0.0877


def test_inequality_of_the_ineq_example() -> None:
    """Data of ?ineq in R's ineq package: Gini 0.4620911 and Theil 0.3623412, as public ports of the package record its results."""
    net = [54100, 146300, 244500, 343800, 443700, 540100, 639200, 830400, 1190400, 2226100]
    ones = [1] * 10
    assert round(gini(ones, net, ones).value, 7) == 0.4620911
    assert round(theil(ones, net, ones).value, 7) == 0.3623412


def test_gini_of_two_of_five() -> None:
    """Data of ?Gini in R's DescTools; by hand: 12 of 25 ordered pairs differ by 10, so (120 / 25) / (2 x 4) = 0.6."""
    assert close(gini([1] * 5, [10, 10, 0, 0, 0], [1] * 5), 0.6)
    assert close(gini([2, 3], [10, 0], [1, 1]), 0.6)


# ---- worked by hand ------------------------------------------------------------------------------------------------


def test_persons_weigh_not_households() -> None:
    # Four persons share 4,000 yuan, one has 6,000: mean (4,000 + 6,000) / 5 = 2,000; the middle person has 1,000.
    heads, net = [4, 1], [400000, 600000]
    assert mean(heads, net, heads) == Measure(200000.0)
    assert median(heads, net, heads) == Measure(100000.0)
    assert headcount_ratio(heads, net, heads, 295200) == Measure(0.8)
    # Gap of each of the four: (2,952 - 1,000) / 2,952.
    assert close(poverty_gap_index(heads, net, heads, 295200), 0.8 * 1952 / 2952)
    # Pairs: 4 x 1 of 25 ordered both ways differ by 5,000: (8 x 5,000 / 25) / (2 x 2,000) = 0.4.
    assert close(gini(heads, net, heads), 0.4)
    # Poorest fifth: one of the four, 1,000; richest fifth: 6,000.
    assert close(quintile_share_ratio(heads, net, heads), 6.0)


def test_quintile_share_ratio_splits_a_household() -> None:
    # Three persons with 1, 2 and 6: a fifth is 0.6 of a person: 0.6 x 1 against 0.6 x 6.
    assert close(quintile_share_ratio([1, 1, 1], [1, 2, 6], [1, 1, 1]), 6.0)
    # Ten persons: 1 of 1, 9 of 3: poorest two hold 1 + 3, richest two 6.
    assert close(quintile_share_ratio([1, 9], [1, 27], [1, 9]), 1.5)


def test_quantile_at_an_exact_share() -> None:
    quarter, half = Fraction(1, 4), Fraction(1, 2)
    # Exactly a quarter does not exceed 10: the mean of 10 and 20; exactly half does not exceed 20: 25.
    assert quantiles(ONES, [40, 10, 30, 20], ONES, (quarter, half)) == [Measure(15.0), Measure(25.0)]
    # Three persons: 1/3 < 1/2 <= 2/3.
    assert quantiles([1, 1, 1], [10, 20, 30], [1, 1, 1], (half,)) == [Measure(20.0)]
    # 0.1 has no exact float: with ten persons exactly a tenth is reached by the first, where 0.1 * 30 > 3 in floats would say not yet.
    assert 0.1 * 30 > 3 or 0.1 * 3 != 0.3
    assert quantiles([3] * 10, [3 * step for step in range(1, 11)], [3] * 10, (Fraction(1, 10),)) == [Measure(1.5)]
    with pytest.raises(ValueError, match="分位点"):
        quantiles(ONES, ONES, ONES, (Fraction(1),))


def test_composition_and_loss() -> None:
    heads = [2, 1]
    classes = {"wage": [600, 100], "business_net": [-200, 300], "property": [0, 0], "transfer": [100, 100]}
    found = compose_income(heads, [500, 500], heads, classes)
    assert {name: share.value for name, (share, _) in found.items()} == {"wage": 0.7, "business_net": 0.1, "property": 0.0, "transfer": 0.2}
    assert [round(amount.value, 9) for _, amount in found.values()] == [round(700 / 3, 9), round(100 / 3, 9), 0, round(200 / 3, 9)]
    lost = compose_income(heads, [-500, 500], heads, classes)
    assert lost["wage"] == (Measure(None, "net_not_positive"), Measure(700 / 3))


def test_changes() -> None:
    assert change_percent(Measure(110.0), Measure(100.0)) == Measure(10.0)
    assert change(Measure(0.25), Measure(0.5)) == Measure(-0.25)
    assert change(Measure(5.0), Measure(-5.0)) == Measure(10.0)
    for base in (0.0, -5.0):
        assert change_percent(Measure(5.0), Measure(base)) == Measure(None, "base_not_positive")
    assert change_percent(Measure(5.0), None) == Measure(None, "no_year_ago")
    assert change(Measure(5.0), Measure(None, "empty_group")) == Measure(None, "no_year_ago")
    assert change(Measure(5.0), Measure(None, "all_unknown")) == Measure(None, "year_ago_unknown")
    assert change(Measure(None, "all_unknown"), Measure(1.0)) == Measure(None, "all_unknown")


def test_contributions_add_up() -> None:
    parts = contributions([100, 300, 0, 50], [Measure(0.5), Measure(0.1), Measure(None, "empty_group"), Measure(0.0)])
    assert [part.value for part in parts] == [50 / 80, 30 / 80, None, 0.0]
    assert parts[2].reason_code == "empty_group"
    assert contributions([10, 5], [Measure(0.0), Measure(0.0)]) == [Measure(None, "no_poor")] * 2
    assert contributions([], []) == []


# ---- exactly on the line -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", ["<", "<="])
@pytest.mark.parametrize("heads", [1, 3, 7])
def test_the_line_to_the_fen(sign: str, heads: int) -> None:
    line = RULES.line_fen(2018)
    assert headcount_ratio([heads], [line * heads], [heads], line, sign) == Measure(1.0 if sign == "<=" else 0.0)
    assert headcount_ratio([heads], [line * heads + 1], [heads], line, sign) == Measure(0.0)
    # One fen short for the whole household rounds to the line per person, yet it is below.
    assert headcount_ratio([heads], [line * heads - 1], [heads], line, sign) == Measure(1.0)
    assert poverty_gap_index([heads], [line * heads], [heads], line) == Measure(0.0)


def test_where_float_money_would_misjudge() -> None:
    parts = [99536, 166655, 85243, 2066]
    assert sum(parts) == 353500
    yuan = 0.0
    for part in parts:
        yuan += part / 100
    assert yuan < 3535.0  # floats put this household below the line
    assert headcount_ratio([1], [sum(parts)], [1], 353500) == Measure(0.0)


def test_poor_sign_is_checked() -> None:
    with pytest.raises(ValueError, match="poor_sign"):
        headcount_ratio([1], [1], [1], 100, ">")
    for line in (0, -1, 10.5):
        with pytest.raises(ValueError, match="扶贫标准"):
            headcount_ratio([1], [1], [1], line)


# ---- nothing to measure --------------------------------------------------------------------------------------------

POVERTY = (headcount_ratio, poverty_gap_index, squared_poverty_gap_index, watts_index)
SPREAD = (gini, theil, quintile_share_ratio)


@pytest.mark.parametrize(("rows", "reason"), [([], "empty_group"), ([None, None], "all_unknown")])
def test_groups_without_known_rows(rows: list[None], reason: str) -> None:
    heads = [2] * len(rows)
    for measure in POVERTY:
        assert measure(heads, rows, heads, 100) == Measure(None, reason)
        assert measure(heads, [5] * len(rows), rows, 100) == Measure(None, reason)
    for measure in (*SPREAD, mean, median):
        assert measure(heads, rows, heads) == Measure(None, reason)
    assert compose_income(heads, rows, heads, {"wage": rows})["wage"] == (Measure(None, reason), Measure(None, reason))


def test_unknown_rows_are_left_out() -> None:
    net = pd.Series([100, None, 300, 500], dtype="Int64")
    heads = pd.Series([1, 1, None, 2], dtype="Int64")
    assert mean(heads, net, heads) == Measure(200.0)
    assert headcount_ratio(heads, net, heads, 200) == Measure(1 / 3)
    assert mean([1.0, math.nan], [100, 900], [1, 1]) == Measure(100.0)
    for weights in ([1, 0], [1.0, 0.0], pd.array([1, 0], dtype="Int64")):
        assert mean(weights, [100, 900], [1, 1]) == Measure(100.0)
        assert gini(weights, [100, 900], [1, 1]) == Measure(None, "single_household")


def test_single_household_has_no_spread() -> None:
    for measure in SPREAD:
        assert measure([3], [900], [3]) == Measure(None, "single_household")
    assert mean([3], [900], [3]) == median([3], [900], [3]) == Measure(300.0)


def test_zero_and_negative_incomes() -> None:
    heads = [1, 1, 1]
    # Watts: a poor person with nothing makes it null; a zero income that is not below the line cannot occur.
    assert watts_index(heads, [0, 50, 200], heads, 100) == Measure(None, "nonpositive_income")
    assert watts_index(heads, [-1, 50, 200], heads, 100) == Measure(None, "nonpositive_income")
    # A loss counts as nothing in the gaps: (1 + 0.5 + 0) / 3 and (1 + 0.25 + 0) / 3.
    assert close(poverty_gap_index(heads, [-70, 50, 200], heads, 100), 0.5)
    assert close(squared_poverty_gap_index(heads, [-70, 50, 200], heads, 100), 1.25 / 3)
    # Theil: 0 adds nothing: ratios 0, 1.5, 1.5: 2 x 1.5 ln 1.5 / 3 = ln 1.5.
    assert close(theil(heads, [0, 60, 60], heads), math.log(1.5))
    assert theil(heads, [-1, 60, 60], heads) == Measure(None, "negative_income")
    # Gini keeps a loss: pairs 10, 20, 10 twice over 9 x 2 x mean (0 is not allowed, 10 is).
    assert close(gini(heads, [0, 10, 20], heads), (10 + 20 + 10) * 2 / 9 / 20)
    assert close(gini(heads, [-10, 10, 30], heads), (20 + 40 + 20) * 2 / 9 / 20)
    for net in ([-10, 0, 10], [-10, -10, 0], [0, 0, 0]):
        assert gini(heads, net, heads) == Measure(None, "mean_not_positive")
    assert quintile_share_ratio(heads, [0, 5, 5], heads) == Measure(None, "bottom_not_positive")


@pytest.mark.parametrize(
    ("weights", "net", "heads", "word"),
    [
        ([1], [1, 2], [1, 1], "长度不一致"), ([1], [1.5], [1], "整数"), ([1], [math.inf], [1], "整数"), ([1], [1], [0], "计算人口"),
        ([1], [1], [-2], "计算人口"), ([-1], [1], [1], "权重"), ([math.inf], [1], [1], "权重"),
    ],
)
def test_bad_arrays_are_refused(weights: list, net: list, heads: list, word: str) -> None:
    for measure in (mean, gini, theil, quintile_share_ratio):
        with pytest.raises(ValueError, match=word):
            measure(weights, net, heads)
    with pytest.raises(ValueError, match=word):
        headcount_ratio(weights, net, heads, 100)


# ---- the table, against a loop over persons ------------------------------------------------------------------------

TOWNSHIPS = ("431025100", "431025101", "431025216")
COUNTS = ("households", "persons", "known_income_persons")
PERIODS = tuple(CODES["period"])
LAST = {"quarter": "2018Q1", "ytd": "2018Q1", "last4": "2018Q1", "year": "2017Q3"}


def small_county(seed: int, last: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invented households with every kind of gap: unknown income, class, head count, attribute, no member, a missing row, a loss."""
    draw = random.Random(seed)
    households, incomes = [], []
    for number in range(60):
        code = f"00431099{number:06d}"
        township = TOWNSHIPS[number % 3]
        heads = draw.choice([1, 2, 3, 4, 5])
        households.append({
            "household_id": code, "township_code": township, "village_code": f"{township}{200 + number % 2}",
            "poverty_status": draw.choice(["not_out", "out", None]), "attribute": draw.choice(["general", "low_income"]),
            "cause": draw.choice(["illness", "labour"]), "recorded_size_persons": None if number == 50 else heads,
        })
        for period in PERIODS:
            if number in (7, 50) or (number == 8 and period == "year"):
                continue
            scale = {"quarter": 1, "ytd": 2, "last4": 4, "year": 4}[period]
            parts = [draw.randrange(0, 40000) * heads * scale for _ in range(4)]
            parts[1] = draw.choice([parts[1], -parts[1] // 4, -200000 * scale if number % 20 == 3 else 0])
            parts = [0, 0, 0, 0] if number == 15 else parts
            row = dict(zip(("wage_fen", "business_net_fen", "property_fen", "transfer_fen"), parts, strict=True))
            row |= {"net_fen": sum(parts), "headcount_persons": heads}
            row |= {11: {"net_fen": None}, 12: {"headcount_persons": None}, 13: {"headcount_persons": 0}, 14: {"wage_fen": None}}.get(number, {})
            incomes.append({"household_id": code, "period": period, "last_quarter": last[period], **row})
    return conform(pd.DataFrame(incomes), "household_income"), conform(pd.DataFrame(households).astype({"recorded_size_persons": "Int64"}), "households")


def slow_group(rows: list[dict], line: int | None) -> dict[str, float | None]:
    """Everything about one group, person by person, in sixtieths of a fen (exact for 1 to 5 members); None where there is no value."""
    known = [row for row in rows if row["net_fen"] is not None and row["headcount_persons"]]
    persons = sorted(row["net_fen"] * 60 // row["headcount_persons"] for row in known for _ in range(row["headcount_persons"]))
    out: dict[str, float | None] = dict.fromkeys(DEFINITIONS)
    out["households"] = float(len(rows))
    out["known_income_persons"] = float(len(persons))
    sizes = [row["headcount_persons"] if row["headcount_persons"] is not None else row["recorded_size_persons"] for row in rows]
    out["persons"] = None if None in sizes else float(sum(sizes))
    composed = [row for row in known if all(row[name] is not None for name in ("wage_fen", "business_net_fen", "property_fen", "transfer_fen"))]
    if composed:
        heads = sum(row["headcount_persons"] for row in composed)
        total = sum(row["net_fen"] for row in composed)
        for name in ("wage", "business_net", "property", "transfer"):
            part = sum(row[f"{name}_fen"] for row in composed)
            out[f"{name}_percapita_yuan"] = part / heads / 100
            out[f"{name}_share"] = part / total if total > 0 else None
    if not persons:
        return out
    count, total = len(persons), sum(persons)
    out["nonpositive_income_persons"] = float(sum(1 for income in persons if income <= 0))
    out["mean_percapita_yuan"] = float(Fraction(total, count) / 6000)
    for name, percent in {"p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90}.items():
        place = next(at for at, income in enumerate(persons) if sum(1 for other in persons if other <= income) * 100 >= percent * count)
        at_most = sum(1 for other in persons if other <= persons[place])
        exact = at_most * 100 == percent * count and at_most < count
        out[f"{name}_percapita_yuan"] = float(Fraction(persons[place] + persons[at_most], 12000) if exact else Fraction(persons[place], 6000))
    if len(known) > 1 and total > 0:
        out["gini"] = sum(abs(one - other) for one in persons for other in persons) / (2 * count * total)
        if persons[0] >= 0:
            out["theil"] = sum(income * count / total * math.log(income * count / total) for income in persons if income > 0) / count
        fifths = sorted(income for income in persons for _ in range(5))
        out["quintile_share_ratio"] = sum(fifths[-count:]) / sum(fifths[:count]) if sum(fifths[:count]) > 0 else None
    if line is not None:
        poor = [income for income in persons if income < line * 60]
        gaps = [Fraction(line * 60 - max(income, 0), line * 60) for income in poor]
        out["headcount_ratio"] = len(poor) / count
        out["poverty_gap_index"] = float(sum(gaps) / count)
        out["squared_poverty_gap_index"] = float(sum(gap * gap for gap in gaps) / count)
        out["watts_index"] = None if poor and min(poor) <= 0 else sum(math.log(line * 60 / income) for income in poor) / count
    return out


def slow_change(now: dict[str, float | None], ago: dict[str, float | None]) -> dict[str, float | None]:
    def both(name: str) -> bool:
        return now[name] is not None and ago[name] is not None

    def percent(name: str) -> float | None:
        return (now[name] / ago[name] - 1) * 100 if both(name) and ago[name] > 0 else None

    mean_name = "mean_percapita_yuan"
    out = {"mean_percapita_change_yuan": now[mean_name] - ago[mean_name] if both(mean_name) else None, "mean_percapita_change_percent": percent(mean_name)}
    for name in ("wage", "business_net", "property", "transfer"):
        out[f"{name}_share_change"] = now[f"{name}_share"] - ago[f"{name}_share"] if both(f"{name}_share") else None
        out[f"{name}_percapita_change_percent"] = percent(f"{name}_percapita_yuan")
    return out


def slow_rows(income: pd.DataFrame, households: pd.DataFrame) -> dict[tuple, list[dict]]:
    """Households of each (level, area, kind, group, period)."""
    plain = [{name: None if pd.isna(value) else value for name, value in row.items()} for row in income.to_dict("records")]
    found = {(row["household_id"], row["period"]): row for row in plain}
    blank = dict.fromkeys(("net_fen", "headcount_persons", "wage_fen", "business_net_fen", "property_fen", "transfer_fen"))
    groups = defaultdict(list)
    for cells in households.astype(object).to_dict("records"):
        house = {name: None if pd.isna(value) else value for name, value in cells.items()}
        for period in PERIODS:
            row = {**house, **found.get((house["household_id"], period), blank)}
            for level, area in (("county", "431025"), ("township", house["township_code"]), ("village", house["village_code"])):
                groups[level, area, "all", "all", period].append(row)
                if level != "village":
                    for kind in ("attribute", "cause", "poverty_status"):
                        groups[level, area, kind, house[kind] or "unknown", period].append(row)
    return groups


@pytest.fixture(scope="module")
def county() -> dict[str, pd.DataFrame]:
    income, households = small_county(1, LAST)
    before, households_before = small_county(2, {"quarter": "2017Q1", "ytd": "2017Q1", "last4": "2017Q1", "year": "2016Q3"})
    table = make_indicators(
        income, households, RULES, quarter="2018Q1", line_year={"last4": 2018, "year": 2017},
        previous_household_income=before, previous_households=households_before,
    )
    return {"income": income, "households": households, "before": before, "households_before": households_before, "table": table}


def test_every_cell_equals_the_slow_loop(county: dict[str, pd.DataFrame]) -> None:
    lines = {"last4": RULES.line_fen(2018), "year": RULES.line_fen(2017)}
    now, ago = slow_rows(county["income"], county["households"]), slow_rows(county["before"], county["households_before"])
    nothing = slow_group([], None)
    key = ["level", "area_code", "group_kind", "group_value", "period"]
    compared = 0
    for place, rows in county["table"].groupby(key, sort=False):
        expected = slow_group(now.get(place, []), lines.get(place[-1]))
        expected |= slow_change(expected, slow_group(ago.get(place, []), None) if place in ago else nothing)
        for row in rows.to_dict("records"):
            if row["indicator"].endswith("_contribution_share"):
                continue
            value, wanted = row["value"], expected[row["indicator"]]
            where = (*place, row["indicator"])
            if wanted is None:
                assert pd.isna(value), where
                assert row["reason_code"] in REASONS, where
            else:
                assert value == pytest.approx(wanted, rel=1e-9, abs=1e-9), where
                assert pd.isna(row["reason_code"]), where
                compared += 1
    assert compared > 5000


def test_counts_of_unknowns(county: dict[str, pd.DataFrame]) -> None:
    table = county["table"].set_index(["area_code", "group_kind", "group_value", "period", "indicator"])
    row = table.loc[("431025", "all", "all", "last4", "mean_percapita_yuan")]
    # No row: 7 and 50; no income: 11; no head count: 12; nobody: 13. The size of 50 is not known at all.
    assert (row["households"], row["unknown_households"]) == (60, 5)
    assert pd.isna(row["persons"]) and pd.isna(row["unknown_persons"])
    # The class of 14 is unknown too.
    assert table.loc[("431025", "all", "all", "last4", "wage_share"), "unknown_households"] == 6
    assert table.loc[("431025", "all", "all", "last4", "persons"), "reason_code"] == "headcount_unknown"
    # Second township: households 1, 4, 7, ... 58: unknown are 7 and 13; 7 by its recorded size, 13 with nobody.
    sizes = county["households"].set_index("household_id")["recorded_size_persons"]
    row = table.loc[("431025101", "all", "all", "last4", "mean_percapita_yuan")]
    assert (row["unknown_households"], row["unknown_persons"]) == (2, sizes["00431099000007"])
    assert row["persons"] == sum(sizes[f"00431099{number:06d}"] for number in range(1, 60, 3) if number != 13)


def test_shape_of_the_table(county: dict[str, pd.DataFrame]) -> None:
    table = county["table"]
    assert list(table.columns) == TABLES["indicators"].names
    assert set(table["indicator"]) == set(DEFINITIONS)
    townships = {rule.key.removeprefix("township.") for rule in RULES.under("township.")}
    assert set(table.loc[table["level"] == "township", "area_code"]) == townships
    assert len(townships) == 13
    assert set(table.loc[table["level"] == "village", "group_kind"]) == {"all"}
    assert set(table.loc[table["reason_code"].notna(), "reason_code"]) <= set(REASONS)
    assert (table["value"].isna() == table["reason_code"].notna()).all()
    empty = table[(table["area_code"] == "431025104") & (table["period"] == "last4")]
    values = empty.set_index(["group_kind", "group_value", "indicator"])
    assert values.loc[("all", "all", "households"), "value"] == 0
    assert set(empty.loc[~empty["indicator"].isin(COUNTS), "reason_code"]) == {"empty_group"}


def test_part_year_is_not_compared_with_the_line(county: dict[str, pd.DataFrame]) -> None:
    table = county["table"]
    annual = [name for name, definition in DEFINITIONS.items() if definition.annual]
    part = table[table["period"].isin(["quarter", "ytd"]) & table["indicator"].isin(annual)]
    assert len(part)
    assert set(part["reason_code"]) == {"part_year"}


def test_no_line_and_no_year_ago(county: dict[str, pd.DataFrame]) -> None:
    table = make_indicators(county["income"], county["households"], RULES, quarter="2018Q1", line_year=1990, groups=("all",))
    rows = table[(table["level"] == "county") & (table["period"] == "last4")].set_index("indicator")
    assert rows.loc["headcount_ratio", "reason_code"] == "no_line"
    assert rows.loc["mean_percapita_change_percent", "reason_code"] == "no_year_ago"
    assert pd.notna(rows.loc["gini", "value"])


def test_contributions_of_townships(county: dict[str, pd.DataFrame]) -> None:
    found = township_contributions(county["table"], "last4").set_index("township_code")
    assert len(found) == 13
    for name in ("persons_share", "headcount_contribution_share", "gap_contribution_share"):
        assert found[name].dropna().sum() == pytest.approx(1)
    poor, line = defaultdict(int), RULES.line_fen(2018)
    town = county["households"].set_index("household_id")["township_code"]
    for row in county["income"].dropna(subset=["net_fen", "headcount_persons"]).to_dict("records"):
        if row["period"] == "last4" and row["net_fen"] < line * row["headcount_persons"]:
            poor[town[row["household_id"]]] += row["headcount_persons"]
    assert set(poor) == set(TOWNSHIPS)
    for township, persons in poor.items():
        assert found.loc[township, "headcount_contribution_share"] == pytest.approx(persons / sum(poor.values()))
    assert found.loc["431025104", "reason_code"] == "empty_group"
    assert found["headcount_contribution_share"].dropna().is_monotonic_decreasing
    with pytest.raises(ValueError, match="不足一年"):
        township_contributions(county["table"], "quarter")


def test_inputs_stay_and_engines_agree(county: dict[str, pd.DataFrame]) -> None:
    income, households = county["income"].copy(), county["households"].copy()
    shuffled = county["income"].sample(frac=1, random_state=3)
    session = duckdb.connect()
    session.register("income", shuffled.astype({"last_quarter": object, "household_id": object, "period": object}))
    session.register("households", households.astype(dict.fromkeys(("household_id", "township_code", "village_code"), object)))
    kept = make_indicators(income, households, RULES, quarter="2018Q1", line_year=2018)
    other = make_indicators(session.sql("select * from income"), session.sql("select * from households"), RULES, quarter="2018Q1", line_year=2018)
    pd.testing.assert_frame_equal(kept, other, check_exact=True)
    pd.testing.assert_frame_equal(income, county["income"])
    pd.testing.assert_frame_equal(households, county["households"])


def test_head_counts_say_how_many_are_unknown(county: dict[str, pd.DataFrame]) -> None:
    heads = conform(pd.DataFrame({"household_id": county["households"]["household_id"], "registered_persons": 9}), "headcounts")
    table = make_indicators(county["income"], county["households"], RULES, quarter="2018Q1", line_year=2018, headcounts=heads, groups=("all",))
    row = table[(table["level"] == "county") & (table["period"] == "last4") & (table["indicator"] == "gini")].iloc[0]
    # 7, 50 and 12 have no head count and nine registered persons each; 11 has its own; 13 has nobody.
    own = county["income"].set_index(["household_id", "period"]).loc[("00431099000011", "last4"), "headcount_persons"]
    assert row["unknown_persons"] == 27 + own


def test_last_years_households_that_left_the_register(county: dict[str, pd.DataFrame]) -> None:
    before = county["before"]
    left = before["household_id"].isin(["00431099000001", "00431099000002"])
    shorter = county["households"][~county["households"]["household_id"].isin(before.loc[left, "household_id"])]
    income = county["income"][county["income"]["household_id"].isin(shorter["household_id"])]
    table = make_indicators(income, shorter, RULES, quarter="2018Q1", line_year=2018, previous_household_income=before, groups=("all",))
    # Without last year's register the households that left since belong to no group: the base is that of those still here.
    rows = table[(table["level"] == "county") & (table["period"] == "ytd")].set_index("indicator")["value"]
    base = before[~left & (before["period"] == "ytd") & before["net_fen"].notna() & (before["headcount_persons"] > 0)]
    expected = rows["mean_percapita_yuan"] - base["net_fen"].sum() / base["headcount_persons"].sum() / 100
    assert rows["mean_percapita_change_yuan"] == pytest.approx(expected)


def test_boundary_sign_reaches_the_table(county: dict[str, pd.DataFrame]) -> None:
    line = RULES.line_fen(2018)
    income = county["income"].assign(net_fen=county["income"]["headcount_persons"] * line)
    for sign, expected in (("<", 0.0), ("<=", 1.0)):
        table = make_indicators(income, county["households"], RULES, quarter="2018Q1", line_year=2018, groups=("all",), poor_sign=sign)
        rows = table[(table["indicator"] == "headcount_ratio") & (table["period"] == "last4") & table["value"].notna()]
        assert set(rows["value"]) == {expected}
        assert set(table.loc[table["indicator"].eq("gini") & table["value"].notna(), "value"]) == {0.0}


def test_an_empty_register_and_empty_income() -> None:
    income, households = small_county(1, LAST)
    table = make_indicators(income.iloc[:0], households.iloc[:0], RULES, quarter="2018Q1", line_year=2018)
    assert set(table["level"]) == {"county", "township"}
    counts = table["indicator"].isin(COUNTS)
    assert (table.loc[counts, "value"] == 0).all()
    assert table.loc[~counts, "value"].isna().all()
    assert set(table.loc[~counts, "reason_code"]) == {"empty_group", "part_year"}
    blank = make_indicators(income.iloc[:0], households, RULES, quarter="2018Q1", line_year=2018, groups=("all",))
    row = blank[(blank["level"] == "county") & (blank["period"] == "year")].set_index("indicator")
    assert row.loc["headcount_ratio", "reason_code"] == "all_unknown"
    assert row.loc["gini", "unknown_households"] == 60


def test_refusals(county: dict[str, pd.DataFrame]) -> None:
    income, households = county["income"], county["households"]

    def make(income: pd.DataFrame = income, households: pd.DataFrame = households, quarter: str = "2018Q1", **more: object) -> pd.DataFrame:
        return make_indicators(income, households, RULES, quarter=quarter, line_year=2018, **more)

    with pytest.raises(ValueError, match="贫困户表中没有"):
        make(households=households.iloc[1:])
    with pytest.raises(ValueError, match="季度不符"):
        make(quarter="2018Q2")
    with pytest.raises(ValueError, match="季度不符"):
        make(previous_household_income=income)
    with pytest.raises(ValueError, match="季度格式"):
        make(quarter="2018-1")
    with pytest.raises(ValueError, match="未知的分组"):
        make(groups=("all", "surname"))
    with pytest.raises(ValueError, match="计算人口为负"):
        make(income=income.assign(headcount_persons=-1))


def test_definitions_say_everything() -> None:
    frame = definitions_frame()
    assert list(frame["name"]) == list(DEFINITIONS)
    for column in ("term", "unit", "formula", "boundary", "source"):
        assert frame[column].str.len().gt(0).all()
    assert frame["term"].is_unique
