"""The asyncio driver of a pump: sockets, connections, look-ups and one timer."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial

import attrs

from sip.aio.clock import live_entropy
from sip.aio.connections import Connections
from sip.aio.connector import open_connection
from sip.aio.edge_trace import EdgeTrace
from sip.aio.faults import FaultLog
from sip.aio.listeners import ListenFailed, StreamListeners
from sip.aio.patience import Patience
from sip.aio.resolver import Resolver, SystemResolver, look_up
from sip.aio.settings import TlsContexts, TransportSettings
from sip.aio.stream import Connection
from sip.aio.tls_faults import TlsFaults
from sip.aio.tls_listener import failure_text
from sip.aio.turn import StreamTurns
from sip.aio.udp import WILDCARDS, UdpSocket, bind_udp
from sip.config import Listen
from sip.endpoint.pump import Pump
from sip.entropy import Entropy
from sip.events import ConnectWanted, Event, FlowLost, ResolveWanted
from sip.flow import Address, Destination, Flow
from sip.ids import WantId
from sip.networks import source_of
from sip.token_bucket import TokenBuckets
from sip.trace import TraceSink
from sip.transport.locate import Target


def _ignore(events: list[Event]) -> None:
    """An application that looks at its cores only."""


class SipTransport:
    """Carries one pump over real sockets: UDP, TCP and TLS, IPv4 and IPv6.

    It opens the listeners of ``EndpointConfig.listen``, feeds the pump what arrives, sends what the pump has, answers
    its questions and keeps one timer. ``on_events`` gets the events that are for the application. Whoever commands a
    core or the endpoint from outside of ``on_events`` calls `kick` afterwards, and takes the time from `now`.
    """

    def __init__(
        self,
        pump: Pump,
        *,
        entropy: Entropy | None = None,
        on_events: Callable[[list[Event]], None] = _ignore,
        trace: TraceSink | None = None,
        tls: TlsContexts | None = None,
        settings: TransportSettings | None = None,
        resolver: Resolver | None = None,
    ) -> None:
        self._pump, self._on_events = pump, on_events
        self._trace = None if trace is None else EdgeTrace(trace)
        self._uniform = (entropy or live_entropy()).child("sip.aio srv").uniform
        self._tls = tls or TlsContexts()
        self._settings = settings or TransportSettings()
        self._resolver = resolver or SystemResolver(timeout=self._settings.lookup_timeout)
        self._patience = Patience(self._settings, pump.endpoint.unfinished)
        self._buckets = TokenBuckets(
            rate=self._settings.source_rate, burst=self._settings.source_burst, limit=self._settings.max_sources
        )
        self._sockets: list[UdpSocket] = []
        self._socket_at: dict[Address, UdpSocket] = {}
        self._connections = Connections(self._settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_flow = 0
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._busy = False
        self._faults = FaultLog()
        self._more_to_send = False
        self._running = False
        self.counters: Counter[str] = Counter()  #: what was dropped or refused at the edge, by reason
        self._tls_faults = TlsFaults(self.counters, lambda found: self._faults.tell(found, on_events, now=self.now))
        self._streams = StreamListeners(
            self, settings=self._settings, context=lambda: self._tls.server, on_fault=self._tls_faults.report
        )
        self.listening: tuple[Listen, ...] = ()  #: the listeners with the ports that they really have

    # Life ------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open all listeners. Raises ListenFailed (ValueError for TLS without context) and then leaves nothing open."""
        self._loop = asyncio.get_running_loop()
        self._running = True
        self._turns = StreamTurns(
            self._loop,
            self._settings,
            handle=self._handle_stream,
            unread=self._pump.endpoint.unread,
            ended=self._connection_ended,
        )
        try:
            self.listening = tuple([await self._listen(each) for each in self._pump.endpoint.config.listen])
        except BaseException:
            await self._close()
            raise
        self._pump.endpoint.set_listen(self.listening)
        self.kick()

    async def stop(self) -> None:
        """Send what is waiting, close everything, and wait until it is closed. Can be called twice."""
        if self._running:
            self._flush(None)
            await self._close()

    async def _close(self) -> None:
        self._running = False
        if self._timer is not None:
            self._timer.cancel()
        await self._streams.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._close_connections()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        self._socket_at.clear()

    def kick(self) -> None:
        """Settle the pump, send and set the timer: to be called after commands were given."""
        if self._running and not self._busy:
            self._work(self._settled())

    @property
    def now(self) -> float:
        """The clock that the pump lives by (monotonic seconds)."""
        return self._loop.time()

    async def _close_connections(self) -> None:
        for connection in self._connections:
            connection.close()
        end = self._loop.time() + self._settings.stop_timeout
        while self._connections and self._loop.time() < end:
            await asyncio.sleep(0.01)
        for connection in self._connections:
            connection.abort()
        await asyncio.sleep(0)

    # Listeners -------------------------------------------------------------------------------------------------------

    async def _listen(self, listen: Listen) -> Listen:
        try:
            port = self._listen_udp(listen) if listen.transport == "UDP" else await self._streams.open(listen)
        except OSError as error:
            raise ListenFailed(listen, error) from error
        return attrs.evolve(listen, port=port)

    def _listen_udp(self, listen: Listen) -> int:
        sock = bind_udp(listen.host, listen.port, self._settings)
        made = UdpSocket(
            sock,
            loop=self._loop,
            settings=self._settings,
            new_flow=self._new_udp_flow,
            received=self._datagram,
            drained=partial(self._work, ()),
            failed=self._undelivered,
        )
        self._sockets.append(made)
        return made.local.port

    def set_tls(self, tls: TlsContexts) -> None:
        """Use other certificates from the next connection on. Raises ValueError where a listener is left without."""
        if self._tls.server is not None and tls.server is None:
            raise ValueError("a TLS listener needs TlsContexts(server=...)")
        self._tls = tls
        self._tls_faults.forget()

    def new_flow(self, transport: str, local: Address, remote: Address, identity: tuple[str, ...] = ()) -> Flow:
        """A flow with a number that no other flow of this transport has or had."""
        self._last_flow += 1
        return Flow(self._last_flow, transport, local, remote, identity)

    def _new_udp_flow(self, sock: UdpSocket, local: Address, remote: Address) -> Flow:
        self._socket_at[local] = sock
        return self.new_flow("UDP", local, remote)

    # What arrives ----------------------------------------------------------------------------------------------------

    def _datagram(self, data: bytes, flow: Flow) -> None:
        now = self._loop.time()
        if not self._buckets.take(source_of(flow.remote.host), now=now):
            self.counters["dropped: too many datagrams from one source"] += 1
            return
        if self._trace is not None:
            self._trace.record(flow, data, now, arrived=True)
        self._handle(self._pump.receive_data(data, flow=flow, now=now))

    def _undelivered(self, flow: Flow) -> None:
        if self._running:
            self._work(self._settled(self._pump.endpoint.send_failed(flow, now=self.now)))

    def connection_opened(self, connection: Connection) -> bool:
        """Let a connection in, unless there are too many."""
        if not self._running or not self._connections.admit(connection):
            self.counters["refused: too many connections"] += 1
            return False
        if connection.accepted:
            self._patience.expect_first(connection)
        return True

    def connection_received(self, connection: Connection, data: bytes) -> None:
        """Feed a piece of a stream; a peer that sends too fast has to wait."""
        now, flow = self._loop.time(), connection.flow
        if not self._buckets.take(source_of(flow.remote.host), now=now):
            connection.pause_reading()
            self._loop.call_later(1.0 / self._settings.source_rate, connection.resume_reading)
        if self._trace is not None:
            self._trace.received(flow, data, now)
        self._turns.received(connection, data)

    def _handle_stream(self, connection: Connection, data: bytes) -> None:
        """Look at one message of a stream."""
        if self._running:
            self._work(self._pump.receive_data(data, flow=connection.flow, now=self.now, most=1))
            self._patience.received(connection)

    def connection_began_tls(self, connection: Connection) -> None:
        """Somebody speaks TLS to a plain port."""
        self._tls_faults.report_hello(connection.flow)

    def connection_closed(self, connection: Connection) -> None:
        """Count a connection no more; the endpoint hears of its end after what came before that."""
        if connection.tls_failure is not None and not connection.accepted:
            self._tls_faults.report_refusal(connection.flow, connection.tls_failure)
        self._connections.remove(connection)
        if self._trace is not None:
            self._trace.closed(connection.flow)
        self._turns.closed(connection)

    def _connection_ended(self, connection: Connection) -> None:
        """Tell the endpoint that a flow is gone."""
        if self._running:
            self._work(self._settled(self._pump.endpoint.flow_closed(connection.flow, now=self.now)))

    def connection_writable(self, connection: Connection, writable: bool) -> None:
        """Tell the endpoint that a flow takes no more, or takes data again."""
        if not self._running or self._connections.get(connection.flow) is None:
            return
        if writable:
            self._work(self._settled(self._pump.endpoint.flow_writable(connection.flow, now=self.now)))
        else:
            # Not in the middle of writing: the endpoint may be handing out what is to be sent.
            self._pump.endpoint.flow_blocked(connection.flow)

    # The pump --------------------------------------------------------------------------------------------------------

    def _settled(self, events: Sequence[Event] = ()) -> list[Event]:
        """Feed events of the endpoint to the cores; return what is left for us and the application."""
        return self._pump.settle(events, now=self.now)

    def _work(self, events: Sequence[Event]) -> None:
        """Handle what the pump returned, send, and set the timer."""
        try:
            self._handle(events)
        finally:
            self._flush(self._settings.send_slice)
            self._set_timer()

    def _handle(self, events: Sequence[Event]) -> None:
        """Answer the questions of the endpoint and hand the rest to the application, until nothing moves."""
        waiting = deque(events)
        self._busy = True
        try:
            while waiting:
                ours: list[Event] = []
                while waiting:
                    event = waiting.popleft()
                    answered = self._answer(event)
                    if answered is None:
                        ours.append(event)
                    else:
                        waiting.extend(answered)
                if ours:
                    self._faults.tell(ours, self._on_events, now=self.now)
                    waiting.extend(self._settled())
        finally:
            self._busy = False

    def _flush(self, limit: int | None) -> None:
        """Send; what is over the limit in the next turn of the loop."""
        out = self._pump.data_to_send(limit)
        now = self._loop.time()
        for each in out:
            if self._trace is not None:
                self._trace.record(each.flow, each.data, now, arrived=False)
            if each.flow.transport == "UDP":
                if (sock := self._socket_at.get(each.flow.local)) is not None:
                    sock.send(each.data, each.flow)
            elif (connection := self._connections.get(each.flow)) is not None:
                connection.write(each.data)
        if limit is not None and len(out) >= limit and not self._more_to_send:
            self._more_to_send = True
            self._loop.call_soon(self._flush_more)

    def _flush_more(self) -> None:
        self._more_to_send = False
        if self._running:
            self._flush(self._settings.send_slice)

    def _set_timer(self) -> None:
        due = self._pump.next_timeout()
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else self._loop.call_at(due, self._timeout)

    def _timeout(self) -> None:
        self._due = self._timer = None
        self._work(self._pump.handle_timeout(now=self.now))

    # Questions of the endpoint ---------------------------------------------------------------------------------------

    def _answer(self, event: Event) -> list[Event] | None:
        """Answer a question to the driver, and return what that caused; None for any other event."""
        if isinstance(event, ConnectWanted):
            return self._connect(event.id, self._settings.reach(event.destination))
        if isinstance(event, ResolveWanted):
            secure = event.uri.scheme == "sips"
            target = Target(host=event.host, port=event.port, transport=event.transport, secure=secure)
            self._spawn(self._resolve(event.id, target))
            return []
        if isinstance(event, FlowLost):
            self._give_up(event.flow)
            return []
        return None

    def _give_up(self, flow: Flow) -> None:
        """Close a connection after what is on its way to it, an answer that says why perhaps."""
        if (connection := self._connections.get(flow)) is not None:
            connection.unread.clear()  # nobody knows where a message begins in it
            self._loop.call_soon(connection.close)
            self._loop.call_later(self._settings.stop_timeout, connection.abort)

    def _connect(self, want: WantId, destination: Destination) -> list[Event]:
        if destination.transport != "UDP":
            self._spawn(self._open(want, destination))
            return []
        sock = next((s for s in self._sockets if s.is_ipv6 == (":" in destination.host)), None)
        if sock is None:
            reason = "no UDP socket of that address family"
            return self._settled(self._pump.endpoint.flow_failed(want, reason, now=self.now))
        flow = sock.flow_to((destination.host, destination.port))
        return self._settled(self._pump.endpoint.flow_opened(want, flow, now=self.now))

    async def _open(self, want: WantId, destination: Destination) -> None:
        endpoint, local = self._pump.endpoint, self._local_host(destination)
        try:
            connection = await open_connection(
                self, destination, local_host=local, tls=self._tls, settings=self._settings
            )
        except OSError as error:
            reason = failure_text(error)
            if destination.transport == "TLS":
                self._tls_faults.report_server(error, destination.host, destination.port, reason)
            self._work(self._settled(endpoint.flow_failed(want, reason, now=self.now)))
        else:
            self._work(self._settled(endpoint.flow_opened(want, connection.flow, now=self.now)))

    def _local_host(self, destination: Destination) -> str | None:
        """Connect from the address that we listen on, so that peers see one address of ours."""
        for listen in self.listening:
            same_family = (":" in listen.host) == (":" in destination.host)
            if listen.transport == destination.transport and same_family and listen.host not in WILDCARDS:
                return listen.host
        return None

    async def _resolve(self, want: WantId, target: Target) -> None:
        endpoint = self._pump.endpoint
        found = await look_up(target, self._resolver, uniform=self._uniform, transports=self._transports())
        if found:
            self._work(self._settled(endpoint.resolved(want, found, now=self.now)))
        else:
            self._work(self._settled(endpoint.flow_failed(want, f"no address for {target.host}", now=self.now)))

    def _transports(self) -> tuple[str, ...]:
        """What we can send over: UDP with a socket, TCP always, TLS with a context; in the order of the listeners."""
        able = ["UDP"] * bool(self._sockets) + ["TCP"] + ["TLS"] * (self._tls.client is not None)
        first = [listen.transport for listen in self.listening if listen.transport in able]
        return tuple(dict.fromkeys([*first, *able]))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
