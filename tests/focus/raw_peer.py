"""A program that speaks to the Focus in bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sip import (
    Event,
    Flow,
    SipError,
    StreamParser,
)
from sip import Request as SipRequest
from sip import Response as SipResponse

if TYPE_CHECKING:
    from focus_site import Site


class RawPeer:
    """A program at the other end of one TCP connection to the Focus: it sends bytes and sees bytes."""

    def __init__(self, site: Site, host: str = "192.0.2.77") -> None:
        self.site, self.name, self.host = site, "raw", host
        self.pump = self
        self.received: list[SipRequest | SipResponse] = []
        self._parser = StreamParser()
        self.flow, self.back = site.net.pair(self, site.node, "TCP")  # type: ignore[arg-type]

    def receive_data(self, data: bytes, *, flow: Flow, now: float) -> list[Event]:
        """Bytes from the Focus."""
        try:
            found = self._parser.receive_data(data)
        except SipError:
            # The answer to what is no message may lack what a message needs.
            self._parser, found = StreamParser(), []
        self.received += [one for one in found if isinstance(one, SipRequest | SipResponse)]
        return []

    def take(self, events: list[Event]) -> None:
        """There are none."""

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
        node.take(node.pump.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()

    def send_bytes(self, data: bytes) -> list[SipRequest | SipResponse]:
        """Send bytes in one piece of the stream."""
        before = len(self.received)
        node = self.site.node
        node.take(node.pump.receive_data(data, flow=self.back, now=self.site.net.now))
        self.site.net.run()
        return self.received[before:]
