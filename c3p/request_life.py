"""Life of one request, as its sender sees it (MS-CONFBAS).

The document decides, not the transaction that carried it: a final response may come in the answer, in a later INFO, or
before the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

import attrs

from c3p.commands import DeleteConference, DeleteUser, ModifyConferenceLock, ModifyUserRoles
from c3p.envelope import Request, Response
from c3p.life import Life
from c3p.vocabulary import Code

#: Seconds that a request waits, and again after each ``pending``: the time of the Microsoft client API.
REQUEST_TIMEOUT: Final = 180.0
#: Seconds that a responder may ask for with ``timeOut``; more would keep a dead request for too long.
LONGEST_WAIT: Final = 600.0


class RequestState(Enum):
    """Where a request is."""

    __hash__ = object.__hash__

    IDLE = "idle"
    WAITING = "waiting"
    PENDING = "pending"
    DONE = "done"
    TIMED_OUT = "timed out"
    FAILED = "failed"


class RequestInput(Enum):
    """What happens to a request."""

    __hash__ = object.__hash__

    SEND = "send"
    RECV_ACCEPTED = "recv accepted"  #: 202, or an answer without a document
    RECV_PENDING = "recv pending"
    RECV_FINAL = "recv final"
    RECV_ERROR = "recv error"  #: error status of the carrying transaction
    TIMER = "timer"
    DIALOG_ENDED = "dialog ended"
    SHOWN = "shown"  #: no response, but the roster shows that it was carried out
    UNKNOWN = "unknown"  #: no response, and nothing shows it
    CONFERENCE_ENDED = "conference ended"  #: the dialog ended, and that is what was asked for


REQUEST_LIFE: Final[Mapping[tuple[RequestState, RequestInput], RequestState]] = MappingProxyType(
    {
        (RequestState.IDLE, RequestInput.SEND): RequestState.WAITING,
        (RequestState.WAITING, RequestInput.RECV_ACCEPTED): RequestState.PENDING,
        (RequestState.WAITING, RequestInput.RECV_PENDING): RequestState.PENDING,
        (RequestState.WAITING, RequestInput.RECV_FINAL): RequestState.DONE,
        (RequestState.WAITING, RequestInput.RECV_ERROR): RequestState.FAILED,
        (RequestState.WAITING, RequestInput.TIMER): RequestState.TIMED_OUT,
        (RequestState.WAITING, RequestInput.DIALOG_ENDED): RequestState.FAILED,
        (RequestState.WAITING, RequestInput.CONFERENCE_ENDED): RequestState.DONE,
        (RequestState.WAITING, RequestInput.SHOWN): RequestState.DONE,
        (RequestState.WAITING, RequestInput.UNKNOWN): RequestState.FAILED,
        (RequestState.PENDING, RequestInput.RECV_ACCEPTED): RequestState.PENDING,
        (RequestState.PENDING, RequestInput.RECV_PENDING): RequestState.PENDING,
        (RequestState.PENDING, RequestInput.RECV_FINAL): RequestState.DONE,
        # An error status after a document said pending: the document decides, so it is not in the table.
        (RequestState.PENDING, RequestInput.TIMER): RequestState.TIMED_OUT,
        (RequestState.PENDING, RequestInput.DIALOG_ENDED): RequestState.FAILED,
        (RequestState.PENDING, RequestInput.CONFERENCE_ENDED): RequestState.DONE,
        (RequestState.PENDING, RequestInput.SHOWN): RequestState.DONE,
        (RequestState.PENDING, RequestInput.UNKNOWN): RequestState.FAILED,
    }
)

#: Commands that the Focus carries out itself before it tells the MCUs.
_OF_THE_FOCUS: Final = (DeleteUser, ModifyConferenceLock, ModifyUserRoles)


class Outcome(Enum):
    """How a request ended."""

    SUCCEEDED = auto()
    FAILED = auto()  #: a response said failure
    REFUSED = auto()  #: an error status instead of a response
    TIMED_OUT = auto()
    DIALOG_ENDED = auto()
    UNKNOWN = auto()  #: its response got lost


@attrs.frozen(kw_only=True)
class RequestPended:
    """The responder has taken the request and works on it; the timer runs anew."""

    request: Request
    response: Response | None  #: None after a 202 without a document


@attrs.frozen(kw_only=True)
class RequestEnded:
    """The one terminal event of a request."""

    request: Request
    outcome: Outcome
    response: Response | None = None
    status: int | None = None  #: error status of the transaction, when refused
    diagnostics: str | None = None  #: value of ``ms-diagnostics``, when refused


RequestEvent = RequestPended | RequestEnded


class RequestLife:
    """One request from sending to its end."""

    def __init__(self, request: Request, *, timeout: float = REQUEST_TIMEOUT) -> None:
        self.request = request
        self._timeout = timeout
        self._life = Life(REQUEST_LIFE, RequestState.IDLE, of=f"request {request.request_id}")
        self._deadline: float | None = None

    @property
    def state(self) -> RequestState:
        """Where the request is."""
        return self._life.state

    @property
    def ended(self) -> bool:
        """Whether the terminal event was given."""
        return self.state in (RequestState.DONE, RequestState.TIMED_OUT, RequestState.FAILED)

    def send(self, *, now: float) -> None:
        """The request leaves. Raises LocalProtocolError when it has left before."""
        self._life.command(RequestInput.SEND)
        self._deadline = now + self._timeout

    def receive_response(self, response: Response, *, now: float) -> list[RequestEvent]:
        """A response, wherever it came from; one for another request, or too late, is dropped."""
        if response.request_id != self.request.request_id:
            return []
        if response.code is Code.PENDING:
            return self._pend(RequestInput.RECV_PENDING, response, now)
        outcome = Outcome.SUCCEEDED if response.code is Code.SUCCESS else Outcome.FAILED
        return self._end(RequestInput.RECV_FINAL, outcome, response=response)

    def receive_accepted(self, *, now: float) -> list[RequestEvent]:
        """The carrying transaction was answered 202, or 200 without a document: the result comes later."""
        return self._pend(RequestInput.RECV_ACCEPTED, None, now)

    def receive_error(
        self, status: int, *, response: Response | None = None, diagnostics: str | None = None
    ) -> list[RequestEvent]:
        """The carrying transaction ended with an error status; dropped when a document has decided before."""
        return self._end(
            RequestInput.RECV_ERROR, Outcome.REFUSED, response=response, status=status, diagnostics=diagnostics
        )

    def dialog_ended(self) -> list[RequestEvent]:
        """The dialog is gone. A request to end the conference has had its success then.

        So has one that is aimed at all MCUs: it succeeded when the Focus accepted it (docs/commands.rst).
        """
        command = self.request.command
        accepted = self.state is RequestState.PENDING and command.mcu_uri is None
        if isinstance(command, DeleteConference) or (accepted and isinstance(command, _OF_THE_FOCUS)):
            return self._end(RequestInput.CONFERENCE_ENDED, Outcome.SUCCEEDED)
        return self._end(RequestInput.DIALOG_ENDED, Outcome.DIALOG_ENDED)

    def settle(self, *, shown: bool) -> list[RequestEvent]:
        """Its response got lost; ``shown``: the state of the conference shows that it was carried out."""
        if shown:
            return self._end(RequestInput.SHOWN, Outcome.SUCCEEDED)
        return self._end(RequestInput.UNKNOWN, Outcome.UNKNOWN)

    def next_timeout(self) -> float | None:
        """When :meth:`handle_timeout` is due, monotonic seconds."""
        return self._deadline

    def handle_timeout(self, *, now: float) -> list[RequestEvent]:
        """The request times out when its time has come."""
        if self._deadline is None or now < self._deadline:
            return []
        return self._end(RequestInput.TIMER, Outcome.TIMED_OUT)

    def _pend(self, input_: RequestInput, response: Response | None, now: float) -> list[RequestEvent]:
        if not self._life.follow(input_):
            return []
        asked = response.time_out if response else None
        self._deadline = now + (min(asked, LONGEST_WAIT) if asked else self._timeout)
        return [RequestPended(request=self.request, response=response)]

    def _end(
        self,
        input_: RequestInput,
        outcome: Outcome,
        *,
        response: Response | None = None,
        status: int | None = None,
        diagnostics: str | None = None,
    ) -> list[RequestEvent]:
        if not self._life.follow(input_):
            return []
        self._deadline = None
        return [
            RequestEnded(
                request=self.request, outcome=outcome, response=response, status=status, diagnostics=diagnostics
            )
        ]
