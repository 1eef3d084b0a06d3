"""Bindings: which flow reaches a contact, and when it ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Address, Binding, Flow, NameAddr, Uri
from sip.servers.location import Location

UDP = Flow(1, "UDP", Address("192.0.2.10", 5060), Address("192.0.2.1", 5061))
TCP = Flow(2, "TCP", Address("192.0.2.10", 5060), Address("192.0.2.1", 40001))


def binding(
    contact: str = "<sip:bob@192.0.2.1>", aor: str = "bob", expires_at: float = 100.0, **more: object
) -> Binding:
    made = NameAddr.parse(contact)
    return Binding(aor=aor, contact=made, expires_at=expires_at, call_id="c", cseq=1, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contact", "received", "more", "expected"),
    [
        ("<sip:bob@192.0.2.1:5060>", UDP, {}, None),  # the port in Contact counts: it may listen elsewhere
        ("<sip:bob@10.0.0.7:5060>", UDP, {}, UDP),  # behind a NAT
        ("<sip:bob@laptop.example:5060>", UDP, {}, UDP),  # a name that only the phone knows
        ("<sip:bob@192.0.2.1:5060>", UDP, {"reg_id": "1"}, UDP),  # RFC 5626
        ("<sip:bob@192.0.2.1:40001;transport=tcp>", TCP, {}, TCP),
        ("<sip:bob@192.0.2.1>", None, {}, None),
        ("<sip:bob@10.0.0.7>", TCP, {"route": (NameAddr.parse("<sip:edge.example;lr>"),)}, None),
    ],
)
def test_the_flow_of_a_contact(
    contact: str, received: Flow | None, more: dict[str, object], expected: Flow | None
) -> None:
    assert binding(contact, received=received, **more).flow == expected


def test_the_same_instance_replaces_whatever_its_address() -> None:
    old = binding("<sip:bob@192.0.2.1:1>", instance="urn:uuid:1", reg_id="1")
    elsewhere = Uri.parse("sip:bob@192.0.2.9:9")
    assert old.names("urn:uuid:1", "1", elsewhere)
    assert not old.names("urn:uuid:1", "2", old.uri)
    assert not old.names("urn:uuid:2", "1", old.uri)
    assert old.names(None, None, old.uri)


def test_a_contact_over_a_connection_that_is_gone_is_reached_by_its_address() -> None:
    assert binding().flow is None
    assert binding(received=UDP).flow is None


def test_preferred_contacts_come_first() -> None:
    location = Location()
    location.replace("bob", [binding(q=0.1), binding(q=0.9), binding(q=0.9, expires_at=200.0)])
    assert [(each.q, each.expires_at) for each in location.of("bob")] == [(0.9, 200.0), (0.9, 100.0), (0.1, 100.0)]


def test_what_has_ended_is_removed_once() -> None:
    location = Location()
    location.replace("bob", [binding(expires_at=10.0), binding(expires_at=20.0)])
    location.replace("carol", [binding(aor="carol", expires_at=15.0)])
    assert location.next_end() == 10.0
    assert [each.expires_at for each in location.expire(15.0)] == [10.0, 15.0]
    assert [each.aor for each in location] == ["bob"]
    assert location.next_end() == 20.0
    assert location.expire(19.0) == []
    location.replace("bob", ())
    assert location.next_end() is None


def test_renewing_for_ever_takes_no_more_room() -> None:
    location = Location()
    for end in range(1, 1000):
        location.replace("bob", [binding(expires_at=float(end))])
    assert len(location._ends) < 30
    assert location.next_end() == 999.0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=60), st.integers(0, 50))
def test_the_next_end_is_always_the_earliest(changes: list[tuple[str, int]], now: int) -> None:
    location = Location()
    for aor, end in changes:
        location.replace(aor, [binding(aor=aor, expires_at=float(end))] if end else [])
    ends = [each.expires_at for each in location]
    assert location.next_end() == min(ends, default=None)
    location.expire(float(now))
    assert sorted(each.expires_at for each in location) == sorted(end for end in ends if end > now)
