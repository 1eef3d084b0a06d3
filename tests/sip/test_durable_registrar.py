"""Bindings outlast a restart, but for those on connections that the process had."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import Address, Flow, LocalProtocolError, Piece, StateUnreadable, write_piece
from tests.sip.test_registrar import BOB, INSTANCE, LOCAL, TCP, UDP, Element

#: Bob's phone, and where a NAT lets it be seen.
BEHIND_NAT = Flow(77, "UDP", LOCAL, Address("192.0.2.200", 5060))


def restarted(element: Element, pieces: list[Piece] | None = None) -> Element:
    """Another process that knows what was written, at the same time by the wall clock."""
    later = Element()
    events = later.registrar.restore(element.registrar.snapshot() if pieces is None else pieces, now=element.now)
    later.now = element.now
    assert events == []
    return later


def test_bindings_go_on_with_what_is_left_of_their_time() -> None:
    element = Element()
    element.register("<sip:bob@192.0.2.1:5072>;expires=60", BOB, Expires="600", flow=UDP)
    element.advance(30.0)
    later = restarted(element)
    assert later.contacts() == element.contacts()
    assert later.pump.next_timeout() == 60.0
    later.advance(31.0)
    assert later.contacts() == ["sip:bob@192.0.2.1:5070"]
    later.advance(600.0)
    assert later.contacts() == []


def test_what_ended_meanwhile_is_left_out_and_its_piece_removed() -> None:
    element = Element()
    element.register(BOB, flow=UDP, Expires="60")
    pieces = element.registrar.take_pieces()
    later = Element()
    later.registrar.restore(pieces, now=100.0)
    assert later.contacts() == []
    assert later.registrar.take_pieces() == [Piece(pieces[0].key, None)]
    assert later.registrar.take_pieces() == []


def test_no_binding_lasts_longer_because_the_wall_clock_was_set_back() -> None:
    element = Element(max_expires=600)
    element.now = 50_000.0
    element.register(BOB, flow=UDP, Expires="600")
    later = Element(max_expires=600)
    later.registrar.restore(element.registrar.snapshot(), now=0.0)
    assert later.pump.next_timeout() == 600.0


@pytest.mark.parametrize(
    ("contact", "flow", "more", "stays"),
    [
        (BOB, UDP, {}, True),
        ("<sip:bob@10.0.0.7:5060>", BEHIND_NAT, {}, True),
        ("<sip:bob@192.0.2.1:5070;transport=tcp>", TCP, {}, True),  # it may listen there
        ("<sip:bob@10.0.0.7:5060;transport=tcp>", TCP, {}, False),  # behind a NAT
        (f"<sip:bob@192.0.2.1:5070>;{INSTANCE};reg-id=1", TCP, {"Supported": "outbound"}, False),
        ("<sip:bob@10.0.0.7>", TCP, {"Path": "<sip:192.0.2.1;lr>", "vias": 2}, True),
    ],
)
def test_a_binding_on_a_connection_is_gone_with_the_process(
    contact: str, flow: Flow, more: dict[str, str], stays: bool
) -> None:
    element = Element()
    element.register(contact, flow=flow, **more)  # type: ignore[arg-type]
    before = element.registrar.lookup("sip:bob@example.com")
    found = restarted(element).registrar.lookup("sip:bob@example.com")
    assert len(found) == stays
    for binding in found:
        assert binding.route == before[0].route
        assert binding.uri == before[0].uri


def test_a_phone_behind_a_nat_is_reached_where_its_register_came_from() -> None:
    element = Element()
    element.register("<sip:bob@10.0.0.7:5060>", flow=BEHIND_NAT)
    element.register(
        "<sip:carol@10.0.0.8:5060>",
        flow=attrs.evolve(BEHIND_NAT, id=78, remote=Address("192.0.2.201", 5060)),
        to="<sip:carol@example.com>",
        call_id="c2",
    )
    later = restarted(element)
    flows = [later.registrar.lookup(f"sip:{user}@example.com")[0].flow for user in ("bob", "carol")]
    assert [flow and (flow.local, flow.remote) for flow in flows] == [
        (LOCAL, Address("192.0.2.200", 5060)),
        (LOCAL, Address("192.0.2.201", 5060)),
    ]
    assert len({flow.id for flow in flows if flow is not None}) == 2
    assert later.registrar.knows(BEHIND_NAT)  # whatever number the flow has now
    assert later.registrar.knows(attrs.evolve(BEHIND_NAT, id=3))
    assert not later.registrar.knows(attrs.evolve(BEHIND_NAT, remote=Address("192.0.2.200", 3)))


def test_the_order_of_requests_and_the_gruu_of_a_device_stay() -> None:
    element = Element()
    contact = f"<sip:bob@192.0.2.1:5070>;{INSTANCE}"
    element.register(contact, flow=UDP, cseq=7, Supported="gruu-10")
    (before,) = element.registrar.lookup("sip:bob@example.com")
    later = restarted(element)
    (after,) = later.registrar.lookup("sip:bob@example.com")
    assert (after.instance, after.opaque, after.reg_id) == (before.instance, before.opaque, before.reg_id)
    assert later.register(contact, flow=UDP, cseq=7).status == 500  # a repetition of what was answered
    assert later.register(contact, flow=UDP, cseq=8).status == 200
    assert len(later.contacts()) == 1


def test_each_register_writes_one_piece_and_nothing_else_does() -> None:
    element = Element()
    assert element.registrar.take_pieces() == []
    element.register(BOB, flow=UDP)
    element.register("<sip:c@192.0.2.1>", to="<sip:carol@example.com>", call_id="c2", flow=UDP)
    assert len(element.registrar.take_pieces()) == 2
    assert element.registrar.take_pieces() == []
    element.register(BOB, flow=UDP, cseq=2)
    (piece,) = element.registrar.take_pieces()
    assert piece in element.registrar.snapshot()
    element.register(flow=UDP, cseq=3)  # only asks
    assert element.registrar.take_pieces() == []
    element.register("*", flow=UDP, cseq=4, Expires="0")
    assert element.registrar.take_pieces() == [Piece(piece.key, None)]


def test_what_cannot_be_read_is_left_out_and_told_and_the_rest_counts() -> None:
    element = Element()
    element.register(BOB, flow=UDP)
    (good,) = element.registrar.snapshot()
    broken = [
        Piece("registrar/registrar/eve", b"{"),
        write_piece("registrar/registrar/mallory", 2, {}),
        write_piece("registrar/registrar/trent", 1, {"bindings": [{"contact": "sip:x"}]}),
    ]
    later = Element()
    events = later.registrar.restore([*broken, Piece("registrar/other/bob", b"{"), good], now=0.0)
    assert [event.key for event in events if isinstance(event, StateUnreadable)] == [piece.key for piece in broken]
    assert later.contacts() == element.contacts()
    with pytest.raises(LocalProtocolError):
        later.registrar.restore([good], now=0.0)


CONTACTS = st.sampled_from([BOB, "<sip:bob@192.0.2.9>;q=0.3", f"<sip:bob@10.0.0.7>;{INSTANCE}", "<sip:b@10.0.0.7>"])


@given(
    st.lists(
        st.tuples(
            CONTACTS,
            st.sampled_from(["bob", "carol"]),
            st.sampled_from([UDP, BEHIND_NAT]),
            st.sampled_from(["0", "60", "600"]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_pieces_written_step_by_step_are_those_of_the_whole(steps: list[tuple[str, str, Flow, str, bool]]) -> None:
    element, written = Element(), dict[str, Piece]()
    for number, (contact, user, flow, expires, taken) in enumerate(steps, 1):
        element.register(contact, to=f"<sip:{user}@example.com>", cseq=number, flow=flow, Expires=expires)
        element.advance(10.0)
        if taken or number == len(steps):
            written |= {piece.key: piece for piece in element.registrar.take_pieces()}
    kept = [piece for piece in written.values() if piece.value is not None]
    assert sorted(kept, key=str) == sorted(element.registrar.snapshot(), key=str)
    later = restarted(element, kept)
    for user in ("sip:bob@example.com", "sip:carol@example.com"):
        assert later.contacts(user) == element.contacts(user)
