"""Call somebody and play a WAV file.

Run: .venv/bin/python examples/play_to_somebody.py sip:bob@example.com hello.wav SERVER
"""

import asyncio
import sys

import rtp.aio
import sip.aio


async def main(target: str, wav: str, server: str) -> None:
    me, media = "sip:bot@example.com", rtp.aio.AudioSession
    async with (
        sip.aio.UserAgent(me, server=server, media=media) as ua,
        await ua.call(target) as call,
    ):
        await call.media.play(wav)


asyncio.run(main(*sys.argv[1:]))
