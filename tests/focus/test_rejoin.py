"""A client that loses its Focus, or the connection to it, joins again by itself and says so."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import attrs
import pytest
from commanding import PHONE, connected
from focus_site import Phone, Site

from focus import (
    ClientState,
    CommandFailed,
    CommandId,
    CommandSucceeded,
    FailureReason,
    LeaveCause,
    Left,
    LocalProtocolError,
    Rejoined,
    Rejoining,
    RosterChanged,
    SubscriptionLost,
)


def meeting(**config: object) -> tuple[Site, str, Phone, Phone]:
    """Alice presents; bob is the one whose connection will break."""
    site = Site()
    site.mcu()
    conference, alice, _ = site.meeting()
    bob = site.joined(site.client("bob", **config), conference)
    return site, conference, alice, bob


def cut(site: Site, phone: Phone, seconds: float = 5.0) -> None:
    """The Focus of a client is gone, and so is the connection."""
    site.net.unreachable(site.node)
    for flow in site.net.connections(phone.node):
        site.net.break_off(flow)
    site.net.run(seconds)


def mend(site: Site, seconds: float = 60.0) -> None:
    """It can be reached again."""
    site.net._unreachable.clear()
    site.net.run(seconds)


def ends(phone: Phone, command: CommandId) -> list[str]:
    """How a command ended, each time that it did."""
    kinds = (CommandSucceeded, CommandFailed)
    return [type(one).__name__ for one in phone.node.events if isinstance(one, kinds) and one.command == command]


def test_it_joins_again_follows_the_conference_and_says_so() -> None:
    site, conference, alice, bob = meeting()
    cut(site, bob)
    assert bob.client.state is ClientState.WAITING
    told = bob.node.of(Rejoining)
    assert [one.attempt for one in told] == list(range(1, len(told) + 1))
    assert bob.node.of(Left) == []
    mend(site)
    assert bob.client.state is ClientState.JOINED
    back = bob.node.last(Rejoined)
    assert (back.conference_uri, back.role) == (conference, "attendee")
    assert bob.node.of(SubscriptionLost) == []
    whole = site.focus.roster(conference)
    assert whole is not None
    assert attrs.evolve(bob.roster, version=0) == attrs.evolve(whole, version=0)
    user = alice.user("sip:bob@example.com")
    assert user is not None
    assert [one.status for one in user.endpoints] == ["connected"]  # in its own place, not beside it


def test_the_waits_grow_are_not_everybodys_and_come_to_an_end() -> None:
    waits: list[list[float]] = []
    for name in ("bob", "carol"):
        site = Site()
        conference, _, _ = site.meeting()
        phone = site.joined(site.client(name), conference)
        cut(site, phone, 600.0)
        told = phone.node.of(Rejoining)
        assert phone.node.last(Left).cause is LeaveCause.LOST
        assert len(phone.node.of(Left)) == 1
        assert phone.client.state is ClientState.OUT
        assert phone.client.next_timeout() is None
        assert told[0].at - site.net.now < 1.0
        waits.append([later.at - sooner.at for sooner, later in itertools.pairwise(told)])
    assert waits[0] != waits[1]
    assert all(one[-1] > 15.0 > one[0] for one in waits)


def test_it_can_be_told_not_to() -> None:
    site, _, _, bob = meeting(rejoin_for=0.0)
    cut(site, bob)
    assert bob.node.last(Left).cause is LeaveCause.LOST
    assert bob.node.of(Rejoining) == []


@pytest.mark.parametrize(("status", "again"), [(503, True), (500, True), (403, False), (404, False), (603, False)])
def test_a_refusal_that_says_nothing_about_us_is_followed_by_another_try(status: int, again: bool) -> None:
    site, _, _, bob = meeting()
    refused: list[bytes] = []

    def refuse(sender: str, data: bytes) -> bytes:
        if sender == "focus" and data.startswith(b"SIP/2.0 200") and b"CSeq: 1 INVITE" in data:
            refused.append(data)
            answer = b"SIP/2.0 %d No" % status + data[len(b"SIP/2.0 200 OK") :]
            return answer.replace(b"\r\nContact:", b"\r\nRetry-After: 20\r\nX-Contact:", 1)
        return data

    cut(site, bob)
    site.net.tamper = refuse
    site.net._unreachable.clear()
    site.net.run(60.0, until=lambda: bool(refused))
    site.net.run()
    if again:
        assert bob.node.last(Rejoining).at > site.net.now + 20.0  # Retry-After, and a bit by chance
    site.net.tamper = lambda sender, data: data
    site.net.run(60.0)
    if again:
        assert bob.client.state is ClientState.JOINED
    else:
        left = bob.node.last(Left)
        assert (left.cause, left.status) == (LeaveCause.LOST, status)


def test_who_is_put_out_does_not_come_back() -> None:
    site, _, alice, bob = meeting()
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run(600.0)
    assert bob.node.last(Left).cause is LeaveCause.DISMISSED
    assert bob.node.of(Rejoining) == []


def test_who_leaves_meanwhile_has_left() -> None:
    site, _, _, bob = meeting()
    cut(site, bob)
    bob.client.leave(now=site.net.now)
    site.node.take([])
    mend(site)
    assert [one.cause for one in bob.node.of(Left)] + [
        one.cause for one in bob.client.take_events() if isinstance(one, Left)
    ] == [LeaveCause.LEFT]
    assert bob.client.state is ClientState.OUT
    assert bob.node.of(Rejoined) == []


def test_who_leaves_while_it_joins_again_has_left() -> None:
    site, _, _, bob = meeting()
    cut(site, bob)
    site.net.lost = lambda sender, data: sender == "focus"
    site.net._unreachable.clear()
    site.net.run(60.0, until=lambda: bob.client.state is ClientState.REJOINING)
    assert bob.client.state is ClientState.REJOINING
    bob.client.leave(now=site.net.now)
    site.net.run(60.0)
    assert [one.cause for one in bob.node.of(Left)] == [LeaveCause.LEFT]
    assert bob.client.state is ClientState.OUT


def test_nothing_is_commanded_between() -> None:
    site, _, _, bob = meeting()
    cut(site, bob)
    with pytest.raises(LocalProtocolError):
        bob.client.add_user(PHONE, now=site.net.now)
    with pytest.raises(LocalProtocolError):
        bob.client.join("sip:x@example.com;gruu;opaque=app:conf:focus:id:X", now=site.net.now)


def test_without_a_subscription_there_is_none_afterwards() -> None:
    site, _, _, bob = meeting()
    bob.client.unsubscribe(now=site.net.now)
    site.net.run()
    changes = len(bob.node.of(RosterChanged))
    cut(site, bob)
    mend(site)
    assert bob.node.of(Rejoined)
    assert len(bob.node.of(RosterChanged)) == changes


# Commands that were open ---------------------------------------------------------------------------------------------

GIVEN: list[tuple[Callable[[Site, Phone], CommandId], bool]] = [
    (lambda site, alice: alice.client.set_lock(True, now=site.net.now), True),
    (lambda site, alice: alice.client.delete_user(PHONE, now=site.net.now), True),
    (lambda site, alice: alice.client.modify_user_roles(PHONE, "presenter", now=site.net.now), True),
    (lambda site, alice: alice.client.get_conference(now=site.net.now), False),
]


@pytest.mark.parametrize(("give", "shows"), GIVEN)
@pytest.mark.parametrize("reached", [True, False])
def test_a_command_of_which_the_answer_got_lost_is_learned_of_from_the_roster(
    give: Callable[[Site, Phone], CommandId], shows: bool, reached: bool
) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    arrived = len(site.net.messages("focus"))
    site.net.lost = lambda sender, data: sender == ("focus" if reached else "alice")
    command = give(site, alice)
    site.net.run()
    if reached and mcu.commands.__self__.requests[-1].command.name == "deleteUser":
        mcu.boot(PHONE)
    site.net.lost = lambda sender, data: False
    cut(site, alice)
    assert ends(alice, command) == []
    mend(site)
    assert alice.node.of(Rejoined)
    assert arrived
    assert ends(alice, command) == ["CommandSucceeded" if reached and shows else "CommandFailed"]
    if ends(alice, command) == ["CommandFailed"]:
        assert alice.node.last(CommandFailed).reason is FailureReason.UNKNOWN


def test_a_call_that_goes_on_meanwhile_ends_with_what_the_roster_shows() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    command = alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    cut(site, alice)
    mcu.call(PHONE, "alerting")
    mend(site)
    assert ends(alice, command) == []
    mcu.call(PHONE, "connected")
    assert ends(alice, command) == ["CommandSucceeded"]


def test_commands_that_are_open_when_it_is_given_up_end_with_the_stay() -> None:
    site = Site()
    site.mcu()
    _, alice, _ = site.meeting()
    command = alice.client.add_user(PHONE, now=site.net.now)
    site.net.run()
    cut(site, alice, 1_000.0)
    assert alice.node.last(Left).cause is LeaveCause.LOST
    assert ends(alice, command) == ["CommandFailed"]


def test_an_info_that_nobody_answers_is_learned_of_from_the_roster() -> None:
    site = Site()
    _, alice, _ = site.meeting()

    def lost(sender: str, data: bytes) -> bool:
        return sender == "focus" and (b" INFO" in data.partition(b"\r\n\r\n")[0] or data.startswith(b"INFO"))

    site.net.lost = lost
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run(40.0)
    assert ends(alice, command) == ["CommandSucceeded"]
    assert alice.client.state is ClientState.JOINED
