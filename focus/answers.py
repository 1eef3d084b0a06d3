"""C3P in SIP answers: diagnostics, and what is kept for a repeated requestId (MS-CONFBAS)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

import attrs

from c3p import CCCP_TYPE, Code, Request, Response
from focus.durable.unsaved import Unsaved
from focus.refusal import Refusal
from sip import MsDiagnostics

ACCEPTED: Final = 202  #: taken for processing, the result follows in INFO
#: In ms-diagnostics for what no ErrorId names: its text goes out all the same, such as one that a policy has written.
_NO_ERROR_ID: Final = 0


@attrs.frozen
class Answer:
    """What a SIP request is answered with."""

    status: int
    body: bytes = attrs.field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    phrase: str | None = None  #: reason phrase, None: that of the status

    @property
    def content_type(self) -> str | None:
        """Type of the body, None without one."""
        return CCCP_TYPE if self.body else None


def refuse(refusal: Refusal, document: Request | None, *, server: str) -> Answer:
    """The answer to a request that is not carried out: ms-diagnostics, and a C3P failure when there was a command."""
    number = _NO_ERROR_ID if refusal.error_id is None else int(refusal.error_id)
    diagnostics = MsDiagnostics(error_id=number, source=server, reason=refusal.text)
    headers = [("ms-diagnostics", str(diagnostics))]
    if refusal.for_people:
        agent = f"[{server}]" if ":" in server else server
        headers.append(("Warning", f'399 {agent} "{refusal.text}"'))
    if refusal.retry_after is not None:
        headers.append(("Retry-After", str(refusal.retry_after)))
    if refusal.status == 415:
        headers.append(("Accept", CCCP_TYPE))
    if refusal.status == 421:
        headers.append(("Require", "timer"))
    body = b"" if document is None else bytes(failure(document, refusal))
    return Answer(refusal.status, body, (*headers, *refusal.headers), refusal.phrase)


def failure(document: Request, refusal: Refusal) -> Response:
    """The C3P form of a refusal."""
    return document.respond(
        Code.FAILURE,
        reason=refusal.general,
        command_reason=refusal.specific,
        retry_after=refusal.retry_after,
    )


class Remembered:
    """The last answers to one participant, by requestId: a repeated command is not carried out again."""

    def __init__(self, limit: int, name: str = "", unsaved: Unsaved | None = None) -> None:
        """``name`` is that of the participant where what changes is noted in ``unsaved``, to be written."""
        self._limit = limit
        self._name = name
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._untold: dict[str, None] = {}
        self.unsaved = unsaved

    def __iter__(self) -> Iterator[str]:
        """The requestIds, the one that is forgotten next first."""
        return iter(tuple(self._answers))

    def get(self, request_id: str) -> Answer | None:
        """The answer to give again, None for a new requestId."""
        return self._answers.get(request_id)

    def put(self, request_id: str, answer: Answer, *, told: bool = True) -> None:
        """Keep an answer; the final result takes the place of the 202 before it, and at first is not ``told``."""
        self._answers[request_id] = answer
        if not told:
            self._untold[request_id] = None
        self._answers.move_to_end(request_id)
        self._note(request_id)
        while len(self._answers) > self._limit:
            forgotten, _ = self._answers.popitem(last=False)
            self._untold.pop(forgotten, None)
            self._note(forgotten)

    @property
    def untold(self) -> tuple[str, ...]:
        """The requestIds of results that the client may not have."""
        return tuple(self._untold)

    def told(self, request_id: str) -> None:
        """The client has a result, or cannot be told of it."""
        if request_id in self._untold:
            del self._untold[request_id]
            self._note(request_id)

    def _note(self, request_id: str) -> None:
        if self.unsaved is not None:
            self.unsaved["answer", self._name, request_id] = None
