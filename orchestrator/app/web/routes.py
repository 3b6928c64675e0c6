"""All that `orc serve` answers over HTTP: one table, from which requests are answered and described."""

from __future__ import annotations

from orchestrator.serve.routes import SERVED, Route

READING: tuple[Route, ...] = ()
"""Questions about runs, models, schedules, and the pages that show them."""

ROUTES: tuple[Route, ...] = (*SERVED, *READING)
"""The table."""
