"""What leaves waits until the state that it promises is written."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip import (
    Endpoint,
    EndpointConfig,
    Event,
    Gate,
    Held,
    InternalFault,
    Listen,
    Piece,
    Pump,
    SeededEntropy,
    UnreadablePiece,
    piece_key,
    piece_parts,
    read_piece,
    write_piece,
)
from sip.endpoint.commit import LONGEST_HOLD, MAX_HELD


class Counter:
    """A machine whose state is a few numbers."""

    def __init__(self) -> None:
        self.changed: dict[str, Piece] = {}

    def set(self, name: str, value: int) -> None:
        self.changed[name] = write_piece(piece_key("number", name), 1, {"value": value})

    def take_pieces(self) -> list[Piece]:
        pieces = list(self.changed.values())
        self.changed.clear()
        return pieces

    def snapshot(self) -> list[Piece]:
        return []

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        return []


def test_what_changed_nothing_leaves_at_once() -> None:
    gate = Gate([Counter()])
    held: Held[str] = Held(gate)
    assert held.pass_on(["a"], now=0.0) == ["a"]
    assert gate.change_to_save() is None


def test_what_follows_a_change_waits_for_it_and_keeps_its_order() -> None:
    machine = Counter()
    gate = Gate([machine, object()])
    held: Held[str] = Held(gate)
    machine.set("a", 1)
    assert held.pass_on(["first"], now=0.0) == []
    change = gate.change_to_save()
    assert change is not None
    assert [piece.key for piece in change.pieces] == ["number/a"]
    machine.set("a", 2)
    machine.set("b", 1)
    assert held.pass_on(["second"], now=0.0) == []
    gate.persisted(change.id)
    assert held.pass_on([], now=0.0) == ["first"]
    later = gate.change_to_save()
    assert later is not None
    assert len(later.pieces) == 2
    gate.persisted(later.id)
    assert held.pass_on(["third"], now=0.0) == ["second", "third"]
    assert len(held) == 0


def test_each_way_out_waits_for_every_machine_at_the_gate() -> None:
    messages, documents = Counter(), Counter()
    gate = Gate([messages])
    gate.watch([documents])
    sip, http = Held[str](gate), Held[str](gate)
    documents.set("a", 1)
    assert sip.pass_on(["message"], now=0.0) == []
    assert http.pass_on(["document"], now=0.0) == []
    change = gate.change_to_save()
    assert change is not None
    gate.persisted(change.id)
    assert sip.pass_on([], now=0.0) == ["message"]
    assert http.pass_on([], now=0.0) == ["document"]


def test_a_limit_holds_for_what_was_held_too() -> None:
    machine = Counter()
    gate = Gate([machine])
    held: Held[int] = Held(gate)
    machine.set("a", 1)
    assert held.pass_on([1, 2, 3], now=0.0) == []
    change = gate.change_to_save()
    assert change is not None
    gate.persisted(change.id)
    assert held.pass_on([4], limit=2, now=0.0) == [1, 2]
    assert held.pass_on([], limit=2, now=0.0) == [3, 4]


def test_a_store_that_does_not_answer_delays_and_does_not_silence() -> None:
    machine = Counter()
    gate = Gate([machine])
    held: Held[str] = Held(gate)
    machine.set("a", 1)
    assert held.pass_on(["one"], now=3.0) == []
    assert held.next_timeout() == 3.0 + LONGEST_HOLD
    assert held.pass_on([], now=3.0) == []
    assert held.pass_on([], now=3.0 + LONGEST_HOLD) == ["one"]
    assert gate.counters["sent unwritten"] == 1


def test_what_waits_has_a_limit() -> None:
    machine = Counter()
    held: Held[int] = Held(Gate([machine]))
    machine.set("a", 1)
    assert held.pass_on(range(MAX_HELD + 3), now=0.0) == [0, 1, 2]


class Breaking(Counter):
    """One that raises when it is asked what changed, as long as it is broken."""

    owner = "breaking"
    broken = True

    def take_pieces(self) -> list[Piece]:
        if self.broken:
            raise ZeroDivisionError("of its own")
        return super().take_pieces()

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []


def test_a_machine_that_raises_is_told_once_and_does_not_stop_the_others() -> None:
    breaking, machine = Breaking(), Counter()
    gate = Gate([breaking, machine])
    held: Held[str] = Held(gate)
    assert held.pass_on(["free"], now=0.0) == ["free"]
    machine.set("a", 1)
    assert held.pass_on(["bound"], now=0.0) == []
    change = gate.change_to_save()
    assert change is not None
    assert [piece.key for piece in change.pieces] == ["number/a"]
    gate.persisted(change.id)
    assert held.pass_on([], now=0.0) == ["bound"]
    (fault,) = gate.take_events()
    assert isinstance(fault, InternalFault)
    assert fault.owner == "breaking"
    assert fault.error == "ZeroDivisionError: of its own"
    assert gate.counters["internal fault"] > 1
    # It works again: what changed meanwhile is written, and the next fault is news.
    breaking.set("b", 1)
    breaking.broken = False
    change = gate.change_to_save()
    assert change is not None
    assert [piece.key for piece in change.pieces] == ["number/b"]
    assert gate.take_events() == []
    breaking.broken = True
    gate.promised()
    assert len(gate.take_events()) == 1


def test_the_pump_reports_a_core_that_raises_when_it_is_asked_what_changed() -> None:
    config = EndpointConfig(listen=(Listen("UDP", "192.0.2.1", 5060),))
    pump = Pump(Endpoint(config, entropy=SeededEntropy(b"gate")), [Breaking()], durable=True)
    assert pump.change_to_save() is None
    assert [type(event) for event in pump.settle(now=0.0)] == [InternalFault]
    assert pump.change_to_save() is None
    assert pump.settle(now=0.0) == []


def test_a_change_that_was_never_given_is_refused() -> None:
    gate = Gate([])
    with pytest.raises(ValueError, match="change 1 was not given"):
        gate.persisted(1)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4))
def test_a_key_keeps_its_parts(parts: list[str]) -> None:
    assert piece_parts(piece_key(*parts)) == tuple(parts)


def test_a_piece_of_a_later_version_is_refused_by_name() -> None:
    piece = write_piece("a/b", 2, {"x": "\N{SNOWMAN}"})
    assert read_piece(piece, 2) == {"version": 2, "x": "\N{SNOWMAN}"}
    with pytest.raises(UnreadablePiece, match="a/b: version 2"):
        read_piece(piece, 1)
    for value in (b"", b"{", b"[]", b"{}", b"\xff", None):
        with pytest.raises(UnreadablePiece, match="a/b: not a piece"):
            read_piece(Piece("a/b", value), 1)


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 100_000,
        b'{"version":1,"a":' + b"[" * 100_000,
        b'{"version":1,"a":NaN}',
        b'{"version":1,"a":-Infinity}',
        b'{"version":1,"a":1e999}',
        b'{"version":1,"a":' + b"9" * 400 + b"}",
    ],
)
def test_what_cannot_be_reckoned_with_is_no_piece(value: bytes) -> None:
    with pytest.raises(UnreadablePiece, match="a/b: not a piece"):
        read_piece(Piece("a/b", value), 1)
