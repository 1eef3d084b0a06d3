"""Subscriptions as tables: the side that watches and the side that is watched (RFC 6665 section 4)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class NotifierState(enum.Enum):
    """How far a subscription to something of ours is."""

    __hash__ = object.__hash__

    ASKED = "asked"  #: the first SUBSCRIBE waits for our answer
    ACTIVE = "active"
    CLOSING = "closing"  #: accepted with no time left: one notification follows
    LAST = "last"  #: the last notification is out or queued
    TERMINATED = "terminated"


class NotifierInput(enum.Enum):
    """What happens to it."""

    __hash__ = object.__hash__

    ACCEPT = "accept"
    ACCEPT_ZERO = "accept for no time"
    REJECT = "reject"
    NOTIFY = "notify"
    LAST_NOTIFY = "send the last notification of"
    LAST_ANSWERED = "last notification answered"
    LOST = "unanswered or 481"


_N, _I = NotifierState, NotifierInput

NOTIFIER: Final[Mapping[tuple[NotifierState, NotifierInput], NotifierState]] = {
    (_N.ASKED, _I.ACCEPT): _N.ACTIVE,
    (_N.ASKED, _I.ACCEPT_ZERO): _N.CLOSING,
    (_N.ASKED, _I.REJECT): _N.TERMINATED,
    (_N.ASKED, _I.LOST): _N.TERMINATED,
    (_N.ACTIVE, _I.ACCEPT): _N.ACTIVE,
    (_N.ACTIVE, _I.ACCEPT_ZERO): _N.CLOSING,
    (_N.ACTIVE, _I.REJECT): _N.ACTIVE,  # a refused refresh leaves it as it was
    (_N.ACTIVE, _I.NOTIFY): _N.ACTIVE,
    (_N.ACTIVE, _I.LAST_NOTIFY): _N.LAST,
    (_N.ACTIVE, _I.LOST): _N.TERMINATED,
    (_N.CLOSING, _I.LAST_NOTIFY): _N.LAST,
    (_N.CLOSING, _I.LOST): _N.TERMINATED,
    (_N.LAST, _I.LAST_ANSWERED): _N.TERMINATED,
    (_N.LAST, _I.LOST): _N.TERMINATED,
}


class SubscriberState(enum.Enum):
    """How far a subscription of ours is."""

    __hash__ = object.__hash__

    SUBSCRIBING = "subscribing"  #: the first SUBSCRIBE is out
    ACCEPTED = "accepted"  #: 2xx came, no notification yet: timer N runs
    ACTIVE = "active"  #: a notification came
    ENDING = "ending"  #: we unsubscribe
    TERMINATED = "terminated"


class SubscriberInput(enum.Enum):
    """What happens to it."""

    __hash__ = object.__hash__

    RECEIVE_2XX = "2xx"
    RECEIVE_NOTIFY = "NOTIFY"
    RECEIVE_LAST = "NOTIFY terminated"
    FAILED = "refused or unanswered"
    MIGRATE = "481 or silence to a refresh"
    UNSUBSCRIBE = "unsubscribe"
    EXPIRED = "expired"
    GONE = "refresh refused for good"
    SUPPRESSED = "2xx to REFER without subscription"


_S, _J = SubscriberState, SubscriberInput

SUBSCRIBER: Final[Mapping[tuple[SubscriberState, SubscriberInput], SubscriberState]] = {
    (_S.SUBSCRIBING, _J.RECEIVE_2XX): _S.ACCEPTED,
    (_S.SUBSCRIBING, _J.RECEIVE_NOTIFY): _S.ACTIVE,  # NOTIFY overtakes the 2xx: section 4.1.2.4
    (_S.SUBSCRIBING, _J.RECEIVE_LAST): _S.TERMINATED,
    (_S.SUBSCRIBING, _J.FAILED): _S.TERMINATED,
    (_S.SUBSCRIBING, _J.UNSUBSCRIBE): _S.ENDING,
    (_S.ACCEPTED, _J.RECEIVE_2XX): _S.ACCEPTED,
    (_S.ACCEPTED, _J.RECEIVE_NOTIFY): _S.ACTIVE,
    (_S.ACCEPTED, _J.RECEIVE_LAST): _S.TERMINATED,
    (_S.ACCEPTED, _J.MIGRATE): _S.SUBSCRIBING,
    (_S.ACCEPTED, _J.GONE): _S.TERMINATED,
    (_S.ACCEPTED, _J.SUPPRESSED): _S.TERMINATED,
    (_S.ACCEPTED, _J.UNSUBSCRIBE): _S.ENDING,
    (_S.ACCEPTED, _J.EXPIRED): _S.TERMINATED,  # timer N
    (_S.ACTIVE, _J.RECEIVE_2XX): _S.ACTIVE,
    (_S.ACTIVE, _J.RECEIVE_NOTIFY): _S.ACTIVE,
    (_S.ACTIVE, _J.RECEIVE_LAST): _S.TERMINATED,
    (_S.ACTIVE, _J.MIGRATE): _S.SUBSCRIBING,
    (_S.ACTIVE, _J.GONE): _S.TERMINATED,
    (_S.ACTIVE, _J.UNSUBSCRIBE): _S.ENDING,
    (_S.ACTIVE, _J.EXPIRED): _S.TERMINATED,
    (_S.ENDING, _J.RECEIVE_2XX): _S.ENDING,
    (_S.ENDING, _J.RECEIVE_NOTIFY): _S.ENDING,
    (_S.ENDING, _J.RECEIVE_LAST): _S.TERMINATED,
    (_S.ENDING, _J.FAILED): _S.TERMINATED,
    (_S.ENDING, _J.EXPIRED): _S.TERMINATED,
}
