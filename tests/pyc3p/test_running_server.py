"""A whole server inside a program: it says what happens, can be looked into, and leaves nothing behind."""

from __future__ import annotations

import asyncio

import pytest

import focus
import focus.aio
import pyc3p
import sip
from pyc3p.problems import Problem
from pyc3p.settings.serve import ServeConfig
from tests.live import live


@live
async def test_a_program_sees_what_happens_in_its_server() -> None:
    told: list[tuple[str, sip.Event]] = []
    async with pyc3p.server(on_event=lambda name, event: told.append((name, event))) as server:
        async with focus.aio.connect(server.address, aor=server.aor("ann")) as ann:
            conference = await ann.create(subject="Seen from inside")
            await conference.join()
            assert server.focus.conferences == (conference.uri,)
            server.focus.end_conference(conference.uri, now=asyncio.get_running_loop().time())
            server.kick()
            assert (await conference.left()).cause is focus.LeaveCause.CONFERENCE_ENDED
        assert server.mcu.conferences == ()
    kinds = [type(event) for _, event in told]
    assert kinds.count(focus.ParticipantJoined) == kinds.count(focus.ConferenceEnded) == 1


@live
async def test_two_servers_run_side_by_side_and_their_ports_are_free_again() -> None:
    async with pyc3p.server() as one, pyc3p.server(domain="example.com") as other:
        assert one.address != other.address
        assert other.aor("ann") == "sip:ann@example.com"
        port = int(one.address.rpartition(":")[2])
    async with pyc3p.server(sip_port=port) as again:
        assert again.address == f"127.0.0.1:{port}"


@live
async def test_settings_of_the_command_that_serves_do_as_well() -> None:
    async with pyc3p.server() as one:
        taken = int(one.address.rpartition(":")[2])
        with pytest.raises(Problem, match=str(taken)):
            async with pyc3p.server(settings=ServeConfig(sip_port=taken, http_port=18444, mcu_http_port=18445)):
                raise AssertionError("two servers at one port")
