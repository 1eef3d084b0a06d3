"""Commands in the Focus dialog: the order of checks with their ErrorIds, ejection, roles, lock, lobby, mute."""

from __future__ import annotations

import attrs
import pytest
from focus_site import Phone, Site

from c3p import (
    AddUser,
    Code,
    Command,
    ConferenceKeys,
    DeleteConference,
    DeleteUser,
    Endpoint,
    EntityState,
    EntityView,
    ExchangeFailure,
    GetConference,
    JoiningMethod,
    MayModifyOwnFilters,
    Media,
    MediaFiltersRules,
    MediaKeys,
    ModifyConference,
    ModifyConferenceAnnouncements,
    ModifyConferenceLock,
    ModifyEndpoint,
    ModifyEndpointMedia,
    ModifyUserRoles,
    Notify,
    Reply,
    Request,
    Response,
    SetLobbyAccess,
    User,
    UserKeys,
    mcu_uri,
)
from focus import CommandFailed, CommandFinished, CommandSucceeded, ConferencePolicy, JoinFailed, LeaveCause, Left
from sip import Request as SipRequest
from sip import Response as SipResponse

PHONE = "sip:phone@example.org"
GUID = "{9E18DF61-D17F-E63A-19B4-CE30D96806FC}"
ELSEWHERE = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ELSEWHERE1"


def send(site: Site, phone: Phone, body: bytes, content_type: str = "application/cccp+xml") -> tuple[int, str | None]:
    """Send an INFO as it is; status and ErrorId of the answer."""
    session = phone.client._session
    assert session is not None
    phone.node.endpoint.request_in_session(session, "INFO", body=body, content_type=content_type, now=site.net.now)
    site.net.run()
    answer = [one for one in site.net.sent("focus") if isinstance(one, SipResponse) and one.cseq.method == "INFO"][-1]
    diagnostics = answer.headers.get("ms-diagnostics")
    return answer.status, diagnostics.partition(";")[0] if diagnostics is not None else None


class Sender:
    """Makes commands of one participant with fresh requestIds."""

    def __init__(self, site: Site, phone: Phone, conference: str) -> None:
        self.site, self.phone, self.conference = site, phone, conference
        self.number = 1_000

    def refused(self, command: Command, **envelope: object) -> tuple[int, str | None]:
        """Status and ErrorId of the answer to a command."""
        self.number += 1
        document = Request(
            request_id=str(self.number), from_=self.phone.client.config.aor, to=self.conference, command=command
        )
        return send(self.site, self.phone, bytes(attrs.evolve(document, **envelope)))


def dial_out(conference: str, *, mcu: str | None = "audio-video", user: str = PHONE, **endpoint: object) -> AddUser:
    target = mcu if mcu is None or mcu.startswith("sip:") else mcu_uri(conference, mcu)
    made = attrs.evolve(Endpoint(entity=GUID, joining_method=JoiningMethod.DIALED_OUT), **endpoint)
    return AddUser(
        mcu_uri=target,
        conference_keys=ConferenceKeys(conf_entity=conference),
        user=User(entity=user, endpoints=(made,)),
    )


def keys(conference: str, user: str = PHONE) -> UserKeys:
    return UserKeys(conf_entity=conference, user_entity=user)


def connected(site: Site, alice: Phone, user: str = PHONE) -> Endpoint:
    """A phone that is in the conference; its endpoint."""
    alice.client.add_user(user, now=site.net.now)
    site.net.run()
    site.mcu_factory.mcus[0].answer_call(user)
    found = alice.user(user)
    assert found is not None
    return next(one for one in found.endpoints if one.session_type == "audio-video")


# The order of checks -------------------------------------------------------------------------------------------------


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
        (attrs.evolve(good, user=User(entity=PHONE)), 400, "3007"),
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
        (ModifyConferenceLock(conference_keys=own), 400, "3006"),
        (SetLobbyAccess(conference_keys=own, user_entities=(PHONE,), access="granted"), 404, "3002"),
        (SetLobbyAccess(conference_keys=own, user_entities=(PHONE,), access="perhaps"), 400, "3006"),
        # 6: the organizer stays
        (DeleteUser(user_keys=keys(conference, "sip:alice@example.com")), 403, "3014"),
        (ModifyUserRoles(user_keys=keys(conference, "sip:alice@example.com"), roles=("attendee",)), 403, "3014"),
        # what there is not
        (ModifyEndpoint(), 501, "3004"),
        (ModifyConference(conference_info=alice.roster), 501, "3004"),
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
    assert send(site, alice, b"hello", "text/plain") == (400, "3006")
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


# Ejection ------------------------------------------------------------------------------------------------------------


def test_an_ejected_user_is_dismissed_everywhere_and_told_so() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    command = alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    assert len(mcu.commands(DeleteUser)) == 1
    assert bob.node.last(Left).cause is LeaveCause.DISMISSED
    mcu.boot("sip:bob@example.com")
    assert alice.user("sip:bob@example.com") is None
    assert alice.node.last(CommandSucceeded).command == command
    farewell = [
        one
        for one in site.net.sent("focus")
        if isinstance(one, SipRequest) and one.method == "BENOTIFY" and str(one.to.uri) == "sip:bob@example.com"
    ][-1]
    assert farewell.subscription_state is not None
    assert (farewell.subscription_state.state, farewell.subscription_state.reason) == ("terminated", "rejected")
    assert b'state="deleted"' in farewell.body


def test_an_ejected_user_may_come_back_unless_the_conference_is_locked() -> None:
    site = Site()
    conference, alice, (bob,) = site.meeting("bob")
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    site.net.run()
    site.joined(bob, conference)
    alice.client.delete_user("sip:bob@example.com", now=site.net.now)
    alice.client.set_lock(True, now=site.net.now)
    site.net.run()
    carol = site.client("carol", lobby_capable=False)
    carol.client.join(conference, now=site.net.now)
    site.net.run()
    assert carol.node.last(JoinFailed).status == 403


@pytest.mark.parametrize("outcome", [ExchangeFailure.TIMEOUT, ExchangeFailure.CONNECT])
def test_an_mcu_that_does_not_answer_to_an_ejection_does_not_fail_it(outcome: ExchangeFailure) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    mcu.answers[DeleteUser] = lambda request: outcome
    command = alice.client.delete_user(PHONE, now=site.net.now)
    site.net.run()
    assert alice.node.last(CommandSucceeded).command == command
    assert alice.user(PHONE) is None


def test_ejection_from_one_mcu_leaves_the_focus_dialog() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    bob.client.delete_user("sip:bob@example.com", mcu_type="audio-video", now=site.net.now)
    site.net.run()
    mcu.boot("sip:bob@example.com")
    assert bob.node.of(Left) == []
    user = alice.user("sip:bob@example.com")
    assert user is not None
    assert [one.session_type for one in user.endpoints] == ["focus"]


def test_mcus_drop_what_a_leaving_client_dialled_in() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    bob.client.dial_in(now=site.net.now)
    site.net.run()
    mcu.call("sip:bob@example.com", "connected", joining_method="dialed-in")
    mcu.result("sip:bob@example.com")
    bob.client.leave(now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(DeleteUser)
    assert request.originator is None
    assert alice.user("sip:bob@example.com") is not None
    mcu.hang_up("sip:bob@example.com")
    assert alice.user("sip:bob@example.com") is None


def test_a_phone_that_was_dialled_out_stays_when_its_user_leaves() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    bob.client.leave(now=site.net.now)
    site.net.run()
    assert mcu.commands(DeleteUser) == []
    assert alice.status("sip:bob@example.com") == "connected"


# Roles ---------------------------------------------------------------------------------------------------------------


def test_a_new_role_counts_at_once_and_reaches_the_mcus_of_the_user() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    connected(site, alice, "sip:bob@example.com")
    alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=site.net.now)
    site.net.run()
    assert len(mcu.commands(ModifyUserRoles)) == 1
    user = bob.user("sip:bob@example.com")
    assert user is not None
    assert user.roles == ("presenter",)
    bob.client.set_lock(True, now=site.net.now)
    site.net.run()
    assert bob.node.of(CommandFailed) == []


def test_a_role_without_an_mcu_is_answered_at_once() -> None:
    site = Site()
    _, alice, _ = site.meeting("bob")
    alice.client.modify_user_roles("sip:bob@example.com", "presenter", now=site.net.now)
    site.net.run()
    answers = [one for one in site.net.sent("focus") if isinstance(one, SipResponse) and one.cseq.method == "INFO"]
    assert (answers[-1].status, bool(answers[-1].body)) == (200, True)
    assert alice.node.of(CommandSucceeded)


def test_demotion_can_be_switched_off() -> None:
    site = Site(policy=ConferencePolicy(demotion=False))
    conference, alice, _ = site.meeting("bob")
    sender = Sender(site, alice, conference)
    command = ModifyUserRoles(user_keys=keys(conference, "sip:bob@example.com"), roles=("attendee",))
    assert sender.refused(command) == (501, "3004")


# Lock and lobby ------------------------------------------------------------------------------------------------------


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
    site.net.pass_time(29.0)
    assert all(one.command != command for one in alice.node.of(CommandSucceeded))
    site.net.pass_time(2.0)
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


# Mute ----------------------------------------------------------------------------------------------------------------


def test_a_presenter_mutes_a_phone_on_its_mcu() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    endpoint = connected(site, alice)
    command = alice.client.mute(PHONE, endpoint=endpoint.entity, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyEndpointMedia)
    assert isinstance(request.command, ModifyEndpointMedia)
    assert request.command.media is not None
    assert (request.command.media.status, request.command.media.ingress_filter) == ("recvonly", "block")
    media = Media(id="1", type="audio", label="main-audio", status="recvonly", ingress_filter="block")
    mcu.call(PHONE, "connected", media=(media,))
    user = bob.user(PHONE)
    assert user is not None
    assert user.endpoints[0].media == (media,)
    assert alice.node.last(CommandSucceeded).command == command


def test_an_attendee_mutes_itself_but_unmutes_only_where_the_rules_let_it() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, (bob,) = site.meeting("bob")
    endpoint = connected(site, alice, "sip:bob@example.com")

    def toggle(muted: bool) -> list[CommandFailed]:
        bob.client.mute("sip:bob@example.com", endpoint=endpoint.entity, muted=muted, now=site.net.now)
        site.net.run()
        return bob.node.of(CommandFailed)

    assert toggle(True) == []
    assert toggle(False) == []
    rules = MediaFiltersRules(may_modify_own_filters=(MayModifyOwnFilters(role="default", value=False),), type="audio")
    view = EntityView(entity=mcu.uri, state="full", entity_state=EntityState(media_filters_rules=rules))
    whole = mcu.document()
    assert whole.conference_view is not None
    mcu.version += 1
    shown = attrs.evolve(mcu.document(), conference_view=attrs.evolve(whole.conference_view, views=(view,)))
    mcu.post(Notify(notification_id=9, from_=mcu.uri, to=mcu.conference, conference_info=shown))
    assert toggle(True) == []
    (failed,) = toggle(False)
    assert failed.diagnostics is not None
    assert (failed.status, failed.diagnostics.error_id) == (403, 3014)


def test_mute_all_is_a_change_of_the_mcus_rules() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    connected(site, alice)
    command = alice.client.mute_all(True, may_unmute=False, now=site.net.now)
    site.net.run()
    (request,) = mcu.commands(ModifyConference)
    assert isinstance(request.command, ModifyConference)
    assert request.command.conference_info is not None
    assert request.command.conference_info.conference_view is not None
    (view,) = request.command.conference_info.conference_view.views
    assert view.entity_state is not None
    rules = view.entity_state.media_filters_rules
    assert rules is not None
    assert rules.initial_filters[0].ingress_filter == "block"
    assert rules.may_modify("attendee") is False
    assert alice.node.last(CommandSucceeded).command == command


def test_what_the_mcu_refuses_is_refused_to_the_client() -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    endpoint = connected(site, alice)
    mcu.answers[ModifyEndpointMedia] = _refusal
    alice.client.mute(PHONE, endpoint=endpoint.entity, now=site.net.now)
    site.net.run()
    failed = alice.node.last(CommandFailed)
    assert failed.response is not None
    assert failed.response.command_reason == "mediaDoesntExist"
    assert site.node.last(CommandFinished).specific_reason == "mediaDoesntExist"


def _refusal(request: Request) -> Reply:
    return Reply(200, request.respond(Code.FAILURE, reason="otherFailure", command_reason="mediaDoesntExist"))


def test_a_response_from_a_client_is_no_command() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    body = Response(
        request_id="1",
        from_="sip:alice@example.com",
        to=conference,
        code=Code.SUCCESS,
        command=GetConference(),
    )
    assert send(site, alice, bytes(body)) == (400, "3006")
