"""Who else hears of a run, where somebody asked for it: OpenLineage, OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import StoreError
from orchestrator.core.event import Noted
from orchestrator.core.meaning import Meaning
from orchestrator.core.ports import Sink
from orchestrator.core.sent import Sent, Watch, tracing


def emitting(workspace: Workspace, say: Callable[[str], None]) -> tuple[Sink, ...]:
    """The sinks that settings and environment ask for; ``say`` hears what they could not deliver.

    Raises:
        ConfigError: C260, what is asked for makes no sense.
    """
    return tuple(sink for sink in (_lineage(workspace, say), _spans(workspace, say)) if sink is not None)


@runtime_checkable
class Watching(Protocol):
    """Who wants to hear of every statement."""

    def statement(self, one: Sent) -> None:
        """A statement was sent."""
        ...


def watching(listeners: Iterable[object]) -> Watch | None:
    """Who of those that listen to a run hears of its statements, too."""
    return next((each.statement for each in listeners if isinstance(each, Watching)), None)


@runtime_checkable
class Accountable(Protocol):
    """Who can say afterwards how much of a run it told others, and whether that is all of it."""

    def account(self) -> tuple[str, bool]:
        """The sentence, and whether nothing was lost."""
        ...


@runtime_checkable
class Remarks(Protocol):
    """Who takes note of something about a run that is over."""

    def remark(self, run: str, note: Noted) -> None:
        """Keep a note."""
        ...


def remark(listeners: Iterable[object], run: str, at: datetime) -> None:
    """Keep with a run what became of its events: one id joins all that is known."""
    told = [each.account() for each in listeners if isinstance(each, Accountable)]
    history = next((each for each in listeners if isinstance(each, Remarks)), None)
    if history is None:
        return
    for sentence, whole in told:
        try:
            history.remark(run, Noted(at, "info" if whole else "warn", sentence))
        except StoreError:  # the run itself is on record
            return


def _spans(workspace: Workspace, say: Callable[[str], None]) -> Sink | None:
    env = workspace.invocation.env
    if not tracing(env):
        return None
    from orchestrator.app import secrets

    try:
        from orchestrator.adapters.tracing.exporters import exporters
        from orchestrator.adapters.tracing.spans import Spans

        found = exporters(env)
    except (ImportError, LookupError) as error:
        say(f"opentelemetry: no spans are told: {error} (`pip install 'sql-orchestrator[otel]'`)")
        return None
    except Exception as error:  # noqa: BLE001 - an exporter that cannot be set up is not the run's fault
        say(f"opentelemetry: no spans are told: {error}")
        return None
    above = {"parent": env.get("TRACEPARENT"), "state": env.get("TRACESTATE")}
    return Spans(found, say, system=workspace.dialect.name, secrets=secrets(workspace), **above)


def _lineage(workspace: Workspace, say: Callable[[str], None]) -> Sink | None:
    from orchestrator.load.emission import emission

    settings, invocation = workspace.project.settings, workspace.invocation
    asked = emission(invocation.root, invocation.env, settings.openlineage, settings.origin)
    if asked is None:
        return None
    from orchestrator.adapters import registry
    from orchestrator.adapters.lineage.transport import transport
    from orchestrator.publish.lineage_events import LineageEvents, Telling
    from orchestrator.record.emitting import Emitting

    telling = Telling(
        workspace.graph,
        _meanings(workspace),
        asked.namespace or settings.name,
        registry.namespace(workspace.project.target, str(invocation.root)),
        workspace.dialect.name,
        _owners(workspace),
        asked.parent,
    )
    return Emitting(LineageEvents(telling), transport(asked), say, name="openlineage")


def _meanings(workspace: Workspace) -> Mapping[str, Meaning]:
    """What is known of columns; a query that nobody understands costs its column lineage, not the run."""
    from orchestrator.app.columns.meanings import meanings

    try:
        return meanings(workspace)
    except Exception:  # noqa: BLE001 - observers never fail a run
        return {}


def _owners(workspace: Workspace) -> dict[str, str]:
    """Owners of groups, by name."""
    found = {}
    for entry in workspace.project.properties:
        owner = entry.data.get("owner") if entry.section == "groups" else None
        if isinstance(owner, Mapping) and (name := owner.get("email") or owner.get("name")):
            found[entry.name] = str(name)
    return found
