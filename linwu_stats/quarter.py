"""One quarter's tables in the order in which they are made (一个季度的全部数据表).

``make_quarter`` reads the ledgers of a quarter and of the quarters before it, calls the stages one after the other and keeps the tables as parquet;
``open_quarter`` opens what was made. This module alone knows all stages and all folders of a workspace::

    data/<quarter>/ledgers/   raw files, never changed
    data/<quarter>/review/    the drawn sample of the double review; returned/ holds what reviewers handed back
    data/<quarter>/corrections/  work lists that were handed back; worklist/issued.json is what went out
    data/<quarter>/lookback/  the drawn sample of the look-back; returned/ holds what the teams handed back
    data/<quarter>/tables/    one parquet file a table, and meta.json
    data/law/                 the county's own rules; checks/ its own values of the ledger checks
    data/reference/           published series with their sources
    reports/<quarter>/        the pages
"""

from __future__ import annotations

import calendar
import contextlib
import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

import linwu_stats
from linwu_stats import RefusedError, store
from linwu_stats import tables as declared
from linwu_stats.rules import Rules, law_digest, rules_at
from linwu_stats.tables.rich import frame_html, show_in_ipython

__all__ = ["Quarter", "QuarterError", "file_sha256", "find_home", "last_day", "make_quarter", "open_quarter", "quarters_with_ledgers", "share_quarter", "shift"]

LEDGER_TABLES = ("villages", "households", "persons", "housing", "water", "living", "schooling", "insurance", "income_items", "income_sheet", "findings")
PERIODS = ("quarter", "ytd", "last4", "year")
#: Stages whose code decides the numbers; a change in one of them makes the tables anew.
CODE = ("tables", "rules", "quarter.py", "survey", "ledgers", "income", "indicators", "exits")
#: Tables that are made when they are asked for and not kept: only publication needs them.
LATE = ("public_cells", "public_rates")

#: Steps that ``progress`` is told of for each quarter that is made.
STEPS = 8

Progress = Callable[[str], None]

#: Quarters that this process gives again instead of reading them; empty unless ``share_quarter`` was called.
_SHARED: dict[tuple[str, Path], Quarter] = {}


class QuarterError(RefusedError):
    """A quarter cannot be made or opened (季度数据不能使用); the message says what is missing and what to do."""


class Shown:
    """HTML that a notebook shows (显示内容)."""

    def __init__(self, markup: str):
        self._markup = markup

    def _repr_html_(self) -> str:
        return self._markup


class Quarter:
    """One quarter, opened (一个季度): its tables by attribute, e.g. ``q.household_income``; press Tab for the list.

    ``quarter``, ``home``, ``rules`` (in force on the quarter's last day), ``is_sample``, ``previous``, ``year_ago``, ``area_names``, ``reference``,
    ``provenance``. Tables are read when first asked for and are plain pandas frames.
    """

    def __init__(self, quarter: str, home: Path):
        self.quarter = quarter
        self.home = home
        self.folder = home / "data" / quarter
        meta = self.folder / "tables" / "meta.json"
        if not meta.is_file():
            raise QuarterError(f"the tables of {quarter} have not been made ({quarter}的数据表尚未生成). Run: linwu-stats run {quarter}")
        try:
            self.provenance: dict[str, Any] = json.loads(meta.read_text(encoding="utf-8"))
        except ValueError as error:
            raise QuarterError(f"the tables of {quarter} are damaged ({quarter}的数据表已损坏). Run: linwu-stats run {quarter}") from error
        self._frames: dict[str, pd.DataFrame] = {}
        self._family: dict[str, Quarter] = {quarter: self}

    def __getattr__(self, name: str) -> pd.DataFrame:
        if name.startswith("_") or name not in declared.TABLES:
            raise AttributeError(f"a quarter has no table {name!r}; there are: {', '.join(declared.TABLES)}")
        if name not in self._frames:
            path = self.folder / "tables" / f"{name}.parquet"
            self._frames[name] = _late(self, name) if name in LATE else declared.conform(pd.read_parquet(path), name)
        return self._frames[name]

    def __dir__(self) -> list[str]:
        return sorted([*super().__dir__(), *declared.TABLES])

    def show(self, table: str, rows: int = 20) -> Any:
        """A table for the eye (显示数据表): Chinese headings with units, codes as their official terms; ``q.<table>`` stays a plain frame."""
        if table not in declared.TABLES:
            raise QuarterError(f"a quarter has no table {table!r} (没有这张表); there are: {', '.join(declared.TABLES)}")
        return Shown(frame_html(getattr(self, table), table, rows))

    def __repr__(self) -> str:
        return f"<Quarter {self.quarter}{' 示例数据' if self.is_sample else ''}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td><code>{table.name}</code></td><td>{table.title}</td><td>{self.provenance['tables'].get(table.name, {}).get('rows', '')}</td></tr>"
            for table in declared.TABLES.values()
        )
        return f"<p>{self.quarter}{' 示例数据' if self.is_sample else ''}</p><table><tr><th>table</th><th>数据表</th><th>行数</th></tr>{rows}</table>"

    def is_current(self) -> bool:
        """Whether the tables on disk are still those that were opened (数据表未变)."""
        try:
            return json.loads((self.folder / "tables" / "meta.json").read_text(encoding="utf-8")) == self.provenance
        except (OSError, ValueError):
            return False

    @property
    def is_sample(self) -> bool:
        """Whether the quarter is invented (示例数据)."""
        return bool(self.provenance["is_sample"])

    @cached_property
    def rules(self) -> Rules:
        """The rules in force on the last day of the quarter, with the county's own."""
        return rules_at(last_day(self.quarter), _overrides(self.home))

    @cached_property
    def previous(self) -> Quarter | None:
        """The quarter before this one (上季), or None where it was not made."""
        return self._other(-1)

    @cached_property
    def year_ago(self) -> Quarter | None:
        """The same quarter a year ago (上年同季), or None where it was not made."""
        return self._other(-4)

    def _other(self, steps: int) -> Quarter | None:
        other = shift(self.quarter, steps)
        if other not in self._family and _made(self.home, other):
            self._family[other] = type(self)(other, self.home)
            self._family[other]._family = self._family
        return self._family.get(other)

    @cached_property
    def area_names(self) -> dict[str, str]:
        """Official name of each area code: county, townships, villages (地区名称)."""
        county = self.rules.value("area.county")
        names = {county["code"]: county["name"]}
        names |= {rule.key.removeprefix("township."): rule.value for rule in self.rules.under("township.")}
        names |= dict(zip(self.villages["village_code"], self.villages["village_name"], strict=True))
        for code in set(self.households["village_code"].unique()) - set(names):
            names[code] = "村名不明"
        return names

    @cached_property
    def line_years(self) -> dict[str, int]:
        """Which year's poverty line the indicators of each period use (各核算期所用标准的年度)."""
        return _line_years(self.quarter, self.rules)

    @cached_property
    def reference(self) -> pd.DataFrame:
        """Published figures and series with source and status (``data/reference/*.csv``)."""
        paths = sorted((self.home / "data" / "reference").glob("*.csv"))
        columns = ["series", "year", "value", "unit", "source", "status", "note"]
        parts = [pd.read_csv(path, encoding="utf-8-sig", dtype={name: "string" for name in columns if name != "value"}) for path in paths]
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)

    def explain(self, household_id: str, period: str = "ytd") -> pd.DataFrame:
        """One household's income line by line (逐笔核算); see :func:`linwu_stats.income.explain.explain_household`."""
        from linwu_stats.income.explain import explain_household
        from linwu_stats.income.periods import quarters_of

        opened = [Quarter(one, self.home) for one in quarters_of(period, self.quarter, self.rules) if _made(self.home, one)]
        items, sheets = (
            pd.concat([declared.empty(name), *(getattr(one, name) for one in opened)], ignore_index=True) for name in ("income_items", "income_sheet")
        )
        return explain_household(
            household_id, period, self.quarter, self.item_amounts, items, sheets, self.headcounts, self.persons, self.household_income, self.rules,
            line_year=self.line_years[period],
        )


def open_quarter(quarter: str | None = None, home: Path | str | None = None) -> Quarter:
    """Open the tables of a quarter (打开一个季度的数据表), e.g. ``q = linwu_stats.open_quarter("2018Q1")``, then ``q.household_income``.

    ``quarter``: where it is None, that of ``linwu-stats lab`` (``LINWU_QUARTER``). ``home`` is the workspace folder that holds ``data``; by default
    the nearest one at or above the current folder. In a notebook the tables are shown under Chinese headings. Raises :class:`QuarterError`.
    """
    folder, quarter = find_home(home), quarter or os.environ.get("LINWU_QUARTER", "")
    show_in_ipython()
    shared = _SHARED.get((_valid(quarter), folder))
    return shared if shared is not None and shared.is_current() else Quarter(quarter, folder)


def share_quarter(q: Quarter) -> None:
    """Have ``open_quarter`` give this very object in this process (共用已打开的季度): for a process that is copied for each page, so that none reads again."""
    _SHARED[q.quarter, q.home] = q


def make_quarter(quarter: str, home: Path | str | None = None, *, progress: Progress | None = None) -> Quarter:
    """Make the tables of a quarter and of those before it that have ledgers (生成季度数据表); tables whose inputs did not change are kept.

    Raises :class:`QuarterError`, ``IntakeError`` or ``LawError`` where ledgers or law cannot carry the figures.
    """
    home, quarter = find_home(home), _valid(quarter)
    wanted = [one for one in quarters_with_ledgers(home) if one <= quarter]
    if quarter not in wanted:
        raise QuarterError(f"there are no ledgers in data/{quarter}/ledgers ({quarter}没有台账). Make the folder with: linwu-stats new {quarter}")
    chain, keys = hashlib.sha256(_code_digest().encode("ascii")), {}
    _refuse_mixture(home, wanted)
    with _disk_in_words():
        seen = {one: _decides(home, one) for one in wanted}
        for one in wanted:
            chain.update(json.dumps(list(seen[one].values()), sort_keys=True).encode("utf-8"))
            keys[one] = chain.hexdigest()
        if not all(_kept(home / "data" / one / "tables" / "meta.json", keys[one]) for one in wanted):
            _make_all(home, seen, keys, progress or (lambda text: None))
    return Quarter(quarter, home)


def find_home(home: Path | str | None = None) -> Path:
    """The workspace folder (工作目录): ``home``, else ``LINWU_HOME``, else the nearest folder at or above the current one that holds ``data``."""
    given = home or os.environ.get("LINWU_HOME")
    if given:
        return Path(given).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "data").is_dir()), here)


def quarters_with_ledgers(home: Path) -> list[str]:
    """Quarters of a workspace that have at least one ledger file, oldest first (有台账的季度)."""
    folders = (home / "data").glob("*/ledgers") if (home / "data").is_dir() else []
    return sorted(folder.parent.name for folder in folders if re.fullmatch(r"\d{4}Q[1-4]", folder.parent.name) and any(folder.iterdir()))


def shift(quarter: str, steps: int) -> str:
    """The quarter ``steps`` later (earlier when negative): ``shift("2018Q1", -1)`` is ``2017Q4``."""
    number = int(quarter[:4]) * 4 + int(quarter[5]) - 1 + steps
    return f"{number // 4}Q{number % 4 + 1}"


def last_day(quarter: str) -> dt.date:
    """Last day of a quarter (季末日)."""
    year, month = int(_valid(quarter)[:4]), int(quarter[5]) * 3
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _valid(quarter: str) -> str:
    if not re.fullmatch(r"(19|20)\d{2}Q[1-4]", quarter or ""):
        raise QuarterError(f"{quarter!r} is not a quarter; write it as 2018Q1 (季度写作 2018Q1)")
    return quarter


def _made(home: Path, quarter: str) -> bool:
    """Whether a quarter's tables may be used: made, and its ledgers still there."""
    return (home / "data" / quarter / "tables" / "meta.json").is_file() and quarter in quarters_with_ledgers(home)


def _is_sample(home: Path, quarter: str) -> bool:
    return (home / "data" / quarter / "SAMPLE.json").is_file()


def _refuse_mixture(home: Path, quarters: list[str]) -> None:
    invented = [one for one in quarters if _is_sample(home, one)]
    if invented and len(invented) < len(quarters):
        raise QuarterError(
            f"data/ holds invented quarters beside real ones (示例季度与真实季度混在一起): {', '.join(invented)} have a SAMPLE.json. Delete those folders first"
        )


def _kept(meta: Path, key: str) -> bool:
    """Whether the tables of a quarter are there, whole, and made from ``key``."""
    try:
        content = json.loads(meta.read_text(encoding="utf-8"))
        return content["key"] == key and all(file_sha256(meta.parent / f"{name}.parquet") == one["sha256"] for name, one in content["tables"].items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _overrides(home: Path) -> Path | None:
    folder = home / "data" / "law"
    return folder if folder.is_dir() else None


def _own_checks(home: Path) -> Path | None:
    folder = home / "data" / "law" / "checks"
    return folder if folder.is_dir() else None


def _inputs(home: Path, quarter: str) -> list[dict[str, Any]]:
    from linwu_stats.ledgers.intake import mask_numbers

    folder = home / "data" / quarter / "ledgers"
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(("~$", "."))]
    return [{"path": mask_numbers(path.relative_to(folder).as_posix()), "bytes": path.stat().st_size, "sha256": file_sha256(path)} for path in files]


def _handed_back(home: Path, quarter: str) -> list[str]:
    """What people handed back for a quarter, and what they were given: reviews, look-backs and corrections, with their checksums."""
    from linwu_stats.ledgers.entries import returned_files

    folder = home / "data" / quarter
    given = [folder / "worklist" / "issued.json", folder / "review" / "sample.json", folder / "review" / "sealed" / "values.json",
             folder / "lookback" / "sample.json"]
    back = [path for place in ("review/returned", "lookback/returned", "corrections") for path in returned_files(folder / place)]
    files = [path for path in given if path.is_file()] + back
    return [f"{path.relative_to(folder).as_posix()} {file_sha256(path)}" for path in files]


def _handed_entries(quarter: str, seen: dict[str, Any]) -> list[dict[str, str]]:
    """What was handed back for a quarter, and the reference figures, as the record of a run names files: two runs are told apart by them too."""
    from linwu_stats.ledgers.intake import mask_numbers

    named = [*seen["handed back"], *(f"reference/{one}" for one in seen["reference"])]
    return [{"quarter": quarter, "path": mask_numbers(path), "sha256": digest} for path, _, digest in (one.rpartition(" ") for one in named)]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file (校验值)."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _reference_digest(home: Path) -> list[str]:
    return [f"{path.name} {file_sha256(path)}" for path in sorted((home / "data" / "reference").glob("*.csv"))]


def _code_digest() -> str:
    root = Path(__file__).parent
    paths = sorted(path for name in CODE for path in ([root / name] if name.endswith(".py") else (root / name).rglob("*.py")))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(root).as_posix().encode("utf-8") + b"\0" + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()


def _decides(home: Path, quarter: str) -> dict[str, Any]:
    """All that decides the tables of a quarter beside those before it and the code, as it stands on the disk now."""
    return {
        "quarter": quarter, "ledgers": _inputs(home, quarter), "SAMPLE.json": _is_sample(home, quarter), "data/law": law_digest(_overrides(home)),
        "reference": _reference_digest(home), "handed back": _handed_back(home, quarter),
    }


def _make_all(home: Path, seen: dict[str, dict[str, Any]], keys: dict[str, str], progress: Progress) -> None:
    """Tables that are missing or out of date, oldest quarter first, by one process at a time and from files that stand still."""
    with store.alone(home / "data" / ".tables.lock", QuarterError):
        for one, key in keys.items():
            if not _kept(home / "data" / one / "tables" / "meta.json", key):
                _make_one(one, home, seen, key, progress)
        for one in keys:
            _refuse_changed(home, one, seen[one])


@contextlib.contextmanager
def _disk_in_words() -> Iterator[None]:
    from linwu_stats.ledgers.intake import mask_numbers

    try:
        yield
    except OSError as error:
        file = f": {mask_numbers(Path(str(error.filename)).name)}" if error.filename else ""
        raise QuarterError(
            f"a file in data/ cannot be read or written (data/ 中的文件不能读写): {type(error).__name__}: {error.strerror or error}{file}. Reports and raw "
            "ledgers are unchanged; see that data/ may be written, that the disk has space and that no program keeps the file open, then run again"
        ) from error


def _refuse_changed(home: Path, quarter: str, before: dict[str, Any]) -> None:
    from linwu_stats.ledgers.intake import mask_numbers

    found = store.changed(before, _decides(home, quarter))
    if found:
        raise QuarterError(
            f"files of {quarter} changed while they were read (读取期间文件有变动): {mask_numbers('、'.join(found))}. No table mixes two states of them; "
            "wait until nobody writes to them, then run again"
        )


def _make_one(quarter: str, home: Path, seen: dict[str, dict[str, Any]], key: str, progress: Progress) -> None:
    rules = rules_at(last_day(quarter), _overrides(home))
    try:
        frames, files = _frames(quarter, home, rules, progress)
    except (RefusedError, OSError):
        _refuse_changed(home, quarter, seen[quarter])  # a file that was being copied is seen half: that is the cause to name
        raise
    _refuse_changed(home, quarter, seen[quarter])
    progress(f"{quarter} 保存数据表")
    kinds = {row["path"]: row for row in files.to_dict("records")}

    def describe(folder: Path) -> dict[str, Any]:
        made = {name: {"rows": len(frame), "sha256": file_sha256(folder / f"{name}.parquet")} for name, frame in frames.items()}
        return {
            "quarter": quarter, "key": key, "package_version": linwu_stats.__version__, "code_sha256": _code_digest(),
            "law_sha256": seen[quarter]["data/law"], "is_sample": seen[quarter]["SAMPLE.json"],
            "earlier": [{"quarter": one, "inputs": seen[one]["ledgers"]} for one in seen if shift(quarter, -7) <= one < quarter],
            "inputs": [item | kinds.get(item["path"], {}) for item in seen[quarter]["ledgers"]],
            "handed_back": [one for it in seen if shift(quarter, -7) <= it <= quarter for one in _handed_entries(it, seen[it])],
            "overrides": [rule.key for rule in rules.overridden()], "to_confirm": [rule.key for rule in rules.to_confirm()],
            "tables": made, "tables_sha256": hashlib.sha256(json.dumps(made, sort_keys=True).encode("ascii")).hexdigest(),
        }

    store.save_tables(home / "data" / quarter / "tables", frames, describe)


def _frames(quarter: str, home: Path, rules: Rules, progress: Progress) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The table of contents: every table of one quarter, each made by its one function."""
    from linwu_stats import exits, indicators
    from linwu_stats.income import account, estimate, periods
    from linwu_stats.ledgers import checks, corrections, quality, review, worklist
    from linwu_stats.ledgers.intake import read_quarter

    progress(f"{quarter} 读取台账")
    folder = home / "data" / quarter
    intake = read_quarter(folder / "ledgers", rules, quarter)
    issued = worklist.load_issued(folder / "worklist" / "issued.json")
    frames, corrected = corrections.apply_corrections(intake.tables, corrections.read_corrections(folder / "corrections")[0], issued, rules, quarter)
    frames["corrections"] = corrected

    progress(f"{quarter} 核算收入")
    earlier = {one: Quarter(one, home) for period in PERIODS for one in periods.quarters_of(period, quarter, rules) if one != quarter and _made(home, one)}
    amounts = [account.account_items(frames["income_items"], rules), *(_lines_of_own_quarter(one) for one in earlier.values())]
    sheets = [frames["income_sheet"], *(one.income_sheet for one in earlier.values())]
    frames["item_amounts"] = declared.conform(pd.concat(amounts, ignore_index=True), "item_amounts")
    frames["headcounts"] = account.count_heads(frames["households"], frames["persons"], rules)
    frames["household_income"] = account.account_households(
        frames["item_amounts"], pd.concat(sheets, ignore_index=True), frames["headcounts"], rules, quarter, periods=PERIODS
    )

    progress(f"{quarter} 检查台账")
    before = _before(quarter, home)
    year_ago = Quarter(shift(quarter, -4), home) if _made(home, shift(quarter, -4)) else None
    earlier_income = {"previous": before, "year_ago": year_ago}
    in_force = checks.load_checks(_own_checks(home))
    frames |= checks.check_tables(
        frames | {f"household_income_{name}": one.household_income for name, one in earlier_income.items() if one is not None}, rules, rules.day,
        checks=in_force,
    )

    progress(f"{quarter} 计算指标")
    frames["indicators"] = indicators.make_indicators(
        frames["household_income"], frames["households"], rules, quarter=quarter, headcounts=frames["headcounts"],
        line_year=_line_years(quarter, rules), poor_sign=rules.value("indicator.poor_sign"),
        previous_household_income=None if year_ago is None else year_ago.household_income,
        previous_households=None if year_ago is None else year_ago.households,
    )

    progress(f"{quarter} 评估脱贫")
    frames |= exits.assess_quarter(
        frames, rules, quarter=quarter, before=before, period="ytd", cohort_period="year", published=_published(home, rules.day.year),
    )

    frames |= indicators.make_details(
        frames, rules, line_year=_line_years(quarter, rules), poor_sign=rules.value("indicator.poor_sign"), previous=_needed(before), year_ago=_needed(year_ago)
    )
    frames |= _look_back(folder / "lookback", frames, quarter, rules, before)

    progress(f"{quarter} 测算全年")
    history = [Quarter(one, home) for one in quarters_with_ledgers(home) if one < quarter and _made(home, one)]
    lines = pd.concat([_lines_of(frames["item_amounts"], quarter), *(_lines_of_own_quarter(one) for one in history)], ignore_index=True)
    by_quarter = pd.concat([_of_quarter(frames["household_income"]), *(_of_quarter(one.household_income) for one in history)], ignore_index=True)
    frames |= estimate.estimate_year(lines, by_quarter, frames["headcounts"], frames["households"], rules, quarter)
    frames |= _who_may_fall_back(frames, lines, by_quarter, quarter, rules, year_ago, home)

    progress(f"{quarter} 比对三方台账")
    frames |= _compare_sources(intake, frames, frames | {"income_sheet": pd.concat(sheets, ignore_index=True)}, quarter, rules)

    reviewed, settled = review.review_tables(folder / "review", rules, quarter)
    frames |= reviewed
    frames["work_list"] = worklist.work_list(
        frames, rules, quarter, checks=in_force, files=intake.files, settled=settled, issued=issued,
        previous=None if before is None else before.work_list, previous_corrections=None if before is None else before.corrections,
    )
    frames["work_list_progress"] = worklist.work_list_progress(frames["work_list"], None if before is None else before.work_list)
    earlier_quality = None if before is None else {name: getattr(before, name) for name in quality.EARLIER if name in declared.TABLES}
    frames["ledger_quality"] = quality.ledger_quality(frames, rules, quarter, earlier_quality)
    return {name: frames[name] if name in frames else declared.empty(name) for name in declared.TABLES if name not in LATE}, intake.files


def _needed(other: Quarter | None) -> dict[str, pd.DataFrame] | None:
    """The tables that the indicators of detail read of an earlier quarter."""
    from linwu_stats.indicators import NEEDED

    return None if other is None else {name: getattr(other, name) for name in NEEDED}


def _late(q: Quarter, name: str) -> pd.DataFrame:
    """What may be published of a quarter's counts and rates."""
    from linwu_stats import disclosure

    if name == "public_cells":
        townships = [code for code in q.area_names if len(code) == 9]
        return disclosure.public_cells({one: getattr(q, one) for one in disclosure.INPUTS}, q.rules, townships)
    return disclosure.public_rates(q.indicators, q.household_income, q.households, q.public_cells, q.rules)


def _look_back(folder: Path, frames: dict[str, pd.DataFrame], quarter: str, rules: Rules, before: Quarter | None) -> dict[str, pd.DataFrame]:
    """The look-back of the quarter, else, also while nothing came back, the last one before it; the plan of the next with the clustering that it had."""
    from linwu_stats.exits import lookback
    from linwu_stats.ledgers import lookback_answers, lookback_sheets

    sample, facts = lookback_sheets.load_lookback(folder)
    said = lookback_answers.read_lookback_sheets(folder / "returned", sample, quarter)[0]
    names = ("lookback_sample", "lookback_answers", "lookback_rates")
    made = {name: declared.empty(name) if before is None else getattr(before, name) for name in names}
    made |= {"lookback_sample": sample} if len(sample) else {}
    if len(said):
        answers = lookback.settle_answers(sample, said)
        made |= {"lookback_answers": answers, "lookback_rates": lookback.lookback_rates(answers, facts, rules)}
    frame = lookback.village_frame(frames["villages"], frames["households"], frames["headcounts"], rules)
    return made | {"lookback_plan": lookback.lookback_plan(frame, made["lookback_answers"], rules)}


def _who_may_fall_back(
    frames: dict[str, pd.DataFrame], lines: pd.DataFrame, by_quarter: pd.DataFrame, quarter: str, rules: Rules, year_ago: Quarter | None, home: Path,
) -> dict[str, pd.DataFrame]:
    """What the next four quarters may bring, who may fall back, and what lifts those who are not out."""
    from linwu_stats.exits import lifting, stability
    from linwu_stats.income import estimate
    from linwu_stats.income.estimate import next_year

    year = _line_years(quarter, rules)["last4"]
    cells = estimate.make_cells(lines, by_quarter, frames["households"], sorted({*by_quarter["last_quarter"].dropna(), quarter}))
    changes = next_year.measure_changes(cells, quarter, rules, estimate.read_settings(rules))
    made = {
        "item_changes": next_year.item_changes(changes), "next_year": next_year.expect_next_year(changes),
        "next_year_errors": next_year.next_year_errors(changes),
    }
    then = None if year_ago is None else year_ago.household_income
    made |= stability.stability_tables(frames | made, rules, year, then, _edge_households(home, quarter))
    needs = lifting.list_needs(
        *(frames[name] for name in ("households", "household_exit_tests", "household_income", "headcounts", "housing", "persons", "insurance")), rules, year,
    )
    return made | {"lifting_needs": needs, "lifting_counts": lifting.count_needs(needs, frames["households"])}


def _edge_households(home: Path, quarter: str) -> pd.DataFrame | None:
    """The county's own counts of 边缘易致贫户 of a year, by area, where ``data/reference`` has them: ``edge.<area code>.households`` and ``.persons``."""
    paths = sorted((home / "data" / "reference").glob("*.csv"))
    parts = [pd.read_csv(path, encoding="utf-8-sig", dtype="string") for path in paths]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["series", "year", "value"])
    named = table["series"].str.extract(r"^edge\.(\d{6}(?:\d{3}){0,2})\.(households|persons)$")
    kept = (named[0].notna() & (table["year"] == quarter[:4])).fillna(False).to_numpy(dtype=bool)
    if not kept.any():
        return None
    rows = pd.DataFrame({"area_code": named[0][kept], "what": named[1][kept], "value": pd.to_numeric(table["value"][kept])})
    return rows.pivot(index="area_code", columns="what", values="value").reindex(columns=["households", "persons"]).reset_index()


def _compare_sources(
    intake: Any, frames: dict[str, pd.DataFrame], with_earlier: dict[str, pd.DataFrame], quarter: str, rules: Rules
) -> dict[str, pd.DataFrame]:
    """System, booklet and household file side by side, each difference tried on the assessment; nothing where only the system was given."""
    from linwu_stats.exits import household
    from linwu_stats.income import account
    from linwu_stats.ledgers import reconcile, sources, trials

    if not intake.rosters:
        return {}

    def assess(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
        heads = account.count_heads(tables["households"], tables["persons"], rules)
        income = account.account_households(tables["item_amounts"], tables["income_sheet"], heads, rules, quarter, periods=("ytd",))
        ledgers = {name: tables[name] for name in ("households", "persons", "housing", "water", "living", "schooling", "insurance")}
        tests = household.test_households(**ledgers, household_income=income, headcounts=heads, rules=rules, as_of=rules.day, period="ytd")
        return household.assess_households(tests, income, heads, rules, "ytd")

    named = {"system": sources.system_source(intake.people, frames, rules, quarter)} | intake.rosters
    found = reconcile.compare_sources(named, rules, frames["households"])
    differences = trials.try_differences(found.differences, named, with_earlier, frames["household_exit"], quarter, assess, found.blanks)
    counts = reconcile.source_counts(found.compared, differences)
    return {"source_presence": found.presence, "match_candidates": found.candidates, "source_differences": differences, "source_counts": counts}


def _line_years(quarter: str, rules: Rules) -> dict[str, int]:
    """Which year's line an income of each period is set against: the last four quarters against today's, a part of an accounting year against its own."""
    from linwu_stats.income import periods

    own = {period: periods.accounting_year(periods.quarters_of(period, quarter, rules)[-1], rules) for period in PERIODS}
    return own | {"last4": int(quarter[:4])}


def _lines_of_own_quarter(other: Quarter) -> pd.DataFrame:
    return _lines_of(other.item_amounts, other.quarter)


def _lines_of(item_amounts: pd.DataFrame, quarter: str) -> pd.DataFrame:
    return item_amounts[item_amounts["quarter"] == quarter]


def _of_quarter(household_income: pd.DataFrame) -> pd.DataFrame:
    return household_income[household_income["period"] == "quarter"]


def _before(quarter: str, home: Path) -> Quarter | None:
    return Quarter(shift(quarter, -1), home) if _made(home, shift(quarter, -1)) else None


def _published(home: Path, year: int) -> dict[str, Any]:
    """Poor persons and incidence at the beginning of ``year`` as the county's report printed them, where ``data/reference`` has them."""
    path = home / "data" / "reference" / "county_report_2018.csv"
    if not path.is_file():
        return {}
    table = pd.read_csv(path, encoding="utf-8-sig", dtype="string")
    values = table[table["year"] == str(year - 1)].set_index("series")["value"]
    if not {"county.not_out_persons", "county.incidence_share"} <= set(values.index):
        return {}
    return {"poor_persons": int(values["county.not_out_persons"]), "incidence_percent": str(Decimal(values["county.incidence_share"]).scaleb(2))}
