"""Statements that change rows. Each becomes queries over numbered rows, whose expressions GoogleSQL evaluates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery import filters, partitions, querying, types
from orchestrator.testing.bigquery.catalog import Key, Table
from orchestrator.testing.bigquery.desk import Desk, Outcome, accepted, appended
from orchestrator.testing.bigquery.errors import invalid_query, unknown
from orchestrator.testing.bigquery.evaluate import ROW, Feed, Found, World
from orchestrator.testing.bigquery.names import Bound, bind, flat
from orchestrator.testing.bigquery.rows import Rows, table_data

SOURCE, SOURCE_ROW = "__orc_source", "__orc_source_row"
"""The evaluated source of a MERGE, and the pseudo column that numbers its rows."""


@dataclass(frozen=True)
class Change:
    """A DML statement whose names and types are known."""

    key: Key
    table: Table
    bound: Bound
    found: Found
    alias: str
    text: bytes

    @property
    def flat(self) -> str:
        """The flat name of the table."""
        return flat(self.key)

    @property
    def world(self) -> World:
        """What its expressions can name, the table's rows being numbered."""
        return self.bound.numbered(self.flat, ROW)

    def piece(self, node: Any) -> str:
        """A node's text, with flat names."""
        return self.bound.splice.piece(*tree.span(node))


def _prepared(desk: Desk, text: bytes, node: Any, *, alias: bool) -> Change:
    """Find names and types, claim the table, and refuse what must be."""
    target = tree.leaf(tree.within(node, "target_path"))
    if tree.kind(target) != "ASTPathExpression":
        raise unknown("DML on parts of rows")
    for name in ("returning", "assert_rows_modified", "offset", "on_conflict"):
        if name in node.DESCRIPTOR.fields_by_name and node.HasField(name):
            raise unknown(f"{name.replace('_', ' ').upper()} in DML")
    given = tree.within(node, "alias") if "alias" in node.DESCRIPTOR.fields_by_name else None
    names = tuple(n for part in tree.path(target) for n in part.split("."))
    desk.claim(desk.scope.table(names)[0])
    key, table = desk.scope.table(names)
    bound = bind(desk.scope, text, node, desk.evaluator.parse, target, alias=alias and given is None)
    found = desk.evaluator.analyze(bound.splice, bound.world, *tree.span(node))
    filters.check(desk.tables, bound.keys, found)
    return Change(key, table, bound, found, given.identifier.id_string if given is not None else key[2], text)


def _done(desk: Desk, change: Change, kind: str, rows: Rows | None = None, added: Rows | None = None, **counts: Any) -> Outcome:
    """Store what a statement left: all ``rows``, or those ``added``."""
    if not desk.dry:
        partitions.check_count(change.table.resource, added if rows is None and added is not None else rows or Rows())
        if rows is not None:
            desk.write(change.key, change.table.touched(rows=rows), "rows")
        elif added is not None and added.count:
            desk.write(change.key, change.table.plus(added), "append", added)
    reads = tuple(change.bound.keys.values())
    price = querying.cost(desk.tables, change.bound.keys, change.found)
    return Outcome(kind, bytes=price, billed=True, reads=reads, **counts)


def insert(desk: Desk, text: bytes, node: Any) -> Outcome:
    """INSERT. It conflicts with nothing, so it waits for nobody."""
    if node.insert_mode:
        raise invalid_query("INSERT OR … is not supported")
    target = tree.leaf(node.target_path)
    for name in ("returning", "assert_rows_modified", "on_conflict"):
        if node.HasField(name):
            raise unknown(f"{name.replace('_', ' ').upper()} in DML")
    key, table = desk.scope.table(tuple(n for part in tree.path(target) for n in part.split(".")))
    bound = bind(desk.scope, text, node, desk.evaluator.parse, target)
    found = desk.evaluator.analyze(bound.splice, bound.world, *tree.span(node))
    filters.check(desk.tables, {name: k for name, k in bound.keys.items() if k != key}, found)
    change = Change(key, table, bound, found, key[2], text)
    if desk.dry:
        return _done(desk, change, "INSERT", inserted=0)
    rows = desk.evaluator.insert(bound.splice.piece(*tree.span(node)), bound.world)
    if table.pseudo:
        rows = _with_times(table, rows)
    rows = accepted(table, rows)
    return _done(desk, change, "INSERT", added=rows, inserted=rows.count)


def _with_times(table: Table, rows: Rows) -> Rows:
    """Inserted rows come now, unless the statement says when."""
    at = len(table.fields)
    now = appended(table, Rows.build([()], [])).parsed().row[0].cell

    def mark(_: int, row: Any) -> None:
        said = row.cell[at].WhichOneof("value") is not None
        if said and len(table.pseudo) > 1:
            row.cell[at + 1].date_value = row.cell[at].timestamp_value.seconds // 86_400
        for offset in range(len(table.pseudo)):
            if not said:
                row.cell[at + offset].CopyFrom(now[offset])

    return rows.change(mark)


def delete(desk: Desk, text: bytes, node: Any) -> Outcome:
    """DELETE."""
    if not node.HasField("where"):
        raise invalid_query("DELETE must have a WHERE clause")
    change = _prepared(desk, text, node, alias=True)
    if desk.dry:
        return _done(desk, change, "DELETE", deleted=0)
    sql = f"SELECT {_q(change.alias)}.{ROW} FROM `{change.flat}` AS {_q(change.alias)} WHERE {change.piece(node.where)}"
    gone = _numbers(desk.evaluator.query(sql, change.world))
    return _done(desk, change, "DELETE", _rebuilt(change.table, {}, gone, Rows()) if gone else change.table.rows, deleted=len(gone))


def truncate(desk: Desk, _: bytes, node: Any) -> Outcome:
    """TRUNCATE TABLE."""
    key, table = desk.scope.table(tuple(n for part in tree.path(node.target_path) for n in part.split(".")))
    if node.HasField("where"):
        raise invalid_query("TRUNCATE TABLE does not take a WHERE clause")
    if table.kind != "TABLE":
        raise invalid_query(f"Cannot truncate a {table.kind}")
    desk.claim(key)
    table = desk.tables[key]
    if not desk.dry:
        desk.write(key, table.touched(rows=Rows()), "rows")
    return Outcome("TRUNCATE_TABLE", deleted=table.rows.count)


def update(desk: Desk, text: bytes, node: Any) -> Outcome:
    """UPDATE, with or without FROM."""
    if not node.HasField("where"):
        raise invalid_query("UPDATE must have a WHERE clause")
    change = _prepared(desk, text, node, alias=True)
    if desk.dry:
        return _done(desk, change, "UPDATE", updated=0)
    sets = _sets(change, node.update_item_list)
    others = f", {change.piece(node.from_clause).strip()[len('FROM') :]}" if node.HasField("from_clause") else ""
    columns = ", ".join([f"{_q(change.alias)}.{ROW}", *sets.values()])
    sql = f"SELECT {columns} FROM `{change.flat}` AS {_q(change.alias)}{others} WHERE {change.piece(node.where)}"
    fresh = _values(desk.evaluator.query(sql, change.world), list(sets))
    return _done(desk, change, "UPDATE", _rebuilt(change.table, fresh, set(), Rows()), updated=len(fresh))


def _q(name: str) -> str:
    return f"`{name}`"


def _sets(change: Change, listed: Any) -> dict[int, str]:
    """The new values of ``SET a = …``, by the place of their column, each cast to its type (GoogleSQL has checked that it may be)."""
    places = {field["name"].lower(): at for at, field in enumerate(change.table.fields)}
    found: dict[int, str] = {}
    for item in listed.update_items:
        if not item.HasField("set_value"):
            raise unknown("nested DML")
        target = tree.leaf(item.set_value.path)
        parts = tree.path(target) if tree.kind(target) == "ASTPathExpression" else ()
        name = parts[-1].lower() if len(parts) == 1 or (len(parts) == 2 and parts[0].lower() == change.alias.lower()) else ""
        if name not in places:
            raise unknown("UPDATE of a field of a struct, or an element of an array")
        found[places[name]] = _cast(change, places[name], item.set_value.value)
    return found


def _cast(change: Change, at: int, node: Any) -> str:
    """A value for a column, cast to the column's type; ``DEFAULT`` is NULL."""
    if tree.kind(tree.leaf(node)) == "ASTDefaultLiteral":
        return f"CAST(NULL AS {types.text(change.table.fields[at])})"
    return f"CAST(({change.piece(node)}\n) AS {types.text(change.table.fields[at])})"


def merge(desk: Desk, text: bytes, node: Any) -> Outcome:
    """MERGE: for each WHEN clause, a query for the rows that it is the first to apply to."""
    change = _prepared(desk, text, node, alias=True)
    if desk.dry:
        return _done(desk, change, "MERGE", inserted=0, updated=0, deleted=0)
    source, world = _source(desk, change, node.table_expression)
    target, condition = f"`{change.flat}` AS {_q(change.alias)}", change.piece(node.merge_condition)
    joined = f"FROM {target} JOIN {source} ON {condition}\nWHERE TRUE"
    pairs = _pairs(desk, change, node.merge_condition, joined, world)
    alone = {change.flat: {t for t, _ in pairs}, SOURCE: {s for _, s in pairs}}
    unmatched = replace(world, feeds={name: _without(feed, alone.get(name, set())) for name, feed in world.feeds.items()})
    worlds = {1: world, 2: unmatched, 3: unmatched}
    froms = {1: joined, 2: f"FROM {target} WHERE TRUE", 3: f"FROM {source} WHERE TRUE"}
    fresh: dict[int, dict[int, Any]] = {}
    gone: list[int] = []
    added = table_data()
    earlier: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for clause in node.when_clauses.clause_list:
        match = clause.match_type
        if match == 1 and not pairs:
            continue
        here = worlds[match]
        mine = change.piece(clause.search_condition) if clause.HasField("search_condition") else "TRUE"
        chosen = " AND ".join([f"(({mine}\n) IS TRUE)", *(f"(({other}\n) IS NOT TRUE)" for other in earlier[match])])
        earlier[match].append(mine)
        match clause.action.action_type:
            case 1:
                sql = f"SELECT {', '.join(_inserted(change, clause.action))} {froms[match]} AND {chosen}"
                added.row.extend(desk.evaluator.query(sql, here).parsed().row)
            case 2:
                sets = _sets(change, clause.action.update_item_list)
                sql = f"SELECT {', '.join([f'{_q(change.alias)}.{ROW}', *sets.values()])} {froms[match]} AND {chosen}"
                got = _values(desk.evaluator.query(sql, here), list(sets))
                _once(list(got), [*fresh, *gone])
                fresh |= got
            case _:
                sql = f"SELECT {_q(change.alias)}.{ROW} {froms[match]} AND {chosen}"
                numbers = [row.cell[0].int64_value for row in desk.evaluator.query(sql, here).parsed().row]
                _once(numbers, [*fresh, *gone])
                gone += numbers
    new = accepted(change.table, appended(change.table, Rows.of(added)))
    if not fresh and not gone and new.count:  # a MERGE that only inserts still counts as one that changes rows
        rows = change.table.rows + new
    else:
        rows = _rebuilt(change.table, fresh, set(gone), new)
    return _done(desk, change, "MERGE", rows, inserted=new.count, updated=len(fresh), deleted=len(gone))


def _once(numbers: list[int], before: list[int]) -> None:
    """No row may be changed twice."""
    if len(set(numbers)) < len(numbers) or set(numbers) & set(before):
        raise invalid_query("UPDATE/MERGE must match at most one source row for each target row")


def _source(desk: Desk, change: Change, expression: Any) -> tuple[str, World]:
    """What follows USING, evaluated once, its rows numbered: how queries name it, and the world in which they can."""
    node = tree.leaf(expression)
    if tree.kind(node) not in {"ASTTablePathExpression", "ASTTableSubquery"}:
        raise unknown("MERGE USING something else than a table or a subquery")
    sql = f"SELECT * FROM {change.piece(node)}"
    fields = desk.evaluator.analyze(tree.Splice(sql.encode()), change.bound.world).columns()

    def number(at: int, row: Any) -> None:
        row.cell.add().int64_value = at

    rows = desk.evaluator.query(sql, change.bound.world).change(number)
    world = change.world
    made = replace(world, feeds={**world.feeds, SOURCE: Feed(fields, rows, ((SOURCE_ROW, "INTEGER"),))})
    alias = node.alias.identifier.id_string if node.HasField("alias") else ""
    if not alias and tree.kind(node) == "ASTTablePathExpression":
        alias = tree.path(node.path_expr)[-1].split(".")[-1]
    return f"`{SOURCE}`{f' AS {_q(alias)}' if alias else ''}", made


def _pairs(desk: Desk, change: Change, condition: Any, joined: str, world: World) -> set[tuple[int, int]]:
    """The numbers of target and source rows that belong together. A condition without columns is looked at once."""
    if not any(True for _ in tree.find(condition, lambda n: tree.kind(n) in {"ASTPathExpression", "ASTQuery"})):
        held = desk.evaluator.query(f"SELECT {change.piece(condition)}", world).parsed().row[0].cell[0]
        if not held.bool_value:
            return set()
    rows = desk.evaluator.query(f"SELECT {_q(change.alias)}.{ROW}, {SOURCE_ROW} {joined}", world).parsed().row
    return {(row.cell[0].int64_value, row.cell[1].int64_value) for row in rows}


def _without(feed: Feed, numbers: set[int]) -> Feed:
    """A numbered table without some of its rows."""
    numbered = bool(feed.pseudo) and feed.pseudo[-1][0] in {ROW, SOURCE_ROW}
    return replace(feed, rows=feed.rows.keep(lambda row: row.cell[-1].int64_value not in numbers)) if numbered and numbers else feed


def _inserted(change: Change, action: Any) -> list[str]:
    """The values of an INSERT clause, one for each column of the table; columns that are not named are NULL."""
    fields = change.table.fields
    if not action.HasField("insert_row") or not action.insert_row.values:
        return [f"CAST({_q(field['name'])} AS {types.text(field)})" for field in fields]
    places = {field["name"].lower(): at for at, field in enumerate(fields)}
    named = (
        [places[name.id_string.lower()] for name in action.insert_column_list.identifiers] if action.HasField("insert_column_list") else []
    )
    order = named or list(range(len(fields)))
    given = {at: _cast(change, at, value) for at, value in zip(order, action.insert_row.values, strict=True)}
    return [given.get(at, f"CAST(NULL AS {types.text(field)})") for at, field in enumerate(fields)]


def _numbers(rows: Rows) -> set[int]:
    return {row.cell[0].int64_value for row in rows.parsed().row}


def _values(rows: Rows, places: list[int]) -> dict[int, dict[int, Any]]:
    """New cells by row number and place. Raises BigQuery's error when a row would be changed twice."""
    found: dict[int, dict[int, Any]] = {}
    for row in rows.parsed().row:
        number = row.cell[0].int64_value
        if number in found:
            raise invalid_query("UPDATE/MERGE must match at most one source row for each target row")
        found[number] = dict(zip(places, row.cell[1:], strict=True))
    return found


def _rebuilt(table: Table, fresh: dict[int, dict[int, Any]], gone: set[int], added: Rows) -> Rows:
    """A table's rows with some changed, some gone, some added."""
    changed = table_data()
    rows = table.rows.parsed().row
    for number, cells in fresh.items():
        row = changed.row.add()
        row.CopyFrom(rows[number])
        for at, cell in cells.items():
            row.cell[at].CopyFrom(cell)
    checked = dict(zip(fresh, accepted(table, Rows.of(changed)).parsed().row, strict=True))
    made = table_data()
    made.row.extend(checked.get(number, row) for number, row in enumerate(rows) if number not in gone)
    return Rows.of(made) + added
