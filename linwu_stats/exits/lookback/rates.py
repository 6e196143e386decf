"""The rates of a look-back and their verdicts (回头看指标): each by its definition's own denominator, with one-sided bounds, for the county and townships."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.exits.compare import exact
from linwu_stats.exits.lookback.bounds import Bounds, rate_bounds
from linwu_stats.exits.lookback.clustering import correlation_of, with_problem
from linwu_stats.exits.lookback.definitions import bar_of, decide, definitions_of, incidence_definitions, more_households, official_rate
from linwu_stats.exits.lookback.exact import beta_bound
from linwu_stats.rules import Rule, Rules
from linwu_stats.tables import conform, empty

__all__ = ["lookback_rates"]

_KIND = {"missed": "off_register", "wrong": "exited", "recognition": ""}


def lookback_rates(answers: pd.DataFrame, facts: Mapping[str, Any], rules: Rules) -> pd.DataFrame:
    """All rates of one look-back (回头看指标): table ``lookback_rates``; without answers no rows.

    ``answers``: table ``lookback_answers``; ``facts``: those of :func:`~linwu_stats.exits.lookback.draw.frame_facts` from the day of the draw. Rules: the
    bars and definitions under ``lookback.``, ``lookback.confidence``, ``lookback.clustering``. Missed and wrong are of persons, recognition of households.
    Households that were left blank or undecided are no answer 'no': the verdict is met only where it would be met with all of them against the county, and
    not met only where it would not be met with all of them in its favour.
    """
    if answers.empty:
        return empty("lookback_rates")
    county = rules.value("area.county")["code"]
    rows, chosen = [], {}
    areas = {county: None} | {str(code): code for code in sorted(answers["township_code"].unique())}
    for measure in ("missed", "wrong", "recognition"):
        made = _Measure(measure, answers, rules).rows_of(areas)
        rows += [row for several, _ in made.values() for row in several]
        chosen[measure] = next(row for row in made[county][0] if row["chosen"]), made[county][1]
    rows += _incidence(chosen, facts, county, rules)
    quarter = str(answers["quarter"].iloc[0])
    return conform(pd.DataFrame([row | {"quarter": quarter} for row in rows]), "lookback_rates")


class _Measure:
    """One measure: its households that can be used, those that are unknown, and the definitions."""

    def __init__(self, measure: str, answers: pd.DataFrame, rules: Rules):
        kind = _KIND[measure]
        self.measure, self.rules, self.by_persons = measure, rules, measure != "recognition"
        self.bar = bar_of(measure, rules)
        self.level = float(rules.value("lookback.confidence")["level_share"])
        self.correlation = correlation_of(answers, measure, rules)[0]
        self.all = answers[answers["kind"] == kind] if kind else answers
        self.known = with_problem(answers, measure)
        outside = ["gone", "replaced", "unreplaced", "not_needed"]
        self.unknown = self.all[~self.all["unit_id"].isin(self.known["unit_id"]) & ~self.all["use"].isin(outside)]
        self.rows = _fitted(self.known, self.all) if kind else _as_asked(_fitted(self.known, self.all))

    def rows_of(self, areas: Mapping[str, str | None]) -> dict[str, tuple[list[dict[str, Any]], Bounds]]:
        """Rows of all definitions by area, and the bounds on the share with the problem. ``areas``: code to township, None for the whole."""
        extremes = [self._bounds(self._with_unknown(bad), areas) if len(self.unknown) else None for bad in (0, 1)]
        bounds = self._bounds(self.rows, areas)
        out = {}
        for area, township in areas.items():
            asked, unknown, drawn = (one if township is None else one[one["township_code"] == township] for one in (self.rows, self.unknown, self.all))
            between = tuple(bounds[area] if one is None or not len(unknown) else one[area] for one in extremes)
            row = self._row(area, township is None, asked, unknown, drawn, bounds[area], between)
            definitions = definitions_of(self.measure, self.rules)
            out[area] = [row | self._formula(one, asked, drawn) | {"chosen": chosen} for one, chosen in definitions], bounds[area]
        return out

    def _bounds(self, rows: pd.DataFrame, areas: Mapping[str, str | None]) -> dict[str, Bounds]:
        inside = {area: None if township is None else rows["township_code"] == township for area, township in areas.items()}
        return rate_bounds(rows, inside, level=self.level, correlation=self.correlation, by_persons=self.by_persons)

    def _with_unknown(self, bad: int) -> pd.DataFrame:
        """Usable households and the unknown ones, which all have, or have not, the problem; one without persons has those of the middle household."""
        persons = self.known["persons"].dropna()
        middle = round(float(persons.median())) if len(persons) else 1
        more = self.unknown.assign(bad=bad, persons=self.unknown["persons"].fillna(middle).clip(lower=1))
        both = pd.concat([self.known, more])
        return _fitted(both, self.all) if _KIND[self.measure] else _as_asked(_fitted(both, self.all))

    def _row(
        self, area: str, is_county: bool, asked: pd.DataFrame, unknown: pd.DataFrame, drawn: pd.DataFrame, bounds: Bounds, extremes: tuple[Bounds, Bounds],
    ) -> dict[str, Any]:
        good = not self.by_persons
        verdict, alone = self._decide(extremes[0].low, extremes[1].high), self._decide(bounds.low, bounds.high)
        found, size = int(asked["bad"].sum()), len(asked)
        low, high = (1 - bounds.high, 1 - bounds.low) if good else (bounds.low, bounds.high)
        shown = bounds.share if not good else 1 - bounds.share
        worst = 1 - extremes[1].high if good else extremes[1].high
        simple = beta_bound(found, size, "upper", self.level) if size else math.nan
        bar = float(exact(self.bar.value["share"]))
        more = None
        if verdict == alone == "not_decided" and size and not math.isnan(bounds.effective):
            more = more_households(bounds.share, bounds.worth, size, 1 - bar if good else bar, self.level, df=bounds.df)
        return {
            "measure": self.measure, "area_code": area, "level": "county" if is_county else "township", "found_households": found,
            "asked_households": size, "unknown_households": len(unknown), "refused_households": int(drawn["state"].isin(["refused", "absent"]).sum()),
            "estimate_share": shown, "se": bounds.se, "low_share": low, "high_share": high, "worst_share": worst,
            "simple_bound_share": 1 - simple if good else simple, "level_share": self.level, "bar_share": bar, "sign": self.bar.value["sign"],
            "method": "none" if math.isnan(bounds.low) else "complete" if bounds.complete else "design", "villages": bounds.villages, "df": bounds.df,
            "design_effect": None if bounds.complete or math.isnan(bounds.effective) else size / bounds.effective,
            "effective_households": None if bounds.complete else bounds.effective, "verdict": verdict,
            "reason_code": self._reason(verdict, alone, bounds, size, more), "more_households": more,
        }

    def _decide(self, low: float, high: float) -> str:
        return decide(1 - high, 1 - low, self.bar) if self.measure == "recognition" else decide(low, high, self.bar)

    def _reason(self, verdict: str, alone: str, bounds: Bounds, asked: int, more: int | None) -> str | None:
        if verdict != "not_decided":
            return None
        if not asked:
            return "no_answers"
        if math.isnan(bounds.low):
            return "one_village"
        if alone != "not_decided":
            return "answers_missing"
        return "at_bar" if more is None else "interval_wide"

    def _formula(self, definition: Rule, asked: pd.DataFrame, drawn: pd.DataFrame) -> dict[str, Any]:
        """The rate as the text writes it: found over the definition's own denominator, nothing weighted."""
        wanted = definition.value["denominator"]
        if self.measure == "recognition":
            found, below = int((asked["bad"] == 0).sum()), len(asked)
        else:
            found, below = int(asked.loc[asked["bad"] == 1, "persons"].sum()), int(asked["persons"].sum())
        if wanted == "off_register_persons_of_sampled_villages":
            people = drawn.drop_duplicates("village_code")["village_persons"]
            below = None if people.isna().any() or people.empty else int(people.sum())
        share = official_rate(definition, found, {wanted: below})
        written = None if share is None else float(share)
        return {"definition": definition.key, "formula_numerator": found, "formula_denominator": below, "formula_share": written}


def _fitted(known: pd.DataFrame, drawn: pd.DataFrame) -> pd.DataFrame:
    """Usable households with weights that stand for all households of their village and kind, and of villages that gave none."""
    met = drawn[drawn["weight"].notna()]
    weight = met.set_index("unit_id")["weight"].to_dict()
    rows = known.assign(weight=[weight.get(one, np.nan) for one in known["unit_id"]]).reset_index(drop=True)
    # A household that came in as unknown has no weight of its own: it has that of its village and kind.
    cells = met.groupby(["village_code", "kind"])["weight"].mean().to_dict()
    usual = float(met["weight"].mean()) if len(met) else 1.0
    rows["weight"] = [
        cells.get((village, kind), usual) if pd.isna(own) else own
        for own, village, kind in zip(rows["weight"], rows["village_code"], rows["kind"], strict=True)
    ]
    households = np.where(rows["counted"].fillna(False).astype(bool), rows["village_households"].astype(float), np.inf)
    return rows.assign(certain=rows["certain"].fillna(False).astype(bool), all_households=households)


def _as_asked(rows: pd.DataFrame) -> pd.DataFrame:
    """Recognition is of the households asked: kinds count as they were asked, households within a kind by their weights; households of all kinds."""
    if rows.empty:
        return rows
    scale = rows.groupby("kind")["weight"].transform(lambda one: len(one) / one.sum())
    whole = rows.groupby("village_code")["kind"].transform("nunique")
    return rows.assign(weight=rows["weight"] * scale, all_households=np.where(whole > 1, np.inf, rows["all_households"]))


def _incidence(chosen: Mapping[str, tuple[dict[str, Any], Bounds]], facts: Mapping[str, Any], county: str, rules: Rules) -> list[dict[str, Any]]:
    """The combined incidence by all four readings, from the missed and wrong shares as they were estimated."""
    (missed, missed_bounds), (wrong, wrong_bounds) = chosen["missed"], chosen["wrong"]
    bar = bar_of("incidence", rules)
    rows = []
    for exits, population, is_chosen in incidence_definitions(rules):
        exited = facts.get("exited_persons" if exits.value["exits"] == "ever" else "exited_this_year_persons")
        below, off, left = facts.get(population.value["denominator"]), facts.get("off_register_persons"), facts.get("left_persons")
        known = all(one is not None for one in (exited, below, off, left)) and below > 0
        missing = missed["unknown_households"] + wrong["unknown_households"]
        low, high, share, worst = (math.nan,) * 4
        least = left / below if known else math.nan  # those who are left are counted, whatever the rates are
        if known and not math.isnan(missed_bounds.share) and not math.isnan(wrong_bounds.share):
            parts = (off / below, missed_bounds), (exited / below, wrong_bounds)
            share = least + sum(factor * one.share for factor, one in parts)
            low, high = max(least, share - _spread(parts, -1)), share + _spread(parts, 1)
            worst = least + off / below * missed["worst_share"] + exited / below * wrong["worst_share"]
        ends = (least, 1.0) if math.isnan(share) else (least, worst) if missing else (low, high)
        verdict = decide(*ends, bar)
        reason = None if verdict != "not_decided" else "population_unknown" if not known else "rate_unknown" if math.isnan(high) else (
            "answers_missing" if decide(low, high, bar) != "not_decided" else "interval_wide")
        rows.append({
            "measure": "incidence", "definition": f"{exits.key} {population.key}", "area_code": county, "level": "county", "chosen": is_chosen,
            "asked_households": missed["asked_households"] + wrong["asked_households"],
            "unknown_households": missing, "formula_denominator": below, "estimate_share": share,
            "low_share": low, "high_share": high, "worst_share": worst, "level_share": missed["level_share"],
            "bar_share": float(exact(bar.value["share"])), "sign": bar.value["sign"], "method": "none" if math.isnan(high) else "combined",
            "verdict": verdict, "reason_code": reason,
        })
    return rows


def _spread(parts: tuple[tuple[float, Bounds], ...], way: int) -> float:
    """Distance of the bound of a sum from its estimate (方差恢复法): distances of the parts as if standard errors, with their correlation between villages.

    Source: Zou and Donner (2008), Statistics in Medicine 27, equations 2 and 3 with correlation. A negative correlation is taken as none.
    """
    first, second = (factor * (one.high - one.share if way > 0 else one.share - one.low) for factor, one in parts)
    both = pd.concat([one.scores.rename(str(place)) for place, (_, one) in enumerate(parts)], axis=1).fillna(0.0)
    alike = float(np.corrcoef(both["0"], both["1"])[0, 1]) if len(both) > 2 and (both.std() > 0).all() else 0.0
    return math.sqrt(first**2 + second**2 + 2 * max(alike, 0.0) * first * second)


