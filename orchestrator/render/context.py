"""Every name of the Jinja context: dbt's, with dbt's behaviour, and our few additions. A factory per name, called once per render."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from threading import current_thread
from typing import Any

from orchestrator.core import marker
from orchestrator.core.errors import did_you_mean
from orchestrator.core.node import Column
from orchestrator.core.project import SECRET_PREFIXES
from orchestrator.render.ambient import Ambient
from orchestrator.render.batch import ModelFacts, interval_of, is_microbatch
from orchestrator.render.facades import Config, Reference, TargetFacts
from orchestrator.render.macros import BoundMacro, Return
from orchestrator.render.pure import PURE
from orchestrator.render.refusal import TemplateFailure
from orchestrator.render.scope import Scope
from orchestrator.render.warehouse import WAREHOUSE

DBT_VERSION = "1.11.0"


_QUOTES = frozenset("\"`':\n\r")


def _names(function: str, example: str, most: int, args: tuple[Any, ...]) -> None:
    """Refuse arguments that are no names: what cannot be quoted cannot be found again in the text."""
    fewest = 1 if function == "ref" else most
    if not fewest <= len(args) <= most or not all(isinstance(a, str) and a and not _QUOTES & set(a) for a in args):
        what = "a model's name, or a package and a model's name" if function == "ref" else "a source's name and a table's name"
        raise TemplateFailure(f"`{function}` takes {what}", example, "R011")


def _reference(scope: Scope, payload: str, name: str) -> Reference:
    physical = scope.live.physical if scope.live else None
    return Reference(payload, name, scope.facts.dialect.quote_char, scope.recorder, physical, lambda: is_microbatch(scope))


def _ref(scope: Scope) -> Callable[..., Reference]:
    def ref(*args: str, version: Any = None, v: Any = None) -> Reference:
        """``ref('model')``, ``ref('package', 'model')``, ``ref('model', v=2)``."""
        _names("ref", "ref('orders')", 2, args)
        package, name = ("", args[0]) if len(args) == 1 else args
        pinned = version if version is not None else v
        payload = marker.ref(name, package, "" if pinned is None else str(pinned))
        scope.recorder.depends_on[payload] = None
        return _reference(scope, payload, name)

    return ref


def _source(scope: Scope) -> Callable[..., Reference]:
    def source(*args: str) -> Reference:
        """``source('shop', 'orders')``."""
        _names("source", "source('shop', 'orders')", 2, args)
        payload = marker.source(*args)
        scope.recorder.depends_on[payload] = None
        return _reference(scope, payload, args[1])

    return source


def _var(scope: Scope) -> Callable[..., Any]:
    missing = object()

    class Var:
        """``var('x')``, ``var('x', default)``; ``var.has_var('x')``."""

        def __call__(self, name: str, default: Any = missing) -> Any:
            known = scope.facts.vars
            if name in known:
                value = deepcopy(known[name])  # templates may append to lists; the next render must not see it
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
    shown = {
        k: v
        for k, v in target.settings.items()
        if k in ("host", "port", "user", "dbname", "path", "project", "dataset", "location", "role")
    }
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
    scope.recorder.saw("target:type", scope.facts.target.type)
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

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise AttributeError(name)
        return self._scope.builtin(name)


def _model(scope: Scope) -> Mapping[str, Any]:
    declaration = scope.declaration
    facts = {
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
        "columns": {c.name: _column(c) for c in declaration.docs.columns},
        "description": declaration.docs.description,
    }
    return ModelFacts(deepcopy(facts), scope)


def _column(column: Column) -> Mapping[str, Any]:
    return {
        "name": column.name,
        "description": column.description,
        "data_type": column.data_type,
        "tags": list(column.tags),
        "meta": dict(column.meta),
        "quote": column.quote,
        "constraints": list(column.constraints),
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


def _asking(what: str, value: Callable[[Scope], Any]) -> Callable[[Scope], Any]:
    """A value whose type matters more than whether it is looked at: naming it is asking."""

    def factory(scope: Scope) -> Any:
        scope.recorder.asked(what)
        return deepcopy(value(scope))

    return factory


def _live(key: str, otherwise: Any) -> Callable[[Scope], Any]:
    return lambda scope: (scope.live.extra if scope.live else {}).get(key, otherwise)


def _of_target(key: str) -> Callable[[Scope], Any]:
    return lambda scope: getattr(TargetFacts(target_facts(scope), scope.recorder), key)


def _metadata_envs(scope: Scope) -> dict[str, str]:
    prefix = "DBT_ENV_CUSTOM_ENV_"
    found = {k: v for k, v in scope.facts.env.items() if k.startswith(prefix)}
    for name, value in found.items():
        scope.recorder.saw(f"env:{name}", value)
    return {name.removeprefix(prefix): value for name, value in found.items()}


def _render(scope: Scope) -> Callable[[str], str]:
    def render(text: str) -> str:
        """A text rendered as a template with the names of this one."""
        template = scope.template(str(text), scope.declaration.path)
        return scope.environment.concat(template.root_render_func(template.new_context(scope, shared=True)))  # type: ignore[arg-type] # a Scope is mapping enough

    return render


class _Context:
    """``context['name']``, ``context.get('name')``: every name, by name."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        return self._scope[name]

    def __contains__(self, name: object) -> bool:
        return name in self._scope

    def get(self, name: str, default: Any = None) -> Any:
        """The value of ``name``, or ``default``."""
        return self._scope[name] if name in self._scope else default  # noqa: SIM401 - a Scope is no dict


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
    "builtins": Builtins,
    "model": _model,
    "flags": _flags,
    "doc": _doc,
    "context": _Context,
    "render": _render,
    "project_name": lambda s: s.facts.settings.name,
    "dbt_version": lambda _: DBT_VERSION,
    "schema": _of_target("schema"),
    "database": _of_target("database"),
    "execute": _ambient("execute", lambda s: s.live is not None),
    "run_started_at": _asking("clock", lambda s: s.facts.started),
    "invocation_id": _ambient("invocation", lambda s: s.facts.invocation),
    "thread_id": _ambient("thread", lambda _: current_thread().name),
    "selected_resources": _asking("selection", _live("selected_resources", [])),
    "schemas": _asking("selection", _live("schemas", [])),
    "database_schemas": _asking("selection", _live("database_schemas", [])),
    "invocation_args_dict": _asking("flags", lambda s: dict(s.facts.flags)),
    "dbt_metadata_envs": _metadata_envs,
    "interval_start": _asking("interval", lambda s: interval_of(s).start),
    "interval_end": _asking("interval", lambda s: interval_of(s).end),
    **PURE,
    **WAREHOUSE,
}
"""Name → how one render gets it."""
