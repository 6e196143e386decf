"""The table of ledger checks: numbers added up by hand from three checks of two townships."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pandas as pd
import pytest
from markupsafe import Markup

from linwu_stats.publish import facts, pages_quality
from linwu_stats.tables import conform, empty

COUNTY, NORTH, SOUTH, VILLAGE = "431025", "431025100", "431025101", "431025100201"
NAMES = {COUNTY: "临武县", NORTH: "舜峰镇", SOUTH: "金江镇", VILLAGE: "甲村"}
BLANK = ("check.blank.cause", "主要致贫原因未填", "household", "warning", "村")
HEAD = ("check.shape.no_head", "户内没有户主", "household", "error", "乡镇")
CARD = ("check.guarantee.certificate", "<b>残疾</b>而没有残疾人证", "person", "error", "残联")
#: check, township, passed, failed, unknown, columns that the ledger lacks
COUNTS = [
    (BLANK, NORTH, 90, 10, 0, None), (BLANK, SOUTH, 45, 3, 2, None),
    (HEAD, NORTH, 99, 1, 0, None), (HEAD, SOUTH, 50, 0, 0, None),
    (CARD, NORTH, 0, 0, 300, "是否有残疾人证"), (CARD, SOUTH, 0, 0, 150, "是否有残疾人证"),
]  # fmt: skip


def make_counts(rows=COUNTS) -> pd.DataFrame:
    names = ("check_key", "title", "subject", "severity", "fixer")
    frame = pd.DataFrame(
        [
            dict(zip(names, check, strict=True))
            | {"township_code": code, "passed": passed, "failed": failed, "unknown": unknown, "rows": passed + failed + unknown, "absent": absent}
            for check, code, passed, failed, unknown, absent in rows
        ]
    )
    return conform(frame, "check_counts")


def make_quarter(counts: pd.DataFrame | None = None, previous=None) -> SimpleNamespace:
    return SimpleNamespace(quarter="2018Q1", area_names=NAMES, previous=previous, check_counts=make_counts() if counts is None else counts)


def shown(q, area) -> str:
    return pages_quality.check_table(q, area)._repr_html_()


def rows(markup: str) -> list[list[str]]:
    found = re.findall(r"<tr>(.*?)</tr>", markup, re.DOTALL)[1:]
    return [[Markup(cell).striptags() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)] for row in found]


def test_the_county_adds_its_townships_errors_first():
    earlier = make_quarter(make_counts([(HEAD, NORTH, 60, 4, 0, None), (BLANK, NORTH, 0, 0, 60, "主要致贫原因")]))
    table = rows(shown(make_quarter(previous=earlier), COUNTY))
    # 1 + 0 without a head; 10 + 3 without a cause, and a quarter ago nobody could know
    assert [[cell.replace(" ", "") for cell in row] for row in table] == [
        ["户内没有户主check.shape.no_head", "错误", "乡镇", "1", "4", "149", "0"],
        ["主要致贫原因未填check.blank.cause", "疑点", "村", "13", "—", "135", "2"],
    ]
    said = Markup(shown(make_quarter(previous=earlier), COUNTY)).striptags()
    assert "共检查 3 项：错误 1 项共 1 处，疑点 1 项共 13 处。" in said
    assert "1 项因台账没有下列各列而不能检查：是否有残疾人证。" in said


def test_a_township_has_its_own_numbers():
    table = rows(shown(make_quarter(), SOUTH))
    assert [row[1:] for row in table] == [["疑点", "村", "3", "—", "45", "2"]]


def test_more_than_the_table_holds_is_said():
    many = [((f"check.blank.x{number:02d}", f"第{number}项", "household", "warning", "村"), NORTH, 5, number, 0, None) for number in range(1, 26)]
    markup = shown(make_quarter(make_counts(many)), NORTH)
    table = rows(markup)
    assert [row[3] for row in table] == [str(number) for number in range(25, 5, -1)]
    assert "只列前 20 项，另有 5 项有问题。" in Markup(markup).striptags()


def test_no_checks_and_no_failures_say_so():
    assert "没有检查出问题" in shown(make_quarter(make_counts([(HEAD, NORTH, 9, 0, 0, None)])), NORTH)
    assert "本季没有检查记录" in shown(make_quarter(empty("check_counts")), COUNTY)


def test_a_village_is_refused_with_advice():
    with pytest.raises(facts.AreaError, match="county or township"):
        pages_quality.check_table(make_quarter(), VILLAGE)


def test_nothing_in_a_name_becomes_part_of_the_page():
    name = ("check.blank.y", "<script>alert(1)</script>", "household", "error", "村")
    markup = shown(make_quarter(make_counts([(name, NORTH, 5, 1, 0, "<img src=x>")])), NORTH)
    assert "<script>" not in markup
    assert "&lt;script&gt;" in markup
    assert "<img" not in markup
