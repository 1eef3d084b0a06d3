"""Settings of all tests."""

from __future__ import annotations

import os
from itertools import count

import pytest
from hypothesis import HealthCheck, settings

_NUMBERS = count()

# How long an example takes says more about what else the machine does than about the code: time is measured in
# benchmarks/, never in tests.
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("search", UNHURRIED)
# On CI the examples are the same in each run, so that a red run is the fault of its change; searching is for desks.
settings.register_profile("repeat", UNHURRIED, derandomize=True, database=None)
settings.load_profile("repeat" if os.environ.get("CI") else "search")


@pytest.fixture(autouse=True)
def state_directory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What servers of a test keep is seen by nobody else."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path_factory.getbasetemp() / f"state-{next(_NUMBERS)}"))
