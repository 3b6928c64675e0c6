"""Names and values as other programs' files have to write them, whatever they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256

LONGEST = 120
"""Characters of a task's name, so that every engine takes it."""

_WORD = re.compile(r"[a-z][a-z0-9_]*")


def slug(text: str, longest: int = LONGEST) -> str:
    """A text as a name of ASCII letters, digits and underscores; one that had to change has a digest of the whole behind it.

    >>> slug("stg_trips"), slug("Größe"), slug("models:@hourly")
    ('stg_trips', 'gr_e_aedc3f80', 'models_hourly_e1edbb65')
    """
    if _WORD.fullmatch(text) and len(text) <= longest:
        return text
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "x"
    plain = plain if plain[0].isalpha() else f"x_{plain}"
    return f"{plain[: longest - 9].rstrip('_')}_{sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


def names(keys: Iterable[str]) -> dict[str, str]:
    """A name of its own for every key of a portion: the node's, where it is a plain word that no other one has.

    >>> names(["model.shop.orders", "seed.shop.orders", "model.shop.trips", "layer.mart.2"])["model.shop.trips"]
    'trips'
    """
    short = {key: _short(key) for key in keys}
    taken: dict[str, int] = {}
    for name in short.values():
        taken[name] = taken.get(name, 0) + 1
    return {key: slug(name) if taken[name] == 1 and slug(name) == name else slug_of(key, name) for key, name in short.items()}


def slug_of(key: str, name: str) -> str:
    """A name for what cannot have its own: as readable as it can be, and never another one's."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "x"
    plain = plain if plain[0].isalpha() else f"x_{plain}"
    return f"{plain[: LONGEST - 9].rstrip('_')}_{sha256(key.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


def _short(key: str) -> str:
    """What people call a portion: ``model.shop.orders`` is ``orders``, ``layer.mart.2`` is ``mart_2``."""
    kind, _, rest = key.partition(".")
    if kind in ("layer", "group"):
        return rest.replace(".", "_")
    if kind == "tests":
        return f"tests_{'_'.join(rest.split('.')[2:]) or rest}"
    return rest.partition(".")[2].replace(".", "_") or key


def quoted(text: str) -> str:
    """A text as a Python literal on one line.

    >>> print(quoted("orders"), quoted('it"s'))
    "orders" 'it"s'
    """
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return ascii(text)


def listed(texts: Iterable[str]) -> str:
    """Texts as a Python list on one line."""
    return f"[{', '.join(quoted(t) for t in texts)}]"


def told(text: str) -> str:
    """A text as it may stand in a comment or docstring: printable ASCII, no quotes, no backslashes, one line.

    >>> told('a"b' + chr(10) + "é")
    'a?b??'
    """
    return "".join(c if c.isascii() and c.isprintable() and c not in "\"'\\{}" else "?" for c in text)


def scalar(text: str) -> str:
    """A text as a YAML scalar on one line: JSON is YAML.

    >>> scalar("0 2 * * *")
    '"0 2 * * *"'
    """
    import json

    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps(safe)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with its ``@NAME@`` replaced, once: what is put in is not looked at again.

    >>> filled("@A@-@B@", {"A": "@B@", "B": "b"})
    '@B@-b'
    """
    return re.sub(r"@([A-Z_]+)@", lambda found: parts[found[1]], template)
