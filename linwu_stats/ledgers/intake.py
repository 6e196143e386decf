"""One quarter's ledgers become the tables that statistics stand on (台账入库).

``read_quarter`` reads a folder; the function named like a table makes that table. Nothing is dropped in silence and nothing is guessed: a value on which
the ledgers contradict each other becomes unknown, with a finding that names the household and who mends it. Names, ID numbers and telephone numbers end here:
no table of :mod:`linwu_stats.tables` holds them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.ledgers.departments import LISTS, flag_departments
from linwu_stats.ledgers.read import Ledger, read_path
from linwu_stats.ledgers.sources import roster_source
from linwu_stats.ledgers.vocabulary import ROSTERS
from linwu_stats.rules import Rules
from linwu_stats.tables import TABLES, conform, empty

__all__ = ["Intake", "IntakeError", "mask_numbers", "read_quarter"]

#: Kinds without which no figure can be made, with the official name of the ledger.
NEEDED = {"persons": "贫困人口导出表", "villages": "行政村表"}
INCOME_KINDS = {"income_items": "收入明细台账", "income_sheet": "季度收入表"}
OPTIONAL = {"housing": "住房安全台账", "water": "饮水安全台账", "living": "两不愁入户核查台账", "schooling": "义务教育台账", "insurance": "医疗保险台账"}

UNRECOGNISED_ITEM = "item.transfer.unrecognised"
#: Columns whose content must not be repeated in a message.
PERSONAL = ("姓名", "证件", "身份证", "电话", "卡号", "所有人", "权利人", "住址", "地址", "坐落", "证号", "号牌")
#: Money columns of the person export: the system's yearly figures, which are recorded and not computed.
RECORDED = {name.removeprefix("recorded_"): name for name in TABLES["households"].names if name.startswith("recorded_") and name.endswith("_fen")}
HOUSEHOLD_FIELDS = [name for name in TABLES["households"].names if name not in ("household_id", "township_code", "village_code")]


class IntakeError(RefusedError):
    """The ledgers of a quarter cannot carry its figures (台账不能使用); the message says which file is missing or refused and what to do."""


@dataclass
class _Notes:
    """Findings that only the whole quarter shows, in the shape of the table ``findings``."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, code: str, message: str, *, severity: str = "warning", fixer: str = "乡镇", file: str = "", row: Any = pd.NA, household: Any = pd.NA) -> None:
        about = {"file": mask_numbers(file), "row": row, "household_id": household}
        self.rows.append(about | {"code": code, "severity": severity, "outcome": "flag", "message": message, "fixer": fixer})


@dataclass(frozen=True)
class Intake:
    """What one quarter's folder gave: ``tables`` by name, and ``files``: one row per ledger file (path, kind, outcome, rows).

    ``people`` of the register and the ``rosters`` booklet and household_file hold names and ID numbers; they are compared and then forgotten.
    """

    tables: dict[str, pd.DataFrame]
    files: pd.DataFrame
    people: pd.DataFrame = field(default_factory=pd.DataFrame)
    rosters: dict[str, pd.DataFrame] = field(default_factory=dict)


def read_quarter(folder: Path, rules: Rules, quarter: str) -> Intake:
    """Read all ledgers of one quarter (读取一个季度的台账).

    ``folder`` is ``data/<quarter>/ledgers``; files are recognised by their headings. Gives the ledger tables of :mod:`linwu_stats.tables`.
    Raises :class:`IntakeError` where a needed ledger is missing or refused. A guarantee ledger that is missing leaves its facts unknown.
    """
    ledgers = [ledger for ledger in read_path(folder, rules=rules) if ledger.outcome != "ignore"]
    contents = {id(ledger): hashlib.sha256(Path(ledger.path).read_bytes()).digest() for ledger in ledgers}
    copies = [ledger for place, ledger in enumerate(ledgers) if contents[id(ledger)] in {contents[id(one)] for one in ledgers[:place]}]
    files = pd.DataFrame(
        [{"path": _shown(item, folder), "kind": item.kind, "outcome": item.outcome, "rows": item.rows} for item in ledgers],
        columns=["path", "kind", "outcome", "rows"],
    )
    _refuse_unusable(ledgers, folder)
    notes = _Notes()
    for ledger in copies:
        notes.add("SAME_CONTENT", "与另一个文件内容完全相同，只计一次；请删去多余的一份", file=_shown(ledger, folder), fixer="统计局")
    for kind, title in (INCOME_KINDS | OPTIONAL).items():
        if kind not in set(files.loc[files["outcome"] != "reject", "kind"]):
            notes.add("LEDGER_MISSING", f"本季没有可用的{title}，有关内容按未知处理", file=title, fixer="统计局")
    used = [ledger for ledger in ledgers if ledger not in copies]
    frames = {kind: _stack(used, kind, folder) for kind in (*NEEDED, *INCOME_KINDS, *OPTIONAL)}
    tables: dict[str, pd.DataFrame] = {"villages": villages(frames["villages"], rules, notes)}
    tables["households"] = households(frames["persons"], tables["villages"], rules, notes)
    tables["persons"] = persons(frames["persons"], notes)
    for kind, make in (("housing", housing), ("water", water), ("living", living), ("schooling", schooling), ("insurance", insurance)):
        tables[kind] = make(frames[kind], notes)
    tables["income_items"] = income_items(frames["income_items"], tables["households"], rules, quarter, notes)
    tables["income_sheet"] = income_sheet(frames["income_sheet"], quarter, notes)
    lists = {name: _stack(used, f"list_{name}", folder) for name in LISTS if any(item.kind == f"list_{name}" and item.outcome != "reject" for item in used)}
    people = _people(frames["persons"])
    tables |= flag_departments(lists, people, tables, rules, rules.day)
    given = [kind for kind in ROSTERS[1:] if any(item.kind == kind and item.outcome != "reject" for item in used)]
    rosters = {kind: roster_source(_stack(used, kind, folder), rules) for kind in given}
    tables["findings"] = findings(ledgers, notes, folder)
    return Intake(tables, files, people, rosters)


def villages(raw: pd.DataFrame, rules: Rules, notes: _Notes) -> pd.DataFrame:
    """Table ``villages`` (行政村表) from the village ledger; the township is found by its official name, rule keys ``township.*``."""
    codes = {rule.value: rule.key.removeprefix("township.") for rule in rules.under("township.")}
    out = raw.rename(columns={"village": "village_name"})
    out = out.assign(township_code=_column(out, "township").map(codes).astype("string"))
    out["village_code"] = _column(out, "village_code")
    for _, row in out[out["township_code"].isna() | out["village_code"].isna() | out["village_name"].isna()].iterrows():
        notes.add("HIERARCHY", f"行政村表第{row['_row']}行的乡镇、行政村或代码不能识别，该行不能使用", severity="error", file=row["_file"], row=row["_row"])
    out = out.dropna(subset=["township_code", "village_code", "village_name"])
    for _, row in out[out.duplicated(["township_code", "village_name"]) & ~out.duplicated("village_code")].iterrows():
        message = f"行政村表第{row['_row']}行的村名在同一乡镇出现两次而代码不同，请核对"
        notes.add("DUPLICATE_HOUSEHOLD", message, severity="error", file=row["_file"], row=row["_row"])
    return conform(_one_row_per_key(out, "villages", notes), "villages")


def households(raw: pd.DataFrame, villages: pd.DataFrame, rules: Rules, notes: _Notes) -> pd.DataFrame:
    """Table ``households`` (贫困户表) from the person export, where the household's values repeat on each member's row.

    A value on which the rows of one household differ is unknown, with a finding. A household whose village is not in the village table keeps its place under
    the code ``<township>000``.
    """
    raw = raw[raw["household_id"].notna()].rename(columns=RECORDED)
    given = {"phone_given": _filled(raw, "phone"), "bank_given": _filled(raw, "bank", "bank_card")}
    raw = raw.assign(**{name: cells.groupby(raw["household_id"]).transform("max") for name, cells in given.items()})
    codes = {rule.value: rule.key.removeprefix("township.") for rule in rules.under("township.")}
    place = villages.assign(township=villages["township_code"].map({code: name for name, code in codes.items()}))
    place = place[["township", "village_name", "village_code"]].rename(columns={"village_name": "village"}).drop_duplicates(["township", "village"])
    wide = pd.DataFrame({"household_id": raw["household_id"]})
    for name in ("township", "village", *HOUSEHOLD_FIELDS):
        wide[name] = _column(raw, name)
    values = _agreed(wide, "household_id", notes)
    values = values.merge(place, on=["township", "village"], how="left")
    values["township_code"] = values["township"].map(codes).astype("string").fillna(f"{rules.value('area.county')['code']}000")
    for household in values.loc[values["village_code"].isna(), "household_id"]:
        notes.add("UNKNOWN_VILLAGE", "该户的乡镇或行政村不在行政村表中，请核对名称", severity="error", household=household)
    values["village_code"] = values["village_code"].astype("string").fillna(values["township_code"] + "000")
    return conform(values, "households")


def persons(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``persons`` (贫困人口表) from the person export. Sex and birth date come from a valid ID number where the export has no such columns."""
    for _, row in raw[raw["household_id"].isna()].iterrows():
        notes.add("HID_MISSING", f"第{row['_row']}行没有可用的户编号，该人不能归户，未列入统计", severity="error", file=row["_file"], row=row["_row"])
    out = _with_person_ids(raw, notes)
    out["employer_given"] = _filled(out, "employer")
    return conform(_one_row_per_key(out, "persons", notes), "persons")


def _with_person_ids(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """The export's rows with the person code that the table ``persons`` has, sex and birth date where the ID number says them."""
    out = raw[raw["household_id"].notna()].copy()
    out["person_id"] = _column(out, "person_id").astype("string")
    position = (out.groupby("household_id").cumcount() + 1).astype("string").str.zfill(2)
    homes = out.groupby("person_id")["household_id"].transform("nunique") > 1
    for _, row in out[homes].iterrows():
        message = f"第{row['_row']}行的人编号同时用于另一户，请核对；两户各按本户计入"
        notes.add("ID_DUPLICATE", message, severity="error", file=row["_file"], row=row["_row"], household=row["household_id"])
    out["person_id"] = out["person_id"].mask(homes).fillna(out["household_id"].astype("string") + "x" + position)
    number = _column(out, "id_number").astype("string")
    whole = number.where(number.str.fullmatch(r"\d{17}[\dX]").fillna(False))
    born = pd.to_datetime(whole.str[6:14], format="%Y%m%d", errors="coerce").astype("datetime64[us]")
    sex = whole.str[16].map({digit: "male" if int(digit) % 2 else "female" for digit in "0123456789"}).astype("string")
    out["birth_date"] = pd.to_datetime(_column(out, "birth_date"), errors="coerce").astype("datetime64[us]").fillna(born)
    out["sex"] = _column(out, "sex").astype("string").fillna(sex)
    return out


def _people(raw: pd.DataFrame) -> pd.DataFrame:
    """Who the persons of the register are: code, name, ID number, birth date and place, for comparing lists; they are in no table."""
    out = _with_person_ids(raw, _Notes())
    return pd.DataFrame({name: _column(out, name) for name in ("person_id", "household_id", "name", "id_number", "birth_date", "township", "village")})


def housing(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``housing`` (住房安全台账)."""
    return _by_household(raw, "housing", notes)


def water(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``water`` (饮水安全台账)."""
    return _by_household(raw, "water", notes)


def living(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``living`` (两不愁入户核查台账)."""
    return _by_household(raw, "living", notes)


def schooling(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``schooling`` (义务教育台账), one row per child."""
    return _by_household(raw, "schooling", notes)


def insurance(raw: pd.DataFrame, notes: _Notes) -> pd.DataFrame:
    """Table ``insurance`` (医疗保险台账), one row per person."""
    return _by_household(raw, "insurance", notes)


def income_items(raw: pd.DataFrame, households: pd.DataFrame, rules: Rules, quarter: str, notes: _Notes) -> pd.DataFrame:
    """Table ``income_items`` (收入明细台账): one row per line of the ledger, its item found by the headings and aliases of the rules ``item.*``.

    A line whose item no rule knows is kept under ``item.transfer.unrecognised`` with an unknown amount, so that the household's income is unknown rather than
    wrong. A line of another quarter is left out with a finding.
    """
    raw = raw[_column(raw, "household_id").notna()].copy()
    keys = {name: rule.key for rule in rules.under("item.") for name in (rule.value["heading"], *(rule.value.get("aliases") or ()))}
    raw["item_key"] = _column(raw, "item").map(keys).astype("string")
    given = _column(raw, "quarter").astype("string")
    blank = given.isna() & given.notna().any()
    for _, row in raw[blank].iterrows():
        message = f"收入明细台账第{row['_row']}行没有填季度，不能判断是否属于本季，金额按未知处理"
        notes.add("QUARTER_MISSING", message, severity="error", file=row["_file"], row=row["_row"], household=row["household_id"])
    raw["quarter"] = given.fillna(quarter)
    for _, row in raw[raw["quarter"] != quarter].iterrows():
        message = f"收入明细台账第{row['_row']}行属于{row['quarter']}，不是本季，未计入"
        notes.add("OTHER_QUARTER", message, file=row["_file"], row=row["_row"], household=row["household_id"])
    raw = raw[raw["quarter"] == quarter]
    strange = raw["item_key"].isna()
    for _, row in raw[strange].iterrows():
        message = f"收入明细台账第{row['_row']}行的收入项目不在规则中，该户收入按未知处理，请改为规则所列项目"
        notes.add("UNKNOWN_ITEM", message, file=row["_file"], row=row["_row"], household=row["household_id"])
    doubtful = strange | blank.reindex(raw.index) | _in_two_files(raw, notes)
    raw["amount_fen"] = _column(raw, "amount_fen").mask(doubtful)
    raw["quantity_milli"] = _column(raw, "quantity_milli").mask(doubtful)
    raw["in_kind"] = _column(raw, "in_kind").astype("boolean")
    raw["item_key"] = raw["item_key"].fillna(UNRECOGNISED_ITEM)
    for household in sorted(set(raw["household_id"]) - set(households["household_id"])):
        notes.add("ORPHAN_HOUSEHOLD", "收入明细台账中的户不在贫困户名册中，未计入", severity="error", household=household)
    raw["line_id"] = quarter + ":" + raw["_file_number"].astype("string") + ":" + raw["_sheet_number"].astype("string") + ":" + raw["_row"].astype("string")
    return conform(raw, "income_items")


def _in_two_files(raw: pd.DataFrame, notes: _Notes) -> pd.Series:
    """Lines of an item that two files have for the same household: a corrected ledger beside the old one would be counted twice, so both are unknown."""
    keys = ["household_id", "item_key"]
    twice = raw.groupby(keys, dropna=False)["_file_number"].transform("nunique") > 1
    for household, rows in raw[twice].groupby("household_id"):
        names = "、".join(sorted(set(rows["_file"])))
        message = f"同一户的同一收入项目同时见于{rows['_file'].nunique()}个文件，不能判断以哪个为准，按未知处理；请只保留一份"
        notes.add("DUPLICATE_HOUSEHOLD", message, severity="error", file=names, household=household)
    return twice


def income_sheet(raw: pd.DataFrame, quarter: str, notes: _Notes) -> pd.DataFrame:
    """Table ``income_sheet`` (季度收入表): one row per household, amounts of the quarter itself."""
    return _by_household(raw.assign(quarter=quarter), "income_sheet", notes)


def findings(ledgers: Iterable[Ledger], notes: _Notes, folder: Path) -> pd.DataFrame:
    """Table ``findings`` (台账问题清单): what reading found, then what only the whole quarter shows; without names and numbers of persons."""
    rows = [
        {
            "file": _shown(ledger, folder), "code": finding.code, "severity": finding.severity, "outcome": finding.outcome,
            "sheet": finding.sheet, "cell": finding.cell, "row": finding.row, "column": finding.column, "household_id": finding.household,
            "fixer": finding.fixer,
            "message": _without_person(finding.message, finding.column, finding.value),
        }
        for ledger in ledgers
        for finding in ledger.findings
        if finding.code != "UNKNOWN_VILLAGE"  # a file alone can only compare its own spellings; here the village table decides
    ]
    rows += notes.rows
    if not rows:
        return empty("findings")
    table = pd.DataFrame(rows).astype(object)
    table = table.where(table.notna() & (table != ""), None)
    table["finding_id"] = [f"{position:06d}" for position in range(1, len(table) + 1)]
    table["row"] = pd.to_numeric(table["row"], errors="coerce").astype("Int64")
    return conform(table, "findings")


def _refuse_unusable(ledgers: Sequence[Ledger], folder: Path) -> None:
    usable = {ledger.kind for ledger in ledgers if ledger.outcome != "reject"}
    refused = [f"{_shown(item, folder)}: {item.findings[0].message if item.findings else ''}" for item in ledgers if item.outcome == "reject"]
    tail = "\n被拒收的文件:\n" + "\n".join(refused) if refused else ""
    for kind, title in NEEDED.items():
        if kind not in usable:
            raise IntakeError(f"{folder.parent.name}: no usable {kind} ledger ({title}) among the {len(ledgers)} files of its ledgers folder. "
                              f"请放入{title}后重新运行；linwu-stats check 可查看每个文件的问题。{tail}")
    if not usable & set(INCOME_KINDS):
        raise IntakeError(f"{folder.parent.name}: neither 收入明细台账 nor 季度收入表 can be used; income cannot be computed. 请放入其中一种后重新运行。{tail}")


def _shown(ledger: Ledger, folder: Path) -> str:
    """A file as people find it: its place under the ledgers folder, since every township may send a file of the same name."""
    return mask_numbers(Path(ledger.path).relative_to(folder).as_posix())


def _stack(ledgers: Sequence[Ledger], kind: str, folder: Path) -> pd.DataFrame:
    parts = []
    for number, ledger in enumerate(ledgers):
        if ledger.kind != kind or ledger.outcome == "reject":
            continue
        part = ledger.frame.copy()
        part["_file"], part["_file_number"] = _shown(ledger, folder), number
        part["_sheet_number"] = part["_sheet"].map({sheet: place for place, sheet in enumerate(dict.fromkeys(part["_sheet"]))})
        parts.append(part)
    if not parts:
        base = empty(kind).drop(columns=["line_id"], errors="ignore")
        return base.assign(**{name: pd.Series([], dtype="object") for name in ("_file", "_file_number", "_sheet", "_sheet_number", "_row")})
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name] if name in frame.columns else pd.Series(pd.NA, index=frame.index, dtype="object")


def _filled(frame: pd.DataFrame, *names: str) -> pd.Series:
    """Whether all these cells are filled; unknown where the ledger has no such column. What stands in them does not leave this module."""
    if not set(names) <= set(frame.columns):
        return pd.Series(pd.NA, index=frame.index, dtype="boolean")
    return frame[list(names)].notna().all(axis=1).astype("boolean")


def _by_household(raw: pd.DataFrame, name: str, notes: _Notes) -> pd.DataFrame:
    keys = TABLES[name].key
    out = raw.assign(**{key: _column(raw, key) for key in (*keys, "household_id")})
    missing = out[[*keys, "household_id"]].isna().any(axis=1)
    for _, row in out[missing].iterrows():
        notes.add("HID_MISSING", f"{TABLES[name].title}第{row['_row']}行没有可用的编号，该行未列入", severity="error", file=row["_file"], row=row["_row"])
    return conform(_one_row_per_key(out[~missing], name, notes), name)


def _one_row_per_key(frame: pd.DataFrame, name: str, notes: _Notes) -> pd.DataFrame:
    """Rows that repeat a key are one row; where they contradict each other the value is unknown."""
    keys = TABLES[name].key
    repeated = frame.duplicated(keys, keep=False)
    if not repeated.any():
        return frame
    columns = [column for column in TABLES[name].names if column in frame.columns]
    merged = []
    for _, rows in frame[repeated].groupby(keys, sort=True):
        first = rows.iloc[[0]].copy()
        household = rows["household_id"].iloc[0] if "household_id" in rows.columns else pd.NA
        differ = [column for column in columns if rows[column].nunique(dropna=False) > 1]
        first[differ] = pd.NA
        words = "、".join(TABLES[name][column].heading for column in differ)
        verdict = f"，{words}互相矛盾，按未知处理" if differ else "，内容相同，只计一次"
        notes.add(
            "DUPLICATE_HOUSEHOLD", f"{TABLES[name].title}中同一编号出现{len(rows)}次{verdict}", severity="error" if differ else "warning",
            file=str(rows["_file"].iloc[0]), row=rows["_row"].iloc[-1], household=household,
        )
        merged.append(first)
    return pd.concat([frame[~repeated], *merged], ignore_index=True)


def _agreed(wide: pd.DataFrame, key: str, notes: _Notes) -> pd.DataFrame:
    """One row per ``key``: the value on which its rows agree (a blank agrees with a value), else unknown with a finding."""
    groups = wide.groupby(key, sort=True)
    first = groups.first()
    differ = groups.nunique() > 1
    if "poverty_status" in wide.columns:  # the status decides who gets help: a blank beside a value is a contradiction
        differ["poverty_status"] = groups["poverty_status"].nunique(dropna=False) > 1
    for name in differ.columns[differ.any()]:
        heading = TABLES["households"][name].heading if name in TABLES["households"].names else {"township": "乡镇", "village": "行政村"}[name]
        for household in differ.index[differ[name]]:
            notes.add("HOUSEHOLD_VALUES_DIFFER", f"同一户各成员行的“{heading}”不一致，按未知处理", severity="error", fixer="村", household=household)
        first[name] = first[name].mask(differ[name])
    return first.reset_index()


def _without_person(message: str, column: str | None, value: Any) -> str:
    text = message or ""
    personal = column and any(word in str(column) for word in PERSONAL)
    code = re.fullmatch(r"\d{14}|\d{16}", str(value or "").strip())
    if value and (personal or (len(re.findall(r"\d", str(value))) >= 11 and not code)):
        text = text.replace(str(value), "…")
    return mask_numbers(text)


def mask_numbers(text: str) -> str:
    """Hide what may be the number of a person or a telephone (证件号、电话号) in a text or a file name."""
    return re.sub(r"\d{17}[\dXx]|\d{15}(?!\d)|(?<!\d)1[3-9]\d{9}(?!\d)", "…", text)
