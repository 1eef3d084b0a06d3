"""What comes in: bytes to messages, messages to the transaction, dialog or core that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

from sip.core.acted_on import Element, check_request, element_of
from sip.core.cancel import CancelServer
from sip.core.dialog import Dialog
from sip.core.forwarding import TransparentInvite
from sip.core.routing import CoreEntry
from sip.core.stack import Stack
from sip.core.way_back import leads_back
from sip.endpoint.elsewhere import FromElsewhere
from sip.endpoint.mending import Mending
from sip.endpoint.routes import Routes
from sip.errors import RemoteProtocolError
from sip.events import AckReceived, FlowLost, RequestReceived
from sip.flow import Flow
from sip.headers.via import Via
from sip.ids import TransactionId
from sip.message.parsing import parse_message
from sip.message.request import Request
from sip.message.response import Response
from sip.message.stream import Keepalive, StreamItem, StreamParser
from sip.session.session import session_of
from sip.session.sessions import Sessions
from sip.subscription.subscriptions import Subscriptions
from sip.transactions.server import ServerTransaction
from sip.transactions.tables import State
from sip.transport.received import stamped

#: What a message may begin with: a character of a method, or line breaks before the start line.
_FIRST = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~\r\n")
_SMALLEST = 20  #: octets; no SIP message is shorter, keep-alives are


class Receiver:
    """Takes what flows deliver. Nothing that a peer sends raises out of here."""

    def __init__(self, stack: Stack, sessions: Sessions, subscriptions: Subscriptions) -> None:
        self._context = stack.context
        self._transport = stack.transport
        self._transactions = stack.transactions
        self._cores = stack.cores
        self._dialogs = stack.dialogs
        self._answers = stack.answers
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._transparent = TransparentInvite(stack.context)
        self._elsewhere = FromElsewhere(stack)
        self.routes = Routes(stack, subscriptions)
        self._cancels = CancelServer(stack, self._transparent)
        self.mending = Mending(stack, sessions)
        self._streams = stack.transport.streams
        self._sources = stack.transport.sources
        self._keep_alives = stack.requests.keep_alives

    # Bytes -----------------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, flow: Flow, most: int | None, now: float) -> None:
        """Take a datagram or a piece of a stream, of which ``most`` messages are looked at."""
        if flow.transport == "UDP":
            self._datagram(data, flow, now)
        else:
            self._stream(data, flow, most, now)

    def _datagram(self, data: bytes, flow: Flow, now: float) -> None:
        if flow.remote.host not in self._sources.proven.hosts:
            self._sources.heard(flow, len(data))
        if len(data) < _SMALLEST or data[0] not in _FIRST:
            # Keep-alives, STUN, RTP on the wrong port, noise.
            self._context.count("dropped: not SIP")
            return
        try:
            message = parse_message(data)
        except RemoteProtocolError as error:
            self._unreadable(error, flow)
            return
        self._message(message, flow, now)

    def _stream(self, data: bytes, flow: Flow, most: int | None, now: float) -> None:
        parsers = self._streams.parsers
        parser = parsers.get(flow.id)
        if parser is None:
            parser = parsers[flow.id] = StreamParser()
            self._transport.saw(flow)
        while True:
            try:
                items = parser.receive_data(data, most)
            except RemoteProtocolError as error:
                self._unreadable(error, flow)
                if parser.closed:
                    self._give_up(flow, str(error), now)
                    return
            else:
                self._received(items, flow, now)
                if not self._streams.has_room(flow):
                    self._context.count("refused: unfinished messages of one source")
                    self._give_up(flow, "too much is unfinished", now)
                    return
                if not parser.failing:
                    return
            if most is not None:
                return
            data = b""

    def unfinished(self, flow: Flow) -> int | None:
        """Number of the message that has begun to come on a stream but is not complete; None between messages."""
        return self._streams.unfinished(flow)

    def _received(self, items: Iterable[StreamItem], flow: Flow, now: float) -> None:
        for item in items:
            if not isinstance(item, Keepalive):
                self._message(item, flow, now)
            elif item.ping:
                self._transport.send(flow, b"\r\n")  # RFC 5626 section 4.4.1
            else:
                self._keep_alives.receive_pong(flow, now)

    def _give_up(self, flow: Flow, reason: str, now: float) -> None:
        self._context.count("stream given up")
        self._context.emit(FlowLost(owner="", flow=flow, reason=reason))
        self.flow_closed(flow, now)

    def _unreadable(self, error: RemoteProtocolError, flow: Flow) -> None:
        """Answer a request that is broken but names its sender; drop anything else."""
        self._context.count("dropped: malformed message")
        if isinstance(error.received, Request):
            self._answers.refuse_statelessly(error.received, error.status_hint, flow, error.phrase)

    # Messages --------------------------------------------------------------------------------------------------------

    def _message(self, message: Request | Response, flow: Flow, now: float) -> None:
        """Take one message; whatever it does to us, the next one is taken (`sip.faults`)."""
        try:
            message.check(ignore=True)
            if isinstance(message, Response):
                broken = self._transactions.receive_response(message, flow, now)
                if broken is not None:
                    self.mending.answer(*broken, now)
            else:
                via = message.via[0]  # before it is stamped: afterwards it would have to be read again
                self._dispatch(stamped(message, via, flow), via, flow, now)
        except RemoteProtocolError as error:
            error.received = message
            self._unreadable(error, flow)
        except Exception as error:
            self.mending.message(message, error, flow, now)

    def _dispatch(self, request: Request, via: Via, flow: Flow, now: float) -> None:
        """Give a request to its transaction; ``via`` is the top one as it came."""
        method = request.method
        if flow.remote.host not in self._sources.proven.hosts and not flow.reliable:
            self._sources.received(request, flow)
        try:
            if method == "ACK":
                self._ack(request, via, flow, now)
            elif method == "CANCEL":
                self._cancels.receive_cancel(request, via, flow, now)
            elif method == "BENOTIFY":
                self._benotify(request, flow, now)
            else:
                self._request(request, via, flow, now)
        except RemoteProtocolError as error:
            # Only where no transaction was open: _new has its own net.
            self._context.count("dropped: malformed request")
            self._answers.refuse_statelessly(request, error.status_hint, flow, error.phrase)

    def _request(self, request: Request, via: Via, flow: Flow, now: float) -> None:
        key = self._transactions.key_of(request, via, flow, request.method)
        known = self._transactions.find_server(key)
        if known is not None:
            known.receive_again(now)
            return
        source = self._transactions.room_for(flow, request.method, lambda: self._shows_itself(request, flow))
        if source is None:
            self._answers.refuse_statelessly(request, 503, flow)
        else:
            if flow.transport != "UDP" and "alias" in via.params:
                self._transport.take_alias(flow, via)
            transaction = self._transactions.open_server(key, request, via, flow, source)
            try:
                self._new(transaction, request, flow, now)
            except RemoteProtocolError as error:
                self._context.count("refused: malformed request")
                self.mending.request(transaction, error.status_hint, now, error.phrase)
            if not transaction.status:
                transaction.wait(now)

    def _shows_itself(self, request: Request, flow: Flow) -> bool:
        """Whether a datagram shows that its source has read something of ours, and is no forgery."""
        dialog = self._dialogs.find(request)
        if dialog is not None:
            return dialog.is_from(flow)
        recognises = self._context.config.recognises
        return recognises is not None and recognises(request, flow)

    def _ack(self, request: Request, via: Via, flow: Flow, now: float) -> None:
        known = self._transactions.find_server(self._transactions.key_of(request, via, flow, "INVITE"))
        if known is not None and known.state in (State.COMPLETED, State.CONFIRMED):
            known.receive_ack(now)
            return
        dialog = self._dialogs.find(request)
        if dialog is not None:
            session = session_of(dialog)
            if session is not None:
                self._sessions.received.acknowledge(session, request, now)
            return
        core = self._cores.claiming(request, flow)
        if core is not None and core.transparent:
            check_request(request, Element.PROXY)
            self._context.emit(AckReceived(owner=core.owner, request=request, flow=flow))
        else:
            self._context.count("dropped: ACK for nothing")

    def _benotify(self, request: Request, flow: Flow, now: float) -> None:
        if self._subscriptions.receive_benotify(request, flow, now):
            return
        core = self._cores.claiming(request, flow)
        if core is not None and core.transparent:
            check_request(request, Element.PROXY)
            self._context.emit(RequestReceived(owner=core.owner, transaction=None, request=request, flow=flow))
        else:
            self._context.count("dropped: BENOTIFY for nothing")

    # New requests ----------------------------------------------------------------------------------------------------

    def hand_on(self, transaction: ServerTransaction, now: float) -> None:
        """Route a request once more, without the transparent core that has it."""
        transaction.user = None
        try:
            self._new(transaction, transaction.request, transaction.flow, now, without=transaction.owner)
        except RemoteProtocolError as error:
            self._context.count("refused: malformed request")
            self.mending.request(transaction, error.status_hint, now, error.phrase)

    def _new(
        self, transaction: ServerTransaction, request: Request, flow: Flow, now: float, without: str | None = None
    ) -> None:
        dialog = self._dialogs.find(request)
        if dialog is not None:
            if not self._elsewhere.holds(transaction, dialog, self.routes.core_of(dialog)):
                self._of_dialog(transaction, request, dialog, now)
            return
        routing = self.routes.new(request, flow, without)
        transaction.owner = routing.owner or ""
        if routing.status is not None:
            self._answers.send(transaction, routing.status, headers=routing.headers, now=now)
        elif routing.subscription is not None:
            check_request(request, Element.USER_AGENT)
            self._subscriptions.receive_notify(transaction, None, now)
        else:
            self._to_core(transaction, request, self._cores.by_owner(transaction.owner), now)

    def take_request(self, transaction_id: TransactionId, now: float) -> None:
        """Go on with a request that came from elsewhere; raises LocalProtocolError when it is none, or was answered."""
        transaction = self._elsewhere.taken(transaction_id)
        if transaction is None:
            return
        request = transaction.request
        dialog = self._dialogs.find(request)
        if dialog is None:  # it has ended meanwhile
            self._answers.send(transaction, 481, now=now)
            return
        dialog.heard_on = transaction.flow
        self._of_dialog(transaction, request, dialog, now)

    def _of_dialog(self, transaction: ServerTransaction, request: Request, dialog: Dialog, now: float) -> None:
        """Act on a request of a dialog that came from its other side."""
        flow = transaction.flow
        routing = self.routes.in_dialog(request, dialog)
        if routing.status is None:
            check_request(request, Element.IN_DIALOG)
        dialog.takes(transaction.cseq)
        back = flow.reliable and leads_back(request, flow, dialog.route_set)
        if flow != dialog.flow and routing.status is None and back:
            # A peer whose connection broke came back over another one, which may be the only way to it. It may know of
            # that before we do: what we still take for its connection may be a half of one.
            self._dialogs.moved(dialog, flow)
        transaction.owner = routing.owner or ""
        if routing.status is not None:
            self._answers.send(transaction, routing.status, headers=routing.headers, now=now)
        else:
            self._in_dialog(transaction, dialog, now)

    def _to_core(self, transaction: ServerTransaction, request: Request, core: CoreEntry, now: float) -> None:
        method = transaction.method
        check_request(request, element_of(method, transparent=core.transparent))
        if core.transparent:
            if method == "INVITE":
                transaction.user = self._transparent
            self._report(transaction)
            return
        self._transactions.watch_merging(transaction)
        if method == "INVITE":
            self._sessions.receive_invite(transaction, core, now)
        elif method == "SUBSCRIBE":
            self._subscriptions.receive_subscribe(transaction, core, None, now)
        elif method == "OPTIONS" and not core.answers_options:
            self._answer_options(transaction, core, now)
        else:
            if method == "REFER" and not self._subscriptions.receive_refer(transaction, core, None, now):
                return
            self._report(transaction)

    def _in_dialog(self, transaction: ServerTransaction, dialog: Dialog, now: float) -> None:
        method, session = transaction.method, session_of(dialog)
        core = self.routes.core_of(dialog)
        assert core is not None
        if method == "NOTIFY" and not (session is not None and _is_of_session(transaction.request, core)):
            self._subscriptions.receive_notify(transaction, dialog, now)
        elif method == "SUBSCRIBE":
            self._subscriptions.receive_subscribe(transaction, core, dialog, now)
        elif session is not None and self._sessions.received.receive(session, transaction, now):
            return
        elif session is None and method in ("BYE", "INVITE", "UPDATE", "PRACK"):
            self._answers.send(transaction, 481, now=now)
        elif method == "OPTIONS" and not core.answers_options:
            self._answer_options(transaction, core, now)
        else:
            if method == "REFER" and not self._subscriptions.receive_refer(transaction, core, dialog, now):
                return
            self._report(transaction, dialog)

    def _answer_options(self, transaction: ServerTransaction, core: CoreEntry, now: float) -> None:
        """Answer with what the core can do (RFC 3261 section 11.2)."""
        lines = self._cores.abilities(core, transaction.request, transaction.flow)
        self._answers.send(transaction, 200, headers=lines, now=now)

    def _report(self, transaction: ServerTransaction, dialog: Dialog | None = None) -> None:
        session = None if dialog is None or dialog.session is None else dialog.session.id
        event = RequestReceived(
            owner=transaction.owner,
            transaction=transaction.id,
            request=transaction.request,
            flow=transaction.flow,
            session=session,
            subscription=self._subscriptions.of_refer(transaction),
        )
        self._context.emit(event)

    # Flows -----------------------------------------------------------------------------------------------------------

    def flow_closed(self, flow: Flow, now: float) -> None:
        """Forget a connection, fail what waits on it, tell the sessions that used it."""
        self._streams.forget(flow)
        self._keep_alives.forget(flow)
        self._transport.forget(flow)
        dialogs = self._dialogs.on_flow(flow)
        self._transactions.fail_on(flow, now)
        for dialog in dialogs:
            self._context.attempt("tell of a lost flow", self._sessions.flow_lost, dialog)
            self._context.attempt("tell of a lost flow", self._subscriptions.flow_lost, dialog, now)

    def close_lost(self, now: float) -> None:
        """Forget the connections that were given up by ourselves."""
        for flow in self._transport.take_lost():
            self._context.attempt("close a lost flow", self.flow_closed, flow, now)

    def send_failed(self, flow: Flow, now: float) -> None:
        """Fail what waits for an answer from an address that cannot be reached."""
        self._context.count("send failed")
        self._transactions.fail_on(flow, now)


def _is_of_session(request: Request, core: CoreEntry) -> bool:
    """Whether a NOTIFY in the dialog of a session is of no subscription, which would have an Event (RFC 6665 8.2.1).

    Reports of delivery come that way (MS-CONFIM). They are for a core that lists NOTIFY.
    """
    return core.takes_notify and "Event" not in request.headers
