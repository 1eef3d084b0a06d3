"""The commands of one link: those that wait for their turn, and those that were sent and are not finally answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from c3p import AddUser, Command
from focus.mcus.relay import Relay, RelayInput
from sip import AddressOfRecord

#: How often a call goes out again that an MCU did not begin: to one that was started anew, and to the one after it.
MOST_RETURNS: Final = 2


class RelayQueue:
    """In the order in which they came."""

    def __init__(self, limit: int) -> None:
        """``limit`` is how many may wait."""
        self._limit = limit
        self._waiting: deque[Relay] = deque()
        self._open: dict[str, Relay] = {}  # by requestId

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self._waiting) >= self._limit

    def add(self, relay: Relay) -> None:
        """One more waits."""
        self._waiting.append(relay)

    def next(self, may_send: Callable[[Command], bool]) -> Relay | None:
        """The first that may be sent; it counts as sent from now on."""
        relay = next((one for one in self._waiting if may_send(one.command)), None)
        if relay is not None:
            self._waiting.remove(relay)
            relay.process(RelayInput.MCU_READY)
            self._open[relay.request_id] = relay
        return relay

    def adopt(self, relay: Relay) -> None:
        """One was sent before a restart."""
        self._open[relay.request_id] = relay

    def sent(self, request_id: str) -> Relay | None:
        """One that was sent, None when it has ended."""
        return self._open.get(request_id)

    def is_calling(self, user: str) -> bool:
        """Whether the MCU was told to bring a user (key) in, and has not said yet how that ended."""
        calls = [one.command for one in self._open.values() if isinstance(one.command, AddUser)]
        return any(AddressOfRecord.read(one.user.entity).key == user for one in calls)

    def abandon(self, relay: Relay) -> None:
        """It has ended."""
        self._open.pop(relay.request_id, None)
        if relay in self._waiting:
            self._waiting.remove(relay)

    def take_back(self, relay: Relay) -> None:
        """A call that was not begun, since the MCU does not have the conference: it gets it again, or the next one."""
        if isinstance(relay.command, AddUser) and relay.returned < MOST_RETURNS:
            relay.returned += 1
            relay.process(RelayInput.UNKNOWN_THERE)
            del self._open[relay.request_id]
            self._waiting.appendleft(relay)

    def pop_sent(self) -> Relay | None:
        """Take the oldest that was sent out."""
        return self._open.pop(next(iter(self._open))) if self._open else None

    def pop_waiting(self) -> list[Relay]:
        """Take all out that wait."""
        waiting, self._waiting = list(self._waiting), deque()
        return waiting

    def clear(self) -> None:
        """Forget all."""
        self._waiting.clear()
        self._open.clear()
