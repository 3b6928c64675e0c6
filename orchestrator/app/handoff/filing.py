"""``export`` in a model's config: its rows go to a file, too, once they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import ConfigError, ExecuteError, Problem, did_you_mean
from orchestrator.core.plan import Task
from orchestrator.publish.rows_file import FORMATS

if TYPE_CHECKING:
    from orchestrator.app import Prepared
    from orchestrator.core.node import Node
    from orchestrator.core.ports import Connection

CONFIG, KEYS = "export", ("format", "path")

Filing = Callable[[Task, "Connection"], Mapping[str, Any]]


def filing(ready: Prepared) -> Filing | None:
    """What writes the files of a run's models; nothing beside production, and nothing of samples.

    Raises:
        ConfigError: U137, an ``export`` that cannot be.
    """
    graph, root, request = ready.workspace.graph, ready.workspace.invocation.root, ready.request
    wanted = {t.node: t for t in ready.plan.tasks if t.kind == "model" and graph.nodes[t.node].config.get(CONFIG)}
    if problems := [p for task in wanted.values() for p in faults(graph.nodes[task.node], task, root)]:
        raise ConfigError(*problems)
    if not wanted or request.environment or request.empty or request.sample is not None:
        return None

    def file(task: Task, connection: Connection) -> Mapping[str, Any]:
        from orchestrator.publish.rows_file import rows_file

        if task.node not in wanted or task.relation is None:
            return {}
        import pyarrow as pa

        said = graph.nodes[task.node].config[CONFIG]
        path = place(said, graph.nodes[task.node].name, root)
        try:
            batches = connection.read(f"select * from {ready.workspace.dialect.relation(task.relation)}")
            rows = rows_file(batches, path, said.get("format", FORMATS[0]))
        except (OSError, pa.ArrowException) as error:
            reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
            hint = "the table is published as it should be; build the model again when the file can be written"
            raise ExecuteError(Problem("X391", f"published, but not exported to `{path}`: {reason}", None, hint)) from error
        return {"exported": {"path": str(path), "rows": rows}}

    return file


def place(said: Mapping[str, Any], name: str, root: Path) -> Path:
    """Where a model's rows go."""
    text = said.get("path", f"exports/{{name}}.{said.get('format', FORMATS[0])}")
    return root / str(text).replace("{name}", name)


def faults(node: Node, task: Task, root: Path) -> Iterator[Problem]:
    """What is wrong with a model's ``export``."""
    said, hint = node.config[CONFIG], "export: {format: parquet, path: 'exports/{name}.parquet'}"
    if not isinstance(said, Mapping):
        yield Problem("U137", f"`{CONFIG}` of `{node.name}` says to what file: it is a mapping", node.span, hint)
        return
    for key in said:
        if key not in KEYS:
            yield Problem("U137", f"unknown key `{key}` in `{CONFIG}` of `{node.name}`", node.span, did_you_mean(str(key), KEYS, also=hint))
    if said.get("format", FORMATS[0]) not in FORMATS:
        yield Problem("U137", f"`{CONFIG}` of `{node.name}`: there is no format `{said['format']}`", node.span, "parquet or csv")
    text = str(said.get("path", "x"))
    if "://" in text:
        yield Problem("U137", f"`{CONFIG}` of `{node.name}`: `{text}` is no path of this machine", node.span, hint)
    elif not Path(text).is_absolute() and not place(said, node.name, root).resolve().is_relative_to(root.resolve()):
        yield Problem(
            "U137", f"`{CONFIG}` of `{node.name}`: `{text}` leads out of the project", node.span, "inside of it, or an absolute path"
        )
    if task.batches is not None or task.relation is None:
        yield Problem("U137", f"`{node.name}` cannot have `{CONFIG}`: it is built by interval, or is no relation", node.span)
