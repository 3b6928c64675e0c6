"""Materialized views: their options, as a model says them and as BigQuery has them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from orchestrator.adapters.bigquery.layout import refusal
from orchestrator.adapters.bigquery.options import building, number, of_view
from orchestrator.adapters.bigquery.words import GoogleWords

FIXED = ("allow_non_incremental_definition", "kms_key_name")
"""Options that no ALTER changes: with another value the view is made anew."""

EVERY_MINUTES = 30
"""How often BigQuery refreshes a view at most, if nobody says otherwise."""

_SAY = GoogleWords()
_DAYS, _SECONDS = 30, 86_400
_UNITS = {
    "second": (0, 0, 1), "minute": (0, 0, 60), "hour": (0, 0, 3600), "day": (0, 1, 0), "week": (0, 7, 0),
    "month": (1, 0, 0), "quarter": (3, 0, 0), "year": (12, 0, 0),
}  # fmt: skip
_ONE = re.compile(r"interval\s+(['\"]?)(\d+)\1\s+(\w+?)s?", re.IGNORECASE)
_PARTS = re.compile(
    r"(?:interval\s+)?(['\"]?)(?:(\d+)-(\d+)\s+)?(?:(\d+)\s+)?(\d+):(\d+):(\d+)\1(?:\s+(?:year|month|day|hour)\s+to\s+second)?",
    re.IGNORECASE,
)

Interval = tuple[int, int, int]
"""Months, days, seconds."""


def interval(text: str) -> Interval | None:
    """An interval, as GoogleSQL or REST writes it; ``None`` for what is none.

    >>> interval("INTERVAL 4 HOUR"), interval("0-1 2 4:00:30"), interval("interval '4:0:0' hour to second"), interval("soon")
    ((0, 0, 14400), (1, 2, 14430), (0, 0, 14400), None)
    """
    if (one := _ONE.fullmatch(text.strip())) and (unit := _UNITS.get(one[3].lower())):
        months, days, seconds = (int(one[2]) * part for part in unit)
        return months, days, seconds
    if parts := _PARTS.fullmatch(text.strip()):
        years, months, days, hours, minutes, seconds = (int(part or 0) for part in parts.groups()[1:])
        return years * 12 + months, days, hours * 3600 + minutes * 60 + seconds
    return None


def of_materialized_view(config: Mapping[str, Any], *, staged: bool = False) -> dict[str, str]:
    """The options of a materialized view, by name as SQL. Raises ``PlanError`` (N340) for a wrong shape.

    One that is ``staged`` is there to be looked at: it is never refreshed and never expires, and answers with what its tables hold now.

    >>> of_materialized_view({"max_staleness": "interval 4 hour"})
    {'max_staleness': "interval '0-0 0 4:0:0' year to second"}
    """
    found = {} if staged else dict(of_view(config))
    found |= {key: value for key, value in building(config).items() if key == "kms_key_name"}
    refreshed, anything = _flag(config, "enable_refresh"), _flag(config, "allow_non_incremental_definition")
    minutes, stale = config.get("refresh_interval_minutes"), _staleness(config)
    if staged:
        found["enable_refresh"] = "false"
    elif refreshed is not None:
        found["enable_refresh"] = _SAY.literal(refreshed)
    if minutes is not None:
        said = number("refresh_interval_minutes", minutes)
        found |= {} if staged else {"refresh_interval_minutes": said}
    if stale is not None and (not staged or anything):  # BigQuery wants one with the other
        found["max_staleness"] = _written(stale)
    if anything is not None:
        found["allow_non_incremental_definition"] = _SAY.literal(anything)
    return found


def there(resource: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The options that a materialized view has, from BigQuery's own description of it, in words that can be compared.

    >>> dict(there({"materializedView": {"refreshIntervalMs": "60000"}}))["refresh_interval_minutes"]
    '1'
    """
    own: Mapping[str, Any] = resource.get("materializedView") or {}
    stale = interval(str(resource.get("maxStaleness") or own.get("maxStaleness") or "0:0:0"))
    key = str((resource.get("encryptionConfiguration") or {}).get("kmsKeyName") or "")
    return (
        ("enable_refresh", _yes(own.get("enableRefresh", True))),
        ("refresh_interval_minutes", f"{int(own.get('refreshIntervalMs') or EVERY_MINUTES * 60_000) / 60_000:g}"),
        ("max_staleness", str(_length(stale or (0, 0, 0)))),
        ("labels", json.dumps(resource.get("labels") or {}, sort_keys=True)),
        ("allow_non_incremental_definition", _yes(own.get("allowNonIncrementalDefinition", False))),
        ("kms_key_name", key.partition("/cryptoKeyVersions/")[0]),
    )


def different(have: Mapping[str, str], config: Mapping[str, Any]) -> dict[str, str] | None:
    """The options to set, by name as SQL, so that the view has those of its model; ``None`` when only a new one can have them.

    An option that the model does not mention goes back to what BigQuery does by itself; labels and keys are left as they are.

    >>> different(dict(there({})), {"refresh_interval_minutes": 60}), different(dict(there({})), {"enable_refresh": True})
    ({'refresh_interval_minutes': '60'}, {})
    >>> different(dict(there({})), {"allow_non_incremental_definition": True}) is None
    True
    """
    said = of_materialized_view(config)
    changed = [key for key, value in _wanted(config).items() if have.get(key, value) != value]
    if any(key in FIXED for key in changed):
        return None
    return {key: said.get(key, "null") for key in changed}


def _wanted(config: Mapping[str, Any]) -> dict[str, str]:
    refreshed = config.get("enable_refresh")
    wanted = {
        "enable_refresh": _yes(True if refreshed is None else refreshed),
        "refresh_interval_minutes": f"{config.get('refresh_interval_minutes') or EVERY_MINUTES:g}",
        "max_staleness": str(_length(_staleness(config) or (0, 0, 0))),
        "allow_non_incremental_definition": _yes(config.get("allow_non_incremental_definition") or False),
    }
    if config.get("labels") is not None:
        wanted["labels"] = json.dumps({str(k): str(v) for k, v in config["labels"].items()}, sort_keys=True)
    if config.get("kms_key_name") is not None:
        wanted["kms_key_name"] = str(config["kms_key_name"])
    return wanted


def _staleness(config: Mapping[str, Any]) -> Interval | None:
    given = config.get("max_staleness")
    if given is None:
        return None
    found = interval(str(given))
    if found is None:
        raise refusal(f"`max_staleness` is an interval, not `{given}`", "max_staleness: interval 4 hour")
    return found


def _flag(config: Mapping[str, Any], key: str) -> bool | None:
    given = config.get(key)
    if given is not None and not isinstance(given, bool):
        raise refusal(f"`{key}` is true or false, not `{given}`", f"{key}: true")
    return given


def _written(found: Interval) -> str:
    months, days, seconds = found
    clock = f"{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
    return f"interval '{months // 12}-{months % 12} {days} {clock}' year to second"


def _length(found: Interval) -> int:
    """Seconds, as intervals are compared."""
    months, days, seconds = found
    return (months * _DAYS + days) * _SECONDS + seconds


def _yes(value: object) -> str:
    return "true" if value in (True, "true") else "false"
