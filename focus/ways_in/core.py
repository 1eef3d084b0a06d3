"""Calls with media: to an MCU of a conference, and from plain phones to dial-in numbers (docs/ways-in.rst).

A media INVITE to an MCU-Conference-URI, or to a dial-in number, comes to the domain of the Focus. The Focus decides who
gets in, as it does for a join. The MCU is told to expect the call, by an addUser on behalf of whoever calls, and gives
an address for it with a secret that serves once. Then the INVITE goes there, by a stateful proxy that stays on the way
with a flow token (RFC 3261 section 16, RFC 5626 section 5.2): what the MCU sends later reaches a phone that is behind a
NAT, or never listens. Media does not come this way, and what is in the body is not looked at.

What belongs to the dialog of a call says so by the token, and nothing of it is kept. Only of the calls whose callers do
not follow the Route is something kept, as long as they last (`off_route`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from c3p import conf_id_of, mcu_type_of
from focus import refusal
from focus.focus import Focus
from focus.identity import insist_on
from focus.questions.identification import identification, sender_of
from focus.questions.procedure import Kind, Line, Steps, Turn
from focus.refusal import Refused
from focus.ways_in.callers import Callers, NoNumber
from focus.ways_in.off_route import OffRoute
from focus.ways_in.way import Way, Ways
from sip import (
    AckReceived,
    CancelReceived,
    Claim,
    Endpoint,
    Entropy,
    Event,
    Flow,
    NameAddr,
    Proxy,
    ProxyConfig,
    Request,
    RequestReceived,
    Response,
    ResponseReceived,
    ServerTransactionEnded,
    TransactionId,
    Uri,
    canonical_host,
    first_due,
)
from sip import Refused as SipRefused

#: Of the settings of the proxy: no address, name or part is believed more than another.
_TRUSTS_NOBODY: Final[dict[str, Any]] = {
    "trusted": (),
    "trusted_peers": (),
    "parts": (),
    "relay_to": (),
    "open_relay": False,
    "ends_only": True,
}


#: What a call to a number may bring, and what may follow it.
_CAPABILITIES: Final = (
    ("Allow", "INVITE, ACK, BYE, CANCEL, INFO, OPTIONS, UPDATE"),
    ("Accept", "application/sdp"),
    ("Accept-Encoding", "identity"),
    ("Accept-Language", "*"),
    ("Supported", "timer"),
)


@attrs.frozen
class _AtMcu:
    """The one target of a call."""

    uri: Uri
    route: tuple[NameAddr, ...] = ()
    flow: Flow | None = None
    q: float = 1.0


class WaysIn:
    """A core beside a `Focus`, on the same endpoint. Put both into one pump.

    It takes INVITEs to MCU-Conference-URIs of the domain, which the Focus refuses without it, and those to numbers that
    `FocusConfig.numbers` knows. ``proxy`` are settings of the proxy that carries them, but for whom it trusts, which is
    nobody; its ``secret`` lets a later process know the calls of this one. After every call drain, and read
    ``next_timeout()``, as for the Focus.
    """

    def __init__(
        self, endpoint: Endpoint, conferences: Focus, *, entropy: Entropy, proxy: ProxyConfig | None = None
    ) -> None:
        config = conferences.config
        self.owner = f"{config.owner}-ways-in"
        self._endpoint, self._inside = endpoint, conferences.inside
        self._context, self._procedures = self._inside.context, self._inside.procedures
        self._domains = frozenset(canonical_host(name) for name in (config.domain, *config.aliases))
        self._ways = Ways(self._context, entropy.child("ways"))
        self._reserved: dict[TransactionId, tuple[Request, Way]] = {}  # calls that have no final answer yet
        self._callers = Callers(self._inside, self._ways, entropy.child("callers"), self._domains)
        self._off_route = OffRoute(self._inside.active)
        self._entropy = entropy.child("tags")
        self._next: Uri | None = None  #: where the INVITE goes that the proxy is being given
        settings = attrs.evolve(
            proxy or ProxyConfig(),
            owner=self.owner,
            domains=(config.domain, *config.aliases),
            timeout_status=504,
            # The Focus has asked who calls. What is carried goes to the MCU of that conference, and then between the
            # two ends of that call: nobody has anything else relayed here, wherever he comes from.
            **_TRUSTS_NOBODY,
        )
        self._proxy = Proxy(
            endpoint,
            settings,
            entropy=entropy,
            location=self._targets,
            claims=self._claims,
            claim=Claim.CONFERENCE,
        )
        self.untaken = self._proxy.untaken  #: what `take_events` gives; always the same list
        self._inside.is_of_a_call = self._is_of_a_call
        self.deadlines = (*self._proxy.deadlines, self._off_route)  #: all that has its time
        self._inside.context.deliver = self._deliver
        self._inside.context.guessed = lambda one, user, now: self._inside.guests.guessed(one, user, now=now)

    @property
    def sizes(self) -> dict[str, int]:
        """How much is kept at the moment, as `sip.Endpoint.sizes`."""
        return {**self._proxy.sizes, "off_route": len(self._off_route)}

    # Which requests --------------------------------------------------------------------------------------------------

    def _claims(self, request: Request, flow: Flow) -> bool:
        return self._begins(request, flow) or self._off_route.knows(request, flow)

    def _begins(self, request: Request, flow: Flow) -> bool:
        return self._is_media_call(request, flow) or self._is_number(request, flow)

    def _is_of_a_call(self, request: Request, flow: Flow) -> bool:
        return self._is_media_call(request, flow) or self._off_route.knows(request, flow)

    def _is_here(self, uri: Uri, flow: Flow) -> bool:
        """Whether a URI is of the domain, and leads here: another port, or a ``maddr``, is somebody else."""
        return uri.host in self._domains and self._proxy.serves(uri, flow)

    def _is_media_call(self, request: Request, flow: Flow) -> bool:
        """An INVITE that begins something, to an MCU of a conference of ours."""
        uri = request.uri
        return (
            request.method == "INVITE"
            and request.to.tag is None
            and self._is_here(uri, flow)
            and mcu_type_of(str(uri)) is not None
        )

    def _is_number(self, request: Request, flow: Flow) -> bool:
        numbers, uri = self._context.config.numbers, request.uri
        return (
            numbers is not None
            and request.method in ("INVITE", "OPTIONS")
            and request.to.tag is None
            and uri.scheme in ("sip", "sips")
            and self._is_here(uri, flow)
            and uri.user is not None
            and conf_id_of(str(uri)) is None
            and numbers.is_number(uri.user)
        )

    def _targets(self, uri: Uri) -> Sequence[_AtMcu]:
        return () if self._next is None else (_AtMcu(self._next),)

    # The core --------------------------------------------------------------------------------------------------------

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        """Find out where a call goes, and send it there; or do what a proxy does."""
        if isinstance(event, RequestReceived) and self._begins(event.request, event.flow):
            self._procedures.begin(self._procedure, event, asker=_asker(event.transaction), now=now)
        elif isinstance(event, CancelReceived) and self._withdrawn(event, now):
            pass
        else:
            self._proxy.handle_event(self._seen(event, now), now=now)
        return self.take_events()

    def _seen(self, event: Event, now: float) -> Event:
        """What the proxy gets of an event, when its part for this core is done."""
        if isinstance(event, RequestReceived | AckReceived):
            onward = self._off_route.onward(event.request, event.flow)
            return event if onward is event.request else attrs.evolve(event, request=onward)
        if isinstance(event, ResponseReceived):
            self._off_route.answered(event.response)
            self._answered(event.response, now)
        elif isinstance(event, ServerTransactionEnded):
            self._procedures.forget(_asker(event.transaction), now=now)
            self._off_route.settled(event.transaction)
            unanswered = self._reserved.pop(event.transaction, None)
            if unanswered is not None:
                self._withdraw(unanswered[1], now)
        return event

    def _answered(self, response: Response, now: float) -> None:
        """A final answer of an MCU to an INVITE: one that is no 2xx ends what was reserved for it."""
        if response.status < 200 or response.cseq.method != "INVITE":
            return
        for transaction, (request, way) in list(self._reserved.items()):
            if request.call_id == response.call_id and request.via[0].branch in {one.branch for one in response.via}:
                del self._reserved[transaction]
                if response.status >= 300:
                    self._withdraw(way, now)

    def _withdraw(self, way: Way, now: float) -> None:
        conference = self._inside.active.get(way.conference)
        if conference is not None and way.endpoint is not None:
            self._ways.withdraw(conference, way.user, way.endpoint, way.mcu_type, now)
            self._inside.active.settle(conference, now=now)

    def _withdrawn(self, event: CancelReceived, now: float) -> bool:
        """Whether a call is given up that has not been sent on yet."""
        if not self._procedures.forget(_asker(event.transaction), now=now):
            return False
        self._answer(event.transaction, event.request, Refused(refusal.CANCELLED), None, now)
        return True

    def _procedure(self, event: RequestReceived, turn: Turn) -> Steps[None]:
        """From an INVITE to its answer, or to the MCU."""
        request, flow = event.request, event.flow
        assert event.transaction is not None
        if request.method == "OPTIONS":
            yield from self._asked(event.transaction, request, flow, turn)
            return
        try:
            yield Line(sender_of(request, flow))
            known = yield from identification(self._context.config.identify, request, flow)
            if isinstance(known, SipRefused):
                insist_on(known)
            if self._is_media_call(request, flow):
                where = yield from self._callers.participant(request, flow, known, turn)
            else:
                where = yield from self._callers.phone(request.uri.user or "", request, flow, known, turn)
        except Refused as refused:
            self._answer(event.transaction, request, refused, flow, turn.now)
        except NoNumber:
            self._endpoint.hand_on(event.transaction, owner=self.owner, now=turn.now)
        else:
            self._off_route.begun(event.transaction, request, flow, where, now=turn.now)
            self._next = where.address
            self._reserved[event.transaction] = (request, where)
            before = self._proxy.sizes["contexts"]
            try:
                self._proxy.handle_event(event, now=turn.now)
            finally:
                self._next = None
                if self._proxy.sizes["contexts"] == before:  # it was refused, and no MCU hears of it
                    del self._reserved[event.transaction]
                    self._withdraw(where, turn.now)

    def _asked(self, transaction: TransactionId, request: Request, flow: Flow, turn: Turn) -> Steps[None]:
        """What a number takes (RFC 3261 section 11.2); of one that is none nobody learns more than by a call."""
        try:
            yield from self._callers.number_of(request.uri.user or "", request, flow, None, turn)
        except Refused as refused:
            self._answer(transaction, request, refused, flow, turn.now)
        except NoNumber:
            self._endpoint.hand_on(transaction, owner=self.owner, now=turn.now)
        else:
            response = request.response(200, to_tag=self._entropy.token(8), headers=_CAPABILITIES)
            self._endpoint.send_response(transaction, response, now=turn.now)

    def _answer(
        self, transaction: TransactionId, request: Request, refused: Refused, flow: Flow | None, now: float
    ) -> None:
        answer = self._context.refuse("call", refused, request, flow)
        response = request.response(
            answer.status,
            answer.phrase,
            to_tag=self._entropy.token(8),
            headers=answer.headers,
            body=answer.body,
            content_type=answer.content_type,
        )
        self._endpoint.send_response(transaction, response, now=now)

    def _deliver(self, now: float) -> None:
        """Hand over what became of relays that calls wait for."""
        ended = self._context.ended_relays
        while ended:
            number, outcome = ended.pop(0)
            if self._procedures.knows(Kind.RELAY, number):
                self._procedures.answer(Kind.RELAY, number, outcome, now=now)

    def number_found(self, pending_id: str, conference_uri: str | None, *, now: float) -> None:
        """Answer what ``numbers`` left open with `sip.Pending`. Raises LocalProtocolError when nobody waits for it."""
        self._procedures.answer(Kind.NUMBER, pending_id, conference_uri, now=now)

    # Time ------------------------------------------------------------------------------------------------------------

    def abandon(self, event: Event, *, now: float) -> None:
        """Answer 500 to what an event was about, and forget it (`sip.endpoint.pump.Forgetful`)."""
        self._proxy.abandon(event, now=now)

    def next_timeout(self) -> float | None:
        """When a call has rung for long enough. Those that wait for an answer are the Focus's to see to."""
        return first_due(self._proxy.next_timeout(), self._off_route.first)

    def handle_timeout(self, *, now: float) -> list[Event]:
        """Give up what rings for too long, and forget what is over."""
        self._proxy.handle_timeout(now=now)
        self._off_route.handle_timeout(now=now)
        return self.take_events()

    def take_events(self) -> list[Event]:
        """Events for the application."""
        return self._proxy.take_events()


def _asker(transaction: TransactionId | None) -> tuple[str, TransactionId | None]:
    return "call", transaction
