"""Whatever a peer sends, nothing raises out of a machine, and no other conference notices."""

from __future__ import annotations

import random

import attrs
import pytest
from focus_site import RECORDS_URL, FakeMcu, RawPeer, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pidgin_peer import CCCP, CONF, GUID, ME, VIA, Pidgin

from c3p import (
    AddUser,
    C3PError,
    Code,
    ConferenceDescription,
    ConferenceInfo,
    ConferenceView,
    EntityView,
    GetConference,
    Notify,
    Organizer,
    Reply,
    Request,
    Response,
    State,
    User,
    parse_document,
)
from focus import JoinFailed
from sip import Address
from sip import Request as SipRequest
from sip import Response as SipResponse

JOIN = (
    f'<request {CCCP} to="{CONF}" from="{ME}" requestId="0"><addUser><conferenceKeys confEntity="{CONF}"/><ci:user '
    f'xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity="{ME}"><ci:endpoint entity="{GUID}"/></ci:user>'
    "</addUser></request>"
).encode()


def prepared() -> tuple[Site, Pidgin]:
    site = Site()
    peer = Pidgin(site)
    peer.create()
    return site, peer


def outside(peer: Pidgin, method: str, body: bytes = b"", more: str = "", sender: str = f"<{ME}>") -> bytes:
    number = len(peer.received)
    content = "\nContent-Type: application/cccp+xml" if body and "Content-Type" not in more else ""
    return RawPeer.message(
        f"""{method} {CONF} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKx{number}
        From: {sender};tag=2222
        To: <{CONF}>
        Max-Forwards: 70
        CSeq: 1 {method}
        Call-ID: call-{number}
        Contact: <{ME};opaque=user:epid:x;gruu>{content}{more}""",
        body,
    )


def statuses(messages: list[SipRequest | SipResponse]) -> list[int]:
    return [one.status for one in messages if isinstance(one, SipResponse)]


class Forger(RawPeer):
    """Somebody who writes the address of another on its datagrams; what comes back reaches that one, who is silent."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        here, there = Address(self.agent.host, 5060), Address(site.node.host, 5060)
        self.flow, self.back = site.net.flow("UDP", here, there), site.net.flow("UDP", there, here)


def test_no_roster_goes_to_an_address_that_somebody_made_up() -> None:
    site, _ = prepared()
    forger = Forger(site)
    for method, more, body in (
        ("INVITE", "\nContent-Type: application/cccp+xml", JOIN),
        ("SUBSCRIBE", "\nEvent: conference\nSupported: ms-piggyback-first-notify", b""),
    ):
        forger.send(
            f"""{method} {CONF} SIP/2.0
            Via: SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK{method};rport
            From: <{ME}>;tag=2222
            To: <{CONF}>
            Max-Forwards: 70
            CSeq: 1 {method}
            Call-ID: {method}
            Contact: <sip:somebody@{forger.back.remote}>{more}""",
            body,
        )
    site.net.run(60.0)
    assert 200 in statuses(forger.received)
    notified = [one for one in forger.received if isinstance(one, SipRequest) and one.method == "NOTIFY"]
    assert notified
    assert {one.body for one in notified} == {b""}
    assert all(b"<conference-info" not in one.body for one in forger.received)


@pytest.mark.parametrize(
    "line",
    [
        "Session-Expires: soon",
        "Session-Expires: 1800\nSession-Expires: 90",
        "Record-Route: <<>",
        "Record-Route: <mailto:proxy@example.com>",
        "Contact: <sip:",
        "Content-Type: ///",
    ],
)
def test_a_malformed_header_of_a_join_is_400(line: str) -> None:
    site, peer = prepared()
    assert statuses(peer.send_bytes(outside(peer, "INVITE", JOIN, f"\n{line}"))) == [400]
    assert site.focus.conferences == ()


@pytest.mark.parametrize("line", ["Supported: ,;;,", "Event: ;;", "Expires: later", "Subject: a\nSubject: b"])
def test_a_malformed_header_that_a_join_does_not_need_is_left_out(line: str) -> None:
    site, peer = prepared()
    assert statuses(peer.send_bytes(outside(peer, "INVITE", JOIN, f"\n{line}"))) == [200]
    assert len(site.focus.conferences) == 1


@pytest.mark.parametrize("line", ["Expires: later", "Event: ;;", "Record-Route: <<>"])
def test_a_malformed_header_of_a_subscription_is_400(line: str) -> None:
    _, peer = prepared()
    peer.join()
    event = "" if line.startswith("Event") else "\nEvent: conference"
    assert statuses(peer.send_bytes(outside(peer, "SUBSCRIBE", b"", f"{event}\n{line}"))) == [400]


def test_a_malformed_header_of_a_command_is_400() -> None:
    _, peer = prepared()
    peer.join()
    peer.cseq += 1
    answers = peer.send(
        f"""INFO {peer.target} SIP/2.0
        {VIA}
        From: <{ME}>;tag=2222
        To: <{CONF}>;tag={peer.to_tag}
        Max-Forwards: 70
        CSeq: {peer.cseq} INFO
        Call-ID: focus1
        Content-Type: ;;;""",
        b"<x/>",
    )
    assert statuses(answers) == [400]


@pytest.mark.parametrize("name", [b"a\x07b", b"\xff\xfe", b'<&>\\"'])
def test_names_that_xml_cannot_carry_do_not_get_into_the_roster(name: bytes) -> None:
    site, peer = prepared()
    data = outside(peer, "INVITE", JOIN, sender=f'"NAME" <{ME}>;epid=EPID').replace(b"NAME", name)
    answers = peer.send_bytes(data.replace(b"EPID", b"\xff"))
    assert statuses(answers)[-1] in (200, 400)
    whole = site.focus.roster(CONF)
    if whole is not None:
        assert isinstance(parse_document(bytes(whole)), ConferenceInfo)


def test_a_very_long_request_id_is_refused_and_not_remembered() -> None:
    _, peer = prepared()
    peer.join()
    body = f'<getConference><conferenceKeys confEntity="{CONF}"/></getConference>'
    document = f'<request {CCCP} to="{CONF}" from="{ME}" requestId="{"9" * 65}">{body}</request>'
    answer = peer.in_dialog("INFO", document.encode())[0]
    assert isinstance(answer, SipResponse)
    assert answer.status == 400


def test_an_organizer_without_a_name_is_a_failure() -> None:
    site = Site()
    peer = RawPeer(site)
    factory = "sip:example.com;gruu;opaque=app:conf:focusfactory"
    body = (
        f'<request {CCCP} to="{factory}" from="sip:example.com" requestId="1"><addConference><ci:conference-info '
        'xmlns:ci="urn:ietf:params:xml:ns:conference-info" entity=""><ci:conference-description>'
        '<m:conference-id xmlns:m="http://schemas.microsoft.com/rtc/2005/08/confinfoextensions">ABCDEF0123'
        "</m:conference-id></ci:conference-description></ci:conference-info></addConference></request>"
    )
    (answer,) = peer.send(
        f"""SERVICE {factory} SIP/2.0
        Via: SIP/2.0/TCP 192.0.2.77:5060;branch=z9hG4bKs
        From: <sip:example.com>;tag=1
        To: <{factory}>
        Max-Forwards: 70
        CSeq: 1 SERVICE
        Call-ID: s
        Content-Type: application/cccp+xml""",
        body.encode(),
    )
    assert isinstance(answer, SipResponse)
    document = parse_document(answer.body)
    assert isinstance(document, Response)
    assert (document.code, document.reason) == (Code.FAILURE, "requestMalformed")


# Records from elsewhere ----------------------------------------------------------------------------------------------

URI = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABCDEF0123"
GOOD = ConferenceInfo(
    entity=URI,
    description=ConferenceDescription(
        conference_id="ABCDEF0123",
        organizer=Organizer(entity="sip:alice@example.com"),
        expiry_time="2030-01-01T00:00:00Z",
    ),
)
DESCRIPTION = GOOD.description
assert DESCRIPTION is not None


@pytest.mark.parametrize(
    "info",
    [
        ConferenceInfo(entity=URI),
        attrs.evolve(GOOD, entity=""),
        attrs.evolve(GOOD, entity=URI + "9"),
        attrs.evolve(GOOD, description=attrs.evolve(DESCRIPTION, organizer=None)),
        attrs.evolve(GOOD, description=attrs.evolve(DESCRIPTION, organizer=Organizer(entity="nobody"))),
        attrs.evolve(GOOD, description=attrs.evolve(DESCRIPTION, expiry_time="soon")),
        attrs.evolve(GOOD, conference_view=ConferenceView(views=(EntityView(entity="no such type!"),))),
    ],
)
def test_a_broken_record_from_elsewhere_is_no_record(info: ConferenceInfo) -> None:
    site = Site(records_url=RECORDS_URL)
    answer = GetConference(conference_info=info)
    site.net.services[RECORDS_URL] = lambda request: Reply(200, request.respond(Code.SUCCESS, command=answer))
    alice = site.client("alice")
    alice.client.join(URI, now=site.net.now)
    site.net.run()
    assert alice.node.last(JoinFailed).status == 404


# Fuzzing -------------------------------------------------------------------------------------------------------------


def mutated(data: bytes, seed: int) -> bytes:
    """`data` with a few bytes changed, doubled or left out."""
    chance = random.Random(seed)
    out = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(out))
        action = chance.randrange(4)
        if action == 0:
            out[at] = chance.randrange(256)
        elif action == 1:
            del out[at : at + chance.randint(1, 8)]
        elif action == 2:
            out[at:at] = bytes(chance.choices(b'<>;,"=:\x00\xff\r\n ', k=chance.randint(1, 4)))
        else:
            out[at:at] = out[max(0, at - 20) : at]
    return bytes(out)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.integers(0, 5))
def test_mutated_messages_raise_nothing_and_spare_the_others(seed: int, which: int) -> None:
    site = Site()
    mcu: FakeMcu = site.mcu()
    other, alice, _ = site.meeting()
    before = alice.roster
    peer = Pidgin(site)
    peer.create()
    if which > 1:
        peer.join()
    if which > 2:
        peer.subscribe()
    messages = [
        outside(peer, "INVITE", JOIN),
        outside(peer, "INVITE", JOIN, "\nSession-Expires: 1200\nSupported: timer"),
        outside(peer, "SUBSCRIBE", b"", "\nEvent: conference\nSupported: ms-benotify, ms-piggyback-first-notify"),
        outside(peer, "SUBSCRIBE", b"", "\nEvent: conference\nExpires: 0"),
        dial_out(peer),
        dial_out(peer).replace(b"addUser", b"deleteUser"),
    ]
    peer.feed(mutated(messages[which], seed))
    site.net.run(300.0)
    assert alice.roster == before
    assert other in site.focus.conferences
    assert mcu.version == 0


def dial_out(peer: Pidgin) -> bytes:
    body = (
        f'<request {CCCP} to="{CONF}" from="{ME}" requestId="5">'
        f'<addUser mscp:mcuUri="{CONF.replace("focus", "audio-video")}"><conferenceKeys confEntity="{CONF}"/>'
        f'<ci:user xmlns:ci="urn:ietf:params:xml:ns:conference-info" '
        f'entity="sip:phone@example.org"><ci:endpoint entity="{GUID}"><ci:joining-method>dialed-out</ci:joining-method>'
        "</ci:endpoint></ci:user></addUser></request>"
    ).encode()
    return RawPeer.message(
        f"""INFO {peer.target or CONF} SIP/2.0
        {VIA}
        From: <{ME}>;tag=2222
        To: <{CONF}>;tag={peer.to_tag}
        Max-Forwards: 70
        CSeq: 9 INFO
        Call-ID: focus1
        Content-Type: application/cccp+xml""",
        body,
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_mutated_documents_of_an_mcu_raise_nothing(seed: int) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    alice.client.add_user("sip:phone@example.org", now=site.net.now)
    site.net.run()
    mcu.call("sip:phone@example.org", "connected")
    mcu.version += 1
    user = User(
        entity="sip:guest@example.org", state=State.FULL, endpoints=mcu.users["sip:phone@example.org"].endpoints
    )
    info = mcu.document(State.PARTIAL, (user,))
    notify = Notify(notification_id=2, from_=mcu.uri, to=mcu.conference, conference_info=info)
    try:
        document = parse_document(mutated(bytes(notify), seed))
    except C3PError:
        return
    site.focus.receive_c3p(document, peer=mcu.mcu_id, now=site.net.now)
    site.net.run(1.0)
    whole = site.focus.roster(mcu.conference)
    assert whole is not None
    assert attrs.evolve(alice.roster, version=0) == attrs.evolve(whole, version=0)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32))
def test_mutated_answers_of_an_mcu_raise_nothing(seed: int) -> None:
    site = Site()
    mcu = site.mcu()
    _, alice, _ = site.meeting()
    chance = random.Random(seed)

    def answer(request: Request) -> Reply:
        data = mutated(bytes(request.respond(chance.choice(list(Code)))), seed)
        try:
            document = parse_document(data)
        except C3PError:
            document = None
        status = chance.choice([200, 200, 200, 202, 400, 403, 404, 500, 503])
        return Reply(status, document if isinstance(document, Response) else None)

    for kind in {type(one.command) for one in mcu.requests} | {GetConference}:
        mcu.answers[kind] = answer
    mcu.answers[AddUser] = answer
    alice.client.add_user("sip:phone@example.org", now=site.net.now)
    site.net.run(400.0)
    assert len([one for one in alice.node.events if type(one).__name__ in ("CommandSucceeded", "CommandFailed")]) == 1
