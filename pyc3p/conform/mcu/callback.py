"""The callback of the Focus that the kit is: what an MCU reports there, and what it is answered."""

from __future__ import annotations

import contextlib
from typing import Final

import attrs

from c3p import C3PError, ConferenceInfo, Endpoint, Notify, Response, User, parse_document, uri_key
from pyc3p.conform.mcu.http import HttpListener, HttpMessage
from pyc3p.conform.wire import Wire
from sip import Address

_PATH: Final = "/LiveServer/Focus"


@attrs.frozen(kw_only=True, eq=False)
class Reported:
    """A document that came."""

    at: float  #: monotonic seconds
    document: Notify | Response
    data: bytes = attrs.field(repr=False)
    answered: int  #: the status that it got; 0 for none
    authorization: str = attrs.field(repr=False)  #: what it showed to prove who it is


class Callback:
    """One URL of ours."""

    def __init__(self, wire: Wire) -> None:
        self.reports: list[Reported] = []
        self.problems: list[str] = []  #: what came and cannot be read
        self.refuses: int | None = None  #: status with which what comes is refused
        self.deaf = False  #: whether nothing that comes is answered
        self.roster: ConferenceInfo | None = None  #: as the reports make it
        self._listener = HttpListener(wire, self._came)

    @property
    def local(self) -> Address:
        """Where it listens."""
        return self._listener.local

    @property
    def callers(self) -> list[Address]:
        """Who has connected."""
        return self._listener.callers

    @property
    def url(self) -> str:
        """What an MCU is told."""
        host = f"[{self.local.host}]" if ":" in self.local.host else self.local.host
        return f"http://{host}:{self.local.port}{_PATH}"

    def _came(self, message: HttpMessage) -> bytes | None:
        status = self.refuses or 200
        try:
            document = parse_document(message.body)
        except C3PError as error:
            self.problems.append(str(error))
            return _answer(400)
        if not isinstance(document, Notify | Response):
            self.problems.append(f"a {type(document).__name__} came to the callback")
            return _answer(400)
        told = Reported(
            at=message.at,
            document=document,
            data=message.body,
            answered=0 if self.deaf else status,
            authorization=message.field("Authorization"),
        )
        self.reports.append(told)
        if told.answered == 200 and isinstance(document, Notify):
            self._merge(document.conference_info)
        return None if self.deaf else _answer(status)

    def _merge(self, info: ConferenceInfo) -> None:
        with contextlib.suppress(C3PError):
            partial = self.roster is not None and info.state == "partial"
            self.roster = self.roster.apply(info) if partial and self.roster is not None else info.settled()

    @property
    def notified(self) -> list[Notify]:
        """The notifications that came."""
        return [each.document for each in self.reports if isinstance(each.document, Notify)]

    def shown(self, user: object) -> User | None:
        """A user in what was reported."""
        users = self.roster.users.users if self.roster is not None and self.roster.users is not None else ()
        return next((each for each in users if uri_key(each.entity) == uri_key(str(user))), None)

    def endpoint_of(self, user: object, *, status: str = "connected") -> Endpoint | None:
        """An endpoint of a user in a state."""
        found = self.shown(user)
        return None if found is None else next((each for each in found.endpoints if each.status == status), None)


def _answer(status: int) -> bytes:
    return f"HTTP/1.1 {status} {'OK' if status == 200 else 'No'}\r\nContent-Length: 0\r\n\r\n".encode()
