"""Our own elements pass whole."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.altered.seed_of_commit import SEED
from tests.conformance.suites import SUITES

#: Sequences of cases; a whole conference costs ten times as much as a call.
EXAMPLES = {"user agent": 40, "registrar": 20, "focus": 8, "mcu": 8}
_SETTINGS = settings(
    stateful_step_count=15,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize(("suite", "story"), [(suite, story) for suite in SUITES for story in SUITES[suite].stories])
def test_ours_pass_every_story(suite: str, story: str) -> None:
    SUITES[suite].tell(story)


@pytest.mark.parametrize("suite", SUITES)
def test_ours_pass_whatever_comes_in_whatever_order(suite: str) -> None:
    run_state_machine_as_test(seed(SEED)(SUITES[suite]), settings=settings(_SETTINGS, max_examples=EXAMPLES[suite]))
