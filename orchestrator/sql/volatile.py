"""Words of a query that may make other rows of the same tables: clocks, chance, sessions, files."""

from __future__ import annotations

import re

_TEXTS = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | \$(\w*)\$.*?\$\1\$""", re.VERBOSE | re.DOTALL)
"""Literals, quoted names and comments: words in there are no functions."""

_FUNCTIONS = frozenset(
    """
    now random rand randn uuid gen_random_uuid generate_uuid uuidv4 uuidv7 uuid_generate_v1 uuid_generate_v4 newid setseed
    today get_current_time get_current_timestamp getdate sysdate systimestamp utc_timestamp curdate curtime unix_timestamp
    current_date current_time current_timestamp current_datetime current_localtime current_localtimestamp localtime localtimestamp
    clock_timestamp statement_timestamp transaction_timestamp timeofday age gen_random_bytes
    nextval currval lastval txid_current pg_current_xact_id pg_backend_pid session_user current_user current_role current_setting
    current_schema current_schemas current_database current_catalog getvariable getenv inet_client_addr version pg_sleep
    read_csv read_csv_auto read_parquet parquet_scan read_json read_json_auto read_json_objects read_ndjson read_text read_blob
    read_xlsx glob sniff_csv iceberg_scan delta_scan sqlite_scan postgres_scan postgres_query mysql_scan mysql_query st_read query
    query_table external_query dblink dblink_fetch lo_get pg_read_file ml.predict ml.generate_text ai.generate
    rand_uniform random_normal shuffle session_id
    """.split()  # noqa: SIM905 - a table of words reads better than a hundred quotes
)
"""Functions whose answer depends on more than their arguments. Files and other databases are such: nobody says when they change."""

_BARE = frozenset(
    {
        "current_date", "current_time", "current_timestamp", "current_datetime", "localtime", "localtimestamp", "current_user",
        "session_user", "current_role", "sysdate", "tablesample",
    }
)  # fmt: skip
"""Words that are such without parentheses."""

_SAMPLED = re.compile(r"\busing\s+sample\b|\bfor\s+system_time\b", re.IGNORECASE)
_WORD = re.compile(r"(?<![\w.@])([A-Za-z_][\w.]*)(\s*\()?")
_FILE = re.compile(r"\b(?:from|join)\s+'", re.IGNORECASE)


def volatile(sql: str) -> str | None:
    """The first word of a query that may make other rows of the same tables, as written; ``None`` when there is none.

    A column that is called like such a word counts as one, too: in doubt a query is volatile.

    >>> volatile("select id, Now() as at from t"), volatile("select 'now()' as x -- random()"), volatile("select current_date - d from t")
    ('Now()', None, 'current_date')
    >>> volatile("select * from 'data/*.parquet'"), volatile("select t.now, uuid from t")
    ('a file', None)
    """
    if _FILE.search(sql):
        return "a file"
    text = _TEXTS.sub(" ", sql)
    for match in _WORD.finditer(text):
        word, called = match.group(1), match.group(2)
        name = word.lower()
        if called and (name in _FUNCTIONS or name.rpartition(".")[2] in _FUNCTIONS):
            return f"{word}()"
        if name in _BARE:
            return word
    sampled = _SAMPLED.search(text)
    return sampled.group() if sampled else None
