"""Two-person review (双人复核): which households are reviewed, what the ledger said of them, and the four tables of the review.

``draw_review_sample`` draws; :mod:`.review_sheets` writes the sheets; :mod:`.review_answers` reads what comes back; :mod:`.review_report` says how far the two
agree and how often the ledger is wrong.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from linwu_stats import RefusedError
from linwu_stats.ledgers.entries import is_correctable, returned_files, text_of
from linwu_stats.ledgers.review_answers import read_review_sheets, review_answers
from linwu_stats.ledgers.review_report import ReviewReport, render_review, report, settle
from linwu_stats.ledgers.review_sheets import write_dispute_sheets, write_review_sheets
from linwu_stats.rules import Rules
from linwu_stats.tables import TABLES, conform, empty, require

__all__ = [
    "ReviewError", "ReviewReport", "draw_review_sample", "frame_sha256", "freeze_review", "ledger_values", "load_review", "read_review_sheets", "render_review",
    "report", "review_fields", "review_tables", "write_dispute_sheets", "write_review_sheets",
]


class ReviewError(RefusedError):
    """A review cannot be drawn or read (双人复核不能进行); the message says why and what to do."""


def draw_review_sample(
    households: pd.DataFrame, rules: Rules, seed: int, *, take: int | None = None, method: str | None = None, allocation: str | None = None,
) -> pd.DataFrame:
    """Draw the households of the two-person review by township (抽取复核户): table ``review_sample``.

    ``households``: the register of the quarter (household_id, township_code, village_code), its order does not matter. Rule ``review.sample``: how many
    households in all (``take`` instead of it), the least of each township, the allocation, and the method. Systematic: each township's list by village and
    household code, a start from the seed, equal steps. Simple: the households with the smallest SHA-256 of seed and code. Both give each household of a
    township the same inclusion probability (kept with its inverse, the weight), and the same result on every machine: no generator of random numbers
    whose stream may change. A township with fewer households than asked for is taken whole. Raises :class:`ReviewError` where nothing can be drawn.
    """
    require(households, "households", "household_id", "township_code", "village_code")
    rule = rules.value("review.sample")
    wanted = rule["households"] if take is None else take
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0 or wanted < 1 or households.empty:
        raise ReviewError(f"nothing can be drawn (不能抽样): {len(households)} households, {wanted} wanted, seed {seed!r}; give a seed of 0 or more")
    frame = households[["household_id", "township_code", "village_code"]].sort_values(["township_code", "village_code", "household_id"])
    sizes = frame.groupby("township_code").size().to_dict()
    shares = _allocate({str(code): int(size) for code, size in sizes.items()}, wanted, rule["township_minimum"], allocation or rule["allocation"])
    parts = []
    for township, rows in frame.groupby("township_code", sort=True):
        count = shares[str(township)]
        places = _systematic(len(rows), count, f"{seed}:{township}") if (method or rule["method"]) == "systematic" else _simple(rows, count, seed)
        part = rows.iloc[places].assign(draw_order=range(1, count + 1), stratum_households=len(rows), taken_households=count)
        parts.append(part.assign(inclusion_share=count / len(rows), weight=len(rows) / count))
    return conform(pd.concat(parts, ignore_index=True), "review_sample")


def frame_sha256(households: pd.DataFrame) -> str:
    """SHA-256 of the list that a sample is drawn from (抽样框校验值): codes of household, township and village in order."""
    frame = households[["household_id", "township_code", "village_code"]].sort_values("household_id")
    lines = "\n".join(",".join(map(str, row)) for row in frame.itertuples(index=False))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


def review_fields(rules: Rules) -> tuple[str, ...]:
    """The columns that reviewers find out for themselves (复核项目), rule ``review.fields``. Raises :class:`ReviewError` for one that no ledger cell holds."""
    fields = tuple(rules.value("review.fields")["fields"])
    if strange := [name for name in fields if not is_correctable(name)]:
        raise ReviewError(f"review.fields: {', '.join(strange)} cannot be written into one cell (不能作为复核项目); choose columns that a ledger holds")
    return fields


def ledger_values(tables: Mapping[str, pd.DataFrame], sample: pd.DataFrame, rules: Rules, quarter: str, *, as_of: dt.date) -> pd.DataFrame:
    """What the ledger says of the drawn households (台账原值): subject_id, household_id, township_code, field, value; one row per subject and field.

    A field of the person tables has one row for each child of school age (rule ``exit.household.education``) or child in the schooling ledger, the others one
    row per household. ``value`` is text, None where the ledger has none. It is sealed: no review sheet shows it.
    """
    fields = review_fields(rules)
    homes = sample[["household_id", "township_code"]]
    parts = []
    for name in fields:
        table, _, column = name.partition(".")
        key = "person_id" if "person_id" in TABLES[table].key else "household_id"
        subjects = homes.assign(subject_id=homes["household_id"]) if key == "household_id" else _children(tables, homes, rules, as_of)
        frame = tables[table]
        frame = frame[frame["quarter"] == quarter] if "quarter" in frame.columns else frame
        known = dict(zip(frame[key], frame[column], strict=True))
        parts.append(subjects.assign(field=name, value=[text_of(name, known.get(one)) for one in subjects["subject_id"]]))
    return pd.concat(parts, ignore_index=True)[["subject_id", "household_id", "township_code", "field", "value"]]


def freeze_review(folder: Path, sample: pd.DataFrame, values: pd.DataFrame, facts: Mapping[str, Any]) -> Path:
    """Write ``sample.json`` and ``sealed/values.json`` (封存样本和台账原值); drawing over sheets that came back is refused with :class:`ReviewError`."""
    if back := returned_files(folder / "returned"):
        raise ReviewError(
            f"review sheets of this quarter were already returned (复核表已交回，不能重新抽样): {len(back)} files in review/returned. "
            "Read them with 'linwu-stats review read', or move them away first"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sealed").mkdir(exist_ok=True)
    _write_json(folder / "sealed" / "values.json", {"values": _records(values)})
    _write_json(folder / "sample.json", {**facts, "households": _records(sample)})
    return folder / "sample.json"


def load_review(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """The frozen sample, the ledger's values when it was drawn, and the facts of the draw (读取封存的样本); empty where nothing was drawn."""
    columns = ["subject_id", "household_id", "township_code", "field", "value"]
    if not (folder / "sample.json").is_file():
        return empty("review_sample"), pd.DataFrame(columns=columns, dtype="object"), {}
    try:
        facts = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
        values = json.loads((folder / "sealed" / "values.json").read_text(encoding="utf-8"))["values"]
        sample = conform(pd.DataFrame(facts.pop("households")), "review_sample")
        return sample, pd.DataFrame(values, columns=columns, dtype="object"), facts
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReviewError(
            f"the frozen sample of the review is damaged (封存的复核样本已损坏): {folder.name}/sample.json or sealed/values.json, {type(error).__name__}. "
            "Put the files back from a copy, or delete the review folder and draw again"
        ) from error


def review_tables(folder: Path, rules: Rules, quarter: str) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The four tables of a quarter's review (复核各表), empty where nothing was drawn, and what was settled: ``folder`` is ``data/<quarter>/review``."""
    sample, values, _ = load_review(folder)
    answers, _ = read_review_sheets(folder / "returned", sample, values, quarter)
    said = report(sample, values, answers, rules)
    tables = {"review_sample": sample, "review_answers": review_answers(answers), "review_agreement": said.agreement, "review_error_rates": said.error_rates}
    return tables, settle(values, answers)


def _allocate(sizes: dict[str, int], wanted: int, least: int, allocation: str) -> dict[str, int]:
    """Households of each township: shares by largest remainder, then raised to the least, never more than there are."""
    whole = sum(sizes.values())
    parts = {code: (wanted * size, whole) if allocation == "proportional" else (wanted, len(sizes)) for code, size in sizes.items()}
    shares = {code: over // under for code, (over, under) in parts.items()}
    rest = sorted(parts, key=lambda code: (-(parts[code][0] % parts[code][1]), code))
    for code in rest[: max(wanted - sum(shares.values()), 0)]:
        shares[code] += 1
    return {code: min(size, max(shares[code], least)) for code, size in sizes.items()}


def _systematic(size: int, count: int, words: str) -> list[int]:
    start = int.from_bytes(hashlib.sha256(words.encode("utf-8")).digest()[:8], "big")
    return [(start + (step << 64)) * size // (count << 64) for step in range(count)]


def _simple(rows: pd.DataFrame, count: int, seed: int) -> list[int]:
    rank = {place: hashlib.sha256(f"{seed}:{code}".encode()).hexdigest() for place, code in enumerate(rows["household_id"])}
    return sorted(sorted(rank, key=rank.__getitem__)[:count])


def _children(tables: Mapping[str, pd.DataFrame], homes: pd.DataFrame, rules: Rules, as_of: dt.date) -> pd.DataFrame:
    rule = rules.value("exit.household.education")
    persons = tables["persons"]
    born = persons["birth_date"]
    age = as_of.year - born.dt.year - ((born.dt.month * 100 + born.dt.day) > as_of.month * 100 + as_of.day).astype("Int64")
    of_age = persons.loc[(age >= rule["age_from"]) & (age <= rule["age_to"]).fillna(False), ["person_id", "household_id"]]
    both = pd.concat([of_age, tables["schooling"][["person_id", "household_id"]]]).drop_duplicates("person_id").sort_values("person_id")
    return both.merge(homes, on="household_id").rename(columns={"person_id": "subject_id"})


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(frame.to_json(orient="records", force_ascii=False, double_precision=15))


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
