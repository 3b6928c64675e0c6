"""A model's contract, in the engine's names and types; and the steps that hold the model to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core import marker
from orchestrator.core.config import listed
from orchestrator.core.contract import KEYS, KINDS, Constraint, Contract, called, enforced, written
from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.node import Column, Node
from orchestrator.plan.situation import Situation

POLICIES = ("append_new_columns", "fail")
"""What ``on_schema_change`` may say when a contract is enforced: the table must follow the contract or stay as it is."""

_NEEDS = {"check": "expression", "custom": "expression"}


def contract(node: Node, at: Situation) -> Contract | None:
    """The contract that ``node`` is held to; ``None`` when none is enforced.

    Raises:
        PlanError: N360, the contract itself is not whole. N361, ``on_schema_change`` would break it.
    """
    if node.kind != "model" or node.is_ephemeral or not enforced(node.config):
        return None
    docs = at.names.graph.bodies[node.id].docs
    place = Span(docs.patch_path, docs.line) if docs.patch_path else node.span
    problems = [*_incomplete(node, docs.columns, place), *_policy(node, at)]
    names = {c.name: at.dialect.declared_name(c.name, quoted=c.quote) for c in docs.columns}
    constraints: dict[Constraint, None] = {}
    for said, column in written(node.config, docs.columns):
        wrong = _wrong(said, column, node, place)
        if wrong is not None:
            problems.append(wrong)
        else:
            constraints[_constraint(said, column, names, node, at)] = None
    if problems:
        raise PlanError(*problems)
    aliased = node.config["contract"].get("alias_types", True)
    types = tuple((names[c.name], at.dialect.declared_type(str(c.data_type)) if aliased else str(c.data_type)) for c in docs.columns)
    return Contract(types, tuple(constraints), place)


def remarks(node: Node, agreed: Contract, at: Situation) -> Iterator[Problem]:
    """Warnings about constraints that will not refuse anything: of a view, or of a kind that the engine does not enforce."""
    docs = at.names.graph.bodies[node.id].docs
    said = [(str(c["type"]), c) for c, _ in written(node.config, docs.columns)]
    if said and node.materialized in ("view", "materialized_view"):
        kind, all_ = node.materialized.replace("_", " "), ", ".join(dict.fromkeys(k for k, _ in said))
        message = f"`{node.name}` is a {kind}: its constraints ({all_}) hold nothing back"
        yield Problem("N362", message, agreed.place, "build it as a table, or test for it", severity="warning", node=node.id)
        return
    words = {"not_supported": ("warn_unsupported", "has no"), "not_enforced": ("warn_unenforced", "does not enforce")}
    for kind in dict.fromkeys(k for k, _ in said):
        support = at.dialect.constraint_support[kind]
        if support in words and any(c.get(words[support][0], True) for k, c in said if k == kind):
            message = f"{at.dialect.name} {words[support][1]} `{kind}` constraints: that of `{node.name}` holds nothing back"
            hint = f"test for it; `{words[support][0]}: false` at the constraint silences this"
            yield Problem("N362", message, agreed.place, hint, severity="warning", node=node.id)


def _incomplete(node: Node, columns: tuple[Column, ...], place: Span) -> Iterator[Problem]:
    if not columns:
        message = f"the contract of `{node.name}` is enforced, but declares no columns"
        yield Problem("N360", message, place, "list them in a properties file: `columns: [{name: id, data_type: integer}]`", node=node.id)
    bare = [c.name for c in columns if not c.data_type]
    if bare:
        message = f"the contract of `{node.name}` does not say the `data_type` of {', '.join(f'`{n}`' for n in bare)}"
        yield Problem("N360", message, place, "every column of an enforced contract has one", node=node.id)


def _policy(node: Node, at: Situation) -> Iterator[Problem]:
    policy = node.config.get("on_schema_change")
    if node.materialized == "incremental" and policy not in POLICIES and not (policy is None and at.own):
        message = f"`on_schema_change: {policy or 'ignore'}` of `{node.name}` would let its table drift from the contract"
        yield Problem("N361", message, node.span, f"choose {' or '.join(f'`{p}`' for p in POLICIES)}", node=node.id)


def _wrong(said: Any, column: Column | None, node: Node, place: Span) -> Problem | None:
    """What a constraint lacks, or says in vain."""
    message, hint = "", None
    kind = said.get("type") if isinstance(said, Mapping) else None
    if kind not in KINDS:
        message, hint = f"`{kind or said}` is not a kind of constraint", did_you_mean(str(kind), KINDS, also=f"there is {', '.join(KINDS)}")
    elif unknown := [k for k in said if k not in KEYS]:
        message, hint = f"`{unknown[0]}` is not a key of a constraint", did_you_mean(str(unknown[0]), KEYS)
    elif kind in _NEEDS and not said.get("expression"):
        message = f"a `{kind}` constraint needs an `expression`"
    elif kind == "foreign_key" and not said.get("expression") and not (said.get("to") and said.get("to_columns")):
        message, hint = "a `foreign_key` constraint needs `to` and `to_columns`", "to: ref('customers'), to_columns: [id]"
    elif column is None and kind not in ("check", "custom") and not listed(said.get("columns")):
        message = f"a `{kind}` constraint of a model needs `columns`"
    return Problem("N360", f"{message}, in the contract of `{node.name}`", place, hint, node=node.id) if message else None


def _constraint(said: Mapping[str, Any], column: Column | None, names: Mapping[str, str], node: Node, at: Situation) -> Constraint:
    def physical(name: str) -> str:
        bare = name[1:-1] if len(name) > 1 and name[0] == name[-1] == at.dialect.quote_char else None
        return bare or names.get(name) or at.dialect.declared_name(name, quoted=False)

    columns = tuple(physical(str(c)) for c in listed(said.get("columns"))) if column is None else (names[column.name],)
    kind = said["type"]
    expression = str(said.get("expression") or "").strip()
    return Constraint(
        kind,
        columns,
        expression,
        str(said["name"]) if said.get("name") else None,
        _referenced(str(said["to"]), node, at) if kind == "foreign_key" and said.get("to") else None,
        tuple(at.dialect.declared_name(str(c), quoted=False) for c in listed(said.get("to_columns"))),
        inline=column is not None or kind == "not_null",
    )


def _referenced(to: str, node: Node, at: Situation) -> str:
    """The relation a foreign key points to: a node's, where it is; any other text as it stands."""
    payload = called(to)
    if payload is None:
        return to
    if payload == marker.ref(node.name) and node.relation is not None:
        return at.dialect.relation(node.relation.stage)  # itself, wherever it goes
    id_ = dict(node.links).get(payload)
    return (at.names.text(id_) if id_ else None) or to
