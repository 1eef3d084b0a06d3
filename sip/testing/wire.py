"""What lies between the stations of a pretend network: flows, datagrams, connections, and the time that they take.

Who the stations are, what they do with what arrives and which of them can be reached, the network says that has the
wire: `sip.testing.Network` for endpoints alone, ``pyc3p.simnet`` for whole elements with media and HTTP.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from sip.flow import Address, Flow
from sip.testing.clock import VirtualClock

S = TypeVar("S")


class Chance(Protocol):
    """What happens to bytes on their way; times are seconds."""

    def copies(self) -> Sequence[float]:
        """The delay of each copy of a datagram that arrives; none when it is lost."""

    def pieces(self, data: bytes) -> Sequence[bytes]:
        """The pieces in which bytes of a stream arrive."""

    def delay(self) -> float:
        """How long a piece of a stream takes."""


class Wire(Generic[S]):
    """Carries bytes between stations of type ``S``. Streams keep their order; nothing else is certain."""

    def __init__(self, chance: Chance, *, now: float = 0.0) -> None:
        self.clock = VirtualClock(now)
        self.flows: dict[tuple[str, Address, Address], Flow] = {}
        self.far_ends: dict[int, tuple[S, Flow]] = {}  #: by flow id, of open connections: who, and the flow there
        self._chance = chance
        self._last: dict[int, float] = {}  #: when the last piece that was sent on a flow arrives

    def flow(self, transport: str, local: Address, remote: Address) -> Flow:
        """Return the flow between two addresses, always the same."""
        flow = self.flows.get((transport, local, remote))
        if flow is None:
            flow = self.flows[transport, local, remote] = Flow(len(self.flows) + 1, transport, local, remote)
        return flow

    # Datagrams

    def send_datagram(
        self, flow: Flow, data: bytes, arrive: Callable[[Flow, bytes], None], chance: Chance | None = None
    ) -> None:
        """Let copies of a datagram arrive; ``arrive`` is given the flow as the other side sees it.

        ``chance`` is that of the way it takes, where ways differ.
        """
        delays = (chance or self._chance).copies()
        if delays:
            theirs = self.flow("UDP", flow.remote, flow.local)
            for delay in delays:
                self.clock.at(self.clock.now + delay, lambda: arrive(theirs, data))

    # Connections

    def open(self, caller: S, callee: S, transport: str, local: Address, remote: Address) -> tuple[Flow, Flow]:
        """Return both ends of a new connection."""
        ours, theirs = self.flow(transport, local, remote), self.flow(transport, remote, local)
        self.far_ends[ours.id] = (callee, theirs)
        self.far_ends[theirs.id] = (caller, ours)
        return ours, theirs

    def is_open(self, flow: Flow) -> bool:
        """Whether a connection can carry something."""
        return flow.id in self.far_ends

    def near_end(self, flow: Flow) -> S:
        """Return who has this end of an open connection."""
        _, theirs = self.far_ends[flow.id]
        return self.far_ends[theirs.id][0]

    def send_stream(self, flow: Flow, data: bytes, arrive: Callable[[S, Flow, bytes], None]) -> None:
        """Let bytes arrive in pieces and in order, unless the connection is closed before that."""
        if flow.id not in self.far_ends:
            return
        for piece in self._chance.pieces(data):
            at = max(self.clock.now + self._chance.delay(), self._last.get(flow.id, 0.0))
            self._last[flow.id] = at
            self.clock.at(at, lambda piece=piece: self._arrive(flow, piece, arrive))  # type: ignore[misc]

    def _arrive(self, flow: Flow, piece: bytes, arrive: Callable[[S, Flow, bytes], None]) -> None:
        if flow.id in self.far_ends:
            receiver, theirs = self.far_ends[flow.id]
            arrive(receiver, theirs, piece)

    def close(self, flow: Flow) -> tuple[tuple[S, Flow], tuple[S, Flow]]:
        """Close a connection; return who is to be told and of which flow, the near end first."""
        peer, theirs = self.far_ends.pop(flow.id)
        near, _ = self.far_ends.pop(theirs.id)
        self._last.pop(flow.id, None)
        self._last.pop(theirs.id, None)
        return (near, flow), (peer, theirs)
