"""One pair of UDP ports for all legs, on an asyncio loop: which leg a datagram is for says its source.

A socket for each leg costs the system more than half of all that is done for it. But who cannot be known by its
address cannot be heard here: a phone behind a NAT sends from another one than its description says. So this is for
trunks, gateways and other peers that send from where they say they receive. Strangers have nothing to be taken for, and
are counted.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Final

from rtp.aio.many_messages import MOST, Messages, messages
from rtp.aio.ports import Arrival, MediaPorts, MediaPortsConfig, OpenPorts, TraceSink, TransportAddress, bind_pair
from rtp.aio.readiness import EachSocket, OneSet, readiness

#: Octets that the system is asked to hold of what has come: 20 ms of some thousand legs. It gives what it may.
_BUFFER: Final = 4 << 20
#: Legs from which on what came is handed over by ``drain``, as with many sockets (`rtp.aio.readiness`).
_MANY: Final = 32
_HELD: Final = 0.025  #: seconds that a batch waits for ``drain`` at most, then


class SharedPort:
    """As `MediaPorts`, with one pair of ports for all; ``expect`` says where the datagrams of a leg come from.

    To be used on the thread of a running loop. The ports are the first pair of the range. Counters: ``strangers``
    (datagrams from addresses that no leg has), ``unreachable`` (addresses of another family), ``dropped_out`` and
    ``unknown`` (sent for a leg that is not open).
    """

    def __init__(
        self,
        on_batch: Callable[[list[Arrival]], None],
        *,
        config: MediaPortsConfig | None = None,
        trace: TraceSink | None = None,
    ) -> None:
        self.config = config or MediaPortsConfig()
        self.strangers = self.unreachable = self.dropped_out = self.unknown = 0
        self._on_batch, self._trace = on_batch, trace
        self._loop = asyncio.get_running_loop()
        self._legs: dict[Hashable, dict[str, Hashable]] = {}  #: handles by kind
        self._sources: dict[str, dict[Hashable, tuple[Hashable, TransportAddress]]] = {"rtp": {}, "rtcp": {}}
        self._handles: dict[TransportAddress, Hashable] = {}  #: of addresses that are expected
        self._sockets: dict[str, socket.socket] = {}
        self._messages: dict[str, Messages] = {}
        self._readiness: EachSocket | OneSet | None = None
        self._opened: OpenPorts | None = None
        self._batch: list[Arrival] = []
        self._hand: asyncio.Handle | None = None

    def __len__(self) -> int:
        return len(self._legs)

    @property
    def counters(self) -> Mapping[str, int]:
        """What was lost at the sockets, in words for a log."""
        return {"media of strangers": self.strangers, "media dropped out": self.dropped_out}

    def open(self, key: Hashable) -> OpenPorts:
        """The ports, for one leg more; raises OSError when they are taken or the address is not ours."""
        if key in self._legs:
            raise ValueError(f"{key!r} has ports already")
        opened = self._opened or self._bind()
        self._legs[key] = {}
        return opened

    def _bind(self) -> OpenPorts:
        first = self.config.port_range[0]
        pair = bind_pair(self.config.host, first + first % 2)
        self._sockets = pair.sockets
        self._readiness = readiness(self._loop, self.config.drain, self._came, many=lambda: len(self._legs) >= _MANY)
        for kind, opened in pair.sockets.items():
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._messages[kind] = messages(opened)
            self._readiness.add(opened, self._reader(kind))
        self._opened = OpenPorts(pair.addresses["rtp"], pair.addresses["rtcp"])
        return self._opened

    def expect(self, key: Hashable, *, rtp: TransportAddress | None, rtcp: TransportAddress | None) -> None:
        """The datagrams of a leg come from there, and from nowhere else; ``None``: there are none.

        An address of another family than ours, from which nothing can come, counts as none, in ``unreachable``. Raises
        ValueError, and changes nothing, for an address that another leg has, and when the leg is not open.
        """
        if key not in self._legs:
            raise ValueError(f"{key!r} has no ports")
        wanted: dict[str, Hashable] = {}
        for kind, address in (("rtp", rtp), ("rtcp", rtcp)):
            handle = None if address is None else self._handle(kind, address)
            if address is None or handle is None:
                continue
            other = self._sources[kind].get(handle, (key, address))[0]
            if other != key:
                raise ValueError(f"{kind} from {address[0]} port {address[1]} is that of another leg, {other!r}")
            wanted[kind] = handle
        self._forget(key)
        self._legs[key] = wanted
        for kind, address in (("rtp", rtp), ("rtcp", rtcp)):
            if address is not None and kind in wanted:
                self._sources[kind][wanted[kind]] = key, address
                self._handles[address] = wanted[kind]

    def _forget(self, key: Hashable) -> None:
        for kind, handle in self._legs[key].items():
            _, address = self._sources[kind].pop(handle)
            self._handles.pop(address, None)

    def close(self, key: Hashable) -> None:
        """A leg is over; does nothing when it is not open."""
        if key in self._legs:
            self._forget(key)
            del self._legs[key]

    def close_all(self) -> None:
        """Every leg is over, and the ports are given back."""
        self._legs.clear()
        self._handles.clear()
        for sources in self._sources.values():
            sources.clear()
        for opened in self._sockets.values():
            if self._readiness is not None:
                self._readiness.remove(opened)
            opened.close()
        if self._readiness is not None:
            self._readiness.close()
        self._readiness, self._opened = None, None
        self._sockets, self._messages = {}, {}

    def send(self, batch: Iterable[tuple[Hashable, str, bytes, TransportAddress]]) -> None:
        """Send ``(key, kind, data, destination)``; what cannot leave now is dropped, since late sound is no sound."""
        handles, legs, trace = self._handles, self._legs, self._trace
        waiting: dict[str, list[tuple[bytes, Hashable]]] = {"rtp": [], "rtcp": []}
        for key, kind, data, destination in batch:
            if key not in legs:
                self.unknown += 1
                continue
            handle = handles.get(destination) or self._handle(kind, destination)
            if handle is None:
                self.dropped_out += 1
                continue
            waiting[kind].append((data, handle))
            if trace is not None and self._opened is not None:
                self._record(kind, getattr(self._opened, kind), destination, data, self._loop.time())
        for kind, datagrams in waiting.items():
            for start in range(0, len(datagrams), MOST):
                self.dropped_out += self._messages[kind].send(datagrams[start : start + MOST])
                if start + MOST < len(datagrams) and self._readiness is not None:
                    self._readiness.look()  # while many are sent, more come than the system holds

    def _handle(self, kind: str, address: TransportAddress) -> Hashable | None:
        try:
            return self._messages[kind].handle(address)
        except (OSError, OverflowError, struct.error):  # an address of another family, or none at all
            self.unreachable += 1
            return None

    def drain(self) -> None:
        """Hand over what has come until now, and was not yet: right before a tick there is no better time."""
        if self._readiness is not None:
            self._readiness.look()
        self._hand_over()

    def _reader(self, kind: str) -> Callable[[float], None]:
        receive, sources, batch = self._messages[kind].receive, self._sources[kind], self._batch

        def read(now: float) -> None:
            found = receive()
            for data, handle in found:
                known = sources.get(handle)
                if known is None:
                    self.strangers += 1
                    continue
                key, source = known
                if self._trace is not None and self._opened is not None:
                    self._record(kind, source, getattr(self._opened, kind), data, now)
                if len(batch) >= self.config.batch:
                    self._hand_over()
                batch.append(tuple.__new__(Arrival, (key, kind, data, source, now)))
            if len(found) < MOST:
                raise BlockingIOError  # nothing is left

        return read

    def _record(
        self, kind: str, source: TransportAddress, destination: TransportAddress, data: bytes, at: float
    ) -> None:
        if self._trace is not None:
            self._trace.record(layer=kind, transport="UDP", source=source, destination=destination, data=data, at=at)

    def _came(self) -> None:
        if self._batch and self._hand is None:
            many, soon = len(self._legs) >= _MANY, self._loop.call_soon
            self._hand = self._loop.call_later(_HELD, self._hand_over) if many else soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._hand is not None:
            self._hand.cancel()
            self._hand = None
        batch = self._batch[:]
        self._batch.clear()
        if batch:
            self._on_batch(batch)


def media_ports(
    on_batch: Callable[[list[Arrival]], None],
    *,
    config: MediaPortsConfig | None = None,
    trace: TraceSink | None = None,
) -> MediaPorts | SharedPort:
    """Ports for each leg, or one pair for all, as ``config.shared`` says."""
    made = SharedPort if config is not None and config.shared else MediaPorts
    return made(on_batch, config=config, trace=trace)
