"""Media ports on an asyncio loop: pairs of UDP sockets, datagrams in and out in batches. Knows nothing of RTP.

No protocol objects and no tasks: everything that came in one turn of the loop is handed over together, and with many
legs what came since ``drain`` was called last, which whoever has a tick does before it (`rtp.aio.readiness`). Needs a
loop with ``add_reader`` (not the proactor loop of Windows).
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from typing import Final, NamedTuple, Protocol

import attrs

from rtp.aio.readiness import EachSocket, OneSet, Read, readiness
from rtp.field_types import ABOVE_ZERO, checks_types, wrong
from rtp.shown import Shown

TransportAddress = tuple[str, int]

_LAST_PORT: Final = 65_535
_DATAGRAM: Final = 65_535  #: octets; more cannot come in UDP
_UNAVAILABLE: Final = frozenset({errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL})
#: Pairs given back last, which rest while others are free: what is still on its way to a call that ended is not to
#: arrive at the next.
_RESTING: Final = 64
#: Seconds that a batch waits for ``drain`` when there are many sockets; a tick that is late does not hold it longer.
_HELD: Final = 0.025


class TraceSink(Protocol):
    """Where each datagram is recorded."""

    def record(
        self,
        *,
        layer: str,
        transport: str,
        source: tuple[str, int],
        destination: tuple[str, int],
        data: bytes,
        at: float,
    ) -> None:
        """Take note of one datagram."""


class Arrival(NamedTuple):
    """A datagram that came in on the ports of a leg."""

    key: Hashable  #: whose ports
    kind: str  #: ``rtp`` or ``rtcp``
    data: bytes
    source: TransportAddress
    arrival: float  #: seconds of the loop's clock


@attrs.frozen(kw_only=True, field_transformer=checks_types)
class MediaPortsConfig(Shown):
    """Where ports are opened and how much one turn of the loop may take."""

    host: str = "127.0.0.1"  #: address to bind; loopback unless told otherwise
    #: first and last, both included; RTP takes an even one and RTCP the next
    port_range: tuple[int, int] = attrs.field(default=(40_000, 49_999))
    #: datagrams of one socket in one turn, so that a flooded leg does not starve the others
    drain: int = attrs.field(default=32, metadata=ABOVE_ZERO)
    #: Datagrams held for one hand-over. Beyond it they are dropped and counted, or with many legs handed over at once.
    batch: int = attrs.field(default=2_048, metadata=ABOVE_ZERO)

    @port_range.validator
    def _has_a_pair(self, field: attrs.Attribute[tuple[int, int]], value: tuple[int, int]) -> None:
        first, last = value
        if not 0 < first + first % 2 < last <= _LAST_PORT:
            raise wrong(
                self, field.name, value, f"first and last port up to {_LAST_PORT}, with an even one and the next"
            )


@attrs.frozen
class OpenPorts:
    """The addresses of one leg."""

    rtp: TransportAddress
    rtcp: TransportAddress


class _Pair(NamedTuple):
    sockets: dict[str, socket.socket]
    addresses: dict[str, TransportAddress]


class MediaPorts:
    """Opens an even RTP and the next odd RTCP port for each leg.

    To be used on the thread of a running loop. ``on_batch`` gets what came in. Ports are drawn at random: nobody
    can tell from the ports of one call those of the next: ``draw`` gives a number below the one it is given, by default
    from the system. Counters: ``dropped_in`` (batch full), ``dropped_out`` (socket full or destination unreachable),
    ``unknown`` (sent for a leg that has no ports).
    """

    def __init__(
        self,
        on_batch: Callable[[list[Arrival]], None],
        *,
        config: MediaPortsConfig | None = None,
        trace: TraceSink | None = None,
        draw: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        self.config = config or MediaPortsConfig()
        self.dropped_in = self.dropped_out = self.unknown = 0
        self._on_batch = on_batch
        self._trace = trace
        self._loop = asyncio.get_running_loop()
        self._pairs: dict[Hashable, _Pair] = {}
        self._readiness: EachSocket | OneSet | None = None  #: while there are ports
        self._hand: asyncio.Handle | None = None  #: that will hand over what came
        self._batch: list[Arrival] = []
        first, last = self.config.port_range
        #: Even, with room for the odd one after it.
        self._free = list(range(first + first % 2, last, 2))
        self._draw = draw
        self._resting: deque[int] = deque()
        self._rest = min(_RESTING, len(self._free) // 2)

    def __len__(self) -> int:
        return len(self._pairs)

    def open(self, key: Hashable) -> OpenPorts:
        """Ports for a leg; raises OSError when the range is used up or the address is not ours."""
        if key in self._pairs:
            raise ValueError(f"{key!r} has ports already")
        pair = self._bind_pair()
        self._pairs[key] = pair
        if self._readiness is None:
            self._readiness = readiness(self._loop, self.config.drain)
        for kind, opened in pair.sockets.items():
            self._readiness.add(opened, self._reader(key, kind, opened, pair.addresses[kind]))
        return OpenPorts(pair.addresses["rtp"], pair.addresses["rtcp"])

    def close(self, key: Hashable) -> None:
        """Give the ports of a leg back; does nothing when it has none."""
        pair = self._pairs.pop(key, None)
        if pair is None:
            return
        self._resting.append(pair.addresses["rtp"][1])
        if len(self._resting) > self._rest:
            self._free.append(self._resting.popleft())
        for opened in pair.sockets.values():
            if self._readiness is not None:
                self._readiness.remove(opened)
            opened.close()
        if not self._pairs and self._readiness is not None:
            self._readiness.close()
            self._readiness = None

    def close_all(self) -> None:
        """Close every pair."""
        for key in list(self._pairs):
            self.close(key)

    def send(self, batch: Iterable[tuple[Hashable, str, bytes, TransportAddress]]) -> None:
        """Send ``(key, kind, data, destination)``; what cannot leave now is dropped, since late sound is no sound."""
        now, trace = self._loop.time(), self._trace
        for key, kind, data, destination in batch:
            pair = self._pairs.get(key)
            if pair is None:
                self.unknown += 1
                continue
            try:
                pair.sockets[kind].sendto(data, destination)
            except OSError:
                # A full buffer, an ICMP error of an earlier datagram, or an address of another family.
                self.dropped_out += 1
                continue
            if trace is not None:
                source = pair.addresses[kind]
                trace.record(layer=kind, transport="UDP", source=source, destination=destination, data=data, at=now)

    def _bind_pair(self) -> _Pair:
        """A free pair, drawn at random; one that was just given back only when there is no other."""
        taken: list[int] = []  #: by other programs
        try:
            while self._free or self._resting:
                port = self._drawn() if self._free else self._resting.popleft()
                try:
                    return _bind(self.config.host, port)
                except OSError as error:
                    taken.append(port)
                    if error.errno == errno.EADDRNOTAVAIL or error.errno not in _UNAVAILABLE:
                        raise
        finally:
            self._free += taken
        first, last = self.config.port_range
        raise OSError(errno.EADDRINUSE, f"no free pair of media ports between {first} and {last}")

    def _drawn(self) -> int:
        free, index = self._free, self._draw(len(self._free))
        free[index], free[-1] = free[-1], free[index]
        return free.pop()

    def drain(self) -> None:
        """Hand over what has come until now, and was not yet: right before a tick there is no better time."""
        if self._readiness is not None:
            self._readiness.look()
        if self._batch:
            self._hand_over()

    def _reader(self, key: Hashable, kind: str, opened: socket.socket, local: TransportAddress) -> Read:
        receive, traced = opened.recvfrom, self._trace is not None

        def read(now: float) -> None:
            try:
                data, address = receive(_DATAGRAM)
            except (BlockingIOError, InterruptedError):
                raise
            except OSError:  # pragma: no cover - Linux tells this only to connected sockets
                return  # an ICMP error of an earlier datagram; it is used up by this read
            arrival = Arrival(key, kind, data, address[:2], now)
            if traced:
                self._record(arrival, local)
            self._take(arrival)

        return read

    def _record(self, arrival: Arrival, local: TransportAddress) -> None:
        if self._trace is not None:
            _, kind, data, source, at = arrival
            self._trace.record(layer=kind, transport="UDP", source=source, destination=local, data=data, at=at)

    def _take(self, arrival: Arrival) -> None:
        batch, many = self._batch, self._readiness is not None and self._readiness.many
        if len(batch) >= self.config.batch:
            if not many:
                self.dropped_in += 1
                return
            self._hand_over()
            batch = self._batch
        if not batch:
            soon = self._loop.call_later(_HELD, self._hand_over) if many else self._loop.call_soon(self._hand_over)
            self._hand = soon
        batch.append(arrival)

    def _hand_over(self) -> None:
        if self._hand is not None:
            self._hand.cancel()
            self._hand = None
        batch, self._batch = self._batch, []
        if batch:
            self._on_batch(batch)


def _bind(host: str, port: int) -> _Pair:
    """Both sockets, or none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: dict[str, socket.socket] = {}
    try:
        for kind, number in (("rtp", port), ("rtcp", port + 1)):
            opened = sockets[kind] = socket.socket(family, socket.SOCK_DGRAM)
            opened.setblocking(False)
            opened.bind((host, number))
    except OSError:
        for opened in sockets.values():
            opened.close()
        raise
    addresses = {kind: opened.getsockname()[:2] for kind, opened in sockets.items()}
    return _Pair(sockets, addresses)
