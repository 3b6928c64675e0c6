"""A project built through the command line, on whichever engine is under test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.cli.main import call
from orchestrator.core.project import Secret, Target
from orchestrator.core.snapshot import Existing

OWN = "[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n"


@dataclass
class Built:
    """A folder, the commands one gives in it, and what they left in the warehouse."""

    root: Path
    target: Target
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str]
    told: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def engine(self) -> str:
        return self.target.type

    def write(self, files: Mapping[str, str]) -> Built:
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return self

    def orc(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a command that must end with ``code``; its results by the node's name. What it said is in ``told``."""
        with self.monkeypatch.context() as patch:
            for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
                patch.delenv(key)
            patch.setenv("HOME", str(self.root))
            patch.setenv("NO_COLOR", "1")
            for key, value in self.environment.items():
                patch.setenv(key, value)
            self.capture.readouterr()
            results = self.root / "target" / "run_results.json"
            results.unlink(missing_ok=True)
            ended = call([*words, "--project-dir", str(self.root)])
        out, err = self.capture.readouterr()
        self.told = out + err
        assert ended == code, self.told
        found = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return {r["unique_id"].split(".")[2]: r for r in found}

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows; ``{table}`` in braces is the relation of that name."""
        warehouse = registry.warehouse(self.target, str(self.root))
        try:
            session = warehouse.connect()
            said = sql.replace("{", "\x00").split("\x00")
            text = said[0] + "".join(warehouse.dialect.relation(self.relation(p.split("}")[0])) + p.split("}", 1)[1] for p in said[1:])
            return list(session.execute(text).rows)
        finally:
            warehouse.close()

    def relation(self, name: str) -> Any:
        from orchestrator.core.names import Relation

        return Relation(registry.database(self.target, str(self.root)), self.target.schema, name)

    def find(self, name: str) -> Existing | None:
        """What is in the warehouse under this name."""
        warehouse = registry.warehouse(self.target, str(self.root))
        try:
            return warehouse.snapshot([self.relation(name)]).find(self.relation(name))
        finally:
            warehouse.close()

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "target" / "manifest.json").read_text(encoding="utf-8"))
        return found


Make = Callable[..., Built]


def built(
    root: Path, target: Target, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> Built:
    """A project with a profile for ``target``."""
    settings = {k: v.reveal() if isinstance(v, Secret) else v for k, v in target.settings.items()}
    output = {**settings, "type": target.type, "schema": target.schema, "threads": 4}
    profile = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    own = {"profiles.yml": json.dumps(profile)}
    if "dbt_project.yml" not in files:
        own["pyproject.toml"] = OWN
    return Built(root, target, monkeypatch, capture).write({**own, **files})
