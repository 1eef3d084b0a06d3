"""What an asyncio conferencing client raises when a server does not do what was asked.

::

    ConferenceError              status, reason, retry_safe
    ├── JoinError                nobody let us in
    ├── CommandError             a command was refused or failed; ``event`` is the whole of it
    └── ConferenceLeft           we are no longer in the conference; ``cause``
"""

from __future__ import annotations

from focus.client import CommandFailed, FailureReason, JoinFailed, LeaveCause, Left

_CURE = "is there a Focus at that address and port, and does it serve this domain?"


class ConferenceError(Exception):
    """Base of them all. ``str()`` is for people."""

    def __init__(
        self, what: str, *, status: int | None = None, reason: str, retry_safe: bool = False, cure: str = ""
    ) -> None:
        super().__init__(f"{what}: {reason}{f'; {cure}' if cure else ''}")
        self.status = status  #: SIP status of a refusal, None where there was none
        self.reason = reason
        self.retry_safe = retry_safe  #: whether asking again disturbs nobody


class JoinError(ConferenceError):
    """Nobody let us in."""

    def __init__(self, event: JoinFailed) -> None:
        super().__init__(
            f"cannot join {event.conference_uri}",
            status=event.status,
            reason=event.text,
            retry_safe=True,
            cure=_CURE if event.status in (None, 404) else "",
        )
        self.event = event


class CommandError(ConferenceError):
    """A command was refused or failed."""

    def __init__(self, what: str, event: CommandFailed) -> None:
        nobody = event.reason is FailureReason.TRANSPORT or event.status == 404
        super().__init__(
            what,
            status=event.far_status or event.status,
            reason=event.text,
            retry_safe=bool(event.retry_safe),
            cure=_CURE if nobody else "",
        )
        self.event = event


class ConferenceLeft(ConferenceError):
    """We are no longer in the conference."""

    def __init__(self, what: str, cause: LeaveCause, event: Left | None = None) -> None:
        super().__init__(what, status=event.status if event is not None else None, reason=cause.value)
        self.cause = cause
