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
from collections.abc import Callable, Hashable, Iterable, Mapping
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
    shared: bool = False  #: whether `media_ports` makes a `SharedPort`: the first pair of the range for all legs

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


_SendTo = Callable[[bytes, TransportAddress], int]


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
        self._senders: dict[str, dict[Hashable, _SendTo]] = {"rtp": {}, "rtcp": {}}
        self._readiness: EachSocket | OneSet | None = None  #: while there are ports
        self._hand: asyncio.Handle | None = None  #: that will hand over what came
        self._batch: list[Arrival] = []  #: one and the same list for ever
        first, last = self.config.port_range
        #: Even, with room for the odd one after it.
        self._free = list(range(first + first % 2, last, 2))
        self._draw = draw
        self._resting: deque[int] = deque()
        self._rest = min(_RESTING, len(self._free) // 2)

    def __len__(self) -> int:
        return len(self._pairs)

    @property
    def counters(self) -> Mapping[str, int]:
        """What was lost at the sockets, in words for a log."""
        return {"media dropped in": self.dropped_in, "media dropped out": self.dropped_out}

    def open(self, key: Hashable) -> OpenPorts:
        """Ports for a leg; raises OSError when the range is used up or the address is not ours."""
        if key in self._pairs:
            raise ValueError(f"{key!r} has ports already")
        pair = self._bind_pair()
        self._pairs[key] = pair
        if self._readiness is None:
            self._readiness = readiness(self._loop, self.config.drain, self._came)
        for kind, opened in pair.sockets.items():
            self._senders[kind][key] = opened.sendto
            self._readiness.add(opened, self._reader(key, kind, opened, pair.addresses[kind]))
        return OpenPorts(pair.addresses["rtp"], pair.addresses["rtcp"])

    def expect(self, key: Hashable, *, rtp: TransportAddress | None, rtcp: TransportAddress | None) -> None:
        """Nothing has to be told here, as each leg has ports of its own; see `SharedPort.expect`."""

    def close(self, key: Hashable) -> None:
        """Give the ports of a leg back; does nothing when it has none."""
        pair = self._pairs.pop(key, None)
        if pair is None:
            return
        self._resting.append(pair.addresses["rtp"][1])
        if len(self._resting) > self._rest:
            self._free.append(self._resting.popleft())
        for kind, opened in pair.sockets.items():
            del self._senders[kind][key]
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
        senders, trace = self._senders, self._trace
        for key, kind, data, destination in batch:
            of_kind = senders[kind]
            try:
                of_kind[key](data, destination)
            except KeyError:
                self.unknown += 1
            except OSError:
                # A full buffer, an ICMP error of an earlier datagram, or an address of another family.
                self.dropped_out += 1
            else:
                if trace is not None:
                    self._record(kind, self._pairs[key].addresses[kind], destination, data, self._loop.time())

    def _bind_pair(self) -> _Pair:
        """A free pair, drawn at random; one that was just given back only when there is no other."""
        taken: list[int] = []  #: by other programs
        try:
            while self._free or self._resting:
                port = self._drawn() if self._free else self._resting.popleft()
                try:
                    return bind_pair(self.config.host, port)
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
        receive, batch, most, traced = opened.recvfrom, self._batch, self.config.batch, self._trace is not None
        keep, make = batch.append, tuple.__new__  # what a NamedTuple does by itself takes three times as long

        def read(now: float) -> None:
            data, address = receive(_DATAGRAM)
            source = address[:2]
            if traced:
                self._record(kind, source, local, data, now)
            if len(batch) < most or self._has_room():
                keep(make(Arrival, (key, kind, data, source, now)))

        return read

    def _record(
        self, kind: str, source: TransportAddress, destination: TransportAddress, data: bytes, at: float
    ) -> None:
        if self._trace is not None:
            self._trace.record(layer=kind, transport="UDP", source=source, destination=destination, data=data, at=at)

    @property
    def _many(self) -> bool:
        return self._readiness is not None and self._readiness.many

    def _has_room(self) -> bool:
        """Make room in a full batch, or count what does not go into it."""
        if self._many:
            self._hand_over()
            return True
        self.dropped_in += 1
        return False

    def _came(self) -> None:
        """The loop found something to read."""
        if self._batch and self._hand is None:
            soon = self._loop.call_soon
            self._hand = self._loop.call_later(_HELD, self._hand_over) if self._many else soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._hand is not None:
            self._hand.cancel()
            self._hand = None
        batch = self._batch[:]
        self._batch.clear()
        if batch:
            self._on_batch(batch)


def bind_pair(host: str, port: int) -> _Pair:
    """The sockets of two ports, or none. Raises OSError."""
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
