"""Around a run: an alert when it did not come to its first node, and the letters it left in the outbox. Nothing here fails a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.core.errors import OrcError, Problem

SHORT = 10.0
"""Seconds that letters may take at the end of a run; who does not answer in that time is asked later."""


@contextmanager
def stillborn(given: Mapping[str, Any], command: str, told: dict[str, Any]) -> Iterator[None]:
    """Around everything a command does; ``told`` is what it said to its surroundings: where the project is, what must not be shown."""
    try:
        yield
    except OrcError as error:
        _tell(given, command, told, error.problems)
        raise
    except Exception as error:
        _tell(given, command, told, (Problem("X900", f"{type(error).__name__}: {error}"),))
        raise
    finally:
        _send(given, told)


@contextmanager
def posting(workspace: Any) -> Iterator[None]:
    """Around a run of a project that is open already: the letters it left are sent when it is over, however it ended."""
    from dataclasses import replace

    from orchestrator.app.alerts.announcing import address, wanted

    try:
        yield
    finally:
        invocation = workspace.invocation
        if _wanted({"root": str(invocation.root), "posts": wanted(workspace)}):
            from orchestrator.cli import wire_alerts

            _sent(lambda: replace(wire_alerts.sending(invocation.root), env=invocation.env, exposure=lambda id_: address(workspace, id_)))


def _wanted(told: Mapping[str, Any]) -> Path | None:
    """The project's folder, where anybody may have to be told."""
    root = told.get("root")
    return Path(root) if root is not None and (told.get("posts") or (Path(root) / "alerts.yml").exists()) else None


def _tell(given: Mapping[str, Any], command: str, told: Mapping[str, Any], problems: tuple[Problem, ...]) -> None:
    root = _wanted(told)
    if root is None or given.get("environment"):
        return
    try:
        from dataclasses import replace

        from orchestrator.app.alerts.alerting import alerting
        from orchestrator.app.alerts.alerting import stillborn as posts
        from orchestrator.cli import wire, wire_alerts
        from orchestrator.core.project import SECRET_PREFIXES, Secret, mask

        hidden = [*told.get("secrets", ()), *(Secret(v) for k, v in os.environ.items() if k.startswith(SECRET_PREFIXES) and v)]
        masked = [replace(p, message=mask(p.message, hidden), hint=p.hint and mask(p.hint, hidden)) for p in problems]
        arguments = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        outbox = wire_alerts.outbox(root)
        try:
            outbox.enclose(posts(alerting(root), command, arguments, os.environ, masked, wire.SystemClock().now(), told.get("run") or ""))
        finally:
            outbox.close()
    except Exception as error:  # noqa: BLE001  # an alert's failure hides no other
        _say(f"nobody could be alerted: {error}")


def _send(given: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    root = _wanted(told)
    if root is not None:
        from orchestrator.cli import wire_alerts

        _sent(lambda: wire_alerts.sending(root, given))


def _sent(made: Callable[[], Any]) -> None:
    """Send what is due for a short time; what goes wrong is said."""
    try:
        from orchestrator.app.alerts.posting import send

        sending = made()
        try:
            for sealed, why in send(sending, limit=SHORT).refused:
                _say(f"the alert `{sealed.rule}` has not arrived: {why}; `orc serve` or `orc alerts send` tries again")
        finally:
            sending.outbox.close()
    except Exception as error:  # noqa: BLE001  # an alert's failure fails no run
        _say(f"alerts wait in the outbox: {error}")


def _say(line: str) -> None:
    print(f"warning: {line}", file=sys.stderr)  # noqa: T201 - the console is where this goes
