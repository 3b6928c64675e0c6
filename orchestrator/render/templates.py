"""Templates of one project, ready to render: the environment, the macros and the facts, together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from orchestrator.core.declaration import Declaration, Place
from orchestrator.core.errors import OrcError, RenderError
from orchestrator.render.context import FUNCTIONS
from orchestrator.render.environment import TemplateEnvironment, Text
from orchestrator.render.failure import failure, placed
from orchestrator.render.macros import BoundMacro, Library
from orchestrator.render.recorder import Recorder
from orchestrator.render.scope import Facts, Live, Scope


class Templates:
    """Renders templates of a project. Holds compiled code and nothing that a render changes."""

    def __init__(self, facts: Facts, library: Library, text_of: Callable[[str], str]) -> None:
        self.facts = facts
        self.library = library
        self.text_of = text_of

    @cached_property
    def _plain(self) -> TemplateEnvironment:
        return TemplateEnvironment()

    @cached_property
    def _mapped(self) -> TemplateEnvironment:
        return TemplateEnvironment(mapped=True)

    def render(
        self,
        declaration: Declaration,
        text: str,
        *,
        incremental: bool = False,
        live: Live | None = None,
        extra: Mapping[str, Any] | None = None,
        mapped: bool = False,
    ) -> tuple[str, Recorder]:
        """Render ``text`` as the template of ``declaration``; what it looked at comes back with it.

        Raises:
            RenderError: with one problem that points at the template (inside a macro: with the chain of calls).
        """
        environment = self._mapped if mapped else self._plain
        scope = self._scope(environment, declaration, incremental=incremental, live=live, extra=extra)
        try:
            template = scope.template(text, declaration.path)
            chunks = template.root_render_func(template.new_context(scope, shared=True))  # type: ignore[arg-type]
            return environment.concat(chunks), scope.recorder
        except OrcError as error:
            error.problems = placed(error, declaration.path, self.text_of)
            raise
        except Exception as error:
            raise RenderError(failure(error, declaration.path, self.text_of, scope.keys)) from error

    def locate(
        self, declaration: Declaration, text: str, offset: int, *, incremental: bool = False, extra: Mapping[str, Any] | None = None
    ) -> Place | None:
        """Where the character at ``offset`` of the rendered text was written. Renders once more: errors are rare, maps are not free."""
        return self.locator(declaration, text, incremental=incremental, extra=extra)(offset)

    def locator(
        self, declaration: Declaration, text: str, *, incremental: bool = False, extra: Mapping[str, Any] | None = None
    ) -> Callable[[int], Place | None]:
        """:meth:`locate` for many offsets of one text, which is rendered once."""
        rendered, _ = self.render(declaration, text, incremental=incremental, extra=extra, mapped=True)
        return rendered.locate if isinstance(rendered, Text) else lambda _: None

    def call(
        self, declaration: Declaration, macro: str, arguments: Mapping[str, Any], *, live: Live | None = None, package: str | None = None
    ) -> tuple[Any, Recorder]:
        """Call a macro by name with keyword arguments; its text, or what it returned."""
        scope = self._scope(self._plain, declaration, incremental=False, live=live)
        found = self.library.find(macro, package)
        if found is None:
            raise KeyError(macro)
        try:
            return BoundMacro(found, scope)(**arguments), scope.recorder
        except OrcError as error:
            error.problems = placed(error, found.path, self.text_of)
            raise
        except Exception as error:
            raise RenderError(failure(error, found.path, self.text_of, scope.keys)) from error

    def _scope(
        self,
        environment: TemplateEnvironment,
        declaration: Declaration,
        *,
        incremental: bool,
        live: Live | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Scope:
        return Scope(environment, self.library, self.facts, declaration, FUNCTIONS, incremental=incremental, live=live, extra=extra)
