"""How far earlier estimates were off (测算检验): every accounting year that is over, estimated again after one, two and three quarters.

Each is made as if it were then, from the ledgers up to that quarter alone; the outcome is the account of the whole year. The register is today's, so
households that have left since are not in the record. The record stands beside the estimate, so that a reader knows how far to trust it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from linwu_stats.income.estimate.cells import CLASSES, SIGNS, Cells
from linwu_stats.income.estimate.households import Threshold, intervals, pass_shares, point_estimates
from linwu_stats.income.estimate.outlook import Outlook, class_forecast, look_ahead, span_of
from linwu_stats.income.estimate.settings import Settings
from linwu_stats.income.periods import previous_quarter
from linwu_stats.rules import Rules
from linwu_stats.tables import conform

__all__ = ["Trial", "calibrate_estimates", "record_estimates", "try_years"]


class Trial:
    """One earlier estimate and its outcome (一次检验): ``outlook`` as it was then, ``outcome`` the year's amounts by class, nan where unknown."""

    def __init__(self, outlook: Outlook, outcome: np.ndarray, persons: np.ndarray, threshold: Threshold):
        self.outlook, self.outcome, self.persons, self.threshold = outlook, outcome, persons, threshold

    def known(self, method: str) -> np.ndarray:
        """Households of which estimate and outcome are known."""
        return point_estimates(self.outlook, method)[1] & ~np.isnan(self.outcome).any(axis=1) & (self.persons > 0)

    def passed(self) -> np.ndarray:
        """Whether each household's whole year passed."""
        net = np.nansum(self.outcome * SIGNS, axis=1)
        return self.threshold.passes(net.astype(np.int64), np.where(self.persons > 0, self.persons, 1).astype(np.int64))


def try_years(cells: Cells, headcounts: pd.DataFrame, quarter: str, rules: Rules, settings: Settings) -> list[Trial]:
    """Estimate every complete accounting year again after one, two and three quarters (逐季回测); years without all four quarters are not tried."""
    persons = headcounts.set_index("household_id")["headcount_persons"].reindex(cells.households).to_numpy(dtype=float, na_value=np.nan)
    trials = []
    for year in _complete_years(cells.until(quarter), quarter, rules):
        amount, ledger = cells.year(year)
        code = cells.household * len(CLASSES) + cells.cell_class
        outcome = np.bincount(code, weights=amount.sum(axis=1), minlength=len(persons) * len(CLASSES)).reshape(len(persons), len(CLASSES))
        outcome[~ledger.all(axis=1)] = np.nan
        for stage in year[:3]:
            outlook = look_ahead(cells, stage, rules, settings)
            trials.append(Trial(outlook, outcome, np.nan_to_num(persons), Threshold(rules.line_fen(outlook.year), rules)))
    return trials


def record_estimates(trials: list[Trial]) -> pd.DataFrame:
    """Errors, coverage and Brier score by year, quarters known, method and class (测算检验表): table ``estimate_record``.

    Class ``net`` is the net income, the others the five classes. Coverage is the share of households whose outcome lies in the interval, bounds included;
    the Brier score is the mean of (probability − outcome)², of the other methods with 0 or 1 by their estimate.
    """
    rows = []
    for trial in trials:
        for method in trial.outlook.settings.methods:
            known = trial.known(method)
            if not known.any():
                continue
            estimate, _, _ = point_estimates(trial.outlook, method)
            net = np.nansum(trial.outcome * SIGNS, axis=1)
            row = _errors(trial, method, "net", estimate[known].astype(float), net[known])
            row |= _scores(trial, method, known, estimate, net)
            rows.append(row)
            by_class = _class_estimates(trial.outlook, method)
            rows += [_errors(trial, method, name, by_class[known, at], trial.outcome[known, at]) for at, name in enumerate(CLASSES)]
    return conform(pd.DataFrame(rows, columns=_COLUMNS), "estimate_record")


def calibrate_estimates(trials: list[Trial]) -> pd.DataFrame:
    """Probability against what came, by tenths of probability (可能性校准): table ``estimate_calibration``. Tenths without households are left out."""
    rows = []
    for trial in trials:
        known = trial.known("model")
        if trial.threshold.line_fen is None or not known.any():
            continue
        share, passed = _share_of(trial)[known], trial.passed()[known]
        tenth = np.minimum((share * 10).astype(int), 9)
        for decile in np.unique(tenth):
            here = tenth == decile
            rows.append({
                "accounting_year": trial.outlook.year, "quarters_known": trial.outlook.seen, "decile": int(decile), "households": int(here.sum()),
                "mean_pass_share": float(share[here].mean()), "passed_share": float(passed[here].mean()),
            })
    columns = ["accounting_year", "quarters_known", "decile", "households", "mean_pass_share", "passed_share"]
    return conform(pd.DataFrame(rows, columns=columns), "estimate_calibration")


_COLUMNS = [
    "accounting_year", "quarters_known", "method", "item_class", "households", "mean_error_fen", "mean_absolute_error_fen", "error_share",
    "covered80_share", "covered95_share", "mean_width80_fen", "brier", "fallback", "interval_basis",
]


def _errors(trial: Trial, method: str, name: str, estimate: np.ndarray, outcome: np.ndarray) -> dict[str, object]:
    error, size = estimate - outcome, np.abs(outcome).sum()
    return {
        "accounting_year": trial.outlook.year, "quarters_known": trial.outlook.seen, "method": method, "item_class": name, "households": len(error),
        "mean_error_fen": _fen(error.mean()), "mean_absolute_error_fen": _fen(np.abs(error).mean()),
        "error_share": float(np.abs(error).sum() / size) if size > 0 else None,
    }


def _scores(trial: Trial, method: str, known: np.ndarray, estimate: np.ndarray, net: np.ndarray) -> dict[str, object]:
    scores: dict[str, object] = {}
    if trial.threshold.line_fen is not None:
        persons = np.where(trial.persons > 0, trial.persons, 1).astype(np.int64)
        share = _share_of(trial) if method == "model" else trial.threshold.passes(estimate, persons).astype(float)
        scores["brier"] = float(np.mean((share[known] - trial.passed()[known]) ** 2))
    if method == "model":
        bounds = intervals(trial.outlook)
        for level in ("80", "95"):
            low, high = bounds[f"low{level}"][known], bounds[f"high{level}"][known]
            scores[f"covered{level}_share"] = float(np.mean((low <= net[known]) & (net[known] <= high)))
        scores["mean_width80_fen"] = _fen(np.mean(bounds["high80"][known] - bounds["low80"][known]))
        for name, codes in (("fallback", trial.outlook.fallback[known]), ("interval_basis", trial.outlook.basis[known])):
            found, count = np.unique(codes.astype(str), return_counts=True)
            scores[name] = str(found[count.argmax()])
    return scores


def _fen(mean: float) -> int:
    """A mean in whole fen, half up."""
    return int(np.floor(mean + 0.5))


def _share_of(trial: Trial) -> np.ndarray:
    return pass_shares(trial.outlook, trial.threshold.floor(trial.persons), trial.threshold.reaching)


def _class_estimates(outlook: Outlook, method: str) -> np.ndarray:
    """Whole year of each class by a method, fen as floats."""
    now = np.nan_to_num(outlook.seen_class)
    if method == "model":
        return class_forecast(outlook)
    if method == "times_four":
        return now * 4 / outlook.seen
    if method == "last_year":
        return np.nansum(outlook.last_class, axis=2)
    by_then, rest = np.nansum(outlook.last_class[:, :, : outlook.seen], axis=2), np.nansum(outlook.last_class[:, :, outlook.seen :], axis=2)
    return np.where(by_then > 0, now * (by_then + rest) / np.maximum(by_then, 1), now + rest)


def _complete_years(cells: Cells, quarter: str, rules: Rules) -> list[list[str]]:
    """Quarters of every accounting year before that of ``quarter`` whose four quarters have ledgers, oldest first."""
    year, _ = span_of(quarter, rules)
    years: list[list[str]] = []
    if rules.value(f"period.{rules.value('period.rule')}")["kind"] == "rolling":
        return years  # Twelve months that end now are never a part of a year.
    while cells.quarters and year[0] >= cells.quarters[0]:
        year = [previous_quarter(name, 4) for name in year]
        if set(year) <= set(cells.quarters):
            years.insert(0, year)
    return years
