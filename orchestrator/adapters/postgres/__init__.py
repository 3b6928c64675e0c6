from orchestrator.adapters.postgres.dialect import PostgresDialect
from orchestrator.adapters.postgres.profile import PostgresProfile, profile

__all__ = ["PostgresDialect", "PostgresProfile", "profile"]
