"""What a county office meets in its first quarter: files as townships send them, workbooks left open, words that say what to do."""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import openpyxl
import pytest
from click.testing import CliRunner

from linwu_stats import RefusedError
from linwu_stats.cli import main
from linwu_stats.cli.shell import plain_errors
from linwu_stats.ledgers.read import read_ledger, read_path
from linwu_stats.ledgers.templates import write_templates
from linwu_stats.publish.compare import compare_runs
from linwu_stats.quarter import make_quarter
from linwu_stats.rules import rules_at
from linwu_stats.tables import label

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


@pytest.mark.parametrize("head", [b"Rar!\x1a\x07\x00" + bytes(600), b"7z\xbc\xaf\x27\x1c" + bytes(600), b"zip"])
def test_a_packed_file_is_to_be_unpacked_not_saved_anew(tmp_path, head):
    path = tmp_path / "武水镇.xlsx"
    if head == b"zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("收入表.xlsx", "x")
    else:
        path.write_bytes(head)
    (found,) = [one for one in read_ledger(path).findings if one.code == "FORMAT"]
    assert found.outcome == "reject"
    assert "请解压" in found.message
    assert "另存为" not in found.message


def refusing(number: int, winerror: int | None = None):
    """An open that Windows refuses for every workbook."""
    real = io.open

    def opened(file, mode="r", *arguments, **words):
        if str(file).endswith(".xlsx"):
            error = OSError(number, os.strerror(number), str(file))
            error.winerror = winerror
            raise error
        return real(file, mode, *arguments, **words)

    return opened


def test_a_ledger_that_another_program_keeps_is_not_called_damaged(tmp_path, monkeypatch):
    path = tmp_path / "收入表.xlsx"
    save(path, [["户编号", "工资性收入"]])
    monkeypatch.setattr(io, "open", refusing(errno.EACCES))
    (found,) = read_ledger(path).findings
    assert found.outcome == "reject"
    assert "请关闭后再检查" in found.message
    assert "损坏" not in found.message


@pytest.mark.parametrize(
    ("number", "winerror", "words"),
    [(errno.EACCES, 32, "Excel 或 WPS 中打开"), (errno.EROFS, None, "没有写入权限"), (errno.ENOSPC, None, "磁盘已满"), (errno.ENOENT, 206, "路径太长")],
)
def test_what_the_system_refuses_is_said_in_words(newest, tmp_path, number, winerror, words):
    error = OSError(number, os.strerror(number), str(tmp_path / "2018Q1_431025104_worklist.xlsx"))
    if winerror:
        error.winerror = winerror

    @click.command()
    @plain_errors
    def write() -> None:
        raise error

    result = CliRunner().invoke(write)
    assert result.exit_code == 3
    assert words in result.stderr
    assert "2018Q1_431025104_worklist.xlsx" in result.stderr


def test_a_fault_of_the_program_keeps_its_traceback():
    @click.command()
    @plain_errors
    def write() -> None:
        raise FileNotFoundError(errno.ENOENT, "no such file", "law/lines.yaml")

    assert isinstance(CliRunner().invoke(write).exception, FileNotFoundError)


@pytest.mark.parametrize("command", [["worklist", "2018Q1"], ["caselists", "2018Q1"]])
def test_a_list_that_is_open_in_excel_is_said_in_words(newest, tmp_path, monkeypatch, command):
    """Windows neither deletes nor overwrites an open workbook; the calls of this system that would are made to refuse."""
    home = shutil.copytree(newest, tmp_path / "临 武 (2018)")
    assert CliRunner().invoke(main, ["--home", str(home), *command]).exit_code == 0

    unlink = Path.unlink

    def refuse(path, *arguments, **words):
        if path.suffix == ".xlsx":
            raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used by another process", str(path))
        unlink(path, *arguments, **words)

    monkeypatch.setattr(Path, "unlink", refuse)
    result = CliRunner().invoke(main, ["--home", str(home), *command])
    assert result.exit_code == 3, result.output
    assert "请关闭打开它的程序" in result.stderr
    assert "Traceback" not in result.output


def test_templates_are_refused_beside_ledgers_with_what_to_do_and_windows_own_files_do_not_count(tmp_path):
    folder = tmp_path / "data" / "2018Q1" / "ledgers"
    folder.mkdir(parents=True)
    for name in ("Thumbs.db", "desktop.ini", "~$收入表.xlsx"):
        (folder / name).write_bytes(b"x")
    write_templates(folder, rules_at("2018-03-31"), "2018Q1")
    (folder / "收入表.xls").write_bytes(b"x")
    with pytest.raises(RefusedError, match=r"收入表\.xls。要用自己的台账，直接运行 check") as refused:
        write_templates(folder, rules_at("2018-03-31"), "2018Q1")
    assert "Thumbs.db" not in str(refused.value)


def test_a_list_that_was_filled_in_where_it_lies_is_never_written_over(newest, tmp_path):
    home = shutil.copytree(newest, tmp_path / "home")
    call = ["--home", str(home), "worklist", "2018Q1"]
    assert CliRunner().invoke(main, call).exit_code == 0
    assert CliRunner().invoke(main, call).exit_code == 0, "lists that nobody filled in are replaced"
    path = sorted((home / "reports" / "2018Q1-worklist").glob("*_worklist.xlsx"))[0]
    book = openpyxl.load_workbook(path)
    sheet = book["整改清单"]
    head = [cell.value for cell in sheet[3]]
    sheet.cell(4, head.index("答复") + 1).value = "经核实无误"
    book.save(path)
    before = path.read_bytes()
    result = CliRunner().invoke(main, call)
    assert result.exit_code == 3
    assert path.name in result.stderr
    assert "data/2018Q1/corrections" in result.stderr
    assert path.read_bytes() == before


#: What Windows does not have, and what it does not let a user do.
WITHOUT_POSIX = """
import os, pathlib, sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name in ("fcntl", "grp", "pwd", "resource", "syslog", "termios", "tty"):
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            if os.sep + "linwu_stats" + os.sep in frame.f_code.co_filename:
                raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Hidden())
for name in ("fork", "forkpty", "killpg", "nice", "mkfifo", "sched_getaffinity"):
    vars(os).pop(name, None)

def refuse(*arguments, **words):
    raise OSError(1314, "A required privilege is not held by the client")

os.symlink = pathlib.Path.symlink_to = refuse
os.link = refuse  # FAT, and many a share

import importlib, pkgutil
import linwu_stats
for module in pkgutil.walk_packages(linwu_stats.__path__, "linwu_stats."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from linwu_stats.publish.zygote import can_fork
assert not can_fork()
from linwu_stats.publish.batch import _processors
assert _processors() >= 1
from linwu_stats import RefusedError, store
lock = pathlib.Path(sys.argv[1]) / ".tables.lock"
with store.alone(lock):
    try:
        with store.alone(lock):
            raise AssertionError("two at once")
    except RefusedError as error:
        print(error)
assert not lock.exists()
"""


def test_every_module_and_the_lock_work_without_what_windows_lacks_in_a_folder_of_any_name(tmp_path):
    home = tmp_path / "县 局 (试) & 100%"
    home.mkdir()
    environment = dict(os.environ, PYTHONUTF8="0", PYTHONIOENCODING="cp936")
    done = subprocess.run([sys.executable, "-c", WITHOUT_POSIX, str(home)], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode("cp936", "replace")
    assert "本季度正在另一进程中运行" in done.stdout.decode("cp936")


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False), (None, False)])
def test_the_lab_starts_in_a_container_and_on_windows(tmp_path, monkeypatch, user, allowed):
    if user is None:
        monkeypatch.delattr(os, "geteuid", raising=False)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    command = importlib.import_module("linwu_stats.cli.lab").lab_command(tmp_path)
    assert ("--ServerApp.allow_root=True" in command) is allowed
    assert "--ServerApp.ip=127.0.0.1" in command


OWN_TOWNSHIP = """
- key: township.431025120
  term: 乡镇
  unit: name
  values:
    - {from: 2014-01-01, value: 桃花源镇, status: confirmed, document: 县政府文件}
"""


def test_a_township_of_the_countys_own_law_is_known_to_the_check_too(newest, tmp_path):
    folder = tmp_path / "data" / "2018Q1" / "ledgers"
    rows = rows_of(newest / "data" / "2018Q1" / "ledgers" / "花塘乡" / "收入表.xlsx")
    folder.mkdir(parents=True)
    save(folder / "收入表.xlsx", [[("桃花源镇" if cell == "花塘乡" else cell) for cell in row] for row in rows])
    call = ["--home", str(tmp_path), "check", str(folder)]
    said = CliRunner().invoke(main, call).output
    assert "“桃花源镇”，不在乡镇名录中" in said
    assert "data/law" in said
    (tmp_path / "data" / "law").mkdir()
    (tmp_path / "data" / "law" / "own.yaml").write_text(OWN_TOWNSHIP, encoding="utf-8")
    assert "桃花源镇" not in CliRunner().invoke(main, call).output


def test_a_look_back_that_cannot_pass_whatever_it_finds_says_why():
    row = {"measure": "incidence", "estimate_share": float("nan"), "low_share": float("nan"), "high_share": float("nan"), "level_share": 0.95,
           "bar_share": 0.02, "sign": "<", "verdict": "not_met", "reason_code": None, "more_households": None}
    said = importlib.import_module("linwu_stats.cli.lookback")._said
    assert "不达标（只算未脱贫人口就不达标" in said(row, label)
    assert "只算未脱贫人口" not in said(row | {"estimate_share": 0.031, "low_share": 0.025, "high_share": 0.04}, label)


def test_remarks_on_a_sheet_name_whole_rows_and_the_same_one_is_said_once():
    about = {"file": "a.xlsx", "sheet": "已脱贫户", "column": "调查情况", "what": "不在选项中"}
    notices = [about | {"row": float(row)} for row in range(5, 12)] + [{"file": "", "sheet": "", "row": "", "column": "", "what": "没有交回"}]
    lines = importlib.import_module("linwu_stats.cli.lookback")._in_lines(notices)
    assert lines == ["a.xlsx 已脱贫户 第5、6、7、8、9等7行 调查情况: 不在选项中", "没有交回"]


@pytest.mark.parametrize(("word", "problem"), [("是", "no"), ("否", "yes"), ("达到", "no"), ("未达到", "yes"), ("对", None)])
def test_whether_may_be_answered_by_yes_or_no(word, problem):
    """The form asks 是否稳定达到退出标准: yes is no problem; a word that means neither is unknown, and the choices are named."""
    notices: list[dict[str, object]] = []
    unit = {"kind": "exited"}
    answer = importlib.import_module("linwu_stats.ledgers.lookback_answers")._answer(unit, {"state": "已调查", "exited.problem": word}, {}, notices)
    assert answer["problem"] == problem
    assert [one["what"] for one in notices] == ([] if problem else ["不在选项中，按未填处理；请从下拉列表中选择（达到、未达到、不能确定）后重新交回。"])


def test_a_name_with_a_wide_space_is_shown_as_people_write_it(tmp_path):
    path = tmp_path / "收入表.xlsx"
    save(path, [["户编号", "户主姓名", "工资性收入", "生产经营性收入", "财产性收入", "转移性收入", "生产经营性支出"],
                ["00431099000001", "张　三", 1, 2, 3, 4, 5], ["00431099000002", "李\u200b四", 1, 2, 3, 4, 5]])
    said = CliRunner().invoke(main, ["check", str(path)]).output
    assert "张　三" in said
    assert "李\\u200b四" in said, "what is not seen is written out"


def test_what_was_handed_back_is_a_cause_of_changed_figures(newest, tmp_path):
    home = shutil.copytree(newest, tmp_path / "home")
    before = make_quarter("2018Q1", home).provenance
    (home / "data" / "2018Q1" / "corrections").mkdir(exist_ok=True)
    save(home / "data" / "2018Q1" / "corrections" / "武水镇.xlsx", [["事项编号", "答复"], ["w0000000000000000", "已改正"]])
    after = make_quarter("2018Q1", home).provenance
    records = [
        {"quarter": "2018Q1", "package": {"version": "1", "sha256": "c" * 64}, "libraries": {}, "notebooks": {}, "rules": [], "provenance": one}
        for one in (before, after)
    ]
    for name, record in zip("ab", records, strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps(record), encoding="utf-8")
    found = compare_runs(tmp_path / "a", tmp_path / "b")
    assert found["causes"] == {"data": [{"quarter": "2018Q1", "file": "corrections/武水镇.xlsx", "change": "新增"}]}
    del records[0]["provenance"]["handed_back"]
    (tmp_path / "a" / "run.json").write_text(json.dumps(records[0]), encoding="utf-8")
    assert compare_runs(tmp_path / "a", tmp_path / "b")["causes"] == {}, "a run of before does not tell: nothing is said of it"
