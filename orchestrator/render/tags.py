"""dbt's block tags, and macros one can ``return`` from."""

from __future__ import annotations

from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame, MacroRef
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, Macro

from orchestrator.render.macros import Return


class TestTag(Extension):
    """``{% test name(model, …) %}…{% endtest %}`` (or ``data_test``): a macro called ``test_name``."""

    tags = {"test", "data_test"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        return _macro(parser, tag.lineno, f"test_{name}", f"name:end{tag.value}")


class MaterializationTag(Extension):
    """``{% materialization name, adapter='x' %}…{% endmaterialization %}``: a macro called ``materialization_name_x``."""

    tags = {"materialization"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        adapter = "default"
        while parser.stream.skip_if("comma"):
            key = parser.parse_assign_target(name_only=True).name
            if key == "default":
                continue
            parser.stream.expect("assign")
            value = parser.parse_expression()
            if key == "adapter" and isinstance(value, nodes.Const):
                adapter = str(value.value)
        node = nodes.Macro(lineno=tag.lineno)
        node.name, node.args, node.defaults = f"materialization_{name}_{adapter}", [], []
        node.body = parser.parse_statements(("name:endmaterialization",), drop_needle=True)
        return node


class SnapshotTag(Extension):
    """``{% snapshot name %}…{% endsnapshot %}``: a macro called ``snapshot_name``."""

    tags = {"snapshot"}  # noqa: RUF012 - Jinja's interface

    def parse(self, parser: Parser) -> nodes.Node:
        """Jinja's hook."""
        tag = next(parser.stream)
        name = parser.parse_assign_target(name_only=True).name
        node = nodes.Macro(lineno=tag.lineno)
        node.name, node.args, node.defaults = f"snapshot_{name}", [], []
        node.body = parser.parse_statements(("name:endsnapshot",), drop_needle=True)
        return node


def _macro(parser: Parser, lineno: int, name: str, end: str) -> nodes.Macro:
    node = nodes.Macro(lineno=lineno)
    node.name = name
    parser.parse_signature(node)
    node.body = parser.parse_statements((end,), drop_needle=True)
    return node


class ReturningMacro(Macro):
    """A macro that ``return`` leaves, whoever calls it: a template, or its neighbour in the file."""

    _context: Context

    def _invoke(self, arguments: list[Any], autoescape: bool) -> Any:
        self._context.parent.called(self._context.name, self.name)  # type: ignore[attr-defined] # the parent is our Scope
        try:
            return super()._invoke(arguments, autoescape)
        except Return as left:
            return left.value


class ReturningCode(CodeGenerator):
    """Jinja's compiler; macros become :class:`ReturningMacro`, the bodies of ``{% call %}`` stay what they are."""

    def macro_def(self, macro_ref: MacroRef, frame: Frame) -> None:
        """Jinja's hook."""
        if not isinstance(macro_ref.node, nodes.Macro):
            super().macro_def(macro_ref, frame)
            return
        self.write("environment.returning(context, ")
        super().macro_def(macro_ref, frame)
        self.write(")")
