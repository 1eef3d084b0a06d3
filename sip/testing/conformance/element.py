"""What is judged: a SIP element in the shape of every machine here, bytes and time in, bytes and time out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from sip.endpoint.endpoint import Endpoint
from sip.endpoint.pump import Core, Pump
from sip.errors import LocalProtocolError
from sip.events import ConnectWanted, Event, ResolveWanted
from sip.faults import InternalFault
from sip.flow import Address, Destination, Flow

#: Where the element that is judged lives.
ELEMENT = Address("192.0.2.1", 5060)


class SipElement(Protocol):
    """An element that speaks SIP over UDP at 192.0.2.1, port 5060. Times are seconds that only grow."""

    def receive_datagram(self, data: bytes, source: Address, *, now: float) -> None:
        """Take what arrived from an address. Whatever it is, nothing raises."""

    def datagrams_to_send(self) -> Iterable[tuple[bytes, Address]]:
        """Give what is to be sent, and where; each datagram once."""

    def next_timeout(self) -> float | None:
        """Say when ``handle_timeout`` is wanted, None when nothing is waited for."""

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due."""


@runtime_checkable
class CallingElement(SipElement, Protocol):
    """One that can be told to call: a user agent, a gateway, an MCU."""

    def call(self, uri: str, *, now: float) -> None:
        """Send an INVITE to an address, with an offer."""

    def hang_up(self, *, now: float) -> None:
        """End whatever call it has begun: with CANCEL or BYE, as it stands."""


class EndpointElement:
    """An element that is built on `sip.Endpoint`: for cores of this library, and for your own.

    ``react`` is given what the cores and the endpoint tell the application. An `InternalFault` raises.
    """

    def __init__(
        self, endpoint: Endpoint, cores: Sequence[Core] = (), react: Callable[[Event, float], None] | None = None
    ) -> None:
        self.endpoint = endpoint
        self.pump = Pump(endpoint, cores)
        self._react = react
        self._flows: dict[Address, Flow] = {}
        self._now = 0.0

    def receive_datagram(self, data: bytes, source: Address, *, now: float) -> None:
        """Take what arrived."""
        self._take(self.pump.receive_data(data, flow=self._flow(source), now=now), now)

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        """Give what is to be sent."""
        self._take(self.pump.settle(now=self._now), self._now)
        return [(transmit.data, transmit.flow.remote) for transmit in self.pump.data_to_send()]

    def next_timeout(self) -> float | None:
        """Say when the endpoint or a core wants to be called."""
        return self.pump.next_timeout()

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due."""
        self._take(self.pump.handle_timeout(now=now), now)

    def _flow(self, remote: Address) -> Flow:
        if remote not in self._flows:
            self._flows[remote] = Flow(len(self._flows) + 1, "UDP", ELEMENT, remote)
        return self._flows[remote]

    def _take(self, events: Iterable[Event], now: float) -> None:
        self._now = now
        waiting = list(events)
        while waiting:
            for event in waiting:
                self._take_one(event, now)
            waiting = self.pump.settle(now=now)

    def _take_one(self, event: Event, now: float) -> None:
        match event:
            case ConnectWanted(destination=Destination(transport="UDP", host=host, port=port)):
                self._take(self.endpoint.flow_opened(event.id, self._flow(Address(host, port)), now=now), now)
            case ConnectWanted() | ResolveWanted():
                self._take(self.endpoint.flow_failed(event.id, "only addresses, over UDP", now=now), now)
            case InternalFault():
                raise AssertionError(str(event)) from event.exception
            case _ if self._react is not None:
                try:
                    self._react(event, now)
                except LocalProtocolError:  # what became impossible meanwhile
                    return
