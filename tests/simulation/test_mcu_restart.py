"""The only MCU of a system ends and is started again: whoever has somebody called waits for it, and no longer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pyc3p.simnet import Meeting

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
Meet = Callable[..., Meeting]
GONE = "dialOutFailed (The conferencing server is gone)"
NONE = "No conferencing server is available at the moment"


def in_a_call(meet: Meet, seed: int = 1) -> Meeting:
    meeting = meet(seed=seed)
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    meeting.network.run_for(5.0)
    return meeting


def until_called(meeting: Meeting, *, limit: float) -> list[str]:
    """Have somebody called again and again, a second apart; what was told of the calls that failed."""
    told: list[str] = []
    end = meeting.network.now + limit
    while meeting.network.now < end:
        outcome = meeting.outcome("presenter", meeting.dial("presenter", CAROL))
        if outcome.succeeded:
            return told
        told.append(outcome.text)
        meeting.network.run_for(1.0)
    raise AssertionError(f"nobody was called: {told}")


@pytest.mark.parametrize("away", [0.0, 1.0, 8.0])
def test_who_finds_out_when_it_is_back_already_notices_nothing(meet: Meet, away: float) -> None:
    meeting = in_a_call(meet)
    meeting.sim.stop("mcu")
    meeting.network.run_for(away)
    meeting.sim.start("mcu")
    assert until_called(meeting, limit=1.0) == []
    meeting.network.run_for(5.0)
    assert meeting.statuses(BOB) == []
    assert meeting.roster("watcher") == meeting.true_roster()


@pytest.mark.parametrize("without_a_word", [False, True])
@pytest.mark.parametrize("away", [1.0, 3.0, 8.0, 20.0, 60.0])
def test_who_finds_out_before_waits_some_seconds_after_it_is_back(
    meet: Meet, away: float, without_a_word: bool
) -> None:
    meeting = in_a_call(meet)
    meeting.sim.stop("mcu", without_a_word=without_a_word)
    first = meeting.dial("presenter", CAROL)
    meeting.network.run_for(away)
    meeting.sim.start("mcu")
    told = until_called(meeting, limit=8.0)
    assert set(told) <= {NONE}
    assert [outcome.text for outcome in meeting.outcomes("presenter", first)] == [GONE]


def test_while_it_is_away_each_call_hears_at_once_why(meet: Meet) -> None:
    meeting = in_a_call(meet)
    meeting.sim.stop("mcu", without_a_word=True)
    assert meeting.outcome("presenter", meeting.dial("presenter", CAROL)).text == GONE
    for _ in range(10):
        begun = meeting.network.now
        outcome = meeting.outcome("presenter", meeting.dial("presenter", CAROL))
        assert outcome.text == NONE
        assert meeting.network.now - begun < 1.0
        meeting.network.run_for(3.0)
