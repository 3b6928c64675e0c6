"""The names a template may see, resolved one by one: this file and ``context`` are the documentation of what Jinja can do here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import Template

from orchestrator.core.declaration import Declaration
from orchestrator.core.names import Relation
from orchestrator.core.project import Settings, Target
from orchestrator.render.environment import TemplateEnvironment
from orchestrator.render.macros import BoundMacro, Library, Macro, Namespace
from orchestrator.render.recorder import Recorder

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.core.ports import Connection, Dialect


@dataclass(frozen=True, slots=True)
class Facts:
    """What is the same for every template of one invocation."""

    settings: Settings
    target: Target
    dialect: Dialect
    vars: Mapping[str, Any]
    env: Mapping[str, str]
    invocation: str
    started: datetime
    flags: Mapping[str, Any] = field(default_factory=dict)
    docs: Mapping[str, str] = field(default_factory=dict)
    notice: Callable[[str, str], None] = lambda level, text: None  # noqa: ARG005 - the silent default


@dataclass(frozen=True, slots=True)
class Live:
    """What exists only while a run is on: a session with the warehouse and where things physically are."""

    connection: Connection
    physical: Callable[[str], Relation | None]
    graph: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class Scope:
    """One render's names. Looks like a mapping to Jinja; macros and functions come to life when first asked for."""

    def __init__(
        self,
        environment: TemplateEnvironment,
        library: Library,
        facts: Facts,
        declaration: Declaration,
        functions: Mapping[str, Callable[[Scope], Any]],
        *,
        incremental: bool = False,
        live: Live | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.environment = environment
        self.library = library
        self.facts = facts
        self.declaration = declaration
        self.recorder = Recorder()
        self.incremental = incremental
        self.live = live
        self.results: dict[str, Any] = {}
        self._functions = functions
        self._names: dict[str, Any] = dict(extra or {})
        self._modules: dict[str, Mapping[str, Any]] = {}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        try:
            self[name]
        except KeyError:
            return False
        return True

    def __getitem__(self, name: str) -> Any:
        if name in self._names:
            return self._names[name]
        macro = self.library.packages[self.library.root].get(name)
        if macro is not None:
            value: Any = BoundMacro(macro, self)
        elif name in self._functions:
            value = self._functions[name](self)
        elif name in self.library.packages:
            value = Namespace(name, self)
        else:
            macro = self.library.find(name)
            if macro is None and name not in self.environment.globals:
                # A macro of this name may be written tomorrow: what was decided without it is decided again then.
                self.recorder.saw(f"macro:{self.library.root}.{name}", None)
                raise KeyError(name)
            value = self.environment.globals[name] if macro is None else BoundMacro(macro, self)
        self._names[name] = value
        return value

    def keys(self) -> Iterator[str]:
        """All names, for Jinja and for did-you-mean."""
        yield from self._names
        yield from self._functions
        yield from self.library.names()
        yield from self.library.packages

    def builtin(self, name: str) -> Any:
        """The function of ours called ``name``, even when a macro of the project hides it (``builtins.ref``)."""
        return self._functions[name](self)

    def function(self, macro: Macro) -> Callable[..., Any]:
        """The compiled macro, bound to this render's names; its use is recorded."""
        self.used(macro)
        names = self._modules.get(macro.path)
        if names is None:
            template = self.template(macro.text, macro.path)
            context = template.new_context(self, shared=True)  # type: ignore[arg-type] # a Scope is mapping enough
            for _ in template.root_render_func(context):  # text between macros goes nowhere
                pass
            names = self._modules[macro.path] = context.vars
        found: Callable[..., Any] = names[macro.name]
        return found

    def used(self, macro: Macro) -> None:
        """Note that this render depends on what ``macro`` says."""
        self.recorder.saw_digest(f"macro:{macro.package}.{macro.name}", macro.digest)
        self.recorder.macros[macro.id] = None

    def called(self, path: str, name: str) -> None:
        """A macro calls its neighbour in the same file: Jinja finds that one itself, we take note."""
        for macros in self.library.packages.values():
            macro = macros.get(name)
            if macro is not None and macro.path == path:
                self.used(macro)

    def template(self, text: str, path: str) -> Template:
        """Compile a template once per environment, by path and content."""
        return compiled(self.environment, text, path)


def compiled(environment: TemplateEnvironment, text: str, path: str) -> Template:
    """A compiled template; the environment's own cache holds it."""
    key = (path, text)
    cache = environment.compiled
    template = cache.get(key)
    if template is None:
        code = environment.compile(text, path, path)
        template = environment.template_class.from_code(environment, code, environment.make_globals(None), None)
        cache[key] = template
    return template
