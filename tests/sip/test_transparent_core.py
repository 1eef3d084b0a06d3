"""What a proxy gets from the endpoint: raw requests, responses without our Via, CANCEL and ACK to forward."""

import pytest

from sip import (
    AckReceived,
    CancelReceived,
    Claim,
    InviteReceived,
    LocalProtocolError,
    ProvisionalReceived,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    ServerTransactionEnded,
    SessionAnswered,
    SessionConfirmed,
    SessionEnded,
    SessionFailed,
    TransactionId,
    Uri,
)
from sip.testing.network import Agent, Network, raw_request


class Relay:
    """A proxy that forwards everything to one place, and every response back."""

    def __init__(self, net: Network, agent: Agent, target: Agent) -> None:
        self.net, self.agent, self.endpoint = net, agent, agent.endpoint
        self.hop = Uri.parse(target.uri())
        self.upstream: dict[int, TransactionId | None] = {}
        self.invites: dict[int, int] = {}
        agent.add_core(owner="proxy", claim=Claim.PROXY, transparent=True, methods=())
        agent.on(RequestReceived, self.forward)
        agent.on(ProvisionalReceived, self.back)
        agent.on(ResponseReceived, self.back)
        agent.on(AckReceived, lambda e: self.endpoint.forward_stateless(e.request, next_hop=self.hop, now=net.now))
        agent.on(CancelReceived, self.cancel)

    def forward(self, event: RequestReceived) -> None:
        if event.transaction is None:
            self.endpoint.forward_stateless(event.request, next_hop=self.hop, now=self.net.now)
            return
        request = event.request.evolve(add=[("Record-Route", f"<sip:{self.agent.host};transport=udp;lr>")])
        number = self.endpoint.forward("proxy", request, next_hop=self.hop, branch="loop1", now=self.net.now)
        self.upstream[number] = event.transaction
        self.invites[event.transaction] = number

    def back(self, event: ProvisionalReceived | ResponseReceived) -> None:
        transaction = self.upstream[event.request_id]
        if transaction is not None and event.response.status != 100:
            self.endpoint.send_response(transaction, event.response, now=self.net.now)

    def cancel(self, event: CancelReceived) -> None:
        self.endpoint.cancel_request(self.invites[event.transaction], now=self.net.now)  # type: ignore[arg-type]


@pytest.fixture
def parties(net: Network) -> tuple[Agent, Agent, Agent]:
    alice, proxy, bob = net.agent("alice"), net.agent("proxy", core=False), net.agent("bob")
    Relay(net, proxy, bob)
    return alice, proxy, bob


def test_a_call_through_a_proxy(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, bob = parties
    bob.on(
        InviteReceived,
        lambda e: (bob.endpoint.progress(e.session, now=net.now), bob.endpoint.accept(e.session, now=net.now)),
    )
    session = alice.invite(proxy.uri())
    net.run(1)
    assert alice.one(SessionAnswered)
    assert bob.one(SessionConfirmed)
    invite = bob.one(InviteReceived).request
    assert [via.host for via in invite.via] == [proxy.host, alice.host]
    assert invite.via[0].branch == "z9hG4bKloop1"
    assert [len(event.response.via) for event in proxy.of(ResponseReceived)] == [1]
    view = alice.endpoint.session(session)
    assert [route.uri.host for route in view.route_set] == [proxy.host]
    alice.endpoint.bye(session, now=net.now)
    net.run(70)
    assert bob.one(SessionEnded)
    assert proxy.one(ServerTransactionEnded)
    assert [agent.idle for agent in parties] == [True, True, True]


def test_a_retransmitted_2xx_goes_through(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, bob = parties
    bob.on(InviteReceived, lambda e: bob.endpoint.accept(e.session, now=net.now))
    net.drop = lambda data: data.startswith(b"ACK") and net.now < 2
    alice.invite(proxy.uri())
    net.run(5)
    assert len(proxy.of(ResponseReceived)) > 1
    assert len(alice.of(SessionAnswered)) == 1
    assert bob.one(SessionConfirmed)


def test_a_refusal_is_acknowledged_hop_by_hop(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, bob = parties
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 486, now=net.now))
    alice.invite(proxy.uri())
    net.run(40)
    assert alice.one(SessionFailed).status == 486
    assert proxy.of(AckReceived) == []
    assert len(net.requests("ACK", proxy)) == len(net.requests("ACK", alice)) == 1
    assert [agent.idle for agent in parties] == [True, True, True]


def test_a_cancel_is_answered_and_passed_on(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, _ = parties
    session = alice.invite(proxy.uri())
    net.run(0.5)
    alice.endpoint.cancel(session, now=net.now)
    net.run(40)
    assert proxy.one(CancelReceived)
    assert alice.one(SessionFailed).status == 487
    branches = {request.via[0].branch for request in net.requests("CANCEL", proxy)}
    assert branches == {"z9hG4bKloop1"}
    assert [agent.idle for agent in parties] == [True, True, True]


def test_benotify_is_passed_on_without_state(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    _, proxy, _ = parties
    net.inject(proxy, raw_request("BENOTIFY", "sip:x@192.0.2.2"))
    assert proxy.one(RequestReceived).transaction is None
    assert net.heads() == ["BENOTIFY"]
    assert proxy.endpoint.sizes["transactions"] == 0


def test_a_forwarded_request_that_nobody_answers_fails(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, bob = parties
    bob.deaf = True
    alice.ask(proxy.uri())
    net.run(80)
    assert proxy.one(RequestFailed).reason == "timeout"


def test_what_is_over_is_not_an_error_and_what_never_was_is(net: Network, parties: tuple[Agent, Agent, Agent]) -> None:
    alice, proxy, bob = parties
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    alice.ask(proxy.uri())
    net.run(60)
    response = proxy.one(ResponseReceived)
    transaction = proxy.one(RequestReceived).transaction
    assert transaction is not None
    proxy.endpoint.send_response(transaction, response.response, now=net.now)
    proxy.endpoint.cancel_request(response.request_id, now=net.now)
    with pytest.raises(LocalProtocolError):
        proxy.endpoint.send_response(TransactionId(10**6), response.response, now=net.now)
