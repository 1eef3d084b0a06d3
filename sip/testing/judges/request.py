"""Judge a request by itself: what RFC 3261 section 8.1.1, and the source of its method, want in it."""

from __future__ import annotations

from typing import Final

from sip.errors import MalformedHeader
from sip.headers.contact import STAR
from sip.headers.name_addr import NameAddr
from sip.headers.names import Shape, canonical_name, shape_of
from sip.message.request import Request
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.reading import (
    Found,
    cseq_of,
    from_tag,
    has_option,
    is_of_its_author,
    line,
    read,
    to_tag,
    top_via,
)

_COOKIE: Final = "z9hG4bK"
#: Header fields that a method cannot do without: method, field, source.
_OWED: Final = (
    ("SUBSCRIBE", "Event", "RFC 6665 section 3.1.2"),
    ("NOTIFY", "Event", "RFC 6665 section 3.2.1"),
    ("NOTIFY", "Subscription-State", "RFC 6665 section 4.1.3"),
    ("PRACK", "RAck", "RFC 3262 section 7, table 3"),
    ("UPDATE", "Contact", "RFC 3311 section 7, table 1"),
)
#: Methods that exist within a dialog alone, and the source of that.
_WITHIN: Final = {
    "BYE": ("RFC 3261 section 15", Force.MUST),
    "PRACK": ("RFC 3262 section 4", Force.SHOULD),
    "INFO": ("RFC 6086 section 4.2.1", Force.MUST),
    "UPDATE": ("RFC 3311 section 5.1", Force.SHOULD),
}
#: Methods whose first request may make a dialog.
_DIALOG_CREATING: Final = {
    "INVITE": "RFC 3261 section 8.1.1.8",
    "SUBSCRIBE": "RFC 3261 section 8.1.1.8",
    "REFER": "RFC 3515 section 2.2",
}
#: Sources of the grammar of what RFC 3261 does not have.
_GRAMMAR: Final = {
    "event": "RFC 6665 section 8.4",
    "allow-events": "RFC 6665 section 8.4",
    "subscription-state": "RFC 6665 section 8.4",
    "session-expires": "RFC 4028 section 4",
    "min-se": "RFC 4028 section 5",
    "rack": "RFC 3262 section 10",
    "rseq": "RFC 3262 section 10",
    "refer-to": "RFC 3515 section 2.1",
    "replaces": "RFC 3891 section 6.1",
    "reason": "RFC 3326 section 2",
    "privacy": "RFC 3323 section 4.2",
    "path": "RFC 3327 section 4",
}
#: What RFC 3261 section 20 describes, beside what every request has.
_OF_RFC_3261: Final = frozenset(
    (
        *("via", "from", "to", "contact", "route", "record-route", "cseq", "call-id", "max-forwards", "content-length"),
        *("content-type", "supported", "require", "proxy-require", "unsupported", "allow", "expires", "min-expires"),
        *("date", "timestamp", "retry-after", "warning", "accept", "reply-to", "authorization", "proxy-authorization"),
        *("www-authenticate", "proxy-authenticate", "content-disposition"),
    )
)


def check_request(request: Request, *, transport: str | None = None) -> list[Finding]:
    """Judge a request as it passed one place; ``transport`` is what carried it, if that is known.

    Looked at are the fields that every request has, the hop that its sender put on top of Via, the grammar of what can
    be read, and what the method needs. Raises nothing, whatever the message holds.
    """
    judged = (_mandatory, _legible, _hop, _dialog_of, _contact, _method, _session_timer, _body)
    found = [each for judge in judged for each in judge(request)]
    if transport is not None:
        found += _carried(request, transport)
    return [
        Finding(source=source, force=force, clause=clause, seen=seen, messages=(request,))
        for source, force, clause, seen in found
    ]


def _mandatory(request: Request) -> Found:
    """RFC 3261 section 8.1.1: six fields that are in all requests, and what is in them."""
    for name in ("To", "From", "CSeq", "Call-ID", "Max-Forwards", "Via"):
        if name not in request.headers:
            yield "RFC 3261 section 8.1.1", Force.MUST, f"every request has {name}", f"no {name}"
    if "From" in request.headers and read(lambda: request.from_) is not None and not from_tag(request):
        yield "RFC 3261 section 8.1.1.3", Force.MUST, "From has a tag", line(request, "From")
    cseq = cseq_of(request)
    if cseq is not None:
        if cseq.method != request.method:
            clause = "the method in CSeq is that of the request"
            yield "RFC 3261 section 8.1.1.5", Force.MUST, clause, line(request, "CSeq")
        if cseq.number >= 2**31:
            yield "RFC 3261 section 8.1.1.5", Force.MUST, "CSeq is less than 2**31", line(request, "CSeq")
    hops = read(lambda: request.max_forwards)
    if hops is not None and hops != 70 and is_of_its_author(request) and request.method != "ACK":
        yield "RFC 3261 section 8.1.1.6", Force.SHOULD, "Max-Forwards begins with 70", line(request, "Max-Forwards")


def _legible(request: Request) -> Found:
    """What is there can be read, and is there once where it may only be once."""
    for key, lines in request.headers.by_key.items():
        name = canonical_name(key)
        if len(lines) > 1 and shape_of(key) is Shape.SINGLE:
            clause = f"{name} holds one value, and comes once"
            yield "RFC 3261 section 7.3.1", Force.MUST, clause, line(request, name)
            continue
        source = "RFC 3261 section 25.1" if key in _OF_RFC_3261 else _GRAMMAR.get(key)
        if source is None:
            continue
        try:
            request.header(name)
        except MalformedHeader:
            seen = f"{name} that cannot be read" if "auth" in key else line(request, name)
            yield source, Force.MUST, f"{name} follows its grammar", seen
    if read(lambda: request.uri) is None:
        yield "RFC 3261 section 25.1", Force.MUST, "the Request-URI is a URI", request._start_line()


def _hop(request: Request) -> Found:
    """RFC 3261 sections 8.1.1.7 and 16.6: the topmost Via, which whoever sent this has put there, and its route."""
    via = top_via(request)
    if via is not None:
        branch = via.params.get("branch")
        if not branch:
            yield "RFC 3261 section 8.1.1.7", Force.MUST, "Via has a branch", line(request, "Via")
        elif not branch.startswith(_COOKIE):
            clause = f"the branch begins with {_COOKIE}"
            yield "RFC 3261 section 8.1.1.7", Force.MUST, clause, line(request, "Via")
    if request.method == "CANCEL" and len(read(lambda: request.via) or (via,)) > 1:
        yield "RFC 3261 section 9.1", Force.MUST, "CANCEL has a single Via", line(request, "Via")
    routes = read(lambda: request.record_route)
    if routes:
        uri = read(lambda: routes[0].uri)
        if uri is not None and "lr" not in uri.params:
            clause = "what a proxy puts into Record-Route has lr"
            yield "RFC 3261 section 16.6 item 4", Force.MUST, clause, line(request, "Record-Route")


def _carried(request: Request, transport: str) -> Found:
    """RFC 3261 sections 18.1.1 and 18.3: what the transport asks for."""
    via = top_via(request)
    if via is not None and via.transport.upper() != transport.upper():
        clause = f"Via names the transport that is used, {transport.upper()}"
        yield "RFC 3261 section 18.1.1", Force.MUST, clause, line(request, "Via")
    if transport.upper() != "UDP" and "Content-Length" not in request.headers:
        yield "RFC 3261 section 18.3", Force.MUST, "on a stream there is Content-Length", "no Content-Length"


def _dialog_of(request: Request) -> Found:
    """Requests that exist within dialogs alone."""
    if request.method in _WITHIN and read(lambda: request.to) is not None and not to_tag(request):
        source, force = _WITHIN[request.method]
        yield source, force, f"{request.method} is sent within a dialog", line(request, "To")


def _contact(request: Request) -> Found:
    """RFC 3261 section 8.1.1.8: where whoever makes a dialog is reached."""
    source = _DIALOG_CREATING.get(request.method)
    contacts = read(lambda: request.contact)
    if source is None or contacts is None or to_tag(request):
        return
    if len(contacts) != 1 or contacts[0] is STAR:
        clause = f"{request.method} has exactly one Contact"
        yield source, Force.MUST, clause, line(request, "Contact")
        return
    contact = contacts[0]
    assert isinstance(contact, NameAddr)
    uri, asked = read(lambda: contact.uri), read(lambda: request.uri)
    if uri is not None and uri.scheme not in ("sip", "sips"):
        yield source, Force.MUST, "Contact is a SIP or SIPS URI", line(request, "Contact")
    elif uri is not None and asked is not None and asked.scheme == "sips" != uri.scheme and is_of_its_author(request):
        clause = "Contact is a SIPS URI where the Request-URI is one"
        yield "RFC 3261 section 8.1.1.8", Force.MUST, clause, line(request, "Contact")


def _method(request: Request) -> Found:
    """What the method wants."""
    for method, name, source in _OWED:
        if method == request.method and name not in request.headers:
            yield source, Force.MUST, f"{method} has {name}", f"no {name}"
    match request.method:
        case "INVITE" if not to_tag(request):
            for name in ("Allow", "Supported"):
                if name not in request.headers:
                    yield "RFC 3261 section 13.2.1", Force.SHOULD, f"INVITE has {name}", f"no {name}"
        case "CANCEL":
            for name in ("Require", "Proxy-Require"):
                if name in request.headers:
                    yield "RFC 3261 section 9.1", Force.MUST, f"CANCEL has no {name}", line(request, name)
        case "REGISTER":
            yield from _register(request)
        case "REFER":
            if len(request.headers.get_all("Refer-To")) != 1:
                clause = "REFER has exactly one Refer-To"
                yield "RFC 3515 section 2.4.1", Force.MUST, clause, line(request, "Refer-To")
        case "SUBSCRIBE" if "Expires" not in request.headers:
            yield "RFC 6665 section 3.1.1", Force.SHOULD, "SUBSCRIBE has Expires", "no Expires"
    if request.method != "INVITE" and has_option(request, "Require", "100rel"):
        yield "RFC 3262 section 4", Force.MUST, "INVITE alone requires 100rel", line(request, "Require")


def _register(request: Request) -> Found:
    """RFC 3261 sections 10.2 and 10.2.2."""
    uri = read(lambda: request.uri)
    if uri is not None and uri.user is not None:
        clause = "the Request-URI of REGISTER is a domain, without user and @"
        yield "RFC 3261 section 10.2", Force.MUST, clause, str(uri)
    to = read(lambda: request.to.uri)
    if to is not None and to.scheme not in ("sip", "sips"):
        yield "RFC 3261 section 10.2", Force.MUST, "To of REGISTER is a SIP or SIPS URI", line(request, "To")
    contacts = read(lambda: request.contact) or ()
    if STAR in contacts and (read(lambda: request.expires) != 0 or len(contacts) > 1):
        clause = "Contact: * stands alone, and with Expires: 0"
        seen = f"{line(request, 'Contact')}, {line(request, 'Expires')}"
        yield "RFC 3261 section 10.2.2", Force.MUST, clause, seen


def _session_timer(request: Request) -> Found:
    """RFC 4028 sections 4, 5 and 7.1."""
    interval, least = read(lambda: request.session_expires), read(lambda: request.min_se)
    if least is not None and least < 90:
        yield "RFC 4028 section 5", Force.MUST, "Min-SE is not less than 90", line(request, "Min-SE")
    if interval is None:
        return
    seen = line(request, "Session-Expires")
    if request.method not in ("INVITE", "UPDATE"):
        clause = "Session-Expires is placed only in INVITE and UPDATE"
        yield "RFC 4028 section 4", Force.SHOULD, clause, seen
    if interval.interval < 90:
        yield "RFC 4028 section 4", Force.SHOULD, "Session-Expires is not less than 90", seen
    elif least is not None and interval.interval < least:
        yield "RFC 4028 section 7.1", Force.MUST, "Session-Expires is not less than Min-SE", seen


def _body(request: Request) -> Found:
    """RFC 3261 section 20.15: what a body is must be said."""
    if request.body and "Content-Type" not in request.headers:
        yield "RFC 3261 section 20.15", Force.MUST, "a body has Content-Type", f"{len(request.body)} octets"
