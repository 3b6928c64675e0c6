"""Every name of the Jinja context: dbt's, with dbt's behaviour, and our few additions. A factory per name, called once per render."""

from __future__ import annotations

import datetime as datetime_module
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import md5
from typing import Any

from orchestrator.core import marker
from orchestrator.core.errors import did_you_mean
from orchestrator.core.project import SECRET_PREFIXES
from orchestrator.render.facades import Config, Reference, TargetFacts
from orchestrator.render.macros import BoundMacro, Return
from orchestrator.render.scope import Scope
from orchestrator.render.warehouse import WAREHOUSE

DBT_VERSION = "1.11.0"


class TemplateFailure(Exception):
    """The template refuses to go on: ``message`` for its author, with an optional hint."""

    def __init__(self, message: str, hint: str | None = None, code: str = "R010") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code


class Ambient:
    """A value that is recorded only when the template really looks at it (``execute``, ``run_started_at``)."""

    __slots__ = ("_note", "_value")

    def __init__(self, value: Any, note: Callable[[], None]) -> None:
        self._value = value
        self._note = note

    def _look(self) -> Any:
        self._note()
        return self._value

    def __bool__(self) -> bool:
        return bool(self._look())

    def __str__(self) -> str:
        return str(self._look())

    def __eq__(self, other: object) -> bool:
        return bool(self._look() == other)

    def __hash__(self) -> int:
        return hash(self._look())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._look(), name)

    def __getitem__(self, name: Any) -> Any:
        return self._look()[name]

    def __iter__(self) -> Any:
        return iter(self._look())

    def __sub__(self, other: Any) -> Any:
        return self._look() - other

    def __add__(self, other: Any) -> Any:
        return self._look() + other


def _reference(scope: Scope, payload: str, name: str) -> Reference:
    physical = scope.live.physical if scope.live else None
    return Reference(payload, name, scope.facts.dialect.quote_char, scope.recorder, physical)


def _ref(scope: Scope) -> Callable[..., Reference]:
    def ref(*args: str, version: Any = None, v: Any = None) -> Reference:
        """``ref('model')``, ``ref('package', 'model')``, ``ref('model', v=2)``."""
        if not args or len(args) > 2 or not all(isinstance(a, str) for a in args):  # noqa: PLR2004 - package and name
            raise TemplateFailure("`ref` takes a model's name, or a package and a model's name", "ref('orders')", "R011")
        package, name = ("", args[0]) if len(args) == 1 else args
        pinned = version if version is not None else v
        return _reference(scope, marker.ref(name, package, "" if pinned is None else str(pinned)), name)

    return ref


def _source(scope: Scope) -> Callable[..., Reference]:
    def source(*args: str) -> Reference:
        """``source('shop', 'orders')``."""
        if len(args) != 2 or not all(isinstance(a, str) for a in args):  # noqa: PLR2004 - source and table
            raise TemplateFailure("`source` takes a source's name and a table's name", "source('shop', 'orders')", "R011")
        return _reference(scope, marker.source(*args), args[1])

    return source


def _var(scope: Scope) -> Callable[..., Any]:
    missing = object()

    class Var:
        """``var('x')``, ``var('x', default)``; ``var.has_var('x')``."""

        def __call__(self, name: str, default: Any = missing) -> Any:
            known = scope.facts.vars
            if name in known:
                value = known[name]
            elif default is not missing:
                value = default
            else:
                hint = did_you_mean(name, known, also=f"define it under `vars:` or pass --vars '{{{name}: …}}'")
                raise TemplateFailure(f"the variable `{name}` is not defined", hint, "R012")
            scope.recorder.saw(f"var:{name}", known.get(name))
            return value

        def has_var(self, name: str) -> bool:
            """Whether the variable is defined."""
            scope.recorder.saw(f"var:{name}", scope.facts.vars.get(name))
            return name in scope.facts.vars

    return Var()


def _env_var(scope: Scope) -> Callable[..., str]:
    def env_var(name: str, default: str | None = None) -> str:
        """An environment variable; secrets are for profiles only."""
        if name.startswith(SECRET_PREFIXES):
            raise TemplateFailure(f"`{name}` is a secret: it may be used in profiles.yml only, never in a template", None, "R013")
        value = scope.facts.env.get(name)
        scope.recorder.saw(f"env:{name}", value)
        if value is not None:
            return value
        if default is None:
            raise TemplateFailure(
                f"the environment variable `{name}` is not set", f"export {name}=…, or give env_var('{name}', default) a default", "R014"
            )
        return str(default)

    return env_var


def target_facts(scope: Scope) -> dict[str, Any]:
    """What ``target`` shows: the profile's output without anything secret."""
    target = scope.facts.target
    shown = {k: v for k, v in target.settings.items() if k in ("host", "port", "user", "dbname", "path", "project", "dataset", "location", "role")}
    return {
        **{k: v for k, v in shown.items() if not hasattr(v, "reveal")},
        "name": target.name,
        "target_name": target.name,
        "profile_name": target.profile,
        "schema": target.schema,
        "type": target.type,
        "database": target.database,
        "dbname": target.database,
        "threads": target.threads,
    }


def _is_incremental(scope: Scope) -> Callable[[], bool]:
    def is_incremental() -> bool:
        """Whether this build adds to a table that exists; both faces are rendered, the plan chooses."""
        scope.recorder.asks_incremental = True
        return scope.incremental

    return is_incremental


def _full_refresh(scope: Scope) -> Callable[[], bool]:
    def should_full_refresh() -> bool:
        """Whether this build replaces the table: config ``full_refresh`` if set, else the flag."""
        scope.recorder.asked("full_refresh")
        configured = Config(scope.declaration.config, scope.recorder).get("full_refresh")
        return bool(scope.facts.flags.get("FULL_REFRESH") if configured is None else configured)

    return should_full_refresh


def _return(_: Scope) -> Callable[[Any], Any]:
    def return_(value: Any = None) -> Any:
        """Leave the macro with a value."""
        raise Return(value)

    return return_


def _log(scope: Scope) -> Callable[..., str]:
    def log(message: Any, info: bool = False) -> str:
        """Write to the log; ``info=True`` also to the console."""
        scope.facts.notice("info" if info else "debug", str(message))
        return ""

    return log


def _print(scope: Scope) -> Callable[..., str]:
    def print_(message: Any) -> str:
        """Write to the console."""
        scope.facts.notice("info", str(message))
        return ""

    return print_


class Exceptions:
    """``exceptions.raise_compiler_error(…)`` and ``exceptions.warn(…)``."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def raise_compiler_error(self, message: Any, node: Any = None) -> str:  # noqa: ARG002 - dbt's signature
        """Stop with an error of the author's own."""
        raise TemplateFailure(str(message), None, "R015")

    raise_database_error = raise_parsing_error = raise_fail_fast_error = raise_contract_error = raise_compiler_error

    def raise_not_implemented(self, message: Any) -> str:
        """Stop: not for this engine."""
        raise TemplateFailure(str(message), None, "R015")

    def missing_config(self, model: Any, name: str) -> str:  # noqa: ARG002 - dbt's signature
        """Stop: a config key is required."""
        raise TemplateFailure(f"the config `{name}` is required here and not set", None, "R015")

    def warn(self, message: Any, node: Any = None) -> str:  # noqa: ARG002 - dbt's signature
        """Warn and go on."""
        self._scope.facts.notice("warn", str(message))
        return ""


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
        value = getattr(self._module, name)
        if name.startswith("_") or type(value).__name__ == "module":
            raise AttributeError(name)
        return value


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


def _doc(scope: Scope) -> Callable[..., str]:
    def doc(*names: str) -> str:
        """A ``{% docs %}`` block's text."""
        name = names[-1]
        if name not in scope.facts.docs:
            raise TemplateFailure(f"there is no docs block `{name}`", did_you_mean(name, scope.facts.docs), "R016")
        scope.recorder.saw(f"doc:{name}", scope.facts.docs[name])
        return scope.facts.docs[name]

    return doc


def dispatch(scope: Scope, name: str, package: str | None = None) -> Any:
    """``adapter.dispatch``: ``<engine>__name``, then ``default__name``; the project's own come first."""
    prefixes = [scope.facts.target.type, "default"]
    order: list[str | None] = [None] if package is None else [scope.library.root, package, "dbt"]
    for entry in scope.facts.settings.dispatch:
        if entry.get("macro_namespace") == package:
            order = [*entry.get("search_order", ()), *order]
    for space in order:
        for prefix in prefixes:
            macro = scope.library.find(f"{prefix}__{name}", space)
            if macro is not None:
                return BoundMacro(macro, scope)
    tried = ", ".join(f"`{p}__{name}`" for p in prefixes)
    raise TemplateFailure(f"no macro to dispatch `{name}` to", f"define one of {tried}", "R017")


class Builtins:
    """``builtins.ref`` and its kind: ours, even where the project overrides the name."""

    is_namespace = True
    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise AttributeError(name)
        return self._scope.builtin(name)


def _model(scope: Scope) -> Mapping[str, Any]:
    declaration = scope.declaration
    return {
        "name": declaration.name,
        "alias": declaration.config.get("alias") or declaration.name,
        "unique_id": f"{declaration.kind}.{declaration.package}.{declaration.name}",
        "resource_type": declaration.kind,
        "package_name": declaration.package,
        "path": declaration.path,
        "original_file_path": declaration.path,
        "fqn": list(declaration.fqn),
        "config": dict(declaration.config),
        "tags": list(declaration.config.get("tags", ())),
        "meta": dict(declaration.config.get("meta", {})),
        "columns": {c["name"]: c for c in (declaration.patch.data.get("columns") or () if declaration.patch else ())},
        "description": declaration.patch.data.get("description", "") if declaration.patch else "",
    }


def _flags(scope: Scope) -> Any:
    def note() -> None:
        scope.recorder.asked("flags")

    class Flags:
        def __getattr__(self, name: str) -> Any:
            note()
            return scope.facts.flags.get(name)

    return Flags()


def _ambient(what: str, value: Callable[[Scope], Any]) -> Callable[[Scope], Ambient]:
    return lambda scope: Ambient(value(scope), lambda: scope.recorder.asked(what))


def _secret(_: Scope) -> Callable[[str], str]:
    def secret(name: str) -> str:
        """Secrets belong into profiles.yml; a template that could see one could print it."""
        raise TemplateFailure(f"`secret('{name}')` may be used in profiles.yml only, never in a template", None, "R013")

    return secret


def _interval(which: str) -> Callable[[Scope], Ambient]:
    return _ambient("interval", lambda scope: (scope.live.extra if scope.live else {}).get(which))


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


FUNCTIONS: dict[str, Callable[[Scope], Any]] = {
    "ref": _ref,
    "source": _source,
    "config": lambda s: Config(s.declaration.config, s.recorder),
    "this": lambda s: _reference(s, "this", s.declaration.name),
    "var": _var,
    "env_var": _env_var,
    "secret": _secret,
    "target": lambda s: TargetFacts(target_facts(s), s.recorder),
    "is_incremental": _is_incremental,
    "should_full_refresh": _full_refresh,
    "return": _return,
    "log": _log,
    "print": _print,
    "exceptions": Exceptions,
    "modules": Modules,
    "builtins": Builtins,
    "model": _model,
    "flags": _flags,
    "doc": _doc,
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
    "project_name": lambda s: s.facts.settings.name,
    "dbt_version": lambda _: DBT_VERSION,
    "schema": lambda s: s.facts.target.schema,
    "database": lambda s: s.facts.target.database,
    "execute": _ambient("execute", lambda s: s.live is not None),
    "run_started_at": _ambient("clock", lambda s: s.facts.started),
    "invocation_id": _ambient("invocation", lambda s: s.facts.invocation),
    "thread_id": _ambient("thread", lambda _: "main"),
    "selected_resources": _ambient("selection", lambda s: (s.live.extra if s.live else {}).get("selected_resources", [])),
    "invocation_args_dict": _ambient("flags", lambda s: dict(s.facts.flags)),
    "dbt_metadata_envs": lambda s: {k: v for k, v in s.facts.env.items() if k.startswith("DBT_ENV_CUSTOM_ENV_")},
    "interval_start": _interval("interval_start"),
    "interval_end": _interval("interval_end"),
    **WAREHOUSE,
}
"""Name → how one render gets it."""
