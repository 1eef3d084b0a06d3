"""Judge a response by the request that it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sip.headers.name_addr import NameAddr
from sip.headers.via import Via
from sip.message.request import Request
from sip.message.response import Response
from sip.testing.judges.finding import Finding, Force
from sip.testing.judges.reading import Found, has_option, line, read

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


def check_response(request: Request, response: Response) -> list[Finding]:
    """Judge a response by the request that it answers, both as they were at one place on the way.

    Compared are Via, From, To, Call-ID and CSeq (RFC 3261 section 8.2.6.2), what a response that makes a dialog has to
    carry (section 12.1.1), what a request that is no INVITE may be answered (RFC 4320), the header fields that a
    status owes, and what goes with 100rel (RFC 3262), session timers (RFC 4028) and subscriptions (RFC 6665). Pairing
    the two is the caller's work. Raises nothing, whatever the messages hold.
    """
    judged = (_copied, _to, _status, _dialog, _reliability, _session_timer, _subscription, _body)
    return [
        Finding(source=source, force=force, clause=clause, seen=seen, messages=(request, response))
        for judge in judged
        for source, force, clause, seen in judge(request, response)
    ]


def _copied(request: Request, response: Response) -> Found:
    """RFC 3261 section 8.2.6.2: what a response has from its request."""
    comparisons: tuple[tuple[str, Callable[[Request | Response], object]], ...] = (
        ("Via", lambda message: [_hop(via, top=place == 0) for place, via in enumerate(message.via)]),
        ("From", lambda message: _address(message.from_)),
        ("Call-ID", lambda message: message.call_id),
        ("CSeq", lambda message: message.cseq),
    )
    for name, value in comparisons:
        if not _same(name, value, request, response):
            yield "RFC 3261 section 8.2.6.2", Force.MUST, f"{name} equals that of the request", line(response, name)


def _to(request: Request, response: Response) -> Found:
    """RFC 3261 section 8.2.6.2: the To of the request, with a tag if it had none; 100 may go without."""
    source = "RFC 3261 section 8.2.6.2"
    asked = read(lambda: request.to)
    if asked is None:
        return
    seen = read(lambda: response.to)
    if seen is None:
        yield source, Force.MUST, "To can be read, as in the request", line(response, "To")
    elif "tag" in asked.params:
        if _address(asked) != _address(seen):
            yield source, Force.MUST, "To equals that of a request which had a tag", line(response, "To")
    else:
        if asked.uri != seen.uri:
            yield source, Force.MUST, "the URI in To equals that of the request", line(response, "To")
        if response.status > 100 and not seen.params.get("tag"):
            yield source, Force.MUST, "To has a tag in every response but 100", line(response, "To")


def _status(request: Request, response: Response) -> Found:
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
            yield source, Force.MUST, f"{status} has {name}", line(response, name)


def _dialog(request: Request, response: Response) -> Found:
    """RFC 3261 sections 12.1.1 and 13.3.1.4: what a response to INVITE has that makes a dialog."""
    seen = read(lambda: response.to)
    if request.method != "INVITE" or not 100 < response.status < 300 or seen is None or "tag" not in seen.params:
        return
    asked = read(lambda: request.to)
    if asked is None or "tag" in asked.params:
        return  # a dialog has been made before
    if "Contact" not in response.headers:
        # RFC 3261 section 12.1.1 says MUST of every response that makes a dialog, table 2 of section 20 "optional" of
        # a 1xx.
        force = Force.MUST if response.status >= 200 else Force.SHOULD
        clause = "a response that makes a dialog has Contact"
        yield "RFC 3261 section 12.1.1", force, clause, line(response, "Contact")
    routes = read(lambda: request.record_route)
    if routes:
        # Proxies nearer to the callee put theirs before these, never behind.
        kept = read(lambda: response.record_route)
        if kept is None or kept[-len(routes) :] != routes:
            clause = "a response that makes a dialog has all Record-Route values of the request, in their order"
            yield "RFC 3261 section 12.1.1", Force.MUST, clause, line(response, "Record-Route")
    if response.status >= 200:
        for name in ("Allow", "Supported"):
            if name not in response.headers:
                clause = f"a 2xx to INVITE has {name}"
                yield "RFC 3261 section 13.3.1.4", Force.SHOULD, clause, line(response, name)


def _reliability(request: Request, response: Response) -> Found:
    """RFC 3262 section 3: what may be sent reliably, and what belongs to that."""
    source = "RFC 3262 section 3"
    if not has_option(response, "Require", "100rel") and "RSeq" not in response.headers:
        if 100 < response.status < 200 and request.method == "INVITE" and has_option(request, "Require", "100rel"):
            clause = "provisional responses but 100 are sent reliably where the request requires 100rel"
            yield source, Force.MUST, clause, "no RSeq"
        return
    if not 100 < response.status < 200:
        if response.status == 100:
            yield source, Force.MUST, "100 is not sent reliably", line(response, "RSeq")
        return
    for name, missing in (
        ("RSeq", "RSeq" not in response.headers),
        ("Require", not has_option(response, "Require", "100rel")),
    ):
        if missing:
            clause = "a reliable provisional response has RSeq, and Require with 100rel"
            yield source, Force.MUST, clause, line(response, name)
    number = read(lambda: int(response.headers.get("RSeq") or "1"))
    if number is not None and not 1 <= number < 2**32:
        yield "RFC 3262 section 7.1", Force.MUST, "RSeq is between 1 and 2**32 - 1", line(response, "RSeq")
    if not has_option(request, "Supported", "100rel") and not has_option(request, "Require", "100rel"):
        clause = "no provisional response is sent reliably to a request without 100rel"
        yield source, Force.MUST, clause, line(response, "RSeq")


def _session_timer(request: Request, response: Response) -> Found:
    """RFC 4028 sections 4, 5 and 9: Session-Expires in a 2xx."""
    if request.method not in ("INVITE", "UPDATE"):
        return
    if "Min-SE" in response.headers and response.status != 422:
        yield "RFC 4028 section 5", Force.MUST, "of responses 422 alone has Min-SE", line(response, "Min-SE")
    given = read(lambda: response.session_expires)
    if given is None or not 200 <= response.status < 300:
        return
    source, seen = "RFC 4028 section 9", line(response, "Session-Expires")
    asked = read(lambda: request.session_expires)
    wanted = read(lambda: request.min_se)
    least = max(wanted or 90, 90)
    if given.interval < least:
        yield source, Force.MUST, f"Session-Expires is not below {least}, the Min-SE of the request or 90", seen
    if asked is not None and given.interval > asked.interval:
        yield source, Force.MUST, "Session-Expires of the request is not increased", seen
    if given.refresher is None:
        yield source, Force.MUST, "Session-Expires in a 2xx names the refresher", seen
    elif asked is not None and asked.refresher is not None and given.refresher != asked.refresher:
        yield source, Force.MUST, f"the refresher is who the request chose, {asked.refresher}", seen
    elif given.refresher == "uac" and not has_option(response, "Require", "timer"):
        yield source, Force.MUST, "a 2xx that lets the UAC refresh requires timer", line(response, "Require")


def _subscription(request: Request, response: Response) -> Found:
    """RFC 6665 section 4.2.1.1: Expires in a 2xx to SUBSCRIBE."""
    if request.method != "SUBSCRIBE" or not 200 <= response.status < 300:
        return
    if "Expires" not in response.headers:
        clause = "a 2xx to SUBSCRIBE says in Expires how long it lasts"
        yield "RFC 6665 section 4.1.2.1", Force.SHOULD, clause, "no Expires"
    asked, given = read(lambda: request.expires), read(lambda: response.expires)
    if asked is not None and given is not None and given > asked:
        clause = "the time of a subscription is not lengthened"
        yield "RFC 6665 section 4.2.1.1", Force.MUST, clause, f"{given} in place of {asked} s"


def _body(request: Request, response: Response) -> Found:
    """RFC 3261 section 20.15: what a body is must be said."""
    if response.body and "Content-Type" not in response.headers:
        yield "RFC 3261 section 20.15", Force.MUST, "a body has Content-Type", f"{len(response.body)} octets"


def _same(name: str, value: Callable[[Request | Response], object], request: Request, response: Response) -> bool:
    """Whether a field means the same in both; the spelling is free."""
    if request.headers.get_all(name) == response.headers.get_all(name):
        return True
    asked = read(lambda: value(request))
    return asked is None or asked == read(lambda: value(response))


def _hop(via: Via, *, top: bool) -> tuple[object, ...]:
    """A Via as it is compared: whoever got the request wrote into the topmost where it came from (RFC 3581)."""
    params = via.params.without("received", "rport") if top else via.params
    return via.transport.upper(), via.host.lower(), via.port, params


def _address(address: NameAddr) -> tuple[object, ...]:
    """From or To as it is compared: the name is for people."""
    return address.uri, address.params
