"""0.29, 1.16, 4.2 with real processes: `pytest -n 0 -m soak`; ten minutes, so it is asked for by name."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.orchestration.soak import lived


@pytest.mark.soak
def test_0_29_1_16_4_2_a_day_of_twenty_schedules_ends_as_one_without_faults(tmp_path: Path) -> None:
    """Nobody gives a command all day. ``SOAK_SEED``, ``SOAK_SPEED`` and ``SOAK_HOURS`` choose another day."""
    seed, speed, hours = (float(os.environ.get(f"SOAK_{name}", default)) for name, default in (("SEED", 1), ("SPEED", 160), ("HOURS", 24)))
    found = lived(tmp_path, int(seed), speed, hours)
    print(json.dumps(found, indent=2))
    assert found["killed"]["daemon"] >= 10
    assert found["killed"]["child"] >= 10
    assert found["launches"]["passed"] > 4 * hours
    assert found["launches"]["failed"] > 0, "nothing went wrong: the faults did not reach the models"
