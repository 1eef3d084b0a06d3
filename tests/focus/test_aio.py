"""The conferencing client to await, against a whole server on loopback."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
from collections.abc import AsyncIterator

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
