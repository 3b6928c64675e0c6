"""What a statement that answers with no rows did."""

from __future__ import annotations

import re

from orchestrator.core.ports import Answer

_COUNTED = re.compile(r"(SELECT|INSERT(?= \d+ )|INSERT|UPDATE|DELETE|MERGE|COPY)(?: \d+)? (\d+)")


def done(tag: str) -> Answer:
    """The answer that the server's word for a finished statement is.

    >>> done("INSERT 0 3").affected, done("SELECT 2").message, done("CREATE TABLE").affected
    (3, 'SELECT 2', None)
    """
    counted = _COUNTED.fullmatch(tag)
    if counted is None:
        return Answer()
    affected = int(counted[2])
    return Answer(affected=affected, message=f"{counted[1]} {affected}", details={"rows_affected": affected})
