"""The judges find nothing in what our own machines send each other, media and documents included."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyc3p.check.judging import check_records
from pyc3p.check.verdict import Verdict
from pyc3p.simnet import Meeting
from pyc3p.simulate import SCENARIOS
from pyc3p.simulate.run import Simulation

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
Meet = Callable[..., Meeting]


def told(verdicts: list[Verdict]) -> list[str]:
    return [f"{each.by}: {each.finding}" for each in verdicts]


def test_a_conference_with_two_phones_is_right_to_the_last_packet(meet: Meet) -> None:
    meeting = meet()
    for phone in (BOB, CAROL):
        assert meeting.outcome("presenter", meeting.dial("presenter", phone)).succeeded
    meeting.network.run_for(20.0)
    meeting.phone("phone-bob").hang_up(now=meeting.network.now)
    meeting.network.run_for(60.0)
    records = list(meeting.network.recording)
    assert {each.layer for each in records} == {"sip", "http", "rtp", "rtcp"}
    assert told(check_records(records, meeting.network.trace.names)) == []


@pytest.mark.parametrize("scenario", ["calm", "lobby", "network", "http"])
def test_a_conference_in_which_much_happens_is_right(scenario: str) -> None:
    simulation = Simulation(SCENARIOS[scenario], 1, minutes=1.0)
    assert not simulation.run().complaints
    network = simulation.world.network
    signalling = [each for each in network.recording if not each.layer.startswith("rt")]
    assert told(check_records(signalling, network.trace.names)) == []
