"""The command line: options → request → use case → exit code."""

from __future__ import annotations


def main() -> None:
    """Entry point of ``orc``."""
    from orchestrator.cli.main import run

    run()
