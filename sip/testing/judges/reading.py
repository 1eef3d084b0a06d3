"""Reading what may be illegible: a judge never raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from sip.errors import RemoteProtocolError, SipError
from sip.headers.cseq import CSeq
from sip.headers.name_addr import NameAddr
from sip.headers.rack import RAck
from sip.headers.via import Via
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.testing.judges.finding import Force

T = TypeVar("T")
#: What the rules of a judge yield: source, force, clause, what was seen.
Found = Iterator[tuple[str, Force, str, str]]


def read(value: Callable[[], T]) -> T | None:
    """A value, None where nobody can read it."""
    try:
        return value()
    except (RemoteProtocolError, SipError):
        return None


def line(message: Request | Response, name: str) -> str:
    """The header field as it was written, for people."""
    lines = message.headers.get_all(name)
    return "; ".join(f"{name}: {each}" for each in lines) or f"no {name}"


def start_line(message: Request | Response) -> str:
    """The first line of a message."""
    return bytes(message).split(b"\r\n", 1)[0].decode("utf-8", "replace")


def top_via(message: Request | Response) -> Via | None:
    """The hop that a message is on."""
    vias = read(lambda: message.via)
    return vias[0] if vias else None


def is_of_its_author(request: Request) -> bool:
    """Whether a request comes straight from whoever wrote it."""
    vias = read(lambda: request.via)
    return vias is not None and len(vias) == 1


def cseq_of(message: Request | Response) -> CSeq | None:
    """CSeq, if it can be read."""
    return read(lambda: message.cseq)


def call_id_of(message: Request | Response) -> str | None:
    """Call-ID, if it can be read."""
    return read(lambda: message.call_id)


def from_tag(message: Request | Response) -> str | None:
    """The tag of From, None without one."""
    found = read(lambda: message.from_)
    return None if found is None else found.params.get("tag")


def to_tag(message: Request | Response) -> str | None:
    """The tag of To, None without one."""
    found = read(lambda: message.to)
    return None if found is None else found.params.get("tag")


def from_uri(message: Request | Response) -> Uri | None:
    """The URI of From."""
    return read(lambda: message.from_.uri)


def to_uri(message: Request | Response) -> Uri | None:
    """The URI of To."""
    return read(lambda: message.to.uri)


def request_uri(request: Request) -> Uri | None:
    """The Request-URI."""
    return read(lambda: request.uri)


def routes(message: Request | Response) -> list[Uri] | None:
    """The URIs of Route; None where it cannot be read."""
    return read(lambda: [each.uri for each in message.route])


def recorded(message: Request | Response) -> list[Uri] | None:
    """The URIs of Record-Route; None where it cannot be read."""
    return read(lambda: [each.uri for each in message.record_route])


def rseq_of(message: Request | Response) -> int | None:
    """RSeq, if it can be read."""
    value = read(lambda: message.header("RSeq"))
    return value if isinstance(value, int) else None


def rack_of(message: Request | Response) -> tuple[int, int, str] | None:
    """The numbers of RAck, and the method."""
    value = read(lambda: message.header("RAck"))
    return (value.rseq, value.cseq, value.method) if isinstance(value, RAck) else None


def target_of(message: Request | Response) -> Uri | None:
    """The URI of the only Contact."""
    contacts = read(lambda: message.contact)
    if contacts is None or len(contacts) != 1 or not isinstance(contacts[0], NameAddr):
        return None
    address = contacts[0]
    return read(lambda: address.uri)


def has_option(message: Request | Response, name: str, option: str) -> bool:
    """Whether an option-tag stands in Supported or Require."""
    lines = message.headers.get_all(name)
    return any(option == each.strip().lower() for text in lines for each in text.split(","))
