"""What is counted of requests and answers, and that nobody makes the words many."""

from hypothesis import given
from hypothesis import strategies as st

from sip import InviteReceived, Traffic
from sip.testing import Agent, Network
from sip.traffic import METHODS


def test_a_call_is_counted_once_on_both_sides_whatever_is_repeated(net: Network, alice: Agent, bob: Agent) -> None:
    lost = iter((True, True))
    net.lost = lambda sender, data: data.startswith(b"SIP/2.0 486") and next(lost, False)
    bob.on(InviteReceived, lambda e: bob.endpoint.reject(e.session, 486, now=net.now))
    alice.invite(bob.uri())
    net.run(10)
    assert alice.endpoint.traffic.requests == {("out", "INVITE"): 1}
    assert bob.endpoint.traffic.requests == {("in", "INVITE"): 1}
    assert bob.endpoint.traffic.responses == {("out", "INVITE", "486"): 1}
    assert alice.endpoint.traffic.responses[("in", "INVITE", "486")] == 1


@given(st.lists(st.tuples(st.text(max_size=20), st.integers(100, 699))))
def test_whatever_peers_send_there_are_few_words(sent: list[tuple[str, int]]) -> None:
    traffic = Traffic()
    for method, status in sent:
        traffic.request("in", method)
        traffic.response("in", method, status)
    assert {method for _, method in traffic.requests} <= METHODS | {"other"}
    assert sum(traffic.requests.values()) == len(sent)
    assert all(len(status) == 3 for _, _, status in traffic.responses)
