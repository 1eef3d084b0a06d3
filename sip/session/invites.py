"""The INVITE that makes a session, as the other parts of the session see it: on the side that sent it, on the other."""

from __future__ import annotations

from typing import Protocol

from sip.core.dialog import Begun
from sip.ids import RequestId
from sip.message.lines import Lines
from sip.message.request import Request
from sip.message.response import Response
from sip.syntax.uri import Uri
from sip.transactions.server import ServerTransaction


class CallerInvite(Protocol):
    """An INVITE of ours (`sip.session.caller`)."""

    ours: Begun
    remote_value: str  #: To

    @property
    def owes_answer(self) -> bool:
        """Whether the offer in a provisional answer waits for our PRACK."""
        ...

    def cancel(self, headers: Lines, now: float) -> None:
        """Give up; the end is reported when it comes."""
        ...

    def redirect(self, target: Uri, now: float) -> None:
        """Send it to another target."""
        ...

    def give_up(self, now: float) -> None:
        """Report the redirection as the failure that it is when nobody follows it."""
        ...

    def prack(
        self, response: Response | None, headers: Lines, body: bytes, content_type: str | None, now: float
    ) -> RequestId:
        """Acknowledge a reliable provisional answer on behalf of the core."""
        ...

    def release(self) -> None:
        """Keep only what acknowledges a late 2xx."""
        ...


class CalleeInvite(Protocol):
    """An INVITE that waits for our final answer (`sip.session.callee`)."""

    transaction: ServerTransaction
    described: bool  #: whether a reliable provisional carried our session description
    offering: bool  #: whether that is an offer without answer

    def go_on(self, now: float) -> None:
        """Send the 2xx that waited, if nothing keeps it back any more."""
        ...

    def on_prack(self, prack: ServerTransaction, now: float) -> None:
        """Take a PRACK."""
        ...

    def on_bye(self, request: Request, now: float) -> None:
        """The caller ended an early dialog with BYE."""
        ...

    def on_lost(self, now: float) -> None:
        """The caller does not know the early dialog any more."""
        ...
