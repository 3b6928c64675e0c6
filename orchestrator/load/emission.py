"""Whether and where to tell OpenLineage events: standard variables, ``openlineage.yml``, or the project file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from orchestrator.core.emission import Emission
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import Span
from orchestrator.core.project import Secret
from orchestrator.load.shape import Key, Table, Text

FILE = "openlineage.yml"
ENDPOINT = "api/v1/lineage"
KINDS = ("http", "file", "console", "noop")
HINT = (
    'openlineage = {file = "target/openlineage.jsonl"} or {url = "https://lineage.example"} below [tool.orchestrator]; or OPENLINEAGE_URL'
)


OPENLINEAGE = Table(
    "`openlineage`",
    {
        "file": Key(Text(), "Events are appended to this file, one JSON object a line."),
        "url": Key(Text(), "Events are posted to this server; OPENLINEAGE_API_KEY holds its key."),
        "endpoint": Key(Text(), f"The path there (default: {ENDPOINT})."),
        "namespace": Key(Text(), "The namespace of jobs (default: the project's name)."),
    },
)
"""``[tool.orchestrator.openlineage]``."""


def emission(root: Path, env: Mapping[str, str], said: Mapping[str, Any], origin: str | None = None) -> Emission | None:
    """Where events go, ``None`` for nowhere. ``said`` is ``openlineage`` of the project file ``origin``.

    ``OPENLINEAGE_DISABLED=true`` says no to everything. Then the file named by ``OPENLINEAGE_CONFIG``, or ``openlineage.yml`` beside the
    project, decides; then ``OPENLINEAGE_URL`` (with ``_ENDPOINT``, ``_API_KEY``); then the project file. ``OPENLINEAGE_NAMESPACE`` and
    ``OPENLINEAGE_PARENT_ID`` (``namespace/name/run``) hold for all of them.

    Raises:
        ConfigError: C260, what is said makes no sense.
    """
    if env.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return None
    given = env.get("OPENLINEAGE_CONFIG")
    path = root / (given or FILE)
    found: Emission | None
    if given or path.is_file():
        found = _configured(root, path, given or FILE)
    elif env.get("OPENLINEAGE_URL"):
        key = env.get("OPENLINEAGE_API_KEY")
        url = _url(env["OPENLINEAGE_URL"], env.get("OPENLINEAGE_ENDPOINT", ENDPOINT), None)
        found = Emission("http", url=url, key=Secret(key) if key else None)
    elif said:
        found = _said(root, said, Span(origin) if origin else None, env)
    else:
        return None
    if found is None:
        return None
    namespace = env.get("OPENLINEAGE_NAMESPACE") or str(said.get("namespace") or "")
    return replace(found, namespace=namespace, parent=_parent(env.get("OPENLINEAGE_PARENT_ID", "")))


def _configured(root: Path, path: Path, name: str) -> Emission | None:
    from orchestrator.load.yaml import read_yaml

    place = Span(name)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(Problem("C260", f"`{name}` cannot be read: {error.strerror}", None, "OPENLINEAGE_CONFIG names it")) from None
    data = read_yaml(name, content).data
    transport = data.get("transport") if isinstance(data, Mapping) else None
    if not isinstance(transport, Mapping) or transport.get("type") not in KINDS:
        said = transport.get("type") if isinstance(transport, Mapping) else None
        message = f"`{name}` names the transport `{said}`" if said else f"`{name}` names no transport"
        raise ConfigError(Problem("C260", message, place, f"these there are: {', '.join(KINDS)}"))
    match transport["type"]:
        case "noop":
            return None
        case "console":
            return Emission("console")
        case "file":
            path_ = transport.get("log_file_path")
            if not path_:
                raise ConfigError(Problem("C260", f"`{name}`: the transport `file` needs `log_file_path`", place))
            return Emission("file", path=root / str(path_))
        case _:
            auth = transport.get("auth")
            key = next((auth[k] for k in ("apiKey", "api_key", "apikey") if auth.get(k)), None) if isinstance(auth, Mapping) else None
            url = _url(str(transport.get("url") or ""), str(transport.get("endpoint") or ENDPOINT), place)
            timeout = transport.get("timeout", Emission("http").timeout)
            if not isinstance(timeout, int | float) or isinstance(timeout, bool) or timeout <= 0:
                raise ConfigError(Problem("C260", f"`{name}`: `timeout: {timeout}` is no number of seconds", place))
            return Emission("http", url=url, key=Secret(str(key)) if key else None, timeout=float(timeout))


def _said(root: Path, said: Mapping[str, Any], place: Span | None, env: Mapping[str, str]) -> Emission | None:
    file, url = said.get("file"), said.get("url")
    if (file is None) == (url is None):
        if not file and set(said) <= {"namespace"}:
            return None
        raise ConfigError(Problem("C260", "`openlineage` names a `file` and a `url`, or neither", place, HINT))
    if file is not None:
        return Emission("file", path=root / str(file))
    key = env.get("OPENLINEAGE_API_KEY")
    return Emission("http", url=_url(str(url), str(said.get("endpoint") or ENDPOINT), place), key=Secret(key) if key else None)


def _url(base: str, endpoint: str, place: Span | None) -> str:
    """Where events are posted to. Passwords belong into variables for them, not into a URL that messages show."""
    parts = urlsplit(base.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        shown = f"{parts.scheme}://{parts.hostname or ''}" if parts.scheme else base
        raise ConfigError(Problem("C260", f"`{shown}` is no place that events can be posted to", place, HINT))
    return f"{base.strip().rstrip('/')}/{endpoint.strip('/')}"


def _parent(text: str) -> tuple[str, str, str] | None:
    r"""``namespace/name/run``, in which only the namespace may have slashes.

    >>> _parent("airflow/dag.task/3f5e83fa-3480-44ff-99c5-ff943904e5e8")
    ('airflow', 'dag.task', '3f5e83fa-3480-44ff-99c5-ff943904e5e8')
    """
    from uuid import UUID

    parts = text.rsplit("/", 2)
    try:
        return (parts[0], parts[1], str(UUID(parts[2]))) if len(parts) == 3 and parts[0] and parts[1] else None
    except ValueError:
        return None
