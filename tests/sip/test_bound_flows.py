"""What a registrar does when the connection of a client is gone (RFC 5626 section 7)."""

from __future__ import annotations

import attrs
import pytest

from sip import Address, BindingsChanged, Flow, Uri
from tests.sip.test_registrar import INSTANCE, LOCAL, TCP, Element


def connection(number: int, host: str = "192.0.2.1") -> Flow:
    return Flow(100 + number, "TCP", LOCAL, Address(host, 40000 + number))


@pytest.mark.parametrize(
    ("contact", "more", "stays"),
    [
        ("<sip:bob@192.0.2.1:5070;transport=tcp>", {}, True),  # it may listen there
        ("<sip:bob@10.0.0.7:5060;transport=tcp>", {}, False),  # behind a NAT
        ("<sip:bob@laptop.example;transport=tcp>", {}, False),
        (f"<sip:bob@192.0.2.1:5070>;{INSTANCE};reg-id=1", {"Supported": "outbound"}, False),
        ("<sip:bob@192.0.2.1:5070>;reg-id=1", {"Supported": "outbound"}, True),  # of no instance: it says nothing
        (f"<sip:bob@192.0.2.1:5070>;{INSTANCE};reg-id=1", {}, True),  # nobody promised to keep the flow
        ("<sip:bob@10.0.0.7>", {"vias": 2}, True),
        ("<sip:bob@10.0.0.7>", {"Path": "<sip:192.0.2.1;lr>"}, True),
        ("<sip:bob@10.0.0.7>", {"Path": "<sip:192.0.2.1;lr>", "vias": 2}, True),
    ],
)
def test_what_is_worth_nothing_without_its_flow_ends_with_it(contact: str, more: dict[str, str], stays: bool) -> None:
    element = Element()
    element.register(contact, flow=TCP, **more)  # type: ignore[arg-type]
    element.register("<sip:carol@10.0.0.9>", flow=connection(1), to="<sip:carol@example.com>")
    element.close(TCP)
    assert (len(element.contacts()) == 1) is stays
    assert len(element.contacts("sip:carol@example.com")) == 1
    told = [e for e in element.events if isinstance(e, BindingsChanged) and e.cause == "flow closed"]
    assert [(each.aor, each.bindings) for each in told] == ([] if stays else [("bob", ())])
    element.advance(10_000.0)
    assert element.contacts() == []


def test_all_users_of_a_flow_lose_what_they_had_on_it() -> None:
    element = Element()
    for user in ("bob", "carol"):
        element.register("<sip:x@10.0.0.7>", to=f"<sip:{user}@example.com>", call_id=user)
    element.register("<sip:x@10.0.0.8>", flow=connection(1), call_id="desk")
    element.close(TCP)
    assert element.contacts() == ["sip:x@10.0.0.8"]
    assert element.contacts("sip:carol@example.com") == []
    assert not element.registrar.knows(TCP)


@pytest.mark.parametrize("host", ["10.0.0.7", "192.0.2.1"])
def test_one_may_reconnect_as_often_as_one_likes(host: str) -> None:
    element = Element()
    for number in range(30):
        flow = connection(number)
        contact = f"<sip:bob@{host}:{40000 + number};transport=tcp>"
        assert element.register(contact, flow=flow, call_id=f"c{number}").status == 200
        element.close(flow)
        assert len(element.contacts()) <= 10


def test_connections_that_live_make_no_room() -> None:
    element = Element(max_contacts=2)
    for number in range(3):
        contact = f"<sip:bob@192.0.2.1:{40000 + number};transport=tcp>"
        status = element.register(contact, flow=connection(number), call_id=f"c{number}").status
        assert status == (200 if number < 2 else 403)


@pytest.mark.parametrize("contact", [f"<sip:bob@10.0.0.7:{{}}>;{INSTANCE}", "<sip:bob@10.0.0.7:5060>"])
@pytest.mark.parametrize("closed_first", [True, False])
def test_the_flow_that_took_the_place_of_another_is_known(contact: str, closed_first: bool) -> None:
    element = Element()
    flows = [connection(number) for number in range(3)]
    here = Uri.parse("sip:bob@10.0.0.7:1")
    for number, flow in enumerate(flows):
        element.register("<sip:eve@10.0.0.7:2>", flow=connection(50), to="<sip:eve@example.com>", call_id=f"e{number}")
        if number and closed_first:
            element.close(flows[number - 1])
        element.register(contact.format(number + 1), flow=flow, call_id=f"c{number}")
        if number and not closed_first:
            element.close(flows[number - 1])
    assert element.registrar.flow_after(flows[0], here) == flows[2]
    assert element.registrar.flow_after(flows[1], here) == flows[2]
    element.close(flows[2])
    assert element.registrar.flow_after(flows[0], here) is None
    assert element.registrar.flow_after(connection(99), here) is None


def test_only_so_many_are_remembered_that_left() -> None:
    element, device = Element(max_users=3), '+sip.instance="<urn:uuid:1>"'
    for number in range(6):
        element.register(f"<sip:bob@10.0.0.7>;{device}", flow=connection(number), call_id=f"c{number}")
        element.close(connection(number))
    element.register(f"<sip:bob@10.0.0.8>;{device}", flow=connection(9), call_id="last")
    here = Uri.parse("sip:bob@10.0.0.7")
    found = [element.registrar.flow_after(connection(number), here) for number in range(6)]
    assert found == [None, None, None, *[connection(9)] * 3]


def test_of_a_flow_that_another_process_had_the_contact_and_the_host_tell_whose_it_was() -> None:
    element = Element()
    element.register("<sip:bob@10.0.0.7>", flow=connection(1))
    here = Uri.parse("sip:bob@10.0.0.7")
    of_before = attrs.evolve(connection(77), id=0)
    assert element.registrar.flow_after(of_before, here) == connection(1)
    assert element.registrar.flow_after(attrs.evolve(of_before, transport="TLS"), here) is None
    assert element.registrar.flow_after(attrs.evolve(of_before, remote=Address("198.51.100.99", 1)), here) is None
    assert element.registrar.flow_after(of_before, Uri.parse("sip:eve@10.0.0.7")) is None
    element.close(connection(1))
    assert element.registrar.flow_after(of_before, here) is None
