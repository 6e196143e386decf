"""The indices that a caller asks for, one function each (指标函数).

All take a design ``d`` (or ``d.domain(mask)``), an ``income`` column and keyword options that all share:

- ``headcount``: column of persons: income is then the household's, and a row stands for weight × head count persons
- ``by``: column of groups: one row a group in a DataFrame instead of one Estimate; each group is a domain of the full design
- ``unknown``: "refuse" rows without income, or "domain" for the units with known incomes, counted in ``unknown``
- ``interval``: a kind of :data:`linwu_stats.survey.KINDS`; None: the one that suits the quantity, named in ``method``
- ``level``, ``df``: confidence level; degrees of freedom (``math.inf`` for the normal distribution, as R's ``confint``)

An index without value is NaN with its reason code (:data:`.REASONS`) in ``method``, or in the column ``reason``. The line is a number, a column, or
one of :mod:`.lines`. ``sign`` "<" or "<=", ``negative`` "clip" or "keep": see :mod:`.poverty`. R calls are those of survey, convey and laeken; convey's
convention is ``sign="<=", negative="keep"`` throughout, laeken's ``rule="exceeds"`` and percent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from linwu_stats.indicators.sampled import inequality, poverty, shares
from linwu_stats.indicators.sampled.finish import frame_of, one_estimate
from linwu_stats.indicators.sampled.lines import Line, relative
from linwu_stats.indicators.sampled.sample import Raw, Sample, prepare
from linwu_stats.survey.columns import DesignError
from linwu_stats.survey.design import Design
from linwu_stats.survey.linearise import Estimate

__all__ = [
    "at_risk_rate", "at_risk_threshold", "atkinson", "coefficient_of_variation", "fgt", "generalised_entropy", "gini", "hoover", "income_gap_ratio",
    "j_divergence", "lorenz", "mean", "mean_log_deviation", "palma_ratio", "percentile", "percentile_ratio", "poor_median", "quantile_shares",
    "quintile_share_ratio", "relative_mean_deviation", "relative_median_gap", "sen", "sen_shorrocks_thon", "share_ratio", "theil", "variance_of_logs", "watts",
]


def mean(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Mean income of persons (人均收入); R: ``svymean(~income, d)``, with headcount ``svyratio(~income, ~headcount, d)``."""
    return _index(d, income, "mean", "plain", inequality.mean_raw, {}, **shared)


def percentile(
    d: Design, income: Any, q: float = 0.5, *, rule: str = "math", density: str = "sparsity", **shared: Any
) -> Estimate | pd.DataFrame:
    """Quantile of income with its linearised error (收入分位数); R: ``convey::svyiqalpha(~income, d, alpha=q)`` with ``density="kernel"``.

    ``rule``: see :data:`linwu_stats.survey.QUANTILE_RULES` ("exceeds" is that of laeken). ``density``:
    "sparsity" covers better than convey's "kernel" (``docs/indicators-coverage.md``). Woodruff's interval is :func:`linwu_stats.survey.quantile`.
    """
    return _index(d, income, f"quantile({q:g})", "plain", shares.quantile_raw, {"share": q, "rule": rule, "density": density}, **shared)


def fgt(
    d: Design, income: Any, line: Any, alpha: float = 0, *, normalise: bool = True, sign: str = poverty.SIGN, negative: str = "clip", **shared: Any
) -> Estimate | pd.DataFrame:
    """FGT poverty index of order alpha (贫困指数): 0 headcount ratio (发生率), 1 gap (差距), 2 squared gap (差距平方), any order from 0.

    Mean over persons of ((line - income) / line) ** alpha of the poor; ``normalise=False`` leaves the gap in money. R: ``convey::svyfgt(~income, d, g=alpha,
    type_thresh="abs", abs_thresh=line)`` with ``sign="<=", negative="keep"``; ``type_thresh="relq"`` is ``line=relative(0.6)``, "relm"
    ``relative_to_mean(0.6)``.
    """
    suited = "rate" if alpha == 0 else "share" if normalise else "plain"
    options = {"line": line, "alpha": alpha, "normalise": normalise, "sign": sign, "negative": negative}
    return _index(d, income, f"fgt({alpha:g})", suited, poverty.fgt_raw, options, **shared)


def watts(d: Design, income: Any, line: Any, *, sign: str = poverty.SIGN, **shared: Any) -> Estimate | pd.DataFrame:
    """Watts index (瓦茨指数): mean log of line over income of the poor; NaN ``nonpositive_income`` where a poor person has none.

    R: ``convey::svywatts(~income, d, abs_thresh=line)``, which leaves such persons out.
    """
    return _index(d, income, "watts", "positive", poverty.watts_raw, {"line": line, "sign": sign}, **shared)


def sen(
    d: Design, income: Any, line: Any, *, sign: str = poverty.SIGN, negative: str = "clip", form: str = "pairs", **shared: Any
) -> Estimate | pd.DataFrame:
    """Sen index (森贫困指数); R: ``convey::svysen(~income, d, abs_thresh=line)`` with ``form="convey", sign="<=", negative="keep"``."""
    return _index(d, income, "sen", "share", poverty.sen_raw, {"line": line, "sign": sign, "negative": negative, "form": form}, **shared)


def sen_shorrocks_thon(
    d: Design, income: Any, line: Any, *, sign: str = poverty.SIGN, negative: str = "clip", form: str = "pairs", **shared: Any
) -> Estimate | pd.DataFrame:
    """Sen-Shorrocks-Thon index (森-肖罗克斯-桑指数); R: ``convey::svysst(~income, d, abs_thresh=line)`` with ``form="convey", sign="<=", negative="keep"``."""
    return _index(d, income, "sst", "share", poverty.sst_raw, {"line": line, "sign": sign, "negative": negative, "form": form}, **shared)


def income_gap_ratio(d: Design, income: Any, line: Any, *, sign: str = poverty.SIGN, negative: str = "clip", **shared: Any) -> Estimate | pd.DataFrame:
    """Mean gap of the poor over the line (平均差距率), FGT(1) / FGT(0); NaN ``no_poor_here`` where nobody is poor."""
    return _index(d, income, "income_gap_ratio", "part", poverty.income_gap_ratio_raw, {"line": line, "sign": sign, "negative": negative}, **shared)


def at_risk_threshold(d: Design, income: Any, line: Line | None = None, **shared: Any) -> Estimate | pd.DataFrame:
    """At-risk-of-poverty threshold (相对标准), 60 % of the median of the domain itself unless told otherwise; R: ``convey::svyarpt(~income, d)``."""
    return _index(d, income, "at_risk_threshold", "plain", poverty.at_risk_threshold_raw, {"line": line or relative(of="domain")}, **shared)


def at_risk_rate(d: Design, income: Any, line: Line | None = None, *, sign: str = poverty.SIGN, **shared: Any) -> Estimate | pd.DataFrame:
    """At-risk-of-poverty rate (低于相对标准人口比重), against 60 % of the median of the whole design unless told otherwise.

    R: ``convey::svyarpr(~income, subset(d, ...))`` with ``sign="<="``; ``laeken::arpr(income, weights)`` / 100 with ``relative(0.6, rule="exceeds")``.
    """
    return _index(d, income, "at_risk_rate", "rate", poverty.fgt_raw, {"line": line or relative(), "sign": sign}, **shared)


def poor_median(
    d: Design, income: Any, line: Any = None, *, sign: str = poverty.SIGN, rule: str = "math", density: str = "kernel", **shared: Any
) -> Estimate | pd.DataFrame:
    """Median income of the poor (低于标准者收入中位数); R: ``convey::svypoormed(~income, d)`` with ``sign="<="``.

    ``density``: "kernel" as convey, or "sparsity", which covers better.
    """
    options = {"line": relative() if line is None else line, "sign": sign, "rule": rule, "density": density}
    return _index(d, income, "poor_median", "plain", poverty.poor_median_raw, options, **shared)


def relative_median_gap(
    d: Design, income: Any, line: Any = None, *, sign: str = poverty.SIGN, rule: str = "math", density: str = "kernel", **shared: Any
) -> Estimate | pd.DataFrame:
    """Relative median poverty gap (相对中位差距): line less the poor's median, over the line; NaN ``no_poor_here`` where nobody is poor.

    R: ``convey::svyrmpg(~income, d)`` with ``sign="<="``; ``laeken::rmpg(income, weights)`` / 100 with ``relative(rule="exceeds"), rule="exceeds"``.
    ``density``: "kernel" as convey, or "sparsity", which covers better.
    """
    options = {"line": relative() if line is None else line, "sign": sign, "rule": rule, "density": density}
    return _index(d, income, "relative_median_gap", "plain", poverty.relative_median_gap_raw, options, **shared)


def gini(d: Design, income: Any, *, corrected: bool = False, form: str = "pairs", **shared: Any) -> Estimate | pd.DataFrame:
    """Gini coefficient (基尼系数), 0 to 1: mean difference of all pairs of persons over twice the mean.

    ``corrected``: times n / (n - 1), n the rows (``ineq::Gini(corr=TRUE)``). R: ``laeken::gini(income, weights)$value / 100``; ``form="convey"``:
    ``convey::svygini(~income, d)``, whose ranks count half a person rather than half a row.
    """
    return _index(d, income, "gini", "plain", inequality.gini_raw, {"corrected": corrected, "form": form}, **shared)


def generalised_entropy(d: Design, income: Any, alpha: float = 1, **shared: Any) -> Estimate | pd.DataFrame:
    """Generalised entropy of any order (广义熵指数); R: ``convey::svygei(~income, d, epsilon=alpha)``, which refuses zeros.

    An income of 0 counts for orders above 0 and leaves the others NaN, ``zero_income``; a negative one counts for order 2 only, else ``negative_income``.
    """
    return _index(d, income, f"generalised_entropy({alpha:g})", "positive", inequality.entropy_raw, {"alpha": alpha}, **shared)


def theil(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Theil index (泰尔指数), generalised entropy of order 1; R: ``convey::svygei(~income, d, epsilon=1)``, ``ineq::Theil``."""
    return _index(d, income, "theil", "positive", inequality.entropy_raw, {"alpha": 1}, **shared)


def mean_log_deviation(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Mean log deviation (平均对数离差), generalised entropy of order 0; R: ``convey::svygei(~income, d, epsilon=0)``, ``ineq::Theil(parameter=1)``."""
    return _index(d, income, "mean_log_deviation", "positive", inequality.entropy_raw, {"alpha": 0}, **shared)


def j_divergence(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """J-divergence (J 散度), orders 0 and 1 together; R: ``convey::svyjdiv(~income, d)``."""
    return _index(d, income, "j_divergence", "positive", inequality.j_divergence_raw, {}, **shared)


def coefficient_of_variation(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Coefficient of variation of income (变异系数), with N rather than N - 1; R: ``sqrt(2 * svygei(~income, d, epsilon=2))``, ``ineq::var.coeff``."""
    return _index(d, income, "coefficient_of_variation", "positive", inequality.variation_raw, {}, **shared)


def atkinson(d: Design, income: Any, epsilon: float = 1, **shared: Any) -> Estimate | pd.DataFrame:
    """Atkinson index of aversion epsilon above 0 (阿特金森指数); R: ``convey::svyatk(~income, d, epsilon=epsilon)``, ``ineq::Atkinson``.

    An income of 0 counts below epsilon 1, else NaN ``zero_income``; a negative one: NaN ``negative_income``.
    """
    return _index(d, income, f"atkinson({epsilon:g})", "part", inequality.atkinson_raw, {"epsilon": epsilon}, **shared)


def variance_of_logs(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Variance of log income around its own mean, with N (收入对数方差); R: ``svyvar(~log(income), d)`` times (n - 1) / n."""
    return _index(d, income, "variance_of_logs", "positive", inequality.variance_of_logs_raw, {}, **shared)


def hoover(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Hoover index (胡佛指数; Pietra, Ricci-Schutz): half the relative mean deviation; R: ``ineq::RS``."""
    return _index(d, income, "hoover", "plain", inequality.hoover_raw, {}, **shared)


def relative_mean_deviation(d: Design, income: Any, **shared: Any) -> Estimate | pd.DataFrame:
    """Mean distance from the mean over the mean (相对平均离差), twice the Hoover index."""
    return _index(d, income, "relative_mean_deviation", "positive", inequality.relative_mean_deviation_raw, {}, **shared)


def share_ratio(
    d: Design, income: Any, top: float = 0.2, bottom: float = 0.2, *, ties: str = "split", rule: str = "math", **shared: Any
) -> Estimate | pd.DataFrame:
    """Income of the richest ``top`` over that of the poorest ``bottom`` (收入份额比).

    ``ties="split"`` counts exactly that share of persons; ``ties="whole"`` whole rows at the quantile: R ``convey::svyqsr(~income, d, alpha1=bottom,
    alpha2=1 - top)``; with ``rule="exceeds"`` ``laeken::qsr(income, weights)``.
    """
    options = {"top": top, "bottom": bottom, "ties": ties, "rule": rule}
    return _index(d, income, f"share_ratio({top:g}/{bottom:g})", "positive", shares.share_ratio_raw, options, **shared)


def quintile_share_ratio(d: Design, income: Any, *, ties: str = "split", rule: str = "math", **shared: Any) -> Estimate | pd.DataFrame:
    """S80/S20 (收入五等份比); R: ``convey::svyqsr(~income, d)`` with ``ties="whole"``."""
    return share_ratio(d, income, 0.2, 0.2, ties=ties, rule=rule, **shared)


def palma_ratio(d: Design, income: Any, *, ties: str = "split", rule: str = "math", **shared: Any) -> Estimate | pd.DataFrame:
    """Palma ratio (帕尔马比): richest tenth over poorest four tenths; R: ``convey::svyqsr(~income, d, alpha1=0.4, alpha2=0.9)`` with ``ties="whole"``."""
    return share_ratio(d, income, 0.1, 0.4, ties=ties, rule=rule, **shared)


def percentile_ratio(
    d: Design, income: Any, upper: float = 0.9, lower: float = 0.1, *, rule: str = "math", density: str = "sparsity", **shared: Any
) -> Estimate | pd.DataFrame:
    """Ratio of two quantiles (分位数比), P90/P10 unless told otherwise; ``rule``, ``density`` as :func:`percentile`."""
    options = {"upper": upper, "lower": lower, "rule": rule, "density": density}
    return _index(d, income, f"percentile_ratio({upper:g}/{lower:g})", "positive", shares.percentile_ratio_raw, options, **shared)


def quantile_shares(d: Design, income: Any, groups: int = 5, *, ties: str = "split", rule: str = "math", **shared: Any) -> pd.DataFrame:
    """Share of all income that each fifth (or other quantile group) of persons holds (等份收入份额), one row each, the shares add up to 1."""
    if groups < 2:
        raise DesignError(f"quantile shares (等份) groups={groups!r}: 2 or more")
    cuts = [place / groups for place in range(groups + 1)]
    makes = [
        (f"share_{place + 1}_of_{groups}", "part", shares.share_raw, {"lower": cuts[place], "upper": cuts[place + 1], "ties": ties, "rule": rule})
        for place in range(groups)
    ]
    return _several(d, income, makes, **shared)


def lorenz(
    d: Design, income: Any, at: Sequence[float] = tuple(place / 10 for place in range(11)), *, generalised: bool = False, ties: str = "split",
    rule: str = "math", **shared: Any,
) -> pd.DataFrame:
    """Lorenz ordinates (洛伦茨曲线), or generalised ones, with pointwise errors and intervals: column ``share`` and the columns of an estimate.

    R: ``convey::svylorenz(~income, d, quantiles=at)``.
    """
    suited, options = "plain" if generalised else "part", {"generalised": generalised, "ties": ties, "rule": rule}
    makes = [(f"lorenz({one:g})", suited, shares.lorenz_raw, {"share": float(one), **options}) for one in at]
    table = _several(d, income, makes, **shared)
    table.insert(1, "share", np.tile(np.asarray(at, dtype=float), len(table) // len(makes)))
    return table


def _index(
    d: Design, income: Any, name: str, suited: str, make: Callable[..., Raw], options: dict[str, Any], *, headcount: Any = None, by: Any = None,
    unknown: str = "refuse", interval: str | None = None, level: float = 0.95, df: float | None = None,
) -> Estimate | pd.DataFrame:
    """One index from its raw function: an Estimate, or a frame by group."""
    sample: Sample = prepare(d, income, headcount, by=by, unknown=unknown)
    raw = make(sample, **options)
    if by is None:
        return one_estimate(sample, raw, name, suited, interval_kind=interval, level=level, df=df)
    return frame_of(sample, [(name, raw, suited)], interval_kind=interval, level=level, df=df)


def _several(
    d: Design, income: Any, makes: Sequence[tuple[str, str, Callable[..., Raw], dict[str, Any]]], *, headcount: Any = None, by: Any = None,
    unknown: str = "refuse", interval: str | None = None, level: float = 0.95, df: float | None = None,
) -> pd.DataFrame:
    """Several indices of the same incomes as one frame."""
    sample = prepare(d, income, headcount, by=by, unknown=unknown)
    raws = [(name, make(sample, **options), suited) for name, suited, make, options in makes]
    return frame_of(sample, raws, interval_kind=interval, level=level, df=df)
