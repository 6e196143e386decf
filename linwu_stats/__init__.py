"""linwu_stats: quarterly income and poverty-exit statistics of a county (贫困户人均纯收入测算与脱贫评估).

Flow, one way only::

    raw ledgers -> ledgers -> income -> indicators -> exits -> publish -> HTML, index
                      ^law       ^law                   ^law

The house:

- ``law/``        dated rules as YAML: data, not code
- ``rules/``      ``rules_at(day)``: what is in force on a day
- ``tables/``     every table: columns, types, units, Chinese headings
- ``survey``      designs and variances of samples and registers
- ``ledgers/``    from paper to trusted tables
- ``income/``     line items to net income; one household explained line by line
- ``indicators/`` poverty and inequality
- ``exits/``      household, village, county; what changed between two quarters
- ``disclosure/`` what may be published of counts and rates
- ``publish/``    figures, pages, the batch
- ``store``       the lock of a run, and tables that are exchanged in one step
- ``quarter``     one quarter's tables in the order in which they are made
- ``synthetic/``  an invented county with known true answers
- ``cli/``        the command ``linwu-stats``

Import law (kept by ``tests/test_architecture.py``): a stage (``ledgers``, ``income``, ``indicators``, ``exits``, ``disclosure``) imports only ``tables``,
``rules``, ``survey`` and the declared dependencies, never another stage; ``quarter`` alone imports the stages and calls them in order; ``publish``
imports ``tables``, ``rules``, ``store``, ``quarter`` and, for words, reasons and the public edition, ``indicators``, ``exits`` and ``disclosure``;
``synthetic`` imports no stage, so that it shares no bug with ``income``.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["RefusedError", "__version__", "open_quarter", "rules_at"]


class RefusedError(ValueError):
    """Ledgers or law cannot carry the figures (台账或规则不能使用); the message says what is wrong, where, and what to do next."""


def __getattr__(name: str) -> Any:
    """Load the public names when they are first asked for: ``import linwu_stats`` alone stays light."""
    if name == "open_quarter":
        from linwu_stats.quarter import open_quarter

        return open_quarter
    if name == "rules_at":
        from linwu_stats.rules import rules_at

        return rules_at
    raise AttributeError(f"module 'linwu_stats' has no attribute {name!r}")
