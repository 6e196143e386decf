"""Three sources side by side: who is who, what differs, what may be taken as agreed, and what a difference would change."""

from __future__ import annotations

import json
import random

import pandas as pd
import pytest
from click.testing import CliRunner
from pypinyin import lazy_pinyin

from linwu_stats import open_quarter
from linwu_stats.cli import main
from linwu_stats.ledgers.matching import match_sources
from linwu_stats.ledgers.reconcile import PRESENCE, ReconcileError, compare_sources
from linwu_stats.ledgers.sources import SOURCES, roster_source
from linwu_stats.ledgers.trials import plan_trials
from linwu_stats.rules import LawError, rules_at
from linwu_stats.synthetic import make_county, true_differences

RULES = rules_at("2018-03-31")
LINKS = RULES.value("reconcile.match")["links"]
WEIGHTS, MAP = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"


def number(born: str, order: int) -> str:
    """A valid ID number of the unallocated area, GB 11643-1999."""
    front = f"431099{born}{order:03d}"
    return front + MAP[sum(int(digit) * weight for digit, weight in zip(front, WEIGHTS, strict=True)) % 11]


def person(household, name, born, order, **more):
    base = {
        "household_id": household, "township": "舜峰镇", "village": "上洞村", "name": name, "id_number": number(born, order), "birth_date": pd.Timestamp(born),
        "head_name": name, "relation": "head", "housing_grade": "A", "wage_fen": 100_000, "poverty_status": "not_out", "recorded_size_persons": 1,
    }
    return base | more


def roster(rows, case="booklet_number"):
    frame = pd.DataFrame(rows).assign(_row=range(2, len(rows) + 2), _file="手册.xlsx")
    if case in frame:
        frame[case] = frame[case].astype("string")
    return roster_source(frame, RULES)


H1, H2, H3 = "00431099000001", "00431099000002", "00431099000003"


def differences(found):
    return {(row["household_id"], row["field"]): row for row in found.differences.to_dict("records")}


def test_equal_sources_have_no_difference():
    rows = [person(H1, "甲一", "19700101", 1), person(H2, "乙二", "19800202", 2)]
    found = compare_sources({"system": roster(rows), "booklet": roster(rows)}, RULES)
    assert found.differences.empty
    assert set(found.presence["pattern"]) == {"11-"}
    assert len(found.presence) == 4


def test_a_value_that_two_of_three_share_is_agreed_and_its_ground_named():
    rows = [person(H1, "甲一", "19700101", 1)]
    two = roster([rows[0] | {"recorded_size_persons": 2}])
    found = compare_sources({"system": roster(rows), "booklet": two, "household_file": two}, RULES)
    row = differences(found)[H1, "households.recorded_size_persons"]
    assert (row["pattern"], row["agreed_value"], row["agreed_source"]) == ("ABB", "2", "two_of_three")
    assert [row[f"{source}_value"] for source in SOURCES] == ["1", "2", "2"]


def test_the_rule_says_which_source_wins():
    rows = [person(H1, "甲一", "19700101", 1)]
    found = compare_sources({source: roster([rows[0] | {"wage_fen": wage}]) for wage, source in enumerate(SOURCES, 1)}, RULES)
    row = differences(found)[H1, "income_sheet.wage_fen"]
    assert (row["pattern"], row["agreed_value"], row["agreed_source"]) == ("ABC", "2", "booklet")


def test_three_values_without_a_winner_agree_on_nothing(tmp_path):
    rows = [person(H1, "甲一", "19700101", 1)]
    given = {source: roster([rows[0] | {"recorded_size_persons": size}]) for size, source in enumerate(SOURCES, 1)}
    row = differences(compare_sources(given, RULES))[H1, "households.recorded_size_persons"]
    assert row["pattern"] == "ABC"
    assert pd.isna(row["agreed_value"])
    assert pd.isna(row["agreed_source"])


def test_a_county_chooses_its_own_winner(tmp_path):
    text = """- key: reconcile.field.wage_fen
  term: 工资性收入
  unit: source_field
  values:
    - {from: 2014-01-01, value: {level: household, column: income_sheet.wage_fen, tolerance: 5, winner: system, fixer: 村, tried: true, personal: false},
       status: confirmed, document: 县发〔2018〕1号, clause: 三, note: ""}
"""
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    rows = [person(H1, "甲一", "19700101", 1)]
    for other, differs in ((100_005, False), (100_006, True)):
        given = {"system": roster(rows), "booklet": roster([rows[0] | {"wage_fen": other}])}
        found = differences(compare_sources(given, rules_at("2018-03-31", tmp_path)))
        assert ((H1, "income_sheet.wage_fen") in found) == differs
        if differs:
            assert found[H1, "income_sheet.wage_fen"]["agreed_source"] == "system"
    (tmp_path / "own.yaml").write_text(text.replace("winner: system", "winner: mayor"), encoding="utf-8")
    with pytest.raises(LawError, match="winner"):
        rules_at("2018-03-31", tmp_path)


def test_amounts_within_the_tolerance_are_one_value(tmp_path):
    entry = """- key: reconcile.field.{name}
  term: {term}
  unit: source_field
  values:
    - {{from: 2014-01-01, value: {{level: {level}, column: {column}, tolerance: 5, winner: two_of_three, fixer: 村, tried: true, personal: false}},
       status: confirmed, document: 县发〔2018〕1号, clause: 三, note: ""}}
"""
    text = entry.format(name="wage_fen", term="工资性收入", level="household", column="income_sheet.wage_fen")
    text += entry.format(name="birth_date", term="出生日期", level="person", column="persons.birth_date")
    (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
    one = person(H1, "甲一", "19700101", 1) | {"wage_fen": 100_000}
    given = {"system": roster([one]), "booklet": roster([one | {"wage_fen": 100_003, "birth_date": "1970-01-02"}]),
             "household_file": roster([one | {"wage_fen": 200_000}])}
    found = differences(compare_sources(given, rules_at("2018-03-31", tmp_path)))
    row = found[H1, "income_sheet.wage_fen"]
    assert (row["pattern"], row["agreed_value"], row["agreed_source"]) == ("AAB", "100000", "two_of_three")
    assert [key for key in found if key[1] == "persons.birth_date"], "a tolerance of amounts says nothing about days"


def test_a_blank_is_unknown_and_no_difference():
    rows = [person(H1, "甲一", "19700101", 1)]
    found = compare_sources({"system": roster(rows), "booklet": roster([rows[0] | {"wage_fen": pd.NA}])}, RULES)
    assert found.differences.empty
    about = found.compared[found.compared["field"] == "income_sheet.wage_fen"]
    assert list(about["outcome"]) == ["unknown"]


def test_names_and_numbers_are_compared_but_never_shown():
    rows = [person(H1, "甲一", "19700101", 1)]
    given = {"system": roster(rows), "booklet": roster([rows[0] | {"name": "甲乙"}])}
    found = compare_sources(given, RULES)
    row = differences(found)[H1, "persons.name"]
    assert [row["system_value"], row["booklet_value"]] == ["甲", "乙"]
    assert pd.isna(row["agreed_value"])
    for frame in (found.presence, found.candidates, found.differences.drop(columns=["name_key"], errors="ignore")):
        text = frame.to_csv()
        assert "甲一" not in text
        assert number("19700101", 1) not in text


def test_a_doubled_household_counts_once_and_is_named():
    rows = [person(H1, "甲一", "19700101", 1), person(H2, "乙二", "19800202", 2)]
    found = compare_sources({"system": roster(rows), "booklet": roster([*rows, rows[1]])}, RULES)
    patterns = found.presence.set_index(["subject", "household_id"])["pattern"]
    assert patterns["household", H2] == "12-"
    assert patterns["household", H1] == "11-"
    assert differences(found)[H2, PRESENCE]["booklet_value"] == "2"


def test_a_member_of_another_household_is_one_difference_and_no_newcomer():
    child = person(H1, "甲小", "20050505", 3, relation="son", head_name="甲一")
    rows = [person(H1, "甲一", "19700101", 1), child, person(H2, "乙二", "19800202", 2)]
    moved = [rows[0], child | {"household_id": H2}, rows[2]]
    found = compare_sources({"system": roster(rows).assign(person_id=["p1", "p3", "p2"]), "booklet": roster(moved)}, RULES)
    row = differences(found)[H1, "persons.household_id"]
    assert (row["person_id"], row["system_value"], row["booklet_value"]) == ("p3", H1, H2)
    assert [key for key in differences(found) if key[1] == "presence"] == []
    trial = plan_trials(found.differences).iloc[0]
    assert (trial["kind"], trial["household_id"], trial["person_id"], trial["source"]) == ("remove", H1, "p3", "booklet")
    assert set(found.presence["pattern"]) == {"11-"}


def test_a_wrong_household_code_is_a_difference_of_the_household():
    rows = [person(H1, "甲一", "19700101", 1), person(H2, "乙二", "19800202", 2)]
    found = compare_sources({"system": roster(rows), "booklet": roster([rows[0] | {"household_id": H3}, rows[1]])}, RULES)
    assert {key: (row["system_value"], row["booklet_value"], row["agreed_value"]) for key, row in differences(found).items()} == {
        (H1, "households.household_id"): (H1, H3, H1)}


def test_members_of_a_doubled_page_are_not_listed_one_by_one():
    rows = [person(H1, "甲一", "19700101", 1), person(H1, "甲小", "20050505", 3, relation="son", head_name="甲一")]
    found = compare_sources({"system": roster(rows), "booklet": roster([*rows, *rows])}, RULES)
    assert [(row["subject"], row["field"]) for row in found.differences.to_dict("records")] == [("household", "presence")]
    only = compare_sources({"system": roster(rows), "booklet": roster([*rows, rows[1]])}, RULES)
    assert [(row["subject"], row["field"]) for row in only.differences.to_dict("records")] == [("person", "presence")]


def test_a_source_that_contradicts_itself_says_nothing():
    rows = [person(H1, "甲一", "19700101", 1)]
    found = compare_sources({"system": roster(rows), "booklet": roster([rows[0], rows[0] | {"housing_grade": "D"}])}, RULES)
    assert (H1, "housing.housing_grade") not in differences(found)
    about = found.compared[found.compared["field"] == "housing.housing_grade"]
    assert list(about["outcome"]) == ["unknown"]


def test_a_wrong_household_code_is_found_by_its_members():
    rows = [person(H1, "甲一", "19700101", 1), person(H2, "乙二", "19800202", 2)]
    wrong = [rows[0] | {"household_id": H3, "booklet_number": "SC1"}, rows[1] | {"booklet_number": "SC2"}]
    found = compare_sources({"system": roster(rows), "booklet": roster(wrong)}, RULES)
    homes = found.presence[found.presence["subject"] == "household"].set_index("household_id")
    assert homes.loc[H1, "pattern"] == "11-"
    assert homes.loc[H1, "booklet_tier"] == "members"
    assert homes.loc[H1, "booklet_code"] == H3


def test_the_code_alone_does_not_make_two_families_one():
    found = compare_sources({"system": roster([person(H1, "甲一", "19700101", 1)]), "booklet": roster([person(H1, "戊五", "19600606", 9)])}, RULES)
    assert sorted(found.presence.loc[found.presence["subject"] == "household", "pattern"]) == ["01-", "10-"]
    assert found.candidates.empty


def test_a_similar_name_is_shown_and_not_merged():
    system = [person(H1, "张三丰", "19700101", 1)]
    booklet = [person(H2, "张三风", "19710505", 3)]
    found = compare_sources({"system": roster(system), "booklet": roster(booklet)}, RULES)
    assert list(found.candidates["tier"]) == ["similar_name"]
    assert list(found.candidates["score"]) == [67]  # two of three characters: 2 * 2 / 6
    assert not found.candidates["linked"].any()
    assert sorted(found.presence.loc[found.presence["subject"] == "person", "pattern"]) == ["01-", "10-"]


def test_namesakes_of_one_village_and_birth_date_are_left_to_people():
    system = [person(H1, "李四", "19700101", 1), person(H2, "李四", "19700101", 2)]
    booklet = [person(H3, "李四", "19700101", 1) | {"id_number": pd.NA}]
    found = compare_sources({"system": roster(system), "booklet": roster(booklet)}, RULES)
    assert not found.candidates["linked"].any()
    assert len(found.candidates) == 2


def test_a_number_that_two_people_have_links_neither():
    system = [person(H1, "甲一", "19700101", 1), person(H2, "乙二", "19800202", 2)]
    booklet = [system[0], system[1] | {"id_number": system[0]["id_number"]}]
    found = compare_sources({"system": roster(system), "booklet": roster(booklet)}, RULES)
    people = found.presence[found.presence["subject"] == "person"]
    assert list(people["pattern"]) == ["11-", "11-"]
    assert set(people["booklet_tier"]) == {"household_name"}


def test_one_source_alone_cannot_be_compared():
    with pytest.raises(ReconcileError, match="两个来源"):
        compare_sources({"system": roster([person(H1, "甲一", "19700101", 1)])}, RULES)


# ---- a whole register ----------------------------------------------------------------------------------------------------


def homophones(names):
    by_sound = {}
    for char in sorted({char for name in names for char in name}):
        by_sound.setdefault(lazy_pinyin(char)[0], []).append(char)
    return by_sound


@pytest.fixture(scope="module")
def scenario():
    """A register and a copy with the faults of copies: 1 % a wrong digit, 0.5 % no number, 0.2 % 15 digits, 5 % homophones, 1 % wrong household, 1 % gone."""
    county = make_county(households=2500)
    rows = [
        {
            "household_id": row.household_id, "person_id": one.person_id, "township": row.village.township, "village": row.village.name, "name": one.name,
            "id_number": one.id_number, "birth_date": pd.NaT, "head_name": row.members[0].name, "booklet_number": pd.NA, "truth": one.person_id,
        }
        for row in county.present("2018Q1") for one in row.present(5)
    ]
    draw = random.Random(20180331)
    sounds = homophones([row["name"] for row in rows])
    codes = sorted({row["household_id"] for row in rows})
    copy = []
    for row in rows:
        if draw.random() < 0.01:
            continue
        new = row | {"person_id": pd.NA}
        chance = draw.random()
        if chance < 0.01:
            place = draw.randrange(6, 17)
            new["id_number"] = row["id_number"][:place] + str((int(row["id_number"][place]) + draw.randrange(1, 10)) % 10) + row["id_number"][place + 1 :]
        elif chance < 0.015:
            new["id_number"] = pd.NA
        elif chance < 0.017:
            new["id_number"] = row["id_number"][:6] + row["id_number"][8:17]
        if draw.random() < 0.05:
            same = [char for char in sounds[lazy_pinyin(row["name"][-1])[0]] if char != row["name"][-1]]
            new["name"] = row["name"][:-1] + draw.choice(same) if same else row["name"]
        if draw.random() < 0.01:
            new["household_id"] = draw.choice(codes)
        copy.append(new)

    def source(some):
        frame = pd.DataFrame(some)
        valid = frame["id_number"].map(lambda one: isinstance(one, str) and len(one) == 18 and number(one[6:14], int(one[14:17]))[-1] == one[-1])
        frame["id_number"] = frame["id_number"].where(valid)  # the reader gives no number whose check digit is wrong
        born = pd.DataFrame(some)["id_number"].fillna("").str[6:14]
        frame["birth_date"] = pd.to_datetime(born, format="%Y%m%d", errors="coerce")
        return roster_source(frame.assign(_row=range(2, len(frame) + 2), _file="a.xlsx"), RULES), frame["truth"].tolist()

    return source(rows), source(copy)


def test_the_scenario_is_linked_without_a_wrong_link(scenario):
    (system, true_system), (copy, true_copy) = scenario
    rows = match_sources({"system": system, "booklet": copy}, LINKS, 60).rows
    left, right = rows[rows["source"] == "system"], rows[rows["source"] == "booklet"]
    who = dict(zip(left["person"], true_system, strict=True))
    linked = [(who.get(person), truth) for person, truth in zip(right["person"], true_copy, strict=True)]
    wrong = sum(found is not None and found != truth for found, truth in linked)
    right_ones = sum(found == truth for found, truth in linked)
    assert wrong == 0
    assert right_ones >= 0.999 * len(true_copy), f"{right_ones} of {len(true_copy)}"


def test_the_order_of_sources_and_rows_changes_nothing(scenario):
    (system, _), (copy, _) = scenario
    some = set(system["household_id"].unique()[:300])
    system, copy = system[system["household_id"].isin(some)], copy[copy["household_id"].isin(some)]
    one = compare_sources({"system": system, "booklet": copy, "household_file": copy}, RULES)
    other = compare_sources({"household_file": copy, "booklet": copy, "system": system}, RULES)
    pd.testing.assert_frame_equal(one.presence, other.presence)
    pd.testing.assert_frame_equal(one.differences, other.differences)
    mixed = compare_sources({"system": system.sample(frac=1, random_state=7), "booklet": copy.sample(frac=1, random_state=8), "household_file": copy}, RULES)
    columns = ["presence_id", "pattern"]
    pd.testing.assert_frame_equal(
        one.presence[columns].sort_values(columns).reset_index(drop=True), mixed.presence[columns].sort_values(columns).reset_index(drop=True)
    )


def test_patterns_add_up_to_the_union(scenario):
    (system, _), (copy, _) = scenario
    presence = compare_sources({"system": system, "booklet": copy}, RULES).presence
    people = presence[presence["subject"] == "person"]
    assert (people["pattern"].str[0] != "0").sum() == len(system)
    assert (people["pattern"].str[1] != "0").sum() == len(copy)
    assert people["presence_id"].is_unique
    assert set(people["pattern"]) <= {"11-", "10-", "01-"}


# ---- the quarter ---------------------------------------------------------------------------------------------------------


def test_the_sample_differences_are_found_and_no_other(small_home):
    q = open_quarter("2018Q1", small_home)
    truth = true_differences(make_county(households=200), "2018Q1")
    #: A broken number is no number, a blank no value.
    readable = truth[truth["field"] != "id_number"]
    blank = readable[["system", "booklet", "household_file"]].notna().sum(axis=1) < 2
    one_known = readable[["system", "booklet", "household_file"]].nunique(axis=1) < 2
    rows = readable[~blank & ~one_known].fillna({"person_id": ""})
    wanted = set(rows[["household_id", "person_id", "field"]].itertuples(index=False, name=None))
    rows = q.source_differences.fillna({"person_id": ""})
    rows = rows.assign(field=rows["field"].str.rpartition(".")[2])
    found = set(rows[["household_id", "person_id", "field"]].itertuples(index=False, name=None))
    assert len(wanted) > 20
    assert found == wanted
    codes = truth[truth["field"] == "household_id"]
    homes = q.source_presence.set_index("household_id")
    for row in codes.itertuples():
        assert homes.loc[[row.household_id], ["booklet_code", "household_file_code"]].notna().any().any()


def test_differences_put_in_to_change_a_verdict_come_first(small_home):
    q = open_quarter("2018Q1", small_home)
    truth = true_differences(make_county(households=200), "2018Q1")
    decisive = set(truth.loc[truth["decides"], "household_id"])
    changing = q.source_differences["changes_verdict"].fillna(False)
    assert decisive
    assert decisive <= set(q.source_differences.loc[changing, "household_id"])
    assert changing.tolist() == sorted(changing.tolist(), reverse=True)
    counts = q.source_counts
    assert counts["differ"].sum() == len(q.source_differences)
    assert (counts["agree"] + counts["differ"] == counts["compared"]).all()
    assert counts["change_verdict"].sum() == changing.sum()


def test_no_name_or_number_reaches_a_table(small_home):
    q = open_quarter("2018Q1", small_home)
    names = {one.name for row in make_county(households=200).households for one in row.members if len(one.name) >= 3}
    for table in ("source_presence", "match_candidates", "source_differences", "source_counts"):
        text = getattr(q, table).to_csv()
        assert not any(name in text for name in names)
        assert "4310991" not in text.replace("00431099", "")


# ---- the command ---------------------------------------------------------------------------------------------------------


def test_the_command_compares_files_by_themselves(small_home):
    ledgers = small_home / "data" / "2018Q1" / "ledgers"
    files = ["--booklet", str(ledgers / "扶贫手册.xlsx"), "--household-file", str(ledgers / "一户一档.xlsx"), "--on", "2018-03-31"]
    result = CliRunner().invoke(main, ["reconcile", *files, "--format", "json"])
    assert result.exit_code == 1
    shown = json.loads(result.output)
    assert shown["sources"] == ["booklet", "household_file"]
    assert {row["pattern"] for row in shown["presence"]} <= {"-11", "-10", "-01", "-21", "-12"}
    assert shown["differences"]
    export = ["--system", str(ledgers / "贫困人口信息导出.xlsx"), *files[:2], "--quarter", "2018Q1", "--format", "json"]
    fields = {row["field"].partition(".")[0] for row in json.loads(CliRunner().invoke(main, ["reconcile", *export]).output)["differences"]}
    assert fields <= {"households", "persons", "presence"}, "the export's amounts are of a year"
    assert "persons" in fields
    for form in ("text", "html"):
        text = CliRunner().invoke(main, ["reconcile", *files, "--format", form]).output
        assert "不一致" in text
    assert CliRunner().invoke(main, ["reconcile", *files[:2]]).exit_code == 2
    wrong = CliRunner().invoke(main, ["reconcile", "--system", str(ledgers / "住房安全台账.xlsx"), *files])
    assert wrong.exit_code == 3
    assert "不能作为系统比对" in wrong.output
