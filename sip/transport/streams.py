"""What has come on each connection but is not a whole message yet."""

from __future__ import annotations

from sip.flow import Flow
from sip.message.stream import StreamParser
from sip.networks import source_of
from sip.source_limits import SourceLimits

#: Octets held of a message below which nobody counts them: about what one read brings.
_SMALL = 16 * 1024


class Streams:
    """The parsers of the connections that are open, by the number of their flow."""

    __slots__ = ("_held", "_limits", "parsers")

    def __init__(self, limits: SourceLimits) -> None:
        self.parsers: dict[int, StreamParser] = {}
        self._limits = limits
        self._held: dict[int, int] = {}  # octets of messages that are not complete, where there are many

    def has_room(self, flow: Flow) -> bool:
        """Count what a stream holds of a message; False when its source has too much of that."""
        parser, held = self.parsers.get(flow.id), self._held.get(flow.id, 0)
        size = 0 if parser is None else parser.pending
        if not held and size < _SMALL:
            return True
        source = source_of(flow.remote.host)
        self._limits.unfinished.give_back(source, held)
        self._held.pop(flow.id, None)
        if not size:
            return True
        if not self._limits.unfinished.take(source, size):
            return False
        self._held[flow.id] = size
        return True

    def expect_pongs(self, flow: Flow) -> None:
        """We send the pings on this flow from now on: each line break is an answer."""
        self.parsers.setdefault(flow.id, StreamParser()).expect_pongs()

    def is_receiving(self, flow: Flow) -> bool:
        """Whether a message is on its way, within which no answer to a ping can come."""
        parser = self.parsers.get(flow.id)
        return parser is not None and parser.pending > 0

    def unread(self, flow: Flow) -> bool:
        """Whether something that has come on a stream was not looked at yet."""
        parser = self.parsers.get(flow.id)
        return parser is not None and parser.unread

    def unfinished(self, flow: Flow) -> int | None:
        """Number of the message that has begun to come on a stream but is not complete; None between messages."""
        parser = self.parsers.get(flow.id)
        return None if parser is None else parser.unfinished

    def forget(self, flow: Flow) -> None:
        """Drop the parser of a connection that is closed."""
        self.parsers.pop(flow.id, None)
        self._limits.unfinished.give_back(source_of(flow.remote.host), self._held.pop(flow.id, 0))
