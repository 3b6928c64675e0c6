"""A snapshot's statements as GoogleSQL writes them."""

from __future__ import annotations

import re
from typing import Literal

from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.names import Relation

_UNEQUAL = re.compile(r"array\s*<|struct\s*<|json$|geography$", re.IGNORECASE)
"""Types whose values, or those inside, have no equality."""


class Histories(GoogleWords):
    """Where the statements of a snapshot differ from the standard's."""

    def exists(self, relation: Relation) -> str:
        """A query with one row of one column: whether there is a table or view of this name right now."""
        where = "".join(f"{self.quote(part)}." for part in (relation.database, relation.schema) if part)
        return f"select count(*) > 0 from {where}INFORMATION_SCHEMA.TABLES where table_name = {self.text(relation.name)}"

    def clock_kind(self, type_: str) -> Literal["zoned", "plain", "date"] | None:
        """What sort of moment a column type holds.

        >>> [Histories().clock_kind(t) for t in ("TIMESTAMP", "DATETIME", "date", "STRING")]
        ['zoned', 'plain', 'date', None]
        """
        kinds: dict[str, Literal["zoned", "plain", "date"]] = {"timestamp": "zoned", "datetime": "plain", "date": "date"}
        return kinds.get(type_.strip().casefold().partition("(")[0])

    def as_text(self, expression: str) -> str:
        """A value as text."""
        return f"cast({expression} as string)"

    def digest(self, text: str) -> str:
        """The MD5 of a text, in hex."""
        return f"to_hex(md5({text}))"

    def differs(self, left: str, right: str, type_: str) -> str:
        """The condition that two values of a column are not the same; those without an equality are compared as JSON.

        >>> Histories().differs("a.x", "b.x", "JSON")
        'if(a.x is null, null, to_json_string(a.x)) is distinct from if(b.x is null, null, to_json_string(b.x))'
        """
        if _UNEQUAL.match(type_.strip()):
            left, right = (f"if({side} is null, null, to_json_string({side}))" for side in (left, right))
        return super().differs(left, right, type_)
