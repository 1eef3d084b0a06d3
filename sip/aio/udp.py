"""One UDP socket on an event loop: a reader callback that drains it, which costs a quarter of a DatagramProtocol."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Final

from sip.aio.settings import TransportSettings
from sip.aio.turn import Turn
from sip.flow import Address, Flow

#: Hosts that mean every address of the machine.
WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})

_LARGEST: Final = 65_535
_LINUX: Final = sys.platform == "linux"
#: Numbers of linux/in.h and linux/in6.h; the socket module has no names for them.
_IP_RECVERR: Final = 11
_IPV6_RECVERR: Final = 25


def bind_udp(host: str, port: int, settings: TransportSettings) -> socket.socket:
    """Open a bound, non-blocking UDP socket; raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            with contextlib.suppress(OSError):  # A system may refuse the size; what it gives by itself is used then.
                sock.setsockopt(socket.SOL_SOCKET, option, settings.socket_buffer)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if _LINUX:
            level, name = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if ":" in host else (socket.IPPROTO_IP, _IP_RECVERR)
            sock.setsockopt(level, name, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class _Readiness:
    """Something to watch in place of a socket: it is readable whenever the socket is ready, or has an error to tell.

    An ICMP error that came back makes the socket itself report an error to the event loop, and libuv, under uvloop,
    stops watching whatever does so. The outside of an epoll object has no errors.
    """

    def __init__(self, sock: socket.socket, *, output: bool) -> None:
        self._epoll = select.epoll()
        self._epoll.register(sock, select.EPOLLOUT if output else select.EPOLLIN)

    def fileno(self) -> int:
        """The descriptor to watch."""
        return self._epoll.fileno()

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()


class UdpSocket:
    """A bound socket, and the flows to the addresses that it talks with.

    ``received(data, flow)`` is called for each datagram, ``drained()`` once after each batch of them. ``failed(flow)``
    says that a datagram could not be delivered (RFC 3261 section 18.4).
    """

    def __init__(
        self,
        sock: socket.socket,
        *,
        loop: asyncio.AbstractEventLoop,
        settings: TransportSettings,
        new_flow: Callable[[UdpSocket, Address, Address], Flow],
        received: Callable[[bytes, Flow], None],
        drained: Callable[[], None],
        failed: Callable[[Flow], None],
    ) -> None:
        self._sock, self._loop, self._settings = sock, loop, settings
        self._turn = Turn(loop, settings)
        self._new_flow, self._received, self._drained, self._failed = new_flow, received, drained, failed
        self.local = Address(*sock.getsockname()[:2])
        self._flows: OrderedDict[tuple[str, int], Flow] = OrderedDict()
        self._unsent: deque[tuple[bytes, Flow]] = deque()
        self._buffer = bytearray(_LARGEST)
        self._view = memoryview(self._buffer)
        self._readiness: list[_Readiness] = []
        self._watch(output=False)

    @property
    def is_ipv6(self) -> bool:
        """Whether the socket speaks IPv6 (and only that)."""
        return self._sock.family == socket.AF_INET6

    def flow_to(self, remote: tuple[str, int]) -> Flow:
        """The flow to a remote address: the same one each time, while it is remembered."""
        flow = self._flows.get(remote)
        if flow is None:
            flow = self._flows[remote] = self._new_flow(self, self._local_towards(remote), Address(*remote))
            if len(self._flows) > self._settings.max_udp_flows:
                self._flows.popitem(last=False)
        else:
            self._flows.move_to_end(remote)
        return flow

    def _local_towards(self, remote: tuple[str, int]) -> Address:
        """The address that a peer sees: for a socket bound to all of them, what the routing table says."""
        if self.local.host not in WILDCARDS:
            return self.local
        with socket.socket(self._sock.family, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.connect(remote)
            return Address(probe.getsockname()[0], self.local.port)
        return self.local

    def send(self, data: bytes, flow: Flow) -> None:
        """Send a datagram, now or as soon as the socket takes it."""
        if self._unsent:
            self._keep(data, flow)
        elif not self._try(data, flow):
            self._keep(data, flow)
            self._watch(output=True)

    def close(self) -> None:
        """Stop reading and writing."""
        while self._readiness:
            self._unwatch(self._readiness.pop())
        if not _LINUX:
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
        self._sock.close()

    def _watch(self, *, output: bool) -> None:
        if _LINUX:
            readiness = _Readiness(self._sock, output=output)
            self._readiness.append(readiness)
            self._loop.add_reader(readiness, self._writable if output else self._readable)
        elif output:
            self._loop.add_writer(self._sock, self._writable)
        else:
            self._loop.add_reader(self._sock, self._readable)

    def _unwatch(self, readiness: _Readiness) -> None:
        self._loop.remove_reader(readiness)
        readiness.close()

    def _keep(self, data: bytes, flow: Flow) -> None:
        if len(self._unsent) < self._settings.max_unsent_datagrams:
            self._unsent.append((data, flow))

    def _writable(self) -> None:
        while self._unsent and self._try(*self._unsent[0]):
            self._unsent.popleft()
        if self._unsent:
            return
        if _LINUX:
            self._unwatch(self._readiness.pop())
        else:
            self._loop.remove_writer(self._sock)

    def _try(self, data: bytes, flow: Flow) -> bool:
        """Hand a datagram to the system; False when it takes none now."""
        remote = (flow.remote.host, flow.remote.port)
        try:
            self._sock.sendto(data, remote)
        except (BlockingIOError, InterruptedError):
            return False
        except ConnectionRefusedError:
            # The error of an earlier datagram, perhaps to somebody else: the queue of errors knows to whom.
            self._report_undelivered()
            with contextlib.suppress(OSError):
                self._sock.sendto(data, remote)
        except OSError:
            self._loop.call_soon(self._failed, flow)
        return True

    def _readable(self) -> None:
        recvfrom_into, view, received = self._sock.recvfrom_into, self._view, self._received
        try:
            # What is left in the socket makes it readable in the next turn again.
            while self._turn.take():
                try:
                    size, source = recvfrom_into(view)
                except (BlockingIOError, InterruptedError):
                    break
                except OSError:
                    self._report_undelivered()
                    break
                received(bytes(view[:size]), self.flow_to(source[:2]))
        finally:
            self._drained()

    def _report_undelivered(self) -> None:
        for remote in _undelivered(self._sock):
            if (flow := self._flows.get(remote)) is not None:
                self._loop.call_soon(self._failed, flow)


def _undelivered(sock: socket.socket) -> Iterator[tuple[str, int]]:
    """Addresses to which datagrams could not be delivered, as the ICMP errors that came back say (ip(7))."""
    if not _LINUX:
        return
    for _ in range(64):
        try:
            _, _, _, address = sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return
        if isinstance(address, tuple):
            yield address[:2]
