"""The BigQuery of tests, driven by the real client. What is expected here is what BigQuery does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.testing.bigquery.server import Server
from orchestrator.testing.fixtures import bigquery_fake, bigquery_server

__all__ = ["bigquery_fake", "bigquery_server"]


@dataclass
class Cloud:
    """A server and a client of it, and short ways to ask."""

    server: Server
    client: Any

    def run(self, sql: str, **config: Any) -> Any:
        """Run a query job to its end; the job."""
        from google.cloud import bigquery

        job = self.client.query(sql, job_config=bigquery.QueryJobConfig(**config), retry=None, job_retry=None)
        job.result(timeout=30, retry=None)
        return job

    def rows(self, sql: str, **config: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return [tuple(row.values()) for row in self.run(sql, **config).result()]

    def refused(self, sql: str, **config: Any) -> str:
        """What BigQuery says to a query that it refuses."""
        from google.api_core.exceptions import GoogleAPICallError

        with pytest.raises(GoogleAPICallError) as caught:
            self.run(sql, **config)
        if caught.value.errors:
            return str(caught.value.errors[0]["message"])
        return str(caught.value.message)

    def table(self, name: str) -> Any:
        return self.client.get_table(f"p.d.{name}")


@pytest.fixture
def cloud(bigquery_fake: Server) -> Iterator[Cloud]:
    """A project ``p`` with an empty dataset ``d``."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    options = ClientOptions(api_endpoint=bigquery_fake.url)
    client = bigquery.Client(project="p", credentials=AnonymousCredentials(), client_options=options)
    client.create_dataset("d")
    bigquery_fake.log.clear()
    yield Cloud(bigquery_fake, client)
    client.close()
