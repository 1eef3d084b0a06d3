"""Errors of this package.

::

    C3PError (ValueError)
    ├── LocalProtocolError      our own caller: wrong state, a value that XML cannot carry
    └── RemoteProtocolError     the peer: what it sent cannot be used; ``status_hint`` says what to answer
        └── MalformedDocument   bytes that are not a C3P document
            └── DocumentTooLarge    larger or deeper than the limits
"""

from __future__ import annotations

from c3p.error_ids import ErrorId
from c3p.vocabulary import Reason


class C3PError(ValueError):
    """Anything that goes wrong with a C3P document."""


class LocalProtocolError(C3PError):
    """Our own caller asked for what the protocol does not allow; nothing has changed."""


class RemoteProtocolError(C3PError):
    """A peer sent something that cannot be used."""

    status_hint: int = 400  #: status to answer with, in SIP and in HTTP


class MalformedDocument(RemoteProtocolError):
    """A peer sent bytes that are not a C3P document."""

    reason_hint: str = Reason.REQUEST_MALFORMED  #: general reason, where a C3P answer can be given

    def __init__(self, message: str, *, error_id: ErrorId = ErrorId.DOCUMENT_DOES_NOT_PARSE) -> None:
        super().__init__(message)
        self.error_id = error_id  #: for ``ms-diagnostics``


class DocumentTooLarge(MalformedDocument):
    """The document is beyond one of the limits of :class:`c3p.DocumentLimits`."""

    status_hint = 413
    reason_hint = Reason.REQUEST_TOO_LARGE
