"""Do the one-sided bounds of a look-back hold (回头看单侧界覆盖率模拟): repeated samples of villages and households from the sample county's register.

    python benchmarks/lookback_coverage.py [--times 1000] [--seed 20180522] [--write docs/lookback-coverage.md]

The exited households of the invented county are the population. In each repetition every village gets its own rate of a beta distribution with the stated mean
and intra-village correlation, every household its answer; villages are drawn by size with :func:`linwu_stats.exits.lookback.draw_villages`, households in them
at random, and the bounds of :func:`linwu_stats.exits.lookback.bounds.rate_bounds` are compared with the true share of persons. The bounds assume the
correlation of the rule ``lookback.clustering``, whatever the truth. Everything is seeded.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from coverage import give, options_of

from linwu_stats.exits.lookback import draw_villages, village_frame
from linwu_stats.exits.lookback.bounds import Bounds, rate_bounds
from linwu_stats.exits.lookback.exact import exact_bound
from linwu_stats.exits.lookback.rates import _spread
from linwu_stats.rules import rules_at
from linwu_stats.synthetic.lookback import lookback_frame

DESIGNS = ((30, 18), (60, 18), (30, 6), (10, 18), (3, 18))
SHARES = (0.005, 0.01, 0.02)
CORRELATIONS = (0.0, 0.05, 0.15, 0.4)
QUARTER, LEVEL = "2017Q4", 0.95


def population() -> tuple[pd.DataFrame, pd.DataFrame, float]:
    """Exited households in village order, the villages, and the correlation that the rules assume."""
    county, rules = lookback_frame(QUARTER), rules_at("2017-12-31")
    villages = village_frame(county.villages, county.households, county.headcounts, rules)
    homes = county.households.merge(county.headcounts, on="household_id")
    homes = homes[(homes["poverty_status"] == "out") & (homes["registered_persons"] > 0)].sort_values(["village_code", "household_id"])
    frame = pd.DataFrame({
        "village_code": homes["village_code"].to_numpy(), "persons": homes["registered_persons"].to_numpy(),
        "all_households": homes["village_code"].map(homes["village_code"].value_counts()).to_numpy(),
    })
    return frame, villages, float(rules.value("lookback.clustering")["correlation_share"])


def answers(frame: pd.DataFrame, share: float, correlation: float, random: np.random.Generator) -> np.ndarray:
    """Who has the problem: a rate for each village, then each household for itself."""
    codes = pd.factorize(frame["village_code"])[0]
    villages = codes.max() + 1
    spread = (1 - correlation) / correlation if correlation else 0
    rates = random.beta(share * spread, (1 - share) * spread, villages) if correlation else np.full(villages, share)
    return (random.random(len(frame)) < rates[codes]).astype(int)


def draw(frame: pd.DataFrame, chosen: dict[str, float], take: int, random: np.random.Generator) -> pd.DataFrame:
    """Households of the drawn villages with the weights of the design."""
    rank = pd.Series(random.random(len(frame))).groupby(frame["village_code"]).rank()
    rows = frame[frame["village_code"].isin(list(chosen)) & (rank <= take)]
    chance = rows["village_code"].map(chosen).to_numpy(dtype=float)
    taken = np.minimum(take, rows["all_households"].to_numpy())
    return rows.assign(weight=rows["all_households"].to_numpy() / taken / chance, certain=chance == 1.0).reset_index(drop=True)


def cover(times: int, seed: int) -> pd.DataFrame:
    """One row a setting: coverage of both one-sided bounds, false passes, and those of persons counted as if drawn singly."""
    frame, villages, assumed = population()
    rows = []
    for number, take in DESIGNS:
        for share in SHARES:
            for correlation in CORRELATIONS:
                tally = np.zeros(7)
                for turn in range(times):
                    random = np.random.default_rng([seed, number, take, int(1000 * share), int(100 * correlation), turn])
                    bad = answers(frame, share, correlation, random)
                    true = float((bad * frame["persons"]).sum() / frame["persons"].sum())
                    drawn = draw(frame.assign(bad=bad), draw_villages(villages, number, int(random.integers(2**31))), take, random)
                    one = rate_bounds(drawn, {"": None}, level=LEVEL, correlation=assumed, by_persons=True)[""]
                    found, asked = int((drawn["bad"] * drawn["persons"]).sum()), int(drawn["persons"].sum())
                    naive = exact_bound(found, asked, counts="persons", design_effect=1.0)
                    tally += (one.high >= true, one.low <= true, drawn["bad"].sum() == 0, naive >= true, one.high < 0.02, math.isnan(one.high),
                              one.high < 0.02 <= true)
                upper, lower, zero, naive, passed, unknown, false = tally / times
                rows.append({"villages": number, "take": take, "share": share, "correlation": correlation, "upper": upper, "lower": lower, "zero": zero,
                             "naive": naive, "passed": passed, "unknown": unknown, "false": false})
    return pd.DataFrame(rows)


def cover_incidence(times: int, seed: int) -> pd.DataFrame:
    """Coverage of the bounds of the combined incidence, with both rates from the same villages."""
    frame, villages, assumed = population()
    rows = []
    for number, take in ((30, 18), (10, 18)):
        for share, correlation in ((0.005, 0.05), (0.02, 0.05), (0.005, 0.15)):
            hits = np.zeros(2)
            for turn in range(times):
                random = np.random.default_rng([seed, 7, number, int(1000 * share), int(100 * correlation), turn])
                chosen = draw_villages(villages, number, int(random.integers(2**31)))
                parts: list[tuple[float, Bounds]] = []
                true = 0.0
                for factor in (0.913, 0.052):  # people off the register and exited people over the population of the sample county
                    bad = answers(frame, share, correlation, random)
                    true += factor * float((bad * frame["persons"]).sum() / frame["persons"].sum())
                    rated = rate_bounds(draw(frame.assign(bad=bad), chosen, take, random), {"": None}, level=LEVEL, correlation=assumed, by_persons=True)
                    parts.append((factor, rated[""]))
                middle = sum(factor * one.share for factor, one in parts)
                hits += (middle + _spread(tuple(parts), 1) >= true, middle - _spread(tuple(parts), -1) <= true)
            rows.append({"villages": number, "take": take, "share": share, "correlation": correlation, "upper": hits[0] / times, "lower": hits[1] / times})
    return pd.DataFrame(rows)


def text(rates: pd.DataFrame, incidence: pd.DataFrame, times: int, seed: int) -> str:
    """The study as Markdown, what falls short first."""
    noise = 2 * math.sqrt(0.95 * 0.05 / times)
    short = rates[rates["upper"] < LEVEL - noise]
    least = rates["upper"].min()
    lines = [
        "# 回头看单侧界的覆盖率", "",
        f"总体为样例县 {QUARTER} 的已脱贫户；每种情形重复 {times:,} 次（种子 {seed}），每次重新生成问题户、按规模抽村、村内随机抽户。"
        "名义单侧 95 % 界覆盖真实人口比率的比例，"
        f"模拟误差约 ±{noise:.1%}。由 `benchmarks/lookback_coverage.py` 生成。界所假定的村内相关系数是规则 `lookback.clustering` 的 0.05，与真实值无关。", "",
        f"{len(rates)} 种情形中 {len(rates) - len(short)} 种的上限覆盖率达到 95 %（容许模拟误差），{len(short)} 种不足"
        + ("：" + "；".join(f"{row.villages}村×{row.take}户、实际{row.share:.1%}、相关{row.correlation:g}：{row.upper:.1%}" for row in short.itertuples())
           if len(short) else "") + f"；最低 {least:.1%}。", "",
        f"真实比率在 2 % 或以上而误判“达标”的，占全部重复的比例最高 {rates['false'].max():.1%}。", "",
        "读法：界偏保守——村少或查出很少时，有效样本量取按方差、按假定设计效应两者中较小的，再按自由度缩小，所以多数情形远高于 95 %；"
        "代价是界较宽、较常“不能判定”，实际很低而户数不多时也难以证明达标（见“判定达标”一列）。"
        f"“按人直接二项”是把一户几口人当作各自独立抽中的错误算法，只供对照：它的覆盖率最低只有 {rates['naive'].min():.1%}。"
        "下限只用来判定“不达标”；真实比率很低时没有意义。", "",
        "| 村×户 | 实际比率 | 村内相关 | 上限覆盖 | 下限覆盖 | 一户未查出 | 判定达标 | 按人直接二项的上限覆盖 |", "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.villages}×{row.take} | {row.share:.1%} | {row.correlation:g} | {row.upper:.1%} | {row.lower:.1%} | {row.zero:.1%} | {row.passed:.1%} "
        f"| {row.naive:.1%} |"
        for row in rates.itertuples()
    ]
    lines += ["", "## 综合贫困发生率（两率来自同样的村）", "", "| 村×户 | 两率实际 | 村内相关 | 上限覆盖 | 下限覆盖 |", "|---|---|---|---|---|"]
    lines += [f"| {row.villages}×{row.take} | {row.share:.1%} | {row.correlation:g} | {row.upper:.1%} | {row.lower:.1%} |" for row in incidence.itertuples()]
    return "\n".join(lines)


def main() -> None:
    """Run the study and print or write its table."""
    options = options_of(__doc__.splitlines()[0], 1000, home=False)
    said = text(cover(options.times, options.seed), cover_incidence(options.times, options.seed), options.times, options.seed)
    give(said, options.write)


if __name__ == "__main__":
    main()
