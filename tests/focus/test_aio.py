"""The conferencing client to await, against a whole server on loopback."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import pytest

import focus
import focus.aio
import pyc3p
import rtp.aio
import sip
import sip.aio
from tests.live import live


@contextlib.asynccontextmanager
async def meeting() -> AsyncIterator[tuple[pyc3p.RunningServer, focus.aio.ConferencingClient, focus.aio.Conference]]:
    """A server, and ann in a conference of hers."""
    async with (
        pyc3p.server() as server,
        focus.aio.connect(server.address, aor=server.aor("ann"), display_name="Ann") as ann,
    ):
        conference = await ann.create(subject="A meeting")
        assert await conference.join() == "presenter"
        yield server, ann, conference


@contextlib.asynccontextmanager
async def phone(
    server: pyc3p.RunningServer, status: int | None = None
) -> AsyncIterator[list[sip.aio.Call[rtp.aio.AudioSession]]]:
    """Bob's, which answers, or refuses with a status; 0: it rings."""
    calls: list[sip.aio.Call[rtp.aio.AudioSession]] = []

    async def take(bob: sip.aio.UserAgent[rtp.aio.AudioSession]) -> None:
        async for call in bob.incoming():
            calls.append(call)
            if status is None:
                await call.answer()
            elif status:
                call.refuse(status)

    async with sip.aio.UserAgent(server.aor("bob"), server=server.address, media=rtp.aio.AudioSession) as bob:
        await bob.register()
        taking = asyncio.create_task(take(bob))
        try:
            yield calls
        finally:
            taking.cancel()


@live
async def test_the_roster_is_live_and_its_changes_are_told() -> None:
    async with meeting() as (server, _, conference), phone(server) as calls:
        bob = server.aor("bob")
        assert [user.entity for user in conference.roster] == [server.aor("ann")]
        seen: list[tuple[str, ...]] = []

        async def watch() -> None:
            async for _ in conference.changes():
                seen.append(conference.roster.statuses(bob))

        watching = asyncio.create_task(watch())
        leg = await conference.dial(bob)
        assert not leg.is_answered
        await leg.answered()
        assert leg.is_answered
        await conference.until(lambda roster: roster.is_connected(bob))
        assert bob in conference.roster
        assert conference.roster[bob].entity == bob
        await conference.mute(bob)
        await conference.until(lambda roster: any(m.ingress_filter == "block" for _, m in roster.streams(bob)))
        await conference.unmute(bob)
        await leg.hang_up()
        await conference.until(lambda roster: bob not in roster)
        assert (await calls[0].ended()).cause is sip.CallEnd.HUNG_UP_THERE
        await conference.end()
        assert (await conference.left()).cause is focus.LeaveCause.CONFERENCE_ENDED
        await watching
        assert ("connected",) in seen
        assert seen[-1] == ()


@live
async def test_a_leg_that_refuses_says_how() -> None:
    async with meeting() as (server, _, conference), phone(server, 486):
        leg = await conference.dial(server.aor("bob"))
        with pytest.raises(focus.aio.CommandError, match="486") as caught:
            await leg.answered()
        assert (caught.value.status, leg.is_answered) == (486, False)


@live
async def test_a_wait_that_is_cut_short_leaves_the_call_until_it_is_hung_up() -> None:
    async with meeting() as (server, _, conference), phone(server, 0) as calls:
        leg = await conference.dial(server.aor("bob"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await leg.answered()
        assert calls[0].state is sip.CallState.RINGING
        await leg.hang_up()
        assert (await calls[0].ended()).cause is sip.CallEnd.GIVEN_UP_THERE
        with pytest.raises(focus.aio.CommandError):
            await leg.answered()


@live
async def test_two_people_lock_promote_and_eject() -> None:
    async with (
        meeting() as (server, _, conference),
        focus.aio.connect(server.address, aor=server.aor("wes")) as wes,
    ):
        theirs = wes.conference(conference.uri)
        assert await theirs.join() == "attendee"
        with pytest.raises(focus.aio.CommandError):
            await theirs.lock()
        await conference.set_role(server.aor("wes"), "presenter")
        await theirs.until(lambda roster: roster[server.aor("wes")].roles == ("presenter",))
        await theirs.lock()
        await conference.mute_all()
        await conference.eject(server.aor("wes"))
        assert (await theirs.left()).cause is focus.LeaveCause.DISMISSED
        with pytest.raises(focus.aio.ConferenceLeft):
            await theirs.until(lambda roster: len(roster) == 17)
        assert [event async for event in theirs] == []


@live
async def test_whoever_is_not_in_it_is_told_so() -> None:
    async with meeting() as (server, ann, conference):
        with pytest.raises(focus.LocalProtocolError, match="uri must be an address such as sip:bob@"):
            await conference.dial("bob")
        await conference.leave()
        await conference.leave()  # nothing happens
        with pytest.raises(focus.LocalProtocolError, match="not in a conference"):
            await conference.dial(server.aor("bob"))
        assert "audio-video" in await ann.capabilities()
        with pytest.raises(focus.aio.JoinError):
            await ann.conference(conference.uri[:-8] + "00000000").join()


@live
async def test_after_the_block_every_command_says_that_the_client_is_closed() -> None:
    async with pyc3p.server() as server:
        async with focus.aio.connect(server.address, aor=server.aor("ann")) as ann:
            other, conference = await ann.create(), await ann.create()
            await conference.join()
        bob = server.aor("bob")
        commands: list[Callable[[], Awaitable[object]]] = [
            ann.create,
            ann.capabilities,
            other.join,
            conference.join,
            partial(conference.dial, bob),
            partial(conference.eject, bob),
            partial(conference.talk, rtp.aio.AudioSession),
            partial(conference.set_role, bob, "presenter"),
            partial(conference.admit, bob),
            partial(conference.deny, bob),
            conference.lock,
            conference.mute_all,
            conference.end,
        ]
        for command in commands:
            with pytest.raises(focus.LocalProtocolError, match="the client is closed"):
                async with asyncio.timeout(5):
                    await command()
        async with asyncio.timeout(5):
            assert (await conference.left()).cause is focus.LeaveCause.LEFT
            await conference.leave()  # nothing happens


@live
async def test_whoever_waits_when_the_server_is_gone_hears_of_the_end_at_the_end_of_the_block() -> None:
    bye_in_vain = 2.0
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(pyc3p.server())
        async with focus.aio.connect(server.address, aor=server.aor("ann")) as ann:
            conference = await ann.create()
            await conference.join()
            pump = server.parts.nodes[0].element.pump
            pump.receive_data = lambda *_, **__: []  # type: ignore  # it is silent from here on
            waiting = asyncio.create_task(conference.left())
        async with asyncio.timeout(bye_in_vain):
            assert (await waiting).cause is focus.LeaveCause.LEFT


@live
async def test_addresses_are_taken_as_uris_too_and_found_however_they_are_spelt() -> None:
    async with meeting() as (server, _, conference), phone(server):
        bob = sip.Uri.parse(server.aor("bob"))
        await (await conference.dial(bob)).answered()
        assert conference.roster.is_connected(bob)
        assert conference.roster.is_connected(f"{bob};transport=tcp")
        await conference.mute(bob)
        await conference.unmute(bob)
        await conference.eject(bob)
        await conference.until(lambda roster: bob not in roster)
        with pytest.raises(focus.LocalProtocolError, match="is not in the conference"):
            await conference.mute(bob)
        for wrong in (None, 7, "bob", b"sip:bob@example.com", "http://example.com"):
            with pytest.raises(focus.LocalProtocolError, match="uri must be an address"):
                await conference.dial(wrong)  # type: ignore[arg-type]


@live
async def test_whoever_comes_to_a_locked_conference_sees_that_it_waits_and_is_let_in_or_not() -> None:
    async with (
        meeting() as (server, _, conference),
        focus.aio.connect(server.address, aor=server.aor("wes")) as wes,
        focus.aio.connect(server.address, aor=server.aor("eve")) as eve,
    ):
        await conference.lock()
        theirs, hers = wes.conference(conference.uri), eve.conference(conference.uri)
        for each in (theirs, hers):
            await each.join()
            assert each.in_lobby
        assert not conference.in_lobby
        await conference.until(lambda roster: all(roster.is_in_lobby(server.aor(each)) for each in ("wes", "eve")))
        let_in, sent_away = asyncio.create_task(theirs.admitted()), asyncio.create_task(hers.admitted())
        await conference.admit(server.aor("wes"))
        await let_in
        assert not theirs.in_lobby
        await theirs.admitted()  # at once
        await conference.deny(server.aor("eve"))
        with pytest.raises(focus.aio.ConferenceLeft):
            await sent_away
        assert not hers.in_lobby


@live
async def test_where_nobody_is_the_error_says_what_may_help() -> None:
    async with focus.aio.connect("127.0.0.1:9", aor="sip:ann@127.0.0.1") as ann:
        with pytest.raises(focus.aio.CommandError, match="is there a Focus at that address") as caught:
            await ann.create()
        assert caught.value.status is None


@live
async def test_a_guest_joins_with_the_passcode() -> None:
    async with (
        pyc3p.server() as server,
        focus.aio.connect(server.address, aor=server.aor("ann")) as ann,
        focus.aio.connect(server.address, aor=None) as guest,
    ):
        conference = await ann.create(admission_policy="anonymous", passcode="4711")
        await conference.join()
        with pytest.raises(focus.aio.JoinError):
            await guest.conference(conference.uri).join(passcode="1234")
        assert await guest.conference(conference.uri).join(passcode="4711") == "attendee"


def loud(frame: bytes) -> bool:
    return max(array.array("h", frame)) > 6000


@live
async def test_two_people_hear_each_other_with_sound_of_their_own() -> None:
    tone = array.array("h", [int(8000 * math.sin(n / 3)) for n in range(8000)]).tobytes()
    async with (
        meeting() as (server, _, conference),
        focus.aio.connect(server.address, aor=server.aor("wes")) as wes,
    ):
        theirs = wes.conference(conference.uri)
        await theirs.join()
        call, other = await conference.talk(rtp.aio.AudioSession), await theirs.talk(rtp.aio.AudioSession)
        await theirs.until(lambda roster: len(roster.streams(server.aor("ann"))) == 1)
        heard = asyncio.create_task(anext(frame async for frame in other.media.frames() if loud(frame)))
        await call.media.play(tone)
        assert await heard
        await theirs.leave()  # and hangs up
        assert (await other.ended()).cause is sip.CallEnd.HUNG_UP_HERE
        await conference.end()
        assert (await call.ended()).cause in (sip.CallEnd.HUNG_UP_HERE, sip.CallEnd.HUNG_UP_THERE)


@live
async def test_nobody_talks_outside_of_a_conference() -> None:
    async with meeting() as (_, __, conference):
        await conference.leave()
        with pytest.raises(focus.LocalProtocolError, match="not in a conference"):
            await conference.talk(rtp.aio.AudioSession)
