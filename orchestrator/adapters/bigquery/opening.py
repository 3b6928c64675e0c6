"""A client for the project that a profile names."""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from google.cloud import bigquery

from orchestrator.adapters.bigquery.problems import unreachable
from orchestrator.adapters.bigquery.profile import BigQueryProfile
from orchestrator.core.errors import Problem, WarehouseError
from orchestrator.core.project import Secret
from orchestrator.core.version import VERSION

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

EMULATOR = "BIGQUERY_EMULATOR_HOST"
"""The variable of the environment that Google's own client heeds, too."""


def opening(profile: BigQueryProfile, credentials: Credentials) -> bigquery.Client:
    """A client; it has sent nothing yet."""
    from google.api_core.client_info import ClientInfo
    from google.api_core.client_options import ClientOptions

    options: dict[str, Any] = {}
    if profile.api_endpoint:
        options["api_endpoint"] = profile.api_endpoint
    if profile.quota_project:
        options["quota_project_id"] = profile.quota_project
    return bigquery.Client(
        project=profile.paying,
        credentials=credentials,
        location=profile.location,
        client_options=ClientOptions(**options),
        client_info=ClientInfo(user_agent=f"orc/{VERSION}"),
    )


def credentials(profile: BigQueryProfile) -> Credentials:
    """Who we are. Raises ``WarehouseError`` (W301) when nobody says so, or what says so cannot be read."""
    from google.auth.exceptions import GoogleAuthError

    if is_pretended(profile):
        from google.auth.credentials import AnonymousCredentials

        return AnonymousCredentials()
    try:
        found = _signed(profile)
    except (GoogleAuthError, OSError, ValueError) as error:
        raise unreachable(error, profile.paying) from error
    if profile.impersonate:
        from google.auth import impersonated_credentials

        found = impersonated_credentials.Credentials(found, profile.impersonate, list(profile.scopes))
    signed: Credentials = found
    return signed


def is_pretended(profile: BigQueryProfile) -> bool:
    """Whether the endpoint is an emulator: one without encryption gets to see no credentials."""
    return bool(os.environ.get(EMULATOR)) or (profile.api_endpoint or "").startswith("http://")


def storage_client(client: bigquery.Client, profile: BigQueryProfile) -> Any:
    """The faster way to get rows, if it is installed and allowed; never beside an endpoint of one's own, which has no such service."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    if profile.api_endpoint or os.environ.get(EMULATOR):
        return None
    try:
        return client._ensure_bqstorage_client()  # noqa: SLF001  what the client itself does when nothing is said
    except (GoogleAPIError, GoogleAuthError):
        return None


def _signed(profile: BigQueryProfile) -> Any:
    given, scopes = profile.credentials, list(profile.scopes)
    match profile.method:
        case "oauth":
            import google.auth

            found, _ = google.auth.default(scopes=scopes, quota_project_id=profile.quota_project)
            return found
        case "oauth-secrets":
            from google.oauth2.credentials import Credentials as UserCredentials

            plain = {key: _revealed(given.get(key)) for key in ("refresh_token", "client_id", "client_secret", "token_uri")}
            return UserCredentials(_revealed(given.get("token")), scopes=scopes, **plain)
        case "service-account":
            from google.oauth2.service_account import Credentials as ServiceCredentials

            return ServiceCredentials.from_service_account_file(str(given["keyfile"]), scopes=scopes)
        case _:
            from google.oauth2.service_account import Credentials as ServiceCredentials

            return ServiceCredentials.from_service_account_info(_key(given["keyfile_json"]), scopes=scopes)


def _key(given: Any) -> dict[str, Any]:
    """A service account's key: as a mapping, as JSON, or as JSON in base 64."""
    if isinstance(given, Mapping):
        return {str(key): _revealed(value) for key, value in given.items()}
    text = _revealed(given) or ""
    for candidate in (text, _decoded(text)):
        try:
            found = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    raise WarehouseError(Problem("W301", "`keyfile_json` is no JSON", hint="paste the key's content, or name its file with `keyfile`"))


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _revealed(value: Any) -> str | None:
    return value.reveal() if isinstance(value, Secret) else None if value is None else str(value)
