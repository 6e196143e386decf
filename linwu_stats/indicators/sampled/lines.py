"""Poverty lines, stated or estimated (贫困标准: 绝对与相对).

A line is a number, a column (each row its own line), or relative to a quantile or the mean, which is then estimated, too, and its error goes
into that of the index::

    absolute(2952)                          # or just 2952
    relative(0.6)                           # 60 % of the median of the whole design (national threshold), R convey: type_thresh="relq"
    relative(0.5, quantile=0.4, of="domain")
    relative_to_mean(0.5)                   # R convey: type_thresh="relm"

The density at a quantile or line is that of a Gaussian kernel with bandwidth h = σ N^(-1/5), σ the weighted standard deviation and N the weighted
persons, as in R's convey (``h_fun``, ``densfun``) and the documents it follows.

"sparsity" takes it instead from the quantiles on both sides of the quantile.

Source: Deville (1999), Survey Methodology 25, 193-203; Osier (2009), Survey Research Methods 3, 167-195.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from linwu_stats.indicators.sampled.sample import Sample
from linwu_stats.survey.columns import DesignError, as_numbers

__all__ = [
    "Line", "Threshold", "absolute", "bandwidth", "density", "line_of", "quantile_influence", "relative", "relative_to_mean",
    "resolve", "sparsity_density",
]


@dataclass(frozen=True)
class Line:
    """A poverty line (贫困标准): ``amount`` (number or column), or ``share`` of a ``quantile`` or of the mean (``quantile=None``).

    ``of``: "design", threshold of the whole design (a domain is measured against the national line), or "domain", each domain against its own.
    ``rule``: definition of the quantile, as :data:`linwu_stats.survey.QUANTILE_RULES`; "exceeds" is that of laeken. ``density``: how that at the
    quantile is estimated, "kernel" or "sparsity".
    """

    amount: Any = None
    share: float | None = None
    quantile: float | None = 0.5
    of: str = "design"
    rule: str = "math"
    density: str = "kernel"

    @property
    def is_relative(self) -> bool:
        """Whether the line is itself estimated (相对标准)."""
        return self.share is not None


def absolute(amount: Any) -> Line:
    """A stated line (绝对标准), in the unit of the income: a number above 0, or a column name or values, one line for each row."""
    return Line(amount=amount)


def relative(share: float = 0.6, quantile: float = 0.5, of: str = "design", rule: str = "math", density: str = "kernel") -> Line:
    """A share of a quantile (相对标准), 60 % of the median unless told otherwise; R: convey ``type_thresh="relq", percent=, quantiles=``."""
    if not (math.isfinite(share) and share > 0) or not 0 < quantile < 1:
        raise DesignError(f"relative line (相对标准): share {share!r} must be above 0 and quantile {quantile!r} between 0 and 1")
    return Line(share=float(share), quantile=float(quantile), of=_of(of), rule=rule, density=density)


def relative_to_mean(share: float = 0.5, of: str = "design") -> Line:
    """A share of the mean income (平均收入的比例); R: convey ``type_thresh="relm", percent=``."""
    if not (math.isfinite(share) and share > 0):
        raise DesignError(f"relative line (相对标准): share {share!r} must be above 0")
    return Line(share=float(share), quantile=None, of=_of(of))


def line_of(line: Any) -> Line:
    """A line from a number, a column or a :class:`Line` (取标准); None stays None for "no line"."""
    return line if isinstance(line, Line) else Line(amount=line)


@dataclass(frozen=True)
class Threshold:
    """A line, resolved on a sample (已定标准).

    ``value``: of each group (NaN where lines differ by row); ``rows``: of each sorted row; ``whole``: the line as an integer where it is one;
    ``influence``: of the persons of the group (``of="domain"``); ``shift``: scores of all rows of the frame (``of="design"``); ``missing``: groups
    without a usable line.
    """

    value: np.ndarray
    rows: np.ndarray
    whole: int | None
    influence: np.ndarray | None
    shift: np.ndarray | None
    reason: np.ndarray | None

    @property
    def is_estimated(self) -> bool:
        """Whether the line has an error of its own (标准是否有误差)."""
        return self.influence is not None or self.shift is not None


def resolve(sample: Sample, line: Any) -> Threshold:
    """The line on every row of a sample (确定标准). Raises DesignError for a stated line that is not above 0 or unknown in a row."""
    line = line_of(line)
    if line.is_relative:
        return sample.once(line, lambda: _relative(sample, line))
    if line.amount is None:
        nothing = np.full(sample.groups, np.nan)
        return Threshold(nothing, np.full(len(sample.rows), np.nan), None, None, None, np.full(sample.groups, "no_line", dtype=object))
    if isinstance(line.amount, str) or np.ndim(line.amount):
        return _column(sample, line.amount)
    amount = float(line.amount)
    if not (math.isfinite(amount) and amount > 0):
        raise DesignError(f"line (贫困标准) {line.amount!r}: state a number above 0 in the unit of the income")
    whole = int(amount) if amount == int(amount) else None
    return Threshold(np.full(sample.groups, amount), np.full(len(sample.rows), amount), whole, None, None, None)


def bandwidth(sample: Sample) -> np.ndarray:
    """Bandwidth of each group (核密度窗宽), h = σ N^(-1/5); R: ``convey::h_fun``."""
    mean = sample.mean
    spread = np.sqrt(sample.total((sample.income - sample.spread(mean)) ** 2) / sample.persons)
    return spread / sample.persons**0.2


def density(sample: Sample, at: np.ndarray, values: np.ndarray | None = None, h: np.ndarray | None = None) -> np.ndarray:
    """Gaussian kernel density of each group at its point (核密度); with ``values``, the density of their total per person.

    R: ``convey::densfun(FUN="F")``, and ``FUN="S"`` over the persons.
    """
    width = bandwidth(sample) if h is None else h
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        apart = (sample.income - sample.spread(at)) / sample.spread(width)
        kernel = np.exp(-0.5 * apart * apart)
        return sample.total(kernel if values is None else kernel * values) / (sample.persons * width * math.sqrt(2 * math.pi))


def sparsity_density(sample: Sample, share: float, size: np.ndarray | None = None) -> np.ndarray:
    """Density of each group at a quantile, from the quantiles on both sides of it (分位差密度): 2h / (Q(p + h) - Q(p - h)).

    h is the bandwidth of Hall and Sheather (1988), JRSS B 50, of the size n^(-1/3), n the rows of the group (``size``): it follows the incomes close to the
    quantile, where the kernel with its one bandwidth for the whole distribution smooths too much (in the lower tail).
    """
    from scipy import special

    point = float(special.ndtri(share))
    shape = (1.5 * np.exp(-(point**2)) / (2 * math.pi) / (2 * point**2 + 1)) ** (1 / 3)
    rows = np.maximum(sample.count if size is None else size, 1)
    half = np.minimum(rows ** (-1 / 3) * 1.959963984540054 ** (2 / 3) * shape, 0.95 * min(share, 1 - share))
    found = np.full(sample.groups, np.nan)
    for at, (first, many) in enumerate(zip(sample.start, sample.count, strict=True)):
        kept = np.flatnonzero(sample.weight[first : first + many] > 0) + first
        if not len(kept):
            continue
        middle = (sample.reached[kept] - sample.weight[kept] / 2) / sample.persons[at]
        below, above = np.interp([share - half[at], share + half[at]], middle, sample.income[kept])
        found[at] = 2 * half[at] / (above - below) if above > below else np.inf
    return found


def quantile_influence(sample: Sample, value: np.ndarray, share: float, how: str = "kernel") -> np.ndarray:
    """Influence of one person on a quantile (分位数的影响函数): -(1(y ≤ q) - share) / (N f(q)); R: ``convey::svyiqalpha``.

    ``how``: "kernel" or "sparsity", how the density f is estimated.

    Where all incomes of a group are equal there is no density and nothing varies: 0. Where the quantile lies in a gap without density the result is not finite
    and the standard error unknown.
    """
    if how not in ("kernel", "sparsity"):
        raise DesignError(f"density={how!r} (密度的估计) is not known: 'kernel' or 'sparsity'")
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = 1 / (sample.persons * (density(sample, value) if how == "kernel" else sparsity_density(sample, share)))
    slope = np.where(bandwidth(sample) > 0, slope, 0.0)
    return -((sample.income <= sample.spread(value)) - share) * sample.spread(slope)


def _of(of: str) -> str:
    if of not in ("design", "domain"):
        raise DesignError(f"of={of!r} (阈值的总体) is not known: 'design' (national threshold) or 'domain'")
    return of


def _relative(sample: Sample, line: Line) -> Threshold:
    base = sample if line.of == "domain" else sample.whole()
    if line.quantile is None:
        centre = base.mean
        influence = (base.income - base.spread(centre)) / base.spread(base.persons)
    else:
        centre = base.quantile(line.quantile, line.rule)
        influence = quantile_influence(base, centre, line.quantile, line.density)
    value, influence = line.share * centre, line.share * influence
    shift = None
    if line.of == "design":
        value = np.repeat(value, sample.groups) if base.groups else np.full(sample.groups, np.nan)
        shift = np.zeros(len(sample.d))
        shift[base.rows] = influence if base.heads is None else influence * base.heads
        shift = np.where(np.isfinite(shift), shift, np.nan)
        influence = None
    rows = np.repeat(value, sample.count)
    reason = np.full(sample.groups, None, dtype=object)
    reason[~(value > 0)] = "line_not_positive"
    return Threshold(value, rows, None, influence, shift, reason if any(one is not None for one in reason) else None)


def _column(sample: Sample, what: Any) -> Threshold:
    values = as_numbers(sample.d.frame, what, "贫困标准")[sample.rows]
    bad = ~(values > 0)
    if bad.any():
        row = int(sample.rows[np.argmax(bad)])
        raise DesignError(f"line (贫困标准): unknown or not above 0 in {int(bad.sum())} rows, the first is row {row}: state a line for every row")
    return Threshold(np.full(sample.groups, np.nan), values, None, None, None, None)
