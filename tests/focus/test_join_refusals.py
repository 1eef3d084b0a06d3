"""Joins that are refused, with their ErrorIds (C3P reference 7.1 and 8)."""

from __future__ import annotations

import attrs
import pytest
from calling import GUID, Caller, addressed, status_of, with_endpoint
from focus_site import Site

from c3p import (
    AddUser,
    Code,
    ConferenceKeys,
    EndorseUser,
)
from focus import (
    JoinFailed,
)
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
