"""OPTIONS is answered with what each element can do (RFC 3261 section 11.2)."""

from __future__ import annotations

import pytest

import focus
import sip
from c3p import focus_factory_uri, focus_uri, mcu_uri
from pyc3p.element import Element
from pyc3p.elements import Place, parts
from pyc3p.elements.parts import CoreSettings, av_mcu, client, phone
from pyc3p.phone import PhoneConfig

HOST = "192.0.2.1"
HERE, THERE = sip.Address(HOST, 5060), sip.Address("192.0.2.99", 5060)
ALICE = "sip:alice@example.com"
CONFERENCE = focus_uri(ALICE, "CONF00000001")


def pump_of(kind: str) -> sip.Pump:
    """An element of that kind, at HOST."""
    pump = element(kind).pump
    assert pump is not None
    return pump


def element(kind: str) -> Element:
    place, entropy = (
        Place(name=kind, host=HOST, sip_port=5060, http_port=8444, transports=("UDP",), trusted=("192.0.2.0/24",)),
        sip.SeededEntropy(b"options"),
    )
    if kind == "mcu":
        return av_mcu(place, entropy=entropy, factory_url=None, outbound_proxy=None)[0]
    if kind == "phone":
        config = PhoneConfig(aor=ALICE, contact=place.sip_uri("alice"))
        return phone(place, config, entropy=entropy)[0]
    if kind == "client":
        return client(place, focus.ClientConfig(aor=ALICE), entropy=entropy)[0]
    settings = CoreSettings(domain="example.com", store=focus.MemoryStore())
    return parts.server(place, kind.split("+"), settings, entropy=entropy)[0]


CASES = [
    ("focus", CONFERENCE, {"INVITE", "INFO", "SUBSCRIBE", "OPTIONS"}, "application/cccp+xml", {"timer", "ms-benotify"}),
    ("focus", mcu_uri(CONFERENCE, "audio-video"), {"INVITE", "OPTIONS"}, "application/cccp+xml", {"timer"}),
    ("focus-factory", focus_factory_uri(ALICE), {"SERVICE", "OPTIONS"}, "application/cccp+xml", set()),
    ("registrar", "sip:example.com", {"REGISTER", "OPTIONS"}, "*/*", {"path", "gruu", "outbound"}),
    ("proxy", "sip:example.com", {"INVITE", "MESSAGE", "OPTIONS"}, "*/*", {"ms-benotify"}),
    ("registrar+proxy", f"sip:{HOST}", {"REGISTER", "OPTIONS"}, "*/*", {"path"}),
    (
        "mcu",
        f"sip:mcu@{HOST}:5060",
        {"INVITE", "UPDATE", "OPTIONS"},
        "application/dtmf, application/dtmf-relay, application/sdp",
        {"timer"},
    ),
    ("phone", f"sip:alice@{HOST}:5060", {"INVITE", "MESSAGE", "OPTIONS"}, "application/sdp", {"timer"}),
    (
        "client",
        f"sip:alice@{HOST}:5060",
        {"INVITE", "NOTIFY", "OPTIONS"},
        "application/cccp+xml, application/conference-info+xml, application/im-iscomposing+xml, "
        "application/ms-conf-invite+xml, text/html, text/plain, text/rtf",
        {"timer", "ms-benotify"},
    ),
]


@pytest.mark.parametrize(("kind", "uri", "methods", "accept", "options"), CASES, ids=[case[0] for case in CASES])
def test_options_says_what_the_element_can_do(
    kind: str, uri: str, methods: set[str], accept: str, options: set[str]
) -> None:
    pump = pump_of(kind)
    request = (
        f"OPTIONS {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99:5060;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
        f"From: <sip:bob@example.org>;tag=1\r\nTo: <{uri}>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    )
    pump.receive_data(request.encode(), flow=sip.Flow(1, "UDP", HERE, THERE), now=0.0)
    (answer,) = [sip.parse_message(one.data) for one in pump.data_to_send()]
    assert isinstance(answer, sip.Response)
    assert answer.status == 200
    assert methods <= set(answer.allow)
    assert answer.headers.get("Accept") == accept
    assert options <= set(answer.supported)
    assert (answer.headers.get("Accept-Encoding"), answer.headers.get("Accept-Language")) == ("identity", "*")
    assert answer.headers.get("Server") == ("legacy phone" if kind == "phone" else "pyc3p")
