"""Random faults: seeds drawn by commit hold everything, and a seed is the same wherever it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pyc3p.simulate import SCENARIOS, simulate
from tests.altered.seed_of_commit import SEED

#: How many seeds each commit is tried with, and how long things happen in each: together some half a minute.
NUMBER: Final = 50
MINUTES: Final = 0.5
#: Interpreters beside this one, divided by colons: .ci/run names one where the machine has it.
OTHERS: Final = tuple(filter(None, os.environ.get("PYC3P_OTHER_PYTHONS", "").split(":")))


@pytest.mark.parametrize("number", range(NUMBER))
def test_everything_holds_whatever_goes_wrong(number: int) -> None:
    scenario = list(SCENARIOS.values())[number % len(SCENARIOS)]
    result = simulate(scenario, SEED % 10**9 + number, minutes=MINUTES)
    assert not result.complaints, "\n".join([*result.complaints, result.replay])


def digest_of(python: str, hash_seed: str) -> str:
    """What one interpreter makes of a seed, in a process of its own."""
    arguments = ["simulate", "--scenario", "everything", "--seed", "12", "--minutes", "0.7", "--json"]
    done = subprocess.run(
        [python, "-m", "pyc3p", *arguments],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return str(json.loads(done.stdout)["digest"])


def test_a_seed_gives_the_same_bytes_whatever_the_order_of_sets() -> None:
    assert digest_of(sys.executable, "1") == digest_of(sys.executable, "2")


@pytest.mark.skipif(not OTHERS, reason="no other interpreter is named in PYC3P_OTHER_PYTHONS")
def test_a_seed_gives_the_same_bytes_to_every_interpreter() -> None:
    here = digest_of(sys.executable, "1")
    assert {python: digest_of(python, "1") for python in OTHERS} == dict.fromkeys(OTHERS, here)
