"""Income: periods, accounting against a slow loop, properties, identities, the explanation of one household."""

from __future__ import annotations

import datetime as dt
import random
from fractions import Fraction
from functools import cache
from math import floor
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linwu_stats.income import (
    account_households,
    account_items,
    accounting_year,
    check_identities,
    count_heads,
    explain_household,
    find_disagreements,
    format_explanation,
    is_complete,
    quarters_of,
)
from linwu_stats.income.account import UnknownItemError
from linwu_stats.income.explain import UnknownHouseholdError
from linwu_stats.income.periods import first_day, last_day, previous_quarter, year_ago
from linwu_stats.rules import Rules, rules_at
from linwu_stats.tables import TABLES, conform

RULES = rules_at("2018-03-31")
CLASSES = ("wage", "business", "property", "transfer", "cost")
QUARTERS = ["2016Q4", "2017Q1", "2017Q2", "2017Q3", "2017Q4", "2018Q1"]
Frames = dict[str, pd.DataFrame]


def code(number: int) -> str:
    return f"00431099{number:06d}"


def table(rows: list[dict[str, Any]], name: str) -> pd.DataFrame:
    return conform(pd.DataFrame(rows, columns=TABLES[name].names, dtype=object), name)


def local_law(folder: Path, **choices: str) -> Rules:
    """The packaged law with other choices: ``period='calendar'``, ``headcount='resident'``."""
    entries = [
        f"- key: {name}.rule\n  term: 测试\n  unit: choice\n  values:\n"
        f"    - {{from: 2014-01-01, value: {choice}, status: to_confirm, document: 测试}}\n"
        for name, choice in choices.items()
    ]
    (folder / "local.yaml").write_text("".join(entries), encoding="utf-8")
    return rules_at("2018-03-31", folder)


def account(frames: Frames, rules: Rules = RULES, quarter: str = "2018Q1") -> Frames:
    items = account_items(frames["income_items"], rules)
    heads = count_heads(frames["households"], frames["persons"], rules)
    return {"item_amounts": items, "headcounts": heads, "household_income": account_households(items, frames["income_sheet"], heads, rules, quarter)}


def on_duckdb(frames: Frames) -> dict[str, Any]:
    types = {"string": "VARCHAR", "int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN", "date": "TIMESTAMP"}
    connection = duckdb.connect()
    return {
        name: connection.from_df(frame).project(", ".join(f"CAST({c.name} AS {types[c.dtype]}) AS {c.name}" for c in TABLES[name].columns))
        for name, frame in frames.items()
    }


def to_pandas(frame: Any, name: str) -> pd.DataFrame:
    return conform(frame.to_arrow_table().to_pandas(integer_object_nulls=True), name)


def in_order(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    return frame.sort_values(TABLES[name].key, ignore_index=True)


# ---- periods -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "period", "quarter", "expected"),
    [
        ("fiscal", "quarter", "2018Q1", ["2018Q1"]),
        ("fiscal", "ytd", "2018Q1", ["2017Q4", "2018Q1"]),
        ("fiscal", "ytd", "2017Q4", ["2017Q4"]),
        ("fiscal", "ytd", "2018Q3", ["2017Q4", "2018Q1", "2018Q2", "2018Q3"]),
        ("fiscal", "last4", "2018Q1", ["2017Q2", "2017Q3", "2017Q4", "2018Q1"]),
        ("fiscal", "year", "2018Q1", ["2016Q4", "2017Q1", "2017Q2", "2017Q3"]),
        ("fiscal", "year", "2017Q4", ["2016Q4", "2017Q1", "2017Q2", "2017Q3"]),
        ("fiscal", "year", "2017Q3", ["2016Q4", "2017Q1", "2017Q2", "2017Q3"]),
        ("calendar", "ytd", "2018Q1", ["2018Q1"]),
        ("calendar", "ytd", "2018Q4", ["2018Q1", "2018Q2", "2018Q3", "2018Q4"]),
        ("calendar", "year", "2018Q3", ["2017Q1", "2017Q2", "2017Q3", "2017Q4"]),
        ("calendar", "year", "2018Q4", ["2018Q1", "2018Q2", "2018Q3", "2018Q4"]),
        ("rolling12", "ytd", "2018Q1", ["2017Q2", "2017Q3", "2017Q4", "2018Q1"]),
        ("rolling12", "year", "2018Q1", ["2017Q2", "2017Q3", "2017Q4", "2018Q1"]),
    ],
)
def test_quarters_of_each_period(choice: str, period: str, quarter: str, expected: list[str], tmp_path: Path) -> None:
    rules = local_law(tmp_path, period=choice)
    assert quarters_of(period, quarter, rules) == expected
    assert is_complete(period, quarter, rules) == (len(expected) == 4)


@pytest.mark.parametrize(
    ("choice", "quarter", "year"),
    [("fiscal", "2017Q3", 2017), ("fiscal", "2017Q4", 2018), ("fiscal", "2018Q1", 2018), ("calendar", "2017Q4", 2017), ("rolling12", "2017Q4", 2017)],
)
def test_accounting_year(choice: str, quarter: str, year: int, tmp_path: Path) -> None:
    assert accounting_year(quarter, local_law(tmp_path, period=choice)) == year


def test_quarter_arithmetic() -> None:
    assert (previous_quarter("2018Q1"), previous_quarter("2018Q3"), year_ago("2018Q1")) == ("2017Q4", "2018Q2", "2017Q1")
    assert (first_day("2018Q1"), last_day("2018Q1")) == (dt.date(2018, 1, 1), dt.date(2018, 3, 31))
    assert (last_day("2017Q4"), last_day("2016Q2")) == (dt.date(2017, 12, 31), dt.date(2016, 6, 30))


@pytest.mark.parametrize("wrong", ["2018Q0", "2018Q5", "2018q1", "2018-Q1", "18Q1", "2018Q1 ", "２０１８Q1", "", None, 20181, "0000Q1"])
def test_what_is_not_a_quarter_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="季度"):
        quarters_of("ytd", wrong, RULES)


def test_unknown_period_is_refused() -> None:
    with pytest.raises(ValueError, match=r"month.*核算期.*ytd"):
        quarters_of("month", "2018Q1", RULES)


# ---- the whole account against a slow loop ------------------------------------------------------------------------------


def random_county(seed: int, households: int = 60) -> Frames:
    """Households with every kind of gap: no members, no lines, unknown amounts and quantities, sheets with blanks, quarters without anything."""
    draw = random.Random(seed)
    keys = [rule.key for rule in RULES.under("item.")]
    rows: dict[str, list[dict[str, Any]]] = {"households": [], "persons": [], "income_items": [], "income_sheet": []}
    for number in range(1, households + 1):
        home = {"household_id": code(number)}
        rows["households"].append(home | {"township_code": "431025100", "village_code": "431025100001"})
        for place in range(draw.choice([0, 1, 2, 3, 4, 7])):
            change = draw.choice([None, None, None, "dead", "married_out", "prison", "newborn", "moved_in"])
            resident = draw.choice([True, True, True, False, None if number % 7 == 0 else True])
            rows["persons"].append(home | {"person_id": f"{code(number)}{place + 1:02d}", "change": change, "resident": resident})
        for quarter in QUARTERS:
            for _ in range(draw.choice([0, 3, 5, 8])):
                rows["income_items"].append(home | random_line(draw, quarter, keys, f"行{len(rows['income_items'])}"))
            if draw.random() < 0.6:
                cells = {f"{name}_fen": draw.randrange(0, 500_000) if draw.random() > 0.03 else None for name in CLASSES}
                rows["income_sheet"].append(home | {"quarter": quarter} | cells | {"net_fen": draw.choice([None, draw.randrange(-9_000, 900_000)])})
    return {name: table(some, name) for name, some in rows.items()}


def random_line(draw: random.Random, quarter: str, keys: list[str], line_id: str) -> dict[str, Any]:
    in_kind = draw.choice([True, None] + [False] * 18)
    amount = draw.randrange(0, 800_000) if draw.random() > 0.02 else draw.choice([None, -1, -50_000, 10**13, 10**13 + 1])
    quantity = draw.choice([draw.randrange(0, 400_000), draw.choice([None, -1, 10**9, 10**9 + 1])]) if in_kind else None
    if in_kind is None and draw.random() < 0.5:
        quantity = 5_000
    return {"line_id": line_id, "quarter": quarter, "item_key": draw.choice(keys), "in_kind": in_kind, "amount_fen": amount, "quantity_milli": quantity}


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{name: None if pd.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")]


def slow_amount(line: dict[str, Any]) -> int | None:
    value = RULES[line["item_key"]].value
    if line["item_key"] == "item.transfer.unrecognised" or (line["in_kind"] is None and line["quantity_milli"] is not None):
        return None
    if line["in_kind"]:
        if value.get("in_kind_price") is None or line["quantity_milli"] is None or not 0 <= line["quantity_milli"] <= 10**9:
            return None
        return floor(Fraction(str(RULES.value(value["in_kind_price"]))) * 100 * Fraction(line["quantity_milli"], 1000) + Fraction(1, 2))
    return line["amount_fen"] if line["amount_fen"] is not None and 0 <= line["amount_fen"] <= 10**13 else None


def slow_quarter(lines: list[dict[str, Any]], sheet: dict[str, Any] | None) -> dict[str, int | None] | None:
    """Sums of one household and quarter, None for a sum with an unknown part, no sums at all where there is neither ledger."""
    if not lines:
        return None if sheet is None else {name: sheet[f"{name}_fen"] for name in CLASSES} | {"excluded": None}
    sums: dict[str, int | None] = dict.fromkeys((*CLASSES, "excluded"), 0)
    for line in lines:
        value = RULES[line["item_key"]].value
        place = value["class"] if value["counted"] else "excluded"
        if place == "excluded" and value["class"] == "cost":
            continue
        amount, so_far = slow_amount(line), sums[place]
        sums[place] = None if amount is None or so_far is None else so_far + amount
    return sums


def slow_heads(people: list[dict[str, Any]], choice: str) -> int | None:
    gone = {"registered": (), "resident": ("dead", "emigrated", "prison"), "change_status": ("dead", "married_out", "emigrated", "prison", "moved_out")}
    count = 0
    for person in people:
        if person["change"] in gone[choice]:
            continue
        if choice == "resident" and person["resident"] is None:
            return None
        count += 1 if choice != "resident" or person["resident"] else 0
    return count


def slow_income(frames: Frames, choice: str, spans: dict[str, list[str]]) -> dict[tuple[str, str], dict[str, Any]]:
    lines, sheets, people = records(frames["income_items"]), records(frames["income_sheet"]), records(frames["persons"])
    found = {}
    for home in frames["households"]["household_id"]:
        heads = slow_heads([person for person in people if person["household_id"] == home], choice)
        for period, span in spans.items():
            total: dict[str, Any] = dict.fromkeys((*CLASSES, "excluded"), 0)
            known, source, stated = 0, "none", 0
            for quarter in span:
                own = [line for line in lines if line["household_id"] == home and line["quarter"] == quarter]
                sheet = next((row for row in sheets if row["household_id"] == home and row["quarter"] == quarter), None)
                part = slow_quarter(own, sheet)
                known += part is not None
                here = "items" if own else "sheet" if sheet else "none"
                source = here if source == "none" else source if here in ("none", source) else "mixed"
                total = {name: None if part is None or so_far is None else plus(so_far, part[name]) for name, so_far in total.items()}
                stated = None if stated is None or sheet is None else plus(stated, slow_stated(sheet))
            gains = [total[name] for name in ("wage", "business", "property", "transfer")]
            net = None if None in gains or total["cost"] is None else sum(gains) - total["cost"]
            reason = "quarter_missing" if known < len(span) else "amount_unknown" if net is None else None
            reason = reason or ("headcount_unknown" if heads is None else "headcount_zero" if heads == 0 else None)
            found[home, period] = {f"{name}_fen": value for name, value in total.items()} | {
                "net_fen": net, "quarters_known": known, "quarters_expected": len(span), "income_source": source, "headcount_persons": heads,
                "percapita_fen": floor(Fraction(net, heads) + Fraction(1, 2)) if net is not None and heads else None,
                "sheet_net_fen": stated, "sheet_difference_fen": None if net is None or stated is None else net - stated, "reason_code": reason,
                "first_quarter": span[0], "last_quarter": span[-1],
                "business_net_fen": None if total["business"] is None or total["cost"] is None else total["business"] - total["cost"],
            }
    return found


def plus(left: int, right: int | None) -> int | None:
    return None if right is None else left + right


def slow_stated(sheet: dict[str, Any]) -> int | None:
    parts = [sheet[f"{name}_fen"] for name in CLASSES]
    if sheet["net_fen"] is not None:
        return sheet["net_fen"]
    return None if None in parts else sum(parts[:4]) - parts[4]


SPANS = {
    "quarter": ["2018Q1"],
    "ytd": ["2017Q4", "2018Q1"],
    "last4": ["2017Q2", "2017Q3", "2017Q4", "2018Q1"],
    "year": ["2016Q4", "2017Q1", "2017Q2", "2017Q3"],
}


@pytest.mark.parametrize("choice", ["registered", "resident", "change_status"])
def test_account_equals_a_slow_loop_and_duckdb_equals_pandas(choice: str, tmp_path: Path) -> None:
    rules, frames = local_law(tmp_path, headcount=choice), random_county(seed=len(choice))
    made = account(frames, rules)
    expected = slow_income(frames, choice, SPANS)
    rows = {(row["household_id"], row["period"]): row for row in records(made["household_income"])}
    assert rows.keys() == expected.keys()
    for place, wanted in expected.items():
        assert {name: rows[place][name] for name in wanted} == wanted, place
    reasons = {row["reason_code"] for row in expected.values()}
    assert {None, "quarter_missing", "amount_unknown", "headcount_zero"} <= reasons, "the random county must hold every case"
    for name, relation in account(on_duckdb(frames), rules).items():
        pd.testing.assert_frame_equal(in_order(to_pandas(relation, name), name), in_order(made[name], name))


def test_amounts_of_lines_equal_a_slow_loop() -> None:
    frames = random_county(seed=11, households=80)
    amounts = {row["line_id"]: row for row in records(account_items(frames["income_items"], RULES))}
    lines = records(frames["income_items"])
    assert len(amounts) == len(lines)
    for line in lines:
        assert amounts[line["line_id"]]["amount_fen"] == slow_amount(line), line
    reasons = {row["reason_code"] for row in amounts.values()}
    assert reasons == {
        "counted", "excluded", "unrecognised", "amount_unknown", "no_quantity", "no_price", "in_kind_unknown", "negative_amount", "out_of_range",
    }
    assert all((row["amount_fen"] is None) == (row["reason_code"] not in ("counted", "excluded")) for row in amounts.values())


def test_sums_stay_exact_where_floats_do_not() -> None:
    """A thousand lines of 10^13 - 1 fen over seven heads: twice the net is beyond 2^53, where doubles skip whole numbers."""
    home = {"household_id": code(1)}
    lines = [home | {"line_id": str(n), "quarter": "2018Q1", "item_key": "item.wage.local", "in_kind": False, "amount_fen": 10**13 - 1} for n in range(1000)]
    frames = {
        "households": table([home | {"township_code": "431025100", "village_code": "431025100001"}], "households"),
        "persons": table([home | {"person_id": f"{code(1)}{n:02d}"} for n in range(1, 8)], "persons"),
        "income_items": table(lines, "income_items"), "income_sheet": table([], "income_sheet"),
    }
    for made in (account(frames)["household_income"], to_pandas(account(on_duckdb(frames))["household_income"], "household_income")):
        row = made[made["period"] == "quarter"].iloc[0]
        assert row["net_fen"] == 9_999_999_999_999_000
        assert row["percapita_fen"] == 1_428_571_428_571_286  # 9,999,999,999,999,000 / 7 = 1,428,571,428,571,285.71…


def test_inputs_are_not_changed() -> None:
    frames = random_county(seed=3, households=10)
    before = {name: frame.copy(deep=True) for name, frame in frames.items()}
    account(frames)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


def test_empty_tables_give_empty_tables() -> None:
    frames = {name: table([], name) for name in ("households", "persons", "income_items", "income_sheet")}
    made = account(frames)
    assert all(frame.empty and list(frame.columns) == TABLES[name].names for name, frame in made.items())
    assert len(check_identities(made["household_income"], made["item_amounts"], made["headcounts"])) == 0


def test_an_unknown_item_is_refused_with_its_line() -> None:
    lines = [{"line_id": "收入明细.xlsx!5", "household_id": code(1), "quarter": "2018Q1", "item_key": "item.wage.gold"}]
    with pytest.raises(UnknownItemError, match=r"item\.wage\.gold.*收入明细\.xlsx!5.*data/law"):
        account_items(table(lines, "income_items"), RULES)


def test_a_household_without_lines_appears_in_each_period() -> None:
    frames = random_county(seed=5, households=4)
    frames["income_items"] = frames["income_items"][frames["income_items"]["household_id"] != code(2)]
    frames["income_sheet"] = frames["income_sheet"][frames["income_sheet"]["household_id"] != code(2)]
    rows = account(frames)["household_income"].query(f"household_id == '{code(2)}'")
    assert list(rows["period"]) == ["quarter", "ytd", "last4", "year"]
    assert set(rows["reason_code"]) == {"quarter_missing"} and set(rows["income_source"]) == {"none"}
    assert rows[["net_fen", "wage_fen", "excluded_fen", "percapita_fen"]].isna().all().all()


# ---- properties ---------------------------------------------------------------------------------------------------------

EXCLUDED = ["item.transfer.gift", "item.transfer.loan", "item.transfer.relocation", "item.transfer.medical_reimbursement", "item.wage.conscript"]
COUNTED = ["item.wage.local", "item.business.rice", "item.property.rent", "item.transfer.pension", "item.cost.planting"]
a_line = st.tuples(
    st.integers(1, 6), st.sampled_from(QUARTERS), st.sampled_from(COUNTED + EXCLUDED), st.one_of(st.none(), st.integers(0, 10**7)),
)


def lines_of(drawn: list[tuple[int, str, str, int | None]]) -> pd.DataFrame:
    rows = [
        {"line_id": f"L{n}", "in_kind": False, "household_id": code(home), "quarter": quarter, "item_key": key, "amount_fen": amount}
        for n, (home, quarter, key, amount) in enumerate(drawn)
    ]
    return table(rows, "income_items")


HEADS = table([{"household_id": code(n), "headcount_persons": n, "registered_persons": n} for n in range(1, 7)], "headcounts")


def income_of(lines: pd.DataFrame) -> pd.DataFrame:
    return account_households(account_items(lines, RULES), table([], "income_sheet"), HEADS, RULES, "2018Q1", ("ytd", "year"))


@settings(max_examples=6, deadline=None)
@given(drawn=st.lists(a_line, max_size=60), seed=st.integers(0, 1000))
def test_the_order_of_lines_does_not_matter(drawn: list[Any], seed: int) -> None:
    lines = lines_of(drawn)
    shuffled = lines.sample(frac=1, random_state=seed, ignore_index=True)
    pd.testing.assert_frame_equal(income_of(lines), income_of(shuffled))


@settings(max_examples=6, deadline=None)
@given(drawn=st.lists(a_line, min_size=1, max_size=60), key=st.sampled_from(COUNTED))
def test_a_counted_line_of_zero_changes_nothing(drawn: list[Any], key: str) -> None:
    home, quarter = drawn[0][:2]
    pd.testing.assert_frame_equal(income_of(lines_of(drawn)), income_of(lines_of([*drawn, (home, quarter, key, 0)])))


@settings(max_examples=6, deadline=None)
@given(drawn=st.lists(a_line, min_size=1, max_size=60), key=st.sampled_from(EXCLUDED), amount=st.integers(1, 10**9))
def test_an_excluded_receipt_changes_only_what_is_excluded(drawn: list[Any], key: str, amount: int) -> None:
    home, quarter = drawn[0][:2]
    before, after = income_of(lines_of(drawn)), income_of(lines_of([*drawn, (home, quarter, key, amount)]))
    pd.testing.assert_frame_equal(before.drop(columns="excluded_fen"), after.drop(columns="excluded_fen"))
    inside = (before["household_id"] == code(home)) & (before["first_quarter"] <= quarter) & (quarter <= before["last_quarter"])
    expected = (before["excluded_fen"] + amount).where(inside, before["excluded_fen"])
    pd.testing.assert_series_equal(after["excluded_fen"], expected)


@settings(max_examples=6, deadline=None)
@given(drawn=st.lists(a_line, max_size=60))
def test_the_identities_hold(drawn: list[Any]) -> None:
    lines = lines_of(drawn)
    assert check_identities(income_of(lines), account_items(lines, RULES), HEADS).empty


# ---- identities: a broken table is found ---------------------------------------------------------------------------------


def small_tables() -> Frames:
    """Copies of the small household's tables, since making them costs more than most tests."""
    return {name: frame.copy(deep=True) for name, frame in made_small_tables().items()}


@cache
def made_small_tables() -> Frames:
    """One household of two, 2017Q4 and 2018Q1, all six transfers, costs in three parts; worked out by hand in the tests below."""
    amounts = [
        ("2017Q4", "item.wage.migrant", 600_000), ("2017Q4", "item.business.tobacco", 900_000), ("2017Q4", "item.cost.planting", 350_000),
        ("2017Q4", "item.cost.tax", 1_000), ("2018Q1", "item.cost.depreciation", 9_000), ("2018Q1", "item.property.land_transfer", 40_000),
        ("2018Q1", "item.transfer.family_planning", 100_000), ("2018Q1", "item.transfer.low_income_allowance", 20_000),
        ("2018Q1", "item.transfer.five_guarantee", 3_000), ("2018Q1", "item.transfer.pension", 400), ("2018Q1", "item.transfer.ecological", 50),
        ("2018Q1", "item.transfer.farm_subsidy", 7), ("2018Q1", "item.transfer.gift", 88_800), ("2018Q1", "item.cost.gift_inside", 5_000),
    ]
    home = {"household_id": code(1)}
    lines = [home | {"line_id": f"L{n:02d}", "quarter": q, "item_key": key, "in_kind": False, "amount_fen": fen} for n, (q, key, fen) in enumerate(amounts)]
    lines.append(home | {"line_id": "L99", "quarter": "2017Q4", "item_key": "item.business.rice", "in_kind": True, "quantity_milli": 150_500})
    rows = {
        "households": [home | {"township_code": "431025100", "village_code": "431025100001"}],
        "persons": [
            home | {"person_id": f"{code(1)}01", "relation": "head", "resident": True},
            home | {"person_id": f"{code(1)}02", "relation": "mother", "resident": False, "change": "dead"},
        ],
        "income_items": lines,
        "income_sheet": [home | {"quarter": quarter, "net_fen": net} for quarter, net in (("2017Q4", 1_188_130), ("2018Q1", 154_500))],
    }
    frames = {name: table(some, name) for name, some in rows.items()}
    return frames | account(frames)


def test_the_small_household_by_hand() -> None:
    """In kind 150.5 kg × 2.60 = 391.30 yuan. 6,000 + 9,391.30 + 400 + 1,234.57 − 3,600 = 13,425.87 yuan; halves: 6,712.935 → 6,712.94."""
    income = small_tables()["household_income"].set_index("period").loc["ytd"]
    assert income[["wage_fen", "business_fen", "cost_fen", "business_net_fen"]].tolist() == [600_000, 939_130, 360_000, 579_130]
    assert income[["property_fen", "transfer_fen", "net_fen", "excluded_fen"]].tolist() == [40_000, 123_457, 1_342_587, 88_800]
    assert income[["headcount_persons", "percapita_fen", "sheet_net_fen", "sheet_difference_fen"]].tolist() == [2, 671_294, 1_342_630, -43]


def identities_broken(change: dict[str, Any], made: str = "household_income", engine: str = "pandas") -> list[tuple[str, Any]]:
    small = small_tables()
    tables = {name: small[name] for name in ("household_income", "item_amounts", "headcounts")}
    frame = tables[made].copy()
    places = frame.index[frame["period"] == "ytd"] if made == "household_income" else frame.index[:1]
    if made == "item_amounts":
        places = frame.index[frame["item_key"] == "item.property.land_transfer"]
    for name, value in change.items():
        frame.loc[places, name] = value
    tables[made] = conform(frame, made)
    if engine == "duckdb":
        tables = on_duckdb(tables)
    found = check_identities(tables["household_income"], tables["item_amounts"], tables["headcounts"])
    found = found if isinstance(found, pd.DataFrame) else found.df()
    assert list(found.columns) == ["household_id", "period", "identity", "expected_fen", "found_fen"]
    return sorted(set(found["identity"]))


@pytest.mark.parametrize("engine", ["pandas", "duckdb"])
def test_identities_hold_on_both_engines(engine: str) -> None:
    assert identities_broken({}, engine=engine) == []


@pytest.mark.parametrize(
    ("table_name", "change", "broken"),
    [
        ("household_income", {"transfer_fen": 123_057, "net_fen": 1_342_187, "percapita_fen": 671_094}, ["transfer"]),  # the pension left out
        ("household_income", {"cost_fen": 351_000, "business_net_fen": 588_130, "net_fen": 1_351_587, "percapita_fen": 675_794}, ["cost"]),
        ("household_income", {"net_fen": 1_342_588, "percapita_fen": 671_294}, ["net"]),
        ("household_income", {"business_net_fen": 939_130}, ["net"]),
        ("household_income", {"percapita_fen": 671_293}, ["percapita"]),  # rounded down
        ("household_income", {"percapita_fen": 671_295}, ["percapita"]),
        ("household_income", {"percapita_fen": pd.NA}, ["percapita"]),
        ("household_income", {"net_fen": pd.NA, "percapita_fen": pd.NA}, ["net"]),
        ("household_income", {"property_fen": pd.NA}, ["net"]),
        ("household_income", {"transfer_fen": pd.NA, "net_fen": pd.NA, "percapita_fen": pd.NA}, ["transfer"]),
        ("household_income", {"headcount_persons": 3, "percapita_fen": 447_529}, ["headcount"]),
        ("headcounts", {"registered_persons": 1}, ["headcount"]),
        ("headcounts", {"headcount_persons": pd.NA}, ["headcount"]),
        ("item_amounts", {"item_key": "item.transfer.other"}, ["transfer"]),
        ("item_amounts", {"amount_fen": -1}, ["negative_item"]),
        ("item_amounts", {"household_id": code(9)}, ["unknown_household"]),
    ],
)
def test_a_broken_table_is_found(table_name: str, change: dict[str, Any], broken: list[str]) -> None:
    assert identities_broken(change, table_name) == broken


def test_a_household_that_has_left_keeps_its_earlier_lines() -> None:
    tables = small_tables()
    gone = tables["item_amounts"].assign(household_id=code(9), line_id="gone" + tables["item_amounts"]["line_id"])
    found = {}
    for quarter in ("2017Q4", "2018Q1"):
        amounts = pd.concat([tables["item_amounts"], gone[gone["quarter"] == quarter]], ignore_index=True)
        found[quarter] = set(check_identities(tables["household_income"], amounts, tables["headcounts"])["identity"])
    assert found == {"2017Q4": set(), "2018Q1": {"unknown_household"}}


def test_a_broken_table_is_found_on_duckdb() -> None:
    assert identities_broken({"transfer_fen": 123_057, "net_fen": 1_342_187, "percapita_fen": pd.NA}, engine="duckdb") == ["percapita", "transfer"]


# ---- the explanation of one household ------------------------------------------------------------------------------------


def explained(period: str = "ytd", tables: dict[str, Any] | None = None, household_id: str = code(1), **others: Any) -> pd.DataFrame:
    t = tables or small_tables()
    return explain_household(
        household_id, period, "2018Q1", t["item_amounts"], t["income_items"], t["income_sheet"], t["headcounts"], t["persons"], t["household_income"],
        others.pop("rules", RULES), **others,
    )


def cell(frame: pd.DataFrame, heading: str, column: str) -> Any:
    rows = frame[frame["heading"] == heading]
    assert len(rows) == 1, heading
    return rows.iloc[0][column]


def test_each_line_and_the_running_sum() -> None:
    frame = explained()
    items = frame[frame["step"].isin(["明细", "支出"])]
    assert len(items) == 15
    running = [600_000, 1_539_130, 1_539_130 - 350_000 - 1_000, 1_179_130, 1_342_587]
    assert items["running_fen"].tolist()[0] == running[0]
    assert set(running[2:]) <= set(items["running_fen"])
    assert items["running_fen"].tolist()[-1] == 1_342_587
    assert cell(frame, "2017Q4 稻谷收入(实物)", "quantity") == "150.5 公斤"
    assert cell(frame, "2017Q4 稻谷收入(实物)", "price_yuan") == "2.60"
    assert cell(frame, "2017Q4 稻谷收入(实物)", "amount_fen") == 39_130
    assert cell(frame, "2017Q4 稻谷收入(实物)", "rule_key") == "item.business.rice price.rice"
    assert not cell(frame, "2018Q1 亲友赠送", "counted")
    assert cell(frame, "2018Q1 亲友赠送", "reason").startswith("不计入：")
    assert cell(frame, "2018Q1 亲友赠送", "amount_fen") == 88_800
    assert cell(frame, "家庭纯收入", "amount_fen") == cell(frame, "家庭纯收入", "running_fen") == 1_342_587
    assert "不符" not in set(frame["step"])


def test_people_line_and_distance() -> None:
    """The central working line of 2018 is 3,535 yuan: 2 × 3,535 = 7,070; 13,425.87 − 7,070 = 6,355.87 yuan, in half a year."""
    frame = explained()
    assert cell(frame, "成员 01 户主", "reason") == "无变更，常住，计入"
    assert cell(frame, "成员 02 之母", "reason") == "变更：死亡，不常住，计入"
    assert cell(frame, "成员 02 之母", "rule_key") == "headcount.registered"
    assert cell(frame, "登记在册人口", "quantity") == "2 人"
    assert cell(frame, "人均纯收入", "amount_fen") == 671_294
    assert cell(frame, "标准乘以计算人口", "amount_fen") == 707_000
    assert cell(frame, "纯收入减标准乘以人口", "amount_fen") == 635_587
    assert cell(frame, "纯收入减标准乘以人口", "reason") == "本期不满一年：已超过全年标准"
    assert explained(line_year=2017).query("step == '标准'")["amount_fen"].tolist()[0] == RULES.line_fen(2017)


@pytest.mark.parametrize(
    ("period", "quarter", "more", "distance", "words"),
    [
        ("year", "2016Q4", -1, -1, "低于标准"), ("year", "2016Q4", 0, 0, "恰在标准上"), ("year", "2016Q4", 1, 1, "高于标准"),
        ("ytd", "2017Q4", -1, -1, "本期不满一年：尚未达到全年标准"), ("ytd", "2017Q4", 0, 0, "本期不满一年：恰等于全年标准"),
        ("ytd", "2017Q4", 1, 1, "本期不满一年：已超过全年标准"),
    ],
)
def test_one_fen_about_the_line(period: str, quarter: str, more: int, distance: int, words: str) -> None:
    """Three heads at 3,535 yuan (2018) or 3,335 yuan (2017): 10,605 and 10,005 yuan in one quarter, nothing in the others."""
    home, bar = {"household_id": code(1)}, {"year": 1_000_500, "ytd": 1_060_500}[period]
    lines = [home | {"line_id": q, "quarter": q, "item_key": "item.wage.local", "in_kind": False, "amount_fen": 0} for q in SPANS[period]]
    lines.append(lines[0] | {"line_id": "L", "quarter": quarter, "amount_fen": bar + more})
    frames = {
        "households": table([home | {"township_code": "431025100", "village_code": "431025100001"}], "households"),
        "persons": table([home | {"person_id": f"{code(1)}{n:02d}"} for n in (1, 2, 3)], "persons"),
        "income_items": table(lines, "income_items"), "income_sheet": table([], "income_sheet"),
    }
    frame = explained(period, frames | account(frames))
    assert cell(frame, "标准乘以计算人口", "amount_fen") == bar
    assert (cell(frame, "纯收入减标准乘以人口", "amount_fen"), cell(frame, "纯收入减标准乘以人口", "reason")) == (distance, words)


def test_part_year_is_never_called_below() -> None:
    tables = small_tables()
    quarter = explained("quarter", tables)
    assert cell(quarter, "纯收入减标准乘以人口", "amount_fen") < 0
    assert cell(quarter, "纯收入减标准乘以人口", "reason") == "本期不满一年：尚未达到全年标准"
    assert not quarter["reason"].str.contains("低于", na=False).any()


def test_only_counted_members_by_the_rule(tmp_path: Path) -> None:
    rules = local_law(tmp_path, headcount="change_status")
    tables = small_tables()
    tables |= account({name: tables[name] for name in ("households", "persons", "income_items", "income_sheet")}, rules)
    frame = explained(tables=tables, rules=rules)
    assert cell(frame, "成员 02 之母", "quantity") == "0 人"
    assert cell(frame, "按人员变更计数", "quantity") == "1 人"
    assert cell(frame, "人均纯收入", "amount_fen") == 1_342_587


def test_where_sheet_and_lines_disagree_both_are_shown() -> None:
    tables = small_tables()
    frame = explained(tables=tables)
    assert cell(frame, "季度收入表纯收入", "amount_fen") == 1_342_630
    assert cell(frame, "两表差额", "amount_fen") == -43
    assert cell(frame, "两表差额", "reason") == "两表一致，差额不超过1.00元；采用收入明细台账"
    tables["income_sheet"] = tables["income_sheet"].assign(net_fen=pd.array([1_188_130, 354_500], dtype="Int64"))
    tables |= account({name: tables[name] for name in ("households", "persons", "income_items", "income_sheet")})
    frame = explained(tables=tables)
    assert cell(frame, "两表差额", "amount_fen") == -200_043
    assert cell(frame, "两表差额", "reason") == "两表不一致，差额超过1.00元；采用收入明细台账"
    assert cell(frame, "家庭纯收入", "amount_fen") == 1_342_587
    assert set(find_disagreements(tables["household_income"], RULES)["period"]) == {"quarter", "ytd"}


def test_unknown_amount_leaves_no_sum_after_it() -> None:
    tables = small_tables()
    lines = tables["income_items"].copy()
    lines.loc[lines["item_key"] == "item.property.land_transfer", "amount_fen"] = pd.NA
    tables |= {"income_items": lines} | account({"income_items": lines} | {name: tables[name] for name in ("households", "persons", "income_sheet")})
    frame = explained(tables=tables)
    assert cell(frame, "2018Q1 土地流转收入", "reason").startswith("计入：金额未知：")
    assert pd.isna(cell(frame, "家庭纯收入", "amount_fen")) and pd.isna(cell(frame, "家庭纯收入", "running_fen"))
    assert cell(frame, "家庭纯收入", "reason") == "未知：金额未知"
    assert cell(frame, "纯收入减标准乘以人口", "reason") == "未知：纯收入未知"
    year = explained("year", tables)
    assert set(year[year["step"] == "缺"]["heading"]) == {f"{quarter} 没有收入记录" for quarter in ("2016Q4", "2017Q1", "2017Q2", "2017Q3")}


def test_a_ledger_changed_after_accounting_is_noticed() -> None:
    tables = small_tables()
    amounts = tables["item_amounts"].copy()
    amounts.loc[amounts["item_key"] == "item.wage.migrant", "amount_fen"] = 500_000
    frame = explained(tables=tables | {"item_amounts": amounts})
    assert cell(frame, "逐笔相加与家庭纯收入表不符", "amount_fen") == 1_242_587


def test_a_quarter_taken_from_the_sheet_is_shown_so() -> None:
    tables = small_tables()
    home = {"household_id": code(1)}
    cells = {"wage_fen": 70_000, "business_fen": 20_000, "property_fen": 0, "transfer_fen": 500, "cost_fen": 30_000, "net_fen": 60_500}
    sheet = table([home | {"quarter": "2017Q4"} | cells], "income_sheet")
    frames = {name: tables[name] for name in ("households", "persons", "income_items")} | {"income_sheet": sheet}
    frames["income_items"] = frames["income_items"][frames["income_items"]["quarter"] == "2018Q1"]
    frame = explained(tables=frames | account(frames))
    assert cell(frame, "2017Q4 生产经营性支出", "running_fen") == 60_000
    assert cell(frame, "家庭纯收入", "amount_fen") == 60_500 + 154_457
    assert "不符" not in set(frame["step"])


def test_the_explanation_is_the_same_from_duckdb() -> None:
    tables = small_tables()
    pd.testing.assert_frame_equal(explained(tables=on_duckdb(tables)), explained(tables=tables))


def test_every_explanation_of_a_random_county_adds_up() -> None:
    frames = random_county(seed=21, households=12)
    tables = frames | account(frames)
    for home in frames["households"]["household_id"]:
        for period in SPANS:
            frame = explained(period, tables, home)
            assert "不符" not in set(frame["step"]), (home, period)


def test_a_line_priced_by_another_quarters_rules_says_so() -> None:
    """150.5 kg at 2.60 yuan is 391.30; an amount of 376.25 was priced at 2.50, so that today's price must not stand beside it."""
    tables = small_tables()
    amounts = tables["item_amounts"].copy()
    amounts.loc[amounts["item_key"] == "item.business.rice", "amount_fen"] = 37_625
    made = account_households(amounts, tables["income_sheet"], tables["headcounts"], RULES, "2018Q1")
    frame = explained(tables=tables | {"item_amounts": amounts, "household_income": made})
    assert pd.isna(cell(frame, "2017Q4 稻谷收入(实物)", "price_yuan"))
    assert "当时的价格" in cell(frame, "2017Q4 稻谷收入(实物)", "reason")
    assert "不符" not in set(frame["step"])


def test_an_unknown_household_is_told_near_codes() -> None:
    with pytest.raises(UnknownHouseholdError, match=f"00431099000010.*户编号.*{code(1)}"):
        explained(household_id="00431099000010")
    with pytest.raises(KeyError):
        explained(household_id="")


def test_a_period_that_was_not_accounted_is_told() -> None:
    tables = small_tables()
    tables["household_income"] = tables["household_income"].query("period == 'ytd'")
    with pytest.raises(ValueError, match="no period 'year'"):
        explained("year", tables)
    with pytest.raises(ValueError, match="2017Q4 to 2018Q1, not from 2017Q4 to 2017Q4"):
        explain_household(code(1), "ytd", "2017Q4", *(tables[name] for name in (
            "item_amounts", "income_items", "income_sheet", "headcounts", "persons", "household_income")), RULES)


def test_plain_text_is_aligned_and_names_nobody() -> None:
    text = format_explanation(explained())
    on_screen = [by_column(line) for line in text.splitlines()]
    gaps = [place for place, sign in enumerate(on_screen[1]) if sign == " "]
    assert len(on_screen) == len(explained()) + 2 and len(gaps) == 2 * 8
    assert [line for line in on_screen if any(place < len(line) and line[place] != " " for place in gaps)] == []
    net = next(line for line in on_screen if "".join(line).startswith("纯收入"))
    starts = [0, *(place + 1 for place in gaps[1::2])]
    assert "".join(net[starts[4] : starts[5]]).strip() == "13,425.87"
    assert "13,425.87" in "".join(net[starts[6] : starts[7]])
    assert f"{code(1)}01" not in text


def by_column(line: str) -> list[str]:
    """One entry for each column of a terminal: in this text everything beyond ASCII is Chinese, and takes two columns."""
    return [part for sign in line for part in ([sign] if sign.isascii() else [sign, ""])]
