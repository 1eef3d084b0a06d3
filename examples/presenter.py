"""Call somebody into a new conference, and stay for as long as that one does.

Run: .venv/bin/python examples/presenter.py SERVER sip:ann@192.0.2.10 sip:bob@192.0.2.10
"""

import asyncio
import sys

import focus.aio


async def main(server: str, aor: str, target: str) -> None:
    async with focus.aio.connect(server, aor=aor) as client:
        conference = await client.create(subject="Hello")
        await conference.join()
        await (await conference.dial(target)).answered()
        await conference.until(lambda roster: not roster.statuses(target))


asyncio.run(main(*sys.argv[1:]))
