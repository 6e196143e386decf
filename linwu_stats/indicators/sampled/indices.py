"""The one table of indices (指标总表): term, formula, what zero and negative incomes do, boundary, axioms, source, R's call.

``INDICES`` is what :func:`linwu_stats.indicators.sampled.all_indices` estimates, what ``docs/indicators.md`` prints and what the axiom tests read.

Axioms: ``focus`` (incomes of those who are not poor do not matter), ``monotonicity`` (a poor person's loss raises the index), ``transfer`` (a transfer
from poorer to richer, both poor and staying so for a poverty index, raises it), ``crossing`` (so does one that lifts the receiver over the line),
``scale`` (all incomes and the line times a number: no change), ``homogeneity`` (the index moves by that number), ``replication`` (the population twice: no
change), ``permutation`` (order does not matter), ``decomposability`` (the index of the whole is the mean of the groups' indices by persons),
``normalisation`` (0 where nobody is poor, or where all have the same). "yes", "weak" (never
the other way) or "no"; an axiom that is not named does not apply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from linwu_stats.indicators.sampled import inequality, poverty, shares
from linwu_stats.indicators.sampled.sample import Raw

__all__ = ["INDICES", "QUINTILES", "Index", "indices_frame"]


@dataclass(frozen=True)
class Index:
    """One index (指标): ``term`` official, ``zero`` and ``negative`` what such incomes do, ``sign`` the boundary, ``line`` whether it needs one.

    ``line``: "" none, "stated" the caller's, "relative" the relative line. ``suited``: kind of interval that suits it. ``ordered``: whether it needs
    incomes in order.
    """

    name: str
    term: str
    formula: str
    zero: str
    negative: str
    sign: str
    source: str
    r: str
    suited: str
    make: Callable[..., Raw] = field(repr=False, compare=False)
    line: str = ""
    axioms: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def ordered(self) -> bool:
        """Whether incomes have to be in order (是否需排序)."""
        return self.line == "relative" or getattr(self.make, "func", self.make) not in _SUMS


#: Indices that are plain sums over persons.
_SUMS = (
    inequality.mean_raw, inequality.entropy_raw, inequality.atkinson_raw, inequality.variance_of_logs_raw, inequality.relative_mean_deviation_raw,
    inequality.hoover_raw, poverty.fgt_raw, poverty.watts_raw, poverty.income_gap_ratio_raw,
)
_ANY = {"replication": "yes", "permutation": "yes"}
_POVERTY = {**_ANY, "scale": "yes", "focus": "yes", "normalisation": "yes"}
_STRICT = {**_POVERTY, "monotonicity": "yes", "transfer": "yes", "crossing": "yes"}
_SPREAD = {**_ANY, "scale": "yes", "normalisation": "yes", "transfer": "yes"}
_MONEY = {**_ANY, "homogeneity": "yes"}
_COUNTS = "照计"
_CLIP = "按零计, 差距最大为整个标准 (negative=\"keep\" 时照计)"
_SIGN = "< (恰在标准上不算低于标准; sign=\"<=\" 可选)"
_FGT = "Foster, Greer, Thorbecke (1984), Econometrica 52, 761-766"
_SILC = "Eurostat, EU-SILC 131-rev/04 (2004); Osier (2009), Survey Research Methods 3"
_COWELL = "Cowell (2011), Measuring Inequality, 第3章"
_NONE_ZERO, _NONE_BELOW = "指数为空 (zero_income)", "指数为空 (negative_income)"
_MEAN = "照计; 平均为零或为负时为空 (mean_not_positive)"
_BOTTOM = "照计; 最低端收入合计为零或为负时为空 (bottom_not_positive)"
_DIVISOR = "照计; 下分位数为零或为负时为空 (divisor_not_positive)"


def _fgt(name: str, term: str, alpha: int, formula: str, axioms: dict[str, str]) -> Index:
    return Index(
        name, term, formula, _COUNTS if alpha == 0 else "差距为整个标准", _COUNTS if alpha == 0 else _CLIP, _SIGN, f"{_FGT}, α={alpha}",
        f'svyfgt(~y, d, g={alpha}, type_thresh="abs", abs_thresh=z)', "share" if alpha else "rate", partial(poverty.fgt_raw, alpha=alpha), "stated", axioms,
    )


def _entropy(name: str, term: str, alpha: int, formula: str, zero: str, negative: str) -> Index:
    source = f"Shorrocks (1980), Econometrica 48; {_COWELL}"
    return Index(
        name, term, formula, zero, negative, "", source, f"svygei(~y, d, epsilon={alpha})", "positive", partial(inequality.entropy_raw, alpha=alpha),
        axioms=_SPREAD,
    )


def _atkinson(epsilon: float) -> Index:
    zero = "照计" if epsilon < 1 else _NONE_ZERO
    formula = "1 − 几何平均 ÷ μ" if epsilon == 1 else f"1 − (Σy^(1−ε) ÷ N)^(1÷(1−ε)) ÷ μ, ε={epsilon:g}"
    return Index(
        f"atkinson_{epsilon:g}", f"阿特金森指数 (ε={epsilon:g})", formula, zero, _NONE_BELOW, "", "Atkinson (1970), Journal of Economic Theory 2",
        f"svyatk(~y, d, epsilon={epsilon:g})", "part", partial(inequality.atkinson_raw, epsilon=epsilon), axioms=_SPREAD,
    )


def _percentiles(upper: int, lower: int) -> Index:
    return Index(
        f"p{upper}_p{lower}", f"分位数比 P{upper}/P{lower}", f"第{upper}百分位 ÷ 第{lower}百分位", _DIVISOR, _DIVISOR, "", _COWELL,
        '两个 svyiqalpha 之比 (density="kernel")', "positive", partial(shares.percentile_ratio_raw, upper=upper / 100, lower=lower / 100),
        axioms={**_ANY, "scale": "yes", "transfer": "no"},
    )


#: Quintile shares: name, population share from and to.
QUINTILES = {f"share_q{fifth}": ((fifth - 1) / 5, fifth / 5) for fifth in range(1, 6)}

_LIST = (
    Index("mean", "人均收入", "Σ收入 ÷ Σ人口", _COUNTS, _COUNTS, "", "总量除以人口", "svymean(~y, d)", "plain", inequality.mean_raw, axioms=_MONEY),
    Index(
        "median", "收入中位数", "至少一半人不高于它的最小收入", _COUNTS, _COUNTS, "", "Deville (1999)", 'svyiqalpha(~y, d, alpha=0.5) (density="kernel")',
        "plain", shares.quantile_raw, axioms=_MONEY,
    ),
    _fgt("headcount_ratio", "低于标准人口比重", 0, "低于标准的人口 ÷ N", {
        **_POVERTY, "monotonicity": "weak", "transfer": "weak", "crossing": "no", "decomposability": "yes",
    }),
    _fgt("poverty_gap_index", "贫困差距指数", 1, "Σ(z − y) ÷ z ÷ N", {
        **_POVERTY, "monotonicity": "yes", "transfer": "weak", "crossing": "yes", "decomposability": "yes",
    }),
    _fgt("squared_poverty_gap_index", "贫困差距平方指数", 2, "Σ((z − y) ÷ z)² ÷ N", {**_STRICT, "decomposability": "yes"}),
    Index(
        "watts_index", "瓦茨指数", "Σln(z ÷ y) ÷ N", "指数为空 (nonpositive_income)", "指数为空 (nonpositive_income)", _SIGN,
        "Watts (1968); Zheng (1993), Economics Letters 42, 81-86", "svywatts(~y, d, abs_thresh=z)", "positive", poverty.watts_raw, "stated",
        {**_STRICT, "decomposability": "yes"},
    ),
    Index(
        "sen_index", "森贫困指数", "H·G + FGT₁·(1 − G), G 为低于标准者收入的基尼系数", "差距为整个标准", _CLIP, _SIGN, "Sen (1976), Econometrica 44, 219-231",
        'svysen(~y, d, abs_thresh=z) (form="convey")', "share", poverty.sen_raw, "stated",
        {**_STRICT, "crossing": "no", "decomposability": "no"},
    ),
    Index(
        "sst_index", "森-肖罗克斯-桑指数", "FGT₁·(1 + G), G 为全体差距的基尼系数", "差距为整个标准", _CLIP, _SIGN,
        "Shorrocks (1995), Econometrica 63, 1225-1230", 'svysst(~y, d, abs_thresh=z) (form="convey")', "share", poverty.sst_raw, "stated",
        {**_STRICT, "decomposability": "no"},
    ),
    Index(
        "income_gap_ratio", "平均差距率", "FGT₁ ÷ FGT₀", "差距为整个标准", _CLIP + "; 无人低于标准时为空 (no_poor_here)", _SIGN, _FGT, "svyfgt 之比", "part",
        poverty.income_gap_ratio_raw, "stated", {**_ANY, "scale": "yes", "focus": "yes", "monotonicity": "yes", "transfer": "weak", "crossing": "yes"},
    ),
    Index(
        "poor_median", "低于标准者收入中位数", "y < z 者的中位数", _COUNTS, _COUNTS + "; 无人低于标准时为空 (no_poor_here)", _SIGN, _SILC,
        "svypoormed(~y, d)", "plain", poverty.poor_median_raw, "stated", {**_MONEY, "focus": "yes"},
    ),
    Index(
        "at_risk_threshold", "相对标准", "中位数的 60 %", _COUNTS, _COUNTS + "; 中位数为零或为负时为空 (line_not_positive)", "", _SILC, "svyarpt(~y, d)",
        "plain", poverty.at_risk_threshold_raw, "relative", _MONEY,
    ),
    Index(
        "at_risk_rate", "低于相对标准人口比重", "低于相对标准的人口 ÷ N", _COUNTS, _COUNTS, _SIGN, _SILC, "svyarpr(~y, d)", "rate", poverty.fgt_raw, "relative",
        {**_ANY, "scale": "yes", "focus": "no"},
    ),
    Index(
        "relative_median_gap", "相对中位差距", "(z − 低于 z 者的中位数) ÷ z", _COUNTS, _COUNTS + "; 无人低于标准时为空 (no_poor_here)", _SIGN, _SILC,
        "svyrmpg(~y, d)", "plain", poverty.relative_median_gap_raw, "relative", {**_ANY, "scale": "yes", "focus": "no"},
    ),
    Index(
        "gini", "基尼系数", "任意两人收入差的绝对值的平均 ÷ 2μ", _COUNTS, _MEAN + "; 因而可能超过 1", "",
        "Gini (1912); Langel, Tillé (2013), JRSS A 176", 'svygini(~y, d) (form="convey")', "plain", inequality.gini_raw, axioms=_SPREAD,
    ),
    _entropy("mean_log_deviation", "平均对数离差", 0, "ln μ − Σln y ÷ N", _NONE_ZERO, _NONE_BELOW),
    _entropy("theil", "泰尔指数", 1, "Σ(y÷μ)ln(y÷μ) ÷ N", "按极限计零", _NONE_BELOW),
    _entropy("half_squared_variation", "变异系数平方之半", 2, "(Σy² ÷ Nμ² − 1) ÷ 2", _COUNTS, _MEAN),
    *(_atkinson(epsilon) for epsilon in (0.5, 1, 2)),
    Index(
        "variance_of_logs", "收入对数方差", "Σ(ln y − 平均)² ÷ N", _NONE_ZERO, _NONE_BELOW, "", _COWELL, "svyvar(~log(y), d) × (n−1)/n", "positive",
        inequality.variance_of_logs_raw, axioms={**_SPREAD, "transfer": "no"},
    ),
    Index(
        "relative_mean_deviation", "相对平均离差", "Σ|y − μ| ÷ Nμ", _COUNTS, _MEAN, "", _COWELL, "无", "positive", inequality.relative_mean_deviation_raw,
        axioms={**_SPREAD, "transfer": "weak"},
    ),
    Index(
        "hoover", "胡佛指数", "Σ|y − μ| ÷ 2Nμ", _COUNTS, _MEAN, "", "Hoover (1936); " + _COWELL, "无", "plain", inequality.hoover_raw,
        axioms={**_SPREAD, "transfer": "weak"},
    ),
    Index(
        "quintile_share_ratio", "收入五等份比", "最高 20 % 人口的收入 ÷ 最低 20 % 人口的收入", _BOTTOM, _BOTTOM, "", _SILC, 'svyqsr(~y, d) (ties="whole")',
        "positive", shares.share_ratio_raw, axioms={**_ANY, "scale": "yes", "transfer": "weak"},
    ),
    Index(
        "palma_ratio", "帕尔马比", "最高 10 % 人口的收入 ÷ 最低 40 % 人口的收入", _BOTTOM, _BOTTOM, "",
        "Cobham, Sumner (2013); Palma (2011), Development and Change 42",
        'svyqsr(~y, d, alpha1=0.4, alpha2=0.9) (ties="whole")', "positive", partial(shares.share_ratio_raw, top=0.1, bottom=0.4),
        axioms={**_ANY, "scale": "yes", "transfer": "weak"},
    ),
    *(_percentiles(upper, lower) for upper, lower in ((90, 10), (80, 20), (90, 50), (50, 10))),
    *(
        Index(
            name, f"第{name[-1]}个五等份的收入份额", "该五等份人口的收入 ÷ Σ收入", _COUNTS, _MEAN, "", "Kovacevic, Binder (1997), JOS 13",
            "diff(svylorenz(~y, d, seq(0, 1, 0.2)))", "part", partial(shares.share_raw, lower=lower, upper=upper), axioms={**_ANY, "scale": "yes"},
        )
        for name, (lower, upper) in QUINTILES.items()
    ),
)

#: All indices by name, in the order of tables and pages.
INDICES: dict[str, Index] = {index.name: index for index in _LIST}


def indices_frame() -> pd.DataFrame:
    """The table of indices as a frame (指标总表): one row an index, one column an axiom; without the functions."""
    rows: list[dict[str, Any]] = []
    for index in INDICES.values():
        row = {key: value for key, value in asdict(index).items() if key not in ("make", "axioms", "suited")}
        rows.append({**row, **index.axioms})
    return pd.DataFrame(rows).astype("string")
