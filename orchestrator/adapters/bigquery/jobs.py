"""Jobs that are not SQL, as text: so that a plan shows what is sent, and one list of statements drives everything.

A job's text is a comment that names it, and a line with its tables::

    -- job: copy (write_truncate)
    `shop`.`marts`.`orders__orc_stage` → `shop`.`marts`.`orders`
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from orchestrator.adapters.bigquery.layout import quoted
from orchestrator.core.names import Relation

LONGEST_LABEL = 63


@dataclass(frozen=True, slots=True)
class Copy:
    """Replace what is in ``target`` by ``source``, at once; ``partitions`` replaces only the partitions that ``source`` has, one by one.

    ``key`` names the key of KMS that encrypts the target, if it is one of the author's.
    """

    source: Relation
    target: Relation
    partitions: bool = False
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Inherit:
    """Give ``target`` the access policy of ``source``."""

    source: Relation
    target: Relation


@dataclass(frozen=True, slots=True)
class Describe:
    """Set descriptions and policy tags of a relation and its columns, in one change; ``None`` and columns not named stay as they are."""

    target: Relation
    description: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Grant:
    """Make a relation's own access policy: role → members."""

    target: Relation
    wanted: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Arrive:
    """Create (or replace) a table that is split by the moment at which its rows arrive, and fill it from a query.

    No query can make such a table: its columns are asked for first. ``field`` is the query's column that the moment comes from,
    ``arrival`` the SQL that makes it; ``clauses`` are partitions, clusters and options, starting with a line break.
    """

    target: Relation
    field: str
    arrival: str
    clauses: str
    select: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """Bring a materialized view up to date. BigQuery refuses when a table that it reads was dropped and made anew: then ``create`` it."""

    target: Relation
    create: str


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Ask who has a lease. If it is ``run`` (a literal) and was another's that died, the jobs that this one left are ended first."""

    run: str
    select: str


Job = Copy | Inherit | Describe | Grant | Arrive | Refresh | TakeOver

_NAME = r"`(?:[^`\\]|\\.)+`"
_TABLE = rf"{_NAME}(?:\.{_NAME}){{0,2}}"
_BEFORE, _BEHIND = re.compile(r"\A/\*.*?\*/\n", re.DOTALL), re.compile(r"\n/\*[^\n]*\*/\Z")
_COPY = re.compile(rf"-- job: copy (partitions )?\(write_truncate(?:, kms_key_name=([\w/.:-]+))?\)\n({_TABLE}) → ({_TABLE})")
_INHERIT = re.compile(rf"-- job: inherit access\n({_TABLE}) → ({_TABLE})")
_ARRIVE = re.compile(
    rf"-- job: create by arrival of ({_NAME}) as ([^\n]*)\ncreate or replace table ({_TABLE})((?:\n[^\n]*)*?) as\n(.*)", re.DOTALL
)
_REFRESH = re.compile(
    rf"-- job: refresh, or if a table below was made anew\n({_TABLE}):\n(create or replace materialized view .*)", re.DOTALL
)
_TAKE_OVER = re.compile(r"-- job: end what a dead run left, for ('[^\n]*')\n(select .*)", re.DOTALL)
_ONE = re.compile(rf"-- job: (describe|grant)\n({_TABLE}) (\{{.*\}})", re.DOTALL)


def text(job: Job) -> str:
    """A job as a statement of a plan.

    >>> print(text(Copy(Relation("p", "d", "t__orc_stage"), Relation("p", "d", "t"))))
    -- job: copy (write_truncate)
    `p`.`d`.`t__orc_stage` → `p`.`d`.`t`
    """
    match job:
        case Copy():
            what, key = "partitions " if job.partitions else "", f", kms_key_name={job.key}" if job.key else ""
            return f"-- job: copy {what}(write_truncate{key})\n{_name(job.source)} → {_name(job.target)}"
        case Inherit():
            return f"-- job: inherit access\n{_name(job.source)} → {_name(job.target)}"
        case Arrive():
            head = f"-- job: create by arrival of {quoted(job.field)} as {job.arrival}"
            return f"{head}\ncreate or replace table {_name(job.target)}{job.clauses} as\n{job.select}"
        case Refresh():
            return f"-- job: refresh, or if a table below was made anew\n{_name(job.target)}:\n{job.create}"
        case TakeOver():
            return f"-- job: end what a dead run left, for {job.run}\n{job.select}"
        case Describe():
            said: dict[str, object] = {} if job.description is None else {"description": job.description}
            said |= {key: dict(part) for key, part in (("columns", job.columns), ("policy_tags", job.tags)) if part}
            return f"-- job: describe\n{_name(job.target)} {json.dumps(said, ensure_ascii=False)}"
        case Grant():
            return f"-- job: grant\n{_name(job.target)} {json.dumps({k: list(v) for k, v in job.wanted.items()}, ensure_ascii=False)}"


def parsed(statement: str) -> Job | None:
    r"""The job that a statement's text is, ``None`` for SQL. Only a text that :func:`text` wrote is a job; the comment that
    every statement of a run may carry does not count.

    >>> parsed("-- job: copy something\\nselect 1") is None
    True
    """
    statement = _BEFORE.sub("", statement)
    if not statement.startswith("-- job: "):
        return None
    statement = _BEHIND.sub("", statement)
    if copy := _COPY.fullmatch(statement):
        return Copy(_relation(copy[3]), _relation(copy[4]), bool(copy[1]), copy[2])
    if inherit := _INHERIT.fullmatch(statement):
        return Inherit(_relation(inherit[1]), _relation(inherit[2]))
    if arrive := _ARRIVE.fullmatch(statement):
        return Arrive(_relation(arrive[3]), re.sub(r"\\(.)", r"\1", arrive[1][1:-1]), arrive[2], arrive[4], arrive[5])
    if refresh := _REFRESH.fullmatch(statement):
        return Refresh(_relation(refresh[1]), refresh[2])
    if taken := _TAKE_OVER.fullmatch(statement):
        return TakeOver(taken[1], taken[2])
    one = _ONE.fullmatch(statement)
    if one is None:
        return None
    try:
        said = json.loads(one[3])
    except ValueError:
        return None
    target = _relation(one[2])
    if one[1] == "grant":
        return Grant(target, {role: tuple(members) for role, members in said.items()})
    tags = {column: tuple(names) for column, names in said.get("policy_tags", {}).items()}
    return Describe(target, said.get("description"), said.get("columns", {}), tags)


def job_id(run: str, node: str, sequence: str, attempt: int) -> str:
    """A job's name: who sends the same thing again meets the job that is there. A second *job* for it is another ``attempt``.

    >>> job_id("r 1", "model.shop.orders", "4f2a-3", 0)
    'r-1_8f5846947352_4f2a-3_0'
    """
    return f"{jobs_of(run, node)}{sequence}_{attempt}"


def jobs_of(run: str, node: str) -> str:
    """How the names of all jobs of a run for a node begin."""
    shown = re.sub(r"[^A-Za-z0-9-]", "-", run) or "orc"
    return f"{shown}_{sha256(node.encode()).hexdigest()[:12]}_"


def label(value: str) -> str:
    """A value as BigQuery allows it in a label: small letters, digits, dashes and underscores, at most 63.

    >>> label("model.shop.Orders"), label("é" * 2)
    ('model_shop_orders', '__')
    """
    return re.sub(r"[^a-z0-9_-]", "_", value.lower())[:LONGEST_LABEL]


def labels(pairs: Mapping[str, str | None]) -> dict[str, str]:
    """Labels of a job; empty ones are left out."""
    return {label(key): label(value) for key, value in pairs.items() if value}


def _name(relation: Relation) -> str:
    return ".".join(quoted(part) for part in (relation.database, relation.schema, relation.name) if part)


def _relation(name: str) -> Relation:
    parts: Sequence[str | None] = [re.sub(r"\\(.)", r"\1", p[1:-1]) for p in re.findall(_NAME, name)]
    database, schema, table = [None] * (3 - len(parts)) + list(parts)
    return Relation(database, schema, str(table))
