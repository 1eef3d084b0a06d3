"""What an MCU and an MCU Factory report to the application."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NewType, TypedDict

import attrs

from mcu.outcome import Ending
from sip import Event

LegId = NewType("LegId", int)  #: one attachment of a participant to an MCU; never used twice by one MCU


class ConferenceEndCause(enum.Enum):
    """Why a conference is no longer on an MCU."""

    DELETED = "deleted"  #: the Focus said so
    FOCUS_LOST = "focus lost"  #: the Focus was away for too long
    ORPHANED = "orphaned"  #: nobody was in it, and the Focus said nothing about it
    CLOSED = "closed"  #: the MCU is being shut down
    EMPTY = "empty"  #: a room, and its last member has gone


@attrs.frozen(kw_only=True)
class ConferenceStarted(Event):
    """A Focus bootstrapped a conference on this MCU, or a caller made a room."""

    conference: str  #: Conference-URI, or the address of the room


@attrs.frozen(kw_only=True)
class ConferenceEnded(Event):
    """A conference left this MCU; all its legs are being ended."""

    conference: str
    cause: ConferenceEndCause


class About(TypedDict):
    """What every event about a leg says of it."""

    owner: str
    leg: LegId
    conference: str
    user: str
    endpoint: str
    call_id: str
    correlation: str


@attrs.frozen(kw_only=True)
class CommandRefused(Event):
    """A command, or one address of a redirection, that is not carried out: by the policy, or for want of room."""

    conference: str
    command: str  #: C3P name; ``redirection`` for an address that a far end names
    originator: str | None  #: who asked for it, as the Focus says
    target: str  #: who would be called; empty for other commands
    reason: str  #: one of few words, those of `RefusalReason`
    text: str  #: for people
    correlation: str = ""  #: what the Focus calls the command


@attrs.frozen(kw_only=True)
class LegEvent(Event):
    """Something about one leg."""

    leg: LegId
    conference: str
    user: str  #: URI in the roster
    endpoint: str  #: GUID in the roster
    call_id: str = ""  #: SIP Call-ID, once there is a call
    correlation: str = ""  #: what the Focus calls the command that it came from; a dial-out's Call-ID begins with it


@attrs.frozen(kw_only=True)
class LegDialing(LegEvent):
    """An INVITE left for ``target``."""

    target: str


@attrs.frozen(kw_only=True)
class LegAlerting(LegEvent):
    """The far end rings."""


@attrs.frozen(kw_only=True)
class LegWaiting(LegEvent):
    """A caller is at the door: its call is up, and it is not in the conference yet."""

    passcode: bool  #: it is asked for the passcode; else it waits to be let in


@attrs.frozen(kw_only=True)
class LegConnected(LegEvent):
    """The call is up and its media is in the mix. Comes after the ACK has been sent (or received)."""

    codec: str
    rang_for: float  #: seconds between the INVITE and the 2xx
    encrypted: bool = False  #: whether its media are, by SRTP


@attrs.frozen(kw_only=True)
class LegHeld(LegEvent):
    """The far end holds the call."""


@attrs.frozen(kw_only=True)
class LegResumed(LegEvent):
    """The far end took the call back."""


@attrs.frozen(kw_only=True)
class HoldChanged(LegEvent):
    """This MCU put the leg on hold, or took it back; the far end has agreed."""

    holding: bool


@attrs.frozen(kw_only=True)
class HoldFailed(LegEvent):
    """It could not be put on hold, or be taken back: all is as before."""

    holding: bool  #: what was wanted
    status: int | None  #: SIP status of the refusal, ``None`` when there was no answer, or the call is over
    reason: str


@attrs.frozen(kw_only=True)
class LegEnded(LegEvent):
    """The leg is over: the one terminal event of a dial-out or dial-in."""

    ending: Ending | None  #: how the attempt ended; ``None`` for a leg that was connected
    method: str  #: ``disconnection-method``: departed, booted, failed or busy
    status: int | None = None  #: final SIP status of the far end, if it gave one
    reason: str | None = None  #: its reason phrase, or what went wrong here
    diagnostics: str | None = None  #: ``ms-diagnostics`` of the far end as it came
    retry_safe: bool = False  #: nobody was rung and nobody said no
    connected_for: float | None = None  #: seconds from answer to end, ``None`` when it was never connected


@attrs.frozen(kw_only=True)
class MediaPortWanted(Event):
    """Open an RTP and an RTCP port: answer with ``media_opened`` or ``media_failed`` within 5 s."""

    leg: LegId


@attrs.frozen(kw_only=True)
class MediaPeerKnown(Event):
    """Where the media of a leg come from, with `McuConfig.single_port`: nothing else is of this leg, until this is told
    once more or its port is released."""

    leg: LegId
    rtp: tuple[str, int] | None
    rtcp: tuple[str, int] | None


@attrs.frozen(kw_only=True)
class MediaPortReleased(Event):
    """The ports of a leg are not needed any more; packets already made for it may still be sent."""

    leg: LegId


@attrs.frozen(kw_only=True)
class DtmfReceived(LegEvent):
    """A key was pressed (RFC 4733); reported once, at its first packet. It is not mixed."""

    digit: str  #: ``0``-``9``, ``*``, ``#``, ``A``-``D``, or the event number as text


@attrs.frozen(kw_only=True)
class MessagePassedOn(LegEvent):
    """Somebody said something in a chat. The text itself is nobody's business."""

    message_id: str
    content_type: str
    size: int  #: octets
    recipients: int


@attrs.frozen(kw_only=True)
class ActiveSpeakerChanged(Event):
    """Somebody else speaks, or nobody does."""

    conference: str
    leg: LegId | None
    user: str | None


@attrs.frozen(kw_only=True)
class AudioLevels(Event):
    """How loud everybody was since the last one; every ``McuConfig.level_interval``. The first silence is told, too."""

    conference: str
    levels: Mapping[LegId, int]  #: dBov of the loudest 20 ms, 0 to -127, of those who spoke; of a muted leg nothing


@attrs.frozen(kw_only=True)
class McuRegistered(Event):
    """An MCU announced itself for the first time, or again after it had been forgotten."""

    mcu_id: str


@attrs.frozen(kw_only=True)
class McuForgotten(Event):
    """An MCU was silent for too long, or a probe found it dead."""

    mcu_id: str


@attrs.frozen(kw_only=True)
class McuAllocated(Event):
    """A conference was given an MCU."""

    conference: str
    mcu_id: str


class AnnouncementFault(enum.Enum):
    """Why an MCU Factory does not take the announcement of an MCU."""

    NOT_AUTHENTICATED = "not authenticated"  #: no principal: neither a certificate nor a known secret
    PRINCIPAL = "principal not allowed"  #: not among ``FactoryConfig.mcu_peers``
    NOT_ITS_ID = "not its id"  #: an id that is not that of the principal, nor of a worker of it
    HOST = "host not allowed"  #: its URL or SIP address is on no host of ``FactoryConfig.mcu_hosts``
    ID_TAKEN = "id taken"  #: another principal, or an MCU at another URL, announced that ``McuConfig.mcu_id``
    INCOMPLETE = "incomplete"  #: id, URL or types are missing
    NO_ROOM = "no room"  #: ``FactoryConfig.max_mcus`` are known


@attrs.frozen(kw_only=True)
class AnnouncementRefused(Event):
    """A Factory refused an MCU: reported once for each id, principal and fault, until that MCU was taken."""

    mcu_id: str  #: as announced, possibly empty
    peer: str  #: principal, empty when nobody was authenticated
    fault: AnnouncementFault


@attrs.frozen(kw_only=True)
class RegistrationAccepted(Event):
    """The Factory takes this MCU again, or at last: reported once after ``RegistrationRefused``."""

    url: str  #: of the Factory, ``McuConfig.factory_url``


@attrs.frozen(kw_only=True)
class RegistrationRefused(Event):
    """The Factory does not take this MCU: reported once, and again when it says something else or after a success."""

    url: str  #: of the Factory, ``McuConfig.factory_url``
    #: Of the HTTP answer; 401: secret unknown there, 403: id or principal not allowed there, None: no answer.
    status: int | None
    reason: str | None = None  #: diagnostics of a C3P failure, None where there is only a status
