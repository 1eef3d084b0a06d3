"""A stranger who wants all of a system while a conference goes on: he is refused, the others notice nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from pyc3p.simnet import Meeting, RawPeer

BOB = "sip:bob@example.com"
STRANGER = "192.0.2.250"
Meet = Callable[..., Meeting]


def request(method: str, uri: str, number: int, transport: str, *lines: str, body: bytes = b"") -> bytes:
    head = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/{transport} {STRANGER}:5060;branch=z9hG4bKs{number}",
        "Max-Forwards: 70",
        f"From: <sip:mallory@example.com>;tag=m{number}",
        "To: <sip:mallory@example.com>" if method == "REGISTER" else f"To: <{uri}>",
        f"Call-ID: stranger-{method}-{number}",
        f"CSeq: {number} {method}",
        *lines,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def registrations(transport: str) -> Iterator[bytes]:
    for number in range(1, 200):
        lines = [f"Contact: <sip:m{number}@{STRANGER}:{5000 + n}>" for n in range(5)]
        yield request("REGISTER", "sip:example.com", number, transport, *lines)


def commands(transport: str) -> Iterator[bytes]:
    factory = "sip:mallory@example.com;gruu;opaque=app:conf:focusfactory"
    for number in range(1, 60):
        inside = b"<a/>" * (20_000 if transport == "TCP" else 200)
        body = b'<request xmlns="urn:ietf:params:xml:ns:cccp" requestId="1" from="sip:m@example.com" to="sip:x@y">'
        body += b"<getConferences>" + inside + b"</getConferences></request>"
        yield request("SERVICE", factory, number, transport, "Content-Type: application/cccp+xml", body=body)


def calls(transport: str) -> Iterator[bytes]:
    for number in range(1, 200):
        yield request("INVITE", f"sip:nobody{number}@example.com", number, transport, f"Contact: <sip:m@{STRANGER}>")


def questions(transport: str) -> Iterator[bytes]:
    for number in range(1, 400):
        yield request("OPTIONS", "sip:example.com", number, transport)
        yield b"\r\n" * 500


@pytest.mark.parametrize("transport", ["TCP", "UDP"])
@pytest.mark.parametrize("attack", [registrations, commands, calls, questions])
def test_a_conference_goes_on_whatever_a_stranger_sends(
    meet: Meet, attack: Callable[[str], Iterator[bytes]], transport: str
) -> None:
    meeting = meet()
    assert meeting.outcome("presenter", meeting.dial("presenter", BOB)).succeeded
    sizes = {name: meeting.sim.farm.elements[name].pump.endpoint.sizes for name in ("focus", "focus-factory", "proxy")}
    peer, sent = RawPeer(meeting.network, "stranger", STRANGER), 0
    for element in ("proxy", "focus", "focus-factory"):
        place = meeting.sim.farm.places[element]
        if transport == "TCP":
            peer.connect(place.host, place.sip_port)
        for data in attack(transport):
            sent += len(data)
            if transport == "TCP":
                peer.send(data)
            else:
                meeting.network.inject((STRANGER, 5060), (place.host, place.sip_port), data)
            meeting.network.run_for(0.002)
    meeting.network.run_for(2.0)
    assert meeting.statuses(BOB) == ["audio-video connected"]
    assert meeting.roster("watcher") == meeting.true_roster()
    if transport == "UDP":
        records = meeting.network.recording.of_layer("sip")
        got = sum(len(each.data) for each in records if each.destination[0] == STRANGER)
        assert 0 < got <= 2 * sent
    meeting.network.run_for(100.0)
    for name, before in sizes.items():
        after = meeting.sim.farm.elements[name].pump.endpoint.sizes
        assert after["transactions"] <= before["transactions"] + 20, name
        assert after["sessions"] == before["sessions"], name
        assert after["dialogs"] == before["dialogs"], name
