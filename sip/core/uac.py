"""Requests that we send: outside of dialogs and inside of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from sip.context import Context
from sip.core.dialog import Begun, Dialog, addressed
from sip.core.dialogs import Dialogs
from sip.core.keep_alive import KeepAlives
from sip.core.routing import Cores
from sip.errors import LocalProtocolError
from sip.events import ProvisionalReceived, RequestFailed, ResponseReceived
from sip.flow import Destination, Flow
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId
from sip.message.headers import Field
from sip.message.lines import Lines, assemble, checked, checked_value, local_address, local_uri
from sip.message.request import Request, checked_method
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.transactions.client import ClientTransaction, ClientUser
from sip.transactions.transactions import Transactions
from sip.transport.secure import leaves_in_the_clear, secured_hop
from sip.transport.transport import Transport

#: Methods whose requests carry Contact inside a dialog (RFC 3261 section 12.2.1.1 and the RFCs of the methods).
TARGET_REFRESH: Final = frozenset(("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "BENOTIFY", "REFER"))


@attrs.frozen(kw_only=True)
class Outline:
    """A request outside of dialogs before it has a flow, a Via and a CSeq."""

    uri: str  #: Request-URI
    hop: Uri  #: where it goes first
    call_id: str
    local_value: str  #: From, with tag
    local_tag: str
    local_user: str | None
    remote_value: str  #: To
    lines: Lines
    routes: tuple[str, ...]  #: values of Route

    @property
    def begun(self) -> Begun:
        """Return what the dialog that it makes will have of ours."""
        return Begun(self.call_id, self.local_value, self.local_tag, self.local_user, bool(self.routes))


class PlainRequest:
    """A request outside of dialogs, with what is needed to send it again with credentials."""

    __slots__ = (
        "authorization",
        "challenged",
        "cseq",
        "flow",
        "hop",
        "lines",
        "method",
        "owner",
        "payload",
        "requests",
        "server",
        "uri",
    )

    def __init__(
        self,
        requests: Requests,
        owner: str,
        method: str,
        outline: Outline,
        payload: tuple[bytes, str | None],
        cseq: int,
        flow: Flow | None,
    ) -> None:
        self.requests = requests
        self.owner = owner
        self.method = method
        self.uri = outline.uri
        self.hop = outline.hop
        self.lines = outline.lines
        self.payload = payload
        self.cseq = cseq
        self.flow = flow
        self.authorization: Lines = []
        self.challenged = 0
        self.server: Destination | None = None  #: the one that wants credentials

    @property
    def is_sips(self) -> bool:
        """Whether it is for a sips URI."""
        return self.uri[:5].lower() == "sips:"

    def send(self, now: float, request_id: RequestId | None = None) -> RequestId:
        """Send it, or send it again under the same number."""
        return self.requests.transactions.send(
            self.method,
            self,
            self.finish,
            flow=self.flow,
            next_hop=self.hop,
            size=size_of(self.lines, self.payload[0]),
            request_id=request_id,
            server=self.server,
            now=now,
        ).id

    def finish(self, flow: Flow, via: str) -> Request:
        """Build the request for the flow that was found."""
        body, content_type = self.payload
        lines: Lines = [("Via", via), *self.lines, ("CSeq", f"{self.cseq} {self.method}"), *self.authorization]
        if self.method == "REFER" and not any(name == "Contact" for name, _ in lines):
            lines.append(("Contact", self.requests.transport.contact(flow, None, secure=self.is_sips)))
        return assemble(self.method, self.uri, lines, body, content_type)

    def on_response(self, transaction: ClientTransaction, response: Response, now: float) -> None:
        """Report it, or try again with credentials."""
        context = self.requests.context
        if response.status < 200:
            context.emit(ProvisionalReceived(owner=self.owner, request_id=transaction.id, response=response))
            return
        if (authorization := context.authorize(transaction.request, response, self.challenged)) is not None:
            self.authorization = authorization
            self.challenged += 1
            self.cseq += 1
            self.server = transaction.server
            self.send(now, transaction.id)
            return
        if self.method == "REGISTER" and response.status < 300 and context.config.keep_alive:
            self.requests.keep_alives.registered(transaction, response, now)
        context.emit(ResponseReceived(owner=self.owner, request_id=transaction.id, response=response))

    def on_failure(self, transaction: ClientTransaction, reason: str, now: float) -> None:
        """Report it."""
        self.requests.context.emit(RequestFailed(owner=self.owner, request_id=transaction.id, reason=reason))


class Once:
    """A message without transaction that waits for a flow: ACK, BENOTIFY, what a proxy forwards without state."""

    __slots__ = ("branch", "finish", "requests")

    def __init__(self, requests: Requests, finish: Callable[[Flow, str], bytes], branch: str) -> None:
        self.requests = requests
        self.finish = finish
        self.branch = branch

    def flow_ready(self, flow: Flow, now: float) -> None:
        """Send it."""
        transport = self.requests.transport
        data = self.finish(flow, transport.via(flow, self.branch))
        if leaves_in_the_clear(data, flow):
            self.flow_unavailable(now)
        else:
            transport.send(flow, data)

    def flow_unavailable(self, now: float) -> None:
        """Count it: nobody waits for an answer."""
        self.requests.context.count("dropped: message without transaction, no way to its next hop")


class Requests:
    """Builds and sends the requests of an endpoint."""

    def __init__(
        self, context: Context, transport: Transport, transactions: Transactions, cores: Cores, dialogs: Dialogs
    ) -> None:
        self.context = context
        self.transport = transport
        self.transactions = transactions
        self.dialogs = dialogs
        self.keep_alives = KeepAlives(context, transport)
        self._cores = cores
        self._agent: Lines = []
        if context.config.user_agent is not None:
            self._agent = checked([("User-Agent", context.config.user_agent)])

    # Outside of dialogs ----------------------------------------------------------------------------------------------

    def outline(
        self,
        uri: Uri | str,
        from_: NameAddr | str,
        to: NameAddr | str,
        route: Sequence[NameAddr],
        call_id: str | None,
        headers: Lines,
    ) -> Outline:
        """Return what is known of a new request outside of dialogs before it has a flow."""
        target = local_uri(uri)
        hop = secured_hop(route[0].uri, target) if route else target
        bare = target.without_headers() if target.headers else target
        address, routes = addressed(str(bare), tuple([checked_value("Route", each) for each in route]), hop)
        local, remote = local_address(from_), local_address(to)
        tag, local_value = local.tag, checked_value("From", local)
        if tag is None:
            tag = self.context.new_tag()
            bracketed = local_value[-1:] == ">"
            local_value = f"{local_value};tag={tag}" if bracketed else str(local.with_tag(tag))
        outline = Outline(
            uri=address,
            hop=hop,
            call_id=self.context.new_call_id() if call_id is None else checked_value("Call-ID", call_id),
            local_value=local_value,
            local_tag=tag,
            local_user=local.uri.user,
            remote_value=checked_value("To", remote),
            lines=[],
            routes=routes,
        )
        outline.lines.extend(
            [
                *[("Route", each) for each in routes],
                ("Max-Forwards", "70"),
                ("From", outline.local_value),
                ("To", outline.remote_value),
                ("Call-ID", outline.call_id),
                *headers,
                *self._agent,
            ]
        )
        return outline

    def request(
        self,
        owner: str,
        method: str,
        target: Uri | str,
        *,
        from_: NameAddr | str,
        to: NameAddr | str,
        headers: Iterable[tuple[str, object]],
        body: bytes,
        content_type: str | None,
        route: Sequence[NameAddr],
        flow: Flow | None,
        call_id: str | None,
        cseq: int | None,
        contact: NameAddr | None,
        now: float,
    ) -> RequestId:
        """Send a request outside of any dialog.

        Raises LocalProtocolError for methods that have commands of their own.
        """
        if method in ("INVITE", "SUBSCRIBE", "ACK", "CANCEL"):
            raise LocalProtocolError(f"{method} is not a plain request")
        self._cores.by_owner(owner)
        checked_method(method)
        outline = self.outline(target, from_, to, route, call_id, checked(headers, content_type))
        if contact is not None:
            outline.lines.append(("Contact", checked_value("Contact", contact)))
        number = 1 if cseq is None else cseq
        return PlainRequest(self, owner, method, outline, (body, content_type), number, flow).send(now)

    # Without a transaction -------------------------------------------------------------------------------------------

    def send_once(self, once: Once, flow: Flow | None, next_hop: Uri, now: float) -> None:
        """Send something without transaction on ``flow`` if it is open, else to ``next_hop``."""
        if flow is not None and self.transport.is_open(flow):
            once.flow_ready(flow, now)
        else:
            self.transport.find(next_hop, once, size=0, now=now)

    # Inside of dialogs -----------------------------------------------------------------------------------------------

    def send_in_dialog(
        self,
        dialog: Dialog,
        method: str,
        user: ClientUser,
        *,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
        contact: str | None = None,
        request_id: RequestId | None = None,
        cseq: int | None = None,
        now: float,
    ) -> ClientTransaction:
        """Send a request inside a dialog, with a transaction."""
        number = dialog.next_cseq() if cseq is None else cseq
        lines: Lines = [*headers, *self._agent]

        def finish(flow: Flow, via: str) -> Request:
            self._used(dialog, flow)
            given = lines
            if method in TARGET_REFRESH:
                given = [*lines, ("Contact", self._contact(dialog, flow, contact))]
            return dialog.build(method, via, number, headers=given, body=body, content_type=content_type)

        return self.transactions.send(
            method,
            user,
            finish,
            flow=dialog.flow,
            next_hop=dialog.next_hop,
            size=size_of(lines, body) + 600,
            may_leave_flow=True,
            request_id=request_id,
            now=now,
        )

    def send_once_in_dialog(
        self,
        dialog: Dialog,
        method: str,
        cseq: int,
        *,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        content_type: str | None = None,
        contact: str | None = None,
        now: float,
    ) -> None:
        """Send a BENOTIFY: no transaction, no answer."""
        lines: Lines = [*headers, *self._agent]

        def finish(flow: Flow, via: str) -> bytes:
            self._used(dialog, flow)
            lines.append(("Contact", self._contact(dialog, flow, contact)))
            return bytes(dialog.build(method, via, cseq, headers=lines, body=body, content_type=content_type))

        self.send_once(Once(self, finish, self.context.new_branch()), dialog.flow, dialog.next_hop, now)

    def _contact(self, dialog: Dialog, flow: Flow, given: str | None) -> str:
        return self.transport.contact(flow, dialog.local_user, given=given, secure=dialog.is_secure)

    def _used(self, dialog: Dialog, flow: Flow) -> None:
        if flow.transport != "UDP" and flow is not dialog.flow:
            self.dialogs.moved(dialog, flow)


def size_of(lines: Lines, body: bytes) -> int:
    """Return about how many octets a message with these lines has."""
    return len(body) + 60 + sum([len(name) + len(value) + 4 for name, value in lines])
