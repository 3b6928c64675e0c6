"""Statements that define things."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import datasets, filters, options, partitions, querying, types, values
from orchestrator.testing.bigquery.catalog import Key, Table, shown
from orchestrator.testing.bigquery.desk import Desk, Outcome, accepted, appended
from orchestrator.testing.bigquery.errors import Refusal, invalid_query, missing, taken, unknown
from orchestrator.testing.bigquery.evaluate import Found
from orchestrator.testing.bigquery.names import bind
from orchestrator.testing.bigquery.types import Field

COPIED = ("schema", "timePartitioning", "rangePartitioning", "clustering", "description", "labels", "requirePartitionFilter")
WIDER = {
    ("INTEGER", "NUMERIC"),
    ("INTEGER", "BIGNUMERIC"),
    ("INTEGER", "FLOAT"),
    ("NUMERIC", "BIGNUMERIC"),
    ("NUMERIC", "FLOAT"),
    ("BIGNUMERIC", "FLOAT"),
}
"""Types that a column may change to, without loss."""


def names(node: Any) -> tuple[str, ...]:
    """The parts of a name, with dots inside backticks taken apart."""
    return tuple(name for part in tree.path(node) for name in part.split("."))


def create_table(desk: Desk, text: bytes, node: Any) -> Outcome:
    """CREATE TABLE in all its forms."""
    temporary = tree.within(node, "scope") == 3
    key, old = target(desk, node, "TABLE", temporary=temporary)
    source = tree.within(node, "copy_data_source") or tree.within(node, "clone_data_source")
    like, query = tree.within(node, "like_table_name"), tree.within(node, "query")
    kind = "CREATE_TABLE_AS_SELECT" if query is not None else "CREATE_TABLE"
    if old is not None and tree.within(node, "is_if_not_exists"):
        return Outcome(kind, ddl=("SKIP", kind, key))
    if tree.within(node, "collate") is not None:
        raise unknown("COLLATE")
    resource: dict[str, Any] = {}
    found: Found | None = None
    bound = bind(desk.scope, text, node, desk.evaluator.parse)
    if source is not None or like is not None:
        _, given = desk.scope.table(names(tree.within(source, "path_expr") if source is not None else like))
        if given.kind != "TABLE":
            raise invalid_query(f"Cannot copy or clone a {given.kind}")
        resource |= {name: given.resource[name] for name in COPIED if name in given.resource}
    else:
        start, end = tree.span(node)
        found = desk.evaluator.analyze(bound.splice, bound.world, start, end)
        resource["schema"] = {"fields": _definitions(tree.leaf(found.statement))}
    clauses = {"partition_by": lambda c: options.partitioning(desk.evaluator, text, c), "cluster_by": options.clustering}
    for name, said in clauses.items():
        if (clause := tree.within(node, name)) is not None:
            resource |= said(clause)
    told = options.given(desk.evaluator, text, tree.within(node, "options_list"), desk.scope_world)
    resource |= options.table_options(told, resource)
    partitions.check_valid(resource, resource["schema"]["fields"])
    if old is not None:
        partitions.check_replace(old.resource, resource)
    table = Table({name: value for name, value in resource.items() if value is not None})
    done = Outcome(kind, ddl=("REPLACE" if old is not None else "CREATE", kind, key))
    if source is not None:
        table = table.touched(rows=given.rows)
    elif query is not None and found is not None:
        filters.check(desk.tables, bound.keys, found)
        cost = querying.cost(desk.tables, bound.keys, found)
        if desk.dry:
            return Outcome(kind, table.fields, None, ddl=done.ddl, bytes=cost, billed=True, reads=tuple(bound.keys.values()))
        plain = [types.normal(field) for field in _output(found)]
        if types.shape(plain) != types.shape([{**f, "name": p["name"]} for f, p in zip(table.fields, plain, strict=True)]):
            raise unknown("CREATE TABLE with column types that differ from those of its query")
        rows = accepted(table, desk.evaluator.query(bound.splice.piece(*tree.span(query)), bound.world))
        table = table.touched(rows=appended(table, rows))
        partitions.check_count(table.resource, table.rows)
        done = Outcome(kind, ddl=done.ddl, bytes=cost, billed=True, reads=tuple(bound.keys.values()))
    else:
        table = table.touched(rows=table.rows)
    if not desk.dry:
        if temporary:
            desk.session.temporary[key[2]] = key
        desk.write(key, table, "ddl")
    return done


def target(desk: Desk, node: Any, kind: str, *, temporary: bool = False) -> tuple[Key, Table | None]:
    """What a CREATE statement names, and what is there; refused unless it may be replaced (or is to be left alone)."""
    given = names(tree.within(node, "name"))
    if temporary:
        if len(given) != 1:
            raise invalid_query("CREATE TEMP TABLE does not support a qualified name")
        key: Key = (desk.project, f"_script{desk.session.id}", given[0])
    else:
        key = desk.scope.key(given)
        desk.permanent(key)
        if key not in desk.session.temporary.values():
            desk.catalog.dataset(key[0], key[1], desk.location)
    old = desk.tables.get(key)
    if old is None:
        return key, None
    if tree.within(node, "is_if_not_exists"):
        return key, old
    if not tree.within(node, "is_or_replace"):
        raise taken("Table", shown(key))
    if old.kind != kind:
        raise wrong_kind(key, old)
    return key, old


def wrong_kind(key: Key, table: Table) -> Refusal:
    """Something else has this name."""
    return Refusal("invalid", f"{shown(key)} is not allowed for this operation because it is currently a {table.kind}.")


def _definitions(statement: Any) -> list[Field]:
    """The columns that a resolved CREATE TABLE defines."""
    made = []
    for column in tree.within(statement, "column_definition_list"):
        if column.HasField("default_value") or column.HasField("generated_column_info"):
            raise unknown("default values and generated columns")
        made.append(types.field(column.name, column.type, column.annotations if column.HasField("annotations") else None))
    if not made:
        raise invalid_query("CREATE TABLE needs columns, or a query")
    return types.schema(made)


def _output(found: Found) -> list[Field]:
    return [types.field(c.name, c.column.type) for c in tree.leaf(found.statement).output_column_list]


def create_view(desk: Desk, text: bytes, node: Any) -> Outcome:
    """CREATE VIEW."""
    statement = "CREATE_VIEW"
    key, old = target(desk, node, "VIEW")
    if old is not None and tree.within(node, "is_if_not_exists"):
        return Outcome(statement, ddl=("SKIP", statement, key))
    start, end = tree.span(tree.within(node, "query"))
    bound = bind(no_default(desk), text, node, desk.evaluator.parse)
    found = desk.evaluator.analyze(bound.splice, bound.world, start, end)
    fields = querying.output(found, strict=True)
    listed = tree.within(node, "column_with_options_list")
    if listed is not None:
        fields = _described(desk, text, listed, fields)
    told = options.given(desk.evaluator, text, tree.within(node, "options_list"), desk.scope_world)
    resource: dict[str, Any] = {"view": {"query": text[start:end].decode(), "useLegacySql": False}, "schema": {"fields": fields}}
    resource |= options.table_options(told, resource)
    if not desk.dry:
        desk.write(key, Table({k: v for k, v in resource.items() if v is not None}).touched(), "ddl")
    return Outcome(statement, ddl=("REPLACE" if old else "CREATE", statement, key), reads=tuple(bound.keys.values()))


def no_default(desk: Desk) -> Any:
    """Names in a view mean the same for everybody: a session's default dataset does not count."""
    from dataclasses import replace

    return replace(desk.scope, default=None, temporary={}, constants={})


def _described(desk: Desk, text: bytes, listed: Any, fields: list[Field]) -> list[Field]:
    """A view's columns with what its column list says about them; it cannot rename them here."""
    columns = list(listed.column_with_options)
    if [c.name.id_string.lower() for c in columns] != [f["name"].lower() for f in fields]:
        raise unknown("a view whose column list renames columns of its query")
    made = []
    for column, field in zip(columns, fields, strict=True):
        told = options.given(desk.evaluator, text, column.options_list if column.HasField("options_list") else None, desk.scope_world)
        if set(told) - {"description"}:
            raise unknown(f"column options {sorted(told)} of a view")
        made.append({**field, "name": column.name.id_string, **({"description": told["description"]} if told.get("description") else {})})
    return made


def drop(desk: Desk, text: bytes, node: Any) -> Outcome:
    """DROP TABLE, VIEW, MATERIALIZED VIEW, SCHEMA."""
    kinds = {12: "TABLE", 14: "VIEW", 11: "SCHEMA"}
    special = tree.kind(node) == "ASTDropMaterializedViewStatement"
    kind = "MATERIALIZED_VIEW" if special else kinds.get(tree.within(node, "schema_object_kind"))
    if kind is None:
        raise unknown(text[slice(*tree.span(node))].decode())
    statement, given = f"DROP_{kind}", names(node.name)
    if kind == "SCHEMA":
        desk.permanent()
        place = _schema(desk, given)
        if place not in desk.catalog.datasets and node.is_if_exists:
            return Outcome(statement, ddl=("SKIP", statement, place))
        if not desk.dry:
            desk.catalog.drop_dataset(*place, contents=node.drop_mode == 2)
        return Outcome(statement, ddl=("DROP", statement, place))
    key = desk.scope.key(given)
    desk.permanent(key)
    table = desk.tables.get(key)
    if table is None:
        if node.is_if_exists:
            return Outcome(statement, ddl=("SKIP", statement, key))
        raise missing("Table", shown(key), desk.location)
    if table.kind != kind:
        raise wrong_kind(key, table)
    if not desk.dry:
        desk.write(key, None, "ddl")
    return Outcome(statement, ddl=("DROP", statement, key))


def _schema(desk: Desk, given: tuple[str, ...]) -> tuple[str, str]:
    """The dataset that a path names."""
    return (given[0], given[1]) if len(given) > 1 else (desk.project, given[0])


def create_schema(desk: Desk, text: bytes, node: Any) -> Outcome:
    """CREATE SCHEMA."""
    desk.permanent()
    project, name = _schema(desk, names(tree.within(node, "name")))
    if (project, name) in desk.catalog.datasets and tree.within(node, "is_if_not_exists"):
        return Outcome("CREATE_SCHEMA", ddl=("SKIP", "CREATE_SCHEMA", (project, name)))
    told = options.schema_options(options.given(desk.evaluator, text, tree.within(node, "options_list"), desk.scope_world))
    if not desk.dry:
        body = {"datasetReference": {"datasetId": name}, "location": desk.location, **told}
        datasets.create(desk.catalog, project, {k: v for k, v in body.items() if v is not None})
    return Outcome("CREATE_SCHEMA", ddl=("CREATE", "CREATE_SCHEMA", (project, name)))


def alter_schema(desk: Desk, text: bytes, node: Any) -> Outcome:
    """ALTER SCHEMA … SET OPTIONS."""
    desk.permanent()
    place = _schema(desk, names(tree.within(node, "path")))
    for action in map(tree.leaf, tree.within(node, "action_list").actions):
        if tree.kind(action) != "ASTSetOptionsAction":
            raise unknown(f"ALTER SCHEMA: {tree.kind(action)}")
        told = options.schema_options(options.given(desk.evaluator, text, action.options_list, desk.scope_world))
        desk.catalog.dataset(*place)
        if not desk.dry:
            datasets.change(desk.catalog, *place, told)
    return Outcome("ALTER_SCHEMA", ddl=("ALTER", "ALTER_SCHEMA", place))


def alter_table(desk: Desk, text: bytes, node: Any) -> Outcome:
    """ALTER TABLE, and ALTER VIEW … SET OPTIONS."""
    kind = {"ASTAlterTableStatement": "TABLE", "ASTAlterViewStatement": "VIEW"}[tree.kind(node)]
    statement, given = f"ALTER_{kind}", names(tree.within(node, "path"))
    key = desk.scope.key(given)
    desk.permanent(key)
    if key not in desk.tables and tree.within(node, "is_if_exists"):
        return Outcome(statement, ddl=("SKIP", statement, key))
    key, table = desk.scope.table(given)
    if table.kind != kind:
        raise wrong_kind(key, table)
    for action in map(tree.leaf, tree.within(node, "action_list").actions):
        if tree.kind(action) == "ASTRenameToClause":
            return _renamed(desk, key, table, tree.path(action.new_name))
        change = ACTIONS.get(tree.kind(action))
        if change is None or (kind != "TABLE" and tree.kind(action) not in {"ASTSetOptionsAction", "ASTAlterColumnOptionsAction"}):
            raise unknown(f"{statement}: {tree.kind(action)}")
        table = change(desk, text, table, action)
    if not desk.dry:
        desk.write(key, table, "ddl")
    return Outcome(statement, ddl=("ALTER", statement, key))


def _renamed(desk: Desk, key: Key, table: Table, new: tuple[str, ...]) -> Outcome:
    if len(new) != 1:
        raise invalid_query("ALTER TABLE RENAME TO takes the name of a table, without a dataset")
    later = (*key[:2], new[0])
    if later in desk.tables:
        raise taken("Table", shown(later))
    if not desk.dry:
        desk.write(key, None, "ddl")
        desk.write(later, table.touched(), "ddl")
    return Outcome("ALTER_TABLE", ddl=("ALTER", "ALTER_TABLE", key))


def _set_options(desk: Desk, text: bytes, table: Table, action: Any) -> Table:
    told = options.given(desk.evaluator, text, action.options_list, desk.scope_world)
    return table.with_resource(**options.table_options(told, table.resource))


def _defined(desk: Desk, text: str) -> Field:
    """The column that a definition, as it stands in a statement, makes."""
    found = desk.evaluator.analyze(tree.Splice(f"CREATE TABLE x ({text})".encode()), desk.scope_world)
    return _definitions(tree.leaf(found.statement))[0]


def _add_column(desk: Desk, text: bytes, table: Table, action: Any) -> Table:
    if action.HasField("column_position") or action.HasField("fill_expression"):
        raise unknown("ADD COLUMN with a position or a value")
    made = _defined(desk, text[slice(*tree.span(action.column_definition))].decode())
    if any(field["name"].lower() == made["name"].lower() for field in table.fields):
        if action.is_if_not_exists:
            return table
        raise invalid_query(f"Column already exists: {made['name']}")
    if made["mode"] == "REQUIRED":
        raise invalid_query("Added columns cannot be NOT NULL")
    return with_columns(table, [*table.fields, made])


def with_columns(table: Table, fields: list[Field]) -> Table:
    """A table with columns added at its end; they are null in the rows that are there."""
    added, before = fields[len(table.fields) :], len(table.fields)

    def widen(_: int, row: Any) -> None:
        cells = list(row.cell)
        del row.cell[:]
        row.cell.extend(cells[:before])
        for field in added:
            values.put(row.cell.add(), None, field)
        row.cell.extend(cells[before:])

    rows = table.rows.change(widen) if added else table.rows
    return table.with_resource(schema={"fields": fields}).touched(rows=rows)


def _place(table: Table, name: str) -> int:
    for at, field in enumerate(table.fields):
        if field["name"].lower() == name.lower():
            return at
    raise invalid_query(f"Column not found: {name}")


def _drop_column(_desk: Desk, _text: bytes, table: Table, action: Any) -> Table:
    name = action.column_name.id_string
    if action.is_if_exists and all(field["name"].lower() != name.lower() for field in table.fields):
        return table
    at = _place(table, name)
    used = [partitions.column(table.resource) or "", *table.resource.get("clustering", {}).get("fields", [])]
    if name.lower() in {given.lower() for given in used}:
        raise invalid_query(f"Cannot drop column {name}: the table is partitioned or clustered by it")
    fields = [field for i, field in enumerate(table.fields) if i != at]
    return table.with_resource(schema={"fields": fields}).touched(rows=table.rows.change(lambda _, row: row.cell.__delitem__(at)))


def _column_options(desk: Desk, text: bytes, table: Table, action: Any) -> Table:
    at = _place(table, action.column_name.id_string)
    told = options.given(desk.evaluator, text, action.options_list, desk.scope_world)
    if set(told) - {"description"}:
        raise unknown(f"the column options {sorted(told)}")
    field: Mapping[str, Any] = {**table.fields[at], **told}
    changed = {k: v for k, v in field.items() if v is not None}
    return table.with_resource(schema={"fields": [changed if i == at else f for i, f in enumerate(table.fields)]})


def _column_type(desk: Desk, text: bytes, table: Table, action: Any) -> Table:
    at = _place(table, action.column_name.id_string)
    old, new = table.fields[at], _defined(desk, "c " + text[slice(*tree.span(action.schema))].decode())
    same = types.shape([{**old, "name": "c"}]) == types.shape([new])
    narrower = any(new.get(k) and int(new[k]) < int(old.get(k) or 10**9) for k in ("maxLength", "precision"))
    if (not same and (old["type"], new["type"]) not in WIDER) or "REPEATED" in {old["mode"], new["mode"]} or narrower:
        raise invalid_query(
            f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({types.text(old)}) "
            f"is assignable to the new type ({types.text(new)})"
        )
    field = {**new, "name": old["name"], "mode": old["mode"], **({"description": old["description"]} if "description" in old else {})}

    def convert(_: int, row: Any) -> None:
        value = values.get(row.cell[at], old)
        row.cell[at].Clear()
        from decimal import Decimal

        values.put(row.cell[at], None if value is None else float(value) if new["type"] == "FLOAT" else Decimal(value), field)

    rows = table.rows if old["type"] == new["type"] else table.rows.change(convert)
    return table.with_resource(schema={"fields": [field if i == at else f for i, f in enumerate(table.fields)]}).touched(rows=rows)


def _nullable(_desk: Desk, _text: bytes, table: Table, action: Any) -> Table:
    at = _place(table, action.column_name.id_string)
    fields = [{**f, "mode": "NULLABLE"} if i == at else f for i, f in enumerate(table.fields)]
    return table.with_resource(schema={"fields": fields})


ACTIONS: dict[str, Callable[[Desk, bytes, Table, Any], Table]] = {
    "ASTSetOptionsAction": _set_options,
    "ASTAddColumnAction": _add_column,
    "ASTDropColumnAction": _drop_column,
    "ASTAlterColumnOptionsAction": _column_options,
    "ASTAlterColumnTypeAction": _column_type,
    "ASTAlterColumnDropNotNullAction": _nullable,
}
"""What ALTER TABLE can do, by the kind of action."""
