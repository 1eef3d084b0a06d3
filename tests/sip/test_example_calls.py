"""The examples with calls and subscriptions run, both sides of each, as they are printed."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Running:
    """An example in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().strip()

    async def rest(self) -> list[str]:
        """What it prints until it ends, which it does well."""
        assert self._process.stdout is not None
        lines = (await self._process.stdout.read()).decode().splitlines()
        assert await self._process.wait() == 0, lines
        return lines

    async def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    def close_input(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()


@contextlib.asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / name,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=EXAMPLES.parent,
        env={"PYTHONPATH": str(EXAMPLES.parent)},
    )
    try:
        yield Running(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def pitch(path: Path) -> float:
    """Hertz of a recorded tone, by its zero crossings while it is loud."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        samples: list[int] = [sample for (sample,) in struct.iter_unpack("<h", file.readframes(file.getnframes()))]
    loud = [at for at in range(0, len(samples), 160) if max(samples[at : at + 160]) > 4000]
    assert len(loud) >= 10, f"{len(loud)} of {len(samples) // 160} frames are loud"
    tone = samples[loud[0] : loud[-1] + 160]
    return sum(before < 0 <= after for before, after in itertools.pairwise(tone)) * 8000 / len(tone)


def test_two_phones_hear_each_other(tmp_path: Path) -> None:
    far, near = tmp_path / "far.wav", tmp_path / "near.wav"

    async def scenario() -> None:
        answering = ("--answer", "--tone", "600", "--record", str(far))
        async with running("call_with_audio.py", *answering) as callee:
            target, _ = (await callee.line()).split()
            calling = (target, "--tone", "1000", "--record", str(near), "--seconds", "2.0")
            async with running("call_with_audio.py", *calling) as caller:
                said = await caller.rest()
            assert said[:3] == ["180 Ringing", "talking PCMU", "over: bye sent"]
            heard = await callee.rest()
            assert heard[0] == "called by sip:phone@example.com"
            assert heard[1:3] == ["talking PCMU", "over: bye received"]

    asyncio.run(asyncio.wait_for(scenario(), 60.0))
    assert pitch(near) == pytest.approx(600, abs=40)
    assert pitch(far) == pytest.approx(1000, abs=40)


def test_a_wav_file_is_played_and_a_call_that_nobody_answers_fails(tmp_path: Path) -> None:
    spoken, heard = tmp_path / "spoken.wav", tmp_path / "heard.wav"
    with wave.open(str(spoken), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(struct.pack("<20h", *[12000] * 10, *[-12000] * 10) * 2400)  # 400 Hz for six seconds

    async def scenario() -> None:
        async with running("call_with_audio.py", "--answer", "--record", str(heard)) as callee:
            _, target = (await callee.line()).split()
            async with running("call_with_audio.py", target, "--play", str(spoken), "--seconds", "3.0") as caller:
                assert (await caller.rest())[-1] == "over: bye sent"
            await callee.rest()
        async with running("call_with_audio.py", target) as caller:
            assert await caller.rest() == ["over: transport"]

    asyncio.run(asyncio.wait_for(scenario(), 60.0))
    assert pitch(heard) == pytest.approx(400, abs=20)


def test_watchers_are_told_of_changes_until_one_leaves_and_the_notifier_ends() -> None:
    async def scenario() -> None:
        async with running("notifier.py", "sip:alice@example.com") as notifier:
            udp, tcp = (await notifier.line()).split()
            stays, leaves = ("--watch", udp), ("--watch", tcp, "--seconds", "1.0")
            async with running("notifier.py", *stays) as first, running("notifier.py", *leaves) as second:
                for watcher in (first, second):
                    assert await watcher.line() == "subscribed for 600 s"
                    assert await watcher.line() == "active: here"
                await notifier.type("at <lunch> & more")
                assert await first.line() == "active: at <lunch> & more"
                assert (await second.rest())[0] == "active: at <lunch> & more"
                notifier.close_input()
                assert await first.rest() == ["ended: noresource"]
            said = await notifier.rest()
            assert said[:2] == ["sip:watcher@example.com watches"] * 2
            assert len(said) == 4

    asyncio.run(asyncio.wait_for(scenario(), 60.0))
