"""Connections of a simulated network, as with TCP: what was written arrives whole and in order, or they end.

A cut link delays. Who sends into it tries again, less and less often, and gives the connection up after `PATIENCE`;
the other end is not told of that, and finds out when it sends something itself (half-open). A reader that is slow
fills the window of who sends to it, which is told that the flow is blocked.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

import attrs

from sip import Address, Flow

if TYPE_CHECKING:
    from pyc3p.simnet.network import SimNetwork

#: Seconds for which a connection is kept on which nothing passes, as with TCP_USER_TIMEOUT of 20 s.
PATIENCE: Final = 20.0
#: Seconds until what did not pass is sent again, doubled each time up to the second figure (RFC 6298).
_FIRST_RETRY: Final = 0.2
_LONGEST_RETRY: Final = 5.0
#: Octets on their way, or unread, on which a flow counts as blocked; it is writable again at half of it.
WINDOW: Final = 65_536
#: Seconds until a reader that does not read is looked at again.
_STOPPED: Final = 1.0


class Station(Protocol):
    """Whoever can have an end of a connection."""

    name: str
    host: str

    def receive_sip(self, flow: Flow, data: bytes) -> None:
        """Bytes arrived."""

    def flow_closed(self, flow: Flow) -> None:
        """This end is closed."""

    def flow_blocked(self, flow: Flow) -> None:
        """No more can be written for now."""

    def flow_writable(self, flow: Flow) -> None:
        """More can be written again."""


@attrs.define(eq=False)
class _End:
    """One end of a connection that is open there, and what was written at it."""

    flow: Flow
    owner: Station
    peer: Station  #: who had the other end when it was opened
    far: Flow
    waiting: deque[tuple[float, bytes]] = attrs.Factory(deque)  #: pieces, each with the time at which it arrives
    octets: int = 0
    last: float = 0.0  #: when the last piece arrives
    asleep: bool = True  #: whether no alarm is set
    stuck_since: float | None = None
    retry: float = _FIRST_RETRY
    unheard_since: float | None = None  #: since when what arrived cannot be acknowledged
    blocked: bool = False
    closing: bool = False  #: the connection ends once everything has arrived


class Streams:
    """The connections of a network."""

    def __init__(self, network: SimNetwork) -> None:
        self._network = network
        self._ends: dict[int, _End] = {}  #: by the id of their flow
        self.reading: dict[str, float] = {}  #: octets a second that an element reads; 0: none; not named: all

    def open(self, caller: Station, callee: Station, transport: str, local: Address, remote: Address) -> Flow:
        """The caller's end of a new connection."""
        wire = self._network.wire
        ours, theirs = wire.flow(transport, local, remote), wire.flow(transport, remote, local)
        self._ends[ours.id] = _End(ours, caller, callee, theirs)
        self._ends[theirs.id] = _End(theirs, callee, caller, ours)
        return ours

    def is_open(self, flow: Flow) -> bool:
        """Whether a connection is open at this end."""
        return flow.id in self._ends

    def whole(self, flow_id: int) -> bool:
        """Whether a connection is open at both ends."""
        end = self._ends.get(flow_id)
        return end is not None and end.far.id in self._ends

    def peer_of(self, flow: Flow) -> Station | None:
        """Who is at the other end; None where this end is closed."""
        end = self._ends.get(flow.id)
        return None if end is None else end.peer

    def ends_of(self, name: str) -> list[Flow]:
        """The ends of connections that are open at an element, the oldest first."""
        return [end.flow for end in self._ends.values() if end.owner.name == name]

    def write(self, flow: Flow, data: bytes) -> None:
        """Send bytes; nothing happens when this end is closed."""
        end = self._ends.get(flow.id)
        if end is None:
            return
        dice = self._network.links.dice(end.owner.name, end.peer.name)
        for piece in dice.pieces(data):
            end.last = max(self._network.now + dice.delay(), end.last)
            end.waiting.append((end.last, piece))
            end.octets += len(piece)
        if end.octets > WINDOW and not end.blocked:
            end.blocked = True
            end.owner.flow_blocked(flow)
        self._wake_at(end, end.waiting[0][0])

    def close(self, flow: Flow) -> None:
        """Reset a connection: what is on its way is lost, and both ends are told, the other one if it can be."""
        end = self._ends.get(flow.id)
        if end is not None:
            self._close_end(end)
            far = self._ends.get(end.far.id)
            if far is not None and not self._network.links.is_cut(end.owner.name, end.peer.name):
                self._close_end(far)

    def close_after_sending(self, flow: Flow) -> None:
        """Close a connection once what was sent on it, in either direction, has arrived."""
        end = self._ends.get(flow.id)
        if end is None:
            return
        busy = [each for each in (end, self._ends.get(end.far.id)) if each is not None and each.waiting]
        if not busy:
            self.close(flow)
        for each in busy:
            each.closing = True

    def lose_end(self, flow: Flow) -> None:
        """Let one end of a connection be gone without a word: the other learns of it when it sends."""
        self._ends.pop(flow.id, None)

    # Inside ----------------------------------------------------------------------------------------------------------

    def _close_end(self, end: _End) -> None:
        """Close one end, whose owner is told as soon as the other could tell it."""
        if self._ends.pop(end.flow.id, None) is not None:
            delay = self._network.links.dice(end.peer.name, end.owner.name).delay()
            self._network.clock.after(delay, lambda: end.owner.flow_closed(end.flow))

    def _wake_at(self, end: _End, when: float) -> None:
        if end.asleep:
            end.asleep = False
            self._network.clock.at(when, lambda: self._due(end))

    def _due(self, end: _End) -> None:
        end.asleep = True
        if self._ends.get(end.flow.id) is not end or not end.waiting:
            return
        network, (at, piece) = self._network, end.waiting[0]
        if at > network.now:
            self._wake_at(end, at)
        elif network.links.is_cut(end.owner.name, end.peer.name) or not network.is_there(end.peer):
            self._stuck(end)
        elif end.far.id not in self._ends:
            self._close_end(end)  # a reset comes back
        else:
            self._arrive(end, piece)

    def _stuck(self, end: _End) -> None:
        now = self._network.now
        if end.stuck_since is None:
            end.stuck_since, end.retry = now, _FIRST_RETRY
        if now - end.stuck_since >= PATIENCE:
            self._close_end(end)
            return
        self._wake_at(end, now + end.retry)
        end.retry = min(2 * end.retry, _LONGEST_RETRY)

    def _arrive(self, end: _End, piece: bytes) -> None:
        network, pace = self._network, self.reading.get(end.peer.name)
        end.stuck_since = None
        if pace == 0.0:
            self._wake_at(end, network.now + _STOPPED)
            return
        end.waiting.popleft()
        end.octets -= len(piece)
        self._expect_acknowledgement(end)
        network.arrived(end.owner.name, end.peer.name, (end.flow.id, end.owner.name), piece)
        end.peer.receive_sip(end.far, piece)
        if self._ends.get(end.flow.id) is not end:
            return
        if end.blocked and end.octets <= WINDOW // 2:
            end.blocked = False
            end.owner.flow_writable(end.flow)
        if end.waiting:
            self._wake_at(end, max(end.waiting[0][0], network.now + (len(piece) / pace if pace else 0.0)))
        elif end.closing:
            self.close(end.flow)

    def _expect_acknowledgement(self, end: _End) -> None:
        """Where nothing comes back, who wrote gives the connection up, though all has arrived."""
        links = self._network.links
        if not links.is_cut(end.peer.name, end.owner.name):
            end.unheard_since = None
        elif end.unheard_since is None:
            since = end.unheard_since = self._network.now

            def late() -> None:
                if end.unheard_since != since:
                    return
                if links.is_cut(end.peer.name, end.owner.name):
                    self._close_end(end)
                else:
                    end.unheard_since = None

            self._network.clock.after(PATIENCE, late)
