"""What each indicator means (指标解释与计算方法): term, unit, formula, boundary, treatment of zero and negative incomes, source.

The methods notebook and the labels of tables and figures are made from this registry, in its order.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pandas as pd

__all__ = ["DEFINITIONS", "Definition", "definitions_frame"]


@dataclass(frozen=True)
class Definition:
    """One indicator (指标): ``name`` in the table, official ``term``, ``unit`` of the value, and the words of the methods page, in Chinese.

    ``annual`` indicators compare with the annual line and have a value only where the period is a whole year; ``only`` names the level where the
    indicator is given ("" for all levels).
    """

    name: str
    term: str
    unit: str
    formula: str
    boundary: str
    source: str
    annual: bool = False
    only: str = ""


_PERSONS = "按人加权: 户内每人的收入均为该户人均纯收入; 收入未知的户不参加计算, 另列户数和人数。"
_FGT = "Foster, Greer, Thorbecke (1984), Econometrica 52(3), 761-766"
_SILC = "Eurostat, EU-SILC 131-rev/04 (2004)"
_NBS = "国家统计局住户收支调查的人均口径: 总量除以人口"
_GAP = "收入为负按零计, 差距最大为整个标准, 指数在0与1之间; 恰在标准上差距为零。"
_CLASS_TERMS = {"wage": "工资性收入", "business_net": "生产经营净收入", "property": "财产性收入", "transfer": "转移性收入"}
_QUANTILE = "至少有该比例的人不高于它的最小人均纯收入; 恰好等于该比例时取它与次高值的平均。"

_LEVELS = (
    Definition("households", "户数", "户", "该组建档立卡户数", "含收入未知的户。", "贫困户表"),
    Definition("persons", "人数", "人", "该组计算人口合计", "含收入未知户的人口; 有户人口未知时合计为空。", "家庭人口核算表"),
    Definition("known_income_persons", "收入已知的人数", "人", "收入和人口均已知的户的计算人口合计, 即各指标的分母", "没有户时为零。", "家庭纯收入表"),
    Definition("nonpositive_income_persons", "收入为零或为负的人数", "人", "人均纯收入 ≤ 0 的人数", _PERSONS, "家庭纯收入表"),
    Definition("mean_percapita_yuan", "人均纯收入", "元", "Σ纯收入 ÷ Σ人口", _PERSONS + "负收入照计。", _NBS),
    Definition("median_percapita_yuan", "人均纯收入中位数", "元", "第50百分位: " + _QUANTILE, _PERSONS, _SILC),
    *(
        Definition(f"p{rank}_percapita_yuan", f"人均纯收入第{rank}百分位", "元", f"第{rank}百分位: " + _QUANTILE, _PERSONS, _SILC)
        for rank in (10, 25, 75, 90)
    ),
)
_COMPOSITION = (
    *(
        Definition(f"{name}_share", f"{term}占比", "比例", f"Σ{term} ÷ Σ纯收入", "纯收入合计为零或为负时为空; 经营亏损时占比可为负。", _NBS)
        for name, term in _CLASS_TERMS.items()
    ),
    *(
        Definition(f"{name}_percapita_yuan", f"人均{term}", "元", f"Σ{term} ÷ Σ人口", "各类收入均已知的户参加计算。", _NBS)
        for name, term in _CLASS_TERMS.items()
    ),
)
_BASE = "与上年同期的总体比较, 不是同一批户; 现价, 未扣除价格因素。"
_CHANGES = (
    Definition("mean_percapita_change_yuan", "人均纯收入同比增减额", "元", "本期人均纯收入 − 上年同期人均纯收入", _BASE, _NBS),
    Definition("mean_percapita_change_percent", "人均纯收入同比增幅", "%", "(本期 − 上年同期) ÷ 上年同期 × 100", _BASE + "基数为零或为负时为空。", _NBS),
    *(
        Definition(f"{name}_share_change", f"{term}占比同比变动", "比例", "本期占比 − 上年同期占比, 乘100为百分点", _BASE, _NBS)
        for name, term in _CLASS_TERMS.items()
    ),
    *(
        Definition(
            f"{name}_percapita_change_percent", f"人均{term}同比增幅", "%", "(本期 − 上年同期) ÷ 上年同期 × 100", _BASE + "基数为零或为负时为空。", _NBS
        )
        for name, term in _CLASS_TERMS.items()
    ),
)
_POVERTY = (
    Definition(
        "headcount_ratio", "低于标准人口比重", "比例", "纯收入 < 标准 × 人口 的户的人口 ÷ 人口合计 (FGT, α=0)",
        "以整数分比较, 恰在标准上不算低于标准 (符号可选 <=); 与退出判定的符号无关。分母是建档立卡且收入已知的人口, 不是贫困发生率的分母 (乡村户籍人口)。",
        _FGT, annual=True,
    ),
    Definition("poverty_gap_index", "贫困差距指数", "指数", "Σ人口 × (标准 − 人均纯收入) ÷ 标准 ÷ Σ人口, 只计低于标准者 (FGT, α=1)", _GAP, _FGT, annual=True),
    Definition(
        "squared_poverty_gap_index", "贫困差距平方指数", "指数", "Σ人口 × ((标准 − 人均纯收入) ÷ 标准)² ÷ Σ人口, 只计低于标准者 (FGT, α=2)",
        _GAP, _FGT, annual=True,
    ),
    Definition(
        "watts_index", "瓦茨指数", "指数", "Σ人口 × ln(标准 ÷ 人均纯收入) ÷ Σ人口, 只计低于标准者",
        "低于标准者中有收入为零或为负的, 对数无定义, 指数为空。", "Watts (1968); Zheng (1993), Economics Letters 42, 81-86", annual=True,
    ),
)
_INEQUALITY = (
    Definition(
        "gini", "基尼系数", "指数", "任意两人收入差的绝对值的平均 ÷ (2 × 人均纯收入)", "负收入照计, 因而可能超过1; 平均为零或为负、只有一户时为空。",
        "Gini (1912); Yitzhaki (1998), Research on Economic Inequality 8, 13-30",
    ),
    Definition(
        "theil", "泰尔指数", "指数", "Σ人口 × (y/μ) ln(y/μ) ÷ Σ人口, y 为人均纯收入, μ 为其平均",
        "收入为零按极限计零; 有负收入、平均为零或为负、只有一户时为空。", "Theil (1967), Economics and Information Theory",
    ),
    Definition(
        "quintile_share_ratio", "收入五等份比", "倍", "最高20%人口的收入 ÷ 最低20%人口的收入",
        "跨界的户按人口拆分, 两端各恰为20%; 最低20%人口的收入为零或为负时、只有一户时为空。", _SILC + ", S80/S20",
    ),
)
_CONTRIBUTIONS = (
    Definition(
        "headcount_contribution_share", "对全县低于标准人口的贡献率", "比例", "乡镇低于标准的人口 ÷ 全县低于标准的人口",
        "各乡镇合计为1; 全县无人低于标准时为空。", _FGT + ", 可加分解", annual=True, only="township",
    ),
    Definition(
        "gap_contribution_share", "对全县贫困差距的贡献率", "比例", "乡镇人口 × 贫困差距指数 ÷ 全县同一乘积",
        "各乡镇合计为1; 全县无人低于标准时为空。", _FGT + ", 可加分解", annual=True, only="township",
    ),
)

#: All indicators by name, in the order of tables and pages.
DEFINITIONS: dict[str, Definition] = {
    definition.name: definition for definition in (*_LEVELS, *_COMPOSITION, *_CHANGES, *_POVERTY, *_INEQUALITY, *_CONTRIBUTIONS)
}


def definitions_frame() -> pd.DataFrame:
    """The registry as a table (指标解释表): name, term, unit, formula, boundary, source, annual, only."""
    return pd.DataFrame([asdict(definition) for definition in DEFINITIONS.values()])
