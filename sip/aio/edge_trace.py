"""What the trace is told: messages, and not the reads in which they come."""

from __future__ import annotations

import re
from typing import Final

from sip.flow import Flow
from sip.trace import TraceSink

_LENGTH: Final = re.compile(rb"(?:^|\r?\n)(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,9})", re.IGNORECASE)
_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")
_MOST: Final = 256 * 1024  #: octets held while a message is not whole; a stream beyond that is shown as it comes


class EdgeTrace:
    """Records what the sockets of one transport carry."""

    def __init__(self, sink: TraceSink) -> None:
        self._sink = sink
        self._cutters: dict[int, MessageCutter] = {}

    def received(self, flow: Flow, data: bytes, at: float) -> None:
        """Record the messages that a piece of a stream completes."""
        for message in self._cutters.setdefault(flow.id, MessageCutter()).cut(data):
            self.record(flow, message, at, arrived=True)

    def closed(self, flow: Flow) -> None:
        """Forget a stream."""
        self._cutters.pop(flow.id, None)

    def record(self, flow: Flow, data: bytes, at: float, *, arrived: bool) -> None:
        """Record one message."""
        here, there = (flow.local.host, flow.local.port), (flow.remote.host, flow.remote.port)
        source, destination = (there, here) if arrived else (here, there)
        self._sink.record(
            layer="sip", transport=flow.transport, source=source, destination=destination, data=data, at=at
        )


class MessageCutter:
    """Gives whole messages, and keep-alives as they are. It never fails: what it does not understand, it passes on."""

    def __init__(self) -> None:
        self._held = b""

    def cut(self, data: bytes) -> list[bytes]:
        """Take some bytes of the stream and return what is whole now."""
        held = self._held + data
        whole: list[bytes] = []
        while held:
            size = _size(held)
            if size is None or size > len(held):
                break
            whole.append(held[:size])
            held = held[size:]
        if len(held) > _MOST:
            whole.append(held)
            held = b""
        self._held = held
        return whole


def _size(held: bytes) -> int | None:
    """Octets of the first message or keep-alive, None when its headers are not whole yet."""
    blank = len(held) - len(held.lstrip(b"\r\n"))
    if blank:
        return blank
    end = _END_OF_HEADERS.search(held)
    if end is None:
        return None
    length = _LENGTH.search(held, 0, end.start())
    return end.end() + (int(length[1]) if length else 0)
