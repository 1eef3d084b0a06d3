"""Malformed everything: whatever comes, the element answers the next right request.

No source says so in one clause: RFC 4475 is not normative. What is nearest is named, as a SHOULD. An element that does
not answer any more is told of beside that, with the clause that wants the answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Final

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import STREAMS, Trait, case
from pyc3p.conform.peer import Peer
from sip import Response
from sip.testing import JUNK, Force

#: What every element reads.
_NEEDED: Final = ("Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards")
#: What some read.
_OTHERS: Final = (
    *("Contact", "Route", "Record-Route", "Require", "Proxy-Require", "Content-Type", "Content-Length", "Expires"),
    *("Authorization", "Proxy-Authorization", "Event", "Accept", "Supported", "Date", "Timestamp", "Replaces"),
)


def _all_taken(bench: Bench, messages: Iterable[bytes], peer: Peer | None = None) -> None:
    """Send all; the element answers afterwards."""
    _send_all(bench, messages, peer or bench.peer())
    bench.check_alive()


def _send_all(bench: Bench, messages: Iterable[bytes], peer: Peer) -> None:
    for data in messages:
        peer.send(data)
        peer.take(lambda each: True, within=0.0)  # so that nothing heaps up
        if bench.target.transport != "UDP":
            peer.line.close()  # what is broken may have spoilt it for what follows


def _with_junk(bench: Bench, peer: Peer, method: str, names: Iterable[str]) -> Iterator[bytes]:
    """One message for each piece of junk in each field."""
    for name in names:
        for junk in JUNK:
            wire = bytes(peer.request(method, contact=True, headers=[("Expires", "1")]))
            head = [
                line for line in wire.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(f"{name}:".encode())
            ]
            value = junk.encode("utf-8", "surrogateescape")
            yield b"\r\n".join([*head, name.encode() + b": " + value]) + b"\r\n\r\n"


@case("RFC 3261 section 8.2.2", Force.SHOULD, hard=True)
def needed_fields(bench: Bench) -> None:
    """Junk in a field that everybody reads, of OPTIONS, stops nothing."""
    peer = bench.peer()
    _all_taken(bench, _with_junk(bench, peer, "OPTIONS", _NEEDED))


@case("RFC 3261 section 8.2.2", Force.SHOULD, hard=True)
def other_fields(bench: Bench) -> None:
    """Junk in a field that some read, of OPTIONS, stops nothing."""
    peer = bench.peer()
    _all_taken(bench, _with_junk(bench, peer, "OPTIONS", _OTHERS))


@case("RFC 3261 section 8.2.2", Force.SHOULD, hard=True, applies=(Trait.REGISTRAR,))
def registrations(bench: Bench) -> None:
    """Junk in a field of REGISTER stops nothing."""
    peer = bench.peer("bob")
    fields = ("To", "From", "Contact", "Expires", "Authorization", "Require", "Path", "Supported")
    _all_taken(bench, _with_junk(bench, peer, "REGISTER", fields), peer)


@case("RFC 3261 section 17", Force.MUST, hard=True, over=("UDP",))
def acks(bench: Bench) -> None:
    """An ACK with junk in a field is not answered."""
    peer = bench.peer()
    _send_all(bench, _with_junk(bench, peer, "ACK", (*_NEEDED, "Route", "Contact")), peer)
    bench.quiet(0.5)
    answered = [
        each.message
        for _, each in bench.arrivals
        if isinstance(each.message, Response) and (each.message.headers.get("CSeq") or "").endswith(" ACK")
    ]
    if answered:
        bench.blame(f"ACK is answered {answered[0].status}")


@case("RFC 3261 section 18.3", Force.SHOULD, hard=True, over=("UDP",))
def responses(bench: Bench) -> None:
    """Responses that belong to nothing, with junk in them, stop nothing."""
    peer = bench.peer()

    def all_of_them() -> Iterator[bytes]:
        for data in _with_junk(bench, peer, "OPTIONS", (*_NEEDED, "Contact")):
            yield b"SIP/2.0 200 OK\r\n" + data.partition(b"\r\n")[2]
        for line in (b"SIP/2.0 4294967301 better", b"SIP/2.0 99 x", b"SIP/2.0  200", b"SIP/2.0 200", b"SIP/2.0"):
            yield line + b"\r\n" + bytes(peer.request("OPTIONS")).partition(b"\r\n")[2]

    _all_taken(bench, all_of_them())


def _octets(peer: Peer) -> Iterator[bytes]:
    wire = bytes(peer.request("OPTIONS"))
    yield from (b"", b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0" * 1000, b"\xff" * 1000, b" " * 1000, b"A" * 5000)
    yield from (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\n\r\n", b"\x80\x00\x00\x01" * 20)
    for length in range(0, len(wire), 7):
        yield wire[:length]
    for place in range(0, len(wire), 11):
        yield wire[:place] + b"\0" + wire[place + 1 :]
        yield wire[:place] + b"\r\n" + wire[place:]
    yield wire.replace(b"\r\n", b"\n")
    yield wire.replace(b"\r\n", b"\r")
    yield wire.replace(b": ", b"")
    yield wire.removesuffix(b"\r\n\r\n")
    yield wire.replace(b"\r\n\r\n", b"\r\n" + b"X: y\r\n" * 2000 + b"\r\n")
    yield wire.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 50_000 + b"\r\n\r\n")
    yield wire.replace(b"\r\n\r\n", b"\r\n" + b"Via: SIP/2.0/UDP h.invalid;branch=z9hG4bKx\r\n" * 300 + b"\r\n")


@case("RFC 3261 section 18.3", Force.SHOULD, hard=True, over=("UDP",))
def octets(bench: Bench) -> None:
    """Datagrams that are no messages, or broken ones, stop nothing."""
    peer = bench.peer()
    _all_taken(bench, (data[:60_000] for data in _octets(peer)))


@case("RFC 3261 section 18.3", Force.SHOULD, hard=True, over=STREAMS)
def octets_on_connections(bench: Bench) -> None:
    """Octets that are no messages, each on a connection of its own, stop nothing."""
    peer, broken = bench.peer(), bench.peer("broken")
    for data in _octets(peer):
        broken.send(data)
        broken.line.close()
    bench.check_alive()


@case("RFC 3261 section 26.3.2.4", Force.SHOULD, hard=True, over=STREAMS)
def message_never_complete(bench: Bench) -> None:
    """Connections on which messages begin and do not end keep nobody else waiting."""
    for number in range(20):
        slow = bench.peer(f"slow-{number}")
        slow.send(bytes(slow.request("OPTIONS"))[:30])
    begun = time.monotonic()
    bench.check_alive()
    if time.monotonic() - begun > bench.patience / 2:
        bench.blame(f"an answer after {time.monotonic() - begun:.1f} s")


@case("RFC 3261 section 13.3.1.3", Force.SHOULD, hard=True, applies=(Trait.USER_AGENT,))
def session_descriptions(bench: Bench) -> None:
    """Junk in the lines of a session description stops nothing."""
    peer = bench.peer()
    offer = bench.offer(peer)
    lines = offer.split(b"\r\n")
    for place in range(len(lines) - 1):
        for junk in (b"", b"\0\xff", b"9" * 200, b"audio -1 RTP/AVP 0"):
            altered = b"\r\n".join([*lines[:place], lines[place][:2] + junk, *lines[place + 1 :]])
            request = peer.request("INVITE", bench.target.uri, body=altered)
            peer.send(request)
            peer.response(request, within=0.5)  # what is taken all the same is hung up after the case
    bench.check_alive()
