"""Judges: what an element of anybody's did, held against the text of the standards.

A judge is a plain function over what was sent and seen. It returns findings, none when all is well, and knows nothing
of how the messages came to be, so it serves in unit tests, in simulation, over sockets and over a capture::

    assert not check_response(request, response)

A judge doubts itself before it blames: what a proxy on the way may change is not compared, and what the request
itself has in a form that nobody can read is not held against its answer.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import attrs

from sip.errors import RemoteProtocolError
from sip.headers.name_addr import NameAddr
from sip.headers.via import Via
from sip.message.request import Request
from sip.message.response import Response


class Force(enum.Enum):
    """How strongly a source asks for something."""

    MUST = "MUST"
    SHOULD = "SHOULD"


@attrs.frozen(kw_only=True)
class Finding:
    """One thing that is not as its source wants it."""

    source: str  #: document and section, ``RFC 3261 section 8.2.6.2``
    force: Force
    clause: str  #: what the source asks for
    seen: str  #: what was there instead
    messages: tuple[Request | Response, ...]  #: what it was seen in, in the order of sending

    def __str__(self) -> str:
        return f"{self.source}: {self.force.value}: {self.clause}; seen: {self.seen}"


#: Header fields without which a status does not tell its receiver what to do: status, field, source.
_OWED: Final = (
    (401, "WWW-Authenticate", "RFC 3261 section 20, table 3"),
    (405, "Allow", "RFC 3261 section 21.4.6"),
    (407, "Proxy-Authenticate", "RFC 3261 section 20, table 3"),
    (420, "Unsupported", "RFC 3261 section 8.2.2.3"),
    (421, "Require", "RFC 3261 section 21.4.16"),
    (422, "Min-SE", "RFC 4028 section 9"),
    (423, "Min-Expires", "RFC 3261 section 10.3"),
)
T = TypeVar("T")
_Found = Iterator[tuple[str, Force, str, str]]


def check_response(request: Request, response: Response) -> list[Finding]:
    """Judge a response by the request that it answers, both as they were at one place on the way.

    Compared are Via, From, To, Call-ID and CSeq (RFC 3261 section 8.2.6.2), what a response that makes a dialog has to
    carry (section 12.1.1), what a request that is no INVITE may be answered (RFC 4320), and the header fields that a
    status owes. Pairing the two is the caller's work. Raises nothing, whatever the messages hold.
    """
    judged = (_copied, _to, _status, _dialog)
    return [
        Finding(source=source, force=force, clause=clause, seen=seen, messages=(request, response))
        for judge in judged
        for source, force, clause, seen in judge(request, response)
    ]


def _copied(request: Request, response: Response) -> _Found:
    """RFC 3261 section 8.2.6.2: what a response has from its request."""
    comparisons: tuple[tuple[str, Callable[[Request | Response], object]], ...] = (
        ("Via", lambda message: [_hop(via, top=place == 0) for place, via in enumerate(message.via)]),
        ("From", lambda message: _address(message.from_)),
        ("Call-ID", lambda message: message.call_id),
        ("CSeq", lambda message: message.cseq),
    )
    for name, read in comparisons:
        if not _same(name, read, request, response):
            yield "RFC 3261 section 8.2.6.2", Force.MUST, f"{name} equals that of the request", _line(response, name)


def _to(request: Request, response: Response) -> _Found:
    """RFC 3261 section 8.2.6.2: the To of the request, with a tag if it had none; 100 may go without."""
    source = "RFC 3261 section 8.2.6.2"
    asked = _read(lambda: request.to)
    if asked is None:
        return
    seen = _read(lambda: response.to)
    if seen is None:
        yield source, Force.MUST, "To can be read, as in the request", _line(response, "To")
    elif "tag" in asked.params:
        if _address(asked) != _address(seen):
            yield source, Force.MUST, "To equals that of a request which had a tag", _line(response, "To")
    else:
        if asked.uri != seen.uri:
            yield source, Force.MUST, "the URI in To equals that of the request", _line(response, "To")
        if response.status > 100 and not seen.params.get("tag"):
            yield source, Force.MUST, "To has a tag in every response but 100", _line(response, "To")


def _status(request: Request, response: Response) -> _Found:
    """What may be answered to what, and what belongs to it."""
    status = response.status
    if request.method == "ACK":
        yield "RFC 3261 section 17", Force.MUST, "nothing is answered to ACK", str(status)
    elif request.method != "INVITE":
        if 100 < status < 200:
            clause = "no provisional response but 100 to a request other than INVITE"
            yield "RFC 4320 section 4.1", Force.MUST, clause, str(status)
        if status == 408:
            yield "RFC 4320 section 4.2", Force.MUST, "no 408 to a request other than INVITE", str(status)
    for owing, name, source in _OWED:
        if status == owing and name not in response.headers:
            yield source, Force.MUST, f"{status} has {name}", _line(response, name)


def _dialog(request: Request, response: Response) -> _Found:
    """RFC 3261 sections 12.1.1 and 13.3.1.4: what a response to INVITE has that makes a dialog."""
    seen = _read(lambda: response.to)
    if request.method != "INVITE" or not 100 < response.status < 300 or seen is None or "tag" not in seen.params:
        return
    asked = _read(lambda: request.to)
    if asked is None or "tag" in asked.params:
        return  # a dialog has been made before
    if "Contact" not in response.headers:
        clause = "a response that makes a dialog has Contact"
        yield "RFC 3261 section 12.1.1", Force.MUST, clause, _line(response, "Contact")
    routes = _read(lambda: request.record_route)
    if routes:
        # Proxies nearer to the callee put theirs before these, never behind.
        kept = _read(lambda: response.record_route)
        if kept is None or kept[-len(routes) :] != routes:
            clause = "a response that makes a dialog has all Record-Route values of the request, in their order"
            yield "RFC 3261 section 12.1.1", Force.MUST, clause, _line(response, "Record-Route")
    if response.status >= 200:
        for name in ("Allow", "Supported"):
            if name not in response.headers:
                clause = f"a 2xx to INVITE has {name}"
                yield "RFC 3261 section 13.3.1.4", Force.SHOULD, clause, _line(response, name)


def _same(name: str, read: Callable[[Request | Response], object], request: Request, response: Response) -> bool:
    """Whether a field means the same in both; the spelling is free."""
    if request.headers.get_all(name) == response.headers.get_all(name):
        return True
    asked = _read(lambda: read(request))
    return asked is None or asked == _read(lambda: read(response))


def _hop(via: Via, *, top: bool) -> tuple[object, ...]:
    """A Via as it is compared: whoever got the request wrote into the topmost where it came from (RFC 3581)."""
    params = via.params.without("received", "rport") if top else via.params
    return via.transport.upper(), via.host.lower(), via.port, params


def _address(address: NameAddr) -> tuple[object, ...]:
    """From or To as it is compared: the name is for people."""
    return address.uri, address.params


def _read(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except RemoteProtocolError:
        return None


def _line(message: Request | Response, name: str) -> str:
    lines = message.headers.get_all(name)
    return "; ".join(f"{name}: {line}" for line in lines) or f"no {name}"
