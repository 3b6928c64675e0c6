"""Scripts: statements one after another, variables, conditions, transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import ddl, dml, materialized, querying
from orchestrator.testing.bigquery.catalog import shown
from orchestrator.testing.bigquery.desk import Desk, Outcome
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, missing, unknown
from orchestrator.testing.bigquery.evaluate import Constant, python

Statement = Callable[[Desk, bytes, Any], Outcome]

STATEMENTS: dict[str, Statement] = {
    "ASTQueryStatement": lambda desk, text, node: querying.select(desk, text, node, *tree.span(node)),
    "ASTCreateTableStatement": ddl.create_table,
    "ASTCreateViewStatement": ddl.create_view,
    "ASTCreateMaterializedViewStatement": materialized.create,
    "ASTCreateSchemaStatement": ddl.create_schema,
    "ASTDropStatement": ddl.drop,
    "ASTDropMaterializedViewStatement": ddl.drop,
    "ASTAlterTableStatement": ddl.alter_table,
    "ASTAlterViewStatement": ddl.alter_table,
    "ASTAlterMaterializedViewStatement": materialized.alter,
    "ASTAlterSchemaStatement": ddl.alter_schema,
    "ASTInsertStatement": dml.insert,
    "ASTUpdateStatement": dml.update,
    "ASTDeleteStatement": dml.delete,
    "ASTMergeStatement": dml.merge,
    "ASTTruncateStatement": dml.truncate,
    "ASTCallStatement": materialized.call,
}
"""What a statement does, by its kind."""

MINIMUM = 10 * 1024 * 1024
"""Bytes billed for any query that reads something."""

TRANSACTIONS = {
    "ASTBeginStatement": "BEGIN_TRANSACTION",
    "ASTCommitStatement": "COMMIT_TRANSACTION",
    "ASTRollbackStatement": "ROLLBACK_TRANSACTION",
}
CONTROL = {"ASTVariableDeclaration", "ASTSingleAssignment", "ASTIfStatement", "ASTBeginEndBlock", "ASTAssignmentFromStruct"}


@dataclass
class Script:
    """A script at work: what its statements did so far."""

    desk: Desk
    text: bytes
    limit: int | None = None
    outcomes: list[tuple[Outcome, str, tuple[int, int]]] = field(default_factory=list)
    """Each with ``STATEMENT`` or ``EXPRESSION``, and its place."""

    def run(self, node: Any) -> None:
        """Do one statement. Raises a refusal; what earlier statements did stays."""
        kind = tree.kind(node)
        if kind == "ASTStatementList":
            for inner in node.statement_list:
                self.run(tree.leaf(inner))
        elif kind in CONTROL:
            CONTROLLED[kind](self, node)
        elif kind in TRANSACTIONS:
            with self.desk.catalog.lock:
                {"ASTBeginStatement": self.desk.begin, "ASTCommitStatement": self.desk.commit, "ASTRollbackStatement": self.desk.rollback}[
                    kind
                ]()
            self._note(Outcome(TRANSACTIONS[kind]), node)
        elif kind in {"ASTGrantStatement", "ASTRevokeStatement"}:
            self._note(_grant(self.desk, self.text, node), node)
        elif kind == "ASTAssertStatement":
            self._assert(node)
        elif kind in STATEMENTS:
            with self.desk.catalog.lock:
                if self.limit is not None:
                    self._afford(STATEMENTS[kind](replace(self.desk, dry=True), self.text, node))
                self._note(STATEMENTS[kind](self.desk, self.text, node), node)
        else:
            raise unknown(f"the statement {kind.removeprefix('AST').removesuffix('Statement')}")

    def _afford(self, price: Outcome) -> None:
        wanted = billed(price)
        if self.limit is not None and wanted > self.limit:
            words = f"Query exceeded limit for bytes billed: {self.limit}. {wanted} or higher required."
            raise Refusal("bytesBilledLimitExceeded", words)

    def _note(self, outcome: Outcome, node: Any, kind: str = "STATEMENT") -> None:
        start, end = tree.span(node)
        self.outcomes.append((replace(outcome, text=self.text[start:end].decode()), kind, (start, end)))

    def _value(self, node: Any, cast: str | None = None) -> Constant:
        """The value of an expression, which may ask tables."""
        start, end = tree.span(node)
        from orchestrator.testing.bigquery.names import bind

        with self.desk.catalog.lock:
            bound = bind(self.desk.scope, self.text, node, self.desk.evaluator.parse)
            text = bound.splice.piece(start, end)
            found = self.desk.evaluator.scalars([f"CAST(({text}\n) AS {cast})" if cast else text], bound.world)[0]
        self._note(Outcome("SELECT"), node, "EXPRESSION")
        return found

    def declare(self, node: Any) -> None:
        """DECLARE."""
        cast = self.text[slice(*tree.span(node.type))].decode() if node.HasField("type") else None
        if node.HasField("default_value"):
            value = self._value(node.default_value, cast)
        else:
            value = self.desk.evaluator.scalars([f"CAST(NULL AS {cast})"], self.desk.scope_world)[0]
        for name in node.variable_list.identifier_list:
            if name.id_string.lower() in {known.lower() for known in self.desk.session.constants}:
                raise invalid_query(f"Variable '{name.id_string}' redeclaration")
            self.desk.session.constants[name.id_string] = value

    def assign(self, node: Any) -> None:
        """SET."""
        known = {name.lower(): name for name in self.desk.session.constants}
        given = node.variable.id_string
        if given.lower() not in known:
            raise invalid_query(f"Undeclared variable: {given}")
        name = known[given.lower()]
        from orchestrator.testing.bigquery import types

        self.desk.session.constants[name] = self._value(node.expression, types.text(self.desk.session.constants[name].field))

    def choose(self, node: Any) -> None:
        """IF … ELSEIF … ELSE."""
        branches = [(node.condition, node.then_list)]
        branches += [(clause.condition, clause.body) for clause in node.elseif_clauses.elseif_clauses]
        for condition, body in branches:
            if python(self._value(condition)) is True:
                self.run(body)
                return
        if node.HasField("else_list"):
            self.run(node.else_list)

    def block(self, node: Any) -> None:
        """BEGIN … EXCEPTION WHEN ERROR THEN … END; variables declared inside end with it."""
        before = set(self.desk.session.constants)
        try:
            self.run(node.statement_list_node)
        except Refusal as error:
            handlers = list(node.handler_list.exception_handler_list)
            if not handlers or error.reason in {"stopped", "notImplemented"}:
                raise
            self.run(handlers[0].statement_list)
        finally:
            for name in set(self.desk.session.constants) - before:
                del self.desk.session.constants[name]

    def _assert(self, node: Any) -> None:
        held = python(self._value(node.expr))
        self.outcomes.pop()
        if held is not True:
            said = python(self._value(node.description)) if node.HasField("description") else "Assertion failed"
            raise invalid_query(str(said))
        self._note(Outcome("ASSERT"), node)


def _unknown_control(_: Script, node: Any) -> None:
    raise unknown(tree.kind(node))


CONTROLLED: dict[str, Callable[[Script, Any], None]] = {
    "ASTVariableDeclaration": Script.declare,
    "ASTSingleAssignment": Script.assign,
    "ASTIfStatement": Script.choose,
    "ASTBeginEndBlock": Script.block,
    "ASTAssignmentFromStruct": _unknown_control,
}


def script(desk: Desk, sql: str, limit: int | None = None) -> tuple[list[tuple[Outcome, str, tuple[int, int]]], bool]:
    """Run a script; what its statements did, and whether it was more than one statement. Raises a refusal with the place."""
    text, statements = sql.encode(), desk.evaluator.parse(sql)
    if not statements:
        raise invalid_query("Syntax error: Unexpected end of script at [1:1]")
    several = len(statements) > 1 or tree.kind(statements[0]) in CONTROL
    if desk.dry and several:
        return [(Outcome("SCRIPT"), "STATEMENT", (0, len(text)))], True
    work = Script(desk, text, limit)
    for node in statements:
        try:
            work.run(node)
        except Refusal as error:
            if several and error.reason == "invalidQuery":
                line, column = tree.position(text, tree.span(node)[0])
                place = "" if error.message.endswith("]") else f" at [{line}:{column}]"
                raise replace(error, message=f"Query error: {error.message}{place}") from None
            raise
    return work.outcomes, several


def billed(outcome: Outcome) -> int:
    """The bytes that a statement is charged for: whole megabytes, at least ten; nothing where nothing is read."""
    mega = 1024 * 1024
    return max(MINIMUM, -(-outcome.bytes // mega) * mega) if outcome.billed and outcome.bytes else 0


def paths(nodes: list[Any]) -> Iterator[tuple[str, ...]]:
    """Every path in some statements, to look for datasets in."""
    for node in nodes:
        for found in tree.find(node, lambda n: tree.kind(n) == "ASTPathExpression"):
            yield tuple(name for part in tree.path(found) for name in part.split("."))


def _grant(desk: Desk, text: bytes, node: Any) -> Outcome:
    """GRANT and REVOKE of roles on a table or view."""
    granting = tree.kind(node) == "ASTGrantStatement"
    target = "".join(part.id_string.upper() for part in node.target_type_parts)
    if target not in {"TABLE", "VIEW"}:
        raise unknown(f"GRANT on a {target}")
    key = desk.scope.key(ddl.names(node.target_path))
    if key not in desk.tables:
        raise missing("Table", shown(key), desk.location)
    roles = [privilege.privilege_action.id_string for privilege in node.privileges.privileges]
    written = [text[slice(*tree.span(grantee))].decode() for grantee in node.grantee_list.grantee_list]
    people = [str(python(value)) for value in desk.evaluator.scalars(written, desk.scope_world)]
    with desk.catalog.lock:
        held = {b["role"]: set(b["members"]) for b in desk.catalog.policies.get(key, {}).get("bindings", [])}
        for role in roles:
            members = held.setdefault(role, set())
            held[role] = members | set(people) if granting else members - set(people)
        bindings = [{"role": role, "members": sorted(members)} for role, members in sorted(held.items()) if members]
        if not desk.dry:
            desk.catalog.policies[key] = {"version": 1, "bindings": bindings}
    return Outcome("GRANT" if granting else "REVOKE", ddl=("GRANT" if granting else "REVOKE", "", key))
