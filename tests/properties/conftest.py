"""A Postgres to ask."""

from __future__ import annotations

from orchestrator.testing.fixtures import postgres_url, worker

__all__ = ["postgres_url", "worker"]
