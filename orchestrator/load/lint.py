"""What people may write about static checks: severities by rule, and which folders hold marts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.errors import did_you_mean
from orchestrator.core.rules import RULES, SEVERITIES, code_of, severity_of, spoken
from orchestrator.load.lines import Tree, children, line_of
from orchestrator.load.shape import Check, Key, Table, Text, Texts, is_template


@dataclass(frozen=True, slots=True)
class Rules:
    """A mapping from rules, by code or name, to severities; read as a mapping from codes."""

    def check(self, value: Any, tree: Tree, check: Check, container: Any, key: Any) -> tuple[Any, Tree]:  # noqa: ARG002 - as all shapes
        """The mapping with codes for keys and ``error``, ``warn`` or ``off`` for values."""
        if not isinstance(value, Mapping):
            check.mismatch(key, "a mapping from rules to severities", value, tree)
            return {}, line_of(tree)
        data: dict[str, Any] = {}
        for written, item, below in children(value, tree):
            code, severity = code_of(str(written)), severity_of(item)
            if code is None:
                check.wrong(f"there is no rule `{written}`", below, did_you_mean(str(written), spoken(), also="docs/lint.md lists them"))
            elif severity is None and not is_template(item):
                check.wrong(f"`{written}` cannot be `{item}`", below, "one of " + ", ".join(SEVERITIES))
            else:
                data[code] = item if severity is None else severity
        return data, line_of(tree)

    def schema(self) -> dict[str, Any]:
        """An object whose keys are the rules."""
        severity = {"enum": [*SEVERITIES, False]}
        properties = {word: {**severity, "description": rule.meaning} for rule in RULES.values() for word in (rule.code, rule.name)}
        return {"type": "object", "properties": properties, "additionalProperties": False}


LINT = Table(
    "`lint`",
    {
        "rules": Key(Rules(), "Severities by rule: `error`, `warn` or `off`."),
        "mart_folders": Key(Texts(), "Folders whose models others read (default: marts, mart)."),
    },
    spelled=lambda key: key.replace("-", "_"),
)
"""``[tool.orchestrator.lint]``."""

FORMAT = Table("`format`", {"keywords": Key(Text(("lower", "upper", "keep")), "The case of keywords: lower, upper or keep.")})
"""``[tool.orchestrator.format]``."""
