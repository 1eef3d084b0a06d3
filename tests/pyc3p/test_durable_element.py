"""What an element lets go waits until what it promises is written: documents, and answers to documents, too."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import attrs
import pytest

import c3p
from pyc3p.element import Element
from pyc3p.elements.node import HttpSettings, Node
from sip import Event, Piece, StateChange, write_piece
from sip.endpoint import commit
from sip.endpoint.commit import LONGEST_HOLD
from tests.pyc3p.test_node import CONF, Machine, exchange, node

NOW = 50.0


@attrs.define(eq=False)
class Keeper(Machine):
    """A machine whose state is how often it was asked."""

    asked: int = 0
    written: int = 0

    def receive_c3p(self, document: object, *, peer: str, now: float) -> c3p.Reply:
        self.asked += 1
        return super().receive_c3p(document, peer=peer, now=now)

    def take_pieces(self) -> list[Piece]:
        if self.asked == self.written:
            return []
        self.written = self.asked
        return self.snapshot()

    def snapshot(self) -> list[Piece]:
        return [write_piece("asked", 1, {"times": self.asked})]

    def restore(self, pieces: Iterable[Piece], *, now: float) -> list[Event]:
        return []


def durable(machine: Keeper) -> Element:
    return Element.of("one", services={"/x": machine}, others=[machine], durable=True)


def request() -> c3p.Request:
    return c3p.Request(request_id="1", from_=CONF, to="mcu", command=c3p.GetMcuHealth())


def test_an_answer_waits_for_what_it_promises_and_so_does_a_document() -> None:
    machine = Keeper()
    element = durable(machine)
    reply = element.receive_c3p("/x", request(), peer="p", now=NOW)
    element.hold_reply("whoever asked", reply)
    machine.outbox.append(exchange("http://x.example/x"))
    assert element.replies_to_send(now=NOW) == []
    assert element.c3p_to_send(now=NOW) == []
    change = element.change_to_save()
    assert change is not None
    assert [piece.key for piece in change.pieces] == ["asked"]
    assert element.replies_to_send(now=NOW) == []
    element.persisted(change.id)
    assert element.replies_to_send(now=NOW) == [("whoever asked", reply)]
    assert [each.url for _, each in element.c3p_to_send(now=NOW)] == ["http://x.example/x"]
    assert element.change_to_save() is None


def test_a_store_that_does_not_answer_delays_an_answer_and_no_more() -> None:
    element = durable(Keeper())
    element.hold_reply("whoever asked", element.receive_c3p("/x", request(), peer="p", now=NOW))
    assert element.replies_to_send(now=NOW) == []
    due = element.next_timeout()
    assert due == NOW + LONGEST_HOLD
    assert len(element.replies_to_send(now=due)) == 1
    assert element.gate is not None
    assert element.gate.counters["sent unwritten"] == 1


def test_without_state_nothing_waits() -> None:
    element = Element.of("one", services={"/x": Keeper()})
    element.hold_reply("whoever asked", element.receive_c3p("/x", request(), peer="p", now=NOW))
    assert len(element.replies_to_send(now=NOW)) == 1
    assert element.change_to_save() is None
    with pytest.raises(ValueError, match="durable"):
        element.persisted(1)


def test_a_node_answers_over_http_once_its_store_has_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "LONGEST_HOLD", 60.0)
    asked, asking = Keeper(), Machine()
    changes, before = list[StateChange](), list[list[object]]()

    async def scenario() -> None:
        server = Node(durable(asked), http=HttpSettings(secret="a", known={"b": "other"}))

        def save() -> None:
            change = server.element.change_to_save()
            if change is not None:
                changes.append(change)

        server.on_worked = save
        await server.start()
        client = node(asking, http=HttpSettings(secret="b"))
        await client.start()
        asking.outbox.append(exchange(f"http://127.0.0.1:{server._server.port}/x"))  # type: ignore[union-attr]
        client.kick()
        await server.wait_for(lambda: bool(changes), 5.0, "a change to write")
        before.append(list(asking.outcomes))
        server.element.persisted(changes[0].id)
        server.kick()
        await client.wait_for(lambda: bool(asking.outcomes), 5.0, "the answer")
        await client.stop()
        await server.stop()
        assert "sent unwritten" not in server.counters

    asyncio.run(scenario())
    assert before == [[]]
    assert asking.outcomes == [200]
