"""Messages on connections: RFC 3261 sections 7.5 and 18."""

from __future__ import annotations

import time

from pyc3p.conform.bench import Bench
from pyc3p.conform.case import STREAMS, case
from pyc3p.conform.peer import Peer
from pyc3p.conform.wire import Stream
from sip import Request
from sip.testing import Force

#: Seconds between the pieces of a message that comes in pieces.
PIECE = 0.01


def _asked(peer: Peer) -> Request:
    request = peer.request("OPTIONS")
    peer.remember(request)
    return request


def _answered(bench: Bench, peer: Peer, request: Request) -> None:
    if peer.response(request, final=True) is None:
        bench.blame(f"nothing to the request with CSeq {request.cseq}")


@case("RFC 3261 section 18.2.2", Force.MUST, over=STREAMS)
def same_connection(bench: Bench) -> None:
    """A response comes on the connection of its request, and that stays open."""
    peer = bench.peer()
    line = peer.line
    for _ in range(2):
        request = _asked(peer)
        peer.send(request)
        _answered(bench, peer, request)
    if line.closed:
        bench.blame("it is closed after a response")


@case("RFC 3261 section 18.3", Force.MUST, over=STREAMS)
def several_at_once(bench: Bench) -> None:
    """Several messages may come in one piece."""
    peer = bench.peer()
    requests = [_asked(peer) for _ in range(3)]
    peer.send(b"".join(map(bytes, requests)))
    for request in requests:
        _answered(bench, peer, request)


@case("RFC 3261 section 18.3", Force.MUST, over=STREAMS)
def in_pieces(bench: Bench) -> None:
    """A message may come in pieces, cut anywhere."""
    peer = bench.peer()
    request = _asked(peer)
    data = bytes(request)
    end = data.index(b"\r\n\r\n")
    for start, stop in ((0, 3), (3, 40), (40, end + 1), (end + 1, end + 3), (end + 3, len(data))):
        peer.send(data[start:stop])
        time.sleep(PIECE)
    _answered(bench, peer, request)


@case("RFC 3261 section 18.3", Force.MUST, over=STREAMS)
def body_in_pieces(bench: Bench) -> None:
    """A body is as long as Content-Length says, though it looks like a message."""
    peer = bench.peer()
    inner = bytes(peer.request("OPTIONS"))
    request = peer.request("OPTIONS", body=inner, content_type="application/octet-stream")
    peer.remember(request)
    data = bytes(request)
    peer.send(data[: -len(inner)])
    time.sleep(PIECE)
    peer.send(inner)
    follower = _asked(peer)
    peer.send(follower)
    _answered(bench, peer, request)
    _answered(bench, peer, follower)
    extra = peer.take(lambda each: each.message is not None, within=0.5)
    if extra is not None:
        bench.blame("one response more than requests")


@case("RFC 3261 section 7.5", Force.SHOULD, over=STREAMS)
def line_breaks_between(bench: Bench) -> None:
    """Line breaks between messages are ignored."""
    peer = bench.peer()
    for _ in range(2):
        request = _asked(peer)
        peer.send(b"\r\n\r\n" + bytes(request) + b"\r\n")
        _answered(bench, peer, request)


@case("RFC 5626 section 4.4.1", Force.MUST, over=STREAMS)
def ping(bench: Bench) -> None:
    """Two line breaks are answered with one, where a registrar or proxy says that it supports outbound."""
    peer = bench.peer()
    request = _asked(peer)
    peer.send(request)
    response = peer.response(request, final=True)
    if response is None or "outbound" not in response.supported:
        bench.skip("it does not say that it supports outbound")
    line = peer.line
    assert isinstance(line, Stream)
    peer.send(b"\r\n\r\n")
    bench.quiet(1.0)
    if not line.pongs:
        bench.blame("nothing")


@case("RFC 3261 section 18.3", Force.MUST, over=STREAMS, hard=True)
def connections_are_apart(bench: Bench) -> None:
    """What is broken on one connection is no harm to another."""
    broken, peer = bench.peer("broken"), bench.peer()
    broken.send(b"INVITE sip:x SIP/2.0\r\nContent-Length: -5\r\n\r\n" + b"\0" * 500)
    request = _asked(peer)
    peer.send(request)
    _answered(bench, peer, request)


@case("RFC 3261 section 18.3", Force.MUST, over=("UDP",))
def octets_behind(bench: Bench) -> None:
    """Octets of a datagram behind the end of the body are thrown away."""
    peer = bench.peer()
    request = _asked(peer)
    peer.send(bytes(request) + b"OPTIONS sip:more SIP/2.0\r\n")
    _answered(bench, peer, request)


@case("RFC 3261 section 18.3", Force.SHOULD, over=("UDP",), hard=True)
def datagram_too_short(bench: Bench) -> None:
    """A datagram that ends before its body does is an error: a request gets 400."""
    peer = bench.peer()
    request = _asked(peer)
    peer.send(bytes(request).replace(b"Content-Length: 0", b"Content-Length: 500"))
    response = peer.response(request, final=True)
    if response is None:
        bench.blame("nothing")
    if response.status != 400:
        bench.blame(f"{response.status} {response.reason}")
