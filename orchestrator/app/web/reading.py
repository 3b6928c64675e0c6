"""Questions about runs, models and schedules, and the pages that show them: the half of the table that changes nothing."""

from __future__ import annotations

from orchestrator.app.web import alerts, audit, badge, freshness, models, overview, pages, runs, schedules, stream
from orchestrator.serve.keys import OPEN
from orchestrator.serve.routes import Route

NONE = {404: "there is none"}
PAGE = {"limit": "entries of one page, up to 200"}
NARROW = {
    "status": "running, passed (or success), failed, cancelled, interrupted; several with commas",
    "schedule": "runs of a schedule or a trigger",
    "trigger": "what began them: cli, ci, schedule, manual, api; or in full, schedule:nightly",
    "target": "the target they ran on",
    "actor": "who is behind them",
    "model": "a model they built or tested, by name or id",
    "since": "2h, 7d, 2026-01-31",
    **PAGE,
    "before": "`next` of the page before",
}
LOG = {
    "node": "only what a node said",
    "attempt": "only an attempt's lines",
    "level": "debug, info, warn or error",
    "limit": "the last lines, up to 2000",
    "before": "lines before that number",
    "format": "text for people",
}

READING: tuple[Route, ...] = (
    Route("GET", "/api/v1/home", "read", overview.home, "What fails, runs, is late and comes next."),
    Route("GET", "/api/v1/runs", "read", runs.runs, "Runs, newest first.", query=NARROW),
    Route("GET", "/api/v1/runs/{run}", "read", runs.run, "A run: its nodes, and what went wrong, the root first.", replies=NONE),
    Route("GET", "/api/v1/runs/{run}/nodes/{node}", "read", runs.node, "A node of a run with its statements.", replies=NONE),
    Route("GET", "/api/v1/runs/{run}/logs", "read", runs.logs, "What a run said.", query=LOG, replies=NONE),
    Route(
        "GET",
        "/api/v1/runs/{run}/events",
        "read",
        stream.events,
        "What happens in a run, as server-sent events.",
        query={"after": "the last number that is known; `Last-Event-ID` says so, too"},
        replies={**NONE, 204: "nothing more will come"},
    ),
    Route("GET", "/api/v1/events", "read", stream.changes, "Server-sent events that say when something is new."),
    Route("GET", "/api/v1/models", "read", models.models, "How every model ended last.", query={"target": "on this target"}),
    Route(
        "GET",
        "/api/v1/models/{name}",
        "read",
        models.model,
        "A model with its last runs and tests.",
        query={"target": "on this target", **PAGE},
        replies=NONE,
    ),
    Route("GET", "/api/v1/schedules", "read", schedules.schedules, "Schedules with their next and last ticks, and triggers."),
    Route("GET", "/api/v1/launches", "read", schedules.launches, "What was launched.", query={"schedule": "of one schedule", **PAGE}),
    Route("GET", "/api/v1/freshness", "read", freshness.freshness, "What models and exposures promise, and how it is kept."),
    Route(
        "GET",
        "/api/v1/alerts",
        "read",
        alerts.alerts,
        "Open incidents, those that are over, and the letters about them.",
        query={**PAGE, "run": "letters about a run"},
    ),
    Route(
        "GET",
        "/api/v1/audit",
        "run",
        audit.audit,
        "Who did what, when and from where, newest first.",
        query={
            "action": "actions that begin so: run, schedule.paused",
            "actor": "actors that begin so",
            "since": "2h, 7d, 2026-01-31",
            "verify": "1: also whether the chain holds",
            **PAGE,
        },
    ),
    Route("GET", "/api/v1/pools", "read", schedules.pools, "Pools: who is in them, who waits."),
    Route("GET", "/api/v1/system", "read", overview.system, "The daemon, its leader, its state."),
    Route("GET", "/api/v1/exposures/{name}/badge.svg", "read", badge.badge, "Whether an exposure is fresh, as a picture.", replies=NONE),
    Route("GET", "/", OPEN, pages.page, "The pages.", page=True),
    Route("GET", "/assets/{file+}", OPEN, pages.file, "The pages' scripts and styles.", page=True),
    Route("GET", "/data/{file+}", "read", pages.file, "The documentation's data.", page=True),
    Route("GET", "/runs/{run}", OPEN, pages.way, "A run's page.", page=True),
    Route("GET", "/models/{name}", OPEN, pages.way, "A model's page.", page=True),
    *(Route("GET", f"/{place}", OPEN, pages.way, f"The page {place}.", page=True) for place in (*pages.PLACES, "models")),
)
"""The questions."""
