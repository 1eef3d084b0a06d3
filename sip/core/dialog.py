"""Dialogs (RFC 3261 section 12): who talks to whom, through which proxies, and in what order."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import repeat
from typing import Final

import attrs

from sip.core.usages import SessionUsage, SubscriptionUsage, UsageKey
from sip.core.way_back import leads_back
from sip.errors import RemoteProtocolError
from sip.flow import Flow
from sip.headers.name_addr import NameAddr
from sip.life import Life
from sip.message.headers import Field
from sip.message.lines import Lines, assemble
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.host_name import is_host_name
from sip.syntax.uri import Uri
from sip.transport.secure import secured_hop

_NOT_IN_REQUEST_LINE: Final = re.compile(r"[\s<>\"]")

DialogKey = tuple[str, str, str]  #: Call-ID, local tag, remote tag

#: Numbers of requests of ours that are written at once, so that not each of them has to be: after a restart they go on
#: above. CSeq may jump (RFC 3261 section 12.2.2), and 2**31 are enough for twenty million restarts.
CSEQ_BLOCK: Final = 100

#: Both ends listing it makes Record-Route of later target refreshes replace the route set (Microsoft).
ROUTE_SET_UPDATE: Final = "ms-dialog-route-set-update"


class DialogState(enum.Enum):
    """How far a dialog is."""

    __hash__ = object.__hash__

    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class DialogInput(enum.Enum):
    """What happens to a dialog."""

    __hash__ = object.__hash__

    ANSWERED = "2xx or NOTIFY"
    USAGES_GONE = "last usage ended"


DIALOG: Final[Mapping[tuple[DialogState, DialogInput], DialogState]] = {
    (DialogState.EARLY, DialogInput.ANSWERED): DialogState.CONFIRMED,
    (DialogState.EARLY, DialogInput.USAGES_GONE): DialogState.TERMINATED,
    (DialogState.CONFIRMED, DialogInput.ANSWERED): DialogState.CONFIRMED,
    (DialogState.CONFIRMED, DialogInput.USAGES_GONE): DialogState.TERMINATED,
}


@attrs.frozen
class Begun:
    """What we chose for a request of ours that may begin a dialog, but for its CSeq."""

    call_id: str
    local_value: str  #: From, with tag
    local_tag: str
    local_user: str | None
    routed: bool  #: whether it has a Route


class Dialog:
    """State of one dialog. It lives as long as a usage (an INVITE session, a subscription) does."""

    __slots__ = (
        "_address",
        "_contact",
        "_hop",
        "_life",
        "call_id",
        "flow",
        "heard_on",
        "key",
        "local_cseq",
        "local_tag",
        "local_user",
        "local_value",
        "remote_cseq",
        "remote_tag",
        "remote_value",
        "reserved_cseq",
        "route_set",
        "route_set_updates",
        "saved",
        "session",
        "subscriptions",
        "target",
        "unsaved",
    )

    def __init__(
        self,
        *,
        call_id: str,
        local_value: str,
        local_tag: str,
        remote_value: str,
        remote_tag: str,
        target: Uri,
        route_set: tuple[str, ...],
        local_cseq: int,
        remote_cseq: int | None,
        flow: Flow | None,
        heard_on: Flow | None,
        local_user: str | None,
        state: DialogState = DialogState.EARLY,
    ) -> None:
        self.key: DialogKey = (call_id, local_tag, remote_tag)  #: the dialog ID of section 12
        self.call_id = call_id
        self.local_value = local_value  #: From of our requests, tag included
        self.local_tag = local_tag
        self.local_user = local_user  #: user part of our Contact where the core gives none
        self.remote_value = remote_value  #: To of our requests
        self.remote_tag = remote_tag
        self.target = target  #: Contact of the other side
        self.route_set = route_set
        self.route_set_updates = False
        self.local_cseq = local_cseq
        self.remote_cseq = remote_cseq
        self.flow = flow  #: the connection to use while it is open; None over UDP
        self.heard_on = heard_on  #: what the message of the other side came by that began it, or was believed since
        self._life = Life(DIALOG, state)
        self.session: SessionUsage | None = None
        self.subscriptions: dict[UsageKey, SubscriptionUsage] = {}
        self._hop: Uri | None = None
        self._address: tuple[str, tuple[str, ...]] | None = None  # Request-URI and Route lines of our requests
        self.unsaved: dict[DialogKey, Dialog] | None = None  #: those that changed; None where nobody writes them
        self.saved: bytes | None = None  #: what was given to be written last
        self.reserved_cseq = 0  #: the highest CSeq of ours that what was written leaves room for
        self._contact: tuple[str, ...] = ()  # the Contact lines that a target refresh made ``target`` of

    @classmethod
    def from_request(
        cls, request: Request, flow: Flow, local_tag: str, *, local_cseq: int, local_value: str | None = None
    ) -> Dialog:
        """Begin the dialog of a request that came to us (section 12.1.1); raises RemoteProtocolError.

        ``local_value`` is From of ours where a request of ours caused it; otherwise To of the request names us.
        """
        if local_value is None:
            to = request.headers.get("To", "")
            local_value = to if request.to.tag is not None else f"{to};tag={local_tag}"
        return cls(
            call_id=request.call_id,
            local_value=local_value,
            local_tag=local_tag,
            remote_value=request.headers.get("From", ""),
            remote_tag=request.from_.tag or "",
            target=target_of(request),
            route_set=(routes := route_set_of(request)),
            local_cseq=local_cseq,
            remote_cseq=request.cseq.number,
            flow=flow if flow.reliable and leads_back(request, flow, routes) else None,
            heard_on=flow,
            local_user=request.uri.user,
        )

    @classmethod
    def from_response(cls, response: Response, flow: Flow | None, ours: Begun, cseq: int) -> Dialog:
        """Begin the dialog of a request of ours (section 12.1.2); raises RemoteProtocolError.

        What we chose is taken from ``ours``: a response belongs to a request by its branch and method (section
        17.1.3), and may say what it likes of the rest.
        """
        routes = route_set_of(response)
        # A proxy that was on the way and does not record itself is not to be used again.
        direct = ours.routed and not routes
        return cls(
            call_id=ours.call_id,
            local_value=ours.local_value,
            local_tag=ours.local_tag,
            remote_value=response.headers.get("To", ""),
            remote_tag=response.to.tag or "",
            target=target_of(response),
            route_set=routes,
            local_cseq=cseq,
            remote_cseq=None,
            flow=flow if flow is not None and flow.reliable and not direct else None,
            heard_on=flow,
            local_user=ours.local_user,
        )

    @classmethod
    def like_request(
        cls,
        uri: str,
        routes: tuple[str, ...],
        hop: Uri,
        flow: Flow | None,
        response: Response,
        ours: Begun,
        cseq: int,
    ) -> Dialog:
        """Begin a dialog whose requests go where a request of ours went, on its very flow: to end it, no more."""
        target, hops = uri, routes
        if routes and not hop.lr:  # the Request-URI was the strict router's, the target the last Route
            target, hops = str(NameAddr.parse(routes[-1]).uri), (f"<{uri}>", *routes[:-1])
        return cls(
            call_id=ours.call_id,
            local_value=ours.local_value,
            local_tag=ours.local_tag,
            remote_value=response.headers.get("To", ""),
            remote_tag=response.to.tag or "",
            target=Uri.parse(target),
            route_set=hops,
            local_cseq=cseq,
            remote_cseq=None,
            flow=flow,
            heard_on=flow,
            local_user=ours.local_user,
        )

    @property
    def state(self) -> DialogState:
        """Return how far it is."""
        return self._life.state

    @property
    def confirmed(self) -> bool:
        """Whether a 2xx, or for a subscription a NOTIFY, made it real."""
        return self.state is DialogState.CONFIRMED

    @property
    def in_use(self) -> bool:
        """Whether any usage is left."""
        return self.session is not None or bool(self.subscriptions)

    def process(self, given: DialogInput) -> None:
        """Change the state by the table; what is not in it changes nothing."""
        self._life.follow(given)
        if self.unsaved is not None:
            self.touch()

    def touch(self) -> None:
        """Note that it may be other than what was written, itself or what uses it."""
        if self.unsaved is not None:
            self.unsaved[self.key] = self

    def is_from(self, flow: Flow) -> bool:
        """Whether a flow is one by which the other side has come: the same connection, over UDP the same address."""
        if flow == self.flow:
            return True
        heard = self.heard_on
        if heard is None or flow.reliable or heard.reliable:
            return flow == heard
        return flow.remote == heard.remote

    # Requests that come ----------------------------------------------------------------------------------------------

    def takes(self, cseq: int) -> bool:
        """Whether a request with that CSeq is in order; if so it is noted (section 12.2.2)."""
        if self.remote_cseq is not None and cseq < self.remote_cseq:
            return False
        self.remote_cseq = cseq
        if self.unsaved is not None:
            self.touch()
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """Take Contact of a target refresh, and Record-Route where both ends agreed on that."""
        if self.unsaved is not None:
            self.touch()
        # What cannot be used does not replace what can; what says the same again is not read again.
        contact = message.headers.get_all("Contact")
        if contact and contact != self._contact:
            with suppress(RemoteProtocolError):
                self.target, self._contact = target_of(message), contact
                self.forget_hop()
        if self.route_set_updates and "Record-Route" in message.headers:
            with suppress(RemoteProtocolError):
                self.route_set = route_set_of(message)
                self.forget_hop()

    # Requests that go ------------------------------------------------------------------------------------------------

    def next_cseq(self) -> int:
        """Return the number of the next request; CSeq stays below 2**31 (section 8.1.1.5)."""
        self.local_cseq = self.local_cseq + 1 if self.local_cseq < 2**31 - 1 else 1
        if self.unsaved is not None and self.local_cseq > self.reserved_cseq:
            self.touch()
        return self.local_cseq

    @property
    def cseq_room(self) -> int:
        """Return the CSeq to write: requests up to it need not be written, and a restart goes on above."""
        if self.reserved_cseq and self.local_cseq <= self.reserved_cseq:
            return self.reserved_cseq
        return min(self.local_cseq + CSEQ_BLOCK, 2**31 - 1)

    def forget_hop(self) -> None:
        """Compute the next hop again: route set or target were replaced."""
        self._hop = self._address = None

    @property
    def next_hop(self) -> Uri:
        """Return where requests go first: the first route, else the remote target."""
        if self._hop is None:
            first = self.route_set[0] if self.route_set else None
            self._hop = secured_hop(NameAddr.parse(first).uri, self.target) if first else self.target
        return self._hop

    @property
    def is_secure(self) -> bool:
        """Whether our Contact has to be sips: the other one is, or the first hop (section 12.2.1.1, RFC 5630)."""
        return self.next_hop.scheme == "sips"

    def build(
        self,
        method: str,
        via: str,
        cseq: int,
        *,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Request:
        """Build a request inside the dialog (section 12.2.1.1)."""
        if self._address is None:
            self._address = addressed(str(self.target), self.route_set, self.next_hop)
        uri, routes = self._address
        lines: Lines = [
            ("Via", via),
            *zip(repeat("Route"), routes, strict=False),
            ("Max-Forwards", "70"),
            ("From", self.local_value),
            ("To", self.remote_value),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            *headers,
        ]
        return assemble(method, uri, lines, body, content_type)


def addressed(target: str, routes: tuple[str, ...], next_hop: Uri) -> tuple[str, tuple[str, ...]]:
    """Return Request-URI and Route lines (section 12.2.1.1): of a strict router itself, and the target as the last."""
    if not routes or next_hop.lr:
        return target, routes
    return str(next_hop.without_headers()), (*routes[1:], f"<{target}>")


def target_of(message: Request | Response) -> Uri:
    """Return the URI of Contact, which a message that makes a dialog must have; raises RemoteProtocolError."""
    contacts = message.contact
    if not contacts and isinstance(message, Request) and message.from_.tag is None:
        contacts = (message.from_,)  # RFC 2543 did without Contact; its From is what can be reached
    if len(contacts) != 1 or not isinstance(contacts[0], NameAddr):
        raise RemoteProtocolError("a dialog needs exactly one Contact")
    return _reachable(contacts[0].uri, "Contact")


def route_set_of(message: Request | Response) -> tuple[str, ...]:
    """Return Record-Route as we are to use it, reversed for the sender of the request; raises RemoteProtocolError.

    Sections 12.1.1 and 12.1.2.
    """
    if "Record-Route" not in message.headers:
        return ()
    routes = message.record_route
    if message.unreadable("Record-Route"):
        raise RemoteProtocolError("a Record-Route that cannot be read")
    for route in routes:
        _reachable(route.uri, "Record-Route")
    return tuple([str(each) for each in (reversed(routes) if isinstance(message, Response) else routes)])


def _reachable(uri: Uri, what: str) -> Uri:
    """The URI where requests can go by SIP, without headers; raises RemoteProtocolError."""
    if uri.scheme not in ("sip", "sips"):
        raise RemoteProtocolError(f"a {what} that is no SIP address")
    if not is_host_name(uri.host):
        raise RemoteProtocolError(f"a {what} whose host nobody can be asked for")
    if _NOT_IN_REQUEST_LINE.search(str(uri)):
        raise RemoteProtocolError(f"a {what} that cannot be a Request-URI")
    return uri.without_headers() if uri.headers else uri


def must_fit_request_line(uri: Uri) -> None:
    """Raise RemoteProtocolError for a URI of a Route that was tolerated but cannot stand in a request line."""
    if _NOT_IN_REQUEST_LINE.search(str(uri)):
        raise RemoteProtocolError("a Route that cannot be a Request-URI")
