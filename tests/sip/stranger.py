"""A peer on the pretend network that does to each request what a list says, and asks what no good peer would ask.

It stands in the place of an agent's endpoint, and is written without the endpoint: what it knows of dialogs is what
it read on the wire.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Final

from sip import Address, Event, Flow, Request, Response, Transmit, parse_message
from sip.testing.network import Agent, Network

SDP: Final = "application/sdp"

#: What becomes of a request: silence, provisional answers, success in several shapes, refusals, and a hang-up.
FATES: Final = (
    *("ok",) * 4,
    "silence",
    "100",
    "ring",
    "ring late ok",
    "ring reliably",
    "ring reliably ok",
    "fork",
    "ok and bye",
    "ok without timer",
    "ok of the other refresher",
    "ok notify",
    "ok notify pending",
    "notify first",
    "notify the last",
    "close",
    "bye",
    *(str(status) for status in (302, 401, 404, 408, 422, 423, 480, 481, 487, 491, 500, 503, 603)),
)


class Stranger:
    """Answers by ``fates``, in order, one for each new request, and ``then`` when they are used up."""

    def __init__(self, net: Network, name: str, *, then: str) -> None:
        self.net = net
        self.agent = net.agent(name, core=False)
        self.agent.endpoint = self  # type: ignore[assignment]
        self.host = self.agent.host
        self.silent = False  #: never sends anything again
        self.calls: list[tuple[Request, Flow]] = []  #: requests that could make a dialog, with our tag
        self.fates: Iterator[str] = iter(())
        self._then = then
        self._out: list[Transmit] = []
        self._later: list[tuple[float, int, Flow, bytes]] = []
        self._decided: dict[tuple[str, str], str] = {}
        self._invites: dict[str, tuple[Request, Flow]] = {}
        self._sequence = 0
        self._victim = self.agent
        self.tags: dict[str, str] = {}  #: of the other side in the calls that we began

    # In place of an endpoint

    def take_events(self) -> list[Event]:
        return []

    def data_to_send(self) -> list[Transmit]:
        out, self._out = self._out, []
        return [] if self.silent else out

    def next_timeout(self) -> float | None:
        return self._later[0][0] if self._later else None

    def handle_timeout(self, *, now: float) -> list[Event]:
        while self._later and self._later[0][0] <= now:
            _, _, flow, data = heapq.heappop(self._later)
            self._out.append(Transmit(flow, data))
        return []

    def flow_closed(self, flow: Flow, *, now: float) -> list[Event]:
        return []

    def receive_data(self, data: bytes, *, flow: Flow, now: float) -> list[Event]:
        message = parse_message(data)
        if isinstance(message, Request):
            self._take(message, flow)
        elif message.cseq.method == "INVITE":
            self._hear(message, flow)
        return []

    def _hear(self, answer: Response, flow: Flow) -> None:
        """Take an answer to an INVITE of ours: acknowledge it, unless fate is silence."""
        if answer.status >= 300:
            self._send(flow, self._written(answer, "ACK"))
            return
        number = answer.call_id.removeprefix("call")
        self.tags[number] = answer.to.tag or ""
        rseq = answer.headers.get("RSeq")
        if answer.status < 200 and rseq is None:
            return
        what = (answer.call_id, f"{answer.cseq.number} {rseq}")
        if what not in self._decided:
            self._decided[what] = next(self.fates, self._then)
        if self._decided[what] == "silence":
            return
        if answer.status >= 200:
            self.call(self._victim, "ACK", number, cseq=answer.cseq.number)
        else:
            cseq, rack = 2 + int(rseq or 0) % 7, f"{rseq} {answer.cseq.number} INVITE"
            body = b"v=0 more" if "reliably" in self._decided[what] else b""
            self.call(self._victim, "PRACK", number, cseq=cseq, extra=[f"RAck: {rack}"], body=body)

    # Sending

    def _send(self, flow: Flow, data: bytes, *, after: float = 0.0) -> None:
        self._sequence += 1
        if after:
            heapq.heappush(self._later, (self.net.now + after, self._sequence, flow, data))
        else:
            self._out.append(Transmit(flow, data))

    def _answer(self, request: Request, flow: Flow, status: int, *headers: tuple[str, str], **more: object) -> None:
        tag = more.pop("tag", self.name_of(request))
        after, body = more.pop("after", 0.0), more.pop("body", b"")
        lines: list[tuple[str, str]] = [*headers]
        if body:
            lines.append(("Content-Type", SDP))
        response = request.response(status, to_tag=None if status == 100 else str(tag), headers=lines, body=body)  # type: ignore[arg-type]
        self._send(flow, bytes(response), after=float(after))  # type: ignore[arg-type]

    def name_of(self, request: Request) -> str:
        """Our tag in the dialog of a request."""
        return request.to.tag or f"s{len(request.call_id)}"

    @property
    def contact(self) -> tuple[str, str]:
        return "Contact", f"<sip:stranger@{self.host}:5060;transport=udp>"

    # Requests of the other side

    def _take(self, request: Request, flow: Flow) -> None:
        method, branch = request.method, str(request.via[0].branch)
        if method == "ACK":
            return
        again = (branch, method) in self._decided
        if not again:
            self._decided[branch, method] = next(self.fates, self._then)
        elif method != "SUBSCRIBE":
            return
        if method == "INVITE":
            self._invites[branch] = (request, flow)
        if method in ("INVITE", "SUBSCRIBE", "REFER") and request.to.tag is None:
            self.calls.append((request, flow))
        fate = self._decided[branch, method]
        if method == "CANCEL":
            self._cancelled(request, flow, fate)
        elif fate.isdecimal():
            self._refuse(request, flow, int(fate))
        else:
            self._do(fate, request, flow)

    def _refuse(self, request: Request, flow: Flow, status: int) -> None:
        extra = {
            302: ("Contact", f"<sip:other@{self.host};transport=udp>"),
            401: ("WWW-Authenticate", 'Digest realm="example.com", nonce="n"'),
            422: ("Min-SE", "1000"),
            423: ("Min-Expires", "1000"),
            500: ("Retry-After", "7"),
        }
        headers = [extra[status]] if status in extra else []
        self._answer(request, flow, status, *headers)

    def _cancelled(self, request: Request, flow: Flow, fate: str) -> None:
        if fate in ("silence", "100"):
            return
        self._answer(request, flow, 200)
        known = self._invites.get(str(request.via[0].branch))
        if known is not None and fate != "ring":
            self._answer(*known, 487 if fate != "ok and bye" else 200, self.contact)

    def _do(self, fate: str, request: Request, flow: Flow) -> None:
        invite, body = request.method == "INVITE", b"v=0 stranger" if request.method == "INVITE" else b""
        headers = [self.contact]
        if request.method == "SUBSCRIBE":
            headers.append(("Expires", str(min(request.expires or 600, 600))))
        if request.method in ("INVITE", "UPDATE") and "without timer" not in fate:
            refresher = "uas" if "other" in fate else "uac"
            headers += [("Session-Expires", f"90;refresher={refresher}"), ("Require", "timer")]
        if fate == "silence" or (fate == "100" and not invite):
            return
        if fate == "close":
            if flow.id in self.net.wire.far_ends:
                self.net.close(self.agent, flow)
            return
        if fate.startswith("notify"):
            self.notify(request, flow, "terminated;reason=noresource" if "last" in fate else "active;expires=600")
        if fate == "bye":
            self._send(flow, self.in_dialog(request, "BYE"))
            return
        if invite and "ring" in fate:
            reliably = [("Require", "100rel"), ("RSeq", "1")] if "reliably" in fate else []
            offer = b"v=0 early" if reliably else b""
            self._answer(request, flow, 183 if reliably else 180, self.contact, *reliably, body=offer)
        if fate == "100":
            self._answer(request, flow, 100)
        if invite and fate == "fork":
            for tag in ("fork1", "fork2"):
                self._answer(request, flow, 180, self.contact, tag=tag)
            for tag in ("fork2", "fork3"):
                self._answer(request, flow, 200, *headers, body=body, tag=tag)
            return
        if "ok" in fate or (not invite and "ring" in fate) or fate.startswith("notify"):
            self._answer(request, flow, 200, *headers, body=body, after=5.0 if "late" in fate else 0.0)
        if "ok notify" in fate:
            self.notify(request, flow, "pending" if "pending" in fate else "active;expires=600")
        if fate == "ok and bye":
            self._send(flow, self.in_dialog(request, "BYE"))

    # Requests of our own

    def in_dialog(self, request: Request, method: str, *extra: tuple[str, str], body: bytes = b"") -> bytes:
        """Return a request of ours in the dialog that a request of theirs made, or would have."""
        self._sequence += 1
        contact = request.contact[0] if request.contact else request.from_
        uri = contact.uri  # type: ignore[union-attr]
        number = self._sequence if method not in ("ACK", "CANCEL") else request.cseq.number
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:5060;branch=z9hG4bKs{self._sequence};rport",
            "Max-Forwards: 70",
            f"From: {request.to.uri};tag={self.name_of(request)}",
            f"To: <{request.from_.uri}>;tag={request.from_.tag}",
            f"Call-ID: {request.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: {self.contact[1]}",
            *(f"{name}: {value}" for name, value in extra),
            *([f"Content-Type: {SDP}"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def notify(self, request: Request, flow: Flow, state: str) -> None:
        """Send a notification in the dialog of a SUBSCRIBE or REFER."""
        event = request.headers.get("Event") or "refer"
        headers = (("Event", event), ("Subscription-State", state))
        self._send(flow, self.in_dialog(request, "NOTIFY", *headers))

    def ask(self, method: str, call: int, body: bytes = b"") -> None:
        """Send a request in one of the dialogs that there were."""
        if not self.calls:
            return
        request, flow = self.calls[call % len(self.calls)]
        if method == "NOTIFY":
            self.notify(request, flow, "terminated;reason=timeout" if body else "active")
        else:
            extra = (("Event", "conference"),) if method == "SUBSCRIBE" else ()
            self._send(flow, self.in_dialog(request, method, *extra, body=body))

    def call(
        self,
        victim: Agent,
        method: str,
        number: str,
        *,
        cseq: int = 1,
        extra: Sequence[str] = (),
        body: bytes = b"",
    ) -> None:
        """Send a request that begins a dialog of ours, or, with a CSeq above 1 or as ACK, one inside of it."""
        self._sequence += 1
        self._victim = victim
        branch = f"z9hG4bKc{number}.{cseq}" if method in ("INVITE", "CANCEL") else f"z9hG4bKx{self._sequence}"
        tag = self.tags.get(number, "") if cseq > 1 or method == "ACK" else ""
        to = f"<{victim.uri()}>" + (f";tag={tag}" if tag else "")
        lines = [
            f"{method} {victim.uri()} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.host}:5060;branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:stranger@example.com>;tag=c{number}",
            f"To: {to}",
            f"Call-ID: call{number}",
            f"CSeq: {cseq} {method}",
            f"Contact: {self.contact[1]}",
            "Supported: timer, 100rel",
            "Session-Expires: 90",
            "Event: conference",
            "Expires: 600",
            "Refer-To: <sip:carol@example.com>",
            *extra,
            f"Content-Type: {SDP}",
            f"Content-Length: {len(body)}",
        ]
        flow = self.net.flow("UDP", Address(self.host, 5060), Address(victim.host, 5060))
        self._send(flow, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def _written(self, response: Response, method: str) -> bytes:
        lines = [
            f"{method} sip:x@example.com SIP/2.0",
            f"Via: {response.headers.get('Via')}",
            "Max-Forwards: 70",
            f"From: {response.headers.get('From')}",
            f"To: {response.headers.get('To')}",
            f"Call-ID: {response.call_id}",
            f"CSeq: {response.cseq.number} {method}",
            "Content-Length: 0",
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"
