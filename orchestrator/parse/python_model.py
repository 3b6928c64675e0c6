"""A Python model's references and config, read from its source with ``ast``: the file is never imported to build the graph."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core import marker
from orchestrator.core.config import normal
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span


@dataclass(frozen=True, slots=True)
class PythonFacts:
    """What a Python model says: payloads it reads with their lines, its config, its docstring and what is wrong."""

    wants: tuple[tuple[str, int], ...]
    config: dict[str, Any]
    doc: str
    problems: tuple[Problem, ...]


def python_model(source: str, path: str) -> PythonFacts:
    """Read ``def model(ctx)`` (or dbt's ``def model(dbt, session)``)."""
    try:
        with warnings.catch_warnings():  # what Python would say of odd escapes is said when the model runs
            warnings.simplefilter("ignore")
            tree = ast.parse(source, path)
    except SyntaxError as error:
        span = Span(path, error.lineno or 1, error.offset or 1)
        return PythonFacts((), {}, "", (Problem("P020", f"Python syntax: {error.msg}", span),))
    except (ValueError, RecursionError, MemoryError) as error:
        return PythonFacts((), {}, "", (Problem("P020", f"Python cannot read this file: {error}", Span(path)),))
    lines = source.splitlines()
    model = next((n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == "model"), None)
    if model is None:
        hint = "def model(ctx):\n    return ctx.ref('orders').df()"
        return PythonFacts((), {}, "", (Problem("P021", "a Python model defines a function `model`", Span(path), hint),))
    arguments = [*model.args.posonlyargs, *model.args.args]
    if not arguments:
        span = _span(path, model, lines)
        return PythonFacts((), {}, "", (Problem("P022", "`model` takes one argument, the context", span, "def model(ctx):"),))
    handle = arguments[0].arg
    wants: list[tuple[str, int, int]] = []
    config: dict[str, Any] = {}
    problems: list[Problem] = []
    for call in (n for n in ast.walk(tree) if isinstance(n, ast.Call)):
        method = _method(call, handle)
        if method in ("ref", "source"):
            payload = _payload(method, call)
            if payload is None:
                span = _span(path, call, lines)
                message = f"`{handle}.{method}(…)` needs names written out: the graph is read from the source, without running it"
                problems.append(Problem("P023", message, span, f"{handle}.{method}('orders')"))
            else:
                wants.append((payload, call.lineno, call.col_offset))
        elif method == "config":
            config.update(_keywords(call, path, handle, lines, problems))
    doc = ast.get_docstring(tree) or ast.get_docstring(model) or ""
    first: dict[str, int] = {}
    for payload, line, _ in sorted(wants, key=lambda want: want[1:]):
        first.setdefault(payload, line)
    return PythonFacts(tuple(first.items()), config, doc, tuple(problems))


def _span(path: str, node: ast.stmt | ast.expr, lines: Sequence[str]) -> Span:
    """Where ``node`` is; ``ast`` counts columns in bytes, people in characters."""
    line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
    return Span(path, node.lineno, len(line.encode()[: node.col_offset].decode(errors="ignore")) + 1)


def _method(call: ast.Call, handle: str) -> str | None:
    function = call.func
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == handle:
        return function.attr
    return None


def _payload(method: str, call: ast.Call) -> str | None:
    names = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    if len(names) != len(call.args) or not names:
        return None
    if method == "source":
        return marker.source(*names) if len(names) == 2 else None
    version = next((k.value.value for k in call.keywords if k.arg in ("v", "version") and isinstance(k.value, ast.Constant)), "")
    return marker.ref(names[-1], names[0] if len(names) > 1 else "", str(version or ""))


def _keywords(call: ast.Call, path: str, handle: str, lines: Sequence[str], problems: list[Problem]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword in call.keywords:
        try:
            found[normal(keyword.arg or "")] = ast.literal_eval(keyword.value)
        except ValueError:
            span = _span(path, keyword.value, lines)
            message = f"`{handle}.config({keyword.arg}=…)` takes literal values only"
            problems.append(Problem("P024", message, span, "put computed values into `meta`, or decide inside the function"))
    return found
