"""A BigQuery target: what the keys of its profile mean."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.difference import Reach
from orchestrator.core.errors import Problem, ProfileError, did_you_mean
from orchestrator.core.project import Secret, Target

METHODS = ("oauth", "oauth-secrets", "service-account", "service-account-json")
PRIORITIES = ("interactive", "batch")
SCOPES = (
    "https://www.googleapis.com/auth/bigquery",
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/drive",
)


@dataclass(frozen=True, slots=True)
class BigQueryProfile:
    """How to connect, and what every job is told.

    ``project`` holds the data, ``execution_project`` runs (and pays for) the jobs. ``credentials`` are the keys that the ``method``
    of signing in needs; secret ones are :class:`Secret`. ``creation_timeout``, ``execution_timeout`` and ``retry_deadline`` are
    seconds. ``job_retries`` is how often a job that died of no fault of its own is sent again. ``target`` and ``run`` go into labels.
    """

    project: str
    dataset: str
    method: str = "oauth"
    credentials: Mapping[str, Any] = field(default_factory=dict)
    execution_project: str | None = None
    quota_project: str | None = None
    location: str | None = None
    priority: str = "interactive"
    maximum_bytes_billed: int | None = None
    creation_timeout: float | None = None
    execution_timeout: float | None = None
    retry_deadline: float = 600.0
    job_retries: int = 1
    impersonate: str | None = None
    scopes: tuple[str, ...] = SCOPES
    api_endpoint: str | None = None
    reservation: str | None = None
    threads: int = 1
    target: str = ""
    run: str = ""

    @property
    def database(self) -> str:
        """The project that relations are built in."""
        return self.project

    @property
    def namespace(self) -> str:
        """OpenLineage's name of BigQuery: there is one, and projects are part of a dataset's name."""
        return "bigquery"

    @property
    def paying(self) -> str:
        """The project that jobs run in."""
        return self.execution_project or self.project


TEXT, NUMBER, WHOLE, LIST, MAPPING = "a text", "a number", "a whole number", "a list", "a mapping or a text"

KNOWN: dict[str, str] = {
    "type": TEXT,
    "target": TEXT,
    "method": TEXT,
    "project": TEXT,
    "database": TEXT,
    "dataset": TEXT,
    "schema": TEXT,
    "threads": WHOLE,
    "location": TEXT,
    "execution_project": TEXT,
    "quota_project": TEXT,
    "priority": TEXT,
    "maximum_bytes_billed": WHOLE,
    "job_creation_timeout_seconds": NUMBER,
    "job_execution_timeout_seconds": NUMBER,
    "job_retry_deadline_seconds": NUMBER,
    "job_retries": WHOLE,
    "timeout_seconds": NUMBER,
    "retries": WHOLE,
    "impersonate_service_account": TEXT,
    "scopes": LIST,
    "api_endpoint": TEXT,
    "reservation": TEXT,
    "keyfile": TEXT,
    "keyfile_json": MAPPING,
    "token": TEXT,
    "refresh_token": TEXT,
    "client_id": TEXT,
    "client_secret": TEXT,
    "token_uri": TEXT,
}

UNSUPPORTED = {
    "dataproc_region": "Python models run here, not on Dataproc",
    "dataproc_cluster_name": "Python models run here, not on Dataproc",
    "dataproc_batch": "Python models run here, not on Dataproc",
    "gcs_bucket": "Python models run here and load their frames themselves",
    "compute_region": "Python models run here",
    "submission_method": "Python models run here",
    "workload_pool_provider_path": "sign in with `method: oauth` and a credentials file of workload identity",
    "token_endpoint": "sign in with `method: oauth` and a credentials file of workload identity",
}

NEEDS: dict[str, tuple[str, ...]] = {
    "oauth": (),
    "oauth-secrets": ("token", "refresh_token"),
    "service-account": ("keyfile",),
    "service-account-json": ("keyfile_json",),
}
"""What each method of signing in needs, one of them at least."""

_SIGNING = ("keyfile", "keyfile_json", "token", "refresh_token", "client_id", "client_secret", "token_uri")
_SECRET = ("keyfile_json", "token", "refresh_token", "client_secret")

CHECKS: dict[str, Callable[[Any], bool]] = {
    TEXT: lambda v: isinstance(v, (str, int)) and not isinstance(v, bool),
    NUMBER: lambda v: _number(v) is not None,
    WHOLE: lambda v: (n := _number(v)) is not None and n == int(n),
    LIST: lambda v: isinstance(v, (list, tuple)) and all(isinstance(item, str) for item in v),
    MAPPING: lambda v: isinstance(v, (Mapping, str)),
}


def profile(target: Target, root: str) -> BigQueryProfile:
    """What the warehouse needs to connect to ``target``; a relative ``keyfile`` starts at ``root``.

    Raises ``ProfileError`` with every key that is unknown, unsupported, missing or of the wrong type.

    >>> profile(Target("p", "dev", "bigquery", "shop-dw", "marts", 4, {"method": "oauth", "location": "EU"}), "").paying
    'shop-dw'
    """
    given = {key: value for key, value in target.settings.items() if value is not None}
    problems = [*_problems(given)]
    project = target.database or given.get("project") or given.get("database") or _named_in(given.get("keyfile_json"))
    if not project:
        problems.append(Problem("C403", "a BigQuery profile needs `project`", hint="project: the id of the project that holds the data"))
    if problems:
        raise ProfileError(*(_located(p, target) for p in problems))
    credentials = {key: given[key] for key in _SIGNING if key in given}
    credentials |= {key: Secret(_revealed(credentials[key])) for key in _SECRET if isinstance(credentials.get(key), str)}
    if "keyfile" in credentials:
        path = os.path.expanduser(_revealed(credentials["keyfile"]))  # noqa: PTH111  text in, text out
        credentials["keyfile"] = os.path.normpath(os.path.join(root, path))  # noqa: PTH118  same
    timeout = given.get("job_execution_timeout_seconds", given.get("timeout_seconds"))
    return BigQueryProfile(
        project=_revealed(project),
        dataset=target.schema,
        method=_method(given),
        credentials=credentials,
        execution_project=_text(given.get("execution_project")),
        quota_project=_text(given.get("quota_project")),
        location=_text(given.get("location")),
        priority=str(given.get("priority", "interactive")).lower(),
        maximum_bytes_billed=_whole(given.get("maximum_bytes_billed")),
        creation_timeout=_number(given.get("job_creation_timeout_seconds")),
        execution_timeout=_number(timeout) or None,
        retry_deadline=_number(given.get("job_retry_deadline_seconds", 600)) or 0.0,
        job_retries=_whole(given.get("job_retries", given.get("retries", 1))) or 0,
        impersonate=_text(given.get("impersonate_service_account")),
        scopes=tuple(given.get("scopes") or SCOPES),
        api_endpoint=_text(given.get("api_endpoint")),
        reservation=_text(given.get("reservation")),
        threads=max(1, target.threads),
        target=target.name,
    )


def comparing(target: Target) -> Target:
    """The target of a session that only compares: the same."""
    return target


def reach(here: BigQueryProfile, there: BigQueryProfile) -> Reach:  # noqa: ARG001  BigQuery is one, and says itself what may not be read
    """How a session of one project sees another: as it is."""
    return Reach()


def _problems(given: Mapping[str, Any]) -> Iterator[Problem]:
    for key, value in given.items():
        if key in UNSUPPORTED:
            yield Problem("C402", f"`{key}` of dbt-bigquery is not supported", hint=UNSUPPORTED[key])
        elif key not in KNOWN:
            yield Problem("C402", f"`{key}` is not a key of a BigQuery profile", hint=did_you_mean(key, KNOWN))
        elif not CHECKS[KNOWN[key]](value):
            shown = f"`{value}`" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"
            yield Problem("C403", f"`{key}` must be {KNOWN[key]}, not {shown}")
    method = _method(given)
    if method not in METHODS:
        hint = did_you_mean(method, METHODS, also=f"there is {', '.join(METHODS)}")
        yield Problem("C403", f"`method` cannot be `{method}`", hint=hint)
    elif NEEDS[method] and not any(key in given for key in NEEDS[method]):
        yield Problem("C403", f"`method: {method}` needs {' or '.join(f'`{key}`' for key in NEEDS[method])}")
    priority = str(given.get("priority", "interactive")).lower()
    if priority not in PRIORITIES:
        yield Problem("C403", f"`priority` cannot be `{priority}`", hint=did_you_mean(priority, PRIORITIES, also="interactive or batch"))


def _method(given: Mapping[str, Any]) -> str:
    """How to sign in: as said, else as the keys that are there suggest."""
    if "method" in given:
        return str(given["method"])
    return "service-account" if "keyfile" in given else "service-account-json" if "keyfile_json" in given else "oauth"


def _named_in(key: Any) -> str | None:
    return str(key["project_id"]) if isinstance(key, Mapping) and key.get("project_id") else None


def _number(value: Any) -> float | None:
    """A number that is not negative, also when a template made a text of it."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(_revealed(value))
    except (TypeError, ValueError):
        return None
    return number if number >= 0 else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _text(value: Any) -> str | None:
    return None if value is None else _revealed(value)


def _revealed(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _located(problem: Problem, target: Target) -> Problem:
    """The same problem, saying whose profile it is about (the file's line is not known here)."""
    return Problem(problem.code, f"profile `{target.profile}`, target `{target.name}`: {problem.message}", hint=problem.hint)
