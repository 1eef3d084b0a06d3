"""The first request of a subscription of ours, through its tries (RFC 6665 section 4.1.2.1, RFC 3515)."""

from __future__ import annotations

from typing import Final, Protocol

import attrs

from sip.core.dialog import Begun, Dialog
from sip.core.uac import Outline, size_of
from sip.flow import Destination, Flow
from sip.headers.name_addr import NameAddr
from sip.message.headers import Field
from sip.message.lines import Lines, assemble
from sip.message.request import Request
from sip.message.response import Response
from sip.subscription.notifier import BENOTIFY
from sip.subscription.owner import SubscriptionOwner
from sip.subscription.refresh import MOST_DEMANDED
from sip.syntax.uri import Uri
from sip.transactions.client import ClientTransaction

_MAX_RETRIES: Final = 2  #: 423 and 420 are each worth one more try


@attrs.define(eq=False)
class RequestTemplate:
    """How the first request is made; kept, because a subscription that was lost is made again the same way."""

    method: str  #: SUBSCRIBE, or REFER for its implicit subscription
    target: Uri | str
    from_: NameAddr | str
    to: NameAddr | str
    route: tuple[NameAddr, ...]
    flow: Flow | None
    headers: Lines
    body: bytes
    content_type: str | None
    dialog: Dialog | None  #: an existing dialog to subscribe in

    def usage_lines(self, method: str, event: str, expires: int | None) -> Lines:
        """Return what a request says about the subscription; a REFER says nothing."""
        if method == "REFER":
            return []
        lines: Lines = [("Event", event)]
        if expires is not None:
            lines.append(("Expires", str(expires)))
        return lines


class InitialRequestUser(Protocol):
    """The subscription that an initial request is to make."""

    contact: str | None  #: Contact that the core gave

    @property
    def event(self) -> str:
        """Return the value of the Event header."""
        ...

    def first_answered(
        self, first: FirstRequest, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        """Take the final answer."""
        ...

    def first_failed(self) -> None:
        """Learn that nobody answered."""
        ...


class FirstRequest:
    """SUBSCRIBE or REFER outside of dialogs: credentials, a longer duration, or less asked for may be one more try."""

    __slots__ = (
        "_authorization",
        "_challenged",
        "_lines",
        "_outline",
        "_retries",
        "_server",
        "_subscriber",
        "_subscriptions",
        "_template",
        "cseq",
        "expires",
    )

    def __init__(
        self,
        subscriptions: SubscriptionOwner,
        subscriber: InitialRequestUser,
        template: RequestTemplate,
        outline: Outline,
        expires: int | None,
    ) -> None:
        self._subscriptions = subscriptions
        self._subscriber = subscriber
        self._template = template
        self._outline = outline
        self._lines = outline.lines
        self._authorization: Lines = []
        self._challenged = 0
        self._retries = 0
        self._server: Destination | None = None  # the one that wants something else
        self.expires = expires
        self.cseq = 0

    @property
    def ours(self) -> Begun:
        """Return what we chose for the dialog that it makes."""
        return self._outline.begun

    def send(self, now: float) -> None:
        """Send it, with the next CSeq."""
        self.cseq += 1
        self._subscriptions.transactions.send(
            self._template.method,
            self,
            self._finish,
            flow=self._template.flow,
            next_hop=self._outline.hop,
            size=size_of(self._lines, self._template.body),
            server=self._server,
            now=now,
        )

    def _finish(self, flow: Flow, via: str) -> Request:
        template, subscriber = self._template, self._subscriber
        given, user, secure = subscriber.contact, self._outline.local_user, self._outline.hop.scheme == "sips"
        contact = self._subscriptions.transport.contact(flow, user, given=given, secure=secure)
        lines: Lines = [
            ("Via", via),
            *self._lines,
            ("CSeq", f"{self.cseq} {template.method}"),
            ("Contact", contact),
            *template.usage_lines(template.method, subscriber.event, self.expires),
            *self._authorization,
        ]
        return assemble(template.method, self._outline.uri, lines, template.body, template.content_type)

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Take an answer."""
        if response.status < 200 or (response.status >= 300 and self._again(transaction, response, now)):
            return
        self._subscriber.first_answered(self, transaction, response, now)

    def _again(self, transaction: ClientTransaction, response: Response, now: float) -> bool:
        authorization = self._subscriptions.context.authorize(transaction.request, response, self._challenged)
        if authorization is not None:
            self._challenged += 1
            self._authorization = authorization
        elif self._retries >= _MAX_RETRIES:
            return False
        elif response.status == 423 and (response.min_expires or 0) in range(1, MOST_DEMANDED + 1):
            self._retries += 1
            self.expires = response.min_expires
        elif response.status == 420 and BENOTIFY in response.unsupported:
            # A proxy that does not know BENOTIFY: without it.
            self._retries += 1
            self._lines = [line for line in self._lines if not _offers_benotify(line)]
        else:
            return False
        self._server = transaction.server
        self.send(now)
        return True

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Take silence."""
        self._subscriber.first_failed()


def _offers_benotify(line: Field) -> bool:
    name, value = line
    return name.lower() in ("supported", "proxy-require") and value.strip().lower() == BENOTIFY
