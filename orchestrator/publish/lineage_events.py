"""A run as OpenLineage's run events (spec 2-0-2): START and COMPLETE, FAIL or ABORT of the run, of each node and of each test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from orchestrator.core.event import Event, NodeFinished, NodeStarted, RunFinished, RunStarted, Status
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import Node
from orchestrator.core.run import BAD
from orchestrator.core.version import VERSION
from orchestrator.publish.openlineage import PRODUCER, column_lineage, columns, dataset_name

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets"
VERSIONS: Mapping[str, str] = {
    "ParentRunFacet": "1-2-0",
    "NominalTimeRunFacet": "1-0-1",
    "ProcessingEngineRunFacet": "1-1-1",
    "ErrorMessageRunFacet": "1-0-1",
    "JobTypeJobFacet": "2-0-4",
    "SQLJobFacet": "1-1-0",
    "DocumentationJobFacet": "1-1-0",
    "OwnershipJobFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "OwnershipDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "DataQualityAssertionsDatasetFacet": "1-1-0",
}
"""The facets that are told besides ``schema`` and ``columnLineage``, and of which version they are."""

BUILT = ("model", "seed", "snapshot")
TESTS = ("test", "unit_test")

ENDS: Mapping[Status, str] = {
    Status.PASSED: "COMPLETE",
    Status.WARNED: "COMPLETE",
    Status.NOTHING: "COMPLETE",
    Status.FAILED: "FAIL",
    Status.CRASHED: "FAIL",
    Status.PARTIAL: "FAIL",
    Status.SKIPPED: "ABORT",
    Status.CANCELLED: "ABORT",
}
"""How a node's status is told; a reused node did not run, and nothing is told of it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What events need besides the run's own. ``namespace`` is that of jobs, ``warehouse`` that of datasets; ``owners`` are by group.

    ``parent`` is the run that ours is part of: its namespace, name and id.
    """

    graph: Graph
    meanings: Mapping[str, Meaning]
    namespace: str
    warehouse: str
    dialect: str
    owners: Mapping[str, str] = field(default_factory=dict)
    parent: tuple[str, str, str] | None = None


class LineageEvents:
    """Turns a run's events, one by one, into those of OpenLineage."""

    def __init__(self, telling: Telling) -> None:
        self._at = telling
        self._run: RunStarted | None = None
        self._begun: set[str] = set()
        self._bad = False

    def __call__(self, event: Event) -> Iterator[dict[str, Any]]:
        """The events to tell of one."""
        match event:
            case RunStarted():
                self._run, self._begun, self._bad = event, set(), False
                yield self._whole(event.at, "START")
            case RunFinished() if self._run is not None:
                ended = "ABORT" if event.cancelled else "FAIL" if self._bad else "COMPLETE"
                yield self._whole(event.at, ended)
            case NodeStarted() if self._tells(event.node) and event.node not in self._begun:
                self._begun.add(event.node)
                yield self._node(event.at, "START", event.node)
            case NodeFinished():
                self._bad = self._bad or event.status in BAD
                yield from self._finished(event)
            case _:
                pass

    def _tells(self, id_: str) -> bool:
        node = self._at.graph.nodes.get(id_)
        return self._run is not None and node is not None and node.kind in (*BUILT, *TESTS)

    def _finished(self, event: NodeFinished) -> Iterator[dict[str, Any]]:
        if not self._tells(event.node) or event.status not in ENDS:
            return
        if event.node not in self._begun:  # it never ran: the spec wants a beginning all the same
            self._begun.add(event.node)
            yield self._node(event.started or event.at, "START", event.node)
        yield self._node(event.at, ENDS[event.status], event.node, event)

    def _whole(self, at: datetime, kind: str) -> dict[str, Any]:
        run = self._started
        facets = {**_nominal(run), **self._engine(), **self._parent(self._at.parent)}
        job = {"jobType": _facet("JobTypeJobFacet", processingType="BATCH", integration="ORC", jobType="JOB")}
        return self._event(at, kind, run_id(run.run), facets, self._job, job)

    def _node(self, at: datetime, kind: str, id_: str, end: NodeFinished | None = None) -> dict[str, Any]:
        node, run = self._at.graph.nodes[id_], self._started
        above = (self._at.namespace, self._job, run_id(run.run))
        facets = {**_nominal(run), **self._engine(), **self._parent(above), **_error(kind, end)}
        inputs, outputs = [], []
        if node.kind in TESTS:
            inputs = self._tested(node, end)
        elif node.relation is not None:
            inputs = [self._dataset(parent) for parent in self._at.graph.inputs(id_) if parent.relation is not None]
            outputs = [self._output(node, end if kind == "COMPLETE" else None)]
        return self._event(at, kind, node_run_id(run.run, id_), facets, id_, self._job_facets(node, end), inputs, outputs)

    def _event(
        self,
        at: datetime,
        kind: str,
        run: str,
        facets: Mapping[str, Any],
        job: str,
        job_facets: Mapping[str, Any],
        inputs: list[Any] | None = None,
        outputs: list[Any] | None = None,
    ) -> dict[str, Any]:
        return {
            "eventTime": _time(at),
            "eventType": kind,
            "producer": PRODUCER,
            "schemaURL": SCHEMA,
            "run": {"runId": run, "facets": dict(facets)},
            "job": {"namespace": self._at.namespace, "name": job, "facets": dict(job_facets)},
            "inputs": inputs or [],
            "outputs": outputs or [],
        }

    @property
    def _started(self) -> RunStarted:
        if self._run is None:
            raise AssertionError("a node before its run")
        return self._run

    @property
    def _job(self) -> str:
        return f"orc.{self._started.command}.{self._started.target}"

    def _engine(self) -> dict[str, Any]:
        return {"processing_engine": _facet("ProcessingEngineRunFacet", version=VERSION, name="orc", openlineageAdapterVersion=VERSION)}

    def _parent(self, above: tuple[str, str, str] | None) -> dict[str, Any]:
        if above is None:
            return {}
        root = self._at.parent or above
        return {"parent": _facet("ParentRunFacet", **_reference(above), root=_reference(root))}

    def _job_facets(self, node: Node, end: NodeFinished | None) -> dict[str, Any]:
        found = {"jobType": _facet("JobTypeJobFacet", processingType="BATCH", integration="ORC", jobType=node.kind.upper())}
        if about := self._at.graph.bodies[node.id].docs.description:
            found["documentation"] = _facet("DocumentationJobFacet", description=about, contentType="text/markdown")
        if owner := self._owner(node):
            found["ownership"] = _facet("OwnershipJobFacet", owners=[{"name": owner}])
        if end is not None and end.sql:
            found["sql"] = _facet("SQLJobFacet", query=end.sql, dialect=self._at.dialect)
        return found

    def _owner(self, node: Node) -> str:
        meta = node.config.get("meta")
        said = meta.get("owner") if isinstance(meta, Mapping) else None
        group = str(node.config.get("group") or "")
        return str(said) if said else self._at.owners.get(group, group and f"group:{group}")

    def _dataset(self, node: Node) -> dict[str, Any]:
        facets: dict[str, Any] = {"dataSource": _facet("DatasourceDatasetFacet", name=self._at.warehouse, uri=self._at.warehouse)}
        meaning = self._at.meanings.get(node.id)
        if meaning is not None and meaning.columns:
            facets["schema"] = columns(meaning)
        name = dataset_name(node.relation) if node.relation else node.name
        return {"namespace": self._at.warehouse, "name": name, "facets": facets}

    def _output(self, node: Node, end: NodeFinished | None) -> dict[str, Any]:
        found = self._dataset(node)
        facets = found["facets"]
        if about := self._at.graph.bodies[node.id].docs.description:
            facets["documentation"] = _facet("DocumentationDatasetFacet", description=about, contentType="text/markdown")
        if owner := self._owner(node):
            facets["ownership"] = _facet("OwnershipDatasetFacet", owners=[{"name": owner}])
        if node.id in self._at.meanings:
            lineage = column_lineage(self._at.graph, self._at.meanings, node.id, self._at.warehouse)
            facets |= {"columnLineage": lineage} if lineage is not None else {}
        if end is not None and end.rows is not None:
            found["outputFacets"] = {"outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", rowCount=end.rows)}
        return found

    def _tested(self, test: Node, end: NodeFinished | None) -> list[dict[str, Any]]:
        """What a test looked at; the node it is attached to has the verdict, if there is one."""
        looked = [n for n in self._at.graph.inputs(test.id) if n.relation is not None]
        subject = test.attached if test.attached in {n.id for n in looked} else looked[0].id if looked else None
        found = []
        for node in looked:
            dataset = self._dataset(node)
            if node.id == subject and end is not None and ENDS[end.status] != "ABORT":
                facet = _facet("DataQualityAssertionsDatasetFacet", assertions=[_assertion(test, end)])
                dataset["inputFacets"] = {"dataQualityAssertions": facet}
            found.append(dataset)
        return found


def run_id(run: str) -> str:
    """A run's id as the spec wants it: a UUID. Ours is one, unless somebody chose another.

    >>> run_id("3F5E83FA-3480-44ff-99c5-ff943904e5e8"), run_id("r1") == run_id("r1")
    ('3f5e83fa-3480-44ff-99c5-ff943904e5e8', True)
    """
    try:
        return str(UUID(run))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"orc:{run}"))


def node_run_id(run: str, node: str) -> str:
    """The id of a node's part of a run: the same whoever works it out."""
    return str(uuid5(UUID(run_id(run)), node))


def _facet(kind: str, /, **told: Any) -> dict[str, Any]:
    return {"_producer": PRODUCER, "_schemaURL": f"{FACETS}/{VERSIONS[kind]}/{kind}.json#/$defs/{kind}", **told}


def _reference(run: tuple[str, str, str]) -> dict[str, Any]:
    return {"run": {"runId": run[2]}, "job": {"namespace": run[0], "name": run[1]}}


def _assertion(test: Node, end: NodeFinished) -> dict[str, Any]:
    name = end.label.removeprefix(f"{test.kind} ") or test.name
    told = {"assertion": test.test_name or test.kind, "success": end.status is Status.PASSED, "name": name}
    severity = str(test.config.get("severity") or "error").lower()
    return {
        **told,
        "severity": severity,
        **({"column": test.column} if test.column else {}),
        **({"actual": str(end.failures), "expected": "0"} if end.failures is not None else {}),
    }


def _error(kind: str, end: NodeFinished | None) -> dict[str, Any]:
    if end is None or kind == "COMPLETE":
        return {}
    said = end.problem.message if end.problem else end.message
    return {"errorMessage": _facet("ErrorMessageRunFacet", message=said or end.status.value, programmingLanguage="SQL")}


def _nominal(run: RunStarted) -> dict[str, Any]:
    """The time that a run is about: its tick, or the event times it was given."""
    start, end = run.arguments.get("event_time_start"), run.arguments.get("event_time_end")
    tick = str(run.arguments.get("launch") or "").rpartition("@")[2]
    first = _instant(start) or _instant(tick)
    if first is None:
        return {}
    last = _instant(end) if start else None
    return {"nominalTime": _facet("NominalTimeRunFacet", nominalStartTime=first, **({"nominalEndTime": last} if last else {}))}


def _instant(text: object) -> str | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return _time(at if at.tzinfo else at.replace(tzinfo=UTC))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
