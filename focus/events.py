"""What a Focus and a Focus Factory report to the application that embeds them."""

from __future__ import annotations

import enum

import attrs

from focus.records import ConferenceRecord
from sip import Event


class EndReason(enum.Enum):
    """Why an activation of a conference ended."""

    ENDED_BY_PRESENTER = "ended by presenter"
    EMPTY = "empty"  #: the last participant left
    UNATTENDED = "unattended"  #: no authenticated participant for too long
    EXPIRED = "expired"  #: the record's time is over
    DELETED = "deleted"  #: the organizer deleted the record


@attrs.frozen(kw_only=True)
class RecordAdded(Event):
    """The Focus Factory stored a conference."""

    conference_uri: str
    organizer: str


@attrs.frozen(kw_only=True)
class RecordRemoved(Event):
    """A conference record was deleted, or expired."""

    conference_uri: str


@attrs.frozen(kw_only=True)
class ConferenceActivated(Event):
    """The first participant joined."""

    conference_uri: str


@attrs.frozen(kw_only=True)
class ConferenceRestored(Event):
    """A conference goes on that was active before a restart, or at another Focus."""

    conference_uri: str
    participants: int  #: whose dialogs came back
    absent: int  #: who may join again in their place


@attrs.frozen(kw_only=True)
class ConferenceReleased(Event):
    """A conference is not ours any more, and nobody was told: another Focus goes on with it."""

    conference_uri: str


@attrs.frozen(kw_only=True)
class ConferenceEnded(Event):
    """The activation is over; the record may be activated again."""

    conference_uri: str
    reason: EndReason


@attrs.frozen(kw_only=True)
class ParticipantJoined(Event):
    """A Focus dialog was accepted; one user may have several."""

    conference_uri: str
    user: str
    role: str
    in_lobby: bool


@attrs.frozen(kw_only=True)
class ParticipantLeft(Event):
    """A Focus dialog is over."""

    conference_uri: str
    user: str
    cause: str  #: of the end of the dialog, such as "bye received"


@attrs.frozen(kw_only=True)
class McuAssigned(Event):
    """An MCU was allocated and bootstrapped for one media type."""

    conference_uri: str
    mcu_type: str
    mcu_id: str


@attrs.frozen(kw_only=True)
class McuSilent(Event):
    """An assigned MCU let a time-out pass, and is asked again: it answers, or `McuLost` follows."""

    conference_uri: str
    mcu_type: str
    mcu_id: str
    participants: int  #: who are shown on it, and may be gone


@attrs.frozen(kw_only=True)
class McuLost(Event):
    """An assigned MCU failed; what it owned was taken from the roster (docs/design-decisions.rst)."""

    conference_uri: str
    mcu_type: str
    mcu_id: str
    reason: str
    participants: int = 0  #: who were shown on it, and were taken off


@attrs.frozen(kw_only=True)
class CommandRelayed(Event):
    """A command of a client was taken, and is for MCUs to carry out; `CommandFinished` follows."""

    conference_uri: str
    requester: str
    command: str  #: C3P name, such as addUser
    request_id: str
    correlation: str  #: its name wherever it goes: in C3P to the MCU, and at the front of the Call-ID of a call
    target: str | None = None  #: URI of whom it is about


@attrs.frozen(kw_only=True)
class CommandFinished(Event):
    """A command of a client came to its one end."""

    conference_uri: str
    requester: str
    command: str  #: C3P name, such as addUser
    request_id: str
    succeeded: bool
    reason: str | None = None  #: general reason of a failure
    specific_reason: str | None = None
    diagnostics: str | None = None  #: of the MCU, in the shape of ``ms-diagnostics``: what the far end said, or why not
    delivered: bool = True  #: False when the requester was gone
    correlation: str = ""  #: its name wherever it went
    took: float = 0.0  #: seconds since it arrived


@attrs.frozen(kw_only=True)
class RequestRefused(Event):
    """Somebody may not join, follow, command or schedule, or cannot now. Not for a challenge, which begins things."""

    what: str  #: join, subscribe, command, dialog or service
    status: int  #: of the SIP answer
    reason: str  #: one of few words, as in ``refusals``
    text: str  #: for people
    conference_uri: str  #: what was asked for
    sender: str  #: who asked: From, or the participant
    source: str  #: host that it came from; empty for a participant who was not heard since a restart


@attrs.frozen(kw_only=True)
class RosterPublished(Event):
    """A change of the conference went to every subscriber."""

    conference_uri: str
    version: int  #: of the roster
    subscribers: int


# Questions to the application ----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RecordWanted(Event):
    """A record is wanted: answer with ``record_found``, or with ``store_failed``."""

    id: int
    key: str  #: `sip.conference_key` of the Conference-URI: under this it was written
    conference_uri: str


@attrs.frozen(kw_only=True)
class RecordsWanted(Event):
    """The records of an organizer are wanted, oldest first: answer with ``records_found``, or ``store_failed``."""

    id: int
    organizer_key: str  #: `sip.aor_key` of the organizer
    limit: int  #: no more than these are of use


@attrs.frozen(kw_only=True)
class RecordWriteWanted(Event):
    """A record is to be added, replaced or removed: answer with ``record_written``, or with ``store_failed``.

    ``before`` None: it is new, and there may be none of that key (`Written.EXISTS`). Otherwise what is there now must
    be ``before``, which its ``version`` tells (`Written.CHANGED` if not), so that of two Focus Factories that change a
    record at the same time none undoes what the other did. ``after`` None: it is to be removed; whether it has
    changed since does not matter, and what is not there counts as removed.
    """

    id: int
    key: str  #: `sip.conference_key` of the Conference-URI
    conference_uri: str
    organizer_key: str  #: `sip.aor_key` of the organizer
    before: ConferenceRecord | None
    after: ConferenceRecord | None


@attrs.frozen(kw_only=True)
class ClaimWanted(Event):
    """A conference is to be ours: answer with ``claimed``, ``owned_elsewhere`` or ``placement_failed``.

    Asked where `FocusConfig.placed` says that there are other Foci: before the first one joins, and when an MCU knows a
    higher claim than ours. Of all that ask at the same time one gets it.
    """

    id: int
    key: str  #: `sip.conference_key` of the Conference-URI
    conference_uri: str
    above: int  #: the epoch of the claim has to be higher than this


@attrs.frozen(kw_only=True)
class ClaimReleased(Event):
    """A conference that was ours needs no owner any more: it has ended, or nobody came in."""

    key: str  #: `sip.conference_key` of the Conference-URI
    conference_uri: str
    epoch: int  #: of the claim; a later one is somebody else's
