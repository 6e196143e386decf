"""Who is who in the register's sources: the published scenario of broken numbers and names, the order of sources, and what must never be linked."""

from __future__ import annotations

import random
from typing import Any

import pandas as pd
import pytest

from linwu_stats.ledgers.matching import Matched, match_sources
from linwu_stats.rules import rules_at
from linwu_stats.synthetic.identity import check_digit
from linwu_stats.synthetic.people import make_households
from linwu_stats.synthetic.places import make_villages
from linwu_stats.synthetic.source_pages import SOUNDS

HOW = rules_at("2018-03-31").value("reconcile.match")
TEXT = ("household_id", "person_id", "township", "village", "name", "id_number", "head_name", "group", "file")


def frame(rows: list[dict[str, Any]], file: str | None = "手册.xlsx") -> pd.DataFrame:
    """A source of rows, as :mod:`linwu_stats.ledgers.sources` gives it."""
    base = {"person_id": None, "township": "舜峰镇", "village": "和顺坪村", "head_name": None, "file": file}
    out = pd.DataFrame([base | {"row": number, "group": row["household_id"]} | row for number, row in enumerate(rows, start=2)])
    out["birth_date"] = pd.to_datetime(out["birth_date"]).astype("datetime64[us]")
    return out.astype(dict.fromkeys(TEXT, "string") | {"row": "Int64"})


def match(**sources: pd.DataFrame) -> Matched:
    return match_sources(sources, HOW["links"], HOW["similar_name_score"])


def links(matched: Matched, left: str, right: str) -> set[tuple[str, str]]:
    """Pairs of ``truth`` marks of rows that were made one person."""
    rows = matched.rows
    one, other = (rows[rows["source"] == source][["person", "truth"]] for source in (left, right))
    both = one.merge(other, on="person", suffixes=("", "_other"))
    return set(zip(both["truth"], both["truth_other"], strict=True))


@pytest.fixture(scope="module")
def people() -> list[dict[str, Any]]:
    """All persons of the sample county in a quarter, by its own families, names and villages."""
    villages = make_villages(20180522, 8186)
    return [
        {
            "household_id": row.household_id, "township": row.village.township, "village": row.village.name, "name": person.name,
            "id_number": person.id_number, "birth_date": person.birth, "truth": person.person_id,
        }
        for row in make_households(20180522, villages, 8186) if row.there(5)
        for person in row.present(5)
    ]


def spoilt(people: list[dict[str, Any]], seed: int, only_number: bool = False) -> list[dict[str, Any]]:
    """The published scenario: 1 % wrong digit, 0.5 % blank, 0.2 % fifteen digits, 5 % homophones, 1 % wrong household number, 1 % missing."""
    luck = random.Random(seed)
    out = []
    for person in people:
        row = dict(person)
        chance = luck.random()
        number = row["id_number"]
        if chance < 0.01:
            place = luck.randrange(6, 17)
            row["id_number"] = f"{number[:place]}{(int(number[place]) + luck.randint(1, 9)) % 10}{number[place + 1:]}"
        elif chance < 0.015:
            row["id_number"] = None
        elif chance < 0.017:
            row["id_number"] = number[:6] + number[8:17]
        if luck.random() < 0.05:
            like = [at for at in range(1, len(row["name"])) if row["name"][at] in SOUNDS]
            if like:
                at = luck.choice(like)
                row["name"] = row["name"][:at] + SOUNDS[row["name"][at]] + row["name"][at + 1:]
        if luck.random() < 0.01:
            row["household_id"] = luck.choice(people)["household_id"]
        if only_number:
            row["birth_date"] = None
        if luck.random() >= 0.01:
            out.append(row)
    luck.shuffle(out)
    return out


@pytest.mark.parametrize(("only_number", "least"), [(False, 0.999), (True, 0.998)])
def test_the_published_scenario(people, only_number, least):
    copy = spoilt(people, 7, only_number)
    found = links(match(system=frame(people, None), booklet=frame(copy)), "system", "booklet")
    right = {pair for pair in found if pair[0] == pair[1]}
    assert not found - right
    assert len(right) >= least * len(copy)


def partition(matched: Matched) -> set[frozenset[tuple[str, str, int]]]:
    """Who is taken for one person, and whether they share a household, without the numbers that stand for them."""
    rows = matched.rows
    return {frozenset(zip(part["original"], part["truth"], part["row"], strict=True)) for _, part in rows.groupby("person")} | {
        frozenset([("home", "", 0), *zip(part["original"], part["truth"], part["row"], strict=True)]) for _, part in rows.groupby("home")
    }


@pytest.fixture(scope="module")
def three(people) -> dict[str, pd.DataFrame]:
    """Three spoilt copies of the first thousand persons."""
    some = people[:1000]
    return {name: frame(spoilt(some, seed), None if name == "system" else f"{name}.xlsx").assign(original=name)
            for name, seed in (("system", 11), ("booklet", 12), ("household_file", 13))}


def test_the_order_of_sources_and_rows_decides_nothing(three):
    expected = partition(match(**three))
    backwards = {name: three[name].sample(frac=1, random_state=5).reset_index(drop=True) for name in reversed(three)}
    assert partition(match(**backwards)) == expected


@pytest.mark.parametrize("names", [("booklet", "system", "household_file"), ("household_file", "booklet", "system"), ("booklet", "household_file", "system")])
def test_which_source_is_which_decides_nothing(three, names):
    expected = partition(match(**three))
    swapped = dict(zip(names, three.values(), strict=True))
    found = partition(match(**swapped))
    assert found == expected


def test_every_row_has_one_person_and_one_household(three):
    rows = match(**three).rows
    assert len(rows) == sum(map(len, three.values()))
    assert rows[["person", "home"]].notna().all().all()
    again = match(**three).rows
    pd.testing.assert_frame_equal(rows, again)


def number(born: str, place: int) -> str:
    body = f"431099{born.replace('-', '')}{place:03d}"
    return body + check_digit(body)


LI = {"household_id": "00431099000001", "name": "李建国", "id_number": number("1960-05-05", 11), "birth_date": "1960-05-05", "truth": "a"}
WANG = {"household_id": "00431099000002", "name": "王秀英", "id_number": number("1971-02-03", 22), "birth_date": "1971-02-03", "truth": "b"}


def pair(left: list[dict[str, Any]], right: list[dict[str, Any]]) -> tuple[set[tuple[str, str]], Matched]:
    matched = match(system=frame(left, None), booklet=frame(right))
    return links(matched, "system", "booklet"), matched


def test_a_homophone_in_the_same_village_with_the_same_birth_date_is_linked_and_shown():
    found, matched = pair([LI], [LI | {"household_id": "00431099000009", "name": "李健国", "id_number": None}])
    assert found == {("a", "a")}
    shown = matched.candidates.iloc[0]
    assert (shown["tier"], shown["linked"], shown["row"]) == ("village_pinyin_birth", True, 2)


def test_a_similar_name_is_only_a_candidate():
    found, matched = pair([LI], [LI | {"household_id": "00431099000009", "name": "李建民", "id_number": None, "birth_date": "1961-05-05"}])
    assert not found
    assert [(row["tier"], row["linked"], row["score"]) for row in matched.candidates.to_dict("records")] == [("similar_name", False, 67)]


def test_namesakes_are_never_linked_by_name_alone():
    other = LI | {"household_id": "00431099000007", "birth_date": "1988-01-01", "id_number": number("1988-01-01", 33), "truth": "z"}
    assert not pair([LI], [other])[0]
    assert not pair([LI], [other | {"id_number": None}])[0]


def test_two_who_fit_alike_are_left_to_people():
    twins = [LI | {"id_number": None, "household_id": f"0043109900000{place}", "truth": str(place)} for place in (3, 4)]
    found, matched = pair([LI], twins)
    assert not found
    assert set(matched.candidates["linked"]) == {False}
    assert sorted(matched.candidates["row"]) == [2, 3]


def test_a_number_that_two_persons_have_links_neither_by_itself():
    shared = WANG | {"id_number": LI["id_number"]}
    found, matched = pair([LI, WANG], [LI, shared])
    assert found == {("a", "a"), ("b", "b")}
    assert set(matched.rows.loc[matched.rows["source"] == "booklet", "tier"]) == {"household_name"}


def test_swapped_numbers_of_two_members_do_not_swap_the_persons_unseen():
    wife = WANG | {"household_id": LI["household_id"]}
    swapped = [LI | {"id_number": wife["id_number"]}, wife | {"id_number": LI["id_number"]}]
    found, matched = pair([LI, wife], swapped)
    assert found == {("a", "a"), ("b", "b")}
    assert set(zip(matched.candidates["tier"], matched.candidates["linked"], strict=True)) == {("household_name", True), ("id_number", False)}


def test_a_wrong_household_number_follows_its_members():
    child = LI | {"name": "李小红", "id_number": number("2010-06-01", 44), "birth_date": "2010-06-01", "truth": "c"}
    wrong = "00431099000010"
    _, matched = pair([LI, child, WANG], [row | {"household_id": wrong} for row in (LI, child)] + [WANG])
    homes = matched.rows.set_index(["source", "truth"])["home"]
    assert homes["system", "a"] == homes["booklet", "a"] == homes["booklet", "c"]
    assert homes["system", "b"] == homes["booklet", "b"] != homes["system", "a"]


def test_a_page_twice_is_doubled_and_not_a_second_household():
    again = [LI | {"group": "n SC1"}, LI | {"group": "n SC2", "truth": "a2"}]
    found, matched = pair([LI], again)
    assert found == {("a", "a"), ("a", "a2")}
    rows = matched.rows
    assert rows["home"].nunique() == 1
    assert rows.loc[rows["source"] == "booklet", "group"].nunique() == 2


def test_fifteen_digits_link_nobody():
    old = LI["id_number"][:6] + LI["id_number"][8:17]
    found, matched = pair([LI], [LI | {"id_number": old}])
    assert found == {("a", "a")}
    assert set(matched.candidates["tier"]) == {"household_name"}
