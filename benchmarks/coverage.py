"""Do nominal 95 % intervals cover 95 % (置信区间覆盖率模拟): repeated samples from the sample county.

    python benchmarks/coverage.py --home HOME [--quarter 2018Q1] [--times 2000] [--seed 20180522] [--write docs/coverage.md]

HOME holds the tables of a sample county (``linwu-stats sample`` and ``linwu-stats run``). The county's register is the population; each design is drawn
again and again from it, each statistic estimated with :mod:`linwu_stats.survey`, and the interval compared with the register's true value. Everything is
seeded. :func:`statistics` is where other statistics with influence functions join.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from linwu_stats import survey
from linwu_stats.rules import rules_at

TOLERATED = (0.94, 0.96)
READING = (
    "读法：罕见比例的对称区间不可用，用 Korn-Graubard（proportion 自动选择）；发生率、差距等落在 0 与 1 之间的指标用 logit 区间；"
    "村的大小悬殊而村被等概率抽取时，总额应先按已知户数校准，均值也可能略低于 94 %，最好改为按规模概率抽村；含有限总体修正的 Brewer 近似比“按有放回估计”窄。"
    "样本村很少（例如 10 个）时，偏斜指标和乡镇一级的数字靠不住，"
    "“无区间”表示样本在该乡镇不足两个村，只能报告未知。",
)
Draw = Callable[[np.random.Generator], survey.Design]
Estimator = Callable[[survey.Design], survey.Estimate]


def population(home: Path, quarter: str) -> pd.DataFrame:
    """The register with the last complete year's income, as far as it is known: one row a household, in village order."""
    tables = home / "data" / quarter / "tables"
    households = pd.read_parquet(tables / "households.parquet")[["household_id", "township_code", "village_code"]]
    income = pd.read_parquet(tables / "household_income.parquet")
    income = income[income["period"] == "year"][["household_id", "last_quarter", "net_fen", "headcount_persons"]].dropna()
    frame = households.merge(income, on="household_id", validate="1:1").sort_values(["village_code", "household_id"]).reset_index(drop=True)
    year = int(frame["last_quarter"].iloc[0][:4])
    line_fen = 100 * int(rules_at(f"{year}-12-31").value("line.nbs"))
    persons, net = frame["headcount_persons"].to_numpy(float), frame["net_fen"].to_numpy(float)
    percapita = net / persons
    per_village = frame["village_code"].map(frame["village_code"].value_counts()).to_numpy()
    return pd.DataFrame({
        "township": frame["township_code"].astype(object), "village": frame["village_code"].astype(object), "persons": persons, "net": net / 100,
        "percapita": percapita / 100, "one": 1.0, "poor": (net < line_fen * persons).astype(float),
        "poor_persons": np.where(net < line_fen * persons, persons, 0.0),
        "gap_persons": np.where(net < line_fen * persons, persons * (1 - np.maximum(percapita, 0) / line_fen), 0.0),
        "rare": (percapita <= np.sort(percapita)[len(frame) // 100]).astype(float), "village_households": per_village.astype(float),
    })


def designs(frame: pd.DataFrame, more: Sequence[tuple[str, int, int]] = ()) -> dict[str, Draw]:
    """Samples of the sizes that counties use; ``more``: further ones, "equal" or "size" probability of villages, villages, households of each."""
    size = len(frame)
    villages, first, counts = np.unique(frame["village"].to_numpy(str), return_index=True, return_counts=True)
    township = pd.factorize(frame["township"])[0]
    in_township = np.bincount(township)

    def simple(random: np.random.Generator) -> survey.Design:
        rows = random.choice(size, 500, replace=False)
        return survey.design(frame.iloc[rows].assign(N=size), fpc=["N"])

    def stratified(random: np.random.Generator) -> survey.Design:
        take = np.maximum(np.round(1500 * in_township / size).astype(int), 2)
        rows = np.concatenate([random.choice(np.flatnonzero(township == code), take[code], replace=False) for code in range(len(take))])
        return survey.design(frame.iloc[rows].assign(N=in_township[township[rows]]), strata="township", fpc=["N"])

    def households(random: np.random.Generator, chosen: np.ndarray, take: int) -> np.ndarray:
        return np.concatenate([first[one] + random.choice(counts[one], min(take, counts[one]), replace=False) for one in chosen])

    def two_stages(number: int, take: int) -> Draw:
        def draw(random: np.random.Generator) -> survey.Design:
            rows = households(random, random.choice(len(villages), number, replace=False), take)
            drawn = frame.iloc[rows].assign(villages=len(villages))
            return survey.design(drawn, clusters=["village"], fpc=["villages", "village_households"])

        return draw

    def by_size(number: int, take: int, corrected: bool = False) -> Draw:
        def draw(random: np.random.Generator) -> survey.Design:
            order = random.permutation(len(villages))
            ends = np.cumsum(counts[order])
            points = (random.random() + np.arange(number)) * size / number
            chosen = order[np.searchsorted(ends, points, side="right")]
            drawn = frame.iloc[households(random, chosen, take)]
            first_fraction = np.minimum(number * drawn["village_households"] / size, 1)
            second_fraction = np.minimum(take / drawn["village_households"], 1)
            drawn = drawn.assign(weight=1 / (first_fraction * second_fraction), first_fraction=first_fraction, second_fraction=second_fraction)
            if not corrected:
                return survey.design(drawn, weights="weight", clusters=["village"])
            fractions = ["first_fraction", "second_fraction"]
            return survey.design(drawn, weights="weight", clusters=["village"], fpc=fractions, fpc_kind="fraction", unequal=True)

        return draw

    further = {
        f"{'两阶段' if kind == 'equal' else '规模概率'}：{number} 村各 {take} 户": two_stages(number, take) if kind == "equal" else by_size(number, take, True)
        for kind, number, take in more
    }
    return {
        "简单随机 500 户": simple, "按乡镇分层 1,500 户": stratified, "两阶段：40 村各 15 户": two_stages(40, 15), "两阶段：25 村各 20 户": two_stages(25, 20),
        "规模概率：25 村各 20 户（按有放回估计）": by_size(25, 20), "规模概率：25 村各 20 户（含有限总体修正）": by_size(25, 20, corrected=True),
        "规模概率：40 村各 15 户（含有限总体修正）": by_size(40, 15, corrected=True),
        "规模概率：10 村各 15 户（含有限总体修正）": by_size(10, 15, corrected=True), **further,
    }


def statistics(frame: pd.DataFrame) -> dict[str, tuple[float, Estimator]]:
    """True values and estimators; a statistic with an influence function joins with ``survey.estimate(d, value, scores, method=...)``."""
    people = frame["persons"].sum()
    largest = frame["township"].value_counts().index[0]
    there = frame[frame["township"] == largest]
    return {
        "人均纯收入（比率）": (frame["net"].sum() / people, lambda d: survey.ratio(d, "net", "persons")),
        "户均纯收入": (frame["net"].mean(), lambda d: survey.mean(d, "net")),
        "纯收入总额": (frame["net"].sum(), lambda d: survey.total(d, "net")),
        "纯收入总额（按已知户数校准）": (frame["net"].sum(), lambda d: survey.total(survey.poststratify(d, "one", {1.0: len(frame)}), "net")),
        "人均纯收入中位数": (survey.weighted_quantile(frame["percapita"], frame["one"], 0.5), lambda d: survey.quantile(d, "percapita", 0.5)),
        "贫困发生率（人，对称）": (frame["poor_persons"].sum() / people, lambda d: survey.ratio(d, "poor_persons", "persons")),
        "贫困发生率（人，logit）": (frame["poor_persons"].sum() / people, lambda d: survey.ratio(d, "poor_persons", "persons").with_interval("logit")),
        "贫困户比例（户，logit）": (frame["poor"].mean(), lambda d: survey.proportion(d, "poor", kind="logit")),
        "贫困差距（对称）": (frame["gap_persons"].sum() / people, lambda d: survey.ratio(d, "gap_persons", "persons")),
        "贫困差距（logit）": (frame["gap_persons"].sum() / people, lambda d: survey.ratio(d, "gap_persons", "persons").with_interval("logit")),
        "基尼系数（对称）": (gini(survey.register(frame)).value, gini),
        "1 % 的罕见比例（对称）": (frame["rare"].mean(), lambda d: survey.proportion(d, "rare", kind="wald")),
        "1 % 的罕见比例（自动）": (frame["rare"].mean(), lambda d: survey.proportion(d, "rare")),
        "最大乡镇的户均纯收入（域）": (there["net"].mean(), lambda d: survey.mean(d.domain(d.frame["township"] == largest), "net")),
    }


def gini(d: survey.Design) -> survey.Estimate:
    """Gini of persons' income, by the influence function of its ratio form (Deville 1999, example 5)."""
    persons, income = d.frame["persons"].to_numpy(), d.frame["percapita"].to_numpy()
    order = np.argsort(income, kind="stable")
    weight = d.weights * persons
    size, level = weight.sum(), weight @ income / weight.sum()
    below, held = np.empty(len(income)), np.empty(len(income))
    below[order] = (np.cumsum(weight[order]) - weight[order] / 2) / size
    held[order] = (np.cumsum((weight * income)[order]) - (weight * income)[order] / 2) / size
    value = 2 * (weight @ (below * income)) / (size * level) - 1
    scores = persons * (2 * (income * below + level - held) - (value + 1) * (level + income)) / (level * size)
    return survey.estimate(d, value, scores, method="gini")


def cover(draw: Draw, wanted: dict[str, tuple[float, Estimator]], times: int, seed: int) -> list[dict[str, object]]:
    """One row a statistic: bias, standard error against the true spread, coverage and on which side the interval misses."""
    found = {name: np.full((times, 4), np.nan) for name in wanted}
    for number in range(times):
        d = draw(np.random.default_rng([seed, number]))
        for name, (_, estimator) in wanted.items():
            one = estimator(d)
            found[name][number] = one.value, one.se, one.low, one.high
    rows = []
    for name, (true, _) in wanted.items():
        value, se, low, high = found[name].T
        known = np.isfinite(low) & np.isfinite(high)
        above, below = (low[known] > true).mean(), (high[known] < true).mean()
        rows.append({
            "statistic": name, "true": true, "bias": np.nanmean(value) / true - 1, "se_ratio": np.nanmean(se) / np.nanstd(value),
            "coverage": 1 - above - below, "too_high": above, "too_low": below, "without_interval": 1 - known.mean(),
        })
    return rows


def verdict(coverage: float) -> str:
    """A plain word for a coverage."""
    low, high = TOLERATED
    return "合格" if low <= coverage <= high else "**覆盖不足**" if coverage < low else "偏宽（保守）"


def summary(results: pd.DataFrame) -> list[str]:
    """What the intervals do not promise, named before the tables."""
    short = results[results["coverage"] < TOLERATED[0]]
    lines = [f"{len(results)} 项中，{results['coverage'].between(*TOLERATED).sum()} 项在 94 % 至 96 % 之间，{len(short)} 项不足 94 %：", ""]
    for statistic, part in short.groupby("statistic", sort=False):
        lines.append(f"- {statistic}：" + "；".join(f"{row.design} {row.coverage:.1%}" for row in part.itertuples()))
    return [*lines, "", *READING, ""]


def table(results: pd.DataFrame, size: int, times: int, seed: int) -> str:
    """The study as Markdown, with a plain word on each line."""
    noise = 2 * np.sqrt(0.95 * 0.05 / times)
    lines = [
        "# 置信区间覆盖率", "",
        f"总体为样例县上一年度纯收入已知的 {size:,} 户；每种抽样设计重复 {times:,} 次（种子 {seed}），名义 95 % 区间覆盖真值的比例。模拟误差约 ±{noise:.1%}。",
        "由 `benchmarks/coverage.py` 生成。“偏高”是整个区间高于真值的比例，“偏低”相反；“误差比”是平均标准误与实际标准差之比。", "",
    ]
    lines += summary(results)
    lines += design_tables(results, lambda true: f"{true:,.2f}" if true > 10 else f"{true:.4f}")
    return "\n".join(lines)


def design_tables(results: pd.DataFrame, shown: Callable[[float], str]) -> list[str]:
    """A table for each design: of every statistic its true value as ``shown``, bias, error, coverage, and a plain word."""
    lines: list[str] = []
    for name, part in results.groupby("design", sort=False):
        lines += [f"## {name}", "", "| 指标 | 真值 | 偏差 | 误差比 | 覆盖率 | 偏高 | 偏低 | 无区间 | 结论 |", "|---|---|---|---|---|---|---|---|---|"]
        lines += [
            f"| {row.statistic} | {shown(row.true)} | {row.bias:+.2%} | {row.se_ratio:.3f} | {row.coverage:.1%} | {row.too_high:.1%} | {row.too_low:.1%} "
            f"| {row.without_interval:.1%} | {verdict(row.coverage)} |"
            for row in part.itertuples()
        ]
        lines.append("")
    return lines


def options_of(about: str, times: int = 2000, *, home: bool = True) -> argparse.Namespace:
    """The options that the coverage studies share."""
    parser = argparse.ArgumentParser(description=about)
    if home:
        parser.add_argument("--home", type=Path, required=True)
        parser.add_argument("--quarter", default="2018Q1")
    parser.add_argument("--times", type=int, default=times)
    parser.add_argument("--seed", type=int, default=20180522)
    parser.add_argument("--write", type=Path)
    return parser.parse_args()


def give(text: str, path: Path | None) -> None:
    """Write the study, or print it."""
    if path:
        path.write_text(text + "\n", encoding="utf-8", newline="\n")
    else:
        print(text)


def main() -> None:
    """Run the study and print or write its table."""
    options = options_of(__doc__.splitlines()[0])
    frame = population(options.home, options.quarter)
    wanted = statistics(frame)
    rows = []
    for name, draw in designs(frame).items():
        rows += [{"design": name, **row} for row in cover(draw, wanted, options.times, options.seed)]
    text = table(pd.DataFrame(rows), len(frame), options.times, options.seed)
    give(text, options.write)


if __name__ == "__main__":
    main()
