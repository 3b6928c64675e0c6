"""Tables as a contract says, on BigQuery: it refuses nulls and what is too long, nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from orchestrator.adapters.bigquery.words import GoogleWords
from orchestrator.core.contract import Contract, Support
from orchestrator.core.names import Relation

_NAMES = {
    "INT64": ("int", "integer", "bigint", "smallint", "tinyint", "byteint"),
    "FLOAT64": ("float", "double", "double precision", "real"),
    "NUMERIC": ("decimal",),
    "BIGNUMERIC": ("bigdecimal",),
    "BOOL": ("boolean",),
    "STRING": ("text", "varchar", "character varying", "char", "character"),
    "BYTES": ("bytea", "blob", "binary", "varbinary"),
    "TIME": ("time without time zone",),
    "DATETIME": ("timestamp without time zone",),
    "TIMESTAMP": ("timestamp with time zone", "timestamptz"),
}
"""The standard's words, and other engines'. A plain ``timestamp`` is BigQuery's own word, and has a zone here."""
_TYPE = re.compile(r"\s*([a-z][a-z0-9_ ]*?)\s*(\(.*\))?\s*", re.IGNORECASE)


class GoogleConstraints(GoogleWords):
    """What a contract becomes in GoogleSQL.

    Keys are left out of the table: BigQuery holds no row to them, and does not rename a table that has one, as a first version has to be.
    """

    constraint_support: ClassVar[Mapping[str, Support]] = {
        "not_null": "enforced",
        "primary_key": "not_enforced",
        "foreign_key": "not_enforced",
        "unique": "not_supported",
        "check": "not_supported",
        "custom": "enforced",
    }
    type_aliases: ClassVar[Mapping[str, str]] = {alias: name for name, aliases in _NAMES.items() for alias in aliases}

    def declared_type(self, written: str) -> str:
        """BigQuery's name for a type that a contract declares; a size stays.

        >>> GoogleConstraints().declared_type("varchar(20)"), GoogleConstraints().declared_type("Double Precision")
        ('STRING(20)', 'FLOAT64')
        """
        found = _TYPE.fullmatch(written)
        name = self.type_aliases.get(re.sub(r"\s+", " ", found[1]).casefold()) if found else None
        return f"{name}{found[2] or ''}" if found and name else written

    def create_declared(self, relation: Relation, contract: Contract, config: Mapping[str, Any], *, constrained: bool = True) -> str:
        """Create (or replace) an empty table with a contract's columns, in the partitions and with the options of the config."""
        kept = replace(contract, constraints=tuple(c for c in contract.constraints if self.constraint_support[c.kind] == "enforced"))
        return super().create_declared(relation, kept, config, constrained=constrained) + self.table_options(dict(config))
