"""A plain phone that calls: a SIP user agent with nothing in it of conferences, on the simulated network."""

from __future__ import annotations

from typing import Literal, TypeVar

import attrs

import sip
from pyc3p.element import Element, HookedPump
from pyc3p.elements.parts import Place
from pyc3p.simnet import Meeting
from rtp import Capabilities, OfferAnswerSession
from sip import Event, SessionAnswered, SessionFailed, Transmit

E = TypeVar("E", bound=Event)
SDP = "application/sdp"
#: What the Request-URI is of what is sent without Route: where the INVITE went, or the Contact of its 2xx.
OffRoute = Literal["invite", "contact"]


class _Astray(HookedPump):
    """Takes Route off all requests of a dialog; they go to where they went with it, as by an outbound proxy."""

    to_contact = False
    _called: sip.Uri | None = None

    def data_to_send(self, limit: int | None = None) -> list[Transmit]:
        return [attrs.evolve(each, data=self._without_route(each.data)) for each in super().data_to_send(limit)]

    def _without_route(self, data: bytes) -> bytes:
        message = sip.parse_message(data)
        if not isinstance(message, sip.Request):
            return data
        if message.to.tag is None:
            self._called = message.uri
            return data
        return bytes(message.evolve(uri=None if self.to_contact else self._called, set={"Route": None}))


class Caller:
    """One phone; it acknowledges what answers it, and hangs up when told."""

    owner = "caller"

    def __init__(
        self, meeting: Meeting, name: str, host: str, *, transport: str = "UDP", off_route: OffRoute | None = None
    ) -> None:
        """With ``off_route`` it knows nothing of Record-Route (RFC 3261 section 12.2.1.1)."""
        self.meeting, self.name, self.host = meeting, name, host
        self.transport = transport
        self.untaken: list[Event] = []
        self.events: list[Event] = []
        place = Place(name=name, host=host, sip_port=5060, transports=("UDP", "TCP"))
        self.endpoint = place.endpoint(sip.SeededEntropy(name.encode()), user_agent="plain phone")
        methods = ("INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "INFO")
        self.endpoint.add_core(self.owner, lambda request, flow: True, claim=sip.Claim.ELEMENT, methods=methods)
        meeting.network.trace.names.add(name)
        pump = HookedPump(self.endpoint, [self]) if off_route is None else _Astray(self.endpoint, [self])
        if isinstance(pump, _Astray):
            pump.to_contact = off_route == "contact"
        self.sim = meeting.network.add(Element.of(name, pump=pump), host)
        self.session = sip.SessionId(0)

    # The core

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.events.append(event)
        if isinstance(event, SessionAnswered):
            self.endpoint.ack(event.session, now=now)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

    # What tests do

    @property
    def now(self) -> float:
        return self.meeting.network.now

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def call(
        self,
        uri: str,
        *,
        user: str = "",
        body: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        direct: bool = False,
    ) -> None:
        """Call an address through the server of its domain, or directly."""
        negotiation = OfferAnswerSession(Capabilities(label=None), address=self.host, port=4000)
        offer = bytes(negotiation.make_offer()) if body is None else body
        server = sip.Uri.parse(f"sip:{self.server};transport={self.transport.lower()};lr")
        self.session = self.endpoint.invite(
            self.owner,
            uri,
            from_=sip.NameAddr(user or f"sip:{self.name}@{self.host}"),
            to=sip.NameAddr(sip.Uri.parse(uri)),
            contact=sip.NameAddr(f"sip:{self.name}@{self.host};transport={self.transport.lower()}"),
            headers=headers,
            route=() if direct else (sip.NameAddr(server),),
            body=offer,
            content_type=SDP if offer else None,
            now=self.now,
        )
        self.sim.kick()

    @property
    def server(self) -> str:
        return self.meeting.sim.farm.places["focus"].host

    def hang_up(self) -> None:
        self.endpoint.bye(self.session, now=self.now)
        self.sim.kick()

    def press(self, keys: str) -> None:
        """Keys, each in an INFO."""
        for key in keys:
            body = f"Signal={key}\r\nDuration=160\r\n".encode()
            self.endpoint.request_in_session(
                self.session, "INFO", body=body, content_type="application/dtmf-relay", now=self.now
            )
            self.sim.kick()
            self.meeting.network.run_for(0.2)

    def cancel(self) -> None:
        self.endpoint.cancel(self.session, now=self.now)
        self.sim.kick()

    def answered(self) -> SessionAnswered:
        """Wait until the call is answered."""
        self.until(lambda: bool(self.of(SessionAnswered) or self.of(SessionFailed)), "an answer")
        assert not self.of(SessionFailed), self.of(SessionFailed)
        return self.of(SessionAnswered)[-1]

    def refused(self) -> tuple[int | None, str]:
        """Wait until the call is refused; status, and ErrorId or nothing."""
        self.until(lambda: bool(self.of(SessionFailed)), "a refusal")
        failed = self.of(SessionFailed)[-1]
        diagnostics = failed.response.headers.get("ms-diagnostics") if failed.response is not None else None
        return failed.status, (diagnostics or "").partition(";")[0]

    def until(self, seen: object, what: str, limit: float = 60.0) -> None:
        self.meeting.network.run_until(seen, limit, what=what)  # type: ignore[arg-type]
