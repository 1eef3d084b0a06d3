"""With a fifth of all datagrams lost: exactly one terminal outcome a command, and equal rosters in the end."""

from collections.abc import Callable

import pytest

import focus
from pyc3p.elements import Person
from pyc3p.phone import Reaction
from pyc3p.simnet import Conditions, Meeting

BOB, CAROL = "sip:bob@example.com", "sip:carol@example.com"
LOSSY = Conditions(loss=0.2, duplication=0.05, reordering=0.05)
SEEDS = range(1, 7)
Meet = Callable[..., Meeting]

OVER_UDP = (
    Person(name="presenter", user="ann", display_name="Ann", transport="udp"),
    Person(name="watcher", user="wes", display_name="Wes", transport="udp"),
)


def check(meeting: Meeting, *commands: focus.CommandId) -> None:
    """Once nothing moves any more, every command has ended once and everybody sees the same."""
    for command in commands:
        meeting.outcome("presenter", command)
    meeting.network.run_for(70.0)  # longer than any retransmission goes on
    for command in commands:
        assert len(meeting.outcomes("presenter", command)) == 1
    truth = meeting.true_roster()
    for name in ("presenter", "watcher"):
        assert meeting.roster(name) == truth


@pytest.mark.parametrize("seed", SEEDS)
def test_two_phones_are_called(meet: Meet, seed: int) -> None:
    meeting = meet(seed=seed, conditions=LOSSY)
    commands = [meeting.dial("presenter", user) for user in (BOB, CAROL)]
    check(meeting, *commands)
    for user, command in zip((BOB, CAROL), commands, strict=True):
        (outcome,) = meeting.outcomes("presenter", command)
        assert meeting.statuses(user) == (["audio-video connected"] if outcome.succeeded else [])


@pytest.mark.parametrize("reaction", [Reaction.BUSY, Reaction.DECLINE, Reaction.IGNORE, Reaction.UNUSABLE_MEDIA])
@pytest.mark.parametrize("seed", [11, 12])
def test_a_phone_that_does_not_take_the_call(meet: Meet, seed: int, reaction: Reaction) -> None:
    meeting = meet(seed=seed, conditions=LOSSY, bob=reaction)
    command = meeting.dial("presenter", BOB)
    check(meeting, command)
    assert not meeting.outcomes("presenter", command)[0].succeeded
    assert meeting.statuses(BOB) == []


@pytest.mark.parametrize("seed", [21, 22])
@pytest.mark.parametrize("after", [0.0, 0.3, 1.5])
def test_the_presenter_ejects_at_any_moment(meet: Meet, seed: int, after: float) -> None:
    meeting = meet(seed=seed, conditions=LOSSY)
    dialing = meeting.dial("presenter", BOB)
    meeting.network.run_for(after)
    ejecting = meeting.eject("presenter", BOB)
    check(meeting, dialing, ejecting)
    if meeting.outcomes("presenter", ejecting)[0].succeeded:
        assert meeting.statuses(BOB) == []


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_the_callee_hangs_up(meet: Meet, seed: int) -> None:
    meeting = meet(seed=seed, conditions=LOSSY, hang_up_after=2.0)
    check(meeting, meeting.dial("presenter", BOB))
    assert meeting.statuses(BOB) == []


@pytest.mark.parametrize("seed", [41, 42, 43])
def test_clients_over_udp_see_the_same(meet: Meet, seed: int) -> None:
    meeting = meet(seed=seed, conditions=LOSSY, people=OVER_UDP)
    commands = [meeting.dial("presenter", user) for user in (BOB, CAROL)]
    check(meeting, *commands)


@pytest.mark.parametrize("seed", [51, 52])
def test_connections_that_break_do_not_leave_a_wrong_roster(meet: Meet, seed: int) -> None:
    meeting = meet(seed=seed)
    command = meeting.dial("presenter", BOB)
    meeting.network.run_for(0.2)
    meeting.network.break_connections("watcher")
    meeting.outcome("presenter", command)
    meeting.network.run_for(120.0)
    assert len(meeting.outcomes("presenter", command)) == 1
    assert meeting.roster("presenter") == meeting.true_roster()
