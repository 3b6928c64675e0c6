"""What to say to Postgres."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, ClassVar

from orchestrator.adapters.ansi import INTERVALS, LEASE_COLUMNS, LEASES, LEDGER, LEDGER_COLUMNS, AnsiDialect
from orchestrator.adapters.postgres.constraints import PostgresConstraints
from orchestrator.adapters.postgres.delta import PostgresDelta
from orchestrator.adapters.postgres.functions import ORDER, functions, named
from orchestrator.core.config import listed
from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import LONGEST, STAGE_SUFFIX, Relation, shortened
from orchestrator.core.ports import SENT
from orchestrator.core.snapshot import LEASE_SECONDS, Existing, Lease, Published

LOCK = 0x6F7263
"""The advisory lock that serialises changes of the namespace (schemas, the ledger): Postgres itself lets them collide."""

ALONE = f"select pg_advisory_xact_lock({LOCK})"
"""What a statement that changes the namespace begins with: it may be sent again when somebody else was in its way."""

UNEQUAL = frozenset({"xml", "point", "line", "lseg", "box", "path", "polygon", "circle"})
"""Types whose values have no order or hash to compare rows by."""

INDEX_KEYS = ("columns", "unique", "type")
"""What an entry of `indexes` may say."""


_OURS = re.compile(r"__orc_[0-9a-f]{8}$")
INCOMPARABLE = frozenset({"json", "xml", "point", "box", "polygon", "line", "lseg", "path", "circle"})
"""Types whose values cannot be asked whether they are equal, or that only seem to (boxes of one size)."""


class PostgresDialect(PostgresConstraints, PostgresDelta):
    """Postgres 12 and later; ``merge`` needs 15. A table is replaced, and all that belongs to it kept, by :mod:`.functions`."""

    name = "postgres"
    sqlglot = "postgres"
    max_identifier = LONGEST
    materialized_views = True
    keywords: ClassVar[dict[str, str]] = {**AnsiDialect.keywords, "external": "foreign table"}

    def literal(self, value: object) -> str:
        """A Python value as a SQL literal. Raises ``TypeError`` for a type that has none.

        >>> PostgresDialect().literal(Decimal("NaN"))
        "cast('NaN' as numeric)"
        """
        if isinstance(value, Decimal) and not value.is_finite():
            return f"cast('{value}' as numeric)"
        if isinstance(value, float) and math.isfinite(value) and "e" in repr(value):
            return f"cast('{value!r}' as double precision)"
        return super().literal(value)

    def comparable(self, expression: str, type_: str) -> str:
        """An expression of a type as one that ``=`` and ``except`` take.

        >>> PostgresDialect().comparable("doc", "json"), PostgresDialect().comparable("doc", "jsonb")
        ('cast(doc as jsonb)', 'doc')
        """
        other = "jsonb" if type_ == "json" else "text" if type_ in UNEQUAL else None
        return f"cast({expression} as {other})" if other else expression

    def row_digest(self, values: Sequence[str]) -> str:
        """A whole number of 64 bits for the values of a row, nulls included: of the row's text, which quotes what it must."""
        return f"hashtextextended(row({', '.join(values)})::text, 0)" if values else "0::bigint"

    def digest_sum(self, digest: str) -> str:
        """The sum of the digests of all rows, as text; sums of bigint are numeric."""
        return f"cast(sum({digest}) as text)"

    def as_text(self, expression: str) -> str:
        """A value as text, whatever its type."""
        return f"cast({expression} as text)"

    def meeting_type(self, before: str, after: str) -> str | None:
        """A type that holds every value of both types exactly; ``numeric`` has no bounds.

        >>> PostgresDialect().meeting_type("bigint", "numeric"), PostgresDialect().meeting_type("character(5)", "character varying(9)")
        ('numeric', 'text')
        """
        kinds = {self.value_kind(before), self.value_kind(after)}
        if "exact" in kinds and kinds <= {"whole", "exact"}:
            return "numeric"
        return "text" if kinds == {"text"} else super().meeting_type(before, after)

    def binary(self, value: bytes) -> str:
        r"""A byte string literal.

        >>> PostgresDialect().binary(b"\x00'")
        "'\\x0027'::bytea"
        """
        return f"'\\x{value.hex()}'::bytea"

    def array(self, values: Sequence[object]) -> str:
        """An array literal; one without elements fits any array."""
        return super().array(values) if values else "'{}'"

    def create_schema(self, relation: Relation) -> str:
        """Create the relation's schema if it is not there; one at a time, also when several runs begin together."""
        schema = f"create schema if not exists {self.quote(relation.schema or 'public')}"
        return f"{self._alone()};\n{schema}"

    def drop_schema(self, relation: Relation) -> str:
        """Drop the relation's schema and everything in it; Postgres names no database there."""
        return super().drop_schema(Relation(None, relation.schema, ""))

    def create_table(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a table from a query; the query's text appears unchanged and last."""
        unlogged = "unlogged " if config.get("unlogged") else ""
        name = self.relation(relation)
        return f"drop table if exists {name};\ncreate {unlogged}table {name}{self.table_options(config)} as\n{select}"

    def create_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a view over a query, whatever columns it had; the query's text appears unchanged and last."""
        name = self.relation(relation)
        return f"drop view if exists {name};\ncreate view {name}{self.view_options(config)} as\n{select}"

    def create_materialized_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a materialized view over a query; the query's text appears unchanged and last."""
        name = self.relation(relation)
        return f"drop materialized view if exists {name};\ncreate materialized view {name}{self.view_options(config)} as\n{select}"

    def refresh(self, relation: Relation, select: str, config: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  the server has the query
        """Bring a materialized view's rows up to date; readers need not wait when it has a unique index."""
        return (self._call("refresh", self._schema(relation), self.text(relation.name)),)

    def reconfigure(self, existing: Existing, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Indexes of the model's own that are new are made, those that are gone dropped; what somebody added stays."""
        where = existing.relation
        wanted = {self._index_name(where.stage, index): index for index in self._indexes(config)}
        ours = [name for name in existing.indexes if _OURS.search(name)]
        schema = f"{self.quote(where.schema)}." if where.schema else ""
        gone = (f"drop index {schema}{self.quote(name)}" for name in ours if name not in wanted)
        return (*gone, *(self._index(where, name, index) for name, index in wanted.items() if name not in ours))

    def swap(
        self,
        stage: Relation,
        target: Relation,
        existing: Existing | None,  # noqa: ARG002  looked up when it happens
        config: Mapping[str, Any] | None = None,  # noqa: ARG002  same
    ) -> tuple[str, ...]:
        """Make the staged table the published one with all that belonged to the old one; views over it are kept, or it is refused."""
        return (self._call("swap", self._schema(target), self.text(stage.name), self.text(target.name)),)

    def swap_rows(
        self,
        stage: Relation,
        target: Relation,
        existing: Existing | None,  # noqa: ARG002  looked up when it happens
        config: Mapping[str, Any] | None = None,  # noqa: ARG002  same
    ) -> tuple[str, ...]:
        """Give the published table the stage's rows, where nothing but rows is different; else as :meth:`swap`."""
        return (self._call("in_place", self._schema(target), self.text(stage.name), self.text(target.name)),)

    def swap_view(self, stage: Relation, target: Relation, existing: Existing | None) -> tuple[str, ...]:
        """Make the staged view the published one; views over it are kept, or it is refused."""
        return self.swap(stage, target, existing)

    def finish(self, stage: Relation, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Logging, indexes, and statistics for the queries to come.

        >>> PostgresDialect().finish(Relation(None, "a", "t__orc_stage"), {"indexes": [{"columns": "id"}]})[0].partition(" on ")[2]
        '"a"."t__orc_stage" ("id")'
        """
        new = "_new" if stage.name.endswith(STAGE_SUFFIX) else ""  # a swap gives the indexes of a stage their own names
        indexes = [self._index(stage, f"{self._index_name(stage, index)}{new}", index) for index in self._indexes(config)]
        # seeds and frames come into a table that is not; one made from a query is already, and this does nothing
        unlogged = (f"alter table {self.relation(stage)} set unlogged",) if config.get("unlogged") else ()
        return (*unlogged, *indexes, f"analyze {self.relation(stage)}")

    def grants(self, relation: Relation, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        """Make the privileges of everybody but the owner those that are ``wanted``; nothing wanted leaves them as they are."""
        if not wanted:
            return ()
        given = {str(privilege).lower(): [str(r) for r in listed(roles)] for privilege, roles in wanted.items()}
        shown = f"{self.text(json.dumps(given, sort_keys=True))}::jsonb"
        call = self._call("grant", self._schema(relation), self.text(relation.name), shown)
        return (f"{call} as {self.quote(SENT)}",)

    def ledger_setup(self) -> tuple[str, ...]:
        """Create the ledger, the leases, and the functions that publish, if they are not there; one run at a time.

        What is there is not asked for again: "if not exists" wants the right to create also where nothing is created.
        """
        columns = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in LEDGER_COLUMNS)
        schema = self.quote(str(LEDGER.schema))
        table = f"create table {self.relation(LEDGER)} ({columns}, primary key ({self.quote('node')}))"
        names = ", ".join(f"{self.quote(name)} {type_}" for name, type_ in LEASE_COLUMNS)
        leases = f"create table {self.relation(LEASES)} ({names}, primary key ({self.quote('relation')}))"
        last = self.text(f"{schema}.{self.quote(named(ORDER[-1]))}")
        steps = (
            (f"to_regnamespace({self.text(schema)})", f"create schema {schema}"),
            (f"to_regclass({self.text(self.relation(LEDGER))})", table),
            (f"to_regclass({self.text(self.relation(LEASES))})", leases),
            (f"to_regproc({last})", f"execute $orc_text$\n{functions(schema)}\n$orc_text$"),
        )
        made = "\n".join(f"if {found} is null then\n{create};\nend if;" for found, create in steps)
        return (f"{self._alone()};\ndo $orc_setup$ begin\n{made}\nend $orc_setup$",)

    def ledger_widen(self) -> tuple[str, ...]:
        """Add the column that an older version's ledger lacks; one run at a time."""
        return (f"{self._alone()};\n{super().ledger_widen()[0]}",)

    def share(self, column: str, millionths: int) -> str:
        """The condition that a row's key falls into a share of all keys."""
        return f"('x' || substr(md5({column}::text), 1, 8))::bit(32)::bigint % 1000000 < {millionths}"

    def intervals_setup(self) -> tuple[str, ...]:
        """Create the interval ledger if it is not there; one run at a time. Asking first needs no right to create."""
        (create,) = super().intervals_setup()
        made = f"if to_regclass({self.text(self.relation(INTERVALS))}) is null then\n{create};\nend if;"
        return (f"{self._alone()};\ndo $orc_setup$ begin\n{made}\nend $orc_setup$",)

    def ledger_write(self, published: Published, *, known: bool = True, lease: Lease | None = None) -> tuple[str, ...]:  # noqa: ARG002 - one statement serves both
        """Return the lease and record the publish, replacing the node's previous row: one text in the publish's transaction."""
        names = [self.quote(name) for name, _ in LEDGER_COLUMNS]
        values = ", ".join(self.literal(getattr(published, name)) for name, _ in LEDGER_COLUMNS)
        sets = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        into = f"insert into {self.relation(LEDGER)} ({', '.join(names)})"
        returned = f"{self._give_back(lease)};\n" if lease else ""
        return (f"{returned}{into} values ({values})\non conflict ({names[0]}) do update set {sets}",)

    def ledger_claim(self, rows: Sequence[Published]) -> str:
        """Record what is about to be built; another run may be faster."""
        return f"{super().ledger_claim(rows)}\non conflict ({self.quote(LEDGER_COLUMNS[0][0])}) do nothing"

    def lease_setup(self) -> tuple[str, ...]:
        """The ledger's setup has made it."""
        return ()

    def lease_claim(self, relation: Relation, run: str) -> tuple[str, ...]:
        """Take a lease if it can be had; answers who has it: one round trip that never waits."""
        claim = f"{self.quote(str(LEDGER.schema))}.{self.quote(named('claim'))}"
        return (f"select run, fence, since from {claim}({self.text(self.lease_key(relation))}, {self.text(run)}, {LEASE_SECONDS})",)

    def time_limit(self, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The server ends a statement that takes longer, also when nobody can ask it to; a second later than we do."""
        return (f"set statement_timeout = {int((seconds + 1) * 1000)}",), ("reset statement_timeout",)

    def lease_beat(self, run: str) -> tuple[str, ...]:
        """Say that a run lives; a lease whose publish is on its way needs no word."""
        table, mine = self.relation(LEASES), f"run = {self.text(run)}"
        waiting = f"select relation from {table} where {mine} for update skip locked"
        return (f"update {table} set heartbeat = clock_timestamp() where {mine} and relation in ({waiting})",)

    def lease_check(self, lease: Lease) -> tuple[str, ...]:
        """Make sure of a lease until the transaction ends, and keep it."""
        return (self._give_back(lease, keep=True),)

    def lease_end(self, lease: Lease, *, published: bool) -> tuple[str, ...]:
        """Return a lease under which nothing was published; a publish has done so itself."""
        return () if published else (self._give_back(lease),)

    def lease_key(self, relation: Relation) -> str:
        """What a relation is called among the leases of its database."""
        return super().lease_key(Relation(None, relation.schema, relation.name))

    def _give_back(self, lease: Lease, *, keep: bool = False) -> str:
        whose = (self.text(self.lease_key(lease.relation)), self.text(lease.run), str(lease.fence))
        return self._call("giveback", *whose, self.literal(keep))

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """All comments of a relation in one text: one round trip."""
        statements = super().comment(relation, kind.replace("_", " "), description, columns)
        return (";\n".join(statements),) if statements else ()

    def fold(self, identifier: str) -> str:
        """How the engine spells an identifier that is written without quotes.

        >>> PostgresDialect().fold("Valid_To"), PostgresDialect().fold("Valid To")
        ('valid_to', 'Valid To')
        """
        return identifier.lower() if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", identifier) else identifier

    def exists(self, relation: Relation) -> str:
        """A query with one value: whether there is a table or view of this name right now."""
        return f"select to_regclass({self.text(self.relation(relation))}) is not null"

    def history_lock(self, target: Relation) -> tuple[str, ...]:
        """One session at a time works on a snapshot: two that saw the same current versions would both write new ones."""
        number = int.from_bytes(sha256(f"snapshot {target}".encode()).digest()[:8], "big", signed=True)
        return (f"select pg_advisory_xact_lock({number})",)

    def differs(self, left: str, right: str, type_: str) -> str:
        """The condition that two values of a column are not the same; types without equality are compared as texts.

        >>> PostgresDialect().differs("a.x", "b.x", "json")
        'cast(a.x as text) is distinct from cast(b.x as text)'
        """
        if type_.removesuffix("[]") in INCOMPARABLE:
            return f"{super().differs(f'cast({left} as text)', f'cast({right} as text)', type_)}"
        return super().differs(left, right, type_)

    def _indexes(self, config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The entries of ``indexes``, if they make sense."""
        for index in listed(config.get("indexes")):
            if not isinstance(index, Mapping) or not listed(index.get("columns")):
                raise PlanError(
                    Problem(
                        "N304", f"an entry of `indexes` needs `columns`, not `{index}`", hint="indexes: [{columns: [id], unique: true}]"
                    )
                )
            for key in index:
                if key not in INDEX_KEYS:
                    raise PlanError(Problem("N304", f"`{key}` is not a key of `indexes`", hint=did_you_mean(key, INDEX_KEYS)))
        return listed(config.get("indexes"))

    def _index_name(self, stage: Relation, index: Mapping[str, Any]) -> str:
        """What an index is called when it is published: the same every time, and never what somebody else would call one."""
        columns, unique, type_ = [str(c) for c in listed(index["columns"])], bool(index.get("unique")), index.get("type")
        table = stage.name.rpartition("__orc_stage")[0] or stage.name
        digest = sha256(repr((str(stage), columns, unique, type_)).encode()).hexdigest()[:8]
        return f"{shortened('_'.join([table, *columns]), LONGEST - 18)}__orc_{digest}"

    def _index(self, relation: Relation, name: str, index: Mapping[str, Any]) -> str:
        using = f" using {self.quote(str(index['type']).lower())}" if index.get("type") else ""
        columns = ", ".join(self.quote(str(c)) for c in listed(index["columns"]))
        return f"create {'unique ' if index.get('unique') else ''}index {self.quote(name)} on {self.relation(relation)}{using} ({columns})"

    def _schema(self, relation: Relation) -> str:
        return self.text(relation.schema) if relation.schema else "current_schema()"

    def _call(self, function: str, *arguments: str) -> str:
        return f"select {self.quote(str(LEDGER.schema))}.{self.quote(named(function))}({', '.join(arguments)})"

    def _alone(self) -> str:
        return ALONE
