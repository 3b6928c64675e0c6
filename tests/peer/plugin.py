"""The pytest plugin of this folder: which of dbt's test classes run, on which engine, against which tool.

Loaded by ``run`` behind dbt's own fixtures, in the environment it made; never by this repository's own test session.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.peer import engines, shim

ENGINE = os.environ["ORC_PEER_ENGINE"]
TOOL = os.environ.get("ORC_PEER_TOOL", "orc")
REPORTS: dict[str, dict[str, str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    if TOOL == "orc":
        shim.install()
    engines.prepare(ENGINE)
    engines.adapt(ENGINE, TOOL)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Each class once, where it is written; a class that another only renames is that other one."""
    classes = {item.cls for item in items if item.cls is not None}
    renamed = {base for c in classes for base in c.__bases__ if _nothing_new(c)}
    items[:] = [i for i in items if i.cls is not None and i.cls.__module__ == i.module.__name__ and i.cls not in renamed]


def _nothing_new(cls: type) -> bool:
    return len(cls.__bases__) == 1 and all(n.startswith("__") or n == "pytestmark" for n in vars(cls))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep how each test ended, and the last line of what went wrong."""
    name = _name(report.nodeid)
    if report.failed:
        REPORTS[name] = {"outcome": "failed", "reason": _reason(report), "text": f"{report.longreprtext}\n{report.capstdout}"}
    elif report.when == "call":
        REPORTS.setdefault(name, {"outcome": report.outcome, "reason": ""})
    elif report.skipped:
        REPORTS[name] = {"outcome": "skipped", "reason": str(report.longrepr)}


def _name(nodeid: str) -> str:
    path, _, rest = nodeid.partition("::")
    return f"{Path(path).stem}::{rest}"


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash is not None else report.longrepr).strip()


def pytest_sessionfinish() -> None:
    Path(os.environ["ORC_PEER_REPORT"]).write_text(json.dumps(REPORTS, indent=1), encoding="utf-8")


@pytest.fixture(scope="class")
def dbt_profile_target(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return engines.output(ENGINE, tmp_path_factory.mktemp("db"))
