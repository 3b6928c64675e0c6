"""The command line as dbt's users type it: several words after one flag, options before the command."""

from __future__ import annotations

from collections.abc import Collection, Sequence

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


def command_first(arguments: Sequence[str], commands: Collection[str], valued: Collection[str]) -> list[str]:
    """Options written before the command, moved behind it; ``valued`` are those that take the word after them.

    >>> command_first(["--log-format", "json", "--debug", "run", "-s", "a"], {"run"}, {"--log-format", "-s"})
    ['run', '--log-format', 'json', '--debug', '-s', 'a']
    >>> command_first(["--version"], {"run"}, set())
    ['--version']
    """
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] in valued else 1
    if position == 0 or position >= len(arguments) or arguments[position] not in commands:
        return list(arguments)
    return [arguments[position], *arguments[:position], *arguments[position + 1 :]]
