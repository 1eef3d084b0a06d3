"""The four transaction machines of RFC 3261 section 17 as tables; RFC 6026 adds Accepted, RFC 4320 the 100 rules.

All that changes the state of a transaction goes through these tables. What a peer or a timer does in a state that has
no entry for it is ignored; what our own caller does raises LocalProtocolError (`sip.life`). Timers D,
I, J and K are 0 s on connections: there their row is taken at once.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class State(enum.Enum):
    """States of all four machines, under the names of the RFC, and one before them."""

    __hash__ = object.__hash__  # members are singletons; the default hashes the name in Python

    WAITING = "Waiting"  #: ours: the client transaction has no flow yet
    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Input(enum.Enum):
    """What happens to a transaction."""

    __hash__ = object.__hash__

    SEND_REQUEST = "send request"  #: a flow was found
    RESEND = "timer A, E or G"
    TIMEOUT = "timer B, F or H"
    LINGERED = "timer D, I, J, K, L or M"
    RECEIVE_1XX = "1xx"
    RECEIVE_2XX = "2xx"
    RECEIVE_FINAL = "300-699"
    TRANSPORT_ERROR = "transport error"
    RECEIVE_REQUEST = "request again"
    RECEIVE_ACK = "ACK"
    SEND_1XX = "send 1xx"
    SEND_2XX = "send 2xx"
    SEND_FINAL = "send 300-699"
    ABANDON = "abandon"  #: ours: nobody has a use for the rest of it


Table = Mapping[tuple[State, Input], State]

#: RFC 3261 figure 5 with RFC 6026 section 8.4.
INVITE_CLIENT: Final[Table] = {
    (State.WAITING, Input.SEND_REQUEST): State.CALLING,
    (State.WAITING, Input.TIMEOUT): State.TERMINATED,
    (State.WAITING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.WAITING, Input.ABANDON): State.TERMINATED,
    (State.CALLING, Input.RESEND): State.CALLING,
    (State.CALLING, Input.TIMEOUT): State.TERMINATED,
    (State.CALLING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.CALLING, Input.RECEIVE_1XX): State.PROCEEDING,
    (State.CALLING, Input.RECEIVE_2XX): State.ACCEPTED,
    (State.CALLING, Input.RECEIVE_FINAL): State.COMPLETED,
    (State.CALLING, Input.ABANDON): State.TERMINATED,
    (State.PROCEEDING, Input.RECEIVE_1XX): State.PROCEEDING,
    (State.PROCEEDING, Input.RECEIVE_2XX): State.ACCEPTED,
    (State.PROCEEDING, Input.RECEIVE_FINAL): State.COMPLETED,
    (State.PROCEEDING, Input.TIMEOUT): State.TERMINATED,  # only after CANCEL: section 9.1
    (State.PROCEEDING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.PROCEEDING, Input.ABANDON): State.TERMINATED,
    (State.ACCEPTED, Input.RECEIVE_2XX): State.ACCEPTED,
    (State.ACCEPTED, Input.LINGERED): State.TERMINATED,
    (State.COMPLETED, Input.RECEIVE_FINAL): State.COMPLETED,
    (State.COMPLETED, Input.LINGERED): State.TERMINATED,
    (State.COMPLETED, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.COMPLETED, Input.ABANDON): State.TERMINATED,
}

#: RFC 3261 figure 6. A 2xx is a final answer like any other here.
CLIENT: Final[Table] = {
    (State.WAITING, Input.SEND_REQUEST): State.TRYING,
    (State.WAITING, Input.TIMEOUT): State.TERMINATED,
    (State.WAITING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.WAITING, Input.ABANDON): State.TERMINATED,
    (State.TRYING, Input.RESEND): State.TRYING,
    (State.TRYING, Input.TIMEOUT): State.TERMINATED,
    (State.TRYING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.TRYING, Input.RECEIVE_1XX): State.PROCEEDING,
    (State.TRYING, Input.RECEIVE_2XX): State.COMPLETED,
    (State.TRYING, Input.RECEIVE_FINAL): State.COMPLETED,
    (State.TRYING, Input.ABANDON): State.TERMINATED,
    (State.PROCEEDING, Input.RESEND): State.PROCEEDING,
    (State.PROCEEDING, Input.TIMEOUT): State.TERMINATED,
    (State.PROCEEDING, Input.TRANSPORT_ERROR): State.TERMINATED,
    (State.PROCEEDING, Input.RECEIVE_1XX): State.PROCEEDING,
    (State.PROCEEDING, Input.RECEIVE_2XX): State.COMPLETED,
    (State.PROCEEDING, Input.RECEIVE_FINAL): State.COMPLETED,
    (State.PROCEEDING, Input.ABANDON): State.TERMINATED,
    (State.COMPLETED, Input.LINGERED): State.TERMINATED,
    (State.COMPLETED, Input.ABANDON): State.TERMINATED,
}

#: RFC 3261 figure 7 with RFC 6026 section 8.5. Transport errors do not end it.
INVITE_SERVER: Final[Table] = {
    (State.PROCEEDING, Input.RECEIVE_REQUEST): State.PROCEEDING,
    (State.PROCEEDING, Input.SEND_1XX): State.PROCEEDING,
    (State.PROCEEDING, Input.SEND_2XX): State.ACCEPTED,
    (State.PROCEEDING, Input.SEND_FINAL): State.COMPLETED,
    (State.PROCEEDING, Input.ABANDON): State.TERMINATED,
    (State.ACCEPTED, Input.RECEIVE_REQUEST): State.ACCEPTED,
    (State.ACCEPTED, Input.SEND_2XX): State.ACCEPTED,
    (State.ACCEPTED, Input.RECEIVE_ACK): State.ACCEPTED,
    (State.ACCEPTED, Input.LINGERED): State.TERMINATED,
    (State.COMPLETED, Input.RECEIVE_REQUEST): State.COMPLETED,
    (State.COMPLETED, Input.RESEND): State.COMPLETED,
    (State.COMPLETED, Input.RECEIVE_ACK): State.CONFIRMED,
    (State.COMPLETED, Input.TIMEOUT): State.TERMINATED,
    (State.CONFIRMED, Input.RECEIVE_ACK): State.CONFIRMED,
    (State.CONFIRMED, Input.LINGERED): State.TERMINATED,
}

#: RFC 3261 figure 8 with RFC 4320: nobody answers after timer F of the other side (TIMEOUT).
SERVER: Final[Table] = {
    (State.TRYING, Input.RECEIVE_REQUEST): State.TRYING,
    (State.TRYING, Input.SEND_1XX): State.PROCEEDING,
    (State.TRYING, Input.SEND_2XX): State.COMPLETED,
    (State.TRYING, Input.SEND_FINAL): State.COMPLETED,
    (State.TRYING, Input.TIMEOUT): State.TERMINATED,
    (State.TRYING, Input.ABANDON): State.TERMINATED,
    (State.PROCEEDING, Input.RECEIVE_REQUEST): State.PROCEEDING,
    (State.PROCEEDING, Input.SEND_1XX): State.PROCEEDING,
    (State.PROCEEDING, Input.SEND_2XX): State.COMPLETED,
    (State.PROCEEDING, Input.SEND_FINAL): State.COMPLETED,
    (State.PROCEEDING, Input.TIMEOUT): State.TERMINATED,
    (State.PROCEEDING, Input.ABANDON): State.TERMINATED,
    (State.COMPLETED, Input.RECEIVE_REQUEST): State.COMPLETED,
    (State.COMPLETED, Input.LINGERED): State.TERMINATED,
}

TABLES: Final[Mapping[str, Table]] = {
    "INVITE client": INVITE_CLIENT,
    "non-INVITE client": CLIENT,
    "INVITE server": INVITE_SERVER,
    "non-INVITE server": SERVER,
}
