"""How a dial-out can end, as one table.

For each ending: what the roster shows, what the C3P response says, and whether calling again is safe
(it is not when the phone may have rung or a person has answered no).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import attrs

from c3p import Code, CommandReason, DisconnectionMethod, ErrorId, Reason, Status


class Ending(enum.Enum):
    """Why a dialled leg is no longer being dialled."""

    ANSWERED = "answered"
    BUSY = "busy"
    UNANSWERED = "unanswered"
    DECLINED = "declined"
    NOT_FOUND = "not-found"
    NO_MEDIA = "no-media"
    UNAVAILABLE = "unavailable"  #: 5xx
    OVERLOADED = "overloaded"  #: 503
    UNREACHABLE = "unreachable"  #: the transport failed before any provisional response
    LOST = "lost"  #: the transport failed after a provisional response, or the 2xx was of no use
    NO_PORT = "no-port"  #: no media port could be opened here
    CANCELLED = "cancelled"  #: ejected by a presenter, or the conference ended


@attrs.frozen(kw_only=True)
class Outcome:
    """One row of the table."""

    status: str  #: endpoint ``status`` in the roster
    code: str  #: C3P ``code``
    method: str | None = None  #: ``disconnection-method``
    reason: str | None = None  #: general reason (MS-CONFBAS)
    command_reason: str | None = None  #: specific reason
    error_id: ErrorId | None = None  #: A/V MCU ErrorId, 7000-7999
    retry_safe: bool = False


def _failure(
    command_reason: str,
    *,
    method: str = DisconnectionMethod.FAILED,
    reason: str = Reason.OTHER_FAILURE,
    error_id: ErrorId | None = None,
    retry_safe: bool = False,
) -> Outcome:
    return Outcome(
        status=Status.DISCONNECTED,
        code=Code.FAILURE.value,
        method=method,
        reason=reason,
        command_reason=command_reason,
        error_id=error_id,
        retry_safe=retry_safe,
    )


OUTCOMES: Final[Mapping[Ending, Outcome]] = MappingProxyType(
    {
        Ending.ANSWERED: Outcome(status=Status.CONNECTED, code=Code.SUCCESS.value),
        Ending.BUSY: _failure(CommandReason.DIAL_OUT_BUSY, method=DisconnectionMethod.BUSY, retry_safe=True),
        Ending.UNANSWERED: _failure(
            CommandReason.DIAL_OUT_TIMEOUT, reason=Reason.TIMEOUT, error_id=ErrorId.INVITE_TIMED_OUT
        ),
        Ending.DECLINED: _failure(CommandReason.DIAL_OUT_DECLINED),
        Ending.NOT_FOUND: _failure(CommandReason.DIAL_OUT_NOT_FOUND),
        # 7008 is "SDP does not parse"; 415 names the content type instead (7004), see STATUS_ERROR_IDS.
        Ending.NO_MEDIA: _failure(CommandReason.DIAL_OUT_MEDIA, error_id=ErrorId.SDP_DOES_NOT_PARSE),
        Ending.UNAVAILABLE: _failure(CommandReason.DIAL_OUT_FAILED, retry_safe=True),
        Ending.OVERLOADED: _failure(CommandReason.DIAL_OUT_FAILED, reason=Reason.SERVER_BUSY, retry_safe=True),
        Ending.UNREACHABLE: _failure(CommandReason.DIAL_OUT_FAILED, retry_safe=True),
        Ending.LOST: _failure(CommandReason.DIAL_OUT_FAILED),
        Ending.NO_PORT: _failure(CommandReason.DIAL_OUT_FAILED, reason=Reason.SERVER_BUSY, retry_safe=True),
        Ending.CANCELLED: _failure(
            Reason.REQUEST_CANCELLED, method=DisconnectionMethod.BOOTED, reason=Reason.REQUEST_CANCELLED
        ),
    }
)

STATUS_ENDINGS: Final[Mapping[int, Ending]] = MappingProxyType(
    {
        486: Ending.BUSY,
        600: Ending.BUSY,
        408: Ending.UNANSWERED,
        480: Ending.UNANSWERED,
        404: Ending.NOT_FOUND,
        410: Ending.NOT_FOUND,
        484: Ending.NOT_FOUND,
        485: Ending.NOT_FOUND,
        604: Ending.NOT_FOUND,
        415: Ending.NO_MEDIA,
        488: Ending.NO_MEDIA,
        606: Ending.NO_MEDIA,
        503: Ending.OVERLOADED,
    }
)

#: ErrorIds that say more than the row does.
STATUS_ERROR_IDS: Final[Mapping[int, ErrorId]] = MappingProxyType({415: ErrorId.ONLY_SDP_SUPPORTED})


def ending_of_status(status: int) -> Ending:
    """What a final SIP response of the far end means; the class decides for statuses without a row.

    A 3xx that nobody followed counts as declined: our own policy refused its targets.
    """
    if status in STATUS_ENDINGS:
        return STATUS_ENDINGS[status]
    if 500 <= status < 600:
        return Ending.UNAVAILABLE
    return Ending.DECLINED
