"""What must hold whatever is sent: plain functions over what crossed a network and what was kept.

Each returns complaints in words, none when all is well. They know nothing of how the traffic was made::

    complaints = [*unanswered(crossings), *leftovers(alice=alice.endpoint.sizes), *faults(alice=alice.events)]
    assert not complaints, complaints
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import attrs

from sip.errors import RemoteProtocolError
from sip.events import Event
from sip.faults import InternalFault
from sip.headers.via import Via
from sip.message.parsing import parse_message
from sip.message.request import Request
from sip.message.response import Response
from sip.message.stream import Keepalive, StreamParser


@attrs.frozen(kw_only=True)
class Crossing:
    """Bytes that an element sent, and what arrived of them at another."""

    sender: str
    receiver: str | None  #: None where nobody is
    flow: object = None  #: what names the connection; None for a datagram
    sent: bytes
    arrived: bytes
    at: float = 0.0  #: seconds, when it arrived, where somebody counts them


#: Whether an element may leave a request unanswered: it is given the name of the element and the request.
Excuse = Callable[[str, Request], bool]


def _no_excuse(receiver: str, request: Request) -> bool:
    return False


def unanswered(crossings: Iterable[Crossing], excuse: Excuse = _no_excuse) -> list[str]:
    """Complain of each request but ACK and BENOTIFY that did not get exactly one final answer.

    Only of those whose top Via can be read, because nobody knows where the answers to others go; and not of those
    that name a ``maddr``, which may be any host. An answer that is repeated is one answer; a request that is repeated
    on a connection, where nothing is, may have another.
    """
    crossed = list(crossings)
    asked = _requests(crossed)
    answers = _answers(crossed)
    complaints = []
    for (receiver, key), (request, times) in asked.items():
        found = answers.get((receiver, key), {})
        if 1 <= len(found) <= times or (not found and excuse(receiver, request)):
            continue
        if len(found) > 1 and request.method == "INVITE" and all(200 <= status < 300 for status, _ in found):
            continue  # each fork has its own
        statuses = ", ".join(str(status) for status, _ in found) or "nothing"
        complaints.append(f"{receiver} answered {statuses} to {bytes(request)[:2000].decode('utf-8', 'replace')}")
    return complaints


Key = tuple[str, str, str]  #: host and branch of the top Via, and CSeq as it is written


def _requests(crossed: list[Crossing]) -> dict[tuple[str, Key], tuple[Request, int]]:
    """Each request that arrived somewhere, once, with how many answers it may have."""
    parsers: dict[object, StreamParser] = {}
    found: dict[tuple[str, Key], tuple[Request, int]] = {}
    for crossing in crossed:
        if crossing.receiver is None:
            continue
        if crossing.flow is None:
            read: Sequence[Request | Response | None] = [_read(crossing.arrived)]
        else:
            read = _read_stream(parsers.setdefault(crossing.flow, StreamParser()), crossing.arrived)
        for message in read:
            if not isinstance(message, Request) or message.method in ("ACK", "BENOTIFY"):
                continue
            via = _top_via(message)
            if via is not None and via.params.get("maddr") is None:
                key = crossing.receiver, _key(message, via)
                before = found[key][1] if key in found and crossing.flow is not None else 0
                found[key] = message, before + 1
    return found


def _answers(crossed: list[Crossing]) -> dict[tuple[str, Key], dict[tuple[int, str], None]]:
    """The different final answers to each request, by who sent them."""
    found: dict[tuple[str, Key], dict[tuple[int, str], None]] = {}
    for crossing in crossed:
        message = _read(crossing.sent)
        via = None if not isinstance(message, Response) or message.status < 200 else _top_via(message)
        if isinstance(message, Response) and via is not None:
            answer = message.status, message.headers.get("To", "") or ""
            found.setdefault((crossing.sender, _key(message, via)), {})[answer] = None
    return found


def met_with_silence(crossings: Iterable[Crossing], element: str, request: Request) -> bool:
    """Whether an element passed a request on, and no final answer to that came which could go back.

    That is the one case in which a proxy says nothing: 408 to anything but INVITE would come too late, and is not
    passed on either (RFC 4320 section 4.2).
    """
    crossed = list(crossings)
    via = _top_via(request)
    if via is None:
        return False
    asked, passed_on = _key(request, via), set()
    for crossing in crossed:
        copy = _read(crossing.sent) if crossing.sender == element else None
        if isinstance(copy, Request) and len(vias := _vias(copy)) > 1 and _key(copy, vias[1]) == asked:
            passed_on.add(_key(copy, vias[0]))
    return bool(passed_on) and passed_on.isdisjoint(_came_back(crossed, element))


def _came_back(crossed: list[Crossing], element: str) -> Iterator[Key]:
    """What the final answers but 408 that an element got and can read are answers to."""
    parsers: dict[object, StreamParser] = {}
    for crossing in crossed:
        if crossing.receiver != element:
            continue
        if crossing.flow is None:
            messages = _read_whole(crossing.arrived)
        else:
            messages = _read_stream(parsers.setdefault(crossing.flow, StreamParser()), crossing.arrived, whole=True)
        for message in messages:
            via = _top_via(message)
            final = isinstance(message, Response) and message.status >= 200 and message.status != 408
            if final and via is not None and _is_whole(message):
                yield _key(message, via)


def _key(message: Request | Response, via: Via) -> Key:
    return via.host.lower(), via.branch or message.headers.get("Call-ID", "") or "", _cseq(message)


def _cseq(message: Request | Response) -> str:
    """CSeq as everybody writes it: leading zeros make no other number."""
    try:
        return str(message.cseq)
    except RemoteProtocolError:
        return message.headers.get("CSeq", "") or ""


def _read(data: bytes) -> Request | Response | None:
    try:
        return parse_message(data)
    except RemoteProtocolError as error:
        received = error.received
        return received if isinstance(received, Request | Response) else None


def _is_whole(message: Request | Response) -> bool:
    """Whether it passes the edge: what does not is dropped, as if it had never come."""
    try:
        message.check()
    except RemoteProtocolError:
        return False
    return True


def _read_whole(data: bytes) -> list[Request | Response]:
    try:
        return [parse_message(data)]
    except RemoteProtocolError:
        return []


def _read_stream(parser: StreamParser, data: bytes, *, whole: bool = False) -> list[Request | Response]:
    """What is in a stream from here on; with ``whole`` without what is broken."""
    found: list[Request | Response] = []
    while not parser.closed:
        try:
            items = parser.receive_data(data)
        except RemoteProtocolError as error:
            if isinstance(error.received, Request | Response) and not whole:
                found.append(error.received)
        else:
            found += [item for item in items if not isinstance(item, Keepalive)]
            if not parser.failing:
                break
        data = b""
    return found


def _vias(message: Request | Response) -> Sequence[Via]:
    try:
        return message.via
    except RemoteProtocolError:
        return ()


def _top_via(message: Request | Response) -> Via | None:
    return next(iter(_vias(message)), None)


def leftovers(**sizes: Mapping[str, int]) -> list[str]:
    """Complain of whatever elements still keep: transactions, dialogs, sessions, contexts, timers."""
    return [
        f"{element} still has {number} {what}"
        for element, kept in sizes.items()
        for what, number in kept.items()
        if number
    ]


def faults(**events: Iterable[Event]) -> list[str]:
    """Complain of whatever raised in an element."""
    return [
        f"{element}: {event.doing}: {event.error}\n{event.message.decode('utf-8', 'replace')}"
        for element, all_of_them in events.items()
        for event in all_of_them
        if isinstance(event, InternalFault)
    ]
