"""Does the probability of being below the line next year come true (返贫可能性的校准)? Writes docs/stability-record.md.

Run from the repository: ``.venv/bin/python benchmarks/stability_calibration.py``. Counties with several seeds stand at the end of the accounting year 2017; the
accounting year 2018 is then made with shocks, and every household's true income is set against the line of 2018.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from linwu_stats.exits import stability
from linwu_stats.exits.stability.basis import least_passing
from linwu_stats.income import account, estimate
from linwu_stats.income.estimate import next_year
from linwu_stats.rules import LAW_FOLDER, Rules, read_entries, rules_at
from linwu_stats.synthetic import make_county
from linwu_stats.synthetic.futures import Future, Shock, make_future
from linwu_stats.tables import empty

SEEDS = (101, 102, 103, 104)
HOUSEHOLDS = 800
YEAR = ("2017Q4", "2018Q1", "2018Q2", "2018Q3")
EARLIER = ("2016Q4", "2017Q1", "2017Q2", "2017Q3")
BEFORE = ("2015Q4", "2016Q1", "2016Q2", "2016Q3")
#: Scenario: shocks of the future itself; whether those came in earlier years too; how many times as likely as the rules say the rules' shocks strike 2018,
#: and the years before.
SCENARIOS: dict[str, tuple[list[tuple[str, float, float]], bool, int, int]] = {
    "无冲击": ([], False, 0, 0),
    "六种冲击按规则的可能性和幅度发生": ([], False, 1, 0),
    "同上，以往各年也同样发生": ([], True, 1, 1),
    "六种冲击的可能性都是规则的三倍": ([], False, 3, 0),
    "六种冲击按规则发生，另外各项收入偶然波动很大(厚尾)": ([("rough", 1.0, 0.35)], True, 1, 0),
    "没有规则中的冲击，全县务工收入低15%": ([("wage_fall", 1.0, 0.15)], False, 0, 0),
}


def shocks_of(kinds: list[tuple[str, float, float]], earlier: bool) -> list[Shock]:
    spans = [YEAR, *((EARLIER, BEFORE) if earlier else ())]
    return [Shock(kind, span, share, size) for span in spans for kind, share, size in kinds]


def income_rules(folder: Path) -> Rules:
    """The rules with illness that costs nothing: medical bills are not deducted from net income, so that the truth does not hold them."""
    entries = [entry for entry in read_entries(LAW_FOLDER / "stability.yaml", "rules") if entry["key"] == "stability.shock.illness"]
    entries[0]["values"][0]["value"]["cost_yuan"] = 0
    (folder / "illness.yaml").write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    return rules_at("2017-09-30", folder)


def strike(future: Future, persons: pd.DataFrame, heads: pd.Series, rules: Rules, seed: int, span: tuple[str, ...], times: int) -> None:
    """The shocks of the rules come to households, ``times`` as likely as they say, for the whole of a year; worked out by plain loops.

    Of one worker means of whoever has most months of work: his part of all wages by months, and of business by the number who can work.
    """
    wage_part, able = {}, {}
    for household, part in persons.groupby("household_id"):
        months = part["work_months"].fillna(0)
        wage_part[household] = months.max() / months.sum() if months.sum() > 0 else 1.0
        able[household] = max(1, int(part["labour"].isin(["ordinary", "skilled", "weak"]).sum()))
    for number, rule in enumerate(rules.under("stability.shock.")):
        value, draws = rule.value, np.random.default_rng([seed, number, int(span[0][:4])])
        hit = set()
        for household in sorted(heads.index):
            chance = min(1.0, times * value["chance_share"])
            chance = 1 - (1 - chance) ** int(heads[household]) if value["per"] == "person" else chance
            if draws.random() < chance:
                hit.add(household)
        for quarter in span:
            if quarter in future.lines:
                future.lines[quarter] = [_struck(line, value, wage_part, able) if line[0] in hit else line for line in future.lines[quarter]]


def _struck(line: tuple, value: dict, wage_part: dict[str, float], able: dict[str, int]) -> tuple:
    share = next((part for key, part in value["takes"].items() if line[1] == key or (key.endswith(".") and line[1].startswith(key))), 0.0)
    if not share:
        return line
    if value["part"] == "one_worker":
        share *= wage_part.get(line[0], 1.0) if line[1].startswith("item.wage.") else 1 / able.get(line[0], 1)
    return (*line[:3], *(None if part is None else round(part * (1 - share)) for part in line[3:5]), *line[5:])


def one_county(seed: int, scenario: tuple, earlier: bool, rules: Rules) -> pd.DataFrame:
    """Each household's probabilities at the end of 2017Q3 and what came."""
    kinds, past, now, before = scenario
    county = make_county(seed, HOUSEHOLDS)
    future = make_future(county, shocks_of(kinds, past), seed=seed, earlier=earlier)
    tables = county.tables("2018Q1")
    tables["headcounts"] = account.count_heads(tables["households"], tables["persons"], rules)
    heads = tables["headcounts"].dropna(subset=["headcount_persons"]).set_index("household_id")["headcount_persons"]
    for span, times in ((YEAR, now), (EARLIER, before), (BEFORE, before)):
        if times:
            strike(future, tables["persons"], heads, rules, seed, span, times)
    quarters = [quarter for quarter in sorted(future.lines) if quarter <= "2017Q3"]
    items = pd.concat([account.account_items(future.income_items(quarter), rules) for quarter in quarters], ignore_index=True)
    sheet = empty("income_sheet")
    by_quarter = pd.concat(
        [account.account_households(items, sheet, tables["headcounts"], rules, quarter, periods=("quarter",)) for quarter in quarters], ignore_index=True)
    tables["household_income"] = account.account_households(items, sheet, tables["headcounts"], rules, "2017Q3", periods=("last4", "ytd"))
    tables["item_amounts"] = items
    cells = estimate.make_cells(items, by_quarter, tables["households"], quarters)
    changes = next_year.measure_changes(cells, "2017Q3", rules, estimate.read_settings(rules))
    tables |= {"next_year": next_year.expect_next_year(changes), "next_year_errors": next_year.next_year_errors(changes)}
    found = stability.stability_tables(tables, rules, 2017)["stability_households"]
    rows = found[["household_id", "headcount_persons", "below_usual_share", "below_share"]].merge(future.true_year(2018), on="household_id").dropna()
    needed = least_passing(rules.line_fen(2018), rows["headcount_persons"].to_numpy(dtype=np.int64), rules)
    return rows.assign(came=rows["net_fen"].to_numpy(dtype=np.int64) < needed, seed=seed, changed=changes.basis)


def scores(rows: pd.DataFrame, column: str) -> str:
    said, came = rows[column].to_numpy(dtype=float), rows["came"].to_numpy(dtype=float)
    brier, base = ((said - came) ** 2).mean(), came.mean() * (1 - came.mean())
    return f"{said.sum():,.0f} | {came.sum():,.0f} | {brier:.4f} | {1 - brier / base:.2f}"


def bands(rows: pd.DataFrame, column: str) -> str:
    cells = []
    for low, high in ((0, 0.05), (0.05, 0.1), (0.1, 0.2), (0.2, 0.5), (0.5, 0.9), (0.9, 1.01)):
        here = rows[(rows[column] >= low) & (rows[column] < high)]
        cells.append(f"{100 * here[column].astype(float).mean():.1f}→{100 * here['came'].mean():.1f} ({len(here):,})" if len(here) else "—")
    return " | ".join(cells)


def main(target: Path) -> None:
    start = time.perf_counter()
    lines = ["# 返贫可能性的检验", "", (
        f"由 `benchmarks/stability_calibration.py` 生成。{len(SEEDS)} 个种子（{'、'.join(map(str, SEEDS))}），每县 {HOUSEHOLDS} 户，"
        "站在2017年三季度末看2018核算年度，"
        "真值由逐笔相加得到，与2018年标准比较（不超过为低于）。患病的自付医疗费不从纯收入中扣除，检验时按零计，只检验收入部分；"
        "冲击由另写的循环按规则的可能性逐户抽取，全年有效；一名劳动力的工资按务工月数分。"), "",
        "**读法**：Brier评分是可能性与结果之差的平方的平均，0最好；技巧是与“每户都说平均数”相比改进多少，1最好。"
        "各档为“平均说的可能性%→实际低于的%（户数）”，两数相近为准。“平常年景”没有把冲击算进去，冲击一来就偏低；"
        "“计入冲击”在没有冲击的年份偏高，这是预警的本意。", "",
        "**两个限制**：（1）以往各年也有同样冲击时，可能性偏高：上年碰上冲击的户收入已经低，今年多半恢复，而预期按他们现在的收入推算；"
        "实测差异里又已含往年的冲击，再加规则的冲击有重复。（2）全县共同的变化（如务工收入普降）不在规则的冲击里，正好在标准边上的户会说低；"
        "这种年份要改规则重跑。没有前年台账时差异是假定的，比实测宽，说的可能性偏中间。", ""]
    with tempfile.TemporaryDirectory() as folder:
        rules = income_rules(Path(folder))
        for earlier, heading in ((True, "有前年台账：差异由本县2017年比2016年实测"), (False, "没有前年台账：差异按规则假定")):
            lines += [f"## {heading}", "", "| 情形 | 用哪个可能性 | 预计户数 | 实际户数 | Brier | 技巧 | 0–5% | 5–10% | 10–20% | 20–50% | 50–90% | 90–100% |",
                      "|---|---|---|---|---|---|---|---|---|---|---|---|"]
            for name, scenario in SCENARIOS.items():
                if scenario[1] and not earlier:
                    continue
                part = pd.concat([one_county(seed, scenario, earlier, rules) for seed in SEEDS])
                lines += [f"| {name} | {word} | {scores(part, column)} | {bands(part, column)} |"
                          for word, column in (("平常年景", "below_usual_share"), ("计入冲击", "below_share"))]
            lines.append("")
    lines += [f"用时 {time.perf_counter() - start:,.0f} 秒。"] if "--time" in sys.argv else []
    target.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "docs" / "stability-record.md")
