"""The rules of a project's ``alerts.yml``, as values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import time
from typing import TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from orchestrator.core.alert import KINDS, Alerts, Rule, Where
from orchestrator.core.duration import duration
from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.project import Properties

T = TypeVar("T")

LEAST = 60.0
"""Seconds between two letters about the same incident, at least."""

_NAME = re.compile(r"[\w-]+")
_STRETCH = re.compile(r"(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_WEB = ("http", "https")


def spec(entries: Iterable[Properties]) -> Alerts:
    """What the entries of a file mean.

    Raises:
        ConfigError: U095, something that cannot be; U097, a time that is none.

    >>> entry = Properties("alerts", "oncall", "alerts.yml", {"name": "oncall", "on": ["run_failed"], "to": ["json://localhost"]}, {(): 2})
    >>> spec([entry]).rules["oncall"].group_by
    'run'
    """
    problems: list[Problem] = []
    rules: dict[str, Rule] = {}
    found = Alerts()
    for entry in entries:
        if entry.section == "alerting":
            found = _rest(entry, problems)
            continue
        if entry.name in rules:
            problems.append(Problem("U095", f"two alerts are called `{entry.name}`", entry.at("name"), "rename one of them"))
        elif not _NAME.fullmatch(entry.name):
            problems.append(Problem("U095", f"`{entry.name}` cannot name an alert", entry.at("name"), "letters, digits, `_` and `-`"))
        rules[entry.name] = _rule(entry, problems)
    if problems:
        raise ConfigError(*problems)
    return Alerts(rules, found.owners, found.base_url, found.heartbeat_url)


def _rest(entry: Properties, problems: list[Problem]) -> Alerts:
    """What holds for all rules."""
    urls: dict[str, str | None] = {}
    for key in ("base_url", "heartbeat_url"):
        text = entry.data.get(key)
        if text is not None and "{" not in text and urlsplit(text).scheme not in _WEB:
            problems.append(Problem("U095", f"`{key}: {text}` is no address of a web page", entry.at(key), "it begins with https://"))
        urls[key] = text
    owners = {str(name): str(address) for name, address in (entry.data.get("owners") or {}).items()}
    return Alerts({}, owners, urls["base_url"], urls["heartbeat_url"])


def _rule(entry: Properties, problems: list[Problem]) -> Rule:
    given = entry.data
    for index, word in enumerate(given.get("on", ())):
        if word not in KINDS:
            hint = did_you_mean(word, KINDS, also=f"one of {', '.join(KINDS)}")
            problems.append(Problem("U095", f"nothing is called `{word}`", entry.at("on", index), hint))
    if not given.get("to"):
        problems.append(Problem("U095", f"`{entry.name}` goes nowhere", entry.at("to"), "to: a URL, or `owner`"))
    where = given.get("where") or {}
    zone = str(given.get("timezone", "UTC"))
    if not _known(zone):
        hint = did_you_mean(zone, available_timezones(), also="for example Europe/Berlin")
        problems.append(Problem("U097", f"there is no time zone `{zone}`", entry.at("timezone"), hint))
    return Rule(
        entry.name,
        frozenset(given.get("on", ())),
        tuple(given.get("to", ())),
        Where(*(tuple(where.get(key, ())) for key in ("tag", "target", "owner", "select"))),
        given.get("group_by", "run"),
        _checked(entry, "repeat", _repeat, problems),
        bool(given.get("resolve", True)),
        _checked(entry, "quiet", _quiet, problems),
        zone,
    )


def _known(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (KeyError, OSError, ValueError):
        return False
    return True


def _checked(entry: Properties, key: str, read: Callable[[str], T], problems: list[Problem]) -> T | None:
    text = entry.data.get(key)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        problems.append(Problem("U097", f"`{key}: {text}`: {error}", entry.at(key), "docs/alerts.md shows examples"))
        return None


def _repeat(text: str) -> float | None:
    if text == "never":
        return None
    seconds = duration(text)
    if seconds < LEAST:
        raise ValueError("an incident is told again after a minute at the earliest")
    return seconds


def _quiet(text: str) -> tuple[time, time]:
    found = _STRETCH.fullmatch(text.strip())
    if found is None:
        raise ValueError("it is a stretch of the day, like 22:00-07:00")
    numbers = [int(part) for part in found.groups()]
    try:
        start, end = time(numbers[0], numbers[1]), time(numbers[2], numbers[3])
    except ValueError:
        raise ValueError("there is no such time of day") from None
    if start == end:
        raise ValueError("it would never end")
    return start, end
