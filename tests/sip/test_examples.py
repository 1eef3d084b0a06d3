"""The SIP examples run, together and as they are printed."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import socket
import sys
import wave
from collections.abc import AsyncIterator
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


@contextlib.asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[asyncio.StreamReader]:
    """An example in a process of its own; gives what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / name,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=EXAMPLES.parent,
        env={"PYTHONPATH": str(EXAMPLES.parent)},
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def line(output: asyncio.StreamReader) -> str:
    return (await output.readline()).decode().strip()


def free_place() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def test_whoever_watches_a_note_is_told_when_it_changes() -> None:
    async def scenario() -> None:
        at = free_place()
        async with running("note_notifier.py", "serve", at) as notifier:
            assert await line(notifier) == f"serve at {at}"
            async with running("note_notifier.py", "watch", at, "alice") as watcher:
                assert [await line(watcher) for _ in range(2)] == [f"watch at {at}", "active: ''"]
                async with running("note_notifier.py", "write", at, "alice", "out for lunch") as writer:
                    assert [await line(writer) for _ in range(2)] == [f"write at {at}", "ResponseReceived"]
                assert await line(watcher) == "active: 'out for lunch'"

    asyncio.run(asyncio.wait_for(scenario(), 30.0))


def loudness(path: Path, hertz: float) -> float:
    """How much of a recording is a tone (0 to 1), by its correlation with that tone."""
    with wave.open(str(path), "rb") as recording:
        samples = array.array("h", recording.readframes(recording.getnframes()))
    step = 2 * math.pi * hertz / 8000
    real = sum(sample * math.cos(step * n) for n, sample in enumerate(samples))
    imaginary = sum(sample * math.sin(step * n) for n, sample in enumerate(samples))
    energy = sum(sample * sample for sample in samples)
    return 2 * (real**2 + imaginary**2) / (len(samples) * energy) if energy else 0.0


def test_a_call_carries_both_tones(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, heard = free_place(), (tmp_path / "callee.wav", tmp_path / "caller.wav")
        async with running("call_with_audio.py", "answer", at, str(heard[0]), "0", "700") as callee:
            assert await line(callee) == f"answer {at}"
            async with running("call_with_audio.py", "call", f"sip:bob@{at}", str(heard[1]), "1.5", "440") as caller:
                wanted = [f"call sip:bob@{at}", "answered: 200 OK", "over: bye sent"]
                assert [await line(caller) for _ in wanted] == wanted
                assert await caller.read() == b""
            assert await line(callee) == "over: bye received"
            assert await callee.read() == b""
        # Only the tone of the other side, and most of the time.
        assert loudness(heard[0], 440.0) > 0.3
        assert loudness(heard[1], 700.0) > 0.3
        assert loudness(heard[0], 700.0) < 0.05

    asyncio.run(asyncio.wait_for(scenario(), 30.0))


def test_a_phone_registers_with_the_proxy_and_is_pinged_through_it() -> None:
    async def scenario() -> None:
        at = free_place()
        async with running("proxy_60_lines.py", "example.com", *at.split(":")) as proxy:
            assert await line(proxy) == f"serving example.com on {at}"
            async with running("register_phone.py", "sip:bob@example.com", at) as phone:
                assert (await line(phone)).startswith("REGISTER: 200 OK")
                assert (await line(proxy)).startswith("bob registered: sip:bob@127.0.0.1:")
                targets = (f"sip:{at}", f"sip:bob@{at};transport=tcp", f"sip:nobody@{at}")
                async with running("options_pinger.py", "-c", "1", "-i", "0", *targets) as pinger:
                    answers = sorted([await line(pinger) for _ in targets])
        assert [each.split(": ")[1].split(",")[0] for each in answers] == [
            "200 OK",
            "200 OK",
            "480 Temporarily Unavailable",
        ]

    asyncio.run(asyncio.wait_for(scenario(), 30.0))
