"""What a phone tells its application."""

from __future__ import annotations

import enum

import attrs

from sip import Event


class Reaction(enum.Enum):
    """What the person or the device at the phone does with a call."""

    ANSWER = "answer"  #: rings for a while, then takes the call
    BUSY = "busy"  #: 486
    DECLINE = "decline"  #: 603
    REDIRECT = "redirect"  #: 302 to `PhoneConfig.forward_to`; 480 where that is not set
    IGNORE = "ignore"  #: rings for ever
    UNUSABLE_MEDIA = "unusable media"  #: takes the call with a description that has no usable media


class CallEnd(enum.Enum):
    """Why a call at the phone is over."""

    REFUSED = "refused"  #: busy or declined here
    CANCELLED = "cancelled"  #: the caller gave up
    HUNG_UP_HERE = "hung up here"
    HUNG_UP_THERE = "hung up there"
    SILENT = "nothing is heard any more"  #: no packet of the other side for `PhoneConfig.dead_media`
    FAILED = "failed"  #: no media, no ACK, or the dialog was lost


@attrs.frozen(kw_only=True)
class PhoneRegistered(Event):
    """The registrar took our address."""

    expires: int  #: seconds


@attrs.frozen(kw_only=True)
class PhoneNotRegistered(Event):
    """A registration was refused or not answered; it is tried again."""

    status: int | None  #: None when nobody answered


@attrs.frozen(kw_only=True)
class PhoneRinging(Event):
    """Somebody calls."""

    caller: str  #: From URI
    caller_name: str | None


@attrs.frozen(kw_only=True)
class PhoneAnswered(Event):
    """The call was taken; audio flows."""

    caller: str


@attrs.frozen(kw_only=True)
class PhoneHeld(Event):
    """The hold that this phone asked for, or its end, was agreed."""

    held: bool


@attrs.frozen(kw_only=True)
class PhoneKey(Event):
    """The other side pressed a key: by telephone event (RFC 4733) or by INFO. It is not heard as sound."""

    digit: str  #: ``0``-``9``, ``*``, ``#``, ``A``-``D``, or the event number as text


@attrs.frozen(kw_only=True)
class PhoneReleased(Event):
    """A call is over: the one terminal event of each call that rang or was refused."""

    end: CallEnd
    talked_for: float  #: seconds since it was answered, 0.0 when it was not
