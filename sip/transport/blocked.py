"""Messages for flows that take no more for now."""

from __future__ import annotations

from collections import deque

from sip.flow import Flow, Transmit


class BlockedFlows:
    """What each blocked flow has waiting, at most ``most`` messages of ``octets`` together."""

    def __init__(self, most: int, octets: int) -> None:
        self._most, self._octets = most, octets
        self.held: dict[Flow, deque[Transmit]] = {}  #: by flow; nothing but an empty queue when nothing came since
        self._sizes: dict[Flow, int] = {}

    def add(self, flow: Flow) -> None:
        """Keep what is sent on a flow from now on."""
        self.held.setdefault(flow, deque())

    def hold(self, transmit: Transmit) -> bool:
        """Keep a message; False when there is no room for it."""
        flow = transmit.flow
        held, size = self.held[flow], self._sizes.get(flow, 0) + len(transmit.data)
        if len(held) >= self._most or size > self._octets:
            return False
        held.append(transmit)
        self._sizes[flow] = size
        return True

    def release(self, flow: Flow) -> deque[Transmit]:
        """Return what was kept for a flow, which takes data again."""
        self._sizes.pop(flow, None)
        return self.held.pop(flow, deque())

    def forget(self, flow: Flow) -> None:
        """Drop what is kept for a flow that is closed."""
        self.release(flow)
