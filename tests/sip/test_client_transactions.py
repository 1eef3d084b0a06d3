"""Client transactions: when requests are sent again, and when they are given up."""

import pytest

from sip import (
    EndpointConfig,
    FailureCause,
    InviteReceived,
    LocalProtocolError,
    RequestFailed,
    RequestReceived,
    ResponseReceived,
    SessionFailed,
)
from sip.testing.network import Network, raw_request


def test_invite_over_udp_is_sent_seven_times_then_times_out() -> None:
    net = Network()
    alice = net.agent("alice")
    alice.invite("sip:nobody@192.0.2.77;transport=udp")
    net.run(40)
    assert net.sent("INVITE") == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    failed = alice.one(SessionFailed)
    assert (failed.cause, failed.status, failed.before_provisional) == (FailureCause.TIMEOUT, None, True)
    assert alice.idle


def test_other_requests_over_udp_are_sent_eleven_times_then_time_out() -> None:
    net = Network()
    alice = net.agent("alice")
    alice.ask("sip:nobody@192.0.2.77;transport=udp")
    net.run(40)
    assert net.sent("MESSAGE") == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert alice.one(RequestFailed).reason == "timeout"
    assert alice.idle


@pytest.mark.parametrize("method", ["MESSAGE", "INVITE"])
def test_nothing_is_sent_again_over_tcp(method: str) -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob", core=False)
    bob.deaf = True
    alice.invite(bob.uri("tcp")) if method == "INVITE" else alice.ask(bob.uri("tcp"), method)
    net.run(40)
    assert len(net.sent(method)) == 1
    assert alice.idle


def test_timers_follow_the_settings() -> None:
    net = Network()
    alice = net.agent("alice", EndpointConfig(t1=0.1, t2=0.3))
    alice.ask("sip:nobody@192.0.2.77;transport=udp")
    net.run(10)
    sent = [round(at, 6) for at in net.sent("MESSAGE")]
    assert sent[:6] == [0, 0.1, 0.3, 0.6, 0.9, 1.2]
    assert max(sent) < 6.4


def test_a_provisional_answer_stops_invites_and_slows_other_requests_down() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    alice.invite(bob.uri())
    net.run(20)
    assert net.sent("INVITE") == [0]
    assert net.sent("100 Trying") == [0.21]
    net.log.clear()
    start = net.now
    alice.ask(bob.uri())
    net.run(15)
    # Bob's 100 comes 3.5 s later; from then on timer E is T2.
    assert [round(at - start, 3) for at in net.sent("MESSAGE")] == [0, 0.5, 1.5, 3.5, 7.5, 11.5]
    assert round(net.sent("100 Trying")[0] - start, 3) == 3.51


def test_a_refusal_of_an_invite_is_acknowledged_every_time_it_comes() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 486, now=net.now))
    acks = 0

    def lose_first_two_acks(data: bytes) -> bool:
        nonlocal acks
        acks += data.startswith(b"ACK")
        return data.startswith(b"ACK") and acks <= 2

    net.drop = lose_first_two_acks
    alice.invite(bob.uri())
    net.run(50)
    assert [round(at, 3) for at in net.sent("486")] == [0.01, 0.51, 1.51]
    assert len(net.sent("ACK")) == 3
    ack, invite = net.requests("ACK")[0], net.requests("INVITE")[0]
    assert ack.via[0].branch == invite.via[0].branch
    assert len(ack.via) == 1
    assert ack.to.tag == net.responses(486)[0].to.tag
    assert (ack.cseq.number, ack.cseq.method, ack.uri) == (invite.cseq.number, "ACK", invite.uri)
    assert alice.one(SessionFailed).status == 486
    assert alice.idle
    assert bob.idle


def test_an_answer_without_transaction_is_dropped_and_counted() -> None:
    net = Network()
    alice = net.agent("alice")
    stray = raw_request("MESSAGE").replace(b"MESSAGE sip:bob@192.0.2.1 SIP/2.0", b"SIP/2.0 200 OK", 1)
    net.inject(alice, stray)
    assert alice.events == []
    assert alice.endpoint.counters == {"dropped: response without transaction": 1}


def test_a_second_final_answer_is_not_reported() -> None:
    net = Network(duplication=1.0)
    alice, bob = net.agent("alice"), net.agent("bob")
    bob.on(RequestReceived, lambda e: bob.endpoint.respond(e.transaction, 200, now=net.now))
    alice.ask(bob.uri())
    net.run(60)
    assert len(alice.of(ResponseReceived)) == 1
    assert len(bob.of(RequestReceived)) == 1
    assert alice.idle
    assert bob.idle


def test_requests_fail_when_their_connection_closes() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    alice.ask(bob.uri("tcp"))
    net.run(1)
    flow = bob.one(RequestReceived).flow
    net.close(bob, flow)
    assert alice.one(RequestFailed).reason == "transport"
    net.run(40)
    assert alice.idle


def test_requests_fail_when_a_datagram_cannot_be_delivered() -> None:
    net = Network()
    alice = net.agent("alice")
    alice.ask("sip:nobody@192.0.2.77;transport=udp")
    net.run(0.1)
    flow = next(flow for flow in net.wire.flows.values())
    alice.take(alice.endpoint.send_failed(flow, now=net.now))
    assert alice.one(RequestFailed).reason == "transport"
    net.run(1)
    assert alice.idle


def test_methods_with_commands_of_their_own_are_refused_as_plain_requests() -> None:
    net = Network()
    alice = net.agent("alice")
    for method in ("INVITE", "SUBSCRIBE", "ACK", "CANCEL"):
        with pytest.raises(LocalProtocolError):
            alice.ask("sip:bob@192.0.2.77", method)
    with pytest.raises(LocalProtocolError):
        alice.ask("sip:bob@192.0.2.77", "MESSAGE", headers=[("Subject", "one\r\nInjected: two")])
    assert alice.endpoint.sizes["transactions"] == 0
    assert alice.endpoint.next_timeout() is None


def test_a_request_keeps_call_id_and_cseq_that_it_is_given() -> None:
    net = Network()
    alice, bob = net.agent("alice"), net.agent("bob")
    alice.endpoint.request(
        "ua",
        "REGISTER",
        bob.uri(),
        from_="<sip:a@example.com>",
        to="<sip:a@example.com>",
        call_id="mine@example.com",
        cseq=7,
        now=net.now,
    )
    net.run(0.1)
    request = bob.one(RequestReceived).request
    assert (request.call_id, request.cseq.number) == ("mine@example.com", 7)
