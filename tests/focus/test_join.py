"""Joining, rejoining, leaving, subscribing (conferencing-flows 2 and 3), and the ErrorIds of refusals."""

from __future__ import annotations

import attrs
import pytest
from focus_site import RECORDS_URL, Phone, RawPeer, Site

from c3p import (
    AddUser,
    Code,
    ConferenceKeys,
    EndorseUser,
    Endpoint,
    ExchangeFailure,
    GetConference,
    Reply,
    Response,
    User,
    parse_document,
)
from c3p import Request as Command
from focus import (
    ConferenceActivated,
    ConferenceEnded,
    EndReason,
    JoinFailed,
    LeaveCause,
    Left,
    ParticipantJoined,
    ParticipantLeft,
    SubscriptionLost,
)
from sip import Claim, NameAddr, Request, SessionAnswered, SessionFailed, SessionId
from sip import Response as SipResponse

GUID = "{9E18DF61-D17F-E63A-19B4-CE30D96806FC}"


class Caller:
    """A bare SIP element that sends what it is told to."""

    def __init__(self, site: Site, name: str = "carol") -> None:
        self.site = site
        self.phone = site.client(name)
        self.aor = f"sip:{name}@example.com"
        self.node = self.phone.node
        self.node.endpoint.add_core(
            "raw",
            lambda request, flow: False,
            claim=Claim.ELEMENT,
            methods=("INVITE", "BYE", "INFO", "NOTIFY", "BENOTIFY"),
        )

    def document(self, conference: str, **changes: object) -> Command:
        endpoint = Endpoint(entity=GUID)
        user = User(entity=self.aor, roles=("attendee",), endpoints=(endpoint,))
        command = AddUser(conference_keys=ConferenceKeys(conf_entity=conference), user=user)
        return attrs.evolve(Command(request_id="0", from_=self.aor, to=conference, command=command), **changes)

    def invite(
        self, conference: str, body: bytes, *, headers: tuple[tuple[str, str], ...] = (), **more: object
    ) -> SessionId:
        settings: dict[str, object] = {"content_type": "application/cccp+xml", "session_expires": 1200, **more}
        session = self.node.endpoint.invite(
            "raw",
            conference,
            from_=NameAddr(self.aor),
            to=NameAddr(conference),
            body=body,
            headers=headers,
            route=self.phone.client._route(),
            now=self.site.net.now,
            **settings,  # type: ignore[arg-type]
        )
        self.site.net.run()
        return session

    def refusal(self, conference: str, body: bytes, **more: object) -> tuple[int, str | None, Response | None]:
        """Status, ErrorId and C3P body of the refusal of a join."""
        self.invite(conference, body, **more)  # type: ignore[arg-type]
        response = self.node.last(SessionFailed).response
        assert response is not None
        return status_of(response)


def status_of(response: SipResponse) -> tuple[int, str | None, Response | None]:
    diagnostics = response.headers.get("ms-diagnostics")
    body = parse_document(response.body) if response.body else None
    assert body is None or isinstance(body, Response)
    return response.status, diagnostics.partition(";")[0] if diagnostics is not None else None, body


def addressed(command: Command, **changes: object) -> Command:
    """The addUser of a join with another user or another endpoint."""
    add_user = command.command
    assert isinstance(add_user, AddUser)
    return attrs.evolve(command, command=attrs.evolve(add_user, **changes))


def with_endpoint(command: Command, **changes: object) -> Command:
    add_user = command.command
    assert isinstance(add_user, AddUser)
    endpoint = attrs.evolve(add_user.user.endpoints[0], **changes)
    return addressed(command, user=attrs.evolve(add_user.user, endpoints=(endpoint,)))


# Joining -------------------------------------------------------------------------------------------------------------


def test_the_answer_to_a_join_has_the_role_granted_and_the_conference_as_contact() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)))
    response = caller.node.last(SessionAnswered).response
    contact = response.contact[0]
    assert isinstance(contact, NameAddr)
    assert (str(contact.uri), "isfocus" in contact.params) == (conference, True)
    assert response.session_expires is not None
    assert "timer" in response.require
    assert str(response.to.uri) == conference
    document = parse_document(response.body)
    assert isinstance(document, Response)
    assert isinstance(document.command, AddUser)
    assert (document.code, document.request_id, document.from_, document.to) == (
        Code.SUCCESS,
        "0",
        conference,
        caller.aor,
    )
    assert document.command.user.roles == ("attendee",)
    assert document.command.user.endpoints == ()


def test_an_endpoint_that_acts_for_somebody_is_echoed() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    body = bytes(with_endpoint(caller.document(conference), session_on_behalf_of="sip:boss@example.com"))
    caller.invite(conference, body)
    document = parse_document(caller.node.last(SessionAnswered).response.body)
    assert isinstance(document, Response)
    assert isinstance(document.command, AddUser)
    assert document.command.user.endpoints[0].session_on_behalf_of == "sip:boss@example.com"


def test_the_first_participant_activates_and_the_last_one_deactivates() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    assert site.node.of(ConferenceActivated)
    alice.client.leave(now=site.net.now)
    site.net.run()
    assert site.node.last(ConferenceEnded).reason is EndReason.EMPTY
    assert site.focus.conferences == ()
    assert site.focus.next_timeout() is None
    assert site.node.last(ParticipantLeft).cause == "bye received"
    site.joined(alice, conference)
    assert site.focus.conferences == (conference,)


def test_everybody_is_told_of_somebody_who_joins_and_leaves() -> None:
    site = Site()
    _conference, alice, (bob,) = site.meeting("bob")
    assert alice.user("sip:bob@example.com") is not None
    bob.client.leave(now=site.net.now)
    site.net.run()
    assert bob.node.last(Left).cause is LeaveCause.LEFT
    assert alice.user("sip:bob@example.com") is None
    assert alice.roster.users is not None
    assert alice.roster.users.participant_count == 1


def test_the_focus_endpoint_shows_status_and_client_info_only() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    user = alice.user("sip:alice@example.com")
    assert user is not None
    (endpoint,) = user.endpoints
    assert (endpoint.session_type, endpoint.status, endpoint.joining_method) == ("focus", "connected", None)
    assert endpoint.client_info is not None


def test_a_second_device_of_a_user_is_a_second_endpoint_of_it() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    other = site.client("laptop", aor="sip:alice@example.com")
    site.joined(other, conference)
    user = alice.user("sip:alice@example.com")
    assert user is not None
    assert len(user.endpoints) == 2
    other.client.leave(now=site.net.now)
    site.net.run()
    user = alice.user("sip:alice@example.com")
    assert user is not None
    assert len(user.endpoints) == 1


def test_a_rejoin_with_the_same_endpoint_takes_the_place_of_the_old_dialog() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    first = caller.invite(conference, bytes(caller.document(conference)))
    second = caller.invite(conference, bytes(caller.document(conference)))
    user = alice.user(caller.aor)
    assert user is not None
    assert len(user.endpoints) == 1
    assert first != second
    assert site.node.last(ParticipantLeft).cause == "replaced"


def test_a_refresh_of_the_session_timer_keeps_the_dialog_and_a_missing_one_ends_it() -> None:
    site = Site()
    _, alice, (bob,) = site.meeting("bob")
    site.net.pass_time(5_000.0)
    assert alice.user("sip:bob@example.com") is not None
    site.net.lost = lambda sender, data: sender == "bob"
    site.net.pass_time(1_300.0)
    assert alice.user("sip:bob@example.com") is None
    assert site.node.last(ParticipantLeft).user == "sip:bob@example.com"
    assert bob.client.state.value in ("joined", "out")


def test_a_broken_connection_leaves_time_to_come_back() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)), session_expires=None)
    flow = next(flow for flow in list(site.net.peers_of(caller.node)))
    site.net.unreachable(caller.node)
    site.net.close(flow)
    assert alice.user(caller.aor) is not None
    site.net.pass_time(site.focus.config.flow_loss_grace + 1)
    assert alice.user(caller.aor) is None
    assert site.node.last(ParticipantLeft).cause == "connection lost"


def test_a_rejoin_after_a_broken_connection_removes_the_old_endpoint_at_once() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    caller.invite(conference, bytes(caller.document(conference)), session_expires=None)
    site.net.close(next(iter(site.net.peers_of(caller.node))))
    other = "{00000000-D17F-E63A-19B4-CE30D96806FC}"
    caller.invite(conference, bytes(with_endpoint(caller.document(conference), entity=other)), session_expires=None)
    user = alice.user(caller.aor)
    assert user is not None
    assert [one.entity for one in user.endpoints] == [other]


# Refusals ------------------------------------------------------------------------------------------------------------


def test_refusals_of_a_join_carry_their_error_ids() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    good = caller.document(conference)
    other = conference.replace("id:", "id:FFFF")
    endorse = EndorseUser(conference_keys=ConferenceKeys(conf_entity=conference))
    add_user = good.command
    assert isinstance(add_user, AddUser)
    cases: list[tuple[bytes, int, str]] = [
        (b"<request", 400, "3006"),
        (b"", 400, "3006"),
        (b"<request xmlns='urn:ietf:params:xml:ns:cccp' requestId='1' from='a' to='b'><dance/></request>", 501, "3004"),
        (bytes(attrs.evolve(good, command=endorse)), 501, "3004"),
        (bytes(attrs.evolve(good, from_="sip:mallory@example.com")), 403, "3000"),
        (bytes(attrs.evolve(good, to=other)), 400, "3001"),
        (bytes(addressed(good, conference_keys=ConferenceKeys(conf_entity=other))), 404, "3003"),
        (bytes(addressed(good, conference_keys=ConferenceKeys(conf_entity="sip:x@example.com"))), 404, "3012"),
        (bytes(addressed(good, mcu_uri=conference.replace("focus", "audio-video"))), 400, "3005"),
        (bytes(addressed(good, user=attrs.evolve(add_user.user, entity="sip:mallory@example.com"))), 400, "3007"),
        (bytes(addressed(good, user=attrs.evolve(add_user.user, endpoints=()))), 400, "3007"),
        (bytes(with_endpoint(good, auth_method="enterprise")), 400, "3008"),
        (bytes(with_endpoint(good, entity="{not-a-guid}")), 400, "3009"),
        (bytes(addressed(good, user=attrs.evolve(add_user.user, roles=("emperor",)))), 400, "3016"),
    ]
    for body, status, error_id in cases:
        found = caller.refusal(conference, body)
        assert found[:2] == (status, error_id), body


def test_a_refusal_repeats_the_command_as_a_c3p_failure_when_it_could_be_read() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    _, _, body = caller.refusal(conference, bytes(attrs.evolve(caller.document(conference), from_="sip:m@example.com")))
    assert body is not None
    assert (body.code, body.reason, body.request_id) == (Code.FAILURE, "unauthorized", "0")


def test_an_unknown_conference_is_404_with_3012() -> None:
    site = Site()
    caller = Caller(site)
    unknown = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:NOSUCHONE"
    assert caller.refusal(unknown, bytes(caller.document(unknown)))[:2] == (404, "3012")


def test_somebody_who_is_not_admitted_is_403_with_3014() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice, admission_policy="closedAuthenticated")
    caller = Caller(site)
    assert caller.refusal(conference, bytes(caller.document(conference)))[:2] == (403, "3014")
    assert site.focus.conferences == ()
    assert site.focus.next_timeout() is None


def test_a_missing_session_timer_is_421_with_3010_only_where_the_policy_demands_one() -> None:
    site = Site(require_session_timer=True)
    conference, _, _ = site.meeting()
    caller = Caller(site)
    body = bytes(caller.document(conference))
    data = (
        f"INVITE {conference} SIP/2.0\r\nVia: SIP/2.0/tcp 192.0.2.99:5060\r\nMax-Forwards: 70\r\n"
        f"From: <{caller.aor}>;tag=1\r\nTo: <{conference}>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
        f"Contact: <{caller.aor}>\r\nContent-Type: application/cccp+xml\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    _, back = site.net.pair(caller.node, site.node, "TCP")
    site.node.take(site.node.pump.receive_data(data, flow=back, now=site.net.now))
    site.net.run()
    answer = [one for one in site.net.sent("focus") if isinstance(one, SipResponse) and one.status >= 200][-1]
    assert status_of(answer)[:2] == (421, "3010")
    assert answer.require == ("timer",)


def test_a_full_conference_or_focus_is_503() -> None:
    site = Site(max_users=1, max_conferences=1)
    conference, _, _ = site.meeting()
    caller = Caller(site)
    assert caller.refusal(conference, bytes(caller.document(conference)))[0] == 503
    other = site.created(caller.phone)
    assert caller.refusal(other, bytes(caller.document(other)))[0] == 503


def test_a_user_with_too_many_devices_is_503() -> None:
    site = Site(max_endpoints_per_user=1)
    conference, _, _ = site.meeting()
    second = site.client("laptop", aor="sip:alice@example.com")
    second.client.join(conference, now=site.net.now)
    site.net.run()
    assert second.node.last(JoinFailed).status == 503


def test_a_guid_that_is_an_mcu_endpoint_already_is_3009() -> None:
    site = Site()
    mcu = site.mcu()
    conference, alice, _ = site.meeting()
    caller = Caller(site)
    alice.client.add_user(caller.aor, now=site.net.now)
    site.net.run()
    mcu.call(caller.aor, "connected", entity=GUID)
    assert caller.refusal(conference, bytes(caller.document(conference)))[:2] == (400, "3009")


@pytest.mark.parametrize(
    ("mcu_type", "joined", "status", "error_id"),
    [
        ("audio-video", False, 403, "3014"),
        ("chat", True, 404, "3013"),
        ("audio-video", True, 501, "3004"),
    ],
)
def test_a_media_invite_is_refused_with_the_reason(mcu_type: str, joined: bool, status: int, error_id: str) -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    if joined:
        caller.invite(conference, bytes(caller.document(conference)))
    media = conference.replace(":focus:", f":{mcu_type}:")
    assert caller.refusal(media, b"v=0\r\n", content_type="application/sdp")[:2] == (status, error_id)


def test_a_media_invite_to_a_conference_that_is_not_active_is_404() -> None:
    site = Site()
    caller = Caller(site)
    media = "sip:alice@example.com;gruu;opaque=app:conf:audio-video:id:NOSUCHONE"
    assert caller.refusal(media, b"v=0\r\n", content_type="application/sdp")[:2] == (404, "3012")


# Records elsewhere ---------------------------------------------------------------------------------------------------


def split_site() -> tuple[Site, Site, str]:
    """A Focus with a store of its own, and another site whose Focus Factory has the record."""
    elsewhere = Site(factory=attrs.evolve(Site().factory.config, record_readers=frozenset({"focus-1"})))
    conference = elsewhere.created(elsewhere.client("alice"))
    return Site(records_url=RECORDS_URL), elsewhere, conference


def test_a_focus_asks_a_focus_factory_elsewhere_for_the_record() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: elsewhere.factory.receive_c3p(request, peer="focus-1", now=0.0)
    alice = site.client("alice")
    site.joined(alice, conference)
    assert alice.client.role == "presenter"
    assert isinstance(site.net.exchanges[0].document, Command)
    assert isinstance(site.net.exchanges[0].document.command, GetConference)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(ExchangeFailure.CONNECT, 503), (ExchangeFailure.TIMEOUT, 503), (Reply(403), 503)],
)
def test_a_focus_factory_that_does_not_answer_is_503(outcome: Reply | ExchangeFailure, status: int) -> None:
    site, _, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: outcome
    alice = site.client("alice")
    alice.client.join(conference, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == status


def test_a_record_that_is_nowhere_is_404() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: elsewhere.factory.receive_c3p(request, peer="focus-1", now=0.0)
    alice = site.client("alice")
    alice.client.join(conference + "X", now=site.net.now)
    site.net.run()
    failed = alice.node.last(JoinFailed)
    assert failed.status == 404
    assert failed.diagnostics is not None
    assert failed.diagnostics.error_id == 3012


def test_a_caller_who_gives_up_while_the_record_is_fetched_is_forgotten() -> None:
    site, elsewhere, conference = split_site()
    site.net.services[RECORDS_URL] = lambda request: None
    alice = site.client("alice")
    alice.client.join(conference, now=site.net.now)
    site.net.pass_time(0.5)
    alice.client.leave(now=site.net.now)
    site.net.run()
    (focus, node, exchange) = site.net.held[0]
    assert isinstance(exchange.document, Command)
    reply = elsewhere.factory.receive_c3p(exchange.document, peer="focus-1", now=0.0)
    site.net.answer(focus, node, exchange, reply)
    site.net.run()
    assert site.focus.conferences == ()
    assert alice.node.of(JoinFailed)


# Subscribing ---------------------------------------------------------------------------------------------------------


def subscribe_refusal(phone: Phone, site: Site, conference: str, **more: object) -> int | None:
    phone.client._watch.start(
        conference, me=NameAddr(phone.client.config.aor), route=phone.client._route(), now=site.net.now
    )
    site.net.run()
    return phone.node.last(SubscriptionLost).status


def test_only_those_who_joined_may_subscribe() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    assert subscribe_refusal(site.client("carol"), site, conference) == 403


def test_a_subscription_to_an_unknown_conference_is_404_and_to_one_that_is_not_active_403() -> None:
    site = Site()
    alice = site.client("alice")
    conference = site.created(alice)
    assert subscribe_refusal(alice, site, conference) == 403
    assert subscribe_refusal(alice, site, conference + "X") == 404


def test_the_first_document_is_whole_and_names_the_mcus() -> None:
    site = Site()
    conference, alice, _ = site.meeting(subject="Budget")
    description = alice.roster.description
    assert description is not None
    assert description.subject == "Budget"
    assert [(one.purpose, one.uri) for one in description.conf_uris] == [
        ("audio-video", conference.replace(":focus:", ":audio-video:"))
    ]
    assert description.organizer is not None
    assert description.organizer.entity == "sip:alice@example.com"


def test_a_refresh_is_answered_with_the_whole_state() -> None:
    site = Site()
    _, alice, _ = site.meeting()
    before = alice.roster.version
    assert before is not None
    subscription = alice.client._watch._subscription
    assert subscription is not None
    alice.node.endpoint.refresh(subscription, now=site.net.now)
    site.net.run()
    assert alice.roster.version == before + 1
    assert len(site.focus._subscriptions) == 1


def test_unsubscribing_ends_the_documents_but_not_the_stay() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.client.unsubscribe(now=site.net.now)
    site.net.pass_time(0.0)
    assert site.focus._subscriptions == {}
    site.joined(site.client("bob"), conference)
    assert alice.user("sip:bob@example.com") is None
    alice.client.subscribe(now=site.net.now)
    site.net.run()
    assert alice.user("sip:bob@example.com") is not None


def test_a_subscription_ends_with_the_stay_of_its_user() -> None:
    site = Site()
    _conference, _alice, (bob,) = site.meeting("bob")
    bob.node.endpoint.bye(bob.client._session, now=site.net.now)  # type: ignore[arg-type]
    site.net.run()
    assert len(site.focus._subscriptions) == 1


def test_a_duration_below_the_minimum_is_423() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    subscription = alice.node.endpoint.subscribe(
        "client",
        conference,
        event="conference",
        from_=NameAddr("sip:alice@example.com"),
        to=NameAddr(conference),
        expires=10,
        route=alice.client._route(),
        now=site.net.now,
    )
    site.net.run()
    answers = [one for one in site.net.sent("focus") if isinstance(one, SipResponse) and one.cseq.method == "SUBSCRIBE"]
    assert subscription
    assert any(one.status == 423 and one.min_expires == 60 for one in answers)


def test_another_event_package_is_489() -> None:
    site = Site()
    conference, alice, _ = site.meeting()
    alice.node.endpoint.subscribe(
        "client",
        conference,
        event="presence",
        from_=NameAddr("sip:alice@example.com"),
        to=NameAddr(conference),
        route=alice.client._route(),
        now=site.net.now,
    )
    site.net.run()
    answers = [one for one in site.net.sent("focus") if isinstance(one, SipResponse) and one.cseq.method == "SUBSCRIBE"]
    assert answers[-1].status == 489


def test_over_udp_only_the_host_that_joined_is_sent_rosters() -> None:
    site = Site()
    conference, _, _ = site.meeting()
    site.joined(site.client("bob", transport="UDP"), conference)
    stranger = site.client("mallory", aor="sip:bob@example.com", transport="UDP")
    assert subscribe_refusal(stranger, site, conference) == 403


def test_over_udp_notifications_are_answered_ones() -> None:
    site = Site()
    conference, _alice, _ = site.meeting()
    bob = site.joined(site.client("bob", transport="UDP"), conference)
    site.joined(site.client("carol"), conference)
    assert bob.user("sip:carol@example.com") is not None
    methods = {
        one.method: str(one.to.uri)
        for one in site.net.sent("focus")
        if isinstance(one, Request) and "NOTIFY" in one.method
    }
    assert methods["NOTIFY"] == "sip:bob@example.com"
    assert methods["BENOTIFY"] != "sip:bob@example.com"


def test_a_subscription_whose_last_notification_is_not_answered_does_not_hold_up_the_others() -> None:
    site = Site(subscription_expires=100)
    conference, alice, _ = site.meeting()
    mute = RawPeer(site)
    mute.send(
        f"""INVITE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK1
        Max-Forwards: 70
        From: <sip:mute@example.com>;tag=1
        To: <{conference}>
        Call-ID: mute
        CSeq: 1 INVITE
        Contact: <sip:mute@192.0.2.77>
        Content-Type: application/cccp+xml""",
        bytes(Caller(site, "mute").document(conference)),
    )
    mute.send(
        f"""SUBSCRIBE {conference} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bK2
        Max-Forwards: 70
        From: <sip:mute@example.com>;tag=2
        To: <{conference}>
        Call-ID: mute-2
        CSeq: 1 SUBSCRIBE
        Contact: <sip:mute@192.0.2.77>
        Event: conference
        Supported: ms-piggyback-first-notify"""
    )
    assert len(site.focus._subscriptions) == 2
    site.net.pass_time(101.0)
    site.joined(site.client("carol"), conference)
    assert alice.user("sip:carol@example.com") is not None


def test_events_for_the_application_tell_who_came() -> None:
    site = Site()
    site.meeting("bob")
    assert [(one.user, one.role) for one in site.node.of(ParticipantJoined)] == [
        ("sip:alice@example.com", "presenter"),
        ("sip:bob@example.com", "attendee"),
    ]
