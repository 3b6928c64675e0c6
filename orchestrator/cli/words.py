"""``--select a b c``: several words after one flag, as dbt's users type it."""

from __future__ import annotations

from collections.abc import Sequence

WORDY = frozenset({"-s", "--select", "-m", "--models", "--exclude", "--resource-type", "--exclude-resource-type", "--output-keys"})


def gathered(arguments: Sequence[str]) -> list[str]:
    """Join the words behind a wordy flag into its one value; click then sees an ordinary option.

    >>> gathered(["run", "-s", "a", "b+", "--threads", "4"])
    ['run', '-s', 'a b+', '--threads', '4']
    """
    found: list[str] = []
    position = 0
    while position < len(arguments):
        word = arguments[position]
        position += 1
        found.append(word)
        if word not in WORDY:
            continue
        values: list[str] = []
        while position < len(arguments) and (not arguments[position].startswith("-") or arguments[position] == ""):
            values.append(arguments[position])
            position += 1
        if values:
            found.append(" ".join(values))
    return found
