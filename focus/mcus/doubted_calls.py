"""An addUser that got no answer: the MCU may be calling, so it is not sent again; what the MCU has decides."""

from __future__ import annotations

from collections.abc import Callable

from c3p import AddUser, Reason, guid_key
from focus.mcus.relay import Failure, Relay, RelayInput, RelayOwner, RelayState
from focus.mcus.roster_part import McuPart
from sip import AddressOfRecord


class DoubtedCalls:
    """The addUser in doubt on one link; `owner` is told what became of each."""

    def __init__(self, owner: RelayOwner, abandon: Callable[[Relay], None]) -> None:
        """``abandon`` has the link forget a relay."""
        self._owner = owner
        self._abandon = abandon
        self._relays: list[Relay] = []
        self._expected: list[Relay] = []

    def doubt(self, relay: Relay) -> bool:
        """No answer came. False when nothing was sent, or it names no endpoint, by which it could be found."""
        command = relay.command
        named = isinstance(command, AddUser) and command.endpoint is not None and bool(command.endpoint.entity)
        if not named or relay.state is RelayState.BOOTSTRAPPING:
            return False
        relay.process(RelayInput.UNANSWERED)
        self._relays.append(relay)
        return True

    def expect(self, relay: Relay) -> None:
        """It was sent before a restart. Its end may be on the way to us although the MCU does not show the call."""
        self._expected.append(relay)

    def forget(self, relay: Relay) -> None:
        """It was answered after all, or given up."""
        if relay in self._relays:
            self._relays.remove(relay)
        if relay in self._expected:
            self._expected.remove(relay)

    def settle(self, part: McuPart | None, *, now: float) -> None:
        """The whole of what the MCU has is known; None: it is lost. A call that it does not have has failed."""
        expected, self._expected = self._expected, []
        for relay in expected:
            if part is not None and _has(part, relay):
                self._owner.relay_pending(relay, None, now=now)
        doubted, self._relays = self._relays, []
        for relay in doubted:
            if part is not None and _has(part, relay):
                relay.process(RelayInput.MCU_PENDING)
                self._owner.relay_pending(relay, None, now=now)
            else:
                self._abandon(relay)
                relay.process(RelayInput.MCU_FAILED)
                self._owner.relay_failed(relay, Failure(Reason.TIMEOUT), now=now)


def _has(part: McuPart, relay: Relay) -> bool:
    command = relay.command
    assert isinstance(command, AddUser)
    _, found = part.users.get(AddressOfRecord.read(command.user.entity).key, (None, None))
    held = found.endpoints if found is not None else ()
    if command.endpoint is None or not command.endpoint.entity:
        return bool(held)  # the MCU gave it a name
    return any(guid_key(one.entity) == guid_key(command.endpoint.entity) for one in held)
