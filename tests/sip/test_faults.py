"""What raises although it never should is answered and told of, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection

import pytest

from sip import (
    Address,
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    Flow,
    InternalFault,
    InviteReceived,
    Listen,
    LocalProtocolError,
    Proxy,
    Pump,
    RequestReceived,
    Response,
    SeededEntropy,
    SessionAnswered,
    SessionCancelled,
    SessionEnded,
    SubscribeReceived,
    parse_message,
)
from sip.testing import Agent, Network
from sip.testing.network import raw_request

METHODS = ("INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "INFO", "OPTIONS", "BYE")


class Broken(Exception):
    """Raised by the cores below."""


class Core:
    """A core that raises wherever it is told to."""

    def __init__(self, endpoint: Endpoint, owner: str, raises: Collection[str] = ()) -> None:
        self.endpoint, self.owner, self.raises = endpoint, owner, set(raises)
        self.seen: list[Event] = []
        self.due: float | None = None
        self.fired: list[float] = []
        self.react: Callable[[Event, float], None] = lambda event, now: None
        endpoint.add_core(
            owner,
            lambda request, flow: request.uri.user == owner,
            claim=Claim.ELEMENT,
            methods=METHODS,
            events=("presence", "refer"),
        )

    def _maybe(self, what: str) -> None:
        if what in self.raises:
            raise Broken(what)

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.seen.append(event)
        self.react(event, now)
        self._maybe("handle_event")
        if isinstance(event, RequestReceived) and event.transaction is not None:
            self.endpoint.respond(event.transaction, 200, now=now)
        return []

    def next_timeout(self) -> float | None:
        self._maybe("next_timeout")
        return self.due

    def handle_timeout(self, *, now: float) -> list[Event]:
        self._maybe("handle_timeout")
        self.fired.append(now)
        self.due = None
        return []

    def take_events(self) -> list[Event]:
        self._maybe("take_events")
        return []


ENTRIES = ("handle_event", "next_timeout", "handle_timeout", "take_events")
HERE, THERE = Address("192.0.2.1", 5060), Address("192.0.2.99", 5060)


class Site:
    """A pump with a core that works and one that may not, reached over UDP or TCP."""

    def __init__(self, transport: str, raises: Collection[str] = ()) -> None:
        listen = (Listen("UDP", HERE.host, 5060), Listen("TCP", HERE.host, 5060))
        self.endpoint = Endpoint(EndpointConfig(listen=listen), entropy=SeededEntropy(b"faults"))
        self.bad = Core(self.endpoint, "bad", raises)
        self.good = Core(self.endpoint, "good")
        self.pump = Pump(self.endpoint, [self.bad, self.good])
        self.flow = Flow(1, transport, HERE, THERE)
        self.via = f"SIP/2.0/{transport} 192.0.2.99:5060;branch=z9hG4bK"
        self.events: list[Event] = []

    def request(self, method: str, user: str, number: int, extra: Collection[str] = ()) -> bytes:
        return raw_request(
            method,
            f"sip:{user}@192.0.2.1",
            via=f"{self.via}{number}",
            call_id=f"call-{number}",
            cseq=f"{number} {method}",
            extra=("Contact: <sip:carol@192.0.2.99>", *extra),
        )

    def receive(self, *messages: bytes, now: float = 0.0) -> None:
        """Take messages: datagrams, or one piece of a stream."""
        for data in messages if self.flow.transport == "UDP" else [b"".join(messages)]:
            self.events += self.pump.receive_data(data, flow=self.flow, now=now)

    def answers(self) -> list[Response]:
        found = [parse_message(each.data) for each in self.pump.data_to_send()]
        return [each for each in found if isinstance(each, Response) and each.status >= 200]

    @property
    def faults(self) -> list[InternalFault]:
        return [event for event in self.events if isinstance(event, InternalFault)]

    def run(self, until: float) -> None:
        """Let time pass."""
        for _ in range(10_000):
            at = self.pump.next_timeout()
            if at is None or at > until:
                return
            self.events += self.pump.handle_timeout(now=at)
        raise AssertionError("a timer is tried again for ever")


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("entry", ENTRIES)
def test_a_core_that_raises_in_any_entry_keeps_nobody_else_from_being_served(entry: str, transport: str) -> None:
    site = Site(transport, [entry])
    site.bad.due = site.good.due = 5.0
    site.receive(site.request("MESSAGE", "bad", 1), site.request("MESSAGE", "good", 2))
    statuses = {answer.call_id: answer.status for answer in site.answers()}
    assert statuses == {"call-1": 500 if entry == "handle_event" else 200, "call-2": 200}
    site.run(100.0)
    assert site.good.fired == [5.0]
    assert not any(site.endpoint.sizes.values())
    assert {(fault.owner, fault.error) for fault in site.faults} == {("bad", f"Broken: {entry}")}
    assert all(isinstance(fault.exception, Broken) and fault.exception.__traceback__ for fault in site.faults)
    site.receive(site.request("MESSAGE", "good", 3), now=200.0)
    assert [answer.status for answer in site.answers()] == [200]


def test_a_question_that_always_raises_is_reported_once() -> None:
    site = Site("UDP", ["take_events", "next_timeout"])
    for number in range(10):
        site.receive(site.request("MESSAGE", "good", number), now=float(number))
        site.pump.next_timeout()
    assert len(site.faults) == 2
    assert site.pump.counters["internal fault"] >= 20


def test_a_timeout_that_always_raises_is_tried_less_and_less_often() -> None:
    site = Site("UDP", ["handle_timeout"])
    site.bad.due = 1.0
    site.run(3600.0)
    assert 5 < len(site.faults) < 100
    site.bad.raises.clear()
    site.run(3700.0)
    assert len(site.bad.fired) == 1


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_the_fault_shows_the_message_without_credentials_and_body(transport: str) -> None:
    site = Site(transport, ["handle_event"])
    digest = 'username="carol", realm="x", nonce="n", uri="sip:bad", response="5ecret"'
    secrets = [
        f"Authorization: Digest {digest}",
        "Proxy-Authorization : Basic 5ecret",
        "Authorization: 5ecret",
        "Authorization: 5ecret word",
    ]
    site.receive(site.request("MESSAGE", "bad", 1, secrets))
    [fault] = site.faults
    assert fault.message.startswith(b"MESSAGE sip:bad@192.0.2.1 SIP/2.0\r\n")
    assert b"Authorization: Digest ***\r\n" in fault.message
    assert b"5ecret" not in fault.message
    assert b"5ecret" not in repr(fault).encode()
    assert fault.doing == "handle RequestReceived"


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("first", ["nothing", "rings", "accepts", "refuses"])
def test_a_call_whose_core_raised_ends(first: str, transport: str) -> None:
    site = Site(transport, ["handle_event"])

    def react(event: Event, now: float) -> None:
        if isinstance(event, InviteReceived):
            {
                "nothing": lambda: None,
                "rings": lambda: site.endpoint.progress(event.session, 180, now=now),
                "accepts": lambda: site.endpoint.accept(event.session, now=now),
                "refuses": lambda: site.endpoint.reject(event.session, 486, now=now),
            }[first]()

    site.bad.react = react
    site.receive(site.request("INVITE", "bad", 1))
    [answer] = site.answers()
    assert answer.status == {"nothing": 500, "rings": 500, "accepts": 200, "refuses": 486}[first]
    over = [event for event in site.bad.seen if isinstance(event, SessionCancelled | SessionEnded)]
    assert len(over) == (first in ("nothing", "rings"))
    site.run(500.0)
    assert not any(site.endpoint.sizes.values())
    # The event that tells the core of the end raises as well, and that is one fault more.
    assert 1 <= len(site.faults) <= 2


def test_an_accepted_call_whose_core_raised_is_ended_with_bye() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    net.faults_raise = False
    core = bob.run_core(Core(bob.endpoint, "bob", ["handle_event"]))
    core.react = lambda event, now: (
        bob.endpoint.accept(event.session, now=now) if isinstance(event, InviteReceived) else None
    )
    alice.invite(bob.uri())
    net.run(500.0)
    assert len(net.requests("BYE", by=bob)) == 1
    assert [event.cause.value for event in alice.of(SessionEnded)] == ["bye received"]
    assert alice.idle
    assert bob.idle


def test_a_call_of_ours_whose_answer_the_core_cannot_take_is_ended_with_bye() -> None:
    net = Network()
    alice, bob = net.agent("alice", core=False), net.agent("bob")
    net.faults_raise = False
    core = alice.run_core(Core(alice.endpoint, "ua"))
    core.react = lambda event, now: core.raises.add("handle_event") if isinstance(event, SessionAnswered) else None
    bob.on(InviteReceived, lambda event: bob.endpoint.accept(event.session, now=net.now))
    alice.invite(bob.uri())
    net.run(500.0)
    assert len(net.requests("BYE", by=alice)) == 1
    assert alice.idle
    assert bob.idle


@pytest.mark.parametrize("accepts", [False, True])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_subscription_whose_core_raised_ends(transport: str, accepts: bool) -> None:
    site = Site(transport, ["handle_event"])

    def react(event: Event, now: float) -> None:
        if accepts and isinstance(event, SubscribeReceived):
            site.endpoint.accept_subscription(event.subscription, expires=3600, now=now)

    site.bad.react = react
    site.receive(site.request("SUBSCRIBE", "bad", 1, ["Event: presence"]))
    [answer] = site.answers()
    assert answer.status == (200 if accepts else 500)
    site.run(200.0)
    assert not any(site.endpoint.sizes.values())


def test_a_refer_whose_core_raised_is_answered() -> None:
    site = Site("UDP", ["handle_event"])
    site.receive(site.request("REFER", "bad", 1, ["Refer-To: <sip:x@example.com>"]))
    assert [answer.status for answer in site.answers()] == [500]
    site.run(100.0)
    assert not any(site.endpoint.sizes.values())


def test_a_command_of_ours_that_is_wrong_still_raises() -> None:
    site = Site("UDP")
    with pytest.raises(LocalProtocolError):
        site.endpoint.respond(12345, 200, now=0.0)  # type: ignore[arg-type]
    assert site.pump.settle(now=0.0) == []


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_claim_that_raises_is_answered_and_the_next_message_read(transport: str) -> None:
    site = Site(transport)

    def claims(request: object, flow: Flow) -> bool:
        raise Broken("claim")

    site.endpoint.add_core("worse", claims, claim=Claim.CONFERENCE, methods=METHODS)
    site.receive(site.request("MESSAGE", "good", 1), site.request("MESSAGE", "good", 2))
    assert [answer.status for answer in site.answers()] == [500, 500]
    assert [fault.owner for fault in site.faults] == ["", ""]
    assert site.endpoint.counters["internal fault"] == 2
    site.run(100.0)
    assert not any(site.endpoint.sizes.values())


def test_a_timer_that_raised_is_gone_and_the_others_fire() -> None:
    site = Site("UDP")
    fired: list[str] = []

    def explode(now: float) -> None:
        fired.append("bad")
        raise Broken("timer")

    timers = site.endpoint._context.timers  # nothing in the public interface can be made to raise in a timer
    timers.start(1.0, explode)
    timers.start(1.0, lambda now: fired.append("good"))
    site.run(100.0)
    assert fired == ["bad", "good"]
    assert [fault.doing for fault in site.faults] == ["fire a timer"]


class Gone(Proxy):
    """A proxy that cannot take answers."""

    broken = "ResponseReceived"

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        if type(event).__name__ == self.broken:
            raise Broken(self.broken)
        return super().handle_event(event, now=now)


@pytest.mark.parametrize("broken", ["ResponseReceived", "ProvisionalReceived", "RequestFailed", "RequestReceived"])
@pytest.mark.parametrize("method", ["INVITE", "MESSAGE"])
def test_a_proxy_that_raises_answers_the_request_that_it_was_about(method: str, broken: str) -> None:
    net = Network()
    net.faults_raise = False
    alice, middle, bob = net.agent("alice"), net.agent("middle", core=False), net.agent("bob")
    proxy = middle.run_core(Gone(middle.endpoint, entropy=SeededEntropy(b"p"), may_relay=lambda request, flow: True))
    proxy.broken = broken

    def answer(agent: Agent, event: InviteReceived) -> None:
        agent.endpoint.progress(event.session, 180, now=net.now)
        agent.endpoint.reject(event.session, 486, now=net.now)

    bob.on(InviteReceived, lambda event: answer(bob, event))
    bob.on(RequestReceived, lambda event: bob.endpoint.respond(event.transaction or 0, 200, now=net.now))  # type: ignore[arg-type]
    bob.deaf = broken == "RequestFailed"
    route = (f"<sip:{middle.host}:5060;lr;transport=udp>",)
    headers = [("Route", each) for each in route]
    target = f"sip:bob@{middle.host};transport=udp"
    if method == "INVITE":
        alice.invite(target, headers=headers)
    else:
        alice.ask(target, headers=headers)
    net.run(700.0)
    assert proxy.owner == "proxy"
    assert not any(proxy.sizes.values())
    for agent in (alice, middle, bob):
        assert agent.idle, (agent.name, agent.endpoint.sizes)
