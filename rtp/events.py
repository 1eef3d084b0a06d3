"""What the media machines report: frozen, named by what happened."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class MediaEvent:
    """Anything that a media machine reports."""


@attrs.frozen(kw_only=True)
class TelephoneEventStarted(MediaEvent):
    """The peer began an event (RFC 4733 section 2.5.2); reported once, at its first packet that arrives."""

    event: int
    digit: str | None  #: the key of a DTMF event


@attrs.frozen(kw_only=True)
class TelephoneEventEnded(MediaEvent):
    """The event is over, by its end packet or because its updates ceased."""

    event: int
    digit: str | None
    duration: float  #: seconds, as far as known
    end_seen: bool  #: False: every end packet was lost


@attrs.frozen(kw_only=True)
class SourceLocked(MediaEvent):
    """A source was accepted as the peer's stream."""

    ssrc: int
    source: tuple[str, int]  #: where its packets come from


@attrs.frozen(kw_only=True)
class RemoteAddressLearned(MediaEvent):
    """The peer's packets come from elsewhere than its description said, and we now send there."""

    address: tuple[str, int]
    previous: tuple[str, int] | None


@attrs.frozen(kw_only=True)
class SourceLeft(MediaEvent):
    """The source said BYE (RFC 3550 section 6.6)."""

    ssrc: int
    reason: str | None


@attrs.frozen(kw_only=True)
class SourceTimedOut(MediaEvent):
    """Nothing was heard from the source for the participant time-out."""

    ssrc: int


@attrs.frozen(kw_only=True)
class SourceNamed(MediaEvent):
    """The source told its canonical name, or another one than before."""

    ssrc: int
    cname: str


@attrs.frozen(kw_only=True)
class ReceptionReported(MediaEvent):
    """How the peer receives us (RFC 3550 section 6.4)."""

    fraction_lost: float  #: 0 to 1, since its last report
    cumulative_lost: int  #: packets
    jitter: float  #: seconds
    round_trip: float | None  #: seconds; None until the peer has seen a report of ours


@attrs.frozen(kw_only=True)
class MediaSilent(MediaEvent):
    """Neither RTP nor RTCP arrived for the time-out, though the peer is not on hold; the call is probably dead."""

    since: float  #: the last arrival, monotonic seconds


@attrs.frozen(kw_only=True)
class SsrcCollided(MediaEvent):
    """Somebody else sends under our SSRC (RFC 3550 section 8.2); ``MediaStream.restart`` gives us a new one."""

    ssrc: int
