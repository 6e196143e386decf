"""A workspace with few households for the tests of pages and batch: real tables in real files, read by the real ``open_quarter``.

Two townships, two poor villages, six households. Everything is invented; codes are of the unallocated area 431099.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from linwu_stats.tables import TABLES, conform, empty

QUARTER = "2018Q1"
COUNTY, TOWNSHIP, VILLAGE = "431025", "431025100", "431025100901"
OTHER_VILLAGE = "431025101901"

PARAMETERS = 'quarter = "2018Q1"  # 季度\narea = "431025"  # 地区代码\nhome = "."  # 工作目录'


def make_workspace(home: Path) -> Path:
    """Tables of one quarter under ``home``."""
    households = [f"0043109900{number:04d}" for number in range(1, 7)]
    villages = [VILLAGE] * 4 + [OTHER_VILLAGE] * 2
    status = ["out", "out", "not_out", "not_out", "out", "not_out"]
    members = [3, 2, 4, 1, 5, 2]
    verdicts = ["meets_exit", "meets_exit", "not_out", "unknown", "meets_exit", "unknown"]
    incomes = ["met", "met", "not_met", "unknown", "met", "not_yet"]
    frames = {
        "villages": pd.DataFrame(
            {
                "village_code": [VILLAGE, OTHER_VILLAGE], "township_code": [VILLAGE[:9], OTHER_VILLAGE[:9]], "village_name": ["虚构村", "莫须有村<b>"],
                "village_kind": ["province", "city"], "village_status": ["out", "not_out"], "rural_population_persons": [1000, 250],
            }
        ),
        "households": pd.DataFrame(
            {"household_id": households, "township_code": [code[:9] for code in villages], "village_code": villages, "poverty_status": status}
        ),
        "headcounts": pd.DataFrame({"household_id": households, "headcount_persons": members, "registered_persons": members}),
        "household_exit": pd.DataFrame({"household_id": households, "income_outcome": incomes, "verdict": verdicts}),
        "village_exit": pd.DataFrame(
            {
                "village_code": [VILLAGE, OTHER_VILLAGE], "township_code": [VILLAGE[:9], OTHER_VILLAGE[:9]], "village_kind": ["province", "city"],
                "village_status": ["out", "not_out"], "poor_persons": [5, 2], "denominator_persons": [1000, 250], "incidence_share": [0.005, 0.008],
                "verdict": ["meets_exit", "unknown"],
            }
        ),
        "indicators": pd.DataFrame(
            [
                {
                    "level": "county", "area_code": COUNTY, "group_kind": "all", "group_value": "all", "period": "last4",
                    "indicator": "mean_percapita_yuan", "value": 4321.5, "unit": "元",
                }
            ]
        ),
    }
    folder = home / "data" / QUARTER / "tables"
    folder.mkdir(parents=True)
    for name in TABLES:
        frame = conform(frames[name], name) if name in frames else empty(name)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    meta = {
        "quarter": QUARTER, "is_sample": True, "package_version": "0", "law_sha256": "a" * 64, "overrides": [], "to_confirm": ["line.central_work"],
        "inputs": [{"path": "001_示例台账.xlsx", "bytes": 9000, "sha256": "b" * 64}], "tables": {name: {"rows": 0, "sha256": "c" * 64} for name in TABLES},
    }
    (folder / "meta.json").write_text(json.dumps(meta, ensure_ascii=False), encoding="utf-8")
    return home


def notebook(*cells: str | tuple[str, str], parameters: str | None = PARAMETERS) -> Any:
    """A notebook: a text is a code cell, ("md", text) prose; the parameters cell comes first."""
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}})
    if parameters is not None:
        nb.cells.append(nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    for cell in cells:
        nb.cells.append(nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else nbformat.v4.new_markdown_cell(cell[1]))
    return nb


def write_notebooks(folder: Path, **notebooks: Any) -> Path:
    """Notebooks by kind; a kind that is not given gets a good one."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind in ("county", "township", "village", "methods"):
        nbformat.write(notebooks.get(kind, good_notebook()), folder / f"{kind}.ipynb")
    return folder


def good_notebook() -> Any:
    """Prose, a table, a figure, a warning on standard error."""
    return notebook(
        ("md", "# 标题由版式给出\n\n先填参数。"),
        ("md", "## 主要情况\n\n本页为 **测试** 页，见[方法](methods_2018Q1.html)。"),
        "import sys\nfrom IPython.display import HTML, display\nfrom linwu_stats import open_quarter\nq = open_quarter(quarter, home)\n"
        "assert sys.flags.safe_path, 'another kernel than the one that the batch describes'",
        'display(HTML(f\'<table class="data"><caption>户数</caption><thead><tr><th scope="col">地区</th><th scope="col" class="num">户数</th></tr></thead>'
        "<tbody><tr><th scope=\"row\">{area}</th><td class=\"num\">{len(q.households)}</td></tr></tbody></table>'))",
        ("md", "### 一张图\n\n看蓝色的线。"),
        "import matplotlib.pyplot as plt\nfrom linwu_stats.publish.fonts import use_chinese_font\nuse_chinese_font()\n"
        "figure, axes = plt.subplots(figsize=(4, 2))\naxes.plot([0, 1], [0, 1])\naxes.set_title('收入 −1.2 元')\nplt.show()",
        "print('提示', file=sys.stderr)",
    )
