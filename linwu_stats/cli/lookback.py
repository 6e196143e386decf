"""Commands of the look-back (回头看): how many to visit, draw them and write the sheets, read what came back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from linwu_stats.cli.shell import law_folder, plain_errors

__all__ = ["lookback", "sample_lookback"]

#: The quarter whose look-back comes with the sample county, and the seed of its draw.
SAMPLE_QUARTER, SAMPLE_SEED = "2017Q4", 20174
#: Of the same remark on more rows than these, the others are counted.
ALIKE = 5


@click.group()
def lookback() -> None:
    """Look back for households missed and wrongly let go (回头看): plan, draw, then read."""


@lookback.command()
@click.argument("quarter")
@click.option("--seed", type=click.IntRange(0), default=None, help="Seed of the simulation; by default that of the rule lookback.plan (种子).")
@click.pass_obj
@plain_errors
def plan(home: Path | None, quarter: str, seed: int | None) -> None:
    """Say how many villages and households prove the rates in a QUARTER (抽样方案)."""
    from pandas import isna

    from linwu_stats.exits import lookback as room
    from linwu_stats.quarter import find_home, make_quarter
    from linwu_stats.tables import label

    q = make_quarter(quarter, find_home(home), progress=lambda text: click.echo(text, err=True))
    table = q.lookback_plan
    if seed is not None:
        frame = room.village_frame(q.villages, q.households, q.headcounts, q.rules)
        table = room.lookback_plan(frame, q.lookback_answers, q.rules, seed=seed)
    for measure, rows in table.groupby("measure", sort=False):
        first = rows.iloc[0]
        basis = label("lookback_basis", first["correlation_basis"])
        click.echo(f"{label('lookback_measure', measure)}：村内相关系数{first['correlation_share']:.3f}（{basis}），设计效应{first['design_effect']:.2f}")
        for row in rows.itertuples():
            passes = "超过全县村数" if isna(row.pass_share) else f"通过概率{row.pass_share:.1%}"
            mark = "　←推荐" if row.recommended else ""
            click.echo(
                f"  允许{row.allowed_households}户：简单随机{row.exact_households}户(有限总体{row.finite_households}户)，"
                f"按村{row.villages}村{row.clustered_households}户，{passes}{mark}"
            )


@lookback.command()
@click.argument("quarter")
@click.option("--seed", type=click.IntRange(0), default=None, help="Seed of the draw; by default the digits of the quarter, 20174 for 2017Q4 (种子).")
@click.option("--villages", type=click.IntRange(1), default=None, help="Villages; by default the rule lookback.sample (村数).")
@click.option("--exited", type=click.IntRange(0), default=None, help="Exited households in each village (每村已脱贫户).")
@click.option("--registered", type=click.IntRange(0), default=None, help="Households still registered as poor in each village (每村未脱贫户).")
@click.option("--off-register", type=click.IntRange(0), default=None, help="Households off the register in each village (每村非建档立卡户).")
@click.option("--reserves", type=click.IntRange(0), default=None, help="Reserves of each kind in each village (备用户).")
@click.option("--off-list", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="A list of the households off the register with the headings 行政村代码 and 户编号 (非建档立卡户名单).")
@click.pass_obj
@plain_errors
def draw(home: Path | None, quarter: str, seed: int | None, off_list: Path | None, **take: int | None) -> None:
    """Draw villages and households of a QUARTER and write one sheet for each village (抽样并生成入户调查表)."""
    from linwu_stats.exits import lookback as room
    from linwu_stats.ledgers import lookback_answers, lookback_sheets
    from linwu_stats.quarter import find_home, make_quarter

    root = find_home(home)
    folder = root / "data" / quarter / "lookback"
    q = make_quarter(quarter, root, progress=lambda text: click.echo(text, err=True))
    seed = int(quarter[:4] + quarter[5]) if seed is None else seed
    asked = {name: number for name, number in take.items() if number is not None}
    frames = (q.villages, q.households, q.headcounts, q.rules, quarter, seed)
    listed = None if off_list is None else lookback_answers.read_off_list(off_list)
    sample = room.draw_lookback(*frames, take=asked, off_list=listed)
    facts = room.frame_facts(*frames) | {"rule": dict(q.rules.value("lookback.sample")) | asked, "off_list": off_list is not None}
    lookback_sheets.freeze_lookback(folder, sample, facts)
    for old in folder.glob(f"{quarter}_*.xlsx"):
        old.unlink()
    paths = lookback_sheets.write_lookback_sheets(folder, sample, quarter, area_names=q.area_names)
    (folder / "returned").mkdir(exist_ok=True)
    main = sample[sample["role"] == "main"]["kind"].value_counts()
    click.echo(
        f"抽取{sample['village_code'].nunique()}村：已脱贫{main.get('exited', 0)}户、未脱贫{main.get('registered', 0)}户、"
        f"非建档立卡{main.get('off_register', 0)}户，备用{int((sample['role'] == 'reserve').sum())}户；种子{seed}；调查表{len(paths)}份在 {folder}"
    )
    click.echo("填好的表放入 returned 文件夹后运行 linwu-stats lookback read；下一次 linwu-stats run 会把结果写入数据表和报告。")


@lookback.command()
@click.argument("quarter")
@click.pass_obj
@plain_errors
def read(home: Path | None, quarter: str) -> None:
    """Read the sheets that came back for a QUARTER and say what they prove (读取调查表并判定)."""
    from linwu_stats.exits import lookback as room
    from linwu_stats.ledgers import lookback_answers, lookback_sheets
    from linwu_stats.quarter import find_home, last_day
    from linwu_stats.rules import rules_at
    from linwu_stats.tables import label

    root = find_home(home)
    folder = root / "data" / quarter / "lookback"
    rules = rules_at(last_day(quarter), law_folder(root))
    sample, facts = lookback_sheets.load_lookback(folder)
    if sample.empty:
        raise room.LookbackError(f"no look-back was drawn for {quarter} (该季度没有抽取回头看样本). Draw one with: linwu-stats lookback draw {quarter}")
    answers, notices = lookback_answers.read_lookback_sheets(folder / "returned", sample, quarter)
    settled = room.settle_answers(sample, answers)
    for line in _in_lines(notices.astype(object).where(notices.notna(), "").to_dict("records")):
        click.echo(line, err=True)
    uses = settled["use"].value_counts()
    click.echo("；".join(f"{label('lookback_use', code)} {count}户" for code, count in uses.items()))
    rates = room.lookback_rates(settled, facts, rules)
    for row in rates[(rates["level"] == "county") & rates["chosen"]].to_dict("records"):
        click.echo(_said(row, label))


def _in_lines(notices: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the sheets, the same of one column in one line: its first rows, and how many there are."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in notices:
        alike.setdefault(tuple(str(one[name]) for name in ("file", "sheet", "column", "what")), []).append("" if one["row"] == "" else str(int(one["row"])))
    lines = []
    for (file, sheet, column, what), rows in alike.items():
        more = f"等{len(rows)}行" if len(rows) > ALIKE else "行"
        place = f"第{'、'.join(rows[:ALIKE])}{more}" if rows[0] else ""
        where = " ".join(one for one in (file, sheet, place, column) if one)
        lines.append(f"{where}: {what}" if where else what)
    return lines


def _said(row: dict[str, Any], label: Any) -> str:
    """One rate in a line: estimate, bounds, verdict."""
    import pandas as pd

    def share(value: Any) -> str:
        return "未知" if pd.isna(value) else f"{value:.2%}"

    more = "" if pd.isna(row["more_households"]) else f"；比率不变时再查{row['more_households']}户可定"
    why = "" if pd.isna(row["reason_code"]) else f"（{label('lookback_reason', row['reason_code'])}）"
    if row["verdict"] == "not_met" and pd.isna(row["estimate_share"]):
        why = "（只算未脱贫人口就不达标，与漏评、错退多少无关）"
    return (
        f"{label('lookback_measure', row['measure'])} {share(row['estimate_share'])}，单侧{row['level_share']:.0%}下限{share(row['low_share'])}、"
        f"上限{share(row['high_share'])}，标准{row['sign']}{share(row['bar_share'])}：{label('lookback_verdict', row['verdict'])}{why}{more}"
    )


def sample_lookback(root: Path, households: int | None) -> None:
    """Write the look-back that comes with the sample county (示例县的回头看): drawn here, played by the invented teams, handed back."""
    from linwu_stats.exits import lookback as room
    from linwu_stats.ledgers import lookback_sheets
    from linwu_stats.quarter import last_day
    from linwu_stats.rules import rules_at
    from linwu_stats.synthetic import lookback as teams

    folder = root / "data" / SAMPLE_QUARTER / "lookback"
    if not (root / "data" / SAMPLE_QUARTER / "SAMPLE.json").is_file() or (folder / "sample.json").is_file():
        return
    county = teams.lookback_frame(SAMPLE_QUARTER, households)
    rules = rules_at(last_day(SAMPLE_QUARTER))
    frames = (county.villages, county.households, county.headcounts, rules, SAMPLE_QUARTER, SAMPLE_SEED)
    sample = room.draw_lookback(*frames)
    lookback_sheets.freeze_lookback(folder, sample, room.frame_facts(*frames) | {"rule": dict(rules.value("lookback.sample")), "off_list": False})
    words = teams.fill_in(sample, county.wrong)
    lookback_sheets.write_lookback_sheets(folder / "returned", sample, SAMPLE_QUARTER, area_names=county.area_names, filled=words)
