"""The life of one leg, as a table (docs/wire-flow.rst)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from c3p import Status
from mcu.errors import LocalError
from sip import Life


class State(enum.Enum):
    """Where a leg is."""

    __hash__ = object.__hash__

    OPENING = "opening"  #: dial-out: a media port has been asked for
    INVITING = "inviting"  #: INVITE sent, nothing heard yet
    RINGING = "ringing"  #: a provisional response came
    RESERVED = "reserved"  #: dial-in: announced by the Focus, the INVITE has not come
    ACCEPTING = "accepting"  #: dial-in: INVITE came, a media port has been asked for, or 200 awaits its ACK
    CONNECTED = "connected"
    HELD = "held"  #: connected, and the far end holds
    CANCELLING = "cancelling"  #: CANCEL sent, the final answer has not come
    CLOSING = "closing"  #: BYE sent
    CLOSED = "closed"


class Input(enum.Enum):
    """What moves a leg."""

    __hash__ = object.__hash__

    PORT_OPENED = "port-opened"
    PORT_FAILED = "port-failed"
    PROVISIONAL = "provisional"
    ANSWERED = "answered"  #: 2xx with media that can be used
    UNUSABLE = "unusable"  #: 2xx without media that can be used: ACK, BYE
    REFUSED = "refused"  #: the INVITE came to nothing
    INVITED = "invited"  #: dial-in INVITE
    CONFIRMED = "confirmed"  #: ACK of our 2xx
    HOLD = "hold"
    RESUME = "resume"
    GIVE_UP = "give-up"  #: we stop: ring time over, ejected, conference over, dead media
    ENDED = "ended"  #: the session is over: BYE from either side, or its dialog is gone
    RETRY = "retry"  #: the next address of a redirection is called


TRANSITIONS: Final[Mapping[tuple[State, Input], State]] = MappingProxyType(
    {
        (State.OPENING, Input.PORT_OPENED): State.INVITING,
        (State.OPENING, Input.PORT_FAILED): State.CLOSED,
        (State.OPENING, Input.GIVE_UP): State.CLOSED,
        (State.INVITING, Input.PROVISIONAL): State.RINGING,
        (State.INVITING, Input.ANSWERED): State.CONNECTED,
        (State.INVITING, Input.UNUSABLE): State.CLOSING,
        (State.INVITING, Input.REFUSED): State.CLOSED,
        (State.INVITING, Input.RETRY): State.INVITING,
        (State.INVITING, Input.GIVE_UP): State.CANCELLING,
        (State.INVITING, Input.ENDED): State.CLOSED,
        (State.RINGING, Input.PROVISIONAL): State.RINGING,
        (State.RINGING, Input.ANSWERED): State.CONNECTED,
        (State.RINGING, Input.UNUSABLE): State.CLOSING,
        (State.RINGING, Input.REFUSED): State.CLOSED,
        (State.RINGING, Input.RETRY): State.INVITING,
        (State.RINGING, Input.GIVE_UP): State.CANCELLING,
        (State.RINGING, Input.ENDED): State.CLOSED,
        # A 2xx that crosses the CANCEL is acknowledged and ended by the endpoint, which reports a refusal.
        (State.CANCELLING, Input.REFUSED): State.CLOSED,
        (State.CANCELLING, Input.ENDED): State.CLOSED,
        (State.CANCELLING, Input.PROVISIONAL): State.CANCELLING,
        (State.RESERVED, Input.INVITED): State.ACCEPTING,
        (State.RESERVED, Input.GIVE_UP): State.CLOSED,
        (State.ACCEPTING, Input.PORT_OPENED): State.ACCEPTING,
        (State.ACCEPTING, Input.PORT_FAILED): State.CLOSED,
        (State.ACCEPTING, Input.UNUSABLE): State.CLOSED,
        (State.ACCEPTING, Input.CONFIRMED): State.CONNECTED,
        (State.ACCEPTING, Input.GIVE_UP): State.CLOSED,
        (State.ACCEPTING, Input.ENDED): State.CLOSED,
        (State.CONNECTED, Input.HOLD): State.HELD,
        (State.CONNECTED, Input.RESUME): State.CONNECTED,
        (State.CONNECTED, Input.GIVE_UP): State.CLOSING,
        (State.CONNECTED, Input.ENDED): State.CLOSED,
        (State.HELD, Input.HOLD): State.HELD,
        (State.HELD, Input.RESUME): State.CONNECTED,
        (State.HELD, Input.GIVE_UP): State.CLOSING,
        (State.HELD, Input.ENDED): State.CLOSED,
        (State.CLOSING, Input.ENDED): State.CLOSED,
    }
)

#: What the roster shows (RFC 4575 section 5.7.3).
ROSTER_STATUS: Final[Mapping[State, Status]] = MappingProxyType(
    {
        State.OPENING: Status.DIALING_OUT,
        State.INVITING: Status.DIALING_OUT,
        State.RINGING: Status.ALERTING,
        State.RESERVED: Status.DIALING_IN,
        State.ACCEPTING: Status.DIALING_IN,
        State.CONNECTED: Status.CONNECTED,
        State.HELD: Status.ON_HOLD,
        State.CANCELLING: Status.DISCONNECTING,
        State.CLOSING: Status.DISCONNECTED,
        State.CLOSED: Status.DISCONNECTED,
    }
)


class LegLife(Life[State, Input]):
    """Where one leg is in its table."""

    __slots__ = ()

    def __init__(self, state: State = State.OPENING) -> None:
        super().__init__(TRANSITIONS, state, of="a leg")

    def process(self, event: Input) -> State:
        """Move on; raises ``LocalError``, state unchanged, for an input that the state does not have."""
        if not self.follow(event):
            raise LocalError(f"{event.value} is not possible while {self.state.value}")
        return self.state
