"""Two servers share a real Redis, or a file: what the Factories of one do is known to those of the other."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import c3p
import focus
import focus.aio
import mcu
import pyc3p
import sip
from pyc3p.elements.server import Server, build_server
from pyc3p.elements.state import ServerState, open_state
from pyc3p.settings.c3p import C3pSettings
from pyc3p.settings.nodes import NodesSettings
from tests.interop.programs import free_port
from tests.interop.redis_server import redis_at
from tests.live import live
from tests.mcu.test_factory import Farm
from tests.pyc3p.test_serve import Kept, serve_config, until

FOCI = ("focus-1", "focus-2")


@contextlib.contextmanager
def shared(kind: str) -> Iterator[str]:
    """A store for both, as the settings name it."""
    with tempfile.TemporaryDirectory() as folder:
        if kind == "sqlite":
            yield f"sqlite:{folder}/nodes.sqlite"
            return
        port = free_port()
        with redis_at(Path(folder), port):
            yield f"redis://127.0.0.1:{port}/0"


@contextlib.asynccontextmanager
async def node(name: str, store: str) -> AsyncIterator[Server]:
    """A server of all parts but the MCU, that has its lease."""
    config = serve_config(
        domain="example.com",
        secret="shared",
        parts=("focus-factory", "focus", "mcu-factory"),
        mcus=("one", "two"),
        c3p=C3pSettings(name=name, foci=FOCI),
        nodes=NodesSettings(store=store, linger=0.0),
    )
    output = Kept()
    state = await open_state(config, output)
    assert isinstance(state, ServerState)
    server = build_server(config, None, output, state=state)
    await server.start()
    try:
        await until(lambda: any("is one of the nodes" in text for text in output.texts))
        yield server
    finally:
        await server.stop()


def farm_of(server: Server) -> Farm:
    """Its MCU Factory, which knows two MCUs."""
    assert server.mcu_factory is not None
    farm = Farm()
    farm.factory, farm.now = server.mcu_factory, asyncio.get_running_loop().time()
    for number, mcu_id in enumerate(("one", "two"), start=1):
        farm.announce(mcu_id, legs=0, http_url=f"http://127.0.0.1:{number}/", sip_uri=f"sip:127.0.0.1:{number}")
    return farm


def places(server: Server) -> set[sip.Piece]:
    """Which MCU has which conference, as a server knows it."""
    assert server.mcu_factory is not None
    return {piece for piece in server.mcu_factory.snapshot() if mcu.is_factory_place(piece)}


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
@live
async def test_the_mcu_that_one_factory_picked_is_what_the_other_answers(kind: str) -> None:
    with shared(kind) as store:
        async with node("focus-1", store) as first, node("focus-2", store) as second:
            one, two = farm_of(first), farm_of(second)
            assert one.chosen(1, exclude=("one",), peer="focus-1") == "two"
            first.kick()
            await until(lambda: places(second) == places(first) != set())
            assert two.chosen(1, peer="focus-2") == "two"


@pytest.mark.parametrize("kind", ["redis", "sqlite"])
@live
async def test_a_record_that_is_deleted_at_one_node_ends_its_conference_at_the_other(kind: str) -> None:
    with shared(kind) as store:
        async with node("focus-1", store) as first, node("focus-2", store) as second:
            ways = [f"sip:127.0.0.1:{server.config.sip_port};transport=tcp" for server in (first, second)]
            ann = "sip:ann@example.com"
            async with focus.aio.connect(ways[0], aor=ann) as here, focus.aio.connect(ways[1], aor=ann) as there:
                conference = await here.create(subject="A meeting")
                await conference.join()
                assert first.cores.focus is not None
                assert first.cores.focus.conferences == (conference.uri,)
                conference_id = c3p.conf_id_of(conference.uri)
                assert conference_id is not None
                deleted = await there._connection.give(lambda now: there.machine.delete_record(conference_id, now=now))
                assert isinstance(deleted, focus.CommandSucceeded)
                async with asyncio.timeout(15.0):
                    left = await conference.left()
                assert left.cause is focus.LeaveCause.CONFERENCE_ENDED
                await until(lambda: first.cores.focus is not None and not first.cores.focus.conferences)


@live
async def test_a_server_inside_a_program_is_one_of_the_nodes_that_its_settings_name() -> None:
    with shared("sqlite") as store:
        config = serve_config(
            domain="example.com",
            c3p=C3pSettings(name="focus-2", foci=FOCI),
            nodes=NodesSettings(store=store, linger=0.0),
        )
        async with node("focus-1", store) as first, pyc3p.server(settings=config) as second:
            others = second.parts.others
            assert others is not None
            await until(lambda: len(others.member.addresses) == 2)
            way = f"sip:127.0.0.1:{first.config.sip_port};transport=tcp"
            async with focus.aio.connect(way, aor="sip:ann@example.com") as here:
                conference = await here.create(subject="A meeting")
                await conference.join()
                assert first.cores.focus is not None
                assert first.cores.focus.conferences == (conference.uri,)
                await first.stop()  # without handing anything over, as when it is killed
                await until(lambda: second.focus.conferences == (conference.uri,))
