"""What an orchestrator is asked for, in nine words, each with the tests that show it: `python -m tests.orchestration.nine`."""

from __future__ import annotations

import subprocess
import sys

from tests.orchestration.test_checks_are_covered import TESTS, where

WORDS = {
    "workflow management": "0.11",
    "automation": "0.13",
    "error handling": "0.14",
    "recovery": "0.17",
    "monitoring and alerting": "0.19",
    "resource optimisation": "0.20",
    "observability": "0.22",
    "debugging": "0.23",
    "compliance and auditing": "0.24",
}


def main() -> int:
    """A line for each word; 1 when one of them is not `ok`."""
    worst = 0
    for word, check in WORDS.items():
        found = where(check)
        files = sorted({str(TESTS / file) for file, _ in found})
        command = [sys.executable, "-m", "pytest", "-n", "0", "-q", *files, "-k", " or ".join(sorted({name for _, name in found}))]
        done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)
        print(f"{'ok' if done.returncode == 0 else 'FAILED'}  {word} ({check}, {len(found)} tests)", flush=True)
        if done.returncode:
            print(done.stdout)
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main())
