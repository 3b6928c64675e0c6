"""All that `orc serve` answers over HTTP: one table, from which requests are answered and described."""

from __future__ import annotations

from orchestrator.app.web.reading import READING
from orchestrator.serve.keys import OPEN
from orchestrator.serve.openapi import described
from orchestrator.serve.routes import SERVED, Route

ROUTES: tuple[Route, ...] = (*SERVED, Route("GET", "/openapi.json", OPEN, described, "This description."), *READING)
"""The table."""
