"""A core that shows its deadlines shows all of them: who drives it looks at these alone."""

from __future__ import annotations

from collections import Counter

import pytest

import sip
from pyc3p.simnet import Meeting
from pyc3p.simulate import SCENARIOS, simulate
from tests.altered.seed_of_commit import SEED
from tests.simulation.caller import Caller
from tests.simulation.test_ways_in import OPEN, Meet, number

#: Not the next commit's seeds of the test of random faults: so more of them are tried.
OFFSET = 500_000_000


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often cores of each kind had something to wait for; each time the two ways to ask are compared."""
    waited: Counter[str] = Counter()
    asked = sip.Pump.next_timeout

    def compare(pump: sip.Pump) -> float | None:
        for net in pump._nets:
            shown = [due.first for due in net.deadlines or (net,) if due.first is not None]
            assert min(shown, default=None) == net.next_timeout(), net._machine
            if shown and net.deadlines:
                waited[type(net._machine).__name__] += 1
        return asked(pump)

    monkeypatch.setattr(sip.Pump, "next_timeout", compare)
    return waited


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_in_random_conferences(scenario: str, looked: Counter[str]) -> None:
    simulate(SCENARIOS[scenario], SEED % 10**9 + OFFSET, minutes=0.3)
    assert looked["Client"]


def test_with_a_call_that_left_the_route(looked: Counter[str], meet: Meet) -> None:
    meeting: Meeting = meet(factory=OPEN)
    phone = Caller(meeting, "uac", "198.51.100.7", transport="UDP", off_route="invite")
    phone.call(number(meeting))
    phone.answered()
    meeting.network.run_for(100.0)
    assert looked["WaysIn"]
