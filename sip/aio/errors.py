"""What an asyncio user agent raises when the other side does not do what was asked.

::

    UserAgentError               status, reason, retry_after, retry_safe
    ├── CallError                a call came to nothing, or ended when something was asked of it; ``cause``
    ├── RegistrationError        the registrar refused, or did not answer
    ├── MessageError             a message was not delivered
    ├── SubscriptionError        a subscription was refused
    ├── HoldError                a hold, or its end, was not agreed
    └── TransferError            the other side did not reach whom it was sent to
"""

from __future__ import annotations

from sip.ua.call_state import CallEnd


class UserAgentError(Exception):
    """Base of them all. ``str()`` is for people."""

    def __init__(
        self,
        what: str,
        *,
        status: int | None = None,
        reason: str,
        retry_after: int | None = None,
        retry_safe: bool = False,
        cure: str = "",
    ) -> None:
        why = f"{status} {reason}" if status is not None else reason
        super().__init__(f"{what}: {why}{f'; {cure}' if cure else ''}")
        self.status = status  #: of a refusal (RFC 3261 section 21), None where there was no answer
        self.reason = reason  #: phrase of the refusal, or why there was no answer
        self.retry_after = retry_after  #: seconds after which the other side wants to be asked again, where it said so
        self.retry_safe = retry_safe  #: whether asking again disturbs nobody: nothing was seen to arrive


class CallError(UserAgentError):
    """A call came to nothing, or is over."""

    def __init__(
        self,
        what: str,
        cause: CallEnd,
        *,
        status: int | None = None,
        reason: str,
        retry_after: int | None = None,
        retry_safe: bool = False,
        cure: str = "",
    ) -> None:
        super().__init__(what, status=status, reason=reason, retry_after=retry_after, retry_safe=retry_safe, cure=cure)
        self.cause = cause


class RegistrationError(UserAgentError):
    """The registrar refused, or did not answer. The user agent goes on trying."""


class MessageError(UserAgentError):
    """A message was not delivered."""


class SubscriptionError(UserAgentError):
    """A subscription was refused."""


class HoldError(UserAgentError):
    """A hold, or its end, was not agreed; the call goes on as before."""


class TransferError(UserAgentError):
    """The other side did not reach whom it was sent to; the call goes on."""
