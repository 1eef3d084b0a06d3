"""From bytes to one message, as from a datagram (RFC 3261 sections 7, 18.3)."""

from __future__ import annotations

from sip.errors import LimitExceeded, RemoteProtocolError, refuse_text
from sip.message.framing import Head, find_head_end, read_head
from sip.message.limits import DEFAULT_LIMITS, Limits
from sip.message.request import Request
from sip.message.response import Response


def parse_message(data: bytes, *, strict: bool = False, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Read one whole message; octets behind its Content-Length are dropped.

    Raises RemoteProtocolError, TypeError for text, and nothing else. Its ``received`` is what could be read
    nevertheless, so that a request can be answered with ``status_hint``. Header values are not looked
    at here: see `Message.check`.
    """
    refuse_text(data)
    data = bytes(data)
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")  # RFC 3261 section 7.5: line breaks before the start line are ignored
    ends = find_head_end(data)
    cut_short = ends is None
    if ends is None:
        if data[-1:] != b"\n":
            raise RemoteProtocolError("no empty line after the headers")
        ends = (len(data), len(data))
    if ends[0] > limits.max_head:
        raise LimitExceeded(f"{ends[0]} octets of headers")
    head = read_head(data[: ends[0]], limits, strict)
    body = data[ends[1] if head.body_at is None else head.body_at :]
    length = head.length
    if cut_short:
        head.deviation(strict or length != 0, "header section", "no empty line after the headers")
    if length is not None and length != len(body):
        if length > len(body):
            head.fail(RemoteProtocolError(f"{len(body)} octets of body where {length} were announced"))
        body = body[:length]
    if len(body) > limits.max_datagram_body:
        head.fail(LimitExceeded(f"{len(body)} octets of body"))
    return assemble(head, body, strict)


def assemble(head: Head, body: bytes, strict: bool) -> Request | Response:
    """The message, or the error that was found in its head, with the message in ``received``. Raises that error."""
    message: Request | Response
    if head.method:
        message = Request.__new__(Request)
        message.method, message._uri_text, message._uri = head.method, head.uri, None
    else:
        message = Response.__new__(Response)
        message.status, message.reason = head.status, head.reason
    framed = head.length == len(body) and len(head.index.get("content-length", ())) == 1
    message._fill(head.fields, body, framed, head.index, strict)
    if head.defects:
        message._defects = list(head.defects)
    if head.error is not None:
        error, head.error = head.error, None
        error.received = message
        try:
            raise error
        finally:
            # Frames of its traceback would hold it: circles that only the collector finds, whose pause under a flood of
            # such messages is longer than that between two packets of sound.
            del error
    return message
