"""The documentation site that a daemon serves beside its own pages: the files of the built page, and what was generated of the project."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestrator.serve.serve import inside


@dataclass(frozen=True)
class Known:
    """What the generated site says of a project: its nodes as in ``project.json`` (docs of their shape: ``ui/src/data.ts``)."""

    name: str = ""
    target: str | None = None
    engine: str = ""
    nodes: Sequence[Mapping[str, Any]] = ()
    generated: str = ""
    tests: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[str, Mapping[str, Any]]:
        """Nodes by id."""
        return {node["id"]: node for node in self.nodes}

    @cached_property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of direct parents."""
        return {node["id"]: tuple(self.nodes[i]["id"] for i in node.get("parents", ()) if i < len(self.nodes)) for node in self.nodes}

    @cached_property
    def tests_of(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of the tests that are about a node."""
        found: dict[str, list[str]] = {}
        for test, about in self.tests.items():
            for i in about:
                if i < len(self.nodes):
                    found.setdefault(self.nodes[i]["id"], []).append(test)
        return {id_: tuple(tests) for id_, tests in found.items()}

    def ancestors(self, id_: str) -> set[str]:
        """Ids of all that a node is made of."""
        found: set[str] = set()
        edge = [id_]
        while edge:
            found |= (reached := {p for one in edge for p in self.parents.get(one, ())} - found)
            edge = sorted(reached)
        return found

    def find(self, word: str, kinds: Sequence[str] = ("model", "snapshot", "seed", "source", "exposure")) -> str | None:
        """The id that a name or an id means; the first kind wins."""
        if word in self.by_id:
            return word
        named = [node for node in self.nodes if word == node["name"] and node["kind"] in kinds]
        return min(named, key=lambda node: kinds.index(node["kind"]))["id"] if named else None


@dataclass
class Site:
    """``built`` is the folder of the page, ``made`` that of the generated data, which may not be there (yet).

    ``policy`` is what the page may load, ``trouble`` why the data could not be made anew.
    """

    built: Path
    made: Path
    policy: str = ""
    trouble: str = ""
    _mark: tuple[int, int] | None = field(default=None, repr=False)
    _known: Known = field(default_factory=Known, repr=False)
    _one: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def known(self) -> Known:
        """What the site says of the project; nothing when there is none. Read again when it was generated anew."""
        path = self.made / "data" / "project.json"
        try:
            facts = path.stat()
            mark = (facts.st_mtime_ns, facts.st_size)
            with self._one:
                if mark != self._mark:
                    said = json.loads(path.read_text(encoding="utf-8"))
                    tests = json.loads(path.with_name("tests.json").read_text(encoding="utf-8"))
                    self._known = Known(said["name"], said["target"], said["engine"], said["nodes"], said["generated_at"], tests)
                    self._mark = mark
        except (OSError, ValueError, LookupError):
            return self._known
        return self._known

    def file(self, path: str) -> Path | None:
        """The file that a path names: the page's own below ``assets/``, the project's below ``data/``, nothing else."""
        folder = self.built if path.startswith("/assets/") else self.made if path.startswith("/data/") else None
        return None if folder is None else inside(folder.resolve(), path)

    def page(self) -> bytes:
        """The page itself, which says that it is served live."""
        return (self.built / "index.html").read_bytes()
