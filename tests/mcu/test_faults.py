"""A leg whose media raises although nothing should: it ends, and the others hear each other."""

from __future__ import annotations

import pytest

from mcu import LegEnded
from rtp import MediaStream
from sip import InternalFault
from tests.mcu.harness import World
from tests.mcu.test_media import after_g711, conference


@pytest.mark.parametrize("entry", ["pop_frame", "send_frame", "receive", "handle_timeout"])
def test_a_leg_whose_stream_breaks_ends_and_the_others_hear_each_other(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, (_, two, three) = conference(1000, 2000, 4000)
    world.faults_raise = False
    world.run(0.5)
    streams: list[MediaStream] = []
    whole = getattr(MediaStream, entry)

    def broken(self: MediaStream, *args: object, **more: object) -> object:
        first = next(leg.stream for leg in world.mcu._context.legs.values()) if not streams else streams[0]
        assert first is not None
        if not streams:
            streams.append(first)
        if self is first:
            raise RuntimeError(entry)
        return whole(self, *args, **more)

    monkeypatch.setattr(MediaStream, entry, broken)
    world.run(20.0)
    assert [event.error for event in world.events if isinstance(event, InternalFault)] == [f"RuntimeError: {entry}"]
    (ended,) = [event for event in world.events if isinstance(event, LegEnded)]
    assert ended.user == "sip:user1@198.51.100.1"
    assert world.mcu.legs == 2
    assert two.last_sample == after_g711(after_g711(4000))
    assert three.last_sample == after_g711(after_g711(2000))


def test_a_deadline_that_raises_keeps_no_other_from_being_met(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(ring_timeout=20.0)
    world.faults_raise = False
    world.start()
    for number in (1, 2):
        world.phone(number, lambda phone, event: phone.ring())
        world.dial(number)
    rang_out = world.mcu._dial_out.rang_out
    broken: list[object] = []

    def once(leg: object, **more: object) -> None:
        if not broken:
            broken.append(leg)
            raise RuntimeError("the first")
        rang_out(leg, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(world.mcu._dial_out, "rang_out", once)
    world.run(30.0)
    assert [event.error for event in world.events if isinstance(event, InternalFault)] == ["RuntimeError: the first"]
    assert [event.user for event in world.events if isinstance(event, LegEnded)] == ["sip:user2@198.51.100.2"]
