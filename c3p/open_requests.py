"""All requests of one sender that have not ended; answers may come in any order (MS-CONFBAS)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from c3p.envelope import Request, Response
from c3p.errors import LocalProtocolError
from c3p.request_life import REQUEST_TIMEOUT, RequestEvent, RequestLife

#: Requests that one sender may have outstanding; a client has a handful, and each holds a document.
MOST_REQUESTS: Final = 256


class OpenRequests:
    """Finds the life that a response belongs to, and forgets lives that have ended."""

    def __init__(self, *, limit: int = MOST_REQUESTS, timeout: float = REQUEST_TIMEOUT) -> None:
        self._limit = limit
        self._timeout = timeout
        self._lives: dict[str, RequestLife] = {}
        self.first: float | None = None  #: when the first times out; plain, since it is asked for after every step

    def __len__(self) -> int:
        return len(self._lives)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._lives

    def send(self, request: Request, *, now: float) -> None:
        """A request leaves. Raises LocalProtocolError when its id is in use or too many are outstanding."""
        if request.request_id in self._lives:
            raise LocalProtocolError(f"request {request.request_id} is outstanding")
        if len(self._lives) >= self._limit:
            raise LocalProtocolError(f"{self._limit} requests are outstanding")
        life = RequestLife(request, timeout=self._timeout)
        life.send(now=now)
        self._lives[request.request_id] = life
        self._find_first()

    def receive_response(self, response: Response, *, now: float) -> list[RequestEvent]:
        """A response; one that belongs to nothing is dropped."""
        life = self._lives.get(response.request_id)
        return self._settle(life, life.receive_response(response, now=now)) if life else []

    def receive_accepted(self, request_id: str, *, now: float) -> list[RequestEvent]:
        """The transaction of a request was answered without a document."""
        life = self._lives.get(request_id)
        return self._settle(life, life.receive_accepted(now=now)) if life else []

    def receive_error(
        self, request_id: str, status: int, *, response: Response | None = None, diagnostics: str | None = None
    ) -> list[RequestEvent]:
        """The transaction of a request ended with an error status."""
        life = self._lives.get(request_id)
        events = life.receive_error(status, response=response, diagnostics=diagnostics) if life else []
        return self._settle(life, events) if life else []

    def request(self, request_id: str) -> Request | None:
        """A request that has not ended."""
        life = self._lives.get(request_id)
        return life.request if life is not None else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._lives)

    def settle(self, request_id: str, *, shown: bool) -> list[RequestEvent]:
        """The response to a request got lost; ``shown``: the state of the conference shows its success."""
        life = self._lives.get(request_id)
        return self._settle(life, life.settle(shown=shown)) if life else []

    def dialog_ended(self) -> list[RequestEvent]:
        """The dialog is gone, and all its requests with it."""
        events = [event for life in self._lives.values() for event in life.dialog_ended()]
        self._lives.clear()
        self.first = None
        return events

    def next_timeout(self) -> float | None:
        """When :meth:`handle_timeout` is due, monotonic seconds."""
        return self.first

    def handle_timeout(self, *, now: float) -> list[RequestEvent]:
        """Requests whose time has come."""
        events = []
        for life in list(self._lives.values()):
            events += self._settle(life, life.handle_timeout(now=now))
        return events

    def _find_first(self) -> None:
        self.first = min((at for life in self._lives.values() if (at := life.next_timeout()) is not None), default=None)

    def _settle(self, life: RequestLife, events: list[RequestEvent]) -> list[RequestEvent]:
        if life.ended:
            self._lives.pop(life.request.request_id, None)
        self._find_first()
        return events
