"""The law (规则): what is in force on a day, and what may not be said in it.

- ``law``        ``rules_at(day)``: dated values read from ``linwu_stats/law/*.yaml`` and a county's own ``data/law``
- ``shapes``     what a value must look like by its unit
- ``families``   what the values of each family must say
"""

from __future__ import annotations

from linwu_stats.rules.law import LAW_FOLDER, RULE_FILES, Rule, Rules, law_digest, read_entries, rules_at
from linwu_stats.rules.shapes import LawError

__all__ = ["LAW_FOLDER", "RULE_FILES", "LawError", "Rule", "Rules", "law_digest", "read_entries", "rules_at"]
