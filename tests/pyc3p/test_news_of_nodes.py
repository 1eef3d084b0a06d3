"""What other nodes tell through the store reaches the Focus and the MCU Factory of this one, whatever was missed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import cast

import attrs
import pytest

import focus
import mcu
from pyc3p.elements import nodes
from pyc3p.elements.node import Node as ElementNode
from pyc3p.elements.nodes import AmongNodes
from pyc3p.elements.parts import SipCores
from pyc3p.placement.placed import PlacedFocus
from pyc3p.settings.nodes import NodesSettings
from pyc3p.settings.serve import ServeConfig
from pyc3p.state.redis import RedisStore
from pyc3p.state.store import StoreUnavailable
from sip import Piece, write_piece
from tests.live import live
from tests.mcu.test_factory import Farm
from tests.pyc3p.test_serve import Kept, until

CONFERENCE = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1"
OTHER = "sip:ann@example.com;gruu;opaque=app:conf:focus:id:B2"


@attrs.define(eq=False)
class Told:
    """The store: what nodes have told so far, and the places that lie there."""

    places: list[Piece] = attrs.Factory(list)
    away: bool = False
    listening: int = 0
    asked: int = 0
    words: asyncio.Queue[str | Piece | None] = attrs.Factory(asyncio.Queue)

    async def news(self) -> AsyncIterator[str | Piece | None]:
        self.asked += 1
        if self.away:
            raise StoreUnavailable("gone")
        self.listening += 1
        try:
            yield None
            while True:
                word = await self.words.get()
                if word == "":
                    raise StoreUnavailable("gone")
                yield word
        finally:
            self.listening -= 1

    async def load_places(self) -> list[Piece]:
        if self.away:
            raise StoreUnavailable("gone")
        return list(self.places)


@attrs.define(eq=False)
class Active:
    """A Focus with two conferences; the records that it is to look at again."""

    conferences: tuple[str, ...] = (CONFERENCE, OTHER)
    looked_at: list[str] = attrs.Factory(list)

    def record_changed(self, uri: str, *, now: float) -> None:
        self.looked_at.append(uri)


@attrs.define(eq=False)
class Site:
    """One node that listens."""

    store: Told
    active: Active
    farm: Farm
    output: Kept
    steps: list[None] = attrs.Factory(list)

    def kick(self) -> None:
        self.steps.append(None)


def farm() -> Farm:
    """A Factory that knows two MCUs, as that of each node does."""
    made = Farm()
    for mcu_id in ("one", "two"):
        made.announce(mcu_id, legs=0)
    made.factory.take_pieces()
    return made


def given(number: int, mcu_id: str) -> Piece:
    """What the MCU Factory of another node writes when it gives a conference to an MCU."""
    other = farm()
    assert other.chosen(number, exclude=tuple({"one", "two"} - {mcu_id})) == mcu_id
    (piece,) = filter(mcu.is_factory_place, other.factory.take_pieces())
    return piece


@contextlib.asynccontextmanager
async def listening(store: Told, active: Active | None = None) -> AsyncIterator[Site]:
    site = Site(store, active or Active(), farm(), Kept())
    config = ServeConfig(nodes=NodesSettings(store="redis://127.0.0.1:1/0"))
    among = AmongNodes(config, site.output)
    among.store = cast("RedisStore", store)
    cores = SipCores(focus=cast("focus.Focus", site.active), placed=cast("PlacedFocus", object()))
    among.attach(cast("ElementNode", site), cores, site.farm.factory)
    try:
        yield site
    finally:
        await among.close()
        assert store.listening == 0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "_AGAIN", 0.01)


def has(site: Site, number: int, mcu_id: str) -> Callable[[], bool]:
    """Whether the Factory of this node answers with that MCU, as the one that gave the conference away."""
    wanted = given(number, mcu_id)
    return lambda: wanted in site.farm.factory.snapshot()


@live
async def test_a_conference_that_another_factory_gave_to_an_mcu_is_given_to_the_same_one_here() -> None:
    store = Told()
    async with listening(store) as site:
        for number, mcu_id in ((1, "two"), (2, "one"), (3, "two")):
            before = len(site.steps)
            store.words.put_nowait(given(number, mcu_id))
            await until(has(site, number, mcu_id))
            assert len(site.steps) > before  # what it changes is written, too
        assert [site.farm.chosen(number) for number in (1, 2, 3)] == ["two", "one", "two"]


@live
async def test_a_record_that_another_node_changed_is_looked_at_again_and_no_other() -> None:
    store = Told()
    async with listening(store) as site:
        await until(lambda: bool(site.active.looked_at))
        site.active.looked_at.clear()
        before = len(site.steps)
        store.words.put_nowait(CONFERENCE)
        await until(lambda: bool(site.active.looked_at))
        assert site.active.looked_at == [CONFERENCE]
        assert len(site.steps) > before


@live
async def test_what_was_told_before_a_node_listened_is_made_up_for() -> None:
    async with listening(Told(places=[given(1, "two"), given(2, "one")])) as site:
        await until(has(site, 2, "one"))
        assert [site.farm.chosen(number) for number in (1, 2)] == ["two", "one"]
        assert site.active.looked_at == [CONFERENCE, OTHER]


@live
async def test_after_a_store_was_away_a_node_listens_again_and_makes_up_for_what_it_missed() -> None:
    store = Told(away=True)
    async with listening(store) as site:
        await until(lambda: store.asked > 2)  # it asks again and again
        store.away = False
        await until(lambda: store.listening == 1 and len(site.active.looked_at) == 2)
        store.words.put_nowait("")  # the connection breaks, and meanwhile:
        store.places.append(given(5, "two"))
        await until(has(site, 5, "two"))
        await until(lambda: len(site.active.looked_at) == 4)
        store.words.put_nowait(given(6, "one"))
        await until(has(site, 6, "one"))


@live
async def test_a_store_that_lost_its_places_is_given_them_again() -> None:
    store = Told()
    async with listening(store) as site:
        await until(lambda: bool(site.active.looked_at))
        assert site.farm.chosen(1, exclude=("one",)) == "two"
        (mine,) = filter(mcu.is_factory_place, site.farm.factory.take_pieces())
        store.words.put_nowait("")  # it is another one, and empty
        await until(lambda: store.asked == 2 and len(site.active.looked_at) == 4)
        await until(lambda: mine in site.farm.factory.take_pieces())


@live
async def test_what_cannot_be_read_is_told_and_the_rest_counts() -> None:
    store = Told()
    async with listening(store) as site:
        broken = write_piece(given(1, "two").key, 99, {})
        store.words.put_nowait(broken)
        store.words.put_nowait(given(2, "two"))
        await until(has(site, 2, "two"))
        assert any(broken.key in str(line) for line in site.output.lines)
