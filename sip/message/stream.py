"""Messages and keep-alives out of a byte stream (RFC 3261 sections 7.5 and 18.3, RFC 5626 section 4.4.1)."""

from __future__ import annotations

import re
from typing import Final

import attrs

from sip.errors import LimitExceeded, RemoteProtocolError, refuse_text
from sip.message.defects import Defect
from sip.message.framing import Head, find_head_end, read_head
from sip.message.limits import DEFAULT_LIMITS, Limits
from sip.message.parsing import assemble
from sip.message.request import Request
from sip.message.response import Response


@attrs.frozen
class Keepalive:
    """Line breaks between messages: two are a ping that wants an answer, one is the answer."""

    ping: bool


StreamItem = Request | Response | Keepalive

_LINE_BREAKS: Final = re.compile(rb"(?:\r\n)*+")


class StreamParser:
    """Cuts one direction of a connection into messages.

    For a message that cannot be used `receive_data` raises RemoteProtocolError, whose ``received`` is what could be
    read of it. What was complete before it in the same data is returned first; the error is then raised by the next
    call, which may bring no data (`failing` says that there is one to come). When the message says where it ends, it
    is left out and the stream goes on with the next call; otherwise `closed` is true from then on.

    Line breaks that come together are one keep-alive however many they are, so that a run of them costs its sender
    more than us. Two make a ping; whoever sends more wants no more than to know that we are there.
    """

    __slots__ = (
        "_awaiting_pong",
        "_buffer",
        "_crlf",
        "_error",
        "_finished",
        "_head",
        "_lenient",
        "_limits",
        "_refused",
        "_rest",
        "_scanned",
        "_strict",
    )

    def __init__(
        self,
        limits: Limits = DEFAULT_LIMITS,
        *,
        strict: bool = False,
        lenient_length: bool = False,
        awaiting_pong: bool = False,
    ) -> None:
        """Make one for a new connection.

        ``lenient_length``: a message without Content-Length has no body, instead of being an error.
        ``awaiting_pong``: we send the pings, so that each line break is an answer. Otherwise two single ones, even
        when they come apart, are a ping.
        """
        self._limits, self._strict, self._lenient = limits, strict, lenient_length
        self._awaiting_pong = awaiting_pong
        self._buffer = bytearray()
        self._scanned = 0  # octets of the buffer in which no end of a head was found
        self._head: Head | None = None  # of the message whose body is on its way
        self._crlf = False  # whether a single line break was the last thing reported
        self._finished = 0  # messages and keep-alives that are behind us
        self._error: RemoteProtocolError | None = None  # why the stream cannot go on
        self._refused: RemoteProtocolError | None = None  # what is to be raised next, and then forgotten
        self._rest = False  # whether the last call stopped before it had looked at everything that it holds

    def expect_pongs(self) -> None:
        """We send the pings from now on: each line break is an answer."""
        self._awaiting_pong = True

    @property
    def closed(self) -> bool:
        """Whether the stream cannot go on."""
        return self._error is not None

    @property
    def failing(self) -> bool:
        """Whether the next call of `receive_data` raises."""
        return self._error is not None or self._refused is not None

    @property
    def unread(self) -> bool:
        """Whether the next call of `receive_data` may return or raise something without more data."""
        return self._rest or self.failing

    @property
    def unfinished(self) -> int | None:
        """Number of the message that has begun to come but is not complete; None between messages."""
        return self._finished if self._buffer or self._head is not None else None

    @property
    def pending(self) -> int:
        """Octets held of a message that is not complete."""
        return len(self._buffer)

    def receive_data(self, data: bytes, most: int | None = None) -> list[StreamItem]:
        """Take octets; returns what became complete. Raises RemoteProtocolError for a message that cannot be used,
        and TypeError for text.

        With ``most`` it returns no more items than that, and `unread` says whether another call may give more.
        """
        refuse_text(data)
        if self._error is not None:
            raise self._error
        self._buffer += data
        items: list[StreamItem] = []
        try:
            if self._refused is None:
                self._drain(items, most)
        except RemoteProtocolError as error:
            self._error = error
            self._buffer.clear()
            self._rest = False
            if not items:
                raise
        self._finished += len(items)
        if self._refused is not None and not items:
            refused, self._refused = self._refused, None
            self._finished += 1
            self._rest = bool(self._buffer)
            try:
                raise refused
            finally:
                del refused  # see `assemble`
        return items

    def receive_eof(self) -> None:
        """The peer closed. Raises RemoteProtocolError when that cut a message short."""
        if self._error is None and (self._head is not None or self._buffer.strip(b"\r\n")):
            self._error = RemoteProtocolError("the connection was closed within a message")
            raise self._error

    def _drain(self, items: list[StreamItem], most: int | None) -> None:
        start, self._rest = 0, False
        try:
            while most is None or len(items) < most:
                if self._head is None and self._buffer.startswith(b"\r\n", start):
                    start = self._skip_line_breaks(start, items)
                    continue
                if self._head is None:
                    if start == len(self._buffer):
                        return
                    if self._buffer[start] != 13:
                        self._crlf = False
                    found = self._read_head(start)
                    if found is None:
                        return
                    self._head, start = found
                head, end = self._head, start + (self._head.length or 0)
                if len(self._buffer) < end:
                    return
                body, start = bytes(self._buffer[start:end]), end
                self._head, self._crlf = None, False
                try:
                    items.append(assemble(head, body, self._strict))
                except RemoteProtocolError as error:
                    self._refused = error
                    return
            self._rest = start < len(self._buffer)
        finally:
            # One cut for everything that was read, so that many small messages in one read cost no copies.
            del self._buffer[:start]
            self._scanned = max(0, self._scanned - start)

    def _skip_line_breaks(self, start: int, items: list[StreamItem]) -> int:
        """Report the line breaks at ``start`` as one keep-alive, and return where they end."""
        buffer = self._buffer
        run = _LINE_BREAKS.match(buffer, start)
        assert run is not None
        end = run.end()
        if self._awaiting_pong:
            items.append(Keepalive(ping=False))
        else:
            # A single one may be the first half of a ping of which the second comes by itself.
            ping = self._crlf or end - start > 2
            items.append(Keepalive(ping=ping))
            self._crlf = not ping
        return end

    def _read_head(self, start: int) -> tuple[Head, int] | None:
        """Start line and headers if they are there, and where the body begins."""
        buffer = self._buffer
        ends = find_head_end(buffer, max(start, self._scanned - 3))
        size = (len(buffer) if ends is None else ends[0]) - start
        if size > self._limits.max_head:
            raise LimitExceeded(f"{size} octets of headers")
        if ends is None:
            self._scanned = len(buffer)
            return None
        self._scanned = 0
        head = read_head(bytes(buffer[start : ends[0]]), self._limits, self._strict)
        self._check_framing(head)
        return head, ends[1] if head.body_at is None else start + head.body_at

    def _check_framing(self, head: Head) -> None:
        if head.length is None and head.error is None:
            # RFC 3261 section 20.14: on a stream nothing else says where the body ends.
            if self._lenient and not self._strict:
                head.length = 0
                head.defects += (Defect("Content-Length", "missing on a stream"),)
            else:
                head.fail(RemoteProtocolError("no Content-Length on a stream"))
        elif head.length is not None and head.length > self._limits.max_body:
            head.fail(LimitExceeded(f"{head.length} octets of body"))
        if head.error is not None and not self._says_where_it_ends(head):
            assemble(head, b"", self._strict)

    def _says_where_it_ends(self, head: Head) -> bool:
        """Whether a message that cannot be used can at least be left out."""
        return head.length is not None and head.length <= self._limits.max_body and not head.lost
