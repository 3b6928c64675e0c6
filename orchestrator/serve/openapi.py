"""The description of the API, made from the table of routes: what is answered is what is described."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from orchestrator.serve.asking import Reply
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.keys import OPEN
from orchestrator.serve.routes import Route

REFUSALS = {
    400: "the request says something that cannot be",
    401: "no token, or a wrong one",
    403: "the token is not for this, or the wish comes from elsewhere",
    429: "too many; Retry-After says when again",
    503: "the state cannot be read or written",
}
"""What refusals mean everywhere."""


def described(desk: Desk, asked: Asked) -> Reply:
    """The description, in OpenAPI's words."""
    return Reply(200, openapi(asked.routes, desk.version))


def openapi(routes: Iterable[Route], version: str) -> dict[str, Any]:
    """An OpenAPI document of the routes that are no pages.

    >>> from orchestrator.serve.living import healthy
    >>> found = openapi([Route("GET", "/healthz", OPEN, healthy, "Alive.")], "1")
    >>> found["paths"]["/healthz"]["get"]["summary"], found["paths"]["/healthz"]["get"]["security"]
    ('Alive.', [])
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if not route.page:
            paths.setdefault(route.pattern.replace("+}", "}"), {})[route.method.lower()] = _operation(route)
    error = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    schemes = {
        "token": {"type": "http", "scheme": "bearer", "description": "orc token create NAME --scope …"},
        "session": {"type": "apiKey", "in": "cookie", "name": "orc_session", "description": "after POST /login; wishes need X-CSRF-Token"},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "orc serve", "version": version},
        "paths": paths,
        "components": {"schemas": {"Error": error}, "securitySchemes": schemes},
    }


def _operation(route: Route) -> dict[str, Any]:
    wish = route.method not in ("GET", "HEAD")
    places = re.findall(r"\{(\w+)\+?\}", route.pattern)
    parameters: list[dict[str, Any]] = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in places]
    parameters += [{"name": n, "in": "query", "description": about, "schema": {"type": "string"}} for n, about in route.query.items()]
    good = {status: about for status, about in route.replies.items() if status < 400} or {200: "the answer"}
    bad = {**(REFUSALS if wish or route.scope != OPEN else {}), **{s: a for s, a in route.replies.items() if s >= 400}}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    found: dict[str, Any] = {
        "operationId": _name(route),
        "summary": route.summary,
        "x-scope": route.scope,
        "security": [] if route.scope == OPEN else [{"token": []}, {"session": []}],
        "responses": {
            **{str(status): {"description": about} for status, about in good.items()},
            **{str(status): {"description": about, "content": content} for status, about in sorted(bad.items())},
        },
    }
    if parameters:
        found["parameters"] = parameters
    if route.body is not None:
        found["requestBody"] = {"content": {"application/json": {"schema": dict(route.body)}}}
    return found


def _name(route: Route) -> str:
    words = re.findall(r"\w+", route.pattern.removeprefix("/api/v1"))
    return "_".join([route.method.lower(), *words])
