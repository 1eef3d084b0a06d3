"""What a conferencing client reports."""

from __future__ import annotations

import enum
import re
from typing import Final, NewType

import attrs

from c3p import Change, ConferenceInfo, Response
from sip import REASONS, Event, MsDiagnostics

#: A final status other than success (RFC 3261 section 25.1).
_STATUS: Final = re.compile("[3-6][0-9]{2}")

CommandId = NewType("CommandId", int)  #: a command given to this client; never used twice


class LeaveCause(enum.Enum):
    """Why a client is no longer in a conference."""

    LEFT = "left"  #: it went itself
    DISMISSED = "dismissed"  #: BYE of the Focus: ejected, or the conference is over
    CONFERENCE_ENDED = "conference ended"  #: the Focus said so before its BYE
    LOST = "lost"  #: the dialog died, and the client could not join again


class FailureReason(enum.Enum):
    """Why a command failed without a C3P answer that says so."""

    REFUSED = "refused"  #: a SIP error, see `status` and `diagnostics`
    FAILURE = "failure"  #: a C3P failure, see `response`
    TIMEOUT = "timeout"  #: no final response in time; a late success shows in the roster only
    TRANSPORT = "transport"  #: the request could not be sent, or nobody answered it
    DIALOG_ENDED = "dialog ended"
    UNUSABLE = "unusable"  #: an answer that is no C3P response
    UNKNOWN = "unknown"  #: its answer got lost, and the roster does not show that it was carried out


@attrs.frozen(kw_only=True)
class CommandAccepted(Event):
    """The server took the command: 202, or ``pending``. Its result follows."""

    command: CommandId


@attrs.frozen(kw_only=True)
class CommandSucceeded(Event):
    """Terminal: the final response is success.

    `response` is None when the end of the dialog counts as one, or when the answer got lost and the roster shows it.
    """

    command: CommandId
    response: Response | None


@attrs.frozen(kw_only=True)
class CommandFailed(Event):
    """Terminal: the command was not carried out, or nobody knows."""

    command: CommandId
    reason: FailureReason
    status: int | None = None  #: SIP status of a refusal
    response: Response | None = None
    diagnostics: MsDiagnostics | None = None  #: of the refusal, or of the MCU that reports how a call failed

    @property
    def far_status(self) -> int | None:
        """SIP status with which somebody who was called refused, None when there was none."""
        text = self._diagnosed("sip-status")
        return int(text) if text is not None and _STATUS.fullmatch(text) is not None else None

    @property
    def far_reason(self) -> str | None:
        """Reason phrase that came with `far_status`, None when there was none."""
        return self.diagnostics.reason if self.diagnostics is not None and self.far_status is not None else None

    @property
    def retry_safe(self) -> bool | None:
        """Whether calling again disturbs nobody: False after it may have rung; None when nobody says."""
        return {"true": True, "false": False}.get(self._diagnosed("retry-safe") or "")

    def _diagnosed(self, name: str) -> str | None:
        return self.diagnostics.params.get(name) if self.diagnostics is not None else None

    @property
    def text(self) -> str:
        """The most that is known of why, in a few words, such as ``486 Busy Here``."""
        if self.far_status is not None:
            return f"{self.far_status} {self.far_reason or ''}".rstrip()
        if self.response is not None and self.response.command_reason:
            known = self.diagnostics
            # An MCU that refuses says why in words; one that called says how it ended, and whether again is safe.
            refused = self.status is None and known is not None and not {"sip-status", "retry-safe"} & set(known.params)
            why = known.reason if known is not None and refused else None
            return f"{self.response.command_reason} ({why})" if why else self.response.command_reason
        if self.diagnostics is not None and self.diagnostics.reason:
            return self.diagnostics.reason
        if self.response is not None and self.response.reason:
            return self.response.reason
        return f"{self.reason.value} {self.status}" if self.status is not None else self.reason.value


@attrs.frozen(kw_only=True)
class CapabilitiesReceived(Event):
    """What the Focus Factory offers; the command succeeded."""

    command: CommandId
    mcu_types: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ConferenceCreated(Event):
    """The record exists; join `conference_uri` next. The command succeeded."""

    command: CommandId
    conference_uri: str
    info: ConferenceInfo


@attrs.frozen(kw_only=True)
class Joined(Event):
    """The Focus dialog is up."""

    command: CommandId
    conference_uri: str
    role: str | None  #: as granted, which may differ from the wish


@attrs.frozen(kw_only=True)
class JoinFailed(Event):
    """Terminal for the join."""

    command: CommandId
    conference_uri: str
    status: int | None
    response: Response | None
    diagnostics: MsDiagnostics | None

    @property
    def reason(self) -> str:
        """Why, as far as it was said."""
        if self.diagnostics is not None and self.diagnostics.reason:
            return self.diagnostics.reason
        if self.response is not None and (self.response.command_reason or self.response.reason):
            return self.response.command_reason or self.response.reason or ""
        return REASONS.get(self.status, "refused") if self.status is not None else "no answer"

    @property
    def text(self) -> str:
        """Status and reason, for people."""
        return self.reason if self.status is None else f"{self.status} {self.reason}"


@attrs.frozen(kw_only=True)
class Subscribed(Event):
    """The Focus took the subscription."""

    expires: int  #: seconds


@attrs.frozen(kw_only=True)
class SubscriptionLost(Event):
    """No more documents come; subscribe again while joined. Comes before Left when the session ends first."""

    reason: str
    status: int | None = None


@attrs.frozen(kw_only=True)
class RosterChanged(Event):
    """A document was applied."""

    changes: tuple[Change, ...]
    roster: ConferenceInfo


@attrs.frozen(kw_only=True)
class Left(Event):
    """Terminal for the stay in a conference."""

    conference_uri: str
    cause: LeaveCause
    status: int | None = None  #: SIP status with which the last try to join again was refused


@attrs.frozen(kw_only=True)
class Rejoining(Event):
    """The dialog died, or joining again failed for now: there is another try. Rejoined or Left follows."""

    conference_uri: str
    attempt: int  #: counts from 1
    at: float  #: when it begins, monotonic seconds


@attrs.frozen(kw_only=True)
class Rejoined(Event):
    """In the conference again, and followed as before. What open commands have come to is told next."""

    conference_uri: str
    role: str | None  #: as granted now
    attempt: int


@attrs.frozen(kw_only=True)
class ChatOpened(Event):
    """The client is in the chat of its conference. The command succeeded."""

    command: CommandId


@attrs.frozen(kw_only=True)
class ChatClosed(Event):
    """Terminal for the stay in the chat. What was said and not answered has failed before it."""

    dismissed: bool  #: the MCU ended it: ejected, or the conference is over
    lost: bool  #: nobody wanted it, as when the MCU died: it can be opened again when the roster has the chat again


@attrs.frozen(kw_only=True)
class MessageNotDelivered(Event):
    """Some did not get what was said; the command had succeeded, and all others got it (MS-CONFIM section 2.2.2)."""

    command: CommandId
    recipients: tuple[tuple[str, int | None], ...]  #: URI of each, and why, as a SIP status


@attrs.frozen(kw_only=True)
class MessageReceived(Event):
    """Somebody said something in the chat."""

    sender: str  #: URI of the user, as the MCU knows it
    display_name: str | None
    content_type: str  #: as it came, such as ``text/plain;charset=UTF-8``
    body: bytes = attrs.field(repr=False)
    text: str = attrs.field(repr=False)  #: the body, decoded; of HTML and RTF with their marks


@attrs.frozen(kw_only=True)
class ComposingChanged(Event):
    """Somebody is writing, or is not any more (RFC 3994); a message ends it too."""

    sender: str
    active: bool


InvitationId = NewType("InvitationId", int)  #: an invitation that came to this client; never used twice


class InvitationFailure(enum.Enum):
    """Why somebody who was invited will not come."""

    DECLINED = "declined"  #: a person, or a client for it, said no
    NOT_REACHED = "not reached"  #: nobody is there, or there is no way to it
    NO_ANSWER = "no answer"  #: nobody decided within the time
    CANCELLED = "cancelled"  #: withdrawn by this client
    NOT_UNDERSTOOD = "not understood"  #: a program that knows no invitations; see `CalledInstead`


@attrs.frozen(kw_only=True)
class InvitationRinging(Event):
    """Somebody is being asked."""

    command: CommandId


@attrs.frozen(kw_only=True)
class InvitationRedirected(Event):
    """Somebody is elsewhere, and asked there."""

    command: CommandId
    target: str


@attrs.frozen(kw_only=True)
class InvitationAccepted(Event):
    """Terminal: somebody means to come. Whether it does, the roster shows."""

    command: CommandId


@attrs.frozen(kw_only=True)
class InvitationFailed(Event):
    """Terminal: it will not come."""

    command: CommandId
    cause: InvitationFailure
    status: int | None = None  #: SIP status of the refusal
    reason: str | None = None  #: its reason phrase


@attrs.frozen(kw_only=True)
class CalledInstead(Event):
    """Terminal for the invitation: its program knows none, and an MCU is to call it; that is a command of its own."""

    command: CommandId
    call: CommandId
    status: int  #: with which the invitation was refused


@attrs.frozen(kw_only=True)
class ConferenceInvited(Event):
    """Somebody invites to a conference: ``accept_invitation`` or ``decline_invitation``, else it is withdrawn."""

    invitation: InvitationId
    inviter: str  #: URI in From; whether it is proven, the server of the user knows
    display_name: str | None
    conference_uri: str
    subject: str | None
    im: bool
    audio: bool
    video: bool


@attrs.frozen(kw_only=True)
class InvitationWithdrawn(Event):
    """Nobody waits for an answer any more."""

    invitation: InvitationId
