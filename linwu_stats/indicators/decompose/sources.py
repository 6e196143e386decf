"""Inequality by income source (基尼系数按收入来源分解): which source widens the differences, and what one per cent more of it would do.

Source: Lerman and Yitzhaki (1985), Review of Economics and Statistics 67, 151-156; the elasticity: Stark, Taylor, Yitzhaki (1986), Economic Journal 96;
with ties and weights as in Lerman and Yitzhaki (1989), Journal of Econometrics 42.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from linwu_stats.indicators.decompose.parts import Decomposition, concentration, estimates, incomes, mean_differences, passed_on, undefined
from linwu_stats.survey import Design, DesignError

__all__ = ["QUANTITIES", "decompose_sources"]

#: Quantities of each source, and what they say.
QUANTITIES: dict[str, str] = {
    "income_share": "占收入的比重", "gini": "来源自身的基尼系数", "correlation": "基尼相关系数", "concentration": "集中系数",
    "contribution": "对基尼系数的贡献", "contribution_share": "贡献率", "elasticity": "边际影响(该来源普增1%时基尼系数变动的百分比)",
}


def decompose_sources(
    d: Design, sources: Mapping[str, Any], *, income: Any = None, headcount: Any = None, unknown: str = "refuse", level: float = 0.95
) -> Decomposition:
    """Gini coefficient by income source (Lerman-Yitzhaki 分解); the contributions add up to the Gini of the sum of the sources.

    ``sources``: name to column, one amount for each row (of the household with ``headcount``). ``income``: the column of the whole, checked against the sum of
    the sources row by row where it is given. Quantities of each source k: ``income_share`` S, ``gini`` G_k, ``correlation`` R, ``concentration`` R G_k,
    ``contribution`` S R G_k, ``contribution_share``, ``elasticity`` (contribution share less income share; they add up to 0); and ``gini`` of ``whole``.

    Sources may be 0 or negative (a loss). A source with a mean of 0 or less has no Gini, correlation or concentration of its own (``mean_not_positive``), but a
    contribution. A whole with a mean of 0 or less has none of them; nobody different from anybody has no shares (``no_inequality``).
    Standard errors are linearised. Stata: ``descogini``; R: no equivalent in convey.
    """
    if not sources:
        raise DesignError("sources (收入来源): name at least one column")
    names = list(sources)
    given = [] if income is None else [income]
    first, *rest = sources.values()
    seen, others = incomes(d, first, headcount=headcount, unknown=unknown, also=[*rest, *given])
    amounts = np.column_stack([seen.values, *others[: len(names) - 1]])
    whole = amounts.sum(axis=1)
    if given:
        _refuse_other_sum(whole, others[-1], seen.weights > 0)
    keys = [("whole", "gini"), *((name, quantity) for quantity in QUANTITIES for name in names)]
    method = "Lerman-Yitzhaki linearised"
    persons = seen.persons
    if not persons > 0 or not seen.weights @ whole > 0:
        found = {key: undefined(seen.design, method, seen.missing, level) for key in keys}
        return Decomposition("Gini by source", found, method, dict.fromkeys(keys, "mean_not_positive" if persons > 0 else "empty_group"))
    with_whole = [concentration(one, whole, seen.weights) for one in amounts.T]
    own = [mean_differences(one, seen.weights) for one in amounts.T]
    means = seen.weights @ amounts / persons
    scores = np.column_stack([
        *((amounts[:, place] - means[place]) / persons for place in range(len(names))), *(one for _, one in with_whole), *(one for _, one in own),
    ]) * seen.heads[:, None]
    statistics = np.concatenate([means, [value for value, _ in with_whole], [value for value, _ in own]])
    parts = len(names)

    def split(known: np.ndarray) -> np.ndarray:
        mean, tied, alone = known[:parts], known[parts : 2 * parts], known[2 * parts :]
        total, spread = mean.sum(), tied.sum()
        fair = np.where(mean.real > 0, mean, np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = tied / spread if spread.real > 1e-15 * abs(total.real) else np.full(parts, np.nan)
            return np.concatenate([
                [spread / total], mean / total, alone / fair, np.where(mean.real > 0, tied / np.where(alone.real > 0, alone, np.nan), np.nan), tied / fair,
                tied / total, shares, shares - mean / total,
            ])

    values, passed = passed_on(split, statistics, None if seen.complete else scores)
    found = estimates(seen.design, keys, values, passed, method=method, unknown=seen.missing, level=level)
    reasons = {key: _why(key, means, names) for key, value in zip(keys, values, strict=True) if not np.isfinite(value)}
    return Decomposition("Gini by source", found, f"{method}; contributions add up exactly", reasons)


def _why(key: tuple[str, str], means: np.ndarray, names: list[str]) -> str:
    own = key[1] in ("gini", "correlation", "concentration") and key[0] in names
    return "mean_not_positive" if own and not means[names.index(key[0])] > 0 else "no_inequality"


def _refuse_other_sum(whole: np.ndarray, stated: np.ndarray, used: np.ndarray) -> None:
    apart = used & (np.abs(whole - stated) > 1e-9 * np.maximum(np.abs(stated), 1.0))
    if apart.any():
        row = int(np.argmax(apart))
        raise DesignError(
            f"sources (收入来源) add up to {whole[row]:g} in row {row}, the income is {stated[row]:g} there; {int(apart.sum())} rows differ "
            "(各来源之和不等于收入): name every source, costs as negative amounts"
        )
