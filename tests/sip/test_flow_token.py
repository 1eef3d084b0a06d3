"""Flow tokens."""

from sip import Address, Flow
from sip.servers.flow_token import FlowTokens


def flow(number: int) -> Flow:
    return Flow(number, "TCP", Address("192.0.2.10", 5060), Address("192.0.2.1", 40000 + number))


def test_a_token_gives_its_flows_back() -> None:
    tokens = FlowTokens(b"key", limit=10)
    assert tokens.read(tokens.issue(flow(1), flow(2), scope="call"), scope="call") == (flow(1), flow(2))
    assert tokens.read(tokens.issue(None, flow(2), scope="call"), scope="call") == (None, flow(2))


def test_a_token_is_worth_nothing_for_another_call_key_or_flow() -> None:
    tokens = FlowTokens(b"key", limit=10)
    token = tokens.issue(flow(1), None, scope="call")
    assert tokens.read(token, scope="another") is None
    assert FlowTokens(b"other", limit=10).read(token, scope="call") is None
    assert tokens.read(token.replace("1.", "2.", 1), scope="call") is None
    assert tokens.read("", scope="call") is None
    assert tokens.read("nonsense", scope="call") is None


def test_a_forgotten_flow_leaves_a_valid_token_without_flow() -> None:
    tokens = FlowTokens(b"key", limit=1)
    token = tokens.issue(flow(1), None, scope="call")
    tokens.issue(flow(2), None, scope="call")
    assert tokens.read(token, scope="call") == (None, None)
