"""What the pages say: numbers worked out by hand on a county of six households, unknowns in words, and no name that becomes part of a page."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from html.parser import HTMLParser
from types import SimpleNamespace

import pandas as pd
import pytest
from markupsafe import Markup
from matplotlib import image as mpl_image

from linwu_stats import exits, indicators, rules_at
from linwu_stats.income import account
from linwu_stats.publish import facts, pages, pages_doubts, pages_exit, pages_income, pages_methods, plots, tables_html, trends, words
from linwu_stats.publish.tables_html import Show, format_value, render_table
from linwu_stats.tables import CODES, conform, empty

COUNTY, NORTH, SOUTH = "431025", "431025100", "431025101"
POOR, PLAIN, VACANT = "431025100201", "431025101201", "431025101202"
NAMES = {COUNTY: "临武县", NORTH: "舜峰镇", SOUTH: "金江镇", POOR: "甲村", PLAIN: "乙村", VACANT: "丙村"}

#: household, village, status, persons, net of the quarter, net of four quarters (fen), verdict, failing or unknown condition.
#: The line of 2018 is 3,535 yuan: H2 stands exactly on it, H1 is below, H4 is unknown.
HOUSEHOLDS = [
    ("00431099000001", POOR, "not_out", 3, 300000, 900000, "not_out", ("housing", "not_met")),
    ("00431099000002", POOR, "not_out", 2, 200000, 707000, "unknown", ("water", "unknown")),
    ("00431099000003", POOR, "out", 4, 600000, 2400000, "meets_exit", None),
    ("00431099000004", PLAIN, "not_out", 1, None, None, "unknown", ("income_outcome", "unknown")),
    ("00431099000005", PLAIN, "pre_out", 5, 500000, 2500000, "meets_exit", None),
    ("00431099000006", PLAIN, "out", 2, 100000, 800000, "not_out", ("education", "not_met")),
]


def make_income(quarter: str = "2018Q1", factor: int = 1) -> pd.DataFrame:
    rows = []
    for code, _, _, persons, now, four, _, _ in HOUSEHOLDS:
        for period, net in (("quarter", now), ("ytd", now), ("last4", four), ("year", four)):
            amount = None if net is None else net * factor
            rows.append(
                {
                    "household_id": code,
                    "period": period,
                    "first_quarter": quarter,
                    "last_quarter": quarter,
                    "quarters_expected": 1,
                    "quarters_known": 1,
                    "income_source": "items",
                    "wage_fen": amount,
                    "business_fen": 0,
                    "cost_fen": 0,
                    "business_net_fen": 0,
                    "property_fen": 0,
                    "transfer_fen": 0,
                    "net_fen": amount,
                    "excluded_fen": 0,
                    "headcount_persons": persons,
                    "percapita_fen": None if amount is None else amount // persons,
                    "sheet_difference_fen": 0,
                    "reason_code": "quarter_missing" if net is None else None,
                }
            )
    return conform(pd.DataFrame(rows), "household_income")


def make_exits() -> pd.DataFrame:
    rows = []
    for code, _, _, persons, now, _, verdict, wrong in HOUSEHOLDS:
        row = dict.fromkeys(facts.TESTS, "met") | {"income_outcome": "already_reached"}
        row |= {"household_id": code, "period": "ytd", "line_year": 2018, "line_fen": 353500, "net_fen": now, "headcount_persons": persons, "verdict": verdict}
        row |= {"distance_fen": None if now is None else now - 353500 * persons, "missing": None}
        if wrong:
            row[wrong[0]] = wrong[1]
            row["missing"] = facts.TESTS[wrong[0]][0]
        rows.append(row)
    return conform(pd.DataFrame(rows), "household_exit")


def make_tables(rules) -> dict[str, pd.DataFrame]:
    register = pd.DataFrame(
        [
            {
                "household_id": code,
                "township_code": village[:9],
                "village_code": village,
                "poverty_status": status,
                "attribute": "general",
                "cause": "illness",
                "recorded_size_persons": persons,
            }
            for code, village, status, persons, *_ in HOUSEHOLDS
        ]
    )
    places = [(POOR, "province", "not_out", 1000), (PLAIN, "none", "not_poor", 3000), (VACANT, "city", "not_out", 500)]
    tables = {
        "households": conform(register, "households"),
        "villages": conform(
            pd.DataFrame(
                [
                    {
                        "village_code": code,
                        "township_code": code[:9],
                        "village_name": NAMES[code],
                        "village_kind": kind,
                        "village_status": status,
                        "rural_population_persons": people,
                    }
                    for code, kind, status, people in places
                ]
            ),
            "villages",
        ),
        "headcounts": conform(
            pd.DataFrame([{"household_id": row[0], "registered_persons": row[3], "headcount_persons": row[3]} for row in HOUSEHOLDS]), "headcounts"
        ),
        "household_income": make_income(),
        "household_exit": make_exits(),
        "village_exit": conform(
            pd.DataFrame(
                [
                    {
                        "village_code": code,
                        "township_code": code[:9],
                        "village_kind": kind,
                        "village_status": status,
                        "poor_persons": poor,
                        "denominator_persons": people,
                        "incidence_share": poor / people,
                        "incidence": "met",
                        "collective_income_fen": 3_999_900,
                        "collective_income": "not_met",
                        "infrastructure": "unknown",
                        "verdict": "not_out",
                    }
                    for (code, kind, status, people), poor in zip(places, (5, 6, 0), strict=True)
                ]
            ),
            "village_exit",
        ),
        "cohort_checks": conform(
            pd.DataFrame(
                [
                    {
                        "household_id": code,
                        "exit_year": year,
                        "own_line_year": year,
                        "own_line_fen": line,
                        "own_line_outcome": own,
                        "today_line_year": 2018,
                        "today_line_fen": 353500,
                        "today_line_outcome": today,
                    }
                    for code, year, line, own, today in [
                        ("00431099000003", 2016, 314600, "met", "met"),
                        ("00431099000006", 2017, 333500, "met", "not_met"),
                    ]
                ]
            ),
            "cohort_checks",
        ),
        "transitions": conform(
            pd.DataFrame(
                [
                    {
                        "household_id": row[0],
                        "township_code": row[1][:9],
                        "village_code": row[1],
                        "transition": "stayed_out" if row[2] == "out" else "stayed_poor",
                        "persons": row[3],
                        "verdict_before": row[6],
                        "verdict_now": row[6],
                    }
                    for row in HOUSEHOLDS
                ]
            ),
            "transitions",
        ),
        "county_exit": conform(
            pd.DataFrame([{"measure": "incidence_after", "value": 514000 / 279229, "unit": "%", "outcome": "not_met", "rule_key": "exit.county.target_2018"}]),
            "county_exit",
        ),
    }
    for name in ("findings", "item_amounts", "persons"):
        tables[name] = empty(name)
    return tables


def make_quarter(quarter: str = "2018Q1", **changed):
    rules = rules_at("2018-03-31")
    tables = make_tables(rules)
    earlier = make_income("2017Q1")
    tables["indicators"] = indicators.make_indicators(
        tables["household_income"], tables["households"], rules=rules, quarter="2018Q1", line_year=2018, previous_household_income=earlier
    )
    q = SimpleNamespace(
        quarter=quarter,
        rules=rules, line_years={"quarter": 2018, "ytd": 2018, "last4": 2018, "year": 2017},
        is_sample=True,
        previous=None,
        year_ago=None,
        area_names=dict(NAMES),
        provenance={},
        **tables,
        reference=pd.DataFrame(columns=["series", "year", "value", "unit", "source", "status", "note"]),
    )
    for name, value in changed.items():
        setattr(q, name, value)
    return q


@pytest.fixture(scope="module")
def q():
    return make_quarter()


def html(fragment) -> str:
    return fragment._repr_html_()


def text(fragment) -> str:
    """What a reader sees, without blanks."""
    return re.sub(r"\s+", "", Markup(html(fragment)).striptags())


def cells(fragment, skip: int = 1) -> list[list[str]]:
    """Texts of the rows of a table, headings left out."""
    rows = re.findall(r"<tr>(.*?)</tr>", html(fragment), re.DOTALL)[skip:]
    return [[Markup(cell).striptags() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)] for row in rows]


# ---- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        (106250, "yuan2", "1,062.50"),
        (106250, "yuan", "1,063"),
        (-50, "yuan", "−1"),
        (0.5, "integer", "1"),
        (2.5, "integer", "3"),
        (0.125, "decimal", "0.13"),
        (1.005, "decimal", "1.01"),
        (5140 / 279229, "percent", "1.84"),
        (0.00125, "percent", "0.13"),
        (9_007_199_254_740_993, "integer", "9,007,199,254,740,993"),
        (-0.001, "decimal", "0.00"),
        (None, "yuan", "未知"),
        (pd.NA, "integer", "未知"),
        (float("nan"), "index", "未知"),
        (123_456_789, "wan", "123.46"),
    ],
)
def test_a_number_is_rounded_half_up_once_and_an_unknown_is_said(value, kind, shown):
    assert format_value(value, kind) == shown


def test_a_change_shows_its_sign_and_no_change_has_none():
    assert [format_value(value, "integer", signed=True) for value in (3, -3, 0)] == ["+3", "−3", "0"]


def test_the_exact_value_stands_beside_a_rounded_one():
    """In the unit of the column: 123.45 yuan shown as 123, a third in per cent; nothing where the text shows it all; "" for an unknown."""
    rows = [("yuan", 12345, ' data-v="123.45"'), ("yuan", 12300, ""), ("percent", 0.5, ""), ("percent", Fraction(1, 3), ' data-v="33.3333333333333"')]
    rows += [("integer", 1234567, ""), ("integer", -4, ""), ("integer", pd.NA, ' data-v=""'), ("text", "x", ""), ("text", None, ' data-v=""')]
    for kind, value, attribute in rows:
        assert tables_html.exact_attribute(value, kind) == attribute, (kind, value)


def test_a_trend_has_a_gap_where_a_quarter_is_unknown():
    """Six quarters, the third unknown: two pieces of line; the scale is given, so that 10 of 0 to 20 stands in the middle."""
    points = [("2016Q4", 0.0), ("2017Q1", 10.0), ("2017Q2", None), ("2017Q3", 20.0), ("2017Q4", 20.0), ("2018Q1", 10.0)]
    line = trends.sparkline(points, "integer", "人", bounds=(0.0, 20.0))
    assert re.findall(r'points="([^"]*)"', line) == ["4.0,26.0 24.8,15.0", "66.4,4.0 87.2,4.0 108.0,15.0"]
    assert "<title>近6季（人）：2016Q4 0，2017Q1 10，2017Q2 未知，2017Q3 20，2017Q4 20，2018Q1 10</title>" in line
    assert trends.sparkline(points[2:4], "integer") == "", "two quarters are no trend"


def test_facts_of_the_county(q):
    stock = facts.stock(q, COUNTY)
    assert (stock["households"], stock["persons"], stock["poor_households"], stock["poor_persons"], stock["population"]) == (6, 17, 4, 11, 4500)
    assert (stock["incidence"].numerator, stock["incidence"].denominator) == (11, 4500)
    assert facts.measure(q, COUNTY, "mean_quarter").value == pytest.approx(1062.5)  # 1,700,000 fen over 16 persons
    assert facts.measure(q, COUNTY, "below_line").value == pytest.approx(3 / 16)  # on the line is not below it
    assert facts.measure(q, COUNTY, "meets_exit").value == 1
    assert facts.measure(q, COUNTY, "cannot_tell").value == 2
    assert facts.measure(q, COUNTY, "unknown_income").value == 1


def test_key_figures_and_points_show_them(q):
    strip = text(pages.key_figures(q, COUNTY))
    assert "未脱贫人口11人" in strip
    assert "贫困发生率0.24%" in strip
    assert "本季人均纯收入1,063元" in strip
    assert "比上季：—（没有上季数据）" in strip
    points = text(pages.main_points(q, COUNTY))
    assert "6户17人，其中未脱贫4户11人" in points
    assert "18.75%" in points
    assert "另有1户收入未知" in points
    assert html(pages.main_points(q, COUNTY)).count("<li>") <= 5


def test_a_change_on_the_previous_quarter_is_worked_out(q):
    status = q.households.copy()
    status.loc[status["household_id"] == "00431099000003", "poverty_status"] = "not_out"
    before = make_quarter("2017Q4", households=status)
    strip = text(pages.key_figures(make_quarter(previous=before), COUNTY))
    assert "未脱贫人口11人比上季：−4人" in strip  # H3, four persons, was not out
    assert "比上季：−0.09个百分点" in strip  # 11/4500 less 15/4500
    assert "比上季：0元（0.00%）" in strip


def test_the_distribution_splits_at_the_line_in_integers():
    on_the_line, below, far = 707000, 706999, 10**9
    bars = plots.distribution_bins(pd.Series([on_the_line, below, far, -5]), pd.Series([2, 2, 1, 3]), 353500, above_sign=">=")
    assert (bars.iloc[:4].sum(), bars.iloc[4], bars.iloc[20], bars.sum()) == (5, 2, 1, 8)
    assert plots.distribution_bins(pd.Series([on_the_line]), pd.Series([2]), 353500, above_sign=">").iloc[3] == 2


def test_the_distribution_says_how_many_are_below(q):
    shown = pages_income.distribution(q, COUNTY)
    assert "线下 3 人，线上 13 人" in html(shown)
    assert "线上不超过标准一倍半的 9 人" in html(shown)  # H2 on the line (2), H6 at 4,000 (2), H5 at 5,000 (5); 1.5 lines are 5,302.50


def test_published_example_of_the_county_target(q):
    assert "1.84%" in text(pages_exit.county_target(q, COUNTY))


def test_exit_tables(q):
    assert cells(pages_exit.verdicts(q, COUNTY))[0] == ["未脱贫", "3", "6", "0", "0", "1", "3", "2", "3"]
    assert [row[0] for row in cells(pages_exit.missing(q, COUNTY))] == ["住房安全未达标", "收入未知", "饮水安全未知"]


def test_households_are_listed_by_code_on_village_pages_only(q):
    shown = cells(pages_exit.household_list(q, POOR))
    assert [row[0] for row in shown] == ["00431099000001", "00431099000002", "00431099000003"]
    assert shown[0][5] == "−7,605"  # 3,000 less three times 3,535
    with pytest.raises(facts.AreaError, match="village pages only"):
        pages_exit.household_list(q, NORTH)
    for function in (pages_exit.verdicts, pages_exit.missing, pages_exit.cohorts, pages_exit.transitions, pages_income.groups):
        arguments = (q, COUNTY, "attribute") if function is pages_income.groups else (q, COUNTY)
        assert "00431099" not in html(function(*arguments))


def test_verdicts_of_different_spans_are_not_compared():
    before = make_quarter("2017Q4")
    before.household_income.loc[before.household_income["period"] == "ytd", "quarters_expected"] = 2
    strip = text(pages.key_figures(make_quarter(previous=before), COUNTY))
    assert "符合退出条件1户比上季：—（本年度累计的季数不同）" in strip
    assert "未脱贫人口11人比上季：0人" in strip


def test_the_rule_chooses_the_denominator(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "- key: exit.county.incidence\n  term: 发生率\n  unit: criterion\n  values:\n    - {from: 2016-01-01, value: {sign: '<', share: 0.02, "
        "denominator: resident_population_persons}, status: confirmed, document: 县文件}\n",
        encoding="utf-8",
    )
    q = make_quarter(rules=rules_at("2018-03-31", tmp_path))
    q.villages["resident_population_persons"] = pd.array([800, 1200, 200], dtype="Int64")
    points = text(pages.main_points(q, COUNTY))
    assert "按常住人口2,200人计，贫困发生率0.50%" in points  # 11 of 2,200
    assert "按乡村户籍人口1,000人计，贫困发生率0.50%" in text(pages.main_points(q, POOR))  # the village rule was not replaced: 5 of 1,000


def test_a_group_of_few_households_shows_no_income(q):
    assert cells(pages_income.groups(q, NORTH, "attribute")) == [["一般贫困户", "3", "9", "—（不足五户，不列）", "—（不足五户，不列）", "0"]]
    assert cells(pages_income.groups(q, COUNTY, "attribute")) == [["一般贫困户", "6", "17", "4,567", "18.75", "1"]]


def test_what_changed_is_worded_and_households_are_counted():
    q = make_quarter()
    q.previous = make_quarter("2017Q4")
    q.transitions = q.transitions.assign(verdict_before="unknown", verdict_now="meets_exit")
    q.transitions["why"] = ["verdict:unknown>meets_exit income:not_yet>already_reached headcount:4>3"] * 2 + [
        "headcount:2>1 income:not_yet>already_reached"
    ] * 4
    shown = cells(pages_exit.transitions(q, COUNTY), skip=4)
    assert ["仍未脱贫", "不能判定", "符合退出条件", "收入由尚未达到变为已达到；计算人口减少", "4"] in shown  # H1, H2 and H4, H5: fewer is fewer
    assert ["仍已脱贫", "不能判定", "符合退出条件", "收入由尚未达到变为已达到；计算人口减少", "2"] in shown
    assert len(shown) == 2


# ---- doubts ------------------------------------------------------------------------------------------------------------


def test_doubts_name_what_limits_the_page(q):
    shown = text(pages_doubts.doubts(q, COUNTY))
    assert "示例数据" in shown
    assert "本季1户1人（有季度缺收入台账1户）" in shown
    assert "1户至少有一项未知（饮水安全1户）" in shown
    assert "exit.household.water" in shown
    assert "exit.household.food" not in shown  # an official text was seen
    assert "line.central_work" in shown


def test_doubts_of_two_ledgers_and_findings():
    q = make_quarter()
    income_table = q.household_income.copy()
    income_table.loc[(income_table["household_id"] == "00431099000001") & (income_table["period"] == "quarter"), "sheet_difference_fen"] = -101
    income_table.loc[(income_table["household_id"] == "00431099000002") & (income_table["period"] == "quarter"), "sheet_difference_fen"] = 100
    found = conform(pd.DataFrame([{"finding_id": "1", "severity": "error", "fixer": "村", "household_id": "00431099000006"}]), "findings")
    q = make_quarter(household_income=income_table, findings=found)
    assert "两本账不一致：1户" in text(pages_doubts.doubts(q, COUNTY))  # one fen over the tolerance counts, the tolerance itself does not
    assert "台账问题：错误1条" in text(pages_doubts.doubts(q, COUNTY))
    assert "台账问题" not in text(pages_doubts.doubts(q, NORTH))


def test_an_override_is_named_with_both_values(tmp_path):
    (tmp_path / "own.yaml").write_text(
        "- key: exit.village.collective_income\n  term: 集体经济\n  unit: criterion\n  values:\n    - {from: 2016-01-01, value: {sign: '>=', yuan: 50000}, "
        "status: confirmed, document: 县文件}\n",
        encoding="utf-8",
    )
    shown = text(pages_doubts.doubts(make_quarter(rules=rules_at("2018-03-31", tmp_path)), COUNTY))
    assert "本县改写的规则：集体经济exit.village.collective_income" in shown
    assert "50,000" in shown
    assert "40,000" in shown


# ---- unknown and empty -------------------------------------------------------------------------------------------------

AREA_FUNCTIONS = [
    pages.title,
    pages_doubts.doubts,
    pages.key_figures,
    pages.main_points,
    pages_income.income_table,
    pages_income.income_by_quarter,
    pages_income.distribution,
    pages.ranking,
    pages_income.indicator_table,
    pages_income.contributions,
    pages.comparison,
    pages.published_totals,
    pages.method_notes,
    pages_exit.verdicts,
    pages_exit.conditions,
    pages_exit.missing,
    pages_exit.cohorts,
    pages_exit.village_exits,
    pages_exit.county_target,
    pages_exit.transitions,
]
GROUPED = [lambda q, area, kind=kind: pages_income.groups(q, area, kind) for kind in ("attribute", "cause", "poverty_status")]
ONLY_COUNTY = {pages_income.contributions}


@pytest.mark.parametrize("area", [COUNTY, NORTH, SOUTH, POOR, PLAIN, VACANT])
@pytest.mark.parametrize("function", [*AREA_FUNCTIONS, *GROUPED])
def test_every_part_renders_for_every_area_without_nan(q, function, area):
    if function in ONLY_COUNTY and area != COUNTY:
        pytest.skip("a part of the county page")
    shown = text(function(q, area))
    assert shown
    assert not re.search(r"nan|<NA>|None|NaT|inf\b", shown)


def test_a_village_without_households_says_so(q):
    assert "没有建档立卡贫困户" in text(pages.main_points(q, VACANT))
    assert "本村没有建档立卡贫困户" in text(pages_exit.household_list(q, VACANT))
    assert "未知" in text(pages.key_figures(q, VACANT))
    assert "没有收入已知的户" in text(pages_income.distribution(q, VACANT))


def test_all_unknown_incomes_render_with_words():
    income_table = make_income()
    money = [name for name in income_table.columns if name.endswith("_fen")]
    income_table[money] = pd.NA
    income_table["reason_code"] = "amount_unknown"
    q = make_quarter(household_income=income_table)
    q.indicators = indicators.make_indicators(q.household_income, q.households, rules=q.rules, quarter="2018Q1", line_year=2018)
    assert "收入全部未知" in text(pages.main_points(q, COUNTY))
    for function in AREA_FUNCTIONS:
        shown = text(function(q, COUNTY))
        assert not re.search(r"nan|<NA>|None|NaT", shown)
    assert "未知（该组收入全部未知）" in text(pages_income.income_table(q, COUNTY))


def test_an_unknown_population_leaves_the_rate_unknown():
    places = make_tables(rules_at("2018-03-31"))["villages"]
    places["rural_population_persons"] = places["rural_population_persons"].where(places["village_code"] != VACANT)
    q = make_quarter(villages=places)
    assert facts.stock(q, COUNTY)["incidence"] is None
    assert "贫困发生率未知" in text(pages.key_figures(q, COUNTY))
    assert "贫困发生率算不出" in text(pages_doubts.doubts(q, COUNTY))
    assert facts.stock(q, NORTH)["incidence"] is not None


def test_a_wrong_area_is_refused_with_advice(q):
    for wrong in (None, "4310", "431025999", 431025100):
        with pytest.raises(facts.AreaError, match="没有该地区"):
            pages.key_figures(q, wrong)


# ---- words -------------------------------------------------------------------------------------------------------------


def test_every_reason_of_the_stages_has_words():
    assert set(account.REASONS) <= set(words.REASONS)
    assert set(indicators.REASONS) <= set(words.REASONS)
    assert set(exits.REASONS) <= set(words.REASONS)


def test_every_value_of_the_law_is_put_in_chinese_words():
    for rule in rules_at("2018-03-31").values():
        if not rule.key.startswith(("item.", "flag.", "reconcile.", "township.", "area.")):
            said = re.sub(r"\b(?:item|flag|check)\.[a-z_.]+", "", words.value_in_words(rule.value))  # keys of other rules stay keys
            assert not re.search(r"[a-z]{3,}", said), f"{rule.key}: {said}"
        elif rule.unit == "department_flag":
            said = words.value_with_unit(rule)
            assert not re.search(r"[a-z]{3,}", said), f"{rule.key}: {said}"
            assert rule.value["advice"] in said


def test_the_methods_page_holds_every_item_and_every_line(q):
    shown = "".join(html(pages_methods.items(q, item_class)) for item_class in CODES["item_class"])
    assert all(rule.key in shown for rule in q.rules.under("item."))
    assert "3,535" in text(pages_methods.poverty_lines(q))
    assert all(term.term in html(pages_methods.indicator_definitions()) for term in indicators.DEFINITIONS.values())
    for level in ("household", "village", "county"):
        assert all(rule.key in html(pages_methods.criteria(q, level)) for rule in q.rules.under(f"exit.{level}."))
    for part in (pages_methods.overview, pages_methods.prices, pages_methods.headcount_rules, pages_methods.periods):
        assert "nan" not in text(part(q))
    assert "household_exit" in html(pages_methods.data_tables())


# ---- escaping ----------------------------------------------------------------------------------------------------------

PAYLOADS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    '" onmouseover="alert(1)',
    "</td></tr></table><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "javascript:alert(1)",
    "<style>*{display:none}</style>",
    "<!-- ",
    "]]><b>x</b>",
    "{{7*7}}{% raw %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "$\\alpha^{2}$ $x",
    "<details ontoggle=alert(1) open>",
    "<math><mtext></p><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://example.org")',
    "<base href='//example.org/'>",
]
ALLOWED = {
    "a",
    "b",
    "br",
    "caption",
    "details",
    "div",
    "figcaption",
    "figure",
    "h1",
    "img",
    "li",
    "p",
    "span",
    "strong",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}


class Live(HTMLParser):
    """Collects whatever a browser would run, load or follow."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in ALLOWED - {"b"}:
            self.found.append(tag)
        for name, value in attrs:
            if name not in ("class", "scope", "src", "alt", "href", "data-sort", "data-v"):
                self.found.append(f"{tag} {name}")
            if (name == "data-sort" and value not in ("number", "text")) or (name == "data-v" and not re.fullmatch(r"(-?[0-9.]+)?", value)):
                self.found.append(f"{tag} {name} {value}")
            if name == "src" and not value.startswith("data:image/png;base64,"):
                self.found.append(f"{tag} src {value}")
            if name == "href" and not re.fullmatch(r"[0-9a-z_]+Q[1-4]\.html", value, re.IGNORECASE):
                self.found.append(f"{tag} href {value}")
            if name == "alt":
                self.shown.append(value)

    def handle_comment(self, data):
        self.found.append("comment")

    def handle_data(self, data):
        self.shown.append(data)


def parse(markup: str) -> Live:
    parser = Live()
    parser.feed(markup)
    parser.close()
    return parser


def poisoned(payload: str):
    """A quarter in which every free text holds the payload."""
    q = make_quarter(is_sample=False)
    q.area_names = dict.fromkeys(NAMES, payload)
    q.villages["village_name"] = payload
    q.findings = conform(
        pd.DataFrame([{"finding_id": "1", "severity": payload, "fixer": payload, "message": payload, "file": payload, "household_id": "00431099000001"}]),
        "findings",
    )
    q.household_income.loc[q.household_income["net_fen"].isna(), "reason_code"] = payload
    q.indicators["reason_code"] = q.indicators["reason_code"].where(q.indicators["reason_code"].isna(), payload)
    q.transitions["why"] = payload
    q.transitions["verdict_before"] = pd.NA
    q.county_exit = q.county_exit.assign(measure=payload, unit=payload, note=payload, rule_key=payload)
    q.reference = pd.DataFrame([{"series": payload, "year": payload, "value": 1.0, "unit": payload, "source": payload, "status": payload, "note": payload}])
    q.previous = make_quarter("2017Q4", area_names=q.area_names)
    return q


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_comes_alive_on_any_part(payload):
    q = poisoned(payload)
    seen = 0
    for area in (COUNTY, SOUTH, POOR):
        functions = [function for function in AREA_FUNCTIONS if area == COUNTY or function not in ONLY_COUNTY]
        for function in [*functions, GROUPED[0], *([pages_exit.household_list] if area == POOR else [])]:
            live = parse(html(function(q, area)))
            assert live.found == [], (function, area)
            seen += payload in "".join(live.shown)
    assert seen > 25  # the name really was shown, as text


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_comes_alive_in_any_place_of_a_table(payload):
    frame = pd.DataFrame(
        {payload: [payload, "x"], "n": pd.array([pd.NA, 1], dtype="Int64"), "why": [payload, None], "c": [payload, payload], "k": [payload, payload]}
    )
    columns = {
        payload: Show(payload, unit=payload),
        "n": Show(payload, "integer", payload, unknown=payload, reason="why"),
        "c": Show(payload, "codes", codes="outcome"),
        "k": Show(payload, "rule", below="c"),
    }
    whole = [
        render_table(frame, columns, caption=payload, note_text=payload),
        render_table(frame.head(0), columns, caption=payload, empty=payload),
        tables_html.key_figures([tables_html.KeyFigure(payload, payload, payload, ((payload, payload),))]),
        tables_html.note(payload),
        tables_html.bullets([payload], payload, heading=payload),
        tables_html.bullets([], "doubts", empty=payload),
        tables_html.picture(b"", payload, payload),
        tables_html.fold(payload, tables_html.note(payload)),
        tables_html.join(payload),
    ]
    for fragment in whole:
        live = parse(html(fragment))
        assert live.found == []
        assert payload in "".join(live.shown)


def test_a_name_with_dollar_signs_is_drawn_as_it_is(recwarn):
    png = plots.plot_ranking(["$\\frac{村$", "乙村"], [2.0, 1.0], reference=1.5, reference_label="$x", axis_label="元", title="$\\alpha$ 最高")
    assert png.startswith(b"\x89PNG")
    assert not [warning for warning in recwarn if "Glyph" in str(warning.message)]


def test_figures_have_the_same_bytes_every_time(q):
    assert html(pages_income.distribution(q, COUNTY)) == html(pages_income.distribution(q, COUNTY))
    assert html(pages.ranking(q, COUNTY)) == html(pages.ranking(q, COUNTY))


def test_every_figure_has_words(q):
    for function in (pages_income.distribution, pages_exit.conditions, pages.ranking):
        for alt, caption in re.findall(r'<img src="[^"]*" alt="([^"]*)"><figcaption>(.*?)</figcaption>', html(function(q, COUNTY))):
            assert len(alt) > 20
            assert caption.endswith("。")


def test_nothing_of_the_quarter_is_changed(q):
    before = {name: frame.copy() for name, frame in vars(q).items() if isinstance(frame, pd.DataFrame)}
    for function in AREA_FUNCTIONS:
        function(q, COUNTY)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, getattr(q, name))


def test_a_missing_column_is_named():
    with pytest.raises(KeyError, match="columns missing: y"):
        render_table(pd.DataFrame({"x": [1]}), {"y": Show("y")}, caption="表")


def test_no_label_of_a_figure_is_cut_off():
    """Long names of places and items get their room: the outermost dots of the picture are blank."""
    names = ["奖补和赡养等其他转移收入中断的已脱贫户", "西山瑶族乡", "甲"]
    png = plots.plot_ranking(names, [3.0, 2.0, 1.0], reference=2.0, reference_label="全县", axis_label="元", title="长标签")
    dots = mpl_image.imread(io.BytesIO(png), format="png")[:, :, :3]
    assert (dots[:, :2] == 1).all()
    assert (dots[:, -2:] == 1).all()
    inked = (dots < 1).any(axis=(0, 2))
    assert inked[:40].any(), "and the room is used"
