"""Other SIP parsers read what this one reads, in every value on which they keep to the RFCs.

Where they do not, the reason is listed here with its section, and what this package reads is pinned instead.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest
import sipmessage
from hypothesis import given, settings
from hypothesis import strategies as st

from sip import NameAddr, Request, Response, Uri, Via, parse_message
from sip.testing import messages, tokens

with contextlib.redirect_stdout(io.StringIO()):  # it says what it lacks
    from sippy.SipRequest import SipRequest
    from sippy.SipResponse import SipResponse

Message = Request | Response
Values = Mapping[str, object]
#: A way of theirs that is not that of the RFCs: the section, and the messages that are not compared because of it.
Deviation = tuple[str, Callable[[Message], bool]]


def addresses(message: Message) -> list[NameAddr]:
    """All addresses that are compared."""
    known = [message.from_, message.to, *message.contact, *message.record_route]
    return [address for address in known if isinstance(address, NameAddr)]


def uris(message: Message) -> list[Uri]:
    """All URIs that are compared."""
    own = [message.uri] if isinstance(message, Request) else []
    return [*own, *(address.uri for address in addresses(message))]


def any_uri(test: Callable[[Uri], bool]) -> Callable[[Message], bool]:
    """Whether a URI of the message is like that."""
    return lambda message: any(test(uri) for uri in uris(message))


def text_of(message: Message) -> str:
    """Start line and headers."""
    return bytes(message).partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape")


def has(pattern: str) -> Callable[[Message], bool]:
    """Whether start line and headers hold that."""
    found = re.compile(pattern)
    return lambda message: found.search(text_of(message)) is not None


SIPMESSAGE: Final[Mapping[str, Deviation]] = {
    "only sip, sips and tel are schemes": (
        "RFC 3261 section 25.1, absoluteURI",
        any_uri(lambda uri: uri.scheme not in ("sip", "sips", "tel")),
    ),
    "no header part in a URI": ("RFC 3261 section 19.1.1", any_uri(lambda uri: bool(uri.headers))),
    "not every character of a user, a password or a parameter": (
        "RFC 3261 section 25.1, user, password, paramchar",
        any_uri(lambda uri: re.search(r"[^A-Za-z0-9\-_.!~*;=%@+:\[\]]", str(uri)) is not None),
    ),
    "a password needs characters, a parameter a value": (
        "RFC 3261 section 25.1",
        any_uri(lambda uri: uri.password == "" or "" in uri.params.values()),
    ),
    "percent signs in tokens are escapes": ("RFC 3261 section 25.1, token", has(r"(?i);(?:tag|branch)=[^;,\r]*%")),
    "control characters become blanks": (
        "RFC 3261 section 25.1, quoted-pair",
        has(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]"),
    ),
}
SIPPY: Final[Mapping[str, Deviation]] = {
    "only sip and sips are schemes": (
        "RFC 3261 section 25.1, absoluteURI",
        any_uri(lambda uri: uri.scheme not in ("sip", "sips")),
    ),
    "lr and its relatives lose their values": (
        "RFC 3261 section 25.1, other-param",
        any_uri(lambda uri: uri.params.get("lr") is not None),
    ),
    "a header of a URI comes once, and not without a value": (
        "RFC 3261 section 19.1.1, headers",
        any_uri(lambda uri: len(dict(uri.headers)) != len(uri.headers) or "" in dict(uri.headers).values()),
    ),
    "each escaped octet is a character": (
        "RFC 3261 section 19.1.2",
        any_uri(lambda uri: re.search("%[89A-Fa-f]", str(uri)) is not None),
    ),
    "whatever Unicode calls a line break ends a line": (
        "RFC 3261 section 25.1, CRLF",
        has(r"[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]"),
    ),
}


def known(deviations: Mapping[str, Deviation], message: Message) -> bool:
    """Whether they are not expected to get this one right."""
    return any(matches(message) for _, matches in deviations.values())


def shape(uri: Uri | str) -> tuple[object, ...]:
    """A URI without the spelling of its escapes, which they write anew."""
    read = Uri.parse(uri) if isinstance(uri, str) else uri
    headers = tuple((name.lower(), value) for name, value in read.headers)
    return read.scheme, read.user, read.password, read.host, read.port, dict(read.params), headers, read.opaque_part


def our_values(message: Message) -> Values:
    start = (message.method, shape(message.uri)) if isinstance(message, Request) else (message.status,)
    named = [address for address in message.contact if isinstance(address, NameAddr)]
    return {
        "start": start,
        "via": [(via.host, via.port, via.branch) for via in message.via],
        "from": (shape(message.from_.uri), message.from_.tag),
        "to": (shape(message.to.uri), message.to.tag),
        "cseq": (message.cseq.number, message.cseq.method),
        "call-id": message.call_id,
        "contact": [shape(address.uri) for address in named],
        "record-route": [shape(address.uri) for address in message.record_route],
    }


def sipmessage_values(wire: bytes) -> Values:
    read: Any = sipmessage.Message.parse(wire)
    start = (read.method, shape(str(read.uri))) if isinstance(read, sipmessage.Request) else (read.code,)
    return {
        "start": start,
        "via": [(bare(via.host), via.port, via.parameters.get("branch")) for via in read.via],
        "from": (shape(str(read.from_address.uri)), read.from_address.parameters.get("tag")),
        "to": (shape(str(read.to_address.uri)), read.to_address.parameters.get("tag")),
        "cseq": (read.cseq.sequence, read.cseq.method),
        "call-id": read.call_id,
        "contact": [shape(str(address.uri)) for address in read.contact],
        "record-route": [shape(str(address.uri)) for address in read.record_route],
    }


def sippy_values(wire: bytes) -> Values:
    read: Any = (SipResponse if wire.startswith(b"SIP/") else SipRequest)(wire.decode())
    start = (read.getSCode()[0],) if wire.startswith(b"SIP/") else (read.getMethod(), shape(str(read.getRURI())))
    sender, receiver = read.getHFBody("from"), read.getHFBody("to")
    vias = [header.getBody() for header in read.getHFs("via")]
    contacts = [header.getBody() for header in read.getHFs("contact")]
    return {
        "start": start,
        # A missing port is 5060 with them: RFC 3261 section 18.2.2 says where to send, not what was written.
        "via": [(bare(via.hostname), via.port and int(via.port), via.getBranch()) for via in vias],
        "from": (shape(str(sender.getUrl())), sender.getTag()),
        "to": (shape(str(receiver.getUrl())), receiver.getTag()),
        "cseq": read.getHFBody("cseq").getCSeq(),
        "call-id": str(read.getHFBody("call-id")),
        "contact": [shape(str(contact.getUrl())) for contact in contacts if not contact.asterisk],
        "record-route": [shape(str(header.getBody().getUrl())) for header in read.getHFs("record-route")],
    }


def bare(host: str) -> str:
    """A host as this package shows it: IPv6 without brackets."""
    return host.lower().removeprefix("[").removesuffix("]")


def words() -> st.SearchStrategy[str]:
    """Tokens of letters and digits."""
    return tokens().filter(str.isalnum)


def plain_uris() -> st.SearchStrategy[Uri]:
    """URIs of everyday life."""
    flags = st.sampled_from(({}, {"lr": None}, {"gruu": None, "lr": None}))
    values = st.dictionaries(st.sampled_from(("transport", "opaque", "x-y")), words(), max_size=2)
    return st.builds(
        lambda host, user, port, flags, values: Uri("sip", host, user, port=port, params={**flags, **values}),
        st.sampled_from(("example.com", "h.example.org", "192.0.2.7", "2001:db8::7")),
        st.none() | words(),
        st.none() | st.integers(1, 65535),
        flags,
        values,
    )


@st.composite
def plain_messages(draw: st.DrawFn) -> Message:
    """Messages in which there is nothing that they are known not to read."""
    addresses = st.builds(NameAddr, plain_uris(), st.none() | tokens())
    tags = st.none() | tokens().map(lambda text: text.replace("%", "."))
    sender, receiver = (
        draw(addresses).with_params({} if tag is None else {"tag": tag}) for tag in (draw(tags), draw(tags))
    )
    method = draw(st.sampled_from(("INVITE", "SUBSCRIBE", "INFO", "REGISTER", "BENOTIFY")))
    branches = st.lists(tokens().map(lambda text: text.replace("%", ".")), min_size=1, max_size=3)
    headers: list[tuple[str, object]] = [
        *(
            ("Via", Via("UDP", "h.example.com", 5070, {"branch": f"z9hG4bK{text}", "rport": None}))
            for text in draw(branches)
        ),
        ("From", sender),
        ("To", receiver),
        ("Call-ID", draw(tokens())),
        ("CSeq", f"{draw(st.integers(0, 2**31 - 1))} {method}"),
        *(("Contact", address) for address in draw(st.lists(addresses, max_size=2))),
        *(("Record-Route", address) for address in draw(st.lists(addresses, max_size=2))),
    ]
    if draw(st.booleans()):
        return Response.build(draw(st.integers(100, 699)), "Reason", headers)
    return Request.build(method, draw(plain_uris()), headers)


PEERS: Final = {"sipmessage": (sipmessage_values, SIPMESSAGE), "sippy": (sippy_values, SIPPY)}


@pytest.mark.parametrize("peer", PEERS)
@settings(max_examples=100, deadline=None)
@given(message=plain_messages())
def test_plain_messages_say_the_same_to_everybody(peer: str, message: Message) -> None:
    values, deviations = PEERS[peer]
    assert not known(deviations, message)
    assert values(bytes(message)) == our_values(parse_message(bytes(message)))


@pytest.mark.parametrize("peer", PEERS)
@settings(max_examples=100, deadline=None)
@given(message=messages())
def test_any_message_says_the_same_to_whoever_can_read_it(peer: str, message: Message) -> None:
    values, deviations = PEERS[peer]
    wire = bytes(message.evolve(body=b""))  # they want text
    if not known(deviations, message):
        assert values(wire) == our_values(parse_message(wire))


def request(uri: str, sender: str) -> Request:
    fields = [("Via", "SIP/2.0/UDP h.example;branch=z9hG4bK1"), ("From", sender), ("To", "<sip:b@b.example>")]
    made = Request.build("INVITE", uri, [*fields, ("Call-ID", "1"), ("CSeq", "1 INVITE")])
    read = parse_message(bytes(made), strict=True)
    read.check(all=True)
    assert isinstance(read, Request)
    return read


def test_what_they_do_not_read() -> None:
    assert request("urn:service:sos", "<tel:+1-201;ext=7>;tag=1").from_.uri.params["ext"] == "7"
    assert request("sip:a@b.example", "<sip:a@b.example?Subject=x>").from_.uri.headers == (("Subject", "x"),)
    odd = request("sip:a&=+$,;?/b:&=+$,@b.example;a[]/:&+$=b[]/:&+$", "sip:a@b.example;tag=1")
    assert (odd.uri.user, odd.uri.password, dict(odd.uri.params)) == ("a&=+$,;?/b", "&=+$,", {"a[]/:&+$": "b[]/:&+$"})
    assert request("sip:a@b.example", "<sip:a@b.example>;tag=%41").from_.tag == "%41"
    assert request("sip:a@b.example", '"\\\x01\\"" <sip:a@b.example>').from_.display_name == '\x01"'
    assert request("sip:%E2%82%AC@b.example", "sip:a@b.example").uri.user == "\u20ac"
    assert request("sip:a@b.example", '"\x85\u2028" <sip:a@b.example>').from_.display_name == "\x85\u2028"
