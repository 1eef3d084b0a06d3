"""A command on its way to one MCU, and the client command that it is part of."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from typing import Final, Protocol

import attrs

from c3p import MAX_EPOCH, Code, Command, Reason, Reply, Request, Response
from focus.arrivals import Arrivals
from focus.errors import LocalProtocolError
from sip import Life, SessionId


class RelayState(enum.Enum):
    """Where a relayed command stands (docs/wire-flow.rst)."""

    __hash__ = object.__hash__

    NEW = "new"
    BOOTSTRAPPING = "bootstrapping"  #: waits for its MCU
    FORWARDED = "forwarded"  #: on its way to the MCU
    PENDING = "pending"  #: the MCU works on it
    DOUBTED = "doubted"  #: no answer came, and it is not given up: see `focus.mcus.reconciliation`
    DONE = "done"


class RelayInput(enum.Enum):
    """What can happen to it."""

    __hash__ = object.__hash__

    AUTHORISED = "authorised"
    MCU_READY = "mcu ready"
    MCU_PENDING = "mcu pending"
    MCU_FINAL = "mcu final"  #: success or failure from the MCU
    MCU_FAILED = "mcu failed"  #: no MCU, or the one that had it is gone
    UNKNOWN_THERE = "unknown there"  #: the MCU does not have the conference, so nothing was done: the next one gets it
    UNANSWERED = "unanswered"  #: the MCU may have carried it out
    TIMER = "timer"
    ABANDONED = "abandoned"  #: the conference ended


RELAY: Final[Mapping[tuple[RelayState, RelayInput], RelayState]] = {
    (RelayState.NEW, RelayInput.AUTHORISED): RelayState.BOOTSTRAPPING,
    (RelayState.BOOTSTRAPPING, RelayInput.MCU_READY): RelayState.FORWARDED,
    (RelayState.BOOTSTRAPPING, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.BOOTSTRAPPING, RelayInput.UNANSWERED): RelayState.DOUBTED,
    (RelayState.BOOTSTRAPPING, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.BOOTSTRAPPING, RelayInput.TIMER): RelayState.DONE,
    (RelayState.BOOTSTRAPPING, RelayInput.ABANDONED): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.UNKNOWN_THERE): RelayState.BOOTSTRAPPING,
    (RelayState.FORWARDED, RelayInput.MCU_PENDING): RelayState.PENDING,
    (RelayState.FORWARDED, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.UNANSWERED): RelayState.DOUBTED,
    (RelayState.FORWARDED, RelayInput.TIMER): RelayState.DONE,
    (RelayState.FORWARDED, RelayInput.ABANDONED): RelayState.DONE,
    (RelayState.PENDING, RelayInput.MCU_PENDING): RelayState.PENDING,
    (RelayState.PENDING, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.PENDING, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.PENDING, RelayInput.UNANSWERED): RelayState.DOUBTED,
    (RelayState.PENDING, RelayInput.TIMER): RelayState.DONE,
    (RelayState.PENDING, RelayInput.ABANDONED): RelayState.DONE,
    (RelayState.DOUBTED, RelayInput.UNANSWERED): RelayState.DOUBTED,
    (RelayState.DOUBTED, RelayInput.MCU_PENDING): RelayState.PENDING,
    (RelayState.DOUBTED, RelayInput.MCU_FINAL): RelayState.DONE,
    (RelayState.DOUBTED, RelayInput.MCU_FAILED): RelayState.DONE,
    (RelayState.DOUBTED, RelayInput.TIMER): RelayState.DONE,
    (RelayState.DOUBTED, RelayInput.ABANDONED): RelayState.DONE,
}


def relay_life(state: RelayState = RelayState.NEW) -> Life[RelayState, RelayInput]:
    """The life of one relayed command, from its beginning."""
    return Life(RELAY, state, of="a relayed command")


@attrs.frozen
class Failure:
    """Why a relayed command failed, or an MCU could not be had."""

    general: str  #: response/@reason
    retry_after: int | None = None  #: seconds
    detail: str = ""  #: in words, for people
    unheard: bool = False  #: no MCU ever had the command, so nobody was called

    @classmethod
    def of(cls, reply: Reply) -> Failure:
        """What an HTTP answer that is no success says about itself."""
        if reply.document is not None and reply.document.code is Code.FAILURE:
            return cls(reply.document.reason or Reason.OTHER_FAILURE, reply.document.retry_after)
        if reply.status == 503:
            return cls(Reason.SERVER_BUSY, reply.retry_after)
        return cls(Reason.OTHER_FAILURE)

    def unserved(self, *, retry_after: int | None) -> Failure:
        """The same for a command that never left: no MCU could be had."""
        return Failure(self.general, retry_after, "No conferencing server is available at the moment", unheard=True)


def final_response(reply: Reply) -> Response | None:
    """The C3P response of an HTTP answer, None for a status that has none."""
    return reply.document if reply.status == 200 else None


def outranking(reply: Reply) -> int | None:
    """The epoch of the claim that an MCU obeys in place of ours; None when that is not why it refuses."""
    epoch = reply.document.epoch if reply.status == 403 and reply.document is not None else None
    return epoch if epoch is None or epoch < MAX_EPOCH else None  # nothing can be claimed above that


@attrs.define(eq=False)
class ClientCommand:
    """One command of a client, carried out by one or several MCUs; it ends exactly once."""

    number: int
    requester: str  #: SIP URI
    session: SessionId | None  #: the dialog that gets the result; None once it is gone
    request: Request
    correlation: str  #: name of all that it sets in motion, in logs, in C3P and in the Call-ID of calls
    received_at: float  #: monotonic seconds
    waiting_for: set[str] = attrs.Factory(set)  #: MCU types that have not finished
    everywhere: bool = False  #: aimed at all MCUs: succeeds when the Focus accepted it (docs/commands.rst)
    agreed: bool = False  #: ... but only when they have agreed
    deadline: float | None = None  #: when it is answered even if MCUs are still silent
    done: bool = False


@attrs.define(eq=False)
class Relay:
    """A command for one MCU, under a requestId of the Focus. `RELAY` is its life."""

    request_id: str
    mcu_type: str
    command: Command
    parent: ClientCommand | None = None  #: None: the Focus's own wish, nobody is told of the result
    originator: str | None = None
    originator_role: str | None = None
    correlation: str | None = None
    life: Life[RelayState, RelayInput] = attrs.Factory(relay_life)
    deadline: float | None = None  #: monotonic seconds, when the MCU's final answer is given up
    pendings: int = 0  #: how often the MCU said that it works on it
    awaited: bool = False  #: a procedure waits for what becomes of it (`Context.ended_relays`)
    unwanted: Callable[[float], None] | None = None  #: what is done when it succeeds, and nobody wants that any more
    returned: int = 0  #: how often an MCU did not know the conference

    @property
    def state(self) -> RelayState:
        """Where it stands."""
        return self.life.state

    def process(self, event: RelayInput) -> None:
        """Go on as the table says. Raises LocalProtocolError outside of it, with the state as before."""
        if not self.life.follow(event):
            raise LocalProtocolError(f"{event.value} while {self.state.value}")


def success_of(relay: Relay, *, from_: str, to: str) -> Response:
    """What an MCU would have answered that has carried a command out."""
    return Response(request_id=relay.request_id, from_=from_, to=to, code=Code.SUCCESS, command=relay.command.echo())


class RelayOwner(Protocol):
    """Whoever has commands relayed. A relay ends when its owner has it end."""

    def relay_pending(self, relay: Relay, response: Response | None, *, now: float) -> None:
        """The MCU works on a command."""

    def relay_answered(self, relay: Relay, response: Response, *, now: float) -> None:
        """The MCU's final answer to a command."""

    def relay_failed(self, relay: Relay, failure: Failure, *, now: float) -> None:
        """A command got no answer."""


class CommandOwner(RelayOwner, Protocol):
    """Whoever has commands under way."""

    arrivals: Arrivals  #: who is on the way in by phone

    def role_dialled(self, user: str) -> str:
        """Role of a user (key) whom an MCU brings in."""

    def relay_doubted(self, relay: Relay, *, now: float) -> None:
        """A command got no answer, and is not given up."""

    def submit(self, relay: Relay, *, now: float) -> None:
        """Send a command of the Focus's own."""
