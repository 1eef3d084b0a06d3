"""Call somebody and play a WAV file: python examples/play_to_somebody.py sip:bob@example.com hello.wav 192.0.2.10"""

import asyncio
import sys

from rtp.aio import AudioSession
from sip.aio import UserAgent


async def main(target: str, wav: str, server: str) -> None:
    async with UserAgent("sip:bot@example.com", server=server, media=AudioSession) as ua, await ua.call(target) as call:
        await call.media.play(wav)


asyncio.run(main(*sys.argv[1:]))
