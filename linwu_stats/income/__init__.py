"""Income of households: which quarters, how much, and why (收入核算).

- ``periods``   quarters and accounting periods
- ``account``   line items to net income, head counts, per-capita income; the identities of the income form
- ``explain``   one household's calculation line by line
"""

from __future__ import annotations

from linwu_stats.income.account import account_households, account_items, check_identities, count_heads, find_disagreements
from linwu_stats.income.explain import explain_household, format_explanation
from linwu_stats.income.periods import accounting_year, is_complete, quarters_of

__all__ = [
    "account_households", "account_items", "accounting_year", "check_identities", "count_heads", "explain_household", "find_disagreements",
    "format_explanation", "is_complete", "quarters_of",
]
