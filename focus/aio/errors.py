"""What an asyncio conferencing client raises when a server does not do what was asked.

::

    ConferenceError              status, reason, retry_safe
    ├── JoinError                nobody let us in
    ├── CommandError             a command was refused or failed; ``event`` is the whole of it
    └── ConferenceLeft           we are no longer in the conference; ``cause``
"""

from __future__ import annotations

from typing import Final

from c3p import CommandReason
from focus.client import CommandFailed, FailureReason, JoinFailed, LeaveCause, Left
from sip.aio import cure_of

_NO_FOCUS: Final = "is there a Focus at that address and port, and does it serve this domain?"
#: What may help, by the word with which a command was refused (docs/commands.rst).
_BY_REASON: Final = {
    CommandReason.USER_DOESNT_EXIST.value: "is not in the conference",
    CommandReason.CONFERENCE_DOESNT_EXIST.value: "is there no such conference, or is its record expired?",
}


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

    def __init__(self, event: JoinFailed, *, secret: str = "password", given: bool = False) -> None:
        """``secret`` is what proves who we are, and whether it was ``given``."""
        nobody, unknown = event.status is None, event.status == 404
        cure = _NO_FOCUS if nobody else _BY_REASON[CommandReason.CONFERENCE_DOESNT_EXIST] if unknown else ""
        super().__init__(
            f"cannot join {event.conference_uri}",
            status=event.status,
            reason=event.text,
            retry_safe=True,
            cure=cure or cure_of(event.status, password=given, secret=secret),
        )
        self.event = event


class CommandError(ConferenceError):
    """A command was refused or failed."""

    def __init__(self, what: str, event: CommandFailed, *, given: bool = False) -> None:
        """``given``: whether there is a password."""
        said = _BY_REASON.get((event.response.command_reason if event.response is not None else None) or "")
        nobody = event.reason is FailureReason.TRANSPORT or (event.status == 404 and event.response is None)
        status = event.far_status or event.status
        super().__init__(
            what,
            status=event.far_status or event.status,
            reason=event.text,
            retry_safe=bool(event.retry_safe),
            cure=said or (_NO_FOCUS if nobody else cure_of(status, password=given)),
        )
        self.event = event


class ConferenceLeft(ConferenceError):
    """We are no longer in the conference."""

    def __init__(self, what: str, cause: LeaveCause, event: Left | None = None) -> None:
        super().__init__(what, status=event.status if event is not None else None, reason=cause.value)
        self.cause = cause
