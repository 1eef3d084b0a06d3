"""What is kept of calls whose callers follow no Route: whose it is, how much, and for how long."""

from __future__ import annotations

from typing import cast

import pytest

from focus.active import ActiveConferences
from focus.ways_in import off_route
from focus.ways_in.off_route import OffRoute
from focus.ways_in.way import Way
from sip import Address, AddressOfRecord, Flow, Request, Response, TransactionId, Uri

NUMBER = "sip:234567890@example.com"
MCU = "<sip:mcu@192.0.2.9:5070>"
ROUTE = "<sip:192.0.2.1;lr;flow=token>"
WAY = Way(
    address=Uri.parse("sip:mcu@192.0.2.9"),
    conference="c",
    user=AddressOfRecord.read("sip:phone@example.com"),
    mcu_type="audio-video",
)


class Nowhere:
    """No conference is active."""

    def get(self, key: str) -> None:
        return None


def flow(number: int = 1, host: str = "198.51.100.7", transport: str = "UDP") -> Flow:
    return Flow(number, transport, Address("192.0.2.1", 5060), Address(host, 5060))


def request(
    method: str = "INVITE", *, call_id: str = "c1", to_tag: str = "", uri: str = NUMBER, **more: str
) -> Request:
    to = f"<{NUMBER}>{f';tag={to_tag}' if to_tag else ''}"
    lines = [("From", "<sip:uac@198.51.100.7>;tag=mine"), ("To", to), ("Call-ID", call_id), ("CSeq", f"1 {method}")]
    return Request.build(method, uri, headers=[*lines, *more.items()])


def answer(call_id: str = "c1", status: int = 200, contact: str = MCU) -> Response:
    headers = [("Contact", contact), ("Record-Route", ROUTE)]
    return request(call_id=call_id).response(status, to_tag="theirs", headers=headers)


def kept(count: int = 1) -> OffRoute:
    calls = OffRoute(cast(ActiveConferences, Nowhere()))
    for number in range(count):
        calls.begun(TransactionId(number), request(call_id=f"c{number + 1}"), flow(), WAY, now=0.0)
        calls.answered(answer(f"c{number + 1}"))
    return calls


@pytest.mark.parametrize("uri", [NUMBER, MCU.strip("<>")])
def test_a_request_gets_the_route_and_the_target_that_it_lacks(uri: str) -> None:
    calls, bye = kept(), request("BYE", to_tag="theirs", uri=uri)
    assert calls.knows(bye, flow())
    onward = calls.onward(bye, flow())
    assert (str(onward.uri), onward.headers.get("Route")) == (MCU.strip("<>"), ROUTE)
    assert len(calls) == 0


@pytest.mark.parametrize(
    ("sent", "came_by"),
    [
        (request("BYE", to_tag="theirs"), flow(2, "198.51.100.8")),
        (request("BYE", to_tag="theirs"), flow(1, transport="TCP", host="198.51.100.8")),
        (request("BYE", to_tag="others"), flow()),
        (request("BYE", to_tag="theirs", call_id="c9"), flow()),
        (request("BYE", to_tag="theirs", uri="sip:192.0.2.66"), flow()),
        (request("BYE", to_tag="theirs", Route="<sip:192.0.2.66;lr>"), flow()),
        (request("BYE"), flow()),
    ],
)
def test_nothing_else_does(sent: Request, came_by: Flow) -> None:
    calls = kept()
    assert not calls.knows(sent, came_by)
    assert "Route" not in sent.headers or calls.onward(sent, came_by) is sent


def test_an_address_whose_flow_was_forgotten_meanwhile_is_the_same_address() -> None:
    assert kept().knows(request("BYE", to_tag="theirs"), flow(99))


def test_a_name_of_somebody_elses_call_takes_nothing_away() -> None:
    calls = kept()
    calls.begun(TransactionId(7), request(), flow(2, "198.51.100.8"), WAY, now=1.0)
    calls.settled(TransactionId(7))
    assert calls.knows(request("BYE", to_tag="theirs"), flow())


def test_who_tries_again_with_a_password_has_one_call() -> None:
    calls = OffRoute(cast(ActiveConferences, Nowhere()))
    for number in (1, 2):
        calls.begun(TransactionId(number), request(), flow(), WAY, now=0.0)
    calls.settled(TransactionId(1))
    calls.answered(answer())
    calls.settled(TransactionId(2))
    assert len(calls) == 1


@pytest.mark.parametrize(("status", "contact"), [(180, MCU), (486, MCU), (200, "<sip:"), (200, "*")])
def test_without_a_2xx_that_says_where_nothing_is_known(status: int, contact: str) -> None:
    calls = OffRoute(cast(ActiveConferences, Nowhere()))
    calls.begun(TransactionId(1), request(), flow(), WAY, now=0.0)
    calls.answered(answer(status=status, contact=contact))
    assert not calls.knows(request("ACK", to_tag="theirs"), flow())
    calls.settled(TransactionId(1))
    assert len(calls) == 0


def test_the_oldest_go_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(off_route, "MOST_CALLS", 3)
    calls = kept(5)
    known = [each for each in range(1, 6) if calls.knows(request("BYE", to_tag="theirs", call_id=f"c{each}"), flow())]
    assert known == [3, 4, 5]


def test_who_is_gone_is_forgotten_within_two_looks_and_then_nothing_is_due() -> None:
    calls = kept(2)
    due = calls.first
    assert due is not None
    calls.handle_timeout(now=due)
    assert (len(calls), calls.first) == (0, None)
