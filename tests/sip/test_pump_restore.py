"""The pump lets its machines go on with what was written, and tells what came of it."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import pytest

from sip import (
    Claim,
    Endpoint,
    EndpointConfig,
    Event,
    InternalFault,
    LocalProtocolError,
    Piece,
    Pump,
    SeededEntropy,
    StateUnreadable,
)


@attrs.frozen(kw_only=True)
class WentOn(Event):
    """A core goes on."""


class Core:
    """One that can be restored, after its endpoint."""

    def __init__(self, endpoint: Endpoint, owner: str, error: Exception | None = None) -> None:
        self.endpoint, self.owner, self.error = endpoint, owner, error
        self.seen: list[Event] = []
        self.given: list[Piece] = []
        endpoint.add_core(owner, lambda request, flow: False, claim=Claim.ELEMENT, methods=("MESSAGE",))

    def handle_event(self, event: Event, *, now: float) -> list[Event]:
        self.seen.append(event)
        return []

    def next_timeout(self) -> float | None:
        return None

    def handle_timeout(self, *, now: float) -> list[Event]:
        return []

    def take_events(self) -> list[Event]:
        return []

    def take_pieces(self) -> list[Piece]:
        return []

    def snapshot(self) -> list[Piece]:
        return []

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        if self.error is not None:
            raise self.error
        self.given = list(pieces)
        return [WentOn(owner=self.owner)]


PIECES = [Piece("dialog/a/b/c", b"unreadable"), Piece("core/x", b"1")]


def endpoint() -> Endpoint:
    return Endpoint(EndpointConfig(), entropy=SeededEntropy(b""))


def test_what_restoring_caused_is_told_by_the_next_settle_and_cores_do_not_get_their_own_events() -> None:
    here = endpoint()
    cores = [Core(here, "one"), Core(here, "two")]
    pump = Pump(here, cores)
    pump.restore(iter(PIECES), now=0.0)
    told = pump.settle(now=0.0)
    assert [(type(event), event.owner) for event in told] == [
        (WentOn, "one"),
        (WentOn, "two"),
        (StateUnreadable, ""),
    ]
    assert [core.given for core in cores] == [PIECES, PIECES]
    assert [core.seen for core in cores] == [[], []]
    assert pump.settle(now=0.0) == []


def test_a_core_that_raises_begins_anew_and_the_others_go_on() -> None:
    here = endpoint()
    broken, good = Core(here, "broken", ZeroDivisionError()), Core(here, "good")
    pump = Pump(here, [broken, good])
    pump.restore(PIECES, now=0.0)
    fault, *others = pump.settle(now=0.0)
    assert isinstance(fault, InternalFault)
    assert fault.owner == "broken"
    assert WentOn(owner="good") in others
    assert pump.counters["internal fault"] == 1


def test_what_is_here_already_is_a_mistake_of_the_caller() -> None:
    here = endpoint()
    with pytest.raises(LocalProtocolError):
        Pump(here, [Core(here, "one", LocalProtocolError("here already"))]).restore(PIECES, now=0.0)


def test_a_server_starts_whatever_its_endpoint_makes_of_the_dialogs() -> None:
    class Broken(Endpoint):
        def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
            raise ZeroDivisionError

    here = Broken(EndpointConfig(), entropy=SeededEntropy(b""))
    pump = Pump(here, [Core(here, "one")])
    pump.restore(PIECES, now=0.0)
    told = pump.settle(now=0.0)
    assert [type(event) for event in told] == [InternalFault, WentOn]
