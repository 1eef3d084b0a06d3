"""What has come on each connection but is not a whole message yet."""

from sip.flow import Flow
from sip.message.stream import StreamParser


class Streams:
    """The parsers of the connections that are open, by the number of their flow."""

    __slots__ = ("parsers",)

    def __init__(self) -> None:
        self.parsers: dict[int, StreamParser] = {}

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
