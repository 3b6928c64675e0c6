from orchestrator.adapters.duckdb.dialect import DuckDBDialect
from orchestrator.adapters.duckdb.profile import DuckDBProfile, profile

__all__ = ["DuckDBDialect", "DuckDBProfile", "profile"]
