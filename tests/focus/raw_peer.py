"""A program that speaks to the Focus in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip import Deadlines, EndpointConfig, Event, Flow, SipError, StreamParser, Transmit
from sip import Request as SipRequest
from sip import Response as SipResponse
from sip.testing import Agent

if TYPE_CHECKING:
    from focus_site import Site


class RawPeer:
    """A program at the other end of one TCP connection to the Focus: it sends bytes and sees bytes."""

    def __init__(self, site: Site, host: str = "192.0.2.77") -> None:
        self.site = site
        self.received: list[SipRequest | SipResponse] = []
        self._parser = StreamParser()
        self.untaken: list[Event] = []
        self.timers: Deadlines[str] = Deadlines()
        self.agent = Agent(site.net, "raw", host, EndpointConfig(), endpoint=self)  # type: ignore[arg-type]
        site.net.join(self.agent)
        self.flow, self.back = site.net.pair(self.agent, site.node, "TCP")

    # In place of an endpoint

    def receive_data(self, data: bytes, *, flow: Flow, now: float) -> list[Event]:
        """Bytes from the Focus."""
        try:
            found = self._parser.receive_data(data)
        except SipError:
            # The answer to what is no message may lack what a message needs.
            self._parser, found = StreamParser(), []
        self.received += [one for one in found if isinstance(one, SipRequest | SipResponse)]
        return []

    def flow_closed(self, flow: Flow, *, now: float) -> list[Event]:
        """The connection is gone."""
        return []

    def take_events(self) -> list[Event]:
        """There are none."""
        return []

    def data_to_send(self) -> list[Transmit]:
        """What is to be sent goes past the network (`send_bytes`)."""
        return []

    def next_timeout(self) -> float | None:
        """It never repeats anything."""
        return None

    # The program

    @staticmethod
    def message(text: str, body: bytes = b"") -> bytes:
        """One message on the wire."""
        lines = [line.strip() for line in text.strip().splitlines()]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    def send(self, text: str, body: bytes = b"") -> list[SipRequest | SipResponse]:
        """Send one message; what came back, and everything else that arrived meanwhile."""
        return self.send_bytes(self.message(text, body))

    def feed(self, data: bytes) -> None:
        """Send bytes whose answer does not matter."""
        node = self.site.node
        node.take(node.endpoint.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()

    def send_bytes(self, data: bytes) -> list[SipRequest | SipResponse]:
        """Send bytes in one piece of the stream."""
        before = len(self.received)
        node = self.site.node
        node.take(node.endpoint.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()
        return self.received[before:]
