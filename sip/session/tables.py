"""The INVITE session as a table: what a call can go through on the side that made it and on the side that got it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class SessionState(enum.Enum):
    """How far a session is."""

    __hash__ = object.__hash__  # members are singletons; the default hashes the name in Python

    CALLING = "calling"  #: our INVITE is out
    PROCEEDING = "proceeding"  #: somebody answered it provisionally
    CANCELLING = "cancelling"  #: we gave up, and wait for the end
    REDIRECTED = "redirected"  #: the core is to choose a target
    ANSWERED = "answered"  #: 2xx received, not acknowledged
    INCOMING = "incoming"  #: an INVITE waits for our answer
    ACCEPTED = "accepted"  #: our 2xx waits for its ACK
    CONFIRMED = "confirmed"
    ENDING = "ending"  #: our BYE is out, or waits for the ACK
    TERMINATED = "terminated"


class SessionInput(enum.Enum):
    """What happens to a session."""

    __hash__ = object.__hash__

    RECEIVE_1XX = "1xx"
    RECEIVE_2XX = "2xx"
    RECEIVE_3XX = "3xx"
    RECEIVE_FAILURE = "300-699 that leads nowhere"
    RECEIVE_USELESS = "2xx that cannot be used"
    NO_ANSWER = "timeout or transport error"
    CANCEL = "cancel"
    REDIRECT = "redirect"
    GIVE_UP = "give up"
    ACK = "ack"
    PROGRESS = "progress"
    ACCEPT = "accept"
    REJECT = "reject"
    RECEIVE_CANCEL = "CANCEL"
    RECEIVE_ACK = "ACK"
    NO_ACK = "no ACK"
    BYE = "bye"
    RECEIVE_BYE = "BYE"
    BYE_ANSWERED = "BYE answered"
    LOST = "expired or gone"


_S, _I = SessionState, SessionInput

SESSION: Final[Mapping[tuple[SessionState, SessionInput], SessionState]] = {
    # The caller.
    (_S.CALLING, _I.RECEIVE_1XX): _S.PROCEEDING,
    (_S.CALLING, _I.RECEIVE_2XX): _S.ANSWERED,
    (_S.CALLING, _I.RECEIVE_USELESS): _S.TERMINATED,
    (_S.CALLING, _I.RECEIVE_3XX): _S.REDIRECTED,
    (_S.CALLING, _I.RECEIVE_FAILURE): _S.TERMINATED,
    (_S.CALLING, _I.NO_ANSWER): _S.TERMINATED,
    (_S.CALLING, _I.CANCEL): _S.CANCELLING,
    (_S.PROCEEDING, _I.RECEIVE_1XX): _S.PROCEEDING,
    (_S.PROCEEDING, _I.RECEIVE_2XX): _S.ANSWERED,
    (_S.PROCEEDING, _I.RECEIVE_USELESS): _S.TERMINATED,
    (_S.PROCEEDING, _I.RECEIVE_3XX): _S.REDIRECTED,
    (_S.PROCEEDING, _I.RECEIVE_FAILURE): _S.TERMINATED,
    (_S.PROCEEDING, _I.NO_ANSWER): _S.TERMINATED,
    (_S.PROCEEDING, _I.CANCEL): _S.CANCELLING,
    (_S.PROCEEDING, _I.RECEIVE_BYE): _S.PROCEEDING,  # ends one early dialog, not the INVITE
    # A 2xx that crosses our CANCEL is acknowledged and ended: RFC 3261 section 9.1.
    (_S.CANCELLING, _I.RECEIVE_1XX): _S.CANCELLING,
    (_S.CANCELLING, _I.RECEIVE_2XX): _S.TERMINATED,
    (_S.CANCELLING, _I.RECEIVE_USELESS): _S.TERMINATED,
    (_S.CANCELLING, _I.RECEIVE_3XX): _S.TERMINATED,
    (_S.CANCELLING, _I.RECEIVE_FAILURE): _S.TERMINATED,
    (_S.CANCELLING, _I.NO_ANSWER): _S.TERMINATED,
    (_S.CANCELLING, _I.CANCEL): _S.CANCELLING,
    (_S.CANCELLING, _I.RECEIVE_BYE): _S.CANCELLING,
    (_S.REDIRECTED, _I.REDIRECT): _S.CALLING,
    (_S.REDIRECTED, _I.GIVE_UP): _S.TERMINATED,
    (_S.REDIRECTED, _I.CANCEL): _S.TERMINATED,
    (_S.REDIRECTED, _I.NO_ANSWER): _S.TERMINATED,
    (_S.REDIRECTED, _I.RECEIVE_USELESS): _S.TERMINATED,  # late, from another branch
    (_S.ANSWERED, _I.ACK): _S.CONFIRMED,
    (_S.ANSWERED, _I.NO_ANSWER): _S.TERMINATED,  # the 2xx could not be handled
    (_S.ANSWERED, _I.RECEIVE_USELESS): _S.TERMINATED,  # no room for its dialog
    (_S.ANSWERED, _I.BYE): _S.ENDING,
    (_S.ANSWERED, _I.RECEIVE_BYE): _S.TERMINATED,
    (_S.ANSWERED, _I.LOST): _S.TERMINATED,
    # The callee.
    (_S.INCOMING, _I.PROGRESS): _S.INCOMING,
    (_S.INCOMING, _I.ACCEPT): _S.ACCEPTED,
    (_S.INCOMING, _I.REJECT): _S.TERMINATED,
    (_S.INCOMING, _I.RECEIVE_CANCEL): _S.TERMINATED,
    (_S.INCOMING, _I.RECEIVE_BYE): _S.TERMINATED,
    (_S.INCOMING, _I.LOST): _S.TERMINATED,
    (_S.ACCEPTED, _I.RECEIVE_ACK): _S.CONFIRMED,
    (_S.ACCEPTED, _I.NO_ACK): _S.TERMINATED,
    (_S.ACCEPTED, _I.BYE): _S.ENDING,
    (_S.ACCEPTED, _I.RECEIVE_BYE): _S.TERMINATED,
    (_S.ACCEPTED, _I.LOST): _S.TERMINATED,
    # Both.
    (_S.CONFIRMED, _I.NO_ACK): _S.TERMINATED,  # to the 2xx of a re-INVITE
    (_S.CONFIRMED, _I.BYE): _S.ENDING,
    (_S.CONFIRMED, _I.RECEIVE_BYE): _S.TERMINATED,
    (_S.CONFIRMED, _I.LOST): _S.TERMINATED,
    (_S.ENDING, _I.RECEIVE_ACK): _S.ENDING,
    (_S.ENDING, _I.NO_ACK): _S.ENDING,
    (_S.ENDING, _I.RECEIVE_BYE): _S.TERMINATED,
    (_S.ENDING, _I.BYE_ANSWERED): _S.TERMINATED,
}
