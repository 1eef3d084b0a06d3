"""Where a client stands towards one conference."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class ClientState(enum.Enum):
    """One client is in one conference at a time."""

    __hash__ = object.__hash__

    OUT = "out"
    JOINING = "joining"
    JOINED = "joined"
    WAITING = "waiting"  #: the dialog died: it is joined again in a moment
    REJOINING = "rejoining"
    LEAVING = "leaving"


class ClientInput(enum.Enum):
    """What moves it."""

    __hash__ = object.__hash__

    JOIN = "join"
    ANSWERED = "answered"
    FAILED = "failed"
    LEAVE = "leave"
    ENDED = "ended"
    LOST = "lost"  #: the dialog died
    TRY = "try"  #: to join again
    PUT_OFF = "put off"  #: that failed for now
    GIVEN_UP = "given up"


#: What our caller hears who wants something of a conference in any other state.
NOT_IN: Final[Mapping[ClientState, str]] = {
    ClientState.OUT: "join first",
    ClientState.JOINING: "wait for Joined",
    ClientState.WAITING: "the connection broke, wait for Rejoined or Left",
    ClientState.REJOINING: "the connection broke, wait for Rejoined or Left",
    ClientState.LEAVING: "it is being left, wait for Left",
}

CLIENT: Final[Mapping[tuple[ClientState, ClientInput], ClientState]] = {
    (ClientState.OUT, ClientInput.JOIN): ClientState.JOINING,
    (ClientState.JOINING, ClientInput.ANSWERED): ClientState.JOINED,
    (ClientState.JOINING, ClientInput.FAILED): ClientState.OUT,
    # CANCEL, or BYE when the answer crosses it: either way the session's own end follows.
    (ClientState.JOINING, ClientInput.LEAVE): ClientState.LEAVING,
    (ClientState.LEAVING, ClientInput.FAILED): ClientState.OUT,
    (ClientState.LEAVING, ClientInput.ENDED): ClientState.OUT,
    (ClientState.JOINED, ClientInput.LOST): ClientState.WAITING,
    (ClientState.WAITING, ClientInput.TRY): ClientState.REJOINING,
    (ClientState.WAITING, ClientInput.LEAVE): ClientState.OUT,
    (ClientState.REJOINING, ClientInput.ANSWERED): ClientState.JOINED,
    (ClientState.REJOINING, ClientInput.PUT_OFF): ClientState.WAITING,
    (ClientState.REJOINING, ClientInput.GIVEN_UP): ClientState.OUT,
    (ClientState.REJOINING, ClientInput.LEAVE): ClientState.LEAVING,
    (ClientState.JOINED, ClientInput.LEAVE): ClientState.LEAVING,
    (ClientState.JOINED, ClientInput.ENDED): ClientState.OUT,
}


def why_not(event: ClientInput, state: ClientState) -> str:
    """What our caller hears who gives a command that does not fit the state."""
    one_at_a_time = "leave first, a client is in one conference at a time"
    cure = one_at_a_time if event is ClientInput.JOIN else NOT_IN.get(state, "it is over")
    return f"cannot {event.value} while {state.value}: {cure}"
