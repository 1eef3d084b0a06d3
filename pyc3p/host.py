"""One driver, without I/O, for every kind of machine of an element: endpoint cores, C3P over HTTP, media.

Who brings a transport of his own feeds bytes, documents, packets and time to one object, and does what it says.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import attrs

import c3p
import focus
import mcu
import sip
from mcu import LegId, MediaPortReleased
from pyc3p.element import Address, C3PMachine, C3PService, Document, Element, Timed
from pyc3p.udp_flows import UdpFlows
from sip import Event


@attrs.frozen(kw_only=True)
class PostDocument:
    """Post a document to ``exchange.url``, and answer with ``Host.posted``."""

    id: int
    owner: str  #: name of the machine that posts, for who proves who it is
    exchange: c3p.Exchange

    def request(self, secret: str | None = None) -> c3p.HttpPost:
        """What goes over HTTP. Raises LocalProtocolError for a document that cannot be written down."""
        return c3p.post_of(self.exchange, secret=secret)


@attrs.frozen(kw_only=True)
class AnswerDocument:
    """Answer whoever posted a document (``Host.receive_c3p``, ``Host.receive_http``)."""

    asker: object  #: as it was given there
    reply: c3p.Reply

    @property
    def http(self) -> c3p.HttpAnswer:
        """What goes over HTTP. Raises LocalProtocolError for a document that cannot be written down."""
        return c3p.answer_with(self.reply)


@attrs.frozen(kw_only=True)
class RefuseHttp:
    """Answer a request that brought no document: `c3p.admit` and `c3p.posted` say why."""

    asker: object
    http: c3p.HttpAnswer


@attrs.frozen(kw_only=True)
class SendPacket:
    """Send a packet from a port of a leg."""

    leg: LegId
    kind: str  #: "rtp" or "rtcp": from which port
    data: bytes
    destination: Address


#: What a driver does. Of events `sip.ConnectWanted` (for connections: flows over UDP the host makes itself),
#: `sip.ResolveWanted` and `mcu.MediaPortWanted` want an answer, `sip.FlowLost` and `mcu.MediaPortReleased` something
#: closed, and `mcu.MediaPeerKnown` says whose packets are whose where legs share a port; all others are for the
#: application.
HostOutput = sip.Transmit | PostDocument | AnswerDocument | RefuseHttp | SendPacket | Event


class Host:
    """Runs machines. After every call, also of a command to a machine, do what ``outputs`` says, until it says
    nothing, and read ``next_timeout`` again: one time for everything, ticks of media included.
    """

    def __init__(
        self,
        name: str,
        endpoint: sip.Endpoint | None = None,
        cores: Sequence[sip.Core] = (),
        *,
        services: Mapping[str, C3PService] | None = None,
        others: Iterable[Timed] = (),
        durable: bool = False,
    ) -> None:
        """``services`` answer C3P, by URL path; ``others`` are machines that live on no endpoint."""
        pump = None if endpoint is None else sip.Pump(endpoint, cores, durable=durable)
        self.element = Element.of(name, pump=pump, services=services, others=others, durable=durable)
        self._events: list[Event] = []
        self._packets: list[SendPacket] = []
        self._refused: list[RefuseHttp] = []
        self._flow_numbers = itertools.count(1)
        self._udp = None if endpoint is None else UdpFlows(endpoint, self.new_flow)
        self._numbers = itertools.count(1)
        self._posted: dict[int, tuple[C3PMachine, int, c3p.Exchange]] = {}

    @property
    def endpoint(self) -> sip.Endpoint:
        """The SIP endpoint. Raises LocalProtocolError where there is none."""
        if self.element.pump is None:
            raise sip.LocalProtocolError(f"{self.element.name} speaks no SIP")
        return self.element.pump.endpoint

    # What arrives ----------------------------------------------------------------------------------------------------

    def new_flow(self, transport: str, local: sip.Address, remote: sip.Address) -> sip.Flow:
        """A flow with a number of its own, for a connection that was accepted or opened."""
        return sip.Flow(next(self._flow_numbers), transport, local, remote)

    def receive_datagram(self, data: bytes, remote: Address, *, now: float) -> None:
        """A datagram of SIP, with the address that it came from; its flow is kept here.

        Raises LocalProtocolError where no listener is for UDP in that family.
        """
        flow = None if self._udp is None else self._udp.to(sip.Address(*remote))
        if flow is None:
            raise sip.LocalProtocolError(f"{self.element.name} does not listen for UDP from {remote[0]}")
        self.receive_sip(data, flow=flow, now=now)

    def receive_sip(self, data: bytes, *, flow: sip.Flow, now: float) -> None:
        """A piece of a stream, or a datagram where the driver keeps the flows."""
        self._feed(self.endpoint.receive_data(data, flow=flow, now=now), now)

    def receive_c3p(self, path: str, document: Document, *, peer: str, asker: object, now: float) -> None:
        """A document that an authenticated peer has posted to the path of a service; AnswerDocument has ``asker``.

        Raises LocalProtocolError for a path that nobody serves.
        """
        if path not in self.element.services:
            raise sip.LocalProtocolError(f"path must be one of {', '.join(self.element.services)}, not {path!r}")
        self.element.hold_reply(asker, self.element.receive_c3p(path, document, peer=peer, now=now))

    def receive_http(self, head: c3p.HttpHead, body: bytes, *, peer: str | None, asker: object, now: float) -> None:
        """An HTTP request of ``peer``, None for who is not known; AnswerDocument or RefuseHttp has ``asker``.

        Who can read heads before bodies asks `c3p.admit` first, so that a stranger costs no more than a head.
        """
        document = c3p.admit(head, peer=peer, paths=self.element.services) or c3p.posted(body)
        if isinstance(document, c3p.HttpAnswer):
            self._refused.append(RefuseHttp(asker=asker, http=document))
        else:
            self.receive_c3p(head.path, document, peer=peer or "", asker=asker, now=now)

    def receive_media(self, leg: LegId, kind: str, data: bytes, source: Address, *, now: float) -> None:
        """A packet that came to a port of a leg."""
        self._events += self.element.receive_media([(leg, kind, data, source, now)])

    # Answers ---------------------------------------------------------------------------------------------------------

    def flow_opened(self, want: sip.WantId, flow: sip.Flow, *, now: float) -> None:
        """Answer ConnectWanted."""
        self._feed(self.endpoint.flow_opened(want, flow, now=now), now)

    def flow_failed(self, want: sip.WantId, reason: str, *, now: float) -> None:
        """Answer ConnectWanted or ResolveWanted."""
        self._feed(self.endpoint.flow_failed(want, reason, now=now), now)

    def flow_closed(self, flow: sip.Flow, *, now: float) -> None:
        """A connection is gone."""
        self._feed(self.endpoint.flow_closed(flow, now=now), now)

    def resolved(self, want: sip.WantId, destinations: Sequence[sip.Destination], *, now: float) -> None:
        """Answer ResolveWanted."""
        self._feed(self.endpoint.resolved(want, destinations, now=now), now)

    def posted(self, id: int, outcome: c3p.Reply | c3p.ExchangeFailure, *, now: float) -> None:
        """Answer PostDocument. Raises LocalProtocolError for one that was never given, or was answered."""
        known = self._posted.pop(id, None)
        if known is None:
            raise sip.LocalProtocolError(f"no document {id} waits for its outcome")
        self._events += self.element.c3p_answered(known[0], known[1], outcome, now=now)

    def posted_http(self, id: int, answer: c3p.HttpAnswer | None, *, connected: bool = True, now: float) -> None:
        """Answer PostDocument with what came over HTTP; None: nothing, after there was a connection or not.

        Raises LocalProtocolError as ``posted``.
        """
        known = self._posted.get(id)
        if known is None or answer is None:
            self.posted(id, c3p.failure_of(connected=connected), now=now)
        else:
            self.posted(id, c3p.outcome_of(known[2], answer), now=now)

    def media_opened(self, leg: LegId, *, rtp: Address, rtcp: Address, advertised: str, now: float) -> None:
        """Answer MediaPortWanted."""
        self._events += self.element.media_opened(leg, rtp=rtp, rtcp=rtcp, advertised=advertised, now=now)

    def media_failed(self, leg: LegId, reason: str, *, now: float) -> None:
        """Answer MediaPortWanted."""
        self._events += self.element.media_failed(leg, reason, now=now)

    # Time ------------------------------------------------------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """When ``handle_timeout`` is due, whatever for; None when nothing is."""
        return sip.first_due(self.element.next_timeout(), self.element.next_tick())

    def handle_timeout(self, *, now: float) -> None:
        """Do what is due: timers, and sound of 20 ms."""
        tick, due = self.element.next_tick(), self.element.next_timeout()
        if tick is not None and tick <= now:
            self._tick(now)
        if due is not None and due <= now:
            self._events += self.element.handle_timeout(now=now)

    # What is to be done ----------------------------------------------------------------------------------------------

    def outputs(self, *, now: float) -> list[HostOutput]:
        """What is to be done now, in order; empty when there is nothing more."""
        self._events += self.element.settle(now=now)
        events: list[Event] = []
        while self._events:
            events += self._without_udp(now)
        pump = self.element.pump
        sent = pump.data_to_send() if pump is not None else []
        posts = [self._post(machine, exchange) for machine, exchange in self.element.c3p_to_send(now=now)]
        answers = [AnswerDocument(asker=who, reply=reply) for who, reply in self.element.replies_to_send(now=now)]
        if any(isinstance(event, MediaPortReleased) for event in events):
            self._tick(now)  # the last packets of a leg go out before its ports are closed
        packets, self._packets = self._packets, []
        refused, self._refused = self._refused, []
        return [*sent, *posts, *answers, *refused, *packets, *events]

    def _without_udp(self, now: float) -> list[Event]:
        """Answer what a driver need not be asked, since a flow over UDP is there at once; what is left."""
        left: list[Event] = []
        waiting, self._events = self._events, []
        for event in waiting:
            if isinstance(event, sip.ConnectWanted) and event.destination.transport == "UDP" and self._udp is not None:
                there = event.destination
                flow = self._udp.to(sip.Address(there.host, there.port))
                if flow is None:
                    self.flow_failed(event.id, "no UDP socket of that address family", now=now)
                else:
                    self.flow_opened(event.id, flow, now=now)
            else:
                left.append(event)
        return left

    def _post(self, machine: C3PMachine, exchange: c3p.Exchange) -> PostDocument:
        number = next(self._numbers)
        self._posted[number] = (machine, exchange.id, exchange)
        return PostDocument(id=number, owner=getattr(machine, "owner", type(machine).__name__), exchange=exchange)

    def _feed(self, events: Sequence[Event], now: float) -> None:
        """Events of the endpoint itself, which its cores have not seen."""
        self._events += self.element.settle(events, now=now)

    def _tick(self, now: float) -> None:
        for leg, kind, data, destination in self.element.tick(now):
            self._packets.append(SendPacket(leg=leg, kind=kind, data=data, destination=destination))


class _McuFactory(mcu.McuFactory):
    """One that has a name among the machines of a host."""

    owner: Final = "mcu-factory"


def server_host(
    endpoint: sip.Endpoint,
    *,
    domain: str,
    url: str,
    entropy: sip.Entropy,
    conference_policy: focus.ConferencePolicy | None = None,
    dial_out_policy: mcu.DialOutPolicy | None = None,
) -> Host:
    """Focus Factory, Focus, MCU Factory and MCU on one endpoint, with their C3P below ``url``.

    They post as ``focus``, ``mcu`` and ``mcu-factory`` (``PostDocument.owner``), and these are the principals that they
    expect of each other. Whoever sends SIP is believed: an endpoint for a network of strangers is put together by hand.
    Raises LocalProtocolError for an endpoint that listens nowhere, a URL or domain that is none.
    """
    if not endpoint.listen:
        raise sip.LocalProtocolError("EndpointConfig.listen must have the address at which the MCU is called back")
    here, store, base = endpoint.listen[0], focus.MemoryStore(wall_clock=endpoint.wall_clock), url.rstrip("/")
    factory = _McuFactory(mcu.FactoryConfig())
    conferences = focus.Focus(
        endpoint,
        focus.FocusConfig(
            domain=domain,
            mcu_factory_url=f"{base}/mcu-factory",
            callback_url=f"{base}/focus",
            policy=conference_policy or focus.ConferenceRules(),
        ),
        store=store,
        entropy=entropy.child("focus"),
    )
    records = focus.FocusFactory(
        endpoint,
        focus.FactoryConfig(domain=domain),
        store=store,
        entropy=entropy.child("focus-factory"),
        activations=conferences,
    )
    host, port = here.public_host or here.host, here.public_port or here.port
    contact = sip.Uri("sip", host, "mcu", port=port, params={"transport": here.transport.lower()})
    av = mcu.Mcu(
        endpoint,
        mcu.McuConfig(mcu_id="mcu", http_url=f"{base}/mcu", sip_contact=contact, factory_url=f"{base}/mcu-factory"),
        entropy=entropy.child("mcu"),
        policy=dial_out_policy,
    )
    services: dict[str, C3PService] = {"/focus": conferences, "/mcu-factory": factory, "/mcu": av}
    return Host("server", endpoint, (records, conferences, av), services=services, others=[factory])
