"""How far a call is, and how it ends."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class CallState(enum.Enum):
    """How far a call is."""

    __hash__ = object.__hash__

    CALLING = "calling"  #: our INVITE is out
    ALERTING = "alerting"  #: it rings there
    RINGING = "ringing"  #: it rings here
    ANSWERING = "answering"  #: our 200 is out, no ACK yet
    TALKING = "talking"
    GIVING_UP = "giving up"  #: our CANCEL is out
    OVER = "over"


class CallInput(enum.Enum):
    """What moves a call."""

    __hash__ = object.__hash__

    PROGRESS = "progress"
    ANSWERED = "answered"
    ANSWER = "answer"
    CONFIRM = "confirm"
    REFUSE = "refuse"
    GIVE_UP = "give up"
    HANG_UP = "hang up"
    END = "end"


class CallEnd(enum.Enum):
    """Why a call is over."""

    __hash__ = object.__hash__

    HUNG_UP_HERE = "hung up here"
    HUNG_UP_THERE = "hung up there"
    REFUSED_HERE = "refused here"
    REFUSED_THERE = "refused there"  #: see ``status``
    GIVEN_UP_HERE = "given up here"  #: cancelled before it was answered
    GIVEN_UP_THERE = "given up there"
    NO_ANSWER = "no answer"  #: nobody answered in time
    UNREACHABLE = "unreachable"  #: the call could not be sent, or a limit was reached
    NO_MEDIA = "no media"  #: the descriptions do not fit together
    LOST = "lost"  #: no ACK, no answer within the call, or the session timer ran out


_S, _I = CallState, CallInput

CALL: Final[Mapping[tuple[CallState, CallInput], CallState]] = {
    (_S.CALLING, _I.PROGRESS): _S.ALERTING,
    (_S.CALLING, _I.ANSWERED): _S.TALKING,
    (_S.CALLING, _I.GIVE_UP): _S.GIVING_UP,
    (_S.CALLING, _I.END): _S.OVER,
    (_S.ALERTING, _I.PROGRESS): _S.ALERTING,
    (_S.ALERTING, _I.ANSWERED): _S.TALKING,
    (_S.ALERTING, _I.GIVE_UP): _S.GIVING_UP,
    (_S.ALERTING, _I.END): _S.OVER,
    (_S.GIVING_UP, _I.END): _S.OVER,
    (_S.RINGING, _I.ANSWER): _S.ANSWERING,
    (_S.RINGING, _I.REFUSE): _S.OVER,
    (_S.RINGING, _I.END): _S.OVER,
    (_S.ANSWERING, _I.CONFIRM): _S.TALKING,
    (_S.ANSWERING, _I.HANG_UP): _S.OVER,
    (_S.ANSWERING, _I.END): _S.OVER,
    (_S.TALKING, _I.HANG_UP): _S.OVER,
    (_S.TALKING, _I.END): _S.OVER,
}
