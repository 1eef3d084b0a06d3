"""An MCU Factory that was restarted with what it wrote answers as before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c3p import MCU_ID, AddConference, Reply
from mcu import FactoryConfig, LocalProtocolError, McuFactory, McuForgotten
from sip import Durable, Piece, StateUnreadable, write_piece
from tests.mcu.test_factory import Farm


class KeptFarm(Farm):
    """A Factory whose state is written after each step."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)
        self.store: dict[str, Piece] = {}
        self.writes = 0

    def save(self) -> None:
        pieces = self.factory.take_pieces()
        self.writes += len(pieces)
        self.store.update((piece.key, piece) for piece in pieces)

    @property
    def pieces(self) -> list[Piece]:
        return [piece for piece in self.store.values() if piece.value is not None]

    def restart(self) -> list[object]:
        """A new Factory, with a monotonic clock of its own."""
        self.save()
        self.now += 1_000_000.0
        self.factory = McuFactory(self.factory.config)
        return list(self.factory.restore(self.pieces, now=self.now))


def chosen(reply: Reply) -> str | None:
    command = reply.document.command if reply.document is not None else None
    info = command.connection_info if isinstance(command, AddConference) else None
    return info.get(MCU_ID) if info is not None else None


def test_it_is_durable() -> None:
    assert isinstance(McuFactory(FactoryConfig()), Durable)


@given(
    st.lists(st.tuples(st.sampled_from(["announce", "leave", "allocate", "exclude"]), st.integers(0, 4)), max_size=20)
)
def test_after_a_restart_the_answers_are_the_same(steps: list[tuple[str, int]]) -> None:
    farm, twin = KeptFarm(max_conferences=3), KeptFarm(max_conferences=3)
    for each in (farm, twin):
        for step, number in steps:
            each.now += 1.0
            if step == "announce":
                each.announce(f"mcu{number}", legs=0)
            elif step == "leave":
                each.announce(f"mcu{number}", draining=True)
            else:
                each.allocate(number, exclude=(f"mcu{number}",) if step == "exclude" else ())
            each.save()
    before = farm.factory.mcus
    assert farm.restart() == []
    assert sorted(farm.factory.mcus) == sorted(before)
    places = [piece.key for piece in farm.pieces if "/place/" in piece.key]
    for each in (farm, twin):  # that an MCU failed a conference counts until it is heard, and is not kept
        each.now += 1.0
        for mcu_id in before:
            each.announce(mcu_id, legs=0)
    for number in range(5):
        if any(key.endswith(f"conf{number:08}") for key in places):
            assert chosen(farm.allocate(number)) == chosen(twin.allocate(number))


def test_announcements_that_say_nothing_new_are_not_written() -> None:
    farm = KeptFarm()
    farm.announce("one", legs=1)
    farm.save()
    for legs in range(10):
        farm.announce("one", legs=legs)
        farm.save()
    assert farm.writes == 1


def test_one_that_is_not_heard_again_is_forgotten_in_the_usual_time() -> None:
    farm = KeptFarm(forget_after=35.0)
    farm.announce("one")
    farm.restart()
    due = farm.factory.next_timeout()
    assert due == farm.now + 35.0
    assert [type(event) for event in farm.factory.handle_timeout(now=due)] == [McuForgotten]
    farm.save()
    assert farm.pieces == []


def test_a_new_conference_goes_to_one_that_was_heard() -> None:
    farm = KeptFarm()
    farm.announce("a")
    farm.announce("b")
    farm.restart()
    farm.announce("b", legs=50)
    assert chosen(farm.allocate(1)) == "b"


def test_what_cannot_be_read_is_told_and_the_rest_counts() -> None:
    farm = KeptFarm()
    farm.announce("one")
    farm.allocate(1)
    farm.save()
    broken = [
        write_piece("mcu-factory/mcu/later", 2, {}),
        write_piece("mcu-factory/mcu/short", 1, {}),
        write_piece("mcu-factory/place/x", 1, {"mcu": 3}),
        write_piece("mcu-factory/strange/x", 1, {}),
        Piece("mcu-factory/mcu/text", b"["),
    ]
    factory = McuFactory(FactoryConfig())
    events = factory.restore([*broken, *farm.pieces, write_piece("conference/x/head", 1, {})], now=0.0)
    assert {event.key for event in events if isinstance(event, StateUnreadable)} == {piece.key for piece in broken}
    assert factory.counters["state not restored: unreadable"] == len(broken)
    assert factory.mcus == ("one",)
    with pytest.raises(LocalProtocolError):
        factory.restore(farm.pieces, now=0.0)
