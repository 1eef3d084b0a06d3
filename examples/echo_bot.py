"""A bot that registers, takes every call, and says back what it hears.

Run: .venv/bin/python examples/echo_bot.py sip:echo@example.com 192.0.2.10 [password]
"""

import asyncio
import sys

import rtp.aio
import sip.aio


async def echo(call: sip.aio.Call[rtp.aio.AudioSession]) -> None:
    async with call:
        try:
            await call.answer()
            print("talking with", call.remote.uri, flush=True)
            await call.media.play(call.media.frames())
        except (sip.aio.CallError, OSError) as error:
            # No codec in common, hung up before the answer, no ports left:
            # that ends one call, and not the bot.
            print(error, flush=True)


async def main(aor: str, server: str, password: str | None = None) -> None:
    media = rtp.aio.AudioSession
    async with (
        sip.aio.UserAgent(aor, server=server, password=password, media=media) as ua,
        asyncio.TaskGroup() as calls,
    ):
        await ua.register()
        print("registered", flush=True)
        async for call in ua.incoming():
            calls.create_task(echo(call))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
