"""An element of the tester: it says exactly what a case wants, and looks at what comes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from pyc3p.conform.case import Silent, skip
from pyc3p.conform.surroundings import Surroundings
from pyc3p.conform.wire import Arrival, Datagrams, Line, Listener, Stream
from sip import Address, Request, Response, SipError, Uri

#: RFC 3261 section 17.1.1.1: the estimate of a round trip, and the longest interval of repeated requests.
T1: Final = 0.5
T2: Final = 4.0
SDP: Final = "application/sdp"
#: What is raised by asking for what a message does not have, or has in a form that nobody can read.
UNREADABLE: Final = (SipError, IndexError)
#: What elements of ours do, in each response that makes a dialog.
_ABILITIES: Final = (("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, MESSAGE, NOTIFY"), ("Supported", ""))
#: Challenges of one request that are answered: a proxy and a registrar may each ask once.
_MOST_CHALLENGES: Final = 2


@attrs.frozen(kw_only=True, eq=False)
class Exchange:
    """A request, as it was sent last, and what was answered to it."""

    request: Request
    provisional: tuple[Response, ...] = ()
    final: Response
    sent_at: float  #: monotonic seconds, of the first time
    first_at: float  #: when the first response came

    @property
    def status(self) -> int:
        """Of the final response."""
        return self.final.status

    @property
    def told(self) -> str:
        """The final response in a word or two."""
        return told(self.final)


def told(message: Request | Response | None) -> str:
    """A message in a few words."""
    if message is None:
        return "nothing"
    if isinstance(message, Request):
        return f"{message.method} {message.uri}"
    return f"{message.status} {message.reason}".rstrip()


class Peer:
    """One user agent of ours, with a port of its own."""

    def __init__(self, bench: Surroundings, name: str, user: str) -> None:
        """Open its port; raises NotApplicable when the target takes no connection."""
        self.name, self.user = name, user
        self.aor = bench.target.aor(user)
        self.inbox: list[Arrival] = []  #: what came and was not taken yet
        self.acks = True  #: whether final responses to INVITE other than 2xx are acknowledged at once
        self.on_request: Callable[[Arrival], None] | None = None  #: is given each request that comes, before a case is
        self._bench = bench
        self._addresses: dict[Address, None] = {}
        self._line = self._open()
        udp = bench.target.transport == "UDP"
        self._listener = None if udp or bench.target.transport == "TLS" else Listener(bench.wire, self._arrived)
        if self._listener is not None:
            self._addresses[self._listener.local] = None
        self._sent: dict[tuple[str, str], Request] = {}  #: by branch and method of CSeq
        self._answered: set[int] = set()
        self._acknowledged: dict[tuple[str, int, str | None], bytes] = {}  #: by Call-ID, CSeq and tag of the callee
        self._responses: dict[str, list[Response]] = {}  #: to each INVITE, by its branch
        self._ended: set[str] = set()  #: calls that the other side has hung up
        self._cseq = 0

    # Where it is

    def _open(self) -> Line:
        bench = self._bench
        line: Line
        if bench.target.transport == "UDP":
            line = Datagrams(bench.wire, self._arrived)
        else:
            try:
                line = Stream.connect(bench.wire, bench.target.transport, bench.target.remote, self._arrived, bench.tls)
            except OSError as error:
                raise Silent(f"no connection: {error.strerror or error}") from error
        self._addresses[line.local] = None
        return line

    @property
    def line(self) -> Line:
        """Its port, or the connection to the target, which is opened anew after it was closed."""
        if self._line.closed:
            self._line = self._open()
        return self._line

    @property
    def address(self) -> Address:
        """Where it is reached."""
        return (self._listener or self.line).local

    def addresses(self) -> tuple[Address, ...]:
        """All addresses that are its own, of connections that are over too."""
        return tuple(self._addresses)

    @property
    def contact_uri(self) -> Uri:
        """Its Contact."""
        transport = self._bench.target.transport.lower()
        params = {} if transport == "udp" else {"transport": transport}
        return Uri("sip", self.address.host, self.user, port=self.address.port, params=params)

    def via(self, branch: str) -> str:
        """A Via of ours."""
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        return f"SIP/2.0/{self._bench.target.transport} {host}:{self.address.port};rport;branch={branch}"

    def branch(self) -> str:
        """A branch that nobody has used."""
        return f"z9hG4bK{self._bench.token()}"

    # What it sends

    def request(
        self,
        method: str,
        uri: Uri | str | None = None,
        *,
        to: Uri | str | None = None,
        from_uri: Uri | str | None = None,
        to_tag: str | None = None,
        from_tag: str | None = None,
        call_id: str | None = None,
        cseq: int | None = None,
        contact: bool | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
        content_type: str | None = None,
    ) -> Request:
        """A right request outside of dialogs, unless a tag of the other side is given; to the target unless to another.

        ``contact`` says whether it has one; without it methods that make dialogs have, and REGISTER.
        """
        self._cseq += 1
        headers, target = list(headers), self._bench.target
        uri = target.uri if uri is None else uri
        called = to if to is not None else uri
        lines: list[tuple[str, object]] = [
            ("Via", self.via(self.branch())),
            ("Max-Forwards", "70"),
            ("From", f"<{from_uri or self.aor}>;tag={from_tag or self._bench.token()}"),
            ("To", f"<{called}>" + (f";tag={to_tag}" if to_tag else "")),
            ("Call-ID", call_id or f"{self._bench.token()}@{self.address.host}"),
            ("CSeq", f"{cseq or self._cseq} {method}"),
        ]
        has_contact = method in ("INVITE", "SUBSCRIBE", "REFER", "REGISTER", "UPDATE") if contact is None else contact
        if has_contact:
            lines.append(("Contact", f"<{self.contact_uri}>"))
        lines += headers
        if method == "INVITE":
            lines += [each for each in _ABILITIES if not any(name == each[0] for name, _ in headers)]
        if content_type is not None or body:
            lines.append(("Content-Type", content_type or SDP))
        return Request.build(method, uri, lines, body)

    def send(self, message: Request | Response | bytes, *, arrival: Arrival | None = None) -> float:
        """Send to the target, or there where ``arrival`` came from; returns when, in monotonic seconds."""
        if isinstance(message, Request):
            self.remember(message)
        line = self.line if arrival is None or arrival.line.closed else arrival.line
        to = self._bench.target.remote if arrival is None else arrival.source
        return line.send(bytes(message), to)

    def remember(self, request: Request) -> None:
        """Know the responses to a request when they come."""
        with contextlib.suppress(*UNREADABLE):
            self._sent[request.via[0].branch or "", request.cseq.method] = request

    def answer(
        self,
        arrival: Arrival,
        status: int,
        reason: str | None = None,
        *,
        tag: str | None = None,
        headers: Iterable[tuple[str, object]] = (),
        body: bytes = b"",
    ) -> Response:
        """Answer a request that came."""
        request = arrival.message
        assert isinstance(request, Request)
        self._answered.add(id(arrival))
        lines = list(headers)
        if request.method in ("INVITE", "SUBSCRIBE", "UPDATE") and 100 < status < 300:
            lines += [("Contact", f"<{self.contact_uri}>"), *_ABILITIES]
        tag = None if status == 100 else tag or self._bench.token()
        content_type = SDP if body else None
        response = request.response(status, reason, to_tag=tag, headers=lines, body=body, content_type=content_type)
        self.send(response, arrival=arrival)
        return response

    def acknowledge(self, invite: Request, response: Response, ack: Request) -> None:
        """Send the ACK of a 2xx, and again whenever that comes again."""
        data = bytes(ack)
        self._acknowledged[invite.call_id, invite.cseq.number, response.to.tag] = data
        self.remember(ack)
        self.line.send(data, self._bench.target.remote)

    # What it sees

    def take(self, wanted: Callable[[Arrival], bool], *, within: float | None = None) -> Arrival | None:
        """The first message of a kind that has come or comes within so many seconds; None for none."""
        until = time.monotonic() + (self._bench.patience if within is None else within)
        while True:
            for place, arrival in enumerate(self.inbox):
                if wanted(arrival):
                    return self.inbox.pop(place)
            if time.monotonic() >= until:
                return None
            self._bench.wait(until)

    def response(self, request: Request, *, final: bool = False, within: float | None = None) -> Response | None:
        """The next response to a request."""
        arrival = self.take(lambda each: answers(each.message, request, final=final), within=within)
        return arrival.message if arrival is not None and isinstance(arrival.message, Response) else None

    def last_arrival(self, message: Request | Response) -> Arrival:
        """How a message came."""
        return next(each for each in reversed(self._bench.arrivals_of(self.name)) if each.message is message)

    def received(self, method: str, *, within: float | None = None) -> Arrival | None:
        """The next request of a method that comes."""
        return self.take(
            lambda each: isinstance(each.message, Request) and each.message.method == method, within=within
        )

    def ask(self, request: Request, *, within: float | None = None, credentials: bool = True) -> Exchange:
        """Send a request, repeat it as RFC 3261 section 17.1 wants, and wait for the final response.

        What asks for a password gets it, if there is one. Raises Silent when nothing comes.
        """
        for _ in range(_MOST_CHALLENGES):
            exchange = self._ask_once(request, within)
            answer = self._bench.credentials_for(exchange.final, request) if credentials else ()
            if not answer:
                break
            request = self.with_credentials(request, answer)
        return exchange

    def with_credentials(self, request: Request, lines: Iterable[tuple[str, str]]) -> Request:
        """The same request as one of its own, with credentials (RFC 3261 section 22.2)."""
        self._cseq = max(self._cseq, request.cseq.number) + 1
        given: dict[str, object] = {}
        for name, value in lines:
            given[name] = [*given.get(name, []), value]  # type: ignore[misc]
        own = {"Via": self.via(self.branch()), "CSeq": f"{request.cseq.number + 1} {request.method}"}
        return request.evolve(set={**own, **given})

    def _ask_once(self, request: Request, within: float | None) -> Exchange:
        limit = self._bench.patience if within is None else within
        sent_at = self.send(request)
        # Who has said nothing at all, not even 100, will not do so any more.
        until, interval, again = sent_at + min(limit, self._bench.patience), T1, sent_at + T1
        provisional: list[Response] = []
        first_at = 0.0
        repeats = self.line.transport == "UDP"
        while (now := time.monotonic()) < until:
            wait = (min(again, until) if repeats else until) - now
            response = self.response(request, within=max(wait, 0.0))
            if response is not None:
                first_at = first_at or time.monotonic()
                if response.status >= 200:
                    return Exchange(
                        request=request,
                        provisional=tuple(provisional),
                        final=response,
                        sent_at=sent_at,
                        first_at=first_at,
                    )
                provisional.append(response)
                until = sent_at + limit
                repeats = repeats and request.method != "INVITE"
            elif repeats and time.monotonic() >= again:
                self.send(request)
                interval = min(2 * interval, T2) if request.method != "INVITE" else 2 * interval
                again += interval
        seen = f"only {told(provisional[-1])}" if provisional else "nothing"
        raise Silent(f"{seen} in {until - sent_at:g} s to {told(request)}")

    def _arrived(self, arrival: Arrival) -> None:
        self.inbox.append(arrival)
        self._bench.arrived(self.name, arrival)
        message = arrival.message
        if isinstance(message, Request) and message.method == "BYE":
            with contextlib.suppress(*UNREADABLE):
                self._ended.add(message.call_id)
        if not isinstance(message, Response):
            if message is not None and self.on_request is not None:
                self.on_request(arrival)
            return
        with contextlib.suppress(*UNREADABLE):
            branch = message.via[0].branch or ""
            invite = self._sent.get((branch, "INVITE"))
            if message.cseq.method != "INVITE":
                return
            self._responses.setdefault(branch, []).append(message)
            if message.status < 200:
                return
            if invite is not None and message.status >= 300 and self.acks:
                self.send(ack_of(invite, message))
            known = (message.call_id, message.cseq.number, message.to.tag)
            if message.status < 300 and known in self._acknowledged:
                self.line.send(self._acknowledged[known], self._bench.target.remote)

    # The end

    def invites(self) -> list[tuple[Request, list[Response]]]:
        """Each INVITE that was sent, and all that was answered."""
        return [
            (request, self._responses.get(branch, []))
            for (branch, method), request in self._sent.items()
            if method == "INVITE" and request.method == "INVITE"
        ]

    def hung_up(self, call_id: str) -> bool:
        """Whether BYE was sent or came in a call."""
        sent = any(each.method == "BYE" and each.call_id == call_id for each in self._sent.values())
        return sent or call_id in self._ended

    def unanswered(self) -> Iterator[Arrival]:
        """Requests that came and were not answered."""
        for arrival in self.inbox:
            request = arrival.message
            if (
                isinstance(request, Request)
                and request.method not in ("ACK", "BENOTIFY")
                and id(arrival) not in self._answered
            ):
                yield arrival

    def call(
        self, uri: Uri | None = None, *, offer: bytes | None = None, headers: Iterable[tuple[str, object]] = ()
    ) -> Exchange:
        """INVITE and its final response; the case goes no further where the call is not taken."""
        body = self._bench.offer(self.address.host) if offer is None else offer
        request = self.request("INVITE", uri or self._bench.target.uri, headers=headers, body=body)
        exchange = self.ask(request, within=self._bench.ring_patience)
        if not 200 <= exchange.status < 300:
            skip(f"the call is not taken: {exchange.told}")
        return exchange


def answers(message: Request | Response | None, request: Request, *, final: bool = False) -> bool:
    """Whether a message is a response to a request, by branch and method (RFC 3261 section 17.1.3)."""
    if not isinstance(message, Response) or (final and message.status < 200):
        return False
    with contextlib.suppress(*UNREADABLE):
        return message.via[0].branch == request.via[0].branch and message.cseq.method == request.method
    return False


def ack_of(invite: Request, response: Response) -> Request:
    """The ACK of a final response other than 2xx (RFC 3261 section 17.1.1.3)."""
    copied = [(name, value) for name in ("From", "Call-ID", "Route") for value in invite.headers.get_all(name)]
    lines: list[tuple[str, object]] = [
        ("Via", invite.headers.get_all("Via")[0]),
        ("Max-Forwards", "70"),
        ("To", response.headers.get("To", "")),
        ("CSeq", f"{invite.cseq.number} ACK"),
        *copied,
    ]
    return Request.build("ACK", invite.uri, lines)


def cancel_of(invite: Request) -> Request:
    """The CANCEL of a request (RFC 3261 section 9.1)."""
    copied = [(name, value) for name in ("From", "To", "Call-ID", "Route") for value in invite.headers.get_all(name)]
    lines: list[tuple[str, object]] = [
        ("Via", invite.headers.get_all("Via")[0]),
        ("Max-Forwards", "70"),
        ("CSeq", f"{invite.cseq.number} CANCEL"),
        *copied,
    ]
    return Request.build("CANCEL", invite.uri, lines)
