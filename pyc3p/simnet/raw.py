"""A peer made of bytes alone: for clients whose habits no endpoint of ours has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sip
from sip import Flow

if TYPE_CHECKING:
    from pyc3p.simnet.network import SimNetwork


class RawPeer:
    """One TCP connection that a test writes to and reads from as it likes."""

    def __init__(self, network: SimNetwork, name: str, host: str) -> None:
        self.network = network
        self.name = name
        self.host = host
        self.closed = False
        self.unreadable = 0  #: messages that could not be read
        self._flow: Flow | None = None
        self._parser = sip.StreamParser()
        self.messages: list[sip.Request | sip.Response] = []

    def connect(self, host: str, port: int) -> None:
        """Open the connection; raises ConnectionRefusedError when nobody listens there."""
        self._flow = self.network.open_raw(self, sip.Address(host, port))

    def send(self, data: bytes) -> None:
        """Write bytes. Raises LocalProtocolError before it is connected."""
        if self._flow is None:
            raise sip.LocalProtocolError("not connected")
        self.network.send(self, self._flow, data)

    def receive_sip(self, flow: Flow, data: bytes) -> None:
        """Bytes arrived. An answer to what was no proper request may be no proper answer: it is counted."""
        while not self._parser.closed:
            try:
                items = self._parser.receive_data(data)
            except sip.RemoteProtocolError:
                self.unreadable += 1
            else:
                self.messages += [item for item in items if not isinstance(item, sip.Keepalive)]
                if not self._parser.failing:
                    return
            data = b""

    def flow_closed(self, flow: Flow) -> None:
        """The connection is gone."""
        self.closed = True

    def flow_blocked(self, flow: Flow) -> None:
        """It takes no more for now; whoever writes bytes by hand does not mind."""

    def flow_writable(self, flow: Flow) -> None:
        """It takes more again."""

    def requests(self, method: str) -> list[sip.Request]:
        """Requests received, by method."""
        return [each for each in self.messages if isinstance(each, sip.Request) and each.method == method]

    def responses(self, method: str) -> list[sip.Response]:
        """Responses received, by the method that they answer."""
        return [each for each in self.messages if isinstance(each, sip.Response) and each.cseq.method == method]
