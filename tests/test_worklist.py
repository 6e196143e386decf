"""The work list: what stands in it and in which order, what became of it a quarter later, and the way through workbook and correction to the figures."""

from __future__ import annotations

import json
import shutil

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import linwu_stats
from linwu_stats.cli import main
from linwu_stats.ledgers import checks, worklist
from linwu_stats.ledgers.worklist_books import write_work_books
from linwu_stats.quarter import make_quarter
from linwu_stats.rules import rules_at
from linwu_stats.tables import conform, empty

RULES = rules_at("2018-06-30")
CHECKS = checks.load_checks()
HOMES = [f"0043109900000{number}" for number in range(1, 8)]
TOWNS = ["431025100", "431025100", "431025100", "431025101", "431025101", "431025101", "431025101"]
NAMES = ("villages", "households", "persons", "housing", "water", "living", "schooling", "insurance", "income_items", "income_sheet", "findings",
         "check_results", "check_counts", "household_exit", "corrections")
CAUSE, ATTRIBUTE, PHONE = "check.blank.cause", "check.blank.attribute", "check.blank.phone"
OWNERS = {CAUSE: "乡镇", ATTRIBUTE: "乡镇", PHONE: "村", "check.guarantee.disabled_without_certificate": "残联"}


def make_tables(failed=(), unknown=(), *, homes=HOMES, absent=(), findings=(), exits=(), quarter="2018Q2", **columns):
    """Tables in which these (check, place of the household) failed or are unknown."""
    tables = {name: empty(name) for name in NAMES}
    place = {home: TOWNS[HOMES.index(home)] for home in homes}
    tables["households"] = conform(pd.DataFrame({
        "household_id": list(homes), "township_code": [place[home] for home in homes], "village_code": [f"{place[home]}201" for home in homes],
        "cause": [columns.get("cause", {}).get(HOMES.index(home)) for home in homes], "attribute": "general", "phone_given": True,
    }), "households")
    results = [(key, HOMES[number], "fail") for key, number in failed] + [(key, HOMES[number], "unknown") for key, number in unknown]
    severity = {check.key: check.severity for check in CHECKS}
    if results:
        tables["check_results"] = conform(pd.DataFrame([
            {"check_key": key, "subject_id": home, "subject": "household", "township_code": place.get(home), "household_id": home, "outcome": outcome,
             "severity": severity[key], "fixer": OWNERS[key]}
            for key, home, outcome in results
        ]), "check_results")
    tables["check_counts"] = conform(pd.DataFrame([
        {"check_key": key, "township_code": town, "absent": "某列" if key in absent else None} for key in OWNERS for town in sorted(set(TOWNS))
    ]), "check_counts")
    if findings:
        tables["findings"] = conform(pd.DataFrame([
            {"finding_id": f"{number:06d}", "severity": "error", "outcome": "flag", "fixer": "乡镇", "file": "a.xlsx", "message": "问题"} | one
            for number, one in enumerate(findings)
        ]), "findings")
    if exits:
        tables["household_exit"] = conform(pd.DataFrame([{"household_id": HOMES[number], **one} for number, one in exits]), "household_exit")
    return tables


def make(tables, quarter="2018Q2", **more):
    return worklist.work_list(tables, RULES, quarter, checks=CHECKS, **more)


def status(items: pd.DataFrame) -> dict[tuple[str, int], str]:
    return {(row.code, HOMES.index(row.household_id)): row.status for row in items.itertuples()}


# ---- what stands in it ---------------------------------------------------------------------------------------------------


def test_each_thing_once_gravest_first_with_owner_and_deadline():
    files = pd.DataFrame({"path": ["a.xlsx"], "kind": ["housing"], "outcome": ["flag"]})
    tables = make_tables(
        [(CAUSE, 0), (PHONE, 1), (CAUSE, 3), ("check.guarantee.disabled_without_certificate", 4)], [(ATTRIBUTE, 2)],
        findings=[
            {"code": "STATUS_VALUE", "column": "住房等级", "household_id": HOMES[5], "row": 7},
            {"code": "STATUS_VALUE", "column": "住房等级", "household_id": HOMES[5], "row": 9},
            {"code": "TITLE_ROWS", "severity": "info", "outcome": "accept"}, {"code": "HEADER_SYNONYM", "severity": "warning", "outcome": "repair"},
        ],
        exits=[(5, {"housing": "unknown"})],
    )
    items = make(tables, files=files)
    assert items["code"].tolist() == ["STATUS_VALUE", CAUSE, CAUSE, PHONE, "check.guarantee.disabled_without_certificate"]
    assert items["gravity"].tolist() == ["verdict", "error", "error", "warning", "warning"], "the housing of a household whose housing is unknown comes first"
    # 30 June and 10, 20, 30 days
    assert items["deadline_date"].dt.strftime("%m-%d").tolist() == ["07-10", "07-20", "07-20", "07-30", "07-30"]
    assert items["office"].tolist() == ["township"] * 4 + ["county"] and items["owner"].tolist() == ["乡镇", "乡镇", "乡镇", "村", "残联"]
    first = items.iloc[0]
    assert "共2处" in first["what"] and first["fields"] == "housing.housing_grade" and json.loads(first["current"]) == {"housing.housing_grade": None}
    assert set(items["status"]) == {"new"} and set(items["quarters_open"]) == {1} and items["order"].tolist() == [1, 2, 3, 4, 5]


def test_the_name_of_an_item_does_not_depend_on_its_row_or_company():
    one = make(make_tables([(CAUSE, 3)])).iloc[0]
    more = make(make_tables([(CAUSE, 0), (CAUSE, 3), (PHONE, 3)]), "2018Q3")
    assert one["item_id"] in set(more["item_id"]) and one["item_id"].startswith("w"), "no spreadsheet takes it for a number"
    files = pd.DataFrame({"path": ["a.xlsx"], "kind": ["housing"], "outcome": ["flag"]})
    rows = [make(make_tables(findings=[{"code": "STATUS_VALUE", "column": "住房等级", "household_id": HOMES[2], "row": row}]), files=files) for row in (3, 88)]
    assert rows[0]["item_id"].tolist() == rows[1]["item_id"].tolist()


def test_differences_and_doubts_are_taken_as_they_come():
    tables = make_tables()
    tables["source_differences"] = pd.DataFrame([
        {"difference_id": "d1", "household_id": HOMES[1], "person_id": None, "field": "cause", "heading": "主要致贫原因", "changes_verdict": False},
        {"difference_id": "d2", "household_id": HOMES[2], "person_id": None, "field": "poverty_status", "heading": "脱贫属性", "changes_verdict": True},
    ])
    tables["department_flags"] = pd.DataFrame([
        {"flag_id": "f1", "flag_key": "flag.vehicle", "title": "名下有车", "household_id": HOMES[0], "person_id": f"{HOMES[0]}01", "fixer": "公安"}])
    items = make(tables).set_index("kind")
    assert items.loc["difference", "gravity"].tolist() == ["verdict", "warning"]
    assert items.loc["difference", "fields"].tolist() == ["households.poverty_status", "households.cause"]
    assert items.loc["flag", "gravity"] == "warning" and items.loc["flag", "office"] == "county" and "名下有车" in items.loc["flag", "what"]


# ---- a quarter later -----------------------------------------------------------------------------------------------------


def test_mended_open_new_unchecked_gone_counted_by_hand():
    """Second quarter: seven items, of which two are mended, two open, one cannot be checked, one household left, one check lost its column; two are new."""
    first = make(make_tables([(CAUSE, 0), (CAUSE, 1), (CAUSE, 3), (CAUSE, 4), (CAUSE, 5), (CAUSE, 6), (PHONE, 2)]))
    second = make_tables([(CAUSE, 0), (CAUSE, 3), (ATTRIBUTE, 1), (ATTRIBUTE, 4)], [(CAUSE, 5)], homes=HOMES[:6], absent=(PHONE,))
    items = make(second, "2018Q3", previous=first)
    assert status(items) == {
        (CAUSE, 0): "open", (CAUSE, 1): "mended", (CAUSE, 3): "open", (CAUSE, 4): "mended", (CAUSE, 5): "unchecked", (CAUSE, 6): "gone",
        (PHONE, 2): "unchecked", (ATTRIBUTE, 1): "new", (ATTRIBUTE, 4): "new",
    }
    opened = items[items["status"] == "open"]
    assert set(opened["quarters_open"]) == {2} and set(opened["first_quarter"]) == {"2018Q2"}
    assert set(opened["deadline_date"]) == {pd.Timestamp("2018-07-20")}, "the deadline stays that of the quarter in which it was found"
    progress = worklist.work_list_progress(items, first).set_index(["township_code", "owner"])
    columns = ["open_before", "mended", "still_open", "unchecked", "gone", "new", "open_now", "longest_quarters"]
    assert progress.loc[("431025100", "乡镇"), columns].tolist() == [2, 1, 1, 0, 0, 1, 2, 2]
    assert progress.loc[("431025101", "乡镇"), columns].tolist() == [4, 1, 1, 1, 1, 1, 3, 2]
    assert progress.loc[("431025100", "村"), columns].tolist() == [1, 0, 0, 1, 0, 0, 1, 2]
    assert (progress["open_before"] == progress[["mended", "verified", "still_open", "unchecked", "gone"]].sum(axis=1)).all()
    third = make(make_tables([(CAUSE, 0), (CAUSE, 1)]), "2018Q4", previous=items)
    assert status(third) == {
        (CAUSE, 0): "open", (CAUSE, 1): "open", (CAUSE, 3): "mended", (CAUSE, 5): "mended", (PHONE, 2): "mended", (ATTRIBUTE, 1): "mended",
        (ATTRIBUTE, 4): "mended",
    }, "what was closed and stays closed is not listed again"
    back = third.set_index(["code", "household_id"]).loc[(CAUSE, HOMES[1])]
    assert back["note"] == "came_back" and back["first_quarter"] == "2018Q2" and third["quarters_open"].max() == 3


def test_a_gap_of_a_quarters_own_income_stays_until_that_quarter_is_mended():
    files = pd.DataFrame({"path": ["a.xlsx"], "kind": ["income_sheet"], "outcome": ["flag"]})
    finding = {"code": "NUM_MISSING", "column": "工资性收入", "household_id": HOMES[0], "row": 3}
    sheet = pd.DataFrame({"household_id": HOMES[:1], "quarter": "2018Q2", "cost_fen": 0})
    tables = make_tables(findings=[finding], exits=[(0, {"income_outcome": "unknown"})]) | {"income_sheet": conform(sheet, "income_sheet")}
    first = make(tables, files=files)
    assert first["gravity"].tolist() == ["verdict"]
    whole = conform(sheet.assign(quarter="2018Q3", wage_fen=5), "income_sheet")
    second = make(make_tables(exits=[(0, {"income_outcome": "met"})]) | {"income_sheet": whole}, "2018Q3", files=files, previous=first)
    assert second["status"].tolist() == ["open"] and second["gravity"].tolist() == ["error"] and second["last_quarter"].tolist() == ["2018Q2"]


def test_a_finding_about_a_file_is_not_mended_by_sending_no_file():
    given, none = (pd.DataFrame({"path": [name], "kind": [kind], "outcome": ["flag"]}) for name, kind in (("a.xlsx", "housing"), ("b.xlsx", "water")))
    first = make(make_tables(findings=[{"code": "MISSING_COLUMN", "column": "改造方式"}]), files=given)
    assert first["township_code"].tolist() == ["431025000"] and first["office"].tolist() == ["county"]
    assert make(make_tables(), "2018Q3", files=none, previous=first)["status"].tolist() == ["unchecked"]
    assert make(make_tables(), "2018Q3", files=given, previous=first)["status"].tolist() == ["mended"]


def correction(item: pd.Series, reason: str = "applied", **more) -> pd.DataFrame:
    row = {
        "correction_id": "1", "item_id": item["item_id"], "household_id": item["household_id"], "subject_id": item["subject_id"], "table": "households",
        "column": "cause", "before": None, "after": "study", "answer": "mended", "who": "P01", "when": "2018-07-01", "accepted": True, "reason_code": reason,
    }
    return conform(pd.DataFrame([row | more]), "corrections")


def test_a_correction_that_the_next_ledger_does_not_bring_is_open_again():
    first = make(make_tables([(CAUSE, 0), (CAUSE, 3)]))
    item = first[first["household_id"] == HOMES[0]].iloc[0]
    fixed = correction(item)
    corrected = make(make_tables([(CAUSE, 3)], cause={0: "study"}) | {"corrections": fixed}, issued=first)
    assert status(corrected) == {(CAUSE, 3): "new", (CAUSE, 0): "mended"}
    old = make(make_tables([(CAUSE, 0), (CAUSE, 3)]), "2018Q3", previous=corrected, previous_corrections=fixed)
    row = old.set_index("household_id").loc[HOMES[0]]
    assert (row["status"], row["note"], row["quarters_open"]) == ("open", "not_entered", 2)
    # even where no check would say so: the value that was found wrong stands there again
    silent = correction(item, before="illness")
    again = make(make_tables([(CAUSE, 3)], cause={0: "illness"}), "2018Q3", previous=corrected, previous_corrections=silent)
    assert again.set_index("household_id").loc[HOMES[0], ["status", "note"]].tolist() == ["open", "not_entered"]
    entered = make(make_tables([(CAUSE, 3)], cause={0: "study"}), "2018Q3", previous=corrected, previous_corrections=silent)
    assert HOMES[0] not in set(entered["household_id"])


def test_a_verified_doubt_is_closed_while_nothing_changes_and_an_error_is_not():
    first = make(make_tables([(PHONE, 1), (CAUSE, 0)]))
    doubt = first[first["code"] == PHONE].iloc[0]
    answer = correction(doubt, "closed", table=None, column=None, after=None, answer="verified")
    closed = make(make_tables([(PHONE, 1), (CAUSE, 0)]) | {"corrections": answer}, issued=first)
    assert status(closed) == {(CAUSE, 0): "new", (PHONE, 1): "verified"}
    later = make(make_tables([(PHONE, 1), (CAUSE, 0)]), "2018Q3", previous=closed)
    assert status(later) == {(CAUSE, 0): "open", (PHONE, 1): "verified"}


def test_an_empty_quarter():
    items = make(make_tables())
    assert items.empty and worklist.work_list_progress(items, None).empty


# ---- the workbooks -------------------------------------------------------------------------------------------------------

DEVILS = ("=cmd|'/c calc'!A1", "@SUM(1)", "+1", "-1+1", "<script>x</script>", "{{7*7}}", "../../etc/x", "http://x.cn", "\t=1", "a" * 300)


def test_text_stays_text_in_every_cell_and_no_name_reaches_a_file_name(tmp_path):
    items = make(make_tables([(CAUSE, number) for number in range(7)] + [("check.guarantee.disabled_without_certificate", 0)]))
    for column in ("what", "heading"):
        items[column] = [DEVILS[place % len(DEVILS)] for place in range(len(items))]
    items["current"] = json.dumps({"households.cause": None})
    names = dict.fromkeys(["431025100", "431025101"], "../../<b>=1+1")
    paths = write_work_books(tmp_path, items, RULES, "2018Q2", area_names=names)
    assert sorted(path.name for path in paths) == ["2018Q2_431025100_worklist.xlsx", "2018Q2_431025101_worklist.xlsx", "2018Q2_431025_worklist.xlsx"]
    for path in paths:
        assert path.parent == tmp_path
        for sheet in openpyxl.load_workbook(path):
            assert not any(cell.data_type == "f" or cell.hyperlink for row in sheet.iter_rows() for cell in row)


def test_a_workbook_as_an_office_wants_it(tmp_path):
    items = make(make_tables([(CAUSE, 0), (PHONE, 1)]))
    [path] = write_work_books(tmp_path, items, RULES, "2018Q2", area_names={"431025100": "舜峰镇"})
    book = openpyxl.load_workbook(path)
    sheet = book["整改清单"]
    assert sheet["A1"].value == "临武县2018年第二季度贫困户台账整改清单（舜峰镇）"
    head = [cell.value for cell in sheet[3]]
    assert {"程度", "问题", "整改单位", "整改期限", "答复", "改正后的值", "经办人", "办理日期", "事项编号"} <= set(head)
    assert sheet.freeze_panes == "A4" and sheet.print_title_rows == "$3:$3" and sheet.page_setup.orientation == "landscape"
    assert sheet.page_setup.paperSize == 9 and book.worksheets[-1].title in ("填表说明", "选项") and "填表说明" in book.sheetnames
    lists = [rule.formula1 for rule in sheet.data_validations.dataValidation if rule.type == "list"]
    assert any("经核实无误" in one for one in lists) and any("因病" in one for one in lists)
    entry = sheet.cell(4, head.index("改正后的值") + 1)
    assert entry.protection.locked is False and sheet.cell(4, 1).protection.locked and sheet.protection.sheet
    again = tmp_path / "again"
    [other] = write_work_books(again, items, RULES, "2018Q2", area_names={"431025100": "舜峰镇"})
    assert other.read_bytes() == path.read_bytes()


# ---- the whole way -------------------------------------------------------------------------------------------------------

UNTOUCHED = ("households", "persons", "housing", "income_sheet", "schooling")


def test_from_the_list_through_the_clerk_to_the_figures(small_home, tmp_path):
    """The amount that a township left out: listed as changing a verdict, filled in by a clerk, counted; nothing else changes, and the raw file stays."""
    home = tmp_path / "home"
    shutil.copytree(small_home, home)
    ledger = home / "data" / "2018Q1" / "ledgers" / "收入明细台账.csv"
    lines = ledger.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if "赡养" in line)
    cells = lines[place].split(",")
    cells[lines[0].split(",").index("金额(元)")] = ""
    lines[place] = ",".join(cells)
    ledger.write_text("".join(lines), encoding="utf-8-sig", newline="")
    make_quarter("2018Q1", home)
    raw = {path: path.read_bytes() for path in (home / "data" / "2018Q1" / "ledgers").rglob("*") if path.is_file()}
    before = linwu_stats.open_quarter("2018Q1", home=home)
    for name in ("income_items", "household_income", *UNTOUCHED):
        getattr(before, name)  # read now: the files are about to be made anew
    gap = before.work_list[(before.work_list["code"] == "NUM_MISSING") & before.work_list["what"].str.startswith(f"F{place + 1}“")].iloc[0]
    assert gap["fields"] == "income_items.amount_fen" and gap["status"] == "new" and gap["gravity"] == "verdict"
    result = CliRunner().invoke(main, ["--home", str(home), "worklist", "2018Q1"])
    assert result.exit_code == 0, result.output
    folder = home / "reports" / "2018Q1-worklist"
    assert all(path.name.isascii() or path.suffix == ".txt" for path in folder.iterdir())
    book = openpyxl.load_workbook(folder / f"2018Q1_{gap['township_code']}_worklist.xlsx")
    sheet = book["整改清单"]
    head = {cell.value: place for place, cell in enumerate(sheet[3])}
    row = next(row for row in sheet.iter_rows(min_row=4) if row[head["事项编号"]].value == gap["item_id"])
    for heading, value in {"答复": "已改正", "改正后的值": "123.45", "经办人": "赵某某", "办理日期": "2018-04-10"}.items():
        row[head[heading]].value = value
    book.save(home / "data" / "2018Q1" / "corrections" / "back.xlsx")
    after = make_quarter("2018Q1", home)
    said = after.corrections
    assert said[["reason_code", "after"]].to_numpy().tolist() == [["applied", "12345"]] and "赵" not in said.to_csv()
    merged = before.income_items.merge(after.income_items, on="line_id", suffixes=("_old", "_new"))
    assert len(merged) == len(before.income_items) == len(after.income_items)
    differ = merged[merged["amount_fen_old"].fillna(-1) != merged["amount_fen_new"].fillna(-1)]
    assert differ["line_id"].tolist() == [gap["subject_id"]] and differ["amount_fen_new"].tolist() == [12_345]
    for name in UNTOUCHED:
        pd.testing.assert_frame_equal(getattr(before, name), getattr(after, name))
    incomes = [q.household_income.set_index(["household_id", "period"])["net_fen"] for q in (before, after)]
    moved = incomes[0].fillna(-10**9) != incomes[1].fillna(-10**9)
    assert set(moved[moved].index.get_level_values(0)) == {gap["household_id"]}
    assert pd.isna(incomes[0][(gap["household_id"], "quarter")]) and not pd.isna(incomes[1][(gap["household_id"], "quarter")])
    assert after.work_list.set_index("item_id").loc[gap["item_id"], "status"] == "mended"
    assert {path: path.read_bytes() for path in raw} == raw
    again = CliRunner().invoke(main, ["--home", str(home), "worklist", "2018Q1"])
    assert "更正采用1条" in again.output
    register = openpyxl.load_workbook(folder / "2018Q1_corrections.xlsx")["更正登记"]
    assert "赵某某" in [cell.value for line in register.iter_rows() for cell in line], "the restricted register says who"


def test_every_quarter_of_the_sample_has_its_tables(small_home):
    q = linwu_stats.open_quarter("2018Q1", home=small_home)
    progress, items = q.work_list_progress, q.work_list
    for name, code in (("mended", "mended"), ("still_open", "open"), ("new", "new"), ("unchecked", "unchecked")):
        assert progress[name].sum() == (items["status"] == code).sum()
    assert progress["open_before"].sum() == q.previous.work_list["status"].isin(worklist.OPEN).sum()
    assert items["item_id"].is_unique and items["what"].notna().all() and q.corrections.empty
    assert not items["what"].str.contains(r"\d{17}[\dX]", regex=True).any()


@pytest.mark.parametrize("key", ["review.deadline_days.error", "review.sample", "review.fields", "review.answers", "review.confidence_share"])
def test_a_county_sets_its_own_values_and_nonsense_is_refused(tmp_path, key):
    good = {"review.deadline_days.error": 5, "review.sample": {"households": 20, "township_minimum": 1, "allocation": "equal", "method": "simple"},
            "review.fields": {"fields": ["households.cause"]}, "review.confidence_share": 0.9,
            "review.answers": {"answers": {"改好了": "mended", "没错": "verified", "查不清": "cannot", "不归我管": "not_ours"}}}[key]
    bad = {"review.deadline_days.error": -1, "review.sample": {"households": 20}, "review.fields": {"fields": ["households.kause"]},
           "review.confidence_share": 1.2, "review.answers": {"answers": {"改好了": "mended"}}}[key]
    rule = RULES[key]
    for value, fine in ((good, True), (bad, False)):
        entry = [{"key": key, "term": rule.term, "unit": rule.unit, "values": [{"from": "DAY", "value": value, "status": "confirmed", "document": "县文"}]}]
        text = json.dumps(entry, ensure_ascii=False).replace('"DAY"', "2014-01-01")
        (tmp_path / "own.yaml").write_text(text, encoding="utf-8")
        if fine:
            assert rules_at("2018-06-30", tmp_path).value(key) == good
        else:
            with pytest.raises(linwu_stats.rules.LawError):
                rules_at("2018-06-30", tmp_path)
