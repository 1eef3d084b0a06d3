"""What an element acts on, and what becomes of a message in which that cannot be read: the rule of the edge as a table.

Everything that a message makes an element do is read before anything changes. Whatever else is in the message is not
looked at: a proxy forwards it as it came (RFC 3261 section 16.3 step 1), a user agent that is asked for it later finds
that it is absent (`Message.ignore_unreadable`). A header that may come once and comes twice says nothing
(section 7.3.1); a request is refused for that where somebody acts on the header, and only there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from sip.core.dialog import must_fit_request_line
from sip.errors import RemoteProtocolError
from sip.headers.names import Shape, canonical_name, shape_of
from sip.message.header_values import HeaderValues
from sip.message.request import Request
from sip.message.response import Response


class Element(enum.Enum):
    """In which part an endpoint gets a request."""

    __hash__ = object.__hash__

    USER_AGENT = "user agent, outside of a dialog"
    IN_DIALOG = "user agent, inside of a dialog"
    REGISTRAR = "registrar"
    PROXY = "proxy"


class Action(enum.Enum):
    """What is done when a header that is acted on cannot be read, or holds what cannot be used."""

    REFUSE = "400"  #: a request only; ACK and BENOTIFY, which nobody answers, are dropped
    IGNORE = "as if it were absent, and recorded as a defect"
    END = "ACK, then BYE"  #: a 2xx to INVITE, which has begun a session (RFC 3261 section 13.2.2.4)


_REFUSE, _IGNORE, _END = Action.REFUSE, Action.IGNORE, Action.END

#: Of every request that a user agent takes. What the two headers of a body say is nothing to the endpoint itself: it
#: goes on as if they were absent. Whoever reads bodies judges by `refusal_of_body`, for every method in the same way: a
#: Content-Type that cannot be read is 400, none where there is a body 415 (section 20.15: it must be there), while a
#: Content-Disposition that cannot be read is none (section 20.11: the body is required, for its usual purpose).
_ANY: Final = {
    "require": _REFUSE,
    "content-type": _IGNORE,
    "content-disposition": _IGNORE,
    "supported": _IGNORE,
    "accept": _IGNORE,
}
#: Of what begins a dialog: where its requests will go (section 12.1.1). Whether that is a place where they can go is
#: judged by `Dialog.from_request`, which comes before anything else that is done.
_BEGINS: Final = {"contact": _REFUSE, "record-route": _REFUSE}
#: Of what may change where they go: what cannot be used does not replace what can.
_REFRESHES: Final = {"contact": _IGNORE, "record-route": _IGNORE}
_TIMER: Final = {"session-expires": _REFUSE, "min-se": _REFUSE}
_SUBSCRIBE: Final = {"event": _REFUSE, "expires": _REFUSE}
_NOTIFY: Final = {"event": _REFUSE, "subscription-state": _REFUSE}
_REFER: Final = {"refer-to": _REFUSE, "refer-sub": _IGNORE}
_PUBLISH: Final = {"event": _REFUSE, "expires": _REFUSE, "sip-if-match": _REFUSE}
#: A proxy: section 16.3, RFC 5393 section 5.3. Via, Request-URI and Max-Forwards are read in any case.
_PROXY: Final = {"route": _REFUSE, "proxy-require": _REFUSE, "max-breadth": _IGNORE}
#: It stays on the way of what begins a dialog; Contact and Record-Route help to tell by which flow it goes back.
_RECORDED: Final = {**_PROXY, "contact": _IGNORE, "record-route": _IGNORE}

#: By element and method; "" stands for every other method.
REQUESTS: Final[Mapping[tuple[Element, str], Mapping[str, Action]]] = {
    (Element.USER_AGENT, ""): _ANY,
    (Element.USER_AGENT, "INVITE"): {**_ANY, **_BEGINS, **_TIMER},
    (Element.USER_AGENT, "SUBSCRIBE"): {**_ANY, **_BEGINS, **_SUBSCRIBE},
    (Element.USER_AGENT, "NOTIFY"): {**_ANY, **_BEGINS, **_NOTIFY},
    (Element.USER_AGENT, "BENOTIFY"): {**_ANY, **_BEGINS, **_NOTIFY},
    (Element.USER_AGENT, "REFER"): {**_ANY, **_BEGINS, **_REFER},
    (Element.USER_AGENT, "PUBLISH"): {**_ANY, **_PUBLISH},
    (Element.IN_DIALOG, ""): _ANY,
    (Element.IN_DIALOG, "INVITE"): {**_ANY, **_REFRESHES, **_TIMER},
    (Element.IN_DIALOG, "UPDATE"): {**_ANY, **_REFRESHES, **_TIMER},
    (Element.IN_DIALOG, "PRACK"): {**_ANY, "rack": _REFUSE},
    (Element.IN_DIALOG, "SUBSCRIBE"): {**_ANY, **_REFRESHES, **_SUBSCRIBE},
    (Element.IN_DIALOG, "NOTIFY"): {**_ANY, **_REFRESHES, **_NOTIFY},
    (Element.IN_DIALOG, "BENOTIFY"): {**_ANY, **_REFRESHES, **_NOTIFY},
    (Element.IN_DIALOG, "REFER"): {**_ANY, **_REFRESHES, **_REFER},
    # RFC 3261 section 10.2.1.1: a duration that cannot be read is the default.
    (Element.REGISTRAR, ""): {**_ANY, "contact": _REFUSE, "path": _REFUSE, "expires": _IGNORE},
    (Element.PROXY, ""): _PROXY,
    (Element.PROXY, "INVITE"): _RECORDED,
    (Element.PROXY, "SUBSCRIBE"): _RECORDED,
    (Element.PROXY, "REFER"): _RECORDED,
}

#: Of every response to a request of a user agent.
_ANY_RESPONSE: Final = {
    "content-type": _IGNORE,
    "content-disposition": _IGNORE,
    "require": _IGNORE,
    "supported": _IGNORE,
    "retry-after": _IGNORE,
}
_EVENT_2XX: Final = {
    **{"contact": _IGNORE, "record-route": _IGNORE, "expires": _IGNORE},  # its first NOTIFY says the same again
    **{"subscription-state": _IGNORE, "refer-sub": _IGNORE, "ms-piggyback-cseq": _IGNORE},
}

#: By method and class of status; ("", 0) stands for every other. A proxy reads Via and CSeq of a response, no more.
RESPONSES: Final[Mapping[tuple[str, int], Mapping[str, Action]]] = {
    ("", 0): _ANY_RESPONSE,
    ("INVITE", 1): {**_ANY_RESPONSE, "contact": _IGNORE, "record-route": _IGNORE, "rseq": _IGNORE},
    ("INVITE", 2): {**_ANY_RESPONSE, "contact": _END, "record-route": _END, "session-expires": _END},
    ("INVITE", 3): {**_ANY_RESPONSE, "contact": _IGNORE},
    ("INVITE", 4): {**_ANY_RESPONSE, "min-se": _IGNORE},
    # The dialog stands: what cannot be read changes nothing of it.
    ("UPDATE", 2): {**_ANY_RESPONSE, "contact": _IGNORE, "record-route": _IGNORE, "session-expires": _IGNORE},
    ("UPDATE", 4): {**_ANY_RESPONSE, "min-se": _IGNORE},
    ("SUBSCRIBE", 2): {**_ANY_RESPONSE, **_EVENT_2XX},
    ("SUBSCRIBE", 4): {**_ANY_RESPONSE, "min-expires": _IGNORE, "unsupported": _IGNORE},
    ("REFER", 2): {**_ANY_RESPONSE, **_EVENT_2XX},
    ("REGISTER", 2): {
        **_ANY_RESPONSE,
        **{"contact": _IGNORE, "expires": _IGNORE, "path": _IGNORE, "service-route": _IGNORE},
        **{"flow-timer": _IGNORE, "ms-keep-alive": _IGNORE},
    },
    ("REGISTER", 4): {**_ANY_RESPONSE, "min-expires": _IGNORE},
    ("PUBLISH", 2): {**_ANY_RESPONSE, "expires": _IGNORE, "sip-etag": _IGNORE},
    ("PUBLISH", 4): {**_ANY_RESPONSE, "min-expires": _IGNORE},
}


#: How to read a header: the lists of it, or the one.
_Read = Callable[[HeaderValues, str], object]


@attrs.frozen
class _Reading:
    """One row of the table, ready for use."""

    at_once: tuple[tuple[str, _Read], ...]  #: what is read before anything happens
    single: frozenset[str]  #: what may come once
    routed: bool  #: whether we follow its Route


def _reader(key: str) -> _Read:
    return HeaderValues._list if shape_of(key) is Shape.LIST else HeaderValues._single


def _reading(rules: Mapping[str, Action], *actions: Action) -> _Reading:
    at_once = tuple((key, _reader(key)) for key, action in rules.items() if action in actions)
    single = frozenset(key for key in rules if shape_of(key) is Shape.SINGLE)
    return _Reading(at_once, single, "route" in rules)


_READINGS: Final = {key: _reading(rules, Action.REFUSE) for key, rules in REQUESTS.items()}
_OTHERS: Final = {element: _READINGS[element, ""] for element in Element}
_OF_2XX: Final = _reading(RESPONSES["INVITE", 2], Action.END)


def element_of(method: str, *, transparent: bool) -> Element:
    """Return the part of a core that gets a request outside of the dialogs of the endpoint."""
    if transparent:
        return Element.PROXY
    return Element.REGISTRAR if method == "REGISTER" else Element.USER_AGENT


def check_request(request: Request, element: Element) -> None:
    """Read what an element will act on; raises RemoteProtocolError when the request is to be refused.

    After that nothing in the request raises where it is read.
    """
    reading = _READINGS.get((element, request.method)) or _OTHERS[element]
    headers = request.headers
    if len(headers._index or headers.by_key) != len(headers._fields):
        _check_repeated(request, reading.single)
    _read_at_once(request, reading)
    if reading.routed and "route" in request.headers.by_key:
        for route in request.route:
            must_fit_request_line(route.uri)


def check_2xx(response: Response) -> None:
    """Read what a 2xx to the INVITE of a session must say; raises RemoteProtocolError when it is of no use (END)."""
    _read_at_once(response, _OF_2XX)


def _read_at_once(message: Request | Response, reading: _Reading) -> None:
    if message._unread is None:
        message.ignore_unreadable()
    index = message.headers._index or message.headers.by_key
    for key, read in reading.at_once:
        if key in index:
            read(message, key)
    if message._unread:
        for key, _ in reading.at_once:
            if key in message._unread:
                raise RemoteProtocolError(f"{canonical_name(key)} cannot be read")


def _check_repeated(request: Request, single: frozenset[str]) -> None:
    for key in single:
        lines = request.headers.by_key.get(key, ())
        if len(lines) > 1:
            raise RemoteProtocolError(f"{len(lines)} {canonical_name(key)} headers")
