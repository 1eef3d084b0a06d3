"""What raises in a machine beside the pump, or in the application: it is told and logged, and the rest goes on."""

from __future__ import annotations

import asyncio
import logging

import pytest

import c3p
from pyc3p.element import Element
from pyc3p.elements.node import Node
from sip import Event, InternalFault
from tests.pyc3p.test_node import CONF, Machine, exchange

NOW = 100.0


class Fragile(Machine):
    """A machine that raises wherever it is told to."""

    owner = "fragile"
    raises = ""

    def __getattribute__(self, name: str) -> object:
        if name == object.__getattribute__(self, "raises"):
            raise_it = RuntimeError(name)

            def broken(*args: object, **more: object) -> object:
                raise raise_it

            return broken
        return object.__getattribute__(self, name)


def element(raises: str) -> tuple[Element, Fragile, Machine]:
    bad, good = Fragile(), Machine()
    made = Element.of("one", services={"/bad": bad, "/good": good}, others=[bad, good])
    bad.raises = raises
    return made, bad, good


def faults(events: list[Event]) -> list[str]:
    return [event.doing for event in events if isinstance(event, InternalFault) and event.owner == "fragile"]


def request() -> c3p.Request:
    return c3p.Request(request_id="1", from_=CONF, to="mcu", command=c3p.GetMcuHealth())


def test_a_service_that_raises_is_answered_500_and_another_goes_on() -> None:
    one, _, _ = element("receive_c3p")
    assert one.receive_c3p("/bad", request(), peer="p", now=NOW).status == 500
    assert one.receive_c3p("/good", request(), peer="p", now=NOW).status == 200
    events = one.take_other_events()
    assert faults(events) == ["receive_c3p"]
    assert one.counters["internal fault"] == 1
    assert b"getMcuHealth" in next(event.message for event in events if isinstance(event, InternalFault))


def test_an_outcome_that_cannot_be_taken_is_told_and_no_more() -> None:
    one, bad, _ = element("receive_reply")
    assert one.c3p_answered(bad, 1, c3p.Reply(200), now=NOW) == []
    bad.raises = "exchange_failed"
    assert one.c3p_answered(bad, 1, c3p.ExchangeFailure.TIMEOUT, now=NOW) == []
    assert faults(one.take_other_events()) == ["receive_reply", "exchange_failed"]


def test_exchanges_of_the_others_are_posted() -> None:
    one, _, good = element("c3p_to_send")
    good.outbox.append(exchange("http://x.example/x"))
    assert [machine for machine, _ in one.c3p_to_send(now=NOW)] == [good]
    assert faults(one.take_other_events()) == ["c3p_to_send"]


def test_timers_of_the_others_fire_and_the_broken_one_is_left_alone_for_longer_and_longer() -> None:
    one, bad, good = element("handle_timeout")
    bad.due = good.due = NOW
    told, now = 0, NOW
    while now < NOW + 600:
        due = one.next_timeout()
        assert due is not None
        now = max(now, due)
        told += len(faults(one.handle_timeout(now=now)))
    assert good.fired == [NOW]
    assert 5 < told < 50


def test_media_that_cannot_tick_is_left_alone_for_a_while() -> None:
    one, bad, _ = element("tick")
    bad.sounds.append((1, "rtp", b"x", ("h", 1)))  # type: ignore[arg-type]
    assert one.next_tick() == 0.0
    assert one.tick(NOW) == []
    after = one.next_tick()
    assert after is not None
    assert after > NOW
    bad.raises = ""
    assert len(one.tick(after)) == 1
    assert faults(one.take_other_events()) == ["tick"]


@pytest.mark.parametrize("entry", ["receive_media", "media_opened", "media_failed", "next_tick"])
def test_media_that_raises_is_told(entry: str) -> None:
    one, _, _ = element(entry)
    one.receive_media([])
    one.media_opened(1, rtp=("h", 1), rtcp=("h", 2), advertised="h", now=NOW)  # type: ignore[arg-type]
    one.media_failed(1, "none", now=NOW)  # type: ignore[arg-type]
    one.next_tick()
    assert faults(one.take_other_events()) == [entry]


def test_a_node_logs_the_fault_with_its_traceback_and_its_timers_go_on(caplog: pytest.LogCaptureFixture) -> None:
    one, bad, good = element("handle_timeout")

    async def scenario() -> None:
        node = Node(one)
        await node.start()
        bad.due = good.due = node.now
        node.kick()
        await node.wait_for(lambda: bool(node.of(InternalFault)), 5.0, "the fault")
        bad.raises = ""
        node.kick()
        while not bad.fired:
            await asyncio.sleep(0.01)
        await node.stop()

    with caplog.at_level(logging.ERROR, "sip.aio"):
        asyncio.run(scenario())
    assert good.fired
    assert "fragile could not handle_timeout" in caplog.text
    assert "Traceback" in caplog.text


def test_an_application_that_raises_at_an_event_keeps_no_node_from_working(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()

    def refuse(event: Event) -> None:
        raise RuntimeError("the application")

    async def scenario() -> None:
        node = Node(Element.of("one", others=[machine]), on_event=refuse)
        await node.start()
        machine.told.append(Event(owner="told"))
        machine.due = node.now
        node.kick()
        while not machine.fired:
            await asyncio.sleep(0.01)
        await node.stop()

    asyncio.run(scenario())
    assert "the application could not handle its events" in caplog.text
