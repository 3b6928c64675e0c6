"""The text of one generated model: staging, intermediate or mart."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from shop import MEASURES, QUALIFIERS, STATUSES, TOPICS, Table

WITH_FINAL_LIST = 0.6
RATIO = {
    "duckdb": "round({{ above }} / nullif({{ below }}, 0), 4)",
    "postgres": "round(cast({{ above }} as numeric) / nullif(cast({{ below }} as numeric), 0), 4)",
}
DOUBLE = {"duckdb": "double", "postgres": "double precision"}


@dataclass
class Spelling:
    """How a model's text is written: with Jinja or as the plain SQL it renders to, and in whose SQL."""

    plain: bool
    macros: bool
    engine: str = "duckdb"

    def ref(self, name: str) -> str:
        return name if self.plain else f"{{{{ ref('{name}') }}}}"

    def source(self, entity: str) -> str:
        return f"raw.{entity}s" if self.plain else f"{{{{ source('raw', '{entity}s') }}}}"

    def ratio(self, above: str, below: str) -> str:
        if self.macros:
            return f"{{{{ ratio('{above}', '{below}') }}}}"
        return RATIO[self.engine].replace("{{ above }}", above).replace("{{ below }}", below)

    def days(self, earlier: str, later: str) -> str:
        return f"cast({later} as date) - cast({earlier} as date)" if self.engine == "postgres" else f"date_diff('day', {earlier}, {later})"

    def clean(self, column: str) -> str:
        return f"{{{{ clean('{column}') }}}}" if self.macros else f"lower(trim({column}))"

    def split_by_status(self, measure: str, prefix: str) -> list[str]:
        """Lines of a select list, each ending in a comma."""
        if self.macros:
            listed = ", ".join(f"'{s}'" for s in STATUSES)
            return [f"        {{{{- split_by('status', [{listed}], '{measure}', '{prefix}') }}}}"]
        return [f"        sum(case when status = '{s}' then {measure} else 0 end) as {prefix}_{s}," for s in STATUSES]

    def highest(self, columns: Sequence[str], name: str) -> list[str]:
        """Lines of a select list, each ending in a comma: the greatest of some columns, spelled as a loop."""
        if self.macros:
            listed = ", ".join(f"'{c}'" for c in columns)
            loop = f"{{% for c in [{listed}] %}}coalesce({{{{ c }}}}, 0){{{{ ', ' if not loop.last }}}}{{% endfor %}}"
            return ["        greatest(", f"            {loop}", f"        ) as {name},"]
        return ["        greatest(", f"            {', '.join(f'coalesce({c}, 0)' for c in columns)}", f"        ) as {name},"]


@dataclass
class Model:
    """A model: what others may read of it, and its text. All have ``key``, ``account_id``, ``status``, ``created_at``, ``updated_at``."""

    name: str
    layer: str
    entity: str
    level: int
    view: bool
    texts: list[str]
    numbers: list[str]
    parents: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    sql: str = ""
    third_test: str = ""

    @property
    def key(self) -> str:
        return f"{self.entity}_id"

    @property
    def path(self) -> str:
        return f"models/{self.layer}/{self.entity}s/{self.name}.sql"


def listed(columns: Sequence[str], prefix: str = "") -> list[str]:
    """A select list, one column a line, no comma after the last.

    >>> listed(["a", "b"], "t.")
    ['        t.a,', '        t.b']
    """
    return [f"        {prefix}{c}{'' if c == columns[-1] else ','}" for c in columns]


def cte(name: str, select: Sequence[str], rest: Sequence[str]) -> list[str]:
    return [f"{name} as (", "    select", *select, *(f"    {line}" for line in rest), ")"]


def assemble(comment: str, ctes: Sequence[list[str]], columns: Sequence[str] = ()) -> str:
    """A model's text; it always ends in the line ``from final``, so a ``where`` can be appended to edit it."""
    body = [f"-- {comment}", "-- every input has one row per account at most, so joins on account_id never multiply rows"]
    for position, block in enumerate(ctes):
        opening = f"with {block[0]}" if position == 0 else block[0]
        closing = block[-1] + ("," if position < len(ctes) - 1 else "")
        body += [opening, *block[1:-1], closing, ""]
    selected = [line[4:] for line in listed(columns)] if columns else ["    *"]
    return "\n".join([*body, "select", *selected, "from final"]) + "\n"


def fresh(rng: random.Random, used: set[str]) -> str:
    """A measure's name that the model does not use yet."""
    while (name := f"{rng.choice(QUALIFIERS)}_{rng.choice(MEASURES)}") in used:
        pass
    used.add(name)
    return name


def staging(rng: random.Random, name: str, table: Table, spell: Spelling) -> Model:
    model = Model(name, "staging", table.entity, 0, True, list(table.texts), [], [f"source:{table.entity}"])
    key, raw = model.key, "source_rows"
    used = set(table.numbers)
    ratio, share, running, span = (fresh(rng, used) for _ in range(4))
    first, second = rng.sample(table.numbers, 2)
    kept = [key, "account_id", "status", *table.texts, *table.numbers, table.flag, *table.times]
    renamed = [
        f"        cast({raw}.{key} as integer) as {key},",
        f"        cast({raw}.account_id as integer) as account_id,",
        *(f"        {spell.clean(f'{raw}.{c}')} as {c}," for c in ("status", *table.texts)),
        *(f"        cast({raw}.{c} as {DOUBLE[spell.engine]}) as {c}," for c in table.numbers),
        f"        coalesce({raw}.{table.flag}, false) as {table.flag},",
        *(f"        cast({raw}.{c} as timestamp) as {c}," for c in table.times),
        "        row_number() over (",
        f"            partition by {key}",
        "            order by updated_at desc",
        "        ) as recency",
    ]
    measured = [
        *(f"        {c}," for c in kept),
        f"        {spell.ratio(first, second)} as {ratio},",
        f"        sum({first}) over (",
        "            partition by status",
        f"            order by created_at, {key}",
        "            rows between unbounded preceding and current row",
        f"        ) as {running},",
        f"        {spell.days('created_at', 'updated_at')} as {span}",
    ]
    model.columns = [*kept, ratio, share, running, span]
    final = [
        *(f"        {c}," for c in (*kept, ratio)),
        "        case",
        f"            when {first} > {rng.randint(2, 9) * 10} then 1.0",
        f"            when {first} > {rng.randint(1, 9)} then 0.5",
        "            else 0.0",
        f"        end as {share},",
        *listed([running, span]),
    ]
    model.numbers = [*table.numbers, ratio, share, running, span]
    model.sql = assemble(
        f"one row per {table.entity}: cleaned, typed and deduplicated",
        [
            [f"{raw} as (", "    select *", f"    from {spell.source(table.entity)}", ")"],
            cte("renamed", renamed, [f"from {raw}", "where account_id is not null"]),
            cte("measured", measured, ["from renamed", "where recency = 1"]),
            cte("final", final, ["from measured"]),
        ],
        model.columns if rng.random() < WITH_FINAL_LIST else (),
    )
    return model


def joins(parents: Sequence[Model], spell: Spelling) -> list[str]:
    """Left joins of ``parents`` to ``base`` as ``p1``, ``p2``, …: one row an account in each, so rows never multiply."""
    lines = []
    for position, parent in enumerate(parents, 1):
        lines += [f"left join {spell.ref(parent.name)} as p{position}", f"    on base.account_id = p{position}.account_id"]
    return lines


def taken(rng: random.Random, parents: Sequence[Model], used: set[str]) -> tuple[list[str], list[str]]:
    """Columns a join brings in: their names, and lines of a select list ending in commas."""
    names, lines = [], []
    for position, parent in enumerate(parents, 1):
        for column in rng.sample(parent.numbers, 2 if len(parents) == 1 else 1):
            names.append(fresh(rng, used))
            lines.append(f"        coalesce(p{position}.{column}, 0) as {names[-1]},")
    return names, lines


def intermediate(rng: random.Random, name: str, parents: Sequence[Model], view: bool, spell: Spelling) -> Model:
    base, *others = parents
    model = Model(name, "intermediate", base.entity, 1 + max(p.level for p in parents), view, [], [], [p.name for p in parents])
    key = model.key
    texts, numbers = base.texts[:2], rng.sample(base.numbers, 3)
    used = {*base.columns}
    kept = [key, "account_id", "status", *texts, *numbers, "created_at", "updated_at"]
    joined, joined_lines = taken(rng, others, used)
    if not joined:
        joined = [fresh(rng, used)]
        joined_lines = [f"        coalesce(base.{rng.choice(numbers)}, 0) as {joined[0]},"]
    order, running, earlier = fresh(rng, used), fresh(rng, used), fresh(rng, used)
    ratio, bucket = fresh(rng, used), f"{rng.choice([t for t in TOPICS if f'{t}_band' not in used])}_band"
    base_cte = (
        ["base as (", "    select *", f"    from {spell.ref(base.name)}", ")"]
        if rng.random() < 0.6
        else cte("base", listed(kept), [f"from {spell.ref(base.name)}"])
    )
    carried = "        joined.*," if rng.random() < 0.3 else None
    windowed = [
        *([carried] if carried else (f"        joined.{c}," for c in (*kept, *joined))),
        "        row_number() over (",
        f"            partition by joined.{texts[0]}",
        f"            order by joined.created_at desc, joined.{key}",
        f"        ) as {order},",
        f"        avg(joined.{numbers[0]}) over (",
        "            partition by joined.status",
        f"            order by joined.created_at, joined.{key}",
        "            rows between 3 preceding and current row",
        f"        ) as {running},",
        f"        lag(joined.{joined[0]}) over (order by joined.created_at, joined.{key}) as {earlier}",
    ]
    final = [
        *(f"        windowed.{c}," for c in (*kept, *joined, order, running)),
        f"        coalesce({earlier}, 0) as {earlier},",
        f"        {spell.ratio(numbers[1], running)} as {ratio},",
        "        case",
        f"            when {order} = 1 and status in ('new', 'active') then 'first'",
        f"            when {numbers[2]} > {rng.randint(1, 90)} then 'high'",
        "            else 'low'",
        f"        end as {bucket}",
    ]
    model.columns = [*kept, *joined, order, running, earlier, ratio, bucket]
    model.texts = [texts[0], bucket]
    model.numbers = [*numbers, *joined, order, running, earlier, ratio]
    settings = "{{ config(materialized='view') }}\n" if view and not spell.plain else ""
    model.sql = settings + assemble(
        f"{base.entity}s with what {len(others)} other model(s) know about their accounts",
        [
            base_cte,
            cte("joined", [*(f"        base.{c}," for c in kept), *without_comma(joined_lines)], ["from base", *joins(others, spell)]),
            cte("windowed", windowed, ["from joined", "where joined.account_id is not null"]),
            cte("final", final, ["from windowed"]),
        ],
        model.columns if rng.random() < WITH_FINAL_LIST else (),
    )
    return model


def without_comma(lines: Sequence[str]) -> list[str]:
    return [*lines[:-1], lines[-1].removesuffix(",")]


def mart(rng: random.Random, name: str, parents: Sequence[Model], spell: Spelling) -> Model:
    base, summed, *others = parents if len(parents) > 1 else (*parents, *parents)
    model = Model(name, "marts", base.entity, 1 + max(p.level for p in parents), False, [], [], [p.name for p in parents])
    key = model.key
    texts, numbers = base.texts[:1], rng.sample(base.numbers, 2)
    used = {*base.columns, *summed.columns}
    kept = [key, "account_id", "status", *texts, *numbers, "created_at", "updated_at"]
    measure = rng.choice(summed.numbers)
    prefix = fresh(rng, used)
    split = [f"{prefix}_{s}" for s in STATUSES]
    rows, top, share, highest, place = (fresh(rng, used) for _ in range(5))
    joined, joined_lines = taken(rng, others, used)
    totals = [
        "        account_id,",
        *spell.split_by_status(measure, prefix),
        f"        count(*) as {rows},",
        f"        max({rng.choice(summed.numbers)}) as {top}",
    ]
    combined = [
        *(f"        base.{c}," for c in kept),
        *(f"        coalesce(totals.{c}, 0) as {c}," for c in (*split, rows, top)),
        *joined_lines,
        "        dense_rank() over (",
        f"            partition by base.{texts[0]}",
        f"            order by base.{numbers[0]} desc nulls last, base.{key}",
        f"        ) as {place}",
    ]
    final = [
        *(f"        combined.{c}," for c in (*kept, *split, rows, top, *joined, place)),
        *spell.highest(numbers, highest),
        f"        {spell.ratio(numbers[0], f'sum({numbers[0]}) over (partition by status)')} as {share}",
    ]
    model.columns = [*kept, *split, rows, top, *joined, place, highest, share]
    model.texts = list(texts)
    model.numbers = [*numbers, *split, rows, top, *joined, place, highest, share]
    model.sql = assemble(
        f"what people look at: {base.entity}s by {texts[0]}",
        [
            ["base as (", "    select *", f"    from {spell.ref(base.name)}", ")"],
            cte("totals", totals, [f"from {spell.ref(summed.name)}", "group by account_id"]),
            cte(
                "combined",
                combined,
                ["from base", "left join totals", "    on base.account_id = totals.account_id", *joins(others, spell)],
            ),
            cte("final", final, ["from combined"]),
        ],
        model.columns if rng.random() < WITH_FINAL_LIST else (),
    )
    return model
