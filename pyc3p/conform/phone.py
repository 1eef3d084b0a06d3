"""A phone of ours at a UDP port, for elements that call: it does with each call what it was told before."""

from __future__ import annotations

import contextlib
import enum
import time
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from pyc3p.conform.peer import T1, T2, UNREADABLE, answers
from pyc3p.conform.surroundings import Surroundings
from pyc3p.conform.target import Target
from pyc3p.conform.wire import Arrival, Datagrams
from sip import Address, NameAddr, Request, Response, SipError, Uri

_ABILITIES: Final = (("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"), ("Supported", ""))
_SDP: Final = "application/sdp"
#: Seconds to register, of each try.
_REGISTERS: Final = 2.0
#: Seconds for which a phone is registered, should its removal fail.
REGISTERED_FOR: Final = 300


class Manner(enum.Enum):
    """What a phone does with a call."""

    TAKES = "takes it"
    RINGS = "rings, and takes it only when it is told to"
    REFUSES = "refuses it"
    SILENT = "does not answer anything"
    TAKES_LATE = "takes it when it is cancelled"


@attrs.define(eq=False)
class Ringing:
    """One call that came."""

    arrival: Arrival
    invite: Request
    tag: str
    answered: Response | None = None  #: the last response
    acknowledged: Request | None = None  #: the ACK
    cancelled: bool = False
    ended: bool = False  #: BYE came
    over: bool = False  #: nothing of it goes on
    cseq: int = 0  #: of our requests in it

    @property
    def taken(self) -> bool:
        """Whether it was taken."""
        return self.answered is not None and 200 <= self.answered.status < 300


class Phone:
    """A user agent that is called."""

    def __init__(
        self, bench: Surroundings, name: str, *, manner: Manner = Manner.TAKES, status: int = 486, sdp: bytes = b""
    ) -> None:
        """``status`` is what a call is refused with; ``sdp`` goes into a 200 in place of a right answer."""
        self.name, self.manner, self.status, self.sdp = name, manner, status, sdp
        self.calls: list[Ringing] = []
        self.address: Uri  #: to be called at
        self.registered: Uri | None = None  #: the address of record that it registered
        self._bench = bench
        self._line = Datagrams(bench.wire, self._arrived)
        self._responses: list[Response] = []
        self._cseq = 0
        self.address = self.contact

    @property
    def local(self) -> Address:
        """Its port."""
        return self._line.local

    @property
    def contact(self) -> Uri:
        """Its Contact."""
        return Uri("sip", self.local.host, f"conform-{self.name}", port=self.local.port)

    def _via(self) -> str:
        host = f"[{self.local.host}]" if ":" in self.local.host else self.local.host
        return f"SIP/2.0/UDP {host}:{self.local.port};rport;branch=z9hG4bK{self._bench.token()}"

    # Being called

    def _arrived(self, arrival: Arrival) -> None:
        message = arrival.message
        if isinstance(message, Response):
            self._responses.append(message)
        elif message is not None and self.manner is not Manner.SILENT:
            with contextlib.suppress(*UNREADABLE):
                self._request(message, arrival)

    def _request(self, request: Request, arrival: Arrival) -> None:
        call = next((each for each in self.calls if each.invite.call_id == request.call_id), None)
        match request.method:
            case "INVITE" if call is None:
                self._rings(Ringing(arrival, request, self._bench.token()))
            case "INVITE" if call is not None and request.cseq.number == call.invite.cseq.number:
                if call.answered is not None:
                    self._line.send(bytes(call.answered), arrival.source)
            case "INVITE" if call is not None:
                self._respond(call, arrival, request, 200, body=self.description)
            case "ACK":
                if call is not None and call.acknowledged is None:
                    call.acknowledged = request
                    call.over = call.over or not call.taken
            case "CANCEL":
                self._cancelled(call, request, arrival)
            case "BYE":
                if call is not None:
                    call.ended = call.over = True
                self._respond(call, arrival, request, 481 if call is None else 200)
            case _:
                self._respond(call, arrival, request, 200)

    def _rings(self, call: Ringing) -> None:
        self.calls.append(call)
        if self.manner is Manner.REFUSES:
            self.answer(call, self.status)
            return
        self.answer(call, 180)
        if self.manner is Manner.TAKES:
            self.take(call)

    def _cancelled(self, call: Ringing | None, cancel: Request, arrival: Arrival) -> None:
        self._respond(call, arrival, cancel, 481 if call is None else 200)
        if call is None or call.taken:
            return
        call.cancelled = True
        if self.manner is Manner.TAKES_LATE:
            self.take(call)
        else:
            self.answer(call, 487)

    def _respond(
        self, call: Ringing | None, arrival: Arrival, request: Request, status: int, *, body: bytes = b""
    ) -> Response:
        tag = call.tag if call is not None else self._bench.token()
        lines: list[tuple[str, object]] = []
        if request.method in ("INVITE", "UPDATE") and 100 < status < 300:
            lines = [("Contact", f"<{self.contact}>"), *_ABILITIES]
            lines += [("Record-Route", value) for value in request.headers.get_all("Record-Route")]
        content_type = _SDP if body else None
        response = request.response(status, to_tag=tag, headers=lines, body=body, content_type=content_type)
        self._line.send(bytes(response), arrival.source)
        return response

    # What a case tells it

    @property
    def description(self) -> bytes:
        """The session description of its answers."""
        return self.sdp or self._bench.offer(self.local.host)

    def answer(self, call: Ringing, status: int) -> None:
        """Answer a call."""
        body = self.description if 200 <= status < 300 else b""
        call.answered = self._respond(call, call.arrival, call.invite, status, body=body)

    def take(self, call: Ringing) -> None:
        """Answer it with 200 and a session description."""
        self.answer(call, 200)

    def hang_up(self, call: Ringing) -> Response | None:
        """BYE, and what is answered; None for nothing in time."""
        call.cseq += 1
        contacts = call.invite.contact
        contact = contacts[0].uri if contacts and isinstance(contacts[0], NameAddr) else call.invite.from_.uri
        assert call.answered is not None
        lines: list[tuple[str, object]] = [
            ("Via", self._via()),
            ("Max-Forwards", "70"),
            ("From", call.answered.to),
            ("To", call.invite.from_),
            ("Call-ID", call.invite.call_id),
            ("CSeq", f"{call.cseq} BYE"),
            *[("Route", route) for route in call.invite.record_route],
        ]
        call.over = True
        return self._ask(Request.build("BYE", contact, lines), call.arrival.source)

    def until(self, wanted: Callable[[], object], *, within: float | None = None) -> bool:
        """Let messages come until something is so; whether it is so in time."""
        end = time.monotonic() + (self._bench.patience if within is None else within)
        while not wanted():
            if time.monotonic() >= end:
                return False
            self._bench.wait(end)
        return True

    def rung(self, *, within: float | None = None) -> Ringing | None:
        """The first call, which has come or comes in time."""
        self.until(lambda: self.calls, within=within)
        return self.calls[0] if self.calls else None

    # Registering

    def register(self, target: Target, aor: Uri, *, expires: int = REGISTERED_FOR) -> bool:
        """Register an address of record over UDP; whether that was taken. It is called there from then on."""
        request = self._registration(target, aor, expires)
        response = self._ask(request, target.remote, within=_REGISTERS)
        if response is not None and (lines := self._bench.credentials_for(response, request)):
            again = self._registration(target, aor, expires, lines, request)
            response = self._ask(again, target.remote, within=_REGISTERS)
        taken = response is not None and response.status == 200
        if taken and expires:
            self.address = self.registered = aor
        return taken

    def _registration(
        self,
        target: Target,
        aor: Uri,
        expires: int,
        credentials: Iterable[tuple[str, str]] = (),
        before: Request | None = None,
    ) -> Request:
        self._cseq += 1
        lines: list[tuple[str, object]] = [
            ("Via", self._via()),
            ("Max-Forwards", "70"),
            ("From", f"<{aor}>;tag={self._bench.token()}"),
            ("To", f"<{aor}>"),
            ("Call-ID", before.call_id if before is not None else f"{self._bench.token()}@{self.local.host}"),
            ("CSeq", f"{self._cseq} REGISTER"),
            ("Contact", f"<{self.contact}>"),
            ("Expires", str(expires)),
            *credentials,
        ]
        return Request.build("REGISTER", target.registrar, lines)

    def _ask(self, request: Request, to: Address, *, within: float | None = None) -> Response | None:
        end = time.monotonic() + (self._bench.patience if within is None else within)
        again, interval = time.monotonic() + T1, T1
        self._line.send(bytes(request), to)
        while (now := time.monotonic()) < end:
            found = next((each for each in self._responses if answers(each, request, final=True)), None)
            if found is not None:
                return found
            if now >= again:
                self._line.send(bytes(request), to)
                interval = min(2 * interval, T2)
                again += interval
            self._bench.wait(min(again, end))
        return None

    # The end

    def tidy(self, target: Target | None) -> None:
        """Calls end, and its registration goes."""
        for call in self.calls:
            if call.over:
                continue
            with contextlib.suppress(SipError, OSError):
                if call.taken:
                    self.hang_up(call)
                elif call.answered is not None and call.answered.status < 200:
                    self.answer(call, 480)
        if self.registered is not None and target is not None:
            with contextlib.suppress(SipError, OSError):
                self.register(target, self.registered, expires=0)
