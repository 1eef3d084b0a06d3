"""Messages outside of calls (RFC 3428)."""

from __future__ import annotations

import attrs

from sip.events import Event
from sip.headers.name_addr import NameAddr
from sip.ids import RequestId
from sip.message.request import Request


@attrs.frozen(kw_only=True)
class MessageReceived(Event):
    """Somebody wrote to us; it has been answered 200."""

    sender: NameAddr
    content_type: str  #: as written, such as ``text/plain;charset=utf-8``
    body: bytes
    request: Request = attrs.field(repr=False)

    @property
    def text(self) -> str:
        """The body as text; what is none is replaced."""
        return self.body.decode("utf-8", "replace")


@attrs.frozen(kw_only=True)
class MessageDelivered(Event):
    """A message of ours was taken."""

    message: RequestId
    status: int


@attrs.frozen(kw_only=True)
class MessageFailed(Event):
    """A message of ours was refused, or not answered."""

    message: RequestId
    status: int | None  #: None when nobody answered
    reason: str
    retry_after: int | None = None  #: seconds, where the other side said so

    @property
    def text(self) -> str:
        """Status and reason, for people."""
        return f"{self.status} {self.reason}" if self.status else self.reason
