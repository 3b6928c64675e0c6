"""How lineage events leave: appended to a file, posted to a server, printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from orchestrator.core.emission import Emission
from orchestrator.core.version import VERSION

Send = Callable[[Mapping[str, Any]], None]


def transport(emission: Emission) -> Send:
    """A function that delivers one event. It raises ``OSError`` with a sentence that names no secret when it cannot."""
    match emission.kind:
        case "file":
            return lambda event: _append(emission, event)
        case "console":
            return lambda event: print(_line(event), file=sys.stderr, flush=True)  # noqa: T201 - what was asked for
        case "http":
            return lambda event: _post(emission, event)


def _line(event: Mapping[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, allow_nan=False)


def _append(emission: Emission, event: Mapping[str, Any]) -> None:
    """One line, written at once: runs side by side may share the file."""
    path = emission.path
    if path is None:
        raise OSError("no file is named")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        file.write(f"{_line(event)}\n".encode("utf-8", "backslashreplace"))


class _Staying(HTTPRedirectHandler):
    """Follows nobody: the token goes where it was sent."""

    def redirect_request(self, *_: Any) -> None:
        """No other place."""
        return


def _post(emission: Emission, event: Mapping[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": f"orc/{VERSION}"}
    if emission.key is not None:
        headers["Authorization"] = f"Bearer {emission.key.reveal()}"
    body = _line(event).encode("utf-8", "backslashreplace")
    request = Request(emission.url, body, headers, method="POST")  # noqa: S310 - the scheme was looked at where the URL was read
    where = urlsplit(emission.url).hostname or "the server"
    try:
        with build_opener(_Staying()).open(request, timeout=emission.timeout) as reply:
            reply.read(65_536)
    except HTTPError as error:
        with error:
            raise OSError(f"{where} answers with {error.code}") from None
    except (URLError, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise OSError(f"{where} does not answer: {reason}") from None
