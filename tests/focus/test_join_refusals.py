"""Joins that are refused, with their ErrorIds."""

from __future__ import annotations

import attrs
import pytest
from calling import GUID, Caller, addressed, status_of, with_endpoint
from focus_site import Site

import sip
from c3p import (
    AddUser,
    Code,
    ConferenceKeys,
    EndorseUser,
)
from focus import FactoryConfig, Focus, FocusConfig, FocusFactory, JoinFailed, MemoryStore
from sip import Response as SipResponse


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
    site.node.take(site.node.endpoint.receive_data(data, flow=back, now=site.net.now))
    site.net.run()
    answer = [one for one in site.net.messages("focus") if isinstance(one, SipResponse) and one.status >= 200][-1]
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


SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (SDP, "application/sdp", 415),
        (b"--x\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"--x--\r\n", "multipart/mixed;boundary=x", 415),
        (b"", None, 400),
    ],
    ids=["sdp", "several parts", "no body"],
)
def test_a_phone_that_calls_a_conference_is_told_what_the_address_is(
    body: bytes, content_type: str | None, status: int
) -> None:
    site = Site()
    conference, _, _ = site.meeting()
    caller = Caller(site)
    answer = caller.refused(conference, body, content_type=content_type)
    assert answer.status == status
    warning = answer.headers.get("Warning") or ""
    assert warning.startswith('399 focus.example.com "This is the address of a conference')
    assert "ask a presenter to add your phone" in warning
    diagnostics = sip.MsDiagnostics.parse(answer.headers.get("ms-diagnostics") or "")
    assert diagnostics.error_id == 3006
    assert f'"{diagnostics.reason}"' in warning
    assert answer.headers.get("Accept") == ("application/cccp+xml" if status == 415 else None)


@pytest.mark.parametrize(
    ("config", "host", "expected"),
    [
        ({}, "192.0.2.33", "192.0.2.33"),
        ({}, "0.0.0.0", "example.com"),
        ({"server": "conf-7.example.net"}, "192.0.2.33", "conf-7.example.net"),
    ],
)
def test_diagnostics_name_the_element_itself(config: dict[str, str], host: str, expected: str) -> None:
    endpoint = sip.Endpoint(
        sip.EndpointConfig(listen=(sip.Listen("UDP", host, 5060),)), entropy=sip.SeededEntropy(b"name")
    )
    store, entropy = MemoryStore(), sip.SeededEntropy(b"focus")
    focus = Focus(endpoint, FocusConfig(domain="example.com", **config), store=store, entropy=entropy)
    factory = FocusFactory(endpoint, FactoryConfig(domain="example.com", **config), store=store, entropy=entropy)
    pump = sip.Pump(endpoint, [focus, factory])
    flow = sip.Flow(1, "UDP", sip.Address(host, 5060), sip.Address("192.0.2.99", 5060))
    for number, (method, opaque) in enumerate((("INVITE", "focus:id:NOBODY"), ("SERVICE", "focusfactory"))):
        uri = f"sip:alice@example.com;gruu;opaque=app:conf:{opaque}"
        request = (
            f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK{number}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:bob@example.org>;tag=1\r\nTo: <{uri}>\r\nCall-ID: {number}\r\nCSeq: 1 {method}\r\n"
            "Contact: <sip:bob@192.0.2.99>\r\nContent-Length: 0\r\n\r\n"
        )
        pump.receive_data(request.encode(), flow=flow, now=0.0)
        answers = [sip.parse_message(one.data) for one in pump.data_to_send()]
        diagnosed = [text for one in answers if (text := one.headers.get("ms-diagnostics")) is not None]
        assert [sip.MsDiagnostics.parse(text).source for text in diagnosed] == [expected]
