"""What the tester asked and what came back; what the element asked; and the calls between the two."""

from __future__ import annotations

import attrs

from sip.flow import Address
from sip.message.request import Request
from sip.message.response import Response


@attrs.define(eq=False)
class Asked:
    """A request of the tester, and everything that came back for it."""

    request: Request
    at: float  #: when it was first sent
    source: Address  #: where it was sent from
    back: Address  #: where its answers have to go (RFC 3261 section 18.2.2, RFC 3581)
    call: Call | None = None
    case: str = ""  #: in which it was sent
    copies: int = 1  #: how often it was sent
    acks: bool = True  #: whether a final answer to INVITE is acknowledged
    acked_at: float | None = None  #: when the first ACK was sent
    cancelled_at: float | None = None
    responses: list[tuple[float, Response]] = attrs.Factory(list)

    @property
    def finals(self) -> list[tuple[float, Response]]:
        """The final answers, each copy."""
        return [each for each in self.responses if each[1].status >= 200]

    @property
    def final(self) -> Response | None:
        """The first final answer."""
        return self.finals[0][1] if self.finals else None

    @property
    def settled(self) -> bool:
        """Whether a final answer to INVITE need not be repeated: for its ACK, or because the call is over."""
        call = self.call
        return self.acked_at is not None or (call is not None and (call.bye_at or call.ended_at) is not None)

    @property
    def rings(self) -> bool:
        """Whether there is a provisional answer and no final one: the one state in which a CANCEL is right."""
        return bool(self.responses) and self.final is None

    @property
    def refused(self) -> bool:
        """Whether it ended in something else than a 2xx."""
        return self.final is not None and self.final.status >= 300


@attrs.define(eq=False)
class Came:
    """A request of the element, and what the tester answered."""

    request: Request
    at: list[float]  #: when it was sent, each copy
    case: str = ""  #: in which it came
    responses: list[tuple[float, Response]] = attrs.Factory(list)  #: with the time of arrival at the element
    acks: list[Request] = attrs.Factory(list)
    owed_acks: int = 0  #: how many final answers are to be acknowledged
    cancelled: bool = False
    hung_up: bool = False  #: whether the element has been told to end it
    call: Call | None = None  #: the dialog of an INVITE outside of dialogs
    forked: bool = False  #: whether another branch has taken it as well
    twin: bool = False  #: whether this is that branch

    @property
    def final(self) -> Response | None:
        """The final answer."""
        return next((each for _, each in self.responses if each.status >= 200), None)


@attrs.define(eq=False)
class Call:
    """A dialog as the tester has it (RFC 3261 section 12)."""

    call_id: str
    local: str  #: our From, with its tag
    remote: str  #: theirs; with its tag once there is a dialog
    target: str  #: where requests of the tester go
    route: tuple[str, ...] = ()  #: what they carry as Route
    their_route: tuple[str, ...] = ()  #: what requests of the element have to carry as Route
    local_seq: int = 0
    remote_seq: int | None = None
    up: bool = False  #: whether a 2xx has made it a session
    bye_at: float | None = None  #: when the tester sent BYE
    ended_at: float | None = None  #: when both sides know that it is over
    unacknowledged_since: float | None = None  #: when a 2xx came of which the tester keeps the ACK back

    @property
    def open(self) -> bool:
        """Whether there is a session, and nobody has begun to end it."""
        return self.up and self.ended_at is None and self.bye_at is None
