"""What a double review says (双人复核结果): agreement of the two, what the third person must decide, and how often the ledger is wrong.

Rates are of households, never of cells: the cells of one household are not independent. Bounds are one-sided and exact (Clopper & Pearson 1934, by
statsmodels); where townships are sampled at different rates the design-based bound of Korn & Graubard (1998, effective sample size) stands beside it, and the
larger one decides.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from linwu_stats.ledgers.agreement import Agreement, agreement_of, exact_upper, finite_upper, hidden_errors
from linwu_stats.ledgers.entries import heading_of
from linwu_stats.ledgers.review_sheets import answer_words
from linwu_stats.rules import Rules
from linwu_stats.tables import CODES, conform, empty

__all__ = ["ReviewReport", "render_review", "report", "review_agreement", "review_error_rates", "settle"]

REASONS = {
    "one_category": "两人所填只有一种值，Kappa无意义", "perfect": "完全一致，下界按不一致率的精确上限折算", "nothing_answered": "没有可比的填写",
    "no_interval": "方差不能估计，没有Kappa区间",
    "townships_missing": "有乡镇没有可用的复核", "fields_unanswered": "有户的部分项目没有复核", "nothing_settled": "没有已核定的户",
}


@dataclass(frozen=True)
class ReviewReport:
    """Result of a review (复核结果): tables ``review_agreement`` and ``review_error_rates``, and ``disputes``: what the third person decides."""

    agreement: pd.DataFrame
    error_rates: pd.DataFrame
    disputes: pd.DataFrame


def report(sample: pd.DataFrame, values: pd.DataFrame, answers: pd.DataFrame, rules: Rules) -> ReviewReport:
    """Confront the reviewers with each other and with the ledger (汇总复核结果).

    ``sample``: table ``review_sample``; ``values``: the ledger when it was drawn; ``answers``: what came back. Rule ``review.confidence_share``.
    Agreed value: both the same, else what the third person says; one alone settles nothing. A blank or 无法核实 is no answer.
    """
    settled = settle(values, answers)
    disputes = settled[settled["outcome"] == "disputed"].drop(columns=["outcome", "agreed", "ledger"])
    return ReviewReport(
        review_agreement(settled), review_error_rates(sample, settled, rules.value("review.confidence_share"), rules.value("area.county")["code"]),
        disputes.reset_index(drop=True),
    )


def settle(values: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """One row per subject and field (核定): the ledger's value, both answers with their words, the pair of reviewers, the agreed value and the outcome.

    ``outcome``: settled, disputed (the third person decides), unanswered.
    """
    given = {(row.subject_id, row.field, row.reviewer): row for row in answers.itertuples()}
    by_township = {(row.township_code, row.reviewer): row.mark for row in answers.itertuples()}
    rows = []
    for asked in values.itertuples():
        first, second, third = (given.get((asked.subject_id, asked.field, reviewer)) for reviewer in "ABC")
        said = [one.value if one is not None and one.state == "answered" else None for one in (first, second, third)]
        pair = "-".join(sorted(by_township[asked.township_code, one] for one in "AB" if (asked.township_code, one) in by_township))
        if said[2] is not None:
            outcome, agreed = "settled", said[2]
        elif said[0] is not None and said[0] == said[1]:
            outcome, agreed = "settled", said[0]
        else:
            outcome, agreed = ("unanswered" if said[0] is None and said[1] is None else "disputed"), None
        rows.append({
            "subject_id": asked.subject_id, "household_id": asked.household_id, "township_code": asked.township_code, "field": asked.field,
            "ledger": asked.value, "first_value": said[0], "second_value": said[1], "pair": pair, "outcome": outcome, "agreed": agreed,
            "first": answer_words(asked.field, None if first is None else first.state, said[0]),
            "second": answer_words(asked.field, None if second is None else second.state, said[1]),
        })
    columns = ["subject_id", "household_id", "township_code", "field", "ledger", "first_value", "second_value", "pair", "outcome", "agreed", "first", "second"]
    table = pd.DataFrame(rows, columns=columns, dtype="object")
    return table.where(table.notna(), None)


def review_agreement(settled: pd.DataFrame) -> pd.DataFrame:
    """Table ``review_agreement`` (双人复核一致性表): by pair of reviewers and field, on the values and on whether the ledger is in error."""
    rows: list[dict[str, Any]] = []
    pairs = sorted({pair for pair in settled["pair"] if "-" in pair})
    for pair in ["all", *pairs]:
        mine = settled if pair == "all" else settled[settled["pair"] == pair]
        for field, cells in mine.groupby("field", sort=False):
            triples = list(zip(cells["first_value"], cells["second_value"], cells["ledger"], strict=True))
            both = [(one, two) for one, two, _ in triples if one is not None and two is not None]
            counts = {
                "subjects": len(triples), "both": len(both), "one_only": sum((one is None) != (two is None) for one, two, _ in triples),
                "neither": sum(one is None and two is None for one, two, _ in triples),
            }
            errors = [(one != ledger, two != ledger) for one, two, ledger in triples if one is not None and two is not None]
            rows.append({"pair": pair, "field": field, "basis": "value", **counts, **_measures(agreement_of(both))})
            hidden = hidden_errors(sum(one for one, _ in errors), sum(two for _, two in errors), sum(one and two for one, two in errors))
            rows.append({"pair": pair, "field": field, "basis": "error", **counts, **_measures(agreement_of(errors, positive=True)), "hidden_errors": hidden})
    return conform(pd.DataFrame(rows), "review_agreement") if rows else empty("review_agreement")


def review_error_rates(sample: pd.DataFrame, settled: pd.DataFrame, confidence: float, county: str) -> pd.DataFrame:
    """Table ``review_error_rates`` (台账差错率表): county and townships by field, and ``all``: households with an error in any field.

    A household has an error when an agreed value differs from the ledger's. Not settled: in doubt, counted as an error in the bounds and left out of the
    rate. For ``all`` a household without a known error counts only when each field that the ledger fills was answered, which makes the rate rather too high.
    """
    if settled.empty:
        return empty("review_error_rates")
    by_field = {field: _households(cells) for field, cells in settled.groupby("field", sort=False)}
    by_field["all"] = _any_field(by_field, settled)
    strata = sample.groupby("township_code", sort=True).agg(size=("stratum_households", "first"), drawn=("household_id", "size"))
    rows = []
    for field, states in by_field.items():
        homes = sample[["household_id", "township_code"]].merge(states, on="household_id", how="inner")
        counted = {str(code): part for code, part in homes.groupby("township_code")}
        for code in strata.index:
            one = {code: (int(strata.at[code, "size"]), int(strata.at[code, "drawn"]), counted.get(str(code), homes.iloc[:0]))}
            rows.append(_rate(str(code), str(field), one, confidence))
        every = {code: (int(strata.at[code, "size"]), int(strata.at[code, "drawn"]), counted.get(str(code), homes.iloc[:0])) for code in strata.index}
        rows.insert(0, _rate(county, str(field), every, confidence))
    return conform(pd.DataFrame(rows).sort_values(["area_code", "field"]), "review_error_rates")


def render_review(said: ReviewReport, notices: pd.DataFrame, facts: dict[str, Any], form: str) -> str:
    """The result as ``text``, ``json`` or ``html`` (复核结果); the HTML is one page by itself, everything in it escaped."""
    parts = [
        ("台账差错率", said.error_rates[_reading_order(said.error_rates)]), ("两人一致性", said.agreement),
        ("待裁定", said.disputes), ("交回情况", notices),
    ]
    if form == "json":
        plain = {name: json.loads(frame.to_json(orient="records", force_ascii=False)) for name, frame in zip(
            ("error_rates", "agreement", "disputes", "notices"), (said.error_rates, said.agreement, said.disputes, notices), strict=True)}
        return json.dumps({"draw": facts, **plain, "reasons": REASONS}, ensure_ascii=False, indent=2)
    digest = str(facts.get("frame_sha256", ""))[:12]
    draw = f"样本{facts.get('drawn', 0)}户，总体{facts.get('population', 0)}户，种子{facts.get('seed', '')}，抽样框校验值{digest}"
    note = "差错率以户计；上限为单侧，未裁定的按差错计。Kappa须与计数和该类别一致率一并看。"
    if form == "html":
        blocks = "".join(f"<h2>{html.escape(title)}</h2>{_html_table(_words(frame))}" for title, frame in parts)
        return _PAGE.format(body=f"<h1>双人复核结果</h1><p>{html.escape(draw)}</p><p>{html.escape(note)}</p>{blocks}")
    if form == "text":
        blocks = [f"【{title}】\n{_words(frame).to_string(index=False) if len(frame) else '无'}" for title, frame in parts]
        return "\n\n".join([f"双人复核结果\n{draw}\n{note}", *blocks])
    raise ValueError(f"format {form!r} is not known (格式不支持): use text, json or html")


# ---- counting ------------------------------------------------------------------------------------------------------------


def _measures(one: Agreement) -> dict[str, Any]:
    positive = {True: "error", False: "no_error"}.get(one.positive, one.positive) if isinstance(one.positive, bool) else one.positive
    return {
        "agreed": one.agreed, "differed": one.count - one.agreed, "agreement_share": one.share, "positive": positive, "positive_both": one.positive_both,
        "positive_one": one.positive_one, "positive_agreement": one.positive_agreement, "kappa": one.kappa, "kappa_low": one.low, "kappa_high": one.high,
        "ac1": one.ac1, "reason_code": one.reason,
    }


def _households(cells: pd.DataFrame) -> pd.DataFrame:
    """State of each household for one field: error, unsettled, right, unanswered; and whether the ledger was blank where it is wrong."""
    rows = []
    for household, subjects in cells.groupby("household_id", sort=True):
        wrong = [one for one in subjects.itertuples() if one.outcome == "settled" and one.agreed != one.ledger]
        outcomes = set(subjects["outcome"])
        gap = any(one.outcome == "unanswered" and one.ledger is not None for one in subjects.itertuples())
        state = "error" if wrong else "unsettled" if "disputed" in outcomes else "right" if "settled" in outcomes and not gap else "unanswered"
        rows.append({"household_id": household, "state": state, "blank": any(one.ledger is None for one in wrong), "gap": gap})
    return pd.DataFrame(rows)


def _any_field(by_field: dict[str, pd.DataFrame], settled: pd.DataFrame) -> pd.DataFrame:
    together = pd.concat(by_field.values(), ignore_index=True)
    rows = []
    for household, parts in together.groupby("household_id", sort=True):
        states = set(parts["state"])
        gap = bool(parts["gap"].any())
        state = "error" if "error" in states else "unsettled" if "unsettled" in states else "right" if "right" in states and not gap else "unanswered"
        rows.append({"household_id": household, "state": state, "blank": bool(parts["blank"].any()), "gap": gap})
    return pd.DataFrame(rows)


def _rate(code: str, field: str, strata: dict[Any, tuple[int, int, pd.DataFrame]], confidence: float) -> dict[str, Any]:
    counts = {name: Counter(part["state"]) for name, (_, _, part) in strata.items()}
    total = sum(counts.values(), Counter())
    settled, looked = total["error"] + total["right"], total["error"] + total["right"] + total["unsettled"]
    population = sum(size for size, _, _ in strata.values())
    row = {
        "area_code": code, "field": field, "population_households": population, "drawn_households": sum(drawn for _, drawn, _ in strata.values()),
        "settled_households": settled, "unsettled_households": total["unsettled"], "unanswered_households": total["unanswered"],
        "error_households": total["error"], "blank_households": sum(int((part["blank"] & (part["state"] == "error")).sum()) for _, _, part in strata.values()),
    }
    # a field about children has households to look at only where there are children
    relevant = {name: one for name, one in strata.items() if len(one[2])}
    if not looked or any(not counts[name]["error"] + counts[name]["right"] + counts[name]["unsettled"] for name in relevant):
        return row | {"reason_code": "townships_missing" if looked else "nothing_answered"}
    exact = exact_upper(total["error"] + total["unsettled"], looked, confidence)
    upper, method = _decided_upper(relevant, counts, exact, confidence)
    finite = finite_upper(total["error"] + total["unsettled"], looked, population, confidence)
    shares = [(size, Fraction(counts[name]["error"], known)) if (known := counts[name]["error"] + counts[name]["right"]) else None
              for name, (size, _, _) in relevant.items()]
    share = None if None in shares else float(sum(size * part for size, part in shares) / sum(size for size, _ in shares))
    gaps = any(bool(part["gap"].any()) for _, _, part in relevant.values())
    reason = "nothing_settled" if share is None else "fields_unanswered" if gaps else None
    return row | {"error_share": share, "exact_upper_share": exact, "upper_share": upper, "finite_upper_share": finite, "method": method, "reason_code": reason}


def _decided_upper(
    strata: dict[Any, tuple[int, int, pd.DataFrame]], counts: dict[Any, Counter[str]], exact: float, confidence: float,
) -> tuple[float, str]:
    """The exact bound where all townships were looked at in the same proportion, else the larger of it and the design-based one."""
    parts = [(size, counts[name]["error"] + counts[name]["unsettled"], counts[name].total() - counts[name]["unanswered"])
             for name, (size, _, _) in strata.items()]
    if len({Fraction(looked, size) for size, _, looked in parts}) == 1:
        return exact, "exact"
    return max(exact, _design_upper(parts, confidence)), "design"


def _design_upper(parts: Sequence[tuple[int, int, int]], confidence: float) -> float:
    """Clopper-Pearson on the effective sample size (Korn & Graubard 1998): (households, errors, looked at) of each township; no finite correction.

    The effective size is never above the one that unequal weights alone leave (Kish), so that townships without an error do not feign certainty.
    """
    whole, looked = sum(size for size, _, _ in parts), sum(number for _, _, number in parts)
    share = sum(size * errors / number for size, errors, number in parts) / whole
    kish = whole**2 / sum(size**2 / number for size, _, number in parts)
    variance = sum((size / whole) ** 2 * (errors / number) * (1 - errors / number) / max(number - 1, 1) for size, errors, number in parts)
    effective = min(kish, looked, share * (1 - share) / variance if variance > 0 else kish)
    return exact_upper(share * effective, effective, confidence)


# ---- showing -------------------------------------------------------------------------------------------------------------

_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>双人复核结果</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font-family:"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2em;line-height:1.5}}table{{border-collapse:collapse}}
th,td{{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}}th{{background:#eef1f6}}</style></head>
<body>{body}</body></html>
"""
_HEADINGS = {
    "area_code": "地区", "field": "项目", "population_households": "总体户数", "drawn_households": "抽取", "settled_households": "已核定",
    "unsettled_households": "未裁定", "unanswered_households": "未复核", "error_households": "差错", "blank_households": "其中空白", "error_share": "差错率",
    "upper_share": "上限", "exact_upper_share": "精确上限", "method": "算法", "reason_code": "说明", "pair": "复核组", "basis": "比较内容", "subjects": "应比",
    "both": "都填", "agreed": "一致", "differed": "不一致", "one_only": "一人填", "neither": "都没填", "agreement_share": "一致率", "positive": "类别",
    "positive_both": "两人同填", "positive_one": "一人填该类", "positive_agreement": "该类别一致率", "kappa": "Kappa", "kappa_low": "下界",
    "kappa_high": "上界", "ac1": "AC1", "hidden_errors": "估计漏查", "subject_id": "对象编号", "household_id": "户编号", "township_code": "乡镇",
    "first": "填写一", "second": "填写二",
    "file": "文件", "sheet": "工作表", "row": "行", "column": "列", "what": "说明", "finite_upper_share": "有限总体上限",
}


def _reading_order(rates: pd.DataFrame) -> list[str]:
    return [name for name in rates.columns if name != "exact_upper_share"]


def _words(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.drop(columns=[name for name in ("first_value", "second_value") if name in frame.columns])
    out = pd.DataFrame({name: [_word(name, value) for value in frame[name]] for name in frame.columns}, dtype="object")
    return out.rename(columns=_HEADINGS)


def _word(name: str, value: Any) -> str:
    if value is None or pd.isna(value):
        return ""
    if name == "field" and "." in str(value):
        return heading_of(value)
    if name in ("basis", "method"):
        return CODES["agreement_basis" if name == "basis" else "bound_method"][value]
    if name == "reason_code":
        return REASONS.get(value, str(value))
    if isinstance(value, float):
        return f"{value:.2%}" if name.endswith("_share") else f"{value:.3f}"
    return {"all": "全部"}.get(str(value), "".join(char if char.isprintable() else " " for char in str(value)))


def _html_table(frame: pd.DataFrame) -> str:
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in frame.columns)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(str(value))}</td>" for value in row) + "</tr>" for row in frame.itertuples(index=False))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if len(frame) else "<p>无</p>"
