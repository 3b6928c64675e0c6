"""What ``method:value`` matches: one small function per method, from a graph to ids.

A method is a function of the graph, the arguments behind the method's name (``config.meta.owner`` has two) and the value. The
methods here need nothing but the graph; those that need an earlier state are passed to ``select`` by whoever has that state.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import translate
from typing import Any, get_args

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind, Node
from orchestrator.graph.fqn import WILD, Names

Method = Callable[[Graph, tuple[str, ...], str], Iterable[str]]
"""``(graph, arguments, value)`` to the ids that match. Raises ``UsageError`` (U012) for a value that makes no sense."""

KINDS: tuple[Kind, ...] = get_args(Kind)


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a pattern; a pattern without wildcards is compared, not compiled."""
    if not WILD.search(pattern):
        return pattern.__eq__
    if pattern == "*":
        return lambda _: True
    match = re.compile(translate(pattern)).match
    return lambda text: text == pattern or match(text) is not None


def _bad(message: str, hint: str | None = None) -> UsageError:
    return UsageError(Problem("U012", message, hint=hint))


def _plain(method: str, arguments: tuple[str, ...]) -> None:
    if arguments:
        raise _bad(f"`{method}.{'.'.join(arguments)}`: the method `{method}` takes no argument", f"write `{method}:value`")


def by_fqn(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes by dotted name; for many look-ups in one graph, see :func:`sharing`."""
    _plain("fqn", arguments)
    return Names(graph).find(value)


def sharing(graph: Graph) -> Method:
    """The ``fqn`` method for ``graph`` alone, which arranges the graph's names once for all look-ups."""
    names = Names(graph)

    def find(_: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
        _plain("fqn", arguments)
        return names.find(value)

    return find


def by_tag(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes with a tag."""
    _plain("tag", arguments)
    if not WILD.search(value):
        return {id_ for id_, node in graph.nodes.items() if value in node.config.get("tags", ())}
    match = _matcher(value)
    return {id_ for id_, node in graph.nodes.items() if any(match(tag) for tag in node.tags)}


def by_path(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes whose file is the path or lies below it; a properties file also selects the nodes it describes."""
    _plain("path", arguments)
    wanted = re.sub(r"^(?:\./)+|/+$", "", re.sub(r"/+", "/", value.replace("\\", "/")))
    if wanted in {"", "."}:
        return set(graph.nodes)
    match = re.compile(_glob(wanted)).match
    found = {id_ for id_, node in graph.nodes.items() if match(node.path)}
    if wanted.lower().endswith((".yml", ".yaml")):
        found.update(id_ for id_ in graph.nodes if (patch := _patch(graph, id_)) and match(patch))
    return found


def _patch(graph: Graph, id_: str) -> str | None:
    body = graph.bodies.get(id_)
    path = body.docs.patch_path if body is not None else None
    return path.rpartition("://")[2] if path else None


def _glob(pattern: str) -> str:
    """A shell pattern over paths as a regular expression for the paths it names and everything below them."""
    expression = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|.", pattern, re.DOTALL):
        match token:
            case "**/":
                expression += "(?:[^/]+/)*"
            case "**":
                expression += ".*"
            case "*":
                expression += "[^/]*"
            case "?":
                expression += "[^/]"
            case _ if len(token) > 1:
                # `fnmatch` knows how to quote a bracket; only the set itself is wanted from it.
                expression += f"(?=[^/]){translate(token).removeprefix('(?s:').removesuffix(_TAIL)}"
            case _:
                expression += re.escape(token)
    return expression + r"(?:/.*)?\Z"


_TAIL = translate("").removeprefix("(?s:")


def by_file(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes by file name, with or without the extension."""
    _plain("file", arguments)
    match = _matcher(value)
    found = set()
    for id_, node in graph.nodes.items():
        name = node.path.rpartition("/")[2]
        if match(name) or match(name.rpartition(".")[0] or name):
            found.add(id_)
    return found


def by_package(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes of a package; ``this`` is the project itself."""
    _plain("package", arguments)
    match = _matcher(graph.project if value == "this" and graph.project else value)
    return {id_ for id_, node in graph.nodes.items() if match(node.package)}


def by_source(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Source tables, by ``source``, ``source.table`` or ``package.source.table``."""
    _plain("source", arguments)
    parts = value.split(".")
    if len(parts) > 3:
        raise _bad(f"`source:{value}` has too many parts", "write `source:name`, `source:name.table` or `source:package.name.table`")
    if len(parts) == 1:
        parts = [parts[0], "*"]
    package, source, table = (_matcher(part) for part in ["*", *parts][-3:])
    return {
        node.id
        for node in graph.nodes.values()
        if node.kind == "source"
        and package(node.package)
        and source(node.source_name or "")
        and (table(node.name) or table(node.name.removeprefix(f"{node.source_name}.")))
    }


def _named(kind: Kind) -> Method:
    def find(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
        _plain(kind, arguments)
        parts = value.split(".")
        if len(parts) > 2:
            raise _bad(f"`{kind}:{value}` has too many parts", f"write `{kind}:name` or `{kind}:package.name`")
        package, name = (_matcher(part) for part in ["*", *parts][-2:])
        return {node.id for node in graph.nodes.values() if node.kind == kind and package(node.package) and name(node.name)}

    return find


def by_resource_type(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes of a kind."""
    _plain("resource_type", arguments)
    if value not in KINDS:
        raise _bad(f"there is no resource type `{value}`", did_you_mean(value, KINDS, also=f"one of {', '.join(KINDS)}"))
    return {node.id for node in graph.nodes.values() if node.kind == value}


def by_test_name(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Generic tests by the name of their definition, with or without its package; unit tests by their own."""
    _plain("test_name", arguments)
    match = _matcher(value)
    return {
        node.id
        for node in graph.nodes.values()
        if (node.kind == "test" and node.test_name and (match(node.test_name) or match(node.test_name.rpartition(".")[2])))
        or (node.kind == "unit_test" and match(node.name))
    }


_TEST_TYPES: Mapping[str, Callable[[Node], bool]] = {
    "generic": lambda node: node.kind == "test" and node.test_name is not None,
    "schema": lambda node: node.kind == "test" and node.test_name is not None,
    "singular": lambda node: node.kind == "test" and node.test_name is None,
    "data": lambda node: node.kind == "test",
    "unit": lambda node: node.kind == "unit_test",
}


def by_test_type(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Tests by type: ``generic``, ``singular``, ``data`` (both) or ``unit``."""
    _plain("test_type", arguments)
    if value not in _TEST_TYPES:
        raise _bad(f"there is no test type `{value}`", "one of generic, singular, data, unit")
    wanted = _TEST_TYPES[value]
    return {id_ for id_, node in graph.nodes.items() if wanted(node)}


def by_group(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes of a group."""
    _plain("group", arguments)
    match = _matcher(value)
    return {id_ for id_, node in graph.nodes.items() if (group := node.config.get("group")) and match(str(group))}


def by_access(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Models by access: ``public``, ``protected`` (the default) or ``private``."""
    _plain("access", arguments)
    if value not in {"public", "protected", "private"}:
        raise _bad(f"there is no access `{value}`", "one of public, protected, private")
    return {id_ for id_, node in graph.nodes.items() if node.kind == "model" and (node.config.get("access") or "protected") == value}


_VERSIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "latest": lambda version, latest: version is not None and _rank(version) == _rank(latest),
    "prerelease": lambda version, latest: version is not None and _rank(version) > _rank(latest),
    "old": lambda version, latest: version is not None and _rank(version) < _rank(latest),
    "none": lambda version, _: version is None,
}


def by_version(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Models by version: ``latest``, ``prerelease``, ``old`` or ``none`` (not versioned)."""
    _plain("version", arguments)
    if value not in _VERSIONS:
        raise _bad(f"there is no version `{value}`", "one of latest, prerelease, old, none")
    wanted = _VERSIONS[value]
    found = set()
    for id_, node in graph.nodes.items():
        if node.kind == "model":
            version = node.config.get("version")
            if wanted(version, node.config.get("latest_version", version)):
                found.add(id_)
    return found


def _rank(version: object) -> tuple[int, float, str]:
    """Versions in order: numbers by value, then the rest by spelling."""
    try:
        return (0, float(str(version)), "")
    except ValueError:
        return (1, 0.0, str(version))


_MATERIALIZED: Mapping[str, str] = {"model": "view", "seed": "seed", "snapshot": "snapshot", "test": "test"}


def by_config(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
    """Nodes by a config value: ``config.materialized:table``, nested keys, elements of lists, ``true`` and ``false``.

    Exposures and unit tests are left out, as people who write ``config.enabled:true`` are used to.
    """
    if not arguments:
        raise _bad(f"`config:{value}` does not say which config", "write `config.materialized:table`, for example")
    folds = arguments == ("severity",)
    match = _matcher(value.casefold() if folds else value)
    found = set()
    for id_, node in graph.nodes.items():
        for given in _values(node, arguments) if node.kind not in {"exposure", "unit_test"} else ():
            text = str(given).lower() if isinstance(given, bool) else str(given)
            hit = text == value.lower() if isinstance(given, bool) else match(text.casefold() if folds else text)
            if hit:
                found.add(id_)
                break
    return found


def _values(node: Node, keys: tuple[str, ...]) -> Iterator[Any]:
    value: Any = node.config
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            if keys == ("materialized",) and node.kind in _MATERIALIZED:
                yield _MATERIALIZED[node.kind]
            elif keys == ("enabled",):
                yield True
            elif keys == ("severity",) and node.kind == "test":
                yield "error"
            return
        value = value[key]
    if isinstance(value, list | tuple | set | frozenset):
        yield from value
    elif value is not None and not isinstance(value, Mapping):
        yield value


METHODS: Mapping[str, Method] = {
    "fqn": by_fqn,
    "tag": by_tag,
    "path": by_path,
    "file": by_file,
    "package": by_package,
    "source": by_source,
    "exposure": _named("exposure"),
    "unit_test": _named("unit_test"),
    "config": by_config,
    "resource_type": by_resource_type,
    "test_name": by_test_name,
    "test_type": by_test_type,
    "group": by_group,
    "access": by_access,
    "version": by_version,
}
"""Methods that need nothing but the graph (``selector`` is ``select``'s own)."""

STATEFUL: Mapping[str, str] = {
    "state": "it compares with an earlier state: say where that is with `--state`",
    "result": "it looks at an earlier run's results: say where those are with `--state`",
    "source_status": "it looks at earlier freshness results: say where those are with `--state`",
    "git": "it compares with a commit: run it inside a git repository",
}
"""Methods that somebody with a state has to provide, and what to do when nobody did."""


def vocabulary(graph: Graph, method: str) -> set[str]:
    """The values that ``method`` could have been given, for a did-you-mean."""
    nodes = graph.nodes.values()
    match method:
        case "fqn":
            return {n.name for n in nodes if n.kind not in {"source", "test", "unit_test", "operation"}} | {
                part for n in nodes for part in n.fqn[:-1]
            }
        case "tag":
            return {tag for n in nodes for tag in n.tags}
        case "path":
            folders = {n.path.rpartition("/")[0] for n in nodes}
            return folders | {n.path for n in nodes}
        case "file":
            return {n.path.rpartition("/")[2] for n in nodes}
        case "package":
            return {n.package for n in nodes}
        case "source":
            sources = [n for n in nodes if n.kind == "source"]
            return {n.source_name or "" for n in sources} | {f"{n.source_name}.{n.name}" for n in sources}
        case "exposure" | "unit_test":
            return {n.name for n in nodes if n.kind == method}
        case "test_name":
            return {n.test_name for n in nodes if n.test_name} | {n.name for n in nodes if n.kind == "unit_test"}
        case "group":
            return {str(n.config["group"]) for n in nodes if n.config.get("group")}
        case _:
            return set()


def hint(graph: Graph, method: str, value: str) -> str | None:
    """What the author of ``method:value``, which matches nothing, may have meant."""
    if method == "fqn":
        last = value.rpartition(".")[2]
        if any(id_.rpartition(".")[2] == last for id_ in graph.disabled):
            return f"`{last}` is disabled (`enabled: false`)"
        sources = [n for n in graph.nodes.values() if n.kind == "source" and value in {n.source_name, n.name, f"{n.source_name}.{n.name}"}]
        if sources:
            chosen = sources[0].source_name if value == sources[0].source_name else f"{sources[0].source_name}.{sources[0].name}"
            return f"sources have a method of their own: `source:{chosen}`"
        if value in vocabulary(graph, "tag"):
            return f"there is a tag of that name: `tag:{value}`"
    return did_you_mean(value, vocabulary(graph, method))
