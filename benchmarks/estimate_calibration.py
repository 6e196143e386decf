"""Are the full-year estimates as good as they say (全年测算的误差与区间检验): counties of other seeds, with shocks, set against the rest of their year.

    python benchmarks/estimate_calibration.py [--seeds 6] [--households 1500] [--county] [--write docs/estimate-record.md]

Every county is made from a seed, continued to the end of the accounting year 2018 with one shock (``linwu_stats.synthetic.futures``), and estimated after one,
two and three quarters from the ledgers until then: once with the sample's history (the year 2017), once with a year more (2016). The estimate never sees what
comes after; the truth is worked out by plain loops. ``--county`` adds the whole county once, without shock. Everything is seeded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from linwu_stats.income import account, estimate
from linwu_stats.income.estimate.households import intervals, pass_shares, point_estimates, threshold_of
from linwu_stats.rules import Rules, rules_at
from linwu_stats.synthetic.county import County, make_county
from linwu_stats.synthetic.futures import Future, Shock, make_future
from linwu_stats.tables import empty

STAGES = ("2017Q4", "2018Q1", "2018Q2")
_YEARS = [("2015Q4", "2016Q1", "2016Q2", "2016Q3"), ("2016Q4", "2017Q1", "2017Q2", "2017Q3"), ("2017Q4", "2018Q1", "2018Q2", "2018Q3")]
_HARVESTS = ("2015Q4", "2016Q3", "2016Q4", "2017Q3", "2017Q4", "2018Q3")
#: Chinese name, whether it shows in the ledgers before the estimate after two quarters (or came in earlier years), and the shocks.
SCENARIOS: dict[str, tuple[str, bool, list[Shock]]] = {
    "calm": ("无冲击", True, []),
    "price": ("物价上涨：2017年四季度起出售收入高15%", True, [Shock("price_rise", _YEARS[2], 1, 0.15)]),
    "wage_seen": ("务工收入从2018年一季度起低10%", True, [Shock("wage_fall", _YEARS[2][1:], 1, 0.10)]),
    "village_wage": ("两成村的务工收入从2017年四季度起低30%", True, [Shock("village_wage_fall", _YEARS[2], 0.2, 0.30)]),
    "harvests": ("每年都有两成村歉收四成", True, [Shock("harvest_failure", (quarter,), 0.2, 0.4) for quarter in _HARVESTS]),
    "returns": ("每年都有6%的户务工返乡，工资断绝", True, [Shock("migrants_return", quarters, 0.06) for quarters in _YEARS]),
    "illness": ("每年都有5%的户因病减收一半", True, [Shock("illness", quarters, 0.05, 0.5) for quarters in _YEARS]),
    "rough": ("各项收入偶然波动很大(厚尾)，五十分之一漏收", True, [Shock("rough", (*_YEARS[0], *_YEARS[1], *_YEARS[2]), 1, 0.25)]),
    "delay": ("二季度的补贴推迟到三季度", False, [Shock("transfer_delay", ("2018Q2",))]),
    "harvest_later": ("测算后两成半的村在2018年三季度歉收一半", False, [Shock("harvest_failure", ("2018Q3",), 0.25, 0.5)]),
    "return_later": ("测算后8%的户务工返乡", False, [Shock("migrants_return", _YEARS[2][2:], 0.08)]),
    "wage_later": ("测算后全县务工收入低10%", False, [Shock("wage_fall", _YEARS[2][2:], 1, 0.10)]),
}


def frames(county: County, future: Future, rules: Rules) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Valued lines, quarterly incomes, head counts and register of a future, through the stages that a quarter uses."""
    tables = county.tables("2018Q1")
    heads = account.count_heads(tables["households"], tables["persons"], rules)
    everybody = pd.DataFrame({"household_id": sorted(row.household_id for row in county.households), "headcount_persons": 1})
    everybody = everybody.astype({"household_id": "string", "headcount_persons": "Int64"})
    amounts = {quarter: account.account_items(future.income_items(quarter), rules) for quarter in future.lines}
    incomes = [
        account.account_households(lines, empty("income_sheet"), everybody, rules, quarter, periods=("quarter",)) for quarter, lines in amounts.items()
    ]
    return pd.concat(amounts.values(), ignore_index=True), pd.concat(incomes, ignore_index=True), heads, tables["households"]


def evaluate(county: County, future: Future, rules: Rules) -> list[dict[str, object]]:
    """Errors, coverage and Brier score after one, two and three quarters, and coverage of the townships' figures."""
    amounts, incomes, heads, households = frames(county, future, rules)
    cells = estimate.make_cells(amounts, incomes, households, sorted(future.lines))
    truth = future.true_year(2018).set_index("household_id")["net_fen"].reindex(cells.households).to_numpy(dtype=float, na_value=np.nan)
    persons = heads.set_index("household_id")["headcount_persons"].reindex(cells.households).to_numpy(dtype=float)
    settings = estimate.read_settings(rules)
    rows = []
    for stage in STAGES:
        outlook = estimate.look_ahead(cells, stage, rules, settings)
        known = outlook.known & ~np.isnan(truth)
        for method in settings.methods:
            known &= point_estimates(outlook, method)[1]
        row: dict[str, object] = {"quarters": outlook.seen, "households": int(known.sum())}
        row |= {method: float(np.abs(point_estimates(outlook, method)[0] - truth)[known].mean() / 100) for method in settings.methods}
        bounds = intervals(outlook)
        for level in ("80", "95"):
            row[f"covered{level}"] = float(((bounds[f"low{level}"] <= truth) & (truth <= bounds[f"high{level}"]))[known].mean())
        threshold = threshold_of(outlook, rules)
        share, passed = pass_shares(outlook, threshold.floor(persons), threshold.reaching), truth > threshold.floor(persons)
        row["brier"] = float(np.mean((share - passed)[known] ** 2))
        row["brier_times_four"] = float(np.mean(((point_estimates(outlook, "times_four")[0] > threshold.floor(persons)) - passed.astype(float))[known] ** 2))
        if outlook.seen == 2:  # the draws take most of the time
            row |= _areas(outlook, heads, households, rules, truth, persons)
        rows.append(row)
    return rows


def _areas(outlook, heads: pd.DataFrame, households: pd.DataFrame, rules: Rules, truth: np.ndarray, persons: np.ndarray) -> dict[str, object]:
    """Share of townships whose true mean and number below lie in the 80 and 95 percent intervals, and the same as if households were independent."""
    table = estimate.estimate_areas(outlook, heads, households, rules)
    table = table[(table["level"] == "township") & (table["group_kind"] == "all")]
    area = households.set_index("household_id")["township_code"].reindex(outlook.cells.households)
    floor = threshold_of(outlook, rules).floor(persons)
    frame = pd.DataFrame({"area": area.to_numpy(), "net": truth, "persons": persons, "below": np.where(truth > floor, 0, persons)})[~np.isnan(truth)]
    true = frame.groupby("area").sum()
    found: dict[str, object] = {}
    for measure, value in (("mean_percapita_yuan", true["net"] / true["persons"] / 100), ("persons_below", true["below"].astype(float))):
        rows = table[table["measure"] == measure].set_index("area_code").reindex(value.index)
        whole = rows["persons"].to_numpy() == true["persons"].to_numpy()
        for level in ("80", "95"):
            inside = (rows[f"low{level}"].to_numpy() <= value.to_numpy()) & (value.to_numpy() <= rows[f"high{level}"].to_numpy())
            found[f"{measure}{level}"] = float(inside[whole].mean()) if whole.any() else np.nan
    return found


def study(seed: int, households: int, rules: Rules) -> pd.DataFrame:
    """All scenarios on one seed, with the sample's history and with a year more."""
    rows = []
    county = make_county(seed, households)
    for name, (_, _, shocks) in SCENARIOS.items():
        for earlier in (False, True):
            future = make_future(county, shocks, seed=seed + 1, earlier=earlier)
            rows += [{"seed": seed, "scenario": name, "earlier": earlier, **row} for row in evaluate(county, future, rules)]
    return pd.DataFrame(rows)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def table_lines(found: pd.DataFrame, quarters: int, earlier: bool) -> list[str]:
    """One Markdown table: a scenario a row, means over the seeds, and the range of the 80 percent coverage."""
    rows = found[(found["quarters"] == quarters) & (found["earlier"] == earlier)]
    lines = [
        "| 情形 | 模型误差 | 上年进度 | 上年全年 | 折年 | 模型÷折年 | 80%区间命中(各种子) | 95%区间命中 | Brier(模型/折年) "
        + ("| 乡镇人均命中80/95 | 乡镇线下人口命中80/95 |" if quarters == 2 else "|"),
        "|---|---|---|---|---|---|---|---|---|" + ("---|---|" if quarters == 2 else ""),
    ]
    for name, (title, _, _) in SCENARIOS.items():
        part = rows[rows["scenario"] == name]
        mean = part.mean(numeric_only=True)
        lines.append(
            f"| {title} | {mean['model']:,.0f} | {mean['last_year_shares']:,.0f} | {mean['last_year']:,.0f} | {mean['times_four']:,.0f} | "
            f"{mean['model'] / mean['times_four']:.2f} | "
            f"{_percent(mean['covered80'])}({_percent(part['covered80'].min())}–{_percent(part['covered80'].max())}) | "
            f"{_percent(mean['covered95'])} | {mean['brier']:.4f}/{mean['brier_times_four']:.4f} |"
        )
        if quarters == 2:
            lines[-1] += f" {_percent(mean['mean_percapita_yuan80'])}/{_percent(mean['mean_percapita_yuan95'])} |"
            lines[-1] += f" {_percent(mean['persons_below80'])}/{_percent(mean['persons_below95'])} |"
    return lines


def report(found: pd.DataFrame, whole: pd.DataFrame, households: int) -> str:
    """The record as a page (测算检验)."""
    seeds = sorted(found["seed"].unique())
    seen = found["scenario"].map({name: scenario[1] for name, scenario in SCENARIOS.items()})
    lines = [
        "# 全年测算的误差与区间检验", "",
        f"由 `benchmarks/estimate_calibration.py` 生成。{len(seeds)} 个种子（{'、'.join(map(str, seeds))}），每县 {households:,} 户，{len(SCENARIOS)} 种情形，"
        "每县在一、二、三个季度之后各测一次，真值由逐笔相加得到。误差为户全年纯收入的平均绝对误差（元）。"
        "名义 80% 的区间应有 80% 的户命中；各种子一栏是最低和最高。", "",
        "**读法**：区间来自以往同类预测的误差。测算时台账里已经显露、或往年也有过的冲击，区间能反映；测算之后才来、往年从未有过的全县性冲击"
        "（后四种情形），任何方法都不能从台账中得知，区间会不够宽。第一个季度之后尤其要谨慎：当年的低保、特困、养老金标准还没有调，调多少未知。", "",
    ]
    for label, mask in (("已显露或往年有过的冲击", seen), ("测算后才来的冲击", ~seen)):
        part = found[mask & (found["quarters"] == 2)]
        for earlier in (False, True):
            mean = part[part["earlier"] == earlier].mean(numeric_only=True)
            lines.append(
                f"- {label}，两个季度之后，{'另有前年台账' if earlier else '只有上年台账'}：模型误差为折年的 {_percent(mean['model'] / mean['times_four'])}，"
                f"80% 区间命中 {_percent(mean['covered80'])}，95% 区间命中 {_percent(mean['covered95'])}。"
            )
    for earlier in (False, True):
        for quarters in (2, 1, 3):
            history = "另有前年(2016)台账" if earlier else "只有上年(2017)台账"
            lines += ["", f"## {'一二三'[quarters - 1]}个季度之后，{history}", "", *table_lines(found, quarters, earlier)]
    if len(whole):
        head = "| 已有季度 | 前年台账 | 模型误差 | 上年进度 | 上年全年 | 折年 | 80%命中 | 95%命中 | Brier |"
        lines += ["", "## 全县 8,186 户一次（无冲击）", "", head, "|---|---|---|---|---|---|---|---|---|"]
        lines += [
            f"| {row['quarters']} | {'有' if row['earlier'] else '无'} | {row['model']:,.0f} | {row['last_year_shares']:,.0f} | {row['last_year']:,.0f} | "
            f"{row['times_four']:,.0f} | {_percent(row['covered80'])} | {_percent(row['covered95'])} | {row['brier']:.4f} |"
            for row in whole.to_dict("records")
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the study and write or print the page."""
    parser = argparse.ArgumentParser(description="Calibration of full-year estimates")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--households", type=int, default=1500)
    parser.add_argument("--county", action="store_true")
    parser.add_argument("--write", type=Path)
    given = parser.parse_args()
    rules = rules_at("2018-09-30")
    start = time.perf_counter()
    found, whole = pd.DataFrame(), pd.DataFrame()
    if given.county:
        county = make_county()
        rows = [{"earlier": earlier, **row} for earlier in (False, True) for row in evaluate(county, make_future(county, earlier=earlier), rules)]
        whole = pd.DataFrame(rows)
    for seed in range(101, 101 + given.seeds):
        found = pd.concat([found, study(seed, given.households, rules)], ignore_index=True)
        text = report(found, whole, given.households)
        # Written after each seed: a study that is cut short leaves what it has, and the page says how many seeds.
        if given.write:
            given.write.write_text(text, encoding="utf-8", newline="\n")
        print(f"seed {seed}: {time.perf_counter() - start:.0f} s", flush=True)
    if not given.write:
        print(text)


if __name__ == "__main__":
    main()
