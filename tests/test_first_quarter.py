"""What a county office meets in its first quarter: files as townships send them, workbooks left open, words that say what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

from linwu_stats.ledgers.read import read_path
from linwu_stats.quarter import make_quarter
from linwu_stats.rules import rules_at

TOWNSHIPS = ("武水镇", "花塘乡")


def rows_of(path: Path) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path, read_only=True).worksheets[0].iter_rows(values_only=True))


def save(path: Path, rows: list) -> None:
    path.parent.mkdir(exist_ok=True)
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)


@pytest.fixture(scope="module")
def newest(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quarter of two townships; each sends its income sheet under the same name."""
    home = tmp_path_factory.mktemp("office")
    folder = home / "data" / "2018Q1" / "ledgers"
    folder.mkdir(parents=True)
    source = small_home / "data" / "2018Q1" / "ledgers"
    shutil.copyfile(source / "行政村表.xlsx", folder / "行政村表.xlsx")
    people = rows_of(source / "贫困人口信息导出.xlsx")
    save(folder / "人口.xlsx", [row for row in people if row[1] in ("乡(镇)", *TOWNSHIPS)])
    incomes = rows_of(source / "季度收入表.xlsx")
    for township in TOWNSHIPS:
        rows = [list(row) for row in incomes if row[3] in ("乡镇", township)]
        if township == "武水镇":
            rows[1][rows[0].index("工资性收入")] = "约300"
        save(folder / township / "收入表.xlsx", rows)
    make_quarter("2018Q1", home)
    return home


def test_files_of_one_name_in_several_folders_are_told_apart(newest):
    q = make_quarter("2018Q1", newest)
    inputs = {one["path"]: one.get("kind") for one in q.provenance["inputs"]}
    assert inputs["武水镇/收入表.xlsx"] == inputs["花塘乡/收入表.xlsx"] == "income_sheet"
    assert sorted(q.income_sheet["household_id"]) == sorted(q.households["household_id"])
    found = q.findings[q.findings["code"] == "NUM_NOT_EXACT"]
    assert found["file"].tolist() == ["武水镇/收入表.xlsx"]


def test_the_work_list_says_in_which_file_and_lets_the_value_be_filled_in(newest):
    listed = make_quarter("2018Q1", newest).work_list
    item = listed[listed["code"] == "NUM_NOT_EXACT"].iloc[0]
    assert "（见 武水镇/收入表.xlsx）" in item["what"]
    assert item["fields"] == "income_sheet.wage_fen"


def test_a_copy_in_another_folder_is_named_with_that_folder(newest, tmp_path):
    for township in TOWNSHIPS:
        (tmp_path / township).mkdir()
        shutil.copyfile(newest / "data" / "2018Q1" / "ledgers" / "武水镇" / "收入表.xlsx", tmp_path / township / "收入表.xlsx")
    last = read_path(tmp_path, rules=rules_at("2018-03-31"))[-1]
    assert any(one.code == "SAME_CONTENT" and "“武水镇/收入表.xlsx”" in one.message for one in last.findings)
