"""A project built through the command line, on whichever engine is under test."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, Self

import pytest

from orchestrator.adapters import registry
from orchestrator.cli.main import call
from orchestrator.core.project import Secret, Target
from orchestrator.core.snapshot import Existing

OWN = "[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n"


@dataclass(kw_only=True)
class Folder:
    """A project's files, and the commands one gives in it. What a command said is in ``told`` when there is a ``capture``."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str] | None = None
    told: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, files: Mapping[str, str]) -> Self:
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        return self

    def orc(self, *words: str, code: int = 0) -> dict[str, dict[str, Any]]:
        """Run a command that must end with ``code``; its results by the node's name."""
        results = self.root / "target" / "run_results.json"
        results.unlink(missing_ok=True)
        with self.monkeypatch.context() as patch:
            for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
                patch.delenv(key)
            for key, value in {"HOME": str(self.root), "NO_COLOR": "1", **self.environment}.items():
                patch.setenv(key, value)
            if self.capture is not None:
                self.capture.readouterr()
            ended = call([*words, "--project-dir", str(self.root)])
        if self.capture is not None:
            self.told = "".join(self.capture.readouterr())
        assert ended == code, self.told
        found = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return {r["unique_id"].split(".")[3 if r["unique_id"].startswith("unit_test.") else 2]: r for r in found}


@dataclass(kw_only=True)
class Built(Folder):
    """A project on the engine under test, and what its commands left in the warehouse."""

    target: Target

    @property
    def engine(self) -> str:
        return self.target.type

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


def own_files(target: Target) -> dict[str, str]:
    """A project of our own with a profile for ``target``."""
    settings = {k: v.reveal() if isinstance(v, Secret) else v for k, v in target.settings.items()}
    output = {**settings, "type": target.type, "schema": target.schema, "threads": target.threads}
    return {"profiles.yml": json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}), "pyproject.toml": OWN}


def built(
    root: Path, target: Target, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]
) -> Built:
    """A project with a profile for ``target``."""
    own = own_files(target)
    if "dbt_project.yml" in files:
        del own["pyproject.toml"]
    return Built(root=root, target=target, monkeypatch=monkeypatch, capture=capture).write({**own, **files})
