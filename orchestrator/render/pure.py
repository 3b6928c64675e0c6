"""Names of the Jinja context that look at nothing but their arguments: conversions, sets, digests, modules."""

from __future__ import annotations

import datetime as datetime_module  # noqa: ICN001 - `datetime` is the name templates use
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from typing import Any

from orchestrator.render.scope import Scope


class Modules:
    """``modules.datetime``, ``modules.re``, ``modules.itertools``, ``modules.pytz``: the safe part of each."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def datetime(self) -> Any:
        """The ``datetime`` module; clock readings make the template volatile."""
        self._scope.recorder.asked("clock")
        return _public(datetime_module)

    @property
    def re(self) -> Any:
        """The ``re`` module."""
        return _public(re)

    @property
    def itertools(self) -> Any:
        """The ``itertools`` module."""
        return _public(itertools)

    @property
    def pytz(self) -> Any:
        """The ``pytz`` module."""
        import pytz

        return _public(pytz)


class _public:  # noqa: N801 - reads as a verb: the public part of a module
    """A module's public names, without a way to its internals."""

    __slots__ = ("_module",)

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in getattr(self._module, "__all__", dir(self._module)):
            raise AttributeError(name)
        return getattr(self._module, name)


def _fromjson(_: Scope) -> Callable[..., Any]:
    def fromjson(text: str, default: Any = None) -> Any:
        try:
            return json.loads(text)
        except ValueError:
            return default

    return fromjson


def _tojson(_: Scope) -> Callable[..., Any]:
    def tojson(value: Any, default: Any = None, sort_keys: bool = False) -> Any:
        try:
            return json.dumps(value, sort_keys=sort_keys)
        except (TypeError, ValueError):
            return default

    return tojson


def _fromyaml(_: Scope) -> Callable[..., Any]:
    def fromyaml(text: str, default: Any = None) -> Any:
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return default

    return fromyaml


def _toyaml(_: Scope) -> Callable[..., Any]:
    def toyaml(value: Any, default: Any = None, sort_keys: bool = False) -> Any:
        import yaml

        try:
            return yaml.safe_dump(value, sort_keys=sort_keys)
        except yaml.YAMLError:
            return default

    return toyaml


def _forgiving(make: Callable[..., Any]) -> Callable[[Scope], Callable[..., Any]]:
    def factory(_: Scope) -> Callable[..., Any]:
        def call(*values: Any, default: Any = None) -> Any:
            try:
                return make(*values)
            except TypeError:
                return default

        return call

    return factory


def _strict(make: Callable[..., Any]) -> Callable[[Scope], Callable[..., Any]]:
    return lambda _: make


def local_md5(value: Any) -> str:
    """The MD5 of a text, in hex (dbt's name; not for security)."""
    return md5(str(value).encode(), usedforsecurity=False).hexdigest()


def _diff_of_two_dicts(_: Scope) -> Callable[[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]], dict[str, list[str]]]:
    def diff(a: Mapping[str, Sequence[str]], b: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """What ``a`` has and ``b`` lacks, key by key, ignoring case."""
        other = {k.lower(): {x.lower() for x in v} for k, v in b.items()}
        rest = {k: [x for x in v if x.lower() not in other.get(k.lower(), set())] for k, v in a.items()}
        return {k: v for k, v in rest.items() if v}

    return diff


PURE: dict[str, Callable[[Scope], Any]] = {
    "modules": Modules,
    "fromjson": _fromjson,
    "tojson": _tojson,
    "fromyaml": _fromyaml,
    "toyaml": _toyaml,
    "set": _forgiving(set),
    "set_strict": _strict(set),
    "zip": _forgiving(zip),
    "zip_strict": _strict(zip),
    "local_md5": _strict(local_md5),
    "diff_of_two_dicts": _diff_of_two_dicts,
}
"""Name → how one render gets it."""
