"""The lock and the lobby (docs/commands.rst, docs/design-decisions.rst)."""

from __future__ import annotations

import attrs
from commanding import Sender, connected, dial_out
from focus_site import Phone, Site

from c3p import (
    GetConference,
    ModifyConferenceLock,
)
from focus import CommandFailed, CommandSucceeded, JoinFailed, LeaveCause, Left


def locked_view(phone: Phone) -> bool | None:
    view = phone.roster.conference_view
    assert view is not None
    state = view.views[0].entity_state
    return state.locked if state is not None else None


def test_the_lock_goes_to_every_mcu_and_into_the_view_of_the_focus() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice)
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyConferenceLock)
    assert isinstance(request.command, ModifyConferenceLock)
    assert request.command.locked is True
    assert (locked_view(alice), locked_view(bob)) == (True, True)
    assert alice.node.last(CommandSucceeded).command == command
    alice.client.set_lock(False, now=site.net.now)
    site.net.run()
    assert locked_view(bob) is False


def test_a_lock_is_answered_after_thirty_seconds_even_if_an_mcu_is_silent() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    mcu.answers[ModifyConferenceLock] = lambda request: None
    command = alice.client.set_lock(True, now=site.net.now)
    site.net.run(29.0)
    assert all(one.command != command for one in alice.node.of(CommandSucceeded))
    site.net.run(2.0)
    assert alice.node.last(CommandSucceeded).command == command


def test_a_locked_conference_sends_attendees_into_the_lobby_until_a_presenter_lets_them_in() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    carol = site.joined(site.client("carol"), conference)
    user = alice.user("sip:carol@example.com")
    assert user is not None
    assert user.endpoints[0].status == "on-hold"
    assert [one.entity for one in carol.roster.users.users] == ["sip:carol@example.com"]  # type: ignore[union-attr]

    bob.client.leave(now=site.net.now)
    site.net.run()
    assert [one.entity for one in carol.roster.users.users] == ["sip:carol@example.com"]  # type: ignore[union-attr]
    assert carol.node.of(CommandFailed) == []
    carol.client.add_user("sip:carol@example.com", now=site.net.now)
    site.net.run()
    assert carol.node.last(CommandFailed).status == 403

    alice.client.set_lobby_access(["sip:carol@example.com"], granted=True, now=site.net.now)
    site.net.run()
    assert alice.node.of(CommandSucceeded)
    user = alice.user("sip:carol@example.com")
    assert user is not None
    assert user.endpoints[0].status == "connected"
    assert attrs.evolve(carol.roster, version=0) == attrs.evolve(alice.roster, version=0)


def test_a_user_who_is_denied_leaves_the_lobby_by_bye() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    carol = site.joined(site.client("carol"), conference)
    alice.client.set_lobby_access(["sip:carol@example.com"], granted=False, now=site.net.now)
    site.net.run()
    assert carol.node.last(Left).cause is LeaveCause.DISMISSED
    assert alice.user("sip:carol@example.com") is None


def test_in_the_lobby_getconference_shows_oneself_only() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    carol = site.joined(site.client("carol"), conference)
    carol.client.get_conference(now=site.net.now)
    alice.client.get_conference(now=site.net.now)
    site.net.run()

    def seen(phone: Phone) -> int:
        response = phone.node.last(CommandSucceeded).response
        assert response is not None
        assert isinstance(response.command, GetConference)
        assert response.command.conference_info is not None
        assert response.command.conference_info.users is not None
        return len(response.command.conference_info.users.users)

    assert (seen(carol), seen(alice)) == (1, 2)


def test_those_who_are_in_stay_in_when_it_is_locked_and_the_organizer_always_gets_in() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert bob.node.of(Left) == []
    laptop = site.joined(site.client("laptop", aor="sip:bob@example.com"), conference)
    phone = site.joined(site.client("desk", aor="sip:alice@example.com"), conference)
    assert laptop.roster.users == phone.roster.users


def test_while_locked_an_attendee_cannot_dial_out() -> None:
    site = Site(factory=attrs.evolve(Site().factory.config, attendee_dialout=True))
    site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert Sender(site, bob, conference).refused(dial_out(conference)) == (403, "3014")


def test_the_lock_can_change_who_is_admitted() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.client.set_lock(False, admission_policy="closedAuthenticated", now=site.net.now)
    site.net.run()
    assert alice.roster.description is not None
    assert alice.roster.description.admission_policy == "closedAuthenticated"
    carol = site.client("carol", lobby_capable=False)
    carol.client.join(conference, now=site.net.now)
    site.net.run()
    assert carol.node.last(JoinFailed).status == 403
