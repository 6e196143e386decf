"""Which answers of a look-back count, and for how many (答复的采用和权数): reserves in their order, refusals, what was left blank."""

from __future__ import annotations

from typing import Any

import pandas as pd

from linwu_stats.exits.lookback.exact import LookbackError
from linwu_stats.tables import conform, require

__all__ = ["settle_answers"]

_NOT_MET = ("refused", "absent")
_ANSWERS = ["state", "problem", "recognises", "persons", "file", "row"]


def settle_answers(sample: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Set what came back against what was drawn (答复与样本核对): table ``lookback_answers``, one row for every drawn unit.

    ``sample``: table ``lookback_sample``; ``answers``: unit_id, state, problem, recognises, persons, file, row, one row a unit at most. A unit without a row,
    or with an unknown state, is unknown, never 'no'. A household that refused or was never met is replaced by the first reserve of its village and kind
    that was met, in the order of the draw; reserves that nobody needed, and those behind one that was left blank, do not count. Where the reserves do not
    reach, the weights of the households of the village and kind that answered make up for it, and where a whole village has none, those of the other villages.
    Households that are gone stay in the frame with their weight, outside the rate. Weights of households off the register are fitted to the village's persons.
    Raises :class:`LookbackError` for answers about units that were not drawn or given twice.
    """
    require(sample, "lookback_sample")
    if strange := sorted(set(answers["unit_id"]) - set(sample["unit_id"])):
        raise LookbackError(f"{len(strange)} answers are about households that were not drawn (不在样本中): the first is {strange[0]}")
    if answers["unit_id"].duplicated().any():
        raise LookbackError(f"{answers.loc[answers['unit_id'].duplicated(), 'unit_id'].iloc[0]} was answered twice (重复答复)")
    said = {row["unit_id"]: row for row in answers.to_dict("records")}
    rows = []
    for _, part in sample.groupby(["village_code", "kind"], sort=True):
        rows += _settle_cell(part.sort_values(["role", "draw_order"]).to_dict("records"), said)
    frame = pd.DataFrame(rows, columns=list(dict.fromkeys([*sample.columns, *_ANSWERS, "use"])))
    frame["certain"] = frame["village_certain"]
    frame["weight"] = _weights(frame)
    return conform(frame, "lookback_answers")


def _settle_cell(units: list[dict[str, Any]], said: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Units of one village and kind, main ones first, each with its answer and its use."""
    rows = [unit | _said(unit, said.get(unit["unit_id"])) for unit in units]
    main = [row for row in rows if row["role"] == "main"]
    reserves = [row for row in rows if row["role"] == "reserve"]
    waiting = [row for row in main if row["state"] in _NOT_MET]
    for row in main:
        row["use"] = _use(row)
    called, stopped, tried = 0, False, []
    for row in reserves:
        if stopped or called == len(waiting):
            row["use"] = "not_needed"
            continue
        row["use"] = _use(row)
        if row["state"] in _NOT_MET:
            tried.append(row)
        elif row["state"] is None:
            stopped = True
        else:
            waiting[called]["use"] = "replaced"
            called += 1
    for row in tried if called == len(waiting) else ():
        row["use"] = "replaced"
    return rows


def _said(unit: dict[str, Any], answer: dict[str, Any] | None) -> dict[str, Any]:
    """The answer of a unit with unknowns as None; a registered household that the team did not count has the persons of the frame."""
    given = {name: None if answer is None or pd.isna(answer.get(name)) else answer[name] for name in _ANSWERS}
    if given["persons"] is None and unit["kind"] != "off_register":
        given["persons"] = unit["persons"]
    return given


def _use(row: dict[str, Any]) -> str:
    if row["state"] is None:
        return "unknown"
    if row["state"] in _NOT_MET:
        return "unreplaced"
    if row["state"] == "gone":
        return "gone"
    decided = row["kind"] == "registered" or row["problem"] in ("yes", "no")
    counted = not pd.isna(row["persons"]) and row["persons"] > 0
    return "used" if decided and counted else "undecided"


def _weights(frame: pd.DataFrame) -> list[Any]:
    """Weights of the units that were reached; None for the others."""
    weight = pd.Series(float("nan"), index=frame.index)
    reached = frame["use"].isin(["used", "gone", "undecided"])
    for kind, part in frame.groupby("kind"):
        cells = part.groupby("village_code")
        met = {code: cell[reached[cell.index]] for code, cell in cells}
        first = {code: cell.iloc[0] for code, cell in cells}
        heard = [code for code, cell in met.items() if len(cell)]
        # A village without any answer is stood for by the villages that have one, by the households that each stands for.
        stands = {code: first[code]["village_households"] / first[code]["village_share"] for code in first}
        lift = sum(stands.values()) / sum(stands[code] for code in heard) if heard else 1.0
        for code in heard:
            weight[met[code].index] = lift * _within(met[code], kind, first[code]) / first[code]["village_share"]
    return [None if pd.isna(one) else float(one) for one in weight]


def _within(met: pd.DataFrame, kind: str, village: pd.Series) -> float:
    """How many households of its village each reached one stands for."""
    people = met.loc[met["state"] == "answered", "persons"].dropna()
    if kind == "off_register" and not pd.isna(village["village_persons"]) and not village["counted"] and len(people) and people.sum() > 0:
        return float(village["village_persons"]) / (float(people.sum()) / len(people) * int((met["state"] == "answered").sum()))
    return float(village["village_households"]) / len(met)
