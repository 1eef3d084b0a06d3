"""What can go wrong with a SIP message.

::

    SipError (a ValueError)
    ├── LocalProtocolError       our own caller asked for something that SIP does not allow
    └── RemoteProtocolError      the peer sent something that cannot be used; ``status_hint`` says what to answer
        ├── MalformedHeader      one header value (or the Request-URI) does not follow its grammar
        └── LimitExceeded        larger than this element is willing to hold
"""

from __future__ import annotations

#: How much of an offending value is shown in an error: enough to recognise it, never a whole body.
_SHOWN = 80


class SipError(ValueError):
    """Base of everything that this package raises on purpose."""


class LocalProtocolError(SipError):
    """The caller of this library asked for something illegal; nothing was changed."""


class RemoteProtocolError(SipError):
    """The peer broke the protocol (RFC 3261 section 21.4 for the answers)."""

    status_hint: int = 400  #: status to answer a request with

    def __init__(self, what: str, *, status_hint: int | None = None) -> None:
        super().__init__(what)
        #: What could be read of the message nevertheless, a ``Request`` or ``Response``, so that a request can be
        #: answered; None when nothing could. (No type of a message stands here: messages know these errors.)
        self.received: object = None
        if status_hint is not None:
            self.status_hint = status_hint

    @property
    def phrase(self) -> str | None:
        """What a request is told in the status line of a 400 (RFC 3261 section 21.4.1); None: what a status means."""
        return _phrase(str(self)) if self.status_hint == 400 else None


def refuse_text(data: object) -> None:
    """What comes from the network are octets. Raises TypeError for a str, which our caller has decoded by mistake."""
    if isinstance(data, str):
        raise TypeError("data is bytes, not str: it is taken as it comes from the network")


class MalformedHeader(RemoteProtocolError):
    """A header value does not follow its grammar."""

    def __init__(self, name: str, value: str, why: str = "") -> None:
        shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        super().__init__(f"{name} is malformed{f' ({why})' if why else ''}: {shown!r}")
        self.name, self.value = name, value

    @property
    def phrase(self) -> str | None:
        """Which header it was; what was in it is no business of a status line."""
        return _phrase(f"malformed {self.name}")


class LimitExceeded(RemoteProtocolError):
    """The message is larger than a limit allows (RFC 3261 section 21.5.7)."""

    status_hint = 513


def _phrase(text: str) -> str | None:
    """A text of ours, if it fits on a status line."""
    return text[:1].upper() + text[1:] if text.isascii() and text.isprintable() and len(text) <= _SHOWN else None
