"""Focus, MCU, a phone and a presenter in one program: it is called, heard and muted."""

import asyncio

import focus.aio
import pyc3p
import rtp.aio
import sip.aio


async def phone(aor: str, server: str) -> None:
    async with sip.aio.UserAgent(aor, server=server, media=rtp.aio.AudioSession) as bob:
        await bob.register()
        async for call in bob.incoming():
            await call.answer()
            await call.media.play(call.media.frames())


async def main() -> None:
    async with pyc3p.server() as server, asyncio.TaskGroup() as tasks:
        ringing = tasks.create_task(phone(server.aor("bob"), server.address))
        async with focus.aio.connect(server.address, aor=server.aor("ann")) as client:
            conference = await client.create(subject="Everything at once")
            print("joined as", await conference.join())
            leg = await conference.dial(server.aor("bob"))
            await leg.answered()
            print([user.entity for user in conference.roster])
            await conference.mute(leg.uri)
            await conference.end()
        ringing.cancel()


asyncio.run(main())
