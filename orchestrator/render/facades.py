"""Values templates hold in their hands: plain data with a few methods, and no way from them to a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from orchestrator.core import marker
from orchestrator.core.config import merge, normal
from orchestrator.core.names import Relation
from orchestrator.render.recorder import Recorder
from orchestrator.render.refusal import TemplateFailure


class Reference:
    """What ``ref``, ``source`` and ``this`` return: its text is a marker; asking for physical parts makes the template late."""

    __slots__ = ("_limited", "_name", "_payload", "_physical", "_quote", "_recorder")

    def __init__(
        self,
        payload: str,
        name: str,
        quote: str,
        recorder: Recorder,
        physical: Callable[[str], Relation | None] | None,
        limited: Callable[[], bool] = lambda: False,
    ) -> None:
        self._payload = payload
        self._name = name
        self._quote = quote
        self._recorder = recorder
        self._physical = physical
        self._limited = limited

    def __str__(self) -> str:
        return marker.write(self._payload, self._name, self._quote)

    def __html__(self) -> str:
        return str(self)

    def _parts(self) -> Relation:
        self._recorder.asked(f"names:{self._payload}")
        found = self._physical(self._payload) if self._physical else None
        return found or Relation(None, None, self._name)

    def render(self) -> str:
        """The relation's text; in a model built by interval, that of the whole relation, whatever its event times."""
        return f"{self} {marker.WHOLE}" if self._limited() else str(self)

    def include(self, **kwargs: bool) -> Any:
        """The relation with only the parts wanted."""
        parts = self._parts()
        wanted = [
            getattr(parts, "name" if key == "identifier" else key) for key in ("database", "schema", "identifier") if kwargs.get(key, True)
        ]
        return ".".join(f"{self._quote}{p}{self._quote}" for p in wanted if p)

    @property
    def database(self) -> str | None:
        """Physical database."""
        return self._parts().database

    @property
    def schema(self) -> str | None:
        """Physical schema."""
        return self._parts().schema

    @property
    def identifier(self) -> str:
        """Physical name."""
        return self._parts().name

    table = name = identifier

    @property
    def is_view(self) -> bool | None:
        """Unknown without asking the warehouse; use ``adapter.get_relation``."""
        return None

    type = is_table = is_cte = is_view


class Tested(str):
    """What a generic test gets as ``model``: text that stands for the relation, and in a run its physical parts."""

    __slots__ = ("database", "identifier", "name", "schema", "table")

    database: str | None
    schema: str | None
    identifier: str
    name: str
    table: str

    @classmethod
    def at(cls, text: str, relation: Relation | None) -> Tested:
        """``text`` with the parts of ``relation``, as far as they are known."""
        made = cls(text)
        made.database = relation.database if relation else None
        made.schema = relation.schema if relation else None
        made.identifier = made.name = made.table = relation.name if relation else ""
        return made


class PhysicalRelation:
    """A relation as the warehouse has it (``adapter.get_relation``, ``api.Relation.create``)."""

    __slots__ = ("database", "identifier", "name", "schema", "table", "text", "type")

    def __init__(self, relation: Relation, text: str, kind: str | None = None) -> None:
        self.database = relation.database
        self.schema = relation.schema
        self.identifier = self.name = self.table = relation.name
        self.text = text
        self.type = kind

    def __str__(self) -> str:
        return self.text

    render = __str__

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.type == "table"

    @property
    def is_view(self) -> bool:
        """Whether it is a view."""
        return self.type == "view"


class TargetFacts:
    """``target``: what a template may know of the profile. Secrets are not among it."""

    __slots__ = ("_facts", "_recorder")

    def __init__(self, facts: Mapping[str, Any], recorder: Recorder) -> None:
        self._facts = facts
        self._recorder = recorder

    def __getattr__(self, key: str) -> Any:
        if key not in self._facts:
            raise AttributeError(key)
        self._recorder.saw(f"target:{key}", self._facts[key])
        return self._facts[key]

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The fact called ``key``, or ``default``."""
        return getattr(self, str(key), default)  # a name that is undefined says so, when it is made a text

    def __contains__(self, key: str) -> bool:
        return key in self._facts

    def __iter__(self) -> Iterator[str]:
        for key, value in self._facts.items():
            self._recorder.saw(f"target:{key}", value)
            yield key


class Config:
    """``config(…)`` takes, ``config.get(…)`` gives what is known so far: project, YAML, and earlier calls in the file."""

    __slots__ = ("_base", "_recorder")

    def __init__(self, base: Mapping[str, Any], recorder: Recorder) -> None:
        self._base = base
        self._recorder = recorder

    def __call__(self, positional: Mapping[str, Any] | None = None, /, **kwargs: Any) -> str:
        """Take config keys, as keywords or as one mapping; gives no text.

        Raises:
            TemplateFailure: R021, one key is written in two ways.
        """
        spelled: dict[str, str] = {}
        for key in [*(positional or {}), *kwargs]:
            if spelled.setdefault(normal(key), key) != key:
                raise TemplateFailure(f"`{spelled[normal(key)]}` and `{key}` are one config key, set twice", "keep one of them", "R021")
        self._recorder.config.append({normal(k): _plain(v) for k, v in {**(positional or {}), **kwargs}.items()})
        return ""

    def _known(self) -> dict[str, Any]:
        return merge([self._base, *self._recorder.config])

    def get(self, key: str, default: Any = None, validator: Any = None) -> Any:  # noqa: ARG002 - dbt's signature
        """The value of a config key, or ``default``."""
        value = self._known().get(normal(key))
        return default if value is None else _copied(value)

    def require(self, key: str, validator: Any = None) -> Any:  # noqa: ARG002 - dbt's signature
        """The value of a config key; an error when it is not set."""
        value = self.get(key)
        if value is None:
            raise ValueError(f"the config `{key}` is required here and not set")
        return value

    def meta_get(self, key: str, default: Any = None) -> Any:
        """A value of ``meta``."""
        return _copied((self._known().get("meta") or {}).get(key, default))

    def set(self, key: str, value: Any) -> str:
        """The same as ``config(key=value)``."""
        return self(**{key: value})

    def persist_relation_docs(self) -> bool:
        """Whether the relation's description goes into the warehouse."""
        return bool((self.get("persist_docs") or {}).get("relation"))

    def persist_column_docs(self) -> bool:
        """Whether column descriptions go into the warehouse."""
        return bool((self.get("persist_docs") or {}).get("columns"))


def _copied(value: Any) -> Any:
    """Templates may append to lists; the next template must not see it."""
    return deepcopy(value) if isinstance(value, list | dict) else value


def _plain(value: Any) -> Any:
    """Config values as data: markers of relations as text, Jinja's strings as strings."""
    match value:
        case bool() | int() | float() | None:
            return value
        case str():
            return str.__str__(value)
        case Mapping():
            return {str(k): _plain(v) for k, v in value.items()}
        case list() | tuple() | set():
            return [_plain(v) for v in value]
        case _:
            return str(value)
