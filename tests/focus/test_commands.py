"""Commands in the Focus dialog: the order of checks with their ErrorIds."""

from __future__ import annotations

import attrs
from commanding import ELSEWHERE, GUID, PHONE, Sender, connected, dial_out, keys, send
from focus_site import Site

from c3p import (
    AddUser,
    Command,
    ConferenceInfo,
    ConferenceKeys,
    ConferenceView,
    DeleteConference,
    DeleteUser,
    EndorseUser,
    EntityState,
    EntityView,
    GetConference,
    InitialFilters,
    Media,
    MediaFiltersRules,
    MediaKeys,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpoint,
    ModifyEndpointMedia,
    ModifyUserRoles,
    SetLobbyAccess,
    User,
    mcu_uri,
)
from focus import CommandFailed, CommandSucceeded


def mute_all(conference: str, *filters: InitialFilters) -> ModifyConference:
    av = mcu_uri(conference, "audio-video")
    state = EntityState(media_filters_rules=MediaFiltersRules(initial_filters=filters))
    views = ConferenceView(state="partial", views=(EntityView(entity=av, state="partial", entity_state=state),))
    info = ConferenceInfo(entity=conference, state="partial", conference_view=views)
    return ModifyConference(mcu_uri=av, conference_info=info)


def test_a_presenters_mistakes_are_answered_with_their_error_ids() -> None:
    site = Site()
    site.mcu()
    conference, alice, _ = site.meeting()
    sender = Sender(site, alice, conference)
    own = ConferenceKeys(conf_entity=conference)
    good = dial_out(conference)
    endpoint = connected(site, alice)
    media = MediaKeys(conf_entity=conference, user_entity=PHONE, endpoint_entity=endpoint.entity, media_id="1")
    av = mcu_uri(conference, "audio-video")

    def mute(media_keys: MediaKeys) -> ModifyEndpointMedia:
        return ModifyEndpointMedia(mcu_uri=av, media_keys=media_keys, media=Media(id="1", status="recvonly"))

    cases: list[tuple[Command, int, str]] = [
        # 3: the conference
        (dial_out(conference, mcu=av), 202, "-"),
        (attrs.evolve(good, conference_keys=ConferenceKeys(conf_entity=ELSEWHERE)), 404, "3003"),
        (attrs.evolve(good, conference_keys=ConferenceKeys(conf_entity="sip:alice@example.com")), 404, "3012"),
        (DeleteUser(user_keys=keys(ELSEWHERE)), 404, "3003"),
        (GetConference(), 404, "3012"),
        # 4: the MCU
        (dial_out(conference, mcu=None), 404, "3013"),
        (dial_out(conference, mcu="sip:elsewhere@example.com"), 404, "3013"),
        (dial_out(conference, mcu=mcu_uri(ELSEWHERE, "audio-video")), 404, "3013"),
        (dial_out(conference, mcu=conference), 400, "3005"),
        (dial_out(conference, mcu="chat"), 603, "3013"),
        (ModifyConferenceLock(conference_keys=own, locked=True, mcu_uri=av), 400, "3005"),
        (DeleteConference(conference_keys=own, mcu_uri=av), 400, "3005"),
        # 5: the target
        (dial_out(conference, user="mailto:phone@example.org"), 404, "3002"),
        (dial_out(conference, user="nobody"), 404, "3002"),
        (dial_out(conference, endpoint_uri="https://example.org/"), 404, "3002"),
        (dial_out(conference, entity="{x}"), 400, "3009"),
        (dial_out(conference, auth_method="enterprise"), 400, "3008"),
        (dial_out(conference, joining_method="focus-owner"), 400, "3007"),
        (dial_out(conference, joining_method=None), 400, "3007"),
        (attrs.evolve(good, user=attrs.evolve(good.user, endpoints=good.user.endpoints * 2)), 400, "3007"),
        (attrs.evolve(good, user=User(entity="mailto:phone@example.org")), 404, "3002"),
        (dial_out(conference, media=(Media(id="1", ingress_filter="Block"),)), 400, "3007"),
        (dial_out(conference, media=(Media(id="1", status="muted"),)), 400, "3007"),
        (attrs.evolve(good, user=attrs.evolve(good.user, roles=("emperor",))), 400, "3016"),
        (attrs.evolve(good, user=attrs.evolve(good.user, roles=("presenter", "attendee"))), 400, "3016"),
        (dial_out(conference, joining_method="dialed-in"), 404, "3002"),
        (DeleteUser(user_keys=keys(conference, "sip:nobody@example.com")), 404, "3002"),
        (ModifyUserRoles(user_keys=keys(conference, "sip:nobody@example.com"), roles=("attendee",)), 404, "3002"),
        (ModifyUserRoles(user_keys=keys(conference), roles=("emperor",)), 400, "3016"),
        (ModifyUserRoles(user_keys=keys(conference), roles=()), 400, "3016"),
        (mute(attrs.evolve(media, user_entity="sip:x@example.com")), 404, "3002"),
        (mute(attrs.evolve(media, endpoint_entity=GUID)), 404, "3002"),
        (mute(attrs.evolve(media, media_id="7")), 404, "3002"),
        (ModifyEndpointMedia(mcu_uri=av, media_keys=media), 400, "3006"),
        (ModifyEndpointMedia(mcu_uri=av, media_keys=media, media=Media(ingress_filter="Block")), 400, "3006"),
        (ModifyEndpointMedia(mcu_uri=av, media_keys=media, media=Media(egress_filter="BLOCK")), 400, "3006"),
        (ModifyEndpointMedia(mcu_uri=av, media_keys=media, media=Media(status="muted")), 400, "3006"),
        (mute_all(conference, InitialFilters(role="default", ingress_filter="BLOCK")), 400, "3006"),
        (ModifyConference(mcu_uri=av, conference_info=alice.roster), 400, "3005"),  # it says ``locked``
        (ModifyConferenceLock(conference_keys=own), 400, "3006"),
        (ModifyConferenceLock(conference_keys=own, locked=True, admission_policy="nobody"), 400, "3006"),
        (SetLobbyAccess(conference_keys=own, user_entities=(PHONE,), access="granted"), 404, "3002"),
        (SetLobbyAccess(conference_keys=own, user_entities=(PHONE,), access="perhaps"), 400, "3006"),
        # 6: the organizer stays
        (DeleteUser(user_keys=keys(conference, "sip:alice@example.com")), 403, "3014"),
        (ModifyUserRoles(user_keys=keys(conference, "sip:alice@example.com"), roles=("attendee",)), 403, "3014"),
        # what there is not
        (ModifyEndpoint(), 404, "3012"),
        (EndorseUser(conference_keys=own), 501, "3004"),
        (ModifyConference(conference_info=alice.roster), 404, "3003"),  # with the view of an MCU
    ]
    for command, status, error_id in cases:
        expected = (status, None if error_id == "-" else error_id)
        assert sender.refused(command) == expected, command


def test_an_attendees_attempts_are_answered_with_their_error_ids() -> None:
    site = Site()
    site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    endpoint = connected(site, alice)
    sender = Sender(site, bob, conference)
    own = ConferenceKeys(conf_entity=conference)
    av = mcu_uri(conference, "audio-video")
    media = MediaKeys(conf_entity=conference, user_entity=PHONE, endpoint_entity=endpoint.entity, media_id="1")
    cases: list[tuple[Command, int, str]] = [
        (dial_out(conference), 403, "3015"),
        (DeleteUser(user_keys=keys(conference)), 403, "3014"),
        (ModifyUserRoles(user_keys=keys(conference), roles=("presenter",)), 403, "3014"),
        (ModifyConferenceLock(conference_keys=own, locked=True), 403, "3014"),
        (ModifyEndpointMedia(mcu_uri=av, media_keys=media, media=Media(id="1", status="recvonly")), 403, "3014"),
        (ModifyConference(mcu_uri=av, conference_info=alice.roster), 403, "3014"),
        (ModifyConferenceAnnouncements(mcu_uri=av, conference_keys=own, enabled=False), 403, "3014"),
        (DeleteConference(conference_keys=own), 403, "3014"),
    ]
    for command, status, error_id in cases:
        assert sender.refused(command) == (status, error_id), command


def test_what_cannot_be_read_is_400_and_what_nobody_knows_501() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    two = (
        f"<request xmlns='urn:ietf:params:xml:ns:cccp' requestId='5' from='sip:alice@example.com' to='{conference}'>"
        "<getConferences/><getConferences/></request>"
    ).encode()
    unknown = two.replace(b"<getConferences/><getConferences/>", b"<playPrompt/>")
    assert send(site, alice, b"<request") == (400, "3006")
    assert send(site, alice, b"", "application/cccp+xml") == (400, "3006")
    assert send(site, alice, b"hello", "text/plain") == (415, "3006")
    assert send(site, alice, bytes(alice.roster)) == (400, "3006")
    assert send(site, alice, two) == (400, "3006")
    assert send(site, alice, unknown) == (501, "3004")


def test_from_and_to_are_checked_before_the_command() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    sender = Sender(site, alice, conference)
    command = DeleteConference(conference_keys=ConferenceKeys(conf_entity=conference))
    assert sender.refused(command, from_="sip:mallory@example.com") == (403, "3000")
    assert sender.refused(command, to=ELSEWHERE) == (400, "3001")
    assert site.focus.conferences == (conference,)


def test_spelling_of_the_organizer_does_not_matter() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    loud = conference.replace("sip:alice@example.com", "sip:ALICE@EXAMPLE.COM")
    sender = Sender(site, alice, loud)
    command = ModifyConferenceLock(conference_keys=ConferenceKeys(conf_entity=loud), locked=True)
    assert sender.refused(command, from_="sip:Alice@Example.COM")[0] == 200


def test_dial_out_is_for_audio_video_and_chat_only() -> None:
    site = Site(factory=attrs.evolve(Site().factory.config, mcu_types=("audio-video", "data-conf")))
    conference, alice, _ = site.meeting(mcu_types=("audio-video", "data-conf"))
    assert Sender(site, alice, conference).refused(dial_out(conference, mcu="data-conf")) == (400, "3005")


def test_an_attendee_may_have_its_own_phone_called() -> None:
    site = Site()
    site.mcu()
    _, _, (bob,) = site.meeting("bob")
    bob.client.add_user("sip:bob@example.com", endpoint_uri="tel:+15551234", now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandFailed) == []


def test_an_attendee_cannot_make_its_guest_a_presenter() -> None:
    site = Site(factory=attrs.evolve(Site().factory.config, attendee_dialout=True))
    mcu = site.mcu()
    _, _, (bob,) = site.meeting("bob")
    bob.client.add_user(PHONE, role="presenter", now=site.net.now)
    site.net.run()
    command = mcu.commands(AddUser)[0].command
    assert isinstance(command, AddUser)
    assert command.user.roles == ("attendee",)


def test_dial_in_announces_oneself_and_brings_connection_info() -> None:
    site = Site()
    mcu = site.mcu()
    _, _, (bob,) = site.meeting("bob")
    bob.client.dial_in(now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(AddUser)
    assert isinstance(request.command, AddUser)
    assert request.command.joining_method == "dialed-in"
    assert request.command.user.endpoints[0].auth_method == "enterprise"
    mcu.result("sip:bob@example.com")
    assert bob.node.last(CommandSucceeded).response is not None


def test_an_endpoint_of_the_focus_is_not_one_to_be_dialled() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, (bob,) = site.meeting("bob")
    user = bob.client.config.aor
    (own,) = next(one for one in site.focus.roster(conference).users.users if one.entity == user).endpoints  # type: ignore[union-attr]
    refused = Sender(site, alice, conference).refused(dial_out(conference, user=user, entity=own.entity))
    assert refused == (400, "3009")
    announced = dial_out(conference, user=user, entity=own.entity, joining_method="dialed-in")
    assert Sender(site, bob, conference).refused(announced) == (400, "3009")  # nor one to come by
    assert mcu.requests == []


def test_a_dial_out_without_endpoint_reaches_the_mcu_which_gives_it_a_name() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    sender = Sender(site, alice, conference)
    command = attrs.evolve(dial_out(conference), user=User(entity=PHONE, display_text="Phone"))
    assert sender.refused(command) == (202, None)
    (relayed,) = mcu.commands(AddUser)
    assert isinstance(relayed.command, AddUser)
    (endpoint,) = relayed.command.user.endpoints
    assert (endpoint.entity, endpoint.joining_method, endpoint.auth_method) == ("", "dialed-out", "anonymous")
    assert relayed.command.user.roles == ("attendee",)
