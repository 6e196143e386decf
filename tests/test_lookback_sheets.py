"""The look-back's way through files: sheets out, filled in with a spreadsheet program, back in whatever state, and into the tables and pages."""

from __future__ import annotations

import json
import shutil

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import linwu_stats
from linwu_stats import RefusedError
from linwu_stats.cli import main
from linwu_stats.cli.lookback import sample_lookback
from linwu_stats.exits import lookback as room
from linwu_stats.ledgers.lookback_answers import read_lookback_sheets, read_off_list
from linwu_stats.ledgers.lookback_sheets import freeze_lookback, load_lookback, write_lookback_sheets
from linwu_stats.publish import facts, pages_lookback
from linwu_stats.quarter import make_quarter
from linwu_stats.rules import rules_at
from linwu_stats.synthetic import lookback as teams
from linwu_stats.synthetic import make_county

RULES = rules_at("2017-12-31")
QUARTER = "2017Q4"
STATE, PERSONS, REACHES, MISSED, RECOGNISES = "调查情况", "家庭人口(人)", "是否稳定达到退出标准", "是否应纳入而未纳入", "是否认可帮扶和退出工作"
SHEETS = {"已脱贫户": "exited", "未脱贫户": "registered", "非建档立卡户": "off_register"}


@pytest.fixture(scope="module")
def drawn():
    frame = teams.lookback_frame(QUARTER, 200)
    households = frame.households.assign(natural_village="=cmd|'/c calc'!A1")
    take = {"villages": 3, "exited": 4, "registered": 2, "off_register": 4, "reserves": 2}
    return room.draw_lookback(frame.villages, households, frame.headcounts, RULES, QUARTER, 20174, take=take), frame


def write(folder, drawn):
    return write_lookback_sheets(folder, drawn[0], QUARTER, area_names=drawn[1].area_names)


def fill(path, answer, save_as=None):
    """Fill a workbook in with openpyxl: ``answer(kind, unit, role)`` gives the words by heading."""
    book = openpyxl.load_workbook(path)
    for name, kind in SHEETS.items():
        if name in book.sheetnames:
            sheet = book[name]
            head = next(row for row in sheet.iter_rows(max_row=10) if any(cell.value == "编码" for cell in row))
            columns = {cell.value: cell.column for cell in head}
            for row in range(head[0].row + 1, sheet.max_row + 1):
                unit, role = (sheet.cell(row, columns[one]).value for one in ("编码", "样本或备用"))
                for heading, value in (answer(kind, unit, role) or {}).items():
                    sheet.cell(row, columns[heading]).value = value
    book.save(save_as or path)
    return book


def good(kind, unit, role):
    """An ordinary visit to every household that was drawn first."""
    if role != "样本户":
        return {}
    words = {STATE: "已调查", PERSONS: 3, RECOGNISES: "认可"}
    return words | ({REACHES: "达到"} if kind == "exited" else {MISSED: "否"} if kind == "off_register" else {})


def read(folder, drawn):
    return read_lookback_sheets(folder, drawn[0], QUARTER)


def test_sheets_ask_and_do_not_tell(tmp_path, drawn):
    paths = write(tmp_path, drawn)
    assert [path.name for path in paths] == [f"{QUARTER}_{code}_L.xlsx" for code in sorted(drawn[0]["village_code"].unique())]
    book = openpyxl.load_workbook(paths[0])
    sheet = book["已脱贫户"]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in cells)  # the natural village's name stays text
    assert any(cell.value == "=cmd|'/c calc'!A1" for cell in cells)
    written = " ".join(str(cell.value) for one in book.worksheets for row in one.iter_rows() for cell in row if cell.value)
    assert not any(word in written for word in ("不符合退出条件", "符合退出条件", "纯收入", "扶贫标准"))
    rules = {rule.sqref.__str__(): rule.formula1 for rule in sheet.data_validations.dataValidation if rule.type == "list"}
    assert '"已调查,拒访,多次未遇,已不在本村或已销户"' in rules.values()
    assert '"达到,未达到,不能确定"' in rules.values()
    again = write(tmp_path / "again", drawn)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in paths]


def test_a_filled_sheet_comes_back_whole(tmp_path, drawn):
    for path in write(tmp_path, drawn):
        fill(path, good)
    answers, notices = read(tmp_path, drawn)
    main_units = drawn[0].loc[drawn[0]["role"] == "main"]
    assert set(answers["unit_id"]) == set(main_units["unit_id"])
    assert notices.empty
    assert set(answers["state"]) == {"answered"}
    kinds = answers.merge(main_units[["unit_id", "kind"]], on="unit_id").set_index("kind")
    assert set(kinds.loc["exited", "problem"]) == {"no"}  # reaches the standard: no problem
    assert set(kinds.loc["off_register", "problem"]) == {"no"}
    assert kinds.loc["registered", "problem"].isna().all()
    assert set(answers["persons"]) == {3}


def test_words_of_both_questions_mean_the_problem(tmp_path, drawn):
    bad = {"exited": {REACHES: "未达到"}, "off_register": {MISSED: "是"}, "registered": {}}
    for path in write(tmp_path, drawn):
        fill(path, lambda kind, unit, role: good(kind, unit, role) and good(kind, unit, role) | bad[kind] | {RECOGNISES: "不认可"})
    answers, _ = read(tmp_path, drawn)
    kinds = answers.merge(drawn[0][["unit_id", "kind"]], on="unit_id")
    assert set(kinds.loc[kinds["kind"] != "registered", "problem"]) == {"yes"}
    assert set(kinds["recognises"]) == {"no"}


def test_blank_contradictory_and_strange_cells_are_unknown_and_said(tmp_path, drawn):
    sample = drawn[0]
    one, two, three, four = sample.loc[(sample["kind"] == "exited") & (sample["role"] == "main"), "unit_id"].iloc[:4]
    special = {one: {}, two: {STATE: "拒访", REACHES: "达到"}, three: {STATE: "已调查", REACHES: "应该达到吧", PERSONS: "约3人"}, four: {REACHES: "达到"}}
    for path in write(tmp_path, drawn):
        fill(path, lambda kind, unit, role: special.get(unit, good(kind, unit, role)))
    answers, notices = read(tmp_path, drawn)
    rows = answers.set_index("unit_id")
    assert one not in rows.index
    assert rows.loc[two, ["state", "problem"]].isna().all()
    assert rows.loc[three, "state"] == "answered"
    assert pd.isna(rows.loc[three, "problem"])
    assert pd.isna(rows.loc[three, "persons"])
    assert rows.loc[four, ["state", "problem"]].tolist() == ["answered", "no"]
    said = notices["what"].str.cat(sep=" ")
    for words in ("自相矛盾", "不在选项中", "不是合理的人数", "没有填调查情况"):
        assert words in said
    uses = room.settle_answers(sample, answers).set_index("unit_id")["use"]
    assert uses[[one, two, three]].tolist() == ["unknown", "unknown", "undecided"]


def test_the_same_sheet_twice_counts_once_and_two_different_ones_not_at_all(tmp_path, drawn):
    first, second, *_ = write(tmp_path, drawn)
    fill(first, good, tmp_path / "副本1.xlsx")
    fill(first, good)
    fill(second, good)
    fill(second, lambda kind, unit, role: good(kind, unit, role) and good(kind, unit, role) | {RECOGNISES: "不认可"}, tmp_path / "改过.xlsx")
    answers, notices = read(tmp_path, drawn)
    codes = sorted(drawn[0]["village_code"].unique())
    rows = answers.merge(drawn[0][["unit_id", "village_code", "role"]], on="unit_id")
    assert set(rows.loc[rows["village_code"] == codes[0], "state"]) == {"answered"}
    assert rows.loc[rows["village_code"] == codes[1], "state"].isna().all()
    assert rows["unit_id"].is_unique
    assert notices["what"].str.contains("只计一次").any()
    assert notices["what"].str.contains("不同的答复").any()


def test_households_villages_and_quarters_that_were_not_drawn_are_left_out(tmp_path, drawn):
    paths = write(tmp_path, drawn)
    fill(paths[0], good)
    book = openpyxl.load_workbook(paths[0])
    sheet = book["已脱贫户"]
    row = [cell for row in sheet.iter_rows(min_row=5, max_row=5) for cell in row]
    row[1].value = "00431099999999"
    book.save(paths[0])
    other = write_lookback_sheets(tmp_path / "old", drawn[0], "2016Q4", area_names=drawn[1].area_names)[0]
    fill(other, good)
    answers, notices = read(tmp_path, drawn)
    assert "00431099999999" not in set(answers["unit_id"])
    assert set(answers["unit_id"]) <= set(drawn[0]["unit_id"])
    assert notices["what"].str.contains("不得自行更换").any()
    assert notices["what"].str.contains("不是本次抽取").any()
    assert notices["what"].str.contains("没有交回").sum() == 2


def test_codes_that_became_numbers_sorted_rows_and_renamed_files(tmp_path, drawn):
    path = write(tmp_path, drawn)[0]
    fill(path, good)
    book = openpyxl.load_workbook(path)
    for name in ("已脱贫户", "未脱贫户"):
        if name in book.sheetnames:
            sheet = book[name]
            rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)]
            for place, values in enumerate(reversed(rows)):
                for column, value in enumerate(values, start=1):
                    sheet.cell(5 + place, column).value = int(value) if column == 2 else value
    book.save(tmp_path / "一组.xlsx")
    path.unlink()
    answers, _ = read(tmp_path, drawn)
    mine = drawn[0][(drawn[0]["village_code"] == sorted(drawn[0]["village_code"])[0]) & (drawn[0]["role"] == "main")]
    assert set(answers["unit_id"]) == set(mine["unit_id"])


def test_frozen_samples_come_back_as_they_were_and_are_not_drawn_over(tmp_path, drawn):
    freeze_lookback(tmp_path, drawn[0], {"quarter": QUARTER, "seed": 1})
    sample, told = load_lookback(tmp_path)
    pd.testing.assert_frame_equal(sample, drawn[0])
    assert told == {"quarter": QUARTER, "seed": 1}
    (tmp_path / "returned").mkdir()
    (tmp_path / "returned" / "a.xlsx").write_bytes(b"x")
    with pytest.raises(RefusedError, match="已交回"):
        freeze_lookback(tmp_path, drawn[0], {})
    for damage in ("{", '{"units": [{"unit_id": "1"}]}', "[]"):
        (tmp_path / "sample.json").write_text(damage, encoding="utf-8")
        with pytest.raises(RefusedError, match="已损坏"):
            load_lookback(tmp_path)
    assert load_lookback(tmp_path / "none")[0].empty


def test_lists_of_households_off_the_register(tmp_path):
    path = tmp_path / "名单.csv"
    path.write_text("行政村代码,户编号,自然村\n431025100201,A1,东组\n431025100201,A2,\n", encoding="utf-8")
    assert read_off_list(path).fillna("").values.tolist() == [["431025100201", "A1", "东组"], ["431025100201", "A2", ""]]
    for content, match in (("村,户\n1,2\n", "缺少表头"), ("行政村代码,户编号\n431025100201,张三\n", "代码有误"),
                           ("行政村代码,户编号\n431025100201,431099199001011234\n", "代码有误"), ("行政村代码,户编号\n4310,A1\n", "代码有误")):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(RefusedError, match=match):
            read_off_list(path)


# ---- the invented county and a whole quarter ---------------------------------------------------------------------------------------------------------

def test_the_teams_know_the_same_county(drawn):
    frame, whole = drawn[1], make_county(households=200)
    tables = whole.tables(QUARTER)
    columns = ["household_id", "township_code", "village_code", "natural_village", "poverty_status"]
    assert frame.households[columns].astype(object).values.tolist() == tables["households"][columns].astype(object).values.tolist()
    assert frame.households["exit_year"].tolist() == tables["households"]["exit_year"].tolist()
    assert frame.headcounts["registered_persons"].tolist() == tables["households"]["recorded_size_persons"].tolist()
    wrong = set(whole.specials().query("special in ('wrong_exit_income', 'wrong_exit_house')")["household_id"])
    assert wrong <= frame.wrong


def test_the_bundled_look_back_is_the_same_every_time_and_finds_only_what_is_true(tmp_path):
    def made(name):
        root = tmp_path / name
        (root / "data" / QUARTER).mkdir(parents=True)
        (root / "data" / QUARTER / "SAMPLE.json").write_text("{}", encoding="utf-8")
        sample_lookback(root, 200)
        return root / "data" / QUARTER / "lookback"

    first, second = made("one"), made("two")
    files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert [(first / one).read_bytes() for one in files] == [(second / one).read_bytes() for one in files]
    sample, told = load_lookback(first)
    answers, notices = read_lookback_sheets(first / "returned", sample, QUARTER)
    assert notices.empty
    settled = room.settle_answers(sample, answers)
    found = settled[(settled["kind"] == "exited") & (settled["problem"] == "yes")]["unit_id"]
    frame = teams.lookback_frame(QUARTER, 200)
    assert set(found) == set(settled.loc[(settled["kind"] == "exited") & settled["unit_id"].isin(frame.wrong) & (settled["state"] == "answered"), "unit_id"])
    assert told["frame_sha256"] == room.frame_facts(frame.villages, frame.households, frame.headcounts, RULES, QUARTER, 20174)["frame_sha256"]
    assert not settled["use"].eq("unknown").any()


def test_a_look_back_through_the_commands_into_tables_and_pages(small_home, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(small_home, home)

    def run(*arguments):
        return CliRunner().invoke(main, ["--home", str(home), "lookback", *arguments])

    plan = run("plan", "2018Q1")
    assert plan.exit_code == 0, plan.output
    assert "允许5户：简单随机523户" in plan.output
    assert run("read", "2018Q1").exit_code == 3
    done = run("draw", "2018Q1", "--villages", "8", "--exited", "4", "--off-register", "5")
    assert done.exit_code == 0, done.output
    folder = home / "data" / "2018Q1" / "lookback"
    told = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    assert (told["seed"], told["rule"]["villages"], len(told["frame_sha256"])) == (20181, 8, 64)
    for path in folder.glob("*.xlsx"):
        fill(path, good, folder / "returned" / path.name)
    said = run("read", "2018Q1")
    assert said.exit_code == 0, said.output
    assert "错退率 0.00%" in said.output
    assert "本次样本不能判定" in said.output
    assert run("draw", "2018Q1").exit_code == 3
    q = make_quarter("2018Q1", home)
    rates = q.lookback_rates.set_index(["measure", "definition", "area_code"])
    assert rates.loc[("wrong", "lookback.wrong.surveyed", "431025"), "found_households"] == 0
    assert len(q.lookback_sample) == len(told["units"])
    assert set(q.lookback_answers["unit_id"]) == set(q.lookback_sample["unit_id"])
    text = str(pages_lookback.main_points(q, "431025").markup)
    assert "户中没有查出错退，不等于没有" in text
    assert "0.60%" in str(pages_lookback.rates(q, "431025").markup)  # zero found in 500
    parts = [pages_lookback.doubts, pages_lookback.rates_figure, pages_lookback.incidence, pages_lookback.townships, pages_lookback.sample]
    assert all(str(part(q, "431025").markup) for part in parts)
    assert all(str(pages_lookback.township_figure(q, "431025", one).markup) for one in ("missed", "wrong", "recognition"))
    assert all("通过" in str(pages_lookback.plan(q, "431025", one).markup) for one in ("missed", "wrong", "recognition"))
    with pytest.raises(facts.AreaError):
        pages_lookback.rates(q, "431025100")


def test_pages_without_a_look_back_say_so(small_home):
    q = linwu_stats.open_quarter("2018Q1", home=small_home)
    assert q.lookback_rates.empty
    for part in (pages_lookback.doubts, pages_lookback.main_points, pages_lookback.rates, pages_lookback.incidence, pages_lookback.sample,
                 pages_lookback.townships):
        assert "还没有交回的回头看调查表" in str(part(q, "431025").markup)
    assert "没有可以画出界限的比率" in str(pages_lookback.rates_figure(q, "431025").markup)
    assert "不能" not in str(pages_lookback.township_figure(q, "431025", "missed").markup)
    assert len(q.lookback_plan)
