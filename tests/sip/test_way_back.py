"""A proxy that made a connection and does not stay on the way is not the way back of a dialog."""

from __future__ import annotations

import pytest

from sip import Address, Flow, Request, parse_message
from sip.core.way_back import leads_back

FLOW = Flow(1, "TCP", Address("192.0.2.1", 5060), Address("192.0.2.11", 40_000))


def came_from(via: str) -> Request:
    lines = (
        "SUBSCRIBE sip:a@example.com SIP/2.0",
        f"Via: SIP/2.0/TCP {via};branch=z9hG4bK1",
        "From: <sip:b@example.com>;tag=1",
        "To: <sip:a@example.com>",
        "Call-ID: 1",
        "CSeq: 1 SUBSCRIBE",
        "Content-Length: 0",
    )
    request = parse_message("\r\n".join((*lines, "", "")).encode())
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("routes", "via", "back"),
    [
        ((), "client.invalid", True),  # the client itself
        (("<sip:192.0.2.11;lr>", "<sip:192.0.2.99;lr>"), "192.0.2.11:5060", True),  # a proxy that stays
        (("<sip:edge.example.com;lr>",), "edge.example.com", True),  # the same, by name
        (("<sip:192.0.2.99;lr>",), "192.0.2.11:5060", False),  # one that stepped aside, behind one that stays
    ],
)
def test_the_first_route_is_at_the_other_end(routes: tuple[str, ...], via: str, back: bool) -> None:
    assert leads_back(came_from(via), FLOW, routes) is back
