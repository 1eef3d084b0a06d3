"""The programs of the front page run as they are printed, are short, and are typed strictly."""

from __future__ import annotations

import array
import asyncio
import contextlib
import math
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

import c3p
import focus.aio
import pyc3p
import rtp.aio
import sip
import sip.aio
from pyc3p.elements.loopback import reserved_ports
from tests.live import live

EXAMPLES = Path(__file__).parent.parent / "examples"
#: Lines that are neither blank nor a comment.
LENGTHS = {
    "echo_bot.py": 30,
    "play_to_somebody.py": 15,
    "presenter.py": 15,
    "whole_conference.py": 25,
    "twisted_server.py": 100,
    "policy_from_database.py": 25,
    "policy_later.py": 35,
    "c3p_document.py": 10,
}


@contextlib.asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(EXAMPLES / name), *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def line_of(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode().strip()


def phone(server: pyc3p.RunningServer, user: str) -> sip.aio.UserAgent[rtp.aio.AudioSession]:
    return sip.aio.UserAgent(server.aor(user), server=server.address, media=rtp.aio.AudioSession)


def tone(seconds: float) -> bytes:
    return array.array("h", [int(8000 * math.sin(n / 3)) for n in range(int(8000 * seconds))]).tobytes()


async def next_call(
    ua: sip.aio.UserAgent[rtp.aio.AudioSession], within: float = 60
) -> sip.aio.Call[rtp.aio.AudioSession]:
    async with asyncio.timeout(within):
        return await anext(ua.incoming())


@pytest.mark.parametrize("name", LENGTHS)
def test_a_program_is_short(name: str) -> None:
    lines = [line for line in (EXAMPLES / name).read_text().splitlines() if line.strip() and line[0] != "#"]
    assert len(lines) <= LENGTHS[name]


def test_the_programs_are_typed_strictly() -> None:
    pytest.importorskip("mypy")
    paths = [str(EXAMPLES / name) for name in LENGTHS]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *paths], capture_output=True, text=True, cwd=EXAMPLES.parent
    )
    assert done.returncode == 0, done.stdout


@live
async def test_the_echo_bot_says_what_it_hears() -> None:
    async with pyc3p.server() as server, running("echo_bot.py", server.aor("echo"), server.address) as bot:
        assert await line_of(bot) == "registered"
        async with phone(server, "ann") as ann:
            call = await ann.call(server.aor("echo"))
            assert await line_of(bot) == f"talking with {server.aor('ann')}"
            await call.media.play(tone(0.4))
            heard = b""
            async with asyncio.timeout(30):
                async for frame in call.media.frames():
                    heard = (heard + frame)[-640:]
                    if max(array.array("h", heard)) > 6000:
                        break


@live
async def test_the_echo_bot_outlives_callers_that_have_no_codec_in_common_with_it() -> None:
    offer = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"

    class Offers(sip.aio.NoMedia):
        body: ClassVar[bytes]

        def __init__(self, *, host: str) -> None:
            pass

        def make_offer(self, *, now: float) -> bytes:
            return self.body

    class Speaks729(Offers):
        body = offer + b"m=audio 40000 RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n"

    class Shows(Offers):
        body = offer + b"m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"

    async with pyc3p.server() as server, running("echo_bot.py", server.aor("echo"), server.address) as bot:
        assert await line_of(bot) == "registered"
        for media in (Speaks729, Shows):
            eve: sip.aio.UserAgent[Offers] = sip.aio.UserAgent(server.aor("eve"), server=server.address, media=media)
            async with eve:
                with pytest.raises(sip.aio.CallError, match="488"):
                    await eve.call(server.aor("echo"))
            assert "488" in await line_of(bot)
        async with phone(server, "ann") as ann:
            await ann.call(server.aor("echo"))
            assert await line_of(bot) == f"talking with {server.aor('ann')}"


@live
async def test_a_file_is_played_to_somebody(tmp_path: Path) -> None:
    rtp.aio.write_wav(tmp_path / "hello.wav", tone(0.5))
    async with pyc3p.server() as server, phone(server, "bob") as bob:
        await bob.register()
        arguments = (server.aor("bob"), str(tmp_path / "hello.wav"), server.address)
        async with running("play_to_somebody.py", *arguments) as program:
            call = await next_call(bob)
            await call.answer()
            with call.media.record(tmp_path / "heard.wav"):
                await call.ended()
            assert await program.wait() == 0
    assert max(array.array("h", rtp.aio.read_wav(tmp_path / "heard.wav"))) > 6000


@live
async def test_the_presenter_dials_out_and_waits() -> None:
    async with pyc3p.server() as server, phone(server, "bob") as bob:
        await bob.register()
        arguments = (server.address, server.aor("ann"), server.aor("bob"))
        async with running("presenter.py", *arguments) as presenter:
            call = await next_call(bob)
            await call.answer()
            await asyncio.sleep(0.3)
            assert presenter.returncode is None
            await call.hang_up()
            async with asyncio.timeout(60):
                assert await presenter.wait() == 0


@live
async def test_a_whole_conference_in_one_program() -> None:
    async with running("whole_conference.py") as program:
        assert await line_of(program) == "joined as presenter"
        assert await line_of(program) == "['sip:ann@127.0.0.1', 'sip:bob@127.0.0.1']"
        async with asyncio.timeout(60):
            assert await program.wait() == 0


@live
async def test_a_database_decides_who_joins_and_who_is_called(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "people.db")) as database, database:
        database.execute("CREATE TABLE members (uri TEXT)")
        database.execute("CREATE TABLE callable (uri TEXT)")
        database.execute("INSERT INTO members VALUES ('sip:ann@127.0.0.1')")
    async with running("policy_from_database.py", str(tmp_path / "people.db")) as program:
        address = (await line_of(program)).removeprefix("serving at ")
        async with focus.aio.connect(address, aor="sip:eve@127.0.0.1") as client:
            conference = await client.create()
            with pytest.raises(focus.aio.JoinError) as caught:
                await conference.join()
            assert (caught.value.status, caught.value.reason) == (403, "403 no member")
        async with focus.aio.connect(address, aor="sip:ann@127.0.0.1") as client:
            conference = await client.create()
            assert await conference.join() == "presenter"
            with pytest.raises(focus.aio.CommandError, match="not in the list"):
                await (await conference.dial("sip:bob@127.0.0.1")).answered()


@live
async def test_a_directory_decides_later_who_is_called() -> None:
    async with running("policy_later.py") as program:
        address = (await line_of(program)).removeprefix("serving at ")
        bob = sip.aio.UserAgent("sip:bob@127.0.0.1", server=address, media=rtp.aio.AudioSession)
        async with bob, focus.aio.connect(address, aor="sip:ann@127.0.0.1") as ann:
            await bob.register()
            conference = await ann.create()
            await conference.join()
            leg = await conference.dial("sip:bob@127.0.0.1")
            await (await next_call(bob)).answer()
            await leg.answered()
            with pytest.raises(focus.aio.CommandError, match="not in the directory"):
                await (await conference.dial("sip:eve@127.0.0.1")).answered()


@live
async def test_the_same_server_inside_twisted() -> None:
    """Over UDP alone, so whoever comes must not change to TCP for what is large."""
    pytest.importorskip("twisted")
    with reserved_ports(2) as ports:
        sip_port, http_port = ports
    endpoint = sip.EndpointConfig(udp_max_request=60_000)
    settings = focus.aio.ConnectSettings(endpoint=endpoint)
    at = f"sip:127.0.0.1:{sip_port};transport=udp"
    async with (
        running("twisted_server.py", "127.0.0.1", str(sip_port), str(http_port)) as program,
        sip.aio.UserAgent("sip:bob@127.0.0.1", media=rtp.aio.AudioSession) as bob,
    ):
        assert await line_of(program) == "serving"
        async with focus.aio.connect(at, aor="sip:ann@127.0.0.1", settings=settings) as ann:
            conference = await ann.create(subject="Twisted")
            assert await conference.join() == "presenter"
            leg = await conference.dial(str(bob.uri))
            call = await next_call(bob)
            await call.answer()
            await leg.answered()
            assert conference.roster.is_connected(bob.uri)  # over UDP, which keeps no order
            await call.media.play(tone(0.5))
            counters = call.media.counters
            assert counters is not None
            assert counters.received > 10
            await conference.end()
            async with asyncio.timeout(30):
                assert (await call.ended()).cause is sip.CallEnd.HUNG_UP_THERE


def test_a_document_is_read_changed_and_printed() -> None:
    keys = c3p.ConferenceKeys(conf_entity="sip:ann@example.com;gruu;opaque=app:conf:focus:id:A1")
    command = c3p.DeleteConference(conference_keys=keys)
    request = c3p.Request(request_id="1", from_="sip:ann@example.com", to=keys.conf_entity or "", command=command)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "c3p_document.py")], input=bytes(request), capture_output=True, check=True
    )
    printed = c3p.parse_document(done.stdout)
    assert isinstance(printed, c3p.Request)
    assert (printed.request_id, printed.originator_role, printed.command) == ("2", "presenter", command)
    assert done.stdout.count(b"\n") > 4
