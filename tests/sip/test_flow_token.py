"""Flow tokens."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Address, Flow
from sip.servers.flow_token import PATH, DialogEnd, FlowTokens, UnreadableToken, dialog_scope
from tests.sip.test_proxy import request

CALL = dialog_scope("call", "a")


def flow(number: int, transport: str = "TCP", host: str = "192.0.2.1") -> Flow:
    return Flow(number, transport, Address("192.0.2.10", 5060), Address(host, 40000 + number))


def tokens(key: bytes = b"key", limit: int = 10, epoch: bytes = b"1") -> FlowTokens:
    return FlowTokens(key, limit=limit, epoch=epoch)


def end(number: int | None = None, **more: object) -> DialogEnd:
    return DialogEnd(flow=None if number is None else flow(number), **more)  # type: ignore[arg-type]


def flows(issuer: FlowTokens, token: str, scope: str = CALL) -> tuple[Flow | None, Flow | None] | None:
    found = issuer.read(token, scope=scope)
    return found and (found[0].flow, found[1].flow)


def test_a_token_gives_its_flows_back() -> None:
    issuer = tokens()
    assert flows(issuer, issuer.issue(end(1), end(2), scope=CALL)) == (flow(1), flow(2))
    assert flows(issuer, issuer.issue(end(), end(2), scope=CALL)) == (None, flow(2))


def test_a_token_is_worth_nothing_for_another_call_key_or_flow() -> None:
    issuer = tokens()
    token = issuer.issue(end(1), end(), scope=CALL)
    assert flows(issuer, token, dialog_scope("another", "a")) is None
    assert flows(issuer, token, dialog_scope("call", "another")) is None
    assert flows(tokens(b"other"), token) is None
    other = issuer.issue(end(2), end(), scope=CALL)
    assert flows(issuer, other[:45] + token[45:]) is None


@given(st.text() | st.text("ABCDabcd0189-_", min_size=40))
def test_what_is_no_token_is_none_or_unreadable_and_nothing_else(text: str) -> None:
    with contextlib.suppress(UnreadableToken):
        assert tokens().read(text, scope=CALL) is None


@pytest.mark.parametrize("token", ["", "nonsense", "1.0.AAAAAAAAAAAAAAAA", "\u00e9" * 60, "A" * 41, "A%"])
def test_what_cannot_be_read_is_no_token_of_anybody(token: str) -> None:
    with pytest.raises(UnreadableToken):
        tokens().read(token, scope=CALL)


def test_a_forgotten_flow_is_known_by_its_addresses() -> None:
    issuer = tokens(limit=1)
    token = issuer.issue(end(1), end(), scope=CALL)
    issuer.issue(end(2), end(), scope=CALL)
    found = issuer.read(token, scope=CALL)
    assert found is not None
    assert (found[0].bound, found[0].flow, found[0].transport, found[0].remote) == (
        True,
        None,
        "TCP",
        Address("192.0.2.1", 40001),
    )


@given(
    transport=st.sampled_from(["UDP", "TCP", "TLS", "SCTP", "WS", "WSS"]),
    host=st.ip_addresses().map(str) | st.sampled_from(["phone.example", "fe80::1%eth0", "\u00e9.example"]),
    local=st.booleans(),
)
def test_a_later_process_knows_where_a_flow_led_and_does_not_take_one_of_its_own_for_it(
    transport: str, host: str, local: bool
) -> None:
    there = flow(1, transport, host)
    token = tokens().issue(DialogEnd(flow=there, reached="b.example", local=local), end(), scope=CALL)
    later = tokens(epoch=b"2")
    later.issue(end(1), end(), scope=CALL)
    found = later.read(token, scope=CALL)
    assert found is not None
    assert (found[0].flow, found[0].transport, found[0].remote, found[0].local) == (
        None,
        transport,
        there.remote,
        local,
    )
    assert later.is_host("b.example", found[0].reached)
    assert not later.is_host("c.example", found[0].reached)
    assert not later.is_host("", found[1].reached)


def test_the_tags_of_a_request_tell_from_which_end_it_comes() -> None:
    issuer = tokens()
    token = issuer.issue(end(1), end(2), scope=CALL)
    there = issuer.read_for(token, request("BYE", to_tag="b"))
    back = issuer.read_for(token, request("BYE", from_tag="b", to_tag="a"))
    assert there is not None
    assert back is not None
    assert (there.target.flow, back.target.flow) == (flow(2), flow(1))


def test_a_token_is_none_for_what_begins_something_or_for_other_tags() -> None:
    issuer = tokens()
    token = issuer.issue(end(1), end(2), scope=CALL)
    assert issuer.read_for(token, request()) is None
    assert issuer.read_for(token, request("BYE", from_tag="x", to_tag="b")) is None
    assert issuer.read_for(token, request("BYE", call_id="other", to_tag="b")) is None
    path = issuer.issue(end(3), end(), scope=PATH)
    found = issuer.read_for(path, request())
    assert found is not None
    assert (found.sender, found.target.flow) == (None, flow(3))
