"""The SIP examples run, together and as they are printed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
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
