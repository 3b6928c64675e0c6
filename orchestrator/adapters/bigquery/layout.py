"""How a table's rows are laid out: its partitions and clusters, from a model's config or from what BigQuery says about a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from orchestrator.core.config import listed
from orchestrator.core.errors import PlanError, Problem, did_you_mean

DataType = Literal["date", "timestamp", "datetime", "int64"]

TYPES = ("date", "timestamp", "datetime", "int64")
GRANULARITIES = ("hour", "day", "month", "year")
KEYS = ("field", "data_type", "granularity", "range", "time_ingestion_partitioning", "copy_partitions")
MOST_CLUSTERS = 4
ARRIVAL = "_PARTITIONTIME"
"""The column that every table has that is split by the moment at which rows arrive."""

_EXAMPLE = "partition_by: {field: created_at, data_type: timestamp, granularity: day}"


@dataclass(frozen=True, slots=True)
class Partition:
    """What splits a table. ``bounds`` are start, end, interval.

    ``ingestion`` says that BigQuery splits by the moment of arrival: ``field`` is no column of the table but fills
    ``_PARTITIONTIME``, and is empty where nobody says what does. ``copies`` asks for partitions to be replaced by copy jobs.
    """

    field: str
    data_type: DataType = "date"
    granularity: str = "day"
    bounds: tuple[int, int, int] | None = None
    ingestion: bool = False
    copies: bool = False

    @property
    def column(self) -> str:
        """The column that decides, quoted."""
        if self.ingestion:
            return "_PARTITIONDATE" if self._by_date else ARRIVAL
        return quoted(self.field)

    @property
    def _by_date(self) -> bool:
        """Whether the partitions of a table that is split by arrival are dates."""
        return self.data_type == "date" and self.granularity == "day"

    def arrival(self) -> str:
        """What a row gets as its moment of arrival: the start of its partition. A row without a moment is an error.

        >>> Partition("at", "datetime", "hour", ingestion=True).arrival()
        "ifnull(timestamp_trunc(timestamp(`at`), hour), error('`at` is null: the row belongs to no partition'))"
        """
        missing = f"{quoted(self.field)} is null: the row belongs to no partition".replace("\\", "\\\\").replace("'", "\\'")
        return f"ifnull(timestamp_trunc(timestamp({quoted(self.field)}), {self.granularity}), error('{missing}'))"

    def clause(self) -> str:
        """What stands behind PARTITION BY.

        >>> Partition("at", "timestamp").clause(), Partition("day").clause(), Partition("id", "int64", "", (0, 100, 10)).clause()
        ('timestamp_trunc(`at`, day)', '`day`', 'range_bucket(`id`, generate_array(0, 100, 10))')
        """
        if self.bounds is not None:
            return f"range_bucket({self.column}, generate_array({', '.join(map(str, self.bounds))}))"
        if self.ingestion:
            return "_PARTITIONDATE" if self.granularity == "day" else f"timestamp_trunc({ARRIVAL}, {self.granularity})"
        return self.start(self.column)

    def start(self, value: str) -> str:
        """The start of the partition that a row with ``value`` belongs to; of an integer, the number of the partition.

        >>> Partition("day", granularity="month").start("x.`day`")
        'date_trunc(x.`day`, month)'
        """
        if self.bounds is not None:
            first, _, interval = self.bounds
            return f"div({value} - {first}, {interval})"
        if self.ingestion:  # is the start of its partition always, and finds partitions only if nothing is around it
            return value
        if self.data_type == "timestamp":
            return f"timestamp_trunc({value}, {self.granularity})"
        if self.data_type == "datetime":
            return f"datetime_trunc({value}, {self.granularity})"
        return value if self.granularity == "day" else f"date_trunc({value}, {self.granularity})"

    @property
    def type(self) -> str:
        """The type of :meth:`start`."""
        if self.ingestion:
            return "date" if self._by_date else "timestamp"
        return "int64" if self.bounds is not None else self.data_type


@dataclass(frozen=True, slots=True)
class Layout:
    """Partitions and clusters. Two tables of one :attr:`words` can take each other's place by a copy job."""

    partition: Partition | None = None
    clusters: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The layout as BigQuery compares it: the type of a time column does not count, nor does the case of a name.

        >>> Layout(Partition("At", "timestamp"), ("Id",)).words
        'by day of at; clustered by id'
        """
        found: list[str] = []
        if (by := self.partition) is not None:
            where = "" if by.ingestion else f" of {by.field.casefold()}"
            found.append(f"by {by.granularity}{where}" if by.bounds is None else f"by {by.field.casefold()} from {by.bounds}")
        if self.clusters:
            found.append(f"clustered by {', '.join(c.casefold() for c in self.clusters)}")
        return "; ".join(found)

    def clauses(self) -> str:
        """What stands in a CREATE TABLE; starts with a line break when it is not empty."""
        partition = f"\npartition by {self.partition.clause()}" if self.partition else ""
        clusters = f"\ncluster by {', '.join(quoted(c) for c in self.clusters)}" if self.clusters else ""
        return partition + clusters


def layout(config: Mapping[str, Any]) -> Layout:
    """The layout that a model asks for. Raises ``PlanError`` (N340) for what has the wrong shape.

    >>> layout({"partition_by": "day", "cluster_by": "id"}).words
    'by day of day; clustered by id'
    """
    clusters = config.get("cluster_by")
    names = listed(clusters)
    if any(not isinstance(c, str) or not c for c in names) or isinstance(clusters, Mapping):
        raise refusal(f"`cluster_by` names columns, not {_shown(clusters)}", "cluster_by: [customer_id, state]")
    if len(names) > MOST_CLUSTERS:
        raise refusal(f"`cluster_by` has {len(names)} columns; BigQuery allows {MOST_CLUSTERS}", "keep those that queries filter by most")
    return Layout(_partition(config.get("partition_by")), tuple(names))


def of_table(resource: Mapping[str, Any]) -> Layout:
    """The layout of a table, from BigQuery's own description of it.

    >>> of_table({"timePartitioning": {"type": "DAY", "field": "at"}, "clustering": {"fields": ["id"]}}).words
    'by day of at; clustered by id'
    """
    clusters = tuple((resource.get("clustering") or {}).get("fields", ()))
    by_time, by_range = resource.get("timePartitioning"), resource.get("rangePartitioning")
    partition = None
    if by_time:
        field = by_time.get("field") or ""
        partition = Partition(field, granularity=str(by_time.get("type", "DAY")).lower(), ingestion=not field)
    elif by_range:
        bounds = by_range.get("range") or {}
        start, end, interval = (int(bounds.get(k, 0)) for k in ("start", "end", "interval"))
        partition = Partition(by_range.get("field", ""), "int64", "", (start, end, interval))
    return Layout(partition, clusters)


def quoted(name: str) -> str:
    r"""An identifier between backticks.

    >>> quoted("a`b")
    '`a\\`b`'
    """
    escaped = name.replace("\\", "\\\\").replace("`", "\\`").replace("\n", "\\n")
    return f"`{escaped}`"


def refusal(message: str, hint: str) -> PlanError:
    """N340: an option of a table has the wrong shape."""
    return PlanError(Problem("N340", message, hint=hint))


def _partition(given: Any) -> Partition | None:
    match given:
        case None:
            return None
        case str() if given:
            return Partition(given)
        case Mapping():
            return _from_keys(given)
        case _:
            raise refusal(f"`partition_by` is a mapping or a column of type date, not {_shown(given)}", _EXAMPLE)


def _from_keys(given: Mapping[str, Any]) -> Partition:
    for key in given:
        if key not in KEYS:
            raise refusal(f"`{key}` is not a key of `partition_by`", did_you_mean(str(key), KEYS) or _EXAMPLE)
    field = given.get("field")
    if not isinstance(field, str) or not field:
        raise refusal("`partition_by` needs `field`, a column", _EXAMPLE)
    kind = str(given.get("data_type") or "date").lower()
    kind = {"int": "int64", "integer": "int64"}.get(kind, kind)
    if kind not in TYPES:
        raise refusal(f"`partition_by` cannot have the data_type `{kind}`", did_you_mean(kind, TYPES) or f"there is {', '.join(TYPES)}")
    copies = bool(given.get("copy_partitions"))
    ingestion = bool(given.get("time_ingestion_partitioning"))
    if kind == "int64" and ingestion:
        hint = "data_type: timestamp, or leave out `time_ingestion_partitioning`"
        raise refusal("an int64 cannot be the moment at which a row arrives", hint)
    if kind == "int64":
        return Partition(field, "int64", "", _bounds(given.get("range")), copies=copies)
    granularity = str(given.get("granularity") or "day").lower()
    if granularity not in GRANULARITIES or (granularity == "hour" and kind == "date"):
        known = [g for g in GRANULARITIES if g != "hour" or kind != "date"]
        hint = did_you_mean(granularity, known) or f"there is {', '.join(known)}"
        raise refusal(f"a {kind} cannot be partitioned by `{granularity}`", hint)
    return Partition(field, kind, granularity, ingestion=ingestion, copies=copies)  # type: ignore[arg-type]  # one of TYPES


def _bounds(given: Any) -> tuple[int, int, int]:
    hint = "range: {start: 0, end: 1000000, interval: 1000}"
    if not isinstance(given, Mapping) or any(not _whole(given.get(k)) for k in ("start", "end", "interval")):
        raise refusal("`partition_by` an int64 needs `range` with `start`, `end` and `interval`, all whole numbers", hint)
    start, end, interval = (int(given[k]) for k in ("start", "end", "interval"))
    if interval <= 0 or end <= start:
        raise refusal("`range` has no partitions: `end` comes after `start`, and `interval` is more than 0", hint)
    return start, end, interval


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return f"`{value}`" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
