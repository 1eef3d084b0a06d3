"""Hold, keys, gains and announcements, from the client by the Focus to the MCU that carries them out."""

from __future__ import annotations

import attrs
import pytest
from commanding import PHONE, Sender, connected
from focus_site import Phone, Site

from c3p import (
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    EndpointKeys,
    EntityState,
    EntityView,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpoint,
    mcu_uri,
)
from focus import CommandFailed, CommandSucceeded


def test_a_presenter_has_keys_pressed_a_phone_held_and_gains_set() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    endpoint = connected(site, alice).entity
    client = alice.client
    sent = [
        client.send_dtmf(PHONE, "42#", endpoint=endpoint, now=site.net.now),
        client.hold(PHONE, endpoint=endpoint, now=site.net.now),
        client.hold(PHONE, endpoint=endpoint, holding=False, now=site.net.now),
        client.set_gains(PHONE, endpoint=endpoint, input_gain=200, now=site.net.now),
    ]
    site.net.run()
    commands = [request.command for request in mcu.commands(ModifyEndpoint)]
    assert all(isinstance(each, ModifyEndpoint) for each in commands)
    keys, held, taken_back, gains = commands
    assert keys.digits == "42#"  # type: ignore[attr-defined]
    assert (held.endpoint.status, taken_back.endpoint.status) == ("on-hold", "connected")  # type: ignore[attr-defined]
    assert (gains.input_gain, gains.output_gain) == (200, None)  # type: ignore[attr-defined]
    assert {each.command for each in alice.node.of(CommandSucceeded)} >= set(sent)


def test_an_attendee_may_do_so_to_its_own_phone_and_to_no_other() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob, carol) = site.meeting("bob", "carol")
    endpoint = connected(site, alice, "sip:bob@example.com").entity
    carol.client.send_dtmf("sip:bob@example.com", "1", endpoint=endpoint, now=site.net.now)
    site.net.run()
    assert carol.node.last(CommandFailed).status == 403
    assert mcu.commands(ModifyEndpoint) == []
    bob.client.send_dtmf("sip:bob@example.com", "1", endpoint=endpoint, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyEndpoint)
    assert (request.originator, request.originator_role) == ("sip:bob@example.com", "attendee")
    sender = Sender(site, alice, conference)
    right = ModifyEndpoint(
        mcu_uri=mcu_uri(conference, "audio-video"),
        endpoint_keys=EndpointKeys(conf_entity=conference, user_entity="sip:bob@example.com", endpoint_entity=endpoint),
        digits="1",
    )
    keys = right.endpoint_keys
    assert keys is not None
    for wrong, answer in (
        ({"endpoint_keys": None}, (404, "3012")),
        ({"mcu_uri": None}, (501, "3004")),
        ({"endpoint_keys": attrs.evolve(keys, user_entity="sip:nobody@example.com")}, (404, "3002")),
        ({"endpoint_keys": attrs.evolve(keys, endpoint_entity="{1}")}, (404, "3002")),
    ):
        assert sender.refused(attrs.evolve(right, **wrong)) == answer  # type: ignore[arg-type]
    assert sender.refused(right) == (202, None)


def test_announcements_are_switched_by_a_presenter_and_kept_for_the_next_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice)
    alice.client.set_announcements(True, now=site.net.now)
    site.net.run()
    assert len(mcu.commands(ModifyConferenceAnnouncements)) == 1
    assert mcu.state.entry_exit_announcements is not None
    bob.client.set_announcements(False, now=site.net.now)
    site.net.run()
    assert bob.node.last(CommandFailed).status == 403


def of_the_focus(conference: str, **state: object) -> ModifyConference:
    view = EntityView(entity=conference, state="partial", entity_state=EntityState(**state))  # type: ignore[arg-type]
    return ModifyConference(
        conference_info=ConferenceInfo(
            entity=conference, state="partial", conference_view=ConferenceView(state="partial", views=(view,))
        )
    )


def test_the_focus_is_locked_by_modify_conference_as_by_the_command_of_its_own() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    connected(site, alice)
    presenter, attendee = Sender(site, alice, conference), Sender(site, bob, conference)
    assert attendee.refused(of_the_focus(conference, locked=True)) == (403, "3014")
    assert presenter.refused(of_the_focus(conference, locked=True))[0] in (200, 202)
    (request,) = mcu.commands(ModifyConferenceLock)
    assert isinstance(request.command, ModifyConferenceLock)
    assert request.command.locked is True
    assert locks(alice) == [True]


def locks(phone: Phone) -> list[bool | None]:
    """What the roster says of the lock."""
    roster = phone.client.roster
    assert roster is not None
    assert roster.conference_view is not None
    views = roster.conference_view.views
    return [view.entity_state.locked for view in views if view.entity == roster.entity and view.entity_state]


def test_the_admission_policy_changes_and_the_lock_stays() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    presenter = Sender(site, alice, conference)
    presenter.refused(of_the_focus(conference, locked=True))
    info = ConferenceInfo(entity=conference, description=ConferenceDescription(admission_policy="closedAuthenticated"))
    assert presenter.refused(ModifyConference(conference_info=info))[0] in (200, 202)
    assert locks(alice) == [True]


@pytest.mark.parametrize("case", ["nothing", "another view", "more than the lock"])
def test_what_the_focus_does_not_have_cannot_be_changed(case: str) -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    presenter = Sender(site, alice, conference)
    if case == "nothing":
        assert presenter.refused(of_the_focus(conference)) == (501, "3004")
    elif case == "another view":
        wrong = of_the_focus(mcu_uri(conference, "audio-video"), locked=True)
        assert wrong.conference_info is not None
        right = attrs.evolve(wrong, conference_info=attrs.evolve(wrong.conference_info, entity=conference))
        assert presenter.refused(right) == (404, "3003")
    else:
        assert presenter.refused(of_the_focus(conference, locked=True, active=False)) == (501, "3004")
