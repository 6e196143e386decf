"""Two-person review: the draw, the sealed sheets, what comes back in whatever state, agreement, and bounds of the ledger's error rate."""

from __future__ import annotations

import csv
import json
import shutil
from itertools import product

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import linwu_stats
from linwu_stats.cli import main
from linwu_stats.ledgers import review
from linwu_stats.ledgers.agreement import agreement_of, exact_upper, finite_upper, hidden_errors
from linwu_stats.ledgers.entries import CORRECTABLE, shown
from linwu_stats.ledgers.review_report import review_error_rates, settle
from linwu_stats.rules import rules_at

RULES = rules_at("2018-03-31")
DEVILS = ("=cmd|'/c calc'!A1", "<script>alert(1)</script>", "{{7*7}}", "../../etc/x", "+1+1", "@SUM(A1)")


def register(sizes: dict[str, int]) -> pd.DataFrame:
    rows = [
        {"household_id": f"00431099{place:02d}{number:04d}", "township_code": code, "village_code": f"{code}20{number % 3}"}
        for place, (code, size) in enumerate(sizes.items()) for number in range(size)
    ]
    return pd.DataFrame(rows).sample(frac=1, random_state=3)


# ---- the draw ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["systematic", "simple"])
def test_a_draw_is_reproducible_stratified_and_keeps_its_probabilities(method):
    homes = register({"431025100": 120, "431025101": 60, "431025104": 3})
    drawn = review.draw_review_sample(homes, RULES, 7, take=30, method=method)
    assert drawn.equals(review.draw_review_sample(homes.sort_values("household_id"), RULES, 7, take=30, method=method))
    # 30 of 183: shares 19.67, 9.84, 0.49 give 20, 10, 0; the least of 5 is more than the third township has, so it is taken whole
    assert drawn.groupby("township_code").size().to_dict() == {"431025100": 20, "431025101": 10, "431025104": 3}
    assert drawn["household_id"].is_unique
    assert drawn.groupby("township_code")["weight"].sum().round(9).to_dict() == {"431025100": 120, "431025101": 60, "431025104": 3}
    assert drawn.groupby("township_code")["inclusion_share"].first().round(9).tolist() == [round(20 / 120, 9), round(10 / 60, 9), 1.0]
    other = review.draw_review_sample(homes, RULES, 8, take=30, method=method)
    assert set(other["household_id"]) != set(drawn["household_id"])


def test_a_systematic_draw_takes_equal_steps_through_the_villages():
    homes = register({"431025100": 90})
    drawn = review.draw_review_sample(homes, RULES, 1, take=9)
    assert drawn.groupby("village_code").size().tolist() == [3, 3, 3]


@pytest.mark.parametrize("method", ["systematic", "simple"])
def test_every_household_has_the_same_chance(method):
    homes, hits = register({"431025100": 20}), dict.fromkeys(register({"431025100": 20})["household_id"], 0)
    for seed in range(200):
        for one in review.draw_review_sample(homes, RULES, seed, take=5, method=method)["household_id"]:
            hits[one] += 1
    # 200 draws at 1/4: mean 50, standard deviation 6.1; four and a half of them either way
    assert min(hits.values()) > 22 and max(hits.values()) < 78


@pytest.mark.parametrize(("seed", "take"), [(-1, 5), (1.5, 5), (True, 5), (1, 0)])
def test_a_draw_without_sense_is_refused(seed, take):
    with pytest.raises(review.ReviewError, match="不能抽样"):
        review.draw_review_sample(register({"431025100": 9}), RULES, seed, take=take)


# ---- coefficients and bounds ---------------------------------------------------------------------------------------------


def pairs(a: int, b: int, c: int, d: int) -> list[tuple[bool, bool]]:
    return [(True, True)] * a + [(True, False)] * b + [(False, True)] * c + [(False, False)] * d


def test_kappa_of_a_published_example():
    """Example of ci.kappa(.05, 31, 12, 4, 58) in the manual of the R package statpsych: 0.6756757, standard error 0.07344761, 0.5317210 to 0.8196303."""
    said = agreement_of(pairs(31, 12, 4, 58), positive=True)
    assert [round(one, 7) for one in (said.kappa, said.low, said.high)] == [0.6756757, 0.5317210, 0.8196303]
    assert (said.count, said.agreed, said.positive_both, said.positive_one) == (105, 89, 31, 16)
    assert said.positive_agreement == pytest.approx(62 / 78)


def test_kappa_by_hand_and_its_paradox():
    # 100 subjects, 98 agree, each alone finds one error: chance .99*.99 + .01*.01 = .9802, so kappa = (.98 - .9802) / .0198
    said = agreement_of(pairs(0, 1, 1, 98), positive=True)
    assert said.kappa == pytest.approx(-0.0002 / 0.0198)
    assert said.positive_agreement == 0
    # Gwet: p = .01, chance 2 * .01 * .99 = .0198
    assert said.ac1 == pytest.approx((0.98 - 0.0198) / (1 - 0.0198))


def test_ac1_of_a_table_with_three_values_by_hand():
    said = agreement_of([("a", "a")] * 6 + [("b", "b")] * 2 + [("a", "b"), ("c", "a")])
    # shares: a (7 + 7) / 20, b 5 / 20, c 1 / 20; chance (.7*.3 + .25*.75 + .05*.95) / 2
    chance = (0.21 + 0.1875 + 0.0475) / 2
    assert said.ac1 == pytest.approx((0.8 - chance) / (1 - chance))
    assert said.positive == "c" and said.positive_agreement == 0


def test_coefficients_without_meaning_are_not_numbers():
    assert agreement_of([]).reason == "nothing_answered"
    alone = agreement_of([("a", "a")] * 9)
    assert alone.kappa is None and alone.reason == "one_category" and alone.share == 1
    perfect = agreement_of(pairs(3, 0, 0, 17), positive=True)
    assert perfect.kappa == 1 and perfect.low < 1, "an interval without width would feign certainty"


@pytest.mark.parametrize(("x", "n", "percent"), [(0, 150, 1.977), (1, 150, 3.123), (2, 313, 1.998), (5, 523, 2.000), (2, 200, 3.11)])
def test_exact_bounds(x, n, percent):
    assert exact_upper(x, n, 0.95) * 100 == pytest.approx(percent, abs=0.005)


@pytest.mark.parametrize(("population", "n"), [(8186, 147), (1000, 132)])
def test_finite_population_bounds(population, n):
    """The sizes at which nothing found shows at most 2 percent wrong; one household fewer does not."""
    assert finite_upper(0, n, population, 0.95) <= 0.02 < finite_upper(0, n - 1, population, 0.95)


def test_the_exact_bound_covers():
    from math import comb

    for p, n in product((0.005, 0.01, 0.019, 0.05), (40, 150)):
        covered = sum(comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(n + 1) if exact_upper(x, n, 0.95) >= p)
        assert covered >= 0.95


def test_hidden_errors_by_chapman():
    assert hidden_errors(90, 85, 70) == pytest.approx(91 * 86 / 71 - 1 - 105)
    assert hidden_errors(0, 0, 0) is None


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match="差错数"):
        exact_upper(3, 2, 0.95)


# ---- the ledger's error rate by hand -------------------------------------------------------------------------------------


def answered(rows: list[tuple[str, str | None, str | None, str | None]], township: str = "431025100", field: str = "households.cause"):
    """Sample, sealed values and answers of households given as (ledger, first, second, third)."""
    homes = [f"004310990{township[-3:]}{number:02d}" for number in range(len(rows))]
    values = pd.DataFrame([
        {"subject_id": home, "household_id": home, "township_code": township, "field": field, "value": row[0]} for home, row in zip(homes, rows, strict=True)
    ], dtype="object")
    answers = pd.DataFrame([
        {"subject_id": home, "field": field, "reviewer": reviewer, "household_id": home, "township_code": township, "state": "answered", "value": value,
         "mark": f"R0{'ABC'.index(reviewer) + 1}", "file": "x", "row": 1}
        for home, row in zip(homes, rows, strict=True) for reviewer, value in zip("ABC", row[1:], strict=True) if value is not None
    ], columns=["subject_id", "field", "reviewer", "household_id", "township_code", "state", "value", "mark", "file", "row"])
    return values, answers


def sample_of(values: pd.DataFrame, size: int) -> pd.DataFrame:
    homes = values[["household_id", "township_code"]].drop_duplicates().reset_index(drop=True)
    count = len(homes)
    return homes.assign(village_code="x", draw_order=range(1, count + 1), stratum_households=size, taken_households=count, inclusion_share=count / size,
                        weight=size / count)


def test_error_rates_by_hand():
    rows = [("illness", "illness", "illness", None)] * 6 + [
        ("illness", "study", "study", None),     # both say otherwise: an error
        (None, "study", "study", None),          # the ledger is blank: an error, and counted as blank
        ("illness", "illness", "study", None),   # they differ, nobody decided: not settled
        ("illness", "study", "illness", "illness"),  # the third person decided for the ledger
        ("illness", "study", None, None),        # one alone settles nothing
        ("illness", None, None, None),           # nobody answered
    ]
    values, answers = answered(rows)
    rates = review_error_rates(sample_of(values, 40), settle(values, answers), 0.95, "431025")
    row = rates[(rates["area_code"] == "431025100") & (rates["field"] == "households.cause")].iloc[0]
    expected = {"population": 40, "drawn": 12, "settled": 9, "unsettled": 2, "unanswered": 1, "error": 2, "blank": 1}
    assert {name: row[f"{name}_households"] for name in expected} == expected
    assert row["error_share"] == pytest.approx(2 / 9)
    assert row["upper_share"] == pytest.approx(exact_upper(4, 11, 0.95)), "what is not settled counts as an error in the bound"
    assert row["method"] == "exact"


def test_nobody_finds_an_error_in_150_households():
    values, answers = answered([("illness", "illness", "illness", None)] * 100)
    more_values, more_answers = answered([("illness", "illness", "illness", None)] * 50, "431025101")
    sample = pd.concat([sample_of(values, 1000), sample_of(more_values, 500)])
    rates = review_error_rates(sample, settle(pd.concat([values, more_values]), pd.concat([answers, more_answers])), 0.95, "431025")
    county = rates[(rates["area_code"] == "431025") & (rates["field"] == "all")].iloc[0]
    assert county["method"] == "exact" and round(county["upper_share"] * 100, 3) == 1.977 and county["error_share"] == 0


def test_unequal_rates_of_sampling_are_weighted_and_never_narrower():
    values, answers = answered([("illness", "study", "study", None)] * 2 + [("illness", "illness", "illness", None)] * 18)
    more_values, more_answers = answered([("illness", "illness", "illness", None)] * 20, "431025101")
    sample = pd.concat([sample_of(values, 900), sample_of(more_values, 100)])
    rates = review_error_rates(sample, settle(pd.concat([values, more_values]), pd.concat([answers, more_answers])), 0.95, "431025")
    county = rates[(rates["area_code"] == "431025") & (rates["field"] == "all")].iloc[0]
    assert county["error_share"] == pytest.approx(0.9 * 0.1), "two of twenty in nine tenths of the county"
    assert county["method"] == "design" and county["exact_upper_share"] == pytest.approx(exact_upper(2, 40, 0.95))
    # variance .81 * .1 * .9 / 19; effective size .09 * .91 / variance = 21.35; Kish 1000**2 / (900**2/20 + 100**2/20) = 24.39
    effective = 0.09 * 0.91 / (0.81 * 0.09 / 19)
    assert county["upper_share"] == pytest.approx(exact_upper(0.09 * effective, effective, 0.95))
    assert county["upper_share"] > county["exact_upper_share"]


def test_a_township_without_answers_makes_the_county_unknown():
    values, answers = answered([("illness", "illness", "illness", None)] * 10)
    more_values, _ = answered([("illness", None, None, None)] * 10, "431025101")
    sample = pd.concat([sample_of(values, 100), sample_of(more_values, 100)])
    rates = review_error_rates(sample, settle(pd.concat([values, more_values]), answers), 0.95, "431025").set_index(["area_code", "field"])
    assert rates.loc[("431025", "all"), "reason_code"] == "townships_missing" and pd.isna(rates.loc[("431025", "all"), "upper_share"])
    assert rates.loc[("431025100", "all"), "error_share"] == 0


# ---- the sheets, out and back --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(small_home, tmp_path_factory):
    """A workspace in which a review was drawn by the command; its sheets are written once."""
    home = tmp_path_factory.mktemp("review") / "home"
    shutil.copytree(small_home, home)
    result = CliRunner().invoke(main, ["--home", str(home), "review", "draw", "2018Q1", "--seed", "5", "--households", "40"])
    assert result.exit_code == 0, result.output
    return home


@pytest.fixture
def folder(drawn, tmp_path):
    shutil.copytree(drawn / "data" / "2018Q1" / "review", tmp_path / "review")
    return tmp_path / "review"


def township_with_child(folder):
    _, values, _ = review.load_review(folder)
    children = values[values["field"] == "schooling.school_state"]
    return children["township_code"].value_counts().index[0]


def fill(source, target, values: pd.DataFrame, wrong: dict | None = None, who: str = "甲某", touch=None) -> None:
    """Fill a sheet as a reviewer does who finds what the ledger says, apart from ``wrong``: (subject, field) to the cell's text."""
    book = openpyxl.load_workbook(source)
    truth = {(row.subject_id, row.field): row.value for row in values.itertuples()}
    from linwu_stats.ledgers.entries import heading_of

    fields = {heading_of(name): name for name in values["field"].unique()}
    for sheet in book.worksheets[:2]:
        if sheet.max_row < 4 or sheet.title == "填表说明":
            continue
        sheet["B3"], sheet["D3"] = who, "2018-04-12"
        head = [cell.value for cell in sheet[4]]
        key = head.index("人编号") if "人编号" in head else head.index("户编号")
        for row in sheet.iter_rows(min_row=5):
            for place, name in enumerate(head):
                if name in fields:
                    subject = row[key].value
                    value = truth[subject, fields[name]]
                    text = (wrong or {}).get((subject, fields[name]), None if value is None else shown(fields[name], value))
                    row[place].value = text
    if touch:
        touch(book)
    target.parent.mkdir(parents=True, exist_ok=True)
    book.save(target)


def read(folder):
    sample, values, _ = review.load_review(folder)
    answers, notices = review.read_review_sheets(folder / "returned", sample, values, "2018Q1")
    return sample, values, answers, notices


def test_the_same_seed_gives_the_same_bytes_and_drawing_over_returned_sheets_is_refused(drawn, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(drawn, home)
    place = home / "data" / "2018Q1" / "review"
    before = {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    command = ["--home", str(home), "review", "draw", "2018Q1", "--seed", "5", "--households", "40"]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before
    (place / "returned" / "x.xlsx").write_bytes(b"anything")
    again = CliRunner().invoke(main, [*command, "--seed", "6"])
    assert again.exit_code == 3 and "不能重新抽样" in again.output
    assert (place / "sample.json").read_bytes() == before["sample.json"]


def test_sheets_are_sealed(drawn, small_home):
    """No answer, no value of the ledger, no name and no number of a person stands in a sheet; the two differ only in whose they are."""
    place = drawn / "data" / "2018Q1" / "review"
    q = linwu_stats.open_quarter("2018Q1", home=small_home)
    facts = json.loads((place / "sample.json").read_text(encoding="utf-8"))
    assert facts["seed"] == 5 and len(facts["frame_sha256"]) == 64 and facts["frame_sha256"] == review.frame_sha256(q.households)
    values = review.load_review(place)[1]
    incomes = {shown(row.field, row.value) for row in values.itertuples() if row.value and row.field.startswith("income_sheet")} - {"0.00"}
    paths = sorted(place.glob("*.xlsx"))
    assert len(paths) == 2 * len({home["township_code"] for home in facts["households"]})
    for path in paths:
        book = openpyxl.load_workbook(path)
        sheets = [sheet for sheet in book if sheet.title in ("复核表", "义务教育")]
        cells = [str(cell.value) for sheet in sheets for row in sheet.iter_rows(min_row=5) for cell in row if cell.value]
        assert not incomes & set(cells)
        written = [row[4:] for row in book["复核表"].iter_rows(min_row=5, values_only=True)]
        assert not any(map(any, written)), "only number, household, township and village are written"
        assert book["复核表"].protection.sheet and book["复核表"]["B3"].protection.locked is False
    first, second = (openpyxl.load_workbook(path)["复核表"] for path in paths[:2])
    assert list(first.iter_rows(min_row=4, values_only=True)) == list(second.iter_rows(min_row=4, values_only=True))


def test_names_only_where_asked_for_and_only_as_text(drawn, tmp_path):
    sample, values, _ = review.load_review(drawn / "data" / "2018Q1" / "review")
    names = {home: DEVILS[place % len(DEVILS)] for place, home in enumerate(sample["household_id"])}
    paths = review.write_review_sheets(tmp_path, sample, values, "2018Q1", area_names=dict.fromkeys(sample["village_code"], "=1+1"), person_names=names)
    seen = set()
    for path in paths:
        assert path.parent == tmp_path
        for row in openpyxl.load_workbook(path)["复核表"].iter_rows(min_row=5):
            assert all(cell.data_type != "f" for cell in row)
            seen.add(row[4].value)
    assert seen == set(names.values())


def test_two_honest_reviewers(folder):
    sample, values, _ = review.load_review(folder)
    town = township_with_child(folder)
    homes = sample.loc[sample["township_code"] == town, "household_id"].tolist()
    field = "income_sheet.wage_fen"
    for township in sample["township_code"].unique():
        both = {(homes[0], field): "1.23"}
        fill(folder / f"2018Q1_{township}_A.xlsx", folder / "returned" / f"{township}甲.xlsx", values, both, who=f"甲{township}")
        fill(folder / f"2018Q1_{township}_B.xlsx", folder / "returned" / f"{township}乙.xlsx", values, both | {(homes[1], field): "9.99"}, who=f"乙{township}")
    _, _, answers, notices = read(folder)
    assert notices.empty
    assert set(answers["mark"]) == {f"R{number:02d}" for number in range(1, 2 * sample["township_code"].nunique() + 1)}
    assert not answers.astype(str).apply(lambda column: column.str.contains("甲4|乙4")).any().any(), "signatures are numbered and forgotten"
    said = review.report(sample, values, answers, RULES)
    every = said.agreement[(said.agreement["pair"] == "all") & (said.agreement["field"] == field)].set_index("basis")
    known = int((values.loc[values["field"] == field, "value"].notna()).sum())
    assert every.loc["value", "both"] in (known, known + 1, known + 2) and every.loc["value", "differed"] == 1
    # both found the first household wrong, the second reviewer alone another: 2 * 1 / (1 + 2)
    assert every.loc["error", "positive_both"] == 1 and every.loc["error", "positive_one"] == 1
    assert every.loc["error", "positive_agreement"] == pytest.approx(2 / 3)
    assert said.disputes[["household_id", "field"]].to_numpy().tolist() == [[homes[1], field]]
    rates = said.error_rates.set_index(["area_code", "field"])
    assert rates.loc[(town, field), ["error_households", "unsettled_households"]].tolist() == [1, 1]
    assert rates.loc[("431025", "all"), "error_households"] == 1


def test_the_third_person_decides(folder):
    sample, values, _ = review.load_review(folder)
    town = township_with_child(folder)
    child = values[(values["field"] == "schooling.school_state") & (values["township_code"] == town)].iloc[0]
    home = sample.loc[sample["township_code"] == town, "household_id"].iloc[0]
    wrong = {(child["subject_id"], "schooling.school_state"): "失学辍学", (home, "households.cause"): "因婚"}
    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "returned" / "a.xlsx", values, wrong, who="甲某")
    fill(folder / f"2018Q1_{town}_B.xlsx", folder / "returned" / "b.xlsx", values, who="乙某")
    sample, values, answers, _ = read(folder)
    disputes = review.report(sample, values, answers, RULES).disputes
    assert len(disputes) == 2
    [path] = review.write_dispute_sheets(folder, disputes, "2018Q1")
    book = openpyxl.load_workbook(path)
    sheet = book["裁定表"]
    for row in sheet.iter_rows(min_row=5):
        row[7].value = "失学辍学" if row[4].value == "schooling.school_state" else "无法核实"
    sheet["B3"] = "丙某"
    book.save(folder / "returned" / "c.xlsx")
    sample, values, answers, notices = read(folder)
    said = review.report(sample, values, answers, RULES)
    assert said.disputes["field"].tolist() == ["households.cause"]
    assert said.error_rates.set_index(["area_code", "field"]).loc[(town, "schooling.school_state"), "error_households"] == 1
    assert not any("找不到" in str(one) for one in notices["what"])


def messy(book):
    """Sorted downwards, an empty row between, the sheet renamed, a column moved, another sheet added: what people do."""
    sheet = book["复核表"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    head, body = rows[0], sorted(rows[1:], key=lambda row: row[1], reverse=True)
    order = [1, 0, *range(len(head) - 1, 1, -1)]
    for line, row in enumerate([head, *body[:1], [None] * len(head), *body[1:]], start=4):
        for column, place in enumerate(order, start=1):
            sheet.cell(line, column).value = row[place]
    sheet.title = "Sheet1 (2)"
    book.create_sheet("随手记")["A1"] = "=1+1"


def test_a_mess_reads_the_same(folder):
    sample, values, _ = review.load_review(folder)
    town = sample["township_code"].iloc[0]
    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "returned" / "clean.xlsx", values)
    clean = read(folder)[2].drop(columns=["file", "row"]).sort_values(["subject_id", "field"]).reset_index(drop=True)
    shutil.rmtree(folder / "returned")
    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "returned" / "复核 回来了.xlsx", values, touch=messy)
    mess = read(folder)[2].drop(columns=["file", "row"]).sort_values(["subject_id", "field"]).reset_index(drop=True)
    assert len(clean) and mess.equals(clean)


def test_saved_as_text(folder):
    sample, values, _ = review.load_review(folder)
    town = sample["township_code"].iloc[0]
    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "filled.xlsx", values)
    rows = list(openpyxl.load_workbook(folder / "filled.xlsx")["复核表"].iter_rows(values_only=True))
    (folder / "returned").mkdir(exist_ok=True)
    with (folder / "returned" / "复核表.csv").open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows(rows)
    answers = read(folder)[2]
    homes = int((sample["township_code"] == town).sum())
    assert (answers["field"] == "households.poverty_status").sum() == homes and set(answers["reviewer"]) == {"A"}


@pytest.mark.parametrize(("text", "field"), [
    ("约300", "income_sheet.wage_fen"), ("3-4", "households.recorded_size_persons"), ("很穷", "households.poverty_status"), ("O", "income_sheet.cost_fen"),
    ("-5", "income_sheet.cost_fen"), ("1.234", "income_sheet.wage_fen"), ("E级", "housing.housing_grade"), *((one, "households.cause") for one in DEVILS),
])
def test_wrong_entries_are_invalid_and_named(folder, text, field):
    sample, values, _ = review.load_review(folder)
    town, home = sample[["township_code", "household_id"]].iloc[0]
    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "returned" / "a.xlsx", values, {(home, field): text})
    _, _, answers, notices = read(folder)
    row = answers[(answers["subject_id"] == home) & (answers["field"] == field)].iloc[0]
    assert row["state"] == "invalid" and row["value"] is None
    assert notices["what"].str.contains("填写无效").sum() == 1
    assert text not in "".join(notices["what"]), "what was written is not repeated: it may hold anything"


def test_sheets_of_the_wrong_hand(folder):
    sample, values, _ = review.load_review(folder)
    one, two, three = sorted(sample["township_code"].unique())[:3]
    back = folder / "returned"
    # the files are swapped by name: the number in the sheet says whose it is
    fill(folder / f"2018Q1_{one}_A.xlsx", back / f"2018Q1_{one}_B.xlsx", values, who="甲某")
    fill(folder / f"2018Q1_{one}_B.xlsx", back / f"2018Q1_{one}_A.xlsx", values, who="乙某")
    shutil.copy(back / f"2018Q1_{one}_A.xlsx", back / "又交一次.xlsx")
    # one person signs both
    fill(folder / f"2018Q1_{two}_A.xlsx", back / "2a.xlsx", values, who="丙 某")
    fill(folder / f"2018Q1_{two}_B.xlsx", back / "2b.xlsx", values, who="丙某")
    # two different sheets of one reviewer, none of the other
    home = sample.loc[sample["township_code"] == three, "household_id"].iloc[0]
    fill(folder / f"2018Q1_{three}_A.xlsx", back / "3a.xlsx", values, who="丁某")
    fill(folder / f"2018Q1_{three}_A.xlsx", back / "3b.xlsx", values, {(home, "households.cause"): "因婚"}, who="戊某")
    (back / "坏.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (back / "~$2a.xlsx").write_bytes(b"lock")
    _, _, answers, notices = read(folder)
    assert set(zip(answers["township_code"], answers["reviewer"], strict=True)) == {(one, "A"), (one, "B")}
    words = "".join(notices["what"])
    assert "只计一次" in words and "同一人签名" in words and "内容不同" in words and "已损坏" in words
    assert f"{three}的复核人乙的表没有交回" in words
    by_name = answers.groupby("reviewer")["file"].first()
    assert by_name["A"] == f"2018Q1_{one}_B.xlsx"


def test_rows_of_other_households_are_left_out(folder):
    sample, values, _ = review.load_review(folder)
    town = sample["township_code"].iloc[0]

    def stranger(book):
        sheet = book["复核表"]
        sheet["B5"] = "00431099999999"

    fill(folder / f"2018Q1_{town}_A.xlsx", folder / "returned" / "a.xlsx", values, touch=stranger)
    _, _, answers, notices = read(folder)
    assert "00431099999999" not in set(answers["subject_id"]) and notices["what"].str.contains("不在本表的复核样本中").sum() == 1


def test_the_command_reports_and_the_tables_are_made(drawn, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(drawn, home)
    place = home / "data" / "2018Q1" / "review"
    sample, values, _ = review.load_review(place)
    town, first = sample[["township_code", "household_id"]].iloc[0]
    fill(place / f"2018Q1_{town}_A.xlsx", place / "returned" / "<b>a.xlsx", values, {(first, "households.cause"): "因婚"}, who="甲某")
    fill(place / f"2018Q1_{town}_B.xlsx", place / "returned" / "b.xlsx", values, {(first, "households.cause"): "因婚"}, who="乙某")
    runner = CliRunner()
    said = json.loads(runner.invoke(main, ["--home", str(home), "review", "read", "2018Q1", "--format", "json"]).stdout)
    row = next(one for one in said["error_rates"] if one["area_code"] == town and one["field"] == "households.cause")
    assert row["error_households"] == 1 and said["draw"]["seed"] == 5
    page = runner.invoke(main, ["--home", str(home), "review", "read", "2018Q1", "--format", "html"]).stdout
    assert "<b>a.xlsx" not in page and "default-src 'none'" in page
    text = runner.invoke(main, ["--home", str(home), "review", "read", "2018Q1"]).stdout
    assert "差错率" in text and "Kappa" in text and "甲某" not in text + page
    q = linwu_stats.quarter.make_quarter("2018Q1", home)
    assert len(q.review_sample) == len(sample) and q.review_error_rates["error_households"].max() == 1
    item = q.work_list[q.work_list["code"] == "ledger_differs"]
    assert item["household_id"].tolist() == [first] and item["fields"].tolist() == ["households.cause"]
    assert "甲某" not in q.review_answers.to_csv()


def test_nothing_drawn_is_said(small_home, tmp_path):
    result = CliRunner().invoke(main, ["--home", str(small_home), "review", "read", "2018Q1"])
    assert result.exit_code == 3 and "没有抽取复核样本" in result.output
    q = linwu_stats.open_quarter("2018Q1", home=small_home)
    assert q.review_sample.empty and q.review_answers.empty and q.review_agreement.empty and q.review_error_rates.empty
    assert set(CORRECTABLE) <= set(dir(q))
