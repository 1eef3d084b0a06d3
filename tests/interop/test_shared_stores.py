"""What nodes share: every store of leases, claims, state and records does the same (`pyc3p.state.shared`)."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focus import ConferenceRecord, Written
from pyc3p.placement.memory import MemoryPlacement
from pyc3p.placement.store import Claimed, Granted, LeaseLost, Node, PlacementStore, Refused
from pyc3p.state.shared import SharedStore
from pyc3p.state.shared_sqlite import SharedSqliteStore
from sip import Piece, Uri, conference_key, piece_key, write_piece
from tests.interop.programs import free_port, require
from tests.interop.redis_server import redis_at, redis_stores
from tests.pyc3p.test_state_stores import PARTS, PIECES, after, expected

FIRST = Node(name="focus-1", incarnation="a", address="sip:192.0.2.1:5060;transport=tcp")
SECOND = Node(name="focus-2", incarnation="b", address="sip:192.0.2.2:5060")
Scene = Callable[[PlacementStore, PlacementStore], Awaitable[None]]
#: The stores of two nodes, of either kind, which share what is in them: at first nothing.
Pair = Callable[[], AbstractAsyncContextManager[tuple[Any, Any]]]


@contextlib.asynccontextmanager
async def in_a_file(folder: Path) -> AsyncIterator[tuple[SharedSqliteStore, SharedSqliteStore]]:
    """Those of two nodes on one machine, in a new file."""
    path = folder / "nodes.sqlite"
    first, second = SharedSqliteStore(path, FIRST), SharedSqliteStore(path, SECOND)
    try:
        yield first, second
    finally:
        await first.close()
        await second.close()


@contextlib.asynccontextmanager
async def in_memory() -> AsyncIterator[tuple[MemoryPlacement, MemoryPlacement]]:
    memory = MemoryPlacement(asyncio.get_running_loop().time)
    yield memory, memory


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    require("redis-server")
    port = free_port()
    with redis_at(tmp_path_factory.mktemp("redis"), port):
        yield port


@pytest.fixture(scope="module", params=["redis", "sqlite"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return pair_of(request, tmp_path_factory)


def pair_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    if request.param == "sqlite":
        return lambda: in_a_file(tmp_path_factory.mktemp("sqlite"))
    port: int = request.getfixturevalue("redis_port")
    return lambda: redis_stores(port, FIRST, SECOND)


@pytest.fixture(params=["memory", "redis", "sqlite"])
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scene], None]:
    """Plays a scene with the stores of two nodes."""
    chosen = in_memory if request.param == "memory" else pair_of(request, tmp_path_factory)

    async def played(scene: Scene) -> None:
        async with chosen() as (first, second):
            await scene(first, second)

    return lambda scene: asyncio.run(played(scene))


def test_who_is_there_and_who_is_gone(play: Callable[[Scene], None]) -> None:
    async def scene(first: PlacementStore, second: PlacementStore) -> None:
        await first.renew(FIRST, lifetime=10.0)
        nodes = await second.renew(SECOND, lifetime=0.2)
        assert dict(nodes.alive) == {"focus-1": FIRST.address, "focus-2": SECOND.address}
        await second.claim("k", SECOND, held=0, above=0)
        await asyncio.sleep(0.3)
        nodes = await first.renew(FIRST, lifetime=10.0)
        assert (dict(nodes.alive), nodes.gone) == ({"focus-1": FIRST.address}, ("focus-2",))
        assert await first.claims_of("focus-2") == ["k"]
        assert isinstance(await first.claim("k", FIRST, held=0, above=0), Granted)
        assert await first.claims_of("focus-2") == []
        assert (await first.renew(FIRST, lifetime=10.0)).gone == ()
        assert await first.claims_of("focus-1") == ["k"]

    play(scene)


def test_a_claim_is_had_by_one_and_its_epoch_goes_up(play: Callable[[Scene], None]) -> None:
    async def scene(first: PlacementStore, second: PlacementStore) -> None:
        await first.renew(FIRST, lifetime=10.0)
        await second.renew(SECOND, lifetime=10.0)
        assert await first.owner("k") is None
        assert await first.claim("k", FIRST, held=0, above=0) == Granted(epoch=1)
        assert await second.claim("k", SECOND, held=0, above=40) == Refused(node="focus-1")
        assert await second.owner("k") == Claimed(node="focus-1", alive=True)
        assert await first.claim("k", FIRST, held=1, above=40) == Granted(epoch=41)
        await second.release("k", SECOND, epoch=41)  # it is not theirs
        await first.release("k", FIRST, epoch=1)  # an old one
        assert await second.owner("k") == Claimed(node="focus-1", alive=True)
        await first.release("k", FIRST, epoch=41)
        assert await second.owner("k") is None
        assert await second.claim("k", SECOND, held=0, above=0) == Granted(epoch=1)
        # who believes in a claim above the one that is there has it: the store has lost the last one
        assert await first.claim("k", FIRST, held=7, above=7) == Granted(epoch=8)
        assert await second.claim("k", SECOND, held=1, above=0) == Refused(node="focus-1")

    play(scene)


def test_twenty_that_claim_at_once_are_told_apart(play: Callable[[Scene], None]) -> None:
    async def scene(first: PlacementStore, second: PlacementStore) -> None:
        await first.renew(FIRST, lifetime=10.0)
        await second.renew(SECOND, lifetime=10.0)
        claims = [
            asyncio.gather(first.claim(f"k{n}", FIRST, held=0, above=0), second.claim(f"k{n}", SECOND, held=0, above=0))
            for n in range(20)
        ]
        for pair in await asyncio.gather(*claims):
            assert sorted(type(each).__name__ for each in pair) == ["Granted", "Refused"]

    play(scene)


def test_without_a_lease_nothing_is_had(play: Callable[[Scene], None]) -> None:
    async def scene(first: PlacementStore, second: PlacementStore) -> None:
        with pytest.raises(LeaseLost):
            await first.claim("k", FIRST, held=0, above=0)
        await first.renew(FIRST, lifetime=10.0)
        twin = Node(name="focus-1", incarnation="other", address="sip:192.0.2.9")
        with pytest.raises(LeaseLost):
            await second.renew(twin, lifetime=10.0)
        with pytest.raises(LeaseLost):
            await second.claim("k", twin, held=0, above=0)
        await second.leave(twin)  # changes nothing
        await first.claim("k", FIRST, held=0, above=0)
        await first.leave(FIRST)
        with pytest.raises(LeaseLost):
            await first.claim("k", FIRST, held=1, above=0)
        nodes = await second.renew(twin, lifetime=10.0)
        assert dict(nodes.alive) == {"focus-1": "sip:192.0.2.9"}
        assert (await second.claims_of("focus-1")) == ["k"]

    play(scene)


# State --------------------------------------------------------------------------------------------------------------


def head(key: str) -> str:
    return piece_key("conference", key, "head")


DIALOG = b'{"version":1,"dialog":{"local_value":"<sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123>;tag=9"}}'


def test_whoever_takes_a_conference_over_gets_all_of_it_at_once(pair: Pair) -> None:

    key = conference_key(Uri.parse("sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123"))

    async def scene() -> None:
        async with pair() as (first, second):
            await first.renew(FIRST, lifetime=10.0)
            await second.renew(SECOND, lifetime=10.0)
            await first.claim(key, FIRST, held=0, above=0)
            written = [Piece(head(key), b"\x00head"), Piece("dialog/a/b/c", DIALOG), Piece("nonce/1", b"of the node")]
            gone = [Piece(piece_key("conference", key, "user", "x"), b"1"), Piece("dialog/d/e/f", DIALOG)]
            await first.write([*written, *gone])
            await first.write([Piece(each.key, None) for each in gone])
            assert await first.load() == [Piece("nonce/1", b"of the node")]
            assert await first.load("nonce") == [Piece("nonce/1", b"of the node")]
            assert await first.load("non") == []
            await first.leave(FIRST)
            granted = await second.claim(key, SECOND, held=0, above=0)
            assert isinstance(granted, Granted)
            assert sorted(granted.pieces, key=lambda each: each.key) == sorted(written[:2], key=lambda each: each.key)
            assert await second.load() == []
            # the new owner removes a dialog that it did not write
            await second.write([Piece("dialog/a/b/c", None)])
            assert await second.load_conference(key) == [written[0]]

    asyncio.run(scene())


def test_a_conference_is_written_anew_by_its_owner_alone(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, second):
            await first.renew(FIRST, lifetime=10.0)
            await first.claim("k", FIRST, held=0, above=0)
            await first.write([Piece(head("k"), b"1"), Piece(piece_key("conference", "k", "user", "x"), b"1")])
            await first.claim("k", FIRST, held=1, above=1)
            await first.rewrite("k", FIRST, lambda: [Piece(head("k"), b"2")])
            assert await first.load_conference("k") == [Piece(head("k"), b"2")]
            await second.rewrite("k", SECOND, list)
            assert await first.load_conference("k") == [Piece(head("k"), b"2")]
            assert await first.owner("k") == Claimed(node="focus-1", alive=True)
            await first.leave(FIRST)
            assert await first.owner("k") == Claimed(node="focus-1", alive=False)

    asyncio.run(scene())


def test_a_conference_is_written_anew_as_it_is_when_what_was_begun_before_is_written(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, _):
            await first.renew(FIRST, lifetime=10.0)
            await first.claim("k", FIRST, held=0, above=0)
            now = [b"1"]

            async def change() -> None:
                await first.write([Piece(head("k"), b"2")])
                now.append(b"2")

            await asyncio.gather(change(), first.rewrite("k", FIRST, lambda: [Piece(head("k"), now[-1])]))
            assert await first.load_conference("k") == [Piece(head("k"), b"2")]
            await first.rewrite("k", FIRST, lambda: None)  # it is not here any more
            assert await first.load_conference("k") == [Piece(head("k"), b"2")]

    asyncio.run(scene())


def test_a_call_id_that_is_no_utf_8_is_written_and_comes_back(pair: Pair) -> None:
    dialog = piece_key("dialog", "\udcff", "a", "b")

    async def scene() -> None:
        async with pair() as (first, second):
            key = conference_key(Uri.parse("sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123"))
            await first.renew(FIRST, lifetime=10.0)
            await second.renew(SECOND, lifetime=10.0)
            await first.claim(key, FIRST, held=0, above=0)
            await first.write([Piece(dialog, DIALOG), Piece(piece_key("nonce", "\udcff"), b"1")])
            assert await first.load() == [Piece(piece_key("nonce", "\udcff"), b"1")]
            assert await first.load_conference(key) == [Piece(dialog, DIALOG)]
            await first.rewrite(key, FIRST, lambda: [Piece(dialog, DIALOG), Piece(head(key), b"1")])
            await first.leave(FIRST)
            granted = await second.claim(key, SECOND, held=0, above=0)
            assert isinstance(granted, Granted)
            assert {each.key for each in granted.pieces} == {dialog, head(key)}
            await second.write([Piece(dialog, None)])
            assert await second.load_conference(key) == [Piece(head(key), b"1")]

    asyncio.run(scene())


@given(st.lists(st.lists(PIECES, max_size=4), max_size=5), PARTS | st.just([]))
@settings(max_examples=40, deadline=None)
def test_it_gives_back_what_the_other_stores_do(pair: Pair, changes: list[list[Piece]], parts: list[str]) -> None:
    async def scene() -> None:
        async with pair() as (first, _):
            await first.renew(FIRST, lifetime=10.0)
            await first.claim("claimed", FIRST, held=0, above=0)
            wanted = expected(changes, parts)
            found = await after(first, changes, piece_key(*parts))
            assert found == {key: value for key, value in wanted.items() if not key.startswith("conference/")}

    asyncio.run(scene())


def test_what_is_written_under_an_old_claim_is_left_out(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, second):
            await first.renew(FIRST, lifetime=10.0)
            await first.claim("k", FIRST, held=0, above=0)
            await first.write([Piece(head("k"), b"1")])
            await first.leave(FIRST)
            await second.renew(SECOND, lifetime=10.0)
            await second.claim("k", SECOND, held=0, above=0)
            await first.write([Piece(head("k"), b"of the old owner"), Piece("own", b"2")])
            assert first.counters == {"written by another node": 1}
            assert await second.load_conference("k") == [Piece(head("k"), b"1")]
            assert await first.load() == [Piece("own", b"2")]
            await second.write([Piece(head("other"), b"3")])
            assert second.counters == {"not claimed": 1}

    asyncio.run(scene())


# What all nodes share beside conferences -----------------------------------------------------------------------------


def record(version: int = 1, expires_at: float | None = None) -> ConferenceRecord:
    uri = "sip:alice@example.com;gruu;opaque=app:conf:focus:id:ABC123"
    return ConferenceRecord(
        conference_id="ABC123",
        focus_uri=uri,
        organizer="sip:alice@example.com",
        version=version,
        expires_at=expires_at,
    )


def test_every_node_finds_a_record_and_of_two_that_change_it_one_does(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, second):
            now = time.time()

            async def write(
                store: SharedStore, before: ConferenceRecord | None, after: ConferenceRecord | None
            ) -> Written:
                return await store.records.write("k", "alice@example.com", before, after, wall_clock=now)

            made = record(expires_at=now + 60.0)
            assert await write(first, None, made) is Written.DONE
            assert await write(second, None, made) is Written.EXISTS
            assert await second.records.find("k") == made
            assert await second.records.of_organizer("alice@example.com", 10) == (made,)
            changed = record(2, now + 60.0)
            assert await write(second, made, changed) is Written.DONE
            assert await write(first, made, record(3)) is Written.CHANGED
            assert await first.records.find("k") == changed
            assert await write(first, changed, None) is Written.DONE
            assert await write(first, changed, None) is Written.DONE
            assert await write(first, changed, record(4)) is Written.CHANGED
            assert await first.records.find("k") is None
            assert await first.records.of_organizer("alice@example.com", 10) == ()

    asyncio.run(scene())


def test_a_number_leads_to_its_record_at_every_node_as_long_as_that_is_there(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, second):
            now = time.time()

            async def write(key: str, before: ConferenceRecord | None, after: ConferenceRecord | None) -> Written:
                return await first.records.write(key, "alice@example.com", before, after, wall_clock=now)

            made = attrs.evolve(record(expires_at=now + 60.0), dial_in="234567890")
            assert await first.records.reserve("234567890", "k")
            assert not await second.records.reserve("234567890", "other")
            assert await second.records.of_number("234567890") is None
            assert await write("other", None, made) is Written.FULL  # what two drew at the same moment, one has
            assert await write("k", None, made) is Written.DONE
            assert await second.records.of_number("234567890") == made
            changed = attrs.evolve(made, version=2, subject="x")
            assert await write("k", made, changed) is Written.DONE
            assert await second.records.of_number("234567890") == changed
            assert await write("k", changed, None) is Written.DONE
            assert await second.records.of_number("234567890") is None
            assert await second.records.reserve("234567890", "other")
            # a record without one leaves no key behind, and its removal takes nobody else's
            assert await write("k", None, record()) is Written.DONE
            assert await write("k", made, None) is Written.DONE
            assert not await first.records.reserve("234567890", "third")
            # a number is free again when its record has come to its end
            ending = attrs.evolve(record(expires_at=time.time() + 0.3), dial_in="345678901")
            assert await write("k", None, ending) is Written.DONE
            assert not await second.records.reserve("345678901", "other")
            await asyncio.sleep(0.5)
            assert await second.records.of_number("345678901") is None
            assert await second.records.reserve("345678901", "other")

    asyncio.run(scene())


def test_all_nodes_have_one_secret_and_hear_of_changed_records(pair: Pair) -> None:
    async def scene() -> None:
        async with pair() as (first, second):
            assert await first.shared_secret() == await second.shared_secret()
            news = second.news()
            assert await anext(news) is None  # from now on
            await first.tell_changed("sip:a@example.com")
            assert await anext(news) == "sip:a@example.com"

    asyncio.run(scene())


def test_which_mcu_has_a_conference_is_heard_by_all_other_nodes_and_kept(pair: Pair) -> None:
    """`mcu.McuFactory` of each node: what one gives is known to the others, and to one that is started later."""

    def place(number: int, mcu_id: str) -> Piece:
        return write_piece(piece_key("mcu-factory", "place", f"audio-video {number:08}"), 1, {"mcu": mcu_id})

    async def scene() -> None:
        async with pair() as (first, second):
            news, own = second.news(), first.news()
            assert await anext(news) is None
            assert await anext(own) is None
            mine = Piece(piece_key("mcu-factory", "mcu", "one"), b"1")
            await first.write([place(1, "one"), mine, place(2, "two words")])
            assert [await anext(news), await anext(news)] == [place(1, "one"), place(2, "two words")]
            await first.write([Piece(place(1, "one").key, None)])
            assert await anext(news) == Piece(place(1, "one").key, None)
            assert await second.load() == await second.load_places() == [place(2, "two words")]
            assert sorted(piece.key for piece in await first.load()) == sorted([mine.key, place(2, "").key])
            await first.tell_changed("sip:a@example.com")
            assert await anext(own) == "sip:a@example.com"  # what it wrote itself is not told to it

    asyncio.run(scene())
