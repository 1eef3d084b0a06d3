"""asyncio user agents on loopback: what a bot writes, and how Python's own tools end it."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import rtp
import rtp.aio
import sip
import sip.aio
from tests.live import live

Sound = rtp.aio.AudioSession
Agent = sip.aio.UserAgent[Sound]


@contextlib.asynccontextmanager
async def two() -> AsyncIterator[tuple[Agent, Agent]]:
    """Alice and bob, who reach each other without a server."""
    async with (
        sip.aio.UserAgent("sip:alice@example.com", media=Sound) as alice,
        sip.aio.UserAgent("sip:bob@example.com", media=Sound) as bob,
    ):
        yield alice, bob


async def next_call(ua: Agent) -> sip.aio.Call[Sound]:
    async with asyncio.timeout(20):
        async for call in ua.incoming():
            return call
    raise AssertionError("no call came")


async def talking(alice: Agent, bob: Agent) -> tuple[sip.aio.Call[Sound], sip.aio.Call[Sound]]:
    calling = asyncio.create_task(alice.call(bob.uri))
    theirs = await next_call(bob)
    await theirs.answer()
    return await calling, theirs


def tone(seconds: float) -> bytes:
    return array.array("h", [int(8000 * math.sin(n / 3)) for n in range(int(8000 * seconds))]).tobytes()


@live
async def test_a_call_is_played_to_recorded_and_hung_up(tmp_path: Path) -> None:
    rtp.aio.write_wav(tmp_path / "hello.wav", tone(0.5))
    async with two() as (alice, bob):
        call, theirs = await talking(alice, bob)
        with theirs.media.record(tmp_path / "heard.wav"):
            assert await call.media.play(tmp_path / "hello.wav")
            await asyncio.sleep(0.2)
        end = await call.hang_up()
        assert end.cause is sip.CallEnd.HUNG_UP_HERE
        assert (await theirs.ended()).cause is sip.CallEnd.HUNG_UP_THERE
        counters = call.media.counters
        assert counters is not None
        assert counters.sent >= 25
        assert theirs.media.is_over
    heard = array.array("h", rtp.aio.read_wav(tmp_path / "heard.wav"))
    assert max(heard) > 6000


@live
async def test_an_echo_comes_back_until_the_call_ends() -> None:
    async with two() as (alice, bob):
        call, theirs = await talking(alice, bob)
        echo = asyncio.create_task(theirs.media.play(theirs.media.frames()))
        await call.media.play(tone(0.3))
        heard = [frame async for _, frame in _some(call.media.frames(), 25)]
        assert max(max(array.array("h", frame)) for frame in heard) > 6000
        await call.hang_up()
        async with asyncio.timeout(20):
            await echo


async def _some(frames: AsyncIterator[bytes], count: int) -> AsyncIterator[tuple[int, bytes]]:
    number = 0
    async for frame in frames:
        yield number, frame
        number += 1
        if number == count:
            return


@live
async def test_events_of_a_call_end_with_its_end() -> None:
    async with two() as (alice, bob):
        call, theirs = await talking(alice, bob)
        theirs.send_keys("1#")
        await asyncio.sleep(0.6)
        await theirs.hang_up()
        async with asyncio.timeout(20):
            events = [event async for event in call]
    assert [type(event) for event in events if not isinstance(event, sip.KeyPressed)] == [
        sip.CallProgressed,
        sip.CallAnswered,
        sip.CallEnded,
    ]
    assert [event.digit for event in events if isinstance(event, sip.KeyPressed)] == ["1", "#"]


@live
async def test_a_refusal_is_an_exception_that_says_all() -> None:
    async with two() as (alice, bob):
        calling = asyncio.create_task(alice.call(bob.uri))
        (await next_call(bob)).refuse(486, headers=[("Retry-After", "20")])
        with pytest.raises(sip.aio.CallError, match="486 Busy Here") as caught:
            await calling
    error = caught.value
    assert (error.status, error.reason, error.retry_after, error.retry_safe) == (486, "Busy Here", 20, False)
    assert error.cause is sip.CallEnd.REFUSED_THERE


@live
async def test_a_call_to_where_nobody_listens_says_what_may_help() -> None:
    async with two() as (alice, _):
        with pytest.raises(sip.aio.CallError, match="does somebody listen there") as caught:
            await alice.call("sip:bob@127.0.0.1:9;transport=tcp")
    assert caught.value.retry_safe


@live
async def test_a_time_out_gives_the_call_up() -> None:
    async with two() as (alice, bob):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await alice.call(bob.uri)
        theirs = await next_call(bob)
        async with asyncio.timeout(20):
            assert (await theirs.ended()).cause is sip.CallEnd.GIVEN_UP_THERE
        with pytest.raises(sip.aio.CallError):
            await theirs.answer()


@live
async def test_hold_and_resume() -> None:
    async with two() as (alice, bob):
        call, theirs = await talking(alice, bob)
        await call.hold()
        assert theirs.media.held
        await call.resume()
        assert not theirs.media.held
        with pytest.raises(sip.aio.TransferError) as caught:
            await call.transfer("sip:carol@example.com")
        assert caught.value.status == 405
        await theirs.hang_up()
        await call.ended()
        with pytest.raises(sip.aio.CallError):
            await call.hold()


@live
async def test_without_ports_for_media_the_caller_is_refused() -> None:
    def no_ports(*, host: str) -> rtp.aio.AudioSession:
        raise OSError("none left")

    async with (
        sip.aio.UserAgent("sip:alice@example.com", media=Sound) as alice,
        sip.aio.UserAgent("sip:bob@example.com", media=no_ports) as bob,
    ):
        calling = asyncio.create_task(alice.call(bob.uri))
        theirs = await next_call(bob)
        with pytest.raises(OSError, match="none left"):
            await theirs.answer()
        with pytest.raises(sip.aio.CallError) as caught:
            await calling
        assert caught.value.status == 500


@live
async def test_closing_hangs_up() -> None:
    async with sip.aio.UserAgent("sip:bob@example.com", media=Sound) as bob:
        async with sip.aio.UserAgent("sip:alice@example.com", media=Sound) as alice:
            _, theirs = await talking(alice, bob)
        async with asyncio.timeout(20):
            assert (await theirs.ended()).cause is sip.CallEnd.HUNG_UP_THERE


@live
async def test_a_call_that_nobody_ever_answers_is_over_when_the_user_agent_is_closed() -> None:
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    settings = sip.aio.UserAgentSettings(close_timeout=0.1)
    with contextlib.closing(silent):
        async with sip.aio.UserAgent("sip:alice@example.com", media=Sound, settings=settings) as alice:
            call = alice.dial(f"sip:bob@127.0.0.1:{silent.getsockname()[1]}")
            waiting = asyncio.create_task(call.answered())
            await asyncio.sleep(0.1)
        async with asyncio.timeout(20):
            with pytest.raises(sip.aio.CallError, match="the user agent was closed"):
                await waiting
            assert (await call.ended()).cause is sip.CallEnd.HUNG_UP_HERE
        assert call.media.is_over


@live
async def test_messages_are_read_and_refused() -> None:
    async with two() as (alice, bob):
        await alice.message(bob.uri, "hello")
        async with asyncio.timeout(20):
            async for message in bob.messages():
                assert (message.text, str(message.sender.uri)) == ("hello", "sip:alice@example.com")
                break
        with pytest.raises(sip.aio.MessageError) as caught:
            await alice.message(f"sip:nobody@{bob.uri.host}:{bob.uri.port}", "hello")
        assert caught.value.status == 404


@live
async def test_a_subscription_that_is_refused_raises() -> None:
    async with two() as (alice, bob):
        async with alice.subscribe(bob.uri, event="presence") as states:
            with pytest.raises(sip.aio.SubscriptionError) as caught:
                await anext(aiter(states))
        assert caught.value.status == 405


@live
async def test_without_media_there_are_messages_but_no_calls() -> None:
    async with sip.aio.UserAgent("sip:alice@example.com") as alice:
        with pytest.raises(sip.LocalProtocolError, match="media="):
            alice.dial("sip:bob@127.0.0.1")


@live
async def test_a_registration_that_nobody_answers_says_what_may_help() -> None:
    settings = sip.aio.UserAgentSettings(host="127.0.0.1")
    async with sip.aio.UserAgent(
        "sip:alice@127.0.0.1", server="sip:127.0.0.1:9;transport=tcp", settings=settings
    ) as alice:
        with pytest.raises(sip.aio.RegistrationError, match="does the server listen there"):
            await alice.register()


@pytest.mark.parametrize(
    ("aor", "server", "said"),
    [("alice", None, "aor must be a SIP URI"), ("sip:alice@example.com", "not a host", "server must be an address")],
)
def test_what_cannot_be_is_met_before_anything_is_opened(aor: str, server: str | None, said: str) -> None:
    with pytest.raises(sip.LocalProtocolError, match=said):
        sip.aio.UserAgent(aor, server=server)


def test_outside_of_its_block_it_says_how_it_is_used() -> None:
    with pytest.raises(sip.LocalProtocolError, match="async with"):
        _ = sip.aio.UserAgent("sip:alice@example.com").uri
