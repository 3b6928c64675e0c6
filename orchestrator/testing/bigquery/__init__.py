"""A BigQuery of one's own for tests: the REST protocol, evaluated by Google's own GoogleSQL. It refuses what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from orchestrator.sql.googlesql_engine import Unavailable, cache_folder

if TYPE_CHECKING:
    from orchestrator.testing.bigquery.server import Server

__all__ = ["Unavailable", "bigquery"]


@contextmanager
def bigquery(env: Mapping[str, str]) -> Iterator[Server]:
    """Start a server on a port of its own, stop it afterwards.

    ``env`` says where the compiled evaluator is kept (``ORC_GOOGLESQL_CACHE``, ``XDG_CACHE_HOME``, ``HOME``).
    Raises :class:`Unavailable` without the packages of the extra ``googlesql``.
    """
    from orchestrator.sql.googlesql_engine import start
    from orchestrator.testing.bigquery.server import Server

    made = Server(start(cache_folder(env)))
    made.start()
    try:
        yield made
    finally:
        made.close()
