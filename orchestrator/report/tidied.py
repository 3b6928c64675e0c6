"""What became of files that were to be made tidy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import unified_diff


def difference(path: str, before: str, after: str) -> str:
    r"""A unified diff, as ``git apply`` takes it.

    >>> print(difference("a.sql", "SELECT 1\n", "select 1\n"), end="")
    --- a/a.sql
    +++ b/a.sql
    @@ -1 +1 @@
    -SELECT 1
    +select 1
    """
    lines = unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def told(changed: int, left: Sequence[tuple[str, str]], fine: int, *, written: bool) -> str:
    """What to say beside the list of files.

    >>> print(told(1, [("models/a.sql", "a `set` block is in it")], 3, written=False))
    left alone: models/a.sql (a `set` block is in it)
    1 file would be changed, 3 are tidy, 1 left alone
    """
    lines = [f"left alone: {path} ({why})" for path, why in left]
    counted = [f"{changed} file{'s' if changed != 1 else ''} {'changed' if written else 'would be changed'}"] if changed else []
    counted += [f"{fine} {'are' if fine != 1 else 'is'} tidy"] if fine or not changed else []
    counted += [f"{len(left)} left alone"] if left else []
    return "\n".join([*lines, ", ".join(counted)])
