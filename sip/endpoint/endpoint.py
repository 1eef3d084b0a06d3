"""The machine for one SIP element: bytes and commands in, bytes and events out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence, Sized

from sip.authentication.digest import Credentials
from sip.config import EndpointConfig, Listen
from sip.core.forwarding import Forwarding
from sip.core.routing import Claim, Routing
from sip.core.stack import Stack
from sip.endpoint.dispatch import Receiver
from sip.endpoint.durable import DurableDialogs
from sip.endpoint.kept_dialogs import KeptDialogs
from sip.endpoint.transparent import TransparentCommands
from sip.entropy import Entropy
from sip.errors import LocalProtocolError, refuse_text
from sip.events import Event, InviteReceived, SessionAnswered, SessionRedirected, SubscribeReceived
from sip.flow import Destination, Flow, Transmit
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId, TransactionId, WantId
from sip.message.request import Request
from sip.session.commands import SessionCommands
from sip.session.sessions import Sessions
from sip.subscription.commands import SubscriptionCommands
from sip.subscription.subscriptions import Subscriptions
from sip.syntax.uri import Uri
from sip.traffic import Traffic


class Endpoint(TransparentCommands, SessionCommands, SubscriptionCommands, DurableDialogs):
    """Transport rules, transactions, dialogs, INVITE sessions and subscriptions of one SIP element.

    It has no sockets and no clock: a driver hands it bytes with ``receive_data`` and time with ``handle_timeout``, and
    after every call, commands included, drains ``data_to_send`` and ``take_events`` and reads ``next_timeout`` again.
    Cores (a registrar, a focus, an application) register with ``add_core``; each event names the core it is for.

    ``now`` is monotonic seconds everywhere; ``wall_clock`` is the POSIX time at ``now == 0``. What peers do never
    raises. Commands that are wrong in the present state raise LocalProtocolError and change nothing.
    """

    def __init__(self, config: EndpointConfig, *, entropy: Entropy, wall_clock: float = 0.0) -> None:
        self.config = config
        self.wall_clock = wall_clock
        self.now = 0.0  #: monotonic seconds of the last bytes or timers: for who is asked while a core handles an event
        stack = Stack.build(config, entropy)
        self._context = stack.context
        self._transport = stack.transport
        #: Looked into by `Pump`, which is asked after every step whether anything is there: never changed from outside.
        self.untaken: Sized = stack.context.events
        self.unsent: Sized = stack.transport.unsent
        self.timers = stack.context.timers
        self._transactions = stack.transactions
        self._cores = stack.cores
        self._dialogs = stack.dialogs
        self._answers = stack.answers
        self._requests = stack.requests
        self._forwarding = Forwarding(stack.requests, stack.cores)
        self._sessions = Sessions(stack)
        self._subscriptions = Subscriptions(stack, self._sessions)
        self._receiver = Receiver(stack, self._sessions, self._subscriptions)
        self._kept = KeptDialogs(stack, self._sessions, self._subscriptions, wall_clock)

    @property
    def counters(self) -> dict[str, int]:
        """How often something was dropped, ignored or refused without an event, by what it was."""
        return dict(self._context.counters)

    @property
    def traffic(self) -> Traffic:
        """Requests and answers so far, by direction, method and status; to be read only."""
        return self._context.traffic

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment: what a gauge of the application shows, and zero when nothing goes on."""
        return {
            "transactions": len(self._transactions),
            "dialogs": len(self._dialogs),
            "sessions": len(self._sessions),
            "subscriptions": len(self._subscriptions),
            "timers": len(self._context.timers),
        }

    # The machine -----------------------------------------------------------------------------------------------------

    def receive_data(self, data: bytes, *, flow: Flow, now: float, most: int | None = None) -> list[Event]:
        """Take one datagram, or any piece of a stream, and return what it caused.

        A flow that a listener accepted needs no announcement: its first bytes introduce it.

        A driver that has others to serve says how many messages of a stream are looked at now, at ``most``; the rest
        waits until it calls again, perhaps without data, as long as ``unread`` says so.

        Raises TypeError for text, and nothing changes. Then drain ``data_to_send`` and read ``next_timeout``.
        """
        refuse_text(data)
        self.now = now
        self._receiver.receive_data(data, flow, most, now)
        return self._context.take_events() if self.untaken else []

    def data_to_send(self, limit: int | None = None) -> list[Transmit]:
        """Return what is to be sent, in order; at most ``limit`` messages, the rest stays for the next call."""
        return self._transport.data_to_send(limit) if self.unsent else []

    def next_timeout(self) -> float | None:
        """Return when ``handle_timeout`` is due (monotonic seconds); None when nothing is waited for."""
        return self.timers.first

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Do everything that is due at ``now`` and return what it caused.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self.now = now
        self.timers.run(now)
        self._receiver.close_lost(now)
        self._sessions.ended.forget_old(now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Return events that commands caused since the last call of any kind."""
        return self._context.take_events() if self.untaken else []

    def abandon(self, event: Event, *, now: float) -> None:
        """End what an event was about that its core could not handle (`Pump` calls it when the core raised).

        A request that waits for an answer gets 500, and what it began ends: a call with BYE if it was answered, a
        subscription with its last notification. So does a call of ours that was answered. Everything else is left.
        """
        transaction = self._transactions.server(getattr(event, "transaction", None) or 0)
        if transaction is not None and not transaction.cancelled:
            self._receiver.mending.request(transaction, 500, now)
        attempt = self._context.attempt
        if isinstance(event, InviteReceived | SessionAnswered):
            attempt("end a session", lambda: self.bye(event.session, now=now))
        elif isinstance(event, SessionRedirected):
            attempt("end a session", lambda: self.cancel(event.session, now=now))
        elif isinstance(event, SubscribeReceived) and event.initial:
            attempt("end a subscription", lambda: self._subscriptions.give_up(event.subscription, now))

    # Transport: questions and answers --------------------------------------------------------------------------------

    @property
    def listen(self) -> tuple[Listen, ...]:
        """The addresses that peers are told: those that were really bound, once the driver said so."""
        return self._transport.listen

    def set_listen(self, listen: Sequence[Listen]) -> None:
        """Tell the addresses that were really bound, when the configuration left ports to the system."""
        self._transport.set_listen(tuple(listen))

    def flow_opened(self, want_id: WantId, flow: Flow, *, now: float) -> list[Event]:
        """Answer ConnectWanted: what waited for the flow is sent. For UDP give the flow at once.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._transport.flow_opened(want_id, flow, now)
        return self.take_events()

    def flow_failed(self, want_id: WantId, reason: str, *, now: float) -> list[Event]:
        """Answer ConnectWanted or ResolveWanted: the next destination is tried, or what waited fails.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._transport.flow_failed(want_id, reason, now)
        return self.take_events()

    def flow_closed(self, flow: Flow, *, now: float) -> list[Event]:
        """Tell that a connection is closed; requests that wait for an answer on it fail.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._receiver.flow_closed(flow, now)
        return self.take_events()

    def unread(self, flow: Flow) -> bool:
        """Whether something of a stream waits to be looked at since ``receive_data`` was told how much it may do."""
        return self._transport.streams.unread(flow)

    def unfinished(self, flow: Flow) -> int | None:
        """Return which message of a stream has begun to come but is not complete, counted from 0; None if none has.

        A driver closes connections on which one message takes for ever.
        """
        return self._receiver.unfinished(flow)

    def flow_blocked(self, flow: Flow) -> None:
        """Tell that a flow takes no more for now; messages for it are kept, up to a limit."""
        self._transport.flow_blocked(flow)

    def flow_writable(self, flow: Flow, *, now: float) -> list[Event]:
        """Tell that a blocked flow takes data again. Then drain ``data_to_send`` and read ``next_timeout``."""
        self._transport.flow_writable(flow, now)
        return self.take_events()

    def send_failed(self, flow: Flow, *, now: float) -> list[Event]:
        """Tell that a datagram could not be sent (ICMP error); requests open towards that address fail.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._receiver.send_failed(flow, now)
        return self.take_events()

    def resolved(self, want_id: WantId, destinations: Sequence[Destination], *, now: float) -> list[Event]:
        """Answer ResolveWanted with destinations in the order in which they are to be tried.

        Then drain ``data_to_send`` and read ``next_timeout``.
        """
        self._transport.resolved(want_id, destinations, now)
        return self.take_events()

    def is_open(self, flow: Flow) -> bool:
        """Whether something can still be sent on a flow; always so over UDP, where nobody knows."""
        return self._transport.is_open(flow)

    def set_credentials(self, realm: str, credentials: Credentials | None) -> None:
        """Answer challenges of a realm with these, before those of the configuration; None forgets them.

        For secrets that come up while the endpoint runs, such as the passcode of a conference.
        """
        self._context.set_credentials(realm, credentials)

    def watch_flows(self, owner: str) -> None:
        """Let a core know of each connection that is closed: it gets FlowClosed."""
        self._cores.by_owner(owner)
        self._transport.watchers.append(owner)

    def is_proven(self, flow: Flow) -> bool:
        """Whether the other side of a flow has read a message of ours, so that its address is no invention.

        Always on connections; over UDP when its host answered a NOTIFY, or sent an ACK or another request in a dialog.
        """
        return flow in self._transport.proven

    def keep_alive(self, flow: Flow, *, interval: float | None = None, answered: bool = True, now: float) -> None:
        """Send something on a flow now and then, so that NATs keep it open (RFC 5626 section 4.4).

        ``interval`` is the longest time between two pings in seconds, else LocalProtocolError is raised; each waits
        80 % to all of it. None takes the configured one, over UDP 24 to 29 s. On a connection FlowLost follows without
        an answer within 10 s, unless ``answered`` is False: servers that do not know pings, as Microsoft's, need not
        answer. It ends with the flow, or ``stop_keep_alive``. For registrations ``EndpointConfig.keep_alive`` does it.
        """
        if interval is not None and interval <= 0:
            raise LocalProtocolError(f"not an interval: {interval}")
        self._requests.keep_alives.start(flow, interval, answered=answered, use="", until=None, now=now)

    def stop_keep_alive(self, flow: Flow) -> None:
        """End what ``keep_alive`` began."""
        self._requests.keep_alives.stop(flow, "")

    # Cores -----------------------------------------------------------------------------------------------------------

    def add_core(
        self,
        owner: str,
        claims: Callable[[Request, Flow], bool],
        *,
        claim: Claim,
        methods: Collection[str],
        supported: Collection[str] = (),
        accept: Collection[str] = (),
        media_types: Collection[str] = (),
        events: Collection[str] = (),
        transparent: bool = False,
        guards_dialogs: bool = False,
        durable: bool = False,
    ) -> None:
        """Register a core for the new requests that ``claims`` says are its own.

        Cores are asked in the order of ``claim``, then of registration. For each but a transparent one (a proxy) the
        endpoint answers by itself what section 8.2 of RFC 3261 leaves no choice in: 405 outside ``methods``, 420
        outside ``supported`` (option tags), 415 outside ``accept`` (media types, empty takes any), 489 outside
        ``events`` (event packages, empty takes any). A transparent core gets every method as RequestReceived and INVITE
        answers several times. OPTIONS is answered for a core that does not list it (section 11.2). A core that judges
        bodies itself, with ``accept`` empty, names in ``media_types`` what such an answer says that it takes. With
        ``guards_dialogs`` it is asked about requests of its dialogs that came by another flow (`RequestFromElsewhere`).
        Dialogs of a ``durable`` core are written for a restart (``take_pieces``).
        """
        self._cores.add(
            owner,
            claims,
            claim=claim,
            methods=methods,
            supported=supported,
            accept=accept,
            media_types=media_types,
            events=events,
            transparent=transparent,
            guards_dialogs=guards_dialogs,
            durable=durable,
        )

    def route(self, request: Request, flow: Flow) -> Routing:
        """Return who gets a new request, or the status that it is refused with. Changes nothing."""
        return self._receiver.routes.of(request, flow)

    # Server side of plain requests -----------------------------------------------------------------------------------

    def respond(
        self,
        transaction: TransactionId,
        status: int,
        reason: str | None = None,
        *,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        now: float,
    ) -> None:
        """Answer a RequestReceived, ReinviteReceived or UpdateReceived.

        Dropped and counted once the transaction timed out. Raises LocalProtocolError when it was answered already.
        """
        self._answers.respond(transaction, status, reason, headers, body, content_type, now)

    def take_request(self, transaction: TransactionId, *, now: float) -> None:
        """Go on with a RequestFromElsewhere, if it has not timed out. Raises LocalProtocolError for anything else."""
        self._receiver.take_request(transaction, now)

    # Client side of plain requests -----------------------------------------------------------------------------------

    def request(
        self,
        owner: str,
        method: str,
        target: Uri | str,
        *,
        from_: NameAddr | str,
        to: NameAddr | str,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
        route: Sequence[NameAddr] = (),
        flow: Flow | None = None,
        call_id: str | None = None,
        cseq: int | None = None,
        contact: NameAddr | None = None,
        now: float,
    ) -> RequestId:
        """Send a request outside of any dialog; ends in ResponseReceived or RequestFailed.

        ``flow`` sends it there, otherwise it goes to the first of ``route``, else to ``target``. ``call_id`` and
        ``cseq`` are for those that must go on with their own, such as registrations. A ``from_`` without tag
        gets one. Not for INVITE and SUBSCRIBE, which have commands of their own.
        """
        return self._requests.request(
            owner,
            method,
            target,
            from_=from_,
            to=to,
            headers=headers,
            body=body,
            content_type=content_type,
            route=route,
            flow=flow,
            call_id=call_id,
            cseq=cseq,
            contact=contact,
            now=now,
        )
