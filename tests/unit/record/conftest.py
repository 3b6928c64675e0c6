from orchestrator.testing.fixtures import postgres_url, worker

__all__ = ["postgres_url", "worker"]
