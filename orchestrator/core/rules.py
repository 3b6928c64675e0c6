"""The rules of static checks: what each code is called, how much it matters unless the project says otherwise, what it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Severity = Literal["error", "warn", "off"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)

MART_FOLDERS = ("marts", "mart")
"""Folders whose models others read: what is a habit elsewhere is a promise there."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One static check. ``marts`` says that it is about models of mart folders only."""

    code: str
    name: str
    severity: Severity
    meaning: str
    marts: bool = False


_TABLE: tuple[Rule, ...] = (
    Rule("S101", "unknown-column", "error", "a column that no table of the query has"),
    Rule("S102", "ambiguous-column", "error", "a column that several tables of the query have"),
    Rule("S103", "unequal-sides", "error", "a set operation whose sides have different numbers of columns"),
    Rule("S104", "unknown-shared-column", "error", "a column of USING or of a star's list that is not there"),
    Rule("S105", "unknown-table-name", "error", "a column of a table that the query does not name"),
    Rule("S106", "column-twice", "warn", "two columns of one name in the result"),
    Rule("S107", "wrong-width", "error", "more names than columns, or rows of VALUES that differ in length"),
    Rule("S201", "unlike-types", "error", "a comparison of types that the engine does not compare"),
    Rule("S202", "unlike-keys", "warn", "join keys of different types"),
    Rule("S203", "sum-of-text", "error", "a sum or average of what is no number"),
    Rule("S204", "unlike-sides", "error", "a column of a set operation with types that do not go together"),
    Rule("S205", "arithmetic-with-text", "error", "arithmetic with what is no number"),
    Rule("S301", "unused-cte", "warn", "a CTE that nothing reads"),
    Rule("S302", "cartesian-join", "warn", "a source that nothing ties to the ones before it"),
    Rule("S303", "star-in-mart", "warn", "a mart whose last `select *` takes whatever columns a table will have", marts=True),
    Rule("S304", "condition-astray", "error", "a join condition that does not mention what it joins"),
    Rule("S305", "equals-null", "error", "a comparison with null, which is never true"),
    Rule("S306", "undone-left-join", "warn", "a WHERE that throws away the rows a LEFT JOIN keeps"),
    Rule("S307", "unordered-window", "warn", "a window function of neighbours or ranks over rows in no order"),
    Rule("S390", "unused-noqa", "warn", "a `noqa` that silences nothing"),
    Rule("S401", "contract-missing", "error", "a contract's column that the query does not give"),
    Rule("S402", "contract-extra", "error", "a column of the query that the contract does not list"),
    Rule("S403", "contract-retyped", "error", "a column whose type is not the contract's"),
    Rule("S404", "undocumented-target", "warn", "a documented column that the model does not have"),
    Rule("S405", "test-of-nothing", "error", "a data test of a column that does not exist"),
    Rule("S406", "relationship-to-nothing", "error", "a `relationships` test whose field does not exist"),
    Rule("S407", "unit-test-column", "error", "a unit test with rows of a column that does not exist"),
    Rule("S450", "public-pii", "error", "personal data that reach a public model"),
    Rule("S451", "unexplained-declassification", "warn", "a column that is declassified without a reason"),
)
RULES: Mapping[str, Rule] = {rule.code: rule for rule in _TABLE}
"""All rules by code."""

_OURS = re.compile(r"S\d{3}")
_BY_NAME = {rule.name: rule.code for rule in _TABLE}


def spoken() -> tuple[str, ...]:
    """Every word that names a rule: for suggestions."""
    return (*RULES, *_BY_NAME)


def code_of(written: str) -> str | None:
    """The code of a rule that is named by code or name; ``None`` when there is none.

    >>> code_of("s301"), code_of("unused-cte"), code_of("unused_cte"), code_of("nope")
    ('S301', 'S301', 'S301', None)
    """
    if written.upper() in RULES:
        return written.upper()
    return _BY_NAME.get(written.lower().replace("_", "-"))


def severity_of(written: Any) -> Severity | None:
    """A severity as people write it (YAML makes ``off`` false); ``None`` when it is none.

    >>> severity_of("warn"), severity_of("Warning"), severity_of(False), severity_of("maybe")
    ('warn', 'warn', 'off', None)
    """
    if written is False:
        return "off"
    word = str(written).lower()
    word = {"warning": "warn", "false": "off", "ignore": "off"}.get(word, word)
    return next((s for s in SEVERITIES if s == word), None)


def coded(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Rules by code where they are known, so that a rule's code and its name are one key.

    >>> coded({"unused-cte": "off", "S303": "error", "mine": "off"})
    {'S301': 'off', 'S303': 'error', 'mine': 'off'}
    """
    return {code_of(str(k)) or str(k): v for k, v in rules.items()}


def default(code: str) -> Severity:
    """How much a rule matters when nobody said anything; other tools' rules are about style.

    >>> default("S304"), default("LT01")
    ('error', 'warn')
    """
    if code in RULES:
        return RULES[code].severity
    return "error" if _OURS.fullmatch(code) else "warn"
