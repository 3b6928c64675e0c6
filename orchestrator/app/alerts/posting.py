"""The outbox, emptied: letters that are due are brought to their addresses, and tried again later when that fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from orchestrator.app.alerts.alerting import alerting
from orchestrator.core.alert import Alerts, Happening, Letter, Sealed
from orchestrator.core.duration import spoken
from orchestrator.core.errors import ConfigError, OrcError, Problem, UsageError, did_you_mean
from orchestrator.core.ports import Clock
from orchestrator.core.project import SECRET_PREFIXES, Secret, mask

if TYPE_CHECKING:
    from orchestrator.record.outbox import Outbox

FIRST, LONGEST = timedelta(seconds=30), timedelta(hours=1)
"""How long after a refusal a letter is tried again: twice as long each time."""

GIVEN_UP = timedelta(hours=24)
"""The age at which a letter that nobody takes is given up."""

EACH = 12.0
"""Seconds that one letter may take."""

AT_ONCE = 20


class Courier(Protocol):
    """Brings a letter to a URL. Raises ``ConfigError`` for an address that never works, anything else for one that may later."""

    def deliver(self, url: str, sealed: Sealed, secret: str = "") -> None:
        """Deliver it; returns when it has arrived."""
        ...


@dataclass(frozen=True, slots=True)
class Round:
    """What became of the letters of one round."""

    sent: tuple[Sealed, ...] = ()
    refused: tuple[tuple[Sealed, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sending:
    """What it takes to send: the project's folder, its outbox, somebody who delivers, the clock and the environment.

    ``exposure`` gives address and secret of an exposure by its id, as written.
    """

    root: Path
    outbox: Outbox
    courier: Courier
    clock: Clock
    env: Mapping[str, str] = field(default_factory=dict)
    exposure: Callable[[str], tuple[str, str]] | None = None

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Values of the environment that nothing may show."""
        return tuple(Secret(v) for k, v in self.env.items() if k.startswith(SECRET_PREFIXES) and v)


def send(sending: Sending, *, limit: float = 60.0, alerts: Alerts | None = None) -> Round:
    """Bring what is due to where it goes, for at most ``limit`` seconds (and one letter); incidents whose time it is are told again first.

    ``alerts`` are the rules, for who knows them already.

    Raises:
        OrcError: the rules cannot be read, or the state database refuses.
    """
    alerts = alerting(sending.root) if alerts is None else alerts
    remind(sending, alerts)
    until = sending.clock.monotonic() + limit
    sent: list[Sealed] = []
    refused: list[tuple[Sealed, str]] = []
    while sending.clock.monotonic() < until:
        taken = sending.outbox.take(sending.clock.now(), 1)
        if not taken:
            break
        for each in taken:
            why, final = _bring(sending, alerts, each, min(EACH, max(1.0, until - sending.clock.monotonic())))
            if why is None:
                sending.outbox.delivered(each.id, sending.clock.now())
                sent.append(each)
                continue
            now = sending.clock.now()
            over = final or now - each.made > GIVEN_UP
            sending.outbox.returned(each.id, why, None if over else now + min(FIRST * 2 ** min(each.tries, 16), LONGEST))
            refused.append((each, why))
    return Round(tuple(sent), tuple(refused))


def remind(sending: Sending, alerts: Alerts) -> int:
    """Put letters about incidents that are open for long in the outbox again, for rules that want it; returns how many."""
    from orchestrator.alert.quiet import quiet

    now = sending.clock.now()
    return sum(
        sending.outbox.remind(rule.name, now - timedelta(seconds=rule.repeat), now, quiet(rule, now))
        for rule in alerts.rules.values()
        if rule.repeat is not None
    )


def _bring(sending: Sending, alerts: Alerts, sealed: Sealed, seconds: float) -> tuple[str | None, bool]:
    """Deliver one letter within a time; why it did not arrive, and whether it never will."""
    try:
        url, secret = address(sending, alerts, sealed)
    except OrcError as error:
        return error.first.message, True
    failed: list[Exception] = []

    def deliver() -> None:
        try:
            sending.courier.deliver(url, sealed, secret)
        except Exception as error:  # noqa: BLE001  # whatever happens is the letter's business
            failed.append(error)

    worker = threading.Thread(target=deliver, name="orc-courier", daemon=True)
    worker.start()
    worker.join(seconds)
    if worker.is_alive():
        return f"no answer within {spoken(round(seconds))}", False
    if not failed:
        return None, False
    wrong = failed[0]
    text = wrong.first.message if isinstance(wrong, OrcError) else str(wrong) or type(wrong).__name__
    return mask(text, (*sending.secrets, *_parts(url), Secret(secret))), isinstance(wrong, ConfigError)


def _parts(url: str) -> tuple[Secret, ...]:
    """Everything in an address that may be a key: all but its scheme."""
    import re

    rest = url.partition("://")[2]
    return tuple(Secret(part) for part in re.split(r"[/?&=@#]", rest) if len(part) >= 8)


def address(sending: Sending, alerts: Alerts, sealed: Sealed) -> tuple[str, str]:
    """The URL a letter goes to, with what the environment says put in, and the secret it is signed with.

    Raises:
        OrcError: U098, the rule, the owner or the exposure is gone; C010, the environment lacks something.
    """
    kind, _, which = sealed.address.partition(" ")
    if kind == "exposure":
        if sending.exposure is None:
            raise UsageError(Problem("U098", f"where `{which}` hears of its data is not known here"))
        url, secret = sending.exposure(which)
        return filled(url, sending.env), filled(secret, sending.env)
    if kind == "owner":
        url = next((alerts.owners[name] for name in which.split("|") if name in alerts.owners), "")
        if not url:
            raise UsageError(Problem("U098", f"`owners` has no address for {which.replace('|', ' or ')}"))
        return filled(url, sending.env), ""
    rule = alerts.rules.get(sealed.rule)
    if rule is None or int(which) >= len(rule.to):
        raise UsageError(Problem("U098", f"the alert `{sealed.rule}` does not go there any more"))
    return filled(rule.to[int(which)], sending.env), ""


def filled(text: str, env: Mapping[str, str]) -> str:
    """An address with what the environment says put in. Raises ``ConfigError`` (C010) when that lacks something."""
    if "{{" not in text:
        return text
    from orchestrator.render.values import render_value

    found = render_value(text, {}, None, env)
    return found.reveal() if isinstance(found, Secret) else str(found)


def sample(alerts: Alerts, name: str, now: datetime) -> tuple[Letter, tuple[str, ...]]:
    """A letter to try a rule with, and where it goes.

    Raises:
        UsageError: U098, there is no such rule.
    """
    from orchestrator.alert.posts import addresses

    rule = alerts.rules.get(name)
    if rule is None:
        hint = did_you_mean(
            name, alerts.rules, also="`orc alerts list` names them" if alerts.rules else "alerts.yml is where they are written"
        )
        raise UsageError(Problem("U098", f"there is no alert `{name}`", None, hint))
    about = Happening(frozenset({"run_succeeded"}), "orc alerts test", "a test", now, "", owners=tuple(alerts.owners)[:1])
    text = f"This is a test of the alert `{name}`: {', '.join(sorted(rule.on))}."
    letter = Letter("test", f"orc: a test of `{name}`", text, {"event": "test", "alert": name, "title": f"a test of `{name}`"})
    return letter, addresses(rule, [about])


def try_out(sending: Sending, name: str) -> tuple[tuple[str, str | None], ...]:
    """Send a rule's sample at once, past the outbox; for each address (its scheme) why it did not arrive, ``None`` if it did.

    Raises:
        OrcError: the rules cannot be read; U098, there is no such rule.
    """
    import uuid

    alerts, now = alerting(sending.root), sending.clock.now()
    letter, places = sample(alerts, name, now)
    found: list[tuple[str, str | None]] = []
    for place in places:
        sealed = Sealed(str(uuid.uuid4()), name, place, letter, now, now)
        why, _ = _bring(sending, alerts, sealed, EACH)
        found.append((shown(sending, alerts, sealed), why))
    return tuple(found)


def shown(sending: Sending, alerts: Alerts, sealed: Sealed) -> str:
    """An address without what may be a key in it."""
    try:
        url, _ = address(sending, alerts, sealed)
    except OrcError:
        return sealed.address
    return f"{url.partition('://')[0]}://…"
