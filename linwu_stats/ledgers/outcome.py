"""Findings and outcomes of reading ledgers (台账问题与处理结果): what was found, how grave it is, and how it is shown.

Codes, severities, outcomes, fixers and messages are data: ``law/finding_codes.yaml``.
"""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

__all__ = ["OUTCOMES", "Finding", "Ledger", "Refused", "finding", "finding_codes", "ledger_dict", "render_check", "worst"]

#: From best to worst; ``ignore`` stands apart (Excel's own lock files).
OUTCOMES = ("accept", "repair", "flag", "reject")
OUTCOME_WORDS = {"accept": "接受", "repair": "已修复", "flag": "有疑问", "reject": "退回", "ignore": "忽略"}
SEVERITY_WORDS = {"info": "提示", "warning": "警告", "error": "错误"}
LAW = Path(__file__).parents[1] / "law"


@dataclass(frozen=True)
class Finding:
    """One thing found in a ledger (问题): where, what, and who mends it. ``cell`` is an A1 reference or range; ``column`` the Chinese heading."""

    code: str
    severity: str
    outcome: str
    sheet: str = ""
    cell: str = ""
    row: int | None = None
    column: str = ""
    household: str = ""
    value: str = ""
    repaired_to: str = ""
    message: str = ""
    fixer: str = ""


class Refused(Exception):
    """A file that must not or cannot be read (退回); carries the finding's key and its facts."""

    def __init__(self, key: str, **facts: Any):
        super().__init__(f"{key}: {facts}")
        self.key, self.facts = key, facts


@dataclass
class Ledger:
    """One ledger file as it was read (一个台账文件). ``frame`` has one row per data row; ``rows`` counts them; ``net_income_yuan`` is a control total.

    ``others``: ledgers of other kinds in the same workbook, each with its own frame; their findings are among those of the file.
    """

    path: str
    outcome: str = "accept"
    kind: str = "unknown"
    sheets: list[str] = field(default_factory=list)
    rows: int = 0
    households: int = 0
    net_income_yuan: Decimal | None = None
    findings: list[Finding] = field(default_factory=list)
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    digest: str = ""
    others: list[Ledger] = field(default_factory=list)


@lru_cache(maxsize=1)
def finding_codes() -> dict[str, dict[str, str]]:
    """All finding codes with severity, outcome, fixer and message (问题代码表); ``CODE.variant`` is the same code under other circumstances."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((LAW / "finding_codes.yaml").read_text(encoding="utf-8"), Loader=loader)


class _Facts(dict):
    def __missing__(self, key: str) -> str:
        return ""


def finding(key: str, *, sheet: str = "", cell: str = "", row: int | None = None, column: str = "", household: str = "", value: Any = "",
            new: Any = "", detail: str = "") -> Finding:
    """A finding by its key in ``finding_codes.yaml`` (生成一条问题); the message is made from the template and the facts."""
    entry = finding_codes()[key]
    where = f"{sheet}!{cell}" if sheet and cell else cell or sheet
    shown = clip(value)
    facts = _Facts(where=where, row=row, column=column, household=household or "未知", value=shown or "空白", new=clip(new), detail=detail)
    return Finding(
        code=key.split(".", maxsplit=1)[0], severity=entry["severity"], outcome=entry["outcome"], sheet=sheet, cell=cell, row=row, column=column,
        household=household, value=shown, repaired_to=clip(new) if entry["outcome"] == "repair" else "",
        message=entry["message"].format_map(facts), fixer=entry.get("fixer", ""),
    )


def clip(value: Any, limit: int = 400) -> str:
    """A value as short text for a finding: whole where it is short, else its beginning."""
    text = "" if value is None else str(value)
    return text if len(text) <= limit else f"{text[:limit]}…"


def worst(findings: Iterable[Finding]) -> str:
    """The worst outcome of the findings that count (最重的处理结果); info findings do not change it."""
    ranks = [OUTCOMES.index(item.outcome) for item in findings if item.severity != "info" and item.outcome in OUTCOMES]
    return OUTCOMES[max(ranks, default=0)]


def ledger_dict(ledger: Ledger) -> dict[str, Any]:
    """A ledger as plain data for JSON: everything but the frame. Lone surrogates, which JSON cannot carry, are shown as escapes."""
    net = None if ledger.net_income_yuan is None else float(ledger.net_income_yuan)
    return {
        "path": _plain(ledger.path), "outcome": ledger.outcome, "kind": ledger.kind, "sheets": [_plain(name) for name in ledger.sheets], "rows": ledger.rows,
        "households": ledger.households, "net_income_yuan": net,
        "findings": [{key: _plain(value) for key, value in asdict(item).items()} for item in ledger.findings],
    }


def _plain(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode("utf-8") if isinstance(value, str) else value


def render_check(result: dict[str, Any], format: str = "text") -> str:
    """The result of a check as ``text``, ``json`` or ``html`` (检查结果); the HTML is one self-contained page, everything in it escaped."""
    if format == "json":
        return json.dumps(result, ensure_ascii=False, indent=2)
    if format == "html":
        return _html(result)
    if format == "text":
        return "\n\n".join([*(_text(item) for item in result["files"]), _summary(result["files"])]) if result["files"] else "没有找到台账文件。"
    raise ValueError(f"format {format!r} is not known (格式不支持): use text, json or html")


def _summary(files: list[dict[str, Any]]) -> str:
    counts = Counter(item["outcome"] for item in files)
    words = "，".join(f"{OUTCOME_WORDS[outcome]}{counts[outcome]}个" for outcome in OUTCOME_WORDS if counts[outcome])
    refused = "“退回”的文件不会使用，" if counts["reject"] else ""
    return f"共{len(files)}个文件：{words}。{refused}有疑问的格按未知处理。"


#: So many findings of a kind in one column are written out in the text form; the others are counted.
ALIKE = 5


def _text(item: dict[str, Any]) -> str:
    net = "" if item["net_income_yuan"] is None else f"，纯收入合计{item['net_income_yuan']:.2f}元"
    lines = [f"{_visible(item['path'])}: {OUTCOME_WORDS[item['outcome']]}（{item['outcome']}），{item['kind']}，{item['rows']}行{item['households']}户{net}"]
    times = Counter((found["code"], found["column"]) for found in item["findings"])
    seen: Counter[tuple[str, str]] = Counter()
    for found in item["findings"]:
        same = (found["code"], found["column"])
        seen[same] += 1
        if times[same] > ALIKE + 1 and seen[same] > ALIKE:
            if seen[same] == ALIKE + 1:
                more = f"同一列还有{times[same] - ALIKE}处同样的问题，逐处见 --format html 或 json。"
                lines.append(f"  [{SEVERITY_WORDS[found['severity']]}] {found['code']} {more}")
            continue
        fixer = f"（整改：{found['fixer']}）" if found["fixer"] else ""
        lines.append(f"  [{SEVERITY_WORDS[found['severity']]}] {found['code']} {_visible(found['message'])}{fixer}")
    return "\n".join(lines)


def _visible(text: str) -> str:
    """Control characters as escapes, so that a cell cannot steer the terminal; the wide space of Chinese names is seen as it is."""
    return "".join(char if char.isprintable() or char in " \u3000" else f"\\u{ord(char):04x}" for char in text)


_PAGE = """<!DOCTYPE html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>台账检查结果</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font-family:"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2em;line-height:1.5}}table{{border-collapse:collapse;width:100%}}
th,td{{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top;overflow-wrap:anywhere}}th{{background:#eef1f6}}
.accept{{color:#1a7f37}}.repair{{color:#9a6700}}.flag{{color:#bc4c00}}.reject{{color:#cf222e}}.ignore{{color:#666}}</style></head>
<body><h1>台账检查结果</h1>{body}</body></html>
"""


def _html(result: dict[str, Any]) -> str:
    return _PAGE.format(body="".join(_html_file(item) for item in result["files"]) or "<p>没有找到台账文件。</p>")


def _html_file(item: dict[str, Any]) -> str:
    def safe(value: Any) -> str:
        return html.escape(_visible("" if value is None else str(value)), quote=True)

    net = "" if item["net_income_yuan"] is None else f"，纯收入合计{item['net_income_yuan']:.2f}元"
    head = f"<h2>{safe(item['path'])} <span class=\"{safe(item['outcome'])}\">{OUTCOME_WORDS[item['outcome']]}</span></h2>"
    head += f"<p>{safe(item['kind'])}，{item['rows']}行{item['households']}户{net}</p>"
    if not item["findings"]:
        return head + "<p>没有发现问题。</p>"
    rows = "".join(
        f"<tr><td>{SEVERITY_WORDS[found['severity']]}</td><td>{safe(found['code'])}</td><td>{safe(found['sheet'])}</td><td>{safe(found['cell'])}</td>"
        f"<td>{safe(found['column'])}</td><td>{safe(found['household'])}</td><td>{safe(found['message'])}</td><td>{safe(found['fixer'])}</td></tr>"
        for found in item["findings"]
    )
    titles = "".join(f"<th>{title}</th>" for title in ("程度", "代码", "工作表", "单元格", "列", "户编号", "说明", "整改单位"))
    return f"{head}<table><thead><tr>{titles}</tr></thead><tbody>{rows}</tbody></table>"
