"""Requests that are refused with 401 or 407 are tried once more with credentials, whatever they are."""

import pytest

from sip import (
    Credentials,
    EndpointConfig,
    InviteReceived,
    ReinviteReceived,
    Request,
    RequestReceived,
    ResponseReceived,
    SessionAnswered,
    SessionEnded,
    SessionFailed,
    SubscribeReceived,
    SubscriptionAccepted,
)
from sip.testing.network import Agent, Network

CHALLENGE = 'Digest realm="example.com", nonce="n1", qop="auth", algorithm=SHA-256'


@pytest.fixture
def alice(net: Network) -> Agent:
    known = {"example.com": Credentials("alice", "secret")}
    return net.agent("alice", EndpointConfig(credentials=known.get))


def authorized(request: Request) -> bool:
    return "Proxy-Authorization" in request.headers


def challenge(agent: Agent, transaction: int) -> None:
    headers = [("Proxy-Authenticate", CHALLENGE)]
    agent.endpoint.respond(transaction, 407, headers=headers, now=agent.net.now)  # type: ignore[arg-type]


def test_a_plain_request_is_tried_again(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(
        RequestReceived,
        lambda e: (
            bob.endpoint.respond(e.transaction, 200, now=net.now)
            if authorized(e.request)
            else challenge(bob, e.transaction)
        ),
    )
    request = alice.ask(bob.uri())
    net.run(1)
    answer = alice.one(ResponseReceived)
    assert (answer.request_id, answer.response.status) == (request, 200)
    first, second = net.requests("MESSAGE")
    assert second.cseq.number == first.cseq.number + 1
    assert (first.call_id, first.from_) == (second.call_id, second.from_)
    assert first.via[0].branch != second.via[0].branch
    credentials = second.headers.get("Proxy-Authorization", "")
    assert 'username="alice"' in credentials
    assert "secret" not in credentials


def test_a_second_refusal_is_final(net: Network, alice: Agent, bob: Agent) -> None:
    bob.on(RequestReceived, lambda e: challenge(bob, e.transaction))
    alice.ask(bob.uri())
    net.run(1)
    assert len(net.requests("MESSAGE")) == 2
    assert alice.one(ResponseReceived).response.status == 407


def test_without_credentials_the_refusal_is_final(net: Network, alice: Agent, bob: Agent) -> None:
    alice.on(RequestReceived, lambda e: challenge(alice, e.transaction))
    bob.ask(alice.uri())
    net.run(1)
    assert bob.one(ResponseReceived).response.status == 407


def test_credentials_that_come_up_later_serve_their_realm_until_they_are_taken_back(
    net: Network, alice: Agent, bob: Agent
) -> None:
    alice.on(RequestReceived, lambda e: challenge(alice, e.transaction))
    bob.endpoint.set_credentials("another", Credentials("bob", "secret"))
    bob.ask(alice.uri())
    net.run(1)
    assert len(net.requests("MESSAGE")) == 1
    bob.endpoint.set_credentials("example.com", Credentials("bob", "secret"))
    bob.ask(alice.uri())
    net.run(1)
    first, second = net.requests("MESSAGE")[1:]
    assert ("Proxy-Authorization" in first.headers, "Proxy-Authorization" in second.headers) == (False, True)
    bob.endpoint.set_credentials("example.com", None)
    bob.ask(alice.uri())
    net.run(1)
    assert len(net.requests("MESSAGE")) == 4


def test_a_call_is_made_and_ended_with_credentials(net: Network, alice: Agent, bob: Agent) -> None:
    def react(event: InviteReceived) -> None:
        if authorized(event.request):
            bob.endpoint.accept(event.session, now=net.now)
        else:
            headers = [("Proxy-Authenticate", CHALLENGE)]
            bob.endpoint.reject(event.session, 407, headers=headers, now=net.now)

    bob.on(InviteReceived, react)
    bob.on(
        ReinviteReceived,
        lambda e: (
            bob.endpoint.respond(e.transaction, 200, now=net.now)
            if authorized(e.request)
            else challenge(bob, e.transaction)
        ),
    )
    session = alice.invite(bob.uri())
    net.run(1)
    assert alice.one(SessionAnswered)
    ack = net.requests("ACK")[-1]
    assert ack.headers.get("Proxy-Authorization") == net.requests("INVITE")[-1].headers.get("Proxy-Authorization")
    request = alice.endpoint.reinvite(session, body=b"v=0", content_type="application/sdp", now=net.now)
    net.run(1)
    assert alice.one(ResponseReceived).request_id == request
    assert alice.one(ResponseReceived).response.status == 200
    alice.endpoint.bye(session, now=net.now)
    net.run(40)
    assert bob.one(SessionEnded)
    assert alice.idle
    assert bob.idle


def test_a_call_that_is_refused_again_fails(net: Network, alice: Agent, bob: Agent) -> None:
    headers = [("Proxy-Authenticate", CHALLENGE)]
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 407, headers=headers, now=net.now))
    alice.invite(bob.uri())
    net.run(1)
    assert len(net.requests("INVITE")) == 2
    assert alice.one(SessionFailed).status == 407


def test_a_subscription_is_made_with_credentials(net: Network, alice: Agent, bob: Agent) -> None:
    def react(event: SubscribeReceived) -> None:
        if authorized(event.request):
            bob.endpoint.accept_subscription(event.subscription, now=net.now)
            bob.endpoint.notify(event.subscription, now=net.now)
        else:
            headers = [("Proxy-Authenticate", CHALLENGE)]
            bob.endpoint.reject_subscription(event.subscription, 407, headers=headers, now=net.now)

    bob.on(SubscribeReceived, react)
    alice.endpoint.subscribe(
        "ua", bob.uri(), event="conference", from_="<sip:a@example.com>", to="<sip:b@example.com>", now=net.now
    )
    net.run(1)
    assert alice.one(SubscriptionAccepted)
