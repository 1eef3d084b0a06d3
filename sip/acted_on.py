"""What an element acts on, and what becomes of a message in which that cannot be read: the rule of the edge as a table.

Everything that a message makes an element do is read before anything changes. Whatever else is in the message is not
looked at: a proxy forwards it as it came (RFC 3261 section 16.3 step 1), a user agent that is asked for it later finds
that it is absent (`Message.ignore_unreadable`). A header that may come once and comes twice says nothing
(section 7.3.1); a request is refused for that where somebody acts on the header, and only there.
"""

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from sip.dialog import must_fit_request_line, route_set_of, target_of
from sip.errors import RemoteProtocolError, SipError
from sip.header_names import Shape, canonical_name, shape_of
from sip.request import Request
from sip.response import Response

__all__ = ["REQUESTS", "RESPONSES", "Action", "Element", "check_request", "defect_of_2xx", "element_of"]


class Element(enum.Enum):
    """In which part an endpoint gets a request."""

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

#: Of every request that a user agent takes. Content-Type only counts where there is a body.
_ANY: Final = {
    "require": _REFUSE,
    "content-type": _REFUSE,
    "content-disposition": _IGNORE,
    "supported": _IGNORE,
    "accept": _IGNORE,
}
#: Of what begins a dialog: where its requests will go (section 12.1.1).
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


@attrs.frozen
class _Reading:
    """One row of the table, ready for use."""

    refusing: tuple[str, ...]  #: what is read at once
    single: frozenset[str]  #: what may come once


def _reading(rules: Mapping[str, Action]) -> _Reading:
    refusing = tuple(key for key, action in rules.items() if action is Action.REFUSE)
    return _Reading(refusing, frozenset(key for key in rules if shape_of(key) is Shape.SINGLE))


_READINGS: Final = {key: _reading(rules) for key, rules in REQUESTS.items()}
_OTHERS: Final = {element: _READINGS[element, ""] for element in Element}
_ENDING: Final = tuple(key for key, action in RESPONSES["INVITE", 2].items() if action is Action.END)
_BEGINNING: Final = frozenset(method for (element, method) in REQUESTS if element is Element.USER_AGENT) & frozenset(
    ("INVITE", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "REFER")
)


def element_of(method: str, *, transparent: bool) -> Element:
    """Return the part of a core that gets a request outside of the dialogs of the endpoint."""
    if transparent:
        return Element.PROXY
    return Element.REGISTRAR if method == "REGISTER" else Element.USER_AGENT


def check_request(request: Request, element: Element) -> None:
    """Read what an element will act on; raises RemoteProtocolError when the request is to be refused.

    After that nothing in the request raises where it is read.
    """
    request.ignore_unreadable()
    method = request.method
    reading = _READINGS.get((element, method)) or _OTHERS[element]
    index = request.headers.by_key
    if len(index) != len(request.headers):
        for key in reading.single:
            lines = index.get(key)
            if lines is not None and len(lines) > 1:
                raise RemoteProtocolError(f"{len(lines)} {canonical_name(key)} headers")
    for key in reading.refusing:
        if key in index and (key != "content-type" or request.body) and request.unreadable(key):
            raise RemoteProtocolError(f"{canonical_name(key)} cannot be read")
    if element is Element.USER_AGENT and method in _BEGINNING:
        target_of(request)
        route_set_of(request)
    elif element is Element.PROXY and "route" in index:
        for route in request.route:
            must_fit_request_line(route.uri)


def defect_of_2xx(response: Response) -> str | None:
    """Return what makes a 2xx to the INVITE of a session useless (`Action.END`), None when nothing does."""
    for key in _ENDING:
        if key in response.headers.by_key and response.unreadable(key):
            return f"{canonical_name(key)} cannot be read"
    try:
        target_of(response)
        route_set_of(response)
    except SipError as error:
        return str(error)
    return None
