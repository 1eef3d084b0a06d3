"""Sound with asyncio and sockets, without any call: two sessions that were handed each other's descriptions."""

from __future__ import annotations

import array
import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import rtp
import rtp.aio
from tests.live import live

LOUD = array.array("h", [8000] * 160).tobytes()


@contextlib.asynccontextmanager
async def pair() -> AsyncIterator[tuple[rtp.aio.AudioSession, rtp.aio.AudioSession]]:
    now = asyncio.get_running_loop().time()
    async with rtp.aio.AudioSession() as one, rtp.aio.AudioSession() as other:
        one.receive_answer(other.receive_offer(one.make_offer(now=now), now=now), now=now)
        yield one, other


def is_loud(frame: bytes) -> bool:
    return max(array.array("h", frame)) > 6000


@live
async def test_frames_are_played_from_any_iterator_and_end_with_the_session() -> None:
    async def spoken() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield LOUD

    async with pair() as (one, other):
        heard = asyncio.create_task(_all(other))
        assert await one.play(spoken())
        assert await one.play([LOUD] * 5)
        assert await one.play(LOUD * 2 + LOUD[:100])
        await asyncio.sleep(0.2)
        other.close()
        assert 10 <= len([frame for frame in await heard if is_loud(frame)]) <= 22


async def _all(session: rtp.aio.AudioSession) -> list[bytes]:
    return [frame async for frame in session.frames()]


@live
async def test_what_is_not_played_to_the_end_says_so() -> None:
    async with pair() as (one, _):
        playing = asyncio.create_task(one.play([LOUD] * 500))
        waiting = asyncio.create_task(one.play([LOUD]))  # until the other is over
        await asyncio.sleep(0.1)
        assert not waiting.done()
        one.close()
        assert await playing is False
        assert await waiting is False
        assert await one.play(LOUD) is False
        assert await _all(one) == []
        one.close()  # nothing happens


@live
async def test_what_is_cancelled_is_silent_at_once() -> None:
    async with pair() as (one, other):
        playing = asyncio.create_task(one.play([LOUD] * 500))
        await asyncio.sleep(0.3)
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        assert await one.play(bytes(320))  # the way is free again
        await asyncio.sleep(0.4)
        assert not is_loud(await anext(other.frames()))


@live
async def test_a_recording_ends_with_the_session(tmp_path: Path) -> None:
    async with pair() as (one, other):
        recording = other.record(tmp_path / "all.wav")
        await one.play([LOUD] * 20)
        with other.record(tmp_path / "nothing.wav"):
            pass
    assert recording.path == tmp_path / "all.wav"
    assert is_loud(rtp.aio.read_wav(tmp_path / "all.wav"))
    assert rtp.aio.read_wav(tmp_path / "nothing.wav") == b""


@live
async def test_what_cannot_be_played_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    async with pair() as (one, _):
        with pytest.raises(ValueError, match="not a WAV file"):
            await one.play(tmp_path / "text.wav")
        with pytest.raises(OSError, match="nowhere"):
            await one.play(tmp_path / "nowhere.wav")
        with pytest.raises(OSError, match="no folder"):
            one.record(tmp_path / "no folder" / "x.wav")
        with pytest.raises(rtp.LocalProtocolError, match="two octets"):
            await one.play(b"x")
        assert await one.play(bytes(320))


@live
async def test_keys_are_told() -> None:
    async with pair() as (one, other):
        keys: list[str] = []
        other.on_key = keys.append
        one.send_keys("7*")
        while len(keys) < 2:
            await asyncio.sleep(0.02)
        assert keys == ["7", "*"]
    async with rtp.aio.AudioSession() as alone:
        with pytest.raises(rtp.LocalProtocolError, match="no sound yet"):
            alone.send_keys("1")
